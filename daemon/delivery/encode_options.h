/* encode_options.h - how files are to be written, as options of a verb say it: --format --rate --bits
 * --float --dither --bitrate --quality --seed --tag --bext. What a verb's table does not have is as unset.
 *
 * THREADS     the job's. */
#pragma once

#include "job.h"
#include "media_write.h"

/* TARGET is initialised here, but for tags. -EINVAL. */
int encode_options_read(struct job *job, struct media_target *ret, struct mixd_error *err);
/* --tag NAME=VALUE and --bext into TAGS, which were initialised. */
int encode_options_tags(struct job *job, struct media_tags *tags, struct mixd_error *err);
/* Warns of --bitrate or --quality when none of the N FORMATS (NULL: unknown) can take it. */
void encode_options_warn(struct job *job, const char *const *format, uint32_t n);
