/* dynamics.h - the arithmetic of compressors, on planar blocks.
 *
 * WHAT        Level -> gain computer -> smoothing -> gain, each a pass over a block in the first
 *             cache. Levels and reductions are log2 of an amplitude: 1.0 is 6.02 dB. The passes
 *             without memory run along time; the smoothing runs over lanes.
 * THREADS     [rt]
 * INVARIANTS  D1 a frame's value depends on the frame, its index in the cell and the state alone,
 *                not on how time is cut, how lanes are grouped or how wide the machine is.
 *             D2 NaN and Inf in the signal leave the detector finite.
 * NOT HERE    params, key filters, look-ahead: nodes/comp. */
#pragma once

#include "lanes.h"

#define DYN_DB_PER_LOG2 6.020599913279624 /* 20 log10(2) */
#define DYN_LEVEL_MIN_POWER 1e-12f /* -120 dB */
#define DYN_LEVEL_MAX_POWER 1e24f

/* A value that moves linearly over the frames of a cell. */
struct dyn_line {
	float at, step;
};

struct dyn_curve {
	struct dyn_line threshold; /* log2 */
	struct dyn_line slope; /* 1 - 1/ratio */
	struct dyn_line range; /* the most reduction, log2 */
	float knee; /* log2, whole width */
	float knee_scale; /* 1 / (2 knee), 0 without knee */
};

struct dyn_out {
	struct dyn_line makeup; /* log2 */
	struct dyn_line mix;
	bool dry; /* mix is not 1 throughout */
};

/* out = in^2 */
void dyn_power(const float *in, float *out, uint32_t n);
/* The highest power among the N_IN rows, per frame. */
void dyn_power_of_loudest(const float *const *in, uint32_t n_in, float *out, uint32_t n);
/* out = max(out, in) */
void dyn_max(const float *in, float *out, uint32_t n);
/* Power to log2 of amplitude, in place. */
void dyn_level(float *x, uint32_t n);
/* own = own + link * (loudest - own); exactly loudest when link is 1. */
void dyn_link(float *own, const float *loudest, float link, uint32_t n);
/* Level to wanted reduction (>= 0), in place. FIRST is the frame within the cell. */
void dyn_reduce(const struct dyn_curve *curve, uint32_t first, float *x, uint32_t n);
/* dyn_level() and dyn_reduce() in one pass, to the same bits. */
void dyn_level_reduce(const struct dyn_curve *curve, uint32_t first, float *x, uint32_t n);
/* Smoothed reduction to gain, in place. Returns the largest reduction. */
float dyn_gain(const struct dyn_out *out, uint32_t first, float *x, uint32_t n);
/* out = in * gain. */
void dyn_apply(const float *in, const float *gain, float *out, uint32_t n);
/* Release per frame for the programme-dependent mode: exp2(-rate * peak / mean). */
void dyn_crest_release(const float *peak, const float *mean, float rate, float *out, uint32_t n);

/* Planar rows to WIDTH lanes per frame and back. Rows may repeat. */
void dyn_to_lanes(const float *const *in, float *ret, uint32_t width, uint32_t n);
void dyn_from_lanes(const float *lanes, float *const *out, uint32_t width, uint32_t n);

/* Smoothing, per lane. State: words of a lane, WIDTH apart; coefficients likewise. */
enum {
	DYN_STATE_RELEASED,
	DYN_STATE_REDUCTION,
	DYN_STATE_HELD,
	DYN_STATE_POWER,
	DYN_STATE_PEAK,
	DYN_STATE_MEAN,
	DYN_STATE_COUNT_
};
enum {
	DYN_COEF_ATTACK,
	DYN_COEF_RELEASE,
	DYN_COEF_HOLD_FRAMES,
	DYN_COEF_AUTO,
	DYN_COEF_POWER,
	DYN_COEF_CREST,
	/* For dynlanes.h: a dyn_curve and a dyn_out at rest, as f32 has them. */
	DYN_COEF_LOWER, /* threshold less half the knee */
	DYN_COEF_KNEE,
	DYN_COEF_KNEE_SCALE,
	DYN_COEF_SLOPE,
	DYN_COEF_RANGE,
	DYN_COEF_MAKEUP,
	DYN_COEF_COUNT_
};

/* Decoupled smooth: y1 = max(x, r y1 + (1 - r) x), y = a y + (1 - a) y1. X holds WIDTH lanes per
 * frame, wanted reduction in, smoothed out. RELEASE: NULL, or for lanes with DYN_COEF_AUTO != 0 the
 * r of each frame; HOLD: some lane holds. */
void dyn_smooth(uint32_t width, float *x, const float *release, bool hold, double *state,
		const double *coef, uint32_t n);
/* Mean power of the lanes: p = c p + (1 - c) x, in place. */
void dyn_mean_power(uint32_t width, float *x, double *state, const double *coef, uint32_t n);
/* Peak power (falling with c) and mean power, for dyn_crest_release(). */
void dyn_crest(uint32_t width, const float *x, float *ret_peak, float *ret_mean, double *state,
	       const double *coef, uint32_t n);
/* One value for all channels that rises at one speed and falls at another, after a hold; at rest it
 * is exactly what is wanted. */
struct dyn_swing {
	double up, down; /* share of the way per frame */
	uint32_t hold_frames;
	/* --- state --- */
	double value;
	uint32_t held;
};
void dyn_swing(struct dyn_swing *swing, float *x, uint32_t n);
/* Mean power of one row, in place: p += take (x - p). */
void dyn_mean_row(double *power, double take, float *x, uint32_t n);
/* Plain C twin of dyn_smooth(), one lane at a time. */
void dyn_smooth_plain(uint32_t width, float *x, const float *release, bool hold, double *state,
		      const double *coef, uint32_t n);
