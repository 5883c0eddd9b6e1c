/* delayline.h - a ring of samples and heads that read it, whole or between samples.
 *
 * WHAT        The ring holds a power of two of frames. Heads are N frames behind the frame written at
 *             the same index. Between samples 16 taps of a sinc under a Kaiser window (beta 7.5) keep
 *             the magnitude to 0.1 dB at 18 kHz of 48 kHz (1.1 dB at 20 kHz), half way, and what a moving head
 *             adds to 1 kHz 82 dB down (beta 6: 0.6 dB and only 71 dB); 256 positions are tabled, with
 *             straight lines between them. At whole delays the taps are 0 and 1: a copy.
 *             Positions are counted from the last delayline_reset(), which clears nothing: what was
 *             written before it reads as silence, so that forgetting takes no time.
 * THREADS     [any]; all memory is the caller's. delayline_table_init() takes a millisecond: [main].
 * INVARIANTS  D1 a frame's value does not depend on how time is cut, on any CPU.
 * SOURCE      T. I. Laakso, V. Valimaki, M. Karjalainen, U. K. Laine, "Splitting the unit delay", IEEE
 *             Signal Processing Magazine 13(1), 1996; the errors measured in dsp.md 9.1.
 * NOT HERE    fixed delays to a part of a sample: fracdelay.h. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define DELAYLINE_TAPS 16u
#define DELAYLINE_AHEAD 7u /* taps reach so many frames nearer than the whole part of the delay, */
#define DELAYLINE_BEHIND 8u /* and so many farther */
#define DELAYLINE_PHASES 256u

struct delayline_table {
	float tap[DELAYLINE_PHASES + 1][DELAYLINE_TAPS]; /* oldest sample first */
};

struct delayline {
	float *ring; /* mask + 1 frames, then DELAYLINE_TAPS that repeat the first */
	uint32_t mask;
};

/* Shared by all lines of a node: where they are. */
struct delayline_clock {
	uint32_t at; /* index of the next frame; wraps */
	uint32_t fill; /* frames since the reset, up to mask + 1 */
};

void delayline_table_init(struct delayline_table *table);
/* Frames of a ring that can be read LONGEST frames behind while a slice is written. */
uint32_t delayline_frames(uint32_t longest);
size_t delayline_bytes(uint32_t frames);

/* Frames OFFSET .. OFFSET + N_FRAMES - 1 after the clock's. [rt] */
void delayline_write(const struct delayline *line, const struct delayline_clock *clock,
		     uint32_t offset, const float *x, uint32_t n_frames);
/* RET[i] = what was written DELAY frames before frame OFFSET + i. [rt] */
void delayline_copy(const struct delayline *line, const struct delayline_clock *clock,
		    uint32_t offset, uint32_t delay, float *ret, uint32_t n_frames);
/* The same with a delay of its own for each frame, at least DELAYLINE_AHEAD when what is read must
 * be written already. [rt] */
void delayline_read(const struct delayline *line, const struct delayline_table *table,
		    const struct delayline_clock *clock, uint32_t offset, const double *delay,
		    float *ret, uint32_t n_frames);
void delayline_read_plain(const struct delayline *line, const struct delayline_table *table,
			  const struct delayline_clock *clock, uint32_t offset, const double *delay,
			  float *ret, uint32_t n_frames);

static inline void delayline_advance(struct delayline_clock *clock, const struct delayline *line,
				     uint32_t n_frames)
{
	clock->at += n_frames;
	clock->fill = clock->fill + n_frames > line->mask ? line->mask + 1 : clock->fill + n_frames;
}

static inline void delayline_reset(struct delayline_clock *clock)
{
	clock->at = clock->fill = 0;
}
