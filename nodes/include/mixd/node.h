/* mixd/node.h - the node contract: everything a node type declares and everything it is given.
 *
 * WHAT        A node type is one `static const struct mixd_node_type`: tables of ports, params,
 *             configs and meters, and a handful of functions. The tables are the only place a
 *             value is described; validation, help, completion, the wire, forms and tests are
 *             derived from them. A module (one shared object) exports one `mixd_module` that lists
 *             its types.
 * THREADS     [main] the control thread; may allocate, may fail. [rt] the audio thread (or the
 *             loop of an offline render): may not allocate, lock, log, call the system or take
 *             unbounded time. Include <mixd/rt.h> LAST in a node's file. [worker] the engine's
 *             worker thread: may take long, may not allocate. [disk] the engine's thread for files:
 *             may wait for a disk, may allocate. [any] pure functions.
 * LIFE        needs() -> activate() -> { update() process() reset() }* -> deactivate() A new rate,
 *             layout or config makes a new instance; the engine crossfades from the old one.
 * TIME        The engine calls process() for slices of 1..MIXD_SLICE_MAX frames. Slices end at
 *             absolute multiples of MIXD_SLICE_MAX, so a block of any size gives the same bits.
 *             While a param of the instance moves, the engine works in cells that end at absolute
 *             multiples of MIXD_CELL frames (or where an event lands): update() once per cell,
 *             then process() for the cell, possibly in several pieces. A type that multiplies by a
 *             param interpolates linearly across the cell (dsp/ramp.h); a type with coefficients
 *             may hold them for the cell.
 * LANES       A laned type has its recursive state in an array over lanes (one lane = one channel
 *             of one instance). The engine puts equal instances side by side in a bank of `width`
 *             lanes and calls process() once for the bank. Word k of a lane is at lane[k * width].
 *             State words belong to the lane, and the engine moves them when the bank changes;
 *             grouped and alone give the same bits.
 * INVARIANTS  N1 process() writes every output channel for all n_frames.
 *             N2 in[] and out[] are never NULL; an unlinked input is a block of zeros.
 *             N3 with MIXD_NODE_IN_PLACE out[k] may equal in[k]; without it they never overlap.
 *             N4 after reset(), and with zeros coming in, a type without MIXD_NODE_SOURCE gives
 *                zeros and stays as reset() left it (the engine lets it sleep).
 *             N5 update() with from == to for all params is a jump (activation); afterwards from
 *                and to are one cell apart.
 *             N6 the result does not depend on how a cell or slice is cut into process() calls.
 *             N7 the time line (struct mixd_transport) moves on by a frame with each frame of a call,
 *                or not at all: loops and jumps are between calls, cut where they happen; where a
 *                marker stands, a slice begins.
 * NOT HERE    channel layouts: <mixd/layout.h>; the real-time fence: <mixd/rt.h>; kernels:
 *             nodes/dsp. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mixd/layout.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MIXD_NODE_ABI 3u
#define MIXD_SLICE_MAX 128u /* frames: the longest slice */
#define MIXD_CELL 16u /* frames: the control grid while params move */
#define MIXD_CHANNELS_MAX 64u /* channels of one port */
#define MIXD_MARKER_NAME_MAX 64u /* bytes, without the end */
#define MIXD_LANES_MAX 8u /* lanes of one vector block: 8 x f64 = one cache line */
#define MIXD_ARRAY(a) (a), (uint32_t)(sizeof(a) / sizeof((a)[0]))

/* Marks a function that the audio thread calls. A checker that knows the attribute verifies it. */
#if defined(__clang__)
#if __has_attribute(nonblocking)
#define MIXD_RT __attribute__((nonblocking))
#else
#define MIXD_RT __attribute__((annotate("mixd_rt")))
#endif
#else
#define MIXD_RT
#endif

/* ---- values
 * -------------------------------------------------------------------------------------- */

enum mixd_type {
	MIXD_TYPE_FLOAT,
	MIXD_TYPE_INT,
	MIXD_TYPE_BOOL,
	MIXD_TYPE_ENUM, /* value = index into labels */
	MIXD_TYPE_STRING, /* configs only */
};

