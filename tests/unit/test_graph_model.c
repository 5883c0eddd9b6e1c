/* test_graph_model.c - names, ports, addresses, globs, layouts and messages of a model. */
#include <errno.h>

#include "fake_types.h"
#include "graph_model.h"
#include "test.h"

static struct graph_types *types;

static struct graph_types *model_types(void)
{
	if (types)
		return types;
	types = graph_types_new();
	for (uint32_t i = 0; i < FAKE_TYPES; i++)
		CHECK(graph_types_add(types, fake_types[i], "fake", NULL) == 0);
	return types;
}

/* A model from "name type" and "from to" words; layouts by "name type layout". */
struct model_node {
	const char *name, *type, *setting, *value;
};

static struct graph_model *model_make(const struct model_node *nodes, uint32_t n_nodes,
				      const char *const (*links)[2], uint32_t n_links, int want,
				      struct mixd_error *err)
{
	Mixd__V1__Graph graph = MIXD__V1__GRAPH__INIT;
	Mixd__V1__Node node[32], *node_p[32];
	Mixd__V1__Setting setting[32], *setting_p[32];
	Mixd__V1__Value value[32];
	Mixd__V1__Link link[32], *link_p[32];
	struct graph_model *model = NULL;
	int r;

	for (uint32_t i = 0; i < n_nodes; i++) {
		mixd__v1__node__init(&node[i]);
		mixd__v1__setting__init(&setting[i]);
		mixd__v1__value__init(&value[i]);
		node[i].name = (char *)nodes[i].name;
		node[i].type = (char *)nodes[i].type;
		value[i].kind_case = MIXD__V1__VALUE__KIND_TEXT;
		value[i].text = (char *)nodes[i].value;
		setting[i].id = (char *)nodes[i].setting;
		setting[i].value = &value[i];
		setting_p[i] = &setting[i];
		node[i].settings = &setting_p[i];
		node[i].n_settings = nodes[i].setting ? 1 : 0;
		node_p[i] = &node[i];
	}
	for (uint32_t i = 0; i < n_links; i++) {
		mixd__v1__link__init(&link[i]);
		link[i].from = (char *)links[i][0];
		link[i].to = (char *)links[i][1];
		link_p[i] = &link[i];
	}
	graph.nodes = node_p;
	graph.n_nodes = n_nodes;
	graph.links = link_p;
	graph.n_links = n_links;
	r = graph_model_from_proto(model_types(), &graph, &model, err);
	CHECK(r == want, "%d: %s", r, err->text);
	return model;
}

