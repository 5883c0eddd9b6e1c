/* zmtp.c - see zmtp.h.
 *
 * Source: 23/ZMTP, ZeroMQ Message Transport Protocol 3.0: "Framing", "Version Negotiation",
 * "The NULL Security Mechanism"; PING and PONG from 37/ZMTP 3.1, which libzmq sends to any
 * version when heartbeats are on. We say 3.0, so that subscriptions travel as messages. */
#include "zmtp.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define ZMTP_FLAG_MORE 0x01u
#define ZMTP_FLAG_LONG 0x02u
#define ZMTP_FLAG_COMMAND 0x04u
#define ZMTP_GREETING_SIZE 64u
#define ZMTP_PING_CONTEXT_MAX 16u

int64_t zmtp_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void zmtp_init(struct zmtp *zmtp)
{
	*zmtp = (struct zmtp){.fd = -1};
}

void zmtp_close(struct zmtp *zmtp)
{
	if (zmtp->fd >= 0)
		close(zmtp->fd);
	zmtp->fd = -1;
	zmtp->buf_begin = zmtp->buf_end = 0;
}

void zmtp_done(struct zmtp *zmtp)
{
	zmtp_close(zmtp);
	free(zmtp->buf);
	zmtp->buf = NULL;
	zmtp->buf_capacity = 0;
}

static int zmtp_fail(struct zmtp *zmtp, int r)
{
	zmtp_close(zmtp);
	return r;
}

/* 1 when EVENTS came, 0 at the deadline. */
static int zmtp_poll(struct zmtp *zmtp, short events, int64_t deadline_ms)
{
	struct pollfd pollfd = {.fd = zmtp->fd, .events = events};

	for (;;) {
		int64_t left = deadline_ms - zmtp_now_ms();
		int r = poll(&pollfd, 1, left < 0 ? 0 : left > 1 << 30 ? 1 << 30 : (int)left);

		if (r > 0)
			return 1;
		if (r < 0 && errno != EINTR)
			return -errno;
		if (r == 0 && zmtp_now_ms() >= deadline_ms)
			return 0;
	}
}

static int zmtp_write(struct zmtp *zmtp, const void *data, size_t size, int64_t deadline_ms)
{
	const uint8_t *p = data;

	while (size > 0) {
		ssize_t n = send(zmtp->fd, p, size, MSG_NOSIGNAL);

		if (n >= 0) {
			p += n;
			size -= (size_t)n;
		} else if (errno == EAGAIN) {
			int r = zmtp_poll(zmtp, POLLOUT, deadline_ms);

			if (r <= 0)
				return zmtp_fail(zmtp, r < 0 ? r : -ETIMEDOUT);
		} else if (errno != EINTR) {
			return zmtp_fail(zmtp, errno == EPIPE ? -ECONNRESET : -errno);
		}
	}
	return 0;
}

static int zmtp_reserve(struct zmtp *zmtp, size_t size)
{
	size_t capacity = zmtp->buf_capacity ? zmtp->buf_capacity : 4096;
	uint8_t *buf;

	if (zmtp->buf_begin > 0) {
		memmove(zmtp->buf, zmtp->buf + zmtp->buf_begin, zmtp->buf_end - zmtp->buf_begin);
		zmtp->buf_end -= zmtp->buf_begin;
		zmtp->buf_begin = 0;
	}
	if (zmtp->buf_end + size <= zmtp->buf_capacity)
		return 0;
	if (zmtp->buf_end + size > ZMTP_MESSAGE_MAX + 4096)
		return -EMSGSIZE; /* Z3 */
	while (capacity < zmtp->buf_end + size)
		capacity *= 2;
	buf = realloc(zmtp->buf, capacity);
	if (!buf)
		return -ENOMEM;
	zmtp->buf = buf;
	zmtp->buf_capacity = capacity;
	return 0;
}

/* Read what is there, at least one byte. -EAGAIN at the deadline. */
static int zmtp_fill(struct zmtp *zmtp, int64_t deadline_ms)
{
	int r = zmtp_reserve(zmtp, 4096);

	if (r < 0)
		return zmtp_fail(zmtp, r);
	for (;;) {
		ssize_t n = recv(zmtp->fd, zmtp->buf + zmtp->buf_end,
				 zmtp->buf_capacity - zmtp->buf_end, 0);

		if (n > 0) {
			zmtp->buf_end += (size_t)n;
			return 0;
		}
		if (n == 0)
			return zmtp_fail(zmtp, -ECONNRESET);
		if (errno == EAGAIN) {
			r = zmtp_poll(zmtp, POLLIN, deadline_ms);
			if (r == 0)
				return -EAGAIN;
			if (r < 0)
				return zmtp_fail(zmtp, r);
		} else if (errno != EINTR) {
			return zmtp_fail(zmtp, -errno);
		}
	}
}

