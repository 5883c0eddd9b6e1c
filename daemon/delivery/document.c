/* document.c - see document.h. */
#include "document.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "mixd_jobs.h"

#define KEYS_MAX 64u

struct document *document_free(struct document *document)
{
	if (!document)
		return NULL;
	session_doc_free(document->root);
	free(document->name);
	free(document->folder);
	free(document);
	return NULL;
}

static int document_too_large(const char *name, size_t size, struct mixd_error *err)
{
	int r;

	if (size <= SESSION_SIZE_MAX)
		return 0;
	r = error_set(err, ERROR_INVALID, name, "is %zu bytes long", size);
	error_hint(err,
		   "want a page of YAML, of at most %u bytes; recordings are named in it, or by "
		   "options",
		   SESSION_SIZE_MAX);
	return r;
}

/* Nothing but white space and comments. */
static bool is_blank(const char *text, size_t size)
{
	bool in_comment = false;

	for (size_t i = 0; i < size; i++) {
		if (text[i] == '\n')
			in_comment = false;
		else if (text[i] == '#')
			in_comment = true;
		else if (!in_comment && !isspace((unsigned char)text[i]))
			return false;
	}
	return true;
}

int document_parse(const char *name, const char *folder, const char *text, size_t size,
		   struct document **ret, struct mixd_error *err)
{
	struct document *document;
	int r = document_too_large(name, size, err);

	if (r < 0)
		return r;
	if (is_blank(text, size)) {
		r = error_set(err, ERROR_INVALID, name, "there is nothing in it");
		error_hint(err, "write keys and values as YAML or JSON");
		return r;
	}
	document = calloc(1, sizeof(*document));
	if (!document)
		return error_no_memory(err);
	document->name = strdup(name);
	document->folder = strdup(folder);
	if (!document->name || !document->folder) {
		document_free(document);
		return error_no_memory(err);
	}
	r = session_doc_parse(name, text, size, NULL, &document->root, err);
	if (r < 0) {
		document_free(document);
		return r;
	}
	*ret = document;
	return 0;
}

static int document_no_file(const char *name, int error, struct mixd_error *err)
{
	int r = error_set(err, error == ENOENT ? ERROR_NOT_FOUND : ERROR_RESOURCE, name, "%s",
			  error == ENOENT ? "there is no such file" : strerror(error));

	if (error == EACCES)
		error_hint(err, "give yourself the right to read it");
	return r;
}

int document_load(const char *path, const char *name, char **ret, size_t *ret_size,
		  struct mixd_error *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return document_no_file(name, errno, err);
	if (!S_ISREG(st.st_mode))
		return error_set(err, ERROR_INVALID, name, "is not a regular file");
	r = document_too_large(name, (size_t)st.st_size, err);
	if (r < 0)
		return r;
	text = malloc((size_t)st.st_size + 1);
	if (!text)
		return error_no_memory(err);
	while (size < (size_t)st.st_size) {
		ssize_t n = read(fd, text + size, (size_t)st.st_size - size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return document_no_file(name, errno, err);
		if (n == 0)
			break;
		size += (size_t)n;
	}
	text[size] = '\0';
	*ret = TAKE_PTR(text);
	*ret_size = size;
	return 0;
}

/* The folder of PATH, as an absolute one. */
static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = NULL;

	if (!slash)
		return getcwd(NULL, 0);
	if (asprintf(&folder, "%.*s", slash == path ? 1 : (int)(slash - path), path) < 0)
		return NULL;
	return folder;
}

int document_read(const char *path, const char *name, struct document **ret, struct mixd_error *err)
{
	_cleanup_free_ char *text = NULL, *folder = NULL;
	size_t size = 0;
	int r = document_load(path, name, &text, &size, err);

	if (r < 0)
		return r;
	folder = folder_of(path);
	if (!folder)
		return error_no_memory(err);
	return document_parse(name, folder, text, size, ret, err);
}

