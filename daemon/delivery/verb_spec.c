/* verb_spec.c - `mixctl spec ls|show|add`: the delivery specs there are. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "delivery_verbs.h"
#include "document.h"
#include "media_write.h"
#include "spec.h"

DEFINE_CLEANUP(spec_set_free, struct spec_set *)
DEFINE_CLEANUP(media_file_free, struct media_file *)

static void warn_of_faults(struct job *job, const struct spec_set *set)
{
	const struct mixd_error *fault;

	for (uint32_t i = 0; (fault = spec_fault(set, i)); i++)
		job_warn(job, fault->address, "%s%s%s", fault->text, fault->hint[0] ? "; " : "",
			 fault->hint);
}

/* "-23.0 LUFS", "-27.0 dialogue", "-20.5 RMS", "". */
static void spec_target_words(const struct spec *spec, char *buf, size_t size)
{
	buf[0] = '\0';
	if (!isnan(spec->target_lufs))
		snprintf(buf, size, "%.1f%s", spec->target_lufs,
			 spec->is_dialogue ? " dialogue" : " LUFS");
	else if (!isnan(spec->target_rms_dbfs))
		snprintf(buf, size, "%.1f dB RMS", spec->target_rms_dbfs);
}

static void spec_peak_words(const struct spec *spec, char *buf, size_t size)
{
	buf[0] = '\0';
	if (!isnan(spec->max_dbtp))
		snprintf(buf, size, "%.1f dBTP", spec->max_dbtp);
	else if (!isnan(spec->max_sample_dbfs))
		snprintf(buf, size, "%.1f dBFS", spec->max_sample_dbfs);
}

static json_t *spec_row(const struct spec *spec)
{
	return json_pack("{s:s,s:s,s:i,s:o,s:b,s:o,s:o,s:o,s:s,s:s,s:s,s:s}", "name", spec->name,
			 "title", spec->title, "version", (int)spec->version, "target_lufs",
			 job_real(spec->target_lufs), "is_dialogue", (int)spec->is_dialogue,
			 "target_rms_dbfs", job_real(spec->target_rms_dbfs), "max_dbtp",
			 job_real(spec->max_dbtp), "max_sample_dbfs",
			 job_real(spec->max_sample_dbfs), "date", spec->date, "grade", spec->grade,
			 "source", spec->source, "origin", spec->origin ? spec->origin : "shipped");
}

static void spec_ls_line(struct job *job, const struct spec *spec)
{
	char target[32], peak[32];

	spec_target_words(spec, target, sizeof(target));
	spec_peak_words(spec, peak, sizeof(peak));
	job_print(job, "%-21s %-15s %-10s %-15s %s%s\n", spec->name, target, peak, spec->grade,
		  spec->title, spec->origin ? " (your own)" : "");
}

static int spec_ls(struct job *job, const struct spec_set *set, struct mixd_error *err)
{
	json_t *items = json_array();

	if (!items || json_object_set_new(job_json(job), "items", items) < 0)
		return error_no_memory(err);
	job_print(job, "%-21s %-15s %-10s %-15s %s\n", "NAME", "TARGET", "PEAK", "GRADE", "TITLE");
	for (uint32_t i = 0; i < spec_count(set); i++) {
		if (json_array_append_new(items, spec_row(spec_at(set, i))) < 0)
			return error_no_memory(err);
		spec_ls_line(job, spec_at(set, i));
	}
	warn_of_faults(job, set);
	return 0;
}

/* ---- show ------------------------------------------------------------------------------------- */

/* "only above -14.0 LUFS", "with little speech (below 15%)"; "" always. */
static void clause_when(const struct spec *spec, const struct spec_clause *clause, char *buf,
			size_t size)
{
	size_t n = 0;

	buf[0] = '\0';
	if (!isnan(clause->when_above_lufs))
		n += (size_t)snprintf(buf + n, size - n, "; above %.1f LUFS",
				      clause->when_above_lufs);
	if (clause->when_longer_s > 0 && n < size)
		n += (size_t)snprintf(buf + n, size - n, "; longer than %.10g s",
				      clause->when_longer_s);
	if (clause->when_channels && n < size)
		n += (size_t)snprintf(buf + n, size - n, "; of %u channel%s", clause->when_channels,
				      clause->when_channels == 1 ? "" : "s");
	if (clause->when_speech != SPEC_SPEECH_ANY && n < size)
		n += (size_t)snprintf(buf + n, size - n, "; with %s%.0f%% of speech%s",
				      clause->when_speech == SPEC_SPEECH_ENOUGH ? "" : "less than ",
				      spec->speech_share * 100,
				      clause->when_speech == SPEC_SPEECH_ENOUGH ? " or more" : "");
	if (clause->alternative && n < size)
		snprintf(buf + n, size - n, "; or: %s", clause->alternative);
	if (buf[0] == ';')
		memmove(buf, buf + 2, strlen(buf + 2) + 1);
}

