/* verb_render.c - `mixctl render`: its words and options, and what is said about the outcome. */
#include "delivery_verbs.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "document.h"
#include "encode_options.h"
#include "graph_model.h"
#include "measure.h"
#include "render.h"
#include "stems.h"
#include "tags_lost.h"
#include "target_check.h"

struct verb_file { /* one -i or -o */
	char *node, *path; /* owned; node may be NULL */
	const char *shown; /* as it was written; borrowed */
};

struct verb_render {
	struct job *job;
	struct render_request request;
	struct media_target target;
	struct media_tags tags;
	struct verb_file *in, *out;
	uint32_t n_in, n_out;
	struct stems stems;
	char **set, **meter;
	double *meter_value;
	char *session, *session_path, *folder, *stems_folder;
	bool made_stems_folder;
};

/* ---- what was asked ---------------------------------------------------------------------------- */

/* "vox=take1.wav": a node and a file, when what is left of = can be a node's address. */
static int verb_add_file(struct verb_render *verb, struct verb_file **files, uint32_t *n,
			 const char *text, struct mixd_error *err)
{
	struct verb_file *more = realloc(*files, (*n + 1u) * sizeof(*more));
	const char *equals = strchr(text, '=');
	size_t size = equals ? (size_t)(equals - text) : 0;

	if (!more)
		return error_no_memory(err);
	*files = more;
	more += *n;
	*more = (struct verb_file){.shown = text};
	if (size && size < GRAPH_ADDRESS_MAX && !strchr("/.", text[0]) &&
	    strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./-:") ==
		    size) {
		more->node = strndup(text, size);
		more->shown = equals + 1;
		if (!more->node)
			return error_no_memory(err);
	}
	++*n;
	if (!more->shown[0])
		return error_set(err, ERROR_USAGE, files == &verb->in ? "--input" : "--output",
				 "\"%.100s\" names no file", text);
	more->path = job_path(verb->job, more->shown);
	return more->path ? 0 : error_no_memory(err);
}

/* An output may be what is read, by its name or by another: a link, another way to it. */
static int verb_check_read(const struct verb_file *out, const char *path, const char *what,
			   struct mixd_error *err)
{
	if (!target_is(out->path, path))
		return 0;
	error_set(err, ERROR_CONFLICT, out->shown, "is %s, and would be replaced by the output",
		  what);
	error_hint(err, "write to another file");
	return -EEXIST;
}

static int verb_read_files(struct verb_render *verb, struct mixd_error *err)
{
	_cleanup_free_ char *session = job_path(verb->job, job_arg(verb->job, 0));
	const char *text;
	int r = session ? 0 : error_no_memory(err);

	for (uint32_t i = 0; r == 0 && (text = job_text_at(verb->job, "input", i)); i++)
		r = verb_add_file(verb, &verb->in, &verb->n_in, text, err);
	for (uint32_t i = 0; r == 0 && (text = job_text_at(verb->job, "output", i)); i++)
		r = verb_add_file(verb, &verb->out, &verb->n_out, text, err);
	for (uint32_t i = 0; r == 0 && i < verb->n_out; i++)
		r = target_check(verb->out[i].path, err);
	for (uint32_t i = 0; r == 0 && i < verb->n_out; i++)
		r = verb_check_read(&verb->out[i], session, "the session", err);
	for (uint32_t i = 0; r == 0 && i < verb->n_out; i++)
		for (uint32_t k = 0; r == 0 && k < verb->n_in; k++)
			r = verb_check_read(&verb->out[i], verb->in[k].path, "an input", err);
	return r;
}

/* With those of stems. */
static int verb_check_outputs(const struct verb_render *verb, struct mixd_error *err)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < verb->n_out; i++)
		for (uint32_t k = 0; r == 0 && k < i; k++)
			if (target_is(verb->out[i].path, verb->out[k].path)) {
				r = error_set(err, ERROR_CONFLICT, verb->out[k].shown,
					      "two outputs would be written to it");
				error_hint(err, "%s",
					   i < verb->n_out - verb->stems.n
						   ? "name another file"
						   : "one is a stem: name another file or folder");
			}
	return r;
}

