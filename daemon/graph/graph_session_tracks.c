/* graph_session_tracks.c - tracks and buses of a session file become nodes and links.
 *
 * A TRACK     vox: {clips: [...], strip: [...], gain: -3dB, pan: L20, mute: off, sends: {...}, bus: mix}
 *             vox/player  plays the clips; `file: a.wav` is one clip at 0, and so is `vox: a.wav`
 *             vox/eq ...  the strip, in its order, each named by its type (a second one vox/eq2) or by
 *                         its key `name`; an entry that is a word is a node at its defaults
 *             vox/fader   a gain, with the track's `gain` and `mute`; always there
 *             vox/pan     behind it, when there is a `pan`
 *             then to the bus, and a link for each send: `fx: -12dB`, or `fx: {level: -12dB, tap: pre}`,
 *             where pre is before the fader.
 * A BUS       drums: {strip: [...], gain: 0dB, sends: {...}, bus: mix, layout: stereo}
 *             drums/bus   takes what is sent there
 *             drums/eq .. the strip
 *             drums/fader and drums/pan as above
 * WHERE TO    `bus` names a bus, or a node; `none` is nowhere. Without it a track goes to the bus mix (or
 *             master), or to the only output there is; a bus does the same, and mix itself goes to the
 *             output. Where no output is, one is made: out.
 * THREADS     [any] */
#include "graph_session_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"

#define TRACKS_MAX 1024u /* tracks and buses */
#define STRIP_MAX 64u

struct tracks {
	const struct session *session;
	const struct session_node *tracks, *buses;
	const char *mix; /* the bus that all go to, or NULL */
	char out[GRAPH_NAME_MAX + 1]; /* the output, when it has been looked for */
};

/* One track or bus on its way. */
struct strip {
	struct tracks *all;
	const struct session_node *at; /* its map, or the name of a file */
	const char *name;
	bool is_bus;
	char last[GRAPH_NAME_MAX + 1]; /* node that what follows is linked to; "" at first */
	char fader[GRAPH_NAME_MAX + 1];
};

static int need_type(const struct strip *strip, const struct session_node *at, const char *id,
		     const struct graph_type **ret)
{
	*ret = graph_types_find(strip->all->session->model->types, id, strip->all->session->err);
	return *ret ? 0 : session_relocate(strip->all->session, at, "");
}

static int node_name(const struct strip *strip, const struct session_node *at, const char *part,
		     char *ret, size_t size)
{
	if ((size_t)snprintf(ret, size, "%s/%s", strip->name, part) < size)
		return 0;
	return session_fault(strip->all->session, at, "shorten it",
			     "the name \"%.60s\" is too long for its nodes", strip->name);
}

/* The node NAME goes behind what there is so far. */
static int chain(struct strip *strip, const struct session_node *at, const char *name)
{
	const struct graph_link plain = {0};
	int r = 0;

	if (strip->last[0])
		r = session_read_link(strip->all->session, at, strip->last, name, &plain);
	snprintf(strip->last, sizeof(strip->last), "%s", name);
	return r;
}

/* ---- the head: what plays, or what sums ---- */

static int read_clips(const struct strip *strip, const struct session_new *new)
{
	const struct session *session = strip->all->session;
	const struct session_node *clips = session_doc_get(strip->at, "clips");
	const struct session_node *file = session_doc_get(strip->at, "file");

	if (strip->at->kind == SESSION_SCALAR)
		file = strip->at;
	if (clips && file)
		return session_fault(session, file->key, "put it into the list of clips",
				     "the track \"%.60s\" has clips and a file", strip->name);
	if (clips)
		return session_node_setting(session, new, "clips", clips);
	return file ? session_node_setting(session, new, "clips", file) : 0;
}

static int add_head(struct strip *strip)
{
	const struct session *session = strip->all->session;
	const struct session_node *layout = session_doc_get(strip->at, "layout");
	const struct session_node *at = strip->at->key;
	const struct graph_type *type = NULL;
	char name[GRAPH_NAME_MAX + 1];
	struct session_new new;
	int r = need_type(strip, at, strip->is_bus ? "bus" : "player", &type);

	if (r == 0)
		r = node_name(strip, at, strip->is_bus ? "bus" : "player", name, sizeof(name));
	if (r == 0)
		r = session_node_begin(session, at, name, type, &new);
	if (r < 0)
		return r;
	/* tracks of any layout meet in a bus: it cannot follow the first of them */
	if (layout)
		r = session_node_setting(session, &new, "layout", layout);
	else if (strip->is_bus)
		r = session_node_text(session, &new, "layout", "stereo", at);
	if (r == 0 && strip->is_bus)
		r = session_node_text(session, &new, "inputs", "1", at);
	if (r == 0 && !strip->is_bus)
		r = read_clips(strip, &new);
	r = session_node_end(session, &new, r);
	return r < 0 ? r : chain(strip, at, name);
}

