/* graph_session_private.h - one session file being read. Only graph_session*.c include this.
 *
 * THREADS     [any] */
#pragma once

#include "cliplist.h"
#include "graph_model_private.h"
#include "graph_session.h"
#include "graph_session_doc.h"

struct session {
	const char *name; /* of the file */
	struct mixd_error *err;
	struct graph_model *model; /* scratch: what the file has said so far */
	Mixd__V1__Graph *graph; /* the result */
	const char *folder; /* of relative names of clips' files, or NULL */
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

/* A node that is being read. */
struct session_new {
	struct graph_node *node;
	Mixd__V1__Node *message; /* of the result */
};
/* NAME is free and good; faults are at AT. */
int session_node_begin(const struct session *session, const struct session_node *at,
		       const char *name, const struct graph_type *type, struct session_new *ret);
int session_node_setting(const struct session *session, const struct session_new *new,
			 const char *id, const struct session_node *value);
int session_node_text(const struct session *session, const struct session_new *new, const char *id,
		      const char *text, const struct session_node *at);
/* All of MAP but the keys SKIP (NULL-terminated). */
int session_node_settings(const struct session *session, const struct session_new *new,
			  const struct session_node *map, const char *const *skip);
/* R is how reading went: the node is in the scratch model, or gone. Returns R. */
int session_node_end(const struct session *session, struct session_new *new, int r);
int session_read_type(const struct session *session, const struct session_node *type,
		      const struct graph_type **ret);
/* The link FROM -> TO (nodes or ports) with VALUES. */
int session_read_link(const struct session *session, const struct session_node *at,
		      const char *from, const char *to, const struct graph_link *values);
/* What a map says of a link: level, pan, mute, tap. */
int session_read_link_values(const struct session *session, const struct session_node *map,
			     struct graph_link *values);

/* ---- graph_session_clips.c ---- */
/* A list of maps, or a text -> the canonical text, with FOLDER in front of relative names. *ret:
 * malloc'd. */
int session_read_clips(const struct session *session, const struct session_node *value,
		       const char *address, char **ret);
/* The list without FOLDER. *ret: cliplist_done(), also on failure. */
int session_read_cliplist(const struct session *session, const struct session_node *value,
			  const char *address, struct cliplist *ret);
int session_read_markers(const struct session *session, const struct session_node *map);
/* ---- graph_session_tracks.c ---- */
/* Either may be NULL. */
int session_read_tracks(const struct session *session, const struct session_node *tracks,
			const struct session_node *buses);

/* With links read: refuse a cycle, at the last of its links in the file. */
int session_check_cycles(const struct session *session);
int session_read_links(const struct session *session, const struct session_node *list);
int session_read_envelopes(const struct session *session, const struct session_node *list);
