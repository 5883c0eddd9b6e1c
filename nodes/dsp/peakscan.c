/* Source: ITU-R BS.1770-4 Annex 2 for what a true peak is; the bound is Hoelder's inequality,
 * |sum h x| <= sum |h| * max |x|. The sums of truepeak_envelope() are made of 32 products in f32:
 * their rounding is below 34 * 2^-24 * sum |h| max |x|, which the 1e-5 covers.
 *
 * Between the samples and the points half way (a grid of twice the rate) a wave cannot hide much: each
 * phase h is written as a sum of ten points of that grid near it, weights w, and a rest r, so that
 * |h x| <= sum |w| * max |grid| + sum |r| * max |x|. The weights are those with the least sum of both
 * (a linear programme, solved once for beta 7); the sums are made here from the taps as they are, so
 * the bound holds for any filter. (For waves without end, Ehlich and Zeller, Mathematische Zeitschrift
 * 86, 1964, have sqrt(2) for any grid of twice the rate.) */
#include "peakscan.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

#include "clones.h"

#include <mixd/rt.h>

#define PEAKSCAN_POINTS 10
#define PEAKSCAN_SPAN 24 /* taps to both sides of the sample */

/* Of phases 1/8, 2/8, 3/8: weights of the points at -2, -1.5 ... 2.5 frames. */
static const double peakscan_weights[3][PEAKSCAN_POINTS] = {
	{0.02307, 0, -0.05267, 0, 0.81319, 0.24449, 0, -0.02508, 0, 0.00663},
	{0.03014, 0, -0.06577, 0, 0.56599, 0.51134, 0, -0.0386, 0, 0.00983},
	{0.02141, 0, -0.04497, 0, 0.2847, 0.77289, 0, -0.03252, 0, 0.00792},
};

/* Bounds of phase EIGHTH / 8, whose taps are pair Q of the filter. */
static void peakscan_phase(struct peakscan *scan, uint32_t q, uint32_t eighth)
{
	const struct truepeak_filter *filter = &scan->filter;
	const double *weight = peakscan_weights[eighth - 1];
	double rest[2 * PEAKSCAN_SPAN] = {0}, near = 0.0, far = 0.0;

	for (int32_t k = 0; k < (int32_t)TRUEPEAK_TAPS / 2; k++) {
		double even = (double)filter->even[q][k], odd = (double)filter->odd[q][k];

		rest[PEAKSCAN_SPAN + k - 15] += even + odd;
		rest[PEAKSCAN_SPAN + 16 - k] += even - odd;
		for (int32_t p = 1; p < PEAKSCAN_POINTS; p += 2) {
			int32_t at = (p - 5) / 2; /* frames to the sample before the point */

			rest[PEAKSCAN_SPAN + at + k - 15] -= weight[p] * (double)filter->middle[k];
			rest[PEAKSCAN_SPAN + at + 16 - k] -= weight[p] * (double)filter->middle[k];
		}
	}
	for (int32_t p = 0; p < PEAKSCAN_POINTS; p++) {
		near += fabs(weight[p]);
		if (p % 2 == 0)
			rest[PEAKSCAN_SPAN + p / 2 - 2] -= weight[p];
	}
	for (uint32_t k = 0; k < 2 * PEAKSCAN_SPAN; k++)
		far += fabs(rest[k]);
	scan->near = fmaxf(scan->near, (float)(near * (1.0 + 1e-5)));
	scan->far = fmaxf(scan->far, (float)(far + 1e-5));
}

void peakscan_init(struct peakscan *scan, double rate_hz, double beta)
{
	const struct truepeak_filter *filter = &scan->filter;
	double highest = 1.0, sum = 0.0;

	truepeak_filter_init(&scan->filter, rate_hz, beta);
	for (uint32_t k = 0; k < TRUEPEAK_TAPS / 2; k++)
		sum += 2.0 * fabs((double)filter->middle[k]);
	highest = fmax(highest, sum);
	for (uint32_t q = 0; q < filter->n_pairs; q++) {
		sum = 0.0;
		for (uint32_t k = 0; k < TRUEPEAK_TAPS / 2; k++)
			sum += fabs((double)filter->even[q][k] + (double)filter->odd[q][k]) +
			       fabs((double)filter->even[q][k] - (double)filter->odd[q][k]);
		highest = fmax(highest, sum);
	}
	scan->reach = (float)(highest * (1.0 + 1e-5));
	scan->near = 1.0f;
	scan->far = 0.0f;
	for (uint32_t q = 0; q < filter->n_pairs; q++)
		peakscan_phase(scan, q, (q + 1) * 8 / filter->oversample);
}

typedef int32_t peakscan_i8 __attribute__((vector_size(32)));

