/* test_graph_clips.c - edits of clips: what they say, what they refuse, and that what sounds elsewhere
 * stays what it was, frame by frame, by a model of its own. */
#include <errno.h>

#include "graph_clips.h"
#include "graph_fixture.h"
#include "test.h"

#define RATE 1000.0
#define FILE_FRAMES 20000

/* Files are 20 s long and sound from 0.5 s to 18 s, but for "silent" and "gone". */
static int find_sound(void *data, const struct graph_sound_query *query, struct graph_sound *ret,
		      struct mixd_error *err)
{
	int64_t to = query->to < 0 || query->to > FILE_FRAMES ? FILE_FRAMES : query->to;

	(void)data;
	*ret = (struct graph_sound){.n_frames = FILE_FRAMES};
	if (strcmp(query->file, "gone") == 0)
		return error_set(err, ERROR_NOT_FOUND, NULL, "gone: no such file");
	if (!query->sound || strcmp(query->file, "silent") == 0)
		return 0;
	CHECK(query->rate == RATE);
	ret->first = query->from > 500 ? query->from : 500;
	ret->last = to < 18000 ? to : 18000;
	return 0;
}

/* WORDS: "cut 2s" or "trim 1 --head 1s --to-sound". */
static int edit_with(struct cliplist *list, const char *words, const struct graph_model *model,
		     bool blind, char *text, size_t size, struct mixd_error *err)
{
	char copy[256], *args[16] = {NULL}, *rest = copy, *word;
	struct graph_edit_option options[8];
	struct graph_edit_wish wish = {.options = options,
				       .rate = RATE,
				       .model = model,
				       .find_sound = blind ? NULL : find_sound};
	size_t n = 0;

	snprintf(copy, sizeof(copy), "%s", words);
	while ((word = strsep(&rest, " "))) {
		if (strncmp(word, "--", 2) != 0) {
			args[n++] = word;
			continue;
		}
		options[wish.n_options].name = word + 2;
		options[wish.n_options++].value =
			strcmp(word, "--ripple") == 0 || strcmp(word, "--to_sound") == 0
				? "on"
				: strsep(&rest, " ");
	}
	wish.edit = args[0];
	wish.args = args + 1;
	wish.n_args = n - 1;
	return graph_clips_edit(list, &wish, text, size, err);
}

static struct cliplist list_of(const char *text)
{
	struct mixd_fault fault = {0};
	struct cliplist list = {0};

	CHECK(cliplist_parse(text, &list, NULL, &fault) == 0, "%s: %s", text, fault.text);
	return list;
}

static void check_edit(const char *before, const char *words, const char *after)
{
	struct cliplist list = list_of(before);
	struct mixd_error err = {0};
	char text[160] = "", *written;

	CHECK(edit_with(&list, words, NULL, false, text, sizeof(text), &err) == 0, "%s: %s; %s",
	      words, err.text, err.hint);
	CHECK(text[0], "%s says nothing", words);
	written = cliplist_write(&list);
	CHECK(strcmp(written, after) == 0, "%s:\n  %s\nwant\n  %s", words, written, after);
	free(written);
	cliplist_done(&list);
}

static void check_refused(const char *before, const char *words, int code, const char *fault)
{
	struct cliplist list = list_of(before);
	char *was = cliplist_write(&list), *is;
	struct mixd_error err = {0};

	CHECK(edit_with(&list, words, NULL, false, NULL, 0, &err) < 0, "%s was done", words);
	CHECK((int)err.code == code, "%s: code %d", words, err.code);
	CHECK(strstr(err.text, fault), "%s: %s", words, err.text);
	CHECK(err.hint[0] || code == ERROR_NOT_FOUND, "no remedy: %s", err.text);
	is = cliplist_write(&list); /* L1 */
	CHECK_STR(is, was);
	free(is);
	free(was);
	cliplist_done(&list);
}

#define ONE "[{file: a, at: 1s, length: 4s, name: lead}]"
#define TWO "[{file: a, at: 1s, length: 4s}, {file: b, at: 5s, offset: 2s, length: 3s}]"

