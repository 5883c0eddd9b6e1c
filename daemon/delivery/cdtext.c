/* cdtext.c - see cdtext.h; reading: cdtext_decode.c.
 *
 * SOURCE      MMC-3 annex J as described by libburn (doc/cdtext.txt) and libcdio ("CD Text Format"),
 *             and the public description of DDP sets, section 7. */
#include "cdtext.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "latin1.h"

#define TYPE_DISC_ID 0x86u
#define TYPE_GENRE 0x87u
#define TYPE_CODES 0x8eu
#define TYPE_SIZES 0x8fu
#define SIZE_PACKS 3u
#define STRING_MAX 512u

struct packer {
	uint8_t bytes[(CDTEXT_PACKS_MAX + 1) * CDTEXT_PACK];
	uint32_t n_packs; /* may run past CDTEXT_PACKS_MAX: then they are only counted */
	uint32_t count[16]; /* per type */
	uint32_t fill; /* payload bytes of the pack at hand; 12: none open */
	bool shorten;
};

/* CRC-16 with the polynomial x^16 + x^12 + x^5 + 1, from 0, inverted. */
uint16_t cdtext_crc(const uint8_t *pack)
{
	unsigned crc = 0;

	for (unsigned i = 0; i < 16; i++) {
		crc ^= (unsigned)pack[i] << 8;
		for (unsigned bit = 0; bit < 8; bit++)
			crc = crc & 0x8000u ? crc << 1 ^ 0x1021u : crc << 1;
	}
	return (uint16_t)~crc;
}

static uint8_t *pack_at(struct packer *packer, uint32_t idx)
{
	return packer->bytes +
	       (size_t)(idx < CDTEXT_PACKS_MAX ? idx : CDTEXT_PACKS_MAX) * CDTEXT_PACK;
}

/* POSITION: of its first byte in its string. */
static void pack_open(struct packer *packer, unsigned type, unsigned track, size_t position)
{
	uint8_t *pack = pack_at(packer, packer->n_packs);

	memset(pack, 0, CDTEXT_PACK);
	pack[0] = (uint8_t)type;
	pack[1] = (uint8_t)track;
	pack[2] = (uint8_t)packer->n_packs;
	pack[3] = (uint8_t)(position < 15 ? position : 15);
	packer->n_packs++;
	packer->count[type & 15]++;
	packer->fill = 0;
}

/* N bytes, one string with its zero or a part of binary data, go on where the type at hand is. */
static void pack_bytes(struct packer *packer, unsigned type, unsigned track, const char *bytes,
		       size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (packer->fill == 12)
			pack_open(packer, type, track, i);
		pack_at(packer, packer->n_packs - 1)[4 + packer->fill++] = (uint8_t)bytes[i];
	}
}

static void pack_end_type(struct packer *packer)
{
	packer->fill = 12;
}

/* ---- texts ---------------------------------------------------------------------------------- */

/* The key of an album's document that gives WHAT to the disc alone; where there is none, to all. */
static const char *key_of(const char *what)
{
	if (strcmp(what, disc_text_names[DISC_TITLE]) == 0)
		return "cd_title";
	if (strcmp(what, disc_text_names[DISC_PERFORMER]) == 0)
		return "cd_artist";
	return what;
}

static int bad_letter(const struct disc *disc, int track, const char *what, const char *text,
		      const struct latin1_fault *fault, struct mixd_error *err)
{
	char name[120] = "the album", plain[200];

	if (track >= 0)
		disc_track_name(disc, (uint32_t)track, name, sizeof(name));
	if (fault->codepoint)
		error_set(err, ERROR_INVALID, NULL,
			  "%s: the %s has the letter %s (U+%04X), which CD-Text (ISO 8859-1) has "
			  "not",
			  name, what, fault->letter, fault->codepoint);
	else
		error_set(err, ERROR_INVALID, NULL, "%s: the %s is not UTF-8", name, what);
	latin1_plain(text, plain, sizeof(plain));
	error_hint(err, "give the disc another text: %s: \"%.160s\"", key_of(what), plain);
	return -EINVAL;
}

/* The Latin-1 text of track T (-1: disc) for TYPE into BUF. */
static int text_of(const struct disc *disc, int t, int kind, char buf[STRING_MAX],
		   struct mixd_error *err)
{
	char *const *texts = t < 0 ? disc->text : disc->track[t].text;
	const char *text = texts[kind] ? texts[kind] : "";
	struct latin1_fault fault;

	if (!latin1_from_utf8(text, buf, STRING_MAX, &fault))
		return bad_letter(disc, t, disc_text_names[kind], text, &fault, err);
	return 0;
}

static bool has_text(const struct disc *disc, int kind)
{
	if (disc->text[kind])
		return true;
	for (uint32_t t = 0; t < disc->n_tracks; t++)
		if (disc->track[t].text[kind])
			return true;
	return false;
}

static int pack_texts(struct packer *packer, const struct disc *disc, int kind,
		      struct mixd_error *err)
{
	char text[STRING_MAX], before[STRING_MAX] = "";

	if (!has_text(disc, kind))
		return 0;
	for (int t = -1; t < (int)disc->n_tracks; t++) {
		int r = text_of(disc, t, kind, text, err);
		bool repeats =
			packer->shorten && t > 0 && strlen(text) > 1 && strcmp(text, before) == 0;

		if (r < 0)
			return r;
		pack_bytes(packer, 0x80u + (unsigned)kind, (unsigned)(t + 1), repeats ? "\t" : text,
			   repeats ? 2 : strlen(text) + 1);
		memcpy(before, text, sizeof(before));
	}
	pack_end_type(packer);
	return 0;
}

