/* dsp/ar.h: models against theory, vectors against plain sums, and the table of dsp.md 7.3: signal to
 * noise in a gap after three rounds of model and interpolation, window 2048 [JVV86]. */
#include "ar.h"
#include "../golden/speech.h"
#include "test.h"

#define WINDOW 2048u
#define RATE 48000.0

static double gauss(void)
{
	return sqrt(-2.0 * log(1.0 - test_random())) * cos(2 * M_PI * test_random());
}

TEST(sums_equal_their_plain_twin)
{
	static double x[777];

	for (uint32_t i = 0; i < 777; i++)
		x[i] = gauss();
	for (uint32_t n = 40; n <= 777; n += 67)
		for (uint32_t order = 1; order <= 64; order += 7) {
			double fast[AR_ORDER_MAX + 1], plain[AR_ORDER_MAX + 1];

			ar_autocorrelation(x, n, order, fast);
			ar_autocorrelation_plain(x, n, order, plain);
			CHECK(memcmp(fast, plain, (order + 1) * sizeof(double)) == 0,
			      "%u samples, order %u", n, order);
		}
}

/* An AR(4) process of known coefficients is found again. */
TEST(models_are_found)
{
	static const double true_a[] = {1, -2.7607, 3.8106, -2.6535, 0.9238}; /* Percival, Walden */
	static double x[40000], scratch[2 * 40000];
	double r[5], levinson[5], burg[5], power;

	for (uint32_t i = 0; i < 40000; i++) {
		x[i] = gauss();
		for (uint32_t k = 1; k <= 4 && k <= i; k++)
			x[i] -= true_a[k] * x[i - k];
	}
	ar_autocorrelation(x, 40000, 4, r);
	power = ar_levinson(r, 4, levinson);
	CHECK_NEAR(power / 40000, 1.0, 0.1);
	CHECK_NEAR(ar_burg(x, 40000, 4, burg, scratch), 1.0, 0.05);
	for (int k = 0; k <= 4; k++) {
		CHECK_NEAR(levinson[k], true_a[k], 0.1);
		CHECK_NEAR(burg[k], true_a[k], 0.02);
	}
}

TEST(levinson_solves_its_equations)
{
	double r[33], a[33];
	static double x[500];

	for (int i = 0; i < 500; i++)
		x[i] = sin(0.1 * i) + 0.3 * sin(0.77 * i) + 0.1 * gauss();
	ar_autocorrelation(x, 500, 32, r);
	ar_levinson(r, 32, a);
	r[0] *= 1.0 + 1e-9;
	for (int i = 1; i <= 32; i++) {
		long double sum = 0;

		for (int k = 0; k <= 32; k++)
			sum += (long double)a[k] * (long double)r[abs(i - k)];
		CHECK_NEAR((double)sum / r[0], 0, 1e-10);
	}
}

TEST(no_signal_gives_no_model)
{
	double r[9] = {0}, a[9], x[64] = {0}, scratch[128];

	CHECK(ar_levinson(r, 8, a) == 0 && a[0] == 1 && a[8] == 0);
	CHECK(ar_burg(x, 64, 8, a, scratch) == 0 && a[0] == 1 && a[8] == 0);
	r[0] = INFINITY;
	CHECK(ar_levinson(r, 8, a) == 0 && a[1] == 0);
	r[0] = NAN;
	CHECK(ar_levinson(r, 8, a) == 0 && a[1] == 0);
}

TEST(residuals_run_both_ways)
{
	static double x[300], e[200];
	double a[17] = {1};

	for (int i = 0; i < 300; i++)
		x[i] = gauss();
	for (int k = 1; k <= 16; k++)
		a[k] = gauss() / k;
	ar_residual(x + 50, 200, a, 16, e);
	for (int i = 0; i < 200; i++) {
		double want = 0;

		for (int k = 0; k <= 16; k++)
			want += a[k] * x[50 + i - k];
		CHECK_NEAR(e[i], want, 1e-12);
	}
	ar_residual_back(x + 50, 200, a, 16, e);
	for (int i = 0; i < 200; i++) {
		double want = 0;

		for (int k = 0; k <= 16; k++)
			want += a[k] * x[50 + i + k];
		CHECK_NEAR(e[i], want, 1e-12);
	}
}

