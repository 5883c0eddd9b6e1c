/* graph_clips.c - see graph_clips.h: the table of edits, and the words of a wish. The edits themselves are
 * in graph_clips_cut.c and graph_clips_edits.c. */
#include "graph_clips_private.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the table ---- */

static const struct clip_edit_row {
	uint32_t min_args, max_args;
	const char *options[6];
	int (*fn)(struct clip_edit *edit);
} edit_rows[] = {
	{1, 2, {0}, clip_edit_cut},
	{1, 2, {0}, clip_edit_cut},
	{2, 3, {"fade"}, clip_edit_silence},
	{2, 3, {"fade", "ripple"}, clip_edit_delete},
	{2, 2, {0}, clip_edit_nudge},
	{2, 2, {0}, clip_edit_move},
	{2, 2, {0}, clip_edit_slip},
	{1, 1, {"to_sound", "threshold", "pad", "head", "tail"}, clip_edit_trim},
	{3, 4, {0}, clip_edit_fade},
	{2, 4, {0}, clip_edit_crossfade},
	{2, 2, {0}, clip_edit_gain},
	{2, 2, {0}, clip_edit_name},
	{2, 2, {0}, clip_edit_loop},
	{1, 2, {0}, clip_edit_reverse},
	{2, 2, {0}, clip_edit_speed},
	{1, 2, {"name", "gain", "offset", "length"}, clip_edit_add},
	{1, 1, {0}, clip_edit_rm},
};

static const struct graph_edit edits[] = {
	{"cut", "AT [CLIP]",
	 "every clip there, or that one, becomes two; nothing sounds different"},
	{"split", "AT [CLIP]", "another word for cut"},
	{"silence", "FROM TO [CLIP] [--fade 5ms]", "what lies between goes"},
	{"delete", "FROM TO [CLIP] [--ripple] [--fade 5ms]",
	 "the same; with --ripple what is behind moves up"},
	{"nudge", "CLIP BY", "the clip moves on the time line"},
	{"move", "CLIP AT", "the clip begins there"},
	{"slip", "CLIP BY",
	 "its sound moves within its borders: +1s plays what comes a second later"},
	{"trim", "CLIP --to-sound [--threshold -60dBFS] [--pad 10ms] | --head T | --tail T",
	 "borders move inwards; what stays keeps its place"},
	{"fade", "CLIP in|out T [CURVE]", "linear, equal-power, smooth or log"},
	{"crossfade", "CLIP CLIP [T] [CURVE]", "the second begins T before the first ends"},
	{"gain", "CLIP DB", "-3dB, or +=1dB"},
	{"name", "CLIP NAME", "so that edits and cue sheets can name it"},
	{"loop", "CLIP N", "play it N times; 0: without end"},
	{"reverse", "CLIP [on|off]", "play it from its end to its beginning"},
	{"speed", "CLIP PERCENT", "varispeed: pitch follows, and so does the length"},
	{"add", "FILE [AT] [--name NAME] [--gain DB] [--offset T] [--length T]",
	 "a new clip; without AT behind the last one"},
	{"rm", "CLIP", "the clip goes; its file stays"},
	{NULL, NULL, NULL},
};
#define EDITS (sizeof(edits) / sizeof(edits[0]) - 1)
_Static_assert(sizeof(edit_rows) / sizeof(edit_rows[0]) == EDITS, "a row for each edit");

const struct graph_edit *graph_edits(void)
{
	return edits;
}

int graph_node_clips(const struct graph_node *node)
{
	for (uint32_t i = 0; i < node->type->n_configs; i++)
		if (node->type->configs[i]->is_clips)
			return (int)i;
	return -1;
}

