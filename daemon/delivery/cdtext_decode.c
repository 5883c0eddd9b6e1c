/* cdtext_decode.c - read CD-Text packs, and say what is wrong with them; see cdtext.h. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cdtext.h"
#include "cleanup.h"
#include "latin1.h"

struct unpacker {
	struct disc *disc;
	cdtext_fault fault;
	void *data;
	uint32_t pack; /* at hand */
	uint32_t count[16]; /* per type */
	/* payloads of the type at hand, one after the other */
	unsigned type;
	char payload[CDTEXT_PACKS_MAX * 12];
	size_t n_payload;
	uint8_t sizes[36];
	uint32_t n_sizes;
};

__attribute__((format(printf, 2, 3))) static void unpack_say(const struct unpacker *unpacker,
							     const char *fmt, ...)
{
	char text[200];
	va_list args;

	if (!unpacker->fault)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	unpacker->fault(unpacker->data, unpacker->pack, text);
}

/* Track 0: the disc. NULL beyond the last. */
static char **text_field(struct disc *disc, unsigned type, uint32_t track)
{
	if (track > disc->n_tracks)
		return NULL;
	return track ? &disc->track[track - 1].text[type - 0x80] : &disc->text[type - 0x80];
}

/* "As the track before" costs one character. */
static bool is_repeat(const char *text, size_t n)
{
	return n == 1 && text[0] == '\t';
}

static int take_text(struct unpacker *unpacker, uint32_t track, const char *text, size_t n)
{
	char **field = text_field(unpacker->disc, unpacker->type, track);
	char **before = track > 1 ? text_field(unpacker->disc, unpacker->type, track - 1) : NULL;
	char *copy;

	if (n == 0 || !field)
		return 0;
	if (is_repeat(text, n) && (!before || !*before)) {
		unpack_say(unpacker, "track %u is as the one before, which has no text", track);
		return 0;
	}
	copy = is_repeat(text, n) ? strdup(*before) : latin1_to_utf8(text, n);
	if (!copy)
		return -ENOMEM;
	free(*field);
	*field = copy;
	return 0;
}

/* Codes are also in the PQ descriptor, which counts. */
static void compare_code(const struct unpacker *unpacker, uint32_t track, const char *text,
			 size_t n)
{
	const struct disc *disc = unpacker->disc;
	const char *pq;

	if (track > disc->n_tracks || n == 0)
		return;
	pq = track ? disc->track[track - 1].isrc : disc->upc;
	if (strlen(pq) != n || memcmp(pq, text, n) != 0)
		unpack_say(unpacker, "%s %.*s of %s %u is not that of the PQ descriptor",
			   track ? "ISRC" : "UPC/EAN", (int)(n < 40 ? n : 40), text,
			   track ? "track" : "disc", track);
}

static int take_strings(struct unpacker *unpacker)
{
	const char *at = unpacker->payload, *end = at + unpacker->n_payload;
	uint32_t track = 0;

	while (at < end && track <= unpacker->disc->n_tracks) {
		size_t n = strnlen(at, (size_t)(end - at));
		int r = 0;

		if (at + n == end)
			unpack_say(unpacker, "the last text of type %#x has no end",
				   unpacker->type);
		if (unpacker->type == 0x8e)
			compare_code(unpacker, track, at, n);
		else
			r = take_text(unpacker, track, at, n);
		if (r < 0)
			return r;
		at += n + 1;
		track++;
	}
	if (track <= unpacker->disc->n_tracks)
		unpack_say(unpacker,
			   "type %#x has %u texts: one for the disc and %u for tracks belong",
			   unpacker->type, track, unpacker->disc->n_tracks);
	return 0;
}

static int take_album(struct unpacker *unpacker)
{
	size_t skip = unpacker->type == 0x87 ? 2 : 0;
	char **field = skip ? &unpacker->disc->genre_text : &unpacker->disc->catalog;
	const char *text = unpacker->payload + skip;

	if (unpacker->n_payload < skip)
		return 0;
	if (skip)
		unpacker->disc->genre = (uint32_t)(uint8_t)unpacker->payload[0] << 8 |
					(uint8_t)unpacker->payload[1];
	if (skip && !disc_genre_name(unpacker->disc->genre))
		unpack_say(unpacker, "there is no genre %u", unpacker->disc->genre);
	if (unpacker->n_payload == skip || !*text)
		return 0;
	free(*field);
	*field = latin1_to_utf8(text, strnlen(text, unpacker->n_payload - skip));
	return *field ? 0 : -ENOMEM;
}

