/* convolver.c - the sound of a room, a plate, a loudspeaker: convolution with a recorded response.
 *
 * SOURCE      Gardner 1995; Garcia 2002; Wefers 2015 (dsp/partconv.h).
 * STRUCTURE   partconv gives the convolved signal without latency; it goes through a ring, which is
 *             the predelay (two heads while it changes, so that nothing is bent), and is mixed with
 *             the dry signal. The long partitions are jobs for the worker. Another response is
 *             another instance, which the engine fades in. */
#include <math.h>
#include <string.h>

#include "convolver_state.h"

#include <mixd/rt.h>

#define CONVOLVER_FADE_S 0.05

enum { CONVOLVER_PARAM_GAIN, CONVOLVER_PARAM_MIX, CONVOLVER_PARAM_PREDELAY };

static const struct mixd_port_row convolver_ports[] = {
	{.id = "in", .doc = "What is to sound in the room", .layout = MIXD_PORT_MAIN},
	{.id = "out",
	 .doc = "The room, and the dry signal",
	 .is_output = true,
	 .layout = MIXD_PORT_MAIN},
};

static const struct mixd_param_row convolver_params[] = {
	[CONVOLVER_PARAM_GAIN] = {.id = "gain",
				  .doc = "Gain of the convolved signal",
				  .unit = MIXD_UNIT_DB,
				  .min = -80,
				  .max = 24,
				  .ramp = MIXD_RAMP_GAIN,
				  .smooth_ms = 20},
	[CONVOLVER_PARAM_MIX] = {.id = "mix",
				 .doc = "Share of the convolved signal; the rest is dry",
				 .unit = MIXD_UNIT_PERCENT,
				 .min = 0,
				 .max = 100,
				 .def = 100,
				 .ramp = MIXD_RAMP_LINEAR,
				 .smooth_ms = 20},
	[CONVOLVER_PARAM_PREDELAY] = {.id = "predelay",
				      .doc = "Delay of the convolved signal; changes crossfade",
				      .unit = MIXD_UNIT_MS,
				      .min = 0,
				      .max = CONVOLVER_PREDELAY_MAX_MS},
};

static const char *const convolver_mapping_labels[] = {"auto", "mono", "channels", "matrix", NULL};
static const char *const convolver_normalize_labels[] = {"off", "energy", "peak", NULL};

static const struct mixd_config_row convolver_configs[] = {
	[CONVOLVER_CONFIG_IR] =
		{.id = "ir",
		 .doc = "Audio file of the impulse response; without one the signal "
			"stays as it is",
		 .type = MIXD_TYPE_STRING,
		 .def_text = "",
		 .is_file = true},
	[CONVOLVER_CONFIG_MAPPING] =
		{.id = "mapping",
		 .doc = "Which channel of the file is for what: mono (the first "
			"for all), channels (one each), matrix (each input to "
			"each output: LL LR RL RR), auto (by their number)",
		 .type = MIXD_TYPE_ENUM,
		 .max = CONVOLVER_MATRIX,
		 .labels = convolver_mapping_labels},
	[CONVOLVER_CONFIG_NORMALIZE] = {.id = "normalize",
					.doc = "Bring the response to a gain of 1 for noise "
					       "(energy), to a peak of full scale, or leave it",
					.type = MIXD_TYPE_ENUM,
					.max = CONVOLVER_PEAK,
					.def = CONVOLVER_ENERGY,
					.labels = convolver_normalize_labels},
	[CONVOLVER_CONFIG_TRIM] = {.id = "trim",
				   .doc = "The end of the response that stays this far below its "
					  "peak is left out",
				   .type = MIXD_TYPE_FLOAT,
				   .unit = MIXD_UNIT_DB,
				   .min = -160,
				   .max = -20,
				   .def = -90},
	[CONVOLVER_CONFIG_STRETCH] =
		{.id = "stretch",
		 .doc = "Length of the response; above 100 % the room is larger "
			"and darker",
		 .type = MIXD_TYPE_FLOAT,
		 .unit = MIXD_UNIT_PERCENT,
		 .min = 50,
		 .max = CONVOLVER_STRETCH_MAX,
		 .def = 100},
};

