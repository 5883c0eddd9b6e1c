/* fdn.h - feedback delay network of 16 lines.
 *
 * WHAT        16 delay lines whose outputs are absorbed, mixed by a Hadamard matrix and written back
 *             together with what is injected. Every line is longer than a block, so a block's
 *             outputs are all known before it begins: reading, interpolating, mixing and writing
 *             run in vectors along time, the absorbing filters in vectors over lines, all in f32:
 *             what is stored in the lines is f32 in any case, and the filters add less than that
 *             (fdn.c tells why).
 *             The rows of the mixed outputs are mutually orthogonal: each is an output of its own.
 * SOURCE      Jot, Chaigne, Digital delay networks for designing artificial reverberators, AES 90
 *             (1991): absorption 10^(-3 m / (rate T60)) per line, tone correction 1 / sqrt(T60).
 *             Schlecht, FDNTB, DAFx-20: orthogonal mixing. Shelves whose
 *             decibels are nearly proportional to their gain (dsp/onepole.h), so that one curve of
 *             T60 serves lines of all lengths.
 * THREADS     sizes and init [main], the rest [rt]
 * INVARIANTS  F1 any cut of time gives the same bits.
 *             F2 with gains of 1 and no modulation the network keeps its energy.
 * NOT HERE    what is injected: dsp/diffuser.h makes it dense. */
#pragma once

#include <stddef.h>

#include <mixd/node.h>

#include "swaybank.h"

#define FDN_LINES 16u
#define FDN_SWAYING SWAYBANK_LINES /* every other line, the second first */
#define FDN_ALL_ROWS 0xffffu
#define FDN_BLOCK MIXD_SLICE_MAX

/* The decay that is wanted. */
struct fdn_decay {
	double t60_s; /* in the middle; INFINITY: for ever */
	double low_ratio, low_hz; /* T60 below, as a part of t60_s; half way (in dB/s) at low_hz */
	double high_ratio, high_hz; /* and above */
};

struct fdn {
	/* --- immutable after init --- */
	struct blockring line[FDN_LINES];
	uint32_t length[FDN_LINES], swaying[FDN_SWAYING]; /* swaying: their lengths */
	double rate;
	double depth_max; /* frames: the modulation's reach */
	/* --- rt --- */
	uint32_t position; /* in the lines */
	uint32_t clock; /* frames, of which every 32nd is a knot */
	double depth; /* frames */
	struct swaybank sway;
	/* The absorbing filters: b0 c p of the low shelf (with the gain), then of the high. */
	float coef[6][FDN_LINES] __attribute__((aligned(64)));
	float state[2][FDN_LINES] __attribute__((aligned(64)));
};

/* Lengths in frames: mutually prime, from 15 to 90 ms times SCALE, spread evenly in their
 * logarithm. None is shorter than a block and the modulation need. */
void fdn_lengths(double rate, double scale, uint32_t ret_length[FDN_LINES]);
/* Floats that the lines need. */
size_t fdn_memory(double rate, double scale);
/* MEMORY: fdn_memory() floats, zeroed, borrowed. */
void fdn_init(struct fdn *fdn, double rate, double scale, float *memory);
void fdn_reset(struct fdn *fdn);
/* As diffuser_align(). */
void fdn_align(struct fdn *fdn, uint32_t frame);
void fdn_set_decay(struct fdn *fdn, const struct fdn_decay *decay);
/* Of every other line: DEPTH in frames, up to depth_max; RATE_HZ of the slowest, the others up to
 * 1.5 times. */
void fdn_set_modulation(struct fdn *fdn, double depth, double rate_hz);
/* The gain of a block's injection at which noise of power P in CHANNELS inputs becomes noise of
 * power P in every output. 0 when the decay is for ever. */
double fdn_injection(const struct fdn *fdn, const struct fdn_decay *decay, uint32_t channels);
/* N frames, up to FDN_BLOCK. INJECT: what enters line k, and line k + 8 with the other sign.
 * RET_ROW: the mixed outputs; those whose bit in WANTED is 0 are untouched. */
void fdn_process(struct fdn *fdn, float (*inject)[FDN_BLOCK], float (*ret_row)[FDN_BLOCK],
		 uint32_t wanted, uint32_t n);
/* All rows in plain C, sample by sample: the same bits. */
void fdn_process_plain(struct fdn *fdn, float (*inject)[FDN_BLOCK], float (*ret_row)[FDN_BLOCK],
		       uint32_t n);
