/* graph_proto_model.c - a message becomes a model; a node type becomes a message. */
#include "graph_proto.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "graph_model_private.h"
#include "graph_value.h"

DEFINE_CLEANUP(graph_model_free, struct graph_model *)
DEFINE_CLEANUP(graph_node_free, struct graph_node *)

/* ---- model ---- */

/* A message that no model could have written, or for more than there is room for. */
__attribute__((format(printf, 4, 5))) static int
refuse(struct mixd_error *err, enum error_code code, const char *address, const char *fmt, ...)
{
	char text[256];
	va_list args;
	int r;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	r = error_set(err, code, address, "%s", text);
	error_hint(err, code == ERROR_RESOURCE ? "make the graph smaller"
					       : "the graph is damaged: take an older one");
	return r;
}

static int read_node(struct graph_model *model, const Mixd__V1__Node *message,
		     struct mixd_error *err)
{
	_cleanup_(graph_node_freep) struct graph_node *node = NULL;
	const struct graph_type *type;
	int r;

	r = graph_name_check(message->name, err);
	if (r < 0)
		return r;
	type = graph_types_find(model->types, message->type, err);
	if (!type) {
		if (err)
			snprintf(err->address, sizeof(err->address), "%.128s", message->name);
		return -ENOENT;
	}
	if (graph_model_node(model, message->name))
		return refuse(err, ERROR_CONFLICT, message->name, "node \"%s\" is there twice",
			      message->name);
	if (model->n_nodes >= GRAPH_NODES_MAX)
		return refuse(err, ERROR_RESOURCE, NULL, "more than %u nodes", GRAPH_NODES_MAX);
	node = graph_node_new(type, message->name);
	if (!node)
		return error_no_memory(err);
	r = graph_node_read_settings(node, message->settings, message->n_settings, err);
	if (r < 0)
		return r;
	if (graph_node_is_boundary(node)) {
		node->slot = graph_model_free_slot(model);
		if (node->slot == GRAPH_SLOT_NONE)
			return refuse(err, ERROR_RESOURCE, message->name,
				      "more than %u inputs and outputs", GRAPH_SLOTS_MAX);
	}
	node->uid = ++model->last_uid;
	graph_model_put_node(model, TAKE_PTR(node));
	return 0;
}

static int read_link(struct graph_model *model, const Mixd__V1__Link *message,
		     struct mixd_error *err)
{
	struct graph_link link = {.value[GRAPH_LINK_LEVEL] = message->gain_db}, *copy;
	int r;

	r = graph_model_find_port(model, message->from, true, &link.from, &link.from_port, err);
	if (r == 0)
		r = graph_model_find_port(model, message->to, false, &link.to, &link.to_port, err);
	if (r == 0)
		r = graph_value_check_param(&graph_link_rows[GRAPH_LINK_LEVEL], message->gain_db,
					    message->to, err);
	if (r == 0)
		r = graph_link_read_settings(&link, message->settings, message->n_settings,
					     message->to, err);
	if (r < 0)
		return r;
	if (graph_model_find_link(model, link.from, link.from_port, link.to, link.to_port))
		return refuse(err, ERROR_CONFLICT, message->to, "link %s -> %s is there twice",
			      message->from, message->to);
	if (model->n_links >= GRAPH_LINKS_MAX)
		return refuse(err, ERROR_RESOURCE, NULL, "more than %u links", GRAPH_LINKS_MAX);
	copy = malloc(sizeof(*copy));
	if (!copy)
		return error_no_memory(err);
	*copy = link;
	copy->uid = ++model->last_uid;
	graph_model_put_link(model, copy);
	return 0;
}

static int read_envelope(struct graph_model *model, const Mixd__V1__Envelope *message,
			 struct mixd_error *err)
{
	struct graph_envelope *envelope;
	struct graph_address address;
	int r;

	r = graph_model_find_address(model, message->address, &address, err);
	if (r < 0)
		return r;
	if (address.kind != GRAPH_ADDRESS_PARAM)
		return refuse(err, ERROR_INVALID, message->address, "only params have envelopes");
	if (graph_model_find_envelope(model, address.node, address.idx))
		return refuse(err, ERROR_CONFLICT, message->address,
			      "there are two envelopes for %s", message->address);
	if (model->n_envelopes >= GRAPH_ENVELOPES_MAX)
		return refuse(err, ERROR_RESOURCE, NULL, "more than %u envelopes",
			      GRAPH_ENVELOPES_MAX);
	r = graph_envelope_read(address.node, address.idx, message->points, message->n_points,
				message->curve, message->address, &envelope, err);
	if (r < 0)
		return r;
	envelope->uid = ++model->last_uid;
	envelope->on_timeline = message->timeline;
	if (!envelope->on_timeline) /* G5, G6 */
		address.node->value[address.idx] = envelope->points[envelope->n_points - 1].value;
	graph_model_put_envelope(model, envelope);
	return 0;
}

