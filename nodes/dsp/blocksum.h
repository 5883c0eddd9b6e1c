/* blocksum.h - sums over a block: mean, power, and how two channels go together.
 *
 * WHAT        All in f64, over eight places side by side, so that the result has the bits of no other
 *             order: the same on every CPU.
 * THREADS     [any] */
#pragma once

#include <stdint.h>

struct blocksum_one {
	double sum, square;
};
struct blocksum_two {
	struct blocksum_one left, right;
	double product;
};

struct blocksum_one blocksum_one(const float *x, uint32_t n_frames);
struct blocksum_two blocksum_two(const float *left, const float *right, uint32_t n_frames);
/* Whether any of N_FRAMES is not zero. */
int blocksum_any(const float *x, uint32_t n_frames);
/* Mean and highest magnitude of x[i] - 2 x[i - 1] + x[i - 2]; two frames before X are read. */
void blocksum_bend(const float *x, uint32_t n_frames, float *ret_sum, float *ret_highest);
/* Whether three equal values in a row, at ABOVE or higher, or at -BELOW or lower, end within X; two
 * frames before X are read. */
int blocksum_flat(const float *x, uint32_t n_frames, float above, float below);
