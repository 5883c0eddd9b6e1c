/* verb_ddp.c - `mixctl ddp check|show|extract`: any DDP set, read back. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "album_stage.h"
#include "cleanup.h"
#include "ddp.h"
#include "delivery_verbs.h"
#include "graph_layout.h"
#include "media_write.h"

#define BLOCK 4704u /* 8 sectors */

DEFINE_CLEANUP(ddp_set_free, struct ddp_set *)
DEFINE_CLEANUP(album_stage_free, struct album_stage *)
DEFINE_CLEANUP(media_writer_free, struct media_writer *)

/* ---- check ---------------------------------------------------------------------------------- */

static int ddp_check(struct job *job, struct ddp_set *set, struct mixd_error *err)
{
	static const char *const states[] = {"ok", "warning", "FAILED"};
	static const char *const words[] = {"ok", "warn", "fail"};
	json_t *items = json_array();
	uint32_t n_failed = 0, n_warned = 0;
	int r;

	job_stage(job, "sums", NULL);
	r = ddp_verify(set, job_task(job), err);
	if (r < 0) {
		json_decref(items);
		return r;
	}
	for (uint32_t i = 0; i < set->n_verdicts; i++) {
		const struct ddp_verdict *verdict = &set->verdict[i];

		n_failed += verdict->state == DDP_FAIL;
		n_warned += verdict->state == DDP_WARN;
		job_print(job, "%-8s %-18s %s\n", states[verdict->state], verdict->item,
			  verdict->text);
		if (verdict->hint[0] && verdict->state != DDP_OK)
			job_print(job, "%-8s %-18s -> %s\n", "", "", verdict->hint);
		json_array_append_new(items, json_pack("{s:s,s:s,s:s,s:s}", "item", verdict->item,
						       "verdict", words[verdict->state], "text",
						       verdict->text, "remedy", verdict->hint));
	}
	job_print(job, "\n%s: %u failed, %u warning%s\n",
		  n_failed ? "not fit for the plant" : "fit for the plant", n_failed, n_warned,
		  n_warned == 1 ? "" : "s");
	json_object_set_new(job_json(job), "items", items);
	json_object_set_new(job_json(job), "is_good", json_boolean(!n_failed));
	json_object_set_new(job_json(job), "failed", json_integer(n_failed));
	json_object_set_new(job_json(job), "warnings", json_integer(n_warned));
	if (n_failed)
		job_negative(job);
	return 0;
}

/* ---- show ----------------------------------------------------------------------------------- */

static json_t *show_texts(char *const *text, json_t *to)
{
	for (int i = 0; i < DISC_TEXTS; i++)
		if (text[i])
			json_object_set_new(to, disc_text_names[i], json_string(text[i]));
	return to;
}

static json_t *show_track(const struct disc *disc, uint32_t t)
{
	const struct disc_track *track = &disc->track[t];
	char start[12], length[12], pregap[12] = "";
	json_t *item;

	disc_msf(track->index[0], start);
	disc_msf(disc_track_sectors(disc, t), length);
	if (track->has_pregap)
		disc_msf(track->pregap, pregap);
	item = json_pack("{s:i,s:s,s:s,s:s,s:s*,s:b,s:b,s:b,s:b,s:i}", "track", (int)track->number,
			 "index00", pregap, "index01", start, "length", length, "isrc",
			 track->isrc[0] ? track->isrc : NULL, "pre", !!(track->flags & DISC_PRE),
			 "dcp", !!(track->flags & DISC_DCP), "4ch", !!(track->flags & DISC_4CH),
			 "scms", !!(track->flags & DISC_SCMS), "indexes", (int)track->n_indexes);
	return item ? show_texts(track->text, item) : NULL;
}

