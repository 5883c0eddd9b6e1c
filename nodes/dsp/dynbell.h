/* dynbell.h - a bell or a shelf whose gain moves with every frame, and the detector beside it.
 *
 * WHAT        One state-variable section per channel, two channels to a vector. dynbell_coefs() makes
 *             coefficients of each frame from its gain, along time; dynbell_run() multiplies.
 * SOURCE      A. Simper, Solving the continuous SVF equations using trapezoidal integration, 2013:
 *             bell k = 1/(Q A), m1 = k (A^2 - 1); shelves g = tan * A^-+1/2. Stable at any speed of
 *             its coefficients (svf.h, S1).
 * THREADS     [rt]; a state belongs to one caller.
 * INVARIANTS  B1 the bits do not depend on how time is cut; a gain of 0 dB is the identity. */
#pragma once

#include "dynamics.h"

enum dynbell_type { DYNBELL_BELL, DYNBELL_LOWSHELF, DYNBELL_HIGHSHELF };

/* Coefficients of each frame. */
struct dynbell_rows {
	double a[MIXD_SLICE_MAX], b[MIXD_SLICE_MAX], t[MIXD_SLICE_MAX];
	double m0[MIXD_SLICE_MAX], m1[MIXD_SLICE_MAX], m2[MIXD_SLICE_MAX];
};

/* The past of two channels; zeros are silence. */
struct dynbell_state {
	double word[4] __attribute__((aligned(16)));
};

/* What a band listens to: a band-pass for a bell, a low or high pass for a shelf. */
struct dynbell_ear {
	double a, b, t, m0, m1, m2;
};

/* TANGENT: tan(pi f / rate); DAMPING: 1 / Q. [rt] */
void dynbell_ear_set(struct dynbell_ear *ear, enum dynbell_type type, double tangent,
		     double damping);
void dynbell_listen(const struct dynbell_ear *ear, struct dynbell_state *state,
		    const float *const in[2], float *const out[2], uint32_t n);
/* GAIN: log2 of the amplitude, each frame. [rt] */
void dynbell_coefs(enum dynbell_type type, const struct dyn_line *tangent,
		   const struct dyn_line *damping, uint32_t first, const float *gain,
		   struct dynbell_rows *rows, uint32_t n);
/* OUT may be IN. [rt] */
void dynbell_run(const struct dynbell_rows *rows, struct dynbell_state *state,
		 const float *const in[2], float *const out[2], uint32_t n);
/* Magnitude in dB at AT = tan(pi f / rate). [any] */
double dynbell_response_db(enum dynbell_type type, double tangent, double damping, double gain_db,
			   double at);
