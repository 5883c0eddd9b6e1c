/* instance.h - one session: the model, the engine, the revision, history, and who is told.
 *
 * WHAT        The only way to change a running graph. A transaction goes: check the revision ->
 *             apply to the model -> engine_prepare() -> journal -> engine_submit() -> tell. Any
 *             failure before the journal leaves model, journal and sound as they were.
 * THREADS     [main]
 * INVARIANTS  I1 a revision is handed out once, and only after the journal has it.
 *             I2 history holds the last INSTANCE_HISTORY_MAX commits with their inverses.
 *             I3 an envelope is in the model while it plays: one that has arrived leaves it without
 *                a revision, and listeners hear of an envelope without points. After a restart
 *                none plays; params are where envelopes were going.
 * NOT HERE    sockets (control/), files (state/), PipeWire (pipewire/): they hang on the hooks,
 *             wired by main.c. */
#pragma once

#include "engine.h"
#include "graph_presets.h"

#define INSTANCE_HISTORY_MAX 1000u

struct instance;

struct instance_commit {
	uint64_t revision;
	uint64_t unix_ms;
	char by[64];
	uint8_t session[32];
	uint32_t session_size;
	uint64_t req_id;
	char summary[160];
	struct graph_delta *delta; /* owned by history; NULL for commits restored without inverse */
};

struct instance_hooks {
	void *data;
	/* Make the commit durable (write, not fsync). -errno refuses the transaction. */
	int (*journal)(void *data, const struct instance_commit *commit,
		       const struct graph_model *model, struct mixd_error *err);
	/* Make everything up to now survive a power cut. */
	int (*persist)(void *data, struct mixd_error *err);
};

/* Told after a commit, in order of registration: control publishes, pipewire follows the boundary
 * nodes. */
struct instance_listener {
	void *data;
	void (*committed)(void *data, const struct instance_commit *commit);
	/* alarms, clock changes, node events: anything for the event stream. CHANGE is borrowed. */
	void (*happened)(void *data, const Mixd__V1__Change *change);
};

struct instance_request {
	Mixd__V1__Op *const *ops;
	uint32_t n_ops;
	uint64_t if_revision; /* 0: no condition */
	bool dry_run;
	const char *by;
	const uint8_t *session;
	uint32_t session_size;
	uint64_t req_id;
};

struct instance_result {
	uint64_t revision;
	uint64_t ticket; /* for engine_applied(); 0 when nothing changed */
	Mixd__V1__Change **changes; /* borrowed from history, or owned by the result when dry_run */
	uint32_t n_changes;
	struct graph_delta *owned; /* dry_run */
};

int instance_new(const char *name, const struct graph_types *types, struct engine *engine,
		 const struct instance_hooks *hooks, struct instance **ret, struct mixd_error *err);
struct instance *instance_free(struct instance *instance);

int instance_transact(struct instance *instance, const struct instance_request *request,
		      struct instance_result *ret_result, struct mixd_error *err);
void instance_result_done(struct instance_result *result);
/* A new commit that takes back the last COUNT (undo), or all after TO_REVISION (rollback). Undoing
 * an undo redoes. */
int instance_undo(struct instance *instance, uint32_t count, const struct instance_request *request,
		  struct instance_result *ret_result, struct mixd_error *err);
int instance_rollback(struct instance *instance, uint64_t to_revision,
		      const struct instance_request *request, struct instance_result *ret_result,
		      struct mixd_error *err);

/* Run the persist hook: everything up to now survives a power cut (wait PERSISTED). */
int instance_persist(struct instance *instance, struct mixd_error *err);

/* Restore, before anything runs: the model of a snapshot (taken), its revision, then commits
 * replayed (ops and inverse borrowed). */
int instance_restore_graph(struct instance *instance, struct graph_model *model, uint64_t revision,
			   struct mixd_error *err);
int instance_restore_commit(struct instance *instance, const struct instance_commit *commit,
			    Mixd__V1__Op *const *ops, uint32_t n_ops, struct mixd_error *err);