static void show_head(struct job *job, const struct ddp_set *set)
{
	const struct disc *disc = &set->disc;
	const char *const texts[][2] = {
		{"title", disc->text[DISC_TITLE]},
		{"performer", disc->text[DISC_PERFORMER]},
		{"UPC/EAN", disc->upc[0] ? disc->upc : set->upc},
		{"catalog", disc->catalog},
		{"genre", disc->genre ? disc_genre_name(disc->genre) : NULL},
		{"master", set->master_id},
	};
	char end[12];

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i][1] && texts[i][1][0])
			job_print(job, "%-10s %s\n", texts[i][0], texts[i][1]);
	disc_msf(disc->lead_out, end);
	job_print(job, "%-10s %s, %u tracks, lead-out at %s, %u packs of CD-Text\n\n", "set",
		  set->level, disc->n_tracks, end, set->n_packs);
	job_print(job, " #  index 00  index 01  length    ISRC          title\n");
}

static int ddp_show(struct job *job, struct ddp_set *set, struct mixd_error *err)
{
	const struct disc *disc = &set->disc;
	json_t *items = json_array(), *root = job_json(job);
	char end[12];

	show_head(job, set);
	for (uint32_t t = 0; t < disc->n_tracks; t++) {
		json_t *item = show_track(disc, t);
		const char *performer = disc->track[t].text[DISC_PERFORMER];

		if (!item) {
			json_decref(items);
			return error_no_memory(err);
		}
		job_print(job, "%2u  %-8s  %-8s  %-8s  %-12s  %s%s%s\n", disc->track[t].number,
			  json_string_value(json_object_get(item, "index00")),
			  json_string_value(json_object_get(item, "index01")),
			  json_string_value(json_object_get(item, "length")), disc->track[t].isrc,
			  disc->track[t].text[DISC_TITLE] ? disc->track[t].text[DISC_TITLE] : "",
			  performer ? " / " : "", performer ? performer : "");
		json_array_append_new(items, item);
	}
	disc_msf(disc->lead_out, end);
	show_texts(disc->text, root);
	json_object_set_new(root, "level", json_string(set->level));
	json_object_set_new(root, "upc", json_string(disc->upc));
	json_object_set_new(root, "lead_out", json_string(end));
	json_object_set_new(root, "cdtext_packs", json_integer(set->n_packs));
	json_object_set_new(root, "items", items);
	if (set->has_failed)
		job_warn(job, job_arg(job, 1), "something is wrong with this set: see ddp check");
	return 0;
}

/* ---- extract -------------------------------------------------------------------------------- */

static bool is_wanted(struct job *job, uint32_t number)
{
	const char *text;

	for (uint32_t i = 0; (text = job_text_at(job, "track", i)); i++)
		if ((uint32_t)atoi(text) == number)
			return true;
	return job_text_at(job, "track", 0) == NULL;
}

/* What becomes one file: a track from its index 01 to that of the next, or what sounds before track 1
 * (EAC and cdparanoia call it track 0). */
struct extract_span {
	uint32_t number, track; /* TRACK: its place in the disc; of 0 none */
	uint32_t first, end; /* sectors */
};

static struct extract_span extract_of(const struct disc *disc, uint32_t t)
{
	uint32_t first = disc->track[t].index[0];

	return (struct extract_span){.number = disc->track[t].number,
				     .track = t,
				     .first = first,
				     .end = first + disc_track_sectors(disc, t)};
}

/* The two seconds before 00:02:00, which no drive reads, belong to it only when they sound. */
static int extract_find_hidden(struct job *job, struct ddp_set *set, int fd,
			       struct extract_span *ret, bool *ret_is_there, struct mixd_error *err)
{
	static const int16_t silence[2 * DISC_SECTOR_FRAMES];
	uint32_t end = set->disc.n_tracks && set->disc.track[0].n_indexes
			       ? set->disc.track[0].index[0]
			       : 0;
	int16_t frames[2 * DISC_SECTOR_FRAMES];

	*ret_is_there = false;
	for (uint32_t at = 0; at < end; at++) {
		int r = ddp_read_frames(set, fd, (uint64_t)at * DISC_SECTOR_FRAMES, frames,
					DISC_SECTOR_FRAMES, err);

		if (r == 0)
			r = task_check(job_task(job), err);
		if (r < 0)
			return r;
		if (memcmp(frames, silence, sizeof(frames)) == 0)
			continue;
		*ret = (struct extract_span){
			.first = at < DISC_PREGAP_SECTORS ? 0 : DISC_PREGAP_SECTORS, .end = end};
		*ret_is_there = true;
		break;
	}
	return 0;
}

