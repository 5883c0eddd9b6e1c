/* measure_series.c - what plots show: values at 10 Hz, and a histogram of S.
 *
 * WHAT        One value of M, S, true peak and correlation for each 100 ms: of the windows that end
 *             there (400 ms, 3 s), of those 100 ms, and of the last 400 ms. NAN before the first whole
 *             window, -INFINITY for silence. The histogram counts S in bins of 0.5 LU from -70 on; what
 *             is louder than 0 LUFS is in the last. */
#include "measure_private.h"

#include <math.h>
#include <stdlib.h>

#include "level.h"

#define SERIES_HOPS 4u /* of correlation */
#define SERIES_BINS 141u

enum { SERIES_MOMENTARY, SERIES_SHORTTERM, SERIES_PEAK, SERIES_CORRELATION, SERIES_KINDS };

struct series {
	float *value[SERIES_KINDS];
	uint32_t n, capacity;
	uint64_t ticks;
	double left[SERIES_HOPS], right[SERIES_HOPS], product[SERIES_HOPS]; /* a ring of hops */
	uint64_t *histogram;
};

static int series_init(struct measure *measure, void *part)
{
	struct series *series = part;

	series->histogram = calloc(SERIES_BINS, sizeof(*series->histogram));
	return series->histogram ? 0 : -1;
}

static void series_done(void *part)
{
	struct series *series = part;

	for (uint32_t k = 0; k < SERIES_KINDS; k++)
		free(series->value[k]);
	free(series->histogram);
}

static bool series_grow(struct series *series)
{
	uint32_t capacity = series->capacity ? series->capacity * 2 : 1024;

	if (series->n < series->capacity)
		return true;
	for (uint32_t k = 0; k < SERIES_KINDS; k++) {
		float *value = realloc(series->value[k], capacity * sizeof(*value));

		if (!value)
			return false;
		series->value[k] = value;
	}
	series->capacity = capacity;
	return true;
}

static void series_count(struct series *series, double lufs)
{
	double bin = floor((lufs - LOUDNESS_FLOOR_LUFS) * 2.0);

	if (lufs > LOUDNESS_FLOOR_LUFS)
		series->histogram[bin < SERIES_BINS - 1 ? (uint32_t)bin : SERIES_BINS - 1]++;
}

static void series_hop(struct measure *measure, struct series *series,
		       const struct measure_tick *tick)
{
	double left = 0.0, right = 0.0, product = 0.0;

	if (!series_grow(series)) {
		measure->has_failed = true;
		return;
	}
	for (uint32_t k = 0; k < SERIES_HOPS; k++) {
		left += series->left[k];
		right += series->right[k];
		product += series->product[k];
	}
	series->value[SERIES_MOMENTARY][series->n] =
		isnan(tick->momentary) ? NAN : (float)loudness_from_energy(tick->momentary);
	series->value[SERIES_SHORTTERM][series->n] =
		isnan(tick->shortterm) ? NAN : (float)loudness_from_energy(tick->shortterm);
	series->value[SERIES_PEAK][series->n] = (float)level_of_amplitude((double)tick->true_peak);
	series->value[SERIES_CORRELATION][series->n] =
		measure->left >= 0 ? (float)measure_correlation(left, right, product) : NAN;
	series->n++;
	if (!isnan(tick->shortterm))
		series_count(series, loudness_from_energy(tick->shortterm));
}

static void series_block(struct measure *measure, void *part)
{
	struct series *series = part;

	for (uint32_t t = 0; t < measure->n_ticks; t++) {
		const struct measure_tick *tick = &measure->tick[t];
		uint32_t slot = (uint32_t)(series->ticks / MEASURE_HOP_TICKS % SERIES_HOPS);

		if (!tick->is_whole)
			continue;
		if (series->ticks % MEASURE_HOP_TICKS == 0)
			series->left[slot] = series->right[slot] = series->product[slot] = 0.0;
		series->left[slot] += tick->left_square;
		series->right[slot] += tick->right_square;
		series->product[slot] += tick->product;
		if (++series->ticks % MEASURE_HOP_TICKS == 0)
			series_hop(measure, series, tick);
	}
}

static void series_finish(struct measure *measure, void *part, struct measure_result *ret)
{
	struct series *series = part;

	ret->n_series = series->n;
	ret->momentary = series->value[SERIES_MOMENTARY];
	ret->shortterm = series->value[SERIES_SHORTTERM];
	ret->peak = series->value[SERIES_PEAK];
	ret->series_correlation = series->value[SERIES_CORRELATION];
	ret->histogram = series->histogram;
	for (uint32_t k = 0; k < SERIES_KINDS; k++)
		series->value[k] = NULL;
	series->histogram = NULL;
}

const struct measure_part measure_series_part = {
	.what = MEASURE_SERIES,
	.size = sizeof(struct series),
	.init = series_init,
	.block = series_block,
	.finish = series_finish,
	.done = series_done,
};