TEST(edit_cut)
{
	check_edit(ONE, "cut 2s",
		   "[{file: a, at: 1s, length: 1s, name: lead}, {file: a, at: 2s, offset: 1s, "
		   "length: 3s, name: lead}]");
	check_edit(ONE, "split 2s lead",
		   "[{file: a, at: 1s, length: 1s, name: lead}, {file: a, at: 2s, offset: 1s, "
		   "length: 3s, name: lead}]");
	check_edit("[{file: a, at: 1000fr, length: 4000fr}]", "cut 0:02",
		   "[{file: a, at: 1000fr, length: 1000fr}, {file: a, at: 2000fr, offset: 1000fr, "
		   "length: 3000fr}]");
	/* an open end stays open */
	check_edit("[{file: a, at: 1s}]", "cut 2s",
		   "[{file: a, at: 1s, length: 1s}, {file: a, at: 2s, offset: 1s}]");
	check_edit("[{file: a, at: 0s, length: 4s, reverse: on, offset: 1s}]", "cut 1s",
		   "[{file: a, at: 0s, offset: 4s, length: 1s, reverse: on}, {file: a, at: 1s, "
		   "offset: 1s, length: 3s, reverse: on}]");
	check_edit(
		"[{file: a, at: 0s, length: 1s, loop: 4}]", "cut 1.5s",
		"[{file: a, at: 0s, length: 1s}, {file: a, at: 1s, length: 500ms}, {file: a, at: "
		"1.5s, offset: 500ms, length: 500ms}, {file: a, at: 2s, length: 1s, loop: 2}]");
	check_edit("[{file: a, at: 0s, length: 1s, loop: 0}]", "cut 3s",
		   "[{file: a, at: 0s, length: 1s, loop: 3}, {file: a, at: 3s, length: 1s, loop: "
		   "0}]");
	check_edit("[{file: a, at: 0s, length: 4s, speed: 200%}]", "cut 1s",
		   "[{file: a, at: 0s, length: 1s, speed: 200%}, {file: a, at: 1s, offset: 2s, "
		   "length: 3s, speed: 200%}]");
	/* fades stay at the ends */
	check_edit("[{file: a, at: 0s, length: 4s, fade_in: 1s, fade_out: 1s}]", "cut 2s",
		   "[{file: a, at: 0s, length: 2s, fade_in: 1s}, {file: a, at: 2s, offset: 2s, "
		   "length: 2s, fade_out: 1s}]");
	check_refused("[{file: a, at: 0s, length: 4s, fade_in: 1s}]", "cut 0.5s", ERROR_INVALID,
		      "inside a fade");
	check_refused(ONE, "cut 6s", ERROR_INVALID, "no clip sounds at 6s");
	check_refused(ONE, "cut 1s", ERROR_INVALID, "no clip sounds");
	check_refused(ONE, "cut verse", ERROR_NOT_FOUND, "neither a time nor a marker");
	check_refused(ONE, "cut 2s leda", ERROR_NOT_FOUND, "no clip \"leda\"");
	check_refused("[{file: a, at: 19s}]", "cut 40s", ERROR_INVALID, "no clip sounds");
}

