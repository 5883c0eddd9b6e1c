/* verb_edit.c - `mixctl edit -f SESSION PLAYER EDIT ...`: the clips in a session file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audio_files.h"
#include "cleanup.h"
#include "delivery_verbs.h"
#include "document.h"
#include "engine.h"
#include "graph_clips.h"
#include "graph_session.h"
#include "media_write.h"
#include "render.h"

DEFINE_CLEANUP(media_file_free, struct media_file *)

static const char *const edit_options[] = {"ripple", "to-sound", "threshold", "pad",
					   "head",   "tail",	 "fade",      "name",
					   "gain",   "offset",	 "length"};
#define EDIT_OPTIONS (sizeof(edit_options) / sizeof(edit_options[0]))

struct edit_files {
	const char *folder; /* relative names of clips begin here */
	struct engine *engine;
};

static int edit_find_sound(void *data, const struct graph_sound_query *query,
			   struct graph_sound *ret, struct mixd_error *err)
{
	const struct edit_files *files = data;
	struct graph_sound_query absolute = *query;
	_cleanup_free_ char *path = NULL;

	if (query->file[0] != '/' && asprintf(&path, "%s/%s", files->folder, query->file) < 0) {
		path = NULL;
		return error_no_memory(err);
	}
	absolute.file = path ? path : query->file;
	return engine_find_sound(files->engine, &absolute, ret, err);
}

/* A clip of a file that comes later is allowed, and most often a slip of the hand. */
static void edit_warn(struct job *job, struct edit_files *files, double rate)
{
	const struct graph_sound_query query = {.file = job_arg(job, 2), .rate = rate};
	struct graph_sound sound;
	struct mixd_error why;

	if (edit_find_sound(files, &query, &sound, &why) < 0 &&
	    engine_find_sound(files->engine, &query, &sound, &why) < 0)
		job_warn(job, query.file, "%s", why.text);
}

static int edit_read(const char *path, const char *shown, char **ret, struct mixd_error *err)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	int r = document_load(path, shown, &text, &size, err);

	if (r == 0 && strlen(text) != size)
		r = error_set(err, ERROR_INVALID, shown, "is no session file");
	if (r == 0)
		*ret = TAKE_PTR(text);
	return r;
}

static int edit_write(const char *path, const char *text, struct mixd_error *err)
{
	_cleanup_(media_file_freep) struct media_file *file = NULL;
	int r = media_file_create(path, &file, err);

	if (r == 0)
		r = media_file_write(file, text, strlen(text), err);
	return r < 0 ? r : media_file_commit(file, err);
}

/* ---- ls ---- */

static void edit_ls(struct job *job, const struct cliplist *list)
{
	json_t *items = json_array();

	for (uint32_t i = 0; i < list->n; i++) {
		const struct clip *clip = &list->clip[i];
		_cleanup_free_ char *text = cliplist_write_clip(clip);
		char at[48];

		clip_time_format(clip->at, at, sizeof(at));
		json_array_append_new(items,
				      json_pack("{s:i,s:s,s:s,s:s,s:s}", "number", (int)i + 1,
						"name", clip->name ? clip->name : "", "file",
						clip->file, "at", at, "text", text ? text : ""));
		job_print(job, "%3u  %-16s %s\n", i + 1, clip->name ? clip->name : "",
			  text ? text : "");
	}
	json_object_set_new(job_json(job), "items", items);
}

/* ---- an edit ---- */

static int edit_run(struct job *job, const char *shown, const char *text, const char *folder,
		    const struct engine_setup *setup, char **ret, struct mixd_error *err)
{
	struct graph_edit_option options[EDIT_OPTIONS];
	char ids[EDIT_OPTIONS][16], said[200] = "";
	struct edit_files files = {.folder = folder};
	struct graph_edit_wish wish = {.edit = job_arg(job, 1),
				       .options = options,
				       .rate = setup->rate,
				       .find_sound = edit_find_sound,
				       .find_sound_data = &files};
	char *args[8];
	int r;

	for (uint32_t i = 2; i < job_n_args(job); i++)
		args[wish.n_args++] = (char *)(uintptr_t)job_arg(job, i);
	wish.args = args;
	for (size_t i = 0; i < EDIT_OPTIONS; i++) {
		const char *value = job_text(job, edit_options[i], NULL);

		if (!value)
			continue;
		snprintf(ids[i], sizeof(ids[i]), "%s", edit_options[i]);
		if (strchr(ids[i], '-'))
			*strchr(ids[i], '-') = '_';
		options[wish.n_options++] = (struct graph_edit_option){ids[i], value};
	}
	r = engine_new(setup, &files.engine, err);
	if (r == 0)
		r = graph_session_edit(shown, text, strlen(text), job_arg(job, 0), &wish, ret, said,
				       sizeof(said), err);
	if (r == 0 && strcmp(wish.edit, "add") == 0)
		edit_warn(job, &files, setup->rate);
	engine_free(files.engine);
	if (r < 0)
		return r;
	json_object_set_new(job_json(job), "done", json_string(said));
	job_print(job, "%s: %s\n", job_arg(job, 0), said);
	return 0;
}

/* What frames are counted in: as `render` does. */
static int edit_rate(struct job *job, const char *text, const char *folder, double *ret,
		     struct mixd_error *err)
{
	const struct graph_types *types;
	int r;

	*ret = job_number(job, "rate", 0);
	if (*ret > 0)
		return 0;
	r = job_types(job, &types, err);
	if (r < 0)
		return r;
	*ret = render_session_rate(types, text, folder);
	if (!(*ret > 0))
		*ret = GRAPH_RATE_DEFAULT;
	return 0;
}

int verb_edit(struct job *job, struct mixd_error *err)
{
	struct engine_setup setup = {.offline = true, .files = &audio_files};
	const char *file = job_text(job, "file", NULL);
	_cleanup_free_ char *path = job_path(job, file ? file : ""), *text = NULL, *edited = NULL;
	_cleanup_free_ char *folder = path ? strdup(path) : NULL;
	struct cliplist list = {0};
	int r;

	if (!path || !folder)
		return error_no_memory(err);
	*strrchr(folder, '/') = '\0';
	r = edit_read(path, file, &text, err);
	if (r < 0)
		return r;
	if (job_n_args(job) == 1 || strcmp(job_arg(job, 1), "ls") == 0) {
		r = graph_session_clips(file, text, strlen(text), job_arg(job, 0), &list, err);
		if (r == 0)
			edit_ls(job, &list);
		cliplist_done(&list);
		return r;
	}
	r = edit_rate(job, text, folder, &setup.rate, err);
	if (r == 0)
		r = edit_run(job, file, text, folder, &setup, &edited, err);
	if (r < 0 || job_flag(job, "dry-run") || strcmp(text, edited) == 0)
		return r;
	return edit_write(path, edited, err);
}
