/* test_graph_session.c - session files: read, refused with a place and a remedy, written, compared. */
#include <errno.h>

#include "cleanup.h"
#include "graph_fixture.h"
#include "test.h"

static Mixd__V1__Graph *parse_as(const char *text, const char *format)
{
	Mixd__V1__Graph *graph = NULL;
	struct mixd_error err = {0};
	int r = graph_session_parse(graph_fixture_types(), "s.yaml", text, strlen(text), format,
				    &graph, &err);

	CHECK(r == 0, "%s: %s; %s\n%s", err.address, err.text, err.hint, text);
	return graph;
}

static struct graph_model *load_as(const char *text, const char *format)
{
	Mixd__V1__Graph *graph = parse_as(text, format);
	struct graph_model *model = NULL;
	struct mixd_error err = {0};
	int r = graph_model_from_proto(graph_fixture_types(), graph, &model, &err);

	CHECK(r == 0, "%s: %s", err.address, err.text);
	mixd__v1__graph__free_unpacked(graph, NULL);
	return model;
}

static bool models_equal(const struct graph_model *a, const struct graph_model *b)
{
	size_t size;
	uint8_t *bytes = graph_fixture_bytes(a, &size);
	bool same = graph_fixture_same(b, bytes, size);

	free(bytes);
	return same;
}

static const char onair[] =
	"mixd: 1\n"
	"name: onair\n"
	"nodes:\n"
	"  program: {type: input, layout: stereo, label: \"On-air program\"}\n"
	"  tone:    {type: eq, band1.freq: 80Hz, band2: {freq: 1.2kHz, on: true}}\n"
	"  limit:   {type: duck, ceiling: -1.5dBTP, ratio: inf:1}\n"
	"  meter:   {type: gain, gain: -inf, mode: off-axis}\n"
	"  out:     {type: output, target: '@default'}\n"
	"links:\n"
	"  - program -> tone -> limit -> out\n"
	"  - limit -> meter\n"
	"  - {from: program, to: \"limit:key\", gain: -6dB}\n"
	"envelopes:\n"
	"  - {address: meter.gain, curve: log, points: [0s=-60dB, [3s, 0dB]]}\n";

TEST(session_is_read)
{
	Mixd__V1__Graph *graph = parse_as(onair, NULL);
	struct graph_model *model = load_as(onair, "yaml");

	CHECK_STR(graph->name, "onair");
	CHECK(graph->n_nodes == 5 && graph->n_links == 5 && graph->n_envelopes == 1);
	CHECK_STR(graph->nodes[1]->settings[0]->id, "band1.freq");
	CHECK(graph->nodes[1]->settings[0]->value->number == 80);
	CHECK_STR(graph->nodes[1]->settings[1]->id, "band2.freq");
	CHECK(graph->nodes[1]->settings[2]->value->kind_case == MIXD__V1__VALUE__KIND_FLAG);
	CHECK_STR(graph->nodes[3]->settings[1]->value->text, "off-axis");
	CHECK_STR(graph->links[4]->to, "limit:key");
	CHECK(graph->links[4]->gain_db == -6);
	CHECK(graph->envelopes[0]->points[1]->at_ms == 3000);
	CHECK(graph_model_node(model, "limit")->value[GRAPH_PARAM_COMMON + 3] == 100);
	mixd__v1__graph__free_unpacked(graph, NULL);
	graph_model_free(model);
}

