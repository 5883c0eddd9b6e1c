/* pw_backend.h - the live clock: PipeWire drives the engine.
 *
 * WHAT        One pw_filter is the engine node; boundary nodes of the model become its ports,
 *             virtual sinks, virtual sources, captures, outputs (design 11, reference
 *             pipewire.md). Follows the model's commits.
 * THREADS     [main]; the process callback on PipeWire's data thread.
 * LIFE        Lives through a missing, dying and returning PipeWire; says so in instance_clock and
 *             alarms. */
#pragma once

#include "instance.h"
#include "loop.h"

struct pw_backend;

/* INSTANCE, LOOP borrowed. REMOTE: socket name, or NULL for $PIPEWIRE_REMOTE / the default. Never
 * fails for want of a server: it waits. */
int pw_backend_new(struct loop *loop, struct instance *instance, const char *remote,
		   struct pw_backend **ret, struct mixd_error *err);
struct pw_backend *pw_backend_free(struct pw_backend *backend);
/* True while cycles advance, or while there is legitimately nothing to drive us (for the watchdog).
 */
bool pw_backend_healthy(struct pw_backend *backend);
