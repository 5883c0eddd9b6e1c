/* spec_set.c - all specs there are: those shipped and those of the user's files. */
#include "spec_private.h"

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "specs_yaml.h"

#define FILE_SIZE_MAX (1u << 20)
#define FILES_MAX 256
#define CHUNK_SIZE 32768u

struct spec_chunk {
	struct spec_chunk *next;
	size_t used, size;
	_Alignas(max_align_t) char bytes[];
};

void *spec_keep_bytes(struct spec_set *set, size_t size)
{
	struct spec_chunk *chunk = set->chunk;
	void *bytes;

	size = (size + 15) & ~(size_t)15;
	if (!chunk || chunk->size - chunk->used < size) {
		size_t space = size > CHUNK_SIZE ? size : CHUNK_SIZE;

		chunk = malloc(sizeof(*chunk) + space);
		if (!chunk)
			return NULL;
		chunk->next = set->chunk;
		chunk->used = 0;
		chunk->size = space;
		set->chunk = chunk;
	}
	bytes = chunk->bytes + chunk->used;
	chunk->used += size;
	return bytes;
}

char *spec_keep(struct spec_set *set, const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = spec_keep_bytes(set, size);

	if (copy)
		memcpy(copy, text, size);
	return copy;
}

/* ---- what a master aims at ------------------------------------------------------------------- */

static void aim_loudness(struct spec *spec, const struct spec_clause *clause)
{
	bool is_dialogue = strcmp(clause->id, "dialogue") == 0;

	if (isnan(clause->target))
		return;
	if (clause->when_speech == SPEC_SPEECH_LITTLE) {
		spec->fallback_lufs = clause->target;
		return;
	}
	/* the first that names a target; a rule counts more than a player's habit */
	if (!isnan(spec->target_lufs) || !isnan(clause->when_above_lufs))
		return;
	spec->target_lufs = clause->target;
	spec->is_dialogue = is_dialogue;
	spec->min_lufs = clause->kind == SPEC_PLAYBACK ? -INFINITY : clause->min;
	spec->max_lufs = clause->kind == SPEC_PLAYBACK ? INFINITY : clause->max;
}

static void aim_peak(const struct spec_clause *clause, double *max)
{
	if (clause->severity == SPEC_INFO || !isnan(clause->when_above_lufs))
		return;
	if (isfinite(clause->max) && (isnan(*max) || clause->max < *max))
		*max = clause->max;
}

void spec_aim(struct spec *spec)
{
	spec->target_lufs = spec->fallback_lufs = spec->target_rms_dbfs = NAN;
	spec->max_dbtp = spec->max_sample_dbfs = NAN;
	spec->min_lufs = -INFINITY;
	spec->max_lufs = INFINITY;
	for (int playback = 0; playback < 2; playback++)
		for (uint32_t i = 0; i < spec->n_clauses; i++) {
			const struct spec_clause *clause = &spec->clause[i];

			if ((clause->kind == SPEC_PLAYBACK) != playback)
				continue;
			if (strcmp(clause->id, "integrated") == 0 ||
			    strcmp(clause->id, "dialogue") == 0 ||
			    strcmp(clause->id, "loudest-track") == 0)
				aim_loudness(spec, clause);
		}
	for (uint32_t i = 0; i < spec->n_clauses; i++) {
		const struct spec_clause *clause = &spec->clause[i];

		if (strcmp(clause->id, "true-peak") == 0)
			aim_peak(clause, &spec->max_dbtp);
		else if (strcmp(clause->id, "sample-peak") == 0)
			aim_peak(clause, &spec->max_sample_dbfs);
		else if (strcmp(clause->id, "rms") == 0 && isnan(spec->target_rms_dbfs))
			spec->target_rms_dbfs = clause->target;
	}
}

const struct spec_clause *spec_must(const struct spec *spec, const char *id)
{
	for (uint32_t i = 0; i < spec->n_clauses; i++)
		if (strcmp(spec->clause[i].id, id) == 0 && spec->clause[i].severity == SPEC_MUST)
			return &spec->clause[i];
	return NULL;
}

bool spec_allows(const struct spec_clause *clause, double value)
{
	const char *at = clause->words;

	if (clause->kind != SPEC_ONE_OF)
		return value >= clause->min && value <= clause->max;
	for (; *at; at += strspn(at, " ")) {
		if (strtod(at, NULL) == value)
			return true;
		at += strcspn(at, " ");
	}
	return false;
}

/* ---- files ------------------------------------------------------------------------------------ */

static void set_fault(struct spec_set *set, const struct mixd_error *fault)
{
	struct mixd_error *grown = reallocarray(set->fault, set->n_faults + 1, sizeof(*grown));

	if (!grown)
		return;
	set->fault = grown;
	grown[set->n_faults++] = *fault;
}

