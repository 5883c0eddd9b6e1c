/* What mixctl does with words: spans, times, quantities, nearest words; its JSON; its meter lines. */
#include <time.h>
#include <unistd.h>

#include "doc.h"
#include "meter_view.h"
#include "mixctl.h"
#include "mixd/v1/events.pb-c.h"
#include "test.h"

TEST(mixctl_words_spans)
{
	static const struct {
		const char *text;
		double ms;
	} rows[] = {{"800ms", 800}, {"1.5s", 1500},  {"2m", 120000},  {"1h", 3.6e6},
		    {"0", 0},	    {"250us", 0.25}, {"3min", 180000}};
	static const char *const bad[] = {"10", "-1s", "s", "", "1d", "inf", "nans", "1 s"};
	double ms;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CHECK(words_parse_span(rows[i].text, &ms), "%s", rows[i].text);
		CHECK_NEAR(ms, rows[i].ms, 1e-9);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(!words_parse_span(bad[i], &ms), "%s", bad[i]);
}

TEST(mixctl_words_times)
{
	static const char *const bad[] = {"noon", "25:00", "12:60",   "2030-01-31",
					  "+5",	  "@",	   "12:00:61"};
	const uint64_t now = 1700000000000; /* 2023-11-14T22:13:20Z */
	uint64_t t;

	setenv("TZ", "UTC", 1);
	tzset();
	CHECK(words_parse_time("+5s", now, &t) && t == now + 5000);
	CHECK(words_parse_time("@1700000001.5", now, &t) && t == now + 1500);
	CHECK(words_parse_time("22:13:21", now, &t) && t == now + 1000);
	CHECK(words_parse_time("22:13:20.5", now, &t) && t == now + 500);
	CHECK(words_parse_time("22:13:19", now, &t) && t == now - 1000 + 86400000,
	      "passed: tomorrow");
	CHECK(words_parse_time("2023-11-14T22:13:22Z", now, &t) && t == now + 2000);
	CHECK(words_parse_time("2023-11-14 22:13:23", now, &t) && t == now + 3000);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(!words_parse_time(bad[i], now, &t), "%s", bad[i]);
}

TEST(mixctl_words_quantities)
{
	static const struct {
		const char *text, *unit;
		double value;
	} rows[] = {{"-40LUFS", "LUFS", -40},
		    {"-1.5", "dBTP", -1.5},
		    {"1.2kHz", "Hz", 1200},
		    {"0.3s", "ms", 300},
		    {"20ms", "ms", 20},
		    {"4:1", ":1", 4},
		    {"L30", "", -30},
		    {"R100", "", 100},
		    {"C", "", 0},
		    {"on", "", 1},
		    {"off", "", 0},
		    {"-inf", "dB", -INFINITY},
		    {"30%", "%", 30},
		    {"-23 lufs", "LUFS", -23}};
	static const struct {
		const char *text, *unit;
	} bad[] = {{"-40dB", "LUFS"}, {"20ms", "Hz"}, {"loud", "dB"},
		   {"3dB", ""},	      {"L101", ""},   {"nan", "dB"}};
	double value;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *why = words_parse_quantity(rows[i].text, rows[i].unit, &value);

		CHECK(!why, "%s %s", rows[i].text, why);
		CHECK_NEAR(value, rows[i].value, 1e-9);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(words_parse_quantity(bad[i].text, bad[i].unit, &value), "%s as %s",
		      bad[i].text, bad[i].unit);
}

TEST(mixctl_words_nearest)
{
	static const char *const words[] = {"set", "status", "unlink", "history", NULL};

	CHECK_STR(words_nearest("satus", words), "status");
	CHECK_STR(words_nearest("sett", words), "set");
	CHECK_STR(words_nearest("ulnink", words), "unlink");
	CHECK(!words_nearest("render", words));
}

TEST(mixctl_words_match)
{
	CHECK(words_match("vox/*", "vox/eq.band1.freq") && !words_match("vox/*", "music"));
	CHECK(words_match("{vox,music}.{gain,mute}", "music.mute"));
	CHECK(!words_match("{vox,music}.{gain,mute}", "music.muted"));
	CHECK(words_match("a{,b}", "a") && words_match("a{,b}", "ab") &&
	      words_match("a?[c-e]", "abd"));
	CHECK(!words_match("a{b", "ab"));
}

