/* verb_transport.c - play, stop, locate, loop: the time line; marker: its places. */
#include <fnmatch.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mixctl.h"

/* ---- the transport ------------------------------------------------------------------------ */

Mixd__V1__Reply *transport_request(struct mixctl *m, const char *op, const char *position,
				   const char *end)
{
	Mixd__V1__Transport transport = MIXD__V1__TRANSPORT__INIT;
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;

	transport.op = (char *)(uintptr_t)op;
	transport.position = (char *)(uintptr_t)position;
	transport.end = (char *)(uintptr_t)end;
	request.op_case = MIXD__V1__REQUEST__OP_TRANSPORT;
	request.transport = &transport;
	return mixctl_request(m, &request);
}

/* "1:23.456" */
static char *transport_clock(double at_s)
{
	long long ms = llround(at_s * 1e3);

	if (ms >= 3600000)
		return mixctl_printf("%lld:%02lld:%06.3f", ms / 3600000, ms / 60000 % 60,
				     (double)(ms % 60000) / 1e3);
	return mixctl_printf("%lld:%06.3f", ms / 60000, (double)(ms % 60000) / 1e3);
}

char *transport_text(const Mixd__V1__TransportState *state)
{
	char *text = mixctl_printf("%s at %s", state->state, state->text);

	if (*state->marker)
		text = mixctl_printf("%s (%s)", text, state->marker);
	if (state->loop)
		text = mixctl_printf("%s, loop %s to %s", text,
				     transport_clock(state->loop_start_s),
				     transport_clock(state->loop_end_s));
	return text;
}

/* ---- its values, as get prints them -------------------------------------------------------- */

static void read_state(const Mixd__V1__TransportState *state, Mixd__V1__Reading *ret)
{
	ret->text = state->state;
	ret->value->kind_case = MIXD__V1__VALUE__KIND_TEXT;
	ret->value->text = state->state;
}

static void read_position(const Mixd__V1__TransportState *state, Mixd__V1__Reading *ret)
{
	static char unit[] = "s";

	ret->text = state->text;
	ret->unit = unit;
	ret->value->kind_case = MIXD__V1__VALUE__KIND_NUMBER;
	ret->value->number = state->position_s;
}

static void read_loop(const Mixd__V1__TransportState *state, Mixd__V1__Reading *ret)
{
	ret->text = state->loop ? mixctl_printf("%s %s", transport_clock(state->loop_start_s),
						transport_clock(state->loop_end_s))
				: mixctl_strdup("off");
	ret->value->kind_case = MIXD__V1__VALUE__KIND_FLAG;
	ret->value->flag = state->loop;
}

static void read_marker(const Mixd__V1__TransportState *state, Mixd__V1__Reading *ret)
{
	ret->text = state->marker;
	ret->value->kind_case = MIXD__V1__VALUE__KIND_TEXT;
	ret->value->text = state->marker;
}

static const struct {
	const char *address;
	void (*read)(const Mixd__V1__TransportState *state, Mixd__V1__Reading *ret);
} transport_rows[] = {
	{"transport.state", read_state},
	{"transport.position", read_position},
	{"transport.loop", read_loop},
	{"transport.marker", read_marker},
};

size_t transport_readings(struct mixctl *m, const char *pattern,
			  Mixd__V1__Reading *ret[TRANSPORT_READINGS], uint64_t *ret_revision)
{
	Mixd__V1__Reply *reply = NULL;
	size_t n = 0;

	for (size_t i = 0; i < sizeof(transport_rows) / sizeof(transport_rows[0]); i++) {
		if (fnmatch(pattern, transport_rows[i].address, 0) != 0)
			continue;
		if (!reply && !(reply = transport_request(m, "", "", "")))
			return 0;
		*ret_revision = reply->revision;
		ret[n] = mixctl_alloc(sizeof(*ret[n]));
		mixd__v1__reading__init(ret[n]);
		ret[n]->value = mixctl_alloc(sizeof(*ret[n]->value));
		mixd__v1__value__init(ret[n]->value);
		ret[n]->address = mixctl_strdup(transport_rows[i].address);
		transport_rows[i].read(reply->transport->transport, ret[n++]);
	}
	if (n == 0)
		mixctl_error(m, EXIT_NOT_FOUND, pattern, "state, position, loop and marker are",
			     "the transport has no such value");
	return n;
}

/* ---- play, stop, locate, loop -------------------------------------------------------------- */

static void transport_print(struct mixctl *m, const Mixd__V1__TransportState *state)
{
	enum format format = mixctl_format(m, FORMAT_TABLE);

	if (m->options.quiet)
		;
	else if (format == FORMAT_TABLE)
		puts(transport_text(state));
	else if (format == FORMAT_NAME || format == FORMAT_CSV)
		puts(state->text);
	else
		output_doc(m,
			   doc_merge(output_object("transport"), doc_from_message(&state->base)));
}

static int transport_run(struct mixctl *m, const char *op, const char *position, const char *end)
{
	Mixd__V1__Reply *reply = transport_request(m, op, position, end);

	if (!reply)
		return m->err.code;
	transport_print(m, reply->transport->transport);
	return EXIT_YES;
}

/* What locates will roll in a moment, unless there is nothing that moves it. */
static int play_check_clock(struct mixctl *m)
{
	Mixd__V1__GetStatus get = MIXD__V1__GET_STATUS__INIT;
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;
	const char *clock;
	Mixd__V1__Reply *reply;

	request.op_case = MIXD__V1__REQUEST__OP_GET_STATUS;
	request.get_status = &get;
	reply = mixctl_request(m, &request);
	if (!reply)
		return m->err.code;
	clock = reply->get_status->clock;
	if (strcmp(clock, "running") == 0)
		return EXIT_YES;
	return mixctl_error(m, EXIT_RESOURCE, "play",
			    strcmp(clock, "offline") == 0
				    ? "start mixd without --no-pipewire; or render it: mixctl help "
				      "render"
				    : "it rolls as soon as PipeWire runs it: mixctl status; mixctl "
				      "stop takes it back",
			    "there is no clock, so nothing moves: %s",
			    reply->get_status->clock_text);
}

