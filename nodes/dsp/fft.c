/* fft.c - see fft.h: the transforms that everybody calls, in vectors.
 *
 * SOURCE      as fft_plain.c, whose operations these are, in the same order: equal to the bit.
 * STRUCTURE   fft_kernel.h is compiled for 4, 8 and 16 floats; the plan says which this CPU takes.
 *             A short transform takes a narrower one, and lanes run at most FFT_LANES wide where
 *             neighbours differ. */
#include "fft.h"

#include <math.h>
#include <stdbool.h>

#include <mixd/rt.h>

/* STRIDE interleaved transforms from (xr, xi), whose points are PITCH apart, to (yr, yi). */
typedef void fft_pass(const struct fft_stage *stage, uint32_t stride, uint32_t pitch,
		      const float *xr, const float *xi, float *yr, float *yi);

struct fft_kernel {
	uint32_t width;
	fft_pass *first, *first_paired; /* stride 1 */
	fft_pass *second; /* stride 4 */
	fft_pass *wide; /* any multiple of the width */
	fft_pass *last, *last_paired, *last_paired_lanes;
	void (*unfold)(const struct fft_plan *plan, float *re, float *im);
	void (*fold)(const struct fft_plan *plan, const float *re, const float *im, float *zr,
		     float *zi);
	void (*unfold_lanes)(const struct fft_plan *plan, float *re, float *im);
	void (*fold_lanes)(const struct fft_plan *plan, const float *re, const float *im, float *zr,
			   float *zi);
};

#define FFT_WIDTH 4
#define FFT_TARGET
#include "fft_kernel.h"
#if defined(__x86_64__)
#define FFT_WIDTH 8
#define FFT_TARGET __attribute__((target("avx2")))
#include "fft_kernel.h"
#define FFT_WIDTH 16
#define FFT_TARGET __attribute__((target("avx512f,avx512vl,avx512bw,avx512dq")))
#include "fft_kernel.h"
#endif

/* The widest kernel for this plan that is not wider than LIMIT. */
static const struct fft_kernel *fft_kernel_of(const struct fft_plan *plan, uint32_t limit)
{
#if defined(__x86_64__)
	uint32_t width = plan->kernel < limit ? plan->kernel : limit;

	if (width >= 16)
		return &fft_kernel_16;
	if (width >= 8)
		return &fft_kernel_8;
#endif
	return &fft_kernel_4;
}

/* Single transforms below this have passes narrower than vectors of 8 or 16. */
#define FFT_POINTS_WIDE 64u

static const struct fft_kernel *fft_kernel_single(const struct fft_plan *plan)
{
	return fft_kernel_of(plan, plan->points < FFT_POINTS_WIDE ? 4 : 16);
}

/* All passes but the last, in turns between what the last does not read; where they end up.
 * PAIRED: the first takes xr as pairs. */
static void fft_passes(const struct fft_plan *plan, const float *xr, const float *xi, bool paired,
		       float *const even[2], float *const odd[2], fft_pass *last)
{
	const struct fft_kernel *kernel = fft_kernel_single(plan);
	uint32_t stride = 1, k;

	for (k = 0; k + 1 < plan->n_stages; k++) {
		float *const *to = (plan->n_stages - k) % 2 == 0 ? even : odd;
		fft_pass *pass = paired ? kernel->first_paired : kernel->first;

		if (k > 0)
			pass = k == 1 ? kernel->second : kernel->wide;
		pass(&plan->stage[k], stride, stride, xr, xi, to[0], to[1]);
		stride *= 4;
		xr = to[0];
		xi = to[1];
	}
	last(&plan->stage[k], stride, stride, xr, xi, odd[0], odd[1]);
}

