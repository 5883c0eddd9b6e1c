/* render_internal.h - what the files of a render share: its graph, its stages, the blocks between.
 *
 * WHAT        A block goes round: the reader fills the planes of the inputs, each stage runs an engine
 *             over them, the writer takes the planes of the outputs. A plane is one channel of one
 *             block. Stages talk through planes alone, each plane has one stage that writes it.
 * THREADS     a block, and a stage, belong to one thread at a time (render_pipe.c). An engine is prepared
 *             by the thread that called render_run(), then run by whoever has its stage, and asked for
 *             meters when all threads have ended.
 * INVARIANTS  R1 frame n of a block is frame block->position + n of every engine: what is cut in two
 *                runs at the same positions as what is whole, so nothing that goes by position
 *                differs.
 *             R2 no byte depends on the length of blocks, or on who runs when. */
#pragma once

#include <stdatomic.h>

#include "engine.h"
#include "render.h"

#define RENDER_STAGES_MAX (RENDER_CUTS_MAX + 1u)
#define RENDER_BLOCKS_MAX 8u
#define RENDER_NONE UINT32_MAX

/* ---- the graph (render_graph.c) ------------------------------------------------------------- */

/* The session as a model, with what --set says, and an `output` node at each stem. The node that
 * input I, output O stands for in *ret_in, *ret_out; both borrowed. */
struct render_graph {
	struct graph_model *model;
	struct graph_node **in; /* per request->input */
	struct graph_node **out; /* per request->output */
};
int render_graph_load(const struct render_request *request, struct render_graph *ret,
		      struct mixd_error *err);
/* "auto" becomes LAYOUT; another layout stays as it is. */
int render_graph_input_layout(struct render_graph *graph, uint32_t input,
			      const struct mixd_layout *layout, struct mixd_error *err);
/* The end of what the session itself says: envelopes and players, in frames at RATE. */
int render_graph_end(const struct render_graph *graph, double rate, double *ret_frames,
		     struct mixd_error *err);
void render_graph_done(struct render_graph *graph);
/* Uids of all envelopes, begun at their first points. Returned: free(). */
int render_graph_begin(const struct graph_model *model, struct graph_delta *ret_delta);

/* render_clips.c: relative names of files begin in FOLDER, when they are there ... */
int render_clips_resolve(struct graph_node *node, const char *folder, struct mixd_error *err);
/* ... and the end of the last clip, when it is behind *ret_frames. */
int render_clips_end(const struct graph_node *node, double rate, double *ret_frames,
		     struct mixd_error *err);
/* The rate that the files of all clips have; 0: they differ, there is none, or one cannot be read. */
double render_clips_rate(const struct graph_model *model);
/* render_idle.c: bands that are set and off, "vox/eq.band1, vox/eq.band3", as many as fit. */
void render_idle_bands(const struct graph_model *model, char *list, size_t size);
/* render_spare.c: -EEXIST when an output is a file that a node of MODEL reads. */
int render_spare(const struct render_request *request, const struct graph_model *model,
		 struct mixd_error *err);

/* ---- blocks ---------------------------------------------------------------------------------- */

struct render_table { /* what engine_process() is given for a stage */
	const float *const **in;
	float *const **out;
	uint32_t n_in, n_out;
};

struct render_block {
	uint64_t position;
	uint32_t n_frames;
	bool is_last;
	uint64_t programme_end; /* frames; UINT64_MAX: not yet known */
	float **plane;
	struct render_table table[RENDER_STAGES_MAX];
	void *memory, *tables;
};

/* A boundary node of one stage, and the planes of its channels. */
struct render_port {
	struct graph_node *node; /* borrowed */
	bool is_output;
	uint32_t stage, n_channels;
	uint32_t *plane; /* owned */
	uint32_t input; /* of the request, or RENDER_NONE: fed by a stage */
};

struct render_stage {
	struct engine *engine;
	struct graph_model *model; /* what it runs; borrowed, or owned by the split */
};

struct render_split; /* render_split.c */
struct media_resampler;

/* One input: a file or code, whose channels are planes first_plane ... */
struct render_feed {
	struct media_reader *reader;
	struct media_resampler *resampler; /* NULL: its rate is that of the render */
	const struct render_source *source;
	uint32_t n_channels, first_plane;
	uint64_t frames; /* at the rate of the render; UINT64_MAX: not yet known */
	bool at_end;
};

/* One output: a file or code. Frames here are those of the time line: latency is off. */
struct render_take {
	struct render_output *output;
	uint32_t port; /* of render.port */
	uint32_t n_channels;
	uint32_t latency; /* frames */
	struct media_resampler *resampler;
	struct media_writer *writer;
	float **hold; /* per channel: what waits behind `sent` */
	uint32_t n_held, hold_room;
	uint64_t sent; /* frames of the time line that went on, those before the range counted */
	uint64_t loud_end; /* behind the last frame that is not quiet */
};

struct render {
	struct render_request *request;
	struct task *task;
	struct render_graph graph;
	struct graph_delta begin; /* what plays from the first frame on */
	double rate;
	uint32_t block_frames;
	struct render_split *split;
	struct render_stage stage[RENDER_STAGES_MAX];
	uint32_t n_stages;
	struct render_port *port;
	uint32_t n_ports;
	uint32_t n_planes;
	struct render_feed *feed; /* per input */
	struct render_take *take; /* per output */
	uint64_t start_frame; /* of the time line: the first one written */
	uint64_t end_frame; /* UINT64_MAX: when the inputs have ended */
	uint64_t session_end; /* envelopes and players: at least this long */
	uint64_t tail_frames; /* at most */
	bool tail_is_auto;
	uint32_t latency_max;
	struct render_block block[RENDER_BLOCKS_MAX];
	uint32_t n_blocks;
	uint64_t fed; /* frames given out. The reader's */
	uint64_t frames; /* of the render, when it is done. The writer's */
};

/* The planes of a block, and the tables of all stages. -ENOMEM. */
int render_blocks_new(struct render *render, struct mixd_error *err);
void render_blocks_free(struct render *render);

/* ---- stages ---------------------------------------------------------------------------------- */

/* Each returns 0, or -errno with *err; *ret_stop: no more blocks are wanted. */
int render_feed_block(struct render *render, struct render_block *block, struct mixd_error *err);
int render_stage_block(struct render *render, uint32_t stage, struct render_block *block,
		       struct mixd_error *err);
int render_take_block(struct render *render, struct render_block *block, bool *ret_stop,
		      struct mixd_error *err);

/* render_feed.c */
int render_feeds_open(struct render *render, struct mixd_error *err);
/* That of the first file; 48000 when there is none. */
double render_feeds_rate(const struct render *render);
/* render->rate is known: resamplers. */
int render_feeds_start(struct render *render, struct mixd_error *err);
void render_feeds_close(struct render *render);
/* Where the programme ends, as far as the inputs know by now; UINT64_MAX: they do not. */
uint64_t render_feeds_end(const struct render *render);

/* render_take.c */
int render_takes_open(struct render *render, struct mixd_error *err);
/* The end: what is held in resamplers, then all files in place. */
int render_takes_finish(struct render *render, struct mixd_error *err);
void render_takes_close(struct render *render);

/* render_stages.c: one engine, or two. */
int render_stages_open(struct render *render, struct mixd_error *err);
void render_stages_close(struct render *render);
void render_meters_read(struct render *render);

/* render_pipe.c: run it, in N_THREADS. */
int render_pipe_run(struct render *render, uint32_t n_threads, struct mixd_error *err);
