/* fft.c - see fft.h: the transforms that everybody calls. */
#include "fft.h"

#include <mixd/rt.h>

void fft_forward(const struct fft_plan *plan, const float *re, const float *im, float *ret_re,
		 float *ret_im, float *scratch)
{
	fft_forward_plain(plan, 1, re, im, ret_re, ret_im, scratch);
}

void fft_real_forward(const struct fft_plan *plan, const float *x, float *re, float *im,
		      float *scratch)
{
	fft_real_forward_plain(plan, 1, x, re, im, scratch);
}

void fft_real_inverse(const struct fft_plan *plan, const float *re, const float *im, float *x,
		      float *scratch)
{
	fft_real_inverse_plain(plan, 1, re, im, x, scratch);
}

void fft_lanes_forward(const struct fft_plan *plan, const float *re, const float *im, float *ret_re,
		       float *ret_im, float *scratch)
{
	fft_forward_plain(plan, FFT_LANES, re, im, ret_re, ret_im, scratch);
}

void fft_lanes_real_forward(const struct fft_plan *plan, const float *x, float *re, float *im,
			    float *scratch)
{
	fft_real_forward_plain(plan, FFT_LANES, x, re, im, scratch);
}

void fft_lanes_real_inverse(const struct fft_plan *plan, const float *re, const float *im, float *x,
			    float *scratch)
{
	fft_real_inverse_plain(plan, FFT_LANES, re, im, x, scratch);
}
