/* graph_clips_cut.c - edits that divide clips: cut, silence, delete. */
#include "graph_clips_private.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FADE_DEFAULT "5ms" /* where a cut leaves an edge */
#define PARTS_MAX 4u

/* Frames of the file under FRAMES of the time line. */
static int64_t in_file(const struct clip *clip, int64_t frames)
{
	return (int64_t)llround((double)frames * clip->speed);
}

/* What a clip becomes: parts from left to right, the first LEFT of them before the cut. */
struct division {
	struct clip part[PARTS_MAX];
	uint32_t n, left;
};

static void division_done(struct division *division)
{
	while (division->n > 0)
		clip_done(&division->part[--division->n]);
}

/* Turns FIRST .. FIRST + N of CLIP; N = 0 of an endless one: without end. */
static int divide_turns(struct clip_edit *edit, const struct clip *clip,
			const struct clip_span *span, uint32_t first, uint32_t n,
			struct division *ret)
{
	struct clip *part = &ret->part[ret->n];

	if (clip_copy(clip, part) < 0)
		return error_no_memory(edit->err);
	ret->n++;
	part->at = clip_edit_as(edit, clip, span->at + span->turn * first);
	part->length = clip_edit_as(edit, clip, span->turn);
	part->loop = n;
	return 0;
}

/* Frames FROM .. TO of turn TURN, as a clip of its own. An open end stays open. */
static int divide_piece(struct clip_edit *edit, const struct clip *clip,
			const struct clip_span *span, uint32_t turn, int64_t from, int64_t to,
			struct division *ret)
{
	struct clip *part = &ret->part[ret->n];
	bool open =
		to == span->turn && clip->length.value < 0.0 && !clip->reverse && clip->loop == 1;
	/* backwards the file's end comes first */
	int64_t skipped = clip->reverse ? span->turn - to : from;

	if (clip_copy(clip, part) < 0)
		return error_no_memory(edit->err);
	ret->n++;
	if (from > 0 || turn > 0)
		part->at = clip_edit_as(edit, clip, span->at + span->turn * turn + from);
	if (skipped > 0)
		part->offset = clip_time_of(span->offset + in_file(clip, skipped), edit->rate,
					    clip->offset.value != 0.0 ? clip->offset.in_frames
								      : clip->at.in_frames);
	if (!open)
		part->length = clip_time_of(to - from, edit->rate,
					    clip->length.value >= 0.0 ? clip->length.in_frames
								      : clip->at.in_frames);
	part->loop = 1;
	return 0;
}

/* CLIP divided D frames behind its begin. */
static int divide(struct clip_edit *edit, const struct clip *clip, const struct clip_span *span,
		  int64_t d, struct division *ret)
{
	uint32_t turn = span->turn == INT64_MAX ? 0 : (uint32_t)(d / span->turn);
	int64_t rest = turn ? d - span->turn * turn : d;
	uint32_t begun = turn + (rest > 0), behind = clip->loop ? clip->loop - begun : 0;
	int r = 0;

	*ret = (struct division){0};
	if (turn > 0)
		r = divide_turns(edit, clip, span, 0, turn, ret);
	if (r == 0 && rest > 0)
		r = divide_piece(edit, clip, span, turn, 0, rest, ret);
	ret->left = ret->n;
	if (r == 0 && rest > 0)
		r = divide_piece(edit, clip, span, turn, rest, span->turn, ret);
	if (r == 0 && (behind > 0 || clip->loop == 0))
		r = divide_turns(edit, clip, span, begun, behind, ret);
	for (uint32_t i = 0; i < ret->n; i++) { /* fades are those of the whole */
		if (i > 0)
			ret->part[i].fade_in = (struct clip_time){0};
		if (i + 1 < ret->n)
			ret->part[i].fade_out = (struct clip_time){0};
	}
	if (r < 0)
		division_done(ret);
	return r;
}

/* Clip IDX gives way to PARTS (taken). */
static int replace(struct clip_edit *edit, uint32_t idx, struct clip *parts, uint32_t n)
{
	int r = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (r == 0)
			r = clip_edit_insert(edit, idx + 1 + i, &parts[i]);
		else
			clip_done(&parts[i]);
	}
	if (r == 0)
		cliplist_remove(edit->list, idx);
	return r;
}