static int file_text(const char *path, char **ret, size_t *ret_size, struct mixd_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), r = 0; /* a pipe holds nobody up */
	FILE *file = fd >= 0 ? fdopen(fd, "r") : NULL;
	_cleanup_free_ char *text = NULL;
	struct stat st;

	if (!file) {
		r = error_set(err, ERROR_RESOURCE, path, "cannot be read: %s", strerror(errno));
		if (fd >= 0)
			close(fd);
		return r;
	}
	if (fstat(fileno(file), &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > FILE_SIZE_MAX)
		r = error_set(err, ERROR_RESOURCE, path, "is no file of up to 1 MiB");
	else if (!(text = malloc((size_t)st.st_size + 1)))
		r = error_no_memory(err);
	else
		*ret_size = fread(text, 1, (size_t)st.st_size, file);
	if (r == 0 && ferror(file))
		r = error_set(err, ERROR_RESOURCE, path, "cannot be read: %s", strerror(errno));
	fclose(file);
	if (r == 0)
		*ret = TAKE_PTR(text);
	return r;
}

static int folder_wants(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return entry->d_name[0] != '.' && length > 5 &&
	       strcmp(entry->d_name + length - 5, ".yaml") == 0;
}

/* Each file alone: one that is faulty takes no other with it. */
static void set_add_folder(struct spec_set *set, const char *folder)
{
	struct dirent **entries;
	int n = scandir(folder, &entries, folder_wants, alphasort);

	for (int i = 0; i < n; i++) {
		_cleanup_free_ char *text = NULL;
		struct mixd_error fault = {0};
		char path[4096];
		size_t size = 0;
		int r;

		snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
		free(entries[i]);
		if (i >= FILES_MAX)
			continue;
		r = file_text(path, &text, &size, &fault);
		if (r == 0)
			r = spec_read(set, path, path, text, size, &fault);
		if (r < 0)
			set_fault(set, &fault);
	}
	if (n >= 0)
		free(entries);
}

char *spec_user_folder(void)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	char *folder = NULL;

	if (config && config[0] == '/') {
		if (asprintf(&folder, "%s/mixd/specs", config) < 0)
			return NULL;
	} else if (home && home[0] == '/') {
		if (asprintf(&folder, "%s/.config/mixd/specs", home) < 0)
			return NULL;
	}
	return folder;
}

/* ---- the set ---------------------------------------------------------------------------------- */

int spec_set_new_empty(struct spec_set **ret, struct mixd_error *err)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : error_no_memory(err);
}

int spec_set_add(struct spec_set *set, const char *name, const char *origin, const char *text,
		 size_t size, uint32_t *ret_first, struct mixd_error *err)
{
	if (ret_first)
		*ret_first = set->list.n;
	return spec_read(set, name, origin, text, size, err);
}

int spec_set_add_shipped(struct spec_set *set, struct mixd_error *err)
{
	return spec_read(set, "specs.yaml", NULL, (const char *)specs_yaml, specs_yaml_size, err);
}

int spec_set_new(struct spec_set **ret, struct mixd_error *err)
{
	_cleanup_free_ char *folder = spec_user_folder();
	struct spec_set *set;
	int r = spec_set_new_empty(&set, err);

	if (r < 0)
		return r;
	r = spec_set_add_shipped(set, err);
	if (r < 0) {
		spec_set_free(set);
		return r;
	}
	if (folder)
		set_add_folder(set, folder);
	set_add_folder(set, SPEC_SYSTEM_FOLDER);
	*ret = set;
	return 0;
}

struct spec_set *spec_set_free(struct spec_set *set)
{
	if (!set)
		return NULL;
	while (set->chunk) {
		struct spec_chunk *next = set->chunk->next;

		free(set->chunk);
		set->chunk = next;
	}
	free(set->list.spec);
	free(set->fault);
	free(set);
	return NULL;
}

uint32_t spec_count(const struct spec_set *set)
{
	return set->list.n;
}

const struct spec *spec_at(const struct spec_set *set, uint32_t idx)
{
	return idx < set->list.n ? &set->list.spec[idx] : NULL;
}

const struct mixd_error *spec_fault(const struct spec_set *set, uint32_t idx)
{
	return idx < set->n_faults ? &set->fault[idx] : NULL;
}

int spec_find(const struct spec_set *set, const char *name, const struct spec **ret,
	      struct mixd_error *err)
{
	_cleanup_free_ const char **names = calloc(set->list.n + 1, sizeof(*names));
	const char *nearest;
	int r;

	if (!names)
		return error_no_memory(err);
	for (uint32_t i = 0; i < set->list.n; i++) {
		names[i] = set->list.spec[i].name;
		if (strcmp(names[i], name) == 0) {
			*ret = &set->list.spec[i];
			return 0;
		}
	}
	r = error_set(err, ERROR_NOT_FOUND, name, "there is no spec \"%.60s\"", name);
	nearest = error_nearest(name, names, set->list.n);
	if (nearest)
		error_hint(err, "did you mean %s? `mixctl spec ls` lists them", nearest);
	else if (set->n_faults)
		error_hint(err, "%s could not be read: %.180s", set->fault[0].address,
			   set->fault[0].text);
	else
		error_hint(err, "`mixctl spec ls` lists them");
	return r;
}
