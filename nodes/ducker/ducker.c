/* ducker - lowers programme while the key speaks.
 *
 * SOURCE      Level: mean square of the K-weighted key, all its channels summed, ITU-R BS.1770-4
 *             without gates and with a time constant of 50 ms instead of a window of 400. States and
 *             fade: ../dsp/gatefade.c.
 * STRUCTURE   Without a link to the key nothing is ever lowered. One gain for all channels; at rest a
 *             slice costs the detector and a copy. */
#include <math.h>

#include <mixd/node.h>

#include "gatefade.h"
#include "sidechain_rows.h"

#include <mixd/rt.h>

#define DUCKER_RMS_S 0.05
#define DUCKER_OFFSET_LU 0.691 /* BS.1770: a 997 Hz tone in one channel reads its level */
#define DUCKER_HYSTERESIS_LU 3.0
#define DUCKER_TAIL_S 16.0

enum {
	DUCKER_THRESHOLD,
	DUCKER_DEPTH,
	DUCKER_ATTACK,
	DUCKER_HOLD,
	DUCKER_RELEASE,
	DUCKER_KEY_LISTEN,
};

static const char *const ducker_active_labels[] = {"idle", "ducking", NULL};

static const struct mixd_port_row ducker_ports[] = {
	SIDECHAIN_PORTS("The programme", "What the programme makes room for: speech",
			"The programme, lower while the key speaks"),
};

static const struct mixd_param_row ducker_params[] = {
	[DUCKER_THRESHOLD] =
		{SIDECHAIN_FLOAT("threshold", MIXD_UNIT_LUFS, -70, 0, -40, MIXD_RAMP_LINEAR),
		 .doc = "Loudness of the key, over 50 ms, that lowers the programme; 3 LU "
			"less keep it low"},
	[DUCKER_DEPTH] = {SIDECHAIN_FLOAT("depth", MIXD_UNIT_DB, 0, 60, 12, MIXD_RAMP_LINEAR),
			  .doc = "How much lower"},
	[DUCKER_ATTACK] = {SIDECHAIN_FLOAT("attack", MIXD_UNIT_MS, 5, 2000, 50, MIXD_RAMP_LOG),
			   .doc = "Time of the fade down"},
	[DUCKER_HOLD] =
		{.id = "hold",
		 .unit = MIXD_UNIT_MS,
		 .max = 5000,
		 .def = 500,
		 .doc = "Time after the key before the programme returns: longer than the gaps "
			"between words"},
	[DUCKER_RELEASE] = {SIDECHAIN_FLOAT("release", MIXD_UNIT_MS, 20, 10000, 800, MIXD_RAMP_LOG),
			    .doc = "Time of the fade up"},
	[DUCKER_KEY_LISTEN] = SIDECHAIN_KEY_LISTEN,
};

static const struct mixd_config_row ducker_configs[] = {
	SIDECHAIN_LOOKAHEAD(500),
};

enum { DUCKER_METER_GR, DUCKER_METER_KEY, DUCKER_METER_ACTIVE };

static const struct mixd_meter_row ducker_meters[] = {
	[DUCKER_METER_GR] = SIDECHAIN_GR("How much lower the programme is"),
	[DUCKER_METER_KEY] = {.id = "key_level",
			      .doc = "Loudness of the key over 50 ms",
			      .unit = MIXD_UNIT_LUFS,
			      .fold = MIXD_FOLD_MAX},
	[DUCKER_METER_ACTIVE] = {.id = "active",
				 .doc = "Whether the key is above the threshold",
				 .fold = MIXD_FOLD_LAST,
				 .labels = ducker_active_labels},
};

struct ducker_state {
	struct sidechain chain;
	struct gatefade fade;
	struct gatefade_gain gain;
	struct dyn_glide depth;
	double power, take;
};

static uint32_t ducker_delay(const struct mixd_setup *setup)
{
	return (uint32_t)lround(setup->config[0].number * 0.001 * setup->rate);
}

static int ducker_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
			struct mixd_fault *fault)
{
	uint32_t delay = ducker_delay(setup);

	ret_need->state_bytes = sizeof(struct ducker_state) +
				sidechain_bytes(setup->out_layout[0]->n_channels,
						setup->in_layout[1]->n_channels, delay);
	ret_need->latency = delay;
	ret_need->tail = delay + (uint64_t)(DUCKER_TAIL_S * setup->rate);
	return 0;
}

