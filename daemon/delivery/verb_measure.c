/* verb_measure.c - `mixctl measure`: figures of files, for people and programs. */
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "delivery_verbs.h"
#include "measure_many.h"
#include "report.h"
#include "series.h"

static const struct {
	const char *name;
	unsigned what;
} families[] = {
	{"loudness", MEASURE_LOUDNESS}, {"peaks", MEASURE_TRUE_PEAK},
	{"levels", MEASURE_LEVELS},	{"faults", MEASURE_FAULTS},
	{"spectrum", MEASURE_SPECTRUM}, {"dynamics", MEASURE_DYNAMICS},
	{"series", MEASURE_SERIES},	{"all", MEASURE_ALL},
};
#define FAMILIES (sizeof(families) / sizeof(families[0]))

static int only_parse(const char *text, unsigned *ret, struct mixd_error *err)
{
	_cleanup_free_ char *copy = strdup(text);
	const char *names[FAMILIES], *nearest;
	char *save = NULL;

	if (!copy)
		return error_no_memory(err);
	for (size_t k = 0; k < FAMILIES; k++)
		names[k] = families[k].name;
	for (char *word = strtok_r(copy, ", ", &save); word; word = strtok_r(NULL, ", ", &save)) {
		size_t k = 0;

		while (k < FAMILIES && strcmp(word, families[k].name) != 0)
			k++;
		if (k < FAMILIES) {
			*ret |= families[k].what;
			continue;
		}
		error_set(err, ERROR_USAGE, "only", "\"%.60s\" is nothing that is measured", word);
		nearest = error_nearest(word, names, FAMILIES);
		if (nearest)
			error_hint(err, "did you mean %s?", nearest);
		else
			error_hint(err, "loudness peaks levels faults spectrum dynamics series");
		return -EINVAL;
	}
	return 0;
}

/* ---- figures for people --------------------------------------------------------------------- */

/* "-13.6", "-inf", "-". */
static const char *figure(double value, int decimals, char buf[32])
{
	if (isnan(value))
		return "-";
	if (isinf(value))
		return value < 0.0 ? "-inf" : "+inf";
	/* No "-0.0". */
	if (fabs(value) < 0.5 * pow(10.0, -decimals))
		value = 0.0;
	snprintf(buf, 32, "%.*f", decimals, value);
	return buf;
}

