/* fake_types.c - see fake_types.h. */
#include "fake_types.h"

#include <string.h>

#define LOOP_FRAMES MIXD_SLICE_MAX

static const struct mixd_port_row ports_in_out[] = {
	{.id = "in", .doc = "what comes in"},
	{.id = "out", .doc = "what goes out", .is_output = true},
};

/* How many channels port P of one direction has. */
static uint32_t port_channels(const uint32_t *first, uint32_t p)
{
	return first[p + 1] - first[p];
}

/* Main input to main output; channels without a counterpart are silent. */
static void copy_main(const struct mixd_inst *inst, uint32_t n_frames, double factor)
{
	const struct mixd_setup *setup = inst->setup;
	uint32_t n_in = setup->n_in_ports ? port_channels(setup->in_first, 0) : 0;

	for (uint32_t c = 0; c < setup->out_first[setup->n_out_ports]; c++) {
		for (uint32_t i = 0; i < n_frames; i++)
			inst->out[c][i] = n_in ? (float)(inst->in[c % n_in][i] * factor) : 0.0f;
	}
}

/* ---- gain ---- */

static const char *const gain_modes[] = {"normal", "inverted", "off-axis", NULL};
static const struct mixd_param_row gain_params[] = {
	{.id = "gain",
	 .doc = "level",
	 .type = MIXD_TYPE_FLOAT,
	 .unit = MIXD_UNIT_DB,
	 .min = -144,
	 .max = 24,
	 .ramp = MIXD_RAMP_GAIN,
	 .smooth_ms = 20},
	{.id = "width",
	 .doc = "stereo width",
	 .type = MIXD_TYPE_FLOAT,
	 .unit = MIXD_UNIT_PERCENT,
	 .max = 200,
	 .def = 100,
	 .ramp = MIXD_RAMP_LINEAR,
	 .smooth_ms = 20},
	{.id = "pan",
	 .doc = "place",
	 .type = MIXD_TYPE_FLOAT,
	 .unit = MIXD_UNIT_PAN,
	 .min = -100,
	 .max = 100,
	 .ramp = MIXD_RAMP_LINEAR,
	 .smooth_ms = 20},
	{.id = "steps",
	 .doc = "a whole number",
	 .type = MIXD_TYPE_INT,
	 .min = 1,
	 .max = 64,
	 .def = 8},
	{.id = "mode", .doc = "a choice", .type = MIXD_TYPE_ENUM, .labels = gain_modes},
	{.id = "invert", .doc = "a switch", .type = MIXD_TYPE_BOOL},
};
static const struct mixd_meter_row gain_meters[] = {
	{.id = "level",
	 .doc = "level of a channel",
	 .unit = MIXD_UNIT_DBFS,
	 .fold = MIXD_FOLD_MAX,
	 .per_channel = true},
};

static void gain_process(const struct mixd_call *call)
{
	copy_main(call->inst[0], call->n_frames, call->inst[0]->value[0]);
}

const struct mixd_node_type fake_gain = {
	.id = "gain",
	.doc = "a level",
	.category = "level",
	.version = 1,
	.flags = MIXD_NODE_IN_PLACE,
	.ports = MIXD_ARRAY(ports_in_out),
	.params = MIXD_ARRAY(gain_params),
	.meters = MIXD_ARRAY(gain_meters),
	.process = gain_process,
};

/* ---- eq ---- */

