/* cdtext.h - CD-Text: titles, names and codes of a disc, as the 18-byte packs of the lead-in.
 *
 * LAYOUT      0 type - 1 track of byte 4 - 2 sequence - 3 block (bits 6..4) and position of byte 4 in
 *             its string (bits 3..0, at most 15) - 4..15 payload - 16..17 CRC-16 of 0..15, inverted,
 *             high byte first. Strings end with a zero byte: the disc's, then each track's; the last
 *             pack of a type is filled up with zeros. The last three packs (0x8f) say how many
 *             there are.
 * LIMITS      one block of at most 256 packs, ISO 8859-1. When it gets tight, repeated texts become
 *             TAB ("as the track before") and codes (0x8e, also in the PQ descriptor) are left out.
 * THREADS     [any] */
#pragma once

#include "disc.h"

#define CDTEXT_PACK 18u
#define CDTEXT_PACKS_MAX 256u

struct cdtext_stats {
	uint32_t n_packs;
	bool is_shortened; /* repeated texts are TAB */
	bool has_codes; /* UPC/EAN and ISRC are in it */
};

/* *ret is malloc'd; NULL with size 0 when DISC has no text. -EINVAL names the track and the letter
 * that cannot be written, -ENOSPC says how much is too much. RET_STATS may be NULL. */
int cdtext_encode(const struct disc *disc, uint8_t **ret, size_t *ret_size,
		  struct cdtext_stats *ret_stats, struct mixd_error *err);

/* What a reader has to say about a pack. */
typedef void (*cdtext_fault)(void *data, uint32_t pack, const char *text);
/* Texts of DISC, whose tracks are there already (PQ), from BYTES; UPC and ISRCs are compared with
 * those of DISC. What is strange goes to FAULT. -ENOMEM. RET_STATS may be NULL. */
int cdtext_decode(const uint8_t *bytes, size_t size, struct disc *disc, cdtext_fault fault,
		  void *data, struct cdtext_stats *ret_stats, struct mixd_error *err);
/* The checksum of a pack's first 16 bytes. */
uint16_t cdtext_crc(const uint8_t *pack);
