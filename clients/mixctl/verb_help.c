/* verb_help.c - help and the manual page, both from the tables of verbs and options. */
#include <stdlib.h>
#include <string.h>

#include "job.h"

static const struct {
	int code;
	const char *doc;
} help_exit_codes[] = {
	{EXIT_YES, "yes, done"},
	{EXIT_NO, "a negative answer: a check failed, a difference was found, an alarm is active"},
	{EXIT_USAGE, "the command line is wrong"},
	{EXIT_UNREACHABLE, "no daemon answers"},
	{EXIT_NOT_FOUND, "no such object"},
	{EXIT_INVALID, "a value, the graph or a file is not valid"},
	{EXIT_CONFLICT, "conflict: another revision, exists already, in use"},
	{EXIT_DENIED, "not permitted"},
	{EXIT_RESOURCE, "a device is gone, a limit is reached, a file cannot be read"},
	{EXIT_ROLLED_BACK, "applied, then rolled back"},
	{EXIT_TIMED_OUT, "not in time"},
	{EXIT_INTERRUPTED, "interrupted"},
};
#define HELP_N_EXIT_CODES (sizeof(help_exit_codes) / sizeof(help_exit_codes[0]))

static char *help_option_text(const struct option_row *row)
{
	return help_option_words(row->letter, row->name, row->value_name);
}

static void help_options(FILE *file, unsigned groups)
{
	for (const struct option_row *row = option_rows; row->name; row++)
		if (row->group & groups)
			help_put_option(file, help_option_text(row), row->doc);
}

void help_usage(FILE *file)
{
	fputs("usage: mixctl [OPTION...] VERB [WORD...]\n\nverbs\n", file);
	for (const struct verb *verb = verbs; verb->name; verb++)
		if (!verb->hidden)
			fprintf(file, "  %-12s %s\n", verb->name, verb->doc);
	fputs("\nverbs that work on files, and need no daemon\n", file);
	for (size_t i = 0; mixd_job_verbs[i]; i++)
		if (!mixd_job_verbs[i]->only_with)
			fprintf(file, "  %-12s %s\n", mixd_job_verbs[i]->name,
				mixd_job_verbs[i]->doc);
	fputs("\noptions of all verbs\n", file);
	help_options(file, OPTION_ALWAYS);
	fputs("\nexit codes\n", file);
	for (size_t i = 0; i < HELP_N_EXIT_CODES; i++)
		fprintf(file, "  %-4d %s\n", help_exit_codes[i].code, help_exit_codes[i].doc);
	fputs("\n`mixctl help VERB` says more; `mixctl help session`: what stands in a session "
	      "file; "
	      "`mixctl help\nformats`: what files can be written.\n",
	      file);
}

void help_verb(const struct verb *verb)
{
	printf("usage: mixctl %s%s%s\n\n", verb->name, *verb->words ? " " : "", verb->words);
	help_put(stdout, 0, 0, verb->doc);
	if (verb->more)
		help_put(stdout, 0, 0, verb->more);
	if (verb->options) {
		puts("\noptions");
		help_options(stdout, verb->options);
	}
	if (verb->examples)
		help_put_examples(verb->examples);
	puts("\nOptions of all verbs and exit codes: mixctl help");
}

/* ---- manual page -------------------------------------------------------------------------- */

static void man_options(unsigned groups)
{
	for (const struct option_row *row = option_rows; row->name; row++)
		if (row->group & groups)
			help_man_option(help_option_text(row), row->doc);
}

static void man_verb(const struct verb *verb)
{
	help_man_head(verb->name, verb->words, verb->doc, verb->more);
	man_options(verb->options);
	if (verb->examples)
		help_man_examples(verb->examples);
}

static void man_page(void)
{
	puts(".TH MIXCTL 1 \"\" \"mixd\" \"User Commands\"\n.SH NAME\n"
	     "mixctl \\- control a mixd instance\n.SH SYNOPSIS\n.B mixctl\n"
	     "[\\fIOPTION\\fR...] \\fIVERB\\fR [\\fIWORD\\fR...]\n.SH DESCRIPTION\n"
	     "Reads and changes the graph of a running\n.BR mixd (1).\n"
	     "Addresses are NODE.PARAM and NODE:PORT; patterns (*, ?, [], {a,b}) match many.\n"
	     "Values carry units. JSON (\\-o json) is the contract for programs: it has a key\n"
	     "\"schema\", and keys are added, never changed in meaning, while that number stays.\n"
	     "Errors go to standard error; with \\-o json as one line of\n"
	     "{code, name, message, address, hint}.\n.SH OPTIONS");
	man_options(OPTION_ALWAYS);
	puts(".SH VERBS");
	for (const struct verb *verb = verbs; verb->name; verb++)
		if (!verb->hidden)
			man_verb(verb);
	puts(".SH VERBS THAT WORK ON FILES\nThey need no daemon: mixctl starts one for the call, "
	     "and ends it.");
	for (size_t i = 0; mixd_job_verbs[i]; i++)
		job_man(mixd_job_verbs[i]);
	help_man_session();
	job_man_formats();
	puts(".SH EXIT STATUS");
	for (size_t i = 0; i < HELP_N_EXIT_CODES; i++) {
		printf(".TP\n.B %d\n", help_exit_codes[i].code);
		help_man(help_exit_codes[i].doc);
		putchar('\n');
	}
	puts(".SH ENVIRONMENT\n.TP\n.B MIXD_INSTANCE\nthe instance when \\-\\-instance is not "
	     "given\n"
	     ".TP\n.B MIXD_ENDPOINT\nits endpoint: ipc:///folder/control\n.TP\n.B NO_COLOR\n"
	     "no colours\n.SH FILES\n"
	     "The sockets of an instance are in the first of $RUNTIME_DIRECTORY/mixd/NAME,\n"
	     "$XDG_RUNTIME_DIR/mixd/NAME and /run/mixd/NAME.\n.SH SEE ALSO\n.BR mixd (1)");
}

int verb_help(struct mixctl *m)
{
	const struct verb *verb = m->n_args ? verb_find(m->args[0]) : NULL;

	if (m->options.man)
		man_page();
	else if (verb)
		help_verb(verb);
	else if (m->n_args && mixd_job_verb_find(m->args[0]) && !verb_find(m->args[0]))
		job_help(mixd_job_verb_find(m->args[0]));
	else if (m->n_args && strcmp(m->args[0], "formats") == 0)
		job_help_formats();
	else if (m->n_args && strcmp(m->args[0], "session") == 0)
		help_session();
	else if (m->n_args)
		return mixctl_error(m, EXIT_USAGE, m->args[0], "see mixctl help", "no such verb");
	else
		help_usage(stdout);
	return EXIT_YES;
}
