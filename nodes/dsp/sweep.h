/* sweep.h - delays that a slow wave moves: what chorus and flanger share.
 *
 * WHAT        Per channel a ring and up to 6 voices; voice v is delay + depth (1 + wave) / 2 behind,
 *             with a phase of its own and another on the right. Their sum is the wet sound; part of
 *             it goes back into the ring. Dry may be late by a fixed number of frames, so that voices can
 *             pass through its place.
 * THREADS     [rt] but for the table.
 * INVARIANTS  W1 each frame has the same bits however time is cut.
 *             W2 silence after a reset gives zeros. */
#pragma once

#include <mixd/node.h>

#include "delayline.h"
#include "lfo.h"
#include "ramp.h"

#define SWEEP_VOICES 6u
#define SWEEP_NEAREST 16u /* frames: no voice comes nearer */

/* What the node's params ask for, in frames, turns and factors. */
struct sweep_setting {
	double hz, delay, depth, feedback, spread, wet, dry;
	bool is_triangle;
	uint32_t n_voices;
};

struct sweep {
	/* --- immutable after init --- */
	struct delayline_table table;
	uint32_t n_channels;
	uint32_t dry_frames; /* how late dry is */
	/* --- rt --- */
	struct delayline_clock clock;
	struct lfo lfo;
	struct dsp_ramp delay, depth, feedback, spread, wet, dry, triangle;
	struct dsp_ramp voice[SWEEP_VOICES];
	struct delayline line[]; /* one per channel, then those of a late dry; the rings follow */
};

size_t sweep_bytes(uint32_t n_channels, uint32_t longest_frames, uint32_t dry_frames);
/* In zeroed memory of sweep_bytes(). [main] */
void sweep_init(struct sweep *sweep, uint32_t n_channels, uint32_t longest_frames,
		uint32_t dry_frames);
void sweep_reset(struct sweep *sweep);
/* One cell from FROM to TO; true while voices or the wave's form glide. */
bool sweep_update(struct sweep *sweep, const struct sweep_setting *from,
		  const struct sweep_setting *to, const struct mixd_update *update, double rate);
void sweep_process(struct sweep *sweep, const struct mixd_call *call);

/* Notes for nodes that sway in tempo. */
#define SWEEP_NOTES 13u
extern const char *const sweep_notes[]; /* labels of a param: "free" first, NULL last */
/* Turns per second. */
double sweep_hz(uint32_t note, double bpm, double hz);
