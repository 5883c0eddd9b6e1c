/* client.c - connection, requests and replies. See mixd_client.h. */
#include "client.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define CLIENT_GRACE_MS 500 /* the daemon's own timeout comes first, and says more */
#define CLIENT_RETRY_MS 20
#define CLIENT_ATTEMPTS_MAX 5
#define CLIENT_MESSAGE_MAX (1u << 20) /* what the daemon takes */

static const struct {
	enum mixd_client_code code;
	int error;
	const char *name;
} client_codes[] = {
	{MIXD_CLIENT_OK, 0, "ok"},
	{MIXD_CLIENT_USAGE, -EINVAL, "usage"},
	{MIXD_CLIENT_UNAVAILABLE, -ECONNREFUSED, "unavailable"},
	{MIXD_CLIENT_NOT_FOUND, -ENOENT, "not-found"},
	{MIXD_CLIENT_INVALID, -EINVAL, "invalid"},
	{MIXD_CLIENT_CONFLICT, -EEXIST, "conflict"},
	{MIXD_CLIENT_DENIED, -EACCES, "denied"},
	{MIXD_CLIENT_RESOURCE, -EIO, "resource"},
	{MIXD_CLIENT_ROLLED_BACK, -ECANCELED, "rolled-back"},
	{MIXD_CLIENT_TIMEOUT, -ETIMEDOUT, "timeout"},
};
#define CLIENT_N_CODES (sizeof(client_codes) / sizeof(client_codes[0]))

const char *mixd_client_code_name(enum mixd_client_code code)
{
	for (size_t i = 0; i < CLIENT_N_CODES; i++)
		if (client_codes[i].code == code)
			return client_codes[i].name;
	return "unknown";
}

int client_error(struct mixd_client_error *err, int r, enum mixd_client_code code, const char *fmt,
		 ...)
{
	va_list args;

	if (!err)
		return r;
	*err = (struct mixd_client_error){.code = code};
	va_start(args, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, args);
	va_end(args);
	return r;
}

void client_hint(struct mixd_client_error *err, const char *fmt, ...)
{
	va_list args;

	if (!err)
		return;
	va_start(args, fmt);
	vsnprintf(err->hint, sizeof(err->hint), fmt, args);
	va_end(args);
}

int mixd_client_new(const struct mixd_client_options *options, struct mixd_client **ret,
		    struct mixd_client_error *err)
{
	static const struct mixd_client_options defaults;
	struct mixd_client *client;
	int r;

	if (!options)
		options = &defaults;
	client = calloc(1, sizeof(*client));
	if (!client)
		return client_error(err, -ENOMEM, MIXD_CLIENT_RESOURCE, "out of memory");
	zmtp_init(&client->control);
	zmtp_init(&client->events);
	client->timeout_ms = options->timeout_ms ? options->timeout_ms : MIXD_CLIENT_TIMEOUT_MS;
	snprintf(client->by, sizeof(client->by), "%s",
		 options->by ? options->by : program_invocation_short_name);
	if (getrandom(client->session, sizeof(client->session), 0) !=
	    (ssize_t)sizeof(client->session)) {
		r = client_error(err, -EIO, MIXD_CLIENT_RESOURCE, "no random numbers");
		goto fail;
	}
	r = client_find(client, options, err);
	if (r < 0)
		goto fail;
	r = zmtp_connect(&client->control, client->control_path, "DEALER",
			 zmtp_now_ms() + client->timeout_ms);
	if (r < 0) {
		client_unreachable(client, r, err);
		goto fail;
	}
	*ret = client;
	return 0;
fail:
	mixd_client_free(client);
	return r;
}

struct mixd_client *mixd_client_free(struct mixd_client *client)
{
	if (!client)
		return NULL;
	while (client->leases)
		mixd_client_lease_free(client, client->leases);
	if (client->backlog)
		mixd__v1__reply__free_unpacked(client->backlog, NULL);
	if (client->held)
		mixd__v1__event__free_unpacked(client->held, NULL);
	if (client->event)
		mixd__v1__event__free_unpacked(client->event, NULL);
	if (client->meters)
		mixd__v1__meters__free_unpacked(client->meters, NULL);
	zmtp_done(&client->control);
	zmtp_done(&client->events);
	free(client);
	return NULL;
}

const char *mixd_client_endpoint(const struct mixd_client *client)
{
	return client->endpoint;
}

void mixd_client_reply_free(Mixd__V1__Reply *reply)
{
	if (reply)
		mixd__v1__reply__free_unpacked(reply, NULL);
}