TEST(model_names_follow_the_rules)
{
	static const char *const good[] = {"a", "vox/eq", "Bus_1", "a.b-c", "-a", "0"};
	static const char *const bad[] = {"",	 "/a",	"a/", ".a",	 "a.",
					  "a:b", "a b", "a*", "\xc3\xa4"};
	struct mixd_error err = {0};
	char name[GRAPH_NAME_MAX + 2];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		CHECK(graph_name_check(good[i], &err) == 0, "%s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(graph_name_check(bad[i], &err) == -EINVAL && err.hint[0], "%s", bad[i]);
	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	CHECK(graph_name_check(name, &err) == -EINVAL);
	name[GRAPH_NAME_MAX] = '\0';
	CHECK(graph_name_check(name, &err) == 0);
}

static const struct model_node studio_nodes[] = {
	{"vox", "gain"},
	{"vox/eq", "eq"},
	{"drums.left", "gain"},
	{"drums", "gain"},
	{"mix", "bus", "inputs", "3"},
	{"duck", "duck"},
	{"tone", "tone"},
	{"out", "output", "layout", "stereo"},
};
static const char *const studio_links[][2] = {
	{"vox", "vox/eq"}, {"vox/eq", "mix:in2"}, {"tone", "duck:key"}, {"mix", "out"}};

static struct graph_model *studio(void)
{
	struct mixd_error err = {0};

	return model_make(studio_nodes, 8, studio_links, 4, 0, &err);
}

TEST(model_tables_are_sorted)
{
	struct graph_model *model = studio();

	for (uint32_t i = 1; i < model->n_nodes; i++) /* G1 */
		CHECK(strcmp(model->nodes[i - 1]->name, model->nodes[i]->name) < 0);
	for (uint32_t i = 1; i < model->n_links; i++)
		CHECK(strcmp(model->links[i - 1]->from->name, model->links[i]->from->name) <= 0);
	for (uint32_t i = 0; i < model->n_nodes; i++) { /* G2 */
		CHECK(graph_model_node_uid(model, model->nodes[i]->uid) == model->nodes[i]);
		CHECK(graph_model_node(model, model->nodes[i]->name) == model->nodes[i]);
	}
	CHECK(!graph_model_node_uid(model, 0) && !graph_model_node(model, "nobody"));
	CHECK(graph_model_node(model, "out")->slot == 0);
	CHECK(graph_model_node(model, "vox")->slot == GRAPH_SLOT_NONE);
	graph_model_free(model);
	graph_model_free(NULL);
}

TEST(model_ports_are_found)
{
	static const struct {
		const char *address;
		bool output;
		int want;
		const char *canonical;
	} rows[] = {
		{"vox", true, 0, "vox:out"},	      {"vox:in", false, 0, "vox:in"},
		{"mix", false, 0, "mix:in1"},	      {"mix:in", false, 0, "mix:in1"},
		{"mix:in3", false, 2, "mix:in3"},     {"mix:aux", false, 3, "mix:aux"},
		{"mix:send1", false, 4, "mix:send1"}, {"duck:key", false, 1, "duck:key"},
		{"duck:left", true, 1, "duck:left"},
	};
	struct graph_model *model = studio();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct mixd_error err = {0};
		struct graph_node *node;
		uint32_t port;
		char text[GRAPH_ADDRESS_MAX];

		CHECK(graph_model_find_port(model, rows[i].address, rows[i].output, &node, &port,
					    &err) == 0,
		      "%s: %s", rows[i].address, err.text);
		CHECK((int)port == rows[i].want, "%s is %u", rows[i].address, port);
		graph_node_port_address(node, rows[i].output, port, text, sizeof(text));
		CHECK_STR(text, rows[i].canonical);
	}
	graph_model_free(model);
}

TEST(model_wrong_ports_are_told)
{
	static const struct {
		const char *address;
		bool output;
		const char *fault, *remedy;
	} rows[] = {
		{"vix", true, "no node \"vix\"", "did you mean \"vox\"?"},
		{"vox:key", false, "has no input key", "\"vox:in\""},
		{"duck:kye", false, "has no input kye", "did you mean \"duck:key\"?"},
		{"mix:in4", false, "has no input in4", "mix:in"},
		{"mix:in03", false, "has no input", "mix:in"},
		{"mix:in0", false, "has no input", "mix:in"},
		{"tone", false, "has no input", "has only outputs"},
		{"out", true, "has no output", "has only inputs"},
		{"", true, "no node", "ls nodes"},
	};
	struct graph_model *model = studio();
	char address[2 * GRAPH_ADDRESS_MAX];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct mixd_error err = {0};
		struct graph_node *node;
		uint32_t port;

		CHECK(graph_model_find_port(model, rows[i].address, rows[i].output, &node, &port,
					    &err) == -ENOENT,
		      "%s", rows[i].address);
		CHECK(strstr(err.text, rows[i].fault), "%s", err.text);
		CHECK(strstr(err.hint, rows[i].remedy), "%s", err.hint);
	}
	memset(address, 'a', sizeof(address) - 1);
	address[sizeof(address) - 1] = '\0';
	CHECK(graph_model_find_port(model, address, true, &(struct graph_node *){NULL},
				    &(uint32_t){0}, NULL) == -EINVAL);
	graph_model_free(model);
}

