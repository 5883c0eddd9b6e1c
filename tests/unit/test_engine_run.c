/* test_engine_run.c - what the engine makes of a graph: bits, delays, sums, sleep, quarantine. */
#include <errno.h>
#include <time.h>

#include "engine_rig.h"

static void rig_same(const struct rig *a, const struct rig *b, uint64_t from, const char *what)
{
	CHECK(a->n_out == b->n_out);
	for (uint32_t c = 0; c < 2; c++)
		for (uint64_t i = from; i < a->n_out; i++)
			CHECK(memcmp(&a->out[c][i], &b->out[c][i], sizeof(float)) == 0,
			      "%s: channel %u frame %llu: %.9g and %.9g", what, c,
			      (unsigned long long)i, (double)a->out[c][i], (double)b->out[c][i]);
}

TEST(engine_empty_chain_passes_bits)
{
	struct rig *rig = rig_open(false);

	rig_ends(rig);
	rig_q_link(rig, "in", "out", 0);
	rig_commit(rig);
	rig_run(rig, 4000, 64);
	for (uint64_t i = 2000; i < 4000; i++)
		CHECK(rig->out[1][i] == (float)rig_noise(i, 1), "%llu: %g", (unsigned long long)i,
		      (double)rig->out[1][i]);
	rig_close(rig);
}

/* Silence, edits while nodes sleep, and sound again. */
static void rig_story_night(struct rig *rig, uint32_t block)
{
	rig->signal = NULL;
	rig_run(rig, 9000, block);
	rig_set(rig, "s3.freq", "700Hz"); /* while it sleeps */
	rig_set(rig, "t2.gain", "-3dB");
	rig_run(rig, 411, block);
	rig_set(rig, "s4.bypass", "on");
	rig_set(rig, "late.bypass", "on");
	rig_run(rig, 700, block);
	rig->signal = rig_noise;
	rig_run(rig, 2000, block);
	rig_set(rig, "s4.bypass", "off");
	rig_set(rig, "echo.bypass", "on");
	rig_set(rig, "out.mute", "on");
	rig_run(rig, 1501, block);
	rig_set(rig, "out.mute", "off");
	rig_set(rig, "echo.bypass", "off");
	rig_run(rig, 3000, block);
}

/* A graph with all that depends on time; edits at fixed positions. */
static struct rig *rig_story(uint32_t block, bool ungrouped)
{
	struct rig *rig = rig_open(ungrouped);
	char name[16], sum[16];

	rig_ends(rig);
	rig_q_add(rig, "sum", "join", NULL);
	rig_q_add(rig, "late", "late", "frames=77");
	rig_q_add(rig, "echo", "feedback", NULL);
	rig_q_add(rig, "send", "gain", "gain=-6dB");
	rig_q_link(rig, "in", "late", 0);
	rig_q_link(rig, "late", "sum:other", -3);
	rig_q_link(rig, "sum", "out", 0);
	rig_q_link(rig, "sum", "send", 0);
	rig_q_link(rig, "send", "echo", 0);
	rig_q_link(rig, "echo", "sum", 0);
	rig_commit(rig);
	for (int i = 0; i < 7; i++) {
		snprintf(name, sizeof(name), "s%d", i);
		snprintf(sum, sizeof(sum), "t%d", i);
		rig_q_add(rig, name, "lane", "freq=300Hz");
		rig_q_add(rig, sum, "gain", "gain=-12dB");
		rig_q_link(rig, "in", name, 0);
		rig_q_link(rig, name, sum, 0);
		rig_q_link(rig, sum, "sum", 0);
		rig_commit(rig);
	}
	rig_run(rig, 3001, block);
	rig_set(rig, "s3.freq", "5kHz");
	rig_set(rig, "t2.gain", "+6dB");
	rig_run(rig, 500, block);
	rig_set(rig, "t2.gain", "-inf");
	rig_set(rig, "s*.freq", "2kHz");
	rig_run(rig, 1777, block);
	rig_set(rig, "late.bypass", "on");
	rig_set(rig, "s4.bypass", "on");
	rig_set(rig, "t5.mute", "on");
	rig_run(rig, 300, block);
	rig_set(rig, "late.bypass", "off");
	rig_run(rig, 2500, block);
	rig_set(rig, "s4.bypass", "off");
	rig_set(rig, "t5.mute", "off");
	rig_q_unlink(rig, "late", "sum:other");
	rig_q_remove(rig, "s1", true);
	rig_q_add(rig, "s9", "lane", "freq=900Hz");
	rig_q_link(rig, "in", "s9", 0);
	rig_q_link(rig, "s9", "sum", -20);
	rig_commit(rig);
	rig_run(rig, 4000, block);
	rig_story_night(rig, block);
	return rig;
}

