/* disc.h - an audio CD as data: tracks, indexes, codes and texts; where things are, not what sounds.
 *
 * WHAT        The one model that PQ lists, CD-Text, cue sheets and DDP sets are written from and read
 *             into. Places are sectors (1/75 s, 588 frames) from the start of the image, track 1's
 *             pregap included.
 * THREADS     [any], one at a time per object.
 * NOT HERE    what is allowed: redbook.h; bytes: pq.h cdtext.h ddp.h; text: cue.h. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

#define DISC_TRACKS_MAX 99u
#define DISC_INDEXES_MAX 99u
#define DISC_RATE_HZ 44100u
#define DISC_SECTOR_FRAMES 588u
#define DISC_SECTOR_BYTES 2352u
#define DISC_SECTORS_PER_SECOND 75u
#define DISC_PREGAP_SECTORS 150u

/* In the order of CD-Text's pack types, 0x80 and on. */
enum disc_text {
	DISC_TITLE,
	DISC_PERFORMER,
	DISC_SONGWRITER,
	DISC_COMPOSER,
	DISC_ARRANGER,
	DISC_MESSAGE,
	DISC_TEXTS,
};
extern const char *const disc_text_names[DISC_TEXTS]; /* "title" ... */

/* The first three are the bits of the Q subcode's control nibble. */
enum disc_flag { DISC_PRE = 1u << 0, DISC_DCP = 1u << 1, DISC_4CH = 1u << 3, DISC_SCMS = 1u << 4 };

struct disc_track {
	uint32_t number; /* 1..99 */
	char *text[DISC_TEXTS]; /* owned, UTF-8; NULL: none */
	char isrc[13]; /* "" or 12 characters */
	unsigned flags; /* enum disc_flag */
	bool has_pregap;
	uint32_t pregap; /* index 00 */
	uint32_t index[DISC_INDEXES_MAX]; /* index 01 and on */
	uint32_t n_indexes;
};

struct disc {
	char *text[DISC_TEXTS]; /* owned, UTF-8; NULL: none */
	char upc[14]; /* "" or 13 digits */
	char master_id[49]; /* ASCII; does not reach the disc */
	char *catalog; /* owned: the label's number, for CD-Text 0x86; NULL: none */
	uint32_t genre; /* CD-Text 0x87; 0: none */
	char *genre_text; /* owned: goes with it; NULL: none */
	uint8_t language; /* EBU Tech 3264, appendix 3; 9: English */
	struct disc_track *track; /* owned */
	uint32_t n_tracks;
	uint32_t lead_out; /* = sectors of the image */
};

void disc_init(struct disc *disc);
void disc_done(struct disc *disc);
/* Another track, numbered after the last. NULL without memory or beyond DISC_TRACKS_MAX. */
struct disc_track *disc_add(struct disc *disc);
/* Sectors from index 01 of track IDX to index 01 of the next, or to the lead-out. */
uint32_t disc_track_sectors(const struct disc *disc, uint32_t idx);
/* "MM:SS:FF". */
void disc_msf(uint32_t sector, char ret[12]);
/* "track 3 'Coda'". */
void disc_track_name(const struct disc *disc, uint32_t idx, char *buf, size_t size);

/* 12 or 13 digits -> 13, with the right check digit. -EINVAL with text and hint in *err; its address
 * is the caller's. */
int disc_upc(const char *text, char ret[14], struct mixd_error *err);
/* "US-ABC-12-34567" or without dashes -> 12 characters in capitals. -EINVAL as above. */
int disc_isrc(const char *text, char ret[13], struct mixd_error *err);
/* "Pop Music" -> 20, letters of any case; 0 and *err when there is none. */
uint32_t disc_genre(const char *text, struct mixd_error *err);
const char *disc_genre_name(uint32_t genre); /* NULL: no such number */
/* "en" "de" ... -> language code of CD-Text, 0: not known. */
uint8_t disc_language(const char *text);
