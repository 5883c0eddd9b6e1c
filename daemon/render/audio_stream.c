/* audio_stream.c - see audio_stream.h.
 *
 * Resampling: soxr (the SoX resampler library), quality VHQ, one instance per stream. soxr's output
 * frame 0 lies on its input frame 0; so a resampler that is begun at output frame a, a multiple of q,
 * and fed from input frame a * p / q on, makes the frames that one from the beginning makes, once its
 * filter is full. */
#include "audio_stream.h"

#include <errno.h>
#include <math.h>
#include <soxr.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audio_file.h"
#include "cleanup.h"
#include "graph_layout.h"
#include "media_read.h"

#define STREAM_CHUNK 4096u /* frames decoded at a time */
#define STREAM_Q_MAX 100000u /* of the ratio p/q */
#define STREAM_FILL 2048.0 /* frames that fill soxr's filter, at the lower of both rates */

struct mixd_stream {
	/* --- immutable after open --- */
	char *path;
	struct media_reader *reader;
	uint32_t n_channels;
	uint64_t n_source, n_frames; /* of the file; of the stream */
	double file_rate;
	uint64_t p, q; /* file frames per stream frame */
	bool reverse;
	/* --- where it is --- */
	int64_t file_at; /* the reader's next frame */
	soxr_t soxr;
	uint64_t next; /* stream frame that soxr gives next */
	uint64_t fed; /* frames of the file, in the stream's direction, that soxr was given */
	float *planes;
	float *plane[MIXD_CHANNELS_MAX];
	float *waste[MIXD_CHANNELS_MAX]; /* STREAM_CHUNK frames nobody wants */
};

__attribute__((format(printf, 3, 4))) static int stream_fault(struct mixd_fault *fault, int error,
							      const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(fault->text, sizeof(fault->text), fmt, ap);
	va_end(ap);
	return -error;
}

/* ---- the ratio --------------------------------------------------------------------------------- */

/* The nearest p/q with a small q: convergents of the continued fraction (Khinchin, Continued
 * Fractions, 1964, ch. II). */
static void stream_ratio(double ratio, uint64_t *ret_p, uint64_t *ret_q)
{
	double x = ratio;
	uint64_t p0 = 0, q0 = 1, p1 = 1, q1 = 0;

	for (int i = 0; i < 40; i++) {
		double whole = floor(x);
		uint64_t p = (uint64_t)whole * p1 + p0, q = (uint64_t)whole * q1 + q0;

		if (q > STREAM_Q_MAX)
			break;
		p0 = p1;
		q0 = q1;
		p1 = p;
		q1 = q;
		if (x - whole < 1e-9 || fabs((double)p / (double)q - ratio) < 1e-15 * ratio)
			break;
		x = 1.0 / (x - whole);
	}
	*ret_p = p1;
	*ret_q = q1;
}

/* ---- the file ---------------------------------------------------------------------------------- */

static int stream_failed(struct mixd_fault *fault, int r, const struct mixd_error *err)
{
	snprintf(fault->text, sizeof(fault->text), "%.100s: %.80s", err->address, err->text);
	snprintf(fault->hint, sizeof(fault->hint), "%.190s", err->hint);
	return r;
}

/* N frames of the file from AT on into CHANNELS; fewer at its end. */
static int64_t stream_decode(struct mixd_stream *stream, int64_t at, float *const *channels,
			     uint32_t n, struct mixd_fault *fault)
{
	struct mixd_error err = {0};
	uint32_t done = 0;

	if (at != stream->file_at) {
		int r = media_seek(stream->reader, at, &err);

		if (r < 0)
			return stream_failed(fault, r, &err);
	}
	while (done < n) {
		float *to[MIXD_CHANNELS_MAX];
		int64_t got;

		for (uint32_t c = 0; c < stream->n_channels; c++)
			to[c] = channels[c] + done;
		got = media_read(stream->reader, to, n - done, &err);
		if (got < 0)
			return stream_failed(fault, (int)got, &err);
		if (got == 0)
			break;
		done += (uint32_t)got;
	}
	stream->file_at = at + done;
	return done;
}

/* N frames from AT on, in the stream's direction, into CHANNELS. What the file should have, and has
 * not, is silence. */
