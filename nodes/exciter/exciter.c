/* exciter.c - harmonics of the treble, added to the sound.
 *
 * SOURCE      The aural exciter's principle (US 4,150,253, 1979): high-pass, distortion, and back
 *             to the untouched sound. Curves of Chebyshev polynomials of 2nd and 3rd order (T2, T3:
 *             one harmonic each, for a sine that fills them), after a bound that keeps loud treble on
 *             them.
 * STRUCTURE   Butterworth high-pass -> up -> v = u / sqrt(1 + u^2), odd (4 v^3 - 3 v) + even v^2
 *             -> down -> the same high-pass, which takes DC and differences -> times `amount`, onto
 *             the input delayed by as much as up and down take. Four times the rate holds harmonics up
 *             to the ninth of 20 kHz apart from what folds back below 20 kHz. */
#include <math.h>
#include <string.h>

#include <mixd/node.h>

#include "clones.h"
#include "eq_design.h"
#include "glide.h"
#include "level.h"
#include "oversample.h"
#include "svf.h"

#include <mixd/rt.h>

#define EXCITER_WORK (OVERSAMPLE_BLOCK * OVERSAMPLE_MAX + OVERSAMPLE_GRAIN)
#define EXCITER_TAIL_S 0.5

enum {
	EXCITER_PARAM_FREQ,
	EXCITER_PARAM_DRIVE,
	EXCITER_PARAM_ODD,
	EXCITER_PARAM_EVEN,
	EXCITER_PARAM_AMOUNT,
	EXCITER_PARAM_LISTEN,
};
enum { EXCITER_CONFIG_OVERSAMPLE, EXCITER_CONFIG_FILTER };

static const char *const exciter_factors[] = {"2x", "4x", "8x", NULL};
static const char *const exciter_filters[] = {"linear", "low-latency", NULL};

static const struct mixd_port_row exciter_ports[] = {
	{"in", "Dull sound", false, MIXD_PORT_MAIN, NULL},
	{"out", "The same with new treble", true, MIXD_PORT_MAIN, NULL},
};

static const struct mixd_param_row exciter_params[] = {
	[EXCITER_PARAM_FREQ] = {.id = "freq",
				.doc = "From here on upwards harmonics are made",
				.unit = MIXD_UNIT_HZ,
				.min = 500,
				.max = 12000,
				.def = 3000,
				.ramp = MIXD_RAMP_LOG,
				.smooth_ms = 20},
	[EXCITER_PARAM_DRIVE] = {.id = "drive",
				 .doc = "Gain into the curve: how soon harmonics come",
				 .unit = MIXD_UNIT_DB,
				 .max = 36,
				 .def = 12,
				 .ramp = MIXD_RAMP_LINEAR,
				 .smooth_ms = 20},
	[EXCITER_PARAM_ODD] = {.id = "odd",
			       .doc = "Share of odd harmonics: edge",
			       .unit = MIXD_UNIT_PERCENT,
			       .max = 100,
			       .def = 50,
			       .ramp = MIXD_RAMP_LINEAR,
			       .smooth_ms = 20},
	[EXCITER_PARAM_EVEN] = {.id = "even",
				.doc = "Share of even harmonics: sweetness",
				.unit = MIXD_UNIT_PERCENT,
				.max = 100,
				.def = 50,
				.ramp = MIXD_RAMP_LINEAR,
				.smooth_ms = 20},
	[EXCITER_PARAM_AMOUNT] = {.id = "mix",
				  .doc = "How much of the harmonics is added",
				  .unit = MIXD_UNIT_PERCENT,
				  .max = 100,
				  .def = 20,
				  .ramp = MIXD_RAMP_LINEAR,
				  .smooth_ms = 20},
	[EXCITER_PARAM_LISTEN] = {.id = "listen",
				  .doc = "Hear only what is added",
				  .type = MIXD_TYPE_BOOL,
				  .max = 1},
};

static const struct mixd_config_row exciter_configs[] = {
	[EXCITER_CONFIG_OVERSAMPLE] =
		{.id = "oversample",
		 .doc = "Inner rate, at 44.1 and 48 kHz; half of it from 88.2 "
			"kHz on, a quarter from 176.4 kHz on",
		 .type = MIXD_TYPE_ENUM,
		 .max = 2,
		 .def = 1,
		 .labels = exciter_factors},
	[EXCITER_CONFIG_FILTER] =
		{.id = "filter",
		 .doc = "Half-band filters: linear phase, or a tenth of the latency",
		 .type = MIXD_TYPE_ENUM,
		 .max = 1,
		 .labels = exciter_filters},
};

#define EXCITER_DRY 64u /* frames of input kept; more than the latency */
#define EXCITER_PAD 8u

struct exciter_channel {
	struct oversample_channel os;
	float pad[EXCITER_PAD]; /* upper rate, newest last */
	float dry[EXCITER_DRY];
};

