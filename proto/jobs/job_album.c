/* job_album.c - mixctl album: tracks in order, as files, as a CD. */
#include "job_rows.h"
#include "jobs_list.h"

static const char *const medias[] = {"80min", "74min", "none", NULL};

static const struct mixd_job_option options[] = {
	{.name = "output",
	 .letter = 'o',
	 .kind = MIXD_JOB_PATH,
	 .value_name = "DIR",
	 .doc = "where everything goes; made when it is missing"},
	{.name = "plan",
	 .kind = MIXD_JOB_FLAG,
	 .doc = "only the sheet: starts, gaps, lengths, codes, and what rules say to them"},
	{.name = "tracks",
	 .kind = MIXD_JOB_TEXT,
	 .value_name = "FORMS",
	 .doc = "one file per track in each form: wav24,wav16,flac,alac,aiff,mp3:320,m4a,ogg,opus"},
	{.name = "cue",
	 .kind = MIXD_JOB_FLAG,
	 .doc = "the whole album as one WAV (CD) and a cue sheet"},
	{.name = "ddp", .kind = MIXD_JOB_FLAG, .doc = "a DDP 2.00 set for the plant, in DIR/DDP"},
	{.name = "pq", .kind = MIXD_JOB_FLAG, .doc = "the PQ sheet as text and HTML"},
	{.name = "media",
	 .kind = MIXD_JOB_CHOICE,
	 .value_name = "MEDIA",
	 .doc = "how long a disc may be: 80min (79:57), 74min, none (99:59:74)",
	 .choices = medias},
	JOB_ROW_SEED,
	{.name = NULL},
};

const struct mixd_job_verb mixd_job_album = {
	.name = "album",
	.words = "ALBUM",
	.doc = "an album from its tracks: gaps, level, gapless files, WAV + cue, DDP",
	.more = "ALBUM is a page of YAML: title, artist, upc, date, genre, gap (2s), mode "
		"(album-gain, "
		"track-gain, none) with target, ceiling or spec, limiter (on: the gain makes up "
		"for "
		"what it takes, as far as 15 dB of limiting go), chain (a session that "
		"the "
		"whole album runs through), and tracks: each a file with title, artist, isrc, gap, "
		"crossfade, trim (auto, or {head: 0.5s, tail: 2s}), gain, fade_in, fade_out, eq "
		"([{type: highshelf, freq: 9kHz, gain: 1dB}]), flags ([dcp]). A gap runs from "
		"where the "
		"sound before has ended (it stays below -60 dBFS) to where the next begins; a "
		"negative one is a crossfade of equal power, and gap: join sets files end to end.\n"
		"Less often: lead (0.1s: how long before its sound a track begins), tail (behind "
		"the "
		"last), rate (that of the first), pregaps (on: gaps count down as index 00), "
		"anchor "
		"(album, loudest-track), songwriter, composer, arranger, message, catalog, "
		"language, "
		"genre_text, master_id; cd_title and cd_artist say what CD-Text has no letters "
		"for.\n"
		"The album is one time line, rendered once, resampled and dithered once per rate "
		"and depth; files are cut from it on sectors of 1/75 s, to the bit: one behind the "
		"other they are the whole. What an earlier run of the album has left in DIR is "
		"replaced, folders as a whole; one that holds anything else is not. DDP is a "
		"trademark of its owner, with whom mixd is not affiliated.",
	.examples = "album album.yaml --plan # look before you render\n"
		    "album album.yaml -o out --tracks flac,mp3:320 # for shops\n"
		    "album album.yaml -o out --ddp --cue --pq # for the plant",
	.min_args = 1,
	.max_args = 1,
	.options = options,
};
