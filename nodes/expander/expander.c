/* expander - makes soft sound softer (down) or loud sound louder (up).
 *
 * SOURCE      Giannoulis, Massberg, Reiss, JAES 60(6) 2012, section 2: the gain computer, mirrored
 *             about the threshold (../dsp/dynamics.c); Zoelzer, DAFX 2nd edition, 2011, section
 *             4.2.2, for the two directions.
 * STRUCTURE   Peak of the loudest channel, log2, gain computer, then one recursion on the gain in
 *             log2: it rises with the attack, waits for the hold, falls with the release. Hold of half
 *             a period keeps a steady tone's gain steady. One gain for all channels. */
#include <math.h>

#include <mixd/node.h>

#include "dynamics_math.h"
#include "sidechain_rows.h"

#include <mixd/rt.h>

#define EXPANDER_TAIL_S 25.0 /* the slowest release is within 0.1 dB of where it goes */
#define EXPANDER_SILENT (float)(0.9999 * EXPANDER_RANGE_MAX / DYN_DB_PER_LOG2)
#define EXPANDER_RANGE_MAX 100.0

enum {
	EXPANDER_MODE,
	EXPANDER_THRESHOLD,
	EXPANDER_RATIO,
	EXPANDER_KNEE,
	EXPANDER_ATTACK,
	EXPANDER_HOLD,
	EXPANDER_RELEASE,
	EXPANDER_RANGE,
	EXPANDER_KEY_HPF,
	EXPANDER_KEY_LPF,
	EXPANDER_KEY_LISTEN,
};

static const char *const expander_mode_labels[] = {"down", "up", NULL};

static const struct mixd_port_row expander_ports[] = {
	SIDECHAIN_PORTS("What is expanded",
			"What steers the gain, when linked; else the input does",
			"The expanded signal"),
};

static const struct mixd_param_row expander_params[] = {
	[EXPANDER_MODE] =
		{.id = "mode",
		 .type = MIXD_TYPE_ENUM,
		 .max = 1,
		 .labels = expander_mode_labels,
		 .doc = "down lowers what is below the threshold, up raises what is above"},
	[EXPANDER_THRESHOLD] = {SIDECHAIN_FLOAT("threshold", MIXD_UNIT_DBFS, -80, 0, -45,
						MIXD_RAMP_LINEAR),
				.doc = "Level at which the gain is 0 dB"},
	[EXPANDER_RATIO] = {SIDECHAIN_FLOAT("ratio", MIXD_UNIT_RATIO, 1, 20, 2, MIXD_RAMP_LOG),
			    .doc = "Output dB per input dB beyond the threshold"},
	[EXPANDER_KNEE] = {SIDECHAIN_FLOAT("knee", MIXD_UNIT_DB, 0, 24, 6, MIXD_RAMP_LINEAR),
			   .doc = "Width of the bend around the threshold"},
	[EXPANDER_ATTACK] = {SIDECHAIN_FLOAT("attack", MIXD_UNIT_MS, 0.05, 250, 1, MIXD_RAMP_LOG),
			     .doc = "Time to 63 % of a rise of the gain"},
	[EXPANDER_HOLD] = {.id = "hold",
			   .unit = MIXD_UNIT_MS,
			   .max = 2000,
			   .def = 20,
			   .doc = "Time before the gain falls"},
	[EXPANDER_RELEASE] = {SIDECHAIN_FLOAT("release", MIXD_UNIT_MS, 5, 3000, 150, MIXD_RAMP_LOG),
			      .doc = "Time to 63 % of a fall of the gain"},
	[EXPANDER_RANGE] = {SIDECHAIN_FLOAT("range", MIXD_UNIT_DB, 0, EXPANDER_RANGE_MAX, 20,
					    MIXD_RAMP_LINEAR),
			    .doc = "The most change of gain; going down, the maximum is silence"},
	[EXPANDER_KEY_HPF] = SIDECHAIN_KEY_HPF(SIDECHAIN_HPF_OFF_HZ),
	[EXPANDER_KEY_LPF] = SIDECHAIN_KEY_LPF(SIDECHAIN_LPF_OFF_HZ),
	[EXPANDER_KEY_LISTEN] = SIDECHAIN_KEY_LISTEN,
};

