/* job_render.c - mixctl render: a session over files. */
#include "job_rows.h"
#include "jobs_list.h"
#include "mixd_formats.h"

static const struct mixd_job_option options[] = {
	{.name = "input",
	 .letter = 'i',
	 .kind = MIXD_JOB_TEXT,
	 .value_name = "[NODE=]FILE",
	 .doc = "what an input hears; NODE may be left out when there is one",
	 .repeats = true},
	{.name = "output",
	 .letter = 'o',
	 .kind = MIXD_JOB_TEXT,
	 .value_name = "[NODE=]FILE",
	 .doc = "what to write: an output, or any track, bus, node or port (vox, vox/comp, "
		"split:low)",
	 .repeats = true},
	{.name = "stems",
	 .kind = MIXD_JOB_PATH,
	 .value_name = "DIR",
	 .doc = "all that is summed anywhere, each track and bus to its own file in this folder"},
	{.name = "start",
	 .kind = MIXD_JOB_TEXT,
	 .value_name = "TIME",
	 .doc = "where on the time line to begin (0s): 12.5s, 1:23.456, 48000fr of the graph, "
		"or the name of a marker"},
	{.name = "end",
	 .kind = MIXD_JOB_TEXT,
	 .value_name = "TIME",
	 .doc = "where to end (when the longest input, player or envelope ends): a time, a "
		"marker, or +=10s behind the start"},
	{.name = "tail",
	 .kind = MIXD_JOB_SPAN,
	 .value_name = "TIME",
	 .doc = "what rings on behind the end (none behind an --end; else until all is below "
		"-90 dBFS, at most 30 s)"},
	{.name = "set",
	 .kind = MIXD_JOB_TEXT,
	 .value_name = "NODE.PARAM=VALUE",
	 .doc = "after the session, for this render",
	 .repeats = true},
	{.name = "format",
	 .kind = MIXD_JOB_CHOICE,
	 .value_name = "FORMAT",
	 .doc = "of the files (by their endings; of stems wav)",
	 .choices = mixd_format_names},
	JOB_ROW_RATE("sample rate of the files (that of the graph); soxr VHQ"),
	{.name = "graph-rate",
	 .kind = MIXD_JOB_NUMBER,
	 .value_name = "HZ",
	 .doc = "sample rate of the graph (that of the first input; without inputs that of "
		"the files that are played, when all have the same; or else --rate, or 48000)",
	 .unit = "Hz",
	 .min = 8000,
	 .max = 384000},
	JOB_ROWS_ENCODING,
	{.name = "markers",
	 .kind = MIXD_JOB_FLAG,
	 .doc = "write the markers of the session as cue points or chapters"},
	{.name = "measure",
	 .kind = MIXD_JOB_FLAG,
	 .doc = "loudness and true peak of what was written, decoded"},
	{.name = "meter",
	 .kind = MIXD_JOB_TEXT,
	 .value_name = "NODE.METER",
	 .doc = "what a meter shows at the end",
	 .repeats = true},
	JOB_ROW_THREADS,
	JOB_ROW_SEED,
	{.name = NULL},
};

const struct mixd_job_verb mixd_job_render = {
	.name = "render",
	.words = "SESSION",
	.doc = "run a session over files: a mix, stems, a master, faster than real time",
	.more = "The session is what sounds live, too: what its inputs hear comes from files, and "
		"what its outputs say goes to files, any number in one pass. Latency is taken off: "
		"frame 0 of each file belongs to frame 0 of the inputs. Files appear whole, at the "
		"end, or not at all.",
	.examples = "render master.yaml -i mix.wav -o master.flac # one input, one output\n"
		    "render song.yaml -o mix.wav --stems stems # players, and all stems\n"
		    "render show.yaml -i vox=v.wav -i bed=b.flac -o out=show.mp3 --bitrate "
		    "192kbps --measure # several inputs\n"
		    "render song.yaml -o mix=backing.wav --set vox/fader.mute=on # another mix, of "
		    "a bus\n"
		    "render song.yaml -o hook.wav --start verse --end chorus # from marker to "
		    "marker",
	.min_args = 1,
	.max_args = 1,
	.options = options,
};