enum mixd_unit {
	MIXD_UNIT_NONE,
	MIXD_UNIT_DB, /* dB: a gain or a difference */
	MIXD_UNIT_DBFS, /* dBFS: a sample level, full scale = 1.0 */
	MIXD_UNIT_DBTP, /* dBTP: a true-peak level, BS.1770 Annex 2 */
	MIXD_UNIT_LUFS, /* LUFS: loudness, BS.1770 */
	MIXD_UNIT_LU, /* LU: loudness difference */
	MIXD_UNIT_HZ,
	MIXD_UNIT_MS,
	MIXD_UNIT_S,
	MIXD_UNIT_PERCENT,
	MIXD_UNIT_RATIO, /* n:1; infinity is written inf:1 */
	MIXD_UNIT_PAN, /* -100 = L100, 0 = C, +100 = R100 */
	MIXD_UNIT_DB_PER_S,
	MIXD_UNIT_DB_PER_OCT,
	MIXD_UNIT_FRAMES,
	MIXD_UNIT_DEG,
	MIXD_UNIT_COUNT_
};

/* How a param travels from its old to its new value, and what the node reads. */
enum mixd_ramp {
	MIXD_RAMP_NONE, /* jumps, at the start of a cell; a FLOAT told to take time moves cell by cell */
	MIXD_RAMP_LINEAR, /* smoothstep in the value itself */
	MIXD_RAMP_LOG, /* smoothstep in log2(value): frequencies, times, Q, ratios; min > 0 */
	MIXD_RAMP_GAIN, /* declared in dB; the node reads the linear factor 10^(dB/20), 0 at min;
			     smoothstep in the factor */
};

struct mixd_param_row {
	const char *id; /* lower case; a group's rows are addressed group + number + "." + id */
	const char *doc; /* one line, ends without a full stop */
	enum mixd_type type;
	enum mixd_unit unit;
	double min, max, def;
	enum mixd_ramp ramp;
	float smooth_ms; /* 0 with MIXD_RAMP_NONE; else the time of the ramp, 20 by default */
	const char *const *labels; /* NULL-terminated, for MIXD_TYPE_ENUM */
	const char *group; /* NULL, or the name of a repeated group: neighbouring rows with one name
			      form it */
	uint32_t count; /* how often the group repeats, 1..; band1 .. band<count> */
	const double *defs; /* NULL, or count defaults, one per repetition */
};

/* A non-real-time setting. Changing one makes a new instance, crossfaded by the engine. */
struct mixd_config_row {
	const char *id;
	const char *doc;
	enum mixd_type type;
	enum mixd_unit unit;
	double min, max, def;
	const char *def_text; /* MIXD_TYPE_STRING: the default */
	const char *const *labels;
	bool is_file; /* a path: role `engineer`, resolved on main */
	bool is_clips; /* MIXD_TYPE_STRING: a list of clips (dsp/cliplist.h); the node is given the
			  canonical text, a session file may nest it */
};

enum mixd_fold {
	MIXD_FOLD_LAST, /* the newest value */
	MIXD_FOLD_MAX, /* the highest since the meter was last read */
	MIXD_FOLD_MIN, /* the lowest since the meter was last read */
};

struct mixd_meter_row {
	const char *id;
	const char *doc;
	enum mixd_unit unit;
	enum mixd_fold fold;
	const char *const *labels; /* NULL, or names of the values 0, 1, ... */
	bool per_channel; /* one value per channel of the main output (or input): id1, id2, ... */
	uint32_t count; /* 0, or how many values: id1 .. id<count> (a spectrum's bins); not with
			   per_channel */
};

enum mixd_port_layout {
	MIXD_PORT_MAIN, /* the node's own layout: config `layout`, or that of what is linked to its
			   main input */
	MIXD_PORT_MONO,
	MIXD_PORT_STEREO,
	MIXD_PORT_FOLLOW, /* follows what is linked to it (a key input) */
};

struct mixd_port_row {
	const char *id; /* the first input and the first output are the main ports: "in", "out" */
	const char *doc;
	bool is_output;
	enum mixd_port_layout layout;
	const char *count_config; /* NULL, or the MIXD_TYPE_INT config that says how many: in1, in2,
				     ... */
};

