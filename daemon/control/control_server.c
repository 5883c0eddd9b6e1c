/* control_server.c - the handler on ZeroMQ: see control_server.h.
 *
 * A ZeroMQ socket's fd is edge-triggered and only a hint: after every wake, and after every send
 * made elsewhere, ZMQ_EVENTS is read and messages are received until there are none. A batch is
 * capped, then the loop gets its turn and is signalled to come back. */
#define LOG_TOPIC "control"
#include "control_internal.h"
#include "control_publisher.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include "cleanup.h"
#include "log.h"

#define BATCH 64
#define HWM 1024
#define REBIND_NS UINT64_C(500000000)
#define FOLDER_MAX 98u /* sun_path holds 107 bytes, "/control" among them */
#define OVERSIZE_ROOM (64u << 10) /* so that a little too much gets an answer, not a hang-up */

struct control_server {
	struct loop *loop;
	struct control_handler *handler;
	struct control_publisher *publisher;
	void *context, *router, *monitor;
	struct loop_source *router_source, *monitor_source, *timer, *again, *rebind;
	uint64_t armed_ns;
	int lock_fd;
	uint32_t clients_max;
	bool unbound;
	uint64_t undeliverable;
	char endpoint[128];
};

static void control_server_drain(struct control_server *server);
static void control_server_monitor(void *data);

