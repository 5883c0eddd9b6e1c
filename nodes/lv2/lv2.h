/* lv2.h - what the files of the LV2 host share: the tables of a plug-in, a running plug-in, and the
 * memory between a node and the process its plug-in lives in.
 *
 * WHAT        A type "lv2:<URI>" is made by resolve() from the plug-in's Turtle (lv2_world_setup.c,
 *             lv2_table_setup.c); no code of the plug-in runs for that. A plug (lv2_plug*.c) is one
 *             instance of the plug-in's code, in the helper mixd-lv2 (isolate=process) or here
 *             (isolate=none). lv2_blocks.c carries blocks to and from a plug that takes whole
 *             blocks; lv2.c runs one directly.
 * SOURCE      LV2 1.18.4, http://lv2plug.in/ns/ : lv2core, atom, buf-size, log, options, state,
 *             units, urid, worker.
 * INVARIANTS  L1 the audio thread never waits for a plug-in in another process, unless offline.
 *             L2 nothing that the helper can write decides where the node reads or writes.
 *             L3 what was handed over is played exactly `hand` frames later, or not at all.
 *             L4 a helper never outlives its node, nor the process that started it. */
#pragma once

#include <stdatomic.h>
#include <sys/types.h>

#include <mixd/node.h>

#define LV2_SCHEME "lv2"
#define LV2_PATH_MAX 1024u
#define LV2_WORDS_MAX 192u
#define LV2_TEXT_MAX (1u << 20) /* bytes of a plug-in's state as text */
#define LV2_INLINE_MAX 4000u /* more goes to a file: GRAPH_TEXT_MAX is 4096 */
#define LV2_PORTS_MAX 4096u
#define LV2_AUDIO_MAX MIXD_CHANNELS_MAX
#define LV2_BLOCK_MIN 64u
#define LV2_BLOCK_MAX 1024u
#define LV2_RESERVE_MAX 131072u

/* ---- a plug-in's ports, as the host uses them ---- */

enum lv2_role {
	LV2_ROLE_NONE, /* optional, and connected to nothing */
	LV2_ROLE_IN, /* index: audio channel */
	LV2_ROLE_OUT,
	LV2_ROLE_KEY, /* index: channel of the side-chain */
	LV2_ROLE_PARAM, /* index: param row */
	LV2_ROLE_METER, /* index: meter row behind our own */
	LV2_ROLE_LATENCY,
	LV2_ROLE_HELD, /* a control that the host holds at `value` (enabled, free-wheeling) */
	LV2_ROLE_CV_IN, /* a signal held at `value` */
	LV2_ROLE_CV_OUT,
	LV2_ROLE_ATOM_IN, /* an empty sequence in every block */
	LV2_ROLE_ATOM_OUT, /* read for state:StateChanged */
};

struct lv2_port {
	uint16_t role; /* enum lv2_role */
	uint16_t index;
	float value;
};

/* How a param's value becomes that of its port. */
struct lv2_param {
	double factor; /* port = value * factor */
	bool of_rate; /* lv2:sampleRate: times the sample rate, too */
	const float *points; /* enum: value of each label */
	uint32_t n_points;
};

enum lv2_config {
	LV2_CONFIG_ISOLATE,
	LV2_CONFIG_BLOCK,
	LV2_CONFIG_RESERVE,
	LV2_CONFIG_STATE,
	LV2_CONFIG_COUNT_
};
enum lv2_isolate { LV2_ISOLATE_PROCESS, LV2_ISOLATE_NONE };

/* Meter `health`. */
enum lv2_health {
	LV2_HEALTH_GOOD,
	LV2_HEALTH_STARTING,
	LV2_HEALTH_LATE,
	LV2_HEALTH_CRASHED,
	LV2_HEALTH_HUNG,
	LV2_HEALTH_INVALID, /* not a number, or above +60 dBFS */
	LV2_HEALTH_REFUSED,
	LV2_HEALTH_MISSING, /* a stand-in for what is not installed any more */
	LV2_HEALTH_COUNT_
};
enum lv2_meter { LV2_METER_HEALTH, LV2_METER_RELAUNCHES, LV2_METER_COUNT_ };

/* A type made from a plug-in. Lives as long as the process. */
struct lv2_type {
	struct mixd_node_type type; /* first */
	char *uri, *library, *bundle;
	struct lv2_port *ports;
	uint32_t n_ports;
	struct lv2_param *params;
	uint32_t n_in, n_out, n_key; /* audio channels of one instance of the plug-in */
	bool per_channel; /* mono: as many instances as the layout has channels */
	bool any_layout; /* main ports follow config `layout`, n_in channels wanted */
	bool wants_fixed, wants_power_of_two, has_latency, has_state;
	bool missing; /* a stand-in, made from what was kept: no plug-in, no `library`, no `ports` */
	bool used_before; /* it ran here in an earlier process: now, nothing it does refuses a graph */
	bool kept; /* by this process */
};

