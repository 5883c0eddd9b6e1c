/* media_look.h - what kind of file it is, beyond what the decoder tells: inside daemon/render only.
 *
 * THREADS     [any] */
#pragma once

#include "media.h"

/* Container, codec, bits, is_float and is_lossy of libsndfile's format word. */
void media_look_format(int sf_format, struct media_info *info);
/* Bit rate, and whether it is constant, of lossy streams: looks at FD, without moving it. */
void media_look_stream(int fd, struct media_info *info);
/* Does the header of this WAV say, by a mask of 0, that its channels have no places? */
bool media_look_is_discrete(int fd, const struct media_info *info);
