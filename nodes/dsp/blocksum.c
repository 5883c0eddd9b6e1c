/* blocksum.c - see blocksum.h. */
#include "blocksum.h"

#include "clones.h"

#include <mixd/rt.h>

typedef float blocksum_f8 __attribute__((vector_size(32)));
typedef int32_t blocksum_i8 __attribute__((vector_size(32)));
typedef double blocksum_d8 __attribute__((vector_size(64)));

MIXD_INLINE blocksum_d8 blocksum_load(const float *x)
{
	blocksum_f8 v;

	__builtin_memcpy(&v, x, sizeof(v));
	return __builtin_convertvector(v, blocksum_d8);
}

/* The last ones, zeros behind them. */
MIXD_INLINE blocksum_d8 blocksum_rest(const float *x, uint32_t n)
{
	blocksum_f8 v = {0};

	__builtin_memcpy(&v, x, n * sizeof(float));
	return __builtin_convertvector(v, blocksum_d8);
}

MIXD_INLINE double blocksum_across(const blocksum_d8 *v)
{
	double x[8];

	__builtin_memcpy(x, v, sizeof(x));
	return ((x[0] + x[1]) + (x[2] + x[3])) + ((x[4] + x[5]) + (x[6] + x[7]));
}

MIXD_CLONES struct blocksum_one blocksum_one(const float *x, uint32_t n_frames)
{
	blocksum_d8 sum = {0}, square = {0}, v;
	uint32_t i = 0;

	for (; i + 8 <= n_frames; i += 8) {
		v = blocksum_load(x + i);
		sum += v;
		square += v * v;
	}
	v = blocksum_rest(x + i, n_frames - i);
	sum += v;
	square += v * v;
	return (struct blocksum_one){blocksum_across(&sum), blocksum_across(&square)};
}

MIXD_CLONES struct blocksum_two blocksum_two(const float *left, const float *right,
					     uint32_t n_frames)
{
	blocksum_d8 sum[2] = {{0}}, square[2] = {{0}}, product = {0}, l, r;
	uint32_t i = 0;

	for (; i < n_frames; i += 8) {
		if (n_frames - i >= 8) {
			l = blocksum_load(left + i);
			r = blocksum_load(right + i);
		} else {
			l = blocksum_rest(left + i, n_frames - i);
			r = blocksum_rest(right + i, n_frames - i);
		}
		sum[0] += l;
		sum[1] += r;
		square[0] += l * l;
		square[1] += r * r;
		product += l * r;
	}
	return (struct blocksum_two){{blocksum_across(&sum[0]), blocksum_across(&square[0])},
				     {blocksum_across(&sum[1]), blocksum_across(&square[1])},
				     blocksum_across(&product)};
}

MIXD_CLONES int blocksum_any(const float *x, uint32_t n_frames)
{
	uint32_t any = 0;

	for (uint32_t i = 0; i < n_frames; i++) {
		uint32_t bits;

		__builtin_memcpy(&bits, x + i, sizeof(bits));
		any |= bits & 0x7fffffffu;
	}
	return any != 0;
}

MIXD_INLINE blocksum_f8 blocksum_bends(const float *x)
{
	blocksum_f8 now, before, earlier, bend;
	blocksum_i8 bits;

	__builtin_memcpy(&now, x, sizeof(now));
	__builtin_memcpy(&before, x - 1, sizeof(before));
	__builtin_memcpy(&earlier, x - 2, sizeof(earlier));
	bend = (now - before) - (before - earlier);
	bits = (blocksum_i8)bend & 0x7fffffff;
	return (blocksum_f8)bits;
}

MIXD_CLONES void blocksum_bend(const float *x, uint32_t n_frames, float *ret_sum,
			       float *ret_highest)
{
	blocksum_f8 sum = {0};
	blocksum_i8 high = {0};
	float total = 0.0f, highest = 0.0f;
	uint32_t i = 0;

	for (; i + 8 <= n_frames; i += 8) {
		blocksum_f8 bend = blocksum_bends(x + i);
		blocksum_i8 is_higher = (blocksum_i8)bend > high;

		sum += bend;
		high = ((blocksum_i8)bend & is_higher) | (high & ~is_higher);
	}
	for (uint32_t k = 0; k < 8; k++) {
		float value;

		__builtin_memcpy(&value, (const char *)&high + k * sizeof(value), sizeof(value));
		highest = value > highest ? value : highest;
		total += sum[k];
	}
	for (; i < n_frames; i++) {
		float bend = __builtin_fabsf((x[i] - x[(int32_t)i - 1]) -
					     (x[(int32_t)i - 1] - x[(int32_t)i - 2]));

		highest = bend > highest ? bend : highest;
		total += bend;
	}
	*ret_sum = total;
	*ret_highest = highest;
}

MIXD_CLONES int blocksum_flat(const float *x, uint32_t n_frames, float above, float below)
{
	int32_t any = 0;

	for (uint32_t i = 0; i < n_frames; i++) {
		const float *at = x + i;
		int32_t is_flat = (at[0] == at[-1]) & (at[-1] == at[-2]);
		int32_t is_high = (at[0] >= above) | (at[0] <= -below);

		any |= is_flat & is_high;
	}
	return any;
}
