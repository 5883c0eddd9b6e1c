/* render_clips.c - what a render must know of players beforehand: where their files are, and where the
 * last clip ends. What a clip plays is the player's own business (nodes/player). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audio_file.h"
#include "audio_stream.h"
#include "cleanup.h"
#include "cliplist.h"
#include "graph_session.h"
#include "media_read.h"
#include "render_internal.h"

DEFINE_CLEANUP(graph_model_free, struct graph_model *)
DEFINE_CLEANUP(media_close, struct media_reader *)

/* The config that holds clips; -1: NODE has none. */
static int clips_config(const struct graph_node *node)
{
	for (uint32_t i = 0; i < node->type->n_configs; i++)
		if (node->type->configs[i]->is_clips)
			return (int)i;
	return -1;
}

static int clips_fault(const struct graph_node *node, int r, const struct mixd_fault *fault,
		       struct mixd_error *err)
{
	if (r == -ENOMEM)
		return error_no_memory(err);
	error_set(err, ERROR_INVALID, node->name, "%s", fault->text);
	error_hint(err, "%s", fault->hint);
	return r;
}

/* ---- files ------------------------------------------------------------------------------------- */

/* *RET: where PATH is, when that is in FOLDER; NULL: it is absolute, or in one of the folders that audio_file.h
 * knows. What is nowhere belongs into FOLDER, so that is said. */
static int clips_in_folder(const struct graph_node *node, const char *folder, const char *path,
			   char **ret, struct mixd_error *err)
{
	_cleanup_free_ char *found = NULL, *elsewhere = NULL;
	struct mixd_fault fault;
	int error;

	*ret = NULL;
	if (path[0] == '/')
		return 0;
	if (asprintf(&found, "%s/%s", folder, path) < 0) {
		found = NULL;
		return error_no_memory(err);
	}
	if (access(found, R_OK) == 0) {
		*ret = TAKE_PTR(found);
		return 0;
	}
	error = errno;
	if (audio_file_find(path, &elsewhere, &fault) == 0)
		return 0;
	error_set(err, error == ENOENT ? ERROR_NOT_FOUND : ERROR_RESOURCE, node->name,
		  "cannot read the file \"%.120s\": %s", path, strerror(error));
	if (error == ENOENT)
		error_hint(err, "look at its name, or put it beside the session file, into %.200s",
			   folder);
	else
		error_hint(err, "it is in %.200s: see who may read it", folder);
	return -error;
}

int render_clips_resolve(struct graph_node *node, const char *folder, struct mixd_error *err)
{
	int idx = clips_config(node), r;
	struct mixd_fault fault = {0};
	struct cliplist list = {0};
	bool any = false;
	char *text;

	if (idx < 0 || !folder || !node->config[idx].text || !node->config[idx].text[0])
		return 0;
	r = cliplist_parse(node->config[idx].text, &list, NULL, &fault);
	if (r < 0)
		return clips_fault(node, r, &fault, err);
	for (uint32_t i = 0; r == 0 && i < list.n; i++) {
		char *found = NULL;

		r = clips_in_folder(node, folder, list.clip[i].file, &found, err);
		if (!found)
			continue;
		free(list.clip[i].file);
		list.clip[i].file = found;
		any = true;
	}
	text = any && r == 0 ? cliplist_write(&list) : NULL;
	cliplist_done(&list);
	if (r < 0 || !any)
		return r;
	if (!text)
		return error_no_memory(err);
	free((char *)(uintptr_t)node->config[idx].text);
	node->config[idx].text = text;
	return 0;
}

/* ---- rate -------------------------------------------------------------------------------------- */

static double clips_file_rate(const char *name)
{
	_cleanup_(media_closep) struct media_reader *reader = NULL;
	_cleanup_free_ char *path = NULL;
	struct mixd_fault fault;
	struct mixd_error ignored = {0};

	if (audio_file_find(name, &path, &fault) < 0 || media_open(path, &reader, &ignored) < 0)
		return 0;
	return media_reader_info(reader)->rate;
}

