/* graph_proto.c - see graph_proto.h; and the whole model as a message. The way back, and node types
 * as data, are in graph_proto_model.c. */
#include "graph_proto.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "graph_model_private.h"

#define MESSAGE_NEW(name, type)                                                                    \
	type *name = malloc(sizeof(*name));                                                        \
	if (!name)                                                                                 \
	return NULL

static void free_setting(Mixd__V1__Setting *setting)
{
	mixd__v1__setting__free_unpacked(setting, NULL);
}
DEFINE_CLEANUP(free_setting, Mixd__V1__Setting *)

bool graph_proto_text(char **field, const char *text)
{
	char *copy;

	if (!text[0])
		return true; /* __init() has put the empty string there */
	copy = strdup(text);
	if (copy)
		*field = copy;
	return copy != NULL;
}

/* ---- values ---- */

Mixd__V1__Value *graph_proto_number(double number)
{
	MESSAGE_NEW(value, Mixd__V1__Value);

	mixd__v1__value__init(value);
	value->kind_case = MIXD__V1__VALUE__KIND_NUMBER;
	value->number = number;
	return value;
}

static Mixd__V1__Value *text_value(const char *text)
{
	MESSAGE_NEW(value, Mixd__V1__Value);

	mixd__v1__value__init(value);
	value->text = strdup(text);
	if (!value->text) {
		free(value);
		return NULL;
	}
	value->kind_case = MIXD__V1__VALUE__KIND_TEXT;
	return value;
}

static Mixd__V1__Value *typed_value(enum mixd_type type, const char *const *labels, double number)
{
	Mixd__V1__Value *value;

	if (type == MIXD_TYPE_ENUM)
		return text_value(labels[(uint32_t)number]);
	value = graph_proto_number(number);
	if (value && type == MIXD_TYPE_BOOL) {
		value->kind_case = MIXD__V1__VALUE__KIND_FLAG;
		value->flag = number != 0.0;
	}
	return value;
}

Mixd__V1__Value *graph_proto_param_value(const struct mixd_param_row *row, double value)
{
	return typed_value(row->type, row->labels, value);
}

Mixd__V1__Value *graph_proto_config_value(const struct mixd_config_row *row,
					  const struct mixd_value *value)
{
	if (row->type == MIXD_TYPE_STRING)
		return text_value(value->text);
	return typed_value(row->type, row->labels, value->number);
}

/* ---- nodes ---- */

static bool config_is_default(const struct graph_node *node, uint32_t idx)
{
	const struct mixd_config_row *row = node->type->configs[idx];
	const struct mixd_value def = {.number = row->def,
				       .text = row->def_text ? row->def_text : ""};

	return graph_node_config_equal(node, idx, &def);
}

/* VALUE is taken. */
static int settings_add(Mixd__V1__Setting **settings, size_t *n, const char *id,
			Mixd__V1__Value *value)
{
	_cleanup_(free_settingp) Mixd__V1__Setting *setting = malloc(sizeof(*setting));

	if (!setting || !value) {
		free(TAKE_PTR(setting));
		mixd__v1__value__free_unpacked(value, NULL);
		return -ENOMEM;
	}
	mixd__v1__setting__init(setting);
	setting->value = value;
	if (!graph_proto_text(&setting->id, id))
		return -ENOMEM;
	settings[(*n)++] = TAKE_PTR(setting);
	return 0;
}

static void settings_free(Mixd__V1__Setting **settings, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free_setting(settings[i]);
	free(settings);
}

int graph_proto_settings(const struct graph_node *node, Mixd__V1__Setting ***ret, size_t *ret_n)
{
	const struct graph_type *type = node->type;
	Mixd__V1__Setting **settings;
	size_t n = 0, n_different = 0;
	int r = 0;

	for (uint32_t i = 0; i < type->n_params; i++)
		n_different += node->value[i] != type->params[i].def;
	for (uint32_t i = 0; i < type->n_configs; i++)
		n_different += !config_is_default(node, i);
	*ret = NULL;
	*ret_n = 0;
	if (n_different == 0)
		return 0;
	settings = calloc(n_different, sizeof(*settings));
	if (!settings)
		return -ENOMEM;
	for (uint32_t i = 0; r == 0 && i < type->n_params; i++) {
		if (node->value[i] != type->params[i].def)
			r = settings_add(
				settings, &n, type->params[i].id,
				graph_proto_param_value(type->params[i].row, node->value[i]));
	}
	for (uint32_t i = 0; r == 0 && i < type->n_configs; i++) {
		if (!config_is_default(node, i))
			r = settings_add(
				settings, &n, type->configs[i]->id,
				graph_proto_config_value(type->configs[i], &node->config[i]));
	}
	if (r < 0) {
		settings_free(settings, n);
		return r;
	}
	*ret = settings;
	*ret_n = n;
	return 0;
}

Mixd__V1__Node *graph_proto_node(const struct graph_node *node)
{
	MESSAGE_NEW(message, Mixd__V1__Node);

	mixd__v1__node__init(message);
	if (!graph_proto_text(&message->name, node->name) ||
	    !graph_proto_text(&message->type, node->type->node_type->id) ||
	    graph_proto_settings(node, &message->settings, &message->n_settings) < 0) {
		mixd__v1__node__free_unpacked(message, NULL);
		return NULL;
	}
	return message;
}

/* ---- links, envelopes ---- */

