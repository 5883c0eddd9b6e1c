/* saturator.c - warmth: odd and even harmonics, tape, at the level it came in.
 *
 * SOURCE      Parker, Zavalishin, Le Bivic, DAFx-16 (ADAA) at 2, 4 or 8 times the rate; measured
 *             figures in dsp.md 6.2. See dsp/shaper.c.
 * STRUCTURE   drive -> up -> curve, shifted by `bias` -> down -> DC away -> level -> out. `tape`
 *             lifts the treble before the curve and takes it back after (a shelf of 9 dB around the
 *             50 us of tape equalisation), so that loud treble bends first. Dry and wet mix inside,
 *             in phase. auto_level compares the mean power of input and output over 3 s and gives
 *             back the difference; what a sine would need by the drawn curve is its first guess. */
#include <math.h>
#include <string.h>

#include <mixd/node.h>

#include "clones.h"
#include "glide.h"
#include "level.h"
#include "shaper.h"

#include <mixd/rt.h>

#define SATURATOR_SHELF_DB 9.0
#define SATURATOR_SHELF_S 50e-6
#define SATURATOR_DC_HZ 5.0
#define SATURATOR_LEVEL_S 3.0
#define SATURATOR_LEVEL_FIRST_S 0.3 /* how long the first guess counts */
#define SATURATOR_LEVEL_DB 36.0 /* at most, either way */
#define SATURATOR_FIRST_POWER 0.005 /* a sine of -20 dBFS is what is guessed for */
#define SATURATOR_SILENCE 1e-7 /* mean power of a slice; below, the level stands still */
#define SATURATOR_TAIL_S 2.0 /* DC of 5 Hz: -300 dB after 1.1 s */

enum {
	SATURATOR_PARAM_DRIVE,
	SATURATOR_PARAM_CURVE,
	SATURATOR_PARAM_BIAS,
	SATURATOR_PARAM_CEILING,
	SATURATOR_PARAM_MIX,
	SATURATOR_PARAM_AUTO_LEVEL,
	SATURATOR_PARAM_OUTPUT,
	SATURATOR_PARAM_DC_BLOCK,
};
enum { SATURATOR_CONFIG_OVERSAMPLE, SATURATOR_CONFIG_ADAA, SATURATOR_CONFIG_FILTER };
enum { SATURATOR_METER_LEVEL };

static const char *const saturator_curves[] = {"tanh", "cubic", "hard", "diode", "tape", NULL};
static const enum adaa_curve saturator_curve[] = {ADAA_TANH, ADAA_CUBIC, ADAA_HARD, ADAA_DIODE,
						  ADAA_TAPE};
static const char *const saturator_factors[] = {"2x", "4x", "8x", NULL};
static const char *const saturator_filters[] = {"linear", "low-latency", NULL};

static const struct mixd_port_row saturator_ports[] = {
	{"in", "Clean sound", false, MIXD_PORT_MAIN, NULL},
	{"out", "The same with harmonics", true, MIXD_PORT_MAIN, NULL},
};

static const struct mixd_param_row saturator_params[] = {
	[SATURATOR_PARAM_DRIVE] = {.id = "drive",
				   .doc = "Gain into the curve",
				   .unit = MIXD_UNIT_DB,
				   .max = 36,
				   .def = 6,
				   .ramp = MIXD_RAMP_LINEAR,
				   .smooth_ms = 20},
	[SATURATOR_PARAM_CURVE] = {.id = "curve",
				   .doc = "Which harmonics: tanh, cubic and hard make odd ones, "
					  "diode also even ones, tape bends treble first",
				   .type = MIXD_TYPE_ENUM,
				   .max = 4,
				   .labels = saturator_curves},
	[SATURATOR_PARAM_BIAS] = {.id = "bias",
				  .doc = "Where on the curve silence lies: even harmonics",
				  .unit = MIXD_UNIT_PERCENT,
				  .min = -100,
				  .max = 100,
				  .ramp = MIXD_RAMP_LINEAR,
				  .smooth_ms = 20},
	[SATURATOR_PARAM_CEILING] = {.id = "ceiling",
				     .doc = "Level at which the curve ends",
				     .unit = MIXD_UNIT_DBFS,
				     .min = -40,
				     .max = 0,
				     .ramp = MIXD_RAMP_LINEAR,
				     .smooth_ms = 20},
	[SATURATOR_PARAM_MIX] = {.id = "mix",
				 .doc = "Share of the saturated sound; the rest is the input, in "
					"time with it",
				 .unit = MIXD_UNIT_PERCENT,
				 .max = 100,
				 .def = 100,
				 .ramp = MIXD_RAMP_LINEAR,
				 .smooth_ms = 20},
	[SATURATOR_PARAM_AUTO_LEVEL] = {.id = "auto_level",
					.doc = "Give the output the level of the input",
					.type = MIXD_TYPE_BOOL,
					.max = 1},
	[SATURATOR_PARAM_OUTPUT] = {.id = "output",
				    .doc = "Gain of the output",
				    .unit = MIXD_UNIT_DB,
				    .min = -36,
				    .max = 36,
				    .ramp = MIXD_RAMP_LINEAR,
				    .smooth_ms = 20},
	[SATURATOR_PARAM_DC_BLOCK] = {.id = "dc_block",
				      .doc = "Take away the DC that bias and diode make",
				      .type = MIXD_TYPE_BOOL,
				      .max = 1,
				      .def = 1},
};

