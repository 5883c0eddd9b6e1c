/* meter_order.h - the lines of the live view in the order in which sound flows.
 *
 * WHAT        Columns of a lease come by name of node. The view shows sources first and what they
 *             feed after them, strip by strip: reverse post-order of a depth-first walk along the
 *             links (Cormen et al., Introduction to Algorithms, 22.4). Asked for once per set of
 *             columns. */
#pragma once

#include "mixctl.h"

struct meter_order {
	char topic[64]; /* of the lease it belongs to */
	size_t *idx; /* line -> column */
	size_t n;
};

/* Make ORDER fit COLUMNS; keeps it when it does. Without answer it is theirs. */
void meter_order_update(struct mixctl *m, struct meter_order *order,
			const Mixd__V1__MeterLeaseReply *columns);
/* Column of LINE. */
size_t meter_order_get(const struct meter_order *order, size_t line);
/* RANK of each of NODES (as many as there are) by LINKS: for tests. */
void meter_order_rank(Mixd__V1__Node *const *nodes, size_t n_nodes, Mixd__V1__Link *const *links,
		      size_t n_links, size_t *rank);