/* The same with FFT_LANES transforms side by side. */
static void fft_lanes_passes(const struct fft_plan *plan, const float *xr, const float *xi,
			     uint32_t pitch, float *const even[2], float *const odd[2],
			     bool last_paired)
{
	uint32_t stride = FFT_LANES, k;

	for (k = 0; k + 1 < plan->n_stages; k++) {
		float *const *to = (plan->n_stages - k) % 2 == 0 ? even : odd;
		const struct fft_kernel *kernel = fft_kernel_of(plan, k == 0 ? FFT_LANES : 16);

		kernel->wide(&plan->stage[k], stride, pitch, xr, xi, to[0], to[1]);
		stride *= 4;
		pitch = stride;
		xr = to[0];
		xi = to[1];
	}
	if (last_paired)
		fft_kernel_of(plan, FFT_LANES)
			->last_paired_lanes(&plan->stage[k], stride, pitch, xr, xi, odd[0], odd[1]);
	else
		fft_kernel_of(plan, k == 0 ? FFT_LANES : 16)
			->last(&plan->stage[k], stride, pitch, xr, xi, odd[0], odd[1]);
}

void fft_forward(const struct fft_plan *plan, const float *re, const float *im, float *ret_re,
		 float *ret_im, float *scratch)
{
	float *const even[] = {scratch, scratch + plan->points}, *const odd[] = {ret_re, ret_im};

	fft_passes(plan, re, im, false, even, odd, fft_kernel_single(plan)->last);
}

void fft_real_forward(const struct fft_plan *plan, const float *x, float *re, float *im,
		      float *scratch)
{
	float *const even[] = {scratch, scratch + plan->points}, *const odd[] = {re, im};
	const struct fft_kernel *kernel = fft_kernel_single(plan);

	if (plan->n_stages == 1) { /* 8 points: narrower than any vector */
		fft_real_forward_plain(plan, 1, x, re, im, scratch);
		return;
	}
	fft_passes(plan, x, NULL, true, even, odd, kernel->last);
	kernel->unfold(plan, re, im);
}

void fft_real_inverse(const struct fft_plan *plan, const float *re, const float *im, float *x,
		      float *scratch)
{
	/* Forward over what is swapped is the inverse, swapped: (im, re) in all of these. */
	float *const even[] = {scratch + plan->points, scratch};
	float *const odd[] = {x + plan->points, x};
	float *const *to = plan->n_stages % 2 == 0 ? odd : even;
	const struct fft_kernel *kernel = fft_kernel_single(plan);

	if (plan->n_stages == 1) {
		fft_real_inverse_plain(plan, 1, re, im, x, scratch);
		return;
	}
	kernel->fold(plan, re, im, to[1], to[0]);
	fft_passes(plan, to[0], to[1], false, even, odd, kernel->last_paired);
}

void fft_lanes_forward(const struct fft_plan *plan, const float *re, const float *im, float *ret_re,
		       float *ret_im, float *scratch)
{
	size_t points = (size_t)plan->points * FFT_LANES;
	float *const even[] = {scratch, scratch + points}, *const odd[] = {ret_re, ret_im};

	fft_lanes_passes(plan, re, im, FFT_LANES, even, odd, false);
}

void fft_lanes_real_forward(const struct fft_plan *plan, const float *x, float *re, float *im,
			    float *scratch)
{
	size_t points = (size_t)plan->points * FFT_LANES;
	float *const even[] = {scratch, scratch + points}, *const odd[] = {re, im};

	fft_lanes_passes(plan, x, x + FFT_LANES, 2 * FFT_LANES, even, odd, false);
	fft_kernel_of(plan, FFT_LANES)->unfold_lanes(plan, re, im);
}

void fft_lanes_real_inverse(const struct fft_plan *plan, const float *re, const float *im, float *x,
			    float *scratch)
{
	size_t points = (size_t)plan->points * FFT_LANES;
	float *const even[] = {scratch + points, scratch}, *const odd[] = {x + points, x};
	float *const *to = plan->n_stages % 2 == 0 ? odd : even;

	fft_kernel_of(plan, FFT_LANES)->fold_lanes(plan, re, im, to[1], to[0]);
	fft_lanes_passes(plan, to[0], to[1], FFT_LANES, even, odd, true);
}