TEST(model_addresses_take_the_longest_node)
{
	struct graph_model *model = studio();
	struct graph_address address;
	struct mixd_error err = {0};

	CHECK(graph_model_find_address(model, "drums.left.gain", &address, &err) == 0);
	CHECK_STR(address.node->name, "drums.left");
	CHECK(address.kind == GRAPH_ADDRESS_PARAM && address.idx == GRAPH_PARAM_COMMON);
	CHECK(graph_model_find_address(model, "vox/eq.band12.freq", &address, &err) == 0);
	CHECK_STR(address.node->type->params[address.idx].id, "band12.freq");
	CHECK(graph_model_find_address(model, "mix.inputs", &address, &err) == 0);
	CHECK(address.kind == GRAPH_ADDRESS_CONFIG);
	CHECK(graph_model_find_address(model, "vox.level2", &address, &err) == 0);
	CHECK(address.kind == GRAPH_ADDRESS_METER && address.channel == 2);
	CHECK(graph_model_find_address(model, "vox.peak", NULL, &err) == 0);
	CHECK(graph_model_find_address(model, "vox.gian", &address, &err) == -ENOENT);
	CHECK(strstr(err.hint, "\"gain\""), "%s", err.hint);
	CHECK_STR(err.address, "vox.gian");
	CHECK(graph_model_find_address(model, "vax.gain", &address, &err) == -ENOENT);
	CHECK(strstr(err.text, "\"vax\"") && strstr(err.hint, "\"vox\""), "%s", err.text);
	CHECK(graph_model_find_address(model, "vox", &address, &err) == -EINVAL);
	CHECK(graph_model_find_address(model, "", &address, NULL) == -EINVAL);
	CHECK(graph_model_find_address(model, ".", &address, NULL) == -ENOENT);
	graph_model_free(model);
}

