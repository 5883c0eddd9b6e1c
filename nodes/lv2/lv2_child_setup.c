/* lv2_child_setup.c - the memory shared with a helper, and the helper's life: start, watch, end.
 *
 * WHAT        The segment is a memfd that can neither shrink nor grow (a helper that cut it would
 *             kill us with SIGBUS); its descriptor is all a helper inherits. posix_spawn() does not
 *             copy our page tables, so the audio thread meets no page faults of ours.
 * INVARIANTS  L4 the helper asks to be killed with its parent (PR_SET_PDEATHSIG); here it is waited
 *             for by its own number, never by any other. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lv2.h"

#define CHILD_FD 3 /* the segment, in the helper */
#define CHILD_LEAVE_MS 100u /* to end by itself */

static size_t round_up(size_t n, size_t to)
{
	return (n + to - 1) / to * to;
}

void lv2_frame_make(struct lv2_frame *frame)
{
	size_t block = frame->block * sizeof(float);

	frame->at_ports = round_up(sizeof(struct lv2_share), 64);
	frame->at_queue = round_up(frame->at_ports + frame->n_ports * sizeof(struct lv2_port), 64);
	frame->at_slots = round_up(frame->at_queue + frame->slots * sizeof(uint64_t), 64);
	frame->slot_param = round_up(sizeof(struct lv2_slot), 64);
	frame->slot_meter = frame->slot_param + frame->n_params * sizeof(float);
	frame->slot_in = round_up(
		frame->slot_meter + (size_t)frame->n_meters * frame->copies * sizeof(float), 64);
	frame->slot_out =
		frame->slot_in + ((size_t)frame->in_channels + frame->key_channels) * block;
	frame->slot_bytes = round_up(frame->slot_out + frame->out_channels * block, 64);
	frame->warm_bytes = frame->at_slots + frame->slot_bytes * frame->slots;
	frame->at_text_in = round_up(frame->warm_bytes, 4096);
	frame->at_text_out = frame->at_text_in + LV2_TEXT_MAX;
	frame->bytes = frame->at_text_out + LV2_TEXT_MAX;
}

/* ---- memory ---- */

void lv2_share_renew(struct lv2_share *share, const struct lv2_frame *frame)
{
	memset((char *)share + frame->at_queue, 0, frame->warm_bytes - frame->at_queue);
	atomic_store(&share->asked, 0);
	atomic_store(&share->done, 0);
	atomic_store(&share->quit, 0);
	atomic_store(&share->sleeping, 0);
	atomic_store(&share->latency, 0);
	atomic_store(&share->captured, 0);
	atomic_store(&share->taken, 0);
	share->words[0] = '\0';
	atomic_store(&share->phase, LV2_PHASE_STARTING);
}

