/* lanes_eight.h - eight rows of f32 to eight lanes and back, in registers.
 *
 * WHAT        lanes_load_f32() and lanes_store_f32() for blocks of eight lanes, with half the
 *             shuffles where a vector holds eight f32.
 * INVARIANTS  those of lanes.h. */
#pragma once

#include "lanes.h"

#if defined(__clang__)
#define LANES_SHUFFLE8(a, b, ...) __builtin_shufflevector((a), (b), __VA_ARGS__)
#else
#define LANES_SHUFFLE8(a, b, ...) __builtin_shuffle((a), (b), (lanes_i32x8){__VA_ARGS__})
#endif

/* 8x8: lane k of vector i becomes lane i of vector k. */
MIXD_INLINE void lanes_transpose8(lanes_f32x8 v[8])
{
	lanes_f32x8 a[8], b[8];

#pragma GCC unroll 4
	for (uint32_t k = 0; k < 8; k += 2) {
		a[k] = LANES_SHUFFLE8(v[k], v[k + 1], 0, 8, 1, 9, 4, 12, 5, 13);
		a[k + 1] = LANES_SHUFFLE8(v[k], v[k + 1], 2, 10, 3, 11, 6, 14, 7, 15);
	}
#pragma GCC unroll 2
	for (uint32_t k = 0; k < 8; k += 4) {
		b[k] = LANES_SHUFFLE8(a[k], a[k + 2], 0, 1, 8, 9, 4, 5, 12, 13);
		b[k + 1] = LANES_SHUFFLE8(a[k], a[k + 2], 2, 3, 10, 11, 6, 7, 14, 15);
		b[k + 2] = LANES_SHUFFLE8(a[k + 1], a[k + 3], 0, 1, 8, 9, 4, 5, 12, 13);
		b[k + 3] = LANES_SHUFFLE8(a[k + 1], a[k + 3], 2, 3, 10, 11, 6, 7, 14, 15);
	}
#pragma GCC unroll 4
	for (uint32_t k = 0; k < 4; k++) {
		v[k] = LANES_SHUFFLE8(b[k], b[k + 4], 0, 1, 2, 3, 8, 9, 10, 11);
		v[k + 4] = LANES_SHUFFLE8(b[k], b[k + 4], 4, 5, 6, 7, 12, 13, 14, 15);
	}
}

/* RET is 32-byte aligned. */
MIXD_INLINE void lanes_load8_f32(const float *const *in, uint32_t n, float *ret)
{
	uint32_t i = 0;

	for (; i + 8 <= n; i += 8) {
		lanes_f32x8 v[8];

#pragma GCC unroll 8
		for (uint32_t k = 0; k < 8; k++)
			v[k] = *(const lanes_f32x8u *)(in[k] + i) + 0.0f;
		lanes_transpose8(v);
#pragma GCC unroll 8
		for (uint32_t k = 0; k < 8; k++)
			((lanes_f32x8 *)ret)[i + k] = v[k];
	}
	for (; i < n; i++)
		for (uint32_t k = 0; k < 8; k++)
			ret[i * 8 + k] = in[k][i] + 0.0f;
}

MIXD_INLINE void lanes_store8_f32(const float *lanes, float *const *out, uint32_t n)
{
	uint32_t i = 0;

	for (; i + 8 <= n; i += 8) {
		lanes_f32x8 v[8];

#pragma GCC unroll 8
		for (uint32_t k = 0; k < 8; k++)
			v[k] = ((const lanes_f32x8 *)lanes)[i + k];
		lanes_transpose8(v);
#pragma GCC unroll 8
		for (uint32_t k = 0; k < 8; k++)
			*(lanes_f32x8u *)(out[k] + i) = v[k];
	}
	for (; i < n; i++)
		for (uint32_t k = 0; k < 8; k++)
			out[k][i] = lanes[i * 8 + k];
}
