/* media_ogg.c - see media_ogg.h.
 *
 * SOURCE      RFC 3533, 6: pages; their checksum is a CRC-32 of polynomial 0x04c11db7, unreflected,
 *             from 0, over the page with the checksum's own bytes 0. */
#include "media_ogg.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "media_bytes.h"

#define PAGE_MAX 65307u
#define PAGE_HEAD 27u
#define SERIAL_AT 14u
#define CRC_AT 22u

static void ogg_crc_table(uint32_t table[256])
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t crc = i << 24;

		for (int bit = 0; bit < 8; bit++)
			crc = crc << 1 ^ (crc & 0x80000000u ? 0x04c11db7u : 0);
		table[i] = crc;
	}
}

static uint32_t ogg_crc(const uint32_t table[256], const uint8_t *data, size_t size)
{
	uint32_t crc = 0;

	for (size_t i = 0; i < size; i++)
		crc = crc << 8 ^ table[crc >> 24 ^ data[i]];
	return crc;
}

static void ogg_put_le32(uint8_t *at, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(value >> 8 * i);
}

/* The page at AT: its size, or 0 at the end, or -errno. */
static int64_t ogg_read_page(int fd, uint64_t at, uint64_t file_bytes, uint8_t *page)
{
	size_t size = PAGE_HEAD;
	int r;

	if (at == file_bytes)
		return 0;
	r = media_fd_read(fd, at, page, PAGE_HEAD);
	if (r < 0)
		return r;
	if (memcmp(page, "OggS", 5) != 0)
		return -EILSEQ;
	r = media_fd_read(fd, at + size, page + size, page[26]);
	for (uint32_t i = 0; r == 0 && i < page[26]; i++)
		size += page[PAGE_HEAD + i];
	size += page[26];
	if (r == 0)
		r = media_fd_read(fd, at + PAGE_HEAD + page[26], page + PAGE_HEAD + page[26],
				  size - PAGE_HEAD - page[26]);
	return r < 0 ? r : (int64_t)size;
}

int media_ogg_set_serial(int fd)
{
	_cleanup_free_ uint8_t *page = malloc(PAGE_MAX);
	int64_t file_bytes = media_fd_size(fd), size = 0;
	uint32_t table[256], serial = 0;
	int r;

	if (!page)
		return -ENOMEM;
	if (file_bytes < 0)
		return (int)file_bytes;
	ogg_crc_table(table);
	for (int pass = 0; pass < 2; pass++) {
		for (uint64_t at = 0;; at += (uint64_t)size) {
			size = ogg_read_page(fd, at, (uint64_t)file_bytes, page);
			if (size <= 0)
				break;
			/* what the file holds, apart from the number and what depends on it */
			ogg_put_le32(page + SERIAL_AT, pass == 0 ? 0 : serial);
			ogg_put_le32(page + CRC_AT, 0);
			if (pass == 0) {
				serial = (serial << 1 | serial >> 31) ^
					 ogg_crc(table, page, (size_t)size);
				continue;
			}
			ogg_put_le32(page + CRC_AT, ogg_crc(table, page, (size_t)size));
			r = media_fd_write(fd, at, page, PAGE_HEAD);
			if (r < 0)
				return r;
		}
		if (size < 0)
			return (int)size;
	}
	return 0;
}