static void check_json(struct doc *doc, const char *wanted)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	doc_write_json(file, doc, false);
	fclose(file);
	CHECK_STR(text, wanted);
	free(text);
	doc_free(doc);
}

TEST(mixctl_words_json)
{
	check_json(doc_number(-0.1), "-0.1");
	check_json(doc_number(1e21), "1e+21");
	check_json(doc_number(80), "80");
	check_json(doc_number(-20), "-20");
	check_json(doc_number(1200.5), "1200.5");
	check_json(doc_number(0.0001), "0.0001");
	check_json(doc_number(1e-7), "1e-07");
	check_json(doc_number_f(48000), "48000");
	check_json(doc_number(-INFINITY), "\"-inf\"");
	check_json(doc_number(NAN), "null");
	check_json(doc_number_f(-23.1f), "-23.1");
	check_json(doc_unsigned(UINT64_MAX), "18446744073709551615");
	check_json(doc_text("a\"b\\\n\t\x01"), "\"a\\\"b\\\\\\n\\t\\u0001\"");
	check_json(doc_set(doc_set(doc_object(), "b", doc_bool(true)), "a",
			   doc_add(doc_array(), doc_text(NULL))),
		   "{\"b\":true,\"a\":[null]}");
}

TEST(mixctl_words_json_of_messages)
{
	Mixd__V1__Node node = MIXD__V1__NODE__INIT;
	Mixd__V1__Setting setting = MIXD__V1__SETTING__INIT, *settings[] = {&setting};
	Mixd__V1__Value value = MIXD__V1__VALUE__INIT;
	Mixd__V1__Change change = MIXD__V1__CHANGE__INIT;
	Mixd__V1__ParamRow row = MIXD__V1__PARAM_ROW__INIT;
	struct doc *doc;
	char *text = NULL;
	size_t size;
	FILE *file;

	value.kind_case = MIXD__V1__VALUE__KIND_NUMBER;
	value.number = -6;
	setting.id = (char *)"gain";
	setting.value = &value;
	node.name = (char *)"vox";
	node.type = (char *)"gain";
	node.settings = settings;
	node.n_settings = 1;
	change.change_case = MIXD__V1__CHANGE__CHANGE_NODE_ADDED;
	change.node_added = &node;
	check_json(doc_from_message(&change.base),
		   "{\"node_added\":{\"name\":\"vox\",\"type\":\"gain\",\"settings\":{\"gain\":-6},"
		   "\"layout\":\"\",\"latency_frames\":0,\"state\":\"\"}}");
	row.type = MIXD__V1__VALUE_TYPE__VALUE_TYPE_ENUM;
	doc = doc_from_message(&row.base);
	file = open_memstream(&text, &size);
	doc_write_yaml(file, doc);
	fclose(file);
	CHECK(strstr(text, "\ntype: \"enum\"\n") && strstr(text, "\nlabels: []\n"), "%s", text);
	free(text);
	doc_free(doc);
}

TEST(mixctl_words_meter_lines)
{
	char line[400];

	meter_view_line(line, sizeof(line), "m.s", "LUFS", NULL, -30, -20, 5, 12, false);
	CHECK_STR(line, "m.s      -30.0 LUFS ======  |   ");
	meter_view_line(line, sizeof(line), "m.s", "LUFS", NULL, -INFINITY, -INFINITY, 5, 12,
			false);
	CHECK_STR(line, "m.s       -inf LUFS             ");
	meter_view_line(line, sizeof(line), "limit.gain", "dB", NULL, -10, 0, 5, 12, false);
	CHECK_STR(line, "limit    -10.0 dB      ===      ");
	meter_view_line(line, sizeof(line), "m.s", "dBFS", NULL, 3, 3, 5, 10, true);
	CHECK_STR(line, "m.s        3.0 dBFS ██████████");
	meter_view_line(line, sizeof(line), "reason", "", NULL, 2, 2, 6, 12, true);
	CHECK_STR(line, "reason      2.0      ");
	meter_view_line(line, sizeof(line), "reason", "", "boost", 2, 2, 6, 12, true);
	CHECK_STR(line, "reason  boost");
	meter_view_line(line, sizeof(line), "m.s", "LUFS", NULL, NAN, NAN, 5, 12, true);
	CHECK_STR(line, "m.s       gone LUFS ");
}

