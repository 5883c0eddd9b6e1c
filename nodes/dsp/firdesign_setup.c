/* firdesign_setup.c - see firdesign.h: memory. [main] */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "firdesign.h"

int firdesign_init(struct firdesign *design, uint32_t n_taps)
{
	size_t bins, floats;
	float *at;
	int r;

	*design = (struct firdesign){.n_taps = n_taps};
	if (n_taps < FIRDESIGN_TAPS_MIN || n_taps > FIRDESIGN_TAPS_MAX || (n_taps & (n_taps - 1)))
		return -EINVAL;
	design->n_fft = n_taps * 8 < FFT_SIZE_MAX ? n_taps * 8 : FFT_SIZE_MAX;
	design->n_bins = design->n_fft / 2 + 1;
	bins = (design->n_bins + 15) / 16 * 16;
	r = fft_plan_init(&design->plan, FFT_REAL, design->n_fft);
	if (r < 0)
		return r;
	floats = 2 * bins + design->n_fft + fft_scratch_floats(&design->plan);
	if (posix_memalign(&design->memory, 64, floats * sizeof(float)) != 0) {
		design->memory = NULL;
		firdesign_done(design);
		return -ENOMEM;
	}
	memset(design->memory, 0, floats * sizeof(float));
	at = design->memory;
	design->re = at;
	design->im = at + bins;
	design->time = at + 2 * bins;
	design->scratch = design->time + design->n_fft;
	return 0;
}

void firdesign_done(struct firdesign *design)
{
	if (design->plan.n)
		fft_plan_done(&design->plan);
	free(design->memory);
	*design = (struct firdesign){0};
}
