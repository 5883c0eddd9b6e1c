/* analyser.h - powers of overlapping frames of a signal, found by a worker.
 *
 * WHAT        A framer with the window, transform and memory that go with it. Power is such that a
 *             sine of amplitude 1 has 1 in its bin, whatever the window.
 * USE         the audio thread: framer_room(), framer_put(), framer_taken() of .framer; the worker:
 *             analyser_transform(), read .power, then framer_done().
 * THREADS     analyser_place() [main]; analyser_transform() [worker], while it owns the job. */
#pragma once

#include <stddef.h>

#include "fft.h"
#include "framer.h"
#include "window.h"

struct analyser {
	/* --- immutable after init --- */
	uint32_t size, bins; /* bins: size / 2 */
	struct fft_plan plan;
	float scale; /* |X|^2 to the power of a sine of amplitude 1 */
	float *window, *frame, *scratch, *re, *im;
	/* --- rt --- */
	struct framer framer;
	/* --- of the job --- */
	float *power; /* [bins + 1] */
};

size_t analyser_bytes(uint32_t size); /* a multiple of 64 [any] */
/* MEMORY: analyser_bytes(SIZE), 64-byte aligned. */
void analyser_place(struct analyser *analyser, uint32_t size, uint32_t hop, enum window_kind window,
		    double beta, void *memory);
void analyser_transform(struct analyser *analyser);
