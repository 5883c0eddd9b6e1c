/* gain.c - level and polarity.
 *
 * SOURCE      y = g x. A step of g spreads sidebands; a smoothstep of 20 ms keeps them below
 *             -90 dBFS for 20 dB on a full-scale 1 kHz sine (reference dsp.md 2.6, measured).
 * STRUCTURE   The engine ramps `gain`; `invert` has no values between, so the node glides the sign
 *             itself along the same smoothstep. Both meet in one factor per cell end, interpolated
 *             between (dsp/ramp.h), so 0 dB is a copy and -inf writes zeros. */
#include <mixd/node.h>

#include "glide.h"

#include <mixd/rt.h>

static const struct mixd_port_row gain_ports[] = {
	{"in", "What is made louder or softer", false, MIXD_PORT_MAIN, NULL},
	{"out", "The same at its new level", true, MIXD_PORT_MAIN, NULL},
};

/* `safe` is for the engine: solo in place of other strips leaves this one open. */
enum { GAIN_PARAM_GAIN, GAIN_PARAM_INVERT, GAIN_PARAM_SAFE, GAIN_PARAMS };

static const struct mixd_param_row gain_params[] = {
	{"gain", "Change of level; -inf is silence", MIXD_TYPE_FLOAT, MIXD_UNIT_DB, -144, 24, 0,
	 MIXD_RAMP_GAIN, 20, NULL, NULL, 0, NULL},
	{"invert", "Turn the polarity over", MIXD_TYPE_BOOL, MIXD_UNIT_NONE, 0, 1, 0,
	 MIXD_RAMP_NONE, 0, NULL, NULL, 0, NULL},
	{"safe", "Stay open when others are soloed in place", MIXD_TYPE_BOOL, MIXD_UNIT_NONE, 0, 1,
	 0, MIXD_RAMP_NONE, 0, NULL, NULL, 0, NULL},
};

struct gain_state {
	struct dsp_ramp factor;
	double inverted; /* 0 .. 1 */
	uint32_t channels;
};

static int gain_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
		      struct mixd_fault *fault)
{
	ret_need->state_bytes = sizeof(struct gain_state);
	return 0;
}

static int gain_activate(struct mixd_inst *inst, struct mixd_fault *fault)
{
	((struct gain_state *)inst->state)->channels = inst->setup->out_layout[0]->n_channels;
	return 0;
}

static void gain_reset(struct mixd_inst *inst)
{
	struct gain_state *state = inst->state;

	*state = (struct gain_state){.channels = state->channels};
}

static double gain_sign(double inverted)
{
	return 1.0 - 2.0 * glide_smooth(inverted);
}

static bool gain_update(struct mixd_inst *inst, const struct mixd_update *update)
{
	struct gain_state *state = inst->state;
	double before = gain_sign(state->inverted), after;

	state->inverted = glide_switch(state->inverted, update->to[GAIN_PARAM_INVERT] > 0.5, update,
				       inst->setup->rate);
	after = gain_sign(state->inverted);
	if (update->jump)
		before = after;
	dsp_ramp_set(&state->factor, update->from[GAIN_PARAM_GAIN] * before,
		     update->to[GAIN_PARAM_GAIN] * after, update->cell_frames);
	return before != after;
}

static void gain_process(const struct mixd_call *call)
{
	const struct mixd_inst *inst = call->inst[0];
	struct gain_state *state = inst->state;

	dsp_ramp_mul_channels(&state->factor, inst->in, inst->out, state->channels, call->n_frames);
	dsp_ramp_advance(&state->factor, call->n_frames);
}

static const struct mixd_node_type gain_type = {
	.id = "gain",
	.doc = "Changes the level, or the polarity",
	.category = "level",
	.source = "smoothing: reference measurement of ramps, smoothstep 20 ms",
	.version = 1,
	.flags = MIXD_NODE_IN_PLACE,
	.ports = gain_ports,
	.n_ports = 2,
	.params = gain_params,
	.n_params = GAIN_PARAMS,
	.needs = gain_needs,
	.activate = gain_activate,
	.update = gain_update,
	.process = gain_process,
	.reset = gain_reset,
};

MIXD_MODULE(&gain_type);
