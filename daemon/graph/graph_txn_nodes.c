/* graph_txn_nodes.c - AddNode, RemoveNode, RenameNode. */
#include "graph_txn_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"

DEFINE_CLEANUP(graph_node_free, struct graph_node *)

/* ---- add ---- */

/* A node of that name is there: fine when it is what is asked for. Settings that are not named are
 * as the operator left them. */
static int add_existing(struct graph_txn *txn, const Mixd__V1__AddNode *op,
			const struct graph_node *node, const struct graph_node *wanted)
{
	char address[GRAPH_ADDRESS_MAX];
	int r;

	for (size_t i = 0; node->type == wanted->type && i < op->n_settings; i++) {
		struct graph_address found;
		bool equal;

		r = graph_node_find_setting(node, op->settings[i]->id, &found, txn->err);
		if (r < 0)
			return r;
		if (found.kind == GRAPH_ADDRESS_PARAM)
			equal = node->value[found.idx] == wanted->value[found.idx];
		else
			equal = graph_node_config_equal(node, found.idx,
							&wanted->config[found.idx]);
		if (equal)
			continue;
		graph_address_format(&found, address, sizeof(address));
		r = error_set(txn->err, ERROR_CONFLICT, address,
			      "node \"%s\" exists with another %s", node->name,
			      op->settings[i]->id);
		error_hint(txn->err, "set %s, or choose another name", address);
		return r;
	}
	if (node->type == wanted->type)
		return 0;
	r = error_set(txn->err, ERROR_CONFLICT, node->name, "node \"%s\" exists and is a %s",
		      node->name, node->type->node_type->id);
	error_hint(txn->err, "choose another name, or remove it first");
	return r;
}

static int add_slot(struct graph_txn *txn, struct graph_node *node)
{
	int r;

	if (!graph_node_is_boundary(node))
		return 0;
	node->slot = graph_model_free_slot(txn->model);
	if (node->slot != GRAPH_SLOT_NONE)
		return 0;
	r = error_set(txn->err, ERROR_RESOURCE, node->name, "more than %u inputs and outputs",
		      GRAPH_SLOTS_MAX);
	error_hint(txn->err, "remove one, or run a second instance");
	return r;
}

/* What left FROM's port leaves NODE's main output instead, and NODE is fed from there. */
static int add_behind(struct graph_txn *txn, struct graph_node *node, struct graph_node *from,
		      uint32_t from_port)
{
	struct graph_model *model = txn->model;
	struct graph_link link = {.from = from, .from_port = from_port, .to = node};
	int r;

	if (node->n_in_ports == 0 || node->n_out_ports == 0) {
		r = error_set(txn->err, ERROR_INVALID, node->name, "a %s cannot stand behind %s",
			      node->type->node_type->id, from->name);
		error_hint(txn->err, "only nodes with an input and an output can be put between");
		return r;
	}
	for (uint32_t i = 0; i < model->n_links;) {
		struct graph_link moved = *model->links[i];

		/* what is tapped before FROM stays where it is */
		if (moved.from != from || moved.from_port != from_port ||
		    moved.value[GRAPH_LINK_TAP] == GRAPH_TAP_PRE) {
			i++;
			continue;
		}
		r = graph_txn_take_link(txn, model->links[i]);
		if (r < 0)
			return r;
		moved.from = node;
		moved.from_port = 0;
		r = graph_txn_put_link(txn, &moved);
		if (r < 0)
			return r;
		/* the new link may sort before this place: look at all again */
		i = 0;
	}
	return graph_txn_put_link(txn, &link);
}

static int add_new(struct graph_txn *txn, const Mixd__V1__AddNode *op, struct graph_node *taken)
{
	_cleanup_(graph_node_freep) struct graph_node *node = taken;
	struct graph_node *added = node, *from = NULL;
	uint32_t from_port = 0;
	int r;

	if (op->after[0]) {
		r = graph_model_find_port(txn->model, op->after, true, &from, &from_port, txn->err);
		if (r < 0)
			return r;
	}
	if (txn->model->n_nodes >= GRAPH_NODES_MAX) {
		r = error_set(txn->err, ERROR_RESOURCE, node->name, "more than %u nodes",
			      GRAPH_NODES_MAX);
		error_hint(txn->err, "remove nodes that are not needed");
		return r;
	}
	r = add_slot(txn, node);
	if (r < 0)
		return r;
	r = graph_txn_put_node(txn, TAKE_PTR(node));
	return r < 0 || !from ? r : add_behind(txn, added, from, from_port);
}

int graph_txn_op_add(struct graph_txn *txn, const Mixd__V1__AddNode *op)
{
	_cleanup_(graph_node_freep) struct graph_node *node = NULL;
	const struct graph_node *existing;
	const struct graph_type *type;
	int r;

	r = graph_name_check(op->name, txn->err);
	if (r < 0)
		return r;
	type = graph_types_find(txn->model->types, op->type, txn->err);
	if (!type) {
		if (txn->err)
			snprintf(txn->err->address, sizeof(txn->err->address), "%.128s", op->name);
		return -ENOENT;
	}
	node = graph_node_new(type, op->name);
	if (!node)
		return error_no_memory(txn->err);
	r = graph_node_read_settings(node, op->settings, op->n_settings, txn->err);
	if (r < 0)
		return r;
	existing = graph_model_node(txn->model, op->name);
	if (existing)
		return add_existing(txn, op, existing, node);
	return add_new(txn, op, TAKE_PTR(node));
}

/* ---- remove ---- */

static double gain_sum(double a_db, double b_db)
{
	double sum = a_db + b_db;

	if (a_db <= GRAPH_LINK_GAIN_MIN_DB || b_db <= GRAPH_LINK_GAIN_MIN_DB ||
	    sum < GRAPH_LINK_GAIN_MIN_DB)
		return GRAPH_LINK_GAIN_MIN_DB;
	return sum > GRAPH_LINK_GAIN_MAX_DB ? GRAPH_LINK_GAIN_MAX_DB : sum;
}

