/* mixd_av.c - mixd-av: decodes and encodes by FFmpeg's libraries, in a process of its own.
 *
 * WHAT        main(), the messages of av.h, the file as FFmpeg wants to see it, names of channels.
 * THREADS     one does the job; another one waits for the end of mixd, and then ends this process,
 *             whatever a decoder may be doing.
 * INVARIANTS  V3 no other file is opened, whatever the one at hand refers to. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "av_private.h"

#define AV_IO_BYTES (128 << 10)
#define AV_ALLOC_MAX ((size_t)512 << 20)

/* ---- messages ---------------------------------------------------------------------------------- */

static void av_write(const void *data, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t put = send(0, (const char *)data + done, size - done, MSG_NOSIGNAL);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			_exit(1);
		done += (size_t)put;
	}
}

static void av_read(void *data, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t got = recv(0, (char *)data + done, size - done, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			_exit(1);
		done += (size_t)got;
	}
}

void av_send2(enum av_type type, const void *data, uint32_t bytes, const void *more,
	      uint32_t more_bytes)
{
	struct av_head head = {.type = type, .bytes = bytes + more_bytes};

	av_write(&head, sizeof(head));
	av_write(data, bytes);
	av_write(more, more_bytes);
}

void av_send(enum av_type type, const void *data, uint32_t bytes)
{
	av_send2(type, data, bytes, NULL, 0);
}

enum av_type av_receive(uint8_t **ret_data, uint32_t *ret_bytes)
{
	static uint8_t *data;
	static uint32_t room;
	struct av_head head;

	av_read(&head, sizeof(head));
	if (head.bytes > AV_MESSAGE_MAX)
		_exit(1);
	if (!data || head.bytes > room) {
		free(data);
		room = head.bytes;
		data = malloc((size_t)room + 1);
		if (!data)
			av_fault(AV_FAULT_MEMORY, 0, "out of memory");
	}
	av_read(data, head.bytes);
	data[head.bytes] = 0;
	*ret_data = data;
	*ret_bytes = head.bytes;
	return (enum av_type)head.type;
}

void av_fault(enum av_fault_kind kind, int code, const char *fmt, ...)
{
	struct av_fault fault = {.kind = kind};
	va_list args;
	size_t n;

	va_start(args, fmt);
	vsnprintf(fault.text, sizeof(fault.text), fmt, args);
	va_end(args);
	n = strlen(fault.text);
	if (code < 0 && n + 3 < sizeof(fault.text)) {
		memcpy(fault.text + n, ": ", 3);
		av_strerror(code, fault.text + n + 2, sizeof(fault.text) - n - 2);
	}
	if (code == AVERROR(ENOSPC) || code == AVERROR(EIO) || code == AVERROR(EDQUOT))
		fault.kind = AV_FAULT_DISK;
	if (code == AVERROR(ENOMEM))
		fault.kind = AV_FAULT_MEMORY;
	av_send(AV_FAULT, &fault, sizeof(fault));
	_exit(1);
}

/* ---- the file ---------------------------------------------------------------------------------- */

struct av_place {
	int64_t at;
};

static int av_file_read(void *opaque, uint8_t *data, int size)
{
	struct av_place *place = opaque;
	ssize_t got;

	do
		got = pread(AV_FILE_FD, data, (size_t)size, (off_t)place->at);
	while (got < 0 && errno == EINTR);
	if (got <= 0)
		return got < 0 ? AVERROR(errno) : AVERROR_EOF;
	place->at += got;
	return (int)got;
}

static int av_file_write(void *opaque, uint8_t *data, int size)
{
	struct av_place *place = opaque;

	for (int done = 0; done < size;) {
		ssize_t put =
			pwrite(AV_FILE_FD, data + done, (size_t)(size - done), (off_t)place->at);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return put < 0 ? AVERROR(errno) : AVERROR(EIO);
		place->at += put;
		done += (int)put;
	}
	return size;
}

static int64_t av_file_seek(void *opaque, int64_t offset, int whence)
{
	struct av_place *place = opaque;
	struct stat stat;

	if (fstat(AV_FILE_FD, &stat) < 0)
		return AVERROR(errno);
	if (whence & AVSEEK_SIZE)
		return stat.st_size;
	whence &= ~AVSEEK_FORCE;
	offset += whence == SEEK_CUR ? place->at : whence == SEEK_END ? (int64_t)stat.st_size : 0;
	if (offset < 0)
		return AVERROR(EINVAL);
	return place->at = offset;
}

