/* series.c - see series.h: comparing an episode with those before it. The file: series_file.c.
 *
 * SPECTRUM    nodes/dsp/ltas (Welch, frames gated as BS.1770 gates blocks), four bands of a twelfth of
 *             an octave to a third; equal loudness first, by its K-weighted level.
 * MEAN        of decibels over all episodes known; with none there is nothing to compare. Bands more
 *             than 40 dB under the loudest are left out: what is not there cannot drift. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "ltas.h"
#include "media_read.h"
#include "series_file.h"

DEFINE_CLEANUP(media_close, struct media_reader *)

#define SERIES_FAINT_DB 40.0
#define SERIES_FIRST_THIRD 4u /* 50 Hz */
#define SERIES_LAST_THIRD 27u /* 10 kHz */

/* ---- the spectrum of a file --------------------------------------------------------------------- */

static int spectrum_read(struct media_reader *reader, struct ltas *ltas, struct task *task,
			 struct mixd_error *err)
{
	const struct media_info *info = media_reader_info(reader);
	uint32_t n_channels = info->n_channels, half = ltas->n_frames / 2, fill = 0;
	_cleanup_free_ float *memory = calloc((size_t)n_channels * ltas->n_frames, sizeof(float));
	float *at[MEDIA_CHANNELS_MAX];
	int r = memory ? 0 : error_no_memory(err);

	while (r == 0) {
		int64_t n;

		for (uint32_t c = 0; c < n_channels; c++)
			at[c] = memory + (size_t)c * ltas->n_frames + fill;
		n = media_read(reader, at, ltas->n_frames - fill, err);
		if (n <= 0)
			return (int)n;
		fill += (uint32_t)n;
		if (fill < ltas->n_frames)
			continue;
		for (uint32_t c = 0; c < n_channels; c++)
			at[c] = memory + (size_t)c * ltas->n_frames;
		ltas_frame(ltas, (const float *const *)at, n_channels);
		for (uint32_t c = 0; c < n_channels; c++)
			memmove(at[c], at[c] + half, (ltas->n_frames - half) * sizeof(float));
		fill = ltas->n_frames - half;
		r = task_check(task, err);
	}
	return r;
}

/* Thirds from 20 Hz on, relative to the loudness of the whole. */
static void spectrum_thirds(const double fine[LTAS_BANDS], double rate, double *ret)
{
	double loudness = ltas_loudness_db(fine, rate);

	for (uint32_t k = 0; k < SERIES_THIRDS; k++) {
		double sum = 0, weight = 0;

		for (int i = (int)k * 4 - 2; i <= (int)k * 4 + 2; i++) {
			double share = i == (int)k * 4 - 2 || i == (int)k * 4 + 2 ? 0.5 : 1;

			if (i < 0 || i >= (int)LTAS_BANDS)
				continue;
			sum += share * pow(10, fine[i] / 10);
			weight += share;
		}
		ret[k] = 10 * log10(fmax(sum / weight, 1e-30)) - loudness;
	}
}

static int series_spectrum(struct job *job, const char *path, struct series_episode *episode,
			   struct mixd_error *err)
{
	_cleanup_(media_closep) struct media_reader *reader = NULL;
	double fine[LTAS_BANDS] = {0}, rate;
	struct ltas *ltas = calloc(1, sizeof(*ltas));
	int r = ltas ? media_open(path, &reader, err) : error_no_memory(err);

	if (r == 0) {
		rate = media_reader_info(reader)->rate;
		if (ltas_init(ltas, rate) < 0)
			r = error_no_memory(err);
	}
	if (r == 0)
		r = spectrum_read(reader, ltas, job_task(job), err);
	if (r == 0 && ltas_result(ltas, fine) > 0) {
		spectrum_thirds(fine, rate, episode->third_db);
		episode->has_spectrum = true;
	}
	if (ltas)
		ltas_done(ltas);
	free(ltas);
	return r;
}

/* ---- against the others -------------------------------------------------------------------------- */

struct series_mean {
	double integrated, range, shortterm; /* LUFS, LU, LU above integrated */
	double third_db[SERIES_THIRDS];
	uint32_t n, n_spectra;
};

struct series_sum {
	double sum;
	uint32_t n;
};

/* What an episode is too short to have counts for nothing. */
static void sum_add(struct series_sum *sum, double value)
{
	if (!isfinite(value))
		return;
	sum->sum += value;
	sum->n++;
}

/* Of all but the one called TITLE, which is about to be replaced. */
static void series_average(const struct series *series, const char *title, struct series_mean *ret)
{
	struct series_sum integrated = {0}, range = {0}, shortterm = {0};

	*ret = (struct series_mean){0};
	for (uint32_t i = 0; i < series->n_episodes; i++) {
		const struct series_episode *episode = &series->episode[i];

		if (strcmp(episode->title, title) == 0)
			continue;
		sum_add(&integrated, episode->integrated);
		sum_add(&range, episode->range);
		sum_add(&shortterm, episode->shortterm_max - episode->integrated);
		ret->n++;
		for (uint32_t k = 0; episode->has_spectrum && k < SERIES_THIRDS; k++)
			ret->third_db[k] += episode->third_db[k];
		ret->n_spectra += episode->has_spectrum;
	}
	ret->integrated = integrated.sum / integrated.n;
	ret->range = range.sum / range.n;
	ret->shortterm = shortterm.sum / shortterm.n;
	for (uint32_t k = 0; k < SERIES_THIRDS; k++)
		ret->third_db[k] /= ret->n_spectra;
}

