/* loudness.h - loudness by BS.1770, EBU Tech 3341 and 3342, live or offline.
 *
 * WHAT        struct loudness_window: K-weighted energy in sums of 10 ms, and from them momentary
 *             (400 ms) and short-term (3 s) loudness, new every 10 ms. struct loudness_gate:
 *             integrated loudness (400 ms blocks each 100 ms, gates at -70 LUFS and -10 LU) and
 *             loudness range (S at 10 Hz, gates at -70 LUFS and -20 LU), from histograms of
 *             0.02 LU that keep the exact energy of every bin. struct loudness: both, the maxima,
 *             restart and pause.
 * MEMORY      Plain structs, nothing allocated, whatever the length of the programme.
 * THREADS     [any]; one caller at a time.
 * INVARIANTS  L1 silence is -INFINITY, never NaN.
 *             L2 the bits do not depend on how a signal is cut into calls.
 *             L3 a block or a maximum counts only when its whole window lies after the last
 *                restart and pause.
 *             L4 the work of a call is bounded: at most one sum of 300 values and one pass over
 *                400 bins per 10 ms.
 * NOT HERE    true peak: truepeak.h; the filter: kweight.h; the node: nodes/loudness. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <mixd/layout.h>

#include "kweight.h"

#define LOUDNESS_CHANNELS_MAX 64u
#define LOUDNESS_GROUPS_MAX (LOUDNESS_CHANNELS_MAX / KWEIGHT_LANES)
#define LOUDNESS_MOMENTARY_TICKS 40u /* of 10 ms */
#define LOUDNESS_SHORTTERM_TICKS 300u
#define LOUDNESS_HOP_TICKS 10u
#define LOUDNESS_BINS_PER_LU 50u
#define LOUDNESS_FLOOR_LUFS (-70.0) /* the absolute gate: the lowest bin */
#define LOUDNESS_BINS 5000u /* up to +30 LUFS; louder is counted, exactly, in the last */
#define LOUDNESS_BIN_GROUP 50u
#define LOUDNESS_BIN_GROUPS (LOUDNESS_BINS / LOUDNESS_BIN_GROUP)

/* The weight of a channel; 0 for LFE. LAYOUT tells whether rear channels are the surrounds
 * (quad, 5.1 with rears: 1.41) or stand behind them (7.1: 1.00). [any] */
double loudness_weight(const struct mixd_layout *layout, uint32_t channel);

/* Mean square to LUFS and back. -INFINITY for what no window of audio can hold. [any] */
double loudness_from_energy(double energy);
double loudness_to_energy(double lufs);

/* ---- momentary and short-term --------------------------------------------------------------- */

struct loudness_window {
	/* --- immutable after init --- */
	struct kweight_coef coef;
	uint32_t rate_hz;
	uint32_t n_active; /* channels with a weight */
	uint8_t active[LOUDNESS_CHANNELS_MAX];
	double weight[LOUDNESS_CHANNELS_MAX]; /* of active channel k */
	/* --- rt --- */
	double scale; /* 2 for a mono programme heard from two loudspeakers, else 1 */
	struct kweight_state state[LOUDNESS_GROUPS_MAX];
	double sum[LOUDNESS_CHANNELS_MAX]; /* of active channel k, in this tick */
	uint64_t ticks; /* whole 10 ms since reset */
	uint32_t tick_frames; /* length of this tick */
	uint32_t tick_filled;
	uint32_t remainder; /* of rate / 100: ticks of 22050 Hz are 220 and 221 frames */
	double energy[LOUDNESS_SHORTTERM_TICKS]; /* weighted sums of squares, a ring */
	double frames[LOUDNESS_SHORTTERM_TICKS]; /* their lengths */
};

/* WEIGHT has one value per channel, 0 for those that do not count. [main] */
void loudness_window_init(struct loudness_window *window, double rate_hz, uint32_t n_channels,
			  const double *weight);
/* Forget the past. [rt] */
void loudness_window_reset(struct loudness_window *window);
/* Frames until the next tick, at least 1. [rt] */
uint32_t loudness_window_room(const struct loudness_window *window);
/* Take N_FRAMES (at most the room) from all channels, beginning at frame FIRST. True when that
 * ended a tick. [rt] */
bool loudness_window_feed(struct loudness_window *window, const float *const *in, uint32_t first,
			  uint32_t n_frames);
/* Mean energy of the last TICKS (1..300) ticks; 0 before the first. [rt] */
double loudness_window_energy(const struct loudness_window *window, uint32_t ticks);

/* ---- integrated loudness and range ---------------------------------------------------------- */

struct loudness_gate {
	uint64_t n_blocks; /* above the absolute gate */
	double energy; /* their sum */
	uint64_t n_ranges;
	double range_energy;
	uint32_t group_count[LOUDNESS_BIN_GROUPS];
	double group_energy[LOUDNESS_BIN_GROUPS];
	uint32_t range_group_count[LOUDNESS_BIN_GROUPS];
	uint32_t count[LOUDNESS_BINS];
	double bin_energy[LOUDNESS_BINS];
	uint32_t range_count[LOUDNESS_BINS];
};

/* One 400 ms block; one value of S at 10 Hz. Both ignore what is under -70 LUFS. [rt] */
void loudness_gate_block(struct loudness_gate *gate, double energy);
void loudness_gate_range(struct loudness_gate *gate, double energy);
/* I in LUFS, -INFINITY when nothing passed; *RET_BLOCKS, if wanted: how many passed. [rt] */
double loudness_gate_integrated(const struct loudness_gate *gate, uint64_t *ret_blocks);
/* LRA in LU; 0 when nothing passed. [rt] */
double loudness_gate_lra(const struct loudness_gate *gate);
/* Its two ends in LUFS: 10th and 95th percentile; false when nothing passed. [rt] */
bool loudness_gate_lra_ends(const struct loudness_gate *gate, double *ret_low, double *ret_high);
/* Add what OTHER has gathered: one programme of both. [any] */
void loudness_gate_add(struct loudness_gate *gate, const struct loudness_gate *other);

/* ---- all of it ------------------------------------------------------------------------------ */

struct loudness {
	struct loudness_window window;
	struct loudness_gate gate;
	uint64_t since_ticks; /* measured since the last restart, pauses not counted */
	uint64_t unbroken_ticks; /* since the last restart or pause */
	bool is_paused;
	double momentary, shortterm; /* energies, renewed every 10 ms */
	double momentary_max, shortterm_max;
};

/* [main] */
void loudness_init(struct loudness *loudness, double rate_hz, uint32_t n_channels,
		   const double *weight);
/* Forget everything. [rt] */
void loudness_reset(struct loudness *loudness);
/* Begin integration, range and maxima again, together; M and S run on. [rt] */
void loudness_restart(struct loudness *loudness);
/* Integration, range and maxima stand still together while paused. [rt] */
void loudness_pause(struct loudness *loudness, bool is_paused);
/* As loudness_window_feed(). [rt] */
bool loudness_feed(struct loudness *loudness, const float *const *in, uint32_t first,
		   uint32_t n_frames);
/* Any number of frames: for callers that do not look between ticks. [any] */
void loudness_feed_all(struct loudness *loudness, const float *const *in, uint32_t n_frames);