TEST(engine_blocks_of_any_size_give_the_same_bits)
{
	static const uint32_t blocks[] = {1, 17, 64, 100, 8192};
	struct rig *want = rig_story(1024, false);

	for (uint32_t i = 0; i < 5; i++) {
		struct rig *got = rig_story(blocks[i], false);
		char what[32];

		snprintf(what, sizeof(what), "blocks of %u", blocks[i]);
		rig_same(want, got, 0, what);
		rig_close(got);
	}
	rig_close(want);
}

TEST(engine_grouped_equals_ungrouped)
{
	struct rig *a = rig_story(256, false), *b = rig_story(256, true);
	struct engine_stats one, two;

	engine_stats(a->engine, &one);
	engine_stats(b->engine, &two);
	CHECK(one.n_banks < two.n_banks, "%u banks and %u", one.n_banks, two.n_banks);
	rig_same(a, b, 0, "banks");
	rig_close(a);
	rig_close(b);
}

TEST(engine_compensates_delay_to_a_null)
{
	struct rig *rig = rig_open(false);
	struct engine_stats stats;

	rig_ends(rig);
	rig_q_add(rig, "late", "late", "frames=333");
	rig_q_add(rig, "sum", "join", NULL);
	rig_q_link(rig, "in", "late", 0);
	rig_q_link(rig, "late", "sum", 0);
	rig_q_add(rig, "l", "input", "layout=mono");
	rig_commit(rig);
	rig->slot_in = 0;
	/* mono key from a gain of the first channel would need a split: use noise equal in both */
	rig_q_remove(rig, "l", false);
	rig_q_link(rig, "sum", "out", 0);
	rig_q_add(rig, "flip", "join", NULL);
	rig_q_link(rig, "in", "flip:key", 0);
	rig_q_link(rig, "flip", "sum:other", 0);
	rig_q_link(rig, "in", "flip", -144);
	rig_commit(rig);
	rig->signal = rig_sine;
	rig_run(rig, 9000, 100);
	engine_stats(rig->engine, &stats);
	CHECK(stats.latency_frames == 333, "%u", stats.latency_frames);
	for (uint64_t i = 4000; i < 9000; i++) /* the key is channel 0 of the input */
		CHECK(rig->out[0][i] == 0.0f, "%llu: %g", (unsigned long long)i,
		      (double)rig->out[0][i]);
	rig_close(rig);
}

TEST(engine_bypass_keeps_the_latency)
{
	struct rig *rig = rig_open(false);

	rig_ends(rig);
	rig_q_add(rig, "late", "late", "frames=200");
	rig_q_link(rig, "in", "late", 0);
	rig_q_link(rig, "late", "out", 0);
	rig_commit(rig);
	rig_run(rig, 3000, 128);
	rig_set(rig, "late.bypass", "on");
	CHECK(!engine_settled(rig->engine));
	rig_run(rig, 3000, 128);
	CHECK(engine_settled(rig->engine));
	CHECK(engine_node_state(rig->engine, rig_uid(rig, "late")) == GRAPH_NODE_BYPASSED);
	rig_set(rig, "late.bypass", "off");
	rig_run(rig, 3000, 128);
	for (uint64_t i = 1500; i < 9000; i++) /* a delay, bypassed or not or between, is a delay */
		CHECK_NEAR((double)rig->out[1][i], (double)(float)rig_noise(i - 200, 1), 6e-8);
	for (uint64_t i = 4500; i < 6000; i++)
		CHECK(rig->out[1][i] == (float)rig_noise(i - 200, 1));
	rig_close(rig);
}

