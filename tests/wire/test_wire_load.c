/* test_wire_load.c - a real mixd process under load: crowds, round trips, many subscribers. */
#include "wire_process.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

/* 400 connections to the socket SUFFIX of a daemon that may have 256 descriptors. */
static void crowd(const char *suffix)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct daemon daemon;
	int fds[400], n = 0;
	void *socket;

	process_begin();
	process_files_max = 256;
	daemon = process_start("default", "--ephemeral", NULL, NULL);
	process_files_max = 0;
	socket = process_dealer(daemon.control);
	process_revision(socket);
	snprintf(address.sun_path, sizeof(address.sun_path), "%.*s%s",
		 (int)(strlen(daemon.control + 6) - strlen("control")), daemon.control + 6, suffix);
	for (int i = 0; i < 400; i++) {
		fds[n] = process_connect(&address);
		n += fds[n] >= 0;
		if (i % 20 == 0)
			usleep(10000);
	}
	CHECK(n > 20, "only %d connections to %s", n, address.sun_path);
	usleep(100000);
	CHECK(kill(daemon.pid, 0) == 0 && waitpid(daemon.pid, NULL, WNOHANG) == 0, "it died: %s",
	      process_log(&daemon));
	while (n)
		close(fds[--n]);
	usleep(700000);
	CHECK(process_revision(socket) == 1);
	zmq_close(socket);
	CHECK(process_stop(&daemon, SIGTERM) == 0, "%s", process_log(&daemon));
	process_end();
}

TEST(a_crowd_of_connections_is_survived)
{
	crowd("control");
}

TEST(a_crowd_of_subscribers_is_survived)
{
	crowd("events");
}

static int compare_us(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

TEST(round_trips_are_short)
{
	enum { N = 1500 };
	static uint64_t us[N];
	struct daemon daemon;
	void *socket;

	process_begin();
	daemon = process_start("default", NULL, NULL, NULL);
	socket = process_dealer(daemon.control);
	process_add_or_set(socket, true, 0, MIXD__V1__WAIT__WAIT_ACCEPTED);
	for (int kind = 0; kind < 2; kind++) {
		for (int i = 0; i < N; i++) {
			uint64_t begun = process_now_us();

			if (kind)
				process_add_or_set(socket, false, -0.01 * i,
						   MIXD__V1__WAIT__WAIT_ACCEPTED);
			else
				process_revision(socket);
			us[i] = process_now_us() - begun;
		}
		qsort(us, N, sizeof(us[0]), compare_us);
		test_note("%s: p50 %llu us, p99 %llu us", kind ? "set" : "status",
			  (unsigned long long)us[N / 2], (unsigned long long)us[N * 99 / 100]);
		CHECK(us[N / 2] < 5000, "half of the requests take over 5 ms");
	}
	zmq_close(socket);
	CHECK(process_stop(&daemon, SIGTERM) == 0, "%s", process_log(&daemon));
	process_end();
}

static void *subscriber(const char *endpoint, const char *topic, int hwm)
{
	void *socket = zmq_socket(process_context, ZMQ_SUB);
	int zero = 0;

	zmq_setsockopt(socket, ZMQ_LINGER, &zero, sizeof(zero));
	zmq_setsockopt(socket, ZMQ_RCVHWM, &hwm, sizeof(hwm));
	zmq_setsockopt(socket, ZMQ_SUBSCRIBE, topic, strlen(topic));
	CHECK(zmq_connect(socket, endpoint) == 0);
	return socket;
}

/* Meter frames of one subscriber until now; *gaps: frames lost. */
static uint32_t count_frames(void *socket, uint64_t *last, uint64_t *gaps)
{
	uint32_t n = 0;

	for (;;) {
		uint8_t topic[32], body[4096];
		Mixd__V1__Meters *meters;
		int size;

		if (zmq_recv(socket, topic, sizeof(topic), ZMQ_DONTWAIT) < 0)
			return n;
		size = zmq_recv(socket, body, sizeof(body), 0);
		meters = size > 1 ? mixd__v1__meters__unpack(NULL, (size_t)size - 1, body + 1)
				  : NULL;
		CHECK(meters, "a frame that is none");
		*gaps += *last && meters->seq != *last + 1;
		*last = meters->seq;
		mixd__v1__meters__free_unpacked(meters, NULL);
		n++;
	}
}

TEST(fifty_meter_subscribers_at_30_hz)
{
	enum { N = 50 };
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;
	Mixd__V1__MeterLease lease = MIXD__V1__METER_LEASE__INIT;
	char *patterns[1] = {(char *)"**"};
	Mixd__V1__Reply *reply;
	struct daemon daemon;
	void *socket, *subscribers[N];
	uint64_t last[N] = {0}, gaps = 0;
	uint32_t least = UINT32_MAX;

	process_begin();
	daemon = process_start("default", "--ephemeral", NULL, NULL);
	socket = process_dealer(daemon.control);
	process_add_or_set(socket, true, 0, MIXD__V1__WAIT__WAIT_ACCEPTED);
	lease.patterns = patterns;
	lease.n_patterns = 1;
	lease.rate_hz = 30;
	request.op_case = MIXD__V1__REQUEST__OP_METER_LEASE;
	request.meter_lease = &lease;
	reply = process_ask(socket, &request);
	CHECK(reply->meter_lease && reply->meter_lease->n_addresses >= 4);
	for (int i = 0; i < N; i++)
		subscribers[i] = subscriber(daemon.events, reply->meter_lease->topic, i ? 1000 : 1);
	mixd__v1__reply__free_unpacked(reply, NULL);
	usleep(500000);
	for (int i = 1; i < N; i++) /* number 0 never reads */
		count_frames(subscribers[i], &last[i], &gaps);
	gaps = 0;
	usleep(2000000);
	for (int i = 1; i < N; i++) {
		uint32_t n = count_frames(subscribers[i], &last[i], &gaps);

		least = n < least ? n : least;
	}
	test_note("the least of 49 readers got %u frames in 2 s, %llu lost", least,
		  (unsigned long long)gaps);
	CHECK(least >= 50 && gaps == 0);
	CHECK(process_revision(socket) == 2);
	for (int i = 0; i < N; i++)
		zmq_close(subscribers[i]);
	zmq_close(socket);
	CHECK(process_stop(&daemon, SIGTERM) == 0, "%s", process_log(&daemon));
	process_end();
}