AVIOContext *av_file(bool is_written)
{
	struct av_place *place = av_mallocz(sizeof(*place));
	uint8_t *buffer = av_malloc(AV_IO_BYTES);
	AVIOContext *io = NULL;

	if (place && buffer)
		io = avio_alloc_context(buffer, AV_IO_BYTES, is_written, place, av_file_read,
					av_file_write, av_file_seek);
	if (!io)
		av_fault(AV_FAULT_MEMORY, 0, "out of memory");
	return io;
}

void av_file_free(AVIOContext **io)
{
	if (!*io)
		return;
	av_freep(&(*io)->opaque);
	av_freep(&(*io)->buffer);
	avio_context_free(io);
}

/* ---- channels ---------------------------------------------------------------------------------- */

static const struct {
	uint8_t position;
	enum AVChannel channel;
} av_channels[] = {
	{MIXD_POS_MONO, AV_CHAN_FRONT_CENTER},
	{MIXD_POS_FL, AV_CHAN_FRONT_LEFT},
	{MIXD_POS_FR, AV_CHAN_FRONT_RIGHT},
	{MIXD_POS_FC, AV_CHAN_FRONT_CENTER},
	{MIXD_POS_LFE, AV_CHAN_LOW_FREQUENCY},
	{MIXD_POS_SL, AV_CHAN_SIDE_LEFT},
	{MIXD_POS_SR, AV_CHAN_SIDE_RIGHT},
	{MIXD_POS_RL, AV_CHAN_BACK_LEFT},
	{MIXD_POS_RR, AV_CHAN_BACK_RIGHT},
	{MIXD_POS_RC, AV_CHAN_BACK_CENTER},
	{MIXD_POS_FLC, AV_CHAN_FRONT_LEFT_OF_CENTER},
	{MIXD_POS_FRC, AV_CHAN_FRONT_RIGHT_OF_CENTER},
	{MIXD_POS_TFL, AV_CHAN_TOP_FRONT_LEFT},
	{MIXD_POS_TFR, AV_CHAN_TOP_FRONT_RIGHT},
	{MIXD_POS_TSL, AV_CHAN_TOP_SIDE_LEFT},
	{MIXD_POS_TSR, AV_CHAN_TOP_SIDE_RIGHT},
	{MIXD_POS_TRL, AV_CHAN_TOP_BACK_LEFT},
	{MIXD_POS_TRR, AV_CHAN_TOP_BACK_RIGHT},
};

enum AVChannel av_channel_of(uint8_t position)
{
	for (size_t i = 0; i < sizeof(av_channels) / sizeof(av_channels[0]); i++)
		if (av_channels[i].position == position)
			return av_channels[i].channel;
	return AV_CHAN_NONE;
}

uint8_t av_position_of(enum AVChannel channel)
{
	/* the first row is for one channel alone */
	for (size_t i = 1; i < sizeof(av_channels) / sizeof(av_channels[0]); i++)
		if (av_channels[i].channel == channel)
			return av_channels[i].position;
	return MIXD_POS_NONE;
}

/* ---- the process ------------------------------------------------------------------------------- */

static void *av_watch(void *data)
{
	struct pollfd wait = {.fd = 0};

	while (poll(&wait, 1, -1) < 0 && errno == EINTR)
		;
	_exit(1);
}

static void av_confine(void)
{
	const struct rlimit none = {0, 0};
	pthread_t thread;

	prctl(PR_SET_NAME, "mixd-av");
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	setrlimit(RLIMIT_CORE, &none);
	av_max_alloc(AV_ALLOC_MAX);
	av_log_set_level(AV_LOG_QUIET);
	if (pthread_create(&thread, NULL, av_watch, NULL) == 0)
		pthread_detach(thread);
}

int main(void)
{
	struct stat stat;
	enum av_type type;
	uint32_t bytes;
	uint8_t *data;

	if (fstat(0, &stat) < 0 || !S_ISSOCK(stat.st_mode)) {
		fprintf(stderr, "mixd-av: mixd starts this to read and write files by FFmpeg's "
				"libraries\n");
		return 2;
	}
	av_confine();
	type = av_receive(&data, &bytes);
	if (type == AV_DECODE && bytes == sizeof(struct av_decode)) {
		struct av_decode order;

		memcpy(&order, data, sizeof(order));
		if (order.version == AV_TALK_VERSION) {
			av_decode_run(&order);
			return 0;
		}
	} else if (type == AV_ENCODE && bytes == sizeof(struct av_encode)) {
		struct av_encode order;

		memcpy(&order, data, sizeof(order));
		if (order.version == AV_TALK_VERSION) {
			av_encode_run(&order);
			return 0;
		}
	}
	av_fault(AV_FAULT_UNSUPPORTED, 0, "mixd-av is of another version than mixd");
}
