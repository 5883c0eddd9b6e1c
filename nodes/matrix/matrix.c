/* matrix.c - every output is a sum of inputs, each with a gain of its own.
 *
 * SOURCE      y = G x. Fold-down of surround to stereo: ITU-R BS.775-3 (2012), annex 4, table 2: the
 *             centre and the surrounds by -3 dB, no LFE (presets.yaml). Mix-minus is made by leaving
 *             an input out of a sum, never by subtraction, which would leave a residue of rounding.
 * STRUCTURE   Two parts. Ports: output k is the sum over inputs i of gain out<k>.in<i>, channel by
 *             channel, in any layout; with layout=mono a matrix of single channels. Channels: the
 *             port `stereo` is the sum over all channels of all inputs with gains channel<c>.left and
 *             .right. Sums are f64 in order of the inputs, whatever the order of linking. Gains of
 *             exactly 0 at rest are not summed. */
#include <mixd/node.h>

#include <string.h>

#include "clones.h"
#include "ramp.h"

#include <mixd/rt.h>

#define MATRIX_PORTS 32u
#define MATRIX_FOLDED 64u /* channels that the stereo port can hear */
#define MATRIX_OFF (-144)

static const struct mixd_port_row matrix_ports[] = {
	{"in", "What is summed", false, MIXD_PORT_MAIN, "inputs"},
	{"out", "A sum of inputs, channel by channel", true, MIXD_PORT_MAIN, "outputs"},
	{"stereo", "A sum of single channels on two sides", true, MIXD_PORT_STEREO, NULL},
};

enum { MATRIX_CONFIG_INPUTS, MATRIX_CONFIG_OUTPUTS };

static const struct mixd_config_row matrix_configs[] = {
	{"inputs", "Number of input ports", MIXD_TYPE_INT, MIXD_UNIT_NONE, 1, MATRIX_PORTS, 2, NULL,
	 NULL, false},
	{"outputs", "Number of output ports", MIXD_TYPE_INT, MIXD_UNIT_NONE, 1, MATRIX_PORTS, 2,
	 NULL, NULL, false},
};

/* Defaults: output k hears input k alone. */
#define MATRIX_8(at, one)                                                                          \
	(at) == 0 ? (one) : MATRIX_OFF, (at) == 1 ? (one) : MATRIX_OFF,                            \
		(at) == 2 ? (one) : MATRIX_OFF, (at) == 3 ? (one) : MATRIX_OFF,                    \
		(at) == 4 ? (one) : MATRIX_OFF, (at) == 5 ? (one) : MATRIX_OFF,                    \
		(at) == 6 ? (one) : MATRIX_OFF, (at) == 7 ? (one) : MATRIX_OFF
#define MATRIX_DEFS(in)                                                                            \
	{                                                                                          \
		MATRIX_8((in), 0), MATRIX_8((in)-8, 0), MATRIX_8((in)-16, 0),                      \
			MATRIX_8((in)-24, 0),                                                      \
	}
#define MATRIX_DEFS_8(in)                                                                          \
	MATRIX_DEFS(in), MATRIX_DEFS(in + 1), MATRIX_DEFS(in + 2), MATRIX_DEFS(in + 3),            \
		MATRIX_DEFS(in + 4), MATRIX_DEFS(in + 5), MATRIX_DEFS(in + 6), MATRIX_DEFS(in + 7)

static const double matrix_defs[MATRIX_PORTS][MATRIX_PORTS] = {
	MATRIX_DEFS_8(0), MATRIX_DEFS_8(8), MATRIX_DEFS_8(16), MATRIX_DEFS_8(24)};

#define MATRIX_GAIN(name, text, in_group, in_count, in_defs)                                       \
	{                                                                                          \
		.id = (name), .doc = (text), .unit = MIXD_UNIT_DB, .min = MATRIX_OFF, .max = 12,   \
		.def = MATRIX_OFF, .ramp = MIXD_RAMP_GAIN, .smooth_ms = 20, .group = (in_group),   \
		.count = (in_count), .defs = (in_defs)                                             \
	}
