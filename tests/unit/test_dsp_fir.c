/* test_dsp_fir.c - designing filters (firdesign), curves of bands (eq_curve), long-term spectra (ltas). */
#include <complex.h>
#include <errno.h>

#include "eq_curve.h"
#include "firdesign.h"
#include "ltas.h"
#include "window.h"

#include "test.h"

/* ---- curves ---- */

TEST(eq_curve_is_the_prototype)
{
	static const double freqs[] = {0.1, 40, 500, 1000, 1001, 3000, 20000, 100000};
	const double a = pow(10, 7.0 / 40), q = 1.3;

	for (size_t i = 0; i < sizeof(freqs) / sizeof(freqs[0]); i++) {
		double complex s = I * freqs[i] / 1000;
		double complex want[EQ_TYPE_TILT + 1] = {
			[EQ_TYPE_BELL] = (s * s + s * a / q + 1) / (s * s + s / (a * q) + 1),
			[EQ_TYPE_BANDPASS] = s / q / (s * s + s / q + 1),
			[EQ_TYPE_NOTCH] = (s * s + 1) / (s * s + s / q + 1),
			[EQ_TYPE_ALLPASS] = 1,
			[EQ_TYPE_TILT] = (1 + a * a * s) / (a * a + s),
			/* RBJ's shelves, with Q as held: 1 */
			[EQ_TYPE_LOWSHELF] =
				a * (s * s + s * sqrt(a) + a) / (a * s * s + s * sqrt(a) + 1),
			[EQ_TYPE_HIGHSHELF] =
				a * (a * s * s + s * sqrt(a) + 1) / (s * s + s * sqrt(a) + a),
			/* 18 dB/oct: one section of Q = q sqrt(2), one pole */
			[EQ_TYPE_LOWPASS] = 1 / ((s + 1) * (s * s + s / (q * M_SQRT2) + 1)),
			[EQ_TYPE_HIGHPASS] =
				s * s * s / ((s + 1) * (s * s + s / (q * M_SQRT2) + 1)),
		};

		for (int type = 0; type <= EQ_TYPE_TILT; type++) {
			struct eq_band band = {(enum eq_type)type, EQ_SLOPE_18, 1000, 7, q};
			struct eq_curve curve = eq_curve_of(&band);
			double got = eq_curve_power(&curve, freqs[i]);
			double power = pow(cabs(want[type]), 2);

			CHECK_NEAR(got, power, 1e-12 + 1e-9 * power);
		}
	}
}

TEST(eq_curve_cascades_are_butterworth)
{
	static const int orders[] = {1, 2, 3, 4, 6, 8, 12, 16};

	for (int slope = 0; slope < EQ_SLOPE_COUNT_; slope++)
		for (double w = 0.2; w < 6; w *= 1.3) {
			struct eq_band low = {EQ_TYPE_LOWPASS, (enum eq_slope)slope, 500, 0,
					      M_SQRT1_2};
			struct eq_band high = low;
			struct eq_curve curve = eq_curve_of(&low);
			double want = 1 / (1 + pow(w, 2 * orders[slope]));

			CHECK_NEAR(eq_curve_power(&curve, 500 * w), want, 1e-9 * want);
			high.type = EQ_TYPE_HIGHPASS;
			curve = eq_curve_of(&high);
			CHECK_NEAR(eq_curve_power(&curve, 500 / w), want, 1e-9 * want);
		}
}

TEST(eq_curve_k_weight_is_that_of_bs_1770)
{
	/* 997 Hz: -0.691 is taken for a sine at 0 dB, which is 3.01 dB of power: K is +0.691 dB. */
	CHECK_NEAR(10 * log10(eq_curve_k_weight(997)), 0.691, 0.05);
	CHECK_NEAR(10 * log10(eq_curve_k_weight(15000)), 4.0, 0.05);
	CHECK_NEAR(10 * log10(eq_curve_k_weight(10)), -23.9, 0.6);
}

/* ---- taps ---- */

static double complex taps_at(const float *taps, uint32_t n, double turns)
{
	double complex sum = 0;

	for (uint32_t i = 0; i < n; i++)
		sum += taps[i] * cexp(-2 * M_PI * I * turns * i);
	return sum;
}

/* A smooth curve: two humps on a slope. */
static double smooth(double turns)
{
	return exp(0.8 * exp(-pow((turns - 0.1) / 0.03, 2)) - exp(-pow((turns - 0.3) / 0.05, 2)) -
		   turns);
}

TEST(firdesign_linear_is_symmetric_and_exact)
{
	struct firdesign design;
	float *amplitude, taps[1024], seen[64];
	double wide[64];

	CHECK(firdesign_init(&design, 1024) == 0);
	CHECK(design.n_fft == 8192 && design.n_bins == 4097);
	amplitude = calloc(design.n_bins, sizeof(*amplitude));
	for (uint32_t k = 0; k < design.n_bins; k++)
		amplitude[k] = (float)smooth((double)k / design.n_fft);
	firdesign_linear(&design, amplitude, taps);
	CHECK(taps[0] == 0);
	for (uint32_t i = 1; i < 512; i++) {
		bool same = taps[512 - i] == taps[512 + i];

		CHECK(same, "tap %u", i);
	}
	for (int i = 1; i < 64; i++) {
		double turns = i / 130.0;
		double complex at = taps_at(taps, 1024, turns) * cexp(2 * M_PI * I * turns * 512);

		CHECK_NEAR(creal(at), smooth(turns), 2e-6);
		CHECK_NEAR(cimag(at), 0, 2e-6);
		wide[i] = turns * 48000;
		seen[i] = (float)(20 * log10(cabs(at)));
	}
	firdesign_response_db(taps, 1024, 48000, wide + 1, 63, wide + 1);
	for (int i = 1; i < 64; i++)
		CHECK_NEAR(wide[i], seen[i], 1e-4);
	free(amplitude);
	firdesign_done(&design);
	firdesign_done(&design);
}

