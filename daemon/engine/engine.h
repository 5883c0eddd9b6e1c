/* engine.h - runs a graph: prepare on main, apply on the audio thread, dispose on main.
 *
 * WHAT        The engine turns a model into sound. It knows no clock and no file: somebody calls
 *             engine_process() for n frames and gives it the channels of the boundary nodes.
 * THREADS     [main] engine_prepare/submit/...; [rt] engine_process() on one thread at a time.
 * LIFE OF A CHANGE engine_prepare(model, delta) compiles, allocates, activates; nothing audible yet.
 *             engine_submit(change) hands it over; it is audible from the next block edge.
 *             engine_maintain() frees what the audio thread has let go, retires what has faded out
 *             (a smaller plan is compiled behind the scenes), and collects events. Call it from a
 *             wake-up (engine_setup.wake) and from a slow timer.
 * INVARIANTS  E1 a plan is immutable; state lives in instances and moves with them.
 *             E2 nothing clicks: links, bypass, mute and replaced instances fade over
 *                ENGINE_FADE_MS; what leaves the model lives on in the plan until it has faded.
 *             E3 output depends on input, changes and their positions, not on how time is cut into
 *                blocks.
 *             E4 engine_process() obeys the real-time rules.
 * NOT HERE    revision, history, journal: instance.h. */
#pragma once

#include "graph_txn.h"

#define ENGINE_FADE_MS 20.0
#define ENGINE_BLOCK_MAX 8192u

struct engine;
struct engine_change;

struct engine_setup {
	double rate; /* Hz */
	bool offline; /* worker jobs run inline */
	uint64_t seed; /* for node types with noise */
	bool ungrouped; /* no banks of several instances: to compare with */
	void (*wake)(void *data); /* called from the audio thread when engine_maintain() has work;
				     may be NULL. [rt] */
	void *wake_data;
	/* The file service, as in mixd_host; NULL: nodes that ask for a file are refused. */
	int (*read_audio)(const char *path, double rate, struct mixd_audio *ret_audio,
			  struct mixd_fault *fault);
	void (*free_audio)(struct mixd_audio *audio);
	/* Files that are read or written piece by piece, as in mixd_host; NULL: those nodes are
	 * refused. */
	const struct engine_files *files;
	/* By slot: how many frames what comes in there is late already, when the graph is a part of
	 * one. Borrowed for the life of the engine; NULL: nothing is. */
	const uint32_t *input_latency;
	uint32_t n_input_latency;
	bool roll; /* the transport rolls from the first frame on ... */
	uint64_t roll_from; /* ... from there */
};

struct engine_files {
	int (*stream_open)(const char *path, double rate, double speed, bool reverse,
			   struct mixd_stream **ret, struct mixd_stream_info *ret_info,
			   struct mixd_fault *fault);
	int (*stream_read)(struct mixd_stream *stream, uint64_t frame, float *const *channels,
			   uint32_t n_frames, struct mixd_fault *fault);
	void (*stream_close)(struct mixd_stream *stream);
	int (*record_open)(const struct mixd_record_spec *spec, struct mixd_record **ret,
			   struct mixd_fault *fault);
	int (*record_write)(struct mixd_record *record, const float *const *channels,
			    uint32_t n_frames, struct mixd_fault *fault);
	int (*record_close)(struct mixd_record *record, struct mixd_fault *fault);
};

/* The time line, in frames at the engine's rate. */
struct engine_transport {
	bool is_rolling;
	uint64_t position;
	bool loop; /* arriving at loop_end, it goes on at loop_start */
	uint64_t loop_start, loop_end;
	bool is_locating; /* told, not asked for: it waits for players, for at most half a second */
};

/* What the clock gives for one call. Slots are graph_node.slot. A NULL channel pointer reads as
 * silence, or is not written. Arrays may be shorter than GRAPH_SLOTS_MAX; entries may be NULL. */
struct engine_cycle {
	uint32_t n_frames; /* 0..ENGINE_BLOCK_MAX */
	const float *const *const *in; /* [slot][channel][frame] */
	uint32_t n_in;
	float *const *const *out;
	uint32_t n_out;
};

enum engine_event_kind { ENGINE_EVENT_QUARANTINE, ENGINE_EVENT_NODE, ENGINE_EVENT_OVERLOAD };
struct engine_event {
	enum engine_event_kind kind;
	uint64_t node_uid, inst_id;
	uint32_t code; /* QUARANTINE: 0 not finite, 1 too loud; NODE: the type's own */
	double value;
	uint64_t position;
};

struct engine_stats {
	uint64_t position; /* frames since start */
	uint64_t cycles;
	double load_mean, load_peak; /* time / time of the block, over the last second */
	uint32_t latency_frames; /* longest path between boundary nodes */
	uint64_t quarantines;
	uint32_t n_steps, n_banks; /* of the plan in force */
};

int engine_new(const struct engine_setup *setup, struct engine **ret,
	       struct mixd_error *err); /* [main] */
struct engine *engine_free(struct engine *engine); /* nobody may be in engine_process() [main] */

/* MODEL is borrowed for the call. *ret_change: owned by the caller until submitted or discarded.
 * -ELOOP names the cycle ("a -> b -> a"), -EINVAL layouts or a node's refusal, -ENOMEM, -EAGAIN
 * queue full. [main] */
int engine_prepare(struct engine *engine, const struct graph_model *model,
		   const struct graph_delta *delta, struct engine_change **ret_change,
		   struct mixd_error *err);
