/* media_tags_ogg.c - the comment header of Ogg Vorbis and Opus: its pages are made anew.
 *
 * WHAT        Header packets are laid into pages again. When that takes another number of pages, those
 *             of the sound, which are not changed otherwise, get new numbers and check sums.
 * SOURCE      RFC 3533 (Ogg), section 6; Xiph "Vorbis I specification", 4.2.1 and A.2; RFC 7845
 *             (Opus), section 5. */
#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "media_tags_private.h"

#define OGG_HEAD 27u
#define OGG_SEGMENTS 255u
#define OGG_HEADERS_MAX 3u

struct ogg_page {
	uint64_t at, body_at, end;
	uint8_t head[OGG_HEAD + OGG_SEGMENTS];
	unsigned n_segments;
	uint32_t serial, number;
	size_t body_bytes;
};

struct ogg_headers {
	struct media_bytes packet[OGG_HEADERS_MAX];
	uint32_t n, serial, n_pages;
	uint64_t first_page_end, end; /* of the first page, of all header pages */
	bool is_opus;
};

/* ---- pages ------------------------------------------------------------------------------------- */

static bool ogg_page(int fd, uint64_t at, struct ogg_page *page)
{
	*page = (struct ogg_page){.at = at};
	if (media_fd_read(fd, at, page->head, OGG_HEAD) < 0 || memcmp(page->head, "OggS", 4) != 0)
		return false;
	page->n_segments = page->head[26];
	page->serial = (uint32_t)media_le(page->head + 14, 4);
	page->number = (uint32_t)media_le(page->head + 18, 4);
	if (page->n_segments &&
	    media_fd_read(fd, at + OGG_HEAD, page->head + OGG_HEAD, page->n_segments) < 0)
		return false;
	for (unsigned i = 0; i < page->n_segments; i++)
		page->body_bytes += page->head[OGG_HEAD + i];
	page->body_at = at + OGG_HEAD + page->n_segments;
	page->end = page->body_at + page->body_bytes;
	return true;
}

/* x^32 + x^26 + ... + 1 = 0x04c11db7, the highest bit first, begun with 0. */
static uint32_t ogg_crc(uint32_t crc, const uint8_t *data, size_t size)
{
	static uint32_t table[256];

	if (!table[1])
		for (uint32_t i = 256; i-- > 0;) {
			uint32_t word = i << 24;

			for (unsigned bit = 0; bit < 8; bit++)
				word = word << 1 ^ (word & 0x80000000u ? 0x04c11db7u : 0);
			__atomic_store_n(&table[i], word, __ATOMIC_RELEASE);
		}
	for (size_t i = 0; i < size; i++)
		crc = crc << 8 ^ table[(crc >> 24 ^ data[i]) & 0xff];
	return crc;
}

/* ---- header packets ---------------------------------------------------------------------------- */

static void ogg_done(struct ogg_headers *headers)
{
	for (uint32_t i = 0; i < OGG_HEADERS_MAX; i++)
		media_bytes_done(&headers->packet[i]);
}

/* How many headers the stream has that begins with PACKET; 0: not one of ours. */
static uint32_t ogg_expects(const struct media_bytes *packet, bool *is_opus)
{
	*is_opus = packet->size >= 8 && memcmp(packet->data, "OpusHead", 8) == 0;
	if (*is_opus)
		return 2;
	return packet->size >= 7 && memcmp(packet->data, "\001vorbis", 7) == 0 ? 3 : 0;
}

/* Segments of one page go to packets; true when the last header packet is whole. */
static bool ogg_take(struct ogg_headers *headers, const struct ogg_page *page, const uint8_t *body)
{
	for (unsigned i = 0; i < page->n_segments && headers->n < OGG_HEADERS_MAX; i++) {
		unsigned size = page->head[OGG_HEAD + i];

		media_put(&headers->packet[headers->n], body, size);
		body += size;
		if (size < 255 &&
		    ++headers->n == ogg_expects(&headers->packet[0], &headers->is_opus))
			return i + 1 == page->n_segments;
	}
	return false;
}

/* -EINVAL: not a stream whose comments we know. */
static int ogg_read_headers(int fd, struct ogg_headers *headers)
{
	struct ogg_page page;
	uint64_t at = 0;

	for (uint32_t i = 0; i < 4096 && ogg_page(fd, at, &page); i++) {
		_cleanup_free_ uint8_t *body = NULL;
		size_t all = page.body_bytes;

		for (uint32_t k = 0; k < OGG_HEADERS_MAX; k++)
			all += headers->packet[k].size;
		if (i == 0)
			headers->serial = page.serial;
		if (page.serial != headers->serial || all > TAGS_BLOCK_BYTES_MAX)
			return -EINVAL;
		body = tags_load(fd, page.body_at, page.body_bytes);
		if (!body && page.body_bytes)
			return -EINVAL;
		headers->end = page.end;
		headers->n_pages++;
		if (body && ogg_take(headers, &page, body))
			return 0;
		if (i == 0) {
			headers->first_page_end = page.end;
			/* the first packet has a page of its own */
			if (headers->n != 1 || !ogg_expects(&headers->packet[0], &headers->is_opus))
				return -EINVAL;
		}
		at = page.end;
	}
	return -EINVAL;
}

/* ---- writing ----------------------------------------------------------------------------------- */

