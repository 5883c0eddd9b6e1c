/* verb_podcast.c - mixctl podcast: an episode's document to what is delivered. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cleanup.h"
#include "cover.h"
#include "delivery_verbs.h"
#include "master.h"
#include "media_write.h"
#include "podcast.h"
#include "series.h"
#include "tags_lost.h"
#include "target_check.h"

DEFINE_CLEANUP(media_file_free, struct media_file *)

#define VERB_OUTPUTS_MAX 16u
#define VERB_RATE 48000.0
#define VERB_MONO_KBPS 96.0
#define VERB_STEREO_KBPS 160.0
#define VERB_AAC_STEREO_KBPS 192.0 /* of which pauses take less */

struct verb_podcast {
	struct job *job;
	struct podcast podcast;
	struct spec_set *specs;
	const struct spec *spec;
	struct media_tags tags;
	struct master_request request;
	struct master_goal goal[VERB_OUTPUTS_MAX];
	char *session;
};

/* ---- what was asked ----------------------------------------------------------------------------- */

static int verb_find_spec(struct verb_podcast *verb, struct mixd_error *err)
{
	const char *name = verb->podcast.spec ? verb->podcast.spec : "apple-podcasts";
	int r = spec_set_new(&verb->specs, err);

	return r < 0 ? r
		     : spec_find(verb->specs, job_text(verb->job, "spec", name), &verb->spec, err);
}

static int verb_read(struct verb_podcast *verb, struct mixd_error *err)
{
	const char *name = job_arg(verb->job, 0), *series = job_text(verb->job, "series", NULL);
	_cleanup_free_ char *path = job_path(verb->job, name);
	int r = series ? series_check_name(series, err) : 0;

	if (r < 0)
		return r;
	if (!path)
		return error_no_memory(err);
	if (!job_text(verb->job, "output", NULL) && !job_text(verb->job, "session", NULL)) {
		error_set(err, ERROR_USAGE, "--output", "is missing");
		error_hint(err, "usage: mixctl podcast EPISODE.yaml -o OUT.mp3");
		return -EINVAL;
	}
	r = podcast_read(path, name, &verb->podcast, err);
	if (r == 0)
		r = verb_find_spec(verb, err);
	return r == 0 ? podcast_plan(verb->job, &verb->podcast, err) : r;
}

static int verb_set_tags(struct verb_podcast *verb, double rate, struct mixd_error *err)
{
	const struct podcast *podcast = &verb->podcast;
	const char *const tags[][2] = {{"TITLE", podcast->title},
				       {"ALBUM", podcast->show},
				       {"ARTIST", podcast->artist},
				       {"ALBUMARTIST", podcast->artist},
				       {"DATE", podcast->date},
				       {"TRACKNUMBER", podcast->episode},
				       {"DISCNUMBER", podcast->season},
				       {"COMMENT", podcast->description},
				       {"GENRE", "Podcast"}};
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(tags) / sizeof(tags[0]); i++)
		if (tags[i][1])
			r = media_tags_set(&verb->tags, tags[i][0], tags[i][1]);
	for (uint32_t i = 0; r == 0 && i < podcast->n_chapters; i++) {
		double end_s = i + 1 < podcast->n_chapters ? podcast->chapter[i + 1].start_s
							   : podcast->end_s;
		double start_s = podcast->chapter[i].start_s;

		r = media_tags_mark(&verb->tags, llround(start_s * rate),
				    llround((end_s - start_s) * rate), podcast->chapter[i].title);
	}
	if (r < 0)
		return error_no_memory(err);
	if (podcast->cover) {
		char place[160];
		struct mixd_error why;

		r = cover_read(podcast->cover, podcast->cover, &verb->tags, err);
		if (r < 0) {
			why = *err;
			document_place(podcast->document,
				       session_doc_get(podcast->document->root, "cover"), place,
				       sizeof(place));
			error_set(err, why.code, place, "%.150s: %.100s", podcast->cover, why.text);
			error_hint(err, "%s", why.hint);
		}
	}
	return r;
}

/* Left to themselves, codecs take more for speech than shops allow. 0: the codec's own. */
static double verb_bitrate(const struct verb_podcast *verb, const char *path)
{
	const struct podcast *podcast = &verb->podcast;
	const struct spec_clause *asked = spec_must(verb->spec, "bitrate");
	const char *dot = strrchr(path, '.');
	bool is_aac = dot && strcmp(dot, ".m4a") == 0;
	double usual = is_aac ? VERB_AAC_STEREO_KBPS : VERB_STEREO_KBPS;

	if (podcast->bitrate_kbps > 0)
		return podcast->bitrate_kbps;
	if (!is_aac && (!dot || strcmp(dot, ".mp3") != 0))
		return 0;
	usual = podcast->is_stereo ? usual : VERB_MONO_KBPS;
	return asked && isfinite(asked->min) ? fmax(usual, asked->min) : usual;
}

