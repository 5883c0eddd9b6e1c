/* job_server.h - jobs by message: each in a thread of its own.
 *
 * WHAT        StartJob, GetJob and CancelJob become job.h. What a reply points to is borrowed until
 *             the next call. An ended job is kept until JOB_SERVER_MAX newer ones have come.
 * THREADS     [main] */
#pragma once

#include "job.h"

#include "mixd/v1/render.pb-c.h"

#define JOB_SERVER_MAX 64u
#define JOB_SERVER_CHUNK (256u << 10) /* bytes of a result in one reply */

struct job_server;

int job_server_new(const struct job_hooks *hooks, struct job_server **ret, struct mixd_error *err);
int job_server_start(struct job_server *server, const Mixd__V1__StartJob *request,
		     Mixd__V1__JobReply *reply, struct mixd_error *err);
int job_server_get(struct job_server *server, const Mixd__V1__GetJob *request,
		   Mixd__V1__JobReply *reply, struct mixd_error *err);
int job_server_cancel(struct job_server *server, const Mixd__V1__CancelJob *request,
		      Mixd__V1__JobReply *reply, struct mixd_error *err);
/* Cancels what runs, and waits for it. */
struct job_server *job_server_free(struct job_server *server);
