/* test_engine_transport.c - the time line in the engine: rolling, jumps, loops, envelopes on it. */
#include <errno.h>

#include "engine_rig.h"

static double ones(uint64_t position, uint32_t channel)
{
	(void)position, (void)channel;
	return 0.25;
}

/* in -> gain -> out, 0.25 comes in; not yet committed. */
static struct rig *line_open(bool roll)
{
	struct rig *rig;

	rig_offline = true;
	rig_roll = roll;
	rig = rig_open(false);
	rig->signal = ones;
	rig_q_add(rig, "in", "input", "layout=stereo");
	rig_q_add(rig, "out", "output", "layout=stereo");
	rig_q_add(rig, "g", "gain", NULL);
	rig_q_link(rig, "in", "g", 0.0);
	rig_q_link(rig, "g", "out", 0.0);
	return rig;
}

static void line_q_ramp(struct rig *rig)
{
	rig_q_automate(rig, "g.gain", "linear", 2, (const double[]){0, 100},
		       (const double[]){-20, 0});
	rig->ops[rig->n_ops - 1]->automate->timeline = true;
}

static void line_set(struct rig *rig, bool rolls, uint64_t position)
{
	struct engine_transport transport = {.is_rolling = rolls, .position = position};

	CHECK(engine_transport_set(rig->engine, &transport) == 0);
}

static double factor_at(uint64_t frame) /* the envelope's, by its points */
{
	return frame >= 4800 ? 1.0 : 0.1 + 0.9 * (double)frame / 4800.0;
}

static double gain_of(const struct rig *rig, uint64_t frame)
{
	return (double)rig->out[0][frame] / 0.25;
}

static void check_line(const struct rig *rig, uint64_t from, uint64_t to, uint64_t line)
{
	for (uint64_t i = from; i < to; i++)
		CHECK(fabs(gain_of(rig, i) - factor_at(line + i - from)) < 1e-6, "%llu: %g, not %g",
		      (unsigned long long)i, gain_of(rig, i), factor_at(line + i - from));
}

TEST(transport_envelope_is_where_the_time_line_is)
{
	struct rig *rig = line_open(true);
	uint64_t at;

	line_q_ramp(rig);
	rig_commit(rig);
	rig_run(rig, 9600, 500);
	check_line(rig, 0, 9600, 0); /* from the very first frame on */
	line_set(rig, true, 960);
	rig_run(rig, 4800, 300);
	check_line(rig, 9600 + 992, 9600 + 4800, 960 + 992);
	for (uint32_t i = 9600; i < 9600 + 976; i++) /* the jump took 20 ms and made no step */
		CHECK(fabs(gain_of(rig, i) - gain_of(rig, i + 1)) < 0.003);
	line_set(rig, false, ENGINE_POSITION_KEEP);
	rig_run(rig, 4800, 300);
	at = rig->n_out;
	CHECK(fabs(gain_of(rig, at - 1) - 1.0) < 1e-6); /* its own value */
	rig_set(rig, "g.gain", "-6dB");
	rig_run(rig, 4800, 300);
	CHECK(fabs(gain_of(rig, rig->n_out - 1) - pow(10, -0.3)) < 1e-6);
	line_set(rig, true, 0);
	rig_run(rig, 2400, 300);
	check_line(rig, rig->n_out - 1400, rig->n_out, 1000);
	rig_set(rig, "g.gain", "-12dB"); /* for when it stands still */
	rig_run(rig, 1200, 300);
	check_line(rig, rig->n_out - 1200, rig->n_out, 2400);
	line_set(rig, false, ENGINE_POSITION_KEEP);
	rig_run(rig, 2400, 300);
	CHECK(fabs(gain_of(rig, rig->n_out - 1) - pow(10, -0.6)) < 1e-6);
	rig_close(rig);
}

