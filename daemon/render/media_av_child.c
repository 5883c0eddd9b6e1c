/* media_av_child.c - see media_av_child.h.
 *
 * INVARIANTS  C1 the child inherits three descriptors: the socket, the file, standard error. C2 it is
 *             waited for by its own number, never by any other. C3 no call waits longer than
 *             MEDIA_AV_PATIENCE_S without a byte. */
#include "media_av_child.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "media_av.h"

/* ---- where it is ------------------------------------------------------------------------------- */

/* From the folder of this program: daemon/, clients/mixctl/ and tests/unit/ of a build tree; bin/. */
static const char *const child_places[] = {"av/mixd-av", "../daemon/av/mixd-av",
					   "../../daemon/av/mixd-av", "../libexec/mixd/mixd-av"};

const char *media_av_path(void)
{
	static _Thread_local char path[4096];
	const char *named = getenv("MIXD_AV_HELPER");
	ssize_t n;
	char self[3072], *slash;

	if (named && *named)
		return access(named, X_OK) == 0 ? named : NULL;
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	self[n > 0 ? n : 0] = '\0';
	slash = strrchr(self, '/');
	for (size_t i = 0; slash && i < sizeof(child_places) / sizeof(child_places[0]); i++) {
		snprintf(path, sizeof(path), "%.*s/%s", (int)(slash - self), self, child_places[i]);
		if (access(path, X_OK) == 0)
			return path;
	}
	return access(AV_HELPER, X_OK) == 0 ? AV_HELPER : NULL;
}

/* ---- start ------------------------------------------------------------------------------------- */

/* Our environment, but for what is preloaded into us, or meant for us alone. Owned. */
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

	if (posix_spawnattr_init(attributes) != 0)
		return -ENOMEM;
	sigemptyset(&none);
	sigfillset(&all);
	sigdelset(&all, SIGKILL);
	sigdelset(&all, SIGSTOP);
	posix_spawnattr_setsigmask(attributes, &none);
	posix_spawnattr_setsigdefault(attributes, &all);
	posix_spawnattr_setpgroup(attributes, 0);
	posix_spawnattr_setschedpolicy(attributes, SCHED_OTHER);
	posix_spawnattr_setschedparam(attributes, &plain);
	posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
						     POSIX_SPAWN_SETPGROUP |
						     POSIX_SPAWN_SETSCHEDULER);
	return 0;
}

