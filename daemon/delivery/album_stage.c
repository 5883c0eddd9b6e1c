/* album_stage.c - see album_stage.h. */
#include "album_stage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"

#define STAGE_PREFIX ".mixd-"

struct album_stage {
	char *goal, *work;
	int work_fd; /* locked as long as somebody works in it */
	bool made_goal;
};

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	return remove(path);
}

struct album_stage *album_stage_free(struct album_stage *stage)
{
	if (!stage)
		return NULL;
	if (stage->work)
		nftw(stage->work, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	if (stage->work_fd >= 0)
		close(stage->work_fd);
	if (stage->made_goal)
		rmdir(stage->goal); /* only when it is empty */
	free(stage->goal);
	free(stage->work);
	free(stage);
	return NULL;
}

static int stage_failed(const char *name, struct mixd_error *err)
{
	int error = errno;
	int r = error_set(err, error == ENOENT ? ERROR_NOT_FOUND : ERROR_RESOURCE, name, "%s",
			  error == ENOENT    ? "the folder it belongs in does not exist"
			  : error == ENOTDIR ? "is a file, not a folder"
					     : strerror(error));

	error_hint(err, error == ENOENT || error == ENOTDIR
				? "name a folder with -o"
				: "name a folder that you may write to");
	return r;
}

/* A lock for reading, of the descriptor: flock() of this folder is for those who write files in it. */
static int stage_lock(const char *path)
{
	struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (fd >= 0)
		(void)fcntl(fd, F_OFD_SETLK, &lock); /* some file systems have none: no harm */
	return fd;
}

static bool stage_is_left(const char *path)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	_cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	return fd >= 0 && fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type == F_UNLCK;
}

/* What was killed has left its folder behind, and nobody has its lock. */
static void stage_sweep(const char *goal)
{
	struct dirent **entry = NULL;
	int n = scandir(goal, &entry, NULL, NULL);

	for (int i = 0; i < n; i++) {
		const char *name = entry[i]->d_name;
		_cleanup_free_ char *path = NULL;

		if (strncmp(name, STAGE_PREFIX, strlen(STAGE_PREFIX)) == 0 &&
		    strlen(name) == strlen(STAGE_PREFIX) + 6 &&
		    asprintf(&path, "%s/%s", goal, name) >= 0 && stage_is_left(path))
			nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
		free(entry[i]);
	}
	free(entry);
}

/* A folder of one's own, from the first moment on seen with its lock: GOAL is locked that long. */
static int stage_make_work(struct album_stage *stage, char *work)
{
	_cleanup_close_ int goal_fd = open(stage->goal, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (goal_fd >= 0 && flock(goal_fd, LOCK_EX) == 0)
		stage_sweep(stage->goal);
	if (!mkdtemp(work))
		return -1;
	stage->work_fd = stage_lock(work);
	stage->work = strdup(work);
	chmod(work, 0755);
	return 0;
}

int album_stage_new(const char *goal, const char *name, struct album_stage **ret,
		    struct mixd_error *err)
{
	struct album_stage *stage = calloc(1, sizeof(*stage));
	char *work = NULL;
	struct stat st;
	int r = 0;

	if (!stage)
		return error_no_memory(err);
	stage->work_fd = -1;
	stage->goal = strdup(goal);
	if (!stage->goal || asprintf(&work, "%s/" STAGE_PREFIX "XXXXXX", goal) < 0) {
		album_stage_free(stage);
		return error_no_memory(err);
	}
	if (mkdir(goal, 0777) == 0)
		stage->made_goal = true;
	else if (errno == EEXIST && stat(goal, &st) == 0 && !S_ISDIR(st.st_mode))
		errno = ENOTDIR;
	if (!stage->made_goal && errno != EEXIST)
		r = stage_failed(name, err);
	if (r == 0 && stage_make_work(stage, work) < 0)
		r = stage_failed(name, err);
	free(work);
	if (r == 0 && !stage->work)
		r = error_no_memory(err);
	if (r < 0) {
		album_stage_free(stage);
		return r;
	}
	*ret = stage;
	return 0;
}

const char *album_stage_folder(const struct album_stage *stage)
{
	return stage->work;
}

static void sync_folder(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0)
		fsync(fd);
}

/* ---- in place ---------------------------------------------------------------------------------- */

enum move_state { MOVE_OPEN, MOVE_NEW, MOVE_EXCHANGED, MOVE_ASIDE };

struct move {
	char *from, *to, *aside; /* owned; aside is in the folder of work, too: it goes with it */
	enum move_state state;
};

