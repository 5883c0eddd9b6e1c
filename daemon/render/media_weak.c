/* media_weak.c - what is linked as long as mixd-av is not in the build. */
#include <errno.h>

#include "media_av.h"

#define WEAK __attribute__((weak))

WEAK bool media_av_is_installed(struct mixd_error *err)
{
	error_set(err, ERROR_UNAVAILABLE, NULL, "mixd-av is not installed");
	error_hint(err, "install mixd-av");
	return false;
}
WEAK int media_av_open(int fd, const char *path, struct media_av **ret, struct media_info *info,
		       struct media_tags *tags, struct mixd_error *err)
{
	return -EINVAL;
}
WEAK int64_t media_av_read(struct media_av *av, float *const *channels, uint32_t n_frames,
			   struct mixd_error *err)
{
	return -EINVAL;
}
WEAK int media_av_seek(struct media_av *av, int64_t frame, struct mixd_error *err)
{
	return -EINVAL;
}
WEAK int media_av_create(int fd, const char *path, const struct media_target *target,
			 struct media_av **ret, struct mixd_error *err)
{
	return -EINVAL;
}
WEAK int media_av_write(struct media_av *av, const float *const *channels, uint32_t n_frames,
			struct mixd_error *err)
{
	return -EINVAL;
}
WEAK int media_av_finish(struct media_av *av, const struct media_tags *tags, struct mixd_error *err)
{
	return -EINVAL;
}
WEAK struct media_av *media_av_free(struct media_av *av)
{
	return NULL;
}
