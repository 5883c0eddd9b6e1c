/* graph_session.c - see graph_session.h: the tree of a session file becomes a graph message. Links and
 * envelopes are in graph_session_links.c. */
#include "graph_session_private.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "graph_proto.h"

static void free_graph(Mixd__V1__Graph *graph)
{
	mixd__v1__graph__free_unpacked(graph, NULL);
}
DEFINE_CLEANUP(free_graph, Mixd__V1__Graph *)
DEFINE_CLEANUP(session_doc_free, struct session_node *)
DEFINE_CLEANUP(graph_model_free, struct graph_model *)

/* ---- errors ---- */

int session_fault(const struct session *session, const struct session_node *node, const char *hint,
		  const char *fmt, ...)
{
	char text[256];
	va_list args;
	int r;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	r = session_doc_error(session->name, node, session->err, "%s", text);
	error_hint(session->err, "%s", hint);
	return r;
}

int session_relocate(const struct session *session, const struct session_node *node,
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

int session_check_keys(const struct session *session, const struct session_node *map,
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

int session_want(const struct session *session, const struct session_node *node,
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
	_cleanup_free_ char *clips = NULL;
	char address[GRAPH_ADDRESS_MAX];
	struct graph_address found;
	bool is_clips;
	int r;

	r = graph_node_find_setting(node, id, &found, session->err);
	if (r < 0)
		return session_relocate(session, value->key, "");
	graph_address_format(&found, address, sizeof(address));
	is_clips = found.kind == GRAPH_ADDRESS_CONFIG && node->type->configs[found.idx]->is_clips;
	if (!is_clips || value->kind != SESSION_LIST)
		r = session_want(session, value, SESSION_SCALAR, address);
	if (r < 0)
		return r;
	if (setting_is_there(message, id))
		return session_fault(session, value->key, "keep one of the two",
				     "%s is there twice", address);
	if (value->kind == SESSION_SCALAR && !value->quoted &&
	    (!value->text[0] || strcmp(value->text, "~") == 0 || strcmp(value->text, "null") == 0))
		return session_fault(session, value, "give it one, or remove the line",
				     "%s has no value", address);
	as_text.kind_case = MIXD__V1__VALUE__KIND_TEXT;
	as_text.text = value->text;
	if (is_clips) {
		r = session_read_clips(session, value, address, &clips);
		if (r < 0)
			return r;
		as_text.text = clips;
	}
	if (found.kind == GRAPH_ADDRESS_PARAM) {
		r = graph_node_read_param(node, found.idx, &as_text, false, address,
					  &node->value[found.idx], session->err);
		if (r < 0)
			return session_relocate(session, value, address);
		typed = graph_proto_param_value(node->type->params[found.idx].row,
						node->value[found.idx]);
	} else {
		struct mixd_value config;

		r = graph_node_read_config(node, found.idx, &as_text, false, address, &config,
					   session->err);
		if (r < 0)
			return session_relocate(session, value, address);
		free((char *)node->config[found.idx].text);
		node->config[found.idx] = config;
		typed = graph_proto_config_value(node->type->configs[found.idx], &config);
	}
	return setting_append(message, id, typed) < 0 ? error_no_memory(session->err) : 0;
}

static int read_settings(const struct session *session, struct graph_node *node,
			 Mixd__V1__Node *message, const struct session_node *map,
			 const char *const *skip)
{
	char id[2 * GRAPH_ID_MAX];
	int r = 0;

	for (const struct session_node *value = map->first; r == 0 && value; value = value->next) {
		bool skipped = false;

		for (uint32_t i = 0; skip[i]; i++)
			skipped |= strcmp(value->key->text, skip[i]) == 0;
		if (skipped)
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

/* Room for one more message in graph->nodes, which is as long as the next power of two. */
static bool node_room(Mixd__V1__Graph *graph)
{
	size_t n = graph->n_nodes;
	Mixd__V1__Node **grown;

	if (n & (n - 1))
		return true;
	grown = reallocarray(graph->nodes, n ? n * 2 : 1, sizeof(*grown));
	if (grown)
		graph->nodes = grown;
	return grown != NULL;
}

int session_node_begin(const struct session *session, const struct session_node *at,
		       const char *name, const struct graph_type *type, struct session_new *ret)
{
	Mixd__V1__Graph *graph = session->graph;
	struct session_new new = {0};

	if (graph_name_check(name, session->err) < 0)
		return session_relocate(session, at, "");
	if (graph_model_node(session->model, name))
		return session_fault(session, at, "choose another name",
				     "the node \"%.128s\" is there already", name);
	if (session->model->n_nodes >= GRAPH_NODES_MAX)
		return session_fault(session, at, "split the session over two instances",
				     "more than %u nodes", GRAPH_NODES_MAX);
	new.message = malloc(sizeof(*new.message));
	if (!new.message || !node_room(graph)) {
		free(new.message);
		return error_no_memory(session->err);
	}
	mixd__v1__node__init(new.message);
	graph->nodes[graph->n_nodes++] = new.message;
	if (!graph_proto_text(&new.message->name, name) ||
	    !graph_proto_text(&new.message->type, type->node_type->id))
		return error_no_memory(session->err);
	new.node = graph_node_new(type, name);
	if (!new.node)
		return error_no_memory(session->err);
	*ret = new;
	return 0;
}

int session_node_setting(const struct session *session, const struct session_new *new,
			 const char *id, const struct session_node *value)
{
	return read_setting(session, new->node, new->message, id, value);
}

int session_node_text(const struct session *session, const struct session_new *new, const char *id,
		      const char *text, const struct session_node *at)
{
	struct session_node value = {.kind = SESSION_SCALAR,
				     .quoted = true,
				     .line = at->line,
				     .column = at->column,
				     .text = (char *)(uintptr_t)text};

	value.key = &value;
	return read_setting(session, new->node, new->message, id, &value);
}

int session_node_settings(const struct session *session, const struct session_new *new,
			  const struct session_node *map, const char *const *skip)
{
	return read_settings(session, new->node, new->message, map, skip);
}

int session_node_end(const struct session *session, struct session_new *new, int r)
{
	struct graph_node *node = TAKE_PTR(new->node);

	if (r < 0) {
		graph_node_free(node);
		return r;
	}
	graph_node_count_ports(node);
	node->uid = ++session->model->last_uid;
	graph_model_put_node(session->model, node);
	return 0;
}

int session_read_type(const struct session *session, const struct session_node *type,
		      const struct graph_type **ret)
{
	int r = session_want(session, type, SESSION_SCALAR, "the type");

	if (r < 0)
		return r;
	*ret = graph_types_find(session->model->types, type->text, session->err);
	return *ret ? 0 : session_relocate(session, type, "");
}

static int read_node(const struct session *session, const struct session_node *value)
{
	static const char *const skip[] = {"type", NULL};
	const struct graph_type *type = NULL;
	const struct session_node *type_at;
	struct session_new new;
	int r;

	if (graph_name_check(value->key->text, session->err) < 0)
		return session_relocate(session, value->key, "");
	r = session_want(session, value, SESSION_MAP, "a node");
	if (r < 0)
		return r;
	type_at = session_doc_get(value, "type");
	if (!type_at) {
		r = session_doc_error(session->name, value, session->err,
				      "node \"%.60s\" has no type", value->key->text);
		error_hint(session->err, "write %.60s: {type: gain}, say", value->key->text);
		return r;
	}
	r = session_read_type(session, type_at, &type);
	if (r == 0)
		r = session_node_begin(session, value->key, value->key->text, type, &new);
	if (r < 0)
		return r;
	r = read_settings(session, new.node, new.message, value, skip);
	return session_node_end(session, &new, r);
}

static int read_nodes(const struct session *session, const struct session_node *map)
{
	int r = session_want(session, map, SESSION_MAP, "nodes");

	for (const struct session_node *value = r < 0 ? NULL : map->first; r == 0 && value;
	     value = value->next)
		r = read_node(session, value);
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
	r = session_want(session, name, SESSION_SCALAR, "the name");
	if (r < 0)
		return r;
	if (name->text[0] && graph_name_check(name->text, session->err) < 0)
		return session_relocate(session, name, "name");
	return graph_proto_text(&session->graph->name, name->text) ? 0
								   : error_no_memory(session->err);
}

static int read_root(const struct session *session, const struct session_node *root)
{
	static const char *const words[] = {"mixd",  "name",	"nodes",     "tracks",
					    "buses", "markers", "envelopes", "links"};
	const struct session_node *part;
	int r = session_want(session, root, SESSION_MAP, "the session");

	if (r == 0)
		r = session_check_keys(session, root, words, 8);
	if (r == 0)
		r = read_head(session, root);
	/* in this order, wherever they stand: links name nodes, envelopes markers */
	part = session_doc_get(root, "markers");
	if (r == 0 && part)
		r = session_read_markers(session, part);
	part = session_doc_get(root, "nodes");
	if (r == 0 && part)
		r = read_nodes(session, part);
	if (r == 0)
		r = session_read_tracks(session, session_doc_get(root, "tracks"),
					session_doc_get(root, "buses"));
	part = session_doc_get(root, "links");
	if (r == 0 && part)
		r = session_read_links(session, part);
	part = session_doc_get(root, "envelopes");
	if (r == 0 && part)
		r = session_read_envelopes(session, part);
	return r;
}

static int parse(struct session *session, const struct graph_types *types, const char *text,
		 size_t size, const char *format, Mixd__V1__Graph **ret)
{
	_cleanup_(session_doc_freep) struct session_node *root = NULL;
	_cleanup_(graph_model_freep) struct graph_model *model = NULL;
	_cleanup_(free_graphp) Mixd__V1__Graph *graph = NULL;
	_cleanup_free_ const struct session_node **link_at =
		calloc(GRAPH_LINKS_MAX, sizeof(*link_at));
	int r = session_doc_parse(session->name, text, size, format, &root, session->err);

	if (r < 0)
		return r;
	model = graph_model_new(types, "");
	graph = malloc(sizeof(*graph));
	if (!model || !graph || !link_at) {
		free(TAKE_PTR(graph));
		return error_no_memory(session->err);
	}
	mixd__v1__graph__init(graph);
	session->model = model;
	session->graph = graph;
	session->link_at = link_at;
	r = read_root(session, root);
	if (r == 0 && session->whole)
		r = session_check_cycles(session);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(graph);
	return 0;
}

int graph_session_parse(const struct graph_types *types, const char *name, const char *text,
			size_t size, const char *format, Mixd__V1__Graph **ret,
			struct mixd_error *err)
{
	return graph_session_parse_in(types, NULL, name, text, size, format, ret, err);
}

int graph_session_parse_in(const struct graph_types *types, const char *folder, const char *name,
			   const char *text, size_t size, const char *format, Mixd__V1__Graph **ret,
			   struct mixd_error *err)
{
	struct session session = {.name = name ? name : "session", .err = err, .folder = folder};

	return parse(&session, types, text, size, format, ret);
}

int graph_session_parse_whole(const struct graph_types *types, const char *name, const char *text,
			      size_t size, const char *format, Mixd__V1__Graph **ret,
			      struct mixd_error *err)
{
	return graph_session_parse_whole_in(types, NULL, name, text, size, format, ret, err);
}

int graph_session_parse_whole_in(const struct graph_types *types, const char *folder,
				 const char *name, const char *text, size_t size,
				 const char *format, Mixd__V1__Graph **ret, struct mixd_error *err)
{
	struct session session = {
		.name = name ? name : "session", .err = err, .whole = true, .folder = folder};

	return parse(&session, types, text, size, format, ret);
}