static void series_drift(struct job *job, const char *title, json_t *drifts, const char *what,
			 double value, double mean, double allowed, const char *unit)
{
	json_t *drift;

	if (!(fabs(value - mean) > allowed))
		return;
	job_warn(job, title, "%s is %.1f %s, %.1f %s than the %.1f of the series", what, value,
		 unit, fabs(value - mean), value > mean ? "more" : "less", mean);
	drift = json_object();
	json_object_set_new(drift, "what", json_string(what));
	json_object_set_new(drift, "value", job_real(value));
	json_object_set_new(drift, "series", job_real(mean));
	json_object_set_new(drift, "difference", job_real(value - mean));
	json_array_append_new(drifts, drift);
}

static void band_name(double hz, char *ret, size_t size)
{
	if (hz >= 1000)
		snprintf(ret, size, "%.3g kHz", hz / 1000);
	else
		snprintf(ret, size, "%.3g Hz", hz);
}

/* Neighbouring bands that drift one way are one warning. */
static void series_drift_bands(struct job *job, const char *title, json_t *drifts,
			       const struct series_episode *episode, const struct series_mean *mean)
{
	double highest = -INFINITY;

	for (uint32_t k = 0; k < SERIES_THIRDS; k++)
		highest = fmax(highest, fmax(episode->third_db[k], mean->third_db[k]));
	for (uint32_t k = SERIES_FIRST_THIRD; k <= SERIES_LAST_THIRD; k++) {
		double most = 0;
		uint32_t from = k, at = k;
		char low[24], high[24], worst[24];
		json_t *drift;

		for (; k <= SERIES_LAST_THIRD; k++) {
			double difference = episode->third_db[k] - mean->third_db[k];

			if (!(fabs(difference) > SERIES_BAND_DB) || difference * most < 0 ||
			    fmax(episode->third_db[k], mean->third_db[k]) <
				    highest - SERIES_FAINT_DB)
				break;
			at = fabs(difference) > fabs(most) ? k : at;
			most = fabs(difference) > fabs(most) ? difference : most;
		}
		if (k == from)
			continue;
		k--;
		band_name(series_third_hz(from), low, sizeof(low));
		band_name(series_third_hz(k), high, sizeof(high));
		band_name(series_third_hz(at), worst, sizeof(worst));
		if (from == k)
			job_warn(job, title, "at %s it has %.1f dB %s than the series", low,
				 fabs(most), most > 0 ? "more" : "less");
		else
			job_warn(job, title,
				 "from %s to %s it has up to %.1f dB %s than the series (at %s)",
				 low, high, fabs(most), most > 0 ? "more" : "less", worst);
		drift = json_object();
		json_object_set_new(drift, "what", json_string("spectrum"));
		json_object_set_new(drift, "from_hz", job_real(series_third_hz(from)));
		json_object_set_new(drift, "to_hz", job_real(series_third_hz(k)));
		json_object_set_new(drift, "at_hz", job_real(series_third_hz(at)));
		json_object_set_new(drift, "difference", job_real(most));
		json_array_append_new(drifts, drift);
	}
}

static void series_judge(struct job *job, const struct series *series,
			 const struct series_episode *episode)
{
	json_t *all = json_object_get(job_json(job), "series"), *one = json_object();
	json_t *drifts = json_array();
	struct series_mean mean;

	series_average(series, episode->title, &mean);
	if (mean.n > 0) {
		series_drift(job, episode->title, drifts, "loudness", episode->integrated,
			     mean.integrated, SERIES_LOUDNESS_LU, "LUFS");
		series_drift(job, episode->title, drifts, "loudness range", episode->range,
			     mean.range, SERIES_RANGE_LU, "LU");
		series_drift(job, episode->title, drifts, "the loudest 3 s above the mean",
			     episode->shortterm_max - episode->integrated, mean.shortterm,
			     SERIES_SHORTTERM_LU, "LU");
		if (mean.n_spectra > 0 && episode->has_spectrum)
			series_drift_bands(job, episode->title, drifts, episode, &mean);
	}
	if (!all) {
		all = json_array();
		json_object_set_new(job_json(job), "series", all);
	}
	job_print(job, "series %s: %s, compared with %u before it: %s\n", series->name,
		  episode->title, mean.n,
		  mean.n == 0			? "the first"
		  : json_array_size(drifts) > 0 ? "DRIFTS"
						: "sounds like them");
	json_object_set_new(one, "series", json_string(series->name));
	json_object_set_new(one, "episode", json_string(episode->title));
	json_object_set_new(one, "compared_with", json_integer(mean.n));
	json_object_set_new(one, "drifts", drifts);
	json_array_append_new(all, one);
}

/* ---- both ---------------------------------------------------------------------------------------- */

static int series_take(struct job *job, const char *name, const char *path, const char *title,
		       const struct measure_result *result, bool remembers, struct mixd_error *err)
{
	struct series_episode episode = {.integrated = result->integrated,
					 .range = result->range,
					 .shortterm_max = result->shortterm_max,
					 .duration_s = result->duration_s};
	struct series series = {0};
	int r;

	if (!isfinite(result->integrated)) {
		job_warn(job, title, "is silent: the series does not count it");
		return 0;
	}
	job_stage(job, "series", title);
	snprintf(episode.title, sizeof(episode.title), "%s", title);
	r = series_spectrum(job, path, &episode, err);
	if (r == 0)
		r = series_open(name, remembers, &series, err);
	if (r == 0) {
		series_judge(job, &series, &episode);
		if (remembers)
			r = series_put(&series, &episode, err);
	}
	series_close(&series);
	return r;
}

int series_delivered(struct job *job, const char *name, const char *path, const char *title,
		     const struct measure_result *result, struct mixd_error *err)
{
	return series_take(job, name, path, title, result, true, err);
}

int series_compare(struct job *job, const char *name, const char *path, const char *title,
		   const struct measure_result *result, struct mixd_error *err)
{
	return series_take(job, name, path, title, result, false, err);
}