TEST(edit_silence_and_delete)
{
	check_edit(ONE, "silence 2s 3s --fade 0s",
		   "[{file: a, at: 1s, length: 1s, name: lead}, {file: a, at: 3s, offset: 2s, "
		   "length: 2s, name: lead}]");
	check_edit(ONE, "silence 2s 3s",
		   "[{file: a, at: 1s, length: 1s, fade_out: 5ms, curve_out: equal-power, name: "
		   "lead}, {file: a, at: 3s, offset: 2s, length: 2s, fade_in: 5ms, name: lead}]");
	check_edit(ONE, "delete 2s 3s --ripple --fade 0s",
		   "[{file: a, at: 1s, length: 1s, name: lead}, {file: a, at: 2s, offset: 2s, "
		   "length: 2s, name: lead}]");
	/* the joint is a crossfade; what is behind it stands where it would without */
	check_edit(
		"[{file: a, at: 1s, length: 4s}, {file: b, at: 6s, length: 1s}]",
		"delete 2s 3s --ripple --fade 100ms",
		"[{file: a, at: 1s, length: 1s, fade_out: 100ms, curve_out: equal-power}, {file: "
		"a, at: 1.9s, offset: 1.9s, length: 2.1s, fade_in: 100ms, curve_in: "
		"equal-power}, {file: b, at: 5s, length: 1s}]");
	check_edit(TWO, "delete 0s 5s", "[{file: b, at: 5s, offset: 2s, length: 3s}]");
	check_edit(TWO, "delete 0s 5s --ripple", "[{file: b, at: 0s, offset: 2s, length: 3s}]");
	check_edit(TWO, "delete 4s 6s 2 --fade 0s",
		   "[{file: a, at: 1s, length: 4s}, {file: b, at: 6s, offset: 3s, length: 2s}]");
	check_refused(ONE, "silence 3s 2s", ERROR_INVALID, "not behind");
	check_refused(ONE, "silence 7s 8s", ERROR_INVALID, "no clip sounds between");
	check_refused(ONE, "silence 2s", ERROR_USAGE, "takes FROM TO");
	check_refused(ONE, "silence 2s 3s --ripple", ERROR_USAGE, "no option ripple");
}

TEST(edit_places)
{
	check_edit(ONE, "nudge lead -200ms", "[{file: a, at: 800ms, length: 4s, name: lead}]");
	check_edit(ONE, "nudge 1 +=1fr", "[{file: a, at: 1.001s, length: 4s, name: lead}]");
	check_edit(ONE, "move 1 0:10", "[{file: a, at: 10s, length: 4s, name: lead}]");
	check_edit(ONE, "slip 1 1.5s", "[{file: a, at: 1s, offset: 1.5s, length: 4s, name: lead}]");
	check_edit(TWO, "slip 2 -=2s",
		   "[{file: a, at: 1s, length: 4s}, {file: b, at: 5s, length: 3s}]");
	/* an open one gets the length that it had: there is sound behind its end */
	check_edit("[{file: a, at: 0s, offset: 1s}]", "slip 1 -1s",
		   "[{file: a, at: 0s, length: 19s}]");
	check_refused(ONE, "nudge 1 -2s", ERROR_INVALID, "before the time line");
	check_refused(ONE, "slip 1 -1s", ERROR_INVALID, "before its file");
	check_refused(ONE, "slip 1 17s", ERROR_INVALID, "behind its file");
	check_refused(ONE, "nudge 2 1s", ERROR_NOT_FOUND, "no clip \"2\"");
	check_refused(ONE, "nudge 0 1s", ERROR_NOT_FOUND, "no clip \"0\"");
	check_refused(ONE, "nudge 1 soon", ERROR_INVALID, "no time");
	check_refused("[]", "nudge 1 1s", ERROR_NOT_FOUND, "no clip");
	check_refused("[{file: a, name: x}, {file: b, name: x}]", "rm x", ERROR_INVALID,
		      "2 clips are named");
}

