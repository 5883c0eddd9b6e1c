/* media_read.c - see media_read.h.
 *
 * STRUCTURE   A decoder fills a buffer with interleaved samples: raw bytes of the file, 32-bit words
 *             of lossless codecs, or floats of the others; from there they go to their channels.
 *             So the caller's blocks and the file's have nothing to do with each other. */
#include "media_read.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sndfile.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "media_av.h"
#include "media_claim.h"
#include "media_layout.h"
#include "media_look.h"
#include "media_pcm.h"
#include "media_tags_io.h"

#define BUFFER_BYTES 131072u
#define RATE_MAX 768000

struct media_reader {
	char *path; /* owned: for words */
	int fd;
	SNDFILE *file; /* or */
	struct media_av *av;
	struct media_info info;
	struct media_tags tags;
	struct media_pcm pcm; /* what is in the buffer */
	bool is_raw; /* it comes from the file as it is */
	bool is_moved; /* channels stand in another order in the file */
	uint8_t from[MEDIA_CHANNELS_MAX];
	uint8_t *buffer; /* owned */
	uint32_t room, have, at; /* frames */
	int64_t position; /* of the next frame given */
	int64_t cut_frames; /* frames that are there when the header says more; else -1 */
	uint32_t used_bits;
	bool is_tolerant;
	bool is_cut; /* by its header, of a file that FFmpeg reads */
	bool is_at_end; /* by media_seek(): decoders refuse to go there */
	int failure; /* -errno; ERR says the rest */
	struct mixd_error err;
};

/* ---- opening ----------------------------------------------------------------------------------- */

static int reader_cannot_open(const char *path, int error, struct mixd_error *err)
{
	error_set(err, error == ENOENT || error == ENOTDIR ? ERROR_NOT_FOUND : ERROR_RESOURCE, path,
		  "cannot be read: %s", strerror(error));
	if (error == ENOENT || error == ENOTDIR)
		error_hint(err, "there is no such file: look at its name and folder");
	else if (error == EACCES)
		error_hint(err, "user %u may not read it: chmod, or be somebody else",
			   (unsigned)geteuid());
	else
		error_hint(err, "look at the disk it is on");
	return -error;
}

