/* window.c - see window.h. */
#include "window.h"

#include <math.h>

#include <mixd/rt.h>

double window_bessel_i0(double x)
{
	double sum = 1.0, term = 1.0;

	for (uint32_t k = 1; k < 500 && term > sum * 1e-18; k++) {
		term *= (x / (2.0 * k)) * (x / (2.0 * k));
		sum += term;
	}
	return sum;
}

static double window_cosines(double turn, const double *term, uint32_t n_terms)
{
	double sum = 0;

	for (uint32_t k = 0; k < n_terms; k++)
		sum += term[k] * cos(2 * M_PI * k * turn);
	return sum;
}

double window_value(enum window_kind kind, double beta, uint32_t i, uint32_t n)
{
	static const double hann[] = {0.5, -0.5};
	static const double blackman_harris[] = {0.35875, -0.48829, 0.14128, -0.01168};
	static const double flat_top[] = {1, -1.942604, 1.340318, -0.440811, 0.043097};
	double turn = (double)i / n, u = 2 * turn - 1;

	switch (kind) {
	case WINDOW_SINE:
		return sin(M_PI * turn);
	case WINDOW_HANN:
		return window_cosines(turn, hann, 2);
	case WINDOW_BLACKMAN_HARRIS:
		return window_cosines(turn, blackman_harris, 4);
	case WINDOW_FLAT_TOP:
		return window_cosines(turn, flat_top, 5);
	case WINDOW_KAISER:
		return window_bessel_i0(beta * sqrt(fmax(0, 1 - u * u))) / window_bessel_i0(beta);
	}
	return 1;
}

void window_make(enum window_kind kind, double beta, uint32_t n, float *ret)
{
	for (uint32_t i = 0; i < n; i++)
		ret[i] = (float)window_value(kind, beta, i, n);
}

double window_mean(const float *window, uint32_t n)
{
	double sum = 0;

	for (uint32_t i = 0; i < n; i++)
		sum += (double)window[i];
	return sum / n;
}

double window_noise_bins(const float *window, uint32_t n)
{
	double mean = window_mean(window, n), square = 0;

	for (uint32_t i = 0; i < n; i++)
		square += (double)window[i] * (double)window[i];
	return square / n / (mean * mean);
}
