/* series_file.c - a series on disk: JSON, replaced whole, one writer at a time; see series_file.h. */
#include "series_file.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "media_write.h"

DEFINE_CLEANUP(media_file_free, struct media_file *)

#define SERIES_SCHEMA 1
#define SERIES_EPISODES_MAX 5000u

double series_third_hz(uint32_t third)
{
	return 20 * pow(2, third / 3.0);
}

int series_check_name(const char *name, struct mixd_error *err)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";

	if (*name && strlen(name) < 64 && strspn(name, letters) == strlen(name) && *name != '-')
		return 0;
	error_set(err, ERROR_USAGE, name, "is no name of a series");
	error_hint(err, "up to 63 letters, digits, - and _");
	return -EINVAL;
}

char *series_folder(void)
{
	const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
	char *ret = NULL;
	int r = -1;

	if (data && *data == '/')
		r = asprintf(&ret, "%s/mixd/series", data);
	else if (home && *home == '/')
		r = asprintf(&ret, "%s/.local/share/mixd/series", home);
	return r < 0 ? NULL : ret;
}

static char *series_path(const char *name)
{
	_cleanup_free_ char *folder = series_folder();
	char *ret = NULL;

	return folder && asprintf(&ret, "%s/%s.json", folder, name) >= 0 ? ret : NULL;
}

bool series_is_there(const char *name)
{
	_cleanup_free_ char *path = series_path(name);

	return path && access(path, F_OK) == 0;
}

static int make_folders(const char *path, struct mixd_error *err)
{
	_cleanup_free_ char *copy = strdup(path);

	if (!copy)
		return error_no_memory(err);
	for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(copy, 0777) < 0 && errno != EEXIST)
			return error_set(err, ERROR_RESOURCE, copy, "cannot make this folder: %s",
					 strerror(errno));
		*slash = '/';
	}
	return 0;
}

static int series_lock(struct series *series, struct mixd_error *err)
{
	_cleanup_free_ char *path = NULL;
	int r = make_folders(series->path, err);

	if (r < 0)
		return r;
	if (asprintf(&path, "%s.lock", series->path) < 0)
		return error_no_memory(err);
	series->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (series->lock < 0 || flock(series->lock, LOCK_EX) < 0)
		return error_set(err, ERROR_RESOURCE, path, "cannot be locked: %s",
				 strerror(errno));
	return 0;
}

/* ---- in -------------------------------------------------------------------------------------------- */

/* null: too short to have it. */
static double read_figure(const json_t *from, const char *key)
{
	const json_t *value = json_object_get(from, key);

	return json_is_number(value) ? json_number_value(value) : NAN;
}

static bool read_episode(const json_t *from, struct series_episode *ret)
{
	const json_t *thirds = json_object_get(from, "third_octaves_db");
	const char *title = json_string_value(json_object_get(from, "title"));
	const json_t *integrated = json_object_get(from, "integrated_lufs");

	if (!title || !json_is_number(integrated))
		return false;
	snprintf(ret->title, sizeof(ret->title), "%s", title);
	ret->integrated = json_number_value(integrated);
	ret->range = read_figure(from, "range_lu");
	ret->shortterm_max = read_figure(from, "shortterm_max_lufs");
	ret->duration_s = json_number_value(json_object_get(from, "duration_s"));
	ret->has_spectrum = json_array_size(thirds) == SERIES_THIRDS;
	for (uint32_t k = 0; ret->has_spectrum && k < SERIES_THIRDS; k++)
		ret->third_db[k] = json_number_value(json_array_get(thirds, k));
	return true;
}

static int series_fault(const struct series *series, struct mixd_error *err, const char *what)
{
	error_set(err, ERROR_INVALID, series->path, "is no series of this program: %s", what);
	error_hint(err, "mixctl series rm %s begins anew", series->name);
	return -EINVAL;
}

static int series_read(struct series *series, struct mixd_error *err)
{
	json_error_t why;
	_cleanup_(json_decrefp) json_t *top = NULL;
	const json_t *list;
	size_t n;

	if (access(series->path, F_OK) < 0 && errno == ENOENT)
		return 0;
	top = json_load_file(series->path, 0, &why);
	if (!top)
		return series_fault(series, err, why.text);
	list = json_object_get(top, "episodes");
	n = json_array_size(list);
	if (json_integer_value(json_object_get(top, "schema")) != SERIES_SCHEMA ||
	    !json_is_array(list) || n > SERIES_EPISODES_MAX)
		return series_fault(series, err, "another version, or no list of episodes");
	series->episode = calloc(n + 1, sizeof(*series->episode));
	if (!series->episode)
		return error_no_memory(err);
	for (size_t i = 0; i < n; i++)
		if (!read_episode(json_array_get(list, i), &series->episode[series->n_episodes++]))
			return series_fault(series, err, "an episode without title or loudness");
	return 0;
}