static int reader_open_fd(struct media_reader *reader, struct mixd_error *err)
{
	struct stat stat;

	reader->fd = open(reader->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (reader->fd < 0)
		return reader_cannot_open(reader->path, errno, err);
	if (fstat(reader->fd, &stat) < 0)
		return reader_cannot_open(reader->path, errno, err);
	if (!S_ISREG(stat.st_mode)) {
		error_set(err, ERROR_INVALID, reader->path, "is %s, not an audio file",
			  S_ISDIR(stat.st_mode) ? "a folder" : "a device or a pipe");
		error_hint(err, "name one file");
		return -EINVAL;
	}
	if (stat.st_size == 0) {
		error_set(err, ERROR_INVALID, reader->path, "is empty: 0 bytes");
		error_hint(err, "export it again");
		return -EINVAL;
	}
	reader->info.n_bytes = (uint64_t)stat.st_size;
	return 0;
}

static int reader_check(const struct media_reader *reader, int64_t channels, double rate,
			struct mixd_error *err)
{
	if (channels < 1 || channels > (int64_t)MEDIA_CHANNELS_MAX) {
		error_set(err, ERROR_INVALID, reader->path, "has %lld channels",
			  (long long)channels);
		error_hint(err, "1 to %u channels can be read", MEDIA_CHANNELS_MAX);
		return -EINVAL;
	}
	if (!(rate >= 1 && rate <= RATE_MAX)) {
		error_set(err, ERROR_INVALID, reader->path, "says its rate is %.0f Hz", rate);
		error_hint(err, "1 to %d Hz can be read; the file may be damaged", RATE_MAX);
		return -EINVAL;
	}
	return 0;
}

/* The channels' names and order, as libsndfile or the format has them; NULL: none are said. */
static const struct mixd_layout *reader_ask_layout(struct media_reader *reader, bool *ret_is_said)
{
	struct media_info *info = &reader->info;
	uint8_t position[MEDIA_CHANNELS_MAX];
	int map[MEDIA_CHANNELS_MAX];
	uint32_t mask;

	*ret_is_said = true;
	if (media_look_mask(reader->fd, info, &mask))
		return media_layout_from_mask(mask, info->n_channels, position)
			       ? media_layout_by_positions(position, info->n_channels, reader->from)
			       : NULL;
	if (sf_command(reader->file, SFC_GET_CHANNEL_MAP_INFO, map,
		       (int)(info->n_channels * sizeof(map[0]))))
		return media_layout_from_map(map, info->n_channels, position)
			       ? media_layout_by_positions(position, info->n_channels, reader->from)
			       : NULL;
	*ret_is_said = false;
	return NULL;
}

static void reader_find_layout(struct media_reader *reader)
{
	struct media_info *info = &reader->info;
	bool is_said;
	const struct mixd_layout *layout = reader_ask_layout(reader, &is_said);
	bool has_order = layout != NULL;

	if (!is_said) {
		layout = media_layout_by_count(info->n_channels);
		has_order = strcmp(info->container, "ogg") == 0 &&
			    media_layout_vorbis(layout, reader->from);
	}
	info->layout = layout ? *layout : *media_layout_discrete(info->n_channels);
	for (uint32_t c = 0; has_order && c < info->n_channels; c++)
		reader->is_moved |= reader->from[c] != c;
}

/* PCM in a container that libsndfile gives raw. */
static bool reader_take_raw(struct media_reader *reader, const SF_INFO *file)
{
	static const int containers[] = {SF_FORMAT_WAV, SF_FORMAT_WAVEX, SF_FORMAT_RF64,
					 SF_FORMAT_W64, SF_FORMAT_AIFF,	 SF_FORMAT_CAF};
	static const struct {
		int codec;
		struct media_pcm pcm;
	} codecs[] = {
		{SF_FORMAT_PCM_S8, {.bytes = 1}},
		{SF_FORMAT_PCM_U8, {.bytes = 1, .is_unsigned = true}},
		{SF_FORMAT_PCM_16, {.bytes = 2}},
		{SF_FORMAT_PCM_24, {.bytes = 3}},
		{SF_FORMAT_PCM_32, {.bytes = 4}},
		{SF_FORMAT_FLOAT, {.bytes = 4, .is_float = true}},
	};
	bool is_container = false;

	for (size_t i = 0; i < sizeof(containers) / sizeof(containers[0]); i++)
		is_container |= (file->format & SF_FORMAT_TYPEMASK) == containers[i];
	for (size_t i = 0; is_container && i < sizeof(codecs) / sizeof(codecs[0]); i++)
		if ((file->format & SF_FORMAT_SUBMASK) == codecs[i].codec) {
			bool is_swapped = sf_command(reader->file, SFC_RAW_DATA_NEEDS_ENDSWAP, NULL,
						     0) == SF_TRUE;

			reader->pcm = codecs[i].pcm;
			reader->pcm.is_big = is_swapped != (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__);
			return true;
		}
	return false;
}

/* What the header says and what is there. */
static int reader_compare(struct media_reader *reader, struct mixd_error *err)
{
	struct media_info *info = &reader->info;
	const int64_t frame_bytes = (int64_t)info->n_channels * reader->pcm.bytes;
	struct media_claim claim;

	media_claim_read(reader->fd, (int64_t)info->n_bytes, &claim);
	if (!claim.is_known || claim.is_streamed)
		return 0;
	if (strcmp(info->container, "wav") == 0 &&
	    claim.found_bytes - claim.claimed_bytes >= INT64_C(1) << 32) {
		error_set(err, ERROR_INVALID, reader->path,
			  "holds %.1f GiB and its header counts %.1f: sizes of WAV end at 4 GiB",
			  ldexp((double)claim.found_bytes, -30),
			  ldexp((double)claim.claimed_bytes, -30));
		error_hint(err, "export it as RF64 (what wrote it has lost count)");
		return -EINVAL;
	}
	/* libsndfile counts what fills up the last eight bytes. */
	if (strcmp(info->container, "w64") == 0 && reader->is_raw &&
	    info->n_frames > claim.claimed_bytes / frame_bytes)
		info->n_frames = claim.claimed_bytes / frame_bytes;
	if (claim.claimed_bytes <= claim.found_bytes)
		return 0;
	reader->cut_frames = info->n_frames;
	if (reader->is_raw && claim.claimed_bytes / frame_bytes > info->n_frames)
		info->n_frames = claim.claimed_bytes / frame_bytes;
	else if (info->n_frames >= 0)
		info->n_frames++; /* more, and who knows how many */
	return 0;
}

static int reader_allocate(struct media_reader *reader, struct mixd_error *err)
{
	size_t frame_bytes = (size_t)reader->info.n_channels * reader->pcm.bytes;

	reader->room = (uint32_t)(BUFFER_BYTES / frame_bytes);
	reader->buffer = malloc(reader->room * frame_bytes);
	return reader->buffer ? 0 : error_no_memory(err);
}

static int reader_open_sndfile(struct media_reader *reader, struct mixd_error *err)
{
	struct media_info *info = &reader->info;
	SF_INFO file = {0};
	int r;

	/* what it cannot read it closes, whatever it was told: it gets a descriptor of its own */
	reader->file = sf_open_fd(fcntl(reader->fd, F_DUPFD_CLOEXEC, 3), SFM_READ, &file, 1);
	if (!reader->file) {
		const char *why = sf_strerror(NULL);

		error_set(err, ERROR_INVALID, reader->path, "is not audio that can be read: %.*s",
			  (int)strcspn(why, ".\n"), why);
		error_hint(err, "WAV, RF64, W64, AIFF, CAF, FLAC, Ogg Vorbis, Opus and MP3 can");
		return -EINVAL;
	}
	r = reader_check(reader, file.channels, file.samplerate, err);
	if (r < 0)
		return r;
	info->rate = file.samplerate;
	info->n_channels = (uint32_t)file.channels;
	info->n_frames = file.frames == SF_COUNT_MAX || file.frames < 0 ? -1 : file.frames;
	media_look_format(file.format, info);
	reader_find_layout(reader);
	reader->is_raw = reader_take_raw(reader, &file);
	if (reader->is_raw && reader->pcm.bytes == 4 && media_look_is_float(reader->fd, info)) {
		reader->pcm.is_float = true; /* a W64 of which libsndfile says otherwise */
		media_look_format(SF_FORMAT_W64 | SF_FORMAT_FLOAT, info);
	}
	if (!reader->is_raw) {
		bool is_exact = info->bits > 0 && !info->is_float;

		reader->pcm = (struct media_pcm){.bytes = 4,
						 .is_float = !is_exact,
						 .is_big = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__};
	}
	return reader_compare(reader, err);
}

/* What libsndfile does not know, FFmpeg may. *ERR holds the first refusal. */
static int reader_open_av(struct media_reader *reader, struct mixd_error *err)
{
	struct mixd_error second = {0};
	struct media_claim claim;
	int r;

	media_claim_read(reader->fd, (int64_t)reader->info.n_bytes, &claim);
	if (!media_av_is_installed(&second)) {
		error_hint(err, "%s", second.hint);
		return -EINVAL;
	}
	r = media_av_open(reader->fd, reader->path, &reader->av, &reader->info, &reader->tags,
			  &second);
	if (r < 0) {
		*err = second;
		return r;
	}
	r = reader_check(reader, reader->info.n_channels, reader->info.rate, err);
	reader->is_raw = false;
	reader->is_moved = false;
	/* FFmpeg reads what is there and says nothing. */
	reader->is_cut =
		claim.is_known && !claim.is_streamed && claim.claimed_bytes > claim.found_bytes;
	return r;
}

/* An MP3 that does not count its frames: libsndfile guesses their number by the rate of the first, and
 * reads no more than that. FFmpeg reads to the end. */
static int reader_open_uncounted(struct media_reader *reader, struct mixd_error *err)
{
	struct media_info seen;
	int r;

	media_look_stream(reader->fd, &reader->info);
	seen = reader->info;
	if (media_av_is_installed(NULL)) {
		sf_close(reader->file);
		reader->file = NULL;
		r = reader_open_av(reader, err);
		reader->info.n_bytes = seen.n_bytes;
		reader->info.is_cbr = seen.is_cbr;
		if (seen.is_cbr)
			reader->info.bitrate_kbps = seen.bitrate_kbps;
		return r;
	}
	if (seen.is_cbr)
		return 0;
	error_set(err, ERROR_INVALID, reader->path,
		  "is an MP3 of variable rate that does not say how long it is");
	error_hint(err, "install mixd-av, or run it through a program that writes a Xing header");
	return -EINVAL;
}

static int reader_open(struct media_reader *reader, struct mixd_error *err)
{
	int r = reader_open_fd(reader, err);

	if (r < 0)
		return r;
	r = reader_open_sndfile(reader, err);
	if (!reader->file && r == -EINVAL)
		r = reader_open_av(reader, err);
	else if (r == 0 && !media_look_is_counted(reader->fd, &reader->info))
		r = reader_open_uncounted(reader, err);
	if (r < 0)
		return r;
	if (!reader->av)
		media_look_stream(reader->fd, &reader->info);
	if (media_tags_read(reader->fd, reader->info.rate, &reader->tags) == -ENOMEM)
		return error_no_memory(err);
	return reader->av ? 0 : reader_allocate(reader, err);
}

int media_open(const char *path, struct media_reader **ret, struct mixd_error *err)
{
	struct media_reader *reader = calloc(1, sizeof(*reader));
	int r;

	if (!reader || !(reader->path = strdup(path ? path : ""))) {
		free(reader);
		return error_no_memory(err);
	}
	reader->fd = -1;
	reader->cut_frames = -1;
	media_tags_init(&reader->tags);
	r = reader_open(reader, err);
	if (r < 0) {
		media_close(reader);
		return r;
	}
	*ret = reader;
	return 0;
}

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

/* Frames that are now in the buffer, 0 at the end, or -errno. */
static int64_t reader_fill(struct media_reader *reader)
{
	const sf_count_t frame_bytes = (sf_count_t)reader->info.n_channels * reader->pcm.bytes;
	const int64_t left = reader->info.n_frames - reader->position;
	sf_count_t got;

	if (reader->is_raw && left == 0)
		got = 0;
	else if (reader->is_raw)
		got = sf_read_raw(reader->file, reader->buffer, reader->room * frame_bytes) /
		      frame_bytes;
	else if (reader->pcm.is_float)
		got = sf_readf_float(reader->file, (float *)(void *)reader->buffer, reader->room);
	else
		got = sf_readf_int(reader->file, (int *)(void *)reader->buffer, reader->room);
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
						      : reader_fill(reader);

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

struct media_reader *media_close(struct media_reader *reader)
{
	if (!reader)
		return NULL;
	sf_close(reader->file);
	media_av_free(reader->av);
	if (reader->fd >= 0)
		close(reader->fd);
	media_tags_done(&reader->tags);
	free(reader->buffer);
	free(reader->path);
	free(reader);
	return NULL;
}
