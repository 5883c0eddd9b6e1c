/* graph_clips_private.h - an edit of a list of clips under way. Only graph_clips*.c include this.
 *
 * THREADS     [main] */
#pragma once

#include "graph_clips.h"

struct clip_edit {
	struct cliplist *list; /* a copy: what it becomes */
	const struct graph_edit_wish *wish;
	double rate;
	struct mixd_error *err;
	char *text; /* what was done */
	size_t text_size;
};

/* A clip in frames on the time line. */
struct clip_span {
	int64_t at, turn, end; /* begin; length of one turn; INT64_MAX: without end */
	int64_t offset; /* in the file */
};

__attribute__((format(printf, 3, 4))) int clip_edit_fault(struct clip_edit *edit, const char *hint,
							  const char *fmt, ...);
__attribute__((format(printf, 2, 3))) void clip_edit_say(struct clip_edit *edit, const char *fmt,
							 ...);
/* ---- what stands in the words of the wish: graph_clips.c ---- */
/* Argument I, or NULL. */
const char *clip_edit_arg(const struct clip_edit *edit, size_t i);
/* Value of an option, or NULL: it is not there. */
const char *clip_edit_option(const struct clip_edit *edit, const char *name);
int clip_edit_clip(struct clip_edit *edit, const char *word, uint32_t *ret_idx);
int clip_edit_position(struct clip_edit *edit, const char *word, int64_t *ret_frame);
/* A time, in frames; IS_SIGNED: may have a sign. */
int clip_edit_time(struct clip_edit *edit, const char *word, bool is_signed, int64_t *ret_frames);
/* The unit in which CLIP's new times are written. */
struct clip_time clip_edit_as(const struct clip_edit *edit, const struct clip *clip,
			      int64_t frames);
/* Frames of the file of CLIP. */
int clip_edit_file(struct clip_edit *edit, const struct clip *clip, int64_t *ret_frames);
/* NEED: the end must be known; else a clip whose file is out of reach has none. */
int clip_edit_span(struct clip_edit *edit, const struct clip *clip, bool need,
		   struct clip_span *ret);
int clip_edit_set(struct clip_edit *edit, struct clip *clip, const char *key, const char *text);
/* CLIP is taken in any case. */
int clip_edit_insert(struct clip_edit *edit, uint32_t idx, struct clip *clip);

/* ---- graph_clips_cut.c ---- */
int clip_edit_cut(struct clip_edit *edit);
int clip_edit_silence(struct clip_edit *edit);
int clip_edit_delete(struct clip_edit *edit);
/* ---- graph_clips_edits.c ---- */
int clip_edit_nudge(struct clip_edit *edit);
int clip_edit_move(struct clip_edit *edit);
int clip_edit_slip(struct clip_edit *edit);
int clip_edit_trim(struct clip_edit *edit);
int clip_edit_fade(struct clip_edit *edit);
int clip_edit_crossfade(struct clip_edit *edit);
int clip_edit_gain(struct clip_edit *edit);
int clip_edit_name(struct clip_edit *edit);
int clip_edit_loop(struct clip_edit *edit);
int clip_edit_reverse(struct clip_edit *edit);
int clip_edit_speed(struct clip_edit *edit);
int clip_edit_add(struct clip_edit *edit);
int clip_edit_rm(struct clip_edit *edit);
