/* tags_keep.h - what a file says of itself, for the file that is made from it.
 *
 * WHAT        Texts, chapters and cue points, the picture and the broadcast extension stay with a
 *             programme. What it says of its loudness, of its encoder and of its tracks (iXML) does not:
 *             that is another one's.
 * THREADS     the job's. */
#pragma once

#include "media.h"

/* Into TAGS (initialised) what the file at PATH says; nothing when it cannot be read, which is said by
 * who reads it. -ENOMEM with *err. */
int tags_keep(const char *path, struct media_tags *tags, struct mixd_error *err);
/* PLACED (initialised here) as TAGS, whose places count at FROM_HZ, for the same programme at TO_HZ
 * with HEAD_S more (below 0: less) in front, N_FRAMES long. Marks that are cut off are gone. -ENOMEM. */
int tags_place(const struct media_tags *tags, double from_hz, double to_hz, double head_s,
	       int64_t n_frames, struct media_tags *placed);
