/* rtcheck.c - the fence at run time: preload it, and the audio thread may not misbehave unseen.
 *
 * WHAT        Code marks its real-time section with rtcheck_enter() .. rtcheck_exit(), which it
 *             knows as weak symbols: without this library they are null and cost nothing. Inside,
 *             allocation, locks, stdio, sleeping and any system call end the process with a
 *             backtrace, or are counted with RTCHECK=count. FAIL_NTH=n makes the n-th allocation
 *             of the process fail, for torture of error paths.
 * HOW         Interposed functions see what needs no system call (a buffered printf, an uncontended
 *             lock); Syscall User Dispatch (Linux 5.11, x86-64: Documentation/admin-guide/
 *             syscall-user-dispatch.rst) sees every system call, inline assembly included. Page
 *             faults and voluntary switches inside sections are counted (getrusage of the thread).
 * THREADS     state is per thread, initial-exec TLS; counters are atomic.
 * INVARIANTS  K1 no function of this library allocates inside a section. K2 outside a section it
 *             only forwards. */
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <linux/futex.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "rtcheck.h"

#define RTCHECK_EXPORT __attribute__((visibility("default")))
#define RTCHECK_TLS static __thread __attribute__((tls_model("initial-exec")))

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void __libc_free(void *memory);
extern void *__libc_memalign(size_t alignment, size_t size);

/* --- per thread --- */
RTCHECK_TLS unsigned rtcheck_depth;
RTCHECK_TLS bool rtcheck_armed, rtcheck_busy;
RTCHECK_TLS volatile char rtcheck_selector; /* 0 allow, 1 block: read by the kernel */
RTCHECK_TLS struct rusage rtcheck_before;

/* --- shared: atomic --- */
static atomic_ullong rtcheck_n_violations, rtcheck_n_faults, rtcheck_n_switches, rtcheck_n_sections;
static atomic_ullong rtcheck_n_allocations;

/* --- immutable after init --- */
static bool rtcheck_counts;
static unsigned long long rtcheck_fail_nth;

/* ---- saying so ---- */

static void rtcheck_say(const char *text)
{
	size_t size = strlen(text);

	while (size > 0) {
		long n = syscall(SYS_write, 2, text, size);

		if (n <= 0)
			return;
		text += n;
		size -= (size_t)n;
	}
}

static void rtcheck_violation(const char *what)
{
	void *frames[32];
	unsigned depth = rtcheck_depth;

	if (depth == 0 || rtcheck_busy)
		return;
	rtcheck_selector = 0;
	rtcheck_busy = true;
	rtcheck_depth = 0;
	atomic_fetch_add(&rtcheck_n_violations, 1);
	if (!rtcheck_counts) {
		rtcheck_say("rtcheck: ");
		rtcheck_say(what);
		rtcheck_say(" on the audio thread\n");
		backtrace_symbols_fd(frames, backtrace(frames, 32), 2);
		abort();
	}
	rtcheck_depth = depth;
	rtcheck_busy = false;
	rtcheck_selector = rtcheck_armed;
}

/* ---- the section ---- */

#if defined(__x86_64__) && defined(SYS_prctl)
#define RTCHECK_DISPATCH 59 /* PR_SET_SYSCALL_USER_DISPATCH */

static void rtcheck_sigsys(int signal_number, siginfo_t *info, void *context)
{
	ucontext_t *thread = context;
	greg_t *regs = thread->uc_mcontext.gregs;
	char what[40];
	long ret;

	rtcheck_selector = 0;
	snprintf(what, sizeof(what), "system call %d", info->si_syscall);
	rtcheck_violation(what);
	/* Counting: the call is made here, and its section goes on unwatched by the kernel. */
	rtcheck_selector = 0;
	ret = syscall(info->si_syscall, regs[REG_RDI], regs[REG_RSI], regs[REG_RDX], regs[REG_R10],
		      regs[REG_R8], regs[REG_R9]);
	regs[REG_RAX] = ret < 0 ? -errno : ret;
}

static bool rtcheck_arm(void)
{
	struct sigaction action = {.sa_sigaction = rtcheck_sigsys, .sa_flags = SA_SIGINFO};

	if (sigaction(SIGSYS, &action, NULL) < 0)
		return false;
	return prctl(RTCHECK_DISPATCH, 1, 0, 0, &rtcheck_selector) == 0;
}
#else
static bool rtcheck_arm(void)
{
	return false;
}
#endif

