/* test_wire_streams.c - events and meters. */
#include "wire.h"

#define ASK(KIND, field, message)                                                                  \
	({                                                                                         \
		Mixd__V1__Request request_ = wire_request(KIND);                                   \
		request_.field = (message);                                                        \
		wire_ask(wire, &request_);                                                         \
	})

static uint32_t count_topic(const struct wire *wire, const char *topic)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < wire->n_published && i < WIRE_KEPT_MAX; i++)
		n += strcmp(wire->published[i].topic, topic) == 0;
	return n;
}

TEST(events_are_contiguous_and_name_their_cause)
{
	struct wire *wire = wire_open();
	uint64_t last = 0;

	for (uint32_t i = 0; i < 20; i++) {
		char name[16];
		Mixd__V1__Event *event;

		snprintf(name, sizeof(name), "n%u", i);
		wire_add(wire, name, "gain", 0);
		event = wire_event(wire);
		CHECK(event && (!last || event->seq == last + 1));
		CHECK(event->revision == instance_revision(wire->instance));
		CHECK(event->by_req == wire->next_req_id && event->by_session.len == 16);
		CHECK_STR(event->by, "test");
		CHECK(event->n_changes == 1 &&
		      event->changes[0]->change_case == MIXD__V1__CHANGE__CHANGE_NODE_ADDED);
		last = event->seq;
		mixd__v1__event__free_unpacked(event, NULL);
	}
	wire_close(wire);
}

TEST(a_heartbeat_repeats_the_seq)
{
	struct wire *wire = wire_open();
	Mixd__V1__Event *event, *beat;
	uint32_t n;

	wire_add(wire, "a", "gain", 0);
	event = wire_event(wire);
	n = count_topic(wire, "e");
	wire_sleep(wire, 3050);
	CHECK(count_topic(wire, "e") == n + 3, "%u beats", count_topic(wire, "e") - n);
	beat = wire_event(wire);
	CHECK(beat->seq == event->seq && beat->n_changes == 0);
	CHECK(beat->revision == event->revision && beat->epoch.len == 16);
	mixd__v1__event__free_unpacked(event, NULL);
	mixd__v1__event__free_unpacked(beat, NULL);
	wire_close(wire);
}

TEST(what_was_missed_can_be_asked_for)
{
	struct wire *wire = wire_open();
	Mixd__V1__EventsFrom from = MIXD__V1__EVENTS_FROM__INIT;
	Mixd__V1__Snapshot snapshot = MIXD__V1__SNAPSHOT__INIT;
	Mixd__V1__Reply *reply;
	uint64_t seq;

	wire_add(wire, "a", "gain", 0);
	seq = ASK(SNAPSHOT, snapshot, &snapshot)->snapshot->seq;
	for (int i = 0; i < 10; i++)
		wire_set(wire, "a.gain", i % 2 ? "0dB" : "-6dB", 0);
	from.from_seq = seq + 1;
	reply = ASK(EVENTS_FROM, events_from, &from);
	CHECK(reply->events_from->n_events == 10);
	for (uint32_t i = 0; i < 10; i++)
		CHECK(reply->events_from->events[i]->seq == seq + 1 + i);
	from.from_seq = seq + 11;
	CHECK(ASK(EVENTS_FROM, events_from, &from)->events_from->n_events == 0, "up to date");
	from.from_seq = seq + 12;
	CHECK(ASK(EVENTS_FROM, events_from, &from)->status->code == MIXD__V1__CODE__CODE_INVALID);
	from.from_seq = 0;
	CHECK(ASK(EVENTS_FROM, events_from, &from)->status->code == MIXD__V1__CODE__CODE_NOT_FOUND);
	wire_close(wire);
}

TEST(the_ring_of_events_is_bounded)
{
	struct wire *wire = wire_open();
	Mixd__V1__Change change = MIXD__V1__CHANGE__INIT;
	Mixd__V1__EventsFrom from = MIXD__V1__EVENTS_FROM__INIT;
	uint64_t seq;

	change.change_case = MIXD__V1__CHANGE__CHANGE_BARRIER;
	change.barrier = (char *)"x";
	for (uint32_t i = 0; i < CONTROL_EVENTS_MAX + 100; i++)
		instance_happened(wire->instance, &change);
	seq = control_events_seq(wire->handler->events);
	CHECK(control_events_oldest(wire->handler->events) == seq + 1 - CONTROL_EVENTS_MAX);
	from.from_seq = seq - CONTROL_EVENTS_MAX;
	CHECK(ASK(EVENTS_FROM, events_from, &from)->status->code == MIXD__V1__CODE__CODE_NOT_FOUND);
	from.from_seq = seq + 1 - CONTROL_EVENTS_MAX;
	CHECK(ASK(EVENTS_FROM, events_from, &from)->events_from->n_events == CONTROL_EVENTS_MAX);
	wire_close(wire);
}

