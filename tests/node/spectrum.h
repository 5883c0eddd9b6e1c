/* spectrum.h - amplitudes at single frequencies, by windowed DFT in f64: slow and sure.
 *
 * SOURCE      4-term Blackman-Harris window (Harris, Proc. IEEE 66(1), 1978): side lobes -92 dB,
 *             main lobe of 8 bins; 7-term of Albrecht (ICASSP 2001): -180 dB, 14 bins. */
#pragma once

#include <math.h>
#include <stdint.h>

static const double spectrum_harris[] = {0.35875, 0.48829, 0.14128, 0.01168};
static const double spectrum_albrecht[] = {
	2.712203605850388e-1, 4.334446123274422e-1, 2.180041228929303e-1, 6.578534329560609e-2,
	1.076186730534183e-2, 7.700127105808265e-4, 1.368088305992921e-5};

/* Amplitude of the sine at HZ in X (1.0 = full scale), window of N_TERMS cosine terms. */
static inline double spectrum_amplitude(const float *x, uint32_t n, double rate, double hz,
					const double *terms, uint32_t n_terms)
{
	double re = 0, im = 0;

	for (uint32_t i = 0; i < n; i++) {
		double w = 0, phase = 2 * M_PI * hz / rate * i;

		for (uint32_t k = 0; k < n_terms; k++)
			w += (k % 2 ? -1 : 1) * terms[k] * cos(2 * M_PI * k * i / n);
		re += w * (double)x[i] * cos(phase);
		im += w * (double)x[i] * sin(phase);
	}
	return 2 * sqrt(re * re + im * im) / (n * terms[0]);
}

static inline double spectrum_db(double amplitude)
{
	return 20 * log10(amplitude + 1e-300);
}
