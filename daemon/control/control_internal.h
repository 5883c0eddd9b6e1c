/* control_internal.h - what the files of daemon/control share.
 *
 * WHAT        control_handler is the control plane without sockets: a state machine that is given
 *             request bodies and turns, and gives reply bodies, publications and the time of its
 *             next turn. control_server adds ZeroMQ. Time comes from a clock that tests replace.
 * LIFE OF A REQUESTsize -> prescan -> unpack into the arena -> session (rate, stored replies) ->
 *             `at`: kept and run later -> the function of its kind -> reply packed -> waits:
 *             kept until the audio thread has it -> sent.
 * THREADS     [main]
 * INVARIANTS  C1 a request with a req_id gets exactly one reply per time it was sent, now or later,
 *                unless its peer is gone.
 *             C2 a change is executed at most once per (session, req_id).
 *             C3 everything a client can make grow has a limit below. */
#pragma once

#include "control_arena.h"
#include "control_prescan.h"
#include "control_server.h"

#include "mixd/v1/control.pb-c.h"

#define CONTROL_UNPACK_BYTES (8u << 20)
#define CONTROL_REPLY_BYTES (64u << 20)
#define CONTROL_READINGS_MAX 20000u
#define CONTROL_RESPONSE_MAX 4096u /* frequencies */
#define CONTROL_COLUMNS_MAX 8192u /* of one lease */
#define CONTROL_PENDING_MAX 1024u
#define CONTROL_IN_FLIGHT_MAX 32u /* per session */
#define CONTROL_SESSIONS_MAX 1024u
#define CONTROL_STORED_MAX 256u /* replies per session */
#define CONTROL_STORED_BYTES (32u << 20) /* of all sessions */
#define CONTROL_STORED_MS 60000u
#define CONTROL_TIMEOUT_MS 2000u
#define CONTROL_TIMEOUT_MAX_MS 600000u
#define CONTROL_AT_MAX_MS 86400000u
#define CONTROL_EVENTS_MAX 4096u
#define CONTROL_EVENTS_BYTES (32u << 20)
#define CONTROL_EVENTS_REPLY_BYTES (1u << 20)
#define CONTROL_HEARTBEAT_MS 1000u
#define CONTROL_POLL_MS 1u /* while somebody waits for the audio thread */
#define CONTROL_METER_FILL_MS 120u /* from "meters on" to the first value worth reading */
#define CONTROL_EPOCH_BYTES 16u

/* Whom to answer: a ROUTER's routing id; size 0 is the caller of control_handle(). */
struct control_peer {
	uint8_t size;
	uint8_t id[255];
};

struct control_clock {
	void *data;
	uint64_t (*now_ns)(void *data); /* monotonic */
	uint64_t (*unix_ms)(void *data);
};

struct control_sink {
	void *data;
	/* BODY is borrowed. */
	void (*reply)(void *data, const struct control_peer *peer, const uint8_t *body,
		      size_t size);
	void (*publish)(void *data, const char *topic, const uint8_t *body, size_t size);
};

struct control_session;
struct control_sessions;
struct control_events;
struct control_meters;
struct control_waits;

struct control_handler {
	struct instance *instance;
	struct control_clock clock;
	struct control_sink sink;
	uint8_t epoch[CONTROL_EPOCH_BYTES];
	uint64_t started_ns;
	uint64_t requests, malformed;
	uint32_t clients;
	uint64_t last_ticket; /* of the newest change: what a barrier waits for */
	char events_endpoint[128];
	struct control_arena arena;
	struct control_sessions *sessions;
	struct control_events *events;
	struct control_meters *meters;
	struct control_waits *waits;
	struct control_jobs jobs;
};

/* One request on its way through. */
struct control_call {
	struct control_handler *handler;
	const struct control_peer *peer;
	const uint8_t *body; /* protocol byte included */
	size_t size;
	bool late; /* it has waited: neither limited nor scheduled again */
	uint64_t now_ns;
	const Mixd__V1__Request *request;
	struct control_session *session;
	uint32_t body_crc;
	struct mixd_error error;
	Mixd__V1__Reply reply;
	Mixd__V1__Status status;
	bool keep; /* in the session's stored replies */
	bool waits; /* for `ticket`, as request->wait says */
	bool deferred; /* nothing to send now */
	uint64_t ticket;
	struct instance_result result;
};

/* ---- control_handler.c ---- */
/* Bodies: protocol byte, message. */
int control_handle_from(struct control_handler *handler, const struct control_peer *peer,
			const uint8_t *body, size_t size, bool late, uint8_t **ret_reply,
			size_t *ret_size);
/* What is due. Returns the time of the next turn (now_ns of the clock).     [main] */
uint64_t control_handler_turn(struct control_handler *handler);
void control_handler_set_clock(struct control_handler *handler, const struct control_clock *clock);
void control_handler_set_sink(struct control_handler *handler, const struct control_sink *sink);
/* Pack MESSAGE behind the protocol byte. Returned: malloc'd; NULL when out of memory. */
uint8_t *control_pack(const ProtobufCMessage *message, size_t *ret_size);
uint32_t control_hash(const void *data, size_t size, uint32_t seed);
/* N elements of SIZE in the call's arena; NULL fills call->error. */
void *control_call_array(struct control_call *call, size_t n, size_t size);
/* Terminal error of a call that ran out of reply memory. */
int control_call_too_big(struct control_call *call);

