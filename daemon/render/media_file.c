/* media_file.c - see media_write.h and media_temp.h: a file that appears whole, or not at all.
 *
 * SOURCE      POSIX rename(2) is atomic; that its new content is on disk first needs fsync of the
 *             file, that the new name is there needs fsync of the folder (Pillai et al., "All file
 *             systems are not created equal", OSDI 2014). */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "cleanup.h"
#include "media_temp.h"
#include "media_write.h"

#define PART ".part"
#define RANDOM_CHARS 6u

/* ---- words ------------------------------------------------------------------------------------- */

int media_temp_cannot(const char *path, int error, struct mixd_error *err)
{
	enum error_code code = error == ENOENT ? ERROR_NOT_FOUND : ERROR_RESOURCE;

	error_set(err, code, path, "cannot be written: %s", strerror(error));
	if (error == ENOENT)
		error_hint(err, "its folder is not there: create it first");
	else if (error == EACCES || error == EPERM)
		error_hint(err, "user %u may not write into that folder", (unsigned)geteuid());
	else if (error == EROFS)
		error_hint(err, "that disk is mounted for reading only");
	else if (error == ENOSPC || error == EDQUOT)
		error_hint(err, "the disk is full: make room, or write to another one");
	else if (error == ENAMETOOLONG)
		error_hint(err, "a name has up to %d bytes", NAME_MAX);
	else if (error == ENOTDIR)
		error_hint(err, "a part of its path is a file");
	else if (error == EFBIG)
		error_hint(err, "that disk takes no larger files, or ulimit -f allows none");
	else
		error_hint(err, "look at the disk it is on");
	return -error;
}

int media_temp_failed(const struct media_temp *temp, int error, struct mixd_error *err)
{
	return media_temp_cannot(temp->goal, error ? error : EIO, err);
}

/* ---- the name ---------------------------------------------------------------------------------- */

/* What all temporary names of a goal begin with. A name that leaves no room stands as its hash
 * (FNV-1a). */
static void temp_prefix(const char *name, char *ret, size_t size)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	if (strlen(name) + 2 + RANDOM_CHARS + strlen(PART) <= (size_t)NAME_MAX) {
		snprintf(ret, size, ".%s.", name);
		return;
	}
	for (const char *c = name; *c; c++)
		hash = (hash ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
	snprintf(ret, size, ".%016llx.", (unsigned long long)hash);
}

/* Whether ENTRY is PREFIX, six characters, ".part". */
static bool temp_is_ours(const char *entry, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(entry, prefix, n) == 0 && strlen(entry) == n + RANDOM_CHARS + strlen(PART) &&
	       strcmp(entry + n + RANDOM_CHARS, PART) == 0 && !memchr(entry + n, '.', RANDOM_CHARS);
}

static void temp_random(char *ret)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz012345";
	uint8_t random[RANDOM_CHARS];

	if (getrandom(random, sizeof(random), GRND_NONBLOCK) != (ssize_t)sizeof(random))
		for (uint32_t i = 0; i < RANDOM_CHARS; i++)
			random[i] = (uint8_t)((uint32_t)getpid() >> (5 * (i % 3)) ^ i);
	for (uint32_t i = 0; i < RANDOM_CHARS; i++)
		ret[i] = letters[random[i] % 32];
	ret[RANDOM_CHARS] = '\0';
}

char *media_temp_name(const char *name)
{
	char prefix[NAME_MAX + 2], random[RANDOM_CHARS + 1], *ret;

	temp_prefix(name, prefix, sizeof(prefix));
	temp_random(random);
	return asprintf(&ret, "%s%s" PART, prefix, random) < 0 ? NULL : ret;
}

/* ---- the folder -------------------------------------------------------------------------------- */

/* Opens the folder of PATH, with links in PATH followed, and keeps the name. */
static int temp_find_folder(struct media_temp *temp, const char *path, struct mixd_error *err)
{
	_cleanup_free_ char *real = realpath(path, NULL), *folder = NULL;
	const char *whole = real ? real : path, *slash = strrchr(whole, '/');
	const char *name = slash ? slash + 1 : whole;
	struct stat stat;

	if (lstat(whole, &stat) == 0 && !S_ISREG(stat.st_mode)) {
		error_set(err, ERROR_INVALID, path, "is %s, not a file",
			  S_ISDIR(stat.st_mode)	  ? "a folder"
			  : S_ISLNK(stat.st_mode) ? "a link to nothing"
						  : "a device or a pipe");
		error_hint(err, "name the file to be written");
		return -EINVAL;
	}
	if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
		error_set(err, ERROR_INVALID, path, "is not the name of a file");
		error_hint(err, "name the file to be written");
		return -EINVAL;
	}
	if (strlen(name) > (size_t)NAME_MAX)
		return media_temp_cannot(path, ENAMETOOLONG, err);
	temp->mode = real ? stat.st_mode & 07777 : 0;
	folder = slash ? strndup(whole, (size_t)(slash - whole) + 1) : strdup(".");
	temp->name = strdup(name);
	if (!folder || !temp->name)
		return error_no_memory(err);
	temp->folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return temp->folder_fd < 0 ? media_temp_cannot(path, errno, err) : 0;
}

