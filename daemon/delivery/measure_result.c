/* measure_result.c - a result: unset, gone, pooled, as JSON. */
#include "measure_private.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "job.h"

/* Every figure that is one number: NAN when unset, and its name in JSON. */
static const struct {
	const char *name;
	size_t offset;
} measure_figures[] = {
#define FIGURE(field, name)                                                                        \
	{                                                                                          \
		name, offsetof(struct measure_result, field)                                       \
	}
	FIGURE(integrated, "integrated_lufs"),
	FIGURE(momentary_max, "momentary_max_lufs"),
	FIGURE(momentary_max_at_s, "momentary_max_at_s"),
	FIGURE(shortterm_max, "shortterm_max_lufs"),
	FIGURE(shortterm_max_at_s, "shortterm_max_at_s"),
	FIGURE(range, "range_lu"),
	FIGURE(range_low, "range_low_lufs"),
	FIGURE(range_high, "range_high_lufs"),
	FIGURE(true_peak, "true_peak_dbtp"),
	FIGURE(true_peak_at_s, "true_peak_at_s"),
	FIGURE(sample_peak, "sample_peak_dbfs"),
	FIGURE(plr, "plr_lu"),
	FIGURE(psr_min, "psr_min_lu"),
	FIGURE(dr14, "dr14_db"),
	FIGURE(rms, "rms_dbfs"),
	FIGURE(noise_floor, "noise_floor_dbfs"),
	FIGURE(dc_max, "dc_max_dbfs"),
	FIGURE(correlation, "correlation"),
	FIGURE(correlation_min, "correlation_min"),
	FIGURE(balance, "balance_lu"),
	FIGURE(fold_down, "fold_down_lu"),
	FIGURE(head_s, "head_s"),
	FIGURE(tail_s, "tail_s"),
	FIGURE(head_rms, "head_rms_dbfs"),
	FIGURE(tail_rms, "tail_rms_dbfs"),
	FIGURE(longest_silence_s, "longest_silence_s"),
	FIGURE(bandwidth_hz, "bandwidth_hz"),
	FIGURE(dialogue, "dialogue_lufs"),
	FIGURE(dialogue_range, "dialogue_range_lu"),
	FIGURE(speech_share, "speech_share"),
#undef FIGURE
};
#define MEASURE_FIGURES (sizeof(measure_figures) / sizeof(measure_figures[0]))

static double *measure_figure(struct measure_result *result, size_t k)
{
	return (double *)((char *)result + measure_figures[k].offset);
}

static double measure_figure_value(const struct measure_result *result, size_t k)
{
	return *(const double *)((const char *)result + measure_figures[k].offset);
}

static void measure_unset(double *value, uint32_t n)
{
	for (uint32_t k = 0; k < n; k++)
		value[k] = NAN;
}

void measure_result_init(struct measure_result *result)
{
	memset(result, 0, sizeof(*result));
	for (size_t k = 0; k < MEASURE_FIGURES; k++)
		*measure_figure(result, k) = NAN;
	measure_unset(result->channel_true_peak, MEDIA_CHANNELS_MAX);
	measure_unset(result->channel_sample_peak, MEDIA_CHANNELS_MAX);
	measure_unset(result->channel_rms, MEDIA_CHANNELS_MAX);
	measure_unset(result->dc, MEDIA_CHANNELS_MAX);
	measure_unset(result->third_db, MEASURE_THIRDS);
	measure_unset(result->fine_db, MEASURE_FINE);
	measure_unset(result->direction, MEASURE_DIRECTIONS);
}

void measure_result_done(struct measure_result *result)
{
	if (!result)
		return;
	free(result->clip);
	free(result->over);
	free(result->dropout);
	free(result->momentary);
	free(result->shortterm);
	free(result->peak);
	free(result->series_correlation);
	free(result->histogram);
	free(result->gates);
	measure_result_init(result);
}

/* ---- pooled --------------------------------------------------------------------------------- */

/* NAN is no value; anything is higher. */
static double measure_higher(double a, double b)
{
	return isnan(a) || b > a ? b : a;
}

static double measure_lower(double a, double b)
{
	return isnan(a) || b < a ? b : a;
}

