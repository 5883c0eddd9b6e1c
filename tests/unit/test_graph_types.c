/* test_graph_types.c - good tables are unrolled, every kind of bad one is refused by name. */
#include <errno.h>

#include "fake_types.h"
#include "graph_types.h"
#include "test.h"

TEST(types_are_sorted_and_found)
{
	struct graph_types *types = graph_types_new();
	struct mixd_error err = {0};

	for (uint32_t i = 0; i < FAKE_TYPES; i++)
		CHECK(graph_types_add(types, fake_types[i], "fake.so", &err) == 0, "%s: %s",
		      err.address, err.text);
	CHECK(graph_types_count(types) == FAKE_TYPES);
	for (uint32_t i = 1; i < FAKE_TYPES; i++)
		CHECK(strcmp(graph_types_at(types, i - 1)->node_type->id,
			     graph_types_at(types, i)->node_type->id) < 0);
	CHECK(!graph_types_at(types, FAKE_TYPES));
	CHECK(graph_types_find(types, "eq", NULL)->node_type == &fake_eq);
	CHECK_STR(graph_types_find(types, "eq", NULL)->module, "fake.so");
	CHECK(!graph_types_find(types, "gian", &err));
	CHECK(err.code == ERROR_NOT_FOUND && strstr(err.hint, "\"gain\""), "%s", err.hint);
	CHECK(!graph_types_find(types, "granulator", &err) && strstr(err.hint, "ls types"));
	CHECK(graph_types_add(types, &fake_eq, "other.so", &err) == -EEXIST);
	CHECK(strstr(err.text, "fake.so") && err.hint[0]);
	graph_types_free(types);
	graph_types_free(NULL);
}

TEST(types_groups_unroll_by_repetition)
{
	struct graph_types *types = graph_types_new();
	const struct graph_type *eq;
	uint32_t channel = 9;

	CHECK(graph_types_add(types, &fake_eq, NULL, NULL) == 0);
	eq = graph_types_at(types, 0);
	CHECK(eq->n_params == GRAPH_PARAM_COMMON + 1 + 32 * 4);
	CHECK_STR(eq->params[0].id, "bypass");
	CHECK_STR(eq->params[1].id, "mute");
	CHECK_STR(eq->params[2].id, "output");
	CHECK_STR(eq->params[3].id, "band1.on");
	CHECK_STR(eq->params[6].id, "band1.gain");
	CHECK_STR(eq->params[7].id, "band2.on");
	CHECK_STR(eq->params[3 + 31 * 4 + 2].id, "band32.freq");
	CHECK(graph_type_param(eq, "band32.freq") == 3 + 31 * 4 + 2);
	CHECK(eq->params[graph_type_param(eq, "band3.freq")].def == 125.0);
	CHECK(graph_type_param(eq, "band33.freq") == -1);
	CHECK(graph_type_config(eq, "layout") == GRAPH_CONFIG_LAYOUT);
	CHECK(graph_type_config(eq, "nothing") == -1);
	CHECK(graph_type_meter(eq, "peak", &channel) == GRAPH_METER_PEAK && channel == 0);
	CHECK(graph_type_meter(eq, "peak1", NULL) == -1);
	graph_types_free(types);
}

TEST(types_meters_per_channel_take_numbers)
{
	struct graph_types *types = graph_types_new();
	const struct graph_type *gain;
	uint32_t channel = 0;

	CHECK(graph_types_add(types, &fake_gain, NULL, NULL) == 0);
	gain = graph_types_at(types, 0);
	CHECK(graph_type_meter(gain, "level2", &channel) == GRAPH_METER_COMMON && channel == 2);
	CHECK(graph_type_meter(gain, "level64", &channel) == GRAPH_METER_COMMON);
	CHECK(graph_type_meter(gain, "level", NULL) == -1);
	CHECK(graph_type_meter(gain, "level0", NULL) == -1);
	CHECK(graph_type_meter(gain, "level02", NULL) == -1);
	CHECK(graph_type_meter(gain, "level65", NULL) == -1);
	CHECK(graph_type_meter(gain, "level99999999999", NULL) == -1);
	graph_types_free(types);
}

