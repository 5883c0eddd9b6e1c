/* engine_internal.h - what the files of the engine share: instances, links, plans, changes.
 *
 * WHAT        Instances (engine_inst) and link states (engine_link) persist; a plan (engine_plan)
 *             is the wiring of one moment: it holds, for each instance in it, a view
 *             (engine_node) with the pointers of this plan. Main prepares a plan whole; the audio
 *             thread swaps one pointer, moves the lanes whose bank changed, and gives the old plan
 *             back inside the engine_change that replaced it.
 * THREADS     each struct groups its fields. What main writes before a change is submitted, and
 *             rt after it was applied, is published by the command ring.
 * INVARIANTS  S1 instances, links and banks live while a plan or the main lists refer to them; the
 *                counts are main's.
 *             S2 rt never allocates or frees: plans and events come and go inside changes.
 *             S3 everything audible is a function of the position in frames, never of the way in
 *                which time is cut into blocks or slices. */
#pragma once

#include <semaphore.h>
#include <pthread.h>

#include "engine_inst.h"
#include "engine_kernel_rt.h"
#include "graph_plan.h"
#include "ring_rt.h"

#define ENGINE_CHANGES_MAX 1024u /* in flight */
#define ENGINE_EVENTS_MAX 1024u
#define ENGINE_JOBS_MAX 256u
#define ENGINE_DISK_JOBS_MAX 2048u /* a node has one or two with the disk */
#define ENGINE_TRANSPORTS_MAX 64u
#define ENGINE_GAIN_MAX_BITS 0x447a0000u /* 1000.0f: +60 dBFS */

/* ---- links ------------------------------------------------------------------------------ */

struct engine_link {
	/* --- immutable after init --- */
	uint64_t uid;
	struct engine_inst *from, *to;
	uint32_t from_port, to_port, delay;
	uint32_t n_channels; /* of the source port */
	uint32_t ring_frames; /* power of two; 0: no delay */
	float *ring; /* channel after channel */
	/* --- main --- */
	uint32_t refs;
	bool placed; /* is in the newest plan */
	double target[2]; /* as last told to rt */
	uint64_t mark;
	/* --- rt --- */
	struct engine_fade gain[2]; /* of the input's left and right while SPLIT, else [0] of all */
	bool split;
	uint64_t quiet; /* frames of silence that went into the ring */
	/* --- shared: atomic --- */
	_Atomic bool faded; /* at rest at 0 */
};

static inline uint32_t engine_link_sides(const struct engine_link *link)
{
	return link->split ? 2 : 1;
}

/* Memory that is freed all at once. [main] */
struct engine_arena {
	struct engine_chunk *chunks;
	size_t used, size;
};
void *engine_arena_get(struct engine_arena *arena, size_t bytes); /* zeroed; NULL: no memory */
void engine_arena_done(struct engine_arena *arena);

/* ---- plans and changes ------------------------------------------------------------------ */

struct engine_bank {
	uint64_t id;
	uint32_t refs; /* main */
	uint32_t width, n_blocks, n_lanes, channels;
	uint32_t n_members;
	struct engine_inst **members; /* borrowed: only compared, while alive in a plan */
	double *state, *coef;
};

struct engine_step {
	enum graph_plan_kind kind;
	const struct mixd_node_type *type;
	struct engine_node *nodes;
	uint32_t n;
	bool has_bank, feedback, external;
	bool defers; /* the guard may look at its outputs later */
	bool brief; /* one node with one input or none: most of what can be does not concern it */
	bool looks; /* the guard looks before the next step is run */
	uint32_t n_fetch;
	const void **fetch; /* of a wide graph: what a slice looks at, for the cache */
	struct mixd_bank bank;
	struct mixd_inst **views;
};

struct engine_plan {
	struct engine_step *steps;
	uint32_t n_steps, n_banks;
	struct engine_node *nodes;
	uint32_t n_nodes;
	struct engine_node **externals; /* boundary nodes */
	uint32_t n_externals;
	uint32_t latency;
	struct engine_link **links; /* main: what it refers to */
	uint32_t n_links;
	struct engine_bank **banks;
	float *buffers;
	uint8_t *
		silent; /* the flags of all output ports, side by side: links look at nothing else */
	struct engine_arena arena; /* all arrays of the plan */
};

struct engine_param_event {
	struct engine_inst *inst;
	struct engine_node *node; /* in the plan in force when it is applied */
	uint32_t idx; /* graph_type.params */
	double value; /* as the node reads it */
	uint32_t frames;
	uint8_t curve;
	bool on_timeline; /* a stop: of the envelope there */
};

