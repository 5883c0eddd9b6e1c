/* media_tags_chunk.c - from chunk to chunk through a file of chunks.
 *
 * SOURCE      Microsoft RIFF; EBU Tech 3306 (RF64: sizes in 'ds64'); EA IFF 85; Apple "Core Audio Format
 *             Specification"; Sony "Wave64 file format". */
#include <stddef.h>
#include <string.h>

#include "media_tags_private.h"

/* The size of 'data' of an RF64 is in 'ds64', the first chunk. */
static uint64_t chunk_data_size(int fd, uint64_t rest)
{
	uint8_t ds64[28];

	if (media_fd_read(fd, 12, ds64, sizeof(ds64)) < 0 || memcmp(ds64, "ds64", 4) != 0)
		return rest;
	return media_le(ds64 + 16, 8);
}

static bool chunk_head(int fd, enum tags_chunk_kind kind, uint64_t at, struct tags_chunk *chunk,
		       uint64_t rest)
{
	uint8_t head[24];
	size_t n = kind == TAGS_W64 ? 24 : kind == TAGS_CAF ? 12 : 8;

	if (rest < n || media_fd_read(fd, at, head, n) < 0)
		return false;
	rest -= n;
	*chunk = (struct tags_chunk){.at = at + n};
	memcpy(chunk->id, head, kind == TAGS_W64 ? 16 : 4);
	switch (kind) {
	case TAGS_RIFF:
		chunk->size = media_le(head + 4, 4);
		if (chunk->size == UINT32_MAX)
			chunk->size =
				memcmp(head, "data", 4) == 0 ? chunk_data_size(fd, rest) : rest;
		break;
	case TAGS_AIFF:
		chunk->size = media_be(head + 4, 4);
		break;
	case TAGS_CAF: /* -1: to the end */
		chunk->size = media_be(head + 4, 8);
		break;
	case TAGS_W64: /* with its head */
		chunk->size = media_le(head + 16, 8);
		chunk->size = chunk->size < 24 ? rest : chunk->size - 24;
		break;
	}
	/* what a damaged or unfinished file says of itself */
	if (chunk->size > rest)
		chunk->size = rest;
	return true;
}

bool tags_next_chunk(int fd, enum tags_chunk_kind kind, uint64_t *at, struct tags_chunk *ret_chunk)
{
	static const uint64_t grid[] = {
		[TAGS_RIFF] = 2, [TAGS_AIFF] = 2, [TAGS_CAF] = 1, [TAGS_W64] = 8};
	int64_t size = media_fd_size(fd);

	if (size < 0 || *at >= (uint64_t)size ||
	    !chunk_head(fd, kind, *at, ret_chunk, (uint64_t)size - *at))
		return false;
	*at = ret_chunk->at + (ret_chunk->size + grid[kind] - 1) / grid[kind] * grid[kind];
	return true;
}