TEST(glob_matches)
{
	static const struct {
		const char *glob, *text;
		bool want;
	} rows[] = {
		{"vox/*.gain", "vox/eq.gain", true},
		{"vox/*.gain", "vox/a/b.gain", false},
		{"vox/**.gain", "vox/a/b.gain", true},
		{"*", "vox", true},
		{"*", "vox/eq", false},
		{"**", "vox/eq", true},
		{"", "", true},
		{"", "a", false},
		{"a?c", "abc", true},
		{"a?c", "a/c", false},
		{"[a-c]x", "bx", true},
		{"[!a-c]x", "bx", false},
		{"[^a]x", "bx", true},
		{"[]]x", "]x", true},
		{"[ab", "[ab", true},
		{"{a,b}c", "bc", true},
		{"{a,b}c", "cc", false},
		{"{a,b}{c,d}", "bd", true},
		{"{,x}a", "a", true},
		{"{a", "{a", true},
		{"*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaa", false},
		{"a*b*c", "axxbyybzc", true},
		{"**/x", "a/b/x", true},
		{"*.band[1-3].*", "eq.band2.freq", true},
		{"*.band[1-3].*", "eq.band4.freq", false},
		{"a**b", "a/x/y/b", true},
		{"**x*", "a/bx/c", false},
		{"**x*", "a/bxc", true},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		CHECK(graph_glob_match(rows[i].glob, rows[i].text) == rows[i].want, "%s on %s",
		      rows[i].glob, rows[i].text);
}

/* The same by plain recursion. */
static bool slow_match(const char *glob, const char *text)
{
	if (!*glob)
		return !*text;
	if (glob[0] == '*' && glob[1] == '*')
		return slow_match(glob + 2, text) || (*text && slow_match(glob, text + 1));
	if (glob[0] == '*')
		return slow_match(glob + 1, text) ||
		       (*text && *text != '/' && slow_match(glob, text + 1));
	if (*glob == '?')
		return *text && *text != '/' && slow_match(glob + 1, text + 1);
	return *text == *glob && slow_match(glob + 1, text + 1);
}

TEST(glob_agrees_with_recursion)
{
	for (int i = 0; i < 200000; i++) {
		static const char letters[] = "ab/*?*";
		char glob[9] = "", text[9] = "";
		uint32_t n = test_random_below(8), m = test_random_below(8);

		for (uint32_t k = 0; k < n; k++)
			glob[k] = letters[test_random_below(6)];
		for (uint32_t k = 0; k < m; k++)
			text[k] = letters[test_random_below(3)];
		CHECK(graph_glob_match(glob, text) == slow_match(glob, text), "\"%s\" on \"%s\"",
		      glob, text);
	}
}

TEST(glob_hostile_is_quick)
{
	char glob[600], text[600];

	memset(glob, '*', sizeof(glob));
	for (int i = 1; i < 200; i += 2)
		glob[i] = 'a';
	glob[200] = 'b';
	glob[201] = '\0';
	memset(text, 'a', sizeof(text));
	text[599] = '\0';
	for (int i = 0; i < 100; i++)
		CHECK(!graph_glob_match(glob, text));
	memset(glob, '{', sizeof(glob));
	for (int i = 1; i < 599; i++)
		glob[i] = "{,}"[i % 3];
	glob[599] = '\0';
	graph_glob_match(glob, text);
	memset(glob, 'a', 599);
	CHECK(!graph_glob_match(glob, glob), "too long for a glob");
}

struct collected {
	char text[4000];
	uint32_t n, stop_at;
};

static int collect(void *data, const struct graph_address *address, const char *text)
{
	struct collected *collected = data;

	strncat(collected->text, text, sizeof(collected->text) - strlen(collected->text) - 2);
	strcat(collected->text, " ");
	return ++collected->n == collected->stop_at ? 99 : 0;
}

TEST(glob_walks_addresses_in_order)
{
	const unsigned params = 1u << GRAPH_ADDRESS_PARAM, configs = 1u << GRAPH_ADDRESS_CONFIG,
		       meters = 1u << GRAPH_ADDRESS_METER;
	static const struct {
		const char *glob;
		unsigned kinds;
		const char *want;
	} rows[] = {
		{"*.gain", 1, "drums.gain drums.left.gain vox.gain "},
		{"vox.gain", 1, "vox.gain "},
		{"{vox,drums}.mute", 1, "drums.mute vox.mute "},
		{"vox/*.band[12].freq", 1, "vox/eq.band1.freq vox/eq.band2.freq "},
		{"mix", 2, "mix.layout mix.inputs mix.sends "},
		{"vox.level*", 4, "vox.level1 vox.level2 "},
		{"tone", 5, "tone.bypass tone.mute tone.peak tone.load tone.state tone.latency "},
		{"**.inputs", 7, "mix.inputs "},
		{"to*", 5, "tone.bypass tone.mute tone.peak tone.load tone.state tone.latency "},
	};
	struct graph_model *model = studio();
	struct collected stop = {.stop_at = 2};

	CHECK(params == 1 && configs == 2 && meters == 4);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct collected collected = {.stop_at = UINT32_MAX};
		struct mixd_error err = {0};

		CHECK(graph_model_glob(model, rows[i].glob, rows[i].kinds, collect, &collected,
				       &err) == 0,
		      "%s: %s", rows[i].glob, err.text);
		CHECK_STR(collected.text, rows[i].want);
	}
	CHECK(graph_model_glob(model, "**.bypass", 1, collect, &stop, NULL) == 99 && stop.n == 2);
	graph_model_free(model);
}

TEST(glob_without_a_match_says_why)
{
	struct graph_model *model = studio();
	struct collected collected = {.stop_at = UINT32_MAX};
	struct mixd_error err = {0};

	CHECK(graph_model_glob(model, "x*.gain", 1, collect, &collected, &err) == -ENOENT);
	CHECK(strstr(err.text, "nothing matches"));
	CHECK(graph_model_glob(model, "vix", 1, collect, &collected, &err) == -ENOENT);
	CHECK(strstr(err.hint, "\"vox\""), "%s", err.hint);
	CHECK(graph_model_glob(model, "vox.gian", 1, collect, &collected, &err) == -ENOENT);
	CHECK(strstr(err.hint, "\"gain\""), "%s", err.hint);
	CHECK(graph_model_glob(model, "vox.peak", 1, collect, &collected, &err) == -ENOENT);
	graph_model_free(model);
}

