/* comp_setup.c - the part of comp.c that runs on the control thread. */
#include <math.h>

#include "comp_state.h"

#define COMP_TAIL_S 20.0 /* the slowest release has come back to within 0.1 dB of nothing */

static uint32_t comp_delay(const struct mixd_setup *setup)
{
	return (uint32_t)lround(setup->config[0].number * 0.001 * setup->rate);
}

static uint32_t comp_ring_frames(uint32_t delay_frames)
{
	return delay_frames ? delay_frames + MIXD_SLICE_MAX : 0;
}

int comp_needs(const struct mixd_setup *setup, struct mixd_need *ret_need, struct mixd_fault *fault)
{
	uint32_t channels = setup->out_layout[0]->n_channels, delay = comp_delay(setup);
	size_t floats =
		channels * (size_t)(COMP_ROW_COUNT * MIXD_SLICE_MAX + comp_ring_frames(delay));

	ret_need->state_bytes = sizeof(struct comp_state) + floats * sizeof(float);
	ret_need->lane_state = COMP_STATE_WORDS;
	ret_need->lane_coef = COMP_COEF_WORDS;
	ret_need->shape =
		(uint64_t)delay << 16 | (uint64_t)setup->in_layout[1]->n_channels << 8 | channels;
	ret_need->latency = delay;
	ret_need->tail = delay + (uint64_t)(COMP_TAIL_S * setup->rate);
	return 0;
}

int comp_activate(struct mixd_inst *inst, struct mixd_fault *fault)
{
	struct comp_state *state = inst->state;

	state->channels = inst->setup->out_layout[0]->n_channels;
	state->delay_frames = comp_delay(inst->setup);
	state->ring_frames = comp_ring_frames(state->delay_frames);
	state->rows = (float *)(state + 1);
	state->ring = state->rows + (size_t)state->channels * COMP_ROW_COUNT * MIXD_SLICE_MAX;
	return 0;
}
