/* graph_session_doc.h - YAML or JSON text -> a small tree that remembers lines and columns.
 *
 * WHAT        libyaml's events, without what a session file does not need and a hostile one would
 *             use: anchors, aliases, tags, several documents, depth, size. JSON is read as the YAML
 *             it is (tabs between tokens aside).
 * THREADS     [any] */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

#define SESSION_SIZE_MAX (1u << 20)
#define SESSION_DEPTH_MAX 8u
#define SESSION_NODES_MAX 262144u
#define SESSION_KEYS_MAX 8192u /* of one map: each is compared with all before it */

enum session_kind { SESSION_SCALAR, SESSION_LIST, SESSION_MAP };

struct session_node {
	enum session_kind kind;
	bool quoted;
	bool flow; /* a list in brackets, a map in braces */
	uint32_t line, column; /* from 1 */
	uint32_t begin,
		end; /* characters (not bytes) of the text; of a block: up to what follows it */
	char *text; /* scalar */
	struct session_node *key; /* of an entry in a map */
	struct session_node *first, *last; /* entries of a list or map (map: their values) */
	struct session_node *next; /* entry after this one */
	struct session_node *all; /* for freeing */
	uint32_t n; /* entries */
};

/* FORMAT "yaml", "json" or NULL. -EINVAL: err->address is "NAME:line:column". */
int session_doc_parse(const char *name, const char *text, size_t size, const char *format,
		      struct session_node **ret, struct mixd_error *err);
struct session_node *session_doc_free(struct session_node *root);
/* Value of KEY in a map, or NULL. */
struct session_node *session_doc_get(const struct session_node *map, const char *key);
/* ERROR_INVALID at NODE; the remedy is the caller's to add. */
__attribute__((format(printf, 4, 5))) int session_doc_error(const char *name,
							    const struct session_node *node,
							    struct mixd_error *err, const char *fmt,
							    ...);
