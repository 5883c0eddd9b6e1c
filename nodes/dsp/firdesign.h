/* firdesign.h - from a magnitude on a grid of frequencies to the taps of a filter.
 *
 * WHAT        The grid has n_fft / 2 + 1 points, bin k at k * rate / n_fft, four to eight times as
 *             fine as the filter can follow, so that what does not fit into the taps is cut off and
 *             not folded back.
 *               linear phase   the grid is the spectrum; its transform back, turned to the middle:
 *                              all frequencies are n_taps / 2 late. Before a steep slope one hears
 *                              it coming (pre-ringing).
 *               minimum phase  the phase that belongs to the magnitude, by folding the real
 *                              cepstrum: no latency, the phase of the analogue filter.
 *             The window is flat over its middle half (linear: around the middle; minimum: the first
 *             three quarters) and falls from there like a Kaiser window of beta 8: what rings short
 *             is not touched at all. Taps at the ends that together have less than -150 dB of the
 *             energy become 0: partitions of zeros cost nothing (partconv.h P3).
 * SOURCE      Oppenheim, Schafer, Discrete-Time Signal Processing, 3rd ed. 2010, sections 7.5 (window
 *             method) and 13.5 (minimum phase from the cepstrum).
 * THREADS     _init, _done [main]; the rest [main] or [worker], one at a time: the work is done in
 *             the object's own memory.
 * NOT HERE    running them: partconv.h, firswap.h; the curves: eq_curve.h. */
#pragma once

#include "fft.h"

#define FIRDESIGN_TAPS_MIN 256u
#define FIRDESIGN_TAPS_MAX 16384u
#define FIRDESIGN_NOTHING 1e-15 /* of the energy, at each end */
#define FIRDESIGN_FLOOR 1e-7 /* -140 dB: the logarithm of nothing */

struct firdesign {
	/* --- immutable after init --- */
	uint32_t n_taps, n_fft, n_bins;
	struct fft_plan plan;
	/* --- scratch of who designs --- */
	float *re, *im; /* n_bins: a spectrum */
	float *time; /* n_fft */
	float *scratch;
	void *memory;
};

/* N_TAPS: a power of two, FIRDESIGN_TAPS_MIN .. _MAX. -EINVAL, -ENOMEM. [main] */
int firdesign_init(struct firdesign *design, uint32_t n_taps);
void firdesign_done(struct firdesign *design); /* zeroed and done twice is fine [main] */

/* AMPLITUDE (real, of any sign) to TAPS around n_taps / 2; taps[0] is 0. */
void firdesign_linear(struct firdesign *design, const float *amplitude, float *taps);
/* The minimum-phase spectrum that has MAGNITUDE, of n_bins. RE may be MAGNITUDE; neither is
 * design->re, which is written over. */
void firdesign_minimum(struct firdesign *design, const float *magnitude, float *re, float *im);
/* A causal spectrum to TAPS. RE and IM may be design->re and design->im; they stay. */
void firdesign_causal(struct firdesign *design, const float *re, const float *im, float *taps);
/* Magnitude of TAPS in dB at N frequencies. [any] */
void firdesign_response_db(const float *taps, uint32_t n_taps, double rate_hz,
			   const double *freq_hz, uint32_t n, double *ret_db);
