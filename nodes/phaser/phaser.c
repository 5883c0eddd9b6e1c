/* phaser.c - notches that sweep, in no fixed ratio.
 *
 * SOURCE      Zavalishin, The Art of VA Filter Design 2.1, 2018, 3.10 (trapezoidal all-pass of first
 *             order) and 10.3 (phasers). Dattorro, Effect Design 2, JAES 45(10) 1997, for the sweep.
 * STRUCTURE   in + feedback x (out one frame ago) -> 4..12 all-passes of one frequency -> wet. With s
 *             the memory of one and t = a (x - s): y = s + t, s' = x + t; a = (g - 1) / (g + 1), g
 *             = tan(pi f / rate). f sweeps from `low` to `high` in octaves. a is computed at each
 *             16th frame of absolute time and goes straight between. Left and right of a pair are two
 *             lanes of one vector, each at its own point of the sweep.
 *             Another number of stages is a crossfade between two places of the same chain. */
#include <math.h>
#include <string.h>

#include <mixd/node.h>

#include "clones.h"
#include "glide.h"
#include "lfo.h"
#include "sweep.h"

#include <mixd/rt.h>

#define PHASER_STAGES 12u
#define PHASER_TAIL_S 3.0
#define PHASER_KNOT MIXD_CELL

enum {
	PHASER_PARAM_RATE,
	PHASER_PARAM_NOTE,
	PHASER_PARAM_BPM,
	PHASER_PARAM_SHAPE,
	PHASER_PARAM_LOW,
	PHASER_PARAM_HIGH,
	PHASER_PARAM_STAGES,
	PHASER_PARAM_SPREAD,
	PHASER_PARAM_FEEDBACK,
	PHASER_PARAM_MIX,
};

static const char *const phaser_shapes[] = {"sine", "triangle", NULL};
static const char *const phaser_stages[] = {"4", "6", "8", "10", "12", NULL};

static const struct mixd_port_row phaser_ports[] = {
	{"in", "A plain sound", false, MIXD_PORT_MAIN, NULL},
	{"out", "The same with sweeping notches", true, MIXD_PORT_MAIN, NULL},
};

static const struct mixd_param_row phaser_params[] = {
	[PHASER_PARAM_RATE] = {.id = "rate",
			       .doc = "Sweeps per second, with note=free",
			       .unit = MIXD_UNIT_HZ,
			       .min = 0.01,
			       .max = 10,
			       .def = 0.4,
			       .ramp = MIXD_RAMP_LOG,
			       .smooth_ms = 20},
	[PHASER_PARAM_NOTE] =
		{.id = "note",
		 .doc = "A sweep lasts as long as this note at bpm; t is a triplet, d "
			"dotted",
		 .type = MIXD_TYPE_ENUM,
		 .max = 12,
		 .labels = sweep_notes},
	[PHASER_PARAM_BPM] = {.id = "bpm",
			      .doc = "Quarter notes per minute",
			      .min = 20,
			      .max = 300,
			      .def = 120,
			      .ramp = MIXD_RAMP_LINEAR,
			      .smooth_ms = 20},
	[PHASER_PARAM_SHAPE] = {.id = "shape",
				.doc = "Wave of the sweep",
				.type = MIXD_TYPE_ENUM,
				.max = 1,
				.labels = phaser_shapes},
	[PHASER_PARAM_LOW] = {.id = "low",
			      .doc = "Lowest frequency of the all-passes",
			      .unit = MIXD_UNIT_HZ,
			      .min = 20,
			      .max = 10000,
			      .def = 200,
			      .ramp = MIXD_RAMP_LOG,
			      .smooth_ms = 50},
	[PHASER_PARAM_HIGH] = {.id = "high",
			       .doc = "Highest frequency of the all-passes",
			       .unit = MIXD_UNIT_HZ,
			       .min = 20,
			       .max = 10000,
			       .def = 4000,
			       .ramp = MIXD_RAMP_LOG,
			       .smooth_ms = 50},
	[PHASER_PARAM_STAGES] = {.id = "stages",
				 .doc = "All-passes in a row; each two make a notch",
				 .type = MIXD_TYPE_ENUM,
				 .max = 4,
				 .labels = phaser_stages},
	[PHASER_PARAM_SPREAD] = {.id = "spread",
				 .doc = "How far left and right sweep apart",
				 .unit = MIXD_UNIT_DEG,
				 .max = 180,
				 .ramp = MIXD_RAMP_LINEAR,
				 .smooth_ms = 100},
	[PHASER_PARAM_FEEDBACK] = {.id = "feedback",
				   .doc = "How much goes round again: sharper peaks",
				   .unit = MIXD_UNIT_PERCENT,
				   .min = -95,
				   .max = 95,
				   .ramp = MIXD_RAMP_LINEAR,
				   .smooth_ms = 20},
	[PHASER_PARAM_MIX] = {.id = "mix",
			      .doc = "Share of the turned sound; 50 % makes the deepest notches",
			      .unit = MIXD_UNIT_PERCENT,
			      .max = 100,
			      .def = 50,
			      .ramp = MIXD_RAMP_LINEAR,
			      .smooth_ms = 20},
};

