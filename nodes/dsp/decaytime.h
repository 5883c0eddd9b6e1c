/* decaytime.h - the reverberation time of a room, from what is said in it.
 *
 * WHAT        Wherever the sound of a band falls in a straight line (in dB) for a fifth of a second, the
 *             slope is noted. A voice never falls faster than its room lets it, and often slower, so
 *             the room is near the quick end of what was noted: the lower quarter of the histogram.
 * THREADS     [rt]
 * SOURCE      Idea: Ratnam et al., Blind Estimation of Reverberation Time, JASA 114(5), 2003; lower
 *             end of a histogram of decays: Loellmann, Yilmaz, Jeub, Vary, An Improved Algorithm for
 *             Blind Reverberation Time Estimation, IWAENC 2010. */
#pragma once

#include <stdint.h>

#define DECAYTIME_BANDS 4u
#define DECAYTIME_FRAMES 24u /* at most, of one straight line */
#define DECAYTIME_BINS 64u /* 0.1 s .. 6.4 s, 10.7 an octave */

struct decaytime {
	/* --- immutable after init --- */
	double hop_s;
	uint32_t n_frames; /* of one line: a fifth of a second */
	/* --- rt --- */
	uint64_t n_hops;
	double level_db[DECAYTIME_BANDS][DECAYTIME_FRAMES]; /* ring */
	double floor_db[DECAYTIME_BANDS]; /* where the band rests */
	double count[DECAYTIME_BINS];
	double total;
};

void decaytime_init(struct decaytime *decay, double hop_s);
void decaytime_reset(struct decaytime *decay);
/* Powers of the bands of one frame. */
void decaytime_feed(struct decaytime *decay, const double power[DECAYTIME_BANDS]);
/* T60 in seconds; OTHERWISE while too little was heard. */
double decaytime_s(const struct decaytime *decay, double otherwise);
