/* stft.c - see stft.h.
 *
 * SOURCE      Allen, Rabiner, "A unified approach to short-time Fourier analysis and synthesis",
 *             Proc. IEEE 65(11), 1977; the synthesis window that undoes any other: Griffin, Lim,
 *             IEEE TASSP 32(2), 1984. */
#include "stft.h"

#include <string.h>

#include "clones.h"

#include <mixd/rt.h>

static size_t stft_round(size_t floats)
{
	return (floats + 15) / 16 * 16 * sizeof(float);
}

size_t stft_bytes(uint32_t size, uint32_t hop, uint32_t n_channels)
{
	/* Two windows, a frame, scratch; past and coming. */
	return 4 * stft_round(size) + 2 * n_channels * stft_round(size) +
	       fft_plan_bytes(FFT_REAL, size);
}

static float *stft_take(char **at, size_t bytes)
{
	float *result = (float *)(void *)*at;

	*at += bytes;
	return result;
}

void stft_place(struct stft *stft, uint32_t size, uint32_t hop, uint32_t n_channels,
		enum window_kind window, void *memory)
{
	char *at = memory;
	float *analysis = stft_take(&at, stft_round(size));
	float *synthesis = stft_take(&at, stft_round(size));

	*stft = (struct stft){.size = size, .hop = hop, .n_channels = n_channels};
	stft->frame = stft_take(&at, stft_round(size));
	stft->scratch = stft_take(&at, stft_round(size));
	stft->past = stft_take(&at, n_channels * stft_round(size));
	stft->coming = stft_take(&at, n_channels * stft_round(size));
	fft_plan_place(&stft->plan, FFT_REAL, size, at);
	window_make(window, 8, size, analysis);
	for (uint32_t i = 0; i < size; i++) {
		double sum = 0, w = window_value(window, 8, i, size);

		for (uint32_t k = i % hop; k < size; k += hop)
			sum += window_value(window, 8, k, size) * window_value(window, 8, k, size);
		synthesis[i] = (float)(w / (sum * size));
	}
	stft->analysis = analysis;
	stft->synthesis = synthesis;
	stft_reset(stft);
}

void stft_reset(struct stft *stft)
{
	stft->fill = 0;
	memset(stft->past, 0, stft->n_channels * stft_round(stft->size));
	memset(stft->coming, 0, stft->n_channels * stft_round(stft->size));
}

static float *stft_channel(const struct stft *stft, float *base, uint32_t c)
{
	return base + c * (stft_round(stft->size) / sizeof(float));
}

void stft_exchange(struct stft *stft, uint32_t c, const float *in, float *out, uint32_t n)
{
	float *past = stft_channel(stft, stft->past, c);

	memcpy(past + stft->size - stft->hop + stft->fill, in, n * sizeof(float));
	if (out)
		memcpy(out, stft_channel(stft, stft->coming, c) + stft->fill, n * sizeof(float));
}

bool stft_advance(struct stft *stft, uint32_t n)
{
	stft->fill += n;
	if (stft->fill < stft->hop)
		return false;
	stft->fill = 0;
	return true;
}

MIXD_CLONES static void stft_apply(float *frame, const float *window, const float *x, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		frame[i] = x[i] * window[i];
}

MIXD_CLONES static void stft_add(float *coming, const float *window, const float *frame, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		coming[i] += frame[i] * window[i];
}

/* Forget the oldest hop. */
static void stft_shift(const struct stft *stft, float *buffer, bool clear)
{
	uint32_t rest = stft->size - stft->hop;

	memmove(buffer, buffer + stft->hop, rest * sizeof(float));
	if (clear)
		memset(buffer + rest, 0, stft->hop * sizeof(float));
}

void stft_analyse(struct stft *stft, uint32_t c, float *re, float *im)
{
	float *past = stft_channel(stft, stft->past, c);

	stft_apply(stft->frame, stft->analysis, past, stft->size);
	stft_shift(stft, past, false);
	fft_real_forward(&stft->plan, stft->frame, re, im, stft->scratch);
}

MIXD_CLONES void stft_add_power(const float *restrict re, const float *restrict im, float scale,
				uint32_t n, float *restrict power)
{
	for (uint32_t i = 0; i < n; i++)
		power[i] += scale * (re[i] * re[i] + im[i] * im[i]);
}

MIXD_CLONES void stft_shape(float *restrict re, float *restrict im, const float *restrict gain,
			    bool is_removed, uint32_t n)
{
	const float base = is_removed ? 1.0f : 0.0f, sign = is_removed ? -1.0f : 1.0f;

	for (uint32_t i = 0; i < n; i++) {
		float g = base + sign * gain[i];

		re[i] *= g;
		im[i] *= g;
	}
}

void stft_synthesise(struct stft *stft, uint32_t c, const float *re, const float *im)
{
	float *coming = stft_channel(stft, stft->coming, c);

	fft_real_inverse(&stft->plan, re, im, stft->frame, stft->scratch);
	stft_shift(stft, coming, true);
	stft_add(coming, stft->synthesis, stft->frame, stft->size);
}