TEST(engine_keeps_a_wide_graph_and_prepares_it_fast)
{
	struct rig *rig = rig_open(false);
	struct timespec a, b;
	char name[16], last[16] = "in";

	rig_ends(rig);
	for (uint32_t i = 0; i < 4000; i++) {
		snprintf(name, sizeof(name), "n%04u", i);
		rig_q_add(rig, name, i % 2 ? "lane" : "gain", NULL);
		rig_q_link(rig, i % 40 ? last : "in", name, 0);
		if (i % 40 == 39)
			rig_q_link(rig, name, "out", -60);
		snprintf(last, sizeof(last), "%s", name);
		if (i % 20 == 19)
			rig_commit(rig);
	}
	rig_run(rig, 2000, 256);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
	rig_q_add(rig, "one-more", "lane", NULL);
	rig_q_link(rig, "in", "one-more", 0);
	rig_commit(rig);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
	test_note("one more node in a graph of 4000: %.1f ms on main",
		  (double)(b.tv_sec - a.tv_sec) * 1e3 + (double)(b.tv_nsec - a.tv_nsec) / 1e6);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
	rig_run(rig, 1, 1);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
	test_note("the block of one frame that takes it: %.3f ms",
		  (double)(b.tv_sec - a.tv_sec) * 1e3 + (double)(b.tv_nsec - a.tv_nsec) / 1e6);
	rig_run(rig, 2000, 256);
	for (uint64_t i = 3000; i < 4001; i++)
		CHECK(isfinite(rig->out[0][i]) && rig->out[0][i] != 0.0f);
	rig_close(rig);
}

TEST(engine_mono_goes_to_all_channels)
{
	struct rig *rig = rig_open(false);

	rig_q_add(rig, "in", "input", "layout=mono");
	rig_q_add(rig, "out", "output", "layout=stereo");
	rig_q_link(rig, "in", "out", 0);
	rig_commit(rig);
	rig_run(rig, 2000, 128);
	for (uint64_t i = 0; i < 2000; i++)
		CHECK(rig->out[0][i] == (float)rig_noise(i, 0) && rig->out[0][i] == rig->out[1][i]);
	rig_close(rig);
}

TEST(engine_feedback_makes_an_echo)
{
	struct rig *rig = rig_open(false);

	rig_ends(rig);
	rig_q_add(rig, "sum", "join", NULL);
	rig_q_add(rig, "loop", "feedback", NULL);
	rig_q_add(rig, "half", "gain", "gain=-6.020599913279624dB");
	rig_q_link(rig, "in", "sum", 0);
	rig_q_link(rig, "sum", "half", 0);
	rig_q_link(rig, "half", "loop", 0);
	rig_q_link(rig, "loop", "sum:other", 0);
	rig_q_link(rig, "sum", "out", 0);
	rig_commit(rig);
	rig_run(rig, 4000, 50);
	for (uint64_t i = 3000; i < 4000; i++)
		CHECK_NEAR((double)rig->out[0][i],
			   rig_noise(i, 0) + 0.5 * (double)rig->out[0][i - 256], 1e-6);
	rig_close(rig);
}

