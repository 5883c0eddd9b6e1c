/* graph_clips.h - the time line in the graph: positions, and edits of the clips of a player.
 *
 * WHAT        An edit changes the list of clips in a node's config and nothing else: files are never
 *             touched, and the way back is the list from before. Edits are a table (graph_edits): what
 *             mixctl offers, what EditClips takes, and what edits a session file.
 * EDITS       cut AT: every clip there becomes two. silence FROM TO: what lies between goes.
 *             delete FROM TO: the same; with ripple what is behind moves up. nudge CLIP BY: the clip
 *             moves on the time line. slip CLIP BY: its sound moves inside its borders. trim CLIP:
 *             from the head, from the tail, or both, to the sound. fade CLIP in|out T [CURVE].
 *             crossfade CLIP CLIP T [CURVE]: the second begins T before the first ends. gain CLIP DB;
 *             name CLIP TEXT; loop CLIP N; reverse CLIP; speed CLIP PERCENT; add FILE [AT]; rm CLIP;
 *             move CLIP AT. CLIP is a number from 1, or a name.
 * THREADS     [main]
 * INVARIANTS  L1 an edit gives a list that cliplist_parse() takes, or changes nothing.
 *             L2 frames keep their places: what sounds at a frame of the time line after a cut is what
 *                sounded there before. Arithmetic is in frames of the rate; a time stays in the unit
 *                it was written in.
 * NOT HERE    the text of a list: nodes/dsp/cliplist.h. */
#pragma once

#include "cliplist.h"
#include "graph_model.h"

#define GRAPH_RATE_DEFAULT 48000.0
#define GRAPH_EDIT_ARGS_MAX 8u

/* TEXT -> seconds: "12.5s" "1:23.456" "48000fr", a marker, "start", "+=5s" from NOW_S. -ENOENT names
 * the nearest marker. */
int graph_position_parse(const struct graph_model *model, const char *text, double now_s,
			 const char *address, double *ret_s, struct mixd_error *err);
/* "1:23.456" */
void graph_position_format(double at_s, char *buf, size_t size);
/* The last marker at or before AT_S, or NULL. */
const struct graph_marker *graph_model_marker_before(const struct graph_model *model, double at_s);

/* What an edit may want to know of a file. */
struct graph_sound {
	int64_t n_frames; /* of the file, at the rate */
	int64_t first,
		last; /* the first frame above the threshold, and the one behind the last; equal: none */
};
struct graph_sound_query {
	const char *file;
	double rate;
	bool sound; /* first and last are asked for, too ... */
	double threshold_db; /* ... of what is above, between ... */
	int64_t from, to; /* ... these frames; to < 0: the end */
};

struct graph_edit_wish {
	const char *edit; /* "cut" */
	char *const *args;
	size_t n_args;
	const struct graph_edit_option {
		const char *name, *value;
	} * options;
	size_t n_options;
	double rate; /* of the frames; 0: GRAPH_RATE_DEFAULT */
	const struct graph_model *model; /* for markers, may be NULL */
	/* -errno with *err. NULL: files are out of reach, and edits that need them are refused. */
	int (*find_sound)(void *data, const struct graph_sound_query *query,
			  struct graph_sound *ret, struct mixd_error *err);
	void *find_sound_data;
};
/* LIST is edited in place; on failure it is as before. *ret_text (may be NULL): what was done, in words, at most
 * SIZE bytes. */
int graph_clips_edit(struct cliplist *list, const struct graph_edit_wish *wish, char *ret_text,
		     size_t size, struct mixd_error *err);

/* The edits, for help and completion: NULL-terminated by name. */
struct graph_edit {
	const char *name;
	const char *usage; /* "AT" */
	const char *doc;
};
const struct graph_edit *graph_edits(void);
/* The player NAME, or NAME/player of the track NAME; *ret_config is its list of clips. -ENOENT, -EINVAL. */
int graph_model_find_player(const struct graph_model *model, const char *name,
			    struct graph_node **ret_node, int *ret_config, struct mixd_error *err);
/* The index of the config that is a list of clips, or -1. */
int graph_node_clips(const struct graph_node *node);
