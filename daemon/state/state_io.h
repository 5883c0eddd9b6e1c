/* state_io.h - the few file operations the store makes, as a table: tests fail each of them in turn.
 *
 * WHAT        All return -errno. Names are relative to the store's folder.
 * THREADS     [main] */
#pragma once

#include <stdint.h>
#include <sys/types.h>

struct state_io {
	void *data;
	/* The new descriptor. */
	int (*open)(void *data, int folder_fd, const char *name, int flags);
	/* Bytes done, perhaps fewer. */
	ssize_t (*write)(void *data, int fd, const void *bytes, size_t size);
	int (*sync)(void *data, int fd);
	int (*truncate)(void *data, int fd, uint64_t size);
	int (*rename)(void *data, int folder_fd, const char *from, const char *to);
	int (*unlink)(void *data, int folder_fd, const char *name);
};

extern const struct state_io state_io_system;

/* The whole file, with a NUL behind it. -ENOENT; -EFBIG above LIMIT; *ret: malloc'd. Reading needs
 * no faults injected: files on disk are damaged instead. */
int state_io_read_file(int folder_fd, const char *name, size_t limit, uint8_t **ret,
		       size_t *ret_size);
/* All of it, or -errno. */
int state_io_write_all(const struct state_io *io, int fd, const void *bytes, size_t size);
