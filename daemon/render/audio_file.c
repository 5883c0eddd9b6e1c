/* audio_file.c - see audio_file.h: find the file, decode it, look at every sample, resample. */
#include "audio_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <sndfile.h>
#include <soxr.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"

#define FOLDERS_MAX 8u
#define CHUNK_FRAMES 16384u

static char *audio_folders[FOLDERS_MAX]; /* set before the first read, then only read */
static uint32_t audio_n_folders;

__attribute__((format(printf, 3, 4))) static int audio_fault(struct mixd_fault *fault, int error,
							     const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(fault->text, sizeof(fault->text), fmt, ap);
	va_end(ap);
	return -error;
}

__attribute__((format(printf, 2, 3))) static void audio_hint(struct mixd_fault *fault,
							     const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(fault->hint, sizeof(fault->hint), fmt, ap);
	va_end(ap);
}

/* ---- where the file is ------------------------------------------------------------------------- */

int audio_file_add_folder(const char *folder)
{
	if (audio_n_folders == FOLDERS_MAX)
		return -ENOSPC;
	if (!(audio_folders[audio_n_folders] = strdup(folder)))
		return -ENOMEM;
	audio_n_folders++;
	return 0;
}

void audio_file_drop_folders(void)
{
	while (audio_n_folders)
		free(audio_folders[--audio_n_folders]);
}

/* Open PATH, wherever it is found; -1 with errno. */
static int audio_open(const char *path)
{
	const int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
	int fd = -1, error = ENOENT;

	if (path[0] == '/')
		return open(path, flags);
	for (uint32_t i = 0; i < audio_n_folders && fd < 0; i++) {
		_cleanup_free_ char *whole = NULL;

		if (asprintf(&whole, "%s/%s", audio_folders[i], path) < 0) {
			whole = NULL;
			errno = ENOMEM;
			return -1;
		}
		fd = open(whole, flags);
		if (fd < 0 && errno != ENOENT)
			error = errno;
	}
	errno = error;
	return fd;
}

static int audio_cannot_open(const char *path, int error, struct mixd_fault *fault)
{
	audio_fault(fault, error, "cannot read the file \"%.120s\": %s", path, strerror(error));
	if (error == EACCES)
		audio_hint(fault,
			   "mixd runs as user %u: give it the right to read the file and "
			   "to enter its folders",
			   (unsigned)geteuid());
	else if (path[0] == '/')
		audio_hint(fault, "the path is on the machine where mixd runs");
	else if (audio_n_folders)
		audio_hint(fault, "give an absolute path, or put the file into %.120s",
			   audio_folders[0]);
	else
		audio_hint(fault, "give an absolute path");
	return -error;
}

int audio_file_find(const char *path, char **ret, struct mixd_fault *fault)
{
	char *whole = NULL;

	*fault = (struct mixd_fault){0};
	for (uint32_t i = 0; path[0] != '/' && i < audio_n_folders; i++) {
		if (asprintf(&whole, "%s/%s", audio_folders[i], path) < 0)
			return audio_cannot_open(path, ENOMEM, fault);
		if (access(whole, F_OK) == 0) {
			*ret = whole;
			return 0;
		}
		free(whole);
		whole = NULL;
	}
	if (path[0] == '/')
		whole = strdup(path);
	if (!whole)
		return audio_cannot_open(path, path[0] == '/' ? ENOMEM : ENOENT, fault);
	*ret = whole;
	return 0;
}

const char *audio_file_first_folder(void)
{
	return audio_n_folders ? audio_folders[0] : NULL;
}

/* ---- decoding ---------------------------------------------------------------------------------- */

struct audio_reader {
	const char *path;
	SNDFILE *file;
	SF_INFO info;
	struct mixd_audio audio;
	uint64_t room; /* frames that fit into the channels */
};

static int audio_too_long(const struct audio_reader *reader, struct mixd_fault *fault)
{
	audio_fault(fault, EFBIG, "the file \"%.120s\" is too long", reader->path);
	audio_hint(fault, "up to %.0f minutes, and %u million samples over all channels",
		   AUDIO_FILE_SECONDS_MAX / 60.0, (unsigned)(AUDIO_FILE_SAMPLES_MAX / 1000000u));
	return -EFBIG;
}

static bool audio_fits(const struct audio_reader *reader, uint64_t frames)
{
	return (double)frames <= AUDIO_FILE_SECONDS_MAX * reader->info.samplerate &&
	       frames <= AUDIO_FILE_SAMPLES_MAX / (uint64_t)reader->info.channels;
}