/* ---- what a function is given
 * -------------------------------------------------------------------- */

struct mixd_value {
	double number; /* FLOAT INT BOOL ENUM */
	const char *text; /* STRING; borrowed */
};

/* Why a [main] function refused. The engine prefixes the address. */
struct mixd_fault {
	char text[192];
	char hint[192];
};

struct mixd_node_type;

/* Everything fixed for the life of an instance. Immutable after init. */
struct mixd_setup {
	double rate; /* Hz, 8000..384000 */
	uint32_t n_in_ports, n_out_ports;
	const struct mixd_layout *const *in_layout; /* one per input port */
	const struct mixd_layout *const *out_layout;
	const uint32_t *in_first; /* index of a port's first channel in mixd_inst.in[]; n_in_ports +
				     1 entries */
	const uint32_t *out_first;
	const struct mixd_value *config; /* one per config row */
	uint64_t seed; /* for noise: reproducible */
	const struct mixd_node_type *type; /* for functions that several types share */
};

/* Filled by needs(); zeroed before. */
struct mixd_need {
	size_t state_bytes; /* one zeroed block, 64-byte aligned, at mixd_inst.state */
	uint32_t lane_state; /* f64 words of state per lane; 0: not laned */
	uint32_t lane_coef; /* f64 words of coefficients per lane */
	uint64_t shape; /* laned: only instances with equal shape share a bank */
	uint32_t latency; /* frames from main input to main output, exact */
	/* Frames of silent input after which the instance may be reset() without anybody hearing it:
	 * the output has rung out, and what the state remembers is worth no more than a fresh start.
	 * The engine then lets it sleep. UINT64_MAX: never (a meter, a leveler). */
	uint64_t tail;
	/* Frames, beyond the latency, until a new instance says what it should (it reads files): a
	 * change that brings it in is heard that much later, and what it replaces goes on. */
	uint32_t warm;
};

struct mixd_inst;

/* An audio file in memory. */
struct mixd_audio {
	float **channel; /* n_channels planes of n_frames samples */
	uint32_t n_channels;
	uint64_t n_frames;
	double rate; /* Hz */
};

/* What a node says when a config of its own has a new value to be kept (a learnt profile, the state
 * of a plug-in): event(inst, MIXD_EVENT_CAPTURED + index of the config row). The instance then asks
 * type->capture() for the text and sets it by a transaction like any other, so that it is in the
 * journal, in the session file and can be undone. */
#define MIXD_EVENT_CAPTURED 0x10000u
/* + index of a meter row with labels: the node is not well while VALUE, an index of a label, is
 * above 0. It stands among the alarms until it says 0. */
#define MIXD_EVENT_ALARM 0x20000u

/* A place on the time line with a name. */
struct mixd_marker {
	uint64_t position; /* frames */
	char name[MIXD_MARKER_NAME_MAX + 1]; /* UTF-8; it may have a slash in it */
};

/* Where the time line stands at the first frame of a call. */
struct mixd_transport {
	bool is_rolling; /* it moves on with every frame */
	bool is_locating; /* it is about to roll from `position`: who is not ready says host->hold() */
	bool jumped; /* not where the slice before ended; a loop's turn is a jump, too */
	bool loop; /* at loop_end it goes on at loop_start */
	uint64_t position; /* frames */
	uint64_t loop_start, loop_end;
	const struct mixd_marker *marker; /* the last one up to here, during the call; or NULL */
};

/* A sound file that is read piece by piece. */
struct mixd_stream;
struct mixd_stream_info {
	const struct mixd_layout *layout;
	uint64_t n_frames; /* at the rate and speed that were asked for */
	double file_rate; /* Hz */
};

/* A sound file that is being written. */
struct mixd_record;
struct mixd_record_spec {
	const char *path;
	double rate; /* Hz */
	const struct mixd_layout *layout;
	uint32_t bits; /* 16 or 24; 32: float */
	const char *format; /* "wav" */
	uint64_t time_reference; /* frames since midnight, or on the time line */
	const char *description; /* of the BWF header; may be NULL */
	int64_t clock_ns; /* when the first frame was heard, since 1970; 0: now */
};

