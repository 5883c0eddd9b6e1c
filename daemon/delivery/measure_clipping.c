/* measure_clipping.c - runs of equal samples at the highest level.
 *
 * RULE        A clip is a run of three or more equal samples of one channel, at or above its clip
 *             level: full scale (less one and a half steps of the format), or, below that, the
 *             highest level of its polarity in the programme. Below full scale the run must also be
 *             entered or left by more than four steps of 16 bits at once: the crest of a slow sine is
 *             flat, too, after rounding, but its sides are not steep.
 * MEMORY      When a higher level comes, what was counted below it was no clipping. */
#include "measure_private.h"

#include <math.h>
#include <stdlib.h>

#include "blocksum.h"

struct clipping_side { /* of a channel: above or below zero */
	float highest;
	uint64_t runs, samples;
};
struct clipping_channel {
	struct clipping_side side[2];
	/* the run at hand */
	bool is_open;
	float value, entry;
	uint64_t start;
};
struct clipping {
	float full; /* the clip level where nothing is lower */
	float steep;
	struct clipping_channel channel[MEDIA_CHANNELS_MAX];
	struct measure_event list[MEASURE_LIST_MAX];
	uint8_t list_side[MEASURE_LIST_MAX];
	uint32_t n_list;
};

static void clipping_prepare(const struct measure *measure, struct clipping *clipping)
{
	clipping->full = (float)(1.0 - 1.5 * measure->quantum);
	clipping->steep = (float)(4.0 * measure->quantum);
}

static float clipping_level(const struct clipping *clipping, const struct clipping_side *side)
{
	return side->highest > 0.0f ? fminf(side->highest, clipping->full) : clipping->full;
}

static void clipping_forget(struct clipping *clipping, uint32_t c, uint32_t s)
{
	struct clipping_side *side = &clipping->channel[c].side[s];
	uint32_t n = 0;

	side->runs = side->samples = 0;
	for (uint32_t k = 0; k < clipping->n_list; k++) {
		if (clipping->list[k].channel == c && clipping->list_side[k] == s)
			continue;
		clipping->list[n] = clipping->list[k];
		clipping->list_side[n++] = clipping->list_side[k];
	}
	clipping->n_list = n;
}

/* The highest levels of both sides, with this tick. */
static void clipping_raise(struct clipping *clipping, uint32_t c, const float *x, uint32_t n_frames)
{
	struct clipping_channel *channel = &clipping->channel[c];
	float highest[2] = {channel->side[0].highest, channel->side[1].highest};

	for (uint32_t i = 0; i < n_frames; i++) {
		highest[0] = x[i] > highest[0] ? x[i] : highest[0];
		highest[1] = -x[i] > highest[1] ? -x[i] : highest[1];
	}
	for (uint32_t s = 0; s < 2; s++) {
		struct clipping_side *side = &channel->side[s];

		if (highest[s] > side->highest && side->highest < clipping->full && side->runs)
			clipping_forget(clipping, c, s);
		side->highest = highest[s];
	}
}

/* The run has ended at frame END, followed by a step of LEAVE. */
static void clipping_close(const struct measure *measure, struct clipping *clipping, uint32_t c,
			   uint64_t end, float leave)
{
	struct clipping_channel *channel = &clipping->channel[c];
	uint32_t s = channel->value < 0.0f;
	struct clipping_side *side = &channel->side[s];
	uint64_t n = end - channel->start;

	channel->is_open = false;
	if (fabsf(channel->value) < clipping->full &&
	    !(fmaxf(channel->entry, leave) > clipping->steep))
		return;
	side->runs++;
	side->samples += n;
	if (clipping->n_list >= MEASURE_LIST_MAX)
		return;
	clipping->list_side[clipping->n_list] = (uint8_t)s;
	clipping->list[clipping->n_list++] = (struct measure_event){
		(double)channel->start / measure->rate, (double)n / measure->rate, (double)n, c};
}

static void clipping_scan(const struct measure *measure, struct clipping *clipping, uint32_t c,
			  uint32_t first, uint32_t n_frames)
{
	struct clipping_channel *channel = &clipping->channel[c];
	const float *x = measure->channel[c];
	float above = clipping_level(clipping, &channel->side[0]);
	float below = clipping_level(clipping, &channel->side[1]);

	for (uint32_t i = first; i < first + n_frames; i++) {
		const float *at = x + i;

		if (channel->is_open && at[0] != channel->value)
			clipping_close(measure, clipping, c, measure->first_frame + i,
				       fabsf(at[0] - channel->value));
		if (channel->is_open || at[0] != at[-1] || at[-1] != at[-2] ||
		    !(at[0] >= above || at[0] <= -below) || measure->first_frame + i < 2)
			continue;
		channel->is_open = true;
		channel->value = at[0];
		channel->start = measure->first_frame + i - 2;
		channel->entry = channel->start ? fabsf(at[-3] - at[0]) : 0.0f;
	}
}

static void clipping_block(struct measure *measure, void *part)
{
	struct clipping *clipping = part;

	clipping_prepare(measure, clipping);
	for (uint32_t c = 0; c < measure->n_channels; c++) {
		struct clipping_channel *channel = &clipping->channel[c];

		for (uint32_t t = 0; t < measure->n_ticks; t++) {
			const struct measure_tick *tick = &measure->tick[t];
			const float *x = measure->channel[c] + tick->first;
			float peak = measure->channel_peak[(size_t)t * measure->n_channels + c];
			float above, below;

			if (peak > fminf(channel->side[0].highest, channel->side[1].highest))
				clipping_raise(clipping, c, x, tick->n_frames);
			above = clipping_level(clipping, &channel->side[0]);
			below = clipping_level(clipping, &channel->side[1]);
			if (channel->is_open || (peak >= fminf(above, below) && peak > 0.0f &&
						 blocksum_flat(x, tick->n_frames, above, below)))
				clipping_scan(measure, clipping, c, tick->first, tick->n_frames);
		}
	}
}

static int clipping_by_time(const void *a, const void *b)
{
	const struct measure_event *left = a, *right = b;

	return (left->at_s > right->at_s) - (left->at_s < right->at_s);
}

static void clipping_finish(struct measure *measure, void *part, struct measure_result *ret)
{
	struct clipping *clipping = part;

	for (uint32_t c = 0; c < measure->n_channels; c++)
		if (clipping->channel[c].is_open)
			clipping_close(measure, clipping, c, measure->total_frames, 0.0f);
	ret->clip_runs = ret->clipped_samples = 0;
	for (uint32_t c = 0; c < measure->n_channels; c++)
		for (uint32_t s = 0; s < 2; s++) {
			ret->clip_runs += clipping->channel[c].side[s].runs;
			ret->clipped_samples += clipping->channel[c].side[s].samples;
		}
	qsort(clipping->list, clipping->n_list, sizeof(clipping->list[0]), clipping_by_time);
	for (uint32_t k = 0; k < clipping->n_list; k++)
		if (!measure_note(&ret->clip, &ret->n_clip, clipping->list[k].at_s,
				  clipping->list[k].length_s, clipping->list[k].value,
				  clipping->list[k].channel))
			measure->has_failed = true;
}

const struct measure_part measure_clipping_part = {
	.what = MEASURE_FAULTS,
	.size = sizeof(struct clipping),
	.block = clipping_block,
	.finish = clipping_finish,
};
