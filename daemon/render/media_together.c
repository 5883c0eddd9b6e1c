/* media_together.c - see media_together.h.
 *
 * SOURCE      renameat2(2): RENAME_EXCHANGE changes two names in one step, RENAME_NOREPLACE takes none
 *             away; NFS, ZFS and FUSE know neither (EINVAL): there link(2) keeps what was. */
#include "media_together.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"

static bool is_unknown(int error)
{
	return error == EINVAL || error == ENOSYS || error == EOPNOTSUPP;
}

static int place_new(struct media_place *place)
{
	const int fd = place->folder_fd;

	if (renameat2(fd, place->temp, fd, place->name, RENAME_NOREPLACE) < 0 &&
	    (!is_unknown(errno) || renameat(fd, place->temp, fd, place->name) < 0))
		return -errno;
	place->state = MEDIA_PLACE_NEW;
	return 0;
}

/* Without an exchange: a second name for what is there, then the rename. */
static int place_replace(struct media_place *place)
{
	const int fd = place->folder_fd;
	bool is_linked;

	place->old = media_temp_name(place->name);
	if (!place->old)
		return -ENOMEM;
	is_linked = linkat(fd, place->name, fd, place->old, 0) == 0;
	if (renameat(fd, place->temp, fd, place->name) < 0) {
		int error = errno;

		if (is_linked)
			unlinkat(fd, place->old, 0);
		return -error;
	}
	place->state = is_linked ? MEDIA_PLACE_LINKED : MEDIA_PLACE_REPLACED;
	return 0;
}

static int place_exchange(struct media_place *place)
{
	const int fd = place->folder_fd;
	struct stat stat;

	place->old_fd = openat(fd, place->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (place->old_fd >= 0)
		(void)flock(place->old_fd, LOCK_EX | LOCK_NB);
	if (renameat2(fd, place->temp, fd, place->name, RENAME_EXCHANGE) < 0)
		return is_unknown(errno) ? place_replace(place) : -errno;
	if (fstatat(fd, place->temp, &stat, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(stat.st_mode)) {
		/* a folder has come into the way: it is nobody's to be removed */
		(void)renameat2(fd, place->temp, fd, place->name, RENAME_EXCHANGE);
		return -EISDIR;
	}
	place->state = MEDIA_PLACE_EXCHANGED;
	return 0;
}

/* Under the folder's lock, as all do who look for litter there. */
static int place_take(struct media_place *place)
{
	struct stat stat;
	int r = -EEXIST;

	(void)flock(place->folder_fd, LOCK_EX);
	if (fstatat(place->folder_fd, place->name, &stat, AT_SYMLINK_NOFOLLOW) < 0)
		r = errno == ENOENT ? place_new(place) : -errno;
	if (r == -EEXIST)
		r = place_exchange(place);
	(void)flock(place->folder_fd, LOCK_UN);
	return r;
}

static void place_undo(struct media_place *place)
{
	const int fd = place->folder_fd;

	if (place->state == MEDIA_PLACE_NEW)
		(void)renameat(fd, place->name, fd, place->temp);
	else if (place->state == MEDIA_PLACE_EXCHANGED)
		(void)renameat2(fd, place->temp, fd, place->name, RENAME_EXCHANGE);
	else if (place->state == MEDIA_PLACE_LINKED)
		(void)renameat(fd, place->old, fd, place->name);
	place->state = MEDIA_PLACE_OPEN;
}

static void place_done(struct media_place *place)
{
	if (place->state == MEDIA_PLACE_EXCHANGED)
		unlinkat(place->folder_fd, place->temp, 0);
	else if (place->state == MEDIA_PLACE_LINKED)
		unlinkat(place->folder_fd, place->old, 0);
	(void)fsync(place->folder_fd); /* some file systems cannot, and need not */
	if (place->old_fd >= 0)
		close(place->old_fd);
	free(place->old);
}

int media_places_take(struct media_place *place, uint32_t n, struct mixd_error *err)
{
	uint32_t n_taken = 0;
	int r = 0;

	for (uint32_t i = 0; i < n; i++) {
		place[i].state = MEDIA_PLACE_OPEN;
		place[i].old = NULL;
		place[i].old_fd = -1;
	}
	for (; r == 0 && n_taken < n; n_taken++)
		r = place_take(&place[n_taken]);
	if (r < 0)
		media_temp_cannot(place[n_taken - 1].goal, -r, err);
	for (uint32_t i = n_taken; r < 0 && i-- > 0;)
		place_undo(&place[i]);
	for (uint32_t i = 0; i < n; i++)
		place_done(&place[i]);
	return r;
}

int media_temp_commit_all(struct media_temp *const *temp, uint32_t n, struct mixd_error *err)
{
	_cleanup_free_ struct media_place *place = NULL;
	int r;

	if (n == 1)
		return media_temp_commit(temp[0], err);
	place = calloc(n + 1u, sizeof(*place));
	if (!place)
		return error_no_memory(err);
	for (uint32_t i = 0; i < n; i++) {
		if (fsync(temp[i]->fd) < 0)
			return media_temp_failed(temp[i], errno, err);
		place[i] = (struct media_place){.folder_fd = temp[i]->folder_fd,
						.temp = temp[i]->temp,
						.name = temp[i]->name,
						.goal = temp[i]->goal};
	}
	r = media_places_take(place, n, err);
	for (uint32_t i = 0; r == 0 && i < n; i++) {
		free(temp[i]->temp);
		temp[i]->temp = NULL;
	}
	return r;
}
