/* partconv.c - see partconv.h: what runs. */
#include "partconv.h"

#include <string.h>

#include "clones.h"
#include "partconv_private.h"

#include <mixd/rt.h>

typedef float partconv_f32x8 __attribute__((vector_size(32), aligned(4), may_alias));

/* ---- kernels ----------------------------------------------------------------------------------- */

#define PRODUCT_RE(i, p) (xr##p[i] * hr##p[i] - xi##p[i] * hi##p[i])
#define PRODUCT_IM(i, p) (xr##p[i] * hi##p[i] + xi##p[i] * hr##p[i])
#define PRODUCT_OF(p)                                                                              \
	const float *restrict xr##p = spectrum[p], *restrict xi##p = spectrum[p] + stride;         \
	const float *restrict hr##p = filter[p], *restrict hi##p = filter[p] + stride

MIXD_CLONES
static void partconv_products_four(float *restrict sum, const float *const spectrum[4],
				   const float *const filter[4], uint32_t stride)
{
	float *restrict re = sum, *restrict im = sum + stride;
	PRODUCT_OF(0);
	PRODUCT_OF(1);
	PRODUCT_OF(2);
	PRODUCT_OF(3);

	for (uint32_t i = 0; i < stride; i++) {
		re[i] = re[i] + PRODUCT_RE(i, 0) + PRODUCT_RE(i, 1) + PRODUCT_RE(i, 2) +
			PRODUCT_RE(i, 3);
		im[i] = im[i] + PRODUCT_IM(i, 0) + PRODUCT_IM(i, 1) + PRODUCT_IM(i, 2) +
			PRODUCT_IM(i, 3);
	}
}

MIXD_CLONES
static void partconv_products_two(float *restrict sum, const float *const spectrum[2],
				  const float *const filter[2], uint32_t stride)
{
	float *restrict re = sum, *restrict im = sum + stride;
	PRODUCT_OF(0);
	PRODUCT_OF(1);

	for (uint32_t i = 0; i < stride; i++) {
		re[i] = re[i] + PRODUCT_RE(i, 0) + PRODUCT_RE(i, 1);
		im[i] = im[i] + PRODUCT_IM(i, 0) + PRODUCT_IM(i, 1);
	}
}

MIXD_CLONES
static void partconv_products_one(float *restrict sum, const float *restrict xr0,
				  const float *restrict hr0, uint32_t stride)
{
	float *restrict re = sum, *restrict im = sum + stride;
	const float *restrict xi0 = xr0 + stride, *restrict hi0 = hr0 + stride;

	for (uint32_t i = 0; i < stride; i++) {
		re[i] = re[i] + PRODUCT_RE(i, 0);
		im[i] = im[i] + PRODUCT_IM(i, 0);
	}
}

void partconv_products(float *restrict sum, const float *const spectrum[4],
		       const float *const filter[4], uint32_t n_pairs, uint32_t stride)
{
	uint32_t done = n_pairs & ~1u;

	if (n_pairs == 4)
		partconv_products_four(sum, spectrum, filter, stride);
	else if (done)
		partconv_products_two(sum, spectrum, filter, stride);
	if (n_pairs > done)
		partconv_products_one(sum, spectrum[done], filter[done], stride);
}

/* 32 frames at a time: four sums of eight hide each other's latency. */
MIXD_CLONES
void partconv_head(const float *taps, const float *x, float *out, uint32_t n_frames)
{
	for (uint32_t i = 0; i < n_frames; i += 32) {
		partconv_f32x8 sum[4] = {{0}, {0}, {0}, {0}};
		float last[32];

		for (uint32_t k = 0; k < PARTCONV_HEAD; k++) {
			const float *from = x + i - k;
			partconv_f32x8 tap = {taps[k], taps[k], taps[k], taps[k],
					      taps[k], taps[k], taps[k], taps[k]};

			sum[0] += tap * *(const partconv_f32x8 *)from;
			sum[1] += tap * *(const partconv_f32x8 *)(from + 8);
			sum[2] += tap * *(const partconv_f32x8 *)(from + 16);
			sum[3] += tap * *(const partconv_f32x8 *)(from + 24);
		}
		if (n_frames - i >= 32) {
			for (uint32_t j = 0; j < 4; j++)
				*(partconv_f32x8 *)(out + i + 8 * j) += sum[j];
			continue;
		}
		for (uint32_t j = 0; j < 4; j++)
			*(partconv_f32x8 *)(last + 8 * j) = sum[j];
		for (uint32_t j = 0; j < n_frames - i; j++)
			out[i + j] += last[j];
	}
}

