/* pw_cycle_rt.h - one PipeWire cycle: fetch buffers, run the engine, fire the output streams.
 *
 * WHAT        pw_cycle_process() is the filter's process callback. A table says which boundary has
 *             which ports; main swaps whole tables and passes a barrier (pw_compat_invoke) before
 *             it frees the old one.
 * INVARIANTS  C1 the engine runs only while `is_open`; main changes `is_open` to false and passes a
 *                barrier before it calls engine_set_running(false) or engine_set_rate().
 *             C2 every output stream that is on is triggered in every cycle, also while closed:
 *                the driver waits for it.
 *             C3 no samples are added: stream and filter run in one turn of one data loop. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <pipewire/filter.h>
#include <pipewire/stream.h>

#include "engine.h"
#include "loop.h"

struct pw_cycle;

/* A boundary as the audio thread sees it. */
struct pw_cycle_slot {
	/* --- immutable after init --- */
	uint32_t n_channels;
	void *port[MIXD_CHANNELS_MAX]; /* the filter's port data, or NULL */
	struct pw_stream *stream; /* outputs that the session manager routes */
	float *scratch; /* stream: n_channels x ENGINE_BLOCK_MAX */
	/* --- shared: atomic --- */
	_Atomic bool stream_on; /* written by main from the stream's state */
	/* --- rt --- */
	const float *in[MIXD_CHANNELS_MAX];
	float *out[MIXD_CHANNELS_MAX];
	uint32_t fresh_frames; /* in scratch, not yet taken by the stream */
	uint32_t last_frames;
};

struct pw_cycle_table {
	uint32_t n_in, n_out; /* slots: highest in use + 1 */
	struct pw_cycle_slot *in_slot[GRAPH_SLOTS_MAX], *out_slot[GRAPH_SLOTS_MAX];
	const float *const *in[GRAPH_SLOTS_MAX]; /* what engine_cycle wants */
	float *const *out[GRAPH_SLOTS_MAX];
};

struct pw_cycle {
	/* --- immutable after init --- */
	struct engine *engine;
	struct loop_source *wake;
	/* --- shared: atomic --- */
	struct pw_cycle_table *_Atomic table;
	_Atomic bool is_open;
	_Atomic bool busy; /* inside the callback */
	_Atomic bool rebase; /* the next position is a new beginning */
	_Atomic bool knocked; /* called while closed: main has something to do */
	_Atomic uint32_t engine_rate; /* what the engine was made for */
	_Atomic uint32_t rate, quantum, driver_id; /* of the last cycle */
	_Atomic uint64_t count; /* cycles */
	_Atomic uint64_t xruns, frames_lost;
	/* --- rt --- */
	uint64_t next_position;
	bool has_position;
};

void pw_cycle_process(void *data, struct spa_io_position *position) MIXD_RT; /* [rt] */
void pw_cycle_stream_process(void *data) MIXD_RT; /* data: struct pw_cycle_slot [rt] */
