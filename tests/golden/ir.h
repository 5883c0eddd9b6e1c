/* ir.h - what an impulse response says about a room, in f64: slow and sure.
 *
 * SOURCE      Schroeder, New method of measuring reverberation time, JASA 37, 1965 (backward
 *             integration); ISO 3382-1:2009, annex C (T30: a line through -5 to -35 dB); octave bands
 *             as two cascaded second-order band-passes; Abel, Huang, A simple, robust measure of
 *             reverberation echo density, AES 121, 2006. */
#pragma once

#include <complex.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* In place, radix 2; N a power of two. */
static inline void ir_fft(double complex *x, uint32_t n)
{
	for (uint32_t i = 1, j = 0; i < n; i++) {
		uint32_t bit = n >> 1;

		for (; j & bit; bit >>= 1)
			j ^= bit;
		j ^= bit;
		if (i < j) {
			double complex swap = x[i];

			x[i] = x[j];
			x[j] = swap;
		}
	}
	for (uint32_t size = 2; size <= n; size *= 2)
		for (uint32_t k = 0; k < size / 2; k++) {
			double complex w = cexp(-2 * M_PI * I * k / size);

			for (uint32_t i = k; i < n; i += size) {
				double complex odd = w * x[i + size / 2];

				x[i + size / 2] = x[i] - odd;
				x[i] += odd;
			}
		}
}

/* The octave around HZ of X. */
static inline void ir_octave(const float *x, uint32_t n, double rate, double hz, double *ret)
{
	double w = 2 * M_PI * hz / rate, alpha = sin(w) / (2 * M_SQRT2), norm = 1 / (1 + alpha);
	double b0 = alpha * norm, a1 = -2 * cos(w) * norm, a2 = (1 - alpha) * norm;
	double s[2][2] = {{0, 0}, {0, 0}};

	for (uint32_t i = 0; i < n; i++) {
		double in = (double)x[i];

		for (uint32_t k = 0; k < 2; k++) {
			double out = b0 * in + s[k][0];

			s[k][0] = s[k][1] - a1 * out;
			s[k][1] = -b0 * in - a2 * out;
			in = out;
		}
		ret[i] = in;
	}
}

/* T30 in seconds, from the steepness between -5 and -35 dB of what is still to come. */
static inline double ir_t30(const double *x, uint32_t n, double rate)
{
	double *left = malloc(n * sizeof(*left)), sum = 0;
	double t_sum = 0, d_sum = 0, tt_sum = 0, td_sum = 0, count = 0;

	for (uint32_t i = n; i-- > 0;) {
		sum += x[i] * x[i];
		left[i] = sum;
	}
	for (uint32_t i = 0; i < n; i++) {
		double db = 10 * log10(left[i] / left[0] + 1e-300), t = i / rate;

		if (db > -5 || db < -35)
			continue;
		t_sum += t;
		d_sum += db;
		tt_sum += t * t;
		td_sum += t * db;
		count++;
	}
	free(left);
	return -60 / ((count * td_sum - t_sum * d_sum) / (count * tt_sum - t_sum * t_sum));
}

/* Echo density around frame AT: 1 is Gaussian noise. */
static inline double ir_density(const float *x, uint32_t at, uint32_t half)
{
	double power = 0, outside = 0;

	for (uint32_t i = at - half; i < at + half; i++)
		power += (double)x[i] * (double)x[i] / (2.0 * half);
	for (uint32_t i = at - half; i < at + half; i++)
		outside += fabs((double)x[i]) > sqrt(power);
	return outside / (2.0 * half) / erfc(M_SQRT1_2);
}
