/* mixd_jobs.h - the verbs that work on files, as data: words, options, help.
 *
 * WHAT        One row per verb, one file per row (job_<verb>.c). mixctl makes parsing, help, completion
 *             and the manual page from it; the daemon checks requests by it and reads typed values.
 *             Every verb also takes the options of the client (-o, --quiet, --jobs).
 * THREADS     immutable. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum mixd_job_kind {
	MIXD_JOB_FLAG,
	MIXD_JOB_TEXT,
	MIXD_JOB_PATH, /* a file or a folder; relative to the caller's folder */
	MIXD_JOB_NUMBER, /* with the unit, which may be left out: "-14LUFS" "192kbps" "2" */
	MIXD_JOB_SPAN, /* "800ms" "1.5s" "2m" "1:02:03.5": seconds for the daemon */
	MIXD_JOB_CHOICE,
};

struct mixd_job_option {
	const char *name; /* without dashes; NULL ends the table */
	char letter; /* 0: none */
	enum mixd_job_kind kind;
	const char *value_name; /* "FILE"; NULL for flags */
	const char *doc; /* one line, no full stop */
	const char *unit; /* NUMBER: "LUFS" "dBTP" "Hz" "kbps" "bits" ""; NULL: none */
	double min, max; /* NUMBER and SPAN; equal: any */
	const char *const *choices; /* CHOICE; NULL-terminated */
	bool repeats; /* may be given more than once */
};

struct mixd_job_verb {
	const char *name; /* NULL ends the table */
	const char *words; /* "FILE..." */
	const char *doc; /* one line */
	const char *more; /* paragraphs; may be NULL */
	const char *examples; /* lines "command # what it does"; may be NULL */
	int min_args, max_args; /* max -1: any number */
	const struct mixd_job_option *options; /* may be NULL */
	/* NULL, or the option without which this is a verb of the running daemon, which helps with both. */
	const char *only_with;
	bool is_signed; /* words may begin with a minus: -200ms */
};

/* Ends with NULL. */
extern const struct mixd_job_verb *const mixd_job_verbs[];

/* NULL when there is none. */
const struct mixd_job_verb *mixd_job_verb_find(const char *name);
const struct mixd_job_option *mixd_job_option_find(const struct mixd_job_verb *verb,
						   const char *name);
/* NULL when TEXT is a value of OPTION, else why not (static or in BUF). *ret: the number, in the
 * option's unit (seconds for a span, index of a choice, 1 for a flag). */
const char *mixd_job_value(const struct mixd_job_option *option, const char *text, double *ret,
			   char *buf, size_t size);
