/* task.h - long work, seen from inside: how far it is, and whether anybody still wants it.
 *
 * WHAT        Whatever takes longer than a blink takes a `struct task`, tells it how far it is and
 *             asks it whether to go on. A task may be NULL: nobody looks, nobody cancels.
 * THREADS     task_cancel() [any] and in a signal handler; the others: any thread of the work. */
#pragma once

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "error.h"

struct task {
	atomic_bool is_cancelled;
	/* Seconds of programme done, of how many (0: not known). Called often: must be cheap. May be
	 * NULL. */
	void (*progress)(void *data, double done_s, double total_s);
	void *data;
};

static inline void task_progress(struct task *task, double done_s, double total_s)
{
	if (task && task->progress)
		task->progress(task->data, done_s, total_s);
}

static inline void task_cancel(struct task *task)
{
	atomic_store(&task->is_cancelled, true);
}

static inline bool task_is_cancelled(struct task *task)
{
	return task && atomic_load_explicit(&task->is_cancelled, memory_order_relaxed);
}

/* 0, or -ECANCELED with *err filled: ask at least each 100 ms, and give up what was begun. */
static inline int task_check(struct task *task, struct mixd_error *err)
{
	if (!task_is_cancelled(task))
		return 0;
	error_set(err, ERROR_INTERRUPTED, NULL, "was interrupted; nothing was written");
	return -ECANCELED;
}