TEST(engine_silence_puts_nodes_to_sleep_and_sound_wakes_them)
{
	struct rig *rig = rig_open(false);
	uint64_t uid;

	rig_ends(rig);
	rig_q_add(rig, "lane", "lane", NULL);
	rig_q_link(rig, "in", "lane", 0);
	rig_q_link(rig, "lane", "out", 0);
	rig_commit(rig);
	uid = rig_uid(rig, "lane");
	rig_run(rig, 1000, 128);
	CHECK(engine_node_state(rig->engine, uid) == GRAPH_NODE_RUNNING);
	rig->signal = NULL;
	rig_run(rig, 3000, 128);
	CHECK(engine_node_state(rig->engine, uid) == GRAPH_NODE_RUNNING, "its tail is 4000");
	rig_run(rig, 3000, 128);
	CHECK(engine_node_state(rig->engine, uid) == GRAPH_NODE_SLEEPING);
	CHECK(rig->out[0][6900] == 0.0f);
	rig->signal = rig_noise;
	rig_run(rig, 100, 128);
	CHECK(engine_node_state(rig->engine, uid) == GRAPH_NODE_RUNNING);
	rig_close(rig);
}

/* Sound, a long silence with a change in it, sound, silence again. */
static struct rig *rest_and_wake(bool leased, uint32_t block)
{
	struct rig *rig = rig_open(false);

	rig_ends(rig);
	rig_q_add(rig, "lane", "lane", NULL);
	rig_q_link(rig, "in", "lane", 0);
	rig_q_link(rig, "lane", "out", 0);
	rig_commit(rig);
	if (leased)
		engine_meters_lease(rig->engine, 1);
	for (int turn = 0; turn < 2; turn++) {
		rig->signal = rig_noise;
		rig_run(rig, 3001, block);
		rig->signal = NULL;
		rig_run(rig, 20000, block);
		rig_set(rig, "lane.mute", turn ? "on" : "off");
		rig_run(rig, 4000, block);
		rig_set(rig, "lane.mute", "off");
		rig_run(rig, 4000, block);
	}
	rig->signal = rig_noise;
	rig_run(rig, 3001, block);
	return rig;
}

/* A graph that is asleep as a whole is not run at all, except while somebody reads meters: same sound. */
TEST(engine_a_resting_graph_sounds_the_same)
{
	struct rig *watched = rest_and_wake(true, 128);
	static const uint32_t blocks[] = {128, 100, 1024};

	for (uint32_t i = 0; i < 3; i++) {
		struct rig *rests = rest_and_wake(false, blocks[i]);

		CHECK(rests->n_out == watched->n_out);
		for (uint32_t c = 0; c < 2; c++)
			CHECK(memcmp(rests->out[c], watched->out[c],
				     rests->n_out * sizeof(float)) == 0,
			      "channel %u, blocks of %u", c, blocks[i]);
		rig_close(rests);
	}
	rig_close(watched);
}

static void quarantine_check(const char *kind, uint32_t code)
{
	struct rig *rig = rig_open(false);
	const Mixd__V1__Alarm *const *alarms;
	uint64_t uid;

	rig_ends(rig);
	rig_q_add(rig, "fault", "fault", NULL);
	rig_q_link(rig, "in", "fault", 0);
	rig_q_link(rig, "fault", "out", 0);
	rig_commit(rig);
	uid = rig_uid(rig, "fault");
	rig_run(rig, 2000, 128);
	rig_set(rig, "fault.kind", kind);
	rig_run(rig, 5000, 128);
	CHECK(engine_node_state(rig->engine, uid) == GRAPH_NODE_QUARANTINED);
	CHECK(instance_alarms(rig->instance, &alarms) == 1);
	CHECK_STR(alarms[0]->id, "quarantine");
	CHECK_STR(alarms[0]->address, "fault");
	(void)code;
	for (uint64_t i = 0; i < rig->n_out; i++)
		CHECK(fabsf(rig->out[0][i]) <= 0.5f, "%llu: %g", (unsigned long long)i,
		      (double)rig->out[0][i]);
	for (uint64_t i = 5000; i < 7000; i++)
		CHECK(rig->out[1][i] == (float)rig_noise(i, 1), "bypassed");
	rig_set(rig, "fault.kind", "0");
	rig_set(rig, "fault.bypass", "on");
	rig_set(rig, "fault.bypass", "off");
	rig_run(rig, 3000, 128);
	CHECK(engine_node_state(rig->engine, uid) == GRAPH_NODE_RUNNING);
	CHECK(instance_alarms(rig->instance, &alarms) == 0);
	for (uint64_t i = 9000; i < 10000; i++)
		CHECK(rig->out[1][i] == (float)rig_noise(i, 1), "back");
	rig_close(rig);
}