TEST(session_is_written_canonically)
{
	static const char want[] =
		"mixd: 1\n"
		"name: onair\n"
		"nodes:\n"
		"  limit: {type: duck, ceiling: -1.5dBTP, ratio: \"100:1\"}\n"
		"  meter: {type: gain, mode: off-axis}\n"
		"  out: {type: output}\n"
		"  program: {type: input, layout: stereo, label: \"On-air program\"}\n"
		"  tone: {type: eq, band1.freq: 80Hz, band2.on: on, band2.freq: 1.2kHz}\n"
		"links:\n"
		"  - program -> tone -> limit -> meter\n"
		"  - limit -> out\n"
		"  - {from: \"program\", to: \"limit:key\", level: -6dB}\n"
		"envelopes:\n"
		"  - {address: \"meter.gain\", curve: log, points: [\"0ms=-60dB\", "
		"\"3000ms=0dB\"]}\n";
	struct graph_model *model = load_as(onair, NULL), *again;
	char *yaml = graph_session_write(model, "yaml"), *json, *twice;

	CHECK_STR(yaml, want);
	again = load_as(yaml, "yaml");
	CHECK(models_equal(model, again));
	twice = graph_session_write(again, NULL);
	CHECK_STR(twice, yaml);
	graph_model_free(again);
	json = graph_session_write(model, "json");
	again = load_as(json, "json");
	CHECK(models_equal(model, again), "%s", json);
	graph_model_free(again);
	graph_model_free(model);
	free(yaml);
	free(json);
	free(twice);
}

TEST(session_json_is_json)
{
	struct graph_model *model = load_as(onair, NULL);
	char *json = graph_session_write(model, "json");

	CHECK(strncmp(json, "{\n  \"mixd\": 1,\n  \"name\": \"onair\",\n  \"nodes\": {\n", 40) ==
	      0);
	CHECK(strstr(json, "\"limit\": {\"type\": \"duck\", \"ceiling\": \"-1.5dBTP\""), "%s",
	      json);
	CHECK(strstr(json, "\"band2.on\": true"), "%s", json);
	graph_model_free(model);
	free(json);
	/* tabs and escapes as JSON has them */
	model = load_as("{\t\"mixd\":\t1,\n\t\"nodes\": {\"a\":\t{\"type\": \"input\",\n"
			"\t\t\"label\": \"\\u00e4\\/b \\\"c\\\"\"}}}",
			NULL);
	CHECK_STR(graph_model_node(model, "a")->config[1].text, "\xc3\xa4/b \"c\"");
	graph_model_free(model);
}

TEST(session_empty_and_long)
{
	struct graph_model *model = load_as("mixd: 1\n", NULL), *again;
	char *text = graph_session_write(model, "yaml");
	struct mixd_error err = {0};

	CHECK_STR(text, "mixd: 1\n");
	free(text);
	text = graph_session_write(model, "json");
	again = load_as(text, "json");
	CHECK(models_equal(model, again));
	graph_model_free(again);
	free(text);
	/* many settings: one a line */
	CHECK(graph_fixture_apply(model,
				  (const char *const[]){"add eq e", "set e.band*.gain=1.5dB", NULL},
				  NULL, &err) == 0);
	text = graph_session_write(model, "yaml");
	CHECK(strstr(text,
		     "  e:\n    type: eq\n    band1: {gain: 1.5dB}\n    band2: {gain: 1.5dB}\n"),
	      "%s", text);
	again = load_as(text, NULL);
	CHECK(models_equal(model, again));
	graph_model_free(again);
	free(text);
	text = graph_session_write(model, "json");
	again = load_as(text, NULL);
	CHECK(models_equal(model, again), "%s", text);
	graph_model_free(again);
	graph_model_free(model);
	free(text);
}

#define NODES "mixd: 1\nnodes:\n  a: {type: gain}\n  b: {type: duck}\n"