/* Looks at the others' temporary files of this goal. -EBUSY when one is held; those nobody holds
 * are removed. */
static int temp_look_around(const struct media_temp *temp, const char *prefix)
{
	int fd = openat(temp->folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!folder) {
		if (fd >= 0)
			close(fd);
		return 0; /* a folder that may be written and not read */
	}
	while (r == 0 && (entry = readdir(folder))) {
		_cleanup_close_ int other = -1;

		if (!temp_is_ours(entry->d_name, prefix))
			continue;
		other = openat(temp->folder_fd, entry->d_name,
			       O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		if (other < 0)
			continue;
		if (flock(other, LOCK_EX | LOCK_NB) < 0)
			r = errno == EWOULDBLOCK ? -EBUSY : 0;
		else
			unlinkat(temp->folder_fd, entry->d_name, 0);
	}
	closedir(folder);
	return r;
}

static int temp_create(struct media_temp *temp, const char *prefix)
{
	const int flags = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
	char random[RANDOM_CHARS + 1];

	for (int tries = 0; tries < 100; tries++) {
		_cleanup_free_ char *name = NULL;

		temp_random(random);
		if (asprintf(&name, "%s%s" PART, prefix, random) < 0) {
			name = NULL;
			return -ENOMEM;
		}
		temp->fd = openat(temp->folder_fd, name, flags, 0666);
		if (temp->fd >= 0) {
			temp->temp = TAKE_PTR(name);
			return 0;
		}
		if (errno != EEXIST)
			return -errno;
	}
	return -EEXIST;
}

int media_temp_open(struct media_temp *temp, const char *path, struct mixd_error *err)
{
	char prefix[NAME_MAX + 2];
	int r;

	*temp = (struct media_temp){.fd = -1, .folder_fd = -1};
	temp->goal = strdup(path ? path : "");
	if (!temp->goal)
		return error_no_memory(err);
	r = temp_find_folder(temp, temp->goal, err);
	if (r < 0) {
		media_temp_done(temp);
		return r;
	}
	temp_prefix(temp->name, prefix, sizeof(prefix));
	/* One at a time looks and creates. A file system without locks goes without. */
	(void)flock(temp->folder_fd, LOCK_EX);
	r = temp_look_around(temp, prefix);
	if (r == 0)
		r = temp_create(temp, prefix);
	if (r == 0)
		(void)flock(temp->fd, LOCK_EX | LOCK_NB);
	(void)flock(temp->folder_fd, LOCK_UN);
	if (r == -EBUSY) {
		error_set(err, ERROR_CONFLICT, path, "is being written by somebody else");
		error_hint(err, "wait until that is done, or choose another name");
	} else if (r < 0) {
		media_temp_cannot(path, -r, err);
	}
	if (r < 0)
		media_temp_done(temp);
	else if (temp->mode)
		(void)fchmod(temp->fd, temp->mode);
	return r;
}

int media_temp_commit(struct media_temp *temp, struct mixd_error *err)
{
	if (fsync(temp->fd) < 0 ||
	    renameat(temp->folder_fd, temp->temp, temp->folder_fd, temp->name) < 0)
		return media_temp_failed(temp, errno, err);
	free(temp->temp);
	temp->temp = NULL;
	(void)fsync(temp->folder_fd); /* some file systems cannot, and need not */
	return 0;
}

void media_temp_done(struct media_temp *temp)
{
	if (temp->temp)
		unlinkat(temp->folder_fd, temp->temp, 0);
	if (temp->fd >= 0)
		close(temp->fd);
	if (temp->folder_fd >= 0)
		close(temp->folder_fd);
	free(temp->temp);
	free(temp->name);
	free(temp->goal);
	*temp = (struct media_temp){.fd = -1, .folder_fd = -1};
}

int64_t media_temp_free_bytes(const struct media_temp *temp)
{
	struct statvfs disk;

	if (fstatvfs(temp->fd, &disk) < 0 || disk.f_blocks == 0)
		return -1;
	return (int64_t)((uint64_t)disk.f_bavail * disk.f_frsize);
}

/* ---- any other file ---------------------------------------------------------------------------- */

struct media_file {
	struct media_temp temp;
};

int media_file_create(const char *path, struct media_file **ret, struct mixd_error *err)
{
	struct media_file *file = calloc(1, sizeof(*file));
	int r;

	if (!file)
		return error_no_memory(err);
	r = media_temp_open(&file->temp, path, err);
	if (r < 0) {
		free(file);
		return r;
	}
	*ret = file;
	return 0;
}

int media_file_fd(const struct media_file *file)
{
	return file->temp.fd;
}

int media_file_write(struct media_file *file, const void *data, size_t size, struct mixd_error *err)
{
	const char *at = data;

	while (size > 0) {
		ssize_t n = write(file->temp.fd, at, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return media_temp_failed(&file->temp, n < 0 ? errno : EIO, err);
		at += n;
		size -= (size_t)n;
	}
	return 0;
}

int media_file_commit(struct media_file *file, struct mixd_error *err)
{
	return media_temp_commit(&file->temp, err);
}

struct media_file *media_file_free(struct media_file *file)
{
	if (file)
		media_temp_done(&file->temp);
	free(file);
	return NULL;
}