/* ---- the strip ---- */

/* "vox/eq", "vox/eq2": free for one more of TYPE. */
static int strip_name(const struct strip *strip, const struct session_node *at, const char *type,
		      char *ret, size_t size)
{
	const char *part = strchr(type, ':') ? "plugin" : type;
	char numbered[GRAPH_NAME_MAX + 1];
	int r = node_name(strip, at, part, ret, size);

	for (unsigned n = 2; r == 0 && graph_model_node(strip->all->session->model, ret); n++) {
		snprintf(numbered, sizeof(numbered), "%.100s%u", part, n);
		r = node_name(strip, at, numbered, ret, size);
	}
	return r;
}

static int add_effect(struct strip *strip, const struct session_node *effect)
{
	static const char *const skip[] = {"type", "name", NULL};
	const struct session *session = strip->all->session;
	const struct session_node *type_at = effect, *name_at = NULL;
	const struct graph_type *type = NULL;
	char name[GRAPH_NAME_MAX + 1];
	struct session_new new;
	int r = 0;

	if (effect->kind == SESSION_MAP) {
		type_at = session_doc_get(effect, "type");
		name_at = session_doc_get(effect, "name");
		if (!type_at)
			return session_fault(session, effect, "write {type: eq, ...}",
					     "an entry of the strip has no type");
	}
	r = session_read_type(session, type_at, &type);
	if (r == 0 && name_at)
		r = session_want(session, name_at, SESSION_SCALAR, "the name");
	if (r == 0)
		r = name_at ? node_name(strip, name_at, name_at->text, name, sizeof(name))
			    : strip_name(strip, effect, type_at->text, name, sizeof(name));
	if (r == 0)
		r = session_node_begin(session, name_at ? name_at : effect, name, type, &new);
	if (r < 0)
		return r;
	if (new.node->n_in_ports == 0 || new.node->n_out_ports == 0)
		r = session_fault(session, type_at, "give it a place in nodes and links",
				  "a %.60s does not pass sound on: it cannot be in a strip",
				  type_at->text);
	if (r == 0 && effect->kind == SESSION_MAP)
		r = session_node_settings(session, &new, effect, skip);
	r = session_node_end(session, &new, r);
	return r < 0 ? r : chain(strip, effect, name);
}

static int add_strip(struct strip *strip)
{
	const struct session *session = strip->all->session;
	const struct session_node *list = session_doc_get(strip->at, "strip");
	int r = list ? session_want(session, list, SESSION_LIST, "the strip") : 0;

	if (r == 0 && list && list->n > STRIP_MAX)
		return session_fault(session, list, "put some of them into nodes",
				     "a strip of more than %u nodes", STRIP_MAX);
	for (const struct session_node *effect = r == 0 && list ? list->first : NULL;
	     r == 0 && effect; effect = effect->next)
		r = add_effect(strip, effect);
	return r;
}

/* ---- fader and pan ---- */

static int add_fader(struct strip *strip)
{
	static const char *const keys[] = {"gain", "mute"};
	const struct session *session = strip->all->session;
	const struct session_node *at = strip->at->key, *value;
	const struct graph_type *type = NULL;
	struct session_new new;
	int r = need_type(strip, at, "gain", &type);

	if (r == 0)
		r = node_name(strip, at, "fader", strip->fader, sizeof(strip->fader));
	if (r == 0)
		r = session_node_begin(session, at, strip->fader, type, &new);
	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < sizeof(keys) / sizeof(keys[0]); i++) {
		value = session_doc_get(strip->at, keys[i]);
		if (value)
			r = session_node_setting(session, &new, keys[i], value);
	}
	r = session_node_end(session, &new, r);
	return r < 0 ? r : chain(strip, at, strip->fader);
}

