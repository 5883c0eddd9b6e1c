/* graph_session.c - see graph_session.h: the tree of a session file becomes a graph message. */
#include "graph_session.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "graph_model_private.h"
#include "graph_proto.h"
#include "graph_session_doc.h"
#include "graph_value.h"

struct session {
	const char *name; /* of the file */
	struct mixd_error *err;
	struct graph_model *model; /* scratch: what the file has said so far */
	Mixd__V1__Graph *graph; /* the result */
};

static void free_graph(Mixd__V1__Graph *graph)
{
	mixd__v1__graph__free_unpacked(graph, NULL);
}
DEFINE_CLEANUP(free_graph, Mixd__V1__Graph *)
DEFINE_CLEANUP(session_doc_free, struct session_node *)
DEFINE_CLEANUP(graph_model_free, struct graph_model *)
DEFINE_CLEANUP(graph_node_free, struct graph_node *)

/* ---- errors ---- */

/* An error from below, about ADDRESS, becomes one at NODE: "limit.ceiling: ..." */
static int relocate(const struct session *session, const struct session_node *node,
		    const char *address)
{
	struct mixd_error below;

	if (!session->err)
		return -EINVAL;
	below = *session->err;
	session_doc_error(session->name, node, session->err, "%.120s%s%.190s", address,
			  address[0] ? ": " : "", below.text);
	memcpy(session->err->hint, below.hint, sizeof(below.hint));
	return below.code == ERROR_RESOURCE ? error_no_memory(session->err) : -EINVAL;
}

static int unknown_key(const struct session *session, const struct session_node *value,
		       const char *const *words, uint32_t n)
{
	const char *nearest = error_nearest(value->key->text, words, n);
	char list[200] = "";
	size_t used = 0;
	int r = session_doc_error(session->name, value->key, session->err, "unknown key \"%.60s\"",
				  value->key->text);

	if (nearest) {
		error_hint(session->err, "did you mean \"%s\"?", nearest);
		return r;
	}
	for (uint32_t i = 0; i < n && used < sizeof(list); i++)
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", i ? ", " : "",
					 words[i]);
	error_hint(session->err, "want one of %s", list);
	return r;
}

static int check_keys(const struct session *session, const struct session_node *map,
		      const char *const *words, uint32_t n)
{
	for (const struct session_node *value = map->first; value; value = value->next) {
		bool known = false;

		for (uint32_t i = 0; i < n; i++)
			known |= strcmp(words[i], value->key->text) == 0;
		if (!known)
			return unknown_key(session, value, words, n);
	}
	return 0;
}

static int want(const struct session *session, const struct session_node *node,
		enum session_kind kind, const char *what)
{
	static const char *const kinds[] = {"a value", "a list", "a map"};
	int r;

	if (node->kind == kind)
		return 0;
	r = session_doc_error(session->name, node, session->err, "%s is %s", what,
			      kinds[node->kind]);
	error_hint(session->err, "want %s", kinds[kind]);
	return r;
}

/* ---- nodes ---- */

static int setting_append(Mixd__V1__Node *message, const char *id, Mixd__V1__Value *value)
{
	Mixd__V1__Setting *setting = malloc(sizeof(*setting));
	Mixd__V1__Setting **grown;

	grown = reallocarray(message->settings, message->n_settings + 1, sizeof(*grown));
	if (grown)
		message->settings = grown;
	if (!setting || !grown || !value) {
		free(setting);
		mixd__v1__value__free_unpacked(value, NULL);
		return -ENOMEM;
	}
	mixd__v1__setting__init(setting);
	setting->value = value;
	message->settings[message->n_settings++] = setting;
	return graph_proto_text(&setting->id, id) ? 0 : -ENOMEM;
}

static bool setting_is_there(const Mixd__V1__Node *message, const char *id)
{
	for (size_t i = 0; i < message->n_settings; i++) {
		if (strcmp(message->settings[i]->id, id) == 0)
			return true;
	}
	return false;
}

