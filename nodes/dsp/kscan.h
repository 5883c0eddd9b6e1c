/* kscan.h - K-weighting of recordings: eight lanes at once.
 *
 * WHAT        The filter of kweight.h and the sums of its squares, for eight signals side by side in
 *             one vector: channels, or the same channel at several places of a long recording (whose
 *             past is then filtered again for a while: the filter forgets, kscan_settle()). The
 *             numerator of the shelf is divided by b0; kscan_gain() gives the factor of the sums.
 * THREADS     [any]; the state belongs to one caller.
 * INVARIANTS  S1 all vector widths and kscan_sum_plain() give the same bits.
 *             S2 sums times kscan_gain() equal kweight_sum() to 1e-12.
 * NOT HERE    live use, a lane per channel: kweight.h; windows and gates: loudness.h. */
#pragma once

#include "kweight.h"

#define KSCAN_LANES 8u

struct kscan_coef {
	double b1, b2, a1, a2; /* shelf, b0 = 1 */
	double c1, c2; /* high-pass */
	double gain; /* of energy: b0 squared */
	double flat; /* what the shelf makes of a constant */
};

/* Zeros are silence. */
struct kscan_state {
	double x1[KSCAN_LANES], x2[KSCAN_LANES];
	double y1[KSCAN_LANES], y2[KSCAN_LANES];
	double z1[KSCAN_LANES], z2[KSCAN_LANES];
};

/* [any] */
void kscan_coef_init(struct kscan_coef *coef, double rate_hz);
/* The state of LANE after X for ever: the best guess where the past is not known. [any] */
void kscan_settle(const struct kscan_coef *coef, struct kscan_state *state, uint32_t lane,
		  double x);
/* Filter N_FRAMES of all lanes and add the sums of squares to SUM. All of IN are valid; unused lanes
 * may repeat another. [any] */
void kscan_sum(const struct kscan_coef *coef, struct kscan_state *state, const float *const *in,
	       uint32_t n_frames, double *sum);
void kscan_sum_plain(const struct kscan_coef *coef, struct kscan_state *state,
		     const float *const *in, uint32_t n_frames, double *sum);
/* Copy lane FROM_LANE of FROM to lane TO_LANE of TO. [any] */
void kscan_copy(struct kscan_state *to, uint32_t to_lane, const struct kscan_state *from,
		uint32_t from_lane);
/* As kweight_flush(). [any] */
void kscan_flush(struct kscan_state *state);
