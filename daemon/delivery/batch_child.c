/* batch_child.c - one mixctl: a process of its own, so that a crash is the end of one item only. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "batch.h"
#include "cleanup.h"

#define CHILD_LINE_MAX (4u << 20) /* a result larger than this is not kept */
#define CHILD_STOP_MS 50
#define CHILD_STOP_LOOKS 20

double batch_now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- the program ---------------------------------------------------------------------------- */

static bool child_is_program(const char *path)
{
	struct stat st;

	return access(path, X_OK) == 0 && stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

char *batch_mixctl_path(void)
{
	static const char *const places[] = {"mixctl", "../clients/mixctl/mixctl"};
	const char *named = getenv("MIXCTL");
	char self[PATH_MAX], *slash, *path;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (named && *named)
		return strdup(named);
	self[n < 0 ? 0 : n] = '\0';
	slash = strrchr(self, '/');
	for (size_t i = 0; slash && i < sizeof(places) / sizeof(places[0]); i++) {
		if (asprintf(&path, "%.*s/%s", (int)(slash - self), self, places[i]) < 0)
			return NULL;
		if (child_is_program(path))
			return path;
		free(path);
	}
	return strdup("mixctl");
}

static bool child_says(const struct batch_item *item, const char *option)
{
	for (uint32_t i = 0; i < item->n_options; i++)
		if (strcmp(item->option[i].row->name, option) == 0)
			return true;
	return !mixd_job_option_find(item->verb, option);
}

/* mixctl VERB -o jsonl --OPTION=VALUE... -- WORD... */
static int child_argv(const struct batch_item *item, bool slim, struct batch_words *argv)
{
	static const char *const head[] = {"-o", "jsonl"};
	int r = batch_words_add(argv, "mixctl");

	if (r == 0)
		r = batch_words_add(argv, item->verb->name);
	for (size_t i = 0; r == 0 && i < sizeof(head) / sizeof(head[0]); i++)
		r = batch_words_add(argv, head[i]);
	for (uint32_t i = 0; r == 0 && i < item->n_options; i++) {
		const struct batch_option *option = &item->option[i];
		char *word;

		if (option->row->kind == MIXD_JOB_FLAG && strcmp(option->value, "on") != 0)
			continue;
		if (option->row->kind == MIXD_JOB_FLAG
			    ? asprintf(&word, "--%s", option->row->name) < 0
			    : asprintf(&word, "--%s=%s", option->row->name, option->value) < 0)
			return -ENOMEM;
		r = batch_words_add(argv, word);
		free(word);
	}
	if (r == 0 && slim && !child_says(item, "threads"))
		r = batch_words_add(argv, "--threads=1");
	if (r == 0 && slim && !child_says(item, "jobs"))
		r = batch_words_add(argv, "--jobs=1");
	if (r == 0)
		r = batch_words_add(argv, "--");
	for (uint32_t i = 0; r == 0 && i < item->args.n; i++)
		r = batch_words_add(argv, item->args.word[i]);
	return r;
}

/* ---- start ---------------------------------------------------------------------------------- */

/* In the child of a process with threads: system calls only. */
__attribute__((noreturn)) static void child_exec(const char *program, const char *folder,
						 char *const *argv, const int fd[3], pid_t parent,
						 int failed)
{
	struct sigaction plain = {.sa_handler = SIG_DFL};
	sigset_t none;
	int error;

	setpgid(0, 0); /* ^C at a terminal is for us; we end our children in order */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	sigemptyset(&none);
	pthread_sigmask(SIG_SETMASK, &none, NULL);
	sigaction(SIGPIPE, &plain, NULL);
	if (getppid() == parent && chdir(folder) == 0 && dup2(fd[0], 0) == 0 &&
	    dup2(fd[1], 1) == 1 && dup2(fd[2], 2) == 2 && fcntl(failed, F_SETFD, FD_CLOEXEC) == 0) {
		if (failed > 3)
			syscall(SYS_close_range, 3, failed - 1, 0);
		syscall(SYS_close_range, failed + 1, ~0u, 0);
		execvp(program, argv);
	}
	error = errno;
	if (write(failed, &error, sizeof(error)) < 0)
		_exit(127);
	_exit(127);
}

static int child_spawn(struct batch_child *child, const char *program, const char *folder,
		       char *const *argv)
{
	int out[2] = {-1, -1}, err[2] = {-1, -1}, failed[2] = {-1, -1}, error = 0;
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	pid_t parent = getpid();

	if (null < 0 || pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0 ||
	    pipe2(failed, O_CLOEXEC) < 0) {
		error = errno;
	} else {
		const int fd[3] = {null, out[1], err[1]};

		child->pid = fork();
		if (child->pid == 0)
			child_exec(program, folder, argv, fd, parent, failed[1]);
		error = child->pid < 0 ? errno : 0;
		close(failed[1]);
		failed[1] = -1;
		if (!error && read(failed[0], &error, sizeof(error)) == sizeof(error))
			waitpid(child->pid, NULL, 0);
	}
	closep(&null);
	closep(&out[1]);
	closep(&err[1]);
	closep(&failed[0]);
	closep(&failed[1]);
	if (error) {
		closep(&out[0]);
		closep(&err[0]);
		return -error;
	}
	child->out_fd = out[0];
	child->err_fd = err[0];
	fcntl(out[0], F_SETFL, O_NONBLOCK);
	fcntl(err[0], F_SETFL, O_NONBLOCK);
	return 0;
}

int batch_child_start(struct batch_child *child, struct batch_item *item, const char *program,
		      const char *folder, bool slim)
{
	struct batch_words argv = {0};
	int r = child_argv(item, slim, &argv);

	*child = (struct batch_child){.out_fd = -1, .err_fd = -1, .pid_fd = -1};
	if (r == 0)
		r = child_spawn(child, program, folder, argv.word);
	batch_words_done(&argv);
	if (r < 0) {
		item->exit_code = ERROR_RESOURCE;
		error_set(&item->error, ERROR_RESOURCE, program, "cannot start: %s", strerror(-r));
		error_hint(&item->error, "install mixctl beside mixd, or name it in $MIXCTL");
		return r;
	}
	child->item = item;
	child->began_s = batch_now_s();
	/* Without it (Linux before 5.3) the end is seen at the next look around. */
	child->pid_fd = (int)syscall(SYS_pidfd_open, child->pid, 0);
	return 0;
}

/* ---- what it says --------------------------------------------------------------------------- */

static void child_note(struct job *job, const struct batch_item *item, const json_t *event,
		       bool is_warning)
{
	const char *text = json_string_value(json_object_get(event, "text"));
	const char *about = json_string_value(json_object_get(event, "item"));
	bool has_about = about && *about && !strstr(item->name, about);

	if (!text)
		return;
	(is_warning ? job_warn : job_note)(job, item->name, "%s%s%s", has_about ? about : "",
					   has_about ? ": " : "", text);
}

static void child_line(struct batch_child *child, struct job *job, const char *line, size_t size)
{
	json_t *event = json_loadb(line, size, 0, NULL);
	const char *kind = json_string_value(json_object_get(event, "event"));
	double total_s = json_number_value(json_object_get(event, "total_s"));

	if (!json_is_object(event)) {
		json_decref(event);
		return;
	}
	if (!kind) {
		json_decref(child->item->result);
		child->item->result = json_incref(event);
	} else if (strcmp(kind, "progress") == 0 && total_s > 0) {
		double fraction = json_number_value(json_object_get(event, "done_s")) / total_s;

		if (fraction > child->fraction) /* a verb has several stages */
			child->fraction = fraction < 0.95 ? fraction : 0.95;
	} else if (strcmp(kind, "warning") == 0 || strcmp(kind, "note") == 0) {
		child_note(job, child->item, event, *kind == 'w');
	}
	json_decref(event);
}

static void child_take(struct batch_child *child, struct job *job, const char *text, size_t size)
{
	while (size > 0) {
		const char *end = memchr(text, '\n', size);
		size_t part = end ? (size_t)(end - text) : size;
		char *grown = child->line_size + part <= CHILD_LINE_MAX
				      ? realloc(child->line, child->line_size + part + 1)
				      : NULL;

		if (grown) {
			child->line = grown;
			memcpy(grown + child->line_size, text, part);
			child->line_size += part;
		}
		if (end) {
			child_line(child, job, child->line ? child->line : "", child->line_size);
			child->line_size = 0;
		}
		text += part + (end != NULL);
		size -= part + (end != NULL);
	}
}

/* The end of what it says counts: errors come last. */
static void child_take_words(struct batch_child *child, const char *text, size_t size)
{
	size_t room = sizeof(child->words) - 1;

	if (size > room) {
		text += size - room;
		size = room;
	}
	if (child->words_size + size > room) {
		size_t gone = child->words_size + size - room;

		memmove(child->words, child->words + gone, child->words_size - gone);
		child->words_size -= gone;
	}
	memcpy(child->words + child->words_size, text, size);
	child->words_size += size;
	child->words[child->words_size] = '\0';
}

void batch_child_hear(struct batch_child *child, struct job *job)
{
	int *const from[] = {&child->out_fd, &child->err_fd};
	char buf[16384];

	for (int i = 0; i < 2; i++) {
		ssize_t n = -1;

		while (*from[i] >= 0 && (n = read(*from[i], buf, sizeof(buf))) > 0) {
			if (i == 0)
				child_take(child, job, buf, (size_t)n);
			else
				child_take_words(child, buf, (size_t)n);
		}
		if (*from[i] >= 0 && n == 0) {
			close(*from[i]);
			*from[i] = -1;
		}
	}
}

/* ---- the end -------------------------------------------------------------------------------- */

static void child_text(const json_t *object, const char *key, char *buf, size_t size)
{
	const char *text = json_string_value(json_object_get(object, key));

	snprintf(buf, size, "%s", text ? text : "");
}

/* The last line of standard error that says something: an error as JSON, or any words. */
static void child_take_error(struct batch_child *child)
{
	struct mixd_error *error = &child->item->error;
	char *line, *rest = child->words;

	while ((line = strsep(&rest, "\n"))) {
		json_t *object;

		if (!*line)
			continue;
		object = json_loads(line, 0, NULL);
		if (json_is_string(json_object_get(object, "message"))) {
			child_text(object, "address", error->address, sizeof(error->address));
			child_text(object, "message", error->text, sizeof(error->text));
			child_text(object, "hint", error->hint, sizeof(error->hint));
		} else if (!object) {
			*error = (struct mixd_error){0};
			snprintf(error->text, sizeof(error->text), "%s", line);
		}
		json_decref(object);
	}
}

static bool child_failed(const json_t *object, const char *key)
{
	const char *state = json_string_value(json_object_get(object, key));

	return state && (strcmp(state, "fail") == 0 || strcmp(state, "unknown") == 0);
}

/* How many clauses RESULT does not say yes to; the words of the first one into *ret. */
static uint32_t child_why(const json_t *result, const char **ret)
{
	bool is_fault = child_failed(result, "state") || child_failed(result, "verdict");
	const char *text = json_string_value(json_object_get(result, "text")), *key;
	uint32_t n = 0;
	json_t *value;
	size_t i;

	if (is_fault && text) {
		*ret = *ret ? *ret : text;
		return 1;
	}
	json_object_foreach((json_t *)(uintptr_t)result, key, value) n += child_why(value, ret);
	json_array_foreach(result, i, value) n += child_why(value, ret);
	return n;
}

static void child_say_no(struct batch_item *item)
{
	const char *why = NULL;
	uint32_t n = child_why(item->result, &why);

	error_set(&item->error, ERROR_INVALID, "", "the answer is no");
	if (n > 1)
		error_hint(&item->error, "%.250s; and %u more", why, n - 1);
	else if (n)
		error_hint(&item->error, "%.300s", why);
}

static bool child_was_stopped(int status)
{
	if (WIFEXITED(status))
		return WEXITSTATUS(status) == ERROR_INTERRUPTED;
	return WTERMSIG(status) == SIGTERM || WTERMSIG(status) == SIGINT ||
	       WTERMSIG(status) == SIGHUP;
}

/* Who stops all of it, a terminal or a farm, tells items and batch in no order: if an item was stopped by
 * somebody else, we shall know in a moment whether we are to stop, too. Then it has not failed. */
static bool child_is_stopped_with_us(const struct batch_child *child, struct job *job, int status)
{
	if (!child_was_stopped(status))
		return false;
	for (int i = 0; i < CHILD_STOP_LOOKS && !task_is_cancelled(job_task(job)); i++)
		poll(NULL, 0, CHILD_STOP_MS);
	return task_is_cancelled(job_task(job));
}

static void child_judge(struct batch_child *child, struct job *job, int status)
{
	struct batch_item *item = child->item;

	item->error = (struct mixd_error){0};
	item->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	item->took_s = batch_now_s() - child->began_s;
	if (item->exit_code == 0) {
		item->state = BATCH_DONE;
		return;
	}
	item->state = item->exit_code == 1 ? BATCH_NEGATIVE : BATCH_FAILED;
	if (child->killed_s > 0 ? item->exit_code == ERROR_INTERRUPTED || !WIFEXITED(status)
				: child_is_stopped_with_us(child, job, status))
		item->state = BATCH_CANCELLED;
	if (WIFEXITED(status))
		child_take_error(child);
	else
		error_set(&item->error, ERROR_RESOURCE, "",
			  "its process was ended by signal %d (%s)", WTERMSIG(status),
			  strsignal(WTERMSIG(status)));
	if (!*item->error.text && item->state == BATCH_NEGATIVE)
		child_say_no(item);
	else if (!*item->error.text)
		error_set(&item->error, ERROR_RESOURCE, "", "ended with code %d and no words",
			  item->exit_code);
	item->error.code = (enum error_code)item->exit_code;
}

bool batch_child_ended(struct batch_child *child, struct job *job)
{
	int status = 0;
	pid_t pid = waitpid(child->pid, &status, WNOHANG);

	if (pid == 0 || (pid < 0 && errno == EINTR))
		return false;
	batch_child_hear(child, job);
	if (child->line_size > 0)
		child_line(child, job, child->line, child->line_size);
	child_judge(child, job, pid < 0 ? 127 << 8 : status);
	closep(&child->out_fd);
	closep(&child->err_fd);
	closep(&child->pid_fd);
	free(child->line);
	child->line = NULL;
	return true;
}

void batch_child_signal(const struct batch_child *child, int signo)
{
	kill(child->pid, signo);
}