typedef double phaser_v2 __attribute__((vector_size(16), aligned(16), may_alias));

struct phaser_pair {
	phaser_v2 s[PHASER_STAGES];
	phaser_v2 back; /* the last output */
};

struct phaser_state {
	struct phaser_pair pair[MIXD_CHANNELS_MAX / 2];
	/* The coefficient from knot to knot. */
	phaser_v2 from, to;
	uint32_t knot_frames, knot_done; /* 0 frames: the next call begins anew */
	struct lfo lfo;
	double low, span, spread; /* log2 Hz, octaves, turns */
	struct dsp_ramp triangle, feedback, wet, dry, blend;
	uint32_t stages[2]; /* blend goes from the first to the second */
	uint32_t n_channels;
};

static int phaser_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
			struct mixd_fault *fault)
{
	ret_need->state_bytes = sizeof(struct phaser_state);
	ret_need->tail = (uint64_t)(PHASER_TAIL_S * setup->rate);
	return 0;
}

static void phaser_reset(struct mixd_inst *inst)
{
	struct phaser_state *state = inst->state;

	memset(state->pair, 0, sizeof(state->pair));
	lfo_reset(&state->lfo);
	state->knot_frames = state->knot_done = 0;
}

static int phaser_activate(struct mixd_inst *inst, struct mixd_fault *fault)
{
	struct phaser_state *state = inst->state;

	state->n_channels = inst->setup->out_layout[0]->n_channels;
	state->stages[0] = state->stages[1] = 4;
	return 0;
}

/* ---- update ---- */

static bool phaser_update_stages(struct phaser_state *state, const struct mixd_update *update,
				 double step)
{
	uint32_t wanted = 4 + 2 * (uint32_t)update->to[PHASER_PARAM_STAGES];
	double at = dsp_ramp_value(&state->blend, 0);

	if (at >= 1.0) {
		state->stages[0] = state->stages[1];
		at = 0.0;
	}
	if (update->jump) {
		state->stages[0] = wanted;
		at = 0.0;
	}
	if (at == 0.0)
		state->stages[1] = wanted;
	dsp_ramp_set(&state->blend, at,
		     state->stages[1] == state->stages[0] ? 0.0 : fmin(at + step, 1.0),
		     update->cell_frames);
	return state->stages[1] != state->stages[0];
}

/* The coefficient of both sides at POSITION, of the phase PHASE. */
static phaser_v2 phaser_coef(const struct phaser_state *state, uint64_t phase, double triangle,
			     double rate)
{
	phaser_v2 a = {0};

	for (uint32_t side = 0; side < 2; side++) {
		double t = lfo_at(phase + (side ? lfo_turn(state->spread) : 0));
		double sine = lfo_sine(t), wave = sine + triangle * (lfo_triangle(t) - sine);
		double hz = exp2(state->low + state->span * (0.5 + 0.5 * wave));
		double g = tan(M_PI * fmin(hz / rate, 0.45));

		a[side] = (g - 1) / (g + 1);
	}
	return a;
}

static phaser_v2 phaser_now(const struct phaser_state *state)
{
	double part = (double)state->knot_done / state->knot_frames;

	return state->from + (state->to - state->from) * part;
}

