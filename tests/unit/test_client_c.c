/* libmixd-client against a libzmq peer: handshake, replies, errors, resends, gaps, leases. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include "mixd_client.h"
#include "test.h"

#define TOPIC "m/test"

/* A daemon of a few lines: one thread, ROUTER and PUB. */
struct peer {
	char folder[64];
	void *context;
	pthread_t thread;
	atomic_bool stop, ready;
	/* script: set before the request that meets it */
	atomic_int mute; /* requests to leave unanswered */
	atomic_int restart; /* unbind and bind instead of answering the next request */
	atomic_int new_epoch;
	atomic_int forget; /* EventsFrom has nothing */
	atomic_int code; /* status of replies */
	atomic_int pub; /* events to publish before the next reply: how many to skip before */
	/* seen */
	atomic_int n_requests, n_leases, n_cancels;
	_Atomic uint64_t last_req_id;
	/* thread's own */
	void *router, *pub_socket;
	uint8_t epoch[16];
	uint64_t seq, meters_seq;
};

static void peer_bind(struct peer *peer)
{
	int zero = 0, heartbeat_ms = 20;
	char endpoint[96];

	peer->router = zmq_socket(peer->context, ZMQ_ROUTER);
	peer->pub_socket = zmq_socket(peer->context, ZMQ_PUB);
	zmq_setsockopt(peer->router, ZMQ_LINGER, &zero, sizeof(zero));
	zmq_setsockopt(peer->pub_socket, ZMQ_LINGER, &zero, sizeof(zero));
	/* Heartbeats: a client that does not answer PING is thrown out. */
	zmq_setsockopt(peer->router, ZMQ_HEARTBEAT_IVL, &heartbeat_ms, sizeof(heartbeat_ms));
	zmq_setsockopt(peer->pub_socket, ZMQ_HEARTBEAT_IVL, &heartbeat_ms, sizeof(heartbeat_ms));
	snprintf(endpoint, sizeof(endpoint), "ipc://%s/control", peer->folder);
	zmq_bind(peer->router, endpoint);
	snprintf(endpoint, sizeof(endpoint), "ipc://%s/events", peer->folder);
	zmq_bind(peer->pub_socket, endpoint);
}

static void peer_publish(struct peer *peer, const char *topic, const ProtobufCMessage *message)
{
	uint8_t body[4096] = {MIXD_CLIENT_PROTOCOL};
	size_t size = protobuf_c_message_pack(message, body + 1);

	zmq_send(peer->pub_socket, topic, strlen(topic), ZMQ_SNDMORE);
	zmq_send(peer->pub_socket, body, size + 1, 0);
}

/* One event whose only change is a barrier; SKIP numbers are left out before it. */
static void peer_event(struct peer *peer, const char *token, bool heartbeat)
{
	Mixd__V1__Event event = MIXD__V1__EVENT__INIT;
	Mixd__V1__Change change = MIXD__V1__CHANGE__INIT, *changes[] = {&change};

	change.change_case = MIXD__V1__CHANGE__CHANGE_BARRIER;
	change.barrier = (char *)(uintptr_t)token;
	event.epoch.data = peer->epoch;
	event.epoch.len = sizeof(peer->epoch);
	event.seq = peer->seq;
	event.changes = changes;
	event.n_changes = !heartbeat;
	peer_publish(peer, "e", &event.base);
}

static void peer_meters(struct peer *peer)
{
	Mixd__V1__Meters meters = MIXD__V1__METERS__INIT;
	float values[2] = {-23, -1};

	meters.seq = peer->meters_seq;
	meters.values = values;
	meters.n_values = 2;
	peer_publish(peer, TOPIC, &meters.base);
}

