/* ltas_setup.c - see ltas.h: tables and memory. [main] */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eq_curve.h"
#include "ltas.h"
#include "window.h"

#define LTAS_TEXT_HEAD "ltas 20Hz 12/oct:"

static void *ltas_take(char **at, size_t bytes)
{
	void *ret = *at;

	*at += (bytes + 63) / 64 * 64;
	return ret;
}

int ltas_init(struct ltas *ltas, double rate_hz)
{
	uint32_t n = ltas_frame_frames(rate_hz), bins = n / 2 + 1;
	size_t floats, doubles;
	double squares = 0.0;
	char *at;
	int r;

	memset(ltas, 0, sizeof(*ltas));
	ltas->rate = rate_hz;
	ltas->n_frames = n;
	r = fft_plan_init(&ltas->plan, FFT_REAL, n);
	if (r < 0)
		return r;
	floats = 2 * (size_t)n + 2 * (size_t)bins + fft_scratch_floats(&ltas->plan);
	doubles = 2 * (size_t)bins;
	if (posix_memalign(&ltas->memory, 64,
			   floats * sizeof(float) + doubles * sizeof(double) + 7 * 64) != 0) {
		ltas->memory = NULL;
		ltas_done(ltas);
		return -ENOMEM;
	}
	at = ltas->memory;
	ltas->window = ltas_take(&at, n * sizeof(float));
	ltas->time = ltas_take(&at, n * sizeof(float));
	ltas->re = ltas_take(&at, bins * sizeof(float));
	ltas->im = ltas_take(&at, bins * sizeof(float));
	ltas->scratch = ltas_take(&at, fft_scratch_floats(&ltas->plan) * sizeof(float));
	ltas->weight = ltas_take(&at, bins * sizeof(double));
	ltas->power = ltas_take(&at, bins * sizeof(double));
	window_make(WINDOW_HANN, 0.0, n, ltas->window);
	for (uint32_t i = 0; i < n; i++)
		squares += (double)ltas->window[i] * ltas->window[i];
	/* Both sides of the spectrum, per hertz. */
	ltas->power_scale = 2.0 / (squares * rate_hz);
	for (uint32_t k = 0; k < bins; k++)
		ltas->weight[k] = k ? eq_curve_k_weight(k * rate_hz / n) * rate_hz / n : 0.0;
	return 0;
}

void ltas_done(struct ltas *ltas)
{
	if (ltas->plan.n)
		fft_plan_done(&ltas->plan);
	free(ltas->memory);
	memset(ltas, 0, sizeof(*ltas));
}

void ltas_to_text(const double db[LTAS_BANDS], char *ret, size_t size)
{
	size_t at = (size_t)snprintf(ret, size, "%s", LTAS_TEXT_HEAD);

	for (uint32_t b = 0; b < LTAS_BANDS && at < size; b++)
		at += (size_t)snprintf(ret + at, size - at, " %.2f", db[b]);
	ret[size - 1] = '\0';
}

bool ltas_from_text(const char *text, double ret[LTAS_BANDS])
{
	size_t head = strlen(LTAS_TEXT_HEAD);

	if (strncmp(text, LTAS_TEXT_HEAD, head) != 0)
		return false;
	text += head;
	for (uint32_t b = 0; b < LTAS_BANDS; b++) {
		char *end;

		ret[b] = strtod(text, &end);
		if (end == text || !isfinite(ret[b]) || fabs(ret[b]) > 400.0)
			return false;
		text = end;
	}
	return text[strspn(text, " ")] == '\0';
}
