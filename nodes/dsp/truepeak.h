/* truepeak.h - the peak of the wave between the samples.
 *
 * WHAT        A polyphase interpolator of 32 taps per phase (a Kaiser-windowed sinc): 8 phases up
 *             to 64 kHz, 4 above: even at 192 kHz two would read a burst at a quarter of the rate
 *             0.5 dB low (EBU Tech 3341, cases 21 and 23).
 *             truepeak_envelope() gives, for every frame, the highest magnitude of the samples and
 *             the points between them. Meters and the limiter's detector share it; beta 4..7 suits
 *             a meter (flat), beta 3 a limiter (sees more of the band above 20 kHz).
 * THREADS     [any]; there is no state beside the caller's buffer.
 * INVARIANTS  T1 the fast kernels equal truepeak_envelope_plain() to the bit, on every CPU.
 *             T2 the result never reads below the sample peak.
 * NOT HERE    dB and maxima over time: nodes/loudness. */
#pragma once

#include <stdint.h>

#define TRUEPEAK_TAPS 32u
#define TRUEPEAK_DELAY 16u /* frames: envelope[n] lies between x[n - 16] and x[n - 15] */
#define TRUEPEAK_PAST 31u /* frames before x[0] that are read */
#define TRUEPEAK_GRAIN 16u /* whole vectors are read and written: round buffers up to this */

struct truepeak_filter {
	uint32_t oversample; /* 8 or 4 */
	uint32_t n_pairs; /* pairs of mirrored phases beside the middle one: 3 or 1 */
	uint32_t kernel; /* which clone this CPU takes */
	float even[3][TRUEPEAK_TAPS / 2]; /* (phase + mirror) / 2 */
	float odd[3][TRUEPEAK_TAPS / 2]; /* (phase - mirror) / 2 */
	float middle[TRUEPEAK_TAPS / 2];
};

/* [main] */
void truepeak_filter_init(struct truepeak_filter *filter, double rate_hz, double beta);

/* envelope[k] = highest |value| on the grid of [x[k - 16], x[k - 15]), for k below N_FRAMES.
 * X has TRUEPEAK_PAST frames before it; X and ENVELOPE reach to N_FRAMES rounded up to
 * TRUEPEAK_GRAIN. [rt] */
void truepeak_envelope(const struct truepeak_filter *filter, const float *x, float *envelope,
		       uint32_t n_frames);
void truepeak_envelope_plain(const struct truepeak_filter *filter, const float *x, float *envelope,
			     uint32_t n_frames);

/* The same of the samples and the points half way between them alone. [rt] */
void truepeak_halves(const struct truepeak_filter *filter, const float *x, float *envelope,
		     uint32_t n_frames);

/* The highest of N_FRAMES values that are not negative. [rt] */
float truepeak_highest(const float *envelope, uint32_t n_frames);