static int stream_source(struct mixd_stream *stream, uint64_t at, float *const *channels,
			 uint32_t n, struct mixd_fault *fault)
{
	uint64_t first = stream->reverse ? stream->n_source - at - n : at;
	int64_t got = stream_decode(stream, (int64_t)first, channels, n, fault);

	if (got < 0)
		return (int)got;
	for (uint32_t c = 0; c < stream->n_channels; c++) {
		float *x = channels[c];

		memset(x + got, 0, (n - (size_t)got) * sizeof(float));
		for (uint32_t i = 0; stream->reverse && i < n / 2; i++) {
			float other = x[n - 1 - i];

			x[n - 1 - i] = x[i];
			x[i] = other;
		}
	}
	return 0;
}

/* ---- other rates ------------------------------------------------------------------------------- */

/* soxr begins anew, early enough for its filter to be full at FRAME. */
static int stream_restart(struct mixd_stream *stream, uint64_t frame, struct mixd_fault *fault)
{
	soxr_io_spec_t io = soxr_io_spec(SOXR_FLOAT32_S, SOXR_FLOAT32_S);
	soxr_quality_spec_t quality = soxr_quality_spec(SOXR_VHQ, 0);
	soxr_runtime_spec_t runtime = soxr_runtime_spec(1);
	double down = (double)stream->q / (double)stream->p;
	uint64_t fill = (uint64_t)(STREAM_FILL * (down > 1.0 ? down : 1.0));
	uint64_t anchor = frame > fill ? (frame - fill) / stream->q * stream->q : 0;
	soxr_error_t error = NULL;

	soxr_delete(stream->soxr);
	stream->soxr = soxr_create((double)stream->p, (double)stream->q, stream->n_channels, &error,
				   &io, &quality, &runtime);
	if (error || !stream->soxr)
		return stream_fault(fault, ENOMEM, "no memory to resample \"%.120s\"",
				    stream->path);
	stream->next = anchor;
	stream->fed = anchor / stream->q * stream->p;
	return 0;
}

/* Some of N frames that soxr has next into OUT: it is fed until it gives some. */
static int64_t stream_make(struct mixd_stream *stream, float *const *out, uint32_t n,
			   struct mixd_fault *fault)
{
	for (;;) {
		uint64_t left = stream->fed < stream->n_source ? stream->n_source - stream->fed : 0;
		uint32_t in = left < STREAM_CHUNK ? (uint32_t)left : STREAM_CHUNK;
		size_t used = 0, made = 0;
		int r;

		/* what is in it comes first: it takes no input while it still has frames */
		if (soxr_process(stream->soxr, stream->plane, 0, &used, (soxr_out_t)out, n, &made))
			break;
		if (made)
			return (int64_t)made;
		r = in ? stream_source(stream, stream->fed, stream->plane, in, fault) : 0;
		if (r < 0)
			return r;
		if (soxr_process(stream->soxr, in ? (soxr_in_t)stream->plane : NULL, in, &used,
				 (soxr_out_t)out, n, &made))
			break;
		stream->fed += used;
		if (made || !in)
			return (int64_t)made;
	}
	return stream_fault(fault, EIO, "cannot resample \"%.120s\"", stream->path);
}

static int stream_resampled(struct mixd_stream *stream, uint64_t frame, float *const *channels,
			    uint32_t n, struct mixd_fault *fault)
{
	uint32_t done = 0;

	if ((!stream->soxr || frame < stream->next || frame - stream->next > 4 * STREAM_CHUNK)) {
		int r = stream_restart(stream, frame, fault);

		if (r < 0)
			return r;
	}
	while (done < n) {
		float *out[MIXD_CHANNELS_MAX];
		bool early = stream->next < frame;
		uint64_t want = early ? frame - stream->next : n - done;
		int64_t made;

		for (uint32_t c = 0; c < stream->n_channels; c++)
			out[c] = early ? stream->waste[c] : channels[c] + done;
		made = stream_make(stream, out, want < STREAM_CHUNK ? (uint32_t)want : STREAM_CHUNK,
				   fault);
		if (made < 0)
			return (int)made;
		if (made == 0)
			break; /* the end */
		stream->next += (uint64_t)made;
		done += early ? 0 : (uint32_t)made;
	}
	for (uint32_t c = 0; c < stream->n_channels; c++)
		memset(channels[c] + done, 0, (n - done) * sizeof(float));
	stream->next = done < n ? UINT64_MAX : stream->next; /* at its end soxr must begin anew */
	return 0;
}

