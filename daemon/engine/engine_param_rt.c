/* engine_param_rt.c - params on their way: ramps, envelopes, cells.
 *
 * A ramp runs in its row's domain: the value itself, log2 of it, or the linear factor of a gain
 * (dsp.md 2.6). Values are evaluated at the ends of cells, from the absolute position. exp2 and
 * log2 are our own: libm picks its code by CPU, and results must be the same bits everywhere
 * (series: Abramowitz and Stegun 4.1.27 and 4.2.1). */
#include <math.h>
#include <string.h>

#include "engine_internal.h"

#include <mixd/rt.h>

#define PARAM_LN2 0.69314718055994530942
#define PARAM_FLOOR_LOG2 (-23.917) /* -144 dB: where a logarithmic fade begins or ends */
#define PARAM_HALF_PI 1.57079632679489661923

double engine_exp2(double x)
{
	double whole, r, sum = 1.0;

	if (x < -1000.0)
		return 0.0;
	if (x > 1000.0)
		x = 1000.0;
	whole = floor(x + 0.5);
	r = (x - whole) * PARAM_LN2;
	for (int k = 18; k >= 1; k--)
		sum = 1.0 + sum * r / k;
	return ldexp(sum, (int)whole);
}

double engine_log2(double x)
{
	int exponent;
	double m = frexp(x, &exponent), s, square, sum = 0.0;

	if (m < 0.70710678118654752440) {
		m *= 2.0;
		exponent--;
	}
	s = (m - 1.0) / (m + 1.0);
	square = s * s;
	for (int k = 23; k >= 1; k -= 2)
		sum = sum * square + 1.0 / k;
	return exponent + 2.0 / PARAM_LN2 * s * sum;
}

double engine_visible(const struct mixd_param_row *row, double declared)
{
	if (row->ramp != MIXD_RAMP_GAIN)
		return declared;
	if (declared <= row->min)
		return 0.0;
	return engine_exp2(declared * 0.16609640474436811739); /* log2(10) / 20 */
}

double engine_domain_value(uint8_t domain, double visible)
{
	if (domain == ENGINE_DOMAIN_LINEAR)
		return visible;
	return visible > 0.0 ? engine_log2(visible) : PARAM_FLOOR_LOG2;
}

/* A level is a logarithm already: linear in dB is its log curve. */
static bool param_is_level(const struct mixd_param_row *row)
{
	return row->unit == MIXD_UNIT_DB || row->unit == MIXD_UNIT_DBFS ||
	       row->unit == MIXD_UNIT_DBTP || row->unit == MIXD_UNIT_LUFS ||
	       row->unit == MIXD_UNIT_LU;
}

uint8_t engine_domain(const struct mixd_param_row *row, enum graph_curve curve)
{
	if (row->ramp == MIXD_RAMP_LOG)
		return ENGINE_DOMAIN_LOG2;
	if (curve != GRAPH_CURVE_LOG)
		return ENGINE_DOMAIN_LINEAR;
	if (row->ramp == MIXD_RAMP_GAIN || (row->min > 0.0 && !param_is_level(row)))
		return ENGINE_DOMAIN_LOG2;
	return ENGINE_DOMAIN_LINEAR;
}

/* sin(pi/2 t), by its series; exact at 0 and 1. */
static double param_sine(double t)
{
	double x = t * PARAM_HALF_PI, square = x * x, sum = 1.0;

	if (t >= 1.0)
		return 1.0;
	for (int k = 21; k >= 3; k -= 2)
		sum = 1.0 - sum * square / (k * (k - 1));
	return x * sum;
}

