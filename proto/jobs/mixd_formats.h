/* mixd_formats.h - formats of files that are written, as data: names, and what beside sound each has a
 * place for.
 *
 * WHAT        One row per format. `mixctl help formats`, the manual page and the choices of --format are
 *             made from it; daemon/delivery/tags_lost.c tells by it which tags a file will not have.
 * INVARIANTS  F1 names and endings are those of daemon/render/media_format.c (tests/unit/test_formats.c)
 *             F2 what a row says is carried can be read back, and the rest cannot
 *                (tests/deliver/test_formats.py).
 * THREADS     immutable. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum mixd_carries {
	MIXD_CARRIES_MARKS = 1u << 0, /* cue points, chapters */
	MIXD_CARRIES_PICTURE = 1u << 1,
	MIXD_CARRIES_GAIN = 1u << 2, /* ReplayGain, or R128 in Opus */
	MIXD_CARRIES_BEXT = 1u << 3, /* EBU Tech 3285, with measured loudness */
	MIXD_CARRIES_IXML = 1u << 4,
};
#define MIXD_CARRIES_COUNT 5u

struct mixd_format {
	const char *name; /* NULL ends the table */
	const char *ending;
	const char *doc;
	const char *texts; /* names between blanks: " TITLE ARTIST "; NULL: any */
	unsigned carries; /* enum mixd_carries */
};

extern const struct mixd_format mixd_formats[];
/* The names alone, in the same order; ends with NULL. */
extern const char *const mixd_format_names[];

const struct mixd_format *mixd_format_find(const char *name); /* NULL when there is none */
/* Whether FORMAT has a place for the text NAME (upper case: "ISRC"). */
bool mixd_format_has_text(const struct mixd_format *format, const char *name);
/* What bit IDX (below MIXD_CARRIES_COUNT) is called: "chapters and cue points". */
const char *mixd_carries_name(unsigned idx);
