/* mixd_client.h - talk to a mixd instance from C.
 *
 * WHAT        A connection to one instance: requests and replies as protobuf-c messages, the event
 *             stream without gaps, meters by lease. A typical use:
 *
 *                 struct mixd_client *client;
 *                 struct mixd_client_error err;
 *                 Mixd__V1__Set set = MIXD__V1__SET__INIT;
 *                 Mixd__V1__Value value = MIXD__V1__VALUE__INIT;
 *                 Mixd__V1__Op op = MIXD__V1__OP__INIT, *ops[] = {&op};
 *
 *                 if (mixd_client_new(&(struct mixd_client_options){.instance = "radio"}, &client,
 *                                     &err) < 0)
 *                         return complain(err.text, err.hint);
 *                 value.kind_case = MIXD__V1__VALUE__KIND_TEXT;
 *                 value.text = "-1dBTP";
 *                 set.address = "limit.ceiling";
 *                 set.value = &value;
 *                 op.op_case = MIXD__V1__OP__OP_SET;
 *                 op.set = &set;
 *                 r = mixd_client_transact(client, ops, 1, NULL, NULL, &err);
 *
 * PLACE       The folder that holds the sockets `control` and `events` is found in this order:
 *             options.endpoint, $MIXD_ENDPOINT ("ipc:///folder/control" or the folder itself); then
 *             the first of $RUNTIME_DIRECTORY/mixd/INSTANCE, $XDG_RUNTIME_DIR/mixd/INSTANCE and
 *             /run/mixd/INSTANCE where a socket is. INSTANCE: options.instance, $MIXD_INSTANCE,
 *             "default".
 * ERRORS      Functions return 0 or a negative errno and fill *err, whose code is the wire's
 *             (mixd.v1.Code) and mixctl's exit code. Results are untouched on failure. *err may
 *             be NULL.
 * REPEATING   A request whose connection breaks is sent again with the same id; the daemon answers
 *             it from memory and does not do it twice. When the daemon itself was restarted in
 *             between and the request is one that may not be done twice (relative set, toggle, add
 *             or remove, undo, a conditional change), the caller is told that the outcome is
 *             unknown instead.
 * THREADS     A client belongs to one thread at a time. It starts none, and uses no libzmq. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#ifdef __cplusplus /* where `export` is a keyword, the field of that name is called export_ */
