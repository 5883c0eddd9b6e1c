/* control_publisher.h - the PUB socket on a thread of its own: with many subscribers a send takes
 * long (55 ms measured with 1,000), and requests must not wait for it. The main thread puts
 * messages into an inproc pipe; what does not fit is dropped (subscribers see the gap in seq). A subscriber that does not read loses frames at the socket's high-water mark; it never
 * slows the others.
 *
 * THREADS     [main] all calls. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "error.h"

struct control_publisher;

/* CONTEXT is a ZeroMQ context, borrowed. At SUBSCRIBERS_MAX connections all are closed and none is
 * accepted for half a second; subscribers come back by themselves. */
int control_publisher_new(void *context, const char *endpoint, const char *extra_endpoint,
			  uint32_t subscribers_max, struct control_publisher **ret,
			  struct mixd_error *err);
struct control_publisher *control_publisher_free(struct control_publisher *publisher);
void control_publisher_send(struct control_publisher *publisher, const char *topic,
			    const uint8_t *body, size_t size);

/* Bind SOCKET with the file mode of an ipc endpoint (0660). */
int control_bind(void *socket, const char *endpoint, struct mixd_error *err);
