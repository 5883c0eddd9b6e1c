/* test_graph_value.c - values as people write them, and back. */
#include <errno.h>

#include "graph_value.h"
#include "test.h"

static const char *const shapes[] = {"bell", "low-shelf", "high-shelf", NULL};

#define ROW(unit_, min_, max_, def_)                                                               \
	{                                                                                          \
		.id = "x", .doc = "d", .unit = (unit_), .min = (min_), .max = (max_),              \
		.def = (def_)                                                                      \
	}

static const struct mixd_param_row row_gain = {
	.id = "gain", .unit = MIXD_UNIT_DB, .min = -144, .max = 24, .ramp = MIXD_RAMP_GAIN};
static const struct mixd_param_row row_db = ROW(MIXD_UNIT_DB, -36, 36, 0),
				   row_dbfs = ROW(MIXD_UNIT_DBFS, -80, 0, -20),
				   row_dbtp = ROW(MIXD_UNIT_DBTP, -20, 0, -1),
				   row_lufs = ROW(MIXD_UNIT_LUFS, -40, -5, -23),
				   row_lu = ROW(MIXD_UNIT_LU, 0, 20, 1),
				   row_hz = ROW(MIXD_UNIT_HZ, 10, 96000, 1000),
				   row_ms = ROW(MIXD_UNIT_MS, 0, 60000, 20),
				   row_s = ROW(MIXD_UNIT_S, 0, 3600, 3),
				   row_percent = ROW(MIXD_UNIT_PERCENT, 0, 200, 100),
				   row_ratio = ROW(MIXD_UNIT_RATIO, 1, 100, 4),
				   row_pan = ROW(MIXD_UNIT_PAN, -100, 100, 0),
				   row_db_per_s = ROW(MIXD_UNIT_DB_PER_S, 0, 100, 3),
				   row_db_per_oct = ROW(MIXD_UNIT_DB_PER_OCT, 6, 96, 12),
				   row_frames = ROW(MIXD_UNIT_FRAMES, 0, 96000, 480),
				   row_deg = ROW(MIXD_UNIT_DEG, -180, 180, 0),
				   row_none = ROW(MIXD_UNIT_NONE, -1e6, 1e6, 0.7);
static const struct mixd_param_row row_int = {
	.id = "n", .type = MIXD_TYPE_INT, .min = 1, .max = 64, .def = 8};
static const struct mixd_param_row row_bool = {.id = "b", .type = MIXD_TYPE_BOOL};
static const struct mixd_param_row row_enum = {.id = "e", .type = MIXD_TYPE_ENUM, .labels = shapes};

struct value_row {
	const struct mixd_param_row *row;
	const char *text;
	double want;
};

static const struct value_row value_texts[] = {
	{&row_dbtp, "-1dBTP", -1},
	{&row_dbtp, " -1 dbtp ", -1},
	{&row_dbtp, "-1dB", -1},
	{&row_dbtp, "-1", -1},
	{&row_dbtp, "default", -1},
	{&row_dbtp, "-1e0", -1},
	{&row_dbtp, "-.5", -0.5},
	{&row_gain, "-inf", -144},
	{&row_gain, "-inf dB", -144},
	{&row_gain, "-INF", -144},
	{&row_gain, "+6dB", 6},
	{&row_db, "0", 0},
	{&row_dbfs, "-20dBFS", -20},
	{&row_dbfs, "-18dB", -18},
	{&row_ms, "1min", 60000},
	{&row_lufs, "-16LUFS", -16},
	{&row_lufs, "-16 LKFS", -16},
	{&row_lu, "2LU", 2},
	{&row_lu, "2dB", 2},
	{&row_hz, "80Hz", 80},
	{&row_hz, "1.2kHz", 1200},
	{&row_hz, "1.2k", 1200},
	{&row_hz, "1.2 KHZ", 1200},
	{&row_ms, "20ms", 20},
	{&row_ms, "0.02s", 20},
	{&row_ms, "500us", 0.5},
	{&row_s, "3s", 3},
	{&row_s, "250ms", 0.25},
	{&row_s, "2min", 120},
	{&row_percent, "30%", 30},
	{&row_percent, "30 %", 30},
	{&row_ratio, "4:1", 4},
	{&row_ratio, "4 : 1", 4},
	{&row_ratio, "2.5", 2.5},
	{&row_ratio, "inf:1", 100},
	{&row_ratio, "inf", 100},
	{&row_pan, "L30", -30},
	{&row_pan, "R30", 30},
	{&row_pan, "r 12.5", 12.5},
	{&row_pan, "C", 0},
	{&row_pan, "c", 0},
	{&row_pan, "L", -100},
	{&row_pan, "-45", -45},
	{&row_db_per_s, "3dB/s", 3},
	{&row_db_per_oct, "24 dB/oct", 24},
	{&row_frames, "480frames", 480},
	{&row_deg, "-30deg", -30},
	{&row_deg, "90\xc2\xb0", 90},
	{&row_none, "0.707", 0.707},
	{&row_int, "7", 7},
	{&row_bool, "on", 1},
	{&row_bool, "TRUE", 1},
	{&row_bool, "yes", 1},
	{&row_bool, "1", 1},
	{&row_bool, "off", 0},
	{&row_bool, "No", 0},
	{&row_enum, "low-shelf", 1},
	{&row_enum, "BELL", 0},
	{&row_enum, "default", 0},
};

