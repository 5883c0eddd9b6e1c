/* bench_convolver.c - the deadlines of the convolver: how its work lies in time, with the worker of the live engine.
 *
 * USE         bench_convolver BLOCK [SECONDS [SPEED]]. A room of 2 s stereo in an engine that is paced as a clock would
 *             (SPEED times real time, 1 by default), for SECONDS. Prints one line of JSON.
 * MEASURED    Processor time of the audio thread, block by block. The work repeats after 16384 frames; of each block in
 *             that round the median over all rounds is taken, so that what else the machine does is left out, and the
 *             worst of these is set against their mean. `worker` is what all other threads of the process used. `late`
 *             must be 0. `hist` counts blocks by time over mean: below 0.5, 1, 1.5, 2, 3, and above.
 * NOT HERE    peers and ratios: bench.py. */
#include "audio_file.h"
#include "engine_modules.h"
#include "instance.h"

#include "bench_material.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ROUND_FRAMES 16384u
#define ROUNDS_MAX 1024u

static float response[2][BENCH_RATE * 2u];

/* The file service of this engine: the room is in memory. */
static int read_room(const char *path, double rate, struct mixd_audio *ret_audio,
		     struct mixd_fault *fault)
{
	float **channel = malloc(2 * sizeof(*channel));

	if (!channel)
		return -1;
	for (int c = 0; c < 2; c++) {
		channel[c] = malloc(sizeof(response[c]));
		if (channel[c])
			memcpy(channel[c], response[c], sizeof(response[c]));
	}
	*ret_audio = (struct mixd_audio){channel, 2, BENCH_RATE * 2u, BENCH_RATE};
	return 0;
}

static void make_room(void)
{
	uint32_t s = 7;

	for (uint32_t i = 0; i < 2 * BENCH_RATE; i++)
		for (int c = 0; c < 2; c++) {
			s = s * 1664525u + 1013904223u;
			response[c][i] = (float)((int32_t)s / 2147483648.0 *
						 exp(-6.9 * i / (2.0 * BENCH_RATE)));
		}
	response[0][2 * BENCH_RATE - 1] = 0.01f; /* nothing is trimmed */
}

static void refused(void *data, const char *path, const char *reason)
{
}

static double process_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double wall_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static struct instance *open_room(struct engine **ret_engine)
{
	struct engine_setup setup = {
		.rate = BENCH_RATE, .read_audio = read_room, .free_audio = audio_file_free};
	static char text[] =
		"mixd: 1\nname: bench\nnodes:\n  in: {type: input, layout: stereo, device: none}\n"
		"  room: {type: convolver, ir: room}\n  out: {type: output, device: none}\n"
		"links:\n  - in -> room -> out\n";
	struct graph_types *types = graph_types_new();
	struct engine_modules *modules;
	struct mixd_error err = {0};
	Mixd__V1__Apply apply = MIXD__V1__APPLY__INIT;
	Mixd__V1__Op op = MIXD__V1__OP__INIT, *ops[] = {&op};
	struct instance_request request = {.ops = ops, .n_ops = 1, .by = "bench"};
	struct instance_result result = {0};
	struct instance *instance = NULL;

	apply.text = text;
	op.op_case = MIXD__V1__OP__OP_APPLY;
	op.apply = &apply;
	if (engine_modules_load(types, refused, NULL, &modules, &err) < 0 ||
	    engine_new(&setup, ret_engine, &err) < 0 ||
	    instance_new("bench", types, *ret_engine, &(struct instance_hooks){0}, &instance,
			 &err) < 0 ||
	    instance_transact(instance, &request, &result, &err) < 0) {
		fprintf(stderr, "bench_convolver: %s: %s (%s)\n", err.address, err.text, err.hint);
		exit(1);
	}
	instance_result_done(&result);
	return instance;
}

/* Meter `late` of the room. */
static double late_blocks(struct engine *engine, struct instance *instance)
{
	const struct graph_node *node = graph_model_node(instance_model(instance), "room");

	for (uint32_t i = 0; i < node->type->n_meters; i++)
		if (strcmp(node->type->meters[i].row->id, "late") == 0)
			return engine_meter(engine, node->uid, i, 0, 0);
	return -1;
}

