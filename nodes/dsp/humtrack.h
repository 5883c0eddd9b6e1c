/* humtrack.h - the exact frequency of mains hum under programme.
 *
 * WHAT        The signal, at a low rate, is turned down by each harmonic of a reference frequency and
 *             low-passed; eight times a second the 16 complex amplitudes are noted, 5 s of them. A
 *             wrong reference shows as amplitudes that turn, the h-th h times as fast: the frequency
 *             that stops them all is the estimate. Loud moments, which are programme, count little.
 * THREADS     [rt]; a tick, 8 times a second, takes about 25 us per reference.
 * INVARIANTS  U1 time begins with the first sample that is not 0, so silence before changes nothing;
 *                and the result does not depend on how time is cut.
 * NOT HERE    removal: nodes/dehum. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define HUMTRACK_HARMONICS 16u
#define HUMTRACK_TICKS 40u /* of 1/8 s */
#define HUMTRACK_REFERENCES 2u
#define HUMTRACK_POLES 4u

struct humtrack_reference {
	double nominal_hz;
	double hz; /* the estimate */
	double tuned_hz; /* of the oscillators: follows when the estimate is far from it */
	double confidence; /* 0..1: how much of the amplitudes stands still */
	double power; /* of what stands still */
	uint32_t n_ticks; /* noted */
	uint32_t n_fit, n_unfit; /* good estimates in a row, or bad ones */
	double osc[2][HUMTRACK_HARMONICS], turn[2][HUMTRACK_HARMONICS];
	double low[HUMTRACK_POLES][2][HUMTRACK_HARMONICS];
	double note[HUMTRACK_TICKS][2][HUMTRACK_HARMONICS]; /* a ring */
};

struct humtrack {
	/* --- immutable after init --- */
	double rate; /* of the decimated signal */
	uint32_t decimation, tick_samples, n_references;
	double range_hz; /* about the nominal frequency */
	double keep, keep_power;
	/* --- rt --- */
	bool begun, locked;
	uint32_t in_sample, in_tick, n_settle, best;
	double sum, total_power;
	struct humtrack_reference reference[HUMTRACK_REFERENCES];
};

/* References NOMINAL_HZ, each followed within RANGE_HZ, at most 0.6 Hz: that is how far the poles see. */
void humtrack_init(struct humtrack *track, double rate, const double *nominal_hz,
		   uint32_t n_references, double range_hz);
void humtrack_reset(struct humtrack *track);
void humtrack_run(struct humtrack *track, const float *x, uint32_t n_frames);
/* The frequency of the best reference; only of use when track->locked. */
static inline double humtrack_hz(const struct humtrack *track)
{
	return track->reference[track->best].hz;
}
