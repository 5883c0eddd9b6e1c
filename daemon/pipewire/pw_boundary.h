/* pw_boundary.h - one boundary node of the model and what PipeWire shows of it.
 *
 * WHAT        input sink    filter inputs, a null-audio-sink adapter that applications can pick
 *             input source  filter inputs, linked from a source (or a sink's monitor)
 *             input app     filter inputs, linked from an application's stream
 *             output sink   a triggered stream that the session manager routes ("@default"), or
 *                           filter outputs that we link to the named target
 *             output source a virtual microphone: a triggered Audio/Source stream; without a
 *                           session manager an Audio/Source/Virtual adapter that we feed
 *             none          bare ports, for links made by hand
 * THREADS     [main]; the slot is shared with the audio thread (pw_cycle_rt.h).
 * NOT HERE    which boundaries there are: pw_follow.c. */
#pragma once

#include "graph_layout.h"
#include "pw_cycle_rt.h"
#include "pw_wires.h"

enum pw_boundary_device { PW_DEVICE_NONE, PW_DEVICE_SINK, PW_DEVICE_SOURCE, PW_DEVICE_APP };

/* What the model asks for. Texts are borrowed for the call, owned in the boundary. */
struct pw_boundary_spec {
	uint64_t uid;
	uint32_t slot_idx;
	bool is_output;
	enum pw_boundary_device device;
	char *name, *label, *target;
	const struct mixd_layout *layout;
	bool managed; /* made for a session manager to route */
	uint32_t manager_epoch; /* virtual sinks: which one has configured it */
};

/* Where a boundary lives. Borrowed. */
struct pw_home {
	const char *instance; /* "onair" */
	const char *node_name; /* of the filter: "mixd.onair" */
	struct pw_core *core;
	struct pw_filter *filter;
	void (*changed)(void *data);
	void *data;
};

struct pw_boundary {
	struct pw_boundary *next;
	struct pw_boundary_spec spec;
	struct pw_home home;
	struct pw_cycle_slot *slot;
	struct pw_proxy *adapter;
	struct spa_hook adapter_listener, stream_listener;
	uint32_t adapter_id; /* SPA_ID_INVALID until bound */
	bool has_stream;
	bool broken; /* its adapter or stream failed: make it anew */
	uint64_t broken_ns;
	bool seen; /* of this round of pw_follow */
	uint64_t leave_ns; /* out of the model; gone at this time. 0: stays */
	uint64_t missing_ns; /* without its device since; 0: has it */
	bool alarmed;
};

/* Every mixd's nodes begin with this; the default device is never one of them. */
#define PW_OWN_PREFIX "mixd."

int pw_boundary_new(const struct pw_home *home, const struct pw_boundary_spec *spec,
		    struct pw_boundary **ret);
/* The slot must have left the audio thread's table. */
struct pw_boundary *pw_boundary_free(struct pw_boundary *boundary);
/* Whether SPEC needs other objects than the boundary has. */
bool pw_boundary_fits(const struct pw_boundary *boundary, const struct pw_boundary_spec *spec);
/* Ask for its links. FILTER_ID: global id of the filter. */
void pw_boundary_wire(const struct pw_boundary *boundary, const struct pw_world *world,
		      uint32_t filter_id, struct pw_wires *wires);
/* Whether an output to a sink could be linked by ourselves: its device is there, with ports. */
bool pw_boundary_could_link(const struct pw_boundary *boundary, const struct pw_world *world);
/* Whether somebody plays into its virtual sink. */
bool pw_boundary_in_use(const struct pw_boundary *boundary, const struct pw_world *world);
/* True when a device is wanted and not there. */
bool pw_boundary_misses_device(const struct pw_boundary *boundary, const struct pw_world *world,
			       uint32_t filter_id);