static const struct mixd_config_row expander_configs[] = {
	SIDECHAIN_LOOKAHEAD(20),
};

enum { EXPANDER_METER_GR, EXPANDER_METER_BOOST };

static const struct mixd_meter_row expander_meters[] = {
	[EXPANDER_METER_GR] = SIDECHAIN_GR("Gain reduction of all channels"),
	[EXPANDER_METER_BOOST] = {.id = "boost",
				  .doc = "Gain above 0 dB of all channels",
				  .unit = MIXD_UNIT_DB,
				  .fold = MIXD_FOLD_MAX},
};

struct expander_state {
	struct sidechain chain;
	struct dyn_glide threshold, slope, range, up;
	struct dyn_curve curve; /* of level, for up */
	struct dyn_curve mirror; /* of -level, for down */
	struct dyn_swing swing; /* gain, log2 */
	double up_part;
};

static uint32_t expander_delay(const struct mixd_setup *setup)
{
	return (uint32_t)lround(setup->config[0].number * 0.001 * setup->rate);
}

static int expander_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
			  struct mixd_fault *fault)
{
	uint32_t delay = expander_delay(setup);

	ret_need->state_bytes = sizeof(struct expander_state) +
				sidechain_bytes(setup->out_layout[0]->n_channels,
						setup->in_layout[1]->n_channels, delay);
	ret_need->latency = delay;
	ret_need->tail = delay + (uint64_t)(EXPANDER_TAIL_S * setup->rate);
	return 0;
}

static int expander_activate(struct mixd_inst *inst, struct mixd_fault *fault)
{
	struct expander_state *state = inst->state;
	const struct mixd_setup *setup = inst->setup;

	sidechain_init(&state->chain, state + 1, setup->out_layout[0]->n_channels,
		       setup->in_layout[1]->n_channels, expander_delay(setup));
	return 0;
}

static void expander_reset(struct mixd_inst *inst)
{
	struct expander_state *state = inst->state;

	sidechain_reset(&state->chain);
	state->swing.value = 0.0; /* update() puts it where silence would */
	state->swing.held = 0;
}

/* Level, log2, to wanted gain, log2, in place. */
static void expander_want(const struct expander_state *state, uint32_t first, float *x, uint32_t n)
{
	const struct dyn_line *up = &state->up.now;
	float boost[MIXD_SLICE_MAX] __attribute__((aligned(64)));

	if (dyn_line_rests_at(up, 1.0f)) {
		dyn_reduce(&state->curve, first, x, n);
		return;
	}
	if (!dyn_line_rests_at(up, 0.0f)) {
		for (uint32_t i = 0; i < n; i++)
			boost[i] = x[i];
		dyn_reduce(&state->curve, first, boost, n);
	}
	for (uint32_t i = 0; i < n; i++)
		x[i] = -x[i];
	dyn_reduce(&state->mirror, first, x, n);
	if (dyn_line_rests_at(up, 0.0f)) {
		for (uint32_t i = 0; i < n; i++)
			x[i] = -x[i];
		return;
	}
	for (uint32_t i = 0; i < n; i++) {
		float part = up->at + up->step * (float)(int32_t)(first + i);

		x[i] = part * boost[i] - (1.0f - part) * x[i];
	}
}

static bool expander_update_curve(struct expander_state *state, const struct mixd_update *update,
				  double rate)
{
	const struct dyn_cell *cell = &state->chain.cell;
	const double *to = update->to;
	double knee = to[EXPANDER_KNEE] / DYN_DB_PER_LOG2;
	bool moving;

	state->up_part = glide_switch(state->up_part, to[EXPANDER_MODE] != 0.0, update, rate);
	moving = dyn_glide_to(&state->threshold, cell, to[EXPANDER_THRESHOLD] / DYN_DB_PER_LOG2,
			      update);
	moving |= dyn_glide_to(&state->slope, cell, to[EXPANDER_RATIO] - 1.0, update);
	moving |= dyn_glide_to(&state->range, cell, to[EXPANDER_RANGE] / DYN_DB_PER_LOG2, update);
	moving |= dyn_glide_to(&state->up, cell, glide_smooth(state->up_part), update);
	state->curve = (struct dyn_curve){
		.threshold = state->threshold.now,
		.slope = state->slope.now,
		.range = state->range.now,
		.knee = (float)knee,
		.knee_scale = knee > 0.0 ? (float)(0.5 / knee) : 0.0f,
	};
	state->mirror = state->curve;
	state->mirror.threshold.at = -state->mirror.threshold.at;
	state->mirror.threshold.step = -state->mirror.threshold.step;
	return moving;
}

