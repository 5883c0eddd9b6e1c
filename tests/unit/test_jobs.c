/* The table of verbs that work on files: complete, without contradictions, and in one voice. */
#include <ctype.h>
#include <string.h>

#include "mixd_formats.h"
#include "mixd_jobs.h"
#include "test.h"

/* One line that says something, without a full stop at its end. */
static void check_doc(const char *what, const char *doc)
{
	CHECK(doc && *doc && strlen(doc) < 200, "%s has no doc", what);
	CHECK(!strchr(doc, '\n') && doc[0] != ' ', "%s: %s", what, doc);
	CHECK(doc[strlen(doc) - 1] != '.' || strcmp(doc + strlen(doc) - 3, "...") == 0, "%s: %s",
	      what, doc);
	CHECK(!strstr(doc, "  "), "%s: %s", what, doc);
}

static bool is_name(const char *text)
{
	for (const char *c = text; *c; c++)
		if (!islower((unsigned char)*c) && !isdigit((unsigned char)*c) && *c != '-')
			return false;
	return islower((unsigned char)*text);
}

static void check_kind(const struct mixd_job_option *option)
{
	bool takes_value = option->kind != MIXD_JOB_FLAG;

	CHECK(takes_value == (option->value_name != NULL), "--%s", option->name);
	CHECK((option->kind == MIXD_JOB_CHOICE) == (option->choices != NULL), "--%s", option->name);
	CHECK(option->min <= option->max, "--%s", option->name);
	CHECK(!option->unit || option->kind == MIXD_JOB_NUMBER, "--%s", option->name);
	CHECK(takes_value || !option->repeats, "--%s", option->name);
}

TEST(jobs_options)
{
	for (size_t v = 0; mixd_job_verbs[v]; v++) {
		const struct mixd_job_option *options = mixd_job_verbs[v]->options;

		for (size_t i = 0; options && options[i].name; i++) {
			CHECK(is_name(options[i].name), "%s", options[i].name);
			check_doc(options[i].name, options[i].doc);
			check_kind(&options[i]);
			CHECK(mixd_job_option_find(mixd_job_verbs[v], options[i].name) ==
				      &options[i],
			      "--%s stands twice", options[i].name);
			for (size_t k = 0; k < i; k++)
				CHECK(!options[i].letter || options[i].letter != options[k].letter,
				      "-%c of %s stands twice", options[i].letter,
				      mixd_job_verbs[v]->name);
		}
	}
}

