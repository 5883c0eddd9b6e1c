/* engine_status.c - questions about the engine: figures, states, meters. [main] */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine_internal.h"

void engine_stats(struct engine *engine, struct engine_stats *ret)
{
	*ret = (struct engine_stats){
		.position = atomic_load_explicit(&engine->shared_position, memory_order_acquire),
		.cycles = atomic_load_explicit(&engine->shared_cycles, memory_order_relaxed),
		.load_mean = atomic_load_explicit(&engine->shared_load_mean, memory_order_relaxed),
		.load_peak = atomic_load_explicit(&engine->shared_load_peak, memory_order_relaxed),
		.latency_frames = engine->want.latency,
		.quarantines = atomic_load_explicit(&engine->quarantines, memory_order_relaxed),
		.n_steps = atomic_load_explicit(&engine->shared_steps, memory_order_relaxed),
		.n_banks = atomic_load_explicit(&engine->shared_banks, memory_order_relaxed),
	};
}

uint32_t engine_jobs(struct engine *engine)
{
	uint32_t jobs = 0;

	for (uint32_t i = 0; i < engine->want.n_inst_by_uid; i++)
		jobs += atomic_load_explicit(&engine->want.inst_by_uid[i]->jobs,
					     memory_order_acquire);
	return jobs;
}

enum graph_node_state engine_node_state(struct engine *engine, uint64_t node_uid)
{
	struct engine_inst *inst = engine_want_inst(&engine->want, node_uid);

	if (!inst)
		return GRAPH_NODE_RUNNING;
	return (enum graph_node_state)atomic_load_explicit(&inst->state, memory_order_relaxed);
}

const char *engine_node_lack(struct engine *engine, uint64_t node_uid)
{
	struct engine_inst *inst = engine_want_inst(&engine->want, node_uid);

	return inst ? inst->lack : NULL;
}

uint32_t engine_node_latency(struct engine *engine, uint64_t node_uid)
{
	struct engine_inst *inst = engine_want_inst(&engine->want, node_uid);

	return inst ? inst->need.latency : 0;
}

uint32_t engine_link_delay(struct engine *engine, uint64_t link_uid)
{
	const struct engine_link *link = engine_want_link(&engine->want, link_uid);

	return link ? link->delay : 0;
}

/* Up along any links, as all that arrives at a node is equally late. What has to do with types that
 * break cycles is in no alignment. */
uint32_t engine_path_latency(struct engine *engine, uint64_t node_uid)
{
	const struct engine_inst *inst = engine_want_inst(&engine->want, node_uid);
	uint32_t latency = 0;

	while (inst && !(inst->node_type->flags & MIXD_NODE_FEEDBACK)) {
		const struct engine_link *link = NULL;

		for (uint32_t i = 0; i < engine->want.n_links && !link; i++) {
			const struct engine_want_link *want = &engine->want.links[i];

			if (!want->ghost && want->link->to == inst &&
			    !(want->link->from->node_type->flags & MIXD_NODE_FEEDBACK))
				link = want->link;
		}
		inst = link ? link->from : NULL;
		if (link)
			latency += link->delay + inst->need.latency;
	}
	return latency;
}

const struct mixd_layout *engine_node_layout(struct engine *engine, uint64_t node_uid, bool output,
					     uint32_t port)
{
	const struct engine_inst *inst = engine_want_inst(&engine->want, node_uid);

	if (!inst || port >= (output ? inst->setup.n_out_ports : inst->setup.n_in_ports))
		return NULL;
	return output ? inst->setup.out_layout[port] : inst->setup.in_layout[port];
}

/* ---- params on their way ---------------------------------------------------------------------- */

/* The inverse of engine_visible(), with no more digits than are worth writing down. */
static double status_declared(const struct mixd_param_row *row, double visible)
{
	double value = visible;
	char text[32];

	if (row->ramp == MIXD_RAMP_GAIN) {
		if (!(visible > 0.0))
			return row->min;
		value = rint(20.0 * log10(visible) * 100.0) / 100.0;
	} else if (row->type != MIXD_TYPE_FLOAT) {
		value = rint(visible);
	} else {
		snprintf(text, sizeof(text), "%.4g", visible);
		value = strtod(text, NULL);
	}
	value = value < row->min ? row->min : value > row->max ? row->max : value;
	return value == 0.0 ? 0.0 : value;
}

bool engine_param_now(struct engine *engine, uint64_t node_uid, uint32_t param_idx, double *ret)
{
	struct engine_inst *inst = engine_want_inst(&engine->want, node_uid);
	const struct mixd_param_row *row;
	double visible;

	if (!inst || param_idx < GRAPH_PARAM_COMMON || param_idx >= inst->type->n_params)
		return false;
	row = inst->type->params[param_idx].row;
	visible = atomic_load_explicit(&inst->reached[param_idx - GRAPH_PARAM_COMMON],
				       memory_order_relaxed);
	*ret = visible == engine_visible(row, inst->declared[param_idx])
		       ? inst->declared[param_idx]
		       : status_declared(row, visible);
	return true;
}

uint64_t engine_envelopes_ended(const struct engine *engine)
{
	return engine->envelopes_ended;
}

static int status_compare(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return left < right ? -1 : left > right;
}

