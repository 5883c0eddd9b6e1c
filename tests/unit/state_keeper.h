/* state_keeper.h - what tests of the state share: a daemon's worth of it in a folder of its own, and a disk
 * that fails.
 *
 * THREADS     one. */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "state_format.h"
#include "state_internal.h"
#include "test.h"

/* A daemon's worth of state: types, engine, instance, store. */
struct keeper {
	struct graph_types *types;
	struct engine *engine;
	struct instance *instance;
	struct state_store *store;
	bool found;
	char report[4096];
	int open_result;
	struct mixd_error error;
};

extern char keeper_folder[64];
void keeper_make_folder(void);
void keeper_remove_folder(void);
/* Files in it. keeper_slurp(): owned by the caller. */
bool keeper_exists(const char *name);
uint8_t *keeper_slurp(const char *name, size_t *ret_size);
void keeper_spill(const char *name, const uint8_t *bytes, size_t size);

/* A disk that fails at the Nth operation. */
extern struct keeper_disk_faults {
	int countdown, fault;
	bool half; /* a write that fails has done half of it */
	bool fast; /* sync does nothing: what is tested is not the power cut */
} keeper_disk;
extern const struct state_io keeper_disk_io;

struct keeper *keeper_open(const struct state_io *io);
void keeper_close(struct keeper *keeper);
int keeper_add(struct keeper *keeper, const char *name);
/* Set a.gain to one of 2,000 values: the commit that is NUMBER. */
int keeper_set(struct keeper *keeper, uint64_t number);
double keeper_gain(const struct keeper *keeper);
double keeper_gain_of(uint64_t number); /* what keeper_set() sets */