static json_t *clause_row(const struct spec *spec, const struct spec_clause *clause)
{
	char limit[96], when[160];

	clause_when(spec, clause, when, sizeof(when));
	spec_clause_limit(clause, limit, sizeof(limit));
	return json_pack("{s:s,s:s,s:s,s:s,s:o,s:o,s:o,s:o,s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "clause",
			 clause->id, "kind", spec_kind_word(clause->kind), "level",
			 spec_severity_word(clause->severity), "limit", limit, "target",
			 job_real(clause->target), "min", job_real(clause->min), "max",
			 job_real(clause->max), "precision", job_real(clause->precision), "unit",
			 clause->unit, "words", clause->words, "when", when, "text", clause->text,
			 "source", clause->source, "date", clause->date, "grade", clause->grade);
}

static void clause_lines(struct job *job, const struct spec *spec, const struct spec_clause *clause)
{
	char limit[96], when[160];

	clause_when(spec, clause, when, sizeof(when));
	spec_clause_limit(clause, limit, sizeof(limit));
	job_print(job, "  %-16s %-*s %-7s %s%s%s%s\n", clause->id, job_width(limit, 24), limit,
		  clause->kind == SPEC_PLAYBACK ? "-" : spec_severity_word(clause->severity),
		  clause->text, when[0] ? " [" : "", when, when[0] ? "]" : "");
	if (strcmp(clause->source, spec->source) == 0 && strcmp(clause->grade, spec->grade) == 0)
		return;
	if (clause->source[0])
		job_print(job, "  %-16s %s (%s, %s)\n", "", clause->source, clause->date,
			  clause->grade);
	else
		job_print(job, "  %-16s (%s)\n", "",
			  strcmp(clause->grade, "OWN") == 0 ? "your own" : clause->grade);
}

static int spec_show(struct job *job, const struct spec_set *set, struct mixd_error *err)
{
	const char *name = job_arg(job, 1);
	const struct spec *spec;
	json_t *items = json_array();
	char target[32], peak[32];
	int r = spec_find(set, name, &spec, err);

	if (r < 0) {
		json_decref(items);
		snprintf(err->address, sizeof(err->address), "%.100s", name);
		return r;
	}
	if (!items || json_object_update_new(job_json(job), spec_row(spec)) < 0 ||
	    json_object_set_new(job_json(job), "items", items) < 0)
		return error_no_memory(err);
	spec_target_words(spec, target, sizeof(target));
	spec_peak_words(spec, peak, sizeof(peak));
	job_print(job, "%s: %s (version %u)\n", spec->name, spec->title, spec->version);
	if (spec->source[0])
		job_print(job, "  source   %s\n", spec->source);
	job_print(job, "  date     %s, grade %s\n", spec->date[0] ? spec->date : "none",
		  spec->grade);
	if (spec->origin)
		job_print(job, "  file     %s\n", spec->origin);
	if (target[0] || peak[0])
		job_print(job, "  aims at  %s%s%s\n", target, target[0] && peak[0] ? ", peak " : "",
			  peak);
	job_print(job, "\n  %-16s %-24s %-7s %s\n", "CLAUSE", "LIMIT", "LEVEL", "RULE");
	for (uint32_t i = 0; i < spec->n_clauses; i++) {
		if (json_array_append_new(items, clause_row(spec, &spec->clause[i])) < 0)
			return error_no_memory(err);
		clause_lines(job, spec, &spec->clause[i]);
	}
	job_print(job, "\n  Figures are compared at the precision they are shown with.\n");
	return 0;
}

/* ---- add -------------------------------------------------------------------------------------- */

static int make_folders(const char *path, struct mixd_error *err)
{
	_cleanup_free_ char *copy = strdup(path);

	if (!copy)
		return error_no_memory(err);
	for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(copy, 0755) < 0 && errno != EEXIST)
			return error_set(err, ERROR_RESOURCE, copy, "cannot be made: %s",
					 strerror(errno));
		*slash = '/';
	}
	if (mkdir(copy, 0755) < 0 && errno != EEXIST)
		return error_set(err, ERROR_RESOURCE, copy, "cannot be made: %s", strerror(errno));
	return 0;
}

/* FILE's name in the user's folder, ending in .yaml. */
static char *add_goal(const char *folder, const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	const char *dot = strrchr(name, '.');
	int length = dot && dot > name ? (int)(dot - name) : (int)strlen(name);
	char *goal;

	return asprintf(&goal, "%s/%.*s.yaml", folder, length, name) < 0 ? NULL : goal;
}

