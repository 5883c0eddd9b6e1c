/* album_sound.c - the time line rendered once into a spool, through the chain, and its loudness; see
 * album.h. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "album.h"
#include "cleanup.h"
#include "graph_layout.h"
#include "render.h"

#define BLOCK 4096u

DEFINE_CLEANUP(spool_free, struct spool *)

static int64_t spool_give(void *data, float *const *channels, uint32_t n_frames,
			  struct mixd_error *err)
{
	return spool_read(data, channels, n_frames, err);
}

static int spool_take(void *data, const float *const *channels, uint32_t n_frames,
		      struct mixd_error *err)
{
	return spool_write(data, channels, n_frames, err);
}

/* SESSION from FROM (NULL: it plays itself) into a new spool. */
static int render_to_spool(struct job *job, const struct album *album, const char *session,
			   const char *name, const char *session_folder, struct spool *from,
			   const char *folder, struct spool **ret, struct mixd_error *err)
{
	_cleanup_(spool_freep) struct spool *spool = NULL;

	struct render_source source = {spool_give, from, 2, NULL};
	struct render_input input = {.source = &source};
	struct render_sink sink = {spool_take, NULL};
	struct render_output output = {.sink = &sink};
	struct render_request request = {
		.session = session,
		.session_name = name,
		.folder = session_folder,
		.rate = album->rate,
		.end_s = (double)album->n_frames / album->rate,
		.seed = 1,
		.input = &input,
		.n_inputs = from ? 1 : 0,
		.output = &output,
		.n_outputs = 1,
	};
	struct render_report report;
	int r = job_types(job, &request.types, err);

	if (r == 0)
		r = spool_new(folder, 2, &spool, err);
	if (r < 0)
		return r;
	sink.data = spool;
	r = render_run(&request, job_task(job), &report, err);
	if (r == 0)
		r = spool_rewind(spool, err);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(spool);
	return 0;
}

static int run_chain(struct job *job, const struct album *album, const char *folder,
		     struct spool **spool, struct mixd_error *err)
{
	_cleanup_free_ char *text = NULL, *chain_folder = strdup(album->chain);
	char *slash = chain_folder ? strrchr(chain_folder, '/') : NULL;
	const char *name = slash ? slash - chain_folder + album->chain + 1 : album->chain;
	struct spool *done = NULL;
	size_t size = 0;
	int r;

	if (!slash)
		return error_no_memory(err);
	*slash = '\0';
	r = document_load(album->chain, name, &text, &size, err);
	if (r < 0)
		return r;
	job_stage(job, "chain", name);
	r = render_to_spool(job, album, text, name, chain_folder, *spool, folder, &done, err);
	if (r < 0)
		return r;
	spool_free(*spool);
	*spool = done;
	return 0;
}

/* ---- measuring track by track --------------------------------------------------------------- */

struct segment {
	const struct album *album;
	double rate;
	uint32_t track;
	int64_t frame;
	struct measure *measure;
	struct measure_result *result;
};

static int segment_begin(struct segment *segment, struct mixd_error *err)
{
	struct measure_options options;
	const struct mixd_layout *layout = graph_layout_find("stereo", err);

	measure_options_init(&options);
	options.what = MEASURE_LOUDNESS | MEASURE_TRUE_PEAK;
	if (!layout)
		return -EINVAL;
	return measure_new(segment->rate, layout, &options, &segment->measure, err);
}

static int segment_end(struct segment *segment, struct mixd_error *err)
{
	int r = measure_finish(segment->measure, &segment->result[segment->track]);

	segment->measure = measure_free(segment->measure);
	segment->track++;
	if (r < 0)
		return error_no_memory(err);
	return segment->track < segment->album->n_tracks ? segment_begin(segment, err) : 0;
}

static int segment_feed(struct segment *segment, float *const *channels, uint32_t n,
			struct mixd_error *err)
{
	uint32_t done = 0;

