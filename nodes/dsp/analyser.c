/* analyser.c - see analyser.h. */
#include "analyser.h"

#include <mixd/rt.h>

static size_t analyser_round(size_t bytes)
{
	return (bytes + 63) / 64 * 64;
}

static float *analyser_take(char **at, size_t floats)
{
	float *result = (float *)(void *)*at;

	*at += analyser_round(floats * sizeof(float));
	return result;
}

size_t analyser_bytes(uint32_t size)
{
	/* Ring, window, frame, scratch; re, im, power. */
	return (framer_floats(size) + 3 * (size_t)size) * sizeof(float) +
	       3 * analyser_round((size / 2 + 1) * sizeof(float)) +
	       analyser_round(fft_plan_bytes(FFT_REAL, size));
}

void analyser_place(struct analyser *analyser, uint32_t size, uint32_t hop, enum window_kind window,
		    double beta, void *memory)
{
	char *at = memory;
	double gain;

	analyser->size = size;
	analyser->bins = size / 2;
	framer_init(&analyser->framer, size, hop, analyser_take(&at, framer_floats(size)));
	analyser->window = analyser_take(&at, size);
	analyser->frame = analyser_take(&at, size);
	analyser->scratch = analyser_take(&at, size);
	analyser->re = analyser_take(&at, analyser->bins + 1);
	analyser->im = analyser_take(&at, analyser->bins + 1);
	analyser->power = analyser_take(&at, analyser->bins + 1);
	fft_plan_place(&analyser->plan, FFT_REAL, size, at);
	window_make(window, beta, size, analyser->window);
	gain = 2 / (size * window_mean(analyser->window, size));
	analyser->scale = (float)(gain * gain);
}

void analyser_transform(struct analyser *analyser)
{
	framer_read(&analyser->framer, analyser->window, analyser->frame);
	fft_real_forward(&analyser->plan, analyser->frame, analyser->re, analyser->im,
			 analyser->scratch);
	framer_power(analyser->re, analyser->im, analyser->scale, analyser->bins, analyser->power);
}
