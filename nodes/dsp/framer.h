/* framer.h - hands overlapping frames of a signal from the audio thread to a worker.
 *
 * WHAT        The audio thread writes one channel into a ring and says every `hop` frames that a
 *             frame of `size` is ready, unless the worker is still busy with the one before: then
 *             that frame is left out. The ring holds two frames, so that a worker may be late by
 *             one; when it is later, writing pauses rather than change what is being read.
 * THREADS     framer_put(), framer_taken() [rt]; framer_read(), framer_done() [worker], between
 *             framer_put() == true and framer_done(). One job at a time.
 * INVARIANTS  R1 hops are counted from reset: what is read does not depend on how time is cut.
 *             R2 `busy` hands everything over: whoever finds it as it should be owns the job's data. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define FRAMER_CHUNK 128u /* frames at a time */

struct framer {
	/* --- immutable after init --- */
	uint32_t size, hop; /* size: a power of two */
	float *ring; /* [2 * size] */
	/* --- rt --- */
	uint64_t written; /* frames since reset */
	uint64_t valid; /* of them without a gap, up to now */
	uint32_t fill; /* since the last hop */
	bool pending; /* a job is out, its result not taken */
	/* --- of the job: rt while not busy, worker while busy --- */
	uint64_t end; /* frames [end - size, end) */
	/* --- shared: atomic --- */
	atomic_uint busy;
};

static inline uint32_t framer_floats(uint32_t size)
{
	return 2 * size;
}

/* RING: framer_floats(). [main] */
void framer_init(struct framer *framer, uint32_t size, uint32_t hop, float *ring);
/* Forget what was written. A job that is out stays out; framer_taken() then says false. */
void framer_reset(struct framer *framer);

/* How many of N_FRAMES go before the next hop, at most FRAMER_CHUNK. */
static inline uint32_t framer_room(const struct framer *framer, uint32_t n_frames)
{
	uint32_t room = framer->hop - framer->fill;

	room = room < FRAMER_CHUNK ? room : FRAMER_CHUNK;
	return n_frames < room ? n_frames : room;
}

/* Write N <= framer_room() frames: channel FIRST of IN, or with N_CHANNELS > 1 the mean of so many.
 * True: a frame is ready and the worker free; fill in the job and submit it, or framer_cancel(). */
bool framer_put(struct framer *framer, const float *const *in, uint32_t n_channels, uint32_t first,
		uint32_t n);
/* The job could not be submitted. */
void framer_cancel(struct framer *framer);
/* True once after each job that is done and was not overtaken by a reset. */
bool framer_taken(struct framer *framer);

/* The frame, times WINDOW. */
void framer_read(const struct framer *framer, const float *window, float *ret);
void framer_done(struct framer *framer);

/* The power of bins 0 .. n: SCALE (re^2 + im^2). */
void framer_power(const float *re, const float *im, float scale, uint32_t n, float *ret_power);
