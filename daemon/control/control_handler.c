/* control_handler.c - requests in, replies out: see control_internal.h. */
#include "control_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "cleanup.h"

static uint64_t control_clock_now_ns(void *data)
{
	struct timespec t;

	(void)data;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t control_clock_unix_ms(void *data)
{
	struct timespec t;

	(void)data;
	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

/* FNV-1a, Fowler, Noll and Vo; for tables, not against an adversary: every table is bounded. */
uint32_t control_hash(const void *data, size_t size, uint32_t seed)
{
	const uint8_t *p = data;
	uint32_t hash = seed ^ 2166136261u;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ p[i]) * 16777619u;
	return hash;
}

static void control_handler_committed(void *data, const struct instance_commit *commit)
{
	struct control_handler *handler = data;

	if (commit->delta)
		control_events_emit(handler, commit, commit->delta->changes,
				    commit->delta->n_changes);
	else
		control_events_emit(handler, commit, NULL, 0);
}

static void control_handler_happened(void *data, const Mixd__V1__Change *change)
{
	Mixd__V1__Change *changes[1] = {(Mixd__V1__Change *)(uintptr_t)change};

	control_events_emit(data, NULL, changes, 1);
}

int control_handler_new(struct instance *instance, struct control_handler **ret)
{
	struct control_handler *handler = calloc(1, sizeof(*handler));
	struct instance_listener listener = {.data = handler,
					     .committed = control_handler_committed,
					     .happened = control_handler_happened};

	if (!handler)
		return -ENOMEM;
	handler->instance = instance;
	handler->clock.now_ns = control_clock_now_ns;
	handler->clock.unix_ms = control_clock_unix_ms;
	handler->started_ns = control_clock_now_ns(NULL);
	control_arena_init(&handler->arena, CONTROL_REPLY_BYTES);
	handler->sessions = control_sessions_new();
	handler->events = control_events_new();
	handler->meters = control_meters_new();
	handler->waits = control_waits_new();
	if (!handler->sessions || !handler->events || !handler->meters || !handler->waits ||
	    getrandom(handler->epoch, sizeof(handler->epoch), 0) !=
		    (ssize_t)sizeof(handler->epoch) ||
	    instance_listen(instance, &listener) < 0) {
		control_handler_free(handler);
		return -ENOMEM;
	}
	*ret = handler;
	return 0;
}

struct control_handler *control_handler_free(struct control_handler *handler)
{
	if (!handler)
		return NULL;
	control_waits_free(handler->waits);
	control_meters_free(handler->meters, handler->instance);
	control_events_free(handler->events);
	control_sessions_free(handler->sessions);
	control_arena_done(&handler->arena);
	free(handler);
	return NULL;
}

void control_handler_set_clock(struct control_handler *handler, const struct control_clock *clock)
{
	handler->clock = *clock;
	handler->started_ns = clock->now_ns(clock->data);
}

void control_handler_set_sink(struct control_handler *handler, const struct control_sink *sink)
{
	handler->sink = *sink;
}

uint8_t *control_pack(const ProtobufCMessage *message, size_t *ret_size)
{
	size_t size = protobuf_c_message_get_packed_size(message);
	uint8_t *body = malloc(size + 1);

	if (!body)
		return NULL;
	body[0] = CONTROL_PROTOCOL;
	protobuf_c_message_pack(message, body + 1);
	*ret_size = size + 1;
	return body;
}

int control_call_too_big(struct control_call *call)
{
	int r = error_set(&call->error, ERROR_RESOURCE, "", "the answer needs more than %u MiB",
			  CONTROL_REPLY_BYTES >> 20);

	error_hint(&call->error, "ask for less: a narrower pattern");
	return r;
}

void *control_call_array(struct control_call *call, size_t n, size_t size)
{
	void *array = NULL;

	if (n <= CONTROL_REPLY_BYTES / size)
		array = control_arena_alloc(&call->handler->arena, n * size + 1);
	if (!array)
		control_call_too_big(call);
	return array;
}

static const struct {
	Mixd__V1__Request__OpCase op;
	int (*fn)(struct control_call *call);
} control_table[] = {
	{MIXD__V1__REQUEST__OP_HELLO, control_hello},
	{MIXD__V1__REQUEST__OP_TRANSACTION, control_change},
	{MIXD__V1__REQUEST__OP_UNDO, control_change},
	{MIXD__V1__REQUEST__OP_ROLLBACK, control_change},
	{MIXD__V1__REQUEST__OP_GET_STATUS, control_get_status},
	{MIXD__V1__REQUEST__OP_GET_TYPES, control_get_types},
	{MIXD__V1__REQUEST__OP_GET_NODES, control_get_nodes},
	{MIXD__V1__REQUEST__OP_GET_PORTS, control_get_ports},
	{MIXD__V1__REQUEST__OP_GET_LINKS, control_get_links},
	{MIXD__V1__REQUEST__OP_GET, control_get},
	{MIXD__V1__REQUEST__OP_SNAPSHOT, control_snapshot},
	{MIXD__V1__REQUEST__OP_EXPORT, control_export},
	{MIXD__V1__REQUEST__OP_DIFF, control_diff},
	{MIXD__V1__REQUEST__OP_HISTORY, control_history},
	{MIXD__V1__REQUEST__OP_EVENTS_FROM, control_events_from},
	{MIXD__V1__REQUEST__OP_BARRIER, control_barrier},
	{MIXD__V1__REQUEST__OP_METER_LEASE, control_meter_lease},
	{MIXD__V1__REQUEST__OP_GET_RESPONSE, control_get_response},
	{MIXD__V1__REQUEST__OP_SOLO, control_solo},
	{MIXD__V1__REQUEST__OP_TRANSPORT, control_transport},
	{MIXD__V1__REQUEST__OP_GET_CLIPS, control_get_clips},
	{MIXD__V1__REQUEST__OP_GET_PRESETS, control_get_presets},
	{MIXD__V1__REQUEST__OP_SAVE_PRESET, control_save_preset},
	{MIXD__V1__REQUEST__OP_START_JOB, control_job},
	{MIXD__V1__REQUEST__OP_GET_JOB, control_job},
	{MIXD__V1__REQUEST__OP_CANCEL_JOB, control_job},
};

static int control_execute(struct control_call *call)
{
	for (size_t i = 0; i < sizeof(control_table) / sizeof(control_table[0]); i++)
		if (control_table[i].op == call->request->op_case)
			return control_table[i].fn(call);
	error_set(&call->error, ERROR_USAGE, "", "the request has no operation this daemon knows");
	error_hint(&call->error, "set one of Request.op; newer operations need a newer mixd");
	return -EINVAL;
}

static int control_decode(struct control_call *call)
{
	static const struct control_limits limits = {CONTROL_DEPTH_MAX, CONTROL_FIELDS_MAX};
	struct control_arena *arena = &call->handler->arena;
	int r;

	if (call->size > CONTROL_MESSAGE_MAX) {
		error_set(&call->error, ERROR_USAGE, "", "a message of %zu bytes; the limit is %u",
			  call->size, CONTROL_MESSAGE_MAX);
		error_hint(&call->error, "split the transaction");
		return -EINVAL;
	}
	if (!call->size || call->body[0] != CONTROL_PROTOCOL) {
		error_set(&call->error, ERROR_USAGE, "",
			  "the message speaks protocol %u; this daemon speaks %u",
			  call->size ? call->body[0] : 0, CONTROL_PROTOCOL);
		error_hint(&call->error, "a frame is one byte %u, then the protobuf",
			   CONTROL_PROTOCOL);
		return -EINVAL;
	}
	r = control_prescan(&mixd__v1__request__descriptor, call->body + 1, call->size - 1, &limits,
			    &call->error);
	if (r < 0)
		return r;
	arena->limit = CONTROL_UNPACK_BYTES;
	call->request =
		mixd__v1__request__unpack(&arena->allocator, call->size - 1, call->body + 1);
	arena->limit = CONTROL_REPLY_BYTES;
	if (call->request)
		return 0;
	return error_set(&call->error, ERROR_USAGE, "",
			 "the message cannot be decoded within %u MiB", CONTROL_UNPACK_BYTES >> 20);
}

static int control_check(struct control_call *call)
{
	const Mixd__V1__Request *request = call->request;
	uint32_t wait_ms;

	if (!request->session.len || request->session.len > 32) {
		error_set(&call->error, ERROR_USAGE, "session", "is %zu bytes; want 1 to 32",
			  request->session.len);
		error_hint(&call->error, "16 random bytes per client process");
		return -EINVAL;
	}
	if ((uint32_t)request->wait > MIXD__V1__WAIT__WAIT_PERSISTED) {
		error_set(&call->error, ERROR_INVALID, "wait", "%d is not a wait level",
			  (int)request->wait);
		error_hint(&call->error, "one of applied, accepted, settled, persisted");
		return -EINVAL;
	}
	call->session = control_session_get(call->handler->sessions, request->session.data,
					    request->session.len, call->now_ns);
	if (!call->session)
		return error_set(&call->error, ERROR_RESOURCE, "session", "out of memory");
	if (call->late || control_session_admit(call->session, call->now_ns, &wait_ms))
		return 0;
	error_set(&call->error, ERROR_RESOURCE, "session",
		  "more than %u requests a second from this session", CONTROL_RATE_PER_S);
	error_hint(&call->error, "send several changes in one transaction; retry in %u ms",
		   wait_ms);
	return -EBUSY;
}

static void control_fill_reply(struct control_call *call, int r)
{
	struct control_handler *handler = call->handler;
	Mixd__V1__Reply *reply = &call->reply;

	reply->req_id = call->request ? call->request->req_id : 0;
	reply->status = &call->status;
	reply->epoch.data = handler->epoch;
	reply->epoch.len = sizeof(handler->epoch);
	if (!reply->revision)
		reply->revision = instance_revision(handler->instance);
	if (r == 0)
		return;
	reply->op_case = MIXD__V1__REPLY__OP__NOT_SET;
	if (call->error.code == ERROR_OK)
		error_set(&call->error, r == -ENOMEM ? ERROR_RESOURCE : ERROR_INVALID, NULL, "%s",
			  strerror(-r));
	call->status.code = (Mixd__V1__Code)call->error.code;
	call->status.address = call->error.address;
	call->status.op_index = call->error.op_index;
	call->status.text = call->error.text;
	call->status.hint = call->error.hint;
}

/* The reply as it goes out, or kept while the call waits for the audio thread. */
static int control_answer(struct control_call *call, int r, uint8_t **ret_reply, size_t *ret_size)
{
	struct control_handler *handler = call->handler;
	const Mixd__V1__Request *request = call->request;
	struct control_stored stored = {.ticket = call->ticket};
	uint8_t *body, *final = NULL;
	size_t size = 0;

	control_fill_reply(call, r);
	body = control_pack(&call->reply.base, &size);
	if (!body)
		return -ENOMEM;
	if (!request || (!call->keep && !(call->waits && r == 0))) {
		*ret_reply = body;
		*ret_size = size;
		return 0;
	}
	stored.req_id = request->req_id;
	stored.at_ns = call->now_ns;
	stored.wait =
		r == 0 && call->waits ? (uint32_t)request->wait : MIXD__V1__WAIT__WAIT_ACCEPTED;
	stored.timeout_ms = request->timeout_ms;
	stored.revision = call->reply.revision;
	stored.body_crc = call->body_crc;
	stored.reply = body;
	stored.size = size;
	if (call->keep)
		control_session_store(handler->sessions, call->session, &stored);
	if (!control_wait_begin(handler, call->peer, request->session.data, request->session.len,
				&stored, &final, &size))
		size = 0;
	free(body);
	*ret_reply = final;
	*ret_size = size;
	return 0;
}

/* A request that was answered before, or still waits. True: dealt with. */
static bool control_again(struct control_call *call, int *ret, uint8_t **ret_reply,
			  size_t *ret_size)
{
	const Mixd__V1__Request *request = call->request;
	struct control_handler *handler = call->handler;
	const struct control_stored *stored;
	size_t size = 0;

	call->body_crc = control_hash(call->body, call->size, 0);
	if (call->late)
		return false;
	stored = control_session_find(call->session, request->req_id, call->now_ns);
	if (stored && stored->body_crc != call->body_crc) {
		error_set(&call->error, ERROR_USAGE, "req_id",
			  "%llu was used for another request of this session",
			  (unsigned long long)request->req_id);
		error_hint(&call->error, "count req_id up; only a resend repeats it");
		*ret = control_answer(call, -EINVAL, ret_reply, ret_size);
		return true;
	}
	if (control_wait_again(handler->waits, request->session.data, request->session.len,
			       request->req_id, call->peer)) {
		*ret = 0;
		return true;
	}
	if (!stored)
		return false;
	*ret = 0;
	if (control_wait_begin(handler, call->peer, request->session.data, request->session.len,
			       stored, ret_reply, &size))
		*ret_size = size;
	return true;
}

/* Kept until its time. 1: nothing more to do now. */
static int control_schedule(struct control_call *call)
{
	const Mixd__V1__Request *request = call->request;
	uint64_t now = call->handler->clock.unix_ms(call->handler->clock.data);

	if (call->late || request->at_unix_ms <= now)
		return 0;
	if (request->at_unix_ms - now > CONTROL_AT_MAX_MS) {
		error_set(&call->error, ERROR_INVALID, "at_unix_ms", "is more than 24 hours ahead");
		error_hint(&call->error, "use a timer unit or cron for far times");
		return -EINVAL;
	}
	return control_wait_later(call, request->at_unix_ms, 0) < 0 ? -EBUSY : 1;
}

static int control_run(struct control_call *call, uint8_t **ret_reply, size_t *ret_size)
{
	int r = control_decode(call);

	if (r < 0) {
		call->handler->malformed++;
		return control_answer(call, r, ret_reply, ret_size);
	}
	r = control_check(call);
	if (r < 0)
		return control_answer(call, r, ret_reply, ret_size);
	if (control_again(call, &r, ret_reply, ret_size))
		return r;
	r = control_schedule(call);
	if (r == 0)
		r = control_execute(call);
	if (r > 0 || call->deferred)
		return 0;
	r = control_answer(call, r, ret_reply, ret_size);
	return r;
}

int control_handle_from(struct control_handler *handler, const struct control_peer *peer,
			const uint8_t *body, size_t size, bool late, uint8_t **ret_reply,
			size_t *ret_size)
{
	struct control_call call = {.handler = handler,
				    .peer = peer,
				    .body = body,
				    .size = size,
				    .late = late,
				    .now_ns = handler->clock.now_ns(handler->clock.data),
				    .reply = MIXD__V1__REPLY__INIT,
				    .status = MIXD__V1__STATUS__INIT};
	int r;

	*ret_reply = NULL;
	*ret_size = 0;
	if (!late)
		handler->requests++;
	r = control_run(&call, ret_reply, ret_size);
	instance_result_done(&call.result);
	control_arena_reset(&handler->arena);
	return r;
}

int control_handle(struct control_handler *handler, const uint8_t *body, size_t size,
		   uint8_t **ret_reply, size_t *ret_size)
{
	static const struct control_peer here;

	return control_handle_from(handler, &here, body, size, false, ret_reply, ret_size);
}

uint64_t control_handler_turn(struct control_handler *handler)
{
	uint64_t now_ns = handler->clock.now_ns(handler->clock.data);
	uint64_t next = control_waits_turn(handler, now_ns), due;

	due = control_events_turn(handler, now_ns);
	next = due < next ? due : next;
	due = control_meters_turn(handler, now_ns);
	return due < next ? due : next;
}
