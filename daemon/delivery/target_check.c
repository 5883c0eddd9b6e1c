/* target_check.c - see target_check.h. */
#include "target_check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cleanup.h"

int target_check(const char *path, struct mixd_error *err)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *folder =
		slash && slash > path ? strndup(path, (size_t)(slash - path)) : strdup("/");
	struct stat what;

	if (!folder)
		return error_no_memory(err);
	if (stat(folder, &what) < 0 && errno == ENOENT) {
		error_set(err, ERROR_NOT_FOUND, path, "cannot be written: its folder is not there");
		error_hint(err, "create it first: mkdir -p %s", folder);
		return -ENOENT;
	}
	if (stat(path, &what) < 0 || !S_ISDIR(what.st_mode))
		return 0;
	error_set(err, ERROR_INVALID, path, "is a folder, and would be replaced by a file");
	error_hint(err, "name a file in it");
	return -EISDIR;
}

static bool target_has_same_stat(const char *path, const char *other)
{
	struct stat a, b;

	return stat(path, &a) == 0 && stat(other, &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

/* Neither need be there: then their folders and names tell. */
bool target_is(const char *path, const char *other)
{
	const char *slash = strrchr(path, '/'), *other_slash = strrchr(other, '/');
	_cleanup_free_ char *folder = NULL, *other_folder = NULL;

	if (strcmp(path, other) == 0 || target_has_same_stat(path, other))
		return true;
	if (!slash || !other_slash || strcmp(slash, other_slash) != 0)
		return false;
	folder = strndup(path, (size_t)(slash - path) + 1);
	other_folder = strndup(other, (size_t)(other_slash - other) + 1);
	return folder && other_folder && target_has_same_stat(folder, other_folder);
}

static int target_conflict(const char *shown, const char *what, struct mixd_error *err)
{
	error_set(err, ERROR_CONFLICT, shown, "is %s, and would be replaced", what);
	error_hint(err, "write to another file");
	return -EEXIST;
}

/* PATH lies in a folder that the job makes itself. */
static bool target_is_in_output(const struct job *job, const char *path)
{
	const char *word;
	bool is_in = false;

	for (uint32_t i = 0; !is_in && (word = job_text_at(job, "output", i)); i++) {
		_cleanup_free_ char *folder = job_path(job, word);
		size_t n = folder ? strlen(folder) : 0;

		is_in = n && strncmp(path, folder, n) == 0 &&
			(path[n] == '/' || folder[n - 1] == '/');
	}
	return is_in;
}

/* PATH is none of the files that other options than OPTION name to be read. */
static int target_check_reads(const struct job *job, const char *path, const char *option,
			      struct mixd_error *err)
{
	static const char *const read[] = {"cover", "reference", "session", "speech"};
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(read) / sizeof(read[0]); i++)
		if (strcmp(read[i], option) != 0)
			r = target_check_read(job, path, read[i], err);
	return r;
}

int target_check_option(const struct job *job, const char *option, struct mixd_error *err)
{
	const char *shown = job_text(job, option, NULL), *word;
	_cleanup_free_ char *path = shown ? job_path(job, shown) : NULL;
	int r = 0;

	if (!shown)
		return 0;
	if (!path)
		return error_no_memory(err);
	r = target_is_in_output(job, path) ? 0 : target_check(path, err);
	if (r == 0)
		r = target_check_reads(job, path, option, err);
	for (uint32_t i = 0; r == 0 && (word = job_arg(job, i)); i++) {
		_cleanup_free_ char *input = job_path(job, word);

		if (input && target_is(path, input))
			r = target_conflict(shown, "an input", err);
	}
	for (uint32_t i = 0; r == 0 && (word = job_text_at(job, "output", i)); i++) {
		_cleanup_free_ char *output = job_path(job, word);

		if (output && target_is(path, output))
			r = target_conflict(shown, "the output", err);
	}
	return r;
}

int target_check_read(const struct job *job, const char *path, const char *option,
		      struct mixd_error *err)
{
	const char *shown = job_text(job, option, NULL);
	_cleanup_free_ char *input = shown ? job_path(job, shown) : NULL;
	char what[48];

	if (!input || !target_is(path, input))
		return 0;
	snprintf(what, sizeof(what), "the file of --%.30s", option);
	return target_conflict(path, what, err);
}
