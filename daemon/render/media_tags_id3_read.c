/* media_tags_id3_read.c - ID3 tags of all versions, as others wrote them.
 *
 * WHAT        v2.2, v2.3 and v2.4; Latin-1, UTF-16 and UTF-8; unsynchronised or not; sizes of v2.4 that
 *             were written as plain numbers. What is compressed or encrypted is passed over.
 * SOURCE      M. Nilsson, "ID3 tag version 2.3.0", 1999, and 2.4.0, 2000; "ID3 tag version 2", 1998;
 *             C. Newell, "ID3v2 Chapter Frame Addendum", 2005. */
#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cleanup.h"
#include "media_tags_private.h"

struct id3_frame {
	char id[5];
	struct media_view view; /* contents */
	uint8_t *owned; /* when they had to be put right first; or NULL */
};

static size_t id3_syncsafe(const uint8_t data[4])
{
	return (size_t)(data[0] & 0x7f) << 21 | (size_t)(data[1] & 0x7f) << 14 |
	       (size_t)(data[2] & 0x7f) << 7 | (data[3] & 0x7f);
}

size_t tags_id3_size(const uint8_t data[10])
{
	if (memcmp(data, "ID3", 3) != 0 || data[3] < 2 || data[3] > 4 || data[4] == 0xff ||
	    ((data[6] | data[7] | data[8] | data[9]) & 0x80))
		return 0;
	return 10 + id3_syncsafe(data + 6) + (data[3] == 4 && (data[5] & 0x10) ? 10 : 0);
}

/* ff 00 was ff. Owned. */
static uint8_t *id3_put_right(const uint8_t *data, size_t size, size_t *ret_size)
{
	uint8_t *to = malloc(size + 1);
	size_t n = 0;

	for (size_t i = 0; to && i < size; i++) {
		to[n++] = data[i];
		if (data[i] == 0xff && i + 1 < size && data[i + 1] == 0)
			i++;
	}
	*ret_size = n;
	return to;
}

/* ---- frames ------------------------------------------------------------------------------------ */

static bool id3_is_id(const uint8_t *data, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (!isupper(data[i]) && !isdigit(data[i]))
			return false;
	return true;
}

/* Sizes in v2.4 have seven bits a byte, but some programs forgot: the one that leads to a frame, to
 * padding or to the end is right. */
static size_t id3_size_24(const struct media_view *view, const uint8_t *data)
{
	size_t safe = id3_syncsafe(data), plain = (size_t)media_be(data, 4);
	size_t left = media_view_left(view) - 6; /* behind size and flags */
	const uint8_t *begin = data + 6;

	if (safe == plain || safe > left || safe + 4 > left || begin[safe] == 0 ||
	    id3_is_id(begin + safe, 4))
		return safe;
	if (plain <= left && (plain + 4 > left || begin[plain] == 0 || id3_is_id(begin + plain, 4)))
		return plain;
	return safe;
}

/* Flags of v2.3 and v2.4 that put bytes before the contents, or make them unreadable. */
static bool id3_frame_flags(struct id3_frame *frame, unsigned version, unsigned flags)
{
	bool is_grouped = flags & (version == 3 ? 0x20 : 0x40);
	size_t size;

	if (flags & (version == 3 ? 0xc0 : 0x0c)) /* compressed, encrypted */
		return false;
	if (is_grouped)
		media_view_part(&frame->view, 1);
	if (version == 4 && (flags & 0x01)) /* length without unsynchronisation */
		media_view_part(&frame->view, 4);
	if (version == 4 && (flags & 0x02)) {
		frame->owned = id3_put_right(frame->view.data + frame->view.at,
					     media_view_left(&frame->view), &size);
		frame->view = media_view(frame->owned, frame->owned ? size : 0);
	} else {
		frame->view = media_view_part(&frame->view, media_view_left(&frame->view));
	}
	return true;
}

/* The next frame that can be read; false: no more. *FRAME is done with free(owned). */
static bool id3_next(struct media_view *view, unsigned version, struct id3_frame *frame)
{
	unsigned id_bytes = version == 2 ? 3 : 4, head = version == 2 ? 6 : 10, flags = 0;

	while (media_view_left(view) >= head) {
		const uint8_t *data = view->data + view->at;
		size_t size;

		if (!id3_is_id(data, id_bytes))
			return false;
		*frame = (struct id3_frame){0};
		memcpy(frame->id, data, id_bytes);
		media_view_part(view, id_bytes);
		if (version == 4)
			size = media_view_left(view) >= 6 ? id3_size_24(view, data + 4) : 0;
		else
			size = (size_t)media_be(data + id_bytes, version == 2 ? 3 : 4);
		media_view_part(view, version == 2 ? 3 : 4);
		if (version > 2)
			flags = (unsigned)media_view_be(view, 2) & 0xff;
		if (size > media_view_left(view))
			return false;
		frame->view = media_view_part(view, size);
		if (version == 2 || id3_frame_flags(frame, version, flags))
			return true;
	}
	return false;
}