static int ducker_activate(struct mixd_inst *inst, struct mixd_fault *fault)
{
	const struct eq_band shelf = {EQ_TYPE_HIGHSHELF, EQ_SLOPE_12, 1681.974450955533,
				      3.999843853973347, 0.7071752369554196};
	const struct eq_band pass = {EQ_TYPE_HIGHPASS, EQ_SLOPE_12, 38.13547087602444, 0.0,
				     0.5003270373238773};
	struct ducker_state *state = inst->state;
	const struct mixd_setup *setup = inst->setup;

	sidechain_init(&state->chain, state + 1, setup->out_layout[0]->n_channels,
		       setup->in_layout[1]->n_channels, ducker_delay(setup));
	sidechain_section(&state->chain, 0, &shelf, setup->rate);
	sidechain_section(&state->chain, 1, &pass, setup->rate);
	state->take = 1.0 - dyn_keep(DUCKER_RMS_S, setup->rate);
	return 0;
}

static void ducker_reset(struct mixd_inst *inst)
{
	struct ducker_state *state = inst->state;

	sidechain_reset(&state->chain);
	gatefade_reset(&state->fade);
	state->power = 0.0;
}

static bool ducker_update(struct mixd_inst *inst, const struct mixd_update *update)
{
	struct ducker_state *state = inst->state;
	const double rate = inst->setup->rate, *to = update->to;
	bool moving;

	gatefade_set(&state->fade, to[DUCKER_THRESHOLD] + DUCKER_OFFSET_LU, DUCKER_HYSTERESIS_LU,
		     to[DUCKER_ATTACK] * 0.001, to[DUCKER_HOLD] * 0.001, to[DUCKER_RELEASE] * 0.001,
		     rate);
	moving = dyn_glide_to(&state->depth, &state->chain.cell, to[DUCKER_DEPTH] / DYN_DB_PER_LOG2,
			      update);
	state->gain = (struct gatefade_gain){
		.range = state->depth.now, .inverted = {1.0f, 0.0f}, .silent = 1e3f};
	moving |= sidechain_update(&state->chain, to[DUCKER_KEY_LISTEN] != 0.0, update, rate);
	return moving;
}

MIXD_CLONES static void ducker_add(const float *in, float *sum, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		sum[i] += in[i];
}

/* Summed mean power of the weighted key. */
static void ducker_level(struct ducker_state *state, float *power, uint32_t n)
{
	float row[MIXD_SLICE_MAX] __attribute__((aligned(64)));

	dyn_power(state->chain.row[0], power, n);
	for (uint32_t c = 1; c < state->chain.heard; c++) {
		dyn_power(state->chain.row[c], row, n);
		ducker_add(row, power, n);
	}
	dyn_mean_row(&state->power, state->take, power, n);
}

static void ducker_process(const struct mixd_call *call)
{
	const struct mixd_inst *inst = call->inst[0];
	struct ducker_state *state = inst->state;
	struct sidechain *chain = &state->chain;
	float power[MIXD_SLICE_MAX] __attribute__((aligned(64)));
	float part[MIXD_SLICE_MAX] __attribute__((aligned(64)));
	uint32_t n = call->n_frames;
	enum gatefade_is is;
	float most;

	sidechain_hear(chain, inst, true, n);
	ducker_level(state, power, n);
	is = gatefade_run(&state->fade, power, part, n);
	if (is != GATEFADE_MOVES && state->depth.now.step == 0.0f) {
		part[0] = is == GATEFADE_OPEN ? 1.0f : 0.0f;
		most = gatefade_gain(&state->gain, 0, part, 1);
		sidechain_output(chain, inst, NULL, part[0], n);
	} else {
		for (uint32_t i = 0; is != GATEFADE_MOVES && i < n; i++)
			part[i] = is == GATEFADE_OPEN ? 1.0f : 0.0f;
		most = gatefade_gain(&state->gain, chain->cell.done, part, n);
		sidechain_output(chain, inst, part, 1.0f, n);
	}
	inst->meter[DUCKER_METER_GR] = -most * DYN_DB_PER_LOG2;
	inst->meter[DUCKER_METER_KEY] =
		state->power > 1e-12 ? 10.0 * log10(state->power) - DUCKER_OFFSET_LU : -HUGE_VAL;
	inst->meter[DUCKER_METER_ACTIVE] = state->fade.opened;
}

static const struct mixd_node_type ducker_type = {
	.id = "ducker",
	.doc = "Lowers programme while the key speaks, by a smooth fade",
	.category = "dynamics",
	.source = "ITU-R BS.1770-4 for the level of the key",
	.version = 1,
	.flags = MIXD_NODE_IN_PLACE,
	.ports = MIXD_ARRAY(ducker_ports),
	.params = MIXD_ARRAY(ducker_params),
	.configs = MIXD_ARRAY(ducker_configs),
	.meters = MIXD_ARRAY(ducker_meters),
	.needs = ducker_needs,
	.activate = ducker_activate,
	.update = ducker_update,
	.process = ducker_process,
	.reset = ducker_reset,
};

MIXD_MODULE(&ducker_type);
