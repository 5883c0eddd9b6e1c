/* render_split.h - cut a graph in two, run one after the other, for two cores.
 *
 * WHAT        A part A that hears nothing of the other, and the rest, B. What goes from A to B leaves
 *             A's engine by an `output` node and enters B's by an `input` node of its own, late by
 *             what has come together on the way (engine_setup.input_latency), so that B compensates
 *             as the whole would.
 * THREADS     [main]
 * INVARIANTS  X1 a node is in one part, but for VCAs, which are in both: their ramps go by position.
 *             X2 the sums of B are summed in the order of the whole: what crosses is named such that
 *                it sorts where its source does (P4).
 *             X3 nothing crosses to or from a type that breaks cycles, and no cycle is cut.
 * NOT HERE    who runs when: render_pipe.c. */
#pragma once

#include "render_internal.h"

/* *ret stays as it is when the graph is not worth a cut, or has none. AT: behind how many nodes to
 * cut, at the least; 0: where it is best. GRAPH is borrowed for the life of the split. */
int render_split_find(const struct render_graph *graph, uint32_t at, struct render_split **ret,
		      struct mixd_error *err);
struct render_split *render_split_free(struct render_split *split);
uint32_t render_split_stage(const struct render_split *split, const struct graph_node *node);
/* Part 0 or 1 as a model, borrowed. BEFORE: the engine of part 0, prepared, for part 1. */
int render_split_model(struct render_split *split, uint32_t stage, struct engine *before,
		       struct graph_model **ret, struct mixd_error *err);
/* Latencies by slot of the inputs of part STAGE, as engine_setup has them; NULL: none. */
const uint32_t *render_split_latency(const struct render_split *split, uint32_t stage,
				     uint32_t *ret_n);
uint32_t render_split_crossings(const struct render_split *split);
void render_split_crossing(const struct render_split *split, uint32_t idx,
			   struct graph_node **ret_from, struct graph_node **ret_to);
