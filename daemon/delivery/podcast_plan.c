/* podcast_plan.c - the files of an episode looked at, and when each of them sounds; see podcast.h.
 *
 * LEVEL       Voices come to -20 LUFS each before they are compressed, so that thresholds mean the same
 *             for all. Music is brought to the same loudness, then to its `gain`.
 * REPAIR      voice_repair.h, for pauses under -60 dBFS at -16 LUFS. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "media_read.h"
#include "podcast.h"

#define PLAN_LEVEL_LUFS (-20.0)
#define PLAN_DELIVERED_LUFS (-16.0)
#define PLAN_QUIET_DBFS (-60.0)
#define PLAN_GAP_S 5.0 /* without anybody: told */

struct plan_reader {
	struct media_reader *reader;
	const char *path;
};

static int64_t plan_read(void *data, float *const *channels, uint32_t n_frames,
			 struct mixd_error *err)
{
	struct plan_reader *file = data;

	return media_read(file->reader, channels, n_frames, err);
}

static int plan_seek(void *data, int64_t frame, struct mixd_error *err)
{
	struct plan_reader *file = data;
	int r;

	file->reader = media_close(file->reader);
	r = media_open(file->path, &file->reader, err);
	return r == 0 && frame > 0 ? media_seek(file->reader, frame, err) : r;
}

static int plan_misses(const struct podcast *podcast, const struct podcast_sound *sound,
		       struct mixd_error *err)
{
	const struct session_node *file = sound->node->kind == SESSION_MAP
						  ? session_doc_get(sound->node, "file")
						  : sound->node;
	struct mixd_error why = *err;

	document_error(podcast->document, file, err, "%.150s: %.100s", sound->file, why.text);
	if (*why.hint)
		error_hint(err, "%s", why.hint);
	err->code = why.code;
	return -EIO;
}

/* Length and loudness; of a voice the room tone, too. */
static int plan_look(struct job *job, struct podcast *podcast, struct podcast_sound *sound,
		     struct roomtone *tone, struct measure_result *result, struct mixd_error *err)
{
	struct measure_options options;
	struct media_info info;
	struct plan_reader file = {.path = sound->file};
	struct roomtone_source source = {.read = plan_read, .seek = plan_seek, .data = &file};
	int r;

	job_stage(job, "look", strrchr(sound->file, '/') + 1);
	measure_options_init(&options);
	options.what = MEASURE_LOUDNESS | MEASURE_LEVELS;
	r = measure_file(sound->file, &options, job_task(job), result, &info, err);
	if (r == 0 && tone) {
		source.rate = info.rate;
		source.layout = &info.layout;
		source.n_frames = (int64_t)result->n_frames;
		r = roomtone_find(&source, 0, job_task(job), tone, err);
	}
	media_close(file.reader);
	if (r == -ECANCELED)
		return r;
	if (r < 0)
		return plan_misses(podcast, sound, err);
	sound->length_s = result->duration_s;
	sound->integrated = result->integrated;
	sound->n_channels = info.n_channels;
	sound->level_db = isfinite(result->integrated) ? PLAN_LEVEL_LUFS - result->integrated : 0;
	sound->level_db = fmin(fmax(sound->level_db, -40), 40);
	return 0;
}

static int plan_denoise(struct podcast *podcast, struct podcast_sound *voice,
			struct mixd_error *err)
{
	static const struct document_key amount = {"denoise", DOCUMENT_NUMBER, 0, "dB", 0, 40};
	const char *text;
	double db;
	int r;

	if (!voice->denoise)
		return 0;
	text = document_text(podcast->document, voice->denoise, err);
	if (!text)
		return -EINVAL;
	if (strcmp(text, "auto") == 0)
		return 0;
	voice->repair.denoise_db = voice->repair.expander_db = 0;
	if (strcmp(text, "off") == 0)
		return 0;
	r = document_value(podcast->document, voice->denoise, &amount, &db, err);
	if (r < 0)
		error_hint(err, "auto, off, or how much: 12dB");
	else
		voice->repair.denoise_db = db;
	return r;
}

