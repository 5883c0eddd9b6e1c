/* zmtp.h - one ZeroMQ connection over a Unix socket, without libzmq.
 *
 * WHAT        The client side of ZMTP 3.0 with the NULL mechanism (rfc.zeromq.org/spec/23): enough
 *             to be a DEALER or a SUB of a libzmq peer. A process that sends one request pays
 *             0.1 ms for it; loading libzmq with what it pulls in costs 2.6 ms.
 * THREADS     one connection, one thread.
 * INVARIANTS  Z1 messages are handed out whole: all frames or none.
 *             Z2 no call waits longer than its deadline (CLOCK_MONOTONIC, ms).
 *             Z3 what a peer can make us allocate is bounded: ZMTP_MESSAGE_MAX.
 * NOT HERE    reconnecting and resending: client.c. TCP and CURVE: they come with keys. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ZMTP_FRAMES_MAX 4u
#define ZMTP_MESSAGE_MAX (64u << 20)

struct zmtp_frame {
	const uint8_t *data; /* borrowed, until the next call */
	size_t size;
};

struct zmtp {
	int fd; /* -1: not connected */
	uint8_t *buf;
	size_t buf_capacity;
	size_t buf_begin, buf_end; /* received, not yet handed out */
};

int64_t zmtp_now_ms(void);
void zmtp_init(struct zmtp *zmtp);
void zmtp_done(struct zmtp *zmtp);
/* Drop the connection; received bytes are forgotten. */
void zmtp_close(struct zmtp *zmtp);

/* Connect to the socket at PATH and shake hands. SOCKET_TYPE: "DEALER" or "SUB".
 * -ENOENT -ECONNREFUSED -EACCES from the system, -ETIMEDOUT, -EPROTO when the peer speaks something
 * else, -ENAMETOOLONG, -ENOMEM. */
int zmtp_connect(struct zmtp *zmtp, const char *path, const char *socket_type, int64_t deadline_ms);
/* Send one message of one frame. -ECONNRESET: the peer is gone; -ETIMEDOUT. The connection is
 * closed on any failure. */
int zmtp_send(struct zmtp *zmtp, const void *data, size_t size, int64_t deadline_ms);
/* The next whole message: its frames (at most ZMTP_FRAMES_MAX) and their number. -EAGAIN when none
 * came before the deadline (the connection stays); -ECONNRESET -EPROTO -EMSGSIZE close it. */
int zmtp_recv(struct zmtp *zmtp, struct zmtp_frame *ret_frames, unsigned *ret_n,
	      int64_t deadline_ms);
