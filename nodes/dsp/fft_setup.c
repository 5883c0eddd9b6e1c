/* fft_setup.c - plans of fft.h: passes and tables. Runs on main, may allocate.
 *
 * Twiddles are computed in f64 within the first eighth of the circle, so that their error is that
 * of rounding to f32 alone. */
#include "fft.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FFT_ALIGN 64u

static size_t fft_round(size_t floats)
{
	return (floats * sizeof(float) + FFT_ALIGN - 1) / FFT_ALIGN * FFT_ALIGN;
}

static int fft_valid(enum fft_kind kind, uint32_t n)
{
	return (kind == FFT_REAL || kind == FFT_COMPLEX) && n >= FFT_SIZE_MIN &&
	       n <= FFT_SIZE_MAX && (n & (n - 1)) == 0;
}

/* exp(-2 pi j k / n) */
static void fft_twiddle(uint32_t k, uint32_t n, float *ret_re, float *ret_im)
{
	uint32_t octant = (uint32_t)(((uint64_t)k * 8) / n) % 8, axis = (octant + 1) / 2;
	/* Distance from the nearest axis, in turns of 1/n. */
	double steps = (double)k - (double)n * axis / 4;
	double angle = 2 * M_PI * steps / n, c = cos(angle), s = sin(angle);

	switch (axis % 4) {
	case 0:
		*ret_re = (float)c, *ret_im = (float)-s;
		break;
	case 1:
		*ret_re = (float)-s, *ret_im = (float)-c;
		break;
	case 2:
		*ret_re = (float)-c, *ret_im = (float)s;
		break;
	default:
		*ret_re = (float)s, *ret_im = (float)c;
	}
}

size_t fft_plan_bytes(enum fft_kind kind, uint32_t n)
{
	uint32_t points = kind == FFT_REAL ? n / 2 : n;
	size_t bytes = 0;

	if (!fft_valid(kind, n))
		return 0;
	for (uint32_t length = points; length > 8; length /= 4)
		bytes += fft_round((size_t)6 * (length / 4));
	if (points / 4 > 8)
		bytes += fft_round((size_t)6 * (points / 4));
	if (kind == FFT_REAL)
		bytes += 2 * fft_round(n / 4 + 1);
	return bytes;
}

static char *fft_place_stage(struct fft_stage *stage, uint32_t length, char *at)
{
	uint32_t quarter = length / 4;
	float *twiddle = (float *)(void *)at;

	*stage = (struct fft_stage){4, length, twiddle, NULL};
	for (uint32_t i = 1; i <= 3; i++)
		for (uint32_t p = 0; p < quarter; p++)
			fft_twiddle(p * i, length, twiddle + (2 * i - 2) * (size_t)quarter + p,
				    twiddle + (2 * i - 1) * (size_t)quarter + p);
	return at + fft_round((size_t)6 * quarter);
}

static char *fft_place_spread(struct fft_stage *stage, char *at)
{
	float *spread = (float *)(void *)at;

	for (size_t k = 0; k < (size_t)6 * stage->length; k++)
		spread[k] = stage->twiddle[k / 4];
	stage->spread = spread;
	return at + fft_round((size_t)6 * stage->length);
}

static uint32_t fft_choose_kernel(void)
{
#if defined(__x86_64__)
	__builtin_cpu_init();
	if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
	    __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq"))
		return 16;
	if (__builtin_cpu_supports("avx2"))
		return 8;
#endif
	return 4;
}

int fft_plan_place(struct fft_plan *plan, enum fft_kind kind, uint32_t n, void *memory)
{
	char *at = memory;
	uint32_t length;

	if (!fft_valid(kind, n))
		return -EINVAL;
	memset(plan, 0, sizeof(*plan));
	plan->kind = kind;
	plan->n = n;
	plan->scale = 1.0f / (float)n;
	plan->points = kind == FFT_REAL ? n / 2 : n;
	plan->kernel = fft_choose_kernel();
	for (length = plan->points; length > 8; length /= 4)
		at = fft_place_stage(&plan->stage[plan->n_stages++], length, at);
	plan->stage[plan->n_stages++] = (struct fft_stage){length, length, NULL, NULL};
	if (plan->n_stages > 2)
		at = fft_place_spread(&plan->stage[1], at);
	if (kind == FFT_REAL) {
		float *fold = (float *)(void *)at;

		plan->fold = fold;
		plan->fold_stride = (uint32_t)(fft_round(n / 4 + 1) / sizeof(float));
		for (uint32_t k = 0; k <= n / 4; k++)
			fft_twiddle(k, n, fold + k, fold + plan->fold_stride + k);
	}
	return 0;
}

int fft_plan_init(struct fft_plan *plan, enum fft_kind kind, uint32_t n)
{
	size_t bytes = fft_plan_bytes(kind, n);
	void *memory;

	if (!fft_valid(kind, n))
		return -EINVAL;
	if (posix_memalign(&memory, FFT_ALIGN, bytes + FFT_ALIGN) != 0)
		return -ENOMEM;
	memset(memory, 0, bytes + FFT_ALIGN);
	fft_plan_place(plan, kind, n, memory);
	plan->owned = memory;
	return 0;
}

void fft_plan_done(struct fft_plan *plan)
{
	if (!plan)
		return;
	free(plan->owned);
	plan->owned = NULL;
}
