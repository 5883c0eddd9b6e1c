/* wire_process.h - a real mixd in a process of its own, without PipeWire, and requests to it by sockets.
 *
 * THREADS     one. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/un.h>

#include "mixd/v1/control.pb-c.h"
#include "test.h"

struct daemon {
	pid_t pid;
	char log[128];
	char control[128], events[128];
};

extern char process_folder[64]; /* of this test */
extern void *process_context; /* ZeroMQ's */
extern rlim_t process_files_max; /* of daemons to be started; 0: as we have */

void process_begin(void);
void process_end(void);
/* Start mixd with up to three more arguments; its messages go to a file. */
struct daemon process_start(const char *instance, const char *a, const char *b, const char *c);
/* The exit code; 128 and more: the signal that ended it. */
int process_stop(struct daemon *daemon, int signo);
const char *process_log(const struct daemon *daemon); /* until the next call */
uint64_t process_now_us(void);

void *process_dealer(const char *endpoint);
/* A bare connection: no ZeroMQ on this side. -1: refused. */
int process_connect(const struct sockaddr_un *address);
void process_send(void *socket, Mixd__V1__Request *request);
/* Both freed by the caller. */
Mixd__V1__Reply *process_receive(void *socket);
Mixd__V1__Reply *process_ask(void *socket, Mixd__V1__Request *request);
uint64_t process_revision(void *socket);
/* A node "a" of type gain, or its gain; the code of the reply. */
int process_add_or_set(void *socket, bool add, double gain, Mixd__V1__Wait wait);