/* ---- one instance of a plug-in's code ---- */

struct lv2_plug;

struct lv2_plug_setup {
	const char *uri, *library, *bundle;
	const struct lv2_port *ports;
	uint32_t n_ports;
	double rate;
	uint32_t min_frames, max_frames; /* of one run */
	bool offline; /* jobs of the plug-in are done inside run() */
	bool speaks; /* its log goes to stderr */
	/* The plug-in has a job for lv2_plug_work(). [rt] */
	void (*work_wanted)(void *data);
	void *data;
};

/* -errno with words. [main] */
int lv2_plug_new(const struct lv2_plug_setup *setup, struct lv2_plug **ret,
		 char words[LV2_WORDS_MAX]);
struct lv2_plug *lv2_plug_free(struct lv2_plug *plug);
/* State from text; before the first run. -EINVAL when it cannot be read. [main] */
int lv2_plug_restore(struct lv2_plug *plug, const char *text);
/* State to text, while it may be running. Length, or -errno. [worker] */
int lv2_plug_save(struct lv2_plug *plug, char *ret_text, size_t size);
/* lv2:deactivate and lv2:activate: forget the past. Not while running. */
void lv2_plug_restart(struct lv2_plug *plug);
/* Jobs that the plug-in has scheduled. [worker] */
void lv2_plug_work(struct lv2_plug *plug);
/* PARAM: port values by param row. METER: by meter row, stride in values. [rt] */
void lv2_plug_run(struct lv2_plug *plug, const float *param, const float *const *in,
		  const float *const *key, float *const *out, uint32_t n_frames);
void lv2_plug_meters(const struct lv2_plug *plug, float *ret, uint32_t stride);
uint32_t lv2_plug_latency(const struct lv2_plug *plug);
/* True once after the plug-in has said that its state changed. [rt] */
bool lv2_plug_changed(struct lv2_plug *plug);

/* ---- memory shared with a helper ---- */

#define LV2_SHARE_MAGIC 0x326c786du
#define LV2_SLOTS_MAX 4096u

enum lv2_phase { LV2_PHASE_STARTING, LV2_PHASE_READY, LV2_PHASE_REFUSED };

/* Offsets into the segment; made by lv2_frame_make(), and recomputed by nobody. */
struct lv2_frame {
	uint32_t block, slots, copies; /* slots: a power of two */
	uint32_t n_ports, n_params, n_meters; /* meters of one copy */
	uint32_t in_channels, key_channels, out_channels; /* of a slot, all copies */
	uint32_t n_in, n_key, n_out; /* of one copy */
	size_t at_ports, at_queue, at_slots, slot_bytes;
	size_t slot_param, slot_meter, slot_in, slot_out; /* within a slot */
	size_t warm_bytes; /* touched before the audio thread comes */
	size_t at_text_in, at_text_out, bytes;
};

#define LV2_SLOT_RESTART (1u << 0) /* forget the past before this block */

struct lv2_slot {
	_Atomic uint64_t ready; /* helper: block number + 1 */
	uint32_t flags; /* node */
	uint32_t latency; /* helper: the plug-in's, after this block */
};

struct lv2_share {
	/* --- immutable after init: what the helper reads --- */
	uint32_t magic;
	pid_t parent;
	double rate;
	bool offline;
	struct lv2_frame frame;
	char uri[LV2_PATH_MAX], library[LV2_PATH_MAX], bundle[LV2_PATH_MAX];
	/* --- shared: atomic --- */
	_Alignas(64) _Atomic uint32_t asked; /* blocks handed over; the helper waits on it */
	_Atomic uint32_t quit;
	_Alignas(64) _Atomic uint32_t done; /* blocks given back; a render waits on it */
	_Atomic uint32_t sleeping; /* the helper waits: wake it */
	_Atomic uint32_t phase; /* enum lv2_phase; main waits on it */
	_Atomic uint32_t latency; /* the plug-in's, when ready */
	_Atomic uint32_t captured; /* states written to text_out */
	_Atomic uint32_t taken; /* node: those that were read */
	char words[LV2_WORDS_MAX]; /* why it refuses */
};

void lv2_frame_make(struct lv2_frame *frame);

