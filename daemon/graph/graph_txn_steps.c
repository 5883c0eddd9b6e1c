/* graph_txn_steps.c - see graph_txn_private.h. */
#include "graph_txn_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"

/* Room for one more in a growing table. */
static bool room(void *table, uint32_t n, uint32_t *max, size_t size)
{
	void **items = table, *grown;
	uint32_t wanted = *max ? *max * 2 : 8;

	if (n < *max)
		return true;
	grown = reallocarray(*items, wanted, size);
	if (!grown)
		return false;
	*items = grown;
	*max = wanted;
	return true;
}

static int no_memory(struct graph_txn *txn)
{
	return error_no_memory(txn->err);
}

static struct graph_undo *undo_new(struct graph_txn *txn, enum graph_undo_kind kind)
{
	struct graph_txn_delta *delta = txn->delta;
	struct graph_undo *undo;

	if (delta->n_undo >= GRAPH_STEPS_MAX ||
	    !room(&delta->undo, delta->n_undo, &delta->max_undo, sizeof(*delta->undo)))
		return NULL;
	undo = &delta->undo[delta->n_undo++];
	*undo = (struct graph_undo){.kind = kind};
	return undo;
}

static int no_undo(struct graph_txn *txn)
{
	int r;

	if (txn->delta->n_undo < GRAPH_STEPS_MAX)
		return no_memory(txn);
	r = error_set(txn->err, ERROR_RESOURCE, NULL, "the transaction grew beyond %u steps",
		      GRAPH_STEPS_MAX);
	error_hint(txn->err, "split it");
	return r;
}

static bool append(void ***items, uint32_t *n, uint32_t *max, void *item)
{
	if (!item || !room(items, *n, max, sizeof(**items)))
		return false;
	(*items)[(*n)++] = item;
	return true;
}

/* Take the three messages of a step (each may be NULL: no memory). */
static int record(struct graph_txn *txn, Mixd__V1__Op *done, Mixd__V1__Op *inverse,
		  Mixd__V1__Change *change)
{
	struct graph_txn_delta *delta = txn->delta;
	struct graph_delta *out = &delta->delta;
	bool done_in = append((void ***)&out->done, &out->n_done, &delta->max_done, done);
	bool inverse_in =
		append((void ***)&out->inverse, &out->n_inverse, &delta->max_inverse, inverse);
	bool change_in =
		append((void ***)&out->changes, &out->n_changes, &delta->max_changes, change);

	if (!done_in)
		mixd__v1__op__free_unpacked(done, NULL);
	if (!inverse_in)
		mixd__v1__op__free_unpacked(inverse, NULL);
	if (!change_in)
		mixd__v1__change__free_unpacked(change, NULL);
	return done_in && inverse_in && change_in ? 0 : no_memory(txn);
}

/* ---- nodes ---- */

int graph_txn_put_node(struct graph_txn *txn, struct graph_node *node)
{
	struct graph_undo *undo = undo_new(txn, GRAPH_UNDO_NODE_ADDED);

	if (!undo) {
		graph_node_free(node);
		return no_undo(txn);
	}
	undo->node = node;
	node->uid = ++txn->model->last_uid;
	graph_model_put_node(txn->model, node);
	txn->delta->delta.topology = true;
	return record(txn, graph_op_add_node(node), graph_op_remove_node(node->name),
		      graph_change_node_added(node));
}

