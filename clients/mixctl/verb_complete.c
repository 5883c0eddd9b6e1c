/* verb_complete.c - completion: candidates for the word under the cursor; the scripts that ask are in
 * verb_completion.c.
 *
 * WHAT        `mixctl __complete IDX WORD...`: the words of the command line (0 is the program),
 *             IDX the one to complete. Prints "candidate<tab>what it is" per line. What cannot be
 *             had from the daemon within 200 ms is left out in silence. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "complete.h"
#include "job.h"

#define COMPLETE_LIMIT_MS 200
#define COMPLETE_BUDGET_MS 150 /* of the daemon; the rest is ours */

void complete_offer(const struct complete *complete, const char *text, const char *doc)
{
	if (strncmp(text, complete->word, strlen(complete->word)) != 0)
		return;
	printf(doc && *doc ? "%s\t%s\n" : "%s\n", text, doc);
}

void complete_offer_all(const struct complete *complete, const char *const *texts)
{
	for (; *texts; texts++)
		complete_offer(complete, *texts, NULL);
}

static void complete_out_of_time(int signo)
{
	_exit(EXIT_YES);
}

/* What is printed so far counts, whatever becomes of the rest. */
static void complete_set_limit(void)
{
	struct sigaction action = {.sa_handler = complete_out_of_time};
	struct itimerval limit = {.it_value.tv_usec = COMPLETE_LIMIT_MS * 1000};

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &limit, NULL);
}

Mixd__V1__Reply *complete_request(const struct complete *complete, Mixd__V1__Request *request)
{
	fflush(stdout);
	request->timeout_ms = COMPLETE_BUDGET_MS;
	return mixctl_request(complete->m, request);
}

static void complete_fixed(const struct complete *complete, enum word_kind kind)
{
	static const char *const rows[][6] = {
		[WORD_LIST] = {"nodes", "ports", "links", "types", "plugins"},
		[WORD_PRESET] = {"ls", "show", "apply", "save", "rm"},
		[WORD_MARKER] = {"ls", "add", "rm"},
		[WORD_SHELL] = {"bash", "zsh", "fish"},
		[WORD_SWITCH] = {"on", "off", "toggle"},
	};

	if (kind < sizeof(rows) / sizeof(rows[0]))
		complete_offer_all(complete, rows[kind]);
}

static void complete_verbs(const struct complete *complete)
{
	for (const struct verb *verb = verbs; verb->name; verb++)
		if (!verb->hidden)
			complete_offer(complete, verb->name, verb->doc);
	for (size_t i = 0; mixd_job_verbs[i]; i++)
		if (!mixd_job_verbs[i]->only_with)
			complete_offer(complete, mixd_job_verbs[i]->name, mixd_job_verbs[i]->doc);
}

/* What `help` tells beside verbs. */
static void complete_topics(const struct complete *complete)
{
	complete_offer(complete, "formats", "what files can be written");
	complete_offer(complete, "session", "what stands in a session file");
}

/* WORDS: N of them, the verb first. */
static void complete_word(const struct complete *complete, enum word_kind kind, int n, char **words)
{
	complete_fixed(complete, kind);
	switch (kind) {
	case WORD_NODE:
	case WORD_SWITCH:
		complete_nodes(complete, "");
		break;
	case WORD_PORT:
		complete_ports(complete);
		break;
	case WORD_PARAM:
		complete_automate(complete);
		break;
	case WORD_READING:
		complete_readings(complete, true, true, "");
		complete_transport(complete);
		break;
	case WORD_CONDITION:
		complete_condition(complete, words[1]);
		break;
	case WORD_METER:
		complete_nodes(complete, "");
		complete_readings(complete, false, true, "");
		break;
	case WORD_ASSIGNMENT:
		complete_assignment(complete);
		break;
	case WORD_TYPE:
		complete_types(complete);
		break;
	case WORD_TYPE_PARAM:
		complete_type_param(complete, words[1]);
		break;
	case WORD_EXPLAIN:
		complete_explain(complete);
		break;
	case WORD_LOOP:
		complete_offer(complete, "off", "no loop");
		complete_markers(complete);
		break;
	case WORD_POSITION:
		complete_offer(complete, "start", "the begin of the time line");
		complete_markers(complete);
		break;
	case WORD_MARKER:
		complete_markers(complete);
		break;
	case WORD_VERB:
		complete_verbs(complete);
		if (n > 0)
			complete_topics(complete);
		break;
	case WORD_EDIT: /* complete_edit() */
	case WORD_LIST: /* complete_fixed(), as the next two */
	case WORD_PRESET:
	case WORD_SHELL:
	case WORD_NONE:
		break;
	}
}

