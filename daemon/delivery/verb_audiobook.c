/* verb_audiobook.c - mixctl audiobook: its words and options, the plan, and what is said about the outcome. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "audiobook.h"
#include "cleanup.h"
#include "cover.h"
#include "delivery_verbs.h"
#include "encode_options.h"
#include "report.h"
#include "series.h"

#define VERB_ENDINGS 4

struct verb_book {
	struct book book;
	struct spec_set *specs;
	struct media_tags tags; /* of all chapters */
	double spread_db; /* of the levels that were reached */
	struct spec_verdict *together; /* spec->n_clauses */
	bool is_met_together;
};

/* ---- what was asked ---------------------------------------------------------------------------- */

/* The first codec that the spec takes, as the ending of a file. */
static const char *verb_ending(const struct spec *spec)
{
	static const char *const words[VERB_ENDINGS][2] = {
		{"mp3", "mp3"}, {"flac", "flac"}, {"aac", "m4a"}, {"pcm", "wav"}};

	for (uint32_t i = 0; i < spec->n_clauses; i++)
		for (size_t k = 0; strcmp(spec->clause[i].id, "codec") == 0 && k < VERB_ENDINGS;
		     k++)
			if (spec->clause[i].words && strstr(spec->clause[i].words, words[k][0]))
				return words[k][1];
	return "mp3";
}

static int verb_set_spec(struct verb_book *verb, struct mixd_error *err)
{
	struct book *book = &verb->book;
	const char *name = job_text(book->job, "spec", "acx");
	int r = spec_set_new(&verb->specs, err);

	if (r == 0)
		r = spec_find(verb->specs, name, &book->spec, err);
	if (r < 0)
		return r;
	book->is_rms = !isnan(book->spec->target_rms_dbfs);
	book->level = book->is_rms ? book->spec->target_rms_dbfs : book->spec->target_lufs;
	if (isnan(book->level)) {
		error_set(err, ERROR_INVALID, "--spec", "%s has no level to aim at", name);
		error_hint(err, "acx and findaway are for books; mixctl spec ls lists all");
		return -EINVAL;
	}
	book->limit_dbfs = -60;
	for (uint32_t i = 0; i < book->spec->n_clauses; i++)
		if (strcmp(book->spec->clause[i].id, "noise-floor") == 0)
			book->limit_dbfs = book->spec->clause[i].max;
	book->ending = verb_ending(book->spec);
	return 0;
}

static int verb_set_tags(struct verb_book *verb, struct mixd_error *err)
{
	static const char *const named[][2] = {{"title", "ALBUM"},
					       {"author", "ARTIST"},
					       {"narrator", "PERFORMER"},
					       {"date", "DATE"}};
	struct job *job = verb->book.job;
	const char *cover = job_text(job, "cover", NULL);
	int r = media_tags_set(&verb->tags, "GENRE", "Audiobook");

	for (size_t i = 0; r == 0 && i < sizeof(named) / sizeof(named[0]); i++)
		if (job_text(job, named[i][0], NULL))
			r = media_tags_set(&verb->tags, named[i][1],
					   job_text(job, named[i][0], NULL));
	if (r == 0 && job_text(job, "author", NULL))
		r = media_tags_set(&verb->tags, "ALBUMARTIST", job_text(job, "author", NULL));
	if (r < 0)
		return error_no_memory(err);
	r = encode_options_tags(job, &verb->tags, err);
	if (r == 0 && cover) {
		_cleanup_free_ char *path = job_path(job, cover);

		r = path ? cover_read(path, cover, &verb->tags, err) : error_no_memory(err);
	}
	return r;
}

static int verb_prepare(struct verb_book *verb, struct mixd_error *err)
{
	struct book *book = &verb->book;
	struct job *job = book->job;
	const char *output = job_text(job, "output", NULL);
	int r;

	if (!output) {
		error_set(err, ERROR_USAGE, "--output", "is missing");
		error_hint(err, "usage: mixctl audiobook DIR -o OUTDIR");
		return -EINVAL;
	}
	book->folder = job_path(job, output);
	if (!book->folder)
		return error_no_memory(err);
	book->repairs = job_number(job, "repair", 0) == 0;
	book->is_forced = job_flag(job, "force");
	book->max_limiting_db = job_number(job, "max-limiting", 15);
	r = verb_set_spec(verb, err);
	if (r == 0)
		r = encode_options_read(job, &book->target, err);
	if (r == 0)
		r = verb_set_tags(verb, err);
	return r == 0 ? book_collect(book, err) : r;
}