static void peer_fill(struct peer *peer, const Mixd__V1__Request *request, Mixd__V1__Reply *reply)
{
	static Mixd__V1__HelloReply hello = MIXD__V1__HELLO_REPLY__INIT;
	static Mixd__V1__BarrierReply barrier = MIXD__V1__BARRIER_REPLY__INIT;
	static Mixd__V1__TransactionReply transaction = MIXD__V1__TRANSACTION_REPLY__INIT;
	static Mixd__V1__MeterLeaseReply lease = MIXD__V1__METER_LEASE_REPLY__INIT;
	static Mixd__V1__EventsReply events = MIXD__V1__EVENTS_REPLY__INIT;
	static Mixd__V1__Event late[8], *late_list[8];
	static char *columns[] = {(char *)"meter.s", (char *)"meter.tp"};

	reply->op_case = (Mixd__V1__Reply__OpCase)request->op_case;
	switch (request->op_case) {
	case MIXD__V1__REQUEST__OP_BARRIER:
		peer->seq++;
		peer_event(peer, request->barrier->token, false);
		reply->barrier = &barrier;
		break;
	case MIXD__V1__REQUEST__OP_METER_LEASE:
		peer->n_leases += !request->meter_lease->cancel;
		peer->n_cancels += request->meter_lease->cancel;
		lease.topic = (char *)TOPIC;
		lease.addresses = columns;
		lease.n_addresses = 2;
		lease.ttl_ms = 300;
		reply->meter_lease = &lease;
		break;
	case MIXD__V1__REQUEST__OP_EVENTS_FROM:
		events.n_events = 0;
		for (uint64_t seq = request->events_from->from_seq;
		     seq <= peer->seq && events.n_events < 8 && !peer->forget; seq++) {
			Mixd__V1__Event *event = &late[events.n_events];

			mixd__v1__event__init(event);
			event->seq = seq;
			event->by = (char *)"late";
			late_list[events.n_events++] = event;
		}
		events.events = late_list;
		reply->events_from = &events;
		break;
	case MIXD__V1__REQUEST__OP_TRANSACTION:
		reply->transaction = &transaction;
		break;
	default:
		reply->op_case = MIXD__V1__REPLY__OP_HELLO;
		reply->hello = &hello;
	}
}

static void peer_answer(struct peer *peer, const Mixd__V1__Request *request, const void *id,
			size_t id_size)
{
	Mixd__V1__Reply reply = MIXD__V1__REPLY__INIT;
	Mixd__V1__Status status = MIXD__V1__STATUS__INIT;
	uint8_t body[8192] = {MIXD_CLIENT_PROTOCOL};
	size_t size;

	reply.req_id = request->req_id;
	reply.revision = 7;
	reply.epoch.data = peer->epoch;
	reply.epoch.len = sizeof(peer->epoch);
	peer_fill(peer, request, &reply);
	if (peer->code) {
		status.code = (Mixd__V1__Code)(int)peer->code;
		status.address = (char *)"limit.celing";
		status.text = (char *)"no such param";
		status.hint = (char *)"did you mean limit.ceiling?";
		status.op_index = 3;
		reply.status = &status;
	}
	size = mixd__v1__reply__pack(&reply, body + 1);
	zmq_send(peer->router, id, id_size, ZMQ_SNDMORE);
	zmq_send(peer->router, body, size + 1, 0);
}

static void peer_request(struct peer *peer)
{
	uint8_t id[64], body[4096];
	int id_size = zmq_recv(peer->router, id, sizeof(id), 0);
	int size = zmq_recv(peer->router, body, sizeof(body), 0);
	Mixd__V1__Request *request;

	if (id_size <= 0 || size <= 1)
		return;
	request = mixd__v1__request__unpack(NULL, (size_t)size - 1, body + 1);
	if (!request)
		return;
	peer->n_requests++;
	peer->last_req_id = request->req_id;
	if (peer->mute > 0) {
		peer->mute--;
	} else if (peer->restart > 0) {
		peer->restart--;
		zmq_close(peer->router);
		zmq_close(peer->pub_socket);
		if (peer->new_epoch)
			peer->epoch[0]++;
		peer_bind(peer);
	} else {
		peer_answer(peer, request, id, (size_t)id_size);
	}
	mixd__v1__request__free_unpacked(request, NULL);
}

static void *peer_run(void *data)
{
	struct peer *peer = data;

	peer_bind(peer);
	peer->ready = true;
	while (!peer->stop) {
		zmq_pollitem_t item = {.socket = peer->router, .events = ZMQ_POLLIN};

		if (zmq_poll(&item, 1, 2) > 0)
			peer_request(peer);
		if (peer->pub) {
			peer->seq += (uint64_t)peer->pub;
			peer->meters_seq += (uint64_t)peer->pub;
			peer->pub = 0;
			peer_event(peer, "news", false);
			peer_meters(peer);
		}
	}
	zmq_close(peer->router);
	zmq_close(peer->pub_socket);
	return NULL;
}

