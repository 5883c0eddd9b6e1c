/* fft_plain.c - the transforms of fft.h in plain C, one number at a time.
 *
 * SOURCE      Stockham's autosort form of the decimation in frequency (Cochran et al., "What is the
 *             fast Fourier transform?", Proc. IEEE 55(10), 1967; Van Loan, Computational Frameworks
 *             for the FFT, SIAM 1992, 1.7), radix 4, the last pass radix 4 or 8. A real transform
 *             is a complex one of half the size over pairs of samples, whose spectrum is then
 *             unfolded (Press et al., Numerical Recipes, 12.3).
 * STRUCTURE   Pass t sees `stride` interleaved transforms of `length` points: it takes points
 *             p + i length/4 and leaves them at 4p + i, so that the result is in order without a
 *             permutation. Lanes are but a stride of FFT_LANES from the start.
 *             The vectors of fft_kernel.h do these operations in this order. */
#include "fft.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include <mixd/rt.h>

struct fft_point {
	float re, im;
};

static struct fft_point fft_add(struct fft_point a, struct fft_point b)
{
	return (struct fft_point){a.re + b.re, a.im + b.im};
}

static struct fft_point fft_sub(struct fft_point a, struct fft_point b)
{
	return (struct fft_point){a.re - b.re, a.im - b.im};
}

static struct fft_point fft_mul(struct fft_point a, float re, float im)
{
	return (struct fft_point){a.re * re - a.im * im, a.re * im + a.im * re};
}

static void fft_dft4(const struct fft_point x[4], struct fft_point y[4])
{
	struct fft_point sum02 = fft_add(x[0], x[2]), dif02 = fft_sub(x[0], x[2]);
	struct fft_point sum13 = fft_add(x[1], x[3]), dif13 = fft_sub(x[1], x[3]);

	y[0] = fft_add(sum02, sum13);
	y[1] = (struct fft_point){dif02.re + dif13.im, dif02.im - dif13.re};
	y[2] = fft_sub(sum02, sum13);
	y[3] = (struct fft_point){dif02.re - dif13.im, dif02.im + dif13.re};
}

static void fft_dft8(const struct fft_point x[8], struct fft_point y[8])
{
	const float half = (float)M_SQRT1_2;
	struct fft_point sum[4], dif[4], even[4], odd[4];

	for (uint32_t i = 0; i < 4; i++) {
		sum[i] = fft_add(x[i], x[i + 4]);
		dif[i] = fft_sub(x[i], x[i + 4]);
	}
	dif[1] = (struct fft_point){(dif[1].im + dif[1].re) * half, (dif[1].im - dif[1].re) * half};
	dif[2] = (struct fft_point){dif[2].im, -dif[2].re};
	dif[3] =
		(struct fft_point){(dif[3].im - dif[3].re) * half, (dif[3].im + dif[3].re) * -half};
	fft_dft4(sum, even);
	fft_dft4(dif, odd);
	for (uint32_t i = 0; i < 4; i++) {
		y[2 * i] = even[i];
		y[2 * i + 1] = odd[i];
	}
}

/* One pass from (xr, xi) to (yr, yi). */
static void fft_pass_plain(const struct fft_stage *stage, uint32_t stride, const float *xr,
			   const float *xi, float *yr, float *yi)
{
	uint32_t radix = stage->radix, part = stage->length / radix;
	struct fft_point x[8], y[8];

	for (uint32_t p = 0; p < part; p++)
		for (uint32_t q = 0; q < stride; q++) {
			for (uint32_t i = 0; i < radix; i++) {
				size_t from = q + (size_t)stride * (p + (size_t)i * part);

				x[i] = (struct fft_point){xr[from], xi[from]};
			}
			if (radix == 8)
				fft_dft8(x, y);
			else
				fft_dft4(x, y);
			for (uint32_t i = 1; i < radix && stage->twiddle; i++)
				y[i] = fft_mul(y[i], stage->twiddle[(2 * i - 2) * part + p],
					       stage->twiddle[(2 * i - 1) * part + p]);
			for (uint32_t i = 0; i < radix; i++) {
				size_t to = q + (size_t)stride * (radix * p + i);

				yr[to] = y[i].re;
				yi[to] = y[i].im;
			}
		}
}

/* All passes; the last one writes to (yr, yi), in turns with SCRATCH. */
static void fft_passes_plain(const struct fft_plan *plan, uint32_t lanes, const float *xr,
			     const float *xi, float *yr, float *yi, float *scratch)
{
	float *other = scratch + (size_t)plan->points * lanes;
	uint32_t stride = lanes;

	for (uint32_t k = 0; k < plan->n_stages; k++) {
		bool last = (plan->n_stages - k) % 2 == 1;
		float *to_re = last ? yr : scratch, *to_im = last ? yi : other;

		fft_pass_plain(&plan->stage[k], stride, xr, xi, to_re, to_im);
		stride *= plan->stage[k].radix;
		xr = to_re;
		xi = to_im;
	}
}

