/* stems.h - which stems a session has: all that is summed anywhere.
 *
 * WHAT        A node whose inputs (keys aside) are fed by several is a sum: a bus, a mixer. What feeds
 *             a sum is a stem: strips, returns of effects, submixes. A stem is heard where it leaves
 *             its last node, before the levels of the links into the sum.
 * THREADS     [main] */
#pragma once

#include "graph_types.h"

struct stem {
	char *address; /* "vox/pan", "split:low" */
	char *name; /* for a file: the folder of its node when that is nobody else's ("vox"), or the
		       whole address with other letters for / and : */
};

struct stems {
	struct stem *stem;
	uint32_t n;
};

/* Of SESSION, a text that NAME stands for in errors. -EINVAL, -ENOMEM. */
int stems_find(const struct graph_types *types, const char *session, const char *name,
	       struct stems *ret, struct mixd_error *err);
void stems_done(struct stems *stems);
