/* swaybank.h - eight delays that sway slowly and together, read in blocks.
 *
 * WHAT        As dsp/sway.h, for many lines with one depth: the offsets are known at knots 32
 *             frames apart, by the caller's clock. Six samples are interpolated, and
 *             what is found once per knot are the weights, of all lines in vectors; between the
 *             knots each weight moves on a straight line. Half way between knots that is the mean
 *             of two reads; where they are D frames apart it loses (D w)^2 / 8 of its level at w
 *             radians per frame. A reverb's lines move 0.01 frames per knot (0.1 at the most):
 *             0.0001 dB at 8 kHz (0.012), where order 5 itself loses 0.05.
 * SOURCE      Lagrange interpolation of order 5: Laakso, Valimaki, Karjalainen, Laine, Splitting the
 *             unit delay, IEEE Signal Processing Magazine 13(1), 1996.
 * THREADS     [rt]
 * INVARIANTS  B1 any cut of time gives the same bits. B2 at depth 0 reading copies.
 *             B3 however far an offset leaps, the sound is faded over within a knot. */
#pragma once

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#include "blockring.h"
#include "lanes.h"

#define SWAYBANK_LINES 8u
#define SWAYBANK_KNOT 32u /* frames */
#define SWAYBANK_REACH 5u /* frames that the interpolator needs beyond the delay */
#define SWAYBANK_TAPS 6u
#define SWAYBANK_OVER 8u /* a read may write so many frames more than it was asked for, less one */

/* What a line reads at a knot. */
struct swaybank_knot {
	float weight[SWAYBANK_TAPS][SWAYBANK_LINES] __attribute__((aligned(64)));
	uint32_t whole[SWAYBANK_LINES]; /* frames back: weight 3 belongs to this delay */
};

struct swaybank {
	/* --- a phasor per line: on the unit circle, and its turn from knot to knot --- */
	double re[SWAYBANK_LINES] __attribute__((aligned(64)));
	double im[SWAYBANK_LINES] __attribute__((aligned(64)));
	double turn_re[SWAYBANK_LINES] __attribute__((aligned(64)));
	double turn_im[SWAYBANK_LINES] __attribute__((aligned(64)));
	/* `next` is found a knot before it is read towards, so that nobody waits for it. */
	struct swaybank_knot from, to, next;
	/* to.weight - from.weight */
	float slope[SWAYBANK_TAPS][SWAYBANK_LINES] __attribute__((aligned(64)));
	bool from_rests, to_rests, next_rests; /* all offsets are 0 */
};

/* The part of a knot that has passed at each frame, and beyond for whole vectors. */
static const float swaybank_time[SWAYBANK_KNOT + SWAYBANK_OVER] = {
	0x0p-5f,  0x1p-5f,  0x2p-5f,  0x3p-5f,	0x4p-5f,  0x5p-5f,  0x6p-5f,  0x7p-5f,
	0x8p-5f,  0x9p-5f,  0xap-5f,  0xbp-5f,	0xcp-5f,  0xdp-5f,  0xep-5f,  0xfp-5f,
	0x10p-5f, 0x11p-5f, 0x12p-5f, 0x13p-5f, 0x14p-5f, 0x15p-5f, 0x16p-5f, 0x17p-5f,
	0x18p-5f, 0x19p-5f, 0x1ap-5f, 0x1bp-5f, 0x1cp-5f, 0x1dp-5f, 0x1ep-5f, 0x1fp-5f,
	0x20p-5f, 0x21p-5f, 0x22p-5f, 0x23p-5f, 0x24p-5f, 0x25p-5f, 0x26p-5f, 0x27p-5f,
};

/* Offset 0; LENGTH: the lines' delays. The phases are spread around the circle, so that the lines
 * never sway together. */
static inline void swaybank_reset(struct swaybank *bank, const uint32_t *length)
{
	memset(bank->next.weight, 0, sizeof(bank->next.weight));
	for (uint32_t l = 0; l < SWAYBANK_LINES; l++) {
		double phase = l * 3.0 / SWAYBANK_LINES;

		bank->re[l] = cos(2 * M_PI * phase);
		bank->im[l] = sin(2 * M_PI * phase);
		bank->next.whole[l] = length[l];
		bank->next.weight[3][l] = 1.0f;
	}
	bank->from = bank->to = bank->next;
	memset(bank->slope, 0, sizeof(bank->slope));
	bank->from_rests = bank->to_rests = bank->next_rests = true;
}

static inline void swaybank_set_rate(struct swaybank *bank, uint32_t line, double hz, double rate)
{
	bank->turn_re[line] = cos(2 * M_PI * hz * SWAYBANK_KNOT / rate);
	bank->turn_im[line] = sin(2 * M_PI * hz * SWAYBANK_KNOT / rate);
}

