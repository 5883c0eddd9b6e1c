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
	uint32_t position;
	float cosine,
		sine; /* of the mixing angle: 0 lets everything pass, 45 degrees mixes fully */
};

/* Floats that the delays need. SCALE 1: 52 ms in all. */
size_t diffuser_memory(double rate, double scale);
void diffuser_init(struct diffuser *diffuser, double rate, double scale, float *memory);
/* AMOUNT 0..1. */
void diffuser_set(struct diffuser *diffuser, double amount);
void diffuser_reset(struct diffuser *diffuser);
/* In place. */
void diffuser_process(struct diffuser *diffuser, float (*channel)[DIFFUSER_BLOCK], uint32_t n);