TEST(values_are_read)
{
	for (size_t i = 0; i < sizeof(value_texts) / sizeof(value_texts[0]); i++) {
		struct mixd_error err = {0};
		double got = NAN;
		int r = graph_value_parse_param(value_texts[i].row, value_texts[i].row->def,
						value_texts[i].text, 0, "a.b", &got, &err);

		CHECK(r == 0, "\"%s\": %s; %s", value_texts[i].text, err.text, err.hint);
		CHECK(got == value_texts[i].want, "\"%s\" is %.17g", value_texts[i].text, got);
	}
}

TEST(values_relative_add_to_the_present)
{
	static const struct value_row rows[] = {
		{&row_gain, "+=1.5dB", -8.5}, {&row_gain, "-= 2", -12},	 {&row_dbtp, "+=1dB", -9},
		{&row_lufs, "-=3LU", -13},    {&row_lufs, "-=3dB", -13}, {&row_pan, "+=R10", 0},
		{&row_pan, "+=L10", -20},     {&row_gain, "+=-inf", 0},
	};
	struct mixd_error err = {0};
	double got;

	for (size_t i = 0; i + 1 < sizeof(rows) / sizeof(rows[0]); i++) {
		CHECK(graph_value_parse_param(rows[i].row, 0, rows[i].text, -10, "a.b", &got,
					      &err) == 0,
		      "\"%s\": %s", rows[i].text, err.text);
		CHECK(got == rows[i].want, "\"%s\" is %g", rows[i].text, got);
	}
	CHECK(graph_value_parse_param(&row_gain, 0, "+=-inf", -10, "a.b", &got, &err) == -EINVAL);
	CHECK(graph_value_parse_param(&row_bool, 0, "+=1", 0, "a.b", &got, &err) == -EINVAL);
	CHECK(strstr(err.hint, "toggle"));
	CHECK(graph_value_parse_param(&row_enum, 0, "+=1", 0, "a.b", &got, &err) == -EINVAL);
}