struct engine_link_event {
	struct engine_link *link;
	struct engine_node *to; /* in the plan in force when it is applied */
	double target[2];
	uint32_t hold_frames;
	uint32_t frames; /* 0: as all fades */
};

/* An instance is moved by other VCAs than before. */
struct engine_regroup_event {
	struct engine_inst *inst;
};

/* Lanes of an instance go from one bank to another. */
struct engine_move {
	const double *from_state, *from_coef;
	double *to_state, *to_coef;
	uint32_t from_width, to_width, words_state, words_coef, channels;
};

/* Main's lists: what should sound, and what still fades. */
struct engine_want_inst {
	struct engine_inst *inst;
	bool ghost;
};
struct engine_want_link {
	struct engine_link *link;
	bool ghost;
	bool sounding; /* ghosts: feeds a ghost, is not fading itself */
	double target[2]; /* factors: equal unless panned */
};
struct engine_want {
	struct engine_want_inst *insts;
	uint32_t n_insts;
	struct engine_want_link *links;
	uint32_t n_links;
	struct engine_inst **inst_by_uid; /* what lives, sorted */
	struct engine_link **link_by_uid;
	uint32_t n_inst_by_uid, n_link_by_uid;
	uint32_t *group_first; /* live instances, which come first: range in group, + 1 */
	struct engine_inst **group; /* the VCAs that move it; alive as long as the list */
	uint32_t n_grouped; /* entries of group_first, less one */
	bool deferred; /* links wait until ghosts are gone */
	uint32_t latency;
};

/* All markers, sorted; a list never changes: another one takes its place. */
struct engine_markers {
	uint32_t n;
	struct mixd_marker marker[];
};

struct engine_change {
	uint64_t ticket;
	bool topology;
	bool has_markers;
	struct engine_markers *markers; /* NULL: none; after it was applied: the old list */
	struct engine_plan *plan; /* to install; after it was applied: the old one */
	struct engine_param_event *params;
	uint32_t n_params;
	double *declared; /* main: per param event, the value in the model */
	struct engine_link_event *links;
	uint32_t n_links;
	struct engine_regroup_event *regroups;
	uint32_t n_regroups;
	struct engine_move *moves;
	uint32_t n_moves;
	struct engine_envelope **envelopes; /* to start */
	uint32_t n_envelopes;
	struct engine_param_event *stops; /* envelopes to end: inst and idx */
	uint32_t n_stops;
	struct engine_want want; /* main: becomes the engine's when submitted */
	struct engine_want_bank {
		struct engine_inst *inst;
		struct engine_bank *bank;
		uint32_t lane;
	} * banks;
	uint32_t n_banks;
	uint64_t position; /* rt: where it was applied */
};

/* What engine_transport_set() was given, and its number. */
struct engine_transport_event {
	struct engine_transport to;
	uint64_t count;
};

/* Written by rt once a block; whole when `turn` is even and has not changed. */
struct engine_transport_shared {
	_Atomic uint32_t turn;
	_Atomic bool is_rolling, is_locating, loop;
	_Atomic uint64_t position, loop_start, loop_end, count;
};

/* Nodes that have run, and at whose outputs nobody has looked yet: neither guard nor reader. */
#define ENGINE_GUARD_CHANNELS 16u
struct engine_guard {
	struct engine_node *node[ENGINE_GUARD_CHANNELS];
	float *out[ENGINE_GUARD_CHANNELS];
	uint32_t n_nodes, n_channels;
};

