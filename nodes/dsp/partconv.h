/* partconv.h - convolution with long responses and no added latency.
 *
 * WHAT        The response is cut into pieces that grow. Its first PARTCONV_HEAD taps are multiplied
 *             out sample by sample; what follows is cut into levels of equal partitions, each a
 *             product of spectra (overlap-save, frequency-domain delay line). A level of block B
 *             has its spectra ready when they are needed because it begins late enough in the
 *             response:
 *               EDGE    begins at B: all its work is done at the edge of a block;
 *               SPREAD  begins at 2 B: whole transforms and products, spread over the next block
 *                       in steps of PARTCONV_HEAD frames;
 *               WORKER  begins at 2 B: a job for another thread, which has one whole block of
 *                       time. One that comes late is silence for that block and counted.
 *             Signals and responses have channels; paths say which input goes through which filter
 *             to which output. There may be two BANKS of filters that hear the same input, so that
 *             one can fade into the other with all of its past.
 * SOURCE      Gardner, Efficient convolution without input-output delay, JAES 43(3), 1995; Garcia,
 *             Optimal filter partition, AES 113, 2002; Wefers, Partitioned convolution algorithms
 *             for real-time auralization, RWTH 2015, chapters 3 to 5.
 * THREADS     _new, _free [main]; _process, _reset, _set_banks [rt]; _load [main], or [worker] for a
 *             bank that is not in use; _work [worker].
 * INVARIANTS  P1 the result does not depend on how time is cut into calls: blocks lie at absolute
 *                multiples of their size, and the sums have one order.
 *             P2 in time, a worker gives the same bits as _work() inside submit().
 *             P3 taps that are zero for a whole partition cost nothing, and neither do blocks of
 *                silent input; both without changing a bit.
 *             P4 no transform is divided: steps are made of whole ones.
 *             P5 _reset() takes no time: what lies before it is not read again.
 * NOT HERE    files, gains: convolver; designing filters: firdesign.h. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fft.h"

#define PARTCONV_HEAD 64u /* taps of the head; frames of a step */
#define PARTCONV_LEVELS_MAX 5u
#define PARTCONV_BANKS 2u
#define PARTCONV_CHANNELS_MAX 64u
#define PARTCONV_PATHS_MAX 128u
#define PARTCONV_STEPS_MAX 64u
#define PARTCONV_TAPS_MAX (1u << 24)

enum partconv_kind { PARTCONV_EDGE, PARTCONV_SPREAD, PARTCONV_WORKER };

struct partconv_path {
	uint16_t in, out, filter; /* sorted by OUT */
};

struct partconv_shape {
	uint32_t n_in, n_out; /* channels, 1..PARTCONV_CHANNELS_MAX */
	uint32_t n_filters, n_paths;
	uint32_t n_banks; /* 1 or 2 */
	uint32_t n_taps; /* of the longest filter, 1..PARTCONV_TAPS_MAX */
	bool no_worker; /* all levels on the calling thread */
	const struct partconv_path *paths; /* copied */
};

/* A piece of work of a level; executed in order. */
struct partconv_task {
	enum { PARTCONV_TASK_FORWARD, PARTCONV_TASK_PRODUCT, PARTCONV_TASK_BACK } kind;
	uint32_t idx; /* input, path or output */
	uint32_t first, count; /* partitions of a product */
};

/* A job as the audio thread orders it. */
struct partconv_job {
	uint64_t block; /* the newest block to transform */
	uint64_t since; /* frames before this are silence */
	uint32_t banks;
	uint32_t epoch;
};