TEST(edit_trim)
{
	check_edit(ONE, "trim 1 --head 500ms --tail 1s",
		   "[{file: a, at: 1.5s, offset: 500ms, length: 2.5s, name: lead}]");
	check_edit("[{file: a, at: 1s}]", "trim 1 --head 1s", "[{file: a, at: 2s, offset: 1s}]");
	check_edit("[{file: a, at: 1s, length: 4s, reverse: on}]", "trim 1 --head 1s",
		   "[{file: a, at: 2s, length: 3s, reverse: on}]");
	check_edit("[{file: a, at: 1s, length: 4s, reverse: on}]", "trim 1 --tail 1s",
		   "[{file: a, at: 1s, offset: 1s, length: 3s, reverse: on}]");
	check_edit("[{file: a, at: 10s}]", "trim 1 --to_sound --pad 0s",
		   "[{file: a, at: 10.5s, offset: 500ms, length: 17.5s}]");
	check_edit("[{file: a, at: 10s}]", "trim 1 --to_sound",
		   "[{file: a, at: 10.49s, offset: 490ms, length: 17.52s}]");
	check_edit("[{file: a, at: 0s, reverse: on}]", "trim 1 --to_sound --pad 0s",
		   "[{file: a, at: 2s, offset: 500ms, length: 17.5s, reverse: on}]");
	check_edit("[{file: a, at: 0s, speed: 200%}]", "trim 1 --to_sound --pad 0s",
		   "[{file: a, at: 250ms, offset: 500ms, length: 8.75s, speed: 200%}]");
	check_refused(ONE, "trim 1", ERROR_INVALID, "by how much");
	check_refused(ONE, "trim 1 --to_sound --head 1s", ERROR_INVALID, "either");
	check_refused(ONE, "trim 1 --head 4s", ERROR_INVALID, "nothing of clip 1");
	check_refused("[{file: silent}]", "trim 1 --to_sound", ERROR_INVALID, "no sound above");
	check_refused("[{file: gone}]", "trim 1 --to_sound", ERROR_NOT_FOUND, "no such file");
	check_refused("[{file: a}]", "trim 1 --to_sound --threshold loud", ERROR_INVALID,
		      "no level");
	check_refused("[{file: a, length: 1s, loop: 3}]", "trim 1 --head 100ms", ERROR_INVALID,
		      "is a loop");
}

TEST(edit_fades)
{
	check_edit(ONE, "fade lead in 500ms log",
		   "[{file: a, at: 1s, length: 4s, fade_in: 500ms, curve_in: log, name: lead}]");
	check_edit(ONE, "fade 1 out 1s",
		   "[{file: a, at: 1s, length: 4s, fade_out: 1s, name: lead}]");
	/* the second begins earlier with the sound it has before its begin */
	check_edit(
		TWO, "crossfade 1 2 100ms",
		"[{file: a, at: 1s, length: 4s, fade_out: 100ms, curve_out: equal-power}, {file: "
		"b, at: 4.9s, offset: 1.9s, length: 3.1s, fade_in: 100ms, curve_in: "
		"equal-power}]");
	/* there is none: it moves */
	check_edit("[{file: a, length: 4s}, {file: b, at: 4s, length: 2s}]",
		   "crossfade 1 2 1s linear",
		   "[{file: a, at: 0s, length: 4s, fade_out: 1s}, {file: b, at: 3s, length: 2s, "
		   "fade_in: 1s}]");
	/* as long as they overlap */
	check_edit(
		"[{file: a, length: 4s}, {file: b, at: 3s, length: 2s}]", "crossfade 1 2",
		"[{file: a, at: 0s, length: 4s, fade_out: 1s, curve_out: equal-power}, {file: b, "
		"at: 3s, length: 2s, fade_in: 1s, curve_in: equal-power}]");
	check_refused(ONE, "fade 1 up 1s", ERROR_INVALID, "neither in nor out");
	check_refused(ONE, "fade 1 in 5s", ERROR_INVALID, "longer than clip 1");
	check_refused(ONE, "fade 1 in 1s round", ERROR_INVALID, "no curve");
	check_refused("[{file: a, length: 1s, fade_out: 0.7s}]", "fade 1 in 0.5s", ERROR_INVALID,
		      "fades of a are longer");
	check_refused(TWO, "crossfade 1 1 1s", ERROR_INVALID, "with itself");
	check_refused(TWO, "crossfade 1 2", ERROR_INVALID, "do not overlap");
	check_refused(TWO, "crossfade 1 2 3500ms", ERROR_INVALID, "shorter than that");
	check_refused("[{file: a, length: 1s, loop: 0}, {file: b}]", "crossfade 1 2 1s",
		      ERROR_INVALID, "never ends");
}

