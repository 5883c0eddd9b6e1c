/* spec_reader.h - values of a page of specs, checked: faults have their line and column, and the nearest
 * right word.
 *
 * THREADS     one at a time per object.
 * NOT HERE    what the keys mean: spec_read.c. */
#pragma once

#include "graph_session_doc.h"
#include "spec_private.h"

struct spec_reader {
	struct spec_set *set;
	const char *name, *origin;
	struct mixd_error *err;
	struct spec spec; /* at hand */
	const struct spec_quantity *quantity; /* of the clause at hand */
	bool is_borrowed; /* source, date and grade of the spec are those of another (like:) */
};

/* All -EINVAL with *err, or -ENOMEM. A fault at NODE; HINT (or NULL) says what would be right. */
__attribute__((format(printf, 4, 5))) int spec_reader_fault(struct spec_reader *reader,
							    const struct session_node *node,
							    const char *hint, const char *fmt, ...);
/* WORD is none of WORDS; WHAT they are. */
int spec_reader_unknown(struct spec_reader *reader, const struct session_node *node,
			const char *what, const char *word, const char *const *words, uint32_t n);
/* All keys of MAP are among WORDS. */
int spec_reader_keys(struct spec_reader *reader, const struct session_node *map,
		     const char *const *words, uint32_t n);
int spec_reader_kind(struct spec_reader *reader, const struct session_node *node,
		     enum session_kind kind);
/* The text of KEY, kept; OTHERWISE without it. */
int spec_reader_text(struct spec_reader *reader, const struct session_node *map, const char *key,
		     const char *otherwise, const char **ret);
/* NODE as a number in UNIT, or in one that stands for it. */
int spec_reader_figure(struct spec_reader *reader, const struct session_node *node,
		       const char *unit, double *ret);
/* The figure of KEY; *ret stays without it. */
int spec_reader_number(struct spec_reader *reader, const struct session_node *map, const char *key,
		       const char *unit, double *ret);
/* Which of WORDS; *ret stays without KEY. */
int spec_reader_choice(struct spec_reader *reader, const struct session_node *map, const char *key,
		       const char *const *words, uint32_t n, uint32_t *ret);
