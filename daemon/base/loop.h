/* loop.h - the main thread's event loop: epoll, timers, signals, wake-ups.
 *
 * WHAT        One loop per process. Sources are created and freed on the loop's thread;
 *             loop_wake_signal() may be called from any thread, also from the audio thread (one
 *             eventfd write).
 * INVARIANTS  L1 a source may free itself and others inside its callback.
 *             L2 callbacks never nest.
 * NOT HERE    PipeWire's own loop: its fd is one source here (daemon/pipewire). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct loop_source;

typedef void (*loop_fn)(void *data);
typedef void (*loop_signal_fn)(void *data, int signo);

struct loop *loop_new(void); /* [main] */
struct loop *loop_free(struct loop *loop); /* [main] */
int loop_run(struct loop *loop); /* until loop_quit(); its code [main] */
/* One turn: wait at most TIMEOUT_MS (-1: for ever) and dispatch what is ready.     [main] */
int loop_iterate(struct loop *loop, int timeout_ms);
void loop_quit(struct loop *loop, int code); /* [main] */

/* FD is borrowed. EVENTS are EPOLLIN|... Returned: owned by the caller. NULL on failure, errno set.
 */
struct loop_source *loop_add_fd(struct loop *loop, int fd, uint32_t events, loop_fn fn, void *data);
/* A timer, disarmed; loop_timer_set() arms it. */
struct loop_source *loop_add_timer(struct loop *loop, loop_fn fn, void *data);
/* First shot after FIRST_NS (0: disarm), then every PERIOD_NS (0: once). */
void loop_timer_set(struct loop_source *source, uint64_t first_ns, uint64_t period_ns);
/* A wake-up: FN runs on the loop's thread some time after loop_wake_signal(); signals may merge. */
struct loop_source *loop_add_wake(struct loop *loop, loop_fn fn, void *data);
void loop_wake_signal(struct loop_source *source); /* [any] */
/* Blocks SIGNO in the process and delivers it here. */
struct loop_source *loop_add_signal(struct loop *loop, int signo, loop_signal_fn fn, void *data);
struct loop_source *loop_source_free(struct loop_source *source);
