/* bench_ebur128.c - what libebur128 costs for the figures that our `loudness` node gives.
 *
 * USE         bench_ebur128 MODES BLOCK ; MODES: letters of m s i l t h (histogram). Prints one line of JSON. */
#include "bench_material.h"

#include <ebur128.h>
#include <stdio.h>

static int mode_of(char letter)
{
	switch (letter) {
	case 'm':
		return EBUR128_MODE_M;
	case 's':
		return EBUR128_MODE_S;
	case 'i':
		return EBUR128_MODE_I;
	case 'l':
		return EBUR128_MODE_LRA;
	case 't':
		return EBUR128_MODE_TRUE_PEAK;
	case 'h':
		return EBUR128_MODE_HISTOGRAM;
	default:
		return 0;
	}
}

int main(int argc, char **argv)
{
	static float interleaved[2 * (BENCH_LOOP_FRAMES + BENCH_BLOCK_MAX)];
	uint32_t block = argc > 2 ? (uint32_t)atoi(argv[2]) : 0;
	double ns[BENCH_REPEATS];
	ebur128_state *state;
	int mode = 0;

	for (const char *m = argc > 2 ? argv[1] : ""; *m; m++)
		mode |= mode_of(*m);
	if (!mode || !block || block > BENCH_BLOCK_MAX) {
		fprintf(stderr, "usage: bench_ebur128 MODES BLOCK\n");
		return 2;
	}
	bench_make_material();
	for (uint32_t i = 0; i < BENCH_LOOP_FRAMES + BENCH_BLOCK_MAX; i++) {
		interleaved[2 * i] = bench_left[i];
		interleaved[2 * i + 1] = bench_right[i];
	}
	state = ebur128_init(2, BENCH_RATE, mode);
	for (int r = -1; r < BENCH_REPEATS; r++) {
		double start = bench_now_ns();

		for (uint32_t done = 0; done + block <= BENCH_RATE; done += block)
			ebur128_add_frames_float(state, interleaved + 2 * (size_t)done, block);
		if (r >= 0)
			ns[r] = (bench_now_ns() - start) / (double)(BENCH_RATE / block * block);
	}
	ebur128_destroy(&state);
	printf("{\"peer\":\"libebur128 %s\",\"block\":%u,\"ns_per_frame\":%.3f}\n", argv[1], block,
	       bench_median(ns, BENCH_REPEATS));
	return 0;
}
