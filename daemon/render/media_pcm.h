/* media_pcm.h - samples as bytes <-> planar f32 and integers: inside daemon/render only.
 *
 * WHAT        Kernels, made of vectors; their plain twins are in tests/unit/test_media_pcm.c.
 *             Integers are divided by 2^(bits - 1): exact up to 24 bits, rounded to nearest above.
 * THREADS     [any] */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct media_pcm {
	uint8_t bytes; /* of a sample: 1..4 */
	bool is_big; /* most significant byte first */
	bool is_float; /* 4 bytes */
	bool is_unsigned; /* 1 byte, zero is 128 */
};

/* N frames of N_CHANNELS interleaved samples at BYTES become planar. FROM: channel c of OUT is
 * channel from[c] of the file; NULL: as they come. Returns the bits that were 1, of words shifted up
 * to 32 bits; 0 for float. */
uint32_t media_pcm_decode(const struct media_pcm *pcm, const void *bytes, uint32_t n_channels,
			  const uint8_t *from, float *const *out, uint32_t n);
/* The first of N samples that is not finite, or N. */
uint32_t media_pcm_first_bad(const float *samples, uint32_t n);

/* Planar words of 8 * bytes bits (float: f32 in its bits) become N interleaved frames at BYTES, which
 * has 16 bytes of room beyond its end. Channel c of the file is channel from[c] of IN; NULL: as they
 * come. */
void media_pcm_encode(const struct media_pcm *pcm, void *bytes, uint32_t n_channels,
		      const uint8_t *from, const int32_t *const *in, uint32_t n);
