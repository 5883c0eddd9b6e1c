/* podcast_read.c - what a person wrote about an episode; see podcast.h. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "graph_value.h"
#include "podcast.h"

#define PODCAST_VOICES_MAX 32u
#define PODCAST_ITEMS_MAX 1000u
#define DAY_S 86400.0

static const char *const autos[] = {"auto", "off", "on", NULL};
static const char *const channels[] = {"auto", "mono", "stereo", NULL};

#define AT(field) offsetof(struct podcast, field)
static const struct document_key podcast_keys[] = {
	{"title", DOCUMENT_TEXT, AT(title), .required = true},
	{"episode", DOCUMENT_TEXT, AT(episode)},
	{"season", DOCUMENT_TEXT, AT(season)},
	{"show", DOCUMENT_TEXT, AT(show)},
	{"artist", DOCUMENT_TEXT, AT(artist)},
	{"date", DOCUMENT_TEXT, AT(date)},
	{"description", DOCUMENT_TEXT, AT(description)},
	{"cover", DOCUMENT_PATH, AT(cover)},
	{"spec", DOCUMENT_TEXT, AT(spec)},
	{"rate", DOCUMENT_NUMBER, AT(rate), "Hz", 16000, 48000},
	{"bitrate", DOCUMENT_NUMBER, AT(bitrate_kbps), "kbps", 32, 320},
	{"channels", DOCUMENT_CHOICE, AT(channels), .choices = channels},
	{"automix", DOCUMENT_CHOICE, AT(automix), .choices = autos},
	{"leveler", DOCUMENT_FLAG, AT(leveler)},
	{"voices", DOCUMENT_LIST, AT(voices_node), .required = true},
	{"intro", DOCUMENT_ANY, AT(intro_node)},
	{"outro", DOCUMENT_ANY, AT(outro_node)},
	{"bed", DOCUMENT_ANY, AT(bed_node)},
	{"inserts", DOCUMENT_LIST, AT(inserts_node)},
	{"chapters", DOCUMENT_LIST, AT(chapters_node)},
	{NULL},
};
#undef AT
#define AT(field) offsetof(struct podcast_sound, field)
static const struct document_key voice_keys[] = {
	{"file", DOCUMENT_PATH, AT(file), .required = true},
	{"name", DOCUMENT_TEXT, AT(name)},
	{"at", DOCUMENT_SPAN, AT(at_s), .min = 0, .max = DAY_S},
	{"gain", DOCUMENT_NUMBER, AT(gain_db), "dB", -40, 24},
	{"pan", DOCUMENT_TEXT, AT(pan)},
	{"denoise", DOCUMENT_ANY, AT(denoise)},
	{"dehum", DOCUMENT_CHOICE, AT(dehum), .choices = autos},
	{"deesser", DOCUMENT_FLAG, AT(deesser)},
	{"deplosive", DOCUMENT_FLAG, AT(deplosive)},
	{"gate", DOCUMENT_FLAG, AT(gate)},
	{"comp", DOCUMENT_FLAG, AT(comp)},
	{NULL},
};
static const struct document_key edge_keys[] = {
	{"file", DOCUMENT_PATH, AT(file), .required = true},
	{"gain", DOCUMENT_NUMBER, AT(gain_db), "dB", -60, 24},
	{"overlap", DOCUMENT_SPAN, AT(overlap_s), .min = 0, .max = 600},
	{"fade_in", DOCUMENT_SPAN, AT(fade_in_s), .min = 0, .max = 60},
	{"fade_out", DOCUMENT_SPAN, AT(fade_out_s), .min = 0, .max = 60},
	{NULL},
};
static const struct document_key bed_keys[] = {
	{"file", DOCUMENT_PATH, AT(file), .required = true},
	{"gain", DOCUMENT_NUMBER, AT(gain_db), "dB", -60, 24},
	{"depth", DOCUMENT_NUMBER, AT(depth_db), "dB", 0, 60},
	{"fade_in", DOCUMENT_SPAN, AT(fade_in_s), .min = 0, .max = 60},
	{"fade_out", DOCUMENT_SPAN, AT(fade_out_s), .min = 0, .max = 60},
	{NULL},
};
static const struct document_key insert_keys[] = {
	{"file", DOCUMENT_PATH, AT(file), .required = true},
	{"at", DOCUMENT_SPAN, AT(at_s), .min = 0, .max = DAY_S, .required = true},
	{"gain", DOCUMENT_NUMBER, AT(gain_db), "dB", -60, 24},
	{"push", DOCUMENT_FLAG, AT(push)},
	{"fade_in", DOCUMENT_SPAN, AT(fade_in_s), .min = 0, .max = 60},
	{"fade_out", DOCUMENT_SPAN, AT(fade_out_s), .min = 0, .max = 60},
	{NULL},
};
#undef AT
static const struct document_key chapter_keys[] = {
	{"at", DOCUMENT_SPAN, offsetof(struct podcast_chapter, at_s), .min = 0, .max = DAY_S,
	 .required = true},
	{"title", DOCUMENT_TEXT, offsetof(struct podcast_chapter, title), .required = true},
	{NULL},
};

/* A word alone is its file. */
static int read_sound(struct podcast *podcast, const struct session_node *node, const char *what,
		      const struct document_key *keys, struct podcast_sound *ret,
		      struct mixd_error *err)
{
	ret->node = node;
	if (node->kind == SESSION_SCALAR)
		return document_value(podcast->document, node, &keys[0], ret, err);
	if (node->kind == SESSION_MAP)
		return document_fill(podcast->document, node, what, keys, ret, err);
	document_error(podcast->document, node, err, "%s is a file, or a map with one", what);
	error_hint(err, "write {file: name.wav}");
	return -EINVAL;
}

