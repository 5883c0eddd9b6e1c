/* test_dsp_cliplist.c - a list of clips: read, written, and refused with the place of the fault. */
#include <errno.h>

#include "cliplist.h"
#include "test.h"

/* TEXT read and written. */
static char *again(const char *text)
{
	struct mixd_fault fault = {0};
	struct cliplist list;
	size_t at = 0;
	int r = cliplist_parse(text, &list, &at, &fault);
	char *written;

	CHECK(r == 0, "%s: %s at %zu", text, fault.text, at);
	written = cliplist_write(&list);
	cliplist_done(&list);
	return written;
}

static void check_canonical(const char *text, const char *wanted)
{
	char *once = again(text), *twice;

	CHECK_STR(once, wanted);
	twice = again(once);
	CHECK_STR(twice, once);
	free(once);
	free(twice);
}

TEST(cliplist_is_written_canonically)
{
	check_canonical("", "");
	check_canonical("[]", "");
	check_canonical("a.wav", "[{file: a.wav, at: 0s}]");
	check_canonical("  a b.wav", "[{file: \"a b.wav\", at: 0s}]");
	check_canonical("[{file: a.wav}]", "[{file: a.wav, at: 0s}]");
	check_canonical("[ { at : 1.5s , file : a.wav , } , ]", "[{file: a.wav, at: 1.5s}]");
}

TEST(cliplist_reads_all_keys)
{
	check_canonical(
		"[{name: \"Intro 1\", file: a.wav, at: 12.5s, offset: 250ms, length: 10s, "
		"gain: -3dB, fade_in: 10ms, fade_out: 0.02s, curve_in: equal-power, "
		"curve_out: log, loop: 3, reverse: on, speed: 150%}]",
		"[{file: a.wav, at: 12.5s, offset: 250ms, length: 10s, gain: -3dB, fade_in: "
		"10ms, fade_out: 20ms, curve_in: equal-power, curve_out: log, loop: 3, "
		"reverse: on, speed: 150%, name: \"Intro 1\"}]");
	/* what is at its default is not written */
	check_canonical("[{file: a.wav, at: 0, offset: 0s, gain: 0dB, fade_in: 0ms, loop: 1, "
			"reverse: off, speed: 100%, curve_in: linear, name: \"\"}]",
			"[{file: a.wav, at: 0s}]");
	check_canonical("[{file: a.wav, loop: 0}]", "[{file: a.wav, at: 0s, loop: 0}]");
	check_canonical("[{file: a.wav, gain: -inf}]", "[{file: a.wav, at: 0s, gain: -inf}]");
	check_canonical("[{file: a.wav, gain: -200dB}]", "[{file: a.wav, at: 0s, gain: -inf}]");
	check_canonical("[{file: a.wav, speed: 0.5}]", "[{file: a.wav, at: 0s, speed: 50%}]");
}

TEST(cliplist_is_json_too)
{
	check_canonical("[{\"file\":\"a.wav\",\"at\":0,\"reverse\":true},\n"
			"\t{\"file\":\"b \\\"2\\\".wav\",\"at\":\"1:23.456\"}]",
			"[{file: a.wav, at: 0s, reverse: on}, {file: \"b \\\"2\\\".wav\", at: "
			"83.456s}]");
	check_canonical("[{file: 'it''s.wav'}]", "[{file: \"it's.wav\", at: 0s}]");
	check_canonical("[{file: \"\\u00fcber \\u20ac.wav\"}]", "[{file: \"\xc3\xbc"
								"ber \xe2\x82\xac.wav\", at: 0s}]");
	/* words that a reader of YAML takes for something else */
	check_canonical("[{file: \"on\"}]", "[{file: \"on\", at: 0s}]");
	check_canonical("[{file: \"007\"}]", "[{file: \"007\", at: 0s}]");
	check_canonical("[{file: c:/a.wav}]", "[{file: \"c:/a.wav\", at: 0s}]");
}

