/* generator.h - the kernels of the generator node: one mono line of a signal, no host. See the
 * sources at the top of generator.c. */
#pragma once

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "clones.h"
#include "ramp.h"

#define GENERATOR_CHANNELS_MAX 64u
#define GENERATOR_PAIRS 10u
#define GENERATOR_FADE_S 0.01 /* both ends of a sweep */
#define GENERATOR_SLOT_S 0.25 /* ident: a gap, and the tone between two gaps */
#define GENERATOR_EDGE_S 0.005 /* ident: raised-cosine edges of a gap */

enum generator_signal {
	GENERATOR_SINE,
	GENERATOR_PINK,
	GENERATOR_WHITE,
	GENERATOR_SWEEP,
	GENERATOR_IMPULSE,
	GENERATOR_IDENT,
};

struct generator_noise {
	uint64_t random;
	double memory[GENERATOR_PAIRS];
};

struct generator_state {
	/* --- immutable after init --- */
	enum generator_signal signal;
	bool correlated, cascade;
	uint32_t n_channels;
	double rate, sweep_from, sweep_to, length_frames;
	double sweep_turns, sweep_octaves; /* f1 T / ln(f2/f1); log2(f2/f1) per frame */
	uint64_t interval_frames, seed;
	double noise_gain; /* to the rms of a full-scale sine */
	double pole[GENERATOR_PAIRS], zero[GENERATOR_PAIRS];
	/* --- rt --- */
	struct dsp_ramp level, step; /* step: turns per frame */
	uint64_t clock; /* frames since reset */
	uint64_t phase; /* 2^64 = one turn */
	struct generator_noise noise[GENERATOR_CHANNELS_MAX];
};

MIXD_INLINE bool generator_is_noise(enum generator_signal signal)
{
	return signal == GENERATOR_PINK || signal == GENERATOR_WHITE;
}

/* sin(2 pi TURNS), TURNS in [-0.5, 0.5). */
MIXD_INLINE double generator_sine(double turns)
{
	/* Fold to a quarter turn: sin(pi - x) = sin(x). */
	double folded = turns > 0.25 ? 0.5 - turns : turns < -0.25 ? -0.5 - turns : turns;
	double x = folded * 6.283185307179586477, y = x * x;

	return x * (1 + y * (-1.0 / 6 +
			     y * (1.0 / 120 +
				  y * (-1.0 / 5040 +
				       y * (1.0 / 362880 +
					    y * (-1.0 / 39916800 +
						 y * (1.0 / 6227020800.0 +
						      y * (-1.0 / 1307674368000.0 +
							   y * (1.0 / 355687428096000.0)))))))));
}

/* 2^x for 0 <= x < 64: Taylor of degree 13 on half an octave to either side. */
MIXD_INLINE double generator_exp2(double x)
{
	double whole = floor(x + 0.5), y = (x - whole) * 0.693147180559945309, sum = 1;

	for (int k = 13; k >= 1; k--)
		sum = 1 + y / k * sum;
	return sum * (double)(UINT64_C(1) << (int)whole);
}

MIXD_INLINE double generator_random(struct generator_noise *noise)
{
	uint64_t x = noise->random;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	noise->random = x;
	return (double)(int64_t)(x * UINT64_C(0x2545F4914F6CDD1D)) * 0x1p-63;
}

MIXD_INLINE double generator_kellet(double *b, double white)
{
	double pink;

	b[0] = 0.99886 * b[0] + white * 0.0555179;
	b[1] = 0.99332 * b[1] + white * 0.0750759;
	b[2] = 0.96900 * b[2] + white * 0.1538520;
	b[3] = 0.86650 * b[3] + white * 0.3104856;
	b[4] = 0.55000 * b[4] + white * 0.5329522;
	b[5] = -0.7616 * b[5] - white * 0.0168980;
	pink = b[0] + b[1] + b[2] + b[3] + b[4] + b[5] + b[6] + white * 0.5362;
	b[6] = white * 0.115926;
	return pink;
}

MIXD_INLINE double generator_pairs(const struct generator_state *state, double *memory, double x)
{
	/* Transposed first-order sections, unity at high frequencies. */
	for (uint32_t k = 0; k < GENERATOR_PAIRS; k++) {
		double y = x + memory[k];

		memory[k] = state->pole[k] * y - state->zero[k] * x;
		x = y;
	}
	return x;
}

MIXD_INLINE double generator_pink(const struct generator_state *state,
				  struct generator_noise *noise, double white)
{
	return state->cascade ? generator_pairs(state, noise->memory, white)
			      : generator_kellet(noise->memory, white);
}

MIXD_INLINE void generator_tone(struct generator_state *state, double *line, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		double turns = (double)(int64_t)state->phase * 0x1p-64;

		line[i] = generator_sine(turns);
		state->phase += (uint64_t)(dsp_ramp_value(&state->step, i) * 0x1p64);
	}
}

MIXD_INLINE double generator_fade(double frames, double rate)
{
	double t = frames / (GENERATOR_FADE_S * rate);

	return t >= 1 ? 1 : t <= 0 ? 0 : 0.5 + 0.5 * generator_sine(0.5 * t - 0.25);
}

