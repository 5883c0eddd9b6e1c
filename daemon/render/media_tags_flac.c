/* media_tags_flac.c - metadata blocks of FLAC: comments and picture are put in anew.
 *
 * SOURCE      RFC 9639, section 8. Seek points count from the first frame, so it may move. */
#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "media_tags_private.h"

#define FLAC_BLOCK_MAX 0xffffffu
#define FLAC_PADDING 1024u /* for the next one who changes a letter */
#define FLAC_BLOCKS_MAX 1000u

enum {
	FLAC_STREAMINFO,
	FLAC_PAD,
	FLAC_APPLICATION,
	FLAC_SEEKTABLE,
	FLAC_COMMENT,
	FLAC_CUESHEET,
	FLAC_PICTURE
};

struct flac_block {
	unsigned type;
	bool is_last;
	uint64_t at;
	size_t size;
};

/* Where "fLaC" stands: others put ID3 tags before it. */
static uint64_t flac_begin(int fd)
{
	uint8_t head[10];

	return media_fd_read(fd, 0, head, sizeof(head)) == 0 ? tags_id3_size(head) : 0;
}

static bool flac_next(int fd, uint64_t *at, struct flac_block *block)
{
	uint8_t head[4];

	if (media_fd_read(fd, *at, head, sizeof(head)) < 0)
		return false;
	*block = (struct flac_block){.type = head[0] & 0x7f,
				     .is_last = head[0] & 0x80,
				     .at = *at + 4,
				     .size = (size_t)media_be(head + 1, 3)};
	*at = block->at + block->size;
	return block->type < 127;
}

static void flac_put(struct media_bytes *bytes, unsigned type, const void *data, size_t size)
{
	media_put_be(bytes, type, 1);
	media_put_be(bytes, size, 3);
	media_put(bytes, data, size);
	bytes->is_failed |= size > FLAC_BLOCK_MAX;
}

static void flac_put_made(struct media_bytes *bytes, unsigned type, struct media_bytes *made)
{
	bytes->is_failed |= made->is_failed;
	if (!made->is_failed)
		flac_put(bytes, type, made->data, made->size);
	media_bytes_done(made);
}

/* The blocks that stay, in their order; *vendor is owned, of *VENDOR_BYTES. */
static int flac_keep(int fd, uint64_t *at, struct media_bytes *bytes, uint8_t **vendor,
		     size_t *vendor_bytes)
{
	struct flac_block block = {0};

	for (uint32_t i = 0; i < FLAC_BLOCKS_MAX && !block.is_last; i++) {
		_cleanup_free_ uint8_t *data = NULL;

		if (!flac_next(fd, at, &block))
			return -EINVAL;
		if (block.type == FLAC_PAD || block.type == FLAC_PICTURE || block.size == 0)
			continue;
		data = tags_load(fd, block.at, block.size);
		if (!data)
			return -EIO;
		if (block.type != FLAC_COMMENT) {
			flac_put(bytes, block.type, data, block.size);
		} else if (!*vendor) {
			*vendor = TAKE_PTR(data);
			*vendor_bytes = block.size;
		}
	}
	return block.is_last ? 0 : -EINVAL;
}

int tags_write_flac(int fd, const struct media_info *info, const struct media_tags *tags)
{
	struct media_bytes bytes = {0}, made = {0};
	_cleanup_free_ uint8_t *old = NULL;
	struct media_view view, vendor;
	uint64_t begin = flac_begin(fd) + 4, end = begin;
	size_t old_bytes = 0;
	int r = flac_keep(fd, &end, &bytes, &old, &old_bytes);

	view = media_view(old, old_bytes);
	vendor = old ? media_view_part(&view, (size_t)media_view_le(&view, 4))
		     : media_view("mixd", 4);
	tags_put_comments(&made, tags, info, vendor, false);
	flac_put_made(&bytes, FLAC_COMMENT, &made);
	if (tags->picture) {
		tags_put_picture(&made, tags);
		flac_put_made(&bytes, FLAC_PICTURE, &made);
	}
	media_put_be(&bytes, FLAC_PAD | 0x80, 1);
	media_put_be(&bytes, FLAC_PADDING, 3);
	media_put_zeros(&bytes, FLAC_PADDING);
	if (r == 0)
		r = bytes.is_failed ? -E2BIG
				    : media_fd_replace(fd, begin, end, bytes.data, bytes.size);
	media_bytes_done(&bytes);
	return r;
}

void tags_read_flac(struct tags_source *source, int fd)
{
	struct flac_block block = {0};
	uint64_t at = flac_begin(fd) + 4;

	for (uint32_t i = 0; i < FLAC_BLOCKS_MAX && !block.is_last && flac_next(fd, &at, &block);
	     i++) {
		_cleanup_free_ uint8_t *data = NULL;

		if (block.type == FLAC_COMMENT || block.type == FLAC_PICTURE)
			data = tags_load(fd, block.at, block.size);
		if (data && block.type == FLAC_COMMENT)
			tags_read_comments(source, media_view(data, block.size));
		else if (data)
			tags_read_picture(source, media_view(data, block.size));
	}
}
