/* media_tags_w64.c - tags of Wave64: bext and the summary list.
 *
 * SOURCE      Sony "Wave64 file format"; the layout of the summary list (a count; name, size, text in
 *             UTF-16LE of each) as libavformat's reader expects it. Its names are those of LIST INFO. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "cleanup.h"
#include "media_tags_private.h"

#define W64_TAIL "\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"
static const uint8_t w64_bext[17] = "bext" W64_TAIL, w64_junk[17] = "junk" W64_TAIL,
		     w64_data[17] = "data" W64_TAIL;
static const uint8_t w64_summary[17] =
	"\xbc\x94\x5f\x92\x5a\x52\xd2\x11\x86\xdc\x00\xc0\x4f\x8e\xdb\x8a";

static size_t w64_begin(struct media_bytes *bytes, const uint8_t guid[16])
{
	media_put(bytes, guid, 16);
	media_put_le(bytes, 0, 8);
	return bytes->size;
}

static void w64_end(struct media_bytes *bytes, size_t begin)
{
	media_set_le(bytes, begin - 8, bytes->size - begin + 24, 8);
	media_put_zeros(bytes, (8 - bytes->size % 8) % 8);
}

static void w64_put_summary(struct media_bytes *bytes, const struct media_tags *tags)
{
	size_t begin = w64_begin(bytes, w64_summary);
	uint32_t n = 0;

	media_put_le(bytes, 0, 4);
	for (uint32_t i = 0; i < tags->n_text; i++) {
		const struct media_text *text = &tags->text[i];
		const struct tags_name *row = tags_name_find(text->name);
		struct media_bytes joined = {0};
		size_t size_at;

		if (!row || !row->riff || !tags_is_first(tags, i))
			continue;
		media_put(bytes, row->riff, 4);
		size_at = bytes->size;
		media_put_le(bytes, 0, 4);
		tags_put_joined(&joined, tags, i);
		media_put_zeros(&joined, 1);
		bytes->is_failed |= joined.is_failed;
		if (!joined.is_failed)
			media_put_utf16le(bytes, (const char *)joined.data);
		media_bytes_done(&joined);
		media_put_le(bytes, 0, 2);
		media_set_le(bytes, size_at, bytes->size - size_at - 4, 4);
		n++;
	}
	media_set_le(bytes, begin, n, 4);
	w64_end(bytes, begin);
}

/* Before 'data': readers are known that take all that follows it for samples. */
int tags_write_w64(int fd, const struct media_info *info, const struct media_tags *tags)
{
	struct media_bytes bytes = {0};
	struct tags_chunk chunk;
	uint64_t at = 40, data_at = 0;
	int64_t whole;
	uint8_t size[8];
	size_t begin;
	int r = 0;

	while (r == 0 && !data_at && tags_next_chunk(fd, TAGS_W64, &at, &chunk)) {
		if (memcmp(chunk.id, w64_data, 16) == 0)
			data_at = chunk.at - 24;
		else if (memcmp(chunk.id, w64_bext, 16) == 0 ||
			 memcmp(chunk.id, w64_summary, 16) == 0)
			r = media_fd_write(fd, chunk.at - 24, w64_junk, 16);
	}
	if (tags->bext.is_set) {
		begin = w64_begin(&bytes, w64_bext);
		tags_put_bext(&bytes, tags, info);
		w64_end(&bytes, begin);
	}
	if (tags->n_text)
		w64_put_summary(&bytes, tags);
	if (r == 0)
		r = bytes.is_failed ? -ENOMEM
		    : !data_at	    ? -EINVAL
			       : media_fd_replace(fd, data_at, data_at, bytes.data, bytes.size);
	whole = media_fd_size(fd);
	for (unsigned i = 0; i < 8; i++)
		size[i] = (uint8_t)((uint64_t)whole >> 8 * i);
	if (r == 0)
		r = whole < 0 ? (int)whole : media_fd_write(fd, 16, size, 8);
	media_bytes_done(&bytes);
	return r;
}

static void w64_read_summary(struct tags_source *source, struct media_view view)
{
	uint32_t n = (uint32_t)media_view_le(&view, 4);

	for (uint32_t i = 0; i < n && media_view_left(&view) >= 8; i++) {
		struct media_view id = media_view_part(&view, 4);
		struct media_view text = media_view_part(&view, (size_t)media_view_le(&view, 4));
		char word[5] = {0};
		const char *name;

		memcpy(word, id.data, 4);
		name = tags_name_from(offsetof(struct tags_name, riff), word);
		if (name)
			tags_take_bytes(source, name, text.data, text.size, MEDIA_UTF16_LE);
	}
}

void tags_read_w64(struct tags_source *source, int fd)
{
	struct tags_chunk chunk;
	uint64_t at = 40;

	for (uint32_t i = 0; i < 10000 && tags_next_chunk(fd, TAGS_W64, &at, &chunk); i++) {
		bool is_bext = memcmp(chunk.id, w64_bext, 16) == 0;
		_cleanup_free_ uint8_t *data = NULL;

		if (is_bext || memcmp(chunk.id, w64_summary, 16) == 0)
			data = tags_load(fd, chunk.at, chunk.size);
		if (data && is_bext)
			tags_read_bext(source, data, chunk.size);
		else if (data)
			w64_read_summary(source, media_view(data, chunk.size));
	}
}