MIXD_INLINE double generator_sweep(const struct generator_state *state, uint64_t frame)
{
	double t = (double)frame, turns;

	if (t >= state->length_frames)
		return 0;
	turns = state->sweep_turns * (generator_exp2(t * state->sweep_octaves) - 1);
	turns -= floor(turns + 0.5);
	return generator_sine(turns) * generator_fade(t, state->rate) *
	       generator_fade(state->length_frames - t, state->rate);
}

/* The signal of channel CHANNEL at full level. */
static inline void generator_line(struct generator_state *state, uint32_t channel, double *line,
				  uint32_t n)
{
	struct generator_noise *noise = &state->noise[channel];
	uint64_t period = (uint64_t)state->length_frames + state->interval_frames;

	switch (state->signal) {
	case GENERATOR_SINE:
	case GENERATOR_IDENT:
		generator_tone(state, line, n);
		break;
	case GENERATOR_PINK:
		for (uint32_t i = 0; i < n; i++)
			line[i] = generator_pink(state, noise, generator_random(noise)) *
				  state->noise_gain;
		break;
	case GENERATOR_WHITE:
		for (uint32_t i = 0; i < n; i++)
			line[i] = generator_random(noise) * state->noise_gain;
		break;
	case GENERATOR_SWEEP:
		for (uint32_t i = 0; i < n; i++)
			line[i] = generator_sweep(state, (state->clock + i) % period);
		break;
	case GENERATOR_IMPULSE:
		for (uint32_t i = 0; i < n; i++)
			line[i] = (state->clock + i) % state->interval_frames == 0;
		break;
	}
}

/* Ident: 0 inside a gap of CHANNEL that began AT frames ago, 1 outside. */
static inline double generator_gap(double at, double rate)
{
	double edge = GENERATOR_EDGE_S * rate, length = GENERATOR_SLOT_S * rate, t;

	if (at < 0 || at >= length)
		return 1;
	t = fmin(fmin(at, length - at) / edge, 1);
	return 0.5 + 0.5 * generator_sine(0.25 - 0.5 * t);
}

/* Stereo: GLITS, a cycle of 4 s: left has one gap, then right two. More: one gap each, in turn,
 * then 2 s of tone. Mono: one gap. */
static inline void generator_gate(const struct generator_state *state, uint32_t channel, float *out,
				  uint32_t n)
{
	double slot = GENERATOR_SLOT_S * state->rate;
	double cycle_s = state->n_channels <= 2 ? 4 : 2 + 2 * GENERATOR_SLOT_S * state->n_channels;
	uint64_t cycle = (uint64_t)(cycle_s * state->rate);
	double second = state->n_channels == 2 && channel == 1 ? 4 * slot : -1;

	for (uint32_t i = 0; i < n; i++) {
		double at = (double)((state->clock + i) % cycle);
		double gate = generator_gap(at - 2 * slot * channel, state->rate);

		if (second >= 0)
			gate *= generator_gap(at - second, state->rate);
		out[i] = (float)(out[i] * gate);
	}
}

/* Rms of the noise at its filter's output, by Parseval over its impulse response. */
static inline double generator_noise_rms(struct generator_state *state)
{
	struct generator_noise probe = {0};
	double energy = 0;

	for (uint32_t i = 0; i < (uint32_t)state->rate; i++) {
		double h = generator_pink(state, &probe, i == 0);

		energy += h * h;
	}
	return sqrt(energy / 3); /* uniform noise in -1..1 has the power 1/3 */
}

/* Tables, from the immutable fields. [main] */
static inline void generator_prepare(struct generator_state *state)
{
	double ratio = log2(state->sweep_to / state->sweep_from);
	/* Spacing that keeps 20 Hz..20 kHz straight: measured for 88.2/96 and 176.4/192 kHz. */
	double lowest = 1.5, highest = state->rate * (state->rate < 120000 ? 1.17 : 4.3);
	double spacing = pow(highest / lowest, 1.0 / (GENERATOR_PAIRS - 1));

	state->sweep_octaves = ratio / state->length_frames;
	state->sweep_turns = state->sweep_from * state->length_frames / state->rate /
			     (ratio * 0.693147180559945309);
	state->cascade = state->rate > 50000;
	for (uint32_t k = 0; k < GENERATOR_PAIRS; k++) {
		double corner = lowest * pow(spacing, k);

		state->pole[k] = exp(-2 * M_PI * corner / state->rate);
		state->zero[k] = exp(-2 * M_PI * corner * sqrt(spacing) / state->rate);
	}
	state->noise_gain = sqrt(0.5) / sqrt(1.0 / 3);
	if (state->signal == GENERATOR_PINK)
		state->noise_gain = sqrt(0.5) / generator_noise_rms(state);
}

/* As at the beginning of time. [rt] */
static inline void generator_rewind(struct generator_state *state)
{
	state->clock = state->phase = 0;
	for (uint32_t c = 0; c < GENERATOR_CHANNELS_MAX; c++) {
		/* splitmix64 spreads neighbouring seeds. */
		uint64_t x = state->seed + (c + 1) * UINT64_C(0x9E3779B97F4A7C15);

		x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
		x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
		state->noise[c] = (struct generator_noise){.random = (x ^ (x >> 31)) | 1};
	}
}
