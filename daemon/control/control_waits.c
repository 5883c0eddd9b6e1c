/* control_waits.c - requests whose reply comes later: see control_internal.h.
 *
 * A reply that waits is packed when the change is committed. What is learned afterwards is where it
 * became audible; protobuf takes the last value of a field, so `applied_at` is appended to the
 * packed bytes instead of packing again. */
#include "control_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_MS UINT64_C(1000000)
#define APPLIED_AT_TAG (5u << 3) /* Reply.applied_at, varint */
#define VARINT_MAX 10u

struct control_wait {
	struct control_wait *next;
	struct control_peer peer;
	uint8_t session[32];
	uint32_t session_size;
	uint64_t req_id;
	/* for the audio thread: `body` is a reply */
	uint64_t ticket, revision, deadline_ns, position;
	uint32_t wait, timeout_ms;
	bool applied;
	/* for a time: `body` is the request */
	bool later;
	uint64_t at_unix_ms, due_ns;
	uint8_t *body;
	size_t size;
};

struct control_waits {
	struct control_wait *first;
	uint32_t n;
};

struct control_waits *control_waits_new(void)
{
	return calloc(1, sizeof(struct control_waits));
}

static void control_wait_free(struct control_wait *wait)
{
	free(wait->body);
	free(wait);
}

struct control_waits *control_waits_free(struct control_waits *waits)
{
	if (!waits)
		return NULL;
	while (waits->first) {
		struct control_wait *wait = waits->first;

		waits->first = wait->next;
		control_wait_free(wait);
	}
	free(waits);
	return NULL;
}

static bool control_wait_is(const struct control_wait *wait, const uint8_t *session,
			    size_t session_size)
{
	return wait->session_size == session_size &&
	       memcmp(wait->session, session, session_size) == 0;
}

/* Room for one more, of this session and of all? */
static struct control_wait *control_wait_add(struct control_waits *waits, const uint8_t *session,
					     size_t session_size, const uint8_t *body, size_t size)
{
	struct control_wait *wait;
	uint32_t mine = 0;

	for (wait = waits->first; wait; wait = wait->next)
		mine += control_wait_is(wait, session, session_size);
	if (waits->n >= CONTROL_PENDING_MAX || mine >= CONTROL_IN_FLIGHT_MAX)
		return NULL;
	wait = calloc(1, sizeof(*wait));
	if (!wait)
		return NULL;
	wait->body = malloc(size);
	if (!wait->body) {
		free(wait);
		return NULL;
	}
	memcpy(wait->body, body, size);
	wait->size = size;
	memcpy(wait->session, session, session_size);
	wait->session_size = (uint32_t)session_size;
	wait->next = waits->first;
	waits->first = wait;
	waits->n++;
	return wait;
}

static void control_wait_remove(struct control_waits *waits, struct control_wait *wait)
{
	struct control_wait **link = &waits->first;

	while (*link != wait)
		link = &(*link)->next;
	*link = wait->next;
	waits->n--;
}

static uint8_t *control_wait_with_position(const struct control_wait *wait, size_t *ret_size)
{
	uint8_t *body = malloc(wait->size + 1 + VARINT_MAX);
	uint64_t value = wait->position;
	size_t n = wait->size;

	if (!body)
		return NULL;
	memcpy(body, wait->body, n);
	if (wait->applied && value) {
		body[n++] = APPLIED_AT_TAG;
		for (; value >= 0x80; value >>= 7)
			body[n++] = (uint8_t)(value | 0x80);
		body[n++] = (uint8_t)value;
	}
	*ret_size = n;
	return body;
}

/* The change is made, but what was asked for beyond that is not known to be. */
static uint8_t *control_wait_fault(struct control_handler *handler, const struct control_wait *wait,
				   struct mixd_error *error, size_t *ret_size)
{
	Mixd__V1__Reply reply = MIXD__V1__REPLY__INIT;
	Mixd__V1__Status status = MIXD__V1__STATUS__INIT;