static const struct mixd_config_row saturator_configs[] = {
	[SATURATOR_CONFIG_OVERSAMPLE] = {.id = "oversample",
					 .doc = "Inner rate, at 44.1 and 48 kHz; half of it from "
						"88.2 kHz on, a quarter from 176.4 kHz on",
					 .type = MIXD_TYPE_ENUM,
					 .max = 2,
					 .def = 1,
					 .labels = saturator_factors},
	[SATURATOR_CONFIG_ADAA] = {.id = "adaa",
				   .doc = "Antiderivative anti-aliasing: 10 to 20 dB less aliases",
				   .type = MIXD_TYPE_BOOL,
				   .max = 1,
				   .def = 1},
	[SATURATOR_CONFIG_FILTER] = {.id = "filter",
				     .doc = "Half-band filters: linear phase, or a tenth of the "
					    "latency",
				     .type = MIXD_TYPE_ENUM,
				     .max = 1,
				     .labels = saturator_filters},
};

static const struct mixd_meter_row saturator_meters[] = {
	[SATURATOR_METER_LEVEL] = {"level_gain", "Gain of auto_level", MIXD_UNIT_DB, MIXD_FOLD_LAST,
				   NULL, false},
};

/* A shelf of first order and its exact inverse: y = b0 x + b1 x' - a1 y'. */
struct saturator_shelf {
	double b0, b1, a1;
};

struct saturator_channel {
	struct shaper_channel shaper;
	double before, after; /* memories of both shelves */
	double dc; /* mean of the output */
	double sum_in, sum_out; /* of squares, in this slice */
};

struct saturator_state {
	struct shaper shaper;
	struct shaper_control control;
	struct saturator_shelf shelf;
	double shelf_share; /* 0..1: how much of the shelf is in force */
	double dc_keep;
	struct dsp_ramp gain, dc_share, level_share;
	/* Levels: mean powers, and the gain across this slice. */
	double power_in, power_out, guess;
	double level_from, level_to;
	uint32_t sum_frames;
	double learnt_frames; /* since the curve last moved */
	struct saturator_channel channel[];
};

static void saturator_shaper(const struct mixd_setup *setup, struct shaper *ret_shaper)
{
	const struct mixd_value *config = setup->config;

	shaper_init(ret_shaper,
		    config[SATURATOR_CONFIG_FILTER].number > 0.5 ? OVERSAMPLE_LOW_LATENCY
								 : OVERSAMPLE_LINEAR,
		    2u << (uint32_t)config[SATURATOR_CONFIG_OVERSAMPLE].number,
		    config[SATURATOR_CONFIG_ADAA].number < 0.5, setup->rate);
}

static int saturator_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
			   struct mixd_fault *fault)
{
	struct shaper shaper;

	saturator_shaper(setup, &shaper);
	ret_need->latency = shaper.latency;
	ret_need->tail = shaper.latency + (uint64_t)(SATURATOR_TAIL_S * setup->rate);
	ret_need->state_bytes = sizeof(struct saturator_state) +
				setup->out_layout[0]->n_channels * sizeof(struct saturator_channel);
	return 0;
}

