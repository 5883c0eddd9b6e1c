/* job_help.c - help on verbs that work on files, from the table of proto/jobs. */
#include <string.h>

#include "job.h"
#include "mixd_formats.h"

#define HELP_ANY_NUMBER 1e9 /* a limit of this size says nothing to a person */

char *job_option_text(const struct mixd_job_option *option)
{
	return help_option_words(option->letter, option->name, option->value_name);
}

/* "44100 to 192000 Hz"; of a choice its words; "" when there is nothing to say. */
static char *job_values(const struct mixd_job_option *option)
{
	char *text = mixctl_strdup("");

	if (option->kind == MIXD_JOB_CHOICE)
		for (int i = 0; option->choices[i]; i++)
			text = mixctl_printf("%s%s%s", text,
					     i == 0		      ? ""
					     : option->choices[i + 1] ? ", "
								      : " or ",
					     option->choices[i]);
	else if (option->kind == MIXD_JOB_NUMBER && option->min < option->max &&
		 option->max < HELP_ANY_NUMBER)
		text = mixctl_printf("%.10g to %.10g%s%s", option->min, option->max,
				     option->unit && *option->unit ? " " : "",
				     option->unit ? option->unit : "");
	return text;
}

static char *job_option_doc(const struct mixd_job_option *option)
{
	char *values = job_values(option);
	char *text = mixctl_strdup(option->doc);

	if (*values)
		text = mixctl_printf("%s (%s)", text, values);
	return option->repeats ? mixctl_printf("%s; may be given again", text) : text;
}

void job_help(const struct mixd_job_verb *verb)
{
	printf("usage: mixctl %s%s %s\n\n", verb->name, verb->options ? " [OPTION...]" : "",
	       verb->words);
	help_put(stdout, 0, 0, verb->doc);
	if (verb->more)
		help_put(stdout, 0, 0, verb->more);
	if (verb->options && verb->options->name) {
		puts("\noptions");
		for (const struct mixd_job_option *o = verb->options; o->name; o++)
			help_put_option(stdout, job_option_text(o), job_option_doc(o));
	}
	if (verb->examples)
		help_put_examples(verb->examples);
	puts("\nNeeds no daemon and no PipeWire. -o json prints the result for programs.\n"
	     "Options of all verbs and exit codes: mixctl help");
}

void job_man(const struct mixd_job_verb *verb)
{
	help_man_head(verb->name, verb->words, verb->doc, verb->more);
	for (const struct mixd_job_option *o = verb->options; o && o->name; o++)
		help_man_option(job_option_text(o), job_option_doc(o));
	if (verb->examples)
		help_man_examples(verb->examples);
}

/* ---- formats ---------------------------------------------------------------------------------- */

/* "title, artist, album, ..., chapters and cue points" */
static char *job_format_carries(const struct mixd_format *format)
{
	char *text = mixctl_strdup("");

	for (const char *at = format->texts; at && at[1]; at += strcspn(at + 1, " ") + 1)
		text = mixctl_printf("%s%s%.*s", text, *text ? ", " : "", (int)strcspn(at + 1, " "),
				     at + 1);
	if (!*text)
		text = mixctl_strdup("any text");
	for (unsigned k = 0; k < MIXD_CARRIES_COUNT; k++)
		if (format->carries & 1u << k)
			text = mixctl_printf("%s, %s", text, mixd_carries_name(k));
	return text;
}

static const char job_formats_doc[] =
	"What files can be written, by their endings or --format, and what beside sound each has a "
	"place for. Tags that a file has no place for are named in a warning.";

void job_help_formats(void)
{
	help_put(stdout, 0, 0, job_formats_doc);
	for (const struct mixd_format *format = mixd_formats; format->name; format++) {
		printf("\n  %-5s %s (.%s)\n        ", format->name, format->doc, format->ending);
		help_put(stdout, 8, 8, job_format_carries(format));
	}
}

void job_man_formats(void)
{
	puts(".SH FORMATS");
	help_man(job_formats_doc);
	putchar('\n');
	for (const struct mixd_format *format = mixd_formats; format->name; format++)
		help_man_option(format->name,
				mixctl_printf("%s: %s", format->doc, job_format_carries(format)));
}