static int read_sounds(struct podcast *podcast, const struct session_node *list, const char *what,
		       const struct document_key *keys, const struct podcast_sound *begin,
		       uint32_t max, struct podcast_sound **ret, uint32_t *ret_n,
		       struct mixd_error *err)
{
	int r = 0;

	if (!list)
		return 0;
	if (list->n == 0 || list->n > max) {
		document_error(podcast->document, list, err, "there are %u entries", list->n);
		error_hint(err, "1 to %u are possible", max);
		return -EINVAL;
	}
	*ret = calloc(list->n, sizeof(**ret));
	if (!*ret)
		return error_no_memory(err);
	for (const struct session_node *node = list->first; r == 0 && node; node = node->next) {
		(*ret)[*ret_n] = *begin;
		r = read_sound(podcast, node, what, keys, &(*ret)[(*ret_n)++], err);
	}
	return r;
}

static int read_chapters(struct podcast *podcast, struct mixd_error *err)
{
	const struct session_node *list = podcast->chapters_node;
	int r = 0;

	if (!list)
		return 0;
	podcast->chapter = calloc(list->n + 1, sizeof(*podcast->chapter));
	if (!podcast->chapter)
		return error_no_memory(err);
	for (const struct session_node *node = list->first; r == 0 && node; node = node->next) {
		struct podcast_chapter *chapter = &podcast->chapter[podcast->n_chapters++];

		chapter->node = node;
		if (node->kind != SESSION_MAP) {
			document_error(podcast->document, node, err, "a chapter is a map");
			error_hint(err, "write {at: 1:30, title: The guest}");
			return -EINVAL;
		}
		r = document_fill(podcast->document, node, "a chapter", chapter_keys, chapter, err);
		if (r == 0 && podcast->n_chapters > 1 && !(chapter->at_s > chapter[-1].at_s)) {
			document_error(podcast->document, node, err,
				       "does not begin after the chapter before it");
			error_hint(err, "put them in order of time");
			r = -EINVAL;
		}
	}
	return r;
}

/* As the node reads it, so that a fault is told at its line. */
static int read_pans(const struct podcast *podcast, struct mixd_error *err)
{
	static const struct mixd_param_row row = {
		.id = "pan", .unit = MIXD_UNIT_PAN, .min = -100, .max = 100};
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < podcast->n_voices; i++) {
		const struct podcast_sound *voice = &podcast->voice[i];
		struct mixd_error why;
		double place;

		if (!voice->pan)
			continue;
		r = graph_value_parse_param(&row, 0, voice->pan, 0, "", &place, &why);
		if (r < 0) {
			document_error(podcast->document, session_doc_get(voice->node, "pan"), err,
				       "pan: %s", why.text);
			error_hint(err, "%s", why.hint);
		}
	}
	return r;
}

static int read_all(struct podcast *podcast, struct mixd_error *err)
{
	const struct podcast_sound voice = {.deesser = true, .comp = true};
	const struct podcast_sound insert = {.fade_in_s = 0.01, .fade_out_s = 0.01};
	int r = document_fill(podcast->document, podcast->document->root, "an episode",
			      podcast_keys, podcast, err);

	if (r == 0)
		r = read_sounds(podcast, podcast->voices_node, "a voice", voice_keys, &voice,
				PODCAST_VOICES_MAX, &podcast->voice, &podcast->n_voices, err);
	if (r == 0)
		r = read_pans(podcast, err);
	if (r == 0)
		r = read_sounds(podcast, podcast->inserts_node, "an insert", insert_keys, &insert,
				PODCAST_ITEMS_MAX, &podcast->insert, &podcast->n_inserts, err);
	podcast->intro.fade_out_s = 3;
	podcast->outro.fade_in_s = 2;
	podcast->outro.fade_out_s = 3;
	podcast->bed = (struct podcast_sound){.depth_db = 12, .fade_in_s = 2, .fade_out_s = 3};
	if (r == 0 && podcast->intro_node)
		r = read_sound(podcast, podcast->intro_node, "the intro", edge_keys,
			       &podcast->intro, err);
	if (r == 0 && podcast->outro_node)
		r = read_sound(podcast, podcast->outro_node, "the outro", edge_keys,
			       &podcast->outro, err);
	if (r == 0 && podcast->bed_node)
		r = read_sound(podcast, podcast->bed_node, "the bed", bed_keys, &podcast->bed, err);
	return r == 0 ? read_chapters(podcast, err) : r;
}

int podcast_read(const char *path, const char *name, struct podcast *ret, struct mixd_error *err)
{
	int r;

	*ret = (struct podcast){.leveler = true};
	r = document_read(path, name, &ret->document, err);
	return r == 0 ? read_all(ret, err) : r;
}

void podcast_done(struct podcast *podcast)
{
	document_clear(podcast_keys, podcast);
	for (uint32_t i = 0; i < podcast->n_voices; i++)
		document_clear(voice_keys, &podcast->voice[i]);
	for (uint32_t i = 0; i < podcast->n_inserts; i++)
		document_clear(insert_keys, &podcast->insert[i]);
	for (uint32_t i = 0; i < podcast->n_chapters; i++)
		document_clear(chapter_keys, &podcast->chapter[i]);
	document_clear(edge_keys, &podcast->intro);
	document_clear(edge_keys, &podcast->outro);
	document_clear(bed_keys, &podcast->bed);
	free(podcast->voice);
	free(podcast->insert);
	free(podcast->chapter);
	document_free(podcast->document);
}
