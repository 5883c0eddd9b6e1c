/* airsense.h - is this a programme, or has something broken?
 *
 * WHAT        Looks at one source of any width in ticks of 5 ms. The level of a channel is its RMS of
 *             50 ms without DC. A fault begins when
 *               all channels have been below the threshold for `after`          silent
 *               ... and every sample of them was zero                           dead
 *               a channel gave one value, or but DC, for `stuck_after`          stuck
 *               a channel was below while another was above, for `missing_after` missing
 *             and is over when the source has been above threshold + hysteresis, with none of these,
 *             for `back_after`; pauses below half a second do not begin that time again.
 *             Apart from that it tells whether more samples than a share are at full scale.
 * THREADS     [rt], one caller.
 * INVARIANTS  A1 ticks are counted from reset: no cut of time changes a decision.
 *             A2 a silence is measured from where the sound ended: a window of 50 ms that is silent
 *                has been so for 50 ms.
 * NOT HERE    what is done about it: nodes/silence, nodes/failover. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define AIRSENSE_TICK_S 0.005
#define AIRSENSE_WINDOW 10u /* ticks */
#define AIRSENSE_CHANNELS_MAX 64u

enum airsense_state {
	AIRSENSE_GOOD,
	AIRSENSE_SILENT,
	AIRSENSE_DEAD,
	AIRSENSE_STUCK,
	AIRSENSE_MISSING,
};

struct airsense_rules {
	double threshold, back; /* power */
	uint32_t after, back_after, stuck_after, missing_after; /* ticks; missing_after 0: never */
	uint64_t expected; /* bit c: channel c may not be missing (an LFE may) */
	double clip_share; /* of samples at full scale; 0: never */
};

struct airsense_channel {
	double square[4], sum[4]; /* of the tick under way, by frame mod 4 */
	uint32_t value; /* bits of its first sample, or of the last constant tick */
	bool differs; /* the tick under way is not constant */
	uint32_t clipped;
	double past_square[AIRSENSE_WINDOW], past_sum[AIRSENSE_WINDOW]; /* means */
	double power, dc; /* of the window */
	uint32_t same, flat; /* ticks with one value, with but DC */
	uint32_t stuck, missing, zero; /* ticks */
};

struct airsense {
	/* --- immutable after init --- */
	uint32_t n_channels, tick_frames;
	/* --- rt --- */
	uint32_t fill, tick, age; /* age: ticks since reset, at most a window */
	uint32_t quiet, good, gap; /* ticks */
	double power; /* of the loudest channel */
	double clipped; /* share over a second */
	bool clipping;
	enum airsense_state state;
	uint32_t culprit; /* channel from 1, of stuck and missing */
	struct airsense_channel channel[AIRSENSE_CHANNELS_MAX];
};

void airsense_init(struct airsense *sense, uint32_t n_channels, double rate_hz);
void airsense_reset(struct airsense *sense);
/* Seconds to whole ticks. */
uint32_t airsense_ticks(double seconds);

/* How many of N_FRAMES go before the end of the tick. */
static inline uint32_t airsense_room(const struct airsense *sense, uint32_t n_frames)
{
	uint32_t room = sense->tick_frames - sense->fill;

	return n_frames < room ? n_frames : room;
}

/* Take N <= airsense_room() frames. True at the end of a tick: state and levels are new. */
bool airsense_take(struct airsense *sense, const struct airsense_rules *rules,
		   const float *const *in, uint32_t first, uint32_t n);

/* Add squares and values of X to four sums by (PHASE + frame) mod 4; and in plain C. */
void airsense_sum(const float *x, uint32_t n, uint32_t phase, double square[4], double sum[4]);
void airsense_sum_plain(const float *x, uint32_t n, uint32_t phase, double square[4],
			double sum[4]);