/* The zeros of a known minimum-phase filter come back as its taps. */
TEST(firdesign_minimum_finds_the_filter)
{
	static const double known[] = {1, -0.9, 0.5, 0.2, -0.1}; /* its zeros lie inside */
	struct firdesign design;
	float *magnitude, *re, *im, taps[512];

	CHECK(firdesign_init(&design, 512) == 0);
	magnitude = calloc(design.n_bins, sizeof(*magnitude));
	re = calloc(design.n_bins, sizeof(*re));
	im = calloc(design.n_bins, sizeof(*im));
	for (uint32_t k = 0; k < design.n_bins; k++) {
		double complex sum = 0;

		for (int i = 0; i < 5; i++)
			sum += known[i] * cexp(-2 * M_PI * I * k * i / design.n_fft);
		magnitude[k] = (float)cabs(sum);
	}
	firdesign_minimum(&design, magnitude, re, im);
	firdesign_causal(&design, re, im, taps);
	for (int i = 0; i < 512; i++)
		CHECK_NEAR(taps[i], i < 5 ? known[i] : 0, 2e-6);
	/* in place of the magnitude: the same */
	firdesign_minimum(&design, magnitude, magnitude, design.n_fft ? im : re);
	CHECK(memcmp(magnitude, re, design.n_bins * sizeof(*re)) == 0);
	free(magnitude);
	free(re);
	free(im);
	firdesign_done(&design);
}

TEST(firdesign_refuses_sizes)
{
	struct firdesign design;

	CHECK(firdesign_init(&design, 1000) == -EINVAL);
	CHECK(firdesign_init(&design, 128) == -EINVAL);
	CHECK(firdesign_init(&design, 32768) == -EINVAL);
	firdesign_done(&design);
}

/* ---- long-term spectra ---- */

TEST(ltas_white_noise_is_flat_and_has_its_level)
{
	struct ltas *ltas = calloc(1, sizeof(*ltas));
	enum { N = 480000 };
	float *x = calloc(N, sizeof(*x));
	const float *plane;
	double db[LTAS_BANDS], smoothed[LTAS_BANDS], seconds;

	CHECK(ltas_init(ltas, 48000) == 0 && ltas->n_frames == 8192);
	CHECK(ltas_result(ltas, db) == 0);
	for (int i = 0; i < N; i++)
		x[i] = (float)(0.4 * test_random() - 0.2);
	for (int at = 0; at + 8192 <= N; at += 4096) {
		plane = x + at;
		ltas_frame(ltas, &plane, 1);
	}
	seconds = ltas_result(ltas, db);
	CHECK_NEAR(seconds, 9.9, 0.2);
	ltas_smooth(db, 1.0 / 3, smoothed);
	for (uint32_t b = 48; b < LTAS_BANDS; b++) /* 320 Hz and up: enough bins to be sure */
		CHECK_NEAR(smoothed[b], 10 * log10(0.04 / 3 / 24000 * 1), 0.6);
	CHECK(ltas_loudness_db(db, 8000) < ltas_loudness_db(db, 48000));
	ltas_reset(ltas);
	CHECK(ltas_result(ltas, db) == 0);
	ltas_done(ltas);
	ltas_done(ltas);
	free(ltas);
	free(x);
}

/* Frames 11 LU below the mean do not count, frames at -75 LUFS neither, NaN neither. */
TEST(ltas_gates)
{
	struct ltas *ltas = calloc(1, sizeof(*ltas));
	float x[8192];
	const float *plane = x;
	double db[LTAS_BANDS], loud[LTAS_BANDS];
	static const double levels[] = {0.3, 0.3, 0.3, 0.03, 0.0001, 0};

	CHECK(ltas_init(ltas, 48000) == 0);
	for (size_t l = 0; l < 6; l++) {
		for (int i = 0; i < 8192; i++)
			x[i] = (float)(levels[l] *
				       sin(2 * M_PI * (l == 3 ? 3000 : 300) * i / 48000));
		if (l == 5)
			x[100] = NAN;
		ltas_frame(ltas, &plane, 1);
		if (l == 2)
			CHECK_NEAR(ltas_result(ltas, loud), 3 * 4096.0 / 48000, 1e-9);
	}
	CHECK_NEAR(ltas_result(ltas, db), 3 * 4096.0 / 48000, 1e-9);
	for (uint32_t b = 0; b < LTAS_BANDS; b++)
		CHECK_NEAR(db[b], loud[b], 1e-9);
	ltas_done(ltas);
	free(ltas);
}

TEST(ltas_smoothing_keeps_a_line_in_its_place)
{
	double db[LTAS_BANDS], out[LTAS_BANDS];

	for (uint32_t b = 0; b < LTAS_BANDS; b++)
		db[b] = -60;
	db[60] = 0;
	ltas_smooth(db, 1.0 / LTAS_PER_OCTAVE, out); /* a band wide: nothing happens */
	for (uint32_t b = 0; b < LTAS_BANDS; b++)
		CHECK_NEAR(out[b], db[b], 1e-9);
	ltas_smooth(db, 1, out);
	CHECK_NEAR(out[60], -10 * log10(12), 0.1);
	CHECK_NEAR(out[54] - out[60], -3, 0.1); /* an octave wide at its half */
	CHECK_NEAR(out[66] - out[60], -3, 0.1);
	CHECK_NEAR(out[80], -60, 0.1);
}
