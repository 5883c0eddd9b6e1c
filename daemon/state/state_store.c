/* state_store.c - see state_store.h.
 *
 * Order of a rotation (S4): snapshot.tmp written and fsynced; older snapshots renamed away;
 * snapshot.tmp renamed; folder fsynced; then the same with a new, empty journal. Whatever step is
 * the last, state_image.c reads the same state from what is there, because each file says which
 * revision it begins at. */
#include "state_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cleanup.h"
#include "state_image.h"

#define ASIDE_MAX 999

struct state_store {
	const struct state_io *io;
	char folder[200];
	int folder_fd, lock_fd, journal_fd;
	uint64_t journal_size; /* bytes that are good */
	uint32_t journal_records;
	uint32_t rotate_at; /* records; later after a failed rotation */
	bool dirty_tail; /* behind journal_size stands part of a refused record */
	bool aside[2 * STATE_GENERATIONS]; /* damaged: to be renamed before generations shift */
};

DEFINE_CLEANUP(graph_model_free, struct graph_model *)

static uint64_t state_unix_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

static int state_fail(struct state_store *store, int r, const char *what, struct mixd_error *err)
{
	error_set(err, ERROR_RESOURCE, store->folder, "cannot %s: %s", what, strerror(-r));
	error_hint(err, r == -ENOSPC ? "free some space on that disk; nothing was changed"
				     : "look at the disk and the folder's rights; nothing was "
				       "changed");
	return r;
}

/* ---- open and close ---- */

static int state_make_folder(const char *folder)
{
	char path[256];
	size_t n = strlen(folder);

	if (!n || n >= sizeof(path))
		return -ENAMETOOLONG;
	strcpy(path, folder);
	for (size_t i = 1; i <= n; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		path[i] = '\0';
		if (mkdir(path, 0700) < 0 && errno != EEXIST)
			return -errno;
		path[i] = folder[i];
	}
	return 0;
}

