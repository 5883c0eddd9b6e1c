/* test_media_together.c - several outputs get their names together, or not at all: also on file systems
 * that can do less, which a filter of system calls stands for. */
#include "media_write.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "graph_layout.h"
#include "test.h"

#define N 3

static char folder[64];
static struct media_writer *writer[N];

static const char *path_of(unsigned i)
{
	static char path[N][96];

	if (!folder[0]) {
		strcpy(folder, "/tmp/mixd-together-XXXXXX");
		CHECK(mkdtemp(folder));
	}
	snprintf(path[i], sizeof(path[i]), "%s/%u.wav", folder, i);
	return path[i];
}

/* How many entries the folder has; all are removed when asked. */
static int count(bool remove_all)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int n = 0;

	CHECK(dir);
	while ((entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		n++;
		if (remove_all && unlinkat(dirfd(dir), entry->d_name, 0) < 0)
			unlinkat(dirfd(dir), entry->d_name, AT_REMOVEDIR);
	}
	closedir(dir);
	return n;
}

__attribute__((destructor)) static void clean(void)
{
	if (folder[0]) {
		count(true);
		rmdir(folder);
	}
}

static void put_old(unsigned i)
{
	FILE *file = fopen(path_of(i), "w");

	CHECK(file && fputs("old", file) >= 0 && fclose(file) == 0);
}

/* 'o' old, 'n' new, 'd' a folder, '-' nothing. */
static char state(unsigned i)
{
	struct stat st;

	if (lstat(path_of(i), &st) < 0)
		return '-';
	return S_ISDIR(st.st_mode) ? 'd' : st.st_size == 3 ? 'o' : 'n';
}

static void begin(void)
{
	static const float silence[480];
	static const float *const sound[1] = {silence};
	struct media_target target;

	for (unsigned i = 0; i < N; i++) {
		media_target_init(&target);
		target.rate = 48000;
		target.layout = *graph_layout_find("mono", NULL);
		CHECK(media_create(path_of(i), &target, &writer[i], NULL) == 0);
		CHECK(media_write(writer[i], sound, 480, NULL) == 0);
	}
}

static int end(struct mixd_error *err)
{
	int r = media_finish_all(writer, N, err);

	for (unsigned i = 0; i < N; i++)
		writer[i] = media_writer_free(writer[i]);
	return r;
}

/* BEFORE: what is there, as state() says; IN_THE_WAY: a folder that comes while they are written. */
static void run(const char *before, int in_the_way, const char *after)
{
	struct mixd_error err = {0};
	int r, n = 0;

	path_of(0);
	count(true);
	for (unsigned i = 0; i < N; i++)
		if (before[i] == 'o')
			put_old(i);
	begin();
	if (in_the_way >= 0) {
		unlink(path_of((unsigned)in_the_way));
		CHECK(mkdir(path_of((unsigned)in_the_way), 0700) == 0);
	}
	r = end(&err);
	CHECK((r == 0) == (in_the_way < 0), "%d %s", r, err.text);
	for (unsigned i = 0; i < N; i++) {
		CHECK(state(i) == after[i], "%s: %u is %c, want %s", before, i, state(i), after);
		n += after[i] != '-';
	}
	CHECK(count(false) == n, "%d entries, want %d", count(false), n);
	if (in_the_way >= 0)
		CHECK(strstr(err.text, "Is a directory") || strstr(err.text, "File exists"), "%s",
		      err.text);
}

static void run_all(void)
{
	run("---", -1, "nnn");
	run("ooo", -1, "nnn");
	run("o-o", -1, "nnn");
	run("---", 1, "-d-");
	run("ooo", 1, "odo");
	run("o-o", 2, "o-d");
	run("-oo", 0, "doo");
}

TEST(all_or_none)
{
	run_all();
}

TEST(one_that_could_not_be_written_keeps_all_back)
{
	struct mixd_error err = {0};

	path_of(0);
	count(true);
	put_old(0);
	begin();
	CHECK(media_finish(writer[1], NULL, &err) == 0); /* by itself: it takes nothing more */
	CHECK(end(&err) < 0);
	CHECK(state(0) == 'o' && state(1) == 'n' && state(2) == '-');
	CHECK(count(false) == 2);
}

/* System call NUMBER fails with ERROR from here on, in this process and for good. */
static bool forbid(int number, int error)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(filter) / sizeof(filter[0]), filter};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* FN in a process without the system calls named. */
static void without(void (*fn)(void), int exchange_error, int link_error)
{
	int status;
	pid_t child;

	path_of(0);
	fflush(stdout);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		dup2(STDERR_FILENO,
		     STDOUT_FILENO); /* what fails in here is no line of the report */
		if ((exchange_error && !forbid(SYS_renameat2, exchange_error)) ||
		    (link_error && !forbid(SYS_linkat, link_error)))
			_exit(77);
		fn();
		fflush(stdout);
		_exit(0);
	}
	CHECK(waitpid(child, &status, 0) == child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		test_skip("system calls cannot be filtered here");
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", (unsigned)status);
}

TEST(all_or_none_without_an_exchange)
{
	without(run_all, EINVAL, 0);
	without(run_all, ENOSYS, 0);
}

/* FAT: what is complete still gets its name; what was replaced is gone. */
static void run_poor(void)
{
	run("---", -1, "nnn");
	run("ooo", -1, "nnn");
	run("---", 1, "-d-");
	run("-oo", 0, "doo");
}

TEST(without_exchange_and_links_it_still_works)
{
	without(run_poor, EINVAL, EPERM);
}
