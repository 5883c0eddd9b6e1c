/* album_scan.c - where the sound of each file begins and ends; see album.h.
 *
 * SOURCE      perceived end: the end of the last window of 50 ms whose RMS, all channels together, is
 *             -60 dBFS or more with the track's gain; perceived start: the first sample at that level
 *             in the first such window, or in the one before it. (House rule: there is no norm.) */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "album.h"
#include "cleanup.h"
#include "media_read.h"

#define WINDOW_S 0.05
#define THRESHOLD_DBFS (-60.0)
#define BLOCK 4096u

DEFINE_CLEANUP(media_close, struct media_reader *)

struct scan {
	double threshold; /* linear, in the file as it is */
	int64_t window; /* frames */
	uint32_t n_channels;
	/* of the window at hand */
	double sum;
	int64_t filled, first_loud;
	/* found */
	int64_t frame, start, end, loud_before;
};

static void scan_window(struct scan *scan)
{
	double mean = scan->sum / ((double)scan->filled * scan->n_channels);
	int64_t begin = scan->frame - scan->filled;

	if (mean >= scan->threshold * scan->threshold) {
		if (scan->start < 0)
			scan->start = scan->loud_before >= 0  ? scan->loud_before
				      : scan->first_loud >= 0 ? scan->first_loud
							      : begin;
		scan->end = scan->frame;
	}
	scan->loud_before = scan->first_loud;
	scan->first_loud = -1;
	scan->sum = 0;
	scan->filled = 0;
}

static void scan_feed(struct scan *scan, float *const *channels, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		for (uint32_t c = 0; c < scan->n_channels; c++) {
			double x = (double)channels[c][i];

			scan->sum += x * x;
			if (scan->first_loud < 0 && fabs(x) >= scan->threshold)
				scan->first_loud = scan->frame;
		}
		scan->frame++;
		if (++scan->filled == scan->window)
			scan_window(scan);
	}
}

static int scan_all(struct media_reader *reader, struct scan *scan, struct task *task,
		    struct mixd_error *err)
{
	uint32_t n_channels = media_reader_info(reader)->n_channels;
	_cleanup_free_ float *memory = malloc(sizeof(float) * BLOCK * n_channels);
	float *channels[MEDIA_CHANNELS_MAX];
	int64_t n = 1;

	if (!memory)
		return error_no_memory(err);
	for (uint32_t c = 0; c < n_channels; c++)
		channels[c] = memory + (size_t)c * BLOCK;
	while (n > 0) {
		int r = task_check(task, err);

		if (r < 0)
			return r;
		n = media_read(reader, channels, BLOCK, err);
		if (n > 0)
			scan_feed(scan, channels, (uint32_t)n);
	}
	if (scan->filled)
		scan_window(scan);
	return n < 0 ? (int)n : 0;
}

/* To the album's rate. */
static int64_t to_rate(int64_t frames, double from, double to)
{
	return llround((double)frames * to / from);
}

static int scan_track(struct album *album, uint32_t idx, struct task *task, struct mixd_error *err)
{
	struct album_track *track = &album->track[idx];
	_cleanup_(media_closep) struct media_reader *reader = NULL;
	struct scan scan = {.start = -1, .first_loud = -1, .loud_before = -1};
	struct mixd_error why = {0};
	int r = media_open(track->file, &reader, &why);

	if (r == 0) {
		const struct media_info *info = media_reader_info(reader);

		track->file_rate = info->rate;
		track->n_channels = scan.n_channels = info->n_channels;
		scan.window = llround(WINDOW_S * info->rate);
		scan.threshold = pow(10, (THRESHOLD_DBFS - track->gain_db) / 20);
		r = scan_all(reader, &scan, task, &why);
	}
	if (r == -ECANCELED) {
		*err = why;
		return r;
	}
	if (r < 0) {
		album_track_error(album, idx, err, "%.100s: %.140s", track->file, why.text);
		error_hint(err, "%s", why.hint);
		err->code = why.code;
		return r;
	}
	track->file_frames = scan.frame;
	track->sound_start = scan.start;
	track->sound_end = scan.end;
	return 0;
}

static void choose_rate(struct album *album)
{
	for (uint32_t t = 0; t < album->n_tracks && !(album->rate > 0); t++)
		if (fmod(album->track[t].file_rate, 44100) == 0 ||
		    fmod(album->track[t].file_rate, 48000) == 0)
			album->rate = album->track[t].file_rate;
	if (!(album->rate > 0) || album->rate > 192000)
		album->rate = album->rate > 0 ? 192000 : DISC_RATE_HZ;
}

int album_scan(struct album *album, struct task *task, struct mixd_error *err)
{
	for (uint32_t t = 0; t < album->n_tracks; t++) {
		int r = scan_track(album, t, task, err);

		if (r < 0)
			return r;
		task_progress(task, t + 1, album->n_tracks);
	}
	choose_rate(album);
	for (uint32_t t = 0; t < album->n_tracks; t++) {
		struct album_track *track = &album->track[t];

		if (track->sound_start < 0) {
			album_track_error(album, t, err, "%.100s is silent", track->file);
			error_hint(err,
				   "nothing in it reaches %g dBFS: give another file, or a "
				   "gain",
				   THRESHOLD_DBFS);
			return -EINVAL;
		}
		track->file_frames = to_rate(track->file_frames, track->file_rate, album->rate);
		track->sound_start = to_rate(track->sound_start, track->file_rate, album->rate);
		track->sound_end = to_rate(track->sound_end, track->file_rate, album->rate);
	}
	return 0;
}
