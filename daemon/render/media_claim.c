/* media_claim.c - see media_claim.h.
 *
 * SOURCE      IBM/Microsoft, "Multimedia programming interface and data specifications 1.0" (RIFF);
 *             EBU Tech 3306 (RF64); ITU-R BS.2088 (BW64); Sony Wave64 description; Apple, "Audio
 *             Interchange File Format 1.3" and "Core Audio Format specification 1.0". */
#include "media_claim.h"

#include <string.h>
#include <unistd.h>

#include "media_bytes.h"

#define CHUNKS_MAX 4096u /* a file with more is not looked through */
/* Writers to a pipe cannot know: they write the largest number, or (sox) one a little smaller. */
#define STREAMED_MIN UINT32_C(0x7ffff000)

/* How chunks are laid out. */
struct claim_kind {
	const char *data_id; /* 4 letters */
	uint8_t id_bytes, size_bytes, align;
	bool is_big, counts_header; /* sizes are those of the chunk with its header */
	uint8_t before; /* bytes between the chunk's header and the samples */
};

static const struct claim_kind claim_riff = {"data", 4, 4, 2, false, false, 0};
static const struct claim_kind claim_rifx = {"data", 4, 4, 2, true, false, 0};
static const struct claim_kind claim_w64 = {"data", 16, 8, 8, false, true, 0};
static const struct claim_kind claim_aiff = {"SSND", 4, 4, 2, true, false, 8};
static const struct claim_kind claim_caf = {"data", 4, 8, 1, true, false, 4};

/* The kind of file that begins with HEAD (40 bytes), and where its chunks begin. */
static const struct claim_kind *claim_find(const uint8_t *head, int64_t *ret_at)
{
	*ret_at = 12;
	if ((memcmp(head, "RIFF", 4) == 0 || memcmp(head, "RF64", 4) == 0 ||
	     memcmp(head, "BW64", 4) == 0) &&
	    memcmp(head + 8, "WAVE", 4) == 0)
		return &claim_riff;
	if (memcmp(head, "RIFX", 4) == 0 && memcmp(head + 8, "WAVE", 4) == 0)
		return &claim_rifx;
	if (memcmp(head, "FORM", 4) == 0 && memcmp(head + 8, "AIF", 3) == 0)
		return &claim_aiff;
	*ret_at = 8;
	if (memcmp(head, "caff", 4) == 0)
		return &claim_caf;
	*ret_at = 40;
	if (memcmp(head, "riff\x2e\x91\xcf\x11", 8) == 0 && memcmp(head + 24, "wave", 4) == 0)
		return &claim_w64;
	return NULL;
}

/* The chunk of samples is found, with SIZE and DS64 (0: none) said, and FOUND bytes to the end. */
static void claim_fill(const struct claim_kind *kind, uint64_t size, uint64_t ds64, int64_t found,
		       struct media_claim *ret)
{
	ret->is_known = true;
	ret->found_bytes = found > 0 ? found : 0;
	if (kind->size_bytes == 4 && size == UINT32_MAX && ds64)
		size = ds64;
	else if (kind->size_bytes == 4 && size >= STREAMED_MIN && size > (uint64_t)found)
		ret->is_streamed = true;
	else if (kind->size_bytes == 8 && size > INT64_MAX)
		ret->is_streamed = true;
	if (kind->before && size >= kind->before)
		size -= kind->before;
	ret->claimed_bytes = ret->is_streamed	? ret->found_bytes
			     : size > INT64_MAX ? INT64_MAX
						: (int64_t)size;
}

/* The next chunk from *AT on: its id, where its contents are and their size; *AT becomes the place
 * behind it. */
static bool claim_next(int fd, int64_t file_bytes, const struct claim_kind *kind, int64_t *at,
		       uint8_t ret_id[4], int64_t *ret_at, uint64_t *ret_size)
{
	const int64_t head_bytes = kind->id_bytes + kind->size_bytes;
	uint8_t chunk[24];
	uint64_t size, left;

	if (*at > file_bytes - head_bytes ||
	    media_fd_read(fd, (uint64_t)*at, chunk, (size_t)head_bytes) < 0)
		return false;
	size = kind->is_big ? media_be(chunk + kind->id_bytes, kind->size_bytes)
			    : media_le(chunk + kind->id_bytes, kind->size_bytes);
	if (kind->counts_header)
		size = size < (uint64_t)head_bytes ? 0 : size - (uint64_t)head_bytes;
	memcpy(ret_id, chunk, 4);
	*ret_at = *at + head_bytes;
	*ret_size = size;
	left = (uint64_t)(file_bytes - *ret_at);
	*at = size > left
		      ? file_bytes
		      : *ret_at + (int64_t)((size + kind->align - 1) / kind->align * kind->align);
	return true;
}

/* The kind of FD's file, and where its chunks begin; NULL: none of ours. */
static const struct claim_kind *claim_open(int fd, int64_t file_bytes, int64_t *ret_at)
{
	uint8_t head[40];

	if (file_bytes < (int64_t)sizeof(head) || media_fd_read(fd, 0, head, sizeof(head)) < 0)
		return NULL;
	return claim_find(head, ret_at);
}

void media_claim_read(int fd, int64_t file_bytes, struct media_claim *ret)
{
	const struct claim_kind *kind;
	int64_t at, contents;
	uint64_t ds64 = 0, size;
	uint8_t id[4], sizes[16];

	*ret = (struct media_claim){0};
	kind = claim_open(fd, file_bytes, &at);
	for (uint32_t i = 0; kind && i < CHUNKS_MAX; i++) {
		if (!claim_next(fd, file_bytes, kind, &at, id, &contents, &size))
			return;
		if (memcmp(id, kind->data_id, 4) == 0) {
			ret->data_at = contents + kind->before;
			claim_fill(kind, size, ds64, file_bytes - ret->data_at, ret);
			return;
		}
		if (kind == &claim_riff && memcmp(id, "ds64", 4) == 0 && size >= sizeof(sizes) &&
		    media_fd_read(fd, (uint64_t)contents, sizes, sizeof(sizes)) == 0)
			ds64 = media_le(sizes + 8, 8);
	}
}

bool media_claim_find(int fd, int64_t file_bytes, const char *wanted, int64_t *ret_at,
		      uint64_t *ret_size)
{
	const struct claim_kind *kind;
	uint8_t id[4];
	int64_t at;

	kind = claim_open(fd, file_bytes, &at);
	for (uint32_t i = 0; kind && i < CHUNKS_MAX; i++) {
		if (!claim_next(fd, file_bytes, kind, &at, id, ret_at, ret_size))
			return false;
		if (memcmp(id, wanted, 4) == 0)
			return true;
	}
	return false;
}
