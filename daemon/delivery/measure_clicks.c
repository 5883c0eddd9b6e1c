/* measure_clicks.c - clicks: single points where a wave bends as nothing around them does.
 *
 * SOURCE      our own, after Godsill and Rayner, Digital Audio Restoration (1998), ch. 5: what does
 *             not follow from its neighbours stands out in a high-passed signal. Here that is the
 *             second difference, and what it is held against is its own median over 10 ms.
 * RULE        |x[n] - 2 x[n-1] + x[n-2]| is above 8 times the median of its magnitudes around it
 *             (10 ms, 0.5 ms to both sides left out), above 16 times their mean over 30 ms, above
 *             -60 dBFS, more than 4 times as high as anything 0.5 ms to 10 ms away on both sides, and
 *             what is on one side is not 30 times as strong as on the other. The last parts leave
 *             out attacks of drums, which ring on, and sounds that begin or end at once.
 * LIMITS      Clicks less than 10 ms apart hide each other; a programme of noise bursts may have
 *             some that are meant. */
#include "measure_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "blocksum.h"
#include "level.h"

#define CLICKS_MEDIANS 8.0f
#define CLICKS_MEANS 16.0f
#define CLICKS_SIDES 30.0f
#define CLICKS_LEAST 1e-3f
#define CLICKS_AROUND 4.0f
#define CLICKS_NEAR_S 0.0005
#define CLICKS_FRAMES_MAX 7681u /* 10 ms at 768 kHz */

struct clicks_tick {
	float sum, highest, peak; /* peak: of the sound itself */
	float head, middle, tail; /* highest in the first 1 ms, the last 1 ms, and between */
	uint32_t n_frames;
	/* a candidate */
	bool is_candidate;
	bool near_start, near_end; /* what is near it lies in the tick before, after */
	uint64_t frame;
};
struct clicks_channel {
	struct clicks_tick tick[3]; /* the newest is last */
};
struct clicks {
	struct clicks_channel channel[MEDIA_CHANNELS_MAX];
	uint64_t n;
	float bend[CLICKS_FRAMES_MAX];
};

static int clicks_compare(const void *a, const void *b)
{
	float left = *(const float *)a, right = *(const float *)b;

	return (left > right) - (left < right);
}

static float clicks_bend(const float *x)
{
	return fabsf((x[0] - x[-1]) - (x[-1] - x[-2]));
}

/* Looks at a tick whose highest bend is far above its mean. */
static void clicks_examine(const struct measure *measure, struct clicks *clicks, const float *x,
			   uint64_t frame, struct clicks_tick *tick)
{
	uint32_t near = (uint32_t)ceil(CLICKS_NEAR_S * measure->rate), at = 0, n = 0;
	float around = 0.0f;

	while (at + 1 < tick->n_frames && clicks_bend(x + at) != tick->highest)
		at++;
	for (uint32_t i = 0; i < tick->n_frames; i++) {
		if (i + near >= at && i <= at + near)
			continue;
		clicks->bend[n] = clicks_bend(x + i);
		around = fmaxf(around, clicks->bend[n++]);
	}
	if (n < 8 || around * CLICKS_AROUND >= tick->highest)
		return;
	qsort(clicks->bend, n, sizeof(float), clicks_compare);
	if (tick->highest <= CLICKS_MEDIANS * clicks->bend[n / 2])
		return;
	tick->is_candidate = true;
	tick->near_start = at < near;
	tick->near_end = at + near >= tick->n_frames;
	tick->frame = frame + at;
}

static void clicks_gather(const struct measure *measure, const float *x, uint32_t n_frames,
			  struct clicks_tick *tick)
{
	uint32_t edge = (uint32_t)ceil(2.0 * CLICKS_NEAR_S * measure->rate);
	float sum;

	memset(tick, 0, sizeof(*tick));
	tick->n_frames = n_frames;
	if (n_frames < 3 * edge)
		return;
	blocksum_bend(x, edge, &sum, &tick->head);
	tick->sum = sum;
	blocksum_bend(x + edge, n_frames - 2 * edge, &sum, &tick->middle);
	tick->sum += sum;
	blocksum_bend(x + n_frames - edge, edge, &sum, &tick->tail);
	tick->sum += sum;
	tick->highest = fmaxf(tick->middle, fmaxf(tick->head, tick->tail));
}

/* Whether the middle one of three ticks holds a click. */
static bool clicks_is_one(const struct clicks_channel *channel)
{
	const struct clicks_tick *before = &channel->tick[0], *tick = &channel->tick[1],
				 *after = &channel->tick[2];
	float around =
		fmaxf(fmaxf(before->head, before->middle), fmaxf(after->middle, after->tail));

	if (!tick->is_candidate)
		return false;
	if (!tick->near_start)
		around = fmaxf(around, before->tail);
	if (!tick->near_end)
		around = fmaxf(around, after->head);
	if (around * CLICKS_AROUND >= tick->highest)
		return false;
	/* The highest of its neighbourhood: one that straddles two ticks is counted once. */
	if (tick->highest < before->tail || tick->highest <= after->head)
		return false;
	if (fmaxf(before->peak, after->peak) > CLICKS_SIDES * fminf(before->peak, after->peak))
		return false;
	if (fmaxf(before->sum, after->sum) > CLICKS_SIDES * fminf(before->sum, after->sum) &&
	    around > CLICKS_LEAST / CLICKS_SIDES)
		return false;
	return tick->highest * (float)(before->n_frames + tick->n_frames + after->n_frames) >
	       CLICKS_MEANS * (before->sum + tick->sum + after->sum);
}

static void clicks_tick(struct measure *measure, struct clicks *clicks, uint32_t c,
			const struct measure_tick *tick)
{
	struct clicks_channel *channel = &clicks->channel[c];
	struct clicks_tick *now = &channel->tick[2];
	const float *x = measure->channel[c] + tick->first;

	memmove(&channel->tick[0], &channel->tick[1], 2 * sizeof(channel->tick[0]));
	clicks_gather(measure, x, tick->n_frames, now);
	now->peak = level_highest(x, tick->n_frames);
	/* Already more than the mean of three ticks allows: spares looking closer. */
	if (now->highest > CLICKS_LEAST &&
	    now->highest * (float)now->n_frames * 3.0f > CLICKS_MEANS * now->sum)
		clicks_examine(measure, clicks, x, measure->first_frame + tick->first, now);
	if (clicks_is_one(channel))
		clicks->n++;
}

static void clicks_block(struct measure *measure, void *part)
{
	struct clicks *clicks = part;

	for (uint32_t c = 0; c < measure->n_channels; c++)
		for (uint32_t t = 0; t < measure->n_ticks; t++)
			clicks_tick(measure, clicks, c, &measure->tick[t]);
}

static void clicks_finish(struct measure *measure, void *part, struct measure_result *ret)
{
	struct clicks *clicks = part;

	for (uint32_t c = 0; c < measure->n_channels; c++) {
		struct clicks_channel *channel = &clicks->channel[c];

		memmove(&channel->tick[0], &channel->tick[1], 2 * sizeof(channel->tick[0]));
		memset(&channel->tick[2], 0, sizeof(channel->tick[2]));
		clicks->n += clicks_is_one(channel);
	}
	ret->n_clicks = clicks->n;
}

const struct measure_part measure_clicks_part = {
	.what = MEASURE_FAULTS,
	.size = sizeof(struct clicks),
	.block = clicks_block,
	.finish = clicks_finish,
};
