/* graph_clips_edits.c - edits of single clips: where they stand, what they play, how they begin and end. */
#include "graph_clips_private.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THRESHOLD_DEFAULT_DB (-60.0)
#define PAD_DEFAULT "10ms"

static int the_clip(struct clip_edit *edit, size_t arg, struct clip **ret)
{
	uint32_t idx = 0;
	int r = clip_edit_clip(edit, clip_edit_arg(edit, arg), &idx);

	*ret = r == 0 ? &edit->list->clip[idx] : NULL;
	return r;
}

static unsigned clip_number(const struct clip_edit *edit, const struct clip *clip)
{
	return (unsigned)(clip - edit->list->clip) + 1;
}

static int64_t in_file(const struct clip *clip, int64_t frames)
{
	return (int64_t)llround((double)frames * clip->speed);
}

/* FRAMES in the unit of OLD, or in that of where the clip stands. */
static struct clip_time as(const struct clip_edit *edit, const struct clip *clip,
			   struct clip_time old, int64_t frames)
{
	bool in_frames = old.value > 0.0 ? old.in_frames : clip->at.in_frames;

	return clip_time_of(frames, edit->rate, in_frames);
}

/* ---- where ---- */

static int put_at(struct clip_edit *edit, struct clip *clip, int64_t at)
{
	char text[48];

	if (at < 0)
		return clip_edit_fault(edit, "trim its head first, or move it less",
				       "clip %u would begin before the time line",
				       clip_number(edit, clip));
	clip->at = clip_edit_as(edit, clip, at);
	clip_time_format(clip->at, text, sizeof(text));
	clip_edit_say(edit, "clip %u is at %s", clip_number(edit, clip), text);
	return 0;
}

int clip_edit_nudge(struct clip_edit *edit)
{
	struct clip *clip = NULL;
	int64_t by = 0;
	int r = the_clip(edit, 0, &clip);

	if (r == 0)
		r = clip_edit_time(edit, clip_edit_arg(edit, 1), true, &by);
	return r < 0 ? r : put_at(edit, clip, clip_time_frames(clip->at, edit->rate) + by);
}

int clip_edit_move(struct clip_edit *edit)
{
	struct clip *clip = NULL;
	int64_t at = 0;
	int r = the_clip(edit, 0, &clip);

	if (r == 0)
		r = clip_edit_position(edit, clip_edit_arg(edit, 1), &at);
	return r < 0 ? r : put_at(edit, clip, at);
}

/* The borders stay: what was open gets the length that it had, if that can be seen. */
int clip_edit_slip(struct clip_edit *edit)
{
	struct clip *clip = NULL;
	struct clip_span span = {0};
	int64_t by = 0, file = INT64_MAX;
	int r = the_clip(edit, 0, &clip);

	if (r == 0)
		r = clip_edit_time(edit, clip_edit_arg(edit, 1), true, &by);
	if (r == 0)
		r = clip_edit_span(edit, clip, false, &span);
	if (r == 0 && edit->wish->find_sound)
		r = clip_edit_file(edit, clip, &file);
	if (r < 0)
		return r;
	if (span.offset + by < 0)
		return clip_edit_fault(edit, "slip it less", "clip %u would begin before its file",
				       clip_number(edit, clip));
	if (span.turn != INT64_MAX && file != INT64_MAX &&
	    span.offset + by + in_file(clip, span.turn) > file)
		return clip_edit_fault(edit, "trim its tail first, or slip it less",
				       "clip %u would end behind its file",
				       clip_number(edit, clip));
	if (clip->length.value < 0.0 && span.turn != INT64_MAX)
		clip->length = as(edit, clip, clip->length, span.turn);
	clip->offset = as(edit, clip, clip->offset, span.offset + by);
	clip_edit_say(edit, "slipped clip %u by %s", clip_number(edit, clip),
		      clip_edit_arg(edit, 1));
	return 0;
}

/* ---- borders ---- */

/* HEAD and TAIL frames of the time line go from CLIP; TAIL may be below 0: it grows. */
static int trim_by(struct clip_edit *edit, struct clip *clip, const struct clip_span *span,
		   int64_t head, int64_t tail)
{
	int64_t skipped = in_file(clip, clip->reverse ? tail : head);
	bool open = clip->length.value < 0.0 && tail == 0 && !clip->reverse;

	if (clip->loop != 1)
		return clip_edit_fault(edit, "cut it into single turns first", "clip %u is a loop",
				       clip_number(edit, clip));
	if (span->turn != INT64_MAX && head + tail >= span->turn)
		return clip_edit_fault(edit, "trim it less, or remove it",
				       "nothing of clip %u would be left", clip_number(edit, clip));
	if (!open)
		clip->length = as(edit, clip, clip->length, span->turn - head - tail);
	if (head != 0)
		clip->at = clip_edit_as(edit, clip, span->at + head);
	if (skipped != 0)
		clip->offset = as(edit, clip, clip->offset, span->offset + skipped);
	return 0;
}

