/* sway.h - a delay that sways slowly, read in blocks.
 *
 * WHAT        A rotating phasor gives the offset at knots 32 frames apart, counted from the
 *             position's zero; between them the delay moves on a straight line, and six samples are
 *             interpolated. Within a knot the whole part of the delay rarely changes, so
 *             reading is a loop over neighbouring samples.
 * SOURCE      Lagrange interpolation of order 5: Laakso, Valimaki, Karjalainen, Laine, Splitting the
 *             unit delay, IEEE Signal Processing Magazine 13(1), 1996. Order 3 loses 0.2 dB at 8 kHz
 *             half way between samples, which a reverb hears at each turn; order 5 loses 0.05.
 * THREADS     [rt]
 * INVARIANTS  S1 any cut of time gives the same bits. S2 an offset of 0 copies. */
#pragma once

#include <math.h>
#include <stdint.h>

#include "blockring.h"

#define SWAY_KNOT 32u /* frames */
#define SWAY_REACH 5u /* frames that the interpolator needs beyond the delay */

struct sway {
	double re, im; /* on the unit circle */
	double turn_re, turn_im; /* from knot to knot */
	double from, to; /* frames: the offset at this knot and the next */
};

/* To PHASE (in turns), offset 0. */
static inline void sway_reset(struct sway *sway, double phase)
{
	sway->re = cos(2 * M_PI * phase);
	sway->im = sin(2 * M_PI * phase);
	sway->from = sway->to = 0.0;
}

static inline void sway_set_rate(struct sway *sway, double hz, double rate)
{
	sway->turn_re = cos(2 * M_PI * hz * SWAY_KNOT / rate);
	sway->turn_im = sin(2 * M_PI * hz * SWAY_KNOT / rate);
}

/* At each position that is a multiple of SWAY_KNOT, before reading. DEPTH in frames. */
static inline void sway_knot(struct sway *sway, double depth)
{
	double re = sway->re * sway->turn_re - sway->im * sway->turn_im;
	double im = sway->re * sway->turn_im + sway->im * sway->turn_re;
	/* One step of Newton's method keeps it on the circle. */
	double pull = 1.5 - 0.5 * (re * re + im * im);

	sway->re = re * pull;
	sway->im = im * pull;
	sway->from = sway->to;
	sway->to = depth * sway->im;
}

/* Through x[5] (newest) .. x[0], F of the way from x[3] to x[2]. */
static inline __attribute__((always_inline)) float sway_between(const float *x, float f)
{
	float a = f + 2.0f, b = f + 1.0f, d = f - 1.0f, e = f - 2.0f, g = f - 3.0f;
	float abf = a * b * f, deg = d * e * g;

	return x[3] * (-1.0f / 12.0f * (a * b) * deg) + x[2] * (1.0f / 12.0f * abf * (e * g)) +
	       x[4] * (1.0f / 24.0f * (a * f) * deg) + x[1] * (-1.0f / 24.0f * abf * (d * g)) +
	       x[5] * (-1.0f / 120.0f * (b * f) * deg) + x[0] * (1.0f / 120.0f * abf * (d * e));
}

/* N frames from POSITION on, AT frames behind the knot, all before the next; delayed by DELAY
 * frames and the offset. */
static inline __attribute__((always_inline)) void sway_read(const struct blockring *ring,
							    const struct sway *sway, uint32_t delay,
							    uint32_t position, uint32_t at,
							    uint32_t n, float *restrict out)
{
	double begin = delay + sway->from;
	uint32_t whole = (uint32_t)begin;
	float base = (float)(begin - (double)whole);
	float step = (float)((sway->to - sway->from) / SWAY_KNOT);
	float last = base + step * (SWAY_KNOT - 1);

	if (step == 0.0f && base == 0.0f) {
		const float *restrict x = blockring_at(ring, position - whole);

		for (uint32_t i = 0; i < n; i++)
			out[i] = x[i];
	} else if (last >= 0.0f && last < 1.0f) {
		const float *restrict x = blockring_at(ring, position - whole - 3);

		for (uint32_t i = 0; i < n; i++)
			out[i] = sway_between(x + i, base + step * (float)(int32_t)(at + i));
	} else {
		for (uint32_t i = 0; i < n; i++) {
			float offset = base + step * (float)(int32_t)(at + i);
			float cell = floorf(offset);
			uint32_t back = whole + 3 + (uint32_t)(int32_t)cell;

			out[i] = sway_between(blockring_at(ring, position + i - back),
					      offset - cell);
		}
	}
}
