/* batch_slurm.c - items by a job array of Slurm: sbatch(1), squeue(1), scancel(1), scontrol(1).
 *
 * A task of the array is `mixctl batch` again, on a node of the farm, for the items whose ids it is
 * given, with a journal of its own on the file system that all nodes share. We look at the states of
 * tasks and read their journals. A task that is gone and left no word of an item has lost it: that item
 * has failed, and the next run tries it again. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "batch.h"
#include "cleanup.h"

#define SLURM_LOOK_MS 1000
#define SLURM_TASKS_MAX 1000u /* where scontrol does not say otherwise; Slurm's own default */
#define SLURM_DEAF_S 120.0 /* a controller that is restarted is back by then */
#define SLURM_CANCEL_S 60.0

extern char **environ;

struct slurm {
	struct batch_run *run;
	char *folder; /* of this run: what tasks are given, what they say */
	char *program, *cwd;
	char id[32]; /* of the array */
	uint32_t n_tasks;
	char (*state)[24]; /* of task i + 1; "" before it was seen */
	double heard_s, cancelled_s; /* 0: not */
};

/* ---- Slurm's commands ----------------------------------------------------------------------- */

static char *slurm_said(int fd)
{
	off_t size = lseek(fd, 0, SEEK_END);
	char *text = calloc(1, (size_t)(size > 0 ? size : 0) + 1);

	if (text && size > 0 && pread(fd, text, (size_t)size, 0) != size)
		text[0] = '\0';
	return text;
}

/* Run it to its end; *ret_out and *ret_err: what it said, malloc'd. Its exit code, or -errno. */
static int slurm_call(char *const *argv, char **ret_out, char **ret_err)
{
	_cleanup_close_ int out = memfd_create("out", MFD_CLOEXEC);
	_cleanup_close_ int err = memfd_create("err", MFD_CLOEXEC);
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int status = 0, r;
	sigset_t none;
	pid_t pid;

	sigemptyset(&none);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, out, 1);
	posix_spawn_file_actions_adddup2(&actions, err, 2);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	r = -posix_spawnp(&pid, argv[0], &actions, &attributes, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	if (r < 0)
		return r;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	*ret_out = slurm_said(out);
	*ret_err = slurm_said(err);
	if (!*ret_out || !*ret_err)
		return -ENOMEM;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static char *slurm_word(const char *word)
{
	return (char *)(uintptr_t)word; /* posix_spawn(3) does not write to it */
}

static int slurm_missing(const char *program, int error, struct mixd_error *err)
{
	error_set(err, ERROR_RESOURCE, program,
		  error == ENOENT ? "is not installed here" : "cannot start: %s", strerror(error));
	error_hint(err, "run it where Slurm's commands are in $PATH, or without --engine");
	return -EIO;
}

/* The first index that an array cannot have. */
static uint32_t slurm_tasks_max(void)
{
	char *const argv[] = {slurm_word("scontrol"), slurm_word("show"), slurm_word("config"),
			      NULL};
	_cleanup_free_ char *out = NULL, *err = NULL;
	unsigned size = 0;
	char *at;

	if (slurm_call(argv, &out, &err) == 0 && (at = strstr(out, "MaxArraySize")) &&
	    sscanf(at, "MaxArraySize = %u", &size) == 1 && size > 1)
		return size - 1;
	return SLURM_TASKS_MAX;
}

/* States of the array's tasks. 0, or 1: nobody knows it any more; -EAGAIN: no answer. */
static int slurm_ask(struct slurm *slurm)
{
	char *const argv[] = {slurm_word("squeue"),	    slurm_word("--noheader"),
			      slurm_word("--array"),	    slurm_word("--states=all"),
			      slurm_word("--jobs"),	    slurm->id,
			      slurm_word("--format=%K %T"), NULL};
	_cleanup_free_ char *out = NULL, *err = NULL;
	int r = slurm_call(argv, &out, &err);
	char *line, *rest = out;

	if (r != 0)
		return err && strstr(err, "Invalid job id") ? 1 : -EAGAIN;
	if (!*out)
		return 1;
	while ((line = strsep(&rest, "\n"))) {
		char state[24];
		unsigned task;

		if (sscanf(line, "%u %23s", &task, state) == 2 && task >= 1 &&
		    task <= slurm->n_tasks)
			memcpy(slurm->state[task - 1], state, sizeof(state));
	}
	return 0;
}

static bool slurm_is_over(const char *state)
{
	static const char *const over[] = {"COMPLETED",	    "FAILED",	 "CANCELLED", "TIMEOUT",
					   "NODE_FAIL",	    "PREEMPTED", "BOOT_FAIL", "DEADLINE",
					   "OUT_OF_MEMORY", "REVOKED"};

	for (size_t i = 0; i < sizeof(over) / sizeof(over[0]); i++)
		if (strcmp(state, over[i]) == 0)
			return true;
	return false;
}

/* ---- what tasks are given ------------------------------------------------------------------- */

static FILE *slurm_file(const struct slurm *slurm, const char *name, const char *mode)
{
	_cleanup_free_ char *path = NULL;

	return asprintf(&path, "%s/%s", slurm->folder, name) < 0 ? NULL : fopen(path, mode);
}

/* TEXT in quotes of a shell. */
static void slurm_quote(FILE *file, const char *text)
{
	fputc('\'', file);
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\'", file);
		fputc(*text, file);
	}
	fputs("' ", file);
}

