/* pan.c - where in the stereo picture: pan, balance, and both sides on their own.
 *
 * SOURCE      Rumsey, Spatial Audio (2001), chapter 3, after Blumlein (GB 394325, 1933). One family
 *             for all laws: theta = (p + 1) pi/4, L = cos^k theta, R = sin^k theta. The centre is at
 *             -3.01 k dB: k = 1 keeps power, 2 amplitude, 1.5 is between.
 * STRUCTURE   update() turns the params into a 2x2 matrix at both ends of the cell; process()
 *             applies it, interpolated while it moves. Law and mode are configs: a change of them
 *             is a crossfade of the engine. */
#include <mixd/node.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "clones.h"
#include "ramp.h"

#include <mixd/rt.h>

static const char *const pan_modes[] = {"balance", "stereo", NULL};
static const char *const pan_laws[] = {"-3", "-4.5", "-6", NULL};

static const struct mixd_port_row pan_ports[] = {
	{"in", "Mono or stereo", false, MIXD_PORT_MAIN, NULL},
	{"out", "Stereo", true, MIXD_PORT_STEREO, NULL},
};

enum { PAN_PARAM_PAN, PAN_PARAM_WIDTH };

static const struct mixd_param_row pan_params[] = {
	{"pan", "Place between left and right", MIXD_TYPE_FLOAT, MIXD_UNIT_PAN, -100, 100, 0,
	 MIXD_RAMP_LINEAR, 20, NULL, NULL, 0, NULL},
	{"width",
	 "Mode stereo: how far left and right are from the middle; 0 % is mono, below it they "
	 "change sides",
	 MIXD_TYPE_FLOAT, MIXD_UNIT_PERCENT, -100, 100, 100, MIXD_RAMP_LINEAR, 20, NULL, NULL, 0,
	 NULL},
};

enum { PAN_CONFIG_MODE, PAN_CONFIG_LAW, PAN_CONFIG_COMPENSATE };

static const struct mixd_config_row pan_configs[] = {
	{"mode",
	 "Stereo inputs: `balance` only lowers the far side, `stereo` places left and right each "
	 "by "
	 "the law; a mono input is always placed by the law",
	 MIXD_TYPE_ENUM, MIXD_UNIT_NONE, 0, 1, 0, NULL, pan_modes, false},
	{"law", "Level of the centre in dB: -3 keeps power, -6 amplitude, -4.5 is between",
	 MIXD_TYPE_ENUM, MIXD_UNIT_NONE, 0, 2, 0, NULL, pan_laws, false},
	{"compensate", "Raise everything so that the centre is at 0 dB", MIXD_TYPE_BOOL,
	 MIXD_UNIT_NONE, 0, 1, 0, NULL, NULL, false},
};

/* From input side to output side; a mono input is the left one. */
enum { PAN_LL, PAN_LR, PAN_RL, PAN_RR, PAN_GAINS };

struct pan_state {
	/* What a slice at rest needs: one line of the cache. */
	float rest[PAN_GAINS]; /* the gains, when `rests` */
	uint32_t n_in;
	bool rests;
	bool balance;
	double exponent, makeup;
	struct dsp_ramp gain[PAN_GAINS];
};

static int pan_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
		     struct mixd_fault *fault)
{
	if (setup->in_layout[0]->n_channels > 2) {
		snprintf(fault->text, sizeof(fault->text), "pan takes mono or stereo, not %s",
			 setup->in_layout[0]->name);
		snprintf(fault->hint, sizeof(fault->hint),
			 "set layout=mono or layout=stereo, or leave pan out");
		return -EINVAL;
	}
	ret_need->state_bytes = sizeof(struct pan_state);
	return 0;
}

static int pan_activate(struct mixd_inst *inst, struct mixd_fault *fault)
{
	static const double exponents[] = {1.0, 1.5, 2.0};
	struct pan_state *state = inst->state;
	const struct mixd_value *config = inst->setup->config;

	state->exponent = exponents[(int)config[PAN_CONFIG_LAW].number];
	if (config[PAN_CONFIG_COMPENSATE].number > 0.5)
		state->makeup = pow(2, state->exponent / 2);
	else
		state->makeup = 1;
	state->n_in = inst->setup->in_layout[0]->n_channels;
	state->balance = state->n_in == 2 && config[PAN_CONFIG_MODE].number < 0.5;
	return 0;
}

/* Gains to the left and right for a place of -1..1; the far end is exactly silent. */
static void pan_place(const struct pan_state *state, double place, double *ret_left,
		      double *ret_right)
{
	double theta = (place + 1) * M_PI / 4;

	*ret_left = place >= 1 ? 0 : state->makeup * pow(cos(theta), state->exponent);
	*ret_right = place <= -1 ? 0 : state->makeup * pow(sin(theta), state->exponent);
}

static double pan_clamp(double place)
{
	return place < -1 ? -1 : place > 1 ? 1 : place;
}

