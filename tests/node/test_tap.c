/* test_tap.c - what tap measures, against what was put in. */
#include "node_host.h"
#include "test.h"

#define RATE 48000.0
#define FRAMES 48000u

static float in[2][FRAMES], out[2][FRAMES];
static const float *const ins[] = {in[0], in[1]};
static float *const outs[] = {out[0], out[1]};

static double meter(const struct node_host *host, const char *id)
{
	return node_host_meter(host, 0, id);
}

static struct node_host *tap_open(double true_peak)
{
	static struct node_host_config configs[2];

	configs[0] = (struct node_host_config){"true_peak", true_peak, NULL};
	return node_host_open("tap", &(struct node_host_setup){.configs = configs});
}

static void tap_sine(float *x, double hz, double level, double dc)
{
	for (uint32_t i = 0; i < FRAMES; i++)
		x[i] = (float)(dc + level * sin(2 * M_PI * hz / RATE * i));
}

TEST(tap_levels_of_a_sine)
{
	struct node_host *host = tap_open(0);

	tap_sine(in[0], 1000, 0.5, 0);
	tap_sine(in[1], 1000, 0.25, 0.1);
	node_host_process(host, ins, outs, FRAMES);
	CHECK(memcmp(in, out, sizeof(in)) == 0);
	CHECK_NEAR(meter(host, "sp1"), -6.0206, 1e-3);
	CHECK_NEAR(meter(host, "sp_max2"), 20 * log10(0.35), 1e-3);
	CHECK_NEAR(meter(host, "rms1"), -9.0309, 1e-3);
	CHECK_NEAR(meter(host, "rms2"), 10 * log10(0.03125 + 0.01), 1e-3);
	CHECK_NEAR(meter(host, "crest1"), 3.0103, 1e-3);
	CHECK_NEAR(meter(host, "dc1"), 0, 1e-6);
	CHECK_NEAR(meter(host, "dc2"), 10, 1e-4);
	CHECK(meter(host, "clips1") == 0 && meter(host, "tp_max1") == -INFINITY);
	node_host_process(host, NULL, NULL, 14400); /* the window is over */
	CHECK(meter(host, "rms1") == -INFINITY && meter(host, "crest1") == 0);
	CHECK_NEAR(meter(host, "sp_max1"), -6.0206, 1e-3);
	node_host_set(host, 0, "reset", 1);
	node_host_process(host, NULL, NULL, 4800);
	CHECK(meter(host, "sp_max1") == -INFINITY);
	node_host_free(host);
}

/* A quarter of the rate at 45 degrees: 3.01 dB between the samples. */
TEST(tap_true_peak)
{
	struct node_host *host = tap_open(1);

	for (uint32_t i = 0; i < FRAMES; i++)
		in[0][i] = in[1][i] =
			(float)(0.5 * sin(M_PI / 2 * i + M_PI / 4) * fmin(1, (double)i / 4800));
	node_host_process(host, ins, NULL, FRAMES);
	CHECK_NEAR(meter(host, "sp_max1"), -9.0309, 1e-3);
	CHECK_NEAR(meter(host, "tp_max1"), -6.0206, 0.05);
	node_host_free(host);
}

TEST(tap_counts_clips)
{
	struct node_host *host = tap_open(0);

	tap_sine(in[0], 100, 0.5, 0);
	memset(in[1], 0, sizeof(in[1]));
	for (uint32_t k = 0; k < 7; k++) /* runs of 3 .. 9, one of them across blocks and ticks */
		for (uint32_t i = 0; i < 3 + k; i++)
			in[0][478 + 1000 * k + i] = k % 2 ? 1.0f : -1.0f;
	for (uint32_t k = 0; k < 5; k++) /* shorter ones are peaks, not clips */
		in[0][20000 + 100 * k] = in[0][20001 + 100 * k] = 1.0f;
	for (uint32_t at = 0; at < FRAMES; at += 480) {
		const float *const part[] = {in[0] + at, in[1] + at};

		node_host_process(host, part, NULL, 480);
	}
	CHECK(meter(host, "clips1") == 7, "%g", meter(host, "clips1"));
	CHECK(meter(host, "clips2") == 0);
	node_host_set(host, 0, "clip_frames", 2);
	node_host_set(host, 0, "reset", 1);
	node_host_process(host, ins, NULL, FRAMES);
	CHECK(meter(host, "clips1") == 12, "%g", meter(host, "clips1"));
	node_host_free(host);
}

TEST(tap_mid_and_side)
{
	struct node_host *host = tap_open(0);

	tap_sine(in[0], 1000, 0.5, 0);
	for (uint32_t i = 0; i < FRAMES; i++)
		in[1][i] = -0.5f * in[0][i];
	node_host_jump(host, 0, "view", 1);
	node_host_process(host, ins, outs, FRAMES);
	CHECK(memcmp(in, out, sizeof(in)) == 0);
	CHECK_NEAR(meter(host, "sp1"), 20 * log10(0.125), 1e-3);
	CHECK_NEAR(meter(host, "sp2"), 20 * log10(0.375), 1e-3);
	node_host_free(host);
}

TEST(tap_waveform_is_the_outline)
{
	struct node_host *host = tap_open(0);
	uint32_t slot = 48000 / 128; /* of 1 s */

	for (uint32_t i = 0; i < FRAMES; i++) {
		in[0][i] = (float)(test_random() - 0.5);
		in[1][i] = (float)(2 * test_random() - 1);
	}
	node_host_jump(host, 0, "span", 1);
	for (int channel = 0; channel <= 2; channel++) {
		node_host_jump(host, 0, "channel", channel);
		node_host_reset(host);
		node_host_process(host, ins, NULL, FRAMES);
		CHECK(meter(host, "slots") == 128);
		for (uint32_t k = 0; k < 128; k++) {
			float low = 9, high = -9;
			char id[16];

			for (uint32_t i = k * slot; i < (k + 1) * slot; i++)
				for (int c = 0; c < 2; c++) {
					if (channel && c != channel - 1)
						continue;
					low = fminf(low, in[c][i]);
					high = fmaxf(high, in[c][i]);
				}
			snprintf(id, sizeof(id), "lowest%u", k + 1);
			CHECK(meter(host, id) == (double)low);
			snprintf(id, sizeof(id), "highest%u", k + 1);
			CHECK(meter(host, id) == (double)high);
		}
	}
	node_host_free(host);
}

TEST(tap_does_not_depend_on_blocks_and_forgets_nan)
{
	static const char *const rows[] = {"rms1",    "dc2",	"crest1", "sp_max2",
					   "tp_max1", "clips1", "slots"};
	struct node_host *a = tap_open(1), *b = tap_open(1);

	for (uint32_t i = 0; i < FRAMES; i++) {
		in[0][i] = (float)(2.4 * test_random() - 1.2);
		in[1][i] = (float)(test_random() - 0.4);
	}
	node_host_process(a, ins, NULL, 20000);
	for (uint32_t at = 0, n; at < 20000; at += n) {
		const float *const part[] = {in[0] + at, in[1] + at};

		n = 1 + test_random_below(90);
		n = n < 20000 - at ? n : 20000 - at;
		node_host_process(b, part, NULL, n);
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		CHECK(meter(a, rows[i]) == meter(b, rows[i]), "%s", rows[i]);
	in[0][77] = NAN;
	node_host_process(a, ins, NULL, 960);
	CHECK(!isnan(meter(a, "rms1")) && !isnan(meter(a, "sp_max1")) &&
	      !isnan(meter(a, "tp_max1")));
	node_host_free(a);
	node_host_free(b);
}