static int read_marker(struct graph_model *model, const Mixd__V1__Marker *message,
		       struct mixd_error *err)
{
	struct graph_marker *marker;
	int r = graph_marker_check(message->name, message->at_s, err);

	if (r < 0)
		return r;
	if (graph_model_find_marker(model, message->name))
		return refuse(err, ERROR_CONFLICT, message->name, "marker \"%s\" is there twice",
			      message->name);
	if (model->n_markers >= GRAPH_MARKERS_MAX)
		return refuse(err, ERROR_RESOURCE, NULL, "more than %u markers", GRAPH_MARKERS_MAX);
	marker = graph_marker_new(message->name, message->at_s);
	if (!marker)
		return error_no_memory(err);
	graph_model_put_marker(model, marker);
	return 0;
}

int graph_model_from_proto(const struct graph_types *types, const Mixd__V1__Graph *graph,
			   struct graph_model **ret, struct mixd_error *err)
{
	_cleanup_(graph_model_freep) struct graph_model *model = NULL;
	int r = 0;

	model = graph_model_new(types, graph->name);
	if (!model)
		return error_no_memory(err);
	for (size_t i = 0; r == 0 && i < graph->n_nodes; i++)
		r = read_node(model, graph->nodes[i], err);
	for (size_t i = 0; r == 0 && i < graph->n_links; i++)
		r = read_link(model, graph->links[i], err);
	for (size_t i = 0; r == 0 && i < graph->n_envelopes; i++)
		r = read_envelope(model, graph->envelopes[i], err);
	for (size_t i = 0; r == 0 && i < graph->n_markers; i++)
		r = read_marker(model, graph->markers[i], err);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(model);
	return 0;
}

/* ---- node types as data ---- */

static Mixd__V1__ValueType value_type(enum mixd_type type)
{
	static const Mixd__V1__ValueType types[] = {
		[MIXD_TYPE_FLOAT] = MIXD__V1__VALUE_TYPE__VALUE_TYPE_FLOAT,
		[MIXD_TYPE_INT] = MIXD__V1__VALUE_TYPE__VALUE_TYPE_INT,
		[MIXD_TYPE_BOOL] = MIXD__V1__VALUE_TYPE__VALUE_TYPE_BOOL,
		[MIXD_TYPE_ENUM] = MIXD__V1__VALUE_TYPE__VALUE_TYPE_ENUM,
		[MIXD_TYPE_STRING] = MIXD__V1__VALUE_TYPE__VALUE_TYPE_STRING,
	};

	return types[type];
}

static bool fill_labels(const char *const *labels, char ***ret, size_t *ret_n)
{
	size_t n = 0;

	while (labels && labels[n])
		n++;
	if (n == 0)
		return true;
	*ret = calloc(n, sizeof(**ret));
	for (size_t i = 0; *ret && i < n; i++) {
		(*ret)[i] = strdup(labels[i]);
		if (!(*ret)[i])
			return false;
		*ret_n = i + 1;
	}
	return *ret != NULL;
}

static bool fill_param(Mixd__V1__ParamRow *message, const struct mixd_param_row *row)
{
	static const char *const ramps[] = {"none", "linear", "log", "gain"};

	message->type = value_type(row->type);
	message->min = row->min;
	message->max = row->max;
	if (row->type == MIXD_TYPE_BOOL)
		message->max = 1.0;
	message->smooth_ms = row->smooth_ms;
	message->count = row->group ? row->count : 0;
	message->default_ = graph_proto_param_value(row, row->defs ? row->defs[0] : row->def);
	if (!fill_labels(row->labels, &message->labels, &message->n_labels))
		return false;
	if (row->type == MIXD_TYPE_ENUM)
		message->max = (double)message->n_labels - 1.0;
	return message->default_ && graph_proto_text(&message->id, row->id) &&
	       graph_proto_text(&message->doc, row->doc) &&
	       graph_proto_text(&message->unit, graph_unit_name(row->unit)) &&
	       graph_proto_text(&message->ramp, ramps[row->ramp]) &&
	       graph_proto_text(&message->group, row->group ? row->group : "");
}

