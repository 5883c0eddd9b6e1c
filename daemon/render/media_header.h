/* media_header.h - what libsndfile cannot say in headers, put right afterwards: inside daemon/render
 * only.
 *
 * THREADS     [any] */
#pragma once

#include "media.h"

/* FD holds a finished file that INFO describes. WAV of one or two channels gets the plain format
 * chunk that everything reads, others the mask of their layout. INFO->container becomes "rf64" when
 * the file is. -errno. */
int media_header_fix(int fd, struct media_info *info);