static double param_shape(uint8_t curve, double t, bool rises)
{
	if (t <= 0.0)
		return 0.0;
	if (t >= 1.0)
		return 1.0;
	switch ((enum graph_curve)curve) {
	case GRAPH_CURVE_LINEAR:
	case GRAPH_CURVE_LOG: /* linear in the logarithm */
		return t;
	case GRAPH_CURVE_EQUAL_POWER: /* rising and falling halves keep the power */
		return rises ? param_sine(t) : 1.0 - param_sine(1.0 - t);
	case GRAPH_CURVE_STEP:
	case GRAPH_CURVE_SMOOTH:
		break;
	}
	return t * t * (3.0 - 2.0 * t);
}

/* Where the param's own value at the end of the cell is kept. */
static double *param_own(struct engine_inst *inst, uint32_t idx)
{
	return idx == inst->gain_idx ? &inst->own_to : &inst->to[idx];
}

/* ---- envelopes -------------------------------------------------------------------------------
 */

static void line_attach(struct engine_envelope *envelope, uint64_t position);

static void envelope_let_go(struct engine_envelope *envelope)
{
	envelope->inst->engine->want_wake = true;
	atomic_store_explicit(&envelope->let_go, true, memory_order_release);
}

/* The time line has the param. */
static bool ramp_on_line(const struct engine_ramp *ramp)
{
	return ramp->line && ramp->envelope == ramp->line;
}

void engine_envelope_begin(struct engine_envelope *envelope, uint64_t position)
{
	struct engine_inst *inst = envelope->inst;
	uint32_t idx = envelope->param_idx;
	struct engine_ramp *ramp = &inst->ramps[idx];
	const struct engine_envelope_point *last = &envelope->points[envelope->n_points - 1];

	if (envelope->on_timeline) {
		line_attach(envelope, position);
		return;
	}
	if (ramp_on_line(ramp)) {
		ramp->line->base = last->value;
		envelope_let_go(envelope);
		return;
	}
	engine_param_event(inst,
			   &(struct engine_param_event){.inst = inst,
							.idx = idx + GRAPH_PARAM_COMMON,
							.value = last->value,
							.frames = 1,
							.curve = envelope->curve},
			   position);
	envelope->start = position;
	envelope->at = 0;
	envelope->join_frames = envelope->blend_frames;
	envelope->offset = engine_domain_value(envelope->domain, *param_own(inst, idx)) -
			   envelope->points[0].domain_value;
	ramp->domain = envelope->domain;
	ramp->envelope = envelope;
	atomic_store_explicit(&envelope->started, position + 1, memory_order_relaxed);
}

static void envelope_drop(struct engine_ramp *ramp)
{
	if (!ramp->envelope)
		return;
	envelope_let_go(ramp->envelope);
	ramp->envelope = NULL;
}

/* The param stays where it is. */
static void ramp_rest(struct engine_inst *inst, uint32_t idx)
{
	inst->ramps[idx].active = false;
	for (uint32_t i = 0; i < inst->n_active; i++)
		if (inst->active[i] == idx)
			inst->active[i--] = inst->active[--inst->n_active];
	inst->settle = inst->moving = true;
}

void engine_envelope_end(struct engine_inst *inst, uint32_t param_idx)
{
	struct engine_ramp *ramp = &inst->ramps[param_idx];

	if (!ramp->envelope || ramp_on_line(ramp))
		return;
	envelope_drop(ramp); /* it stays where it is, and the node hears so */
	ramp_rest(inst, param_idx);
}

/* Value in the domain at ELAPSED frames, SINCE frames after it was begun (or located); *ret_done
 * behind the last point. */