static bool fill_config(Mixd__V1__ParamRow *message, const struct mixd_config_row *row)
{
	const struct mixd_value def = {.number = row->def,
				       .text = row->def_text ? row->def_text : ""};

	message->type = value_type(row->type);
	message->min = row->min;
	message->max = row->type == MIXD_TYPE_BOOL ? 1.0 : row->max;
	message->config = true;
	message->file = row->is_file;
	message->default_ = graph_proto_config_value(row, &def);
	if (!fill_labels(row->labels, &message->labels, &message->n_labels))
		return false;
	if (row->type == MIXD_TYPE_ENUM)
		message->max = (double)message->n_labels - 1.0;
	return message->default_ && graph_proto_text(&message->id, row->id) &&
	       graph_proto_text(&message->doc, row->doc) &&
	       graph_proto_text(&message->unit, graph_unit_name(row->unit)) &&
	       graph_proto_text(&message->ramp, "none");
}

/* A group's rows appear once; in the registry they are unrolled. */
static bool param_is_first(const struct graph_type *type, uint32_t idx)
{
	for (uint32_t i = 0; i < idx; i++) {
		if (type->params[i].row == type->params[idx].row)
			return false;
	}
	return true;
}

static bool fill_params(Mixd__V1__NodeType *message, const struct graph_type *type)
{
	message->params = calloc(type->n_params + type->n_configs, sizeof(message->params[0]));
	if (!message->params)
		return false;
	for (uint32_t i = 0; i < type->n_params + type->n_configs; i++) {
		Mixd__V1__ParamRow *row;
		bool good;

		if (i < type->n_params && !param_is_first(type, i))
			continue;
		row = malloc(sizeof(*row));
		if (!row)
			return false;
		mixd__v1__param_row__init(row);
		message->params[message->n_params++] = row;
		good = i < type->n_params ? fill_param(row, type->params[i].row)
					  : fill_config(row, type->configs[i - type->n_params]);
		if (!good)
			return false;
	}
	return true;
}

static bool fill_meters(Mixd__V1__NodeType *message, const struct graph_type *type)
{
	message->meters = calloc(type->n_meters + 1u, sizeof(message->meters[0]));
	if (!message->meters)
		return false;
	for (uint32_t i = 0; i < type->n_meters; i++) {
		const struct mixd_meter_row *row = type->meters[i].row;
		Mixd__V1__MeterRow *meter = malloc(sizeof(*meter));

		if (!meter)
			return false;
		mixd__v1__meter_row__init(meter);
		message->meters[message->n_meters++] = meter;
		meter->per_channel = row->per_channel;
		meter->count = row->count;
		if (!graph_proto_text(&meter->id, row->id) ||
		    !graph_proto_text(&meter->doc, row->doc) ||
		    !graph_proto_text(&meter->unit, graph_unit_name(row->unit)) ||
		    !fill_labels(row->labels, &meter->labels, &meter->n_labels))
			return false;
	}
	return true;
}

static bool fill_ports(Mixd__V1__NodeType *message, const struct mixd_node_type *type)
{
	static const char *const layouts[] = {"main", "mono", "stereo", "follow"};

	message->ports = calloc(type->n_ports + 1u, sizeof(message->ports[0]));
	if (!message->ports)
		return false;
	for (uint32_t i = 0; i < type->n_ports; i++) {
		const struct mixd_port_row *row = &type->ports[i];
		Mixd__V1__PortRow *port = malloc(sizeof(*port));

		if (!port)
			return false;
		mixd__v1__port_row__init(port);
		message->ports[message->n_ports++] = port;
		port->output = row->is_output;
		if (!graph_proto_text(&port->id, row->id) ||
		    !graph_proto_text(&port->doc, row->doc) ||
		    !graph_proto_text(&port->layout, layouts[row->layout]) ||
		    !graph_proto_text(&port->count_config,
				      row->count_config ? row->count_config : ""))
			return false;
	}
	return true;
}

Mixd__V1__NodeType *graph_type_to_proto(const struct graph_type *type)
{
	const struct mixd_node_type *node_type = type->node_type;
	Mixd__V1__NodeType *message = malloc(sizeof(*message));

	if (!message)
		return NULL;
	mixd__v1__node_type__init(message);
	message->version = node_type->version;
	if (!graph_proto_text(&message->id, node_type->id) ||
	    !graph_proto_text(&message->doc, node_type->doc) ||
	    !graph_proto_text(&message->category, node_type->category) ||
	    !graph_proto_text(&message->source, node_type->source ? node_type->source : "") ||
	    !graph_proto_text(&message->module, type->module) || !fill_ports(message, node_type) ||
	    !fill_params(message, type) || !fill_meters(message, type)) {
		mixd__v1__node_type__free_unpacked(message, NULL);
		return NULL;
	}
	return message;
}
