/* measure_fine.c - energies and peaks of 2/3 ms, for who asks with options.fine: the model of a limiter.
 *
 * WHAT        For each of 15 parts of a tick the mean K-weighted energy (or the plain one), and the
 *             highest point of any channel: between the samples where it is above fine->above, of the
 *             samples elsewhere. Per tick the energy of the fourth differences, which is that of the
 *             highest frequencies: their share tells what encoders leave away.
 * SOURCE      The interpolator is that of nodes/limiter (truepeak.h, beta 3), with four points a frame;
 *             exact where it runs, peakscan.h.
 * SPEED       Energies are sums of the filter that loudness runs anyway, measure_loudness.c. */
#include "measure_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "clones.h"
#include "peakscan.h"

#define FINE_BETA 3.0 /* the limiter's detector */
#define FINE_FOLD 512u
#define FINE_RATE 96000.0 /* from here on four points a frame are enough */

struct fine {
	struct peakscan scan;
	float *envelope, *piece; /* piece[0]: PEAKSCAN_PAST pieces before */
	struct measure_fine_row *row;
	float *high; /* of each tick */
};

static int fine_init(struct measure *measure, void *part)
{
	struct fine *fine = part;
	uint32_t ticks = measure->block_ticks + 1;
	uint32_t pieces = measure->block_frames / PEAKSCAN_PIECE + PEAKSCAN_PAST + 2;

	peakscan_init(&fine->scan, fmax(measure->rate, FINE_RATE), FINE_BETA);
	fine->envelope = calloc(measure->block_frames + 2 * TRUEPEAK_GRAIN, sizeof(float));
	fine->piece = calloc(pieces, sizeof(float));
	fine->row = calloc((size_t)ticks * MEASURE_FINES, sizeof(*fine->row));
	fine->high = calloc(ticks, sizeof(float));
	return fine->envelope && fine->piece && fine->row && fine->high ? 0 : -1;
}

static void fine_done(void *part)
{
	struct fine *fine = part;

	free(fine->envelope);
	free(fine->piece);
	free(fine->row);
	free(fine->high);
}

/* ---- kernels ----------------------------------------------------------------------------------- */

MIXD_CLONES static void fine_magnitudes(const float *x, float *ret, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		ret[i] = fabsf(x[i]);
}

/* Squares of fourth differences of N frames; X has four before it. */
MIXD_CLONES static void fine_differences(const float *x, float *ret, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		const float *at = x + i;
		float d = (at[0] + at[-4]) - 4 * (at[-1] + at[-3]) + 6 * at[-2];

		ret[i] = d * d;
	}
}

/* Halves are added until one is left: vectors of any width do the same sums. */
MIXD_CLONES static float fine_fold(float *square)
{
	for (uint32_t half = FINE_FOLD / 2; half > 0; half /= 2)
		for (uint32_t i = 0; i < half; i++)
			square[i] += square[half + i];
	return square[0];
}

static double fine_high(const float *x, uint32_t n)
{
	float square[FINE_FOLD];
	double sum = 0;

	for (uint32_t i = 0; i < n; i += FINE_FOLD) {
		uint32_t now = n - i < FINE_FOLD ? n - i : FINE_FOLD;

		fine_differences(x + i, square, now);
		memset(square + now, 0, (FINE_FOLD - now) * sizeof(float));
		sum += (double)fine_fold(square);
	}
	return sum;
}

static double fine_squares(const float *x, uint32_t n)
{
	double sum = 0;

	for (uint32_t i = 0; i < n; i++)
		sum += (double)x[i] * (double)x[i];
	return sum;
}

/* ---- one channel ------------------------------------------------------------------------------- */