struct lv2_share *lv2_share_new(const struct lv2_type *type, const struct lv2_frame *frame,
				double rate, bool offline, const char *state_text, int *ret_fd)
{
	int fd = memfd_create("mixd-lv2", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct lv2_share *share;

	if (fd < 0)
		return NULL;
	if (ftruncate(fd, (off_t)frame->bytes) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0) {
		close(fd);
		return NULL;
	}
	share = mmap(NULL, frame->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (share == MAP_FAILED) {
		close(fd);
		return NULL;
	}
	share->magic = LV2_SHARE_MAGIC;
	share->parent = getpid();
	share->rate = rate;
	share->offline = offline;
	share->frame = *frame;
	snprintf(share->uri, sizeof(share->uri), "%s", type->uri);
	snprintf(share->library, sizeof(share->library), "%s", type->library);
	snprintf(share->bundle, sizeof(share->bundle), "%s", type->bundle);
	memcpy((char *)share + frame->at_ports, type->ports,
	       type->n_ports * sizeof(struct lv2_port));
	memcpy((char *)share + frame->at_text_in, state_text, strlen(state_text) + 1);
	lv2_share_renew(share, frame); /* writes every page that the audio thread will */
	*ret_fd = fd;
	return share;
}

void lv2_share_free(struct lv2_share *share, size_t bytes, int fd)
{
	if (!share)
		return;
	munmap(share, bytes);
	close(fd);
}

/* ---- the helper ---- */

/* In the build tree it lies beside the module's sources; installed, in libexec. */
static const char *child_path(void)
{
	static char path[LV2_PATH_MAX];
	const char *env = getenv("MIXD_LV2_HELPER");
	Dl_info info;

	if (env && *env)
		return env;
	if (dladdr((const void *)(uintptr_t)lv2_frame_make, &info) && info.dli_fname) {
		const char *slash = strrchr(info.dli_fname, '/');

		snprintf(path, sizeof(path), "%.*s/lv2/mixd-lv2",
			 slash ? (int)(slash - info.dli_fname) : 1, slash ? info.dli_fname : ".");
		if (access(path, X_OK) == 0)
			return path;
		snprintf(path, sizeof(path), "%.*s/mixd-lv2",
			 slash ? (int)(slash - info.dli_fname) : 1, slash ? info.dli_fname : ".");
		if (access(path, X_OK) == 0)
			return path;
	}
	return LV2_HELPER;
}

/* Our environment, but for what is preloaded into us, or meant for us alone. */
static char **child_environment(void)
{
	static const char *const ours[] = {"LD_PRELOAD=", "NOTIFY_SOCKET=", "WATCHDOG_", "LISTEN_"};
	uint32_t n = 0, kept = 0;
	char **list;

	while (environ[n])
		n++;
	list = calloc(n + 1, sizeof(*list));
	for (uint32_t i = 0; list && i < n; i++) {
		bool drop = false;

		for (size_t k = 0; k < sizeof(ours) / sizeof(ours[0]); k++)
			drop |= strncmp(environ[i], ours[k], strlen(ours[k])) == 0;
		if (!drop)
			list[kept++] = environ[i];
	}
	return list;
}

/* Signals as a fresh process has them; a group of its own, so that ^C reaches only us. */
static int child_attributes(posix_spawnattr_t *attributes)
{
	const struct sched_param plain = {0};
	sigset_t none, all;

	sigemptyset(&none);
	sigfillset(&all);
	sigdelset(&all, SIGKILL);
	sigdelset(&all, SIGSTOP);
	if (posix_spawnattr_init(attributes) != 0)
		return -ENOMEM;
	posix_spawnattr_setsigmask(attributes, &none);
	posix_spawnattr_setsigdefault(attributes, &all);
	posix_spawnattr_setpgroup(attributes, 0);
	/* The worker may have a priority of its own; the helper begins with none. */
	posix_spawnattr_setschedpolicy(attributes, SCHED_OTHER);
	posix_spawnattr_setschedparam(attributes, &plain);
	posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
						     POSIX_SPAWN_SETPGROUP |
						     POSIX_SPAWN_SETSCHEDULER);
	return 0;
}

int lv2_child_start(int memory_fd, pid_t *ret_pid, char words[LV2_WORDS_MAX])
{
	const char *path = child_path();
	char *const argv[] = {(char *)(uintptr_t) "mixd-lv2", NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	char **environment = child_environment();
	int res = -ENOMEM, fd = -1;

	*ret_pid = 0;
	if (!environment || child_attributes(&attributes) < 0) {
		free(environment);
		return -ENOMEM;
	}
	if (posix_spawn_file_actions_init(&actions) == 0) {
		/* dup2() onto itself would leave FD_CLOEXEC on it. */
		fd = memory_fd == CHILD_FD ? fcntl(memory_fd, F_DUPFD_CLOEXEC, CHILD_FD + 1) : -1;
		res = posix_spawn_file_actions_adddup2(&actions, fd >= 0 ? fd : memory_fd,
						       CHILD_FD);
		if (res == 0)
			res = posix_spawn(ret_pid, path, &actions, &attributes, argv, environment);
		posix_spawn_file_actions_destroy(&actions);
	}
	posix_spawnattr_destroy(&attributes);
	free(environment);
	if (fd >= 0)
		close(fd);
	if (res != 0) {
		*ret_pid = 0;
		snprintf(words, LV2_WORDS_MAX, "the helper %.100s does not start: %s", path,
			 strerror(res > 0 ? res : -res));
		return res > 0 ? -res : res;
	}
	return 0;
}

bool lv2_child_ended(pid_t *pid, int *ret_signal)
{
	int status = 0;
	pid_t got;

	if (*pid <= 0)
		return true;
	do
		got = waitpid(*pid, &status, WNOHANG);
	while (got < 0 && errno == EINTR);
	if (got == 0)
		return false;
	if (ret_signal)
		*ret_signal = got > 0 && WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	*pid = 0;
	return true;
}

static uint64_t child_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

int lv2_child_await(struct lv2_share *share, pid_t *pid, uint32_t timeout_ms,
		    char words[LV2_WORDS_MAX])
{
	const struct timespec moment = {0, 20000000};
	uint64_t end = child_now_ms() + timeout_ms;
	uint32_t phase;
	int signal_number = 0;

	while ((phase = atomic_load(&share->phase)) == LV2_PHASE_STARTING) {
		if (lv2_child_ended(pid, &signal_number)) {
			snprintf(words, LV2_WORDS_MAX, "it dies while it starts (%s)",
				 signal_number ? strsignal(signal_number) : "exit");
			return -EPIPE;
		}
		if (child_now_ms() >= end) {
			snprintf(words, LV2_WORDS_MAX, "it takes longer than %u ms to start",
				 timeout_ms);
			return -ETIMEDOUT;
		}
		syscall(SYS_futex, &share->phase, FUTEX_WAIT, LV2_PHASE_STARTING, &moment, NULL, 0);
	}
	if (phase == LV2_PHASE_READY)
		return 0;
	snprintf(words, LV2_WORDS_MAX, "%.*s", (int)sizeof(share->words) - 1, share->words);
	return -ENOEXEC;
}

void lv2_child_stop(struct lv2_share *share, pid_t *pid, bool at_once)
{
	const struct timespec moment = {0, 1000000};
	uint64_t end = child_now_ms() + CHILD_LEAVE_MS;

	if (*pid <= 0)
		return;
	atomic_store(&share->quit, 1);
	syscall(SYS_futex, &share->asked, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
	while (!at_once && !lv2_child_ended(pid, NULL) && child_now_ms() < end)
		nanosleep(&moment, NULL);
	if (*pid <= 0)
		return;
	kill(*pid, SIGKILL);
	while (waitpid(*pid, NULL, 0) < 0 && errno == EINTR)
		;
	*pid = 0;
}
