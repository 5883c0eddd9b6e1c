/* album_deliver.c - the streams cut into what is delivered: tracks, cue sheet, DDP set, sheets; see
 * album.h. */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "album.h"
#include "album_streams.h"
#include "cleanup.h"
#include "ddp.h"
#include "graph_layout.h"
#include "media_read.h"
#include "media_write.h"

#define BLOCK 4704u /* 8 sectors */

DEFINE_CLEANUP(media_close, struct media_reader *)
DEFINE_CLEANUP(media_file_free, struct media_file *)
DEFINE_CLEANUP(ddp_writer_free, struct ddp_writer *)

struct deliver {
	struct job *job;
	struct album *album;
	const struct album_wants *wants;
	struct album_streams streams;
	const char *folder; /* of the stage */
	char name[128]; /* of the album, for files */
};

/* TEXT as a part of a file's name: no separators, no control characters, nothing hidden. */
static void file_name(const char *text, char *ret, size_t size)
{
	size_t n = 0;

	for (; *text && n + 5 < size; text++) {
		unsigned char c = (unsigned char)*text;

		if (n == 0 && (c == '.' || c == ' ' || c == '-'))
			continue;
		ret[n++] = c < 0x20 || c == 0x7f || strchr("/\\:*?\"<>|", c) ? '_' : (char)c;
	}
	while (n && ((unsigned char)text[0] & 0xc0) == 0x80 && ((unsigned char)ret[n - 1] & 0x80))
		n--; /* no half letter at the end */
	while (n && (ret[n - 1] == ' ' || ret[n - 1] == '.'))
		n--;
	ret[n] = '\0';
	if (n == 0)
		snprintf(ret, size, "untitled");
}

static int put_text(const struct deliver *deliver, const char *ending, char *text,
		    struct mixd_error *err)
{
	_cleanup_(media_file_freep) struct media_file *file = NULL;
	_cleanup_free_ char *path = NULL, *owned = text;
	int r;

	if (!owned || asprintf(&path, "%s/%s%s", deliver->folder, deliver->name, ending) < 0)
		return error_no_memory(err);
	r = media_file_create(path, &file, err);
	if (r == 0)
		r = media_file_write(file, owned, strlen(owned), err);
	return r < 0 ? r : media_file_commit(file, err);
}

/* ---- measured as delivered ------------------------------------------------------------------ */

static int64_t reader_give(void *data, float *const *channels, uint32_t n_frames,
			   struct mixd_error *err)
{
	return media_read(data, channels, n_frames, err);
}

static int measure_after(struct deliver *deliver, struct mixd_error *err)
{
	struct album *album = deliver->album;
	const struct album_stream *stream = &deliver->streams.stream[0];
	_cleanup_(media_closep) struct media_reader *reader = NULL;
	_cleanup_free_ struct measure_result *result =
		calloc(album->n_tracks, sizeof(struct measure_result));
	int r;

	if (!result)
		return error_no_memory(err);
	job_stage(deliver->job, "measure", NULL);
	r = media_open(stream->path, &reader, err);
	if (r < 0)
		return r;
	r = album_measure(album, reader_give, reader, stream->rate, result, &album->after,
			  job_task(deliver->job), err);
	for (uint32_t t = 0; t < album->n_tracks; t++)
		album->track[t].after = result[t];
	album->is_measured = r == 0;
	return r;
}

/* ---- one file per track --------------------------------------------------------------------- */

