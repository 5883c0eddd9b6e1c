/* mixlaw.h - two sounds that share a constant power: a quarter of a turn of sine and cosine.
 *
 * THREADS     [any] */
#pragma once

#include <math.h>

/* The factor of the sound that has PERCENT of the mix. */
static inline double mixlaw_rise(double percent)
{
	return sin(M_PI / 2 * percent / 100);
}

/* And that of the other: 0 at 100 %, exactly. */
static inline double mixlaw_fall(double percent)
{
	return percent >= 100 ? 0.0 : cos(M_PI / 2 * percent / 100);
}
