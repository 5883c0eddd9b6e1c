/* graph_address.c - "node.param" and "node:port" in words; see graph_model.h. */
#include "graph_model_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"

#define WORDS_MAX 256u /* ids that are considered for a hint */

/* ---- nodes ---- */

static void node_hint(const struct graph_model *model, const char *name, struct mixd_error *err)
{
	_cleanup_free_ const char **words = calloc(model->n_nodes + 1u, sizeof(*words));
	const char *nearest;

	if (!words)
		return;
	for (uint32_t i = 0; i < model->n_nodes; i++)
		words[i] = model->nodes[i]->name;
	nearest = error_nearest(name, words, model->n_nodes);
	if (nearest)
		error_hint(err, "did you mean \"%s\"?", nearest);
	else
		error_hint(err, "see `mixctl ls nodes`");
}

/* "vox" of a track: its nodes are vox/player, vox/eq, ... */
static bool folder_hint(const struct graph_model *model, const char *name, struct mixd_error *err)
{
	char list[160] = "";
	size_t size = strlen(name), used = 0;
	uint32_t n = 0;

	for (uint32_t i = 0; i < model->n_nodes; i++) {
		const char *node = model->nodes[i]->name;

		if (strncmp(node, name, size) != 0 || node[size] != '/')
			continue;
		n++;
		if (used + strlen(node) + 8 < sizeof(list))
			used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s",
						 n > 1 ? ", " : "", node);
		else if (used + 6 < sizeof(list))
			used += (size_t)snprintf(list + used, sizeof(list) - used, ", ...");
	}
	if (n && used)
		error_hint(err, "its nodes are %s", list);
	return n && used;
}

static int no_node(const struct graph_model *model, const char *name, struct mixd_error *err)
{
	int r;

	if (!err)
		return -ENOENT;
	r = error_set(err, ERROR_NOT_FOUND, name, "there is no node \"%.128s\"", name);
	if (!name[0] || !folder_hint(model, name, err))
		node_hint(model, name, err);
	return r;
}

int graph_model_find_node(const struct graph_model *model, const char *name,
			  struct graph_node **ret, struct mixd_error *err)
{
	struct graph_node *node = graph_model_node(model, name);

	if (!node)
		return no_node(model, name, err);
	*ret = node;
	return 0;
}

/* ---- ports ---- */

static const char *article(const char *word)
{
	return strchr("aeiou", word[0]) || strncmp(word, "lv2:", 4) == 0 ? "an" : "a";
}

static int no_port(const struct graph_node *node, bool output, const char *address,
		   const char *port, struct mixd_error *err)
{
	uint32_t n = output ? node->n_out_ports : node->n_in_ports;
	char names[WORDS_MAX][GRAPH_ID_MAX];
	const char *words[WORDS_MAX], *nearest;
	uint32_t n_words = n < WORDS_MAX ? n : WORDS_MAX;
	int r;

	r = error_set(err, ERROR_NOT_FOUND, address, "node \"%s\" (%s) has no %s%s%s", node->name,
		      node->type->node_type->id, output ? "output" : "input", port ? " " : "",
		      port ? port : "");
	if (n == 0) {
		error_hint(err, "%s %s has only %s", article(node->type->node_type->id),
			   node->type->node_type->id, output ? "inputs" : "outputs");
		return r;
	}
	for (uint32_t i = 0; i < n_words; i++) {
		graph_node_port_name(node, output, i, names[i], sizeof(names[i]));
		words[i] = names[i];
	}
	nearest = error_nearest(port ? port : "", words, n_words);
	error_hint(err, "%s \"%s:%s\"%s", nearest ? "did you mean" : "it has", node->name,
		   nearest ? nearest : words[0], nearest ? "?" : "");
	return r;
}

int graph_model_find_port(const struct graph_model *model, const char *address, bool output,
			  struct graph_node **ret_node, uint32_t *ret_port, struct mixd_error *err)
{
	const char *colon = strchr(address, ':');
	size_t size = colon ? (size_t)(colon - address) : strlen(address);
	char name[GRAPH_ADDRESS_MAX];
	struct graph_node *node = NULL;
	int port, r;

	if (size >= sizeof(name) || (colon && strlen(colon) >= GRAPH_ID_MAX)) {
		r = error_set(err, ERROR_INVALID, NULL, "\"%.40s...\" is too long for a port",
			      address);
		error_hint(err, "write node or node:port");
		return r;
	}
	memcpy(name, address, size);
	name[size] = '\0';
	r = graph_model_find_node(model, name, &node, err);
	if (r < 0)
		return r;
	if (colon)
		port = graph_node_port_find(node, output, colon + 1);
	else
		port = (output ? node->n_out_ports : node->n_in_ports) > 0 ? 0 : -1;
	if (port < 0)
		return no_port(node, output, address, colon ? colon + 1 : NULL, err);
	*ret_node = node;
	if (ret_port)
		*ret_port = (uint32_t)port;
	return 0;
}

/* ---- params, configs, meters ---- */

