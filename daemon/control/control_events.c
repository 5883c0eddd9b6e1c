/* control_events.c - the state stream: numbered, kept for those who missed some, published.
 *
 * Event.seq is contiguous from 1 in one epoch. A heartbeat repeats the last seq and carries no
 * changes, so that a subscriber who lost the newest event notices within a second. */
#include "control_internal.h"

#include <stdlib.h>
#include <string.h>

#define NS_PER_MS UINT64_C(1000000)

struct control_event {
	uint8_t *body; /* protocol byte first */
	size_t size;
};

struct control_events {
	struct control_event ring[CONTROL_EVENTS_MAX]; /* SEQ at SEQ % CONTROL_EVENTS_MAX */
	uint64_t seq; /* of the newest; 0: none yet */
	uint64_t oldest; /* that is kept */
	size_t bytes;
	uint64_t beat_ns; /* the next heartbeat */
};

struct control_events *control_events_new(void)
{
	struct control_events *events = calloc(1, sizeof(*events));

	if (events)
		events->oldest = 1;
	return events;
}

static void control_events_drop_oldest(struct control_events *events)
{
	struct control_event *event = &events->ring[events->oldest++ % CONTROL_EVENTS_MAX];

	events->bytes -= event->size;
	free(event->body);
	*event = (struct control_event){0};
}

struct control_events *control_events_free(struct control_events *events)
{
	if (!events)
		return NULL;
	while (events->oldest <= events->seq)
		control_events_drop_oldest(events);
	free(events);
	return NULL;
}

uint64_t control_events_seq(const struct control_events *events)
{
	return events->seq;
}

uint64_t control_events_oldest(const struct control_events *events)
{
	return events->oldest;
}

const uint8_t *control_events_at(const struct control_events *events, uint64_t seq,
				 size_t *ret_size)
{
	const struct control_event *event = &events->ring[seq % CONTROL_EVENTS_MAX];

	if (seq < events->oldest || seq > events->seq || !event->size)
		return NULL;
	*ret_size = event->size - 1;
	return event->body + 1;
}

static void control_events_publish(struct control_handler *handler, const uint8_t *body,
				   size_t size)
{
	uint64_t now_ns = handler->clock.now_ns(handler->clock.data);

	handler->events->beat_ns = now_ns + CONTROL_HEARTBEAT_MS * NS_PER_MS;
	if (handler->sink.publish)
		handler->sink.publish(handler->sink.data, "e", body, size);
}

static void control_events_head(struct control_handler *handler, Mixd__V1__Event *event)
{
	event->epoch.data = handler->epoch;
	event->epoch.len = sizeof(handler->epoch);
	event->seq = handler->events->seq;
	event->revision = instance_revision(handler->instance);
	event->unix_ms = handler->clock.unix_ms(handler->clock.data);
}

/* Takes BODY. An event that could not be packed still has its number: a gap, which clients heal. */
static void control_events_keep(struct control_events *events, uint8_t *body, size_t size)
{
	struct control_event *event = &events->ring[events->seq % CONTROL_EVENTS_MAX];

	event->body = body;
	event->size = size;
	events->bytes += size;
	while (events->bytes > CONTROL_EVENTS_BYTES && events->oldest < events->seq)
		control_events_drop_oldest(events);
}

void control_events_emit(struct control_handler *handler, const struct instance_commit *commit,
			 Mixd__V1__Change *const *changes, size_t n_changes)
{
	struct control_events *events = handler->events;
	Mixd__V1__Event event = MIXD__V1__EVENT__INIT;
	uint8_t *body;
	size_t size = 0;

	if (events->seq + 1 - events->oldest >= CONTROL_EVENTS_MAX)
		control_events_drop_oldest(events);
	events->seq++;
	control_text_changes(instance_model(handler->instance), changes, n_changes);
	control_events_head(handler, &event);
	event.changes = (Mixd__V1__Change **)(uintptr_t)changes;
	event.n_changes = n_changes;
	if (commit) {
		event.revision = commit->revision;
		event.unix_ms = commit->unix_ms;
		event.by = (char *)(uintptr_t)commit->by;
		event.by_session.data = (uint8_t *)(uintptr_t)commit->session;
		event.by_session.len = commit->session_size;
		event.by_req = commit->req_id;
	}
	body = control_pack(&event.base, &size);
	if (body)
		control_events_publish(handler, body, size);
	control_events_keep(events, body, size);
}

uint64_t control_events_turn(struct control_handler *handler, uint64_t now_ns)
{
	Mixd__V1__Event event = MIXD__V1__EVENT__INIT;
	uint8_t *body;
	size_t size = 0;

	if (now_ns < handler->events->beat_ns)
		return handler->events->beat_ns;
	control_events_head(handler, &event);
	body = control_pack(&event.base, &size);
	if (body)
		control_events_publish(handler, body, size);
	handler->events->beat_ns = now_ns + CONTROL_HEARTBEAT_MS * NS_PER_MS;
	free(body);
	return handler->events->beat_ns;
}

int control_events_from(struct control_call *call)
{
	struct control_handler *handler = call->handler;
	uint64_t from = call->request->events_from->from_seq, oldest = handler->events->oldest;
	Mixd__V1__EventsReply *reply = control_call_array(call, 1, sizeof(*reply));
	size_t n = 0, bytes = 0;

	if (!reply)
		return -1;
	if (from < oldest) {
		int r = error_set(&call->error, ERROR_NOT_FOUND, "from_seq",
				  "events before %llu are no longer kept",
				  (unsigned long long)oldest);

		error_hint(&call->error, "take a Snapshot and go on after its seq");
		return r;
	}
	if (from > handler->events->seq + 1) {
		int r = error_set(&call->error, ERROR_INVALID, "from_seq",
				  "%llu is still to come; the newest event is %llu",
				  (unsigned long long)from,
				  (unsigned long long)handler->events->seq);

		error_hint(&call->error, "another epoch? compare Reply.epoch");
		return r;
	}
	mixd__v1__events_reply__init(reply);
	reply->events =
		control_call_array(call, handler->events->seq + 1 - from, sizeof(reply->events[0]));
	if (!reply->events)
		return -1;
	for (uint64_t seq = from; seq <= handler->events->seq; seq++) {
		size_t size;
		const uint8_t *body = control_events_at(handler->events, seq, &size);

		/* A first helping; the client asks again from where this ends. */
		if (bytes > CONTROL_EVENTS_REPLY_BYTES)
			break;
		if (!body)
			continue;
		bytes += size;
		reply->events[n] = mixd__v1__event__unpack(&handler->arena.allocator, size, body);
		if (!reply->events[n])
			return control_call_too_big(call);
		n++;
	}
	reply->n_events = n;
	call->reply.op_case = MIXD__V1__REPLY__OP_EVENTS_FROM;
	call->reply.events_from = reply;
	return 0;
}
