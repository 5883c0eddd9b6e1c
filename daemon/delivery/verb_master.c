/* verb_master.c - mixctl master: its words and options, and what is said about the outcome. */
#include "delivery_verbs.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "document.h"
#include "encode_options.h"
#include "master.h"
#include "master_reference.h"
#include "report.h"
#include "speech_option.h"
#include "tags_keep.h"
#include "tags_lost.h"
#include "target_check.h"

#define VERB_GOALS_MAX 32u

struct verb_master {
	struct job *job;
	struct spec_set *specs;
	struct master_request request;
	struct master_goal goal[VERB_GOALS_MAX];
	struct media_tags tags;
	struct master_reference reference;
	struct speech_option speech;
	struct spec own; /* without --spec: what the other options ask for */
	struct spec_clause own_clause[2];
	char *chain, *folder;
};

/* "out/{spec}.flac" for "spotify" -> "out/spotify.flac". */
static char *verb_output_path(const struct verb_master *verb, const char *pattern, const char *spec)
{
	const char *place = strstr(pattern, "{spec}");
	char *text = NULL, *path;

	if (place && asprintf(&text, "%.*s%s%s", (int)(place - pattern), pattern, spec,
			      place + strlen("{spec}")) < 0)
		return NULL;
	path = job_path(verb->job, text ? text : pattern);
	free(text);
	return path;
}

static int verb_set_target(struct verb_master *verb, struct master_goal *goal,
			   struct mixd_error *err)
{
	int r = encode_options_read(verb->job, &goal->target, err);

	goal->target_level = job_number(verb->job, "target", verb->reference.target_lufs);
	goal->ceiling_dbtp = job_number(verb->job, "ceiling", NAN);
	goal->target.tags = &verb->tags;
	return r;
}

/* VALUE is written with one decimal, or with two where one does not say it. */
static double own_precision(double value)
{
	return fabs(value * 10 - round(value * 10)) < 1e-6 ? 0.1 : 0.01;
}

/* Without a spec: what --target, --ceiling and --reference ask for, to be shown and judged as any. */
static const struct spec *verb_own_spec(struct verb_master *verb)
{
	double target = job_number(verb->job, "target", verb->reference.target_lufs);
	double ceiling = job_number(verb->job, "ceiling", -1);
	bool is_of_reference = isnan(job_number(verb->job, "target", NAN));
	const struct spec_clause any = {.source = "the command line",
					.words = "",
					.date = "",
					.grade = "OWN",
					.min = -INFINITY,
					.max = INFINITY,
					.target = NAN,
					.when_above_lufs = NAN};
	struct spec_clause *loudness = &verb->own_clause[0], *peak = &verb->own_clause[1];

	*loudness = *peak = any;
	loudness->id = "integrated";
	loudness->kind = SPEC_BAND;
	loudness->unit = "LUFS";
	loudness->precision = own_precision(target);
	loudness->target = target;
	loudness->min = target - 0.1;
	loudness->max = target + 0.1;
	loudness->text =
		is_of_reference ? "the loudness of the reference" : "as the command line says";
	peak->id = "true-peak";
	peak->kind = SPEC_CEILING;
	peak->unit = "dBTP";
	peak->precision = own_precision(ceiling);
	peak->max = ceiling;
	peak->text = job_text(verb->job, "ceiling", NULL) ? "as the command line says"
							  : "where nothing is said, -1 dBTP";
	verb->own = (struct spec){.name = "own",
				  .title = "what was asked for",
				  .version = 1,
				  .source = any.source,
				  .date = "",
				  .grade = any.grade,
				  .clause = verb->own_clause,
				  .n_clauses = 2,
				  .target_lufs = target,
				  .fallback_lufs = NAN,
				  .target_rms_dbfs = NAN,
				  .max_dbtp = ceiling,
				  .max_sample_dbfs = NAN,
				  .min_lufs = loudness->min,
				  .max_lufs = loudness->max};
	return &verb->own;
}

static int verb_add_goal(struct verb_master *verb, const char *name, const char *output,
			 struct mixd_error *err)
{
	struct master_goal *goal = &verb->goal[verb->request.n_goals];
	int r;

	master_goal_init(goal);
	goal->spec = name ? NULL : verb_own_spec(verb);
	r = name ? spec_find(verb->specs, name, &goal->spec, err) : 0;
	if (r < 0)
		return r;
	goal->path = verb_output_path(verb, output, goal->spec->name);
	if (!goal->path)
		return error_no_memory(err);
	verb->request.n_goals++;
	for (uint32_t i = 0; i + 1 < verb->request.n_goals; i++)
		if (target_is(verb->goal[i].path, goal->path)) {
			error_set(err, ERROR_USAGE, output, "two specs would write the same file");
			error_hint(err, "give -o once for each --spec, or write {spec} in it");
			return -EINVAL;
		}
	return verb_set_target(verb, goal, err);
}