struct zmtp_header {
	uint8_t flags;
	size_t header_size;
	uint64_t body_size;
};

/* 1 when the frame at P is whole, 0 when bytes are missing, -EPROTO, -EMSGSIZE. */
static int zmtp_parse_frame(const uint8_t *p, size_t size, struct zmtp_header *ret)
{
	if (size < 2)
		return 0;
	ret->flags = p[0];
	if (ret->flags & ~(ZMTP_FLAG_MORE | ZMTP_FLAG_LONG | ZMTP_FLAG_COMMAND))
		return -EPROTO;
	if (!(ret->flags & ZMTP_FLAG_LONG)) {
		ret->header_size = 2;
		ret->body_size = p[1];
	} else {
		if (size < 9)
			return 0;
		ret->header_size = 9;
		ret->body_size = 0;
		for (int i = 1; i <= 8; i++)
			ret->body_size = ret->body_size << 8 | p[i];
	}
	if (ret->body_size > ZMTP_MESSAGE_MAX)
		return -EMSGSIZE;
	return size - ret->header_size >= ret->body_size;
}

/* PING is "\4PING", a time to live of 2 bytes, a context to send back. */
static int zmtp_answer_command(struct zmtp *zmtp, const uint8_t *body, size_t size,
			       int64_t deadline_ms)
{
	uint8_t pong[2 + 5 + ZMTP_PING_CONTEXT_MAX] = {ZMTP_FLAG_COMMAND, 5, 4, 'P', 'O', 'N', 'G'};

	if (size >= 6 && memcmp(body, "\5ERROR", 6) == 0)
		return zmtp_fail(zmtp, -EPROTO);
	if (size < 7 || memcmp(body, "\4PING", 5) != 0)
		return 0;
	size -= 7;
	if (size > ZMTP_PING_CONTEXT_MAX)
		return zmtp_fail(zmtp, -EPROTO);
	memcpy(pong + 7, body + 7, size);
	pong[1] = (uint8_t)(5 + size);
	return zmtp_write(zmtp, pong, 7 + size, deadline_ms);
}

/* One command frame during the handshake. */
static int zmtp_expect_ready(struct zmtp *zmtp, int64_t deadline_ms)
{
	struct zmtp_header header;
	const uint8_t *body;
	int r;

	for (;;) {
		r = zmtp_parse_frame(zmtp->buf + zmtp->buf_begin, zmtp->buf_end - zmtp->buf_begin,
				     &header);
		if (r < 0)
			return zmtp_fail(zmtp, r);
		if (r > 0)
			break;
		r = zmtp_fill(zmtp, deadline_ms);
		if (r < 0)
			return r;
	}
	body = zmtp->buf + zmtp->buf_begin + header.header_size;
	if (!(header.flags & ZMTP_FLAG_COMMAND) || header.body_size < 6 ||
	    memcmp(body, "\5READY", 6) != 0)
		return zmtp_fail(zmtp, -EPROTO);
	zmtp->buf_begin += header.header_size + header.body_size;
	return 0;
}

static int zmtp_handshake(struct zmtp *zmtp, const char *socket_type, int64_t deadline_ms)
{
	static const uint8_t greeting[ZMTP_GREETING_SIZE] = {0xff, 0,	 0, 0, 0,   0,	 0,   0,
							     0,	   0x7f, 3, 0, 'N', 'U', 'L', 'L'};
	static const char property[] = "\5READY\13Socket-Type";
	uint8_t out[ZMTP_GREETING_SIZE + 64];
	size_t type_size = strlen(socket_type);
	size_t body_size = sizeof(property) - 1 + 4 + type_size;
	uint8_t *p = out + ZMTP_GREETING_SIZE;
	const uint8_t *in;
	int r;

	memcpy(out, greeting, sizeof(greeting));
	*p++ = ZMTP_FLAG_COMMAND;
	*p++ = (uint8_t)body_size;
	memcpy(p, property, sizeof(property) - 1);
	p += sizeof(property) - 1;
	memcpy(p, "\0\0\0", 3);
	p[3] = (uint8_t)type_size;
	memcpy(p + 4, socket_type, type_size);
	r = zmtp_write(zmtp, out, ZMTP_GREETING_SIZE + 2 + body_size, deadline_ms);
	while (r >= 0 && zmtp->buf_end - zmtp->buf_begin < ZMTP_GREETING_SIZE)
		r = zmtp_fill(zmtp, deadline_ms);
	if (r < 0)
		return r;
	in = zmtp->buf + zmtp->buf_begin;
	if (in[0] != 0xff || in[9] != 0x7f || in[10] < 3 || memcmp(in + 12, greeting + 12, 20) != 0)
		return zmtp_fail(zmtp, -EPROTO);
	zmtp->buf_begin += ZMTP_GREETING_SIZE;
	return zmtp_expect_ready(zmtp, deadline_ms);
}

