/* measure_many.h - what verbs that measure files share: their options, and many files at once.
 *
 * WHAT        The files of a job, measured side by side on all cores (`jobs` of them at a time), in
 *             the order in which they were named. A file that cannot be read is an item with an error;
 *             the others go on.
 * THREADS     the job's thread.
 * NOT HERE    one file: measure.h. */
#pragma once

#include "job.h"
#include "measure.h"
#include "speech_option.h"

struct measure_item {
	const char *name; /* as it was called; borrowed from the job */
	bool is_measured;
	struct measure_result result; /* owned by the set */
	struct media_info info;
	struct mixd_error error; /* why not */
};

struct measure_set {
	struct measure_options options; /* what: set it before measure_set_run() */
	struct speech_option speech; /* owned */
	struct measure_item *item; /* one per word of the job */
	uint32_t n_items, n_failed;
};

/* Reads `dual-mono`, `speech`, `start` and `end`, where the verb has them. -EINVAL and what a stem that
 * cannot be read says. measure_set_done() in any case. */
int measure_set_init(struct measure_set *set, struct job *job, struct mixd_error *err);
/* Measure all; tells progress of the stage "measure". -ECANCELED, -ENOMEM; bad files are counted. */
int measure_set_run(struct measure_set *set, struct job *job, struct mixd_error *err);
void measure_set_done(struct measure_set *set);
/* One as the others that could be measured taken together, or NULL when there is nothing to pool.
 * *RET: measure_result_done(). */
bool measure_set_pool(const struct measure_set *set, struct measure_result *ret);
/* After a run: the first fault, with how many there were; -errno. 0 when all went well. */
int measure_set_fault(const struct measure_set *set, struct mixd_error *err);
