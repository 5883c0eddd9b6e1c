/* render.h - run a session over files, faster than real time.
 *
 * WHAT        The same model, plan and engine as live, driven by a loop: what `input` nodes hear comes
 *             from files (or from code), what `output` nodes say goes to files (or to code), any
 *             number of them in one pass. `player` nodes read their own files. Latency is taken off:
 *             frame 0 of the output belongs to frame 0 of the input.
 * THREADS     decode, nodes and encode are stages with queues of blocks between them, each in its own
 *             thread; a graph that can be cut in two is run by two (render_split.c). The cut is a
 *             property of the graph: bytes do not depend on how many threads there are.
 * MEMORY      bounded, whatever the length.
 * NOT HERE    what it is for (targets, verdicts, albums): daemon/delivery. */
#pragma once

#include "graph_types.h"
#include "media_read.h"
#include "media_write.h"
#include "task.h"

/* Sound from somewhere, at the rate of the render. read(): as media_read(). */
struct render_source {
	int64_t (*read)(void *data, float *const *channels, uint32_t n_frames,
			struct mixd_error *err);
	void *data;
	uint32_t n_channels;
	const struct mixd_layout *layout; /* of an input without its own; NULL: by count */
};
/* Sound to somewhere. write(): 0 or -errno; called from one thread. */
struct render_sink {
	int (*write)(void *data, const float *const *channels, uint32_t n_frames,
		     struct mixd_error *err);
	void *data;
};

struct render_input {
	const char *node; /* an `input` node; NULL: the only one */
	const char *path; /* a file, resampled by soxr VHQ when its rate is another; or NULL */
	const struct render_source *source; /* when path is NULL */
};
struct render_output {
	const char *node; /* an `output` node, or any node or port ("vox/fader:out"): a stem, tapped
			     there. NULL: the only output node */
	const char *path; /* or NULL */
	struct media_target
		target; /* rate 0: that of the render, else resampled; layout: filled in */
	const struct render_sink *sink; /* when path is NULL */
	/* --- results --- */
	uint64_t clips;
	double peak; /* highest sample, linear */
};

#define RENDER_CUTS_MAX 3u

struct render_request {
	const struct graph_types *types;
	const char *session, *session_name; /* text, and its name in errors */
	const char *folder; /* where relative paths of the session begin; may be NULL */
	const char *const *set; /* "node.param=value", after the session */
	uint32_t n_set;
	double rate; /* Hz; 0: that of the first input, or that of all clips, or else_rate, or 48000 */
	double else_rate;
	double start_s,
		end_s; /* of the time line; end_s 0: to the end of the longest input, player or
				  envelope */
	/* In their place, as people write them: frames of the render's rate, markers; or NULL. */
	const char *start, *end;
	double tail_s; /* below 0: until all outputs stay below -90 dBFS, at most 30 s */
	uint32_t n_threads; /* 0: all cores */
	uint32_t block_frames; /* 0: as is best; bytes do not depend on it (tests) */
	/* Behind how many nodes the graph is cut, ascending, up to the first 0; none: as is best (tests). */
	uint32_t cut[RENDER_CUTS_MAX];
	uint64_t seed;
	bool markers; /* those of the session become cue points or chapters of the files */
	struct render_input *input;
	uint32_t n_inputs;
	struct render_output *output;
	uint32_t n_outputs;
	/* What the caller will write of it: not to be read by the session either. */
	const char *const *goal;
	uint32_t n_goals;
	/* Meters to read at the end ("meter.i"), and their values. */
	const char *const *meter;
	double *ret_meter;
	uint32_t n_meters;
};

struct render_report {
	uint64_t frames; /* of the render, at its rate */
	double rate;
	double audio_s, wall_s;
	uint32_t n_stages; /* parts the nodes were run in */
	char idle[200]; /* bands that are set, and off: "vox/eq.band1, ..."; or "" */
};

/* 0, or -errno with *err; then no output exists. -ECANCELED when TASK says so. A node in quarantine
 * (NaN, runaway level) fails the render: -EDOM with its name. */
int render_run(struct render_request *request, struct task *task, struct render_report *ret_report,
	       struct mixd_error *err);
/* The rate a render of SESSION (text; relative files begin in FOLDER) has when nobody says one and nothing is
 * fed: that of all files that its players play. 0: they have none in common, or SESSION is none. */
double render_session_rate(const struct graph_types *types, const char *session,
			   const char *folder);