static int slurm_write_script(const struct slurm *slurm)
{
	static const char *const same[] = {"verb", "output", "jobs"};
	struct job *job = slurm->run->job;
	FILE *file = slurm_file(slurm, "task.sh", "we");

	if (!file)
		return -errno;
	fputs("#!/bin/sh\n# One task of `mixctl batch --engine slurm`.\nexec ", file);
	slurm_quote(file, slurm->program);
	fputs("batch ", file);
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		if (job_text(job, same[i], NULL)) {
			fprintf(file, "--%s ", same[i]);
			slurm_quote(file, job_text(job, same[i], NULL));
		}
	fputs(job_flag(job, "force") ? "--force --journal " : "--journal ", file);
	slurm_quote(file, slurm->run->list->journal);
	fputs("--only ", file);
	slurm_quote(file, slurm->folder);
	fseek(file, -1, SEEK_CUR); /* the path goes on */
	fputs("/\"$SLURM_ARRAY_TASK_ID.items\" "
	      "--task \"$SLURM_ARRAY_JOB_ID-$SLURM_ARRAY_TASK_ID\" -- ",
	      file);
	slurm_quote(file, job_arg(job, 0));
	fputc('\n', file);
	return fclose(file) == 0 ? 0 : -errno;
}

/* Item i goes to task i modulo n: lists are often sorted by length. */
static int slurm_write_items(const struct slurm *slurm)
{
	for (uint32_t task = 0; task < slurm->n_tasks; task++) {
		char name[32];
		FILE *file;

		snprintf(name, sizeof(name), "%u.items", task + 1);
		file = slurm_file(slurm, name, "we");
		if (!file)
			return -errno;
		for (uint32_t i = task; i < slurm->run->n_todo; i += slurm->n_tasks)
			fprintf(file, "%016" PRIx64 "\n", slurm->run->todo[i]->id);
		if (fclose(file) != 0)
			return -errno;
	}
	return 0;
}

/* With the array's id: a task of an earlier one, on a node that was thought dead, may still write its own. */
static char *slurm_task_journal(const struct slurm *slurm, uint32_t task)
{
	char *path;

	return asprintf(&path, "%s.task-%s-%u", slurm->run->list->journal, slurm->id, task + 1) < 0
		       ? NULL
		       : path;
}

/* What an earlier array has finished is kept, whether anybody waited for it or not. */
static int slurm_absorb(const struct slurm *slurm, struct mixd_error *err)
{
	const char *journal = slurm->run->list->journal, *slash = strrchr(journal, '/');
	_cleanup_free_ char *folder = strndup(journal, (size_t)(slash - journal) + 1);
	DIR *dir = folder ? opendir(folder) : NULL;
	const struct dirent *entry;
	size_t size = strlen(slash + 1);
	int r = folder ? 0 : error_no_memory(err);

	while (r == 0 && dir && (entry = readdir(dir))) {
		_cleanup_free_ char *path = NULL;

		if (strncmp(entry->d_name, slash + 1, size) != 0 ||
		    strncmp(entry->d_name + size, ".task-", 6) != 0)
			continue;
		if (asprintf(&path, "%s%s", folder, entry->d_name) < 0)
			r = error_no_memory(err);
		else
			r = batch_journal_absorb(slurm->run->journal, path, err);
		if (r == 0)
			unlink(path);
	}
	if (dir)
		closedir(dir);
	return r;
}

/* Lists, logs and the script; the folder, when nobody put more into it. */
static void slurm_forget(const struct slurm *slurm)
{
	DIR *dir = opendir(slurm->folder);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		const char *dot = strrchr(entry->d_name, '.');

		if (strcmp(entry->d_name, "job") == 0 || strcmp(entry->d_name, "task.sh") == 0 ||
		    (dot && (strcmp(dot, ".items") == 0 || strcmp(dot, ".log") == 0)))
			unlinkat(dirfd(dir), entry->d_name, 0);
	}
	if (dir)
		closedir(dir);
	rmdir(slurm->folder);
}

/* ---- the array ------------------------------------------------------------------------------ */

