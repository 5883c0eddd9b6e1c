/* pw_compat.h - the one place where PipeWire versions differ (0.3.65 of Debian 12 .. 1.4).
 *
 * WHAT        The name of the client configuration that asks for real-time rights; the data loop
 *             that runs a filter; ASYNC streams are not used.
 * THREADS     [main] */
#pragma once

#include <pipewire/filter.h>
#include <pipewire/pipewire.h>

/* Since 1.0 client-rt.conf is an alias that warns. Asked of the library in use, not of the headers.
 */
static inline const char *pw_compat_client_conf(void)
{
	return strncmp(pw_get_library_version(), "0.", 2) == 0 ? "client-rt.conf" : "client.conf";
}

/* Run FN on the thread that calls FILTER's process, and wait for it: a barrier. */
static inline int pw_compat_invoke(struct pw_context *context, struct pw_filter *filter,
				   spa_invoke_func_t fn, void *data)
{
#if PW_CHECK_VERSION(1, 1, 0)
	return pw_loop_invoke(pw_filter_get_data_loop(filter), fn, 0, NULL, 0, true, data);
#else
	return pw_data_loop_invoke(pw_context_get_data_loop(context), fn, 0, NULL, 0, true, data);
#endif
}