/* "5:47.89", "1:02:03.5" */
static const char *clock_text(double seconds, int decimals, char buf[32])
{
	double scale = pow(10.0, decimals), all = round(seconds * scale) / scale;
	unsigned long minutes = (unsigned long)(all / 60.0);
	double rest = all - 60.0 * (double)minutes;

	if (isnan(seconds))
		return "-";
	if (minutes >= 60)
		snprintf(buf, 32, "%lu:%02lu:%0*.*f", minutes / 60, minutes % 60,
			 decimals ? 3 + decimals : 2, decimals, rest);
	else
		snprintf(buf, 32, "%lu:%0*.*f", minutes, decimals ? 3 + decimals : 2, decimals,
			 rest);
	return buf;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

/* ---- one file as a block -------------------------------------------------------------------- */

struct detail {
	const char *group, *label;
	size_t offset;
	int decimals;
	const char *unit;
	size_t at_offset; /* when, or 0 */
};
#define AT(field) offsetof(struct measure_result, field)
static const struct detail details[] = {
	{"Loudness", "integrated", AT(integrated), 1, "LUFS", 0},
	{"Loudness", "momentary max", AT(momentary_max), 1, "LUFS", AT(momentary_max_at_s)},
	{"Loudness", "short-term max", AT(shortterm_max), 1, "LUFS", AT(shortterm_max_at_s)},
	{"Loudness", "range (LRA)", AT(range), 1, "LU", 0},
	{"Loudness", "dialogue", AT(dialogue), 1, "LUFS", 0},
	{"Loudness", "dialogue range", AT(dialogue_range), 1, "LU", 0},
	{"Peaks", "true peak", AT(true_peak), 1, "dBTP", AT(true_peak_at_s)},
	{"Peaks", "sample peak", AT(sample_peak), 1, "dBFS", 0},
	{"Dynamics", "PLR", AT(plr), 1, "LU", 0},
	{"Dynamics", "lowest PSR", AT(psr_min), 1, "LU", 0},
	{"Dynamics", "DR", AT(dr14), 0, "dB", 0},
	{"Levels", "RMS", AT(rms), 1, "dBFS", 0},
	{"Levels", "noise floor", AT(noise_floor), 1, "dBFS", 0},
	{"Levels", "DC", AT(dc_max), 1, "dBFS", 0},
	{"Stereo", "correlation", AT(correlation), 2, "", 0},
	{"Stereo", "lowest", AT(correlation_min), 2, "", 0},
	{"Stereo", "left - right", AT(balance), 1, "LU", 0},
	{"Stereo", "mono fold-down", AT(fold_down), 1, "LU", 0},
	{"Edges", "head", AT(head_s), 2, "s", 0},
	{"Edges", "its room tone", AT(head_rms), 1, "dBFS", 0},
	{"Edges", "tail", AT(tail_s), 2, "s", 0},
	{"Edges", "its room tone", AT(tail_rms), 1, "dBFS", 0},
	{"Edges", "longest pause", AT(longest_silence_s), 2, "s", 0},
};

#define FAULT_FOLD_LU (-6.0) /* the sum of two that have nothing in common: -3 */
#define FAULT_DC_DBFS (-40.0) /* 1 % of full scale */

/* Faults of the channels that a figure among figures would hide; NULL: none. */
static const char *fault_of_one(const struct measure_result *result)
{
	if (!isinf(result->balance))
		return NULL;
	return result->balance > 0 ? "right is silent" : "left is silent";
}

static const char *fault_of_sum(const struct measure_result *result)
{
	/* a sum that falls below the gate, at -70 LUFS, is not cancelled */
	bool is_heard = result->integrated > -70 - FAULT_FOLD_LU;

	return is_heard && result->fold_down < FAULT_FOLD_LU ? "cancels in mono" : NULL;
}

static const char *fault_of_dc(const struct measure_result *result)
{
	return result->dc_max > FAULT_DC_DBFS ? "DC" : NULL;
}

static double figure_at(const struct measure_result *result, size_t offset)
{
	return *(const double *)((const char *)result + offset);
}

static void print_format(struct job *job, const struct measure_item *item)
{
	const struct media_info *info = &item->info;
	char length[32];

	job_print(job, "%s\n  %-9s %s", item->name, "Format", info->codec);
	if (strcmp(info->codec, info->container) != 0)
		job_print(job, " in %s", info->container);
	job_print(job, ", %.6g kHz, %s, %s", item->result.rate / 1000.0,
		  info->layout.name ? info->layout.name : "?",
		  clock_text(item->result.duration_s, 3, length));
	if (info->is_lossy && info->bitrate_kbps > 0.0)
		job_print(job, ", %.0f kb/s", info->bitrate_kbps);
	job_print(job, "\n");
}

static void print_note(struct job *job, const struct measure_result *result, size_t offset)
{
	char low[32], high[32];

	if (offset == AT(range) && !isnan(result->range_low))
		job_print(job, "  from %s to %s LUFS", figure(result->range_low, 1, low),
			  figure(result->range_high, 1, high));
	if (offset == AT(dialogue))
		job_print(job, "  %.0f %% of it is speech%s", result->speech_share * 100.0,
			  result->is_speech_detected ? ", by an approximate detector" : "");
	if (offset == AT(balance) && fault_of_one(result))
		job_print(job, "  %s", fault_of_one(result));
	if (offset == AT(fold_down) && fault_of_sum(result))
		job_print(job, "  it %s: look for turned polarity", fault_of_sum(result));
	if (offset == AT(dc_max) && fault_of_dc(result))
		job_print(job, "  more than 1 %%: node dc takes it out");
	if (offset == AT(noise_floor) && result->is_gated)
		job_print(job, "  its pauses are digital silence");
	if (offset == AT(true_peak) && result->n_overs)
		job_print(job, "; above 0 dBTP at %llu place%s",
			  (unsigned long long)result->n_overs, result->n_overs == 1 ? "" : "s");
}

static void print_bandwidth(struct job *job, const struct measure_result *result)
{
	const char *group = result->effective_bits ? "" : "Source";
	bool has_sound = false;

	for (uint32_t b = 0; b < MEASURE_THIRDS; b++)
		has_sound |= result->third_db[b] > -120.0; /* not NAN: it was looked at */
	if (!isnan(result->bandwidth_hz))
		job_print(job, "  %-9s %-16s %8.1f %-6s%s\n", group, "bandwidth",
			  result->bandwidth_hz / 1000.0, "kHz",
			  result->is_brickwall ? "ends like a lossy or resampled source" : "");
	else if (has_sound)
		job_print(job, "  %-9s %-16s %8s %-6sno edge up to %.1f kHz\n", group, "bandwidth",
			  "-", "", result->rate / 2000.0);
}

static void print_faults(struct job *job, const struct measure_result *result)
{
	char hz[32];

	if (!isnan(result->head_s)) {
		job_print(job, "  %-9s %-16s %8llu", "Faults", "clipped runs",
			  (unsigned long long)result->clip_runs);
		if (result->clip_runs)
			job_print(job, "       of %llu samples together, the first at %s",
				  (unsigned long long)result->clipped_samples,
				  clock_text(result->clip[0].at_s, 3, hz));
		job_print(job, "\n  %-9s %-16s %8llu", "", "dropouts",
			  (unsigned long long)result->n_dropouts);
		if (result->n_dropout)
			job_print(job, "       the first at %s, %.0f ms",
				  clock_text(result->dropout[0].at_s, 3, hz),
				  result->dropout[0].length_s * 1e3);
		job_print(job, "\n  %-9s %-16s %8llu\n", "", "clicks",
			  (unsigned long long)result->n_clicks);
	}
	if (result->effective_bits)
		job_print(job, "  %-9s %-16s %8u %-6s%s\n", "Source", "bits in use",
			  result->effective_bits, "bits",
			  result->is_padded ? "fewer than are stored" : "");
	print_bandwidth(job, result);
}

static void print_details(struct job *job, const struct measure_item *item)
{
	const struct measure_result *result = &item->result;
	const char *group = "";
	char buf[32];

	print_format(job, item);
	for (size_t k = 0; k < sizeof(details) / sizeof(details[0]); k++) {
		const struct detail *row = &details[k];
		double value = figure_at(result, row->offset);

		if (isnan(value))
			continue;
		job_print(job, "  %-9s %-16s %8s %-6s", strcmp(group, row->group) ? row->group : "",
			  row->label, figure(value, row->decimals, buf), row->unit);
		group = row->group;
		if (row->at_offset && !isnan(figure_at(result, row->at_offset)))
			job_print(job, "at %s",
				  clock_text(figure_at(result, row->at_offset), 2, buf));
		print_note(job, result, row->offset);
		job_print(job, "\n");
	}
	print_faults(job, result);
}

/* ---- many files as a table ------------------------------------------------------------------ */

static void faults_text(const struct measure_result *result, char *buf, size_t size)
{
	const struct {
		uint64_t n;
		const char *word;
	} kinds[] = {{result->clip_runs, "clip"},
		     {result->n_overs, "over"},
		     {result->n_dropouts, "dropout"},
		     {result->n_clicks, "click"}};
	const char *words[] = {fault_of_one(result), fault_of_sum(result), fault_of_dc(result)};
	size_t used = 0;

	buf[0] = '\0';
	for (size_t k = 0; k < sizeof(words) / sizeof(words[0]); k++)
		if (words[k])
			used += (size_t)snprintf(buf + used, size - used, "%s%s", used ? ", " : "",
						 words[k]);
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]) && used < size; k++)
		if (kinds[k].n)
			used += (size_t)snprintf(buf + used, size - used, "%s%llu %s%s",
						 used ? ", " : "", (unsigned long long)kinds[k].n,
						 kinds[k].word, kinds[k].n == 1 ? "" : "s");
}

