/* job_daemon.c - a daemon for one call: started, watched, ended, tidied away. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "job.h"

#define JOB_START_MS 20000
#define JOB_STOP_MS 20000
#define JOB_SWEEP_S 60 /* longer than a daemon takes to start */

static struct {
	pid_t pid; /* 0: none */
	char folder[200]; /* "": none */
} job_daemon;

static void job_sleep_ms(long ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000};

	nanosleep(&t, NULL);
}

static bool job_is_program(const char *path)
{
	struct stat st;

	return access(path, X_OK) == 0 && stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* $MIXD_DAEMON; beside mixctl; where the build tree has it; else by $PATH. */
static const char *job_daemon_path(void)
{
	static const char *const places[] = {"mixd", "../../daemon/mixd"};
	static char path[PATH_MAX + 32];
	const char *named = getenv("MIXD_DAEMON");
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX);
	char *name;

	if (named && *named)
		return named;
	path[n < 0 ? 0 : n] = '\0';
	name = strrchr(path, '/');
	for (size_t i = 0; name && i < sizeof(places) / sizeof(places[0]); i++) {
		strcpy(name + 1, places[i]);
		if (job_is_program(path))
			return path;
	}
	return "mixd";
}

/* What the socket, the lock and their folders are called. */
static void job_tidy(const char *folder)
{
	static const char *const names[] = {
		"mixd/job/control", "mixd/job/events", "mixd/job/lock", "mixd/job", "mixd", ""};
	char path[PATH_MAX + 32];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		if (unlink(path) < 0)
			rmdir(path);
	}
}

/* Folders of calls that were killed with nobody left to tidy up: old, and no daemon has their lock. */
static void job_sweep(const char *base)
{
	DIR *dir = opendir(base);
	const struct dirent *entry;
	char path[PATH_MAX], lock[PATH_MAX + 32];
	struct stat st;

	while (dir && (entry = readdir(dir))) {
		int fd;

		if (strncmp(entry->d_name, "mixctl-", 7) != 0 || strlen(entry->d_name) != 13 ||
		    snprintf(path, sizeof(path), "%s/%s", base, entry->d_name) < 0 ||
		    lstat(path, &st) < 0 || !S_ISDIR(st.st_mode) || st.st_uid != geteuid() ||
		    time(NULL) - st.st_mtime < JOB_SWEEP_S)
			continue;
		snprintf(lock, sizeof(lock), "%s/mixd/job/lock", path);
		fd = open(lock, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
		if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0)
			job_tidy(path);
		if (fd >= 0)
			close(fd);
	}
	if (dir)
		closedir(dir);
}

static bool job_make_folder(struct mixctl *m)
{
	const char *const bases[] = {getenv("XDG_RUNTIME_DIR"), getenv("TMPDIR"), "/tmp"};

	for (size_t i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
		/* A socket's path has 107 letters, and ours needs some. */
		if (!bases[i] || bases[i][0] != '/' || strlen(bases[i]) > 60)
			continue;
		snprintf(job_daemon.folder, sizeof(job_daemon.folder), "%s/mixctl-XXXXXX",
			 bases[i]);
		if (mkdtemp(job_daemon.folder)) {
			job_sweep(bases[i]);
			return true;
		}
	}
	job_daemon.folder[0] = '\0';
	mixctl_error(m, EXIT_RESOURCE, "/tmp", "name a writable folder in $TMPDIR",
		     "cannot make a folder for a daemon: %s", strerror(errno));
	return false;
}

/* In the child. Its own group: ^C at the terminal is for mixctl, which cancels in order. */
static void job_exec(const char *program, pid_t parent, int failed)
{
	char *argv[] = {(char *)(uintptr_t) "mixd",
			(char *)(uintptr_t) "--jobs",
			(char *)(uintptr_t) "--instance",
			(char *)(uintptr_t) "job",
			(char *)(uintptr_t) "--runtime-dir",
			job_daemon.folder,
			NULL};
	int error;

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(EXIT_RESOURCE);
	if (!getenv("MIXD_LOG"))
		setenv("MIXD_LOG", "warn", 1);
	dup2(STDERR_FILENO, STDOUT_FILENO); /* our output is the result, and nothing else */
	execvp(program, argv);
	error = errno;
	if (write(failed, &error, sizeof(error)) < 0)
		_exit(EXIT_RESOURCE);
	_exit(EXIT_RESOURCE);
}

static bool job_spawn(struct mixctl *m, const char *program)
{
	pid_t parent = getpid();
	int failed[2], error;

	if (pipe2(failed, O_CLOEXEC) < 0) {
		mixctl_error(m, EXIT_RESOURCE, program, NULL, "cannot start: %s", strerror(errno));
		return false;
	}
	job_daemon.pid = fork();
	if (job_daemon.pid == 0)
		job_exec(program, parent, failed[1]);
	close(failed[1]);
	error = job_daemon.pid < 0 ? errno : 0;
	if (!error && read(failed[0], &error, sizeof(error)) != sizeof(error))
		error = 0;
	close(failed[0]);
	if (!error)
		return true;
	if (job_daemon.pid > 0)
		waitpid(job_daemon.pid, NULL, 0);
	job_daemon.pid = 0;
	mixctl_error(m, EXIT_UNREACHABLE, program,
		     "install mixd beside mixctl, or name it in $MIXD_DAEMON", "cannot start: %s",
		     strerror(error));
	return false;
}

bool job_daemon_lives(struct mixctl *m)
{
	int status;

	if (!job_daemon.pid)
		return false;
	if (waitpid(job_daemon.pid, &status, WNOHANG) == 0)
		return true;
	job_daemon.pid = 0;
	if (WIFSIGNALED(status))
		mixctl_error(m, EXIT_RESOURCE, "mixd", "nothing was written that is not whole",
			     "the daemon that did the work was ended by signal %d (%s)",
			     WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		mixctl_error(m, EXIT_RESOURCE, "mixd", "its own words are above",
			     "the daemon that did the work ended with code %d",
			     WEXITSTATUS(status));
	return false;
}

bool job_daemon_start(struct mixctl *m)
{
	char endpoint[300];
	long ms = 1;

	if (!job_make_folder(m) || !job_spawn(m, job_daemon_path()))
		return false;
	snprintf(endpoint, sizeof(endpoint), "ipc://%s/mixd/job/control", job_daemon.folder);
	m->options.host = mixctl_strdup(endpoint);
	for (long waited = 0; waited < JOB_START_MS; waited += ms) {
		if (mixctl_connect(m)) {
			m->err = (struct mixd_client_error){0}; /* of the tries before */
			return true;
		}
		if (!job_daemon_lives(m))
			return false;
		ms = waited < 50 ? 1 : 10;
		job_sleep_ms(ms);
	}
	mixctl_error(m, EXIT_UNREACHABLE, "mixd", NULL, "the daemon for this call does not answer");
	return false;
}

void job_daemon_stop(void)
{
	if (job_daemon.pid) {
		kill(job_daemon.pid, SIGTERM);
		for (long waited = 0; waitpid(job_daemon.pid, NULL, WNOHANG) == 0; waited++) {
			if (waited == JOB_STOP_MS)
				kill(job_daemon.pid, SIGKILL);
			job_sleep_ms(1);
		}
		job_daemon.pid = 0;
	}
	if (job_daemon.folder[0])
		job_tidy(job_daemon.folder);
	job_daemon.folder[0] = '\0';
}