TEST(engine_quarantines_nan)
{
	quarantine_check("1", 0);
}
TEST(engine_quarantines_what_is_too_loud)
{
	quarantine_check("2", 1);
}
TEST(engine_quarantines_infinity)
{
	quarantine_check("3", 0);
}

static double rig_bad_input(uint64_t position, uint32_t channel)
{
	return position >= 1000 && position < 1010 ? NAN : rig_noise(position, channel);
}

TEST(engine_silences_bad_input_and_goes_on)
{
	struct rig *rig = rig_open(false);

	rig_ends(rig);
	rig_q_link(rig, "in", "out", 0);
	rig_commit(rig);
	rig->signal = rig_bad_input;
	rig_run(rig, 4000, 64);
	for (uint64_t i = 0; i < 4000; i++)
		CHECK(isfinite(rig->out[0][i]));
	CHECK(rig->out[0][3000] == (float)rig_noise(3000, 0));
	rig_close(rig);
}

TEST(engine_refuses_a_cycle_and_stays_as_it_was)
{
	struct rig *rig = rig_open(false);

	rig_ends(rig);
	rig_q_add(rig, "a", "gain", NULL);
	rig_q_add(rig, "b", "gain", NULL);
	rig_q_link(rig, "in", "a", 0);
	rig_q_link(rig, "a", "b", 0);
	rig_q_link(rig, "b", "out", 0);
	rig_commit(rig);
	rig_run(rig, 2000, 128);
	rig_q_link(rig, "b", "a", 0);
	CHECK(rig_try(rig) == -ELOOP);
	CHECK(strstr(rig->err.text, "a -> b -> a") || strstr(rig->err.text, "b -> a -> b"), "%s",
	      rig->err.text);
	CHECK(instance_model(rig->instance)->n_links == 3);
	rig_run(rig, 2000, 128);
	CHECK(rig->out[0][3999] == (float)rig_noise(3999, 0));
	rig_close(rig);
}

TEST(engine_tells_why_a_node_refuses)
{
	struct rig *rig = rig_open(false);

	rig_q_add(rig, "late", "late", "frames=13");
	CHECK(rig_try(rig) == -EINVAL);
	CHECK_STR(rig->err.address, "late");
	CHECK_STR(rig->err.text, "thirteen frames bring bad luck");
	CHECK_STR(rig->err.hint, "take twelve");
	CHECK(instance_model(rig->instance)->n_nodes == 0);
	rig_close(rig);
}

TEST(engine_turns_a_link_around_without_a_click)
{
	struct rig *rig = rig_open(false);

	rig_ends(rig);
	rig_q_add(rig, "a", "gain", NULL);
	rig_q_add(rig, "b", "gain", NULL);
	rig_q_link(rig, "in", "a", 0);
	rig_q_link(rig, "a", "b", 0);
	rig_q_link(rig, "b", "out", 0);
	rig_commit(rig);
	rig->signal = rig_sine;
	rig_run(rig, 3000, 64);
	rig_q_unlink(rig, "in", "a");
	rig_q_unlink(rig, "a", "b");
	rig_q_unlink(rig, "b", "out");
	rig_q_link(rig, "in", "b", 0);
	rig_q_link(rig, "b", "a", 0);
	rig_q_link(rig, "a", "out", 0);
	rig_commit(rig);
	rig_run(rig, 6000, 64);
	for (uint64_t i = 1; i < rig->n_out; i++) /* slope of the sine, and of a 20 ms fade */
		CHECK(fabsf(rig->out[0][i] - rig->out[0][i - 1]) < 0.0655f + 0.003f,
		      "frame %llu: %g", (unsigned long long)i,
		      (double)(rig->out[0][i] - rig->out[0][i - 1]));
	for (uint64_t i = 8000; i < 9000; i++)
		CHECK(rig->out[1][i] == (float)rig_sine(i, 1));
	rig_close(rig);
}

