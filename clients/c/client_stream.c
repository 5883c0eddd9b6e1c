/* client_stream.c - the event stream and meters of a client.
 *
 * WHAT        Events carry contiguous numbers. A gap is filled by EventsFrom; what the daemon no
 *             longer has is reported as lost. The first number is learned from a barrier that we
 *             send until we see it arrive, since a subscription takes effect some time after it
 *             was made.
 * INVARIANTS  S1 event n+1 is handed out after event n or after news that says what is missing.
 *             S2 a lease is renewed in the first third of its life. */
#include "client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CLIENT_BARRIER_MS 100
#define CLIENT_BARRIER_TRIES 20
#define CLIENT_RECONNECT_MS 100

/* ON false takes the subscription back. */
static int client_subscribe(struct mixd_client *client, const char *topic, bool on,
			    int64_t deadline_ms)
{
	uint8_t buf[1 + 128] = {on};
	size_t size = strlen(topic);

	if (size > 128)
		return -EINVAL;
	memcpy(buf + 1, topic, size);
	return zmtp_send(&client->events, buf, size + 1, deadline_ms);
}

/* Connect the SUB side and make its subscriptions. */
static int client_events_connect(struct mixd_client *client)
{
	int64_t deadline_ms = zmtp_now_ms() + client->timeout_ms;
	int r = zmtp_connect(&client->events, client->events_path, "SUB", deadline_ms);

	if (r >= 0 && client->watching)
		r = client_subscribe(client, "e", true, deadline_ms);
	for (struct mixd_client_lease *lease = client->leases; lease && r >= 0; lease = lease->next)
		r = client_subscribe(client, lease->reply->meter_lease->topic, true, deadline_ms);
	return r;
}

/* Receive one message: an event or meters (of LEASE), or nothing known (all NULL). */
static int client_events_receive(struct mixd_client *client, int64_t deadline_ms,
				 Mixd__V1__Event **ret_event, Mixd__V1__Meters **ret_meters,
				 struct mixd_client_lease **ret_lease)
{
	struct zmtp_frame frames[ZMTP_FRAMES_MAX];
	struct mixd_client_lease *lease;
	unsigned n;
	int r = zmtp_recv(&client->events, frames, &n, deadline_ms);

	*ret_event = NULL;
	*ret_meters = NULL;
	*ret_lease = NULL;
	if (r < 0)
		return r;
	if (n != 2 || frames[1].size < 1 || frames[1].data[0] != MIXD_CLIENT_PROTOCOL)
		return 0;
	if (frames[0].size == 1 && frames[0].data[0] == 'e') {
		*ret_event = mixd__v1__event__unpack(NULL, frames[1].size - 1, frames[1].data + 1);
		return 0;
	}
	for (lease = client->leases; lease; lease = lease->next) {
		const char *topic = lease->reply->meter_lease->topic;

		if (strlen(topic) == frames[0].size &&
		    memcmp(topic, frames[0].data, frames[0].size) == 0)
			break;
	}
	if (lease)
		*ret_meters =
			mixd__v1__meters__unpack(NULL, frames[1].size - 1, frames[1].data + 1);
	*ret_lease = lease;
	return 0;
}

static bool client_event_has_token(const Mixd__V1__Event *event, const char *token)
{
	for (size_t i = 0; i < event->n_changes; i++)
		if (event->changes[i]->change_case == MIXD__V1__CHANGE__CHANGE_BARRIER &&
		    strcmp(event->changes[i]->barrier, token) == 0)
			return true;
	return false;
}

static void client_events_begin(struct mixd_client *client, const Mixd__V1__Event *event)
{
	client->next_seq = event->seq + 1;
	client->has_events_epoch = event->epoch.len == sizeof(client->events_epoch);
	if (client->has_events_epoch)
		memcpy(client->events_epoch, event->epoch.data, sizeof(client->events_epoch));
}

/* Read until our barrier or CLIENT_BARRIER_MS passed. 1: seen. */
static int client_await_token(struct mixd_client *client, const char *token)
{
	int64_t deadline_ms = zmtp_now_ms() + CLIENT_BARRIER_MS;

	for (;;) {
		struct mixd_client_lease *lease;
		Mixd__V1__Meters *meters;
		Mixd__V1__Event *event;
		int r = client_events_receive(client, deadline_ms, &event, &meters, &lease);
		bool seen;

		if (r < 0)
			return r == -EAGAIN ? 0 : r;
		if (meters)
			mixd__v1__meters__free_unpacked(meters, NULL);
		if (!event)
			continue;
		seen = client_event_has_token(event, token);
		if (seen)
			client_events_begin(client, event);
		mixd__v1__event__free_unpacked(event, NULL);
		if (seen)
			return 1;
	}
}

