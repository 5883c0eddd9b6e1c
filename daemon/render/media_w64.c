/* media_w64.c - see media_w64.h.
 *
 * SOURCE      Sony, "Wave64 file format": chunks have a GUID and 64-bit sizes that count their own
 *             header, and begin at multiples of 8; the rest is WAVE.
 * NOTE        Two faults of readers are kept in mind. libsndfile and FFmpeg take what fills the last
 *             eight bytes for samples: there is nothing behind ours, unless tags follow. libsndfile
 *             takes float in an extensible format chunk for integers: float has a plain one. */
#include "media_w64.h"

#include <errno.h>
#include <string.h>

#include "media_bytes.h"
#include "media_layout.h"

#define CHUNK_HEAD 24u
#define FMT_PLAIN 16u
#define FMT_EXTENSIBLE 40u

static const uint8_t w64_riff[17] = "riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00";
static const char *const w64_tail = "\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a";
/* KSDATAFORMAT_SUBTYPE_PCM and _IEEE_FLOAT behind their first two bytes */
static const uint8_t w64_subtype[14] = {0x00, 0x00, 0x00, 0x00, 0x10, 0x00, 0x80,
					0x00, 0x00, 0xaa, 0x00, 0x38, 0x9b, 0x71};

static void w64_put_guid(struct media_bytes *bytes, const char *id)
{
	media_put(bytes, id, 4);
	/* the tail has a NUL in it */
	media_put(bytes, w64_tail, 12);
}

static bool w64_is_plain(const struct media_info *info)
{
	return info->is_float ||
	       (info->n_channels <= 2 && info->layout.position[0] != MIXD_POS_NONE);
}

static void w64_put_format(struct media_bytes *bytes, const struct media_info *info,
			   const struct media_pcm *pcm)
{
	const uint32_t block = info->n_channels * pcm->bytes, kind = pcm->is_float ? 3 : 1;
	const bool is_plain = w64_is_plain(info);

	w64_put_guid(bytes, "fmt ");
	media_put_le(bytes, CHUNK_HEAD + (is_plain ? FMT_PLAIN : FMT_EXTENSIBLE), 8);
	media_put_le(bytes, is_plain ? kind : 0xfffe, 2);
	media_put_le(bytes, info->n_channels, 2);
	media_put_le(bytes, (uint64_t)info->rate, 4);
	media_put_le(bytes, (uint64_t)info->rate * block, 4);
	media_put_le(bytes, block, 2);
	media_put_le(bytes, 8u * pcm->bytes, 2);
	if (is_plain)
		return;
	media_put_le(bytes, 22, 2);
	media_put_le(bytes, 8u * pcm->bytes, 2);
	media_put_le(bytes, media_layout_mask(&info->layout), 4);
	media_put_le(bytes, kind, 2);
	media_put(bytes, w64_subtype, sizeof(w64_subtype));
}

void media_w64_begin(struct media_sink *sink, const struct media_info *info,
		     const struct media_pcm *pcm, uint64_t n_bytes)
{
	struct media_bytes bytes = {0};
	size_t size_at;

	media_put(&bytes, w64_riff, 16);
	size_at = bytes.size;
	media_put_le(&bytes, 0, 8);
	w64_put_guid(&bytes, "wave");
	w64_put_format(&bytes, info, pcm);
	w64_put_guid(&bytes, "data");
	media_put_le(&bytes, CHUNK_HEAD + n_bytes, 8);
	media_set_le(&bytes, size_at, bytes.size + n_bytes, 8);
	media_sink_seek(sink, 0);
	if (bytes.is_failed)
		media_sink_fail(sink, ENOMEM);
	else
		media_sink_write(sink, bytes.data, bytes.size);
	media_bytes_done(&bytes);
}

void media_w64_end(struct media_sink *sink, const struct media_info *info,
		   const struct media_pcm *pcm)
{
	uint64_t n_bytes = (uint64_t)info->n_frames * info->n_channels * pcm->bytes;

	media_w64_begin(sink, info, pcm, n_bytes);
}
