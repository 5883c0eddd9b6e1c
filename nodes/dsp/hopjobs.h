/* hopjobs.h - long work on sound, a hop at a time, done on another thread, with a fixed latency.
 *
 * WHAT        The audio thread fills hop after hop (absolute multiples of `hop_frames` of the engine's
 *             position, so the grid does not depend on when a node woke up). A full hop is a job: the
 *             worker appends it to its own window of three hops, works on the middle one, with one
 *             hop of past and one of future around it, and leaves the middle in place of what came.
 *             The job has one hop of time. What is late is not waited for: that hop passes as it came
 *             in, and is counted. Latency: 3 hops, whatever happens.
 * THREADS     hopjobs_window() [worker]; setup [main]; all else [rt]. A slot belongs to the audio
 *             thread while FREE or DONE, to the worker while QUEUED.
 * INVARIANTS  H1 what came before a reset is not read after it: each reset begins an epoch, slots
 *                carry theirs, and the worker forgets its window when it sees another.
 *             H2 zeros in, from a reset on, leave everything as the reset left it.
 *             H3 what is not finite goes to the worker as 0.
 * USE         for each piece of at most hopjobs_room() frames: hopjobs_feed(); hopjobs_emit(), or
 *             read hopjobs_raw() and hopjobs_result(); if hopjobs_advance() returns a slot, set its
 *             values and submit it, or hopjobs_drop() it. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ramp.h"

#define HOPJOBS_SLOTS 4u
#define HOPJOBS_LATENCY_HOPS 3u
#define HOPJOBS_VALUES 4u

enum hopjobs_state { HOPJOBS_FREE, HOPJOBS_QUEUED, HOPJOBS_DONE };

struct hopjobs_slot {
	_Atomic uint32_t state;
	uint32_t epoch;
	uint64_t hop;
	double value[HOPJOBS_VALUES]; /* what the work should know: params of the moment */
	double found; /* what it says beside the sound */
	float *audio; /* [channel][hop_frames] */
};

struct hopjobs {
	/* --- immutable after init --- */
	uint32_t n_channels, hop_frames;
	/* --- rt --- */
	uint32_t epoch;
	bool is_fresh;
	uint64_t next; /* position expected */
	struct hopjobs_slot *filling; /* NULL: none was free */
	const struct hopjobs_slot *ready; /* what hop `next` emits; NULL: the sound as it came */
	uint64_t n_late;
	float *raw; /* [channel][4 * hop_frames], by position */
	struct hopjobs_slot slot[HOPJOBS_SLOTS];
	/* --- worker --- */
	uint32_t worker_epoch;
	uint64_t worker_hop;
	float *window; /* [channel][3 * hop_frames] */
};

size_t hopjobs_bytes(uint32_t n_channels, uint32_t hop_frames);
/* MEMORY: hopjobs_bytes() zeroed bytes, aligned to 64. */
void hopjobs_init(struct hopjobs *jobs, uint32_t n_channels, uint32_t hop_frames, void *memory);
void hopjobs_reset(struct hopjobs *jobs);

/* Frames from POSITION to the end of its hop. */
static inline uint32_t hopjobs_room(const struct hopjobs *jobs, uint64_t position)
{
	return jobs->hop_frames - (uint32_t)(position % jobs->hop_frames);
}

/* Takes N frames (within one hop) of IN + FIRST that begin at POSITION. */
void hopjobs_feed(struct hopjobs *jobs, uint64_t position, const float *const *in, uint32_t first,
		  uint32_t n);
/* What came in 3 hops before POSITION, and what the work made of it (NULL: nothing, yet). */
const float *hopjobs_raw(const struct hopjobs *jobs, uint64_t position, uint32_t channel);
const float *hopjobs_result(const struct hopjobs *jobs, uint64_t position, uint32_t channel);
/* The N frames at POSITION of all channels: the result, or as far as REMOVED (0..1) says, what is in
 * the sound as it came and not in the result. Advances REMOVED. */
void hopjobs_emit(const struct hopjobs *jobs, uint64_t position, struct dsp_ramp *removed,
		  float *const *out, uint32_t first, uint32_t n);
/* After the piece: the slot to submit when a hop is full, else NULL. */
struct hopjobs_slot *hopjobs_advance(struct hopjobs *jobs, uint64_t position, uint32_t n);
void hopjobs_drop(struct hopjobs_slot *slot);

static inline uint32_t hopjobs_index(const struct hopjobs *jobs, const struct hopjobs_slot *slot)
{
	return (uint32_t)(slot - jobs->slot);
}

/* Worker: append the hop of slot IDX to the windows of all channels. */
struct hopjobs_slot *hopjobs_begin(struct hopjobs *jobs, uint32_t idx);
/* The window of CHANNEL: past, middle, future. What is written to it stays for the next jobs. */
static inline float *hopjobs_window(struct hopjobs *jobs, uint32_t channel)
{
	return jobs->window + (size_t)channel * 3 * jobs->hop_frames;
}
/* The middles go back. */
void hopjobs_end(struct hopjobs *jobs, struct hopjobs_slot *slot);
