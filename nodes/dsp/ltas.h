/* ltas.h - long-term average spectrum: what colour a recording has.
 *
 * WHAT        Frames of about 170 ms with a Hann window, half overlapping (Welch), all channels added
 *             by power. A frame counts by its loudness, as in BS.1770: nothing below -70 LUFS, and
 *             nothing more than 10 LU below the mean of the rest; so pauses do not colour the
 *             result. The spectrum is kept in bands of a twelfth of an octave from 20 Hz on, as
 *             power per hertz; frames of like loudness share a row, so that the second gate can be
 *             set when all is known.
 * SOURCE      Welch, IEEE Trans. AU-15, 1967; ITU-R BS.1770-4 annex 1 for the gates, its K curve
 *             applied to the spectrum; Ma, Reiss, Black, Implementation of an intelligent
 *             equalization tool using Yule-Walker, AES 134, 2013 (averages as targets).
 * THREADS     _init, _done [main]; the rest one at a time, [main] or [worker]. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "fft.h"

#define LTAS_PER_OCTAVE 12u
#define LTAS_BANDS 121u /* 20 Hz .. 20480 Hz */
#define LTAS_FIRST_HZ 20.0
#define LTAS_ROWS 90u /* 1 LU each, from -70 LUFS */

struct ltas {
	/* --- immutable after init --- */
	double rate;
	uint32_t n_frames; /* of a frame; the next one begins half of it later */
	struct fft_plan plan;
	float *window;
	double *weight; /* K curve and scale, per bin */
	double power_scale;
	/* --- of who analyses --- */
	float *time, *re, *im, *scratch;
	double *power; /* per bin, of this frame */
	double row[LTAS_ROWS][LTAS_BANDS], loudness[LTAS_ROWS];
	uint32_t count[LTAS_ROWS];
	void *memory;
};

double ltas_band_hz(uint32_t band); /* [any] */
/* -ENOMEM. [main] */
int ltas_init(struct ltas *ltas, double rate_hz);
void ltas_done(struct ltas *ltas); /* zeroed and done twice is fine [main] */
/* How long a frame is at RATE_HZ. [any] */
uint32_t ltas_frame_frames(double rate_hz);
void ltas_reset(struct ltas *ltas);
/* One frame: CHANNEL[c] has ltas->n_frames samples. */
void ltas_frame(struct ltas *ltas, const float *const *channel, uint32_t n_channels);
/* The spectrum in dB, and how many seconds have counted; 0.0 and *RET untouched when none has. */
double ltas_result(const struct ltas *ltas, double ret_db[LTAS_BANDS]);
/* K-weighted level of a spectrum in dB: equal for equally loud ones. [any] */
double ltas_loudness_db(const double db[LTAS_BANDS], double rate_hz);
/* Average over OCTAVES (Hann-shaped, by power). DB and RET may be equal. [any] */
void ltas_smooth(const double db[LTAS_BANDS], double octaves, double ret[LTAS_BANDS]);
/* A spectrum as a config keeps it: LTAS_TEXT_MAX bytes are enough. [any] */
#define LTAS_TEXT_MAX 4096u
void ltas_to_text(const double db[LTAS_BANDS], char *ret, size_t size);
/* False: TEXT is no spectrum. [any] */
bool ltas_from_text(const char *text, double ret[LTAS_BANDS]);
