/* media_read_private.h - the reader's own: inside media_open.c and media_read.c only. */
#pragma once

#include <sndfile.h>

#include "media_av.h"
#include "media_pcm.h"
#include "media_read.h"

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
