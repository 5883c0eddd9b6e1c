/* media_look.c - see media_look.h.
 *
 * SOURCE      RFC 3533, 6 (Ogg pages); ISO/IEC 11172-3, 2.4.2.3 and 13818-3 (MPEG audio frame header); Microsoft,
 *             "Multiple channel audio data and WAVE files"; Apple, "Core Audio Format", channel
 *             layout chunk: its bitmap has the bits of WAVE's mask. */
#include "media_look.h"

#include <sndfile.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "media_bytes.h"
#include "media_claim.h"
#include "media_header.h"

#define SCAN_BYTES 65536u
#define SCAN_FRAMES_MAX 4000u /* 100 s at 44.1 kHz: a rate that varies has varied by then */

static const struct {
	int format;
	const char *name;
} look_containers[] = {
	{SF_FORMAT_WAV, "wav"}, {SF_FORMAT_WAVEX, "wav"}, {SF_FORMAT_RF64, "rf64"},
	{SF_FORMAT_W64, "w64"}, {SF_FORMAT_AIFF, "aiff"}, {SF_FORMAT_CAF, "caf"},
	{SF_FORMAT_OGG, "ogg"}, {SF_FORMAT_FLAC, "flac"}, {SF_FORMAT_MPEG, "mp3"},
};

static const struct {
	int codec;
	const char *name;
	uint32_t bits;
	bool is_float, is_lossy;
} look_codecs[] = {
	{SF_FORMAT_PCM_S8, "pcm_s8", 8, false, false},
	{SF_FORMAT_PCM_U8, "pcm_u8", 8, false, false},
	{SF_FORMAT_PCM_16, "pcm_s16", 16, false, false},
	{SF_FORMAT_PCM_24, "pcm_s24", 24, false, false},
	{SF_FORMAT_PCM_32, "pcm_s32", 32, false, false},
	{SF_FORMAT_FLOAT, "pcm_f32", 0, true, false},
	{SF_FORMAT_DOUBLE, "pcm_f64", 0, true, false},
	{SF_FORMAT_ULAW, "pcm_mulaw", 0, false, true},
	{SF_FORMAT_ALAW, "pcm_alaw", 0, false, true},
	{SF_FORMAT_IMA_ADPCM, "adpcm_ima", 0, false, true},
	{SF_FORMAT_MS_ADPCM, "adpcm_ms", 0, false, true},
	{SF_FORMAT_GSM610, "gsm610", 0, false, true},
	{SF_FORMAT_VORBIS, "vorbis", 0, false, true},
	{SF_FORMAT_OPUS, "opus", 0, false, true},
	{SF_FORMAT_ALAC_16, "alac", 16, false, false},
	{SF_FORMAT_ALAC_20, "alac", 20, false, false},
	{SF_FORMAT_ALAC_24, "alac", 24, false, false},
	{SF_FORMAT_ALAC_32, "alac", 32, false, false},
	{SF_FORMAT_MPEG_LAYER_I, "mp1", 0, false, true},
	{SF_FORMAT_MPEG_LAYER_II, "mp2", 0, false, true},
	{SF_FORMAT_MPEG_LAYER_III, "mp3", 0, false, true},
};

/* The ending libsndfile has for a container we have no name for; static in there. */
static const char *look_ending(int sf_format)
{
	SF_FORMAT_INFO format = {0};

	format.format = sf_format & SF_FORMAT_TYPEMASK;
	if (sf_command(NULL, SFC_GET_FORMAT_INFO, &format, sizeof(format)) != 0 ||
	    !format.extension)
		return "other";
	return format.extension;
}

void media_look_format(int sf_format, struct media_info *info)
{
	info->container = NULL;
	for (size_t i = 0; i < sizeof(look_containers) / sizeof(look_containers[0]); i++)
		if ((sf_format & SF_FORMAT_TYPEMASK) == look_containers[i].format)
			info->container = look_containers[i].name;
	if (!info->container)
		info->container = look_ending(sf_format);
	snprintf(info->codec, sizeof(info->codec), "%s", "other");
	info->bits = 0;
	info->is_float = false;
	info->is_lossy = true;
	for (size_t i = 0; i < sizeof(look_codecs) / sizeof(look_codecs[0]); i++)
		if ((sf_format & SF_FORMAT_SUBMASK) == look_codecs[i].codec) {
			snprintf(info->codec, sizeof(info->codec), "%s", look_codecs[i].name);
			info->bits = look_codecs[i].bits;
			info->is_float = look_codecs[i].is_float;
			info->is_lossy = look_codecs[i].is_lossy;
		}
	if (strcmp(info->container, "flac") == 0)
		snprintf(info->codec, sizeof(info->codec), "flac");
}

