/* media_tags_vorbis.c - Vorbis comments, as FLAC, Ogg Vorbis and Opus hold them; pictures.
 *
 * SOURCE      Xiph "Ogg Vorbis I format specification: comment field and header"; RFC 9639 (FLAC), 8.6
 *             and 8.8; RFC 7845 (Opus), 5.2; Xiph wiki "Chapter Extension" (CHAPTERxxx). */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cleanup.h"
#include "media_tags_private.h"

#define VORBIS_CHAPTERS_MAX 1000u /* three digits */
static const char picture_name[] = "METADATA_BLOCK_PICTURE";

/* ---- pictures ---------------------------------------------------------------------------------- */

/* The frame header of a JPEG (ITU-T T.81, B.2.2). */
static void jpeg_shape(struct media_view view, uint32_t shape[3])
{
	media_view_part(&view, 2);
	while (media_view_left(&view) >= 4) {
		unsigned marker = (unsigned)media_view_be(&view, 2);
		size_t size = (size_t)media_view_be(&view, 2);

		if (marker < 0xff01 || size < 2)
			return;
		if (marker >= 0xffc0 && marker <= 0xffcf && marker != 0xffc4 && marker != 0xffc8 &&
		    marker != 0xffcc) {
			unsigned bits = (unsigned)media_view_be(&view, 1);

			shape[1] = (uint32_t)media_view_be(&view, 2);
			shape[0] = (uint32_t)media_view_be(&view, 2);
			shape[2] = bits * (uint32_t)media_view_be(&view, 1);
			return;
		}
		media_view_part(&view, size - 2);
	}
}

/* IHDR is the first chunk (W3C PNG, 11.2.2). */
static void png_shape(struct media_view view, uint32_t shape[3])
{
	static const uint8_t samples[] = {1, 0, 3, 1, 2, 0, 4}; /* of a colour type; 3: a palette */
	unsigned bits, type;

	media_view_part(&view, 16);
	shape[0] = (uint32_t)media_view_be(&view, 4);
	shape[1] = (uint32_t)media_view_be(&view, 4);
	bits = (unsigned)media_view_be(&view, 1);
	type = (unsigned)media_view_be(&view, 1);
	shape[2] = type == 3 ? 24 : type < sizeof(samples) ? bits * samples[type] : 0;
}

const char *tags_picture_type(const uint8_t *data, size_t size, uint32_t ret_shape[3])
{
	uint32_t shape[3] = {0};
	const char *type = NULL;

	if (size >= 8 && memcmp(data, "\x89PNG\r\n\x1a\n", 8) == 0) {
		png_shape(media_view(data, size), shape);
		type = "image/png";
	} else if (size >= 3 && memcmp(data, "\xff\xd8\xff", 3) == 0) {
		jpeg_shape(media_view(data, size), shape);
		type = "image/jpeg";
	}
	if (ret_shape)
		memcpy(ret_shape, shape, sizeof(shape));
	return type;
}

void tags_put_picture(struct media_bytes *bytes, const struct media_tags *tags)
{
	uint32_t shape[3];
	const char *type = tags_picture_type(tags->picture, tags->picture_bytes, shape);

	if (!type)
		type = "application/octet-stream";
	media_put_be(bytes, 3, 4); /* front cover */
	media_put_be(bytes, strlen(type), 4);
	media_put_text(bytes, type);
	media_put_be(bytes, 0, 4); /* no description */
	for (unsigned i = 0; i < 3; i++)
		media_put_be(bytes, shape[i], 4);
	media_put_be(bytes, 0, 4); /* colours: not indexed */
	media_put_be(bytes, tags->picture_bytes, 4);
	media_put(bytes, tags->picture, tags->picture_bytes);
}

void tags_read_picture(struct tags_source *source, struct media_view view)
{
	uint64_t type = media_view_be(&view, 4);
	struct media_view data;

	media_view_part(&view, (size_t)media_view_be(&view, 4));
	media_view_part(&view, (size_t)media_view_be(&view, 4));
	media_view_part(&view, 16);
	data = media_view_part(&view, (size_t)media_view_be(&view, 4));
	if (!view.is_short && (type == 3 || type == 0))
		tags_take_picture(source, data.data, data.size);
}

