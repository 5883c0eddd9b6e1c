/* graph_session_private.h - one session file being read. Only graph_session*.c include this.
 *
 * THREADS     [any] */
#pragma once

#include "graph_model_private.h"
#include "graph_session.h"
#include "graph_session_doc.h"

struct session {
	const char *name; /* of the file */
	struct mixd_error *err;
	struct graph_model *model; /* scratch: what the file has said so far */
	Mixd__V1__Graph *graph; /* the result */
	bool whole; /* the file is all there will be: links name its nodes, and close no cycle */
	const struct session_node *
		*link_at; /* where the links of the scratch model stand: by uid */
};

/* -EINVAL at NODE, with the remedy. */
__attribute__((format(printf, 4, 5))) int session_fault(const struct session *session,
							const struct session_node *node,
							const char *hint, const char *fmt, ...);
/* An error from below, about ADDRESS, becomes one at NODE: "limit.ceiling: ..." */
int session_relocate(const struct session *session, const struct session_node *node,
		     const char *address);
/* Refuse keys of MAP that are not among WORDS. */
int session_check_keys(const struct session *session, const struct session_node *map,
		       const char *const *words, uint32_t n);
/* Refuse NODE unless it is of KIND; WHAT names it. */
int session_want(const struct session *session, const struct session_node *node,
		 enum session_kind kind, const char *what);

/* With links read: refuse a cycle, at the last of its links in the file. */
int session_check_cycles(const struct session *session);
int session_read_links(const struct session *session, const struct session_node *list);
int session_read_envelopes(const struct session *session, const struct session_node *list);
