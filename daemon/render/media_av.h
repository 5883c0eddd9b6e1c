/* media_av.h - M4A and foreign formats, by a program of their own: mixd-av.
 *
 * WHAT        mixd-av is the only thing here that is linked with FFmpeg: its licence, its size and its
 *             crashes stay in there. It gets the open file as a descriptor and talks over a socket
 *             (daemon/av/av.h). When it dies, or is silent for MEDIA_AV_PATIENCE_S, that is an error
 *             which names the file; when we die, it ends itself.
 * FOUND       $MIXD_AV_HELPER, beside this program (in the build tree), in ../libexec/mixd, and where
 *             meson installs it.
 * THREADS     one at a time for each struct media_av.
 * NOT HERE    temporary names, tags of M4A but chapters: media_write.c, media_tags_mp4.c. */
#pragma once

#include "media.h"
#include "media_write.h"

#define MEDIA_AV_PATIENCE_S 60

struct media_av;

/* Can it be run? False: *err (may be NULL) says what to install. */
bool media_av_is_installed(struct mixd_error *err);

/* Decode what FD (borrowed, used from any position) holds, from its first frame; PATH is for words.
 * Fills *INFO, and adds to *TAGS (initialised) texts and chapters of the file: of containers that
 * media_tags_read() knows only what that does not give. */
int media_av_open(int fd, const char *path, struct media_av **ret, struct media_info *info,
		  struct media_tags *tags, struct mixd_error *err);
/* Up to N_FRAMES into CHANNELS, 0 at the end. */
int64_t media_av_read(struct media_av *av, float *const *channels, uint32_t n_frames,
		      struct mixd_error *err);
/* The next frame read is FRAME. */
int media_av_seek(struct media_av *av, int64_t frame, struct mixd_error *err);
/* A file that ends early is as long as it is. */
void media_av_tolerate(struct media_av *av);

/* Encode into FD (empty, open for reading and writing, borrowed). Of TARGET: rate, layout,
 * bitrate_kbps, bits (16 or 24: Apple Lossless of samples that are on that grid; 0: AAC). Exactly
 * what is written is played: the encoder's delay is in an edit list. */
int media_av_create(int fd, const char *path, const struct media_target *target,
		    struct media_av **ret, struct mixd_error *err);
int media_av_write(struct media_av *av, const float *const *channels, uint32_t n_frames,
		   struct mixd_error *err);
/* Close the file, with chapters of TAGS (may be NULL); then media_tags_write_after() adds the rest. */
int media_av_finish(struct media_av *av, const struct media_tags *tags, struct mixd_error *err);

/* Ends the helper. Returns NULL. */
struct media_av *media_av_free(struct media_av *av);