static int threshold(struct clip_edit *edit, double *ret_db)
{
	const char *text = clip_edit_option(edit, "threshold");
	char *end;

	*ret_db = THRESHOLD_DEFAULT_DB;
	if (!text)
		return 0;
	*ret_db = strtod(text, &end);
	if (end != text && (!*end || strcasecmp(end, "dB") == 0 || strcasecmp(end, "dBFS") == 0) &&
	    *ret_db >= -144.0 && *ret_db < 0.0)
		return 0;
	return clip_edit_fault(edit, "write it as in -60dBFS", "\"%.40s\" is no level of a sound",
			       text);
}

/* How much of CLIP is below the threshold at both its ends. */
static int find_silence(struct clip_edit *edit, const struct clip *clip,
			const struct clip_span *span, int64_t *ret_head, int64_t *ret_tail)
{
	const struct graph_edit_wish *wish = edit->wish;
	const char *text = clip_edit_option(edit, "pad");
	struct graph_sound_query query = {
		.file = clip->file, .rate = edit->rate, .sound = true, .from = span->offset};
	int64_t length = in_file(clip, span->turn), pad = 0, before, behind;
	struct graph_sound sound = {0};
	int r = threshold(edit, &query.threshold_db);

	if (r == 0)
		r = clip_edit_time(edit, text ? text : PAD_DEFAULT, false, &pad);
	query.to = span->offset + length;
	if (r == 0)
		r = wish->find_sound(wish->find_sound_data, &query, &sound, edit->err);
	if (r < 0)
		return r;
	if (sound.last <= sound.first)
		return clip_edit_fault(edit, "lower the threshold: --threshold -80dBFS",
				       "clip %u has no sound above %.0f dBFS",
				       clip_number(edit, clip), query.threshold_db);
	before = (int64_t)((double)(sound.first - span->offset) / clip->speed) - pad;
	behind = (int64_t)((double)(query.to - sound.last) / clip->speed) - pad;
	*ret_head = clip->reverse ? behind : before;
	*ret_tail = clip->reverse ? before : behind;
	*ret_head = *ret_head > 0 ? *ret_head : 0;
	*ret_tail = *ret_tail > 0 ? *ret_tail : 0;
	return 0;
}

int clip_edit_trim(struct clip_edit *edit)
{
	const char *head = clip_edit_option(edit, "head"), *tail = clip_edit_option(edit, "tail");
	bool to_sound = clip_edit_option(edit, "to_sound") != NULL;
	int64_t head_frames = 0, tail_frames = 0;
	struct clip *clip = NULL;
	struct clip_span span = {0};
	char shown[2][48];
	int r = the_clip(edit, 0, &clip);

	if (r < 0)
		return r;
	if (to_sound == (head || tail))
		return clip_edit_fault(edit, "write trim 1 --head 1.5s, or trim 1 --to-sound",
				       to_sound ? "either to the sound, or by times"
						: "trim it by how much?");
	if (to_sound && !edit->wish->find_sound)
		return clip_edit_fault(edit, "use --head and --tail",
				       "where %.80s sounds cannot be seen from here", clip->file);
	r = clip_edit_span(edit, clip, to_sound || tail || clip->reverse, &span);
	if (r == 0 && to_sound)
		r = find_silence(edit, clip, &span, &head_frames, &tail_frames);
	if (r == 0 && head)
		r = clip_edit_time(edit, head, false, &head_frames);
	if (r == 0 && tail)
		r = clip_edit_time(edit, tail, false, &tail_frames);
	if (r == 0)
		r = trim_by(edit, clip, &span, head_frames, tail_frames);
	if (r < 0)
		return r;
	clip_time_format(clip_time_of(head_frames, edit->rate, false), shown[0], sizeof(shown[0]));
	clip_time_format(clip_time_of(tail_frames, edit->rate, false), shown[1], sizeof(shown[1]));
	clip_edit_say(edit, "trimmed clip %u by %s at its head, %s at its tail",
		      clip_number(edit, clip), shown[0], shown[1]);
	return 0;
}

/* ---- fades ---- */

static int read_fade(struct clip_edit *edit, const struct clip *clip, const char *word,
		     int64_t *ret_frames)
{
	struct clip_span span = {0};
	int r = clip_edit_time(edit, word, false, ret_frames);

	if (r == 0)
		r = clip_edit_span(edit, clip, false, &span);
	if (r < 0 || span.end == INT64_MAX || *ret_frames <= span.end - span.at)
		return r;
	return clip_edit_fault(edit, "want a shorter fade", "%.40s is longer than clip %u", word,
			       clip_number(edit, clip));
}