#define MATRIX_ROW(in)                                                                             \
	MATRIX_GAIN("in" #in, "How much of input " #in " this output has", "out", MATRIX_PORTS,    \
		    matrix_defs[in - 1])

static const struct mixd_param_row matrix_params[] = {
	MATRIX_ROW(1),
	MATRIX_ROW(2),
	MATRIX_ROW(3),
	MATRIX_ROW(4),
	MATRIX_ROW(5),
	MATRIX_ROW(6),
	MATRIX_ROW(7),
	MATRIX_ROW(8),
	MATRIX_ROW(9),
	MATRIX_ROW(10),
	MATRIX_ROW(11),
	MATRIX_ROW(12),
	MATRIX_ROW(13),
	MATRIX_ROW(14),
	MATRIX_ROW(15),
	MATRIX_ROW(16),
	MATRIX_ROW(17),
	MATRIX_ROW(18),
	MATRIX_ROW(19),
	MATRIX_ROW(20),
	MATRIX_ROW(21),
	MATRIX_ROW(22),
	MATRIX_ROW(23),
	MATRIX_ROW(24),
	MATRIX_ROW(25),
	MATRIX_ROW(26),
	MATRIX_ROW(27),
	MATRIX_ROW(28),
	MATRIX_ROW(29),
	MATRIX_ROW(30),
	MATRIX_ROW(31),
	MATRIX_ROW(32),
	MATRIX_GAIN("left",
		    "How much of this channel, counted through all inputs, the left of stereo has",
		    "channel", MATRIX_FOLDED, NULL),
	MATRIX_GAIN("right",
		    "How much of this channel, counted through all inputs, the right of stereo has",
		    "channel", MATRIX_FOLDED, NULL),
};

#define MATRIX_GAINS (MATRIX_PORTS * MATRIX_PORTS)
#define MATRIX_PARAMS (MATRIX_GAINS + 2 * MATRIX_FOLDED)

/* A sum: which gains are not 0. */
struct matrix_sum {
	uint8_t term[MATRIX_FOLDED]; /* input ports, or channels */
	uint32_t n;
};

struct matrix_state {
	uint32_t inputs, outputs, channels, folded;
	struct dsp_ramp gain[MATRIX_PARAMS];
	struct matrix_sum out[MATRIX_PORTS], side[2];
};

static int matrix_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
			struct mixd_fault *fault)
{
	ret_need->state_bytes = sizeof(struct matrix_state);
	return 0;
}

static int matrix_activate(struct mixd_inst *inst, struct mixd_fault *fault)
{
	struct matrix_state *state = inst->state;
	const struct mixd_setup *setup = inst->setup;
	uint32_t all;

	state->inputs = (uint32_t)setup->config[MATRIX_CONFIG_INPUTS].number;
	state->outputs = (uint32_t)setup->config[MATRIX_CONFIG_OUTPUTS].number;
	state->channels = setup->in_layout[0]->n_channels;
	all = state->inputs * state->channels;
	state->folded = all < MATRIX_FOLDED ? all : MATRIX_FOLDED;
	return 0;
}

/* ---- update ------------------------------------------------------------------------------------ */

static uint32_t matrix_row(uint32_t output, uint32_t input)
{
	return output * MATRIX_PORTS + input;
}

static uint32_t matrix_fold_row(uint32_t channel, uint32_t side)
{
	return MATRIX_GAINS + 2 * channel + side;
}

static void matrix_take(struct matrix_state *state, struct matrix_sum *sum, uint32_t row,
			uint32_t term, const struct mixd_update *update)
{
	struct dsp_ramp *gain = &state->gain[row];

	dsp_ramp_set(gain, update->from[row], update->to[row], update->cell_frames);
	if (gain->from != 0.0 || gain->to != 0.0)
		sum->term[sum->n++] = (uint8_t)term;
}