struct engine {
	/* --- immutable after init --- */
	struct engine_setup setup;
	struct mixd_host host;
	struct graph_types *own_types; /* what users do not see */
	const struct graph_type *tap_type;
	float *zeros; /* MIXD_SLICE_MAX */
	float *scratch; /* MIXD_SLICE_MAX: written by unused lanes */
	float *dry[MIXD_CHANNELS_MAX]; /* a slice each */
	float *delayed[MIXD_CHANNELS_MAX];
	double *sums; /* MIXD_SLICE_MAX per channel */
	double *ramp; /* MIXD_SLICE_MAX */
	void *memory;
	uint32_t fade_frames;
	/* --- main --- */
	struct engine_want want;
	bool running;
	bool lenient; /* nobody asked for this change: a file that is gone refuses nothing */
	bool prepared; /* a change is being held by the caller: the base must not move */
	uint64_t last_id, last_mark, last_ticket;
	uint64_t applied_ticket;
	uint64_t applied_at[ENGINE_CHANGES_MAX];
	uint32_t in_flight;
	int leases;
	struct engine_envelope *envelopes; /* playing or about to */
	uint64_t envelopes_ended;
	struct engine_inst *dying; /* nobody wants them, but a job is under way */
	uint64_t transport_sets;
	struct engine_transport transport_last;
	/* --- rt --- */
	struct engine_plan *plan;
	struct mixd_transport transport; /* at `position` */
	struct engine_markers *markers; /* or NULL */
	uint64_t transport_count; /* of the newest event that was taken */
	uint32_t transport_turn; /* how often it has begun to roll or jumped since */
	uint32_t transport_waits; /* frames: locating ends at the latest */
	uint32_t transport_holds; /* nodes that are not ready, in this slice */
	uint32_t transport_seen; /* the turn that instances with envelopes were woken for */
	uint64_t position;
	uint32_t busy; /* ramps and fades seen in the slice */
	uint32_t
		awake; /* nodes that were not asleep in the slice; boundary nodes that were not silent */
	bool resting; /* all asleep, nothing moves: the next slice is silent if its input is */
	bool want_wake;
	uint64_t load_busy_ns, load_frames, overload_at;
	double load_peak;
	const struct engine_cycle *cycle;
	uint32_t cycle_at; /* frames of the cycle that are done */
	struct engine_guard guard;
	/* --- shared: atomic --- */
	struct ring to_rt; /* struct engine_change * */
	struct ring to_main;
	struct ring events; /* struct engine_event */
	struct ring jobs; /* struct engine_job */
	struct ring disk_jobs; /* the same */
	struct ring transports; /* struct engine_transport_event */
	struct engine_transport_shared transport_shared;
	_Atomic uint64_t shared_position, shared_cycles, quarantines, events_lost;
	_Atomic double shared_load_mean, shared_load_peak;
	_Atomic uint32_t shared_busy, shared_steps, shared_banks;
	_Atomic bool leased, retire;
	_Atomic uint32_t readers; /* mask of readers that read */
	/* --- worker --- */
	pthread_t worker;
	bool worker_runs;
	sem_t worker_wake;
	_Atomic bool worker_quit;
	/* --- disk --- */
	pthread_t disk;
	bool disk_runs;
	sem_t disk_wake;
	_Atomic bool disk_quit;
};

struct engine_job {
	struct engine_inst *inst;
	uint32_t job;
};

/* From here on this thread takes denormals for 0, as the audio thread does. [worker] */
void engine_flush_denormals(void);

/* ---- math (engine_param_rt.c): the same bits on every machine ---------------------------- */
double engine_exp2(double x);
double engine_log2(double x); /* x > 0 */
/* What the node reads for a value in the row's unit. [any] */
double engine_visible(const struct mixd_param_row *row, double declared);
double engine_domain_value(uint8_t domain, double visible); /* [any] */
uint8_t engine_domain(const struct mixd_param_row *row, enum graph_curve curve); /* [any] */

/* ---- fades (engine_fade_rt.c) ------------------------------------------------------------ */
double engine_fade_at(const struct engine_fade *fade, uint64_t position);
/* Go to TARGET from where it is at POSITION, beginning at START. */
void engine_fade_go(struct engine_fade *fade, double target, uint64_t position, uint64_t start,
		    uint32_t frames);
/* At rest from POSITION on? Forgets an ended fade. */
bool engine_fade_rests(struct engine_fade *fade, uint64_t position);
void engine_fade_write(const struct engine_fade *fade, uint64_t position, double *out, uint32_t n);

/* Before the node runs: what must be kept of its input. True when it must process(). [rt] */
bool engine_inst_before(struct engine *engine, struct engine_node *node, uint32_t dry_first,
			uint64_t position, uint32_t n);
/* After: guard, crossfade, mute, flags. [rt] */
void engine_inst_after(struct engine *engine, struct engine_node *node, uint32_t dry_first,
		       bool ran, uint64_t position, uint32_t n);
/* Whole windows of silence at the input put a node to sleep; END: of the slice. [rt] */
void engine_inst_sleep(struct engine_node *node, uint64_t end);
void engine_inst_set_bypass(struct engine_inst *inst, struct engine_node *node, bool on,
			    uint64_t position);
