/* test_presets.c - every nodes/<type>/presets.yaml against the table of its type.
 *
 * USE         MIXD_PRESETS=nodes test_presets */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "graph_presets.h"
#include "graph_types.h"

#include "node_host.h"
#include "test.h"

static char *presets_text(const char *type, size_t *ret_size)
{
	char path[1024], *text = malloc(1u << 20);
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s/presets.yaml", getenv("MIXD_PRESETS"), type);
	file = fopen(path, "re");
	if (!file) {
		free(text);
		return NULL;
	}
	*ret_size = fread(text, 1, 1u << 20, file);
	fclose(file);
	return text;
}

static void check_presets(const struct graph_type *type, const struct graph_presets *presets)
{
	CHECK(presets->n_presets >= 1 && presets->n_presets <= 20, "%s has %u presets",
	      type->node_type->id, presets->n_presets);
	for (uint32_t i = 0; i < presets->n_presets; i++) {
		const struct graph_preset *preset = &presets->presets[i];

		CHECK(preset->doc[0], "%s/%s has no doc", type->node_type->id, preset->name);
		CHECK(!strchr(preset->doc, '\n') && preset->doc[strlen(preset->doc) - 1] != '.',
		      "%s/%s: \"%s\" is more than one line, or ends with a full stop",
		      type->node_type->id, preset->name, preset->doc);
		CHECK(preset->n_settings > 0, "%s/%s sets nothing", type->node_type->id,
		      preset->name);
	}
}

TEST(presets_fit_their_types)
{
	uint32_t n = 0, n_bad = 0;

	CHECK(getenv("MIXD_PRESETS"), "MIXD_PRESETS is not set");
	for (const struct mixd_node_type *const *t = node_host_types(); *t; t++) {
		struct graph_types *types = graph_types_new();
		struct graph_presets *presets = NULL, *again = NULL;
		struct mixd_error err = {0};
		char file[128], *text, *written;
		size_t size = 0;

		CHECK(graph_types_add(types, *t, NULL, &err) == 0, "%s", err.text);
		text = presets_text((*t)->id, &size);
		snprintf(file, sizeof(file), "nodes/%s/presets.yaml", (*t)->id);
		if (text) {
			if (graph_presets_parse(graph_types_at(types, 0), file, text, size,
						&presets, &err) < 0) {
				test_note("%s: %s (%s)", err.address, err.text, err.hint);
				n_bad++;
				free(text);
				graph_types_free(types);
				continue;
			}
			check_presets(graph_types_at(types, 0), presets);
			written = graph_presets_write(presets);
			CHECK(graph_presets_parse(graph_types_at(types, 0), "written", written,
						  strlen(written), &again, &err) == 0,
			      "%s: %s", err.address, err.text);
			CHECK(again->n_presets == presets->n_presets);
			n += presets->n_presets;
			free(written);
		}
		free(text);
		graph_presets_free(presets);
		graph_presets_free(again);
		graph_types_free(types);
	}
	test_note("%u presets", n);
	CHECK(n_bad == 0, "%u files do not fit", n_bad);
	CHECK(n > 0);
}

TEST(presets_faults_have_a_place_and_a_remedy)
{
	static const struct {
		const char *text, *address, *fault;
	} rows[] = {
		{"a: {doc: x, set: {gian: 3dB}}\n", "f.yaml:1:19", "has no"},
		{"a:\n  set: {gain: 3Hz}\n", "f.yaml:2:15", "wrong unit"},
		{"a:\n  set: {gain: 99dB}\n", "f.yaml:2:15", "outside"},
		{"a:\n  set: {mute: on}\n", "f.yaml:2:9", "not for a preset"},
		{"a:\n  set: {gain: [1]}\n", "f.yaml:2:15", "is a list"},
		{"a:\n  doc: x\n", "f.yaml:1:1", "sets nothing"},
		{"a:\n  sett: {}\n", "f.yaml:2:3", "unknown key"},
		{"A b: {set: {}}\n", "f.yaml:1:1", "no name"},
		{"a: {set: {}}\na: {set: {}}\n", "f.yaml:2:1", ""},
		{"a: 3\n", "f.yaml:1:4", "is a value"},
		{"- a\n", "f.yaml:1:1", "is a list"},
	};
	struct graph_types *types = graph_types_new();
	const char *why;

	CHECK(graph_types_add(types, node_host_type("gain", &why), NULL, NULL) == 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct graph_presets *presets = NULL;
		struct mixd_error err = {0};

		CHECK(graph_presets_parse(graph_types_at(types, 0), "f.yaml", rows[i].text,
					  strlen(rows[i].text), &presets, &err) < 0,
		      "%s", rows[i].text);
		CHECK_STR(err.address, rows[i].address);
		CHECK(strstr(err.text, rows[i].fault) && err.hint[0], "%s: %s (%s)", rows[i].text,
		      err.text, err.hint);
	}
	graph_types_free(types);
}
