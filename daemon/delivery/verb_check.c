/* verb_check.c - `mixctl check FILE... --spec NAME`: files against delivery specs. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "delivery_verbs.h"
#include "measure_many.h"
#include "report.h"
#include "spec.h"
#include "verdict.h"

#define SPECS_MAX 32u

struct check_job {
	struct job *job;
	struct spec_set *specs;
	const struct spec *spec[SPECS_MAX]; /* asked for */
	uint32_t n_specs;
	struct measure_set set;
	/* Of file f and spec s: [f * n_specs + s]; then those of all files together. */
	struct report_verdict *verdict;
	struct report_item *item; /* one per file */
	struct measure_result album;
	bool has_album;
};

static void check_job_done(struct check_job *check)
{
	for (uint32_t i = 0; check->verdict && i < (check->set.n_items + 1) * check->n_specs; i++)
		free((void *)(uintptr_t)check->verdict[i].verdict);
	free(check->verdict);
	free(check->item);
	if (check->has_album)
		measure_result_done(&check->album);
	measure_set_done(&check->set);
	spec_set_free(check->specs);
}

/* ---- what is asked for ------------------------------------------------------------------------ */

static int check_specs(struct check_job *check, struct mixd_error *err)
{
	const char *name;
	int r = spec_set_new(&check->specs, err);

	for (uint32_t i = 0; r == 0 && (name = job_text_at(check->job, "spec", i)); i++) {
		bool is_new = true;

		if (check->n_specs == SPECS_MAX)
			return error_set(err, ERROR_USAGE, "--spec", "up to %u in one call",
					 SPECS_MAX);
		r = spec_find(check->specs, name, &check->spec[check->n_specs], err);
		for (uint32_t j = 0; r == 0 && j < check->n_specs; j++)
			is_new &= check->spec[j] != check->spec[check->n_specs];
		check->n_specs += r == 0 && is_new;
	}
	if (r == 0 && check->n_specs == 0) {
		r = error_set(err, ERROR_USAGE, "--spec", "say which spec to check against");
		error_hint(err, "--spec ebu-r128, say; `mixctl spec ls` lists them");
	}
	return r;
}

static int check_measure(struct check_job *check, struct mixd_error *err)
{
	bool has_pictures =
		job_text(check->job, "report", NULL) || job_text(check->job, "plots", NULL);
	struct measure_options *options;
	int r = measure_set_init(&check->set, check->job, err);

	if (r < 0)
		return r;
	options = &check->set.options;
	options->what = has_pictures ? MEASURE_ALL : 0;
	for (uint32_t i = 0; i < check->n_specs; i++) {
		options->what |= spec_needs(check->spec[i]);
		if (spec_needs_speech(check->spec[i]) && !options->speech)
			options->detect_speech = true;
	}
	r = measure_set_run(&check->set, check->job, err);
	if (r == 0 && job_flag(check->job, "album"))
		check->has_album = measure_set_pool(&check->set, &check->album);
	return r;
}

/* ---- verdicts --------------------------------------------------------------------------------- */

static int check_one(struct check_job *check, uint32_t file, uint32_t spec, struct mixd_error *err)
{
	const struct measure_item *item = &check->set.item[file];
	struct report_verdict *of = &check->verdict[file * check->n_specs + spec];
	struct spec_verdict *verdict = calloc(check->spec[spec]->n_clauses, sizeof(*verdict));

	if (!verdict)
		return error_no_memory(err);
	of->spec = check->spec[spec];
	of->verdict = verdict;
	of->is_met = spec_check(of->spec, &item->result, &item->info,
				check->has_album ? &check->album : NULL, verdict);
	if (!of->is_met)
		job_negative(check->job);
	return 0;
}

/* What the files must have in common. */
static int check_together(struct check_job *check, struct mixd_error *err)
{
	uint32_t n = 0, n_files = check->set.n_items;
	_cleanup_free_ const struct measure_result **results =
		calloc(n_files + 1, sizeof(*results));
	_cleanup_free_ const struct media_info **infos = calloc(n_files + 1, sizeof(*infos));

	if (!results || !infos)
		return error_no_memory(err);
	for (uint32_t i = 0; i < n_files; i++) {
		if (!check->set.item[i].is_measured)
			continue;
		results[n] = &check->set.item[i].result;
		infos[n++] = &check->set.item[i].info;
	}
	for (uint32_t i = 0; i < check->n_specs && n > 1; i++) {
		struct report_verdict *of = &check->verdict[n_files * check->n_specs + i];
		struct spec_verdict *verdict = calloc(check->spec[i]->n_clauses, sizeof(*verdict));

		if (!verdict)
			return error_no_memory(err);
		of->spec = check->spec[i];
		of->verdict = verdict;
		of->is_met = spec_check_album(of->spec, results, infos, n, verdict);
		if (!of->is_met)
			job_negative(check->job);
	}
	return 0;
}

