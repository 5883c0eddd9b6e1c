/* spec_private.h - what the files of spec.h share: quantities, the set, numbers as text.
 *
 * NOT HERE    anything for callers: spec.h. */
#pragma once

#include "spec.h"

/* What a clause is held against. */
struct spec_input {
	const struct spec *spec;
	const struct measure_result *result;
	const struct media_info *info;
	const struct measure_result *album; /* may be NULL */
	/* Of an album as a whole; result is NULL then. */
	const struct measure_result *const *results;
	const struct media_info *const *infos;
	uint32_t n;
};

enum spec_shape { SPEC_SHAPE_NUMBER, SPEC_SHAPE_CLOCK, SPEC_SHAPE_WORD };

struct spec_quantity {
	const char *id, *label;
	const char *unit; /* of the figure */
	const char *step; /* unit of a difference */
	double precision;
	unsigned needs; /* enum measure_what */
	enum spec_shape shape;
	bool of_speech, of_album;
	/* The figure; NAN: not known. NULL for words. */
	double (*value)(const struct spec_input *input);
	const char *(*word)(const struct spec_input *input); /* NULL: not known */
	/* Why the clause does not count for this programme; NULL: it does. May be NULL. */
	const char *(*apart)(const struct spec_input *input);
	const char *unknown; /* why there may be no figure */
	const char *silent; /* what -INFINITY means; NULL: the programme is silent */
	/* What to do: {by} how much, {limit} the nearest limit, {master} the call of it that helps. "" nothing. */
	const char *above, *below;
};

/* NULL when there is none. */
const struct spec_quantity *spec_quantity_find(const char *id);
/* All ids, for the nearest word. Returns how many; at most SPACE are written. */
uint32_t spec_quantity_ids(const char **ids, uint32_t space);
#define SPEC_QUANTITIES_MAX 64u

/* VALUE rounded to the precision, "-13.2 LUFS"; without unit when UNIT is "". Returns BUF. */
const char *spec_figure(const struct spec_quantity *quantity, double value, double precision,
			const char *unit, char *buf, size_t size);
double spec_round(double value, double precision);
/* "44.1 or 48 kHz" of "44100 48000". */
void spec_words(const struct spec_quantity *quantity, const char *words, char *buf, size_t size);

struct spec_list { /* specs while they are read */
	struct spec *spec;
	uint32_t n, space;
};
struct spec_chunk; /* of texts that live as long as the set */

struct spec_set {
	struct spec_list list;
	struct spec_chunk *chunk;
	struct mixd_error *fault;
	uint32_t n_faults;
};

/* Copies live as long as the set; NULL without memory. */
char *spec_keep(struct spec_set *set, const char *text);
void *spec_keep_bytes(struct spec_set *set, size_t size);
/* All specs of TEXT at the end of set->list, or none. */
int spec_read(struct spec_set *set, const char *name, const char *origin, const char *text,
	      size_t size, struct mixd_error *err);
/* target_lufs and its kin, from the clauses. */
void spec_aim(struct spec *spec);
