/* instance_presets.c - where presets are: files that are shipped, the administrator's, our own. See
 * adr/0009.
 *
 * One file per type and place, read when it is asked for: presets are few and seldom asked for, and a
 * file that was edited counts at once. The first place that has a name wins: own, config, shipped. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "instance_internal.h"

#ifndef INSTANCE_PRESET_DIR
#error "meson.build defines INSTANCE_PRESET_DIR: where presets are installed"
#endif

#define PRESETS_SIZE_MAX (1u << 20)
#define PRESETS_PLACES 4u

DEFINE_CLEANUP(graph_presets_free, struct graph_presets *)
DEFINE_CLEANUP(instance_presets_free, struct instance_presets *)

struct instance_presets *instance_presets_free(struct instance_presets *presets)
{
	if (!presets)
		return NULL;
	for (uint32_t i = 0; i < PRESETS_PLACES; i++)
		graph_presets_free(presets->lists[i]);
	free(presets->rows);
	free(presets);
	return NULL;
}

int instance_set_presets(struct instance *instance, const char *own, const char *config)
{
	instance->presets_own = own ? strdup(own) : NULL;
	instance->presets_config = config ? strdup(config) : NULL;
	return (own && !instance->presets_own) || (config && !instance->presets_config) ? -ENOMEM
											: 0;
}

/* "comp" -> "comp.yaml"; what is no letter of a plain name is written as %XX ("lv2:http://..."). */
static void presets_file(const struct graph_type *type, char *buf, size_t size)
{
	size_t used = 0;

	for (const char *p = type->node_type->id; *p && used + 8 < size; p++) {
		bool plain = (*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || *p == '_' ||
			     *p == '-';

		used += (size_t)snprintf(buf + used, size - used, plain ? "%c" : "%%%02X",
					 (unsigned char)*p);
	}
	snprintf(buf + used, size - used, ".yaml");
}

/* Path of the file of TYPE in PLACE; NULL: there is no such place, or no memory. */
static char *presets_path(const struct instance *instance, const struct graph_type *type,
			  uint32_t place)
{
	char file[512], *path = NULL;
	const char *folder = place == 0	  ? instance->presets_own
			     : place == 1 ? instance->presets_config
					  : INSTANCE_PRESET_DIR;
	size_t size = strlen(type->module);
	int r;

	presets_file(type, file, sizeof(file));
	if (place == 2) { /* beside the module: build trees, modules from elsewhere */
		if (size < 3 || strcmp(type->module + size - 3, ".so") != 0)
			return NULL;
		r = asprintf(&path, "%.*s.presets.yaml", (int)size - 3, type->module);
	} else {
		r = folder ? asprintf(&path, "%s/%s", folder, file) : -1;
	}
	return r < 0 ? NULL : path;
}

static const char *presets_from(uint32_t place)
{
	return place == 0 ? "own" : place == 1 ? "config" : "mixd";
}

/* 0 with *ret NULL: there is no such file. */
static int presets_read(const char *path, const struct graph_type *type, struct graph_presets **ret,
			struct mixd_error *err)
{
	_cleanup_free_ char *text = NULL;
	const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	FILE *file = fopen(path, "re");
	size_t size;

	*ret = NULL;
	if (!file)
		return errno == ENOENT || errno == ENOTDIR
			       ? 0
			       : error_set(err, ERROR_RESOURCE, path, "cannot read: %s",
					   strerror(errno));
	text = malloc(PRESETS_SIZE_MAX + 1);
	size = text ? fread(text, 1, PRESETS_SIZE_MAX + 1, file) : 0;
	fclose(file);
	if (!text)
		return error_set(err, ERROR_RESOURCE, NULL, "out of memory");
	if (size > PRESETS_SIZE_MAX)
		return error_set(err, ERROR_INVALID, path, "is larger than %u bytes",
				 PRESETS_SIZE_MAX);
	return graph_presets_parse(type, name, text, size, ret, err);
}

static bool presets_has(const struct instance_presets *presets, const char *name)
{
	for (uint32_t i = 0; i < presets->n_rows; i++)
		if (strcmp(presets->rows[i].preset->name, name) == 0)
			return true;
	return false;
}

static int presets_add(struct instance_presets *presets, const struct graph_presets *list,
		       uint32_t place)
{
	for (uint32_t i = 0; list && i < list->n_presets; i++) {
		struct instance_preset *grown;

		if (presets_has(presets, list->presets[i].name))
			continue;
		grown = reallocarray(presets->rows, presets->n_rows + 1u, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		presets->rows = grown;
		grown[presets->n_rows++] =
			(struct instance_preset){presets_from(place), &list->presets[i]};
	}
	return 0;
}

int instance_presets(const struct instance *instance, const struct graph_type *type,
		     struct instance_presets **ret, struct mixd_error *err)
{
	_cleanup_(instance_presets_freep) struct instance_presets *presets =
		calloc(1, sizeof(*presets));

	if (!presets)
		return error_set(err, ERROR_RESOURCE, NULL, "out of memory");
	for (uint32_t place = 0; place < PRESETS_PLACES; place++) {
		_cleanup_free_ char *path = presets_path(instance, type, place);
		struct mixd_error fault = {0};

		if (path && presets_read(path, type, &presets->lists[place], &fault) < 0)
			presets->faults[presets->n_faults++] = fault;
		if (presets_add(presets, presets->lists[place], place) < 0)
			return error_set(err, ERROR_RESOURCE, NULL, "out of memory");
	}
	*ret = TAKE_PTR(presets);
	return 0;
}

/* ---- one of them, for a transaction ---- */

static int presets_no_such(const struct instance_presets *presets, const struct graph_type *type,
			   const char *name, struct mixd_error *err)
{
	_cleanup_free_ const char **words = calloc(presets->n_rows + 1u, sizeof(*words));
	const char *id = type->node_type->id, *nearest;

	for (uint32_t i = 0; words && i < presets->n_rows; i++)
		words[i] = presets->rows[i].preset->name;
	error_set(err, ERROR_NOT_FOUND, name, "there is no preset \"%.64s\" of type %.64s", name,
		  id);
	nearest = words ? error_nearest(name, words, presets->n_rows) : NULL;
	if (presets->n_faults)
		error_hint(err, "a file cannot be read: %.60s: %.80s", presets->faults[0].address,
			   presets->faults[0].text);
	else if (nearest)
		error_hint(err, "did you mean \"%s\"?", nearest);
	else
		error_hint(err,
			   presets->n_rows
				   ? "see mixctl preset ls %.64s"
				   : "there are none; save one: mixctl preset save NODE NAME",
			   id);
	return -ENOENT;
}

int instance_find_preset(void *data, const struct graph_type *type, const char *name,
			 const struct graph_preset **ret, struct mixd_error *err)
{
	struct instance *instance = data;
	struct instance_presets *presets = NULL;
	int r = instance_presets(instance, type, &presets, err);

	if (r < 0)
		return r;
	instance_presets_free(instance->presets_found);
	instance->presets_found = presets; /* the answer is borrowed until the next question */
	for (uint32_t i = 0; i < presets->n_rows; i++) {
		if (strcmp(presets->rows[i].preset->name, name) != 0)
			continue;
		*ret = presets->rows[i].preset;
		return 0;
	}
	return presets_no_such(presets, type, name, err);
}

/* ---- our own ---- */

/* The file is whole, or as it was before. */
static int presets_write(const struct instance *instance, const char *path,
			 const struct graph_presets *presets, struct mixd_error *err)
{
	_cleanup_free_ char *text = graph_presets_write(presets), *fresh = NULL;
	FILE *file = NULL;
	bool good = false;

	if (presets->n_presets == 0 && (unlink(path) == 0 || errno == ENOENT))
		return 0; /* an empty file would be no file of presets */
	if (!text || asprintf(&fresh, "%s.new", path) < 0)
		return error_set(err, ERROR_RESOURCE, NULL, "out of memory");
	if (mkdir(instance->presets_own, 0755) == 0 || errno == EEXIST)
		file = fopen(fresh, "we");
	if (file) {
		good = fputs(text, file) >= 0 && fflush(file) == 0 && fsync(fileno(file)) == 0;
		good = fclose(file) == 0 && good && rename(fresh, path) == 0;
	}
	if (good)
		return 0;
	return error_set(err, ERROR_RESOURCE, path, "cannot write: %s", strerror(errno));
}

int instance_save_preset(struct instance *instance, const struct graph_type *type,
			 const struct graph_node *node, const char *name, const char *doc,
			 struct mixd_error *err)
{
	_cleanup_(graph_presets_freep) struct graph_presets *presets = NULL;
	_cleanup_free_ char *path = presets_path(instance, type, 0);
	int r = graph_preset_name_check(name, err);

	if (r < 0)
		return r;
	if (!path) {
		r = error_set(err, ERROR_RESOURCE, "", "this daemon keeps no state (--ephemeral)");
		error_hint(err, "put it into $XDG_CONFIG_HOME/mixd/presets");
		return r;
	}
	r = presets_read(path, type, &presets, err);
	if (r < 0)
		return r; /* what cannot be read is not written over */
	if (!presets && !(presets = graph_presets_new()))
		return error_set(err, ERROR_RESOURCE, NULL, "out of memory");
	if (node && graph_presets_put(presets, node, name, doc) < 0)
		return error_set(err, ERROR_RESOURCE, NULL, "out of memory");
	if (!node && !graph_presets_remove(presets, name)) {
		r = error_set(err, ERROR_NOT_FOUND, name, "no preset \"%.64s\" was saved here",
			      name);
		error_hint(err, "what is shipped cannot be removed; see mixctl preset ls");
		return r;
	}
	return presets_write(instance, path, presets, err);
}
