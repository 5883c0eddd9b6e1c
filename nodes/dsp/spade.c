/* spade.c - see spade.h.
 *
 * STRUCTURE   A: zero-padding and a transform of 2n points, a tight frame, so that the projection onto
 *             what is consistent is done in time, sample by sample. The largest lines are found with a
 *             histogram of exponents (8 bins an octave), not by sorting. */
#include "spade.h"

#include <math.h>
#include <string.h>

#include "clones.h"

#include <mixd/rt.h>

#define SPADE_ROUNDS 56u
#define SPADE_STEP_SHARE 680u /* n / this: lines added in a round */
#define SPADE_CLOSE 1e-3f /* of the power: agreed */

static size_t spade_floats(uint32_t n)
{
	return (size_t)(n + 16) * 3 + 2 * n + 6 * (size_t)(n + 16) + 4 * (size_t)n + 64;
}

size_t spade_bytes(uint32_t n)
{
	return (spade_floats(n) * sizeof(float) + 63) / 64 * 64 + fft_plan_bytes(FFT_REAL, 2 * n);
}

void spade_place(struct spade *spade, uint32_t n, void *memory)
{
	float *next = memory;
	float **const frames[] = {&spade->window, &spade->x, &spade->target};
	float **const spectra[] = {&spade->re,	   &spade->im,	    &spade->sum_re,
				   &spade->sum_im, &spade->line_re, &spade->line_im};

	memset(spade, 0, sizeof(*spade));
	spade->n = n;
	for (size_t i = 0; i < 3; i++, next += n + 16)
		*frames[i] = next;
	for (size_t i = 0; i < 6; i++, next += n + 16)
		*spectra[i] = next;
	spade->padded = next;
	next += 2 * n;
	spade->scratch = next;
	fft_plan_place(&spade->plan, FFT_REAL, 2 * n,
		       (char *)memory + (spade_floats(n) * sizeof(float) + 63) / 64 * 64);
	for (uint32_t i = 0; i < n; i++)
		spade->window[i] = (float)(0.5 - 0.5 * cos(2 * M_PI * (i + 0.5) / n));
}

/* Spectrum of the frame in hand. */
static void spade_analyse(struct spade *spade)
{
	memcpy(spade->padded, spade->x, spade->n * sizeof(float));
	memset(spade->padded + spade->n, 0, spade->n * sizeof(float));
	fft_real_forward(&spade->plan, spade->padded, spade->re, spade->im, spade->scratch);
}

static uint32_t spade_bin(float power)
{
	uint32_t bits;

	memcpy(&bits, &power, sizeof(bits));
	return bits >> 20 & 2047;
}

/* The power that about COUNT lines of spectrum + sum exceed. */
static float spade_threshold(struct spade *spade, uint32_t count)
{
	uint32_t above = 0, bin = 2048, bits;
	float power;

	memset(spade->count, 0, sizeof(spade->count));
	for (uint32_t i = 0; i <= spade->n; i++) {
		float re = spade->re[i] + spade->sum_re[i], im = spade->im[i] + spade->sum_im[i];

		spade->count[spade_bin(re * re + im * im)]++;
	}
	while (bin > 1 && above < count)
		above += spade->count[--bin];
	bits = bin << 20;
	memcpy(&power, &bits, sizeof(power));
	return power;
}

/* Lines: what of spectrum + sum is above THRESHOLD; and lines - sum, ready to go back. */
MIXD_CLONES static void spade_pick(struct spade *spade, float threshold)
{
	float *restrict re = spade->re, *restrict im = spade->im;
	float *restrict line_re = spade->line_re, *restrict line_im = spade->line_im;
	const float *restrict sum_re = spade->sum_re, *restrict sum_im = spade->sum_im;

	for (uint32_t i = 0; i <= spade->n; i++) {
		float a = re[i] + sum_re[i], b = im[i] + sum_im[i];
		float keep = a * a + b * b >= threshold ? 1.0f : 0.0f;

		line_re[i] = a * keep;
		line_im[i] = b * keep;
		re[i] = line_re[i] - sum_re[i];
		im[i] = line_im[i] - sum_im[i];
	}
}

/* The nearest frame that agrees with what is known. */
static void spade_project(struct spade *spade, const uint8_t *mark)
{
	float scale = spade->plan.scale;

	for (uint32_t i = 0; i < spade->n; i++) {
		float y = spade->padded[i] * scale, t = spade->target[i];
		float above = y > t ? y : t, below = y < t ? y : t;

		spade->x[i] = mark[i] == SPADE_KNOWN ? t : mark[i] == SPADE_ABOVE ? above : below;
	}
}

/* What still lies between the frame and the lines, added to the sum. */
MIXD_CLONES static float spade_differ(struct spade *spade)
{
	float *restrict sum_re = spade->sum_re, *restrict sum_im = spade->sum_im;
	const float *restrict re = spade->re, *restrict im = spade->im;
	const float *restrict line_re = spade->line_re, *restrict line_im = spade->line_im;
	float part[8] = {0}, all = 0.0f;
	uint32_t i = 0;

	for (; i + 8 <= spade->n + 1; i += 8)
		for (uint32_t k = 0; k < 8; k++) {
			float a = re[i + k] - line_re[i + k], b = im[i + k] - line_im[i + k];

			sum_re[i + k] += a;
			sum_im[i + k] += b;
			part[k] += a * a + b * b;
		}
	for (; i <= spade->n; i++) {
		float a = re[i] - line_re[i], b = im[i] - line_im[i];

		sum_re[i] += a;
		sum_im[i] += b;
		part[0] += a * a + b * b;
	}
	for (uint32_t k = 0; k < 8; k++)
		all += part[k];
	return all;
}

static float spade_power(const struct spade *spade)
{
	float sum = 0.0f;

	for (uint32_t i = 0; i <= spade->n; i++)
		sum += spade->re[i] * spade->re[i] + spade->im[i] * spade->im[i];
	return sum;
}

uint32_t spade_frame(struct spade *spade, const float *x, const uint8_t *mark, float *sum,
		     float *weight)
{
	uint32_t n = spade->n, round = 0,
		 step = n / SPADE_STEP_SHARE > 1 ? n / SPADE_STEP_SHARE : 1;
	float power;

	for (uint32_t i = 0; i < n; i++)
		spade->x[i] = spade->target[i] = x[i] * spade->window[i];
	memset(spade->sum_re, 0, (n + 1) * sizeof(float));
	memset(spade->sum_im, 0, (n + 1) * sizeof(float));
	spade_analyse(spade);
	power = spade_power(spade);
	while (power > 0.0f && round++ < SPADE_ROUNDS) {
		spade_pick(spade, spade_threshold(spade, round * step));
		fft_real_inverse(&spade->plan, spade->re, spade->im, spade->padded, spade->scratch);
		spade_project(spade, mark);
		spade_analyse(spade);
		if (spade_differ(spade) <= SPADE_CLOSE * power)
			break;
	}
	for (uint32_t i = 0; i < n; i++) {
		sum[i] += spade->x[i];
		weight[i] += spade->window[i];
	}
	return round;
}
