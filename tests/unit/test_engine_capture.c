/* test_engine_capture.c - what ABI 2 added: captured values, rows of meters, full questions for a
 * curve. */
#include <errno.h>
#include <stdio.h>

#include "engine_rig.h"
#include "graph_session.h"

/* ---- learn: says that it has learnt something when it is told to ---- */

struct learn_state {
	uint32_t generation; /* what it has learnt */
	bool begun, was_on;
};

enum { LEARN_CONFIG_PROFILE };

static const struct mixd_param_row learn_params[] = {
	{.id = "learn", .doc = "Learn now", .type = MIXD_TYPE_BOOL}};
static const struct mixd_config_row learn_configs[] = {
	{.id = "profile", .doc = "What was learnt", .type = MIXD_TYPE_STRING, .def_text = ""}};
static const struct mixd_meter_row learn_meters[] = {
	{.id = "bin", .doc = "A row of values", .fold = MIXD_FOLD_MAX, .count = 300},
	{.id = "after", .doc = "What comes behind it"}};
static uint32_t learn_refuses, learn_spoils;

static int learn_needs(const struct mixd_setup *setup, struct mixd_need *need,
		       struct mixd_fault *fault)
{
	need->state_bytes = sizeof(struct learn_state);
	need->tail = UINT64_MAX;
	return 0;
}

static void learn_process(const struct mixd_call *call)
{
	struct mixd_inst *inst = call->inst[0];
	struct learn_state *state = inst->state;
	bool on = inst->value[0] > 0.5;

	for (uint32_t c = 0; c < inst->setup->in_first[1]; c++)
		memmove(inst->out[c], inst->in[c], call->n_frames * sizeof(float));
	/* A successor, made with the value that was captured, has nothing to learn. */
	if (on && !state->was_on && state->begun) {
		state->generation++;
		inst->host->event(inst, MIXD_EVENT_CAPTURED + LEARN_CONFIG_PROFILE + learn_spoils,
				  0);
	}
	state->was_on = on;
	state->begun = true;
	for (uint32_t i = 0; i < 300; i++)
		inst->meter[i] = i + 1;
	inst->meter[300] = 77;
}

static int learn_capture(struct mixd_inst *inst, uint32_t config, char *ret_text, size_t size,
			 struct mixd_fault *fault)
{
	struct learn_state *state = inst->state;

	CHECK(config == LEARN_CONFIG_PROFILE && size == GRAPH_TEXT_MAX + 1);
	if (learn_refuses) {
		snprintf(fault->text, sizeof(fault->text), "it was too loud to learn");
		return -EINVAL;
	}
	snprintf(ret_text, size, "%s+%u", inst->setup->config[LEARN_CONFIG_PROFILE].text,
		 state->generation);
	return 0;
}

static void learn_response(const struct mixd_response *query, double *ret_db)
{
	for (uint32_t i = 0; i < query->n; i++)
		ret_db[i] =
			query->inst && query->inst->setup->rate == query->rate && query->meter
				? query->meter[300] + query->config[0].text[0] + query->params[0]
				: -1;
}

static const struct mixd_node_type learn_type = {
	.id = "learn",
	.doc = "Learns",
	.category = "repair",
	.version = 1,
	.ports = rig_through_ports,
	.n_ports = 2,
	.params = learn_params,
	.n_params = 1,
	.configs = learn_configs,
	.n_configs = 1,
	.meters = learn_meters,
	.n_meters = 2,
	.needs = learn_needs,
	.process = learn_process,
	.response = learn_response,
	.capture = learn_capture,
};

static struct rig *learn_open(void)
{
	struct graph_types *types = graph_types_new();
	struct mixd_error err;
	struct rig *rig;

	for (uint32_t i = 0; i < sizeof(rig_types) / sizeof(rig_types[0]); i++)
		CHECK(graph_types_add(types, rig_types[i], "test", &err) == 0, "%s", err.text);
	CHECK(graph_types_add(types, &learn_type, "test", &err) == 0, "%s", err.text);
	rig = rig_open_with(types, false);
	rig_ends(rig);
	rig_q_add(rig, "g", "learn", "profile=a");
	rig_q_link(rig, "in", "g", 0);
	rig_q_link(rig, "g", "out", 0);
	rig_commit(rig);
	rig_run(rig, 4800, 128);
	learn_refuses = learn_spoils = 0;
	return rig;
}

static const char *learn_profile(struct rig *rig)
{
	return graph_model_node(instance_model(rig->instance), "g")
		->config[GRAPH_CONFIG_COMMON]
		.text;
}

static void learn_now(struct rig *rig)
{
	rig_set(rig, "g.learn", "on");
	rig_run(rig, 480, 128);
	rig_set(rig, "g.learn", "off");
	rig_run(rig, 4800, 128);
}

