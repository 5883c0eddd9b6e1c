/* job_batch.c - mixctl batch: many pieces of file work. */
#include "job_rows.h"
#include "jobs_list.h"

static const char *const engines[] = {"local", "slurm", NULL};

static const struct mixd_job_option options[] = {
	{.name = "output",
	 .letter = 'o',
	 .kind = MIXD_JOB_PATH,
	 .value_name = "DIR",
	 .doc = "where relative outputs of the items begin, and the journal is"},
	{.name = "verb",
	 .kind = MIXD_JOB_TEXT,
	 .value_name = "'VERB --OPTION ...'",
	 .doc = "what is done to each recording of a folder; {file} {name} {stem} {dir} stand for "
		"parts of its name"},
	JOB_ROW_JOBS("items"),
	{.name = "force", .kind = MIXD_JOB_FLAG, .doc = "also what is finished already"},
	JOB_ROW_DRY_RUN("say what there is to do, and do nothing"),
	{.name = "journal",
	 .kind = MIXD_JOB_PATH,
	 .value_name = "FILE",
	 .doc = "of finished items (DIR/.mixd-batch, or JOBS.yaml.journal)"},
	{.name = "shard",
	 .kind = MIXD_JOB_TEXT,
	 .value_name = "I/N",
	 .doc = "only the I-th of N parts: each machine of a farm does another"},
	{.name = "engine",
	 .kind = MIXD_JOB_CHOICE,
	 .value_name = "ENGINE",
	 .doc = "who does it: this machine, or a farm by a job array",
	 .choices = engines},
	{.name = "engine-options",
	 .kind = MIXD_JOB_TEXT,
	 .value_name = "'--partition=...'",
	 .doc = "for sbatch"},
	{.name = "only",
	 .kind = MIXD_JOB_PATH,
	 .value_name = "FILE",
	 .doc = "of a farm's task: ids of its items, one a line"},
	{.name = "task",
	 .kind = MIXD_JOB_TEXT,
	 .value_name = "NAME",
	 .doc = "of a farm's task: the end of its journal's name"},
	{0},
};

const struct mixd_job_verb mixd_job_batch = {
	.name = "batch",
	.words = "JOBS.yaml|DIR",
	.doc = "many renders, masters, checks: all cores, resumable, one bad file stops no other",
	.more = "JOBS.yaml: `jobs:`, a list of maps with verb, args and options (as of mixctl), or "
		"files, a pattern that stands for a job per file; `defaults:` for all. In args and "
		"options {file} {name} {stem} {dir} stand for the file (or the first word) and "
		"parts of its name. Paths begin in the folder of JOBS.yaml. Every item is a "
		"process of its own. A journal keeps what is finished, by a hash of the words, of "
		"all files that the item reads and of the version: the next run does what is "
		"missing, failed or changed. Exit code 1 when an item failed or its answer is no.",
	.examples = "batch jobs.yaml\n"
		    "batch stems -o mastered --verb 'master --spec spotify'\n"
		    "batch in -o out --verb 'master --spec spotify -o {dir}/{stem}.flac'\n"
		    "batch jobs.yaml --shard 2/4 # on the second of four machines\n"
		    "batch jobs.yaml -o out --engine slurm --engine-options '--partition=audio'\n"
		    "batch jobs.yaml --dry-run",
	.min_args = 1,
	.max_args = 1,
	.options = options,
};