static inline struct lv2_slot *lv2_share_slot(const struct lv2_share *share,
					      const struct lv2_frame *frame, uint64_t block)
{
	return (struct lv2_slot *)((char *)(uintptr_t)share + frame->at_slots +
				   (block & (frame->slots - 1)) * frame->slot_bytes);
}

static inline float *lv2_slot_floats(const struct lv2_slot *slot, size_t at)
{
	return (float *)((char *)(uintptr_t)slot + at);
}

/* ---- a node ---- */

enum lv2_link { /* how a node and its helper stand */
		LV2_LINK_UP,
		LV2_LINK_BROKEN, /* rt: mend it (with the worker) */
		LV2_LINK_DOWN, /* worker: nobody is there any more */
		LV2_LINK_LAUNCH, /* rt: start a new one (with the worker) */
		LV2_LINK_AWAITED, /* worker: it was started */
};
enum lv2_job { LV2_JOB_MEND, LV2_JOB_LAUNCH, LV2_JOB_CHECK, LV2_JOB_RESTART, LV2_JOB_WORK };

struct lv2_fade {
	double from, to;
	uint32_t done, frames; /* frames 0: at rest at `to` */
};

struct lv2_node {
	/* --- immutable after init --- */
	const struct lv2_type *type;
	struct lv2_frame frame;
	bool local; /* isolate=none */
	bool direct; /* ... and run as time is cut, without blocks */
	bool absent; /* nothing to run: dry */
	uint32_t latency; /* as reported */
	uint32_t main_in, main_out;
	struct lv2_plug **plugs; /* local: one per copy */
	struct lv2_share *share; /* blocks; local: nobody shares it */
	int memory_fd;
	char *state_text; /* what a new helper is given */
	/* --- main and worker, never both --- */
	pid_t child;
	/* --- rt --- */
	struct mixd_inst *current; /* whose process() is under way */
	bool fresh; /* nothing was taken in since reset() */
	bool restart; /* the next block forgets the past */
	bool dropping; /* the block under way has no room */
	uint64_t position, since; /* next frame; first frame taken in */
	uint32_t own_latency; /* the plug-in's, as the output is aligned to */
	uint32_t hand; /* frames from taking in to playing: latency - own_latency */
	uint32_t required; /* ... and how many the clock asks for at least */
	uint64_t
		slice_position; /* where the slice began, and how much of the clock's block before it */
	uint32_t slice_done;
	uint32_t asked;
	uint64_t playing; /* number of the block in `now`, + 1; 0: none */
	uint64_t *full; /* per slot: what was handed over last, + 1 */
	float *now, *next; /* out_channels blocks: played, and to be checked */
	float *dry; /* main_in rings of dry_mask + 1 */
	float *pad; /* direct: out_channels rings of dry_mask + 1; or NULL */
	uint32_t dry_mask;
	float *param, *meter; /* values of ports */
	float *blend; /* a slice of weights */
	struct lv2_fade fade; /* weight of what the plug-in gives */
	bool conceal; /* the plug-in's part is played out of `now`, to and fro */
	uint32_t conceal_at;
	bool align; /* the fade goes to 0 in order to align anew */
	uint32_t streak, wanted_streak; /* blocks in time while dry */
	uint64_t wet_since;
	uint32_t stuck_done; /* no progress of the helper since ... */
	uint64_t stuck_since, checked_at, link_since;
	uint32_t pending; /* job + 1 that the worker had no room for */
	uint32_t backoff_ms, relaunches;
	uint32_t own_seen; /* a new latency of the plug-in, since ... */
	uint64_t own_since;
	uint32_t health, told_health;
	uint32_t reserve, told_reserve; /* frames that should be reserved; 0: enough is */
	uint64_t told_capture_at;
	/* --- shared: atomic --- */
	_Atomic uint32_t link; /* enum lv2_link */
	_Atomic uint32_t cause; /* enum lv2_health: why the link broke */
	_Atomic bool dead; /* the helper has ended */
	_Atomic bool restarting; /* local: the worker restarts the plugs */
	_Atomic uint32_t captured, taken; /* local: states said to have changed, and read */
};

/* lv2_blocks.c [rt] */
void lv2_blocks_process(struct mixd_inst *inst, const struct mixd_call *call);
/* N frames of the main input, at AT of the call, to be had again from POSITION on ... */
void lv2_dry_take(struct mixd_inst *inst, uint64_t position, uint32_t at, uint32_t n);
/* ... LATENCY frames later, by output channel C. */
void lv2_dry_play(const struct mixd_inst *inst, uint32_t c, uint64_t position, float *out,
		  uint32_t n);
