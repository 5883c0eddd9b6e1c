/* roomtone_write.c - the recording with room tone at its ends; see roomtone.h.
 *
 * LOOP        The end of the stretch is crossfaded into its beginning over a quarter of it, with
 *             square-root curves: two stretches of noise know nothing of each other, so their powers add.
 * JOINTS      Where room tone meets the recording, over 20 ms, or what there is before sound begins. */
#include "roomtone.h"

#include <math.h>
#include <stdlib.h>

#include "cleanup.h"

#define WRITE_BLOCK 4096u
#define WRITE_JOINT_S 0.020
#define WRITE_EDGE_S 0.005

struct tone_write {
	const struct roomtone *tone;
	const struct roomtone_cut *cut;
	int64_t edge, head_joint, tail_joint; /* frames */
	int64_t length; /* of all */
};

static double write_loop(const struct roomtone *tone, uint32_t c, int64_t at)
{
	const float *x = tone->tone + (size_t)c * tone->tone_frames;
	int64_t overlap = tone->tone_frames / 4, period = tone->tone_frames - overlap;
	int64_t i = at % period;
	double in;

	if (at < period || i >= overlap)
		return (double)x[i];
	in = ((double)i + 0.5) / (double)overlap;
	return sqrt(in) * (double)x[i] + sqrt(1 - in) * (double)x[period + i];
}

/* Frame AT of the whole; BODY: of the recording there, 0 outside of it. */
static double write_mix(const struct tone_write *all, uint32_t c, int64_t at, double body)
{
	const struct roomtone_cut *cut = all->cut;
	int64_t in = at - cut->head, out = cut->head + (cut->to - cut->from) - 1 - at;
	double value = body, fade;

	if (cut->head && in < all->head_joint) {
		double share = in < 0 ? 0 : ((double)in + 0.5) / (double)all->head_joint;

		value = sqrt(share) * value + sqrt(1 - share) * write_loop(all->tone, c, at);
	}
	if (cut->tail && out < all->tail_joint) {
		double share = out < 0 ? 0 : ((double)out + 0.5) / (double)all->tail_joint;

		value = sqrt(share) * value +
			sqrt(1 - share) * write_loop(all->tone, c, all->tail_joint - 1 - out);
	}
	fade = fmin((double)at + 1, (double)(all->length - at)) / (double)all->edge;
	return fade < 1 && (cut->from || cut->head || cut->tail || cut->to < all->tone->n_frames)
		       ? fade * value
		       : value;
}

static int write_body(const struct roomtone_source *source, const struct tone_write *all,
		      float *const *channels, int64_t at, uint32_t n, struct mixd_error *err)
{
	int64_t begin = all->cut->head, end = begin + all->cut->to - all->cut->from;
	uint32_t skip = at < begin ? (uint32_t)(begin - at < n ? begin - at : n) : 0;
	uint32_t last = at + n > end ? (uint32_t)(end > at ? end - at : 0) : n;

	for (uint32_t c = 0; c < all->tone->n_channels; c++)
		for (uint32_t i = 0; i < n; i++)
			channels[c][i] = 0;
	while (skip < last) {
		float *rest[MEDIA_CHANNELS_MAX];
		int64_t got;

		for (uint32_t c = 0; c < all->tone->n_channels; c++)
			rest[c] = channels[c] + skip;
		got = source->read(source->data, rest, last - skip, err);
		if (got < 0)
			return (int)got;
		if (got == 0)
			return 0;
		skip += (uint32_t)got;
	}
	return 0;
}

int roomtone_write(const struct roomtone_source *source, const struct roomtone *tone,
		   const struct roomtone_cut *cut,
		   int (*write)(void *data, const float *const *channels, uint32_t n_frames,
				struct mixd_error *err),
		   void *data, struct task *task, struct mixd_error *err)
{
	int64_t joint = llround(WRITE_JOINT_S * tone->rate);
	int64_t before = tone->first - cut->from, behind = cut->to - tone->end;
	struct tone_write all = {
		.tone = tone,
		.cut = cut,
		.edge = llround(WRITE_EDGE_S * tone->rate),
		.head_joint = before < joint ? before : joint,
		.tail_joint = behind < joint ? behind : joint,
		.length = cut->head + (cut->to - cut->from) + cut->tail,
	};
	_cleanup_free_ float *memory =
		malloc(sizeof(float) * WRITE_BLOCK * (size_t)tone->n_channels);
	float *channels[MEDIA_CHANNELS_MAX];
	int r = memory ? source->seek(source->data, cut->from, err) : error_no_memory(err);

	for (uint32_t c = 0; memory && c < tone->n_channels; c++)
		channels[c] = memory + (size_t)c * WRITE_BLOCK;
	for (int64_t at = 0; r == 0 && at < all.length; at += WRITE_BLOCK) {
		int64_t left = all.length - at;
		uint32_t n = left < WRITE_BLOCK ? (uint32_t)left : WRITE_BLOCK;

		r = write_body(source, &all, channels, at, n, err);
		for (uint32_t c = 0; r == 0 && c < tone->n_channels; c++)
			for (uint32_t i = 0; i < n; i++)
				channels[c][i] =
					(float)write_mix(&all, c, at + i, (double)channels[c][i]);
		if (r == 0)
			r = write(data, (const float *const *)channels, n, err);
		task_progress(task, (double)at / tone->rate, (double)all.length / tone->rate);
		r = r == 0 ? task_check(task, err) : r;
	}
	return r;
}
