/* job.h - verbs that work on files (proto/jobs): the command line, a daemon of our own, the wait.
 *
 * WHAT        mixctl checks words and options by the table, starts `mixd --jobs` in a folder of its
 *             own, sends StartJob, shows progress, cancels on ^C, prints the result. With --instance
 *             or --host it asks that daemon instead.
 * THREADS     one; a signal handler sets a flag. */
#pragma once

#include "mixctl.h"

#include "mixd_jobs.h"

struct job_line { /* what was typed */
	const struct mixd_job_verb *verb;
	char **args;
	size_t n_args;
	Mixd__V1__JobOption **options;
	size_t n_options;
};

/* The verb that the command line names, if it is one of these. */
const struct mixd_job_verb *job_find(int argc, char **argv);
/* False: m->err says why. */
bool job_parse(struct mixctl *m, const struct mixd_job_verb *verb, int argc, char **argv,
	       struct job_line *ret);
/* Parse, run, print; the exit code. */
int job_main(struct mixctl *m, const struct mixd_job_verb *verb, int argc, char **argv);

/* ---- job_daemon.c ---- */
/* Start a daemon for this call and connect to it. False: m->err says why. */
bool job_daemon_start(struct mixctl *m);
/* False: it has ended by itself; m->err says how. */
bool job_daemon_lives(struct mixctl *m);
/* End it, wait for it, remove its folder. */
void job_daemon_stop(void);

/* ---- job_help.c ---- */
void job_help(const struct mixd_job_verb *verb);
void job_man(const struct mixd_job_verb *verb);
/* What can be written, and what beside sound it has a place for. */
void job_help_formats(void);
void job_man_formats(void);

/* ---- help_session.c: what stands in a session file ---- */
void help_session(void);
void help_man_session(void);

/* "-o, --output FILE" */
char *job_option_text(const struct mixd_job_option *option);