void engine_inst_set_mute(struct engine_inst *inst, bool on, uint64_t position);
void engine_node_point(struct engine *engine, struct engine_node *node, bool dormant);
void engine_inst_publish_state(struct engine_inst *inst);

/* ---- the guard (engine_guard_rt.c) -------------------------------------------------------- */
/* NODE has run. */
static inline void engine_guard_add(struct engine_guard *guard, struct engine_node *node)
{
	uint32_t n_out = node->inst->n_out;

	guard->node[guard->n_nodes++] = node;
	for (uint32_t c = 0; c < n_out; c++)
		guard->out[guard->n_channels + c] = node->out[c];
	guard->n_channels += n_out;
}
/* engine_inst_after() for all that wait. */
void engine_guard_look(struct engine *engine, uint64_t position, uint32_t n);
/* Nothing is to be heard of the node until something comes in. */
bool engine_node_rests(const struct engine_node *node);

/* ---- the time line (engine_transport_rt.c) ------------------------------------------------ */
void engine_transport_take(struct engine *engine, const struct engine_transport_event *event);
void engine_transport_changes(struct engine *engine);
uint32_t engine_transport_cut(struct engine *engine, uint32_t n);
void engine_transport_slice(struct engine *engine); /* before it is run */
void engine_transport_advance(struct engine *engine, uint32_t n); /* after */
/* The time line at POSITION (not before the slice under way). */
uint64_t engine_transport_at(const struct engine *engine, uint64_t position);
void engine_transport_publish(struct engine *engine);
void engine_transport_rescale(struct engine *engine, double from_rate, double to_rate); /* main */
/* The markers of MODEL into CHANGE. -ENOMEM. [main] */
int engine_transport_markers(const struct engine *engine, const struct graph_model *model,
			     struct engine_change *change);
void engine_host_hold(struct mixd_inst *view) MIXD_RT;

/* ---- links (engine_link_rt.c) ------------------------------------------------------------ */
/* Bring the inputs: True when all ports are silent. [rt] */
bool engine_node_gather(struct engine *engine, struct engine_node *node, uint64_t position,
			uint32_t n);

/* ---- params (engine_param_rt.c) ---------------------------------------------------------- */
void engine_param_event(struct engine_inst *inst, const struct engine_param_event *event,
			uint64_t position);
void engine_envelope_begin(struct engine_envelope *envelope, uint64_t position);
void engine_envelope_end(struct engine_inst *inst, uint32_t param_idx);
void engine_line_end(struct engine_inst *inst, uint32_t param_idx, uint64_t position);
/* If a cell begins at POSITION: values at its end, update(). [rt] */
void engine_inst_cell(struct engine_node *node, uint64_t position);
/* The ramp's value at POSITION, without moving it on: VCAs run behind their members. */
double engine_param_at(const struct engine_inst *inst, uint32_t idx, uint64_t position);
/* The open cell ends at POSITION; all goes on from where it is. */
void engine_inst_cut_cell(struct engine_inst *inst, uint64_t position);
/* Jump: from == to == now. [rt], and [main] before the instance is handed over */
void engine_inst_jump(struct engine_node *node);

/* ---- VCAs (engine_group_rt.c) ------------------------------------------------------------ */
/* Something moves that NODE's gain follows. */
bool engine_group_moves(const struct engine_node *node);
/* Factor and gain at the end of the cell that begins. */
void engine_group_cell(struct engine_node *node);
/* A VCA's values are about to move: its members go along. */
void engine_group_wake(struct engine_node *vca, uint64_t position);
void engine_group_regroup(struct engine *engine, struct engine_inst *inst, uint64_t position);

/* ---- meters (engine_meter_rt.c) ---------------------------------------------------------- */
void engine_inst_fold(struct engine_inst *inst, uint32_t readers);
void engine_inst_publish(struct engine_inst *inst, uint32_t readers);
void engine_event_put(struct engine *engine, enum engine_event_kind kind,
		      const struct engine_inst *inst, uint32_t code, double value);
bool engine_host_submit(struct mixd_inst *view, uint32_t job) MIXD_RT;
bool engine_host_submit_disk(struct mixd_inst *view, uint32_t job) MIXD_RT;
void engine_host_event(struct mixd_inst *view, uint32_t code, double value) MIXD_RT;
void engine_host_wake(struct mixd_inst *view, uint32_t *word) MIXD_RT;
uint32_t engine_host_cycle(struct mixd_inst *view, uint32_t *ret_done) MIXD_RT;
bool engine_host_await_live(struct mixd_inst *view, const uint32_t *word, uint32_t seen,
			    uint32_t timeout_ms) MIXD_RT;