static void saturator_level_reset(struct saturator_state *state)
{
	state->power_in = SATURATOR_FIRST_POWER;
	state->power_out = SATURATOR_FIRST_POWER * state->guess;
	state->sum_frames = 0;
	state->learnt_frames = 0.0;
	state->level_from = state->level_to = 1.0 / sqrt(state->guess);
}

static void saturator_reset(struct mixd_inst *inst)
{
	struct saturator_state *state = inst->state;

	memset(state->channel, 0,
	       inst->setup->out_layout[0]->n_channels * sizeof(state->channel[0]));
	saturator_level_reset(state);
	inst->meter[SATURATOR_METER_LEVEL] = 0.0;
}

static int saturator_activate(struct mixd_inst *inst, struct mixd_fault *fault)
{
	struct saturator_state *state = inst->state;

	saturator_shaper(inst->setup, &state->shaper);
	state->dc_keep = exp(-2 * M_PI * SATURATOR_DC_HZ / inst->setup->rate);
	state->guess = 1.0;
	saturator_level_reset(state);
	return 0;
}

/* ---- update ---- */

/* The bilinear shelf (1 + s T g) / (1 + s T / g), g the root of its gain at high frequencies: the
 * inverse has the same form. */
static struct saturator_shelf saturator_shelf_at(double db, double rate)
{
	double root = exp(db * (M_LN10 / 40.0));
	double zero = 2 * rate * SATURATOR_SHELF_S * root,
	       pole = 2 * rate * SATURATOR_SHELF_S / root;

	return (struct saturator_shelf){
		.b0 = (1 + zero) / (1 + pole),
		.b1 = (1 - zero) / (1 + pole),
		.a1 = (1 - pole) / (1 + pole),
	};
}

/* Power out of a sine of -20 dBFS over power in: what auto_level begins with. */
static double saturator_guess(const struct shaper_control *control)
{
	double in = 0.0, out = 0.0, mean = 0.0, rest;
	enum adaa_curve curve = control->curve[1];

	rest = adaa_curve_at(curve, control->offset.to);
	for (uint32_t i = 0; i < 16; i++) {
		double x = sqrt(2 * SATURATOR_FIRST_POWER) * sin((i + 0.5) * M_PI / 8);
		double y = adaa_curve_at(curve, x * control->pre.to + control->offset.to) - rest;

		y = y * control->wet.to + x * control->dry.to;
		in += x * x;
		out += y * y;
		mean += y;
	}
	return fmax((out - mean * mean / 16) / in, 1e-6);
}

static bool saturator_update_shelf(struct saturator_state *state, const struct mixd_update *update,
				   double rate)
{
	bool is_tape = saturator_curve[(uint32_t)update->to[SATURATOR_PARAM_CURVE]] == ADAA_TAPE;

	state->shelf_share = glide_switch(state->shelf_share, is_tape, update, rate);
	state->shelf =
		saturator_shelf_at(SATURATOR_SHELF_DB * glide_smooth(state->shelf_share), rate);
	return state->shelf_share != is_tape;
}

