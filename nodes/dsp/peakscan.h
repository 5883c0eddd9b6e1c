/* peakscan.h - the true peak of a recording, without interpolating where it cannot lie.
 *
 * WHAT        No value of an interpolator exceeds the highest sample in its reach times the sum of the
 *             magnitudes of its taps (7.7 dB). Pieces of 16 frames whose bound is not above what is
 *             known already are passed over; of the others the points half way between the samples
 *             are made first, which bound the rest by 2.3 dB. That is exact: what is found has the same bits as
 *             truepeak_envelope() everywhere would give (P1).
 * THREADS     [any]; no state.
 * NOT HERE    the interpolator: truepeak.h; what to do with peaks: delivery/measure_peaks.c. */
#pragma once

#include "truepeak.h"

#define PEAKSCAN_PIECE TRUEPEAK_GRAIN
#define PEAKSCAN_PAST 3u /* pieces that are looked back at */
#define PEAKSCAN_RUN 16u /* pieces at a time */

struct peakscan {
	struct truepeak_filter filter;
	float reach; /* largest sum of magnitudes of taps, and 1e-5 for rounding */
	/* No point exceeds near times the halves around it and far times the samples in reach. */
	float near, far;
};

/* [main] */
void peakscan_init(struct peakscan *scan, double rate_hz, double beta);
/* PIECE[k] = highest magnitude of the 16 frames from X + 16 k on, for N_PIECES. [any] */
void peakscan_pieces(const float *x, uint32_t n_pieces, float *piece);
/* The next pieces from FIRST on, at most PEAKSCAN_RUN, whose envelope may exceed ABOVE: how many, and
 * in *RET_FIRST where they begin; 0 when there are none below N_PIECES. PIECE[-PEAKSCAN_PAST..-1] are
 * of the frames before. [any] */
uint32_t peakscan_next(const struct peakscan *scan, const float *piece, uint32_t first,
		       uint32_t n_pieces, float above, uint32_t *ret_first);
/* Looks closer at N of them: bit k of the result says that piece FIRST + k may still exceed ABOVE. X is
 * the first frame of piece 0; 63 frames before piece FIRST, and a piece behind the last, are there. */
uint32_t peakscan_refine(const struct peakscan *scan, const float *x, const float *piece,
			 uint32_t first, uint32_t n, float above);
