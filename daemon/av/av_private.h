/* av_private.h - inside the helper mixd-av: messages, the file, and the two jobs. */
#pragma once

#include <libavformat/avformat.h>
#include <stddef.h>

#include <mixd/layout.h>

#include "av.h"

/* ---- messages (mixd_av.c); they do not return when the other side has gone ---- */

void av_send(enum av_type type, const void *data, uint32_t bytes);
void av_send2(enum av_type type, const void *data, uint32_t bytes, const void *more,
	      uint32_t more_bytes);
/* The next message; *ret_data is good until the next call, and NUL-ended. */
enum av_type av_receive(uint8_t **ret_data, uint32_t *ret_bytes);
/* Says it and ends the process. CODE is FFmpeg's, or 0. */
__attribute__((noreturn, format(printf, 3, 4))) void av_fault(enum av_fault_kind kind, int code,
							      const char *fmt, ...);

/* ---- the file (mixd_av.c): descriptor AV_FILE_FD, from its begin ---- */

AVIOContext *av_file(bool is_written);
void av_file_free(AVIOContext **io);

/* ---- channels (mixd_av.c) ---- */

/* FFmpeg's channel for a position; AV_CHAN_NONE: none. */
enum AVChannel av_channel_of(uint8_t position);
uint8_t av_position_of(enum AVChannel channel);

/* ---- the jobs ---- */

void av_decode_run(const struct av_decode *order);
void av_encode_run(const struct av_encode *order);