/* Tags of chapter I: what all have, its place, and the title it had. */
static int verb_chapter_tags(struct verb_book *verb, uint32_t i, struct mixd_error *err)
{
	struct book_chapter *chapter = &verb->book.chapter[i];
	struct media_reader *reader = NULL;
	const char *title = NULL;
	char number[16];
	int r = media_open(chapter->path, &reader, err);

	if (r < 0)
		return r;
	title = media_tags_get(media_reader_tags(reader), "TITLE");
	if (title) {
		free(chapter->title);
		chapter->title = strdup(title);
	}
	media_close(reader);
	media_tags_done(&chapter->tags);
	r = media_tags_copy(&chapter->tags, &verb->tags);
	if (r == 0)
		r = media_tags_set(&chapter->tags, "TITLE", chapter->title);
	snprintf(number, sizeof(number), "%u", i + 1);
	if (r == 0)
		r = media_tags_set(&chapter->tags, "TRACKNUMBER", number);
	snprintf(number, sizeof(number), "%u", verb->book.n_chapters);
	if (r == 0)
		r = media_tags_set(&chapter->tags, "TRACKTOTAL", number);
	return r < 0 ? error_no_memory(err) : 0;
}

/* ---- the plan ---------------------------------------------------------------------------------- */

static int verb_width(const struct book *book)
{
	int width = 7;

	for (uint32_t i = 0; i < book->n_chapters; i++)
		if ((int)strlen(book->chapter[i].name) > width)
			width = (int)strlen(book->chapter[i].name);
	return width < 40 ? width : 40;
}

static void verb_say_plan(struct verb_book *verb)
{
	struct book *book = &verb->book;
	json_t *items = json_array();
	int width = verb_width(book);
	char words[160];

	job_print(book->job, "%-*s  %8s  %9s  %9s  %8s  repair\n", width, "chapter", "length",
		  "RMS dBFS", "noise", "gain dB");
	for (uint32_t i = 0; i < book->n_chapters; i++) {
		struct book_chapter *chapter = &book->chapter[i];
		json_t *item = json_object();

		voice_repair_words(&chapter->repair, words, sizeof(words));
		job_print(book->job, "%-*s  %5.0f:%02.0f  %9.1f  %9.1f  %+8.1f  %s\n", width,
			  chapter->name, floor(chapter->before.duration_s / 60),
			  floor(fmod(chapter->before.duration_s, 60)), chapter->before.rms,
			  chapter->tone.tone_dbfs, chapter->gain_db, words);
		if (book->repairs)
			job_print(book->job, "%-*s  %s\n", width, "", chapter->repair.why);
		json_object_set_new(item, "file", json_string(chapter->name));
		json_object_set_new(item, "output", json_string(chapter->output));
		json_object_set_new(item, "title", json_string(chapter->title));
		json_object_set_new(item, "duration_s", job_real(chapter->before.duration_s));
		json_object_set_new(item, "rms_dbfs", job_real(chapter->before.rms));
		json_object_set_new(item, "quietest_dbfs", job_real(chapter->tone.tone_dbfs));
		json_object_set_new(item, "gain_db", job_real(chapter->gain_db));
		json_object_set_new(item, "repair", json_string(words));
		json_object_set_new(item, "why", json_string(chapter->repair.why));
		json_array_append_new(items, item);
	}
	json_object_set_new(job_json(book->job), "planned", json_true());
	json_object_set_new(job_json(book->job), "items", items);
}

/* ---- the outcome ------------------------------------------------------------------------------- */

static void verb_judge(struct verb_book *verb)
{
	struct book *book = &verb->book;
	_cleanup_free_ const struct measure_result **results =
		calloc(book->n_chapters + 1, sizeof(*results));
	_cleanup_free_ const struct media_info **infos =
		calloc(book->n_chapters + 1, sizeof(*infos));
	double low = INFINITY, high = -INFINITY;

	for (uint32_t i = 0; results && infos && i < book->n_chapters; i++) {
		results[i] = &book->chapter[i].goal.result;
		infos[i] = &book->chapter[i].goal.info;
		low = fmin(low, book->is_rms ? results[i]->rms : results[i]->integrated);
		high = fmax(high, book->is_rms ? results[i]->rms : results[i]->integrated);
	}
	verb->spread_db = high - low;
	verb->together = calloc(book->spec->n_clauses + 1, sizeof(*verb->together));
	if (verb->together && results && infos)
		verb->is_met_together = spec_check_album(book->spec, results, infos,
							 book->n_chapters, verb->together);
}

