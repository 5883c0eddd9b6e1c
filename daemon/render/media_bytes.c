/* media_bytes.c - see media_bytes.h. */
#include "media_bytes.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"

#define MOVE_BYTES ((size_t)1 << 20)

/* ---- putting together -------------------------------------------------------------------------- */

void media_bytes_done(struct media_bytes *bytes)
{
	free(bytes->data);
	*bytes = (struct media_bytes){0};
}

static uint8_t *bytes_reserve(struct media_bytes *bytes, size_t size)
{
	size_t room = bytes->room ? bytes->room : 256;
	uint8_t *data;

	if (bytes->is_failed)
		return NULL;
	while (room - bytes->size < size && room < SIZE_MAX / 4)
		room *= 2;
	if (room != bytes->room || !bytes->data) {
		data = room - bytes->size < size ? NULL : realloc(bytes->data, room);
		if (!data) {
			bytes->is_failed = true;
			return NULL;
		}
		bytes->data = data;
		bytes->room = room;
	}
	bytes->size += size;
	return bytes->data + bytes->size - size;
}

void media_put(struct media_bytes *bytes, const void *data, size_t size)
{
	uint8_t *to = bytes_reserve(bytes, size);

	if (to && size)
		memcpy(to, data, size);
}

void media_put_zeros(struct media_bytes *bytes, size_t size)
{
	uint8_t *to = bytes_reserve(bytes, size);

	if (to && size)
		memset(to, 0, size);
}

void media_put_text(struct media_bytes *bytes, const char *text)
{
	media_put(bytes, text, strlen(text));
}

void media_put_format(struct media_bytes *bytes, const char *fmt, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		text = NULL;
	va_end(args);
	if (text)
		media_put_text(bytes, text);
	else
		bytes->is_failed = true;
	free(text);
}

void media_put_le(struct media_bytes *bytes, uint64_t value, unsigned n_bytes)
{
	size_t at = bytes->size;

	media_put_zeros(bytes, n_bytes);
	media_set_le(bytes, at, value, n_bytes);
}

void media_put_be(struct media_bytes *bytes, uint64_t value, unsigned n_bytes)
{
	size_t at = bytes->size;

	media_put_zeros(bytes, n_bytes);
	media_set_be(bytes, at, value, n_bytes);
}

void media_set_le(struct media_bytes *bytes, size_t at, uint64_t value, unsigned n_bytes)
{
	for (unsigned i = 0; i < n_bytes && !bytes->is_failed; i++)
		bytes->data[at + i] = (uint8_t)(value >> 8 * i);
}

void media_set_be(struct media_bytes *bytes, size_t at, uint64_t value, unsigned n_bytes)
{
	for (unsigned i = 0; i < n_bytes && !bytes->is_failed; i++)
		bytes->data[at + i] = (uint8_t)(value >> 8 * (n_bytes - 1 - i));
}

/* ---- taking apart ------------------------------------------------------------------------------ */

uint64_t media_le(const uint8_t *data, unsigned n_bytes)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < n_bytes; i++)
		value |= (uint64_t)data[i] << 8 * i;
	return value;
}

uint64_t media_be(const uint8_t *data, unsigned n_bytes)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < n_bytes; i++)
		value = value << 8 | data[i];
	return value;
}

size_t media_view_left(const struct media_view *view)
{
	return view->size - view->at;
}

static const uint8_t *view_take(struct media_view *view, size_t size)
{
	const uint8_t *data = view->data + view->at;

	if (size > media_view_left(view)) {
		view->at = view->size;
		view->is_short = true;
		return NULL;
	}
	view->at += size;
	return data;
}

uint64_t media_view_le(struct media_view *view, unsigned n_bytes)
{
	const uint8_t *data = view_take(view, n_bytes);

	return data ? media_le(data, n_bytes) : 0;
}

uint64_t media_view_be(struct media_view *view, unsigned n_bytes)
{
	const uint8_t *data = view_take(view, n_bytes);

	return data ? media_be(data, n_bytes) : 0;
}

struct media_view media_view_part(struct media_view *view, size_t size)
{
	size_t left = media_view_left(view);
	struct media_view part = media_view(view->data + view->at, size < left ? size : left);

	view_take(view, size);
	return part;
}

/* ---- text -------------------------------------------------------------------------------------- */

static void put_letter(struct media_bytes *bytes, uint32_t letter)
{
	if (letter < 0x80) {
		media_put_be(bytes, letter, 1);
	} else if (letter < 0x800) {
		media_put_be(bytes, 0xc080 | (letter & 0x7c0) << 2 | (letter & 0x3f), 2);
	} else if (letter < 0x10000) {
		media_put_be(bytes, 0xe0 | letter >> 12, 1);
		media_put_be(bytes, 0x80 | (letter >> 6 & 0x3f), 1);
		media_put_be(bytes, 0x80 | (letter & 0x3f), 1);
	} else {
		media_put_be(bytes, 0xf0 | letter >> 18, 1);
		media_put_be(bytes, 0x80 | (letter >> 12 & 0x3f), 1);
		media_put_be(bytes, 0x80 | (letter >> 6 & 0x3f), 1);
		media_put_be(bytes, 0x80 | (letter & 0x3f), 1);
	}
}

/* RFC 3629: the letter at DATA and how many bytes it has; U+FFFD and 1 for what is none. */
static uint32_t utf8_letter(const uint8_t *data, size_t size, size_t *ret_bytes)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	uint8_t first = data[0];
	unsigned n = first < 0x80	      ? 1
		     : (first & 0xe0) == 0xc0 ? 2
		     : (first & 0xf0) == 0xe0 ? 3
		     : (first & 0xf8) == 0xf0 ? 4
					      : 0;
	uint32_t letter = n == 1 ? first : first & (0x7fu >> n);

	*ret_bytes = 1;
	if (n == 0 || n > size)
		return 0xfffd;
	for (unsigned i = 1; i < n; i++) {
		if ((data[i] & 0xc0) != 0x80)
			return 0xfffd;
		letter = letter << 6 | (data[i] & 0x3f);
	}
	if (letter < least[n] || letter > 0x10ffff || (letter >= 0xd800 && letter < 0xe000))
		return 0xfffd;
	*ret_bytes = n;
	return letter;
}