/* The best of a type's ids for WORD; it may have hundreds. */
static const char *nearest_id(const struct graph_type *type, const char *word, bool meters)
{
	const char **words;
	const char *nearest;
	uint32_t n = 0;

	words = calloc(type->n_params + type->n_configs + type->n_meters, sizeof(*words));
	if (!words)
		return NULL;
	for (uint32_t i = 0; i < type->n_params; i++)
		words[n++] = type->params[i].id;
	for (uint32_t i = 0; i < type->n_configs; i++)
		words[n++] = type->configs[i]->id;
	for (uint32_t i = 0; meters && i < type->n_meters; i++)
		words[n++] = type->meters[i].id;
	nearest = error_nearest(word, words, n);
	free(words);
	return nearest;
}

/* ID is what stands before the dot of params: band1. */
static bool is_group(const struct graph_type *type, const char *id)
{
	size_t size = strlen(id);

	for (uint32_t i = 0; size > 0 && i < type->n_params; i++)
		if (strncmp(type->params[i].id, id, size) == 0 && type->params[i].id[size] == '.')
			return true;
	return false;
}

static int no_id(const struct graph_node *node, const char *id, bool meters, struct mixd_error *err)
{
	const char *type = node->type->node_type->id, *nearest;
	char address[sizeof(err->address)];
	int r;

	if (!err)
		return -ENOENT;
	snprintf(address, sizeof(address), "%.120s.%.38s", node->name, id);
	r = error_set(err, ERROR_NOT_FOUND, address, "%s %s has no %s \"%.64s\"", article(type),
		      type, meters ? "param, config or meter" : "param or config", id);
	nearest = nearest_id(node->type, id, meters);
	if (is_group(node->type, id))
		error_hint(err, "write \"%.64s.*\" for all of it", id);
	else if (nearest)
		error_hint(err, "did you mean \"%s\"?", nearest);
	else
		error_hint(err, "see `mixctl explain %s`", type);
	return r;
}

static bool find_id(struct graph_node *node, const char *id, bool meters, struct graph_address *ret)
{
	uint32_t channel = 0;
	int idx;

	ret->node = node;
	ret->channel = 0;
	ret->kind = GRAPH_ADDRESS_PARAM;
	idx = graph_type_param(node->type, id);
	if (idx < 0) {
		ret->kind = GRAPH_ADDRESS_CONFIG;
		idx = graph_type_config(node->type, id);
	}
	if (idx < 0 && meters) {
		ret->kind = GRAPH_ADDRESS_METER;
		idx = graph_type_meter(node->type, id, &channel);
		ret->channel = channel;
	}
	ret->idx = (uint32_t)idx;
	return idx >= 0;
}

int graph_node_find_setting(const struct graph_node *node, const char *id,
			    struct graph_address *ret, struct mixd_error *err)
{
	if (find_id((struct graph_node *)node, id, false, ret))
		return 0;
	return no_id(node, id, false, err);
}

int graph_model_find_address(const struct graph_model *model, const char *address,
			     struct graph_address *ret, struct mixd_error *err)
{
	char name[GRAPH_ADDRESS_MAX];
	struct graph_address found;
	int r;

	if (strstr(address, "->"))
		return graph_link_find_address(model, address, ret, err);
	if (strlen(address) >= sizeof(name) || !strchr(address, '.')) {
		r = error_set(err, ERROR_INVALID, NULL, "\"%.60s\" is not of the form node.param",
			      address);
		error_hint(err, "write it as in vox.gain");
		return r;
	}
	snprintf(name, sizeof(name), "%s", address);
	for (char *dot = strrchr(name, '.'); dot; dot = strrchr(name, '.')) {
		struct graph_node *node;

		*dot = '\0';
		node = graph_model_node(model, name);
		if (!node)
			continue;
		if (!find_id(node, address + (dot - name) + 1, true, &found))
			return no_id(node, address + (dot - name) + 1, true, err);
		if (ret)
			*ret = found;
		return 0;
	}
	/* what stands before the first dot is the likeliest name */
	return no_node(model, name, err);
}

void graph_address_format(const struct graph_address *address, char *buf, size_t size)
{
	const struct graph_type *type = address->node->type;
	const char *id;
	size_t used;

	if (address->kind == GRAPH_ADDRESS_LINK) {
		graph_link_format(address->link, buf, size);
		used = strlen(buf);
		snprintf(buf + used, size - used, ".%s", graph_link_rows[address->idx].id);
		return;
	}
	id = address->kind == GRAPH_ADDRESS_PARAM    ? type->params[address->idx].id
	     : address->kind == GRAPH_ADDRESS_CONFIG ? type->configs[address->idx]->id
						     : type->meters[address->idx].id;

	if (address->channel > 0)
		snprintf(buf, size, "%s.%s%u", address->node->name, id, (unsigned)address->channel);
	else
		snprintf(buf, size, "%s.%s", address->node->name, id);
}

/* ---- globs over all addresses ---- */

struct glob_walk {
	const struct graph_model *model;
	const char *glob;
	unsigned kinds;
	int (*fn)(void *data, const struct graph_address *address, const char *text);
	void *data;
	size_t prefix; /* letters before the first wildcard */
	const char *tail; /* letters behind the last one */
	bool named; /* the glob is the name of one node */
	bool all; /* of the node under way, without matching: the glob matches its name */
	uint32_t n_matches;
	struct graph_layouts *layouts; /* made when a per-channel meter asks for it */
};

