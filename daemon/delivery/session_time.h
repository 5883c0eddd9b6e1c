/* session_time.h - a place on the time line of a session that is a file: a time, or one of its markers.
 *
 * THREADS     [any] */
#pragma once

#include "graph_types.h"

/* TEXT, as given by OPTION, to seconds. SESSION is the text of the session, NAME stands for it in
 * errors; it is only read when TEXT is no time. -EINVAL, -ENOENT, -ENOMEM. */
int session_time(const struct graph_types *types, const char *session, const char *name,
		 const char *option, const char *text, double *ret_s, struct mixd_error *err);