static int set_tags(const struct album *album, uint32_t t, struct media_tags *tags)
{
	const struct album_track *track = &album->track[t];
	char number[16], total[16];
	const struct {
		const char *name, *value;
	} rows[] = {
		{"TITLE", track->title},
		{"ARTIST", track->artist ? track->artist : album->artist},
		{"ALBUM", album->title},
		{"ALBUMARTIST", album->artist},
		{"TRACKNUMBER", number},
		{"TRACKTOTAL", total},
		{"DATE", album->date},
		{"GENRE", album->genre_text ? album->genre_text : album->genre},
		{"COMPOSER", track->composer ? track->composer : album->composer},
		{"ISRC", track->isrc[0] ? track->isrc : NULL},
		{"BARCODE", album->disc.upc[0] ? album->disc.upc : NULL},
		{"CATALOGNUMBER", album->catalog},
	};
	int r = 0;

	snprintf(number, sizeof(number), "%u", t + 1);
	snprintf(total, sizeof(total), "%u", album->n_tracks);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && r == 0; i++)
		if (rows[i].value)
			r = media_tags_set(tags, rows[i].name, rows[i].value);
	tags->replay_gain = isfinite(track->after.integrated);
	tags->loudness.integrated = track->after.integrated;
	tags->loudness.true_peak = track->after.true_peak;
	tags->loudness.album_integrated = album->after.integrated;
	tags->loudness.album_true_peak = album->after.true_peak;
	return r;
}

static int track_create(const struct deliver *deliver, const struct album_format *format,
			uint32_t t, struct media_writer **ret, struct mixd_error *err)
{
	const struct album *album = deliver->album;
	double rate = deliver->streams.stream[format->stream].rate;
	_cleanup_free_ char *path = NULL;
	struct media_target target;
	struct media_tags tags;
	char title[128] = "", number[24];
	int r;

	snprintf(number, sizeof(number), "%02u", t + 1);
	if (album->track[t].title)
		file_name(album->track[t].title, title, sizeof(title));
	if (asprintf(&path, "%s/%s/%s%s%s.%s", deliver->folder, format->word, number,
		     title[0] ? " " : "", title, media_format_ending(format->container)) < 0)
		return error_no_memory(err);
	media_tags_init(&tags);
	r = set_tags(album, t, &tags) < 0 ? error_no_memory(err) : 0;
	media_target_init(&target);
	target.format = format->container;
	target.rate = rate;
	target.layout = *graph_layout_find("stereo", NULL);
	target.bits = format->bits;
	target.dither = MEDIA_DITHER_NONE; /* copied: every sample is on the grid */
	target.seed = deliver->wants->seed;
	target.bitrate_kbps = format->bitrate_kbps;
	target.expected_frames = album_edge(album, t + 1, rate) - album_edge(album, t, rate);
	target.tags = &tags;
	if (r == 0)
		r = media_create(path, &target, ret, err);
	media_tags_done(&tags);
	return r;
}

/* [FROM, TO) of READER to all writers. */
static int copy_frames(const struct deliver *deliver, struct media_reader *reader, int64_t n,
		       struct media_writer *const *writers, uint32_t n_writers,
		       struct mixd_error *err)
{
	static const uint32_t block = BLOCK;
	_cleanup_free_ float *memory = malloc(sizeof(float) * 2 * block);
	float *channels[2] = {memory, memory + block};

	if (!memory)
		return error_no_memory(err);
	while (n > 0) {
		int64_t got = media_read(reader, channels, (uint32_t)(n < block ? n : block), err);
		int r = got < 0 ? (int)got : task_check(job_task(deliver->job), err);

		if (r == 0 && got == 0)
			r = error_set(err, ERROR_RESOURCE, NULL, "a stream ended early");
		for (uint32_t i = 0; i < n_writers && r == 0; i++)
			r = media_write(writers[i], (const float *const *)channels, (uint32_t)got,
					err);
		if (r < 0)
			return r;
		n -= got;
	}
	return 0;
}