/* RFC 4648. */
static void put_base64(struct media_bytes *bytes, const uint8_t *data, size_t size)
{
	static const char letter[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < size; i += 3) {
		size_t n = size - i < 3 ? size - i : 3;
		uint32_t three = (uint32_t)data[i] << 16 |
				 (n > 1 ? (uint32_t)data[i + 1] << 8 : 0) |
				 (n > 2 ? data[i + 2] : 0);
		char four[4] = {letter[three >> 18], letter[three >> 12 & 63],
				n > 1 ? letter[three >> 6 & 63] : '=',
				n > 2 ? letter[three & 63] : '='};

		media_put(bytes, four, 4);
	}
}

static int base64_value(uint8_t c)
{
	return c >= 'A' && c <= 'Z'   ? c - 'A'
	       : c >= 'a' && c <= 'z' ? c - 'a' + 26
	       : c >= '0' && c <= '9' ? c - '0' + 52
	       : c == '+'	      ? 62
	       : c == '/'	      ? 63
				      : -1;
}

/* Owned; NULL: it is none, or no memory. */
static uint8_t *base64_from(const uint8_t *text, size_t size, size_t *ret_size)
{
	uint8_t *to = malloc(size / 4 * 3 + 4);
	uint32_t word = 0;
	size_t n = 0, digits = 0;

	for (size_t i = 0; to && i < size && text[i] != '='; i++) {
		int value = base64_value(text[i]);

		if (value < 0) {
			free(to);
			return NULL;
		}
		word = word << 6 | (uint32_t)value;
		if (++digits % 4 != 1)
			to[n++] = (uint8_t)(word >> (digits % 4 == 2   ? 4
						     : digits % 4 == 3 ? 2
								       : 0));
	}
	*ret_size = n;
	return to;
}

/* ---- writing ----------------------------------------------------------------------------------- */

static uint32_t put_comment(struct media_bytes *bytes, const char *name, const char *value)
{
	media_put_le(bytes, strlen(name) + 1 + strlen(value), 4);
	media_put_text(bytes, name);
	media_put_text(bytes, "=");
	media_put_text(bytes, value);
	return 1;
}

static uint32_t put_chapters(struct media_bytes *bytes, const struct media_tags *tags, double rate)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < tags->n_marks && i < VORBIS_CHAPTERS_MAX && rate > 0.0; i++) {
		const struct media_mark *mark = &tags->mark[i];
		uint64_t ms = (uint64_t)rint((double)mark->frame * 1000.0 / rate);
		char name[24], time[48];

		snprintf(name, sizeof(name), "CHAPTER%03u", (unsigned)i);
		snprintf(time, sizeof(time), "%02u:%02u:%02u.%03u", (unsigned)(ms / 3600000),
			 (unsigned)(ms / 60000 % 60), (unsigned)(ms / 1000 % 60),
			 (unsigned)(ms % 1000));
		n += put_comment(bytes, name, time);
		snprintf(name, sizeof(name), "CHAPTER%03uNAME", (unsigned)i);
		if (mark->name && mark->name[0])
			n += put_comment(bytes, name, mark->name);
	}
	return n;
}

void tags_put_comments(struct media_bytes *bytes, const struct media_tags *tags,
		       const struct media_info *info, struct media_view vendor, bool is_picture_in)
{
	bool is_opus = strcmp(info->codec, "opus") == 0;
	struct tags_pair pairs[TAGS_PAIRS_MAX];
	uint32_t n_gains = tags_gains(tags, is_opus, pairs), n = 0;
	struct media_bytes picture = {0}, text = {0};
	size_t n_at;

	media_put_le(bytes, vendor.size, 4);
	media_put(bytes, vendor.data, vendor.size);
	n_at = bytes->size;
	media_put_le(bytes, 0, 4);
	for (uint32_t i = 0; i < tags->n_text; i++)
		if (tags_is_plain(tags, &tags->text[i], is_opus))
			n += put_comment(bytes, tags->text[i].name, tags->text[i].value);
	for (uint32_t i = 0; i < n_gains; i++)
		n += put_comment(bytes, pairs[i].name, pairs[i].value);
	n += put_chapters(bytes, tags, info->rate);
	if (is_picture_in && tags->picture) {
		tags_put_picture(&picture, tags);
		put_base64(&text, picture.data, picture.size);
		media_put_le(bytes, sizeof(picture_name) + text.size, 4);
		media_put_text(bytes, picture_name);
		media_put_text(bytes, "=");
		media_put(bytes, text.data, text.size);
		bytes->is_failed |= picture.is_failed || text.is_failed;
		n++;
	}
	media_bytes_done(&picture);
	media_bytes_done(&text);
	media_set_le(bytes, n_at, n, 4);
}

