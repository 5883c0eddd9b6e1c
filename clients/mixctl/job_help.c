/* job_help.c - help on verbs that work on files, from the table of proto/jobs. */
#include "job.h"

#include <string.h>

char *job_option_text(const struct mixd_job_option *option)
{
	char *text = option->letter ? mixctl_printf("-%c, --%s", option->letter, option->name)
				    : mixctl_printf("--%s", option->name);

	return option->value_name ? mixctl_printf("%s %s", text, option->value_name) : text;
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
	else if (option->kind == MIXD_JOB_NUMBER && option->min < option->max)
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
	printf("usage: mixctl %s %s\n\n%s\n", verb->name, verb->words, verb->doc);
	if (verb->more)
		printf("%s\n", verb->more);
	if (verb->options && verb->options->name) {
		puts("\noptions");
		for (const struct mixd_job_option *o = verb->options; o->name; o++)
			printf("  %-26s %s\n", job_option_text(o), job_option_doc(o));
	}
	if (verb->examples) {
		char *text = mixctl_strdup(verb->examples), *line;

		puts("\nexamples");
		while ((line = strsep(&text, "\n")))
			printf("  mixctl %s\n", line);
	}
	puts("\nNeeds no daemon and no PipeWire. -o json prints the result for programs.\n"
	     "Options of all verbs and exit codes: mixctl help");
}

void job_man(const struct mixd_job_verb *verb, void (*put)(const char *text))
{
	printf(".SS %s ", verb->name);
	put(verb->words);
	putchar('\n');
	put(verb->doc);
	fputs(".\n", stdout);
	if (verb->more) {
		put(verb->more);
		putchar('\n');
	}
	for (const struct mixd_job_option *o = verb->options; o && o->name; o++) {
		fputs(".TP\n.B ", stdout);
		put(job_option_text(o));
		putchar('\n');
		put(job_option_doc(o));
		putchar('\n');
	}
	if (verb->examples) {
		char *text = mixctl_strdup(verb->examples), *line;

		fputs(".PP\n.nf\n.RS\n", stdout);
		while ((line = strsep(&text, "\n"))) {
			fputs("mixctl ", stdout);
			put(line);
			putchar('\n');
		}
		fputs(".RE\n.fi\n", stdout);
	}
}
