/* dc: dsp.md 7.7. */
#include "node_host.h"
#include "test.h"

#define RATE 48000.0
#define FRAMES 192000u

static float in[2][FRAMES], out[2][FRAMES];

static void dc_run(double slope, double freq, double listen)
{
	struct node_host_config configs[] = {{"slope", slope, NULL}, {NULL, 0, NULL}};
	struct node_host *host =
		node_host_open("dc", &(struct node_host_setup){.configs = configs});

	node_host_jump(host, 0, "freq", freq);
	node_host_jump(host, 0, "listen", listen);
	node_host_process(host, (const float *[]){in[0], in[1]}, (float *[]){out[0], out[1]},
			  FRAMES);
	node_host_free(host);
}

TEST(dc_is_100_db_down_after_2_s)
{
	for (int slope = 0; slope < 2; slope++) {
		for (uint32_t i = 0; i < FRAMES; i++)
			in[0][i] = in[1][i] = 0.1f;
		dc_run(slope, 5, 0);
		for (uint32_t i = 96000; i < FRAMES; i++)
			CHECK(fabsf(out[0][i]) <= 1e-5f, "%g at %u", (double)out[0][i], i);
	}
}

static double dc_level_db(const float *x, double hz)
{
	double re = 0, im = 0;

	for (uint32_t i = 96000; i < FRAMES; i++) {
		re += (double)x[i] * cos(2 * M_PI * hz / RATE * i);
		im += (double)x[i] * sin(2 * M_PI * hz / RATE * i);
	}
	return 20 * log10(2 * sqrt(re * re + im * im) / 96000);
}

static void dc_tone(double hz)
{
	for (uint32_t i = 0; i < FRAMES; i++)
		in[0][i] = in[1][i] = (float)sin(2 * M_PI * hz / RATE * i);
}

TEST(dc_costs_20_hz_0_3_db_at_5_hz) /* dsp.md 7.7; -0.263 dB by 1 / sqrt(1 + (5 / 20)^2) */
{
	dc_tone(20);
	dc_run(0, 5, 0);
	CHECK_NEAR(dc_level_db(out[0], 20), -10 * log10(1 + 1.0 / 16), 0.002);
	CHECK(dc_level_db(out[0], 20) >= -0.3);
	dc_run(1, 5, 0);
	CHECK_NEAR(dc_level_db(out[0], 20), -10 * log10(1 + 1.0 / 256), 0.002);
}

TEST(dc_is_3_db_down_at_its_corner)
{
	static const double corners[] = {1, 5, 20};

	for (int slope = 0; slope < 2; slope++)
		for (int k = 0; k < 3; k++) {
			dc_tone(corners[k]);
			dc_run(slope, corners[k], 0);
			CHECK_NEAR(dc_level_db(out[0], corners[k]), -3.0103, 0.02);
		}
}

/* The phase note of dsp.md 7.7: atan(f0 / f) ahead: 2.9 degrees at 20 times the corner. */
TEST(dc_phase_is_that_of_one_pole)
{
	double re = 0, im = 0;

	dc_tone(100);
	dc_run(0, 5, 0);
	for (uint32_t i = 96000; i < FRAMES; i++) {
		re += (double)out[0][i] * sin(2 * M_PI * 100 / RATE * i);
		im += (double)out[0][i] * cos(2 * M_PI * 100 / RATE * i);
	}
	CHECK_NEAR(atan2(im, re) * 180 / M_PI, atan(0.05) * 180 / M_PI, 0.01);
}

TEST(dc_rest_and_removed_are_the_whole)
{
	static float rest[FRAMES];

	for (uint32_t i = 0; i < FRAMES; i++)
		in[0][i] = in[1][i] = (float)(0.3 + test_random() - 0.5);
	dc_run(0, 10, 0);
	memcpy(rest, out[0], sizeof(rest));
	dc_run(0, 10, 1);
	for (uint32_t i = 0; i < FRAMES; i++)
		CHECK_NEAR((double)rest[i] + (double)out[0][i], (double)in[0][i], 2e-7);
}

TEST(dc_sounds_as_response_says)
{
	static const double hz[] = {2, 5, 20, 100};
	const struct mixd_node_type *type = node_host_type("dc", NULL);
	double db[4];

	for (int listen = 0; listen < 2; listen++) {
		type->response(
			&(struct mixd_response){.params = (const double[]){5, listen},
						.config = (const struct mixd_value[]){{1, NULL}},
						.rate = RATE,
						.freq_hz = hz,
						.n = 4},
			db);
		for (int k = 0; k < 4; k++) {
			dc_tone(hz[k]);
			dc_run(1, 5, listen);
			CHECK_NEAR(dc_level_db(out[0], hz[k]), db[k], 0.01);
		}
	}
}
