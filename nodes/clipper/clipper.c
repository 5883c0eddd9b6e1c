/* clipper.c - cuts peaks off at a ceiling, without the harshness of aliases.
 *
 * SOURCE      Parker, Zavalishin, Le Bivic, DAFx-16 (ADAA) at 2, 4 or 8 times the rate; measured
 *             figures in dsp.md 6.2. See dsp/shaper.c.
 * STRUCTURE   drive -> up -> curve that ends at the ceiling -> down. The band limit of the way down
 *             rounds what was cut square, so samples may come out a little above the ceiling; who
 *             needs a promise puts a limiter behind. */
#include <math.h>
#include <string.h>

#include <mixd/node.h>

#include "clones.h"
#include "glide.h"
#include "level.h"
#include "shaper.h"

#include <mixd/rt.h>

enum { CLIPPER_PARAM_DRIVE, CLIPPER_PARAM_CEILING, CLIPPER_PARAM_CURVE, CLIPPER_PARAM_MIX };
enum { CLIPPER_CONFIG_OVERSAMPLE, CLIPPER_CONFIG_ADAA, CLIPPER_CONFIG_FILTER };
enum { CLIPPER_METER_OVER };

static const char *const clipper_curves[] = {"hard", "cubic", "tanh", NULL};
static const char *const clipper_factors[] = {"2x", "4x", "8x", NULL};
static const char *const clipper_filters[] = {"linear", "low-latency", NULL};

static const struct mixd_port_row clipper_ports[] = {
	{"in", "What has peaks", false, MIXD_PORT_MAIN, NULL},
	{"out", "The same, cut off at the ceiling", true, MIXD_PORT_MAIN, NULL},
};

static const struct mixd_param_row clipper_params[] = {
	[CLIPPER_PARAM_DRIVE] = {.id = "drive",
				 .doc = "Gain into the curve",
				 .unit = MIXD_UNIT_DB,
				 .min = 0,
				 .max = 36,
				 .ramp = MIXD_RAMP_LINEAR,
				 .smooth_ms = 20},
	[CLIPPER_PARAM_CEILING] = {.id = "ceiling",
				   .doc = "Level at which the curve ends",
				   .unit = MIXD_UNIT_DBFS,
				   .min = -40,
				   .max = 0,
				   .def = -1,
				   .ramp = MIXD_RAMP_LINEAR,
				   .smooth_ms = 20},
	[CLIPPER_PARAM_CURVE] = {.id = "curve",
				 .doc = "How the ceiling is reached: cut off, or bent towards it",
				 .type = MIXD_TYPE_ENUM,
				 .max = 2,
				 .labels = clipper_curves},
	[CLIPPER_PARAM_MIX] = {.id = "mix",
			       .doc = "Share of the clipped sound; the rest is the input, in time "
				      "with it",
			       .unit = MIXD_UNIT_PERCENT,
			       .max = 100,
			       .def = 100,
			       .ramp = MIXD_RAMP_LINEAR,
			       .smooth_ms = 20},
};

static const struct mixd_config_row clipper_configs[] = {
	[CLIPPER_CONFIG_OVERSAMPLE] =
		{.id = "oversample",
		 .doc = "Inner rate, at 44.1 and 48 kHz; half of it from 88.2 "
			"kHz on, a quarter from 176.4 kHz on",
		 .type = MIXD_TYPE_ENUM,
		 .max = 2,
		 .def = 1,
		 .labels = clipper_factors},
	[CLIPPER_CONFIG_ADAA] = {.id = "adaa",
				 .doc = "Antiderivative anti-aliasing: 10 to 20 dB less aliases",
				 .type = MIXD_TYPE_BOOL,
				 .max = 1,
				 .def = 1},
	[CLIPPER_CONFIG_FILTER] =
		{.id = "filter",
		 .doc = "Half-band filters: linear phase, or a tenth of the latency",
		 .type = MIXD_TYPE_ENUM,
		 .max = 1,
		 .labels = clipper_filters},
};

static const struct mixd_meter_row clipper_meters[] = {
	[CLIPPER_METER_OVER] = {"over", "How far peaks went above the ceiling", MIXD_UNIT_DB,
				MIXD_FOLD_MAX, NULL, false},
};

struct clipper_state {
	struct shaper shaper;
	struct shaper_control control;
	struct shaper_channel channel[];
};

