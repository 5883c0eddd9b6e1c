/* gate - lets through what is above a level.
 *
 * SOURCE      The states and the fade: ../dsp/gatefade.c. Level is the peak of the loudest channel,
 *             frame by frame, so that the gate opens with the frame that crosses the threshold.
 * STRUCTURE   One gain for all channels. Shut or open, a slice costs a comparison and a copy. */
#include <math.h>

#include <mixd/node.h>

#include "gatefade.h"

#include "gate_tables.h"

#include <mixd/rt.h>

#define GATE_TAIL_S 5.5 /* the longest hold and release, and what the key filters ring */

struct gate_state {
	struct sidechain chain;
	struct gatefade fade;
	struct gatefade_gain gain;
	struct dyn_glide range, inverted;
	double inverted_part;
};

static uint32_t gate_delay(const struct mixd_setup *setup)
{
	return (uint32_t)lround(setup->config[0].number * 0.001 * setup->rate);
}

static int gate_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
		      struct mixd_fault *fault)
{
	uint32_t delay = gate_delay(setup);

	ret_need->state_bytes =
		sizeof(struct gate_state) + sidechain_bytes(setup->out_layout[0]->n_channels,
							    setup->in_layout[1]->n_channels, delay);
	ret_need->latency = delay;
	ret_need->tail = delay + (uint64_t)(GATE_TAIL_S * setup->rate);
	return 0;
}

static int gate_activate(struct mixd_inst *inst, struct mixd_fault *fault)
{
	struct gate_state *state = inst->state;
	const struct mixd_setup *setup = inst->setup;

	sidechain_init(&state->chain, state + 1, setup->out_layout[0]->n_channels,
		       setup->in_layout[1]->n_channels, gate_delay(setup));
	return 0;
}

static void gate_reset(struct mixd_inst *inst)
{
	struct gate_state *state = inst->state;

	sidechain_reset(&state->chain);
	gatefade_reset(&state->fade);
}

static bool gate_update(struct mixd_inst *inst, const struct mixd_update *update)
{
	struct gate_state *state = inst->state;
	const struct dyn_cell *cell = &state->chain.cell;
	const double rate = inst->setup->rate, *to = update->to;
	bool moving;

	gatefade_set(&state->fade, to[GATE_THRESHOLD], to[GATE_HYSTERESIS], to[GATE_ATTACK] * 0.001,
		     to[GATE_HOLD] * 0.001, to[GATE_RELEASE] * 0.001, rate);
	state->inverted_part =
		glide_switch(state->inverted_part, to[GATE_MODE] != 0.0, update, rate);
	moving = dyn_glide_to(&state->range, cell, to[GATE_RANGE] / DYN_DB_PER_LOG2, update);
	moving |= dyn_glide_to(&state->inverted, cell, glide_smooth(state->inverted_part), update);
	state->gain = (struct gatefade_gain){
		.range = state->range.now,
		.inverted = state->inverted.now,
		.silent = (float)(0.9999 * GATE_RANGE_MAX / DYN_DB_PER_LOG2),
	};
	sidechain_passes(&state->chain, to[GATE_KEY_HPF], to[GATE_KEY_LPF], rate);
	moving |= sidechain_update(&state->chain, to[GATE_KEY_LISTEN] != 0.0, update, rate);
	return moving;
}

static void gate_process(const struct mixd_call *call)
{
	const struct mixd_inst *inst = call->inst[0];
	struct gate_state *state = inst->state;
	struct sidechain *chain = &state->chain;
	float power[MIXD_SLICE_MAX] __attribute__((aligned(64)));
	float part[MIXD_SLICE_MAX] __attribute__((aligned(64)));
	uint32_t n = call->n_frames;
	enum gatefade_is is;
	float most;

	sidechain_hear(chain, inst, inst->in_linked >> 1 & 1u, n);
	dyn_power_of_loudest(chain->row, chain->heard, power, n);
	is = gatefade_run(&state->fade, power, part, n);
	if (is != GATEFADE_MOVES && state->range.now.step == 0.0f &&
	    state->inverted.now.step == 0.0f) {
		part[0] = is == GATEFADE_OPEN ? 1.0f : 0.0f;
		most = gatefade_gain(&state->gain, 0, part, 1);
		sidechain_output(chain, inst, NULL, part[0], n);
	} else {
		for (uint32_t i = 0; is != GATEFADE_MOVES && i < n; i++)
			part[i] = is == GATEFADE_OPEN ? 1.0f : 0.0f;
		most = gatefade_gain(&state->gain, chain->cell.done, part, n);
		sidechain_output(chain, inst, part, 1.0f, n);
	}
	inst->meter[GATE_METER_GR] = -most * DYN_DB_PER_LOG2;
	inst->meter[GATE_METER_OPEN] = state->fade.opened;
}

static const struct mixd_node_type gate_type = {
	.id = "gate",
	.doc = "Gate: hysteresis, hold, look-ahead, key input; inverted it ducks",
	.category = "dynamics",
	.source = "Drawmer DS201 manual, 1982",
	.version = 1,
	.flags = MIXD_NODE_IN_PLACE,
	.ports = MIXD_ARRAY(gate_ports),
	.params = MIXD_ARRAY(gate_params),
	.configs = MIXD_ARRAY(gate_configs),
	.meters = MIXD_ARRAY(gate_meters),
	.needs = gate_needs,
	.activate = gate_activate,
	.update = gate_update,
	.process = gate_process,
	.reset = gate_reset,
};

MIXD_MODULE(&gate_type);
