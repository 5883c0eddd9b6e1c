/* lanes.h - vectors over lanes: types, addressing, planar channels to lanes and back.
 *
 * WHAT        One lane is one channel of one instance. A block of `width` lanes (2, 4 or 8) is one
 *             f64 vector; a kernel is written once for a vector type and compiled per width
 *             (include it three times with LANES_W set, or pass the width to a MIXD_INLINE
 *             function as a constant). Wider than the machine's registers is correct and slower.
 * THREADS     [any]
 * INVARIANTS  L1 lanes never mix here: a value depends on its own lane only, so that grouped and
 *                alone, wide and narrow give the same bits.
 *             L2 lanes_load_*() turn -0 into +0, so that "copied" and "filtered by one" agree.
 * NOT HERE    who shares a bank: daemon/graph. */
#pragma once

#include <string.h>

#include <mixd/node.h>

#include "clones.h"

typedef double lanes_f64x2 __attribute__((vector_size(16), aligned(16), may_alias));
typedef double lanes_f64x4 __attribute__((vector_size(32), aligned(32), may_alias));
typedef double lanes_f64x8 __attribute__((vector_size(64), aligned(64), may_alias));
typedef float lanes_f32x2 __attribute__((vector_size(8), aligned(8), may_alias));
typedef float lanes_f32x4 __attribute__((vector_size(16), aligned(16), may_alias));
typedef float lanes_f32x8 __attribute__((vector_size(32), aligned(32), may_alias));
typedef float lanes_f32x4u __attribute__((vector_size(16), aligned(4), may_alias));
typedef float lanes_f32x8u __attribute__((vector_size(32), aligned(4), may_alias));
typedef int32_t lanes_i32x4 __attribute__((vector_size(16), aligned(16), may_alias));
typedef int32_t lanes_i32x8 __attribute__((vector_size(32), aligned(32), may_alias));
typedef int64_t lanes_i64x2 __attribute__((vector_size(16), aligned(16), may_alias));
typedef int64_t lanes_i64x4 __attribute__((vector_size(32), aligned(32), may_alias));
typedef int64_t lanes_i64x8 __attribute__((vector_size(64), aligned(64), may_alias));

/* Word 0 of channel CHANNEL of an instance whose lanes have WORDS words each. BASE is
 * inst->lane_state or inst->lane_coef; further words are inst->lane_width apart. Channels from 8 on
 * lie in further blocks. */
MIXD_INLINE double *lanes_at(const struct mixd_inst *inst, double *base, uint32_t words,
			     uint32_t channel)
{
	return base + (size_t)(channel / MIXD_LANES_MAX) * words * MIXD_LANES_MAX +
	       channel % MIXD_LANES_MAX;
}

/* The instance of a bank that owns lane LANE (block * width + lane), or NULL for an unused lane. */
MIXD_INLINE struct mixd_inst *lanes_owner(const struct mixd_call *call, uint32_t lane)
{
	uint32_t idx = lane / call->bank->channels;

	return lane < call->bank->n_lanes && idx < call->n_inst ? call->inst[idx] : NULL;
}

/* The first word of block BLOCK. */
MIXD_INLINE double *lanes_block(const struct mixd_bank *bank, double *base, uint32_t words,
				uint32_t block)
{
	return base + (size_t)block * words * bank->width;
}

/* 4x4 transpose of floats, rows in, columns out. */
#if defined(__clang__)
#define LANES_SHUFFLE4(a, b, i, j, k, l) __builtin_shufflevector((a), (b), (i), (j), (k), (l))
#else
#define LANES_SHUFFLE4(a, b, i, j, k, l) __builtin_shuffle((a), (b), (lanes_i32x4){i, j, k, l})
#endif

MIXD_INLINE void lanes_transpose4(lanes_f32x4 row[4])
{
	lanes_f32x4 a = LANES_SHUFFLE4(row[0], row[1], 0, 4, 1, 5);
	lanes_f32x4 b = LANES_SHUFFLE4(row[0], row[1], 2, 6, 3, 7);
	lanes_f32x4 c = LANES_SHUFFLE4(row[2], row[3], 0, 4, 1, 5);
	lanes_f32x4 d = LANES_SHUFFLE4(row[2], row[3], 2, 6, 3, 7);

	row[0] = LANES_SHUFFLE4(a, c, 0, 1, 4, 5);
	row[1] = LANES_SHUFFLE4(a, c, 2, 3, 6, 7);
	row[2] = LANES_SHUFFLE4(b, d, 0, 1, 4, 5);
	row[3] = LANES_SHUFFLE4(b, d, 2, 3, 6, 7);
}

/* Planar f32 channels to interleaved lanes: ret[frame * width + lane]. FIRST is the offset into the
 * channels. WIDTH must be a constant 2, 4 or 8 after inlining; RET is 16-byte aligned. */