/* Magnitudes as integers have the order of the values. */
MIXD_INLINE peakscan_i8 peakscan_higher(peakscan_i8 a, peakscan_i8 b)
{
	peakscan_i8 is_higher = a > b;

	return (a & is_higher) | (b & ~is_higher);
}

MIXD_INLINE peakscan_i8 peakscan_load(const float *x)
{
	peakscan_i8 low, high;

	__builtin_memcpy(&low, x, sizeof(low));
	__builtin_memcpy(&high, x + 8, sizeof(high));
	return peakscan_higher(low & 0x7fffffff, high & 0x7fffffff);
}

/* Eight pieces: each step halves what is left of two of them. */
MIXD_INLINE peakscan_i8 peakscan_eight(const float *x)
{
	peakscan_i8 one[8], two[4], four[2];

	for (uint32_t p = 0; p < 8; p++)
		one[p] = peakscan_load(x + (size_t)p * PEAKSCAN_PIECE);
	for (uint32_t p = 0; p < 4; p++)
		two[p] = peakscan_higher(__builtin_shufflevector(one[2 * p], one[2 * p + 1], 0, 8,
								 1, 9, 4, 12, 5, 13),
					 __builtin_shufflevector(one[2 * p], one[2 * p + 1], 2, 10,
								 3, 11, 6, 14, 7, 15));
	for (uint32_t p = 0; p < 2; p++)
		four[p] = peakscan_higher(__builtin_shufflevector(two[2 * p], two[2 * p + 1], 0, 1,
								  8, 9, 4, 5, 12, 13),
					  __builtin_shufflevector(two[2 * p], two[2 * p + 1], 2, 3,
								  10, 11, 6, 7, 14, 15));
	return peakscan_higher(
		__builtin_shufflevector(four[0], four[1], 0, 1, 2, 3, 8, 9, 10, 11),
		__builtin_shufflevector(four[0], four[1], 4, 5, 6, 7, 12, 13, 14, 15));
}

MIXD_CLONES void peakscan_pieces(const float *x, uint32_t n_pieces, float *piece)
{
	uint32_t p = 0;

	for (; p + 8 <= n_pieces; p += 8) {
		peakscan_i8 eight = peakscan_eight(x + (size_t)p * PEAKSCAN_PIECE);

		__builtin_memcpy(piece + p, &eight, sizeof(eight));
	}
	for (; p < n_pieces; p++) {
		int32_t highest = 0;

		for (uint32_t i = 0; i < PEAKSCAN_PIECE; i++) {
			int32_t bits;

			__builtin_memcpy(&bits, x + (size_t)p * PEAKSCAN_PIECE + i, sizeof(bits));
			bits &= 0x7fffffff;
			highest = bits > highest ? bits : highest;
		}
		__builtin_memcpy(piece + p, &highest, sizeof(highest));
	}
}

/* Not "above" but "not below": a NaN is looked at. */
MIXD_INLINE bool peakscan_is_low(const float *piece, float limit)
{
	return piece[-2] <= limit && piece[-1] <= limit && piece[0] <= limit;
}

uint32_t peakscan_next(const struct peakscan *scan, const float *piece, uint32_t first,
		       uint32_t n_pieces, float above, uint32_t *ret_first)
{
	/* What a sample must exceed; rounded down, so that none is passed over. */
	float limit = above / scan->reach * 0.999999f;
	uint32_t n = 0;

	while (first < n_pieces && peakscan_is_low(piece + first, limit))
		first++;
	*ret_first = first;
	while (n < PEAKSCAN_RUN && first + n < n_pieces &&
	       !peakscan_is_low(piece + first + n, limit))
		n++;
	return n;
}

static float peakscan_highest(const float *values, uint32_t n)
{
	float highest = 0.0f;

	for (uint32_t k = 0; k < n; k++)
		highest = values[k] > highest ? values[k] : highest;
	return highest;
}

uint32_t peakscan_refine(const struct peakscan *scan, const float *x, const float *piece,
			 uint32_t first, uint32_t n, float above)
{
	float envelope[(PEAKSCAN_RUN + 2) * PEAKSCAN_PIECE], half[PEAKSCAN_RUN + 2];
	uint32_t result = 0;

	truepeak_halves(&scan->filter, x + ((int64_t)first - 1) * PEAKSCAN_PIECE, envelope,
			(n + 2) * PEAKSCAN_PIECE);
	peakscan_pieces(envelope, n + 2, half);
	for (uint32_t k = 0; k < n; k++) {
		float near = peakscan_highest(half + k, 3);
		float far = peakscan_highest(piece + first + k - PEAKSCAN_PAST, PEAKSCAN_PAST + 2);
		/* A NaN is looked at. */
		bool is_low = scan->near * near + scan->far * far <= above * 0.999999f;

		result |= (uint32_t)!is_low << k;
	}
	return result;
}
