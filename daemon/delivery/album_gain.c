/* album_gain.c - the gains that bring an album, or each of its tracks, to the target; see album_pass.h.
 *
 * METHOD      Without a limiter the target less the level, or less where the peaks forbid it. With one,
 *             what it takes away is found by listening to it, and made up for by the secant of the last
 *             two passes. The limit of how much it may take is that of a master. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "album_pass.h"
#include "cleanup.h"
#include "master.h"

#define PASSES_MAX 8u
#define SLOPE_MIN 0.2 /* of level over gain: a step is five times what is missing at most */
#define STEP_MAX_DB 6.0

struct drive { /* of the album, or of one track */
	double gain, level;
	double gain_before, level_before; /* of the pass before */
};

struct gains {
	struct job *job;
	struct album *album;
	struct spool *spool;
	uint32_t n_drives;
	struct drive drive[];
};

DEFINE_CLEANUP(album_meter_free, struct album_meter *)

/* What is to meet the target, of each drive: TRACK one level per track, WHOLE that of all. */
static void set_levels(struct gains *gains, const struct measure_result *track,
		       const struct measure_result *whole)
{
	const struct album *album = gains->album;
	double loudest = -INFINITY;

	for (uint32_t t = 0; t < album->n_tracks; t++) {
		loudest = fmax(loudest, track[t].integrated);
		gains->drive[t].level = track[t].integrated;
	}
	if (album->mode == ALBUM_GAIN)
		gains->drive[0].level =
			album->anchor == ALBUM_ANCHOR_LOUDEST ? loudest : whole->integrated;
}

static void apply(const struct gains *gains)
{
	for (uint32_t t = 0; t < gains->album->n_tracks; t++)
		gains->album->track[t].album_gain_db =
			gains->drive[gains->n_drives > 1 ? t : 0].gain;
}

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

static int first_gains(struct gains *gains, struct mixd_error *err)
{
	struct album *album = gains->album;
	_cleanup_free_ struct measure_result *result =
		calloc(album->n_tracks, sizeof(struct measure_result));
	int r = result ? 0 : error_no_memory(err);

	if (r < 0)
		return r;
	job_stage(gains->job, "measure", NULL);
	r = album_measure(album, album_spool_give, gains->spool, album->rate, result,
			  &album->before, job_task(gains->job), err);
	if (r < 0)
		return r;
	set_levels(gains, result, &album->before);
	for (uint32_t t = 0; t < album->n_tracks; t++) {
		measure_result_done(&album->track[t].before);
		album->track[t].before = result[t];
	}
	for (uint32_t d = 0; d < gains->n_drives; d++)
		gains->drive[d].gain = allowed_gain(
			album, album->target_lufs - gains->drive[d].level,
			gains->n_drives > 1 ? result[d].true_peak : album->before.true_peak);
	apply(gains);
	return spool_rewind(gains->spool, err);
}

/* ---- what the limiter takes -------------------------------------------------------------------- */

/* Nothing reaches the ceiling. */
static bool limiter_rests(const struct album *album)
{
	for (uint32_t t = 0; t < album->n_tracks; t++)
		if (album->track[t].before.true_peak + album->track[t].album_gain_db >
		    album->ceiling_dbtp - MASTER_MARGIN_DB)
			return false;
	return true;
}

static int meter_take(void *data, const float *const *channels, uint32_t n_frames,
		      struct mixd_error *err)
{
	return album_meter_feed(data, channels, n_frames, err);
}

/* Levels behind the limiter at the gains of now. */
static int listen(struct gains *gains, struct mixd_error *err)
{
	struct album *album = gains->album;
	_cleanup_free_ struct measure_result *result =
		calloc(album->n_tracks, sizeof(struct measure_result));
	_cleanup_(album_meter_freep) struct album_meter *meter =
		album_meter_new(album, album->rate, MEASURE_LOUDNESS, err);
	struct measure_result whole;
	struct render_sink sink = {meter_take, meter};
	struct render_output output = {.sink = &sink};
	struct render_report report;
	struct album_pass pass;
	int r;

	if (!meter)
		return -EINVAL;
	r = result ? album_pass_init(&pass, gains->job, album, gains->spool, err)
		   : error_no_memory(err);
	if (r < 0)
		return r;
	pass.request.output = &output;
	pass.request.n_outputs = 1;
	r = render_run(&pass.request, job_task(gains->job), &report, err);
	if (r == 0)
		r = album_meter_finish(meter, result, &whole, err);
	if (r < 0)
		return r;
	set_levels(gains, result, &whole);
	measure_result_done(&whole);
	for (uint32_t t = 0; t < album->n_tracks; t++)
		measure_result_done(&result[t]);
	return spool_rewind(gains->spool, err);
}

/* Towards the target, from a pass in which the limiter took no more than it may. False: it is there. */
static bool drive_step(struct drive *drive, double target, bool is_first)
{
	double missing = target - drive->level, slope = 1;

	if (!is_first && fabs(drive->gain - drive->gain_before) > 1e-6)
		slope = (drive->level - drive->level_before) / (drive->gain - drive->gain_before);
	drive->gain_before = drive->gain;
	drive->level_before = drive->level;
	if (!isfinite(missing) || fabs(missing) <= MASTER_TOLERANCE_LU)
		return false;
	missing /= fmin(fmax(slope, SLOPE_MIN), 1);
	drive->gain += fmin(fmax(missing, -STEP_MAX_DB), STEP_MAX_DB);
	return true;
}

static int make_up(struct gains *gains, struct mixd_error *err)
{
	bool moves = true;

	for (uint32_t i = 0; i < PASSES_MAX && moves; i++) {
		int r;

		job_stage(gains->job, "limiter", NULL);
		r = listen(gains, err);
		if (r < 0)
			return r;
		moves = false;
		if (gains->album->reduction_db >= -MASTER_LIMITING_MAX_DB) {
			for (uint32_t d = 0; d < gains->n_drives; d++)
				moves |= drive_step(&gains->drive[d], gains->album->target_lufs,
						    i == 0);
		} else if (i > 0) { /* too far */
			moves = true;
			for (uint32_t d = 0; d < gains->n_drives; d++)
				gains->drive[d].gain =
					(gains->drive[d].gain + gains->drive[d].gain_before) / 2;
		}
		apply(gains);
	}
	for (uint32_t d = 0; d < gains->n_drives && moves; d++) /* the last that was heard */
		gains->drive[d].gain = gains->drive[d].gain_before;
	apply(gains);
	return 0;
}

int album_gains(struct job *job, struct album *album, struct spool *spool, struct mixd_error *err)
{
	_cleanup_free_ struct gains *gains =
		calloc(1, sizeof(*gains) + album->n_tracks * sizeof(gains->drive[0]));
	int r;

	if (!gains)
		return error_no_memory(err);
	gains->job = job;
	gains->album = album;
	gains->spool = spool;
	gains->n_drives = album->mode == ALBUM_TRACK_GAIN ? album->n_tracks : 1;
	if (isnan(album->ceiling_dbtp))
		album->ceiling_dbtp = -1;
	r = first_gains(gains, err);
	return r < 0 || !album->limiter || limiter_rests(album) ? r : make_up(gains, err);
}