int document_error(const struct document *document, const struct session_node *node,
		   struct mixd_error *err, const char *fmt, ...)
{
	char text[sizeof(err->text)];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return session_doc_error(document->name, node, err, "%s", text);
}

void document_place(const struct document *document, const struct session_node *node, char *buf,
		    size_t size)
{
	snprintf(buf, size, "%.120s:%u:%u", document->name, node->line, node->column);
}

char *document_path(const struct document *document, const char *path)
{
	char *absolute = NULL;

	if (path[0] == '/')
		return strdup(path);
	if (asprintf(&absolute, "%s/%s", document->folder, path) < 0)
		return NULL;
	return absolute;
}

const char *document_text(const struct document *document, const struct session_node *node,
			  struct mixd_error *err)
{
	const char *control;

	if (node->kind != SESSION_SCALAR) {
		document_error(document, node, err, "a %s where a single value belongs",
			       node->kind == SESSION_LIST ? "list" : "map");
		error_hint(err, "write one word or a text in quotes");
		return NULL;
	}
	for (control = node->text; *control; control++)
		if ((unsigned char)*control < 0x20 || *control == 0x7f) {
			document_error(document, node, err,
				       "the text has a control character (%#x)",
				       (unsigned char)*control);
			error_hint(err, "write it in one line");
			return NULL;
		}
	return node->text;
}

static int value_text(const struct document *document, const struct session_node *node,
		      const struct document_key *key, char **field, struct mixd_error *err)
{
	const char *text = document_text(document, node, err);
	char *copy;

	if (!text)
		return -EINVAL;
	if (!*text) {
		document_error(document, node, err, "%s is empty", key->name);
		error_hint(err, "give it a value, or leave the key out");
		return -EINVAL;
	}
	copy = key->kind == DOCUMENT_PATH ? document_path(document, text) : strdup(text);
	if (!copy)
		return error_no_memory(err);
	free(*field);
	*field = copy;
	return 0;
}

static int value_flag(const struct document *document, const struct session_node *node,
		      const struct document_key *key, bool *field, struct mixd_error *err)
{
	static const char *const words[] = {"off", "on", "no", "yes", "false", "true"};
	const char *text = document_text(document, node, err);

	if (!text)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasecmp(text, words[i]) == 0) {
			*field = i & 1;
			return 0;
		}
	document_error(document, node, err, "%s is \"%.60s\"", key->name, text);
	error_hint(err, "want on or off");
	return -EINVAL;
}

static uint32_t n_choices(const char *const *choices)
{
	uint32_t n = 0;

	while (choices[n])
		n++;
	return n;
}

/* Numbers, times and choices are written as on the command line. */
static int value_number(const struct document *document, const struct session_node *node,
			const struct document_key *key, double *ret, struct mixd_error *err)
{
	static const enum mixd_job_kind kinds[] = {
		[DOCUMENT_NUMBER] = MIXD_JOB_NUMBER,
		[DOCUMENT_SPAN] = MIXD_JOB_SPAN,
		[DOCUMENT_CHOICE] = MIXD_JOB_CHOICE,
	};
	struct mixd_job_option option = {
		.name = key->name,
		.kind = kinds[key->kind],
		.unit = key->unit,
		.min = key->min,
		.max = key->max,
		.choices = key->choices,
	};
	const char *text = document_text(document, node, err), *why, *nearest = NULL;
	char buf[200];

	if (!text)
		return -EINVAL;
	why = mixd_job_value(&option, text, ret, buf, sizeof(buf));
	if (!why)
		return 0;
	document_error(document, node, err, "%s is \"%.60s\"", key->name, text);
	if (key->kind == DOCUMENT_CHOICE)
		nearest = error_nearest(text, key->choices, n_choices(key->choices));
	if (nearest)
		error_hint(err, "did you mean \"%s\"? It %s", nearest, why);
	else
		error_hint(err, "it %s", why);
	return -EINVAL;
}

