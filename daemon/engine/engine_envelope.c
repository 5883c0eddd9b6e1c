/* engine_envelope.c - envelopes of a change: those that begin, and those that are to stop. [main] */
#include <errno.h>
#include <stdlib.h>

#include "engine_internal.h"

/* Nothing in between. A FLOAT without a ramp jumps when it is set, but can be told to take time. */
bool engine_param_steps(const struct mixd_param_row *row)
{
	return row->type != MIXD_TYPE_FLOAT;
}

static struct engine_envelope *envelope_new(struct engine *engine, struct engine_inst *inst,
					    const struct graph_envelope *from)
{
	const struct mixd_param_row *row = inst->type->params[from->param_idx].row;
	bool steps = engine_param_steps(row);
	struct engine_envelope *envelope =
		calloc(1, sizeof(*envelope) + from->n_points * sizeof(envelope->points[0]));

	if (!envelope)
		return NULL;
	envelope->uid = from->uid;
	envelope->inst = inst;
	envelope->param_idx = from->param_idx - GRAPH_PARAM_COMMON;
	envelope->curve = steps ? GRAPH_CURVE_STEP : (uint8_t)from->curve;
	envelope->domain = engine_domain(row, from->curve);
	envelope->blend_frames = steps ? 0 : engine_frames(engine, row->smooth_ms);
	envelope->n_points = from->n_points;
	envelope->on_timeline = from->on_timeline;
	for (uint32_t i = 0; i < from->n_points; i++) {
		double value = engine_visible(row, from->points[i].value);

		envelope->points[i] = (struct engine_envelope_point){
			.at_frames =
				(uint64_t)(from->points[i].at_ms * engine->setup.rate / 1e3 + 0.5),
			.value = value,
			.domain_value = engine_domain_value(envelope->domain, value)};
	}
	return envelope;
}

static const struct graph_envelope *envelope_find(const struct graph_model *model, uint64_t uid)
{
	for (uint32_t i = 0; i < model->n_envelopes; i++)
		if (model->envelopes[i]->uid == uid)
			return model->envelopes[i];
	return NULL;
}

/* Envelopes on the time line are a state: a new instance has those of its node. */
static int envelopes_of_fresh(struct engine *engine, const struct graph_model *model,
			      struct engine_change *change)
{
	for (uint32_t i = 0; change->topology && i < model->n_envelopes; i++) {
		const struct graph_envelope *from = model->envelopes[i];
		struct engine_inst *inst = engine_want_inst(&change->want, from->node->uid);
		struct engine_envelope *envelope;
		bool there = false;

		if (!from->on_timeline || !from->n_points || !inst || !inst->fresh ||
		    from->param_idx < GRAPH_PARAM_COMMON)
			continue;
		for (uint32_t k = 0; k < change->n_envelopes; k++)
			there |= change->envelopes[k]->uid == from->uid;
		if (there)
			continue;
		envelope = envelope_new(engine, inst, from);
		if (!envelope)
			return -ENOMEM;
		change->envelopes[change->n_envelopes++] = envelope;
	}
	return 0;
}

int engine_envelopes_change(struct engine *engine, const struct graph_model *model,
			    const struct graph_delta *delta, struct engine_change *change,
			    struct mixd_error *err)
{
	const struct engine_want *want = change->topology ? &change->want : &engine->want;
	uint32_t n = delta ? delta->n_envelopes : 0;

	change->envelopes =
		calloc((size_t)n + model->n_envelopes + 1, sizeof(struct engine_envelope *));
	change->stops = calloc(n + 1, sizeof(*change->stops));
	if (!change->envelopes || !change->stops)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		const struct graph_envelope *from = envelope_find(model, delta->envelopes[i]);
		struct engine_inst *inst = from ? engine_want_inst(want, from->node->uid) : NULL;
		struct engine_envelope *envelope;

		for (envelope = engine->envelopes; !from && envelope; envelope = envelope->next)
			if (envelope->uid == delta->envelopes[i] &&
			    engine_want_inst(want, envelope->inst->uid) == envelope->inst)
				change->stops[change->n_stops++] = (struct engine_param_event){
					.inst = envelope->inst,
					.idx = envelope->param_idx,
					.on_timeline = envelope->on_timeline};
		if (!inst || !from->n_points)
			continue;
		if (from->param_idx < GRAPH_PARAM_COMMON) {
			error_set(err, ERROR_INVALID, from->node->name, "%s.%s cannot be automated",
				  from->node->name, from->node->type->params[from->param_idx].id);
			error_hint(err, "set it at a time of your choice, or automate a gain");
			return -EINVAL;
		}
		envelope = envelope_new(engine, inst, from);
		if (!envelope)
			return -ENOMEM;
		change->envelopes[change->n_envelopes++] = envelope;
	}
	return envelopes_of_fresh(engine, model, change);
}
