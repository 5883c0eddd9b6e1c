/* partconv_setup.c - see partconv.h: planning the levels, and their memory. [main] */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "partconv_private.h"

/* A level of BLOCK ends where the next one, of its size, may begin: at twice that size; or a bit
 * later, when that saves the next level. Sizes by trial, with 2 s: what counts beside arithmetic is
 * how often the spectra, some megabytes, come through the caches. */
static const struct {
	enum partconv_kind kind;
	uint32_t block;
	uint32_t stretch; /* with up to this many partitions there is no next level */
} partconv_plans[] = {
	{PARTCONV_EDGE, 64, 12},     {PARTCONV_SPREAD, 256, 14},  {PARTCONV_SPREAD, 1024, 22},
	{PARTCONV_WORKER, 8192, 16}, {PARTCONV_WORKER, 32768, 0},
};
#define PLANS (sizeof(partconv_plans) / sizeof(partconv_plans[0]))

/* Carves a block of memory; with no memory it counts. */
struct partconv_arena {
	char *memory;
	size_t used;
};

static void *partconv_get(struct partconv_arena *arena, size_t n, size_t size)
{
	char *at = arena->memory ? arena->memory + arena->used : NULL;

	arena->used += (n * size + 63) / 64 * 64;
	return at;
}

/* Fill in the sizes of the levels; returns how many. */
static uint32_t partconv_plan(const struct partconv_shape *shape, struct partconv_level *level)
{
	uint32_t n = 0, start = PARTCONV_HEAD, left;

	for (uint32_t i = 0; i < PLANS && start < shape->n_taps; i++, level++, n++) {
		bool last = i + 1 == PLANS ||
			    (shape->no_worker && partconv_plans[i + 1].kind == PARTCONV_WORKER);

		level->kind = partconv_plans[i].kind;
		level->block = partconv_plans[i].block;
		level->start = start;
		level->stride = (level->block + 1 + 15) / 16 * 16;
		left = shape->n_taps - start;
		level->n_parts = (left + level->block - 1) / level->block;
		if (last || level->n_parts <= partconv_plans[i].stretch)
			return n + 1;
		left = 2 * partconv_plans[i + 1].block - start;
		level->n_parts = (left + level->block - 1) / level->block;
		start += level->n_parts * level->block;
	}
	return n;
}

static uint32_t partconv_max_tasks(const struct partconv_shape *shape,
				   const struct partconv_level *level)
{
	return shape->n_in + shape->n_out + shape->n_paths * ((level->n_parts + 3) / 4);
}

static void partconv_carve_level(struct partconv_arena *arena, const struct partconv_shape *shape,
				 struct partconv_level *level)
{
	const size_t spectrum = 2 * (size_t)level->stride;
	const size_t slots = (size_t)shape->n_in * level->n_parts;
	const size_t parts = (size_t)shape->n_banks * shape->n_filters * level->n_parts;

	level->spectra = partconv_get(arena, slots * spectrum, sizeof(float));
	level->slot_key = partconv_get(arena, slots, sizeof(uint64_t));
	level->slot_live = partconv_get(arena, slots, sizeof(bool));
	level->sums = partconv_get(arena, shape->n_banks * spectrum, sizeof(float));
	level->filters = partconv_get(arena, parts * spectrum, sizeof(float));
	level->filter_live = partconv_get(arena, parts, sizeof(bool));
	level->out = partconv_get(arena, (size_t)2 * shape->n_banks * shape->n_out * level->block,
				  sizeof(float));
	/* A block and the one before, and what the transform asks for. */
	level->scratch =
		partconv_get(arena, 2 * level->block + 4 * (size_t)level->block, sizeof(float));
	level->tasks =
		partconv_get(arena, partconv_max_tasks(shape, level), sizeof(struct partconv_task));
}

static void partconv_carve(struct partconv_arena *arena, struct partconv *conv)
{
	const struct partconv_shape *shape = &conv->shape;
	size_t filters = (size_t)shape->n_banks * shape->n_filters;

	conv->max_block = PARTCONV_HEAD;
	for (uint32_t i = 0; i < conv->n_levels; i++) {
		partconv_carve_level(arena, shape, &conv->level[i]);
		conv->max_block = conv->level[i].block;
	}
	/* The worker may read two blocks while a third is written, and catch up one. */
	conv->ring_frames = 4 * conv->max_block;
	conv->ring = partconv_get(arena, (size_t)shape->n_in * conv->ring_frames, sizeof(float));
	conv->recent = partconv_get(arena, (size_t)shape->n_in * 2 * PARTCONV_HEAD, sizeof(float));
	conv->heads = partconv_get(arena, filters * PARTCONV_HEAD, sizeof(float));
	conv->head_live = partconv_get(arena, filters, sizeof(bool));
	conv->load_scratch = partconv_get(arena, 6 * (size_t)conv->max_block, sizeof(float));
}

/* ---- tasks ------------------------------------------------------------------------------------- */

static void partconv_add_task(struct partconv_level *level, int kind, uint32_t idx, uint32_t first,
			      uint32_t count)
{
	level->tasks[level->n_tasks++] =
		(struct partconv_task){.kind = kind, .idx = idx, .first = first, .count = count};
}

