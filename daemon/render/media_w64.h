/* media_w64.h - the head of a Wave64 file: inside daemon/render only.
 *
 * WHAT        libsndfile writes Wave64 without channel masks; there is little else to it.
 * THREADS     [any] */
#pragma once

#include "media.h"
#include "media_pcm.h"
#include "media_sink.h"

/* Written at the beginning of SINK, with sizes for N_BYTES of samples; the sink's place is then behind
 * it. */
void media_w64_begin(struct media_sink *sink, const struct media_info *info,
		     const struct media_pcm *pcm, uint64_t n_bytes);
/* The samples are written: put their number into the head. */
void media_w64_end(struct media_sink *sink, const struct media_info *info,
		   const struct media_pcm *pcm);
