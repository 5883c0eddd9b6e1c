/* job_measure.c - the verb `measure`. */
#include "jobs_list.h"

static const struct mixd_job_option options[] = {
	{.name = "only",
	 .kind = MIXD_JOB_TEXT,
	 .value_name = "LIST",
	 .doc = "no more than these: loudness peaks levels faults spectrum dynamics series, with "
		"commas"},
	{.name = "dual-mono",
	 .kind = MIXD_JOB_FLAG,
	 .doc = "a mono file is heard from two loudspeakers: it counts twice, +3.01 LU"},
	{.name = "speech",
	 .kind = MIXD_JOB_TEXT,
	 .value_name = "WHERE",
	 .doc = "dialogue loudness: a STEM of the dialogue, ranges as 10s-25s,1:02-1:30, or auto"},
	{.name = "album",
	 .kind = MIXD_JOB_FLAG,
	 .doc = "also all files together, as one programme"},
	{.name = "start",
	 .kind = MIXD_JOB_SPAN,
	 .value_name = "TIME",
	 .doc = "begin here",
	 .min = 0,
	 .max = 1e6},
	{.name = "end",
	 .kind = MIXD_JOB_SPAN,
	 .value_name = "TIME",
	 .doc = "and end here",
	 .min = 0,
	 .max = 1e6},
	{.name = "jobs",
	 .kind = MIXD_JOB_NUMBER,
	 .value_name = "N",
	 .doc = "files at a time (as many as there are cores)",
	 .min = 1,
	 .max = 64},
	{.name = "details",
	 .letter = 'v',
	 .kind = MIXD_JOB_FLAG,
	 .doc = "everything about each file, as for a single one"},
	{.name = "report",
	 .kind = MIXD_JOB_PATH,
	 .value_name = "FILE.html",
	 .doc = "write a page with plots for people"},
	{.name = "plots",
	 .kind = MIXD_JOB_PATH,
	 .value_name = "DIR",
	 .doc = "write each plot as .svg and .png"},
	{.name = "series",
	 .kind = MIXD_JOB_TEXT,
	 .value_name = "NAME",
	 .doc = "warn where a file sounds unlike the episodes remembered under this name"},
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