static int verb_read_stems(struct verb_render *verb, struct mixd_error *err)
{
	const char *folder = job_text(verb->job, "stems", NULL);
	const char *ending = media_format_ending(verb->target.format ? verb->target.format : "wav");
	int r;

	if (!folder)
		return 0;
	verb->stems_folder = job_path(verb->job, folder);
	if (!verb->stems_folder)
		return error_no_memory(err);
	r = stems_find(verb->request.types, verb->session, verb->request.session_name, &verb->stems,
		       err);
	if (r < 0)
		return r;
	if (verb->stems.n == 0) {
		r = error_set(err, ERROR_INVALID, "--stems",
			      "nothing is summed in %s, so it has no stems",
			      verb->request.session_name);
		error_hint(err, "name a node: -o NODE=FILE");
		return r;
	}
	verb->made_stems_folder = mkdir(verb->stems_folder, 0777) == 0;
	if (!verb->made_stems_folder && errno != EEXIST)
		return error_set(err, ERROR_RESOURCE, folder, "cannot make this folder: %s",
				 strerror(errno));
	for (uint32_t i = 0; r == 0 && i < verb->stems.n; i++) {
		const struct stem *stem = &verb->stems.stem[i];
		char *words = NULL;

		if (asprintf(&words, "%s=%s/%s.%s", stem->address, folder, stem->name, ending) < 0)
			return error_no_memory(err);
		r = verb_add_file(verb, &verb->out, &verb->n_out, words, err);
		free(words);
		if (r == 0)
			verb->out[verb->n_out - 1].shown = stem->name;
	}
	return r;
}

static uint32_t verb_list(struct verb_render *verb, const char *option, char ***ret)
{
	uint32_t n = 0;

	while (job_text_at(verb->job, option, n))
		n++;
	*ret = calloc(n + 1u, sizeof(char *));
	for (uint32_t i = 0; *ret && i < n; i++)
		(*ret)[i] = (char *)(uintptr_t)job_text_at(verb->job, option, i);
	return *ret ? n : 0;
}

static int verb_read_session(struct verb_render *verb, struct mixd_error *err)
{
	const char *shown = job_arg(verb->job, 0);
	char *slash;
	size_t size;
	int r;

	verb->session_path = job_path(verb->job, shown);
	verb->folder = verb->session_path ? strdup(verb->session_path) : NULL;
	if (!verb->folder)
		return error_no_memory(err);
	slash = strrchr(verb->folder, '/');
	if (slash)
		*slash = '\0';
	r = document_load(verb->session_path, shown, &verb->session, &size, err);
	if (r < 0)
		return r;
	if (strlen(verb->session) != size)
		return error_set(err, ERROR_INVALID, shown, "is no text");
	slash = strrchr(shown, '/');
	verb->request.session = verb->session;
	verb->request.session_name = slash ? slash + 1 : shown;
	verb->request.folder = verb->folder;
	return 0;
}

/* A time is seconds; what is none is a place that the session knows, or frames of a rate that is not known
 * yet: *ret_text. */
static void verb_read_time(const struct verb_render *verb, const char *option, double *ret_s,
			   const char **ret_text)
{
	static const struct mixd_job_option span = {.name = "", .kind = MIXD_JOB_SPAN};
	const char *text = job_text(verb->job, option, NULL);
	char why[96];

	if (text && (mixd_job_value(&span, text, ret_s, why, sizeof(why)) || *ret_s == 0))
		*ret_text = text;
}

static int verb_read_tail(struct verb_render *verb, struct mixd_error *err)
{
	const char *text = job_text(verb->job, "tail", NULL);
	int r;

	verb->request.tail_s = job_number(verb->job, "tail", -1);
	if (!text || verb->request.tail_s >= 0)
		return 0;
	r = error_set(err, ERROR_INVALID, "--tail", "%.40s is no length", text);
	error_hint(err, "write 0s or more; without --tail it lasts until all is quiet");
	return r;
}

/* Of what formats cannot take: once for each format, as 16 stems lose the same. */
static void verb_warn_of_formats(const struct verb_render *verb)
{
	struct media_tags tags = verb->tags; /* a look at it: nothing is owned */
	const char *told[16] = {NULL}, *format;
	uint32_t n = 0, k;

	tags.n_marks += verb->request.markers;
	for (uint32_t i = 0; i < verb->n_out; i++) {
		format = verb->target.format ? verb->target.format
					     : media_format_of(verb->out[i].path);
		for (k = 0; format && k < n && strcmp(told[k], format) != 0;)
			k++;
		if (!format || k < n || n == sizeof(told) / sizeof(told[0]))
			continue;
		told[n++] = format;
		tags_lost_warn(verb->job, verb->out[i].path, format, &tags);
	}
	encode_options_warn(verb->job, told, n);
}

