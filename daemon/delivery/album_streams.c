/* album_streams.c - see album_streams.h. */
#include "album_streams.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "album_pass.h"
#include "cleanup.h"
#include "graph_layout.h"
#include "media_write.h"

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
	struct render_output output[ALBUM_STREAMS_MAX] = {0};
	struct render_report report;
	struct album_pass pass;
	int r = album_pass_init(&pass, job, album, spool, err);

	pass.request.output = output;
	pass.request.n_outputs = streams->n;
	pass.request.seed = seed;
	for (uint32_t i = 0; i < streams->n && r == 0; i++)
		if (set_output(&streams->stream[i], album, i, folder, seed, &output[i]) < 0)
			r = error_no_memory(err);
	job_stage(job, "write", NULL);
	if (r == 0)
		r = render_run(&pass.request, job_task(job), &report, err);
	for (uint32_t i = 0; i < streams->n && r == 0; i++)
		streams->stream[i].clips = output[i].clips;
	return r;
}