#define EQ_BANDS 32
static const char *const eq_shapes[] = {"bell", "low-shelf", "high-shelf", "notch", NULL};
static const double eq_freqs[EQ_BANDS] = {
	31.5, 63,  125, 250,  500,  1000, 2000, 4000,  8000,  16000, 31.5,
	63,   125, 250, 500,  1000, 2000, 4000, 8000,  16000, 31.5,  63,
	125,  250, 500, 1000, 2000, 4000, 8000, 16000, 50,    60,
};
static const struct mixd_param_row eq_params[] = {
	{.id = "output",
	 .doc = "level",
	 .type = MIXD_TYPE_FLOAT,
	 .unit = MIXD_UNIT_DB,
	 .min = -24,
	 .max = 24,
	 .ramp = MIXD_RAMP_LINEAR,
	 .smooth_ms = 20},
	{.id = "on",
	 .doc = "use the band",
	 .type = MIXD_TYPE_BOOL,
	 .group = "band",
	 .count = EQ_BANDS},
	{.id = "shape",
	 .doc = "of the band",
	 .type = MIXD_TYPE_ENUM,
	 .labels = eq_shapes,
	 .group = "band",
	 .count = EQ_BANDS},
	{.id = "freq",
	 .doc = "of the band",
	 .type = MIXD_TYPE_FLOAT,
	 .unit = MIXD_UNIT_HZ,
	 .min = 10,
	 .max = 96000,
	 .def = 1000,
	 .ramp = MIXD_RAMP_LOG,
	 .smooth_ms = 20,
	 .group = "band",
	 .count = EQ_BANDS,
	 .defs = eq_freqs},
	{.id = "gain",
	 .doc = "of the band",
	 .type = MIXD_TYPE_FLOAT,
	 .unit = MIXD_UNIT_DB,
	 .min = -36,
	 .max = 36,
	 .ramp = MIXD_RAMP_LINEAR,
	 .smooth_ms = 20,
	 .group = "band",
	 .count = EQ_BANDS},
};

static void eq_process(const struct mixd_call *call)
{
	copy_main(call->inst[0], call->n_frames, 1.0);
}

const struct mixd_node_type fake_eq = {
	.id = "eq",
	.doc = "bands",
	.category = "eq",
	.version = 1,
	.flags = MIXD_NODE_IN_PLACE,
	.ports = MIXD_ARRAY(ports_in_out),
	.params = MIXD_ARRAY(eq_params),
	.process = eq_process,
};

/* ---- bus ---- */

static const struct mixd_port_row bus_ports[] = {
	{.id = "in", .doc = "a strip", .count_config = "inputs"},
	{.id = "aux", .doc = "a return"},
	{.id = "send", .doc = "a send", .count_config = "sends", .layout = MIXD_PORT_FOLLOW},
	{.id = "out", .doc = "the sum", .is_output = true},
};
static const struct mixd_config_row bus_configs[] = {
	{.id = "inputs",
	 .doc = "how many strips",
	 .type = MIXD_TYPE_INT,
	 .min = 1,
	 .max = 4096,
	 .def = 2},
	{.id = "sends",
	 .doc = "how many sends",
	 .type = MIXD_TYPE_INT,
	 .min = 1,
	 .max = 8,
	 .def = 1},
};

static void bus_process(const struct mixd_call *call)
{
	const struct mixd_inst *inst = call->inst[0];
	const struct mixd_setup *setup = inst->setup;
	uint32_t n_out = port_channels(setup->out_first, 0);

	for (uint32_t c = 0; c < n_out; c++) {
		memset(inst->out[c], 0, call->n_frames * sizeof(float));
		for (uint32_t p = 0; p < setup->n_in_ports; p++) {
			uint32_t n = port_channels(setup->in_first, p);

			for (uint32_t i = 0; n > 0 && i < call->n_frames; i++)
				inst->out[c][i] += inst->in[setup->in_first[p] + c % n][i];
		}
	}
}

const struct mixd_node_type fake_bus = {
	.id = "bus",
	.doc = "a sum",
	.category = "level",
	.version = 1,
	.ports = MIXD_ARRAY(bus_ports),
	.configs = MIXD_ARRAY(bus_configs),
	.process = bus_process,
};

/* ---- duck ---- */

