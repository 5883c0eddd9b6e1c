/* fracdelay.h - read a signal between its samples: windowed sinc of 32 taps.
 *
 * WHAT        A head stands some whole frames and a part of one behind. Whole delays are copies to
 *             the bit; between them 32 taps under a Kaiser window (beta 8) keep the magnitude to
 *             0.002 dB up to 20 kHz at 48 kHz. The taps reach FRACDELAY_AHEAD frames nearer and
 *             FRACDELAY_BEHIND farther than the whole part of the delay.
 * THREADS     [any]; fracdelay_head() takes about 2 us when there is a part.
 * INVARIANTS  F1 a frame's value does not depend on how time is cut.
 * NOT HERE    rings, crossfades: nodes/align. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define FRACDELAY_TAPS 32u
#define FRACDELAY_AHEAD 15u
#define FRACDELAY_BEHIND 16u

struct fracdelay {
	uint32_t frames; /* whole */
	bool between;
	float tap[FRACDELAY_TAPS]; /* the oldest sample first */
};

/* A head DELAY (>= 0) frames behind; nearer than 1e-6 to a whole number it is whole. */
void fracdelay_head(struct fracdelay *head, double delay);
/* RET[i] = the signal delayed; X[0] is the sample `frames` behind the first, and FRACDELAY_BEHIND
 * before it and FRACDELAY_AHEAD after the last are there when the head is between. */
void fracdelay_read(const struct fracdelay *head, const float *x, float *ret, uint32_t n_frames);
void fracdelay_read_plain(const struct fracdelay *head, const float *x, float *ret,
			  uint32_t n_frames);
