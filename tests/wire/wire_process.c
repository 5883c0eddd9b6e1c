/* wire_process.c - see wire_process.h. */
#include "wire_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#include "control_server.h"

char process_folder[64];
void *process_context;
static uint64_t req_id;
rlim_t process_files_max;

uint64_t process_now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

/* Stopped with messages under way, libzmq 4.3.4 now and then loses one of 88 bytes: not ours. */
static void forgive_libzmq(void)
{
	char path[96], options[160];
	FILE *file;

	snprintf(path, sizeof(path), "%s/lsan", process_folder);
	file = fopen(path, "w");
	CHECK(file && fputs("leak:libzmq\n", file) >= 0);
	fclose(file);
	snprintf(options, sizeof(options), "suppressions=%s:print_suppressions=0", path);
	setenv("LSAN_OPTIONS", options, 1);
}

void process_begin(void)
{
	char state[96];

	strcpy(process_folder, "/tmp/mixd-wire-XXXXXX");
	CHECK(mkdtemp(process_folder));
	setenv("MIXD_NODE_PATH", MIXD_TEST_NODES, 0);
	setenv("XDG_RUNTIME_DIR", process_folder, 1);
	snprintf(state, sizeof(state), "%s/state", process_folder);
	setenv("XDG_STATE_HOME", state, 1);
	forgive_libzmq();
	unsetenv("RUNTIME_DIRECTORY");
	unsetenv("STATE_DIRECTORY");
	unsetenv("NOTIFY_SOCKET");
	if (!process_context)
		process_context = zmq_ctx_new();
}

void process_end(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", process_folder);
	CHECK(system(command) == 0);
}

struct daemon process_start(const char *instance, const char *a, const char *b, const char *c)
{
	struct daemon daemon = {0};
	int fd;

	snprintf(daemon.log, sizeof(daemon.log), "%s/%s.log", process_folder, instance);
	snprintf(daemon.control, sizeof(daemon.control), "ipc://%s/mixd/%s/control", process_folder,
		 instance);
	snprintf(daemon.events, sizeof(daemon.events), "ipc://%s/mixd/%s/events", process_folder,
		 instance);
	fflush(stdout);
	daemon.pid = fork();
	if (daemon.pid == 0) {
		fd = open(daemon.log, O_WRONLY | O_CREAT | O_APPEND, 0600);
		dup2(fd, STDERR_FILENO);
		dup2(fd, STDOUT_FILENO);
		if (process_files_max)
			setrlimit(RLIMIT_NOFILE,
				  &(struct rlimit){process_files_max, process_files_max});
		execl(MIXD_EXE, "mixd", "--no-pipewire", "--instance", instance, a, b, c, NULL);
		_exit(127);
	}
	return daemon;
}

int process_stop(struct daemon *daemon, int signo)
{
	int status = 0;

	kill(daemon->pid, signo);
	waitpid(daemon->pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

const char *process_log(const struct daemon *daemon)
{
	static char text[8192];
	FILE *file = fopen(daemon->log, "r");
	size_t n = file ? fread(text, 1, sizeof(text) - 1, file) : 0;

	text[n] = '\0';
	if (file)
		fclose(file);
	return text;
}

void *process_dealer(const char *endpoint)
{
	void *socket = zmq_socket(process_context, ZMQ_DEALER);
	int zero = 0, timeout_ms = 5000;

	zmq_setsockopt(socket, ZMQ_LINGER, &zero, sizeof(zero));
	zmq_setsockopt(socket, ZMQ_RCVTIMEO, &timeout_ms, sizeof(timeout_ms));
	CHECK(zmq_connect(socket, endpoint) == 0);
	return socket;
}

int process_connect(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

void process_send(void *socket, Mixd__V1__Request *request)
{
	static uint8_t session[4] = {1, 2, 3, 4};
	uint8_t body[4096];
	size_t size;

	request->session.data = session;
	request->session.len = sizeof(session);
	request->req_id = ++req_id;
	body[0] = CONTROL_PROTOCOL;
	size = mixd__v1__request__get_packed_size(request);
	CHECK(size < sizeof(body) - 1);
	mixd__v1__request__pack(request, body + 1);
	CHECK(zmq_send(socket, body, size + 1, 0) == (int)size + 1);
}

Mixd__V1__Reply *process_receive(void *socket)
{
	zmq_msg_t message;
	Mixd__V1__Reply *reply = NULL;
	const uint8_t *data;

	zmq_msg_init(&message);
	if (zmq_msg_recv(&message, socket, 0) >= 1) {
		data = zmq_msg_data(&message);
		CHECK(data[0] == CONTROL_PROTOCOL && !zmq_msg_more(&message));
		reply = mixd__v1__reply__unpack(NULL, zmq_msg_size(&message) - 1, data + 1);
	}
	zmq_msg_close(&message);
	return reply;
}

Mixd__V1__Reply *process_ask(void *socket, Mixd__V1__Request *request)
{
	Mixd__V1__Reply *reply;

	process_send(socket, request);
	reply = process_receive(socket);
	CHECK(reply && reply->req_id == req_id, "no answer");
	return reply;
}

uint64_t process_revision(void *socket)
{
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;
	Mixd__V1__GetStatus get = MIXD__V1__GET_STATUS__INIT;
	Mixd__V1__Reply *reply;
	uint64_t revision;

	request.op_case = MIXD__V1__REQUEST__OP_GET_STATUS;
	request.get_status = &get;
	reply = process_ask(socket, &request);
	CHECK(reply->status->code == 0);
	revision = reply->revision;
	mixd__v1__reply__free_unpacked(reply, NULL);
	return revision;
}

int process_add_or_set(void *socket, bool add, double gain, Mixd__V1__Wait wait)
{
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;
	Mixd__V1__Transaction transaction = MIXD__V1__TRANSACTION__INIT;
	Mixd__V1__AddNode node = MIXD__V1__ADD_NODE__INIT;
	Mixd__V1__Set set = MIXD__V1__SET__INIT;
	Mixd__V1__Value value = MIXD__V1__VALUE__INIT;
	Mixd__V1__Op op = MIXD__V1__OP__INIT, *ops[1] = {&op};
	Mixd__V1__Reply *reply;
	int code;

	node.name = (char *)"a";
	node.type = (char *)"gain";
	set.address = (char *)"a.gain";
	set.value = &value;
	value.kind_case = MIXD__V1__VALUE__KIND_NUMBER;
	value.number = gain;
	op.op_case = add ? MIXD__V1__OP__OP_ADD : MIXD__V1__OP__OP_SET;
	if (add)
		op.add = &node;
	else
		op.set = &set;
	transaction.ops = ops;
	transaction.n_ops = 1;
	request.op_case = MIXD__V1__REQUEST__OP_TRANSACTION;
	request.transaction = &transaction;
	request.wait = wait;
	reply = process_ask(socket, &request);
	code = (int)reply->status->code;
	mixd__v1__reply__free_unpacked(reply, NULL);
	return code;
}
