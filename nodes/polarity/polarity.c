/* polarity.c - turn channels over.
 *
 * SOURCE      y = -x. A sign has no values between, so the node glides through 0 along a smoothstep
 *             of 20 ms, which keeps the sidebands of a full-scale 1 kHz sine below -90 dBFS
 *             (reference dsp.md 2.6, measured).
 * STRUCTURE   A channel is turned over when one of `invert` and its own row says so, not when both
 *             do. One glide per channel; at rest it is a copy or a change of the sign bit. */
#include <mixd/node.h>

#include "glide.h"

#include <mixd/rt.h>

static const struct mixd_port_row polarity_ports[] = {
	{"in", "What is turned over", false, MIXD_PORT_MAIN, NULL},
	{"out", "The same, with its polarity", true, MIXD_PORT_MAIN, NULL},
};

enum { POLARITY_ALL, POLARITY_CHANNELS };

static const struct mixd_param_row polarity_params[] = {
	{"invert", "Turn all channels over", MIXD_TYPE_BOOL, MIXD_UNIT_NONE, 0, 1, 0,
	 MIXD_RAMP_NONE, 0, NULL, NULL, 0, NULL},
	{"invert", "Turn this channel over; with the invert of all it is as it was", MIXD_TYPE_BOOL,
	 MIXD_UNIT_NONE, 0, 1, 0, MIXD_RAMP_NONE, 0, NULL, "channel", MIXD_CHANNELS_MAX, NULL},
};

struct polarity_glide {
	struct dsp_ramp factor; /* +1 .. -1 */
	double inverted; /* 0 .. 1, at the end of the cell */
};

struct polarity_state {
	struct polarity_glide channel[MIXD_CHANNELS_MAX];
};

static uint32_t polarity_channels(const struct mixd_inst *inst)
{
	return inst->setup->out_layout[0]->n_channels;
}

static int polarity_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
			  struct mixd_fault *fault)
{
	ret_need->state_bytes = sizeof(struct polarity_state);
	return 0;
}

static void polarity_reset(struct mixd_inst *inst)
{
	*(struct polarity_state *)inst->state = (struct polarity_state){0};
}

/* True while it moves. */
static bool polarity_glide(struct polarity_glide *glide, bool invert, double rate,
			   const struct mixd_update *update)
{
	/* An event may have cut the last cell: go on from where it is. */
	double before = dsp_ramp_value(&glide->factor, 0), after;

	glide->inverted = glide_switch(glide->inverted, invert, update, rate);
	after = 1.0 - 2.0 * glide_smooth(glide->inverted);
	if (update->jump)
		before = after;
	dsp_ramp_set(&glide->factor, before, after, update->cell_frames);
	return before != after;
}

static bool polarity_update(struct mixd_inst *inst, const struct mixd_update *update)
{
	struct polarity_state *state = inst->state;
	bool all = update->to[POLARITY_ALL] > 0.5, moving = false;

	for (uint32_t c = 0; c < polarity_channels(inst); c++) {
		bool own = update->to[POLARITY_CHANNELS + c] > 0.5;

		moving |= polarity_glide(&state->channel[c], all != own, inst->setup->rate, update);
	}
	return moving;
}

static void polarity_process(const struct mixd_call *call)
{
	const struct mixd_inst *inst = call->inst[0];
	struct polarity_state *state = inst->state;

	for (uint32_t c = 0; c < polarity_channels(inst); c++) {
		dsp_ramp_mul(&state->channel[c].factor, inst->in[c], inst->out[c], call->n_frames);
		dsp_ramp_advance(&state->channel[c].factor, call->n_frames);
	}
}

static const struct mixd_node_type polarity_type = {
	.id = "polarity",
	.doc = "Turns the polarity of all or some channels over",
	.category = "level",
	.source = "smoothing: reference measurement of ramps, smoothstep 20 ms",
	.version = 1,
	.flags = MIXD_NODE_IN_PLACE,
	.ports = MIXD_ARRAY(polarity_ports),
	.params = MIXD_ARRAY(polarity_params),
	.needs = polarity_needs,
	.update = polarity_update,
	.process = polarity_process,
	.reset = polarity_reset,
};

MIXD_MODULE(&polarity_type);
