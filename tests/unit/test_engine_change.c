/* test_engine_change.c - changes while it plays: ramps, curves, envelopes, links, threads. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>

#include "engine_rig.h"

static double change_one(uint64_t position, uint32_t channel)
{
	return 1.0;
}

/* in -> g -> out on a constant 1: the output is the gain. */
static struct rig *change_gain_rig(void)
{
	struct rig *rig = rig_open(false);

	engine_set_running(rig->engine, false);
	rig_q_add(rig, "in", "input", "layout=stereo");
	rig_q_add(rig, "g", "gain", NULL);
	rig_q_add(rig, "out", "output", "layout=stereo");
	rig_q_link(rig, "in", "g", 0);
	rig_q_link(rig, "g", "out", 0);
	rig_commit(rig);
	engine_set_running(rig->engine, true);
	rig->signal = change_one;
	return rig;
}

static double change_smooth(double t)
{
	return t <= 0 ? 0 : t >= 1 ? 1 : t * t * (3 - 2 * t);
}

TEST(change_ramps_are_smoothsteps_of_the_factor)
{
	struct rig *rig = change_gain_rig();

	rig_run(rig, 1000, 100);
	rig_set(rig, "g.gain", "-20dB");
	rig_run(rig, 3000, 100);
	CHECK(rig->out[0][999] == 1.0f);
	for (uint64_t i = 1000; i < 4000; i++) {
		double want = 1 + (0.1 - 1) * change_smooth((double)(i - 1000) / 960);

		CHECK_NEAR((double)rig->out[0][i], want, 2e-4); /* linear inside a cell */
	}
	CHECK_NEAR((double)rig->out[0][3000], 0.1, 1e-8);
	rig_close(rig);
}

TEST(change_a_new_target_starts_from_where_it_is)
{
	struct rig *rig = change_gain_rig();

	rig_run(rig, 1000, 100);
	for (int k = 0; k < 40; k++) {
		char value[16];

		snprintf(value, sizeof(value), "-%udB", test_random_below(60));
		rig_set(rig, "g.gain", value);
		rig_run(rig, 37 + test_random_below(300), 61);
	}
	rig_set(rig, "g.gain", "-inf");
	rig_run(rig, 2000, 100);
	for (uint64_t i = 1; i < rig->n_out; i++)
		CHECK(fabsf(rig->out[0][i] - rig->out[0][i - 1]) < 1.6 / 960, "frame %llu",
		      (unsigned long long)i);
	CHECK(rig->out[0][rig->n_out - 1] == 0.0f);
	rig_close(rig);
}

static void change_curve(const char *curve, double (*want)(double t))
{
	struct rig *rig = change_gain_rig();
	Mixd__V1__Set *set;

	rig_run(rig, 1000, 100);
	rig_q_set(rig, "g.gain", "-40dB", 100);
	set = rig->ops[0]->set;
	free(set->curve != protobuf_c_empty_string ? set->curve : NULL);
	set->curve = strdup(curve);
	rig_commit(rig);
	rig_run(rig, 6000, 100);
	for (uint64_t i = 1000; i < 7000; i++) {
		double t = (double)(i - 1000) / 4800;

		CHECK_NEAR((double)rig->out[0][i], want(t > 1 ? 1 : t),
			   3e-3); /* a cell may straddle the end */
	}
	rig_close(rig);
}

static double change_linear(double t)
{
	return 1 - 0.99 * t;
}
static double change_log(double t)
{
	return pow(10, -2 * t);
}
static double change_power(double t)
{
	return 1 + (0.01 - 1) * (1 - cos(M_PI / 2 * t));
}
static double change_smoothed(double t)
{
	return 1 - 0.99 * change_smooth(t);
}

TEST(change_curves_are_what_they_say)
{
	change_curve("linear", change_linear);
	change_curve("log", change_log);
	change_curve("equal-power", change_power);
	change_curve("smooth", change_smoothed);
}

static void change_automate(struct rig *rig, const char *curve, uint32_t n, const double *at_ms,
			    const double *value)
{
	rig_q_automate(rig, "g.gain", curve, n, at_ms, value);
	rig_commit(rig);
}