/* An array of an earlier run that is still at work would do the same items. */
static int slurm_refuse_second(struct slurm *slurm, struct mixd_error *err)
{
	FILE *file = slurm_file(slurm, "job", "re");
	struct slurm before = {.n_tasks = 100000};
	bool is_at_work = false;

	if (!file)
		return 0;
	if (fscanf(file, "%31s", before.id) != 1)
		before.id[0] = '\0';
	fclose(file);
	before.state = calloc(before.n_tasks, sizeof(*before.state));
	if (!before.state)
		return error_no_memory(err);
	if (*before.id && slurm_ask(&before) == 0)
		for (uint32_t i = 0; i < before.n_tasks; i++)
			is_at_work |= before.state[i][0] && !slurm_is_over(before.state[i]);
	free(before.state);
	if (!is_at_work)
		return 0;
	error_set(err, ERROR_CONFLICT, slurm->folder, "job %s of an earlier run is still at work",
		  before.id);
	error_hint(err, "wait for it (squeue -j %s), or end it: scancel %s", before.id, before.id);
	return -EBUSY;
}

static int slurm_prepare(struct slurm *slurm, struct mixd_error *err)
{
	uint32_t most = slurm_tasks_max();
	int r;

	slurm->program = batch_mixctl_path();
	slurm->cwd = job_path(slurm->run->job, ".");
	if (!slurm->program || !slurm->cwd ||
	    asprintf(&slurm->folder, "%s.slurm", slurm->run->list->journal) < 0)
		return error_no_memory(err);
	slurm->n_tasks = slurm->run->n_todo < most ? slurm->run->n_todo : most;
	slurm->state = calloc(slurm->n_tasks, sizeof(*slurm->state));
	if (!slurm->state)
		return error_no_memory(err);
	r = slurm_refuse_second(slurm, err);
	if (r < 0)
		return r;
	r = slurm_absorb(slurm, err);
	if (r < 0)
		return r;
	slurm_forget(slurm); /* what an earlier run left */
	if (mkdir(slurm->folder, 0777) < 0 && errno != EEXIST)
		r = -errno;
	if (r == 0)
		r = slurm_write_script(slurm);
	if (r == 0)
		r = slurm_write_items(slurm);
	return r < 0 ? error_set(err, ERROR_RESOURCE, slurm->folder, "cannot be written: %s",
				 strerror(-r))
		     : 0;
}

static int slurm_argv(const struct slurm *slurm, struct batch_words *argv, struct mixd_error *err)
{
	_cleanup_free_ char *array = NULL, *output = NULL, *chdir = NULL, *script = NULL;
	const char *more = job_text(slurm->run->job, "engine-options", "");
	int r;

	if (asprintf(&array, "--array=1-%u", slurm->n_tasks) < 0 ||
	    asprintf(&output, "--output=%s/%%a.log", slurm->folder) < 0 ||
	    asprintf(&chdir, "--chdir=%s", slurm->cwd) < 0 ||
	    asprintf(&script, "%s/task.sh", slurm->folder) < 0)
		return error_no_memory(err);
	{
		const char *const words[] = {"sbatch", "--parsable", "--job-name=mixd",
					     array,    output,	     chdir};

		for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
			if (batch_words_add(argv, words[i]) < 0)
				return error_no_memory(err);
	}
	r = batch_words_split(argv, more, err);
	if (r == 0 && batch_words_add(argv, script) < 0)
		r = error_no_memory(err);
	return r;
}

static int slurm_submit(struct slurm *slurm, struct mixd_error *err)
{
	_cleanup_free_ char *out = NULL, *said = NULL;
	struct batch_words argv = {0};
	int r = slurm_argv(slurm, &argv, err);
	FILE *file;

	if (r == 0)
		r = slurm_call(argv.word, &out, &said);
	batch_words_done(&argv);
	if (r < 0)
		return out ? r : slurm_missing("sbatch", -r, err);
	if (r > 0 || sscanf(out, "%31[0-9]", slurm->id) != 1) {
		said[strcspn(said, "\n")] = '\0';
		error_set(err, ERROR_RESOURCE, "sbatch", "%s",
			  *said ? said : "did not take the job");
		error_hint(err, "nothing was done; --engine-options are given to sbatch");
		return -EIO;
	}
	file = slurm_file(slurm, "job", "we");
	if (file) {
		fprintf(file, "%s\n", slurm->id);
		fclose(file);
	}
	job_note(slurm->run->job, "slurm", "job %s: %u items in %u tasks", slurm->id,
		 slurm->run->n_todo, slurm->n_tasks);
	slurm->heard_s = batch_now_s();
	return 0;
}

/* ---- what became of it ---------------------------------------------------------------------- */

static int slurm_lost(struct slurm *slurm, struct batch_item *item, uint32_t task,
		      struct mixd_error *err)
{
	const char *state = slurm->state[task];