struct partconv_level {
	/* --- immutable after init --- */
	enum partconv_kind kind;
	uint32_t block, start, n_parts; /* frames; taps before it; partitions */
	uint32_t stride; /* floats of half a spectrum */
	struct fft_plan plan;
	struct partconv_task *tasks;
	uint32_t n_tasks;
	uint32_t step_end[PARTCONV_STEPS_MAX]; /* SPREAD: tasks done after each step */
	uint32_t submit_at; /* WORKER: frames after the edge */
	float *scratch; /* 2 block of time, then the transform's own */
	/* --- of the thread that does the tasks --- */
	float *spectra; /* [in][slot]: re, im */
	uint64_t *slot_key; /* [in][slot]: which block it holds */
	bool *slot_live; /* [in][slot]: not silent */
	float *sums; /* [bank]: re, im of the output being made */
	bool sum_live[PARTCONV_BANKS];
	uint64_t made[PARTCONV_BANKS]; /* mask of outputs that are not silent */
	/* --- loaded: one bank at a time --- */
	float *filters; /* [bank][filter][part]: re, im */
	bool *filter_live; /* [bank][filter][part] */
	/* --- rt --- */
	float *out; /* [side][bank][out][block] */
	uint32_t side; /* that is heard */
	uint64_t live[PARTCONV_BANKS];
	bool cycling; /* SPREAD: a cycle is under way; WORKER: a job is to be submitted */
	struct partconv_job job; /* rt writes it while the state is IDLE */
	/* --- shared: atomic --- */
	_Atomic uint32_t state; /* enum partconv_state */
};

struct partconv {
	/* --- immutable after init --- */
	struct partconv_shape shape;
	struct partconv_path paths[PARTCONV_PATHS_MAX];
	struct partconv_level level[PARTCONV_LEVELS_MAX];
	uint32_t n_levels;
	uint32_t ring_frames; /* power of two */
	uint32_t max_block;
	/* --- loaded --- */
	float *heads; /* [bank][filter][PARTCONV_HEAD] */
	bool *head_live;
	float *load_scratch;
	/* --- rt --- */
	float *ring; /* [in][ring_frames] */
	float *recent; /* [in][2 PARTCONV_HEAD]: the past of the head, then the present */
	uint64_t position; /* of the next frame */
	uint64_t since; /* frames before it are silence */
	uint32_t banks; /* mask */
	uint32_t epoch;
	bool fresh;
	uint64_t late; /* blocks of long partitions that were not ready */
	void *memory;
};

struct partconv_call {
	const float *const *in;
	float *const *out[PARTCONV_BANKS]; /* NULL: not wanted; never overlaps IN */
	uint32_t n_frames;
	uint64_t position; /* absolute; a gap is a reset */
	bool (*submit)(void *data, uint32_t level); /* have partconv_work(level) called, once */
	void *data;
};

/* ---- partconv_setup.c ---- */

/* -EINVAL, -ENOMEM. All filters are silent. [main] */
int partconv_new(const struct partconv_shape *shape, struct partconv **ret);
struct partconv *partconv_free(struct partconv *conv); /* nobody may be inside */
/* The most bytes an object of SHAPE takes. [any] */
size_t partconv_bytes(const struct partconv_shape *shape);

/* ---- partconv.c ---- */

/* FILTER of BANK becomes N_TAPS (up to shape.n_taps) TAPS. Nobody may be using that bank, nor
 * working for this object. [main] or [worker] */
void partconv_load(struct partconv *conv, uint32_t bank, uint32_t filter, const float *taps,
		   uint32_t n_taps);
/* Which banks sound from now on (mask; 1 at first). A bank that begins is complete
 * partconv_warm_frames() later. [rt] */
void partconv_set_banks(struct partconv *conv, uint32_t banks);
/* From POSITION on until all that a bank which begins there has to say is said. [rt] */
uint64_t partconv_warm_frames(const struct partconv *conv, uint64_t position);
void partconv_process(struct partconv *conv, const struct partconv_call *call); /* [rt] */
void partconv_reset(struct partconv *conv); /* [rt] */
/* What submit() asked for. [worker] */
void partconv_work(struct partconv *conv, uint32_t level);

/* ---- kernels, for tests ---- */

/* sum += spectrum * filter for up to 4 pairs, one after the other. [rt] */
void partconv_products(float *restrict sum, const float *const spectrum[4],
		       const float *const filter[4], uint32_t n_pairs, uint32_t stride);
/* out[i] += sum over k of taps[k] * x[i - k], in the order of k. X has PARTCONV_HEAD - 1 frames before
 * it and is readable up to the next multiple of 32. [rt] */
void partconv_head(const float *taps, const float *x, float *out, uint32_t n_frames);