static void peer_start(struct peer *peer)
{
	char template[] = "/tmp/mixd-client-XXXXXX";

	*peer = (struct peer){.context = zmq_ctx_new()};
	CHECK(mkdtemp(template));
	snprintf(peer->folder, sizeof(peer->folder), "%s", template);
	pthread_create(&peer->thread, NULL, peer_run, peer);
	while (!peer->ready)
		usleep(1000);
}

static void peer_finish(struct peer *peer)
{
	char path[96];

	peer->stop = true;
	pthread_join(peer->thread, NULL);
	zmq_ctx_term(peer->context);
	snprintf(path, sizeof(path), "%s/control", peer->folder);
	unlink(path);
	snprintf(path, sizeof(path), "%s/events", peer->folder);
	unlink(path);
	rmdir(peer->folder);
}

static struct mixd_client *peer_connect(struct peer *peer, uint32_t timeout_ms)
{
	struct mixd_client_options options = {.endpoint = peer->folder, .timeout_ms = timeout_ms};
	struct mixd_client_error err;
	struct mixd_client *client = NULL;

	CHECK(mixd_client_new(&options, &client, &err) == 0, "%s", err.text);
	return client;
}

static int hello(struct mixd_client *client, struct mixd_client_error *err)
{
	Mixd__V1__Hello message = MIXD__V1__HELLO__INIT;
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;

	request.op_case = MIXD__V1__REQUEST__OP_HELLO;
	request.hello = &message;
	return mixd_client_request(client, &request, NULL, err);
}

static int set(struct mixd_client *client, bool relative, struct mixd_client_error *err)
{
	Mixd__V1__Set message = MIXD__V1__SET__INIT;
	Mixd__V1__Value value = MIXD__V1__VALUE__INIT;
	Mixd__V1__Op op = MIXD__V1__OP__INIT, *ops[] = {&op};

	value.kind_case = MIXD__V1__VALUE__KIND_TEXT;
	value.text = relative ? (char *)"+=1dB" : (char *)"-1dB";
	message.address = (char *)"a.gain";
	message.value = &value;
	op.op_case = MIXD__V1__OP__OP_SET;
	op.set = &message;
	return mixd_client_transact(client, ops, 1, NULL, NULL, err);
}

TEST(client_c_request_is_answered)
{
	struct peer peer;
	struct mixd_client *client;
	struct mixd_client_error err;
	Mixd__V1__Reply *reply = NULL;

	peer_start(&peer);
	client = peer_connect(&peer, 1000);
	CHECK(strncmp(mixd_client_endpoint(client), "ipc:///tmp/mixd-client-", 23) == 0);
	for (int i = 0; i < 100; i++)
		CHECK(hello(client, &err) == 0, "%s", err.text);
	CHECK(mixd_client_transact(client, NULL, 0, NULL, &reply, &err) == 0);
	CHECK(reply->revision == 7 && peer.last_req_id == 101);
	mixd_client_reply_free(reply);
	/* Still there after many heartbeats of the peer. */
	usleep(200000);
	CHECK(hello(client, &err) == 0, "%s", err.text);
	mixd_client_free(client);
	peer_finish(&peer);
}

TEST(client_c_status_becomes_error)
{
	static const struct {
		int code, r;
		const char *name;
	} rows[] = {{2, -EINVAL, "usage"},	 {3, -ECONNREFUSED, "unavailable"},
		    {4, -ENOENT, "not-found"},	 {5, -EINVAL, "invalid"},
		    {6, -EEXIST, "conflict"},	 {7, -EACCES, "denied"},
		    {8, -EIO, "resource"},	 {9, -ECANCELED, "rolled-back"},
		    {124, -ETIMEDOUT, "timeout"}};
	struct peer peer;
	struct mixd_client *client;
	struct mixd_client_error err;

	peer_start(&peer);
	client = peer_connect(&peer, 1000);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		peer.code = rows[i].code;
		CHECK(set(client, false, &err) == rows[i].r, "code %d", rows[i].code);
		CHECK((int)err.code == rows[i].code && err.op_index == 3);
		CHECK_STR(err.address, "limit.celing");
		CHECK_STR(err.text, "no such param");
		CHECK_STR(err.hint, "did you mean limit.ceiling?");
		CHECK_STR(mixd_client_code_name(err.code), rows[i].name);
	}
	mixd_client_free(client);
	peer_finish(&peer);
}

