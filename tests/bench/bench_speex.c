/* bench_speex.c - speexdsp's noise suppressor on the benchmark's material, two channels at 48 kHz.
 *
 * USE         bench_speex FRAME ; FRAME: frames it is given at once (it wants 10..20 ms). Prints one line
 *             of JSON: ns of processor time per stereo frame, the median over repeats.
 * NOT HERE    ours, and ratios: bench.py. */
#include <speex/speex_preprocess.h>
#include <stdio.h>

#include "bench_material.h"

int main(int argc, char **argv)
{
	int frame = argc > 1 ? atoi(argv[1]) : 480, on = 1;
	SpeexPreprocessState *state[2];
	double ns[BENCH_REPEATS];
	int16_t *samples;

	if (frame < 64 || frame > 4096) {
		fprintf(stderr, "bench_speex: a frame of %d? use 64 to 4096\n", frame);
		return 2;
	}
	samples = calloc((size_t)frame, sizeof(*samples));
	bench_make_material();
	for (int c = 0; c < 2; c++) {
		state[c] = speex_preprocess_state_init(frame, BENCH_RATE);
		speex_preprocess_ctl(state[c], SPEEX_PREPROCESS_SET_DENOISE, &on);
	}
	for (int r = 0; r < BENCH_REPEATS; r++) {
		uint32_t done = 0;
		double begin = bench_now_ns();

		for (; done + (uint32_t)frame <= BENCH_LOOP_FRAMES; done += (uint32_t)frame)
			for (int c = 0; c < 2; c++) {
				const float *x = (c ? bench_right : bench_left) + done;

				for (int i = 0; i < frame; i++)
					samples[i] = (int16_t)(x[i] * 32767.0f);
				speex_preprocess_run(state[c], samples);
			}
		ns[r] = (bench_now_ns() - begin) / done;
	}
	printf("{\"ns_per_frame\":%.3f}\n", bench_median(ns, BENCH_REPEATS));
	for (int c = 0; c < 2; c++)
		speex_preprocess_state_destroy(state[c]);
	free(samples);
	return 0;
}