static int add_pan(struct strip *strip)
{
	const struct session *session = strip->all->session;
	const struct session_node *pan = session_doc_get(strip->at, "pan");
	const struct graph_type *type = NULL;
	char name[GRAPH_NAME_MAX + 1];
	struct session_new new;
	int r;

	if (!pan)
		return 0;
	r = need_type(strip, pan, "pan", &type);
	if (r == 0)
		r = node_name(strip, pan, "pan", name, sizeof(name));
	if (r == 0)
		r = session_node_begin(session, pan, name, type, &new);
	if (r < 0)
		return r;
	r = session_node_setting(session, &new, "pan", pan);
	r = session_node_end(session, &new, r);
	return r < 0 ? r : chain(strip, pan, name);
}

/* ---- where it goes ---- */

static bool is_there(const struct session_node *map, const char *name)
{
	return map && session_doc_get(map, name) != NULL;
}

/* NAME of a bus or of a node -> a port, for AT. Buses come first: who has one means it. */
static int find_target(struct tracks *all, const struct session_node *at, const char *name,
		       char *ret, size_t size)
{
	const struct session *session = all->session;
	const char *nearest, *names[TRACKS_MAX + GRAPH_NODES_MAX];
	char node[GRAPH_NAME_MAX + 1];
	uint32_t n = 0;
	int r;

	if (is_there(all->buses, name)) {
		snprintf(ret, size, "%s/bus", name);
		return 0;
	}
	snprintf(node, sizeof(node), "%.*s", (int)strcspn(name, ":"), name);
	if (graph_model_node(session->model, node) || !session->whole) {
		snprintf(ret, size, "%s", name);
		return 0;
	}
	for (const struct session_node *bus = all->buses ? all->buses->first : NULL; bus;
	     bus = bus->next)
		names[n++] = bus->key->text;
	for (uint32_t i = 0; i < session->model->n_nodes; i++)
		names[n++] = session->model->nodes[i]->name;
	nearest = error_nearest(name, names, n);
	r = session_doc_error(session->name, at, session->err,
			      "there is neither a bus nor a node \"%.60s\"", name);
	if (nearest)
		error_hint(session->err, "did you mean \"%s\"?", nearest);
	else
		error_hint(session->err, "add it to buses, as in %.60s: {}", name);
	return r;
}

static int read_send(struct strip *strip, const struct session_node *send)
{
	const struct session *session = strip->all->session;
	static const char *const words[] = {"level", "gain", "pan", "mute", "tap"};
	struct session_node map = *send, level = *send, key = *send->key;
	struct graph_link values = {0};
	char target[GRAPH_ADDRESS_MAX];
	int r;

	if (send->kind == SESSION_SCALAR) { /* fx: -12dB is fx: {level: -12dB} */
		key.text = (char *)(uintptr_t) "level";
		level.key = &key;
		level.next = NULL;
		map.kind = SESSION_MAP;
		map.first = map.last = &level;
		map.n = 1;
	}
	r = session_want(session, &map, SESSION_MAP, "a send");
	if (r == 0)
		r = session_check_keys(session, &map, words, 5);
	if (r == 0)
		r = session_read_link_values(session, &map, &values);
	if (r == 0)
		r = find_target(strip->all, send->key, send->key->text, target, sizeof(target));
	if (r < 0)
		return r;
	return session_read_link(session, send->key,
				 values.value[GRAPH_LINK_TAP] == GRAPH_TAP_PRE ? strip->fader
									       : strip->last,
				 target, &values);
}

/* The output that all goes to in the end: the only one, or a new one. */
static int find_output(struct tracks *all, const struct session_node *at)
{
	const struct session *session = all->session;
	const struct strip strip = {.all = all, .name = "out"};
	const struct graph_type *type = NULL;
	struct session_new new;
	uint32_t n = 0;
	int r;

	for (uint32_t i = 0; i < session->model->n_nodes; i++) {
		const struct graph_node *node = session->model->nodes[i];

		if (!(node->type->node_type->flags & MIXD_NODE_EXTERNAL_OUT))
			continue;
		snprintf(all->out, sizeof(all->out), "%s", node->name);
		n++;
	}
	if (n == 1)
		return 0;
	if (n > 1)
		return session_fault(session, at, "say which, as in bus: out",
				     "there are %u outputs, and no bus is named", n);
	r = need_type(&strip, at, "output", &type);
	if (r == 0)
		r = session_node_begin(session, at, "out", type, &new);
	if (r < 0)
		return r;
	r = session_node_text(session, &new, "layout", "auto", at);
	snprintf(all->out, sizeof(all->out), "out");
	return session_node_end(session, &new, r);
}