static int cut_track(const struct deliver *deliver, uint32_t s, struct media_reader *reader,
		     uint32_t t, struct mixd_error *err)
{
	const struct album_streams *streams = &deliver->streams;
	struct media_writer *writer[ALBUM_FORMATS_MAX] = {NULL};
	double rate = streams->stream[s].rate;
	uint32_t n = 0;
	int r = 0;

	for (uint32_t f = 0; f < streams->n_formats && r == 0; f++)
		if (streams->format[f].stream == s) {
			r = track_create(deliver, &streams->format[f], t, &writer[n], err);
			n += r == 0;
		}
	if (r == 0)
		r = copy_frames(deliver, reader,
				album_edge(deliver->album, t + 1, rate) -
					album_edge(deliver->album, t, rate),
				writer, n, err);
	for (uint32_t i = 0; i < n; i++) {
		if (r == 0)
			r = media_finish(writer[i], NULL, err);
		media_writer_free(writer[i]);
	}
	return r;
}

static int cut_stream(struct deliver *deliver, uint32_t s, struct mixd_error *err)
{
	_cleanup_(media_closep) struct media_reader *reader = NULL;
	const struct album *album = deliver->album;
	struct task *task = job_task(deliver->job);
	bool is_used = false;
	int r;

	for (uint32_t f = 0; f < deliver->streams.n_formats; f++)
		is_used = is_used || deliver->streams.format[f].stream == s;
	if (!is_used)
		return 0;
	r = media_open(deliver->streams.stream[s].path, &reader, err);
	for (uint32_t t = 0; t < album->n_tracks && r == 0; t++) {
		r = cut_track(deliver, s, reader, t, err);
		task_progress(task, (double)album_edge(album, t + 1, album->rate) / album->rate,
			      (double)album->n_frames / album->rate);
	}
	return r;
}

static int cut_tracks(struct deliver *deliver, struct mixd_error *err)
{
	int r = 0;

	job_stage(deliver->job, "tracks", NULL);
	for (uint32_t f = 0; f < deliver->streams.n_formats && r == 0; f++) {
		_cleanup_free_ char *path = NULL;

		if (asprintf(&path, "%s/%s", deliver->folder, deliver->streams.format[f].word) < 0)
			return error_no_memory(err);
		if (mkdir(path, 0777) < 0)
			r = error_set(err, ERROR_RESOURCE, path, "%s", strerror(errno));
	}
	for (uint32_t s = 0; s < deliver->streams.n && r == 0; s++)
		r = cut_stream(deliver, s, err);
	return r;
}

/* ---- CD ------------------------------------------------------------------------------------- */

static int image_copy(struct deliver *deliver, struct ddp_writer *writer, struct mixd_error *err)
{
	const struct album_stream *stream = &deliver->streams.stream[deliver->streams.cd];
	_cleanup_(media_closep) struct media_reader *reader = NULL;
	_cleanup_free_ float *memory = malloc(sizeof(float) * 2 * BLOCK);
	_cleanup_free_ int16_t *frames = malloc(sizeof(int16_t) * 2 * BLOCK);
	float *channels[2] = {memory, memory + BLOCK};
	int r = memory && frames ? media_open(stream->path, &reader, err) : error_no_memory(err);
	int64_t n = 1, done = 0;

	while (r == 0 && n > 0) {
		n = media_read(reader, channels, BLOCK, err);
		for (int64_t i = 0; i < n; i++) {
			frames[2 * i] = (int16_t)lrintf(channels[0][i] * 32768);
			frames[2 * i + 1] = (int16_t)lrintf(channels[1][i] * 32768);
		}
		r = n < 0 ? (int)n : ddp_write(writer, frames, (size_t)n, err);
		done += n;
		task_progress(job_task(deliver->job), (double)done / DISC_RATE_HZ,
			      (double)deliver->album->n_frames / deliver->album->rate);
		if (r == 0)
			r = task_check(job_task(deliver->job), err);
	}
	return r;
}

