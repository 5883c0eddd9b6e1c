/* target_check.c - see target_check.h. */
#include "target_check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cleanup.h"

int target_check(const char *path, struct mixd_error *err)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *folder =
		slash && slash > path ? strndup(path, (size_t)(slash - path)) : strdup("/");
	struct stat what;

	if (!folder)
		return error_no_memory(err);
	if (stat(folder, &what) < 0 && errno == ENOENT) {
		error_set(err, ERROR_NOT_FOUND, path, "cannot be written: its folder is not there");
		error_hint(err, "create it first: mkdir -p %s", folder);
		return -ENOENT;
	}
	if (stat(path, &what) < 0 || !S_ISDIR(what.st_mode))
		return 0;
	error_set(err, ERROR_INVALID, path, "is a folder, and would be replaced by a file");
	error_hint(err, "name a file in it");
	return -EISDIR;
}