MIXD_CLONES
static void partconv_add(float *restrict out, const float *restrict in, uint32_t n_frames)
{
	for (uint32_t i = 0; i < n_frames; i++)
		out[i] += in[i];
}

/* Mostly the first few samples say it. */
static bool partconv_silent(const float *x, uint32_t n_frames)
{
	for (uint32_t i = 0; i < n_frames; i++)
		if (!(x[i] == 0.0f)) /* NaN is no silence */
			return false;
	return true;
}

/* ---- tasks ------------------------------------------------------------------------------------- */

/* The spectrum of two blocks, of which BLOCK is the second. */
static void partconv_forward(struct partconv *conv, struct partconv_level *level, uint32_t in,
			     uint64_t block, const struct partconv_job *job)
{
	const uint32_t frames = 2 * level->block, mask = conv->ring_frames - 1;
	const float *ring = conv->ring + (size_t)in * conv->ring_frames;
	const uint64_t end = (block + 1) * level->block;
	const uint64_t begin = end > frames ? end - frames : 0;
	const size_t slot = partconv_slot(level, in, block);
	float *time = level->scratch, *to = level->spectra + slot * 2 * level->stride;
	uint32_t at = 0, before = end > frames ? 0 : (uint32_t)(frames - end);

	if (job->since > begin)
		before += (uint32_t)(job->since - begin < frames ? job->since - begin : frames);
	before = before < frames ? before : frames;
	memset(time, 0, before * sizeof(float));
	for (at = before; at < frames;) {
		uint32_t from = (uint32_t)(end - frames + at) & mask;
		uint32_t n = frames - at;

		n = n < conv->ring_frames - from ? n : conv->ring_frames - from;
		memcpy(time + at, ring + from, n * sizeof(float));
		at += n;
	}
	level->slot_key[slot] = partconv_key(block, job->epoch);
	level->slot_live[slot] = !partconv_silent(time, frames);
	if (level->slot_live[slot])
		fft_real_forward(&level->plan, time, to, to + level->stride, time + frames);
}

/* The block before, when its turn was missed and its frames are still there. */
static void partconv_catch_up(struct partconv *conv, struct partconv_level *level, uint32_t in,
			      const struct partconv_job *job)
{
	uint64_t block = job->block - 1;

	if (level->kind != PARTCONV_WORKER || job->block == 0 ||
	    (block + 1) * level->block <= job->since)
		return;
	if (level->slot_key[partconv_slot(level, in, block)] != partconv_key(block, job->epoch))
		partconv_forward(conv, level, in, block, job);
}

static void partconv_product(struct partconv *conv, struct partconv_level *level,
			     const struct partconv_task *task, uint32_t bank,
			     const struct partconv_job *job)
{
	const struct partconv_path *path = &conv->paths[task->idx];
	float *sum = level->sums + (size_t)bank * 2 * level->stride;
	const float *spectrum[4], *filter[4];
	uint32_t n = 0;

	for (uint32_t p = task->first; p < task->first + task->count; p++) {
		size_t part = partconv_part(conv, level, bank, path->filter, p), slot;
		uint64_t block = job->block - p;

		if (job->block < p || (block + 1) * level->block <= job->since)
			break; /* older than all that is remembered */
		slot = partconv_slot(level, path->in, block);
		if (level->slot_key[slot] != partconv_key(block, job->epoch) ||
		    !level->slot_live[slot] || !level->filter_live[part])
			continue;
		spectrum[n] = level->spectra + slot * 2 * level->stride;
		filter[n++] = level->filters + part * 2 * level->stride;
	}
	if (n == 0)
		return;
	if (!level->sum_live[bank])
		memset(sum, 0, 2 * level->stride * sizeof(float));
	level->sum_live[bank] = true;
	partconv_products(sum, spectrum, filter, n, level->stride);
}