static int audio_look_at_header(struct audio_reader *reader, struct mixd_fault *fault)
{
	const SF_INFO *info = &reader->info;

	if (info->channels < 1 || info->channels > (int)MIXD_CHANNELS_MAX) {
		audio_fault(fault, EINVAL, "the file \"%.120s\" has %d channels", reader->path,
			    info->channels);
		audio_hint(fault, "1 to %u channels", MIXD_CHANNELS_MAX);
		return -EINVAL;
	}
	if (info->samplerate < 1 || info->samplerate > 1536000) {
		audio_fault(fault, EINVAL, "the file \"%.120s\" says its rate is %d Hz",
			    reader->path, info->samplerate);
		audio_hint(fault, "the file is damaged, or no audio: write it anew");
		return -EINVAL;
	}
	/* Of a stream without a known end the header says SF_COUNT_MAX: count while reading. */
	if (info->frames != SF_COUNT_MAX && info->frames > 0 &&
	    !audio_fits(reader, (uint64_t)info->frames))
		return audio_too_long(reader, fault);
	return 0;
}

static int audio_grow(struct audio_reader *reader, uint64_t frames)
{
	uint64_t room = frames > 2 * reader->room ? frames : 2 * reader->room;

	if (frames <= reader->room)
		return 0;
	for (uint32_t c = 0; c < reader->audio.n_channels; c++) {
		float *channel = realloc(reader->audio.channel[c], room * sizeof(float));

		if (!channel)
			return -ENOMEM;
		reader->audio.channel[c] = channel;
	}
	reader->room = room;
	return 0;
}

/* One chunk of interleaved samples goes to its channels; -EDOM at what is no number. */
static int audio_take(struct audio_reader *reader, const float *chunk, uint32_t frames,
		      struct mixd_fault *fault)
{
	struct mixd_audio *audio = &reader->audio;

	for (uint32_t c = 0; c < audio->n_channels; c++) {
		float *to = audio->channel[c] + audio->n_frames;

		for (uint32_t i = 0; i < frames; i++) {
			to[i] = chunk[(size_t)i * audio->n_channels + c];
			if (isfinite(to[i]))
				continue;
			audio_fault(
				fault, EDOM,
				"the file \"%.100s\" holds samples that are not numbers: channel "
				"%u at %.3f s",
				reader->path, c + 1,
				(double)(audio->n_frames + i) / reader->info.samplerate);
			audio_hint(fault, "export it again; what wrote it has divided by zero");
			return -EDOM;
		}
	}
	audio->n_frames += frames;
	return 0;
}

static int audio_decode(struct audio_reader *reader, struct mixd_fault *fault)
{
	struct mixd_audio *audio = &reader->audio;
	_cleanup_free_ float *chunk = NULL;
	int r;

	audio->n_channels = (uint32_t)reader->info.channels;
	audio->rate = reader->info.samplerate;
	audio->channel = calloc(audio->n_channels, sizeof(*audio->channel));
	chunk = malloc(sizeof(float) * CHUNK_FRAMES * audio->n_channels);
	if (!audio->channel || !chunk)
		return -ENOMEM;
	if (reader->info.frames > 0 && reader->info.frames != SF_COUNT_MAX &&
	    audio_grow(reader, (uint64_t)reader->info.frames) < 0)
		return -ENOMEM;
	for (;;) {
		sf_count_t got = sf_readf_float(reader->file, chunk, CHUNK_FRAMES);

		if (got <= 0)
			break;
		if (!audio_fits(reader, audio->n_frames + (uint64_t)got))
			return audio_too_long(reader, fault);
		if (audio_grow(reader, audio->n_frames + (uint64_t)got) < 0)
			return -ENOMEM;
		r = audio_take(reader, chunk, (uint32_t)got, fault);
		if (r < 0)
			return r;
	}
	if (sf_error(reader->file) != SF_ERR_NO_ERROR) {
		audio_fault(fault, EIO, "the file \"%.80s\" is damaged after %.3f s: %.60s",
			    reader->path, (double)audio->n_frames / reader->info.samplerate,
			    sf_strerror(reader->file));
		audio_hint(fault, "copy or export it again");
		return -EIO;
	}
	if (audio->n_frames == 0) {
		audio_fault(fault, ENODATA, "the file \"%.120s\" is empty", reader->path);
		audio_hint(fault, "it has a header and no sound: export it again");
		return -ENODATA;
	}
	return 0;
}

static int audio_open_decoder(struct audio_reader *reader, struct mixd_fault *fault)
{
	struct stat stat;
	int fd = audio_open(reader->path);

	if (fd < 0)
		return audio_cannot_open(reader->path, errno, fault);
	if (fstat(fd, &stat) < 0 || !S_ISREG(stat.st_mode)) {
		close(fd);
		audio_fault(fault, EINVAL, "\"%.120s\" is %s, not an audio file", reader->path,
			    S_ISDIR(stat.st_mode) ? "a folder" : "a device or a pipe");
		audio_hint(fault, "name one file");
		return -EINVAL;
	}
	reader->file = sf_open_fd(fd, SFM_READ, &reader->info, 1); /* closes FD, failed or not */
	if (!reader->file) {
		const char *why = sf_strerror(NULL);

		audio_fault(fault, EINVAL, "\"%.100s\" is not audio that can be read: %.*s",
			    reader->path, (int)strcspn(why, "."), why);
		audio_hint(fault, "WAV, RF64, AIFF, CAF, FLAC, Ogg Vorbis, Opus and MP3 can");
		return -EINVAL;
	}
	return audio_look_at_header(reader, fault);
}

