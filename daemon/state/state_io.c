/* state_io.c - see state_io.h. */
#include "state_io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"

static int state_io_open(void *data, int folder_fd, const char *name, int flags)
{
	int fd = openat(folder_fd, name, flags | O_CLOEXEC, 0600);

	return fd < 0 ? -errno : fd;
}

static ssize_t state_io_write(void *data, int fd, const void *bytes, size_t size)
{
	ssize_t n = write(fd, bytes, size);

	return n < 0 ? -errno : n;
}

static int state_io_sync(void *data, int fd)
{
	return fsync(fd) < 0 ? -errno : 0;
}

static int state_io_truncate(void *data, int fd, uint64_t size)
{
	return ftruncate(fd, (off_t)size) < 0 ? -errno : 0;
}

static int state_io_rename(void *data, int folder_fd, const char *from, const char *to)
{
	return renameat(folder_fd, from, folder_fd, to) < 0 ? -errno : 0;
}

static int state_io_unlink(void *data, int folder_fd, const char *name)
{
	return unlinkat(folder_fd, name, 0) < 0 ? -errno : 0;
}

const struct state_io state_io_system = {
	.open = state_io_open,
	.write = state_io_write,
	.sync = state_io_sync,
	.truncate = state_io_truncate,
	.rename = state_io_rename,
	.unlink = state_io_unlink,
};

int state_io_read_file(int folder_fd, const char *name, size_t limit, uint8_t **ret,
		       size_t *ret_size)
{
	_cleanup_close_ int fd = openat(folder_fd, name, O_RDONLY | O_CLOEXEC);
	_cleanup_free_ uint8_t *bytes = NULL;
	size_t done = 0, size;
	struct stat info;

	if (fd < 0 || fstat(fd, &info) < 0)
		return -errno;
	if (!S_ISREG(info.st_mode))
		return -EINVAL;
	size = (size_t)info.st_size;
	if (size > limit)
		return -EFBIG;
	bytes = malloc(size + 1);
	if (!bytes)
		return -ENOMEM;
	while (done < size) {
		ssize_t n = read(fd, bytes + done, size - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break; /* shorter than it said: what there is */
		done += (size_t)n;
	}
	bytes[done] = 0;
	*ret_size = done;
	*ret = TAKE_PTR(bytes);
	return 0;
}

int state_io_write_all(const struct state_io *io, int fd, const void *bytes, size_t size)
{
	const uint8_t *p = bytes;

	while (size) {
		ssize_t n = io->write(io->data, fd, p, size);

		if (n == -EINTR)
			continue;
		if (n < 0)
			return (int)n;
		if (n == 0)
			return -EIO;
		p += n;
		size -= (size_t)n;
	}
	return 0;
}