static void control_server_reply(void *data, const struct control_peer *peer, const uint8_t *body,
				 size_t size)
{
	struct control_server *server = data;

	/* Never block on one peer: who is gone or full has a timeout of his own. */
	if (zmq_send(server->router, peer->id, peer->size, ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0 ||
	    zmq_send(server->router, body, size, ZMQ_DONTWAIT) < 0)
		server->undeliverable++;
}

static void control_server_publish(void *data, const char *topic, const uint8_t *body, size_t size)
{
	struct control_server *server = data;

	control_publisher_send(server->publisher, topic, body, size);
}

/* Let the handler do what is due, and come back in time. */
static void control_server_turn(struct control_server *server)
{
	uint64_t next = control_handler_turn(server->handler), now, in;

	if (next == server->armed_ns)
		return;
	now = server->handler->clock.now_ns(server->handler->clock.data);
	in = next > now ? next - now : 1;
	loop_timer_set(server->timer, next == UINT64_MAX ? 0 : in, 0);
	server->armed_ns = next;
}

static void control_server_timer(void *data)
{
	struct control_server *server = data;

	server->armed_ns = 0;
	control_server_turn(server);
	control_server_drain(server);
}

void control_server_maintain(struct control_server *server)
{
	if (!server)
		return;
	control_server_turn(server);
	control_server_drain(server);
}

/* One message off the ROUTER. False: there is none. */
static bool control_server_receive(struct control_server *server)
{
	struct control_peer peer = {0};
	zmq_msg_t id, body, rest;
	uint8_t *reply = NULL;
	size_t size = 0;
	bool more;

	zmq_msg_init(&id);
	if (zmq_msg_recv(&id, server->router, ZMQ_DONTWAIT) < 0) {
		zmq_msg_close(&id);
		return false;
	}
	zmq_msg_init(&body);
	more = zmq_msg_more(&id) && zmq_msg_recv(&body, server->router, ZMQ_DONTWAIT) >= 0 &&
	       zmq_msg_more(&body);
	peer.size = (uint8_t)(zmq_msg_size(&id) < 255 ? zmq_msg_size(&id) : 255);
	memcpy(peer.id, zmq_msg_data(&id), peer.size);
	for (bool first = more; more; first = false) {
		/* Not one frame: drop all of it; the empty body below gets the answer. */
		zmq_msg_init(&rest);
		more = zmq_msg_recv(&rest, server->router, ZMQ_DONTWAIT) >= 0 &&
		       zmq_msg_more(&rest);
		zmq_msg_close(&rest);
		if (first) {
			zmq_msg_close(&body);
			zmq_msg_init(&body);
		}
	}
	if (control_handle_from(server->handler, &peer, zmq_msg_data(&body), zmq_msg_size(&body),
				false, &reply, &size) == 0 &&
	    size)
		control_server_reply(server, &peer, reply, size);
	free(reply);
	zmq_msg_close(&body);
	zmq_msg_close(&id);
	return true;
}

static void control_server_drain(struct control_server *server)
{
	int n = 0;

	control_server_monitor(server); /* so that a client's first question counts the client */
	while (n < BATCH && control_server_receive(server))
		n++;
	if (n == BATCH)
		loop_wake_signal(server->again);
	if (n)
		control_server_turn(server);
}

static void control_server_readable(void *data)
{
	control_server_drain(data);
}

/* libzmq aborts the process when accept() finds no free descriptor (ipc, EMFILE): stop accepting
 * well before, for a moment. Peers reconnect by themselves. */
static void control_server_crowd(struct control_server *server)
{
	if (server->unbound || server->handler->clients < server->clients_max)
		return;
	if (zmq_unbind(server->router, server->endpoint) < 0)
		return;
	log_warn("%u clients are connected: not accepting more for a moment",
		 server->handler->clients);
	server->unbound = true;
	server->handler->clients = 0; /* unbinding has closed them all, without telling */
	loop_timer_set(server->rebind, REBIND_NS, 0);
}

static void control_server_rebind(void *data)
{
	struct control_server *server = data;
	struct mixd_error error = {0};

	if (control_bind(server->router, server->endpoint, &error) < 0) {
		log_error("%s: %s; trying again", error.address, error.text);
		loop_timer_set(server->rebind, REBIND_NS, 0);
		return;
	}
	server->unbound = false;
}

static void control_server_monitor(void *data)
{
	struct control_server *server = data;
	struct control_handler *handler = server->handler;

	for (;;) {
		uint8_t event[8];
		uint16_t kind;
		char address[256];

		if (zmq_recv(server->monitor, event, sizeof(event), ZMQ_DONTWAIT) < 2)
			break;
		zmq_recv(server->monitor, address, sizeof(address), ZMQ_DONTWAIT);
		memcpy(&kind, event, sizeof(kind));
		if (kind == ZMQ_EVENT_ACCEPTED)
			handler->clients++;
		else if (kind == ZMQ_EVENT_DISCONNECTED && handler->clients)
			handler->clients--;
	}
	control_server_crowd(server);
}

/* ---- start and stop ---- */

/* FOLDER and what is above it. */
static int control_make_folder(const char *folder, struct mixd_error *err)
{
	char path[256];
	size_t n = strlen(folder);

	if (!n || n >= sizeof(path))
		return error_set(err, ERROR_USAGE, folder, "is not a usable path");
	strcpy(path, folder);
	for (size_t i = 1; i <= n; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		path[i] = '\0';
		if (mkdir(path, 0750) < 0 && errno != EEXIST)
			return error_set(err, ERROR_RESOURCE, path, "cannot make the folder: %s",
					 strerror(errno));
		path[i] = folder[i];
	}
	return 0;
}

static int control_take_lock(struct control_server *server, const char *folder,
			     struct mixd_error *err)
{
	char path[300], pid[32] = "";
	ssize_t n;

	snprintf(path, sizeof(path), "%s/lock", folder);
	server->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	if (server->lock_fd < 0)
		return error_set(err, ERROR_RESOURCE, path, "cannot open: %s", strerror(errno));
	/* libzmq would unlink the socket of a running daemon without asking. */
	if (flock(server->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		n = pread(server->lock_fd, pid, sizeof(pid) - 1, 0);
		pid[n > 0 ? n : 0] = '\0';
		pid[strcspn(pid, "\n")] = '\0';
		error_set(err, ERROR_CONFLICT, folder, "another mixd (pid %s) serves this instance",
			  *pid ? pid : "?");
		error_hint(err, "stop it, or choose another name with --instance");
		return -EADDRINUSE;
	}
	n = snprintf(pid, sizeof(pid), "%d\n", (int)getpid());
	if (ftruncate(server->lock_fd, 0) < 0 || pwrite(server->lock_fd, pid, (size_t)n, 0) != n)
		log_warn("%s: cannot write the process id: %s", path, strerror(errno));
	return 0;
}

static int control_check_endpoint(const char *endpoint, struct mixd_error *err)
{
	int r;

	if (!endpoint || strncmp(endpoint, "ipc://", 6) == 0)
		return 0;
	if (strncmp(endpoint, "tcp://", 6) == 0) {
		r = error_set(err, ERROR_DENIED, endpoint,
			      "TCP needs keys, which this version does not have");
		error_hint(err, "use ipc; from another machine, forward the socket with ssh -L");
		return r;
	}
	r = error_set(err, ERROR_USAGE, endpoint, "is not an endpoint mixd can bind");
	error_hint(err, "ipc:///path/of/a/socket");
	return r;
}

static int control_server_router(struct control_server *server, const char *extra_endpoint,
				 struct mixd_error *err)
{
	int64_t message_max = CONTROL_MESSAGE_MAX + OVERSIZE_ROOM;
	int one = 1, zero = 0, hwm = HWM, backlog = 128, r;
	char name[64];

	server->router = zmq_socket(server->context, ZMQ_ROUTER);
	if (!server->router)
		return error_set(err, ERROR_RESOURCE, "control", "cannot make a socket: %s",
				 zmq_strerror(zmq_errno()));
	zmq_setsockopt(server->router, ZMQ_MAXMSGSIZE, &message_max, sizeof(message_max));
	zmq_setsockopt(server->router, ZMQ_ROUTER_MANDATORY, &one, sizeof(one));
	zmq_setsockopt(server->router, ZMQ_SNDHWM, &hwm, sizeof(hwm));
	zmq_setsockopt(server->router, ZMQ_RCVHWM, &hwm, sizeof(hwm));
	zmq_setsockopt(server->router, ZMQ_BACKLOG, &backlog, sizeof(backlog));
	zmq_setsockopt(server->router, ZMQ_LINGER, &zero, sizeof(zero));
	snprintf(name, sizeof(name), "inproc://monitor-%p", (void *)server);
	server->monitor = zmq_socket(server->context, ZMQ_PAIR);
	if (!server->monitor ||
	    zmq_socket_monitor(server->router, name, ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED) <
		    0 ||
	    zmq_connect(server->monitor, name) < 0)
		return error_set(err, ERROR_RESOURCE, "control", "cannot watch the socket: %s",
				 zmq_strerror(zmq_errno()));
	r = control_bind(server->router, server->endpoint, err);
	if (r == 0 && extra_endpoint)
		r = control_bind(server->router, extra_endpoint, err);
	return r;
}

static int control_zmq_fd(void *socket)
{
	int fd = -1;
	size_t size = sizeof(fd);

	zmq_getsockopt(socket, ZMQ_FD, &fd, &size);
	return fd;
}

static int control_server_sources(struct control_server *server, struct mixd_error *err)
{
	server->timer = loop_add_timer(server->loop, control_server_timer, server);
	server->rebind = loop_add_timer(server->loop, control_server_rebind, server);
	server->again = loop_add_wake(server->loop, control_server_readable, server);
	server->router_source = loop_add_fd(server->loop, control_zmq_fd(server->router), EPOLLIN,
					    control_server_readable, server);
	server->monitor_source = loop_add_fd(server->loop, control_zmq_fd(server->monitor), EPOLLIN,
					     control_server_monitor, server);
	if (server->timer && server->rebind && server->again && server->router_source &&
	    server->monitor_source)
		return 0;
	return error_set(err, ERROR_RESOURCE, "control", "cannot watch the sockets: %s",
			 strerror(errno));
}

static int control_server_start(struct control_server *server, struct instance *instance,
				const char *folder, const char *extra_endpoint,
				struct mixd_error *err)
{
	struct control_sink sink = {server, control_server_reply, control_server_publish};
	char events[128], extra_events[140];
	struct rlimit files;
	int r = control_check_endpoint(extra_endpoint, err);

	if (r == 0 && strlen(folder) > FOLDER_MAX) {
		r = error_set(err, ERROR_USAGE, folder,
			      "is too long for a socket's folder: %zu of at most %u bytes",
			      strlen(folder), FOLDER_MAX);
		error_hint(err, "choose a shorter --runtime-dir or --instance");
	}
	if (r == 0)
		r = control_make_folder(folder, err);
	if (r == 0)
		r = control_take_lock(server, folder, err);
	if (r < 0)
		return r;
	snprintf(server->endpoint, sizeof(server->endpoint), "ipc://%.100s/control", folder);
	snprintf(events, sizeof(events), "ipc://%.100s/events", folder);
	snprintf(extra_events, sizeof(extra_events), "%.130s.events",
		 extra_endpoint ? extra_endpoint : "");
	server->clients_max =
		getrlimit(RLIMIT_NOFILE, &files) == 0
			? (uint32_t)(files.rlim_cur < 8192 ? files.rlim_cur : 8192) / 4
			: 256;
	server->context = zmq_ctx_new();
	if (!server->context)
		return error_set(err, ERROR_RESOURCE, "control", "cannot start ZeroMQ");
	r = control_publisher_new(server->context, events, extra_endpoint ? extra_events : NULL,
				  server->clients_max, &server->publisher, err);
	if (r == 0)
		r = control_server_router(server, extra_endpoint, err);
	if (r < 0)
		return r;
	if (control_handler_new(instance, &server->handler) < 0)
		return error_set(err, ERROR_RESOURCE, "control", "out of memory");
	snprintf(server->handler->events_endpoint, sizeof(server->handler->events_endpoint), "%s",
		 events);
	control_handler_set_sink(server->handler, &sink);
	return control_server_sources(server, err);
}

int control_server_new(struct loop *loop, struct instance *instance, const char *folder,
		       const char *extra_endpoint, struct control_server **ret,
		       struct mixd_error *err)
{
	struct control_server *server = calloc(1, sizeof(*server));
	int r;

	if (!server)
		return error_set(err, ERROR_RESOURCE, "control", "out of memory");
	server->loop = loop;
	server->lock_fd = -1;
	r = control_server_start(server, instance, folder, extra_endpoint, err);
	if (r < 0) {
		control_server_free(server);
		return r;
	}
	loop_wake_signal(server->again); /* once after bind: an edge may have passed */
	control_server_turn(server);
	*ret = server;
	return 0;
}

void control_server_set_jobs(struct control_server *server, const struct control_jobs *jobs)
{
	control_handler_set_jobs(server->handler, jobs);
}

struct control_server *control_server_free(struct control_server *server)
{
	if (!server)
		return NULL;
	loop_source_free(server->timer);
	loop_source_free(server->rebind);
	loop_source_free(server->again);
	loop_source_free(server->router_source); /* before the socket whose fd it watches */
	loop_source_free(server->monitor_source);
	control_handler_free(server->handler);
	control_publisher_free(server->publisher);
	if (server->router)
		zmq_close(server->router);
	if (server->monitor) {
		int zero = 0;

		zmq_setsockopt(server->monitor, ZMQ_LINGER, &zero, sizeof(zero));
		zmq_close(server->monitor);
	}
	if (server->context)
		zmq_ctx_term(server->context);
	if (server->lock_fd >= 0)
		close(server->lock_fd); /* the file stays: unlinking it would race with a newcomer */
	free(server);
	return NULL;
}