static int no_player(const struct graph_model *model, const char *name, struct mixd_error *err)
{
	const char *nearest, **names = calloc(model->n_nodes + 1u, sizeof(*names));
	char **tracks = calloc(model->n_nodes + 1u, sizeof(*tracks));
	uint32_t n = 0;
	int r = error_set(err, ERROR_NOT_FOUND, name, "there is no player \"%.60s\"", name);

	for (uint32_t i = 0; names && tracks && i < model->n_nodes; i++) {
		const char *slash = strrchr(model->nodes[i]->name, '/');

		if (graph_node_clips(model->nodes[i]) < 0)
			continue;
		if (slash && strcmp(slash, "/player") == 0)
			tracks[n] = strndup(model->nodes[i]->name,
					    (size_t)(slash - model->nodes[i]->name));
		names[n] = tracks[n] ? tracks[n] : model->nodes[i]->name;
		n++;
	}
	nearest = names && tracks ? error_nearest(name, names, n) : NULL;
	if (nearest)
		error_hint(err, "did you mean \"%s\"?", nearest);
	else if (n)
		error_hint(err, "there is %s, for one", names[0]);
	else
		error_hint(err, "add one: mixctl add player %.60s", name);
	for (uint32_t i = 0; tracks && i < n; i++)
		free(tracks[i]);
	free(tracks);
	free(names);
	return r;
}

int graph_model_find_player(const struct graph_model *model, const char *name,
			    struct graph_node **ret_node, int *ret_config, struct mixd_error *err)
{
	struct graph_node *node = graph_model_node(model, name);
	char player[GRAPH_NAME_MAX + 8];
	int r;

	/* a track is named after what it is: vox is the player vox/player */
	snprintf(player, sizeof(player), "%.128s/player", name);
	if (!node)
		node = graph_model_node(model, player);
	if (!node)
		return no_player(model, name, err);
	*ret_node = node;
	*ret_config = graph_node_clips(node);
	if (*ret_config >= 0)
		return 0;
	r = error_set(err, ERROR_INVALID, node->name, "a %s plays no clips",
		      node->type->node_type->id);
	error_hint(err, "name a player, or the track it belongs to");
	return r;
}

/* ---- faults and words ---- */

int clip_edit_fault(struct clip_edit *edit, const char *hint, const char *fmt, ...)
{
	char text[256];
	va_list args;
	int r;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	r = error_set(edit->err, ERROR_INVALID, NULL, "%s", text);
	error_hint(edit->err, "%s", hint);
	return r;
}

void clip_edit_say(struct clip_edit *edit, const char *fmt, ...)
{
	va_list args;

	if (!edit->text || !edit->text_size)
		return;
	va_start(args, fmt);
	vsnprintf(edit->text, edit->text_size, fmt, args);
	va_end(args);
}

const char *clip_edit_arg(const struct clip_edit *edit, size_t i)
{
	return i < edit->wish->n_args ? edit->wish->args[i] : NULL;
}

const char *clip_edit_option(const struct clip_edit *edit, const char *name)
{
	for (size_t i = 0; i < edit->wish->n_options; i++)
		if (strcmp(edit->wish->options[i].name, name) == 0)
			return edit->wish->options[i].value;
	return NULL;
}

static int no_clip(struct clip_edit *edit, const char *word)
{
	const struct cliplist *list = edit->list;
	const char *names[CLIPLIST_MAX], *nearest;
	uint32_t n = 0;
	int r = error_set(edit->err, ERROR_NOT_FOUND, NULL, "there is no clip \"%.60s\"", word);

	for (uint32_t i = 0; i < list->n; i++)
		if (list->clip[i].name && list->clip[i].name[0])
			names[n++] = list->clip[i].name;
	nearest = error_nearest(word, names, n);
	if (nearest)
		error_hint(edit->err, "did you mean \"%s\"?", nearest);
	else if (list->n)
		error_hint(edit->err, "want a number from 1 to %u, or a name", list->n);
	else
		error_hint(edit->err, "the list is empty: begin with add FILE");
	return r;
}

int clip_edit_clip(struct clip_edit *edit, const char *word, uint32_t *ret_idx)
{
	const struct cliplist *list = edit->list;
	uint32_t found = 0;

	for (uint32_t i = 0; i < list->n; i++)
		if (list->clip[i].name && list->clip[i].name[0] &&
		    strcmp(list->clip[i].name, word) == 0) {
			found++;
			*ret_idx = i;
		}
	if (found > 1)
		return clip_edit_fault(edit, "say it by its number", "%u clips are named \"%.60s\"",
				       found, word);
	if (found)
		return 0;
	if (word[0] && strlen(word) < 8 && strspn(word, "0123456789") == strlen(word)) {
		unsigned long number = strtoul(word, NULL, 10);

		if (number >= 1 && number <= list->n) {
			*ret_idx = (uint32_t)number - 1;
			return 0;
		}
	}
	return no_clip(edit, word);
}