TEST(change_envelopes_play_and_end_at_their_last_point)
{
	struct rig *rig = change_gain_rig();

	rig_run(rig, 1000, 100);
	change_automate(rig, "linear", 3, (double[]){0, 100, 200}, (double[]){0, -20, -144});
	rig_run(rig, 14000, 100);
	for (uint64_t i = 1000; i < 15000; i++) {
		double ms = (double)(i - 1000) / 48;
		double want = ms < 100	 ? 1 - 0.9 * ms / 100
			      : ms < 200 ? 0.1 - 0.1 * (ms - 100) / 100
					 : 0;

		CHECK_NEAR((double)rig->out[0][i], want, 5e-3);
	}
	CHECK(rig->out[0][14999] == 0.0f);
	CHECK(engine_settled(rig->engine));
	rig_close(rig);
}

TEST(change_an_envelope_begins_without_a_jump_and_can_be_stopped)
{
	struct rig *rig = change_gain_rig();

	rig_run(rig, 1000, 100);
	change_automate(rig, "step", 3, (double[]){0, 100, 200}, (double[]){-20, 0, -40});
	rig_run(rig, 7000, 100);
	CHECK_NEAR((double)rig->out[0][4000], 0.1, 1e-6);
	CHECK_NEAR((double)rig->out[0][7900], 1.0, 1e-6);
	change_automate(rig, "step", 0, NULL, NULL);
	rig_run(rig, 8000, 100);
	CHECK_NEAR((double)rig->out[0][15000], 1.0, 1e-6);
	change_automate(rig, "log", 2, (double[]){0, 50}, (double[]){-60, 0});
	rig_run(rig, 300, 100);
	rig_set(rig, "g.gain", "-6dB"); /* a hand on the fader wins */
	rig_run(rig, 5000, 100);
	CHECK_NEAR((double)rig->out[0][20000], 0.501187, 1e-5);
	for (uint64_t i = 1; i < rig->n_out; i++)
		CHECK(fabsf(rig->out[0][i] - rig->out[0][i - 1]) < 4.0 / 960, "frame %llu: %g",
		      (unsigned long long)i, (double)rig->out[0][i]);
	rig_close(rig);
}

static struct rig *change_hold_rig(void)
{
	struct rig *rig = rig_open(false);

	engine_set_running(rig->engine, false);
	rig_ends(rig);
	rig_q_add(rig, "h", "hold", NULL);
	rig_q_link(rig, "in", "h", 0);
	rig_q_link(rig, "h", "out", 0);
	rig_commit(rig);
	engine_set_running(rig->engine, true);
	rig->signal = change_one;
	return rig;
}

/* A FLOAT without a ramp of its own: cell by cell, no further from WANT than a cell goes. */
static void change_hold_follows(struct rig *rig, uint64_t from, double (*want)(double t))
{
	for (uint64_t i = from; i < from + 6000; i++) {
		double t = (double)(i - from) / 4800;

		CHECK_NEAR((double)rig->out[0][i], want(t > 1 ? 1 : t), 2e-2);
		CHECK(i == from || fabsf(rig->out[0][i] - rig->out[0][i - 1]) < 2e-2,
		      "frame %llu: a step", (unsigned long long)i);
	}
	CHECK_NEAR((double)rig->out[0][from + 5999], want(1), 1e-7);
}

TEST(change_floats_without_a_ramp_move_when_told_to_take_time)
{
	static const struct {
		const char *curve;
		double (*want)(double t);
	} rows[] = {{"linear", change_linear}, {"log", change_log}, {"smooth", change_smoothed}};

	for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
		struct rig *rig = change_hold_rig();
		Mixd__V1__Set *set;

		rig_run(rig, 1000, 100);
		rig_q_set(rig, "h.level", "0.01", 100);
		set = rig->ops[0]->set;
		set->curve = strdup(rows[k].curve);
		rig_commit(rig);
		rig_run(rig, 6000, 100);
		change_hold_follows(rig, 1000, rows[k].want);
		rig_set(rig, "h.level", "1"); /* at once */
		rig_run(rig, 1000, 100);
		CHECK(rig->out[0][7016] == 1.0f);
		rig_q_automate(rig, "h.level", rows[k].curve, 2, (double[]){0, 100},
			       (double[]){1, 0.01});
		rig_commit(rig);
		rig_run(rig, 6000, 100);
		change_hold_follows(rig, 8000, rows[k].want);
		rig_close(rig);
	}
}

