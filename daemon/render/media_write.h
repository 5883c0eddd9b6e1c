/* media_write.h - write an audio file: the finished one, or nothing.
 *
 * WHAT        Writes beside the goal under a temporary name (".NAME.XXXXXX.part"), and renames when
 *             all is written, checked and fsynced (file, then folder). A goal that exists is
 *             replaced only then. Two writers of one goal: the second is refused. WAV becomes RF64
 *             by itself at 4 GiB.
 * QUANTISING  happens here, once and last: f32 is rounded to `bits` with TPDF dither (or shaped, or
 *             none), full scale 2^(bits - 1), overs clipped and counted. Float and lossy formats are
 *             not dithered. MEDIA_DITHER_AUTO: none while every sample so far was on the grid (a
 *             copy stays a copy), then TPDF for the rest.
 * THREADS     one at a time.
 * NOT HERE    tags' byte layouts: media_tags_*.c. */
#pragma once

#include "media.h"

enum media_dither { MEDIA_DITHER_AUTO, MEDIA_DITHER_TPDF, MEDIA_DITHER_SHAPED, MEDIA_DITHER_NONE };
enum media_rate_mode { MEDIA_RATE_AUTO, MEDIA_RATE_CBR, MEDIA_RATE_ABR, MEDIA_RATE_VBR };

struct media_target {
	/* "wav" (RF64 when large) "rf64" "w64" "aiff" "caf" "flac" "alac" "ogg" "opus" "mp3" "m4a";
	 * NULL: by the ending of the path. */
	const char *format;
	double rate; /* Hz; one the format has */
	struct mixd_layout layout; /* what it points to lives as long as the writer */
	uint32_t bits; /* 16 24 32; 0: 24, or what the format has */
	bool is_float; /* 32-bit float, where the format has it */
	enum media_dither dither;
	uint64_t seed;
	enum media_rate_mode mode;
	double bitrate_kbps; /* lossy; 0: by `quality`, or the format's custom */
	double quality; /* lossy VBR, 0 best .. 9 worst as LAME's -V; below 0: the format's custom */
	double compression; /* FLAC 0..8; below 0: 5 */
	int64_t expected_frames; /* -1: not known; lets a full disk be noticed before the work */
	const struct media_tags *tags; /* copied by media_create(); may be NULL */
};

struct media_writer;

/* All unset, as above: start here. */
void media_target_init(struct media_target *target);
/* Fills what follows from FORMAT and PATH in *TARGET, or says why it cannot be (a rate, channels or
 * bits the format has not, and which it has). PATH may be NULL when format is set. */
int media_target_complete(struct media_target *target, const char *path, struct mixd_error *err);
/* -EBUSY: another writer has it. */
int media_create(const char *path, const struct media_target *target, struct media_writer **ret,
		 struct mixd_error *err);
int media_write(struct media_writer *writer, const float *const *channels, uint32_t n_frames,
		struct mixd_error *err);
/* Close, add TAGS (NULL: those of the target; loudness is known only now), fsync, rename. On failure
 * the goal is as it was, and the temporary file is gone. */
int media_finish(struct media_writer *writer, const struct media_tags *tags,
		 struct mixd_error *err);
/* N of them, with the tags of their targets: all get their names when all are complete and on disk, one
 * after the other, with nothing between. When one cannot, none has: the goals are as they were. */
int media_finish_all(struct media_writer *const *writer, uint32_t n, struct mixd_error *err);
/* Samples over full scale that were clipped, so far. */
uint64_t media_writer_clips(const struct media_writer *writer);
/* What was begun and not finished is removed. Call it in any case. */
struct media_writer *media_writer_free(struct media_writer *writer);
/* The ending that files of FORMAT have ("wav"); NULL: no such format. */
const char *media_format_ending(const char *format);
/* The format that a file at PATH gets by its ending ("flac"); NULL: by this ending none. */
const char *media_format_of(const char *path);
/* Whether FORMAT has a bit rate or a quality to choose. */
bool media_format_is_lossy(const char *format);

/* The same for any other file (a report, a cue sheet, a DDP image): write to media_file_fd(), then
 * commit. */
struct media_file;
int media_file_create(const char *path, struct media_file **ret, struct mixd_error *err);
int media_file_fd(const struct media_file *file);
int media_file_write(struct media_file *file, const void *data, size_t size,
		     struct mixd_error *err);
int media_file_commit(struct media_file *file, struct mixd_error *err);
struct media_file *media_file_free(struct media_file *file);
