/* media_together.h - several finished files that get their names together, or not at all: inside
 * daemon/render only.
 *
 * WHAT        All are on disk before the first gets its name. What a name stood for before is kept until
 *             the last has its own; a failure puts everything back. Nothing but the renames themselves
 *             lies between the first and the last.
 * LIMITS      What ends the machine or the process between two renames leaves old and new side by side,
 *             each of them whole. A file system that can neither exchange names nor link (FAT) cannot
 *             give back what was replaced.
 * THREADS     one at a time. */
#pragma once

#include <stdint.h>

#include "media_temp.h"

enum media_place_state {
	MEDIA_PLACE_OPEN, /* nothing done yet, or undone */
	MEDIA_PLACE_NEW, /* there was nothing before */
	MEDIA_PLACE_EXCHANGED, /* what was there has the temporary name */
	MEDIA_PLACE_LINKED, /* what was there has the name `old` */
	MEDIA_PLACE_REPLACED, /* what was there is gone */
};

struct media_place {
	int folder_fd;
	const char *temp, *name; /* in that folder; borrowed */
	const char *goal; /* for words; borrowed */
	/* --- filled in --- */
	enum media_place_state state;
	char *old;
	int old_fd; /* of what was there: its lock tells other writers that it is no litter */
};

/* PLACES of files that are complete and fsynced. */
int media_places_take(struct media_place *place, uint32_t n, struct mixd_error *err);
/* fsync and media_places_take(). On failure the temporary files are as they were. */
int media_temp_commit_all(struct media_temp *const *temp, uint32_t n, struct mixd_error *err);
