/* graph_part.h - a model cut in parts: each part a model, what crosses a boundary node in both.
 *
 * WHAT        No part hears anything of those behind it. A port that nodes of parts behind listen to
 *             gets an `output` node in its own part, and in each of those an `input` node, which takes
 *             its place in all links. Links keep what they are set to, on the side of the listener; a
 *             tap before a node (tap=pre) is taken where the node is.
 * THREADS     [main]
 * INVARIANTS  Y1 nodes are borrowed from the whole, but for VCAs: each part has a copy, with those
 *                members that are there.
 *             Y2 an `input` node sorts among the nodes of its part where its source sorts in the whole
 *                (its name is that of the source and a character below all that names are made of), so
 *                sums have their order (P4 of graph_plan.h). */
#pragma once

#include "graph_model.h"

#define GRAPH_PARTS_MAX 4u

/* What one part hears of another. A source that is heard in several has one `out`. */
struct graph_crossing {
	struct graph_node *source; /* borrowed from the whole */
	uint32_t port;
	bool pre; /* what enters the source's main input */
	uint32_t from, to; /* parts */
	struct graph_node *out, *in; /* there */
};

struct graph_parts {
	struct graph_model part[GRAPH_PARTS_MAX];
	uint32_t n_parts;
	struct graph_crossing *crossing;
	uint32_t n_crossings;
	/* owned */
	struct graph_node **own;
	struct graph_link *links;
	uint32_t n_own, n_links;
};

/* PART: below N_PARTS for each node of MODEL, which must live as long as *ret; VCAs are in all. No link
 * goes back. INPUT, OUTPUT: the types of boundary nodes. -EINVAL (layouts), -ENOMEM. */
int graph_parts_new(const struct graph_model *model, const uint8_t *part, uint32_t n_parts,
		    const struct graph_type *input, const struct graph_type *output,
		    struct graph_parts **ret, struct mixd_error *err);
struct graph_parts *graph_parts_free(struct graph_parts *parts);