static int verb_read(struct verb_render *verb, struct mixd_error *err)
{
	struct job *job = verb->job;
	struct render_request *request = &verb->request;
	int r = encode_options_read(job, &verb->target, err);

	if (r == 0)
		r = encode_options_tags(job, &verb->tags, err);
	if (r == 0)
		r = verb_read_files(verb, err);
	if (r == 0)
		r = verb_read_session(verb, err);
	if (r == 0)
		r = job_types(job, &request->types, err);
	verb_read_time(verb, "start", &request->start_s, &request->start);
	verb_read_time(verb, "end", &request->end_s, &request->end);
	if (r == 0)
		r = verb_read_tail(verb, err);
	if (r == 0)
		r = verb_read_stems(verb, err);
	if (r == 0)
		r = verb_check_outputs(verb, err);
	if (r < 0)
		return r;
	if (verb->n_out == 0) {
		r = error_set(err, ERROR_USAGE, "--output", "there is nothing to write");
		error_hint(err, "write -o FILE, or --stems DIR");
		return r;
	}
	request->rate = job_number(job, "graph-rate", 0);
	request->else_rate = verb->target.rate;
	request->n_threads = (uint32_t)job_number(job, "threads", 0);
	request->seed = (uint64_t)job_number(job, "seed", 1);
	request->markers = job_flag(job, "markers");
	request->n_set = verb_list(verb, "set", &verb->set);
	request->n_meters = verb_list(verb, "meter", &verb->meter);
	verb->meter_value = calloc(request->n_meters + 1u, sizeof(double));
	request->input = calloc(verb->n_in + 1u, sizeof(*request->input));
	request->output = calloc(verb->n_out + 1u, sizeof(*request->output));
	if (!verb->set || !verb->meter || !verb->meter_value || !request->input || !request->output)
		return error_no_memory(err);
	request->set = (const char *const *)verb->set;
	request->meter = (const char *const *)verb->meter;
	request->ret_meter = verb->meter_value;
	request->n_inputs = verb->n_in;
	request->n_outputs = verb->n_out;
	verb->target.tags = &verb->tags;
	for (uint32_t i = 0; i < verb->n_in; i++)
		request->input[i] =
			(struct render_input){.node = verb->in[i].node, .path = verb->in[i].path};
	for (uint32_t i = 0; i < verb->n_out; i++)
		request->output[i] = (struct render_output){.node = verb->out[i].node,
							    .path = verb->out[i].path,
							    .target = verb->target};
	verb_warn_of_formats(verb);
	return 0;
}

static void verb_done(struct verb_render *verb)
{
	for (uint32_t i = 0; i < verb->n_in; i++) {
		free(verb->in[i].node);
		free(verb->in[i].path);
	}
	for (uint32_t i = 0; i < verb->n_out; i++) {
		free(verb->out[i].node);
		free(verb->out[i].path);
	}
	free(verb->in);
	free(verb->out);
	stems_done(&verb->stems);
	media_tags_done(&verb->tags);
	free(verb->set);
	free(verb->meter);
	free(verb->meter_value);
	free(verb->session);
	free(verb->session_path);
	free(verb->folder);
	if (verb->made_stems_folder)
		rmdir(verb->stems_folder); /* only when nothing came into it */
	free(verb->stems_folder);
	free(verb->request.input);
	free(verb->request.output);
}

/* ---- what became of it ------------------------------------------------------------------------- */

static void verb_time_words(double seconds, char buf[24])
{
	unsigned ms = (unsigned)llround(fmod(seconds, 60) * 1000);

	snprintf(buf, 24, "%u:%02u.%03u", (unsigned)(seconds / 60), ms / 1000, ms % 1000);
}

static void verb_db_words(double db, const char *unit, char buf[32])
{
	if (isnan(db))
		buf[0] = '\0';
	else if (isinf(db))
		snprintf(buf, 32, "-inf %s", unit);
	else
		snprintf(buf, 32, "%.1f %s", db, unit);
}

struct verb_figures {
	struct media_info info;
	double integrated, true_peak;
};

static int verb_look(struct verb_render *verb, const struct verb_file *file,
		     struct verb_figures *ret, struct mixd_error *err)
{
	struct measure_options options;
	struct measure_result result;
	int r;

	if (!job_flag(verb->job, "measure"))
		return 0;
	job_stage(verb->job, "measure", file->shown);
	measure_options_init(&options);
	options.what = MEASURE_LOUDNESS | MEASURE_TRUE_PEAK;
	r = measure_file(file->path, &options, job_task(verb->job), &result, &ret->info, err);
	if (r < 0)
		return r;
	ret->integrated = result.integrated;
	ret->true_peak = result.true_peak;
	measure_result_done(&result);
	return 0;
}

