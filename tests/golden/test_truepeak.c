/* The interpolator: clones against the plain twin to the bit, and its errors in dB. */
#include "test.h"
#include "truepeak.h"

#define PAST 48

TEST(clones_equal_the_plain_twin)
{
	static const double rates[] = {44100, 48000, 96000, 192000};
	float x[PAST + 1024], fast[1024], plain[1024];

	for (uint32_t i = 0; i < PAST + 1024; i++)
		x[i] = (float)((test_random() * 2 - 1) * pow(10, -3 * test_random()));
	for (uint32_t r = 0; r < 4; r++) {
		struct truepeak_filter filter;

		truepeak_filter_init(&filter, rates[r], r & 1 ? 3.0 : 7.0);
		for (uint32_t kernel = 0; kernel <= filter.kernel; kernel++) {
			struct truepeak_filter clone = filter;
			uint32_t at = 0;

			clone.kernel = kernel;
			while (at < 900) {
				uint32_t n = 1 + test_random_below(100);
				float wide[112];

				truepeak_envelope(&clone, x + PAST + at, wide, n);
				memcpy(fast + at, wide, n * sizeof(float));
				at += n;
			}
			truepeak_envelope_plain(&clone, x + PAST, plain, at);
			CHECK(memcmp(fast, plain, at * sizeof(float)) == 0, "%g Hz, kernel %u",
			      rates[r], kernel);
		}
		test_note("%g Hz: %ux, %u kernels", rates[r], filter.oversample, filter.kernel + 1);
	}
}

/* Steady sines of amplitude 1 at all phases: how far the reading is off. */
static void sine_errors(const struct truepeak_filter *filter, double cycles, double *low,
			double *high)
{
	float x[PAST + 256], envelope[256];

	for (int phase = 0; phase < 32; phase++) {
		double got;

		for (int i = 0; i < PAST + 256; i++)
			x[i] = (float)sin(2 * M_PI * (cycles * i + phase / 64.0));
		truepeak_envelope(filter, x + PAST, envelope, 256);
		got = 20 * log10(truepeak_highest(envelope, 256));
		*low = fmin(*low, got);
		*high = fmax(*high, got);
	}
}

TEST(errors_are_those_of_the_grid)
{
	static const struct {
		double rate, beta, top_hz, low_db, high_db;
	} rows[] = {
		{48000, 7.0, 20000, -0.15, 0.01}, {44100, 7.0, 18000, -0.15, 0.01},
		{96000, 7.0, 20000, -0.19, 0.01}, {192000, 7.0, 20000, -0.05, 0.01},
		{48000, 3.0, 21000, -0.15, 0.15},
	};

	for (uint32_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
		struct truepeak_filter filter;
		double low = INFINITY, high = -INFINITY;

		truepeak_filter_init(&filter, rows[k].rate, rows[k].beta);
		for (double hz = 997; hz < rows[k].top_hz; hz += 499)
			sine_errors(&filter, hz / rows[k].rate, &low, &high);
		test_note("%g Hz, beta %g, to %g Hz: %+.3f .. %+.3f dB", rows[k].rate, rows[k].beta,
			  rows[k].top_hz, low, high);
		CHECK(low >= rows[k].low_db && high <= rows[k].high_db);
	}
}

TEST(never_under_the_samples)
{
	struct truepeak_filter filter;
	float x[PAST + 512], envelope[512];

	truepeak_filter_init(&filter, 48000, 7.0);
	for (uint32_t i = 0; i < PAST + 512; i++)
		x[i] = (float)(test_random() * 2 - 1);
	truepeak_envelope(&filter, x + PAST, envelope, 512);
	for (uint32_t i = 0; i < 512; i++)
		CHECK(envelope[i] >= fabsf(x[PAST + i - TRUEPEAK_DELAY]));
}

TEST(highest_keeps_a_nan_visible)
{
	CHECK(isnan(truepeak_highest((const float[]){1.0f, NAN, 2.0f}, 3)));
	CHECK(truepeak_highest((const float[]){1.0f, 3.0f, 2.0f}, 3) == 3.0f);
	CHECK(truepeak_highest(NULL, 0) == 0.0f);
}