TEST(edit_what_is_played)
{
	check_edit(ONE, "gain 1 -3dB", "[{file: a, at: 1s, length: 4s, gain: -3dB, name: lead}]");
	check_edit("[{file: a, gain: -3dB}]", "gain 1 +=1.5dB",
		   "[{file: a, at: 0s, gain: -1.5dB}]");
	check_edit("[{file: a, gain: -3dB}]", "gain 1 -=0.1dB",
		   "[{file: a, at: 0s, gain: -3.1dB}]");
	check_edit("[{file: a}]", "gain 1 -inf", "[{file: a, at: 0s, gain: -inf}]");
	check_edit(ONE, "name 1 chorus", "[{file: a, at: 1s, length: 4s, name: chorus}]");
	check_edit(ONE, "loop 1 0", "[{file: a, at: 1s, length: 4s, loop: 0, name: lead}]");
	check_edit(ONE, "reverse 1", "[{file: a, at: 1s, length: 4s, reverse: on, name: lead}]");
	check_edit("[{file: a, reverse: on}]", "reverse 1", "[{file: a, at: 0s}]");
	check_edit("[{file: a, reverse: on}]", "reverse 1 on", "[{file: a, at: 0s, reverse: on}]");
	/* the same piece in half the time */
	check_edit(ONE, "speed 1 200%", "[{file: a, at: 1s, length: 2s, speed: 200%, name: lead}]");
	check_edit("[]", "add b.wav", "[{file: b.wav, at: 0s}]");
	check_edit(ONE, "add b 2s --name x --gain -6dB --offset 1s --length 2s",
		   "[{file: a, at: 1s, length: 4s, name: lead}, {file: b, at: 2s, offset: 1s, "
		   "length: 2s, gain: -6dB, name: x}]");
	check_edit(ONE, "add b", "[{file: a, at: 1s, length: 4s, name: lead}, {file: b, at: 5s}]");
	check_edit(TWO, "rm 1", "[{file: b, at: 5s, offset: 2s, length: 3s}]");
	check_refused(ONE, "gain 1 loud", ERROR_INVALID, "gain");
	check_refused("[{file: a, gain: 50dB}]", "gain 1 +=20dB", ERROR_INVALID, "too much");
	check_refused(ONE, "name 1 12", ERROR_INVALID, "no number");
	check_refused(ONE, "speed 1 0%", ERROR_INVALID, "speed");
	check_refused(ONE, "add b --threshold -3dB", ERROR_USAGE, "no option");
	check_refused(ONE, "ct 1s", ERROR_USAGE, "no edit \"ct\"");
	check_refused("[{file: a, length: 1s, loop: 0}]", "add b", ERROR_INVALID, "never ends");
	check_refused("[{file: gone}]", "add b", ERROR_NOT_FOUND, "no such file");
}

/* Where files are out of reach, what needs them is refused with a remedy; the rest is done. */
TEST(edit_without_files)
{
	static const char *const needs[] = {"trim 1 --to_sound", "trim 1 --tail 1s", "add b"};
	struct mixd_error err;

	for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++) {
		struct cliplist list = list_of("[{file: a, at: 1s}]");

		err = (struct mixd_error){0};
		CHECK(edit_with(&list, needs[i], NULL, true, NULL, 0, &err) < 0, "%s", needs[i]);
		CHECK(strstr(err.text, "cannot be seen from here") && err.hint[0], "%s", err.text);
		cliplist_done(&list);
	}
	for (size_t i = 0; i < 3; i++) {
		static const char *const can[] = {"cut 2s", "trim 1 --head 1s", "slip 1 1s"};
		struct cliplist list = list_of("[{file: a, at: 1s}]");

		err = (struct mixd_error){0};
		CHECK(edit_with(&list, can[i], NULL, true, NULL, 0, &err) == 0, "%s: %s", can[i],
		      err.text);
		cliplist_done(&list);
	}
}

TEST(edits_all_have_words)
{
	uint32_t n = 0;

	for (const struct graph_edit *edit = graph_edits(); edit->name; edit++, n++)
		CHECK(edit->usage[0] && edit->doc[0], "%s", edit->name);
	CHECK(n == 17);
}

/* ---- what sounds ---- */

/* An own reading of a list: the sum over clips of a number that stands for what file frame sounds at
 * frame T, and at which gain; without fades. */