/* May REQUEST be done a second time by a daemon that does not remember the first? */
static bool client_repeatable(const Mixd__V1__Request *request)
{
	if (request->dry_run)
		return true;
	/* Done the first time, a conditional change would come back as a conflict. */
	if (request->if_revision || request->op_case == MIXD__V1__REQUEST__OP_UNDO)
		return false;
	if (request->op_case != MIXD__V1__REQUEST__OP_TRANSACTION)
		return true;
	for (size_t i = 0; i < request->transaction->n_ops; i++) {
		const Mixd__V1__Op *op = request->transaction->ops[i];

		if (op->op_case != MIXD__V1__OP__OP_SET || op->set->relative || op->set->toggle)
			return false;
		if (op->set->value && op->set->value->kind_case == MIXD__V1__VALUE__KIND_TEXT &&
		    op->set->value->text[0] && op->set->value->text[1] == '=')
			return false;
	}
	return true;
}

/* Wait for the reply to REQ_ID; replies to requests that were given up are skipped. */
static int client_receive(struct mixd_client *client, uint64_t req_id, int64_t deadline_ms,
			  Mixd__V1__Reply **ret)
{
	for (;;) {
		struct zmtp_frame frames[ZMTP_FRAMES_MAX];
		Mixd__V1__Reply *reply;
		unsigned n;
		int r = zmtp_recv(&client->control, frames, &n, deadline_ms);

		if (r < 0)
			return r;
		if (n != 1 || frames[0].size < 1 || frames[0].data[0] != MIXD_CLIENT_PROTOCOL)
			return -EPROTO;
		reply = mixd__v1__reply__unpack(NULL, frames[0].size - 1, frames[0].data + 1);
		if (!reply)
			return -EPROTO;
		/* 0: the daemon could not read which request it was. */
		if (reply->req_id == req_id || reply->req_id == 0) {
			*ret = reply;
			return 0;
		}
		mixd__v1__reply__free_unpacked(reply, NULL);
	}
}

static int client_reconnect(struct mixd_client *client, int64_t deadline_ms)
{
	for (;;) {
		int r = zmtp_connect(&client->control, client->control_path, "DEALER", deadline_ms);

		if (r >= 0 || r == -EACCES || zmtp_now_ms() + CLIENT_RETRY_MS >= deadline_ms)
			return r;
		usleep(CLIENT_RETRY_MS * 1000);
	}
}

/* After a break: is this still the daemon we spoke to? */
static int client_check_epoch(struct mixd_client *client, int64_t deadline_ms, bool *ret_same)
{
	Mixd__V1__Hello hello = MIXD__V1__HELLO__INIT;
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;
	Mixd__V1__Reply *reply;
	uint8_t buf[128] = {MIXD_CLIENT_PROTOCOL};
	size_t size;
	int r;

	request.session.data = client->session;
	request.session.len = sizeof(client->session);
	request.req_id = ++client->req_id;
	request.op_case = MIXD__V1__REQUEST__OP_HELLO;
	request.hello = &hello;
	size = mixd__v1__request__pack(&request, buf + 1);
	r = zmtp_send(&client->control, buf, size + 1, deadline_ms);
	if (r >= 0)
		r = client_receive(client, request.req_id, deadline_ms, &reply);
	if (r < 0)
		return r;
	*ret_same = client->has_epoch && reply->epoch.len == sizeof(client->epoch) &&
		    memcmp(reply->epoch.data, client->epoch, sizeof(client->epoch)) == 0;
	mixd__v1__reply__free_unpacked(reply, NULL);
	return 0;
}

static int client_timed_out(const struct mixd_client *client, const Mixd__V1__Request *request,
			    struct mixd_client_error *err)
{
	client_error(err, -ETIMEDOUT, MIXD_CLIENT_TIMEOUT, "no reply from %s within %u ms",
		     client->control_path, request->timeout_ms);
	if (!client_repeatable(request))
		client_hint(err, "whether it was done is unknown: see `mixctl history`");
	return -ETIMEDOUT;
}

/* Send BUF until it is answered or the time is up. */
static int client_exchange(struct mixd_client *client, const Mixd__V1__Request *request,
			   const uint8_t *buf, size_t size, Mixd__V1__Reply **ret,
			   struct mixd_client_error *err)
{
	int64_t deadline_ms = zmtp_now_ms() + request->timeout_ms + CLIENT_GRACE_MS;
	bool sent = false;