static const struct mixd_port_row duck_ports[] = {
	{.id = "in", .doc = "what comes in"},
	{.id = "key", .doc = "what it listens to", .layout = MIXD_PORT_FOLLOW},
	{.id = "mono", .doc = "a mono input", .layout = MIXD_PORT_MONO},
	{.id = "out", .doc = "what goes out", .is_output = true},
	{.id = "left", .doc = "a mono output", .is_output = true, .layout = MIXD_PORT_MONO},
};
static const struct mixd_param_row duck_params[] = {
	{.id = "threshold",
	 .doc = "where it begins",
	 .type = MIXD_TYPE_FLOAT,
	 .unit = MIXD_UNIT_DBFS,
	 .min = -80,
	 .max = 0,
	 .def = -24,
	 .ramp = MIXD_RAMP_LINEAR,
	 .smooth_ms = 20},
	{.id = "ceiling",
	 .doc = "true peak",
	 .type = MIXD_TYPE_FLOAT,
	 .unit = MIXD_UNIT_DBTP,
	 .min = -20,
	 .max = 0,
	 .def = -1,
	 .ramp = MIXD_RAMP_LINEAR,
	 .smooth_ms = 20},
	{.id = "target",
	 .doc = "loudness",
	 .type = MIXD_TYPE_FLOAT,
	 .unit = MIXD_UNIT_LUFS,
	 .min = -40,
	 .max = -5,
	 .def = -23,
	 .ramp = MIXD_RAMP_LINEAR,
	 .smooth_ms = 20},
	{.id = "ratio",
	 .doc = "slope",
	 .type = MIXD_TYPE_FLOAT,
	 .unit = MIXD_UNIT_RATIO,
	 .min = 1,
	 .max = 100,
	 .def = 4,
	 .ramp = MIXD_RAMP_LOG,
	 .smooth_ms = 20},
	{.id = "release",
	 .doc = "time",
	 .type = MIXD_TYPE_FLOAT,
	 .unit = MIXD_UNIT_MS,
	 .min = 1,
	 .max = 5000,
	 .def = 100,
	 .ramp = MIXD_RAMP_LOG,
	 .smooth_ms = 20},
	{.id = "slew",
	 .doc = "speed",
	 .type = MIXD_TYPE_FLOAT,
	 .unit = MIXD_UNIT_DB_PER_S,
	 .min = 0.1,
	 .max = 100,
	 .def = 3,
	 .ramp = MIXD_RAMP_LINEAR,
	 .smooth_ms = 20},
};

static void duck_process(const struct mixd_call *call)
{
	copy_main(call->inst[0], call->n_frames, 1.0);
}

const struct mixd_node_type fake_duck = {
	.id = "duck",
	.doc = "listens to a key",
	.category = "dynamics",
	.version = 1,
	.ports = MIXD_ARRAY(duck_ports),
	.params = MIXD_ARRAY(duck_params),
	.process = duck_process,
};

/* ---- tone ---- */

static const struct mixd_port_row tone_ports[] = {
	{.id = "out", .doc = "what goes out", .is_output = true},
};

static void tone_process(const struct mixd_call *call)
{
	const struct mixd_inst *inst = call->inst[0];

	for (uint32_t c = 0; c < inst->setup->out_first[1]; c++) {
		for (uint32_t i = 0; i < call->n_frames; i++)
			inst->out[c][i] = (call->position + i) & 64u ? 0.25f : -0.25f;
	}
}

const struct mixd_node_type fake_tone = {
	.id = "tone",
	.doc = "a square wave",
	.category = "source",
	.version = 1,
	.flags = MIXD_NODE_SOURCE,
	.ports = MIXD_ARRAY(tone_ports),
	.process = tone_process,
};

/* ---- boundaries ---- */

static const struct mixd_config_row boundary_configs[] = {
	{.id = "label", .doc = "in words", .type = MIXD_TYPE_STRING},
	{.id = "target", .doc = "where to", .type = MIXD_TYPE_STRING, .def_text = "@default"},
};
static const struct mixd_port_row output_ports[] = {
	{.id = "in", .doc = "what comes in"},
};

static void input_process(const struct mixd_call *call)
{
	const struct mixd_inst *inst = call->inst[0];

	for (uint32_t c = 0; c < inst->setup->out_first[1]; c++)
		memcpy(inst->out[c], call->ext_in[c], call->n_frames * sizeof(float));
}

static void output_process(const struct mixd_call *call)
{
	const struct mixd_inst *inst = call->inst[0];

	for (uint32_t c = 0; c < inst->setup->in_first[1]; c++)
		memcpy(call->ext_out[c], inst->in[c], call->n_frames * sizeof(float));
}