/* As the document says, or else one that the spec allows. */
static double verb_rate(const struct verb_podcast *verb)
{
	const struct spec_clause *asked = spec_must(verb->spec, "rate");

	if (verb->podcast.rate > 0)
		return verb->podcast.rate;
	return asked && !spec_allows(asked, VERB_RATE) && spec_allows(asked, 44100) ? 44100
										    : VERB_RATE;
}

static int verb_set_goals(struct verb_podcast *verb, double rate, struct mixd_error *err)
{
	const char *output;
	int r = 0;

	for (uint32_t i = 0; r == 0 && (output = job_text_at(verb->job, "output", i)); i++) {
		struct master_goal *goal = &verb->goal[i];

		if (i == VERB_OUTPUTS_MAX)
			return error_set(err, ERROR_USAGE, "--output", "at most %u at once",
					 VERB_OUTPUTS_MAX);
		master_goal_init(goal);
		goal->spec = verb->spec;
		goal->path = job_path(verb->job, output);
		verb->request.n_goals++;
		if (!goal->path)
			return error_no_memory(err);
		for (uint32_t k = 0; k < i; k++)
			if (target_is(verb->goal[k].path, goal->path))
				return error_set(err, ERROR_USAGE, output, "is named twice");
		tags_lost_warn(verb->job, goal->path, NULL, &verb->tags);
		goal->target.rate = rate;
		goal->target.tags = &verb->tags;
		goal->target.seed = (uint64_t)job_number(verb->job, "seed", 1);
		goal->target.bitrate_kbps = verb_bitrate(verb, output);
	}
	return r;
}

static bool is_same(const char *path, const struct podcast_sound *sound)
{
	struct stat in, out;

	return sound->file && stat(path, &out) == 0 && stat(sound->file, &in) == 0 &&
	       in.st_dev == out.st_dev && in.st_ino == out.st_ino;
}

/* Nothing may be written over what is read. */
static int verb_check_output(const struct podcast *podcast, const char *path,
			     struct mixd_error *err)
{
	bool is_read = is_same(path, &podcast->intro) || is_same(path, &podcast->outro) ||
		       is_same(path, &podcast->bed);

	for (uint32_t i = 0; i < podcast->n_voices; i++)
		is_read = is_read || is_same(path, &podcast->voice[i]);
	for (uint32_t i = 0; i < podcast->n_inserts; i++)
		is_read = is_read || is_same(path, &podcast->insert[i]);
	if (!is_read)
		return target_check(path, err);
	error_set(err, ERROR_CONFLICT, path,
		  "is one of the episode's recordings, and would be replaced");
	error_hint(err, "write to another file");
	return -EEXIST;
}

static int verb_check_outputs(const struct verb_podcast *verb, struct mixd_error *err)
{
	const char *session = job_text(verb->job, "session", NULL);
	int r = target_check_option(verb->job, "session", err);

	for (uint32_t i = 0; r == 0 && i < verb->request.n_goals; i++)
		r = verb_check_output(&verb->podcast, verb->goal[i].path, err);
	if (r == 0 && session) {
		_cleanup_free_ char *path = job_path(verb->job, session);

		r = path ? verb_check_output(&verb->podcast, path, err) : error_no_memory(err);
	}
	return r;
}

static int verb_write_session(struct verb_podcast *verb, const char *name, struct mixd_error *err)
{
	_cleanup_(media_file_freep) struct media_file *file = NULL;
	_cleanup_free_ char *path = job_path(verb->job, name);
	int r = path ? media_file_create(path, &file, err) : error_no_memory(err);

	if (r == 0)
		r = media_file_write(file, verb->session, strlen(verb->session), err);
	return r == 0 ? media_file_commit(file, err) : r;
}

/* ---- the outcome --------------------------------------------------------------------------------- */