/* ---- contents ---------------------------------------------------------------------------------- */

static enum media_encoding id3_encoding(struct media_view *view)
{
	static const enum media_encoding of[] = {MEDIA_LATIN1, MEDIA_UTF16_BOM, MEDIA_UTF16_BE,
						 MEDIA_UTF8};
	uint64_t byte = media_view_be(view, 1);

	return byte < 4 ? of[byte] : MEDIA_LATIN1;
}

/* The next text up to its NUL, which is skipped. Owned. */
static char *id3_text(struct media_view *view, enum media_encoding encoding)
{
	bool is_wide = encoding >= MEDIA_UTF16_BOM;
	const uint8_t *data = view->data + view->at;
	size_t left = media_view_left(view), n = 0;

	while (n < left && !(is_wide ? n + 1 < left && !data[n] && !data[n + 1] : !data[n]))
		n += is_wide ? 2 : 1;
	if (n > left)
		n = left;
	media_view_part(view, n);
	if (media_view_left(view))
		media_view_part(view, is_wide && media_view_left(view) > 1 ? 2 : 1);
	return media_text_from(data, n, encoding);
}

/* "(17)", "17" and "(17)Rock" are all "Rock". */
static void id3_take_genre(struct tags_source *source, const char *text)
{
	char *end = NULL;
	bool has_brackets = text[0] == '(';
	unsigned long number = isdigit((uint8_t)text[has_brackets])
				       ? strtoul(text + has_brackets, &end, 10)
				       : 1000;
	const char *genre = number < 1000 ? tags_genre((unsigned)number) : NULL;

	if (genre && has_brackets && *end == ')' && end[1])
		genre = end + 1;
	else if (!genre || *end != (has_brackets ? ')' : '\0'))
		genre = text;
	tags_take(source, "GENRE", genre);
}

static void id3_take_texts(struct tags_source *source, struct id3_frame *frame)
{
	enum media_encoding encoding = id3_encoding(&frame->view);
	const char *name = tags_name_from(offsetof(struct tags_name, id3), frame->id);
	_cleanup_free_ char *first = NULL;

	if (strcmp(frame->id, "TXXX") == 0 || strcmp(frame->id, "TXX") == 0) {
		first = id3_text(&frame->view, encoding);
		name = first;
	}
	for (uint32_t i = 0; name && i < TAGS_TEXTS_MAX && media_view_left(&frame->view); i++) {
		_cleanup_free_ char *text = id3_text(&frame->view, encoding);

		if (!text)
			source->is_failed = true;
		else if (strcmp(name, "GENRE") == 0)
			id3_take_genre(source, text);
		else
			tags_take(source, name, text);
	}
}

/* COMM and USLT: a language, a description, a text. Descriptions others use for themselves are left. */
static void id3_take_comment(struct tags_source *source, struct id3_frame *frame, const char *name)
{
	enum media_encoding encoding = id3_encoding(&frame->view);
	_cleanup_free_ char *description = NULL, *text = NULL;

	media_view_part(&frame->view, 3);
	description = id3_text(&frame->view, encoding);
	text = id3_text(&frame->view, encoding);
	if (!description || !text)
		source->is_failed = true;
	else if (strcasecmp(description, "iTunNORM") == 0)
		tags_take(source, "ITUNNORM", text);
	else if (strncmp(description, "iTun", 4) != 0 && strncmp(description, "ID3v1", 5) != 0)
		tags_take(source, name, text);
}

static void id3_take_picture(struct tags_source *source, struct id3_frame *frame, unsigned version)
{
	enum media_encoding encoding = id3_encoding(&frame->view);
	uint64_t type;

	if (version == 2)
		media_view_part(&frame->view, 3); /* "JPG" */
	else
		free(id3_text(&frame->view, MEDIA_LATIN1));
	type = media_view_be(&frame->view, 1);
	free(id3_text(&frame->view, encoding));
	/* the front cover, or one of no kind */
	if (type == 3 || type == 0)
		tags_take_picture(source, frame->view.data + frame->view.at,
				  media_view_left(&frame->view));
}

