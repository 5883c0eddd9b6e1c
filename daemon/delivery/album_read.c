/* album_read.c - what a person wrote about an album; see album.h. */
#include "album.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const modes[] = {"album-gain", "track-gain", "none", NULL};
static const char *const anchors[] = {"album", "loudest-track", NULL};

#define TEXT(name, field)                                                                          \
	{                                                                                          \
		name, DOCUMENT_TEXT, offsetof(struct album, field)                                 \
	}
static const struct document_key album_keys[] = {
	TEXT("title", title),
	TEXT("artist", artist),
	TEXT("songwriter", songwriter),
	TEXT("composer", composer),
	TEXT("arranger", arranger),
	TEXT("message", message),
	TEXT("cd_title", cd_title),
	TEXT("cd_artist", cd_artist),
	TEXT("upc", upc_text),
	TEXT("catalog", catalog),
	TEXT("genre", genre),
	TEXT("genre_text", genre_text),
	TEXT("language", language),
	TEXT("date", date),
	TEXT("master_id", master_id),
	TEXT("spec", spec),
	{"chain", DOCUMENT_PATH, offsetof(struct album, chain)},
	{"gap", DOCUMENT_SPAN, offsetof(struct album, gap_s), .min = -30, .max = 600},
	{"lead", DOCUMENT_SPAN, offsetof(struct album, lead_s), .min = 0, .max = 2},
	{"tail", DOCUMENT_SPAN, offsetof(struct album, tail_s), .min = 0, .max = 60},
	{"rate", DOCUMENT_NUMBER, offsetof(struct album, rate), "Hz", 44100, 192000},
	{"target", DOCUMENT_NUMBER, offsetof(struct album, target_lufs), "LUFS", -40, -5},
	{"ceiling", DOCUMENT_NUMBER, offsetof(struct album, ceiling_dbtp), "dBTP", -20, 0},
	{"mode", DOCUMENT_CHOICE, offsetof(struct album, mode), .choices = modes},
	{"anchor", DOCUMENT_CHOICE, offsetof(struct album, anchor), .choices = anchors},
	{"pregaps", DOCUMENT_FLAG, offsetof(struct album, pregaps)},
	{"limiter", DOCUMENT_FLAG, offsetof(struct album, limiter)},
	{"tracks", DOCUMENT_LIST, offsetof(struct album, tracks_node), .required = true},
	{NULL},
};
#undef TEXT

#define TEXT(name, field)                                                                          \
	{                                                                                          \
		name, DOCUMENT_TEXT, offsetof(struct album_track, field)                           \
	}
static const struct document_key track_keys[] = {
	{"file", DOCUMENT_PATH, offsetof(struct album_track, file), .required = true},
	TEXT("title", title),
	TEXT("artist", artist),
	TEXT("songwriter", songwriter),
	TEXT("composer", composer),
	TEXT("arranger", arranger),
	TEXT("message", message),
	TEXT("cd_title", cd_title),
	TEXT("cd_artist", cd_artist),
	TEXT("isrc", isrc_text),
	{"gap", DOCUMENT_ANY, offsetof(struct album_track, gap_node)},
	{"crossfade", DOCUMENT_SPAN, offsetof(struct album_track, crossfade_s), .min = 0.01,
	 .max = 30},
	{"trim", DOCUMENT_ANY, offsetof(struct album_track, trim_node)},
	{"gain", DOCUMENT_NUMBER, offsetof(struct album_track, gain_db), "dB", -60, 24},
	{"fade_in", DOCUMENT_SPAN, offsetof(struct album_track, fade_in_s), .min = 0, .max = 60},
	{"fade_out", DOCUMENT_SPAN, offsetof(struct album_track, fade_out_s), .min = 0, .max = 60},
	{"eq", DOCUMENT_LIST, offsetof(struct album_track, eq_node)},
	{"flags", DOCUMENT_LIST, offsetof(struct album_track, flags_node)},
	{NULL},
};
#undef TEXT

struct album *album_free(struct album *album)
{
	if (!album)
		return NULL;
	for (uint32_t t = 0; t < album->n_tracks; t++) {
		measure_result_done(&album->track[t].before);
		measure_result_done(&album->track[t].after);
		document_clear(track_keys, &album->track[t]);
	}
	measure_result_done(&album->before);
	measure_result_done(&album->after);
	document_clear(album_keys, album);
	disc_done(&album->disc);
	document_free(album->document);
	free(album->track);
	free(album);
	return NULL;
}