static double envelope_value(struct engine_envelope *envelope, uint64_t elapsed, uint64_t since,
			     bool *ret_done)
{
	const struct engine_envelope_point *p = envelope->points;
	uint32_t n = envelope->n_points;
	double value, blend;

	if (elapsed < p[envelope->at].at_frames)
		envelope->at = 0; /* located */
	while (envelope->at + 1 < n && elapsed >= p[envelope->at + 1].at_frames)
		envelope->at++;
	p += envelope->at;
	*ret_done = envelope->at + 1 >= n && elapsed >= p->at_frames + envelope->blend_frames;
	if (envelope->curve == GRAPH_CURVE_STEP && envelope->at > 0) {
		/* a step is a ramp of the row's own time, from its point on */
		double t = envelope->blend_frames
				   ? (double)(elapsed - p->at_frames) / envelope->blend_frames
				   : 1.0;
		value = p[-1].domain_value + (p->domain_value - p[-1].domain_value) *
						     param_shape(GRAPH_CURVE_SMOOTH, t, true);
	} else if (envelope->at + 1 >= n || elapsed <= p->at_frames ||
		   envelope->curve == GRAPH_CURVE_STEP) {
		value = p->domain_value;
	} else {
		double t =
			(double)(elapsed - p->at_frames) / (double)(p[1].at_frames - p->at_frames);

		value = p->domain_value + (p[1].domain_value - p->domain_value) *
						  param_shape(envelope->curve, t,
							      p[1].domain_value > p->domain_value);
	}
	if (since >= envelope->join_frames)
		return value;
	/* the way from where the param was to the envelope */
	blend = param_shape(GRAPH_CURVE_SMOOTH, (double)since / envelope->join_frames, true);
	return value + envelope->offset * (1.0 - blend);
}

/* The same at POSITION of the engine, not before the slice under way. */
static double envelope_at(struct engine_envelope *envelope, uint64_t position, bool *ret_done)
{
	uint64_t since = position - envelope->start;
	double value;

	if (!envelope->on_timeline)
		return envelope_value(envelope, since, since, ret_done);
	value = envelope_value(envelope, engine_transport_at(envelope->inst->engine, position),
			       since, ret_done);
	*ret_done = false; /* time may go back */
	return value;
}

/* ---- envelopes on the time line --------------------------------------------------------------- */

static void line_detach(struct engine_inst *inst, uint32_t idx)
{
	struct engine_ramp *ramp = &inst->ramps[idx];

	if (!ramp->line)
		return;
	if (ramp_on_line(ramp)) {
		ramp->envelope = NULL;
		inst->n_line--;
		ramp_rest(inst, idx);
	}
	envelope_let_go(ramp->line);
	ramp->line = NULL;
	inst->n_lines--;
}

static void line_attach(struct engine_envelope *envelope, uint64_t position)
{
	struct engine_inst *inst = envelope->inst;
	uint32_t idx = envelope->param_idx;
	struct engine_ramp *ramp = &inst->ramps[idx];

	envelope->base = ramp_on_line(ramp) ? ramp->line->base
			 : ramp->active	    ? ramp->target
					    : *param_own(inst, idx);
	line_detach(inst, idx);
	ramp->line = envelope;
	inst->n_lines++;
	inst->line_turn = inst->engine->transport_turn - 1; /* it has heard nothing yet */
	inst->moving = inst->settle = true;
	atomic_store_explicit(&envelope->started, position + 1, memory_order_relaxed);
}

/* The time line rolls, from here. Where nothing has been heard yet there is nothing to join. */
static void line_join(struct engine_inst *inst, uint32_t idx, uint64_t position)
{
	struct engine_ramp *ramp = &inst->ramps[idx];
	struct engine_envelope *line = ramp->line;
	double *own = param_own(inst, idx), value;
	bool done, first = inst->engine->transport_turn == 1 && position == 0;

	if (!ramp_on_line(ramp)) {
		envelope_drop(ramp);
		inst->n_line++;
	}
	if (!ramp->active) {
		ramp->active = true;
		inst->active[inst->n_active++] = idx;
	}
	ramp->envelope = line;
	ramp->domain = line->domain;
	line->at = 0;
	line->start = position;
	line->join_frames = 0;
	value = envelope_at(line, position, &done);
	if (first) {
		*own = line->domain == ENGINE_DOMAIN_LOG2 ? engine_exp2(value) : value;
		if (idx == inst->gain_idx)
			inst->to[idx] = *own * inst->factor;
		return;
	}
	line->offset = engine_domain_value(line->domain, *own) - value;
	line->join_frames = line->blend_frames ? inst->engine->fade_frames : 0;
}

