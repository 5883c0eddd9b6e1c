/* programme.h - what the tests of loudness play: speech-like bursts, music-like notes, noise.
 *
 * WHAT        Made in code from test_random(), mono, at 48 kHz, scaled to a loudness by libebur128. */
#pragma once

#include <ebur128.h>

#include "test.h"

#define RATE 48000u
#define TICK 480u /* 10 ms */

struct programme {
	float *x; /* mono, sent to both channels */
	uint32_t n;
};

static inline void programme_make(struct programme *programme, double seconds)
{
	programme->n = (uint32_t)(seconds * RATE) / TICK * TICK;
	programme->x = calloc(programme->n, sizeof(float));
	CHECK(programme->x);
}

static inline double lufs(const float *x, uint32_t n)
{
	ebur128_state *state = ebur128_init(1, RATE, EBUR128_MODE_I);
	double i = 0.0;

	ebur128_set_channel(state, 0, EBUR128_DUAL_MONO);
	ebur128_add_frames_float(state, x, n);
	ebur128_loudness_global(state, &i);
	ebur128_destroy(&state);
	return i;
}

static inline void scale_to(float *x, uint32_t n, double target_lufs)
{
	float gain = (float)pow(10.0, (target_lufs - lufs(x, n)) / 20.0);

	for (uint32_t i = 0; i < n; i++)
		x[i] *= gain;
}

/* Syllables of harmonics and hiss, words, and a pause each few seconds with room noise. */
static inline void make_speech(float *x, uint32_t n, double level_lufs)
{
	uint32_t i = 0;

	while (i < n) {
		uint32_t words = 3 + test_random_below(8);
		uint32_t pause = (uint32_t)(RATE * (0.3 + 0.9 * test_random()));

		for (uint32_t w = 0; w < words; w++) {
			uint32_t length = (uint32_t)(RATE * (0.12 + 0.18 * test_random()));
			double pitch = 100 + 40 * test_random(), loud = 0.4 + 0.6 * test_random();
			bool is_hiss = test_random() < 0.25;

			for (uint32_t k = 0; k < length && i < n; k++, i++) {
				double y = 0.0, shape = sin(M_PI * k / length);

				for (int h = 1; !is_hiss && h < 16; h++)
					y += sin(2 * M_PI * pitch * h * k / RATE) / h;
				if (is_hiss)
					y = 0.5 * (test_random() * 2.0 - 1.0);
				x[i] = (float)(y * loud * shape * shape);
			}
			i += (uint32_t)(RATE * 0.04);
		}
		i += pause;
	}
	/* "One level": so is each phrase of 4 s. */
	for (i = 0; i < n; i += 4 * RATE)
		scale_to(x + i, n - i < 4 * RATE ? n - i : 4 * RATE, level_lufs);
	for (i = 0; i < n; i++)
		x[i] += (float)((test_random() - 0.5) * pow(10.0, (level_lufs - 45.0) / 20.0));
}

/* Notes with attack and decay over a quiet held chord. */
static inline void make_music(float *x, uint32_t n, double level_lufs)
{
	static const double tones[] = {110, 130.8, 164.8, 196, 220, 261.6};

	for (uint32_t i = 0; i < n; i++) {
		uint32_t note = i / (RATE / 2), at = i % (RATE / 2);
		double f = tones[note * 7 % 6], y = 0.0;

		for (int h = 1; h < 6; h++)
			y += sin(2 * M_PI * f * h * at / RATE) / h;
		x[i] = (float)(y * exp(-4.0 * at / RATE) * fmin(1.0, at / 480.0) +
			       0.1 * sin(2 * M_PI * 220.0 * i / RATE));
	}
	scale_to(x, n, level_lufs);
}

static inline void make_noise(float *x, uint32_t n, double rms_db)
{
	for (uint32_t i = 0; i < n; i++)
		x[i] = (float)((test_random() * 2.0 - 1.0) * sqrt(3.0) * pow(10.0, rms_db / 20.0));
}