TEST(types_meters_with_a_count_take_numbers)
{
	static const struct mixd_meter_row rows[] = {
		{.id = "bin", .doc = "level of a band", .unit = MIXD_UNIT_DB, .count = 300},
	};
	struct mixd_node_type spectrum = fake_gain;
	struct graph_types *types = graph_types_new();
	const struct graph_type *type;
	uint32_t number = 0;

	spectrum.meters = rows;
	spectrum.n_meters = 1;
	CHECK(graph_types_add(types, &spectrum, NULL, NULL) == 0);
	type = graph_types_at(types, 0);
	CHECK(graph_type_meter(type, "bin300", &number) == GRAPH_METER_COMMON && number == 300);
	CHECK(graph_type_meter(type, "bin1", &number) == GRAPH_METER_COMMON && number == 1);
	CHECK(graph_type_meter(type, "bin301", NULL) == -1);
	CHECK(graph_type_meter(type, "bin", NULL) == -1);
	graph_types_free(types);
}

/* ---- bad tables: each is a good one with one thing spoiled ---- */

static struct mixd_param_row spoiled_params[3];
static struct mixd_config_row spoiled_configs[2];
static struct mixd_meter_row spoiled_meters[2];
static struct mixd_port_row spoiled_ports[3];
static struct mixd_node_type spoiled;

static void types_process(const struct mixd_call *call)
{
}

static void spoil_begin(void)
{
	for (int i = 0; i < 3; i++)
		spoiled_params[i] = (struct mixd_param_row){.id = i == 0   ? "first"
								  : i == 1 ? "second"
									   : "third",
							    .doc = "doc",
							    .min = 1,
							    .max = 10,
							    .def = 5};
	spoiled_configs[0] = (struct mixd_config_row){
		.id = "count", .doc = "doc", .type = MIXD_TYPE_INT, .min = 1, .max = 8, .def = 2};
	spoiled_configs[1] =
		(struct mixd_config_row){.id = "path", .doc = "doc", .type = MIXD_TYPE_STRING};
	spoiled_meters[0] = (struct mixd_meter_row){.id = "reduction", .doc = "doc"};
	spoiled_meters[1] = (struct mixd_meter_row){.id = "tp", .doc = "doc", .per_channel = true};
	spoiled_ports[0] = (struct mixd_port_row){.id = "in", .doc = "doc"};
	spoiled_ports[1] = (struct mixd_port_row){.id = "key", .doc = "doc"};
	spoiled_ports[2] = (struct mixd_port_row){.id = "out", .doc = "doc", .is_output = true};
	spoiled = (struct mixd_node_type){
		.id = "spoiled",
		.doc = "doc",
		.category = "level",
		.ports = MIXD_ARRAY(spoiled_ports),
		.params = MIXD_ARRAY(spoiled_params),
		.configs = MIXD_ARRAY(spoiled_configs),
		.meters = MIXD_ARRAY(spoiled_meters),
		.process = types_process,
	};
}

static void check_refused(const char *address, const char *text)
{
	struct graph_types *types = graph_types_new();
	struct mixd_error err = {0};
	int r = graph_types_add(types, &spoiled, NULL, &err);

	CHECK(r == -EINVAL && err.code == ERROR_INVALID, "accepted; want \"%s\"", text);
	CHECK(strstr(err.text, text), "\"%s\" lacks \"%s\"", err.text, text);
	CHECK_STR(err.address, address);
	CHECK(err.hint[0]);
	CHECK(graph_types_count(types) == 0);
	graph_types_free(types);
	spoil_begin();
}

TEST(types_unspoiled_is_good)
{
	struct graph_types *types = graph_types_new();
	struct mixd_error err = {0};

	spoil_begin();
	CHECK(graph_types_add(types, &spoiled, NULL, &err) == 0, "%s: %s", err.address, err.text);
	graph_types_free(types);
}

