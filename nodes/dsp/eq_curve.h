/* eq_curve.h - the magnitude of equalizer bands as their analogue prototypes have it.
 *
 * WHAT        What eq_design.h comes near to with two poles and two zeros, said exactly: targets for
 *             filters that can follow any curve, and for plots. A band is prepared once, and then
 *             asked at as many frequencies as one likes.
 * SOURCE      the prototypes of eq_design.c: RBJ's bell and shelves, Butterworth cascades.
 * THREADS     [any] pure. */
#pragma once

#include "eq_design.h"

/* |H|^2 is the product of (num[0] + num[1] w + num[2] w^2) / (den[0] + ...) over the sections, at
 * w = (f / freq_hz)^2. */
struct eq_curve {
	double freq_hz;
	uint32_t n_sections;
	double num[EQ_BAND_SECTIONS][3], den[EQ_BAND_SECTIONS][3];
};

struct eq_curve eq_curve_of(const struct eq_band *band);

/* |H|^2 at FREQ_HZ; an allpass has 1. */
static inline double eq_curve_power(const struct eq_curve *curve, double freq_hz)
{
	double ratio = freq_hz / curve->freq_hz, w = ratio * ratio, power = 1.0;

	for (uint32_t i = 0; i < curve->n_sections; i++) {
		const double *n = curve->num[i], *d = curve->den[i];

		power *= (n[0] + w * (n[1] + w * n[2])) / (d[0] + w * (d[1] + w * d[2]));
	}
	return power;
}

/* |K|^2 of the weighting of BS.1770 at FREQ_HZ: a shelf of +4 dB and a high pass. */
double eq_curve_k_weight(double freq_hz);
