/* master_place.c - where a deliverable is made, and how it gets its name.
 *
 * WHY         A deliverable is written, decoded, measured and perhaps written again: between these steps nobody else
 *             may write it, or what was proved is not what is delivered. So its goal is held, as one who writes it
 *             holds it, from before the first step until it has its name. Links are followed, and what is replaced
 *             leaves its permissions, as with any file of ours. */
#include "master_private.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <xxhash.h>

#include "cleanup.h"
#include "media_retag.h"
#include "media_write.h"

#define PLACE_ENDING ".master"

/* A name that leaves no room for more stands as its hash. */
static char *place_work(const char *to)
{
	const char *name = strrchr(to, '/') + 1;
	char *ret, hash[17];

	snprintf(hash, sizeof(hash), "%016llx",
		 (unsigned long long)XXH3_64bits(name, strlen(name)));
	if (strlen(name) + 1 + strlen(PLACE_ENDING) > NAME_MAX)
		return asprintf(&ret, "%.*s.%s" PLACE_ENDING, (int)(name - to), to, hash) < 0 ? NULL
											      : ret;
	return asprintf(&ret, "%.*s.%s" PLACE_ENDING, (int)(name - to), to, name) < 0 ? NULL : ret;
}

int master_place_take(const char *path, struct master_place *ret, struct mixd_error *err)
{
	struct stat st;

	*ret = (struct master_place){.goal = path, .to = realpath(path, NULL)};
	if (!ret->to)
		ret->to = strdup(path);
	ret->work = ret->to ? place_work(ret->to) : NULL;
	if (!ret->work)
		return error_no_memory(err);
	ret->mode = stat(ret->to, &st) == 0 ? st.st_mode & 07777 : 0;
	return media_file_create(path, &ret->hold, err);
}

/* An error names what was asked for, not the name it has meanwhile. */
void master_place_name(const struct master_place *place, struct mixd_error *err)
{
	if (err && strncmp(err->address, place->work, sizeof(err->address) - 1) == 0)
		snprintf(err->address, sizeof(err->address), "%s", place->goal);
}

int master_places_move(struct master_place *place, uint32_t n, struct mixd_error *err)
{
	_cleanup_free_ const char **from = calloc(n + 1u, sizeof(*from));
	_cleanup_free_ const char **to = calloc(n + 1u, sizeof(*to));

	if (!from || !to)
		return error_no_memory(err);
	for (uint32_t i = 0; i < n; i++) {
		from[i] = place[i].work;
		to[i] = place[i].to;
		if (place[i].mode)
			(void)chmod(place[i].work, place[i].mode);
	}
	return media_move_all(from, to, n, err);
}

void master_place_done(struct master_place *place, bool is_moved)
{
	if (place->hold && !is_moved)
		unlink(place->work);
	media_file_free(place->hold);
	free(place->to);
	free(place->work);
	*place = (struct master_place){0};
}
