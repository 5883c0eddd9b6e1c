/* align_state.h - what align.c and align_setup.c share. */
#pragma once

#include <mixd/node.h>

#include "fracdelay.h"

enum { ALIGN_CONFIG_MAX, ALIGN_CONFIG_LEAD, ALIGN_CONFIG_SUBFRAME };

struct align_head {
	double delay; /* frames behind what comes in, latency and all */
	struct fracdelay tap;
};

struct align_channel {
	struct align_head now, next; /* next: what is faded to */
	double wanted;
	uint32_t fade_done; /* frames; fade_frames: at rest at `next` */
};

struct align_state {
	/* --- immutable after init --- */
	uint32_t channels;
	uint32_t latency; /* frames: what stands at delay 0 */
	uint32_t longest; /* frames, latency and all */
	uint32_t fade_frames;
	uint32_t ring_frames; /* per channel, a power of two */
	bool subframe;
	float *ring;
	/* --- rt --- */
	uint32_t at; /* where the next frame is written */
	struct align_channel channel[MIXD_CHANNELS_MAX];
};

int align_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
		struct mixd_fault *fault);
int align_activate(struct mixd_inst *inst, struct mixd_fault *fault);