/* ---- main -------------------------------------------------------------------------------- */
/* The audio thread's part of a change. [rt], or [main] while nothing runs */
void engine_apply(struct engine *engine, struct engine_change *change, uint64_t position);

extern const struct mixd_node_type engine_tap_type; /* engine_tap_rt.c */

int engine_inst_new(struct engine *engine, const struct graph_node *node,
		    const struct graph_layouts *layouts, struct engine_inst **ret,
		    struct mixd_error *err);
bool engine_inst_fits(const struct engine_inst *inst, const struct graph_node *node,
		      const struct graph_layouts *layouts);
void engine_inst_unref(struct engine_inst *inst);
void engine_inst_bury(struct engine *engine); /* those whose jobs have ended */
struct engine_link *engine_link_new(const struct graph_link *link, struct engine_inst *from,
				    struct engine_inst *to, uint32_t delay);
void engine_link_unref(struct engine_link *link);
struct engine_bank *engine_bank_new(struct engine *engine, uint32_t width, uint32_t n_blocks,
				    uint32_t channels, struct engine_inst *const *members,
				    uint32_t n_members);
void engine_bank_unref(struct engine_bank *bank);
void *engine_alloc(size_t bytes); /* zeroed, 64-byte aligned (engine_memory.c) */
void engine_release(void *memory); /* NULL is fine */

/* What EXPANDED wants: instances and links, made where missing. (engine_want.c) */
int engine_want_model(struct engine *engine, const struct graph_expanded *expanded,
		      struct engine_change *change, struct mixd_error *err);
uint32_t engine_frames(const struct engine *engine, double ms);
static inline uint32_t engine_frames_rt(const struct engine *engine, double ms)
{
	return (uint32_t)(ms * engine->setup.rate / 1000.0 + 0.5);
}
/* Nothing in between. A FLOAT without a ramp jumps when it is set, but can be told to take time. */
bool engine_param_steps(const struct mixd_param_row *row);
/* Envelopes that begin, and those that are to stop. (engine_envelope.c) */
int engine_envelopes_change(struct engine *engine, const struct graph_model *model,
			    const struct graph_delta *delta, struct engine_change *change,
			    struct mixd_error *err);
/* Levels of links that change without a new plan. (engine_links.c) */
int engine_links_change(struct engine *engine, const struct graph_model *model,
			const struct graph_delta *delta, struct engine_change *change);
/* Solo decides which links are heard: the change takes a whole plan. */
bool engine_links_by_plan(const struct graph_model *model, const struct graph_delta *delta);
/* The time that was asked for, into the events of a plan. */
void engine_links_times(const struct engine *engine, const struct graph_delta *delta,
			struct engine_change *change);
/* Where events of links go; and the engine's list knows what they said. */
void engine_links_commit(struct engine *engine, struct engine_change *change);
/* What a link of the model is worth to each side. */
void engine_links_target(const struct graph_link *link, bool from_mono, double ret[2]);
/* VCAs (engine_group.c): the lists of WANT; the pointers of a plan; who is moved otherwise now. */
int engine_group_want(const struct graph_expanded *expanded, struct engine_want *want);
int engine_group_copy(const struct engine_want *from, struct engine_want *to);
int engine_group_plan(struct engine_plan *plan, const struct engine_want *want,
		      struct engine_node *const *node_of);
int engine_group_events(const struct engine_plan *plan, struct engine_change *change);
/* Add to WANT, which holds what lives, what still fades of the engine's. (engine_ghost.c) */
void engine_ghosts(struct engine *engine, struct engine_want *want);
/* Ghosts, plan, banks, events. (engine_build.c) */
int engine_build(struct engine *engine, struct engine_change *change, struct mixd_error *err);
void engine_want_done(struct engine_want *want);
int engine_want_index(struct engine_want *want);
struct engine_inst *engine_want_inst(const struct engine_want *want, uint64_t uid); /* or NULL */
struct engine_link *engine_want_link(const struct engine_want *want, uint64_t uid);
struct engine_plan *engine_plan_free(struct engine_plan *plan);
struct engine_change *engine_change_free(struct engine *engine, struct engine_change *change);

int engine_disk_start(struct engine *engine);
void engine_disk_stop(struct engine *engine);
void engine_disk_services(struct mixd_host *host, const struct engine_files *files);
int engine_worker_start(struct engine *engine);
void engine_worker_stop(struct engine *engine);
