/* test_wire_waits.c - when replies come: wait levels, times, resends, limits. */
#include "wire.h"

static Mixd__V1__Op op_set(Mixd__V1__Set *set, Mixd__V1__Value *value, double db)
{
	Mixd__V1__Op op = MIXD__V1__OP__INIT;

	mixd__v1__set__init(set);
	mixd__v1__value__init(value);
	value->kind_case = MIXD__V1__VALUE__KIND_NUMBER;
	value->number = db;
	set->address = (char *)"a.gain";
	set->value = value;
	op.op_case = MIXD__V1__OP__OP_SET;
	op.set = set;
	return op;
}

/* Ask to set a.gain; REQ_ID 0: the next. */
static Mixd__V1__Reply *set_gain(struct wire *wire, double db, Mixd__V1__Wait wait, uint64_t req_id,
				 uint64_t at_unix_ms, uint32_t timeout_ms)
{
	Mixd__V1__Transaction transaction = MIXD__V1__TRANSACTION__INIT;
	Mixd__V1__Request request = wire_request(TRANSACTION);
	Mixd__V1__Value value;
	Mixd__V1__Set set;
	Mixd__V1__Op op = op_set(&set, &value, db), *ops[1] = {&op};

	transaction.ops = ops;
	transaction.n_ops = 1;
	request.transaction = &transaction;
	request.wait = wait;
	request.req_id = req_id;
	request.at_unix_ms = at_unix_ms;
	request.timeout_ms = timeout_ms;
	return wire_ask(wire, &request);
}

static struct wire *open_gain(bool running)
{
	struct wire *wire = wire_open();

	wire_add(wire, "tone", "generator", 0);
	wire_add(wire, "a", "gain", 0);
	wire_add(wire, "out", "output", 0);
	wire_link(wire, "tone", "a", 0);
	wire_link(wire, "a", "out", 0);
	if (running) {
		wire_run(wire, true);
		wire_process(wire, 48000);
	}
	return wire;
}

TEST(accepted_is_answered_at_once)
{
	struct wire *wire = open_gain(true);
	Mixd__V1__Reply *reply = set_gain(wire, -6, MIXD__V1__WAIT__WAIT_ACCEPTED, 0, 0, 0);

	CHECK(reply && reply->status->code == 0 && reply->applied_at == 0);
	CHECK(!reply->transaction->idle);
	wire_close(wire);
}

TEST(applied_waits_for_the_audio_thread)
{
	struct wire *wire = open_gain(true);
	Mixd__V1__Reply *reply = set_gain(wire, -6, MIXD__V1__WAIT__WAIT_APPLIED, 0, 0, 0);

	CHECK(!reply, "answered before the audio thread ran");
	wire_sleep(wire, 5);
	CHECK(wire->n_late == 0);
	wire_process(wire, 256);
	wire_sleep(wire, 1);
	CHECK(wire->n_late == 1 && wire->late->status->code == 0);
	CHECK(wire->late->applied_at == 48000, "applied at %llu",
	      (unsigned long long)wire->late->applied_at);
	CHECK(wire->late->transaction && wire->late->transaction->n_changes == 1);
	wire_close(wire);
}

TEST(an_idle_graph_is_swapped_at_once)
{
	struct wire *wire = open_gain(false);
	Mixd__V1__Reply *reply = set_gain(wire, -6, MIXD__V1__WAIT__WAIT_APPLIED, 0, 0, 0);

	CHECK(reply && reply->status->code == 0 && reply->transaction->idle);
	wire_close(wire);
}

TEST(settled_waits_for_the_ramps)
{
	struct wire *wire = open_gain(true);

	CHECK(!set_gain(wire, -6, MIXD__V1__WAIT__WAIT_SETTLED, 0, 0, 0));
	wire_process(wire, 256);
	wire_sleep(wire, 5);
	CHECK(wire->n_late == 0, "the ramp takes 20 ms");
	wire_process(wire, 4800);
	wire_sleep(wire, 5);
	CHECK(wire->n_late == 1 && wire->late->applied_at == 48000);
	wire_close(wire);
}

