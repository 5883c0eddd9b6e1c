/* tremolo.c - a level that swings.
 *
 * SOURCE      Amplitude modulation: Zoelzer (ed.), DAFX, 2nd ed. (2011), ch. 3. Corners of square and
 *             saw are smoothsteps, as all steps of gain here (reference dsp.md 2.6, measured).
 * STRUCTURE   The gain is 1 - depth (1 - w(phase)) / 2 per frame, w a wave of +-1 that begins at +1.
 *             The phase follows the engine's position, so silence, sleep and cuts of time change
 *             nothing and swings of one rate stay together; what a change of the rate would make it
 *             jump is kept as an offset. Another shape is crossfaded; a change that comes meanwhile
 *             waits its turn. Odd channels (left, ...) lead, even ones follow by `spread`. */
#include <mixd/node.h>

#include <math.h>

#include "clones.h"
#include "glide.h"

#include <mixd/rt.h>

enum { TREMOLO_SINE, TREMOLO_TRIANGLE, TREMOLO_SQUARE, TREMOLO_SAW, TREMOLO_RAMP, TREMOLO_SHAPES };

static const char *const tremolo_shapes[] = {"sine", "triangle", "square", "saw", "ramp", NULL};
static const char *const tremolo_notes[] = {"free", "1/1",  "1/2", "1/2t", "1/4d", "1/4",
					    "1/4t", "1/8d", "1/8", "1/8t", "1/16", NULL};
/* Quarter notes a swing lasts. */
static const double tremolo_quarters[] = {0,	   4,	 2,   4.0 / 3, 1.5, 1,
					  2.0 / 3, 0.75, 0.5, 1.0 / 3, 0.25};

static const struct mixd_port_row tremolo_ports[] = {
	{"in", "What is to swing", false, MIXD_PORT_MAIN, NULL},
	{"out", "The same, swinging", true, MIXD_PORT_MAIN, NULL},
};

enum {
	TREMOLO_PARAM_RATE,
	TREMOLO_PARAM_NOTE,
	TREMOLO_PARAM_BPM,
	TREMOLO_PARAM_DEPTH,
	TREMOLO_PARAM_SHAPE,
	TREMOLO_PARAM_SPREAD,
	TREMOLO_PARAM_EDGE,
};

static const struct mixd_param_row tremolo_params[] = {
	{"rate", "Swings per second, with note=free", MIXD_TYPE_FLOAT, MIXD_UNIT_HZ, 0.05, 40, 5,
	 MIXD_RAMP_LOG, 20, NULL, NULL, 0, NULL},
	{"note", "A swing lasts as long as this note at bpm; t is a triplet, d dotted",
	 MIXD_TYPE_ENUM, MIXD_UNIT_NONE, 0, 10, 0, MIXD_RAMP_NONE, 0, tremolo_notes, NULL, 0, NULL},
	{"bpm", "Quarter notes per minute", MIXD_TYPE_FLOAT, MIXD_UNIT_NONE, 20, 300, 120,
	 MIXD_RAMP_LOG, 20, NULL, NULL, 0, NULL},
	{"depth", "How far down it swings; 100 % is silence", MIXD_TYPE_FLOAT, MIXD_UNIT_PERCENT, 0,
	 100, 50, MIXD_RAMP_LINEAR, 20, NULL, NULL, 0, NULL},
	{"shape", "Wave of the level; saw falls slowly, ramp rises slowly", MIXD_TYPE_ENUM,
	 MIXD_UNIT_NONE, 0, TREMOLO_SHAPES - 1, TREMOLO_SINE, MIXD_RAMP_NONE, 0, tremolo_shapes,
	 NULL, 0, NULL},
	{"spread",
	 "How far right, and every even channel, is behind left; 180 swings from side to side",
	 MIXD_TYPE_FLOAT, MIXD_UNIT_DEG, 0, 180, 0, MIXD_RAMP_LINEAR, 20, NULL, NULL, 0, NULL},
	{"edge", "Time that the steep side of square, saw and ramp takes", MIXD_TYPE_FLOAT,
	 MIXD_UNIT_MS, 2, 50, 8, MIXD_RAMP_LOG, 20, NULL, NULL, 0, NULL},
};