typedef double exciter_v2 __attribute__((vector_size(16), aligned(16), may_alias));

/* Two channels side by side; [0] before, [1] after the curve. */
struct exciter_pair {
	exciter_v2 s1[2], s2[2];
};

struct exciter_state {
	struct oversample os;
	uint32_t pad, latency;
	struct svf_coef highpass;
	struct dsp_ramp drive, odd, even, amount, dry;
	struct exciter_pair pair[MIXD_CHANNELS_MAX / 2];
	struct exciter_channel channel[];
};

static void exciter_kit(const struct mixd_setup *setup, struct exciter_state *state)
{
	bool is_linear = setup->config[EXCITER_CONFIG_FILTER].number < 0.5;
	uint32_t factor = 2u << (uint32_t)setup->config[EXCITER_CONFIG_OVERSAMPLE].number, delay;

	state->os = oversample_make(is_linear ? OVERSAMPLE_LINEAR : OVERSAMPLE_LOW_LATENCY, factor,
				    setup->rate);
	delay = oversample_delay(&state->os);
	factor = state->os.factor;
	state->pad = is_linear ? (factor - delay % factor) % factor : 0;
	/* The all-pass stages: 3.7, 4.8 and 5.2 frames at 0 Hz, measured; less without the first. */
	if (is_linear)
		state->latency = (delay + state->pad) / factor;
	else if (state->os.n_stages == 0)
		state->latency = 0;
	else
		state->latency = state->os.first ? 2 : state->os.n_stages == 1 ? 4 : 5;
}

static int exciter_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
			 struct mixd_fault *fault)
{
	struct exciter_state state;

	exciter_kit(setup, &state);
	ret_need->latency = state.latency;
	ret_need->tail = state.latency + (uint64_t)(EXCITER_TAIL_S * setup->rate);
	ret_need->state_bytes = sizeof(struct exciter_state) +
				setup->out_layout[0]->n_channels * sizeof(struct exciter_channel);
	return 0;
}

static void exciter_reset(struct mixd_inst *inst)
{
	struct exciter_state *state = inst->state;

	memset(state->pair, 0, sizeof(state->pair));
	memset(state->channel, 0,
	       inst->setup->out_layout[0]->n_channels * sizeof(state->channel[0]));
}

static int exciter_activate(struct mixd_inst *inst, struct mixd_fault *fault)
{
	exciter_kit(inst->setup, inst->state);
	return 0;
}

static bool exciter_update(struct mixd_inst *inst, const struct mixd_update *update)
{
	struct exciter_state *state = inst->state;
	const double *to = update->to, *from = update->jump ? to : update->from;
	const double rate = inst->setup->rate;
	struct eq_band band = {.type = EQ_TYPE_HIGHPASS,
			       .slope = EQ_SLOPE_12,
			       .freq_hz = fmin(to[EXCITER_PARAM_FREQ], 0.4 * rate),
			       .q = M_SQRT1_2};
	struct svf_section section[EQ_BAND_SECTIONS];
	uint32_t frames = update->cell_frames;

	eq_design(&band, rate, section);
	state->highpass = svf_coef_of(&section[0]);
	dsp_ramp_set(&state->drive, level_factor(from[EXCITER_PARAM_DRIVE]),
		     level_factor(to[EXCITER_PARAM_DRIVE]), frames);
	/* A sine that fills the curve gives a harmonic as high as itself. */
	dsp_ramp_set(&state->odd, 0.04 * from[EXCITER_PARAM_ODD], 0.04 * to[EXCITER_PARAM_ODD],
		     frames);
	dsp_ramp_set(&state->even, 0.02 * from[EXCITER_PARAM_EVEN], 0.02 * to[EXCITER_PARAM_EVEN],
		     frames);
	dsp_ramp_set(&state->amount, from[EXCITER_PARAM_AMOUNT] / 100,
		     to[EXCITER_PARAM_AMOUNT] / 100, frames);
	return glide_ramp(&state->dry, to[EXCITER_PARAM_LISTEN] <= 0.5, GLIDE_S, update, rate);
}

/* ---- process ---- */

static void exciter_highpass(const struct svf_coef *c, struct exciter_pair *pair, uint32_t which,
			     const float *const in[2], float *const out[2], uint32_t n)
{
	exciter_v2 s1 = pair->s1[which], s2 = pair->s2[which];

	for (uint32_t i = 0; i < n; i++) {
		exciter_v2 x = {(double)in[0][i], (double)in[1][i]};
		exciter_v2 y = x + (c->d0 * x + (c->d1 * s1 + c->d2 * s2)), v = x - s2;

		s2 = (s2 + c->t * s1) + c->b * v;
		s1 = c->a * s1 + c->t * v;
		out[0][i] = (float)y[0];
		out[1][i] = (float)y[1];
	}
	pair->s1[which] = s1;
	pair->s2[which] = s2;
}