	for (unsigned attempt = 0;; attempt++) {
		bool same = true;
		int r = 0;

		if (client->control.fd < 0) {
			r = client_reconnect(client, sent ? deadline_ms : zmtp_now_ms());
			if (r < 0)
				return client_unreachable(client, r, err);
			if (sent && !client_repeatable(request))
				r = client_check_epoch(client, deadline_ms, &same);
		}
		if (!same) {
			client_error(err, -ECONNRESET, MIXD_CLIENT_UNAVAILABLE,
				     "the daemon was restarted while it had this request");
			client_hint(err, "whether it was done is unknown: see `mixctl history`");
			return -ECONNRESET;
		}
		if (r >= 0)
			r = zmtp_send(&client->control, buf, size, deadline_ms);
		sent = true;
		if (r >= 0)
			r = client_receive(client, request->req_id, deadline_ms, ret);
		if (r >= 0)
			return 0;
		if (r == -EAGAIN || r == -ETIMEDOUT || zmtp_now_ms() >= deadline_ms)
			return client_timed_out(client, request, err);
		if ((r != -ECONNRESET && r != -ENOTCONN) || attempt >= CLIENT_ATTEMPTS_MAX) {
			zmtp_close(&client->control);
			return client_unreachable(client, r == -ENOTCONN ? -ECONNRESET : r, err);
		}
	}
}

/* Status -> *err and errno. */
static int client_status(const Mixd__V1__Reply *reply, struct mixd_client_error *err)
{
	const Mixd__V1__Status *status = reply->status;
	enum mixd_client_code code = status ? (enum mixd_client_code)status->code : MIXD_CLIENT_OK;
	int r = -EIO;

	if (code == MIXD_CLIENT_OK)
		return 0;
	for (size_t i = 0; i < CLIENT_N_CODES; i++)
		if (client_codes[i].code == code)
			r = client_codes[i].error;
	client_error(err, r, code, "%s", status->text);
	client_hint(err, "%s", status->hint);
	if (err) {
		err->op_index = status->op_index;
		snprintf(err->address, sizeof(err->address), "%s", status->address);
	}
	return r;
}

int mixd_client_request(struct mixd_client *client, Mixd__V1__Request *request,
			Mixd__V1__Reply **ret, struct mixd_client_error *err)
{
	Mixd__V1__Reply *reply = NULL;
	uint8_t *buf;
	size_t size;
	int r;

	request->session.data = client->session;
	request->session.len = sizeof(client->session);
	request->req_id = ++client->req_id;
	request->by = client->by;
	if (!request->timeout_ms)
		request->timeout_ms = client->timeout_ms;
	size = mixd__v1__request__get_packed_size(request);
	if (size >= CLIENT_MESSAGE_MAX) {
		client_error(err, -E2BIG, MIXD_CLIENT_RESOURCE, "a request of %zu bytes", size);
		client_hint(err, "the daemon takes at most %u; make several of it",
			    CLIENT_MESSAGE_MAX);
		return -E2BIG;
	}
	buf = malloc(size + 1);
	if (!buf)
		return client_error(err, -ENOMEM, MIXD_CLIENT_RESOURCE, "out of memory");
	buf[0] = MIXD_CLIENT_PROTOCOL;
	mixd__v1__request__pack(request, buf + 1);
	r = client_exchange(client, request, buf, size + 1, &reply, err);
	free(buf);
	if (r < 0)
		return r;
	client->has_epoch = reply->epoch.len == sizeof(client->epoch);
	if (client->has_epoch)
		memcpy(client->epoch, reply->epoch.data, sizeof(client->epoch));
	r = client_status(reply, err);
	if (r < 0 || !ret)
		mixd__v1__reply__free_unpacked(reply, NULL);
	else
		*ret = reply;
	return r;
}

int mixd_client_transact(struct mixd_client *client, Mixd__V1__Op **ops, size_t n_ops,
			 const struct mixd_client_write *write, Mixd__V1__Reply **ret,
			 struct mixd_client_error *err)
{
	Mixd__V1__Transaction transaction = MIXD__V1__TRANSACTION__INIT;
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;

	transaction.ops = ops;
	transaction.n_ops = n_ops;
	request.op_case = MIXD__V1__REQUEST__OP_TRANSACTION;
	request.transaction = &transaction;
	if (write) {
		request.wait = write->wait;
		request.if_revision = write->if_revision;
		request.at_unix_ms = write->at_unix_ms;
		request.timeout_ms = write->timeout_ms;
		request.dry_run = write->dry_run;
	}
	return mixd_client_request(client, &request, ret, err);
}
