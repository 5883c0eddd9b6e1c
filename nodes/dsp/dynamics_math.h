/* dynamics_math.h - log2, exp2 and the like, inlined into the loops of dynamics nodes.
 *
 * WHAT        Series, not the C library's, so that they vectorize and give the same bits on every
 *             machine; orders and errors: dynamics.c. Include it into what is MIXD_CLONES. */
#pragma once

#include "dynamics.h"

MIXD_INLINE float dyn_larger(float a, float b)
{
	return a > b ? a : b;
}

MIXD_INLINE float dyn_smaller(float a, float b)
{
	return a < b ? a : b;
}

/* X > 0 and normal. */
MIXD_INLINE float dyn_log2(float x)
{
	int32_t bits, exponent;
	float m, s, s2, p;

	__builtin_memcpy(&bits, &x, sizeof(bits));
	/* The exponent that leaves the mantissa in sqrt(1/2) .. sqrt(2). */
	exponent = (bits - 0x3f3504f3) >> 23;
	bits -= (int32_t)((uint32_t)exponent << 23);
	__builtin_memcpy(&m, &bits, sizeof(m));
	s = (m - 1.0f) / (m + 1.0f);
	s2 = s * s;
	p = 0.32059890f; /* 2 / (9 ln 2) and so on */
	p = p * s2 + 0.41219859f;
	p = p * s2 + 0.57707802f;
	p = p * s2 + 0.96179669f;
	p = p * s2 + 2.8853901f;
	return (float)exponent + s * p;
}

/* |X| <= 120 */
MIXD_INLINE float dyn_exp2(float x)
{
	float whole = (x + 12582912.0f) - 12582912.0f, f = x - whole, scale, p;
	int32_t bits = (int32_t)((uint32_t)((int32_t)whole + 127) << 23);

	__builtin_memcpy(&scale, &bits, sizeof(scale));
	p = 1.5252734e-5f; /* ln(2)^7 / 7! and so on */
	p = p * f + 1.5403530e-4f;
	p = p * f + 1.3333558e-3f;
	p = p * f + 9.6181291e-3f;
	p = p * f + 5.5504109e-2f;
	p = p * f + 2.4022651e-1f;
	p = p * f + 6.9314718e-1f;
	p = p * f + 1.0f;
	return p * scale;
}

MIXD_INLINE float dyn_line_at(const struct dyn_line *line, int32_t frame)
{
	return line->at + line->step * (float)frame;
}

/* Of values >= 0 the bits rise with the value, and integers can be compared in any order. */
MIXD_INLINE int32_t dyn_more(int32_t most, float x)
{
	int32_t bits;

	__builtin_memcpy(&bits, &x, sizeof(bits));
	return bits > most ? bits : most;
}

MIXD_INLINE float dyn_most(int32_t bits)
{
	float most;

	__builtin_memcpy(&most, &bits, sizeof(most));
	return most;
}