/* ---- reading ----------------------------------------------------------------------------------- */

struct chapter {
	bool is_there;
	double seconds;
	struct media_view name;
};

/* CHAPTER007 or CHAPTER007NAME; -1: neither. */
static int chapter_number(const char *name, bool *ret_is_name)
{
	if (strncasecmp(name, "CHAPTER", 7) != 0 || strspn(name + 7, "0123456789") != 3)
		return -1;
	*ret_is_name = strcasecmp(name + 10, "NAME") == 0;
	if (!*ret_is_name && name[10])
		return -1;
	return atoi(name + 7);
}

static void chapter_take(struct chapter *chapter, bool is_name, struct media_view value)
{
	unsigned hours, minutes;
	char text[32] = {0};
	double seconds;

	if (is_name) {
		chapter->name = value;
		return;
	}
	memcpy(text, value.data, value.size < sizeof(text) ? value.size : sizeof(text) - 1);
	if (sscanf(text, "%4u:%2u:%lf", &hours, &minutes, &seconds) != 3 || !(seconds >= 0.0))
		return;
	chapter->is_there = true;
	chapter->seconds = hours * 3600.0 + minutes * 60.0 + seconds;
}

static void read_comment(struct tags_source *source, struct media_view view,
			 struct chapter *chapters)
{
	const uint8_t *equals = memchr(view.data, '=', view.size);
	size_t name_bytes = equals ? (size_t)(equals - view.data) : 0;
	struct media_view value;
	bool is_name = false;
	char name[128];
	int chapter;

	if (name_bytes == 0 || name_bytes >= sizeof(name) || memchr(view.data, 0, name_bytes))
		return;
	memcpy(name, view.data, name_bytes);
	name[name_bytes] = '\0';
	media_view_part(&view, name_bytes + 1);
	value = media_view_part(&view, media_view_left(&view));
	chapter = chapter_number(name, &is_name);
	if (chapter >= 0) {
		chapter_take(&chapters[chapter], is_name, value);
	} else if (strcasecmp(name, picture_name) == 0) {
		size_t size = 0;
		_cleanup_free_ uint8_t *picture = base64_from(value.data, value.size, &size);

		if (picture)
			tags_read_picture(source, media_view(picture, size));
	} else {
		tags_take_bytes(source, name, value.data, value.size, MEDIA_UTF8);
	}
}

void tags_read_comments(struct tags_source *source, struct media_view view)
{
	_cleanup_free_ struct chapter *chapters = calloc(VORBIS_CHAPTERS_MAX, sizeof(*chapters));
	uint32_t n;

	if (!chapters) {
		source->is_failed = true;
		return;
	}
	media_view_part(&view, (size_t)media_view_le(&view, 4)); /* vendor */
	n = (uint32_t)media_view_le(&view, 4);
	for (uint32_t i = 0; i < n && media_view_left(&view) >= 4; i++) {
		struct media_view comment = media_view_part(&view, (size_t)media_view_le(&view, 4));

		if (comment.size)
			read_comment(source, comment, chapters);
	}
	for (uint32_t i = 0; i < VORBIS_CHAPTERS_MAX; i++) {
		_cleanup_free_ char *name = NULL;

		if (!chapters[i].is_there)
			continue;
		name = media_text_from(chapters[i].name.data, chapters[i].name.size, MEDIA_UTF8);
		tags_take_mark(source, tags_frames_of(source, chapters[i].seconds), 0, name);
	}
}