int graph_proto_link_settings(const struct graph_link *link, bool all, Mixd__V1__Setting ***ret,
			      size_t *ret_n)
{
	Mixd__V1__Setting **settings;
	size_t n = 0;
	int r = 0;

	*ret = NULL;
	*ret_n = 0;
	for (uint32_t i = GRAPH_LINK_LEVEL + 1; i < GRAPH_LINK_ROWS; i++)
		n += all || !graph_link_is_default(link, i);
	if (n == 0)
		return 0;
	settings = calloc(n, sizeof(*settings));
	if (!settings)
		return -ENOMEM;
	n = 0;
	for (uint32_t i = GRAPH_LINK_LEVEL + 1; r == 0 && i < GRAPH_LINK_ROWS; i++)
		if (all || !graph_link_is_default(link, i))
			r = settings_add(
				settings, &n, graph_link_rows[i].id,
				graph_proto_param_value(&graph_link_rows[i], link->value[i]));
	if (r < 0) {
		settings_free(settings, n);
		return r;
	}
	*ret = settings;
	*ret_n = n;
	return 0;
}

Mixd__V1__Link *graph_proto_link(const struct graph_link *link)
{
	char from[GRAPH_ADDRESS_MAX], to[GRAPH_ADDRESS_MAX];
	MESSAGE_NEW(message, Mixd__V1__Link);

	mixd__v1__link__init(message);
	graph_node_port_address(link->from, true, link->from_port, from, sizeof(from));
	graph_node_port_address(link->to, false, link->to_port, to, sizeof(to));
	message->gain_db = link->value[GRAPH_LINK_LEVEL];
	if (!graph_proto_text(&message->from, from) || !graph_proto_text(&message->to, to) ||
	    graph_proto_link_settings(link, false, &message->settings, &message->n_settings) < 0) {
		mixd__v1__link__free_unpacked(message, NULL);
		return NULL;
	}
	return message;
}

int graph_proto_points(const struct graph_point *points, size_t n, Mixd__V1__Point ***ret,
		       size_t *ret_n)
{
	Mixd__V1__Point **messages = calloc(n + 1, sizeof(*messages));

	if (!messages)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		messages[i] = malloc(sizeof(*messages[i]));
		if (!messages[i]) {
			while (i > 0)
				free(messages[--i]);
			free(messages);
			return -ENOMEM;
		}
		mixd__v1__point__init(messages[i]);
		messages[i]->at_ms = points[i].at_ms;
		messages[i]->value = points[i].value;
	}
	*ret = messages;
	*ret_n = n;
	return 0;
}

Mixd__V1__Envelope *graph_proto_envelope(const struct graph_envelope *envelope)
{
	const struct graph_address address = {
		.node = envelope->node, .kind = GRAPH_ADDRESS_PARAM, .idx = envelope->param_idx};
	char text[GRAPH_ADDRESS_MAX];
	MESSAGE_NEW(message, Mixd__V1__Envelope);

	mixd__v1__envelope__init(message);
	message->timeline = envelope->on_timeline;
	graph_address_format(&address, text, sizeof(text));
	if (!graph_proto_text(&message->address, text) ||
	    !graph_proto_text(&message->curve, graph_curve_names[envelope->curve]) ||
	    graph_proto_points(envelope->points, envelope->n_points, &message->points,
			       &message->n_points) < 0) {
		mixd__v1__envelope__free_unpacked(message, NULL);
		return NULL;
	}
	return message;
}

Mixd__V1__Marker *graph_proto_marker(const struct graph_marker *marker)
{
	MESSAGE_NEW(message, Mixd__V1__Marker);

	mixd__v1__marker__init(message);
	message->at_s = marker->at_s;
	if (!graph_proto_text(&message->name, marker->name)) {
		mixd__v1__marker__free_unpacked(message, NULL);
		return NULL;
	}
	return message;
}

/* ---- the whole ---- */

static bool graph_fill(Mixd__V1__Graph *graph, const struct graph_model *model)
{
	graph->nodes = calloc(model->n_nodes + 1u, sizeof(graph->nodes[0]));
	graph->links = calloc(model->n_links + 1u, sizeof(graph->links[0]));
	graph->envelopes = calloc(model->n_envelopes + 1u, sizeof(graph->envelopes[0]));
	graph->markers = calloc(model->n_markers + 1u, sizeof(graph->markers[0]));
	if (!graph->nodes || !graph->links || !graph->envelopes || !graph->markers ||
	    !graph_proto_text(&graph->name, model->name))
		return false;
	for (uint32_t i = 0; i < model->n_nodes; i++, graph->n_nodes++) {
		graph->nodes[i] = graph_proto_node(model->nodes[i]);
		if (!graph->nodes[i])
			return false;
	}
	for (uint32_t i = 0; i < model->n_links; i++, graph->n_links++) {
		graph->links[i] = graph_proto_link(model->links[i]);
		if (!graph->links[i])
			return false;
	}
	for (uint32_t i = 0; i < model->n_envelopes; i++, graph->n_envelopes++) {
		graph->envelopes[i] = graph_proto_envelope(model->envelopes[i]);
		if (!graph->envelopes[i])
			return false;
	}
	for (uint32_t i = 0; i < model->n_markers; i++, graph->n_markers++) {
		graph->markers[i] = graph_proto_marker(model->markers[i]);
		if (!graph->markers[i])
			return false;
	}
	return true;
}

Mixd__V1__Graph *graph_model_to_proto(const struct graph_model *model)
{
	MESSAGE_NEW(graph, Mixd__V1__Graph);

	mixd__v1__graph__init(graph);
	if (!graph_fill(graph, model)) {
		mixd__v1__graph__free_unpacked(graph, NULL);
		return NULL;
	}
	return graph;
}
