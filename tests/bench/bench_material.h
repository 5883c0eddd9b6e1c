/* bench_material.h - what every benchmark is fed: decaying noise bursts at -1 dBFS peak, 10 % digital silence, stereo,
 * 48 kHz, four seconds in a loop; and the clock all of them read. */
#pragma once

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#define BENCH_RATE 48000u
#define BENCH_LOOP_FRAMES (BENCH_RATE * 4u)
#define BENCH_BLOCK_MAX 8192u
#define BENCH_REPEATS 9

static float bench_left[BENCH_LOOP_FRAMES + BENCH_BLOCK_MAX];
static float bench_right[BENCH_LOOP_FRAMES + BENCH_BLOCK_MAX];

static inline void bench_make_material(void)
{
	uint32_t s = 1;

	for (uint32_t i = 0; i < BENCH_LOOP_FRAMES + BENCH_BLOCK_MAX; i++) {
		uint32_t k = i % BENCH_LOOP_FRAMES % 12000;
		double envelope = k < 10800 ? 0.89 * exp(-(double)k / 4000.0) : 0.0;

		s = s * 1664525u + 1013904223u;
		bench_left[i] = (float)((int32_t)s / 2147483648.0 * envelope);
		s = s * 1664525u + 1013904223u;
		bench_right[i] = (float)((int32_t)s / 2147483648.0 * envelope);
	}
}

/* Processor time of this thread. */
static inline double bench_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static inline int bench_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static inline double bench_median(double *values, unsigned n)
{
	qsort(values, n, sizeof(values[0]), bench_compare);
	return values[n / 2];
}