static void measure_pool_one(struct measure_result *ret, const struct measure_result *one,
			     double *square)
{
	loudness_gate_add(&ret->gates->gate, &one->gates->gate);
	ret->rate = fmax(ret->rate, one->rate);
	ret->n_channels = one->n_channels > ret->n_channels ? one->n_channels : ret->n_channels;
	ret->n_frames += one->n_frames;
	ret->duration_s += one->duration_s;
	ret->momentary_max = measure_higher(ret->momentary_max, one->momentary_max);
	ret->shortterm_max = measure_higher(ret->shortterm_max, one->shortterm_max);
	ret->true_peak = measure_higher(ret->true_peak, one->true_peak);
	ret->sample_peak = measure_higher(ret->sample_peak, one->sample_peak);
	ret->psr_min = measure_lower(ret->psr_min, one->psr_min);
	ret->n_overs += one->n_overs;
	ret->clip_runs += one->clip_runs;
	ret->clipped_samples += one->clipped_samples;
	ret->n_dropouts += one->n_dropouts;
	ret->n_clicks += one->n_clicks;
	for (uint32_t c = 0; c < one->n_channels; c++) {
		ret->channel_true_peak[c] =
			measure_higher(ret->channel_true_peak[c], one->channel_true_peak[c]);
		ret->channel_sample_peak[c] =
			measure_higher(ret->channel_sample_peak[c], one->channel_sample_peak[c]);
	}
	if (!isnan(one->rms))
		*square += pow(10.0, one->rms / 10.0) * one->duration_s;
}

int measure_pool(const struct measure_result *const *results, uint32_t n,
		 struct measure_result *ret)
{
	struct measure_result pool;
	double square = 0.0;
	bool has_rms = n > 0;

	measure_result_init(&pool);
	for (uint32_t k = 0; k < n; k++)
		if (!results[k]->gates)
			return -EINVAL;
	pool.gates = calloc(1, sizeof(*pool.gates));
	if (!pool.gates)
		return -ENOMEM;
	for (uint32_t k = 0; k < n; k++) {
		measure_pool_one(&pool, results[k], &square);
		has_rms = has_rms && !isnan(results[k]->rms);
	}
	for (uint32_t k = 0; k < n; k++) {
		/* Shorter than one block each: none to pool. */
		if (!isnan(results[k]->integrated))
			pool.integrated = loudness_gate_integrated(&pool.gates->gate, NULL);
		if (!isnan(results[k]->range))
			pool.range = loudness_gate_lra(&pool.gates->gate);
	}
	loudness_gate_lra_ends(&pool.gates->gate, &pool.range_low, &pool.range_high);
	if (isfinite(pool.true_peak) && isfinite(pool.integrated))
		pool.plr = pool.true_peak - pool.integrated;
	if (has_rms && pool.duration_s > 0.0)
		pool.rms = square > 0.0 ? 10.0 * log10(square / pool.duration_s) : -INFINITY;
	*ret = pool;
	return 0;
}

/* ---- JSON ----------------------------------------------------------------------------------- */

static json_t *measure_json_array(const double *values, uint32_t n)
{
	json_t *array = json_array();

	for (uint32_t k = 0; k < n; k++)
		json_array_append_new(array, job_real(values[k]));
	return array;
}

static json_t *measure_json_series(const float *values, uint32_t n)
{
	json_t *array = json_array();

	for (uint32_t k = 0; k < n; k++)
		json_array_append_new(array, job_real((double)values[k]));
	return array;
}

static json_t *measure_json_events(const struct measure_event *events, uint32_t n,
				   const char *value_name)
{
	json_t *array = json_array();

	for (uint32_t k = 0; k < n; k++) {
		json_t *event = json_object();

		json_object_set_new(event, "at_s", job_real(events[k].at_s));
		json_object_set_new(event, "length_s", job_real(events[k].length_s));
		json_object_set_new(event, value_name, job_real(events[k].value));
		json_object_set_new(event, "channel",
				    events[k].channel == UINT32_MAX
					    ? json_null()
					    : json_integer(events[k].channel + 1));
		json_array_append_new(array, event);
	}
	return array;
}

static bool measure_has(const double *values, uint32_t n)
{
	for (uint32_t k = 0; k < n; k++)
		if (!isnan(values[k]))
			return true;
	return false;
}

