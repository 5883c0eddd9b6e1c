// bench_zita.cpp - zita-convolver as a peer of our convolver: 2 s stereo, processor time of all its threads.
//
// USE         bench_zita BLOCK [SECONDS]. Prints one line of JSON. The largest partition is its own limit, 8192.
// NOT HERE    ours: bench_engine, bench_convolver; ratios: bench.py.
#include <zita-convolver.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <vector>

extern "C" {
#include "bench_material.h"
}

static double process_ns()
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

int main(int argc, char **argv)
{
	const uint32_t block = argc > 1 ? (uint32_t)atoi(argv[1]) : 256, taps = 2 * BENCH_RATE;
	const double seconds = argc > 2 ? atof(argv[2]) : 1.0;
	const uint64_t frames = (uint64_t)(seconds * BENCH_RATE) / block * block;
	std::vector<float> response(taps);
	double ns[BENCH_REPEATS];
	uint32_t seed = 7;
	Convproc conv;

	bench_make_material();
	for (uint32_t i = 0; i < taps; i++) {
		seed = seed * 1664525u + 1013904223u;
		response[i] = (float)((int32_t)seed / 2147483648.0 * 0.05 * exp(-6.9 * i / taps));
	}
	if (conv.configure(2, 2, taps, block, block, Convproc::MAXPART, 1.0f) != 0)
		return 1;
	conv.impdata_create(0, 0, 1, response.data(), 0, (int)taps);
	conv.impdata_create(1, 1, 1, response.data(), 0, (int)taps);
	conv.start_process(0, SCHED_OTHER);
	for (int r = -1; r < BENCH_REPEATS; r++) {
		double begin = process_ns();

		for (uint64_t done = 0; done < frames; done += block) {
			uint32_t at = (uint32_t)(done % BENCH_LOOP_FRAMES);

			memcpy(conv.inpdata(0), bench_left + at, block * sizeof(float));
			memcpy(conv.inpdata(1), bench_right + at, block * sizeof(float));
			conv.process(true);
		}
		if (r >= 0)
			ns[r] = (process_ns() - begin) / (double)frames;
	}
	conv.stop_process();
	conv.cleanup();
	printf("{\"case\":\"zita\",\"block\":%u,\"ns_per_frame\":%.3f}\n", block, bench_median(ns, BENCH_REPEATS));
	return 0;
}
