/* media_tags_apple.c - tags of AIFF and CAF: chunks behind the samples.
 *
 * SOURCE      Apple "Audio Interchange File Format 1.3" (text chunks, Marker Chunk), and the 'ID3 ' chunk
 *             as players write it; Apple "Core Audio Format Specification 1.0" (Information, Marker,
 *             Region and Strings chunks). */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "cleanup.h"
#include "media_tags_private.h"

/* ---- AIFF: writing ----------------------------------------------------------------------------- */

static size_t aiff_begin(struct media_bytes *bytes, const char id[4])
{
	media_put(bytes, id, 4);
	media_put_be(bytes, 0, 4);
	return bytes->size;
}

static void aiff_end(struct media_bytes *bytes, size_t begin)
{
	media_set_be(bytes, begin - 4, bytes->size - begin, 4);
	media_put_zeros(bytes, bytes->size % 2);
}

static void aiff_put_texts(struct media_bytes *bytes, const struct media_tags *tags)
{
	for (uint32_t i = 0; i < tags->n_text; i++) {
		const struct media_text *text = &tags->text[i];
		const struct tags_name *row = tags_name_find(text->name);
		size_t begin;

		if (!row || !row->aiff || !tags_is_first(tags, i))
			continue;
		begin = aiff_begin(bytes, row->aiff);
		tags_put_joined(bytes, tags, i);
		aiff_end(bytes, begin);
	}
}

/* Names are Pascal strings: a byte of length, padded to an even whole. */
static void aiff_put_marks(struct media_bytes *bytes, const struct media_tags *tags)
{
	size_t begin = aiff_begin(bytes, "MARK");
	uint32_t n = 0;

	media_put_be(bytes, 0, 2);
	for (uint32_t i = 0; i < tags->n_marks && n < 32767; i++) {
		const struct media_mark *mark = &tags->mark[i];
		const char *name = mark->name ? mark->name : "";
		size_t length = media_text_cut(name, 255);

		if (mark->frame < 0 || mark->frame > UINT32_MAX)
			continue;
		media_put_be(bytes, ++n, 2);
		media_put_be(bytes, (uint64_t)mark->frame, 4);
		media_put_be(bytes, length, 1);
		media_put(bytes, name, length);
		media_put_zeros(bytes, (length + 1) % 2);
	}
	media_set_be(bytes, begin, n, 2);
	aiff_end(bytes, begin);
}

/* A chunk of ours that is there already would be one too many. */
static bool aiff_is_ours(const char id[4])
{
	char word[5] = {0};

	memcpy(word, id, 4);
	return strcmp(word, "MARK") == 0 || strcasecmp(word, "ID3 ") == 0 ||
	       tags_name_from(offsetof(struct tags_name, aiff), word);
}

int tags_write_aiff(int fd, const struct media_info *info, const struct media_tags *tags)
{
	struct media_bytes bytes = {0};
	struct tags_chunk chunk;
	int64_t size = media_fd_size(fd);
	uint64_t at = 12;
	size_t begin;
	int r = 0;

	while (r == 0 && tags_next_chunk(fd, TAGS_AIFF, &at, &chunk))
		if (aiff_is_ours(chunk.id))
			r = media_fd_write(fd, chunk.at - 8, "    ", 4); /* filler */
	if (size >= 0 && (uint64_t)size < at)
		media_put_zeros(&bytes, (size_t)(at - (uint64_t)size));
	aiff_put_texts(&bytes, tags);
	if (tags->n_marks)
		aiff_put_marks(&bytes, tags);
	if (tags->n_text || tags->picture || tags->replay_gain) {
		begin = aiff_begin(&bytes, "ID3 ");
		tags_put_id3(&bytes, tags, info, false);
		aiff_end(&bytes, begin);
	}
	if (r == 0)
		r = bytes.is_failed ? -ENOMEM
		    : size < 8	    ? -EIO
		    : (uint64_t)size + bytes.size - 8 > UINT32_MAX
			    ? -EFBIG
			    : media_fd_write(fd, (uint64_t)size, bytes.data, bytes.size);
	if (r == 0) {
		uint64_t whole = (uint64_t)size + bytes.size - 8;

		media_bytes_done(&bytes);
		media_put_be(&bytes, whole, 4);
		r = bytes.is_failed ? -ENOMEM : media_fd_write(fd, 4, bytes.data, 4);
	}
	media_bytes_done(&bytes);
	return r;
}

/* ---- AIFF: reading ----------------------------------------------------------------------------- */

static void aiff_read_marks(struct tags_source *source, struct media_view view)
{
	uint32_t n = (uint32_t)media_view_be(&view, 2);

	for (uint32_t i = 0; i < n && media_view_left(&view) >= 7; i++) {
		_cleanup_free_ char *name = NULL;
		struct media_view text;
		int64_t frame;

		media_view_be(&view, 2);
		frame = (int64_t)media_view_be(&view, 4);
		text = media_view_part(&view, (size_t)media_view_be(&view, 1));
		if (text.size % 2 == 0)
			media_view_be(&view, 1);
		name = media_text_from(text.data, text.size, MEDIA_UTF8);
		tags_take_mark(source, frame, 0, name);
	}
}