static const struct {
	const char *text, *place, *fault, *remedy;
} session_faults[] = {
	{"", "s.yaml", "empty", "mixd: 1"},
	{"mixd: 2\n", "s.yaml:1:7", "version", "mixd: 1"},
	{"name: a\n", "s.yaml:1:1", "\"mixd\" is missing", "mixd: 1"},
	{"- a\n", "s.yaml:1:1", "the session is a list", "want a map"},
	{"mixd: 1\nnodse: {}\n", "s.yaml:2:1", "unknown key \"nodse\"", "\"nodes\""},
	{"mixd: 1\nfoobar: {}\n", "s.yaml:2:1", "unknown key", "mixd, name, nodes"},
	{"mixd: 1\nmixd: 1\n", "s.yaml:2:1", "twice", NULL},
	{"mixd: 1\nname: a b\n", "s.yaml:2:7", "no name", "A-Z"},
	{"mixd: 1\nname: [a]\n", "s.yaml:2:7", "the name is a list", "want a value"},
	{"mixd: 1\nnodes: []\n", "s.yaml:2:8", "nodes is a list", "want a map"},
	{"mixd: 1\nnodes:\n  a: gain\n", "s.yaml:3:6", "a node is a value", "want a map"},
	{"mixd: 1\nnodes:\n  a: {}\n", "s.yaml:3:6", "has no type", "type"},
	{"mixd: 1\nnodes:\n  a: {type: [x]}\n", "s.yaml:3:13", "the type is a list", "value"},
	{"mixd: 1\nnodes:\n  a: {type: gian}\n", "s.yaml:3:13", "no node type \"gian\"",
	 "\"gain\""},
	{"mixd: 1\nnodes:\n  a:b: {type: gain}\n", "s.yaml:3:3", "no name", "A-Z"},
	{"mixd: 1\nnodes:\n  a: {type: gain, gian: 3}\n", "s.yaml:3:19", "\"gian\"", "\"gain\""},
	{"mixd: 1\nnodes:\n  a: {type: gain, gain: 3Hz}\n", "s.yaml:3:25",
	 "a.gain: \"3Hz\" has the wrong unit", "want dB"},
	{"mixd: 1\nnodes:\n  a: {type: gain, gain: 99}\n", "s.yaml:3:25", "outside", "24dB"},
	{"mixd: 1\nnodes:\n  a: {type: gain, gain: ~}\n", "s.yaml:3:25", "no value", NULL},
	{"mixd: 1\nnodes:\n  a: {type: gain, gain: [1]}\n", "s.yaml:3:25", "is a list", "value"},
	{"mixd: 1\nnodes:\n  a: {type: gain, gain: {x: 1}}\n", "s.yaml:3:26", "gain.x", NULL},
	{"mixd: 1\nnodes:\n  a: {type: gain, mode: normla}\n", "s.yaml:3:25", "no choice",
	 "\"normal\""},
	{"mixd: 1\nnodes:\n  a: {type: gain, layout: sterio}\n", "s.yaml:3:27", "no layout",
	 "\"stereo\""},
	{"mixd: 1\nnodes:\n  a: {type: eq, band1: {on: 1}, band1.on: 0}\n", "s.yaml:3:33", "twice",
	 NULL},
	{NODES "links: {}\n", "s.yaml:5:8", "links is a map", "want a list"},
	{NODES "links:\n  - a\n", "s.yaml:6:5", "\"a\" is no link", "a -> b"},
	{NODES "links:\n  - [a, b]\n", "s.yaml:6:5", "a link is a list", "value"},
	{NODES "links:\n  - a ->\n", "s.yaml:6:5", "neither a node nor a port", NULL},
	{NODES "links:\n  - a -> b:kye\n", "s.yaml:6:5", "no input kye", "\"b:key\""},
	{NODES "links:\n  - a -> b:key -> a\n", "s.yaml:6:5", "middle of a chain", "two lines"},
	{NODES "links:\n  - a -> b\n  - a -> b:in\n", "s.yaml:7:5", "twice", NULL},
	{NODES "links:\n  - {from: a}\n", "s.yaml:6:5", "no \"to\"", NULL},
	{NODES "links:\n  - {from: a, to: b, gian: 1}\n", "s.yaml:6:22", "\"gian\"", "\"gain\""},
	{NODES "links:\n  - {from: a, to: b, gain: 1Hz}\n", "s.yaml:6:28", "wrong unit", "dB"},
	{NODES "links:\n  - {from: a, to: b, gain: 1dB, level: 2dB}\n", "s.yaml:6:33",
	 "level is there twice", "one of the two"},
	{NODES "links:\n  - {from: a, to: b, pan: 30Hz}\n", "s.yaml:6:27", "pan", NULL},
	{NODES "links:\n  - {from: a, to: b, tap: before}\n", "s.yaml:6:27", "before", "post"},
	{NODES "links:\n  - {from: a, to: b, mute: [on]}\n", "s.yaml:6:28", "is a list", "value"},
	{NODES "links:\n  - {from: [a], to: b}\n", "s.yaml:6:12", "from is a list", "value"},
	{NODES "links:\n  - a -> x*y\n", "s.yaml:6:5", "no name", "A-Z"},
	{NODES "envelopes: 3\n", "s.yaml:5:12", "envelopes is a value", "want a list"},
	{NODES "envelopes:\n  - {address: a.gain}\n", "s.yaml:6:5", "no \"points\"", "3s=0dB"},
	{NODES "envelopes:\n  - {address: a.gian, points: [0s=1]}\n", "s.yaml:6:15", "\"gian\"",
	 "\"gain\""},
	{NODES "envelopes:\n  - {address: a.peak, points: [0s=1]}\n", "s.yaml:6:15", "not a param",
	 NULL},
	{NODES "envelopes:\n  - {address: a.gain, points: [3]}\n", "s.yaml:6:32", "no point",
	 "3s=-6dB"},
	{NODES "envelopes:\n  - {address: a.gain, points: [[1]]}\n", "s.yaml:6:32", "no point",
	 "3s=-6dB"},
	{NODES "envelopes:\n  - {address: a.gain, points: [[1, [2]]]}\n", "s.yaml:6:32", "no point",
	 "3s=-6dB"},
	{NODES "envelopes:\n  - {address: a.gain, points: [3Hz=1]}\n", "s.yaml:6:32", "wrong unit",
	 "ms"},
	{NODES "envelopes:\n  - {address: a.gain, points: [3s=1Hz]}\n", "s.yaml:6:32", "wrong unit",
	 "dB"},
	{NODES "envelopes:\n  - {address: a.gain, points: []}\n", "s.yaml:6:5", "0 points", "1 to"},
	{NODES "envelopes:\n  - {address: a.gain, curve: cubic, points: [0s=1]}\n", "s.yaml:6:5",
	 "cubic", "smooth"},
	{"mixd: 1\nnodes: &x {}\n", "s.yaml:2:8", "anchors", NULL},
	{"mixd: 1\nnodes: *x\n", "s.yaml:2:8", "anchors", NULL},
	{"mixd: !!int 1\n", "s.yaml:1:7", "tags", NULL},
	{"mixd: 1\n---\nmixd: 1\n", "s.yaml:2:1", "second document", NULL},
	{"{a: [[[[[[[[[[[1]]]]]]]]]]]}", "s.yaml:1:12", "nested more than 8", NULL},
	{"mixd: 1\n{a: b}: 1\n", "s.yaml:2:1", "key", NULL},
	{"mixd: [1\n", "s.yaml:2:1", "expected", NULL},
	{"mixd: \"\\0\"\n", "s.yaml:1:7", "zero byte", NULL},
	{"\xff\xfe\xfa", "s.yaml:1:1", "", NULL},
};

