/* render_pipe.c - decode | nodes | nodes | encode: shared by all threads, or all in one.
 *
 * WHAT        Blocks go round in a ring, in order. Stage s may take block number k when stage s - 1
 *             has done k + 1 of them; the first may when the last has given block k - n_blocks back.
 *             Stages are many and threads few: a thread goes on with the block it has in its cache,
 *             when the next stage waits for that and is nobody's; else it takes the stage that has
 *             the most blocks before it. So no thread waits while there is work, whatever the stages
 *             cost, as long as none costs more than the share of a thread (L. Tassiulas, A.
 *             Ephremides, IEEE Trans. Automatic Control 37:12, 1992: the longest queue first keeps
 *             a row of queues as busy as any rule can). No block is copied or allocated on the way.
 * ENDS        One flag: the writer has all it wants, a stage failed, or the task was cancelled. All
 *             wake up and leave. The first error is the one that is told.
 * THREADS     the caller's is one of them, and never waits longer than PIPE_PATIENCE_MS before it
 *             asks whether to go on. */
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
	pthread_cond_t go;
	/* --- under lock --- */
	uint64_t done[PIPE_STAGES_MAX]; /* blocks */
	bool is_taken[PIPE_STAGES_MAX];
	bool is_read; /* the reader has given the last block */
	uint32_t n_waiting; /* threads */
	bool is_over;
	int res;
	struct mixd_error error;
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

/* Blocks that wait for STAGE. */
static uint64_t pipe_queue(const struct pipe *pipe, uint32_t stage)
{
	uint32_t writer = pipe->n_stages - 1;

	if (pipe->is_taken[stage])
		return 0;
	if (stage == 0)
		return pipe->is_read
			       ? 0
			       : pipe->render->n_blocks - (pipe->done[0] - pipe->done[writer]);
	return pipe->done[stage - 1] - pipe->done[stage];
}

/* The stage behind LAST, if the block that was done there is the one it waits for; else that with the most
 * blocks, nearest to the end; n_stages: none has any. */
static uint32_t pipe_choose(const struct pipe *pipe, uint32_t last)
{
	uint32_t best = pipe->n_stages;
	uint64_t most = 0;

	if (last + 1 < pipe->n_stages && pipe_queue(pipe, last + 1) == 1)
		return last + 1;
	for (uint32_t s = pipe->n_stages; s-- > 0;)
		if (pipe_queue(pipe, s) > most) {
			most = pipe_queue(pipe, s);
			best = s;
		}
	return best;
}

static void pipe_end(struct pipe *pipe, int res, const struct mixd_error *error)
{
	if (res < 0 && pipe->res == 0) {
		pipe->res = res;
		pipe->error = *error;
	}
	pipe->is_over = true;
	pthread_cond_broadcast(&pipe->go);
}

static void pipe_wait(struct pipe *pipe)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += (long)PIPE_PATIENCE_MS * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	pipe->n_waiting++;
	pthread_cond_timedwait(&pipe->go, &pipe->lock, &until);
	pipe->n_waiting--;
}

/* One block of STAGE, which is ours; the lock is held before and after. */
static void pipe_step(struct pipe *pipe, uint32_t stage)
{
	struct render *render = pipe->render;
	struct render_block *block = &render->block[pipe->done[stage] % render->n_blocks];
	struct mixd_error error = {0};
	bool stop = false;
	int r;

	pipe->is_taken[stage] = true;
	if (pipe->n_waiting > 0 && pipe_choose(pipe, pipe->n_stages) < pipe->n_stages)
		pthread_cond_signal(&pipe->go);
	pthread_mutex_unlock(&pipe->lock);
	r = pipe_work(render, stage, pipe->n_stages, block, &stop, &error);
	if (r == 0 && stage + 1 == pipe->n_stages)
		pipe_progress(render, block);
	pthread_mutex_lock(&pipe->lock);
	pipe->is_taken[stage] = false;
	pipe->is_read |= stage == 0 && block->is_last;
	pipe->done[stage]++;
	if (r < 0 || stop)
		pipe_end(pipe, r, &error);
}

static void *pipe_thread(void *data)
{
	struct pipe *pipe = data;
	uint32_t stage = pipe->n_stages;

	pthread_mutex_lock(&pipe->lock);
	while (!pipe->is_over) {
		struct mixd_error error = {0};
		int r = task_check(pipe->render->task, &error);

		stage = pipe_choose(pipe, stage);
		if (r < 0)
			pipe_end(pipe, r, &error);
		else if (stage < pipe->n_stages)
			pipe_step(pipe, stage);
		else
			pipe_wait(pipe);
	}
	pthread_mutex_unlock(&pipe->lock);
	return NULL;
}

static void pipe_init(struct pipe *pipe, struct render *render)
{
	pthread_condattr_t attr;

	*pipe = (struct pipe){.render = render, .n_stages = render->n_stages + 2};
	pthread_mutex_init(&pipe->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&pipe->go, &attr);
	pthread_condattr_destroy(&attr);
}

static void pipe_done(struct pipe *pipe)
{
	pthread_cond_destroy(&pipe->go);
	pthread_mutex_destroy(&pipe->lock);
}

static int pipe_threads(struct render *render, uint32_t n_threads, struct mixd_error *err)
{
	struct pipe pipe;
	pthread_t id[PIPE_STAGES_MAX];
	uint32_t n = 0;
	int r = 0;

	pipe_init(&pipe, render);
	n_threads = n_threads < pipe.n_stages ? n_threads : pipe.n_stages;
	while (r == 0 && n + 1 < n_threads) {
		r = -pthread_create(&id[n], NULL, pipe_thread, &pipe);
		n += r == 0;
	}
	if (r == 0) {
		pipe_thread(&pipe);
	} else {
		pthread_mutex_lock(&pipe.lock);
		error_set(&pipe.error, ERROR_RESOURCE, NULL, "cannot start a thread");
		pipe_end(&pipe, r, &pipe.error);
		pthread_mutex_unlock(&pipe.lock);
	}
	while (n > 0)
		pthread_join(id[--n], NULL);
	r = pipe.res;
	if (r < 0 && err)
		*err = pipe.error;
	pipe_done(&pipe);
	return r;
}

int render_pipe_run(struct render *render, uint32_t n_threads, struct mixd_error *err)
{
	return n_threads > 1 ? pipe_threads(render, n_threads, err) : pipe_alone(render, err);
}
