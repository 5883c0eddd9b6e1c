/* album_place.c - tracks on the time line, and the disc that follows from it; see album.h. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "album.h"

int64_t album_sector_frames(double rate)
{
	return llround(rate / DISC_SECTORS_PER_SECOND);
}

int64_t album_edge(const struct album *album, uint32_t idx, double rate)
{
	int64_t at = idx < album->n_tracks ? album->track[idx].mark : album->n_frames;

	return at / album_sector_frames(album->rate) * album_sector_frames(rate);
}

static int64_t frames_of(const struct album *album, double seconds)
{
	return llround(seconds * album->rate);
}

/* What of the file is played, before crossfades. */
static int place_trim(struct album *album, uint32_t t, struct mixd_error *err)
{
	struct album_track *track = &album->track[t];
	int64_t end = track->file_frames;

	track->offset =
		track->trim_auto ? track->sound_start : frames_of(album, track->trim_head_s);
	end = track->trim_auto ? track->sound_end : end - frames_of(album, track->trim_tail_s);
	if (end <= track->offset) {
		album_track_error(album, t, err, "trim leaves nothing of its %.1f s",
				  (double)track->file_frames / album->rate);
		error_hint(err, "trim less, or trim: auto");
		return -EINVAL;
	}
	track->length = end - track->offset;
	/* from here on counted from the offset */
	track->sound_start =
		track->sound_start > track->offset ? track->sound_start - track->offset : 0;
	track->sound_end =
		track->sound_end < end ? track->sound_end - track->offset : track->length;
	if (track->sound_start >= track->sound_end) {
		album_track_error(album, t, err, "trim leaves only silence");
		error_hint(err, "trim less, or trim: auto");
		return -EINVAL;
	}
	track->fade_in = frames_of(album, track->fade_in_s);
	track->fade_out = frames_of(album, track->fade_out_s);
	return 0;
}

/* The overlap runs from the start of the next sound to the end of the one before. */
static int place_crossfade(struct album *album, uint32_t t, int64_t overlap, struct mixd_error *err)
{
	struct album_track *before = &album->track[t - 1], *track = &album->track[t];

	if (overlap >= before->sound_end || overlap >= track->length - track->sound_start) {
		album_track_error(album, t, err, "a crossfade of %.2f s is longer than a track",
				  (double)overlap / album->rate);
		error_hint(err, "make it shorter");
		return -EINVAL;
	}
	before->length = before->sound_end;
	before->fade_out = overlap;
	before->fades_cross_out = true;
	track->offset += track->sound_start;
	track->length -= track->sound_start;
	track->sound_end -= track->sound_start;
	track->sound_start = 0;
	track->fade_in = overlap;
	track->fades_cross_in = true;
	return 0;
}

static int place_next(struct album *album, uint32_t t, struct mixd_error *err)
{
	struct album_track *before = &album->track[t - 1], *track = &album->track[t];
	int64_t gap = frames_of(album, track->gap_s), sector = album_sector_frames(album->rate);
	int64_t lead = frames_of(album, album->lead_s), sound;
	int r;

	if (track->is_joined) {
		track->at = before->at + before->length;
		sound = track->at;
		lead = gap = 0;
	} else {
		if (gap < 0) {
			r = place_crossfade(album, t, -gap, err);
			if (r < 0)
				return r;
		}
		sound = before->at + before->sound_end + gap;
		track->at = sound - track->sound_start;
	}
	if (track->at < 0) {
		/* its silent head reaches back before the album: that much of it is not played */
		track->offset -= track->at;
		track->length += track->at;
		track->sound_start += track->at;
		track->sound_end += track->at;
		track->at = 0;
	}
	track->gap_real_s = (double)(sound - before->at - before->sound_end) / album->rate;
	lead = gap > 0 ? (lead < gap ? lead : gap) : 0;
	track->mark = (sound - lead) / sector * sector;
	if (track->mark <= before->mark)
		track->mark = before->mark + sector;
	return 0;
}

