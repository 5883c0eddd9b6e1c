/* graph_part.h - a model cut in two: each part a model, what crosses a boundary node in both.
 *
 * WHAT        Part 0 hears nothing of part 1. A port of part 0 that nodes of part 1 listen to gets an
 *             `output` node in part 0 and an `input` node in part 1, which takes its place in all links.
 *             Links keep what they are set to, on the side of part 1; a tap before a node
 *             (tap=pre) is taken in part 0.
 * THREADS     [main]
 * INVARIANTS  Y1 nodes are borrowed from the whole, but for VCAs: each part has a copy, with those
 *                members that are there.
 *             Y2 an `input` node sorts among the nodes of part 1 where its source sorts in the whole
 *                (its name is that of the source and a character below all that names are made of), so
 *                sums have their order (P4 of graph_plan.h). */
#pragma once

#include "graph_model.h"

struct graph_crossing {
	struct graph_node *source; /* borrowed from the whole */
	uint32_t port;
	bool pre; /* what enters the source's main input */
	struct graph_node *out, *in; /* of part 0, of part 1 */
};

struct graph_parts {
	struct graph_model part[2];
	struct graph_crossing *crossing;
	uint32_t n_crossings;
	/* owned */
	struct graph_node **own;
	struct graph_link *links;
	uint32_t n_own, n_links;
};

/* PART: 0 or 1 for each node of MODEL, which must live as long as *ret; VCAs are in both. No link goes
 * from 1 to 0. INPUT, OUTPUT: the types of boundary nodes. -EINVAL (layouts), -ENOMEM. */
int graph_parts_new(const struct graph_model *model, const uint8_t *part,
		    const struct graph_type *input, const struct graph_type *output,
		    struct graph_parts **ret, struct mixd_error *err);
struct graph_parts *graph_parts_free(struct graph_parts *parts);