/* ---- MPEG audio -------------------------------------------------------------------------------- */

struct look_mpeg {
	uint32_t kbps, bytes; /* of this frame */
	uint32_t xing_at; /* where an Info or Xing tag would be in it */
};

/* false: HEAD is no header of an MPEG audio frame with a known size. */
static bool look_mpeg_header(const uint8_t *head, struct look_mpeg *ret)
{
	static const uint16_t kbps_table[5][15] = {
		{0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448},
		{0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384},
		{0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320},
		{0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256},
		{0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160},
	};
	static const uint16_t hz_table[3] = {44100, 48000, 32000};
	uint32_t version = head[1] >> 3 & 3, layer = 4 - (head[1] >> 1 & 3), hz, row;
	uint32_t rate_idx = head[2] >> 4, hz_idx = head[2] >> 2 & 3, pad = head[2] >> 1 & 1;
	bool is_mono = (head[3] >> 6) == 3;

	if (head[0] != 0xff || (head[1] & 0xe0) != 0xe0 || version == 1 || layer == 4 ||
	    rate_idx == 0 || rate_idx == 15 || hz_idx == 3)
		return false;
	hz = (uint32_t)hz_table[hz_idx] >> (version == 3 ? 0 : version == 2 ? 1 : 2);
	row = version == 3 ? layer - 1 : layer == 1 ? 3 : 4;
	ret->kbps = kbps_table[row][rate_idx];
	if (layer == 1)
		ret->bytes = (12000 * ret->kbps / hz + pad) * 4;
	else
		ret->bytes = (layer == 3 && version != 3 ? 72000u : 144000u) * ret->kbps / hz + pad;
	ret->xing_at = 4 + (version == 3 ? (is_mono ? 17 : 32) : (is_mono ? 9 : 17));
	return true;
}

/* Where the first frame is: behind an ID3v2 tag, or two. */
static uint64_t look_mpeg_begin(int fd)
{
	uint64_t at = 0;
	uint8_t head[10];

	for (int tags = 0; tags < 4; tags++) {
		if (media_fd_read(fd, at, head, sizeof(head)) < 0 || memcmp(head, "ID3", 3) != 0)
			break;
		at += 10 + ((uint64_t)(head[6] & 0x7f) << 21 | (uint64_t)(head[7] & 0x7f) << 14 |
			    (uint64_t)(head[8] & 0x7f) << 7 | (head[9] & 0x7f));
		at += head[5] & 0x10 ? 10 : 0; /* a footer */
	}
	return at;
}

/* Looks at frames from AT on; counts them, and says whether all have one rate. */
static void look_mpeg_scan(int fd, uint64_t at, struct media_info *info)
{
	uint32_t n = 0, first = 0, bad = 0;
	uint64_t kbps = 0;
	uint8_t head[4];

	info->is_cbr = true;
	while (n < SCAN_FRAMES_MAX && bad < SCAN_BYTES &&
	       media_fd_read(fd, at, head, sizeof(head)) == 0) {
		struct look_mpeg frame;

		if (!look_mpeg_header(head, &frame)) {
			at++;
			bad++;
			continue;
		}
		first = n ? first : frame.kbps;
		info->is_cbr &= frame.kbps == first;
		kbps += frame.kbps;
		at += frame.bytes;
		n++;
	}
	if (n == 0)
		info->is_cbr = false;
	else
		info->bitrate_kbps = info->is_cbr ? first : (double)kbps / n;
}

/* The frame at AT says how the others are: 'I'nfo or 'X'ing; 0: it is one like the others. */
static char look_mpeg_tag(int fd, uint64_t at, uint32_t *ret_bytes)
{
	struct look_mpeg frame;
	uint8_t head[4], tag[8];

	if (media_fd_read(fd, at, head, sizeof(head)) < 0 || !look_mpeg_header(head, &frame) ||
	    media_fd_read(fd, at + frame.xing_at, tag, sizeof(tag)) < 0)
		return 0;
	*ret_bytes = frame.bytes;
	if (memcmp(tag, "Info", 4) != 0 && memcmp(tag, "Xing", 4) != 0)
		return 0;
	return tag[7] & 1 ? (char)tag[0] : 0; /* with a number of frames */
}

bool media_look_is_counted(int fd, const struct media_info *info)
{
	uint32_t bytes;

	return strcmp(info->container, "mp3") != 0 ||
	       look_mpeg_tag(fd, look_mpeg_begin(fd), &bytes);
}

