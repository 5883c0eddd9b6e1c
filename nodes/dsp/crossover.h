/* crossover.h - split a signal into 2..6 bands that add up to an all-pass of it.
 *
 * WHAT        Linkwitz-Riley splits of 24 dB per octave in a tree. Two channels are run at a time,
 *             with all their branches, as one set of vector lanes.
 * SOURCE      S. Linkwitz, Active Crossover Networks for Noncoincident Drivers, JAES 24(1), 1976
 *             (a Butterworth filter twice); J. D'Appolito, Active Realization of Multiway All-Pass
 *             Crossover Systems, JAES 35(4), 1987 (what is split later turns the phase, so every
 *             other branch is given the all-pass of that split).
 * METHOD      From the highest frequency down. With D = s^2 + sqrt2 s + 1 the low branch is 1 / D^2,
 *             the high one s^4 / D^2, and their sum the all-pass A = (s^2 - sqrt2 s + 1) / D. A
 *             state-variable section gives 1 / D and A at once: low = 1/D of 1/D, high = A - low,
 *             and all branches split off before pass the same section for its A. So n splits cost
 *             n sections for 1/D^2 and one for the A of each branch.
 * THREADS     [rt]; a state belongs to one caller.
 * MOVES       A split that moves leaks into bands where nothing else is; what is heard is not how far
 *             it goes but every bend of the way. Two one-poles per coefficient follow the target,
 *             and any mean of stable sections is stable (svf.h, S1).
 * INVARIANTS  X1 the sum of all bands is the product of the all-passes, to f64 rounding.
 *             X2 the bits do not depend on how time is cut, nor on the machine. */
#pragma once

#include "lanes.h"

#define CROSSOVER_WAYS_MAX 6u
#define CROSSOVER_POINTS_MAX (CROSSOVER_WAYS_MAX - 1u)
#define CROSSOVER_SECTIONS 14u /* vectors of 4 lanes, two words each, for 6 ways */
#define CROSSOVER_SPACING 1.4142135623730951 /* a point lies half an octave above the one below */

/* One split: coefficients a, b, t of a section, where they go, and what follows the way there. */
struct crossover_point {
	double now[3], mid[3], target[3];
};

struct crossover {
	uint32_t ways; /* 2..CROSSOVER_WAYS_MAX */
	bool moving; /* some point is not where it goes */
	double follow; /* share of the way per frame while moving */
	struct crossover_point point[CROSSOVER_POINTS_MAX]; /* the lowest first */
};

/* The past of two channels; zeros are silence. */
struct crossover_state {
	double word[CROSSOVER_SECTIONS * 2u * 4u] __attribute__((aligned(64)));
};

/* Put N frequencies in order, at least half an octave apart and below 0.49 RATE where there is
 * room: each is lifted above the one below. [any] */
void crossover_space(double *freq_hz, uint32_t n, double rate_hz);
/* Let split IDX rest at FREQ_HZ. [any] */
void crossover_set(struct crossover *crossover, uint32_t idx, double freq_hz, double rate_hz);
/* Let it go to FREQ_HZ, on a way without corners in value or speed: 1.5 ms behind. [rt] */
void crossover_move(struct crossover *crossover, uint32_t idx, double freq_hz, double rate_hz);
/* Let points that are as good as there rest. True while some move on. Call it once per cell. [rt] */
bool crossover_settle(struct crossover *crossover);

/* Two channels to bands: out[way * 2 + channel]. Rows of OUT do not overlap
 * IN. Afterwards, once for all pairs of channels, crossover_advance(). [rt] */
void crossover_run(const struct crossover *crossover, struct crossover_state *state,
		   const float *const in[2], float *const *out, uint32_t n);
/* What moves is N frames further. [rt] */
void crossover_advance(struct crossover *crossover, uint32_t n);
/* crossover_run() in plain C, one channel and one sample at a time, without rounding to f32. */
void crossover_run_plain(const struct crossover *crossover, struct crossover_state *state,
			 const float *const in[2], double *const *out, uint32_t n);