/* A client's copy, kept by events only, equals the daemon's graph. */
TEST(alarms_and_clock_changes_are_events)
{
	struct wire *wire = wire_open();
	Mixd__V1__GetStatus get = MIXD__V1__GET_STATUS__INIT;
	Mixd__V1__Event *event;

	instance_alarm(wire->instance, "device", "out", true, "the sink is gone");
	event = wire_event(wire);
	CHECK(event->n_changes == 1 &&
	      event->changes[0]->change_case == MIXD__V1__CHANGE__CHANGE_ALARM);
	CHECK_STR(event->changes[0]->alarm->id, "device");
	mixd__v1__event__free_unpacked(event, NULL);
	CHECK(ASK(GET_STATUS, get_status, &get)->get_status->n_alarms == 1);
	instance_alarm(wire->instance, "device", "out", false, "it is back");
	CHECK(ASK(GET_STATUS, get_status, &get)->get_status->n_alarms == 0);
	wire_run(wire, true);
	event = wire_event(wire);
	CHECK(event->changes[0]->change_case == MIXD__V1__CHANGE__CHANGE_CLOCK);
	mixd__v1__event__free_unpacked(event, NULL);
	wire_close(wire);
}

/* ---- meters ---- */

static Mixd__V1__MeterLeaseReply *lease(struct wire *wire, const char *pattern, double rate_hz,
					bool cancel)
{
	Mixd__V1__MeterLease wish = MIXD__V1__METER_LEASE__INIT;
	char *patterns[1] = {(char *)(uintptr_t)pattern};
	Mixd__V1__Reply *reply;

	wish.patterns = patterns;
	wish.n_patterns = 1;
	wish.rate_hz = rate_hz;
	wish.cancel = cancel;
	reply = ASK(METER_LEASE, meter_lease, &wish);
	CHECK(reply->status->code == 0, "%s: %s", reply->status->address, reply->status->text);
	return reply->meter_lease;
}

static struct wire *open_tone(void)
{
	struct wire *wire = wire_open();

	wire_add(wire, "tone", "generator", 0);
	wire_add(wire, "a", "gain", 0);
	wire_add(wire, "out", "output", 0);
	wire_link(wire, "tone", "a", 0);
	wire_link(wire, "a", "out", 0);
	wire_run(wire, true);
	return wire;
}

static Mixd__V1__Meters *newest_meters(struct wire *wire, const char *topic)
{
	for (uint32_t i = wire->n_published; i > 0; i--) {
		struct wire_publication *kept = &wire->published[(i - 1) % WIRE_KEPT_MAX];

		if (strcmp(kept->topic, topic) == 0)
			return mixd__v1__meters__unpack(NULL, kept->size, kept->body);
	}
	return NULL;
}

TEST(a_lease_is_served_at_its_rate_and_ends)
{
	struct wire *wire = open_tone();
	Mixd__V1__MeterLeaseReply *reply = lease(wire, "a.peak*", 20, false);
	Mixd__V1__Meters *meters;
	uint32_t n;

	CHECK(reply->n_addresses >= 1 && reply->n_units == reply->n_addresses);
	CHECK(strncmp(reply->addresses[0], "a.peak", 6) == 0, "%s", reply->addresses[0]);
	CHECK_NEAR(reply->rate_hz, 20, 0);
	CHECK(reply->ttl_ms == 10000);
	for (int i = 0; i < 100; i++) {
		wire_process(wire, 480);
		wire_sleep(wire, 10);
	}
	n = count_topic(wire, reply->topic);
	CHECK(n >= 18 && n <= 20, "%u frames in a second", n);
	meters = newest_meters(wire, reply->topic);
	CHECK(meters && meters->seq == n && meters->n_values == reply->n_addresses);
	CHECK(isfinite((double)meters->values[0]) && meters->values[0] > -60, "peak %g",
	      (double)meters->values[0]);
	CHECK(meters->position > 40000);
	mixd__v1__meters__free_unpacked(meters, NULL);
	wire_sleep(wire, 9500);
	n = count_topic(wire, reply->topic);
	wire_sleep(wire, 1000);
	CHECK(count_topic(wire, reply->topic) == n, "a lease that lapsed goes on");
	wire_close(wire);
}

