/* audio_record.c - see audio_record.h. Layout: RIFF (or RF64), room for ds64, bext, fmt, data; the sizes
 * in it are written over, never moved (EBU Tech 3306, 3.4 "on-the-fly" conversion to RF64). */
#include "audio_record.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "audio_file.h"
#include "cleanup.h"
#include "media_bytes.h"
#include "media_layout.h"
#include "media_quantise.h"

#define RECORD_DS64_AT 12u
#define RECORD_DS64_BYTES 28u
#define RECORD_BEXT_BYTES 602u
#define RECORD_RIFF_MAX UINT64_C(0xfffffff0)
#define RECORD_BLOCK 4096u /* frames converted at a time */

struct mixd_record {
	char *goal, *temp; /* owned */
	int fd;
	uint32_t n_channels, bits, frame_bytes, refresh_frames;
	uint64_t data_at, n_frames, refreshed;
	struct media_quantiser quantiser;
	int32_t *words; /* RECORD_BLOCK per channel */
	uint8_t *bytes; /* RECORD_BLOCK frames */
};

__attribute__((format(printf, 4, 5))) static int
record_fault(struct mixd_fault *fault, int error, const char *hint, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(fault->text, sizeof(fault->text), fmt, ap);
	va_end(ap);
	snprintf(fault->hint, sizeof(fault->hint), "%s", hint);
	return -error;
}

/* ---- names ------------------------------------------------------------------------------------- */

static char *record_temp_of(const char *goal)
{
	const char *slash = strrchr(goal, '/');
	char *temp = NULL;

	if (asprintf(&temp, "%.*s/.%s.rec", (int)(slash - goal), goal, slash + 1) < 0)
		return NULL;
	return temp;
}

/* The folders of PATH. */
static int record_folders(const char *path)
{
	_cleanup_free_ char *copy = strdup(path);

	if (!copy)
		return -ENOMEM;
	for (char *at = strchr(copy + 1, '/'); at; at = strchr(at + 1, '/')) {
		*at = 0;
		if (mkdir(copy, 0777) < 0 && errno != EEXIST)
			return -errno;
		*at = '/';
	}
	return 0;
}

static int record_paths(struct mixd_record *record, const char *path, struct mixd_fault *fault)
{
	const char *folder = audio_file_first_folder();
	int r;

	if (path[0] == '/')
		record->goal = strdup(path);
	else if (!folder)
		return record_fault(fault, ENOENT, "give an absolute path",
				    "nothing says where \"%.120s\" begins", path);
	else if (asprintf(&record->goal, "%s/%s", folder, path) < 0)
		record->goal = NULL;
	record->temp = record->goal ? record_temp_of(record->goal) : NULL;
	if (!record->temp)
		return record_fault(fault, ENOMEM, "take a shorter name", "out of memory");
	r = record_folders(record->goal);
	if (r < 0)
		return record_fault(fault, -r, "is the disk there, and may mixd write on it?",
				    "cannot make the folder of \"%.120s\": %s", record->goal,
				    strerror(-r));
	return 0;
}

