/* job_private.h - what job.c and job_result.c share. */
#pragma once

#include <pthread.h>

#include "job.h"

struct job_option {
	const struct mixd_job_option *row;
	char *value;
	double number;
};
struct job_note {
	bool is_warning;
	char *item, *text;
};

/* job_result.c: names of files come from anywhere. What a terminal would obey, and what is no UTF-8,
 * becomes a question mark. */
void job_disarm(char *text);

struct job {
	/* --- immutable after init --- */
	const struct mixd_job_verb *row;
	const struct delivery_verb *verb;
	struct job_hooks hooks;
	char **args;
	uint32_t n_args;
	struct job_option *options;
	uint32_t n_options;
	char *folder;
	char format[8];
	/* --- the job's thread --- */
	json_t *json;
	char *print; /* lines for people */
	size_t print_size, print_room;
	bool keeps_result;
	/* --- shared: atomic --- */
	struct task task;
	/* --- shared: under lock --- */
	pthread_mutex_t lock;
	enum job_state state;
	char stage[32], item[160];
	double done_s, total_s, stage_began_s;
	struct job_note *notes;
	uint64_t n_notes;
	bool is_negative;
	char *result;
	size_t result_size;
	struct mixd_error error;
};

bool job_format_is_known(const char *format);
/* The result in the job's format. *ret: malloc'd. */
int job_result_text(struct job *job, char **ret, size_t *ret_size, struct mixd_error *err);