/* The envelope of channel C where it may be above what is asked for; magnitudes elsewhere. */
static void fine_envelope(struct measure *measure, struct fine *fine, uint32_t c)
{
	const float *x = measure->channel[c], *now = fine->piece + PEAKSCAN_PAST;
	const float above = measure->options.fine->above;
	uint32_t n_frames = measure->n_frames, whole = n_frames / PEAKSCAN_PIECE;
	uint32_t n_pieces = (n_frames + PEAKSCAN_PIECE - 1) / PEAKSCAN_PIECE, p = 0, n;

	fine_magnitudes(x, fine->envelope, n_frames);
	peakscan_pieces(x - PEAKSCAN_PAST * PEAKSCAN_PIECE, n_pieces + PEAKSCAN_PAST, fine->piece);
	while ((n = peakscan_next(&fine->scan, now, p, n_pieces, above, &p)) > 0) {
		/* The last pieces have no neighbours yet. */
		uint32_t looked = whole > p + 1 ? whole - p - 1 : 0, bits = (1u << n) - 1;

		looked = looked < n ? looked : n;
		if (looked)
			bits &= ~((1u << looked) - 1) |
				peakscan_refine(&fine->scan, x, now, p, looked, above);
		for (uint32_t k = 0; k < n; k++) {
			uint32_t from = (p + k) * PEAKSCAN_PIECE, run = 0;

			while (bits >> (k + run) & 1)
				run++;
			if (run)
				truepeak_envelope(&fine->scan.filter, x + from,
						  fine->envelope + from, run * PEAKSCAN_PIECE);
			k += run;
		}
		p += n;
	}
}

/* ---- a block ----------------------------------------------------------------------------------- */

static void fine_channel(struct measure *measure, struct fine *fine, uint32_t c)
{
	const struct measure_fine *wanted = measure->options.fine;
	const float *x = measure->channel[c];
	struct measure_fine_row *row = fine->row;

	fine_envelope(measure, fine, c);
	for (uint32_t t = 0; t < measure->n_ticks; t++) {
		const struct measure_tick *tick = &measure->tick[t];
		uint32_t end = 0;

		if (wanted->has_high && (measure->weight[c] > 0 || wanted->is_rms))
			fine->high[t] += (float)fine_high(x + tick->first, tick->n_frames);
		for (uint32_t k = 0; end < tick->n_frames; k++, row++) {
			uint32_t first = end, n;
			float peak;

			end = measure_fine_frame(measure, t, k + 1);
			end = end < tick->n_frames ? end : tick->n_frames;
			n = end - first;
			if (n == 0) /* below 1500 Hz */
				continue;
			peak = truepeak_highest(fine->envelope + tick->first + first, n);
			row->peak = peak > row->peak ? peak : row->peak;
			if (wanted->is_rms)
				row->energy += (float)(fine_squares(x + tick->first + first, n) /
						       (n * measure->n_channels));
			else if (c == 0)
				row->energy = (float)(measure->fine[t * MEASURE_FINES + k] / n);
		}
	}
}

static void fine_block(struct measure *measure, void *part)
{
	const struct measure_fine *wanted = measure->options.fine;
	struct fine *fine = part;
	uint32_t n_rows = 0;

	if (measure->n_frames == 0)
		return;
	for (uint32_t t = 0; t < measure->n_ticks; t++) {
		fine->high[t] = 0;
		for (uint32_t k = 0; measure_fine_frame(measure, t, k) < measure->tick[t].n_frames;
		     k++)
			fine->row[n_rows++] = (struct measure_fine_row){0};
	}
	for (uint32_t c = 0; c < measure->n_channels; c++)
		fine_channel(measure, fine, c);
	wanted->take(wanted->data, fine->row, n_rows, fine->high, measure->n_ticks);
}

static void fine_finish(struct measure *measure, void *part, struct measure_result *ret)
{
	(void)measure, (void)part, (void)ret; /* all has been handed over */
}

const struct measure_part measure_fine_part = {
	.what = MEASURE_TICK_FINE,
	.size = sizeof(struct fine),
	.init = fine_init,
	.block = fine_block,
	.finish = fine_finish,
	.done = fine_done,
};
