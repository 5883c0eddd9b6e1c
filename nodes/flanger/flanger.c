/* flanger.c - a comb that sweeps.
 *
 * SOURCE      Dattorro, Effect Design 2: Delay-Line Modulation and Chorus, JAES 45(10) 1997; the voice
 *             and its wave: dsp/sweep.h.
 * STRUCTURE   One voice, delay .. delay + depth behind the input; both together cut notches at odd
 *             multiples of half of 1 / lag. With through_zero, dry is late as two tape machines are:
 *             the voice sways from `delay` before it to `depth` - `delay` behind it, and the notches
 *             run out of the top when they meet. */
#include <mixd/node.h>

#include "sweep.h"

#include <mixd/rt.h>

#define FLANGER_DELAY_MS 10.0
#define FLANGER_DEPTH_MS 10.0
#define FLANGER_TAIL_S 9.0 /* 95 % of feedback at 30 ms: -120 dB */
#define FLANGER_GAP_MS 0.4 /* what is left before the voice when it is earliest */

enum {
	FLANGER_PARAM_RATE,
	FLANGER_PARAM_NOTE,
	FLANGER_PARAM_BPM,
	FLANGER_PARAM_SHAPE,
	FLANGER_PARAM_DEPTH,
	FLANGER_PARAM_DELAY,
	FLANGER_PARAM_SPREAD,
	FLANGER_PARAM_FEEDBACK,
	FLANGER_PARAM_INVERT,
	FLANGER_PARAM_MIX,
};

static const char *const flanger_shapes[] = {"sine", "triangle", NULL};

static const struct mixd_port_row flanger_ports[] = {
	{"in", "A plain sound", false, MIXD_PORT_MAIN, NULL},
	{"out", "The same under a sweeping comb", true, MIXD_PORT_MAIN, NULL},
};

static const struct mixd_param_row flanger_params[] = {
	[FLANGER_PARAM_RATE] = {.id = "rate",
				.doc = "Sweeps per second, with note=free",
				.unit = MIXD_UNIT_HZ,
				.min = 0.01,
				.max = 10,
				.def = 0.2,
				.ramp = MIXD_RAMP_LOG,
				.smooth_ms = 20},
	[FLANGER_PARAM_NOTE] =
		{.id = "note",
		 .doc = "A sweep lasts as long as this note at bpm; t is a triplet, d "
			"dotted",
		 .type = MIXD_TYPE_ENUM,
		 .max = 12,
		 .labels = sweep_notes},
	[FLANGER_PARAM_BPM] = {.id = "bpm",
			       .doc = "Quarter notes per minute",
			       .min = 20,
			       .max = 300,
			       .def = 120,
			       .ramp = MIXD_RAMP_LINEAR,
			       .smooth_ms = 20},
	[FLANGER_PARAM_SHAPE] = {.id = "shape",
				 .doc = "Wave of the sweep",
				 .type = MIXD_TYPE_ENUM,
				 .max = 1,
				 .labels = flanger_shapes},
	[FLANGER_PARAM_DEPTH] = {.id = "depth",
				 .doc = "How far the comb sweeps",
				 .unit = MIXD_UNIT_MS,
				 .max = FLANGER_DEPTH_MS,
				 .def = 3,
				 .ramp = MIXD_RAMP_LINEAR,
				 .smooth_ms = 200},
	[FLANGER_PARAM_DELAY] = {.id = "delay",
				 .doc = "Lag at the near end of the sweep; with through_zero, how "
					"far before the input it begins",
				 .unit = MIXD_UNIT_MS,
				 .min = 0.5,
				 .max = FLANGER_DELAY_MS,
				 .def = 1,
				 .ramp = MIXD_RAMP_LINEAR,
				 .smooth_ms = 200},
	[FLANGER_PARAM_SPREAD] = {.id = "spread",
				  .doc = "How far left and right sweep apart",
				  .unit = MIXD_UNIT_DEG,
				  .max = 180,
				  .def = 90,
				  .ramp = MIXD_RAMP_LINEAR,
				  .smooth_ms = 200},
	[FLANGER_PARAM_FEEDBACK] = {.id = "feedback",
				    .doc = "How much goes round again: sharper teeth",
				    .unit = MIXD_UNIT_PERCENT,
				    .min = -95,
				    .max = 95,
				    .ramp = MIXD_RAMP_LINEAR,
				    .smooth_ms = 20},
	[FLANGER_PARAM_INVERT] =
		{.id = "invert",
		 .doc = "Turn the late sound over: teeth and notches change places",
		 .type = MIXD_TYPE_BOOL,
		 .max = 1},
	[FLANGER_PARAM_MIX] = {.id = "mix",
			       .doc = "Share of the late sound; 50 % is the deepest comb",
			       .unit = MIXD_UNIT_PERCENT,
			       .max = 100,
			       .def = 50,
			       .ramp = MIXD_RAMP_LINEAR,
			       .smooth_ms = 20},
};