static bool saturator_update(struct mixd_inst *inst, const struct mixd_update *update)
{
	struct saturator_state *state = inst->state;
	struct shaper_control *control = &state->control;
	const double *to = update->to, *from = update->jump ? to : update->from;
	const double rate = inst->setup->rate;
	enum adaa_curve curve = saturator_curve[(uint32_t)to[SATURATOR_PARAM_CURVE]];
	double at = level_factor(from[SATURATOR_PARAM_CEILING]), guess;
	double ceiling = level_factor(to[SATURATOR_PARAM_CEILING]);
	uint32_t frames = update->cell_frames;
	bool moves = false;

	dsp_ramp_set(&control->pre, level_factor(from[SATURATOR_PARAM_DRIVE]) / at,
		     level_factor(to[SATURATOR_PARAM_DRIVE]) / ceiling, frames);
	dsp_ramp_set(&control->wet, at * from[SATURATOR_PARAM_MIX] / 100,
		     ceiling * to[SATURATOR_PARAM_MIX] / 100, frames);
	dsp_ramp_set(&control->dry, 1 - from[SATURATOR_PARAM_MIX] / 100,
		     1 - to[SATURATOR_PARAM_MIX] / 100, frames);
	dsp_ramp_set(&control->offset, from[SATURATOR_PARAM_BIAS] / 100,
		     to[SATURATOR_PARAM_BIAS] / 100, frames);
	dsp_ramp_set(&state->gain, level_factor(from[SATURATOR_PARAM_OUTPUT]),
		     level_factor(to[SATURATOR_PARAM_OUTPUT]), frames);
	if (update->jump)
		shaper_choose_now(control, curve);
	else
		moves = shaper_choose(control, curve, frames, GLIDE_S * rate);
	moves |= saturator_update_shelf(state, update, rate);
	moves |= glide_ramp(&state->dc_share, to[SATURATOR_PARAM_DC_BLOCK] > 0.5, GLIDE_S, update,
			    rate);
	moves |= glide_ramp(&state->level_share, to[SATURATOR_PARAM_AUTO_LEVEL] > 0.5, GLIDE_S,
			    update, rate);
	/* What was learnt holds for the curve as it was. */
	guess = saturator_guess(control);
	if (guess != state->guess)
		state->learnt_frames = 0.0;
	state->power_out *= guess / state->guess;
	state->guess = guess;
	if (update->jump)
		saturator_level_reset(state);
	return moves;
}

/* ---- process ---- */

static void saturator_emphasis(const struct saturator_shelf *shelf, double *memory, const float *in,
			       float *out, uint32_t n)
{
	double s = *memory;

	for (uint32_t i = 0; i < n; i++) {
		double x = (double)in[i], y = shelf->b0 * x + s;

		s = shelf->b1 * x - shelf->a1 * y;
		out[i] = (float)y;
	}
	*memory = s;
}

static void saturator_block_dc(struct saturator_state *state, struct saturator_channel *channel,
			       float *out, uint32_t n)
{
	double mean = channel->dc, keep = state->dc_keep, part = 1.0 - keep;
	bool is_all = dsp_ramp_rests(&state->dc_share) && state->dc_share.to >= 1.0;

	for (uint32_t i = 0; i < n; i++) {
		double x = (double)out[i];

		mean = keep * mean + part * x;
		out[i] =
			(float)(is_all ? x - mean : x - mean * dsp_ramp_value(&state->dc_share, i));
	}
	channel->dc = mean;
}

/* Both ends of a slice are the same whoever cuts it, and the sums run frame by frame. */
static void saturator_sum(double *sum, const float *x, uint32_t n)
{
	double total = *sum;

	for (uint32_t i = 0; i < n; i++)
		total += (double)x[i] * (double)x[i];
	*sum = total;
}

static void saturator_measure(struct saturator_state *state, uint32_t n_channels, double rate)
{
	double in = 0.0, out = 0.0;
	double part =
		fmax(state->sum_frames / (state->learnt_frames + SATURATOR_LEVEL_FIRST_S * rate),
		     1.0 - exp(-(double)state->sum_frames / (SATURATOR_LEVEL_S * rate)));
	double limit = level_factor(SATURATOR_LEVEL_DB), gain;

	for (uint32_t c = 0; c < n_channels; c++) {
		in += state->channel[c].sum_in / (state->sum_frames * n_channels);
		out += state->channel[c].sum_out / (state->sum_frames * n_channels);
		state->channel[c].sum_in = state->channel[c].sum_out = 0.0;
	}
	state->level_from = state->level_to;
	if (in > SATURATOR_SILENCE && out > 0.0 && in < 1e9 && out < 1e9) {
		if (state->learnt_frames == 0.0) { /* the guess speaks as loud as the programme */
			state->power_out *= in / state->power_in;
			state->power_in = in;
		}
		state->learnt_frames += state->sum_frames;
		state->power_in += part * (in - state->power_in);
		state->power_out += part * (out - state->power_out);
	}
	state->sum_frames = 0;
	gain = sqrt(state->power_in / fmax(state->power_out, 1e-12));
	state->level_to = fmin(fmax(gain, 1 / limit), limit);
}