static const struct mixd_meter_row convolver_meters[] = {
	[CONVOLVER_METER_LATE] =
		{.id = "late",
		 .doc = "Long partitions that were not ready and stayed silent for "
			"a block, so far"},
	[CONVOLVER_METER_LENGTH] = {.id = "length",
				    .doc = "Length of the response in use",
				    .unit = MIXD_UNIT_S},
	[CONVOLVER_METER_SCALE] = {.id = "scale",
				   .doc = "What normalizing did to the response",
				   .unit = MIXD_UNIT_DB},
};

static int convolver_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
			   struct mixd_fault *fault)
{
	const char *file = setup->config[CONVOLVER_CONFIG_IR].text;
	double seconds = file && *file ? CONVOLVER_SECONDS_MAX : 0.0;

	ret_need->state_bytes = sizeof(struct convolver_state);
	/* How long the response is, only activate() finds out. */
	ret_need->tail =
		(uint64_t)((seconds + CONVOLVER_PREDELAY_MAX_MS / 1000.0) * setup->rate) + 1;
	return 0;
}

/* ---- update ------------------------------------------------------------------------------------ */

/* The heads of the predelay; true while they cross. */
static bool convolver_delay_update(struct convolver_state *state, bool jump)
{
	bool crossing = state->fade_done < state->fade_frames;

	if (jump) {
		state->delay = state->delay_before = state->delay_wanted;
		state->fade_done = state->fade_frames;
		return false;
	}
	if (!crossing && state->delay_wanted != state->delay) {
		state->delay_before = state->delay;
		state->delay = state->delay_wanted;
		state->fade_done = 0;
		crossing = true;
	}
	return crossing;
}

static bool convolver_update(struct mixd_inst *inst, const struct mixd_update *update)
{
	struct convolver_state *state = inst->state;
	const double *from = update->from, *to = update->to;
	double mix_from = from[CONVOLVER_PARAM_MIX] / 100.0;
	double mix_to = to[CONVOLVER_PARAM_MIX] / 100.0;

	dsp_ramp_set(&state->dry, 1.0 - mix_from, 1.0 - mix_to, update->cell_frames);
	dsp_ramp_set(&state->wet, mix_from * from[CONVOLVER_PARAM_GAIN],
		     mix_to * to[CONVOLVER_PARAM_GAIN], update->cell_frames);
	state->fade_frames = (uint32_t)(CONVOLVER_FADE_S * inst->setup->rate);
	state->delay_wanted =
		(uint32_t)(to[CONVOLVER_PARAM_PREDELAY] * inst->setup->rate / 1000.0 + 0.5);
	return convolver_delay_update(state, update->jump);
}

/* ---- process ----------------------------------------------------------------------------------- */

static bool convolver_submit(void *data, uint32_t level)
{
	struct mixd_inst *inst = data;

	return inst->host->submit(inst, level);
}

static void convolver_work(struct mixd_inst *inst, uint32_t job)
{
	struct convolver_state *state = inst->state;

	partconv_work(state->conv, job);
}

/* N frames of CHANNEL, DELAY ago; what is older than the last reset is silence. The newest N are in
 * the ring. */
static void convolver_read(const struct convolver_state *state, uint32_t channel, uint32_t delay,
			   float *ret, uint32_t n)
{
	const float *ring = state->ring + (size_t)channel * state->ring_frames;
	uint32_t mask = state->ring_frames - 1, at = 0;

	if (state->heard < delay)
		at = delay - state->heard < n ? (uint32_t)(delay - state->heard) : n;
	memset(ret, 0, at * sizeof(float));
	while (at < n) {
		uint32_t from = (uint32_t)(state->heard + at - delay) & mask;
		uint32_t part = n - at;

		part = part < state->ring_frames - from ? part : state->ring_frames - from;
		memcpy(ret + at, ring + from, part * sizeof(float));
		at += part;
	}
}