TEST(session_faults_have_a_place_and_a_remedy)
{
	for (size_t i = 0; i < sizeof(session_faults) / sizeof(session_faults[0]); i++) {
		Mixd__V1__Graph *graph = NULL;
		struct mixd_error err = {0};
		int r = graph_session_parse(graph_fixture_types(), "s.yaml", session_faults[i].text,
					    strlen(session_faults[i].text), NULL, &graph, &err);

		CHECK(r == -EINVAL && !graph && err.code == ERROR_INVALID, "%zu: %s", i,
		      session_faults[i].text);
		CHECK(strcmp(err.address, session_faults[i].place) == 0, "%s gives %s: %s",
		      session_faults[i].text, err.address, err.text);
		CHECK(strstr(err.text, session_faults[i].fault), "%s gives %s",
		      session_faults[i].text, err.text);
		CHECK(err.hint[0] && (!session_faults[i].remedy ||
				      strstr(err.hint, session_faults[i].remedy)),
		      "%s gives %s", session_faults[i].text, err.hint);
	}
}

TEST(session_a_tap_before_a_node_is_no_cycle)
{
	static const char text[] = "mixd: 1\nnodes: {a: {type: duck}, b: {type: gain}}\nlinks:\n"
				   "  - {from: a, to: b, tap: pre}\n  - b -> a:key\n";
	struct mixd_error err = {0};
	Mixd__V1__Graph *graph = NULL;

	CHECK(graph_session_parse_whole(graph_fixture_types(), "s.yaml", text, strlen(text), NULL,
					&graph, &err) == 0,
	      "%s: %s", err.address, err.text);
	CHECK(graph->n_links == 2 && graph->links[0]->n_settings == 1);
	mixd__v1__graph__free_unpacked(graph, NULL);
}