/* Services of the engine. */
struct mixd_host {
	/* Ask for type->work(inst, job) on the worker thread (inline when rendering offline).
	 * False when the queue is full. [rt] */
	bool (*submit)(struct mixd_inst *inst, uint32_t job) MIXD_RT;
	/* Tell subscribers something happened (silence began, failover, ...). CODE is the type's
	 * own, documented in its doc line. Dropped and counted when the queue is full. [rt] */
	void (*event)(struct mixd_inst *inst, uint32_t code, double value) MIXD_RT;
	/* Wake whoever waits for *WORD in another process (a shared futex). One bounded system
	 * call, the only one a node may cause. [rt] */
	void (*wake)(struct mixd_inst *inst, uint32_t *word) MIXD_RT;
	/* Wait until *WORD is no longer SEEN, at most TIMEOUT_MS. Live it returns at once with
	 * false; only an offline render waits, because nobody hears it. [rt] */
	bool (*await)(struct mixd_inst *inst, const uint32_t *word, uint32_t seen,
		      uint32_t timeout_ms) MIXD_RT;
	/* Read the audio file PATH, resampled to RATE (0: as it is) with soxr VHQ. -errno with
	 * *fault; the caller gives *ret_audio back with free_audio. [main] and [worker] */
	int (*read_audio)(const char *path, double rate, struct mixd_audio *ret_audio,
			  struct mixd_fault *fault);
	void (*free_audio)(struct mixd_audio *audio);
	/* The frames of the clock's block under way, and in *ret_done how many of them came before
	 * this slice; 0: not known (offline, or between blocks). What must be ready elsewhere before
	 * the next block counts with it. May be NULL. [rt] */
	uint32_t (*cycle)(struct mixd_inst *inst, uint32_t *ret_done) MIXD_RT;
	bool offline; /* a render: await() waits, submit() works inline */
	/* The same for type->disk(inst, job) on the disk thread. [rt] */
	bool (*submit_disk)(struct mixd_inst *inst, uint32_t job) MIXD_RT;
	/* While the transport is locating: it waits for this instance, though not for ever. [rt] */
	void (*hold)(struct mixd_inst *inst) MIXD_RT;
	/* The sound file PATH as if it were at RATE and played at SPEED (1: as it is; pitch follows),
	 * from its end to its beginning when REVERSE. Other rates by soxr. -errno with *fault.
	 * [main] and [disk], one thread at a time */
	int (*stream_open)(const char *path, double rate, double speed, bool reverse,
			   struct mixd_stream **ret, struct mixd_stream_info *ret_info,
			   struct mixd_fault *fault);
	/* N_FRAMES from FRAME on; zeros beyond the end. Reading on where the last call ended is the
	 * fast way. -errno with *fault. [main] and [disk] */
	int (*stream_read)(struct mixd_stream *stream, uint64_t frame, float *const *channels,
			   uint32_t n_frames, struct mixd_fault *fault);
	void (*stream_close)(struct mixd_stream *stream);
	/* Begin the sound file SPEC->path, which must not exist: it has a temporary name until it is
	 * closed, and is playable up to the last second at any time. -errno with *fault. [disk] */
	int (*record_open)(const struct mixd_record_spec *spec, struct mixd_record **ret,
			   struct mixd_fault *fault);
	/* -errno with *fault when not all could be written; what was before is kept. [disk] */
	int (*record_write)(struct mixd_record *record, const float *const *channels,
			    uint32_t n_frames, struct mixd_fault *fault);
	/* Finish it and give it its name; one without a frame is removed. RECORD is gone in any case.
	 * -errno with *fault: it then still has its temporary name. [main] and [disk] */
	int (*record_close)(struct mixd_record *record, struct mixd_fault *fault);
};

/* One instance as the audio thread sees it. */
struct mixd_inst {
	/* --- immutable after init --- */
	const struct mixd_node_type *type;
	const struct mixd_setup *setup;
	const struct mixd_host *host;
	void *state; /* need.state_bytes */
	/* --- rt --- */
	const float *const *in; /* channels of all input ports, one port after the other */
	float *const *out;
	const double *value; /* params at the end of the current cell (now, when nothing moves);
				rows expanded */
	double *meter; /* rows expanded; written at any time in process() */
	double *lane_state; /* laned: word 0 of the first lane of this instance; channel c is at + c
			       below 8 */
	double *lane_coef;
	uint32_t lane_width; /* stride between words: lane[k * lane_width] */
	uint64_t in_linked; /* bit p: input port p has a link (below 64); equal in all instances of
				a bank */
};