int verb_play(struct mixctl *m)
{
	Mixd__V1__Reply *reply = transport_request(m, "play", m->n_args ? m->args[0] : "", "");
	const Mixd__V1__TransportState *state;

	if (!reply)
		return m->err.code;
	state = reply->transport->transport;
	transport_print(m, state);
	return strcmp(state->state, "locating") == 0 ? play_check_clock(m) : EXIT_YES;
}

int verb_stop(struct mixctl *m)
{
	return transport_run(m, "stop", "", "");
}

int verb_locate(struct mixctl *m)
{
	return transport_run(m, m->n_args ? "locate" : "", m->n_args ? m->args[0] : "", "");
}

int verb_loop(struct mixctl *m)
{
	if (m->n_args == 0)
		return transport_run(m, "", "", "");
	if (m->n_args == 1 && strcmp(m->args[0], "off") == 0)
		return transport_run(m, "unloop", "", "");
	if (m->n_args == 1)
		return mixctl_error(m, EXIT_USAGE, m->args[0],
				    "write loop FROM TO, as in loop verse chorus; or loop off",
				    "where does it end?");
	return transport_run(m, "loop", m->args[0], m->args[1]);
}

/* ---- markers ------------------------------------------------------------------------------ */

static Mixd__V1__Graph *marker_graph(struct mixctl *m, uint64_t *ret_revision)
{
	Mixd__V1__Snapshot snapshot = MIXD__V1__SNAPSHOT__INIT;
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;
	Mixd__V1__Reply *reply;

	request.op_case = MIXD__V1__REQUEST__OP_SNAPSHOT;
	request.snapshot = &snapshot;
	reply = mixctl_request(m, &request);
	if (!reply)
		return NULL;
	*ret_revision = reply->revision;
	return reply->snapshot->graph;
}

bool marker_place(struct mixctl *m, const char *name, double *ret_s)
{
	uint64_t revision;
	Mixd__V1__Graph *graph = marker_graph(m, &revision);

	for (size_t i = 0; graph && i < graph->n_markers; i++)
		if (strcmp(graph->markers[i]->name, name) == 0) {
			*ret_s = graph->markers[i]->at_s;
			return true;
		}
	return false;
}

static int marker_ls(struct mixctl *m)
{
	static const char *const columns[] = {"marker", "at", NULL};
	struct listing listing = {.kind = "markers", .columns = columns};
	Mixd__V1__Graph *graph = marker_graph(m, &listing.revision);

	if (!graph)
		return m->err.code;
	for (size_t i = 0; i < graph->n_markers; i++)
		listing_add(&listing, doc_from_message(&graph->markers[i]->base),
			    (const char *const[]){graph->markers[i]->name,
						  transport_clock(graph->markers[i]->at_s)});
	return listing_print(m, &listing);
}

static Mixd__V1__Value *marker_value(const char *text)
{
	Mixd__V1__Value *value = mixctl_alloc(sizeof(*value));

	mixd__v1__value__init(value);
	value->kind_case = MIXD__V1__VALUE__KIND_TEXT;
	value->text = (char *)(uintptr_t)text;
	return value;
}

/* NAME [AT]: without AT where the time line stands. */
static int marker_add(struct mixctl *m)
{
	struct ops ops = {0};
	Mixd__V1__SetMarker *marker = ops_add(&ops, MIXD__V1__OP__OP_MARKER)->marker;
	const char *at = m->n_args > 2 ? m->args[2] : NULL;

	if (m->n_args < 2 || m->n_args > 3)
		return mixctl_error(m, EXIT_USAGE, NULL, "write marker add NAME [AT]",
				    "add takes a name and a position");
	if (!at) {
		Mixd__V1__Reply *reply = transport_request(m, "", "", "");

		if (!reply)
			return m->err.code;
		at = mixctl_printf("%.9fs", reply->transport->transport->position_s);
	}
	marker->name = m->args[1];
	marker->at = marker_value(at);
	return ops_commit(m, &ops, MIXD__V1__WAIT__WAIT_ACCEPTED);
}

static int marker_rm(struct mixctl *m)
{
	struct ops ops = {0};

	if (m->n_args < 2)
		return mixctl_error(m, EXIT_USAGE, NULL, "write marker rm NAME...",
				    "which marker is to go?");
	for (int i = 1; i < m->n_args; i++) {
		Mixd__V1__SetMarker *marker = ops_add(&ops, MIXD__V1__OP__OP_MARKER)->marker;

		marker->name = m->args[i];
		marker->remove = true;
	}
	return ops_commit(m, &ops, MIXD__V1__WAIT__WAIT_ACCEPTED);
}

int verb_marker(struct mixctl *m)
{
	static const char *const words[] = {"ls", "add", "rm", NULL};
	const char *word = m->n_args ? m->args[0] : "ls", *nearest;

	if (strcmp(word, "ls") == 0)
		return marker_ls(m);
	if (strcmp(word, "add") == 0)
		return marker_add(m);
	if (strcmp(word, "rm") == 0)
		return marker_rm(m);
	nearest = words_nearest(word, words);
	return mixctl_error(m, EXIT_USAGE, word,
			    nearest ? mixctl_printf("did you mean %s?", nearest)
				    : "marker ls, marker add NAME [AT], marker rm NAME",
			    "nothing to do with markers");
}