	status.code = (Mixd__V1__Code)error->code;
	status.address = error->address;
	status.text = error->text;
	status.hint = error->hint;
	reply.req_id = wait->req_id;
	reply.status = &status;
	reply.epoch.data = handler->epoch;
	reply.epoch.len = sizeof(handler->epoch);
	reply.revision = wait->revision;
	reply.applied_at = wait->position;
	return control_pack(&reply.base, ret_size);
}

static uint8_t *control_wait_timeout(struct control_handler *handler,
				     const struct control_wait *wait, size_t *ret_size)
{
	static const char *const what[] = {"applied", "accepted", "settled", "persisted"};
	struct mixd_error error = {0};

	error_set(&error, ERROR_TIMEOUT, "",
		  "committed as revision %llu, but not known to be %s within %u ms: the outcome is "
		  "unknown",
		  (unsigned long long)wait->revision, wait->applied ? what[wait->wait] : what[0],
		  wait->timeout_ms);
	error_hint(&error, "send the same request again to go on waiting, or ask for the status");
	return control_wait_fault(handler, wait, &error, ret_size);
}

/* True when WAIT is over: *ret_reply is what to send (NULL: no memory for it). */
static bool control_wait_step(struct control_handler *handler, struct control_wait *wait,
			      uint64_t now_ns, uint8_t **ret_reply, size_t *ret_size)
{
	struct engine *engine = instance_engine(handler->instance);
	struct mixd_error error = {0};

	if (wait->wait == MIXD__V1__WAIT__WAIT_ACCEPTED) {
		*ret_reply = control_wait_with_position(wait, ret_size);
		return true;
	}
	if (!wait->applied)
		wait->applied =
			!wait->ticket || engine_applied(engine, wait->ticket, &wait->position);
	if (wait->applied &&
	    (wait->wait != MIXD__V1__WAIT__WAIT_SETTLED || engine_settled(engine))) {
		if (wait->wait == MIXD__V1__WAIT__WAIT_PERSISTED &&
		    instance_persist(handler->instance, &error) < 0)
			*ret_reply = control_wait_fault(handler, wait, &error, ret_size);
		else
			*ret_reply = control_wait_with_position(wait, ret_size);
		return true;
	}
	if (now_ns < wait->deadline_ns)
		return false;
	*ret_reply = control_wait_timeout(handler, wait, ret_size);
	return true;
}

bool control_wait_begin(struct control_handler *handler, const struct control_peer *peer,
			const uint8_t *session, size_t session_size,
			const struct control_stored *stored, uint8_t **ret_reply, size_t *ret_size)
{
	uint64_t now_ns = handler->clock.now_ns(handler->clock.data);
	struct control_wait trial = {.req_id = stored->req_id,
				     .ticket = stored->ticket,
				     .revision = stored->revision,
				     .wait = stored->wait,
				     .body = stored->reply,
				     .size = stored->size};
	struct control_wait *wait;

	trial.timeout_ms = stored->timeout_ms ? stored->timeout_ms : CONTROL_TIMEOUT_MS;
	if (trial.timeout_ms > CONTROL_TIMEOUT_MAX_MS)
		trial.timeout_ms = CONTROL_TIMEOUT_MAX_MS;
	trial.deadline_ns = now_ns + trial.timeout_ms * NS_PER_MS;
	if (control_wait_step(handler, &trial, now_ns, ret_reply, ret_size))
		return true;
	wait = control_wait_add(handler->waits, session, session_size, stored->reply, stored->size);
	if (!wait) {
		struct mixd_error error = {0};

		error_set(&error, ERROR_RESOURCE, "",
			  "committed as revision %llu, but too many requests wait already",
			  (unsigned long long)stored->revision);
		error_hint(&error, "at most %u of a session may wait; use wait accepted",
			   CONTROL_IN_FLIGHT_MAX);
		*ret_reply = control_wait_fault(handler, &trial, &error, ret_size);
		return true;
	}
	wait->peer = *peer;
	wait->req_id = trial.req_id;
	wait->ticket = trial.ticket;
	wait->revision = trial.revision;
	wait->wait = trial.wait;
	wait->timeout_ms = trial.timeout_ms;
	wait->deadline_ns = trial.deadline_ns;
	wait->applied = trial.applied;
	wait->position = trial.position;
	*ret_reply = NULL;
	*ret_size = 0;
	return false;
}

