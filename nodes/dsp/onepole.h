/* onepole.h - first-order sections: cuts, and shelves of proportional form.
 *
 * SOURCE      Bilinear transform of (s + w g) / (s + w / g), g = sqrt(gain), and its mirror: the
 *             gain below (above) the corner, 1 on the other side, sqrt(gain) at the corner (Jot,
 *             Proportional parametric equalizers, AES 139, 2015).
 * STRUCTURE   y = b0 x + m; m = b1 x - a1 y (transposed direct form II): one word of memory.
 * THREADS     [any] */
#pragma once

#include <math.h>

struct onepole {
	double b0, b1, a1;
};

static inline double onepole_tangent(double hz, double rate)
{
	return tan(M_PI * fmin(hz / rate, 0.49));
}

static inline struct onepole onepole_low_cut(double hz, double rate)
{
	double w = onepole_tangent(hz, rate), norm = 1.0 / (1.0 + w);

	return (struct onepole){norm, -norm, (w - 1.0) * norm};
}

static inline struct onepole onepole_high_cut(double hz, double rate)
{
	double w = onepole_tangent(hz, rate), norm = 1.0 / (1.0 + w);

	return (struct onepole){w * norm, w * norm, (w - 1.0) * norm};
}

/* GAIN is a factor. */
static inline struct onepole onepole_low_shelf(double gain, double hz, double rate)
{
	double w = onepole_tangent(hz, rate), root = sqrt(gain), norm = 1.0 / (1.0 + w / root);

	return (struct onepole){(1.0 + w * root) * norm, (w * root - 1.0) * norm,
				(w / root - 1.0) * norm};
}

static inline struct onepole onepole_high_shelf(double gain, double hz, double rate)
{
	double w = onepole_tangent(hz, rate), root = sqrt(gain), norm = 1.0 / (1.0 / root + w);

	return (struct onepole){(root + w) * norm, (w - root) * norm, (w - 1.0 / root) * norm};
}
