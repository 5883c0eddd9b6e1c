/* media_tags_write.c - media_tags_write_after(): which container takes which bytes, and its errors. */
#include <errno.h>
#include <string.h>

#include "media_tags_private.h"

static const struct write_kind {
	const char *container;
	int (*write)(int fd, const struct media_info *info, const struct media_tags *tags);
} write_kinds[] = {
	{"wav", tags_write_riff},  {"rf64", tags_write_riff}, {"w64", tags_write_w64},
	{"aiff", tags_write_aiff}, {"caf", tags_write_caf},   {"flac", tags_write_flac},
	{"ogg", tags_write_ogg},   {"mp3", tags_write_mp3},   {"m4a", tags_write_mp4},
};

static bool write_is_empty(const struct media_tags *tags)
{
	return tags->n_text == 0 && tags->n_marks == 0 && !tags->bext.is_set &&
	       !tags->replay_gain && !tags->sound_check && !tags->picture && !tags->ixml;
}

int media_tags_write_after(int fd, const char *path, const struct media_info *info,
			   const struct media_tags *tags, struct mixd_error *err)
{
	int r = -EINVAL;

	for (size_t i = 0; i < sizeof(write_kinds) / sizeof(write_kinds[0]); i++) {
		if (strcmp(write_kinds[i].container, info->container) != 0)
			continue;
		/* M4A gets its delay, too */
		if (write_is_empty(tags) && write_kinds[i].write != tags_write_mp4)
			return 0;
		r = write_kinds[i].write(fd, info, tags);
		break;
	}
	if (r == 0)
		return 0;
	if (r == -ENOMEM)
		return error_no_memory(err);
	error_set(err, ERROR_RESOURCE, path, "cannot write tags into the %s file: %s",
		  info->container, r == -E2BIG ? "they are too large" : strerror(-r));
	if (r == -EFBIG)
		error_hint(err,
			   "the file is as long as its format allows: take rf64, or fewer tags");
	else if (r == -E2BIG)
		error_hint(err, "take a picture of less than 16 MiB");
	else
		error_hint(err, "look after the disk: is it full?");
	return r;
}
