/* graph_session_clips.c - clips and markers of a session file. */
#include "graph_session_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "cliplist.h"
#include "graph_clips.h"
#include "graph_proto.h"

/* A fault of a clip, at NODE. */
static int clip_fault(const struct session *session, const struct session_node *node,
		      const char *address, const struct mixd_fault *fault)
{
	int r = session_doc_error(session->name, node, session->err, "%.120s: %s", address,
				  fault->text);

	error_hint(session->err, "%s", fault->hint);
	return r;
}

static int read_clip(const struct session *session, const struct session_node *map,
		     const char *address, struct clip *clip)
{
	struct mixd_fault fault = {0};
	uint32_t n = 0;
	int r = session_want(session, map, SESSION_MAP, "a clip");

	while (cliplist_keys[n])
		n++;
	if (r == 0)
		r = session_check_keys(session, map, cliplist_keys, n);
	for (const struct session_node *value = r < 0 ? NULL : map->first; r == 0 && value;
	     value = value->next) {
		r = session_want(session, value, SESSION_SCALAR, value->key->text);
		if (r < 0)
			return r;
		r = clip_set(clip, value->key->text, value->text, &fault);
		if (r == -EINVAL)
			r = clip_fault(session, value, address, &fault);
	}
	if (r == 0 && clip_check(clip, &fault) < 0)
		r = clip_fault(session, map, address, &fault);
	return r == -ENOMEM ? error_no_memory(session->err) : r;
}

static int read_list(const struct session *session, const struct session_node *list,
		     const char *address, struct cliplist *ret)
{
	int r = 0;

	for (const struct session_node *map = list->first; r == 0 && map; map = map->next) {
		struct mixd_fault fault = {0};
		struct clip clip;

		clip_init(&clip);
		r = read_clip(session, map, address, &clip);
		if (r == 0)
			r = cliplist_insert(ret, ret->n, &clip, &fault);
		if (r < 0)
			clip_done(&clip);
		if (r == -ENOSPC)
			r = clip_fault(session, map, address, &fault);
	}
	return r == -ENOMEM ? error_no_memory(session->err) : r;
}

static int read_text(const struct session *session, const struct session_node *value,
		     const char *address, struct cliplist *ret)
{
	struct mixd_fault fault = {0};
	char text[224];
	size_t at = 0;
	int r = cliplist_parse(value->text, ret, &at, &fault);

	if (r == -ENOMEM)
		return error_no_memory(session->err);
	if (r == 0)
		return 0;
	if (value->text[strspn(value->text, " ")] == '[') {
		snprintf(text, sizeof(text), "character %zu: %s", at + 1, fault.text);
		snprintf(fault.text, sizeof(fault.text), "%.190s", text);
	}
	return clip_fault(session, value, address, &fault);
}

/* Relative names begin at the folder of the session. */
static bool into_folder(const struct session *session, struct cliplist *list)
{
	for (uint32_t i = 0; session->folder && session->folder[0] && i < list->n; i++) {
		struct clip *clip = &list->clip[i];
		char *path;

		if (clip->file[0] == '/')
			continue;
		if (asprintf(&path, "%s/%s", session->folder, clip->file) < 0)
			return false;
		free(clip->file);
		clip->file = path;
	}
	return true;
}

int session_read_cliplist(const struct session *session, const struct session_node *value,
			  const char *address, struct cliplist *ret)
{
	return value->kind == SESSION_LIST ? read_list(session, value, address, ret)
					   : read_text(session, value, address, ret);
}

int session_read_clips(const struct session *session, const struct session_node *value,
		       const char *address, char **ret)
{
	struct cliplist list = {0};
	char *text;
	int r;

	r = session_read_cliplist(session, value, address, &list);
	if (r < 0) {
		cliplist_done(&list);
		return r;
	}
	text = into_folder(session, &list) ? cliplist_write(&list) : NULL;
	cliplist_done(&list);
	if (!text)
		return error_no_memory(session->err);
	*ret = text;
	return 0;
}

/* ---- markers ---- */

static int read_marker(const struct session *session, const struct session_node *value)
{
	Mixd__V1__Graph *graph = session->graph;
	const char *name = value->key->text;
	struct graph_marker *marker;
	double at_s = 0.0;
	struct clip_time time;
	int r = session_want(session, value, SESSION_SCALAR, name);

	if (r < 0)
		return r;
	/* the file plays at any rate, and a marker stays where it is */
	if (clip_time_parse(value->text, false, &time, NULL) == 0 && time.in_frames)
		return session_fault(session, value, "write it in seconds, as in 2.5s or 1:02.5",
				     "a marker is not counted in frames: a session has no rate of "
				     "its own");
	if (graph_position_parse(session->model, value->text, 0.0, NULL, &at_s, session->err) < 0)
		return session_relocate(session, value, "");
	if (graph_marker_check(name, at_s, session->err) < 0)
		return session_relocate(session, value->key, "");
	marker = graph_marker_new(name, at_s);
	if (!marker)
		return error_no_memory(session->err);
	graph_model_put_marker(session->model, marker);
	graph->markers[graph->n_markers] = graph_proto_marker(marker);
	if (!graph->markers[graph->n_markers])
		return error_no_memory(session->err);
	graph->n_markers++;
	return 0;
}

int session_read_markers(const struct session *session, const struct session_node *map)
{
	int r = session_want(session, map, SESSION_MAP, "markers");

	if (r < 0)
		return r;
	if (map->n > GRAPH_MARKERS_MAX)
		return session_fault(session, map, "remove markers that are not needed",
				     "more than %u markers", GRAPH_MARKERS_MAX);
	session->graph->markers = calloc(map->n + 1u, sizeof(session->graph->markers[0]));
	if (!session->graph->markers)
		return error_no_memory(session->err);
	for (const struct session_node *value = map->first; r == 0 && value; value = value->next)
		r = read_marker(session, value);
	return r;
}
