/* wire.h - encoded requests against the real handler, in process: real node types, a real engine,
 * time and audio in the test's hands.
 *
 * USE         struct wire *wire = wire_open(); Mixd__V1__Request request = wire_request(GET_STATUS);
 *             request.get_status = &...; Mixd__V1__Reply *reply = wire_ask(wire, &request); ...
 *             wire_close(wire) frees the replies, too. */
#pragma once

#include "test.h"

#include "control_internal.h"
#include "engine_modules.h"
#include "graph_session.h"

#define WIRE_KEPT_MAX 4096u

struct wire_publication {
	char topic[32];
	uint8_t *body; /* without the protocol byte */
	size_t size;
};

struct wire {
	struct graph_types *types;
	struct engine_modules *modules;
	struct engine *engine;
	struct instance *instance;
	struct control_handler *handler;
	uint64_t now_ns, unix_ms;
	uint64_t next_req_id;
	uint8_t session[16];
	int journal_fault; /* -errno: the journal hook refuses */
	int persist_fault;
	uint32_t journalled, persisted;
	Mixd__V1__Reply *replies[WIRE_KEPT_MAX]; /* all of them; freed by wire_close() */
	uint32_t n_replies;
	Mixd__V1__Reply *late; /* the newest that came through the sink */
	uint32_t n_late;
	struct wire_publication published[WIRE_KEPT_MAX];
	uint32_t n_published;
};

struct wire *wire_open(void);
struct wire *wire_close(struct wire *wire);
/* A request of this kind with session and req_id still empty: wire_ask() fills them. */
#define wire_request(KIND)                                                                         \
	((Mixd__V1__Request){PROTOBUF_C_MESSAGE_INIT(&mixd__v1__request__descriptor),              \
			     .by = (char *)"test", .op_case = MIXD__V1__REQUEST__OP_##KIND})
/* NULL: the reply comes later. REQUEST gets the session and, when it has none, the next req_id. */
Mixd__V1__Reply *wire_ask(struct wire *wire, Mixd__V1__Request *request);
/* BODY as it is, protocol byte included. */
Mixd__V1__Reply *wire_send(struct wire *wire, const uint8_t *body, size_t size);
/* One op, applied; the reply is checked for CODE_OK unless CODE says another. */
Mixd__V1__Reply *wire_op(struct wire *wire, Mixd__V1__Op *op, int code);
Mixd__V1__Reply *wire_add(struct wire *wire, const char *name, const char *type, int code);
Mixd__V1__Reply *wire_set(struct wire *wire, const char *address, const char *text, int code);
Mixd__V1__Reply *wire_link(struct wire *wire, const char *from, const char *to, int code);
/* The value of one address as text. */
const char *wire_get(struct wire *wire, const char *address);
/* Pass time: NS, with the handler's turns at each millisecond. */
void wire_sleep(struct wire *wire, uint64_t ms);
/* Say that a clock runs, and run N frames in blocks of 256. */
void wire_run(struct wire *wire, bool running);
void wire_process(struct wire *wire, uint32_t n_frames);
/* The newest event or meters message of TOPIC; freed by the caller. NULL: none. */
Mixd__V1__Event *wire_event(struct wire *wire);
