/* measure_many.c - see measure_many.h. */
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "measure_many.h"

#define MANY_THREADS_MAX 64u

/* ---- options -------------------------------------------------------------------------------- */

int measure_set_init(struct measure_set *set, struct job *job, struct mixd_error *err)
{
	int r;

	memset(set, 0, sizeof(*set));
	measure_options_init(&set->options);
	set->options.dual_mono = job_flag(job, "dual-mono");
	set->options.start_s = job_number(job, "start", 0.0);
	set->options.end_s = job_number(job, "end", 0.0);
	set->item = calloc(job_n_args(job) + 1, sizeof(*set->item));
	if (!set->item)
		return error_no_memory(err);
	for (uint32_t k = 0; k < job_n_args(job); k++)
		set->item[set->n_items++].name = job_arg(job, k);
	r = speech_option_read(job, job_text(job, "speech", NULL), &set->speech, err);
	set->options.speech = set->speech.range;
	set->options.n_speech = set->speech.n_ranges;
	set->options.detect_speech = set->speech.is_detected;
	return r;
}

void measure_set_done(struct measure_set *set)
{
	for (uint32_t k = 0; k < set->n_items; k++)
		if (set->item[k].is_measured)
			measure_result_done(&set->item[k].result);
	free(set->item);
	speech_option_done(&set->speech);
	memset(set, 0, sizeof(*set));
}

/* ---- many at once --------------------------------------------------------------------------- */

struct many_file {
	struct many *many;
	struct task task;
	double done_s, total_s;
	bool is_over;
};
struct many {
	struct measure_set *set;
	struct job *job;
	struct many_file *file;
	/* --- shared: under lock --- */
	pthread_mutex_t lock;
	uint32_t next;
	bool is_cancelled;
};

/* Of the whole: files that have not begun are as long as the mean of the others. */
static void many_tell(struct many *many)
{
	double done = 0.0, known = 0.0;
	uint32_t n_known = 0;

	for (uint32_t k = 0; k < many->set->n_items; k++) {
		done += many->file[k].done_s;
		if (many->file[k].is_over || many->file[k].total_s > 0.0) {
			known += many->file[k].total_s;
			n_known++;
		}
	}
	task_progress(job_task(many->job), done,
		      n_known ? known / n_known * many->set->n_items : 0.0);
}

static void many_progress(void *data, double done_s, double total_s)
{
	struct many_file *file = data;

	if (task_is_cancelled(job_task(file->many->job)))
		task_cancel(&file->task);
	pthread_mutex_lock(&file->many->lock);
	file->done_s = done_s;
	file->total_s = total_s;
	many_tell(file->many);
	pthread_mutex_unlock(&file->many->lock);
}

static int many_measure(struct many *many, uint32_t k)
{
	struct measure_item *item = &many->set->item[k];
	struct many_file *file = &many->file[k];
	_cleanup_free_ char *path = job_path(many->job, item->name);
	int r;

	file->many = many;
	file->task.progress = many_progress;
	file->task.data = file;
	if (!path)
		return error_no_memory(&item->error);
	r = measure_file(path, &many->set->options, &file->task, &item->result, &item->info,
			 &item->error);
	item->is_measured = r == 0;
	/* As the user called it. */
	if (r < 0)
		snprintf(item->error.address, sizeof(item->error.address), "%.150s", item->name);
	return r;
}

static void *many_thread(void *data)
{
	struct many *many = data;

	for (;;) {
		uint32_t k;
		int r;

		pthread_mutex_lock(&many->lock);
		k = many->next++;
		pthread_mutex_unlock(&many->lock);
		if (k >= many->set->n_items || task_is_cancelled(job_task(many->job)))
			return NULL;
		r = many_measure(many, k);
		pthread_mutex_lock(&many->lock);
		many->file[k].is_over = true;
		many->file[k].done_s = many->file[k].total_s;
		many->is_cancelled |= r == -ECANCELED;
		pthread_mutex_unlock(&many->lock);
	}
}

/* How many at a time: as asked, or as many as there are cores. */
static uint32_t many_threads(const struct measure_set *set, const struct job *job)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	double n = job_number(job, "jobs", cores > 0 ? (double)cores : 1.0);

	n = fmin(fmax(n, 1.0), MANY_THREADS_MAX);
	return (uint32_t)fmin(n, fmax(set->n_items, 1.0));
}

int measure_set_run(struct measure_set *set, struct job *job, struct mixd_error *err)
{
	_cleanup_free_ struct many_file *file = calloc(set->n_items + 1, sizeof(*file));
	struct many many = {.set = set, .job = job, .file = file};
	uint32_t n = many_threads(set, job), n_started = 0;
	pthread_t thread[MANY_THREADS_MAX];

	if (!file)
		return error_no_memory(err);
	pthread_mutex_init(&many.lock, NULL);
	job_stage(job, "measure", set->n_items == 1 ? set->item[0].name : NULL);
	/* This thread is one of them; without others it does all. */
	while (n_started + 1 < n &&
	       pthread_create(&thread[n_started], NULL, many_thread, &many) == 0)
		n_started++;
	many_thread(&many);
	for (uint32_t k = 0; k < n_started; k++)
		pthread_join(thread[k], NULL);
	pthread_mutex_destroy(&many.lock);
	if (many.is_cancelled || task_is_cancelled(job_task(job)))
		return error_set(err, ERROR_INTERRUPTED, NULL, "was interrupted");
	for (uint32_t k = 0; k < set->n_items; k++) {
		set->n_failed += !set->item[k].is_measured;
		if (set->item[k].is_measured)
			job_warn_of_streams(job, set->item[k].name, &set->item[k].info);
	}
	return 0;
}

bool measure_set_pool(const struct measure_set *set, struct measure_result *ret)
{
	_cleanup_free_ const struct measure_result **list = calloc(set->n_items + 1, sizeof(*list));
	uint32_t n = 0;

	for (uint32_t k = 0; list && k < set->n_items; k++)
		if (set->item[k].is_measured)
			list[n++] = &set->item[k].result;
	return n > 0 && measure_pool(list, n, ret) == 0;
}

int measure_set_fault(const struct measure_set *set, struct mixd_error *err)
{
	const struct measure_item *first = NULL;

	for (uint32_t k = set->n_items; k-- > 0;)
		if (!set->item[k].is_measured)
			first = &set->item[k];
	if (!first)
		return 0;
	if (set->n_items == 1) {
		*err = first->error;
		return -EIO;
	}
	error_set(err, ERROR_RESOURCE, first->name, "%.200s%s", first->error.text,
		  set->n_failed > 1 ? " (and others)" : "");
	error_hint(err, "%u of %u files could not be measured", set->n_failed, set->n_items);
	return -EIO;
}
