/* test_wire_server.c - a real mixd process, without PipeWire, over real sockets. */
#include "wire_process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#include "control_server.h"

static mode_t mode_of(const char *name)
{
	char path[128];
	struct stat info;

	snprintf(path, sizeof(path), "%s/mixd/%s", process_folder, name);
	return stat(path, &info) == 0 ? info.st_mode & 07777 : 0;
}

TEST(sockets_have_their_modes_and_a_stop_is_clean)
{
	struct daemon daemon;
	void *socket;

	process_begin();
	daemon = process_start("default", NULL, NULL, NULL);
	socket = process_dealer(daemon.control);
	CHECK(process_revision(socket) == 1);
	CHECK(mode_of("default") == 0750, "%o", mode_of("default"));
	CHECK(mode_of("default/control") == 0660 && mode_of("default/events") == 0660);
	zmq_close(socket);
	CHECK(process_stop(&daemon, SIGTERM) == 0, "%s", process_log(&daemon));
	process_end();
}

TEST(a_second_daemon_of_the_name_is_refused_and_harmless)
{
	struct daemon first, second, other;
	void *socket;

	process_begin();
	first = process_start("default", "--ephemeral", NULL, NULL);
	socket = process_dealer(first.control);
	process_revision(socket);
	second = process_start("default", "--ephemeral", NULL, NULL);
	CHECK(process_stop(&second, 0) == 6, "%s", process_log(&second));
	CHECK(strstr(process_log(&second), "another mixd"), "%s", process_log(&second));
	CHECK(process_revision(socket) == 1, "the first one lost its socket");
	other = process_start("other", "--ephemeral", NULL, NULL);
	zmq_close(socket);
	socket = process_dealer(other.control);
	CHECK(process_revision(socket) == 1, "another name is another daemon");
	zmq_close(socket);
	CHECK(process_stop(&first, SIGTERM) == 0 && process_stop(&other, SIGINT) == 0);
	process_end();
}

TEST(tcp_is_refused_with_the_reason)
{
	struct daemon daemon;

	process_begin();
	daemon = process_start("default", "--ephemeral", "--listen", "tcp://127.0.0.1:5599");
	CHECK(process_stop(&daemon, 0) == 7);
	CHECK(strstr(process_log(&daemon), "TCP needs keys, which this version does not have"),
	      "%s", process_log(&daemon));
	daemon = process_start("default", "--ephemeral", "--listen", "ws://127.0.0.1:5599");
	CHECK(process_stop(&daemon, 0) == 2, "%s", process_log(&daemon));
	process_end();
}

TEST(a_folder_too_long_for_a_socket_is_named)
{
	char deep[200];
	struct daemon daemon;

	process_begin();
	snprintf(deep, sizeof(deep), "%s/%0100d", process_folder, 0);
	daemon = process_start("default", "--ephemeral", "--runtime-dir", deep);
	CHECK(process_stop(&daemon, 0) == 2, "%s", process_log(&daemon));
	CHECK(strstr(process_log(&daemon), "too long for a socket"), "%s", process_log(&daemon));
	process_end();
}

TEST(one_more_ipc_endpoint_serves_too)
{
	char endpoint[128];
	struct daemon daemon;
	void *socket;

	process_begin();
	snprintf(endpoint, sizeof(endpoint), "ipc://%s/extra", process_folder);
	daemon = process_start("default", "--ephemeral", "--listen", endpoint);
	socket = process_dealer(endpoint);
	CHECK(process_revision(socket) == 1);
	zmq_close(socket);
	CHECK(process_stop(&daemon, SIGTERM) == 0, "%s", process_log(&daemon));
	process_end();
}

TEST(kill_9_loses_nothing_acknowledged_and_the_restart_is_quick)
{
	struct daemon daemon;
	uint64_t revision = 0, begun, took = 0;
	void *socket;

	process_begin();
	for (int life = 0; life < 5; life++) {
		begun = process_now_us();
		daemon = process_start("default", NULL, NULL, NULL);
		socket = process_dealer(daemon.control);
		CHECK(process_revision(socket) >= revision, "life %d: %s", life,
		      process_log(&daemon));
		if (process_now_us() - begun > took)
			took = process_now_us() - begun;
		CHECK(process_add_or_set(socket, true, 0, MIXD__V1__WAIT__WAIT_ACCEPTED) == 0,
		      "an equal node is fine");
		for (int i = 0; i < 50; i++)
			process_add_or_set(socket, false, -0.1 * (i + life * 50),
					   (Mixd__V1__Wait)(i % 2));
		revision = process_revision(socket);
		zmq_close(socket);
		CHECK(process_stop(&daemon, SIGKILL) == 128 + SIGKILL);
	}
	test_note("slowest start to first answer: %.0f ms", (double)took / 1000);
	CHECK(revision > 240);
	process_end();
}