/* The text of NODE for setting ID, parsed into the scratch node and appended as a typed value. */
static int read_setting(const struct session *session, struct graph_node *node,
			Mixd__V1__Node *message, const char *id, const struct session_node *value)
{
	Mixd__V1__Value as_text = MIXD__V1__VALUE__INIT, *typed;
	char address[GRAPH_ADDRESS_MAX];
	struct graph_address found;
	int r;

	r = graph_node_find_setting(node, id, &found, session->err);
	if (r < 0)
		return relocate(session, value->key, "");
	graph_address_format(&found, address, sizeof(address));
	r = want(session, value, SESSION_SCALAR, address);
	if (r < 0)
		return r;
	if (setting_is_there(message, id))
		return session_doc_error(session->name, value->key, session->err,
					 "%s is there twice", address);
	if (!value->quoted &&
	    (!value->text[0] || strcmp(value->text, "~") == 0 || strcmp(value->text, "null") == 0))
		return session_doc_error(session->name, value, session->err, "%s has no value",
					 address);
	as_text.kind_case = MIXD__V1__VALUE__KIND_TEXT;
	as_text.text = value->text;
	if (found.kind == GRAPH_ADDRESS_PARAM) {
		r = graph_node_read_param(node, found.idx, &as_text, false, address,
					  &node->value[found.idx], session->err);
		if (r < 0)
			return relocate(session, value, address);
		typed = graph_proto_param_value(node->type->params[found.idx].row,
						node->value[found.idx]);
	} else {
		struct mixd_value config;

		r = graph_node_read_config(node, found.idx, &as_text, false, address, &config,
					   session->err);
		if (r < 0)
			return relocate(session, value, address);
		free((char *)node->config[found.idx].text);
		node->config[found.idx] = config;
		typed = graph_proto_config_value(node->type->configs[found.idx], &config);
	}
	return setting_append(message, id, typed) < 0 ? error_no_memory(session->err) : 0;
}

static int read_settings(const struct session *session, struct graph_node *node,
			 Mixd__V1__Node *message, const struct session_node *map)
{
	char id[2 * GRAPH_ID_MAX];
	int r = 0;

	for (const struct session_node *value = map->first; r == 0 && value; value = value->next) {
		if (strcmp(value->key->text, "type") == 0)
			continue;
		if (value->kind != SESSION_MAP) {
			r = read_setting(session, node, message, value->key->text, value);
			continue;
		}
		/* band1: {freq: 80Hz} is band1.freq: 80Hz */
		for (const struct session_node *inner = value->first; r == 0 && inner;
		     inner = inner->next) {
			snprintf(id, sizeof(id), "%.60s.%.60s", value->key->text, inner->key->text);
			r = read_setting(session, node, message, id, inner);
		}
	}
	return r;
}

static int read_type(const struct session *session, const struct session_node *value,
		     const struct graph_type **ret)
{
	const struct session_node *type = session_doc_get(value, "type");
	int r;

	if (!type) {
		r = session_doc_error(session->name, value, session->err,
				      "node \"%.60s\" has no type", value->key->text);
		error_hint(session->err, "write %.60s: {type: gain}, say", value->key->text);
		return r;
	}
	r = want(session, type, SESSION_SCALAR, "the type");
	if (r < 0)
		return r;
	*ret = graph_types_find(session->model->types, type->text, session->err);
	return *ret ? 0 : relocate(session, type, "");
}