static int extract_tags(const struct disc *disc, const struct extract_span *span,
			struct media_tags *tags)
{
	const struct disc_track *track = &disc->track[span->track];
	char number[16];
	int r;

	snprintf(number, sizeof(number), "%u", span->number);
	r = media_tags_set(tags, "ALBUM", disc->text[DISC_TITLE]);
	if (r == 0)
		r = media_tags_set(tags, "TRACKNUMBER", number);
	if (r < 0 || span->number == 0)
		return r;
	r = media_tags_set(tags, "TITLE", track->text[DISC_TITLE]);
	if (r == 0)
		r = media_tags_set(tags, "ARTIST", track->text[DISC_PERFORMER]);
	return r < 0 ? r : media_tags_set(tags, "ISRC", track->isrc);
}

static int extract_open(struct job *job, const struct ddp_set *set, const struct extract_span *span,
			const char *folder, struct media_writer **ret, struct mixd_error *err)
{
	_cleanup_free_ char *path = NULL;
	struct media_target target;
	struct media_tags tags;
	bool is_flac = job_flag(job, "flac");
	int r;

	if (asprintf(&path, "%s/track%02u.%s", folder, span->number, is_flac ? "flac" : "wav") < 0)
		return error_no_memory(err);
	media_tags_init(&tags);
	r = extract_tags(&set->disc, span, &tags) < 0 ? error_no_memory(err) : 0;
	media_target_init(&target);
	target.format = is_flac ? "flac" : "wav";
	target.rate = DISC_RATE_HZ;
	target.layout = *graph_layout_find("stereo", NULL);
	target.bits = 16;
	target.dither = MEDIA_DITHER_NONE;
	target.expected_frames = (int64_t)(span->end - span->first) * DISC_SECTOR_FRAMES;
	target.tags = &tags;
	if (r == 0)
		r = media_create(path, &target, ret, err);
	media_tags_done(&tags);
	return r;
}

static int extract_copy(struct job *job, struct ddp_set *set, int fd,
			const struct extract_span *span, struct media_writer *writer,
			struct mixd_error *err)
{
	int16_t frames[2 * DISC_SECTOR_FRAMES];
	float left[DISC_SECTOR_FRAMES], right[DISC_SECTOR_FRAMES];
	const float *const channels[] = {left, right};
	int r = 0;

	for (uint32_t at = span->first; at < span->end && r == 0; at++) {
		r = ddp_read_frames(set, fd, (uint64_t)at * DISC_SECTOR_FRAMES, frames,
				    DISC_SECTOR_FRAMES, err);
		for (uint32_t i = 0; i < DISC_SECTOR_FRAMES; i++) {
			left[i] = (float)frames[2 * i] / 32768;
			right[i] = (float)frames[2 * i + 1] / 32768;
		}
		if (r == 0)
			r = media_write(writer, channels, DISC_SECTOR_FRAMES, err);
		if (r == 0)
			r = task_check(job_task(job), err);
		task_progress(job_task(job), (double)at / DISC_SECTORS_PER_SECOND,
			      (double)set->disc.lead_out / DISC_SECTORS_PER_SECOND);
	}
	return r;
}

/* One file, and what is said about it. */
static int extract_span(struct job *job, struct ddp_set *set, int fd,
			const struct extract_span *span, const char *folder, json_t *items,
			struct mixd_error *err)
{
	_cleanup_(media_writer_freep) struct media_writer *writer = NULL;
	char name[120] = "what sounds before track 1", file[24];
	int r = extract_open(job, set, span, folder, &writer, err);

	if (r == 0)
		r = extract_copy(job, set, fd, span, writer, err);
	if (r == 0)
		r = media_finish(writer, NULL, err);
	if (r < 0)
		return r;
	if (span->number)
		disc_track_name(&set->disc, span->track, name, sizeof(name));
	snprintf(file, sizeof(file), "track%02u.%s", span->number,
		 job_flag(job, "flac") ? "flac" : "wav");
	job_print(job, "%s  %s\n", file, name);
	json_array_append_new(items, json_pack("{s:i,s:s,s:i}", "track", (int)span->number, "file",
					       file, "sectors", (int)(span->end - span->first)));
	return 0;
}

