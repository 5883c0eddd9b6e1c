/* measure_silence.c - head, tail, the longest pause, and digital black inside.
 *
 * HEAD, TAIL  up to the first, after the last frame of sound. Sound is where the RMS of 50 ms (moved by
 *             10 ms, all channels) is above -60 dBFS: a tick of a mouse is none, room tone under
 *             -60 dB is none. Inside such a window, the first tick that is above -60 dBFS by
 *             itself, and in it the first sample above 0.001. Nothing but silence: both are the
 *             whole.
 * ROOM TONE   RMS of whole ticks in head and tail; NAN when there is none, -INFINITY when it is zero.
 * DROPOUTS    zero in all channels for more than 10 ms, between sound; or in one channel alone for
 *             10 ms to 1 s, when that channel was above -40 dBFS within 64 frames on both sides (a
 *             pause of one channel is none of those). The channel of the first is UINT32_MAX. */
#include "measure_private.h"

#include <math.h>
#include <stdlib.h>

#include "blocksum.h"
#include "level.h"

#define SILENCE_TICKS 5u
#define SILENCE_POWER 1e-6 /* -60 dBFS */
#define SILENCE_SAMPLE 1e-3f
#define BLACK_S 0.010
#define BLACK_ONE_MAX_S 1.0
#define BLACK_FLANK 0.01f /* -40 dBFS */
#define BLACK_FLANK_FRAMES 64u

/* What is kept of a tick until its window has passed. */
struct silence_tick {
	double square, frames;
	bool is_loud; /* by itself */
	uint64_t first_loud, last_loud; /* frames */
	double square_before; /* of all ticks before it */
	uint64_t frames_before;
};
struct silence_run { /* of zeros */
	bool is_zero;
	bool was_loud; /* before */
	bool has_begun; /* there was sound before */
	uint64_t start;
	uint64_t black_before; /* frames of digital black in all channels, when it began */
};
struct silence {
	/* sound */
	struct silence_tick tick[SILENCE_TICKS];
	uint64_t ticks;
	double square;
	uint64_t frames;
	bool has_sound;
	uint64_t first, last; /* frames of sound */
	double head_square, tail_square; /* before the first, up to the end of the last tick */
	uint64_t head_frames, tail_frames;
	uint64_t longest;
	/* black: one run per channel, then all */
	uint32_t chunk;
	struct silence_run run[MEDIA_CHANNELS_MAX + 1];
	uint64_t black_frames;
	uint64_t n_dropouts;
	struct measure_event *list;
	uint32_t n_list;
};

static int silence_init(struct measure *measure, void *part)
{
	struct silence *silence = part;

	/* A run of more than 10 ms holds a whole chunk, and begins within one. */
	silence->chunk = measure->rate_hz / 200;
	silence->chunk = silence->chunk < BLACK_FLANK_FRAMES ? silence->chunk : BLACK_FLANK_FRAMES;
	return 0;
}

static void silence_done(void *part)
{
	struct silence *silence = part;

	free(silence->list);
}

/* ---- sound ---------------------------------------------------------------------------------- */

static void silence_edges(const struct measure *measure, const struct measure_tick *tick,
			  struct silence_tick *ret)
{
	uint32_t first = tick->n_frames, last = 0;

	for (uint32_t c = 0; c < measure->n_channels; c++) {
		const float *x = measure->channel[c] + tick->first;
		uint32_t i = 0, k = tick->n_frames;

		while (i < first && fabsf(x[i]) <= SILENCE_SAMPLE)
			i++;
		while (k > last + 1 && fabsf(x[k - 1]) <= SILENCE_SAMPLE)
			k--;
		first = i < first ? i : first;
		last = k - 1 > last ? k - 1 : last;
	}
	ret->first_loud = measure->first_frame + tick->first + first;
	ret->last_loud = measure->first_frame + tick->first + last;
}