static int end_type(struct unpacker *unpacker)
{
	int r = 0;

	if (!unpacker->n_payload)
		return 0;
	if ((unpacker->type >= 0x80 && unpacker->type <= 0x85) || unpacker->type == 0x8e)
		r = take_strings(unpacker);
	else if (unpacker->type == 0x86 || unpacker->type == 0x87)
		r = take_album(unpacker);
	unpacker->n_payload = 0;
	return r;
}

static void check_header(const struct unpacker *unpacker, const uint8_t *pack)
{
	unsigned crc = (unsigned)pack[16] << 8 | pack[17];

	if (crc != cdtext_crc(pack))
		unpack_say(unpacker, "its CRC is %04X, and its bytes have %04X", crc,
			   cdtext_crc(pack));
	if (pack[2] != (uint8_t)unpacker->pack)
		unpack_say(unpacker, "its sequence number is %u", pack[2]);
	if (pack[0] < 0x80 || pack[0] > 0x8f)
		unpack_say(unpacker, "there is no type %#x", pack[0]);
	if (pack[3] & 0x80)
		unpack_say(unpacker, "double-byte letters are not read");
}

/* Packs of language blocks after the first are only counted. */
static int take_pack(struct unpacker *unpacker, const uint8_t *pack)
{
	int r = 0;

	check_header(unpacker, pack);
	unpacker->count[pack[0] & 15]++;
	if (pack[0] == 0x8f) {
		if (pack[1] < 3) {
			memcpy(unpacker->sizes + (size_t)12 * pack[1], pack + 4, 12);
			unpacker->n_sizes++;
		}
		return end_type(unpacker);
	}
	if (pack[0] != unpacker->type)
		r = end_type(unpacker);
	unpacker->type = pack[0];
	memcpy(unpacker->payload + unpacker->n_payload, pack + 4, 12);
	unpacker->n_payload += 12;
	return r;
}

static void check_sizes(const struct unpacker *unpacker, uint32_t n_packs)
{
	const uint8_t *sizes = unpacker->sizes;

	if (unpacker->n_sizes != 3) {
		unpack_say(unpacker, "there are %u packs of sizes (0x8f), not 3",
			   unpacker->n_sizes);
		return;
	}
	if (sizes[0] != 0)
		unpack_say(unpacker, "the letters are set %#x, not ISO 8859-1", sizes[0]);
	if (sizes[1] != 1 || sizes[2] != unpacker->disc->n_tracks)
		unpack_say(unpacker, "it is for tracks %u to %u of %u", sizes[1], sizes[2],
			   unpacker->disc->n_tracks);
	for (unsigned i = 0; i < 16; i++)
		if (sizes[4 + i] != (uint8_t)unpacker->count[i])
			unpack_say(unpacker, "it says %u packs of type %#x, and there are %u",
				   sizes[4 + i], 0x80 + i, unpacker->count[i]);
	if (sizes[20] != (uint8_t)(n_packs - 1))
		unpack_say(unpacker, "it says the last pack is %u, and it is %u", sizes[20],
			   n_packs - 1);
}

int cdtext_decode(const uint8_t *bytes, size_t size, struct disc *disc, cdtext_fault fault,
		  void *data, struct cdtext_stats *ret_stats, struct mixd_error *err)
{
	_cleanup_free_ struct unpacker *unpacker = calloc(1, sizeof(*unpacker));
	uint32_t n = (uint32_t)(size / CDTEXT_PACK), n_block;

	if (!unpacker)
		return error_no_memory(err);
	*unpacker = (struct unpacker){.disc = disc, .fault = fault, .data = data};
	/* some writers end with a zero byte */
	if (size % CDTEXT_PACK > 1 || (size % CDTEXT_PACK == 1 && bytes[size - 1] != 0))
		unpack_say(unpacker, "%zu bytes are left after the last pack of 18",
			   size % CDTEXT_PACK);
	for (n_block = 0; n_block < n && n_block < CDTEXT_PACKS_MAX; n_block++) {
		const uint8_t *pack = bytes + (size_t)n_block * CDTEXT_PACK;

		if (pack[3] & 0x70)
			break;
		unpacker->pack = n_block;
		if (take_pack(unpacker, pack) < 0)
			return error_no_memory(err);
	}
	if (end_type(unpacker) < 0)
		return error_no_memory(err);
	if (n_block == CDTEXT_PACKS_MAX && n > n_block)
		unpack_say(unpacker, "its block has more than %u packs", CDTEXT_PACKS_MAX);
	check_sizes(unpacker, n_block);
	disc->language = unpacker->sizes[28];
	if (ret_stats)
		*ret_stats =
			(struct cdtext_stats){.n_packs = n, .has_codes = unpacker->count[0xe] > 0};
	return 0;
}
