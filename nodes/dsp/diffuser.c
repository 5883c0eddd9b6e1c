/* diffuser.c - many echoes out of one: stages of delays and orthogonal mixing; see diffuser.h. */
#include "diffuser.h"

#include <math.h>

#include "lanes.h"

#include <mixd/rt.h>

/* The longest delay of each stage: every stage multiplies the echoes by eight and fills the gaps of
 * the one before. */
static const double diffuser_stage_ms[DIFFUSER_STAGES] = {4.0, 9.0, 16.0, 23.0};
/* Where in its eighth of the stage a channel's delay lies, and which channel has which eighth: any
 * irregular choice serves. */
static const double diffuser_place[DIFFUSER_STAGES][DIFFUSER_CHANNELS] = {
	{0.31, 0.82, 0.17, 0.64, 0.93, 0.45, 0.09, 0.71},
	{0.58, 0.12, 0.87, 0.36, 0.21, 0.76, 0.49, 0.95},
	{0.74, 0.27, 0.53, 0.08, 0.66, 0.39, 0.91, 0.15},
	{0.19, 0.68, 0.33, 0.97, 0.41, 0.06, 0.79, 0.55},
};
static const uint8_t diffuser_eighth[DIFFUSER_STAGES][DIFFUSER_CHANNELS] = {
	{0, 4, 2, 6, 1, 5, 3, 7},
	{5, 0, 6, 3, 7, 2, 4, 1},
	{2, 7, 1, 4, 0, 6, 5, 3},
	{6, 3, 5, 0, 4, 1, 7, 2},
};

static uint32_t diffuser_delay(double rate, double scale, uint32_t stage, uint32_t channel)
{
	double part = (diffuser_eighth[stage][channel] + diffuser_place[stage][channel]) / 8;

	return (uint32_t)(part * diffuser_stage_ms[stage] * scale * rate / 1000);
}

/* The ring of a channel. Those of the first stage hold what enters, for any channel's delay. */
static uint32_t diffuser_ring(double rate, double scale, uint32_t stage, uint32_t channel)
{
	uint32_t delay = diffuser_delay(rate, scale, stage, channel);

	for (uint32_t c = 0; c < DIFFUSER_CHANNELS && stage == 0; c++)
		if (diffuser_delay(rate, scale, 0, c) > delay)
			delay = diffuser_delay(rate, scale, 0, c);
	return blockring_size(delay);
}

size_t diffuser_memory(double rate, double scale)
{
	size_t floats = 0;

	for (uint32_t s = 0; s < DIFFUSER_STAGES; s++)
		for (uint32_t c = 0; c < DIFFUSER_CHANNELS; c++)
			floats += blockring_floats(diffuser_ring(rate, scale, s, c));
	return floats;
}

void diffuser_init(struct diffuser *diffuser, double rate, double scale, uint32_t entries,
		   float *memory)
{
	diffuser->entries = entries;
	for (uint32_t s = 0; s < DIFFUSER_STAGES; s++)
		for (uint32_t c = 0; c < DIFFUSER_CHANNELS; c++) {
			uint32_t size = diffuser_ring(rate, scale, s, c);

			diffuser->delay[s][c] = diffuser_delay(rate, scale, s, c);
			diffuser->ring[s][c] = (struct blockring){memory, size - 1};
			memory += blockring_floats(size);
		}
	diffuser_reset(diffuser);
}

void diffuser_reset(struct diffuser *diffuser)
{
	diffuser->position = 0;
	for (uint32_t s = 0; s < DIFFUSER_STAGES; s++)
		for (uint32_t c = 0; c < DIFFUSER_CHANNELS; c++)
			blockring_clear(&diffuser->ring[s][c]);
}

void diffuser_align(struct diffuser *diffuser, uint32_t frame)
{
	diffuser->position = frame;
}

/* A rotation by this angle, as a shear by its tangent; all three of a stage are scaled at once,
 * which is orthogonal again. */
