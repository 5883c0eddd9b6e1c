/* graph_plan_internal.h - what the files of the plan compiler share.
 *
 * WHAT        The dependency graph over vertices: vertex i < n_nodes is the PROCESS of node i,
 *             vertex n_nodes + i the EMIT of node i (feedback types only). */
#pragma once

#include "graph_plan.h"

struct graph_plan_work {
	const struct graph_plan_source *source;
	uint32_t n; /* nodes */
	/* links into each node, sorted by (to, to_port, from, from_port, index) */
	uint32_t *by_to; /* link indexes */
	uint32_t *by_to_first; /* n + 1 */
	bool *read; /* per vertex: somebody depends on it */
	/* graph_plan_sort(): */
	uint32_t *sorted; /* vertices, depth first */
	uint32_t n_sorted;
	uint32_t *level; /* per vertex: longest path to it */
	/* a cycle, when found */
	uint32_t *cycle;
	uint32_t n_cycle;
};

static inline bool graph_plan_feedback(const struct graph_plan_work *work, uint32_t node)
{
	return work->source->nodes[node].type->flags & MIXD_NODE_FEEDBACK;
}

/* The vertex whose outputs LINK reads. */
static inline uint32_t graph_plan_producer(const struct graph_plan_work *work, uint32_t link)
{
	uint32_t from = work->source->links[link].from;

	return graph_plan_feedback(work, from) ? work->n + from : from;
}

static inline uint32_t graph_plan_in_channels(const struct graph_plan_node *node)
{
	return node->in_first[node->n_in_ports];
}
static inline uint32_t graph_plan_out_channels(const struct graph_plan_node *node)
{
	return node->out_first[node->n_out_ports];
}
static inline uint32_t graph_plan_main_in(const struct graph_plan_node *node)
{
	return node->n_in_ports ? node->in_first[1] : 0;
}
static inline uint32_t graph_plan_main_out(const struct graph_plan_node *node)
{
	return node->n_out_ports ? node->out_first[1] : 0;
}

/* Tables and the depth-first order. -ELOOP fills work->cycle. */
int graph_plan_work_init(struct graph_plan_work *work, const struct graph_plan_source *source);
void graph_plan_work_done(struct graph_plan_work *work);
int graph_plan_sort(struct graph_plan_work *work);
int graph_plan_cycle_error(const struct graph_plan_work *work, struct mixd_error *err);

/* Fill plan->steps and plan->order. */
int graph_plan_group(struct graph_plan_work *work, struct graph_plan *plan);
/* Fill ports, channels and buffers. */
int graph_plan_place(struct graph_plan_work *work, struct graph_plan *plan);