/* At every SWAYBANK_KNOT-th frame, before reading. DEPTH in frames, reached in two knots. */
MIXD_INLINE void swaybank_knot(struct swaybank *bank, const uint32_t *length, double depth)
{
	struct swaybank_knot *next = &bank->next;

	bank->from = bank->to;
	bank->to = bank->next;
	bank->from_rests = bank->to_rests;
	bank->to_rests = bank->next_rests;
	bank->next_rests = depth == 0.0;
	for (uint32_t k = 0; k < SWAYBANK_TAPS; k++)
		for (uint32_t l = 0; l < SWAYBANK_LINES; l++)
			bank->slope[k][l] = bank->to.weight[k][l] - bank->from.weight[k][l];
	for (uint32_t l = 0; l < SWAYBANK_LINES; l++) {
		double re = bank->re[l] * bank->turn_re[l] - bank->im[l] * bank->turn_im[l];
		double im = bank->re[l] * bank->turn_im[l] + bank->im[l] * bank->turn_re[l];
		/* One step of Newton's method keeps it on the circle. */
		double pull = 1.5 - 0.5 * (re * re + im * im);
		double delay = (double)(int32_t)length[l] + depth * (im * pull);
		int32_t whole = (int32_t)delay;
		float f = (float)(delay - (double)whole);
		float a = f + 2.0f, b = f + 1.0f, d = f - 1.0f, e = f - 2.0f, g = f - 3.0f;
		float abf = a * b * f, deg = d * e * g;

		bank->re[l] = re * pull;
		bank->im[l] = im * pull;
		next->whole[l] = (uint32_t)whole;
		next->weight[0][l] = 1.0f / 120.0f * abf * (d * e);
		next->weight[1][l] = -1.0f / 24.0f * abf * (d * g);
		next->weight[2][l] = 1.0f / 12.0f * abf * (e * g);
		next->weight[3][l] = -1.0f / 12.0f * (a * b) * deg;
		next->weight[4][l] = 1.0f / 24.0f * (a * f) * deg;
		next->weight[5][l] = -1.0f / 120.0f * (b * f) * deg;
	}
}

/* Six samples by their weights, for a vector or a float. */
#define SWAYBANK_SUM(x0, x1, x2, x3, x4, x5, w)                                                    \
	((x3) * (w)[3] + (x2) * (w)[2] + (x4) * (w)[4] + (x1) * (w)[1] + (x5) * (w)[5] +           \
	 (x0) * (w)[0])

/* The same where X stands, V of type U. */
#define SWAYBANK_SUM_AT(U, x, w)                                                                   \
	SWAYBANK_SUM(*(const U *)(x), *(const U *)((x) + 1), *(const U *)((x) + 2),                \
		     *(const U *)((x) + 3), *(const U *)((x) + 4), *(const U *)((x) + 5), w)

/* I .. I + WIDTH: weights W that move by SLOPE. */
#define SWAYBANK_MOVE(V, U, x, w, slope, at, i, out)                                               \
	do {                                                                                       \
		V t = *(const U *)(swaybank_time + (at) + (i)), now[SWAYBANK_TAPS];                \
                                                                                                   \
		_Pragma("GCC unroll 6") for (uint32_t k = 0; k < SWAYBANK_TAPS; k++) now[k] =      \
			(w)[k] + (slope)[k] * t;                                                   \
		*(U *)((out) + (i)) = SWAYBANK_SUM_AT(U, (x) + (i), now);                          \
	} while (0)

/* N frames of LINE from POSITION on, AT frames behind the knot, all before the next. OUT has room
 * for SWAYBANK_OVER more. */
MIXD_INLINE void swaybank_read(const struct swaybank *bank, uint32_t line,
			       const struct blockring *ring, uint32_t position, uint32_t at,
			       uint32_t n, float *restrict out)
{
	uint32_t from = bank->from.whole[line], to = bank->to.whole[line], i = 0;
	const float *x = blockring_at(ring, position - from - 3);
	const float *y = blockring_at(ring, position - to - 3);
	float w[SWAYBANK_TAPS], slope[SWAYBANK_TAPS], end[SWAYBANK_TAPS];

	if (bank->from_rests && bank->to_rests) {
		memcpy(out, x + 3, n * sizeof(float));
		return;
	}
	for (uint32_t k = 0; k < SWAYBANK_TAPS; k++) {
		w[k] = bank->from.weight[k][line];
		slope[k] = bank->slope[k][line];
	}
	if (from == to) {
		for (; i + 16 <= n; i += 16)
			SWAYBANK_MOVE(blockring_f32x16, blockring_f32x16u, x, w, slope, at, i, out);
		for (; i < n; i += 8)
			SWAYBANK_MOVE(lanes_f32x8, lanes_f32x8u, x, w, slope, at, i, out);
		return;
	}
	/* The whole part of the delay changes: a fade from one read to the other, which is the same
	 * straight line. */
	for (uint32_t k = 0; k < SWAYBANK_TAPS; k++)
		end[k] = bank->to.weight[k][line];
	for (; i < n; i += 8) {
		lanes_f32x8 t = *(const lanes_f32x8u *)(swaybank_time + at + i);
		lanes_f32x8 old = SWAYBANK_SUM_AT(lanes_f32x8u, x + i, w);

		*(lanes_f32x8u *)(out + i) =
			old + t * (SWAYBANK_SUM_AT(lanes_f32x8u, y + i, end) - old);
	}
}

/* One frame of it in plain C. */
static inline float swaybank_read_plain(const struct swaybank *bank, uint32_t line,
					const struct blockring *ring, uint32_t position,
					uint32_t at)
{
	uint32_t from = bank->from.whole[line], to = bank->to.whole[line];
	const float *x = blockring_at(ring, position - from - 3);
	const float *y = blockring_at(ring, position - to - 3);
	float t = (float)at / SWAYBANK_KNOT, old, coming;
	float w[SWAYBANK_TAPS], end[SWAYBANK_TAPS], now[SWAYBANK_TAPS];

	if (bank->from_rests && bank->to_rests)
		return x[3];
	for (uint32_t k = 0; k < SWAYBANK_TAPS; k++) {
		w[k] = bank->from.weight[k][line];
		end[k] = bank->to.weight[k][line];
		now[k] = w[k] + (end[k] - w[k]) * t;
	}
	if (from == to)
		return SWAYBANK_SUM(x[0], x[1], x[2], x[3], x[4], x[5], now);
	old = SWAYBANK_SUM(x[0], x[1], x[2], x[3], x[4], x[5], w);
	coming = SWAYBANK_SUM(y[0], y[1], y[2], y[3], y[4], y[5], end);
	return old + t * (coming - old);
}
