/* graph_model.c - see graph_model.h: the tables. Addresses are graph_address.c, messages
 * graph_proto.c. */
#include "graph_model_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"

const char *const graph_curve_names[] = {"smooth", "linear", "log", "equal-power", "step", NULL};

const char *const graph_solo_names[] = {"off", "sip", "pfl", "afl", NULL};

struct graph_model *graph_model_new(const struct graph_types *types, const char *name)
{
	struct graph_model *model = calloc(1, sizeof(*model));

	if (!model)
		return NULL;
	model->types = types;
	model->name = strdup(name ? name : "");
	model->nodes = calloc(GRAPH_NODES_MAX, sizeof(model->nodes[0]));
	model->links = calloc(GRAPH_LINKS_MAX, sizeof(model->links[0]));
	model->envelopes = calloc(GRAPH_ENVELOPES_MAX, sizeof(model->envelopes[0]));
	model->markers = calloc(GRAPH_MARKERS_MAX, sizeof(model->markers[0]));
	if (!model->name || !model->nodes || !model->links || !model->envelopes || !model->markers)
		return graph_model_free(model);
	return model;
}

struct graph_model *graph_model_free(struct graph_model *model)
{
	if (!model)
		return NULL;
	for (uint32_t i = 0; i < model->n_markers; i++)
		graph_marker_free(model->markers[i]);
	for (uint32_t i = 0; i < model->n_envelopes; i++)
		graph_envelope_free(model->envelopes[i]);
	for (uint32_t i = 0; i < model->n_links; i++)
		free(model->links[i]);
	for (uint32_t i = 0; i < model->n_nodes; i++)
		graph_node_free(model->nodes[i]);
	free(model->markers);
	free(model->envelopes);
	free(model->links);
	free(model->nodes);
	free(model->name);
	free(model);
	return NULL;
}

