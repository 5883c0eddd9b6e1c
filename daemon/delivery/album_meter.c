/* album_meter.c - figures of an album, track by track; see album_pass.h. */
#include <errno.h>
#include <stdlib.h>

#include "album_pass.h"
#include "cleanup.h"
#include "graph_layout.h"

#define BLOCK 4096u

struct album_meter {
	const struct album *album;
	double rate;
	struct measure_options options;
	uint32_t track; /* that is measured */
	int64_t frame;
	struct measure *measure; /* NULL behind the last track */
	struct measure_result result[];
};

static int meter_begin(struct album_meter *meter, struct mixd_error *err)
{
	const struct mixd_layout *layout = graph_layout_find("stereo", err);

	if (!layout)
		return -EINVAL;
	return measure_new(meter->rate, layout, &meter->options, &meter->measure, err);
}

static int meter_end(struct album_meter *meter, struct mixd_error *err)
{
	int r = measure_finish(meter->measure, &meter->result[meter->track]);

	meter->measure = measure_free(meter->measure);
	meter->track++;
	if (r < 0)
		return error_no_memory(err);
	return meter->track < meter->album->n_tracks ? meter_begin(meter, err) : 0;
}

struct album_meter *album_meter_new(const struct album *album, double rate, unsigned what,
				    struct mixd_error *err)
{
	struct album_meter *meter =
		calloc(1, sizeof(*meter) + album->n_tracks * sizeof(meter->result[0]));

	if (!meter) {
		error_no_memory(err);
		return NULL;
	}
	meter->album = album;
	meter->rate = rate;
	measure_options_init(&meter->options);
	meter->options.what = what;
	for (uint32_t t = 0; t < album->n_tracks; t++)
		measure_result_init(&meter->result[t]);
	return meter_begin(meter, err) < 0 ? album_meter_free(meter) : meter;
}

int album_meter_feed(struct album_meter *meter, const float *const *channels, uint32_t n_frames,
		     struct mixd_error *err)
{
	for (uint32_t done = 0; done < n_frames && meter->measure;) {
		int64_t edge = album_edge(meter->album, meter->track + 1, meter->rate);
		const float *part[2] = {channels[0] + done, channels[1] + done};
		uint32_t size = n_frames - done;
		int r = 0;

		if (size > edge - meter->frame)
			size = (uint32_t)(edge - meter->frame);
		measure_feed(meter->measure, part, size);
		meter->frame += size;
		done += size;
		if (meter->frame == edge)
			r = meter_end(meter, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int album_meter_finish(struct album_meter *meter, struct measure_result *result,
		       struct measure_result *pool, struct mixd_error *err)
{
	static const float silence[BLOCK];
	const float *channels[2] = {silence, silence};
	uint32_t n = meter->album->n_tracks;
	_cleanup_free_ const struct measure_result **all = calloc(n, sizeof(*all));
	int r = all ? 0 : error_no_memory(err);

	while (r == 0 && meter->measure)
		r = album_meter_feed(meter, channels, BLOCK, err);
	if (r < 0)
		return r;
	for (uint32_t t = 0; t < n; t++) {
		result[t] = meter->result[t];
		measure_result_init(&meter->result[t]);
		all[t] = &result[t];
	}
	return measure_pool(all, n, pool) < 0 ? error_no_memory(err) : 0;
}

struct album_meter *album_meter_free(struct album_meter *meter)
{
	if (!meter)
		return NULL;
	measure_free(meter->measure);
	for (uint32_t t = 0; t < meter->album->n_tracks; t++)
		measure_result_done(&meter->result[t]);
	free(meter);
	return NULL;
}

DEFINE_CLEANUP(album_meter_free, struct album_meter *)

int album_measure(const struct album *album, album_read_fn read, void *data, double rate,
		  struct measure_result *result, struct measure_result *pool, struct task *task,
		  struct mixd_error *err)
{
	_cleanup_free_ float *memory = calloc(2 * BLOCK, sizeof(float));
	_cleanup_(album_meter_freep) struct album_meter *meter =
		album_meter_new(album, rate, MEASURE_LOUDNESS | MEASURE_TRUE_PEAK, err);
	int64_t total = album_edge(album, album->n_tracks, rate), n = 1;

	if (!meter)
		return -EINVAL;
	if (!memory)
		return error_no_memory(err);
	while (meter->frame < total && n > 0) {
		float *channels[2] = {memory, memory + BLOCK};
		const float *const *heard = (const float *const *)channels;
		int64_t want = total - meter->frame;
		int r = task_check(task, err);

		if (r < 0)
			return r;
		n = read(data, channels, want < BLOCK ? (uint32_t)want : BLOCK, err);
		if (n < 0)
			return (int)n;
		r = album_meter_feed(meter, heard, (uint32_t)n, err);
		if (r < 0)
			return r;
		task_progress(task, (double)meter->frame / rate, (double)total / rate);
	}
	return album_meter_finish(meter, result, pool, err);
}
