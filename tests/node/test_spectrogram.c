/* test_spectrogram.c - columns in time, bands in frequency, for a client of 30 Hz: dsp.md 11.3. */
#include "node_host.h"
#include "test.h"

#define RATE 48000.0
#define FRAMES 48000u
#define BANDS 160u

static float in[2][FRAMES];
static const float *const ins[] = {in[0], in[1]};

static double column(const struct node_host *host, const char *row, uint32_t k)
{
	char id[32];

	snprintf(id, sizeof(id), "%s%u", row, k);
	return node_host_meter(host, 0, id);
}

static void spectrogram_sine(double hz, double level)
{
	for (uint32_t i = 0; i < FRAMES; i++)
		in[0][i] = in[1][i] = (float)(level * sin(2 * M_PI * hz / RATE * i));
}

TEST(spectrogram_shows_a_tone_at_its_place_and_level)
{
	struct node_host *host = node_host_open("spectrogram", &(struct node_host_setup){0});

	node_host_jump(host, 0, "tilt", 0);
	for (uint32_t k = 60; k <= 158; k += 7) { /* below, bins are wider than bands */
		double hz = 1000 * pow(2, (k - 91.0) / 16);

		node_host_reset(host);
		spectrogram_sine(hz, 0.1);
		node_host_process(host, ins, NULL, FRAMES);
		CHECK_NEAR(column(host, "now", k), -20.5, 1); /* Hann: up to -1.42 dB */
		if (k + 24 <= BANDS)
			CHECK(column(host, "now", k + 24) < -80);
		CHECK(column(host, "now", k - 24) < -75, "%g Hz", hz);
	}
	node_host_free(host);
}

TEST(spectrogram_levels_are_eight_bits)
{
	struct node_host *host = node_host_open("spectrogram", &(struct node_host_setup){0});

	for (uint32_t i = 0; i < FRAMES; i++)
		in[0][i] = in[1][i] = (float)(test_random() - 0.5);
	node_host_process(host, NULL, NULL, FRAMES);
	CHECK(column(host, "now", 91) == -127.5);
	node_host_process(host, ins, NULL, FRAMES);
	for (uint32_t k = 1; k <= BANDS; k++)
		CHECK(column(host, "now", k) * 2 == floor(column(host, "now", k) * 2) &&
		      column(host, "now", k) >= -127.5);
	node_host_free(host);
}

/* Columns come as fast as asked, at every rate; none is missed by who reads at 30 Hz. */
TEST(spectrogram_columns_come_in_order)
{
	static const double rates[] = {44100, 48000, 96000, 192000};

	for (size_t r = 0; r < 4; r++) {
		struct node_host *host =
			node_host_open("spectrogram", &(struct node_host_setup){.rate = rates[r]});
		uint32_t step = (uint32_t)(rates[r] / 30), missed = 0;
		double seen = 0, before = 0;

		for (uint32_t at = 0; at < 60; at++) {
			for (uint32_t i = 0; i < FRAMES; i++)
				in[0][i] = in[1][i] = (float)(test_random() - 0.5);
			node_host_process(host, ins, NULL, step);
			if (node_host_meter(host, 0, "column") > seen + 1)
				missed++;
			if (node_host_meter(host, 0, "column") == seen + 1 && seen > 0)
				CHECK(column(host, "before", 120) == before);
			seen = node_host_meter(host, 0, "column");
			before = column(host, "now", 120);
		}
		CHECK(missed == 0, "%u missed at %g Hz", missed, rates[r]);
		CHECK_NEAR(seen, 2 * 25, 8); /* whole transforms */
		node_host_free(host);
	}
}

TEST(spectrogram_speed_pause_and_channel)
{
	struct node_host *host = node_host_open("spectrogram", &(struct node_host_setup){0});
	double slow, stopped;

	spectrogram_sine(1000, 0.5);
	memset(in[1], 0, sizeof(in[1]));
	node_host_jump(host, 0, "tilt", 0);
	node_host_jump(host, 0, "speed", 5);
	node_host_jump(host, 0, "pool", 0);
	node_host_jump(host, 0, "channel", 2);
	node_host_process(host, ins, NULL, FRAMES);
	slow = node_host_meter(host, 0, "column");
	CHECK_NEAR(slow, 5, 1);
	CHECK(column(host, "now", 91) == -127.5);
	node_host_jump(host, 0, "channel", 1);
	node_host_process(host, ins, NULL, FRAMES);
	CHECK_NEAR(column(host, "now", 91), -6, 1.5);
	node_host_jump(host, 0, "pause", 1);
	stopped = node_host_meter(host, 0, "column");
	node_host_process(host, NULL, NULL, FRAMES);
	CHECK(node_host_meter(host, 0, "column") == stopped);
	CHECK_NEAR(column(host, "now", 91), -6, 1.5);
	node_host_free(host);
}
