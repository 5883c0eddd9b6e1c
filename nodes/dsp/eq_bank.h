/* eq_bank.h - run up to 8 lanes of second-order sections side by side.
 *
 * WHAT        Each lane has a list of sections of its own; the bank runs the longest list and the
 *             shorter ones are padded by zero coefficients, which are the identity to the bit.
 *             First the plain sections, then, on lanes marked so, the sections that work on mid
 *             and side (even lane mid, odd lane side), then the output gain.
 * THREADS     [rt]
 * INVARIANTS  E1 a lane's result does not depend on width, neighbours, or how time is cut.
 *             E2 coefficients move by their step once per frame when `moving` is set; a lane whose
 *                steps are 0 gives the bits it gives at rest.
 * NOT HERE    what the sections are: eq_design.h; whose they are and when they move: nodes/eq. */
#pragma once

#include "lanes.h"
#include "svf.h"

/* Words of a lane's coefficients: gain, its step, then per section 6 values and 6 steps. */
#define EQ_BANK_GAIN_WORDS 2u
#define EQ_BANK_SECTION_WORDS (2u * SVF_COEFS)

struct eq_bank_job {
	const float *const *in;
	float *const *out;
	double *state; /* SVF_STATES words per section, plain ones first */
	double *coef;
	uint32_t max_sections; /* room for plain sections, and as much again for mid/side ones */
	uint32_t n_plain, n_mid_side; /* the longest lists */
	uint32_t mid_side_lanes; /* bit per lane */
	bool moving, gain;
};

/* One block of WIDTH lanes (2, 4, 8); N_FRAMES <= MIXD_SLICE_MAX. */
void eq_bank_run(uint32_t width, const struct eq_bank_job *job, uint32_t n_frames);
/* The same in plain C, one lane at a time: what the fast one is tested against. */
void eq_bank_run_plain(uint32_t width, const struct eq_bank_job *job, uint32_t n_frames);