static int extract_tracks(struct job *job, struct ddp_set *set, const char *folder, json_t *items,
			  struct mixd_error *err)
{
	_cleanup_close_ int fd = ddp_open_image(set, err);
	const struct disc *disc = &set->disc;
	struct extract_span span;
	bool is_hidden = false;
	int r = fd < 0 ? fd : 0;

	if (r == 0 && is_wanted(job, 0))
		r = extract_find_hidden(job, set, fd, &span, &is_hidden, err);
	if (r == 0 && is_hidden)
		r = extract_span(job, set, fd, &span, folder, items, err);
	for (uint32_t t = 0; t < disc->n_tracks && r == 0; t++) {
		if (!is_wanted(job, disc->track[t].number) || disc->track[t].n_indexes == 0)
			continue;
		span = extract_of(disc, t);
		r = extract_span(job, set, fd, &span, folder, items, err);
	}
	if (r == 0 && json_array_size(items) == 0) {
		r = error_set(err, ERROR_NOT_FOUND, "--track", "the set has no such track");
		error_hint(err, "it has tracks 1 to %u%s", disc->n_tracks,
			   is_wanted(job, 0) ? ", and nothing sounds before them" : "");
	}
	return r;
}

/* Tracks of a set that is damaged are taken as they are, but not without a word: nobody hears one wrong bit. */
static int extract_doubt(struct job *job, struct ddp_set *set, struct mixd_error *err)
{
	int r = 0;

	if (!job_text_at(job, "track", 0)) /* all of it: so much reading is little more */
		r = ddp_verify(set, job_task(job), err);
	if (r == 0 && set->has_failed)
		job_warn(job, job_arg(job, 1),
			 "something is wrong with this set: see ddp check; its tracks are "
			 "extracted as they are");
	return r;
}

static int ddp_extract(struct job *job, struct ddp_set *set, struct mixd_error *err)
{
	_cleanup_(album_stage_freep) struct album_stage *stage = NULL;
	const char *shown = job_text(job, "output", NULL);
	_cleanup_free_ char *folder = shown ? job_path(job, shown) : NULL;
	json_t *items;
	int r;

	if (!shown) {
		r = error_set(err, ERROR_USAGE, "--output", "there is no folder for the tracks");
		error_hint(err, "say -o DIR");
		return r;
	}
	if (!folder)
		return error_no_memory(err);
	job_stage(job, "extract", NULL);
	items = json_array();
	json_object_set_new(job_json(job), "items", items);
	r = album_stage_new(folder, shown, &stage, err);
	if (r == 0)
		r = extract_tracks(job, set, album_stage_folder(stage), items, err);
	if (r == 0)
		r = extract_doubt(job, set, err);
	if (r == 0)
		r = album_stage_commit(stage, err);
	return r;
}

int verb_ddp(struct job *job, struct mixd_error *err)
{
	static const struct {
		const char *name;
		int (*run)(struct job *job, struct ddp_set *set, struct mixd_error *err);
	} verbs[] = {{"check", ddp_check}, {"show", ddp_show}, {"extract", ddp_extract}};
	_cleanup_(ddp_set_freep) struct ddp_set *set = NULL;
	_cleanup_free_ char *path = job_path(job, job_arg(job, 1));
	const char *names[3], *nearest;
	int r;

	if (!path)
		return error_no_memory(err);
	for (size_t i = 0; i < 3; i++) {
		names[i] = verbs[i].name;
		if (strcmp(verbs[i].name, job_arg(job, 0)) != 0)
			continue;
		r = ddp_open(path, job_arg(job, 1), &set, err);
		return r < 0 ? r : verbs[i].run(job, set, err);
	}
	nearest = error_nearest(job_arg(job, 0), names, 3);
	error_set(err, ERROR_USAGE, job_arg(job, 0), "ddp does no such thing");
	error_hint(err, "%s%s%swant check, show or extract", nearest ? "did you mean " : "",
		   nearest ? nearest : "", nearest ? "? " : "");
	return -EINVAL;
}