TEST(capture_becomes_a_config_that_can_be_undone_and_saved)
{
	struct rig *rig = learn_open();
	uint64_t before = instance_revision(rig->instance);
	struct instance_request request = {.by = "test"};
	struct instance_result result = {0};
	const struct instance_commit *commit;
	char *text;

	learn_now(rig);
	CHECK_STR(learn_profile(rig), "a+1");
	CHECK(instance_revision(rig->instance) == before + 3);
	commit = instance_history(rig->instance, 1);
	CHECK_STR(commit->by, "mixd");
	CHECK_STR(commit->summary, "set g.profile=a+1");
	text = graph_session_write(instance_model(rig->instance), "yaml");
	CHECK(strstr(text, "profile: \"a+1\""), "%s", text);
	free(text);
	CHECK(instance_undo(rig->instance, 2, &request, &result, &rig->err) == 0, "%s",
	      rig->err.text);
	instance_result_done(&result);
	CHECK_STR(learn_profile(rig), "a");
	rig_run(rig, 4800, 128);
	for (uint64_t i = 4800; i < rig->n_out; i++) /* passed on all the time */
		CHECK_NEAR((double)rig->out[0][i], rig_noise(i, 0), 1e-6);
	rig_close(rig);
}

TEST(capture_that_is_refused_is_an_alarm_until_it_works)
{
	struct rig *rig = learn_open();
	const Mixd__V1__Alarm *const *alarms;

	learn_refuses = 1;
	learn_now(rig);
	CHECK_STR(learn_profile(rig), "a");
	CHECK(instance_alarms(rig->instance, &alarms) == 1);
	CHECK_STR(alarms[0]->id, "capture");
	CHECK(strstr(alarms[0]->text, "too loud to learn"), "%s", alarms[0]->text);
	learn_refuses = 0;
	learn_now(rig);
	CHECK_STR(learn_profile(rig), "a+2");
	CHECK(instance_alarms(rig->instance, &alarms) == 0);
	learn_spoils = 5; /* no such config */
	learn_now(rig);
	CHECK(instance_alarms(rig->instance, &alarms) == 1);
	rig_q_remove(rig, "g", true);
	rig_commit(rig);
	rig_run(rig, 4800, 128);
	CHECK(instance_alarms(rig->instance, &alarms) == 0, "it went with its node");
	rig_close(rig);
}

TEST(meters_with_a_count_are_read_one_by_one)
{
	struct rig *rig = learn_open();
	const struct graph_node *node = graph_model_node(instance_model(rig->instance), "g");
	struct graph_address address;
	uint64_t uid = rig_uid(rig, "g");

	engine_meters_lease(rig->engine, 1);
	rig_run(rig, 4800, 128);
	CHECK(graph_model_find_address(instance_model(rig->instance), "g.bin299", &address, NULL) ==
	      0);
	CHECK(address.kind == GRAPH_ADDRESS_METER && address.channel == 299);
	CHECK(engine_meter(rig->engine, uid, address.idx, 299, 0) == 299);
	CHECK(engine_meter(rig->engine, uid, address.idx, 300, 0) == 300);
	CHECK(isnan(engine_meter(rig->engine, uid, address.idx, 301, 0)));
	CHECK(isnan(engine_meter(rig->engine, uid, address.idx, 0, 0)));
	CHECK(engine_meter(rig->engine, uid, GRAPH_METER_COMMON + 1, 0, 0) == 77);
	CHECK(node->type->n_meters == GRAPH_METER_COMMON + 2);
	engine_meters_lease(rig->engine, -1);
	rig_close(rig);
}

static int count_one(void *data, const struct graph_address *address, const char *text)
{
	++*(uint32_t *)data;
	return 0;
}

TEST(globs_reach_all_values_of_a_row)
{
	struct rig *rig = learn_open();
	uint32_t n = 0;

	CHECK(graph_model_glob(instance_model(rig->instance), "g.bin*", 1u << GRAPH_ADDRESS_METER,
			       count_one, &n, NULL) == 0);
	CHECK(n == 300, "%u", n);
	n = 0;
	CHECK(graph_model_glob(instance_model(rig->instance), "g.bin?", 1u << GRAPH_ADDRESS_METER,
			       count_one, &n, NULL) == 0);
	CHECK(n == 9, "%u", n);
	rig_close(rig);
}

TEST(response_is_told_all_that_there_is)
{
	struct rig *rig = learn_open();
	const struct graph_node *node = graph_model_node(instance_model(rig->instance), "g");
	double hz = 1000, db = 0;
	struct mixd_response query = {.freq_hz = &hz, .n = 1};

	CHECK(engine_response(rig->engine, node, &query, &db) == 0 && db == -1,
	      "nobody measures: no meters");
	engine_meters_lease(rig->engine, 1);
	rig_run(rig, 4800, 128);
	CHECK(engine_response(rig->engine, node, &query, &db) == 0);
	CHECK_NEAR(db, 77 + 'a', 0);
	engine_meters_lease(rig->engine, -1);
	rig_close(rig);
}