int control_wait_later(struct control_call *call, uint64_t at_unix_ms, uint32_t delay_ms)
{
	const Mixd__V1__Request *request = call->request;
	struct control_wait *wait = control_wait_add(call->handler->waits, request->session.data,
						     request->session.len, call->body, call->size);

	if (!wait) {
		error_set(&call->error, ERROR_RESOURCE, "", "too many requests wait already");
		error_hint(&call->error, "at most %u of a session may wait", CONTROL_IN_FLIGHT_MAX);
		return -EBUSY;
	}
	wait->later = true;
	wait->peer = *call->peer;
	wait->req_id = request->req_id;
	wait->at_unix_ms = at_unix_ms;
	wait->due_ns = call->now_ns + delay_ms * NS_PER_MS;
	call->deferred = true;
	return 0;
}

bool control_wait_again(struct control_waits *waits, const uint8_t *session, size_t session_size,
			uint64_t req_id, const struct control_peer *peer)
{
	for (struct control_wait *wait = waits->first; wait; wait = wait->next)
		if (wait->req_id == req_id && control_wait_is(wait, session, session_size)) {
			wait->peer = *peer;
			return true;
		}
	return false;
}

static void control_wait_send(struct control_handler *handler, const struct control_wait *wait,
			      uint8_t *reply, size_t size)
{
	if (reply && size && handler->sink.reply)
		handler->sink.reply(handler->sink.data, &wait->peer, reply, size);
	free(reply);
}

/* When to look at WAIT again; 0: now. */
static uint64_t control_wait_due(struct control_handler *handler, const struct control_wait *wait,
				 uint64_t now_ns)
{
	uint64_t unix_ms;

	if (!wait->later)
		return 0;
	if (!wait->at_unix_ms)
		return wait->due_ns > now_ns ? wait->due_ns : 0;
	/* The wall clock may be set meanwhile: look at least once a second. */
	unix_ms = handler->clock.unix_ms(handler->clock.data);
	if (unix_ms >= wait->at_unix_ms)
		return 0;
	return now_ns +
	       (wait->at_unix_ms - unix_ms < 1000 ? wait->at_unix_ms - unix_ms : 1000) * NS_PER_MS;
}

static void control_wait_run(struct control_handler *handler, struct control_wait *wait)
{
	uint8_t *reply;
	size_t size;

	control_wait_remove(handler->waits, wait);
	if (control_handle_from(handler, &wait->peer, wait->body, wait->size, true, &reply,
				&size) == 0)
		control_wait_send(handler, wait, reply, size);
	control_wait_free(wait);
}

uint64_t control_waits_turn(struct control_handler *handler, uint64_t now_ns)
{
	struct control_wait *wait, *next_wait;
	uint64_t next = UINT64_MAX;

	for (wait = handler->waits->first; wait; wait = next_wait) {
		uint64_t due = control_wait_due(handler, wait, now_ns);
		uint8_t *reply = NULL;
		size_t size = 0;

		next_wait = wait->next; /* what runs may add waits, at the front, and frees WAIT */
		if (due) {
			next = due < next ? due : next;
		} else if (wait->later) {
			control_wait_run(handler, wait);
			next = now_ns + CONTROL_POLL_MS * NS_PER_MS;
		} else if (control_wait_step(handler, wait, now_ns, &reply, &size)) {
			control_wait_remove(handler->waits, wait);
			control_wait_send(handler, wait, reply, size);
			control_wait_free(wait);
		} else {
			due = now_ns + CONTROL_POLL_MS * NS_PER_MS;
			next = due < next ? due : next;
		}
	}
	return next;
}
