/* dsp/delayline.h, dsp/lfo.h: dsp.md 9.1, D1, L1. */
#include "delayline.h"
#include "lfo.h"
#include "test.h"

#define FRAMES 4096u

static struct delayline_table table;

/* |H| of the taps half way between samples. dsp.md 9.1 has 0/0/0/0/-.6 dB for beta 6; the images that
 * dsp.md 9.2 allows, -80 dB at 1 kHz, ask for beta 7.5 and cost 0.4 dB at 20 kHz. */
TEST(magnitude_is_that_of_the_sheet)
{
	static const double hz[] = {5000, 10000, 15000, 18000, 20000};
	static const double tolerance[] = {0.01, 0.01, 0.01, 0.1, 1.1};

	delayline_table_init(&table);
	for (uint32_t k = 0; k < 5; k++) {
		double re = 0, im = 0, db;

		for (uint32_t i = 0; i < DELAYLINE_TAPS; i++) {
			double phase = 2 * M_PI * hz[k] / 48000 * (i - 7.5);

			re += (double)table.tap[DELAYLINE_PHASES / 2][i] * cos(phase);
			im += (double)table.tap[DELAYLINE_PHASES / 2][i] * sin(phase);
		}
		db = 20 * log10(hypot(re, im));
		test_note("%5.0f Hz: %+.3f dB", hz[k], db);
		CHECK_NEAR(db, 0, tolerance[k]);
		CHECK_NEAR(im, 0, 1e-5);
	}
}

static void run(const float *x, const double *delay, float *y, bool plain, bool cut)
{
	static float ring[8192 + DELAYLINE_TAPS];
	struct delayline line = {ring, 8191};
	struct delayline_clock clock = {0, 0};

	for (uint32_t i = 0; i < 8192; i++)
		ring[i] = (float)test_random(); /* what was before does not count */
	for (uint32_t done = 0, n; done < FRAMES; done += n) {
		n = cut ? 1 + test_random_below(128) : 128;
		n = n < FRAMES - done ? n : FRAMES - done;
		delayline_write(&line, &clock, 0, x + done, n);
		(plain ? delayline_read_plain : delayline_read)(&line, &table, &clock, 0,
								delay + done, y + done, n);
		delayline_advance(&clock, &line, n);
	}
}

TEST(fast_equals_plain_and_any_cut)
{
	static float x[FRAMES], fast[FRAMES], plain[FRAMES], cut[FRAMES];
	static double delay[FRAMES];

	delayline_table_init(&table);
	for (uint32_t i = 0; i < FRAMES; i++) {
		x[i] = (float)(test_random() - 0.5);
		delay[i] = 8 + 3000 * test_random();
	}
	run(x, delay, fast, false, false);
	run(x, delay, plain, true, false);
	run(x, delay, cut, false, true);
	CHECK(memcmp(fast, plain, sizeof(fast)) == 0);
	CHECK(memcmp(fast, cut, sizeof(fast)) == 0);
}

/* A sine that is read behind a moving head is that sine, later. */
TEST(moving_heads_read_the_wave)
{
	static float x[FRAMES], y[FRAMES];
	static double delay[FRAMES];
	double worst = 0;

	delayline_table_init(&table);
	for (uint32_t i = 0; i < FRAMES; i++) {
		x[i] = (float)sin(2 * M_PI * 1000 / 48000 * i);
		delay[i] = 400 + 100 * sin(i * 0.001);
	}
	run(x, delay, y, false, false);
	for (uint32_t i = 600; i < FRAMES; i++)
		worst = fmax(worst,
			     fabs((double)y[i] - sin(2 * M_PI * 1000 / 48000 * (i - delay[i]))));
	test_note("off by %.1f dB", 20 * log10(worst));
	CHECK(20 * log10(worst) <= -80);
}

TEST(whole_delays_are_copies_and_the_past_before_a_reset_is_silent)
{
	static float ring[4096 + DELAYLINE_TAPS], x[FRAMES], y[FRAMES];
	struct delayline line = {ring, 4095};
	struct delayline_clock clock = {0, 0};

	for (uint32_t i = 0; i < FRAMES; i++)
		x[i] = (float)(test_random() - 0.5);
	for (uint32_t i = 0; i < 4096; i++)
		ring[i] = 7;
	for (uint32_t done = 0; done < FRAMES; done += 64) {
		delayline_write(&line, &clock, 0, x + done, 64);
		delayline_copy(&line, &clock, 0, 1000, y + done, 64);
		delayline_advance(&clock, &line, 64);
	}
	for (uint32_t i = 0; i < FRAMES; i++)
		CHECK(y[i] == (i < 1000 ? 0 : x[i - 1000]), "%u", i);
	CHECK(delayline_frames(3000) == 4096 && delayline_frames(48000) == 65536);
}

TEST(lfo_goes_on_when_its_rate_changes)
{
	struct lfo lfo = {0};
	double before = 0;
	uint64_t position = UINT64_C(1) << 40; /* eight months at 48 kHz */

	for (uint32_t i = 0; i < 1000; i++) {
		double at, hz = 0.1 + 5 * test_random();

		lfo_set(&lfo, hz, 48000);
		at = lfo_at(lfo_start(&lfo, position));
		if (i > 0)
			CHECK_NEAR(remainder(at - before, 1), 0, 1e-9);
		position += 16;
		before = at + 16 * hz / 48000;
	}
}

TEST(lfo_waves_are_what_they_are_called)
{
	double before = 0;

	for (int i = -1000; i <= 1000; i++) {
		double t = i / 2000.0;

		CHECK_NEAR(lfo_sine(t), sin(2 * M_PI * t), 5e-9);
		CHECK_NEAR(lfo_triangle(t), asin(sin(2 * M_PI * t)) / M_PI_2, 0.06);
		if (i > -1000)
			CHECK(fabs(lfo_triangle(t) - before) < 0.0022);
		before = lfo_triangle(t);
		CHECK_NEAR(lfo_at(lfo_turn(t * 0.999)), t * 0.999, 1e-12);
	}
	CHECK_NEAR(lfo_triangle(0.25), 1, 1e-12);
	CHECK_NEAR(lfo_at(lfo_turn(0.75)), -0.25, 1e-12);
}