TEST(a_session_is_loaded_and_reloaded)
{
	char path[128];
	struct daemon daemon;
	uint64_t revision;
	void *socket;
	FILE *file;

	process_begin();
	snprintf(path, sizeof(path), "%s/s.yaml", process_folder);
	file = fopen(path, "w");
	fputs("mixd: 1\nnodes:\n  a: {type: gain, gain: -6dB}\n", file);
	fclose(file);
	daemon = process_start("default", "--ephemeral", "--session", path);
	socket = process_dealer(daemon.control);
	revision = process_revision(socket);
	CHECK(revision == 2);
	file = fopen(path, "w");
	fputs("mixd: 1\nnodes:\n  a: {type: gian}\n", file);
	fclose(file);
	kill(daemon.pid, SIGHUP);
	for (int i = 0; i < 100 && !strstr(process_log(&daemon), "nothing was changed"); i++)
		usleep(20000);
	CHECK(strstr(process_log(&daemon), "s.yaml:3:"), "%s", process_log(&daemon));
	CHECK(process_revision(socket) == revision);
	file = fopen(path, "w");
	fputs("mixd: 1\nnodes:\n  a: {type: gain, gain: -3dB}\n  b: {type: gain}\n", file);
	fclose(file);
	kill(daemon.pid, SIGHUP);
	for (int i = 0; i < 100 && process_revision(socket) == revision; i++)
		usleep(20000);
	CHECK(process_revision(socket) == revision + 1);
	zmq_close(socket);
	CHECK(process_stop(&daemon, SIGTERM) == 0, "%s", process_log(&daemon));
	process_end();
}

TEST(hostile_bytes_do_no_harm)
{
	struct daemon daemon;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	uint8_t noise[512];
	uint8_t *big = calloc(1, 3u << 20);
	Mixd__V1__Reply *reply;
	void *socket, *other;
	int fd;

	process_begin();
	daemon = process_start("default", "--ephemeral", NULL, NULL);
	socket = process_dealer(daemon.control);
	process_revision(socket);
	for (int i = 0; i < 512; i++)
		noise[i] = (uint8_t)test_random_below(256);
	snprintf(address.sun_path, sizeof(address.sun_path), "%.90s", daemon.control + 6);
	fd = process_connect(&address);
	CHECK(fd >= 0 && write(fd, noise, sizeof(noise)) > 0);
	close(fd);
	CHECK(zmq_send(socket, noise, 300, 0) == 300);
	reply = process_receive(socket);
	CHECK(reply && reply->status->code == MIXD__V1__CODE__CODE_USAGE);
	mixd__v1__reply__free_unpacked(reply, NULL);
	zmq_send(socket, "\1", 1, ZMQ_SNDMORE); /* two frames */
	zmq_send(socket, "\1", 1, 0);
	reply = process_receive(socket);
	CHECK(reply && reply->status->code == MIXD__V1__CODE__CODE_USAGE);
	mixd__v1__reply__free_unpacked(reply, NULL);
	other = process_dealer(daemon.control);
	zmq_send(other, big, 3u << 20, 0); /* far too large: its sender is hung up on */
	zmq_send(socket, big, (1u << 20) + 1, 0); /* a little too large: answered */
	reply = process_receive(socket);
	CHECK(reply && strstr(reply->status->text, "limit"));
	mixd__v1__reply__free_unpacked(reply, NULL);
	CHECK(process_revision(socket) == 1);
	zmq_close(other);
	zmq_close(socket);
	CHECK(process_stop(&daemon, SIGTERM) == 0, "%s", process_log(&daemon));
	free(big);
	process_end();
}

TEST(systemd_is_told)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct pollfd poll_fd = {.events = POLLIN};
	bool ready = false, status = false, watchdog = false, stopping = false;
	struct daemon daemon;
	char text[512];

	process_begin();
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/notify", process_folder);
	poll_fd.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	CHECK(bind(poll_fd.fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	setenv("NOTIFY_SOCKET", address.sun_path, 1);
	setenv("WATCHDOG_USEC", "300000", 1);
	daemon = process_start("default", "--ephemeral", NULL, NULL);
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	for (int i = 0; i < 40 && !stopping && poll(&poll_fd, 1, 5000) == 1; i++) {
		ssize_t n = recv(poll_fd.fd, text, sizeof(text) - 1, 0);

		text[n > 0 ? n : 0] = '\0';
		ready |= strstr(text, "READY=1") != NULL;
		status |= strstr(text, "STATUS=offline") != NULL;
		watchdog |= strstr(text, "WATCHDOG=1") != NULL;
		stopping |= strstr(text, "STOPPING=1") != NULL;
		if (i == 8)
			kill(daemon.pid, SIGTERM);
	}
	CHECK(ready && status && watchdog && stopping, "%d %d %d %d", ready, status, watchdog,
	      stopping);
	close(poll_fd.fd);
	CHECK(process_stop(&daemon, 0) == 0);
	process_end();
}