void album_track_name(const struct album *album, uint32_t idx, char *buf, size_t size)
{
	const char *title = album->track[idx].title;

	if (title)
		snprintf(buf, size, "track %u '%.80s'", idx + 1, title);
	else
		snprintf(buf, size, "track %u", idx + 1);
}

int album_track_error(const struct album *album, uint32_t idx, struct mixd_error *err,
		      const char *fmt, ...)
{
	char text[sizeof(err->text)], name[120];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	album_track_name(album, idx, name, sizeof(name));
	return document_error(album->document, album->track[idx].node, err, "%s: %s", name, text);
}

/* A code's own text and hint, at the place where it stands. */
static int at_key(const struct album *album, const struct session_node *map, const char *key,
		  struct mixd_error *err)
{
	const struct session_node *value = session_doc_get(map, key);
	struct mixd_error why = *err;

	document_error(album->document, value, err, "%s", why.text);
	error_hint(err, "%s", why.hint);
	return -EINVAL;
}

static int read_gap(struct album *album, struct album_track *track, struct mixd_error *err)
{
	static const struct document_key span = {"gap", DOCUMENT_SPAN, 0, .min = -30, .max = 600};
	const struct session_node *node = track->gap_node;
	int r = 0;

	track->gap_s = album->gap_s;
	if (node && node->kind == SESSION_SCALAR && strcmp(node->text, "join") == 0)
		track->is_joined = true;
	else if (node)
		r = document_value(album->document, node, &span, &track->gap_s, err);
	if (r == 0 && node && track->crossfade_s > 0) {
		r = document_error(album->document, node, err,
				   "a crossfade and a gap exclude each other");
		error_hint(err, "keep one: crossfade: 2s is the same as gap: -2s");
	}
	if (track->crossfade_s > 0)
		track->gap_s = -track->crossfade_s;
	return r;
}

static int read_trim(struct album *album, struct album_track *track, struct mixd_error *err)
{
	static const struct document_key keys[] = {
		{"head", DOCUMENT_SPAN, offsetof(struct album_track, trim_head_s), .max = 7200},
		{"tail", DOCUMENT_SPAN, offsetof(struct album_track, trim_tail_s), .max = 7200},
		{NULL},
	};

	if (!track->trim_node)
		return 0;
	if (track->trim_node->kind == SESSION_SCALAR &&
	    strcmp(track->trim_node->text, "auto") == 0) {
		track->trim_auto = true;
		return 0;
	}
	if (track->trim_node->kind == SESSION_MAP)
		return document_fill(album->document, track->trim_node, "trim", keys, track, err);
	document_error(album->document, track->trim_node, err, "trim is neither auto nor a map");
	error_hint(err, "want trim: auto, or trim: {head: 0.5s, tail: 2s}");
	return -EINVAL;
}

static int read_flags(struct album *album, struct album_track *track, struct mixd_error *err)
{
	static const char *const names[] = {"pre", "dcp", "4ch", "scms", NULL};
	static const unsigned bits[] = {DISC_PRE, DISC_DCP, DISC_4CH, DISC_SCMS};
	static const struct document_key choice = {"flag", DOCUMENT_CHOICE, 0, .choices = names};

	if (!track->flags_node)
		return 0;
	for (const struct session_node *node = track->flags_node->first; node; node = node->next) {
		int idx = 0, r = document_value(album->document, node, &choice, &idx, err);

		if (r < 0)
			return r;
		track->flags |= bits[idx];
	}
	return 0;
}

/* Bands go to the node as they are: it knows their params. */
static int read_eq(struct album *album, struct album_track *track, struct mixd_error *err)
{
	if (!track->eq_node)
		return 0;
	for (const struct session_node *band = track->eq_node->first; band; band = band->next) {
		if (band->kind != SESSION_MAP) {
			document_error(album->document, band, err, "a band of eq is no map");
			error_hint(err, "want {type: bell, freq: 1kHz, gain: -2dB, q: 1}");
			return -EINVAL;
		}
		for (const struct session_node *key = band->first; key; key = key->next)
			if (!document_text(album->document, key, err))
				return -EINVAL;
	}
	return 0;
}

