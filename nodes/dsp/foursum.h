/* foursum.h - sums along time in four running parts, the same bits for any cut of time.
 *
 * WHAT        Frame i (from some origin) goes to part i mod 4, so that four at a time fit a vector and a
 *             sum that is cut into pieces adds the same numbers in the same order. PHASE is the frame
 *             of x[0].
 * THREADS     [any] */
#pragma once

#include <string.h>

#include "lanes.h"

typedef double foursum_f64x4 __attribute__((vector_size(32), aligned(8), may_alias));

MIXD_INLINE double foursum_total(const double part[4])
{
	return (part[0] + part[1]) + (part[2] + part[3]);
}

MIXD_INLINE foursum_f64x4 foursum_load(const float *x)
{
	return __builtin_convertvector(*(const lanes_f32x4u *)x, foursum_f64x4);
}

/* PART += A * B. */
MIXD_INLINE void foursum_product(const float *a, const float *b, uint32_t n, uint32_t phase,
				 double part[4])
{
	foursum_f64x4 sum;
	uint32_t i = 0;

	for (; i < n && (phase + i) % 4 != 0; i++)
		part[(phase + i) % 4] += (double)a[i] * (double)b[i];
	memcpy(&sum, part, sizeof(sum));
	for (; i + 4 <= n; i += 4)
		sum += foursum_load(a + i) * foursum_load(b + i);
	memcpy(part, &sum, sizeof(sum));
	for (; i < n; i++)
		part[(phase + i) % 4] += (double)a[i] * (double)b[i];
}

/* SQUARE += X * X, SUM += X. */
MIXD_INLINE void foursum_moments(const float *x, uint32_t n, uint32_t phase, double square[4],
				 double sum[4])
{
	foursum_f64x4 squares, sums;
	uint32_t i = 0;

	for (; i < n && (phase + i) % 4 != 0; i++) {
		square[(phase + i) % 4] += (double)x[i] * (double)x[i];
		sum[(phase + i) % 4] += (double)x[i];
	}
	memcpy(&squares, square, sizeof(squares));
	memcpy(&sums, sum, sizeof(sums));
	for (; i + 4 <= n; i += 4) {
		foursum_f64x4 v = foursum_load(x + i);

		squares += v * v;
		sums += v;
	}
	memcpy(square, &squares, sizeof(squares));
	memcpy(sum, &sums, sizeof(sums));
	for (; i < n; i++) {
		square[(phase + i) % 4] += (double)x[i] * (double)x[i];
		sum[(phase + i) % 4] += (double)x[i];
	}
}
