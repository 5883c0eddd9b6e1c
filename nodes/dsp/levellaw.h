/* levellaw.h - what the leveler decides: from 10 ms energies to the slope of its gain.
 *
 * WHAT        An estimate of the programme's loudness (BS.1770 blocks, gated, over the last
 *             seconds of programme, not of time), the recognition of what is no programme
 *             (silence, pauses, steady noise) and of a programme that has changed, and the slope
 *             at which the gain approaches the target.
 * CALLS       one tick per 10 ms.
 * THREADS     [rt]; one caller.
 * INVARIANTS  V1 the gain never moves faster than rate_up and rate_down, and never away from 0 dB
 *                beyond max_boost and max_cut.
 *             V2 while `reason` is a frozen one the gain stands still (idle: hold), or returns to
 *                0 dB by 0.1 dB/s after 5 s (idle: unity).
 * NOT HERE    audio and the ramp per sample: nodes/leveler. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define LEVELLAW_BLOCKS_MAX 300u /* 30 s at one block per 100 ms */
#define LEVELLAW_STEADY_SPANS 40u /* of 50 ms: the last 2 s */

enum levellaw_reason {
	LEVELLAW_SETTLING,
	LEVELLAW_IN_TARGET,
	LEVELLAW_RAISING,
	LEVELLAW_LOWERING,
	LEVELLAW_FROZEN_SILENCE,
	LEVELLAW_FROZEN_GATE,
	LEVELLAW_FROZEN_NOISE,
	LEVELLAW_AT_MAX_BOOST,
	LEVELLAW_AT_MAX_CUT,
	LEVELLAW_DRIFTING,
};

struct levellaw_rules {
	double target_lufs, freeze_below_lufs;
	double max_boost_db, max_cut_db; /* both positive */
	double rate_up_db_s, rate_down_db_s;
	uint32_t window_blocks;
	double trim_lu;
	bool is_idle_unity;
};

struct levellaw {
	double gain_db;
	double estimate; /* energy of the programme; 0: not known */
	double trim_db;
	enum levellaw_reason reason;
	bool is_closing; /* outside the dead zone, on the way to the middle */
	bool is_steady; /* the last 2 s were steady and quiet: noise */
	/* programme blocks, a ring; the newest is at (next - 1) */
	float block[LEVELLAW_BLOCKS_MAX];
	uint32_t next, n_blocks;
	uint32_t ticks; /* of 10 ms, modulo a hop */
	float span[LEVELLAW_STEADY_SPANS]; /* levels of 50 ms, in LUFS */
	uint32_t span_next, n_spans;
	double idle_s; /* time frozen */
	double left_sum, left_blocks; /* errors left while settled, in LU */
};

void levellaw_reset(struct levellaw *law);
/* A new programme begins: forget the estimate, keep the gain. */
void levellaw_boundary(struct levellaw *law);
/* One tick. SPAN: energy of the last 50 ms; MOMENTARY: of 400 ms; both ungated. */
void levellaw_tick(struct levellaw *law, const struct levellaw_rules *rules, double span,
		   double momentary);