MIXD_INLINE void lanes_load_f32(const float *const *in, uint32_t first, uint32_t n, uint32_t width,
				float *ret)
{
	uint32_t i = 0;

	if (width == 2) {
		const float *a = in[0] + first, *b = in[1] + first;

		for (; i + 4 <= n; i += 4) {
			lanes_f32x4 x = *(const lanes_f32x4u *)(a + i) + 0.0f;
			lanes_f32x4 y = *(const lanes_f32x4u *)(b + i) + 0.0f;

			*(lanes_f32x4 *)(ret + 2 * i) = LANES_SHUFFLE4(x, y, 0, 4, 1, 5);
			*(lanes_f32x4 *)(ret + 2 * i + 4) = LANES_SHUFFLE4(x, y, 2, 6, 3, 7);
		}
	} else {
		for (; i + 4 <= n; i += 4) {
			for (uint32_t lane = 0; lane < width; lane += 4) {
				lanes_f32x4 row[4];

				for (uint32_t k = 0; k < 4; k++)
					row[k] = *(const lanes_f32x4u *)(in[lane + k] + first + i) +
						 0.0f;
				lanes_transpose4(row);
				for (uint32_t k = 0; k < 4; k++)
					*(lanes_f32x4 *)(ret + (i + k) * width + lane) = row[k];
			}
		}
	}
	for (; i < n; i++)
		for (uint32_t lane = 0; lane < width; lane++)
			ret[i * width + lane] = in[lane][first + i] + 0.0f;
}

/* And back. Lanes of OUT may share one scratch channel. */
MIXD_INLINE void lanes_store_f32(const float *lanes, float *const *out, uint32_t first, uint32_t n,
				 uint32_t width)
{
	uint32_t i = 0;

	if (width == 2) {
		float *a = out[0] + first, *b = out[1] + first;

		for (; i + 4 <= n; i += 4) {
			lanes_f32x4 x = *(const lanes_f32x4 *)(lanes + 2 * i);
			lanes_f32x4 y = *(const lanes_f32x4 *)(lanes + 2 * i + 4);

			*(lanes_f32x4u *)(a + i) = LANES_SHUFFLE4(x, y, 0, 2, 4, 6);
			*(lanes_f32x4u *)(b + i) = LANES_SHUFFLE4(x, y, 1, 3, 5, 7);
		}
	} else {
		for (; i + 4 <= n; i += 4) {
			for (uint32_t lane = 0; lane < width; lane += 4) {
				lanes_f32x4 row[4];

				for (uint32_t k = 0; k < 4; k++)
					row[k] = *(const lanes_f32x4 *)(lanes + (i + k) * width +
									lane);
				lanes_transpose4(row);
				for (uint32_t k = 0; k < 4; k++)
					*(lanes_f32x4u *)(out[lane + k] + first + i) = row[k];
			}
		}
	}
	for (; i < n; i++)
		for (uint32_t lane = 0; lane < width; lane++)
			out[lane][first + i] = lanes[i * width + lane];
}

MIXD_INLINE void lanes_widen4(lanes_f32x4 x, double *ret)
{
	/* one by one: a single instruction; a conversion of the vector is made of halves */
	*(lanes_f64x4 *)ret = (lanes_f64x4){x[0], x[1], x[2], x[3]};
}

MIXD_INLINE lanes_f32x4 lanes_narrow4(const double *x)
{
	return __builtin_convertvector(*(const lanes_f64x4 *)x, lanes_f32x4);
}

/* The same to and from f64 lanes, RET 32-byte aligned: four frames at a time. */
MIXD_INLINE void lanes_load_f64(const float *const *in, uint32_t n, const uint32_t width,
				double *ret)
{
	uint32_t i = 0;

	for (; i + 4 <= n && width == 2; i += 4) {
		lanes_f32x4 x = *(const lanes_f32x4u *)(in[0] + i) + 0.0f;
		lanes_f32x4 y = *(const lanes_f32x4u *)(in[1] + i) + 0.0f;

		lanes_widen4(LANES_SHUFFLE4(x, y, 0, 4, 1, 5), ret + 2 * i);
		lanes_widen4(LANES_SHUFFLE4(x, y, 2, 6, 3, 7), ret + 2 * i + 4);
	}
	for (; i + 4 <= n && width != 2; i += 4) {
		for (uint32_t lane = 0; lane < width; lane += 4) {
			lanes_f32x4 row[4];

			for (uint32_t k = 0; k < 4; k++)
				row[k] = *(const lanes_f32x4u *)(in[lane + k] + i) + 0.0f;
			lanes_transpose4(row);
			for (uint32_t k = 0; k < 4; k++)
				lanes_widen4(row[k], ret + (i + k) * width + lane);
		}
	}
	for (; i < n; i++)
		for (uint32_t lane = 0; lane < width; lane++)
			ret[i * width + lane] = in[lane][i] + 0.0f;
}

MIXD_INLINE void lanes_store_f64(const double *lanes, float *const *out, uint32_t n,
				 const uint32_t width)
{
	uint32_t i = 0;

	for (; i + 4 <= n && width == 2; i += 4) {
		lanes_f32x4 x = lanes_narrow4(lanes + 2 * i), y = lanes_narrow4(lanes + 2 * i + 4);

		*(lanes_f32x4u *)(out[0] + i) = LANES_SHUFFLE4(x, y, 0, 2, 4, 6);
		*(lanes_f32x4u *)(out[1] + i) = LANES_SHUFFLE4(x, y, 1, 3, 5, 7);
	}
	for (; i + 4 <= n && width != 2; i += 4) {
		for (uint32_t lane = 0; lane < width; lane += 4) {
			lanes_f32x4 row[4];

			for (uint32_t k = 0; k < 4; k++)
				row[k] = lanes_narrow4(lanes + (i + k) * width + lane);
			lanes_transpose4(row);
			for (uint32_t k = 0; k < 4; k++)
				*(lanes_f32x4u *)(out[lane + k] + i) = row[k];
		}
	}
	for (; i < n; i++)
		for (uint32_t lane = 0; lane < width; lane++)
			out[lane][i] = (float)lanes[i * width + lane];
}
