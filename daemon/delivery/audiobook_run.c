/* audiobook_run.c - chapters side by side, and each until its pauses are quiet; see audiobook.h. */
#include "audiobook.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cleanup.h"
#include "yaml_text.h"

#define RUN_THREADS_MAX 64u
#define RUN_ROUNDS_MAX 3u
#define RUN_LOOK_NS 100000000L
#define RUN_SPEECH_DB 6.0 /* how far the gain foretold, and an even room, may be off */

/* ---- side by side ------------------------------------------------------------------------------ */

struct run {
	struct book *book;
	int (*work)(struct book *book, struct book_chapter *chapter);
	/* --- shared: under lock --- */
	pthread_mutex_t lock;
	pthread_cond_t is_over;
	uint32_t next, n_over;
};

static int run_types(void *data, const struct graph_types **ret, struct mixd_error *err)
{
	return job_types(data, ret, err);
}

/* A job of its own for each chapter: they must not write into each other's progress. */
static int run_job(struct book *book, struct book_chapter *chapter, struct mixd_error *err)
{
	const struct job_request request = {.verb = "master",
					    .folder = "",
					    .format = "json",
					    .args = (const char *const[]){chapter->path},
					    .n_args = 1};
	const struct job_hooks hooks = {.types = run_types, .data = book->job};

	chapter->job = job_free(chapter->job);
	return job_new(&request, &hooks, &chapter->job, err);
}

static void *run_thread(void *data)
{
	struct run *run = data;

	for (;;) {
		struct book_chapter *chapter;

		pthread_mutex_lock(&run->lock);
		chapter =
			run->next < run->book->n_chapters ? &run->book->chapter[run->next++] : NULL;
		pthread_mutex_unlock(&run->lock);
		if (!chapter)
			return NULL;
		chapter->r = task_check(job_task(chapter->job), &chapter->error);
		if (chapter->r == 0)
			chapter->r = run->work(run->book, chapter);
		pthread_mutex_lock(&run->lock);
		run->n_over++;
		pthread_cond_signal(&run->is_over);
		pthread_mutex_unlock(&run->lock);
	}
}

/* What the chapters say together; and that nobody wants them any more. */
static void run_look(struct run *run, uint32_t n_over)
{
	struct book *book = run->book;
	double total = 0, done = 0;

	for (uint32_t i = 0; i < book->n_chapters; i++) {
		if (task_is_cancelled(job_task(book->job)))
			task_cancel(job_task(book->chapter[i].job));
		total += book->chapter[i].before.duration_s > 0 ? book->chapter[i].before.duration_s
								: 0;
	}
	done = total * n_over / fmax(1, book->n_chapters);
	task_progress(job_task(book->job), done, total);
}

static void run_wait(struct run *run)
{
	pthread_mutex_lock(&run->lock);
	while (run->n_over < run->book->n_chapters) {
		struct timespec until;
		uint32_t n_over = run->n_over;

		pthread_mutex_unlock(&run->lock);
		run_look(run, n_over);
		pthread_mutex_lock(&run->lock);
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += RUN_LOOK_NS;
		if (until.tv_nsec >= 1000000000L) {
			until.tv_nsec -= 1000000000L;
			until.tv_sec++;
		}
		if (run->n_over < run->book->n_chapters)
			pthread_cond_timedwait(&run->is_over, &run->lock, &until);
	}
	pthread_mutex_unlock(&run->lock);
}

/* Warnings and notes of a chapter, as they would be without it. */
static void run_relay(struct book *book, struct book_chapter *chapter)
{
	char item[160], text[320];
	bool is_warning;

	for (uint64_t i = 0;
	     job_note_at(chapter->job, i, &is_warning, item, sizeof(item), text, sizeof(text));
	     i++) {
		if (is_warning)
			job_warn(book->job, chapter->name, "%s", text);
		else
			job_note(book->job, chapter->name, "%s", text);
	}
}

int book_each(struct book *book, const char *stage, uint32_t n_threads,
	      int (*work)(struct book *book, struct book_chapter *chapter), struct mixd_error *err)
{
	struct run run = {.book = book, .work = work};
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	uint32_t n = n_threads ? n_threads : (uint32_t)(cores > 0 ? cores : 1), started = 0;
	pthread_t thread[RUN_THREADS_MAX];
	int r = 0;

	n = n < RUN_THREADS_MAX ? n : RUN_THREADS_MAX;
	n = n < book->n_chapters ? n : book->n_chapters;
	for (uint32_t i = 0; r == 0 && i < book->n_chapters; i++)
		r = run_job(book, &book->chapter[i], err);
	if (r < 0)
		return r;
	job_stage(book->job, stage, NULL);
	pthread_mutex_init(&run.lock, NULL);
	pthread_cond_init(&run.is_over, NULL);
	while (started < n && pthread_create(&thread[started], NULL, run_thread, &run) == 0)
		started++;
	if (started)
		run_wait(&run);
	else
		run_thread(&run);
	for (uint32_t i = 0; i < started; i++)
		pthread_join(thread[i], NULL);
	pthread_cond_destroy(&run.is_over);
	pthread_mutex_destroy(&run.lock);
	for (uint32_t i = 0; i < book->n_chapters; i++)
		run_relay(book, &book->chapter[i]);
	if (task_check(job_task(book->job), err) < 0)
		return -ECANCELED;
	for (uint32_t i = 0; i < book->n_chapters; i++)
		if (book->chapter[i].r < 0) {
			*err = book->chapter[i].error;
			return book->chapter[i].r;
		}
	return 0;
}