TEST(change_mute_and_bypass_cannot_be_automated)
{
	struct rig *rig = change_gain_rig();
	Mixd__V1__Automate *automate =
		rig_op(rig, MIXD__V1__OP__OP_AUTOMATE, sizeof(Mixd__V1__Automate))->automate;

	mixd__v1__automate__init(automate);
	automate->address = strdup("g.mute");
	automate->points = calloc(1, sizeof(*automate->points));
	automate->points[0] = calloc(1, sizeof(Mixd__V1__Point));
	mixd__v1__point__init(automate->points[0]);
	automate->n_points = 1;
	CHECK(rig_try(rig) == -EINVAL);
	CHECK(rig->err.text[0] && rig->err.hint[0]);
	rig_close(rig);
}

TEST(change_links_fade_in_and_out_and_change_gain)
{
	struct rig *rig = change_gain_rig();

	rig_run(rig, 1000, 100);
	rig_q_unlink(rig, "g", "out");
	rig_commit(rig);
	rig_run(rig, 2000, 100);
	for (uint64_t i = 1000; i < 3000; i++)
		CHECK_NEAR((double)rig->out[0][i], 1 - change_smooth((double)(i - 1000) / 960),
			   1e-6);
	rig_q_link(rig, "g", "out", -6);
	rig_commit(rig);
	rig_run(rig, 2000, 100);
	for (uint64_t i = 3000; i < 5000; i++)
		CHECK_NEAR((double)rig->out[0][i],
			   0.50118723 * change_smooth((double)(i - 3000) / 960), 1e-6);
	rig_q_link(rig, "g", "out", -12);
	rig_commit(rig);
	rig_run(rig, 2000, 100);
	CHECK_NEAR((double)rig->out[0][6999], 0.25118864, 1e-6);
	rig_close(rig);
}

TEST(change_removed_nodes_are_retired_when_they_have_faded)
{
	struct rig *rig = change_gain_rig();
	struct engine_stats stats;

	rig_run(rig, 1000, 100);
	rig_q_remove(rig, "g", true);
	rig_commit(rig);
	rig_run(rig, 200, 100);
	engine_stats(rig->engine, &stats);
	CHECK(stats.n_steps == 3, "%u: the ghost still sounds", stats.n_steps);
	rig_run(rig, 2000, 100);
	engine_stats(rig->engine, &stats);
	CHECK(stats.n_steps == 2, "%u", stats.n_steps);
	for (uint64_t i = 0; i < rig->n_out; i++) /* old and new halves of the crossfade */
		CHECK_NEAR((double)rig->out[0][i], 1.0, 1e-6);
	rig_close(rig);
}

TEST(change_a_late_node_comes_in_when_it_has_something_to_say)
{
	struct rig *rig = change_gain_rig();

	rig_run(rig, 1000, 100);
	rig_q_unlink(rig, "g", "out");
	rig_q_add(rig, "late", "late", "frames=500");
	rig_q_link(rig, "g", "late", 0);
	rig_q_link(rig, "late", "out", 0);
	rig_commit(rig);
	rig_run(rig, 3000, 100);
	for (uint64_t i = 0; i < rig->n_out; i++)
		CHECK_NEAR((double)rig->out[0][i], 1.0, 1e-6);
	rig_q_set(rig, "late.frames", "700", 0); /* a config: a new instance, crossfaded */
	rig_commit(rig);
	rig_run(rig, 3000, 100);
	for (uint64_t i = 0; i < rig->n_out; i++)
		CHECK_NEAR((double)rig->out[0][i], 1.0, 1e-6);
	CHECK(engine_node_latency(rig->engine, rig_uid(rig, "late")) == 700);
	rig_close(rig);
}

/* What holds sound back for longer than a change waits gets it faded in: it comes out without an edge. */
TEST(change_sound_fades_into_a_new_instance)
{
	struct rig *rig = change_gain_rig();
	double steepest = 0;

	rig_run(rig, 1000, 100);
	rig_q_unlink(rig, "g", "out");
	rig_q_add(rig, "late", "late", "frames=4000 meant=on");
	rig_q_link(rig, "g", "late", 0);
	rig_q_link(rig, "late", "out", 0);
	rig_commit(rig);
	rig_run(rig, 9000, 100);
	for (uint64_t i = 1; i < rig->n_out; i++)
		steepest =
			fmax(steepest, fabs((double)rig->out[0][i] - (double)rig->out[0][i - 1]));
	CHECK(steepest < 1.2 * 1.5 / 960, "a step of %g", steepest);
	CHECK(rig->out[0][4000] == 0.0f && rig->out[0][9999] == 1.0f);
	rig_close(rig);

	/* Where nothing was under way, the first frame is as it is. */
	rig = rig_open(false);
	rig->signal = change_one;
	rig_q_add(rig, "in", "input", "layout=stereo");
	rig_q_add(rig, "late", "late", "frames=100 meant=on");
	rig_q_add(rig, "out", "output", "layout=stereo");
	rig_q_link(rig, "in", "late", 0);
	rig_q_link(rig, "late", "out", 0);
	rig_commit(rig);
	rig_run(rig, 1000, 100);
	CHECK(rig->out[0][99] == 0.0f && rig->out[0][100] == 1.0f);
	rig_close(rig);
}

