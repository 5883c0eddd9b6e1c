/* lfo.h - a slow wave whose phase is a function of time.
 *
 * WHAT        The phase is offset + increment * position in 64-bit whole numbers, which wrap as a
 *             circle does: exact for ever, and the same however time is cut. It moves on in
 *             silence without there being anything to remember. A new rate moves the offset so that
 *             the phase goes on from where it is.
 * USE         update(): lfo_set(); process(): lfo_start() first, then lfo_phase() of each frame.
 * THREADS     [any]
 * INVARIANTS  L1 the phase of a frame depends on its position and the rates until then, only. */
#pragma once

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#include "clones.h"

#define LFO_CORNER 0.1 /* the part of a triangle that is rounded off */

struct lfo {
	uint64_t offset, increment, wanted;
	bool began; /* false: take WANTED as it is */
};

static inline void lfo_set(struct lfo *lfo, double hz, double rate)
{
	lfo->wanted = (uint64_t)(hz / rate * 0x1p63) << 1;
}

static inline void lfo_reset(struct lfo *lfo)
{
	lfo->offset = 0;
	lfo->began = false;
}

/* The phase of the frame at POSITION is the result; each further frame adds lfo->increment. */
static inline uint64_t lfo_start(struct lfo *lfo, uint64_t position)
{
	if (lfo->began)
		lfo->offset += (lfo->increment - lfo->wanted) * position;
	lfo->increment = lfo->wanted;
	lfo->began = true;
	return lfo->offset + lfo->increment * position;
}

/* A part of a turn as a phase. */
static inline uint64_t lfo_turn(double turns)
{
	return (uint64_t)(int64_t)((turns - floor(turns + 0.5)) * 0x1p62) << 2;
}

/* -1/2 .. 1/2 of a turn. */
MIXD_INLINE double lfo_at(uint64_t phase)
{
	return (double)((int64_t)phase >> 12) * 0x1p-52;
}

/* sin(2 pi t) for t in -1/2 .. 1/2, to 4e-9. */
MIXD_INLINE double lfo_sine(double t)
{
	double size = fabs(t), near = size > 0.25 ? 0.5 - size : size, x = near * (2 * M_PI),
	       s = x * x;
	double y =
		x *
		(1.0 + s * (-1.0 / 6 +
			    s * (1.0 / 120 +
				 s * (-1.0 / 5040 + s * (1.0 / 362880 + s * (-1.0 / 39916800 +
									     s / 6227020800.0))))));

	return t < 0.0 ? -y : y;
}

/* A triangle in step with that sine, its corners rounded to parabolas: a corner would be heard as
 * a tick in what the delay does to the pitch. */
MIXD_INLINE double lfo_triangle(double t)
{
	double size = fabs(t), rise = 4 * (size > 0.25 ? 0.5 - size : size), left = 1.0 - rise;
	double y =
		left < LFO_CORNER ? 1.0 - 0.5 * LFO_CORNER - left * left / (2 * LFO_CORNER) : rise;

	y *= 1.0 / (1.0 - 0.5 * LFO_CORNER);
	return t < 0.0 ? -y : y;
}
