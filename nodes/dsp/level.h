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

/* Bits of a magnitude in dBFS; -inf for silence, +inf for what is not finite. */
static inline double level_dbfs(uint32_t bits)
{
	float magnitude;

	if (bits == 0)
		return -HUGE_VAL;
	if (bits >= 0x7f800000u)
		return HUGE_VAL;
	memcpy(&magnitude, &bits, sizeof(magnitude));
	return 20 * log10((double)magnitude);
}
