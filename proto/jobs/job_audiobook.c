/* job_audiobook.c - mixctl audiobook: the chapters of a book inside a shop's rules. */
#include "job_rows.h"
#include "jobs_list.h"

static const char *const repairs[] = {"auto", "off", NULL};
static const char *const channels[] = {"auto", "mono", "stereo", NULL};

static const struct mixd_job_option audiobook_options[] = {
	{.name = "output",
	 .letter = 'o',
	 .kind = MIXD_JOB_PATH,
	 .value_name = "OUTDIR",
	 .doc = "folder for the chapters and the report; made when it is missing"},
	JOB_ROW_SPEC("what the chapters are to meet (acx)"),
	{.name = "title",
	 .kind = MIXD_JOB_TEXT,
	 .value_name = "TEXT",
	 .doc = "of the book: the tag ALBUM"},
	{.name = "author",
	 .kind = MIXD_JOB_TEXT,
	 .value_name = "NAME",
	 .doc = "who wrote it: ARTIST"},
	{.name = "narrator",
	 .kind = MIXD_JOB_TEXT,
	 .value_name = "NAME",
	 .doc = "who reads it: PERFORMER"},
	{.name = "date", .kind = MIXD_JOB_TEXT, .value_name = "DATE", .doc = "the tag DATE"},
	{.name = "cover",
	 .kind = MIXD_JOB_PATH,
	 .value_name = "FILE",
	 .doc = "JPEG or PNG for all chapters"},
	JOB_ROW_TAG,
	{.name = "repair",
	 .kind = MIXD_JOB_CHOICE,
	 .value_name = "HOW",
	 .doc = "auto takes out hum and noise where pauses would be too loud; off never does",
	 .choices = repairs},
	{.name = "channels",
	 .kind = MIXD_JOB_CHOICE,
	 .value_name = "LAYOUT",
	 .doc = "auto keeps what all chapters have, and makes all mono when one is",
	 .choices = channels},
	JOB_ROW_BITRATE("constant bit rate (what the spec asks for at the least)"),
	JOB_ROWS_LIMITING,
	JOB_ROW_DRY_RUN("measure, and say what would be done; write nothing"),
	JOB_ROW_SERIES(
		"warn where a chapter sounds unlike those of this name before it, and remember it"),
	JOB_ROW_REPORT("the page with all chapters (OUTDIR/report.html)"),
	JOB_ROW_JOBS("chapters"),
	JOB_ROW_SEED,
	{0},
};

const struct mixd_job_verb mixd_job_audiobook = {
	.name = "audiobook",
	.words = "DIR|FILE... -o OUTDIR",
	.doc = "bring all chapters of a book inside a shop's rules, at one level",
	.more = "Each chapter: hum and noise out where its pauses would be louder than the spec "
		"allows, the level to the middle of the band, peaks under the ceiling, head and "
		"tail of the recording's own room tone, encoded, and measured as delivered. "
		"Chapters of a folder are taken in the order people count in: ch2 before ch10. "
		"Exit code 1 when one of them does not meet the spec all the same.",
	.examples = "audiobook takes -o book --title 'The Valley' --author 'A. Writer'\n"
		    "audiobook takes -o book --dry-run\n"
		    "audiobook ch1.wav ch2.wav -o book --spec findaway",
	.min_args = 1,
	.max_args = -1,
	.options = audiobook_options,
};
