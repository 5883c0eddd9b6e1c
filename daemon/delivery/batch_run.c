/* batch_run.c - items on this machine, so many at a time; and what is done with each that has ended. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "batch.h"
#include "cleanup.h"

#define RUN_LOOK_MS 100
#define RUN_PATIENCE_S 15.0 /* from SIGTERM to SIGKILL */

struct run_here {
	struct batch_run *run;
	struct batch_child *child; /* n_slots */
	char *program;
	uint32_t next; /* of todo */
	bool is_stopping;
};

/* ---- what becomes of an item ---------------------------------------------------------------- */

bool batch_error_names_item(const struct batch_item *item)
{
	return strstr(item->name, item->error.address) || strstr(item->error.address, item->name);
}

void batch_run_say(struct batch_run *run, const struct batch_item *item)
{
	bool is_told = batch_error_names_item(item);

	if (item->state == BATCH_DONE)
		job_note(run->job, item->name, "done in %.1f s", item->took_s);
	else if (item->state != BATCH_CANCELLED)
		job_warn(run->job, item->name, "%s%s%s", is_told ? "" : item->error.address,
			 is_told ? "" : ": ", item->error.text);
}

static int run_key_again(struct batch_run *run, struct batch_item *item, bool reads,
			 struct mixd_error *err)
{
	struct batch_hasher *fresh = batch_hasher_new(run->list->folder, reads);
	int r = fresh ? batch_item_key(fresh, item, NULL, err) : error_no_memory(err);

	batch_hasher_free(fresh);
	return r;
}

/* It may have changed since the list was looked at. Files are read again only when stat() says so. */
static int run_check_inputs(struct batch_run *run, struct batch_item *item, struct mixd_error *err)
{
	char key[BATCH_HASH_SIZE], stamp[BATCH_HASH_SIZE];
	int r;

	memcpy(key, item->key, sizeof(key));
	memcpy(stamp, item->stamp, sizeof(stamp));
	r = run_key_again(run, item, false, err);
	if (r < 0 || strcmp(stamp, item->stamp) == 0)
		return r;
	r = run_key_again(run, item, true, err);
	if (r == 0 && strcmp(key, item->key) != 0) {
		job_warn(run->job, item->name,
			 "what it reads has changed meanwhile: the next run does it again");
		memcpy(item->key, key, sizeof(key));
	}
	return r;
}

int batch_run_ended(struct batch_run *run, struct batch_item *item, struct mixd_error *err)
{
	int r = item->state == BATCH_DONE ? run_check_inputs(run, item, err) : 0;

	if (r == 0 && item->state != BATCH_CANCELLED)
		r = batch_journal_add(run->journal, batch_record(item), err);
	batch_run_say(run, item);
	return r;
}

void batch_run_progress(struct batch_run *run, double working_s)
{
	uint32_t n_ended = 0, n_failed = 0;
	double done_s = working_s, total_s = 0;
	char text[160];

	for (uint32_t i = 0; i < run->n_todo; i++) {
		const struct batch_item *item = run->todo[i];

		total_s += item->weight_s;
		if (item->state == BATCH_WAITING)
			continue;
		done_s += item->weight_s;
		n_ended++;
		n_failed += item->state != BATCH_DONE;
	}
	snprintf(text, sizeof(text), n_failed ? "%u of %u, %u failed" : "%u of %u", n_ended,
		 run->n_todo, n_failed);
	job_item(run->job, text);
	task_progress(job_task(run->job), done_s, total_s);
}

/* ---- the folders that it writes to ---------------------------------------------------------- */

int batch_make_folders(const char *path)
{
	_cleanup_free_ char *folder = strdup(path);

	if (!folder)
		return -ENOMEM;
	for (char *p = folder + 1; (p = strchr(p, '/')); *p++ = '/') {
		*p = '\0';
		if (mkdir(folder, 0777) < 0 && errno != EEXIST)
			return -errno;
	}
	return 0;
}

/* An item that cannot have its folder has failed. */
static int run_make_folders(struct batch_item *item)
{
	for (uint32_t i = 0; i < item->outputs.n; i++) {
		int r = batch_make_folders(item->outputs.word[i]);

		if (r < 0) {
			item->exit_code = ERROR_RESOURCE;
			error_set(&item->error, ERROR_RESOURCE, item->outputs.word[i],
				  "its folder cannot be made: %s", strerror(-r));
			return r;
		}
	}
	return 0;
}