MIXD_CLONES static void exciter_bend(const float *x, float *y, float odd, float even, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		float v = x[i] / sqrtf(1.0f + x[i] * x[i]), square = v * v;

		y[i] = odd * (v * square) + even * square;
	}
}

/* RAMP at frame I of the upper rate. */
static float exciter_at(const struct dsp_ramp *ramp, double per_frame, uint32_t i)
{
	double frame = ramp->done + i * per_frame;

	return (float)(frame < ramp->frames ? ramp->from + ramp->step * frame : ramp->to);
}

static void exciter_curve(const struct exciter_state *state, const float *x, float *y, uint32_t n)
{
	double per_frame = 1.0 / state->os.factor;

	if (dsp_ramp_rests(&state->odd) && dsp_ramp_rests(&state->even)) {
		exciter_bend(x, y, (float)state->odd.to, (float)state->even.to, n);
		return;
	}
	for (uint32_t i = 0; i < n; i++) {
		float v = x[i] / sqrtf(1.0f + x[i] * x[i]), square = v * v;

		y[i] = exciter_at(&state->odd, per_frame, i) * (v * square) +
		       exciter_at(&state->even, per_frame, i) * square;
	}
}

/* X, filtered and driven, to its harmonics. */
static void exciter_harmonics(const struct exciter_state *state, struct exciter_channel *channel,
			      float *x, uint32_t n)
{
	float upper[EXCITER_WORK] __attribute__((aligned(64)));
	float bent[EXCITER_PAD + EXCITER_WORK] __attribute__((aligned(64)));
	uint32_t n_upper = n * state->os.factor;

	dsp_ramp_mul(&state->drive, x, x, n);
	oversample_up(&state->os, &channel->os, x, upper, n);
	memcpy(bent, channel->pad, sizeof(channel->pad));
	exciter_curve(state, upper, bent + EXCITER_PAD, n_upper);
	memcpy(channel->pad, bent + n_upper, sizeof(channel->pad));
	oversample_down(&state->os, &channel->os, bent + EXCITER_PAD - state->pad, x, n);
}

static void exciter_add(const struct exciter_state *state, struct exciter_channel *channel,
			const float *in, const float *harmonics, float *out, uint32_t n)
{
	float line[EXCITER_DRY + MIXD_SLICE_MAX], dry[MIXD_SLICE_MAX];

	memcpy(line, channel->dry, sizeof(channel->dry));
	memcpy(line + EXCITER_DRY, in, n * sizeof(float));
	memcpy(channel->dry, line + n, sizeof(channel->dry));
	dsp_ramp_mul(&state->dry, line + EXCITER_DRY - state->latency, dry, n);
	for (uint32_t i = 0; i < n; i++)
		out[i] = dry[i] + (float)dsp_ramp_value(&state->amount, i) * harmonics[i];
}

static void exciter_process(const struct mixd_call *call)
{
	const struct mixd_inst *inst = call->inst[0];
	struct exciter_state *state = inst->state;
	uint32_t n_channels = inst->setup->out_layout[0]->n_channels, n = call->n_frames;
	float a[MIXD_SLICE_MAX], b[MIXD_SLICE_MAX];
	float *const work[2] = {a, b};
	const float *const from[2] = {a, b};

	for (uint32_t c = 0; c < n_channels; c += 2) {
		bool is_pair = c + 1 < n_channels;
		const float *const in[2] = {inst->in[c], inst->in[is_pair ? c + 1 : c]};
		struct exciter_pair *pair = &state->pair[c / 2];

		exciter_highpass(&state->highpass, pair, 0, in, work, n);
		exciter_harmonics(state, &state->channel[c], a, n);
		if (is_pair)
			exciter_harmonics(state, &state->channel[c + 1], b, n);
		exciter_highpass(&state->highpass, pair, 1, from, work, n);
		exciter_add(state, &state->channel[c], in[0], a, inst->out[c], n);
		if (is_pair)
			exciter_add(state, &state->channel[c + 1], in[1], b, inst->out[c + 1], n);
	}
	dsp_ramp_advance(&state->drive, n);
	dsp_ramp_advance(&state->odd, n);
	dsp_ramp_advance(&state->even, n);
	dsp_ramp_advance(&state->amount, n);
	dsp_ramp_advance(&state->dry, n);
}

static const struct mixd_node_type exciter_type = {
	.id = "exciter",
	.doc = "Exciter: adds odd and even harmonics of the treble",
	.category = "eq",
	.source = "US 4,150,253 (principle); Chebyshev polynomials of 2nd and 3rd order",
	.version = 1,
	.flags = MIXD_NODE_IN_PLACE,
	.ports = MIXD_ARRAY(exciter_ports),
	.params = MIXD_ARRAY(exciter_params),
	.configs = MIXD_ARRAY(exciter_configs),
	.needs = exciter_needs,
	.activate = exciter_activate,
	.update = exciter_update,
	.process = exciter_process,
	.reset = exciter_reset,
};

MIXD_MODULE(&exciter_type);