static int link_bus(struct strip *strip)
{
	struct tracks *all = strip->all;
	const struct session_node *bus = session_doc_get(strip->at, "bus");
	const struct session_node *at = bus ? bus : strip->at->key;
	const struct graph_link plain = {0};
	char target[GRAPH_ADDRESS_MAX];
	int r = bus ? session_want(all->session, bus, SESSION_SCALAR, "the bus") : 0;

	if (r < 0 || (bus && strcmp(bus->text, "none") == 0))
		return r;
	if (bus) {
		r = find_target(all, bus, bus->text, target, sizeof(target));
	} else if (all->mix && !(strip->is_bus && strcmp(all->mix, strip->name) == 0)) {
		r = find_target(all, at, all->mix, target, sizeof(target));
	} else {
		r = all->out[0] ? 0 : find_output(all, at);
		snprintf(target, sizeof(target), "%s", all->out);
	}
	return r < 0 ? r : session_read_link(all->session, at, strip->last, target, &plain);
}

static int link_strip(struct strip *strip)
{
	const struct session_node *sends = session_doc_get(strip->at, "sends");
	int r = sends ? session_want(strip->all->session, sends, SESSION_MAP, "sends") : 0;

	for (const struct session_node *send = r == 0 && sends ? sends->first : NULL;
	     r == 0 && send; send = send->next)
		r = read_send(strip, send);
	return r < 0 ? r : link_bus(strip);
}

/* ---- the whole ---- */

static int read_strip(struct strip *strip)
{
	static const char *const track_words[] = {"clips", "file",  "strip", "gain",  "pan",
						  "mute",  "sends", "bus",   "layout"};
	static const char *const bus_words[] = {"strip", "gain", "pan",	  "mute",
						"sends", "bus",	 "layout"};
	const struct session *session = strip->all->session;
	int r = 0;

	strip->name = strip->at->key->text;
	if (graph_name_check(strip->name, session->err) < 0)
		return session_relocate(session, strip->at->key, "");
	if (strip->is_bus || strip->at->kind != SESSION_SCALAR)
		r = session_want(session, strip->at, SESSION_MAP,
				 strip->is_bus ? "a bus" : "a track");
	if (r == 0 && strip->at->kind == SESSION_MAP)
		r = strip->is_bus ? session_check_keys(session, strip->at, bus_words, 7)
				  : session_check_keys(session, strip->at, track_words, 9);
	if (r == 0)
		r = add_head(strip);
	if (r == 0)
		r = add_strip(strip);
	if (r == 0)
		r = add_fader(strip);
	return r < 0 ? r : add_pan(strip);
}

/* All of MAP as strips; *n counts them. */
static int read_strips(struct tracks *all, const struct session_node *map, bool is_bus,
		       struct strip *strips, uint32_t *n)
{
	int r = map ? session_want(all->session, map, SESSION_MAP, is_bus ? "buses" : "tracks") : 0;

	if (r == 0 && map && *n + map->n > TRACKS_MAX)
		return session_fault(all->session, map, "split the session over two instances",
				     "more than %u tracks and buses", TRACKS_MAX);
	for (const struct session_node *at = r == 0 && map ? map->first : NULL; r == 0 && at;
	     at = at->next) {
		strips[*n] = (struct strip){.all = all, .at = at, .is_bus = is_bus};
		r = read_strip(&strips[(*n)++]);
	}
	return r;
}

int session_read_tracks(const struct session *session, const struct session_node *tracks,
			const struct session_node *buses)
{
	struct tracks all = {.session = session, .tracks = tracks, .buses = buses};
	_cleanup_free_ struct strip *strips = calloc(TRACKS_MAX, sizeof(*strips));
	uint32_t n = 0;
	int r;

	if (!tracks && !buses)
		return 0;
	if (!strips)
		return error_no_memory(session->err);
	all.mix = is_there(buses, "mix") ? "mix" : is_there(buses, "master") ? "master" : NULL;
	/* all nodes first: sends and buses name what may stand further down */
	r = read_strips(&all, tracks, false, strips, &n);
	if (r == 0)
		r = read_strips(&all, buses, true, strips, &n);
	for (uint32_t i = 0; r == 0 && i < n; i++)
		r = link_strip(&strips[i]);
	return r;
}
