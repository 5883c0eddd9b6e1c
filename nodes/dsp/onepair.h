/* onepair.h - a first-order section for two channels in a vector.
 *
 * STRUCTURE   y = b0 x + m; m = c x + p m: the section of dsp/onepole.h, written so that from frame to
 *             frame only one product waits for another. Several in a row hide in one another.
 * THREADS     [rt] */
#pragma once

#include "lanes.h"
#include "onepole.h"

struct onepair {
	lanes_f64x2 b0, c, p, memory;
};

/* MEMORY: of both channels, 16-byte aligned. */
MIXD_INLINE struct onepair onepair(const struct onepole *k, const double *memory)
{
	double c = k->b1 - k->a1 * k->b0;

	return (struct onepair){(lanes_f64x2){k->b0, k->b0}, (lanes_f64x2){c, c},
				(lanes_f64x2){-k->a1, -k->a1}, *(const lanes_f64x2 *)memory};
}

/* X becomes what the section makes of it. */
#define ONEPAIR_PASS(k, x)                                                                         \
	do {                                                                                       \
		lanes_f64x2 y = (k).b0 * (x) + (k).memory;                                         \
                                                                                                   \
		(k).memory = (k).c * (x) + (k).p * (k).memory;                                     \
		(x) = y;                                                                           \
	} while (0)