static void silence_sound(struct silence *silence, const struct silence_tick *from,
			  const struct silence_tick *to)
{
	if (!silence->has_sound) {
		silence->has_sound = true;
		silence->first = from->first_loud;
		silence->head_square = from->square_before;
		silence->head_frames = from->frames_before;
	} else if (from->first_loud - silence->last - 1 > silence->longest &&
		   from->frames_before > silence->tail_frames) {
		/* At least one tick between is silent. */
		silence->longest = from->first_loud - silence->last - 1;
	}
	silence->last = to->last_loud;
	silence->tail_square = to->square_before + to->square;
	silence->tail_frames = to->frames_before + (uint64_t)to->frames;
}

static void silence_tick(struct measure *measure, struct silence *silence,
			 const struct measure_tick *tick)
{
	struct silence_tick *now = &silence->tick[silence->ticks % SILENCE_TICKS];
	const struct silence_tick *from = NULL, *to = NULL;
	double square = 0.0, frames = 0.01 * SILENCE_TICKS * measure->rate;

	*now = (struct silence_tick){.square = tick->square,
				     .frames = tick->n_frames,
				     .square_before = silence->square,
				     .frames_before = silence->frames};
	now->is_loud = tick->square > SILENCE_POWER * tick->n_frames * measure->n_channels;
	if (now->is_loud)
		silence_edges(measure, tick, now);
	silence->square += tick->square;
	silence->frames += tick->n_frames;
	silence->ticks++;
	for (uint32_t k = SILENCE_TICKS; k > 0; k--) {
		const struct silence_tick *past;

		if (k > silence->ticks)
			continue;
		past = &silence->tick[(silence->ticks - k) % SILENCE_TICKS];
		square += past->square;
		if (!past->is_loud || (silence->has_sound && past->first_loud <= silence->last))
			continue;
		from = from ? from : past;
		to = past;
	}
	/* Before the programme there was silence. */
	if (from && square > SILENCE_POWER * frames * measure->n_channels)
		silence_sound(silence, from, to);
}

/* ---- black ---------------------------------------------------------------------------------- */

static void silence_dropout(struct measure *measure, struct silence *silence, uint64_t start,
			    uint64_t end, uint32_t c)
{
	silence->n_dropouts++;
	if (!measure_note(&silence->list, &silence->n_list, (double)start / measure->rate,
			  (double)(end - start) / measure->rate,
			  (double)(end - start) / measure->rate * 1e3, c))
		measure->has_failed = true;
}

static void silence_begin(const struct measure *measure, struct silence *silence,
			  struct silence_run *run, const float *const *x, uint32_t n, uint32_t at)
{
	uint32_t back = BLACK_FLANK_FRAMES;
	float highest = 0.0f;

	for (uint32_t c = 0; c < n; c++) {
		uint32_t zeros = 0;

		while (zeros < back && x[c][(int32_t)at - 1 - (int32_t)zeros] == 0.0f)
			zeros++;
		back = zeros < back ? zeros : back;
		highest = fmaxf(highest,
				level_highest(x[c] + at - BLACK_FLANK_FRAMES, BLACK_FLANK_FRAMES));
	}
	run->is_zero = true;
	run->start = measure->first_frame + at;
	run->start -= back < run->start ? back : run->start;
	run->was_loud = highest > BLACK_FLANK;
	run->black_before = silence->black_frames;
}

