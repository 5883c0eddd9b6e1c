/* multicomp_state.h - what multicomp.c and multicomp_setup.c share. */
#pragma once

#include "crossover.h"
#include "dynglide.h"

#include "multicomp_tables.h"

#define MULTICOMP_WIDTH_MAX 8u /* lanes of the smoothing: one per band */

struct multicomp_band {
	struct dyn_glide threshold, slope, range, makeup, mix, level;
	struct dyn_curve curve;
	struct dyn_out out;
	double level_part, wet_part; /* of the switches solo/mute and bypass: 0..1 */
	bool moving;
};

/* Smoothing of all bands, for one channel or, linked, for all. */
struct multicomp_smooth {
	double word[DYN_STATE_COUNT_ * MULTICOMP_WIDTH_MAX] __attribute__((aligned(64)));
};

struct multicomp_state {
	/* --- immutable after init --- */
	uint32_t channels, ways, width;
	uint32_t n_keys; /* channels of the key that are split: one per channel, or one for all */
	uint32_t delay_frames, ring_frames;
	struct crossover_state *split, *key_split; /* one per two channels */
	struct multicomp_smooth *smooth; /* one per channel */
	float *rows; /* bands of the channels, then of the key, then work rows of the channels */
	float *ring; /* per band and channel */
	/* --- rt --- */
	struct crossover crossover;
	double xover_hz[CROSSOVER_POINTS_MAX];
	struct multicomp_band band[MULTICOMP_BANDS];
	double last[MULTICOMP_BANDS][MULTICOMP_ROWS]; /* params as last taken */
	double coef[DYN_COEF_COUNT_ * MULTICOMP_WIDTH_MAX] __attribute__((aligned(64)));
	struct dyn_cell cell;
	float link;
	bool rms, hold;
	uint32_t ring_at;
};

int multicomp_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
		    struct mixd_fault *fault);
int multicomp_activate(struct mixd_inst *inst, struct mixd_fault *fault);
