/* job_check.c - the verb `check`. */
#include "job_rows.h"
#include "jobs_list.h"

static const struct mixd_job_option options[] = {
	JOB_ROW_SPECS("what the files must meet (mixctl spec ls)"),
	JOB_ROW_SPEECH(" (the default)"),
	JOB_ROWS_MEASURING,
	{.name = "album",
	 .kind = MIXD_JOB_FLAG,
	 .doc = "the files are one album: players turn it up or down as a whole"},
	JOB_ROW_DETAILS("every clause of every file, also those that are met or do not count"),
	{.name = NULL},
};

const struct mixd_job_verb mixd_job_check = {
	.name = "check",
	.words = "FILE... --spec NAME",
	.doc = "whether files meet a delivery spec, clause by clause",
	.more = "Files are measured as they will be delivered: of an MP3 what it decodes to. Each "
		"clause "
		"has a verdict with the figure, the limit and what to do. A figure is rounded to "
		"the "
		"precision of its clause (0.1 LU or dB) before it is compared, and shown as it was "
		"compared. A clause that must be met and could not be measured is not met. What "
		"players "
		"will do with a programme is foretold, not judged. The exit code is 0 when all "
		"files meet "
		"all specs, 1 when one does not, 8 when one cannot be read.",
	.examples = "check ep42.mp3 --spec apple-podcasts # is it ready for delivery?\n"
		    "check chapters/*.mp3 --spec acx --report acx.html # with a page to send\n"
		    "check film.wav --spec netflix --speech dialogue.wav # dialogue by a stem\n"
		    "check a.wav --spec spotify --spec apple-music # several at once\n"
		    "check a.wav --spec ebu-r128 -o json # verdicts for a script",
	.min_args = 1,
	.max_args = -1,
	.options = options,
};
