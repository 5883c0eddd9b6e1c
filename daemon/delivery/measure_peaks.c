/* measure_peaks.c - true peak and sample peak.
 *
 * SOURCE      ITU-R BS.1770-4 Annex 2 for what is measured; the interpolator is truepeak.h with
 *             beta 7 (flat to 0.003 dB up to 20 kHz); never below the sample peak.
 * OVERS       stretches of frames between whose samples the wave exceeds 0 dBTP; the value of one is
 *             its highest point.
 * SPEED       The interpolator runs only where something above the lower of 0 dBTP and the channel's
 *             highest so far can lie: exact, peakscan.h. Where the peaks of hops are asked for (PSR,
 *             plots) it starts anew in each hop, around the highest sample. */
#include "measure_private.h"

#include <math.h>
#include <stdlib.h>

#include "level.h"
#include "peakscan.h"

#define PEAKS_BETA 7.0

struct peaks_channel {
	float highest, sample; /* linear */
	uint64_t highest_at; /* frame */
	uint64_t over_next; /* frame after the last one above 0 dBTP */
	uint32_t over; /* its place in the list, or beyond */
};
struct peaks {
	struct peakscan scan;
	bool by_hops;
	float *piece; /* [0]: PEAKSCAN_PAST of the frames before */
	struct peaks_channel channel[MEDIA_CHANNELS_MAX];
	float hop; /* highest of the hop at hand */
	uint64_t n_overs;
	struct measure_event *list;
	uint32_t n_list;
	float envelope[(PEAKSCAN_RUN + 1) * PEAKSCAN_PIECE];
};

static int peaks_init(struct measure *measure, void *part)
{
	struct peaks *peaks = part;
	uint32_t pieces =
		(measure->block_frames + MEASURE_BEYOND) / PEAKSCAN_PIECE + PEAKSCAN_PAST + 2;

	peakscan_init(&peaks->scan, measure->rate, PEAKS_BETA);
	peaks->by_hops = measure->what & (MEASURE_DYNAMICS | MEASURE_SERIES);
	peaks->piece = calloc(pieces, sizeof(float));
	return peaks->piece ? 0 : -1;
}

static void peaks_done(void *part)
{
	struct peaks *peaks = part;

	free(peaks->piece);
	free(peaks->list);
}

/* ---- overs ---------------------------------------------------------------------------------- */

static void peaks_over(struct measure *measure, struct peaks *peaks, uint32_t c, uint64_t frame,
		       float value)
{
	struct peaks_channel *channel = &peaks->channel[c];
	double db = 20.0 * log10((double)value);

	if (frame == channel->over_next && frame > 0) {
		if (channel->over < peaks->n_list) {
			struct measure_event *event = &peaks->list[channel->over];

			event->value = fmax(event->value, db);
			event->length_s += 1.0 / measure->rate;
		}
	} else {
		peaks->n_overs++;
		channel->over = peaks->n_list;
		if (!measure_note(&peaks->list, &peaks->n_list,
				  (double)(frame > 16 ? frame - 16 : 0) / measure->rate,
				  1.0 / measure->rate, db, c))
			measure->has_failed = true;
		if (channel->over == peaks->n_list)
			channel->over = UINT32_MAX;
	}
	channel->over_next = frame + 1;
}

/* ---- one channel ---------------------------------------------------------------------------- */

/* The envelope of N_FRAMES from FIRST on; *HIGH rises. */
static void peaks_look(struct measure *measure, struct peaks *peaks, uint32_t c, uint32_t first,
		       uint32_t n_frames, float *high)
{
	struct peaks_channel *channel = &peaks->channel[c];
	uint64_t frame = measure->first_frame + first;
	float top;

	truepeak_envelope(&peaks->scan.filter, measure->channel[c] + first, peaks->envelope,
			  n_frames);
	top = truepeak_highest(peaks->envelope, n_frames);
	if (top > *high)
		*high = top;
	if (top > channel->highest) {
		uint32_t at = 0;

		while (peaks->envelope[at] != top)
			at++;
		channel->highest = top;
		channel->highest_at = frame + at > 16 ? frame + at - 16 : 0;
	}
	if (top > 1.0f)
		for (uint32_t i = 0; i < n_frames; i++)
			if (peaks->envelope[i] > 1.0f)
				peaks_over(measure, peaks, c, frame + i, peaks->envelope[i]);
}

/* Where the highest sample is, the highest point is not far: begin with it. N_PIECES: whole ones. */
static float peaks_guess(struct measure *measure, struct peaks *peaks, uint32_t c, uint32_t first,
			 uint32_t n_pieces)
{
	const float *piece = peaks->piece + PEAKSCAN_PAST;
	uint32_t best = 0;

	for (uint32_t p = 1; p < n_pieces; p++)
		if (piece[p] > piece[best])
			best = p;
	if (n_pieces < 2 || piece[best] <= 0.0f)
		return 0.0f;
	best = best < n_pieces - 1 ? best : n_pieces - 2;
	truepeak_envelope(&peaks->scan.filter, measure->channel[c] + first + best * PEAKSCAN_PIECE,
			  peaks->envelope, 2 * PEAKSCAN_PIECE);
	return truepeak_highest(peaks->envelope, 2 * PEAKSCAN_PIECE);
}

