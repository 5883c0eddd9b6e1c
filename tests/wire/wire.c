/* wire.c - see wire.h. */
#include "wire.h"

#include <errno.h>

static uint64_t wire_now_ns(void *data)
{
	return ((struct wire *)data)->now_ns;
}

static uint64_t wire_unix_ms(void *data)
{
	return ((struct wire *)data)->unix_ms;
}

static int wire_journal(void *data, const struct instance_commit *commit,
			const struct graph_model *model, struct mixd_error *err)
{
	struct wire *wire = data;

	(void)commit;
	(void)model;
	if (wire->journal_fault) {
		error_set(err, ERROR_RESOURCE, "journal", "%s", strerror(-wire->journal_fault));
		return wire->journal_fault;
	}
	wire->journalled++;
	return 0;
}

static int wire_persist(void *data, struct mixd_error *err)
{
	struct wire *wire = data;

	if (wire->persist_fault) {
		error_set(err, ERROR_RESOURCE, "journal", "%s", strerror(-wire->persist_fault));
		return wire->persist_fault;
	}
	wire->persisted++;
	return 0;
}

static Mixd__V1__Reply *wire_keep(struct wire *wire, const uint8_t *body, size_t size)
{
	Mixd__V1__Reply *reply;

	CHECK(size >= 1 && body[0] == CONTROL_PROTOCOL, "a reply of %zu bytes", size);
	reply = mixd__v1__reply__unpack(NULL, size - 1, body + 1);
	CHECK(reply && reply->status, "the reply cannot be decoded");
	CHECK(wire->n_replies < WIRE_KEPT_MAX);
	wire->replies[wire->n_replies++] = reply;
	return reply;
}

static void wire_reply(void *data, const struct control_peer *peer, const uint8_t *body,
		       size_t size)
{
	struct wire *wire = data;

	(void)peer;
	wire->late = wire_keep(wire, body, size);
	wire->n_late++;
}

static void wire_publish(void *data, const char *topic, const uint8_t *body, size_t size)
{
	struct wire *wire = data;
	struct wire_publication *kept = &wire->published[wire->n_published % WIRE_KEPT_MAX];

	free(kept->body);
	snprintf(kept->topic, sizeof(kept->topic), "%s", topic);
	kept->size = size - 1;
	kept->body = malloc(size);
	memcpy(kept->body, body + 1, size - 1);
	wire->n_published++;
}

static void wire_refused(void *data, const char *path, const char *reason)
{
	static bool said;

	(void)data;
	if (said)
		return;
	said = true;
	test_note("%s is refused: %s", path, reason);
}

struct wire *wire_open(void)
{
	struct engine_setup setup = {.rate = 48000, .offline = true, .seed = 1};
	struct wire *wire = calloc(1, sizeof(*wire));
	struct instance_hooks hooks = {wire, wire_journal, wire_persist};
	struct control_clock clock = {wire, wire_now_ns, wire_unix_ms};
	struct control_sink sink = {wire, wire_reply, wire_publish};
	struct instance_clock offline = {.state = "offline", .text = "test", .rate = 48000};
	struct mixd_error error = {0};

	setenv("MIXD_NODE_PATH", MIXD_TEST_NODES, 0);
	wire->now_ns = 1000000000;
	wire->unix_ms = 1700000000000;
	memset(wire->session, 7, sizeof(wire->session));
	wire->types = graph_types_new();
	CHECK(engine_modules_load(wire->types, wire_refused, NULL, &wire->modules, &error) == 0,
	      "%s", error.text);
	CHECK(graph_types_count(wire->types) >= 5, "only %u node types in %s",
	      graph_types_count(wire->types), MIXD_TEST_NODES);
	CHECK(engine_new(&setup, &wire->engine, &error) == 0, "%s", error.text);
	CHECK(instance_new("test", wire->types, wire->engine, &hooks, &wire->instance, &error) == 0,
	      "%s", error.text);
	instance_set_clock(wire->instance, &offline);
	CHECK(control_handler_new(wire->instance, &wire->handler) == 0);
	control_handler_set_clock(wire->handler, &clock);
	control_handler_set_sink(wire->handler, &sink);
	return wire;
}

struct wire *wire_close(struct wire *wire)
{
	for (uint32_t i = 0; i < wire->n_replies; i++)
		mixd__v1__reply__free_unpacked(wire->replies[i], NULL);
	for (uint32_t i = 0; i < WIRE_KEPT_MAX; i++)
		free(wire->published[i].body);
	control_handler_free(wire->handler);
	instance_free(wire->instance);
	engine_free(wire->engine);
	graph_types_free(wire->types);
	engine_modules_free(wire->modules);
	free(wire);
	return NULL;
}

Mixd__V1__Reply *wire_send(struct wire *wire, const uint8_t *body, size_t size)
{
	uint8_t *reply = NULL;
	size_t reply_size = 0;
	Mixd__V1__Reply *kept = NULL;

	CHECK(control_handle(wire->handler, body, size, &reply, &reply_size) == 0);
	if (reply_size)
		kept = wire_keep(wire, reply, reply_size);
	free(reply);
	return kept;
}

