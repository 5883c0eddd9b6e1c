/* media_bytes.h - bytes of file formats: put together, taken apart, moved within a file.
 *
 * WHAT        struct media_bytes grows as one writes; a failed allocation is remembered, and asked for
 *             once, at the end. struct media_view reads what nobody vouches for: beyond the end it
 *             gives zeros and says so by is_short.
 * THREADS     one at a time. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "media.h"

struct media_bytes {
	uint8_t *data; /* owned */
	size_t size, room;
	bool is_failed; /* out of memory: what is here is not all */
};

void media_bytes_done(struct media_bytes *bytes);
void media_put(struct media_bytes *bytes, const void *data, size_t size);
void media_put_zeros(struct media_bytes *bytes, size_t size);
void media_put_text(struct media_bytes *bytes, const char *text); /* without its NUL */
__attribute__((format(printf, 2, 3))) void media_put_format(struct media_bytes *bytes,
							    const char *fmt, ...);
/* The lowest N_BYTES of VALUE. */
void media_put_le(struct media_bytes *bytes, uint64_t value, unsigned n_bytes);
void media_put_be(struct media_bytes *bytes, uint64_t value, unsigned n_bytes);
/* Over what stands AT, which must be there (or allocation has failed). */
void media_set_le(struct media_bytes *bytes, size_t at, uint64_t value, unsigned n_bytes);
void media_set_be(struct media_bytes *bytes, size_t at, uint64_t value, unsigned n_bytes);
uint64_t media_le(const uint8_t *data, unsigned n_bytes);
uint64_t media_be(const uint8_t *data, unsigned n_bytes);

struct media_view {
	const uint8_t *data; /* borrowed */
	size_t size, at;
	bool is_short; /* more was asked for than there is */
};

static inline struct media_view media_view(const void *data, size_t size)
{
	return (struct media_view){.data = data, .size = size};
}
size_t media_view_left(const struct media_view *view);
uint64_t media_view_le(struct media_view *view, unsigned n_bytes);
uint64_t media_view_be(struct media_view *view, unsigned n_bytes);
/* The next SIZE bytes, or as many as there are. */
struct media_view media_view_part(struct media_view *view, size_t size);

/* Text in an owned, NUL-ended UTF-8 string; NULL without memory. What is no text in that encoding
 * becomes U+FFFD; it ends at the first NUL. */
enum media_encoding { MEDIA_UTF8, MEDIA_LATIN1, MEDIA_UTF16_BOM, MEDIA_UTF16_BE, MEDIA_UTF16_LE };
char *media_text_from(const uint8_t *data, size_t size, enum media_encoding encoding);
/* The most bytes of UTF-8 TEXT, at most SIZE, that do not cut a letter. */
size_t media_text_cut(const char *text, size_t size);
/* ASCII, NUL-ended into TO: letters beyond become '?', control characters ' '. */
void media_text_ascii(char *to, size_t to_size, const char *text);
void media_put_utf16le(struct media_bytes *bytes, const char *text); /* without a NUL */

/* Whole, or -errno (-ENODATA: the file ends before). */
int media_fd_read(int fd, uint64_t at, void *data, size_t size);
int media_fd_write(int fd, uint64_t at, const void *data, size_t size);
int64_t media_fd_size(int fd);
/* What stands from FROM to the end begins at TO afterwards; the file's size follows. */
int media_fd_move(int fd, uint64_t from, uint64_t to);
/* Put BYTES in place of those from FROM to TO. */
int media_fd_replace(int fd, uint64_t from, uint64_t to, const void *data, size_t size);
