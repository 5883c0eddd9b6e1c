/* graph_ops.c - see graph_ops.h. */
#include "graph_ops.h"

#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "graph_session.h"

static void free_op(Mixd__V1__Op *op)
{
	mixd__v1__op__free_unpacked(op, NULL);
}
DEFINE_CLEANUP(free_op, Mixd__V1__Op *)

static void free_change(Mixd__V1__Change *change)
{
	mixd__v1__change__free_unpacked(change, NULL);
}
DEFINE_CLEANUP(free_change, Mixd__V1__Change *)

static void free_value(Mixd__V1__Value *value)
{
	mixd__v1__value__free_unpacked(value, NULL);
}
DEFINE_CLEANUP(free_value, Mixd__V1__Value *)

void graph_ops_free(Mixd__V1__Op **ops, uint32_t n)
{
	for (uint32_t i = 0; ops && i < n; i++)
		free_op(ops[i]);
	free(ops);
}

/* An Op whose member FIELD (case KIND) is a fresh message of its own. */
#define OP_NEW(op, FIELD, KIND, MESSAGE)                                                           \
	_cleanup_(free_opp) Mixd__V1__Op *op = malloc(sizeof(*op));                                \
	if (!op)                                                                                   \
		return NULL;                                                                       \
	mixd__v1__op__init(op);                                                                    \
	op->FIELD = malloc(sizeof(*op->FIELD));                                                    \
	if (!op->FIELD)                                                                            \
		return NULL;                                                                       \
	op->op_case = KIND;                                                                        \
	mixd__v1__##MESSAGE##__init(op->FIELD)

Mixd__V1__Op *graph_op_add_node(const struct graph_node *node)
{
	OP_NEW(op, add, MIXD__V1__OP__OP_ADD, add_node);

	if (!graph_proto_text(&op->add->name, node->name) ||
	    !graph_proto_text(&op->add->type, node->type->node_type->id) ||
	    graph_proto_settings(node, &op->add->settings, &op->add->n_settings) < 0)
		return NULL;
	return TAKE_PTR(op);
}

Mixd__V1__Op *graph_op_remove_node(const char *name)
{
	OP_NEW(op, remove, MIXD__V1__OP__OP_REMOVE, remove_node);

	return graph_proto_text(&op->remove->name, name) ? TAKE_PTR(op) : NULL;
}

Mixd__V1__Op *graph_op_rename_node(const char *name, const char *to)
{
	OP_NEW(op, rename, MIXD__V1__OP__OP_RENAME, rename_node);

	if (!graph_proto_text(&op->rename->name, name) || !graph_proto_text(&op->rename->to, to))
		return NULL;
	return TAKE_PTR(op);
}

Mixd__V1__Op *graph_op_set(const char *address, Mixd__V1__Value *value, double over_ms,
			   const char *curve)
{
	_cleanup_(free_valuep) Mixd__V1__Value *taken = value;
	OP_NEW(op, set, MIXD__V1__OP__OP_SET, set);

	op->set->over_ms = over_ms;
	if (!taken || !graph_proto_text(&op->set->address, address) ||
	    !graph_proto_text(&op->set->curve, curve))
		return NULL;
	op->set->value = TAKE_PTR(taken);
	return TAKE_PTR(op);
}

Mixd__V1__Op *graph_op_link(const char *from, const char *to, const struct graph_link *link)
{
	OP_NEW(op, link, MIXD__V1__OP__OP_LINK, add_link);

	op->link->gain_db = link->value[GRAPH_LINK_LEVEL];
	op->link->set_gain = true;
	if (!graph_proto_text(&op->link->from, from) || !graph_proto_text(&op->link->to, to) ||
	    graph_proto_link_settings(link, true, &op->link->settings, &op->link->n_settings) < 0)
		return NULL;
	return TAKE_PTR(op);
}

Mixd__V1__Op *graph_op_unlink(const char *from, const char *to)
{
	OP_NEW(op, unlink, MIXD__V1__OP__OP_UNLINK, remove_link);

	if (!graph_proto_text(&op->unlink->from, from) || !graph_proto_text(&op->unlink->to, to))
		return NULL;
	return TAKE_PTR(op);
}

Mixd__V1__Op *graph_op_automate(const char *address, const struct graph_envelope *envelope)
{
	OP_NEW(op, automate, MIXD__V1__OP__OP_AUTOMATE, automate);

	op->automate->clear = envelope == NULL;
	op->automate->timeline = envelope && envelope->on_timeline;
	if (!graph_proto_text(&op->automate->address, address))
		return NULL;
	if (envelope &&
	    (!graph_proto_text(&op->automate->curve, graph_curve_names[envelope->curve]) ||
	     graph_proto_points(envelope->points, envelope->n_points, &op->automate->points,
				&op->automate->n_points) < 0))
		return NULL;
	return TAKE_PTR(op);
}

Mixd__V1__Op *graph_op_marker(const char *name, const struct graph_marker *marker)
{
	OP_NEW(op, marker, MIXD__V1__OP__OP_MARKER, set_marker);

	op->marker->remove = marker == NULL;
	if (!graph_proto_text(&op->marker->name, name))
		return NULL;
	if (marker) {
		op->marker->at = graph_proto_number(marker->at_s);
		if (!op->marker->at)
			return NULL;
	}
	return TAKE_PTR(op);
}

