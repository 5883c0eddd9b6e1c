/* hilbert.h - two signals a quarter turn apart, by all-pass sections, and by FIR.
 *
 * WHAT        IIR: 12 second-order all-pass sections in two chains whose outputs differ by 90
 *             degrees between two band edges; both have the input's magnitude, to the bit of f64. The
 *             chains are an elliptic half-band filter turned by a quarter of the rate. FIR: an odd
 *             filter under a Blackman window; beside it a plain delay is exactly in quadrature.
 * THREADS     hilbert_design() and hilbert_fir_design() [main]; running [rt]
 * INVARIANTS  H1 a lane's result does not depend on width, neighbours, or how time is cut.
 * NOT HERE    what is done with the two: nodes/phase. */
#pragma once

#include <stdint.h>

#define HILBERT_SECTIONS 12u
#define HILBERT_CHAIN (HILBERT_SECTIONS / 2u)
#define HILBERT_EDGE_HZ 20.0
/* Words of a lane: two frames of the input and of every section of both chains, and a frame of
 * delay. */
#define HILBERT_WORDS (4u * (HILBERT_CHAIN + 1u) + 1u)

struct hilbert {
	double coef[2][HILBERT_CHAIN]; /* of the chain without, and of that with a frame of delay */
};

/* Quadrature between EDGE_HZ and RATE / 2 - EDGE_HZ. */
void hilbert_design(struct hilbert *hilbert, double edge_hz, double rate);
/* Frames after which the impulse response of the in-phase output is highest. */
uint32_t hilbert_delay(const struct hilbert *hilbert);
/* A block of WIDTH lanes (2, 4, 8): IN to IN_PHASE and QUADRATURE, all [frame * WIDTH + lane], 64-byte
 * aligned; the quadrature leads. STATE: HILBERT_WORDS words, WIDTH apart. N_FRAMES <= a slice. */
void hilbert_run(const struct hilbert *hilbert, uint32_t width, const double *in, double *in_phase,
		 double *quadrature, double *state, uint32_t n_frames);
/* The same in plain C, one lane at a time. */
void hilbert_run_plain(const struct hilbert *hilbert, uint32_t width, const double *in,
		       double *in_phase, double *quadrature, double *state, uint32_t n_frames);

/* Taps 1, 3, 5 ... of a filter of 2 HALF + 1 taps (HALF odd), (HALF + 1) / 2 of them. */
void hilbert_fir_design(float *ret_taps, uint32_t half);
/* Q[i] = sum over odd k of TAPS (X[i - HALF + k] - X[i - HALF - k]) for frames X[0 ..], 2 HALF of them
 * before X being there, too; leads. */
void hilbert_fir_run(const float *taps, uint32_t half, const float *x, float *ret_q,
		     uint32_t n_frames);