#define export export_
#endif
#include "mixd/v1/control.pb-c.h"
#ifdef __cplusplus
#undef export
extern "C" {
#endif

#define MIXD_CLIENT_PUBLIC __attribute__((visibility("default")))
#define MIXD_CLIENT_PROTOCOL 1
#define MIXD_CLIENT_TIMEOUT_MS 2000u

enum mixd_client_code { /* = mixd.v1.Code */
			MIXD_CLIENT_OK = 0,
			MIXD_CLIENT_USAGE = 2,
			MIXD_CLIENT_UNAVAILABLE = 3, /* also: no daemon there */
			MIXD_CLIENT_NOT_FOUND = 4,
			MIXD_CLIENT_INVALID = 5,
			MIXD_CLIENT_CONFLICT = 6,
			MIXD_CLIENT_DENIED = 7,
			MIXD_CLIENT_RESOURCE = 8,
			MIXD_CLIENT_ROLLED_BACK = 9,
			MIXD_CLIENT_TIMEOUT = 124,
};

struct mixd_client_error {
	enum mixd_client_code code;
	uint32_t op_index; /* operation of the transaction, from 0 */
	char address[160]; /* "limit.ceiling"; may be empty */
	char text[320]; /* what was wrong */
	char hint[320]; /* what would be right; may be empty */
};

struct mixd_client_options {
	const char *instance; /* NULL: $MIXD_INSTANCE or "default" */
	const char *endpoint; /* NULL: found by instance */
	const char *by; /* who, for history; NULL: the program's name */
	uint32_t timeout_ms; /* of a request that names none; 0: MIXD_CLIENT_TIMEOUT_MS */
};

/* How a change is to be made. Zeroed: now, unconditionally, answered when audible. */
struct mixd_client_write {
	Mixd__V1__Wait wait; /* 0: MIXD__V1__WAIT__WAIT_APPLIED */
	uint64_t if_revision; /* refuse unless the graph is at this revision; 0: no condition */
	uint64_t at_unix_ms; /* 0: now */
	uint32_t timeout_ms; /* 0: the client's */
	bool dry_run;
};

struct mixd_client;

/* "not-found" for MIXD_CLIENT_NOT_FOUND; "unknown" for what is none. Static. */
MIXD_CLIENT_PUBLIC const char *mixd_client_code_name(enum mixd_client_code code);

/* Find the instance and connect. -ENOENT -ECONNREFUSED (UNAVAILABLE) when no daemon is there,
 * -EACCES (DENIED) when its socket is not for this user, -EPROTO when something else answers. */
MIXD_CLIENT_PUBLIC int mixd_client_new(const struct mixd_client_options *options,
				       struct mixd_client **ret, struct mixd_client_error *err);
MIXD_CLIENT_PUBLIC struct mixd_client *mixd_client_free(struct mixd_client *client);
/* "ipc:///run/mixd/radio/control". Borrowed. */
MIXD_CLIENT_PUBLIC const char *mixd_client_endpoint(const struct mixd_client *client);

/* Send REQUEST (borrowed; session, req_id, by and timeout_ms are filled in here) and wait for its
 * reply. A reply whose status is not OK is an error: *err says what it says. *ret: free with
 * mixd_client_reply_free(); may be NULL. */
MIXD_CLIENT_PUBLIC int mixd_client_request(struct mixd_client *client, Mixd__V1__Request *request,
					   Mixd__V1__Reply **ret, struct mixd_client_error *err);
/* The same for a transaction. OPS are borrowed; WRITE and RET may be NULL. */
MIXD_CLIENT_PUBLIC int mixd_client_transact(struct mixd_client *client, Mixd__V1__Op **ops,
					    size_t n_ops, const struct mixd_client_write *write,
					    Mixd__V1__Reply **ret, struct mixd_client_error *err);
MIXD_CLIENT_PUBLIC void mixd_client_reply_free(Mixd__V1__Reply *reply);

/* ---- events and meters -------------------------------------------------------------------- */

enum mixd_client_news_kind {
	MIXD_CLIENT_NEWS_NONE, /* nothing before the time was up */
	MIXD_CLIENT_NEWS_EVENT, /* .event; heartbeats are no news */
	MIXD_CLIENT_NEWS_METERS, /* .meters and .lease; .lost frames were dropped before it */
	MIXD_CLIENT_NEWS_LOST, /* .lost events cannot be had any more: ask for a snapshot */
	MIXD_CLIENT_NEWS_DISCONNECTED, /* the daemon is gone; mixd_client_next() keeps trying */
	MIXD_CLIENT_NEWS_RESTARTED, /* another start of the daemon answers: ask for a snapshot */
};

struct mixd_client_lease;

struct mixd_client_news {
	enum mixd_client_news_kind kind;
	uint64_t lost;
	Mixd__V1__Event *event; /* the rest: borrowed until the next mixd_client_next() */
	Mixd__V1__Meters *meters;
	struct mixd_client_lease *lease;
};

/* Begin to follow the event stream: everything that happens after this call will be news. */
MIXD_CLIENT_PUBLIC int mixd_client_watch(struct mixd_client *client, struct mixd_client_error *err);
/* Ask for meters. PATTERNS: "meter.m", "vox.peak*", or a node's name for all it has. RATE_HZ 0:
 * 10. The lease is renewed by mixd_client_next(), again after a restart of the daemon, and ends
 * with mixd_client_lease_free() or the client. *ret: owned by the client. */
MIXD_CLIENT_PUBLIC int mixd_client_lease_new(struct mixd_client *client,
					     const char *const *patterns, size_t n_patterns,
					     double rate_hz, struct mixd_client_lease **ret,
					     struct mixd_client_error *err);
MIXD_CLIENT_PUBLIC struct mixd_client_lease *
mixd_client_lease_free(struct mixd_client *client, struct mixd_client_lease *lease);
/* The columns of Meters.values: addresses, units, rate granted. Borrowed; may change when the
 * graph does. */
MIXD_CLIENT_PUBLIC const Mixd__V1__MeterLeaseReply *
mixd_client_lease_columns(const struct mixd_client_lease *lease);
/* The next news; waits at most TIMEOUT_MS for it. Fails only for what trying again cannot mend. */
MIXD_CLIENT_PUBLIC int mixd_client_next(struct mixd_client *client, uint32_t timeout_ms,
					struct mixd_client_news *ret,
					struct mixd_client_error *err);
/* To wait for news together with other things: readable when mixd_client_next() may have some.
 * -1 while disconnected. Call mixd_client_next() at least every 3 s all the same. */
MIXD_CLIENT_PUBLIC int mixd_client_fd(const struct mixd_client *client);

#ifdef __cplusplus
}
#endif
