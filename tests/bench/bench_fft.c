/* bench_fft.c - our transforms beside FFTW's, run alternately: ns per transform and ratios.
 *
 * usage: bench_fft [ROUNDS [KERNEL]]      KERNEL: 4, 8 or 16 floats, as on a smaller machine
 *
 * Real transforms of f32, one at a time and eight in a batch; ours leaves split spectra, FFTW its
 * own order, both their best case. "ratio" is the median over rounds of ours / FFTW (MEASURE). The
 * goal of dsp.md 2.8 is 1.1. */
#include "fft.h"

#include <fftw3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS_MAX 101

enum { OURS, MEASURED, ESTIMATED, N_WHO };

struct bench {
	uint32_t n, batch;
	struct fft_plan plan;
	fftwf_plan fftw[N_WHO][2]; /* forward, inverse */
	float *x, *re, *im, *scratch;
	fftwf_complex *spectrum;
};

static double bench_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static void bench_once(const struct bench *b, int who, int inverse)
{
	if (who != OURS) {
		fftwf_execute(b->fftw[who][inverse]);
		return;
	}
	if (b->batch == 1 && inverse)
		fft_real_inverse(&b->plan, b->re, b->im, b->x, b->scratch);
	else if (b->batch == 1)
		fft_real_forward(&b->plan, b->x, b->re, b->im, b->scratch);
	else if (inverse)
		fft_lanes_real_inverse(&b->plan, b->re, b->im, b->x, b->scratch);
	else
		fft_lanes_real_forward(&b->plan, b->x, b->re, b->im, b->scratch);
}

static double bench_time(const struct bench *b, int who, int inverse, uint32_t times)
{
	double begin = bench_now();

	for (uint32_t i = 0; i < times; i++)
		bench_once(b, who, inverse);
	return (bench_now() - begin) / times / b->batch;
}

static int bench_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double bench_median(double *values, int n)
{
	qsort(values, (size_t)n, sizeof(*values), bench_compare);
	return values[n / 2];
}

static void bench_open(struct bench *b)
{
	int n = (int)b->n, batch = (int)b->batch, bins = n / 2 + 1;
	size_t floats = (size_t)(n + 2) * b->batch;

	fft_plan_init(&b->plan, FFT_REAL, b->n);
	b->x = fftwf_alloc_real(floats);
	b->re = fftwf_alloc_real(floats);
	b->im = fftwf_alloc_real(floats);
	b->scratch = fftwf_alloc_real(fft_scratch_floats(&b->plan) * b->batch);
	b->spectrum = fftwf_alloc_complex(floats);
	for (int who = MEASURED; who < N_WHO; who++) {
		unsigned flags = who == MEASURED ? FFTW_MEASURE : FFTW_ESTIMATE;

		b->fftw[who][0] = fftwf_plan_many_dft_r2c(1, &n, batch, b->x, NULL, 1, n,
							  b->spectrum, NULL, 1, bins, flags);
		b->fftw[who][1] = fftwf_plan_many_dft_c2r(1, &n, batch, b->spectrum, NULL, 1, bins,
							  b->x, NULL, 1, n, flags);
	}
	/* Zeros stay zeros, however often they are transformed in place of each other. */
	memset(b->x, 0, floats * sizeof(float));
	memset(b->re, 0, floats * sizeof(float));
	memset(b->im, 0, floats * sizeof(float));
	memset(b->spectrum, 0, floats * sizeof(fftwf_complex));
}

static void bench_close(struct bench *b)
{
	fft_plan_done(&b->plan);
	for (int who = MEASURED; who < N_WHO; who++)
		for (int i = 0; i < 2; i++)
			fftwf_destroy_plan(b->fftw[who][i]);
	fftwf_free(b->x);
	fftwf_free(b->re);
	fftwf_free(b->im);
	fftwf_free(b->scratch);
	fftwf_free(b->spectrum);
}

static void bench_size(uint32_t n, uint32_t batch, int rounds, uint32_t kernel)
{
	struct bench b = {.n = n, .batch = batch};
	uint32_t times = 1 + (1u << 20) / (n * batch * 4);

	bench_open(&b);
	if (kernel && kernel < b.plan.kernel)
		b.plan.kernel = kernel;
	for (int inverse = 0; inverse < 2; inverse++) {
		double ns[N_WHO][ROUNDS_MAX], ratio[ROUNDS_MAX];

		for (int r = -1; r < rounds; r++)
			for (int who = 0; who < N_WHO; who++) {
				double value = bench_time(&b, who, inverse, times);

				if (r >= 0)
					ns[who][r] = value;
			}
		for (int r = 0; r < rounds; r++)
			ratio[r] = ns[OURS][r] / ns[MEASURED][r];
		printf("%6u  %-7s x%u %10.0f %10.0f %10.0f %8.2f%s\n", n,
		       inverse ? "inverse" : "forward", batch, bench_median(ns[OURS], rounds),
		       bench_median(ns[MEASURED], rounds), bench_median(ns[ESTIMATED], rounds),
		       bench_median(ratio, rounds),
		       bench_median(ratio, rounds) > 1.1 ? "  MISS" : "");
		fflush(stdout);
	}
	bench_close(&b);
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 15;
	uint32_t kernel = argc > 2 ? (uint32_t)atoi(argv[2]) : 0;

	if (rounds < 1 || rounds > ROUNDS_MAX)
		rounds = 15;
	printf("     n                     ours    MEASURE   ESTIMATE    ratio\n");
	for (uint32_t batch = 1; batch <= FFT_LANES; batch *= FFT_LANES)
		for (uint32_t n = 64; n <= (batch == 1 ? 65536 : 16384); n *= 2)
			bench_size(n, batch, rounds, kernel);
	return 0;
}