static ProtobufCMessage *message_copy(const ProtobufCMessage *message)
{
	size_t size = protobuf_c_message_get_packed_size(message);
	_cleanup_free_ uint8_t *packed = malloc(size + 1);

	if (!packed)
		return NULL;
	protobuf_c_message_pack(message, packed);
	return protobuf_c_message_unpack(message->descriptor, NULL, size, packed);
}

Mixd__V1__Op *graph_op_copy(const Mixd__V1__Op *op)
{
	return (Mixd__V1__Op *)message_copy(&op->base);
}

Mixd__V1__Value *graph_value_copy(const Mixd__V1__Value *value)
{
	return (Mixd__V1__Value *)message_copy(&value->base);
}

/* ---- changes ---- */

static Mixd__V1__Change *change_new(void)
{
	Mixd__V1__Change *change = malloc(sizeof(*change));

	if (change)
		mixd__v1__change__init(change);
	return change;
}

Mixd__V1__Change *graph_change_node_added(const struct graph_node *node)
{
	_cleanup_(free_changep) Mixd__V1__Change *change = change_new();

	if (!change)
		return NULL;
	change->node_added = graph_proto_node(node);
	if (!change->node_added)
		return NULL;
	change->change_case = MIXD__V1__CHANGE__CHANGE_NODE_ADDED;
	return TAKE_PTR(change);
}

Mixd__V1__Change *graph_change_node_removed(const char *name)
{
	_cleanup_(free_changep) Mixd__V1__Change *change = change_new();

	if (!change)
		return NULL;
	change->node_removed = strdup(name);
	if (!change->node_removed)
		return NULL;
	change->change_case = MIXD__V1__CHANGE__CHANGE_NODE_REMOVED;
	return TAKE_PTR(change);
}

Mixd__V1__Change *graph_change_node_renamed(const char *from, const char *to)
{
	_cleanup_(free_changep) Mixd__V1__Change *change = change_new();

	if (!change)
		return NULL;
	change->node_renamed = malloc(sizeof(*change->node_renamed));
	if (!change->node_renamed)
		return NULL;
	mixd__v1__node_renamed__init(change->node_renamed);
	change->change_case = MIXD__V1__CHANGE__CHANGE_NODE_RENAMED;
	if (!graph_proto_text(&change->node_renamed->from, from) ||
	    !graph_proto_text(&change->node_renamed->to, to))
		return NULL;
	return TAKE_PTR(change);
}

Mixd__V1__Change *graph_change_param(const char *address, Mixd__V1__Value *value)
{
	_cleanup_(free_valuep) Mixd__V1__Value *taken = value;
	_cleanup_(free_changep) Mixd__V1__Change *change = change_new();

	if (!change || !taken)
		return NULL;
	change->param = malloc(sizeof(*change->param));
	if (!change->param)
		return NULL;
	mixd__v1__param_changed__init(change->param);
	change->change_case = MIXD__V1__CHANGE__CHANGE_PARAM;
	change->param->value = TAKE_PTR(taken);
	return graph_proto_text(&change->param->address, address) ? TAKE_PTR(change) : NULL;
}

Mixd__V1__Change *graph_change_link(const struct graph_link *link, bool added)
{
	_cleanup_(free_changep) Mixd__V1__Change *change = change_new();

	if (!change)
		return NULL;
	/* both cases share the union's pointer */
	change->link_added = graph_proto_link(link);
	if (!change->link_added)
		return NULL;
	change->change_case =
		added ? MIXD__V1__CHANGE__CHANGE_LINK_ADDED : MIXD__V1__CHANGE__CHANGE_LINK_REMOVED;
	return TAKE_PTR(change);
}

Mixd__V1__Change *graph_change_marker(const char *name, const struct graph_marker *marker)
{
	_cleanup_(free_changep) Mixd__V1__Change *change = change_new();

	if (!change)
		return NULL;
	if (marker) {
		change->marker = graph_proto_marker(marker);
		if (change->marker)
			change->change_case = MIXD__V1__CHANGE__CHANGE_MARKER;
		return change->marker ? TAKE_PTR(change) : NULL;
	}
	change->marker_removed = strdup(name);
	if (!change->marker_removed)
		return NULL;
	change->change_case = MIXD__V1__CHANGE__CHANGE_MARKER_REMOVED;
	return TAKE_PTR(change);
}

Mixd__V1__Change *graph_change_envelope(const char *address, const struct graph_envelope *envelope)
{
	_cleanup_(free_changep) Mixd__V1__Change *change = change_new();

	if (!change)
		return NULL;
	if (envelope) {
		change->envelope = graph_proto_envelope(envelope);
	} else {
		change->envelope = malloc(sizeof(*change->envelope));
		if (change->envelope)
			mixd__v1__envelope__init(change->envelope);
	}
	if (!change->envelope)
		return NULL;
	change->change_case = MIXD__V1__CHANGE__CHANGE_ENVELOPE;
	if (!envelope && !graph_proto_text(&change->envelope->address, address))
		return NULL;
	return TAKE_PTR(change);
}
