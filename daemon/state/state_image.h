/* state_image.h - what the files of a state folder amount to.
 *
 * WHAT        Reads every generation and decides: the snapshot to start from, and the records that
 *             lead on from it without a gap. File names do not matter to it (each file says which
 *             revision it begins at), so a rotation may be interrupted between any two renames.
 *             It starts one generation back when that leads to the newest snapshot without a gap:
 *             the older journal is the history to undo.
 * THREADS     [main] */
#pragma once

#include "error.h"
#include "state_format.h"

#define STATE_GENERATIONS 3u /* snapshot, snapshot.1, snapshot.2; journals likewise */
extern const char *const state_snapshot_names[STATE_GENERATIONS];
extern const char *const state_journal_names[STATE_GENERATIONS];

struct state_image {
	Mixd__V1__SnapshotFile *base; /* NULL: begin with an empty graph */
	Mixd__V1__SnapshotFile *newest; /* NULL, or newer than base: replay must pass through it */
	Mixd__V1__JournalRecord **records; /* contiguous, behind base */
	size_t n_records;
	uint64_t revision; /* after all records; of base when there are none */
	bool found; /* there was something */
	/* the file "journal", to go on with */
	bool journal_usable; /* false: damaged or absent; a new one is needed */
	uint64_t journal_size; /* its good part */
	uint32_t journal_records;
	bool damaged[2 * STATE_GENERATIONS]; /* snapshots, then journals: to be kept aside */
};

/* FIRST_REVISION: that of an instance that has seen nothing. REPORT is told, in words, what was
 * cut, damaged or lost. -EPROTONOSUPPORT with *err when a file
 * comes from a newer mixd; nothing is changed on disk. */
int state_image_load(int folder_fd, uint64_t first_revision, struct state_image *ret,
		     void (*report)(void *data, const char *text), void *data,
		     struct mixd_error *err);
void state_image_done(struct state_image *image);
/* Forget base and what leads to `newest`; begin there. */
void state_image_skip_to_newest(struct state_image *image);
