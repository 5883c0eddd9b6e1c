/* comp_state.h - what comp.c and comp_setup.c share. */
#pragma once

#include "dynglide.h"
#include "eq_bank.h"

#define COMP_KEY_SECTIONS 2u
#define COMP_LANES (MIXD_CHANNELS_MAX + MIXD_LANES_MAX)
#define COMP_STATE_WORDS (DYN_STATE_COUNT_ + COMP_KEY_SECTIONS * SVF_STATES)
#define COMP_COEF_WORDS                                                                            \
	(DYN_COEF_COUNT_ + EQ_BANK_GAIN_WORDS + COMP_KEY_SECTIONS * EQ_BANK_SECTION_WORDS)

/* Rows of one channel, MIXD_SLICE_MAX frames each. */
enum {
	COMP_ROW_WORK,
	COMP_ROW_KEY,
	COMP_ROW_PEAK,
	COMP_ROW_MEAN,
	COMP_ROW_DOWNMIX,
	COMP_ROW_COUNT
};

/* What is interpolated across a cell. */
enum {
	COMP_LINE_THRESHOLD,
	COMP_LINE_SLOPE,
	COMP_LINE_RANGE,
	COMP_LINE_MAKEUP,
	COMP_LINE_MIX,
	COMP_LINE_LISTEN,
	COMP_LINES
};

struct comp_state {
	/* --- immutable after init --- */
	uint32_t channels;
	uint32_t delay_frames; /* look-ahead */
	uint32_t ring_frames; /* per channel */
	float *rows;
	float *ring;
	/* --- rt --- */
	struct dyn_glide line[COMP_LINES];
	struct dyn_curve curve;
	struct dyn_out out;
	float link;
	float crest_rate; /* of dyn_crest_release() */
	double auto_part, listen_part; /* how much of the switch is in: 0..1 */
	bool rms, hold, auto_release, key_filter;
	bool plain; /* at rest, and none of the above */
	struct dyn_cell cell;
	uint32_t ring_at;
};

int comp_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
	       struct mixd_fault *fault);
int comp_activate(struct mixd_inst *inst, struct mixd_fault *fault);
