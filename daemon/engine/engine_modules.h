/* engine_modules.h - load node types from shared objects.
 *
 * WHAT        Every *.so in the install folder and in each folder of $MIXD_NODE_PATH
 *             (':'-separated, searched first). A module with another ABI number or other struct
 *             sizes, without `mixd_module`, with a faulty table or with an id that is taken is
 *             refused with the reason; the others load.
 * THREADS     [main], at start. */
#pragma once

#include "graph_types.h"

struct engine_modules;

/* REFUSED is called for each module that was not taken. Types go into TYPES, which must be freed
 * first. */
int engine_modules_load(struct graph_types *types,
			void (*refused)(void *data, const char *path, const char *reason),
			void *data, struct engine_modules **ret, struct mixd_error *err);
/* The folder the modules were installed to, or of the build tree when run from there. */
const char *engine_modules_folder(void);
struct engine_modules *engine_modules_free(struct engine_modules *modules);