static int read_node(const struct session *session, const struct session_node *value)
{
	_cleanup_(graph_node_freep) struct graph_node *node = NULL;
	Mixd__V1__Graph *graph = session->graph;
	const struct graph_type *type = NULL;
	Mixd__V1__Node *message;
	int r;

	if (graph_name_check(value->key->text, session->err) < 0)
		return relocate(session, value->key, "");
	r = want(session, value, SESSION_MAP, "a node");
	if (r == 0)
		r = read_type(session, value, &type);
	if (r < 0)
		return r;
	if (session->model->n_nodes >= GRAPH_NODES_MAX)
		return session_doc_error(session->name, value, session->err, "more than %u nodes",
					 GRAPH_NODES_MAX);
	node = graph_node_new(type, value->key->text);
	message = malloc(sizeof(*message));
	if (!node || !message) {
		free(message);
		return error_no_memory(session->err);
	}
	mixd__v1__node__init(message);
	graph->nodes[graph->n_nodes++] = message;
	if (!graph_proto_text(&message->name, node->name) ||
	    !graph_proto_text(&message->type, type->node_type->id))
		return error_no_memory(session->err);
	r = read_settings(session, node, message, value);
	if (r < 0)
		return r;
	graph_node_count_ports(node);
	node->uid = ++session->model->last_uid;
	graph_model_put_node(session->model, TAKE_PTR(node));
	return 0;
}

static int read_nodes(const struct session *session, const struct session_node *map)
{
	int r = want(session, map, SESSION_MAP, "nodes");

	if (r < 0)
		return r;
	session->graph->nodes = calloc(map->n + 1u, sizeof(session->graph->nodes[0]));
	if (!session->graph->nodes)
		return error_no_memory(session->err);
	for (const struct session_node *value = map->first; r == 0 && value; value = value->next)
		r = read_node(session, value);
	return r;
}

/* ---- links ---- */

static int link_append(const struct session *session, const struct session_node *at,
		       const char *from, const char *to, double gain_db)
{
	Mixd__V1__Graph *graph = session->graph;
	Mixd__V1__Link **grown, *message;

	if (graph->n_links >= GRAPH_LINKS_MAX)
		return session_doc_error(session->name, at, session->err, "more than %u links",
					 GRAPH_LINKS_MAX);
	if ((graph->n_links & (graph->n_links - 1)) == 0) {
		grown = reallocarray(graph->links, graph->n_links ? graph->n_links * 2 : 1,
				     sizeof(*grown));
		if (!grown)
			return error_no_memory(session->err);
		graph->links = grown;
	}
	message = malloc(sizeof(*message));
	if (!message)
		return error_no_memory(session->err);
	mixd__v1__link__init(message);
	graph->links[graph->n_links++] = message;
	message->gain_db = gain_db;
	if (!graph_proto_text(&message->from, from) || !graph_proto_text(&message->to, to))
		return error_no_memory(session->err);
	return 0;
}

/* END as "node:port" when the file names the node; else as it stands: with `merge` it may be one
 * that is running. */
static int read_end(const struct session *session, const struct session_node *at, const char *end,
		    bool output, struct graph_node **ret_node, uint32_t *ret_port, char *buf,
		    size_t size)
{
	size_t name_size = strcspn(end, ":");
	char name[GRAPH_NAME_MAX + 1];

	if (name_size == 0 || name_size > GRAPH_NAME_MAX || strlen(end) >= size)
		return session_doc_error(session->name, at, session->err,
					 "\"%.60s\" is neither a node nor a port", end);
	memcpy(name, end, name_size);
	name[name_size] = '\0';
	*ret_node = NULL;
	if (!graph_model_node(session->model, name)) {
		if (graph_name_check(name, session->err) < 0)
			return relocate(session, at, "");
		snprintf(buf, size, "%s", end);
		return 0;
	}
	if (graph_model_find_port(session->model, end, output, ret_node, ret_port, session->err) <
	    0)
		return relocate(session, at, "");
	graph_node_port_address(*ret_node, output, *ret_port, buf, size);
	return 0;
}