TEST(session_whole_says_where)
{
	static const char head[] =
		"mixd: 1\nnodes:\n  a: {type: gain}\n  bee: {type: gain}\nlinks:\n";
	static const struct {
		const char *links, *place, *fault, *remedy;
	} rows[] = {
		{"  - a -> be\n", "s.yaml:6:5", "\"be\"", "\"bee\""},
		{"  - {from: zzz, to: bee}\n", "s.yaml:6:5", "\"zzz\"", NULL},
		{"  - a -> bee\n  - bee -> a\n", "s.yaml:7:5", "cycle: a -> bee -> a", NULL},
		{"  - a -> a\n", "s.yaml:6:5", "cycle: a -> a", NULL},
		/* what enters a goes to bee, and that into a */
		{"  - {from: a, to: bee, tap: pre}\n  - bee -> a\n", "s.yaml:7:5", "cycle", NULL},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct mixd_error err = {0};
		Mixd__V1__Graph *graph = NULL;
		char text[256];

		snprintf(text, sizeof(text), "%s%s", head, rows[i].links);
		CHECK(graph_session_parse_whole(graph_fixture_types(), "s.yaml", text, strlen(text),
						NULL, &graph, &err) == -EINVAL);
		CHECK(!graph && err.code == ERROR_INVALID && err.hint[0], "%s", rows[i].links);
		CHECK_STR(err.address, rows[i].place);
		CHECK(strstr(err.text, rows[i].fault), "%s", err.text);
		CHECK(!rows[i].remedy || strstr(err.hint, rows[i].remedy), "%s", err.hint);
		/* with `merge` they may be right: the graph that runs decides */
		CHECK(graph_session_parse(graph_fixture_types(), "s.yaml", text, strlen(text), NULL,
					  &graph, &err) == 0);
		mixd__v1__graph__free_unpacked(graph, NULL);
	}
}

TEST(session_limits)
{
	Mixd__V1__Graph *graph = NULL;
	struct mixd_error err = {0};
	size_t size = (1u << 20) + 1;
	char *text = malloc(size + 1);

	memset(text, ' ', size);
	text[size] = '\0';
	CHECK(graph_session_parse(graph_fixture_types(), "s", text, size, NULL, &graph, &err) ==
	      -EINVAL);
	CHECK(strstr(err.text, "1048577 bytes") && err.hint[0]);
	CHECK(graph_session_parse(graph_fixture_types(), "s", "a", 1, "toml", &graph, &err) ==
	      -EINVAL);
	CHECK(strstr(err.text, "toml") && err.hint[0]);
	/* many keys and many values, quickly */
	for (size_t i = 0, used = 0; used + 16 < size - 1; i++)
		used += (size_t)sprintf(text + used, "k%zu: 1\n", i);
	CHECK(graph_session_parse(graph_fixture_types(), "s", text, strlen(text), NULL, &graph,
				  &err) == -EINVAL);
	CHECK(strstr(err.text, "keys"), "%s", err.text);
	memset(text, '[', size);
	CHECK(graph_session_parse(graph_fixture_types(), "s", text, size - 1, NULL, &graph, &err) ==
	      -EINVAL);
	text[0] = '[';
	for (size_t i = 1; i + 1 < size; i += 2)
		memcpy(text + i, "1,", 2);
	CHECK(graph_session_parse(graph_fixture_types(), "s", text, size - 1, NULL, &graph, &err) ==
	      -EINVAL);
	free(text);
}

/* ---- random graphs ---- */