static int verb_set_goals(struct verb_master *verb, struct mixd_error *err)
{
	const struct job *job = verb->job;
	const char *name = job_text_at(job, "spec", 0), *output = job_text_at(job, "output", 0);
	bool has_aim = name || verb->reference.path || job_text(job, "target", NULL);
	int r = 0;

	if (!has_aim || !output) {
		error_set(err, ERROR_USAGE, has_aim ? "--output" : "--spec", "is missing");
		error_hint(err,
			   "usage: mixctl master IN -o OUT --spec NAME; mixctl spec ls lists them");
		return -EINVAL;
	}
	if (!name)
		return verb_add_goal(verb, NULL, output, err);
	for (uint32_t i = 0; r == 0 && name; name = job_text_at(job, "spec", ++i)) {
		const char *own = job_text_at(job, "output", i);

		output = own ? own : output;
		if (i == VERB_GOALS_MAX)
			return error_set(err, ERROR_USAGE, "--spec", "at most %u at once",
					 VERB_GOALS_MAX);
		r = verb_add_goal(verb, name, output, err);
	}
	if (r == 0 && job_text_at(job, "output", verb->request.n_goals))
		return error_set(err, ERROR_USAGE, "--output", "there are more outputs than specs");
	return r;
}

/* Nothing may be written over what is read; what cannot be written is told before the work. */
static int verb_check_paths(const struct verb_master *verb, struct mixd_error *err)
{
	static const char *const read[] = {"reference", "speech", "session"};
	struct stat in, out;
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < verb->request.n_goals; i++)
		r = target_check(verb->goal[i].path, err);
	for (uint32_t i = 0; r == 0 && i < verb->request.n_goals; i++)
		for (size_t k = 0; r == 0 && k < sizeof(read) / sizeof(read[0]); k++)
			r = target_check_read(verb->job, verb->goal[i].path, read[k], err);
	if (r < 0)
		return r;
	if (stat(verb->request.input, &in) < 0)
		return 0; /* opening it says more */
	for (uint32_t i = 0; i < verb->request.n_goals; i++)
		if (stat(verb->goal[i].path, &out) == 0 && in.st_dev == out.st_dev &&
		    in.st_ino == out.st_ino) {
			error_set(err, ERROR_CONFLICT, verb->goal[i].path,
				  "is the input, and would be replaced by the output");
			error_hint(err, "write to another file");
			return -EEXIST;
		}
	return 0;
}

static int verb_read_chain(struct verb_master *verb, const char *name, struct mixd_error *err)
{
	size_t size;
	char *path = job_path(verb->job, name), *slash;
	int r = path ? document_load(path, name, &verb->chain, &size, err) : error_no_memory(err);

	if (r == 0) {
		slash = strrchr(path, '/');
		slash[slash == path] = '\0';
		verb->folder = path;
		path = NULL;
	}
	free(path);
	verb->request.chain_folder = verb->folder;
	return r;
}

static int verb_set_chain(struct verb_master *verb, struct mixd_error *err)
{
	const char *name = job_text(verb->job, "session", NULL);
	int r = 0;

	if (name && verb->reference.path) {
		error_set(err, ERROR_USAGE, "--reference", "makes a chain of its own");
		error_hint(err, "leave -s away, or put a matcheq with file: %s into it",
			   verb->reference.name);
		return -EINVAL;
	}
	if (name)
		r = verb_read_chain(verb, name, err);
	else if (verb->reference.path)
		r = master_reference_chain(&verb->reference, &verb->chain, err);
	verb->request.chain = verb->chain;
	verb->request.chain_name = name ? name : "--reference";
	return r;
}

static void verb_warn_of_formats(const struct verb_master *verb)
{
	const char *format[VERB_GOALS_MAX];
	struct media_tags tags = verb->tags; /* a look at it: nothing is owned */
	uint32_t n = verb->request.n_goals;

	/* where few formats have a place for it, an input's broadcast extension ends silently */
	tags.bext.is_set = tags.bext.is_set && job_flag(verb->job, "bext");

	for (uint32_t i = 0; i < n; i++) {
		const struct master_goal *goal = &verb->goal[i];

		format[i] = goal->target.format ? goal->target.format : media_format_of(goal->path);
		tags_lost_warn(verb->job, goal->path, format[i], &tags);
	}
	encode_options_warn(verb->job, format, n);
	if (job_text(verb->job, "strength", NULL) && !verb->reference.path)
		job_warn(verb->job, "", "--strength does nothing without --reference");
}

/* Those of the input, unless the options say something else. */
static int verb_set_tags(struct verb_master *verb, struct mixd_error *err)
{
	int r = tags_keep(verb->request.input, &verb->tags, err);

	verb->tags.replay_gain = true;
	verb->request.is_marked = true;
	return r == 0 ? encode_options_tags(verb->job, &verb->tags, err) : r;
}

