/* graph_presets.c - see graph_presets.h. */
#include "graph_presets.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "graph_session_private.h"
#include "graph_value.h"

#define TEXT_BUF (GRAPH_TEXT_MAX + 1)

DEFINE_CLEANUP(graph_presets_free, struct graph_presets *)
DEFINE_CLEANUP(graph_node_free, struct graph_node *)
DEFINE_CLEANUP(session_doc_free, struct session_node *)

static void preset_done(struct graph_preset *preset)
{
	for (uint32_t i = 0; i < preset->n_settings; i++) {
		free(preset->settings[i].id);
		free(preset->settings[i].text);
	}
	free(preset->settings);
	free(preset->name);
	free(preset->doc);
	*preset = (struct graph_preset){0};
}

struct graph_presets *graph_presets_new(void)
{
	return calloc(1, sizeof(struct graph_presets));
}

struct graph_presets *graph_presets_free(struct graph_presets *presets)
{
	if (!presets)
		return NULL;
	for (uint32_t i = 0; i < presets->n_presets; i++)
		preset_done(&presets->presets[i]);
	free(presets->presets);
	free(presets);
	return NULL;
}

int graph_preset_name_check(const char *name, struct mixd_error *err)
{
	int r;

	if (name[0] && strlen(name) < GRAPH_PRESET_NAME_MAX &&
	    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") == strlen(name))
		return 0;
	r = error_set(err, ERROR_INVALID, NULL, "\"%.64s\" is no name for a preset", name);
	error_hint(err, "use a-z 0-9 . _ -, below %u long, as in vocal-plate",
		   GRAPH_PRESET_NAME_MAX);
	return r;
}

static int setting_add(struct graph_preset *preset, const char *id, const char *text)
{
	struct graph_preset_setting *grown =
		reallocarray(preset->settings, preset->n_settings + 1u, sizeof(*preset->settings));

	if (!grown)
		return -ENOMEM;
	preset->settings = grown;
	grown += preset->n_settings;
	grown->id = strdup(id);
	grown->text = strdup(text);
	preset->n_settings++;
	return grown->id && grown->text ? 0 : -ENOMEM;
}

/* ---- reading ---- */

struct reader {
	struct session session;
	struct graph_node *node; /* scratch: what checks the values */
	struct graph_preset *preset;
};

static int read_value(struct reader *reader, const char *id, const struct session_node *value)
{
	const struct session *session = &reader->session;
	struct graph_node *node = reader->node;
	Mixd__V1__Value as_text = MIXD__V1__VALUE__INIT;
	struct mixd_value config = {0};
	struct graph_address found;
	double number;
	int r;

	if (graph_node_find_setting(node, id, &found, session->err) < 0)
		return session_relocate(session, value->key, "");
	if (found.kind == GRAPH_ADDRESS_PARAM && found.idx < GRAPH_PARAM_COMMON)
		return session_fault(session, value->key, "leave it out",
				     "%s is not for a preset to set", id);
	r = session_want(session, value, SESSION_SCALAR, id);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < reader->preset->n_settings; i++)
		if (strcmp(reader->preset->settings[i].id, id) == 0)
			return session_fault(session, value->key, "keep one of the two",
					     "%s is there twice", id);
	as_text.kind_case = MIXD__V1__VALUE__KIND_TEXT;
	as_text.text = value->text;
	if (found.kind == GRAPH_ADDRESS_PARAM)
		r = graph_node_read_param(node, found.idx, &as_text, false, id, &number,
					  session->err);
	else
		r = graph_node_read_config(node, found.idx, &as_text, false, id, &config,
					   session->err);
	free((char *)config.text);
	if (r < 0)
		return session_relocate(session, value, id);
	return setting_add(reader->preset, id, value->text) < 0 ? error_no_memory(session->err) : 0;
}

static int read_set(struct reader *reader, const struct session_node *map)
{
	char id[2 * GRAPH_ID_MAX];
	int r = session_want(&reader->session, map, SESSION_MAP, "set");

	for (const struct session_node *value = map->first; r == 0 && value; value = value->next) {
		if (value->kind != SESSION_MAP) {
			r = read_value(reader, value->key->text, value);
			continue;
		}
		for (const struct session_node *inner = value->first; r == 0 && inner;
		     inner = inner->next) {
			snprintf(id, sizeof(id), "%.60s.%.60s", value->key->text, inner->key->text);
			r = read_value(reader, id, inner);
		}
	}
	return r;
}

static int read_preset(struct reader *reader, const struct graph_presets *presets,
		       const struct session_node *map)
{
	static const char *const words[] = {"doc", "set"};
	const struct session *session = &reader->session;
	const struct session_node *doc, *set;
	int r;

	if (graph_preset_name_check(map->key->text, session->err) < 0)
		return session_relocate(session, map->key, "");
	for (uint32_t i = 0; i + 1 < presets->n_presets; i++)
		if (strcmp(presets->presets[i].name, map->key->text) == 0)
			return session_fault(session, map->key, "give one of the two another name",
					     "preset \"%s\" is there twice", map->key->text);
	r = session_want(session, map, SESSION_MAP, "a preset");
	if (r == 0)
		r = session_check_keys(session, map, words, 2);
	if (r < 0)
		return r;
	doc = session_doc_get(map, "doc");
	set = session_doc_get(map, "set");
	if (!set)
		return session_fault(session, map->key, "write NAME: {doc: what for, set: {...}}",
				     "preset \"%s\" sets nothing", map->key->text);
	if (doc)
		r = session_want(session, doc, SESSION_SCALAR, "doc");
	if (r < 0)
		return r;
	reader->preset->name = strdup(map->key->text);
	reader->preset->doc = strdup(doc ? doc->text : "");
	if (!reader->preset->name || !reader->preset->doc)
		return error_no_memory(session->err);
	return read_set(reader, set);
}

