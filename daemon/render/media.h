/* media.h - audio files as the rest of mixd sees them: what they hold, what is written about them.
 *
 * WHAT        struct media_info: what a file is. struct media_tags: what it says about itself, in the
 *             same words for every container: text tags by the names of Vorbis comments (TITLE,
 *             ARTIST, ALBUM, TRACKNUMBER, DATE, GENRE, COMMENT, ISRC, COPYRIGHT, ...), marks (cue
 *             points, chapters), a picture, the broadcast extension and measured loudness.
 * THREADS     [any]; an object belongs to one thread at a time.
 * NOT HERE    reading: media_read.h; writing: media_write.h. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mixd/layout.h>

#include "error.h"

#define MEDIA_CHANNELS_MAX 64u

struct media_info {
	const char
		*container; /* "wav" "rf64" "w64" "aiff" "caf" "flac" "ogg" "mp3" "m4a"; static */
	char codec[24]; /* "pcm_s16" "pcm_s24" "pcm_s32" "pcm_f32" "pcm_f64" "pcm_u8" "flac" "alac"
			   "vorbis" "opus" "mp3" "aac", or what the file calls it */
	double rate; /* Hz */
	uint32_t n_channels;
	struct mixd_layout layout; /* of the channel mask; by count when there is none; static */
	int64_t n_frames; /* -1: known only at the end */
	uint32_t bits; /* of integer PCM and lossless codecs; 0 for lossy ones */
	bool is_float, is_lossy;
	double bitrate_kbps; /* of lossy codecs, mean; 0: not known */
	bool is_cbr;
	uint64_t n_bytes; /* of the file */
	uint32_t n_streams; /* of sound in the file, when it has several: one of them is read */
};

struct media_mark { /* a cue point, a chapter, an index */
	int64_t frame;
	int64_t length; /* 0: a point */
	char *name; /* owned; may be NULL */
};

struct media_text {
	char *name, *value; /* owned */
};

/* EBU Tech 3285: what is not loudness. Texts are cut to the field's length. */
struct media_bext {
	bool is_set;
	char description[257], originator[33], originator_reference[33];
	char date[11], time[9]; /* "2026-01-31", "12:00:00" */
	uint64_t time_reference; /* frames since midnight */
	char umid[64];
	char *coding_history; /* owned; may be NULL */
	bool is_continued; /* coding_history: a line for this file is put behind it */
};

/* NAN: not measured, and not written. */
struct media_loudness {
	double integrated, range, true_peak, momentary_max,
		shortterm_max; /* LUFS LU dBTP LUFS LUFS */
	double album_integrated, album_true_peak; /* for album gain */
};

struct media_tags {
	struct media_text *text; /* owned; a name may stand more than once */
	uint32_t n_text;
	struct media_mark *mark; /* owned, in order of frame */
	uint32_t n_marks;
	struct media_bext bext;
	struct media_loudness loudness; /* becomes bext fields, and, when asked for, the next two */
	bool replay_gain; /* write REPLAYGAIN_* (R128_* in Opus) */
	bool sound_check; /* write iTunNORM */
	uint8_t *picture; /* owned; front cover, JPEG or PNG */
	size_t picture_bytes;
	char *ixml; /* owned; a whole document; "": made from the others; NULL: none */
};

/* Nothing set, all NAN. */
void media_tags_init(struct media_tags *tags);
void media_tags_done(struct media_tags *tags);
/* TO is initialised here. -ENOMEM. */
int media_tags_copy(struct media_tags *to, const struct media_tags *from);
/* Replace, or with media_tags_add() add another; VALUE NULL or "" removes. UTF-8; NAME is made upper
 * case. -ENOMEM. */
int media_tags_set(struct media_tags *tags, const char *name, const char *value);
int media_tags_add(struct media_tags *tags, const char *name, const char *value);
/* The first of that name, or NULL. Borrowed. */
const char *media_tags_get(const struct media_tags *tags, const char *name);
/* NAME may be NULL. -ENOMEM. */
int media_tags_mark(struct media_tags *tags, int64_t frame, int64_t length, const char *name);