static int read_link(const struct session *session, const struct session_node *at, const char *from,
		     const char *to, double gain_db)
{
	char from_text[GRAPH_ADDRESS_MAX], to_text[GRAPH_ADDRESS_MAX];
	struct graph_link link = {.gain_db = gain_db}, *copy;
	int r;

	r = read_end(session, at, from, true, &link.from, &link.from_port, from_text,
		     sizeof(from_text));
	if (r == 0)
		r = read_end(session, at, to, false, &link.to, &link.to_port, to_text,
			     sizeof(to_text));
	if (r < 0)
		return r;
	if (link.from && link.to) {
		if (graph_model_find_link(session->model, link.from, link.from_port, link.to,
					  link.to_port))
			return session_doc_error(session->name, at, session->err,
						 "the link %s -> %s is there twice", from_text,
						 to_text);
		if (session->model->n_links >= GRAPH_LINKS_MAX)
			return session_doc_error(session->name, at, session->err,
						 "more than %u links", GRAPH_LINKS_MAX);
		copy = malloc(sizeof(*copy));
		if (!copy)
			return error_no_memory(session->err);
		*copy = link;
		graph_model_put_link(session->model, copy);
	}
	return link_append(session, at, from_text, to_text, gain_db);
}

static char *trim(char *text)
{
	char *end;

	while (isspace((unsigned char)*text))
		text++;
	end = text + strlen(text);
	while (end > text && isspace((unsigned char)end[-1]))
		*--end = '\0';
	return text;
}

/* "a -> b -> c:key" */
static int read_chain(const struct session *session, const struct session_node *at)
{
	_cleanup_free_ char *copy = strdup(at->text);
	char *rest = copy, *from = NULL;
	int r = 0;

	if (!copy)
		return error_no_memory(session->err);
	while (r == 0 && rest) {
		char *arrow = strstr(rest, "->"), *end;

		if (arrow)
			*arrow = '\0';
		end = trim(rest);
		rest = arrow ? arrow + 2 : NULL;
		if (from && rest && strchr(end, ':')) {
			r = session_doc_error(session->name, at, session->err,
					      "port \"%.60s\" in the middle of a chain", end);
			error_hint(session->err, "ports stand at the ends: write two lines");
		} else if (from) {
			r = read_link(session, at, from, end, 0.0);
		} else if (!rest) {
			r = session_doc_error(session->name, at, session->err,
					      "\"%.60s\" is no link", at->text);
			error_hint(session->err, "write it as in a -> b");
		}
		from = end;
	}
	return r;
}

static const struct mixd_param_row link_gain_row = {
	.id = "gain",
	.type = MIXD_TYPE_FLOAT,
	.unit = MIXD_UNIT_DB,
	.min = GRAPH_LINK_GAIN_MIN_DB,
	.max = GRAPH_LINK_GAIN_MAX_DB,
	.ramp = MIXD_RAMP_GAIN,
};

static int read_link_map(const struct session *session, const struct session_node *map)
{
	static const char *const words[] = {"from", "to", "gain"};
	const struct session_node *from, *to, *gain;
	double gain_db = 0.0;
	int r = check_keys(session, map, words, 3);

	if (r < 0)
		return r;
	from = session_doc_get(map, "from");
	to = session_doc_get(map, "to");
	gain = session_doc_get(map, "gain");
	if (!from || !to)
		return session_doc_error(session->name, map, session->err, "a link has no \"%s\"",
					 from ? "to" : "from");
	r = want(session, from, SESSION_SCALAR, "from");
	if (r == 0)
		r = want(session, to, SESSION_SCALAR, "to");
	if (r == 0 && gain)
		r = want(session, gain, SESSION_SCALAR, "gain");
	if (r < 0)
		return r;
	if (gain && graph_value_parse_param(&link_gain_row, 0.0, gain->text, 0.0, "gain", &gain_db,
					    session->err) < 0)
		return relocate(session, gain, "gain");
	return read_link(session, map, from->text, to->text, gain_db == 0.0 ? 0.0 : gain_db);
}

static int read_links(const struct session *session, const struct session_node *list)
{
	int r = want(session, list, SESSION_LIST, "links");

	for (const struct session_node *link = r < 0 ? NULL : list->first; r == 0 && link;
	     link = link->next) {
		if (link->kind == SESSION_MAP)
			r = read_link_map(session, link);
		else
			r = want(session, link, SESSION_SCALAR, "a link");
		if (r == 0 && link->kind == SESSION_SCALAR)
			r = read_chain(session, link);
	}
	return r;
}