TEST(transport_envelope_can_be_cleared_and_new_instances_have_it)
{
	struct rig *rig = line_open(true);
	uint64_t at;

	line_q_ramp(rig);
	rig_commit(rig);
	rig_run(rig, 1000, 500);
	rig_q_automate(rig, "g.gain", "linear", 0, NULL, NULL);
	rig->ops[rig->n_ops - 1]->automate->timeline = true;
	rig_commit(rig);
	rig_run(rig, 2000, 500);
	CHECK(fabs(gain_of(rig, rig->n_out - 1) - 1.0) < 1e-6, "%g", gain_of(rig, rig->n_out - 1));
	line_q_ramp(rig);
	rig_commit(rig);
	rig_run(rig, 1000, 500);
	check_line(rig, rig->n_out - 16, rig->n_out, rig->n_out - 16);
	/* another instance of the same node */
	engine_set_running(rig->engine, false);
	CHECK(engine_set_rate(rig->engine, 96000, instance_model(rig->instance), &rig->err) == 0);
	engine_set_running(rig->engine, true);
	at = rig->n_out;
	rig_run(rig, 4000, 500);
	/* the time line went on at the same moment, 4000 frames of 48 kHz */
	for (uint64_t i = at + 2000; i < at + 4000; i++) {
		double want = factor_at((2 * 4000 + i - at) / 2);

		CHECK(fabs(gain_of(rig, i) - want) < 2e-4, "%llu: %g, not %g",
		      (unsigned long long)(i - at), gain_of(rig, i), want);
	}
	rig_close(rig);
}

TEST(transport_envelopes_do_not_depend_on_how_time_is_cut)
{
	struct rig *rig[2];

	for (uint32_t k = 0; k < 2; k++) {
		struct engine_transport loop = {true, ENGINE_POSITION_KEEP, true, 1003, 3001,
						false};

		rig[k] = line_open(true);
		line_q_ramp(rig[k]);
		rig_commit(rig[k]);
		CHECK(engine_transport_set(rig[k]->engine, &loop) == 0);
		rig_run(rig[k], 20000, k ? 61 : 4096);
	}
	for (uint32_t i = 0; i < 20000; i++)
		CHECK(rig[0]->out[0][i] == rig[1]->out[0][i], "frame %u", i);
	rig_close(rig[0]);
	rig_close(rig[1]);
}

TEST(transport_tells_what_was_set_before_it_is_taken)
{
	struct rig *rig = line_open(false);
	struct engine_transport now, set = {.is_rolling = true, .position = 777};

	rig_commit(rig);
	rig_run(rig, 128, 128);
	engine_transport_get(rig->engine, &now);
	CHECK(!now.is_rolling && now.position == 0 && !now.loop);
	CHECK(engine_transport_set(rig->engine, &set) == 0);
	engine_transport_get(rig->engine, &now);
	CHECK(!now.is_rolling && now.is_locating && now.position == 777);
	rig_run(rig, 256, 128);
	engine_transport_get(rig->engine, &now);
	CHECK(now.is_rolling && !now.is_locating && now.position == 777 + 256);
	set.loop = true;
	CHECK(engine_transport_set(rig->engine, &set) == -EINVAL);
	set.loop = false;
	for (uint32_t i = 0; i < 64; i++)
		CHECK(engine_transport_set(rig->engine, &set) == 0);
	CHECK(engine_transport_set(rig->engine, &set) == -EAGAIN);
	rig_run(rig, 128, 128);
	CHECK(engine_transport_set(rig->engine, &set) == 0);
	rig_close(rig);
}

/* Live it takes a slice in which nobody says no, or half a second. */
static const struct mixd_transport *line_seen;
static bool line_holds;
static char line_marks[256]; /* "name@position " where one was reached */
static uint32_t line_slices_held, line_jumps;
static uint64_t line_last;

static void line_process(const struct mixd_call *call)
{
	struct mixd_inst *inst = call->inst[0];
	const struct mixd_transport *at = call->transport;

	line_seen = at;
	for (uint32_t c = 0; c < 2; c++)
		memset(inst->out[c], 0, call->n_frames * sizeof(float));
	if (at->is_locating && line_holds) {
		line_slices_held++;
		inst->host->hold(inst);
	}
	CHECK(!at->is_rolling || at->jumped || at->position == line_last);
	line_jumps += at->jumped;
	CHECK(!at->marker || at->marker->position <= at->position);
	if (at->is_rolling && at->marker && at->marker->position == at->position) {
		size_t n = strlen(line_marks);

		snprintf(line_marks + n, sizeof(line_marks) - n, "%s@%u ", at->marker->name,
			 (unsigned)at->position);
	}
	line_last = at->position + (at->is_rolling ? call->n_frames : 0);
}

static const struct mixd_port_row line_ports[] = {
	{"out", "Nothing", true, MIXD_PORT_STEREO, NULL},
};
static const struct mixd_node_type line_type = {
	.id = "watch",
	.doc = "Looks at the transport",
	.category = "source",
	.source = "none",
	.version = 1,
	.flags = MIXD_NODE_SOURCE,
	.ports = line_ports,
	.n_ports = 1,
	.process = line_process,
};