void diffuser_set(struct diffuser *diffuser, double amount)
{
	diffuser->tangent = (float)tan(M_PI / 4 * amount);
	diffuser->scale = (float)pow(1.0 + pow((double)diffuser->tangent, 2), -1.5);
}

float *diffuser_entry(const struct diffuser *diffuser, uint32_t entry)
{
	return blockring_place(&diffuser->ring[0][entry], diffuser->position);
}

/* All rotations of a stage, for 16 frames (V a vector) or one (V a float): orthogonal at any
 * angle. IS_FULL: the tangent is 1, and multiplying by it would not change a bit. */
#define DIFFUSER_ROTATE(V, x, tangent, is_full)                                                    \
	_Pragma("GCC unroll 3") for (uint32_t stride = 1; stride < DIFFUSER_CHANNELS; stride *= 2) \
		_Pragma("GCC unroll 4") for (uint32_t k = 0; k < DIFFUSER_CHANNELS / 2; k++)       \
	{                                                                                          \
		const uint32_t c = k / stride * 2 * stride + k % stride;                           \
		V a = (x)[c], b = (x)[c + stride], part_a = a, part_b = b;                         \
                                                                                                   \
		if (!(is_full)) {                                                                  \
			part_a *= (tangent);                                                       \
			part_b *= (tangent);                                                       \
		}                                                                                  \
		(x)[c] = a + part_b;                                                               \
		(x)[c + stride] = b - part_a;                                                      \
	}

/* The last vector may go over frames that were done: their bits are the same. */
MIXD_INLINE void diffuser_stage(const struct diffuser *diffuser, const float *const *delayed,
				float *const *out, const bool is_full, uint32_t n)
{
	const float tangent = diffuser->tangent, scale = diffuser->scale;

	for (uint32_t i = 0; i < n && n >= 16; i += 16) {
		uint32_t at = i + 16 <= n ? i : n - 16;
		blockring_f32x16 x[DIFFUSER_CHANNELS];

		for (uint32_t c = 0; c < DIFFUSER_CHANNELS; c++)
			x[c] = scale * *(const blockring_f32x16u *)(delayed[c] + at);
		DIFFUSER_ROTATE(blockring_f32x16, x, tangent, is_full);
		for (uint32_t c = 0; c < DIFFUSER_CHANNELS; c++)
			*(blockring_f32x16u *)(out[c] + at) = x[c];
	}
	for (uint32_t i = 0; i < n && n < 16; i++) {
		float x[DIFFUSER_CHANNELS];

		for (uint32_t c = 0; c < DIFFUSER_CHANNELS; c++)
			x[c] = scale * delayed[c][i];
		DIFFUSER_ROTATE(float, x, tangent, is_full);
		for (uint32_t c = 0; c < DIFFUSER_CHANNELS; c++)
			out[c][i] = x[c];
	}
}

MIXD_CLONES void diffuser_process(struct diffuser *diffuser, float (*ret)[DIFFUSER_BLOCK],
				  uint32_t n)
{
	uint32_t position = diffuser->position;

	for (uint32_t s = 0; s < DIFFUSER_STAGES; s++) {
		const float *delayed[DIFFUSER_CHANNELS];
		float *out[DIFFUSER_CHANNELS];

		for (uint32_t c = 0; c < (s ? DIFFUSER_CHANNELS : diffuser->entries); c++)
			blockring_wrote(&diffuser->ring[s][c], position, n);
		for (uint32_t c = 0; c < DIFFUSER_CHANNELS; c++) {
			uint32_t from = s ? c : c % diffuser->entries;

			delayed[c] = blockring_at(&diffuser->ring[s][from],
						  position - diffuser->delay[s][c]);
			out[c] = s + 1 < DIFFUSER_STAGES
					 ? blockring_place(&diffuser->ring[s + 1][c], position)
					 : ret[c];
		}
		if (diffuser->tangent == 1.0f)
			diffuser_stage(diffuser, delayed, out, true, n);
		else
			diffuser_stage(diffuser, delayed, out, false, n);
	}
	diffuser->position = position + n;
}
