/* multicomp_setup.c - the part of multicomp.c that runs on the control thread. */
#include <math.h>

#include "multicomp_state.h"

#define MULTICOMP_TAIL_S 20.0 /* the slowest release has come back to within 0.1 dB of nothing */

static uint32_t multicomp_delay(const struct mixd_setup *setup)
{
	return (uint32_t)lround(setup->config[MULTICOMP_CONFIG_LOOKAHEAD].number * 0.001 *
				setup->rate);
}

static uint32_t multicomp_ring_frames(uint32_t delay_frames)
{
	return delay_frames ? delay_frames + MIXD_SLICE_MAX : 0;
}

/* A key of as many channels steers channel by channel, any other as one. */
static uint32_t multicomp_keys(const struct mixd_setup *setup)
{
	uint32_t channels = setup->out_layout[0]->n_channels;

	return setup->in_layout[1]->n_channels == channels ? channels : 1;
}

int multicomp_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
		    struct mixd_fault *fault)
{
	uint32_t channels = setup->out_layout[0]->n_channels, delay = multicomp_delay(setup);
	uint32_t ways = (uint32_t)setup->config[MULTICOMP_CONFIG_BANDS].number;
	uint32_t keys = multicomp_keys(setup);
	size_t floats = (size_t)ways * (2 * channels + keys) * MIXD_SLICE_MAX +
			(size_t)ways * channels * multicomp_ring_frames(delay);

	ret_need->state_bytes =
		sizeof(struct multicomp_state) +
		((channels + 1) / 2 + (keys + 1) / 2) * sizeof(struct crossover_state) +
		channels * sizeof(struct multicomp_smooth) + floats * sizeof(float);
	ret_need->latency = delay;
	ret_need->tail = delay + (uint64_t)(MULTICOMP_TAIL_S * setup->rate);
	return 0;
}

int multicomp_activate(struct mixd_inst *inst, struct mixd_fault *fault)
{
	struct multicomp_state *state = inst->state;

	state->channels = inst->setup->out_layout[0]->n_channels;
	state->ways = (uint32_t)inst->setup->config[MULTICOMP_CONFIG_BANDS].number;
	state->crossover.ways = state->ways;
	state->width = state->ways <= 2 ? 2 : state->ways <= 4 ? 4 : 8;
	state->n_keys = multicomp_keys(inst->setup);
	state->delay_frames = multicomp_delay(inst->setup);
	state->ring_frames = multicomp_ring_frames(state->delay_frames);
	state->split = (struct crossover_state *)(state + 1);
	state->key_split = state->split + (state->channels + 1) / 2;
	state->smooth = (struct multicomp_smooth *)(state->key_split + (state->n_keys + 1) / 2);
	state->rows = (float *)(state->smooth + state->channels);
	state->ring = state->rows +
		      (size_t)state->ways * (2 * state->channels + state->n_keys) * MIXD_SLICE_MAX;
	return 0;
}