static void pan_matrix(const struct pan_state *state, const double *value, double ret[PAN_GAINS])
{
	double pan = value[PAN_PARAM_PAN] / 100, width = value[PAN_PARAM_WIDTH] / 100;

	memset(ret, 0, sizeof(double) * PAN_GAINS);
	if (state->n_in == 1) {
		pan_place(state, pan, &ret[PAN_LL], &ret[PAN_LR]);
	} else if (state->balance) {
		double far_side =
			fabs(pan) >= 1 ? 0 : pow(cos(fabs(pan) * M_PI / 2), state->exponent);

		ret[PAN_LL] = pan > 0 ? far_side : 1;
		ret[PAN_RR] = pan < 0 ? far_side : 1;
	} else {
		pan_place(state, pan_clamp(pan - width), &ret[PAN_LL], &ret[PAN_LR]);
		pan_place(state, pan_clamp(pan + width), &ret[PAN_RL], &ret[PAN_RR]);
	}
}

static void pan_settle(struct pan_state *state)
{
	state->rests = true;
	for (int i = 0; i < PAN_GAINS; i++) {
		state->rests = state->rests && dsp_ramp_rests(&state->gain[i]);
		state->rest[i] = (float)state->gain[i].to;
	}
}

static bool pan_update(struct mixd_inst *inst, const struct mixd_update *update)
{
	struct pan_state *state = inst->state;
	double from[PAN_GAINS], to[PAN_GAINS];

	pan_matrix(state, update->from, from);
	pan_matrix(state, update->to, to);
	for (int i = 0; i < PAN_GAINS; i++)
		dsp_ramp_set(&state->gain[i], from[i], to[i], update->cell_frames);
	pan_settle(state);
	return false;
}

/* out = a * gain_a + b * gain_b at rest. */
MIXD_INLINE void pan_rest(float *restrict out, const float *restrict a, const float *restrict b,
			  float gain_a, float gain_b, uint32_t n_frames)
{
	if (gain_b == 0)
		for (uint32_t i = 0; i < n_frames; i++)
			out[i] = a[i] * gain_a;
	else
		for (uint32_t i = 0; i < n_frames; i++)
			out[i] = a[i] * gain_a + b[i] * gain_b;
}

/* A mono input, to both sides at once. */
MIXD_INLINE void pan_rest_mono(float *restrict left, float *restrict right,
			       const float *restrict in, float gain_left, float gain_right,
			       uint32_t n_frames)
{
	for (uint32_t i = 0; i < n_frames; i++) {
		left[i] = in[i] * gain_left;
		right[i] = in[i] * gain_right;
	}
}

/* The same while the gains move. */
MIXD_INLINE void pan_move(float *restrict out, const float *restrict a, const float *restrict b,
			  const struct dsp_ramp *gain_a, const struct dsp_ramp *gain_b,
			  uint32_t n_frames)
{
	for (uint32_t i = 0; i < n_frames; i++)
		out[i] = (float)((double)a[i] * dsp_ramp_value(gain_a, i) +
				 (double)b[i] * dsp_ramp_value(gain_b, i));
}

MIXD_CLONES static void pan_process(const struct mixd_call *call)
{
	const struct mixd_inst *inst = call->inst[0];
	struct pan_state *state = inst->state;
	const float *left = inst->in[0], *right = inst->in[state->n_in - 1];
	uint32_t n = call->n_frames;
	const struct dsp_ramp *gain = state->gain;

	if (state->rests && state->n_in == 1) {
		pan_rest_mono(inst->out[0], inst->out[1], left, state->rest[PAN_LL],
			      state->rest[PAN_LR], n);
		return;
	}
	if (state->rests) {
		pan_rest(inst->out[0], left, right, state->rest[PAN_LL], state->rest[PAN_RL], n);
		pan_rest(inst->out[1], right, left, state->rest[PAN_RR], state->rest[PAN_LR], n);
		return;
	}
	pan_move(inst->out[0], left, right, &gain[PAN_LL], &gain[PAN_RL], n);
	if (state->n_in == 1)
		pan_move(inst->out[1], left, right, &gain[PAN_LR], &gain[PAN_RR], n);
	else
		pan_move(inst->out[1], right, left, &gain[PAN_RR], &gain[PAN_LR], n);
	for (int i = 0; i < PAN_GAINS; i++)
		dsp_ramp_advance(&state->gain[i], n);
	pan_settle(state);
}

static const struct mixd_node_type pan_type = {
	.id = "pan",
	.doc = "Places mono or stereo sound between left and right",
	.category = "space",
	.source = "Rumsey, Spatial Audio, 2001, ch. 3; Blumlein, GB 394325, 1933",
	.version = 1,
	.ports = pan_ports,
	.n_ports = 2,
	.params = pan_params,
	.n_params = 2,
	.configs = pan_configs,
	.n_configs = 3,
	.needs = pan_needs,
	.activate = pan_activate,
	.update = pan_update,
	.process = pan_process,
};

MIXD_MODULE(&pan_type);