/* ---- one chapter ------------------------------------------------------------------------------- */

static int run_chain(struct book *book, struct book_chapter *chapter)
{
	const char *layout = book->n_channels == 1 ? "mono" : "stereo";
	char type[32], settings[256];
	char *text = NULL;
	size_t size;
	FILE *file;

	free(chapter->chain);
	chapter->chain = NULL;
	if (!voice_repair_is_needed(&chapter->repair) &&
	    chapter->info.n_channels == book->n_channels)
		return 0;
	file = open_memstream(&text, &size);
	if (!file)
		return error_no_memory(&chapter->error);
	/* A player brings any file to any layout. */
	fprintf(file, "mixd: 1\nnodes:\n  play: {type: player, layout: %s, clips: ", layout);
	yaml_text(file, chapter->path);
	fputs("}\n", file);
	for (uint32_t i = 0;
	     voice_repair_node(&chapter->repair, i, type, sizeof(type), settings, sizeof(settings));
	     i++)
		fprintf(file, "  n%u: {type: %s, %s}\n", i, type, settings);
	fprintf(file, "  out: {type: output, layout: %s}\nlinks: [play", layout);
	for (uint32_t i = 0;
	     voice_repair_node(&chapter->repair, i, type, sizeof(type), settings, sizeof(settings));
	     i++)
		fprintf(file, " -> n%u", i);
	fputs(" -> out]\n", file);
	if (fclose(file) != 0) {
		free(text);
		return error_no_memory(&chapter->error);
	}
	chapter->chain = text;
	return 0;
}

/* The quietest half second is louder than the room was in the recording: somebody speaks in it, and
 * no repair makes it quieter. */
bool book_has_no_pause(const struct book_chapter *chapter)
{
	double room_dbfs = chapter->tone.tone ? chapter->tone.tone_dbfs : -INFINITY;

	return isnan(chapter->goal.quietest_dbfs) &&
	       (chapter->repair.has_no_pause ||
		chapter->goal.result.noise_floor > room_dbfs + chapter->gain_db + RUN_SPEECH_DB);
}

/* How far the recording's own pauses are over the limit, below 0: under it. Room tone that was made
 * says nothing about them. */
static double run_excess(const struct book *book, const struct book_chapter *chapter)
{
	double floor_dbfs = chapter->goal.quietest_dbfs;

	if (book_has_no_pause(chapter))
		return -INFINITY;
	if (isnan(floor_dbfs))
		floor_dbfs = chapter->goal.result.noise_floor;
	return isfinite(floor_dbfs) ? floor_dbfs - book->limit_dbfs : -INFINITY;
}

static int run_once(struct book *book, struct book_chapter *chapter)
{
	struct master_request *request = &chapter->request;
	int r = run_chain(book, chapter);

	master_goal_done(&chapter->goal);
	master_request_done(request);
	master_request_init(request);
	master_goal_init(&chapter->goal);
	chapter->goal.spec = book->spec;
	chapter->goal.path = chapter->output;
	chapter->goal.target = book->target;
	chapter->goal.target.tags = &chapter->tags;
	request->input = chapter->path;
	request->name = chapter->name;
	request->chain = chapter->chain;
	request->chain_name = "repair";
	request->chain_plays = true;
	request->goal = &chapter->goal;
	request->n_goals = 1;
	request->n_threads = 1;
	request->seed = book->target.seed;
	request->is_forced = book->is_forced;
	request->max_limiting_db = book->max_limiting_db;
	chapter->n_rounds++;
	return r < 0 ? r : master_run(chapter->job, request, &chapter->error);
}

static int master_one(struct book *book, struct book_chapter *chapter)
{
	int r = run_once(book, chapter);

	while (r == 0 && book->repairs && chapter->n_rounds < RUN_ROUNDS_MAX &&
	       run_excess(book, chapter) > 0 &&
	       voice_repair_more(&chapter->repair, run_excess(book, chapter))) {
		job_note(chapter->job, chapter->name, "its pauses were %.1f dB too loud: once more",
			 run_excess(book, chapter));
		r = run_once(book, chapter);
	}
	chapter->is_mastered = r == 0;
	return r;
}

int book_master(struct book *book, struct mixd_error *err)
{
	const struct graph_types *types;
	int r = job_types(book->job, &types, err);

	return r < 0 ? r
		     : book_each(book, "master", (uint32_t)job_number(book->job, "jobs", 0),
				 master_one, err);
}