/* Inside a fade no two clips sound like the one. */
static int check_fades(struct clip_edit *edit, const struct clip *clip,
		       const struct clip_span *span, uint32_t idx, int64_t d)
{
	int64_t in = clip_time_frames(clip->fade_in, edit->rate);
	int64_t out = clip_time_frames(clip->fade_out, edit->rate);
	bool inside = d < in || (span->end != INT64_MAX && d > span->end - span->at - out);

	if (!inside)
		return 0;
	return clip_edit_fault(edit, "cut elsewhere, or shorten the fade first",
			       "that is inside a fade of clip %u", idx + 1);
}

static int cut_clip(struct clip_edit *edit, uint32_t idx, int64_t at, uint32_t *ret_parts)
{
	const struct clip *clip = &edit->list->clip[idx];
	struct division division;
	struct clip_span span;
	int r;

	*ret_parts = 1;
	r = clip_edit_span(edit, clip, clip->reverse || clip->loop != 1, &span);
	if (r < 0 || at <= span.at || at >= span.end)
		return r;
	r = check_fades(edit, clip, &span, idx, at - span.at);
	if (r == 0)
		r = divide(edit, clip, &span, at - span.at, &division);
	if (r < 0)
		return r;
	*ret_parts = division.n;
	return replace(edit, idx, division.part, division.n);
}

/* Which clip an edit is about: one, or (SIZE_MAX) all. */
static int only_clip(struct clip_edit *edit, size_t arg, size_t *ret)
{
	const char *word = clip_edit_arg(edit, arg);
	uint32_t idx = 0;
	int r = word ? clip_edit_clip(edit, word, &idx) : 0;

	*ret = word ? idx : SIZE_MAX;
	return r;
}

int clip_edit_cut(struct clip_edit *edit)
{
	const char *word = clip_edit_arg(edit, 0);
	uint32_t n_cut = 0, n;
	int64_t at = 0;
	size_t only = SIZE_MAX;
	int r = clip_edit_position(edit, word, &at);

	if (r == 0)
		r = only_clip(edit, 1, &only);
	for (uint32_t i = edit->list->n; r == 0 && i-- > 0;) {
		if (only != SIZE_MAX && i != only)
			continue;
		r = cut_clip(edit, i, at, &n);
		n_cut += n > 1;
	}
	if (r < 0)
		return r;
	if (n_cut == 0)
		return clip_edit_fault(edit, "see the clips with ls", "no clip sounds at %.60s",
				       word);
	clip_edit_say(edit, "cut %u clip%s at %s", n_cut, n_cut > 1 ? "s" : "", word);
	return 0;
}

/* ---- silence, delete ---- */

struct range {
	int64_t from, to, fade;
	bool ripple;
};

/* The fade at an edge that an edit has made, no longer than the clip leaves room for. */
static struct clip_time edge(struct clip_edit *edit, const struct clip *clip, int64_t fade)
{
	int64_t length = clip->length.value >= 0.0 && clip->loop == 1
				 ? clip_time_frames(clip->length, edit->rate)
				 : fade * 2;

	return clip_edit_as(edit, clip, fade < length / 2 ? fade : length / 2);
}

/* With ripple the right side begins a fade earlier, under the end of the left one, with the sound that
 * was there before: what is behind the joint is as it was. */
static void join(struct clip_edit *edit, struct clip *right, int64_t fade)
{
	int64_t at = clip_time_frames(right->at, edit->rate);
	int64_t offset = clip_time_frames(right->offset, edit->rate), more = in_file(right, fade);

	right->fade_in = edge(edit, right, fade);
	right->curve_in = CLIP_CURVE_EQUAL_POWER;
	if (right->reverse || right->loop != 1 || offset < more || at < fade)
		return;
	right->at = clip_edit_as(edit, right, at - fade);
	right->offset = clip_time_of(offset - more, edit->rate, right->offset.in_frames);
	if (right->length.value >= 0.0)
		right->length = clip_time_of(clip_time_frames(right->length, edit->rate) + fade,
					     edit->rate, right->length.in_frames);
}

/* Fades that no longer fit their clip are as long as it lets them. */
static void fit_fades(struct clip_edit *edit, struct clip *clip)
{
	int64_t length = clip_time_frames(clip->length, edit->rate);
	int64_t in = clip_time_frames(clip->fade_in, edit->rate);
	int64_t out = clip_time_frames(clip->fade_out, edit->rate);

	if (clip->length.value < 0.0 || clip->loop != 1 || in + out <= length)
		return;
	if (in > length)
		in = length;
	if (out > length - in)
		out = length - in;
	clip->fade_in = clip_edit_as(edit, clip, in);
	clip->fade_out = clip_edit_as(edit, clip, out);
}