enum { FLANGER_CONFIG_THROUGH_ZERO };

static const struct mixd_config_row flanger_configs[] = {
	[FLANGER_CONFIG_THROUGH_ZERO] =
		{.id = "through_zero",
		 .doc = "The comb sweeps through the input; latency of 10 ms",
		 .type = MIXD_TYPE_BOOL,
		 .max = 1},
};

/* How late the input is: as much as the voice may be before it. */
static uint32_t flanger_latency(const struct mixd_setup *setup)
{
	if (setup->config[FLANGER_CONFIG_THROUGH_ZERO].number < 0.5)
		return 0;
	return (uint32_t)((FLANGER_DELAY_MS + FLANGER_GAP_MS) * 0.001 * setup->rate) +
	       SWEEP_NEAREST;
}

static uint32_t flanger_longest(const struct mixd_setup *setup)
{
	return (uint32_t)((2 * FLANGER_DELAY_MS + FLANGER_DEPTH_MS) * 0.001 * setup->rate) +
	       2 * SWEEP_NEAREST + DELAYLINE_TAPS;
}

static int flanger_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
			 struct mixd_fault *fault)
{
	ret_need->latency = flanger_latency(setup);
	ret_need->state_bytes = sweep_bytes(setup->out_layout[0]->n_channels,
					    flanger_longest(setup), ret_need->latency);
	ret_need->tail = ret_need->latency + (uint64_t)(FLANGER_TAIL_S * setup->rate);
	return 0;
}

static int flanger_activate(struct mixd_inst *inst, struct mixd_fault *fault)
{
	sweep_init(inst->state, inst->setup->out_layout[0]->n_channels,
		   flanger_longest(inst->setup), flanger_latency(inst->setup));
	return 0;
}

static void flanger_reset(struct mixd_inst *inst)
{
	sweep_reset(inst->state);
}

static struct sweep_setting flanger_setting(const double *value, const struct mixd_setup *setup)
{
	double mix = value[FLANGER_PARAM_MIX] / 100, rate = setup->rate;
	double delay = value[FLANGER_PARAM_DELAY] * 0.001 * rate;
	uint32_t late = flanger_latency(setup);

	return (struct sweep_setting){
		.hz = sweep_hz((uint32_t)value[FLANGER_PARAM_NOTE], value[FLANGER_PARAM_BPM],
			       value[FLANGER_PARAM_RATE]),
		.delay = late ? late - delay : delay,
		.depth = value[FLANGER_PARAM_DEPTH] * 0.001 * rate,
		.feedback = value[FLANGER_PARAM_FEEDBACK] / 100,
		.spread = value[FLANGER_PARAM_SPREAD] / 360,
		.wet = value[FLANGER_PARAM_INVERT] > 0.5 ? -mix : mix,
		.dry = 1 - mix,
		.is_triangle = value[FLANGER_PARAM_SHAPE] > 0.5,
		.n_voices = 1,
	};
}

static bool flanger_update(struct mixd_inst *inst, const struct mixd_update *update)
{
	struct sweep_setting to = flanger_setting(update->to, inst->setup);
	struct sweep_setting from = flanger_setting(update->from, inst->setup);

	return sweep_update(inst->state, update->jump ? &to : &from, &to, update,
			    inst->setup->rate);
}

static void flanger_process(const struct mixd_call *call)
{
	sweep_process(call->inst[0]->state, call);
}

static const struct mixd_node_type flanger_type = {
	.id = "flanger",
	.doc = "Flanger: a sweeping comb, through zero by choice, in time or in tempo",
	.category = "space",
	.source = "Dattorro, Effect Design 2, JAES 45(10) 1997",
	.version = 1,
	.flags = MIXD_NODE_IN_PLACE,
	.ports = MIXD_ARRAY(flanger_ports),
	.params = MIXD_ARRAY(flanger_params),
	.configs = MIXD_ARRAY(flanger_configs),
	.needs = flanger_needs,
	.activate = flanger_activate,
	.update = flanger_update,
	.process = flanger_process,
	.reset = flanger_reset,
};

MIXD_MODULE(&flanger_type);
