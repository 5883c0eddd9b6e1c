/* measure_dynamics.c - PSR and DR14.
 *
 * PSR         true peak of the last 3 s minus S, at each 100 ms with a whole window and S above -70
 *             LUFS; the lowest of them (the PSR of the densest passage).
 * DR14        after public implementations of the "TT DR" method: blocks of 3 s per channel, rms =
 *             sqrt(2 mean x^2); DR of a channel = 20 log10(second highest peak of a block / rms of the
 *             loudest 20 %); the mean of the channels, rounded. Peaks are of samples. Where the
 *             original takes 3 * 44160 samples at 44.1 kHz, this takes 3 s: blocks begin 0.14 % apart.
 *             NAN for less than two blocks, or silence. */
#include "measure_private.h"

#include <math.h>
#include <stdlib.h>

#define DYNAMICS_HOPS 30u
#define DR_TICKS 300u

struct dynamics {
	/* psr */
	float hop[DYNAMICS_HOPS]; /* true peaks, a ring */
	uint64_t hops;
	double psr_min;
	/* dr: [block][channel] */
	float *square, *peak; /* mean square, highest */
	uint32_t n_blocks, capacity;
	uint64_t ticks;
	double now_square[MEDIA_CHANNELS_MAX], now_frames;
	float now_peak[MEDIA_CHANNELS_MAX];
};

static int dynamics_init(struct measure *measure, void *part)
{
	struct dynamics *dynamics = part;

	dynamics->psr_min = NAN;
	return 0;
}

static void dynamics_done(void *part)
{
	struct dynamics *dynamics = part;

	free(dynamics->square);
	free(dynamics->peak);
}

static void dynamics_hop(struct dynamics *dynamics, const struct measure_tick *tick)
{
	float highest = 0.0f;
	double psr;

	dynamics->hop[dynamics->hops++ % DYNAMICS_HOPS] = tick->true_peak;
	if (dynamics->hops < DYNAMICS_HOPS)
		return;
	for (uint32_t k = 0; k < DYNAMICS_HOPS; k++)
		highest = fmaxf(highest, dynamics->hop[k]);
	if (!(loudness_from_energy(tick->shortterm) > LOUDNESS_FLOOR_LUFS) || highest <= 0.0f)
		return;
	psr = 20.0 * log10((double)highest) - loudness_from_energy(tick->shortterm);
	if (!(psr >= dynamics->psr_min))
		dynamics->psr_min = psr;
}

static bool dynamics_grow(struct measure *measure, struct dynamics *dynamics)
{
	uint32_t capacity = dynamics->capacity ? dynamics->capacity * 2 : 256;
	size_t bytes = (size_t)capacity * measure->n_channels * sizeof(float);
	float *square, *peak;

	if (dynamics->n_blocks < dynamics->capacity)
		return true;
	square = realloc(dynamics->square, bytes);
	dynamics->square = square ? square : dynamics->square;
	peak = realloc(dynamics->peak, bytes);
	dynamics->peak = peak ? peak : dynamics->peak;
	if (!square || !peak)
		return false;
	dynamics->capacity = capacity;
	return true;
}

static void dynamics_end_block(struct measure *measure, struct dynamics *dynamics)
{
	size_t at = (size_t)dynamics->n_blocks * measure->n_channels;

	if (dynamics->now_frames <= 0.0)
		return;
	if (!dynamics_grow(measure, dynamics)) {
		measure->has_failed = true;
		return;
	}
	for (uint32_t c = 0; c < measure->n_channels; c++) {
		dynamics->square[at + c] = (float)(dynamics->now_square[c] / dynamics->now_frames);
		dynamics->peak[at + c] = dynamics->now_peak[c];
		dynamics->now_square[c] = 0.0;
		dynamics->now_peak[c] = 0.0f;
	}
	dynamics->now_frames = 0.0;
	dynamics->n_blocks++;
}

static void dynamics_block(struct measure *measure, void *part)
{
	struct dynamics *dynamics = part;

	for (uint32_t t = 0; t < measure->n_ticks; t++) {
		const struct measure_tick *tick = &measure->tick[t];
		size_t at = (size_t)t * measure->n_channels;

		for (uint32_t c = 0; c < measure->n_channels; c++) {
			dynamics->now_square[c] += measure->channel_square[at + c];
			dynamics->now_peak[c] =
				fmaxf(dynamics->now_peak[c], measure->channel_peak[at + c]);
		}
		dynamics->now_frames += tick->n_frames;
		if (!tick->is_whole)
			continue;
		if (++dynamics->ticks % DR_TICKS == 0)
			dynamics_end_block(measure, dynamics);
		if (dynamics->ticks % MEASURE_HOP_TICKS == 0)
			dynamics_hop(dynamics, tick);
	}
}

static int dynamics_compare(const void *a, const void *b)
{
	float left = *(const float *)a, right = *(const float *)b;

	return (left < right) - (left > right);
}

/* DR of channel C; SORTED has room for all blocks. */
static double dynamics_channel(const struct measure *measure, const struct dynamics *dynamics,
			       uint32_t c, float *sorted)
{
	uint32_t n = dynamics->n_blocks, loudest = n / 5 ? n / 5 : 1;
	double square = 0.0, second;

	for (uint32_t b = 0; b < n; b++)
		sorted[b] = dynamics->peak[(size_t)b * measure->n_channels + c];
	qsort(sorted, n, sizeof(float), dynamics_compare);
	second = (double)sorted[1];
	for (uint32_t b = 0; b < n; b++)
		sorted[b] = dynamics->square[(size_t)b * measure->n_channels + c];
	qsort(sorted, n, sizeof(float), dynamics_compare);
	for (uint32_t b = 0; b < loudest; b++)
		square += 2.0 * (double)sorted[b];
	if (square <= 0.0 || second <= 0.0)
		return NAN;
	return 20.0 * log10(second / sqrt(square / loudest));
}

static void dynamics_finish(struct measure *measure, void *part, struct measure_result *ret)
{
	struct dynamics *dynamics = part;
	double sum = 0.0;
	float *sorted;
	uint32_t n = 0;

	ret->psr_min = dynamics->psr_min;
	dynamics_end_block(measure, dynamics);
	if (dynamics->n_blocks < 2)
		return;
	sorted = malloc(dynamics->n_blocks * sizeof(*sorted));
	if (!sorted) {
		measure->has_failed = true;
		return;
	}
	for (uint32_t c = 0; c < measure->n_channels; c++) {
		double dr = dynamics_channel(measure, dynamics, c, sorted);

		if (isnan(dr))
			continue;
		sum += dr;
		n++;
	}
	free(sorted);
	if (n)
		ret->dr14 = round(sum / n) + 0.0; /* no -0 */
}

const struct measure_part measure_dynamics_part = {
	.what = MEASURE_DYNAMICS,
	.size = sizeof(struct dynamics),
	.init = dynamics_init,
	.block = dynamics_block,
	.finish = dynamics_finish,
	.done = dynamics_done,
};
