/* test_spec_read.c - specs as people write them: taken over, refused with a place and the nearest word. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spec.h"
#include "test.h"

static struct spec_set *shipped(void)
{
	struct spec_set *set;
	struct mixd_error err = {0};

	CHECK(spec_set_new_empty(&set, &err) == 0);
	CHECK(spec_set_add_shipped(set, &err) == 0, "%s %s", err.address, err.text);
	return set;
}

static const struct spec *find(const struct spec_set *set, const char *name)
{
	const struct spec *spec = NULL;
	struct mixd_error err = {0};

	CHECK(spec_find(set, name, &spec, &err) == 0, "%s", err.text);
	return spec;
}

TEST(spec_own_specs_take_others_over)
{
	static const char text[] =
		"mixd_spec: 1\n"
		"specs:\n"
		"  my-station:\n"
		"    title: My Station\n"
		"    like: netflix\n"
		"    clauses:\n"
		"      - {id: true-peak, max: -3 dBTP, text: our limiter}\n"
		"      - {id: head, min: 500ms, max: 1 s}\n"
		"  my-loud: {like: my-station, clauses: [{id: plr, min: 9LU, level: "
		"advice}]}\n";
	struct spec_set *set = shipped();
	struct mixd_error err = {0};
	const struct spec *spec, *netflix;
	uint32_t first, n_peaks = 0;

	CHECK(spec_set_add(set, "mine.yaml", "/home/mine.yaml", text, sizeof(text) - 1, &first,
			   &err) == 0,
	      "%s %s", err.address, err.text);
	CHECK(first == 47 && spec_count(set) == 49);
	spec = spec_at(set, first);
	netflix = find(set, "netflix");
	CHECK_STR(spec->origin, "/home/mine.yaml");
	CHECK_STR(spec->grade, "PRIMARY");
	CHECK(spec->n_clauses == netflix->n_clauses + 1);
	CHECK(spec->max_dbtp == -3 && netflix->max_dbtp == -2);
	CHECK(spec->target_lufs == -27 && spec->speech_share == netflix->speech_share);
	for (uint32_t i = 0; i < spec->n_clauses; i++)
		n_peaks += strcmp(spec->clause[i].id, "true-peak") == 0;
	CHECK(n_peaks == 2); /* the rule was replaced, the note kept */
	CHECK(spec->clause[spec->n_clauses - 1].min == 0.5);
	/* What is one's own is not said to come from where the rest does. */
	CHECK_STR(spec->clause[spec->n_clauses - 1].grade, "OWN");
	CHECK_STR(spec->clause[spec->n_clauses - 1].source, "");
	CHECK_STR(spec->clause[0].grade, "PRIMARY");
	CHECK(spec_at(set, 48)->n_clauses == spec->n_clauses + 1);
	CHECK(spec_find(set, "my-statoin", &spec, &err) == -ENOENT);
	CHECK(strstr(err.hint, "my-station") && err.code == ERROR_NOT_FOUND);
	spec_set_free(set);
}

#define HEAD "mixd_spec: 1\nspecs:\n  x:\n    clauses:\n"

/* The fault is at the first place of WORD in TEXT ("" anywhere). */
static void check_place(const char *text, const char *word, const struct mixd_error *err)
{
	const char *at = strstr(text, word);
	char place[64];
	int line = 1, column = 1;

	CHECK(at);
	if (!*word)
		return;
	for (const char *c = text; c < at; c++) {
		column = *c == '\n' ? 1 : column + 1;
		line += *c == '\n';
	}
	snprintf(place, sizeof(place), "mine.yaml:%d:%d", line, column);
	CHECK(strcmp(err->address, place) == 0, "%s, want %s: %s", err->address, place, err->text);
}