static int verb_prepare(struct verb_master *verb, struct mixd_error *err)
{
	struct master_request *request = &verb->request;
	struct job *job = verb->job;
	int r = spec_set_new(&verb->specs, err);

	master_request_init(request);
	media_tags_init(&verb->tags);
	request->name = job_arg(job, 0);
	request->input = job_path(job, request->name);
	request->goal = verb->goal;
	request->max_limiting_db = job_number(job, "max-limiting", request->max_limiting_db);
	request->is_forced = job_flag(job, "force");
	request->n_threads = (uint32_t)job_number(job, "threads", 0);
	request->seed = (uint64_t)job_number(job, "seed", 1);
	if (r == 0 && !request->input)
		r = error_no_memory(err);
	if (r == 0)
		r = speech_option_read(job, job_text(job, "speech", NULL), &verb->speech, err);
	request->speech = verb->speech.range;
	request->n_speech = verb->speech.n_ranges;
	request->detect_speech = verb->speech.is_detected;
	if (r == 0)
		r = master_reference_open(job, request, &verb->reference, err);
	if (r == 0)
		r = verb_set_tags(verb, err);
	if (r == 0)
		r = verb_set_goals(verb, err);
	if (r == 0)
		r = verb_check_paths(verb, err);
	if (r == 0)
		verb_warn_of_formats(verb);
	return r == 0 ? verb_set_chain(verb, err) : r;
}

/* What was delivered, with all that its plots show: more than the verdict took. */
static int verb_report(struct verb_master *verb, struct mixd_error *err)
{
	struct report_item item[VERB_GOALS_MAX];
	struct report_verdict verdict[VERB_GOALS_MAX];
	struct measure_result result[VERB_GOALS_MAX];
	struct report report = {.items = item, .n_items = verb->request.n_goals};
	char *path = job_path(verb->job, job_text(verb->job, "report", ""));
	struct measure_options options;
	int r = path ? 0 : error_no_memory(err);

	measure_options_init(&options);
	options.what = MEASURE_ALL;
	options.speech = verb->request.speech;
	options.n_speech = verb->request.n_speech;
	options.detect_speech = verb->request.detect_speech;
	for (uint32_t i = 0; i < report.n_items; i++)
		measure_result_init(&result[i]);
	for (uint32_t i = 0; r == 0 && i < report.n_items; i++) {
		struct master_goal *goal = &verb->goal[i];

		job_stage(verb->job, "measure", strrchr(goal->path, '/') + 1);
		r = measure_file(goal->path, &options, job_task(verb->job), &result[i], NULL, err);
		verdict[i] = (struct report_verdict){goal->spec, goal->verdict, goal->is_met};
		item[i] = (struct report_item){.path = goal->path,
					       .info = &goal->info,
					       .result = &result[i],
					       .verdicts = &verdict[i],
					       .n_verdicts = 1};
	}
	if (r == 0)
		r = report_write(path, &report, err);
	for (uint32_t i = 0; i < report.n_items; i++)
		measure_result_done(&result[i]);
	free(path);
	return r;
}

static void verb_say(struct verb_master *verb)
{
	json_t *items = json_array(), *top = job_json(verb->job);

	json_object_set_new(top, "input", json_string(verb->request.name));
	json_object_set_new(top, "before", measure_json(&verb->request.before, false));
	if (verb->chain)
		json_object_set_new(top, "chained", measure_json(&verb->request.chained, false));
	for (uint32_t i = 0; i < verb->request.n_goals; i++) {
		master_print(verb->job, &verb->request, &verb->goal[i]);
		json_array_append_new(items, master_json(&verb->request, &verb->goal[i]));
		if (!verb->goal[i].is_met)
			job_negative(verb->job);
	}
	json_object_set_new(top, "items", items);
}

static void verb_done(struct verb_master *verb)
{
	for (uint32_t i = 0; i < verb->request.n_goals; i++) {
		master_goal_done(&verb->goal[i]);
		free((char *)(uintptr_t)verb->goal[i].path);
	}
	master_request_done(&verb->request);
	master_reference_done(&verb->reference);
	speech_option_done(&verb->speech);
	media_tags_done(&verb->tags);
	spec_set_free(verb->specs);
	free((char *)(uintptr_t)verb->request.input);
	free(verb->chain);
	free(verb->folder);
}

int verb_master(struct job *job, struct mixd_error *err)
{
	struct verb_master *verb = calloc(1, sizeof(*verb));
	int r;

	if (!verb)
		return error_no_memory(err);
	verb->job = job;
	r = verb_prepare(verb, err);
	if (r == 0)
		r = master_run(job, &verb->request, err);
	if (r == 0)
		verb_say(verb);
	if (r == 0 && job_text(job, "report", NULL))
		r = verb_report(verb, err);
	verb_done(verb);
	free(verb);
	return r;
}