static void verb_say_plan(struct verb_podcast *verb)
{
	const struct podcast *podcast = &verb->podcast;
	json_t *voices = json_array(), *chapters = json_array(), *top = job_json(verb->job);
	char words[160];

	for (uint32_t i = 0; i < podcast->n_voices; i++) {
		const struct podcast_sound *voice = &podcast->voice[i];
		const char *name = voice->name ? voice->name : strrchr(voice->file, '/') + 1;
		json_t *one = json_object();

		voice_repair_words(&voice->repair, words, sizeof(words));
		job_print(verb->job, "voice  %-20.20s  %6.1f LUFS  %+6.1f dB  repair: %s\n", name,
			  voice->integrated, voice->level_db + voice->gain_db, words);
		json_object_set_new(one, "name", json_string(name));
		json_object_set_new(one, "integrated_lufs", job_real(voice->integrated));
		json_object_set_new(one, "gain_db", job_real(voice->level_db + voice->gain_db));
		json_object_set_new(one, "repair", json_string(words));
		json_object_set_new(one, "why", json_string(voice->repair.why));
		json_array_append_new(voices, one);
	}
	for (uint32_t i = 0; i < podcast->n_chapters; i++) {
		const struct podcast_chapter *chapter = &podcast->chapter[i];
		json_t *one = json_object();

		job_print(verb->job, "%6.0f:%04.1f  %s\n", floor(chapter->start_s / 60),
			  fmod(chapter->start_s, 60), chapter->title);
		json_object_set_new(one, "at_s", job_real(chapter->start_s));
		json_object_set_new(one, "title", json_string(chapter->title));
		json_array_append_new(chapters, one);
	}
	json_object_set_new(top, "talk_at_s", job_real(podcast->talk_s));
	json_object_set_new(top, "duration_s", job_real(podcast->end_s));
	json_object_set_new(top, "voices", voices);
	json_object_set_new(top, "chapters", chapters);
}

static int verb_deliver(struct verb_podcast *verb, struct mixd_error *err)
{
	const char *series = job_text(verb->job, "series", NULL);
	struct master_request *request = &verb->request;
	json_t *items = json_array();
	int r = master_run(verb->job, request, err);

	for (uint32_t i = 0; r == 0 && i < request->n_goals; i++) {
		struct master_goal *goal = &verb->goal[i];

		job_print(verb->job, "%s  %s: %s  %.1f LUFS  %.1f dBTP  LRA %.1f LU  (%s)\n",
			  strrchr(goal->path, '/') + 1, goal->spec->name,
			  goal->is_met ? "met" : "NOT MET", goal->result.integrated,
			  goal->result.true_peak, goal->result.range, goal->info.codec);
		for (uint32_t k = 0; k < goal->spec->n_clauses; k++)
			if (goal->verdict[k].state == SPEC_FAIL ||
			    goal->verdict[k].state == SPEC_WARN)
				job_print(verb->job, "  %s\n", goal->verdict[k].text);
		json_array_append_new(items, master_json(request, goal));
		if (!goal->is_met)
			job_negative(verb->job);
	}
	json_object_set_new(job_json(verb->job), "items", items);
	/* All outputs are one episode: the first speaks for them. */
	if (r == 0 && series)
		r = series_delivered(verb->job, series, verb->goal[0].path, verb->podcast.title,
				     &verb->goal[0].result, err);
	return r;
}

static int verb_run(struct verb_podcast *verb, struct mixd_error *err)
{
	const char *session = job_text(verb->job, "session", NULL);
	double rate;
	int r = verb_read(verb, err);

	if (r < 0)
		return r;
	rate = verb_rate(verb);
	r = verb_set_tags(verb, rate, err);
	if (r == 0)
		r = verb_set_goals(verb, rate, err);
	if (r == 0)
		r = verb_check_outputs(verb, err);
	if (r == 0)
		r = podcast_session(&verb->podcast, &verb->session, err);
	if (r == 0 && session)
		r = verb_write_session(verb, session, err);
	if (r < 0)
		return r;
	verb_say_plan(verb);
	verb->request.name = verb->podcast.title;
	verb->request.chain = verb->session;
	verb->request.chain_name = "the episode's session";
	verb->request.chain_plays = true;
	verb->request.goal = verb->goal;
	verb->request.max_limiting_db =
		job_number(verb->job, "max-limiting", verb->request.max_limiting_db);
	verb->request.is_forced = job_flag(verb->job, "force");
	verb->request.seed = (uint64_t)job_number(verb->job, "seed", 1);
	verb->request.n_threads = (uint32_t)job_number(verb->job, "threads", 0);
	verb->request.info.rate = rate;
	return verb->request.n_goals ? verb_deliver(verb, err) : 0;
}

int verb_podcast(struct job *job, struct mixd_error *err)
{
	struct verb_podcast *verb = calloc(1, sizeof(*verb));
	int r;

	if (!verb)
		return error_no_memory(err);
	verb->job = job;
	media_tags_init(&verb->tags);
	master_request_init(&verb->request);
	r = verb_run(verb, err);
	for (uint32_t i = 0; i < verb->request.n_goals; i++) {
		master_goal_done(&verb->goal[i]);
		free((char *)(uintptr_t)verb->goal[i].path);
	}
	master_request_done(&verb->request);
	media_tags_done(&verb->tags);
	spec_set_free(verb->specs);
	podcast_done(&verb->podcast);
	free(verb->session);
	free(verb);
	return r;
}
