/* firswap.c - see firswap.h. */
#include "firswap.h"

#include <mixd/rt.h>

#define FIRSWAP_FADE_S 0.05 /* dsp.md 4.3 */

void firswap_init(struct firswap *swap, struct partconv *conv, double rate_hz)
{
	swap->conv = conv;
	swap->fade_frames = (uint32_t)(FIRSWAP_FADE_S * rate_hz);
	swap->phase = FIRSWAP_IDLE;
	swap->current = 0;
	atomic_init(&swap->ready, false);
	partconv_set_banks(conv, 1);
}

uint32_t firswap_order(struct firswap *swap)
{
	swap->phase = FIRSWAP_DESIGNING;
	atomic_store_explicit(&swap->ready, false, memory_order_relaxed);
	return 1 - swap->current;
}

void firswap_cancel(struct firswap *swap)
{
	swap->phase = FIRSWAP_IDLE;
}

void firswap_designed(struct firswap *swap)
{
	atomic_store_explicit(&swap->ready, true, memory_order_release);
}

static void firswap_arrive(struct firswap *swap)
{
	swap->current = 1 - swap->current;
	swap->phase = FIRSWAP_IDLE;
	partconv_set_banks(swap->conv, 1u << swap->current);
}

bool firswap_update(struct firswap *swap)
{
	if (swap->phase == FIRSWAP_DESIGNING &&
	    atomic_load_explicit(&swap->ready, memory_order_acquire)) {
		if (swap->conv->fresh) {
			firswap_arrive(swap); /* there is no past: nothing to fade */
		} else {
			swap->phase = FIRSWAP_WARMING;
			swap->fade_begin =
				swap->position + partconv_warm_frames(swap->conv, swap->position);
			partconv_set_banks(swap->conv, 3);
		}
	}
	return swap->phase != FIRSWAP_IDLE;
}

/* OUT has the old one: go over to the new one. */
static void firswap_fade(const struct firswap *swap, float *const *out, uint32_t n_frames)
{
	for (uint32_t i = 0; i < n_frames; i++) {
		uint64_t at = swap->position + i;
		double t, gain;

		if (at < swap->fade_begin)
			continue;
		t = (double)(at - swap->fade_begin) / swap->fade_frames;
		gain = t < 1.0 ? t * t * (3.0 - 2.0 * t) : 1.0;
		for (uint32_t c = 0; c < swap->conv->shape.n_out; c++) {
			double from = out[c][i], to = swap->other[c][i];

			out[c][i] = t < 1.0 ? (float)(from + gain * (to - from)) : (float)to;
		}
	}
}

void firswap_process(struct firswap *swap, const float *const *in, float *const *out,
		     uint32_t n_frames, uint64_t position)
{
	struct partconv_call call = {.in = in, .n_frames = n_frames, .position = position};
	bool both = swap->phase == FIRSWAP_WARMING || swap->phase == FIRSWAP_FADING;
	float *other[PARTCONV_CHANNELS_MAX];

	for (uint32_t c = 0; c < swap->conv->shape.n_out; c++)
		other[c] = swap->other[c];
	swap->position = position;
	if (both && position + n_frames > swap->fade_begin)
		swap->phase = FIRSWAP_FADING;
	call.out[swap->current] = out;
	call.out[1 - swap->current] = swap->phase == FIRSWAP_FADING ? other : NULL;
	partconv_process(swap->conv, &call);
	if (swap->phase == FIRSWAP_FADING)
		firswap_fade(swap, out, n_frames);
	swap->position += n_frames;
	if (swap->phase == FIRSWAP_FADING && swap->position >= swap->fade_begin + swap->fade_frames)
		firswap_arrive(swap);
}

void firswap_reset(struct firswap *swap)
{
	if (swap->phase == FIRSWAP_WARMING || swap->phase == FIRSWAP_FADING)
		firswap_arrive(swap);
	partconv_reset(swap->conv);
}
