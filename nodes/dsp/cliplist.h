/* cliplist.h - what a player plays: a list of clips on the time line, as text and as numbers.
 *
 * WHAT        One flow list of YAML, which JSON is, too; on one line:
 *
 *                 [{file: vox.wav, at: 12.5s}, {file: "room 1.wav", at: 0s, length: 30s, gain: -12dB}]
 *
 *             or, for one clip at 0, the name of a file. cliplist_write() gives the canonical text:
 *             keys in the order of cliplist_keys, nothing that is at its default but `at`. Reading what
 *             was written gives equal lists and equal text.
 * A CLIP      plays the piece of its file that begins at `offset`, from `at` on the time line on. The
 *             piece is `length` long, measured on the time line (none: to the end of the file), and
 *             sounds `loop` times in succession (0: without end). `speed` is a varispeed: at 200% a
 *             piece of 10 s is made of 20 s of the file, one octave up. `reverse` plays the same piece
 *             from its end to its beginning. Fades are at the ends of the whole clip. Clips that overlap
 *             are mixed.
 * TIMES       keep the unit they were written in: seconds, or frames of the instance, so that a list
 *             made to the sample stays so. "12.5s" "10ms" "2min" "1:02:03.5" "48000fr" "0".
 * THREADS     [main]: allocates.
 * NOT HERE    files and sound: nodes/player; edits: daemon/graph/graph_clips.h. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mixd/node.h>

#define CLIPLIST_MAX 1024u /* clips */
#define CLIPLIST_FILE_MAX 1024u /* bytes of a file's name */
#define CLIPLIST_NAME_MAX 120u
#define CLIPLIST_SECONDS_MAX 360000.0 /* 100 h */
#define CLIPLIST_FRAMES_MAX (CLIPLIST_SECONDS_MAX * 384000.0)
#define CLIPLIST_GAIN_MIN_DB -144.0 /* = silent, written -inf */
#define CLIPLIST_GAIN_MAX_DB 60.0
#define CLIPLIST_SPEED_MIN 0.0625 /* four octaves down .. */
#define CLIPLIST_SPEED_MAX 16.0 /* .. and up */
#define CLIPLIST_LOOP_MAX 1000000u

struct clip_time {
	double value; /* below 0, as a length: none is given */
	bool in_frames; /* of the instance; else seconds */
};

/* How a fade goes. X runs from 0 to 1; for a fade out the same backwards. */
enum clip_curve {
	CLIP_CURVE_LINEAR, /* x: sums to 1 for equal material */
	CLIP_CURVE_EQUAL_POWER, /* sin(x pi/2): squares sum to 1, for different material */
	CLIP_CURVE_SMOOTH, /* 3 x^2 - 2 x^3 */
	CLIP_CURVE_LOG, /* linear in dB over 60 dB, from 0 */
	CLIP_CURVE_COUNT_
};
extern const char *const clip_curve_names[]; /* NULL-terminated, in the order above */

struct clip {
	char *file; /* owned */
	char *name; /* owned; NULL or "": none */
	struct clip_time at, offset, length, fade_in, fade_out;
	double gain_db;
	enum clip_curve curve_in, curve_out;
	uint32_t loop; /* 1; 0: without end */
	bool reverse;
	double speed; /* 1 */
};

struct cliplist {
	struct clip *clip;
	uint32_t n, max;
};

extern const char *const cliplist_keys[]; /* NULL-terminated: "file", "at", ... */

/* Read TEXT. -EINVAL with *fault, and in *ret_at (may be NULL) the byte of TEXT it is about; -ENOMEM.
 * An empty TEXT is an empty list. *ret is untouched on failure; cliplist_done(). */
int cliplist_parse(const char *text, struct cliplist *ret, size_t *ret_at,
		   struct mixd_fault *fault);
/* Returned: malloc'd; "" for an empty list; NULL when out of memory. */
char *cliplist_write(const struct cliplist *list);
/* The same of one clip: "{file: a.wav, at: 0s}". */
char *cliplist_write_clip(const struct clip *clip);
void cliplist_done(struct cliplist *list);

/* All defaults, and no file. */
void clip_init(struct clip *clip);
void clip_done(struct clip *clip);
int clip_copy(const struct clip *clip, struct clip *ret); /* -ENOMEM */
/* KEY (of cliplist_keys) becomes TEXT, as written behind it. -EINVAL, -ENOMEM. */
int clip_set(struct clip *clip, const char *key, const char *text, struct mixd_fault *fault);
/* The value of KEY as it is written, without quotes; false: it is not, being at its default. SIZE of
 * CLIPLIST_FILE_MAX + 1 holds all. */
bool clip_get(const struct clip *clip, const char *key, char *buf, size_t size);
/* What can be wrong only as a whole: no file, fades longer than the length. -EINVAL. */
int clip_check(const struct clip *clip, struct mixd_fault *fault);
/* CLIP is taken and put before clip IDX (n: at the end). -ENOSPC with *fault, -ENOMEM; then CLIP is
 * the caller's still. */
int cliplist_insert(struct cliplist *list, uint32_t idx, struct clip *clip,
		    struct mixd_fault *fault);
void cliplist_remove(struct cliplist *list, uint32_t idx);

/* "12.5s" -> time. SIGNED allows one sign in front. -EINVAL. */
int clip_time_parse(const char *text, bool is_signed, struct clip_time *ret,
		    struct mixd_fault *fault);
/* "12.5s", "10ms", "48000fr": reads back as the same time. */
void clip_time_format(struct clip_time time, char *buf, size_t size);
/* To the nearest frame at RATE. */
int64_t clip_time_frames(struct clip_time time, double rate);
/* FRAMES at RATE, in frames, or in seconds rounded to the nanosecond, which is the same frame again. */
struct clip_time clip_time_of(int64_t frames, double rate, bool in_frames);