static void partconv_make_tasks(const struct partconv *conv, struct partconv_level *level)
{
	for (uint32_t i = 0; i < conv->shape.n_in; i++)
		partconv_add_task(level, PARTCONV_TASK_FORWARD, i, 0, 0);
	for (uint32_t p = 0; p < conv->shape.n_paths; p++) {
		for (uint32_t k = 0; k < level->n_parts; k += 4)
			partconv_add_task(level, PARTCONV_TASK_PRODUCT, p, k,
					  level->n_parts - k < 4 ? level->n_parts - k : 4);
		if (p + 1 == conv->shape.n_paths || conv->paths[p + 1].out != conv->paths[p].out)
			partconv_add_task(level, PARTCONV_TASK_BACK, conv->paths[p].out, 0, 0);
	}
}

/* Roughly, in operations. */
static double partconv_task_cost(const struct partconv_level *level,
				 const struct partconv_task *task)
{
	if (task->kind == PARTCONV_TASK_PRODUCT)
		return 0.6 * task->count * level->block;
	return 0.35 * level->block * log2(2.0 * level->block);
}

/* Cut the tasks into steps of like cost. */
static void partconv_make_steps(struct partconv_level *level)
{
	uint32_t n_steps = level->block / PARTCONV_HEAD, at = 0;
	double total = 0.0, done = 0.0;

	for (uint32_t i = 0; i < level->n_tasks; i++)
		total += partconv_task_cost(level, &level->tasks[i]);
	for (uint32_t step = 0; step < n_steps && step < PARTCONV_STEPS_MAX; step++) {
		while (at < level->n_tasks) {
			double cost = partconv_task_cost(level, &level->tasks[at]);

			/* A task goes to the step that has more than half of it. */
			if (step + 1 < n_steps && done + 0.5 * cost > total * (step + 1) / n_steps)
				break;
			done += cost;
			at++;
		}
		level->step_end[step] = at;
	}
}

/* ---- life -------------------------------------------------------------------------------------- */

static bool partconv_shape_fits(const struct partconv_shape *shape)
{
	if (shape->n_in < 1 || shape->n_in > PARTCONV_CHANNELS_MAX || shape->n_out < 1 ||
	    shape->n_out > PARTCONV_CHANNELS_MAX || shape->n_filters < 1 || shape->n_paths < 1 ||
	    shape->n_paths > PARTCONV_PATHS_MAX || shape->n_banks < 1 ||
	    shape->n_banks > PARTCONV_BANKS || shape->n_taps < 1 ||
	    shape->n_taps > PARTCONV_TAPS_MAX)
		return false;
	for (uint32_t p = 0; p < shape->n_paths; p++)
		if (shape->paths[p].in >= shape->n_in || shape->paths[p].out >= shape->n_out ||
		    shape->paths[p].filter >= shape->n_filters ||
		    (p && shape->paths[p].out < shape->paths[p - 1].out))
			return false;
	return true;
}

size_t partconv_bytes(const struct partconv_shape *shape)
{
	struct partconv conv = {.shape = *shape};
	struct partconv_arena arena = {NULL, 0};

	conv.n_levels = partconv_plan(shape, conv.level);
	partconv_carve(&arena, &conv);
	return arena.used + sizeof(conv);
}

int partconv_new(const struct partconv_shape *shape, struct partconv **ret)
{
	struct partconv_arena arena = {NULL, 0};
	struct partconv *conv;
	int r = 0;

	if (!partconv_shape_fits(shape))
		return -EINVAL;
	if (posix_memalign((void **)&conv, 64, sizeof(*conv)) != 0)
		return -ENOMEM;
	memset(conv, 0, sizeof(*conv));
	conv->shape = *shape;
	memcpy(conv->paths, shape->paths, shape->n_paths * sizeof(*shape->paths));
	conv->shape.paths = conv->paths;
	conv->n_levels = partconv_plan(shape, conv->level);
	partconv_carve(&arena, conv);
	if (posix_memalign((void **)&arena.memory, 64, arena.used) != 0) {
		free(conv);
		return -ENOMEM;
	}
	memset(arena.memory, 0, arena.used);
	conv->memory = arena.memory;
	arena.used = 0;
	partconv_carve(&arena, conv);
	for (uint32_t i = 0; i < conv->n_levels && r == 0; i++) {
		struct partconv_level *level = &conv->level[i];

		partconv_make_tasks(conv, level);
		partconv_make_steps(level);
		level->submit_at = (2 * i - 1) * PARTCONV_HEAD;
		r = fft_plan_init(&level->plan, FFT_REAL, 2 * level->block);
	}
	conv->banks = 1;
	conv->fresh = true;
	if (r < 0) {
		partconv_free(conv);
		return r;
	}
	*ret = conv;
	return 0;
}

struct partconv *partconv_free(struct partconv *conv)
{
	if (!conv)
		return NULL;
	for (uint32_t i = 0; i < conv->n_levels; i++)
		fft_plan_done(&conv->level[i].plan);
	free(conv->memory);
	free(conv);
	return NULL;
}
