/* audio_file.h - read an audio file whole: the service behind mixd_host.read_audio.
 *
 * WHAT        Whatever libsndfile reads (WAV, RF64, W64, AIFF, CAF, FLAC, Ogg Vorbis and Opus, MP3)
 *             becomes planar f32 in memory, resampled by soxr VHQ. Impulse responses and reference
 *             recordings come in this way; nodes never see a decoder.
 * PATHS       An absolute path is taken as it is. A relative one is looked for in the folders given
 *             to audio_file_add_folder(), in that order: main.c gives that of the session file,
 *             then the user's and the installed store of sounds. Never the working directory: a
 *             service has none that anybody would expect.
 * THREADS     audio_file_add_folder() [main], before the first read. The others [main] and [worker]:
 *             they allocate, and take as long as the file is long.
 * LIMITS      AUDIO_FILE_SECONDS_MAX, MIXD_CHANNELS_MAX channels, AUDIO_FILE_SAMPLES_MAX in all; a
 *             regular file (a FIFO would stop the thread that reads it); finite samples.
 * NOT HERE    streaming from disk. */
#pragma once

#include <mixd/node.h>

#define AUDIO_FILE_SECONDS_MAX 600.0
#define AUDIO_FILE_SAMPLES_MAX (UINT64_C(1) << 27) /* half a gibibyte */

/* Search FOLDER (copied) for relative paths, after those already given. -ENOMEM, or -ENOSPC when
 * there are too many. [main] */
int audio_file_add_folder(const char *folder);
/* Where PATH is: absolute, malloc'd. -errno with *fault. [any] */
int audio_file_find(const char *path, char **ret, struct mixd_fault *fault);
/* The folder that is searched first, or NULL. Borrowed. [any] */
const char *audio_file_first_folder(void);
/* Forget all folders. [main] */
void audio_file_drop_folders(void);

/* Read PATH, resampled to RATE Hz (0: as it is). -errno with *fault; *ret_audio is then untouched.
 * Give it back with audio_file_free(). [main] and [worker] */
int audio_file_read(const char *path, double rate, struct mixd_audio *ret_audio,
		    struct mixd_fault *fault);
/* Free what audio_file_read() allocated; AUDIO itself is the caller's. NULL and empty are fine. */
void audio_file_free(struct mixd_audio *audio);