TEST(types_bad_heads_are_refused)
{
	spoil_begin();
	spoiled.id = "Spoiled";
	check_refused("Spoiled", "id");
	spoiled.doc = NULL;
	check_refused("spoiled", "no doc");
	spoiled.doc = "two\nlines";
	check_refused("spoiled", "one line");
	spoiled.category = NULL;
	check_refused("spoiled", "category");
	spoiled.process = NULL;
	check_refused("spoiled", "process()");
	spoiled.flags = MIXD_NODE_FEEDBACK;
	check_refused("spoiled", "emit()");
	spoiled.params = NULL;
	check_refused("spoiled", "NULL");
	spoiled.id = NULL;
	CHECK(graph_types_add(NULL, &spoiled, NULL, NULL) == -EINVAL);
}

TEST(types_bad_params_are_refused)
{
	static const char *const labels[] = {"a", "b", "A", NULL}, *const none[] = {NULL},
				 *const spaced[] = {"a b", NULL};

	spoil_begin();
	spoiled_params[0].id = "9lives";
	check_refused("spoiled.9lives", "id");
	spoiled_params[0].doc = "";
	check_refused("spoiled.first", "no doc");
	spoiled_params[0].type = MIXD_TYPE_STRING;
	check_refused("spoiled.first", "float, int, bool or enum");
	spoiled_params[0].unit = MIXD_UNIT_COUNT_;
	check_refused("spoiled.first", "unit");
	spoiled_params[0].min = 11;
	check_refused("spoiled.first", "range");
	spoiled_params[0].max = INFINITY;
	check_refused("spoiled.first", "range");
	spoiled_params[0].def = 11;
	check_refused("spoiled.first", "default");
	spoiled_params[0].def = NAN;
	check_refused("spoiled.first", "default");
	spoiled_params[0].type = MIXD_TYPE_INT;
	spoiled_params[0].max = 10.5;
	check_refused("spoiled.first", "whole");
	spoiled_params[0].labels = labels;
	check_refused("spoiled.first", "labels are for enums");
	spoiled_params[0] = (struct mixd_param_row){
		.id = "first", .doc = "d", .type = MIXD_TYPE_ENUM, .labels = none};
	check_refused("spoiled.first", "without labels");
	spoiled_params[0] = (struct mixd_param_row){
		.id = "first", .doc = "d", .type = MIXD_TYPE_ENUM, .labels = labels};
	check_refused("spoiled.first", "twice");
	spoiled_params[0] = (struct mixd_param_row){
		.id = "first", .doc = "d", .type = MIXD_TYPE_ENUM, .labels = spaced};
	check_refused("spoiled.first", "spaces");
	spoiled_params[0] = (struct mixd_param_row){
		.id = "first", .doc = "d", .type = MIXD_TYPE_BOOL, .max = 2};
	check_refused("spoiled.first", "0..1");
	spoiled_params[2].id = "first";
	check_refused("spoiled.first", "taken");
	spoiled_params[2].id = "mute";
	check_refused("spoiled.mute", "every node");
	spoiled_params[2].id = "path";
	check_refused("spoiled.path", "taken");
	spoiled_params[2].id = "tp2";
	check_refused("spoiled.tp", "collides");
}

TEST(types_bad_ramps_are_refused)
{
	spoil_begin();
	spoiled_params[0].ramp = MIXD_RAMP_LOG;
	spoiled_params[0].min = 0;
	check_refused("spoiled.first", "min > 0");
	spoiled_params[0].ramp = MIXD_RAMP_GAIN;
	check_refused("spoiled.first", "dB");
	spoiled_params[0].smooth_ms = 20;
	check_refused("spoiled.first", "without a ramp");
	spoiled_params[0].ramp = MIXD_RAMP_LINEAR;
	spoiled_params[0].smooth_ms = -1;
	check_refused("spoiled.first", "smooth_ms");
	spoiled_params[0].type = MIXD_TYPE_INT;
	spoiled_params[0].ramp = MIXD_RAMP_LINEAR;
	check_refused("spoiled.first", "only floats");
}

