/* job_edit.c - the verb `edit` on a session file. Without -f it is about the running daemon. */
#include "job_rows.h"
#include "jobs_list.h"

static const struct mixd_job_option options[] = {
	{.name = "file",
	 .letter = 'f',
	 .kind = MIXD_JOB_PATH,
	 .value_name = "SESSION",
	 .doc = "the session file that is edited"},
	JOB_ROW_RATE("what frames are counted in, and where cuts fall between them (that of the "
		     "files, when all have the same, or else 48000)"),
	JOB_ROW_DRY_RUN("say what would be done, change nothing"),
	{.name = "ripple", .kind = MIXD_JOB_FLAG, .doc = "delete: what is behind moves up"},
	{.name = "to-sound", .kind = MIXD_JOB_FLAG, .doc = "trim: to where the clip sounds"},
	{.name = "threshold",
	 .kind = MIXD_JOB_TEXT,
	 .value_name = "LEVEL",
	 .doc = "trim --to-sound: what counts as sound (-60dBFS)"},
	{.name = "pad",
	 .kind = MIXD_JOB_TEXT,
	 .value_name = "TIME",
	 .doc = "trim --to-sound: keep so much around it (10ms)"},
	{.name = "head",
	 .kind = MIXD_JOB_TEXT,
	 .value_name = "TIME",
	 .doc = "trim: so much off the begin"},
	{.name = "tail",
	 .kind = MIXD_JOB_TEXT,
	 .value_name = "TIME",
	 .doc = "trim: so much off the end"},
	{.name = "fade",
	 .kind = MIXD_JOB_TEXT,
	 .value_name = "TIME",
	 .doc = "silence, delete: at the new edges (5ms)"},
	{.name = "name", .kind = MIXD_JOB_TEXT, .value_name = "NAME", .doc = "add: of the clip"},
	{.name = "gain", .kind = MIXD_JOB_TEXT, .value_name = "GAIN", .doc = "add: of the clip"},
	{.name = "offset",
	 .kind = MIXD_JOB_TEXT,
	 .value_name = "TIME",
	 .doc = "add: where the clip begins in its file"},
	{.name = "length",
	 .kind = MIXD_JOB_TEXT,
	 .value_name = "TIME",
	 .doc = "add: of the clip (to the end of the file)"},
	{.name = NULL},
};

const struct mixd_job_verb mixd_job_edit = {
	.name = "edit",
	.words = "-f SESSION PLAYER [ls | EDIT WORDS...]",
	.doc = "edit the clips of a player in a session file",
	.more = "The edits of `mixctl help edit`. Only the clips that change are written anew: "
		"comments and "
		"order stay, and an edit that would lose a comment is refused.",
	.examples = "edit -f song.yaml vox # its clips\n"
		    "edit -f song.yaml vox cut 12.5s\n"
		    "edit -f song.yaml vox trim 1 --to-sound --threshold -50dBFS",
	.min_args = 1,
	.max_args = 8,
	.options = options,
	.only_with = "file",
	.is_signed = true,
};
