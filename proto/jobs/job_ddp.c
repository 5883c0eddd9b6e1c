/* job_ddp.c - mixctl ddp: read sets that go to the plant. */
#include "jobs_list.h"

static const struct mixd_job_option options[] = {
	{.name = "output",
	 .letter = 'o',
	 .kind = MIXD_JOB_PATH,
	 .value_name = "DIR",
	 .doc = "extract: where the tracks go; made when it is missing"},
	{.name = "track",
	 .kind = MIXD_JOB_NUMBER,
	 .value_name = "N",
	 .doc = "extract: only this track; 0 is what sounds before the first",
	 .unit = "",
	 .min = 0,
	 .max = 99,
	 .repeats = true},
	{.name = "flac", .kind = MIXD_JOB_FLAG, .doc = "extract: FLAC in place of WAV"},
	{.name = NULL},
};

const struct mixd_job_verb mixd_job_ddp = {
	.name = "ddp",
	.words = "check|show|extract DIR",
	.doc = "read a DDP set: check it, show its tracks, extract its audio",
	.more = "check reads all of any DDP audio set and gives a verdict on each point: sizes, "
		"checksums, the order of the PQ list, the packs and CRCs of CD-Text, the length of "
		"the "
		"image, the rules of the disc; the answer is no (exit 1) when one fails.\n"
		"extract writes a file per track, to the bit, from its index 01 to that of the "
		"next; "
		"and when there is sound before index 01 of track 1, a hidden track, track00: from "
		"00:02:00 on, where drives begin to read, or from the begin of the image when it "
		"sounds there.\n"
		"DDP is a "
		"trademark of its owner, with whom mixd is not affiliated.",
	.examples = "ddp check DDP # before it leaves the house\n"
		    "ddp show DDP # tracks, times, codes, texts\n"
		    "ddp extract DDP -o tracks --track 3 # to the bit",
	.min_args = 2,
	.max_args = 2,
	.options = options,
};
