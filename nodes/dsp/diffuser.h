/* diffuser.h - many echoes out of one: stages of delays and orthogonal mixing, eight channels.
 *
 * WHAT        Each stage delays its channels by unlike times and mixes them, so that the number of
 *             echoes grows eightfold from stage to stage; nothing is fed back, and the energy stays.
 * SOURCE      Luff, Let's write a reverb (Signalsmith, 2021), after Schroeder's and Gerzon's unitary
 *             networks.
 * THREADS     memory and init [main], the rest [rt]
 * INVARIANTS  any cut of time gives the same bits. */
#pragma once

#include <stddef.h>

#include <mixd/node.h>

#include "blockring.h"

#define DIFFUSER_CHANNELS 8u
#define DIFFUSER_STAGES 4u
#define DIFFUSER_BLOCK MIXD_SLICE_MAX

struct diffuser {
	struct blockring ring[DIFFUSER_STAGES][DIFFUSER_CHANNELS];
	uint32_t delay[DIFFUSER_STAGES][DIFFUSER_CHANNELS];
	uint32_t entries;
	uint32_t position;
	float tangent; /* of the mixing angle: 0 lets everything pass, 45 degrees mixes fully */
	float scale;
};

/* Floats that the delays need. SCALE 1: 52 ms in all. */
size_t diffuser_memory(double rate, double scale);
/* ENTRIES: how many signals enter, up to DIFFUSER_CHANNELS; channel c gets entry c % ENTRIES. */
void diffuser_init(struct diffuser *diffuser, double rate, double scale, uint32_t entries,
		   float *memory);
/* AMOUNT 0..1. */
void diffuser_set(struct diffuser *diffuser, double amount);
void diffuser_reset(struct diffuser *diffuser);
/* After a reset: the first frame is as good as any in sound; writing is cheapest where blocks begin
 * at multiples of 16. */
void diffuser_align(struct diffuser *diffuser, uint32_t frame);
/* Where the next frames of ENTRY, up to DIFFUSER_BLOCK, are to be written. */
float *diffuser_entry(const struct diffuser *diffuser, uint32_t entry);
/* N frames that stand there in every entry. */
void diffuser_process(struct diffuser *diffuser, float (*ret)[DIFFUSER_BLOCK], uint32_t n);