static void partconv_back(struct partconv *conv, struct partconv_level *level, uint32_t out,
			  uint32_t bank)
{
	float *time = level->scratch, *sum = level->sums + (size_t)bank * 2 * level->stride;
	uint32_t side = level->kind == PARTCONV_EDGE ? 0 : 1 - level->side;

	if (!level->sum_live[bank])
		return;
	level->sum_live[bank] = false;
	level->made[bank] |= UINT64_C(1) << out;
	fft_real_inverse(&level->plan, sum, sum + level->stride, time, time + 2 * level->block);
	memcpy(partconv_out(conv, level, side, bank, out), time + level->block,
	       level->block * sizeof(float));
}

static void partconv_tasks(struct partconv *conv, struct partconv_level *level, uint32_t first,
			   uint32_t end, const struct partconv_job *job)
{
	bool first_bank = true;

	for (uint32_t bank = 0; bank < conv->shape.n_banks; bank++) {
		if (!(job->banks & 1u << bank))
			continue;
		for (uint32_t i = first; i < end; i++) {
			const struct partconv_task *task = &level->tasks[i];

			if (task->kind == PARTCONV_TASK_PRODUCT) {
				partconv_product(conv, level, task, bank, job);
			} else if (task->kind == PARTCONV_TASK_BACK) {
				partconv_back(conv, level, task->idx, bank);
			} else if (first_bank) {
				partconv_catch_up(conv, level, task->idx, job);
				partconv_forward(conv, level, task->idx, job->block, job);
			}
		}
		first_bank = false;
	}
}

/* ---- turns: what happens at the edges of blocks ------------------------------------------------ */

static void partconv_begin_job(struct partconv_level *level)
{
	for (uint32_t b = 0; b < PARTCONV_BANKS; b++) {
		level->made[b] = 0;
		level->sum_live[b] = false;
	}
}

/* What was made becomes what is heard. */
static void partconv_hear(struct partconv_level *level, bool made)
{
	if (made && level->kind != PARTCONV_EDGE)
		level->side = 1 - level->side;
	for (uint32_t b = 0; b < PARTCONV_BANKS; b++)
		level->live[b] = made && level->job.banks & 1u << b ? level->made[b] : 0;
}

/* The block that ended here, unless all before is silence. */
static bool partconv_order(const struct partconv *conv, struct partconv_level *level)
{
	uint64_t block = conv->position / level->block;

	if (block == 0 || conv->position <= conv->since)
		return false;
	level->job = (struct partconv_job){.block = block - 1,
					   .since = conv->since,
					   .banks = conv->banks,
					   .epoch = conv->epoch};
	return true;
}

static void partconv_turn_worker(struct partconv *conv, struct partconv_level *level)
{
	uint32_t state = atomic_load_explicit(&level->state, memory_order_acquire);

	if (state == PARTCONV_ORDERED && /* not even begun: take it back */
	    atomic_compare_exchange_strong(&level->state, &state, PARTCONV_IDLE)) {
		partconv_hear(level, false);
		conv->late += level->job.epoch == conv->epoch;
	} else if (state == PARTCONV_RUNNING || state == PARTCONV_ORDERED) {
		partconv_hear(level, false);
		conv->late++;
		level->cycling = false;
		return;
	} else {
		/* A result from before a reset, or one that should have come a block ago, is none. */
		partconv_hear(level, state == PARTCONV_DONE && level->job.epoch == conv->epoch &&
					     level->job.block + 2 == conv->position / level->block);
	}
	atomic_store_explicit(&level->state, PARTCONV_IDLE, memory_order_relaxed);
	level->cycling = partconv_order(conv, level);
}

/* Order the job: to wake a thread takes long, so no two levels do it in one step, nor where a level
 * begins. */