/* Into *RATE, when it is 0 or the same; false: there is no rate for all. */
static bool clips_agree(const struct graph_node *node, double *rate)
{
	int idx = clips_config(node);
	struct mixd_fault fault;
	struct cliplist list = {0};
	bool agree = true;

	if (idx < 0 || !node->config[idx].text || !node->config[idx].text[0])
		return true;
	if (cliplist_parse(node->config[idx].text, &list, NULL, &fault) < 0)
		return false;
	for (uint32_t i = 0; agree && i < list.n; i++) {
		double own;

		if (i && strcmp(list.clip[i].file, list.clip[i - 1].file) == 0)
			continue; /* cut from one file, as most are */
		own = clips_file_rate(list.clip[i].file);
		agree = own >= 8000 && own <= 384000 && (*rate == 0 || own == *rate);
		*rate = own;
	}
	cliplist_done(&list);
	return agree;
}

double render_clips_rate(const struct graph_model *model)
{
	double rate = 0;

	for (uint32_t i = 0; i < model->n_nodes; i++)
		if (!clips_agree(model->nodes[i], &rate))
			return 0;
	return rate;
}

double render_session_rate(const struct graph_types *types, const char *session, const char *folder)
{
	_cleanup_(graph_model_freep) struct graph_model *model = NULL;
	Mixd__V1__Graph *graph = NULL;
	struct mixd_error ignored = {0};
	int r = graph_session_parse(types, "", session, strlen(session), NULL, &graph, &ignored);

	if (r == 0)
		r = graph_model_from_proto(types, graph, &model, &ignored);
	if (graph)
		mixd__v1__graph__free_unpacked(graph, NULL);
	for (uint32_t i = 0; r == 0 && i < model->n_nodes; i++)
		r = render_clips_resolve(model->nodes[i], folder, &ignored);
	return r == 0 ? render_clips_rate(model) : 0;
}

/* ---- time -------------------------------------------------------------------------------------- */

/* Frames of one pass of CLIP, measured on the time line. */
static int clips_piece(const struct graph_node *node, const struct clip *clip, double rate,
		       int64_t *ret, struct mixd_error *err)
{
	struct mixd_stream *stream = NULL;
	struct mixd_stream_info info;
	struct mixd_fault fault = {0};
	int64_t offset =
		(int64_t)((double)clip_time_frames(clip->offset, rate) / clip->speed + 0.5);
	int r;

	*ret = clip_time_frames(clip->length, rate);
	if (clip->length.value >= 0)
		return 0;
	r = audio_stream_open(clip->file, rate, clip->speed, clip->reverse, &stream, &info, &fault);
	if (r < 0)
		return clips_fault(node, r, &fault, err);
	*ret = (int64_t)info.n_frames > offset ? (int64_t)info.n_frames - offset : 0;
	audio_stream_close(stream);
	return 0;
}

int render_clips_end(const struct graph_node *node, double rate, double *ret_frames,
		     struct mixd_error *err)
{
	int idx = clips_config(node), r;
	struct mixd_fault fault = {0};
	struct cliplist list = {0};

	if (idx < 0 || !node->config[idx].text || !node->config[idx].text[0])
		return 0;
	r = cliplist_parse(node->config[idx].text, &list, NULL, &fault);
	if (r < 0)
		return clips_fault(node, r, &fault, err);
	for (uint32_t i = 0; r == 0 && i < list.n; i++) {
		const struct clip *clip = &list.clip[i];
		int64_t piece = 0;
		double end;

		if (clip->loop == 0)
			continue; /* without end: something else must have one */
		r = clips_piece(node, clip, rate, &piece, err);
		end = (double)clip_time_frames(clip->at, rate) + (double)piece * clip->loop;
		if (end > *ret_frames)
			*ret_frames = end;
	}
	cliplist_done(&list);
	return r;
}