const struct graph_model *instance_model(const struct instance *instance);
struct engine *instance_engine(const struct instance *instance);
uint64_t instance_revision(const struct instance *instance);
const char *instance_name(const struct instance *instance);
/* Newest first: IDX 0 is the last commit. NULL past the end. */
const struct instance_commit *instance_history(const struct instance *instance, uint32_t idx);

int instance_listen(struct instance *instance, const struct instance_listener *listener);
/* Raise (count up) or end an alarm; listeners are told. */
void instance_alarm(struct instance *instance, const char *id, const char *address, bool active,
		    const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* The alarms in force (active), borrowed. */
uint32_t instance_alarms(const struct instance *instance, const Mixd__V1__Alarm *const **ret);
void instance_happened(struct instance *instance, const Mixd__V1__Change *change);

/* ---- solo (instance_solo.c): for the moment, in no revision ---- */

struct instance_soloed {
	uint64_t uid;
	enum graph_solo mode;
	uint64_t until_ns; /* monotonic; 0: until it is taken away */
};
struct instance_solo_wish {
	char *const *patterns;
	size_t n_patterns;
	enum graph_solo mode; /* OFF: take it away; of all without patterns */
	bool only; /* and end all others */
	uint32_t for_ms;
	const char *by;
};
/* All or nothing; *ret_ticket as of a transaction, 0 when nothing changed. -ENOENT, -EINVAL. */
int instance_solo(struct instance *instance, const struct instance_solo_wish *wish,
		  uint64_t *ret_ticket, struct mixd_error *err);
/* Borrowed until the next call of anything. */
uint32_t instance_soloed(const struct instance *instance, const struct instance_soloed **ret);
uint64_t instance_now_ns(void);

/* ---- the time line (instance_transport.c): for the moment, in no revision ---- */

struct instance_transport_wish {
	const char *op; /* "play" "stop" "locate" "loop" "unloop" */
	const char *position, *end; /* texts; "" */
	const char *by;
};
/* -ENOENT (no such marker), -EINVAL, -EAGAIN. */
int instance_transport(struct instance *instance, const struct instance_transport_wish *wish,
		       struct mixd_error *err);
/* *RET with texts that are borrowed until the next call of anything. */
void instance_transport_state(struct instance *instance, Mixd__V1__TransportState *ret);

/* ---- presets (instance_presets.c): adr/0009 ---- */

/* OWN is written to, CONFIG is the administrator's; both may be NULL. */
int instance_set_presets(struct instance *instance, const char *own, const char *config);
struct instance_preset {
	const char *from; /* "own" "config" "mixd" */
	const struct graph_preset *preset;
};
struct instance_presets {
	struct instance_preset *rows; /* one per name */
	uint32_t n_rows;
	struct mixd_error faults[4]; /* files that cannot be read */
	uint32_t n_faults;
	struct graph_presets *lists[4];
};
/* Returned: instance_presets_free(). */
int instance_presets(const struct instance *instance, const struct graph_type *type,
		     struct instance_presets **ret, struct mixd_error *err);
struct instance_presets *instance_presets_free(struct instance_presets *presets);
/* What NODE is set to becomes our own preset NAME of its type; NODE NULL: that goes. */
int instance_save_preset(struct instance *instance, const struct graph_type *type,
			 const struct graph_node *node, const char *name, const char *doc,
			 struct mixd_error *err);

/* What the clock says of itself; set by the backend, read by control. */
struct instance_clock {
	char state[16]; /* "running" "waiting" "disconnected" "offline" */
	char text[200];
	uint32_t rate, quantum;
	uint64_t xruns, frames_lost;
};
void instance_set_clock(struct instance *instance, const struct instance_clock *clock);
const struct instance_clock *instance_clock(const struct instance *instance);
/* engine_maintain() and its events turned into alarms and changes. */
void instance_maintain(struct instance *instance);
