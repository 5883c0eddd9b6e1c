/* measure_private.h - how the parts of a measurement see each other.
 *
 * WHAT        What is fed gathers in a block of several seconds at most, whose length is a whole
 *             number of ticks (10 ms). A whole block goes through the parts in the order of their
 *             table; each reads the samples, and what the parts before it wrote into the ticks.
 * INVARIANTS  M1 blocks begin at fixed frames of the programme: results do not depend on how it was
 *                cut into calls.
 *             M2 samples exist from MEASURE_PAST frames before a block (zeros before the programme)
 *                to MEASURE_BEYOND after it (zeros; no samples of the programme).
 *             M3 tick k of the programme is frames [k rate / 100, (k + 1) rate / 100), rounded down;
 *                the last may be short, and is then no whole one.
 * THREADS     one at a time. */
#pragma once

#include "measure.h"

#include "loudness.h"

#define MEASURE_PAST 64u
#define MEASURE_BEYOND 64u
#define MEASURE_TICKS_PER_S 100u
#define MEASURE_HOP_TICKS 10u
#define MEASURE_SEGMENT_TICKS 40u /* see measure_loudness.c */
#define MEASURE_SEGMENTS_MAX 8u
#define MEASURE_FINES 15u /* in a tick */

/* What is known about 10 ms. Energies are sums over the frames, not means. */
struct measure_tick {
	uint32_t first, n_frames; /* in the block */
	bool is_whole;
	/* loudness: K-weighted */
	double energy, mono_energy;
	double momentary, shortterm; /* mean; of the windows that end here; NAN before the first */
	/* peaks */
	float true_peak; /* at the end of a hop: highest of that hop */
	/* levels: of all channels */
	double square;
	double left_square, right_square, product; /* of the front pair */
	float peak;
};

struct measure {
	/* --- immutable after new --- */
	struct measure_options options;
	unsigned what; /* with what parts need of each other */
	double rate;
	uint32_t rate_hz;
	uint32_t n_channels;
	double weight[MEDIA_CHANNELS_MAX];
	int32_t left, right; /* the front pair; -1: none */
	int8_t side[MEDIA_CHANNELS_MAX]; /* -1 left of the middle, 1 right of it, 0 */
	bool has_mono; /* the sum of the pair is measured, too */
	double quantum; /* step of integer PCM of up to 16 bits, or that of 16 */
	uint32_t block_ticks, segments;
	uint32_t block_frames; /* at most */
	/* --- the block --- */
	float *channel[MEDIA_CHANNELS_MAX]; /* [0] is its first frame */
	uint32_t n_frames; /* in it */
	uint32_t n_ticks; /* the last may not be whole */
	uint64_t first_frame, first_tick;
	bool is_last;
	struct measure_tick *tick;
	/* Of channel c in tick t: [t * n_channels + c]; NULL when no part asks. */
	double *channel_square;
	float *channel_peak;
	/* K-weighted energy of fine part k of tick t: [t * MEASURE_FINES + k]; NULL when nobody asks. */
	double *fine;
	/* --- all of it --- */
	uint64_t total_frames;
	bool has_failed; /* out of memory in a part */
	void **part; /* as measure_parts; NULL: not asked for */
	void *memory;
};

/* A family of figures. */
struct measure_part {
	unsigned what; /* any of these asks for it */
	size_t size; /* of its state, which begins as zeros */
	int (*init)(struct measure *measure, void *part); /* may be NULL; -ENOMEM */
	void (*block)(struct measure *measure, void *part);
	void (*finish)(struct measure *measure, void *part, struct measure_result *ret);
	void (*done)(void *part); /* may be NULL */
};
/* Asked for by parts alone: 10 ms levels, and K-weighted energies. */
#define MEASURE_TICK_LEVELS (1u << 16)
#define MEASURE_TICK_ENERGY (1u << 17)
#define MEASURE_SPEECH (1u << 18)
#define MEASURE_TICK_FINE (1u << 19)

extern const struct measure_part measure_loudness_part, measure_peaks_part, measure_levels_part,
	measure_silence_part, measure_clipping_part, measure_clicks_part, measure_spectrum_part,
	measure_dynamics_part, measure_series_part, measure_field_part, measure_speech_part,
	measure_fine_part;

/* Where the next frames go, and how many fit; then say how many were put there. What is put is as if
 * fed. */
uint32_t measure_room(struct measure *measure, float *ret_at[MEDIA_CHANNELS_MAX]);
void measure_put(struct measure *measure, uint32_t n_frames);
/* Frame of the programme where tick TICK begins. */
static inline uint64_t measure_tick_frame(const struct measure *measure, uint64_t tick)
{
	return tick * measure->rate_hz / MEASURE_TICKS_PER_S;
}
/* Where in tick T of the block its fine part K begins, were the tick whole. */
static inline uint32_t measure_fine_frame(const struct measure *measure, uint32_t t, uint32_t k)
{
	uint64_t tick = measure->first_tick + t;

	return (uint32_t)((measure_tick_frame(measure, tick + 1) -
			   measure_tick_frame(measure, tick)) *
			  k / MEASURE_FINES);
}
/* What loudness was made of: measure_pool(). */
struct measure_gates {
	struct loudness_gate gate;
};
/* At the end of *LIST, as long as it is short. False without memory. */
bool measure_note(struct measure_event **list, uint32_t *n, double at_s, double length_s,
		  double value, uint32_t channel);
/* -1..1; NAN when one is silent. */
double measure_correlation(double left, double right, double product);
