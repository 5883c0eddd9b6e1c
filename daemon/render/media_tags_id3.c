/* media_tags_id3.c - an ID3v2.4 tag: made, and put in front of an MP3 stream.
 *
 * SOURCE      M. Nilsson, "ID3 tag version 2.4.0 - Main Structure" and "- Native Frames", 2000;
 *             C. Newell, "ID3v2 Chapter Frame Addendum", 2005. All text is UTF-8; names without a frame
 *             go into TXXX, as players look for them. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "media_tags_private.h"

#define ID3_HEAD_BYTES 10u
#define ID3_UTF8 3u
#define ID3_FRONT_COVER 3u
#define ID3_LANGUAGE "eng"
#define ID3_ENTRIES_MAX 255u /* of a table of contents */

/* Four bytes of seven bits: no byte of a size looks like the begin of an MP3 frame. */
static void id3_set_size(struct media_bytes *bytes, size_t at, size_t size)
{
	uint64_t spread = 0;

	for (unsigned i = 0; i < 4; i++)
		spread |= (uint64_t)(size >> 7 * i & 0x7f) << 8 * i;
	media_set_be(bytes, at, spread, 4);
}

static size_t id3_begin(struct media_bytes *bytes, const char id[4])
{
	media_put(bytes, id, 4);
	media_put_zeros(bytes, 6); /* size, flags */
	return bytes->size;
}

static void id3_end(struct media_bytes *bytes, size_t begin)
{
	id3_set_size(bytes, begin - 6, bytes->size - begin);
}

static void id3_put_user(struct media_bytes *bytes, const char *name, const char *value)
{
	size_t begin = id3_begin(bytes, "TXXX");

	media_put_be(bytes, ID3_UTF8, 1);
	media_put_text(bytes, name);
	media_put_zeros(bytes, 1);
	media_put_text(bytes, value);
	id3_end(bytes, begin);
}

/* COMM and USLT. */
static void id3_put_comment(struct media_bytes *bytes, const char *id, const char *description,
			    const char *value)
{
	size_t begin = id3_begin(bytes, id);

	media_put_be(bytes, ID3_UTF8, 1);
	media_put_text(bytes, ID3_LANGUAGE);
	media_put_text(bytes, description);
	media_put_zeros(bytes, 1);
	media_put_text(bytes, value);
	id3_end(bytes, begin);
}

/* "3/12" when there is a total. */
static void id3_put_number(struct media_bytes *bytes, const struct media_tags *tags,
			   const struct media_text *text, const char *id)
{
	const char *total =
		media_tags_get(tags, strcmp(id, "TRCK") == 0 ? "TRACKTOTAL" : "DISCTOTAL");
	size_t begin = id3_begin(bytes, id);

	media_put_be(bytes, ID3_UTF8, 1);
	media_put_text(bytes, text->value);
	if (total && !strchr(text->value, '/'))
		media_put_format(bytes, "/%s", total);
	id3_end(bytes, begin);
}

/* All texts that go into the frame ID: one frame, a NUL between them. */
static void id3_put_texts(struct media_bytes *bytes, const struct media_tags *tags, const char *id)
{
	size_t begin = id3_begin(bytes, id);
	bool is_first = true;

	media_put_be(bytes, ID3_UTF8, 1);
	for (uint32_t i = 0; i < tags->n_text; i++) {
		const struct tags_name *row = tags_name_find(tags->text[i].name);

		if (!row || !row->id3 || strcmp(row->id3, id) != 0 ||
		    !tags_is_plain(tags, &tags->text[i], false))
			continue;
		if (!is_first)
			media_put_zeros(bytes, 1);
		media_put_text(bytes, tags->text[i].value);
		is_first = false;
	}
	id3_end(bytes, begin);
}

/* Has an earlier text taken this one along? */
static bool id3_is_done(const struct media_tags *tags, uint32_t text, const char *id)
{
	for (uint32_t i = 0; i < text; i++) {
		const struct tags_name *row = tags_name_find(tags->text[i].name);

		if (row && row->id3 && strcmp(row->id3, id) == 0 &&
		    tags_is_plain(tags, &tags->text[i], false))
			return true;
	}
	return false;
}

static void id3_put_text(struct media_bytes *bytes, const struct media_tags *tags, uint32_t i)
{
	const struct media_text *text = &tags->text[i];
	const struct tags_name *row = tags_name_find(text->name);
	bool is_total = strcasecmp(text->name, "TRACKTOTAL") == 0 ||
			strcasecmp(text->name, "DISCTOTAL") == 0;

	if (!tags_is_plain(tags, text, false))
		return;
	if (is_total &&
	    media_tags_get(tags,
			   strcasecmp(text->name, "DISCTOTAL") == 0 ? "DISCNUMBER" : "TRACKNUMBER"))
		return; /* stands beside the number */
	if (!row || !row->id3) {
		id3_put_user(bytes, text->name, text->value);
	} else if (strcmp(row->id3, "COMM") == 0 || strcmp(row->id3, "USLT") == 0) {
		if (!id3_is_done(tags, i, row->id3)) /* one for a language and description */
			id3_put_comment(bytes, row->id3, "", text->value);
	} else if (strcmp(row->id3, "TRCK") == 0 || strcmp(row->id3, "TPOS") == 0) {
		if (!id3_is_done(tags, i, row->id3))
			id3_put_number(bytes, tags, text, row->id3);
	} else if (!id3_is_done(tags, i, row->id3)) {
		id3_put_texts(bytes, tags, row->id3);
	}
}

/* ---- chapters ---------------------------------------------------------------------------------- */