TEST(change_compensation_moves_without_a_gap)
{
	struct rig *rig = change_gain_rig();

	rig_q_add(rig, "sum", "join", NULL);
	rig_q_link(rig, "in", "sum", -6.020599913279624);
	rig_q_link(rig, "g", "sum:other", -6.020599913279624);
	rig_q_unlink(rig, "g", "out");
	rig_q_link(rig, "sum", "out", 0);
	rig_commit(rig);
	rig_run(rig, 3000, 100);
	rig_q_add(rig, "late", "late", "frames=900");
	rig_q_unlink(rig, "g", "sum:other");
	rig_q_link(rig, "g", "late", 0);
	rig_q_link(rig, "late", "sum:other", -6.020599913279624);
	rig_commit(rig);
	rig_run(rig, 4000, 100);
	rig_q_remove(rig, "late", true);
	rig_commit(rig);
	rig_run(rig, 4000, 100);
	for (uint64_t i = 0; i < rig->n_out; i++)
		CHECK_NEAR((double)rig->out[0][i], 1.0, 1e-6);
	rig_close(rig);
}

TEST(change_muting_the_output_silences_the_clock)
{
	struct rig *rig = change_gain_rig();

	rig_run(rig, 1000, 100);
	rig_set(rig, "out.mute", "on");
	rig_run(rig, 2000, 100);
	CHECK(rig->out[0][999] == 1.0f && rig->out[0][2900] == 0.0f);
	CHECK(engine_node_state(rig->engine, rig_uid(rig, "out")) == GRAPH_NODE_MUTED);
	rig_set(rig, "out.mute", "off");
	rig_run(rig, 2000, 100);
	CHECK(rig->out[0][4900] == 1.0f);
	rig_close(rig);
}

TEST(change_too_many_in_flight_is_refused)
{
	struct rig *rig = change_gain_rig();
	char value[16];
	int res = 0;

	for (uint32_t i = 0; i < 2000 && res == 0; i++) {
		snprintf(value, sizeof(value), "-%u.%udB", i % 60, i % 7);
		rig_q_set(rig, "g.gain", value, 0);
		res = rig_try(rig);
	}
	CHECK(res == -EAGAIN, "%d", res);
	CHECK(strstr(rig->err.text, "wait for the audio thread") != NULL, "%s", rig->err.text);
	rig_run(rig, 3000, 100); /* all are taken at once */
	rig_set(rig, "g.gain", "0dB");
	rig_run(rig, 3000, 100);
	CHECK(rig->out[0][5999] == 1.0f);
	rig_close(rig);
}

TEST(change_wide_layouts_run_in_several_blocks_of_lanes)
{
	struct rig *rig = rig_open(false);

	rig_q_add(rig, "in", "input", "layout=mono");
	rig_q_add(rig, "wide", "lane", "layout=12ch");
	rig_q_add(rig, "narrow", "lane", "layout=mono");
	rig_q_add(rig, "out", "output", "layout=mono");
	rig_q_add(rig, "sink", "output", "layout=12ch");
	rig_q_link(rig, "in", "wide", 0);
	rig_q_link(rig, "wide", "sink", 0);
	rig_q_link(rig, "in", "narrow", 0);
	rig_q_link(rig, "narrow", "out", 0);
	rig_commit(rig);
	rig_run(rig, 3000, 100);
	CHECK(engine_node_state(rig->engine, rig_uid(rig, "wide")) == GRAPH_NODE_RUNNING);
	rig_close(rig);
}

/* ---- jobs and events ------------------------------------------------------------------------ */

static uint32_t change_told;

static void change_heard(void *data, const Mixd__V1__Change *change)
{
	if (change->change_case == MIXD__V1__CHANGE__CHANGE_NODE_EVENT &&
	    change->node_event->code == 42 && strcmp(change->node_event->name, "w") == 0)
		change_told++;
}

