/* firswap.h - a convolution whose filters are replaced while it sounds.
 *
 * WHAT        Two banks of a partconv: one sounds, the other takes the filters that are being
 *             designed elsewhere. When they are there, both run: first until the new one has all of
 *             its past (partconv_warm_frames), then one fades into the other. Who owns it decides
 *             when a new design is due:
 *               update():  firswap_update(); if firswap_idle() and something changed:
 *                          bank = firswap_order(), then host->submit()
 *               work():    partconv_load() into that bank, then firswap_designed()
 * THREADS     _designed [worker]; _init [main]; the rest [rt].
 * INVARIANTS  W1 where a fade begins and ends is a matter of position, not of how time is cut.
 *             W2 after _reset() the newest filters sound, without a fade. */
#pragma once

#include <mixd/node.h>

#include "partconv.h"

enum firswap_phase { FIRSWAP_IDLE, FIRSWAP_DESIGNING, FIRSWAP_WARMING, FIRSWAP_FADING };

struct firswap {
	/* --- immutable after init --- */
	struct partconv *conv; /* borrowed; two banks, no worker */
	uint32_t fade_frames;
	/* --- rt --- */
	enum firswap_phase phase;
	uint32_t current; /* the bank that sounds */
	uint64_t position; /* of the next frame */
	uint64_t fade_begin;
	float other[PARTCONV_CHANNELS_MAX][MIXD_SLICE_MAX];
	/* --- shared: atomic --- */
	_Atomic bool ready;
};

void firswap_init(struct firswap *swap, struct partconv *conv, double rate_hz);
/* May a new design be ordered? */
static inline bool firswap_idle(const struct firswap *swap)
{
	return swap->phase == FIRSWAP_IDLE;
}
/* The bank to load; then submit the job, or firswap_cancel(). */
uint32_t firswap_order(struct firswap *swap);
void firswap_cancel(struct firswap *swap);
void firswap_designed(struct firswap *swap); /* [worker] */
/* Once per update(): take what has been designed. True while something is under way. */
bool firswap_update(struct firswap *swap);
/* IN and OUT never overlap. */
void firswap_process(struct firswap *swap, const float *const *in, float *const *out,
		     uint32_t n_frames, uint64_t position);
void firswap_reset(struct firswap *swap);
