/* speech_option.h - where dialogue is, as --speech says it.
 *
 * WHAT        "auto": the approximate detector of measure.h. "0:05-1:10,130-150": times. Anything
 *             else: a stem with the dialogue alone; where it sounds, there is speech.
 * THREADS     the job's. */
#pragma once

#include "job.h"
#include "measure.h"

struct speech_option {
	struct measure_range *range; /* owned */
	uint32_t n_ranges;
	bool is_detected;
};

/* TEXT NULL: nothing is said, and *ret is empty. */
int speech_option_read(struct job *job, const char *text, struct speech_option *ret,
		       struct mixd_error *err);
void speech_option_done(struct speech_option *speech);
