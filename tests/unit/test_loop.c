/* test_loop.c - fds, timers, wake-ups, signals, and freeing under way (L1, L2). */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "loop.h"
#include "test.h"

struct probe {
	struct loop *loop;
	struct loop_source *self, *other;
	int count, result;
	int fd;
};

static void probe_read(void *data)
{
	struct probe *probe = data;
	char byte;

	CHECK(read(probe->fd, &byte, 1) == 1);
	probe->count++;
}

static void probe_count(void *data)
{
	((struct probe *)data)->count++;
}

TEST(loop_fd_is_dispatched)
{
	struct loop *loop = loop_new();
	struct probe probe = {.loop = loop};
	int fds[2];

	CHECK(pipe(fds) == 0);
	probe.fd = fds[0];
	CHECK(loop_add_fd(loop, fds[0], EPOLLIN, probe_read, &probe));
	CHECK(loop_iterate(loop, 0) == 0);
	CHECK(write(fds[1], "ab", 2) == 2);
	CHECK(loop_iterate(loop, 1000) == 1 && loop_iterate(loop, 1000) == 1);
	CHECK(probe.count == 2);
	CHECK(loop_iterate(loop, 0) == 0);
	loop_free(loop);
	close(fds[0]);
	close(fds[1]);
}

TEST(loop_bad_fd_is_refused)
{
	struct loop *loop = loop_new();

	errno = 0;
	CHECK(!loop_add_fd(loop, -1, EPOLLIN, probe_count, NULL) && errno == EBADF);
	CHECK(!loop_add_signal(loop, 12345, NULL, NULL));
	loop_free(loop);
	loop_free(NULL);
	loop_source_free(NULL);
}

TEST(loop_timer_once_and_periodic)
{
	struct loop *loop = loop_new();
	struct probe once = {0}, often = {0};
	struct loop_source *timer = loop_add_timer(loop, probe_count, &once);
	struct loop_source *periodic = loop_add_timer(loop, probe_count, &often);

	loop_timer_set(timer, 1000000, 0);
	loop_timer_set(periodic, 1000000, 2000000);
	while (often.count < 4)
		CHECK(loop_iterate(loop, 1000) > 0);
	CHECK(once.count == 1);
	loop_timer_set(periodic, 0, 5);
	CHECK(loop_iterate(loop, 10) == 0);
	loop_free(loop);
}

static void *wake_thread(void *data)
{
	struct probe *probe = data;

	for (int i = 0; i < 1000; i++)
		loop_wake_signal(probe->self);
	return NULL;
}

TEST(loop_wake_merges_and_never_loses_the_last)
{
	struct loop *loop = loop_new();
	struct probe probe = {.loop = loop};
	pthread_t thread;

	probe.self = loop_add_wake(loop, probe_count, &probe);
	CHECK(pthread_create(&thread, NULL, wake_thread, &probe) == 0);
	CHECK(loop_iterate(loop, 1000) == 1);
	pthread_join(thread, NULL);
	loop_iterate(loop, 0);
	CHECK(probe.count >= 1 && probe.count <= 2, "%d", probe.count);
	loop_free(loop);
}

static void probe_signal(void *data, int signo)
{
	struct probe *probe = data;

	probe->result = signo;
	loop_quit(probe->loop, 7);
}

TEST(loop_signal_arrives_and_run_returns_the_code)
{
	struct loop *loop = loop_new();
	struct probe probe = {.loop = loop};
	sigset_t set;

	CHECK(loop_add_signal(loop, SIGUSR1, probe_signal, &probe));
	kill(getpid(), SIGUSR1);
	CHECK(loop_run(loop) == 7);
	CHECK(probe.result == SIGUSR1);
	loop_free(loop);
	pthread_sigmask(SIG_BLOCK, NULL, &set);
	CHECK(!sigismember(&set, SIGUSR1));
}

static void probe_free_both(void *data)
{
	struct probe *probe = data;

	probe->count++;
	probe->other = loop_source_free(probe->other);
	probe->self = loop_source_free(probe->self);
}

TEST(loop_source_may_free_itself_and_others)
{
	struct loop *loop = loop_new();
	struct probe a = {.loop = loop}, b = {.loop = loop};

	a.self = b.other = loop_add_wake(loop, probe_free_both, &a);
	b.self = a.other = loop_add_wake(loop, probe_free_both, &b);
	loop_wake_signal(a.self);
	loop_wake_signal(b.self);
	loop_iterate(loop, 1000);
	CHECK(a.count + b.count == 1, "both ran, the second after it was freed"); /* L1 */
	CHECK(loop_iterate(loop, 0) == 0);
	loop_free(loop);
}

static void probe_nest(void *data)
{
	struct probe *probe = data;

	probe->result = loop_iterate(probe->loop, 0);
}

TEST(loop_callbacks_do_not_nest)
{
	struct loop *loop = loop_new();
	struct probe probe = {.loop = loop};

	probe.self = loop_add_wake(loop, probe_nest, &probe);
	loop_wake_signal(probe.self);
	loop_iterate(loop, 1000);
	CHECK(probe.result == -EBUSY); /* L2 */
	loop_free(loop);
}