static int copy_text(char **to, const char *first, const char *second, const char *third)
{
	const char *text = first ? first : second ? second : third;

	*to = text ? strdup(text) : NULL;
	return text && !*to ? -ENOMEM : 0;
}

static int disc_texts(struct album *album)
{
	struct disc *disc = &album->disc;
	int r = copy_text(&disc->text[DISC_TITLE], album->cd_title, album->title, NULL);

	r |= copy_text(&disc->text[DISC_PERFORMER], album->cd_artist, album->artist, NULL);
	r |= copy_text(&disc->text[DISC_SONGWRITER], album->songwriter, NULL, NULL);
	r |= copy_text(&disc->text[DISC_COMPOSER], album->composer, NULL, NULL);
	r |= copy_text(&disc->text[DISC_ARRANGER], album->arranger, NULL, NULL);
	r |= copy_text(&disc->text[DISC_MESSAGE], album->message, NULL, NULL);
	r |= copy_text(&disc->catalog, album->catalog, NULL, NULL);
	r |= copy_text(&disc->genre_text, album->genre_text, NULL, NULL);
	return r ? -ENOMEM : 0;
}

static int disc_texts_of_track(const struct album *album, const struct album_track *track,
			       struct disc_track *ret)
{
	int r = copy_text(&ret->text[DISC_TITLE], track->cd_title, track->title, NULL);
	const char *album_artist = album->cd_artist ? album->cd_artist : album->artist;

	r |= copy_text(&ret->text[DISC_PERFORMER], track->cd_artist, track->artist, album_artist);
	r |= copy_text(&ret->text[DISC_SONGWRITER], track->songwriter, album->songwriter, NULL);
	r |= copy_text(&ret->text[DISC_COMPOSER], track->composer, album->composer, NULL);
	r |= copy_text(&ret->text[DISC_ARRANGER], track->arranger, album->arranger, NULL);
	r |= copy_text(&ret->text[DISC_MESSAGE], track->message, NULL, NULL);
	return r ? -ENOMEM : 0;
}

static int make_disc(struct album *album, struct mixd_error *err)
{
	int64_t sector = album_sector_frames(album->rate);

	if (disc_texts(album) < 0)
		return error_no_memory(err);
	for (uint32_t t = 0; t < album->n_tracks; t++) {
		const struct album_track *track = &album->track[t];
		struct disc_track *to = disc_add(&album->disc);
		int64_t ended;

		if (!to || disc_texts_of_track(album, track, to) < 0)
			return error_no_memory(err);
		memcpy(to->isrc, track->isrc, sizeof(to->isrc));
		to->flags = track->flags;
		to->n_indexes = 1;
		to->index[0] = (uint32_t)(track->mark / sector) + DISC_PREGAP_SECTORS;
		if (t == 0) {
			to->has_pregap = true;
			continue;
		}
		ended = track[-1].at + track[-1].sound_end;
		to->pregap = (uint32_t)((ended + sector - 1) / sector) + DISC_PREGAP_SECTORS;
		to->has_pregap = album->pregaps && to->pregap < to->index[0] &&
				 to->pregap > album->disc.track[t - 1].index[0];
	}
	album->disc.lead_out = (uint32_t)(album->n_frames / sector) + DISC_PREGAP_SECTORS;
	return 0;
}

int album_place(struct album *album, struct mixd_error *err)
{
	int64_t sector = album_sector_frames(album->rate), end = 0;
	int r = 0;

	for (uint32_t t = 0; t < album->n_tracks && r == 0; t++)
		r = place_trim(album, t, err);
	for (uint32_t t = 1; t < album->n_tracks && r == 0; t++)
		r = place_next(album, t, err);
	if (r < 0)
		return r;
	for (uint32_t t = 0; t < album->n_tracks; t++) {
		struct album_track *track = &album->track[t];

		if (track->fade_in + track->fade_out > track->length) {
			album_track_error(album, t, err, "its fades are longer than it is");
			error_hint(err, "shorten fade_in, fade_out or the crossfades");
			return -EINVAL;
		}
		track->end = track->at + track->length;
		end = end > track->end ? end : track->end;
	}
	end += frames_of(album, album->tail_s);
	album->n_frames = (end + sector - 1) / sector * sector;
	if (album->n_frames / sector >= REDBOOK_LEAD_OUT_MAX * (int64_t)4)
		return error_set(err, ERROR_INVALID, album->document->name,
				 "the album is %.1f h long",
				 (double)album->n_frames / album->rate / 3600);
	return make_disc(album, err);
}

