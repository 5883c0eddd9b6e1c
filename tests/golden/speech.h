/* speech.h - synthetic speech for the tests of repair: pulses through moving formants, fricatives,
 * plosives, pauses; and a chord.
 *
 * WHAT        Made in code, reproducible from its seed and independent of test_random(). Level: about
 *             -20 dBFS rms in words. Pauses are digital silence, so that tests add what noise they
 *             want.
 * SOURCE      Source and filter: Fant, Acoustic Theory of Speech Production, 1960; cascade of
 *             resonators: Klatt, JASA 67(3), 1980; glottal pulse: Rosenberg, JASA 49(2), 1971.
 *             Formants: Peterson, Barney, JASA 24(2), 1952. */
#pragma once

#include <math.h>
#include <stdint.h>
#include <string.h>

struct speech {
	double rate;
	uint64_t random;
	double pitch_phase, pitch_hz;
	double y1[4], y2[4]; /* resonators */
	double hiss1, hiss2;
};

static inline double speech_random(struct speech *speech)
{
	speech->random ^= speech->random >> 12;
	speech->random ^= speech->random << 25;
	speech->random ^= speech->random >> 27;
	return (double)((speech->random * UINT64_C(0x2545F4914F6CDD1D)) >> 11) * 0x1p-53;
}

/* The derivative of Rosenberg's pulse: opens over 40 % of the period, closes over 16 %. */
static inline double speech_glottis(double phase)
{
	if (phase < 0.4)
		return 0.16 / 0.4 * sin(M_PI * phase / 0.4);
	if (phase < 0.56)
		return -sin(M_PI / 2 * (phase - 0.4) / 0.16);
	return -exp(-(phase - 0.56) / 0.01);
}

static inline double speech_resonate(struct speech *speech, int k, double x, double hz,
				     double width_hz)
{
	double radius = exp(-M_PI * width_hz / speech->rate);
	double b = 2 * radius * cos(2 * M_PI * hz / speech->rate), c = -radius * radius;
	double y = (1 - b - c) * x + b * speech->y1[k] + c * speech->y2[k];

	speech->y2[k] = speech->y1[k];
	speech->y1[k] = y;
	return y;
}

/* One voiced sample with formants between FROM and TO at AT (0..1). */
static inline double speech_voice(struct speech *speech, const double *from, const double *to,
				  double at, double pitch_hz)
{
	static const double width_hz[] = {70, 90, 130, 200};
	double jitter = 1 + 0.01 * (speech_random(speech) - 0.5);
	double y;

	speech->pitch_phase += pitch_hz * jitter / speech->rate;
	speech->pitch_phase -= floor(speech->pitch_phase);
	y = speech_glottis(speech->pitch_phase) + 0.03 * (speech_random(speech) - 0.5);
	for (int k = 0; k < 4; k++)
		y = speech_resonate(speech, k, y, from[k] + (to[k] - from[k]) * at, width_hz[k]);
	return y;
}

static inline double speech_hiss(struct speech *speech)
{
	double white = speech_random(speech) - 0.5;
	double y = white - 1.2 * speech->hiss1 + 0.3 * speech->hiss2;

	speech->hiss2 = speech->hiss1;
	speech->hiss1 = white;
	return 0.3 * y;
}

/* N samples at RATE; SEED chooses voice and words. Pitch of the odd seeds is a man's, of the even a
 * woman's. */
static inline void speech_make(float *x, uint32_t n, double rate, uint64_t seed)
{
	static const double vowels[8][4] = {
		{730, 1090, 2440, 3400}, {270, 2290, 3010, 3600}, {300, 870, 2240, 3300},
		{530, 1840, 2480, 3500}, {570, 840, 2410, 3300},  {660, 1720, 2410, 3500},
		{490, 1350, 1690, 3300}, {640, 1190, 2390, 3400},
	};
	struct speech speech = {.rate = rate, .random = seed * UINT64_C(0x9E3779B97F4A7C15) | 1};
	double base_hz = seed % 2 ? 110 : 195;
	uint32_t i = 0;
	double energy = 0;
	uint64_t count = 0;

	memset(x, 0, n * sizeof(*x));
	while (i < n) {
		uint32_t syllables = 2 + (uint32_t)(speech_random(&speech) * 8);
		uint32_t pause = (uint32_t)(rate * (0.25 + 0.7 * speech_random(&speech)));

		for (uint32_t s = 0; s < syllables; s++) {
			uint32_t vowel = (uint32_t)(rate * (0.10 + 0.14 * speech_random(&speech)));
			uint32_t hiss =
				speech_random(&speech) < 0.4
					? (uint32_t)(rate * (0.04 + 0.08 * speech_random(&speech)))
					: 0;
			const double *from = vowels[(int)(speech_random(&speech) * 8)];
			const double *to = vowels[(int)(speech_random(&speech) * 8)];
			double loud = 0.5 + 0.5 * speech_random(&speech);
			double fall = 1.15 - 0.3 * s / syllables;

			for (uint32_t k = 0; k < hiss && i < n; k++, i++)
				x[i] += (float)(loud * speech_hiss(&speech) * sin(M_PI * k / hiss));
			for (uint32_t k = 0; k < vowel && i < n; k++, i++) {
				double t = (double)k / vowel;
				double shape = fmin(1, fmin(t, 1 - t) * 6);

				x[i] += (float)(loud * shape *
						speech_voice(&speech, from, to, t,
							     base_hz * fall *
								     (1 + 0.1 * sin(3 * t))));
			}
		}
		i += pause;
	}
	for (i = 0; i < n; i++)
		if (x[i] != 0) {
			energy += (double)x[i] * (double)x[i];
			count++;
		}
	/* Breath: a floor 44 dB below, as far as there is a voice. */
	for (i = 0; i < n && count > 0; i++)
		if (x[i] != 0)
			x[i] = (float)(0.1 / sqrt(energy / (double)count) * (double)x[i] +
				       0.002 * (speech_random(&speech) - 0.5));
}

/* Four notes of eight partials each, held, with noise 90 dB below. */
static inline void speech_chord(float *x, uint32_t n, double rate)
{
	struct speech noise = {.random = 88172645463325252};
	static const double notes_hz[] = {220, 277.18, 329.63, 440};

	for (uint32_t i = 0; i < n; i++) {
		double y = 0;

		for (int k = 0; k < 4; k++)
			for (int h = 1; h <= 8; h++)
				y += sin(2 * M_PI * notes_hz[k] * h * i / rate + k * h) / (h * h);
		x[i] = (float)(0.1 * fmin(1, i * 10 / rate) * y +
			       1e-5 * (speech_random(&noise) - 0.5));
	}
}