/* A bank: instances of one laned type side by side. Block b covers lanes b*width ..
 * b*width+width-1. Instances with more than 8 channels fill several blocks of width 8; all others
 * share one block. Word k of lane l of block b: state[(b * lane_state_words + k) * width + l].
 * 64-byte aligned. */
struct mixd_bank {
	uint32_t width; /* 2, 4 or 8 */
	uint32_t n_blocks;
	uint32_t n_lanes; /* lanes in use */
	uint32_t channels; /* lanes per instance; instance i starts at lane i * channels */
	double *state;
	double *coef;
	const float *const *
		in; /* main input channel of each lane, n_blocks * width; unused lanes read zeros */
	float *const
		*out; /* main output channel of each lane; unused lanes write to a scratch block */
};

struct mixd_update {
	const double *from; /* params at the start of the cell */
	const double *to; /* params at its end; from == to (equal values) when this is a jump or an
			     arrival */
	uint32_t cell_frames; /* 1..MIXD_CELL: the length over which to interpolate */
	bool jump; /* first call after activate() or reset(): no glide */
};

/* A question for a node's magnitude response. */
struct mixd_response {
	const double *params; /* rows expanded, in declared units */
	const struct mixd_value *config; /* one per config row */
	const double *meter; /* rows expanded, as last published; NULL: unknown */
	const struct mixd_inst *inst; /* the running instance, to read what activate() made; NULL
					 when there is none */
	double rate; /* Hz */
	uint32_t channel;
	const double *freq_hz;
	uint32_t n;
};

struct mixd_call {
	struct mixd_inst *const *inst;
	uint32_t n_inst; /* 1 unless laned */
	const struct mixd_bank *bank; /* NULL unless laned */
	uint32_t n_frames; /* 1..MIXD_SLICE_MAX */
	uint64_t position; /* frames since the engine started, of the first frame */
	const float *const *ext_in; /* MIXD_NODE_EXTERNAL_IN: the clock's channels for this node */
	float *const *ext_out; /* MIXD_NODE_EXTERNAL_OUT */
	const struct mixd_transport *transport; /* never NULL */
};

/* ---- a node type
 * --------------------------------------------------------------------------------- */

#define MIXD_NODE_IN_PLACE (1u << 0) /* out[k] may be in[k] */
#define MIXD_NODE_SOURCE (1u << 1) /* sounds without input: never sleeps */
#define MIXD_NODE_EXTERNAL_IN (1u << 2) /* a boundary: the clock feeds ext_in */
#define MIXD_NODE_EXTERNAL_OUT (1u << 3) /* a boundary: the clock takes ext_out */
#define MIXD_NODE_BYPASS_SILENT (1u << 4) /* bypass and quarantine give silence, not the input */
#define MIXD_NODE_RUN_BYPASSED (1u << 5) /* keeps measuring while bypassed */
#define MIXD_NODE_FEEDBACK                                                                         \
	(1u << 6) /* emit() gives the output before process() takes the input: breaks cycles */

#define MIXD_NODE_GROUP                                                                            \
	(1u                                                                                        \
	 << 7) /* no audio: its config `members` names nodes whose param `gain` the engine      \
		     multiplies by its own */

/* Stands in for what cannot be had now (a plug-in that is not installed any more): its nodes pass dry,
 * so that a graph is restored whole, and are alarmed about; new ones are refused. `source` says why.
 * resolve() also fills *fault with it, and is asked again for a new node. */
#define MIXD_NODE_STAND_IN (1u << 8)