static void id3_take_chapter(struct tags_source *source, struct id3_frame *frame, unsigned version)
{
	_cleanup_free_ char *title = NULL;
	uint64_t begin_ms, end_ms;
	struct id3_frame inner;

	free(id3_text(&frame->view, MEDIA_LATIN1));
	begin_ms = media_view_be(&frame->view, 4);
	end_ms = media_view_be(&frame->view, 4);
	media_view_part(&frame->view, 8);
	if (frame->view.is_short)
		return;
	while (id3_next(&frame->view, version, &inner)) {
		if (strcmp(inner.id, "TIT2") == 0 && !title) {
			enum media_encoding encoding = id3_encoding(&inner.view);

			title = id3_text(&inner.view, encoding);
		}
		free(inner.owned);
	}
	tags_take_mark(source, tags_frames_of(source, (double)begin_ms / 1000.0),
		       end_ms > begin_ms
			       ? tags_frames_of(source, (double)(end_ms - begin_ms) / 1000.0)
			       : 0,
		       title);
}

static void id3_take(struct tags_source *source, struct id3_frame *frame, unsigned version)
{
	const char *name = tags_name_from(offsetof(struct tags_name, id3), frame->id);

	if (name && (strcmp(name, "COMMENT") == 0 || strcmp(name, "LYRICS") == 0))
		id3_take_comment(source, frame, name);
	else if (frame->id[0] == 'T')
		id3_take_texts(source, frame);
	else if (strcmp(frame->id, "APIC") == 0 || strcmp(frame->id, "PIC") == 0)
		id3_take_picture(source, frame, version);
	else if (strcmp(frame->id, "CHAP") == 0)
		id3_take_chapter(source, frame, version);
}

size_t tags_read_id3(struct tags_source *source, const uint8_t *data, size_t size)
{
	size_t whole = size >= 10 ? tags_id3_size(data) : 0, right = 0;
	unsigned version = whole ? data[3] : 0, flags = whole ? data[5] : 0;
	_cleanup_free_ uint8_t *owned = NULL;
	struct id3_frame frame;
	struct media_view view;

	if (!whole || (version == 2 && (flags & 0x40))) /* compressed */
		return whole;
	view = media_view(data, size < whole ? size : whole);
	view.at = 10;
	if ((flags & 0x80) && version < 4) {
		owned = id3_put_right(data + 10, view.size - 10, &right);
		view = media_view(owned, owned ? right : 0);
	}
	if (version > 2 && (flags & 0x40) && media_view_left(&view) >= 4) { /* extended header */
		const uint8_t *at = view.data + view.at;

		media_view_part(&view,
				version == 4 ? id3_syncsafe(at) : 4 + (size_t)media_be(at, 4));
	}
	while (id3_next(&view, version, &frame)) {
		id3_take(source, &frame, version);
		free(frame.owned);
	}
	return whole;
}

/* ---- of a file --------------------------------------------------------------------------------- */

static void id3_take_field(struct tags_source *source, const char *name, const uint8_t *data,
			   size_t size)
{
	while (size && (data[size - 1] == ' ' || !data[size - 1]))
		size--;
	if (size)
		tags_take_bytes(source, name, data, size, MEDIA_LATIN1);
}

void tags_read_id3v1(struct tags_source *source, const uint8_t data[128])
{
	const char *genre = tags_genre(data[127]);

	if (memcmp(data, "TAG", 3) != 0)
		return;
	id3_take_field(source, "TITLE", data + 3, 30);
	id3_take_field(source, "ARTIST", data + 33, 30);
	id3_take_field(source, "ALBUM", data + 63, 30);
	id3_take_field(source, "DATE", data + 93, 4);
	id3_take_field(source, "COMMENT", data + 97, data[125] ? 30 : 28);
	if (!data[125] && data[126]) {
		char text[4] = {0};

		text[0] = (char)('0' + data[126] / 100);
		text[1] = (char)('0' + data[126] / 10 % 10);
		text[2] = (char)('0' + data[126] % 10);
		tags_take(source, "TRACKNUMBER",
			  text + (text[0] != '0'   ? 0
				  : text[1] != '0' ? 1
						   : 2));
	}
	if (genre)
		tags_take(source, "GENRE", genre);
}

void tags_read_mp3(struct tags_source *source, int fd)
{
	int64_t size = media_fd_size(fd);
	uint8_t head[10], tail[128];
	struct tags_source old;
	uint64_t at = 0;

	/* a tag may be followed by another */
	for (unsigned i = 0; i < 8 && media_fd_read(fd, at, head, sizeof(head)) == 0; i++) {
		size_t whole = tags_id3_size(head);
		uint64_t left = size > (int64_t)at ? (uint64_t)size - at : 0;
		_cleanup_free_ uint8_t *data = NULL;

		if (!whole)
			break;
		data = tags_load(fd, at, whole < left ? whole : left);
		if (data)
			tags_read_id3(source, data, whole < left ? whole : left);
		at += whole;
	}
	/* of the old one only what the new one does not say */
	old = tags_source(source->tags, source->rate);
	if (size >= 128 && media_fd_read(fd, (uint64_t)size - 128, tail, sizeof(tail)) == 0)
		tags_read_id3v1(&old, tail);
	source->is_failed |= old.is_failed;
}