static void measure_json_channels(const struct measure_result *result, json_t *object)
{
	static const struct {
		const char *name;
		size_t offset;
	} rows[] = {
		{"channel_true_peak_dbtp", offsetof(struct measure_result, channel_true_peak)},
		{"channel_sample_peak_dbfs", offsetof(struct measure_result, channel_sample_peak)},
		{"channel_rms_dbfs", offsetof(struct measure_result, channel_rms)},
		{"channel_dc", offsetof(struct measure_result, dc)},
	};

	for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
		const double *values = (const double *)((const char *)result + rows[k].offset);

		if (measure_has(values, result->n_channels))
			json_object_set_new(object, rows[k].name,
					    measure_json_array(values, result->n_channels));
	}
	if (measure_has(result->third_db, MEASURE_THIRDS))
		json_object_set_new(object, "thirds_db",
				    measure_json_array(result->third_db, MEASURE_THIRDS));
}

static void measure_json_whole(const struct measure_result *result, json_t *object)
{
	json_t *histogram;

	if (measure_has(result->fine_db, MEASURE_FINE))
		json_object_set_new(object, "fine_db",
				    measure_json_array(result->fine_db, MEASURE_FINE));
	if (measure_has(result->direction, MEASURE_DIRECTIONS))
		json_object_set_new(object, "direction_share",
				    measure_json_array(result->direction, MEASURE_DIRECTIONS));
	json_object_set_new(object, "clips",
			    measure_json_events(result->clip, result->n_clip, "samples"));
	json_object_set_new(object, "overs",
			    measure_json_events(result->over, result->n_over, "true_peak_dbtp"));
	json_object_set_new(object, "dropouts",
			    measure_json_events(result->dropout, result->n_dropout, "length_ms"));
	if (!result->momentary)
		return;
	json_object_set_new(object, "series_hz", json_integer(10));
	json_object_set_new(object, "momentary_lufs",
			    measure_json_series(result->momentary, result->n_series));
	json_object_set_new(object, "shortterm_lufs",
			    measure_json_series(result->shortterm, result->n_series));
	json_object_set_new(object, "peak_dbtp",
			    measure_json_series(result->peak, result->n_series));
	json_object_set_new(object, "series_correlation",
			    measure_json_series(result->series_correlation, result->n_series));
	histogram = json_array();
	for (uint32_t b = 0; result->histogram && b < 141; b++)
		json_array_append_new(histogram, json_integer((json_int_t)result->histogram[b]));
	json_object_set_new(object, "histogram", histogram);
}

json_t *measure_json(const struct measure_result *result, bool whole)
{
	json_t *object = json_object();
	bool has_faults = !isnan(result->head_s);

	json_object_set_new(object, "duration_s", job_real(result->duration_s));
	json_object_set_new(object, "rate_hz", job_real(result->rate));
	json_object_set_new(object, "channels", json_integer(result->n_channels));
	json_object_set_new(object, "frames", json_integer((json_int_t)result->n_frames));
	for (size_t k = 0; k < MEASURE_FIGURES; k++)
		json_object_set_new(object, measure_figures[k].name,
				    job_real(measure_figure_value(result, k)));
	if (!isnan(result->true_peak))
		json_object_set_new(object, "overs_count",
				    json_integer((json_int_t)result->n_overs));
	if (has_faults) {
		json_object_set_new(object, "clip_runs",
				    json_integer((json_int_t)result->clip_runs));
		json_object_set_new(object, "clipped_samples",
				    json_integer((json_int_t)result->clipped_samples));
		json_object_set_new(object, "dropouts_count",
				    json_integer((json_int_t)result->n_dropouts));
		json_object_set_new(object, "clicks_count",
				    json_integer((json_int_t)result->n_clicks));
		if (result->effective_bits) {
			json_object_set_new(object, "effective_bits",
					    json_integer(result->effective_bits));
			json_object_set_new(object, "is_padded", json_boolean(result->is_padded));
		}
	}
	if (measure_has(result->third_db, MEASURE_THIRDS))
		json_object_set_new(object, "is_brickwall", json_boolean(result->is_brickwall));
	if (!isnan(result->noise_floor))
		json_object_set_new(object, "is_gated", json_boolean(result->is_gated));
	if (!isnan(result->speech_share))
		json_object_set_new(object, "is_speech_detected",
				    json_boolean(result->is_speech_detected));
	measure_json_channels(result, object);
	if (whole)
		measure_json_whole(result, object);
	return object;
}