static void look_mpeg(int fd, struct media_info *info)
{
	uint64_t at = look_mpeg_begin(fd);
	uint32_t bytes = 0;
	char tag = look_mpeg_tag(fd, at, &bytes);

	/* That frame has a rate of its own. */
	if (tag)
		at += bytes;
	look_mpeg_scan(fd, at, info);
	/* "Xing" is what writers of variable and average rates say. */
	info->is_cbr &= tag != 'X';
	if (!info->is_cbr && info->n_frames > 0 && info->n_bytes > at)
		info->bitrate_kbps = (double)(info->n_bytes - at) * 8 * info->rate /
				     (1000.0 * (double)info->n_frames);
}

void media_look_stream(int fd, struct media_info *info)
{
	if (!info->is_lossy)
		return;
	if (strcmp(info->container, "mp3") == 0)
		look_mpeg(fd, info);
	else if (info->n_frames > 0)
		info->bitrate_kbps =
			(double)info->n_bytes * 8 * info->rate / (1000.0 * (double)info->n_frames);
	if (strncmp(info->codec, "pcm_", 4) == 0 || strncmp(info->codec, "adpcm", 5) == 0)
		info->is_cbr = true;
}

/* ---- masks ------------------------------------------------------------------------------------- */

bool media_look_mask(int fd, const struct media_info *info, uint32_t *ret_mask)
{
	const bool is_caf = strcmp(info->container, "caf") == 0;
	const bool is_aiff = strcmp(info->container, "aiff") == 0;
	uint8_t bytes[24];
	uint64_t size;
	int64_t at;

	if (!media_claim_find(fd, (int64_t)info->n_bytes,
			      is_caf	? "chan"
			      : is_aiff ? "CHAN"
					: "fmt ",
			      &at, &size) ||
	    size < 12 || media_fd_read(fd, (uint64_t)at, bytes, size < 24 ? 12 : 24) < 0)
		return false;
	if (is_caf || is_aiff) {
		uint64_t tag = media_be(bytes, 4);

		*ret_mask = tag == MEDIA_CHAN_BITMAP ? (uint32_t)media_be(bytes + 4, 4) : 0;
		return tag == MEDIA_CHAN_BITMAP || tag >> 16 == MEDIA_CHAN_DISCRETE;
	}
	if (size < 24 || media_le(bytes, 2) != 0xfffe) /* WAVE_FORMAT_EXTENSIBLE */
		return false;
	*ret_mask = (uint32_t)media_le(bytes + 20, 4);
	return true;
}

bool media_look_is_float(int fd, const struct media_info *info)
{
	uint8_t bytes[26];
	uint64_t size;
	int64_t at;

	return strcmp(info->container, "w64") == 0 &&
	       media_claim_find(fd, (int64_t)info->n_bytes, "fmt ", &at, &size) &&
	       size >= sizeof(bytes) &&
	       media_fd_read(fd, (uint64_t)at, bytes, sizeof(bytes)) == 0 &&
	       media_le(bytes, 2) == 0xfffe && media_le(bytes + 24, 2) == 3;
}

#define PAGE_MAX 65307u /* of an Ogg */
#define PAGE_HEAD 27u
#define PAGE_IS_LAST 4u

/* Whether a page begins at AT and ends before SIZE; *ret_next is behind it. */
static bool look_page(const uint8_t *at, size_t size, size_t *ret_next)
{
	size_t next = PAGE_HEAD;

	if (size < PAGE_HEAD || memcmp(at, "OggS", 5) != 0 || size < PAGE_HEAD + at[26])
		return false;
	for (uint32_t i = 0; i < at[26]; i++)
		next += at[PAGE_HEAD + i];
	*ret_next = next + at[26];
	return *ret_next <= size;
}

bool media_look_is_ended(int fd, const struct media_info *info)
{
	size_t size = info->n_bytes < 2 * PAGE_MAX ? (size_t)info->n_bytes : 2 * PAGE_MAX, next;
	_cleanup_free_ uint8_t *tail = NULL;
	bool is_last = false;

	if (strcmp(info->container, "ogg") != 0)
		return true;
	tail = malloc(size);
	if (!tail || media_fd_read(fd, info->n_bytes - size, tail, size) < 0)
		return true; /* nobody can tell */
	for (size_t at = 0; at < size; at++)
		if (look_page(tail + at, size - at, &next)) {
			is_last = tail[at + 5] & PAGE_IS_LAST;
			at += next - 1;
		}
	return is_last;
}
