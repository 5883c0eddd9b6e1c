/* job_measure.c - the verb `measure`. */
#include "job_rows.h"
#include "jobs_list.h"

static const struct mixd_job_option options[] = {
	{.name = "only",
	 .kind = MIXD_JOB_TEXT,
	 .value_name = "LIST",
	 .doc = "no more than these: loudness peaks levels faults spectrum dynamics series, with "
		"commas"},
	JOB_ROW_SPEECH(""),
	JOB_ROWS_MEASURING,
	{.name = "album",
	 .kind = MIXD_JOB_FLAG,
	 .doc = "also all files together, as one programme"},
	{.name = "start",
	 .kind = MIXD_JOB_SPAN,
	 .value_name = "TIME",
	 .doc = "begin here; times in the result are from here on",
	 .min = 0,
	 .max = 1e6},
	{.name = "end",
	 .kind = MIXD_JOB_SPAN,
	 .value_name = "TIME",
	 .doc = "and end here",
	 .min = 0,
	 .max = 1e6},
	JOB_ROW_DETAILS("everything about each file, as for a single one"),
	JOB_ROW_SERIES("warn where a file sounds unlike the episodes remembered under this name"),
	{.name = NULL},
};

const struct mixd_job_verb mixd_job_measure = {
	.name = "measure",
	.words = "FILE...",
	.doc = "loudness, true peak, levels, spectrum and faults of audio files",
	.more = "Loudness by ITU-R BS.1770 and EBU Tech 3341 and 3342, true peak between the "
		"samples, levels, room tone, stereo field, clipping, dropouts and clicks, "
		"bandwidth and effective bits, in one pass. Silence is -inf; a dash is a value "
		"that "
		"does not exist (a file shorter than 3 s has no short-term loudness). With -o json "
		"everything; `--only series` adds values at 10 Hz. Files that cannot be read are "
		"told, the others are measured, and the exit code is 8.",
	.examples = "measure master.wav # everything about one file\n"
		    "measure *.flac --album # a line for each, and the album\n"
		    "measure film.wav --speech dialogue.wav # dialogue loudness by a stem\n"
		    "measure a.wav --only loudness,peaks -o json # quickly, for a script\n"
		    "measure a.wav --report a.html # a page with plots",
	.min_args = 1,
	.max_args = -1,
	.options = options,
};