static int make_ddp(struct deliver *deliver, struct mixd_error *err)
{
	_cleanup_(ddp_writer_freep) struct ddp_writer *writer = NULL;
	_cleanup_free_ char *folder = NULL;
	int r;

	job_stage(deliver->job, "DDP", NULL);
	if (asprintf(&folder, "%s/DDP", deliver->folder) < 0)
		return error_no_memory(err);
	if (mkdir(folder, 0777) < 0)
		return error_set(err, ERROR_RESOURCE, folder, "%s", strerror(errno));
	r = ddp_create(folder, &writer, err);
	if (r == 0)
		r = ddp_write_silence(writer, DISC_PREGAP_SECTORS, err);
	if (r == 0)
		r = image_copy(deliver, writer, err);
	return r < 0 ? r : ddp_finish(writer, &deliver->album->disc, err);
}

/* Streams that are delivered get their names, the others go. */
static int keep_streams(struct deliver *deliver, struct mixd_error *err)
{
	for (uint32_t s = 0; s < deliver->streams.n; s++) {
		const struct album_stream *stream = &deliver->streams.stream[s];
		_cleanup_free_ char *path = NULL;

		if (!stream->is_kept) {
			unlink(stream->path);
			continue;
		}
		if (asprintf(&path, "%s/%s.wav", deliver->folder, deliver->name) < 0)
			return error_no_memory(err);
		if (rename(stream->path, path) < 0)
			return error_set(err, ERROR_RESOURCE, path, "%s", strerror(errno));
	}
	return 0;
}

static int put_sheets(struct deliver *deliver, struct mixd_error *err)
{
	char wav[160];
	int r = 0;

	snprintf(wav, sizeof(wav), "%s.wav", deliver->name);
	if (deliver->wants->cue)
		r = put_text(deliver, ".cue", album_cue(deliver->album, wav), err);
	if (r == 0 && deliver->wants->pq)
		r = put_text(deliver, ".pq.txt", album_sheet_text(deliver->album), err);
	if (r == 0 && deliver->wants->pq)
		r = put_text(deliver, ".pq.html", album_sheet_html(deliver->album), err);
	return r;
}

int album_wants_check(const struct album_wants *wants, struct mixd_error *err)
{
	struct album_streams streams;

	if (!wants->tracks && !wants->ddp && !wants->cue && !wants->pq) {
		error_set(err, ERROR_USAGE, NULL, "there is nothing to make");
		error_hint(err, "say --ddp, --cue, --pq or --tracks wav24,flac; or --plan to look");
		return -EINVAL;
	}
	return album_streams_plan(&streams, NULL, wants, err);
}

static int deliver_all(struct deliver *deliver, struct spool *spool, struct mixd_error *err)
{
	struct album *album = deliver->album;
	int r = 0;

	/* a sheet alone needs no stream but one to be measured from */
	if (deliver->streams.n == 0) {
		deliver->streams.stream[0] = (struct album_stream){.rate = album->rate, .bits = 24};
		deliver->streams.n = 1;
	}
	r = album_streams_write(deliver->job, album, &deliver->streams, spool, deliver->folder,
				deliver->wants->seed, err);
	if (r == 0)
		r = measure_after(deliver, err);
	if (r == 0)
		r = cut_tracks(deliver, err);
	if (r == 0 && deliver->wants->ddp)
		r = make_ddp(deliver, err);
	if (r == 0)
		r = keep_streams(deliver, err);
	return r < 0 ? r : put_sheets(deliver, err);
}

int album_deliver(struct job *job, struct album *album, const struct album_wants *wants,
		  struct spool *spool, const char *folder, struct mixd_error *err)
{
	struct deliver deliver = {.job = job, .album = album, .wants = wants, .folder = folder};
	int r;

	file_name(album->title ? album->title : "album", deliver.name, sizeof(deliver.name));
	r = album_streams_plan(&deliver.streams, album, wants, err);
	if (r == 0)
		r = deliver_all(&deliver, spool, err);
	for (uint32_t s = 0; s < deliver.streams.n && r == 0; s++)
		if (deliver.streams.stream[s].clips)
			job_warn(job, album->document->name,
				 "%llu samples were over full scale and clipped",
				 (unsigned long long)deliver.streams.stream[s].clips);
	album_streams_done(&deliver.streams);
	return r;
}
