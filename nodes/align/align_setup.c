/* align_setup.c - the part of align.c that runs on the control thread. */
#include <math.h>

#include "align_state.h"

#define ALIGN_FADE_S 0.03

static uint32_t align_latency(const struct mixd_setup *setup)
{
	const struct mixd_value *config = setup->config;
	uint32_t lead = (uint32_t)lround(config[ALIGN_CONFIG_LEAD].number * 0.001 * setup->rate);

	return lead + (config[ALIGN_CONFIG_SUBFRAME].number > 0.5 ? FRACDELAY_AHEAD : 0);
}

static uint32_t align_longest(const struct mixd_setup *setup)
{
	return align_latency(setup) +
	       (uint32_t)ceil(setup->config[ALIGN_CONFIG_MAX].number * 0.001 * setup->rate);
}

static uint32_t align_ring_frames(const struct mixd_setup *setup)
{
	uint32_t wanted = align_longest(setup) + FRACDELAY_BEHIND + MIXD_SLICE_MAX, frames = 256;

	while (frames < wanted)
		frames *= 2;
	return frames;
}

int align_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
		struct mixd_fault *fault)
{
	ret_need->state_bytes =
		sizeof(struct align_state) +
		(size_t)align_ring_frames(setup) * setup->out_layout[0]->n_channels * sizeof(float);
	ret_need->latency = align_latency(setup);
	ret_need->tail = align_longest(setup) + FRACDELAY_BEHIND + 1;
	return 0;
}

int align_activate(struct mixd_inst *inst, struct mixd_fault *fault)
{
	struct align_state *state = inst->state;
	const struct mixd_setup *setup = inst->setup;

	state->channels = setup->out_layout[0]->n_channels;
	state->latency = align_latency(setup);
	state->longest = align_longest(setup);
	state->fade_frames = (uint32_t)(ALIGN_FADE_S * setup->rate);
	state->ring_frames = align_ring_frames(setup);
	state->subframe = setup->config[ALIGN_CONFIG_SUBFRAME].number > 0.5;
	state->ring = (float *)(state + 1);
	return 0;
}
