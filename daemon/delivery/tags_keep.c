/* tags_keep.c - see tags_keep.h. */
#include "tags_keep.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "media_read.h"

/* Of the program that wrote the file. */
static const char *const keep_not[] = {"ENCODER", "SOFTWARE", "ENCODER_OPTIONS", "ENCODERSETTINGS",
				       NULL};

int tags_keep(const char *path, struct media_tags *tags, struct mixd_error *err)
{
	struct media_reader *reader = NULL;
	struct mixd_error unread = {0};
	struct media_tags fresh;
	int r;

	if (media_open(path, &reader, &unread) < 0)
		return 0;
	media_tags_done(tags);
	r = media_tags_copy(tags, media_reader_tags(reader));
	media_close(reader);
	if (r < 0) {
		media_tags_init(tags);
		return error_no_memory(err);
	}
	for (size_t i = 0; keep_not[i]; i++)
		media_tags_set(tags, keep_not[i], NULL); /* removes; cannot fail */
	media_tags_init(&fresh);
	tags->loudness = fresh.loudness;
	tags->replay_gain = tags->sound_check = false;
	free(tags->ixml);
	tags->ixml = NULL;
	tags->bext.is_continued = tags->bext.is_set;
	memset(tags->bext.umid, 0, sizeof(tags->bext.umid)); /* it is other material */
	return 0;
}

/* False: nothing of MARK is left. Chapters are counted in ms in some files: one at the end may seem to be
 * behind it by SLACK. */
static bool keep_place(struct media_mark *mark, double ratio, int64_t shift, int64_t n_frames,
		       int64_t slack)
{
	int64_t end = llround((double)(mark->frame + mark->length) * ratio) + shift;
	bool is_span = mark->length > 0;

	mark->frame = llround((double)mark->frame * ratio) + shift;
	if (is_span && mark->frame < 0 && end > 0)
		mark->frame = 0;
	if (!is_span && mark->frame >= n_frames && mark->frame - n_frames <= slack)
		mark->frame = n_frames - 1;
	end = end < n_frames ? end : n_frames;
	mark->length = is_span ? end - mark->frame : 0;
	return mark->frame >= 0 && mark->frame < n_frames && (!is_span || mark->length > 0);
}

int tags_place(const struct media_tags *tags, double from_hz, double to_hz, double head_s,
	       int64_t n_frames, struct media_tags *placed)
{
	int64_t shift = llround(head_s * to_hz), reference;
	uint32_t n = 0;

	if (media_tags_copy(placed, tags) < 0)
		return -ENOMEM;
	for (uint32_t i = 0; i < placed->n_marks; i++) {
		struct media_mark mark = placed->mark[i];

		if (keep_place(&mark, to_hz / from_hz, shift, n_frames, llround(to_hz / 1000)))
			placed->mark[n++] = mark;
		else
			free(mark.name);
	}
	placed->n_marks = n;
	reference = llround((double)placed->bext.time_reference * (to_hz / from_hz)) - shift;
	placed->bext.time_reference = reference > 0 ? (uint64_t)reference : 0;
	return 0;
}
