/* job_series.c - mixctl series: what is remembered of a show. */
#include "jobs_list.h"

const struct mixd_job_verb mixd_job_series = {
	.name = "series",
	.words = "ls | show NAME | add NAME FILE... | rm NAME [EPISODE...]",
	.doc = "what the episodes of a show have sounded like so far",
	.more = "podcast and audiobook with --series NAME remember loudness, range and long-term "
		"spectrum of what they deliver, and warn when an episode drifts from the mean of "
		"the others: 1 LU in loudness, 2 LU in range or in its loudest three seconds, 3 dB "
		"in a third of an octave. add takes episodes that were delivered before.",
	.examples = "series ls\n"
		    "series show talk\n"
		    "series add talk ep1.mp3 ep2.mp3\n"
		    "series rm talk 'Episode 3'",
	.min_args = 1,
	.max_args = -1,
};