TEST(values_wrong_are_told_what_is_right)
{
	static const struct {
		const struct mixd_param_row *row;
		const char *text, *fault, *remedy;
	} rows[] = {
		{&row_dbtp, "-1dBFS", "\"-1dBFS\" has the wrong unit", "want dBTP, as in -1dBTP"},
		{&row_dbfs, "-1dBTP", "wrong unit", "want dBFS, as in"},
		{&row_lufs, "-16dB", "wrong unit", "want LUFS, as in"},
		{&row_ms, "20Hz", "wrong unit", "want ms, as in 20ms"},
		{&row_ratio, "4:2", "wrong unit", "want :1, as in 4:1"},
		{&row_none, "3dB", "wrong unit", "want a plain number, as in 3"},
		{&row_gain, "loud", "not a number", "0dB"},
		{&row_gain, "", "not a number", "0dB"},
		{&row_gain, "0x10", "wrong unit", "dB"},
		{&row_gain, "nan", "not a number", "0dB"},
		{&row_gain, "infinity", "not a number", "0dB"},
		{&row_gain, "--3", "not a number", "0dB"},
		{&row_gain, "1e", "wrong unit", "dB"},
		{&row_gain, "inf", "outside -inf .. 24dB", "-inf to 24dB"},
		{&row_gain, "30dB", "30dB is outside -inf .. 24dB", "want -inf to 24dB"},
		{&row_hz, "5Hz", "5Hz is outside 10Hz .. 96kHz", "10Hz to 96kHz"},
		{&row_hz, "1e999", "outside", "10Hz to 96kHz"},
		{&row_dbtp, "-inf", "outside", "-20dBTP to 0dBTP"},
		{&row_pan, "L101", "L101 is outside L100 .. R100", "L100 to R100"},
		{&row_pan, "Lx", "not a number", "C"},
		{&row_int, "1.5", "1.5 is not a whole number", "as in 2"},
		{&row_int, "65", "65 is outside 1 .. 64", "1 to 64"},
		{&row_bool, "maybe", "neither on nor off", "on or off"},
		{&row_enum, "low_shelf", "no choice", "did you mean \"low-shelf\"?"},
		{&row_enum, "1", "no choice", "want one of bell, low-shelf, high-shelf"},
		{&row_enum, "", "no choice", "bell"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct mixd_error err = {0};
		double got = 77;
		int r = graph_value_parse_param(rows[i].row, rows[i].row->def, rows[i].text, 0,
						"limit.ceiling", &got, &err);

		CHECK(r == -EINVAL && got == 77, "\"%s\" is %g", rows[i].text, got);
		CHECK_STR(err.address, "limit.ceiling");
		CHECK(strstr(err.text, rows[i].fault), "\"%s\": %s", rows[i].text, err.text);
		CHECK(strstr(err.hint, rows[i].remedy), "\"%s\": %s", rows[i].text, err.hint);
	}
}

TEST(values_long_texts_are_refused)
{
	struct mixd_error err = {0};
	char text[1000];
	double got;

	memset(text, '1', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	CHECK(graph_value_parse_param(&row_gain, 0, text, 0, "a", &got, &err) == -EINVAL);
	text[100] = '\0';
	CHECK(graph_value_parse_param(&row_gain, 0, text, 0, "a", &got, &err) == -EINVAL);
}

TEST(values_are_written)
{
	static const struct value_row rows[] = {
		{&row_dbtp, "-1dBTP", -1},
		{&row_gain, "-inf", -144},
		{&row_gain, "0dB", -0.0},
		{&row_hz, "80Hz", 80},
		{&row_hz, "1.2kHz", 1200},
		{&row_hz, "1234.5678912Hz", 1234.5678912},
		{&row_ms, "2500ms", 2500},
		{&row_ratio, "4:1", 4},
		{&row_pan, "L30", -30},
		{&row_pan, "C", 0},
		{&row_pan, "R0.5", 0.5},
		{&row_bool, "on", 1},
		{&row_enum, "high-shelf", 2},
		{&row_percent, "30%", 30},
		{&row_db_per_oct, "12dB/oct", 12},
		{&row_none, "0.1", 0.1},
	};
	char text[64];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		graph_value_format_param(rows[i].row, rows[i].want, text, sizeof(text));
		CHECK_STR(text, rows[i].text);
	}
}

TEST(values_round_trip_to_the_bit)
{
	static const struct mixd_param_row *const rows[] = {
		&row_gain,  &row_db,   &row_dbfs,     &row_dbtp,       &row_lufs,
		&row_lu,    &row_hz,   &row_ms,	      &row_s,	       &row_percent,
		&row_ratio, &row_pan,  &row_db_per_s, &row_db_per_oct, &row_frames,
		&row_deg,   &row_none, &row_int,      &row_bool,       &row_enum,
	};

	for (int i = 0; i < 20000; i++) {
		const struct mixd_param_row *row = rows[test_random_below(20)];
		double max = row == &row_enum ? 2 : row == &row_bool ? 1 : row->max;
		double value = row->min + test_random() * (max - row->min), got = NAN;
		struct mixd_error err = {0};
		char text[64];

		if (row->type != MIXD_TYPE_FLOAT || test_random_below(3) == 0)
			value = rint(value);
		else if (test_random_below(2))
			value = rint(value * 10) / 10;
		if (value < row->min)
			value = row->min;
		graph_value_format_param(row, value, text, sizeof(text));
		CHECK(graph_value_parse_param(row, row->def, text, 0, "a", &got, &err) == 0,
		      "\"%s\": %s", text, err.text);
		CHECK(got == value, "%.17g -> \"%s\" -> %.17g", value, text, got);
	}
}

TEST(values_of_configs)
{
	static const struct mixd_config_row
		count = {.id = "inputs", .type = MIXD_TYPE_INT, .min = 1, .max = 8, .def = 2},
		length = {.id = "length", .unit = MIXD_UNIT_MS, .min = 1, .max = 5000, .def = 100},
		path = {.id = "path", .type = MIXD_TYPE_STRING};
	struct mixd_error err = {0};
	double got = 0;
	char text[64];

	CHECK(graph_value_parse_config(&count, "4", "b.inputs", &got, &err) == 0 && got == 4);
	CHECK(graph_value_parse_config(&count, "9", "b.inputs", &got, &err) == -EINVAL);
	CHECK(graph_value_parse_config(&length, "2s", "b.length", &got, &err) == 0 && got == 2000);
	CHECK(graph_value_parse_config(&length, "default", "b", &got, &err) == 0 && got == 100);
	CHECK(graph_value_parse_config(&path, "any thing", "b", &got, &err) == 0);
	graph_value_format_config(&length, &(struct mixd_value){.number = 20}, text, sizeof(text));
	CHECK_STR(text, "20ms");
	graph_value_format_config(&path, &(struct mixd_value){.text = "/a b"}, text, sizeof(text));
	CHECK_STR(text, "/a b");
}

TEST(values_of_meters)
{
	static const char *const states[] = {"running", "asleep", NULL};
	static const struct mixd_meter_row lufs = {.unit = MIXD_UNIT_LUFS},
					   frames = {.unit = MIXD_UNIT_FRAMES},
					   load = {.unit = MIXD_UNIT_PERCENT},
					   state = {.labels = states}, plain = {.doc = ""};
	char text[64];

	graph_value_format_meter(&lufs, -23.04, text, sizeof(text));
	CHECK_STR(text, "-23.0 LUFS");
	graph_value_format_meter(&lufs, -INFINITY, text, sizeof(text));
	CHECK_STR(text, "-inf LUFS");
	graph_value_format_meter(&lufs, -0.01, text, sizeof(text));
	CHECK_STR(text, "0.0 LUFS");
	graph_value_format_meter(&frames, 128, text, sizeof(text));
	CHECK_STR(text, "128 frames");
	graph_value_format_meter(&load, 3.14, text, sizeof(text));
	CHECK_STR(text, "3.1%");
	graph_value_format_meter(&state, 1, text, sizeof(text));
	CHECK_STR(text, "asleep");
	graph_value_format_meter(&state, 7, text, sizeof(text));
	CHECK_STR(text, "7");
	graph_value_format_meter(&plain, 12, text, sizeof(text));
	CHECK_STR(text, "12");
	graph_value_format_meter(&plain, -0.984, text, sizeof(text));
	CHECK_STR(text, "-0.98");
	graph_value_format_meter(&plain, -0.001, text, sizeof(text));
	CHECK_STR(text, "0");
}

TEST(numbers_are_short_and_exact)
{
	static const struct {
		double value;
		const char *want;
	} rows[] = {{0.1, "0.1"},	  {-0.0, "0"},
		    {1e20, "1e+20"},	  {1.0 / 3.0, "0.3333333333333333"},
		    {1000000, "1000000"}, {INFINITY, "inf"},
		    {-INFINITY, "-inf"},  {NAN, "nan"}};
	char text[40];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		graph_number_format(rows[i].value, text, sizeof(text));
		CHECK_STR(text, rows[i].want);
	}
	CHECK_STR(graph_unit_name(MIXD_UNIT_COUNT_), "");
}
