/* media_look.h - what kind of file it is, beyond what the decoder tells: inside daemon/render only.
 *
 * THREADS     [any] */
#pragma once

#include "media.h"

/* Container, codec, bits, is_float and is_lossy of libsndfile's format word. */
void media_look_format(int sf_format, struct media_info *info);
/* Bit rate, and whether it is constant, of lossy streams: looks at FD, without moving it. */
void media_look_stream(int fd, struct media_info *info);
/* What a WAV, RF64, W64, AIFF or CAF says of its channels' places: a WAVE mask; 0: they have none.
 * false: it says nothing, or says it otherwise. */
bool media_look_mask(int fd, const struct media_info *info, uint32_t *ret_mask);
/* A W64 whose extensible format chunk says float. */
bool media_look_is_float(int fd, const struct media_info *info);
/* An Ogg whose last page says that it is the last; true for other files. */
bool media_look_is_ended(int fd, const struct media_info *info);
/* An MP3 whose first frame counts the others: its length is a promise. */
bool media_look_is_counted(int fd, const struct media_info *info);
