/* mp3_gain.h - lower moments of an MP3 that is written, without encoding it again.
 *
 * WHAT        Each granule (576 frames) of an MP3 says in eight bits how loud it is, in steps of 1.5 dB. To
 *             lower these around a peak fades down and up again with the codec's own windows,
 *             about 25 ms long: what a limiter would have done, after the codec. Nothing else changes; the
 *             sums in the LAME tag follow when it is closed. A decoder that has the file open may go on with
 *             it: what it reads from now on is lowered.
 * MEMORY      a byte a granule, from the first moment on; of the file a MiB at a time.
 * INVARIANTS  G1 frames further than MP3_GAIN_REACH from all spots keep their bits.
 *             G2 a decoder that is opened and sent to mp3_gain_restart() gives from the frame that was asked
 *                for the bits it gives when it begins at the start. Who needs that compares: of the
 *                lower rates in mono mpg123 leaves out a frame, and rounds in another order from there.
 * THREADS     one at a time per file. */
#pragma once

#include <stdint.h>

#include "error.h"

#define MP3_GAIN_STEP_DB 1.505 /* 20 log10(2^(1/4)) */
#define MP3_GAIN_REACH 4096 /* frames: five granules, and the synthesis window */

struct mp3_gain;
struct mp3_gain_format {
	double rate;
	uint32_t n_channels;
};
struct mp3_gain_spot {
	int64_t frame; /* of what a decoder gives that knows the encoder's delay */
	double lower_db;
};

/* The file at PATH, to be changed in place. -EOPNOTSUPP when it is no MP3 of which the delay is known. */
int mp3_gain_open(const char *path, struct mp3_gain **ret, struct mp3_gain_format *ret_format,
		  struct mixd_error *err);
/* The N spots, on top of what was lowered before. -EOPNOTSUPP when one is deeper than 6 dB, or more
 * than a hundredth of the file would be lowered in all: then these spots are as they were. */
int mp3_gain_lower(struct mp3_gain *gain, const struct mp3_gain_spot *spot, uint32_t n,
		   struct mixd_error *err);
/* Where a decoder must begin, so that it is right from FRAME on (G2). */
int64_t mp3_gain_restart(const struct mp3_gain *gain, int64_t frame);
/* The end: *ret_granules were lowered, and are on disk. NULL is closed already. */
int mp3_gain_close(struct mp3_gain *gain, uint32_t *ret_granules, struct mixd_error *err);