	while (done < n && segment->track < segment->album->n_tracks) {
		int64_t edge = album_edge(segment->album, segment->track + 1, segment->rate);
		const float *part[2] = {channels[0] + done, channels[1] + done};
		uint32_t size = n - done;
		int r = 0;

		if (size > edge - segment->frame)
			size = (uint32_t)(edge - segment->frame);
		measure_feed(segment->measure, part, size);
		segment->frame += size;
		done += size;
		if (segment->frame == edge)
			r = segment_end(segment, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int segments_run(struct segment *segment, album_read_fn read, void *data, struct task *task,
			struct mixd_error *err)
{
	_cleanup_free_ float *memory = calloc(2 * BLOCK, sizeof(float));
	int64_t total = album_edge(segment->album, segment->album->n_tracks, segment->rate);

	if (!memory)
		return error_no_memory(err);
	while (segment->frame < total) {
		float *channels[2] = {memory, memory + BLOCK};
		int64_t want = total - segment->frame, n;
		int r = task_check(task, err);

		if (r < 0)
			return r;
		want = want < BLOCK ? want : BLOCK;
		n = read(data, channels, (uint32_t)want, err);
		if (n < 0)
			return (int)n;
		if (n == 0) { /* the rest is silence */
			memset(memory, 0, sizeof(float) * 2 * BLOCK);
			n = want;
		}
		r = segment_feed(segment, channels, (uint32_t)n, err);
		if (r < 0)
			return r;
		task_progress(task, (double)segment->frame / segment->rate,
			      (double)total / segment->rate);
	}
	return 0;
}

int album_measure(const struct album *album, album_read_fn read, void *data, double rate,
		  struct measure_result *result, struct measure_result *pool, struct task *task,
		  struct mixd_error *err)
{
	_cleanup_free_ const struct measure_result **all =
		calloc(album->n_tracks, sizeof(struct measure_result *));
	struct segment segment = {.album = album, .rate = rate, .result = result};
	int r;

	if (!all)
		return error_no_memory(err);
	for (uint32_t t = 0; t < album->n_tracks; t++) {
		measure_result_init(&result[t]);
		all[t] = &result[t];
	}
	r = segment_begin(&segment, err);
	if (r == 0)
		r = segments_run(&segment, read, data, task, err);
	measure_free(segment.measure);
	if (r == 0 && measure_pool(all, album->n_tracks, pool) < 0)
		r = error_no_memory(err);
	return r;
}

/* ---- gains ---------------------------------------------------------------------------------- */

/* As much of GAIN_DB as PEAK_DBTP allows, unless the limiter takes care of it. */
static double allowed_gain(struct album *album, double gain_db, double peak_dbtp)
{
	if (!isfinite(gain_db))
		return 0;
	if (album->limiter || !isfinite(peak_dbtp) || peak_dbtp + gain_db <= album->ceiling_dbtp)
		return gain_db;
	album->is_held_back = true;
	return album->ceiling_dbtp - peak_dbtp;
}

static void find_gains(struct album *album)
{
	double anchor = album->before.integrated, loudest = -INFINITY, gain;

	if (isnan(album->ceiling_dbtp))
		album->ceiling_dbtp = -1;
	for (uint32_t t = 0; t < album->n_tracks; t++)
		loudest = fmax(loudest, album->track[t].before.integrated);
	if (album->anchor == ALBUM_ANCHOR_LOUDEST)
		anchor = loudest;
	gain = allowed_gain(album, album->target_lufs - anchor, album->before.true_peak);
	for (uint32_t t = 0; t < album->n_tracks; t++) {
		struct album_track *track = &album->track[t];

		track->album_gain_db = gain;
		if (album->mode == ALBUM_TRACK_GAIN)
			track->album_gain_db =
				allowed_gain(album, album->target_lufs - track->before.integrated,
					     track->before.true_peak);
	}
}

static int measure_before(struct job *job, struct album *album, struct spool *spool,
			  struct mixd_error *err)
{
	_cleanup_free_ struct measure_result *result =
		calloc(album->n_tracks, sizeof(struct measure_result));
	int r;

	if (!result)
		return error_no_memory(err);
	job_stage(job, "measure", NULL);
	r = album_measure(album, spool_give, spool, album->rate, result, &album->before,
			  job_task(job), err);
	for (uint32_t t = 0; t < album->n_tracks; t++) {
		measure_result_done(&album->track[t].before);
		album->track[t].before = result[t];
	}
	return r < 0 ? r : spool_rewind(spool, err);
}

int album_sound(struct job *job, struct album *album, const char *folder, struct spool **ret,
		struct mixd_error *err)
{
	_cleanup_free_ char *session = album_session(album);
	_cleanup_(spool_freep) struct spool *spool = NULL;
	char name[128];
	int r = session ? 0 : error_no_memory(err);

	if (r < 0)
		return r;
	job_stage(job, "time line", NULL);
	/* lines of what album_session() made: not the document's */
	snprintf(name, sizeof(name), "%.100s, as a session", album->document->name);
	r = render_to_spool(job, album, session, name, album->document->folder, NULL, folder,
			    &spool, err);
	if (r == 0 && album->chain)
		r = run_chain(job, album, folder, &spool, err);
	if (r == 0 && album->mode != ALBUM_NONE && !isnan(album->target_lufs)) {
		r = measure_before(job, album, spool, err);
		if (r == 0)
			find_gains(album);
	}
	if (r < 0)
		return r;
	*ret = TAKE_PTR(spool);
	return 0;
}
