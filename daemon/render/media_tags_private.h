/* media_tags_private.h - what the files media_tags_*.c share: names, the way in, containers.
 *
 * WHAT        A writer of a container makes bytes of struct media_tags; a reader gives what it finds
 *             to tags_take(), tags_take_mark() and tags_take_picture(), which keep limits, leave
 *             loudness where it belongs, and let the first of two places in a file that name the
 *             same thing win.
 * THREADS     one at a time for a file. */
#pragma once

#include "media_bytes.h"
#include "media_tags_io.h"

#define TAGS_TEXTS_MAX 2000u
#define TAGS_MARKS_MAX 10000u
#define TAGS_TEXT_BYTES_MAX ((size_t)1 << 20)
#define TAGS_BLOCK_BYTES_MAX ((size_t)64 << 20) /* of a tag as a whole, pictures included */

/* ---- names (media_tags_names.c) ---- */

struct tags_name {
	const char *name; /* of the Vorbis comment */
	const char *id3; /* frame of ID3v2.4 */
	const char *riff, *mp4, *aiff; /* chunk, atom, chunk */
	const char *caf; /* key */
};
extern const struct tags_name tags_names[];
extern const uint32_t tags_n_names;

/* The row of NAME, or NULL: it has no place of its own but in Vorbis comments. */
const struct tags_name *tags_name_find(const char *name);
/* Words of a row; NULL: none. OFFSET is offsetof(struct tags_name, riff) and the like. */
const char *tags_name_from(size_t offset, const char *word);
/* "Rock" of 17; NULL: no such number. */
const char *tags_genre(unsigned number);

/* REPLAYGAIN_*, R128_* and the like as texts. */
struct tags_pair {
	char name[32], value[128];
};
#define TAGS_PAIRS_MAX 6u
uint32_t tags_gains(const struct media_tags *tags, bool is_opus,
		    struct tags_pair pairs[TAGS_PAIRS_MAX]);
/* " 000001F5 ..."; false: there is nothing to say. */
bool tags_sound_check(const struct media_tags *tags, char *text, size_t size);
/* Is TEXT written as it stands? Not when loudness says it better. */
bool tags_is_plain(const struct media_tags *tags, const struct media_text *text, bool is_opus);
/* Where a name stands once: is text I the first that goes into its row, and all of that row, "A; B". */
bool tags_is_first(const struct media_tags *tags, uint32_t i);
void tags_put_joined(struct media_bytes *bytes, const struct media_tags *tags, uint32_t i);
/* The number and the total of "3/12", or of TRACKNUMBER and TRACKTOTAL. */
void tags_number(const struct media_tags *tags, const char *name, const char *total_name,
		 unsigned *ret_number, unsigned *ret_total);
/* Where mark I ends: at its length, at the next one, or at the end. */
int64_t tags_mark_end(const struct media_tags *tags, uint32_t i, const struct media_info *info);

/* ---- the way in (media_tags_take.c) ---- */

struct tags_source { /* one place in a file that holds tags */
	struct media_tags *tags;
	double rate;
	uint32_t n_text_before, n_marks_before;
	bool is_failed; /* out of memory */
};
struct tags_source tags_source(struct media_tags *tags, double rate);
void tags_take(struct tags_source *source, const char *name, const char *value);
/* Names are short of their end, values any bytes. */
void tags_take_bytes(struct tags_source *source, const char *name, const uint8_t *value,
		     size_t size, enum media_encoding encoding);
void tags_take_mark(struct tags_source *source, int64_t frame, int64_t length, const char *name);
void tags_take_picture(struct tags_source *source, const uint8_t *data, size_t size);
int64_t tags_frames_of(const struct tags_source *source, double seconds);

/* ---- containers ---- */

void tags_put_bext(struct media_bytes *bytes, const struct media_tags *tags,
		   const struct media_info *info);
void tags_read_bext(struct tags_source *source, const uint8_t *data, size_t size);

/* An ID3v2.4 tag; rate and length are those of INFO. Chapters are in milliseconds: not where a container
 * counts frames. */
void tags_put_id3(struct media_bytes *bytes, const struct media_tags *tags,
		  const struct media_info *info, bool has_chapters);
/* The tag at DATA: returns its size, 0 when there is none. */
size_t tags_read_id3(struct tags_source *source, const uint8_t *data, size_t size);
/* Of the ten bytes at DATA; 0: no tag. */
size_t tags_id3_size(const uint8_t data[10]);
void tags_read_id3v1(struct tags_source *source, const uint8_t data[128]);

/* Vendor and comments, without framing. VENDOR is not NUL-ended. With IS_PICTURE_IN the picture is a
 * comment. */
void tags_put_comments(struct media_bytes *bytes, const struct media_tags *tags,
		       const struct media_info *info, struct media_view vendor, bool is_picture_in);
void tags_read_comments(struct tags_source *source, struct media_view view);
/* A picture as FLAC has it. */
void tags_put_picture(struct media_bytes *bytes, const struct media_tags *tags);
void tags_read_picture(struct tags_source *source, struct media_view view);
/* "image/png", or "image/jpeg"; width, height and depth where the header says them. */
const char *tags_picture_type(const uint8_t *data, size_t size, uint32_t ret_shape[3]);

int tags_write_riff(int fd, const struct media_info *info, const struct media_tags *tags);
int tags_write_w64(int fd, const struct media_info *info, const struct media_tags *tags);
int tags_write_aiff(int fd, const struct media_info *info, const struct media_tags *tags);
int tags_write_caf(int fd, const struct media_info *info, const struct media_tags *tags);
int tags_write_mp3(int fd, const struct media_info *info, const struct media_tags *tags);
int tags_write_flac(int fd, const struct media_info *info, const struct media_tags *tags);
int tags_write_ogg(int fd, const struct media_info *info, const struct media_tags *tags);
int tags_write_mp4(int fd, const struct media_info *info, const struct media_tags *tags);
void tags_read_riff(struct tags_source *source, int fd);
void tags_read_w64(struct tags_source *source, int fd);
void tags_read_aiff(struct tags_source *source, int fd);
void tags_read_caf(struct tags_source *source, int fd);
void tags_read_mp3(struct tags_source *source, int fd);
void tags_read_flac(struct tags_source *source, int fd);
void tags_read_ogg(struct tags_source *source, int fd);
void tags_read_mp4(struct tags_source *source, int fd);

/* How many frames of RATE Hz the sound of an MP4 has, padding apart; -1: it does not say. */
int64_t tags_mp4_frames(int fd, double rate);

/* SIZE bytes of the file AT; owned; NULL: not there, more than TAGS_BLOCK_BYTES_MAX, or no memory. */
uint8_t *tags_load(int fd, uint64_t at, uint64_t size);

/* A chunk among others. */
struct tags_chunk {
	char id[16]; /* 4 bytes, or the 16 of W64 */
	uint64_t at, size; /* of what is in it */
};
enum tags_chunk_kind { TAGS_RIFF, TAGS_AIFF, TAGS_CAF, TAGS_W64 };
/* The next chunk from *AT, which then is behind it; false: there is none. */
bool tags_next_chunk(int fd, enum tags_chunk_kind kind, uint64_t *at, struct tags_chunk *ret_chunk);
