/* fft.h - Fourier transforms of powers of two, in f32.
 *
 * WHAT        Complex transforms of n points and real ones of n samples to n/2 + 1 bins, forward and
 *             back, each one at a time or FFT_LANES at once (fft_lanes_*: element k of transform l
 *             lies at [k * FFT_LANES + l]). Spectra are split: re[] and im[] are arrays of their
 *             own, as sums of products want them.
 * SCALE       forward:  X[k] = sum x[i] exp(-2 pi j i k / n)
 *             inverse:  x[i] = sum X[k] exp(+2 pi j i k / n), not divided: back and forth gives n x.
 *             plan->scale is 1/n; put it where it costs nothing, into a window or a filter.
 * MEMORY      A plan is made on main, read-only afterwards, and shared by everybody who transforms
 *             that size. SCRATCH belongs to the caller: fft_scratch_floats() of them. Input, output
 *             and scratch never overlap. Any alignment is right, 64 bytes is fastest.
 * THREADS     making and freeing [main]; transforming [any], rt too: no state, no system call.
 * INVARIANTS  F1 all kernels (4, 8 or 16 floats wide, plain C, lanes or single) give the same bits:
 *                what is heard depends neither on the CPU nor on who shares a batch.
 *             F2 the error is below 5e-7 of the norm (tests/unit/test_dsp_fft.c).
 *             F3 im[0] and im[n/2] of a real spectrum are written as 0, and not read.
 * NOT HERE    windows: window.h; frames that overlap: stft.h. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define FFT_LANES 8u
#define FFT_SIZE_MIN 16u
#define FFT_SIZE_MAX 65536u
#define FFT_STAGES_MAX 8u

enum fft_kind {
	FFT_REAL,
	FFT_COMPLEX,
};

/* One pass over the data. */
struct fft_stage {
	uint32_t radix; /* 4, or 8 in the last pass */
	uint32_t length; /* of the transforms that it begins */
	const float *twiddle; /* exp(-2 pi j p i / length), p below length / 4:
				 [6][length / 4]: re and im of i = 1, 2, 3; none in the last pass */
	const float *spread; /* second pass: each of them four times, [6][length] */
};

struct fft_plan {
	enum fft_kind kind;
	uint32_t n;
	float scale; /* 1 / n */
	uint32_t points; /* of the complex transform inside: n, or n / 2 when real */
	uint32_t n_stages;
	uint32_t kernel; /* which width this CPU takes */
	struct fft_stage stage[FFT_STAGES_MAX];
	const float *fold; /* real: exp(-2 pi j k / n), k below n / 4 + 1: re, then im */
	uint32_t fold_stride; /* floats from re to im of it */
	void *owned;
};

/* ---- plans: fft_setup.c ---- */

/* Bytes of tables for a plan. */
size_t fft_plan_bytes(enum fft_kind kind, uint32_t n); /* [any] */
/* Make *PLAN with its tables in MEMORY (64-byte aligned, fft_plan_bytes(); borrowed as long as the
 * plan lives). N is a power of two, FFT_SIZE_MIN .. FFT_SIZE_MAX; -EINVAL otherwise. [main] */
int fft_plan_place(struct fft_plan *plan, enum fft_kind kind, uint32_t n, void *memory);
/* The same on the heap. -EINVAL, -ENOMEM. [main] */
int fft_plan_init(struct fft_plan *plan, enum fft_kind kind, uint32_t n);
void fft_plan_done(struct fft_plan *plan); /* [main] */

/* Floats of scratch for one transform; fft_lanes_*() takes FFT_LANES times as many. */
static inline size_t fft_scratch_floats(const struct fft_plan *plan)
{
	return (size_t)2 * plan->points;
}

/* ---- one transform ---- */

/* x[n] to re[n / 2 + 1] and im[n / 2 + 1]. [rt] */
void fft_real_forward(const struct fft_plan *plan, const float *x, float *re, float *im,
		      float *scratch);
/* And back, n times as large. [rt] */
void fft_real_inverse(const struct fft_plan *plan, const float *re, const float *im, float *x,
		      float *scratch);
/* n points. [rt] */
void fft_forward(const struct fft_plan *plan, const float *re, const float *im, float *ret_re,
		 float *ret_im, float *scratch);
static inline void fft_inverse(const struct fft_plan *plan, const float *re, const float *im,
			       float *ret_re, float *ret_im, float *scratch)
{
	fft_forward(plan, im, re, ret_im, ret_re, scratch); /* conjugated twice */
}

/* ---- FFT_LANES transforms side by side ---- */

void fft_lanes_real_forward(const struct fft_plan *plan, const float *x, float *re, float *im,
			    float *scratch);
void fft_lanes_real_inverse(const struct fft_plan *plan, const float *re, const float *im, float *x,
			    float *scratch);
void fft_lanes_forward(const struct fft_plan *plan, const float *re, const float *im, float *ret_re,
		       float *ret_im, float *scratch);
static inline void fft_lanes_inverse(const struct fft_plan *plan, const float *re, const float *im,
				     float *ret_re, float *ret_im, float *scratch)
{
	fft_lanes_forward(plan, im, re, ret_im, ret_re, scratch);
}

/* ---- the plain twins: what the tests compare with ---- */

/* LANES is 1 or FFT_LANES. [any] */
void fft_real_forward_plain(const struct fft_plan *plan, uint32_t lanes, const float *x, float *re,
			    float *im, float *scratch);
void fft_real_inverse_plain(const struct fft_plan *plan, uint32_t lanes, const float *re,
			    const float *im, float *x, float *scratch);
void fft_forward_plain(const struct fft_plan *plan, uint32_t lanes, const float *re,
		       const float *im, float *ret_re, float *ret_im, float *scratch);
