/* limitgain.h - from "no more than this here" to a smooth gain that keeps every promise.
 *
 * WHAT        Takes the gain that each frame may have at most (1: untouched) and gives the gain to
 *             apply LOOKAHEAD frames later: the minimum over look-ahead and hold, a release that
 *             only rises, and a smoothing of two box filters that fits inside the look-ahead, so
 *             that the result is at or under every demand when its frame comes out.
 * INVARIANTS  G1 gain[n] <= demand[n - lookahead].
 *             G2 with no demand the gain returns to exactly 1.
 *             G3 the bits do not depend on how the frames are cut into calls; the work per frame
 *                is bounded.
 * THREADS     [any]; one caller.
 * NOT HERE    peaks and levels: truepeak.h, nodes/limiter. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "slidemin.h"

#define LIMITGAIN_RUN_MAX 128u

/* How fast the gain returns. */
struct limitgain_release {
	double fast; /* share of the past kept per frame */
	double slow; /* the same, of the second stage */
	bool is_auto; /* the second stage follows the mean demand; the lower gain of both wins */
};

struct limitgain {
	/* --- immutable after init --- */
	uint32_t box1, box2; /* frames; box1 + box2 = lookahead + 2 */
	uint32_t lookahead;
	double unit; /* 1 / (box1 * box2 * 2^40) */
	int64_t *ring1, *ring2; /* borrowed */
	/* --- rt --- */
	struct slidemin slidemin;
	float demand[SLIDEMIN_CHUNK + LIMITGAIN_RUN_MAX];
	double fast, slow; /* gains after release */
	int64_t sum1, sum2;
	uint32_t at1, at2;
	uint32_t settled; /* frames that everything has stood at 1; counts to box1 + box2 */
};

/* Bytes of memory that limitgain_init() borrows, a multiple of 64. [any] */
size_t limitgain_bytes(uint32_t lookahead_frames, uint32_t hold_max_frames);
/* [any] */
void limitgain_init(struct limitgain *path, uint32_t lookahead_frames, uint32_t hold_max_frames,
		    void *memory);
void limitgain_reset(struct limitgain *path);
/* [rt] */
void limitgain_set_hold(struct limitgain *path, uint32_t hold_frames);
struct limitgain_release limitgain_release_make(double rate_hz, double release_ms, bool is_auto);

/* N_FRAMES (at most 128) of demand, 0 < demand <= 1. Returns the lowest gain. [rt] */
float limitgain_run(struct limitgain *path, const struct limitgain_release *release,
		    const float *demand, float *ret_gain, uint32_t n_frames);
/* Take over the state of FROM, made with the same numbers. [rt] */
void limitgain_copy(struct limitgain *path, const struct limitgain *from);
