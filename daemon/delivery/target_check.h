/* target_check.h - whether a file can be written, asked before work that takes long.
 *
 * THREADS     [any] */
#pragma once

#include <stdbool.h>

#include "job.h"

/* PATH is absolute. -ENOENT: its folder is not there; -EISDIR: it is a folder. What else may go wrong
 * shows when it is written. */
int target_check(const char *path, struct mixd_error *err);
/* Both are one file, or would be: "x.mp3", "./x.mp3", a link to it. Both are absolute. */
bool target_is(const char *path, const char *other);
/* What OPTION of JOB names can be written, is none of the files that the job is given as words or by options to be
 * read, and none of its outputs. 0 when the option is not given; -EEXIST. */
int target_check_option(const struct job *job, const char *option, struct mixd_error *err);
/* PATH is not the file that OPTION of JOB names to be read. -EEXIST. */
int target_check_read(const struct job *job, const char *path, const char *option,
		      struct mixd_error *err);