static struct graph_model *random_model(uint32_t n_ops)
{
	struct graph_model *model = graph_model_new(graph_fixture_types(), "random");

	for (uint32_t i = 0; i < n_ops; i++) {
		Mixd__V1__Op *op = graph_fixture_random_op(model, 12);
		struct graph_delta *delta = NULL;

		graph_txn_apply(model, &op, 1, &delta, NULL);
		graph_delta_free(delta);
		mixd__v1__op__free_unpacked(op, NULL);
	}
	return model;
}

TEST(session_written_and_read_is_the_same)
{
	size_t bytes = 0;

	for (int i = 0; i < 300; i++) {
		struct graph_model *model = random_model(10 + test_random_below(150)), *again;
		const char *format = i & 1 ? "json" : "yaml";
		char *text = graph_session_write(model, format);

		again = load_as(text, test_random_below(2) ? format : NULL);
		CHECK(models_equal(model, again), "%s", text);
		bytes += strlen(text);
		free(text);
		graph_model_free(again);
		graph_model_free(model);
	}
	test_note("%zu bytes of sessions", bytes);
}

static int apply_diff(struct graph_model *model, const struct graph_model *wanted, bool merge,
		      uint32_t *ret_n)
{
	Mixd__V1__Graph *graph = graph_model_to_proto(wanted);
	struct graph_delta *delta = NULL;
	struct mixd_error err = {0};
	Mixd__V1__Op **ops = NULL;
	uint32_t n = 0;
	int r = graph_session_diff(model, graph, merge, &ops, &n, &err);

	CHECK(r == 0, "%s: %s", err.address, err.text);
	r = graph_txn_apply(model, ops, n, &delta, &err);
	CHECK(r == 0 || merge, "%s: %s", err.address, err.text);
	if (ret_n)
		*ret_n = n;
	graph_delta_free(delta);
	graph_ops_free(ops, n);
	mixd__v1__graph__free_unpacked(graph, NULL);
	return r;
}

TEST(session_diff_turns_any_model_into_any_other)
{
	for (int i = 0; i < 300; i++) {
		struct graph_model *a = random_model(80), *b = random_model(80);
		uint32_t n = 99;

		CHECK(apply_diff(a, b, false, NULL) == 0);
		CHECK(models_equal(a, b));
		graph_fixture_check(a);
		CHECK(apply_diff(a, b, false, &n) == 0 && n == 0, "%u differences", n);
		graph_model_free(a);
		graph_model_free(b);
	}
}

TEST(session_merge_keeps_what_is_not_named)
{
	struct graph_model *model = load_as(onair, NULL);
	struct mixd_error err = {0};
	static const char merge[] = "merge mixd: 1\nnodes:\n  limit: {type: duck, ratio: 4}\n"
				    "  new: {type: gain}\nlinks:\n  - tone -> new\n";
	const double ceiling = -1.5;

	CHECK(graph_fixture_apply(model, (const char *const[]){merge, NULL}, NULL, &err) == 0,
	      "%s: %s", err.address, err.text);
	CHECK(model->n_nodes == 6 && model->n_links == 6 && model->n_envelopes == 1);
	CHECK(graph_model_node(model, "limit")->value[GRAPH_PARAM_COMMON + 3] == 4);
	CHECK(graph_model_node(model, "limit")->value[GRAPH_PARAM_COMMON + 1] == ceiling);
	graph_model_free(model);
}