/* One chunk; PASS 0: what can say more, 1: the rest. */
static void aiff_take(struct tags_source *source, int fd, const struct tags_chunk *chunk, int pass)
{
	_cleanup_free_ uint8_t *data = NULL;
	char word[5] = {0};
	const char *name;

	memcpy(word, chunk->id, 4);
	name = tags_name_from(offsetof(struct tags_name, aiff), word);
	if (!aiff_is_ours(word) || (pass == 0) != (strcasecmp(word, "ID3 ") == 0) ||
	    !(data = tags_load(fd, chunk->at, chunk->size)))
		return;
	if (name)
		tags_take_bytes(source, name, data, chunk->size, MEDIA_UTF8);
	else if (strcmp(word, "MARK") == 0)
		aiff_read_marks(source, media_view(data, chunk->size));
	else
		tags_read_id3(source, data, chunk->size);
}

void tags_read_aiff(struct tags_source *source, int fd)
{
	struct tags_source from;
	struct tags_chunk chunk;

	for (int pass = 0; pass < 2; pass++) {
		uint64_t at = 12;

		from = tags_source(source->tags, source->rate);
		for (uint32_t i = 0; i < 10000 && tags_next_chunk(fd, TAGS_AIFF, &at, &chunk); i++)
			aiff_take(&from, fd, &chunk, pass);
		source->is_failed |= from.is_failed;
	}
}

/* ---- CAF: writing ------------------------------------------------------------------------------ */

#define CAF_MARK_BYTES 28u

static size_t caf_begin(struct media_bytes *bytes, const char id[4])
{
	media_put(bytes, id, 4);
	media_put_be(bytes, 0, 8);
	return bytes->size;
}

static void caf_end(struct media_bytes *bytes, size_t begin)
{
	media_set_be(bytes, begin - 8, bytes->size - begin, 8);
}

static void caf_put_f64(struct media_bytes *bytes, double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	media_put_be(bytes, bits, 8);
}

static void caf_put_pair(struct media_bytes *bytes, const char *key, const char *value)
{
	media_put(bytes, key, strlen(key) + 1);
	media_put(bytes, value, strlen(value) + 1);
}

static void caf_put_info(struct media_bytes *bytes, const struct media_tags *tags)
{
	struct tags_pair pairs[TAGS_PAIRS_MAX];
	uint32_t n_gains = tags_gains(tags, false, pairs), n = 0;
	size_t begin = caf_begin(bytes, "info");

	media_put_be(bytes, 0, 4);
	for (uint32_t i = 0; i < tags->n_text; i++) {
		const struct media_text *text = &tags->text[i];
		const struct tags_name *row = tags_name_find(text->name);

		const char *key = row && row->caf ? row->caf : text->name;

		if (!tags_is_first(tags, i))
			continue;
		media_put(bytes, key, strlen(key) + 1);
		tags_put_joined(bytes, tags, i);
		media_put_zeros(bytes, 1);
		n++;
	}
	for (uint32_t i = 0; i < n_gains; i++, n++)
		caf_put_pair(bytes, pairs[i].name, pairs[i].value);
	media_set_be(bytes, begin, n, 4);
	caf_end(bytes, begin);
}

/* A mark and its region's end are two markers; names stand in 'strg', by the marker's number. */
static void caf_put_marks(struct media_bytes *bytes, const struct media_tags *tags)
{
	size_t begin = caf_begin(bytes, "mark"), texts = 0;
	uint32_t n_named = 0;

	media_put_be(bytes, 0, 4); /* no SMPTE time */
	media_put_be(bytes, tags->n_marks, 4);
	for (uint32_t i = 0; i < tags->n_marks; i++) {
		media_put_be(bytes, 0, 4); /* generic */
		caf_put_f64(bytes, (double)tags->mark[i].frame);
		media_put_be(bytes, i + 1, 4);
		media_put_be(bytes, UINT64_MAX, 8); /* no SMPTE time */
		media_put_be(bytes, 0, 4); /* all channels */
		n_named += tags->mark[i].name && tags->mark[i].name[0];
	}
	caf_end(bytes, begin);
	begin = caf_begin(bytes, "strg");
	media_put_be(bytes, n_named, 4);
	for (uint32_t i = 0; i < tags->n_marks; i++) {
		if (!tags->mark[i].name || !tags->mark[i].name[0])
			continue;
		media_put_be(bytes, i + 1, 4);
		media_put_be(bytes, texts, 8);
		texts += strlen(tags->mark[i].name) + 1;
	}
	for (uint32_t i = 0; i < tags->n_marks; i++)
		if (tags->mark[i].name && tags->mark[i].name[0])
			media_put(bytes, tags->mark[i].name, strlen(tags->mark[i].name) + 1);
	caf_end(bytes, begin);
}

static bool caf_is_ours(const char id[4])
{
	return memcmp(id, "info", 4) == 0 || memcmp(id, "mark", 4) == 0 ||
	       memcmp(id, "strg", 4) == 0;
}

