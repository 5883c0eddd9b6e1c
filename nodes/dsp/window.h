/* window.h - windows for frames of a transform.
 *
 * SOURCE      Harris, "On the use of windows", Proc. IEEE 66(1), 1978 (Hann, Blackman-Harris of 4
 *             terms, -92 dB); Heinzel, Ruediger, Schilling, "Spectrum and spectral density
 *             estimation by the DFT", 2002, D.3 (HFT90D: -90.2 dB, flat to 0.004 dB); Kaiser 1974.
 * WHAT        Periodic windows (w[n] would be w[0]), not normalised: their mean is what a sine loses.
 * THREADS     [any]; making one takes long, so it is done on main. */
#pragma once

#include <stdint.h>

enum window_kind {
	WINDOW_SINE, /* the root of Hann: for analysis and synthesis */
	WINDOW_HANN,
	WINDOW_BLACKMAN_HARRIS, /* wide dynamic range */
	WINDOW_FLAT_TOP, /* true levels */
	WINDOW_KAISER, /* whose BETA says */
};

double window_value(enum window_kind kind, double beta, uint32_t i, uint32_t n);
void window_make(enum window_kind kind, double beta, uint32_t n, float *ret);
/* Mean of N values: the amplitude a sine is read with. */
double window_mean(const float *window, uint32_t n);
/* Equivalent noise bandwidth in bins: n sum(w^2) / sum(w)^2. */
double window_noise_bins(const float *window, uint32_t n);
/* The modified Bessel function of order 0. */
double window_bessel_i0(double x);
