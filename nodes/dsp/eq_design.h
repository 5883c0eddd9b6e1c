/* eq_design.h - equalizer bands to second-order sections whose magnitude follows the analogue one.
 *
 * WHAT        One band (type, frequency, gain, Q, slope) becomes 1..8 sections. Poles by impulse
 *             invariance, zeros so that the magnitude agrees with the analogue prototype at DC, at
 *             the band's frequency and near the Nyquist frequency: no cramping.
 * THREADS     [any] pure. About 0.1 us per section.
 * NOT HERE    running them: eq_bank.h. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "svf.h"

#define EQ_BAND_SECTIONS 8u /* 96 dB/oct */

enum eq_type {
	EQ_TYPE_BELL,
	EQ_TYPE_LOWSHELF,
	EQ_TYPE_HIGHSHELF,
	EQ_TYPE_LOWPASS,
	EQ_TYPE_HIGHPASS,
	EQ_TYPE_BANDPASS,
	EQ_TYPE_NOTCH,
	EQ_TYPE_ALLPASS,
	EQ_TYPE_TILT,
};

enum eq_slope { /* dB per octave, of lowpass and highpass */
		EQ_SLOPE_6,
		EQ_SLOPE_12,
		EQ_SLOPE_18,
		EQ_SLOPE_24,
		EQ_SLOPE_36,
		EQ_SLOPE_48,
		EQ_SLOPE_72,
		EQ_SLOPE_96,
		EQ_SLOPE_COUNT_
};

struct eq_band {
	enum eq_type type;
	enum eq_slope slope;
	double freq_hz; /* held within rate * 0.00001 .. 0.49 */
	double gain_db;
	double q; /* a shelf uses 0.68 .. 1 of it */
};

/* True when the band leaves every signal as it is. */
bool eq_band_is_identity(const struct eq_band *band);
/* Returns the number of sections, 1..EQ_BAND_SECTIONS. */
uint32_t eq_design(const struct eq_band *band, double rate_hz,
		   struct svf_section ret[EQ_BAND_SECTIONS]);