TEST(persisted_syncs_the_journal)
{
	struct wire *wire = open_gain(false);
	Mixd__V1__Reply *reply = set_gain(wire, -6, MIXD__V1__WAIT__WAIT_PERSISTED, 0, 0, 0);

	CHECK(reply && reply->status->code == 0 && wire->persisted == 1);
	wire->persist_fault = -5;
	reply = set_gain(wire, -7, MIXD__V1__WAIT__WAIT_PERSISTED, 0, 0, 0);
	CHECK(reply->status->code == MIXD__V1__CODE__CODE_RESOURCE);
	CHECK(reply->revision == instance_revision(wire->instance), "committed all the same");
	wire_close(wire);
}

TEST(a_timeout_says_that_the_outcome_is_unknown)
{
	struct wire *wire = open_gain(true);

	CHECK(!set_gain(wire, -6, MIXD__V1__WAIT__WAIT_APPLIED, 77, 0, 50));
	wire_sleep(wire, 49);
	CHECK(wire->n_late == 0);
	wire_sleep(wire, 2);
	CHECK(wire->n_late == 1 && wire->late->status->code == MIXD__V1__CODE__CODE_TIMEOUT);
	CHECK(strstr(wire->late->status->text, "unknown"), "%s", wire->late->status->text);
	CHECK(wire->late->revision == instance_revision(wire->instance));
	/* The same request again goes on waiting, and does nothing twice. */
	CHECK(!set_gain(wire, -6, MIXD__V1__WAIT__WAIT_APPLIED, 77, 0, 50));
	wire_process(wire, 256);
	wire_sleep(wire, 1);
	CHECK(wire->n_late == 2 && wire->late->status->code == 0 && wire->late->applied_at);
	wire_close(wire);
}

TEST(a_resend_is_answered_not_repeated)
{
	struct wire *wire = open_gain(false);
	uint64_t revision;
	Mixd__V1__Reply *first = set_gain(wire, -6, MIXD__V1__WAIT__WAIT_APPLIED, 500, 0, 0),
			*again;

	revision = first->revision;
	wire_set(wire, "a.gain", "0dB", 0);
	again = set_gain(wire, -6, MIXD__V1__WAIT__WAIT_APPLIED, 500, 0, 0);
	CHECK(again && again->status->code == 0 && again->revision == revision);
	CHECK_STR(wire_get(wire, "a.gain"), "0dB");
	again = set_gain(wire, -7, MIXD__V1__WAIT__WAIT_APPLIED, 500, 0, 0);
	CHECK(again->status->code == MIXD__V1__CODE__CODE_USAGE, "another request, the same id");
	wire->now_ns += 61000000000ull; /* forgotten after 60 s */
	again = set_gain(wire, -6, MIXD__V1__WAIT__WAIT_APPLIED, 500, 0, 0);
	CHECK(again->revision > revision);
	CHECK_STR(wire_get(wire, "a.gain"), "-6dB");
	wire_close(wire);
}

TEST(a_resend_while_waiting_gets_one_answer)
{
	struct wire *wire = open_gain(true);
	uint64_t revision = instance_revision(wire->instance);

	CHECK(!set_gain(wire, -6, MIXD__V1__WAIT__WAIT_APPLIED, 500, 0, 0));
	CHECK(!set_gain(wire, -6, MIXD__V1__WAIT__WAIT_APPLIED, 500, 0, 0));
	wire_process(wire, 256);
	wire_sleep(wire, 2);
	CHECK(wire->n_late == 1 && instance_revision(wire->instance) == revision + 1);
	wire_close(wire);
}

TEST(at_runs_at_its_time)
{
	struct wire *wire = open_gain(false);
	uint64_t at = wire->unix_ms + 1500;

	CHECK(!set_gain(wire, -6, MIXD__V1__WAIT__WAIT_APPLIED, 0, at, 0));
	wire_sleep(wire, 1499);
	CHECK_STR(wire_get(wire, "a.gain"), "0dB");
	CHECK(wire->n_late == 0);
	wire_sleep(wire, 2);
	CHECK_STR(wire_get(wire, "a.gain"), "-6dB");
	CHECK(wire->n_late == 1 && wire->late->status->code == 0);
	CHECK(set_gain(wire, -7, MIXD__V1__WAIT__WAIT_APPLIED, 0, wire->unix_ms - 5, 0),
	      "what is past runs now");
	CHECK(set_gain(wire, -8, MIXD__V1__WAIT__WAIT_APPLIED, 0, wire->unix_ms + 90000000, 0)
		      ->status->code == MIXD__V1__CODE__CODE_INVALID);
	wire_close(wire);
}

