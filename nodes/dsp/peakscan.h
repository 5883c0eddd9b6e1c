/* peakscan.h - the true peak of a recording, without interpolating where it cannot lie.
 *
 * WHAT        No value of an interpolator exceeds the highest sample in its reach times the sum of the
 *             magnitudes of its taps. Pieces of 16 frames whose bound is not above what is known
 *             already are passed over. That is exact: what is found has the same bits as
 *             truepeak_envelope() everywhere would give (P1).
 * THREADS     [any]; no state.
 * NOT HERE    the interpolator: truepeak.h; what to do with peaks: delivery/measure_peaks.c. */
#pragma once

#include "truepeak.h"

#define PEAKSCAN_PIECE TRUEPEAK_GRAIN
#define PEAKSCAN_PAST 2u /* pieces that an envelope reaches back */

struct peakscan {
	struct truepeak_filter filter;
	float reach; /* largest sum of magnitudes of taps, and 1e-5 for rounding */
};

/* [main] */
void peakscan_init(struct peakscan *scan, double rate_hz, double beta);
/* PIECE[k] = highest magnitude of the 16 frames from X + 16 k on, for N_PIECES. [any] */
void peakscan_pieces(const float *x, uint32_t n_pieces, float *piece);
/* The next pieces from FIRST on, at most MOST, whose envelope may exceed ABOVE: how many, and in
 * *RET_FIRST where they begin; 0 when there are none below N_PIECES. PIECE[-1] and PIECE[-2] are of
 * the frames before. [any] */
uint32_t peakscan_next(const struct peakscan *scan, const float *piece, uint32_t first,
		       uint32_t n_pieces, uint32_t most, float above, uint32_t *ret_first);
