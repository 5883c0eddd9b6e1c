/* media_read.c - see media_read.h; what a reader is, is in media_open.c.
 *
 * STRUCTURE   A decoder fills a buffer with interleaved samples: raw bytes of the file, 32-bit words
 *             of lossless codecs, or floats of the others; from there they go to their channels.
 *             So the caller's blocks and the file's have nothing to do with each other. */
#include <errno.h>
#include <string.h>

#include "media_look.h"
#include "media_read_private.h"

#define PORTION_BYTES 16384u

const struct media_info *media_reader_info(const struct media_reader *reader)
{
	return &reader->info;
}

const struct media_tags *media_reader_tags(const struct media_reader *reader)
{
	return &reader->tags;
}

uint32_t media_reader_used_bits(const struct media_reader *reader)
{
	return reader->used_bits;
}

void media_reader_tolerate(struct media_reader *reader)
{
	reader->is_tolerant = true;
	if (reader->av)
		media_av_tolerate(reader->av);
	if (reader->cut_frames >= 0)
		reader->info.n_frames = reader->cut_frames;
}

/* ---- reading ----------------------------------------------------------------------------------- */

/* Keeps *ERR (filled) for those who ask again. */
static int reader_fail(struct media_reader *reader, int r, const struct mixd_error *err)
{
	reader->failure = r;
	if (err && err != &reader->err)
		reader->err = *err;
	return r;
}

static int reader_damaged(struct media_reader *reader, const char *why)
{
	struct mixd_error *err = &reader->err;

	error_set(err, ERROR_INVALID, reader->path, "is damaged after %.3f s: %.*s",
		  (double)reader->position / reader->info.rate, (int)strcspn(why, ".\n"), why);
	error_hint(err, "copy or export it again");
	return reader_fail(reader, -EINVAL, err);
}

static int reader_truncated(struct media_reader *reader)
{
	struct mixd_error *err = &reader->err;

	error_set(err, ERROR_INVALID, reader->path,
		  "is truncated: it ends after %.3f s, and its header says %.3f s",
		  (double)reader->position / reader->info.rate,
		  (double)reader->info.n_frames / reader->info.rate);
	error_hint(err, "copy or export it again");
	return reader_fail(reader, -EINVAL, err);
}

static int reader_cut(struct media_reader *reader, struct mixd_error *ret_err)
{
	struct mixd_error *err = &reader->err;

	error_set(err, ERROR_INVALID, reader->path,
		  "is truncated: it ends after %.3f s, and its header says that there is more",
		  (double)reader->position / reader->info.rate);
	error_hint(err, "copy or export it again");
	if (ret_err)
		*ret_err = *err;
	return reader_fail(reader, -EINVAL, err);
}

/* The decoder has no more. */
static int reader_end(struct media_reader *reader)
{
	const bool is_short = reader->info.n_frames > reader->position;

	if (sf_error(reader->file) != SF_ERR_NO_ERROR && !reader->is_tolerant)
		return reader_damaged(reader, sf_strerror(reader->file));
	if (!reader->is_tolerant && is_short && media_look_is_counted(reader->fd, &reader->info))
		return reader_truncated(reader);
	if (!reader->is_tolerant && !media_look_is_ended(reader->fd, &reader->info))
		return reader_damaged(reader, "its last page is missing");
	reader->info.n_frames = reader->position;
	return 0;
}

/* Frames to ask a decoder for that WANTED are wanted of: no more than that, so that what it gives is still
 * in the cache when it is converted, also when there are dozens of files; but not a call for a handful. */
static uint32_t reader_portion(const struct media_reader *reader, uint32_t wanted)
{
	const uint32_t least = PORTION_BYTES / (reader->info.n_channels * reader->pcm.bytes);

	wanted = wanted > least ? wanted : least;
	return wanted < reader->room ? wanted : reader->room;
}

/* Frames that are now in the buffer, 0 at the end, or -errno. */
static int64_t reader_fill(struct media_reader *reader, uint32_t wanted)
{
	const sf_count_t frame_bytes = (sf_count_t)reader->info.n_channels * reader->pcm.bytes;
	const int64_t left = reader->info.n_frames - reader->position;
	const uint32_t n = reader_portion(reader, wanted);
	sf_count_t got;

	if (reader->is_raw && left == 0)
		got = 0;
	else if (reader->is_raw)
		got = sf_read_raw(reader->file, reader->buffer, n * frame_bytes) / frame_bytes;
	else if (reader->pcm.is_float)
		got = sf_readf_float(reader->file, (float *)(void *)reader->buffer, n);
	else
		got = sf_readf_int(reader->file, (int *)(void *)reader->buffer, n);
	reader->at = 0;
	if (reader->is_raw && left > 0 && got > left)
		got = left;
	reader->have = got > 0 ? (uint32_t)got : 0;
	return got > 0 ? got : reader_end(reader);
}