struct tremolo_state {
	double step, step_next; /* swings per frame, now and from the next process() on */
	double offset; /* of the phase to step * position */
	bool fresh; /* no offset yet */
	struct dsp_ramp depth, spread, edge, blend;
	uint32_t shape, shape_before; /* blend: 0 the old, 1 the new */
	double blend_part;
};

static int tremolo_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
			 struct mixd_fault *fault)
{
	ret_need->state_bytes = sizeof(struct tremolo_state);
	return 0;
}

static void tremolo_reset(struct mixd_inst *inst)
{
	*(struct tremolo_state *)inst->state = (struct tremolo_state){0};
}

static double tremolo_rate_hz(const double *value)
{
	uint32_t note = (uint32_t)value[TREMOLO_PARAM_NOTE];

	return note ? value[TREMOLO_PARAM_BPM] / 60.0 / tremolo_quarters[note]
		    : value[TREMOLO_PARAM_RATE];
}

/* Width of a steep side as part of a swing. */
static double tremolo_edge(const double *value)
{
	return fmin(value[TREMOLO_PARAM_EDGE] * 0.001 * tremolo_rate_hz(value), 0.45);
}

/* True while one shape turns into another. */
static bool tremolo_blend(struct tremolo_state *state, const struct mixd_update *update,
			  double rate)
{
	uint32_t wanted = (uint32_t)update->to[TREMOLO_PARAM_SHAPE];
	double before = dsp_ramp_value(&state->blend, 0);

	if (update->jump) {
		state->shape = state->shape_before = wanted;
		state->blend_part = before = 1.0;
	} else if (state->blend_part >= 1.0 && wanted != state->shape &&
		   dsp_ramp_rests(&state->blend)) {
		state->shape_before = state->shape;
		state->shape = wanted;
		state->blend_part = before = 0.0;
	}
	state->blend_part = glide_switch(state->blend_part, true, update, rate);
	dsp_ramp_set(&state->blend, before, glide_smooth(state->blend_part), update->cell_frames);
	return before != 1.0 || wanted != state->shape;
}

static bool tremolo_update(struct mixd_inst *inst, const struct mixd_update *update)
{
	struct tremolo_state *state = inst->state;
	const double *from = update->from, *to = update->to;

	state->step_next = tremolo_rate_hz(to) / inst->setup->rate;
	state->fresh |= update->jump;
	dsp_ramp_set(&state->depth, from[TREMOLO_PARAM_DEPTH] * 0.005,
		     to[TREMOLO_PARAM_DEPTH] * 0.005, update->cell_frames);
	dsp_ramp_set(&state->spread, from[TREMOLO_PARAM_SPREAD] / 360.0,
		     to[TREMOLO_PARAM_SPREAD] / 360.0, update->cell_frames);
	dsp_ramp_set(&state->edge, tremolo_edge(from), tremolo_edge(to), update->cell_frames);
	return tremolo_blend(state, update, inst->setup->rate);
}

/* cos(2 pi p), p in 0..1, to 1e-9: Taylor's sine of a quarter turn at most. */
MIXD_INLINE double tremolo_cosine(double p)
{
	double x = (fabs(p - 0.5) - 0.25) * (2.0 * M_PI), x2 = x * x;
	double sum = 1.0 / 6227020800.0;

	sum = sum * x2 - 1.0 / 39916800.0;
	sum = sum * x2 + 1.0 / 362880.0;
	sum = sum * x2 - 1.0 / 5040.0;
	sum = sum * x2 + 1.0 / 120.0;
	sum = sum * x2 - 1.0 / 6.0;
	return x + x * x2 * sum;
}

/* A smoothstep over EDGE about 0, from 0 to 1. */
MIXD_INLINE double tremolo_step(double at, double edge)
{
	double t = at / edge + 0.5;

	t = t < 0.0 ? 0.0 : t > 1.0 ? 1.0 : t;
	return t * t * (3.0 - 2.0 * t);
}

/* (1 - w) / 2 at phase P (0..1): how far down, 0..1. */
MIXD_INLINE double tremolo_down(uint32_t shape, double p, double edge)
{
	double near = p - (p >= 0.5 ? 1.0 : 0.0); /* of the corner at 0: -0.5 .. 0.5 */
	double half = 0.5 * edge, inside, line;

	switch (shape) {
	case TREMOLO_SINE:
		return 0.5 - 0.5 * tremolo_cosine(p);
	case TREMOLO_TRIANGLE:
		return 2.0 * fabs(near);
	case TREMOLO_SQUARE:
		return p >= 0.25 && p < 0.75 ? tremolo_step(p - 0.5, edge)
					     : 1.0 - tremolo_step(near, edge);
	default: /* saw: the line p, but for the edge about 0, which falls from 1 - half to half */
		inside = (1.0 - half) - (1.0 - edge) * tremolo_step(near, edge);
		line = fabs(near) < half ? inside : p;
		return shape == TREMOLO_SAW ? line : 1.0 - line;
	}
}