TEST(equal_leases_share_a_topic_and_renewal_keeps_it)
{
	struct wire *wire = open_tone();
	char *topic = strdup(lease(wire, "a.*", 10, false)->topic);
	uint32_t n;

	wire->session[0] ^= 1;
	CHECK_STR(lease(wire, "a.*", 10, false)->topic, topic);
	CHECK(strcmp(lease(wire, "a.*", 20, false)->topic, topic) != 0, "another rate");
	wire_sleep(wire, 8000);
	CHECK_STR(lease(wire, "a.*", 10, false)->topic, topic);
	wire_sleep(wire, 4000);
	n = count_topic(wire, topic);
	wire_sleep(wire, 1000);
	CHECK(count_topic(wire, topic) >= n + 9, "the renewed lease ended");
	lease(wire, "a.*", 10, true);
	n = count_topic(wire, topic);
	wire_sleep(wire, 1000);
	CHECK(count_topic(wire, topic) == n, "the cancelled lease goes on");
	free(topic);
	wire_close(wire);
}

TEST(a_changed_graph_changes_the_topic_at_renewal)
{
	struct wire *wire = open_tone();
	char *topic = strdup(lease(wire, "*.peak", 10, false)->topic);
	Mixd__V1__RemoveNode remove = MIXD__V1__REMOVE_NODE__INIT;
	Mixd__V1__Op op = MIXD__V1__OP__INIT;
	Mixd__V1__Meters *meters;

	op.op_case = MIXD__V1__OP__OP_REMOVE;
	op.remove = &remove;
	remove.name = (char *)"a";
	wire_op(wire, &op, 0);
	wire_process(wire, 48000);
	wire_sleep(wire, 300);
	meters = newest_meters(wire, topic);
	CHECK(meters && isnan((double)meters->values[0]), "a node that is gone reads NaN");
	mixd__v1__meters__free_unpacked(meters, NULL);
	CHECK(strcmp(lease(wire, "*.peak", 10, false)->topic, topic) != 0);
	free(topic);
	wire_close(wire);
}

TEST(many_rates_share_the_readers)
{
	struct wire *wire = open_tone();

	for (int i = 1; i <= 20; i++) {
		double granted = lease(wire, "a.peak", i * 5, false)->rate_hz;

		CHECK(i > 7 ? granted >= 5 && granted <= 35 : granted == i * 5, "%d: %g", i * 5,
		      granted);
	}
	CHECK_NEAR(lease(wire, "a.load", 12, false)->rate_hz, 15, 0);
	wire_close(wire);
}

TEST(leases_are_limited)
{
	struct wire *wire = open_tone();
	Mixd__V1__MeterLease wish = MIXD__V1__METER_LEASE__INIT;
	char *patterns[1] = {(char *)"a.*"};
	Mixd__V1__Reply *reply;

	for (uint32_t i = 0; i < CONTROL_LEASES_MAX; i++) {
		wire->session[0] = (uint8_t)i;
		lease(wire, "a.*", 10, false);
	}
	wire->session[1] ^= 1;
	wish.patterns = patterns;
	wish.n_patterns = 1;
	reply = ASK(METER_LEASE, meter_lease, &wish);
	CHECK(reply->status->code == MIXD__V1__CODE__CODE_RESOURCE);
	wire_sleep(wire, 10001);
	reply = ASK(METER_LEASE, meter_lease, &wish);
	CHECK(reply->status->code == 0);
	wish.rate_hz = 1000;
	CHECK(ASK(METER_LEASE, meter_lease, &wish)->status->code == MIXD__V1__CODE__CODE_INVALID);
	wish.rate_hz = NAN;
	CHECK(ASK(METER_LEASE, meter_lease, &wish)->status->code == MIXD__V1__CODE__CODE_INVALID);
	wish.rate_hz = 0;
	patterns[0] = (char *)"nobody.*";
	CHECK(ASK(METER_LEASE, meter_lease, &wish)->status->code == MIXD__V1__CODE__CODE_NOT_FOUND);
	wish.n_patterns = 0;
	CHECK(ASK(METER_LEASE, meter_lease, &wish)->status->code == MIXD__V1__CODE__CODE_USAGE);
	wire_close(wire);
}

TEST(get_of_a_meter_waits_until_there_is_something)
{
	struct wire *wire = open_tone();
	Mixd__V1__Get get = MIXD__V1__GET__INIT;
	char *patterns[1] = {(char *)"a.peak"};

	get.patterns = patterns;
	get.n_patterns = 1;
	CHECK(!ASK(GET, get, &get), "nothing is measured yet");
	for (int i = 0; i < 20; i++) {
		wire_process(wire, 480);
		wire_sleep(wire, 10);
	}
	CHECK(wire->n_late == 1 && wire->late->get->n_readings == 1, "%u", wire->n_late);
	CHECK(wire->late->get->readings[0]->meter);
	CHECK(wire->late->get->readings[0]->value->number > -60, "peak %g",
	      wire->late->get->readings[0]->value->number);
	CHECK(ASK(GET, get, &get), "now it is");
	wire_close(wire);
}