static void convolver_write(struct convolver_state *state, uint32_t channel, uint32_t n)
{
	float *ring = state->ring + (size_t)channel * state->ring_frames;
	uint32_t from = (uint32_t)state->heard & (state->ring_frames - 1);
	uint32_t first = n < state->ring_frames - from ? n : state->ring_frames - from;

	memcpy(ring + from, state->buffer[channel], first * sizeof(float));
	memcpy(ring, state->buffer[channel] + first, (n - first) * sizeof(float));
}

/* The convolved signal, delayed, in state->buffer. */
static void convolver_predelay(struct convolver_state *state, uint32_t channel, uint32_t n)
{
	float *buffer = state->buffer[channel], before[MIXD_SLICE_MAX];
	uint32_t left = state->fade_frames - state->fade_done;

	convolver_write(state, channel, n);
	if (state->delay)
		convolver_read(state, channel, state->delay, buffer, n);
	if (left == 0)
		return;
	convolver_read(state, channel, state->delay_before, before, n);
	for (uint32_t i = 0; i < n && i < left; i++) {
		double t = (double)(state->fade_done + i) / state->fade_frames;
		double gain = t * t * (3.0 - 2.0 * t);

		buffer[i] = (float)(before[i] + gain * ((double)buffer[i] - before[i]));
	}
}

static void convolver_process(const struct mixd_call *call)
{
	struct mixd_inst *inst = call->inst[0];
	struct convolver_state *state = inst->state;
	const uint32_t n = call->n_frames, left = state->fade_frames - state->fade_done;
	bool only_wet = dsp_ramp_rests(&state->dry) && state->dry.to == 0.0;
	float *wet[MIXD_CHANNELS_MAX];

	for (uint32_t c = 0; c < state->n_channels; c++)
		wet[c] = state->buffer[c];
	partconv_process(state->conv, &(struct partconv_call){.in = inst->in,
							      .out = {wet},
							      .n_frames = n,
							      .position = call->position,
							      .submit = convolver_submit,
							      .data = inst});
	for (uint32_t c = 0; c < state->n_channels; c++) {
		float *out = inst->out[c], dry[MIXD_SLICE_MAX];

		convolver_predelay(state, c, n);
		dsp_ramp_mul(&state->wet, wet[c], out, n);
		if (only_wet)
			continue;
		dsp_ramp_mul(&state->dry, inst->in[c], dry, n);
		for (uint32_t i = 0; i < n; i++)
			out[i] += dry[i];
	}
	state->heard += n;
	state->fade_done += n < left ? n : left;
	dsp_ramp_advance(&state->dry, n);
	dsp_ramp_advance(&state->wet, n);
	inst->meter[CONVOLVER_METER_LATE] = (double)state->conv->late;
	inst->meter[CONVOLVER_METER_LENGTH] = state->length_s;
	inst->meter[CONVOLVER_METER_SCALE] = state->scale_db;
}

static void convolver_reset(struct mixd_inst *inst)
{
	struct convolver_state *state = inst->state;

	partconv_reset(state->conv);
	state->heard = 0;
}

static const struct mixd_node_type convolver_type = {
	.id = "convolver",
	.doc = "Convolution with a recorded impulse response, without latency",
	.category = "space",
	.source = "Gardner 1995; Garcia 2002; Wefers 2015",
	.version = 1,
	.ports = MIXD_ARRAY(convolver_ports),
	.params = MIXD_ARRAY(convolver_params),
	.configs = MIXD_ARRAY(convolver_configs),
	.meters = MIXD_ARRAY(convolver_meters),
	.needs = convolver_needs,
	.activate = convolver_activate,
	.deactivate = convolver_deactivate,
	.update = convolver_update,
	.process = convolver_process,
	.reset = convolver_reset,
	.work = convolver_work,
};

MIXD_MODULE(&convolver_type);
