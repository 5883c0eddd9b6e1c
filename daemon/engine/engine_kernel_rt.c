/* engine_kernel_rt.c - the engine's own arithmetic: guard, sums, crossfades.
 *
 * Loops the compiler vectorises, one clone per vector width (dsp.md 2.2); sums in f64 (dsp.md 2.1).
 * The guard is an integer compare of exponent bits (dsp.md 2.5), which yields the peak as well. */
#include <string.h>

#include "engine_kernel_rt.h"

#include <mixd/rt.h>

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) &&                             \
	!defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
#define ENGINE_CLONES __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define ENGINE_CLONES
#endif

/* COUNT channels side by side: one reduction for all. Magnitudes of one sign order like their bit
 * patterns, and -0 is the lowest of all integers. */
static inline __attribute__((always_inline)) void guard_channels_of(const float *const *channel,
								    const uint32_t count,
								    uint32_t n, int32_t *peak,
								    int32_t *lowest)
{
	int32_t high = *peak, low = *lowest;

	for (uint32_t i = 0; i < n; i++) {
		int32_t most = 0, least = 0;

		for (uint32_t c = 0; c < count; c++) {
			int32_t bits, magnitude;

			memcpy(&bits, channel[c] + i, sizeof(bits));
			magnitude = bits & INT32_MAX;
			least = bits < least ? bits : least;
			most = magnitude > most ? magnitude : most;
		}
		low = least < low ? least : low;
		high = most > high ? most : high;
	}
	*peak = high;
	*lowest = low;
}

ENGINE_CLONES uint32_t engine_kernel_guard(float *const *x, uint32_t n_channels, uint32_t n,
					   uint32_t *ret_negative_zero)
{
	const float *const *channel = (const float *const *)x;
	int32_t peak = 0, lowest = 0;
	uint32_t c = 0;

	for (; c + 8 <= n_channels; c += 8)
		guard_channels_of(channel + c, 8, n, &peak, &lowest);
	for (; c + 2 <= n_channels; c += 2)
		guard_channels_of(channel + c, 2, n, &peak, &lowest);
	if (c < n_channels) { /* the halves of one; they may share a frame */
		const float *half[2] = {channel[c], channel[c] + n / 2};

		guard_channels_of(half, 2, n - n / 2, &peak, &lowest);
	}
	*ret_negative_zero = lowest == INT32_MIN;
	return (uint32_t)peak;
}

/* No exponent below 128 has the bit in which 2.0 and all above it, infinite and NaN agree. */
#define CALM_EXPONENT 0x40000000

/* What the channels have in common, in one load and less than two operations per vector. */
static inline __attribute__((always_inline)) void calm_channels_of(const float *const *channel,
								   const uint32_t count, uint32_t n,
								   int32_t *any, int32_t *lowest)
{
	int32_t bits_of_all = *any, low = *lowest;

	for (uint32_t i = 0; i < n; i++) {
		int32_t every = 0, least = 0;

		for (uint32_t c = 0; c < count; c++) {
			int32_t bits;

			memcpy(&bits, channel[c] + i, sizeof(bits));
			least = bits < least ? bits : least;
			every |= bits;
		}
		low = least < low ? least : low;
		bits_of_all |= every;
	}
	*any = bits_of_all;
	*lowest = low;
}

ENGINE_CLONES bool engine_kernel_is_calm(float *const *x, uint32_t n_channels, uint32_t n)
{
	const float *const *channel = (const float *const *)x;
	int32_t any = 0, lowest = 0;
	uint32_t c = 0;

	for (; c + 8 <= n_channels; c += 8)
		calm_channels_of(channel + c, 8, n, &any, &lowest);
	for (; c + 2 <= n_channels; c += 2)
		calm_channels_of(channel + c, 2, n, &any, &lowest);
	for (; c < n_channels; c++)
		calm_channels_of(channel + c, 1, n, &any, &lowest);
	return !(any & CALM_EXPONENT) && lowest != INT32_MIN;
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
