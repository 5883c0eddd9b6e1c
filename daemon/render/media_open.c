/* media_open.c - see media_read.h: what kind of file it is, who decodes it, and what it says of itself. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "media_claim.h"
#include "media_layout.h"
#include "media_look.h"
#include "media_read_private.h"
#include "media_tags_io.h"

#define BUFFER_BYTES 131072u
#define RATE_MAX 768000

static int reader_cannot_open(const char *path, int error, struct mixd_error *err)
{
	const char *slash = strrchr(path, '/');
	bool is_missing = error == ENOENT || error == ENOTDIR;

	error_set(err, is_missing ? ERROR_NOT_FOUND : ERROR_RESOURCE, path, "cannot be read: %s",
		  is_missing ? "there is no such file" : strerror(error));
	if (is_missing && strcmp(slash ? slash + 1 : path, "-") == 0)
		error_hint(err, "sound is read from files, not from standard input");
	else if (is_missing)
		error_hint(err, "look at its name and folder");
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
		if (err)
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
