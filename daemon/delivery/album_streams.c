/* album_streams.c - see album_streams.h. */
#include "album_streams.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "graph_layout.h"
#include "media_write.h"
#include "render.h"

#define GAIN_RAMP_S 0.01 /* from one track's gain to the next, where they meet */

static const struct {
	const char *word, *container;
	uint32_t bits; /* 0: that of the stream, 24 */
	bool is_cd; /* from the stream of 44.1 kHz, 16 bits */
	double rate_max; /* lossy: at most this */
	double only_rate; /* 0: any */
	double bitrate_kbps;
} format_rows[] = {
	{"wav", "wav", 24, false, 0, 0, 0},	 {"wav24", "wav", 24, false, 0, 0, 0},
	{"wav16", "wav", 16, true, 0, 0, 0},	 {"flac", "flac", 24, false, 0, 0, 0},
	{"flac24", "flac", 24, false, 0, 0, 0},	 {"flac16", "flac", 16, true, 0, 0, 0},
	{"aiff", "aiff", 24, false, 0, 0, 0},	 {"alac", "alac", 24, false, 0, 0, 0},
	{"mp3", "mp3", 0, false, 48000, 0, 320}, {"m4a", "m4a", 0, false, 48000, 0, 256},
	{"ogg", "ogg", 0, false, 48000, 0, 256}, {"opus", "opus", 0, false, 48000, 48000, 192},
};
#define N_FORMATS (sizeof(format_rows) / sizeof(format_rows[0]))

static int no_format(const char *word, struct mixd_error *err)
{
	const char *words[N_FORMATS], *nearest;

	for (size_t i = 0; i < N_FORMATS; i++)
		words[i] = format_rows[i].word;
	nearest = error_nearest(word, words, N_FORMATS);
	error_set(err, ERROR_USAGE, "--tracks", "there is no form of tracks \"%.40s\"", word);
	error_hint(err,
		   "%s%s%swant wav24 wav16 flac24 flac16 aiff alac mp3 m4a ogg opus, with "
		   "commas; lossy ones with :kbps (mp3:256)",
		   nearest ? "did you mean \"" : "", nearest ? nearest : "", nearest ? "\"? " : "");
	return -EINVAL;
}

/* The stream of RATE and BITS, made when it is not there. */
static uint32_t stream_of(struct album_streams *streams, double rate, uint32_t bits)
{
	for (uint32_t i = 0; i < streams->n; i++)
		if (streams->stream[i].rate == rate && streams->stream[i].bits == bits)
			return i;
	streams->stream[streams->n] = (struct album_stream){.rate = rate, .bits = bits};
	return streams->n++;
}

static double lossy_rate(double rate, double highest)
{
	if (rate <= highest)
		return rate;
	return fmod(rate, 48000) == 0 ? 48000 : 44100;
}

/* Before any sound is made, and not in words about a file that is not there yet. */
static int check_bitrate(const struct album_format *format, double rate, struct mixd_error *err)
{
	struct media_target target;

	media_target_init(&target);
	target.format = format->container;
	target.rate = rate;
	target.layout = *graph_layout_find("stereo", NULL);
	target.bitrate_kbps = format->bitrate_kbps;
	return media_target_complete(&target, "--tracks", err);
}

static int add_format(struct album_streams *streams, const struct album *album, char *word,
		      struct mixd_error *err)
{
	struct album_format *format = &streams->format[streams->n_formats];
	char *colon = strchr(word, ':'), *end = NULL;
	double album_rate = album ? album->rate : DISC_RATE_HZ, rate;
	size_t i = 0;

	if (streams->n_formats == ALBUM_FORMATS_MAX)
		return error_set(err, ERROR_USAGE, "--tracks", "more than %u forms of tracks",
				 ALBUM_FORMATS_MAX);
	snprintf(format->word, sizeof(format->word), "%s", word);
	if (colon)
		*colon = '\0';
	while (i < N_FORMATS && strcmp(format_rows[i].word, word) != 0)
		i++;
	if (i == N_FORMATS)
		return no_format(word, err);
	format->container = format_rows[i].container;
	format->bits = format_rows[i].bits;
	format->bitrate_kbps = format_rows[i].bitrate_kbps;
	if (colon) {
		format->word[colon - word] = '-';
		format->bitrate_kbps = strtod(colon + 1, &end);
		if (format->bits || *end || !(format->bitrate_kbps >= 16) ||
		    format->bitrate_kbps > 640) {
			error_set(err, ERROR_USAGE, "--tracks", "\"%.40s\" is no bit rate of %s",
				  colon + 1, word);
			error_hint(err, "want mp3, m4a, ogg or opus with 16 to 640: mp3:256");
			return -EINVAL;
		}
	}
	for (uint32_t k = 0; k < streams->n_formats; k++)
		if (strcmp(streams->format[k].word, format->word) == 0)
			return 0;
	rate = format_rows[i].rate_max > 0 ? lossy_rate(album_rate, format_rows[i].rate_max)
					   : album_rate;
	rate = format_rows[i].only_rate > 0 ? format_rows[i].only_rate : rate;
	if (colon && check_bitrate(format, rate, err) < 0)
		return -EINVAL;
	format->stream = format_rows[i].is_cd ? stream_of(streams, DISC_RATE_HZ, 16)
					      : stream_of(streams, rate, 24);
	streams->n_formats++;
	return 0;
}