/* The last WIDTH letters, with a mark in front when that is not all. */
static void print_name(struct job *job, const char *name, int width)
{
	int n = job_letters(name);

	if (n <= width) {
		job_print(job, "%s%*s", name, width - n, "");
		return;
	}
	for (n -= width - 1; n > 0; n--)
		do
			name++;
		while (((unsigned char)*name & 0xc0) == 0x80);
	job_print(job, "…%s", name);
}

static void print_row(struct job *job, const char *name, const struct measure_result *result)
{
	char length[32], faults[96], f[9][32];

	faults_text(result, faults, sizeof(faults));
	print_name(job, name, 26);
	job_print(job, " %9s %6s %6s %6s %5s %6s %5s %6s %6s  %s\n",
		  clock_text(result->duration_s, 0, length), figure(result->integrated, 1, f[0]),
		  figure(result->momentary_max, 1, f[1]), figure(result->shortterm_max, 1, f[2]),
		  figure(result->range, 1, f[3]), figure(result->true_peak, 1, f[4]),
		  figure(result->plr, 1, f[5]), figure(result->rms, 1, f[6]),
		  figure(result->noise_floor, 1, f[7]), faults);
}

/* Without its folders, unless another file of another folder is called so, too. */
static const char *row_name(const struct measure_set *set, uint32_t k)
{
	const char *name = base_name(set->item[k].name);

	for (uint32_t i = 0; i < set->n_items; i++)
		if (i != k && strcmp(base_name(set->item[i].name), name) == 0)
			return set->item[k].name;
	return name;
}

