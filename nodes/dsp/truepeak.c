/* Source: ITU-R BS.1770-4 Annex 2 (the method); the filter is a Kaiser-windowed sinc, J. F. Kaiser,
 * "Nonrecursive digital filter design using the I0-sinh window function", ISCAS 1974.
 *
 * Phases p and 8 - p are mirror images. With s = x[k] + x[31-k], d = x[k] - x[31-k] and the even
 * and odd halves of a phase, their two values are E + O and E - O, so that the higher magnitude is
 * |E| + |O|: half the products, and one maximum less. Phase 0 is the sample itself.
 *
 * Vectors run along time. Their width is that of the machine (4, 8 or 16 floats), chosen once;
 * nothing is summed across a vector, so all widths give the same bits. */
#include "truepeak.h"

#include "clones.h"
#include "window.h"

#include <math.h>

#include <mixd/rt.h>

enum {
	TRUEPEAK_KERNEL_4,
	TRUEPEAK_KERNEL_8,
	TRUEPEAK_KERNEL_16,
};

/* The windowed sinc at T frames from its centre, |T| <= 16. */
static double truepeak_tap(double t, double beta)
{
	double u = t / (TRUEPEAK_TAPS / 2.0);
	double window =
		window_bessel_i0(beta * sqrt(fmax(0.0, 1.0 - u * u))) / window_bessel_i0(beta);

	return t == 0.0 ? window : window * sin(M_PI * t) / (M_PI * t);
}

static uint32_t truepeak_choose_kernel(void)
{
#if defined(__x86_64__)
	__builtin_cpu_init();
	if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
	    __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq"))
		return TRUEPEAK_KERNEL_16;
	if (__builtin_cpu_supports("avx2"))
		return TRUEPEAK_KERNEL_8;
#endif
	return TRUEPEAK_KERNEL_4;
}

void truepeak_filter_init(struct truepeak_filter *filter, double rate_hz, double beta)
{
	double phase[8][TRUEPEAK_TAPS], sum = 0.0;
	uint32_t step;

	filter->oversample = rate_hz <= 64000.0 ? 8 : 4;
	filter->n_pairs = filter->oversample / 2 - 1;
	filter->kernel = truepeak_choose_kernel();
	step = 8 / filter->oversample;
	for (uint32_t p = 0; p < 8; p++)
		for (uint32_t k = 0; k < TRUEPEAK_TAPS; k++) {
			phase[p][k] = truepeak_tap(15.0 - k + p / 8.0, beta);
			sum += p % step == 0 ? phase[p][k] : 0.0;
		}
	for (uint32_t k = 0; k < TRUEPEAK_TAPS / 2; k++) {
		double scale = filter->oversample / sum;

		filter->middle[k] = (float)(phase[4][k] * scale);
		for (uint32_t q = 0; q < 3; q++) {
			double near = q < filter->n_pairs ? phase[(q + 1) * step][k] : 0.0;
			double far = q < filter->n_pairs ? phase[8 - (q + 1) * step][k] : 0.0;

			filter->even[q][k] = (float)((near + far) / 2.0 * scale);
			filter->odd[q][k] = (float)((near - far) / 2.0 * scale);
		}
	}
}

void truepeak_envelope_plain(const struct truepeak_filter *filter, const float *x, float *envelope,
			     uint32_t n_frames)
{
	for (uint32_t i = 0; i < n_frames; i++) {
		const float *now = x + i;
		float middle = 0.0f, highest = fabsf(now[-16]);

		for (uint32_t k = 0; k < TRUEPEAK_TAPS / 2; k++)
			middle += filter->middle[k] * (now[(int)k - 31] + now[-(int)k]);
		if (fabsf(middle) > highest)
			highest = fabsf(middle);
		for (uint32_t q = 0; q < filter->n_pairs; q++) {
			float even = 0.0f, odd = 0.0f;

			for (uint32_t k = 0; k < TRUEPEAK_TAPS / 2; k++) {
				even += filter->even[q][k] * (now[(int)k - 31] + now[-(int)k]);
				odd += filter->odd[q][k] * (now[(int)k - 31] - now[-(int)k]);
			}
			if (fabsf(even) + fabsf(odd) > highest)
				highest = fabsf(even) + fabsf(odd);
		}
		envelope[i] = highest;
	}
}

#define TRUEPEAK_WIDTH 4
#define TRUEPEAK_TARGET
#include "truepeak_kernel.h"
#if defined(__x86_64__)
#define TRUEPEAK_WIDTH 8
#define TRUEPEAK_TARGET __attribute__((target("avx2")))
#include "truepeak_kernel.h"
#define TRUEPEAK_WIDTH 16
#define TRUEPEAK_TARGET __attribute__((target("avx512f,avx512vl,avx512bw,avx512dq")))
#include "truepeak_kernel.h"
#endif

void truepeak_envelope(const struct truepeak_filter *filter, const float *x, float *envelope,
		       uint32_t n_frames)
{
	switch (filter->kernel) {
#if defined(__x86_64__)
	case TRUEPEAK_KERNEL_16:
		truepeak_envelope_16(filter, x, envelope, n_frames);
		break;
	case TRUEPEAK_KERNEL_8:
		truepeak_envelope_8(filter, x, envelope, n_frames);
		break;
#endif
	default:
		truepeak_envelope_4(filter, x, envelope, n_frames);
	}
}

void truepeak_halves(const struct truepeak_filter *filter, const float *x, float *envelope,
		     uint32_t n_frames)
{
	switch (filter->kernel) {
#if defined(__x86_64__)
	case TRUEPEAK_KERNEL_16:
		truepeak_halves_16(filter, x, envelope, n_frames);
		break;
	case TRUEPEAK_KERNEL_8:
		truepeak_halves_8(filter, x, envelope, n_frames);
		break;
#endif
	default:
		truepeak_halves_4(filter, x, envelope, n_frames);
	}
}

MIXD_CLONES float truepeak_highest(const float *envelope, uint32_t n_frames)
{
	/* As integers: values that are not negative have the same order, and the compiler has a
	 * vector maximum for it. A NaN is the highest of all, and stays visible. */
	int32_t highest = 0;
	float result;

	for (uint32_t i = 0; i < n_frames; i++) {
		int32_t bits;

		__builtin_memcpy(&bits, envelope + i, sizeof(bits));
		highest = bits > highest ? bits : highest;
	}
	__builtin_memcpy(&result, &highest, sizeof(result));
	return result;
}