int mixd_client_watch(struct mixd_client *client, struct mixd_client_error *err)
{
	char token[CLIENT_TOKEN_SIZE];
	int r;

	if (client->watching)
		return 0;
	client->watching = true;
	r = client->events.fd < 0
		    ? client_events_connect(client)
		    : client_subscribe(client, "e", true, zmtp_now_ms() + client->timeout_ms);
	for (unsigned i = 0; i < CLIENT_BARRIER_TRIES && r >= 0; i++) {
		Mixd__V1__Barrier barrier = MIXD__V1__BARRIER__INIT;
		Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;

		snprintf(token, sizeof(token), "%02x%02x%02x%02x%08x", client->session[0],
			 client->session[1], client->session[2], client->session[3], i);
		barrier.token = token;
		request.op_case = MIXD__V1__REQUEST__OP_BARRIER;
		request.barrier = &barrier;
		request.wait = MIXD__V1__WAIT__WAIT_ACCEPTED;
		r = mixd_client_request(client, &request, NULL, err);
		if (r < 0)
			goto fail;
		r = client_await_token(client, token);
		if (r > 0)
			return 0;
	}
	if (r >= 0)
		r = -ETIMEDOUT;
	client_unreachable(client, r, err);
fail:
	client->watching = false;
	return r;
}

/* ---- leases ------------------------------------------------------------------------------- */

/* The daemon that granted the leases last. True: not the one before. */
static bool client_leases_moved(struct mixd_client *client)
{
	bool moved = client->has_lease_epoch && client->has_epoch &&
		     memcmp(client->lease_epoch, client->epoch, sizeof(client->epoch)) != 0;

	client->has_lease_epoch = client->has_epoch;
	memcpy(client->lease_epoch, client->epoch, sizeof(client->epoch));
	return moved;
}

static int client_lease_request(struct mixd_client *client, struct mixd_client_lease *lease,
				bool cancel, struct mixd_client_error *err)
{
	Mixd__V1__MeterLease message = MIXD__V1__METER_LEASE__INIT;
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;
	Mixd__V1__Reply *reply;
	uint32_t ttl_ms;
	int r;

	message.patterns = lease->patterns;
	message.n_patterns = lease->n_patterns;
	message.rate_hz = lease->rate_hz;
	message.cancel = cancel;
	request.op_case = MIXD__V1__REQUEST__OP_METER_LEASE;
	request.meter_lease = &message;
	r = mixd_client_request(client, &request, &reply, err);
	if (r < 0)
		return r;
	if (reply->op_case != MIXD__V1__REPLY__OP_METER_LEASE || cancel) {
		mixd_client_reply_free(reply);
		return cancel ? 0
			      : client_error(err, -EPROTO, MIXD_CLIENT_UNAVAILABLE,
					     "the daemon did not answer what was asked");
	}
	ttl_ms = reply->meter_lease->ttl_ms ? reply->meter_lease->ttl_ms : 10000;
	lease->renew_ms = zmtp_now_ms() + ttl_ms / 3;
	if (client->events.fd >= 0 && (!lease->reply || strcmp(lease->reply->meter_lease->topic,
							       reply->meter_lease->topic) != 0)) {
		/* A failure shows at the next receive. */
		client_subscribe(client, reply->meter_lease->topic, true,
				 zmtp_now_ms() + client->timeout_ms);
		if (lease->reply)
			client_subscribe(client, lease->reply->meter_lease->topic, false,
					 zmtp_now_ms() + client->timeout_ms);
		lease->next_seq = 0;
	}
	mixd_client_reply_free(lease->reply);
	lease->reply = reply;
	return 0;
}

static void client_lease_destroy(struct mixd_client_lease *lease)
{
	for (size_t i = 0; i < lease->n_patterns; i++)
		free(lease->patterns[i]);
	free(lease->patterns);
	mixd_client_reply_free(lease->reply);
	free(lease);
}

int mixd_client_lease_new(struct mixd_client *client, const char *const *patterns,
			  size_t n_patterns, double rate_hz, struct mixd_client_lease **ret,
			  struct mixd_client_error *err)
{
	struct mixd_client_lease *lease = calloc(1, sizeof(*lease));
	int r = -ENOMEM;