static int value_node(const struct document *document, const struct session_node *node,
		      const struct document_key *key, const struct session_node **field,
		      struct mixd_error *err)
{
	static const char *const names[] = {"a single value", "a list", "a map"};
	enum session_kind want = key->kind == DOCUMENT_LIST ? SESSION_LIST : SESSION_MAP;

	if (key->kind != DOCUMENT_ANY && node->kind != want) {
		document_error(document, node, err, "%s is %s", key->name, names[node->kind]);
		error_hint(err, "want %s", names[want]);
		return -EINVAL;
	}
	*field = node;
	return 0;
}

int document_value(const struct document *document, const struct session_node *node,
		   const struct document_key *key, void *into, struct mixd_error *err)
{
	char *field = (char *)into + key->offset;
	double number = 0;
	int r;

	switch (key->kind) {
	case DOCUMENT_TEXT:
	case DOCUMENT_PATH:
		return value_text(document, node, key, (char **)(void *)field, err);
	case DOCUMENT_FLAG:
		return value_flag(document, node, key, (bool *)field, err);
	case DOCUMENT_NUMBER:
	case DOCUMENT_SPAN:
		r = value_number(document, node, key, &number, err);
		if (r == 0)
			*(double *)(void *)field = number;
		return r;
	case DOCUMENT_CHOICE:
		r = value_number(document, node, key, &number, err);
		if (r == 0)
			*(int *)(void *)field = (int)number;
		return r;
	case DOCUMENT_LIST:
	case DOCUMENT_MAP:
	case DOCUMENT_ANY:
		return value_node(document, node, key, (const struct session_node **)(void *)field,
				  err);
	}
	return -EINVAL;
}

static const struct document_key *key_find(const struct document_key *keys, const char *name)
{
	for (; keys->name; keys++)
		if (strcmp(keys->name, name) == 0)
			return keys;
	return NULL;
}

static int unknown_key(const struct document *document, const struct session_node *key,
		       const char *what, const struct document_key *keys, struct mixd_error *err)
{
	const char *names[KEYS_MAX], *nearest;
	char list[280];
	uint32_t n = 0;
	size_t used = 0;

	for (; n < KEYS_MAX && keys[n].name; n++) {
		names[n] = keys[n].name;
		if (used < sizeof(list))
			used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s",
						 n ? " " : "", names[n]);
	}
	document_error(document, key, err, "%s has no key \"%.60s\"", what, key->text);
	nearest = error_nearest(key->text, names, n);
	if (nearest)
		error_hint(err, "did you mean \"%s\"?", nearest);
	else
		error_hint(err, "it has: %s", list);
	return -EINVAL;
}

int document_fill(const struct document *document, const struct session_node *map, const char *what,
		  const struct document_key *keys, void *into, struct mixd_error *err)
{
	if (map->kind != SESSION_MAP) {
		document_error(document, map, err, "%s is a %s", what,
			       map->kind == SESSION_LIST ? "list" : "single value");
		error_hint(err, "want key: value, with the keys %s, ...", keys[0].name);
		return -EINVAL;
	}
	for (const struct session_node *value = map->first; value; value = value->next) {
		const struct document_key *key = key_find(keys, value->key->text);
		int r = key ? document_value(document, value, key, into, err)
			    : unknown_key(document, value->key, what, keys, err);

		if (r < 0)
			return r;
	}
	for (const struct document_key *key = keys; key->name; key++)
		if (key->required && !session_doc_get(map, key->name)) {
			document_error(document, map, err, "%s needs the key \"%s\"", what,
				       key->name);
			error_hint(err, "add %s: ...", key->name);
			return -EINVAL;
		}
	return 0;
}

void document_clear(const struct document_key *keys, void *into)
{
	for (; keys->name; keys++)
		if (keys->kind == DOCUMENT_TEXT || keys->kind == DOCUMENT_PATH) {
			char **field = (char **)(void *)((char *)into + keys->offset);

			free(*field);
			*field = NULL;
		}
}