/* ---- envelopes ---- */

static const struct mixd_param_row at_row = {
	.id = "time", .type = MIXD_TYPE_FLOAT, .unit = MIXD_UNIT_MS, .max = 86400000.0};

/* "3s=-6dB" */
static int read_point(const struct session *session, const struct session_node *at,
		      const struct graph_address *address, struct graph_point *ret)
{
	const struct graph_param *param = &address->node->type->params[address->idx];
	const char *equals;
	char time[64];
	int r = want(session, at, SESSION_SCALAR, "a point");

	if (r < 0)
		return r;
	equals = strchr(at->text, '=');
	if (!equals || (size_t)(equals - at->text) >= sizeof(time)) {
		r = session_doc_error(session->name, at, session->err, "\"%.60s\" is no point",
				      at->text);
		error_hint(session->err, "write it as time=value, as in 3s=-6dB");
		return r;
	}
	memcpy(time, at->text, (size_t)(equals - at->text));
	time[equals - at->text] = '\0';
	if (graph_value_parse_param(&at_row, 0.0, time, 0.0, "time", &ret->at_ms, session->err) <
		    0 ||
	    graph_value_parse_param(param->row, param->def, equals + 1, 0.0, param->id, &ret->value,
				    session->err) < 0)
		return relocate(session, at, "");
	return 0;
}

static int envelope_append(const struct session *session, const struct session_node *at,
			   const struct graph_address *address, const char *curve,
			   const struct graph_point *points, size_t n)
{
	Mixd__V1__Graph *graph = session->graph;
	struct graph_envelope *envelope = NULL;
	Mixd__V1__Envelope *message;
	Mixd__V1__Point **messages = NULL;
	char text[GRAPH_ADDRESS_MAX];
	size_t n_messages = 0;
	int r;

	graph_address_format(address, text, sizeof(text));
	if (graph_model_find_envelope(session->model, address->node, address->idx))
		return session_doc_error(session->name, at, session->err,
					 "there are two envelopes for %s", text);
	if (graph_proto_points(points, n, &messages, &n_messages) < 0)
		return error_no_memory(session->err);
	r = graph_envelope_read(address->node, address->idx, messages, n_messages, curve, text,
				&envelope, session->err);
	for (size_t i = 0; i < n_messages; i++)
		mixd__v1__point__free_unpacked(messages[i], NULL);
	free(messages);
	if (r < 0)
		return relocate(session, at, text);
	graph_model_put_envelope(session->model, envelope);
	message = graph_proto_envelope(envelope);
	if (!message)
		return error_no_memory(session->err);
	graph->envelopes[graph->n_envelopes++] = message;
	return 0;
}

static int read_envelope(const struct session *session, const struct session_node *map)
{
	static const char *const words[] = {"param", "curve", "points"};
	_cleanup_free_ struct graph_point *points = NULL;
	const struct session_node *param, *curve, *list;
	struct graph_address address;
	size_t n = 0;
	int r = want(session, map, SESSION_MAP, "an envelope");

	if (r == 0)
		r = check_keys(session, map, words, 3);
	if (r < 0)
		return r;
	param = session_doc_get(map, "param");
	curve = session_doc_get(map, "curve");
	list = session_doc_get(map, "points");
	if (!param || !list)
		return session_doc_error(session->name, map, session->err,
					 "an envelope has no \"%s\"", param ? "points" : "param");
	r = want(session, param, SESSION_SCALAR, "param");
	if (r == 0 && curve)
		r = want(session, curve, SESSION_SCALAR, "curve");
	if (r == 0)
		r = want(session, list, SESSION_LIST, "points");
	if (r < 0)
		return r;
	if (graph_model_find_address(session->model, param->text, &address, session->err) < 0)
		return relocate(session, param, "");
	if (address.kind != GRAPH_ADDRESS_PARAM)
		return session_doc_error(session->name, param, session->err,
					 "%.100s is not a param: it has no envelope", param->text);
	points = calloc(list->n + 1u, sizeof(*points));
	if (!points)
		return error_no_memory(session->err);
	for (const struct session_node *point = list->first; r == 0 && point; point = point->next)
		r = read_point(session, point, &address, &points[n++]);
	return r < 0 ? r
		     : envelope_append(session, map, &address, curve ? curve->text : "", points, n);
}

