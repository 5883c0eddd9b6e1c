/* job_spec.c - the verb `spec`. */
#include "jobs_list.h"

static const struct mixd_job_option options[] = {
	{.name = "replace",
	 .kind = MIXD_JOB_FLAG,
	 .doc = "with add: take the place of a file of that name"},
	{.name = NULL},
};

const struct mixd_job_verb mixd_job_spec = {
	.name = "spec",
	.words = "ls | show NAME | add FILE",
	.doc = "list delivery specs, show one with its sources, or add your own",
	.more = "A spec is what a publisher asks of a delivered file, clause by clause, with "
		"source, date "
		"and grade. `add` checks a file of specs and copies it to ~/.config/mixd/specs; "
		"files in "
		"/etc/mixd/specs count for all users. A spec of one's own may begin with the "
		"clauses of "
		"another: `specs: {my-station: {like: ebu-r128, clauses: [{id: true-peak, max: "
		"-3dBTP}]}}`, "
		"after the line `mixd_spec: 1`.",
	.examples = "spec ls # all of them, with target, ceiling and where they come from\n"
		    "spec show acx # every clause, with its source\n"
		    "spec add station.yaml # check it, and keep it",
	.min_args = 1,
	.max_args = 2,
	.options = options,
};