static void silence_end(struct measure *measure, struct silence *silence, struct silence_run *run,
			const float *const *x, uint32_t n, uint32_t at, uint32_t frames, uint32_t c)
{
	uint32_t ahead = frames, flank = measure->n_frames - at;
	float highest = 0.0f;
	uint64_t end, length;

	flank = flank < BLACK_FLANK_FRAMES ? flank : BLACK_FLANK_FRAMES;
	for (uint32_t k = 0; k < n; k++) {
		uint32_t zeros = 0;

		while (zeros < ahead && x[k][at + zeros] == 0.0f)
			zeros++;
		ahead = zeros < ahead ? zeros : ahead;
		highest = fmaxf(highest, level_highest(x[k] + at, flank));
	}
	run->is_zero = false;
	end = measure->first_frame + at + ahead;
	length = end - run->start;
	if (!run->has_begun || (double)length <= BLACK_S * measure->rate)
		return;
	if (c == measure->n_channels)
		silence_dropout(measure, silence, run->start, end, UINT32_MAX);
	else if (run->was_loud && highest > BLACK_FLANK &&
		 (double)length <= BLACK_ONE_MAX_S * measure->rate &&
		 silence->black_frames - run->black_before < length / 2)
		silence_dropout(measure, silence, run->start, end, c);
}

/* Chunk of FRAMES at AT for run C: one channel, or all of them. */
static void silence_chunk(struct measure *measure, struct silence *silence, uint32_t c, uint32_t at,
			  uint32_t frames, bool is_zero)
{
	struct silence_run *run = &silence->run[c];
	bool is_all = c == measure->n_channels;
	const float *const *x = (const float *const *)&measure->channel[is_all ? 0 : c];
	uint32_t n = is_all ? measure->n_channels : 1;

	if (is_zero && !run->is_zero)
		silence_begin(measure, silence, run, x, n, at);
	else if (!is_zero && run->is_zero)
		silence_end(measure, silence, run, x, n, at, frames, c);
	run->has_begun |= !is_zero;
}

static void silence_black(struct measure *measure, struct silence *silence)
{
	uint32_t frames;

	for (uint32_t at = 0; at < measure->n_frames; at += frames) {
		bool is_black = true;

		frames = measure->n_frames - at;
		frames = frames < silence->chunk ? frames : silence->chunk;
		for (uint32_t c = 0; c < measure->n_channels; c++) {
			bool is_zero = !blocksum_any(measure->channel[c] + at, frames);

			is_black = is_black && is_zero;
			if (measure->n_channels > 1)
				silence_chunk(measure, silence, c, at, frames, is_zero);
		}
		silence_chunk(measure, silence, measure->n_channels, at, frames, is_black);
		silence->black_frames += is_black ? frames : 0;
	}
}

/* ---- */

static void silence_block(struct measure *measure, void *part)
{
	struct silence *silence = part;

	for (uint32_t t = 0; t < measure->n_ticks; t++)
		silence_tick(measure, silence, &measure->tick[t]);
	silence_black(measure, silence);
}

static void silence_finish(struct measure *measure, void *part, struct measure_result *ret)
{
	struct silence *silence = part;
	uint64_t tail_frames = silence->frames - silence->tail_frames;
	double channels = measure->n_channels;

	ret->n_dropouts = silence->n_dropouts;
	ret->dropout = silence->list;
	ret->n_dropout = silence->n_list;
	silence->list = NULL;
	ret->longest_silence_s = (double)silence->longest / measure->rate;
	if (!silence->has_sound) {
		ret->head_s = ret->tail_s = ret->duration_s;
		if (silence->frames)
			ret->head_rms = ret->tail_rms = level_of_power(
				silence->square / ((double)silence->frames * channels));
		return;
	}
	ret->head_s = (double)silence->first / measure->rate;
	ret->tail_s = (double)(measure->total_frames - silence->last - 1) / measure->rate;
	if (silence->head_frames)
		ret->head_rms = level_of_power(silence->head_square /
					       ((double)silence->head_frames * channels));
	if (tail_frames)
		ret->tail_rms = level_of_power((silence->square - silence->tail_square) /
					       ((double)tail_frames * channels));
}

const struct measure_part measure_silence_part = {
	.what = MEASURE_FAULTS,
	.size = sizeof(struct silence),
	.init = silence_init,
	.block = silence_block,
	.finish = silence_finish,
	.done = silence_done,
};
