/* kweight.h - K-weighting and energy sums, the first half of every loudness measurement.
 *
 * WHAT        Two biquads in series (a shelf of +4 dB and a high-pass at 38 Hz) and the sum of the
 *             squares of what comes out: kweight_sum(). Up to 8 channels stand side by side in the
 *             lanes of one vector; more channels take more groups. All in f64.
 * RATES       The coefficients follow the analogue filter, so every rate is served. Printed for
 *             48 kHz, it has small gains that depend on the rate (the high-pass is not normalised,
 *             the shelf is warped); here 997 Hz has the gain of 48 kHz at every rate, so that one
 *             programme reads alike at all of them.
 * THREADS     [any]; the state belongs to one caller.
 * INVARIANTS  K1 the bits do not depend on the number of lanes, on the CPU or on how a signal is
 *                cut into calls.
 * NOT HERE    windows, gates and units: loudness.h. */
#pragma once

#include <stdint.h>

#define KWEIGHT_LANES 8u

struct kweight_coef {
	double b0, b1, b2, a1, a2; /* shelf, with the gain that makes all rates equal */
	double c1, c2; /* high-pass: numerator 1 -2 1 */
};

/* The past of up to 8 channels; zeros are silence. */
struct kweight_state {
	double x1[KWEIGHT_LANES], x2[KWEIGHT_LANES]; /* input */
	double y1[KWEIGHT_LANES], y2[KWEIGHT_LANES]; /* after the shelf */
	double z1[KWEIGHT_LANES], z2[KWEIGHT_LANES]; /* after the high-pass */
};

/* [any] */
void kweight_coef_init(struct kweight_coef *coef, double rate_hz);

/* Filter N_FRAMES of LANES (1..8) channels and add the sum of squares of each to SUM. [rt] */
void kweight_sum(const struct kweight_coef *coef, struct kweight_state *state,
		 const float *const *in, uint32_t lanes, uint32_t n_frames, double *sum);

/* The same, one channel and one sample at a time: what the tests compare with. [any] */
void kweight_sum_plain(const struct kweight_coef *coef, struct kweight_state *state,
		       const float *const *in, uint32_t lanes, uint32_t n_frames, double *sum);

/* Drop values so small that they only cost time (denormals), and any that no audio can make (the
 * level guard is at +60 dBFS) or that is not a number. [rt] */
void kweight_flush(struct kweight_state *state);