/* ---- resampling -------------------------------------------------------------------------------- */

/* Until soxr has given N frames, or no more. */
static int audio_drain(soxr_t soxr, const struct mixd_audio *from, struct mixd_audio *to)
{
	float *out[MIXD_CHANNELS_MAX];
	size_t taken = 0, done = 0;

	for (;;) {
		const float *in[MIXD_CHANNELS_MAX];
		size_t left = from->n_frames - taken;
		size_t room = to->n_frames - done;
		size_t used = 0, made = 0;

		for (uint32_t c = 0; c < from->n_channels; c++) {
			in[c] = from->channel[c] + taken;
			out[c] = to->channel[c] + done;
		}
		/* After the last input frame NULL tells soxr to give the rest. */
		if (soxr_process(soxr, left ? (soxr_in_t)in : NULL, left, &used, (soxr_out_t)out,
				 room, &made))
			return -EIO;
		taken += used;
		done += made;
		if (done == to->n_frames || (!left && !made))
			break;
	}
	for (uint32_t c = 0; c < to->n_channels; c++)
		memset(to->channel[c] + done, 0, (to->n_frames - done) * sizeof(float));
	return 0;
}

static int audio_resample(struct audio_reader *reader, double rate, struct mixd_fault *fault)
{
	const struct mixd_audio *from = &reader->audio;
	double frames = ceil((double)from->n_frames * rate / from->rate);
	soxr_io_spec_t io = soxr_io_spec(SOXR_FLOAT32_S, SOXR_FLOAT32_S);
	soxr_quality_spec_t quality = soxr_quality_spec(SOXR_VHQ, 0);
	soxr_runtime_spec_t runtime = soxr_runtime_spec(1);
	struct mixd_audio to = {.n_channels = from->n_channels, .rate = rate};
	soxr_error_t error = NULL;
	soxr_t soxr;
	int r = 0;

	if (frames * from->n_channels > (double)AUDIO_FILE_SAMPLES_MAX)
		return audio_too_long(reader, fault);
	to.n_frames = frames < 1.0 ? 1 : (uint64_t)frames;
	to.channel = calloc(to.n_channels, sizeof(*to.channel));
	for (uint32_t c = 0; to.channel && c < to.n_channels && r == 0; c++)
		if (!(to.channel[c] = malloc(to.n_frames * sizeof(float))))
			r = -ENOMEM;
	if (!to.channel || r < 0) {
		audio_file_free(&to);
		return -ENOMEM;
	}
	soxr = soxr_create(from->rate, rate, from->n_channels, &error, &io, &quality, &runtime);
	r = error || !soxr ? -ENOMEM : audio_drain(soxr, from, &to);
	soxr_delete(soxr);
	if (r < 0) {
		audio_file_free(&to);
		return r == -ENOMEM ? r
				    : audio_fault(fault, EIO, "cannot resample \"%.120s\"",
						  reader->path);
	}
	audio_file_free(&reader->audio);
	reader->audio = to;
	return 0;
}

/* ---- the service ------------------------------------------------------------------------------- */

int audio_file_read(const char *path, double rate, struct mixd_audio *ret_audio,
		    struct mixd_fault *fault)
{
	struct audio_reader reader = {.path = path};
	int r;

	*fault = (struct mixd_fault){0};
	if (!path || !*path) {
		audio_fault(fault, EINVAL, "no file is named");
		audio_hint(fault, "give the path of an audio file");
		return -EINVAL;
	}
	r = audio_open_decoder(&reader, fault);
	if (r == 0)
		r = audio_decode(&reader, fault);
	if (reader.file)
		sf_close(reader.file);
	if (r == 0 && rate > 0.0 && rate != reader.audio.rate)
		r = audio_resample(&reader, rate, fault);
	if (r < 0) {
		audio_file_free(&reader.audio);
		if (r == -ENOMEM) {
			audio_fault(fault, ENOMEM, "no memory for the file \"%.120s\"", path);
			audio_hint(fault, "take a shorter file");
		}
		return r;
	}
	*ret_audio = reader.audio;
	return 0;
}

void audio_file_free(struct mixd_audio *audio)
{
	if (!audio)
		return;
	for (uint32_t c = 0; audio->channel && c < audio->n_channels; c++)
		free(audio->channel[c]);
	free(audio->channel);
	*audio = (struct mixd_audio){0};
}
