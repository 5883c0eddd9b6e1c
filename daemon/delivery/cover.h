/* cover.h - a picture from a file into tags: JPEG or PNG, as it is.
 *
 * THREADS     [any] */
#pragma once

#include "media.h"

/* NAME: as the caller would call it. -ENOENT, -EINVAL with *err. */
int cover_read(const char *path, const char *name, struct media_tags *tags, struct mixd_error *err);
