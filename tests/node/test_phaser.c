/* test_phaser.c - phaser: notches by theory, sweep, feedback, no lines beside (dsp.md 9.2). */
#include "node_host.h"
#include "spectrum.h"
#include "test.h"

#define RATE 48000.0
#define FRAMES 96000u

static float in[2][FRAMES], out[2][FRAMES];
static const float *const ins[] = {in[0], in[1]};
static float *const outs[] = {out[0], out[1]};

static struct node_host *phaser(double low, double high, double stages)
{
	struct node_host *host = node_host_open("phaser", &(struct node_host_setup){0});

	node_host_jump(host, 0, "low", low);
	node_host_jump(host, 0, "high", high);
	node_host_jump(host, 0, "stages", (stages - 4) / 2);
	memset(in, 0, sizeof(in));
	return host;
}

static double response(double hz)
{
	double re = 0, im = 0;

	for (uint32_t i = 0; i < 24000; i++) {
		re += (double)out[0][i] * cos(2 * M_PI * hz / RATE * i);
		im += (double)out[0][i] * sin(2 * M_PI * hz / RATE * i);
	}
	return hypot(re, im);
}

/* N all-passes of first order at F turn by 2 N atan(f / F) (in bilinear frequencies): notches where
 * that is an odd multiple of pi. dsp.md 9.2 asks for +-0.5 %. */
TEST(phaser_notches_are_where_theory_has_them)
{
	for (uint32_t stages = 4; stages <= 12; stages += 2) {
		struct node_host *host = phaser(900, 900, stages);

		in[0][0] = 1;
		node_host_process(host, ins, outs, FRAMES);
		for (uint32_t k = 1; k <= stages / 2; k++) {
			double w = tan((2 * k - 1) * M_PI / (2 * stages)) * tan(M_PI * 900 / RATE);
			double want = RATE / M_PI * atan(w), best = want, deepest = 1;

			for (double hz = want * 0.97; hz < want * 1.03; hz += want * 0.0005)
				if (response(hz) < deepest) {
					deepest = response(hz);
					best = hz;
				}
			CHECK_NEAR(best / want, 1, 0.005);
			CHECK(deepest < 0.01, "%u stages, notch %u: %g", stages, k, deepest);
		}
		CHECK_NEAR(response(1), 1, 0.01);
		CHECK_NEAR(response(23900), 1, 0.01);
		node_host_free(host);
	}
}

/* Wet alone with feedback g: 1 / (1 - g) where the chain turns by nothing, that is at 0 Hz. */
TEST(phaser_feedback_raises_the_peaks)
{
	static const double gains[] = {-0.9, -0.5, 0.5, 0.9};

	for (uint32_t g = 0; g < 4; g++) {
		struct node_host *host = phaser(900, 900, 4);

		node_host_jump(host, 0, "mix", 100);
		node_host_jump(host, 0, "feedback", gains[g] * 100);
		in[0][0] = 1;
		node_host_process(host, ins, outs, FRAMES);
		CHECK_NEAR(response(1) * (1 - gains[g]), 1, 0.01);
		node_host_free(host);
	}
}

/* The notch of a sweep from 400 to 1600 Hz passes sqrt(400 1600) at phase 0, upwards: a tone there
 * is out, then in again. */
TEST(phaser_sweeps_in_octaves)
{
	struct node_host *host = phaser(400, 1600, 4);
	double w = tan(M_PI / 8) * tan(M_PI * 800 / RATE), hz = RATE / M_PI * atan(w);
	double at_notch = 0, away = 0;

	node_host_jump(host, 0, "rate", 1);
	for (uint32_t i = 0; i < FRAMES; i++)
		in[0][i] = (float)sin(2 * M_PI * hz / RATE * i);
	node_host_process(host, ins, outs, FRAMES);
	for (uint32_t i = 48000 - 100; i < 48000 + 100; i++)
		at_notch = fmax(at_notch, fabs((double)out[0][i]));
	for (uint32_t i = 57000; i < 63000; i++)
		away = fmax(away, fabs((double)out[0][i]));
	test_note("%.0f Hz: %.1f dB in the notch, %.1f dB beside", hz, 20 * log10(at_notch),
		  20 * log10(away));
	CHECK(20 * log10(at_notch) < -26);
	CHECK(20 * log10(away) > -6);
	node_host_free(host);
}

TEST(phaser_sides_sweep_apart)
{
	struct node_host *host = phaser(300, 3000, 6);
	double apart = 0;

	node_host_jump(host, 0, "rate", 1);
	node_host_jump(host, 0, "spread", 180);
	for (uint32_t i = 0; i < FRAMES; i++)
		in[0][i] = in[1][i] = (float)(test_random() - 0.5);
	for (uint32_t i = 48000; i < FRAMES; i++) /* the same again: half a sweep later */
		in[0][i] = in[1][i] = in[0][i - 24000];
	node_host_process(host, ins, outs, FRAMES);
	/* Left now is right half a sweep ago, once what was before has rung out. */
	for (uint32_t i = 48000 + 12000; i < 48000 + 20000; i++)
		apart = fmax(apart, fabs((double)out[0][i] - (double)out[1][i - 24000]));
	CHECK(apart < 1e-4, "%g", apart);
	node_host_free(host);
}

/* dsp.md 9.2: "1 kHz, no lines > -80 dB outside FM bands". */
TEST(phaser_adds_no_lines_beside_its_sidebands)
{
	struct node_host *host = phaser(200, 4000, 8);
	double highest = 0, at = 0;

	node_host_jump(host, 0, "rate", 0.5);
	node_host_jump(host, 0, "feedback", 50);
	for (uint32_t i = 0; i < FRAMES; i++)
		in[0][i] = (float)sin(2 * M_PI * 1000 / RATE * i);
	node_host_process(host, ins, outs, FRAMES);
	/* Knots come 3000 times a second: that is where lines would be. */
	for (double hz = 40; hz < 23900; hz += 4) {
		double level, knot = remainder(hz - 1000, 1000);

		if (fabs(hz - 1000) < 100 || fabs(knot) > 60)
			continue;
		level = spectrum_amplitude(out[0] + 24000, 16384, RATE, hz, spectrum_albrecht, 7);
		if (level > highest) {
			highest = level;
			at = hz;
		}
	}
	test_note("highest line beside: %.1f dB at %.0f Hz", spectrum_db(highest), at);
	CHECK(spectrum_db(highest) <= -80, "%.1f dB at %.0f Hz", spectrum_db(highest), at);
	node_host_free(host);
}

TEST(phaser_stages_change_without_a_step)
{
	struct node_host *host = phaser(300, 2000, 4);
	double highest = 0;

	for (uint32_t i = 0; i < FRAMES; i++)
		in[0][i] = (float)(0.5 * sin(2 * M_PI * 500 / RATE * i));
	node_host_process(host, ins, outs, 24000);
	for (uint32_t k = 0; k < 5; k++) {
		uint32_t from = 24000 + k * 12000;

		node_host_set(host, 0, "stages", (k * 3 + 4) % 5);
		node_host_process(host, (const float *const[]){in[0] + from, in[1]},
				  (float *const[]){out[0] + from, out[1]}, 12000);
	}
	for (uint32_t i = 1; i < 84000; i++)
		highest = fmax(highest, fabs((double)out[0][i] - (double)out[0][i - 1]));
	CHECK(highest < 1.3 * 0.5 * 2 * M_PI * 500 / RATE, "%g", highest);
	node_host_free(host);
}