/* lv2_link.c: whether a helper is there. [rt] */
void lv2_link_keep(struct mixd_inst *inst, uint64_t position);
void lv2_link_break(struct mixd_inst *inst, enum lv2_health why);
bool lv2_submit(struct mixd_inst *inst, enum lv2_job job);
/* lv2.c [rt] */
void lv2_process(const struct mixd_call *call);
void lv2_reset(struct mixd_inst *inst);
bool lv2_update(struct mixd_inst *inst, const struct mixd_update *update);
void lv2_params(const struct mixd_inst *inst, float *ret);
void lv2_meters(struct mixd_inst *inst, const float *meter);
/* One run of local plug I, whatever it does to the rounding mode. */
void lv2_run_local(struct lv2_node *node, uint32_t i, const float *const *in,
		   const float *const *key, float *const *out, uint32_t n);
void lv2_tell(struct mixd_inst *inst);

/* lv2_setup.c [main] [worker] */
int lv2_needs(const struct mixd_setup *setup, struct mixd_need *ret_need, struct mixd_fault *fault);
int lv2_activate(struct mixd_inst *inst, struct mixd_fault *fault);
void lv2_deactivate(struct mixd_inst *inst);
void lv2_work(struct mixd_inst *inst, uint32_t job);
int lv2_capture(struct mixd_inst *inst, uint32_t config, char *ret_text, size_t size,
		struct mixd_fault *fault);

/* lv2_child_setup.c: a helper. [main] [worker] */
struct lv2_share *lv2_share_new(const struct lv2_type *type, const struct lv2_frame *frame,
				double rate, bool offline, const char *state_text, int *ret_fd);
void lv2_share_free(struct lv2_share *share, size_t bytes, int fd);
/* Make SHARE as it was for a new helper. */
void lv2_share_renew(struct lv2_share *share, const struct lv2_frame *frame);
int lv2_child_start(int memory_fd, pid_t *ret_pid, char words[LV2_WORDS_MAX]);
/* Wait until it is ready. 0; -ETIMEDOUT; -ENOEXEC: refused; -EPIPE: it has died (and is gone). */
int lv2_child_await(struct lv2_share *share, pid_t *pid, uint32_t timeout_ms,
		    char words[LV2_WORDS_MAX]);
/* True when it has ended by itself (and is gone); *ret_signal: by which signal, or 0. */
bool lv2_child_ended(pid_t *pid, int *ret_signal);
void lv2_child_stop(struct lv2_share *share, pid_t *pid, bool at_once);

/* lv2_table_setup.c: the rows and functions that all types have */
void lv2_table_common(struct lv2_type *type);
extern const struct mixd_meter_row lv2_own_meters[LV2_METER_COUNT_];

/* lv2_kept_setup.c: what TYPE looks like, kept for the day when the plug-in is gone. [main] */
void lv2_kept_write(struct lv2_type *type);
bool lv2_kept_has(const char *uri);
/* A stand-in, because of WHY. NULL: nothing is kept, and *fault is as it was; or what is kept is no
 * good, and *fault says so. */
struct lv2_type *lv2_kept_read(const char *uri, const char *why, struct mixd_fault *fault);

/* lv2_keep_setup.c: states too long for a config live in files. [main] */
/* The path of file NAME in the state folder, which need not be there; -errno. */
int lv2_keep_path(const char *name, char *ret, size_t size);
/* Put TEXT in place of what is at PATH, whole or not at all. */
int lv2_keep_store(const char *path, const char *text);
/* 32 hexadecimal digits for TEXT. */
void lv2_keep_name(const char *text, char ret[40]);
int lv2_keep_write(const char *text, char *ret_text, size_t size, struct mixd_fault *fault);
/* What config `plugin_state` stands for. *ret: free() it. */
int lv2_keep_read(const char *config, char **ret, struct mixd_fault *fault);

/* lv2_state_setup.c: properties <-> one line of text */
struct lv2_props {
	struct lv2_prop {
		char *key, *type;
		void *value;
		size_t size;
		uint32_t flags, key_urid, type_urid;
	} * items;
	uint32_t n;
};
void lv2_props_done(struct lv2_props *props);
int lv2_props_add(struct lv2_props *props, const char *key, const char *type, const void *value,
		  size_t size);
/* Length, or -ENOSPC. Sorted by key. */
int lv2_props_write(struct lv2_props *props, char *ret_text, size_t size);
int lv2_props_read(struct lv2_props *props, const char *text);