static void partconv_submit(struct partconv *conv, struct partconv_level *level,
			    const struct partconv_call *call)
{
	if (!level->cycling || conv->position % level->block != level->submit_at)
		return;
	level->cycling = false;
	atomic_store_explicit(&level->state, PARTCONV_ORDERED, memory_order_release);
	if (!call->submit || !call->submit(call->data, (uint32_t)(level - conv->level))) {
		atomic_store_explicit(&level->state, PARTCONV_IDLE, memory_order_relaxed);
		conv->late++;
	}
}

void partconv_work(struct partconv *conv, uint32_t level_idx)
{
	struct partconv_level *level = &conv->level[level_idx];
	uint32_t ordered = PARTCONV_ORDERED;

	if (!atomic_compare_exchange_strong(&level->state, &ordered, PARTCONV_RUNNING))
		return; /* taken back */
	partconv_begin_job(level);
	partconv_tasks(conv, level, 0, level->n_tasks, &level->job);
	atomic_store_explicit(&level->state, PARTCONV_DONE, memory_order_release);
}

static void partconv_step(struct partconv *conv, struct partconv_level *level)
{
	uint32_t step = (uint32_t)(conv->position % level->block) / PARTCONV_HEAD;

	if (!level->cycling)
		return;
	level->job.banks &= conv->banks;
	partconv_tasks(conv, level, step ? level->step_end[step - 1] : 0, level->step_end[step],
		       &level->job);
}

static void partconv_turn(struct partconv *conv, struct partconv_level *level)
{
	if (level->kind == PARTCONV_WORKER) {
		partconv_turn_worker(conv, level);
		return;
	}
	if (level->kind == PARTCONV_SPREAD)
		partconv_hear(level, level->cycling);
	level->cycling = partconv_order(conv, level);
	partconv_begin_job(level);
	if (level->kind == PARTCONV_SPREAD) {
		partconv_step(conv, level);
		return;
	}
	if (level->cycling)
		partconv_tasks(conv, level, 0, level->n_tasks, &level->job);
	partconv_hear(level, level->cycling);
}

/* The position is a multiple of PARTCONV_HEAD: all levels whose block ends here, steps of the rest. */
static void partconv_edge(struct partconv *conv, const struct partconv_call *call)
{
	for (uint32_t i = 0; i < conv->n_levels; i++) {
		struct partconv_level *level = &conv->level[i];

		if (conv->position % level->block == 0)
			partconv_turn(conv, level);
		else if (level->kind == PARTCONV_SPREAD)
			partconv_step(conv, level);
		else
			partconv_submit(conv, level, call);
	}
}

/* ---- running ----------------------------------------------------------------------------------- */

/* Remember N frames of the inputs, which do not go past an edge. */
static void partconv_feed(struct partconv *conv, const struct partconv_call *call, uint32_t done,
			  uint32_t n)
{
	uint32_t at = (uint32_t)conv->position & (conv->ring_frames - 1);

	for (uint32_t c = 0; c < conv->shape.n_in; c++) {
		float *recent = conv->recent + (size_t)c * 2 * PARTCONV_HEAD;
		const float *in = call->in[c] + done;

		memcpy(recent + PARTCONV_HEAD, in, n * sizeof(float));
		memcpy(conv->ring + (size_t)c * conv->ring_frames + at, in, n * sizeof(float));
	}
}

/* The frames just fed become the past. */
static void partconv_pass(struct partconv *conv, uint32_t n)
{
	for (uint32_t c = 0; c < conv->shape.n_in; c++) {
		float *recent = conv->recent + (size_t)c * 2 * PARTCONV_HEAD;

		memmove(recent, recent + n, PARTCONV_HEAD * sizeof(float));
	}
}