TEST(client_c_times_out_and_goes_on)
{
	struct peer peer;
	struct mixd_client *client;
	struct mixd_client_error err;

	peer_start(&peer);
	client = peer_connect(&peer, 50);
	peer.mute = 1;
	CHECK(set(client, true, &err) == -ETIMEDOUT && err.code == MIXD_CLIENT_TIMEOUT);
	CHECK(strstr(err.hint, "unknown"), "%s", err.hint);
	CHECK(set(client, true, &err) == 0, "%s", err.text);
	mixd_client_free(client);
	peer_finish(&peer);
}

TEST(client_c_resends_when_the_connection_breaks)
{
	struct peer peer;
	struct mixd_client *client;
	struct mixd_client_error err;

	peer_start(&peer);
	client = peer_connect(&peer, 1000);
	CHECK(hello(client, &err) == 0);
	peer.restart = 1; /* same epoch: the daemon remembers what it did */
	CHECK(set(client, true, &err) == 0, "%s", err.text);
	peer.restart = 1;
	peer.new_epoch = 1; /* an absolute set may be done twice */
	CHECK(set(client, false, &err) == 0, "%s", err.text);
	peer.restart = 1; /* a relative one may not */
	CHECK(set(client, true, &err) == -ECONNRESET, "%s", err.text);
	CHECK(err.code == MIXD_CLIENT_UNAVAILABLE && strstr(err.hint, "unknown"));
	CHECK(set(client, true, &err) == 0, "%s", err.text);
	mixd_client_free(client);
	peer_finish(&peer);
}

TEST(client_c_nobody_there)
{
	struct mixd_client_options options = {.endpoint = "/tmp/mixd-client-nobody"};
	struct mixd_client *client = NULL;
	struct mixd_client_error err;

	CHECK(mixd_client_new(&options, &client, &err) == -ENOENT);
	CHECK(err.code == MIXD_CLIENT_UNAVAILABLE && strstr(err.text, "no mixd at") && !client);
	options.endpoint = "tcp://127.0.0.1:5555";
	CHECK(mixd_client_new(&options, &client, &err) == -EACCES);
	CHECK(err.code == MIXD_CLIENT_DENIED && strstr(err.hint, "TCP comes with keys"));
	options = (struct mixd_client_options){.instance = "../radio"};
	CHECK(mixd_client_new(&options, &client, &err) == -EINVAL);
	CHECK(err.code == MIXD_CLIENT_USAGE);
}

TEST(client_c_instance_is_found_in_order)
{
	char base[] = "/tmp/mixd-client-XXXXXX", path[128];
	struct mixd_client_options options = {.instance = "radio"};
	struct mixd_client_error err;
	struct mixd_client *client;

	CHECK(mkdtemp(base));
	setenv("RUNTIME_DIRECTORY", base, 1);
	setenv("XDG_RUNTIME_DIR", "/nonexistent", 1);
	CHECK(mixd_client_new(&options, &client, &err) == -ENOENT);
	snprintf(path, sizeof(path), "%s/mixd/radio/control", base);
	CHECK(strstr(err.text, path), "%s", err.text);
	setenv("MIXD_ENDPOINT", "ipc:///tmp/elsewhere/control", 1);
	CHECK(mixd_client_new(&options, &client, &err) == -ENOENT);
	CHECK(strstr(err.text, path), "a named instance comes before the environment");
	options.instance = NULL;
	CHECK(mixd_client_new(&options, &client, &err) == -ENOENT);
	CHECK(strstr(err.text, "/tmp/elsewhere/control"), "%s", err.text);
	unsetenv("MIXD_ENDPOINT");
	unsetenv("RUNTIME_DIRECTORY");
	rmdir(base);
}

static struct mixd_client_news next(struct mixd_client *client, enum mixd_client_news_kind kind)
{
	struct mixd_client_error err = {0};
	struct mixd_client_news news = {0};