/* ---- functions per kind of request: 0, or -errno with call->error filled ---- */
/* control_change.c */
int control_change(struct control_call *call);
int control_barrier(struct control_call *call);
/* control_query.c */
int control_hello(struct control_call *call);
int control_get_status(struct control_call *call);
int control_get_types(struct control_call *call);
int control_get_nodes(struct control_call *call);
int control_get_ports(struct control_call *call);
int control_get_links(struct control_call *call);
int control_snapshot(struct control_call *call);
int control_history(struct control_call *call);
int control_events_from(struct control_call *call);
/* control_value.c */
int control_get(struct control_call *call);
int control_get_response(struct control_call *call);
int control_export(struct control_call *call);
int control_diff(struct control_call *call);
/* control_presets.c */
int control_get_presets(struct control_call *call);
int control_save_preset(struct control_call *call);
/* control_solo.c */
int control_solo(struct control_call *call);
/* What is soloed now, in the call's arena. False: no memory. */
bool control_soloed(struct control_call *call, Mixd__V1__Soloed ***ret, size_t *ret_n);
/* control_jobs.c */
int control_job(struct control_call *call);
void control_handler_set_jobs(struct control_handler *handler, const struct control_jobs *jobs);
/* control_transport.c */
int control_transport(struct control_call *call);
int control_get_clips(struct control_call *call);
/* In the call's arena; NULL: no memory. */
Mixd__V1__TransportState *control_transport_state(struct control_call *call);
/* control_meters.c */
int control_meter_lease(struct control_call *call);

/* ---- control_text.c: values in words, for the fields `text` ---- */
void control_text_node(const struct graph_types *types, Mixd__V1__Node *node);
void control_text_link(Mixd__V1__Link *link);
/* MODEL is as before the changes or as after them. */
void control_text_changes(const struct graph_model *model, Mixd__V1__Change *const *changes,
			  size_t n);

/* ---- control_session.c: rate, in flight, stored replies ---- */
struct control_stored {
	uint64_t req_id;
	uint64_t at_ns;
	uint64_t ticket;
	uint32_t wait;
	uint32_t timeout_ms;
	uint64_t revision;
	uint32_t body_crc;
	uint8_t *reply;
	size_t size;
};
struct control_sessions *control_sessions_new(void);
struct control_sessions *control_sessions_free(struct control_sessions *sessions);
/* Find or make; the least recently used one goes when there are too many. NULL: out of memory. */
struct control_session *control_session_get(struct control_sessions *sessions, const uint8_t *id,
					    size_t size, uint64_t now_ns);
/* False when the session sends too fast; *ret_wait_ms: when to try again. */
bool control_session_admit(struct control_session *session, uint64_t now_ns, uint32_t *ret_wait_ms);
/* NULL when there is none. */
const struct control_stored *control_session_find(const struct control_session *session,
						  uint64_t req_id, uint64_t now_ns);
/* Copies STORED->reply. */
void control_session_store(struct control_sessions *sessions, struct control_session *session,
			   const struct control_stored *stored);

/* ---- control_waits.c: replies that come later ---- */
struct control_waits *control_waits_new(void);
struct control_waits *control_waits_free(struct control_waits *waits);
/* Wait for STORED's ticket. True: *ret_reply is final now (malloc'd). False: it will come through
 * the sink; or -EBUSY is reported by *ret_reply == NULL with `true`. */
bool control_wait_begin(struct control_handler *handler, const struct control_peer *peer,
			const uint8_t *session, size_t session_size,
			const struct control_stored *stored, uint8_t **ret_reply, size_t *ret_size);
/* Keep the call's body and run it again at AT_UNIX_MS, or (0) after DELAY_MS. -EBUSY. */
int control_wait_later(struct control_call *call, uint64_t at_unix_ms, uint32_t delay_ms);
/* A resend of something that still waits: answer PEER instead. False when nothing waits. */
bool control_wait_again(struct control_waits *waits, const uint8_t *session, size_t session_size,
			uint64_t req_id, const struct control_peer *peer);
uint64_t control_waits_turn(struct control_handler *handler, uint64_t now_ns);

/* ---- control_events.c: the state stream ---- */
/* Event.seq counts from 1; a heartbeat repeats the last seq and has no changes. */
struct control_events *control_events_new(void);
struct control_events *control_events_free(struct control_events *events);
uint64_t control_events_seq(const struct control_events *events);
/* Numbered, kept in the ring, published. COMMIT may be NULL. */
void control_events_emit(struct control_handler *handler, const struct instance_commit *commit,
			 Mixd__V1__Change *const *changes, size_t n_changes);
uint64_t control_events_turn(struct control_handler *handler, uint64_t now_ns);
/* The packed event SEQ, without protocol byte; NULL when it is gone or not yet there. */
const uint8_t *control_events_at(const struct control_events *events, uint64_t seq,
				 size_t *ret_size);
uint64_t control_events_oldest(const struct control_events *events);

/* ---- control_meters.c: leases and ticks ---- */
struct control_meters *control_meters_new(void);
struct control_meters *control_meters_free(struct control_meters *meters,
					   struct instance *instance);
uint64_t control_meters_turn(struct control_handler *handler, uint64_t now_ns);
/* Keep meters running for a Get. False when they have just been switched on. */
bool control_meters_touch(struct control_handler *handler, uint64_t now_ns);
/* The reader that Get uses. */
#define CONTROL_GET_READER 0u
