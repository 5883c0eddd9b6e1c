/* test_tremolo.c - tremolo: the swing is as long, as deep and as smooth as it says. */
#include "node_host.h"
#include "spectrum.h"
#include "test.h"

#define RATE 48000.0
#define FRAMES 96000u

static float in[2][FRAMES], out[2][FRAMES];

/* The gain over FRAMES with SHAPE. */
static void tremolo_gain(double shape, double rate_hz, double depth, double spread)
{
	struct node_host *host = node_host_open("tremolo", &(struct node_host_setup){0});

	for (uint32_t i = 0; i < FRAMES; i++)
		in[0][i] = in[1][i] = 1;
	node_host_jump(host, 0, "shape", shape);
	node_host_jump(host, 0, "rate", rate_hz);
	node_host_jump(host, 0, "depth", depth);
	node_host_jump(host, 0, "spread", spread);
	node_host_process(host, (const float *[]){in[0], in[1]}, (float *[]){out[0], out[1]},
			  FRAMES);
	node_host_free(host);
}

TEST(tremolo_sine_is_one)
{
	tremolo_gain(0, 6, 80, 0);
	for (uint32_t i = 0; i < FRAMES; i++) {
		double want = 1 - 0.4 * (1 - cos(2 * M_PI * 6 / RATE * i));

		CHECK_NEAR((double)out[0][i], want, 1.5e-7);
		CHECK(out[1][i] == out[0][i]);
	}
}

TEST(tremolo_spread_sets_right_behind)
{
	tremolo_gain(0, 4, 100, 90);
	for (uint32_t i = 6000; i < FRAMES; i++) {
		CHECK_NEAR((double)out[1][i], 0.5 + 0.5 * cos(2 * M_PI * 4 / RATE * i - M_PI / 2),
			   1.5e-7);
		CHECK_NEAR((double)out[1][i], (double)out[0][i - 3000], 1.5e-7);
	}
}

TEST(tremolo_shapes_reach_their_ends_and_repeat)
{
	for (int shape = 0; shape < 5; shape++) {
		double low = 1, high = 0, most = 0;

		tremolo_gain(shape, 5, 100, 0);
		for (uint32_t i = 9600; i < FRAMES; i++) {
			low = fmin(low, (double)out[0][i]);
			high = fmax(high, (double)out[0][i]);
			most = fmax(most, fabs((double)out[0][i] - (double)out[0][i - 1]));
			CHECK_NEAR((double)out[0][i], (double)out[0][i - 9600], 1e-6);
		}
		/* The edge of 8 ms rounds saw and ramp off by 2 % at either end. */
		CHECK(low <= 0.021 && high >= 0.979, "shape %d: %g .. %g", shape, low, high);
		CHECK(most <= 1.5 / (0.008 * RATE) * 1.01, "shape %d: a step of %g", shape, most);
	}
}

TEST(tremolo_square_is_half_up_half_down)
{
	uint32_t up = 0, down = 0;

	tremolo_gain(2, 5, 100, 0);
	for (uint32_t i = 0; i < 48000; i++) {
		up += out[0][i] == 1;
		down += out[0][i] == 0;
	}
	CHECK_NEAR(up, 48000 * (0.5 - 0.04), 20); /* less the edge */
	CHECK_NEAR(down, 48000 * (0.5 - 0.04), 20);
}

TEST(tremolo_notes_last_as_long_as_bpm_says)
{
	/* quarters of a note; labels of the enum */
	static const double quarters[] = {0,	   4,	 2,   4.0 / 3, 1.5, 1,
					  2.0 / 3, 0.75, 0.5, 1.0 / 3, 0.25};

	for (int note = 1; note <= 10; note++) {
		struct node_host *host = node_host_open("tremolo", &(struct node_host_setup){0});
		double hz = 100.0 / 60 / quarters[note];

		for (uint32_t i = 0; i < FRAMES; i++)
			in[0][i] = in[1][i] = 1;
		node_host_jump(host, 0, "note", note);
		node_host_jump(host, 0, "bpm", 100);
		node_host_process(host, (const float *[]){in[0], in[1]},
				  (float *[]){out[0], out[1]}, FRAMES);
		for (uint32_t i = 0; i < FRAMES; i += 7)
			CHECK_NEAR((double)out[0][i], 0.75 + 0.25 * cos(2 * M_PI * hz / RATE * i),
				   2e-7);
		node_host_free(host);
	}
}

/* Amplitude modulation of a sine by a sine has two sidebands, depth / 4 each, and nothing else. */
TEST(tremolo_has_its_two_sidebands_only)
{
	double worst = -300;

	tremolo_gain(0, 20, 50, 0);
	for (uint32_t i = 0; i < FRAMES; i++)
		in[0][i] = (float)sin(2 * M_PI * 1000 / RATE * i) * out[0][i];
	CHECK_NEAR(spectrum_db(spectrum_amplitude(in[0], 48000, RATE, 1020, spectrum_albrecht, 7)),
		   20 * log10(0.125), 0.01);
	for (double hz = 20; hz < 23900; hz += 331)
		if (fabs(hz - 1000) > 60)
			worst = fmax(worst, spectrum_db(spectrum_amplitude(in[0], 48000, RATE, hz,
									   spectrum_albrecht, 7)));
	test_note("highest other line %.1f dBFS", worst);
	CHECK(worst < -120);
}

TEST(tremolo_changes_of_rate_and_shape_are_smooth)
{
	struct node_host *host = node_host_open("tremolo", &(struct node_host_setup){0});
	double most = 0;

	for (uint32_t i = 0; i < FRAMES; i++)
		in[0][i] = in[1][i] = 1;
	for (uint32_t at = 0; at < FRAMES; at += 2400) {
		node_host_set(host, 0, "rate", 0.5 + 8 * test_random());
		node_host_set(host, 0, "shape", test_random_below(5));
		node_host_process(host, (const float *[]){in[0] + at, in[1] + at},
				  (float *[]){out[0] + at, out[1] + at}, 2400);
	}
	for (uint32_t i = 1; i < FRAMES; i++)
		most = fmax(most, fabs((double)out[0][i] - (double)out[0][i - 1]));
	/* A steep side of depth 50 % and a blend of shapes at once. */
	CHECK(most < 0.5 * 1.5 / (0.008 * RATE) + 0.5 * 1.5 / 960, "a step of %g", most);
	node_host_free(host);
}
