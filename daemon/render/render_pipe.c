/* render_pipe.c - decode | nodes | nodes | encode: each in its own thread, or all in one.
 *
 * WHAT        Blocks go round in a ring, in order. Stage s may take block number k when stage s - 1
 *             has done k + 1 of them; the first may when the last has given block k - n_blocks back.
 *             A stage that cannot go on waits on its condition; whoever does a block tells the next.
 *             No block is copied or allocated on the way.
 * ENDS        One flag: the writer has all it wants, a stage failed, or the task was cancelled. All
 *             wake up and leave. The first error is the one that is told.
 * THREADS     the caller's is the last stage, the writer: it tells the progress and asks whether to
 *             go on; so it never waits longer than PIPE_PATIENCE_MS. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "render_internal.h"

#define PIPE_PATIENCE_MS 50u
#define PIPE_STAGES_MAX (RENDER_STAGES_MAX + 2u)

struct pipe {
	struct render *render;
	uint32_t n_stages; /* the reader, engines, the writer */
	pthread_mutex_t lock;
	pthread_cond_t go[PIPE_STAGES_MAX];
	/* --- under lock --- */
	uint64_t done[PIPE_STAGES_MAX];
	bool waits[PIPE_STAGES_MAX];
	bool is_over;
	int res;
	struct mixd_error error;
};

struct pipe_thread {
	struct pipe *pipe;
	uint32_t stage;
};

/* ---- one block of one stage -------------------------------------------------------------------- */

static int pipe_work(struct render *render, uint32_t stage, uint32_t n_stages,
		     struct render_block *block, bool *ret_stop, struct mixd_error *err)
{
	*ret_stop = false;
	if (stage == 0)
		return render_feed_block(render, block, err);
	if (stage + 1 < n_stages)
		return render_stage_block(render, stage - 1, block, err);
	return render_take_block(render, block, ret_stop, err);
}

static void pipe_progress(struct render *render, const struct render_block *block)
{
	uint64_t done = block->position + block->n_frames, end = block->programme_end;

	if (end != UINT64_MAX && !render->tail_is_auto)
		end += render->tail_frames;
	if (end != UINT64_MAX && done > end)
		done = end;
	task_progress(render->task, (double)done / render->rate,
		      end == UINT64_MAX ? 0.0 : (double)end / render->rate);
}

/* ---- in one thread ----------------------------------------------------------------------------- */

static int pipe_alone(struct render *render, struct mixd_error *err)
{
	uint32_t n_stages = render->n_stages + 2;
	bool stop = false;
	int r = 0;

	while (r == 0 && !stop) {
		r = task_check(render->task, err);
		for (uint32_t s = 0; r == 0 && s < n_stages; s++)
			r = pipe_work(render, s, n_stages, &render->block[0], &stop, err);
		if (r == 0)
			pipe_progress(render, &render->block[0]);
	}
	return r;
}

/* ---- in several -------------------------------------------------------------------------------- */

static bool pipe_ready(const struct pipe *pipe, uint32_t stage)
{
	uint32_t before = stage > 0 ? stage - 1 : pipe->n_stages - 1;

	if (stage == 0)
		return pipe->done[stage] - pipe->done[before] < pipe->render->n_blocks;
	return pipe->done[before] > pipe->done[stage];
}

static void pipe_end(struct pipe *pipe, int res, const struct mixd_error *error)
{
	if (res < 0 && pipe->res == 0) {
		pipe->res = res;
		pipe->error = *error;
	}
	pipe->is_over = true;
	for (uint32_t s = 0; s < pipe->n_stages; s++)
		pthread_cond_signal(&pipe->go[s]);
}

static void pipe_wait(struct pipe *pipe, uint32_t stage, bool patient)
{
	struct timespec until;

	pipe->waits[stage] = true;
	if (patient) {
		pthread_cond_wait(&pipe->go[stage], &pipe->lock);
	} else {
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += (long)PIPE_PATIENCE_MS * 1000000L;
		until.tv_sec += until.tv_nsec / 1000000000L;
		until.tv_nsec %= 1000000000L;
		pthread_cond_timedwait(&pipe->go[stage], &pipe->lock, &until);
	}
	pipe->waits[stage] = false;
}

/* Take blocks, work, hand them on, until it is over. */
static void pipe_stage(struct pipe *pipe, uint32_t stage)
{
	struct render *render = pipe->render;
	bool is_writer = stage + 1 == pipe->n_stages;

	pthread_mutex_lock(&pipe->lock);
	while (!pipe->is_over) {
		uint32_t next = is_writer ? 0 : stage + 1;
		struct render_block *block = &render->block[pipe->done[stage] % render->n_blocks];
		struct mixd_error error = {0};
		bool stop = false, last;
		int r = is_writer ? task_check(render->task, &error) : 0;

		if (r == 0 && !pipe_ready(pipe, stage)) {
			pipe_wait(pipe, stage, !is_writer);
			continue;
		}
		pthread_mutex_unlock(&pipe->lock);
		if (r == 0)
			r = pipe_work(render, stage, pipe->n_stages, block, &stop, &error);
		last = block->is_last && !is_writer;
		if (r == 0 && is_writer)
			pipe_progress(render, block);
		pthread_mutex_lock(&pipe->lock);
		if (r < 0 || stop) {
			pipe_end(pipe, r, &error);
			break;
		}
		pipe->done[stage]++;
		if (pipe->waits[next])
			pthread_cond_signal(&pipe->go[next]);
		if (last)
			break;
	}
	pthread_mutex_unlock(&pipe->lock);
}

static void *pipe_thread(void *data)
{
	struct pipe_thread *thread = data;

	pipe_stage(thread->pipe, thread->stage);
	return NULL;
}

static void pipe_init(struct pipe *pipe, struct render *render)
{
	pthread_condattr_t attr;

	*pipe = (struct pipe){.render = render, .n_stages = render->n_stages + 2};
	pthread_mutex_init(&pipe->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	for (uint32_t s = 0; s < pipe->n_stages; s++)
		pthread_cond_init(&pipe->go[s], &attr);
	pthread_condattr_destroy(&attr);
}

static void pipe_done(struct pipe *pipe)
{
	for (uint32_t s = 0; s < pipe->n_stages; s++)
		pthread_cond_destroy(&pipe->go[s]);
	pthread_mutex_destroy(&pipe->lock);
}

static int pipe_threads(struct render *render, struct mixd_error *err)
{
	struct pipe pipe;
	struct pipe_thread thread[PIPE_STAGES_MAX];
	pthread_t id[PIPE_STAGES_MAX];
	uint32_t n = 0;
	int r = 0;

	pipe_init(&pipe, render);
	while (r == 0 && n + 1 < pipe.n_stages) {
		thread[n] = (struct pipe_thread){&pipe, n};
		r = -pthread_create(&id[n], NULL, pipe_thread, &thread[n]);
		n += r == 0;
	}
	if (r == 0) {
		pipe_stage(&pipe, pipe.n_stages - 1);
		r = pipe.res;
	} else {
		error_set(&pipe.error, ERROR_RESOURCE, NULL, "cannot start a thread");
	}
	pthread_mutex_lock(&pipe.lock);
	pipe_end(&pipe, r, &pipe.error);
	pthread_mutex_unlock(&pipe.lock);
	while (n > 0)
		pthread_join(id[--n], NULL);
	if (r < 0 && err)
		*err = pipe.error;
	pipe_done(&pipe);
	return r;
}

int render_pipe_run(struct render *render, uint32_t n_threads, struct mixd_error *err)
{
	return n_threads > 1 ? pipe_threads(render, err) : pipe_alone(render, err);
}
