/* fastmath.h - exponentials in f32 that a compiler can put into vectors, for gains and probabilities.
 *
 * WHAT        Plain C with selects instead of branches: a loop over them becomes vectors of whatever
 *             width the clone has. The same bits everywhere.
 * SOURCE      Chebyshev interpolation on one octave: errors below 8e-6 (exp2, relative) and 4e-6
 *             (log2, absolute). tests/unit/test_dsp_omlsa.c measures them.
 * NOT HERE    numbers for sound itself: libm, in f64. */
#pragma once

#include <stdint.h>
#include <string.h>

#include "clones.h"

/* 2^x for -1e9 < x < 128; from -126 downwards it is 0. (Clamping x itself would let gcc follow a
 * constant on a way of its own, and a loop with two ways has no vectors.) */
MIXD_INLINE float fastmath_exp2(float x)
{
	float shifted = x + 127.0f; /* positive where it counts: truncation is floor */
	int32_t whole = (int32_t)shifted, bits = whole > 0 ? whole : 0;
	float f = shifted - (float)whole, scale, y;

	bits <<= 23;
	y = 0.00189375f;
	y = y * f + 0.00894959f;
	y = y * f + 0.05586034f;
	y = y * f + 0.24014182f;
	y = y * f + 0.69315449f;
	y = y * f + 0.9999999f;
	memcpy(&scale, &bits, sizeof(scale));
	return y * scale;
}

/* log2 of a normal positive number. */
MIXD_INLINE float fastmath_log2(float x)
{
	int32_t bits, mantissa;
	float m, y;

	memcpy(&bits, &x, sizeof(bits));
	mantissa = (bits & 0x007fffff) | 0x3f800000;
	memcpy(&m, &mantissa, sizeof(m));
	y = 0.02001665f;
	y = y * m - 0.21472671f;
	y = y * m + 0.98732701f;
	y = y * m - 2.54075114f;
	y = y * m + 4.02280508f;
	y = y * m - 4.14027521f;
	y = y * m + 3.30829731f;
	return y * (m - 1.0f) + (float)((bits >> 23) - 127);
}

/* x, but within 0..1, without a branch. */
MIXD_INLINE float fastmath_unit(float x)
{
	return 0.5f * (__builtin_fabsf(x) - __builtin_fabsf(x - 1.0f) + 1.0f);
}

MIXD_INLINE float fastmath_exp(float x)
{
	return fastmath_exp2(x * 1.44269504f);
}
