/* mp3_gain.h - lower moments of an MP3 that is written, without encoding it again.
 *
 * WHAT        Each granule (576 frames) of an MP3 says in eight bits how loud it is, in steps of 1.5 dB. To
 *             lower these around a peak fades down and up again with the codec's own windows,
 *             about 25 ms long: what a limiter would have done, after the codec. Nothing else changes; the
 *             sums in the LAME tag follow.
 * THREADS     one at a time per file. */
#pragma once

#include <stdint.h>

#include "error.h"

#define MP3_GAIN_STEP_DB 1.505 /* 20 log10(2^(1/4)) */

struct mp3_gain_spot {
	double at_s; /* in what a decoder gives that knows the encoder's delay */
	double lower_db;
};

/* The N spots of the file at PATH, in place: *ret_granules were lowered. -EOPNOTSUPP when it is no MP3
 * of which the delay is known, or more than a hundredth of it would be lowered: then it is as it was. */
int mp3_gain_lower(const char *path, const struct mp3_gain_spot *spot, uint32_t n,
		   uint32_t *ret_granules, struct mixd_error *err);
