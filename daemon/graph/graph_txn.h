/* graph_txn.h - change the model by operations, all or nothing, with the way back.
 *
 * WHAT        Operations are the wire's own (mixd.v1.Op): one representation from client to
 *             journal. High-level ones (globs, relative values, texts with units, `after`, `heal`,
 *             Apply) are expanded to primitive ones while they are applied; the primitive ones and
 *             their inverses are what history keeps.
 * RULES       A value that is there already is no change. AddNode of a node that exists is one
 *             when type and named settings are as they are (the others are the operator's), else a
 *             conflict. Set takes a param from its envelope. Clearing an envelope sets the param to
 *             what it has reached; a session (Apply) sets it to where it was going. A param that is
 *             no FLOAT steps, whatever time and curve a Set names. Ports of a counted row that is linked
 *             cannot be taken away.
 * THREADS     [main]
 * INVARIANTS  T1 on failure the model is as before, to the byte of graph_model_to_proto().
 *             T2 applying `inverse` after `done` restores that state too, but for the envelopes that
 *                `done` stopped: their params have the values at which they end (G5).
 *             T3 `done` replayed on the same state gives the same state (journal restore), also
 *                when an envelope has arrived and left on one side only.
 * NOT HERE    compile errors (cycles): the caller compiles, and undoes with graph_txn_revert()
 *             when refused. */
#pragma once

#include "graph_model.h"

#include "mixd/v1/control.pb-c.h"
#include "mixd/v1/events.pb-c.h"

#define GRAPH_OPS_MAX 1000u /* sent by a client, before expansion */

struct graph_param_change {
	uint64_t node_uid;
	uint32_t param_idx; /* into graph_node.value */
	double value;
	double over_ms; /* 0: the row's smooth_ms */
	enum graph_curve curve;
};

struct graph_link_change {
	uint64_t uid;
	double over_ms; /* 0: as all fades */
};

/* What became of a transaction. */
struct graph_delta {
	bool topology; /* nodes, links, configs changed: compile */
	struct graph_param_change
		*params; /* when topology is false these and links are all that changed */
	uint32_t n_params;
	struct graph_link_change *links; /* level, pan or mute of links that were there */
	uint32_t n_links;
	uint64_t *envelopes; /* uids of envelopes that began, changed or were cleared */
	uint32_t n_envelopes;
	bool markers; /* some are not where they were */
	Mixd__V1__Op **done; /* primitive operations, in order; owned */
	uint32_t n_done;
	Mixd__V1__Op **inverse; /* in the order in which to apply them; owned */
	uint32_t n_inverse;
	Mixd__V1__Change **changes; /* for events; owned */
	uint32_t n_changes;
};

/* Apply OPS (borrowed). -errno with *err (op_index set) and the model untouched. *ret_delta: owned
 * by the caller, graph_delta_free(). */
int graph_txn_apply(struct graph_model *model, Mixd__V1__Op *const *ops, uint32_t n_ops,
		    struct graph_delta **ret_delta, struct mixd_error *err);
/* Take back what DELTA did; it must be the last that was applied. Cannot fail. */
void graph_txn_revert(struct graph_model *model, const struct graph_delta *delta);
struct graph_delta *graph_delta_free(struct graph_delta *delta);
/* "set limit.ceiling=-2dBTP", "add comp vox/comp (+3)", "apply: 3 added, 1 set": one line for
 * history, from the done operations. */
void graph_delta_summary(const struct graph_delta *delta, char *buf, size_t size);
