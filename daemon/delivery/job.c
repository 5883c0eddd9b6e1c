/* job.c - one piece of file work: what was asked, how far it is. Results: job_result.c. */
#include "job_private.h"
#include "media.h"
#include "target_check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define JOB_NOTES_MAX 10000u

/* ---- what was asked ------------------------------------------------------------------------- */

uint32_t job_n_args(const struct job *job)
{
	return job->n_args;
}

const char *job_arg(const struct job *job, uint32_t idx)
{
	return idx < job->n_args ? job->args[idx] : NULL;
}

const char *job_text_at(const struct job *job, const char *option, uint32_t idx)
{
	for (uint32_t i = 0; i < job->n_options; i++)
		if (strcmp(job->options[i].row->name, option) == 0 && idx-- == 0)
			return job->options[i].value;
	return NULL;
}

static const struct job_option *job_last(const struct job *job, const char *option)
{
	for (uint32_t i = job->n_options; i-- > 0;)
		if (strcmp(job->options[i].row->name, option) == 0)
			return &job->options[i];
	return NULL;
}

const char *job_text(const struct job *job, const char *option, const char *otherwise)
{
	const struct job_option *found = job_last(job, option);

	return found ? found->value : otherwise;
}

double job_number(const struct job *job, const char *option, double otherwise)
{
	const struct job_option *found = job_last(job, option);

	return found ? found->number : otherwise;
}

bool job_flag(const struct job *job, const char *option)
{
	return job_number(job, option, 0) > 0;
}

char *job_path(const struct job *job, const char *path)
{
	char *absolute;

	if (*path == '/' || !*job->folder)
		return strdup(path);
	return asprintf(&absolute, "%s/%s", job->folder, path) < 0 ? NULL : absolute;
}

int job_types(struct job *job, const struct graph_types **ret, struct mixd_error *err)
{
	if (job->hooks.types)
		return job->hooks.types(job->hooks.data, ret, err);
	return error_set(err, ERROR_RESOURCE, "", "there are no node types here");
}

struct task *job_task(struct job *job)
{
	return &job->task;
}

/* ---- progress and notes --------------------------------------------------------------------- */

static double job_now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Of the task; several threads may tell, so the last word counts. */
static void job_progress(void *data, double done_s, double total_s)
{
	struct job *job = data;

	pthread_mutex_lock(&job->lock);
	job->done_s = done_s;
	job->total_s = total_s;
	pthread_mutex_unlock(&job->lock);
}

void job_stage(struct job *job, const char *stage, const char *item)
{
	pthread_mutex_lock(&job->lock);
	snprintf(job->stage, sizeof(job->stage), "%s", stage);
	snprintf(job->item, sizeof(job->item), "%s", item ? item : "");
	job->done_s = 0;
	job->total_s = 0;
	job->stage_began_s = job_now_s();
	pthread_mutex_unlock(&job->lock);
}

void job_item(struct job *job, const char *item)
{
	pthread_mutex_lock(&job->lock);
	snprintf(job->item, sizeof(job->item), "%s", item ? item : "");
	pthread_mutex_unlock(&job->lock);
}

__attribute__((format(printf, 4, 0))) static void
job_add_note(struct job *job, bool is_warning, const char *item, const char *fmt, va_list args)
{
	struct job_note note = {.is_warning = is_warning, .item = strdup(item ? item : "")};
	struct job_note *grown;

	if (vasprintf(&note.text, fmt, args) < 0)
		note.text = NULL;
	pthread_mutex_lock(&job->lock);
	grown = job->n_notes < JOB_NOTES_MAX && note.item && note.text
			? realloc(job->notes, (job->n_notes + 1) * sizeof(*grown))
			: NULL;
	if (grown) {
		job->notes = grown;
		job->notes[job->n_notes++] = note;
	}
	pthread_mutex_unlock(&job->lock);
	if (!grown) {
		free(note.item);
		free(note.text);
	}
}

void job_note(struct job *job, const char *item, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	job_add_note(job, false, item, fmt, args);
	va_end(args);
}

void job_warn(struct job *job, const char *item, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	job_add_note(job, true, item, fmt, args);
	va_end(args);
}

void job_warn_of_streams(struct job *job, const char *item, const struct media_info *info)
{
	if (info->n_streams > 1)
		job_warn(
			job, item,
			"has %u streams of sound: one of them is read (%s), and the others are not",
			info->n_streams, info->layout.name);
}

void job_keep_result(struct job *job)
{
	job->keeps_result = true;
}

void job_negative(struct job *job)
{
	pthread_mutex_lock(&job->lock);
	job->is_negative = true;
	pthread_mutex_unlock(&job->lock);
}

/* ---- life ----------------------------------------------------------------------------------- */

static const struct delivery_verb *job_find_verb(const char *name)
{
	for (const struct delivery_verb *verb = delivery_verbs; verb->name; verb++)
		if (strcmp(verb->name, name) == 0)
			return verb;
	return NULL;
}

static int job_take_option(struct job *job, const char *name, const char *value,
			   struct mixd_error *err)
{
	const struct mixd_job_option *row = mixd_job_option_find(job->row, name);
	struct job_option *option = &job->options[job->n_options];
	const char *why;
	char buf[256];

	if (!row) {
		error_set(err, ERROR_USAGE, name, "%s has no such option", job->row->name);
		error_hint(err, "see mixctl help %s", job->row->name);
		return -EINVAL;
	}
	why = mixd_job_value(row, value, &option->number, buf, sizeof(buf));
	if (why) {
		error_set(err, ERROR_USAGE, name, "\"%s\" %s", value, why);
		return -EINVAL;
	}
	option->row = row;
	option->value = strdup(value);
	if (!option->value)
		return error_no_memory(err);
	job->n_options++;
	return 0;
}

