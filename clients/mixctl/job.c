/* job.c - see job.h. */
#include "job.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define JOB_POLL_MAX_MS 50
#define JOB_PAINT_MS 100
#define JOB_DEATH_MS 1000 /* from a broken connection to the end of who broke it */

static volatile sig_atomic_t job_interrupts;

static void job_interrupted(int signo)
{
	job_interrupts = job_interrupts + 1;
}

/* Under nohup the end of a terminal is not the end of the work. */
static void job_catch_hangup(const struct sigaction *action)
{
	struct sigaction before;

	if (sigaction(SIGHUP, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
		sigaction(SIGHUP, action, NULL);
}

/* ---- the command line --------------------------------------------------------------------- */

/* VERB, unless it is one of the daemon's, too, and the option that makes the difference is not there. */
static const struct mixd_job_verb *job_is_meant(const struct mixd_job_verb *verb, int argc,
						char **argv)
{
	const struct mixd_job_option *option =
		verb && verb->only_with ? mixd_job_option_find(verb, verb->only_with) : NULL;

	for (int i = 0; option && i < argc && strcmp(argv[i], "--") != 0; i++)
		if ((argv[i][0] == '-' && argv[i][1] == option->letter) ||
		    (strncmp(argv[i], "--", 2) == 0 &&
		     strncmp(argv[i] + 2, option->name, strlen(option->name)) == 0))
			return verb;
	return option ? NULL : verb;
}

const struct mixd_job_verb *job_find(int argc, char **argv)
{
	for (int i = 0; i < argc; i++) {
		const struct option_row *row;

		if (argv[i][0] != '-' || !argv[i][1])
			return job_is_meant(mixd_job_verb_find(argv[i]), argc, argv);
		row = option_find(argv[i]);
		if (!row || row->group != OPTION_ALWAYS)
			return NULL;
		if (row->kind != OPTION_KIND_FLAG && !strchr(argv[i], '=') &&
		    (argv[i][1] == '-' || !argv[i][2]))
			i++;
	}
	return NULL;
}

static bool job_is_format(const char *text)
{
	for (int i = 0; format_names[i]; i++)
		if (strcmp(format_names[i], text) == 0)
			return true;
	return false;
}

/* The verb's own option that ARG begins; *ret_value: what is glued to it, or NULL. */
static const struct mixd_job_option *job_own_option(const struct mixd_job_verb *verb,
						    const char *arg, const char **ret_value)
{
	size_t size = arg[1] == '-' ? strcspn(arg + 2, "=") : 0;

	for (const struct mixd_job_option *o = verb->options; o && o->name; o++) {
		if (arg[1] == '-' && strlen(o->name) == size &&
		    memcmp(o->name, arg + 2, size) == 0) {
			*ret_value = arg[2 + size] ? arg + 3 + size : NULL;
			return o;
		}
		if (arg[1] != '-' && o->letter && o->letter == arg[1]) {
			*ret_value = arg[2] ? arg + 2 : NULL;
			return o;
		}
	}
	return NULL;
}

static bool job_unknown_option(struct mixctl *m, const struct mixd_job_verb *verb, const char *arg)
{
	const char *names[80], *nearest;
	size_t n = 0;
	char word[32];

	for (const struct mixd_job_option *o = verb->options; o && o->name && n < 60; o++)
		names[n++] = o->name;
	for (const struct option_row *row = option_rows; row->name && n < 79; row++)
		if (row->group & OPTION_ALWAYS)
			names[n++] = row->name;
	names[n] = NULL;
	snprintf(word, sizeof(word), "%.*s", (int)strcspn(arg + 1 + (arg[1] == '-'), "="),
		 arg + 1 + (arg[1] == '-'));
	nearest = arg[1] == '-' ? words_nearest(word, names) : NULL;
	mixctl_error(m, EXIT_USAGE, arg,
		     nearest ? mixctl_printf("did you mean --%s?", nearest)
			     : mixctl_printf("see mixctl help %s", verb->name),
		     "no such option");
	return false;
}

static bool job_add_option(struct mixctl *m, const struct mixd_job_option *option,
			   const char *value, struct job_line *line)
{
	Mixd__V1__JobOption *message = mixctl_alloc(sizeof(*message));
	char buf[256];
	const char *why = mixd_job_value(option, value, NULL, buf, sizeof(buf));

	if (why) {
		mixctl_error(m, EXIT_USAGE, mixctl_printf("--%s", option->name), NULL, "\"%s\" %s",
			     value, why);
		return false;
	}
	mixd__v1__job_option__init(message);
	message->name = (char *)(uintptr_t)option->name;
	message->value = (char *)(uintptr_t)value;
	line->options =
		mixctl_realloc(line->options, (line->n_options + 1) * sizeof(*line->options));
	line->options[line->n_options++] = message;
	return true;
}

/* -o is the file to write, and, when it names one, the format of what is said about it. */
static bool job_take_option(struct mixctl *m, const struct mixd_job_verb *verb, int argc,
			    char **argv, int *idx, struct job_line *line)
{
	const char *arg = argv[*idx], *value = NULL;
	const struct mixd_job_option *option = job_own_option(verb, arg, &value);

	if (option && option->letter == 'o') {
		const char *next = value ? value : *idx + 1 < argc ? argv[*idx + 1] : "";

		if (job_is_format(next))
			option = NULL;
	}
	if (!option && option_find(arg) && option_find(arg)->group == OPTION_ALWAYS)
		return option_take(m, argc, argv, idx, OPTION_ALWAYS);
	if (!option)
		return job_unknown_option(m, verb, arg);
	if (option->kind == MIXD_JOB_FLAG) {
		if (!value)
			return job_add_option(m, option, "on", line);
		mixctl_error(m, EXIT_USAGE, arg, NULL, "it takes no value");
		return false;
	}
	if (!value && *idx + 1 >= argc) {
		mixctl_error(m, EXIT_USAGE, arg,
			     mixctl_printf("write %s %s", arg, option->value_name),
			     "its value is missing");
		return false;
	}
	return job_add_option(m, option, value ? value : argv[++*idx], line);
}

bool job_parse(struct mixctl *m, const struct mixd_job_verb *verb, int argc, char **argv,
	       struct job_line *line)
{
	bool is_verb_seen = false, is_plain = false;

	*line = (struct job_line){.verb = verb,
				  .args = mixctl_alloc(((size_t)argc + 1) * sizeof(char *))};
	m->options = (struct options){.format = -1, .wait = -1};
	for (int i = 0; i < argc; i++) {
		if (!is_plain && strcmp(argv[i], "--") == 0) {
			is_plain = true;
		} else if (!is_plain && argv[i][0] == '-' && argv[i][1] &&
			   !(verb->is_signed && (strchr("=0123456789.", argv[i][1]) ||
						 strncmp(argv[i], "-inf", 4) == 0))) {
			if (!job_take_option(m, verb, argc, argv, &i, line))
				return false;
		} else if (!is_verb_seen) {
			is_verb_seen = true;
		} else {
			line->args[line->n_args++] = argv[i];
		}
	}
	if (m->options.help || m->options.version ||
	    (line->n_args >= (size_t)verb->min_args &&
	     (verb->max_args < 0 || line->n_args <= (size_t)verb->max_args)))
		return true;
	mixctl_error(m, EXIT_USAGE, NULL,
		     mixctl_printf("usage: mixctl %s %s", verb->name, verb->words),
		     line->n_args < (size_t)verb->min_args ? "%s needs more words"
							   : "%s takes fewer words",
		     verb->name);
	return false;
}

/* RFC 3629, as the daemon reads it. */
static bool job_is_utf8(const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p;) {
		unsigned more = *p < 0x80 ? 0 : *p < 0xe0 ? 1 : *p < 0xf0 ? 2 : 3;

		if ((*p >= 0x80 && *p < 0xc2) || *p > 0xf4 || (*p == 0xe0 && p[1] < 0xa0) ||
		    (*p == 0xed && p[1] > 0x9f) || (*p == 0xf0 && p[1] < 0x90) ||
		    (*p == 0xf4 && p[1] > 0x8f))
			return false;
		for (p++; more; more--, p++)
			if ((*p & 0xc0) != 0x80)
				return false;
	}
	return true;
}

/* The wire knows texts, and a name of other letters would come back as another. */
static bool job_check_letters(struct mixctl *m, const struct job_line *line)
{
	for (size_t i = 0; i < line->n_args + line->n_options; i++) {
		const char *text =
			i < line->n_args ? line->args[i] : line->options[i - line->n_args]->value;
		char plain[160];

		if (job_is_utf8(text))
			continue;
		mixctl_plain(text, plain, sizeof(plain));
		for (char *c = plain; *c; c++)
			*c = (unsigned char)*c >= 0x80 ? '?' : *c;
		mixctl_error(m, EXIT_INVALID, plain,
			     "rename it (convmv -f latin1 -t utf8), or make a link to it",
			     "is no UTF-8");
		return false;
	}
	return true;
}

/* ---- what is said on the way --------------------------------------------------------------- */

static void job_span_text(double seconds, char *buf, size_t size)
{
	long s = lround(seconds);

	if (s >= 3600)
		snprintf(buf, size, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
	else
		snprintf(buf, size, "%ld:%02ld", s / 60, s % 60);
}

/* One line that paints over itself: "measure  prog10.wav  42 %  1830x  0:03 left". */
static void job_paint(const Mixd__V1__JobReply *reply, bool *painted)
{
	char left[32] = "", item[200];

	fprintf(stderr, "\r\033[K%s", reply->stage);
	if (*reply->item)
		fprintf(stderr, "  %s", mixctl_plain(reply->item, item, sizeof(item)));
	if (reply->total_s > 0)
		fprintf(stderr, "  %3.0f %%", fmin(100, 100 * reply->done_s / reply->total_s));
	if (reply->speed > 0)
		fprintf(stderr, "  %.*fx", reply->speed < 10 ? 1 : 0, reply->speed);
	if (reply->left_s >= 0) {
		job_span_text(reply->left_s, left, sizeof(left));
		fprintf(stderr, "  %s left", left);
	}
	fflush(stderr);
	*painted = true;
}

static void job_wipe(bool *painted)
{
	if (*painted)
		fputs("\r\033[K", stderr);
	*painted = false;
}

static void job_say_progress(const Mixd__V1__JobReply *reply)
{
	struct doc *object = doc_object();

	doc_set(object, "event", doc_text("progress"));
	doc_set(object, "stage", doc_text(reply->stage));
	doc_set(object, "item", doc_text(reply->item));
	doc_set(object, "done_s", doc_number(reply->done_s));
	doc_set(object, "total_s", doc_number(reply->total_s));
	doc_set(object, "speed", doc_number(reply->speed));
	doc_set(object, "left_s", reply->left_s < 0 ? doc_text(NULL) : doc_number(reply->left_s));
	output_line(object);
}

static void job_say_note(struct mixctl *m, const Mixd__V1__JobNote *note)
{
	struct doc *object;
	char item[200], text[600];

	if (mixctl_format(m, FORMAT_TABLE) != FORMAT_JSONL) {
		if (note->warning || !m->options.quiet)
			fprintf(stderr, "mixctl: %s%s%s%s\n", note->warning ? "warning: " : "",
				mixctl_plain(note->item, item, sizeof(item)),
				*note->item ? ": " : "",
				mixctl_plain(note->text, text, sizeof(text)));
		return;
	}
	object = doc_object();
	doc_set(object, "event", doc_text(note->warning ? "warning" : "note"));
	doc_set(object, "item", doc_text(note->item));
	doc_set(object, "text", doc_text(note->text));
	output_line(object);
}

/* ---- the wait ------------------------------------------------------------------------------ */

struct job_wait {
	struct mixctl *m;
	uint64_t job, notes_seen, result_seen;
	bool painted, is_cancelled;
	double painted_ms;
	double pause_ms; /* to the next question */
	double done_s; /* what the last answer said */
};

static double job_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

static const Mixd__V1__JobReply *job_ask(struct job_wait *wait, Mixd__V1__Reply **ret)
{
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;
	Mixd__V1__GetJob get = MIXD__V1__GET_JOB__INIT;

	get.job = wait->job;
	get.notes_from = wait->notes_seen;
	get.result_from = wait->result_seen;
	request.op_case = MIXD__V1__REQUEST__OP_GET_JOB;
	request.get_job = &get;
	*ret = mixctl_request(wait->m, &request);
	return *ret ? (*ret)->get_job : NULL;
}

static void job_cancel(struct job_wait *wait)
{
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;
	Mixd__V1__CancelJob cancel = MIXD__V1__CANCEL_JOB__INIT;

	cancel.job = wait->job;
	request.op_case = MIXD__V1__REQUEST__OP_CANCEL_JOB;
	request.cancel_job = &cancel;
	wait->is_cancelled = true;
	mixd_client_reply_free(mixctl_request(wait->m, &request));
}

static void job_show(struct job_wait *wait, const Mixd__V1__JobReply *reply)
{
	bool is_lines = mixctl_format(wait->m, FORMAT_TABLE) == FORMAT_JSONL;

	if (reply->n_notes)
		job_wipe(&wait->painted);
	for (size_t i = 0; i < reply->n_notes; i++)
		job_say_note(wait->m, reply->notes[i]);
	wait->notes_seen += reply->n_notes;
	if (reply->state != MIXD__V1__JOB_STATE__JOB_RUNNING ||
	    job_now_ms() - wait->painted_ms < JOB_PAINT_MS)
		return;
	wait->painted_ms = job_now_ms();
	if (is_lines)
		job_say_progress(reply);
	else if (!wait->m->options.quiet && isatty(STDERR_FILENO))
		job_paint(reply, &wait->painted);
}

/* Questions become rarer, until the end is near: it is to be known at once, whatever came before it. */
static void job_plan(struct job_wait *wait, const Mixd__V1__JobReply *reply)
{
	double left_ms = 1e3 * reply->left_s / 4;

	wait->pause_ms = fmin(fmax(wait->pause_ms * 1.25, 1), JOB_POLL_MAX_MS);
	if (reply->left_s >= 0 && reply->done_s != wait->done_s && left_ms < wait->pause_ms)
		wait->pause_ms = fmax(left_ms, 1);
	wait->done_s = reply->done_s;
}

static int job_ended(struct job_wait *wait, const Mixd__V1__JobReply *reply)
{
	struct mixctl *m = wait->m;

	job_wipe(&wait->painted);
	if (reply->state == MIXD__V1__JOB_STATE__JOB_DONE)
		return reply->negative ? EXIT_NO : EXIT_YES;
	return mixctl_error(m, (int)reply->failure_code, reply->failure_address,
			    reply->failure_hint, "%s", reply->failure_text);
}

/* The result, piece by piece, to standard output; then the exit code. */
static int job_follow(struct job_wait *wait)
{
	for (;;) {
		Mixd__V1__Reply *answer;
		const Mixd__V1__JobReply *reply = job_ask(wait, &answer);
		bool is_over;
		int code = 0;

		if (!reply) {
			job_wipe(&wait->painted);
			return EXIT_RESOURCE;
		}
		job_show(wait, reply);
		job_plan(wait, reply);
		is_over = reply->state != MIXD__V1__JOB_STATE__JOB_RUNNING;
		if (is_over) {
			job_wipe(&wait->painted);
			fputs(reply->result, stdout);
			wait->result_seen += strlen(reply->result);
			code = job_ended(wait, reply);
			is_over = reply->n_notes == 0 && wait->result_seen >= reply->result_size;
		}
		mixd_client_reply_free(answer);
		if (is_over)
			return code;
		if (job_interrupts && !wait->is_cancelled)
			job_cancel(wait);
		else if (code == 0)
			nanosleep(&(struct timespec){0, (long)(1e6 * wait->pause_ms)}, NULL);
	}
}

static bool job_start(struct mixctl *m, const struct job_line *line, uint64_t *ret_job)
{
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;
	Mixd__V1__StartJob start = MIXD__V1__START_JOB__INIT;
	char *folder = getcwd(NULL, 0);
	Mixd__V1__Reply *reply;

	start.verb = (char *)(uintptr_t)line->verb->name;
	start.args = line->args;
	start.n_args = line->n_args;
	start.options = line->options;
	start.n_options = line->n_options;
	start.folder = folder ? folder : (char *)(uintptr_t) "/";
	start.format = (char *)(uintptr_t)format_names[mixctl_format(m, FORMAT_TABLE)];
	request.op_case = MIXD__V1__REQUEST__OP_START_JOB;
	request.start_job = &start;
	reply = mixctl_request(m, &request);
	free(folder);
	if (!reply)
		return false;
	*ret_job = reply->start_job->job;
	mixd_client_reply_free(reply);
	return true;
}

int job_main(struct mixctl *m, const struct mixd_job_verb *verb, int argc, char **argv)
{
	struct sigaction action = {.sa_handler = job_interrupted};
	struct job_wait wait = {.m = m};
	struct job_line line;
	int code = EXIT_RESOURCE;

	if (!job_parse(m, verb, argc, argv, &line) || !job_check_letters(m, &line))
		return mixctl_fail(m);
	if (m->options.help) {
		job_help(verb);
		return EXIT_YES;
	}
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	job_catch_hangup(&action);
	if ((m->options.host || m->options.instance || job_daemon_start(m)) &&
	    job_start(m, &line, &wait.job))
		code = job_follow(&wait);
	if (m->err.code ==
	    MIXD_CLIENT_UNAVAILABLE) /* who waits for it knows better what happened */
		for (int i = 0; i < JOB_DEATH_MS && job_daemon_lives(m); i++)
			nanosleep(&(struct timespec){0, 1000000}, NULL);
	mixd_client_free(m->client);
	m->client = NULL;
	job_daemon_stop();
	if (code > EXIT_NO)
		return mixctl_fail(m);
	return code;
}
