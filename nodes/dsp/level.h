/* level.h - decibels, and the highest level of a channel that is copied.
 *
 * SOURCE      IEEE 754: magnitudes of one sign order like their bit patterns, so the maximum is an
 *             integer maximum, which vectorises without -ffinite-math-only and sees NaN as highest.
 * NOT HERE    true peak: truepeak.h. */
#pragma once

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "clones.h"

/* A gain in dB as a factor. */
static inline double level_factor(double db)
{
	return exp(db * (M_LN10 / 20.0));
}

/* In dB; -inf for silence. */
static inline double level_of_power(double power)
{
	return power > 0.0 ? 10.0 * log10(power) : -HUGE_VAL;
}

static inline double level_of_amplitude(double amplitude)
{
	return amplitude > 0.0 ? 20.0 * log10(amplitude) : -HUGE_VAL;
}

/* The highest magnitude; NaN when there is one. [rt] */
float level_highest(const float *x, uint32_t n_frames);

/* OUT may be IN. Returns the bits of the highest magnitude. */
MIXD_INLINE uint32_t level_copy(float *out, const float *in, uint32_t n_frames)
{
	uint32_t highest = 0;

	for (uint32_t i = 0; i < n_frames; i++) {
		uint32_t bits;

		memcpy(&bits, &in[i], sizeof(bits));
		bits &= 0x7fffffffu;
		highest = (int32_t)bits > (int32_t)highest ? bits : highest;
		out[i] = in[i];
	}
	return highest;
}

/* Bits of a magnitude in dBFS, for meters: within 2e-5 dB, exactly 0 at full scale; -inf for silence,
 * +inf for what is not finite. The polynomial is that of dyn_log2() (dynamics.c), minimax for
 * log2(m) / (m - 1) with m in sqrt(1/2) .. sqrt(2): one per channel and slice of every boundary, and
 * libm's is several times slower. */
static inline double level_dbfs(uint32_t bits)
{
	int32_t exponent, mantissa;
	double below = 0.0, t, t2;
	float m;

	if (bits == 0)
		return -HUGE_VAL;
	if (bits >= 0x7f800000u)
		return HUGE_VAL;
	if (bits < 0x00800000u) { /* denormal: so many 2^-149 */
		m = (float)bits;
		below = -149.0;
		memcpy(&bits, &m, sizeof(bits));
	}
	exponent = ((int32_t)bits - 0x3f3504f3) >> 23;
	mantissa = (int32_t)(bits - ((uint32_t)exponent << 23));
	memcpy(&m, &mantissa, sizeof(m));
	t = (double)m - 1.0;
	t2 = t * t;
	t *= (1.4427133798 - 0.7211322784 * t) +
	     ((0.4793496728 - 0.3674837351 * t) + (0.3221429586 - 0.2066052109 * t) * t2) * t2;
	return 6.020599913279624 * (t + ((double)exponent + below));
}
