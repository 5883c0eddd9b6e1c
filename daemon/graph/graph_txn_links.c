/* graph_txn_links.c - AddLink, RemoveLink. */
#include "graph_txn_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int graph_txn_op_link(struct graph_txn *txn, const Mixd__V1__AddLink *op)
{
	struct graph_link link = {.gain_db = op->gain_db == 0.0 ? 0.0 : op->gain_db};
	struct graph_link *existing;
	int r;

	r = graph_model_find_port(txn->model, op->from, true, &link.from, &link.from_port,
				  txn->err);
	if (r == 0)
		r = graph_model_find_port(txn->model, op->to, false, &link.to, &link.to_port,
					  txn->err);
	if (r < 0)
		return r;
	r = graph_link_gain_check(link.gain_db, op->to, txn->err);
	if (r < 0)
		return r;
	existing =
		graph_model_find_link(txn->model, link.from, link.from_port, link.to, link.to_port);
	if (!existing)
		return graph_txn_put_link(txn, &link);
	if (!op->set_gain || existing->gain_db == link.gain_db)
		return 0;
	return graph_txn_put_link_gain(txn, existing, link.gain_db);
}

static bool is_glob(const char *text)
{
	return strpbrk(text, "*?[{") != NULL;
}

/* "vox/'*'" matches all ports of the nodes, "vox/'*':out" one. */
static bool end_matches(const char *pattern, const struct graph_node *node, bool output,
			uint32_t port)
{
	char address[GRAPH_ADDRESS_MAX];

	if (!strchr(pattern, ':'))
		return graph_glob_match(pattern, node->name);
	graph_node_port_address(node, output, port, address, sizeof(address));
	return graph_glob_match(pattern, address);
}

static int no_link(struct graph_txn *txn, const char *from, const char *to)
{
	int r = error_set(txn->err, ERROR_NOT_FOUND, to, "there is no link %.120s -> %.120s", from,
			  to);

	error_hint(txn->err, "see `mixctl ls links`");
	return r;
}

static int unlink_glob(struct graph_txn *txn, const Mixd__V1__RemoveLink *op)
{
	struct graph_model *model = txn->model;
	uint32_t n = 0;

	for (uint32_t i = 0; i < model->n_links;) {
		struct graph_link *link = model->links[i];
		int r;

		if (!end_matches(op->from, link->from, true, link->from_port) ||
		    !end_matches(op->to, link->to, false, link->to_port)) {
			i++;
			continue;
		}
		r = graph_txn_take_link(txn, link);
		if (r < 0)
			return r;
		n++;
	}
	return n > 0 ? 0 : no_link(txn, op->from, op->to);
}

int graph_txn_op_unlink(struct graph_txn *txn, const Mixd__V1__RemoveLink *op)
{
	struct graph_node *from = NULL, *to = NULL;
	uint32_t from_port = 0, to_port = 0;
	struct graph_link *link;
	int r;

	if (is_glob(op->from) || is_glob(op->to))
		return unlink_glob(txn, op);
	r = graph_model_find_port(txn->model, op->from, true, &from, &from_port, txn->err);
	if (r == 0)
		r = graph_model_find_port(txn->model, op->to, false, &to, &to_port, txn->err);
	if (r < 0)
		return r;
	link = graph_model_find_link(txn->model, from, from_port, to, to_port);
	return link ? graph_txn_take_link(txn, link) : no_link(txn, op->from, op->to);
}
