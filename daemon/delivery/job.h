/* job.h - one piece of file work: a verb with its words and options, its progress, its result.
 *
 * WHAT        A verb is a function `job_run`; delivery_verbs.c lists them beside proto/jobs. It reads
 *             its request by the functions below, works, and leaves a JSON object (the contract) and
 *             lines of text (for people). JSON, JSON lines, YAML and CSV are made from the object.
 * THREADS     a job runs in a thread of its own; it may start more. job_note(), job_progress() and
 *             task_check() are safe in all of them; the result belongs to the job's thread.
 * LIFE        job_new() -> job_run_verb() in a thread -> job_look() by whoever asks -> job_free().
 * RULES       Files appear whole or not at all (media_write.h). A verb asks task_check() at least
 *             each 100 ms. Refusals fill *err: address = the file or option, text = the fault,
 *             hint = the remedy. */
#pragma once

#include <jansson.h>

#include "graph_types.h"
#include "mixd_jobs.h"
#include "task.h"

struct job;

typedef int (*job_run)(struct job *job, struct mixd_error *err);
struct delivery_verb {
	const char *name; /* as in proto/jobs */
	job_run run;
};
extern const struct delivery_verb delivery_verbs[]; /* ends with NULL */

/* ---- what was asked ------------------------------------------------------------------------- */

uint32_t job_n_args(const struct job *job);
const char *job_arg(const struct job *job, uint32_t idx); /* NULL beyond the last */
bool job_flag(const struct job *job, const char *option);
/* The last value given, or OTHERWISE. */
const char *job_text(const struct job *job, const char *option, const char *otherwise);
double job_number(const struct job *job, const char *option, double otherwise);
/* All values of an option that repeats; IDX 0... NULL beyond the last. */
const char *job_text_at(const struct job *job, const char *option, uint32_t idx);
/* PATH as an absolute one (from the caller's folder). malloc'd; NULL without memory. */
char *job_path(const struct job *job, const char *path);
/* Node types, loaded when first asked for (a job that only reads files loads none). [job's thread]
 * -errno with *err. */
int job_types(struct job *job, const struct graph_types **ret, struct mixd_error *err);
struct task *job_task(struct job *job);

/* ---- what became of it ---------------------------------------------------------------------- */

/* A new stage; ITEM: the file at hand, or NULL. Progress (job_task()) counts from 0 again. */
void job_stage(struct job *job, const char *stage, const char *item);
/* Another file within the stage; progress goes on. */
void job_item(struct job *job, const char *item);
/* Something a person should read now ("ch03.wav: 12 ms of silence inside"). */
__attribute__((format(printf, 3, 4))) void job_note(struct job *job, const char *item,
						    const char *fmt, ...);
__attribute__((format(printf, 3, 4))) void job_warn(struct job *job, const char *item,
						    const char *fmt, ...);
/* ITEM has other streams of sound than the one that was read: told. */
struct media_info;
void job_warn_of_streams(struct job *job, const char *item, const struct media_info *info);
#define JOB_SCHEMA 1 /* raised when a key goes or changes its meaning */
/* The result: an object, borrowed; begins with schema and kind (the verb), which are set. Floats that are not finite become
 * null (use job_real()). "items" in it, an array of flat objects, is what CSV and names print. */
json_t *job_json(struct job *job);
json_t *job_real(double value); /* rounded to 1e-6; null when not finite */
/* A line (or part of one) for people. */
__attribute__((format(printf, 2, 3))) void job_print(struct job *job, const char *fmt, ...);
/* For "%-*s": how many bytes of TEXT fill COLUMNS columns of letters (a limit has a "±" in it). */
int job_width(const char *text, int columns);
int job_letters(const char *text); /* columns that TEXT takes */
/* What there is of the result is given out although the verb fails (one bad file of many). */
void job_keep_result(struct job *job);
/* The answer is no: exit code 1. */
void job_negative(struct job *job);

/* ---- for the server and tests --------------------------------------------------------------- */

struct job_request {
	const char *verb, *folder, *format;
	const char *const *args;
	uint32_t n_args;
	const char *const *option_name, *const *option_value;
	uint32_t n_options;
};
struct job_hooks { /* main.c: where node types come from */
	int (*types)(void *data, const struct graph_types **ret, struct mixd_error *err);
	void *data;
};
/* Checks the request by the tables. -EINVAL (USAGE) with *err: the option, what is wrong, what would
 * be right. */
int job_new(const struct job_request *request, const struct job_hooks *hooks, struct job **ret,
	    struct mixd_error *err);
/* Do it, in the calling thread. 0, or -errno; job_look() knows, too. */
int job_run_verb(struct job *job);
enum job_state { JOB_STATE_RUNNING, JOB_STATE_DONE, JOB_STATE_FAILED, JOB_STATE_CANCELLED };
struct job_view {
	enum job_state state;
	char stage[32], item[160];
	double done_s, total_s, speed, left_s;
	bool is_negative;
	uint64_t n_notes;
	const char *result; /* in the request's format, when it has ended; borrowed */
	size_t result_size;
	struct mixd_error error;
};
void job_look(struct job *job, struct job_view *ret);
/* Note IDX below n_notes, copied. */
bool job_note_at(struct job *job, uint64_t idx, bool *ret_warning, char *item, size_t item_size,
		 char *text, size_t text_size);
struct job *job_free(struct job *job); /* its thread has ended */
