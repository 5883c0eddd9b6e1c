/* mixd/rt.h - the compile-time fence: include LAST in every file that runs on the audio thread.
 *
 * WHAT        Names that allocate, lock, print, sleep or call the system do not compile below this
 *             line. The other fences: place (nodes/ and *_rt.c), type (MIXD_RT), link
 *             (tests/rt/check_symbols), run (tests/rt/rtcheck.c). */
#pragma once

#pragma GCC poison malloc calloc realloc free strdup strndup asprintf vasprintf posix_memalign     \
	aligned_alloc
#pragma GCC poison printf fprintf vprintf vfprintf puts fputs fopen fclose fread fwrite fflush     \
	perror
#pragma GCC poison pthread_mutex_lock pthread_cond_wait pthread_create pthread_join sem_wait
#pragma GCC poison usleep nanosleep sleep poll select open close read write ioctl mmap munmap
#pragma GCC poison dlopen dlsym system exit abort
