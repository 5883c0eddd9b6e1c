/* album_check.c - what can be said of an album before any sound is made; see album.h. */
#include "album.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "graph_proto.h"
#include "graph_session.h"
#include "spec.h"

DEFINE_CLEANUP(spec_set_free, struct spec_set *)

/* ---- the level --------------------------------------------------------------------------------- */

static int read_spec(struct album *album, struct mixd_error *err)
{
	_cleanup_(spec_set_freep) struct spec_set *set = NULL;
	const struct spec *spec;
	int r;

	if (!album->spec)
		return 0;
	r = spec_set_new(&set, err);
	if (r == 0)
		r = spec_find(set, album->spec, &spec, err);
	if (r < 0)
		return r;
	if (isnan(album->target_lufs) && !spec->is_dialogue)
		album->target_lufs = spec->target_lufs;
	if (isnan(album->ceiling_dbtp))
		album->ceiling_dbtp = spec->max_dbtp;
	return 0;
}

/* The first of KEYS that MAP has. */
static const struct session_node *first_of(const struct session_node *map, const char *const *keys)
{
	const struct session_node *node = NULL;

	for (; *keys && !node; keys++)
		node = session_doc_get(map, *keys);
	return node;
}

static void warn_at(struct job *job, const struct album *album, const struct session_node *node,
		    const char *why)
{
	char place[160];

	document_place(album->document, node, place, sizeof(place));
	job_warn(job, place, "%s does nothing: %s", node->key->text, why);
}

/* A level that was asked for, and that nothing says; or one that is said, and not asked for. */
static int check_level(struct job *job, struct album *album, struct mixd_error *err)
{
	/* a limiter has use for a ceiling by itself */
	const char *const keys[] = {"target", "spec", album->limiter ? NULL : "ceiling", NULL};
	const struct session_node *root = album->document->root;
	const struct session_node *mode = session_doc_get(root, "mode"), *level;
	int r = read_spec(album, err);

	if (r < 0)
		return r;
	level = first_of(root, keys);
	if (mode && album->mode != ALBUM_NONE && isnan(album->target_lufs)) {
		document_error(album->document, mode, err,
			       "mode is %s, and nothing says which loudness it is to be",
			       mode->text);
		error_hint(err, "add a target, as in target: -14LUFS; or say mode: none");
		return -EINVAL;
	}
	if (level && album->mode == ALBUM_NONE)
		warn_at(job, album, level, "mode: none leaves levels as they are");
	else if (level && isnan(album->target_lufs))
		warn_at(job, album, level, "there is no target, and levels stay as they are");
	return 0;
}

/* ---- what stands before the first track ------------------------------------------------------------ */

static void check_first(struct job *job, const struct album *album)
{
	static const char *const keys[] = {"gap", "crossfade", NULL};
	const struct album_track *first = &album->track[0];
	const struct session_node *node =
		first->node->kind == SESSION_MAP ? first_of(first->node, keys) : NULL;

	if (node && !first->is_joined)
		warn_at(job, album, node,
			"no track is before the first; a disc begins with a pause of "
			"2 s");
}

/* ---- filters and the chain ------------------------------------------------------------------------- */

/* Each key by itself, as an eq would take it. */
static int check_key(const struct graph_types *types, const struct album *album,
		     const struct session_node *key, uint32_t band, struct mixd_error *err)
{
	_cleanup_free_ char *text = NULL;
	Mixd__V1__Graph *graph = NULL;
	struct mixd_error why = {0};
	char name[16];
	json_t *root;
	int r;

	snprintf(name, sizeof(name), "band%u", band);
	root = json_pack("{s:i,s:{s:{s:s,s:{s:s}}}}", "mixd", 1, "nodes", "eq", "type", "eq", name,
			 key->key->text, key->text);
	text = root ? json_dumps(root, JSON_COMPACT) : NULL;
	json_decref(root);
	if (!text)
		return error_no_memory(err);
	r = graph_session_parse(types, "eq", text, strlen(text), "json", &graph, &why);
	if (graph)
		mixd__v1__graph__free_unpacked(graph, NULL);
	if (r == 0)
		return 0;
	document_error(album->document, key, err, "%s", why.text);
	error_hint(err, "%s", why.hint);
	return -EINVAL;
}

static int check_eq(const struct graph_types *types, const struct album *album, uint32_t t,
		    struct mixd_error *err)
{
	const struct session_node *list = album->track[t].eq_node;
	uint32_t n = 0;
	int r = 0;

	for (const struct session_node *band = list ? list->first : NULL; band; band = band->next) {
		n++;
		for (const struct session_node *key = band->first; r == 0 && key; key = key->next)
			r = check_key(types, album, key, n, err);
	}
	return r;
}

static int check_chain(const struct graph_types *types, const struct album *album,
		       struct mixd_error *err)
{
	_cleanup_free_ char *text = NULL;
	const char *name = strrchr(album->chain, '/');
	Mixd__V1__Graph *graph = NULL;
	size_t size = 0;
	int r;

	name = name ? name + 1 : album->chain;
	r = document_load(album->chain, name, &text, &size, err);
	if (r == 0)
		r = graph_session_parse_whole(types, name, text, size, NULL, &graph, err);
	if (graph)
		mixd__v1__graph__free_unpacked(graph, NULL);
	return r;
}

int album_check(struct job *job, struct album *album, struct mixd_error *err)
{
	const struct graph_types *types = NULL;
	int r = check_level(job, album, err);

	if (r == 0)
		check_first(job, album);
	if (r == 0)
		r = job_types(job, &types, err);
	for (uint32_t t = 0; r == 0 && t < album->n_tracks; t++)
		r = check_eq(types, album, t, err);
	return r == 0 && album->chain ? check_chain(types, album, err) : r;
}
