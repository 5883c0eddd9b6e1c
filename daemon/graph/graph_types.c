/* graph_types.c - the registry: common rows, unrolled groups, lookups. The checks of a table are in
 * graph_types_check.c. */
#include "graph_types.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "graph_types_check.h"

const char *const graph_node_state_names[GRAPH_NODE_STATE_COUNT_ + 1] = {
	"running", "bypassed", "muted", "sleeping", "quarantined", NULL,
};

const struct mixd_param_row graph_common_params[GRAPH_PARAM_COMMON] = {
	[GRAPH_PARAM_BYPASS] = {.id = "bypass",
				.doc = "pass the input on unchanged, at the same latency",
				.type = MIXD_TYPE_BOOL,
				.max = 1},
	[GRAPH_PARAM_MUTE] = {.id = "mute",
			      .doc = "silence the outputs",
			      .type = MIXD_TYPE_BOOL,
			      .max = 1},
};

const struct mixd_config_row graph_common_configs[GRAPH_CONFIG_COMMON] = {
	[GRAPH_CONFIG_LAYOUT] = {.id = "layout",
				 .doc = "channels of the main ports; auto follows what feeds them",
				 .type = MIXD_TYPE_STRING,
				 .def_text = "auto"},
};

const struct mixd_meter_row graph_common_meters[GRAPH_METER_COMMON] = {
	[GRAPH_METER_PEAK] = {.id = "peak",
			      .doc = "highest sample of the main output",
			      .unit = MIXD_UNIT_DBFS,
			      .fold = MIXD_FOLD_MAX},
	[GRAPH_METER_LOAD] = {.id = "load",
			      .doc = "share of the block's time the node took",
			      .unit = MIXD_UNIT_PERCENT,
			      .fold = MIXD_FOLD_MAX},
	[GRAPH_METER_STATE] = {.id = "state",
			       .doc = "what the node is doing",
			       .labels = graph_node_state_names},
	[GRAPH_METER_LATENCY] = {.id = "latency",
				 .doc = "delay from main input to main output",
				 .unit = MIXD_UNIT_FRAMES},
};

#define SCHEMES_MAX 8u
#define SCHEME_TYPES_MAX 4096u

struct types_scheme {
	struct graph_types_scheme scheme;
	char *module;
};

/* Behind a pointer: to look a type up does not change the registry, as its users see it. */
struct types_demand {
	struct types_scheme schemes[SCHEMES_MAX];
	uint32_t n_schemes;
	struct graph_type **types; /* in the order in which they were asked for */
	uint32_t n_types;
	struct graph_type **retired; /* stand-ins for what has come back: nodes may have them */
	uint32_t n_retired;
};

struct graph_types {
	struct graph_type **types; /* sorted by id */
	uint32_t n_types;
	struct types_demand *demand;
};

struct graph_types *graph_types_new(void)
{
	struct graph_types *types = calloc(1, sizeof(*types));

	if (!types)
		return NULL;
	types->demand = calloc(1, sizeof(*types->demand));
	if (!types->demand) {
		free(types);
		return NULL;
	}
	return types;
}

static struct graph_type *graph_type_free(struct graph_type *type)
{
	if (!type)
		return NULL;
	free(type->module);
	free(type->params);
	free(type->configs);
	free(type->meters);
	free(type);
	return NULL;
}
DEFINE_CLEANUP(graph_type_free, struct graph_type *)

struct graph_types *graph_types_free(struct graph_types *types)
{
	if (!types)
		return NULL;
	for (uint32_t i = 0; i < types->n_types; i++)
		graph_type_free(types->types[i]);
	for (uint32_t i = 0; i < types->demand->n_types; i++)
		graph_type_free(types->demand->types[i]);
	for (uint32_t i = 0; i < types->demand->n_retired; i++)
		graph_type_free(types->demand->retired[i]);
	for (uint32_t i = 0; i < types->demand->n_schemes; i++)
		free(types->demand->schemes[i].module);
	free(types->demand->types);
	free(types->demand->retired);
	free(types->demand);
	free(types->types);
	free(types);
	return NULL;
}

/* The rows from FIRST on that form one group (or the one row that is in none). */
static uint32_t group_rows(const struct mixd_node_type *type, uint32_t first)
{
	uint32_t n = 1;

	if (!type->params[first].group)
		return 1;
	while (first + n < type->n_params && type->params[first + n].group &&
	       strcmp(type->params[first + n].group, type->params[first].group) == 0)
		n++;
	return n;
}

