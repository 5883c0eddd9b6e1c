/* complete_timeline.c - completion: the time line, its markers, players and edits. */
#include <string.h>

#include "complete.h"

void complete_markers(const struct complete *complete)
{
	Mixd__V1__Snapshot snapshot = MIXD__V1__SNAPSHOT__INIT;
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;
	Mixd__V1__Reply *reply;

	request.op_case = MIXD__V1__REQUEST__OP_SNAPSHOT;
	request.snapshot = &snapshot;
	reply = complete_request(complete, &request);
	for (size_t i = 0; reply && i < reply->snapshot->graph->n_markers; i++)
		complete_offer(complete, reply->snapshot->graph->markers[i]->name, "marker");
}

/* Players, and the tracks they belong to. */
static void complete_players(const struct complete *complete)
{
	static const char suffix[] = "/player";
	Mixd__V1__GetNodes get = MIXD__V1__GET_NODES__INIT;
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;
	Mixd__V1__Reply *reply;

	request.op_case = MIXD__V1__REQUEST__OP_GET_NODES;
	request.get_nodes = &get;
	reply = complete_request(complete, &request);
	for (size_t i = 0; reply && i < reply->get_nodes->n_nodes; i++) {
		const char *name = reply->get_nodes->nodes[i]->name;
		size_t size = strlen(name), tail = sizeof(suffix) - 1;

		if (strcmp(reply->get_nodes->nodes[i]->type, "player") != 0)
			continue;
		if (size > tail && strcmp(name + size - tail, suffix) == 0)
			name = mixctl_printf("%.*s", (int)(size - tail), name);
		complete_offer(complete, name, "player");
	}
}

/* Clips of PLAYER, by name or by number. */
static void complete_clips(const struct complete *complete, char *player)
{
	Mixd__V1__GetClips get = MIXD__V1__GET_CLIPS__INIT;
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;
	Mixd__V1__Reply *reply;

	get.player = player;
	request.op_case = MIXD__V1__REQUEST__OP_GET_CLIPS;
	request.get_clips = &get;
	reply = complete_request(complete, &request);
	for (size_t i = 0; reply && i < reply->get_clips->n_clips; i++) {
		const Mixd__V1__Clip *clip = reply->get_clips->clips[i];

		complete_offer(complete,
			       *clip->name ? clip->name : mixctl_printf("%u", clip->number),
			       clip->text);
	}
}

/* Of each edit what its words are: a place, a clip, a side, a curve, a file, or something only its user
 * knows. */
static const struct {
	const char *name, *words, *doc;
} complete_edits[] = {
	{"ls", "", "the clips"},
	{"cut", "pc", "AT [CLIP]: two clips of one"},
	{"silence", "ppc", "FROM TO [CLIP]: take it out, leave a gap"},
	{"delete", "ppc", "FROM TO [CLIP]: take it out; --ripple closes the gap"},
	{"nudge", "c-", "CLIP BY: a little earlier or later"},
	{"move", "cp", "CLIP AT"},
	{"slip", "c-", "CLIP BY: the sound within its borders"},
	{"trim", "c", "CLIP --head T, --tail T or --to-sound"},
	{"fade", "cs-u", "CLIP in|out T [CURVE]"},
	{"crossfade", "cc-u", "CLIP CLIP [T] [CURVE]"},
	{"gain", "c-", "CLIP DB"},
	{"name", "c-", "CLIP NAME"},
	{"loop", "c-", "CLIP N"},
	{"reverse", "c", "CLIP"},
	{"speed", "c-", "CLIP PERCENT"},
	{"add", "fp", "FILE [AT]: a new clip"},
	{"rm", "c", "CLIP"},
};
#define COMPLETE_EDITS (sizeof(complete_edits) / sizeof(complete_edits[0]))

static void complete_edit_word(const struct complete *complete, char kind, char *player)
{
	static const char *const sides[] = {"in", "out", NULL};
	static const char *const curves[] = {"linear", "equal-power", "smooth", "log", NULL};

	if (kind == 's')
		complete_offer_all(complete, sides);
	else if (kind == 'u')
		complete_offer_all(complete, curves);
	else if (kind == 'c')
		complete_clips(complete, player);
	else if (kind == 'p')
		complete_markers(complete);
	/* files are the shell's */
}

void complete_edit(const struct complete *complete, int n, char **words)
{
	if (n == 1)
		complete_players(complete);
	for (size_t i = 0; n == 2 && i < COMPLETE_EDITS; i++)
		complete_offer(complete, complete_edits[i].name, complete_edits[i].doc);
	for (size_t i = 0; n > 2 && i < COMPLETE_EDITS; i++)
		if (strcmp(complete_edits[i].name, words[2]) == 0 &&
		    (size_t)n - 3 < strlen(complete_edits[i].words))
			complete_edit_word(complete, complete_edits[i].words[n - 3], words[1]);
}

void complete_transport(const struct complete *complete)
{
	static const char *const rows[][2] = {
		{"transport.state", "stopped, locating or rolling"},
		{"transport.position", "where the time line stands"},
		{"transport.loop", "from where to where, or off"},
		{"transport.marker", "the last one before the position"},
	};

	if (!strchr(complete->word, '.')) {
		complete_offer(complete, "transport.", "the time line");
		return;
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		complete_offer(complete, rows[i][0], rows[i][1]);
}

void complete_condition(const struct complete *complete, const char *first)
{
	static const char *const states[] = {"=stopped", "=locating", "=rolling", NULL};

	if (strcmp(first, "transport.state") == 0)
		complete_offer_all(complete, states);
	else if (strcmp(first, "transport.loop") == 0)
		complete_offer(complete, "=off", "no loop");
}