static bool expander_update(struct mixd_inst *inst, const struct mixd_update *update)
{
	struct expander_state *state = inst->state;
	const double rate = inst->setup->rate, *to = update->to;
	bool moving = expander_update_curve(state, update, rate);

	state->swing.up = 1.0 - dyn_keep(to[EXPANDER_ATTACK] * 0.001, rate);
	state->swing.down = 1.0 - dyn_keep(to[EXPANDER_RELEASE] * 0.001, rate);
	state->swing.hold_frames = (uint32_t)lround(to[EXPANDER_HOLD] * 0.001 * rate);
	if (update->jump) {
		float silence = 0.0f;

		dyn_level(&silence, 1);
		expander_want(state, 0, &silence, 1);
		state->swing.value = (double)silence;
	}
	sidechain_passes(&state->chain, to[EXPANDER_KEY_HPF], to[EXPANDER_KEY_LPF], rate);
	moving |= sidechain_update(&state->chain, to[EXPANDER_KEY_LISTEN] != 0.0, update, rate);
	return moving;
}

/* Gain in log2 to a factor, in place; the lowest and the highest are kept. */
MIXD_CLONES static void expander_gain(float *x, float *ret_low, float *ret_high, uint32_t n)
{
	float low = 0.0f, high = 0.0f;

	for (uint32_t i = 0; i < n; i++) {
		low = dyn_smaller(low, x[i]);
		high = dyn_larger(high, x[i]);
	}
	for (uint32_t i = 0; i < n; i++) {
		float factor = dyn_exp2(x[i]);

		x[i] = x[i] > -EXPANDER_SILENT ? factor : 0.0f;
	}
	*ret_low = low;
	*ret_high = high;
}

static void expander_process(const struct mixd_call *call)
{
	const struct mixd_inst *inst = call->inst[0];
	struct expander_state *state = inst->state;
	float x[MIXD_SLICE_MAX] __attribute__((aligned(64)));
	uint32_t n = call->n_frames;
	float low, high;

	sidechain_hear(&state->chain, inst, inst->in_linked >> 1 & 1u, n);
	dyn_power_of_loudest(state->chain.row, state->chain.heard, x, n);
	dyn_level(x, n);
	expander_want(state, state->chain.cell.done, x, n);
	dyn_swing(&state->swing, x, n);
	expander_gain(x, &low, &high, n);
	sidechain_output(&state->chain, inst, x, 1.0f, n);
	inst->meter[EXPANDER_METER_GR] = low * DYN_DB_PER_LOG2;
	inst->meter[EXPANDER_METER_BOOST] = high * DYN_DB_PER_LOG2;
}

static const struct mixd_node_type expander_type = {
	.id = "expander",
	.doc = "Expander, down or up: soft knee, hold, look-ahead, key input",
	.category = "dynamics",
	.source = "Giannoulis, Massberg, Reiss, JAES 60(6) 2012; Zoelzer, DAFX, 2011, 4.2.2",
	.version = 1,
	.flags = MIXD_NODE_IN_PLACE,
	.ports = MIXD_ARRAY(expander_ports),
	.params = MIXD_ARRAY(expander_params),
	.configs = MIXD_ARRAY(expander_configs),
	.meters = MIXD_ARRAY(expander_meters),
	.needs = expander_needs,
	.activate = expander_activate,
	.update = expander_update,
	.process = expander_process,
	.reset = expander_reset,
};

MIXD_MODULE(&expander_type);