int engine_envelopes(struct engine *engine, uint64_t **ret, uint32_t *ret_n)
{
	uint32_t n = 0;
	uint64_t *uids;

	for (struct engine_envelope *at = engine->envelopes; at; at = at->next)
		n++;
	uids = calloc(n + 1u, sizeof(*uids));
	if (!uids)
		return -ENOMEM;
	n = 0;
	for (struct engine_envelope *at = engine->envelopes; at; at = at->next)
		if (!atomic_load_explicit(&at->let_go, memory_order_acquire) &&
		    engine_want_inst(&engine->want, at->inst->uid) == at->inst)
			uids[n++] = at->uid;
	qsort(uids, n, sizeof(*uids), status_compare);
	*ret = uids;
	*ret_n = n;
	return 0;
}

/* ---- meters ---------------------------------------------------------------------------------- */

void engine_meters_lease(struct engine *engine, int delta)
{
	engine->leases += delta;
	if (engine->leases < 0)
		engine->leases = 0;
	atomic_store_explicit(&engine->leased, engine->leases > 0, memory_order_relaxed);
}

/* The fold since READER read last; the newest value when nothing was folded since. */
static double status_fold(struct engine *engine, struct engine_meter_slot *slot,
			  enum mixd_fold fold, uint32_t reader)
{
	double value, rest = fold == MIXD_FOLD_MAX ? -INFINITY : INFINITY;

	if (fold == MIXD_FOLD_LAST || reader >= ENGINE_METER_READERS)
		return atomic_load_explicit(&slot->last, memory_order_relaxed);
	value = atomic_exchange_explicit(&slot->fold[reader], rest, memory_order_relaxed);
	atomic_fetch_or_explicit(&engine->readers, 1u << reader, memory_order_relaxed);
	if (isnan(value) || value == rest) /* first read, or none since */
		return atomic_load_explicit(&slot->last, memory_order_relaxed);
	return value;
}

static double status_db(double factor)
{
	return factor > 0.0 ? 20.0 * log10(factor) : -INFINITY;
}

double engine_meter(struct engine *engine, uint64_t node_uid, uint32_t meter_idx, uint32_t channel,
		    uint32_t reader)
{
	struct engine_inst *inst = engine_want_inst(&engine->want, node_uid);
	const struct mixd_meter_row *row;
	uint32_t own, first, n;

	if (!inst || meter_idx >= inst->type->n_meters)
		return NAN;
	switch (meter_idx) {
	case GRAPH_METER_PEAK:
		return status_db(status_fold(engine, &inst->slots[0], MIXD_FOLD_MAX, reader));
	case GRAPH_METER_LOAD:
		return atomic_load_explicit(&inst->load, memory_order_relaxed);
	case GRAPH_METER_STATE:
		return atomic_load_explicit(&inst->state, memory_order_relaxed);
	case GRAPH_METER_LATENCY:
		return inst->need.latency;
	default:
		break;
	}
	own = meter_idx - GRAPH_METER_COMMON;
	row = &inst->node_type->meters[own];
	first = inst->meter_first[own];
	n = inst->meter_first[own + 1] - first;
	if (graph_meter_numbered(row) && (channel < 1 || channel > n))
		return NAN;
	return status_fold(engine,
			   &inst->slots[1 + first + (graph_meter_numbered(row) ? channel - 1 : 0)],
			   row->fold, reader);
}

/* ---- curves and captured values -------------------------------------------------------------- */

int engine_response(struct engine *engine, const struct graph_node *node,
		    const struct mixd_response *query, double *ret_db)
{
	struct engine_inst *inst = engine_want_inst(&engine->want, node->uid);
	struct mixd_response full = *query;
	double *meter = NULL;

	full.params = node->value + GRAPH_PARAM_COMMON;
	full.config = node->config + GRAPH_CONFIG_COMMON;
	full.rate = engine->setup.rate;
	if (inst && inst->node_type == node->type->node_type) {
		meter = calloc(inst->n_meters + 1u, sizeof(*meter));
		if (!meter)
			return -ENOMEM;
		for (uint32_t i = 0; i < inst->n_meters; i++)
			meter[i] = atomic_load_explicit(&inst->slots[1 + i].last,
							memory_order_relaxed);
		full.inst = &inst->home.view;
		full.meter = engine->leases > 0 ? meter : NULL;
	}
	node->type->node_type->response(&full, ret_db);
	free(meter);
	return 0;
}

bool engine_event_current(const struct engine *engine, const struct engine_event *event)
{
	const struct engine_inst *inst = engine_want_inst(&engine->want, event->node_uid);

	return inst && inst->id == event->inst_id;
}

int engine_capture(struct engine *engine, const struct engine_event *event, uint32_t config,
		   char *ret_text, size_t size, struct mixd_error *err)
{
	struct engine_inst *inst = engine_want_inst(&engine->want, event->node_uid);
	struct mixd_fault fault = {0};
	int res;

	if (!inst || inst->id != event->inst_id)
		return -ESTALE; /* it has been replaced: its successor will speak for itself */
	if (config >= inst->node_type->n_configs || !inst->node_type->capture)
		return error_set(err, ERROR_INVALID, inst->name,
				 "nodes of type %s have nothing to capture in config %u",
				 inst->node_type->id, config);
	ret_text[0] = '\0';
	res = inst->node_type->capture(&inst->home.view, config, ret_text, size, &fault);
	ret_text[size - 1] = '\0';
	if (res == 0)
		return 0;
	error_set(err, ERROR_INVALID, inst->name, "%s",
		  fault.text[0] ? fault.text : "the node could not say what it has captured");
	if (fault.hint[0])
		error_hint(err, "%s", fault.hint);
	return res;
}
