/* control_publisher.c - see control_publisher.h. */
#include "control_publisher.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <zmq.h>

#define PIPE_HWM 4096
#define SUBSCRIBER_HWM 256
#define STACK_BYTES (256u << 10)
#define REBIND_MS 500

struct control_publisher {
	/* --- main --- */
	void *push;
	pthread_t thread;
	bool running;
	/* --- the thread's, once it runs --- */
	void *pull, *pub, *monitor;
	uint32_t subscribers;
	bool unbound;
	uint64_t rebind_at_ms;
	/* --- immutable after init --- */
	uint32_t subscribers_max;
	char endpoint[128];
};

int control_bind(void *socket, const char *endpoint, struct mixd_error *err)
{
	const char *path = strncmp(endpoint, "ipc://", 6) == 0 ? endpoint + 6 : NULL;
	int r;

	/* libzmq makes the file 0777 & ~umask; until chmod the folder (0750) keeps others out. The
	 * umask is the whole process's: a thread must leave it alone. */
	if (zmq_bind(socket, endpoint) < 0) {
		r = error_set(err, ERROR_RESOURCE, endpoint, "cannot bind: %s",
			      zmq_strerror(zmq_errno()));
		error_hint(err, "the path may be too long (107 bytes), or the folder not ours");
		return r;
	}
	if (path && chmod(path, 0660) < 0)
		return error_set(err, ERROR_RESOURCE, endpoint, "cannot set mode 0660: %s",
				 strerror(errno));
	return 0;
}

/* Forward one message. False: stop. */
static bool control_publisher_forward(struct control_publisher *publisher)
{
	zmq_msg_t topic, body;
	bool go_on;

	zmq_msg_init(&topic);
	zmq_msg_init(&body);
	if (zmq_msg_recv(&topic, publisher->pull, 0) < 0) {
		go_on = zmq_errno() == EINTR;
	} else if (!zmq_msg_more(&topic)) {
		go_on = false; /* a message without body is the order to stop */
	} else {
		go_on = true;
		/* PUB never blocks: it drops for the subscriber that is full. */
		if (zmq_msg_recv(&body, publisher->pull, 0) >= 0 &&
		    zmq_msg_send(&topic, publisher->pub, ZMQ_SNDMORE) >= 0)
			zmq_msg_send(&body, publisher->pub, 0);
	}
	zmq_msg_close(&topic);
	zmq_msg_close(&body);
	return go_on;
}

static uint64_t publisher_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

/* Count who comes and goes. libzmq aborts the process when accept() finds no free descriptor (ipc,
 * EMFILE): at the limit, stop accepting for a moment. Peers reconnect by themselves. */
static void control_publisher_count(struct control_publisher *publisher)
{
	for (;;) {
		uint8_t event[8];
		uint16_t kind;
		char address[256];

		if (zmq_recv(publisher->monitor, event, sizeof(event), ZMQ_DONTWAIT) < 2)
			break;
		zmq_recv(publisher->monitor, address, sizeof(address), ZMQ_DONTWAIT);
		memcpy(&kind, event, sizeof(kind));
		if (kind == ZMQ_EVENT_ACCEPTED)
			publisher->subscribers++;
		else if (kind == ZMQ_EVENT_DISCONNECTED && publisher->subscribers)
			publisher->subscribers--;
	}
	if (publisher->unbound || publisher->subscribers < publisher->subscribers_max ||
	    zmq_unbind(publisher->pub, publisher->endpoint) < 0)
		return;
	publisher->unbound = true;
	publisher->rebind_at_ms = publisher_now_ms() + REBIND_MS;
	publisher->subscribers = 0; /* unbinding has closed them all, without telling */
}

static void *control_publisher_run(void *data)
{
	struct control_publisher *publisher = data;
	zmq_pollitem_t items[2] = {{publisher->pull, 0, ZMQ_POLLIN, 0},
				   {publisher->monitor, 0, ZMQ_POLLIN, 0}};
	bool go_on = true;

	pthread_setname_np(pthread_self(), "mixd-publish");
	while (go_on) {
		int n = zmq_poll(items, 2, publisher->unbound ? REBIND_MS : -1);

		if (publisher->unbound && publisher_now_ms() >= publisher->rebind_at_ms &&
		    control_bind(publisher->pub, publisher->endpoint, NULL) == 0)
			publisher->unbound = false;
		if (n > 0 && items[1].revents)
			control_publisher_count(publisher);
		if (n > 0 && items[0].revents)
			go_on = control_publisher_forward(publisher);
	}
	zmq_socket_monitor(publisher->pub, NULL, 0);
	zmq_close(publisher->monitor);
	zmq_close(publisher->pull);
	zmq_close(publisher->pub);
	return NULL;
}

