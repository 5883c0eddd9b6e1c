/* test_gain.c - gain: dsp.md 3.1 and 2.6. */
#include "node_host.h"
#include "spectrum.h"
#include "test.h"

#define RATE 48000.0
#define FRAMES 16384u

static float in[2][FRAMES], out[2][FRAMES];
static const float *const ins[] = {in[0], in[1]};
static float *const outs[] = {out[0], out[1]};

static void gain_sine(double hz, double level)
{
	for (uint32_t i = 0; i < FRAMES; i++)
		in[0][i] = in[1][i] = (float)(level * sin(2 * M_PI * hz / RATE * i));
}

TEST(gain_of_0_db_is_a_copy)
{
	struct node_host *host = node_host_open("gain", &(struct node_host_setup){0});

	for (uint32_t i = 0; i < FRAMES; i++)
		in[0][i] = in[1][i] = (float)(test_random() * 4 - 2);
	node_host_process(host, ins, outs, FRAMES);
	CHECK(memcmp(in, out, sizeof(in)) == 0);
	node_host_free(host);
}

TEST(gain_is_accurate)
{
	static const double gains_db[] = {-143, -60, -6.0206, -0.1, 6.0206, 24};

	gain_sine(1000, 0.5);
	for (size_t i = 0; i < sizeof(gains_db) / sizeof(gains_db[0]); i++) {
		struct node_host *host = node_host_open("gain", &(struct node_host_setup){0});

		node_host_jump(host, 0, "gain", gains_db[i]);
		node_host_process(host, ins, outs, FRAMES);
		for (uint32_t k = 0; k < FRAMES; k++)
			CHECK_NEAR((double)out[1][k], (double)in[1][k] * pow(10, gains_db[i] / 20),
				   1.5e-7 * fabs((double)out[1][k]) + 1e-38);
		node_host_free(host);
	}
}

TEST(gain_lowest_is_silence_and_stops_nan)
{
	struct node_host *host = node_host_open("gain", &(struct node_host_setup){0});

	gain_sine(1000, 0.5);
	in[0][5] = NAN;
	node_host_jump(host, 0, "gain", -144);
	node_host_process(host, ins, outs, 256);
	for (uint32_t i = 0; i < 256; i++)
		CHECK(out[0][i] == 0, "%g", (double)out[0][i]);
	node_host_free(host);
}

TEST(gain_reaches_its_target_in_20_ms_exactly)
{
	struct node_host *host = node_host_open("gain", &(struct node_host_setup){0});

	for (uint32_t i = 0; i < FRAMES; i++)
		in[0][i] = in[1][i] = 1;
	node_host_set(host, 0, "gain", -20);
	node_host_process(host, ins, outs, 1024);
	CHECK(out[0][0] == 1 && out[0][900] > 0.1f);
	CHECK(out[0][976] == (float)0.1 && out[0][1023] == (float)0.1);
	for (uint32_t i = 1; i < 1024; i++)
		CHECK(out[0][i] <= out[0][i - 1], "not monotonic at %u", i);
	CHECK(!node_host_moving(host));
	node_host_free(host);
}

/* A 20 dB step on a full-scale 1 kHz sine: nothing above -90 dBFS farther than 500 Hz. */
TEST(gain_step_keeps_its_sidebands_low)
{
	struct node_host *host = node_host_open("gain", &(struct node_host_setup){0});
	double highest = 0, at = 0;

	gain_sine(1000, 1);
	node_host_process(host, ins, outs, FRAMES / 2 - 480);
	node_host_set(host, 0, "gain", -20);
	for (int c = 0; c < 2; c++)
		CHECK(out[c] != NULL);
	{
		const float *const rest_in[] = {in[0] + FRAMES / 2 - 480, in[1] + FRAMES / 2 - 480};
		float *const rest_out[] = {out[0] + FRAMES / 2 - 480, out[1] + FRAMES / 2 - 480};

		node_host_process(host, rest_in, rest_out, FRAMES / 2 + 480);
	}
	for (double hz = 1500; hz < 23500; hz += 40) {
		double level =
			spectrum_amplitude(out[0] + 4096, 8192, RATE, hz, spectrum_albrecht, 7);

		if (level > highest) {
			highest = level;
			at = hz;
		}
	}
	test_note("highest sideband %.1f dBFS at %.0f Hz", spectrum_db(highest), at);
	CHECK(spectrum_db(highest) <= -90, "%.1f dBFS at %.0f Hz", spectrum_db(highest), at);
	node_host_free(host);
}

TEST(gain_invert_glides_through_zero)
{
	struct node_host *host = node_host_open("gain", &(struct node_host_setup){0});

	for (uint32_t i = 0; i < FRAMES; i++)
		in[0][i] = in[1][i] = 1;
	node_host_set(host, 0, "invert", 1);
	node_host_process(host, ins, outs, 2048);
	CHECK(out[0][0] == 1 && out[0][1023] == -1 && out[0][2047] == -1);
	for (uint32_t i = 1; i < 2048; i++)
		CHECK(fabsf(out[0][i] - out[0][i - 1]) < 0.0035f, "a step at %u", i);
	/* Back, half way. */
	node_host_set(host, 0, "invert", 0);
	node_host_process(host, ins, outs, 480);
	node_host_set(host, 0, "invert", 1);
	node_host_process(host, ins, outs, 2048);
	CHECK(out[0][2047] == -1);
	node_host_free(host);
}
