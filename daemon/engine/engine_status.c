/* engine_status.c - questions about the engine: figures, states, meters. [main] */
#include <math.h>

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

enum graph_node_state engine_node_state(struct engine *engine, uint64_t node_uid)
{
	struct engine_inst *inst = engine_want_inst(&engine->want, node_uid);

	if (!inst)
		return GRAPH_NODE_RUNNING;
	return (enum graph_node_state)atomic_load_explicit(&inst->state, memory_order_relaxed);
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
	if (row->per_channel && (channel < 1 || channel > n))
		return NAN;
	return status_fold(engine, &inst->slots[1 + first + (row->per_channel ? channel - 1 : 0)],
			   row->fold, reader);
}