static int read_envelopes(const struct session *session, const struct session_node *list)
{
	int r = want(session, list, SESSION_LIST, "envelopes");

	if (r < 0)
		return r;
	if (list->n > GRAPH_ENVELOPES_MAX)
		return session_doc_error(session->name, list, session->err,
					 "more than %u envelopes", GRAPH_ENVELOPES_MAX);
	session->graph->envelopes = calloc(list->n + 1u, sizeof(session->graph->envelopes[0]));
	if (!session->graph->envelopes)
		return error_no_memory(session->err);
	for (const struct session_node *map = list->first; r == 0 && map; map = map->next)
		r = read_envelope(session, map);
	return r;
}

/* ---- the whole ---- */

static int read_head(const struct session *session, const struct session_node *root)
{
	const struct session_node *version, *name;
	int r;

	version = session_doc_get(root, "mixd");
	if (!version || version->kind != SESSION_SCALAR || strcmp(version->text, "1") != 0) {
		r = session_doc_error(session->name, version ? version : root, session->err,
				      version ? "a session of a version this daemon does not know"
					      : "this is no session file: the key \"mixd\" is "
						"missing");
		error_hint(session->err, "begin it with the line `mixd: 1`");
		return r;
	}
	name = session_doc_get(root, "name");
	if (!name)
		return 0;
	r = want(session, name, SESSION_SCALAR, "the name");
	if (r < 0)
		return r;
	if (name->text[0] && graph_name_check(name->text, session->err) < 0)
		return relocate(session, name, "name");
	return graph_proto_text(&session->graph->name, name->text) ? 0
								   : error_no_memory(session->err);
}

static int read_root(const struct session *session, const struct session_node *root)
{
	static const char *const words[] = {"mixd", "name", "nodes", "links", "envelopes"};
	const struct session_node *part;
	int r = want(session, root, SESSION_MAP, "the session");

	if (r == 0)
		r = check_keys(session, root, words, 5);
	if (r == 0)
		r = read_head(session, root);
	/* in this order, wherever they stand: links name nodes */
	part = session_doc_get(root, "nodes");
	if (r == 0 && part)
		r = read_nodes(session, part);
	part = session_doc_get(root, "links");
	if (r == 0 && part)
		r = read_links(session, part);
	part = session_doc_get(root, "envelopes");
	if (r == 0 && part)
		r = read_envelopes(session, part);
	return r;
}

int graph_session_parse(const struct graph_types *types, const char *name, const char *text,
			size_t size, const char *format, Mixd__V1__Graph **ret,
			struct mixd_error *err)
{
	_cleanup_(session_doc_freep) struct session_node *root = NULL;
	_cleanup_(graph_model_freep) struct graph_model *model = NULL;
	_cleanup_(free_graphp) Mixd__V1__Graph *graph = NULL;
	struct session session = {.name = name ? name : "session", .err = err};
	int r;

	r = session_doc_parse(session.name, text, size, format, &root, err);
	if (r < 0)
		return r;
	model = graph_model_new(types, "");
	graph = malloc(sizeof(*graph));
	if (!model || !graph) {
		free(TAKE_PTR(graph));
		return error_no_memory(err);
	}
	mixd__v1__graph__init(graph);
	session.model = model;
	session.graph = graph;
	r = read_root(&session, root);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(graph);
	return 0;
}