/* N pieces from piece P on of a span, which may hold something higher. */
static void peaks_run(struct measure *measure, struct peaks *peaks, uint32_t c, uint32_t first,
		      uint32_t n_frames, uint32_t p, uint32_t n, float *high)
{
	/* The last pieces have no neighbours yet. */
	uint32_t inner = n_frames / PEAKSCAN_PIECE > p + 1 ? n_frames / PEAKSCAN_PIECE - p - 1 : 0;
	uint32_t looked = n < inner ? n : inner, bits = (uint32_t)((1ull << n) - 1), k = 0;

	if (looked)
		bits &= ~((1u << looked) - 1) |
			peakscan_refine(&peaks->scan, measure->channel[c] + first,
					peaks->piece + PEAKSCAN_PAST, p, looked,
					fminf(*high, 1.0f));
	while (k < n) {
		uint32_t from = (p + k) * PEAKSCAN_PIECE, run = 0;

		while (k + run < n && bits >> (k + run) & 1)
			run++;
		if (run) {
			uint32_t frames = run * PEAKSCAN_PIECE;

			frames = frames < n_frames - from ? frames : n_frames - from;
			peaks_look(measure, peaks, c, first + from, frames, high);
		}
		k += run + 1;
	}
}

/* Frames [FIRST, FIRST + N_FRAMES) of channel C. */
static void peaks_span(struct measure *measure, struct peaks *peaks, uint32_t c, uint32_t first,
		       uint32_t n_frames)
{
	const float *x = measure->channel[c] + first;
	uint32_t n_pieces = (n_frames + PEAKSCAN_PIECE - 1) / PEAKSCAN_PIECE, p = 0, n;
	struct peaks_channel *channel = &peaks->channel[c];
	float high = peaks->by_hops ? 0.0f : channel->highest, sample;

	peakscan_pieces(x - PEAKSCAN_PAST * PEAKSCAN_PIECE, n_pieces + PEAKSCAN_PAST, peaks->piece);
	sample = truepeak_highest(peaks->piece + PEAKSCAN_PAST, n_pieces);
	if (sample > channel->sample)
		channel->sample = sample;
	if (peaks->by_hops)
		high = peaks_guess(measure, peaks, c, first, n_frames / PEAKSCAN_PIECE);
	while ((n = peakscan_next(&peaks->scan, peaks->piece + PEAKSCAN_PAST, p, n_pieces,
				  fminf(high, 1.0f), &p)) > 0) {
		peaks_run(measure, peaks, c, first, n_frames, p, n, &high);
		p += n;
	}
	if (high > peaks->hop)
		peaks->hop = high;
}

static void peaks_hops(struct measure *measure, struct peaks *peaks, uint32_t beyond)
{
	uint32_t first = 0;

	for (uint32_t t = 0; t < measure->n_ticks; t++) {
		struct measure_tick *tick = &measure->tick[t];
		uint32_t end = tick->first + tick->n_frames;
		bool is_last = t + 1 == measure->n_ticks;

		if ((measure->first_tick + t + 1) % MEASURE_HOP_TICKS != 0 && !is_last)
			continue;
		peaks->hop = 0.0f;
		for (uint32_t c = 0; c < measure->n_channels; c++)
			peaks_span(measure, peaks, c, first, end - first + (is_last ? beyond : 0));
		tick->true_peak = peaks->hop;
		first = end;
	}
}

static void peaks_block(struct measure *measure, void *part)
{
	struct peaks *peaks = part;
	/* The wave does not end with its last sample. */
	uint32_t beyond = measure->is_last ? TRUEPEAK_PAST : 0;

	if (peaks->by_hops && measure->n_ticks) {
		peaks_hops(measure, peaks, beyond);
		return;
	}
	for (uint32_t c = 0; c < measure->n_channels; c++)
		peaks_span(measure, peaks, c, 0, measure->n_frames + beyond);
}

static int peaks_by_time(const void *a, const void *b)
{
	const struct measure_event *left = a, *right = b;

	return (left->at_s > right->at_s) - (left->at_s < right->at_s);
}

static void peaks_finish(struct measure *measure, void *part, struct measure_result *ret)
{
	struct peaks *peaks = part;
	float highest = 0.0f, sample = 0.0f;

	for (uint32_t c = 0; c < measure->n_channels; c++) {
		const struct peaks_channel *channel = &peaks->channel[c];

		ret->channel_true_peak[c] = level_of_amplitude((double)channel->highest);
		ret->channel_sample_peak[c] = level_of_amplitude((double)channel->sample);
		if (channel->highest > highest) {
			highest = channel->highest;
			ret->true_peak_at_s = (double)channel->highest_at / measure->rate;
		}
		sample = fmaxf(sample, channel->sample);
	}
	ret->true_peak = level_of_amplitude((double)highest);
	ret->sample_peak = level_of_amplitude((double)sample);
	ret->n_overs = peaks->n_overs;
	ret->over = peaks->list;
	ret->n_over = peaks->n_list;
	peaks->list = NULL;
	if (ret->n_over)
		qsort(ret->over, ret->n_over, sizeof(*ret->over), peaks_by_time);
}

const struct measure_part measure_peaks_part = {
	.what = MEASURE_TRUE_PEAK,
	.size = sizeof(struct peaks),
	.init = peaks_init,
	.block = peaks_block,
	.finish = peaks_finish,
	.done = peaks_done,
};
