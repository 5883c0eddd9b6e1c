/* graph_session_edit.c - an edit of clips in the text of a session file.
 *
 * The file is a person's: only the clips that become others are written anew, between those that stay.
 * So comments, order and the way of writing stay; where a comment stands among clips that go, the edit
 * is refused. What comes out is read again, and must be the list that was meant. */
#include "graph_session_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "graph_clips.h"

static void free_graph(Mixd__V1__Graph *graph)
{
	mixd__v1__graph__free_unpacked(graph, NULL);
}
DEFINE_CLEANUP(free_graph, Mixd__V1__Graph *)
DEFINE_CLEANUP(graph_model_free, struct graph_model *)
DEFINE_CLEANUP(session_doc_free, struct session_node *)

struct edited {
	const char *name, *text;
	size_t size;
	bool json;
	struct mixd_error *err;
	struct session session; /* for errors with a place */
	const struct session_node *value; /* the clips; or the track, or node, that has none yet */
	enum {
		EDITED_LIST, /* a list of maps */
		EDITED_TEXT, /* a text or the name of a file, as the value of `clips` */
		EDITED_FILE, /* the same, as the value of `file` */
		EDITED_TRACK, /* the name of a file in place of a track */
	} form;
	struct cliplist before, after;
};

/* ---- places in the text ---- */

/* The byte of character INDEX: libyaml counts those. */
static size_t byte_of(const struct edited *edited, uint32_t index)
{
	size_t at = 0;

	for (uint32_t n = 0; at < edited->size; at++)
		if (((unsigned char)edited->text[at] & 0xc0u) != 0x80u && n++ == index)
			break;
	return at;
}

/* Behind the last character of NODE itself. */
static uint32_t end_of(const struct session_node *node)
{
	return node->kind == SESSION_SCALAR || node->flow || !node->last ? node->end
									 : end_of(node->last);
}

/* Whether a comment begins in [begin, end): a sign that no word holds, outside quotes. */
static bool has_comment(const struct edited *edited, size_t begin, size_t end)
{
	char quote = 0;

	for (size_t i = begin; i < end && !edited->json; i++) {
		char c = edited->text[i];

		if (quote) {
			if (c == '\\' && quote == '"')
				i++;
			else if (c == quote)
				quote = 0;
		} else if (c == '"' || c == '\'') {
			quote = c;
		} else if (c == '#' && (i == 0 || strchr(" \t\n", edited->text[i - 1]))) {
			return true;
		}
	}
	return false;
}

static size_t line_begin(const struct edited *edited, size_t at)
{
	while (at > 0 && edited->text[at - 1] != '\n')
		at--;
	return at;
}

/* Behind the line's end. */
static size_t line_end(const struct edited *edited, size_t at)
{
	while (at < edited->size && edited->text[at] != '\n')
		at++;
	return at < edited->size ? at + 1 : at;
}

/* ---- what is to be edited ---- */

static int no_player(const struct edited *edited, const struct session_node *root,
		     const char *player)
{
	static const char *const sections[] = {"tracks", "nodes"};
	const char *names[1024], *nearest;
	uint32_t n = 0;
	int r = error_set(edited->err, ERROR_NOT_FOUND, edited->name,
			  "there is neither a track nor a player \"%.60s\"", player);

	for (size_t i = 0; i < 2; i++) {
		const struct session_node *map = session_doc_get(root, sections[i]);

		for (const struct session_node *value = map && map->kind == SESSION_MAP ? map->first
											: NULL;
		     value && n < 1024; value = value->next)
			names[n++] = value->key->text;
	}
	nearest = error_nearest(player, names, n);
	if (nearest)
		error_hint(edited->err, "did you mean \"%s\"?", nearest);
	else
		error_hint(edited->err, "add it to tracks, as in %.60s: vox.wav", player);
	return r;
}

/* The clips of MAP, a track or a node. */
static int find_in(struct edited *edited, const struct session_node *map, bool is_track)
{
	const struct session_node *clips = session_doc_get(map, "clips");
	const struct session_node *file = is_track ? session_doc_get(map, "file") : NULL;

	if (is_track && map->kind == SESSION_SCALAR) {
		edited->value = map;
		edited->form = EDITED_TRACK;
		return 0;
	}
	if (map->kind != SESSION_MAP || (!clips && !file))
		return session_fault(&edited->session, map, "write clips: [] there first",
				     "\"%.60s\" has no clips", map->key->text);
	edited->value = clips ? clips : file;
	edited->form = file ? EDITED_FILE : clips->kind == SESSION_LIST ? EDITED_LIST : EDITED_TEXT;
	return edited->value->kind == SESSION_MAP
		       ? session_want(&edited->session, edited->value, SESSION_LIST, "clips")
		       : 0;
}