RTCHECK_EXPORT void rtcheck_enter(void)
{
	static __thread pid_t known; /* a fork is not dispatched */

	if (rtcheck_depth++ > 0)
		return;
	rtcheck_busy = true;
	if (known != getpid()) {
		void *frames[2];

		known = getpid();
		backtrace(frames, 2); /* its first call allocates */
		rtcheck_armed = rtcheck_arm();
	}
	atomic_fetch_add(&rtcheck_n_sections, 1);
	getrusage(RUSAGE_THREAD, &rtcheck_before);
	rtcheck_busy = false;
	rtcheck_selector = rtcheck_armed;
}

RTCHECK_EXPORT void rtcheck_exit(void)
{
	struct rusage now;

	if (rtcheck_depth == 0 || --rtcheck_depth > 0)
		return;
	rtcheck_selector = 0;
	getrusage(RUSAGE_THREAD, &now);
	atomic_fetch_add(&rtcheck_n_faults,
			 (unsigned long long)(now.ru_minflt - rtcheck_before.ru_minflt +
					      now.ru_majflt - rtcheck_before.ru_majflt));
	atomic_fetch_add(&rtcheck_n_switches,
			 (unsigned long long)(now.ru_nvcsw - rtcheck_before.ru_nvcsw));
}

RTCHECK_EXPORT void rtcheck_read(struct rtcheck_counts *ret)
{
	*ret = (struct rtcheck_counts){
		.sections = atomic_load(&rtcheck_n_sections),
		.violations = atomic_load(&rtcheck_n_violations),
		.faults = atomic_load(&rtcheck_n_faults),
		.switches = atomic_load(&rtcheck_n_switches),
		.sees_system_calls = rtcheck_armed,
	};
}

__attribute__((constructor)) static void rtcheck_init(void)
{
	const char *mode = getenv("RTCHECK"), *nth = getenv("FAIL_NTH");

	rtcheck_counts = mode && strcmp(mode, "count") == 0;
	rtcheck_fail_nth = nth ? strtoull(nth, NULL, 10) : 0;
}

/* ---- the malloc family: forwarded without dlsym(), which allocates ---- */

static bool rtcheck_fails(const char *what)
{
	rtcheck_violation(what);
	return rtcheck_fail_nth > 0 &&
	       atomic_fetch_add(&rtcheck_n_allocations, 1) + 1 == rtcheck_fail_nth;
}

RTCHECK_EXPORT void *malloc(size_t size)
{
	if (rtcheck_fails("malloc"))
		return errno = ENOMEM, NULL;
	return __libc_malloc(size);
}

RTCHECK_EXPORT void *calloc(size_t n, size_t size)
{
	if (rtcheck_fails("calloc"))
		return errno = ENOMEM, NULL;
	return __libc_calloc(n, size);
}

RTCHECK_EXPORT void *realloc(void *memory, size_t size)
{
	if (rtcheck_fails("realloc"))
		return errno = ENOMEM, NULL;
	return __libc_realloc(memory, size);
}

RTCHECK_EXPORT void free(void *memory)
{
	if (memory)
		rtcheck_violation("free");
	__libc_free(memory);
}

RTCHECK_EXPORT void *memalign(size_t alignment, size_t size)
{
	if (rtcheck_fails("memalign"))
		return errno = ENOMEM, NULL;
	return __libc_memalign(alignment, size);
}

RTCHECK_EXPORT void *aligned_alloc(size_t alignment, size_t size)
{
	if (rtcheck_fails("aligned_alloc"))
		return errno = ENOMEM, NULL;
	return __libc_memalign(alignment, size);
}

RTCHECK_EXPORT int posix_memalign(void **ret, size_t alignment, size_t size)
{
	void *memory = rtcheck_fails("posix_memalign") ? NULL : __libc_memalign(alignment, size);

	if (!memory)
		return ENOMEM;
	*ret = memory;
	return 0;
}

/* ---- the rest: looked up once, forwarded ---- */

