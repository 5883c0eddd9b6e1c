/* state_internal.h - the store with another file layer: for tests. */
#pragma once

#include "state_io.h"
#include "state_store.h"

#define STATE_ROTATE_RECORDS 512u
#define STATE_ROTATE_BYTES (4u << 20)
#define STATE_COMPACT_RECORDS 256u

/* IO is borrowed and must outlive the store. */
int state_store_open_io(const char *folder, const struct state_io *io, struct state_store **ret,
			struct mixd_error *err);