int graph_name_check(const char *name, struct mixd_error *err)
{
	static const char good[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./-";
	size_t size = strlen(name);
	int r;

	if (size >= 1 && size <= GRAPH_NAME_MAX && strspn(name, good) == size &&
	    !strchr("/.", name[0]) && !strchr("/.", name[size - 1]))
		return 0;
	r = error_set(err, ERROR_INVALID, NULL, "\"%.*s\" is no name for a node", 60, name);
	error_hint(err,
		   "want 1 to %u of A-Z a-z 0-9 _ - . / with neither . nor / at the ends, as in "
		   "vox/eq",
		   GRAPH_NAME_MAX);
	return r;
}

/* ---- nodes ---- */

bool graph_node_is_boundary(const struct graph_node *node)
{
	return node->type->node_type->flags & (MIXD_NODE_EXTERNAL_IN | MIXD_NODE_EXTERNAL_OUT);
}

/* How many ports ROW stands for. */
static uint32_t row_ports(const struct graph_node *node, const struct mixd_port_row *row,
			  uint32_t config_idx, double value)
{
	int idx;

	if (!row->count_config)
		return 1;
	idx = graph_type_config(node->type, row->count_config);
	if (idx < 0)
		return 1;
	return (uint32_t)((uint32_t)idx == config_idx ? value : node->config[idx].number);
}

uint32_t graph_node_ports_with(const struct graph_node *node, bool output, uint32_t config_idx,
			       double value)
{
	const struct mixd_node_type *type = node->type->node_type;
	uint32_t n = 0;

	for (uint32_t i = 0; i < type->n_ports; i++) {
		if (type->ports[i].is_output == output)
			n += row_ports(node, &type->ports[i], config_idx, value);
	}
	return n;
}

uint32_t graph_node_main_ports(const struct graph_node *node, bool output)
{
	const struct mixd_node_type *type = node->type->node_type;

	for (uint32_t i = 0; i < type->n_ports; i++) {
		if (type->ports[i].is_output == output)
			return row_ports(node, &type->ports[i], UINT32_MAX, 0.0);
	}
	return 0;
}

void graph_node_count_ports(struct graph_node *node)
{
	node->n_in_ports = graph_node_ports_with(node, false, UINT32_MAX, 0.0);
	node->n_out_ports = graph_node_ports_with(node, true, UINT32_MAX, 0.0);
}

struct graph_node *graph_node_new(const struct graph_type *type, const char *name)
{
	struct graph_node *node = calloc(1, sizeof(*node));

	if (!node)
		return NULL;
	node->type = type;
	node->slot = GRAPH_SLOT_NONE;
	node->name = strdup(name);
	node->value = calloc(type->n_params, sizeof(node->value[0]));
	node->config = calloc(type->n_configs, sizeof(node->config[0]));
	if (!node->name || !node->value || !node->config)
		return graph_node_free(node);
	for (uint32_t i = 0; i < type->n_params; i++)
		node->value[i] = type->params[i].def;
	for (uint32_t i = 0; i < type->n_configs; i++) {
		const struct mixd_config_row *row = type->configs[i];

		node->config[i].number = row->type == MIXD_TYPE_STRING ? 0.0 : row->def;
		if (row->type != MIXD_TYPE_STRING)
			continue;
		node->config[i].text = strdup(row->def_text ? row->def_text : "");
		if (!node->config[i].text)
			return graph_node_free(node);
	}
	graph_node_count_ports(node);
	return node;
}

struct graph_node *graph_node_free(struct graph_node *node)
{
	if (!node)
		return NULL;
	for (uint32_t i = 0; node->config && i < node->type->n_configs; i++)
		free((char *)node->config[i].text);
	free(node->config);
	free(node->value);
	free(node->name);
	free(node);
	return NULL;
}

struct graph_envelope *graph_envelope_free(struct graph_envelope *envelope)
{
	if (!envelope)
		return NULL;
	free(envelope->points);
	free(envelope);
	return NULL;
}

/* Where NAME is in the table, or would have to be put. */
static uint32_t node_position(const struct graph_model *model, const char *name, bool *ret_found)
{
	uint32_t low = 0, high = model->n_nodes;

	*ret_found = false;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int order = strcmp(model->nodes[middle]->name, name);

		if (order == 0) {
			*ret_found = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct graph_node *graph_model_node(const struct graph_model *model, const char *name)
{
	bool found;
	uint32_t position = node_position(model, name, &found);

	return found ? model->nodes[position] : NULL;
}

struct graph_node *graph_model_node_uid(const struct graph_model *model, uint64_t uid)
{
	for (uint32_t i = 0; i < model->n_nodes; i++) {
		if (model->nodes[i]->uid == uid)
			return model->nodes[i];
	}
	return NULL;
}

static void table_put(void *table, uint32_t *n, uint32_t position, void *item)
{
	void **items = table;

	memmove(&items[position + 1], &items[position], (*n - position) * sizeof(items[0]));
	items[position] = item;
	(*n)++;
}

static void table_take(void *table, uint32_t *n, const void *item)
{
	void **items = table;

	for (uint32_t i = 0; i < *n; i++) {
		if (items[i] != item)
			continue;
		(*n)--;
		memmove(&items[i], &items[i + 1], (*n - i) * sizeof(items[0]));
		return;
	}
}

void graph_model_put_node(struct graph_model *model, struct graph_node *node)
{
	bool found;
	uint32_t position = node_position(model, node->name, &found);

	table_put(model->nodes, &model->n_nodes, position, node);
}

void graph_model_take_node(struct graph_model *model, struct graph_node *node)
{
	table_take(model->nodes, &model->n_nodes, node);
}

uint32_t graph_model_free_slot(const struct graph_model *model)
{
	bool taken[GRAPH_SLOTS_MAX] = {false};

	for (uint32_t i = 0; i < model->n_nodes; i++) {
		if (model->nodes[i]->slot < GRAPH_SLOTS_MAX)
			taken[model->nodes[i]->slot] = true;
	}
	for (uint32_t slot = 0; slot < GRAPH_SLOTS_MAX; slot++) {
		if (!taken[slot])
			return slot;
	}
	return GRAPH_SLOT_NONE;
}

/* ---- links ---- */

static int end_order(const struct graph_node *a, uint32_t a_port, const struct graph_node *b,
		     uint32_t b_port)
{
	int order = a == b ? 0 : strcmp(a->name, b->name);

	return order ? order : (a_port > b_port) - (a_port < b_port);
}

static int link_order(const struct graph_link *a, const struct graph_link *b)
{
	int order = end_order(a->from, a->from_port, b->from, b->from_port);

	return order ? order : end_order(a->to, a->to_port, b->to, b->to_port);
}

static int link_compare(const void *a, const void *b)
{
	return link_order(*(struct graph_link *const *)a, *(struct graph_link *const *)b);
}

static uint32_t link_position(const struct graph_model *model, const struct graph_link *key,
			      bool *ret_found)
{
	uint32_t low = 0, high = model->n_links;

	*ret_found = false;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int order = link_order(model->links[middle], key);

		if (order == 0) {
			*ret_found = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct graph_link *graph_model_find_link(const struct graph_model *model,
					 const struct graph_node *from, uint32_t from_port,
					 const struct graph_node *to, uint32_t to_port)
{
	struct graph_link key = {.from = (struct graph_node *)from,
				 .from_port = from_port,
				 .to = (struct graph_node *)to,
				 .to_port = to_port};
	bool found;
	uint32_t position = link_position(model, &key, &found);

	return found ? model->links[position] : NULL;
}

static int node_compare(const void *a, const void *b)
{
	return strcmp((*(struct graph_node *const *)a)->name,
		      (*(struct graph_node *const *)b)->name);
}

void graph_model_sort(struct graph_model *model)
{
	qsort(model->nodes, model->n_nodes, sizeof(model->nodes[0]), node_compare);
	qsort(model->links, model->n_links, sizeof(model->links[0]), link_compare);
}

void graph_model_put_link(struct graph_model *model, struct graph_link *link)
{
	bool found;
	uint32_t position = link_position(model, link, &found);

	table_put(model->links, &model->n_links, position, link);
}

void graph_model_take_link(struct graph_model *model, struct graph_link *link)
{
	table_take(model->links, &model->n_links, link);
}

/* ---- envelopes: sorted by node name and param ---- */

static int envelope_compare(const void *a, const void *b)
{
	const struct graph_envelope *left = *(struct graph_envelope *const *)a;
	const struct graph_envelope *right = *(struct graph_envelope *const *)b;

	return end_order(left->node, left->param_idx, right->node, right->param_idx);
}

struct graph_envelope *graph_model_find_envelope(const struct graph_model *model,
						 const struct graph_node *node, uint32_t param_idx)
{
	for (uint32_t i = 0; i < model->n_envelopes; i++) {
		if (model->envelopes[i]->node == node &&
		    model->envelopes[i]->param_idx == param_idx)
			return model->envelopes[i];
	}
	return NULL;
}

void graph_model_put_envelope(struct graph_model *model, struct graph_envelope *envelope)
{
	uint32_t position = 0;

	while (position < model->n_envelopes &&
	       envelope_compare(&model->envelopes[position], &envelope) < 0)
		position++;
	table_put(model->envelopes, &model->n_envelopes, position, envelope);
}

void graph_model_take_envelope(struct graph_model *model, struct graph_envelope *envelope)
{
	table_take(model->envelopes, &model->n_envelopes, envelope);
}

void graph_model_end_envelope(struct graph_model *model, struct graph_envelope *envelope)
{
	graph_model_take_envelope(model, envelope);
	graph_envelope_free(envelope);
}

char *graph_model_rename_node(struct graph_model *model, struct graph_node *node, char *name)
{
	char *old = node->name;

	graph_model_take_node(model, node);
	node->name = name;
	graph_model_put_node(model, node);
	/* the order of both follows names */
	qsort(model->links, model->n_links, sizeof(model->links[0]), link_compare);
	qsort(model->envelopes, model->n_envelopes, sizeof(model->envelopes[0]), envelope_compare);
	return old;
}

/* ---- ports ---- */

void graph_node_port_name(const struct graph_node *node, bool output, uint32_t port, char *buf,
			  size_t size)
{
	const struct mixd_node_type *type = node->type->node_type;

	for (uint32_t i = 0; i < type->n_ports; i++) {
		const struct mixd_port_row *row = &type->ports[i];
		uint32_t n;

		if (row->is_output != output)
			continue;
		n = row_ports(node, row, UINT32_MAX, 0.0);
		if (port < n) {
			if (row->count_config)
				snprintf(buf, size, "%s%u", row->id, (unsigned)port + 1);
			else
				snprintf(buf, size, "%s", row->id);
			return;
		}
		port -= n;
	}
	snprintf(buf, size, "?");
}

void graph_node_port_address(const struct graph_node *node, bool output, uint32_t port, char *buf,
			     size_t size)
{
	char name[GRAPH_ID_MAX];

	graph_node_port_name(node, output, port, name, sizeof(name));
	snprintf(buf, size, "%s:%s", node->name, name);
}

int graph_node_port_find(const struct graph_node *node, bool output, const char *port)
{
	const struct mixd_node_type *type = node->type->node_type;
	uint32_t first = 0;

	for (uint32_t i = 0; i < type->n_ports; i++) {
		const struct mixd_port_row *row = &type->ports[i];
		size_t size = strlen(row->id);
		uint32_t n;

		if (row->is_output != output)
			continue;
		n = row_ports(node, row, UINT32_MAX, 0.0);
		if (strcmp(row->id, port) == 0)
			return (int)first;
		if (row->count_config && strncmp(row->id, port, size) == 0 && port[size] >= '1' &&
		    port[size] <= '9' && strlen(port + size) <= 4 &&
		    strspn(port + size, "0123456789") == strlen(port + size)) {
			uint32_t number = (uint32_t)strtoul(port + size, NULL, 10);

			if (number <= n)
				return (int)(first + number - 1);
		}
		first += n;
	}
	return -1;
}
