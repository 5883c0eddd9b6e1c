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
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"

struct album_stage {
	char *goal, *work;
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

int album_stage_new(const char *goal, const char *name, struct album_stage **ret,
		    struct mixd_error *err)
{
	struct album_stage *stage = calloc(1, sizeof(*stage));
	char *work = NULL;
	struct stat st;
	int r = 0;

	if (!stage)
		return error_no_memory(err);
	stage->goal = strdup(goal);
	if (!stage->goal || asprintf(&work, "%s/.mixd-XXXXXX", goal) < 0) {
		album_stage_free(stage);
		return error_no_memory(err);
	}
	if (mkdir(goal, 0777) == 0)
		stage->made_goal = true;
	else if (errno == EEXIST && stat(goal, &st) == 0 && !S_ISDIR(st.st_mode))
		errno = ENOTDIR;
	if (!stage->made_goal && errno != EEXIST)
		r = stage_failed(name, err);
	if (r == 0) {
		if (!mkdtemp(work)) {
			r = stage_failed(name, err);
		} else {
			stage->work = strdup(work);
			chmod(work, 0755);
		}
	}
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

static int move_entry(const struct album_stage *stage, const char *name, struct mixd_error *err)
{
	_cleanup_free_ char *from = NULL, *to = NULL;
	struct stat st;

	if (asprintf(&from, "%s/%s", stage->work, name) < 0 ||
	    asprintf(&to, "%s/%s", stage->goal, name) < 0)
		return error_no_memory(err);
	if (lstat(to, &st) < 0 ? rename(from, to) == 0
			       : renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_EXCHANGE) == 0 ||
					 rename(from, to) == 0)
		return 0;
	return error_set(err, ERROR_RESOURCE, to, "cannot be put in its place: %s",
			 strerror(errno));
}

int album_stage_commit(struct album_stage *stage, struct mixd_error *err)
{
	struct dirent **entry = NULL;
	int n = scandir(stage->work, &entry, NULL, alphasort), r = 0;

	if (n < 0)
		return error_set(err, ERROR_RESOURCE, stage->work, "%s", strerror(errno));
	for (int i = 0; i < n; i++) {
		if (r == 0 && strcmp(entry[i]->d_name, ".") != 0 &&
		    strcmp(entry[i]->d_name, "..") != 0)
			r = move_entry(stage, entry[i]->d_name, err);
		free(entry[i]);
	}
	free(entry);
	sync_folder(stage->goal);
	if (r == 0)
		stage->made_goal = false;
	return r;
}
