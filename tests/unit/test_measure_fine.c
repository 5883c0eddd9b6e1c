/* The fine rows of a measurement (daemon/delivery/measure_fine.c): what they are made of, and that blocks,
 * calls and thresholds do not show. */
#include "graph_layout.h"
#include "measure.h"
#include "test.h"
#include "truepeak.h"

#define ROWS_MAX 20000u
#define FRAMES_MAX (48000 * 9)

static float left[FRAMES_MAX + 64], right[FRAMES_MAX + 64];
static struct measure_fine_row row[ROWS_MAX], other[ROWS_MAX];
static float high[ROWS_MAX / 15 + 1];
static struct measure_fine_row *into;
static uint32_t n_rows, n_high;

static void take(void *data, const struct measure_fine_row *rows, uint32_t n, const float *highs,
		 uint32_t n_highs)
{
	(void)data;
	CHECK(n_rows + n <= ROWS_MAX);
	memcpy(into + n_rows, rows, n * sizeof(*rows));
	memcpy(high + n_high, highs, n_highs * sizeof(*highs));
	n_rows += n;
	n_high += n_highs;
}

static double measure(double rate, uint32_t n, uint32_t step, float above, bool is_rms,
		      struct measure_fine_row *ret)
{
	struct measure_fine fine = {take, NULL, above, is_rms, true};
	struct measure_options options;
	struct measure *measure = NULL;
	struct measure_result result;
	struct mixd_error err = {0};
	double integrated;

	into = ret;
	n_rows = n_high = 0;
	measure_options_init(&options);
	options.what = MEASURE_LOUDNESS;
	options.fine = &fine;
	CHECK(measure_new(rate, graph_layout_find("stereo", NULL), &options, &measure, &err) == 0);
	for (uint32_t i = 0; i < n; i += step) {
		const float *in[] = {left + i, right + i};

		measure_feed(measure, in, n - i < step ? n - i : step);
	}
	CHECK(measure_finish(measure, &result) == 0);
	measure_free(measure);
	integrated = result.integrated;
	measure_result_done(&result);
	return integrated;
}

static void make(uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		double level = i / 24000 % 2 ? 0.5 : 0.05;

		left[i] = (float)(level * (2 * test_random() - 1));
		right[i] = (float)(level * sin(0.7 * i) + 0.01 * (2 * test_random() - 1));
	}
}

/* As loud as the measurement says, at rates whose rows are of different lengths. */
TEST(rows_hold_the_loudness)
{
	static const double rates[] = {48000, 44100, 32000};

	for (size_t k = 0; k < 3; k++) {
		uint32_t n = (uint32_t)rates[k] * 8;
		double sum = 0, integrated;

		for (uint32_t i = 0; i < n; i++)
			left[i] = right[i] = (float)(0.1 * sin(2 * M_PI * 997 * i / rates[k]));
		integrated = measure(rates[k], n, n, 0, false, row);
		CHECK(n_rows == 8 * 1500 && n_high == 800);
		for (uint32_t i = 1500; i < n_rows; i++)
			sum += (double)row[i].energy / (n_rows - 1500);
		CHECK_NEAR(-0.691 + 10 * log10(sum), integrated, 0.01);
		measure(rates[k], n, n, 0, true, row);
		for (uint32_t i = 1500; i < 3000; i++)
			CHECK_NEAR(10 * log10((double)row[i].energy), -23.01, 3.1);
		sum = 0;
		for (uint32_t i = 1500; i < 3000; i++)
			sum += (double)row[i].energy / 1500;
		CHECK_NEAR(10 * log10(sum), -23.01, 0.01);
	}
}

/* Calls of any length give the same rows, the last of which may be short. */
TEST(calls_do_not_show)
{
	uint32_t n = 48000 * 7 + 1234, rows;

	make(n);
	measure(48000, n, n, 0.3f, false, row);
	rows = n_rows;
	CHECK(rows == n / 32 + 1);
	measure(48000, n, 777, 0.3f, false, other);
	CHECK(n_rows == rows && memcmp(row, other, rows * sizeof(*row)) == 0);
}

/* Where a peak is above what was asked for it is that of the interpolator everywhere; elsewhere at least
 * that of the samples, and not above. */
TEST(peaks_are_exact_above)
{
	uint32_t n = 48000 * 5, found = 0, equal = 0;
	static float past[TRUEPEAK_PAST + 48000 * 5 + 64], envelope[48000 * 5 + 64];
	struct truepeak_filter filter;
	float above = 0.45f;

	make(n);
	memset(right, 0, sizeof(right));
	memcpy(past + TRUEPEAK_PAST, left, n * sizeof(float));
	truepeak_filter_init(&filter, 96000, 3.0);
	truepeak_envelope(&filter, past + TRUEPEAK_PAST, envelope, n);
	measure(48000, n, n, above, false, row);
	for (uint32_t r = 0; r < n_rows; r++) {
		float exact = truepeak_highest(envelope + r * 32, 32);

		if (exact > above || row[r].peak > above) {
			CHECK(row[r].peak >= exact);
			found += exact > above;
			equal += exact > above && !(row[r].peak > exact);
		} else {
			CHECK(exact <= above);
		}
	}
	CHECK(found > 1000 && found < n_rows && equal > found * 9 / 10);
}

/* High frequencies: next to nothing at 100 Hz, (2 sin(w / 2))^8 at any. */
TEST(high_is_what_is_high)
{
	static const double hz[] = {100, 6000, 18000};

	for (size_t k = 0; k < 3; k++) {
		double gain = pow(2 * sin(M_PI * hz[k] / 48000), 8);

		for (uint32_t i = 0; i < 48000; i++) {
			left[i] = (float)(0.5 * sin(2 * M_PI * hz[k] * i / 48000));
			right[i] = 0;
		}
		measure(48000, 48000, 48000, 0, false, row);
		CHECK_NEAR((double)high[50], gain * 0.125 * 480, 0.01 * gain * 0.125 * 480 + 1e-9);
	}
}