static int find_value(struct edited *edited, const struct session_node *root, const char *player)
{
	static const char suffix[] = "/player";
	const struct session_node *tracks = session_doc_get(root, "tracks");
	const struct session_node *nodes = session_doc_get(root, "nodes"), *found;
	size_t size = strlen(player), tail = sizeof(suffix) - 1;
	_cleanup_free_ char *track = strdup(player), *node = NULL;

	if (!track || asprintf(&node, "%s%s", player, suffix) < 0) {
		node = NULL;
		return error_no_memory(edited->err);
	}
	if (size > tail && strcmp(player + size - tail, suffix) == 0)
		track[size - tail] = '\0';
	found = session_doc_get(tracks, track);
	if (found)
		return find_in(edited, found, true);
	found = session_doc_get(nodes, player);
	if (!found)
		found = session_doc_get(nodes, node);
	return found ? find_in(edited, found, false) : no_player(edited, root, player);
}

/* ---- what is written ---- */

/* {"file": "vox.wav", "at": "12.5s"} */
static char *clip_json(const struct clip *clip)
{
	char text[CLIPLIST_FILE_MAX + 1], *out = NULL;
	const char *comma = "{";
	size_t size = 0;
	FILE *file = open_memstream(&out, &size);

	if (!file)
		return NULL;
	for (uint32_t i = 0; cliplist_keys[i]; i++) {
		if (!clip_get(clip, cliplist_keys[i], text, sizeof(text)))
			continue;
		fprintf(file, "%s\"%s\": \"", comma, cliplist_keys[i]);
		for (const char *p = text; *p; p++)
			fprintf(file, *p == '"' || *p == '\\' ? "\\%c" : "%c", *p);
		fputc('"', file);
		comma = ", ";
	}
	fputc('}', file);
	if (fclose(file) != 0) {
		free(out);
		return NULL;
	}
	return out;
}

/* Clips FROM .. TO of the new list, with BETWEEN between them. */
static bool put_clips(FILE *out, const struct edited *edited, uint32_t from, uint32_t to,
		      const char *between)
{
	for (uint32_t i = from; i < to; i++) {
		const struct clip *clip = &edited->after.clip[i];
		_cleanup_free_ char *text =
			edited->json ? clip_json(clip) : cliplist_write_clip(clip);

		if (!text)
			return false;
		fprintf(out, "%s%s", i > from ? between : "", text);
	}
	return true;
}

static bool clips_equal(const struct clip *a, const struct clip *b)
{
	_cleanup_free_ char *left = cliplist_write_clip(a), *right = cliplist_write_clip(b);

	return left && right && strcmp(left, right) == 0;
}

/* TEXT with [begin, end) replaced by MIDDLE. */
static char *splice(const struct edited *edited, size_t begin, size_t end, const char *middle)
{
	char *out = NULL;

	if (asprintf(&out, "%.*s%s%s", (int)begin, edited->text, middle, edited->text + end) < 0)
		return NULL;
	return out;
}

/* ---- a list ---- */

/* Old clips HEAD .. OLD_END give way to new ones HEAD .. NEW_END. */
struct change {
	uint32_t head, old_end, new_end;
	size_t begin, end; /* bytes of the old ones */
};

static const struct session_node *item_at(const struct session_node *list, uint32_t idx)
{
	const struct session_node *item = list->first;

	while (item && idx-- > 0)
		item = item->next;
	return item;
}

static void find_change(const struct edited *edited, struct change *ret)
{
	const struct cliplist *before = &edited->before, *after = &edited->after;
	uint32_t head = 0, old_end = before->n, new_end = after->n;

	while (head < old_end && head < new_end &&
	       clips_equal(&before->clip[head], &after->clip[head]))
		head++;
	while (old_end > head && new_end > head &&
	       clips_equal(&before->clip[old_end - 1], &after->clip[new_end - 1])) {
		old_end--;
		new_end--;
	}
	*ret = (struct change){.head = head, .old_end = old_end, .new_end = new_end};
	if (head == old_end)
		return;
	ret->begin = byte_of(edited, item_at(edited->value, head)->begin);
	ret->end = byte_of(edited, end_of(item_at(edited->value, old_end - 1)));
}