int zmtp_connect(struct zmtp *zmtp, const char *path, const char *socket_type, int64_t deadline_ms)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t size = strlen(path);
	int r;

	zmtp_close(zmtp);
	if (size >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, size + 1);
	zmtp->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (zmtp->fd < 0)
		return -errno;
	/* A blocking connect() would wait for a full backlog without end. */
	if (fcntl(zmtp->fd, F_SETFL, O_NONBLOCK) < 0)
		return zmtp_fail(zmtp, -errno);
	while (connect(zmtp->fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		if (errno == EAGAIN && zmtp_now_ms() < deadline_ms)
			usleep(1000);
		else if (errno != EINTR)
			return zmtp_fail(zmtp, errno == EAGAIN ? -ETIMEDOUT : -errno);
	}
	r = zmtp_handshake(zmtp, socket_type, deadline_ms);
	return r == -EAGAIN ? zmtp_fail(zmtp, -ETIMEDOUT) : r;
}

int zmtp_send(struct zmtp *zmtp, const void *data, size_t size, int64_t deadline_ms)
{
	uint8_t header[9], small[1024];
	size_t header_size = 2;
	int r;

	if (zmtp->fd < 0)
		return -ENOTCONN;
	if (size <= 255) {
		header[0] = 0;
		header[1] = (uint8_t)size;
	} else {
		header[0] = ZMTP_FLAG_LONG;
		header_size = 9;
		for (int i = 0; i < 8; i++)
			header[1 + i] = (uint8_t)((uint64_t)size >> (56 - 8 * i));
	}
	if (size + header_size <= sizeof(small)) { /* one system call, one wake-up of the peer */
		memcpy(small, header, header_size);
		memcpy(small + header_size, data, size);
		return zmtp_write(zmtp, small, header_size + size, deadline_ms);
	}
	r = zmtp_write(zmtp, header, header_size, deadline_ms);
	return r < 0 ? r : zmtp_write(zmtp, data, size, deadline_ms);
}

/* Whole message in the buffer? 1 and its frames, 0, or -errno. *ret_size: what it occupies.
 * A command between messages comes as a "message" of no frames and *ret_command set. */
static int zmtp_parse_message(struct zmtp *zmtp, struct zmtp_frame *frames, unsigned *ret_n,
			      size_t *ret_size, struct zmtp_frame *ret_command)
{
	const uint8_t *begin = zmtp->buf + zmtp->buf_begin;
	size_t available = zmtp->buf_end - zmtp->buf_begin, at = 0;
	unsigned n = 0;

	for (;;) {
		struct zmtp_header header;
		int r = zmtp_parse_frame(begin + at, available - at, &header);

		if (r <= 0)
			return r;
		if (header.flags & ZMTP_FLAG_COMMAND && n > 0)
			return -EPROTO;
		if (n == ZMTP_FRAMES_MAX)
			return -EMSGSIZE;
		frames[n].data = begin + at + header.header_size;
		frames[n].size = (size_t)header.body_size;
		at += header.header_size + (size_t)header.body_size;
		*ret_size = at;
		if (header.flags & ZMTP_FLAG_COMMAND) {
			*ret_command = frames[0];
			*ret_n = 0;
			return 1;
		}
		n++;
		*ret_n = n;
		if (!(header.flags & ZMTP_FLAG_MORE))
			return 1;
	}
}

int zmtp_recv(struct zmtp *zmtp, struct zmtp_frame *ret_frames, unsigned *ret_n,
	      int64_t deadline_ms)
{
	struct zmtp_frame command = {0};
	size_t size;
	int r;

	if (zmtp->fd < 0)
		return -ENOTCONN;
	for (;;) {
		r = zmtp_parse_message(zmtp, ret_frames, ret_n, &size, &command);
		if (r < 0)
			return zmtp_fail(zmtp, r);
		if (r > 0) {
			zmtp->buf_begin += size;
			if (*ret_n > 0)
				return 0;
			r = zmtp_answer_command(zmtp, command.data, command.size, deadline_ms);
		} else {
			r = zmtp_fill(zmtp, deadline_ms);
		}
		if (r < 0)
			return r;
	}
}