	if (!lease)
		goto no_memory;
	lease->rate_hz = rate_hz;
	lease->patterns = calloc(n_patterns ? n_patterns : 1, sizeof(*lease->patterns));
	if (!lease->patterns)
		goto no_memory;
	for (; lease->n_patterns < n_patterns; lease->n_patterns++) {
		lease->patterns[lease->n_patterns] = strdup(patterns[lease->n_patterns]);
		if (!lease->patterns[lease->n_patterns])
			goto no_memory;
	}
	r = client_lease_request(client, lease, false, err);
	if (r < 0)
		goto fail;
	lease->next = client->leases;
	client->leases = lease;
	client_leases_moved(client);
	if (client->events.fd < 0 && (r = client_events_connect(client)) < 0) {
		client->leases = lease->next;
		client_unreachable(client, r, err);
		goto fail;
	}
	*ret = lease;
	return 0;
no_memory:
	client_error(err, r, MIXD_CLIENT_RESOURCE, "out of memory");
fail:
	if (lease)
		client_lease_destroy(lease);
	return r;
}

struct mixd_client_lease *mixd_client_lease_free(struct mixd_client *client,
						 struct mixd_client_lease *lease)
{
	struct mixd_client_lease **link = &client->leases;

	if (!lease)
		return NULL;
	while (*link && *link != lease)
		link = &(*link)->next;
	if (*link)
		*link = lease->next;
	/* Unsubscribing is enough for others who share the topic; cancelling spares the daemon the
	 * rest of the lease. Neither can fail in a way that matters. */
	if (client->control.fd >= 0)
		client_lease_request(client, lease, true, NULL);
	client_lease_destroy(lease);
	return NULL;
}

const Mixd__V1__MeterLeaseReply *mixd_client_lease_columns(const struct mixd_client_lease *lease)
{
	return lease->reply->meter_lease;
}