int clip_edit_fade(struct clip_edit *edit)
{
	const char *side = clip_edit_arg(edit, 1), *curve = clip_edit_arg(edit, 3);
	struct clip *clip = NULL;
	int64_t frames = 0;
	bool in;
	int r = the_clip(edit, 0, &clip);

	if (r < 0)
		return r;
	in = strcmp(side, "in") == 0;
	if (!in && strcmp(side, "out") != 0)
		return clip_edit_fault(edit, "write fade 1 in 2s",
				       "\"%.40s\" is neither in nor out", side);
	r = read_fade(edit, clip, clip_edit_arg(edit, 2), &frames);
	if (r == 0 && curve)
		r = clip_edit_set(edit, clip, in ? "curve_in" : "curve_out", curve);
	if (r < 0)
		return r;
	*(in ? &clip->fade_in : &clip->fade_out) = clip_edit_as(edit, clip, frames);
	clip_edit_say(edit, "clip %u fades %s in %s", clip_number(edit, clip), side,
		      clip_edit_arg(edit, 2));
	return 0;
}

/* SECOND is to begin at AT. Its sound keeps its place where there is some before its begin; where there
 * is none the whole clip moves. */
static int begin_at(struct clip_edit *edit, struct clip *second, const struct clip_span *span,
		    int64_t at)
{
	int64_t by = at - span->at; /* below 0: earlier */
	int64_t more = in_file(second, by);

	if (by == 0)
		return 0;
	if (at < 0)
		return clip_edit_fault(edit, "want a shorter crossfade",
				       "clip %u would begin before the time line",
				       clip_number(edit, second));
	if (second->loop != 1 || second->reverse || span->offset + more < 0) {
		second->at = clip_edit_as(edit, second, at);
		return 0;
	}
	return trim_by(edit, second, span, by, 0);
}

/* T, or what the two overlap by now. */
static int read_overlap(struct clip_edit *edit, const struct clip_span spans[2], const char *word,
			int64_t *ret_frames)
{
	if (word)
		return clip_edit_time(edit, word, false, ret_frames);
	*ret_frames = spans[0].end - spans[1].at;
	if (*ret_frames > 0)
		return 0;
	return clip_edit_fault(edit, "say how long it is to be: crossfade 1 2 50ms",
			       "the clips do not overlap");
}

int clip_edit_crossfade(struct clip_edit *edit)
{
	const char *time = clip_edit_arg(edit, 2), *curve = clip_edit_arg(edit, 3);
	struct clip *clip[2] = {NULL, NULL};
	struct clip_span span[2] = {{0}};
	int64_t frames = 0;
	int r = the_clip(edit, 0, &clip[0]);

	if (r == 0)
		r = the_clip(edit, 1, &clip[1]);
	if (r == 0 && clip[0] == clip[1])
		r = clip_edit_fault(edit, "name two clips", "a clip has no crossfade with itself");
	if (r == 0)
		r = clip_edit_span(edit, clip[0], true, &span[0]);
	if (r == 0)
		r = clip_edit_span(edit, clip[1], false, &span[1]);
	if (r == 0 && span[0].end == INT64_MAX)
		r = clip_edit_fault(edit, "cut it first", "clip %u never ends",
				    clip_number(edit, clip[0]));
	if (r == 0)
		r = read_overlap(edit, span, time, &frames);
	if (r == 0 && (frames > span[0].end - span[0].at ||
		       (span[1].end != INT64_MAX && frames > span[1].end - span[1].at)))
		r = clip_edit_fault(edit, "want a shorter one", "a clip is shorter than that");
	if (r == 0)
		r = begin_at(edit, clip[1], &span[1], span[0].end - frames);
	if (r == 0)
		r = clip_edit_set(edit, clip[0], "curve_out", curve ? curve : "equal-power");
	if (r == 0)
		r = clip_edit_set(edit, clip[1], "curve_in", curve ? curve : "equal-power");
	if (r < 0)
		return r;
	clip[0]->fade_out = clip_edit_as(edit, clip[0], frames);
	clip[1]->fade_in = clip_edit_as(edit, clip[1], frames);
	clip_edit_say(edit, "clips %u and %u are crossfaded", clip_number(edit, clip[0]),
		      clip_number(edit, clip[1]));
	return 0;
}

/* ---- what it plays ---- */

