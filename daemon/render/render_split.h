/* render_split.h - cut a graph in parts, run one after the other, for several cores.
 *
 * WHAT        A part hears nothing of those behind it. What goes from one to another leaves its engine
 *             by an `output` node and enters the other's by an `input` node of its own, late by
 *             what has come together on the way (engine_setup.input_latency), so that each part
 *             compensates as the whole would.
 * THREADS     [main]
 * INVARIANTS  X1 a node is in one part, but for VCAs, which are in all: their ramps go by position.
 *             X2 sums are summed in the order of the whole: what crosses is named such that
 *                it sorts where its source does (P4).
 *             X3 nothing crosses to or from a type that breaks cycles, and no cycle is cut.
 * NOT HERE    who runs when: render_pipe.c. */
#pragma once

#include "graph_part.h"
#include "render_internal.h"

/* *ret stays as it is when the graph is not worth a cut, or has none. Where request->cut says, else where
 * N_THREADS have the most of it. GRAPH is borrowed for the life of the split. */
int render_split_find(const struct render_graph *graph, const struct render_request *request,
		      uint32_t n_threads, struct render_split **ret, struct mixd_error *err);
struct render_split *render_split_free(struct render_split *split);
uint32_t render_split_stages(const struct render_split *split); /* 2 ... RENDER_STAGES_MAX */
uint32_t render_split_stage(const struct render_split *split, const struct graph_node *node);
/* Part STAGE as a model, borrowed. BEFORE: the stages; engines of those before it are prepared. */
int render_split_model(struct render_split *split, uint32_t stage,
		       const struct render_stage *before, struct graph_model **ret,
		       struct mixd_error *err);
/* Latencies by slot of the inputs of part STAGE, as engine_setup has them; NULL: none. */
const uint32_t *render_split_latency(const struct render_split *split, uint32_t stage,
				     uint32_t *ret_n);
uint32_t render_split_crossings(const struct render_split *split);
const struct graph_crossing *render_split_crossing(const struct render_split *split, uint32_t idx);
