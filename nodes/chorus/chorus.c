/* chorus.c - more voices than were there.
 *
 * SOURCE      Dattorro, Effect Design 2: Delay-Line Modulation and Chorus, JAES 45(10) 1997; voices and
 *             waves: dsp/sweep.h.
 * STRUCTURE   Up to six voices, each later by delay .. delay + depth, swaying apart from each
 *             other and, by `spread`, from side to side. */
#include <math.h>

#include <mixd/node.h>

#include "sweep.h"

#include <mixd/rt.h>

#define CHORUS_LONGEST_MS 60.0 /* delay and depth together */
#define CHORUS_TAIL_S 17.0 /* 95 % of feedback at 60 ms: -120 dB */

enum {
	CHORUS_PARAM_RATE,
	CHORUS_PARAM_NOTE,
	CHORUS_PARAM_BPM,
	CHORUS_PARAM_SHAPE,
	CHORUS_PARAM_DEPTH,
	CHORUS_PARAM_DELAY,
	CHORUS_PARAM_VOICES,
	CHORUS_PARAM_SPREAD,
	CHORUS_PARAM_FEEDBACK,
	CHORUS_PARAM_MIX,
};

static const char *const chorus_shapes[] = {"sine", "triangle", NULL};

static const struct mixd_port_row chorus_ports[] = {
	{"in", "One voice", false, MIXD_PORT_MAIN, NULL},
	{"out", "Several", true, MIXD_PORT_MAIN, NULL},
};

static const struct mixd_param_row chorus_params[] = {
	[CHORUS_PARAM_RATE] = {.id = "rate",
			       .doc = "How often voices sway, with note=free",
			       .unit = MIXD_UNIT_HZ,
			       .min = 0.01,
			       .max = 10,
			       .def = 0.6,
			       .ramp = MIXD_RAMP_LOG,
			       .smooth_ms = 20},
	[CHORUS_PARAM_NOTE] =
		{.id = "note",
		 .doc = "A swing lasts as long as this note at bpm; t is a triplet, d "
			"dotted",
		 .type = MIXD_TYPE_ENUM,
		 .max = 12,
		 .labels = sweep_notes},
	[CHORUS_PARAM_BPM] = {.id = "bpm",
			      .doc = "Quarter notes per minute",
			      .min = 20,
			      .max = 300,
			      .def = 120,
			      .ramp = MIXD_RAMP_LINEAR,
			      .smooth_ms = 20},
	[CHORUS_PARAM_SHAPE] = {.id = "shape",
				.doc = "Wave of the sway: a triangle keeps each detune steady",
				.type = MIXD_TYPE_ENUM,
				.max = 1,
				.labels = chorus_shapes},
	[CHORUS_PARAM_DEPTH] = {.id = "depth",
				.doc = "How far voices sway",
				.unit = MIXD_UNIT_MS,
				.max = 20,
				.def = 4,
				.ramp = MIXD_RAMP_LINEAR,
				.smooth_ms = 200},
	[CHORUS_PARAM_DELAY] = {.id = "delay",
				.doc = "How late voices are at least",
				.unit = MIXD_UNIT_MS,
				.min = 1,
				.max = 40,
				.def = 10,
				.ramp = MIXD_RAMP_LINEAR,
				.smooth_ms = 200},
	[CHORUS_PARAM_VOICES] = {.id = "voices",
				 .doc = "How many voices are added",
				 .type = MIXD_TYPE_INT,
				 .min = 1,
				 .max = SWEEP_VOICES,
				 .def = 3},
	[CHORUS_PARAM_SPREAD] = {.id = "spread",
				 .doc = "How far left and right sway apart",
				 .unit = MIXD_UNIT_DEG,
				 .max = 180,
				 .def = 90,
				 .ramp = MIXD_RAMP_LINEAR,
				 .smooth_ms = 200},
	[CHORUS_PARAM_FEEDBACK] = {.id = "feedback",
				   .doc = "How much of the voices goes round again",
				   .unit = MIXD_UNIT_PERCENT,
				   .min = -95,
				   .max = 95,
				   .ramp = MIXD_RAMP_LINEAR,
				   .smooth_ms = 20},
	[CHORUS_PARAM_MIX] = {.id = "mix",
			      .doc = "Share of the voices; the rest is the input",
			      .unit = MIXD_UNIT_PERCENT,
			      .max = 100,
			      .def = 50,
			      .ramp = MIXD_RAMP_LINEAR,
			      .smooth_ms = 20},
};

static uint32_t chorus_longest(double rate)
{
	return (uint32_t)(CHORUS_LONGEST_MS * 0.001 * rate) + SWEEP_NEAREST + DELAYLINE_TAPS;
}

static int chorus_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
			struct mixd_fault *fault)
{
	ret_need->state_bytes =
		sweep_bytes(setup->out_layout[0]->n_channels, chorus_longest(setup->rate), 0);
	ret_need->tail = (uint64_t)(CHORUS_TAIL_S * setup->rate);
	return 0;
}

static int chorus_activate(struct mixd_inst *inst, struct mixd_fault *fault)
{
	sweep_init(inst->state, inst->setup->out_layout[0]->n_channels,
		   chorus_longest(inst->setup->rate), 0);
	return 0;
}

static void chorus_reset(struct mixd_inst *inst)
{
	sweep_reset(inst->state);
}

static struct sweep_setting chorus_setting(const double *value, double rate)
{
	uint32_t n_voices = (uint32_t)value[CHORUS_PARAM_VOICES];
	double mix = value[CHORUS_PARAM_MIX] / 100;

	return (struct sweep_setting){
		.hz = sweep_hz((uint32_t)value[CHORUS_PARAM_NOTE], value[CHORUS_PARAM_BPM],
			       value[CHORUS_PARAM_RATE]),
		.delay = value[CHORUS_PARAM_DELAY] * 0.001 * rate,
		.depth = value[CHORUS_PARAM_DEPTH] * 0.001 * rate,
		/* Voices that add up in phase must not go round louder than they came. */
		.feedback = value[CHORUS_PARAM_FEEDBACK] / 100 / sqrt(n_voices),
		.spread = value[CHORUS_PARAM_SPREAD] / 360,
		.wet = mix,
		.dry = 1 - mix,
		.is_triangle = value[CHORUS_PARAM_SHAPE] > 0.5,
		.n_voices = n_voices,
	};
}

static bool chorus_update(struct mixd_inst *inst, const struct mixd_update *update)
{
	struct sweep_setting to = chorus_setting(update->to, inst->setup->rate);
	struct sweep_setting from = chorus_setting(update->from, inst->setup->rate);

	return sweep_update(inst->state, update->jump ? &to : &from, &to, update,
			    inst->setup->rate);
}

static void chorus_process(const struct mixd_call *call)
{
	sweep_process(call->inst[0]->state, call);
}

static const struct mixd_node_type chorus_type = {
	.id = "chorus",
	.doc = "Chorus: up to six swaying voices, in time or in tempo",
	.category = "space",
	.source = "Dattorro, Effect Design 2, JAES 45(10) 1997",
	.version = 1,
	.flags = MIXD_NODE_IN_PLACE,
	.ports = MIXD_ARRAY(chorus_ports),
	.params = MIXD_ARRAY(chorus_params),
	.needs = chorus_needs,
	.activate = chorus_activate,
	.update = chorus_update,
	.process = chorus_process,
	.reset = chorus_reset,
};

MIXD_MODULE(&chorus_type);