/* One link does what both did, but for a second pan, which nobody can add up. */
static void heal_values(const struct graph_link *in, const struct graph_link *out,
			struct graph_link *link)
{
	link->value[GRAPH_LINK_LEVEL] =
		gain_sum(in->value[GRAPH_LINK_LEVEL], out->value[GRAPH_LINK_LEVEL]);
	link->value[GRAPH_LINK_PAN] = in->value[GRAPH_LINK_PAN] != 0.0 ? in->value[GRAPH_LINK_PAN]
								       : out->value[GRAPH_LINK_PAN];
	link->value[GRAPH_LINK_MUTE] =
		in->value[GRAPH_LINK_MUTE] != 0.0 || out->value[GRAPH_LINK_MUTE] != 0.0;
	link->value[GRAPH_LINK_TAP] = in->value[GRAPH_LINK_TAP];
}

/* Link what feeds the main input of NODE to what its main output feeds, gains added. */
static int heal(struct graph_txn *txn, const struct graph_node *node, struct graph_link *in,
		uint32_t n_in, struct graph_link *out, uint32_t n_out)
{
	for (uint32_t i = 0; i < n_in; i++) {
		for (uint32_t k = 0; k < n_out; k++) {
			struct graph_link link = {.from = in[i].from,
						  .from_port = in[i].from_port,
						  .to = out[k].to,
						  .to_port = out[k].to_port};
			int r;

			if (link.from == link.to || link.from == node || link.to == node ||
			    graph_model_find_link(txn->model, link.from, link.from_port, link.to,
						  link.to_port))
				continue;
			heal_values(&in[i], &out[k], &link);
			r = graph_txn_put_link(txn, &link);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* What TEXT says with the name FROM become TO, or gone (NULL). Returned: malloc'd; NULL: no memory. */
static char *members_with(const char *text, const char *from, const char *to)
{
	size_t from_size = strlen(from), to_size = to ? strlen(to) : 0;
	char *out = malloc(strlen(text) * (1 + to_size) + 1), *end = out;

	if (!out)
		return NULL;
	while (*text) {
		size_t gap = strspn(text, ", \t"), size = strcspn(text + gap, ", \t");
		bool hit = size == from_size && memcmp(text + gap, from, size) == 0;

		if (!hit || to) {
			memcpy(end, text, gap);
			end += gap;
			memcpy(end, hit ? to : text + gap, hit ? to_size : size);
			end += hit ? to_size : size;
		}
		text += gap + size;
	}
	*end = '\0';
	memmove(out, out + strspn(out, ", \t"), strlen(out + strspn(out, ", \t")) + 1);
	return out;
}

/* VCAs follow when a member is renamed (TO), or goes (NULL). */
static int members_follow(struct graph_txn *txn, const char *from, const char *to)
{
	for (uint32_t i = 0; i < txn->model->n_nodes; i++) {
		struct graph_node *node = txn->model->nodes[i];
		int idx = node->type->node_type->flags & MIXD_NODE_GROUP
				  ? graph_type_config(node->type, "members")
				  : -1;
		struct mixd_value value = {0};
		int r;

		if (idx < 0 || !node->config[idx].text)
			continue;
		value.text = members_with(node->config[idx].text, from, to);
		if (!value.text)
			return error_no_memory(txn->err);
		if (graph_node_config_equal(node, (uint32_t)idx, &value)) {
			free((char *)value.text);
			continue;
		}
		r = graph_txn_put_config(txn, node, (uint32_t)idx, &value);
		if (r < 0)
			return r;
	}
	return 0;
}

int graph_txn_op_remove(struct graph_txn *txn, const Mixd__V1__RemoveNode *op)
{
	_cleanup_free_ struct graph_link *in = NULL, *out = NULL;
	struct graph_model *model = txn->model;
	uint32_t n_in = 0, n_out = 0;
	struct graph_node *node = NULL;
	int r;

	r = graph_model_find_node(model, op->name, &node, txn->err);
	if (r < 0)
		return r;
	in = calloc(model->n_links + 1u, sizeof(*in));
	out = calloc(model->n_links + 1u, sizeof(*out));
	if (!in || !out)
		return error_no_memory(txn->err);
	for (uint32_t i = 0; op->heal && i < model->n_links; i++) {
		const struct graph_link *link = model->links[i];

		if (link->to == node && link->to_port < graph_node_main_ports(node, false))
			in[n_in++] = *link;
		if (link->from == node && link->from_port < graph_node_main_ports(node, true))
			out[n_out++] = *link;
	}
	r = members_follow(txn, node->name, NULL);
	if (r == 0)
		r = graph_txn_take_node(txn, node);
	return r < 0 ? r : heal(txn, node, in, n_in, out, n_out);
}

/* ---- rename ---- */

int graph_txn_op_rename(struct graph_txn *txn, const Mixd__V1__RenameNode *op)
{
	struct graph_node *node = NULL;
	int r;

	r = graph_model_find_node(txn->model, op->name, &node, txn->err);
	if (r == 0)
		r = graph_name_check(op->to, txn->err);
	if (r < 0 || strcmp(op->name, op->to) == 0)
		return r;
	if (graph_model_node(txn->model, op->to)) {
		r = error_set(txn->err, ERROR_CONFLICT, op->to, "node \"%s\" exists", op->to);
		error_hint(txn->err, "choose another name, or remove it first");
		return r;
	}
	r = members_follow(txn, node->name, op->to);
	return r < 0 ? r : graph_txn_rename_node(txn, node, op->to);
}
