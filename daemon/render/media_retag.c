/* media_retag.c - see media_retag.h. */
#include "media_retag.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "media_tags_io.h"

static int retag_failed(const char *path, const char *what, struct mixd_error *err)
{
	int error = errno ? errno : EIO;

	error_set(err, ERROR_RESOURCE, path, "cannot %s: %s", what, strerror(error));
	return -error;
}

int media_retag(const char *path, const struct media_info *info, const struct media_tags *tags,
		struct mixd_error *err)
{
	int fd, r;

	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return retag_failed(path, "open it to write tags", err);
	r = media_tags_write_after(fd, path, info, tags, err);
	if (r == 0 && fsync(fd) < 0)
		r = retag_failed(path, "write tags", err);
	close(fd);
	return r;
}

int media_move(const char *from, const char *to, struct mixd_error *err)
{
	char *folder, *slash;
	int fd, r = 0;

	if (rename(from, to) < 0)
		return retag_failed(to, "put the finished file there", err);
	folder = strdup(to);
	if (!folder)
		return error_no_memory(err);
	slash = strrchr(folder, '/');
	if (slash)
		slash[slash == folder] = '\0';
	fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		r = retag_failed(to, "make sure that it stays there", err);
	if (fd >= 0)
		close(fd);
	free(folder);
	return r;
}
