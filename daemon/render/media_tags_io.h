/* media_tags_io.h - tags in the byte layouts of containers: what media_read.c and media_write.c call.
 *
 * WHAT        Everything goes through a descriptor of the file, with pread and pwrite: its position
 *             is neither used nor moved. Readers take what they understand and pass over the rest:
 *             malformed tags are no error. REPLAYGAIN_*, R128_* and iTunNORM become fields of
 *             struct media_loudness and the two flags, and are no texts.
 * WRITING     In WAV and RF64 chunks that belong before the samples are placed by
 *             media_tags_write_before(); media_tags_write_after(), called when the encoder has
 *             closed the (still temporary) file, sets the final contents in place when their
 *             size is unchanged, and otherwise behind the samples. All other formats need only the
 *             latter. Samples are never touched, but may move within the file.
 * THREADS     one at a time for a file.
 * NOT HERE    the list itself: media_tags.c. */
#pragma once

#include <sndfile.h>

#include "media.h"

/* Before the first sample. Of INFO: container, codec, rate, n_channels, layout, bits, is_float.
 * FILE is that of a "wav" or "rf64"; others are left alone. -ENOMEM. */
int media_tags_write_before(SNDFILE *file, const struct media_info *info,
			    const struct media_tags *tags, struct mixd_error *err);
/* FD is open for reading and writing. Of INFO also n_frames. PATH is for words only. -errno with
 * *err; the file is then of no use. */
int media_tags_write_after(int fd, const char *path, const struct media_info *info,
			   const struct media_tags *tags, struct mixd_error *err);
/* Adds to TAGS (initialised by media_tags_init()) what the file on FD says of itself; looks at the
 * bytes, not at a name. RATE in Hz counts what is written in seconds. -ENOMEM. */
int media_tags_read(int fd, double rate, struct media_tags *tags);

/* An iXML document of what TAGS and INFO say (tags->ixml is not looked at). Returned, freed by the
 * caller; NULL without memory. */
char *media_tags_make_ixml(const struct media_tags *tags, const struct media_info *info);
