/* verb_album.c - `mixctl album`: its options, its rules, its report. */
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "album.h"
#include "album_stage.h"
#include "cdtext.h"
#include "cleanup.h"
#include "delivery_verbs.h"
#include "master.h"

DEFINE_CLEANUP(album_free, struct album *)
DEFINE_CLEANUP(album_stage_free, struct album_stage *)
DEFINE_CLEANUP(spool_free, struct spool *)

struct rules { /* the first fault becomes the error, the others are noted */
	struct job *job;
	struct album *album;
	struct mixd_error *err;
	uint32_t n;
};

static void rule_broken(void *data, int track, const char *text, const char *hint)
{
	struct rules *rules = data;
	const struct document *document = rules->album->document;
	char place[160];

	document_place(document, track >= 0 ? rules->album->track[track].node : document->root,
		       place, sizeof(place));
	if (rules->n++ == 0) {
		error_set(rules->err, ERROR_INVALID, place, "%s", text);
		error_hint(rules->err, "%s", hint);
	} else {
		job_warn(rules->job, place, "%s; %s", text, hint);
	}
}

/* CD-Text knows the name of the track; its line is the album's to say. */
static void place_text_fault(const struct album *album, struct mixd_error *err)
{
	const struct session_node *node = album->document->root;
	char name[120], place[160];

	for (uint32_t t = 0; t < album->n_tracks; t++) {
		disc_track_name(&album->disc, t, name, sizeof(name));
		if (strncmp(err->text, name, strlen(name)) == 0 && err->text[strlen(name)] == ':')
			node = album->track[t].node;
	}
	document_place(album->document, node, place, sizeof(place));
	snprintf(err->address, sizeof(err->address), "%s", place);
}

/* What a CD demands, before any sound is made. */
static int check_disc(struct job *job, struct album *album, enum redbook_media media,
		      struct mixd_error *err)
{
	struct rules rules = {job, album, err, 0};
	struct cdtext_stats stats;
	_cleanup_free_ uint8_t *bytes = NULL;
	size_t size = 0;
	int r = album_read_genre(album, err);

	if (r < 0)
		return r;
	if (redbook_check(&album->disc, media, rule_broken, &rules))
		return -EINVAL;
	r = cdtext_encode(&album->disc, &bytes, &size, &stats, err);
	if (r < 0) {
		place_text_fault(album, err);
		return r;
	}
	if (size && !stats.has_codes && album->disc.upc[0])
		job_note(job, album->document->name,
			 "CD-Text is full: UPC/EAN and ISRCs stand in the PQ descriptor only");
	return 0;
}

/* What is in the folder STAGE comes to the goal: its names, folders with a slash. */
static json_t *list_made(const char *stage)
{
	json_t *files = json_array();
	struct dirent **entry = NULL;
	int n = scandir(stage, &entry, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		if (entry[i]->d_name[0] != '.')
			json_array_append_new(files,
					      json_sprintf("%s%s", entry[i]->d_name,
							   entry[i]->d_type == DT_DIR ? "/" : ""));
		free(entry[i]);
	}
	free(entry);
	return files;
}

static void report_made(struct job *job)
{
	json_t *files = json_object_get(job_json(job), "files"), *name;
	const char *folder = job_text(job, "output", "");
	size_t i;

	job_print(job, "\nin %s:\n", folder);
	json_array_foreach(files, i, name) job_print(job, "  %s\n", json_string_value(name));
}

/* Where the limiter may not take any more. */
static void warn_limited(struct job *job, const struct album *album)
{
	bool is_whole = album->mode == ALBUM_GAIN && album->anchor == ALBUM_ANCHOR_ALBUM;
	double level = is_whole ? album->after.integrated : NAN, missing;

	if (!album->limiter || album->mode == ALBUM_NONE || isnan(album->target_lufs))
		return;
	for (uint32_t t = 0; t < album->n_tracks && !is_whole; t++) {
		double heard = album->track[t].after.integrated;

		if (isfinite(heard))
			level = album->mode == ALBUM_TRACK_GAIN ? fmin(level, heard)
								: fmax(level, heard);
	}
	missing = album->target_lufs - level;
	if (isfinite(missing) && missing > 0.2)
		job_warn(job, album->document->name,
			 "%s at %.1f LUFS, target %.1f: more takes over %.0f dB of limiting; lower "
			 "the peaks in the mixes or by a chain, or ask for a lower target",
			 is_whole			   ? "the album is"
			 : album->mode == ALBUM_TRACK_GAIN ? "the softest track is"
							   : "the loudest track is",
			 level, album->target_lufs, MASTER_LIMITING_MAX_DB);
}