static void text_from_utf16(struct media_bytes *bytes, const uint8_t *data, size_t size,
			    bool is_big)
{
	for (size_t i = 0; i + 1 < size; i += 2) {
		uint32_t letter =
			(uint32_t)(is_big ? media_be(data + i, 2) : media_le(data + i, 2));

		if (letter == 0)
			return;
		if (letter >= 0xd800 && letter < 0xe000) {
			uint32_t low = i + 3 < size ? (uint32_t)(is_big ? media_be(data + i + 2, 2)
									: media_le(data + i + 2, 2))
						    : 0;

			if (letter < 0xdc00 && low >= 0xdc00 && low < 0xe000) {
				letter = 0x10000 + ((letter & 0x3ff) << 10 | (low & 0x3ff));
				i += 2;
			} else {
				letter = 0xfffd;
			}
		}
		put_letter(bytes, letter);
	}
}

char *media_text_from(const uint8_t *data, size_t size, enum media_encoding encoding)
{
	struct media_bytes bytes = {0};
	size_t used;

	if (encoding == MEDIA_UTF16_BOM) {
		bool is_big = size < 2 || media_be(data, 2) != 0xfffe;

		if (size >= 2 && (media_be(data, 2) == 0xfffe || media_be(data, 2) == 0xfeff)) {
			data += 2;
			size -= 2;
		}
		encoding = is_big ? MEDIA_UTF16_BE : MEDIA_UTF16_LE;
	}
	if (encoding == MEDIA_UTF16_BE || encoding == MEDIA_UTF16_LE)
		text_from_utf16(&bytes, data, size, encoding == MEDIA_UTF16_BE);
	for (size_t i = 0; i < size && data[i] && encoding <= MEDIA_LATIN1; i += used) {
		used = 1;
		put_letter(&bytes, encoding == MEDIA_LATIN1
					   ? data[i]
					   : utf8_letter(data + i, size - i, &used));
	}
	media_put_be(&bytes, 0, 1);
	if (bytes.is_failed)
		media_bytes_done(&bytes);
	return (char *)bytes.data;
}

size_t media_text_cut(const char *text, size_t size)
{
	size_t length = strnlen(text, size + 1);

	if (length <= size)
		return length;
	while (size && ((uint8_t)text[size] & 0xc0) == 0x80)
		size--;
	return size;
}

void media_text_ascii(char *to, size_t to_size, const char *text)
{
	size_t length = strlen(text), used, n = 0;

	for (size_t i = 0; i < length && n + 1 < to_size; i += used) {
		uint32_t letter = utf8_letter((const uint8_t *)text + i, length - i, &used);

		to[n++] = letter >= 0x7f ? '?' : letter < ' ' ? ' ' : (char)letter;
	}
	to[n] = '\0';
}

void media_put_utf16le(struct media_bytes *bytes, const char *text)
{
	size_t length = strlen(text), used;

	for (size_t i = 0; i < length; i += used) {
		uint32_t letter = utf8_letter((const uint8_t *)text + i, length - i, &used);

		if (letter >= 0x10000) {
			media_put_le(bytes, 0xd800 + ((letter - 0x10000) >> 10), 2);
			letter = 0xdc00 + ((letter - 0x10000) & 0x3ff);
		}
		media_put_le(bytes, letter, 2);
	}
}

/* ---- within a file ----------------------------------------------------------------------------- */

int media_fd_read(int fd, uint64_t at, void *data, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t got = pread(fd, (uint8_t *)data + done, size - done, (off_t)(at + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : -ENODATA;
		done += (size_t)got;
	}
	return 0;
}

int media_fd_write(int fd, uint64_t at, const void *data, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t put =
			pwrite(fd, (const uint8_t *)data + done, size - done, (off_t)(at + done));

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return put < 0 ? -errno : -EIO;
		done += (size_t)put;
	}
	return 0;
}

int64_t media_fd_size(int fd)
{
	struct stat stat;

	return fstat(fd, &stat) < 0 ? -errno : (int64_t)stat.st_size;
}

int media_fd_move(int fd, uint64_t from, uint64_t to)
{
	_cleanup_free_ uint8_t *piece = malloc(MOVE_BYTES);
	int64_t size = media_fd_size(fd);
	uint64_t n, done = 0;
	int r;

	if (!piece)
		return -ENOMEM;
	if (size < 0 || (uint64_t)size < from)
		return size < 0 ? (int)size : -EINVAL;
	n = from == to ? 0 : (uint64_t)size - from;
	while (done < n) {
		size_t now = n - done < MOVE_BYTES ? (size_t)(n - done) : MOVE_BYTES;
		/* backwards from the end when it moves up: nothing is read after it was written */
		uint64_t at = to > from ? n - done - now : done;

		r = media_fd_read(fd, from + at, piece, now);
		if (r == 0)
			r = media_fd_write(fd, to + at, piece, now);
		if (r < 0)
			return r;
		done += now;
	}
	return to < from && ftruncate(fd, (off_t)(to + n)) < 0 ? -errno : 0;
}

int media_fd_replace(int fd, uint64_t from, uint64_t to, const void *data, size_t size)
{
	int r = media_fd_move(fd, to, from + size);

	return r < 0 ? r : media_fd_write(fd, from, data, size);
}
