/* gatefade.h - open or shut by level, with hysteresis and hold; and the way between them.
 *
 * WHAT        A machine of two states moves a part of 0 (shut) .. 1 (open) at one speed up and
 *             another down; gatefade_gain() makes an S-shaped fade in dB of it.
 * STATES      Shut opens with the first frame whose power is open_power or more. Open shuts when
 *             more than hold_frames frames in a row were below close_power.
 * COST        At rest one comparison per frame, along time; frame by frame only while it moves.
 * THREADS     [rt]
 * INVARIANTS  G1 the bits do not depend on how time is cut. */
#pragma once

#include "dynamics.h"

enum gatefade_is { GATEFADE_SHUT, GATEFADE_OPEN, GATEFADE_MOVES };

struct gatefade {
	float open_power, close_power; /* not above open_power */
	double up, down; /* part per frame */
	uint32_t hold_frames;
	/* --- state --- */
	double part;
	uint32_t below; /* frames in a row, while open */
	bool opened;
};

/* Thresholds in dB of power, times in s. */
void gatefade_set(struct gatefade *fade, double open_db, double hysteresis_db, double attack_s,
		  double hold_s, double release_s, double rate);
void gatefade_reset(struct gatefade *fade);
/* PART is written only when the answer is GATEFADE_MOVES: else it is all 0 or all 1. */
enum gatefade_is gatefade_run(struct gatefade *fade, const float *power, float *part, uint32_t n);

struct gatefade_gain {
	struct dyn_line range; /* of the reduction, log2 */
	struct dyn_line inverted; /* 0: reduced when shut, 1: reduced when open */
	float silent; /* this reduction, log2, and more become silence */
};

/* Part to gain, in place. Returns the largest reduction, log2. */
float gatefade_gain(const struct gatefade_gain *gain, uint32_t first, float *x, uint32_t n);
