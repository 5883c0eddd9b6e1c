/* tags_lost.h - tags that the format of a file has no place for: said before it is written.
 *
 * THREADS     the job's. */
#pragma once

#include "job.h"
#include "media_write.h"

/* A warning that names what of TAGS (NULL: none) the file at PATH, written as FORMAT (NULL: by its
 * ending), will lack, and the formats that have all of that; a note when it is ReplayGain alone, which is
 * written unasked. Nothing when nothing is lost. */
void tags_lost_warn(struct job *job, const char *path, const char *format,
		    const struct media_tags *tags);