TEST(at_follows_a_clock_that_is_set)
{
	struct wire *wire = open_gain(false);

	CHECK(!set_gain(wire, -6, MIXD__V1__WAIT__WAIT_APPLIED, 0, wire->unix_ms + 60000, 0));
	wire->unix_ms += 60000;
	wire_sleep(wire, 1);
	CHECK(wire->n_late == 1);
	wire_close(wire);
}

TEST(a_barrier_waits_for_what_came_before)
{
	struct wire *wire = open_gain(true);
	Mixd__V1__Barrier barrier = MIXD__V1__BARRIER__INIT;
	Mixd__V1__Request request = wire_request(BARRIER);
	Mixd__V1__Event *event;

	set_gain(wire, -6, MIXD__V1__WAIT__WAIT_ACCEPTED, 0, 0, 0);
	barrier.token = (char *)"b1";
	request.barrier = &barrier;
	CHECK(!wire_ask(wire, &request));
	event = wire_event(wire);
	CHECK(event->n_changes == 1 &&
	      event->changes[0]->change_case == MIXD__V1__CHANGE__CHANGE_BARRIER);
	mixd__v1__event__free_unpacked(event, NULL);
	wire_process(wire, 256);
	wire_sleep(wire, 1);
	CHECK(wire->n_late == 1);
	CHECK_STR(wire->late->barrier->token, "b1");
	wire_close(wire);
}

TEST(one_session_cannot_flood)
{
	struct wire *wire = open_gain(false);
	Mixd__V1__GetStatus get = MIXD__V1__GET_STATUS__INIT;
	Mixd__V1__Request request = wire_request(GET_STATUS);
	Mixd__V1__Reply *reply = NULL;
	uint32_t n = 0;

	request.get_status = &get;
	for (; n < 4096 - 20; n++) {
		request.req_id = 0;
		reply = wire_ask(wire, &request);
		if (reply->status->code)
			break;
	}
	CHECK(reply->status->code == MIXD__V1__CODE__CODE_RESOURCE, "%u in a row", n);
	CHECK(strstr(reply->status->hint, "retry"), "%s", reply->status->hint);
	wire->session[0] ^= 1; /* another session is served */
	request.req_id = 0;
	CHECK(wire_ask(wire, &request)->status->code == 0);
	wire->session[0] ^= 1;
	wire_sleep(wire, 10);
	request.req_id = 0;
	CHECK(wire_ask(wire, &request)->status->code == 0);
	wire_close(wire);
}

TEST(few_of_a_session_may_wait)
{
	struct wire *wire = open_gain(true);
	Mixd__V1__Reply *reply = NULL;

	for (uint32_t i = 0; i < CONTROL_IN_FLIGHT_MAX; i++)
		CHECK(!set_gain(wire, -1.0 - i * 0.1, MIXD__V1__WAIT__WAIT_APPLIED, 0, 0, 0));
	reply = set_gain(wire, -20, MIXD__V1__WAIT__WAIT_APPLIED, 0, 0, 0);
	CHECK(reply && reply->status->code == MIXD__V1__CODE__CODE_RESOURCE);
	CHECK(reply->revision == instance_revision(wire->instance), "and says it is committed");
	reply = set_gain(wire, -20, MIXD__V1__WAIT__WAIT_APPLIED, 0, wire->unix_ms + 100, 0);
	CHECK(reply && reply->status->code == MIXD__V1__CODE__CODE_RESOURCE);
	wire_process(wire, 256);
	wire_sleep(wire, 1);
	CHECK(wire->n_late == CONTROL_IN_FLIGHT_MAX, "%u answers", wire->n_late);
	wire_close(wire);
}

TEST(many_sessions_come_and_go)
{
	struct wire *wire = open_gain(false);

	for (uint32_t i = 0; i < 3000; i++) {
		Mixd__V1__Reply *reply;

		memcpy(wire->session, &i, sizeof(i));
		reply = set_gain(wire, -(double)(i % 100) / 10, MIXD__V1__WAIT__WAIT_APPLIED, 1, 0,
				 0);
		CHECK(reply && reply->status->code == 0, "session %u", i);
		wire->now_ns += 1000;
	}
	wire_close(wire);
}
