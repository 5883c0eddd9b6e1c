/* audio_record.h - a sound file written while it happens: mixd_host.record_*.
 *
 * WHAT        WAV with a broadcast header (EBU Tech 3285), RF64 from 4 GiB on (EBU Tech 3306): its
 *             header is kept true once a second, so that the file can be played at any time. It is
 *             called ".NAME.rec" until it is closed. What a crash leaves has that name, and is
 *             finished by the next recorder that begins a file in the folder; or by hand: rename it.
 *             Unlike media_write.h it keeps what was written when the disk is full: a performance
 *             cannot be rendered again.
 * PATHS       A relative one begins in the first folder of audio_file.h, where players look for files,
 *             too. Folders on the way are made.
 * THREADS     one at a time; [main] and [disk]. */
#pragma once

#include <mixd/node.h>

/* -EEXIST: there is such a file, or somebody else is writing it. */
int audio_record_open(const struct mixd_record_spec *spec, struct mixd_record **ret,
		      struct mixd_fault *fault);
int audio_record_write(struct mixd_record *record, const float *const *channels, uint32_t n_frames,
		       struct mixd_fault *fault);
int audio_record_close(struct mixd_record *record, struct mixd_fault *fault);