TEST(engine_a_new_rate_makes_all_instances_anew)
{
	struct rig *rig = rig_open(false);
	struct mixd_error err;

	rig_ends(rig);
	rig_q_add(rig, "lane", "lane", NULL);
	rig_q_link(rig, "in", "lane", 0);
	rig_q_link(rig, "lane", "out", 0);
	rig_commit(rig);
	rig_run(rig, 1000, 128);
	CHECK(engine_set_rate(rig->engine, 44100, instance_model(rig->instance), &err) < 0);
	engine_set_running(rig->engine, false);
	CHECK(engine_set_rate(rig->engine, 44100, instance_model(rig->instance), &err) == 0);
	CHECK(engine_set_rate(rig->engine, 1, instance_model(rig->instance), &err) < 0);
	engine_set_running(rig->engine, true);
	rig_run(rig, 1000, 128);
	CHECK(isfinite(rig->out[0][1999]) && rig->out[0][1999] != 0);
	rig_close(rig);
}

TEST(engine_while_idle_applies_at_once)
{
	struct rig *rig = rig_open(false);
	uint64_t at;

	engine_set_running(rig->engine, false);
	rig_ends(rig);
	CHECK(rig->ticket && engine_applied(rig->engine, rig->ticket, &at) && at == 0);
	CHECK(engine_settled(rig->engine));
	rig_close(rig);
}

TEST(engine_says_where_a_change_was_applied)
{
	struct rig *rig = rig_open(false);
	uint64_t at = 0;

	rig_ends(rig);
	rig_run(rig, 1000, 100);
	rig_q_link(rig, "in", "out", 0);
	rig_commit(rig);
	CHECK(!engine_applied(rig->engine, rig->ticket, &at));
	rig_run(rig, 100, 100);
	CHECK(engine_applied(rig->engine, rig->ticket, &at) && at == 1000);
	rig_close(rig);
}

TEST(engine_meters_fold_for_each_reader)
{
	struct rig *rig = rig_open(false);
	uint64_t uid;
	double peak;

	rig_ends(rig);
	rig_q_add(rig, "g", "gain", "gain=-6dB");
	rig_q_link(rig, "in", "g", 0);
	rig_q_link(rig, "g", "out", 0);
	rig_commit(rig);
	uid = rig_uid(rig, "g");
	rig->signal = rig_sine;
	engine_meters_lease(rig->engine, 1);
	engine_meter(rig->engine, uid, GRAPH_METER_PEAK, 0, 0);
	engine_meter(rig->engine, uid, GRAPH_METER_PEAK, 0, 1);
	rig_run(rig, 2000, 128);
	peak = engine_meter(rig->engine, uid, GRAPH_METER_PEAK, 0, 0);
	CHECK_NEAR(peak, -12.02, 0.02);
	rig->signal = NULL;
	rig_run(rig, 2000, 128);
	engine_meter(rig->engine, uid, GRAPH_METER_PEAK, 0, 0);
	rig_run(rig, 2000, 128);
	CHECK(engine_meter(rig->engine, uid, GRAPH_METER_PEAK, 0, 0) == -INFINITY);
	CHECK_NEAR(engine_meter(rig->engine, uid, GRAPH_METER_PEAK, 0, 1), -12.02, 0.02);
	CHECK(engine_meter(rig->engine, uid, GRAPH_METER_LATENCY, 0, 0) == 0);
	CHECK(isnan(engine_meter(rig->engine, uid, 99, 0, 0)));
	CHECK(isnan(engine_meter(rig->engine, 123456, 0, 0, 0)));
	rig_close(rig);
}