/* Nodes by name, links as "from to": the names in the order of the view. */
static void check_order(const char *const *names, size_t n, const char *const (*links)[2],
			size_t n_links, const char *expected)
{
	Mixd__V1__Node nodes[8], *node_of[8] = {0};
	Mixd__V1__Link edges[8], *edge_of[8] = {0};
	size_t rank[8];
	char text[128] = "";

	for (size_t i = 0; i < n; i++) {
		mixd__v1__node__init(&nodes[i]);
		nodes[i].name = (char *)(uintptr_t)names[i];
		node_of[i] = &nodes[i];
	}
	for (size_t i = 0; i < n_links; i++) {
		mixd__v1__link__init(&edges[i]);
		edges[i].from = (char *)(uintptr_t)links[i][0];
		edges[i].to = (char *)(uintptr_t)links[i][1];
		edge_of[i] = &edges[i];
	}
	meter_order_rank(node_of, n, edge_of, n_links, rank);
	for (size_t place = 0; place < n; place++)
		for (size_t i = 0; i < n; i++)
			if (rank[i] == place)
				snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s ",
					 names[i]);
	CHECK_STR(text, expected);
}

TEST(mixctl_words_meters_as_sound_flows)
{
	static const char *const onair[] = {"level", "limit", "meter", "out", "program"};
	static const char *const onair_links[][2] = {{"level:out", "limit:in"},
						     {"limit:out", "meter:in"},
						     {"limit:out", "out:in"},
						     {"program:out", "level:in"}};
	static const char *const strips[] = {"a/in", "a/out", "b/in", "b/out", "bus", "x"};
	static const char *const strip_links[][2] = {{"a/in:out", "a/out:in"},
						     {"a/out:out", "bus:in2"},
						     {"b/in:out", "b/out:in"},
						     {"b/out:out", "bus:in1"},
						     {"gone:out", "bus:in3"}};
	static const char *const loop[] = {"a", "b", "c"};
	static const char *const loop_links[][2] = {
		{"a:out", "b:in"}, {"b:out", "a:in"}, {"c:out", "b:in2"}};

	check_order(onair, 5, onair_links, 4, "program level limit meter out ");
	check_order(strips, 6, strip_links, 5, "a/in a/out b/in b/out bus x ");
	check_order(loop, 3, loop_links, 3, "c b a ");
	check_order(loop, 0, loop_links, 3, "");
}

TEST(mixctl_words_every_verb_is_documented)
{
	for (const struct verb *verb = verbs; verb->name; verb++) {
		CHECK(verb->run && verb->words && verb->doc && *verb->doc, "%s", verb->name);
		CHECK(verb->doc[strlen(verb->doc) - 1] != '.', "%s", verb->name);
		CHECK(verb_find(verb->name) == verb, "%s is there twice", verb->name);
	}
	for (const struct option_row *row = option_rows; row->name; row++) {
		CHECK(row->doc && *row->doc && row->group, "%s", row->name);
		CHECK((row->kind == OPTION_KIND_FLAG) == (row->value_name == NULL), "%s",
		      row->name);
		for (const struct option_row *other = option_rows; other != row; other++)
			CHECK(strcmp(other->name, row->name) != 0 &&
				      (!row->letter || other->letter != row->letter),
			      "%s", row->name);
	}
}

TEST(words_positions)
{
	static const struct {
		const char *text;
		double at_s;
	} rows[] = {{"0", 0},	      {"12.5s", 12.5},	 {"250ms", 0.25}, {"2m", 120},
		    {"1:23.5", 83.5}, {"1:02:03", 3723}, {"0:00", 0}};
	static const char *const wrong[] = {"",	     "5",     "1:2",	 "1:60",  "1:02:60",
					    "1:-5",  ":30",   "1:2:3:4", "1:00x", "verse",
					    "-1:00", "1::00", "1:",	 "1:05s", "1:+5"};
	double at_s = -1;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CHECK(words_parse_position(rows[i].text, &at_s), "%s", rows[i].text);
		CHECK_NEAR(at_s, rows[i].at_s, 1e-9);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		CHECK(!words_parse_position(wrong[i], &at_s), "%s", wrong[i]);
}
