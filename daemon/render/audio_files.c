/* audio_files.c - the file services of nodes in one table. */
#include "audio_files.h"

#include "audio_record.h"
#include "audio_stream.h"

const struct engine_files audio_files = {
	.stream_open = audio_stream_open,
	.stream_read = audio_stream_read,
	.stream_close = audio_stream_close,
	.record_open = audio_record_open,
	.record_write = audio_record_write,
	.record_close = audio_record_close,
};

const struct engine_files audio_files_whole = {
	.stream_open = audio_stream_open_whole,
	.stream_read = audio_stream_read,
	.stream_close = audio_stream_close,
	.record_open = audio_record_open,
	.record_write = audio_record_write,
	.record_close = audio_record_close,
};