void fft_forward_plain(const struct fft_plan *plan, uint32_t lanes, const float *re,
		       const float *im, float *ret_re, float *ret_im, float *scratch)
{
	fft_passes_plain(plan, lanes, re, im, ret_re, ret_im, scratch);
}

/* From the spectrum Z of pairs to that of samples, in place. With a = Z[k], b = Z[h - k]:
 * E = (a + b*) / 2 is the spectrum of the even samples, O = (a - b*) / 2j that of the odd ones,
 * X[k] = E + w O and X[h - k] = (E - w O)*, w = exp(-2 pi j k / n). */
static void fft_unfold_plain(const struct fft_plan *plan, uint32_t lanes, float *re, float *im)
{
	uint32_t half = plan->points;

	for (uint32_t l = 0; l < lanes; l++) {
		float first_re = re[l], first_im = im[l];

		re[l] = first_re + first_im;
		re[half * lanes + l] = first_re - first_im;
		im[l] = im[half * lanes + l] = 0.0f;
		for (uint32_t k = 1; k <= half / 2; k++) {
			size_t low = (size_t)k * lanes + l, high = (size_t)(half - k) * lanes + l;
			float wr = plan->fold[k] * 0.5f;
			float wi = plan->fold[plan->fold_stride + k] * 0.5f;
			float er = (re[low] + re[high]) * 0.5f, ei = (im[low] - im[high]) * 0.5f;
			float or = im[low] + im[high], oi = re[high] - re[low];
			float tr = or *wr - oi * wi, ti = or *wi + oi * wr;

			re[low] = er + tr;
			im[low] = ei + ti;
			re[high] = er - tr;
			im[high] = ti - ei;
		}
	}
}

/* The way back, twice as large: Z[k] = E + j O w*, with E = a + b*, O = a - b*. */
static void fft_fold_plain(const struct fft_plan *plan, uint32_t lanes, const float *re,
			   const float *im, float *zr, float *zi)
{
	uint32_t half = plan->points;

	for (uint32_t l = 0; l < lanes; l++) {
		zr[l] = re[l] + re[half * lanes + l];
		zi[l] = re[l] - re[half * lanes + l];
		for (uint32_t k = 1; k <= half / 2; k++) {
			size_t low = (size_t)k * lanes + l, high = (size_t)(half - k) * lanes + l;
			float wr = plan->fold[k], wi = plan->fold[plan->fold_stride + k];
			float er = re[low] + re[high], ei = im[low] - im[high];
			float dr = re[low] - re[high], di = im[low] + im[high];
			float tr = dr * wr + di * wi, ti = di * wr - dr * wi;

			zr[low] = er - ti;
			zi[low] = ei + tr;
			zr[high] = er + ti;
			zi[high] = tr - ei;
		}
	}
}

void fft_real_forward_plain(const struct fft_plan *plan, uint32_t lanes, const float *x, float *re,
			    float *im, float *scratch)
{
	size_t points = (size_t)plan->points * lanes;
	bool odd = plan->n_stages % 2 == 1;
	/* The pairs go where the first pass does not write. */
	float *pair_re = odd ? scratch : re, *pair_im = odd ? scratch + points : im;

	for (size_t k = 0; k < plan->points; k++)
		for (uint32_t l = 0; l < lanes; l++) {
			pair_re[k * lanes + l] = x[2 * k * lanes + l];
			pair_im[k * lanes + l] = x[(2 * k + 1) * lanes + l];
		}
	fft_passes_plain(plan, lanes, pair_re, pair_im, re, im, scratch);
	fft_unfold_plain(plan, lanes, re, im);
}

void fft_real_inverse_plain(const struct fft_plan *plan, uint32_t lanes, const float *re,
			    const float *im, float *x, float *scratch)
{
	size_t points = (size_t)plan->points * lanes;
	float *other = scratch + points;
	uint32_t stride = lanes, k;
	const float *from = plan->n_stages % 2 == 0 ? x : scratch;

	fft_fold_plain(plan, lanes, re, im, plan->n_stages % 2 == 0 ? x : scratch,
		       plan->n_stages % 2 == 0 ? x + points : other);
	/* Forward over what is swapped is the inverse, swapped; all but the last pass in turns. */
	for (k = 0; k + 1 < plan->n_stages; k++) {
		float *to = from == scratch ? x : scratch;

		fft_pass_plain(&plan->stage[k], stride, from + points, from, to + points, to);
		stride *= plan->stage[k].radix;
		from = to;
	}
	/* From scratch to x, each half in a place of its own, then shuffled into pairs. */
	fft_pass_plain(&plan->stage[k], stride, from + points, from, x + points, x);
	memcpy(scratch, x, 2 * points * sizeof(float));
	for (size_t i = 0; i < plan->points; i++)
		for (uint32_t l = 0; l < lanes; l++) {
			x[2 * i * lanes + l] = scratch[i * lanes + l];
			x[(2 * i + 1) * lanes + l] = scratch[points + i * lanes + l];
		}
}
