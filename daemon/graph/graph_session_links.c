/* graph_session_links.c - links ("a -> b -> c:key") and envelopes of a session file. */
#include "graph_session_private.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "graph_clips.h"
#include "graph_proto.h"
#include "graph_value.h"

/* ---- links ---- */

static int link_append(const struct session *session, const struct session_node *at,
		       const char *from, const char *to, const struct graph_link *link)
{
	Mixd__V1__Graph *graph = session->graph;
	Mixd__V1__Link **grown, *message;

	if (graph->n_links >= GRAPH_LINKS_MAX)
		return session_fault(session, at, "remove links that are not needed",
				     "more than %u links", GRAPH_LINKS_MAX);
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
	message->gain_db = link->value[GRAPH_LINK_LEVEL];
	if (!graph_proto_text(&message->from, from) || !graph_proto_text(&message->to, to) ||
	    graph_proto_link_settings(link, false, &message->settings, &message->n_settings) < 0)
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
		return session_fault(session, at, "write node or node:port",
				     "\"%.60s\" is neither a node nor a port", end);
	memcpy(name, end, name_size);
	name[name_size] = '\0';
	*ret_node = NULL;
	if (session->whole &&
	    graph_model_find_node(session->model, name, ret_node, session->err) < 0)
		return session_relocate(session, at, "");
	if (!graph_model_node(session->model, name)) {
		if (graph_name_check(name, session->err) < 0)
			return session_relocate(session, at, "");
		snprintf(buf, size, "%s", end);
		return 0;
	}
	if (graph_model_find_port(session->model, end, output, ret_node, ret_port, session->err) <
	    0)
		return session_relocate(session, at, "");
	graph_node_port_address(*ret_node, output, *ret_port, buf, size);
	return 0;
}

/* VALUES: what the link is set to. */
int session_read_link(const struct session *session, const struct session_node *at,
		      const char *from, const char *to, const struct graph_link *values)
{
	char from_text[GRAPH_ADDRESS_MAX], to_text[GRAPH_ADDRESS_MAX];
	struct graph_link link = *values, *copy;
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
			return session_fault(session, at, "keep one of the two",
					     "the link %s -> %s is there twice", from_text,
					     to_text);
		if (session->model->n_links >= GRAPH_LINKS_MAX)
			return session_fault(session, at, "remove links that are not needed",
					     "more than %u links", GRAPH_LINKS_MAX);
		copy = malloc(sizeof(*copy));
		if (!copy)
			return error_no_memory(session->err);
		*copy = link;
		copy->uid = session->model->n_links;
		session->link_at[copy->uid] = at;
		graph_model_put_link(session->model, copy);
	}
	return link_append(session, at, from_text, to_text, &link);
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
	const struct graph_link plain = {0};
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
			r = session_read_link(session, at, from, end, &plain);
		} else if (!rest) {
			r = session_doc_error(session->name, at, session->err,
					      "\"%.60s\" is no link", at->text);
			error_hint(session->err, "write it as in a -> b");
		}
		from = end;
	}
	return r;
}

/* What stands in MAP beside "from" and "to". */
int session_read_link_values(const struct session *session, const struct session_node *map,
			     struct graph_link *values)
{
	bool seen[GRAPH_LINK_ROWS] = {false};

	for (const struct session_node *value = map->first; value; value = value->next) {
		const char *id = value->key->text;
		int row = graph_link_find_row(id, id, NULL), r;

		if (row < 0)
			continue;
		r = session_want(session, value, SESSION_SCALAR, id);
		if (r < 0)
			return r;
		if (seen[row])
			return session_fault(session, value->key, "keep one of the two",
					     "the %s is there twice", graph_link_rows[row].id);
		seen[row] = true;
		if (graph_value_parse_param(&graph_link_rows[row], 0.0, value->text, 0.0, id,
					    &values->value[row], session->err) < 0)
			return session_relocate(session, value, id);
		if (values->value[row] == 0.0)
			values->value[row] = 0.0; /* no -0 */
	}
	return 0;
}

static int read_link_map(const struct session *session, const struct session_node *map)
{
	static const char *const words[] = {"from", "to", "level", "pan", "mute", "tap", "gain"};
	const struct session_node *from, *to;
	struct graph_link values = {0};
	int r = session_check_keys(session, map, words, 7);

	if (r < 0)
		return r;
	from = session_doc_get(map, "from");
	to = session_doc_get(map, "to");
	if (!from || !to)
		return session_fault(session, map, "write {from: a, to: b, level: -6dB}",
				     "a link has no \"%s\"", from ? "to" : "from");
	r = session_want(session, from, SESSION_SCALAR, "from");
	if (r == 0)
		r = session_want(session, to, SESSION_SCALAR, "to");
	if (r == 0)
		r = session_read_link_values(session, map, &values);
	return r < 0 ? r : session_read_link(session, map, from->text, to->text, &values);
}

int session_read_links(const struct session *session, const struct session_node *list)
{
	int r = session_want(session, list, SESSION_LIST, "links");

	for (const struct session_node *link = r < 0 ? NULL : list->first; r == 0 && link;
	     link = link->next) {
		if (link->kind == SESSION_MAP)
			r = read_link_map(session, link);
		else
			r = session_want(session, link, SESSION_SCALAR, "a link");
		if (r == 0 && link->kind == SESSION_SCALAR)
			r = read_chain(session, link);
	}
	return r;
}

/* ---- envelopes ---- */

static const struct mixd_param_row at_row = {
	.id = "time", .type = MIXD_TYPE_FLOAT, .unit = MIXD_UNIT_MS, .max = 86400000.0};

