/* engine_kernel_rt.c - the engine's own arithmetic: guard, sums, crossfades.
 *
 * Loops the compiler vectorises, one clone per vector width (dsp.md 2.2); sums in f64 (dsp.md 2.1).
 * The guard is an integer compare of exponent bits (dsp.md 2.5), which yields the peak as well. */
#include <string.h>

#include "engine_internal.h"

#include <mixd/rt.h>

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) &&                             \
	!defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
#define ENGINE_CLONES __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define ENGINE_CLONES
#endif

/* The halves of a channel, or two channels, side by side: one reduction for both. -0 is the lowest of
 * all integers. */
ENGINE_CLONES uint32_t engine_kernel_guard(float *const *x, uint32_t n_channels, uint32_t n,
					   uint32_t *ret_negative_zero)
{
	int32_t peak = 0, lowest = 0;

	for (uint32_t c = 0; c < n_channels; c += 2) {
		bool pair = c + 1 < n_channels;
		uint32_t part = pair ? n : (n + 1) / 2;
		const char *one = (const char *)x[c];
		const char *two = (const char *)(pair ? x[c + 1] : x[c] + (n - part));

		for (uint32_t i = 0; i < part; i++) {
			int32_t a, b, low, high;

			memcpy(&a, one + (size_t)i * sizeof(float), sizeof(a));
			memcpy(&b, two + (size_t)i * sizeof(float), sizeof(b));
			low = a < b ? a : b;
			lowest = low < lowest ? low : lowest;
			a &= INT32_MAX;
			b &= INT32_MAX;
			high = a > b ? a : b;
			peak = high > peak ? high : peak;
		}
	}
	*ret_negative_zero = lowest == INT32_MIN;
	return (uint32_t)peak;
}

void engine_kernel_plain_zero(float *x, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		x[i] = x[i] == 0.0f ? 0.0f : x[i];
}

ENGINE_CLONES void engine_kernel_set(double *restrict sum, const float *restrict x, double gain,
				     uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		sum[i] = (double)x[i] * gain;
}

ENGINE_CLONES void engine_kernel_add(double *restrict sum, const float *restrict x, double gain,
				     uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		sum[i] += (double)x[i] * gain;
}

ENGINE_CLONES void engine_kernel_add_plain(double *restrict sum, const float *restrict x,
					   uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		sum[i] += (double)x[i];
}

ENGINE_CLONES void engine_kernel_add_ramp(double *restrict sum, const float *restrict x,
					  const double *restrict gain, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		sum[i] += (double)x[i] * gain[i];
}

ENGINE_CLONES void engine_kernel_store(float *restrict out, const double *restrict sum, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		out[i] = (float)sum[i];
}

ENGINE_CLONES void engine_kernel_blend(float *restrict wet, const float *restrict dry,
				       const double *restrict weight, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		wet[i] = (float)((double)wet[i] * weight[i] + (double)dry[i] * (1.0 - weight[i]));
}

ENGINE_CLONES void engine_kernel_scale(float *restrict x, const double *restrict gain, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		x[i] = (float)((double)x[i] * gain[i]);
}
