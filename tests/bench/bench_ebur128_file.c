/* bench_ebur128_file.c - a libebur128 loop over a file: integrated loudness, range and true peak.
 *
 * USE         bench_ebur128_file FILE ; prints one line of JSON. Measured from outside, as a process. */
#include <ebur128.h>
#include <math.h>
#include <sndfile.h>
#include <stdio.h>
#include <stdlib.h>

#define FRAMES 4096

int main(int argc, char **argv)
{
	SF_INFO info = {0};
	SNDFILE *file = argc == 2 ? sf_open(argv[1], SFM_READ, &info) : NULL;
	double integrated = NAN, range = NAN, peak = 0;
	ebur128_state *state;
	sf_count_t n;
	float *block;

	if (!file) {
		fprintf(stderr, "usage: bench_ebur128_file FILE\n");
		return 2;
	}
	state = ebur128_init((unsigned)info.channels, (unsigned long)info.samplerate,
			     EBUR128_MODE_I | EBUR128_MODE_LRA | EBUR128_MODE_TRUE_PEAK);
	block = malloc((size_t)info.channels * FRAMES * sizeof(float));
	if (!state || !block)
		return 1;
	while ((n = sf_readf_float(file, block, FRAMES)) > 0)
		ebur128_add_frames_float(state, block, (size_t)n);
	ebur128_loudness_global(state, &integrated);
	ebur128_loudness_range(state, &range);
	for (unsigned c = 0; c < (unsigned)info.channels; c++) {
		double own = 0;

		ebur128_true_peak(state, c, &own);
		peak = own > peak ? own : peak;
	}
	printf("{\"integrated_lufs\":%.2f,\"range_lu\":%.2f,\"true_peak_dbtp\":%.2f}\n", integrated,
	       range, 20.0 * log10(peak));
	ebur128_destroy(&state);
	free(block);
	sf_close(file);
	return 0;
}
