/* slidemin.h - the minimum of the last W values, at the same cost for every frame.
 *
 * WHAT        Minima over 16, 32, 64 ... 2^k frames, each made from two of the level below; the
 *             minimum over any W is that of two overlapping windows of the largest power of two in
 *             W. W may change at any frame: all levels run on.
 * COST        One load, minimum and store per level and frame, vectorised over 16 frames; there is
 *             no burst at the end of a window, which the usual algorithm has.
 * THREADS     [any]; one caller.
 * INVARIANTS  M1 the bits do not depend on how the frames are cut into calls. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define SLIDEMIN_CHUNK 16u
#define SLIDEMIN_LEVEL_FIRST 4u /* 2^4 = one chunk */
#define SLIDEMIN_LEVEL_LAST 15u
#define SLIDEMIN_WINDOW_MAX (1u << SLIDEMIN_LEVEL_LAST)

struct slidemin {
	uint32_t top; /* the highest level kept */
	uint32_t window; /* W: 16 .. 2^(top + 1) - 1 */
	uint64_t position;
	float *ring; /* levels 4 .. top, one after the other; borrowed */
};

/* Floats that slidemin_init() needs for windows up to WINDOW_MAX. [any] */
size_t slidemin_floats(uint32_t window_max);
/* RING is borrowed; the past is filled with VALUE. [any] */
void slidemin_init(struct slidemin *slidemin, uint32_t window_max, float *ring, float value);
void slidemin_reset(struct slidemin *slidemin, float value);
/* Clamped to what was prepared. [rt] */
void slidemin_set_window(struct slidemin *slidemin, uint32_t window);
/* out[i] = minimum of the last W values up to in[i]. IN has the SLIDEMIN_CHUNK frames before it in
 * front; OUT does not overlap it. [rt] */
void slidemin_run(struct slidemin *slidemin, const float *in, float *out, uint32_t n_frames);
