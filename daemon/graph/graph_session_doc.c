/* graph_session_doc.c - see graph_session_doc.h. */
#include "graph_session_doc.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "cleanup.h"

struct doc {
	const char *name;
	struct mixd_error *err;
	yaml_parser_t parser;
	struct session_node *root, *all;
	struct session_node *open[SESSION_DEPTH_MAX]; /* lists and maps that have begun */
	struct session_node *key[SESSION_DEPTH_MAX]; /* of each: the key that waits for a value */
	uint32_t depth;
	uint32_t n_nodes;
};

static void doc_free_all(struct session_node *node)
{
	while (node) {
		struct session_node *next = node->all;

		free(node->text);
		free(node);
		node = next;
	}
}

/* The root is the last in the list of all: the list hangs on it. */
struct session_node *session_doc_free(struct session_node *root)
{
	doc_free_all(root);
	return NULL;
}

struct session_node *session_doc_get(const struct session_node *map, const char *key)
{
	if (!map || map->kind != SESSION_MAP)
		return NULL;
	for (struct session_node *value = map->first; value; value = value->next) {
		if (strcmp(value->key->text, key) == 0)
			return value;
	}
	return NULL;
}

__attribute__((format(printf, 5, 0))) static int error_at(const char *name, uint32_t line,
							  uint32_t column, struct mixd_error *err,
							  const char *fmt, va_list args)
{
	char address[sizeof(err->address)], text[sizeof(err->text)];

	snprintf(address, sizeof(address), "%.120s:%u:%u", name, line, column);
	vsnprintf(text, sizeof(text), fmt, args);
	return error_set(err, ERROR_INVALID, address, "%s", text);
}

int session_doc_error(const char *name, const struct session_node *node, struct mixd_error *err,
		      const char *fmt, ...)
{
	va_list args;
	int r;

	va_start(args, fmt);
	r = error_at(name, node->line, node->column, err, fmt, args);
	va_end(args);
	return r;
}

/* HINT is the remedy. */
__attribute__((format(printf, 4, 5))) static int
doc_error(const struct doc *doc, const yaml_mark_t *mark, const char *hint, const char *fmt, ...)
{
	va_list args;
	int r;

	va_start(args, fmt);
	r = error_at(doc->name, (uint32_t)mark->line + 1, (uint32_t)mark->column + 1, doc->err, fmt,
		     args);
	va_end(args);
	error_hint(doc->err, "%s", hint);
	return r;
}

static struct session_node *doc_node(struct doc *doc, enum session_kind kind,
				     const yaml_mark_t *mark)
{
	struct session_node *node = calloc(1, sizeof(*node));

	if (!node)
		return NULL;
	node->kind = kind;
	node->line = (uint32_t)mark->line + 1;
	node->column = (uint32_t)mark->column + 1;
	node->begin = node->end = (uint32_t)mark->index;
	/* the root stays in front, the others follow it */
	if (doc->all) {
		node->all = doc->all->all;
		doc->all->all = node;
	} else {
		doc->all = node;
	}
	doc->n_nodes++;
	return node;
}

/* NODE is complete in its head: it becomes a key, a value, an entry or the root. */
static int doc_place(struct doc *doc, struct session_node *node, const yaml_mark_t *mark)
{
	struct session_node *parent;

	if (doc->depth == 0) {
		doc->root = node;
		return 0;
	}
	parent = doc->open[doc->depth - 1];
	if (parent->kind == SESSION_MAP && !doc->key[doc->depth - 1]) {
		if (node->kind != SESSION_SCALAR)
			return doc_error(doc, mark, "write key: value",
					 "a key must be a plain word");
		if (parent->n >= SESSION_KEYS_MAX)
			return doc_error(doc, mark, "split the session", "more than %u keys",
					 SESSION_KEYS_MAX);
		if (session_doc_get(parent, node->text))
			return doc_error(doc, mark, "keep one of the two",
					 "the key \"%.60s\" is there twice", node->text);
		doc->key[doc->depth - 1] = node;
		return 0;
	}
	node->key = doc->key[doc->depth - 1];
	doc->key[doc->depth - 1] = NULL;
	if (parent->last)
		parent->last->next = node;
	else
		parent->first = node;
	parent->last = node;
	parent->n++;
	return 0;
}

static int doc_begin(struct doc *doc, enum session_kind kind, const yaml_event_t *event)
{
	struct session_node *node;
	int r;

	if (doc->depth >= SESSION_DEPTH_MAX)
		return doc_error(doc, &event->start_mark,
				 "a session is nodes, links and envelopes: no deeper",
				 "nested more than %u deep", SESSION_DEPTH_MAX);
	node = doc_node(doc, kind, &event->start_mark);
	if (!node)
		return error_no_memory(doc->err);
	r = doc_place(doc, node, &event->start_mark);
	if (r < 0)
		return r;
	node->flow = kind == SESSION_LIST
			     ? event->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE
			     : event->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE;
	doc->open[doc->depth] = node;
	doc->key[doc->depth++] = NULL;
	return 0;
}