static int check_all(struct check_job *check, struct mixd_error *err)
{
	uint32_t n_files = check->set.n_items;
	int r = 0;

	check->verdict = calloc((n_files + 1) * check->n_specs, sizeof(*check->verdict));
	check->item = calloc(n_files, sizeof(*check->item));
	if (!check->verdict || !check->item)
		return error_no_memory(err);
	for (uint32_t i = 0; i < n_files; i++) {
		const struct measure_item *item = &check->set.item[i];

		check->item[i].path = item->name;
		if (!item->is_measured) {
			check->item[i].error = item->error.text;
			continue;
		}
		for (uint32_t j = 0; j < check->n_specs && r == 0; j++)
			r = check_one(check, i, j, err);
		check->item[i].info = &item->info;
		check->item[i].result = &item->result;
		check->item[i].verdicts = &check->verdict[i * check->n_specs];
		check->item[i].n_verdicts = r == 0 ? check->n_specs : 0;
	}
	return r < 0 ? r : check_together(check, err);
}

/* ---- for programs ----------------------------------------------------------------------------- */

static uint32_t count_states(const struct report_verdict *of, enum spec_state state)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < of->spec->n_clauses; i++)
		n += of->verdict[i].state == state;
	return n;
}

/* The common part of a row: SPEC, whether it is met, and the clauses. */
static json_t *file_json(const char *file, const struct report_verdict *of)
{
	json_t *clauses = json_array();

	for (uint32_t i = 0; i < of->spec->n_clauses; i++)
		json_array_append_new(clauses, verdict_json(&of->verdict[i]));
	return json_pack("{s:s,s:s,s:i,s:b,s:i,s:i,s:i,s:o}", "file", file, "spec", of->spec->name,
			 "spec_version", (int)of->spec->version, "is_met", (int)of->is_met,
			 "failed", (int)count_states(of, SPEC_FAIL), "warned",
			 (int)count_states(of, SPEC_WARN), "unknown",
			 (int)count_states(of, SPEC_UNKNOWN), "clauses", clauses);
}

static void add_figures(json_t *row, const struct measure_result *result)
{
	json_object_set_new(row, "integrated_lufs", job_real(result->integrated));
	json_object_set_new(row, "range_lu", job_real(result->range));
	json_object_set_new(row, "true_peak_dbtp", job_real(result->true_peak));
	json_object_set_new(row, "duration_s", job_real(result->duration_s));
}

static int check_json(struct check_job *check, struct mixd_error *err)
{
	json_t *top = job_json(check->job), *items = json_array(), *album = json_array();
	bool is_met = check->set.n_failed == 0;

	if (!items || !album)
		return error_no_memory(err);
	for (uint32_t i = 0; i < check->set.n_items; i++) {
		const struct report_item *item = &check->item[i];

		if (!item->result)
			json_array_append_new(items, json_pack("{s:s,s:b,s:s}", "file", item->path,
							       "is_met", 0, "error", item->error));
		for (uint32_t j = 0; j < item->n_verdicts; j++) {
			json_t *row = file_json(item->path, &item->verdicts[j]);

			is_met &= item->verdicts[j].is_met;
			if (row)
				add_figures(row, item->result);
			json_array_append_new(items, row);
		}
	}
	for (uint32_t i = 0; i < check->n_specs; i++) {
		const struct report_verdict *of =
			&check->verdict[check->set.n_items * check->n_specs + i];

		if (!of->spec)
			continue;
		is_met &= of->is_met;
		json_array_append_new(album, file_json("", of));
	}
	json_object_set_new(top, "is_met", json_boolean(is_met));
	json_object_set_new(top, "items", items);
	json_object_set_new(top, "together", album);
	if (check->has_album)
		json_object_set_new(top, "album_integrated_lufs",
				    job_real(check->album.integrated));
	return 0;
}

/* ---- for people ------------------------------------------------------------------------------- */