static uint64_t sounds(const struct cliplist *list, int64_t t)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < list->n; i++) {
		const struct clip *clip = &list->clip[i];
		double unit = clip->at.in_frames ? 1.0 : RATE;
		int64_t at = llround(clip->at.value * unit), turn, k, j, frame;
		int64_t offset =
			llround(clip->offset.value * (clip->offset.in_frames ? 1.0 : RATE));

		turn = clip->length.value < 0 ? FILE_FRAMES - offset
					      : llround(clip->length.value *
							(clip->length.in_frames ? 1.0 : RATE));
		k = t - at;
		if (k < 0 || (clip->loop && k >= turn * clip->loop))
			continue;
		j = k % turn;
		frame = clip->reverse ? offset + turn - 1 - j : offset + j;
		sum += ((uint64_t)clip->file[0] * 1000003u + (uint64_t)frame) *
			       UINT64_C(0x9e3779b97f4a7c15) ^
		       (uint64_t)llround(clip->gain_db * 1e6);
	}
	return sum;
}

static void random_list(char *text, size_t size)
{
	unsigned n = 1 + test_random_below(4);

	snprintf(text, size, "[");
	for (unsigned i = 0; i < n; i++) {
		bool frames = test_random_below(2);

		snprintf(text + strlen(text), size - strlen(text),
			 "{file: %c, at: %.4g%s, offset: %us", 'a' + test_random_below(3),
			 frames ? (double)test_random_below(9000) : test_random() * 9.0,
			 frames ? "fr" : "s", test_random_below(5));
		if (test_random_below(3))
			snprintf(text + strlen(text), size - strlen(text),
				 ", length: %ufr, loop: %u", 50 + test_random_below(3000),
				 test_random_below(4));
		snprintf(text + strlen(text), size - strlen(text), ", gain: %ddB, reverse: %s},",
			 -(int)test_random_below(9), test_random_below(2) ? "on" : "off");
	}
	strcat(text, "]");
}

#define SPAN 16000

TEST(edit_cut_sounds_the_same)
{
	unsigned n_cut = 0;

	for (unsigned i = 0; i < 600; i++) {
		char text[1024], words[64];
		struct cliplist before, after;
		struct mixd_error err = {0};

		random_list(text, sizeof(text));
		before = list_of(text);
		after = list_of(text);
		if (test_random_below(2))
			snprintf(words, sizeof(words), "cut %ufr", test_random_below(SPAN));
		else
			snprintf(words, sizeof(words), "cut %.7fs", test_random() * SPAN / RATE);
		if (edit_with(&after, words, NULL, false, NULL, 0, &err) == 0) {
			n_cut++;
			CHECK(after.n > before.n);
			for (int64_t t = 0; t < SPAN; t++)
				CHECK(sounds(&after, t) == sounds(&before, t), "%s: %s at %lld",
				      text, words, (long long)t);
		} else {
			CHECK(strstr(err.text, "no clip sounds"), "%s: %s", words, err.text);
		}
		cliplist_done(&before);
		cliplist_done(&after);
	}
	test_note("%u lists were cut", n_cut);
	CHECK(n_cut > 200);
}

TEST(edit_delete_leaves_the_rest_alone)
{
	unsigned n_done = 0;

	for (unsigned i = 0; i < 400; i++) {
		int64_t from = test_random_below(SPAN / 2), to = from + 1 + test_random_below(4000);
		bool ripple = test_random_below(2);
		struct cliplist before, after;
		struct mixd_error err = {0};
		char text[1024], words[96];

		random_list(text, sizeof(text));
		before = list_of(text);
		after = list_of(text);
		snprintf(words, sizeof(words), "delete %lldfr %lldfr --fade 0s%s", (long long)from,
			 (long long)to, ripple ? " --ripple" : "");
		if (edit_with(&after, words, NULL, false, NULL, 0, &err) == 0) {
			n_done++;
			for (int64_t t = 0; t < SPAN; t++) {
				int64_t was = t < from || !ripple ? t : t + to - from;

				CHECK(sounds(&after, t) == (!ripple && t >= from && t < to
								    ? 0
								    : sounds(&before, was)),
				      "%s: %s at %lld", text, words, (long long)t);
			}
		}
		cliplist_done(&before);
		cliplist_done(&after);
	}
	test_note("%u lists had something taken out", n_done);
	CHECK(n_done > 200);
}