static uint64_t id3_ms(int64_t frame, double rate)
{
	double ms = rint((double)frame * 1000.0 / rate);

	return ms < 4294967294.0 ? (uint64_t)ms : 4294967294u;
}

static void id3_put_chapter(struct media_bytes *bytes, const struct media_tags *tags, uint32_t i,
			    const struct media_info *info)
{
	const struct media_mark *mark = &tags->mark[i];
	size_t begin = id3_begin(bytes, "CHAP"), title;

	media_put_format(bytes, "chp%u", (unsigned)i);
	media_put_zeros(bytes, 1);
	media_put_be(bytes, id3_ms(mark->frame, info->rate), 4);
	media_put_be(bytes, id3_ms(tags_mark_end(tags, i, info), info->rate), 4);
	media_put_be(bytes, UINT64_MAX, 8); /* no offsets in bytes: the times count */
	if (mark->name && mark->name[0]) {
		title = id3_begin(bytes, "TIT2");
		media_put_be(bytes, ID3_UTF8, 1);
		media_put_text(bytes, mark->name);
		id3_end(bytes, title);
	}
	id3_end(bytes, begin);
}

/* A table of N entries that are named PREFIX and their number. */
static void id3_put_table(struct media_bytes *bytes, const char *name, bool is_top,
			  const char *prefix, uint32_t first, uint32_t n)
{
	size_t begin = id3_begin(bytes, "CTOC");

	media_put(bytes, name, strlen(name) + 1);
	media_put_be(bytes, is_top ? 3 : 1, 1); /* bit 0: ordered, bit 1: top level */
	media_put_be(bytes, n, 1);
	for (uint32_t i = 0; i < n; i++) {
		media_put_format(bytes, "%s%u", prefix, (unsigned)(first + i));
		media_put_zeros(bytes, 1);
	}
	id3_end(bytes, begin);
}

/* More chapters than a table holds: a table of tables. */
static void id3_put_chapters(struct media_bytes *bytes, const struct media_tags *tags,
			     const struct media_info *info)
{
	uint32_t n = tags->n_marks, n_tables = (n + ID3_ENTRIES_MAX - 1) / ID3_ENTRIES_MAX;

	if (n == 0 || n_tables > ID3_ENTRIES_MAX || info->rate <= 0.0)
		return;
	if (n_tables == 1)
		id3_put_table(bytes, "toc", true, "chp", 0, n);
	else
		id3_put_table(bytes, "toc", true, "toc", 0, n_tables);
	for (uint32_t i = 0; i < n_tables && n_tables > 1; i++) {
		uint32_t first = i * ID3_ENTRIES_MAX;
		char name[16];

		snprintf(name, sizeof(name), "toc%u", (unsigned)i);
		id3_put_table(bytes, name, false, "chp", first,
			      n - first < ID3_ENTRIES_MAX ? n - first : ID3_ENTRIES_MAX);
	}
	for (uint32_t i = 0; i < n; i++)
		id3_put_chapter(bytes, tags, i, info);
}

static void id3_put_picture(struct media_bytes *bytes, const struct media_tags *tags)
{
	const char *type =
		tags->picture ? tags_picture_type(tags->picture, tags->picture_bytes, NULL) : NULL;
	size_t begin;

	if (!type)
		return;
	begin = id3_begin(bytes, "APIC");
	media_put_be(bytes, 0, 1);
	media_put(bytes, type, strlen(type) + 1);
	media_put_be(bytes, ID3_FRONT_COVER, 1);
	media_put_zeros(bytes, 1); /* no description */
	media_put(bytes, tags->picture, tags->picture_bytes);
	id3_end(bytes, begin);
}

void tags_put_id3(struct media_bytes *bytes, const struct media_tags *tags,
		  const struct media_info *info, bool has_chapters)
{
	struct tags_pair pairs[TAGS_PAIRS_MAX];
	uint32_t n_gains = tags_gains(tags, false, pairs);
	size_t begin = bytes->size;
	char text[128];

	media_put_text(bytes, "ID3");
	media_put_be(bytes, 0x0400, 2);
	media_put_zeros(bytes, 5); /* flags, size */
	for (uint32_t i = 0; i < tags->n_text; i++)
		id3_put_text(bytes, tags, i);
	for (uint32_t i = 0; i < n_gains; i++)
		id3_put_user(bytes, pairs[i].name, pairs[i].value);
	if (tags_sound_check(tags, text, sizeof(text)))
		id3_put_comment(bytes, "COMM", "iTunNORM", text);
	if (has_chapters)
		id3_put_chapters(bytes, tags, info);
	id3_put_picture(bytes, tags);
	if (bytes->size - begin - ID3_HEAD_BYTES >= (size_t)1 << 28)
		bytes->is_failed = true;
	else
		id3_set_size(bytes, begin + 6, bytes->size - begin - ID3_HEAD_BYTES);
}

/* The stream is not touched, so its Info frame still says how to cut it gaplessly. */
int tags_write_mp3(int fd, const struct media_info *info, const struct media_tags *tags)
{
	struct media_bytes bytes = {0};
	uint8_t head[10] = {0};
	int r = media_fd_read(fd, 0, head, sizeof(head));

	tags_put_id3(&bytes, tags, info, true);
	if (r == 0)
		r = bytes.is_failed ? -ENOMEM : 0;
	if (r == 0)
		r = media_fd_replace(fd, 0, tags_id3_size(head), bytes.data,
				     bytes.size > ID3_HEAD_BYTES ? bytes.size : 0);
	media_bytes_done(&bytes);
	return r;
}
