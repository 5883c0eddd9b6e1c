/* pw_private.h - the backend's own state, shared by pw_backend.c, pw_follow.c and pw_report.c.
 *
 * THREADS     [main]; `cycle` is shared with the audio thread.
 * INVARIANTS  B1 PipeWire's callbacks only take note (`dirty`, `lost`); the work is done by
 *                pw_backend_settle() outside PipeWire's dispatch, where anything may be destroyed.
 *             B2 the filter and all boundaries die with the connection; the engine's state does
 *                not. */
#pragma once

#include "pw_backend.h"
#include "pw_boundary.h"
#include "pw_compat.h"
#include "pw_cycle_rt.h"
#include "pw_wires.h"
#include "pw_world.h"

#define PW_TICK_NS UINT64_C(100000000)
#define PW_MANAGER_GRACE_NS UINT64_C(300000000) /* a session manager may start after us */
#define PW_MANAGER_SETTLE_NS UINT64_C(500000000)
#define PW_ROUTE_NS UINT64_C(1000000000) /* unrouted for so long: we link it ourselves */
#define PW_STALL_NS UINT64_C(500000000) /* no cycle for so long: nothing drives us */
#define PW_HANG_NS UINT64_C(1000000000) /* inside one cycle for so long: hung */
#define PW_MISSING_NS UINT64_C(500000000) /* a device is missed before it is an alarm */
#define PW_LEAVE_NS UINT64_C(100000000) /* a removed boundary stays until it has faded */
#define PW_REMAKE_NS UINT64_C(1000000000) /* a failed virtual device is made anew after */
#define PW_XRUN_CALM_NS UINT64_C(10000000000) /* the xrun alarm ends after so long without */

struct pw_backend {
	/* --- immutable after init --- */
	struct loop *loop;
	struct instance *instance;
	char *remote;
	char node_name[96]; /* "mixd.onair" */
	struct pw_loop *pw_loop;
	struct pw_context *context;
	struct loop_source *fd_source, *tick, *wake;

	/* --- main: the connection --- */
	struct pw_core *core;
	struct spa_hook core_listener, filter_listener;
	struct pw_world world;
	struct pw_filter *filter;
	enum pw_filter_state filter_state;
	struct pw_boundary *boundaries;
	struct pw_wires wires;
	int sync_seq; /* of the round trips after connecting */
	uint32_t n_synced;
	uint64_t connected_ns;
	uint64_t manager_ns; /* a session manager has been there since; 0: there is none */
	uint32_t manager_epoch; /* how many there have been */
	bool managed, decided; /* whether a session manager runs, and has taken stock */
	bool dirty, lost, settling, engine_failed;
	int connect_errno;
	uint64_t shut_ns; /* since when the engine stands still; 0: it runs, or never ran */
	uint32_t latency_frames; /* as reported to PipeWire */

	/* --- main: what the tick has seen --- */
	uint64_t seen_count, seen_ns; /* cycles, and when they last advanced */
	uint64_t seen_xruns, xrun_ns;
	bool xrun_alarm, rights_checked;
	struct instance_clock clock;

	struct pw_cycle cycle; /* --- shared --- */
	struct pw_cycle_table *table; /* in force */
};

uint64_t pw_backend_now(void);
/* Everything is noted; do the work soon, outside PipeWire's dispatch. */
void pw_backend_touch(void *data);
/* No callback that began before this call is still running. */
void pw_backend_barrier(struct pw_backend *backend);

/* pw_follow.c: boundaries = the model's. True when something waits for a later tick. */
bool pw_follow_model(struct pw_backend *backend, uint64_t now_ns);
void pw_follow_drop_all(struct pw_backend *backend);

/* pw_report.c: clock state, alarms, latency. */
void pw_report(struct pw_backend *backend, uint64_t now_ns);
