/* spade.h - what a frame was before it was clipped: the sparsest spectrum that agrees with what is left.
 *
 * WHAT        A-SPADE: among all frames that equal the known samples and lie beyond the clipped ones,
 *             look for one whose spectrum (of twice as many points) has few lines. The number of lines
 *             grows by a step a round until the two agree, or the rounds are spent: bounded work.
 * THREADS     spade_place() [main]; spade_frame() [any], one caller at a time.
 * SOURCE      Kitic, Bertin, Gribonval, Sparsity and Cosparsity for Audio Declipping: a Flexible
 *             Non-Convex Approach, LVA/ICA 2015; Zaviska, Rajmic, Ozerov, Rencker, A Survey and an
 *             Extensive Evaluation of Popular Audio Declipping Methods, IEEE JSTSP 15(1), 2021. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fft.h"

enum spade_mark { SPADE_KNOWN, SPADE_ABOVE, SPADE_BELOW };

struct spade {
	uint32_t n; /* frames */
	struct fft_plan plan; /* of 2n points */
	float *window; /* Hann */
	float *x, *target; /* n: the frame, windowed */
	float *padded; /* 2n */
	float *re, *im, *sum_re, *sum_im, *line_re, *line_im; /* n + 1 */
	float *scratch;
	uint32_t count[2048];
};

size_t spade_bytes(uint32_t n);
/* N: a power of two, 16..32768. */
void spade_place(struct spade *spade, uint32_t n, void *memory);
/* Adds to SUM the frame X times the window as it may have been, and to WEIGHT the window. MARK says
 * which samples are known, and which lie at least where X has them. Returns the rounds it took. */
uint32_t spade_frame(struct spade *spade, const float *x, const uint8_t *mark, float *sum,
		     float *weight);