static bool verb_is_quiet(const struct book *book, const struct book_chapter *chapter)
{
	return !(chapter->goal.quietest_dbfs > book->limit_dbfs);
}

static json_t *verb_item(struct book *book, struct book_chapter *chapter)
{
	json_t *item = master_json(&chapter->request, &chapter->goal);
	char words[160];

	voice_repair_words(&chapter->repair, words, sizeof(words));
	json_object_set_new(item, "source", json_string(chapter->name));
	json_object_set_new(item, "title", json_string(chapter->title));
	json_object_set_new(item, "rms_dbfs", job_real(chapter->goal.result.rms));
	json_object_set_new(item, "sample_peak_dbfs", job_real(chapter->goal.result.sample_peak));
	json_object_set_new(item, "noise_floor_dbfs", job_real(chapter->goal.result.noise_floor));
	json_object_set_new(item, "head_s", job_real(chapter->goal.result.head_s));
	json_object_set_new(item, "tail_s", job_real(chapter->goal.result.tail_s));
	json_object_set_new(item, "repair", json_string(words));
	json_object_set_new(item, "why", json_string(chapter->repair.why));
	json_object_set_new(item, "rounds", json_integer(chapter->n_rounds));
	json_object_set_new(item, "quiet", json_boolean(verb_is_quiet(book, chapter)));
	return item;
}

/* A spec that wants no room at the ends has none of it measured. */
static void verb_span_words(double seconds, char buf[16])
{
	if (isfinite(seconds))
		snprintf(buf, 16, "%.2f", seconds);
	else
		snprintf(buf, 16, "-");
}

static void verb_say_chapter(const struct book *book, const struct book_chapter *chapter, int width,
			     bool is_met)
{
	const struct measure_result *result = &chapter->goal.result;
	char words[160], head[16], tail[16];

	voice_repair_words(&chapter->repair, words, sizeof(words));
	verb_span_words(result->head_s, head);
	verb_span_words(result->tail_s, tail);
	job_print(book->job, "%-*s  %8.1f  %8.1f  %8.1f  %6s  %6s  %s%s\n", width, chapter->name,
		  result->rms, result->sample_peak, result->noise_floor, head, tail, words,
		  is_met ? "" : "   NOT MET");
	for (uint32_t k = 0; k < book->spec->n_clauses; k++) {
		if (chapter->goal.verdict[k].state != SPEC_FAIL)
			continue;
		job_print(book->job, "%-*s  %s\n", width, "", chapter->goal.verdict[k].text);
		if (strcmp(book->spec->clause[k].id, "noise-floor") == 0 &&
		    book_has_no_pause(chapter))
			job_print(book->job,
				  "%-*s  it has no pause of half a second (digital silence is "
				  "none), so this is speech: leave a second of the room at its "
				  "begin or end\n",
				  width, "");
	}
	if (!verb_is_quiet(book, chapter))
		job_print(book->job,
			  "%-*s  its own pauses are at %.1f dBFS: record it in a quieter room\n",
			  width, "", chapter->goal.quietest_dbfs);
}

static void verb_say(struct verb_book *verb)
{
	struct book *book = &verb->book;
	json_t *items = json_array(), *top = job_json(book->job);
	int width = verb_width(book);
	uint32_t n_met = 0;

	job_print(book->job, "%-*s  %8s  %8s  %8s  %6s  %6s  repair\n", width, "chapter",
		  "RMS dBFS", "peak", "floor", "head s", "tail s");
	for (uint32_t i = 0; i < book->n_chapters; i++) {
		struct book_chapter *chapter = &book->chapter[i];
		bool is_met = chapter->goal.is_met && verb_is_quiet(book, chapter);

		verb_say_chapter(book, chapter, width, is_met);
		n_met += is_met;
		json_array_append_new(items, verb_item(book, chapter));
	}
	for (uint32_t k = 0; verb->together && k < book->spec->n_clauses; k++)
		if (verb->together[k].state == SPEC_FAIL)
			job_print(book->job, "together: %s\n", verb->together[k].text);
	job_print(book->job, "%u of %u chapters meet %s; levels differ by %.2f dB\n", n_met,
		  book->n_chapters, book->spec->name, verb->spread_db);
	json_object_set_new(top, "spec", json_string(book->spec->name));
	json_object_set_new(top, "chapters", json_integer(book->n_chapters));
	json_object_set_new(top, "chapters_met", json_integer(n_met));
	json_object_set_new(top, "level_spread_db", job_real(verb->spread_db));
	json_object_set_new(top, "items", items);
	if (n_met < book->n_chapters || !verb->is_met_together)
		job_negative(book->job);
}