static void change_worker(bool offline)
{
	struct instance_listener listener = {.happened = change_heard};
	struct timespec pause = {0, 1000000};
	struct rig *rig;
	double worked = 0, submitted = 0;
	uint64_t uid;
	int idx;

	rig_offline = offline;
	rig = rig_open(false);
	rig_offline = true;
	change_told = 0;
	CHECK(instance_listen(rig->instance, &listener) == 0);
	rig_ends(rig);
	rig_q_add(rig, "w", "worker", NULL);
	rig_q_link(rig, "in", "w", 0);
	rig_q_link(rig, "w", "out", 0);
	rig_commit(rig);
	uid = rig_uid(rig, "w");
	idx = graph_type_meter(graph_types_find(rig->types, "worker", NULL), "worked",
			       &(uint32_t){0});
	engine_meters_lease(rig->engine, 1);
	rig_run(rig, 20000, 100);
	for (uint32_t i = 0; i < 5000 && (i == 0 || worked < submitted); i++) {
		nanosleep(&pause, NULL);
		rig_run(rig, 1, 1);
		worked = engine_meter(rig->engine, uid, (uint32_t)idx, 0, 0);
		submitted = engine_meter(rig->engine, uid, (uint32_t)idx + 1, 0, 0);
	}
	CHECK(submitted >= 20 && worked == submitted, "%g of %g jobs", worked, submitted);
	CHECK(change_told >= 20, "%u events", change_told);
	rig_q_remove(rig, "w", false);
	rig_commit(rig);
	rig_run(rig, 3000, 100);
	rig_close(rig);
}

TEST(change_worker_does_the_jobs)
{
	change_worker(false);
}
TEST(change_jobs_run_inline_when_offline)
{
	change_worker(true);
}

/* ---- a real audio thread -------------------------------------------------------------------- */

struct change_thread {
	struct engine *engine;
	_Atomic bool quit;
	_Atomic uint32_t bad;
};

static void *change_audio(void *data)
{
	struct change_thread *thread = data;
	static float in[64], left[64], right[64];
	const float *in_channels[] = {in, in};
	float *out_channels[] = {left, right};
	const float *const *ins[] = {in_channels, NULL};
	float *const *outs[] = {NULL, out_channels};
	struct engine_cycle cycle = {64, ins, 2, outs, 2};

	for (uint32_t i = 0; i < 64; i++)
		in[i] = 0.25f;
	while (!atomic_load(&thread->quit)) {
		engine_process(thread->engine, &cycle);
		for (uint32_t i = 0; i < 64; i++)
			if (!(fabsf(left[i]) <= 0.6f))
				atomic_fetch_add(&thread->bad, 1);
		sched_yield();
	}
	return NULL;
}

TEST(change_from_another_thread_while_it_plays)
{
	struct rig *rig = change_gain_rig();
	struct change_thread thread = {.engine = rig->engine};
	pthread_t audio;

	CHECK(pthread_create(&audio, NULL, change_audio, &thread) == 0);
	for (uint32_t i = 0; i < 150; i++) {
		char name[16];
		struct timespec pause = {0, 200000};

		snprintf(name, sizeof(name), "n%u", i % 5);
		if (!graph_model_node(instance_model(rig->instance), name)) {
			rig_q_add(rig, name, i % 2 ? "lane" : "late", NULL);
			rig_q_link(rig, "in", name, 0);
		} else {
			rig_q_remove(rig, name, false);
		}
		rig_commit(rig);
		rig_set(rig, "g.gain", i % 2 ? "-6dB" : "0dB");
		rig_set(rig, "g.bypass", i % 3 ? "on" : "off");
		engine_meters_lease(rig->engine, i % 2 ? 1 : -1);
		engine_meter(rig->engine, rig_uid(rig, "g"), GRAPH_METER_PEAK, 0, i % 8);
		instance_maintain(rig->instance);
		nanosleep(&pause, NULL);
	}
	for (uint32_t i = 0; i < 20000 && !engine_applied(rig->engine, rig->ticket, NULL); i++) {
		struct timespec pause = {0, 200000};

		nanosleep(&pause, NULL);
	}
	CHECK(engine_applied(rig->engine, rig->ticket, NULL));
	atomic_store(&thread.quit, true);
	pthread_join(audio, NULL);
	CHECK(atomic_load(&thread.bad) == 0);
	rig_close(rig);
}
