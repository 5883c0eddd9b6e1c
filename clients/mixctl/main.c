/* main.c - mixctl: parse, dispatch, report. What a verb is: verbs.c. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "job.h"

static void mixctl_interrupted(int signo)
{
	_exit(EXIT_INTERRUPTED);
}

/* A call with closed streams: pipes and sockets must not take their numbers, and what is printed must not go into
 * them. Each is opened the wrong way round, so that using it still fails. */
static void mixctl_hold_streams(void)
{
	static const int modes[] = {O_WRONLY, O_RDONLY, O_RDONLY};

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", modes[fd]) != fd)
			_exit(EXIT_RESOURCE);
}

/* The verb is the first word; options may stand anywhere. */
static bool mixctl_find_verb(struct mixctl *m, int argc, char **argv)
{
	const char *names[96], *nearest, *name;
	size_t n = 0;

	if (!options_parse(m, argc, argv, 0))
		return false;
	if (m->n_args == 0 && m->options.help)
		m->args[m->n_args++] = (char *)(uintptr_t) "help";
	if (m->n_args == 0) {
		mixctl_error(m, EXIT_USAGE, NULL, "see mixctl help", "a verb is missing");
		return false;
	}
	name = m->args[0];
	m->verb = verb_find(name);
	if (m->verb)
		return true;
	for (const struct verb *verb = verbs; verb->name && n < 63; verb++)
		if (!verb->hidden)
			names[n++] = verb->name;
	for (size_t i = 0; mixd_job_verbs[i] && n < 95; i++)
		names[n++] = mixd_job_verbs[i]->name;
	names[n] = NULL;
	nearest = words_nearest(name, names);
	mixctl_error(m, EXIT_USAGE, name,
		     nearest ? mixctl_printf("did you mean %s?", nearest) : "see mixctl help",
		     "no such verb");
	return false;
}

static int mixctl_run(struct mixctl *m, int argc, char **argv)
{
	bool found;
	int code;

	if (argc > 0 &&
	    strcmp(argv[0], "__complete") == 0) { /* half-written options are no error */
		m->args = argv + 1;
		m->n_args = argc - 1;
		return verb_complete(m);
	}
	if (job_find(argc, argv))
		return job_main(m, job_find(argc, argv), argc, argv);
	found = mixctl_find_verb(m, argc, argv);
	if (m->options.version) {
		puts("mixctl " MIXD_VERSION);
		return EXIT_YES;
	}
	if (!found)
		return mixctl_fail(m);
	if (!options_parse(m, argc, argv, m->verb->options | OPTION_ALWAYS))
		return mixctl_fail(m);
	if (m->options.help) {
		help_verb(m->verb);
		return EXIT_YES;
	}
	if (m->n_args > 0) {
		m->args++; /* the verb itself */
		m->n_args--;
	}
	if (m->n_args < m->verb->min_args ||
	    (m->verb->max_args >= 0 && m->n_args > m->verb->max_args)) {
		mixctl_error(m, EXIT_USAGE, NULL,
			     mixctl_printf("usage: mixctl %s%s%s", m->verb->name,
					   *m->verb->words ? " " : "", m->verb->words),
			     m->n_args < m->verb->min_args ? "%s needs more words"
							   : "%s takes fewer words",
			     m->verb->name);
		return mixctl_fail(m);
	}
	code = m->verb->run(m);
	if (code > EXIT_NO && m->err.code)
		return mixctl_fail(m);
	return code;
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = mixctl_interrupted};
	struct mixctl m = {.args = mixctl_alloc(((size_t)argc + 2) * sizeof(char *))};
	int code;

	mixctl_hold_streams();
	sigaction(SIGINT, &action, NULL);
	code = mixctl_run(&m, argc - 1, argv + 1);
	if ((fflush(stdout) != 0 || ferror(stdout)) && code <= EXIT_NO) {
		code = EXIT_RESOURCE;
		fputs("mixctl: standard output: not all of it could be written\n", stderr);
	}
	mixd_client_free(m.client); /* meter leases are given back */
	_exit(code); /* what one command allocated ends with it; streams free what they print */
}
