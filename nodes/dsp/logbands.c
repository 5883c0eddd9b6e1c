/* logbands.c - see logbands.h. */
#include "logbands.h"

#include <math.h>
#include <string.h>

#include "clones.h"

#include <mixd/rt.h>

double logbands_hz(uint32_t band, uint32_t middle, double per_octave)
{
	return 1000 * exp2(((double)band - middle) / per_octave);
}

void logbands_init(struct logbands *bands, uint32_t n, uint32_t middle, double per_octave,
		   double rate_hz, uint32_t size, double noise_bins)
{
	double edge = exp2(0.5 / per_octave), last = 0.5 * size;

	bands->n = n < LOGBANDS_MAX ? n : LOGBANDS_MAX;
	bands->noise_bins = (float)noise_bins;
	for (uint32_t b = 0; b < bands->n; b++) {
		double centre = logbands_hz(b, middle, per_octave) * size / rate_hz;

		bands->from[b] = (float)fmin(centre / edge, last);
		bands->to[b] = centre > last ? bands->from[b] : (float)fmin(centre * edge, last);
	}
}

/* Values that are not negative have the order of their bits. */
MIXD_INLINE float logbands_highest(const float *power, float from, float to)
{
	uint32_t first = (uint32_t)(from + 0.5f), n = (uint32_t)(to + 0.5f) - first + 1;
	int32_t highest = 0;
	float result;

	for (uint32_t k = 0; k < n; k++) {
		int32_t bits;

		memcpy(&bits, power + first + k, sizeof(bits));
		highest = bits > highest ? bits : highest;
	}
	memcpy(&result, &highest, sizeof(result));
	return result;
}

/* The integral of POWER over [from, to], each bin a bar of width 1 around it. */
MIXD_INLINE float logbands_integral(const float *power, float from, float to)
{
	uint32_t first = (uint32_t)(from + 0.5f), last = (uint32_t)(to + 0.5f), k = first + 1;
	double part[4] = {0};

	if (first == last)
		return power[first] * (to - from);
	for (; k + 4 <= last; k += 4)
		for (uint32_t l = 0; l < 4; l++)
			part[l] += (double)power[k + l];
	for (; k < last; k++)
		part[0] += (double)power[k];
	part[0] += (double)power[first] * ((double)first + 0.5 - (double)from);
	part[1] += (double)power[last] * ((double)to - ((double)last - 0.5));
	return (float)((part[0] + part[1]) + (part[2] + part[3]));
}

MIXD_CLONES void logbands_gather(const struct logbands *bands, enum logbands_pool pool,
				 const float *power, float *ret)
{
	for (uint32_t b = 0; b < bands->n; b++) {
		float from = bands->from[b], to = bands->to[b];

		if (!(to > from))
			ret[b] = 0;
		else if (pool == LOGBANDS_PEAK)
			ret[b] = logbands_highest(power, from, to);
		else if (pool == LOGBANDS_MEAN)
			ret[b] = logbands_integral(power, from, to) / (to - from);
		else
			ret[b] = logbands_integral(power, from, to) / bands->noise_bins;
	}
}

void logbands_smooth(const struct logbands *bands, uint32_t span, float *power)
{
	uint32_t side = span / 2;
	double sum[LOGBANDS_MAX + 1];

	if (side == 0)
		return;
	sum[0] = 0;
	for (uint32_t b = 0; b < bands->n; b++)
		sum[b + 1] = sum[b] + (double)power[b];
	for (uint32_t b = 0; b < bands->n; b++) {
		uint32_t first = b > side ? b - side : 0;
		uint32_t end = b + side + 1 < bands->n ? b + side + 1 : bands->n;
		double mean = (sum[end] - sum[first]) / (end - first);

		power[b] = mean > 0 ? (float)mean : 0.0f;
	}
}
