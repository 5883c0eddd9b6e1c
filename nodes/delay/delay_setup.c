/* delay_setup.c - the part of delay.c that runs on the control thread. */
#include <math.h>

#include "delay_state.h"

static size_t delay_head_bytes(uint32_t n_channels)
{
	return (sizeof(struct delay_state) + n_channels * sizeof(struct delay_channel) + 63) / 64 *
	       64;
}

static uint32_t delay_ring(double rate)
{
	return delayline_frames((uint32_t)ceil(DELAY_LONGEST_MS * 0.001 * rate) + DELAYLINE_TAPS);
}

static size_t delay_ring_bytes(double rate)
{
	return (delayline_bytes(delay_ring(rate)) + 63) / 64 * 64;
}

int delay_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
		struct mixd_fault *fault)
{
	uint32_t n = setup->out_layout[0]->n_channels;

	ret_need->state_bytes = delay_head_bytes(n) + n * delay_ring_bytes(setup->rate);
	/* With a feedback of 100 % and more echoes never end. */
	ret_need->tail = UINT64_MAX;
	return 0;
}

/* Channels that are each other's mirror image. */
static uint32_t delay_partner(const struct mixd_layout *layout, uint32_t channel)
{
	static const uint8_t pairs[][2] = {
		{MIXD_POS_FL, MIXD_POS_FR},   {MIXD_POS_SL, MIXD_POS_SR},
		{MIXD_POS_RL, MIXD_POS_RR},   {MIXD_POS_FLC, MIXD_POS_FRC},
		{MIXD_POS_TFL, MIXD_POS_TFR}, {MIXD_POS_TSL, MIXD_POS_TSR},
		{MIXD_POS_TRL, MIXD_POS_TRR},
	};
	uint8_t wanted = MIXD_POS_NONE;

	for (uint32_t p = 0; p < sizeof(pairs) / sizeof(pairs[0]); p++)
		for (uint32_t side = 0; side < 2; side++)
			if (layout->position[channel] == pairs[p][side])
				wanted = pairs[p][1 - side];
	for (uint32_t c = 0; wanted != MIXD_POS_NONE && c < layout->n_channels; c++)
		if (layout->position[c] == wanted)
			return c;
	return channel;
}

int delay_activate(struct mixd_inst *inst, struct mixd_fault *fault)
{
	struct delay_state *state = inst->state;
	const struct mixd_layout *layout = inst->setup->out_layout[0];
	double rate = inst->setup->rate;
	char *memory = inst->state;

	state->n_channels = layout->n_channels;
	delayline_table_init(&state->table);
	memory += delay_head_bytes(state->n_channels);
	for (uint32_t c = 0; c < state->n_channels; c++) {
		struct delay_channel *channel = &state->channel[c];

		channel->line = (struct delayline){(void *)memory, delay_ring(rate) - 1};
		channel->partner = delay_partner(layout, c);
		channel->is_right = channel->partner < c;
		memory += delay_ring_bytes(rate);
	}
	return 0;
}
