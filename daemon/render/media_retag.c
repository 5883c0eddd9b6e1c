/* media_retag.c - see media_retag.h. */
#include "media_retag.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "media_tags_io.h"
#include "media_together.h"

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

/* The folder of PATH, opened, and the names in it. */
static int move_place(const char *from, const char *to, struct media_place *place,
		      struct mixd_error *err)
{
	const char *slash = strrchr(to, '/');
	_cleanup_free_ char *folder = strndup(to, (size_t)(slash - to) + (slash == to));

	if (!folder)
		return error_no_memory(err);
	*place = (struct media_place){.folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
				      .temp = strrchr(from, '/') + 1,
				      .name = slash + 1,
				      .goal = to};
	return place->folder_fd < 0 ? retag_failed(to, "open the folder", err) : 0;
}

int media_move_all(const char *const *from, const char *const *to, uint32_t n,
		   struct mixd_error *err)
{
	_cleanup_free_ struct media_place *place = calloc(n + 1u, sizeof(*place));
	uint32_t n_open = 0;
	int r = 0;

	if (!place)
		return error_no_memory(err);
	for (; r == 0 && n_open < n; n_open++)
		r = move_place(from[n_open], to[n_open], &place[n_open], err);
	if (r == 0)
		r = media_places_take(place, n, err);
	for (uint32_t i = 0; i < n_open; i++)
		if (place[i].folder_fd >= 0)
			close(place[i].folder_fd);
	return r;
}