static int plan_voice(struct job *job, struct podcast *podcast, struct podcast_sound *voice,
		      struct mixd_error *err)
{
	struct measure_result result;
	struct roomtone tone = {0};
	int r;

	measure_result_init(&result);
	r = plan_look(job, podcast, voice, &tone, &result, err);
	if (r == 0 && !isfinite(result.integrated)) {
		document_error(podcast->document, voice->node, err, "nobody speaks in %.150s",
			       voice->file);
		error_hint(err, "it is silent: leave it out, or look for the right file");
		r = -EINVAL;
	}
	if (r == 0) {
		voice_repair_plan(&tone, result.integrated, PLAN_DELIVERED_LUFS - result.integrated,
				  PLAN_QUIET_DBFS, result.dc_max, &voice->repair);
		if (voice->dehum == PODCAST_OFF)
			voice->repair.hum_hz = 0;
		if (voice->dehum == PODCAST_ON && !(voice->repair.hum_hz > 0))
			roomtone_hum(&tone, &voice->repair.hum_hz);
		r = plan_denoise(podcast, voice, err);
	}
	roomtone_done(&tone);
	measure_result_done(&result);
	return r;
}

static int plan_music(struct job *job, struct podcast *podcast, struct podcast_sound *sound,
		      struct mixd_error *err)
{
	struct measure_result result;
	int r;

	if (!sound->file)
		return 0;
	measure_result_init(&result);
	r = plan_look(job, podcast, sound, NULL, &result, err);
	measure_result_done(&result);
	return r;
}

/* ---- time ------------------------------------------------------------------------------------- */

double podcast_place(const struct podcast *podcast, double at_s)
{
	double place = podcast->talk_s + at_s;

	for (uint32_t i = 0; i < podcast->n_inserts; i++)
		if (podcast->insert[i].push && podcast->insert[i].at_s <= at_s)
			place += podcast->insert[i].length_s;
	return place;
}

static int plan_order(const void *a, const void *b)
{
	const struct podcast_sound *x = a, *y = b;

	return (x->at_s > y->at_s) - (x->at_s < y->at_s);
}

static int plan_times(struct podcast *podcast, struct mixd_error *err)
{
	struct podcast_sound *intro = &podcast->intro, *outro = &podcast->outro;
	double pushed = 0;

	if (intro->file && intro->overlap_s > intro->length_s)
		intro->overlap_s = intro->length_s;
	podcast->talk_s = intro->file ? intro->length_s - intro->overlap_s : 0;
	for (uint32_t i = 0; i < podcast->n_inserts; i++) {
		struct podcast_sound *insert = &podcast->insert[i];

		insert->start_s = podcast->talk_s + insert->at_s + pushed;
		pushed += insert->push ? insert->length_s : 0;
		podcast->talk_end_s = fmax(podcast->talk_end_s, insert->start_s + insert->length_s);
	}
	for (uint32_t i = 0; i < podcast->n_voices; i++) {
		const struct podcast_sound *voice = &podcast->voice[i];
		double end_s = voice->at_s + voice->length_s;

		/* what is pushed in just where it ends does not move its end */
		podcast->talk_end_s =
			fmax(podcast->talk_end_s, podcast_place(podcast, end_s - 1e-6));
	}
	podcast->end_s = podcast->talk_end_s;
	if (outro->file) {
		outro->overlap_s = fmin(outro->overlap_s, podcast->talk_end_s);
		outro->start_s = podcast->talk_end_s - outro->overlap_s;
		podcast->end_s = fmax(podcast->end_s, outro->start_s + outro->length_s);
	}
	if (intro->file)
		podcast->end_s = fmax(podcast->end_s, intro->length_s);
	for (uint32_t i = 0; i < podcast->n_chapters; i++) {
		struct podcast_chapter *chapter = &podcast->chapter[i];

		/* The first one begins with the file: players want a chapter there. */
		chapter->start_s =
			i == 0 && chapter->at_s <= 0 ? 0 : podcast_place(podcast, chapter->at_s);
		if (chapter->start_s >= podcast->end_s) {
			document_error(podcast->document, chapter->node, err,
				       "begins after the end of the episode (%.1f s)",
				       podcast->end_s - podcast->talk_s);
			error_hint(err, "times are those of the talk, without intro and inserts");
			return -EINVAL;
		}
	}
	return 0;
}

