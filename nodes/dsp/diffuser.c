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

size_t diffuser_memory(double rate, double scale)
{
	size_t floats = 0;

	for (uint32_t s = 0; s < DIFFUSER_STAGES; s++)
		for (uint32_t c = 0; c < DIFFUSER_CHANNELS; c++)
			floats +=
				blockring_floats(blockring_size(diffuser_delay(rate, scale, s, c)));
	return floats;
}

void diffuser_init(struct diffuser *diffuser, double rate, double scale, float *memory)
{
	for (uint32_t s = 0; s < DIFFUSER_STAGES; s++)
		for (uint32_t c = 0; c < DIFFUSER_CHANNELS; c++) {
			uint32_t delay = diffuser_delay(rate, scale, s, c);
			uint32_t size = blockring_size(delay);

			diffuser->delay[s][c] = delay;
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

void diffuser_set(struct diffuser *diffuser, double amount)
{
	diffuser->cosine = (float)cos(M_PI / 4 * amount);
	diffuser->sine = (float)sin(M_PI / 4 * amount);
}

/* All rotations of a stage, for eight frames (V a vector) or one (V a float): orthogonal at any
 * angle. */
#define DIFFUSER_ROTATE(V, x, cosine, sine)                                                        \
	_Pragma("GCC unroll 3") for (uint32_t stride = 1; stride < DIFFUSER_CHANNELS; stride *= 2) \
		_Pragma("GCC unroll 4") for (uint32_t k = 0; k < DIFFUSER_CHANNELS / 2; k++)       \
	{                                                                                          \
		const uint32_t c = k / stride * 2 * stride + k % stride;                           \
		V a = (x)[c], b = (x)[c + stride];                                                 \
                                                                                                   \
		(x)[c] = (cosine)*a + (sine)*b;                                                    \
		(x)[c + stride] = (cosine)*b - (sine)*a;                                           \
	}

MIXD_INLINE void diffuser_stage(const float *const *delayed, float (*channel)[DIFFUSER_BLOCK],
				float cosine, float sine, uint32_t n)
{
	uint32_t i = 0;

	for (; i + 8 <= n; i += 8) {
		lanes_f32x8 x[DIFFUSER_CHANNELS];

		for (uint32_t c = 0; c < DIFFUSER_CHANNELS; c++)
			x[c] = *(const lanes_f32x8u *)(delayed[c] + i);
		DIFFUSER_ROTATE(lanes_f32x8, x, cosine, sine);
		for (uint32_t c = 0; c < DIFFUSER_CHANNELS; c++)
			*(lanes_f32x8u *)(channel[c] + i) = x[c];
	}
	for (; i < n; i++) {
		float x[DIFFUSER_CHANNELS];

		for (uint32_t c = 0; c < DIFFUSER_CHANNELS; c++)
			x[c] = delayed[c][i];
		DIFFUSER_ROTATE(float, x, cosine, sine);
		for (uint32_t c = 0; c < DIFFUSER_CHANNELS; c++)
			channel[c][i] = x[c];
	}
}

MIXD_CLONES void diffuser_process(struct diffuser *diffuser, float (*channel)[DIFFUSER_BLOCK],
				  uint32_t n)
{
	for (uint32_t s = 0; s < DIFFUSER_STAGES; s++) {
		const float *delayed[DIFFUSER_CHANNELS];

		for (uint32_t c = 0; c < DIFFUSER_CHANNELS; c++) {
			const struct blockring *ring = &diffuser->ring[s][c];

			blockring_write(ring, diffuser->position, channel[c], n);
			delayed[c] = blockring_at(ring, diffuser->position - diffuser->delay[s][c]);
		}
		diffuser_stage(delayed, channel, diffuser->cosine, diffuser->sine, n);
	}
	diffuser->position += n;
}
