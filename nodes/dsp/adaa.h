/* adaa.h - curves without memory, sampled with first-order antiderivative anti-aliasing.
 *
 * WHAT        adaa_run() gives for each frame the mean of the curve between this sample and the one
 *             before, which is what a box filter sees of the continuous wave: aliases fall by 10 to
 *             20 dB, the delay is half a frame and the treble droops by cos(w / 2), both made good
 *             by shaper.c. adaa_run() with `plain` gives the curve itself. All curves have slope 1
 *             at rest and reach 1 or come near it.
 * THREADS     [any]
 * INVARIANTS  A1 a frame depends on X[i] and X[i - 1] only; vectors and CPUs do not change a bit.
 * NOT HERE    oversampling, which this needs: oversample.h. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define ADAA_GRAIN 4u /* whole vectors are read and written: round buffers up to this */

enum adaa_curve {
	ADAA_HARD, /* the straight line, cut off at 1 */
	ADAA_CUBIC, /* x - 4/27 x^3, flat from 1.5 on */
	ADAA_TANH,
	ADAA_DIODE, /* a tanh from -1/2 to 1: even harmonics */
	ADAA_TAPE, /* x / sqrt(1 + x^2): a soft and long knee */
	ADAA_CURVES_
};

/* Y[i] for i below N_FRAMES; X[-1] is the sample before. They do not overlap. [rt] */
void adaa_run(enum adaa_curve curve, bool plain, const float *x, float *y, uint32_t n_frames);
/* The curve by libm, for tests and drawings. [any] */
double adaa_curve_at(enum adaa_curve curve, double x);
