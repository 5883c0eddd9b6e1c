/* graph_expand.h - the model as it is to sound: with what taps, solo and VCAs make of it.
 *
 * WHAT        The operator's model says what is wanted; the engine compiles nodes and plain links.
 *             Between them:
 *             A tap before a node (tap=pre) becomes a small node of its own, through which all goes
 *             that feeds the node's main input: "vox/fader:pre". So delays are compensated and
 *             cycles found as for everything else.
 *             Solo in place mutes the links that leave the other strips (a strip: a type with a
 *             param `safe`); what the soloed ones feed, and what feeds them, stays open. PFL and AFL
 *             link the strip, before or behind it, to the bus that listens (param `listen`), in
 *             place of what feeds that. Key inputs are no path.
 *             VCAs: which of them move which node's gain.
 * THREADS     [main] */
#pragma once

#include "graph_model.h"

struct graph_expanded {
	struct graph_model model; /* a view: nodes are borrowed, links may be copies */
	struct graph_layouts *layouts;
	uint32_t *group_first; /* per node + 1: range in group */
	struct graph_node **group; /* the VCAs that move its gain, each once */
	struct graph_link *links; /* copies, with ends and values as they are to sound */
	struct graph_node **taps;
	uint32_t n_taps;
};

/* TAP: a type with one input and one output, which the taps are made of. MODEL must live as long as
 * *ret. -EINVAL with *err (layouts, VCAs), -ENOMEM. */
int graph_expand(const struct graph_model *model, const struct graph_type *tap,
		 struct graph_expanded **ret, struct mixd_error *err);
struct graph_expanded *graph_expanded_free(struct graph_expanded *expanded);

/* ---- solo ---- */

/* A strip is what can be soloed. */
bool graph_node_is_strip(const struct graph_node *node);
/* The first bus that listens, or NULL. */
struct graph_node *graph_model_listener(const struct graph_model *model);

/* ---- VCAs (graph_groups.c) ---- */

/* The param that a VCA moves: `gain`, a factor; -1: none. Indexes graph_node.value. */
int graph_node_gain_param(const struct graph_node *node);
/* Fill GROUP_FIRST and GROUP of EXPANDED, whose model is complete. -EINVAL names the VCA. */
int graph_groups_resolve(struct graph_expanded *expanded, struct mixd_error *err);
