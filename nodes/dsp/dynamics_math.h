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

/* log2(m) / (m - 1) for m in sqrt(1/2) .. sqrt(2), and (2^f - 1) / f for |f| <= 1/2, lowest order
 * first. */
#define DYN_LOG2_0 1.4427134f
#define DYN_LOG2_1 -0.7211323f
#define DYN_LOG2_2 0.47934967f
#define DYN_LOG2_3 -0.36748374f
#define DYN_LOG2_4 0.32214296f
#define DYN_LOG2_5 -0.20660521f
#define DYN_EXP2_0 0.693147f
#define DYN_EXP2_1 0.24022242f
#define DYN_EXP2_2 0.055507336f
#define DYN_EXP2_3 0.009671511f
#define DYN_EXP2_4 0.0013264767f
#define DYN_LOG2_SPLIT 0x3f3504f3 /* the bits of sqrt(1/2) */
#define DYN_EXP2_ROUND                                                                             \
	12582912.0f /* 1.5 * 2^23: what is added to it becomes whole, in its last bits */

/* X > 0 and normal. */
MIXD_INLINE float dyn_log2(float x)
{
	int32_t bits, exponent;
	float m, p;

	__builtin_memcpy(&bits, &x, sizeof(bits));
	/* The exponent that leaves the mantissa in sqrt(1/2) .. sqrt(2). */
	exponent = (bits - DYN_LOG2_SPLIT) >> 23;
	bits -= (int32_t)((uint32_t)exponent << 23);
	__builtin_memcpy(&m, &bits, sizeof(m));
	m -= 1.0f;
	p = DYN_LOG2_5 * m + DYN_LOG2_4;
	p = p * m + DYN_LOG2_3;
	p = p * m + DYN_LOG2_2;
	p = p * m + DYN_LOG2_1;
	p = p * m + DYN_LOG2_0;
	return p * m + (float)exponent;
}

/* |X| <= 120 */
MIXD_INLINE float dyn_exp2(float x)
{
	float rounded = x + DYN_EXP2_ROUND, f = x - (rounded - DYN_EXP2_ROUND), p;
	uint32_t exponent, bits;

	p = DYN_EXP2_4 * f + DYN_EXP2_3;
	p = p * f + DYN_EXP2_2;
	p = p * f + DYN_EXP2_1;
	p = p * f + DYN_EXP2_0;
	p = p * f + 1.0f;
	/* times 2^whole */
	__builtin_memcpy(&exponent, &rounded, sizeof(exponent));
	__builtin_memcpy(&bits, &p, sizeof(bits));
	bits += exponent << 23;
	__builtin_memcpy(&p, &bits, sizeof(p));
	return p;
}

/* Level to wanted reduction; LOWER is where the knee begins. Level and lower, knee, 1 / (2 knee) and
 * slope may be given in halves of the unit that the reduction has: powers of two change no bit. */
MIXD_INLINE float dyn_want(float level, float lower, float knee, float knee_scale, float slope,
			   float range)
{
	float over = dyn_larger(level - lower, 0.0f), bend = dyn_smaller(over, knee);

	return dyn_smaller(slope * (bend * bend * knee_scale + (over - bend)), range);
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