static int doc_scalar(struct doc *doc, const yaml_event_t *event)
{
	struct session_node *node = doc_node(doc, SESSION_SCALAR, &event->start_mark);

	if (!node)
		return error_no_memory(doc->err);
	if (memchr(event->data.scalar.value, '\0', event->data.scalar.length))
		return doc_error(doc, &event->start_mark, "remove it", "a text with a zero byte");
	node->text = strdup((const char *)event->data.scalar.value);
	if (!node->text)
		return error_no_memory(doc->err);
	node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	node->end = (uint32_t)event->end_mark.index;
	return doc_place(doc, node, &event->start_mark);
}

static bool event_is_fancy(const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_ALIAS_EVENT:
		return true;
	case YAML_SCALAR_EVENT:
		return event->data.scalar.anchor || event->data.scalar.tag;
	case YAML_SEQUENCE_START_EVENT:
		return event->data.sequence_start.anchor || event->data.sequence_start.tag;
	case YAML_MAPPING_START_EVENT:
		return event->data.mapping_start.anchor || event->data.mapping_start.tag;
	default:
		return false;
	}
}

static int doc_event(struct doc *doc, const yaml_event_t *event)
{
	if (event_is_fancy(event))
		return doc_error(doc, &event->start_mark,
				 "write values out, and texts with & * ! in quotes",
				 "anchors, aliases and tags are not for session files");
	if (doc->n_nodes >= SESSION_NODES_MAX)
		return doc_error(doc, &event->start_mark, "split the session",
				 "more than %u values", SESSION_NODES_MAX);
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		return doc_scalar(doc, event);
	case YAML_SEQUENCE_START_EVENT:
		return doc_begin(doc, SESSION_LIST, event);
	case YAML_MAPPING_START_EVENT:
		return doc_begin(doc, SESSION_MAP, event);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		doc->open[--doc->depth]->end = (uint32_t)event->end_mark.index;
		return 0;
	case YAML_DOCUMENT_START_EVENT:
		return doc->root ? doc_error(doc, &event->start_mark,
					     "one file is one session: remove the line ---",
					     "a second document")
				 : 0;
	default:
		return 0;
	}
}

static int doc_run(struct doc *doc)
{
	bool end = false;

	while (!end) {
		yaml_event_t event;
		int r;

		if (!yaml_parser_parse(&doc->parser, &event))
			return doc_error(
				doc, &doc->parser.problem_mark,
				"look at indentation, brackets and quotes there and just above",
				"%.100s%s%.100s",
				doc->parser.problem ? doc->parser.problem : "not readable",
				doc->parser.context ? " " : "",
				doc->parser.context ? doc->parser.context : "");
		r = doc_event(doc, &event);
		end = event.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&event);
		if (r < 0)
			return r;
	}
	return 0;
}

/* JSON allows tabs where YAML does not: between tokens they become spaces. */
static void tabs_to_spaces(char *text, size_t size)
{
	bool in_string = false;

	for (size_t i = 0; i < size; i++) {
		if (in_string && text[i] == '\\')
			i++;
		else if (text[i] == '"')
			in_string = !in_string;
		else if (!in_string && text[i] == '\t')
			text[i] = ' ';
	}
}

static bool looks_like_json(const char *text, size_t size)
{
	size_t i = 0;

	while (i < size && isspace((unsigned char)text[i]))
		i++;
	return i < size && text[i] == '{';
}

static int check_outside(const char *name, size_t size, const char *format, struct mixd_error *err)
{
	int r;

	if (size > SESSION_SIZE_MAX) {
		r = error_set(err, ERROR_INVALID, name, "the session is %zu bytes long", size);
		error_hint(err, "want at most %u", SESSION_SIZE_MAX);
		return r;
	}
	if (format && strcmp(format, "yaml") != 0 && strcmp(format, "json") != 0) {
		r = error_set(err, ERROR_INVALID, name, "there is no format \"%.40s\"", format);
		error_hint(err, "want yaml or json");
		return r;
	}
	return 0;
}

int session_doc_parse(const char *name, const char *text, size_t size, const char *format,
		      struct session_node **ret, struct mixd_error *err)
{
	struct doc doc = {.name = name, .err = err};
	_cleanup_free_ char *copy = NULL;
	int r = check_outside(name, size, format, err);

	if (r < 0)
		return r;
	copy = malloc(size + 1);
	if (!copy || !yaml_parser_initialize(&doc.parser))
		return error_no_memory(err);
	memcpy(copy, text, size);
	copy[size] = '\0';
	if (format ? strcmp(format, "json") == 0 : looks_like_json(text, size))
		tabs_to_spaces(copy, size);
	yaml_parser_set_input_string(&doc.parser, (const unsigned char *)copy, size);
	yaml_parser_set_encoding(&doc.parser, YAML_UTF8_ENCODING);
	r = doc_run(&doc);
	yaml_parser_delete(&doc.parser);
	if (r == 0 && !doc.root) {
		r = error_set(err, ERROR_INVALID, name, "the session is empty");
		error_hint(err, "begin it with the line `mixd: 1`");
	}
	if (r < 0) {
		doc_free_all(doc.all);
		return r;
	}
	*ret = doc.root;
	return 0;
}
