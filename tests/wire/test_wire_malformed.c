/* test_wire_malformed.c - what is not a request: answered, counted, harmless. */
#include "wire.h"

static struct wire *open_counted(void)
{
	struct wire *wire = wire_open();

	wire_add(wire, "a", "gain", 0);
	return wire;
}

/* SIZE bytes behind the protocol byte. */
static Mixd__V1__Reply *send_raw(struct wire *wire, const void *data, size_t size)
{
	uint8_t *body = malloc(size + 1);
	Mixd__V1__Reply *reply;

	body[0] = CONTROL_PROTOCOL;
	if (size)
		memcpy(body + 1, data, size);
	reply = wire_send(wire, body, size + 1);
	free(body);
	return reply;
}

TEST(no_bytes_and_another_protocol)
{
	struct wire *wire = open_counted();
	uint8_t two = 2;
	Mixd__V1__Reply *reply = wire_send(wire, &two, 1);

	CHECK(reply->status->code == MIXD__V1__CODE__CODE_USAGE);
	CHECK(strstr(reply->status->text, "protocol 2"), "%s", reply->status->text);
	reply = wire_send(wire, NULL, 0);
	CHECK(reply->status->code == MIXD__V1__CODE__CODE_USAGE);
	CHECK(wire->handler->malformed == 2);
	wire_close(wire);
}

TEST(bad_bytes_truncation_depth_fields)
{
	struct wire *wire = open_counted();
	uint8_t *many = calloc(1, 60000);
	static const uint8_t cut[] = {0x0a, 0x10, 1, 2, 3};

	CHECK(send_raw(wire, "\xff\xff\xff\xff", 4)->status->code == MIXD__V1__CODE__CODE_USAGE);
	CHECK(send_raw(wire, cut, sizeof(cut))->status->code == MIXD__V1__CODE__CODE_USAGE);
	for (size_t i = 0; i < 60000; i += 2) {
		many[i] = 0x30;
		many[i + 1] = 1;
	}
	CHECK(strstr(send_raw(wire, many, 60000)->status->text, "too many fields"));
	CHECK(wire->handler->malformed == 3);
	CHECK(instance_revision(wire->instance) == 2);
	free(many);
	wire_close(wire);
}

TEST(oversize_is_answered)
{
	struct wire *wire = open_counted();
	uint8_t *big = calloc(1, CONTROL_MESSAGE_MAX + 1);
	Mixd__V1__Reply *reply = send_raw(wire, big, CONTROL_MESSAGE_MAX + 1);

	CHECK(reply->status->code == MIXD__V1__CODE__CODE_USAGE);
	CHECK(strstr(reply->status->text, "limit"), "%s", reply->status->text);
	free(big);
	wire_close(wire);
}

TEST(memory_is_capped)
{
	struct wire *wire = open_counted();
	/* 16,000 empty operations: 3 bytes each on the wire, much more in memory. */
	size_t n = 16000, size = 0;
	uint8_t *bytes = malloc(8 * n);
	Mixd__V1__Reply *reply;

	bytes[size++] = 0x8a; /* transaction */
	bytes[size++] = 0x01;
	bytes[size++] = (uint8_t)((2 * n) | 0x80);
	bytes[size++] = (uint8_t)((2 * n) >> 7 | 0x80);
	bytes[size++] = (uint8_t)((2 * n) >> 14);
	for (size_t i = 0; i < n; i++) {
		bytes[size++] = 0x0a;
		bytes[size++] = 0x00;
	}
	reply = send_raw(wire, bytes, size);
	CHECK(reply->status->code == MIXD__V1__CODE__CODE_USAGE, "no session: %d %s",
	      reply->status->code, reply->status->text);
	free(bytes);
	wire_close(wire);
}

TEST(a_session_and_known_values_are_required)
{
	struct wire *wire = open_counted();
	Mixd__V1__Request request = wire_request(HELLO);
	Mixd__V1__Hello hello = MIXD__V1__HELLO__INIT;
	Mixd__V1__Reply *reply;
	uint8_t long_session[33] = {0};
	uint8_t *body;
	size_t size;

	request.hello = &hello;
	request.session.data = long_session;
	for (size_t n = 0; n <= 33; n += 33) {
		request.session.len = n;
		body = control_pack(&request.base, &size);
		reply = wire_send(wire, body, size);
		CHECK(reply->status->code == MIXD__V1__CODE__CODE_USAGE);
		CHECK_STR(reply->status->address, "session");
		free(body);
	}
	request.wait = (Mixd__V1__Wait)9;
	reply = wire_ask(wire, &request);
	CHECK(reply->status->code == MIXD__V1__CODE__CODE_INVALID);
	CHECK_STR(reply->status->address, "wait");
	request.wait = 0;
	request.req_id = 0;
	request.op_case = MIXD__V1__REQUEST__OP__NOT_SET;
	CHECK(wire_ask(wire, &request)->status->code == MIXD__V1__CODE__CODE_USAGE);
	wire_close(wire);
}

TEST(an_operation_that_says_nothing_is_refused)
{
	struct wire *wire = open_counted();
	Mixd__V1__Op op = MIXD__V1__OP__INIT;
	Mixd__V1__Set set = MIXD__V1__SET__INIT;
	Mixd__V1__Reply *reply;
	Mixd__V1__Transaction transaction = MIXD__V1__TRANSACTION__INIT;
	Mixd__V1__Request request = wire_request(TRANSACTION);
	Mixd__V1__Op *ops[1] = {&op};

	transaction.ops = ops;
	transaction.n_ops = 1;
	request.transaction = &transaction;
	reply = wire_ask(wire, &request);
	CHECK(reply->status->code != 0, "an op without kind");
	op.op_case = MIXD__V1__OP__OP_SET;
	op.set = &set;
	set.address = (char *)"a.gain"; /* no value */
	request.req_id = 0;
	reply = wire_ask(wire, &request);
	CHECK(reply->status->code != 0, "a set without value");
	CHECK(instance_revision(wire->instance) == 2);
	wire_close(wire);
}

TEST(every_truncation_of_a_request_is_harmless)
{
	struct wire *wire = open_counted();
	Mixd__V1__Request request = wire_request(TRANSACTION);
	Mixd__V1__Transaction transaction = MIXD__V1__TRANSACTION__INIT;
	Mixd__V1__AddNode add = MIXD__V1__ADD_NODE__INIT;
	Mixd__V1__Op op = MIXD__V1__OP__INIT, *ops[1] = {&op};
	size_t size;
	uint8_t *body;

	add.name = (char *)"b";
	add.type = (char *)"gain";
	op.op_case = MIXD__V1__OP__OP_ADD;
	op.add = &add;
	transaction.ops = ops;
	transaction.n_ops = 1;
	request.transaction = &transaction;
	request.session.data = wire->session;
	request.session.len = 16;
	request.req_id = 99;
	body = control_pack(&request.base, &size);
	for (size_t cut = 0; cut < size; cut++)
		CHECK(wire_send(wire, body, cut)->status->code != 0, "cut at %zu of %zu", cut,
		      size);
	for (size_t bit = 8; bit < size * 8; bit++) {
		body[bit / 8] ^= (uint8_t)(1u << bit % 8);
		wire_send(wire, body, size);
		body[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	free(body);
	wire_close(wire);
}