static int walk_one(struct glob_walk *walk, const struct graph_address *address, const char *id)
{
	char text[GRAPH_ADDRESS_MAX];
	size_t tail = strlen(walk->tail), size = strlen(id);

	/* cheap before dear: most of what is asked for ends in ".gain" */
	if (!walk->all && address->channel == 0 && tail <= size &&
	    memcmp(id + size - tail, walk->tail, tail) != 0)
		return 0;
	graph_address_format(address, text, sizeof(text));
	if (!walk->all && !graph_glob_match(walk->glob, text))
		return 0;
	walk->n_matches++;
	return walk->fn(walk->data, address, text);
}

/* How many channels a per-channel meter of NODE has. */
static uint32_t walk_channels(struct glob_walk *walk, const struct graph_node *node)
{
	const struct mixd_layout *layout;
	bool output = node->n_out_ports > 0;

	if (!output && node->n_in_ports == 0)
		return 0;
	if (!walk->layouts && graph_layouts_resolve(walk->model, &walk->layouts, NULL) < 0)
		return 2;
	layout = graph_layouts_port(walk->layouts, node, output, 0);
	return layout ? layout->n_channels : 2;
}

static int walk_meters(struct glob_walk *walk, struct graph_node *node)
{
	struct graph_address address = {.node = node, .kind = GRAPH_ADDRESS_METER};
	uint32_t n;
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < node->type->n_meters; i++) {
		const struct graph_meter *meter = &node->type->meters[i];

		address.idx = i;
		address.channel = 0;
		if (!graph_meter_numbered(meter->row)) {
			r = walk_one(walk, &address, meter->id);
			continue;
		}
		n = meter->row->per_channel ? walk_channels(walk, node) : meter->row->count;
		while (r == 0 && address.channel < n) {
			address.channel++;
			r = walk_one(walk, &address, meter->id);
		}
	}
	return r;
}

static int walk_node(struct glob_walk *walk, struct graph_node *node)
{
	struct graph_address address = {.node = node};
	size_t size = strlen(node->name);
	int r = 0;

	if (!walk->named &&
	    strncmp(node->name, walk->glob, size < walk->prefix ? size : walk->prefix) != 0)
		return 0;
	walk->all = walk->named || graph_glob_match(walk->glob, node->name);
	address.kind = GRAPH_ADDRESS_PARAM;
	for (uint32_t i = 0;
	     r == 0 && (walk->kinds & (1u << GRAPH_ADDRESS_PARAM)) && i < node->type->n_params;
	     i++) {
		address.idx = i;
		r = walk_one(walk, &address, node->type->params[i].id);
	}
	address.kind = GRAPH_ADDRESS_CONFIG;
	for (uint32_t i = 0;
	     r == 0 && (walk->kinds & (1u << GRAPH_ADDRESS_CONFIG)) && i < node->type->n_configs;
	     i++) {
		address.idx = i;
		r = walk_one(walk, &address, node->type->configs[i]->id);
	}
	if (r == 0 && (walk->kinds & (1u << GRAPH_ADDRESS_METER)))
		r = walk_meters(walk, node);
	return r;
}

static int no_match(const struct graph_model *model, const char *glob, struct mixd_error *err)
{
	struct graph_address address;
	int r;

	/* without a wildcard the plain lookup knows better what is wrong */
	if (!strpbrk(glob, "*?[{")) {
		if (!strchr(glob, '.'))
			return no_node(model, glob, err);
		r = graph_model_find_address(model, glob, &address, err);
		if (r < 0)
			return r;
	}
	r = error_set(err, ERROR_NOT_FOUND, glob, "nothing matches \"%.120s\"", glob);
	error_hint(err, "see `mixctl ls nodes`; * stops at /, ** does not");
	return r;
}

int graph_model_glob(const struct graph_model *model, const char *glob, unsigned kinds,
		     int (*fn)(void *data, const struct graph_address *address, const char *text),
		     void *data, struct mixd_error *err)
{
	struct glob_walk walk = {.model = model,
				 .glob = glob,
				 .kinds = kinds,
				 .fn = fn,
				 .data = data,
				 .prefix = strcspn(glob, "*?[{"),
				 .tail = glob};
	struct graph_node *node = graph_model_node(model, glob);
	int r = 0;

	if ((kinds & (1u << GRAPH_ADDRESS_LINK)) && strstr(glob, "->"))
		return graph_link_glob(model, glob, fn, data, err);
	for (const char *p = glob; *p; p++) {
		if (strchr("*?[]{}", *p))
			walk.tail = p + 1;
	}
	walk.named = node != NULL;
	if (node)
		r = walk_node(&walk, node);
	for (uint32_t i = 0; !node && r == 0 && i < model->n_nodes; i++)
		r = walk_node(&walk, model->nodes[i]);
	graph_layouts_free(walk.layouts);
	if (r == 0 && walk.n_matches == 0)
		r = no_match(model, glob, err);
	return r;
}
