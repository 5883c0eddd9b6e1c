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
		"after the line `mixd_spec: 1`.\n"
		"A spec has clauses, and title, version, source, date, grade, like, speech_share "
		"(10%: "
		"with less speech dialogue is not the measure). A clause has an id and a limit: "
		"target "
		"with tolerance; min, max or both, with a target to aim at; one_of: [44.1kHz, "
		"48kHz]; "
		"playback, a level that players turn it to, with up (peaks, limiter, free, never) "
		"and "
		"headroom; or reported: true. And level (must, advice, info), text (the rule in "
		"words), "
		"when ({longer_than: 60s}, or louder_than, channels, speech), or (the id of a "
		"clause "
		"that may be met in its place), precision; and source, date, grade of its own.\n"
		"Ids: integrated dialogue dialogue-lra ldr speech-share shortterm-max "
		"momentary-max lra "
		"loudest-track true-peak sample-peak overs plr psr dr14 rms noise-floor dc "
		"correlation "
		"fold-down balance clipping dropouts head tail silence duration rate bits channels "
		"bitrate cbr codec container layout same-channels.",
	.examples = "spec ls # all of them, with target, ceiling and where they come from\n"
		    "spec show acx # every clause, with its source\n"
		    "spec add station.yaml # check it, and keep it",
	.min_args = 1,
	.max_args = 2,
	.options = options,
};