static bool is_unknown(int error)
{
	return error == EINVAL || error == ENOSYS || error == EOPNOTSUPP;
}

static int move_new(struct move *move)
{
	if (renameat2(AT_FDCWD, move->from, AT_FDCWD, move->to, RENAME_NOREPLACE) < 0 &&
	    (!is_unknown(errno) || rename(move->from, move->to) < 0))
		return -errno;
	move->state = MOVE_NEW;
	return 0;
}

/* Where names cannot be exchanged there is a moment without any. */
static int move_aside(struct move *move)
{
	if (rename(move->to, move->aside) < 0)
		return -errno;
	if (rename(move->from, move->to) < 0) {
		int error = errno;

		(void)rename(move->aside, move->to);
		return -error;
	}
	move->state = MOVE_ASIDE;
	return 0;
}

static int move_exchange(struct move *move)
{
	if (renameat2(AT_FDCWD, move->from, AT_FDCWD, move->to, RENAME_EXCHANGE) < 0)
		return is_unknown(errno) ? move_aside(move) : -errno;
	move->state = MOVE_EXCHANGED;
	return 0;
}

static int move_failed(const struct move *move, int error, struct mixd_error *err)
{
	return error_set(err, ERROR_RESOURCE, move->to, "cannot be put in its place: %s",
			 strerror(error));
}

/* What it replaces goes for good, so it must be one of its own kind. */
static int move_do(struct move *move, struct mixd_error *err)
{
	struct stat from, to;
	int r;

	if (lstat(move->from, &from) < 0)
		return move_failed(move, errno, err);
	if (lstat(move->to, &to) < 0) {
		r = errno == ENOENT ? move_new(move) : -errno;
	} else if (S_ISDIR(from.st_mode) == S_ISDIR(to.st_mode)) {
		r = move_exchange(move);
	} else {
		r = error_set(err, ERROR_CONFLICT, move->to,
			      "is there, and it is %s: it will not be replaced",
			      S_ISDIR(to.st_mode) ? "a folder" : "a file");
		error_hint(err, "move it away, or name another folder with -o");
		return r;
	}
	return r < 0 ? move_failed(move, -r, err) : 0;
}

static void move_undo(struct move *move)
{
	if (move->state == MOVE_NEW || move->state == MOVE_ASIDE)
		(void)rename(move->to, move->from);
	if (move->state == MOVE_ASIDE)
		(void)rename(move->aside, move->to);
	if (move->state == MOVE_EXCHANGED)
		(void)renameat2(AT_FDCWD, move->from, AT_FDCWD, move->to, RENAME_EXCHANGE);
	move->state = MOVE_OPEN;
}

static char *join(const char *folder, const char *prefix, const char *name)
{
	char *ret;

	return asprintf(&ret, "%s/%s%s", folder, prefix, name) < 0 ? NULL : ret;
}

static int move_init(struct move *move, const struct album_stage *stage, const char *name)
{
	move->from = join(stage->work, "", name);
	move->to = join(stage->goal, "", name);
	move->aside = join(stage->work, ".was.", name);
	return move->from && move->to && move->aside ? 0 : -ENOMEM;
}

static void move_done(struct move *move)
{
	free(move->from);
	free(move->to);
	free(move->aside);
}

/* All of them, or none. */
static int stage_move(struct album_stage *stage, struct dirent *const *entry, int n,
		      struct mixd_error *err)
{
	struct move *move = calloc((size_t)n + 1u, sizeof(*move));
	int r = move ? 0 : error_no_memory(err), n_moved = 0;

	for (int i = 0; r == 0 && i < n; i++)
		if (move_init(&move[i], stage, entry[i]->d_name) < 0)
			r = error_no_memory(err);
	for (; r == 0 && n_moved < n; n_moved++)
		r = move_do(&move[n_moved], err);
	for (int i = n_moved; r < 0 && i-- > 0;)
		move_undo(&move[i]);
	for (int i = 0; move && i < n; i++)
		move_done(&move[i]);
	free(move);
	return r;
}

static int is_content(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

int album_stage_commit(struct album_stage *stage, struct mixd_error *err)
{
	struct dirent **entry = NULL;
	int n = scandir(stage->work, &entry, is_content, alphasort), r;

	if (n < 0)
		return error_set(err, ERROR_RESOURCE, stage->work, "%s", strerror(errno));
	r = stage_move(stage, entry, n, err);
	for (int i = 0; i < n; i++)
		free(entry[i]);
	free(entry);
	sync_folder(stage->goal);
	if (r == 0)
		stage->made_goal = false;
	return r;
}
