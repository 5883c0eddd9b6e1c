/* media_header.c - see media_header.h.
 *
 * SOURCE      Microsoft, "Multiple channel audio data and WAVE files": WAVEFORMATEXTENSIBLE is for
 *             more than two channels, or places. EBU Tech 3306: an RF64 begins with ds64. */
#include "media_header.h"

#include <errno.h>
#include <string.h>

#include "media_bytes.h"
#include "media_layout.h"
#include "media_ogg.h"

#define FMT_PLAIN 16u
#define FMT_EXTENSIBLE 40u
#define CHUNKS_MAX 64u

/* Where the contents of the chunk ID begin, its size in *ret_size; 0: there is none. */
static uint64_t header_find(int fd, const char *id, uint32_t *ret_size)
{
	uint64_t at = 12;
	uint8_t chunk[8];

	for (uint32_t i = 0; i < CHUNKS_MAX; i++) {
		if (media_fd_read(fd, at, chunk, sizeof(chunk)) < 0)
			return 0;
		at += sizeof(chunk);
		*ret_size = (uint32_t)media_le(chunk + 4, 4);
		if (memcmp(chunk, id, 4) == 0)
			return at;
		if (memcmp(chunk, "data", 4) == 0)
			return 0;
		at += (*ret_size + UINT64_C(1)) & ~UINT64_C(1);
	}
	return 0;
}

/* The extensible format chunk at AT becomes a plain one, and its rest a chunk to be passed over. */
static int header_make_plain(int fd, uint64_t at, const struct media_info *info)
{
	uint8_t bytes[4 + FMT_EXTENSIBLE] = {FMT_PLAIN};
	int r = media_fd_read(fd, at, bytes + 4, FMT_EXTENSIBLE);

	if (r < 0)
		return r;
	bytes[4] = info->is_float ? 3 : 1;
	bytes[5] = 0;
	memset(bytes + 4 + FMT_PLAIN, 0, FMT_EXTENSIBLE - FMT_PLAIN);
	memcpy(bytes + 4 + FMT_PLAIN, "JUNK", 4);
	bytes[4 + FMT_PLAIN + 4] = FMT_EXTENSIBLE - FMT_PLAIN - 8;
	return media_fd_write(fd, at - 4, bytes, sizeof(bytes));
}

static int header_set_mask(int fd, uint64_t at, const struct media_info *info)
{
	const uint32_t mask = media_layout_mask(&info->layout);
	uint8_t bytes[4] = {(uint8_t)mask, (uint8_t)(mask >> 8), (uint8_t)(mask >> 16),
			    (uint8_t)(mask >> 24)};

	return media_fd_write(fd, at + 20, bytes, sizeof(bytes));
}

void media_header_begin(SNDFILE *file, const struct media_info *info)
{
	const bool is_caf = strcmp(info->container, "caf") == 0;
	const uint32_t mask = media_layout_mask(&info->layout);
	const uint32_t tag =
		mask ? MEDIA_CHAN_BITMAP : MEDIA_CHAN_DISCRETE << 16 | info->n_channels;
	SF_CHUNK_INFO chunk = {.id_size = 4, .datalen = 12};
	uint8_t bytes[12] = {(uint8_t)(tag >> 24), (uint8_t)(tag >> 16),  (uint8_t)(tag >> 8),
			     (uint8_t)tag,	   (uint8_t)(mask >> 24), (uint8_t)(mask >> 16),
			     (uint8_t)(mask >> 8), (uint8_t)mask}; /* and 0 descriptions */

	if (!is_caf && strcmp(info->container, "aiff") != 0)
		return;
	if (info->n_channels <= 2 && mask)
		return;
	memcpy(chunk.id, is_caf ? "chan" : "CHAN", 5);
	chunk.data = bytes;
	(void)sf_set_chunk(file, &chunk);
}

int media_header_fix(int fd, struct media_info *info)
{
	uint32_t size = 0;
	uint64_t at;
	uint8_t head[4];
	int r;

	if (strcmp(info->container, "ogg") == 0)
		return media_ogg_set_serial(fd);
	if (strcmp(info->container, "wav") != 0 && strcmp(info->container, "rf64") != 0)
		return 0;
	r = media_fd_read(fd, 0, head, sizeof(head));
	if (r < 0)
		return r;
	if (memcmp(head, "RF64", 4) == 0)
		info->container = "rf64";
	/* libsndfile keeps this chunk in what may become RF64, with the time of day in it: the same
	 * sound would not be the same file. */
	at = header_find(fd, "PEAK", &size);
	r = at && size >= 8 ? media_fd_write(fd, at + 4, (const uint8_t[4]){0}, 4) : 0;
	if (r < 0)
		return r;
	at = header_find(fd, "fmt ", &size);
	if (at == 0)
		return -EILSEQ;
	if (size != FMT_EXTENSIBLE)
		return 0;
	if (info->n_channels <= 2 && info->layout.position[0] != MIXD_POS_NONE)
		return header_make_plain(fd, at, info);
	return header_set_mask(fd, at, info);
}
