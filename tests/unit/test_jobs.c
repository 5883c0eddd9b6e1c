/* The table of verbs that work on files: complete, without contradictions, and in one voice. */
#include <ctype.h>
#include <string.h>

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