TEST(types_bad_groups_are_refused)
{
	static const double defs[] = {5, 50};

	spoil_begin();
	spoiled_params[0].count = 2;
	check_refused("spoiled.first", "without a group");
	spoiled_params[0].group = "band";
	check_refused("spoiled.first", "count 0");
	spoiled_params[0].group = "band1";
	spoiled_params[0].count = 2;
	check_refused("spoiled.first", "digit");
	spoiled_params[0].group = spoiled_params[2].group = "band";
	spoiled_params[0].count = spoiled_params[2].count = 2;
	check_refused("spoiled.third", "neighbours");
	spoiled_params[0].group = spoiled_params[1].group = "band";
	spoiled_params[0].count = 2;
	spoiled_params[1].count = 3;
	check_refused("spoiled.second", "differ in count");
	spoiled_params[0].group = "band";
	spoiled_params[0].count = 2;
	spoiled_params[0].defs = defs;
	check_refused("spoiled.first", "default 50");
}

TEST(types_bad_configs_meters_and_ports_are_refused)
{
	spoil_begin();
	spoiled_configs[0].def = 9;
	check_refused("spoiled.count", "default");
	spoiled_configs[0].is_file = true;
	check_refused("spoiled.count", "a file is a string");
	spoil_begin();
	spoiled_configs[0].is_clips = true;
	check_refused("spoiled.count", "a list of clips is a string");
	spoiled_configs[1].id = "type";
	check_refused("spoiled.type", "session file");
	spoiled_params[1].id = "type";
	check_refused("spoiled.type", "session file");
	spoiled_configs[1].id = "layout";
	check_refused("spoiled.layout", "every node");
	spoiled_meters[0].doc = NULL;
	check_refused("spoiled.reduction", "no doc");
	spoiled_meters[1].count = 4;
	check_refused("spoiled.tp", "per channel");
	spoil_begin();
	spoiled_meters[0].count = 9000;
	check_refused("spoiled.reduction", "above");
	spoil_begin();
	spoiled_meters[0].count = GRAPH_METERS_MAX;
	check_refused("spoiled", "more than");
	spoil_begin();
	spoiled_meters[1].id = "tp1";
	check_refused("spoiled.tp1", "digit");
	spoiled_meters[0].id = "peak";
	check_refused("spoiled.peak", "every node");
	spoiled_ports[0].id = "input";
	check_refused("spoiled.input", "\"in\"");
	spoiled_ports[2].id = "sum";
	check_refused("spoiled.sum", "\"out\"");
	spoiled_ports[1].id = "in";
	check_refused("spoiled.in", "collides");
	spoiled_ports[0].count_config = "many";
	check_refused("spoiled.in", "no config");
	spoiled_ports[0].count_config = "path";
	check_refused("spoiled.in", "not an int");
	spoiled_ports[0].count_config = "count";
	spoiled_ports[1].id = "in7";
	check_refused("spoiled.in7", "collides");
	spoiled.flags = MIXD_NODE_EXTERNAL_IN;
	spoiled.n_ports = 2;
	check_refused("spoiled", "no output");
}

/* ---- on demand ---- */

static uint32_t demand_calls;

static const struct mixd_node_type *demand_resolve(const char *id, struct mixd_fault *fault)
{
	static struct mixd_node_type made, bad;

	demand_calls++;
	if (strcmp(id, "web:http://a/b#gain") == 0) {
		made = fake_gain;
		made.id = "web:http://a/b#gain";
		return &made;
	}
	if (strcmp(id, "web:bad") == 0) {
		bad = fake_gain;
		bad.id = "web:other";
		return &bad;
	}
	snprintf(fault->text, sizeof(fault->text), "nothing at %.100s", id);
	snprintf(fault->hint, sizeof(fault->hint), "look elsewhere");
	return NULL;
}

static const char *const *demand_list(void)
{
	static const char *const list[] = {"web:http://a/b#gain", NULL};

	return list;
}

