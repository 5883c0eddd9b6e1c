/* media_header.h - what libsndfile cannot say in headers, put right afterwards: inside daemon/render
 * only.
 *
 * THREADS     [any] */
#pragma once

#include <sndfile.h>

#include "media.h"

#define MEDIA_CHAN_BITMAP UINT32_C(0x10000) /* kAudioChannelLayoutTag_UseChannelBitmap */
#define MEDIA_CHAN_DISCRETE UINT32_C(147) /* _DiscreteInOrder, in the upper half */

/* Chunks that stand before the samples: the channels' places in AIFF and CAF. */
void media_header_begin(SNDFILE *file, const struct media_info *info);
/* FD holds a finished file that INFO describes. WAV of one or two channels gets the plain format
 * chunk that everything reads, others the mask of their layout; an Ogg its serial number. INFO->container becomes "rf64" when
 * the file is. -errno. */
int media_header_fix(int fd, struct media_info *info);