static double tremolo_fraction(double x)
{
	return x - floor(x);
}

/* Take up the rate of this cell, at the phase where the last one has ended. */
static double tremolo_phase(struct tremolo_state *state, uint64_t position)
{
	double at = (double)position;

	if (state->fresh)
		state->offset = 0.0;
	else if (state->step_next != state->step)
		state->offset =
			tremolo_fraction(state->offset + tremolo_fraction(state->step * at) -
					 tremolo_fraction(state->step_next * at));
	state->fresh = false;
	state->step = state->step_next;
	return state->offset + 1.0;
}

MIXD_CLONES static void tremolo_wave(const struct tremolo_state *state, uint32_t shape,
				     double offset, int64_t position, double behind,
				     double *restrict ret, uint32_t n_frames)
{
	for (uint32_t i = 0; i < n_frames; i++) {
		double p = state->step * (double)(position + i) + offset -
			   behind * dsp_ramp_value(&state->spread, i);

		p -= floor(p);
		ret[i] = tremolo_down(shape, p, dsp_ramp_value(&state->edge, i));
	}
}

/* The gains of N_FRAMES for the channels that are BEHIND (0 or 1) by the spread. */
static void tremolo_gains(const struct tremolo_state *state, double offset, int64_t position,
			  double behind, float *ret, uint32_t n_frames)
{
	double now[MIXD_SLICE_MAX], before[MIXD_SLICE_MAX];
	bool blends = !dsp_ramp_rests(&state->blend) || state->blend.to != 1.0;

	tremolo_wave(state, state->shape, offset, position, behind, now, n_frames);
	if (blends) {
		tremolo_wave(state, state->shape_before, offset, position, behind, before,
			     n_frames);
		for (uint32_t i = 0; i < n_frames; i++)
			now[i] =
				before[i] + (now[i] - before[i]) * dsp_ramp_value(&state->blend, i);
	}
	for (uint32_t i = 0; i < n_frames; i++)
		ret[i] = (float)(1.0 - 2.0 * dsp_ramp_value(&state->depth, i) * now[i]);
}

static void tremolo_process(const struct mixd_call *call)
{
	const struct mixd_inst *inst = call->inst[0];
	struct tremolo_state *state = inst->state;
	uint32_t channels = inst->setup->out_layout[0]->n_channels, n = call->n_frames;
	bool apart = state->spread.to != 0.0 || !dsp_ramp_rests(&state->spread);
	double offset = tremolo_phase(state, call->position);
	int64_t at = (int64_t)call->position;
	float gain[2][MIXD_SLICE_MAX];

	tremolo_gains(state, offset, at, 0.0, gain[0], n);
	if (apart && channels > 1)
		tremolo_gains(state, offset, at, 1.0, gain[1], n);
	for (uint32_t c = 0; c < channels; c++) {
		const float *in = inst->in[c], *by = gain[apart ? c & 1u : 0];
		float *out = inst->out[c];

		for (uint32_t i = 0; i < n; i++)
			out[i] = in[i] * by[i];
	}
	dsp_ramp_advance(&state->depth, n);
	dsp_ramp_advance(&state->spread, n);
	dsp_ramp_advance(&state->edge, n);
	dsp_ramp_advance(&state->blend, n);
}

static const struct mixd_node_type tremolo_type = {
	.id = "tremolo",
	.doc = "Lets the level swing, or the sound from side to side",
	.category = "space",
	.source = "Zoelzer (ed.), DAFX, 2nd ed., 2011, ch. 3",
	.version = 1,
	.flags = MIXD_NODE_IN_PLACE,
	.ports = MIXD_ARRAY(tremolo_ports),
	.params = MIXD_ARRAY(tremolo_params),
	.needs = tremolo_needs,
	.update = tremolo_update,
	.process = tremolo_process,
	.reset = tremolo_reset,
};

MIXD_MODULE(&tremolo_type);
