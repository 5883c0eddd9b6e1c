/* test_rtcheck.c - the fence holds: each forbidden thing ends a child process, allowed ones pass. */
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "rtcheck.h"
#include "test.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static sem_t semaphore;
static uint32_t word;
static void *volatile sink;
static volatile double number = 0.5;
static __thread volatile int local;

static void do_malloc(void)
{
	sink = malloc(100);
}
static void do_free(void)
{
	free(sink);
}
static void do_strdup(void)
{
	sink = strdup("text");
}
static void do_lock(void)
{
	pthread_mutex_lock(&lock);
}
static void do_printf(void)
{
	printf("text");
}
static void do_write(void)
{
	if (write(1, "", 0) < 0)
		local = 1;
}
static void do_sleep(void)
{
	usleep(1);
}
static void do_yield(void)
{
	sched_yield();
}
static void do_syscall(void)
{
	syscall(SYS_getpid);
}
#if defined(__x86_64__)
static void do_assembly(void)
{
	long ret;

	__asm__ volatile("syscall" : "=a"(ret) : "a"(SYS_getpid) : "rcx", "r11", "memory");
	local = (int)ret;
}
#endif

static void do_allowed(void)
{
	struct timespec now;
	char text[64];

	clock_gettime(CLOCK_MONOTONIC, &now);
	number = sin(number) + exp2(number);
	snprintf(text, sizeof(text), "%f", number);
	local = text[0];
	pthread_mutex_trylock(&lock);
	sem_post(&semaphore);
	syscall(SYS_futex, &word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

/* As host->wake is not to be used. */
static void do_futex_wait(void)
{
	syscall(SYS_futex, &word, FUTEX_WAIT, 1, NULL, NULL, 0);
}

static void *wait_semaphore(void *data)
{
	sem_wait(&semaphore);
	return NULL;
}

/* With somebody asleep on it, sem_post() calls the system. */
static void do_wake(void)
{
	sem_post(&semaphore);
}

/* The signal that ends a child doing WHAT inside a section; its words in TEXT. */
static int rtcheck_child(void (*what)(void), bool inside, char text[512])
{
	int fds[2], status = 0;
	ssize_t n, size = 0;
	pid_t pid;

	CHECK(rtcheck_enter && rtcheck_exit, "run with LD_PRELOAD=rtcheck.so");
	sink = malloc(10);
	CHECK(pipe(fds) == 0);
	fflush(stdout);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		dup2(fds[1], 2);
		if (inside)
			rtcheck_enter();
		what();
		if (inside)
			rtcheck_exit();
		_exit(0);
	}
	close(fds[1]);
	while ((n = read(fds[0], text + size, (size_t)(511 - size))) > 0)
		size += n;
	text[size] = '\0';
	close(fds[0]);
	CHECK(waitpid(pid, &status, 0) == pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

TEST(rtcheck_ends_what_is_forbidden)
{
	static const struct {
		const char *name;
		void (*fn)(void);
	} cases[] = {
		{"malloc", do_malloc}, {"free", do_free},
		{"malloc", do_strdup}, {"pthread_mutex_lock", do_lock},
		{"printf", do_printf}, {"write", do_write},
		{"usleep", do_sleep},  {"sched_yield", do_yield},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[512];
		int got = rtcheck_child(cases[i].fn, true, text);

		CHECK(got == SIGABRT, "%s passed", cases[i].name);
		CHECK(strstr(text, cases[i].name), "%s: \"%s\"", cases[i].name, text);
		CHECK(rtcheck_child(cases[i].fn, false, text) == 0, "%s outside a section: %s",
		      cases[i].name, text);
	}
}

TEST(rtcheck_sees_every_system_call)
{
	struct rtcheck_counts counts;
	char text[512];

	rtcheck_enter();
	rtcheck_exit();
	rtcheck_read(&counts);
	if (!counts.sees_system_calls)
		test_skip("no syscall user dispatch on this machine");
	CHECK(rtcheck_child(do_syscall, true, text) == SIGABRT, "syscall() passed");
	CHECK(strstr(text, "system call"), "\"%s\"", text);
	CHECK(rtcheck_child(do_futex_wait, true, text) == SIGABRT, "a futex wait passed");
#if defined(__x86_64__)
	CHECK(rtcheck_child(do_assembly, true, text) == SIGABRT, "inline assembly passed");
#endif
}

TEST(rtcheck_lets_pass_what_is_allowed)
{
	char text[512];

	CHECK(sem_init(&semaphore, 0, 0) == 0);
	CHECK(rtcheck_child(do_allowed, true, text) == 0, "%s", text);
}

TEST(rtcheck_lets_a_worker_be_woken)
{
	struct timespec moment = {.tv_nsec = 20000000};
	pthread_t thread;

	CHECK(sem_init(&semaphore, 0, 0) == 0);
	CHECK(pthread_create(&thread, NULL, wait_semaphore, NULL) == 0);
	nanosleep(&moment, NULL);
	rtcheck_enter();
	do_wake();
	rtcheck_exit();
	CHECK(pthread_join(thread, NULL) == 0);
}

TEST(rtcheck_counts_cold_pages)
{
	struct rtcheck_counts before, after;
	volatile char *page =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(page != MAP_FAILED);
	rtcheck_read(&before);
	rtcheck_enter();
	page[0] = 1;
	rtcheck_exit();
	rtcheck_read(&after);
	CHECK(after.faults == before.faults + 1, "%llu faults", after.faults - before.faults);
	CHECK(after.sections == before.sections + 1);
	munmap((void *)page, 4096);
}