static int pack_album(struct packer *packer, const struct disc *disc, struct mixd_error *err)
{
	char text[STRING_MAX], code[2] = {0, (char)disc->genre};
	struct latin1_fault fault;

	if (disc->catalog) {
		if (!latin1_from_utf8(disc->catalog, text, sizeof(text), &fault))
			return bad_letter(disc, -1, "catalog", disc->catalog, &fault, err);
		pack_bytes(packer, TYPE_DISC_ID, 0, text, strlen(text) + 1);
		pack_end_type(packer);
	}
	if (disc->genre) {
		const char *more = disc->genre_text ? disc->genre_text : "";

		if (!latin1_from_utf8(more, text, sizeof(text), &fault))
			return bad_letter(disc, -1, "genre_text", more, &fault, err);
		pack_bytes(packer, TYPE_GENRE, 0, code, sizeof(code));
		pack_bytes(packer, TYPE_GENRE, 0, text, strlen(text) + 1);
		pack_end_type(packer);
	}
	return 0;
}

static bool pack_codes(struct packer *packer, const struct disc *disc)
{
	bool has_any = disc->upc[0];

	for (uint32_t t = 0; t < disc->n_tracks; t++)
		has_any = has_any || disc->track[t].isrc[0];
	if (!has_any)
		return false;
	pack_bytes(packer, TYPE_CODES, 0, disc->upc, strlen(disc->upc) + 1);
	for (uint32_t t = 0; t < disc->n_tracks; t++)
		pack_bytes(packer, TYPE_CODES, t + 1, disc->track[t].isrc,
			   strlen(disc->track[t].isrc) + 1);
	pack_end_type(packer);
	return true;
}

/* 36 bytes about the block, in three packs. */
static void pack_sizes(struct packer *packer, const struct disc *disc)
{
	uint8_t sizes[36] = {0x00, 1, (uint8_t)disc->n_tracks, 0};
	char part[12];

	packer->count[TYPE_SIZES & 15] = 0;
	for (unsigned i = 0; i < 16; i++)
		sizes[4 + i] = (uint8_t)packer->count[i];
	sizes[4 + 15] = SIZE_PACKS;
	sizes[20] = (uint8_t)(packer->n_packs + SIZE_PACKS - 1);
	sizes[28] = disc->language;
	for (unsigned i = 0; i < SIZE_PACKS; i++) {
		memcpy(part, sizes + (size_t)12 * i, sizeof(part));
		pack_end_type(packer);
		pack_bytes(packer, TYPE_SIZES, i, part, sizeof(part));
	}
}

static int pack_all(struct packer *packer, const struct disc *disc, bool shorten, bool codes,
		    struct cdtext_stats *stats, struct mixd_error *err)
{
	int r = 0;

	memset(packer, 0, sizeof(*packer));
	packer->shorten = shorten;
	packer->fill = 12;
	for (int kind = 0; kind < DISC_TEXTS && r == 0; kind++)
		r = pack_texts(packer, disc, kind, err);
	if (r == 0)
		r = pack_album(packer, disc, err);
	if (r < 0)
		return r;
	stats->has_codes = codes && pack_codes(packer, disc);
	stats->is_shortened = shorten;
	pack_sizes(packer, disc);
	stats->n_packs = packer->n_packs;
	return 0;
}

static bool wants_cdtext(const struct disc *disc)
{
	for (int kind = 0; kind < DISC_TEXTS; kind++)
		if (has_text(disc, kind))
			return true;
	return disc->catalog || disc->genre;
}

int cdtext_encode(const struct disc *disc, uint8_t **ret, size_t *ret_size,
		  struct cdtext_stats *ret_stats, struct mixd_error *err)
{
	/* from all to the least that says the same */
	static const struct {
		bool shorten, codes;
	} ways[] = {{false, true}, {true, true}, {true, false}};
	_cleanup_free_ struct packer *packer = NULL;
	struct cdtext_stats stats = {0};
	uint8_t *bytes;

	*ret = NULL;
	*ret_size = 0;
	if (ret_stats)
		*ret_stats = stats;
	if (!wants_cdtext(disc))
		return 0;
	packer = malloc(sizeof(*packer));
	if (!packer)
		return error_no_memory(err);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		int r = pack_all(packer, disc, ways[i].shorten, ways[i].codes, &stats, err);

		if (r < 0)
			return r;
		if (stats.n_packs <= CDTEXT_PACKS_MAX)
			break;
	}
	if (stats.n_packs > CDTEXT_PACKS_MAX) {
		error_set(err, ERROR_INVALID, NULL, "CD-Text needs %u packs, and has room for %u",
			  stats.n_packs, CDTEXT_PACKS_MAX);
		error_hint(err,
			   "shorten about %u letters: leave out messages, arrangers and "
			   "composers first, or give shorter cd_title and cd_artist",
			   (stats.n_packs - CDTEXT_PACKS_MAX) * 12);
		return -ENOSPC;
	}
	bytes = malloc((size_t)stats.n_packs * CDTEXT_PACK);
	if (!bytes)
		return error_no_memory(err);
	for (uint32_t i = 0; i < stats.n_packs; i++) {
		uint8_t *pack = packer->bytes + (size_t)i * CDTEXT_PACK;
		uint16_t crc = cdtext_crc(pack);

		pack[16] = (uint8_t)(crc >> 8);
		pack[17] = (uint8_t)crc;
	}
	memcpy(bytes, packer->bytes, (size_t)stats.n_packs * CDTEXT_PACK);
	*ret = bytes;
	*ret_size = (size_t)stats.n_packs * CDTEXT_PACK;
	if (ret_stats)
		*ret_stats = stats;
	return 0;
}