/* The text must hold with what is there, the file that it replaces left out. */
static int add_check(struct job *job, const char *path, const char *goal, const char *text,
		     size_t size, struct mixd_error *err)
{
	_cleanup_(spec_set_freep) struct spec_set *set = NULL, *shipped = NULL;
	uint32_t first = 0;
	json_t *items = json_array();
	int r;

	if (!items || json_object_set_new(job_json(job), "items", items) < 0)
		return error_no_memory(err);
	r = spec_set_new_empty(&shipped, err);
	r = r < 0 ? r : spec_set_add_shipped(shipped, err);
	r = r < 0 ? r : spec_set_add(shipped, path, goal, text, size, &first, err);
	r = r < 0 ? r : spec_set_new(&set, err);
	if (r < 0)
		return r;
	for (uint32_t i = first; i < spec_count(shipped); i++) {
		const struct spec *spec = spec_at(shipped, i), *other;
		struct mixd_error none = {0};

		if (spec_find(set, spec->name, &other, &none) == 0 && other->origin &&
		    strcmp(other->origin, goal) != 0) {
			r = error_set(err, ERROR_CONFLICT, path,
				      "the spec \"%s\" is in another file already", spec->name);
			error_hint(err, "remove it from %.200s, or choose another name",
				   other->origin);
			return r;
		}
		if (json_array_append_new(items, spec_row(spec)) < 0)
			return error_no_memory(err);
	}
	return 0;
}

static void add_tell(struct job *job, const char *goal)
{
	const json_t *items = json_object_get(job_json(job), "items");
	const json_t *item;
	size_t i;

	json_object_set_new(job_json(job), "file", json_string(goal));
	json_array_foreach(items, i, item)
		job_print(job, "added %s: %s\n", json_string_value(json_object_get(item, "name")),
			  json_string_value(json_object_get(item, "title")));
	job_print(job, "in %s\n", goal);
}

static int spec_add(struct job *job, struct mixd_error *err)
{
	_cleanup_free_ char *path = job_path(job, job_arg(job, 1)), *folder = spec_user_folder();
	_cleanup_free_ char *text = NULL, *goal = NULL;
	_cleanup_(media_file_freep) struct media_file *file = NULL;
	size_t size = 0;
	int r;

	if (!path)
		return error_no_memory(err);
	if (!folder)
		return error_set(err, ERROR_RESOURCE, "HOME",
				 "is not set: there is no place for it");
	goal = add_goal(folder, path);
	if (!goal)
		return error_no_memory(err);
	r = document_load(path, path, &text, &size, err);
	r = r < 0 ? r : add_check(job, job_arg(job, 1), goal, text, size, err);
	if (r < 0)
		return r;
	if (!job_flag(job, "replace") && access(goal, F_OK) == 0) {
		r = error_set(err, ERROR_CONFLICT, goal, "is there already");
		error_hint(err, "--replace puts the new one in its place");
		return r;
	}
	r = make_folders(folder, err);
	r = r < 0 ? r : media_file_create(goal, &file, err);
	r = r < 0 ? r : media_file_write(file, text, size, err);
	r = r < 0 ? r : media_file_commit(file, err);
	if (r == 0)
		add_tell(job, goal);
	return r;
}

int verb_spec(struct job *job, struct mixd_error *err)
{
	static const char *const words[] = {"ls", "show", "add"};
	_cleanup_(spec_set_freep) struct spec_set *set = NULL;
	const char *what = job_arg(job, 0), *nearest;
	bool is_ls = strcmp(what, "ls") == 0, is_show = strcmp(what, "show") == 0;
	bool is_add = strcmp(what, "add") == 0;
	int r;

	if (!is_ls && !is_show && !is_add) {
		r = error_set(err, ERROR_USAGE, what, "there is no `spec %.40s`", what);
		nearest = error_nearest(what, words, 3);
		error_hint(err, nearest ? "did you mean %s?" : "%s, show NAME or add FILE",
			   nearest ? nearest : "ls");
		return r;
	}
	if (job_n_args(job) != (is_ls ? 1u : 2u))
		return error_set(err, ERROR_USAGE, what, "%s",
				 is_ls	   ? "takes nothing more"
				 : is_show ? "wants the name of one spec"
					   : "wants one file of specs");
	if (is_add)
		return spec_add(job, err);
	r = spec_set_new(&set, err);
	if (r < 0)
		return r;
	return is_ls ? spec_ls(job, set, err) : spec_show(job, set, err);
}
