/* state_store.h - journal and snapshots of one instance.
 *
 * WHAT        FOLDER/journal: append-only records, each length, CRC-32C, protobuf (revision, time,
 *             identity, operations, inverse). FOLDER/snapshot, snapshot.1, snapshot.2:
 *             generations, written whole, fsync and rename. Acknowledged = written to the journal;
 *             persisted = fsynced.
 * THREADS     [main]
 * INVARIANTS  S1 kill -9 at any moment loses no acknowledged commit.
 *             S2 a torn tail is cut and reported.
 *             S3 a corrupt middle falls back to the last good state and says which revisions were
 *                lost.
 *             S4 nothing is deleted before its successor is durable; a damaged file is kept aside,
 *                never overwritten. */
#pragma once

#include "instance.h"

struct state_store;

/* Create or open FOLDER (0700). */
int state_store_open(const char *folder, struct state_store **ret, struct mixd_error *err);
struct state_store *state_store_close(struct state_store *store);
/* Bring INSTANCE to the last good state. *ret_found false when there was none. Reports what was cut
 * or lost through REPORT (for log and alarm). */
int state_store_restore(struct state_store *store, struct instance *instance, bool *ret_found,
			void (*report)(void *data, const char *text), void *data,
			struct mixd_error *err);
/* Hooks for instance_new(). */
int state_store_append(struct state_store *store, const struct instance_commit *commit,
		       const struct graph_model *model, struct mixd_error *err);
int state_store_persist(struct state_store *store, struct mixd_error *err);
/* Write a snapshot and begin a new journal when the present one is worth it (at a clean stop). Its
 * failure loses nothing. */
void state_store_compact(struct state_store *store, const struct graph_model *model,
			 uint64_t revision);