Mixd__V1__Reply *wire_ask(struct wire *wire, Mixd__V1__Request *request)
{
	Mixd__V1__Reply *reply;
	uint8_t *body;
	size_t size = 0;

	request->session.data = wire->session;
	request->session.len = sizeof(wire->session);
	if (!request->req_id)
		request->req_id = ++wire->next_req_id;
	body = control_pack(&request->base, &size);
	reply = wire_send(wire, body, size);
	free(body);
	CHECK(!reply || reply->req_id == request->req_id, "an answer to another request");
	return reply;
}

Mixd__V1__Reply *wire_op(struct wire *wire, Mixd__V1__Op *op, int code)
{
	Mixd__V1__Transaction transaction = MIXD__V1__TRANSACTION__INIT;
	Mixd__V1__Request request = wire_request(TRANSACTION);
	Mixd__V1__Reply *reply;

	transaction.ops = &op;
	transaction.n_ops = 1;
	request.transaction = &transaction;
	request.wait = MIXD__V1__WAIT__WAIT_ACCEPTED;
	reply = wire_ask(wire, &request);
	CHECK(reply, "no answer");
	CHECK((int)reply->status->code == code, "code %d, want %d: %s: %s", reply->status->code,
	      code, reply->status->address, reply->status->text);
	return reply;
}

Mixd__V1__Reply *wire_add(struct wire *wire, const char *name, const char *type, int code)
{
	Mixd__V1__AddNode add = MIXD__V1__ADD_NODE__INIT;
	Mixd__V1__Op op = MIXD__V1__OP__INIT;

	add.name = (char *)(uintptr_t)name;
	add.type = (char *)(uintptr_t)type;
	op.op_case = MIXD__V1__OP__OP_ADD;
	op.add = &add;
	return wire_op(wire, &op, code);
}

Mixd__V1__Reply *wire_set(struct wire *wire, const char *address, const char *text, int code)
{
	Mixd__V1__Set set = MIXD__V1__SET__INIT;
	Mixd__V1__Value value = MIXD__V1__VALUE__INIT;
	Mixd__V1__Op op = MIXD__V1__OP__INIT;

	value.kind_case = MIXD__V1__VALUE__KIND_TEXT;
	value.text = (char *)(uintptr_t)text;
	set.address = (char *)(uintptr_t)address;
	set.value = &value;
	op.op_case = MIXD__V1__OP__OP_SET;
	op.set = &set;
	return wire_op(wire, &op, code);
}

Mixd__V1__Reply *wire_link(struct wire *wire, const char *from, const char *to, int code)
{
	Mixd__V1__AddLink link = MIXD__V1__ADD_LINK__INIT;
	Mixd__V1__Op op = MIXD__V1__OP__INIT;

	link.from = (char *)(uintptr_t)from;
	link.to = (char *)(uintptr_t)to;
	op.op_case = MIXD__V1__OP__OP_LINK;
	op.link = &link;
	return wire_op(wire, &op, code);
}

const char *wire_get(struct wire *wire, const char *address)
{
	Mixd__V1__Get get = MIXD__V1__GET__INIT;
	Mixd__V1__Request request = wire_request(GET);
	char *patterns[1] = {(char *)(uintptr_t)address};
	Mixd__V1__Reply *reply;

	get.patterns = patterns;
	get.n_patterns = 1;
	request.get = &get;
	reply = wire_ask(wire, &request);
	CHECK(reply && reply->op_case == MIXD__V1__REPLY__OP_GET && reply->get->n_readings == 1,
	      "%s: %s", address, reply ? reply->status->text : "no answer");
	return reply->get->readings[0]->text;
}

void wire_sleep(struct wire *wire, uint64_t ms)
{
	for (; ms; ms--) {
		wire->now_ns += 1000000;
		wire->unix_ms++;
		control_handler_turn(wire->handler);
	}
}

void wire_run(struct wire *wire, bool running)
{
	struct instance_clock clock = {.rate = 48000, .quantum = 256};

	snprintf(clock.state, sizeof(clock.state), "%s", running ? "running" : "offline");
	engine_set_running(wire->engine, running);
	instance_set_clock(wire->instance, &clock);
}

void wire_process(struct wire *wire, uint32_t n_frames)
{
	for (uint32_t done = 0; done < n_frames; done += 256) {
		struct engine_cycle cycle = {.n_frames =
						     n_frames - done < 256 ? n_frames - done : 256};

		engine_process(wire->engine, &cycle);
		instance_maintain(wire->instance);
	}
}

Mixd__V1__Event *wire_event(struct wire *wire)
{
	for (uint32_t i = wire->n_published; i > 0 && wire->n_published - i < WIRE_KEPT_MAX; i--) {
		struct wire_publication *kept = &wire->published[(i - 1) % WIRE_KEPT_MAX];

		if (strcmp(kept->topic, "e") == 0)
			return mixd__v1__event__unpack(NULL, kept->size, kept->body);
	}
	return NULL;
}
