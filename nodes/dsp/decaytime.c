/* decaytime.c - see decaytime.h. */
#include "decaytime.h"

#include <math.h>
#include <string.h>

#include <mixd/rt.h>

#define DECAYTIME_LOW_S 0.1
#define DECAYTIME_OCTAVES 6.0
#define DECAYTIME_LINE_S 0.2
#define DECAYTIME_CROOKED_DB 1.6 /* rms distance from the line */
#define DECAYTIME_ABOVE_DB 8.0 /* the end of a line, over where the band rests */
#define DECAYTIME_MEMORY 0.9985 /* of the histogram, per line noted */
#define DECAYTIME_ENOUGH 12.0 /* lines */
#define DECAYTIME_SHARE 0.25

void decaytime_init(struct decaytime *decay, double hop_s)
{
	memset(decay, 0, sizeof(*decay));
	decay->hop_s = hop_s;
	decay->n_frames =
		(uint32_t)fmin(fmax(lrint(DECAYTIME_LINE_S / hop_s), 8), DECAYTIME_FRAMES);
	decaytime_reset(decay);
}

void decaytime_reset(struct decaytime *decay)
{
	memset(decay->level_db, 0, sizeof(decay->level_db));
	memset(decay->count, 0, sizeof(decay->count));
	decay->n_hops = 0;
	decay->total = 0.0;
	for (uint32_t b = 0; b < DECAYTIME_BANDS; b++)
		decay->floor_db[b] = 0.0;
}

static void decaytime_note(struct decaytime *decay, double t60_s)
{
	double bin = log2(t60_s / DECAYTIME_LOW_S) * DECAYTIME_BINS / DECAYTIME_OCTAVES;

	if (!(bin >= 0.0 && bin < DECAYTIME_BINS))
		return;
	for (uint32_t i = 0; i < DECAYTIME_BINS; i++)
		decay->count[i] *= DECAYTIME_MEMORY;
	decay->count[(uint32_t)bin] += 1.0;
	decay->total = decay->total * DECAYTIME_MEMORY + 1.0;
}

/* The straight line through the last frames of band B, if they are one. */
static void decaytime_line(struct decaytime *decay, uint32_t b)
{
	uint32_t n = decay->n_frames;
	double middle = 0.5 * (n - 1), mean = 0.0, slope = 0.0, weight = 0.0, error = 0.0, last;
	double y[DECAYTIME_FRAMES];

	for (uint32_t i = 0; i < n; i++) {
		y[i] = decay->level_db[b][(decay->n_hops - n + 1 + i) % DECAYTIME_FRAMES];
		mean += y[i] / n;
	}
	for (uint32_t i = 0; i < n; i++) {
		slope += (i - middle) * (y[i] - mean);
		weight += (i - middle) * (i - middle);
	}
	slope /= weight; /* dB per frame */
	if (!(slope < -0.05))
		return;
	for (uint32_t i = 0; i < n; i++) {
		double e = y[i] - mean - slope * (i - middle);

		error += e * e / n;
	}
	last = mean + slope * middle;
	if (error > DECAYTIME_CROOKED_DB * DECAYTIME_CROOKED_DB ||
	    last < decay->floor_db[b] + DECAYTIME_ABOVE_DB)
		return;
	decaytime_note(decay, -60.0 / (slope / decay->hop_s));
}

void decaytime_feed(struct decaytime *decay, const double power[DECAYTIME_BANDS])
{
	for (uint32_t b = 0; b < DECAYTIME_BANDS; b++) {
		double level = 10.0 * log10(power[b] + 1e-20);

		decay->level_db[b][decay->n_hops % DECAYTIME_FRAMES] = level;
		/* Falls at once, rises 3 dB a second. */
		if (decay->n_hops == 0 || level < decay->floor_db[b])
			decay->floor_db[b] = level;
		else
			decay->floor_db[b] += 3.0 * decay->hop_s;
		if (decay->n_hops >= decay->n_frames)
			decaytime_line(decay, b);
	}
	decay->n_hops++;
}

double decaytime_s(const struct decaytime *decay, double otherwise)
{
	double sum = 0.0;

	if (decay->total < DECAYTIME_ENOUGH)
		return otherwise;
	for (uint32_t i = 0; i < DECAYTIME_BINS; i++) {
		sum += decay->count[i];
		if (sum >= DECAYTIME_SHARE * decay->total)
			return DECAYTIME_LOW_S *
			       exp2((i + 0.5) * DECAYTIME_OCTAVES / DECAYTIME_BINS);
	}
	return otherwise;
}
