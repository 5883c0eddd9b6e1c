/* cover.c - see cover.h. */
#include "cover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COVER_MAX (15u << 20)

static bool is_picture(const uint8_t *data, size_t size)
{
	return (size > 3 && memcmp(data, "\xff\xd8\xff", 3) == 0) ||
	       (size > 8 && memcmp(data, "\x89PNG\r\n\x1a\n", 8) == 0);
}

int cover_read(const char *path, const char *name, struct media_tags *tags, struct mixd_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe holds nobody up */
	FILE *file = fd >= 0 ? fdopen(fd, "r") : NULL;
	uint8_t *data;
	size_t size;

	if (!file)
		return error_set(err, errno == ENOENT ? ERROR_NOT_FOUND : ERROR_RESOURCE, name,
				 "cannot be read: %s", strerror(errno));
	data = malloc(COVER_MAX + 1);
	size = data ? fread(data, 1, COVER_MAX + 1, file) : 0;
	fclose(file);
	if (!data)
		return error_no_memory(err);
	if (size > COVER_MAX || !is_picture(data, size)) {
		free(data);
		error_set(err, ERROR_INVALID, name,
			  size > COVER_MAX ? "is larger than 15 MiB"
					   : "is neither a JPEG nor a PNG picture");
		error_hint(err, "shops want a square JPEG of 1400 to 3000 pixels");
		return -EINVAL;
	}
	free(tags->picture);
	tags->picture = data;
	tags->picture_bytes = size;
	return 0;
}