TEST(cliplist_says_where_it_is_wrong)
{
	static const struct {
		const char *text, *at, *fault;
	} rows[] = {
		{"[{file: a.wav, at: soon}]", "soon", "\"soon\" is no time"},
		{"[{file: a.wav, att: 1s}]", "att", "no \"att\""},
		{"[{file: a.wav, at: 1s, at: 2s}]", "at: 2s", "twice"},
		{"[{at: 1s}]", "{at", "no file"},
		{"[{file: a.wav, at: 1s]", "]", "a clip goes on"},
		{"[{file: a.wav}", "", "the list goes on"},
		{"[{file: a.wav}] x", "x", "more behind"},
		{"[a.wav]", "a.wav", "no clip"},
		{"{file: a.wav}", "{", "no list"},
		{"[{file: \"a.wav}]", "\"a.wav", "open text"},
		{"[{file: a.wav, gain: loud}]", "loud", "gain"},
		{"[{file: a.wav, gain: 70dB}]", "70dB", "gain"},
		{"[{file: a.wav, speed: 0%}]", "0%", "speed"},
		{"[{file: a.wav, loop: 1.5}]", "1.5", "loop"},
		{"[{file: a.wav, reverse: maybe}]", "maybe", "reverse"},
		{"[{file: a.wav, curve_in: round}]", "round", "curve"},
		{"[{file: a.wav, length: 0s}]", "{file", "no length"},
		{"[{file: a.wav, length: 1s, fade_in: 0.6s, fade_out: 0.6s}]", "{file", "fades"},
		{"[{file: a.wav, at: 1.5fr}]", "1.5fr", "between two frames"},
		{"[{file: a.wav, at: 101h}]", "101h", "too long"},
		{"[{file: a.wav, at: -1s}]", "-1s", "no time"},
		{"[{file: \"\\n.wav\"}]", "\\n", "no such escape"},
		{"[{file: \"\\ud800.wav\"}]", "\\ud800", "no such escape"},
		{"[{file: &a a.wav}]", "&a", "begins with a sign"},
		{"[{file: }]", "}]", "nothing is said"},
		{"[{file a.wav}]", "}", "no colon"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct mixd_fault fault = {0};
		struct cliplist list = {0};
		size_t at = SIZE_MAX;
		int r = cliplist_parse(rows[i].text, &list, &at, &fault);

		CHECK(r == -EINVAL, "%s was read", rows[i].text);
		CHECK(list.n == 0 && !list.clip); /* untouched */
		CHECK(strstr(fault.text, rows[i].fault), "%s: %s", rows[i].text, fault.text);
		CHECK(fault.hint[0], "no remedy: %s", fault.text);
		CHECK(at <= strlen(rows[i].text));
		CHECK(strncmp(rows[i].text + at, rows[i].at, strlen(rows[i].at)) == 0 &&
			      (*rows[i].at || !rows[i].text[at]),
		      "%s: said to be at \"%s\"", rows[i].text, rows[i].text + at);
	}
}

TEST(cliplist_has_limits)
{
	struct mixd_fault fault = {0};
	struct cliplist list = {0};
	char *text = malloc(CLIPLIST_MAX * 16 + 64), *end = text;

	end += sprintf(end, "[");
	for (unsigned i = 0; i < CLIPLIST_MAX; i++)
		end += sprintf(end, "{file: a},");
	sprintf(end, "]");
	CHECK(cliplist_parse(text, &list, NULL, NULL) == 0 && list.n == CLIPLIST_MAX);
	cliplist_done(&list);
	sprintf(end, "{file: a}]");
	CHECK(cliplist_parse(text, &list, NULL, &fault) == -EINVAL);
	CHECK(strstr(fault.text, "1024 clips"));
	memset(text, 'a', CLIPLIST_FILE_MAX + 1);
	text[CLIPLIST_FILE_MAX + 1] = '\0';
	CHECK(cliplist_parse(text, &list, NULL, NULL) == -EINVAL);
	text[CLIPLIST_FILE_MAX] = '\0';
	CHECK(cliplist_parse(text, &list, NULL, NULL) == 0);
	cliplist_done(&list);
	free(text);
}

/* ---- times ---- */

TEST(clip_times_are_read)
{
	static const struct {
		const char *text;
		double value;
		bool in_frames;
		const char *written;
	} rows[] = {
		{"0", 0, false, "0s"},
		{"12.5", 12.5, false, "12.5s"},
		{"12.5s", 12.5, false, "12.5s"},
		{"250ms", 0.25, false, "250ms"},
		{"1500us", 0.0015, false, "1.5ms"},
		{"2min", 120, false, "120s"},
		{"1h", 3600, false, "3600s"},
		{"1:23.456", 83.456, false, "83.456s"},
		{"1:02:03.5", 3723.5, false, "3723.5s"},
		{"48000fr", 48000, true, "48000fr"},
		{"1 frame", 1, true, "1fr"},
		{"3 frames", 3, true, "3fr"},
	};
	static const char *const wrong[] = {"",	      "s",	    "1:2",  "1:60", "1:02:60",
					    "1.5:00", "1:00:00:00", "0x10", "nan",  "inf",
					    "1,5s",   "1s 2s",	    "5dB",  "1m"};
	struct clip_time time;
	char text[48];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CHECK(clip_time_parse(rows[i].text, false, &time, NULL) == 0, "%s", rows[i].text);
		CHECK_NEAR(time.value, rows[i].value, 1e-12);
		CHECK(time.in_frames == rows[i].in_frames);
		clip_time_format(time, text, sizeof(text));
		CHECK_STR(text, rows[i].written);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		CHECK(clip_time_parse(wrong[i], true, &time, NULL) == -EINVAL, "%s", wrong[i]);
	CHECK(clip_time_parse("-200ms", true, &time, NULL) == 0 && time.value == -0.2);
	CHECK(clip_time_parse("+3fr", true, &time, NULL) == 0 && time.value == 3.0);
	CHECK(clip_time_parse("+3fr", false, &time, NULL) == -EINVAL);
}

TEST(clip_times_keep_their_frame)
{
	static const double rates[] = {8000, 44100, 48000, 96000, 192000, 384000};

	for (unsigned i = 0; i < 20000; i++) {
		double rate = rates[test_random_below(6)];
		int64_t frame = (int64_t)(test_random() * rate * 3600.0);
		struct clip_time time = clip_time_of(frame, rate, false), read;
		char text[48];

		CHECK(clip_time_frames(time, rate) == frame);
		clip_time_format(time, text, sizeof(text));
		CHECK(clip_time_parse(text, false, &read, NULL) == 0);
		CHECK(read.value == time.value, "%s", text);
		CHECK(clip_time_of(frame, rate, true).value == (double)frame);
	}
}

/* ---- random lists ---- */

static void random_time(char *buf, size_t size)
{
	if (test_random_below(2))
		snprintf(buf, size, "%ufr", test_random_below(1000000));
	else
		snprintf(buf, size, "%.*f%s", (int)test_random_below(6), test_random() * 300.0,
			 test_random_below(2) ? "s" : "ms");
}

TEST(cliplist_random_lists_read_as_written)
{
	static const char signs[] = "[]{}:,\"'\\ #-./az0\t\n";

	for (unsigned i = 0; i < 2000; i++) {
		char text[2048] = "[", time[32];
		unsigned n = test_random_below(5);

		for (unsigned k = 0; k < n; k++) {
			random_time(time, sizeof(time));
			snprintf(
				text + strlen(text), sizeof(text) - strlen(text),
				"{file: \"%u \\\\ %u.wav\", at: %s, gain: %.3fdB, loop: %u, speed: "
				"%.4f, reverse: %s},",
				k, i, time, test_random() * 40.0 - 30.0, test_random_below(4),
				0.1 + test_random() * 3.0, test_random_below(2) ? "on" : "no");
		}
		strcat(text, "]");
		free(again(text));
		/* broken: refused with a place, or read; never worse */
		for (unsigned k = 0; k < 4; k++) {
			struct mixd_fault fault = {0};
			struct cliplist list = {0};
			size_t at = 0, size = strlen(text);

			text[test_random_below((uint32_t)size)] =
				signs[test_random_below(sizeof(signs) - 1)];
			if (cliplist_parse(text, &list, &at, &fault) == 0)
				cliplist_done(&list);
			else
				CHECK(at <= size && fault.text[0] && fault.hint[0]);
		}
	}
}
