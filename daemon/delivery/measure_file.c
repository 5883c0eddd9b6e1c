/* measure_file.c - a whole file, as it is delivered. */
#include "measure_private.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "cleanup.h"

DEFINE_CLEANUP(measure_free, struct measure *)
DEFINE_CLEANUP(media_close, struct media_reader *)

#define MEASURE_READ_FRAMES 16384u /* between two looks at whether to go on */

/* Frames [*from, *to) of the file that OPTIONS ask for; to -1: to the end. */
static int measure_bounds(const struct media_info *info, const char *path,
			  const struct measure_options *options, int64_t *from, int64_t *to,
			  struct mixd_error *err)
{
	*from = llrint(fmax(0.0, options->start_s) * info->rate);
	*to = options->end_s > 0.0 ? llrint(options->end_s * info->rate) : -1;
	if (*to >= 0 && *to <= *from)
		return error_set(err, ERROR_INVALID, path, "ends (%g s) before it starts (%g s)",
				 options->end_s, options->start_s);
	if (info->n_frames >= 0 && *from > 0 && *from >= info->n_frames)
		return error_set(err, ERROR_INVALID, path,
				 "is %.3f s long: there is nothing from %g s on",
				 (double)info->n_frames / info->rate, options->start_s);
	return 0;
}

static int measure_read_all(struct media_reader *reader, struct measure *measure, int64_t from,
			    int64_t to, struct task *task, struct mixd_error *err)
{
	const struct media_info *info = media_reader_info(reader);
	const struct measure_tap *tap = measure->options.tap;
	double total_s = to >= 0	      ? (double)(to - from) / info->rate
			 : info->n_frames > 0 ? (double)(info->n_frames - from) / info->rate
					      : 0.0;
	int64_t done = 0;

	for (;;) {
		float *at[MEDIA_CHANNELS_MAX];
		uint32_t n = measure_room(measure, at);
		int64_t got;

		n = n < MEASURE_READ_FRAMES ? n : MEASURE_READ_FRAMES;
		if (to >= 0 && (int64_t)n > to - from - done)
			n = (uint32_t)(to - from - done);
		if (n == 0)
			return 0;
		got = tap ? tap->read(tap->data, reader, at, n, err)
			  : media_read(reader, at, n, err);
		if (got <= 0)
			return (int)got;
		measure_put(measure, (uint32_t)got);
		done += got;
		if (task_check(task, err) < 0)
			return -ECANCELED;
		task_progress(task, (double)done / info->rate, total_s);
	}
}

static void measure_bits(const struct media_info *info, uint32_t used,
			 struct measure_result *result)
{
	if (info->bits == 0 || info->is_float || info->is_lossy || used == 0)
		return;
	result->effective_bits = 32 - (uint32_t)__builtin_ctz(used);
	result->is_padded = result->effective_bits < info->bits;
}

int measure_file(const char *path, const struct measure_options *options, struct task *task,
		 struct measure_result *ret, struct media_info *ret_info, struct mixd_error *err)
{
	_cleanup_(media_closep) struct media_reader *reader = NULL;
	_cleanup_(measure_freep) struct measure *measure = NULL;
	const struct media_info *info;
	int64_t from, to;
	int r;

	r = media_open(path, &reader, err);
	if (r < 0)
		return r;
	info = media_reader_info(reader);
	r = measure_bounds(info, path, options, &from, &to, err);
	if (r < 0)
		return r;
	if (from > 0) {
		r = media_seek(reader, from, err);
		if (r < 0)
			return r;
	}
	r = measure_new(info->rate, &info->layout, options, &measure, err);
	if (r < 0) {
		if (err && !err->address[0])
			snprintf(err->address, sizeof(err->address), "%s", path);
		return r;
	}
	if (info->bits > 0 && info->bits < 16 && !info->is_float)
		measure->quantum = ldexp(1.0, 1 - (int)info->bits);
	r = measure_read_all(reader, measure, from, to, task, err);
	if (r < 0)
		return r;
	r = measure_finish(measure, ret);
	if (r < 0)
		return error_no_memory(err);
	if (measure->what & MEASURE_FAULTS)
		measure_bits(info, media_reader_used_bits(reader), ret);
	if (ret_info) {
		*ret_info = *info;
		if (from == 0 && to < 0)
			ret_info->n_frames = (int64_t)ret->n_frames;
	}
	return 0;
}