/* Options of one name that are not one thing. */
static bool is_homonym(const char *name)
{
	static const char *const names[] = {
		"output", /* a file, a folder, or NODE=FILE */
		"session", /* read by master, written by podcast */
		"only", /* kinds of figures; a list of items */
		"tail", /* a time that a render waits; edit's words are parsed by the daemon */
		"spec", /* one, or several */
		"start",   "end", /* on the time line of a session, or in a file */
		"force", /* limit more; do it again */
		"album", /* pooled; heard together */
		"file",	   "name", "gain", "fade",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static void check_same(const struct mixd_job_option *a, const struct mixd_job_option *b,
		       const char *verb_a, const char *verb_b)
{
	CHECK(a->kind == b->kind && a->letter == b->letter && a->repeats == b->repeats &&
		      a->min >= b->min && a->min <= b->min && a->max >= b->max &&
		      a->max <= b->max && a->choices == b->choices,
	      "--%s is another thing in %s than in %s", a->name, verb_a, verb_b);
	CHECK(strcmp(a->value_name ? a->value_name : "", b->value_name ? b->value_name : "") == 0 &&
		      strcmp(a->unit ? a->unit : "", b->unit ? b->unit : "") == 0,
	      "--%s of %s and %s", a->name, verb_a, verb_b);
}

/* J1 of job_rows.h. */
TEST(jobs_options_of_one_name_are_one_thing)
{
	unsigned n_shared = 0;

	for (size_t v = 0; mixd_job_verbs[v]; v++) {
		const struct mixd_job_option *options = mixd_job_verbs[v]->options;

		for (size_t i = 0; options && options[i].name; i++)
			for (size_t k = 0; k < v && !is_homonym(options[i].name); k++) {
				const struct mixd_job_option *other =
					mixd_job_option_find(mixd_job_verbs[k], options[i].name);

				if (other)
					check_same(&options[i], other, mixd_job_verbs[v]->name,
						   mixd_job_verbs[k]->name);
				n_shared += other != NULL;
			}
	}
	CHECK(n_shared > 30, "%u pairs: is the table still shared?", n_shared);
}

TEST(jobs_formats_are_one_list)
{
	size_t n = 0;

	for (; mixd_formats[n].name; n++) {
		CHECK_STR(mixd_format_names[n], mixd_formats[n].name);
		CHECK(mixd_format_find(mixd_formats[n].name) == &mixd_formats[n]);
		check_doc(mixd_formats[n].name, mixd_formats[n].doc);
	}
	CHECK(n > 5 && !mixd_format_names[n]);
	CHECK(mixd_format_has_text(mixd_format_find("w64"), "TITLE") &&
	      !mixd_format_has_text(mixd_format_find("w64"), "TITL") &&
	      !mixd_format_has_text(mixd_format_find("w64"), "ISRC") &&
	      mixd_format_has_text(mixd_format_find("flac"), "ISRC"));
	for (unsigned k = 0; k < MIXD_CARRIES_COUNT; k++)
		CHECK(*mixd_carries_name(k));
}

/* mixctl puts its own name before each line. */
static void check_examples(const struct mixd_job_verb *verb)
{
	size_t n = strlen(verb->name);

	for (const char *line = verb->examples; line && *line;) {
		const char *end = strchr(line, '\n');

		CHECK(strncmp(line, verb->name, n) == 0 && line[n] == ' ', "%s: %.40s", verb->name,
		      line);
		line = end ? end + 1 : NULL;
	}
}

TEST(jobs_verbs)
{
	CHECK(mixd_job_verbs[0]);
	for (size_t v = 0; mixd_job_verbs[v]; v++) {
		const struct mixd_job_verb *verb = mixd_job_verbs[v];

		CHECK(is_name(verb->name) && mixd_job_verb_find(verb->name) == verb, "%s",
		      verb->name);
		check_doc(verb->name, verb->doc);
		CHECK(verb->words && (verb->max_args < 0 || verb->min_args <= verb->max_args), "%s",
		      verb->name);
		CHECK(!verb->more || strchr(".)", verb->more[strlen(verb->more) - 1]), "%s",
		      verb->name);
		CHECK(verb->examples, "%s has no examples", verb->name);
		check_examples(verb);
		CHECK(!verb->only_with || mixd_job_option_find(verb, verb->only_with), "%s",
		      verb->name);
	}
	CHECK(!mixd_job_verb_find("rendr") && !mixd_job_verb_find(""));
}

static const char *refusal(const struct mixd_job_option *option, const char *text, double *value)
{
	static char buf[200];

	return mixd_job_value(option, text, value, buf, sizeof(buf));
}

TEST(jobs_values)
{
	static const char *const words[] = {"auto", "none", NULL};
	const struct mixd_job_option rate = {.kind = MIXD_JOB_NUMBER, .unit = "Hz", .max = 1e6},
				     time = {.kind = MIXD_JOB_SPAN},
				     choice = {.kind = MIXD_JOB_CHOICE, .choices = words},
				     flag = {.kind = MIXD_JOB_FLAG}, text = {.kind = MIXD_JOB_TEXT};
	static const struct {
		const char *text;
		double seconds;
	} spans[] = {{"800ms", 0.8}, {"1.5s", 1.5}, {"2m", 120}, {"1:02:03.5", 3723.5}, {"7", 7}};
	static const char *const no_spans[] = {"", "s", "1:99:00", "0x10", "nan", "1d", "1:2:3:4"};
	double value = 0;

	for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++) {
		CHECK(!refusal(&time, spans[i].text, &value), "%s", spans[i].text);
		CHECK_NEAR(value, spans[i].seconds, 1e-12);
	}
	for (size_t i = 0; i < sizeof(no_spans) / sizeof(no_spans[0]); i++)
		CHECK(refusal(&time, no_spans[i], &value), "%s", no_spans[i]);
	CHECK(!refusal(&rate, "44.1k", &value) && value == 44100, "%g", value);
	CHECK(!refusal(&rate, "44.1kHz", &value));
	CHECK_NEAR(value, 44100, 1e-9);
	CHECK(!refusal(&rate, "48000", &value) && !refusal(&rate, "48000 hz", &value));
	CHECK(refusal(&rate, "48000dB", &value) && refusal(&rate, "2MHz", &value));
	CHECK(refusal(&rate, "-1", &value) && refusal(&rate, "1e7", &value));
	CHECK(!refusal(&choice, "none", &value) && value > 0.5 && value < 1.5);
	CHECK(strstr(refusal(&choice, "some", &value), "auto none"));
	CHECK(!refusal(&flag, "on", &value) && refusal(&flag, "1", &value));
	CHECK(!refusal(&text, "x", &value) && refusal(&text, "", &value));
}
