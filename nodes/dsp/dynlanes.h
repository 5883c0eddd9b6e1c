/* dynlanes.h - a whole compressor for eight lanes in one pass, where nothing but the signal moves.
 *
 * WHAT        What dynamics.h does in passes over planar rows (power, level, wanted reduction,
 *             smoothing, gain, multiplication) on eight lanes at once, eight frames at a time. The
 *             recursion of the smoothing waits for itself; the gains of the frames before and the
 *             levels of the frames after are worked out meanwhile.
 * THREADS     [rt]
 * INVARIANTS  N1 the bits are those of dyn_power(), dyn_max() of a pair, dyn_level_reduce(),
 *                dyn_smooth() without hold, dyn_gain() and dyn_apply(), with lines at rest.
 *             N2 rows of IN may be those of OUT, lane by lane.
 * NOT HERE    lines that move, hold, programme-dependent release, RMS, mix: dynamics.h. */
#pragma once

#include "dynamics.h"

#define DYNLANES_WIDTH 8u

struct dynlanes_job {
	const float *const *in; /* DYNLANES_WIDTH rows */
	float *const *out; /* unused lanes may share one */
	double *state; /* of dyn_smooth() */
	const double *coef; /* of dyn_smooth(), and DYN_COEF_LOWER and so on */
	bool paired; /* lanes 2k and 2k + 1 are one stereo signal and have the gain of the louder */
};

/* True where this is faster than the passes. */
bool dynlanes_pays(uint32_t width);
/* RET_MOST: the largest reduction of each lane. */
void dynlanes_run(const struct dynlanes_job *job, float ret_most[DYNLANES_WIDTH], uint32_t n);
/* The same with vectors of 4 f64, for machines that have no wider ones. */
void dynlanes_run_halves(const struct dynlanes_job *job, float ret_most[DYNLANES_WIDTH],
			 uint32_t n);