static void report(uint32_t block, uint32_t n_blocks, uint32_t rounds, double *times,
		   double worker_ns, double late)
{
	static const double edges[] = {0.5, 1, 1.5, 2, 3};
	uint32_t count[6] = {0};
	double mean = 0, worst = 0, *typical = calloc(n_blocks, sizeof(double)),
	       *column = calloc(rounds, sizeof(double));

	for (uint32_t b = 0; b < n_blocks; b++) {
		for (uint32_t r = 0; r < rounds; r++)
			column[r] = times[(size_t)r * n_blocks + b];
		typical[b] = bench_median(column, rounds);
		mean += typical[b] / n_blocks;
	}
	for (uint32_t b = 0; b < n_blocks; b++) {
		uint32_t i = 0;

		worst = typical[b] > worst ? typical[b] : worst;
		while (i < 5 && typical[b] >= edges[i] * mean)
			i++;
		count[i]++;
	}
	printf("{\"case\":\"convolver 2 s stereo, live\",\"block\":%u,\"audio_ns_per_frame\":%.2f,"
	       "\"worker_ns_per_frame\":%.2f,\"mean_block_us\":%.2f,\"worst_block_us\":%.2f,"
	       "\"worst_over_mean\":%.2f,"
	       "\"worst_over_mean_with_worker\":%.2f,\"late\":%.0f,\"hist\":[%u,%u,%u,%u,%u,%u]}\n",
	       block, mean / block, worker_ns / ((double)rounds * ROUND_FRAMES), mean / 1e3,
	       worst / 1e3, worst / mean, worst / (mean + worker_ns / rounds / n_blocks), late,
	       count[0], count[1], count[2], count[3], count[4], count[5]);
	free(typical);
	free(column);
}

int main(int argc, char **argv)
{
	static float out_left[ENGINE_BLOCK_MAX], out_right[ENGINE_BLOCK_MAX];
	float *out_channels[] = {out_left, out_right};
	float *const *out[] = {out_channels, out_channels};
	uint32_t block = argc > 1 ? (uint32_t)atoi(argv[1]) : 64, n_blocks, rounds;
	double seconds = argc > 2 ? atof(argv[2]) : 8, speed = argc > 3 ? atof(argv[3]) : 1,
	       begin = 0, all = 0, own = 0;
	struct engine *engine = NULL;
	struct instance *instance;
	double *times;

	if (block < 1 || ROUND_FRAMES % block) {
		fprintf(stderr,
			"usage: bench_convolver BLOCK (a part of 16384) [SECONDS [SPEED]]\n");
		return 2;
	}
	n_blocks = ROUND_FRAMES / block;
	rounds = (uint32_t)(seconds * BENCH_RATE / ROUND_FRAMES);
	rounds = rounds < 3 ? 3 : rounds > ROUNDS_MAX ? ROUNDS_MAX : rounds;
	times = calloc((size_t)rounds * n_blocks, sizeof(double));
	bench_make_material();
	make_room();
	instance = open_room(&engine);
	engine_meters_lease(engine, 1);
	engine_set_running(engine, true);
	/* Eight rounds before: until then the room is not full. */
	for (uint64_t i = 0; i < (uint64_t)(rounds + 8) * n_blocks; i++) {
		/* the silence in the material would be skipped: stay before it */
		uint32_t at = (uint32_t)(i * block % 8192);
		const float *in_channels[] = {bench_left + at, bench_right + at};
		const float *const *in[] = {in_channels, in_channels};
		struct engine_cycle cycle = {
			.n_frames = block, .in = in, .n_in = 2, .out = out, .n_out = 2};
		double before, wait;

		if (i == 8 * (uint64_t)n_blocks) {
			all = process_ns();
			own = bench_now_ns();
		}
		if (i == 0)
			begin = wall_ns();
		before = bench_now_ns();
		engine_process(engine, &cycle);
		if (i >= 8 * (uint64_t)n_blocks)
			times[i - 8 * (uint64_t)n_blocks] = bench_now_ns() - before;
		wait = begin + (double)(i + 1) * block / BENCH_RATE * 1e9 / speed - wall_ns();
		if (wait > 0)
			usleep((useconds_t)(wait / 1e3));
	}
	all = process_ns() - all - (bench_now_ns() - own);
	engine_maintain(engine);
	report(block, n_blocks, rounds, times, all, late_blocks(engine, instance));
	engine_set_running(engine, false);
	instance_free(instance);
	engine_free(engine);
	free(times);
	return 0;
}
