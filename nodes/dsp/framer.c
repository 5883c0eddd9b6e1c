/* framer.c - see framer.h. */
#include "framer.h"

#include <string.h>

#include "clones.h"

#include <mixd/rt.h>

void framer_init(struct framer *framer, uint32_t size, uint32_t hop, float *ring)
{
	memset(framer, 0, sizeof(*framer));
	framer->size = size;
	framer->hop = hop;
	framer->ring = ring;
	atomic_init(&framer->busy, 0);
}

void framer_reset(struct framer *framer)
{
	/* Positions go on: a worker may still be reading at the old ones. */
	framer->valid = 0;
	framer->fill = 0;
	framer->pending = false;
}

MIXD_CLONES static void framer_mean(const float *const *in, uint32_t n_channels, uint32_t first,
				    uint32_t n, float *ret)
{
	float scale = 1.0f / (float)n_channels;

	memcpy(ret, in[0] + first, n * sizeof(float));
	for (uint32_t c = 1; c < n_channels; c++)
		for (uint32_t i = 0; i < n; i++)
			ret[i] += in[c][first + i];
	for (uint32_t i = 0; i < n; i++)
		ret[i] *= scale;
}

static void framer_write(struct framer *framer, const float *x, uint32_t n)
{
	uint32_t capacity = 2 * framer->size, at = (uint32_t)(framer->written % capacity);
	uint32_t early = n < capacity - at ? n : capacity - at;

	memcpy(framer->ring + at, x, early * sizeof(float));
	memcpy(framer->ring, x + early, (n - early) * sizeof(float));
}

bool framer_put(struct framer *framer, const float *const *in, uint32_t n_channels, uint32_t first,
		uint32_t n)
{
	bool busy = atomic_load_explicit(&framer->busy, memory_order_acquire) != 0;
	float mean[FRAMER_CHUNK];

	/* What the worker reads begins at end - size; one lap later it would be overwritten. */
	if (busy && framer->written + n > framer->end + framer->size) {
		framer->valid = 0;
	} else {
		if (n_channels > 1)
			framer_mean(in, n_channels, first, n, mean);
		framer_write(framer, n_channels > 1 ? mean : in[0] + first, n);
		framer->written += n;
		framer->valid += n;
	}
	framer->fill += n;
	if (framer->fill < framer->hop)
		return false;
	framer->fill = 0;
	if (busy || framer->pending || framer->valid < framer->size)
		return false;
	framer->end = framer->written;
	framer->pending = true;
	atomic_store_explicit(&framer->busy, 1, memory_order_release);
	return true;
}

void framer_cancel(struct framer *framer)
{
	framer->pending = false;
	atomic_store_explicit(&framer->busy, 0, memory_order_release);
}

bool framer_taken(struct framer *framer)
{
	if (!framer->pending || atomic_load_explicit(&framer->busy, memory_order_acquire))
		return false;
	framer->pending = false;
	return true;
}

MIXD_CLONES static void framer_apply(const float *x, const float *window, uint32_t n, float *ret)
{
	for (uint32_t i = 0; i < n; i++)
		ret[i] = x[i] * window[i];
}

void framer_read(const struct framer *framer, const float *window, float *ret)
{
	uint32_t capacity = 2 * framer->size;
	uint32_t at = (uint32_t)((framer->end - framer->size) % capacity);
	uint32_t early = framer->size < capacity - at ? framer->size : capacity - at;

	framer_apply(framer->ring + at, window, early, ret);
	framer_apply(framer->ring, window + early, framer->size - early, ret + early);
}

void framer_done(struct framer *framer)
{
	atomic_store_explicit(&framer->busy, 0, memory_order_release);
}

MIXD_CLONES void framer_power(const float *re, const float *im, float scale, uint32_t n,
			      float *ret_power)
{
	for (uint32_t k = 0; k <= n; k++)
		ret_power[k] = scale * (re[k] * re[k] + im[k] * im[k]);
}