static void report(struct job *job, const struct album *album, bool is_plan)
{
	_cleanup_free_ char *sheet = album_sheet_text(album);
	json_t *json = album_json(album);

	job_print(job, "%s", sheet ? sheet : "");
	if (!is_plan && album->is_held_back)
		job_warn(job, album->document->name,
			 "peaks at the ceiling of %.1f dBTP hold the level back: %.1f LUFS, target "
			 "%.1f; put a limiter into the chain, or say limiter: on",
			 album->ceiling_dbtp, album->after.integrated, album->target_lufs);
	if (!is_plan && album->limiter)
		job_print(job, "\nlimiter: at most %.1f dB of reduction\n", -album->reduction_db);
	if (!is_plan)
		warn_limited(job, album);
	if (!is_plan)
		report_made(job);
	json_object_set_new(json, "plan", json_boolean(is_plan));
	json_object_update(job_json(job), json);
	json_decref(json);
}

static int make(struct job *job, struct album *album, const struct album_wants *wants,
		const char *folder, struct mixd_error *err)
{
	_cleanup_(album_stage_freep) struct album_stage *stage = NULL;
	_cleanup_(spool_freep) struct spool *spool = NULL;
	int r = album_stage_new(folder, job_text(job, "output", ""), &stage, err);

	if (r == 0)
		r = album_sound(job, album, album_stage_folder(stage), &spool, err);
	if (r == 0)
		r = album_deliver(job, album, wants, spool, album_stage_folder(stage), err);
	if (r == 0)
		r = task_check(job_task(job), err);
	if (r == 0)
		r = album_replace_check(album, album_stage_folder(stage), folder, err);
	if (r == 0)
		json_object_set_new(job_json(job), "files", list_made(album_stage_folder(stage)));
	return r < 0 ? r : album_stage_commit(stage, err);
}

int verb_album(struct job *job, struct mixd_error *err)
{
	static const char *const media[] = {"80min", "74min", "none"};
	_cleanup_(album_freep) struct album *album = NULL;
	_cleanup_free_ char *path = job_path(job, job_arg(job, 0));
	_cleanup_free_ char *folder = job_path(job, job_text(job, "output", "."));
	struct album_wants wants = {
		.tracks = job_text(job, "tracks", NULL),
		.ddp = job_flag(job, "ddp"),
		.cue = job_flag(job, "cue"),
		.pq = job_flag(job, "pq"),
		.seed = (uint64_t)job_number(job, "seed", 1),
	};
	bool is_plan = job_flag(job, "plan");
	int r = 0;

	if (!path || !folder)
		return error_no_memory(err);
	for (size_t n = strlen(folder); n > 1 && folder[n - 1] == '/'; n--)
		folder[n - 1] = '\0';
	for (int i = 0; i < 3; i++)
		if (strcmp(job_text(job, "media", media[0]), media[i]) == 0)
			wants.media = (enum redbook_media)i;
	if (!is_plan)
		r = album_wants_check(&wants, err);
	if (r == 0 && !is_plan && !job_text(job, "output", NULL)) {
		r = error_set(err, ERROR_USAGE, "--output", "there is no folder for what is made");
		error_hint(err, "say -o DIR");
	}
	if (r == 0)
		r = album_read(path, job_arg(job, 0), &album, err);
	if (r < 0)
		return r;
	r = album_check(job, album, err);
	if (r == 0) {
		job_stage(job, "scan", NULL);
		r = album_scan(album, job_task(job), err);
	}
	if (r == 0)
		r = album_place(album, err);
	if (r == 0 && (is_plan || wants.ddp || wants.cue || wants.pq))
		r = check_disc(job, album, wants.media, err);
	if (r == 0 && !is_plan)
		r = make(job, album, &wants, folder, err);
	if (r == 0)
		report(job, album, is_plan);
	return r;
}