/* A link, and then the temporary name goes: nothing is replaced. */
static int record_rename(const char *temp, const char *goal)
{
	_cleanup_free_ char *folder = strdup(goal);
	int fd;

	if (renameat2(AT_FDCWD, temp, AT_FDCWD, goal, RENAME_NOREPLACE) < 0) {
		if (errno != EINVAL && errno != ENOSYS)
			return -errno;
		if (link(temp, goal) < 0)
			return -errno;
		unlink(temp);
	}
	if (!folder)
		return 0;
	*strrchr(folder, '/') = 0;
	fd = open(folder[0] ? folder : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
	return 0;
}

/* ---- the header -------------------------------------------------------------------------------- */

static void header_bext(struct media_bytes *out, const struct mixd_record_spec *spec)
{
	char text[32];
	time_t now = spec->clock_ns ? (time_t)(spec->clock_ns / 1000000000) : time(NULL);
	struct tm parts = {0};
	size_t at = out->size;

	localtime_r(&now, &parts);
	media_put_text(out, "bext");
	media_put_le(out, RECORD_BEXT_BYTES, 4);
	media_put_zeros(out, RECORD_BEXT_BYTES);
	at += 8;
	if (out->is_failed)
		return;
	snprintf((char *)out->data + at, 256, "%s", spec->description ? spec->description : "");
	memcpy(out->data + at + 256, "mixd", 4); /* originator; its reference is at 288 */
	strftime(text, sizeof(text), "%Y-%m-%d%H:%M:%S", &parts);
	memcpy(out->data + at + 320, text, 18); /* date, time */
	media_set_le(out, at + 338, spec->time_reference, 8);
	media_set_le(out, at + 346, 1, 2); /* version */
}

static void header_format(struct media_bytes *out, const struct mixd_record *record,
			  const struct mixd_record_spec *spec)
{
	static const uint8_t guid[14] = {0x00, 0x00, 0x00, 0x00, 0x10, 0x00, 0x80,
					 0x00, 0x00, 0xaa, 0x00, 0x38, 0x9b, 0x71};
	uint32_t code = record->bits == 32 ? 3 : 1, rate = (uint32_t)(spec->rate + 0.5);
	bool plain = record->n_channels <= 2;

	media_put_text(out, "fmt ");
	media_put_le(out, plain ? 16 : 40, 4);
	media_put_le(out, plain ? code : 0xfffe, 2);
	media_put_le(out, record->n_channels, 2);
	media_put_le(out, rate, 4);
	media_put_le(out, (uint64_t)rate * record->frame_bytes, 4);
	media_put_le(out, record->frame_bytes, 2);
	media_put_le(out, record->bits, 2);
	if (plain)
		return;
	media_put_le(out, 22, 2);
	media_put_le(out, record->bits, 2);
	media_put_le(out, media_layout_mask(spec->layout), 4);
	media_put_le(out, code, 2);
	media_put(out, guid, sizeof(guid));
}

static int record_header(struct mixd_record *record, const struct mixd_record_spec *spec)
{
	struct media_bytes out = {0};
	int r;

	media_put_text(&out, "RIFF");
	media_put_le(&out, 0, 4);
	media_put_text(&out, "WAVEJUNK");
	media_put_le(&out, RECORD_DS64_BYTES, 4);
	media_put_zeros(&out, RECORD_DS64_BYTES);
	header_bext(&out, spec);
	header_format(&out, record, spec);
	media_put_text(&out, "data");
	media_put_le(&out, 0, 4);
	record->data_at = out.size;
	r = out.is_failed ? -ENOMEM : media_fd_write(record->fd, 0, out.data, out.size);
	media_bytes_done(&out);
	return r;
}

/* The sizes of a file whose samples are DATA_BYTES from DATA_AT on. */
static int header_sizes(int fd, uint64_t data_at, uint64_t data_bytes, uint64_t n_frames)
{
	uint64_t riff = data_at - 8 + data_bytes + (data_bytes & 1u);
	bool large = riff > RECORD_RIFF_MAX;
	struct media_bytes head = {0}, size = {0};
	int r;

	media_put_text(&head, large ? "RF64" : "RIFF");
	media_put_le(&head, large ? UINT32_MAX : riff, 4);
	media_put_text(&head, large ? "WAVEds64" : "WAVEJUNK");
	media_put_le(&head, RECORD_DS64_BYTES, 4);
	media_put_le(&head, large ? riff : 0, 8);
	media_put_le(&head, large ? data_bytes : 0, 8);
	media_put_le(&head, large ? n_frames : 0, 8);
	media_put_le(&size, large ? UINT32_MAX : data_bytes, 4);
	r = head.is_failed || size.is_failed ? -ENOMEM : 0;
	if (r == 0)
		r = media_fd_write(fd, 0, head.data, head.size);
	if (r == 0)
		r = media_fd_write(fd, data_at - 4, size.data, size.size);
	media_bytes_done(&head);
	media_bytes_done(&size);
	return r;
}

static int record_refresh(struct mixd_record *record)
{
	record->refreshed = record->n_frames;
	return header_sizes(record->fd, record->data_at, record->n_frames * record->frame_bytes,
			    record->n_frames);
}

/* ---- what a crash has left ---------------------------------------------------------------------- */

/* Finish TEMP, which nobody writes. */
static void record_recover(int fd, const char *temp, const char *goal)
{
	uint8_t head[RECORD_DS64_AT + 8 + RECORD_DS64_BYTES + 8 + RECORD_BEXT_BYTES + 8 + 40 + 8];
	int64_t size = media_fd_size(fd);
	uint64_t at = RECORD_DS64_AT + 8 + RECORD_DS64_BYTES + 8 + RECORD_BEXT_BYTES;
	uint64_t format_bytes, frame_bytes, data_at;

	if (size < (int64_t)sizeof(head) || media_fd_read(fd, 0, head, sizeof(head)) < 0 ||
	    memcmp(head + at, "fmt ", 4) != 0) {
		if (size < (int64_t)sizeof(head))
			unlink(temp); /* not a frame */
		return;
	}
	format_bytes = media_le(head + at + 4, 4);
	frame_bytes = media_le(head + at + 20, 2);
	data_at = at + 8 + format_bytes + 8;
	if (data_at > sizeof(head) || !frame_bytes)
		return;
	frame_bytes = ((uint64_t)size - data_at) / frame_bytes * frame_bytes;
	if (header_sizes(fd, data_at, frame_bytes, frame_bytes / media_le(head + at + 20, 2)) < 0 ||
	    ftruncate(fd, (off_t)(data_at + frame_bytes + (frame_bytes & 1u))) < 0)
		return;
	fsync(fd);
	record_rename(temp, goal);
}

/* Written by a recorder, and by none any more. */
static bool record_is_left(int fd)
{
	uint8_t head[RECORD_DS64_AT + 8 + RECORD_DS64_BYTES + 8 + RECORD_BEXT_BYTES];
	const uint8_t *bext = head + RECORD_DS64_AT + 8 + RECORD_DS64_BYTES;

	return media_fd_size(fd) >= (int64_t)sizeof(head) &&
	       media_fd_read(fd, 0, head, sizeof(head)) >= 0 && memcmp(bext, "bext", 4) == 0 &&
	       memcmp(bext + 8 + 256, "mixd", 4) == 0 && flock(fd, LOCK_EX | LOCK_NB) == 0;
}

/* ".NAME.rec" beside GOAL, of which nobody else may come to think: names have times in them. */
static void record_recover_beside(const char *goal)
{
	_cleanup_free_ char *folder = strndup(goal, (size_t)(strrchr(goal, '/') - goal) + 1);
	DIR *dir = folder ? opendir(folder) : NULL;
	const struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		_cleanup_free_ char *temp = NULL, *left = NULL;
		size_t n = strlen(entry->d_name);
		int fd;

		if (entry->d_name[0] != '.' || n < 6 || strcmp(entry->d_name + n - 4, ".rec") != 0)
			continue;
		if (asprintf(&temp, "%s%s", folder, entry->d_name) < 0) {
			temp = NULL;
			break;
		}
		if (asprintf(&left, "%s%.*s", folder, (int)(n - 5), entry->d_name + 1) < 0) {
			left = NULL;
			break;
		}
		fd = open(temp, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
		if (fd >= 0 && record_is_left(fd))
			record_recover(fd, temp, left);
		if (fd >= 0)
			close(fd);
	}
	if (dir)
		closedir(dir);
}

/* The temporary file, locked, new. */
static int record_create(struct mixd_record *record, struct mixd_fault *fault)
{
	int fd;

	record_recover_beside(record->goal);
	if (access(record->goal, F_OK) == 0)
		return record_fault(fault, EEXIST, "with {n} in the name each take has its own",
				    "there is a file \"%.120s\"", record->goal);
	fd = open(record->temp, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd >= 0) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			record_recover(fd, record->temp, record->goal);
		close(fd);
		if (access(record->temp, F_OK) == 0 || access(record->goal, F_OK) == 0)
			return record_fault(fault, EEXIST,
					    "with {n} in the name each take has its own",
					    "\"%.120s\" is being recorded", record->goal);
	}
	record->fd = open(record->temp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (record->fd < 0 || flock(record->fd, LOCK_EX | LOCK_NB) < 0)
		return record_fault(fault, errno, "is the disk there, and may mixd write on it?",
				    "cannot write \"%.120s\": %s", record->goal, strerror(errno));
	return 0;
}

/* ---- open, write, close ------------------------------------------------------------------------- */

static void record_free(struct mixd_record *record)
{
	if (record->fd >= 0)
		close(record->fd);
	free(record->goal);
	free(record->temp);
	free(record->words);
	free(record->bytes);
	free(record);
}

int audio_record_open(const struct mixd_record_spec *spec, struct mixd_record **ret,
		      struct mixd_fault *fault)
{
	struct mixd_record *record = calloc(1, sizeof(*record));
	int r;

	*fault = (struct mixd_fault){0};
	if (!record)
		return -ENOMEM;
	record->fd = -1;
	record->n_channels = spec->layout->n_channels;
	record->bits = spec->bits;
	record->frame_bytes = spec->bits / 8 * record->n_channels;
	record->refresh_frames = (uint32_t)spec->rate;
	record->words = malloc(sizeof(int32_t) * RECORD_BLOCK * record->n_channels);
	record->bytes = malloc((size_t)RECORD_BLOCK * record->frame_bytes);
	media_quantiser_init(&record->quantiser, record->n_channels, spec->bits,
			     spec->bits == 16 ? MEDIA_DITHER_TPDF : MEDIA_DITHER_NONE, spec->rate,
			     spec->time_reference);
	r = record->words && record->bytes ? record_paths(record, spec->path, fault) : -ENOMEM;
	if (r == 0)
		r = record_create(record, fault);
	if (r == 0) {
		r = record_header(record, spec);
		if (r == 0)
			r = record_refresh(record);
		if (r < 0) {
			record_fault(fault, -r, "make room on the disk",
				     "cannot write \"%.120s\": %s", record->goal, strerror(-r));
			unlink(record->temp);
		}
	}
	if (r < 0) {
		record_free(record);
		return r;
	}
	*ret = record;
	return 0;
}

static void record_floats(struct mixd_record *record, const float *const *channels, uint32_t n)
{
	for (uint32_t c = 0; c < record->n_channels; c++) {
		uint8_t *to = record->bytes + c * 4;

		for (uint32_t i = 0; i < n; i++, to += record->frame_bytes) {
			float x = isfinite(channels[c][i]) ? channels[c][i] : 0.0f;
			uint32_t word;

			memcpy(&word, &x, 4);
			for (uint32_t b = 0; b < 4; b++)
				to[b] = (uint8_t)(word >> (8 * b));
		}
	}
}

/* N frames, interleaved, little-endian, into BYTES. What comes out of the engine is finite. */
static void record_convert(struct mixd_record *record, const float *const *channels, uint32_t n)
{
	int32_t *words[MIXD_CHANNELS_MAX];
	uint32_t width = record->bits / 8;

	if (width == 4) {
		record_floats(record, channels, n);
		return;
	}
	for (uint32_t c = 0; c < record->n_channels; c++)
		words[c] = record->words + (size_t)c * RECORD_BLOCK;
	media_quantise(&record->quantiser, channels, words, n, 0);
	for (uint32_t c = 0; c < record->n_channels; c++) {
		uint8_t *to = record->bytes + c * width;

		for (uint32_t i = 0; i < n; i++, to += record->frame_bytes)
			for (uint32_t b = 0; b < width; b++)
				to[b] = (uint8_t)((uint32_t)words[c][i] >> (8 * b));
	}
}

/* As much of what is in BYTES as fits, in whole frames. */
static int record_put(struct mixd_record *record, uint32_t n)
{
	uint64_t at = record->data_at + record->n_frames * record->frame_bytes;
	size_t size = (size_t)n * record->frame_bytes, done = 0;

	while (done < size) {
		ssize_t put =
			pwrite(record->fd, record->bytes + done, size - done, (off_t)(at + done));

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			break;
		done += (size_t)put;
	}
	record->n_frames += done / record->frame_bytes;
	if (done == size)
		return 0;
	return errno ? -errno : -ENOSPC;
}

int audio_record_write(struct mixd_record *record, const float *const *channels, uint32_t n_frames,
		       struct mixd_fault *fault)
{
	*fault = (struct mixd_fault){0};
	for (uint32_t done = 0; done < n_frames;) {
		uint32_t n = n_frames - done < RECORD_BLOCK ? n_frames - done : RECORD_BLOCK;
		const float *from[MIXD_CHANNELS_MAX];
		int r;

		for (uint32_t c = 0; c < record->n_channels; c++)
			from[c] = channels[c] + done;
		record_convert(record, from, n);
		errno = 0;
		r = record_put(record, n);
		if (r == 0 && record->n_frames - record->refreshed >= record->refresh_frames)
			r = record_refresh(record);
		if (r < 0)
			return record_fault(fault, -r, "make room on the disk",
					    "cannot write on to \"%.120s\": %s", record->goal,
					    strerror(-r));
		done += n;
	}
	return 0;
}

int audio_record_close(struct mixd_record *record, struct mixd_fault *fault)
{
	uint64_t bytes = record->n_frames * record->frame_bytes;
	int r;

	*fault = (struct mixd_fault){0};
	if (!record->n_frames) {
		unlink(record->temp);
		record_free(record);
		return 0;
	}
	r = record_refresh(record);
	/* a pad byte where there is room for it; readers do without at the end of a file */
	if (ftruncate(record->fd, (off_t)(record->data_at + bytes + (bytes & 1u))) < 0 &&
	    ftruncate(record->fd, (off_t)(record->data_at + bytes)) < 0)
		r = -errno;
	if (r == 0 && fsync(record->fd) < 0)
		r = -errno;
	if (r == 0)
		r = record_rename(record->temp, record->goal);
	if (r < 0)
		record_fault(fault, -r, "what was recorded is beside it, as .NAME.rec",
			     "cannot finish \"%.120s\": %s", record->goal, strerror(-r));
	record_free(record);
	return r;
}