int audio_stream_read(struct mixd_stream *stream, uint64_t frame, float *const *channels,
		      uint32_t n_frames, struct mixd_fault *fault)
{
	uint64_t left = frame < stream->n_frames ? stream->n_frames - frame : 0;
	uint32_t n = left < n_frames ? (uint32_t)left : n_frames;
	int r = 0;

	*fault = (struct mixd_fault){0};
	for (uint32_t c = 0; c < stream->n_channels; c++)
		memset(channels[c] + n, 0, (n_frames - n) * sizeof(float));
	if (n && stream->p == stream->q)
		r = stream_source(stream, frame, channels, n, fault);
	else if (n)
		r = stream_resampled(stream, frame, channels, n, fault);
	if (r < 0 && !fault->hint[0])
		snprintf(fault->hint, sizeof(fault->hint),
			 "is the file damaged, or its disk gone? write it anew");
	return r;
}

/* ---- open and close ---------------------------------------------------------------------------- */

static int stream_look(struct mixd_stream *stream, bool whole, struct mixd_fault *fault)
{
	const struct media_info *info = media_reader_info(stream->reader);

	if (info->n_frames < 0 || info->n_channels > MIXD_CHANNELS_MAX) {
		snprintf(fault->hint, sizeof(fault->hint), "write it as WAV or FLAC");
		return stream_fault(fault, EINVAL,
				    "the file \"%.120s\" does not say how long it is",
				    stream->path);
	}
	if (!whole)
		media_reader_tolerate(stream->reader);
	stream->n_channels = info->n_channels;
	stream->n_source = (uint64_t)info->n_frames;
	stream->file_rate = info->rate;
	return 0;
}

static int stream_memory(struct mixd_stream *stream)
{
	size_t chunk = (size_t)stream->n_channels * STREAM_CHUNK;

	stream->planes = malloc(2 * chunk * sizeof(float));
	if (!stream->planes)
		return -ENOMEM;
	for (uint32_t c = 0; c < stream->n_channels; c++) {
		stream->plane[c] = stream->planes + (size_t)c * STREAM_CHUNK;
		stream->waste[c] = stream->planes + chunk + (size_t)c * STREAM_CHUNK;
	}
	return 0;
}

/* The one that lives for ever. */
static const struct mixd_layout *stream_layout(const struct media_info *info)
{
	const struct mixd_layout *layout = graph_layout_find(info->layout.name, NULL);
	char name[16];

	if (layout && layout->n_channels == info->n_channels)
		return layout;
	snprintf(name, sizeof(name), "%uch", info->n_channels);
	return graph_layout_find(name, NULL);
}

static int stream_open(const char *path, double rate, double speed, bool reverse, bool whole,
		       struct mixd_stream **ret, struct mixd_stream_info *ret_info,
		       struct mixd_fault *fault)
{
	struct mixd_stream *stream = calloc(1, sizeof(*stream));
	struct mixd_error err = {0};
	int r = stream ? 0 : -ENOMEM;

	*fault = (struct mixd_fault){0};
	if (r == 0)
		r = audio_file_find(path, &stream->path, fault);
	if (r == 0) {
		r = media_open(stream->path, &stream->reader, &err);
		if (r < 0)
			stream_failed(fault, r, &err);
	}
	if (r == 0)
		r = stream_look(stream, whole, fault);
	if (r == 0)
		r = stream_memory(stream);
	if (r < 0) {
		audio_stream_close(stream);
		if (r == -ENOMEM)
			stream_fault(fault, ENOMEM, "no memory for the file \"%.120s\"", path);
		return r;
	}
	stream->reverse = reverse;
	stream_ratio(stream->file_rate * speed / rate, &stream->p, &stream->q);
	stream->n_frames =
		(uint64_t)ceil((double)stream->n_source * (double)stream->q / (double)stream->p);
	*ret_info = (struct mixd_stream_info){
		.layout = stream_layout(media_reader_info(stream->reader)),
		.n_frames = stream->n_frames,
		.file_rate = stream->file_rate};
	*ret = stream;
	return 0;
}

int audio_stream_open(const char *path, double rate, double speed, bool reverse,
		      struct mixd_stream **ret, struct mixd_stream_info *ret_info,
		      struct mixd_fault *fault)
{
	return stream_open(path, rate, speed, reverse, false, ret, ret_info, fault);
}

int audio_stream_open_whole(const char *path, double rate, double speed, bool reverse,
			    struct mixd_stream **ret, struct mixd_stream_info *ret_info,
			    struct mixd_fault *fault)
{
	return stream_open(path, rate, speed, reverse, true, ret, ret_info, fault);
}

void audio_stream_close(struct mixd_stream *stream)
{
	if (!stream)
		return;
	media_close(stream->reader);
	soxr_delete(stream->soxr);
	free(stream->planes);
	free(stream->path);
	free(stream);
}