/* It stands still: back to the param's own value. */
static void line_leave(struct engine_inst *inst, uint32_t idx, uint64_t position)
{
	struct engine_ramp *ramp = &inst->ramps[idx];
	const struct mixd_param_row *row = inst->type->params[idx + GRAPH_PARAM_COMMON].row;

	if (!ramp_on_line(ramp))
		return;
	ramp->envelope = NULL;
	inst->n_line--;
	engine_param_event(
		inst,
		&(struct engine_param_event){
			.inst = inst,
			.idx = idx + GRAPH_PARAM_COMMON,
			.value = ramp->line->base,
			.frames = ramp->line->blend_frames
					  ? engine_frames_rt(inst->engine, row->smooth_ms)
					  : 0,
			.curve = GRAPH_CURVE_SMOOTH},
		position);
}

void engine_line_end(struct engine_inst *inst, uint32_t param_idx, uint64_t position)
{
	line_leave(inst, param_idx, position);
	line_detach(inst, param_idx);
}

/* The transport has begun, ended or jumped since the last cell. */
static void inst_lines(struct engine_inst *inst, uint64_t position)
{
	const struct engine *engine = inst->engine;

	if (!inst->n_lines || inst->line_turn == engine->transport_turn)
		return;
	inst->line_turn = engine->transport_turn;
	for (uint32_t i = 0; i < inst->n_params; i++) {
		if (!inst->ramps[i].line)
			continue;
		if (engine->transport.is_rolling)
			line_join(inst, i, position);
		else
			line_leave(inst, i, position);
	}
}

/* ---- events ---------------------------------------------------------------------------------- */

static void inst_publish_value(struct engine_inst *inst, uint32_t idx)
{
	atomic_store_explicit(&inst->reached[idx], *param_own(inst, idx), memory_order_relaxed);
}

/* An event ends the open cell: all params go on from where they are. */
void engine_inst_cut_cell(struct engine_inst *inst, uint64_t position)
{
	double t;

	if (position >= inst->cell_end)
		return;
	t = (double)(position - inst->cell_start) / (double)(inst->cell_end - inst->cell_start);
	inst->own_to = inst->own_from + (inst->own_to - inst->own_from) * t;
	inst->factor = inst->factor_from + (inst->factor - inst->factor_from) * t;
	for (uint32_t i = 0; i < inst->n_params; i++)
		if (inst->from[i] != inst->to[i]) {
			inst->to[i] = inst->from[i] + (inst->to[i] - inst->from[i]) * t;
			inst_publish_value(inst, i);
		}
	inst->cell_end = position;
}

void engine_param_event(struct engine_inst *inst, const struct engine_param_event *event,
			uint64_t position)
{
	uint32_t idx = event->idx - GRAPH_PARAM_COMMON;
	struct engine_ramp *ramp = &inst->ramps[idx];
	const struct mixd_param_row *row = inst->type->params[event->idx].row;

	if (ramp->line)
		ramp->line->base = event->value;
	if (ramp_on_line(ramp))
		return;
	engine_inst_cut_cell(inst, position);
	inst->moving = inst->settle = true;
	envelope_drop(ramp);
	if (!ramp->active) {
		ramp->active = true;
		inst->active[inst->n_active++] = idx;
	}
	ramp->curve = event->curve;
	ramp->domain = engine_domain(row, (enum graph_curve)event->curve);
	ramp->target = event->value;
	ramp->from = engine_domain_value(ramp->domain, *param_own(inst, idx));
	ramp->to = engine_domain_value(ramp->domain, event->value);
	ramp->start = position;
	ramp->frames = event->frames;
	if (event->frames == 0) {
		*param_own(inst, idx) = event->value;
		if (idx == inst->gain_idx)
			inst->to[idx] = event->value * inst->factor;
		inst_publish_value(inst, idx);
	}
}

