/* shaper.h - one channel through a curve at a higher rate: drive, curve, mix and back.
 *
 * WHAT        Up, times `pre` plus `offset`, through the curve (ADAA or plain), times `wet`, plus
 *             the undistorted times `dry`, down. The dry way is sampled like the wet one, so they
 *             add in phase at any mix. What ADAA takes of the treble comes back by a symmetric FIR
 *             whose delay, with ADAA's half frame, is whole at the lower rate.
 *             What the curve gives for `offset` alone is taken away: silence stays silence.
 * THREADS     [any]; all memory is the caller's.
 * INVARIANTS  S1 each frame has the same bits however time is cut, on every CPU.
 *             S2 silence into a fresh channel gives zeros and leaves it as fresh.
 *             S3 linear phase: the delay is shaper.latency frames to the sample; low latency: where an
 *                impulse comes out highest.
 * NOT HERE    the nodes: clipper, saturator. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "adaa.h"
#include "oversample.h"
#include "ramp.h"

#define SHAPER_FIR_MAX 8u /* taps */
#define SHAPER_PAST 16u /* frames before the FIR: its own, and up to 7 that fill up the delay */

struct shaper {
	struct oversample os;
	bool plain; /* no ADAA */
	uint32_t n_taps; /* of the compensation; 0: none */
	uint32_t pad; /* frames of the upper rate that fill up the delay to whole frames */
	float tap[SHAPER_FIR_MAX];
	uint32_t latency; /* frames */
};

/* What moves. Advanced by the caller, once for all channels. */
struct shaper_control {
	struct dsp_ramp pre, offset, wet, dry;
	struct dsp_ramp blend; /* share of the second curve */
	enum adaa_curve curve[2];
};

/* Zeroed is fresh. */
struct shaper_channel {
	struct oversample_channel os;
	float past[SHAPER_PAST]; /* before the FIR, newest last */
	float x_before; /* upper rate, before the drive */
	float at_before[2]; /* on the curve; and where silence is there */
	bool began;
};

/* FACTOR as at 48 kHz: 2, 4, 8. [main] */
void shaper_init(struct shaper *shaper, enum oversample_kind kind, uint32_t factor, bool plain,
		 double rate_hz);
/* Go on towards CURVE for one cell; a whole glide takes GLIDE_FRAMES. One glide ends before the next
 * begins. True until CURVE is reached. [rt] */
bool shaper_choose(struct shaper_control *control, enum adaa_curve curve, uint32_t cell_frames,
		   double glide_frames);
void shaper_choose_now(struct shaper_control *control, enum adaa_curve curve);
/* N_FRAMES up to OVERSAMPLE_BLOCK; IN may be OUT. [rt] */
void shaper_run(const struct shaper *shaper, struct shaper_channel *channel,
		const struct shaper_control *control, const float *in, float *out,
		uint32_t n_frames);
