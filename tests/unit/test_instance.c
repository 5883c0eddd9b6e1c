/* test_instance.c - transactions, history, undo, rollback, alarms and restore. */
#include <errno.h>

#include "engine_rig.h"

#define instance_text(rig) instance_text_of(instance_model((rig)->instance))

/* The model as bytes, for comparing. */
static char *instance_text_of(const struct graph_model *model)
{
	Mixd__V1__Graph *graph = graph_model_to_proto(model);
	size_t size = mixd__v1__graph__get_packed_size(graph);
	char *text = calloc(2 * size + 1, 1);
	uint8_t *bytes = malloc(size + 1);

	mixd__v1__graph__pack(graph, bytes);
	for (size_t i = 0; i < size; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	free(bytes);
	mixd__v1__graph__free_unpacked(graph, NULL);
	return text;
}

static int instance_back(struct rig *rig, uint32_t count)
{
	struct instance_request request = {.by = "test"};
	struct instance_result result = {0};
	int res = instance_undo(rig->instance, count, &request, &result, &rig->err);

	instance_result_done(&result);
	return res;
}

static void instance_build(struct rig *rig)
{
	rig_ends(rig);
	rig_q_add(rig, "g", "gain", NULL);
	rig_q_link(rig, "in", "g", 0);
	rig_q_link(rig, "g", "out", 0);
	rig_commit(rig);
	rig_set(rig, "g.gain", "-6dB");
}

TEST(instance_counts_revisions_and_keeps_history)
{
	struct rig *rig = rig_open(false);

	CHECK(instance_revision(rig->instance) == 1);
	instance_build(rig);
	CHECK(instance_revision(rig->instance) == 4, "%llu",
	      (unsigned long long)instance_revision(rig->instance));
	CHECK(instance_history(rig->instance, 0)->revision == 4);
	CHECK_STR(instance_history(rig->instance, 0)->by, "test");
	CHECK(strstr(instance_history(rig->instance, 0)->summary, "g.gain") != NULL, "%s",
	      instance_history(rig->instance, 0)->summary);
	CHECK(instance_history(rig->instance, 3) == NULL);
	rig_set(rig, "g.gain", "-6dB"); /* it is already so */
	CHECK(instance_revision(rig->instance) == 4 && rig->ticket == 0);
	rig_close(rig);
}

TEST(instance_undo_and_undo_of_undo)
{
	struct rig *rig = rig_open(false);
	char *before, *after, *now;

	instance_build(rig);
	before = instance_text(rig);
	rig_q_remove(rig, "g", true);
	rig_commit(rig);
	after = instance_text(rig);
	CHECK(strcmp(before, after) != 0);
	CHECK(instance_back(rig, 1) == 0, "%s", rig->err.text);
	now = instance_text(rig);
	CHECK_STR(now, before);
	free(now);
	CHECK(instance_back(rig, 1) == 0, "%s", rig->err.text);
	now = instance_text(rig);
	CHECK_STR(now, after);
	free(now);
	CHECK(instance_revision(rig->instance) == 7);
	CHECK(instance_back(rig, 7) == -ENOENT);
	CHECK(rig->err.hint[0] != 0);
	free(before);
	free(after);
	rig_close(rig);
}

TEST(instance_rolls_back_to_a_revision)
{
	struct rig *rig = rig_open(false);
	struct instance_request request = {.by = "test"};
	struct instance_result result = {0};
	char *want, *now;
	uint64_t revision;

	instance_build(rig);
	want = instance_text(rig);
	revision = instance_revision(rig->instance);
	for (int i = 0; i < 10; i++) {
		rig_set(rig, "g.gain", i % 2 ? "-3dB" : "-9dB");
		rig_set(rig, "g.mute", i % 2 ? "off" : "on");
	}
	rig_q_remove(rig, "g", false);
	rig_commit(rig);
	CHECK(instance_rollback(rig->instance, revision, &request, &result, &rig->err) == 0, "%s",
	      rig->err.text);
	instance_result_done(&result);
	now = instance_text(rig);
	CHECK_STR(now, want);
	CHECK(instance_rollback(rig->instance, 9999, &request, &result, &rig->err) == -ENOENT);
	free(now);
	free(want);
	rig_close(rig);
}

TEST(instance_checks_the_revision_asked_for)
{
	struct rig *rig = rig_open(false);
	struct instance_request request = {.if_revision = 77, .by = "test"};
	struct instance_result result = {0};

	instance_build(rig);
	CHECK(instance_transact(rig->instance, &request, &result, &rig->err) == -EEXIST);
	CHECK(rig->err.code == ERROR_CONFLICT);
	rig_close(rig);
}

TEST(instance_dry_run_changes_nothing_and_tells_what_would)
{
	struct rig *rig = rig_open(false);
	struct instance_request request = {.dry_run = true, .by = "test"};
	struct instance_result result = {0};
	char *before, *after;

	instance_build(rig);
	before = instance_text(rig);
	rig_q_remove(rig, "g", false);
	request.ops = rig->ops;
	request.n_ops = 1;
	CHECK(instance_transact(rig->instance, &request, &result, &rig->err) == 0);
	CHECK(result.n_changes > 0 && result.revision == 4 && result.ticket == 0);
	instance_result_done(&result);
	after = instance_text(rig);
	CHECK_STR(after, before);
	free(before);
	free(after);
	mixd__v1__op__free_unpacked(rig->ops[0], NULL);
	rig_close(rig);
}

/* ---- hooks and listeners --------------------------------------------------------------------- */

struct instance_ear {
	uint32_t commits, alarms, ended, clocks;
	uint64_t revision;
	bool full;
	char text[200];
};

static int instance_journal(void *data, const struct instance_commit *commit,
			    const struct graph_model *model, struct mixd_error *err)
{
	struct instance_ear *ear = data;

	if (ear->full) {
		error_set(err, ERROR_RESOURCE, "journal", "the disk is full");
		return -ENOSPC;
	}
	ear->revision = commit->revision;
	return 0;
}

static void instance_committed(void *data, const struct instance_commit *commit)
{
	struct instance_ear *ear = data;

	ear->commits++;
	CHECK(commit->revision == ear->revision, "told before the journal had it");
}

static void instance_heard(void *data, const Mixd__V1__Change *change)
{
	struct instance_ear *ear = data;

	if (change->change_case == MIXD__V1__CHANGE__CHANGE_CLOCK)
		ear->clocks++;
	if (change->change_case != MIXD__V1__CHANGE__CHANGE_ALARM)
		return;
	ear->alarms += change->alarm->active;
	ear->ended += !change->alarm->active;
	snprintf(ear->text, sizeof(ear->text), "%s", change->alarm->text);
}

TEST(instance_journals_before_it_tells_and_refuses_when_it_cannot)
{
	struct rig *rig = rig_open(false);
	struct instance_ear ear = {0};
	struct instance_hooks hooks = {.data = &ear, .journal = instance_journal};
	struct instance_listener listener = {&ear, instance_committed, instance_heard};
	struct instance *plain = rig->instance;

	CHECK(instance_new("hooked", rig->types, rig->engine, &hooks, &rig->instance, &rig->err) ==
	      0);
	CHECK(instance_listen(rig->instance, &listener) == 0);
	instance_build(rig);
	CHECK(ear.commits == 3 && ear.revision == 4);
	ear.full = true;
	rig_q_set(rig, "g.gain", "-20dB", 0);
	CHECK(rig_try(rig) == -ENOSPC);
	CHECK(ear.commits == 3 && instance_revision(rig->instance) == 4);
	CHECK(graph_model_node(instance_model(rig->instance), "g")->value[2] == -6);
	instance_free(plain);
	rig_close(rig);
}

TEST(instance_raises_and_ends_alarms)
{
	struct rig *rig = rig_open(false);
	struct instance_ear ear = {0};
	struct instance_listener listener = {&ear, NULL, instance_heard};
	const Mixd__V1__Alarm *const *alarms;
	struct instance_clock clock = {.state = "running", .rate = 48000, .quantum = 256};

	CHECK(instance_listen(rig->instance, &listener) == 0);
	instance_alarm(rig->instance, "device", "out", true, "the %s is gone", "speaker");
	instance_alarm(rig->instance, "device", "out", true, "still gone");
	CHECK(instance_alarms(rig->instance, &alarms) == 1);
	CHECK(alarms[0]->count == 2 && alarms[0]->active);
	CHECK_STR(alarms[0]->text, "still gone");
	instance_alarm(rig->instance, "device", "out", false, "it is back");
	instance_alarm(rig->instance, "device", "out", false, "nothing to end");
	CHECK(instance_alarms(rig->instance, &alarms) == 0);
	CHECK(ear.alarms == 2 && ear.ended == 1);
	CHECK_STR(ear.text, "it is back");
	instance_set_clock(rig->instance, &clock);
	instance_set_clock(rig->instance, &clock);
	CHECK(ear.clocks == 1);
	CHECK_STR(instance_clock(rig->instance)->state, "running");
	rig_close(rig);
}

TEST(instance_restores_a_graph_and_commits)
{
	struct rig *rig = rig_open(false), *again = rig_open(false);
	struct graph_model *model;
	Mixd__V1__Graph *graph;
	char *want, *got;

	rig_ends(rig);
	graph = graph_model_to_proto(instance_model(rig->instance));
	CHECK(graph_model_from_proto(again->types, graph, &model, &rig->err) == 0);
	mixd__v1__graph__free_unpacked(graph, NULL);
	rig_q_add(rig, "g", "gain", "gain=-6dB");
	rig_q_link(rig, "in", "g", 0);
	rig_q_link(rig, "g", "out", 0);
	rig_commit(rig);
	CHECK(instance_restore_graph(again->instance, model, 2, &rig->err) == 0);
	for (int i = 0; i < 1; i++) {
		const struct instance_commit *commit = instance_history(rig->instance, 0);

		CHECK(instance_restore_commit(again->instance, commit, commit->delta->done,
					      commit->delta->n_done, &rig->err) == 0);
	}
	want = instance_text(rig);
	got = instance_text(again);
	CHECK_STR(got, want);
	CHECK(instance_revision(again->instance) == instance_revision(rig->instance));
	rig_run(again, 4000, 128);
	CHECK(again->out[0][3000] != 0.0f);
	CHECK(instance_back(again, 1) == 0, "%s", again->err.text);
	CHECK(graph_model_node(instance_model(again->instance), "g") == NULL);
	free(want);
	free(got);
	rig_close(rig);
	rig_close(again);
}

/* ---- envelopes: what the model says and what is heard --------------------------------------- */

static double instance_one(uint64_t position, uint32_t channel)
{
	return 1.0;
}

static double instance_gain(struct rig *rig)
{
	return graph_model_node(instance_model(rig->instance), "g")->value[GRAPH_PARAM_COMMON];
}

static struct rig *instance_fading(void)
{
	struct rig *rig = rig_open(false);

	rig->signal = instance_one;
	instance_build(rig);
	rig_run(rig, 4800, 128);
	rig_q_automate(rig, "g.gain", "log", 2, (double[]){0, 400}, (double[]){-40, 0});
	rig_commit(rig);
	rig_run(rig, 9600, 128); /* half of it */
	CHECK(instance_model(rig->instance)->n_envelopes == 1);
	return rig;
}

static void instance_agrees(struct rig *rig)
{
	rig_run(rig, 24000, 128); /* longer than the rest of it */
	CHECK_NEAR((double)rig->out[0][rig->n_out - 1], pow(10, instance_gain(rig) / 20), 1e-7);
}

TEST(instance_clear_agrees_with_the_sound)
{
	struct rig *rig = instance_fading();
	double now, heard = 20 * log10((double)rig->out[0][rig->n_out - 1]);

	CHECK(engine_param_now(rig->engine, rig_uid(rig, "g"), GRAPH_PARAM_COMMON, &now));
	CHECK_NEAR(now, heard, 0.1);
	CHECK(!engine_param_now(rig->engine, rig_uid(rig, "g"), GRAPH_PARAM_MUTE, &now));
	CHECK(!engine_param_now(rig->engine, 999, GRAPH_PARAM_COMMON, &now));
	rig_q_automate(rig, "g.gain", "", 0, NULL, NULL);
	rig_commit(rig);
	CHECK_NEAR(instance_gain(rig), heard, 0.1);
	CHECK_STR(instance_history(rig->instance, 0)->summary, "automate g.gain --clear");
	instance_agrees(rig);
	CHECK(instance_back(rig, 1) == 0 && instance_gain(rig) == 0);
	CHECK(instance_model(rig->instance)->n_envelopes == 0, "the fade is not begun again");
	instance_agrees(rig);
	CHECK(instance_back(rig, 3) == 0 && instance_gain(rig) == -6);
	instance_agrees(rig);
	rig_close(rig);
}

TEST(instance_set_and_undo_on_the_way_agree_with_the_sound)
{
	struct rig *rig = instance_fading();

	rig_set(rig, "g.gain", "-30dB");
	CHECK_STR(instance_history(rig->instance, 0)->summary, "set g.gain=-30dB");
	instance_agrees(rig);
	rig_close(rig);

	rig = instance_fading();
	rig_set(rig, "g.gain", "0dB"); /* where it is going, but now */
	instance_agrees(rig);
	CHECK(instance_gain(rig) == 0);
	rig_close(rig);

	rig = instance_fading(); /* the same with a new plan */
	rig_q_set(rig, "g.gain", "0dB", 0);
	rig_q_add(rig, "other", "gain", NULL);
	rig_commit(rig);
	rig_run(rig, 2000, 128);
	CHECK_NEAR((double)rig->out[0][rig->n_out - 1], 1.0, 1e-7);
	instance_agrees(rig);
	rig_close(rig);

	rig = instance_fading();
	CHECK(instance_back(rig, 1) == 0);
	CHECK(instance_gain(rig) == -6 && instance_model(rig->instance)->n_envelopes == 0);
	instance_agrees(rig);
	rig_close(rig);
}

static void instance_heard_envelope(void *data, const Mixd__V1__Change *change)
{
	if (change->change_case != MIXD__V1__CHANGE__CHANGE_ENVELOPE)
		return;
	CHECK_STR(change->envelope->address, "g.gain");
	CHECK(change->envelope->n_points == 0);
	++*(uint32_t *)data;
}

TEST(instance_envelopes_that_have_arrived_are_gone)
{
	struct rig *rig = instance_fading();
	uint32_t ended = 0;
	struct instance_listener listener = {&ended, NULL, instance_heard_envelope};
	uint64_t revision = instance_revision(rig->instance);

	CHECK(instance_listen(rig->instance, &listener) == 0);
	rig_run(rig, 8000, 128);
	CHECK(instance_model(rig->instance)->n_envelopes == 1 && ended == 0);
	rig_run(rig, 4000, 128);
	CHECK(instance_model(rig->instance)->n_envelopes == 0 && ended == 1);
	CHECK(instance_revision(rig->instance) == revision && instance_gain(rig) == 0);
	rig_set(rig, "g.gain", "-20dB");
	CHECK(instance_back(rig, 1) == 0 && instance_gain(rig) == 0);
	rig_run(rig, 2000, 128); /* at once */
	CHECK_NEAR((double)rig->out[0][rig->n_out - 1], 1.0, 1e-7);
	/* an instance made anew is where it was going */
	rig_q_automate(rig, "g.gain", "log", 2, (double[]){0, 400}, (double[]){-40, -3});
	rig_commit(rig);
	engine_set_running(rig->engine, false);
	CHECK(engine_set_rate(rig->engine, 44100, instance_model(rig->instance), &rig->err) == 0);
	engine_set_running(rig->engine, true);
	rig_run(rig, 4000, 128);
	CHECK(instance_model(rig->instance)->n_envelopes == 0 && ended == 2);
	instance_agrees(rig);
	rig_close(rig);
}

TEST(instance_restores_where_envelopes_were_going)
{
	struct rig *rig = instance_fading(), *again = rig_open(false), *snapshot = rig_open(false);
	struct graph_model *model;
	Mixd__V1__Graph *graph = graph_model_to_proto(instance_model(rig->instance));

	CHECK(graph->n_envelopes == 1);
	CHECK(graph_model_from_proto(snapshot->types, graph, &model, &rig->err) == 0);
	mixd__v1__graph__free_unpacked(graph, NULL);
	CHECK(instance_restore_graph(snapshot->instance, model, 5, &rig->err) == 0);
	CHECK(instance_model(snapshot->instance)->n_envelopes == 0);
	CHECK(instance_gain(snapshot) == 0);
	rig_q_automate(rig, "g.gain", "", 0, NULL, NULL);
	rig_commit(rig);
	for (uint32_t i = 5; i-- > 0;) {
		const struct instance_commit *commit = instance_history(rig->instance, i);

		CHECK(instance_restore_commit(again->instance, commit, commit->delta->done,
					      commit->delta->n_done, &rig->err) == 0,
		      "%s", rig->err.text);
		CHECK(instance_model(again->instance)->n_envelopes == 0);
	}
	CHECK(instance_gain(again) == instance_gain(rig) && instance_gain(again) < -15);
	again->signal = instance_one;
	instance_agrees(again);
	CHECK(instance_back(again, 2) == 0 && instance_gain(again) == -6);
	rig_close(rig);
	rig_close(again);
	rig_close(snapshot);
}

TEST(instance_history_forgets_the_oldest)
{
	struct rig *rig = rig_open(false);

	engine_set_running(rig->engine, false);
	instance_build(rig);
	for (uint32_t i = 0; i < INSTANCE_HISTORY_MAX + 50; i++)
		rig_set(rig, "g.gain", i % 2 ? "-3dB" : "-9dB");
	CHECK(instance_history(rig->instance, INSTANCE_HISTORY_MAX - 1) != NULL);
	CHECK(instance_history(rig->instance, INSTANCE_HISTORY_MAX) == NULL);
	CHECK(instance_back(rig, INSTANCE_HISTORY_MAX + 1) == -ENOENT);
	CHECK(instance_back(rig, INSTANCE_HISTORY_MAX) == 0, "%s", rig->err.text);
	rig_close(rig);
}