static void param_add(struct graph_type *type, const struct mixd_param_row *row, uint32_t repeat)
{
	struct graph_param *param = &type->params[type->n_params++];

	param->row = row;
	param->def = row->defs ? row->defs[repeat] : row->def;
	if (row->group)
		snprintf(param->id, sizeof(param->id), "%s%u.%s", row->group, (unsigned)repeat + 1,
			 row->id);
	else
		snprintf(param->id, sizeof(param->id), "%s", row->id);
}

static int type_expand_params(struct graph_type *type)
{
	const struct mixd_node_type *node_type = type->node_type;
	size_t n = GRAPH_PARAM_COMMON;

	for (uint32_t i = 0; i < node_type->n_params; i++)
		n += node_type->params[i].group ? node_type->params[i].count : 1;
	type->params = calloc(n, sizeof(type->params[0]));
	if (!type->params)
		return -ENOMEM;
	for (uint32_t i = 0; i < GRAPH_PARAM_COMMON; i++)
		param_add(type, &graph_common_params[i], 0);
	for (uint32_t i = 0; i < node_type->n_params;) {
		uint32_t rows = group_rows(node_type, i);
		uint32_t count = node_type->params[i].group ? node_type->params[i].count : 1;

		for (uint32_t r = 0; r < count; r++) {
			for (uint32_t k = 0; k < rows; k++)
				param_add(type, &node_type->params[i + k], r);
		}
		i += rows;
	}
	return 0;
}

static int type_expand_rest(struct graph_type *type)
{
	const struct mixd_node_type *node_type = type->node_type;

	type->configs = calloc(GRAPH_CONFIG_COMMON + node_type->n_configs, sizeof(*type->configs));
	type->meters = calloc(GRAPH_METER_COMMON + node_type->n_meters, sizeof(*type->meters));
	if (!type->configs || !type->meters)
		return -ENOMEM;
	for (uint32_t i = 0; i < GRAPH_CONFIG_COMMON; i++)
		type->configs[type->n_configs++] = &graph_common_configs[i];
	for (uint32_t i = 0; i < node_type->n_configs; i++)
		type->configs[type->n_configs++] = &node_type->configs[i];
	for (uint32_t i = 0; i < GRAPH_METER_COMMON + node_type->n_meters; i++) {
		struct graph_meter *meter = &type->meters[type->n_meters++];

		meter->row = i < GRAPH_METER_COMMON ? &graph_common_meters[i]
						    : &node_type->meters[i - GRAPH_METER_COMMON];
		snprintf(meter->id, sizeof(meter->id), "%s", meter->row->id);
	}
	return 0;
}

