/* media_tags.c - see media.h: the list of what a file says about itself. */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "media.h"

void media_tags_init(struct media_tags *tags)
{
	*tags = (struct media_tags){
		.loudness = {.integrated = NAN,
			     .range = NAN,
			     .true_peak = NAN,
			     .momentary_max = NAN,
			     .shortterm_max = NAN,
			     .album_integrated = NAN,
			     .album_true_peak = NAN},
	};
}

void media_tags_done(struct media_tags *tags)
{
	if (!tags)
		return;
	for (uint32_t i = 0; i < tags->n_text; i++) {
		free(tags->text[i].name);
		free(tags->text[i].value);
	}
	for (uint32_t i = 0; i < tags->n_marks; i++)
		free(tags->mark[i].name);
	free(tags->text);
	free(tags->mark);
	free(tags->bext.coding_history);
	free(tags->picture);
	free(tags->ixml);
	media_tags_init(tags);
}

/* *TO is a copy of FROM; NULL stays NULL. */
static int tags_text(char **to, const char *from)
{
	*to = from ? strdup(from) : NULL;
	return from && !*to ? -ENOMEM : 0;
}

static int tags_copy_blocks(struct media_tags *to, const struct media_tags *from)
{
	int r = tags_text(&to->ixml, from->ixml);

	if (r == 0)
		r = tags_text(&to->bext.coding_history, from->bext.coding_history);
	if (r == 0 && from->picture && from->picture_bytes > 0) {
		to->picture = malloc(from->picture_bytes);
		if (!to->picture)
			return -ENOMEM;
		memcpy(to->picture, from->picture, from->picture_bytes);
		to->picture_bytes = from->picture_bytes;
	}
	return r;
}

int media_tags_copy(struct media_tags *to, const struct media_tags *from)
{
	int r;

	media_tags_init(to);
	to->bext = from->bext;
	to->bext.coding_history = NULL;
	to->loudness = from->loudness;
	to->replay_gain = from->replay_gain;
	to->sound_check = from->sound_check;
	r = tags_copy_blocks(to, from);
	for (uint32_t i = 0; i < from->n_text && r == 0; i++)
		r = media_tags_add(to, from->text[i].name, from->text[i].value);
	for (uint32_t i = 0; i < from->n_marks && r == 0; i++)
		r = media_tags_mark(to, from->mark[i].frame, from->mark[i].length,
				    from->mark[i].name);
	if (r < 0)
		media_tags_done(to);
	return r;
}

static void tags_remove(struct media_tags *tags, const char *name)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < tags->n_text; i++) {
		if (strcasecmp(tags->text[i].name, name) == 0) {
			free(tags->text[i].name);
			free(tags->text[i].value);
		} else {
			tags->text[kept++] = tags->text[i];
		}
	}
	tags->n_text = kept;
}

int media_tags_add(struct media_tags *tags, const char *name, const char *value)
{
	struct media_text *text;

	if (!value || !*value)
		return 0;
	text = realloc(tags->text, (tags->n_text + 1) * sizeof(*text));
	if (!text)
		return -ENOMEM;
	tags->text = text;
	text += tags->n_text;
	text->name = strdup(name);
	text->value = strdup(value);
	if (!text->name || !text->value) {
		free(text->name);
		free(text->value);
		return -ENOMEM;
	}
	for (char *c = text->name; *c; c++)
		*c = (char)toupper((unsigned char)*c);
	tags->n_text++;
	return 0;
}

int media_tags_set(struct media_tags *tags, const char *name, const char *value)
{
	struct media_text *text = NULL;
	char *copy;

	if (!value || !*value) {
		tags_remove(tags, name);
		return 0;
	}
	for (uint32_t i = 0; i < tags->n_text && !text; i++)
		if (strcasecmp(tags->text[i].name, name) == 0)
			text = &tags->text[i];
	if (!text)
		return media_tags_add(tags, name, value);
	copy = strdup(value); /* VALUE may be of the list itself */
	if (!copy)
		return -ENOMEM;
	free(text->value);
	text->value = copy;
	for (uint32_t i = (uint32_t)(text - tags->text) + 1; i < tags->n_text;) {
		if (strcasecmp(tags->text[i].name, text->name) != 0) {
			i++;
			continue;
		}
		free(tags->text[i].name);
		free(tags->text[i].value);
		memmove(&tags->text[i], &tags->text[i + 1],
			(tags->n_text - i - 1) * sizeof(tags->text[0]));
		tags->n_text--;
	}
	return 0;
}

const char *media_tags_get(const struct media_tags *tags, const char *name)
{
	for (uint32_t i = 0; i < tags->n_text; i++)
		if (strcasecmp(tags->text[i].name, name) == 0)
			return tags->text[i].value;
	return NULL;
}

int media_tags_mark(struct media_tags *tags, int64_t frame, int64_t length, const char *name)
{
	struct media_mark *mark = realloc(tags->mark, (tags->n_marks + 1) * sizeof(*mark));
	char *copy = NULL;
	uint32_t at = tags->n_marks;

	if (!mark)
		return -ENOMEM;
	tags->mark = mark;
	if (tags_text(&copy, name) < 0)
		return -ENOMEM;
	while (at > 0 && mark[at - 1].frame > frame)
		at--;
	memmove(mark + at + 1, mark + at, (tags->n_marks - at) * sizeof(*mark));
	mark[at] = (struct media_mark){frame, length, copy};
	tags->n_marks++;
	return 0;
}