static bool matrix_update(struct mixd_inst *inst, const struct mixd_update *update)
{
	struct matrix_state *state = inst->state;

	for (uint32_t o = 0; o < state->outputs; o++) {
		state->out[o].n = 0;
		for (uint32_t i = 0; i < state->inputs; i++)
			matrix_take(state, &state->out[o], matrix_row(o, i), i, update);
	}
	for (uint32_t side = 0; side < 2; side++) {
		state->side[side].n = 0;
		for (uint32_t c = 0; c < state->folded; c++)
			matrix_take(state, &state->side[side], matrix_fold_row(c, side), c, update);
	}
	return false;
}

/* ---- process ----------------------------------------------------------------------------------- */

MIXD_CLONES static void matrix_round(const double *sum, float *out, uint32_t n_frames)
{
	for (uint32_t i = 0; i < n_frames; i++)
		out[i] = (float)sum[i];
}

/* One channel of one output. */
static void matrix_channel(struct matrix_state *state, uint32_t output, uint32_t channel,
			   const float *const *in, float *out, uint32_t n)
{
	const struct matrix_sum *sum = &state->out[output];
	double total[MIXD_SLICE_MAX];

	if (sum->n == 1) { /* mostly: a copy, or a gain */
		uint32_t i = sum->term[0];

		dsp_ramp_mul(&state->gain[matrix_row(output, i)],
			     in[(size_t)i * state->channels + channel], out, n);
		return;
	}
	memset(total, 0, n * sizeof(*total));
	for (uint32_t k = 0; k < sum->n; k++)
		dsp_ramp_mix(&state->gain[matrix_row(output, sum->term[k])],
			     in[(size_t)sum->term[k] * state->channels + channel], total, n);
	matrix_round(total, out, n);
}

static void matrix_fold(struct matrix_state *state, uint32_t side, const float *const *in,
			float *out, uint32_t n)
{
	const struct matrix_sum *sum = &state->side[side];
	double total[MIXD_SLICE_MAX];

	memset(total, 0, n * sizeof(*total));
	for (uint32_t k = 0; k < sum->n; k++)
		dsp_ramp_mix(&state->gain[matrix_fold_row(sum->term[k], side)], in[sum->term[k]],
			     total, n);
	matrix_round(total, out, n);
}

static void matrix_process(const struct mixd_call *call)
{
	const struct mixd_inst *inst = call->inst[0];
	struct matrix_state *state = inst->state;
	const uint32_t n = call->n_frames;
	float *const *stereo = inst->out + (size_t)state->outputs * state->channels;

	for (uint32_t o = 0; o < state->outputs; o++)
		for (uint32_t c = 0; c < state->channels; c++)
			matrix_channel(state, o, c, inst->in,
				       inst->out[(size_t)o * state->channels + c], n);
	for (uint32_t side = 0; side < 2; side++)
		matrix_fold(state, side, inst->in, stereo[side], n);
	for (uint32_t o = 0; o < state->outputs; o++)
		for (uint32_t k = 0; k < state->out[o].n; k++)
			dsp_ramp_advance(&state->gain[matrix_row(o, state->out[o].term[k])], n);
	for (uint32_t side = 0; side < 2; side++)
		for (uint32_t k = 0; k < state->side[side].n; k++)
			dsp_ramp_advance(
				&state->gain[matrix_fold_row(state->side[side].term[k], side)], n);
}

static const struct mixd_node_type matrix_type = {
	.id = "matrix",
	.doc = "Sums of inputs, each with a gain of its own: mix-minus, monitors, fold-down",
	.category = "level",
	.source = "ITU-R BS.775-3, annex 4 (presets)",
	.version = 1,
	.ports = MIXD_ARRAY(matrix_ports),
	.params = MIXD_ARRAY(matrix_params),
	.configs = MIXD_ARRAY(matrix_configs),
	.needs = matrix_needs,
	.activate = matrix_activate,
	.update = matrix_update,
	.process = matrix_process,
};

MIXD_MODULE(&matrix_type);