	item->state = slurm->cancelled_s > 0 ? BATCH_CANCELLED : BATCH_FAILED;
	item->exit_code = ERROR_RESOURCE;
	error_set(&item->error, ERROR_RESOURCE, "", "its task %s_%u ended as %s", slurm->id,
		  task + 1, *state ? state : "unknown");
	error_hint(&item->error, "see %s/%u.log; the next run tries it again", slurm->folder,
		   task + 1);
	return batch_run_ended(slurm->run, item, err);
}

/* What the task's journal says of its items; with IS_OVER, that is all that there will be. */
static int slurm_gather(struct slurm *slurm, uint32_t task, bool is_over, struct mixd_error *err)
{
	_cleanup_free_ char *path = slurm_task_journal(slurm, task);
	struct batch_journal *journal = NULL;
	struct mixd_error unread = {0};
	int r = 0;

	if (!path)
		return error_no_memory(err);
	if (access(path, R_OK) == 0)
		(void)batch_journal_open(path, "", true, &journal, &unread);
	for (uint32_t i = task; r == 0 && i < slurm->run->n_todo; i += slurm->n_tasks) {
		struct batch_item *item = slurm->run->todo[i];
		const json_t *record = journal ? batch_journal_last(journal, item->id) : NULL;

		if (item->state != BATCH_WAITING)
			continue;
		if (record) {
			batch_record_take(record, item);
			r = batch_journal_add(slurm->run->journal, json_deep_copy(record), err);
			batch_run_say(slurm->run, item);
		} else if (is_over) {
			r = slurm_lost(slurm, item, task, err);
		}
	}
	batch_journal_free(journal);
	return r;
}

static int slurm_gather_all(struct slurm *slurm, bool is_gone, uint32_t *ret_working,
			    struct mixd_error *err)
{
	int r = 0;

	*ret_working = 0;
	for (uint32_t task = 0; r == 0 && task < slurm->n_tasks; task++) {
		bool is_over = is_gone || slurm_is_over(slurm->state[task]);

		*ret_working += !is_over;
		if (is_over || *slurm->state[task] != 'P') /* not those that are pending */
			r = slurm_gather(slurm, task, is_over, err);
	}
	batch_run_progress(slurm->run, 0);
	return r;
}

static void slurm_cancel(struct slurm *slurm)
{
	char *const argv[] = {slurm_word("scancel"), slurm->id, NULL};
	_cleanup_free_ char *out = NULL, *err = NULL;

	if (slurm->cancelled_s > 0)
		return;
	slurm->cancelled_s = batch_now_s();
	if (slurm_call(argv, &out, &err) != 0)
		job_warn(slurm->run->job, "scancel", "%s", err && *err ? err : "failed");
}

static int slurm_wait(struct slurm *slurm, struct mixd_error *err)
{
	struct task *task = job_task(slurm->run->job);
	uint32_t n_working = slurm->n_tasks;
	int r = 0;

	while (r == 0 && n_working > 0) {
		int answer;
		bool is_gone;

		for (int i = 0; i < 10 && !(task_is_cancelled(task) && !slurm->cancelled_s); i++)
			poll(NULL, 0, SLURM_LOOK_MS / 10);
		if (task_is_cancelled(task))
			slurm_cancel(slurm);
		answer = slurm_ask(slurm);
		if (answer >= 0)
			slurm->heard_s = batch_now_s();
		is_gone = answer == 1 || (slurm->cancelled_s > 0 &&
					  batch_now_s() - slurm->cancelled_s > SLURM_CANCEL_S);
		r = slurm_gather_all(slurm, is_gone, &n_working, err);
		if (r == 0 && batch_now_s() - slurm->heard_s > SLURM_DEAF_S) {
			r = error_set(err, ERROR_RESOURCE, "squeue",
				      "Slurm has not answered for two minutes");
			error_hint(err, "job %s goes on; the same command later takes what it did",
				   slurm->id);
		}
	}
	return r;
}

int batch_run_slurm(struct batch_run *run, struct mixd_error *err)
{
	struct slurm slurm = {.run = run};
	uint32_t n_lost = 0;
	int r = slurm_prepare(&slurm, err);

	if (r == 0)
		r = slurm_submit(&slurm, err);
	if (r == 0)
		r = slurm_wait(&slurm, err);
	for (uint32_t i = 0; i < run->n_todo; i++)
		n_lost +=
			run->todo[i]->state == BATCH_FAILED || run->todo[i]->state == BATCH_WAITING;
	if (r == 0)
		r = slurm_absorb(&slurm, err);
	if (slurm.state && (!*slurm.id ? r != -EBUSY : r == 0 && n_lost == 0))
		slurm_forget(&slurm);
	if (r == 0 && task_is_cancelled(job_task(run->job)))
		r = batch_run_interrupted(run, err);
	free(slurm.folder);
	free(slurm.program);
	free(slurm.cwd);
	free(slurm.state);
	return r;
}
