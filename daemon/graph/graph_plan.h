/* graph_plan.h - compile what is to sound into an immutable execution plan: pure data, indexes only.
 *
 * WHAT        Input: instances and links (the live model and what still fades out of it), as plain
 *             tables. Output: the steps of a slice in an order that keeps buffers hot, the buffer
 *             of every channel, the order in which links are summed, and which instances of laned
 *             types share a bank.
 * THREADS     [any]: no globals, no I/O, no pointers into the engine.
 * INVARIANTS  P1 a step comes after every step it reads from; a feedback type's outputs come from
 *                an EMIT step, its inputs go into the PROCESS step.
 *             P2 two values that are alive at the same time never share a buffer; only a type with
 *                MIXD_NODE_IN_PLACE gets an output in the buffer of the same channel of its main
 *                input.
 *             P3 instances of one bank have equal type, shape, channels, linked ports and words,
 *                and no path joins them.
 *             P4 the plan depends on the tables only: same tables, same plan. Links of a port are
 *                summed by (index of the source, port, index of the link).
 *             P5 with the delays of graph_plan_align() all inputs of a node carry the same latency.
 * NOT HERE    layouts and needs (the engine asks the types), gains and fades (engine/). */
#pragma once

#include <mixd/node.h>

#include "error.h"

#define GRAPH_PLAN_NONE UINT32_MAX

/* What the compiler must know of an instance. Tables are sorted by name by the caller (equal names:
 * the ghosts of replaced instances first). */
struct graph_plan_node {
	const char *name; /* borrowed; for errors */
	const struct mixd_node_type *type;
	uint32_t n_in_ports, n_out_ports;
	const uint32_t *in_first, *out_first; /* first channel of each port; n + 1 entries */
	uint32_t latency; /* frames */
	uint32_t lane_state, lane_coef; /* words; both 0: not laned */
	uint64_t shape;
	uint64_t bank_hint; /* the bank it is in now, or 0: those with equal hints stay together */
};

struct graph_plan_link {
	uint32_t from, to; /* indexes of nodes */
	uint32_t from_port, to_port;
};

struct graph_plan_source {
	const struct graph_plan_node *nodes;
	uint32_t n_nodes;
	const struct graph_plan_link *links;
	uint32_t n_links;
	bool alone; /* every instance in a bank of its own (tests) */
};

enum graph_plan_kind { GRAPH_PLAN_PROCESS, GRAPH_PLAN_EMIT };

struct graph_plan_step {
	enum graph_plan_kind kind;
	uint32_t first, n; /* node = plan->order[first .. first + n - 1] */
	uint32_t width; /* lanes of a block: 2, 4 or 8; 0: not laned */
	uint32_t n_blocks;
	uint32_t channels; /* lanes per instance */
};

struct graph_plan {
	struct graph_plan_step *steps;
	uint32_t n_steps, n_banks;
	uint32_t *order; /* nodes in the order of the steps */
	uint32_t n_order;
	/* Input ports of all nodes, one node after the other: port p of node i is at in_port[i] + p.
	 */
	uint32_t *in_port; /* n_nodes + 1 */
	uint32_t *link_first; /* per input port, + 1: range in link_order */
	uint32_t *link_order;
	/* Channels of all nodes: channel c of node i is at in_channel[i] + c. */
	uint32_t *in_channel, *out_channel; /* n_nodes + 1 */
	uint32_t *in_buffer; /* where the links of a channel are mixed; NONE: port without links */
	uint32_t *out_buffer;
	uint32_t n_buffers;
};

/* Delay of each link so that P5 holds, and the longest latency at a node of EXTERNAL_OUT. Links to
 * and from feedback types get none. -ELOOP with the path named ("a -> b -> a"), -ENOMEM. */
int graph_plan_align(const struct graph_plan_source *source, uint32_t *ret_delays,
		     uint32_t *ret_latency, struct mixd_error *err);

/* *ret_plan: returned, free with graph_plan_free(). On -ELOOP, *ret_cycle (may be NULL) is a
 * malloc'd list of the cycle's links, *ret_n_cycle long. */
int graph_plan_compile(const struct graph_plan_source *source, struct graph_plan **ret_plan,
		       uint32_t **ret_cycle, uint32_t *ret_n_cycle, struct mixd_error *err);
struct graph_plan *graph_plan_free(struct graph_plan *plan);