static int take_links(struct graph_txn *txn, const struct graph_node *node)
{
	struct graph_model *model = txn->model;

	for (uint32_t i = 0; i < model->n_links;) {
		int r;

		if (model->links[i]->from != node && model->links[i]->to != node) {
			i++;
			continue;
		}
		r = graph_txn_take_link(txn, model->links[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

int graph_txn_take_node(struct graph_txn *txn, struct graph_node *node)
{
	struct graph_model *model = txn->model;
	struct graph_undo *undo;
	int r = take_links(txn, node);

	for (uint32_t i = 0; r == 0 && i < model->n_envelopes;) {
		const struct graph_envelope *envelope = model->envelopes[i];

		if (envelope->node != node)
			i++;
		else if (envelope->on_timeline)
			r = graph_txn_put_timeline(txn, node, envelope->param_idx, NULL);
		else
			r = graph_txn_stop_envelope(txn, node, envelope->param_idx);
	}
	if (r < 0)
		return r;
	undo = undo_new(txn, GRAPH_UNDO_NODE_REMOVED);
	if (!undo)
		return no_undo(txn);
	undo->node = node;
	graph_model_take_node(model, node);
	txn->delta->delta.topology = true;
	return record(txn, graph_op_remove_node(node->name), graph_op_add_node(node),
		      graph_change_node_removed(node->name));
}

int graph_txn_rename_node(struct graph_txn *txn, struct graph_node *node, const char *to)
{
	_cleanup_free_ char *name = strdup(to);
	struct graph_undo *undo;

	if (!name)
		return no_memory(txn);
	undo = undo_new(txn, GRAPH_UNDO_NODE_RENAMED);
	if (!undo)
		return no_undo(txn);
	undo->node = node;
	undo->old.text = graph_model_rename_node(txn->model, node, TAKE_PTR(name));
	/* the order of sums follows names: the plan is made anew */
	txn->delta->delta.topology = true;
	return record(txn, graph_op_rename_node(undo->old.text, to),
		      graph_op_rename_node(to, undo->old.text),
		      graph_change_node_renamed(undo->old.text, to));
}

/* ---- values ---- */

static int record_param_change(struct graph_txn *txn, const struct graph_param_change *change)
{
	struct graph_txn_delta *delta = txn->delta;

	if (!room(&delta->delta.params, delta->delta.n_params, &delta->max_params, sizeof(*change)))
		return no_memory(txn);
	delta->delta.params[delta->delta.n_params++] = *change;
	return 0;
}

int graph_txn_put_param(struct graph_txn *txn, struct graph_node *node, uint32_t idx, double value,
			double over_ms, enum graph_curve curve)
{
	const struct graph_address address = {
		.node = node, .kind = GRAPH_ADDRESS_PARAM, .idx = idx};
	const struct graph_param_change change = {node->uid, idx, value, over_ms, curve};
	const struct mixd_param_row *row = node->type->params[idx].row;
	struct graph_undo *undo = undo_new(txn, GRAPH_UNDO_PARAM);
	char text[GRAPH_ADDRESS_MAX];
	double old = node->value[idx];
	int r;

	if (!undo)
		return no_undo(txn);
	undo->node = node;
	undo->idx = idx;
	undo->old.number = old;
	node->value[idx] = value;
	r = record_param_change(txn, &change);
	if (r < 0)
		return r;
	graph_address_format(&address, text, sizeof(text));
	return record(txn,
		      graph_op_set(text, graph_proto_param_value(row, value), over_ms,
				   curve == GRAPH_CURVE_SMOOTH ? "" : graph_curve_names[curve]),
		      graph_op_set(text, graph_proto_param_value(row, old), 0.0, ""),
		      graph_change_param(text, graph_proto_param_value(row, value)));
}

/* A link to or from a port that is gone when config IDX of NODE becomes NUMBER: refused by name.
 * *RET is where the port PORT then is. */
static bool port_moved(const struct graph_node *node, bool output, uint32_t idx, double number,
		       uint32_t port, uint32_t *ret)
{
	const struct mixd_node_type *type = node->type->node_type;
	uint32_t moved = 0;

	for (uint32_t i = 0; i < type->n_ports; i++) {
		const struct mixd_port_row *row = &type->ports[i];
		uint32_t now = 1, then = 1;
		int config;

		if (row->is_output != output)
			continue;
		config = row->count_config ? graph_type_config(node->type, row->count_config) : -1;
		if (config >= 0)
			now = then = (uint32_t)node->config[config].number;
		if (config >= 0 && (uint32_t)config == idx)
			then = (uint32_t)number;
		if (port < now) {
			*ret = moved + port;
			return port < then;
		}
		port -= now;
		moved += then;
	}
	return false;
}

static int check_ports(struct graph_txn *txn, const struct graph_node *node, uint32_t idx,
		       double number)
{
	const char *id = node->type->configs[idx]->id;
	char from[GRAPH_ADDRESS_MAX], to[GRAPH_ADDRESS_MAX], address[GRAPH_ADDRESS_MAX];
	uint32_t moved;
	int r;

	for (uint32_t i = 0; i < txn->model->n_links; i++) {
		const struct graph_link *link = txn->model->links[i];

		if ((link->from != node ||
		     port_moved(node, true, idx, number, link->from_port, &moved)) &&
		    (link->to != node ||
		     port_moved(node, false, idx, number, link->to_port, &moved)))
			continue;
		graph_node_port_address(link->from, true, link->from_port, from, sizeof(from));
		graph_node_port_address(link->to, false, link->to_port, to, sizeof(to));
		snprintf(address, sizeof(address), "%s.%s", node->name, id);
		r = error_set(txn->err, ERROR_CONFLICT, address, "%s -> %s is linked", from, to);
		error_hint(txn->err, "unlink it first, or keep more ports than %g", number);
		return r;
	}
	return 0;
}

/* Ports behind a row that grows or shrinks move up or down; their links follow. */
static void move_ports(struct graph_model *model, struct graph_node *node, uint32_t idx,
		       double number)
{
	for (uint32_t i = 0; i < model->n_links; i++) {
		struct graph_link *link = model->links[i];

		if (link->from == node)
			port_moved(node, true, idx, number, link->from_port, &link->from_port);
		if (link->to == node)
			port_moved(node, false, idx, number, link->to_port, &link->to_port);
	}
}

static bool config_counts_ports(const struct graph_node *node, uint32_t idx)
{
	const struct mixd_node_type *type = node->type->node_type;

	for (uint32_t i = 0; i < type->n_ports; i++) {
		if (type->ports[i].count_config &&
		    strcmp(type->ports[i].count_config, node->type->configs[idx]->id) == 0)
			return true;
	}
	return false;
}

void graph_txn_assign_config(struct graph_model *model, struct graph_node *node, uint32_t idx,
			     const struct mixd_value *value)
{
	if (config_counts_ports(node, idx))
		move_ports(model, node, idx, value->number);
	node->config[idx] = *value;
	graph_node_count_ports(node);
}

int graph_txn_put_config(struct graph_txn *txn, struct graph_node *node, uint32_t idx,
			 struct mixd_value *value)
{
	const struct graph_address address = {
		.node = node, .kind = GRAPH_ADDRESS_CONFIG, .idx = idx};
	const struct mixd_config_row *row = node->type->configs[idx];
	struct graph_undo *undo = NULL;
	char text[GRAPH_ADDRESS_MAX];
	int r = config_counts_ports(node, idx) ? check_ports(txn, node, idx, value->number) : 0;

	if (r == 0) {
		undo = undo_new(txn, GRAPH_UNDO_CONFIG);
		r = undo ? 0 : no_undo(txn);
	}
	if (r < 0) {
		free((char *)value->text);
		return r;
	}
	undo->node = node;
	undo->idx = idx;
	undo->config_gen = node->config_gen;
	undo->old = node->config[idx];
	graph_txn_assign_config(txn->model, node, idx, value);
	node->config_gen++;
	txn->delta->delta.topology = true;
	graph_address_format(&address, text, sizeof(text));
	return record(txn, graph_op_set(text, graph_proto_config_value(row, value), 0.0, ""),
		      graph_op_set(text, graph_proto_config_value(row, &undo->old), 0.0, ""),
		      graph_change_param(text, graph_proto_config_value(row, value)));
}

/* ---- links ---- */

static int record_link(struct graph_txn *txn, const struct graph_link *link, bool put)
{
	char from[GRAPH_ADDRESS_MAX], to[GRAPH_ADDRESS_MAX];
	Mixd__V1__Op *op, *opposite;

	graph_node_port_address(link->from, true, link->from_port, from, sizeof(from));
	graph_node_port_address(link->to, false, link->to_port, to, sizeof(to));
	op = graph_op_link(from, to, link);
	opposite = graph_op_unlink(from, to);
	txn->delta->delta.topology = true;
	return record(txn, put ? op : opposite, put ? opposite : op, graph_change_link(link, put));
}

int graph_txn_put_link(struct graph_txn *txn, const struct graph_link *link)
{
	struct graph_undo *undo;
	struct graph_link *copy;
	int r;

	if (txn->model->n_links >= GRAPH_LINKS_MAX) {
		r = error_set(txn->err, ERROR_RESOURCE, NULL, "more than %u links",
			      GRAPH_LINKS_MAX);
		error_hint(txn->err, "remove links that are not needed");
		return r;
	}
	copy = malloc(sizeof(*copy));
	if (!copy)
		return no_memory(txn);
	undo = undo_new(txn, GRAPH_UNDO_LINK_ADDED);
	if (!undo) {
		free(copy);
		return no_undo(txn);
	}
	*copy = *link;
	copy->uid = ++txn->model->last_uid;
	undo->link = copy;
	graph_model_put_link(txn->model, copy);
	return record_link(txn, copy, true);
}

int graph_txn_put_link_value(struct graph_txn *txn, struct graph_link *link, uint32_t row,
			     double value, double over_ms)
{
	const struct graph_address address = {
		.node = link->to, .link = link, .kind = GRAPH_ADDRESS_LINK, .idx = row};
	struct graph_undo *undo = undo_new(txn, GRAPH_UNDO_LINK_VALUE);
	struct graph_txn_delta *delta = txn->delta;
	char text[GRAPH_ADDRESS_MAX];
	double old = link->value[row];

	if (!undo)
		return no_undo(txn);
	undo->link = link;
	undo->idx = row;
	undo->old.number = old;
	link->value[row] = value;
	if (row == GRAPH_LINK_TAP)
		delta->delta.topology = true;
	if (!room(&delta->delta.links, delta->delta.n_links, &delta->max_links,
		  sizeof(delta->delta.links[0])))
		return no_memory(txn);
	delta->delta.links[delta->delta.n_links++] = (struct graph_link_change){link->uid, over_ms};
	graph_address_format(&address, text, sizeof(text));
	return record(
		txn,
		graph_op_set(text, graph_proto_param_value(&graph_link_rows[row], value), over_ms,
			     ""),
		graph_op_set(text, graph_proto_param_value(&graph_link_rows[row], old), 0.0, ""),
		graph_change_link(link, true));
}

int graph_txn_take_link(struct graph_txn *txn, struct graph_link *link)
{
	struct graph_undo *undo = undo_new(txn, GRAPH_UNDO_LINK_REMOVED);

	if (!undo)
		return no_undo(txn);
	undo->link = link;
	graph_model_take_link(txn->model, link);
	return record_link(txn, link, false);
}

/* ---- envelopes ---- */

static int record_envelope_uid(struct graph_txn *txn, const struct graph_envelope *envelope)
{
	struct graph_txn_delta *delta = txn->delta;

	if (!envelope)
		return 0;
	if (!room(&delta->delta.envelopes, delta->delta.n_envelopes, &delta->max_envelopes,
		  sizeof(delta->delta.envelopes[0])))
		return no_memory(txn);
	delta->delta.envelopes[delta->delta.n_envelopes++] = envelope->uid;
	return 0;
}

/* G5: the param has the value at which ENVELOPE ends; the operation implies it. */
static int put_last_value(struct graph_txn *txn, const struct graph_envelope *envelope,
			  const char *address)
{
	struct graph_txn_delta *delta = txn->delta;
	const struct mixd_param_row *row = envelope->node->type->params[envelope->param_idx].row;
	const struct graph_param_change change = {envelope->node->uid, envelope->param_idx,
						  envelope->points[envelope->n_points - 1].value,
						  0.0, GRAPH_CURVE_SMOOTH};
	double *value = &envelope->node->value[envelope->param_idx];
	Mixd__V1__Change *message;
	struct graph_undo *undo;

	if (*value == change.value)
		return 0;
	undo = undo_new(txn, GRAPH_UNDO_PARAM);
	if (!undo)
		return no_undo(txn);
	undo->node = envelope->node;
	undo->idx = envelope->param_idx;
	undo->old.number = *value;
	*value = change.value;
	message = graph_change_param(address, graph_proto_param_value(row, *value));
	if (!append((void ***)&delta->delta.changes, &delta->delta.n_changes, &delta->max_changes,
		    message)) {
		mixd__v1__change__free_unpacked(message, NULL);
		return no_memory(txn);
	}
	return record_param_change(txn, &change);
}

/* ENVELOPE in the place of OLD (either may be NULL). */
static int swap_envelope(struct graph_txn *txn, struct graph_node *node, uint32_t idx,
			 struct graph_envelope *envelope, struct graph_envelope *old)
{
	struct graph_undo *undo = undo_new(txn, GRAPH_UNDO_ENVELOPE);
	int r;

	if (!undo) {
		graph_envelope_free(envelope);
		return no_undo(txn);
	}
	undo->node = node;
	undo->idx = idx;
	undo->envelope = envelope;
	undo->old_envelope = old;
	if (old)
		graph_model_take_envelope(txn->model, old);
	if (envelope) {
		envelope->uid = ++txn->model->last_uid;
		graph_model_put_envelope(txn->model, envelope);
	}
	r = record_envelope_uid(txn, old);
	return r < 0 ? r : record_envelope_uid(txn, envelope);
}

int graph_txn_stop_envelope(struct graph_txn *txn, struct graph_node *node, uint32_t idx)
{
	const struct graph_address address = {
		.node = node, .kind = GRAPH_ADDRESS_PARAM, .idx = idx};
	struct graph_envelope *old = graph_model_find_envelope(txn->model, node, idx);
	struct graph_txn_delta *delta = txn->delta;
	char text[GRAPH_ADDRESS_MAX];
	Mixd__V1__Change *message;
	int r;

	if (!old || old->on_timeline)
		return 0;
	r = swap_envelope(txn, node, idx, NULL, old);
	if (r < 0)
		return r;
	graph_address_format(&address, text, sizeof(text));
	message = graph_change_envelope(text, NULL);
	if (append((void ***)&delta->delta.changes, &delta->delta.n_changes, &delta->max_changes,
		   message))
		return 0;
	mixd__v1__change__free_unpacked(message, NULL);
	return no_memory(txn);
}

/* The way back is the value from before, at once: an envelope is not begun again. */
int graph_txn_put_envelope(struct graph_txn *txn, struct graph_node *node, uint32_t idx,
			   struct graph_envelope *envelope)
{
	const struct graph_address address = {
		.node = node, .kind = GRAPH_ADDRESS_PARAM, .idx = idx};
	struct graph_envelope *old = graph_model_find_envelope(txn->model, node, idx);
	const struct mixd_param_row *row = node->type->params[idx].row;
	double before = node->value[idx];
	char text[GRAPH_ADDRESS_MAX];
	int r;

	if (!old && txn->model->n_envelopes >= GRAPH_ENVELOPES_MAX) {
		graph_envelope_free(envelope);
		r = error_set(txn->err, ERROR_RESOURCE, NULL, "more than %u envelopes",
			      GRAPH_ENVELOPES_MAX);
		error_hint(txn->err, "wait until some have ended, or clear them");
		return r;
	}
	r = swap_envelope(txn, node, idx, envelope, old);
	if (r < 0)
		return r;
	graph_address_format(&address, text, sizeof(text));
	r = put_last_value(txn, envelope, text);
	if (r < 0)
		return r;
	return record(txn, graph_op_automate(text, envelope),
		      graph_op_set(text, graph_proto_param_value(row, before), 0.0, ""),
		      graph_change_envelope(text, envelope));
}

/* ---- the time line ---- */

/* Such an envelope is a state (G6): it is put back as it was, and no value comes with it. */
int graph_txn_put_timeline(struct graph_txn *txn, struct graph_node *node, uint32_t idx,
			   struct graph_envelope *envelope)
{
	const struct graph_address address = {
		.node = node, .kind = GRAPH_ADDRESS_PARAM, .idx = idx};
	struct graph_envelope *old = graph_model_find_envelope(txn->model, node, idx);
	Mixd__V1__Op *back;
	char text[GRAPH_ADDRESS_MAX];
	int r;

	graph_address_format(&address, text, sizeof(text));
	if (envelope && !old && txn->model->n_envelopes >= GRAPH_ENVELOPES_MAX) {
		graph_envelope_free(envelope);
		r = error_set(txn->err, ERROR_RESOURCE, NULL, "more than %u envelopes",
			      GRAPH_ENVELOPES_MAX);
		error_hint(txn->err, "clear some that are not needed");
		return r;
	}
	back = graph_op_automate(text, old && old->on_timeline ? old : NULL);
	r = swap_envelope(txn, node, idx, envelope, old);
	if (r < 0) {
		mixd__v1__op__free_unpacked(back, NULL);
		return r;
	}
	return record(txn, graph_op_automate(text, envelope), back,
		      graph_change_envelope(text, envelope));
}

int graph_txn_put_marker(struct graph_txn *txn, struct graph_marker *marker,
			 struct graph_marker *old)
{
	const char *name = marker ? marker->name : old ? old->name : "";
	struct graph_undo *undo = undo_new(txn, GRAPH_UNDO_MARKER);

	if (!undo) {
		graph_marker_free(marker);
		return no_undo(txn);
	}
	undo->marker = marker;
	undo->old_marker = old;
	if (old)
		graph_model_take_marker(txn->model, old);
	if (marker)
		graph_model_put_marker(txn->model, marker);
	txn->delta->delta.markers = true;
	return record(txn, graph_op_marker(name, marker), graph_op_marker(name, old),
		      graph_change_marker(name, marker));
}