/* ---- places --------------------------------------------------------------------------------- */

static int run_start(struct run_here *here, struct batch_child *child, struct mixd_error *err)
{
	struct batch_run *run = here->run;
	struct batch_item *item = run->todo[here->next++];
	int r = run_make_folders(item);

	if (r == 0)
		r = batch_child_start(child, item, here->program, run->list->folder,
				      run->n_slots > 1);
	if (r == 0)
		return 0;
	item->state = BATCH_FAILED;
	child->item = NULL;
	return batch_run_ended(run, item, err);
}

static uint32_t run_n_working(const struct run_here *here)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < here->run->n_slots; i++)
		n += here->child[i].item != NULL;
	return n;
}

static void run_wait(struct run_here *here)
{
	struct pollfd *fds = calloc(3u * here->run->n_slots, sizeof(*fds));
	nfds_t n = 0;

	for (uint32_t i = 0; fds && i < here->run->n_slots; i++) {
		const struct batch_child *child = &here->child[i];

		if (!child->item)
			continue;
		if (child->out_fd >= 0)
			fds[n++] = (struct pollfd){child->out_fd, POLLIN, 0};
		if (child->err_fd >= 0)
			fds[n++] = (struct pollfd){child->err_fd, POLLIN, 0};
		if (child->pid_fd >= 0)
			fds[n++] = (struct pollfd){child->pid_fd, POLLIN, 0};
	}
	poll(fds, n, RUN_LOOK_MS);
	free(fds);
}

/* SIGTERM once, SIGKILL when that does not help. */
static void run_stop(struct run_here *here)
{
	double now_s = batch_now_s();

	here->is_stopping = true;
	for (uint32_t i = 0; i < here->run->n_slots; i++) {
		struct batch_child *child = &here->child[i];

		if (!child->item)
			continue;
		if (child->killed_s == 0) {
			child->killed_s = now_s;
			batch_child_signal(child, SIGTERM);
		} else if (now_s - child->killed_s > RUN_PATIENCE_S) {
			batch_child_signal(child, SIGKILL);
		}
	}
}

/* One look around; the first fault of the journal is kept in *err, and ends the batch. */
static int run_turn(struct run_here *here, struct mixd_error *err)
{
	struct batch_run *run = here->run;
	double working_s = 0;
	int r = 0;

	for (uint32_t i = 0; i < run->n_slots; i++) {
		struct batch_child *child = &here->child[i];
		struct batch_item *item = child->item;

		if (item) {
			batch_child_hear(child, run->job);
			if (batch_child_ended(child, run->job)) {
				child->item = NULL;
				r = r < 0 ? r : batch_run_ended(run, item, err);
			} else {
				working_s += child->fraction * item->weight_s;
			}
		}
		while (r == 0 && !child->item && !here->is_stopping && here->next < run->n_todo &&
		       !task_is_cancelled(job_task(run->job)))
			r = run_start(here, child, err);
	}
	batch_run_progress(run, working_s);
	return r;
}

int batch_run_interrupted(const struct batch_run *run, struct mixd_error *err)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < run->n_todo; i++)
		n += run->todo[i]->state == BATCH_DONE;
	error_set(err, ERROR_INTERRUPTED, "", "was interrupted; %u of %u items are done", n,
		  run->n_todo);
	error_hint(err, "the same command goes on from there");
	return -ECANCELED;
}

int batch_run_here(struct batch_run *run, struct mixd_error *err)
{
	struct run_here here = {.run = run, .program = batch_mixctl_path()};
	int r = 0;

	here.child = calloc(run->n_slots, sizeof(*here.child));
	if (!here.child || !here.program)
		r = error_no_memory(err);
	if (r == 0)
		r = run_turn(&here, err);
	while (here.child && run_n_working(&here) > 0) {
		int now;

		run_wait(&here);
		if (r < 0 || task_is_cancelled(job_task(run->job)))
			run_stop(&here);
		now = run_turn(&here, r < 0 ? NULL : err);
		r = r < 0 ? r : now;
	}
	for (uint32_t i = 0; i < run->n_todo; i++)
		if (run->todo[i]->state == BATCH_WAITING)
			run->todo[i]->state = BATCH_CANCELLED;
	if (r == 0 && task_is_cancelled(job_task(run->job)))
		r = batch_run_interrupted(run, err);
	free(here.child);
	free(here.program);
	return r;
}