static void print_table(struct job *job, const struct measure_set *set,
			const struct measure_result *album)
{
	job_print(job, "%-26s %9s %6s %6s %6s %5s %6s %5s %6s %6s  %s\n", "FILE", "LENGTH", "LUFS",
		  "M MAX", "S MAX", "LRA", "dBTP", "PLR", "RMS", "NOISE", "FAULTS");
	for (uint32_t k = 0; k < set->n_items; k++) {
		const struct measure_item *item = &set->item[k];

		if (item->is_measured) {
			print_row(job, row_name(set, k), &item->result);
			continue;
		}
		print_name(job, row_name(set, k), 26);
		job_print(job, " not measured: %s\n", item->error.text);
	}
	if (album)
		print_row(job, "all together", album);
}

/* ---- the result ----------------------------------------------------------------------------- */

static json_t *item_json(const struct measure_item *item, bool whole)
{
	json_t *object = json_object(), *figures;

	json_object_set_new(object, "file", json_string(item->name));
	if (!item->is_measured) {
		json_object_set_new(object, "error", json_string(item->error.text));
		return object;
	}
	json_object_set_new(object, "container", json_string(item->info.container));
	json_object_set_new(object, "codec", json_string(item->info.codec));
	json_object_set_new(object, "layout",
			    json_string(item->info.layout.name ? item->info.layout.name : ""));
	json_object_set_new(object, "bits", json_integer(item->info.bits));
	figures = measure_json(&item->result, whole);
	json_object_update(object, figures);
	json_decref(figures);
	return object;
}

static int tell(struct job *job, const struct measure_set *set, const struct measure_result *album,
		struct mixd_error *err)
{
	bool whole = set->options.what & MEASURE_SERIES || set->n_items == 1;
	bool has_details = job_flag(job, "details") || (set->n_items == 1 && !album);
	json_t *items = json_array();

