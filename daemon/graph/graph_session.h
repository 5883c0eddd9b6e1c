/* graph_session.h - the session file: YAML or JSON a person writes <-> a graph message.
 *
 * WHAT        Parse (design 8): `mixd: 1`, name, nodes, links ("a -> b -> c", "duck:key"),
 *             envelopes. Unknown keys, types, params and units are errors with line and column and
 *             the nearest right word. Write: canonical, sorted, with units, only what differs from
 *             the defaults.
 * FORM        mixd: 1; name; nodes: {NAME: {type: T, ID: VALUE, band1: {ID: VALUE}}}; links: [a -> b
 *             -> c:key, {from: a, to: b, gain: -6dB}]; envelopes: [{address: a.gain, curve: log,
 *             points: [0s=-60dB, [3s, 0dB]]}]. A port stands only at the ends of a chain. A link
 *             may name a node that the file does not: with `merge` it is one that runs. A config that
 *             is a list of clips may be a list of maps. `on: timeline` makes an envelope follow the
 *             transport, and its times may be markers. markers: {verse: 12.5s, end: "3:05"}.
 * TRACKS      tracks and buses are short for nodes and links (graph_session_tracks.c says which):
 *             tracks: {vox: {clips: [{file: vox.wav, at: 0s}], strip: [{type: eq}, comp], gain: -3dB,
 *             pan: L20, sends: {fx/reverb: -12dB}, bus: mix}, drums: drums.wav}
 *             buses: {mix: {strip: [{type: limiter}], bus: out}}. What is written has nodes and links.
 * NAME        a label for the reader. It is not kept: a model has the name of its instance, which
 *             is what is written.
 * THREADS     [main] */
#pragma once

#include "graph_txn.h"

/* NAME is for errors ("onair.yaml"); FORMAT "yaml", "json" or NULL (JSON is YAML, so NULL serves
 * both). *ret: values as numbers and texts, checked against TYPES. -EINVAL: err->address is
 * "onair.yaml:12:5". */
int graph_session_parse(const struct graph_types *types, const char *name, const char *text,
			size_t size, const char *format, Mixd__V1__Graph **ret,
			struct mixd_error *err);
/* The same for a file that is to be the whole graph (no `merge`): links that name a node it does not
 * have, and cycles, are errors with their place, too. */
int graph_session_parse_whole(const struct graph_types *types, const char *name, const char *text,
			      size_t size, const char *format, Mixd__V1__Graph **ret,
			      struct mixd_error *err);
/* The same, with the folder in which relative names of clips' files begin; NULL, "": they stay as they
 * are. */
int graph_session_parse_in(const struct graph_types *types, const char *folder, const char *name,
			   const char *text, size_t size, const char *format, Mixd__V1__Graph **ret,
			   struct mixd_error *err);
int graph_session_parse_whole_in(const struct graph_types *types, const char *folder,
				 const char *name, const char *text, size_t size,
				 const char *format, Mixd__V1__Graph **ret, struct mixd_error *err);
/* Returned: malloc'd text. FORMAT "yaml" or "json". */
char *graph_session_write(const struct graph_model *model, const char *format);
/* The operations that turn MODEL into WANTED (in an order that applies cleanly). MERGE: only add
 * and change. Returned: owned array of owned ops. */
int graph_session_diff(const struct graph_model *model, const Mixd__V1__Graph *wanted, bool merge,
		       Mixd__V1__Op ***ret_ops, uint32_t *ret_n, struct mixd_error *err);
/* TEXT of a session file with an edit of the clips of PLAYER (a node, or a track), in which nothing but
 * those clips is another: comments and order stay. Refused where a comment would be lost. SAID (at most
 * SIZE bytes) is what was done, in words. *ret: malloc'd. */
struct graph_edit_wish; /* graph_clips.h */
int graph_session_edit(const char *name, const char *text, size_t text_size, const char *player,
		       const struct graph_edit_wish *wish, char **ret, char *said, size_t size,
		       struct mixd_error *err);
/* The clips of PLAYER in a session file, with names of files as they stand there. */
struct cliplist;
int graph_session_clips(const char *name, const char *text, size_t text_size, const char *player,
			struct cliplist *ret, struct mixd_error *err);
void graph_ops_free(Mixd__V1__Op **ops, uint32_t n);
/* One line per operation, as mixctl would say it: "set limit.ceiling=-2dBTP". Returned: malloc'd.
 */
char *graph_op_text(const struct graph_model *model, const Mixd__V1__Op *op);