#define RTCHECK_WRAP(type, name, params, args)                                                     \
	RTCHECK_EXPORT type name params                                                            \
	{                                                                                          \
		static type(*real) params;                                                         \
                                                                                                   \
		rtcheck_violation(#name);                                                          \
		if (!real)                                                                         \
			*(void **)&real = dlsym(RTLD_NEXT, #name);                                 \
		return real args;                                                                  \
	}

RTCHECK_WRAP(int, pthread_mutex_lock, (pthread_mutex_t * m), (m))
RTCHECK_WRAP(int, pthread_rwlock_rdlock, (pthread_rwlock_t * l), (l))
RTCHECK_WRAP(int, pthread_rwlock_wrlock, (pthread_rwlock_t * l), (l))
RTCHECK_WRAP(int, pthread_cond_wait, (pthread_cond_t * c, pthread_mutex_t *m), (c, m))
RTCHECK_WRAP(int, pthread_cond_timedwait,
	     (pthread_cond_t * c, pthread_mutex_t *m, const struct timespec *t), (c, m, t))
RTCHECK_WRAP(int, pthread_join, (pthread_t t, void **ret), (t, ret))
RTCHECK_WRAP(int, pthread_create,
	     (pthread_t * t, const pthread_attr_t *a, void *(*fn)(void *), void *data),
	     (t, a, fn, data))
RTCHECK_WRAP(int, sem_wait, (sem_t * s), (s))
RTCHECK_WRAP(int, sched_yield, (void), ())
RTCHECK_WRAP(int, usleep, (useconds_t us), (us))
RTCHECK_WRAP(unsigned, sleep, (unsigned s), (s))
RTCHECK_WRAP(int, nanosleep, (const struct timespec *t, struct timespec *left), (t, left))
RTCHECK_WRAP(int, clock_nanosleep,
	     (clockid_t clock, int flags, const struct timespec *t, struct timespec *left),
	     (clock, flags, t, left))
RTCHECK_WRAP(int, poll, (struct pollfd * fds, nfds_t n, int ms), (fds, n, ms))
RTCHECK_WRAP(ssize_t, read, (int fd, void *data, size_t size), (fd, data, size))
RTCHECK_WRAP(ssize_t, write, (int fd, const void *data, size_t size), (fd, data, size))
RTCHECK_WRAP(int, close, (int fd), (fd))
RTCHECK_WRAP(void *, dlopen, (const char *path, int flags), (path, flags))
RTCHECK_WRAP(FILE *, fopen, (const char *path, const char *mode), (path, mode))
RTCHECK_WRAP(int, fclose, (FILE * f), (f))
RTCHECK_WRAP(int, fflush, (FILE * f), (f))
RTCHECK_WRAP(int, puts, (const char *text), (text))
RTCHECK_WRAP(int, fputs, (const char *text, FILE *f), (text, f))
RTCHECK_WRAP(size_t, fwrite, (const void *data, size_t size, size_t n, FILE *f), (data, size, n, f))
RTCHECK_WRAP(size_t, fread, (void *data, size_t size, size_t n, FILE *f), (data, size, n, f))
RTCHECK_WRAP(int, vfprintf, (FILE * f, const char *format, va_list ap), (f, format, ap))

/* Allowed: wakes the worker thread, and never waits. Its futex call is let through. */
RTCHECK_EXPORT int sem_post(sem_t *sem)
{
	static int (*real)(sem_t * sem);
	int ret;

	rtcheck_selector = 0;
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "sem_post");
	ret = real(sem);
	rtcheck_selector = rtcheck_depth > 0 && rtcheck_armed;
	return ret;
}

/* Allowed: FUTEX_WAKE, what host->wake is made of. It never waits, either. Any other call by number
 * is forwarded, and seen by the kernel's dispatch. */
RTCHECK_EXPORT long syscall(long number, ...)
{
	static long (*real)(long number, ...);
	char selector = rtcheck_selector;
	long a[6], ret;
	va_list ap;

	va_start(ap, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (!real) {
		rtcheck_selector = 0;
		*(void **)&real = dlsym(RTLD_NEXT, "syscall");
		rtcheck_selector = selector;
	}
	if (number != SYS_futex || ((int)a[1] & FUTEX_CMD_MASK) != FUTEX_WAKE)
		return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	rtcheck_selector = 0;
	ret = real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	rtcheck_selector = selector;
	return ret;
}

RTCHECK_EXPORT __attribute__((format(printf, 1, 2))) int printf(const char *format, ...)
{
	va_list ap;
	int ret;

	rtcheck_violation("printf");
	va_start(ap, format);
	ret = vfprintf(stdout, format, ap);
	va_end(ap);
	return ret;
}

RTCHECK_EXPORT __attribute__((format(printf, 2, 3))) int fprintf(FILE *f, const char *format, ...)
{
	va_list ap;
	int ret;

	rtcheck_violation("fprintf");
	va_start(ap, format);
	ret = vfprintf(f, format, ap);
	va_end(ap);
	return ret;
}
