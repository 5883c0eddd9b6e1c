/* job_podcast.c - mixctl podcast: an episode from voices, music and a page of YAML. */
#include "job_rows.h"
#include "jobs_list.h"

static const struct mixd_job_option podcast_options[] = {
	{.name = "output",
	 .letter = 'o',
	 .kind = MIXD_JOB_PATH,
	 .value_name = "FILE",
	 .doc = "what to write: .mp3, .m4a, .wav, ...",
	 .repeats = true},
	JOB_ROW_SPEC("what it is to meet, in place of the document's (apple-podcasts)"),
	{.name = "session",
	 .kind = MIXD_JOB_PATH,
	 .value_name = "FILE.yaml",
	 .doc = "write the session the episode becomes, to be changed and rendered by hand"},
	JOB_ROW_SERIES(
		"warn where it sounds unlike the episodes of this name before it, and remember it"),
	JOB_ROWS_LIMITING,
	JOB_ROW_THREADS,
	JOB_ROW_SEED,
	{0},
};

const struct mixd_job_verb mixd_job_podcast = {
	.name = "podcast",
	.words = "EPISODE.yaml -o OUT.mp3",
	.doc = "make an episode from voices and music",
	.more = "The document names voices (with repair where they need it), intro, outro and bed "
		"music that makes room for them, inserts and chapters. What comes out is at the "
		"spec's loudness, with chapters, tags and cover; every fault of the document is "
		"told with its line.\n"
		"EPISODE.yaml: title and voices; episode, season, show, artist, date, description "
		"and cover for tags; spec, bitrate, rate, channels (auto, mono, stereo), automix "
		"(auto, on, off), leveler (on). A voice is a file, or {file: anna.wav} with name, "
		"at, gain, pan (L15), denoise (auto, off, 12dB), dehum (auto, on, off), deesser "
		"and "
		"comp (on), deplosive and gate (off). intro and outro: a file, or a map with "
		"overlap (how long it and the talk sound together), gain, fade_in, fade_out; bed, "
		"music under all of the talk: with gain, depth (how much lower while someone "
		"speaks), fade_in, fade_out. inserts: [{at: 6s, file: advert.wav, push: on}], "
		"where "
		"push moves back what follows; with gain, fade_in, fade_out. chapters: [{at: 0s, "
		"title: ...}]. Times are of the talk, which begins where the intro leaves off.",
	.examples = "podcast ep12.yaml -o ep12.mp3 -o ep12.m4a --series talk\n"
		    "podcast ep12.yaml --session ep12-session.yaml",
	.min_args = 1,
	.max_args = 1,
	.options = podcast_options,
};
