/* client.h - what the files of the client library share; not installed.
 *
 * NOT HERE    what callers see: mixd_client.h. */
#pragma once

#include "mixd_client.h"
#include "zmtp.h"

#define CLIENT_PATH_MAX 108 /* of a socket's address */
#define CLIENT_TOKEN_SIZE 17

struct mixd_client_lease {
	struct mixd_client_lease *next;
	char **patterns;
	size_t n_patterns;
	double rate_hz;
	Mixd__V1__Reply *reply; /* as last granted */
	uint64_t next_seq; /* 0: none seen */
	int64_t renew_ms;
};

struct mixd_client {
	char endpoint[CLIENT_PATH_MAX + 8];
	char control_path[CLIENT_PATH_MAX];
	char events_path[CLIENT_PATH_MAX];
	char by[64];
	uint32_t timeout_ms;
	uint8_t session[16];
	uint64_t req_id;
	uint8_t epoch[16];
	bool has_epoch;
	struct zmtp control;

	/* streams */
	struct zmtp events;
	bool watching;
	bool disconnected; /* told so */
	bool lease_stale; /* the daemon was restarted: ask anew */
	int64_t retry_ms; /* do not try to connect before */
	uint8_t events_epoch[16];
	bool has_events_epoch;
	uint8_t lease_epoch[16]; /* of the daemon that sends the meters */
	bool has_lease_epoch;
	uint64_t next_seq; /* of events; 0: take what comes */
	struct mixd_client_lease *leases;
	Mixd__V1__Reply *backlog; /* an EventsReply, being handed out */
	size_t backlog_idx;
	Mixd__V1__Event *held; /* comes after the backlog */
	Mixd__V1__Event *event; /* lent to the caller */
	Mixd__V1__Meters *meters;
};

/* Fill *ERR (may be NULL) and return R. */
__attribute__((format(printf, 4, 5))) int client_error(struct mixd_client_error *err, int r,
						       enum mixd_client_code code, const char *fmt,
						       ...);
__attribute__((format(printf, 2, 3))) void client_hint(struct mixd_client_error *err,
						       const char *fmt, ...);
/* What connecting to CLIENT's control socket failed with, in words. */
int client_unreachable(const struct mixd_client *client, int r, struct mixd_client_error *err);
/* OPTIONS and the environment -> endpoint and both paths. */
int client_find(struct mixd_client *client, const struct mixd_client_options *options,
		struct mixd_client_error *err);
/* Paths from an endpoint or a folder. */
int client_set_endpoint(struct mixd_client *client, const char *endpoint,
			struct mixd_client_error *err);
