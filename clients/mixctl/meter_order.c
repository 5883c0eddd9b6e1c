/* meter_order.c - see meter_order.h. */
#include "meter_order.h"

#include <stdlib.h>
#include <string.h>

/* ---- ranks -------------------------------------------------------------------------------- */

struct order_walk {
	Mixd__V1__Node *const *nodes; /* sorted by name */
	size_t n_nodes;
	size_t (*edges)[2]; /* sorted: from, to */
	size_t n_edges;
	bool *seen;
	size_t *rank;
	size_t next; /* counts down */
};

/* The node of a port's address; n_nodes: none. */
static size_t order_node(const struct order_walk *walk, const char *address)
{
	size_t size = strcspn(address, ":"), low = 0, high = walk->n_nodes;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const char *name = walk->nodes[middle]->name;
		int r = strncmp(name, address, size);

		if (r == 0 && strlen(name) == size)
			return middle;
		if (r < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return walk->n_nodes;
}

static int order_compare_edges(const void *pa, const void *pb)
{
	const size_t *a = pa, *b = pb;

	if (a[0] != b[0])
		return a[0] < b[0] ? -1 : 1;
	return a[1] < b[1] ? -1 : a[1] > b[1];
}

/* The last by name first: what is ranked last stands first. */
static void order_visit(struct order_walk *walk, size_t node)
{
	size_t low = 0, high = walk->n_edges;

	walk->seen[node] = true;
	while (low < high) { /* the first edge after those of NODE */
		size_t middle = low + (high - low) / 2;

		if (walk->edges[middle][0] <= node)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low > 0 && walk->edges[low - 1][0] == node; low--)
		if (!walk->seen[walk->edges[low - 1][1]])
			order_visit(walk, walk->edges[low - 1][1]);
	walk->rank[node] = --walk->next;
}

void meter_order_rank(Mixd__V1__Node *const *nodes, size_t n_nodes, Mixd__V1__Link *const *links,
		      size_t n_links, size_t *rank)
{
	struct order_walk walk = {
		.nodes = nodes, .n_nodes = n_nodes, .rank = rank, .next = n_nodes};
	bool *fed = mixctl_alloc((n_nodes + 1) * sizeof(*fed));

	walk.seen = mixctl_alloc((n_nodes + 1) * sizeof(*walk.seen));
	walk.edges = mixctl_alloc((n_links + 1) * sizeof(*walk.edges));
	for (size_t i = 0; i < n_links; i++) {
		size_t from = order_node(&walk, links[i]->from);
		size_t to = order_node(&walk, links[i]->to);

		if (from == n_nodes || to == n_nodes)
			continue; /* they were asked for one after the other */
		walk.edges[walk.n_edges][0] = from;
		walk.edges[walk.n_edges++][1] = to;
		fed[to] = true;
	}
	qsort(walk.edges, walk.n_edges, sizeof(*walk.edges), order_compare_edges);
	for (int pass = 0; pass < 2; pass++) /* what is fed by nothing; then loops */
		for (size_t i = n_nodes; i > 0; i--)
			if (!walk.seen[i - 1] && (pass == 1 || !fed[i - 1]))
				order_visit(&walk, i - 1);
	free(walk.edges);
	free(walk.seen);
	free(fed);
}

/* ---- columns ------------------------------------------------------------------------------ */

struct order_column {
	size_t rank, idx;
};

static int order_compare_columns(const void *pa, const void *pb)
{
	const struct order_column *a = pa, *b = pb;

	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	return a->idx < b->idx ? -1 : a->idx > b->idx;
}

static bool order_is_of(const char *address, const char *name)
{
	size_t size = strlen(name);

	return strncmp(address, name, size) == 0 && address[size] == '.';
}

/* Columns come node by node: the one before is tried first. */
static void order_rank_columns(struct order_column *by_rank,
			       const Mixd__V1__MeterLeaseReply *columns,
			       const Mixd__V1__NodesReply *nodes, const size_t *rank)
{
	size_t last = 0;

	for (size_t i = 0; i < columns->n_addresses; i++) {
		size_t n = 0;

		while (n < nodes->n_nodes &&
		       !order_is_of(columns->addresses[i],
				    nodes->nodes[(last + n) % nodes->n_nodes]->name))
			n++;
		if (n == nodes->n_nodes)
			continue;
		last = (last + n) % nodes->n_nodes;
		by_rank[i].rank = rank[last];
	}
}

static Mixd__V1__Reply *order_ask(struct mixctl *m, Mixd__V1__Request__OpCase op_case)
{
	Mixd__V1__GetNodes nodes = MIXD__V1__GET_NODES__INIT;
	Mixd__V1__GetLinks links = MIXD__V1__GET_LINKS__INIT;
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;

	request.op_case = op_case;
	if (op_case == MIXD__V1__REQUEST__OP_GET_NODES)
		request.get_nodes = &nodes;
	else
		request.get_links = &links;
	return mixctl_request(m, &request);
}

void meter_order_update(struct mixctl *m, struct meter_order *order,
			const Mixd__V1__MeterLeaseReply *columns)
{
	size_t n = columns->n_addresses, *rank;
	struct order_column *by_rank;
	Mixd__V1__Reply *nodes, *links;

	if (strcmp(order->topic, columns->topic) == 0 && order->n == n)
		return;
	snprintf(order->topic, sizeof(order->topic), "%s", columns->topic);
	nodes = order_ask(m, MIXD__V1__REQUEST__OP_GET_NODES);
	links = nodes ? order_ask(m, MIXD__V1__REQUEST__OP_GET_LINKS) : NULL;
	m->err = (struct mixd_client_error){0};
	by_rank = mixctl_alloc((n + 1) * sizeof(*by_rank));
	for (size_t i = 0; i < n; i++)
		by_rank[i] = (struct order_column){SIZE_MAX, i};
	if (links) {
		rank = mixctl_alloc((nodes->get_nodes->n_nodes + 1) * sizeof(*rank));
		meter_order_rank(nodes->get_nodes->nodes, nodes->get_nodes->n_nodes,
				 links->get_links->links, links->get_links->n_links, rank);
		order_rank_columns(by_rank, columns, nodes->get_nodes, rank);
		free(rank);
	}
	qsort(by_rank, n, sizeof(*by_rank), order_compare_columns);
	order->idx = mixctl_realloc(order->idx, (n + 1) * sizeof(*order->idx));
	for (size_t i = 0; i < n; i++)
		order->idx[i] = by_rank[i].idx;
	order->n = n;
	free(by_rank);
	mixd_client_reply_free(nodes);
	mixd_client_reply_free(links);
}

size_t meter_order_get(const struct meter_order *order, size_t line)
{
	return order && line < order->n ? order->idx[line] : line;
}
