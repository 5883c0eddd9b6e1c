/* logbands.h - the bins of a transform gathered into bands of equal width on a log axis.
 *
 * WHAT        Band b (from 0) has its centre at 1 kHz * 2^((b - middle) / per_octave). A bin covers
 *             half a bin on either side of its frequency. Bands beyond half the rate are empty: 0.
 * POOLS       max: the highest bin that the band touches: a sine reads its level, whatever lies
 *             around it. mean: power per bin: a density, white noise is flat. energy: the power in
 *             the band: pink noise is flat, and all bands add up to the whole.
 * THREADS     [any] */
#pragma once

#include <stdint.h>

#define LOGBANDS_MAX 256u

enum logbands_pool {
	LOGBANDS_PEAK,
	LOGBANDS_MEAN,
	LOGBANDS_ENERGY,
};

struct logbands {
	uint32_t n;
	float noise_bins; /* of the window: a sine counts this much too often in a sum */
	float from[LOGBANDS_MAX], to[LOGBANDS_MAX]; /* in bins */
};

double logbands_hz(uint32_t band, uint32_t middle, double per_octave);
void logbands_init(struct logbands *bands, uint32_t n, uint32_t middle, double per_octave,
		   double rate_hz, uint32_t size, double noise_bins);
/* POWER of size / 2 + 1 bins to one of n bands. */
void logbands_gather(const struct logbands *bands, enum logbands_pool pool, const float *power,
		     float *ret);
/* Mean over SPAN neighbours (odd), in power; in place. */
void logbands_smooth(const struct logbands *bands, uint32_t span, float *power);
