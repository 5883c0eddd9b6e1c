/* verb_series.c - mixctl series: what is remembered of a show. */
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "delivery_verbs.h"
#include "measure.h"
#include "series_file.h"

static int name_order(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names of all series, sorted; *ret and what is in it are malloc'd. */
static int series_names(char ***ret, uint32_t *ret_n, struct mixd_error *err)
{
	_cleanup_free_ char *folder = series_folder();
	DIR *dir = folder ? opendir(folder) : NULL;
	struct dirent *entry;
	int r = 0;

	*ret = NULL;
	*ret_n = 0;
	while (dir && r == 0 && (entry = readdir(dir))) {
		const char *dot = strrchr(entry->d_name, '.');
		char **more;

		if (entry->d_name[0] == '.' || !dot || strcmp(dot, ".json") != 0)
			continue;
		more = realloc(*ret, (*ret_n + 1) * sizeof(*more));
		if (!more) {
			r = error_no_memory(err);
			break;
		}
		*ret = more;
		more[*ret_n] = strndup(entry->d_name, (size_t)(dot - entry->d_name));
		if (!more[*ret_n])
			r = error_no_memory(err);
		else
			++*ret_n;
	}
	if (dir)
		closedir(dir);
	if (*ret_n)
		qsort(*ret, *ret_n, sizeof(**ret), name_order);
	return r;
}

static double mean_of(const struct series *series, size_t offset)
{
	double sum = 0;
	uint32_t n = 0;

	for (uint32_t i = 0; i < series->n_episodes; i++) {
		double value;

		memcpy(&value, (const char *)&series->episode[i] + offset, sizeof(value));
		sum += isfinite(value) ? value : 0;
		n += isfinite(value);
	}
	return n ? sum / n : NAN;
}

/* With one decimal; a dash where there is none: no episode is left, or it is too short. */
static const char *series_figure(double value, char buf[16])
{
	if (!isfinite(value))
		return "-";
	snprintf(buf, 16, "%.1f", value);
	return buf;
}

static int list_series(struct job *job, struct mixd_error *err)
{
	json_t *items = json_array();
	char **name;
	uint32_t n;
	int r = series_names(&name, &n, err);

	if (r == 0 && n == 0)
		job_print(job, "no series yet: mixctl podcast or audiobook with --series NAME "
			       "begins one\n");
	else if (r == 0)
		job_print(job, "%-24s  %8s  %8s  %6s\n", "series", "episodes", "LUFS", "LRA");
	for (uint32_t i = 0; i < n; i++) {
		struct series series;
		json_t *item = json_object();
		struct mixd_error why = {0};
		char text[2][16];

		json_object_set_new(item, "series", json_string(name[i]));
		if (r == 0 && series_open(name[i], false, &series, &why) < 0) {
			job_warn(job, name[i], "%s", why.text);
		} else if (r == 0) {
			double integrated =
				mean_of(&series, offsetof(struct series_episode, integrated));
			double range = mean_of(&series, offsetof(struct series_episode, range));

			job_print(job, "%-24s  %8u  %8s  %6s\n", name[i], series.n_episodes,
				  series_figure(integrated, text[0]),
				  series_figure(range, text[1]));
			json_object_set_new(item, "episodes", json_integer(series.n_episodes));
			json_object_set_new(item, "integrated_lufs", job_real(integrated));
			json_object_set_new(item, "range_lu", job_real(range));
		}
		if (r == 0)
			series_close(&series);
		json_array_append_new(items, item);
		free(name[i]);
	}
	free(name);
	json_object_set_new(job_json(job), "items", items);
	return r;
}

static int need_series(const char *name, struct mixd_error *err)
{
	int r = series_check_name(name, err);

	if (r == 0 && !series_is_there(name)) {
		error_set(err, ERROR_NOT_FOUND, name, "there is no such series");
		error_hint(err, "mixctl series ls lists them");
		return -ENOENT;
	}
	return r;
}

static int show_series(struct job *job, const char *name, struct mixd_error *err)
{
	json_t *items = json_array();
	struct series series = {.lock = -1};
	int r = need_series(name, err);

	if (r == 0)
		r = series_open(name, false, &series, err);
	if (r == 0)
		job_print(job, "%-32s  %8s  %8s  %6s  %8s\n", "episode", "length", "LUFS", "LRA",
			  "S max");
	for (uint32_t i = 0; r == 0 && i < series.n_episodes; i++) {
		const struct series_episode *episode = &series.episode[i];
		json_t *item = json_object();
		char text[3][16];

		job_print(job, "%-32.32s  %5.0f:%02.0f  %8s  %6s  %8s\n", episode->title,
			  floor(episode->duration_s / 60), floor(fmod(episode->duration_s, 60)),
			  series_figure(episode->integrated, text[0]),
			  series_figure(episode->range, text[1]),
			  series_figure(episode->shortterm_max, text[2]));
		json_object_set_new(item, "episode", json_string(episode->title));
		json_object_set_new(item, "duration_s", job_real(episode->duration_s));
		json_object_set_new(item, "integrated_lufs", job_real(episode->integrated));
		json_object_set_new(item, "range_lu", job_real(episode->range));
		json_object_set_new(item, "shortterm_max_lufs", job_real(episode->shortterm_max));
		json_array_append_new(items, item);
	}
	series_close(&series);
	json_object_set_new(job_json(job), "items", items);
	return r;
}

/* Episodes that were delivered before there was a series. */
static int add_files(struct job *job, const char *name, struct mixd_error *err)
{
	int r = series_check_name(name, err);

	for (uint32_t i = 2; r == 0 && i < job_n_args(job); i++) {
		const char *file = job_arg(job, i), *slash = strrchr(file, '/');
		_cleanup_free_ char *path = job_path(job, file);
		struct measure_options options;
		struct measure_result result;

		if (!path)
			return error_no_memory(err);
		measure_options_init(&options);
		options.what = MEASURE_LOUDNESS;
		measure_result_init(&result);
		job_stage(job, "measure", file);
		r = measure_file(path, &options, job_task(job), &result, NULL, err);
		if (r == 0)
			r = series_delivered(job, name, path, slash ? slash + 1 : file, &result,
					     err);
		measure_result_done(&result);
	}
	return r;
}

static int remove_from(struct job *job, const char *name, struct mixd_error *err)
{
	struct series series = {.lock = -1};
	struct mixd_error why = {0};
	int r = need_series(name, err);

	if (r == 0) {
		r = series_open(name, true, &series, &why);
		/* a file that cannot be read can still be removed */
		if (job_n_args(job) == 2)
			r = series_remove(&series, err);
		else if (r < 0)
			*err = why;
	}
	for (uint32_t i = 2; r == 0 && i < job_n_args(job); i++)
		r = series_drop(&series, job_arg(job, i), err);
	series_close(&series);
	return r;
}

int verb_series(struct job *job, struct mixd_error *err)
{
	const char *what = job_arg(job, 0), *name = job_arg(job, 1);
	uint32_t n = job_n_args(job);

	if (strcmp(what, "ls") == 0 && n == 1)
		return list_series(job, err);
	if (strcmp(what, "show") == 0 && n == 2)
		return show_series(job, name, err);
	if (strcmp(what, "add") == 0 && n >= 3)
		return add_files(job, name, err);
	if (strcmp(what, "rm") == 0 && n >= 2)
		return remove_from(job, name, err);
	error_set(err, ERROR_USAGE, what, "is not understood, or lacks words");
	error_hint(err, "series ls | show NAME | add NAME FILE... | rm NAME [EPISODE...]");
	return -EINVAL;
}
