/* balance.c - which side of a picture is louder.
 *
 * SOURCE      Rumsey, Spatial Audio (2001), chapter 3: a balance control only lowers the far side;
 *             the near one stays as it is. The far side follows cos^k, the law of pan.c: k = 1 keeps
 *             the power of two alike sides falling smoothly, 2 is steeper at first; `linear` is a
 *             straight line.
 * STRUCTURE   A channel belongs to the left, the right or the middle by its position, so any layout
 *             with sides will do; the middle is never touched. update() makes two factors at both
 *             ends of a cell. */
#include <mixd/node.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "ramp.h"

#include <mixd/rt.h>

enum { BALANCE_MIDDLE, BALANCE_LEFT, BALANCE_RIGHT, BALANCE_SIDES };
enum { BALANCE_LAW_POWER, BALANCE_LAW_LINEAR, BALANCE_LAW_STEEP };

static const char *const balance_laws[] = {"power", "linear", "steep", NULL};

static const struct mixd_port_row balance_ports[] = {
	{"in", "A picture with sides", false, MIXD_PORT_MAIN, NULL},
	{"out", "The same, one side lower", true, MIXD_PORT_MAIN, NULL},
};

static const struct mixd_param_row balance_params[] = {
	{"balance", "The louder side; at an end the other is silent", MIXD_TYPE_FLOAT,
	 MIXD_UNIT_PAN, -100, 100, 0, MIXD_RAMP_LINEAR, 20, NULL, NULL, 0, NULL},
};

static const struct mixd_config_row balance_configs[] = {
	{"law",
	 "How the far side falls: power as a cosine, linear as a straight line, steep as a cosine "
	 "squared",
	 MIXD_TYPE_ENUM, MIXD_UNIT_NONE, 0, 2, BALANCE_LAW_POWER, NULL, balance_laws, false},
};

struct balance_state {
	struct dsp_ramp gain[BALANCE_SIDES]; /* of the middle: at rest at 1 */
	uint8_t side[MIXD_CHANNELS_MAX];
	uint32_t channels;
	int law;
};

static uint8_t balance_side(const struct mixd_layout *layout, uint32_t channel)
{
	if (layout->n_channels == 2)
		return channel == 0 ? BALANCE_LEFT : BALANCE_RIGHT;
	switch (layout->position[channel]) {
	case MIXD_POS_FL:
	case MIXD_POS_SL:
	case MIXD_POS_RL:
	case MIXD_POS_FLC:
	case MIXD_POS_TFL:
	case MIXD_POS_TSL:
	case MIXD_POS_TRL:
		return BALANCE_LEFT;
	case MIXD_POS_FR:
	case MIXD_POS_SR:
	case MIXD_POS_RR:
	case MIXD_POS_FRC:
	case MIXD_POS_TFR:
	case MIXD_POS_TSR:
	case MIXD_POS_TRR:
		return BALANCE_RIGHT;
	default:
		return BALANCE_MIDDLE;
	}
}

static int balance_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
			 struct mixd_fault *fault)
{
	const struct mixd_layout *layout = setup->out_layout[0];
	bool sides = false;

	for (uint32_t c = 0; c < layout->n_channels; c++)
		sides = sides || balance_side(layout, c) != BALANCE_MIDDLE;
	if (!sides) {
		snprintf(fault->text, sizeof(fault->text), "%s has no left and right to balance",
			 layout->name);
		snprintf(fault->hint, sizeof(fault->hint),
			 "set layout=stereo or a named surround layout; pan places a mono signal");
		return -EINVAL;
	}
	ret_need->state_bytes = sizeof(struct balance_state);
	return 0;
}

static int balance_activate(struct mixd_inst *inst, struct mixd_fault *fault)
{
	struct balance_state *state = inst->state;
	const struct mixd_layout *layout = inst->setup->out_layout[0];

	state->channels = layout->n_channels;
	state->law = (int)inst->setup->config[0].number;
	for (uint32_t c = 0; c < state->channels; c++)
		state->side[c] = balance_side(layout, c);
	dsp_ramp_set(&state->gain[BALANCE_MIDDLE], 1, 1, MIXD_CELL);
	return 0;
}

/* The factor of the side that lies AWAY (0 .. 1) from the balance. */
static double balance_factor(int law, double away)
{
	double cosine = cos(away * M_PI / 2);

	if (away <= 0)
		return 1;
	if (away >= 1)
		return 0;
	return law == BALANCE_LAW_LINEAR  ? 1 - away
	       : law == BALANCE_LAW_STEEP ? cosine * cosine
					  : cosine;
}

static bool balance_update(struct mixd_inst *inst, const struct mixd_update *update)
{
	struct balance_state *state = inst->state;
	double from = update->from[0] / 100, to = update->to[0] / 100;

	dsp_ramp_set(&state->gain[BALANCE_LEFT], balance_factor(state->law, from),
		     balance_factor(state->law, to), update->cell_frames);
	dsp_ramp_set(&state->gain[BALANCE_RIGHT], balance_factor(state->law, -from),
		     balance_factor(state->law, -to), update->cell_frames);
	return false;
}

static void balance_process(const struct mixd_call *call)
{
	const struct mixd_inst *inst = call->inst[0];
	struct balance_state *state = inst->state;

	for (uint32_t c = 0; c < state->channels; c++)
		dsp_ramp_mul(&state->gain[state->side[c]], inst->in[c], inst->out[c],
			     call->n_frames);
	for (uint32_t side = BALANCE_LEFT; side < BALANCE_SIDES; side++)
		dsp_ramp_advance(&state->gain[side], call->n_frames);
}

static const struct mixd_node_type balance_type = {
	.id = "balance",
	.doc = "Makes one side of a picture lower than the other",
	.category = "level",
	.source = "Rumsey, Spatial Audio, 2001, ch. 3",
	.version = 1,
	.flags = MIXD_NODE_IN_PLACE,
	.ports = MIXD_ARRAY(balance_ports),
	.params = MIXD_ARRAY(balance_params),
	.configs = MIXD_ARRAY(balance_configs),
	.needs = balance_needs,
	.activate = balance_activate,
	.update = balance_update,
	.process = balance_process,
};

MIXD_MODULE(&balance_type);