static int client_leases_renew(struct mixd_client *client, bool all, struct mixd_client_error *err)
{
	for (struct mixd_client_lease *lease = client->leases; lease; lease = lease->next) {
		if (all)
			lease->next_seq = 0;
		if (all || zmtp_now_ms() >= lease->renew_ms) {
			int r = client_lease_request(client, lease, false, err);

			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* ---- news --------------------------------------------------------------------------------- */

/* Fetch what is missing. True when the daemon still has it, from the first on. */
static bool client_fill_gap(struct mixd_client *client)
{
	Mixd__V1__EventsFrom from = MIXD__V1__EVENTS_FROM__INIT;
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;
	Mixd__V1__Reply *reply;

	from.from_seq = client->next_seq;
	request.op_case = MIXD__V1__REQUEST__OP_EVENTS_FROM;
	request.events_from = &from;
	if (mixd_client_request(client, &request, &reply, NULL) < 0)
		return false;
	if (reply->op_case != MIXD__V1__REPLY__OP_EVENTS_FROM ||
	    reply->events_from->n_events == 0 ||
	    reply->events_from->events[0]->seq != client->next_seq) {
		mixd_client_reply_free(reply);
		return false;
	}
	client->backlog = reply;
	client->backlog_idx = 0;
	return true;
}

/* The next event of the backlog that is due before the one held back. */
static bool client_next_backlog(struct mixd_client *client, struct mixd_client_news *ret)
{
	const Mixd__V1__EventsReply *events = client->backlog ? client->backlog->events_from : NULL;

	while (events && client->backlog_idx < events->n_events) {
		Mixd__V1__Event *event = events->events[client->backlog_idx++];

		if (event->seq != client->next_seq)
			continue;
		client->next_seq++;
		*ret = (struct mixd_client_news){.kind = MIXD_CLIENT_NEWS_EVENT, .event = event};
		return true;
	}
	mixd_client_reply_free(client->backlog);
	client->backlog = NULL;
	return false;
}

/* Heartbeats have no changes and repeat the newest number: one that we have not seen is lost. */
static bool client_is_heartbeat(const Mixd__V1__Event *event)
{
	return event->n_changes == 0 && event->by[0] == 0;
}

/* Events up to and without END are missing: they become news, or the news that they are lost. */
static bool client_take_gap(struct mixd_client *client, uint64_t end, struct mixd_client_news *ret)
{
	if (client_fill_gap(client) && client_next_backlog(client, ret))
		return true;
	*ret = (struct mixd_client_news){.kind = MIXD_CLIENT_NEWS_LOST,
					 .lost = end - client->next_seq};
	client->next_seq = end;
	return true;
}

/* EVENT is taken: it becomes news, or what must come before it does. False: an old one. */
static bool client_take_event(struct mixd_client *client, Mixd__V1__Event *event,
			      struct mixd_client_news *ret)
{
	bool same_epoch = client->has_events_epoch &&
			  event->epoch.len == sizeof(client->events_epoch) &&
			  memcmp(event->epoch.data, client->events_epoch, event->epoch.len) == 0;
	bool heartbeat = client_is_heartbeat(event);
	uint64_t seq = event->seq;

	if (!same_epoch) {
		/* What came before EVENT is in the snapshot that the caller will take. */
		client_events_begin(client, event);
		client->lease_stale = true;
		*ret = (struct mixd_client_news){.kind = MIXD_CLIENT_NEWS_RESTARTED};
		if (heartbeat) {
			mixd__v1__event__free_unpacked(event, NULL);
		} else {
			client->next_seq = seq;
			client->held = event;
		}
		return true;
	}
	if (heartbeat || seq < client->next_seq) {
		mixd__v1__event__free_unpacked(event, NULL);
		return seq >= client->next_seq && client_take_gap(client, seq + 1, ret);
	}
	if (seq > client->next_seq) {
		client->held = event;
		return client_take_gap(client, seq, ret);
	}
	client->next_seq++;
	client->event = event;
	*ret = (struct mixd_client_news){.kind = MIXD_CLIENT_NEWS_EVENT, .event = event};
	return true;
}

static bool client_take_meters(struct mixd_client *client, struct mixd_client_lease *lease,
			       Mixd__V1__Meters *meters, struct mixd_client_news *ret)
{
	uint64_t lost = lease->next_seq && meters->seq > lease->next_seq
				? meters->seq - lease->next_seq
				: 0;

	lease->next_seq = meters->seq + 1;
	client->meters = meters;
	*ret = (struct mixd_client_news){
		.kind = MIXD_CLIENT_NEWS_METERS, .meters = meters, .lease = lease, .lost = lost};
	return true;
}

static void client_release_lent(struct mixd_client *client)
{
	if (client->event)
		mixd__v1__event__free_unpacked(client->event, NULL);
	if (client->meters)
		mixd__v1__meters__free_unpacked(client->meters, NULL);
	client->event = NULL;
	client->meters = NULL;
}

/* Get the events socket back. 1: connected; 0: not yet, the time is up or the news says so. */
static int client_next_connect(struct mixd_client *client, int64_t deadline_ms,
			       struct mixd_client_news *ret)
{
	for (;;) {
		int64_t now_ms = zmtp_now_ms();

		if (now_ms >= client->retry_ms) {
			client->retry_ms = now_ms + CLIENT_RECONNECT_MS;
			if (client_leases_renew(client, true, NULL) >= 0 &&
			    client_events_connect(client) >= 0) {
				client->disconnected = false;
				client->lease_stale = false;
				/* Who watches events is told by them. */
				if (!client->leases || !client_leases_moved(client) ||
				    client->watching)
					return 1;
				ret->kind = MIXD_CLIENT_NEWS_RESTARTED;
				return 0;
			}
			zmtp_close(&client->events);
			if (!client->disconnected) {
				client->disconnected = true;
				ret->kind = MIXD_CLIENT_NEWS_DISCONNECTED;
				return 0;
			}
		}
		if (now_ms >= deadline_ms)
			return 0;
		usleep(1000 * (useconds_t)(client->retry_ms < deadline_ms
						   ? client->retry_ms - now_ms + 1
						   : deadline_ms - now_ms));
	}
}

static bool client_next_held(struct mixd_client *client, struct mixd_client_news *ret)
{
	Mixd__V1__Event *held = client->held;

	if (client->backlog && client_next_backlog(client, ret))
		return true;
	client->held = NULL;
	return held && client_take_event(client, held, ret);
}

int mixd_client_next(struct mixd_client *client, uint32_t timeout_ms, struct mixd_client_news *ret,
		     struct mixd_client_error *err)
{
	int64_t deadline_ms = zmtp_now_ms() + timeout_ms;

	client_release_lent(client);
	*ret = (struct mixd_client_news){.kind = MIXD_CLIENT_NEWS_NONE};
	if (client_next_held(client, ret))
		return 0;
	for (;;) {
		struct mixd_client_lease *lease;
		Mixd__V1__Meters *meters;
		Mixd__V1__Event *event;
		int64_t until_ms = deadline_ms;
		int r;

		if (client->events.fd < 0) {
			r = client_next_connect(client, deadline_ms, ret);
			if (r <= 0)
				return 0;
		}
		r = client_leases_renew(client, client->lease_stale, err);
		client->lease_stale = false;
		if (r == -ENOENT || r == -EINVAL)
			return r; /* what was watched is gone */
		for (lease = client->leases; lease; lease = lease->next)
			if (lease->renew_ms < until_ms)
				until_ms = lease->renew_ms;
		r = client_events_receive(client, until_ms, &event, &meters, &lease);
		if (r == -EAGAIN && until_ms >= deadline_ms)
			return 0;
		if (r < 0)
			continue; /* a lease is due, or the connection is gone */
		if (event && client_take_event(client, event, ret))
			return 0;
		if (meters && client_take_meters(client, lease, meters, ret))
			return 0;
	}
}

int mixd_client_fd(const struct mixd_client *client)
{
	return client->events.fd;
}
