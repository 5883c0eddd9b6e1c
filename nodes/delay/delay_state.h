/* delay_state.h - what delay.c and delay_setup.c share. */
#pragma once

#include <mixd/node.h>

#include "delayline.h"
#include "headfade.h"
#include "onepole.h"
#include "ramp.h"

#define DELAY_LONGEST_MS 4000.0
#define DELAY_SHORTEST_FRAMES 16u /* so that a head between samples finds them written */

struct delay_channel {
	struct delayline line;
	uint32_t partner; /* the other side, or itself */
	bool is_right; /* of a pair: in ping-pong it hears its partner only */
	double low, high; /* memories of the loop's filters */
};

struct delay_state {
	/* --- immutable after init --- */
	struct delayline_table table;
	uint32_t n_channels;
	/* --- rt --- */
	struct delayline_clock clock;
	struct headfade fade; /* clean: whole frames */
	double head, goal; /* tape: frames behind, and where to */
	bool is_tape;
	struct onepole low_cut, high_cut;
	bool cuts_low, cuts_high;
	struct dsp_ramp feedback, cross, swap, wet, dry, duck;
	double duck_attack, duck_release, duck_power; /* per frame; threshold as a power */
	double envelope; /* 0..1: how much there is to step aside for */
	struct delay_channel channel[];
};

int delay_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
		struct mixd_fault *fault);
int delay_activate(struct mixd_inst *inst, struct mixd_fault *fault);
