/* media_retag.h - tags of a file that is finished, but not yet in its place.
 *
 * WHAT        What is known only when the encoded file was decoded and measured (its loudness) goes
 *             into it afterwards. Not atomic: for a file nobody knows of yet. Chapters of M4A are those
 *             it was written with.
 * THREADS     one at a time for a file. */
#pragma once

#include "media.h"

/* Of INFO what media_tags_write_after() asks for. -errno with *err. */
int media_retag(const char *path, const struct media_info *info, const struct media_tags *tags,
		struct mixd_error *err);
/* Each FROM becomes its TO, all or none, and stays so when the power fails. FROM[i] and TO[i] are absolute, in one folder. */
int media_move_all(const char *const *from, const char *const *to, uint32_t n,
		   struct mixd_error *err);