static void partconv_take(struct partconv *conv, uint32_t bank, float *const *out, uint32_t done,
			  uint32_t n)
{
	for (uint32_t c = 0; c < conv->shape.n_out; c++)
		memset(out[c] + done, 0, n * sizeof(float));
	for (uint32_t p = 0; p < conv->shape.n_paths; p++) {
		const struct partconv_path *path = &conv->paths[p];
		size_t filter = (size_t)bank * conv->shape.n_filters + path->filter;

		if (conv->head_live[filter])
			partconv_head(conv->heads + filter * PARTCONV_HEAD,
				      conv->recent + (size_t)path->in * 2 * PARTCONV_HEAD +
					      PARTCONV_HEAD,
				      out[path->out] + done, n);
	}
	for (uint32_t i = 0; i < conv->n_levels; i++) {
		struct partconv_level *level = &conv->level[i];
		uint32_t side = level->kind == PARTCONV_EDGE ? 0 : level->side;
		uint32_t at = (uint32_t)(conv->position % level->block);

		for (uint32_t c = 0; c < conv->shape.n_out; c++)
			if (level->live[bank] >> c & 1)
				partconv_add(out[c] + done,
					     partconv_out(conv, level, side, bank, c) + at, n);
	}
}

void partconv_process(struct partconv *conv, const struct partconv_call *call)
{
	if (call->position != conv->position && !conv->fresh)
		partconv_reset(conv);
	if (conv->fresh) {
		conv->position = conv->since = call->position;
		conv->fresh = false;
	}
	for (uint32_t done = 0; done < call->n_frames;) {
		uint32_t n = PARTCONV_HEAD - (uint32_t)(conv->position % PARTCONV_HEAD);

		n = n < call->n_frames - done ? n : call->n_frames - done;
		if (conv->position % PARTCONV_HEAD == 0)
			partconv_edge(conv, call);
		partconv_feed(conv, call, done, n);
		for (uint32_t bank = 0; bank < conv->shape.n_banks; bank++)
			if (call->out[bank])
				partconv_take(conv, bank, call->out[bank], done, n);
		partconv_pass(conv, n);
		conv->position += n;
		done += n;
	}
}

void partconv_set_banks(struct partconv *conv, uint32_t banks)
{
	conv->banks = banks;
}

uint64_t partconv_warm_frames(const struct partconv *conv, uint64_t position)
{
	uint64_t block = conv->max_block;

	return (position + block - 1) / block * block + block - position;
}

void partconv_reset(struct partconv *conv)
{
	conv->fresh = true;
	conv->epoch++;
	memset(conv->recent, 0, sizeof(float) * 2 * PARTCONV_HEAD * conv->shape.n_in);
	for (uint32_t i = 0; i < conv->n_levels; i++) {
		conv->level[i].cycling = false;
		for (uint32_t b = 0; b < PARTCONV_BANKS; b++)
			conv->level[i].live[b] = 0;
	}
}

/* ---- filters ----------------------------------------------------------------------------------- */

static bool partconv_all_zero(const float *taps, uint32_t n)
{
	return n == 0 || partconv_silent(taps, n);
}

void partconv_load(struct partconv *conv, uint32_t bank, uint32_t filter, const float *taps,
		   uint32_t n_taps)
{
	const size_t head = (size_t)bank * conv->shape.n_filters + filter;
	const uint32_t n_head = n_taps < PARTCONV_HEAD ? n_taps : PARTCONV_HEAD;

	memset(conv->heads + head * PARTCONV_HEAD, 0, PARTCONV_HEAD * sizeof(float));
	memcpy(conv->heads + head * PARTCONV_HEAD, taps, n_head * sizeof(float));
	conv->head_live[head] = !partconv_all_zero(taps, n_head);
	for (uint32_t i = 0; i < conv->n_levels; i++) {
		struct partconv_level *level = &conv->level[i];
		float *time = conv->load_scratch;

		for (uint32_t p = 0; p < level->n_parts; p++) {
			size_t part = partconv_part(conv, level, bank, filter, p);
			float *to = level->filters + part * 2 * level->stride;
			uint32_t first = level->start + p * level->block, n = 0;

			if (first < n_taps)
				n = n_taps - first < level->block ? n_taps - first : level->block;
			level->filter_live[part] = n && !partconv_all_zero(taps + first, n);
			if (!level->filter_live[part])
				continue;
			memset(time, 0, 2 * level->block * sizeof(float));
			for (uint32_t k = 0; k < n; k++)
				time[k] = taps[first + k] * level->plan.scale;
			fft_real_forward(&level->plan, time, to, to + level->stride,
					 time + 2 * level->block);
		}
	}
}