/* ---- as a session --------------------------------------------------------------------------- */

static json_t *frames_text(int64_t frames)
{
	return json_sprintf("%lldfr", (long long)frames);
}

static json_t *clip_json(const struct album_track *track)
{
	json_t *clip = json_pack("{s:s,s:o,s:o,s:o}", "file", track->file, "at",
				 frames_text(track->at), "offset", frames_text(track->offset),
				 "length", frames_text(track->length));

	if (!clip)
		return NULL;
	if (track->gain_db != 0)
		json_object_set_new(clip, "gain", json_sprintf("%.6fdB", track->gain_db));
	if (track->fade_in)
		json_object_set_new(clip, "fade_in", frames_text(track->fade_in));
	if (track->fade_out)
		json_object_set_new(clip, "fade_out", frames_text(track->fade_out));
	if (track->fades_cross_in)
		json_object_set_new(clip, "curve_in", json_string("equal-power"));
	if (track->fades_cross_out)
		json_object_set_new(clip, "curve_out", json_string("equal-power"));
	return clip;
}

/* eq: [{type: bell, ...}] -> band1: {on: on, type: bell, ...} */
static json_t *eq_json(const struct session_node *list)
{
	json_t *eq = json_pack("{s:s,s:s}", "type", "eq", "layout", "stereo");
	char name[16];
	uint32_t i = 0;

	for (const struct session_node *band = list->first; band; band = band->next) {
		json_t *keys = json_pack("{s:s}", "on", "on");

		for (const struct session_node *key = band->first; key; key = key->next)
			json_object_set_new(keys, key->key->text,
					    json_string(key->text ? key->text : ""));
		snprintf(name, sizeof(name), "band%u", ++i);
		json_object_set_new(eq, name, keys);
	}
	return eq;
}

static json_t *player_json(json_t *clips)
{
	return json_pack("{s:s,s:s,s:o}", "type", "player", "layout", "stereo", "clips", clips);
}

char *album_session(const struct album *album)
{
	json_t *nodes = json_object(), *links = json_array(), *plain = json_array(), *root;
	char player[32], eq[32];
	char *text;

	for (uint32_t t = 0; t < album->n_tracks; t++) {
		const struct album_track *track = &album->track[t];
		json_t *own;

		if (!track->eq_node) {
			json_array_append_new(plain, clip_json(track));
			continue;
		}
		own = json_array();
		json_array_append_new(own, clip_json(track));
		snprintf(player, sizeof(player), "track%u/player", t + 1);
		snprintf(eq, sizeof(eq), "track%u/eq", t + 1);
		json_object_set_new(nodes, player, player_json(own));
		json_object_set_new(nodes, eq, eq_json(track->eq_node));
		json_array_append_new(links, json_sprintf("%s -> %s -> out", player, eq));
	}
	if (json_array_size(plain)) {
		json_object_set_new(nodes, "tracks", player_json(plain));
		json_array_append_new(links, json_string("tracks -> out"));
	} else {
		json_decref(plain);
	}
	json_object_set_new(nodes, "out",
			    json_pack("{s:s,s:s}", "type", "output", "layout", "stereo"));
	root = json_pack("{s:i,s:o,s:o}", "mixd", 1, "nodes", nodes, "links", links);
	text = root ? json_dumps(root, JSON_INDENT(1)) : NULL;
	json_decref(root);
	return text;
}