int clip_edit_position(struct clip_edit *edit, const char *word, int64_t *ret_frame)
{
	static const struct graph_model nowhere;
	const struct graph_model *model = edit->wish->model ? edit->wish->model : &nowhere;
	struct clip_time time;
	double at_s;
	int r;

	/* frames stay what they are, whatever the model knows of the rate */
	if (clip_time_parse(word, false, &time, NULL) == 0) {
		*ret_frame = clip_time_frames(time, edit->rate);
		return 0;
	}
	r = graph_position_parse(model, word, 0.0, NULL, &at_s, edit->err);
	if (r == 0)
		*ret_frame = clip_time_frames((struct clip_time){.value = at_s}, edit->rate);
	return r;
}

int clip_edit_time(struct clip_edit *edit, const char *word, bool is_signed, int64_t *ret_frames)
{
	struct mixd_fault fault = {0};
	struct clip_time time;
	char copy[64];

	/* "+=1s" as it is written elsewhere */
	if (is_signed && (word[0] == '+' || word[0] == '-') && word[1] == '=') {
		snprintf(copy, sizeof(copy), "%c%.60s", word[0], word + 2);
		word = copy;
	}
	if (clip_time_parse(word, is_signed, &time, &fault) < 0)
		return clip_edit_fault(edit, fault.hint, "%s", fault.text);
	*ret_frames = clip_time_frames(time, edit->rate);
	return 0;
}

struct clip_time clip_edit_as(const struct clip_edit *edit, const struct clip *clip, int64_t frames)
{
	return clip_time_of(frames, edit->rate, clip->at.in_frames);
}

/* ---- clips in frames ---- */

int clip_edit_file(struct clip_edit *edit, const struct clip *clip, int64_t *ret_frames)
{
	const struct graph_edit_wish *wish = edit->wish;
	const struct graph_sound_query query = {.file = clip->file, .rate = edit->rate, .to = -1};
	struct graph_sound sound = {0};
	int r;

	if (!wish->find_sound)
		return clip_edit_fault(edit, "give the clip a length",
				       "how long %.80s is cannot be seen from here", clip->file);
	r = wish->find_sound(wish->find_sound_data, &query, &sound, edit->err);
	if (r == 0)
		*ret_frames = sound.n_frames;
	return r;
}

int clip_edit_span(struct clip_edit *edit, const struct clip *clip, bool need,
		   struct clip_span *ret)
{
	struct clip_span span = {.at = clip_time_frames(clip->at, edit->rate),
				 .offset = clip_time_frames(clip->offset, edit->rate),
				 .end = INT64_MAX,
				 .turn = INT64_MAX};
	int64_t file = 0;
	int r = 0;

	if (clip->length.value >= 0.0) {
		span.turn = clip_time_frames(clip->length, edit->rate);
	} else if (need || edit->wish->find_sound) {
		r = clip_edit_file(edit, clip, &file);
		if (r < 0 && need)
			return r;
		if (r == 0)
			span.turn = (int64_t)((double)(file - span.offset) / clip->speed);
		if (r == 0 && span.turn <= 0)
			return clip_edit_fault(edit, "correct its offset",
					       "the clip begins behind the end of %.80s",
					       clip->file);
	}
	if (span.turn != INT64_MAX && clip->loop > 0)
		span.end = span.at + span.turn * clip->loop;
	*ret = span;
	return 0;
}

int clip_edit_set(struct clip_edit *edit, struct clip *clip, const char *key, const char *text)
{
	struct mixd_fault fault = {0};
	int r = clip_set(clip, key, text, &fault);

	if (r == -ENOMEM)
		return error_no_memory(edit->err);
	return r < 0 ? clip_edit_fault(edit, fault.hint, "%s", fault.text) : 0;
}