/* Index at which ID is, or would have to be put. */
static uint32_t types_position(const struct graph_types *types, const char *id, bool *ret_found)
{
	uint32_t low = 0, high = types->n_types;

	*ret_found = false;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int order = strcmp(types->types[middle]->node_type->id, id);

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

/* A checked table, expanded. */
static int type_new(const struct mixd_node_type *node_type, const char *module,
		    struct graph_type **ret, struct mixd_error *err)
{
	_cleanup_(graph_type_freep) struct graph_type *type = calloc(1, sizeof(*type));

	if (!type)
		return error_no_memory(err);
	type->node_type = node_type;
	type->module = strdup(module ? module : "built-in");
	if (!type->module || type_expand_params(type) < 0 || type_expand_rest(type) < 0)
		return error_no_memory(err);
	*ret = TAKE_PTR(type);
	return 0;
}

int graph_types_add(struct graph_types *types, const struct mixd_node_type *node_type,
		    const char *module, struct mixd_error *err)
{
	_cleanup_(graph_type_freep) struct graph_type *type = NULL;
	struct graph_type **grown;
	uint32_t position;
	bool found;
	int r;

	r = graph_types_check(node_type, err);
	if (r < 0)
		return r;
	position = types_position(types, node_type->id, &found);
	if (found) {
		r = error_set(err, ERROR_CONFLICT, node_type->id,
			      "type \"%s\" is taken already by %s", node_type->id,
			      types->types[position]->module);
		error_hint(err, "rename the type or remove one of the two modules");
		return r;
	}
	r = type_new(node_type, module, &type, err);
	if (r < 0)
		return r;
	grown = reallocarray(types->types, types->n_types + 1u, sizeof(types->types[0]));
	if (!grown)
		return error_no_memory(err);
	types->types = grown;
	memmove(&grown[position + 1], &grown[position],
		(types->n_types - position) * sizeof(grown[0]));
	grown[position] = TAKE_PTR(type);
	types->n_types++;
	return 0;
}

static void types_hint(const struct graph_types *types, const char *id, struct mixd_error *err)
{
	_cleanup_free_ const char **words = calloc(types->n_types + 1u, sizeof(*words));
	const char *nearest;

	if (!words)
		return;
	for (uint32_t i = 0; i < types->n_types; i++)
		words[i] = types->types[i]->node_type->id;
	nearest = error_nearest(id, words, types->n_types);
	if (nearest)
		error_hint(err, "did you mean \"%s\"?", nearest);
	else
		error_hint(err, "see `mixctl ls types`");
}

/* ---- on demand ---- */

int graph_types_add_scheme(struct graph_types *types, const struct graph_types_scheme *scheme,
			   const char *module, struct mixd_error *err)
{
	struct types_demand *demand = types->demand;
	struct types_scheme *added = &demand->schemes[demand->n_schemes];
	int r;

	for (uint32_t i = 0; i < demand->n_schemes; i++) {
		if (strcmp(demand->schemes[i].scheme.scheme, scheme->scheme) != 0)
			continue;
		r = error_set(err, ERROR_CONFLICT, scheme->scheme,
			      "types \"%s:...\" are made already by %s", scheme->scheme,
			      demand->schemes[i].module);
		error_hint(err, "remove one of the two modules");
		return r;
	}
	if (demand->n_schemes == SCHEMES_MAX)
		return error_set(err, ERROR_RESOURCE, scheme->scheme, "more than %u schemes",
				 SCHEMES_MAX);
	added->module = strdup(module ? module : "built-in");
	if (!added->module)
		return error_no_memory(err);
	added->scheme = *scheme;
	demand->n_schemes++;
	return 0;
}

const char *const *graph_types_listed(const struct graph_types *types, uint32_t scheme_idx)
{
	static const char *const none[] = {NULL};
	const char *const *list;

	if (scheme_idx >= types->demand->n_schemes)
		return NULL;
	if (!types->demand->schemes[scheme_idx].scheme.list)
		return none;
	list = types->demand->schemes[scheme_idx].scheme.list();
	return list ? list : none;
}

const struct graph_type *graph_types_made(const struct graph_types *types, uint32_t idx)
{
	return idx < types->demand->n_types ? types->demand->types[idx] : NULL;
}

static const struct types_scheme *types_scheme_of(const struct graph_types *types, const char *id)
{
	for (uint32_t i = 0; i < types->demand->n_schemes; i++) {
		const struct types_scheme *scheme = &types->demand->schemes[i];
		size_t size = strlen(scheme->scheme.scheme);

		if (strncmp(id, scheme->scheme.scheme, size) == 0 && id[size] == ':' &&
		    id[size + 1])
			return scheme;
	}
	return NULL;
}

/* Returned, or NULL with *err. */
static struct graph_type *types_make(const struct types_scheme *scheme, const char *id,
				     bool stand_in, struct mixd_error *err)
{
	struct mixd_fault fault = {0};
	const struct mixd_node_type *node_type = scheme->scheme.resolve(id, &fault);
	struct graph_type *type = NULL;

	if (!node_type || (!stand_in && (node_type->flags & MIXD_NODE_STAND_IN))) {
		error_set(err, ERROR_NOT_FOUND, NULL, "%s",
			  fault.text[0] ? fault.text : "there is no such type");
		if (fault.hint[0])
			error_hint(err, "%s", fault.hint);
		return NULL;
	}
	if (graph_types_check_demanded(node_type, id, err) < 0 ||
	    type_new(node_type, scheme->module, &type, err) < 0)
		return NULL;
	return type;
}

/* Made now, or NULL with *err. */
static const struct graph_type *types_resolve(struct types_demand *demand,
					      const struct types_scheme *scheme, const char *id,
					      struct mixd_error *err)
{
	_cleanup_(graph_type_freep) struct graph_type *type = NULL;
	struct graph_type **grown;

	if (demand->n_types == SCHEME_TYPES_MAX) {
		error_set(err, ERROR_RESOURCE, NULL, "more than %u types made on demand",
			  SCHEME_TYPES_MAX);
		return NULL;
	}
	type = types_make(scheme, id, true, err);
	if (!type)
		return NULL;
	grown = reallocarray(demand->types, demand->n_types + 1u, sizeof(grown[0]));
	if (!grown) {
		error_no_memory(err);
		return NULL;
	}
	demand->types = grown;
	grown[demand->n_types] = TAKE_PTR(type);
	return grown[demand->n_types++];
}

const struct graph_type *graph_types_find(const struct graph_types *types, const char *id,
					  struct mixd_error *err)
{
	bool found;
	uint32_t position = types_position(types, id, &found);
	const struct types_scheme *scheme;

	if (found)
		return types->types[position];
	scheme = types_scheme_of(types, id);
	for (uint32_t i = 0; scheme && i < types->demand->n_types; i++)
		if (strcmp(types->demand->types[i]->node_type->id, id) == 0)
			return types->demand->types[i];
	if (scheme)
		return types_resolve(types->demand, scheme, id, err);
	if (err) {
		error_set(err, ERROR_NOT_FOUND, NULL, "no node type \"%.64s\"", id);
		types_hint(types, id, err);
	}
	return NULL;
}

const struct graph_type *graph_types_find_new(const struct graph_types *types, const char *id,
					      struct mixd_error *err)
{
	const struct graph_type *found = graph_types_find(types, id, err);
	struct types_demand *demand = types->demand;
	struct graph_type *type, **grown;
	uint32_t i = 0;

	if (!found || !(found->node_type->flags & MIXD_NODE_STAND_IN))
		return found;
	type = types_make(types_scheme_of(types, id), id, false, err);
	if (!type)
		return NULL;
	grown = reallocarray(demand->retired, demand->n_retired + 1u, sizeof(grown[0]));
	if (!grown) {
		graph_type_free(type);
		error_no_memory(err);
		return NULL;
	}
	while (demand->types[i] != found)
		i++;
	demand->retired = grown;
	grown[demand->n_retired++] = demand->types[i];
	demand->types[i] = type;
	return type;
}

uint32_t graph_types_count(const struct graph_types *types)
{
	return types->n_types;
}

const struct graph_type *graph_types_at(const struct graph_types *types, uint32_t idx)
{
	return idx < types->n_types ? types->types[idx] : NULL;
}

int graph_type_param(const struct graph_type *type, const char *id)
{
	for (uint32_t i = 0; i < type->n_params; i++) {
		if (strcmp(type->params[i].id, id) == 0)
			return (int)i;
	}
	return -1;
}

int graph_type_config(const struct graph_type *type, const char *id)
{
	for (uint32_t i = 0; i < type->n_configs; i++) {
		if (strcmp(type->configs[i]->id, id) == 0)
			return (int)i;
	}
	return -1;
}

/* TEXT = PREFIX + a number 1..MAX without leading zeros; 0 when it is not. */
static uint32_t meter_number(const char *text, const char *prefix, uint32_t max)
{
	size_t size = strlen(prefix);
	uint32_t channel = 0;

	if (strncmp(text, prefix, size) != 0 || text[size] < '1' || text[size] > '9')
		return 0;
	for (text += size; *text >= '0' && *text <= '9' && channel <= max; text++)
		channel = channel * 10 + (uint32_t)(*text - '0');
	return *text == '\0' && channel <= max ? channel : 0;
}

int graph_type_meter(const struct graph_type *type, const char *id, uint32_t *ret_channel)
{
	for (uint32_t i = 0; i < type->n_meters; i++) {
		const struct graph_meter *meter = &type->meters[i];
		bool numbered = graph_meter_numbered(meter->row);
		uint32_t max = meter->row->per_channel ? MIXD_CHANNELS_MAX : meter->row->count;
		uint32_t channel = numbered ? meter_number(id, meter->id, max) : 0;

		if (numbered ? channel > 0 : strcmp(meter->id, id) == 0) {
			if (ret_channel)
				*ret_channel = channel;
			return (int)i;
		}
	}
	return -1;
}
