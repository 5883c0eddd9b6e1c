/* media_quantise.h - f32 to integers of some bits, once and last: inside daemon/render only.
 *
 * WHAT        Rounds to 2^(bits - 1) steps in 1.0, with TPDF dither of one step each side, flat or
 *             shaped, or without; clips and counts. The noise is a function of seed, channel and
 *             frame, so the result does not depend on how the sound is cut into blocks.
 * THREADS     one at a time.
 * NOT HERE    bytes: media_pcm.h. */
#pragma once

#include "ditherlaw.h"
#include "media_write.h"

struct media_quantiser {
	/* --- immutable after init --- */
	uint32_t n_channels, bits;
	enum media_dither dither;
	enum dither_shape shape; /* of MEDIA_DITHER_SHAPED */
	double steps; /* in 1.0 */
	uint64_t key[MEDIA_CHANNELS_MAX];
	/* --- state --- */
	uint64_t frame; /* of noise */
	bool is_off_grid; /* AUTO: something was between the steps */
	uint64_t clips;
	double error[MEDIA_CHANNELS_MAX][DITHER_TAPS]; /* newest first, in steps */
};

/* AUTO becomes none at 32 bits: that is finer than f32. Shaped noise at rates without a shape is
 * flat. */
void media_quantiser_init(struct media_quantiser *quantiser, uint32_t n_channels, uint32_t bits,
			  enum media_dither dither, double rate, uint64_t seed);
/* N finite frames; OUT has words of `bits` bits, shifted left by SHIFT. */
void media_quantise(struct media_quantiser *quantiser, const float *const *in, int32_t *const *out,
		    uint32_t n, uint32_t shift);