/* ---- layouts ---- */

static const char *layout_of(const struct graph_layouts *layouts, const struct graph_model *model,
			     const char *address, bool output)
{
	struct graph_node *node;
	uint32_t port;

	CHECK(graph_model_find_port(model, address, output, &node, &port, NULL) == 0);
	return graph_layouts_port(layouts, node, output, port)->name;
}

TEST(layouts_travel_along_links)
{
	static const struct model_node nodes[] = {
		{"m", "tone", "layout", "mono"},
		{"s", "tone", "layout", "7.1"},
		{"g1", "gain"},
		{"g2", "gain"},
		{"mix", "bus"},
		{"d", "duck"},
		{"free", "gain"},
		{"loop", "loop"},
		{"z", "gain"},
	};
	static const char *const links[][2] = {
		{"m", "g1"},	   {"s", "g2"},	    {"g1", "mix:in1"}, {"g2", "mix:in2"},
		{"mix", "d"},	   {"m", "d:key"},  {"loop", "z"},     {"z", "loop"},
		{"s", "mix:send"}, {"m", "d:mono"},
	};
	struct mixd_error err = {0};
	struct graph_model *model = model_make(nodes, 9, links, 10, 0, &err);
	struct graph_layouts *layouts = NULL;

	CHECK(graph_layouts_resolve(model, &layouts, &err) == 0, "%s", err.text);
	CHECK_STR(layout_of(layouts, model, "g1", true), "mono");
	CHECK_STR(layout_of(layouts, model, "g2", true), "7.1");
	CHECK_STR(layout_of(layouts, model, "mix", true), "7.1");
	CHECK_STR(layout_of(layouts, model, "mix:in1", false), "7.1");
	CHECK_STR(layout_of(layouts, model, "mix:send", false), "7.1");
	CHECK_STR(layout_of(layouts, model, "d", true), "7.1");
	CHECK_STR(layout_of(layouts, model, "d:key", false), "mono");
	CHECK_STR(layout_of(layouts, model, "d:mono", false), "mono");
	CHECK_STR(layout_of(layouts, model, "d:left", true), "mono");
	CHECK_STR(layout_of(layouts, model, "free", true), "stereo");
	CHECK_STR(layout_of(layouts, model, "z", true), "stereo");
	CHECK(!graph_layouts_port(layouts, graph_model_node(model, "m"), false, 0));
	graph_layouts_free(layouts);
	graph_layouts_free(NULL);
	graph_model_free(model);
}

TEST(layouts_that_do_not_fit_name_the_link)
{
	static const struct model_node nodes[] = {
		{"a", "tone", "layout", "5.1"},
		{"b", "tone", "layout", "stereo"},
		{"mix", "bus"},
		{"d", "duck"},
	};
	static const char *const wide[][2] = {{"a", "mix:in1"}, {"b", "mix:in2"}};
	static const char *const narrow[][2] = {{"b", "d:mono"}};
	struct mixd_error err = {0};
	struct graph_model *model = model_make(nodes, 4, wide, 2, 0, &err);
	struct graph_layouts *layouts = NULL;

	CHECK(graph_layouts_resolve(model, &layouts, &err) == -EINVAL && !layouts);
	CHECK(strstr(err.text, "b:out (stereo)") && strstr(err.text, "mix:in2 (5.1)"), "%s",
	      err.text);
	CHECK(err.hint[0]);
	graph_model_free(model);
	model = model_make(nodes, 4, narrow, 1, 0, &err);
	CHECK(graph_layouts_resolve(model, &layouts, &err) == -EINVAL);
	CHECK(strstr(err.text, "d:mono (mono)"), "%s", err.text);
	graph_model_free(model);
}

/* ---- messages ---- */