	for (int i = 0; i < 50; i++) {
		CHECK(mixd_client_next(client, 50, &news, &err) == 0, "%s", err.text);
		if (news.kind == kind)
			return news;
		CHECK(news.kind == MIXD_CLIENT_NEWS_NONE, "kind %d before %d", news.kind, kind);
	}
	CHECK(false, "kind %d never came", kind);
	return news;
}

TEST(client_c_gap_is_filled)
{
	struct peer peer;
	struct mixd_client *client;
	struct mixd_client_error err;
	uint64_t seq;

	peer_start(&peer);
	client = peer_connect(&peer, 1000);
	CHECK(mixd_client_watch(client, &err) == 0, "%s", err.text);
	peer.pub = 1;
	seq = next(client, MIXD_CLIENT_NEWS_EVENT).event->seq;
	peer.pub = 3; /* two are missing */
	for (uint64_t i = 1; i <= 3; i++) {
		struct mixd_client_news news = next(client, MIXD_CLIENT_NEWS_EVENT);

		CHECK(news.event->seq == seq + i, "%d, not %d", (int)news.event->seq,
		      (int)(seq + i));
		CHECK(i == 3 || strcmp(news.event->by, "late") == 0);
	}
	peer.forget = 1;
	peer.pub = 5;
	CHECK(next(client, MIXD_CLIENT_NEWS_LOST).lost == 4);
	CHECK(next(client, MIXD_CLIENT_NEWS_EVENT).event->seq == seq + 8);
	mixd_client_free(client);
	peer_finish(&peer);
}

TEST(client_c_restart_is_told)
{
	struct peer peer;
	struct mixd_client *client;
	struct mixd_client_error err;
	struct mixd_client_news news;

	peer_start(&peer);
	client = peer_connect(&peer, 1000);
	CHECK(mixd_client_watch(client, &err) == 0, "%s", err.text);
	peer.new_epoch = 1;
	peer.restart = 1;
	CHECK(hello(client, &err) == 0, "%s", err.text);
	for (int i = 0; i < 20; i++) { /* until the new subscription has taken effect */
		peer.pub = 1;
		CHECK(mixd_client_next(client, 50, &news, &err) == 0);
		if (news.kind == MIXD_CLIENT_NEWS_RESTARTED)
			break;
		CHECK(news.kind == MIXD_CLIENT_NEWS_NONE ||
		      news.kind == MIXD_CLIENT_NEWS_DISCONNECTED);
	}
	CHECK(news.kind == MIXD_CLIENT_NEWS_RESTARTED);
	CHECK(mixd_client_next(client, 50, &news, &err) == 0);
	CHECK(news.kind == MIXD_CLIENT_NEWS_EVENT);
	mixd_client_free(client);
	peer_finish(&peer);
}

TEST(client_c_lease_is_renewed_and_counts_losses)
{
	static const char *const patterns[] = {"meter"};
	struct mixd_client_lease *lease;
	struct peer peer;
	struct mixd_client *client;
	struct mixd_client_error err;
	struct mixd_client_news news = {0};

	peer_start(&peer);
	client = peer_connect(&peer, 1000);
	CHECK(mixd_client_lease_new(client, patterns, 1, 20, &lease, &err) == 0, "%s", err.text);
	CHECK_STR(mixd_client_lease_columns(lease)->addresses[1], "meter.tp");
	for (int i = 0; i < 50 && news.kind == MIXD_CLIENT_NEWS_NONE; i++) {
		peer.pub = 1;
		CHECK(mixd_client_next(client, 20, &news, &err) == 0);
	}
	CHECK(news.kind == MIXD_CLIENT_NEWS_METERS && news.lost == 0 && news.lease == lease);
	CHECK_NEAR(news.meters->values[0], -23, 0);
	while (mixd_client_next(client, 50, &news, &err) == 0 && news.kind)
		;
	peer.pub = 4;
	CHECK(next(client, MIXD_CLIENT_NEWS_METERS).lost == 3);
	for (int i = 0; i < 10; i++) /* its life is 300 ms */
		mixd_client_next(client, 50, &news, &err);
	CHECK(peer.n_leases >= 4, "%d", peer.n_leases);
	mixd_client_lease_free(client, lease);
	CHECK(peer.n_cancels == 1);
	mixd_client_free(client);
	peer_finish(&peer);
}