static bool phaser_update(struct mixd_inst *inst, const struct mixd_update *update)
{
	struct phaser_state *state = inst->state;
	const double *to = update->to, *from = update->jump ? to : update->from;
	const double rate = inst->setup->rate;
	double step = update->cell_frames / (GLIDE_S * rate);
	uint32_t frames = update->cell_frames;
	bool moves = phaser_update_stages(state, update, step);

	/* What was on its way to an old goal turns off from where it is. */
	if (state->knot_done < state->knot_frames) {
		if (state->to[0] <= 1.0)
			state->from = phaser_now(state);
		state->knot_frames -= state->knot_done;
		state->knot_done = 0;
		state->to[0] = 2.0; /* no coefficient: to be found when the position is known */
	}
	if (update->jump)
		state->knot_frames = state->knot_done = 0;
	lfo_set(&state->lfo,
		sweep_hz((uint32_t)to[PHASER_PARAM_NOTE], to[PHASER_PARAM_BPM],
			 to[PHASER_PARAM_RATE]),
		rate);
	state->low = log2(to[PHASER_PARAM_LOW]);
	state->span = log2(to[PHASER_PARAM_HIGH]) - state->low;
	state->spread = to[PHASER_PARAM_SPREAD] / 360;
	moves |= glide_ramp(&state->triangle, to[PHASER_PARAM_SHAPE], GLIDE_S, update, rate);
	dsp_ramp_set(&state->feedback, from[PHASER_PARAM_FEEDBACK] / 100,
		     to[PHASER_PARAM_FEEDBACK] / 100, frames);
	dsp_ramp_set(&state->wet, from[PHASER_PARAM_MIX] / 100, to[PHASER_PARAM_MIX] / 100, frames);
	dsp_ramp_set(&state->dry, 1 - from[PHASER_PARAM_MIX] / 100, 1 - to[PHASER_PARAM_MIX] / 100,
		     frames);
	return moves;
}

/* ---- process ---- */

/* The way of the coefficient from POSITION on; returns the frames until the next knot. */
static uint32_t phaser_knot(struct phaser_state *state, uint64_t phase, uint64_t position,
			    double rate)
{
	uint64_t increment = state->lfo.increment;
	uint32_t past = (uint32_t)(position % PHASER_KNOT), left = PHASER_KNOT - past;
	double triangle = state->triangle.to;

	if (state->knot_frames == 0) { /* as if it had run all the time */
		state->from = phaser_coef(state, phase - past * increment, triangle, rate);
		state->to = phaser_coef(state, phase + left * increment, triangle, rate);
		state->knot_frames = PHASER_KNOT;
		state->knot_done = past;
	} else if (state->knot_done == state->knot_frames) {
		state->from = state->to;
		state->to = phaser_coef(state, phase + left * increment, triangle, rate);
		state->knot_frames = left;
		state->knot_done = 0;
	} else if (state->to[0] > 1.0) {
		state->to = phaser_coef(state, phase + left * increment, triangle, rate);
	}
	return state->knot_frames - state->knot_done;
}

struct phaser_work {
	phaser_v2 a, step; /* of the coefficient; frame i has a + step (done + i) */
	uint32_t done;
	const struct dsp_ramp *feedback, *blend;
	const float *in[2];
	float *wet[2];
};

/* N frames of a pair; taps at two places of the chain when it blends. */
MIXD_INLINE void phaser_run(struct phaser_pair *pair, const struct phaser_work *work,
			    const uint32_t first, const uint32_t second, const bool is_blend,
			    uint32_t n)
{
	const uint32_t stages = first > second ? first : second;
	phaser_v2 s[PHASER_STAGES], back = pair->back;
	double feedback = work->feedback->to;
	bool rests = dsp_ramp_rests(work->feedback);

	memcpy(s, pair->s, sizeof(s));
	for (uint32_t i = 0; i < n; i++) {
		phaser_v2 a = work->a + work->step * (double)(int32_t)(work->done + i), tap = {0};
		phaser_v2 x = {(double)work->in[0][i], (double)work->in[1][i]};

		x += (rests ? feedback : dsp_ramp_value(work->feedback, i)) * back;
#pragma GCC unroll 12
		for (uint32_t k = 0; k < stages; k++) {
			phaser_v2 y = a * x + (1.0 - a) * s[k];

			s[k] = x + y - s[k];
			x = y;
			if (is_blend && k + 1 == (first < second ? first : second))
				tap = x;
		}
		if (is_blend) {
			double share = dsp_ramp_value(work->blend, i);

			x = first < second ? tap + (x - tap) * share : x + (tap - x) * share;
		}
		back = x;
		work->wet[0][i] = (float)x[0];
		work->wet[1][i] = (float)x[1];
	}
	memcpy(pair->s, s, sizeof(s));
	pair->back = back;
}

