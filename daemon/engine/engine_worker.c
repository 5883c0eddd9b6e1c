/* engine_worker.c - the thread for what a node may not do in the audio thread: long work. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <time.h>

#include "engine_internal.h"

/* Some jobs have deadlines (the long partitions of a convolution), so the worker goes before all
 * that is not real-time, where that is allowed, and behind the audio thread, whose priority is 20
 * (rtkit) or 88 (a clock of its own). */
#define WORKER_PRIORITY 5

static bool worker_hurries(void)
{
	struct sched_param param = {.sched_priority = WORKER_PRIORITY};

	return pthread_setschedparam(pthread_self(), SCHED_FIFO | SCHED_RESET_ON_FORK, &param) == 0;
}

static void *worker_main(void *data)
{
	/* RLIMIT_RTTIME, which rtkit asks for, counts from sleep to sleep. */
	const struct timespec blink = {0, 1};
	struct engine *engine = data;
	bool hurries = worker_hurries();
	struct engine_job job;

	engine_flush_denormals(); /* the same bits as inline */

	for (;;) {
		while (sem_wait(&engine->worker_wake) < 0 && errno == EINTR)
			;
		while (ring_get(&engine->jobs, &job)) {
			job.inst->node_type->work(&job.inst->home.view, job.job);
			atomic_fetch_sub_explicit(&job.inst->jobs, 1, memory_order_release);
			if (hurries)
				nanosleep(&blink, NULL);
		}
		if (atomic_load(&engine->worker_quit))
			return NULL;
	}
}

int engine_worker_start(struct engine *engine)
{
	sigset_t all, old;
	int res;

	if (sem_init(&engine->worker_wake, 0, 0) < 0)
		return -errno;
	sigfillset(&all); /* signals belong to the main loop */
	pthread_sigmask(SIG_SETMASK, &all, &old);
	res = pthread_create(&engine->worker, NULL, worker_main, engine);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (res != 0) {
		sem_destroy(&engine->worker_wake);
		return -res;
	}
	engine->worker_runs = true;
	return 0;
}

void engine_worker_stop(struct engine *engine)
{
	if (!engine->worker_runs)
		return;
	atomic_store(&engine->worker_quit, true);
	sem_post(&engine->worker_wake);
	pthread_join(engine->worker, NULL);
	sem_destroy(&engine->worker_wake);
	engine->worker_runs = false;
}