/* Takes CHANGE. Returns its ticket (increasing). Cannot fail. [main] */
uint64_t engine_submit(struct engine *engine, struct engine_change *change);
struct engine_change *engine_discard(struct engine *engine,
				     struct engine_change *change); /* [main] */
/* True once the audio thread has taken the ticket; *ret_position = where it became audible. [main]
 */
bool engine_applied(struct engine *engine, uint64_t ticket, uint64_t *ret_position);
/* True when no ramp or fade is under way. [main] */
bool engine_settled(struct engine *engine);
/* Whether somebody calls engine_process(). While false, engine_submit() applies at once on main.
 * The caller guarantees that no call is under way when it changes this. [main] */
void engine_set_running(struct engine *engine, bool running);
/* A new sample rate: all instances are made anew (their state is lost). Only while not running.
 * [main] */
int engine_set_rate(struct engine *engine, double rate, const struct graph_model *model,
		    struct mixd_error *err);

/* Like a change: taken at the next block edge, or at once while nobody runs the engine. Live it rolls
 * as soon as all players are ready (ENGINE_LOCATE_MS at most); a position that is where it stands is no
 * jump. -EINVAL: loop_end is not behind loop_start; -EAGAIN: too many wait to be taken. [main] */
#define ENGINE_LOCATE_MS 500.0
#define ENGINE_POSITION_KEEP UINT64_MAX /* as position: where it stands, or has come to */
int engine_transport_set(struct engine *engine, const struct engine_transport *transport);
/* As it was last set, or, when that has been taken, as it now stands. [main] */
void engine_transport_get(struct engine *engine, struct engine_transport *ret);

/* What QUERY asks of a sound file, at the engine's rate: its length, and where it sounds. Looks at no
 * more than ENGINE_SOUND_S from either end. -errno with *err. [main] */
#define ENGINE_SOUND_S 60.0
struct graph_sound_query;
struct graph_sound;
int engine_find_sound(struct engine *engine, const struct graph_sound_query *query,
		      struct graph_sound *ret, struct mixd_error *err);
double engine_rate(const struct engine *engine); /* Hz [main] */

/* Run one block. [rt] */
void engine_process(struct engine *engine, const struct engine_cycle *cycle) MIXD_RT;

/* True when something changed that the caller may want to look at (events, retirements). [main] */
bool engine_maintain(struct engine *engine);
bool engine_next_event(struct engine *engine, struct engine_event *ret); /* [main] */
void engine_stats(struct engine *engine, struct engine_stats *ret); /* [main] */
/* Jobs of living nodes that the worker and the disk have not done yet. Whoever turns the clock by hand
 * waits for 0, and neither of them is ever late. [main] */
uint32_t engine_jobs(struct engine *engine);
enum graph_node_state engine_node_state(struct engine *engine, uint64_t node_uid); /* [main] */
/* Why the node goes without its files since a prepare without a delta; NULL: it does not. It has them
 * again when its config_gen is another one, and they are there. [main] */
const char *engine_node_lack(struct engine *engine, uint64_t node_uid);
uint32_t engine_node_latency(struct engine *engine, uint64_t node_uid); /* [main] */
uint32_t engine_link_delay(struct engine *engine, uint64_t link_uid); /* [main] */
/* How late what arrives at a node's inputs is, all in all; all of them are equally late (P5). [main] */
uint32_t engine_path_latency(struct engine *engine, uint64_t node_uid);
/* What a port carries, as resolved; NULL: no such port. [main] */
const struct mixd_layout *engine_node_layout(struct engine *engine, uint64_t node_uid, bool output,
					     uint32_t port);
/* What param PARAM_IDX (graph_node.value) has reached on its way, in the row's unit, rounded as a
 * person would write it; the declared value when it is there. False: it does not sound. [main] */
bool engine_param_now(struct engine *engine, uint64_t node_uid, uint32_t param_idx, double *ret);
/* How many envelopes have ended so far: arrived, cleared, or gone with their instance. Counted by
 * engine_maintain(). [main] */
uint64_t engine_envelopes_ended(const struct engine *engine);
/* The uids of envelopes that play or are about to, sorted. *ret: free() it. -ENOMEM. [main] */
int engine_envelopes(struct engine *engine, uint64_t **ret, uint32_t *ret_n);

/* What NODE (of the model last submitted) answers to QUERY: freq_hz, n and channel are the caller's,
 * the rest is filled in from the instance that sounds. Its type has response(). -ENOMEM. [main] */
int engine_response(struct engine *engine, const struct graph_node *node,
		    const struct mixd_response *query, double *ret_db);
/* False: the instance that raised EVENT has been replaced, and only fades. [main] */
bool engine_event_current(const struct engine *engine, const struct engine_event *event);
/* The text of config row CONFIG as the instance that raised EVENT would have it kept
 * (MIXD_EVENT_CAPTURED). -ESTALE, without words, when that instance has been replaced. [main] */
int engine_capture(struct engine *engine, const struct engine_event *event, uint32_t config,
		   char *ret_text, size_t size, struct mixd_error *err);

/* Meters: while the count of leases is above 0 the engine folds meters. */
void engine_meters_lease(struct engine *engine, int delta); /* [main] */
/* Value of meter IDX (graph_type.meters) of a node, CHANNEL 1.. for numbered rows. Reading
 * restarts MAX/MIN folds of that reader (READER 0..ENGINE_METER_READERS-1). NAN when the node is
 * unknown.        [main] */
#define ENGINE_METER_READERS 8u
double engine_meter(struct engine *engine, uint64_t node_uid, uint32_t meter_idx, uint32_t channel,
		    uint32_t reader);
