/* eq and comp alone and in banks of four stereo strips: ns per stereo frame, median of 11 runs, by
 * the clock of the calling thread. Goals: 4-band eq 5, 10-band 12, comp 8; per strip in a bank of
 * eight lanes 3.5 each. */
#include <time.h>

#include "node_host.h"
#include "test.h"

#define RUNS_MAX 101

static float noise[8][4096];

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double measure(struct node_host *host, uint32_t block, uint32_t n_inst, int runs)
{
	const float *in[32] = {NULL};
	float *out[8] = {NULL};
	double ns[RUNS_MAX];
	uint32_t per = node_host_in_channels(host);

	for (uint32_t c = 0; c < 2 * n_inst; c++)
		in[c / 2 * per + c % 2] = noise[c];
	node_host_process(host, in, out, 4096);
	for (int r = 0; r < runs; r++) {
		uint64_t begin = node_host_ns(host), frames = 0;

		for (; frames < 40960; frames += block)
			node_host_process(host, in, out, block);
		ns[r] = (double)(node_host_ns(host) - begin) / (double)(frames * n_inst);
	}
	qsort(ns, (size_t)runs, sizeof(*ns), compare);
	return ns[runs / 2];
}

static void row(const char *what, const char *id, uint32_t bands, uint32_t n_inst, int runs)
{
	struct node_host_setup setup = {.n_inst = n_inst, .only_main_linked = true};
	struct node_host *host = node_host_open(id, &setup);
	static const uint32_t blocks[] = {64, 256, 1024};

	for (uint32_t i = 0; i < n_inst; i++) {
		for (uint32_t b = 1; b <= bands; b++) {
			char name[32];

			snprintf(name, sizeof(name), "band%u.gain", b);
			node_host_jump(host, i, name, b % 2 ? 3 : -3);
			snprintf(name, sizeof(name), "band%u.on", b);
			node_host_jump(host, i, name, 1);
		}
	}
	printf("%-28s", what);
	for (size_t k = 0; k < 3; k++)
		printf("  b%-4u %6.2f", blocks[k], measure(host, blocks[k], n_inst, runs));
	printf("  ns per stereo frame\n");
	node_host_free(host);
}

TEST(bench)
{
	int runs = 11;

	for (uint32_t c = 0; c < 8; c++)
		for (uint32_t i = 0; i < 4096; i++)
			noise[c][i] = (float)(0.6 * (test_random() - 0.5));
	row("eq, 4 bands", "eq", 4, 1, runs);
	row("eq, 10 bands", "eq", 10, 1, runs);
	row("eq, no band", "eq", 0, 1, runs);
	row("eq, 4 bands, 4 strips", "eq", 4, 4, runs);
	row("eq, 10 bands, 4 strips", "eq", 10, 4, runs);
	row("comp", "comp", 0, 1, runs);
	row("comp, 4 strips", "comp", 0, 4, runs);
}