int album_streams_plan(struct album_streams *streams, const struct album *album,
		       const struct album_wants *wants, struct mixd_error *err)
{
	_cleanup_free_ char *list = strdup(wants->tracks ? wants->tracks : "");
	char *rest = NULL;

	*streams = (struct album_streams){.cd = -1};
	if (!list)
		return error_no_memory(err);
	for (char *word = strtok_r(list, ", ", &rest); word; word = strtok_r(NULL, ", ", &rest)) {
		int r = add_format(streams, album, word, err);

		if (r < 0)
			return r;
	}
	if (wants->ddp || wants->cue) {
		streams->cd = (int)stream_of(streams, DISC_RATE_HZ, 16);
		streams->stream[streams->cd].is_kept = wants->cue;
	}
	return 0;
}

void album_streams_done(struct album_streams *streams)
{
	for (uint32_t i = 0; i < streams->n; i++) {
		free(streams->stream[i].path);
		streams->stream[i].path = NULL;
	}
}

/* ---- writing -------------------------------------------------------------------------------- */

struct feed {
	const struct album *album;
	struct spool *spool;
	int64_t frame;
	uint32_t track;
};

static double linear(double db)
{
	return pow(10, db / 20);
}

/* The gain at FRAME: that of its track, and a ramp where the next one begins. */
static void feed_gain(struct feed *feed, float *const *channels, int64_t n)
{
	const struct album *album = feed->album;
	double ramp = GAIN_RAMP_S * album->rate;

	for (int64_t i = 0; i < n; i++) {
		int64_t frame = feed->frame + i;
		double gain, before, x;

		while (feed->track + 1 < album->n_tracks &&
		       frame >= album->track[feed->track + 1].mark)
			feed->track++;
		gain = album->track[feed->track].album_gain_db;
		before = feed->track ? album->track[feed->track - 1].album_gain_db : gain;
		x = (double)(frame - album->track[feed->track].mark) / ramp;
		if (x < 1)
			gain = before + (gain - before) * x;
		if (gain == 0)
			continue;
		gain = linear(gain);
		channels[0][i] = (float)((double)channels[0][i] * gain);
		channels[1][i] = (float)((double)channels[1][i] * gain);
	}
}

/* Exactly as many frames as the album has. */
static int64_t feed_read(void *data, float *const *channels, uint32_t n_frames,
			 struct mixd_error *err)
{
	struct feed *feed = data;
	int64_t left = feed->album->n_frames - feed->frame, n;

	if (left <= 0)
		return 0;
	if (n_frames > left)
		n_frames = (uint32_t)left;
	n = spool_read(feed->spool, channels, n_frames, err);
	if (n < 0)
		return n;
	if (n == 0) {
		memset(channels[0], 0, n_frames * sizeof(float));
		memset(channels[1], 0, n_frames * sizeof(float));
		n = n_frames;
	}
	feed_gain(feed, channels, n);
	feed->frame += n;
	return n;
}

static const char plain_session[] = "mixd: 1\n"
				    "nodes:\n"
				    "  in: {type: input, layout: stereo}\n"
				    "  out: {type: output, layout: stereo}\n"
				    "links: [in -> out]\n";
static const char limited_session[] = "mixd: 1\n"
				      "nodes:\n"
				      "  in: {type: input, layout: stereo}\n"
				      "  limit: {type: limiter}\n"
				      "  out: {type: output, layout: stereo}\n"
				      "links: [in -> limit -> out]\n";

static int set_output(struct album_stream *stream, const struct album *album, uint32_t idx,
		      const char *folder, uint64_t seed, struct render_output *output)
{
	if (asprintf(&stream->path, "%s/stream%u.wav", folder, idx) < 0) {
		stream->path = NULL;
		return -ENOMEM;
	}
	*output = (struct render_output){.path = stream->path};
	media_target_init(&output->target);
	output->target.format = "wav";
	output->target.rate = stream->rate;
	output->target.bits = stream->bits;
	output->target.seed = seed;
	output->target.expected_frames = album_edge(album, album->n_tracks, stream->rate);
	return 0;
}

int album_streams_write(struct job *job, struct album *album, struct album_streams *streams,
			struct spool *spool, const char *folder, uint64_t seed,
			struct mixd_error *err)
{
	struct feed feed = {.album = album, .spool = spool};
	struct render_source source = {feed_read, &feed, 2, NULL};
	struct render_input input = {.source = &source};
	struct render_output output[ALBUM_STREAMS_MAX];
	char ceiling[64];
	const char *set[] = {ceiling}, *meter[] = {"limit.gr"};
	struct render_request request = {
		.session = album->limiter ? limited_session : plain_session,
		.session_name = "mixd",
		.set = set,
		.n_set = album->limiter ? 1 : 0,
		.rate = album->rate,
		.end_s = (double)album->n_frames / album->rate,
		.seed = seed,
		.input = &input,
		.n_inputs = 1,
		.output = output,
		.n_outputs = streams->n,
		.meter = meter,
		.ret_meter = &album->reduction_db,
		.n_meters = album->limiter ? 1 : 0,
	};
	struct render_report report;
	int r = job_types(job, &request.types, err);

	snprintf(ceiling, sizeof(ceiling), "limit.ceiling=%.6fdBTP",
		 isnan(album->ceiling_dbtp) ? -1 : album->ceiling_dbtp);
	for (uint32_t i = 0; i < streams->n && r == 0; i++)
		if (set_output(&streams->stream[i], album, i, folder, seed, &output[i]) < 0)
			r = error_no_memory(err);
	job_stage(job, "write", NULL);
	if (r == 0)
		r = render_run(&request, job_task(job), &report, err);
	for (uint32_t i = 0; i < streams->n && r == 0; i++)
		streams->stream[i].clips = output[i].clips;
	return r;
}
