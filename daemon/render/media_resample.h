/* media_resample.h - another sample rate, piece by piece (soxr, VHQ: linear phase).
 *
 * WHAT        Frame k of the output is the sound at k / TO seconds: the filter's delay is taken off.
 *             Of n input frames come ceil(n * TO / FROM), to the frame, whatever the blocks were.
 * THREADS     one at a time.
 * NOT HERE    varispeed: node `player`. */
#pragma once

#include "media.h"

struct media_resampler;

/* -ENOMEM, or -EINVAL for rates that are none. */
int media_resampler_new(double from, double to, uint32_t n_channels, struct media_resampler **ret);

/* Takes up to *N_IN frames of IN and gives up to *N_OUT to OUT; both become what it was. Call until
 * all is taken, and OUT was not filled. IN NULL: the input has ended; call until *N_OUT is 0.
 * -EIO: soxr failed. */
int media_resampler_run(struct media_resampler *resampler, const float *const *in, uint32_t *n_in,
			float *const *out, uint32_t *n_out);

/* The same, pulled: READ as media_read(). Up to N frames into OUT, 0 at the end, or -errno. */
typedef int64_t (*media_resampler_read_fn)(void *data, float *const *channels, uint32_t n_frames,
					   struct mixd_error *err);
int64_t media_resampler_read(struct media_resampler *resampler, media_resampler_read_fn read,
			     void *data, float *const *out, uint32_t n, struct mixd_error *err);

/* How many frames N become. */
int64_t media_resampler_length(double from, double to, int64_t n);
/* All that was heard is forgotten: the next frame is frame 0. */
void media_resampler_reset(struct media_resampler *resampler);
struct media_resampler *media_resampler_free(struct media_resampler *resampler);