TEST(session_apply_is_one_transaction)
{
	struct graph_model *model = graph_model_new(graph_fixture_types(), "onair");
	struct graph_model *wanted = load_as(onair, NULL);
	struct graph_delta *delta = NULL, *undo = NULL;
	struct mixd_error err = {0};
	size_t size;
	uint8_t *empty = graph_fixture_bytes(model, &size);
	char apply[sizeof(onair) + 8];

	snprintf(apply, sizeof(apply), "apply %s", onair);
	CHECK(graph_fixture_apply(model, (const char *const[]){apply, NULL}, &delta, &err) == 0,
	      "%s: %s", err.address, err.text);
	CHECK(models_equal(model, wanted));
	CHECK(graph_txn_apply(model, delta->inverse, delta->n_inverse, &undo, &err) == 0);
	CHECK(graph_fixture_same(model, empty, size));
	graph_delta_free(undo);
	graph_delta_free(delta);
	/* faults of the file come through, and leave all as it was */
	CHECK(graph_fixture_apply(model,
				  (const char *const[]){"add gain x",
							"apply mixd: 1\nnodes: {a: {type: x}}",
							NULL},
				  NULL, &err) == -EINVAL);
	CHECK(err.op_index == 1);
	CHECK_STR(err.address, "session:2:19");
	CHECK(graph_fixture_apply(model,
				  (const char *const[]){"apply mixd: 1\nnodes: {a: {type: gain}}\n"
							"links: [a -> nobody]",
							NULL},
				  NULL, &err) == -ENOENT);
	CHECK(strstr(err.text, "nobody"));
	CHECK(graph_fixture_same(model, empty, size));
	free(empty);
	graph_model_free(wanted);
	graph_model_free(model);
}

/* ---- hostile files; the long run is in tests/fuzz ---- */

TEST(session_mutated_never_crashes)
{
	uint32_t n_read = 0;

	for (int i = 0; i < 20000; i++) {
		char text[sizeof(onair)];
		size_t size = sizeof(onair) - 1;
		Mixd__V1__Graph *graph = NULL;
		struct mixd_error err = {0};

		memcpy(text, onair, sizeof(onair));
		for (uint32_t k = test_random_below(6) + 1; k > 0; k--) {
			static const char spice[] = "{}[]:-,&*!|>'\"%@`#\n \t0a\\\xff\xc3~?";
			size_t at = test_random_below((uint32_t)size);

			switch (test_random_below(4)) {
			case 0:
				text[at] = spice[test_random_below(sizeof(spice) - 1)];
				break;
			case 1:
				text[at] = (char)test_random_below(256);
				break;
			case 2:
				memmove(text + at, text + at + 1, size - at - 1);
				size--;
				break;
			default:
				memcpy(text + at, onair + size - at,
				       at > size - at ? size - at : at);
			}
		}
		if (graph_session_parse(graph_fixture_types(), "m", text, size, NULL, &graph,
					&err) == 0) {
			n_read++;
			mixd__v1__graph__free_unpacked(graph, NULL);
		} else {
			CHECK(err.text[0] && err.address[0] && !graph);
		}
	}
	test_note("%u of 20000 mutated sessions were readable", n_read);
}

TEST(session_op_texts)
{
	static const struct {
		const char *op, *want;
	} rows[] = {
		{"add gain x gain=-3dB after=limit", "add gain x gain=-3dB --after limit"},
		{"rm limit heal", "rm limit --heal"},
		{"mv a b", "mv a b"},
		{"set nobody.gain=-3dB", "set nobody.gain=-3dB"},
		{"set meter.gain+=1dB", "set meter.gain+=1dB"},
		{"set program.label=two words", "set program.label=\"two words\""},
		{"toggle meter.mute", "set meter.mute=toggle"},
		{"link a b -144", "link a b level=-inf"},
		{"link a b -3", "link a b level=-3dB"},
		{"unlink a b", "unlink a b"},
		{"auto meter.gain log 0=-144 5=1",
		 "automate meter.gain 0ms=-inf 5ms=1dB --curve log"},
		{"auto nobody.gain log 0=-144", "automate nobody.gain 0ms=-144 --curve log"},
		{"clear meter.gain", "automate meter.gain --clear"},
		{"merge x", "apply --merge"},
	};
	struct graph_model *model = load_as(onair, NULL);
	Mixd__V1__Op none = MIXD__V1__OP__INIT;
	char *text;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		Mixd__V1__Op *op = graph_fixture_op(rows[i].op);

		text = graph_op_text(model, op);
		CHECK_STR(text, rows[i].want);
		free(text);
		mixd__v1__op__free_unpacked(op, NULL);
	}
	text = graph_op_text(model, &none);
	CHECK_STR(text, "?");
	free(text);
	graph_model_free(model);
}
