/* bad_node.c - a node that breaks one clause of the contract, chosen by BAD: the suite must see it.
 * check_contract.py builds it once per clause. */
#include <stdlib.h>
#include <string.h>

#include <mixd/node.h>

#define BAD_TABLE 1 /* a param without a doc */
#define BAD_SPLIT 2 /* the result depends on how time is cut */
#define BAD_UNWRITTEN 3 /* N1: the last frame of a slice is not written */
#define BAD_RESET 4 /* reset() forgets the filter */
#define BAD_NAN 5 /* reset() cannot get rid of NaN */
#define BAD_SILENCE 6 /* N4: sound out of nothing */
#define BAD_LATENCY 7 /* one frame later than reported */
#define BAD_CLICK 8 /* jumps where the engine ramps */
#define BAD_MALLOC 9 /* allocates on the audio thread */
#define BAD_IN_PLACE 10 /* N3: reads its input after it wrote its output */
#define BAD_METER 11 /* a meter that is not a number */
#define BAD_BANK 12 /* lanes mix */

static void *volatile bad_memory;

static const struct mixd_port_row bad_ports[] = {
	{"in", "Sound in", false, MIXD_PORT_MAIN, NULL},
	{"out", "Sound out", true, MIXD_PORT_MAIN, NULL},
};

static const struct mixd_param_row bad_params[] = {
	{"gain", BAD == BAD_TABLE ? "" : "Some gain", MIXD_TYPE_FLOAT, MIXD_UNIT_DB, -144, 24, 0,
	 MIXD_RAMP_GAIN, 20, NULL, NULL, 0, NULL},
};

static const struct mixd_meter_row bad_meters[] = {
	{"low", "What the filter holds", MIXD_UNIT_NONE, MIXD_FOLD_LAST, NULL, false},
};

struct bad_state {
	double gain, step; /* at the next frame; per frame */
	uint32_t left; /* frames of the cell */
	float low[MIXD_CHANNELS_MAX];
};

static int bad_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
		     struct mixd_fault *fault)
{
	ret_need->state_bytes = sizeof(struct bad_state);
	ret_need->tail = 48000;
	ret_need->latency = BAD == BAD_LATENCY;
	if (BAD == BAD_BANK)
		ret_need->lane_state = ret_need->lane_coef = 1;
	return 0;
}

static bool bad_update(struct mixd_inst *inst, const struct mixd_update *update)
{
	struct bad_state *state = inst->state;

	state->gain = BAD == BAD_CLICK ? (update->to[0] > 1 ? 2 : 0.5) : update->from[0];
	state->step = (update->to[0] - update->from[0]) / update->cell_frames;
	state->left = BAD == BAD_CLICK ? 0 : update->cell_frames;
	return false;
}

static void bad_channel(struct mixd_inst *inst, uint32_t channel, const float *in, float *out,
			uint32_t n)
{
	struct bad_state *state = inst->state;
	float low = BAD == BAD_SPLIT ? 0 : state->low[channel];
	double gain = state->gain;

	for (uint32_t i = 0; i < n; i++) {
		low += 0.01f * (in[i] - low);
		if (BAD == BAD_UNWRITTEN && i + 1 == n && n == MIXD_SLICE_MAX)
			break;
		out[i] = (float)((in[i] + 0.1f * low) * gain) + (BAD == BAD_SILENCE ? 1e-9f : 0);
		if (BAD == BAD_IN_PLACE && i > 0)
			out[i] += in[i - 1];
		if (i < state->left)
			gain += state->step;
	}
	state->low[channel] = low;
	inst->meter[0] = BAD == BAD_METER ? 0.0 / (double)(low - low) : (double)low;
}

static void bad_process(const struct mixd_call *call)
{
	for (uint32_t k = 0; k < call->n_inst; k++) {
		struct mixd_inst *inst = call->inst[k];
		struct bad_state *state = inst->state;
		uint32_t done;

		if (BAD == BAD_MALLOC)
			free(bad_memory = malloc(16));
		for (uint32_t c = 0; c < inst->setup->out_layout[0]->n_channels; c++)
			bad_channel(inst, c, inst->in[c], inst->out[c], call->n_frames);
		done = call->n_frames < state->left ? call->n_frames : state->left;
		for (uint32_t i = 0; i < done; i++)
			state->gain += state->step;
		state->left -= done;
	}
	for (uint32_t i = 0; BAD == BAD_BANK && i < call->n_frames; i++)
		call->bank->out[0][i] += call->bank->in[call->bank->n_lanes - 1][i];
}

static void bad_reset(struct mixd_inst *inst)
{
	struct bad_state *state = inst->state;

	for (uint32_t c = 0; c < MIXD_CHANNELS_MAX; c++)
		if (BAD == BAD_NAN)
			state->low[c] *= 0;
		else if (BAD != BAD_RESET)
			state->low[c] = 0;
}

static const struct mixd_node_type bad_type = {
	.id = "bad",
	.doc = "Breaks the contract",
	.category = "level",
	.source = "none",
	.version = 1,
	.flags = MIXD_NODE_IN_PLACE,
	.ports = bad_ports,
	.n_ports = 2,
	.params = bad_params,
	.n_params = 1,
	.meters = bad_meters,
	.n_meters = 1,
	.needs = bad_needs,
	.update = bad_update,
	.process = bad_process,
	.reset = bad_reset,
};

MIXD_MODULE(&bad_type);
