/* media_sink.h - where encoders write to: a descriptor with a large buffer and a memory for faults.
 *
 * WHAT        libsndfile's virtual file. Its own writing forgets what went wrong when it closes, and
 *             asks the kernel for each frame of an encoder.
 * THREADS     one at a time. */
#pragma once

#include <sndfile.h>
#include <stddef.h>
#include <stdint.h>

struct media_sink {
	int fd; /* borrowed */
	int error; /* the first errno, or 0 */
	uint8_t *buffer; /* owned */
	size_t fill;
	int64_t buffer_at; /* its place in the file */
	int64_t at; /* where libsndfile believes to be */
	int64_t size; /* of the file, the buffer included */
	int64_t behind; /* up to here the disk has been told to write */
};

extern const SF_VIRTUAL_IO media_sink_io;

/* -ENOMEM. */
int media_sink_init(struct media_sink *sink, int fd);
/* SIZE bytes at the sink's place; a fault is remembered. */
void media_sink_write(struct media_sink *sink, const void *data, size_t size);
void media_sink_seek(struct media_sink *sink, int64_t at);
/* As if writing had failed. */
void media_sink_fail(struct media_sink *sink, int error);
/* Write what is in the buffer: 0 or -errno, also of an earlier fault. */
int media_sink_flush(struct media_sink *sink);
void media_sink_done(struct media_sink *sink);