static int read_track(struct album *album, const struct session_node *node, struct mixd_error *err)
{
	struct album_track *track = &album->track[album->n_tracks++];
	int r;

	*track = (struct album_track){.node = node};
	measure_result_init(&track->before);
	measure_result_init(&track->after);
	/* A word alone is its file. */
	if (node->kind == SESSION_SCALAR)
		return document_value(album->document, node, &track_keys[0], track, err);
	r = document_fill(album->document, node, "a track", track_keys, track, err);
	if (r == 0)
		r = read_gap(album, track, err);
	if (r == 0)
		r = read_trim(album, track, err);
	if (r == 0)
		r = read_flags(album, track, err);
	if (r == 0)
		r = read_eq(album, track, err);
	if (r == 0 && track->isrc_text && disc_isrc(track->isrc_text, track->isrc, err) < 0)
		r = at_key(album, node, "isrc", err);
	return r;
}

static int read_tracks(struct album *album, struct mixd_error *err)
{
	const struct session_node *list = album->tracks_node;
	int r = 0;

	if (list->n == 0 || list->n > DISC_TRACKS_MAX) {
		document_error(album->document, list, err, "there are %u tracks", list->n);
		error_hint(err, "an album has 1 to %u", DISC_TRACKS_MAX);
		return -EINVAL;
	}
	album->track = calloc(list->n, sizeof(*album->track));
	if (!album->track)
		return error_no_memory(err);
	for (const struct session_node *node = list->first; node && r == 0; node = node->next)
		r = read_track(album, node, err);
	return r;
}

/* Codes of the album; the disc's texts come with album_place(). */
static int read_codes(struct album *album, struct mixd_error *err)
{
	const struct session_node *root = album->document->root;
	struct disc *disc = &album->disc;

	if (album->upc_text && disc_upc(album->upc_text, disc->upc, err) < 0)
		return at_key(album, root, "upc", err);
	if (album->language) {
		disc->language = disc_language(album->language);
		if (!disc->language) {
			error_set(err, ERROR_INVALID, NULL, "CD-Text has no language \"%.40s\"",
				  album->language);
			error_hint(err, "want one of those written in ISO 8859-1: en de fr es it "
					"pt nl sv no da fi is");
			return at_key(album, root, "language", err);
		}
	}
	if (album->master_id && strlen(album->master_id) > 48) {
		error_set(err, ERROR_INVALID, NULL, "the master_id has %zu letters",
			  strlen(album->master_id));
		error_hint(err, "want at most 48");
		return at_key(album, root, "master_id", err);
	}
	if (album->master_id)
		snprintf(disc->master_id, sizeof(disc->master_id), "%s", album->master_id);
	if (album->rate > 0 && (fmod(album->rate, 44100) != 0 && fmod(album->rate, 48000) != 0)) {
		error_set(err, ERROR_INVALID, NULL, "the rate is %g Hz", album->rate);
		error_hint(err, "want 44100, 48000, 88200, 96000, 176400 or 192000 Hz");
		return at_key(album, root, "rate", err);
	}
	return 0;
}

int album_read_genre(struct album *album, struct mixd_error *err)
{
	if (!album->genre)
		return 0;
	album->disc.genre = disc_genre(album->genre, err);
	return album->disc.genre ? 0 : at_key(album, album->document->root, "genre", err);
}

int album_read(const char *path, const char *name, struct album **ret, struct mixd_error *err)
{
	struct album *album = calloc(1, sizeof(*album));
	int r;

	if (!album)
		return error_no_memory(err);
	album->gap_s = 2;
	album->lead_s = 0.1;
	album->target_lufs = album->ceiling_dbtp = NAN;
	album->pregaps = true;
	disc_init(&album->disc);
	measure_result_init(&album->before);
	measure_result_init(&album->after);
	r = document_read(path, name, &album->document, err);
	if (r == 0)
		r = document_fill(album->document, album->document->root, "an album", album_keys,
				  album, err);
	if (r == 0)
		r = read_codes(album, err);
	if (r == 0)
		r = read_tracks(album, err);
	if (r < 0) {
		album_free(album);
		return r;
	}
	*ret = album;
	return 0;
}