struct mixd_node_type {
	const char *id; /* folder name; never changes */
	const char *doc; /* one line */
	const char *category; /* level eq dynamics space repair analysis source io */
	const char *source; /* paper or standard, section */
	uint32_t version; /* raised when a saved session would sound different */
	uint32_t flags;
	const struct mixd_port_row *ports;
	uint32_t n_ports;
	const struct mixd_param_row *params;
	uint32_t n_params;
	const struct mixd_config_row *configs;
	uint32_t n_configs;
	const struct mixd_meter_row *meters;
	uint32_t n_meters;

	/* What an instance with this setup will need. 0, or -EINVAL with *fault filled. May be
	 * NULL: nothing. Pure: called by the compiler, too. [main] */
	int (*needs)(const struct mixd_setup *setup, struct mixd_need *ret_need,
		     struct mixd_fault *fault);
	/* Prepare tables inside the zeroed state; may allocate and read files. -errno with *fault.
	 * [main] */
	int (*activate)(struct mixd_inst *inst, struct mixd_fault *fault);
	/* Free what activate() allocated. [main] */
	void (*deactivate)(struct mixd_inst *inst);
	/* Params arrived: compute what process() needs. True: call me again next cell, even when no
	 * param moves (a glide of the node's own is under way). [rt] */
	bool (*update)(struct mixd_inst *inst, const struct mixd_update *update) MIXD_RT;
	/* Make sound. [rt] */
	void (*process)(const struct mixd_call *call) MIXD_RT;
	/* MIXD_NODE_FEEDBACK: write the outputs of this slice from what was taken at least
	 * MIXD_SLICE_MAX frames ago; process() then only takes the input. [rt] */
	void (*emit)(const struct mixd_call *call) MIXD_RT;
	/* Forget the past; bit-exactly as after activate(), lanes included. [rt] */
	void (*reset)(struct mixd_inst *inst) MIXD_RT;
	/* A job from host->submit(), in order. [worker] */
	void (*work)(struct mixd_inst *inst, uint32_t job);
	/* A job from host->submit_disk(), in order. [disk] */
	void (*disk)(struct mixd_inst *inst, uint32_t job);
	/* Magnitude in dB of a channel at N frequencies, from the coefficients in force. For plots
	 * and tests. [main] */
	void (*response)(const struct mixd_response *query, double *ret_db);
	/* The text of config row CONFIG as the instance would have it kept, after it said
	 * MIXD_EVENT_CAPTURED: at most SIZE bytes with the ending 0. 0, or -errno with *fault.
	 * What it reads must stand still until the next capture. [main] */
	int (*capture)(struct mixd_inst *inst, uint32_t config, char *ret_text, size_t size,
		       struct mixd_fault *fault);
};

/* What a shared object exports under the name `mixd_module`. */
struct mixd_module {
	uint32_t abi; /* MIXD_NODE_ABI */
	uint32_t sizeof_type, sizeof_inst, sizeof_call, sizeof_setup; /* checked by the loader */
	const struct mixd_node_type *const *types;
	uint32_t n_types;
	/* Types that are made on demand, or NULL: every id "<scheme>:..." is this module's. */
	const char *scheme;
	/* The type ID, made once and living as long as the process. NULL with *fault. [main] Types
	 * below may then be none. */
	const struct mixd_node_type *(*resolve)(const char *id, struct mixd_fault *fault);
	/* The ids that resolve() knows on this machine, NULL-terminated, sorted. [main] */
	const char *const *(*list)(void);
};

#define MIXD_EXPORT __attribute__((visibility("default")))

/* MIXD_MODULE(&gain_type) at the end of a node's file is all a module needs. */
#define MIXD_MODULE(...)                                                                           \
	static const struct mixd_node_type *const mixd_module_types[] = {__VA_ARGS__};             \
	MIXD_EXPORT const struct mixd_module mixd_module = {                                       \
		.abi = MIXD_NODE_ABI,                                                              \
		.sizeof_type = sizeof(struct mixd_node_type),                                      \
		.sizeof_inst = sizeof(struct mixd_inst),                                           \
		.sizeof_call = sizeof(struct mixd_call),                                           \
		.sizeof_setup = sizeof(struct mixd_setup),                                         \
		.types = mixd_module_types,                                                        \
		.n_types = sizeof(mixd_module_types) / sizeof(mixd_module_types[0]),               \
	}

#ifdef __cplusplus
}
#endif