int tags_write_caf(int fd, const struct media_info *info, const struct media_tags *tags)
{
	struct media_bytes bytes = {0};
	struct tags_chunk chunk;
	uint64_t at = 8;
	int r = 0;

	while (r == 0 && tags_next_chunk(fd, TAGS_CAF, &at, &chunk)) {
		/* with its size to the end nothing could follow the samples */
		uint8_t size[8];

		for (unsigned i = 0; i < 8; i++)
			size[i] = (uint8_t)(chunk.size >> 8 * (7 - i));
		if (memcmp(chunk.id, "data", 4) == 0)
			r = media_fd_write(fd, chunk.at - 8, size, 8);
		else if (caf_is_ours(chunk.id))
			r = media_fd_write(fd, chunk.at - 12, "free", 4);
	}
	caf_put_info(&bytes, tags);
	if (tags->n_marks)
		caf_put_marks(&bytes, tags);
	if (r == 0)
		r = bytes.is_failed ? -ENOMEM : media_fd_write(fd, at, bytes.data, bytes.size);
	media_bytes_done(&bytes);
	return r;
}

/* ---- CAF: reading ------------------------------------------------------------------------------ */

static void caf_read_info(struct tags_source *source, struct media_view view)
{
	uint32_t n = (uint32_t)media_view_be(&view, 4);

	for (uint32_t i = 0; i < n && media_view_left(&view); i++) {
		struct media_view rest = media_view_part(&view, media_view_left(&view));
		size_t key_bytes = strnlen((const char *)rest.data, rest.size);
		size_t at = key_bytes < rest.size ? key_bytes + 1 : rest.size;
		size_t value_bytes = strnlen((const char *)rest.data + at, rest.size - at);
		_cleanup_free_ char *key = media_text_from(rest.data, key_bytes, MEDIA_UTF8);
		const char *name =
			key ? tags_name_from(offsetof(struct tags_name, caf), key) : NULL;

		if (key)
			tags_take_bytes(source, name ? name : key, rest.data + at, value_bytes,
					MEDIA_UTF8);
		at += value_bytes + 1;
		view = media_view(rest.data + (at < rest.size ? at : rest.size),
				  at < rest.size ? rest.size - at : 0);
	}
}

/* The text of marker ID; NULL: it has none. Entries are in the order of markers when we wrote them:
 * *HINT is where the next one is looked for first. */
static char *caf_string(struct media_view strings, uint32_t id, uint32_t *hint)
{
	uint32_t n = (uint32_t)media_view_be(&strings, 4);

	if (n > TAGS_MARKS_MAX || n > media_view_left(&strings) / 12)
		return NULL;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t idx = (*hint + i) % n;
		const uint8_t *entry = strings.data + 4 + 12 * (size_t)idx;
		size_t texts = 4 + 12 * (size_t)n;
		uint64_t at = media_be(entry + 4, 8);

		if (media_be(entry, 4) != id || at >= strings.size - texts)
			continue;
		*hint = idx + 1;
		return media_text_from(strings.data + texts + at, strings.size - texts - (size_t)at,
				       MEDIA_UTF8);
	}
	return NULL;
}

static void caf_read_marks(struct tags_source *source, struct media_view marks,
			   struct media_view strings)
{
	uint32_t n, hint = 0;

	media_view_be(&marks, 4);
	n = (uint32_t)media_view_be(&marks, 4);
	for (uint32_t i = 0; i < n && media_view_left(&marks) >= CAF_MARK_BYTES; i++) {
		struct media_view mark = media_view_part(&marks, CAF_MARK_BYTES);
		_cleanup_free_ char *name = NULL;
		uint64_t bits;
		double frame;

		media_view_be(&mark, 4);
		bits = media_view_be(&mark, 8);
		memcpy(&frame, &bits, sizeof(frame));
		name = caf_string(strings, (uint32_t)media_view_be(&mark, 4), &hint);
		if (frame >= 0.0 && frame < 9e15)
			tags_take_mark(source, (int64_t)frame, 0, name);
	}
}

void tags_read_caf(struct tags_source *source, int fd)
{
	_cleanup_free_ uint8_t *marks = NULL, *strings = NULL;
	size_t mark_bytes = 0, string_bytes = 0;
	struct tags_chunk chunk;
	uint64_t at = 8;

	for (uint32_t i = 0; i < 10000 && tags_next_chunk(fd, TAGS_CAF, &at, &chunk); i++) {
		_cleanup_free_ uint8_t *data = NULL;

		if (!caf_is_ours(chunk.id) || !(data = tags_load(fd, chunk.at, chunk.size)))
			continue;
		if (memcmp(chunk.id, "info", 4) == 0) {
			caf_read_info(source, media_view(data, chunk.size));
		} else if (memcmp(chunk.id, "mark", 4) == 0 && !marks) {
			mark_bytes = chunk.size;
			marks = TAKE_PTR(data);
		} else if (memcmp(chunk.id, "strg", 4) == 0 && !strings) {
			string_bytes = chunk.size;
			strings = TAKE_PTR(data);
		}
	}
	if (marks)
		caf_read_marks(source, media_view(marks, mark_bytes),
			       media_view(strings, string_bytes));
}
