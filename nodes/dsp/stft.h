/* stft.h - overlapping frames: cut, transformed, changed by the caller, and added up again.
 *
 * WHAT        Every `hop` frames the last `size` of each channel are windowed and transformed; what
 *             the caller makes of the spectrum is transformed back, windowed again and added to
 *             what is on its way out. The second window is such that a spectrum left alone gives
 *             the input, delayed by `size` frames, for any first window and hop.
 * USE         while (done < n_frames) {
 *                     uint32_t piece = stft_room(stft, n_frames - done);
 *                     for each channel c
 *                             stft_exchange(stft, c, in[c] + done, out[c] + done, piece);
 *                     done += piece;
 *                     if (stft_advance(stft, piece))
 *                             for each channel c {
 *                                     stft_analyse(stft, c, re, im);
 *                                     ...
 *                                     stft_synthesise(stft, c, re, im);
 *                             }
 *             }
 * MEMORY      stft_bytes() of them, zeroed, 64-byte aligned, from the node's state: tables, buffers
 *             and one scratch for all channels. re[] and im[] are the caller's, size/2 + 1 each.
 * THREADS     stft_place() [main]; the rest [rt], one caller at a time.
 * INVARIANTS  S1 hops are counted from reset, so that no cut of time changes a bit.
 *             S2 every stft_analyse() is followed by its stft_synthesise(), or by neither for all
 *                (an analyser): then the output is silence and nobody reads it.
 * NOT HERE    transforms: fft.h; windows: window.h. */
#pragma once

#include <stdbool.h>

#include "fft.h"
#include "window.h"

struct stft {
	/* --- immutable after init --- */
	uint32_t size, hop, n_channels;
	struct fft_plan plan;
	const float *analysis; /* [size] */
	const float *synthesis; /* [size], 1/n within */
	/* --- the caller's thread --- */
	uint32_t fill; /* frames since the last hop */
	float *frame; /* [size] */
	float *scratch;
	float *past; /* [n_channels][size]: input */
	float *coming; /* [n_channels][size]: output under way */
};

/* SIZE: 16..65536, a power of two; HOP divides it, and is at most half of it. */
size_t stft_bytes(uint32_t size, uint32_t hop, uint32_t n_channels); /* [any] */
void stft_place(struct stft *stft, uint32_t size, uint32_t hop, uint32_t n_channels,
		enum window_kind window, void *memory);
void stft_reset(struct stft *stft);

static inline uint32_t stft_latency(const struct stft *stft)
{
	return stft->size;
}

/* How many of N_FRAMES go before the next hop. */
static inline uint32_t stft_room(const struct stft *stft, uint32_t n_frames)
{
	uint32_t room = stft->hop - stft->fill;

	return n_frames < room ? n_frames : room;
}

/* Take N frames of channel C from IN, give as many to OUT, which may be IN or NULL. */
void stft_exchange(struct stft *stft, uint32_t c, const float *in, float *out, uint32_t n);
/* After the exchange of all channels. True: a hop is complete, frames are due. */
bool stft_advance(struct stft *stft, uint32_t n);
/* The spectrum of the last `size` frames of channel C. */
void stft_analyse(struct stft *stft, uint32_t c, float *re, float *im);
/* POWER[i] += SCALE (RE[i]^2 + IM[i]^2), N bins. */
void stft_add_power(const float *re, const float *im, float scale, uint32_t n, float *power);
/* N bins times GAIN or, when what it removes is asked for, times 1 - GAIN. */
void stft_shape(float *re, float *im, const float *gain, bool is_removed, uint32_t n);
/* Add what RE and IM say to the output of channel C. */
void stft_synthesise(struct stft *stft, uint32_t c, const float *re, const float *im);