static void print_verdict(struct job *job, const char *file, const struct report_verdict *of,
			  bool is_whole)
{
	uint32_t n_failed = count_states(of, SPEC_FAIL) + count_states(of, SPEC_UNKNOWN);
	uint32_t n_warned = count_states(of, SPEC_WARN);
	char more[64] = "";

	if (!of->is_met)
		snprintf(more, sizeof(more), ": %u clause%s", n_failed, n_failed == 1 ? "" : "s");
	if (n_warned)
		snprintf(more + strlen(more), sizeof(more) - strlen(more), "%s%u against advice",
			 of->is_met ? ": " : ", ", n_warned);
	job_print(job, "%s %s %s %s%s\n", of->is_met ? "\xe2\x9c\x93" : "\xe2\x9c\x97", file,
		  of->is_met ? "meets" : "does not meet", of->spec->name, more);
	for (uint32_t i = 0; i < of->spec->n_clauses; i++) {
		enum spec_state state = of->verdict[i].state;
		bool is_fault = state == SPEC_FAIL || state == SPEC_WARN || state == SPEC_UNKNOWN;
		bool is_told = state == SPEC_NOTE && of->verdict[i].clause->kind == SPEC_PLAYBACK;

		if (is_fault || is_told || (is_whole && state != SPEC_APART) ||
		    (job_flag(job, "details") && state == SPEC_APART))
			verdict_print(job, &of->verdict[i]);
	}
}

static void print_together(struct check_job *check)
{
	for (uint32_t i = 0; i < check->n_specs; i++) {
		const struct report_verdict *of =
			&check->verdict[check->set.n_items * check->n_specs + i];

		if (of->spec && count_states(of, SPEC_APART) < of->spec->n_clauses)
			print_verdict(check->job, "all files together:", of, false);
	}
}

static void check_print(struct check_job *check)
{
	bool is_whole = check->set.n_items == 1 || job_flag(check->job, "details");
	uint32_t n_met = 0;

	for (uint32_t i = 0; i < check->set.n_items; i++) {
		const struct report_item *item = &check->item[i];
		bool is_met = item->result != NULL;

		if (!item->result)
			job_print(check->job, "\xe2\x9c\x97 %s cannot be read: %s\n", item->path,
				  item->error);
		for (uint32_t j = 0; j < item->n_verdicts; j++) {
			is_met &= item->verdicts[j].is_met;
			print_verdict(check->job, item->path, &item->verdicts[j], is_whole);
		}
		n_met += is_met;
	}
	print_together(check);
	if (check->set.n_items > 1)
		job_print(check->job, "\n%u of %u files meet %s\n", n_met, check->set.n_items,
			  check->n_specs == 1 ? check->spec[0]->name : "all specs");
}

/* ---- pages ------------------------------------------------------------------------------------ */

static int check_pages(struct check_job *check, struct mixd_error *err)
{
	const char *page = job_text(check->job, "report", NULL);
	const char *folder = job_text(check->job, "plots", NULL);
	const struct report_verdict *together =
		&check->verdict[check->set.n_items * check->n_specs];
	struct report_item album = {.path = "Album", .result = &check->album};
	struct report report = {.items = check->item, .n_items = check->set.n_items};
	_cleanup_free_ char *path = page ? job_path(check->job, page) : NULL;
	_cleanup_free_ char *plots = folder ? job_path(check->job, folder) : NULL;
	uint32_t n = 0;
	int r = 0;

	if ((page && !path) || (folder && !plots))
		return error_no_memory(err);
	if (check->has_album) {
		album.verdicts = together;
		album.n_verdicts = together->spec ? check->n_specs : 0;
		report.album = &album;
	}
	if (path) {
		r = report_write(path, &report, err);
		json_object_set_new(job_json(check->job), "report", json_string(page));
	}
	if (r == 0 && plots) {
		r = report_plots(plots, &report, &n, err);
		json_object_set_new(job_json(check->job), "plots", json_integer(n));
	}
	return r;
}

int verb_check(struct job *job, struct mixd_error *err)
{
	struct check_job check = {.job = job};
	int r = check_specs(&check, err);

	r = r < 0 ? r : check_measure(&check, err);
	r = r < 0 ? r : check_all(&check, err);
	r = r < 0 ? r : check_json(&check, err);
	if (r == 0) {
		check_print(&check);
		r = check_pages(&check, err);
	}
	if (r == 0) {
		r = measure_set_fault(&check.set, err);
		if (r < 0 && check.set.n_items > 1)
			job_keep_result(job);
	}
	check_job_done(&check);
	return r;
}