static void phaser_run_rest(struct phaser_pair *pair, const struct phaser_work *work,
			    uint32_t stages, uint32_t n)
{
	switch (stages) {
	case 4:
		phaser_run(pair, work, 4, 4, false, n);
		break;
	case 6:
		phaser_run(pair, work, 6, 6, false, n);
		break;
	case 8:
		phaser_run(pair, work, 8, 8, false, n);
		break;
	case 10:
		phaser_run(pair, work, 10, 10, false, n);
		break;
	default:
		phaser_run(pair, work, 12, 12, false, n);
	}
}

static void phaser_mix(const struct phaser_state *state, const float *in, float *wet, float *out,
		       uint32_t n)
{
	dsp_ramp_mul(&state->wet, wet, wet, n);
	dsp_ramp_mul(&state->dry, in, out, n);
	for (uint32_t i = 0; i < n; i++)
		out[i] += wet[i];
}

/* One piece between knots: all ramps stand at its first frame. */
static void phaser_piece(struct phaser_state *state, const struct mixd_inst *inst, uint32_t offset,
			 uint32_t n)
{
	float left[PHASER_KNOT], right[PHASER_KNOT];
	struct phaser_work work = {
		.a = state->from,
		.step = (state->to - state->from) / (double)state->knot_frames,
		.done = state->knot_done,
		.feedback = &state->feedback,
		.blend = &state->blend,
		.wet = {left, right},
	};

	for (uint32_t c = 0; c < state->n_channels; c += 2) {
		bool is_pair = c + 1 < state->n_channels;
		struct phaser_pair *pair = &state->pair[c / 2];

		work.in[0] = inst->in[c] + offset;
		work.in[1] = inst->in[is_pair ? c + 1 : c] + offset;
		if (state->stages[0] == state->stages[1])
			phaser_run_rest(pair, &work, state->stages[0], n);
		else
			phaser_run(pair, &work, state->stages[0], state->stages[1], true, n);
		phaser_mix(state, work.in[0], left, inst->out[c] + offset, n);
		if (is_pair)
			phaser_mix(state, work.in[1], right, inst->out[c + 1] + offset, n);
	}
	state->knot_done += n;
	dsp_ramp_advance(&state->feedback, n);
	dsp_ramp_advance(&state->blend, n);
	dsp_ramp_advance(&state->wet, n);
	dsp_ramp_advance(&state->dry, n);
}

static void phaser_process(const struct mixd_call *call)
{
	const struct mixd_inst *inst = call->inst[0];
	struct phaser_state *state = inst->state;
	uint64_t phase = lfo_start(&state->lfo, call->position);

	for (uint32_t done = 0, n; done < call->n_frames; done += n) {
		uint32_t left = call->n_frames - done;

		n = phaser_knot(state, phase + done * state->lfo.increment, call->position + done,
				inst->setup->rate);
		n = n < left ? n : left;
		phaser_piece(state, inst, done, n);
	}
	dsp_ramp_advance(&state->triangle, call->n_frames);
}

static const struct mixd_node_type phaser_type = {
	.id = "phaser",
	.doc = "Phaser: 4 to 12 all-passes that sweep, in time or in tempo",
	.category = "space",
	.source = "Zavalishin, The Art of VA Filter Design 2.1, 2018",
	.version = 1,
	.flags = MIXD_NODE_IN_PLACE,
	.ports = MIXD_ARRAY(phaser_ports),
	.params = MIXD_ARRAY(phaser_params),
	.needs = phaser_needs,
	.activate = phaser_activate,
	.update = phaser_update,
	.process = phaser_process,
	.reset = phaser_reset,
};

MIXD_MODULE(&phaser_type);
