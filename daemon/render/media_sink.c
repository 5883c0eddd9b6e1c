/* media_sink.c - see media_sink.h. */
#include "media_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUFFER_BYTES 262144u
#define BEHIND_BYTES (4 << 20)

int media_sink_init(struct media_sink *sink, int fd)
{
	*sink = (struct media_sink){.fd = fd, .buffer = malloc(BUFFER_BYTES)};
	return sink->buffer ? 0 : -ENOMEM;
}

/* Let the disk begin with what is there: at the end we wait for all of it, and it would have slept until
 * then. Whoever cannot (a pipe) need not. */
static void sink_write_behind(struct media_sink *sink, int64_t end)
{
	if (end - sink->behind < BEHIND_BYTES)
		return;
	(void)sync_file_range(sink->fd, sink->behind, end - sink->behind, SYNC_FILE_RANGE_WRITE);
	sink->behind = end;
}

static void sink_write_at(struct media_sink *sink, const uint8_t *data, size_t size, int64_t at)
{
	while (size > 0 && sink->error == 0) {
		ssize_t n = pwrite(sink->fd, data, size, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			sink->error = n < 0 ? errno : EIO;
			break;
		}
		data += n;
		size -= (size_t)n;
		at += n;
	}
}

int media_sink_flush(struct media_sink *sink)
{
	sink_write_at(sink, sink->buffer, sink->fill, sink->buffer_at);
	sink_write_behind(sink, sink->buffer_at + (int64_t)sink->fill);
	sink->fill = 0;
	return -sink->error;
}

void media_sink_done(struct media_sink *sink)
{
	free(sink->buffer);
	sink->buffer = NULL;
}

static sf_count_t sink_get_size(void *data)
{
	return ((struct media_sink *)data)->size;
}

static sf_count_t sink_seek(sf_count_t offset, int whence, void *data)
{
	struct media_sink *sink = data;

	if (whence == SEEK_CUR)
		offset += sink->at;
	else if (whence == SEEK_END)
		offset += sink->size;
	if (offset < 0)
		return -1;
	return sink->at = offset;
}

static sf_count_t sink_read(void *to, sf_count_t count, void *data)
{
	struct media_sink *sink = data;
	ssize_t n;

	if (media_sink_flush(sink) < 0)
		return 0;
	n = pread(sink->fd, to, (size_t)count, sink->at);
	if (n > 0)
		sink->at += n;
	return n > 0 ? n : 0;
}

static sf_count_t sink_write(const void *from, sf_count_t count, void *data)
{
	struct media_sink *sink = data;
	bool is_next = sink->at == sink->buffer_at + (int64_t)sink->fill;

	if (count <= 0)
		return 0;
	if (!is_next || sink->fill + (size_t)count > BUFFER_BYTES) {
		if (media_sink_flush(sink) < 0)
			return 0;
		sink->buffer_at = sink->at;
	}
	if ((size_t)count > BUFFER_BYTES) {
		sink_write_at(sink, from, (size_t)count, sink->at);
		sink->buffer_at = sink->at + count;
	} else {
		memcpy(sink->buffer + sink->fill, from, (size_t)count);
		sink->fill += (size_t)count;
	}
	sink->at += count;
	sink->size = sink->at > sink->size ? sink->at : sink->size;
	return sink->error ? 0 : count;
}

static sf_count_t sink_tell(void *data)
{
	return ((struct media_sink *)data)->at;
}

void media_sink_write(struct media_sink *sink, const void *data, size_t size)
{
	sink_write(data, (sf_count_t)size, sink);
}

void media_sink_seek(struct media_sink *sink, int64_t at)
{
	sink->at = at;
}

void media_sink_fail(struct media_sink *sink, int error)
{
	sink->error = sink->error ? sink->error : error;
}

const SF_VIRTUAL_IO media_sink_io = {
	.get_filelen = sink_get_size,
	.seek = sink_seek,
	.read = sink_read,
	.write = sink_write,
	.tell = sink_tell,
};