static int control_publisher_sockets(struct control_publisher *publisher, void *context,
				     const char *endpoint, const char *extra_endpoint,
				     struct mixd_error *err)
{
	int pipe_hwm = PIPE_HWM, hwm = SUBSCRIBER_HWM, zero = 0, r;
	char pipe_name[64];

	snprintf(pipe_name, sizeof(pipe_name), "inproc://publish-%p", (void *)publisher);
	publisher->pub = zmq_socket(context, ZMQ_PUB);
	publisher->pull = zmq_socket(context, ZMQ_PULL);
	publisher->push = zmq_socket(context, ZMQ_PUSH);
	if (!publisher->pub || !publisher->pull || !publisher->push)
		return error_set(err, ERROR_RESOURCE, "events", "cannot make sockets: %s",
				 zmq_strerror(zmq_errno()));
	zmq_setsockopt(publisher->pub, ZMQ_SNDHWM, &hwm, sizeof(hwm));
	zmq_setsockopt(publisher->pub, ZMQ_LINGER, &zero, sizeof(zero));
	zmq_setsockopt(publisher->pull, ZMQ_RCVHWM, &pipe_hwm, sizeof(pipe_hwm));
	zmq_setsockopt(publisher->push, ZMQ_SNDHWM, &pipe_hwm, sizeof(pipe_hwm));
	zmq_setsockopt(publisher->push, ZMQ_LINGER, &zero, sizeof(zero));
	if (zmq_bind(publisher->pull, pipe_name) < 0 || zmq_connect(publisher->push, pipe_name) < 0)
		return error_set(err, ERROR_RESOURCE, "events", "cannot make a pipe: %s",
				 zmq_strerror(zmq_errno()));
	snprintf(pipe_name, sizeof(pipe_name), "inproc://publish-monitor-%p", (void *)publisher);
	publisher->monitor = zmq_socket(context, ZMQ_PAIR);
	if (!publisher->monitor ||
	    zmq_socket_monitor(publisher->pub, pipe_name,
			       ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED) < 0 ||
	    zmq_connect(publisher->monitor, pipe_name) < 0)
		return error_set(err, ERROR_RESOURCE, "events", "cannot watch connections: %s",
				 zmq_strerror(zmq_errno()));
	snprintf(publisher->endpoint, sizeof(publisher->endpoint), "%s", endpoint);
	r = control_bind(publisher->pub, endpoint, err);
	if (r == 0 && extra_endpoint)
		r = control_bind(publisher->pub, extra_endpoint, err);
	return r;
}

static int control_publisher_start(struct control_publisher *publisher, struct mixd_error *err)
{
	sigset_t all, before;
	pthread_attr_t attributes;
	int r;

	sigfillset(&all);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	pthread_sigmask(SIG_SETMASK, &all, &before); /* signals belong to the main thread */
	r = pthread_create(&publisher->thread, &attributes, control_publisher_run, publisher);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	if (r)
		return error_set(err, ERROR_RESOURCE, "events", "cannot start a thread: %s",
				 strerror(r));
	publisher->running = true;
	return 0;
}

int control_publisher_new(void *context, const char *endpoint, const char *extra_endpoint,
			  uint32_t subscribers_max, struct control_publisher **ret,
			  struct mixd_error *err)
{
	struct control_publisher *publisher = calloc(1, sizeof(*publisher));
	int r;

	if (!publisher)
		return error_set(err, ERROR_RESOURCE, "events", "out of memory");
	publisher->subscribers_max = subscribers_max;
	r = control_publisher_sockets(publisher, context, endpoint, extra_endpoint, err);
	if (r == 0)
		r = control_publisher_start(publisher, err);
	if (r < 0) {
		control_publisher_free(publisher);
		return r;
	}
	*ret = publisher;
	return 0;
}

struct control_publisher *control_publisher_free(struct control_publisher *publisher)
{
	if (!publisher)
		return NULL;
	if (publisher->running) {
		/* Blocks while the pipe is full, which the thread is emptying. */
		zmq_send(publisher->push, "", 0, 0);
		pthread_join(publisher->thread, NULL);
	} else {
		if (publisher->monitor)
			zmq_close(publisher->monitor);
		if (publisher->pull)
			zmq_close(publisher->pull);
		if (publisher->pub)
			zmq_close(publisher->pub);
	}
	if (publisher->push)
		zmq_close(publisher->push);
	free(publisher);
	return NULL;
}

void control_publisher_send(struct control_publisher *publisher, const char *topic,
			    const uint8_t *body, size_t size)
{
	/* When the first frame goes in, so does the second: the high-water mark counts messages. */
	if (zmq_send(publisher->push, topic, strlen(topic), ZMQ_SNDMORE | ZMQ_DONTWAIT) >= 0)
		zmq_send(publisher->push, body, size, 0);
}