int clip_edit_insert(struct clip_edit *edit, uint32_t idx, struct clip *clip)
{
	struct mixd_fault fault = {0};
	int r = cliplist_insert(edit->list, idx, clip, &fault);

	if (r == 0)
		return 0;
	clip_done(clip);
	return r == -ENOMEM ? error_no_memory(edit->err)
			    : clip_edit_fault(edit, fault.hint, "%s", fault.text);
}

/* ---- an edit ---- */

static int find_edit(const struct graph_edit_wish *wish, size_t *ret, struct mixd_error *err)
{
	const char *names[EDITS], *nearest;
	int r;

	for (size_t i = 0; i < EDITS; i++) {
		names[i] = edits[i].name;
		if (strcmp(edits[i].name, wish->edit) != 0)
			continue;
		*ret = i;
		return 0;
	}
	nearest = error_nearest(wish->edit, names, EDITS);
	r = error_set(err, ERROR_USAGE, NULL, "there is no edit \"%.40s\"", wish->edit);
	if (nearest)
		error_hint(err, "did you mean \"%s\"?", nearest);
	else
		error_hint(err,
			   "want cut, silence, delete, nudge, move, slip, trim, fade, crossfade, "
			   "gain, name, loop, reverse, speed, add or rm");
	return r;
}

static int check_words(const struct graph_edit_wish *wish, size_t idx, struct mixd_error *err)
{
	const struct clip_edit_row *row = &edit_rows[idx];
	int r;

	if (wish->n_args < row->min_args || wish->n_args > row->max_args) {
		r = error_set(err, ERROR_USAGE, NULL, "%s takes %s", edits[idx].name,
			      edits[idx].usage);
		error_hint(err, "%s: %s", edits[idx].name, edits[idx].doc);
		return r;
	}
	for (size_t i = 0; i < wish->n_options; i++) {
		bool known = false;

		for (size_t k = 0; k < sizeof(row->options) / sizeof(row->options[0]); k++)
			known |= row->options[k] &&
				 strcmp(row->options[k], wish->options[i].name) == 0;
		if (known)
			continue;
		r = error_set(err, ERROR_USAGE, NULL, "%s has no option %.40s", edits[idx].name,
			      wish->options[i].name);
		error_hint(err, "%s %s", edits[idx].name, edits[idx].usage);
		return r;
	}
	return 0;
}

static int check_clips(struct clip_edit *edit)
{
	for (uint32_t i = 0; i < edit->list->n; i++) {
		struct mixd_fault fault = {0};

		if (clip_check(&edit->list->clip[i], &fault) < 0)
			return clip_edit_fault(edit, fault.hint, "clip %u: %s", i + 1, fault.text);
	}
	return 0;
}

static int copy_list(const struct cliplist *list, struct cliplist *ret, struct mixd_error *err)
{
	for (uint32_t i = 0; i < list->n; i++) {
		struct clip clip;

		if (clip_copy(&list->clip[i], &clip) < 0)
			return error_no_memory(err);
		if (cliplist_insert(ret, i, &clip, NULL) < 0) {
			clip_done(&clip);
			return error_no_memory(err);
		}
	}
	return 0;
}

int graph_clips_edit(struct cliplist *list, const struct graph_edit_wish *wish, char *ret_text,
		     size_t size, struct mixd_error *err)
{
	struct cliplist copy = {0};
	struct clip_edit edit = {.list = &copy,
				 .wish = wish,
				 .rate = wish->rate > 0.0 ? wish->rate : GRAPH_RATE_DEFAULT,
				 .err = err,
				 .text = ret_text,
				 .text_size = size};
	size_t idx = 0;
	int r = find_edit(wish, &idx, err);

	if (r == 0)
		r = check_words(wish, idx, err);
	if (r == 0)
		r = copy_list(list, &copy, err);
	if (r == 0)
		r = edit_rows[idx].fn(&edit);
	if (r == 0)
		r = check_clips(&edit);
	if (r < 0) {
		cliplist_done(&copy);
		return r;
	}
	cliplist_done(list);
	*list = copy;
	return 0;
}