	if (!items || json_object_set_new(job_json(job), "items", items) < 0)
		return error_no_memory(err);
	for (uint32_t k = 0; k < set->n_items; k++) {
		const struct measure_item *item = &set->item[k];

		json_array_append_new(items, item_json(item, whole));
		if (has_details && item->is_measured)
			print_details(job, item);
		if (!item->is_measured && set->n_items > 1)
			job_warn(job, item->name, "%s", item->error.text);
	}
	if (album)
		json_object_set_new(job_json(job), "album", measure_json(album, false));
	if (!has_details)
		print_table(job, set, album);
	return 0;
}

static int write_pages(struct job *job, const struct measure_set *set,
		       const struct measure_result *album, struct mixd_error *err)
{
	_cleanup_free_ struct report_item *items = calloc(set->n_items + 1, sizeof(*items));
	const char *page = job_text(job, "report", NULL), *plots = job_text(job, "plots", NULL);
	_cleanup_free_ char *page_path = page ? job_path(job, page) : NULL;
	_cleanup_free_ char *plots_path = plots ? job_path(job, plots) : NULL;
	struct report_item pool = {.path = "all together", .result = album};
	struct report report = {
		.items = items, .n_items = set->n_items, .album = album ? &pool : NULL};
	uint32_t n = 0;
	int r = 0;

	if (!page && !plots)
		return 0;
	if (!items || (page && !page_path) || (plots && !plots_path))
		return error_no_memory(err);
	for (uint32_t k = 0; k < set->n_items; k++) {
		const struct measure_item *item = &set->item[k];

		items[k].path = item->name;
		items[k].info = item->is_measured ? &item->info : NULL;
		items[k].result = item->is_measured ? &item->result : NULL;
		items[k].error = item->is_measured ? NULL : item->error.text;
	}
	job_stage(job, "report", page ? page : plots);
	if (page)
		r = report_write(page_path, &report, err);
	if (r == 0 && plots)
		r = report_plots(plots_path, &report, &n, err);
	if (r == 0 && page)
		json_object_set_new(job_json(job), "report", json_string(page_path));
	if (r == 0 && plots)
		json_object_set_new(job_json(job), "plots", json_integer(n));
	return r;
}

/* Nothing is remembered: only what is delivered is. */
static int compare_with_series(struct job *job, const struct measure_set *set,
			       struct mixd_error *err)
{
	int r = 0;

	for (uint32_t k = 0; r == 0 && k < set->n_items; k++) {
		const struct measure_item *item = &set->item[k];
		_cleanup_free_ char *path = job_path(job, item->name);

		if (!path)
			return error_no_memory(err);
		if (item->is_measured)
			r = series_compare(job, job_text(job, "series", ""), path, item->name,
					   &item->result, err);
	}
	return r;
}

int verb_measure(struct job *job, struct mixd_error *err)
{
	_cleanup_(measure_set_done) struct measure_set set;
	_cleanup_(measure_result_done) struct measure_result album;
	const char *only = job_text(job, "only", NULL);
	bool has_album = false;
	int r;

	measure_result_init(&album);
	r = measure_set_init(&set, job, err);
	if (r < 0)
		return r;
	if (only) {
		set.options.what = 0;
		r = only_parse(only, &set.options.what, err);
		if (r < 0)
			return r;
	}
	if (job_text(job, "report", NULL) || job_text(job, "plots", NULL))
		set.options.what |= only ? MEASURE_SERIES : MEASURE_ALL;
	if (job_flag(job, "album") || job_text(job, "series", NULL))
		set.options.what |= MEASURE_LOUDNESS;
	r = measure_set_run(&set, job, err);
	if (r < 0)
		return r;
	if (job_flag(job, "album"))
		has_album = measure_set_pool(&set, &album);
	r = tell(job, &set, has_album ? &album : NULL, err);
	if (r < 0)
		return r;
	r = write_pages(job, &set, has_album ? &album : NULL, err);
	if (r == 0 && job_text(job, "series", NULL))
		r = compare_with_series(job, &set, err);
	if (r < 0)
		return r;
	r = measure_set_fault(&set, err);
	if (r < 0 && set.n_items > 1)
		job_keep_result(job);
	return r;
}
