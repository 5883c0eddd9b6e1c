/* dynshelf.h - a steep high shelf whose depth moves with every frame.
 *
 * WHAT        Butterworth shelf of order 6: |H|^2 = (1 + g^2 x^12) / (1 + x^12), x = f / corner: at
 *             0.66 of the corner 0.03 dB of 8 are left, at 1.5 of it 7.9 dB are reached.
 * METHOD      Three state-variable sections with fixed poles. With r = g^(1/6) the zeros are the
 *             poles at r times the radius: (r^2 s^2 + r k s + 1) / (s^2 + k s + 1). Only the mix of
 *             the sections' outputs moves, so no speed of r can make it unstable.
 * SOURCE      M. Holters, U. Zoelzer, Parametric Higher-Order Shelving Filters, EUSIPCO 2006;
 *             A. Simper, Solving the continuous SVF equations, 2013.
 * THREADS     [rt]; a state belongs to one caller.
 * INVARIANTS  H1 the bits do not depend on how time is cut, nor on the machine. */
#pragma once

#include "lanes.h"

#define DYNSHELF_SECTIONS 3u

struct dynshelf {
	double a[DYNSHELF_SECTIONS], b[DYNSHELF_SECTIONS]; /* of a state on itself, of both */
	double in[DYNSHELF_SECTIONS], over[DYNSHELF_SECTIONS]; /* to the first, first to second */
};

/* The past of two channels; zeros are silence. */
struct dynshelf_state {
	double word[DYNSHELF_SECTIONS * 2u * 2u] __attribute__((aligned(64)));
};

/* [any] */
void dynshelf_set(struct dynshelf *shelf, double corner_hz, double rate_hz);
/* R: g^(1/6) of each frame. OUT may be IN. [rt] */
void dynshelf_run(const struct dynshelf *shelf, struct dynshelf_state *state,
		  const float *const in[2], float *const out[2], const float *r, uint32_t n);
/* The same in plain C, one channel and one sample at a time. */
void dynshelf_run_plain(const struct dynshelf *shelf, struct dynshelf_state *state,
			const float *const in[2], float *const out[2], const float *r, uint32_t n);
