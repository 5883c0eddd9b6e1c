/* render.c - see render.h: a session over files, from the first frame to the last. */
#include "render.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "graph_clips.h"
#include "render_internal.h"
#include "render_split.h"

#define RENDER_TAIL_MAX_S 30.0
#define RENDER_SECONDS_MAX 360000.0 /* 100 h */
/* What the blocks of a render may take, all together. */
#define RENDER_BLOCKS_BYTES (4u << 20)
#define RENDER_BLOCKS 6u

static uint64_t frames_of(const struct render *render, double seconds)
{
	return (uint64_t)(seconds * render->rate + 0.5);
}

static int render_span(double seconds, const char *option, struct mixd_error *err)
{
	if (seconds >= 0 && seconds <= RENDER_SECONDS_MAX)
		return 0;
	return error_set(err, ERROR_INVALID, option, "%g s is no place on the time line", seconds);
}

/* Here, where the rate is known: places may be written in frames. */
static int render_places(struct render *render, struct mixd_error *err)
{
	struct render_request *request = render->request;
	const struct graph_model *model = render->graph.model;
	int r = 0;

	if (request->start)
		r = graph_position_parse(model, request->start, 0, "--start", &request->start_s,
					 err);
	if (r == 0 && request->end)
		r = graph_position_parse(model, request->end, request->start_s, "--end",
					 &request->end_s, err);
	if (r == 0 && request->end && request->end_s <= 0) /* 0 would be none */
		r = error_set(err, ERROR_INVALID, "--end", "there is nothing before 0 s");
	if (r == 0)
		r = render_span(request->start_s, "--start", err);
	return r;
}

static int render_times(struct render *render, struct mixd_error *err)
{
	const struct render_request *request = render->request;
	double session = 0;
	int r = render_places(render, err);

	if (r == 0)
		r = render_span(request->end_s, "--end", err);
	if (r == 0 && request->tail_s > 0)
		r = render_span(request->tail_s, "--tail", err);
	if (r == 0)
		r = render_graph_end(&render->graph, render->rate, &session, err);
	if (r < 0)
		return r;
	render->start_frame = frames_of(render, request->start_s);
	render->session_end = (uint64_t)(session + 0.5);
	render->end_frame = UINT64_MAX;
	if (request->end_s > 0) {
		render->end_frame = frames_of(render, request->end_s);
		if (render->end_frame <= render->start_frame)
			return error_set(err, ERROR_INVALID, "--end",
					 "%g s is not behind the start, %g s", request->end_s,
					 request->start_s);
	} else if (request->n_inputs == 0 && render->session_end == 0) {
		r = error_set(err, ERROR_INVALID, "--end",
			      "no file, player or envelope says how long it is to last");
		error_hint(err, "give it an end (--end 30s) or an input (-i FILE)");
		return r;
	}
	render->tail_is_auto = request->tail_s < 0 && request->end_s <= 0;
	if (render->tail_is_auto)
		render->tail_frames = frames_of(render, RENDER_TAIL_MAX_S);
	else if (request->tail_s > 0)
		render->tail_frames = frames_of(render, request->tail_s);
	return 0;
}

/* Blocks as long as the engine takes them, or shorter when there are many planes; whole slices. */
static void render_size_blocks(struct render *render, uint32_t n_threads)
{
	uint64_t most =
		RENDER_BLOCKS_BYTES / RENDER_BLOCKS / sizeof(float) / (render->n_planes + 1);

	render->n_blocks = n_threads > 1 ? RENDER_BLOCKS : 1;
	most = most / MIXD_SLICE_MAX * MIXD_SLICE_MAX;
	render->block_frames = most > ENGINE_BLOCK_MAX	   ? ENGINE_BLOCK_MAX
			       : most < 4 * MIXD_SLICE_MAX ? 4 * MIXD_SLICE_MAX
							   : (uint32_t)most;
	if (render->request->block_frames)
		render->block_frames = render->request->block_frames;
}

/* As soon as the end is known, and before anything is written. */
static int render_check_end(const struct render *render, struct mixd_error *err)
{
	uint64_t end = render_feeds_end(render);

	if (end == UINT64_MAX || end > render->start_frame)
		return 0;
	if (end == 0)
		return error_set(err, ERROR_INVALID, NULL,
				 "there is nothing to render: all inputs are empty");
	return error_set(err, ERROR_INVALID, "--start",
			 "there is nothing to render: all ends at %.3f s, before %.3f s",
			 (double)end / render->rate, render->request->start_s);
}

static int render_open(struct render *render, uint32_t n_threads, struct mixd_error *err)
{
	struct render_request *request = render->request;
	int r = render_graph_load(request, &render->graph, err);

	if (r == 0)
		r = render_feeds_open(render, err);
	if (r < 0)
		return r;
	render->rate = request->rate > 0 ? request->rate : render_feeds_rate(render);
	render->graph.model->rate = render->rate;
	r = render_feeds_start(render, err);
	if (r == 0)
		r = render_times(render, err);
	if (r == 0)
		r = render_check_end(render, err);
	if (r == 0)
		r = render_graph_begin(render->graph.model, &render->begin);
	if (r == -ENOMEM)
		error_no_memory(err);
	if (r == 0 && (n_threads > 1 || request->cut[0]))
		r = render_split_find(&render->graph, request, n_threads, &render->split, err);
	if (r == 0)
		r = render_stages_open(render, err);
	if (r < 0)
		return r;
	render_size_blocks(render, n_threads);
	r = render_blocks_new(render, err);
	return r < 0 ? r : render_takes_open(render, err);
}

static void render_close(struct render *render)
{
	render_takes_close(render);
	render_feeds_close(render);
	render_blocks_free(render);
	render_stages_close(render);
	render_split_free(render->split);
	free(render->begin.envelopes);
	render_graph_done(&render->graph);
}

static double render_now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

int render_run(struct render_request *request, struct task *task, struct render_report *ret_report,
	       struct mixd_error *err)
{
	struct render render = {.request = request, .task = task};
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	uint32_t n_threads = request->n_threads ? request->n_threads
			     : cores > 1	? (uint32_t)cores
						: 1;
	double start_s = render_now_s();
	int r;

	if (request->rate != 0 && !(request->rate >= 8000.0 && request->rate <= 384000.0))
		return error_set(err, ERROR_INVALID, "--rate", "%g Hz: 8 to 384 kHz are possible",
				 request->rate);
	r = task_check(task, err);
	if (r == 0)
		r = render_open(&render, n_threads, err);
	if (r == 0)
		r = render_pipe_run(&render, n_threads, err);
	if (r == 0)
		r = render_check_end(&render, err);
	if (r == 0)
		r = task_check(task, err);
	if (r == 0)
		r = render_takes_finish(&render, err);
	if (r == 0) {
		render_meters_read(&render);
		if (ret_report) {
			*ret_report = (struct render_report){.frames = render.frames,
							     .rate = render.rate,
							     .audio_s = (double)render.frames /
									render.rate,
							     .wall_s = render_now_s() - start_s,
							     .n_stages = render.n_stages};
			render_idle_bands(render.graph.model, ret_report->idle,
					  sizeof(ret_report->idle));
		}
	}
	render_close(&render);
	return r;
}