static void clipper_shaper(const struct mixd_setup *setup, struct shaper *ret_shaper)
{
	const struct mixd_value *config = setup->config;

	shaper_init(ret_shaper,
		    config[CLIPPER_CONFIG_FILTER].number > 0.5 ? OVERSAMPLE_LOW_LATENCY
							       : OVERSAMPLE_LINEAR,
		    2u << (uint32_t)config[CLIPPER_CONFIG_OVERSAMPLE].number,
		    config[CLIPPER_CONFIG_ADAA].number < 0.5, setup->rate);
}

static int clipper_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
			 struct mixd_fault *fault)
{
	struct shaper shaper;

	clipper_shaper(setup, &shaper);
	ret_need->latency = shaper.latency;
	ret_need->tail = shaper.latency + 1024;
	ret_need->state_bytes = sizeof(struct clipper_state) +
				setup->out_layout[0]->n_channels * sizeof(struct shaper_channel);
	return 0;
}

static void clipper_reset(struct mixd_inst *inst)
{
	struct clipper_state *state = inst->state;

	memset(state->channel, 0,
	       inst->setup->out_layout[0]->n_channels * sizeof(state->channel[0]));
	inst->meter[CLIPPER_METER_OVER] = 0.0;
}

static int clipper_activate(struct mixd_inst *inst, struct mixd_fault *fault)
{
	struct clipper_state *state = inst->state;

	clipper_shaper(inst->setup, &state->shaper);
	return 0;
}

static bool clipper_update(struct mixd_inst *inst, const struct mixd_update *update)
{
	struct clipper_state *state = inst->state;
	struct shaper_control *control = &state->control;
	const double *to = update->to, *from = update->jump ? to : update->from;
	enum adaa_curve curve = (enum adaa_curve)to[CLIPPER_PARAM_CURVE];
	double at = level_factor(from[CLIPPER_PARAM_CEILING]);
	double ceiling = level_factor(to[CLIPPER_PARAM_CEILING]);
	uint32_t frames = update->cell_frames;

	dsp_ramp_set(&control->pre, level_factor(from[CLIPPER_PARAM_DRIVE]) / at,
		     level_factor(to[CLIPPER_PARAM_DRIVE]) / ceiling, frames);
	dsp_ramp_set(&control->wet, at * from[CLIPPER_PARAM_MIX] / 100,
		     ceiling * to[CLIPPER_PARAM_MIX] / 100, frames);
	dsp_ramp_set(&control->dry, 1 - from[CLIPPER_PARAM_MIX] / 100,
		     1 - to[CLIPPER_PARAM_MIX] / 100, frames);
	if (update->jump) {
		shaper_choose_now(control, curve);
		return false;
	}
	return shaper_choose(control, curve, frames, GLIDE_S * inst->setup->rate);
}

MIXD_CLONES static float clipper_highest(const float *x, uint32_t n)
{
	float highest = 0.0f;

	for (uint32_t i = 0; i < n; i++) {
		float size = fabsf(x[i]);

		highest = size > highest ? size : highest;
	}
	return highest;
}

static void clipper_process(const struct mixd_call *call)
{
	struct mixd_inst *inst = call->inst[0];
	struct clipper_state *state = inst->state;
	struct shaper_control *control = &state->control;
	uint32_t n_channels = inst->setup->out_layout[0]->n_channels;
	double highest = 0.0;

	for (uint32_t c = 0; c < n_channels; c++) {
		highest = fmax(highest, (double)clipper_highest(inst->in[c], call->n_frames));
		shaper_run(&state->shaper, &state->channel[c], control, inst->in[c], inst->out[c],
			   call->n_frames);
	}
	highest *= control->pre.to;
	inst->meter[CLIPPER_METER_OVER] =
		highest > 1.0 && highest < 1e9 ? 20 * log10(highest) : 0.0;
	dsp_ramp_advance(&control->pre, call->n_frames);
	dsp_ramp_advance(&control->wet, call->n_frames);
	dsp_ramp_advance(&control->dry, call->n_frames);
	dsp_ramp_advance(&control->blend, call->n_frames);
}

static const struct mixd_node_type clipper_type = {
	.id = "clipper",
	.doc = "Clips peaks, hard or soft, oversampled and anti-aliased",
	.category = "dynamics",
	.source = "Parker, Zavalishin, Le Bivic, DAFx-16",
	.version = 1,
	.flags = MIXD_NODE_IN_PLACE,
	.ports = MIXD_ARRAY(clipper_ports),
	.params = MIXD_ARRAY(clipper_params),
	.configs = MIXD_ARRAY(clipper_configs),
	.meters = MIXD_ARRAY(clipper_meters),
	.needs = clipper_needs,
	.activate = clipper_activate,
	.update = clipper_update,
	.process = clipper_process,
	.reset = clipper_reset,
};

MIXD_MODULE(&clipper_type);
