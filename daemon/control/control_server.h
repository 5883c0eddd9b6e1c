/* control_server.h - the control plane: ROUTER for requests, PUB for events and meters.
 *
 * WHAT        decode -> check limits -> instance -> reply. Malformed input is answered, counted,
 *             harmless.
 * THREADS     [main] for everything except sending on PUB, which has its own thread (a send may
 *             take long with many subscribers); the two share one inproc pipe.
 * LIMITS      CONTROL_MESSAGE_MAX, CONTROL_DEPTH_MAX, CONTROL_FIELDS_MAX (checked before
 *             unpacking), CONTROL_LEASES_MAX, requests per session and second. */
#pragma once

#include "instance.h"
#include "loop.h"

#include "mixd/v1/render.pb-c.h"

#define CONTROL_PROTOCOL 1
#define CONTROL_MESSAGE_MAX (1u << 20)
#define CONTROL_DEPTH_MAX 16u
#define CONTROL_FIELDS_MAX 16384u
#define CONTROL_LEASES_MAX 256u
#define CONTROL_LEASE_MS 10000u
#define CONTROL_RATE_PER_S 2000u /* requests of one session, sustained */
#define CONTROL_RATE_BURST 4000u

struct control_server;

/* Bind ipc://FOLDER/control and ipc://FOLDER/events (made 0750, sockets 0660; a lock file keeps a
 * second daemon out: -EADDRINUSE). EXTRA_ENDPOINT: NULL, or what the operator asked to bind too;
 * "tcp://..." is refused with a message that says keys come first. */
int control_server_new(struct loop *loop, struct instance *instance, const char *folder,
		       const char *extra_endpoint, struct control_server **ret,
		       struct mixd_error *err);
struct control_server *control_server_free(struct control_server *server);
/* Who does work on files; without one it is refused. What a reply points to stays until the next call.
 * JOBS is copied. [main] */
struct control_jobs {
	void *data;
	int (*start)(void *data, const Mixd__V1__StartJob *request, Mixd__V1__JobReply *reply,
		     struct mixd_error *err);
	int (*get)(void *data, const Mixd__V1__GetJob *request, Mixd__V1__JobReply *reply,
		   struct mixd_error *err);
	int (*cancel)(void *data, const Mixd__V1__CancelJob *request, Mixd__V1__JobReply *reply,
		      struct mixd_error *err);
};
void control_server_set_jobs(struct control_server *server, const struct control_jobs *jobs);
/* What waits for the audio thread may be over: call after instance_maintain(). [main] */
void control_server_maintain(struct control_server *server);

/* The handler without sockets, for tests and fuzzing: one request body (protocol byte included) in,
 * one reply body out (malloc'd), or *ret_size 0 when the reply will come later through the server's
 * sockets. */
struct control_handler;
int control_handler_new(struct instance *instance, struct control_handler **ret);
struct control_handler *control_handler_free(struct control_handler *handler);
int control_handle(struct control_handler *handler, const uint8_t *body, size_t size,
		   uint8_t **ret_reply, size_t *ret_size);