/* SOCKET and FD are above those the child gets: dup2() onto itself would leave FD_CLOEXEC on it. */
static int child_spawn(const char *program, int socket, int fd, pid_t *ret_pid)
{
	char *const argv[] = {(char *)(uintptr_t) "mixd-av", NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	char **environment = child_environment();
	int r = ENOMEM;

	if (!environment || child_attributes(&attributes) < 0) {
		free(environment);
		return -ENOMEM;
	}
	if (posix_spawn_file_actions_init(&actions) == 0) {
		r = posix_spawn_file_actions_adddup2(&actions, socket, 0);
		if (r == 0)
			r = posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
		if (r == 0)
			r = posix_spawn_file_actions_adddup2(&actions, fd, AV_FILE_FD);
		if (r == 0)
			r = posix_spawn_file_actions_addclosefrom_np(&actions, AV_FILE_FD + 1);
		if (r == 0)
			r = posix_spawn(ret_pid, program, &actions, &attributes, argv, environment);
		posix_spawn_file_actions_destroy(&actions);
	}
	posix_spawnattr_destroy(&attributes);
	free(environment);
	return -r;
}

/* $MIXD_AV_PATIENCE_S, for slow disks and for tests. */
static int child_patience_s(void)
{
	const char *said = getenv("MIXD_AV_PATIENCE_S");
	int seconds = said ? atoi(said) : 0;

	return seconds > 0 ? seconds : MEDIA_AV_PATIENCE_S;
}

static int child_start(struct media_av_child *child, const char *program, int file_fd)
{
	const struct timeval patience = {.tv_sec = child_patience_s()};
	int pair[2], fd, theirs, r;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	child->socket = pair[0];
	setsockopt(child->socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(child->socket, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	theirs = fcntl(pair[1], F_DUPFD_CLOEXEC, AV_FILE_FD + 1);
	fd = fcntl(file_fd, F_DUPFD_CLOEXEC, AV_FILE_FD + 1);
	r = theirs < 0 || fd < 0 ? -errno : child_spawn(program, theirs, fd, &child->pid);
	close(pair[1]);
	if (theirs >= 0)
		close(theirs);
	if (fd >= 0)
		close(fd);
	if (r < 0)
		child->pid = 0;
	return r;
}

int media_av_child_start(struct media_av_child *child, int fd, const char *path,
			 struct mixd_error *err)
{
	const char *program = media_av_path();
	int r;

	*child = (struct media_av_child){.socket = -1};
	if (!program) {
		media_av_is_installed(err);
		return -ENOENT;
	}
	r = child_start(child, program, fd);
	if (r < 0) {
		media_av_child_stop(child);
		error_set(err, ERROR_RESOURCE, path, "cannot start %s: %s", program, strerror(-r));
		error_hint(err, "install mixd-av again");
	}
	return r;
}

/* ---- end --------------------------------------------------------------------------------------- */

void media_av_child_stop(struct media_av_child *child)
{
	if (child->pid > 0) {
		kill(child->pid, SIGKILL);
		while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	if (child->socket >= 0)
		close(child->socket);
	free(child->data);
	*child = (struct media_av_child){.socket = -1};
}

/* The socket gave ERROR (0: closed): why, in words. */
static int child_gone(struct media_av_child *child, int error, const char *path,
		      struct mixd_error *err)
{
	int status = 0;
	pid_t got;

	if (error == EAGAIN || error == EWOULDBLOCK) {
		error_set(err, ERROR_RESOURCE, path, "mixd-av has not answered for %d s",
			  child_patience_s());
		error_hint(err, "the file may be damaged: convert it to WAV by other means");
		return -EIO;
	}
	do
		got = waitpid(child->pid, &status, 0);
	while (got < 0 && errno == EINTR);
	child->pid = 0;
	if (got > 0 && WIFSIGNALED(status))
		error_set(err, ERROR_RESOURCE, path, "mixd-av died over it (%s)",
			  strsignal(WTERMSIG(status)));
	else
		error_set(err, ERROR_RESOURCE, path, "mixd-av gave it up (exit status %d)",
			  got > 0 ? WEXITSTATUS(status) : -1);
	error_hint(err, "the file may be damaged: convert it to WAV by other means");
	return -EIO;
}

/* ---- talk -------------------------------------------------------------------------------------- */

static int child_read(struct media_av_child *child, void *data, size_t size, const char *path,
		      struct mixd_error *err)
{
	for (size_t done = 0; done < size;) {
		ssize_t got = recv(child->socket, (char *)data + done, size - done, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return child_gone(child, got < 0 && errno != ECONNRESET ? errno : 0, path,
					  err);
		done += (size_t)got;
	}
	return 0;
}

static int child_fault(const struct av_head *head, const uint8_t *data, const char *path,
		       struct mixd_error *err)
{
	struct av_fault fault = {0};

	memcpy(&fault, data, head->bytes < sizeof(fault) ? head->bytes : sizeof(fault));
	fault.text[sizeof(fault.text) - 1] = '\0';
	if (fault.kind == AV_FAULT_MEMORY)
		return error_no_memory(err);
	error_set(err, fault.kind == AV_FAULT_DISK ? ERROR_RESOURCE : ERROR_INVALID, path, "%s",
		  fault.text);
	if (fault.kind == AV_FAULT_DISK)
		error_hint(err, "look after the disk: is it full?");
	else if (fault.kind == AV_FAULT_UNSUPPORTED)
		error_hint(err, "convert it to WAV or FLAC by other means");
	else
		error_hint(err, "the file is damaged, or no audio: export or copy it again");
	return fault.kind == AV_FAULT_DISK ? -EIO : -EINVAL;
}

int media_av_child_receive(struct media_av_child *child, struct av_head *head, const char *path,
			   struct mixd_error *err)
{
	int r = child_read(child, head, sizeof(*head), path, err);

	if (r < 0)
		return r;
	if (head->bytes > AV_MESSAGE_MAX)
		return error_set(err, ERROR_RESOURCE, path, "mixd-av talks nonsense");
	if (!child->data || head->bytes > child->room) {
		free(child->data);
		child->room = head->bytes > AV_SAMPLES_MAX ? head->bytes : AV_SAMPLES_MAX;
		child->data = malloc((size_t)child->room + 1);
		if (!child->data)
			return error_no_memory(err);
	}
	r = child_read(child, child->data, head->bytes, path, err);
	if (r < 0)
		return r;
	child->data[head->bytes] = 0;
	return head->type == AV_FAULT ? child_fault(head, child->data, path, err) : 0;
}

/* What it said before it went. */
static int child_last_words(struct media_av_child *child, const char *path, struct mixd_error *err)
{
	struct av_head head;
	int r;

	do
		r = media_av_child_receive(child, &head, path, err);
	while (r == 0);
	return r;
}

int media_av_child_send(struct media_av_child *child, enum av_type type, const void *data,
			uint32_t bytes, const char *path, struct mixd_error *err)
{
	const struct av_head head = {.type = type, .bytes = bytes};

	for (size_t done = 0, size = sizeof(head) + bytes; done < size;) {
		bool is_head = done < sizeof(head);
		const char *from = is_head ? (const char *)&head + done
					   : (const char *)data + (done - sizeof(head));
		ssize_t put = send(child->socket, from, is_head ? sizeof(head) - done : size - done,
				   MSG_NOSIGNAL);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0 && (errno == EPIPE || errno == ECONNRESET))
			return child_last_words(child, path, err);
		if (put <= 0)
			return child_gone(child, errno, path, err);
		done += (size_t)put;
	}
	return 0;
}
