/* album_streams.h - the continuous streams an album is delivered from, and what is cut out of each.
 *
 * WHAT        A stream is the whole album as one WAV file at one rate and depth, resampled and dithered
 *             once. Every deliverable is a copy of its samples: the same bits, whatever it is.
 * THREADS     the job's. */
#pragma once

#include "album.h"
#include "media_write.h"

#define ALBUM_FORMATS_MAX 12u
#define ALBUM_STREAMS_MAX 5u

struct album_format { /* of one file per track */
	char word[24]; /* as it was asked for: also the name of its folder */
	const char *container;
	uint32_t bits;
	double bitrate_kbps;
	uint32_t stream;
};
struct album_stream {
	double rate;
	uint32_t bits;
	char *path; /* owned */
	bool is_kept; /* delivered itself (beside the cue sheet) */
	uint64_t clips;
};
struct album_streams {
	struct album_format format[ALBUM_FORMATS_MAX];
	uint32_t n_formats;
	struct album_stream stream[ALBUM_STREAMS_MAX];
	uint32_t n;
	int cd; /* the stream of 44.1 kHz, 16 bits; -1: nobody needs it */
};

/* TEXT: "wav24,flac,mp3:320". ALBUM NULL: only checked. -EINVAL with *err. */
int album_streams_plan(struct album_streams *streams, const struct album *album,
		       const struct album_wants *wants, struct mixd_error *err);
/* Write them all from SPOOL, into FOLDER, in one pass. */
int album_streams_write(struct job *job, struct album *album, struct album_streams *streams,
			struct spool *spool, const char *folder, uint64_t seed,
			struct mixd_error *err);
void album_streams_done(struct album_streams *streams);
