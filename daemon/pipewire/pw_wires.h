/* pw_wires.h - the links we keep: wanted pairs of ports, made and remade.
 *
 * WHAT        A round: pw_wires_begin(), pw_wires_want() for each pair, pw_wires_settle(). Links
 *             that are no longer wanted go, missing ones are made, links of others between the same
 *             ports serve as well. A refused link is tried again after PW_WIRE_RETRY_MS.
 * THREADS     [main], outside PipeWire's dispatch. */
#pragma once

#include "pw_world.h"

#define PW_WIRE_RETRY_MS 500

struct pw_wire;

struct pw_wires {
	struct pw_wire *first;
	void (*changed)(void *data); /* a link went: run another round */
	void *data;
};

void pw_wires_begin(struct pw_wires *wires);
void pw_wires_want(struct pw_wires *wires, const struct pw_world_object *from,
		   const struct pw_world_object *to);
/* True when a link waits to be tried again. */
bool pw_wires_settle(struct pw_wires *wires, struct pw_core *core, const struct pw_world *world,
		     uint64_t now_ns);
void pw_wires_done(struct pw_wires *wires);
