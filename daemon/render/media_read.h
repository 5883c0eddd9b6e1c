/* media_read.h - read an audio file piece by piece.
 *
 * WHAT        Whatever libsndfile reads, and, when the helper program mixd-av is installed, what
 *             libavformat reads (M4A, AC-3, MKV, ...). PCM in WAV, RF64, W64, AIFF and CAF takes a
 *             short way: raw bytes, converted by vectors. Samples are planar f32: integers divided
 *             by 2^(bits - 1), exact up to 24 bits; f64 is rounded. NaN and infinity are refused,
 *             with their place.
 * THREADS     one at a time.
 * LIMITS      1..MEDIA_CHANNELS_MAX channels, 1..768000 Hz, regular files (a FIFO or a device is
 *             refused). A file that ends before its header says is an error ("truncated"), when its
 *             end is read; unless media_reader_tolerate() was called.
 * NOT HERE    a whole file in memory, for nodes: audio_file.h; another rate: media_resample.h. */
#pragma once

#include "media.h"

struct media_reader;

int media_open(const char *path, struct media_reader **ret, struct mixd_error *err);
/* Borrowed. */
const struct media_info *media_reader_info(const struct media_reader *reader);
const struct media_tags *media_reader_tags(const struct media_reader *reader);
/* Up to N_FRAMES into CHANNELS. Returns how many, 0 at the end, or -errno with *err (address: the
 * file's name). A reader that failed stays failed. */
int64_t media_read(struct media_reader *reader, float *const *channels, uint32_t n_frames,
		   struct mixd_error *err);
/* The next frame read is FRAME (0..n_frames), for every format, MP3 and AAC included. A lossy decoder that
 * is sent elsewhere may round in another order than one that came there (MP3: 1e-7). */
int media_seek(struct media_reader *reader, int64_t frame, struct mixd_error *err);
/* Bits that were ever 1 in what was read so far, of integer PCM as left-aligned 32-bit words (of the
 * magnitude's two's complement, as stored); 0 for other codecs. */
uint32_t media_reader_used_bits(const struct media_reader *reader);
/* A file that ends early is as long as it is. */
void media_reader_tolerate(struct media_reader *reader);
struct media_reader *media_close(struct media_reader *reader);
