/* media_av_child.h - the process mixd-av: start, talk, end. Inside daemon/render only.
 *
 * THREADS     one at a time for each child. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "av.h"
#include "error.h"

struct media_av_child {
	pid_t pid; /* 0: none */
	int socket; /* -1: none */
	uint8_t *data; /* of the last message; owned */
	uint32_t room;
};

/* Where mixd-av is, or NULL. Static. */
const char *media_av_path(void);
/* It gets FD. PATH is for words. -errno with *err. */
int media_av_child_start(struct media_av_child *child, int fd, const char *path,
			 struct mixd_error *err);
int media_av_child_send(struct media_av_child *child, enum av_type type, const void *data,
			uint32_t bytes, const char *path, struct mixd_error *err);
/* The next message; its head, contents in child->data, NUL-ended. A fault of the child, its death and
 * its silence are -errno with *err. */
int media_av_child_receive(struct media_av_child *child, struct av_head *head, const char *path,
			   struct mixd_error *err);
/* Ends it at once. */
void media_av_child_stop(struct media_av_child *child);
