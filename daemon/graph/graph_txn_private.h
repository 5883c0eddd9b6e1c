/* graph_txn_private.h - one transaction under way: the steps it is made of. Only graph_txn*.c
 * include this.
 *
 * WHAT        A step changes the model, writes how to take it back (pointers: revert needs no memory
 *             and gives the very same nodes back), and appends the primitive operation, its inverse
 *             and the change to the delta. A step that fails may have changed the model: the whole
 *             transaction is then taken back.
 * THREADS     [main] */
#pragma once

#include "graph_model_private.h"
#include "graph_ops.h"
#include "graph_txn.h"

#define GRAPH_STEPS_MAX 131072u /* of one transaction, after expansion */

enum graph_undo_kind {
	GRAPH_UNDO_NODE_ADDED,
	GRAPH_UNDO_NODE_REMOVED,
	GRAPH_UNDO_NODE_RENAMED,
	GRAPH_UNDO_PARAM,
	GRAPH_UNDO_CONFIG,
	GRAPH_UNDO_LINK_ADDED,
	GRAPH_UNDO_LINK_REMOVED,
	GRAPH_UNDO_LINK_VALUE,
	GRAPH_UNDO_ENVELOPE, /* envelope put (or NULL), old taken (or NULL) */
	GRAPH_UNDO_MARKER, /* the same */
};

struct graph_undo {
	enum graph_undo_kind kind;
	uint32_t idx; /* param, config or row of a link */
	uint32_t config_gen;
	struct graph_node *node;
	struct graph_link *link;
	struct graph_envelope *envelope, *old_envelope;
	struct graph_marker *marker, *old_marker;
	struct mixd_value old; /* number, or text (owned): also the old name */
};

/* What graph_delta really is. */
struct graph_txn_delta {
	struct graph_delta delta; /* first */
	struct graph_undo *undo;
	uint32_t n_undo;
	uint32_t max_undo, max_params, max_links, max_envelopes, max_done, max_inverse, max_changes;
	bool applied; /* a session was */
	char summary[160];
};

struct graph_txn {
	struct graph_model *model;
	struct graph_txn_delta *delta;
	struct mixd_error *err;
	bool in_session; /* operations are what it takes to be as a session says */
};

/* ---- steps: graph_txn_steps.c ---- */

/* NODE is taken, also on failure. */
int graph_txn_put_node(struct graph_txn *txn, struct graph_node *node);
/* With its links and envelopes. */
int graph_txn_take_node(struct graph_txn *txn, struct graph_node *node);
int graph_txn_rename_node(struct graph_txn *txn, struct graph_node *node, const char *to);
int graph_txn_put_param(struct graph_txn *txn, struct graph_node *node, uint32_t idx, double value,
			double over_ms, enum graph_curve curve);
/* VALUE's text is taken, also on failure. */
int graph_txn_put_config(struct graph_txn *txn, struct graph_node *node, uint32_t idx,
			 struct mixd_value *value);
/* The change itself, links of moved ports included; used on the way back, too. */
void graph_txn_assign_config(struct graph_model *model, struct graph_node *node, uint32_t idx,
			     const struct mixd_value *value);
/* Ends are borrowed from LINK. */
int graph_txn_put_link(struct graph_txn *txn, const struct graph_link *link);
int graph_txn_put_link_value(struct graph_txn *txn, struct graph_link *link, uint32_t row,
			     double value, double over_ms);
int graph_txn_take_link(struct graph_txn *txn, struct graph_link *link);
/* The envelope there is, if any and not on the time line, goes. Nothing of it is in done or inverse: the step that follows says
 * what becomes of the param. */
int graph_txn_stop_envelope(struct graph_txn *txn, struct graph_node *node, uint32_t idx);
/* ENVELOPE (taken, also on failure) in place of what there is. */
int graph_txn_put_envelope(struct graph_txn *txn, struct graph_node *node, uint32_t idx,
			   struct graph_envelope *envelope);

/* The same where OLD, NEW or both are on the time line; NEW NULL: it is cleared. */
int graph_txn_put_timeline(struct graph_txn *txn, struct graph_node *node, uint32_t idx,
			   struct graph_envelope *envelope);
/* MARKER (taken, also on failure; NULL: none) in place of OLD (NULL: none). */
int graph_txn_put_marker(struct graph_txn *txn, struct graph_marker *marker,
			 struct graph_marker *old);

/* ---- operations ---- */

/* graph_txn_nodes.c */
int graph_txn_op_add(struct graph_txn *txn, const Mixd__V1__AddNode *op);
int graph_txn_op_remove(struct graph_txn *txn, const Mixd__V1__RemoveNode *op);
int graph_txn_op_rename(struct graph_txn *txn, const Mixd__V1__RenameNode *op);
/* graph_txn_links.c */
int graph_txn_op_link(struct graph_txn *txn, const Mixd__V1__AddLink *op);
int graph_txn_op_unlink(struct graph_txn *txn, const Mixd__V1__RemoveLink *op);
/* graph_txn_preset.c */
int graph_txn_op_preset(struct graph_txn *txn, const Mixd__V1__ApplyPreset *op);
/* graph_txn_timeline.c */
int graph_txn_op_marker(struct graph_txn *txn, const Mixd__V1__SetMarker *op);
int graph_txn_op_edit(struct graph_txn *txn, const Mixd__V1__EditClips *op);
/* graph_txn_set.c */
int graph_txn_op_set(struct graph_txn *txn, const Mixd__V1__Set *op);
int graph_txn_op_automate(struct graph_txn *txn, const Mixd__V1__Automate *op);
