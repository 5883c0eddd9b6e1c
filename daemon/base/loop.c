/* loop.c - see loop.h. A freed source leaves epoll at once but its memory stays until the turn is
 * over, because an event for it may already have been fetched (L1). */
#include "loop.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define LOOP_EVENTS_MAX 32

enum loop_kind { LOOP_FD, LOOP_TIMER, LOOP_WAKE, LOOP_SIGNAL };

struct loop_source {
	struct loop *loop;
	struct loop_source *next; /* of all, or of the dead */
	struct loop_source **link; /* what points here, among all */
	enum loop_kind kind;
	int fd;
	int signo;
	bool dead;
	loop_fn fn;
	loop_signal_fn signal_fn;
	void *data;
};

struct loop {
	struct loop_source *sources;
	struct loop_source *dead;
	int epoll_fd;
	bool dispatching;
	bool quit;
	int code;
};

struct loop *loop_new(void)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return NULL;
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd < 0) {
		free(loop);
		return NULL;
	}
	return loop;
}

static void loop_reap(struct loop *loop)
{
	while (loop->dead) {
		struct loop_source *source = loop->dead;

		loop->dead = source->next;
		free(source);
	}
}

struct loop *loop_free(struct loop *loop)
{
	if (!loop)
		return NULL;
	while (loop->sources)
		loop_source_free(loop->sources);
	loop_reap(loop);
	close(loop->epoll_fd);
	free(loop);
	return NULL;
}

/* True when there is something to tell: a wake-up or timer that was taken back meanwhile is not. */
static bool loop_source_take(struct loop_source *source, int *ret_signo)
{
	struct signalfd_siginfo info;
	uint64_t count;

	switch (source->kind) {
	case LOOP_FD:
		return true;
	case LOOP_SIGNAL:
		if (read(source->fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
			return false;
		*ret_signo = (int)info.ssi_signo;
		return true;
	case LOOP_TIMER:
	case LOOP_WAKE:
		return read(source->fd, &count, sizeof(count)) == (ssize_t)sizeof(count);
	}
	return false;
}

static void loop_source_dispatch(struct loop_source *source)
{
	int signo = 0;

	if (source->dead || !loop_source_take(source, &signo))
		return;
	if (source->kind == LOOP_SIGNAL)
		source->signal_fn(source->data, signo);
	else
		source->fn(source->data);
}

int loop_iterate(struct loop *loop, int timeout_ms)
{
	struct epoll_event events[LOOP_EVENTS_MAX];
	int n;

	if (loop->dispatching)
		return -EBUSY; /* L2 */
	n = epoll_wait(loop->epoll_fd, events, LOOP_EVENTS_MAX, timeout_ms);
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	loop->dispatching = true;
	for (int i = 0; i < n; i++)
		loop_source_dispatch(events[i].data.ptr);
	loop->dispatching = false;
	loop_reap(loop);
	return n;
}

int loop_run(struct loop *loop)
{
	while (!loop->quit) {
		int r = loop_iterate(loop, -1);

		if (r < 0)
			return r;
	}
	loop->quit = false;
	return loop->code;
}

void loop_quit(struct loop *loop, int code)
{
	loop->quit = true;
	loop->code = code;
}

static struct loop_source *loop_add(struct loop *loop, enum loop_kind kind, int fd, uint32_t events)
{
	struct loop_source *source = calloc(1, sizeof(*source));
	struct epoll_event event = {.events = events, .data.ptr = source};

	if (!source)
		return NULL;
	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) {
		free(source);
		return NULL;
	}
	source->loop = loop;
	source->kind = kind;
	source->fd = fd;
	source->next = loop->sources;
	source->link = &loop->sources;
	if (source->next)
		source->next->link = &source->next;
	loop->sources = source;
	return source;
}

/* Like loop_add(), for an FD of our own: closed on failure. */
static struct loop_source *loop_add_own(struct loop *loop, enum loop_kind kind, int fd)
{
	struct loop_source *source;

	if (fd < 0)
		return NULL;
	source = loop_add(loop, kind, fd, EPOLLIN);
	if (!source) {
		int saved = errno;

		close(fd);
		errno = saved;
	}
	return source;
}

struct loop_source *loop_add_fd(struct loop *loop, int fd, uint32_t events, loop_fn fn, void *data)
{
	struct loop_source *source = loop_add(loop, LOOP_FD, fd, events);

	if (source) {
		source->fn = fn;
		source->data = data;
	}
	return source;
}

struct loop_source *loop_add_timer(struct loop *loop, loop_fn fn, void *data)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	struct loop_source *source = loop_add_own(loop, LOOP_TIMER, fd);

	if (source) {
		source->fn = fn;
		source->data = data;
	}
	return source;
}

static struct timespec loop_timespec(uint64_t ns)
{
	return (struct timespec){.tv_sec = (time_t)(ns / 1000000000u),
				 .tv_nsec = (long)(ns % 1000000000u)};
}

void loop_timer_set(struct loop_source *source, uint64_t first_ns, uint64_t period_ns)
{
	struct itimerspec spec = {.it_value = loop_timespec(first_ns),
				  .it_interval = loop_timespec(first_ns ? period_ns : 0)};

	timerfd_settime(source->fd, 0, &spec, NULL);
}

struct loop_source *loop_add_wake(struct loop *loop, loop_fn fn, void *data)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct loop_source *source = loop_add_own(loop, LOOP_WAKE, fd);

	if (source) {
		source->fn = fn;
		source->data = data;
	}
	return source;
}

void loop_wake_signal(struct loop_source *source)
{
	uint64_t one = 1;

	/* a full counter already means "awake": the only way in which this fails */
	if (write(source->fd, &one, sizeof(one)) < 0)
		return;
}

struct loop_source *loop_add_signal(struct loop *loop, int signo, loop_signal_fn fn, void *data)
{
	struct loop_source *source;
	sigset_t set;

	sigemptyset(&set);
	if (sigaddset(&set, signo) < 0)
		return NULL;
	source = loop_add_own(loop, LOOP_SIGNAL, signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
	if (!source)
		return NULL;
	source->signo = signo;
	source->signal_fn = fn;
	source->data = data;
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	return source;
}

struct loop_source *loop_source_free(struct loop_source *source)
{
	struct loop *loop;

	if (!source || source->dead)
		return NULL;
	loop = source->loop;
	source->dead = true;
	epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, source->fd, NULL);
	if (source->kind != LOOP_FD)
		close(source->fd);
	if (source->kind == LOOP_SIGNAL) {
		sigset_t set;

		sigemptyset(&set);
		sigaddset(&set, source->signo);
		pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	}
	*source->link = source->next;
	if (source->next)
		source->next->link = source->link;
	if (loop->dispatching) {
		source->next = loop->dead;
		loop->dead = source;
	} else {
		free(source);
	}
	return NULL;
}
