/* audio_stream.h - a sound file read piece by piece from any frame: mixd_host.stream_*.
 *
 * WHAT        Players hear a file as if it were at their rate, at their speed and in their direction.
 *             Frame k of the stream is frame k * ratio of the file (from its end when reversed). At a
 *             ratio of 1 samples are those of the file; at others soxr VHQ makes them, with a ratio of
 *             whole numbers p/q, so that a start in the middle lands on the same grid as a run from
 *             the beginning: what is read does not depend on where reading began (to the rounding of
 *             f32).
 * PATHS       as audio_file.h.
 * THREADS     a stream belongs to one thread at a time; [main] and [disk].
 * NOT HERE    clips, fades, channels: nodes/player. */
#pragma once

#include <mixd/node.h>

int audio_stream_open(const char *path, double rate, double speed, bool reverse,
		      struct mixd_stream **ret, struct mixd_stream_info *ret_info,
		      struct mixd_fault *fault);
/* A file that ends before its header says cannot be read to its end: for what is delivered. */
int audio_stream_open_whole(const char *path, double rate, double speed, bool reverse,
			    struct mixd_stream **ret, struct mixd_stream_info *ret_info,
			    struct mixd_fault *fault);
int audio_stream_read(struct mixd_stream *stream, uint64_t frame, float *const *channels,
		      uint32_t n_frames, struct mixd_fault *fault);
void audio_stream_close(struct mixd_stream *stream);
