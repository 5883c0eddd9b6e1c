/* test_instance_transport.c - the time line of an instance whose clock turns: asked for by words, told to
 * listeners, in no revision. */
#include <errno.h>

#include "engine_rig.h"

struct told {
	uint32_t n;
	char state[8][16], by[8][16];
	double position_s[8];
};

static void told_happened(void *data, const Mixd__V1__Change *change)
{
	struct told *told = data;

	if (change->change_case != MIXD__V1__CHANGE__CHANGE_TRANSPORT || told->n == 8)
		return;
	snprintf(told->state[told->n], 16, "%s", change->transport->state);
	snprintf(told->by[told->n], 16, "%s", change->transport->by);
	told->position_s[told->n++] = change->transport->position_s;
}

static struct rig *open_told(struct told *told)
{
	struct rig *rig = rig_open(false);
	const struct instance_listener listener = {.data = told, .happened = told_happened};

	rig_ends(rig);
	CHECK(instance_listen(rig->instance, &listener) == 0);
	return rig;
}

static int ask(struct rig *rig, const char *op, const char *position, const char *end)
{
	const struct instance_transport_wish wish = {
		.op = op, .position = position, .end = end, .by = "test"};

	rig->err = (struct mixd_error){0};
	return instance_transport(rig->instance, &wish, &rig->err);
}

static void mark(struct rig *rig, const char *name, double at_s)
{
	Mixd__V1__Op *op = rig_op(rig, MIXD__V1__OP__OP_MARKER, sizeof(Mixd__V1__SetMarker));

	mixd__v1__set_marker__init(op->marker);
	op->marker->name = strdup(name);
	op->marker->at = malloc(sizeof(*op->marker->at));
	mixd__v1__value__init(op->marker->at);
	op->marker->at->kind_case = MIXD__V1__VALUE__KIND_NUMBER;
	op->marker->at->number = at_s;
	rig_commit(rig);
}

static Mixd__V1__TransportState state_of(struct rig *rig)
{
	Mixd__V1__TransportState state;

	instance_transport_state(rig->instance, &state);
	return state;
}

TEST(transport_rolls_with_the_clock)
{
	struct told told = {0};
	struct rig *rig = open_told(&told);
	uint64_t revision = instance_revision(rig->instance);
	Mixd__V1__TransportState state = state_of(rig);

	CHECK_STR(state.state, "stopped");
	CHECK(state.position_frames == 0);
	CHECK(ask(rig, "play", "0.5s", "") == 0);
	rig_run(rig, 4800, 512);
	state = state_of(rig);
	CHECK_STR(state.state, "rolling");
	CHECK(state.position_frames == 24000 + 4800, "%llu",
	      (unsigned long long)state.position_frames);
	CHECK_NEAR(state.position_s, 0.6, 1e-12);
	CHECK_STR(state.text, "0:00.600");
	CHECK(ask(rig, "stop", "", "") == 0);
	rig_run(rig, 4800, 512);
	CHECK(state_of(rig).position_frames == 28800);
	/* play goes on where it stopped */
	CHECK(ask(rig, "play", "", "") == 0);
	rig_run(rig, 480, 512);
	CHECK(state_of(rig).position_frames == 29280);
	/* while it rolls, a new place is a jump, and it rolls on */
	CHECK(ask(rig, "locate", "+=1s", "") == 0);
	rig_run(rig, 480, 512);
	state = state_of(rig);
	CHECK_STR(state.state, "rolling");
	CHECK(state.position_frames == 29280 + 48000 + 480);
	CHECK(instance_revision(rig->instance) == revision);
	CHECK(told.n >= 4);
	CHECK_STR(told.by[0], "test");
	rig_close(rig);
}

TEST(transport_loops_between_markers)
{
	struct told told = {0};
	struct rig *rig = open_told(&told);
	Mixd__V1__TransportState state;
	uint32_t n;

	mark(rig, "verse", 1.0);
	mark(rig, "end", 1.25);
	CHECK(ask(rig, "loop", "verse", "end") == 0);
	CHECK(ask(rig, "play", "verse", "") == 0);
	rig_run(rig, 12000 * 3 + 100, 256); /* a quarter of a second each turn */
	state = state_of(rig);
	CHECK(state.loop && state.loop_start_s == 1.0 && state.loop_end_s == 1.25);
	CHECK(state.position_frames == 48000 + 100, "%llu",
	      (unsigned long long)state.position_frames);
	CHECK_STR(state.marker, "verse");
	n = told.n;
	rig_run(rig, 12000 * 2, 256);
	CHECK(told.n == n); /* turns are no news */
	CHECK(ask(rig, "unloop", "", "") == 0);
	rig_run(rig, 24000, 256);
	CHECK(state_of(rig).position_frames == 48100 + 24000);
	CHECK(!state_of(rig).loop);
	rig_close(rig);
}

TEST(transport_wishes_are_refused)
{
	static const struct {
		const char *op, *position, *end, *fault, *hint;
		int code;
	} rows[] = {
		{"paly", "", "", "cannot \"paly\"", "play", ERROR_USAGE},
		{"locate", "", "", "where?", "12.5s", ERROR_USAGE},
		{"locate", "vers", "", "neither a time nor a marker", "\"verse\"", ERROR_NOT_FOUND},
		{"locate", "-5s", "", "neither", "12.5s", ERROR_NOT_FOUND},
		{"play", "1:99", "", "neither", "12.5s", ERROR_INVALID},
		{"stop", "1s", "", "where it is", "locate 1s", ERROR_USAGE},
		{"loop", "1s", "", "from where to where", "loop", ERROR_USAGE},
		{"loop", "2s", "1s", "not behind", "earlier", ERROR_INVALID},
		{"loop", "1s", "1s", "not behind", "earlier", ERROR_INVALID},
		{"loop", "1s", "vers", "neither", "\"verse\"", ERROR_NOT_FOUND},
	};
	struct told told = {0};
	struct rig *rig = open_told(&told);

	mark(rig, "verse", 1.0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CHECK(ask(rig, rows[i].op, rows[i].position, rows[i].end) < 0, "%s", rows[i].op);
		CHECK((int)rig->err.code == rows[i].code, "%s: %d", rows[i].op, rig->err.code);
		CHECK(strstr(rig->err.text, rows[i].fault), "%s", rig->err.text);
		CHECK(strstr(rig->err.hint, rows[i].hint), "%s", rig->err.hint);
	}
	CHECK(told.n == 0);
	CHECK_STR(state_of(rig).state, "stopped");
	rig_close(rig);
}

/* Without a clock nothing rolls; it stands where it was put, and can be stopped. */
TEST(transport_without_a_clock)
{
	struct told told = {0};
	struct rig *rig = open_told(&told);

	engine_set_running(rig->engine, false);
	CHECK(ask(rig, "locate", "3s", "") == 0);
	CHECK(state_of(rig).position_s == 3.0);
	CHECK(ask(rig, "play", "", "") == 0);
	CHECK(state_of(rig).position_s == 3.0);
	CHECK(ask(rig, "stop", "", "") == 0);
	CHECK_STR(state_of(rig).state, "stopped");
	rig_close(rig);
}