static struct rig *watch_open(bool offline)
{
	struct graph_types *types = graph_types_new();
	struct mixd_error err;
	struct rig *rig;

	for (uint32_t i = 0; i < sizeof(rig_types) / sizeof(rig_types[0]); i++)
		CHECK(graph_types_add(types, rig_types[i], "test", &err) == 0);
	CHECK(graph_types_add(types, &line_type, "test", &err) == 0, "%s", err.text);
	rig_offline = offline;
	rig_roll = false;
	rig = rig_open_with(types, false);
	rig_q_add(rig, "w", "watch", NULL);
	rig_ends(rig);
	line_last = 0;
	line_marks[0] = 0;
	return rig;
}

TEST(transport_says_which_marker_it_is_behind)
{
	struct engine_transport loop = {true, ENGINE_POSITION_KEEP, true, 900, 1700, false};
	struct instance_request undo = {.by = "test"};
	struct instance_result undone = {0};
	char long_name[MIXD_MARKER_NAME_MAX + 1] = "";
	struct rig *rig;

	line_holds = false;
	rig = watch_open(true);
	memset(long_name, 'x', MIXD_MARKER_NAME_MAX);
	rig_q_marker(rig, "zero", 0.0);
	rig_q_marker(rig, "b", 1000 / 48000.0);
	rig_q_marker(rig, "a", 1000 / 48000.0); /* at once: the later name */
	rig_q_marker(rig, long_name, 1001 / 48000.0);
	rig_q_marker(rig, "c", 1500.4 / 48000.0); /* rounded */
	rig_commit(rig);
	rig_run(rig, 300, 300);
	CHECK(!*line_marks && line_seen->marker && strcmp(line_seen->marker->name, "zero") == 0);
	line_set(rig, true, 0);
	rig_run(rig, 1200, 1024);
	CHECK(strncmp(line_marks, "zero@0 b@1000 xxx", 17) == 0 && strstr(line_marks, "x@1001 "),
	      "%s", line_marks);
	CHECK(strcmp(line_seen->marker->name, long_name) == 0);
	line_marks[0] = 0;
	rig_q_marker(rig, long_name, -1.0);
	rig_q_marker(rig, "zero", -1.0);
	rig_commit(rig);
	CHECK(engine_transport_set(rig->engine, &loop) == 0);
	rig_run(rig, 1200, 77); /* 1200..1700, 900..1600 */
	CHECK(strcmp(line_marks, "c@1500 b@1000 c@1500 ") == 0, "%s", line_marks);
	CHECK(instance_undo(rig->instance, 1, &undo, &undone, &rig->err) == 0);
	instance_result_done(&undone);
	line_set(rig, false, 10);
	rig_run(rig, 128, 128);
	CHECK(strcmp(line_seen->marker->name, "zero") == 0);
	/* the same moments at another rate */
	engine_set_running(rig->engine, false);
	CHECK(engine_set_rate(rig->engine, 96000, instance_model(rig->instance), &rig->err) == 0);
	engine_set_running(rig->engine, true);
	line_marks[0] = 0;
	line_set(rig, true, 1800);
	rig_run(rig, 300, 300);
	CHECK(strncmp(line_marks, "b@2000 xxx", 10) == 0 && strstr(line_marks, "x@2002 "), "%s",
	      line_marks);
	rig_close(rig);
}

TEST(transport_waits_for_who_is_not_ready)
{
	struct engine_transport now;
	struct rig *rig = watch_open(false);

	line_jumps = line_slices_held = 0;
	rig_run(rig, 1024, 128);
	CHECK(line_jumps == 1); /* the first slice */
	line_set(rig, true, 1000);
	rig_run(rig, 128, 128);
	engine_transport_get(rig->engine, &now);
	CHECK(now.is_rolling && now.position == 1000 && line_jumps == 2);
	line_holds = true;
	line_set(rig, true, 5000);
	rig_run(rig, 12000, 128);
	engine_transport_get(rig->engine, &now);
	CHECK(!now.is_rolling && now.is_locating && now.position == 5000);
	rig_run(rig, 24000, 128); /* half a second is over */
	engine_transport_get(rig->engine, &now);
	CHECK(now.is_rolling && now.position > 5000 + 11000 && now.position <= 5000 + 12000);
	CHECK(line_slices_held >= 24000 / 128 && line_slices_held < 24000 / 128 + 200);
	line_holds = false;
	rig_offline = true;
	rig_close(rig);
}