/* Gain and level of every channel; AT is where in the slice this call begins. */
static void saturator_output(struct saturator_state *state, const struct mixd_inst *inst,
			     uint32_t at, uint32_t n)
{
	uint32_t n_channels = inst->setup->out_layout[0]->n_channels;
	float factor[MIXD_SLICE_MAX];

	if (dsp_ramp_rests(&state->level_share) && state->level_share.to == 0.0) {
		for (uint32_t c = 0; c < n_channels; c++)
			dsp_ramp_mul(&state->gain, inst->out[c], inst->out[c], n);
		return;
	}
	for (uint32_t i = 0; i < n; i++) {
		double slope = (state->level_to - state->level_from) / MIXD_SLICE_MAX;
		double level = state->level_from + slope * (at + i);
		double share = dsp_ramp_value(&state->level_share, i);

		factor[i] =
			(float)((1.0 + share * (level - 1.0)) * dsp_ramp_value(&state->gain, i));
	}
	for (uint32_t c = 0; c < n_channels; c++)
		for (uint32_t i = 0; i < n; i++)
			inst->out[c][i] *= factor[i];
}

static void saturator_channel_run(struct saturator_state *state, struct saturator_channel *channel,
				  const float *in, float *out, uint32_t n)
{
	bool has_shelf = state->shelf_share > 0.0;

	if (has_shelf) {
		saturator_emphasis(&state->shelf, &channel->before, in, out, n);
		in = out;
	} else {
		channel->before = channel->after = 0.0;
	}
	shaper_run(&state->shaper, &channel->shaper, &state->control, in, out, n);
	if (has_shelf) {
		const struct saturator_shelf *shelf = &state->shelf;
		struct saturator_shelf inverse = {1 / shelf->b0, shelf->a1 / shelf->b0,
						  shelf->b1 / shelf->b0};

		saturator_emphasis(&inverse, &channel->after, out, out, n);
	}
	if (!(dsp_ramp_rests(&state->dc_share) && state->dc_share.to <= 0.0))
		saturator_block_dc(state, channel, out, n);
}

static void saturator_process(const struct mixd_call *call)
{
	struct mixd_inst *inst = call->inst[0];
	struct saturator_state *state = inst->state;
	uint32_t n_channels = inst->setup->out_layout[0]->n_channels, n = call->n_frames;
	uint32_t at = (uint32_t)(call->position % MIXD_SLICE_MAX);
	bool levels = !dsp_ramp_rests(&state->level_share) || state->level_share.to > 0.0;

	for (uint32_t c = 0; c < n_channels; c++) {
		if (levels)
			saturator_sum(&state->channel[c].sum_in, inst->in[c], n);
		saturator_channel_run(state, &state->channel[c], inst->in[c], inst->out[c], n);
		if (levels)
			saturator_sum(&state->channel[c].sum_out, inst->out[c], n);
	}
	saturator_output(state, inst, at, n);
	if (levels) {
		state->sum_frames += n;
		if (at + n == MIXD_SLICE_MAX)
			saturator_measure(state, n_channels, inst->setup->rate);
	}
	inst->meter[SATURATOR_METER_LEVEL] =
		20 * log10(1.0 + state->level_share.to * (state->level_to - 1.0));
	dsp_ramp_advance(&state->control.pre, n);
	dsp_ramp_advance(&state->control.wet, n);
	dsp_ramp_advance(&state->control.dry, n);
	dsp_ramp_advance(&state->control.offset, n);
	dsp_ramp_advance(&state->control.blend, n);
	dsp_ramp_advance(&state->gain, n);
	dsp_ramp_advance(&state->dc_share, n);
	dsp_ramp_advance(&state->level_share, n);
}

static const struct mixd_node_type saturator_type = {
	.id = "saturator",
	.doc = "Saturation: tanh, cubic, hard, diode or tape, oversampled and anti-aliased",
	.category = "dynamics",
	.source = "Parker, Zavalishin, Le Bivic, DAFx-16",
	.version = 1,
	.flags = MIXD_NODE_IN_PLACE,
	.ports = MIXD_ARRAY(saturator_ports),
	.params = MIXD_ARRAY(saturator_params),
	.configs = MIXD_ARRAY(saturator_configs),
	.meters = MIXD_ARRAY(saturator_meters),
	.needs = saturator_needs,
	.activate = saturator_activate,
	.update = saturator_update,
	.process = saturator_process,
	.reset = saturator_reset,
};

MIXD_MODULE(&saturator_type);