static int state_store_start(struct state_store *store, struct mixd_error *err)
{
	int r = state_make_folder(store->folder);

	if (r < 0)
		return state_fail(store, r, "make the state folder", err);
	store->folder_fd = open(store->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (store->folder_fd < 0)
		return state_fail(store, -errno, "open the state folder", err);
	store->lock_fd = openat(store->folder_fd, "state.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (store->lock_fd < 0)
		return state_fail(store, -errno, "open the lock file", err);
	if (flock(store->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		error_set(err, ERROR_CONFLICT, store->folder, "another mixd keeps its state here");
		error_hint(err, "stop it, or give another --state-dir");
		return -EBUSY;
	}
	return 0;
}

int state_store_open_io(const char *folder, const struct state_io *io, struct state_store **ret,
			struct mixd_error *err)
{
	struct state_store *store = calloc(1, sizeof(*store));
	int r;

	if (!store)
		return error_set(err, ERROR_RESOURCE, folder, "out of memory");
	store->io = io;
	store->folder_fd = store->lock_fd = store->journal_fd = -1;
	store->rotate_at = STATE_ROTATE_RECORDS;
	if (snprintf(store->folder, sizeof(store->folder), "%s", folder) >=
	    (int)sizeof(store->folder))
		r = state_fail(store, -ENAMETOOLONG, "use the state folder", err);
	else
		r = state_store_start(store, err);
	if (r < 0) {
		state_store_close(store);
		return r;
	}
	*ret = store;
	return 0;
}

int state_store_open(const char *folder, struct state_store **ret, struct mixd_error *err)
{
	return state_store_open_io(folder, &state_io_system, ret, err);
}

struct state_store *state_store_close(struct state_store *store)
{
	if (!store)
		return NULL;
	if (store->journal_fd >= 0) {
		store->io->sync(store->io->data, store->journal_fd);
		close(store->journal_fd);
	}
	if (store->lock_fd >= 0)
		close(store->lock_fd);
	if (store->folder_fd >= 0)
		close(store->folder_fd);
	free(store);
	return NULL;
}

/* ---- new files ---- */

/* Make NAME with these bytes, durable. *ret_fd: open for appending; NULL: closed. */
static int state_write_file(struct state_store *store, const char *name, const uint8_t *bytes,
			    size_t size, int *ret_fd)
{
	const struct state_io *io = store->io;
	int fd =
		io->open(io->data, store->folder_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND);
	int r;

	if (fd < 0)
		return fd;
	r = state_io_write_all(io, fd, bytes, size);
	if (r == 0)
		r = io->sync(io->data, fd);
	if (r == 0 && ret_fd) {
		*ret_fd = fd;
		return 0;
	}
	close(fd);
	if (r < 0)
		io->unlink(io->data, store->folder_fd, name);
	return r;
}

/* NEW becomes names[0]; what had that name becomes names[1], and so on. */
static int state_shift(struct state_store *store, const char *new_name, const char *const *names)
{
	const struct state_io *io = store->io;
	int r = 0;

	for (uint32_t i = STATE_GENERATIONS - 1; i > 0; i--) {
		r = io->rename(io->data, store->folder_fd, names[i - 1], names[i]);
		if (r < 0 && r != -ENOENT)
			return r;
	}
	r = io->rename(io->data, store->folder_fd, new_name, names[0]);
	return r < 0 ? r : io->sync(io->data, store->folder_fd);
}

/* "journal" -> "journal.damaged.1": kept, never overwritten. */
static int state_put_aside(struct state_store *store, const char *name)
{
	char aside[64];
	int r;

	for (int n = 1; n <= ASIDE_MAX; n++) {
		snprintf(aside, sizeof(aside), "%s.damaged.%d", name, n);
		if (faccessat(store->folder_fd, aside, F_OK, 0) < 0)
			break;
	}
	r = store->io->rename(store->io->data, store->folder_fd, name, aside);
	return r == -ENOENT ? 0 : r;
}

/* The state that replaces them is durable: now the damaged files may change their names. */
static int state_put_all_aside(struct state_store *store)
{
	for (uint32_t i = 0; i < 2 * STATE_GENERATIONS; i++) {
		int r = 0;

		if (store->aside[i])
			r = state_put_aside(store,
					    i < STATE_GENERATIONS
						    ? state_snapshot_names[i]
						    : state_journal_names[i - STATE_GENERATIONS]);
		if (r < 0)
			return r;
		store->aside[i] = false;
	}
	return 0;
}

static int state_new_snapshot(struct state_store *store, const struct graph_model *model,
			      uint64_t revision)
{
	Mixd__V1__SnapshotFile snapshot = MIXD__V1__SNAPSHOT_FILE__INIT;
	_cleanup_free_ uint8_t *bytes = NULL;
	size_t size = 0;
	int r;

	snapshot.revision = revision;
	snapshot.unix_ms = state_unix_ms();
	snapshot.graph = graph_model_to_proto(model);
	if (snapshot.graph)
		bytes = state_snapshot_encode(&snapshot, &size);
	mixd__v1__graph__free_unpacked(snapshot.graph, NULL);
	if (!bytes)
		return -ENOMEM;
	r = state_write_file(store, "snapshot.tmp", bytes, size, NULL);
	if (r == 0)
		r = state_put_all_aside(store);
	return r < 0 ? r : state_shift(store, "snapshot.tmp", state_snapshot_names);
}

static int state_new_journal(struct state_store *store, uint64_t revision)
{
	uint8_t header[STATE_JOURNAL_HEADER];
	int fd = -1, r;

	state_journal_header(revision, header);
	r = state_write_file(store, "journal.tmp", header, sizeof(header), &fd);
	if (r < 0)
		return r;
	r = state_shift(store, "journal.tmp", state_journal_names);
	if (r < 0) {
		close(fd);
		return r;
	}
	if (store->journal_fd >= 0)
		close(store->journal_fd);
	store->journal_fd = fd;
	store->journal_size = sizeof(header);
	store->journal_records = 0;
	store->dirty_tail = false;
	store->rotate_at = STATE_ROTATE_RECORDS;
	return 0;
}

static int state_rotate(struct state_store *store, const struct graph_model *model,
			uint64_t revision)
{
	int r = state_new_snapshot(store, model, revision);

	if (r == 0)
		r = state_new_journal(store, revision);
	/* The present journal serves on; it is only longer than it should be. */
	if (r < 0)
		store->rotate_at = store->journal_records + STATE_ROTATE_RECORDS / 8;
	return r;
}

void state_store_compact(struct state_store *store, const struct graph_model *model,
			 uint64_t revision)
{
	if (store && store->journal_fd >= 0 && store->journal_records >= STATE_COMPACT_RECORDS)
		state_rotate(store, model, revision);
}

/* ---- append ---- */

static uint8_t *state_encode_commit(const struct instance_commit *commit, size_t *ret_size)
{
	Mixd__V1__JournalRecord record = MIXD__V1__JOURNAL_RECORD__INIT;

	record.revision = commit->revision;
	record.unix_ms = commit->unix_ms;
	record.by = (char *)(uintptr_t)commit->by;
	record.session.data = (uint8_t *)(uintptr_t)commit->session;
	record.session.len = commit->session_size;
	record.req_id = commit->req_id;
	record.summary = (char *)(uintptr_t)commit->summary;
	if (commit->delta) {
		record.done = commit->delta->done;
		record.n_done = commit->delta->n_done;
		record.inverse = commit->delta->inverse;
		record.n_inverse = commit->delta->n_inverse;
	}
	return state_record_encode(&record, ret_size);
}

/* Take back what a failed write left, so that the next record stands behind a good one. */
static int state_cut_tail(struct state_store *store)
{
	int r = store->io->truncate(store->io->data, store->journal_fd, store->journal_size);

	store->dirty_tail = r < 0;
	return r;
}

int state_store_append(struct state_store *store, const struct instance_commit *commit,
		       const struct graph_model *model, struct mixd_error *err)
{
	_cleanup_free_ uint8_t *bytes = NULL;
	size_t size = 0;
	int r = 0;

	/* No journal: the start could not make one. MODEL already holds this commit, so a snapshot
	 * keeps it, even when the journal behind it fails again. */
	if (store->journal_fd < 0) {
		r = state_new_snapshot(store, model, commit->revision);
		if (r < 0)
			return state_fail(store, r, "write a snapshot", err);
		state_new_journal(store, commit->revision);
		return 0;
	}
	if (store->dirty_tail)
		r = state_cut_tail(store);
	if (r < 0)
		return state_fail(store, r, "repair the journal", err);
	bytes = state_encode_commit(commit, &size);
	if (!bytes) {
		error_set(err, ERROR_RESOURCE, store->folder, "the commit is too large to keep");
		error_hint(err, "split the transaction");
		return -EFBIG;
	}
	r = state_io_write_all(store->io, store->journal_fd, bytes, size);
	if (r < 0) {
		state_cut_tail(store);
		return state_fail(store, r, "write the journal", err);
	}
	store->journal_size += size;
	store->journal_records++;
	if (store->journal_records >= store->rotate_at || store->journal_size > STATE_ROTATE_BYTES)
		state_rotate(store, model, commit->revision);
	return 0;
}

int state_store_persist(struct state_store *store, struct mixd_error *err)
{
	int r = -EIO;

	if (store->journal_fd >= 0)
		r = store->io->sync(store->io->data, store->journal_fd);
	if (r < 0) {
		error_set(err, ERROR_RESOURCE, store->folder, "cannot sync the journal: %s",
			  strerror(-r));
		error_hint(err, "the change is in force and written, but may not survive a power "
				"cut");
	}
	return r;
}

/* ---- restore ---- */

struct state_restore {
	struct state_store *store;
	struct instance *instance;
	struct state_image image;
	void (*report)(void *data, const char *text);
	void *data;
};

static __attribute__((format(printf, 2, 3))) void state_tell(struct state_restore *restore,
							     const char *fmt, ...)
{
	char text[600];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (restore->report)
		restore->report(restore->data, text);
}

static int state_base_model(struct state_restore *restore, struct graph_model **ret)
{
	const Mixd__V1__SnapshotFile *base = restore->image.base;
	Mixd__V1__Graph nothing = MIXD__V1__GRAPH__INIT;
	struct mixd_error error = {0};
	int r = graph_model_from_proto(instance_model(restore->instance)->types,
				       base && base->graph ? base->graph : &nothing, ret, &error);

	if (r < 0)
		state_tell(restore, "the snapshot of revision %llu cannot be used: %s: %s%s%s",
			   (unsigned long long)(base ? base->revision : 0), error.address,
			   error.text, *error.hint ? "; " : "", error.hint);
	return r;
}

static bool state_same_graph(const struct graph_model *model, const Mixd__V1__Graph *want)
{
	Mixd__V1__Graph *have = graph_model_to_proto(model);
	size_t size = have && want ? mixd__v1__graph__get_packed_size(want) : 0;
	_cleanup_free_ uint8_t *x = malloc(size + 1), *y = malloc(size + 1);
	bool same = have && want && x && y && mixd__v1__graph__get_packed_size(have) == size;

	if (same) {
		mixd__v1__graph__pack(have, x);
		mixd__v1__graph__pack(want, y);
		same = memcmp(x, y, size) == 0;
	}
	mixd__v1__graph__free_unpacked(have, NULL);
	return same;
}

static int state_restore_record(struct state_restore *restore,
				const Mixd__V1__JournalRecord *record)
{
	struct instance_commit commit = {
		.revision = record->revision, .unix_ms = record->unix_ms, .req_id = record->req_id};
	struct mixd_error error = {0};
	int r;

	snprintf(commit.by, sizeof(commit.by), "%s", record->by);
	snprintf(commit.summary, sizeof(commit.summary), "%s", record->summary);
	commit.session_size =
		(uint32_t)(record->session.len < sizeof(commit.session) ? record->session.len
									: sizeof(commit.session));
	if (commit.session_size)
		memcpy(commit.session, record->session.data, commit.session_size);
	r = instance_restore_commit(restore->instance, &commit, record->done,
				    (uint32_t)record->n_done, &error);
	if (r < 0)
		state_tell(restore, "revision %llu (%s) cannot be replayed: %s: %s",
			   (unsigned long long)record->revision, record->summary, error.address,
			   error.text);
	return r;
}

/* Whether the older journal leads from the older snapshot to the newest: tried on a copy. */
static bool state_history_holds(struct state_restore *restore)
{
	struct state_image *image = &restore->image;
	_cleanup_(graph_model_freep) struct graph_model *model = NULL;

	if (state_base_model(restore, &model) < 0)
		return false;
	for (size_t i = 0; i < image->n_records; i++) {
		const Mixd__V1__JournalRecord *record = image->records[i];
		struct graph_delta *delta = NULL;

		if (record->revision > image->newest->revision)
			break;
		if (graph_txn_apply(model, record->done, (uint32_t)record->n_done, &delta, NULL) <
		    0)
			return false;
		graph_delta_free(delta);
	}
	return state_same_graph(model, image->newest->graph);
}

/* Base and records into the instance. */
static int state_replay(struct state_restore *restore)
{
	struct state_image *image = &restore->image;
	struct graph_model *model = NULL;
	struct mixd_error error = {0};
	int r;

	if (image->newest && !state_history_holds(restore)) {
		state_tell(restore,
			   "the older journal does not lead to the snapshot of revision "
			   "%llu: history begins there",
			   (unsigned long long)image->newest->revision);
		state_image_skip_to_newest(image);
	}
	if (image->base) {
		r = state_base_model(restore, &model);
		if (r == 0)
			r = instance_restore_graph(restore->instance, model, image->base->revision,
						   &error);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < image->n_records; i++) {
		if (state_restore_record(restore, image->records[i]) == 0)
			continue;
		state_tell(restore,
			   "revisions %llu to %llu are lost: the state is that of revision %llu",
			   (unsigned long long)image->records[i]->revision,
			   (unsigned long long)image->revision,
			   (unsigned long long)instance_revision(restore->instance));
		image->damaged[STATE_GENERATIONS] = true;
		break;
	}
	return 0;
}

/* Go on with the journal that is there. */
static int state_resume_journal(struct state_restore *restore)
{
	struct state_store *store = restore->store;
	const struct state_image *image = &restore->image;
	int fd = store->io->open(store->io->data, store->folder_fd, state_journal_names[0],
				 O_WRONLY | O_APPEND);

	if (fd < 0)
		return fd;
	store->journal_fd = fd;
	store->journal_size = image->journal_size;
	store->journal_records = image->journal_records;
	return state_cut_tail(store);
}

/* Make the folder ready for appending. */
static void state_restore_files(struct state_restore *restore)
{
	struct state_image *image = &restore->image;
	struct state_store *store = restore->store;
	uint64_t revision = instance_revision(restore->instance);
	bool damaged = false;
	int r;

	for (uint32_t i = 0; i < 2 * STATE_GENERATIONS; i++) {
		store->aside[i] = image->damaged[i];
		damaged |= image->damaged[i];
	}
	if (image->journal_usable && !damaged)
		r = state_resume_journal(restore);
	else if (!image->found)
		r = state_new_journal(store, revision);
	else
		r = state_rotate(store, instance_model(restore->instance), revision);
	if (r < 0)
		state_tell(restore,
			   "cannot write the journal in %s: %s; changes are refused until "
			   "that is mended",
			   store->folder, strerror(-r));
}

int state_store_restore(struct state_store *store, struct instance *instance, bool *ret_found,
			void (*report)(void *data, const char *text), void *data,
			struct mixd_error *err)
{
	struct state_restore restore = {
		.store = store, .instance = instance, .report = report, .data = data};
	int r = state_image_load(store->folder_fd, instance_revision(instance), &restore.image,
				 report, data, err);

	if (r < 0)
		return r;
	r = state_replay(&restore);
	if (r < 0) {
		/* Nothing could be used; all of it stays, for somebody who knows. */
		for (uint32_t i = 0; i < 2 * STATE_GENERATIONS; i++)
			restore.image.damaged[i] = true;
		restore.image.n_records = 0;
	}
	*ret_found = r == 0 && (restore.image.base || restore.image.n_records);
	state_restore_files(&restore);
	state_image_done(&restore.image);
	return 0;
}