/* "3s", "1:23.5", or a marker. */
static int read_time(const struct session *session, const char *text, double *ret_ms)
{
	double at_s = 0.0;

	/* what begins with a letter is a marker, or was meant to be one */
	if (!strchr(text, ':') && !isalpha((unsigned char)text[0]) &&
	    !graph_model_find_marker(session->model, text))
		return graph_value_parse_param(&at_row, 0.0, text, 0.0, "time", ret_ms,
					       session->err);
	if (graph_position_parse(session->model, text, 0.0, "time", &at_s, session->err) < 0)
		return -EINVAL;
	*ret_ms = at_s * 1e3;
	return 0;
}

/* "3s=-6dB", or [3s, -6dB] */
static int read_point(const struct session *session, const struct session_node *at,
		      const struct graph_address *address, struct graph_point *ret)
{
	const struct graph_param *param = &address->node->type->params[address->idx];
	const char *value = NULL;
	char time[64] = "";

	if (at->kind == SESSION_SCALAR) {
		value = strchr(at->text, '=');
		if (value)
			snprintf(time, sizeof(time), "%.*s", (int)(value++ - at->text), at->text);
	} else if (at->kind == SESSION_LIST && at->n == 2 && at->first->kind == SESSION_SCALAR &&
		   at->last->kind == SESSION_SCALAR) {
		snprintf(time, sizeof(time), "%s", at->first->text);
		value = at->last->text;
	}
	if (!value)
		return session_fault(session, at, "write it as time=value, as in 3s=-6dB",
				     "\"%.60s\" is no point", at->text ? at->text : "...");
	if (read_time(session, time, &ret->at_ms) < 0 ||
	    graph_value_parse_param(param->row, param->def, value, 0.0, param->id, &ret->value,
				    session->err) < 0)
		return session_relocate(session, at, "");
	return 0;
}

static int envelope_append(const struct session *session, const struct session_node *at,
			   const struct graph_address *address, const char *curve, bool on_timeline,
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
		return session_fault(session, at, "keep one of the two",
				     "there are two envelopes for %s", text);
	if (graph_proto_points(points, n, &messages, &n_messages) < 0)
		return error_no_memory(session->err);
	r = graph_envelope_read(address->node, address->idx, messages, n_messages, curve, text,
				&envelope, session->err);
	for (size_t i = 0; i < n_messages; i++)
		mixd__v1__point__free_unpacked(messages[i], NULL);
	free(messages);
	if (r < 0)
		return session_relocate(session, at, text);
	envelope->on_timeline = on_timeline;
	graph_model_put_envelope(session->model, envelope);
	message = graph_proto_envelope(envelope);
	if (!message)
		return error_no_memory(session->err);
	graph->envelopes[graph->n_envelopes++] = message;
	return 0;
}

/* What the times of an envelope count from. */
static int read_on(const struct session *session, const struct session_node *on, bool *ret_timeline)
{
	int r = on ? session_want(session, on, SESSION_SCALAR, "on") : 0;

	if (r < 0 || !on)
		return r;
	*ret_timeline = strcmp(on->text, "timeline") == 0;
	if (*ret_timeline || strcmp(on->text, "now") == 0)
		return 0;
	return session_fault(session, on, "want timeline, or now: from when it is applied",
			     "an envelope cannot be on \"%.40s\"", on->text);
}

static int read_envelope(const struct session *session, const struct session_node *map)
{
	static const char *const words[] = {"address", "on", "curve", "points"};
	_cleanup_free_ struct graph_point *points = NULL;
	const struct session_node *place, *curve, *list;
	struct graph_address address;
	bool on_timeline = false;
	size_t n = 0;
	int r = session_want(session, map, SESSION_MAP, "an envelope");

	if (r == 0)
		r = session_check_keys(session, map, words, 4);
	if (r < 0)
		return r;
	place = session_doc_get(map, "address");
	curve = session_doc_get(map, "curve");
	list = session_doc_get(map, "points");
	if (!place || !list)
		return session_fault(
			session, map,
			"write {address: vox.gain, curve: log, points: [0s=-60dB, 3s=0dB]}",
			"an envelope has no \"%s\"", place ? "points" : "address");
	r = session_want(session, place, SESSION_SCALAR, "address");
	if (r == 0 && curve)
		r = session_want(session, curve, SESSION_SCALAR, "curve");
	if (r == 0)
		r = session_want(session, list, SESSION_LIST, "points");
	if (r == 0)
		r = read_on(session, session_doc_get(map, "on"), &on_timeline);
	if (r < 0)
		return r;
	if (graph_model_find_address(session->model, place->text, &address, session->err) < 0)
		return session_relocate(session, place, "");
	if (address.kind != GRAPH_ADDRESS_PARAM)
		return session_fault(session, place, "only params can be automated",
				     "%.100s is not a param: it has no envelope", place->text);
	points = calloc(list->n + 1u, sizeof(*points));
	if (!points)
		return error_no_memory(session->err);
	for (const struct session_node *point = list->first; r == 0 && point; point = point->next)
		r = read_point(session, point, &address, &points[n++]);
	return r < 0 ? r
		     : envelope_append(session, map, &address, curve ? curve->text : "",
				       on_timeline, points, n);
}

int session_read_envelopes(const struct session *session, const struct session_node *list)
{
	int r = session_want(session, list, SESSION_LIST, "envelopes");

	if (r < 0)
		return r;
	if (list->n > GRAPH_ENVELOPES_MAX)
		return session_fault(session, list, "remove envelopes that are not needed",
				     "more than %u envelopes", GRAPH_ENVELOPES_MAX);
	session->graph->envelopes = calloc(list->n + 1u, sizeof(session->graph->envelopes[0]));
	if (!session->graph->envelopes)
		return error_no_memory(session->err);
	for (const struct session_node *map = list->first; r == 0 && map; map = map->next)
		r = read_envelope(session, map);
	return r;
}