static int verb_report(struct verb_book *verb, struct mixd_error *err)
{
	struct book *book = &verb->book;
	struct report_item *item = calloc(book->n_chapters + 1, sizeof(*item));
	struct report_verdict *verdict = calloc(book->n_chapters + 1, sizeof(*verdict));
	struct report report = {.title = job_text(book->job, "title", NULL),
				.items = item,
				.n_items = book->n_chapters};
	char *path = NULL;
	int r = 0;

	if (job_text(book->job, "report", NULL))
		path = job_path(book->job, job_text(book->job, "report", NULL));
	else if (asprintf(&path, "%s/report.html", book->folder) < 0)
		path = NULL;
	if (!item || !verdict || !path)
		r = error_no_memory(err);
	for (uint32_t i = 0; r == 0 && i < book->n_chapters; i++) {
		struct book_chapter *chapter = &book->chapter[i];

		verdict[i] = (struct report_verdict){book->spec, chapter->goal.verdict,
						     chapter->goal.is_met};
		item[i] = (struct report_item){.path = chapter->output,
					       .info = &chapter->goal.info,
					       .result = &chapter->goal.result,
					       .verdicts = &verdict[i],
					       .n_verdicts = 1};
	}
	if (r == 0)
		r = report_write(path, &report, err);
	if (r == 0)
		json_object_set_new(job_json(book->job), "report", json_string(path));
	free(item);
	free(verdict);
	free(path);
	return r;
}

static int verb_remember(struct verb_book *verb, struct mixd_error *err)
{
	struct book *book = &verb->book;
	const char *series = job_text(book->job, "series", NULL);
	int r = 0;

	for (uint32_t i = 0; r == 0 && series && i < book->n_chapters; i++)
		r = series_delivered(book->job, series, book->chapter[i].output,
				     book->chapter[i].title, &book->chapter[i].goal.result, err);
	return r;
}

static int verb_run(struct verb_book *verb, struct mixd_error *err)
{
	static const uint32_t channels[] = {0, 1, 2};
	struct book *book = &verb->book;
	int r = verb_prepare(verb, err);

	if (r == 0 && job_text(book->job, "series", NULL))
		r = series_check_name(job_text(book->job, "series", NULL), err);
	if (r == 0)
		r = book_look(book, err);
	if (r == 0)
		r = book_measure(book, err);
	if (r == 0)
		r = book_plan(book, channels[(int)job_number(book->job, "channels", 0)], err);
	for (uint32_t i = 0; r == 0 && i < book->n_chapters; i++)
		r = verb_chapter_tags(verb, i, err);
	if (r < 0)
		return r;
	if (job_flag(book->job, "dry-run")) {
		verb_say_plan(verb);
		return 0;
	}
	if (mkdir(book->folder, 0777) < 0 && errno != EEXIST)
		return error_set(err, ERROR_RESOURCE, job_text(book->job, "output", ""),
				 "cannot make this folder: %s", strerror(errno));
	r = book_master(book, err);
	if (r == 0) {
		verb_judge(verb);
		verb_say(verb);
		r = verb_report(verb, err);
	}
	return r == 0 ? verb_remember(verb, err) : r;
}

int verb_audiobook(struct job *job, struct mixd_error *err)
{
	struct verb_book *verb = calloc(1, sizeof(*verb));
	int r;

	if (!verb)
		return error_no_memory(err);
	verb->book.job = job;
	media_tags_init(&verb->tags);
	r = verb_run(verb, err);
	book_done(&verb->book);
	media_tags_done(&verb->tags);
	spec_set_free(verb->specs);
	free(verb->together);
	free(verb);
	return r;
}