/* ---- cells ----------------------------------------------------------------------------------- */

/* The ramp's value at POSITION; false when it has arrived. */
static bool ramp_value(struct engine_ramp *ramp, uint64_t position, double *ret_value)
{
	double value;

	if (ramp->envelope) {
		bool done;

		value = envelope_at(ramp->envelope, position, &done);
		if (done) {
			*ret_value = ramp->target;
			envelope_drop(ramp);
			return false;
		}
	} else if (position - ramp->start >= ramp->frames) {
		*ret_value = ramp->target;
		return false;
	} else {
		value = ramp->from +
			(ramp->to - ramp->from) *
				param_shape(ramp->curve,
					    (double)(position - ramp->start) / ramp->frames,
					    ramp->to > ramp->from);
	}
	*ret_value = ramp->domain == ENGINE_DOMAIN_LOG2 ? engine_exp2(value) : value;
	return true;
}

static void inst_update(struct engine_node *node, uint32_t cell_frames, bool jump)
{
	struct engine_inst *inst = node->inst;
	struct mixd_update update = {inst->from, inst->to, cell_frames, jump};

	inst->glide = inst->node_type->update && inst->node_type->update(&node->view, &update);
}

void engine_inst_jump(struct engine_node *node)
{
	struct engine_inst *inst = node->inst;

	inst->own_from = inst->own_to;
	inst->factor_from = inst->factor;
	if (inst->n_params)
		memcpy(inst->from, inst->to, inst->n_params * sizeof(double));
	inst_update(node, MIXD_CELL, true);
	inst->moving = inst->glide || inst->n_active;
}

void engine_inst_cell(struct engine_node *node, uint64_t position)
{
	struct engine_inst *inst = node->inst;
	uint32_t left = 0;
	bool grouped, ramping;

	if (!inst->moving || position < inst->cell_end)
		return;
	inst_lines(inst, position);
	grouped = engine_group_moves(node);
	ramping = inst->n_active > 0 || grouped;
	if (!ramping && !inst->settle && !inst->glide) {
		inst->moving = false;
		return;
	}
	if (inst->n_params)
		memcpy(inst->from, inst->to, inst->n_params * sizeof(double));
	inst->own_from = inst->own_to;
	inst->factor_from = inst->factor;
	inst->cell_start = position;
	inst->cell_end = position / MIXD_CELL * MIXD_CELL + MIXD_CELL;
	for (uint32_t i = 0; i < inst->n_active; i++) {
		uint32_t idx = inst->active[i];

		if (ramp_value(&inst->ramps[idx], inst->cell_end, param_own(inst, idx)))
			inst->active[left++] = idx;
		else
			inst->ramps[idx].active = false;
		inst_publish_value(inst, idx);
	}
	inst->n_active = left;
	if (grouped)
		engine_group_cell(node);
	if (inst->gain_idx != UINT32_MAX)
		inst->to[inst->gain_idx] = inst->own_to * inst->factor;
	inst->settle = ramping;
	inst_update(node, (uint32_t)(inst->cell_end - position), false);
}

double engine_param_at(const struct engine_inst *inst, uint32_t idx, uint64_t position)
{
	const struct engine_ramp *from = &inst->ramps[idx];
	struct engine_ramp ramp = *from;
	double value;
	bool done;

	if (!from->active)
		return idx == inst->gain_idx ? inst->own_to : inst->to[idx];
	if (from->envelope) { /* its place in the list of points is the owner's to move */
		uint32_t at = from->envelope->at;

		value = envelope_at(from->envelope, position, &done);
		from->envelope->at = at;
		if (done)
			return from->target;
		return from->domain == ENGINE_DOMAIN_LOG2 ? engine_exp2(value) : value;
	}
	ramp_value(&ramp, position, &value);
	return value;
}
