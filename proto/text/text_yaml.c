/* text_yaml.c - YAML to messages, by way of a JSON tree whose scalars are all strings: only the
 * field knows what a bare `5` or `true` is meant to be. Aliases and tags are refused: nothing here
 * writes them, and an alias is how a small file becomes a large one. */
#include "text_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

struct text_yaml {
	yaml_parser_t parser;
	unsigned depth;
	struct mixd_text_error *reterr;
};

static int text_yaml_error(struct text_yaml *yaml, const yaml_mark_t *mark, const char *text)
{
	char place[64];

	snprintf(place, sizeof(place), "line %zu, column %zu", mark->line + 1, mark->column + 1);
	return text_error(yaml->reterr, place, "%s", text);
}

static int text_yaml_next(struct text_yaml *yaml, yaml_event_t *ret_event)
{
	if (yaml_parser_parse(&yaml->parser, ret_event))
		return 0;
	return text_yaml_error(yaml, &yaml->parser.problem_mark,
			       yaml->parser.problem ? yaml->parser.problem : "is not YAML");
}

static int text_yaml_node(struct text_yaml *yaml, const yaml_event_t *event, json_t **ret);

static int text_yaml_sequence(struct text_yaml *yaml, json_t **ret)
{
	json_t *list = json_array();
	int r;

	for (;;) {
		yaml_event_t event;
		json_t *item = NULL;

		r = text_yaml_next(yaml, &event);
		if (r < 0)
			break;
		if (event.type == YAML_SEQUENCE_END_EVENT) {
			yaml_event_delete(&event);
			*ret = list;
			return 0;
		}
		r = text_yaml_node(yaml, &event, &item);
		yaml_event_delete(&event);
		if (r == 0 && json_array_append_new(list, item) < 0)
			r = -ENOMEM;
		if (r < 0)
			break;
	}
	json_decref(list);
	return r;
}

static int text_yaml_pair(struct text_yaml *yaml, const yaml_event_t *key, json_t *map)
{
	const char *name = (const char *)key->data.scalar.value;
	yaml_event_t event;
	json_t *value = NULL;
	int r;

	if (key->type != YAML_SCALAR_EVENT || strlen(name) != key->data.scalar.length)
		return text_yaml_error(yaml, &key->start_mark, "a key must be a plain word");
	if (json_object_get(map, name))
		return text_yaml_error(yaml, &key->start_mark, "this key was given before");
	r = text_yaml_next(yaml, &event);
	if (r < 0)
		return r;
	r = text_yaml_node(yaml, &event, &value);
	yaml_event_delete(&event);
	if (r == 0 && json_object_set_new(map, name, value) < 0)
		r = text_yaml_error(yaml, &key->start_mark, "the key is not UTF-8");
	return r;
}

static int text_yaml_mapping(struct text_yaml *yaml, json_t **ret)
{
	json_t *map = json_object();
	int r;

	for (;;) {
		yaml_event_t event;

		r = text_yaml_next(yaml, &event);
		if (r < 0)
			break;
		if (event.type == YAML_MAPPING_END_EVENT) {
			yaml_event_delete(&event);
			*ret = map;
			return 0;
		}
		r = text_yaml_pair(yaml, &event, map);
		yaml_event_delete(&event);
		if (r < 0)
			break;
	}
	json_decref(map);
	return r;
}

static int text_yaml_scalar(struct text_yaml *yaml, const yaml_event_t *event, json_t **ret)
{
	const char *value = (const char *)event->data.scalar.value;
	size_t size = event->data.scalar.length;
	bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;

	if (memchr(value, '\0', size))
		return text_yaml_error(yaml, &event->start_mark, "a NUL is not allowed");
	if (plain && (!size || strcmp(value, "null") == 0 || strcmp(value, "~") == 0))
		*ret = json_null();
	else
		*ret = json_stringn(value, size);
	return *ret ? 0 : text_yaml_error(yaml, &event->start_mark, "the text is not UTF-8");
}

static int text_yaml_node(struct text_yaml *yaml, const yaml_event_t *event, json_t **ret)
{
	int r;

	if (yaml->depth >= MIXD_TEXT_DEPTH_MAX)
		return text_yaml_error(yaml, &event->start_mark, "is nested too deeply");
	yaml->depth++;
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		r = text_yaml_scalar(yaml, event, ret);
		break;
	case YAML_SEQUENCE_START_EVENT:
		r = text_yaml_sequence(yaml, ret);
		break;
	case YAML_MAPPING_START_EVENT:
		r = text_yaml_mapping(yaml, ret);
		break;
	case YAML_ALIAS_EVENT:
		r = text_yaml_error(yaml, &event->start_mark, "aliases are not allowed");
		break;
	default:
		r = text_yaml_error(yaml, &event->start_mark, "a value is missing");
	}
	yaml->depth--;
	return r;
}

/* One document with one node. */
static int text_yaml_document(struct text_yaml *yaml, json_t **ret)
{
	json_t *tree = NULL;
	int r = 0;

	for (bool end = false; !end && r == 0;) {
		yaml_event_t event;

		r = text_yaml_next(yaml, &event);
		if (r < 0)
			break;
		end = event.type == YAML_STREAM_END_EVENT;
		if (end || event.type == YAML_STREAM_START_EVENT ||
		    event.type == YAML_DOCUMENT_END_EVENT)
			r = 0;
		else if (event.type == YAML_DOCUMENT_START_EVENT)
			r = tree ? text_yaml_error(yaml, &event.start_mark, "a second document")
				 : 0;
		else
			r = text_yaml_node(yaml, &event, &tree);
		yaml_event_delete(&event);
	}
	if (r == 0 && !tree)
		r = text_error(yaml->reterr, "", "is empty");
	if (r < 0)
		json_decref(tree);
	else
		*ret = tree;
	return r;
}

int mixd_text_from_yaml(const ProtobufCMessageDescriptor *type, const char *text, size_t size,
			ProtobufCMessage **ret, struct mixd_text_error *reterr)
{
	struct text_yaml yaml = {.reterr = reterr};
	json_t *tree = NULL;
	int r;

	if (size > MIXD_TEXT_SIZE_MAX)
		return text_error(reterr, "", "is %zu bytes; the limit is %u", size,
				  MIXD_TEXT_SIZE_MAX);
	if (!yaml_parser_initialize(&yaml.parser))
		return -ENOMEM;
	yaml_parser_set_encoding(&yaml.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&yaml.parser, (const unsigned char *)text, size);
	r = text_yaml_document(&yaml, &tree);
	yaml_parser_delete(&yaml.parser);
	if (r < 0)
		return r;
	r = text_from_tree(type, tree, true, ret, reterr);
	json_decref(tree);
	return r;
}