const struct mixd_node_type fake_input = {
	.id = "input",
	.doc = "from the clock",
	.category = "io",
	.version = 1,
	.flags = MIXD_NODE_EXTERNAL_IN | MIXD_NODE_SOURCE,
	.ports = MIXD_ARRAY(tone_ports),
	.configs = MIXD_ARRAY(boundary_configs),
	.process = input_process,
};

const struct mixd_node_type fake_output = {
	.id = "output",
	.doc = "to the clock",
	.category = "io",
	.version = 1,
	.flags = MIXD_NODE_EXTERNAL_OUT,
	.ports = MIXD_ARRAY(output_ports),
	.configs = MIXD_ARRAY(boundary_configs),
	.process = output_process,
};

/* ---- loop ---- */

struct loop_state {
	float past[2][MIXD_CHANNELS_MAX][LOOP_FRAMES]; /* of this slice and of the one before */
};

static int loop_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
		      struct mixd_fault *fault)
{
	ret_need->state_bytes = sizeof(struct loop_state);
	ret_need->latency = LOOP_FRAMES;
	return 0;
}

static void loop_emit(const struct mixd_call *call)
{
	const struct mixd_inst *inst = call->inst[0];
	const struct loop_state *state = inst->state;
	uint64_t slice = call->position / LOOP_FRAMES, at = call->position % LOOP_FRAMES;

	for (uint32_t c = 0; c < inst->setup->out_first[1]; c++)
		memcpy(inst->out[c], &state->past[(slice + 1) & 1][c][at],
		       call->n_frames * sizeof(float));
}

static void loop_process(const struct mixd_call *call)
{
	const struct mixd_inst *inst = call->inst[0];
	struct loop_state *state = inst->state;
	uint64_t slice = call->position / LOOP_FRAMES, at = call->position % LOOP_FRAMES;

	for (uint32_t c = 0; c < inst->setup->in_first[1]; c++)
		memcpy(&state->past[slice & 1][c][at], inst->in[c], call->n_frames * sizeof(float));
}

static void loop_reset(struct mixd_inst *inst)
{
	memset(inst->state, 0, sizeof(struct loop_state));
}

const struct mixd_node_type fake_loop = {
	.id = "loop",
	.doc = "a slice of delay",
	.category = "space",
	.version = 1,
	.flags = MIXD_NODE_FEEDBACK,
	.ports = MIXD_ARRAY(ports_in_out),
	.needs = loop_needs,
	.process = loop_process,
	.emit = loop_emit,
	.reset = loop_reset,
};

/* ---- player ---- */

static const struct mixd_config_row player_configs[] = {
	{.id = "clips", .doc = "what is played", .type = MIXD_TYPE_STRING, .is_clips = true},
};
static const struct mixd_port_row player_ports[] = {
	{.id = "out", .doc = "what is played", .is_output = true},
};

const struct mixd_node_type fake_player = {
	.id = "player",
	.doc = "plays nothing",
	.category = "source",
	.version = 1,
	.flags = MIXD_NODE_SOURCE,
	.ports = MIXD_ARRAY(player_ports),
	.configs = MIXD_ARRAY(player_configs),
	.process = eq_process,
};

/* ---- pan ---- */

static const struct mixd_param_row pan_params[] = {
	{.id = "pan",
	 .doc = "place",
	 .type = MIXD_TYPE_FLOAT,
	 .unit = MIXD_UNIT_PAN,
	 .min = -100,
	 .max = 100,
	 .ramp = MIXD_RAMP_LINEAR,
	 .smooth_ms = 20},
};

const struct mixd_node_type fake_pan = {
	.id = "pan",
	.doc = "passes on",
	.category = "space",
	.version = 1,
	.ports = MIXD_ARRAY(ports_in_out),
	.params = MIXD_ARRAY(pan_params),
	.process = eq_process,
};

const struct mixd_node_type *const fake_types[FAKE_TYPES] = {
	&fake_gain,  &fake_eq,	   &fake_bus,  &fake_duck,   &fake_tone,
	&fake_input, &fake_output, &fake_loop, &fake_player, &fake_pan,
};
