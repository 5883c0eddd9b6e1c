/* spool.h - sound kept on disk for a while: what is read more than once and made only once.
 *
 * WHAT        Planar f32 in blocks, in a file without a name beside the goal (it is gone with the
 *             process, whatever happens).
 * THREADS     one at a time. */
#pragma once

#include <stdint.h>

#include "error.h"

struct spool;
/* A file in FOLDER without a name, so that nothing is left of it whatever happens. -1: see errno. */
int spool_file(const char *folder);

/* FOLDER: where the file lies. -errno with *err. */
int spool_new(const char *folder, uint32_t n_channels, struct spool **ret, struct mixd_error *err);
int spool_write(struct spool *spool, const float *const *channels, uint32_t n_frames,
		struct mixd_error *err);
/* From the beginning again; what is being written is ended. */
int spool_rewind(struct spool *spool, struct mixd_error *err);
/* Up to N_FRAMES; returns how many, 0 at the end. After spool_rewind(). */
int64_t spool_read(struct spool *spool, float *const *channels, uint32_t n_frames,
		   struct mixd_error *err);
/* The next frame read is FRAME (at most all). */
int spool_seek(struct spool *spool, int64_t frame, struct mixd_error *err);
int64_t spool_frames(const struct spool *spool);
struct spool *spool_free(struct spool *spool);
