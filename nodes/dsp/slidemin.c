/* Source: the doubling of window minima is the sparse table of M. A. Bender and M. Farach-Colton,
 * "The LCA Problem Revisited", LATIN 2000, section 3, made to run; compare M. van Herk, "A fast
 * algorithm for local minimum and maximum filters", Pattern Recognition Letters 13 (1992), whose
 * backward pass is a burst of W steps at each multiple of W. */
#include "slidemin.h"

#include <string.h>

#include "clones.h"

#include <mixd/rt.h>

typedef float slidemin_v4 __attribute__((vector_size(16)));
typedef int32_t slidemin_i4 __attribute__((vector_size(16)));

static uint32_t slidemin_level_of(uint32_t window)
{
	uint32_t level = 31 - (uint32_t)__builtin_clz(window | 1u);

	return level < SLIDEMIN_LEVEL_FIRST ? SLIDEMIN_LEVEL_FIRST : level;
}

/* Level j has a ring of 2^j values; the rings lie one behind the other. */
size_t slidemin_floats(uint32_t window_max)
{
	return (2u << slidemin_level_of(window_max)) - (1u << SLIDEMIN_LEVEL_FIRST);
}

void slidemin_init(struct slidemin *slidemin, uint32_t window_max, float *ring, float value)
{
	memset(slidemin, 0, sizeof(*slidemin));
	slidemin->top = slidemin_level_of(window_max);
	slidemin->ring = ring;
	slidemin_set_window(slidemin, window_max);
	slidemin_reset(slidemin, value);
}

void slidemin_reset(struct slidemin *slidemin, float value)
{
	size_t n = (2u << slidemin->top) - (1u << SLIDEMIN_LEVEL_FIRST);

	slidemin->position = 0;
	for (size_t i = 0; i < n; i++)
		slidemin->ring[i] = value;
}

void slidemin_set_window(struct slidemin *slidemin, uint32_t window)
{
	uint32_t most = (2u << slidemin->top) - 1;

	slidemin->window = window < SLIDEMIN_CHUNK ? SLIDEMIN_CHUNK : window > most ? most : window;
}

static float slidemin_one(struct slidemin *slidemin, const float *in)
{
	uint32_t level_out = slidemin_level_of(slidemin->window);
	uint32_t position = (uint32_t)slidemin->position++;
	float *ring = slidemin->ring;
	float now = in[0], out = now;

	for (int32_t k = 1; k < (int32_t)SLIDEMIN_CHUNK; k++)
		now = in[-k] < now ? in[-k] : now;
	for (uint32_t level = SLIDEMIN_LEVEL_FIRST; level <= slidemin->top; level++) {
		uint32_t size = 1u << level;
		float *here = ring + (position & (size - 1));
		float before = *here;

		*here = now;
		if (level == level_out) {
			float early = ring[(position - (slidemin->window - size)) & (size - 1)];

			out = early < now ? early : now;
		}
		now = before < now ? before : now;
		ring += size;
	}
	return out;
}

/* a < b ? a : b; gcc 12 does not find the instruction by itself. */
MIXD_INLINE slidemin_v4 slidemin_lower(slidemin_v4 a, slidemin_v4 b)
{
#if defined(__SSE__) && !defined(__clang__)
	return __builtin_ia32_minps(a, b);
#else
	slidemin_i4 less = a < b;

	return (slidemin_v4)((less & (slidemin_i4)a) | (~less & (slidemin_i4)b));
#endif
}

MIXD_INLINE slidemin_v4 slidemin_load(const float *from)
{
	slidemin_v4 v;

	memcpy(&v, from, sizeof(v));
	return v;
}

/* The minima of 16 of a whole chunk: of 4 by loads at four offsets, of 8 and 16 by doubling. */
MIXD_INLINE void slidemin_first(const float *in, slidemin_v4 *ret_now)
{
	slidemin_v4 four[7], eight[6];

	for (int32_t k = 0; k < 7; k++) {
		const float *at = in + 4 * (k - 3);

		four[k] = slidemin_lower(
			slidemin_lower(slidemin_load(at), slidemin_load(at - 1)),
			slidemin_lower(slidemin_load(at - 2), slidemin_load(at - 3)));
	}
	for (uint32_t k = 0; k < 6; k++)
		eight[k] = slidemin_lower(four[k], four[k + 1]);
	for (uint32_t k = 0; k < 4; k++)
		ret_now[k] = slidemin_lower(eight[k], eight[k + 2]);
}

/* out = the lower of this chunk and what lies BACK frames before it; RING does not hold the chunk
 * yet. */
MIXD_INLINE void slidemin_pick(const float *ring, uint32_t size, uint32_t position, uint32_t back,
			       const slidemin_v4 *now, float *out)
{
	uint32_t start = (position - back) & (size - 1);
	float early[SLIDEMIN_CHUNK], late[SLIDEMIN_CHUNK];
	const float *from = ring + start;

	if (back < SLIDEMIN_CHUNK || start + SLIDEMIN_CHUNK > size) {
		memcpy(late, now, sizeof(late));
		for (uint32_t i = 0; i < SLIDEMIN_CHUNK; i++)
			early[i] = i < back ? ring[(start + i) & (size - 1)] : late[i - back];
		from = early;
	}
	for (uint32_t k = 0; k < 4; k++) {
		slidemin_v4 lower = slidemin_lower(slidemin_load(from + 4 * k), now[k]);

		memcpy(out + 4 * k, &lower, sizeof(lower));
	}
}

static void slidemin_chunk(struct slidemin *slidemin, const float *in, float *out)
{
	uint32_t level_out = slidemin_level_of(slidemin->window);
	uint32_t position = (uint32_t)slidemin->position;
	float *ring = slidemin->ring;
	slidemin_v4 now[4];

	slidemin_first(in, now);
	for (uint32_t level = SLIDEMIN_LEVEL_FIRST; level <= slidemin->top; level++) {
		uint32_t size = 1u << level;
		float *here = ring + (position & (size - 1));

		if (level == level_out)
			slidemin_pick(ring, size, position, slidemin->window - size, now, out);
		for (uint32_t k = 0; k < 4; k++) {
			slidemin_v4 before = slidemin_load(here + 4 * k);

			memcpy(here + 4 * k, &now[k], sizeof(before));
			now[k] = slidemin_lower(before, now[k]);
		}
		ring += size;
	}
	slidemin->position += SLIDEMIN_CHUNK;
}

void slidemin_run(struct slidemin *slidemin, const float *in, float *out, uint32_t n_frames)
{
	uint32_t i = 0;

	while (i < n_frames) {
		if (slidemin->position % SLIDEMIN_CHUNK == 0 && n_frames - i >= SLIDEMIN_CHUNK) {
			slidemin_chunk(slidemin, in + i, out + i);
			i += SLIDEMIN_CHUNK;
		} else {
			out[i] = slidemin_one(slidemin, in + i);
			i++;
		}
	}
}