int clip_edit_gain(struct clip_edit *edit)
{
	const char *word = clip_edit_arg(edit, 1);
	double sign = 0.0, before;
	struct clip *clip = NULL;
	int r = the_clip(edit, 0, &clip);

	if (r < 0)
		return r;
	before = clip->gain_db;
	if ((word[0] == '+' || word[0] == '-') && word[1] == '=')
		sign = word[0] == '+' ? 1.0 : -1.0;
	r = clip_edit_set(edit, clip, "gain", word + (sign != 0.0 ? 2 : 0));
	if (r < 0)
		return r;
	if (sign != 0.0)
		clip->gain_db = before + sign * clip->gain_db;
	clip->gain_db = round(clip->gain_db * 1e6) / 1e6;
	if (clip->gain_db > CLIPLIST_GAIN_MAX_DB)
		return clip_edit_fault(edit, "want at most +60dB", "%+.1f dB is too much",
				       clip->gain_db);
	clip->gain_db = fmax(clip->gain_db, CLIPLIST_GAIN_MIN_DB);
	clip_edit_say(edit, "clip %u is at %+.1f dB", clip_number(edit, clip), clip->gain_db);
	return 0;
}

/* KEY of the clip becomes the second word. */
static int set_key(struct clip_edit *edit, const char *key, const char *text)
{
	struct clip *clip = NULL;
	int r = the_clip(edit, 0, &clip);

	if (r == 0)
		r = clip_edit_set(edit, clip, key, text);
	if (r == 0)
		clip_edit_say(edit, "clip %u: %s %s", clip_number(edit, clip), key, text);
	return r;
}

int clip_edit_name(struct clip_edit *edit)
{
	const char *name = clip_edit_arg(edit, 1);

	if (name[0] && strspn(name, "0123456789") == strlen(name))
		return clip_edit_fault(edit, "begin it with a letter", "a name is no number");
	return set_key(edit, "name", name);
}

int clip_edit_loop(struct clip_edit *edit)
{
	return set_key(edit, "loop", clip_edit_arg(edit, 1));
}

int clip_edit_reverse(struct clip_edit *edit)
{
	const char *word = clip_edit_arg(edit, 1);
	struct clip *clip = NULL;
	int r = the_clip(edit, 0, &clip);

	if (r < 0)
		return r;
	return set_key(edit, "reverse", word ? word : clip->reverse ? "off" : "on");
}

/* The same piece of the file in another time: a length that was given follows. */
int clip_edit_speed(struct clip_edit *edit)
{
	struct clip *clip = NULL;
	double before;
	int r = the_clip(edit, 0, &clip);

	if (r < 0)
		return r;
	before = clip->speed;
	r = set_key(edit, "speed", clip_edit_arg(edit, 1));
	if (r == 0 && clip->length.value > 0.0)
		clip->length = clip_time_of(
			(int64_t)llround((double)clip_time_frames(clip->length, edit->rate) *
					 before / clip->speed),
			edit->rate, clip->length.in_frames);
	return r;
}

/* ---- the list ---- */

/* Where the last clip ends. */
static int list_end(struct clip_edit *edit, int64_t *ret)
{
	*ret = 0;
	for (uint32_t i = 0; i < edit->list->n; i++) {
		struct clip_span span;
		int r = clip_edit_span(edit, &edit->list->clip[i], true, &span);

		if (r < 0)
			return r;
		if (span.end == INT64_MAX)
			return clip_edit_fault(edit, "say where: add FILE AT", "clip %u never ends",
					       i + 1);
		if (span.end > *ret)
			*ret = span.end;
	}
	return 0;
}

int clip_edit_add(struct clip_edit *edit)
{
	const char *at_word = clip_edit_arg(edit, 1);
	struct clip clip;
	int64_t at = 0;
	int r = at_word ? clip_edit_position(edit, at_word, &at) : list_end(edit, &at);

	if (r < 0)
		return r;
	clip_init(&clip);
	clip.at = clip_time_of(at, edit->rate, false);
	r = clip_edit_set(edit, &clip, "file", clip_edit_arg(edit, 0));
	for (size_t i = 0; r == 0 && i < edit->wish->n_options; i++)
		r = clip_edit_set(edit, &clip, edit->wish->options[i].name,
				  edit->wish->options[i].value);
	if (r < 0) {
		clip_done(&clip);
		return r;
	}
	clip_edit_say(edit, "clip %u is %.80s", edit->list->n + 1, clip.file);
	return clip_edit_insert(edit, edit->list->n, &clip);
}

int clip_edit_rm(struct clip_edit *edit)
{
	uint32_t idx = 0;
	int r = clip_edit_clip(edit, clip_edit_arg(edit, 0), &idx);

	if (r < 0)
		return r;
	clip_edit_say(edit, "clip %u (%.80s) is gone", idx + 1, edit->list->clip[idx].file);
	cliplist_remove(edit->list, idx);
	return 0;
}