/* Parts of DIVISION on one side are KEPT, the others go. */
static void keep(struct division *division, bool left, struct clip *kept, uint32_t *n_kept)
{
	for (uint32_t i = 0; i < division->n; i++) {
		if ((i < division->left) == left)
			kept[(*n_kept)++] = division->part[i];
		else
			clip_done(&division->part[i]);
	}
}

/* The new edges: KEPT up to LEFT, and behind it. */
static void finish_edges(struct clip_edit *edit, const struct range *range, struct clip *kept,
			 uint32_t left, uint32_t n)
{
	int64_t gap = range->to - range->from;

	for (uint32_t i = left; range->ripple && i < n; i++)
		kept[i].at = clip_edit_as(edit, &kept[i],
					  clip_time_frames(kept[i].at, edit->rate) - gap);
	if (range->fade && left > 0) {
		kept[left - 1].fade_out = edge(edit, &kept[left - 1], range->fade);
		kept[left - 1].curve_out = CLIP_CURVE_EQUAL_POWER;
	}
	if (range->fade && left < n && left > 0 && range->ripple)
		join(edit, &kept[left], range->fade);
	else if (range->fade && left < n)
		kept[left].fade_in = edge(edit, &kept[left], range->fade);
	for (uint32_t i = 0; i < n; i++)
		fit_fades(edit, &kept[i]);
}

/* What is left of clip IDX without RANGE stands in its place. */
static int take_range(struct clip_edit *edit, uint32_t idx, const struct range *range,
		      bool *ret_hit)
{
	const struct clip *clip = &edit->list->clip[idx];
	struct clip kept[2 * PARTS_MAX];
	uint32_t n_left = 0, n = 0;
	struct division division;
	struct clip_span span;
	int r = clip_edit_span(edit, clip, clip->reverse || clip->loop != 1, &span);

	if (r < 0 || range->to <= span.at || range->from >= span.end)
		return r;
	*ret_hit = true;
	if (range->from > span.at) {
		r = divide(edit, clip, &span, range->from - span.at, &division);
		if (r < 0)
			return r;
		keep(&division, true, kept, &n);
	}
	n_left = n;
	if (range->to < span.end) {
		r = divide(edit, clip, &span, range->to - span.at, &division);
		if (r == 0)
			keep(&division, false, kept, &n);
	}
	if (r == 0) {
		finish_edges(edit, range, kept, n_left, n);
		return replace(edit, idx, kept, n);
	}
	while (n > 0)
		clip_done(&kept[--n]);
	return r;
}

static int read_range(struct clip_edit *edit, struct range *range)
{
	const char *fade = clip_edit_option(edit, "fade");
	int r = clip_edit_position(edit, clip_edit_arg(edit, 0), &range->from);

	if (r == 0)
		r = clip_edit_position(edit, clip_edit_arg(edit, 1), &range->to);
	if (r == 0)
		r = clip_edit_time(edit, fade ? fade : FADE_DEFAULT, false, &range->fade);
	if (r == 0 && range->to <= range->from)
		return clip_edit_fault(edit, "name the earlier one first",
				       "%.40s is not behind %.40s", clip_edit_arg(edit, 1),
				       clip_edit_arg(edit, 0));
	return r;
}

static int take_out(struct clip_edit *edit, bool ripple)
{
	struct range range = {.ripple = ripple};
	size_t only = SIZE_MAX;
	bool hit = false;
	int r = read_range(edit, &range);

	if (r == 0)
		r = only_clip(edit, 2, &only);
	for (uint32_t i = edit->list->n; r == 0 && i-- > 0;) {
		struct clip *clip = &edit->list->clip[i];
		int64_t at = clip_time_frames(clip->at, edit->rate);

		if (ripple && at >= range.to) {
			clip->at = clip_edit_as(edit, clip, at - (range.to - range.from));
			hit = true;
		} else if (only == SIZE_MAX || i == only) {
			r = take_range(edit, i, &range, &hit);
		}
	}
	if (r < 0)
		return r;
	if (!hit)
		return clip_edit_fault(edit, "see the clips with ls",
				       "no clip sounds between %.40s and %.40s",
				       clip_edit_arg(edit, 0), clip_edit_arg(edit, 1));
	clip_edit_say(edit, "%s %s to %s", ripple ? "deleted" : "silenced", clip_edit_arg(edit, 0),
		      clip_edit_arg(edit, 1));
	return 0;
}

int clip_edit_silence(struct clip_edit *edit)
{
	return take_out(edit, false);
}

int clip_edit_delete(struct clip_edit *edit)
{
	return take_out(edit, clip_edit_option(edit, "ripple") != NULL);
}