static json_t *verb_item(const struct verb_render *verb, uint32_t idx, double seconds,
			 const struct verb_figures *figures)
{
	const struct render_output *output = &verb->request.output[idx];
	const struct verb_file *file = &verb->out[idx];
	double peak = output->peak > 0 ? 20.0 * log10(output->peak) : -INFINITY;
	json_t *item = json_pack("{s:s,s:s,s:s,s:i,s:f,s:o,s:o,s:I}", "name", file->path, "node",
				 file->node ? file->node : "", "layout", output->target.layout.name,
				 "channels", (int)output->target.layout.n_channels, "rate_hz",
				 output->target.rate, "duration_s", job_real(seconds), "peak_dbfs",
				 job_real(peak), "clipped_samples", (json_int_t)output->clips);

	if (item && job_flag(verb->job, "measure")) {
		json_object_set_new(item, "integrated_lufs", job_real(figures->integrated));
		json_object_set_new(item, "true_peak_dbtp", job_real(figures->true_peak));
	}
	return item;
}

static int verb_say_output(struct verb_render *verb, uint32_t idx, double seconds, int width,
			   json_t *items, struct mixd_error *err)
{
	const struct render_output *output = &verb->request.output[idx];
	const struct verb_file *file = &verb->out[idx];
	struct verb_figures figures = {.integrated = NAN, .true_peak = NAN};
	char peak[32], loud[32], top[32], rate[32], length[24];
	int r = verb_look(verb, file, &figures, err);
	json_t *item = r == 0 ? verb_item(verb, idx, seconds, &figures) : NULL;

	if (r == 0 && (!item || json_array_append_new(items, item) < 0))
		r = error_no_memory(err);
	if (r < 0)
		return r;
	verb_time_words(seconds, length);
	verb_db_words(output->peak > 0 ? 20.0 * log10(output->peak) : -INFINITY, "dBFS", peak);
	verb_db_words(figures.integrated, "LUFS", loud);
	verb_db_words(figures.true_peak, "dBTP", top);
	snprintf(rate, sizeof(rate), "%g kHz", output->target.rate / 1000);
	job_print(verb->job, "%-*s  %-8s %-9s %10s  peak %-11s %-11s %s\n", width, file->shown,
		  output->target.layout.name, rate, length, peak, loud, top);
	if (output->clips)
		job_warn(verb->job, file->shown,
			 "%llu samples were over full scale, and clipped; the highest by %.1f dB: "
			 "turn it down, or write --float",
			 (unsigned long long)output->clips, 20.0 * log10(output->peak));
	return 0;
}

static int verb_say(struct verb_render *verb, const struct render_report *report,
		    struct mixd_error *err)
{
	double speed = report->wall_s > 0 ? report->audio_s / report->wall_s : 0;
	json_t *json = job_json(verb->job), *items = json_array();
	json_t *meters = verb->request.n_meters ? json_object() : NULL;
	int width = 4;

	if (!items || json_object_set_new(json, "items", items) < 0)
		return error_no_memory(err);
	json_object_set_new(json, "session", json_string(verb->session_path));
	json_object_set_new(json, "frames", json_integer((json_int_t)report->frames));
	json_object_set_new(json, "graph_rate_hz", json_real(report->rate));
	json_object_set_new(json, "duration_s", job_real(report->audio_s));
	json_object_set_new(json, "wall_s", job_real(report->wall_s));
	json_object_set_new(json, "speed", job_real(speed));
	for (uint32_t i = 0; i < verb->n_out; i++)
		if ((int)strlen(verb->out[i].shown) > width)
			width = (int)strlen(verb->out[i].shown);
	for (uint32_t i = 0; i < verb->n_out; i++) {
		int r = verb_say_output(verb, i, report->audio_s, width < 48 ? width : 48, items,
					err);

		if (r < 0)
			return r;
	}
	for (uint32_t i = 0; meters && i < verb->request.n_meters; i++) {
		json_object_set_new(meters, verb->meter[i], job_real(verb->meter_value[i]));
		job_print(verb->job, "%-*s  %.2f\n", width < 48 ? width : 48, verb->meter[i],
			  verb->meter_value[i]);
	}
	if (meters)
		json_object_set_new(json, "meters", meters);
	if (report->idle[0])
		job_warn(verb->job, verb->request.session_name,
			 "off, so what is set there is not heard: %s; on: on turns a band on",
			 report->idle);
	job_print(verb->job, "%.1f s in %.2f s, %.0f times real time\n", report->audio_s,
		  report->wall_s, speed);
	return 0;
}

int verb_render(struct job *job, struct mixd_error *err)
{
	struct verb_render verb = {.job = job};
	struct render_report report = {0};
	int r;

	media_tags_init(&verb.tags);
	r = verb_read(&verb, err);
	if (r == 0) {
		job_stage(job, "render", verb.request.session_name);
		r = render_run(&verb.request, job_task(job), &report, err);
	}
	if (r == 0)
		r = verb_say(&verb, &report, err);
	verb_done(&verb);
	return r;
}
