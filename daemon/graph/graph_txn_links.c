/* graph_txn_links.c - AddLink, RemoveLink. */
#include "graph_txn_private.h"

#include <errno.h>
#include <string.h>

#include "graph_value.h"

static int put_values(struct graph_txn *txn, struct graph_link *link,
		      const struct graph_link *wanted)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < GRAPH_LINK_ROWS; i++) {
		if (link->value[i] != wanted->value[i])
			r = graph_txn_put_link_value(txn, link, i, wanted->value[i], 0.0);
	}
	return r;
}

int graph_txn_op_link(struct graph_txn *txn, const Mixd__V1__AddLink *op)
{
	struct graph_link link = {0};
	struct graph_link *existing;
	char address[GRAPH_ADDRESS_MAX];
	int r;

	r = graph_model_find_port(txn->model, op->from, true, &link.from, &link.from_port,
				  txn->err);
	if (r == 0)
		r = graph_model_find_port(txn->model, op->to, false, &link.to, &link.to_port,
					  txn->err);
	if (r == 0)
		r = graph_value_check_param(&graph_link_rows[GRAPH_LINK_LEVEL], op->gain_db, op->to,
					    txn->err);
	if (r < 0)
		return r;
	existing =
		graph_model_find_link(txn->model, link.from, link.from_port, link.to, link.to_port);
	if (existing)
		memcpy(link.value, existing->value, sizeof(link.value));
	if (!existing || op->set_gain)
		link.value[GRAPH_LINK_LEVEL] = op->gain_db == 0.0 ? 0.0 : op->gain_db;
	graph_link_format(&link, address, sizeof(address));
	r = graph_link_read_settings(&link, op->settings, op->n_settings, address, txn->err);
	if (r < 0)
		return r;
	return existing ? put_values(txn, existing, &link) : graph_txn_put_link(txn, &link);
}

static bool is_glob(const char *text)
{
	return strpbrk(text, "*?[{") != NULL;
}

static int unlink_glob(struct graph_txn *txn, const Mixd__V1__RemoveLink *op)
{
	struct graph_model *model = txn->model;
	uint32_t n = 0;

	for (uint32_t i = 0; i < model->n_links;) {
		struct graph_link *link = model->links[i];
		int r;

		if (!graph_link_end_matches(op->from, link->from, true, link->from_port) ||
		    !graph_link_end_matches(op->to, link->to, false, link->to_port)) {
			i++;
			continue;
		}
		r = graph_txn_take_link(txn, link);
		if (r < 0)
			return r;
		n++;
	}
	return n > 0 ? 0 : graph_link_no_such(op->from, op->to, txn->err);
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
	return link ? graph_txn_take_link(txn, link)
		    : graph_link_no_such(op->from, op->to, txn->err);
}
