/* firdesign.c - see firdesign.h. */
#include "firdesign.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "window.h"

#include <mixd/rt.h>

/* 1 up to FLAT, then the side of a Kaiser window down to its end at 1. */
static double firdesign_window(double at, double flat)
{
	double t = (at - flat) / (1.0 - flat);

	if (t <= 0.0)
		return 1.0;
	if (t >= 1.0)
		return 0.0;
	return window_bessel_i0(8.0 * sqrt(1.0 - t * t)) / window_bessel_i0(8.0);
}

/* How many taps at one end, together, are nothing beside the whole. */
static uint32_t firdesign_quiet(const float *taps, uint32_t n, bool from_end)
{
	double total = 0.0, sum = 0.0;
	uint32_t i = 0;

	for (uint32_t k = 0; k < n; k++)
		total += (double)taps[k] * taps[k];
	for (; i < n; i++) {
		double tap = taps[from_end ? n - 1 - i : i];

		sum += tap * tap;
		if (sum > FIRDESIGN_NOTHING * total)
			break;
	}
	return i;
}

void firdesign_linear(struct firdesign *design, const float *amplitude, float *taps)
{
	const uint32_t half = design->n_taps / 2, mask = design->n_fft - 1;

	memset(design->im, 0, design->n_bins * sizeof(float));
	fft_real_inverse(&design->plan, amplitude, design->im, design->time, design->scratch);
	taps[0] = 0.0f;
	for (uint32_t i = 0; i < half; i++) {
		double gain = firdesign_window((double)i / half, 0.5) * design->plan.scale;

		/* The two sides are one number: symmetric to the bit. */
		taps[half + i] = (float)(gain * 0.5 *
					 ((double)design->time[i] +
					  design->time[(design->n_fft - i) & mask]));
		taps[half - i] = taps[half + i];
	}

	uint32_t quiet = firdesign_quiet(taps, design->n_taps, false);

	memset(taps, 0, quiet * sizeof(float));
	if (quiet > 1) /* taps[0] has no partner */
		memset(taps + design->n_taps - quiet + 1, 0, (quiet - 1) * sizeof(float));
}

void firdesign_minimum(struct firdesign *design, const float *magnitude, float *re, float *im)
{
	const uint32_t middle = design->n_fft / 2;

	for (uint32_t k = 0; k < design->n_bins; k++) {
		design->re[k] = (float)log(fmax((double)magnitude[k], FIRDESIGN_FLOOR));
		design->im[k] = 0.0f;
	}
	fft_real_inverse(&design->plan, design->re, design->im, design->time, design->scratch);
	design->time[0] *= design->plan.scale;
	design->time[middle] *= design->plan.scale;
	for (uint32_t i = 1; i < middle; i++)
		design->time[i] *= 2.0f * design->plan.scale;
	memset(design->time + middle + 1, 0, (middle - 1) * sizeof(float));
	fft_real_forward(&design->plan, design->time, design->re, design->im, design->scratch);
	for (uint32_t k = 0; k < design->n_bins; k++) {
		/* The magnitude is known better than its way there and back. */
		double size = fmax((double)magnitude[k], FIRDESIGN_FLOOR), angle = design->im[k];

		re[k] = (float)(size * cos(angle));
		im[k] = (float)(size * sin(angle));
	}
}

void firdesign_causal(struct firdesign *design, const float *re, const float *im, float *taps)
{
	fft_real_inverse(&design->plan, re, im, design->time, design->scratch);
	for (uint32_t i = 0; i < design->n_taps; i++)
		taps[i] = (float)((double)design->time[i] * design->plan.scale *
				  firdesign_window((double)i / design->n_taps, 0.75));

	uint32_t quiet = firdesign_quiet(taps, design->n_taps, true);

	memset(taps + design->n_taps - quiet, 0, quiet * sizeof(float));
}

void firdesign_response_db(const float *taps, uint32_t n_taps, double rate_hz,
			   const double *freq_hz, uint32_t n, double *ret_db)
{
	for (uint32_t i = 0; i < n; i++) {
		double w = 2.0 * M_PI * freq_hz[i] / rate_hz, re = 0.0, im = 0.0;
		double turn_re = cos(w), turn_im = sin(w), at_re = 1.0, at_im = 0.0;

		for (uint32_t k = 0; k < n_taps; k++) {
			double next = at_re * turn_re - at_im * turn_im;

			re += taps[k] * at_re;
			im += taps[k] * at_im;
			at_im = at_re * turn_im + at_im * turn_re;
			at_re = next;
		}
		ret_db[i] = 10.0 * log10(fmax(re * re + im * im, 1e-30));
	}
}