static const struct option_row *complete_find_option(const char *word)
{
	for (const struct option_row *row = option_rows; row->name; row++)
		if ((word[1] == '-' && strcmp(word + 2, row->name) == 0) ||
		    (word[1] == row->letter && row->letter && word[2] == 0))
			return row;
	return NULL;
}

/* The verb and its words before IDX; options and their values left out. */
static int complete_words(struct mixctl *m, int idx, char **words, char **ret_words)
{
	int n = 0;

	for (int i = 1; i < idx; i++) {
		const struct option_row *row;

		if (words[i][0] != '-' || !words[i][1]) {
			ret_words[n++] = words[i];
			continue;
		}
		row = complete_find_option(words[i]);
		if (!row || row->kind == OPTION_KIND_FLAG)
			continue;
		i++;
		if (i < idx && strcmp(row->name, "instance") == 0)
			m->options.instance = words[i];
		else if (i < idx && strcmp(row->name, "host") == 0)
			m->options.host = words[i];
	}
	return n;
}

/* What a verb that works on files may be told to do: "check|show|extract DIR", "ls | show NAME". */
static void complete_job_words(const struct complete *complete, const struct mixd_job_verb *verb)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz-";
	char *rest = mixctl_strdup(verb->words), *one;

	while ((one = strsep(&rest, "|"))) {
		one += strspn(one, " [");
		one[strcspn(one, " ]")] = '\0';
		if (*one && strspn(one, letters) == strlen(one) && *one != '-')
			complete_offer(complete, one, NULL);
	}
}

/* Of a verb that works on files: what it does, its options, and values that can be listed; for the rest
 * the shell offers files. N words stand before, the verb among them. */
static void complete_job(struct complete *complete, const struct mixd_job_verb *verb,
			 const char *before, int n)
{
	for (const struct mixd_job_option *o = verb->options; o && o->name; o++) {
		bool is_before = before[0] == '-' &&
				 (strcmp(before + 1 + (before[1] == '-'), o->name) == 0 ||
				  (o->letter && before[1] == o->letter && !before[2]));

		if (is_before && o->kind == MIXD_JOB_CHOICE)
			complete_offer_all(complete, o->choices);
		if (is_before && o->kind != MIXD_JOB_FLAG)
			return;
	}
	if (complete->word[0] != '-') {
		if (n == 1)
			complete_job_words(complete, verb);
		return;
	}
	for (const struct mixd_job_option *o = verb->options; o && o->name; o++)
		complete_offer(complete, mixctl_printf("--%s", o->name), o->doc);
	for (const struct option_row *row = option_rows; row->name; row++)
		if (row->group & OPTION_ALWAYS)
			complete_offer(complete, mixctl_printf("--%s", row->name), row->doc);
}

int verb_complete(struct mixctl *m)
{
	int idx = m->n_args > 0 ? atoi(m->args[0]) : 0, n;
	char **line = m->args + 1, **words = mixctl_alloc((size_t)m->n_args * sizeof(*words) + 8);
	struct complete complete = {.m = m, .word = ""};
	const struct option_row *row;
	const struct verb *verb;

	if (idx < 1 || idx > m->n_args)
		return EXIT_YES;
	complete_set_limit();
	if (idx < m->n_args - 1)
		complete.word = line[idx];
	m->options = (struct options){.format = -1, .wait = -1, .timeout_ms = COMPLETE_BUDGET_MS};
	n = complete_words(m, idx < m->n_args - 1 ? idx : m->n_args - 1, line, words);
	verb = n > 0 ? verb_find(words[0]) : NULL;
	if (n > 0 && !verb && mixd_job_verb_find(words[0])) {
		complete_job(&complete, mixd_job_verb_find(words[0]), line[idx - 1], n);
		return EXIT_YES;
	}
	row = idx > 1 && line[idx - 1][0] == '-' ? complete_find_option(line[idx - 1]) : NULL;
	if (row && row->choices) {
		complete_offer_all(&complete, row->choices);
	} else if (row && row->kind != OPTION_KIND_FLAG) {
		if (row->group == OPTION_AFTER)
			complete_nodes(&complete, "");
	} else if (complete.word[0] == '-') {
		for (row = option_rows; row->name; row++)
			if (row->group & ((verb ? verb->options : 0) | OPTION_ALWAYS))
				complete_offer(&complete, mixctl_printf("--%s", row->name),
					       row->doc);
	} else if (n == 0) {
		complete_word(&complete, WORD_VERB, 0, words);
	} else if (verb) {
		bool name_of_new = verb->run == verb_add && n == 2;

		if (verb->run == verb_preset && n > 1)
			complete_preset(&complete, n, words);
		else if (verb->run == verb_edit)
			complete_edit(&complete, n, words);
		else if (!name_of_new)
			complete_word(&complete, n == 1 ? verb->first : verb->rest, n, words);
	}
	return EXIT_YES;
}
