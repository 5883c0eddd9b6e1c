/* redbook.h - what an audio CD may be (IEC 60908), as a list of what is wrong with one.
 *
 * THREADS     [any]
 * NOT HERE    the form of codes: disc.h; what letters CD-Text has: cdtext.h. */
#pragma once

#include "disc.h"

#define REDBOOK_TRACK_SECTORS_MIN 300u /* 4 s */
#define REDBOOK_LEAD_OUT_MAX 449999u /* 99:59:74 */

enum redbook_media { REDBOOK_80MIN, REDBOOK_74MIN, REDBOOK_NONE };

/* Called for each fault. TRACK: index, or -1 for the disc. */
typedef void (*redbook_fault)(void *data, int track, const char *text, const char *hint);

/* How many faults DISC has. FAULT may be NULL. */
uint32_t redbook_check(const struct disc *disc, enum redbook_media media, redbook_fault fault,
		       void *data);
/* The latest lead-out of MEDIA, in sectors. */
uint32_t redbook_limit(enum redbook_media media);
