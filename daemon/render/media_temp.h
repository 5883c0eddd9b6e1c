/* media_temp.h - the temporary file beside a goal: inside daemon/render only.
 *
 * WHAT        ".NAME.XXXXXX.part" in the goal's folder, locked (flock) as long as somebody writes it.
 *             Another locked one means another writer; one that nobody holds was left by a writer
 *             that died, and is removed.
 * THREADS     one at a time. */
#pragma once

#include <sys/types.h>

#include "error.h"

struct media_temp {
	char *goal; /* owned; the path as it was given: for words */
	char *name; /* owned; the goal's name in its folder; links are followed */
	char *temp; /* owned; the temporary name in the folder; NULL: nothing to remove */
	int fd, folder_fd;
	mode_t mode; /* of the file that is replaced; 0: new */
};

/* -EBUSY: somebody else writes PATH. */
int media_temp_open(struct media_temp *temp, const char *path, struct mixd_error *err);
/* Say that writing failed with ERROR (an errno). Returns -ERROR. */
int media_temp_failed(const struct media_temp *temp, int error, struct mixd_error *err);
/* The same of a PATH. */
int media_temp_cannot(const char *path, int error, struct mixd_error *err);
/* Another temporary name of the goal NAME, or NULL: no memory. */
char *media_temp_name(const char *name);
/* fsync, rename, fsync the folder. */
int media_temp_commit(struct media_temp *temp, struct mixd_error *err);
/* Removes what was not committed. */
void media_temp_done(struct media_temp *temp);
/* Bytes that are free where the file is, or -1. */
int64_t media_temp_free_bytes(const struct media_temp *temp);