/* ---- as a transaction ---- */

static struct graph_model *player_model(void)
{
	struct graph_model *model = graph_model_new(graph_fixture_types(), "test");
	struct mixd_error err = {0};

	model->rate = RATE;
	model->find_sound = find_sound;
	CHECK(graph_fixture_apply(model,
				  (const char *const[]){"add player vox/player clips=a.wav",
							"add gain g", NULL},
				  NULL, &err) == 0,
	      "%s", err.text);
	return model;
}

static int transact(struct graph_model *model, const char *player, const char *edit,
		    const char *arg, struct graph_delta **ret, struct mixd_error *err)
{
	Mixd__V1__EditClips message = MIXD__V1__EDIT_CLIPS__INIT;
	Mixd__V1__Op op = MIXD__V1__OP__INIT, *ops = &op;
	char *args[1] = {(char *)(uintptr_t)arg};

	message.player = (char *)(uintptr_t)player;
	message.edit = (char *)(uintptr_t)edit;
	message.args = args;
	message.n_args = arg ? 1 : 0;
	op.op_case = MIXD__V1__OP__OP_EDIT;
	op.edit = &message;
	return graph_txn_apply(model, &ops, 1, ret, err);
}

TEST(edit_is_one_set_that_can_be_undone)
{
	struct graph_model *model = player_model();
	const struct graph_node *node = graph_model_node(model, "vox/player");
	int config = graph_node_clips(node);
	struct graph_delta *delta = NULL, *back = NULL;
	struct mixd_error err = {0};
	char summary[160];

	CHECK_STR(node->config[config].text, "[{file: a.wav, at: 0s}]");
	CHECK(transact(model, "vox", "cut", "2s", &delta, &err) == 0, "%s", err.text);
	CHECK_STR(node->config[config].text,
		  "[{file: a.wav, at: 0s, length: 2s}, {file: a.wav, at: 2s, offset: 2s}]");
	CHECK(delta->n_done == 1 && delta->done[0]->op_case == MIXD__V1__OP__OP_SET);
	CHECK(delta->topology);
	graph_delta_summary(delta, summary, sizeof(summary));
	CHECK_STR(summary, "edit vox cut 2s");
	CHECK(graph_txn_apply(model, delta->inverse, delta->n_inverse, &back, &err) == 0);
	CHECK_STR(node->config[config].text, "[{file: a.wav, at: 0s}]");
	graph_delta_free(delta);
	graph_delta_free(back);
	CHECK(transact(model, "g", "cut", "2s", &delta, &err) == -EINVAL);
	CHECK(strstr(err.text, "a gain plays no clips"), "%s", err.text);
	CHECK(transact(model, "vos", "cut", "2s", &delta, &err) == -ENOENT);
	err = (struct mixd_error){0};
	CHECK(transact(model, "vox", "cut", "30s", &delta, &err) == -EINVAL);
	CHECK_STR(err.address, "vox/player");
	graph_model_free(model);
}

TEST(edit_places_may_be_markers)
{
	struct graph_model *model = player_model();
	struct graph_delta *delta = NULL;
	struct mixd_error err = {0};

	CHECK(graph_fixture_apply(model,
				  (const char *const[]){"apply mixd: 1\nmarkers: {verse: "
							"0:03.5}\nnodes: {vox/player: {type: "
							"player, clips: a.wav}}",
							NULL},
				  NULL, &err) == 0,
	      "%s: %s", err.address, err.text);
	CHECK(transact(model, "vox", "cut", "verse", &delta, &err) == 0, "%s", err.text);
	graph_delta_free(delta);
	CHECK_STR(graph_model_node(model, "vox/player")
			  ->config[graph_node_clips(graph_model_node(model, "vox/player"))]
			  .text,
		  "[{file: a.wav, at: 0s, length: 3.5s}, {file: a.wav, at: 3.5s, offset: 3.5s}]");
	CHECK(transact(model, "vox", "cut", "vers", &delta, &err) == -ENOENT);
	CHECK(strstr(err.hint, "\"verse\""), "%s", err.hint);
	graph_model_free(model);
}