static int reader_check_finite(struct media_reader *reader, float *const *channels, uint32_t first,
			       uint32_t n)
{
	struct mixd_error *err = &reader->err;

	for (uint32_t c = 0; c < reader->info.n_channels; c++) {
		uint32_t i = media_pcm_first_bad(channels[c] + first, n);

		if (i == n)
			continue;
		error_set(err, ERROR_INVALID, reader->path,
			  "holds samples that are not numbers: channel %u at %.3f s", c + 1,
			  (double)(reader->position + i) / reader->info.rate);
		error_hint(err, "export it again; what wrote it has divided by zero");
		return reader_fail(reader, -EDOM, err);
	}
	return 0;
}

static int64_t reader_read_av(struct media_reader *reader, float *const *channels,
			      uint32_t n_frames, struct mixd_error *err)
{
	int64_t n = media_av_read(reader->av, channels, n_frames, &reader->err);

	if (n == 0 && reader->is_cut && !reader->is_tolerant)
		return reader_cut(reader, err);
	if (n == 0 && reader->info.n_frames < 0)
		reader->info.n_frames = reader->position;
	if (n < 0)
		reader_fail(reader, (int)n, &reader->err);
	else if (reader_check_finite(reader, channels, 0, (uint32_t)n) == 0)
		reader->position += n;
	if (reader->failure < 0 && err)
		*err = reader->err;
	return reader->failure < 0 ? reader->failure : n;
}

/* Up to N frames of the buffer go to CHANNELS from DONE on; how many, or -errno. */
static int64_t reader_give(struct media_reader *reader, float *const *channels, uint32_t done,
			   uint32_t n)
{
	const size_t frame_bytes = (size_t)reader->info.n_channels * reader->pcm.bytes;
	const uint32_t left = reader->have - reader->at;
	float *out[MEDIA_CHANNELS_MAX];

	n = n < left ? n : left;
	for (uint32_t c = 0; c < reader->info.n_channels; c++)
		out[c] = channels[c] + done;
	reader->used_bits |= media_pcm_decode(
		&reader->pcm, reader->buffer + reader->at * frame_bytes, reader->info.n_channels,
		reader->is_moved ? reader->from : NULL, out, n);
	if (reader->pcm.is_float && reader_check_finite(reader, out, 0, n) < 0)
		return reader->failure;
	reader->at += n;
	reader->position += n;
	return n;
}

int64_t media_read(struct media_reader *reader, float *const *channels, uint32_t n_frames,
		   struct mixd_error *err)
{
	uint32_t done = 0;

	if (reader->failure == 0 && reader->av)
		return reader_read_av(reader, channels, n_frames, err);
	while (reader->failure == 0 && done < n_frames) {
		int64_t n = reader->at < reader->have ? 1
			    : reader->is_at_end	      ? 0
						      : reader_fill(reader, n_frames - done);

		if (n > 0)
			n = reader_give(reader, channels, done, n_frames - done);
		if (n <= 0)
			break;
		done += (uint32_t)n;
	}
	if (done > 0 || reader->failure == 0)
		return done;
	if (err)
		*err = reader->err;
	return reader->failure;
}

#define READER_SKIP 1024u

/* libsndfile 1.2.0 comes out beside the frame in one of ten seeks within Ogg Vorbis: what is decoded
 * from the beginning is right. */
static int reader_seek_vorbis(struct media_reader *reader, int64_t frame, struct mixd_error *err)
{
	float scratch[READER_SKIP], *channels[MEDIA_CHANNELS_MAX];

	if (frame < reader->position) {
		if (sf_seek(reader->file, 0, SEEK_SET) != 0)
			return reader_damaged(reader, sf_strerror(reader->file));
		reader->at = reader->have = 0;
		reader->is_at_end = false;
		reader->position = 0;
	}
	for (uint32_t c = 0; c < reader->info.n_channels; c++)
		channels[c] = scratch;
	while (reader->position < frame) {
		int64_t left = frame - reader->position;
		int64_t n = media_read(reader, channels,
				       left < READER_SKIP ? (uint32_t)left : READER_SKIP, err);

		if (n < 0)
			return (int)n;
		if (n == 0)
			return reader_damaged(reader, "ends early");
	}
	return 0;
}

int media_seek(struct media_reader *reader, int64_t frame, struct mixd_error *err)
{
	bool is_vorbis = !reader->av && strcmp(reader->info.codec, "vorbis") == 0;
	int r = reader->failure;

	if (r == 0 && frame == reader->position)
		return 0;
	if (r == 0 && (frame < 0 || (reader->info.n_frames >= 0 && frame > reader->info.n_frames)))
		return error_set(err, ERROR_INVALID, reader->path, "has no frame %lld",
				 (long long)frame);
	if (r == 0 && reader->av)
		r = media_av_seek(reader->av, frame, &reader->err);
	else if (r == 0 && is_vorbis)
		r = reader_seek_vorbis(reader, frame, &reader->err);
	else if (r == 0 && frame != reader->info.n_frames &&
		 sf_seek(reader->file, frame, SEEK_SET) != frame)
		r = reader_damaged(reader, sf_strerror(reader->file));
	if (r < 0) {
		reader_fail(reader, r, &reader->err);
		if (err)
			*err = reader->err;
		return r;
	}
	if (is_vorbis)
		return 0;
	reader->at = reader->have = 0;
	reader->is_at_end = !reader->av && frame == reader->info.n_frames;
	reader->position = frame;
	return 0;
}
