/* graph_presets.h - named settings of a type, as text and as lists.
 *
 * WHAT        A file is one map: NAME: {doc: one line, set: {PARAM: VALUE, band1: {freq: 80Hz}}}. The
 *             keys of `set` are params and configs, values are written as in mixctl. Everything is
 *             checked against the type's table while it is read.
 * NOT HERE    files and folders: daemon/engine/instance_presets.c.
 * THREADS     [main] */
#pragma once

#include "graph_model.h"

#define GRAPH_PRESETS_MAX 1000u /* of one file */
#define GRAPH_PRESET_NAME_MAX 64u

struct graph_preset_setting {
	char *id, *text;
};

struct graph_preset {
	char *name, *doc;
	struct graph_preset_setting *settings;
	uint32_t n_settings;
};

struct graph_presets {
	struct graph_preset *presets; /* in the order of the file */
	uint32_t n_presets;
};

/* FILE is for errors. -EINVAL: err->address is "comp.yaml:3:7". */
int graph_presets_parse(const struct graph_type *type, const char *file, const char *text,
			size_t size, struct graph_presets **ret, struct mixd_error *err);
struct graph_presets *graph_presets_new(void); /* none yet */
struct graph_presets *graph_presets_free(struct graph_presets *presets);
/* Returned: malloc'd YAML, which reads back as the same. NULL: no memory. */
char *graph_presets_write(const struct graph_presets *presets);
/* [a-z0-9._-], as in "vocal-plate". */
int graph_preset_name_check(const char *name, struct mixd_error *err);
/* What differs from the defaults of NODE becomes preset NAME, in place of one of that name. */
int graph_presets_put(struct graph_presets *presets, const struct graph_node *node,
		      const char *name, const char *doc);
/* False: there is none. */
bool graph_presets_remove(struct graph_presets *presets, const char *name);