TEST(types_of_a_scheme_are_made_when_asked_for)
{
	const struct graph_types_scheme web = {"web", demand_resolve, demand_list};
	const struct graph_types_scheme mute = {"mute", demand_resolve, NULL};
	struct graph_types *types = graph_types_new();
	const struct graph_type *type;
	struct mixd_error err = {0};

	demand_calls = 0;
	CHECK(graph_types_add(types, &fake_eq, NULL, NULL) == 0);
	CHECK(!graph_types_listed(types, 0));
	CHECK(graph_types_add_scheme(types, &web, "web.so", &err) == 0);
	CHECK(graph_types_add_scheme(types, &web, "other.so", &err) == -EEXIST);
	CHECK(strstr(err.text, "web.so") && err.hint[0]);
	CHECK(graph_types_add_scheme(types, &mute, "mute.so", &err) == 0);
	CHECK_STR(graph_types_listed(types, 0)[0], "web:http://a/b#gain");
	CHECK(!graph_types_listed(types, 1)[0] && !graph_types_listed(types, 2));
	type = graph_types_find(types, "web:http://a/b#gain", &err);
	CHECK(type && type->n_params == GRAPH_PARAM_COMMON + fake_gain.n_params, "%s", err.text);
	CHECK_STR(type->module, "web.so");
	CHECK(graph_types_find(types, "web:http://a/b#gain", NULL) == type && demand_calls == 1,
	      "made once");
	CHECK(graph_types_count(types) == 1, "not among those that are always there");
	CHECK(!graph_types_find(types, "web:x", &err) && err.code == ERROR_NOT_FOUND);
	CHECK(strstr(err.text, "nothing at web:x") && strstr(err.hint, "elsewhere"));
	CHECK(!graph_types_find(types, "web:bad", &err) && strstr(err.text, "another id"));
	CHECK(!graph_types_find(types, "web:", &err) && demand_calls == 3);
	graph_types_free(types);
}

/* ---- stand-ins ---- */

static bool stand_in_is_back;

static const struct mixd_node_type *stand_in_resolve(const char *id, struct mixd_fault *fault)
{
	static struct mixd_node_type gone, real;

	gone = real = fake_gain;
	gone.id = real.id = "web:gain";
	gone.flags |= MIXD_NODE_STAND_IN;
	if (stand_in_is_back)
		return &real;
	snprintf(fault->text, sizeof(fault->text), "it is gone");
	snprintf(fault->hint, sizeof(fault->hint), "bring it back");
	return &gone;
}

TEST(types_that_stand_in_are_no_types_for_new_nodes)
{
	const struct graph_types_scheme web = {"web", stand_in_resolve, NULL};
	struct graph_types *types = graph_types_new();
	const struct graph_type *gone, *real;
	struct mixd_error err = {0};

	stand_in_is_back = false;
	CHECK(graph_types_add_scheme(types, &web, "web.so", &err) == 0);
	CHECK(!graph_types_find_new(types, "web:gain", &err) && err.code == ERROR_NOT_FOUND);
	CHECK_STR(err.text, "it is gone");
	CHECK_STR(err.hint, "bring it back");
	gone = graph_types_find(types, "web:gain", &err);
	CHECK(gone && (gone->node_type->flags & MIXD_NODE_STAND_IN), "what was there may have it");
	stand_in_is_back = true;
	CHECK(graph_types_find(types, "web:gain", &err) == gone, "nobody has asked for a new one");
	real = graph_types_find_new(types, "web:gain", &err);
	CHECK(real && !(real->node_type->flags & MIXD_NODE_STAND_IN), "%s", err.text);
	CHECK(graph_types_find(types, "web:gain", &err) == real);
	CHECK(graph_types_find_new(types, "web:gain", &err) == real);
	CHECK(graph_types_made(types, 0) == real && !graph_types_made(types, 1), "listed once");
	CHECK(gone->n_params == real->n_params, "nodes still have it");
	graph_types_free(types);
}
