/* blockring.h - a delay line that is written and read in blocks.
 *
 * WHAT        A ring of a power of two of samples. What is written at position P is read with any
 *             delay up to the size less one block; a delay of at least a block's length closes a
 *             loop without a sample-by-sample recursion, so everything in between runs in vectors
 *             along time. The first samples stand again behind the last ones, so that a block is
 *             read where it stands, without a seam. Positions count up and wrap at 2^32.
 * THREADS     [rt]; blockring_size() [any]
 * NOT HERE    fractional delays: the caller interpolates what it reads. */
#pragma once

#include <stdint.h>
#include <string.h>

#define BLOCKRING_BLOCK 128u /* frames written or read at once */
#define BLOCKRING_MIRROR (BLOCKRING_BLOCK + 16u)

/* Frames side by side, and where they stand in a ring. */
typedef float blockring_f32x16 __attribute__((vector_size(64), aligned(64), may_alias));
typedef float blockring_f32x16u __attribute__((vector_size(64), aligned(4), may_alias));

struct blockring {
	float *sample; /* borrowed: blockring_floats(), zeroed */
	uint32_t mask;
};

/* The size for delays up to MAX_FRAMES. */
static inline uint32_t blockring_size(uint32_t max_frames)
{
	uint32_t size = 256;

	while (size < max_frames + BLOCKRING_BLOCK)
		size *= 2;
	return size;
}

/* Floats of memory for a ring of SIZE. */
static inline uint32_t blockring_floats(uint32_t size)
{
	return size + BLOCKRING_MIRROR;
}

static inline void blockring_clear(const struct blockring *ring)
{
	memset(ring->sample, 0, blockring_floats(ring->mask + 1) * sizeof(float));
}

/* Up to BLOCKRING_MIRROR samples from POSITION on, as they stand. */
static inline const float *blockring_at(const struct blockring *ring, uint32_t position)
{
	return ring->sample + (position & ring->mask);
}

/* Where up to BLOCKRING_BLOCK samples for POSITION are to be written; then blockring_wrote(). */
static inline float *blockring_place(const struct blockring *ring, uint32_t position)
{
	return ring->sample + (position & ring->mask);
}

/* N samples stand at POSITION: keep start and mirror equal. */
static inline void blockring_wrote(const struct blockring *ring, uint32_t position, uint32_t n)
{
	uint32_t at = position & ring->mask, size = ring->mask + 1;

	if (at + n > size)
		memcpy(ring->sample, ring->sample + size, (at + n - size) * sizeof(float));
	if (at < BLOCKRING_MIRROR) {
		uint32_t part = at + n < BLOCKRING_MIRROR ? n : BLOCKRING_MIRROR - at;

		memcpy(ring->sample + size + at, ring->sample + at, part * sizeof(float));
	}
}

static inline void blockring_write(const struct blockring *ring, uint32_t position, const float *in,
				   uint32_t n)
{
	float *restrict to = blockring_place(ring, position);

	for (uint32_t i = 0; i < n; i++)
		to[i] = in[i];
	blockring_wrote(ring, position, n);
}