/* Any pattern of unknowns: at the result the residual's energy has no slope left. */
TEST(interpolation_is_the_least_squares_solution)
{
	static double x[400], scratch[400 * (AR_ORDER_MAX + 2) + AR_ORDER_MAX + 1];
	uint32_t at[300];

	for (int trial = 0; trial < 60; trial++) {
		uint32_t order = 1 + test_random_below(AR_ORDER_MAX), count = 0;
		double a[AR_ORDER_MAX + 1], r[AR_ORDER_MAX + 1], density = test_random() * 0.7;

		for (int i = 0; i < 400; i++)
			x[i] = sin(0.05 * i * (1 + trial % 7)) + 0.2 * gauss();
		ar_autocorrelation(x, 400, order, r);
		ar_levinson(r, order, a);
		for (uint32_t i = order; i < 400 - order; i++)
			if (test_random() < density && count < 300) {
				x[i] = gauss() * 100;
				at[count++] = i;
			}
		CHECK(ar_interpolate(x, 400, at, count, a, order, scratch));
		for (uint32_t j = 0; j < count; j++) {
			long double slope = 0;

			for (uint32_t n = at[j]; n <= at[j] + order; n++) {
				long double e = 0;

				for (uint32_t k = 0; k <= order; k++)
					e += (long double)a[k] * (long double)x[n - k];
				slope += e * (long double)a[n - at[j]];
			}
			CHECK_NEAR((double)slope, 0, 1e-7);
		}
	}
}

/* ---- the table ---- */

static uint32_t ar_order_of(uint32_t gap)
{
	return 3 * gap + 2 < AR_ORDER_MAX ? 3 * gap + 2 : AR_ORDER_MAX;
}

/* Signal to noise in dB in a gap in the middle of X. */
static double ar_gap_snr(const double *x, uint32_t gap)
{
	static double y[WINDOW], w[WINDOW], scratch[2 * WINDOW + 200 * (AR_ORDER_MAX + 2)];
	uint32_t order = ar_order_of(gap), first = WINDOW / 2 - gap / 2, at[200];
	double a[AR_ORDER_MAX + 1], signal = 0, noise = 0;

	memcpy(y, x, sizeof(y));
	for (uint32_t i = 0; i < gap; i++) {
		at[i] = first + i;
		y[at[i]] = 0;
	}
	for (int round = 0; round < 3; round++) {
		memcpy(w, y, sizeof(w));
		ar_burg(w, WINDOW, order, a, scratch);
		CHECK(ar_interpolate(y, WINDOW, at, gap, a, order, scratch));
	}
	for (uint32_t i = 0; i < gap; i++) {
		signal += x[at[i]] * x[at[i]];
		noise += (x[at[i]] - y[at[i]]) * (x[at[i]] - y[at[i]]);
	}
	return 10 * log10(signal / (noise + 1e-30) + 1e-30);
}

static int ar_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void ar_table(const char *name, const float *x, uint32_t n, const double want[3])
{
	static const uint32_t gaps[] = {8, 32, 96};

	for (int g = 0; g < 3; g++) {
		double snr[40], window[WINDOW];
		int count = 0;

		for (int t = 0; t < 400 && count < 40; t++) {
			uint32_t from = test_random_below(n - WINDOW);
			double middle = 0;

			for (uint32_t i = 0; i < WINDOW; i++) {
				window[i] = (double)x[from + i];
				if (i > WINDOW / 2 - 200 && i < WINDOW / 2 + 200)
					middle += window[i] * window[i];
			}
			if (middle > 400 * 1e-6) /* not in a pause */
				snr[count++] = ar_gap_snr(window, gaps[g]);
		}
		CHECK(count == 40);
		qsort(snr, 40, sizeof(double), ar_compare);
		test_note("%s, gap %u: median %.1f dB, quarter %.1f dB", name, gaps[g], snr[20],
			  snr[10]);
		CHECK(snr[20] >= want[g], "%s, gap %u: %.1f dB, want %.1f", name, gaps[g], snr[20],
		      want[g]);
	}
}

TEST(gaps_in_a_chord)
{
	static const double want[] = {64, 39, 10};
	static float x[48000];

	speech_chord(x, 48000, RATE);
	ar_table("chord", x, 48000, want);
}

TEST(gaps_in_speech)
{
	static const double want[] = {36, 17, 7.5};
	static float x[6 * 48000];

	speech_make(x, 6 * 48000, RATE, 1);
	ar_table("speech", x, 6 * 48000, want);
}