int series_open(const char *name, bool is_locked, struct series *ret, struct mixd_error *err)
{
	int r = series_check_name(name, err);

	*ret = (struct series){.lock = -1};
	if (r < 0)
		return r;
	snprintf(ret->name, sizeof(ret->name), "%s", name);
	ret->path = series_path(name);
	if (!ret->path)
		return error_set(
			err, ERROR_RESOURCE, name,
			"there is no folder for it: neither XDG_DATA_HOME nor HOME is set");
	if (is_locked)
		r = series_lock(ret, err);
	return r == 0 ? series_read(ret, err) : r;
}

void series_close(struct series *series)
{
	if (series->path && series->lock > 0)
		close(series->lock);
	free(series->episode);
	free(series->path);
	*series = (struct series){.lock = -1};
}

/* ---- out ------------------------------------------------------------------------------------------- */

static int series_write(const struct series *series, struct mixd_error *err)
{
	_cleanup_(json_decrefp) json_t *top = json_object();
	_cleanup_(media_file_freep) struct media_file *file = NULL;
	_cleanup_free_ char *text = NULL;
	json_t *list = json_array();
	int r;

	json_object_set_new(top, "schema", json_integer(SERIES_SCHEMA));
	json_object_set_new(top, "name", json_string(series->name));
	json_object_set_new(top, "episodes", list);
	for (uint32_t i = 0; i < series->n_episodes; i++) {
		const struct series_episode *episode = &series->episode[i];
		json_t *one = json_object(), *thirds = json_array();

		json_object_set_new(one, "title", json_string(episode->title));
		json_object_set_new(one, "integrated_lufs", job_real(episode->integrated));
		json_object_set_new(one, "range_lu", job_real(episode->range));
		json_object_set_new(one, "shortterm_max_lufs", job_real(episode->shortterm_max));
		json_object_set_new(one, "duration_s", job_real(episode->duration_s));
		for (uint32_t k = 0; episode->has_spectrum && k < SERIES_THIRDS; k++)
			json_array_append_new(thirds, job_real(episode->third_db[k]));
		json_object_set_new(one, "third_octaves_db", thirds);
		json_array_append_new(list, one);
	}
	text = json_dumps(top, JSON_INDENT(1) | JSON_REAL_PRECISION(8));
	if (!text)
		return error_no_memory(err);
	r = media_file_create(series->path, &file, err);
	if (r == 0)
		r = media_file_write(file, text, strlen(text), err);
	if (r == 0)
		r = media_file_write(file, "\n", 1, err);
	return r == 0 ? media_file_commit(file, err) : r;
}

int series_put(struct series *series, const struct series_episode *episode, struct mixd_error *err)
{
	struct series_episode *more;
	uint32_t i = 0;

	while (i < series->n_episodes && strcmp(series->episode[i].title, episode->title) != 0)
		i++;
	if (i == SERIES_EPISODES_MAX)
		return error_set(err, ERROR_INVALID, series->path, "has %u episodes: no more fit",
				 SERIES_EPISODES_MAX);
	if (i == series->n_episodes) {
		more = realloc(series->episode, (i + 1) * sizeof(*more));
		if (!more)
			return error_no_memory(err);
		series->episode = more;
		series->n_episodes++;
	}
	series->episode[i] = *episode;
	return series_write(series, err);
}

int series_drop(struct series *series, const char *title, struct mixd_error *err)
{
	uint32_t i = 0;

	while (i < series->n_episodes && strcmp(series->episode[i].title, title) != 0)
		i++;
	if (i == series->n_episodes) {
		error_set(err, ERROR_NOT_FOUND, title, "is no episode of %s", series->name);
		error_hint(err, "mixctl series show %s lists them", series->name);
		return -ENOENT;
	}
	memmove(&series->episode[i], &series->episode[i + 1],
		(series->n_episodes - i - 1) * sizeof(*series->episode));
	series->n_episodes--;
	return series_write(series, err);
}

int series_remove(struct series *series, struct mixd_error *err)
{
	_cleanup_free_ char *lock = NULL;

	if (unlink(series->path) < 0)
		return error_set(err, ERROR_RESOURCE, series->path, "cannot be removed: %s",
				 strerror(errno));
	if (asprintf(&lock, "%s.lock", series->path) >= 0)
		unlink(lock);
	else
		lock = NULL;
	return 0;
}