static int lost_comment(const struct edited *edited)
{
	return session_fault(&edited->session, edited->value,
			     "put it above the clips, then edit again",
			     "a comment among the clips would be lost");
}

/* What stands in front of the clips of a block list: "\n      - ". NULL: not alone on its line. */
static char *block_between(const struct edited *edited)
{
	size_t begin = byte_of(edited, edited->value->first->begin);
	size_t line = line_begin(edited, begin), n = begin - line;
	char *between = NULL;

	for (size_t i = 0; i < n; i++)
		if (!strchr(" -", edited->text[line + i]))
			return NULL;
	if (asprintf(&between, "\n%.*s", (int)n, edited->text + line) < 0)
		return NULL;
	return between;
}

/* Clips that are new where none was: behind the one before, on lines of their own in a block. */
static void insert_place(const struct edited *edited, struct change *change, bool block)
{
	const struct session_node *list = edited->value;

	if (change->head == 0) {
		change->begin = list->n ? byte_of(edited, list->first->begin)
					: byte_of(edited, list->begin) + 1;
	} else {
		change->begin = byte_of(edited, end_of(item_at(list, change->head - 1)));
		if (block) { /* a comment behind it is its own */
			change->begin = line_end(edited, change->begin);
			change->begin -= edited->text[change->begin - 1] == '\n';
		}
	}
	change->end = change->begin;
}

/* Clips that go, with what divides them from their neighbours. */
static void remove_place(const struct edited *edited, struct change *change, bool block)
{
	const struct session_node *list = edited->value;

	if (block) {
		change->begin = line_begin(edited, change->begin);
		change->end = line_end(edited, change->end);
	} else if (change->old_end < list->n) {
		change->end = byte_of(edited, item_at(list, change->old_end)->begin);
	} else if (change->head > 0) {
		change->begin = byte_of(edited, end_of(item_at(list, change->head - 1)));
	}
}

static int edit_list(const struct edited *edited, char **ret)
{
	const struct session_node *list = edited->value;
	_cleanup_free_ char *between = NULL, *middle = NULL;
	bool block = !list->flow, inserts, removes, good;
	struct change change;
	size_t size = 0;
	FILE *out;

	find_change(edited, &change);
	if (change.head == change.old_end && change.head == change.new_end) {
		*ret = strdup(edited->text); /* it is so already */
		return *ret ? 0 : error_no_memory(edited->err);
	}
	inserts = change.head == change.old_end;
	removes = change.head == change.new_end;
	between = block && list->n ? block_between(edited) : strdup(", ");
	if (!between || (block && removes && edited->after.n == 0))
		return session_fault(&edited->session, list,
				     "write each clip on a line of its own, or all in brackets",
				     "these clips cannot be edited in place");
	if (inserts)
		insert_place(edited, &change, block);
	else if (has_comment(edited, change.begin, change.end))
		return lost_comment(edited);
	if (removes && !inserts)
		remove_place(edited, &change, block);
	out = open_memstream(&middle, &size);
	if (!out)
		return error_no_memory(edited->err);
	if (inserts && change.head > 0)
		fputs(between, out);
	good = put_clips(out, edited, change.head, change.new_end, between);
	if (inserts && change.head == 0 && list->n)
		fputs(between, out);
	if (fclose(out) != 0 || !good)
		return error_no_memory(edited->err);
	*ret = splice(edited, change.begin, change.end, middle);
	return *ret ? 0 : error_no_memory(edited->err);
}

/* ---- a text ---- */

/* The name of a file becomes a list in brackets. */
static int edit_text(const struct edited *edited, char **ret)
{
	const struct session_node *value = edited->value;
	bool named = edited->form == EDITED_FILE;
	size_t begin = byte_of(edited, named ? value->key->begin : value->begin), size = 0;
	size_t end = byte_of(edited, value->end);
	_cleanup_free_ char *middle = NULL;
	FILE *out = open_memstream(&middle, &size);
	bool good;

	if (!out)
		return error_no_memory(edited->err);
	if (edited->form == EDITED_TRACK)
		fputs(edited->json ? "{\"clips\": [" : "{clips: [", out);
	else if (named)
		fputs(edited->json ? "\"clips\": [" : "clips: [", out);
	else
		fputc('[', out);
	good = put_clips(out, edited, 0, edited->after.n, ", ");
	fputs(edited->form == EDITED_TRACK ? "]}" : "]", out);
	if (fclose(out) != 0 || !good)
		return error_no_memory(edited->err);
	*ret = splice(edited, begin, end, middle);
	return *ret ? 0 : error_no_memory(edited->err);
}