static void plan_warn(struct job *job, const char *name, const struct podcast_sound *music)
{
	if (music->file && music->overlap_s > music->length_s)
		job_warn(job, name, "overlaps the talk by %gs, and is %.1f s long: all of it does",
			 music->overlap_s, music->length_s);
}

/* Where the talk is covered up to AT_S by what begins before it. */
static double plan_covered(const struct podcast_sound *sound, uint32_t n, double at_s)
{
	double end_s = 0;

	for (uint32_t i = 0; i < n; i++)
		if (sound[i].at_s < at_s)
			end_s = fmax(end_s,
				     sound[i].at_s + (sound[i].push ? 0 : sound[i].length_s));
	return end_s;
}

/* Minutes of nothing are seldom meant: more often it is a slip in a time. */
static void plan_warn_of_gaps(struct job *job, const struct podcast *podcast,
			      const struct podcast_sound *sound, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		double at_s = sound[i].at_s;
		char place[160];
		double end_s = fmax(plan_covered(podcast->voice, podcast->n_voices, at_s),
				    plan_covered(podcast->insert, podcast->n_inserts, at_s));

		if (at_s - end_s <= PLAN_GAP_S)
			continue;
		document_place(podcast->document, sound[i].node, place, sizeof(place));
		job_warn(job, place,
			 "begins at %g s of the talk, and all before it ends at %.1f s: nobody "
			 "speaks for %.1f s",
			 at_s, end_s, at_s - end_s);
	}
}

static void plan_warn_of_pans(struct job *job, const struct podcast *podcast)
{
	char place[160];

	for (uint32_t i = 0; !podcast->is_stereo && i < podcast->n_voices; i++) {
		if (!podcast->voice[i].pan)
			continue;
		document_place(podcast->document, podcast->voice[i].node, place, sizeof(place));
		job_warn(job, place, "pan does nothing: the episode is mono");
	}
}

static bool plan_is_stereo(const struct podcast *podcast)
{
	bool ret = podcast->intro.n_channels > 1 || podcast->outro.n_channels > 1 ||
		   podcast->bed.n_channels > 1;

	for (uint32_t i = 0; i < podcast->n_inserts; i++)
		ret = ret || podcast->insert[i].n_channels > 1;
	for (uint32_t i = 0; i < podcast->n_voices; i++)
		ret = ret || podcast->voice[i].pan;
	return podcast->channels ? podcast->channels == 2 : ret;
}

int podcast_plan(struct job *job, struct podcast *podcast, struct mixd_error *err)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < podcast->n_voices; i++)
		r = plan_voice(job, podcast, &podcast->voice[i], err);
	for (uint32_t i = 0; r == 0 && i < podcast->n_inserts; i++)
		r = plan_music(job, podcast, &podcast->insert[i], err);
	if (r == 0)
		r = plan_music(job, podcast, &podcast->intro, err);
	if (r == 0)
		r = plan_music(job, podcast, &podcast->outro, err);
	if (r == 0)
		r = plan_music(job, podcast, &podcast->bed, err);
	if (r < 0)
		return r;
	if (podcast->n_inserts)
		qsort(podcast->insert, podcast->n_inserts, sizeof(*podcast->insert), plan_order);
	podcast->is_stereo = plan_is_stereo(podcast);
	podcast->is_mixed = podcast->n_voices > 1 && podcast->automix != PODCAST_OFF;
	plan_warn(job, "the intro", &podcast->intro);
	plan_warn(job, "the outro", &podcast->outro);
	plan_warn_of_pans(job, podcast);
	plan_warn_of_gaps(job, podcast, podcast->voice, podcast->n_voices);
	plan_warn_of_gaps(job, podcast, podcast->insert, podcast->n_inserts);
	return plan_times(podcast, err);
}
