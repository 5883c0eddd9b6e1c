/* Source: T. I. Laakso, V. Valimaki, M. Karjalainen, U. K. Laine, "Splitting the unit delay", IEEE
 * Signal Processing Magazine 13(1), 1996: the windowed ideal interpolator. J. F. Kaiser's window;
 * beta 8 keeps any part within 0.002 dB from DC to 20 kHz at 48 kHz, beta 7 (reference dsp.md 9.1) within
 * 0.0035. Taps are scaled to sum 1.
 *
 * Structure: along time, eight outputs in a vector, four vectors at once. */
#include "fracdelay.h"

#include <math.h>
#include <string.h>

#include "lanes.h"
#include "window.h"

#include <mixd/rt.h>

#define FRACDELAY_BETA 8.0
#define FRACDELAY_HALF (FRACDELAY_TAPS / 2.0)

void fracdelay_head(struct fracdelay *head, double delay)
{
	double whole = floor(delay), part = delay - whole, tap[FRACDELAY_TAPS], sum = 0.0;
	double wave = sin(M_PI * part) / M_PI;

	if (part > 1.0 - 1e-6) {
		whole += 1.0;
		part = 0.0;
	}
	*head = (struct fracdelay){.frames = (uint32_t)whole, .between = part >= 1e-6};
	if (!head->between)
		return;
	for (uint32_t k = 0; k < FRACDELAY_TAPS; k++) {
		/* sinc at how far sample k, the oldest first, is from the wanted point. */
		double at = (double)k - FRACDELAY_BEHIND + part, in = at / FRACDELAY_HALF;
		double sign = (k + FRACDELAY_BEHIND) & 1u ? -1.0 : 1.0;

		tap[k] = sign * wave / at *
			 window_bessel_i0(FRACDELAY_BETA * sqrt(fmax(1.0 - in * in, 0.0)));
		sum += tap[k];
	}
	for (uint32_t k = 0; k < FRACDELAY_TAPS; k++)
		head->tap[k] = (float)(tap[k] / sum);
}

static void fracdelay_frames(const struct fracdelay *head, const float *x, float *ret,
			     uint32_t first, uint32_t n_frames)
{
	for (uint32_t i = first; i < n_frames; i++) {
		float sum = 0.0f;

		for (uint32_t k = 0; k < FRACDELAY_TAPS; k++)
			sum += head->tap[k] * x[(int64_t)i - FRACDELAY_BEHIND + k];
		ret[i] = sum;
	}
}

/* 8 N outputs: N sums that do not wait for each other. */
MIXD_INLINE void fracdelay_8(const struct fracdelay *head, const float *x, float *ret,
			     const uint32_t n)
{
	lanes_f32x8 sum[4] = {{0.0f}};

	for (uint32_t k = 0; k < FRACDELAY_TAPS; k++)
#pragma GCC unroll 4
		for (uint32_t j = 0; j < n; j++)
			sum[j] += head->tap[k] *
				  *(const lanes_f32x8u *)(x + 8 * j + k - FRACDELAY_BEHIND);
	for (uint32_t j = 0; j < n; j++)
		*(lanes_f32x8u *)(ret + 8 * j) = sum[j];
}

MIXD_CLONES static void fracdelay_read_between(const struct fracdelay *head, const float *x,
					       float *ret, uint32_t n_frames)
{
	uint32_t i = 0;

	for (; i + 32 <= n_frames; i += 32)
		fracdelay_8(head, x + i, ret + i, 4);
	for (; i + 8 <= n_frames; i += 8)
		fracdelay_8(head, x + i, ret + i, 1);
	fracdelay_frames(head, x, ret, i, n_frames);
}

void fracdelay_read(const struct fracdelay *head, const float *x, float *ret, uint32_t n_frames)
{
	if (head->between)
		fracdelay_read_between(head, x, ret, n_frames);
	else
		memcpy(ret, x, n_frames * sizeof(*ret));
}

void fracdelay_read_plain(const struct fracdelay *head, const float *x, float *ret,
			  uint32_t n_frames)
{
	if (head->between)
		fracdelay_frames(head, x, ret, 0, n_frames);
	else
		memcpy(ret, x, n_frames * sizeof(*ret));
}
