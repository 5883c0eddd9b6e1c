/* oversample.h - 2, 4 or 8 times the rate and back, for what makes new frequencies.
 *
 * WHAT        Half-band stages, each doubling the rate. Linear phase: FIR of 75, 19 and 11 taps,
 *             flat within 6e-5 dB to 20 kHz at 48 kHz, 103 dB down where images begin. Low
 *             latency: polyphase all-pass IIR of the same bands, 100 dB, a tenth of the delay, phase
 *             not linear. From 88.2 kHz on the first stage is left out, from 176.4 kHz the first
 *             two: what is above 20 kHz there has room already.
 * THREADS     [any]; all memory is the caller's.
 * INVARIANTS  O1 each frame has the same bits however time is cut, on every CPU.
 *             O2 with FIR stages, up and down together delay by exactly oversample_delay() frames of
 *                the upper rate.
 * NOT HERE    what happens at the upper rate: shaper.h. */
#pragma once

#include <stdint.h>

#define OVERSAMPLE_STAGES 3u
#define OVERSAMPLE_MAX 8u
#define OVERSAMPLE_BLOCK 128u /* frames at the lower rate in one call, at most */
#define OVERSAMPLE_PAST 40u /* frames remembered per stage */
#define OVERSAMPLE_SECTIONS 4u /* all-pass sections of a stage */
#define OVERSAMPLE_GRAIN 16u /* whole vectors are written: round output buffers up to this */

enum oversample_kind {
	OVERSAMPLE_LINEAR,
	OVERSAMPLE_LOW_LATENCY,
};

struct oversample {
	enum oversample_kind kind;
	uint32_t n_stages;
	uint32_t first; /* the table of the first stage */
	uint32_t factor; /* 1 << n_stages */
};

struct oversample_stage {
	float up[OVERSAMPLE_PAST], even[OVERSAMPLE_PAST], odd[OVERSAMPLE_PAST];
	/* All-pass: of each section both branches. */
	double up_x[OVERSAMPLE_SECTIONS + 1][2], down_x[OVERSAMPLE_SECTIONS + 1][2];
};

/* What one channel remembers; zeroed is fresh. */
struct oversample_channel {
	struct oversample_stage stage[OVERSAMPLE_STAGES];
};

/* FACTOR (1, 2, 4, 8) as at 48 kHz; stages fall away at higher rates. [any] */
struct oversample oversample_make(enum oversample_kind kind, uint32_t factor, double rate_hz);
/* Frames of the upper rate that up and down together take; FIR only. [any] */
uint32_t oversample_delay(const struct oversample *os);

/* N_FRAMES of IN to N_FRAMES * factor of OUT; they do not overlap. [rt] */
void oversample_up(const struct oversample *os, struct oversample_channel *channel, const float *in,
		   float *out, uint32_t n_frames);
/* And back: N_FRAMES are those of OUT. IN is overwritten. [rt] */
void oversample_down(const struct oversample *os, struct oversample_channel *channel, float *in,
		     float *out, uint32_t n_frames);

/* The plain twin of one FIR stage: RET[i] = sum of COEF over pairs of X around i. [any] */
void oversample_branch_plain(uint32_t stage, const float *x, float *ret, uint32_t n_frames);
void oversample_branch(uint32_t stage, const float *x, float *ret, uint32_t n_frames);
/* Twice the even taps of half-band STAGE, from the outermost inwards. [any] */
const float *oversample_taps(uint32_t stage, uint32_t *ret_n_pairs);