static int job_take_args(struct job *job, const struct job_request *request, struct mixd_error *err)
{
	int min = job->row->min_args, max = job->row->max_args;

	if (request->n_args < (uint32_t)min || (max >= 0 && request->n_args > (uint32_t)max)) {
		error_set(err, ERROR_USAGE, "",
			  request->n_args < (uint32_t)min ? "%s needs more words"
							  : "%s takes fewer words",
			  job->row->name);
		error_hint(err, "usage: mixctl %s %s", job->row->name, job->row->words);
		return -EINVAL;
	}
	for (uint32_t i = 0; i < request->n_args; i++) {
		job->args[i] = strdup(request->args[i]);
		if (!job->args[i])
			return error_no_memory(err);
		job->n_args++;
	}
	return 0;
}

static int job_take_request(struct job *job, const struct job_request *request,
			    struct mixd_error *err)
{
	int r;

	job->row = mixd_job_verb_find(request->verb);
	job->verb = job->row ? job_find_verb(request->verb) : NULL;
	if (!job->verb)
		return error_set(err, ERROR_USAGE, request->verb, "no such file work");
	if (!job_format_is_known(request->format))
		return error_set(err, ERROR_USAGE, "out", "\"%s\" is no format of a result",
				 request->format);
	snprintf(job->format, sizeof(job->format), "%s", request->format);
	job->folder = strdup(request->folder ? request->folder : "");
	job->args = calloc(request->n_args + 1, sizeof(*job->args));
	job->options = calloc(request->n_options + 1, sizeof(*job->options));
	job->json = json_object();
	if (!job->folder || !job->args || !job->options || !job->json)
		return error_no_memory(err);
	json_object_set_new(job->json, "schema", json_integer(JOB_SCHEMA));
	json_object_set_new(job->json, "kind", json_string(job->row->name));
	r = job_take_args(job, request, err);
	for (uint32_t i = 0; r == 0 && i < request->n_options; i++)
		r = job_take_option(job, request->option_name[i], request->option_value[i], err);
	return r;
}

int job_new(const struct job_request *request, const struct job_hooks *hooks, struct job **ret,
	    struct mixd_error *err)
{
	struct job *job = calloc(1, sizeof(*job));
	int r;

	if (!job)
		return error_no_memory(err);
	pthread_mutex_init(&job->lock, NULL);
	if (hooks)
		job->hooks = *hooks;
	job->task.progress = job_progress;
	job->task.data = job;
	r = job_take_request(job, request, err);
	if (r < 0) {
		job_free(job);
		return r;
	}
	job_stage(job, job->row->name, NULL);
	*ret = job;
	return 0;
}

int job_run_verb(struct job *job)
{
	struct mixd_error error = {0};
	int r = target_check_option(job, "report", &error);
	char *result = NULL;
	size_t size = 0;

	if (r == 0)
		r = job->verb->run(job, &error);
	if (r == 0)
		r = job_result_text(job, &result, &size, &error);
	else if (job->keeps_result)
		(void)job_result_text(job, &result, &size, NULL);
	if (r < 0 && error.code == ERROR_OK)
		error_set(&error, ERROR_RESOURCE, NULL, "%s", strerror(-r));
	pthread_mutex_lock(&job->lock);
	job->error = error;
	job->result = result;
	job->result_size = size;
	if (r == 0)
		job->state = JOB_STATE_DONE;
	else
		job->state =
			error.code == ERROR_INTERRUPTED ? JOB_STATE_CANCELLED : JOB_STATE_FAILED;
	pthread_mutex_unlock(&job->lock);
	return r;
}

void job_look(struct job *job, struct job_view *ret)
{
	double wall_s;

	pthread_mutex_lock(&job->lock);
	wall_s = job_now_s() - job->stage_began_s;
	*ret = (struct job_view){.state = job->state,
				 .done_s = job->done_s,
				 .total_s = job->total_s,
				 .left_s = -1,
				 .is_negative = job->is_negative,
				 .n_notes = job->n_notes,
				 .result = job->result,
				 .result_size = job->result_size,
				 .error = job->error};
	memcpy(ret->stage, job->stage, sizeof(ret->stage));
	memcpy(ret->item, job->item, sizeof(ret->item));
	pthread_mutex_unlock(&job->lock);
	if (wall_s > 0 && ret->done_s > 0) {
		ret->speed = ret->done_s / wall_s;
		if (ret->total_s >= ret->done_s)
			ret->left_s = (ret->total_s - ret->done_s) / ret->speed;
	}
}

bool job_note_at(struct job *job, uint64_t idx, bool *ret_warning, char *item, size_t item_size,
		 char *text, size_t text_size)
{
	bool is_there;

	pthread_mutex_lock(&job->lock);
	is_there = idx < job->n_notes;
	if (is_there) {
		*ret_warning = job->notes[idx].is_warning;
		snprintf(item, item_size, "%s", job->notes[idx].item);
		snprintf(text, text_size, "%s", job->notes[idx].text);
	}
	pthread_mutex_unlock(&job->lock);
	return is_there;
}

struct job *job_free(struct job *job)
{
	if (!job)
		return NULL;
	for (uint32_t i = 0; i < job->n_args; i++)
		free(job->args[i]);
	for (uint32_t i = 0; i < job->n_options; i++)
		free(job->options[i].value);
	for (uint64_t i = 0; i < job->n_notes; i++) {
		free(job->notes[i].item);
		free(job->notes[i].text);
	}
	free(job->notes);
	free(job->args);
	free(job->options);
	free(job->folder);
	free(job->print);
	free(job->result);
	json_decref(job->json);
	pthread_mutex_destroy(&job->lock);
	free(job);
	return NULL;
}