/* Packets 1.. of HEADERS as pages from number 1; how many. */
static uint32_t ogg_put_pages(struct media_bytes *bytes, const struct ogg_headers *headers)
{
	uint32_t packet = 1, n_pages = 0;
	bool is_continued = false;
	size_t at = 0;

	while (packet < headers->n && !bytes->is_failed) {
		uint8_t lacing[OGG_SEGMENTS];
		size_t begin = bytes->size, body;
		uint32_t n = 0, crc;
		bool has_end = false;
		struct media_bytes data = {0};

		for (; n < OGG_SEGMENTS && packet < headers->n; n++) {
			const struct media_bytes *from = &headers->packet[packet];
			size_t left = from->size - at, now = left < 255 ? left : 255;

			lacing[n] = (uint8_t)now;
			media_put(&data, from->data + at, now);
			at += now;
			if (now < 255) {
				has_end = true;
				packet++;
				at = 0;
			}
		}
		media_put_text(bytes, "OggS");
		media_put_be(bytes, 0, 1);
		media_put_be(bytes, is_continued ? 1 : 0, 1);
		media_put_le(bytes, has_end ? 0 : UINT64_MAX, 8);
		media_put_le(bytes, headers->serial, 4);
		media_put_le(bytes, ++n_pages, 4);
		media_put_le(bytes, 0, 4);
		media_put_le(bytes, n, 1);
		media_put(bytes, lacing, n);
		body = data.size;
		media_put(bytes, data.data, body);
		bytes->is_failed |= data.is_failed;
		media_bytes_done(&data);
		if (bytes->is_failed)
			return 0;
		crc = ogg_crc(0, bytes->data + begin, bytes->size - begin);
		media_set_le(bytes, begin + 22, crc, 4);
		is_continued = at > 0;
	}
	return n_pages;
}

/* Pages from AT on get numbers that differ by DELTA. */
static int ogg_renumber(int fd, uint64_t at, uint32_t serial, uint32_t delta)
{
	_cleanup_free_ uint8_t *body = malloc(OGG_SEGMENTS * 255u);
	struct ogg_page page;
	int r = body ? 0 : -ENOMEM;

	while (r == 0 && ogg_page(fd, at, &page)) {
		uint32_t number = page.number + delta, crc;

		at = page.end;
		if (page.serial != serial)
			continue;
		r = media_fd_read(fd, page.body_at, body, page.body_bytes);
		for (unsigned i = 0; i < 4; i++)
			page.head[18 + i] = (uint8_t)(number >> 8 * i);
		memset(page.head + 22, 0, 4);
		crc = ogg_crc(0, page.head, OGG_HEAD + page.n_segments);
		crc = ogg_crc(crc, body, page.body_bytes);
		for (unsigned i = 0; i < 4; i++)
			page.head[22 + i] = (uint8_t)(crc >> 8 * i);
		if (r == 0)
			r = media_fd_write(fd, page.at, page.head, OGG_HEAD);
	}
	return r;
}

/* The comment packet with new contents. */
static void ogg_make_comments(struct ogg_headers *headers, const struct media_info *info,
			      const struct media_tags *tags)
{
	size_t magic = headers->is_opus ? 8 : 7;
	struct media_bytes *old = &headers->packet[1], made = {0};
	struct media_info codec = *info;
	struct media_view view = media_view(old->data, old->size), vendor;

	media_view_part(&view, magic);
	vendor = media_view_part(&view, (size_t)media_view_le(&view, 4));
	media_put(&made, headers->is_opus ? "OpusTags" : "\003vorbis", magic);
	memcpy(codec.codec, headers->is_opus ? "opus\0" : "vorbis", 6);
	codec.codec[6] = '\0';
	tags_put_comments(&made, tags, &codec, vendor, true);
	if (!headers->is_opus)
		media_put_be(&made, 1, 1); /* framing bit */
	media_bytes_done(old);
	*old = made;
}

int tags_write_ogg(int fd, const struct media_info *info, const struct media_tags *tags)
{
	struct ogg_headers headers = {0};
	struct media_bytes bytes = {0};
	uint32_t n_pages;
	int r = ogg_read_headers(fd, &headers);

	if (r == 0) {
		ogg_make_comments(&headers, info, tags);
		bytes.is_failed = headers.packet[1].is_failed;
		n_pages = ogg_put_pages(&bytes, &headers);
		r = bytes.is_failed ? -ENOMEM
				    : media_fd_replace(fd, headers.first_page_end, headers.end,
						       bytes.data, bytes.size);
		if (r == 0 && n_pages + 1 != headers.n_pages)
			r = ogg_renumber(fd, headers.first_page_end + bytes.size, headers.serial,
					 n_pages + 1 - headers.n_pages);
	}
	media_bytes_done(&bytes);
	ogg_done(&headers);
	return r;
}

/* ---- reading ----------------------------------------------------------------------------------- */

void tags_read_ogg(struct tags_source *source, int fd)
{
	struct ogg_headers headers = {0};

	ogg_read_headers(fd, &headers);
	/* A comment packet that is whole is enough, be the rest as it may. */
	if (headers.n >= 2) {
		const struct media_bytes *packet = &headers.packet[1];
		size_t magic = headers.is_opus ? 8 : 7;

		if (packet->size > magic &&
		    memcmp(packet->data, headers.is_opus ? "OpusTags" : "\003vorbis", magic) == 0)
			tags_read_comments(source,
					   media_view(packet->data + magic, packet->size - magic));
	}
	for (uint32_t i = 0; i < OGG_HEADERS_MAX; i++)
		source->is_failed |= headers.packet[i].is_failed;
	ogg_done(&headers);
}