/* ---- the whole ---- */

static int read_clips(struct edited *edited, const char *player, struct session_node **ret_root)
{
	int r = session_doc_parse(edited->name, edited->text, edited->size, NULL, ret_root,
				  edited->err);

	if (r == 0)
		r = session_want(&edited->session, *ret_root, SESSION_MAP, "the session");
	if (r == 0)
		r = find_value(edited, *ret_root, player);
	return r < 0 ? r
		     : session_read_cliplist(&edited->session, edited->value, "clips",
					     &edited->before);
}

int graph_session_clips(const char *name, const char *text, size_t text_size, const char *player,
			struct cliplist *ret, struct mixd_error *err)
{
	_cleanup_(session_doc_freep) struct session_node *root = NULL;
	struct edited edited = {.name = name,
				.text = text,
				.size = text_size,
				.err = err,
				.session = {.name = name, .err = err}};
	int r = read_clips(&edited, player, &root);

	if (r < 0)
		cliplist_done(&edited.before);
	else
		*ret = edited.before;
	return r;
}

/* TEXT has, when it is read again, the list that was meant. */
static int check_again(const struct edited *edited, const char *text, const char *player)
{
	_cleanup_free_ char *wanted = cliplist_write(&edited->after), *found = NULL;
	struct cliplist list = {0};
	int r = graph_session_clips(edited->name, text, strlen(text), player, &list, edited->err);

	if (r == 0)
		found = cliplist_write(&list);
	cliplist_done(&list);
	if (wanted && found && strcmp(wanted, found) == 0)
		return 0;
	return session_fault(&edited->session, edited->value,
			     "write each clip on a line of its own, or all in brackets",
			     "these clips cannot be edited in place");
}

/* Positions may be markers of the file. */
static int read_places(struct edited *edited, const struct session_node *root,
		       struct graph_model **ret)
{
	const struct session_node *markers = session_doc_get(root, "markers");
	_cleanup_(graph_model_freep) struct graph_model *model = graph_model_new(NULL, "");
	_cleanup_(free_graphp) Mixd__V1__Graph *graph = malloc(sizeof(*graph));
	int r = 0;

	if (graph)
		mixd__v1__graph__init(graph);
	if (!model || !graph)
		return error_no_memory(edited->err);
	edited->session.model = model;
	edited->session.graph = graph;
	if (markers)
		r = session_read_markers(&edited->session, markers);
	edited->session.graph = NULL;
	*ret = TAKE_PTR(model);
	return r;
}

int graph_session_edit(const char *name, const char *text, size_t text_size, const char *player,
		       const struct graph_edit_wish *wish, char **ret, char *said, size_t size,
		       struct mixd_error *err)
{
	_cleanup_(session_doc_freep) struct session_node *root = NULL;
	_cleanup_free_ char *edited_text = NULL;
	struct edited edited = {.name = name,
				.text = text,
				.size = text_size,
				.json = text[strspn(text, " \t\r\n")] == '{',
				.err = err,
				.session = {.name = name, .err = err}};
	_cleanup_(graph_model_freep) struct graph_model *model = NULL;
	struct graph_edit_wish with_places = *wish;
	int r = read_clips(&edited, player, &root);

	if (r == 0)
		r = session_read_cliplist(&edited.session, edited.value, "clips", &edited.after);
	if (r == 0)
		r = read_places(&edited, root, &model);
	with_places.model = model;
	if (r == 0)
		r = graph_clips_edit(&edited.after, &with_places, said, size, err);
	if (r == 0)
		r = edited.form == EDITED_LIST ? edit_list(&edited, &edited_text)
					       : edit_text(&edited, &edited_text);
	if (r == 0)
		r = check_again(&edited, edited_text, player);
	if (r == 0)
		*ret = TAKE_PTR(edited_text);
	cliplist_done(&edited.before);
	cliplist_done(&edited.after);
	return r;
}
