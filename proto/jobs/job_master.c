/* job_master.c - mixctl master: one programme to one spec or to several. */
#include "job_rows.h"
#include "jobs_list.h"

static const struct mixd_job_option master_options[] = {
	{.name = "output",
	 .letter = 'o',
	 .kind = MIXD_JOB_PATH,
	 .value_name = "FILE",
	 .doc = "what to write, one for each --spec; {spec} stands for its name",
	 .repeats = true},
	JOB_ROW_SPECS("what it is to meet (mixctl spec ls)"),
	{.name = "session",
	 .letter = 's',
	 .kind = MIXD_JOB_PATH,
	 .value_name = "CHAIN.yaml",
	 .doc = "session with one input and one output that the programme runs through first"},
	{.name = "reference",
	 .kind = MIXD_JOB_PATH,
	 .value_name = "FILE",
	 .doc = "match colour and stereo width of this recording, and without --spec its loudness"},
	{.name = "strength",
	 .kind = MIXD_JOB_NUMBER,
	 .value_name = "PERCENT",
	 .doc = "how much of the difference in colour to the reference is made up (60)",
	 .unit = "%",
	 .min = 0,
	 .max = 100},
	{.name = "target",
	 .kind = MIXD_JOB_NUMBER,
	 .value_name = "LUFS",
	 .doc = "integrated loudness, in place of the spec's",
	 .unit = "LUFS",
	 .min = -60,
	 .max = 0},
	{.name = "ceiling",
	 .kind = MIXD_JOB_NUMBER,
	 .value_name = "DBTP",
	 .doc = "highest true peak of the decoded file, in place of the spec's",
	 .unit = "dBTP",
	 .min = -20,
	 .max = 0},
	JOB_ROWS_LIMITING,
	JOB_ROW_SPEECH(" (the default where a spec counts dialogue)"),
	JOB_ROW_RATE("sample rate of the output (that of the input, what the spec asks for, or one "
		     "that the format has); soxr VHQ"),
	JOB_ROWS_ENCODING,
	JOB_ROW_BEXT,
	JOB_ROW_REPORT("a page with figures, plots and verdicts of what was delivered"),
	JOB_ROW_THREADS,
	JOB_ROW_SEED,
	{0},
};

const struct mixd_job_verb mixd_job_master = {
	.name = "master",
	.words = "IN -o OUT --spec NAME [-s CHAIN.yaml]",
	.doc = "bring a programme to a delivery spec, and prove it on the decoded file",
	.more = "A gain where the peaks allow it, else drive into the true-peak limiter, until "
		"loudness is "
		"within 0.05 LU of the target and the true peak of the decoded file at or under "
		"the "
		"ceiling. Several specs share one pass of the chain. Exit code 1 when a clause of "
		"a spec "
		"is not met all the same. Tags, chapters and cue points, the picture and the "
		"broadcast "
		"extension are those of IN, unless an option says something else.",
	.examples = "master mix.wav -o master.wav --spec ebu-r128\n"
		    "master mix.wav -o '{spec}.flac' --spec spotify --spec apple-music -s "
		    "chain.yaml\n"
		    "master talk.wav -o talk.mp3 --spec apple-podcasts --bitrate 128 --tag "
		    "TITLE='Talk'\n"
		    "master mix.wav -o like.wav --reference that.flac",
	.min_args = 1,
	.max_args = 1,
	.options = master_options,
};
