/* lv2_plug.h - the inside of a plug: lv2_plug.c runs it, lv2_plug_setup.c makes it.
 *
 * WHAT        Control ports are connected once, to arrays of the plug; audio ports at every run.
 *             Jobs go from run() to the worker and replies back through rings of bytes. */
#pragma once

#include <lv2/atom/atom.h>
#include <lv2/core/lv2.h>
#include <lv2/state/state.h>
#include <lv2/urid/urid.h>
#include <lv2/worker/worker.h>

#include "lv2.h"

#define LV2_ATOM_BYTES 65536u
#define LV2_RING_BYTES 65536u

/* One writer, one reader; records are a size and so many bytes. */
struct lv2_ring {
	_Atomic uint32_t put, got;
	uint8_t bytes[LV2_RING_BYTES];
};

struct lv2_plug {
	/* --- immutable after init --- */
	struct lv2_plug_setup setup; /* its texts and ports are borrowed */
	void *library;
	const LV2_Descriptor *descriptor;
	LV2_Handle handle;
	const LV2_Worker_Interface *worker;
	const LV2_State_Interface *state;
	LV2_URID sequence, chunk, object, state_changed;
	uint32_t in[LV2_AUDIO_MAX], out[LV2_AUDIO_MAX], key[LV2_AUDIO_MAX]; /* port indexes */
	uint32_t n_in, n_out, n_key, n_params, n_meters, n_atoms_in, n_atoms_out;
	LV2_Atom_Sequence **atom_in, **atom_out;
	bool active;
	void *features; /* what it was given: lives as long as it */
	/* --- the thread that runs it --- */
	float *param, *meter, *held; /* what control ports are connected to */
	float *cv; /* a signal for CV inputs, a bin for CV outputs: per port max_frames */
	float latency;
	bool changed;
	/* --- shared: atomic --- */
	struct lv2_ring jobs, replies;
};

bool lv2_ring_put(struct lv2_ring *ring, const void *data, uint32_t size);
/* The size of the next record, copied to DATA; 0: there is none. */
uint32_t lv2_ring_get(struct lv2_ring *ring, void *data, uint32_t size);
LV2_Worker_Status lv2_plug_schedule(LV2_Worker_Schedule_Handle handle, uint32_t size,
				    const void *data);
LV2_Worker_Status lv2_plug_respond(LV2_Worker_Respond_Handle handle, uint32_t size,
				   const void *data);