int graph_presets_parse(const struct graph_type *type, const char *file, const char *text,
			size_t size, struct graph_presets **ret, struct mixd_error *err)
{
	_cleanup_(graph_presets_freep) struct graph_presets *presets = graph_presets_new();
	_cleanup_(graph_node_freep) struct graph_node *node = graph_node_new(type, "preset");
	_cleanup_(session_doc_freep) struct session_node *root = NULL;
	struct reader reader = {.session = {.name = file, .err = err}, .node = node};
	int r;

	if (!presets || !node)
		return error_no_memory(err);
	r = session_doc_parse(file, text, size, NULL, &root, err);
	if (r == 0)
		r = session_want(&reader.session, root, SESSION_MAP, "a file of presets");
	if (r < 0)
		return r;
	if (root->n > GRAPH_PRESETS_MAX)
		return session_fault(&reader.session, root, "take some out", "more than %u presets",
				     GRAPH_PRESETS_MAX);
	presets->presets = calloc(root->n + 1u, sizeof(*presets->presets));
	if (!presets->presets)
		return error_no_memory(err);
	for (const struct session_node *map = root->first; r == 0 && map; map = map->next) {
		reader.preset = &presets->presets[presets->n_presets++];
		r = read_preset(&reader, presets, map);
	}
	if (r < 0)
		return r;
	*ret = TAKE_PTR(presets);
	return 0;
}

/* ---- writing ---- */

static void write_quoted(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++)
		fprintf(out, *text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
	fputc('"', out);
}

char *graph_presets_write(const struct graph_presets *presets)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	for (uint32_t i = 0; i < presets->n_presets; i++) {
		const struct graph_preset *preset = &presets->presets[i];

		fprintf(out, "%s:\n  doc: ", preset->name);
		write_quoted(out, preset->doc);
		fputs("\n  set:", out);
		for (uint32_t k = 0; k < preset->n_settings; k++) {
			fprintf(out, "\n    %s: ", preset->settings[k].id);
			write_quoted(out, preset->settings[k].text);
		}
		fputs(preset->n_settings ? "\n" : " {}\n", out);
	}
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

static struct graph_preset *presets_find(struct graph_presets *presets, const char *name)
{
	for (uint32_t i = 0; i < presets->n_presets; i++)
		if (strcmp(presets->presets[i].name, name) == 0)
			return &presets->presets[i];
	return NULL;
}

static int preset_fill(struct graph_preset *preset, const struct graph_node *node)
{
	const struct graph_type *type = node->type;
	char text[TEXT_BUF];
	int r = 0;

	for (uint32_t i = GRAPH_PARAM_COMMON; r == 0 && i < type->n_params; i++) {
		if (node->value[i] == type->params[i].def)
			continue;
		graph_value_format_param(type->params[i].row, node->value[i], text, sizeof(text));
		r = setting_add(preset, type->params[i].id, text);
	}
	for (uint32_t i = GRAPH_CONFIG_COMMON; r == 0 && i < type->n_configs; i++) {
		const struct mixd_config_row *row = type->configs[i];
		const struct mixd_value def = {.number = row->def,
					       .text = row->def_text ? row->def_text : ""};

		if (graph_node_config_equal(node, i, &def))
			continue;
		graph_value_format_config(row, &node->config[i], text, sizeof(text));
		r = setting_add(preset, row->id,
				row->type == MIXD_TYPE_STRING ? node->config[i].text : text);
	}
	return r;
}

int graph_presets_put(struct graph_presets *presets, const struct graph_node *node,
		      const char *name, const char *doc)
{
	struct graph_preset *preset = presets_find(presets, name), *grown;
	struct graph_preset made = {.name = strdup(name), .doc = strdup(doc)};
	int r = made.name && made.doc ? preset_fill(&made, node) : -ENOMEM;

	if (r == 0 && !preset) {
		grown = reallocarray(presets->presets, presets->n_presets + 1u, sizeof(*grown));
		if (grown) {
			presets->presets = grown;
			preset = &grown[presets->n_presets++];
			*preset = (struct graph_preset){0};
		} else {
			r = -ENOMEM;
		}
	}
	if (r < 0) {
		preset_done(&made);
		return r;
	}
	preset_done(preset);
	*preset = made;
	return 0;
}

bool graph_presets_remove(struct graph_presets *presets, const char *name)
{
	struct graph_preset *preset = presets_find(presets, name);
	uint32_t at;

	if (!preset)
		return false;
	at = (uint32_t)(preset - presets->presets);
	preset_done(preset);
	memmove(preset, preset + 1, (presets->n_presets - at - 1) * sizeof(*preset));
	presets->n_presets--;
	return true;
}