static const struct {
	const char *text, *at, *fault, *hint;
} spec_faults[] = {
	{HEAD "      - {id: integratd, max: 1}", "integratd", "integratd", "integrated"},
	{HEAD "      - {id: lra, max: 20, sevrity: must}", "sevrity", "sevrity", ""},
	{HEAD "      - {id: lra, max: 20, levl: must}", "levl", "levl", "level"},
	{HEAD "      - {id: lra, max: 20, level: advise}", "advise", "advise", "advice"},
	{HEAD "      - {id: lra, max: 20s}", "20s", "the unit \"s\"", "LU"},
	{HEAD "      - {id: lra, max: loud}", "loud", "no number", "LU"},
	{HEAD "      - {id: lra, max: 0x10}", "0x10", "no number", ""},
	{HEAD "      - {id: lra}", "{id", "has no limit", "tolerance"},
	{HEAD "      - {max: 1}", "{max", "no id", "integrated"},
	{HEAD "      - {id: lra, min: 5, max: 4}", "5,", "min is above max", "exchange"},
	{HEAD "      - {id: lra, tolerance: 4LU}", "4LU", "belongs to a target", ""},
	{HEAD "      - {id: lra, target: 4, tolerance: -1}", "-1}", "above 0", ""},
	{HEAD "      - {id: codec, max: 4}", "{id", "is a word", "one_of"},
	{HEAD "      - {id: codec, one_of: []}", "[]", "empty", ""},
	{HEAD "      - {id: codec, one_of: mp3}", "mp3", "must be a list", ""},
	{HEAD "      - {id: codec, one_of: [a b]}", "a b", "plain words", ""},
	{HEAD "      - {id: rate, one_of: [fast]}", "fast", "no number", "Hz"},
	{HEAD "      - {id: rate, one_of: [44.1kHz, 48]}", "48]", "no sampling rate", "48kHz"},
	{HEAD "      - {id: rate, max: 96}", "{id", "no sampling rate", "48kHz"},
	{HEAD "      - {id: cbr, one_of: [cbrr]}", "cbrr", "no kind of bit rate", "cbr"},
	{HEAD "      - {id: lra, playback: -14LUFS}", "-14LUFS}", "integrated", ""},
	{HEAD "      - {id: integrated, playback: -14LUFS, up: peak}", "peak}", "peak", "peaks"},
	{HEAD "      - {id: lra, max: 1, when: {loud: -1}}", "loud:", "loud", ""},
	{HEAD "      - {id: lra, max: 1, when: {speech: enough}}", "{speech", "share",
	 "speech_share"},
	{HEAD "      - {id: lra, max: 1, or: rms}", "clauses:", "alternative", "another clause"},
	{HEAD "      - {id: lra, max: 1, precision: 0}", "0}", "precision", ""},
	{HEAD "      - {id: lra, max: 1, text: \"\"}", "\"\"", "empty", ""},
	{HEAD "      - lra", "lra", "must be keys", ""},
	{"mixd_spec: 2\nspecs: {x: {clauses: []}}", "mixd_spec: 2", "no file of specs",
	 "mixd_spec: 1"},
	{"mixd_spec: 1\nspecs: {}", "mixd_spec", "no specs", "like"},
	{"mixd_spec: 1\nspec: {}", "spec: {}", "spec", "specs"},
	{"mixd_spec: 1\nspecs:\n  x: {like: ebu-r129}", "ebu-r129", "ebu-r129", "ebu-r128"},
	{"mixd_spec: 1\nspecs:\n  netflix: {like: ebu-r128}", "netflix", "there already",
	 "another name"},
	{"mixd_spec: 1\nspecs:\n  Big: {like: ebu-r128}", "Big", "no name", "small letters"},
	{"mixd_spec: 1\nspecs:\n  x: {title: y}", "{title", "no clauses", "clauses"},
	{"mixd_spec: 1\nspecs:\n  x: {like: cd, version: 0}", "0}", "whole number", ""},
	{"mixd_spec: 1\nspecs:\n  x: {like: cd, speech_share: 120%}", "120%", "between", ""},
	{"mixd_spec: 1\nspecs:\n  x: {like: cd, grade: GOOD}", "GOOD", "GOOD", "PRIMARY"},
	{"mixd_spec: 1\nspecs: [", "", "", ""},
	{"- a\n", "- a", "the file must be keys", ""},
};

TEST(spec_faults_have_their_place_and_the_nearest_word)
{
	for (size_t i = 0; i < sizeof(spec_faults) / sizeof(spec_faults[0]); i++) {
		struct spec_set *set = shipped();
		struct mixd_error err = {0};
		int r = spec_set_add(set, "mine.yaml", "mine.yaml", spec_faults[i].text,
				     strlen(spec_faults[i].text), NULL, &err);

		CHECK(r == -EINVAL, "row %zu was taken: %s", i, spec_faults[i].text);
		CHECK(err.code == ERROR_INVALID && strncmp(err.address, "mine.yaml", 9) == 0);
		check_place(spec_faults[i].text, spec_faults[i].at, &err);
		CHECK(strstr(err.text, spec_faults[i].fault), "row %zu says: %s", i, err.text);
		CHECK(strstr(err.hint, spec_faults[i].hint), "row %zu hints: %s", i, err.hint);
		CHECK(spec_count(set) == 47);
		spec_set_free(set);
	}
}

static void write_file(const char *folder, const char *name, const char *text)
{
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	CHECK(file);
	fputs(text, file);
	fclose(file);
}

TEST(spec_files_of_the_user_are_read_each_for_itself)
{
	char home[] = "/tmp/test_spec.XXXXXX", folder[256], *asked;
	struct mixd_error err = {0};
	struct spec_set *set;
	const struct spec *spec;

	CHECK(mkdtemp(home));
	setenv("XDG_CONFIG_HOME", home, 1);
	snprintf(folder, sizeof(folder), "%s/mixd", home);
	CHECK(mkdir(folder, 0755) == 0);
	snprintf(folder, sizeof(folder), "%s/mixd/specs", home);
	CHECK(mkdir(folder, 0755) == 0);
	asked = spec_user_folder();
	CHECK_STR(asked, folder);
	free(asked);
	write_file(folder, "a.yaml", "mixd_spec: 1\nspecs: {mine: {like: ebu-r128}}\n");
	write_file(folder, "b.yaml", "mixd_spec: 1\nspecs: {bad: {like: nothing}}\n");
	write_file(folder, "c.yaml", "mixd_spec: 1\nspecs: {ebu-r128: {like: netflix}}\n");
	write_file(folder, "d.txt", "not for us");
	CHECK(spec_set_new(&set, &err) == 0);
	CHECK(spec_find(set, "mine", &spec, &err) == 0);
	CHECK(find(set, "ebu-r128")->target_lufs == -23); /* never another meaning */
	CHECK(spec_fault(set, 0) && spec_fault(set, 1) && !spec_fault(set, 2));
	CHECK(strstr(spec_fault(set, 0)->address, "b.yaml:2"));
	CHECK(spec_find(set, "something-else", &spec, &err) == -ENOENT);
	CHECK(strstr(err.hint, "b.yaml"), "%s", err.hint);
	spec_set_free(set);
	unsetenv("XDG_CONFIG_HOME");
}