TEST(model_to_proto_and_back_is_the_same)
{
	struct graph_model *model = studio(), *again = NULL;
	Mixd__V1__Graph *graph = graph_model_to_proto(model), *graph_again;
	struct mixd_error err = {0};
	size_t size = mixd__v1__graph__get_packed_size(graph);
	uint8_t *bytes = malloc(size), *bytes_again = malloc(size);

	CHECK(graph->n_nodes == 8 && graph->n_links == 4);
	CHECK_STR(graph->links[0]->from, "mix:out");
	CHECK(graph_model_from_proto(model_types(), graph, &again, &err) == 0, "%s", err.text);
	graph_again = graph_model_to_proto(again);
	CHECK(mixd__v1__graph__get_packed_size(graph_again) == size);
	mixd__v1__graph__pack(graph, bytes);
	mixd__v1__graph__pack(graph_again, bytes_again);
	CHECK(memcmp(bytes, bytes_again, size) == 0);
	free(bytes);
	free(bytes_again);
	mixd__v1__graph__free_unpacked(graph, NULL);
	mixd__v1__graph__free_unpacked(graph_again, NULL);
	graph_model_free(model);
	graph_model_free(again);
}

TEST(model_from_bad_messages_is_refused)
{
	static const struct model_node twice[] = {{"a", "gain"}, {"a", "gain"}},
				       unknown[] = {{"a", "gian"}}, badly[] = {{"a b", "gain"}},
				       range[] = {{"a", "gain", "gain", "99dB"}},
				       id[] = {{"a", "gain", "gian", "0dB"}},
				       layout[] = {{"a", "gain", "layout", "sterio"}},
				       pair[] = {{"a", "gain"}, {"b", "gain"}};
	static const char *const doubled[][2] = {{"a", "b"}, {"a:out", "b:in"}},
				 *const lost[][2] = {{"a", "c"}};
	struct mixd_error err = {0};

	model_make(twice, 2, NULL, 0, -EEXIST, &err);
	model_make(unknown, 1, NULL, 0, -ENOENT, &err);
	CHECK_STR(err.address, "a");
	model_make(badly, 1, NULL, 0, -EINVAL, &err);
	model_make(range, 1, NULL, 0, -EINVAL, &err);
	CHECK_STR(err.address, "a.gain");
	model_make(id, 1, NULL, 0, -ENOENT, &err);
	model_make(layout, 1, NULL, 0, -EINVAL, &err);
	CHECK_STR(err.address, "a.layout");
	model_make(pair, 2, doubled, 2, -EEXIST, &err);
	model_make(pair, 2, lost, 1, -ENOENT, &err);
}

TEST(types_as_data)
{
	Mixd__V1__NodeType *eq = graph_type_to_proto(graph_types_find(model_types(), "eq", NULL));
	Mixd__V1__NodeType *bus = graph_type_to_proto(graph_types_find(model_types(), "bus", NULL));

	CHECK(eq->n_params == 2 + 5 + 1, "a group's rows once: %zu", eq->n_params);
	CHECK_STR(eq->params[3]->group, "band");
	CHECK(eq->params[3]->count == 32);
	CHECK_STR(eq->params[5]->unit, "Hz");
	CHECK_STR(eq->params[5]->ramp, "log");
	CHECK(eq->params[4]->n_labels == 4 && eq->params[4]->max == 3);
	CHECK_STR(eq->params[4]->default_->text, "bell");
	CHECK(eq->params[7]->config);
	CHECK_STR(eq->params[7]->default_->text, "auto");
	CHECK(eq->n_meters == GRAPH_METER_COMMON);
	CHECK(eq->meters[GRAPH_METER_STATE]->n_labels == GRAPH_NODE_STATE_COUNT_);
	CHECK(bus->n_ports == 4);
	CHECK_STR(bus->ports[0]->count_config, "inputs");
	CHECK_STR(bus->ports[2]->layout, "follow");
	mixd__v1__node_type__free_unpacked(eq, NULL);
	mixd__v1__node_type__free_unpacked(bus, NULL);
}
