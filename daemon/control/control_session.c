/* control_session.c - clients by their session: rate, and replies kept for resends. */
#include "control_internal.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS 256u
#define NS_PER_MS UINT64_C(1000000)

struct control_session {
	struct control_session *next; /* in its bucket */
	uint8_t id[32];
	uint32_t id_size;
	uint32_t bucket;
	double tokens;
	uint64_t filled_ns, used_ns;
	struct control_stored *stored; /* ring, newest at (first + n - 1) */
	uint32_t capacity, first, n;
};

struct control_sessions {
	struct control_session *buckets[BUCKETS];
	uint32_t n;
	size_t stored_bytes;
};

struct control_sessions *control_sessions_new(void)
{
	return calloc(1, sizeof(struct control_sessions));
}

static struct control_stored *control_session_at(const struct control_session *session,
						 uint32_t idx)
{
	return &session->stored[(session->first + idx) % session->capacity];
}

static void control_session_drop_oldest(struct control_sessions *sessions,
					struct control_session *session)
{
	struct control_stored *stored = control_session_at(session, 0);

	sessions->stored_bytes -= stored->size;
	free(stored->reply);
	stored->reply = NULL;
	session->first = (session->first + 1) % session->capacity;
	session->n--;
}

static void control_session_remove(struct control_sessions *sessions,
				   struct control_session *session)
{
	struct control_session **link = &sessions->buckets[session->bucket];

	while (*link != session)
		link = &(*link)->next;
	*link = session->next;
	while (session->n)
		control_session_drop_oldest(sessions, session);
	free(session->stored);
	free(session);
	sessions->n--;
}

struct control_sessions *control_sessions_free(struct control_sessions *sessions)
{
	if (!sessions)
		return NULL;
	for (uint32_t b = 0; b < BUCKETS; b++)
		while (sessions->buckets[b])
			control_session_remove(sessions, sessions->buckets[b]);
	free(sessions);
	return NULL;
}

/* The one that has been quiet longest; with STORED, among those that keep replies. */
static struct control_session *control_sessions_oldest(struct control_sessions *sessions,
						       bool stored)
{
	struct control_session *oldest = NULL;

	for (uint32_t b = 0; b < BUCKETS; b++)
		for (struct control_session *s = sessions->buckets[b]; s; s = s->next)
			if ((!stored || s->n) && (!oldest || s->used_ns < oldest->used_ns))
				oldest = s;
	return oldest;
}

struct control_session *control_session_get(struct control_sessions *sessions, const uint8_t *id,
					    size_t size, uint64_t now_ns)
{
	uint32_t bucket = control_hash(id, size, 0) % BUCKETS;
	struct control_session *session;

	for (session = sessions->buckets[bucket]; session; session = session->next)
		if (session->id_size == size && memcmp(session->id, id, size) == 0) {
			session->used_ns = now_ns;
			return session;
		}
	if (sessions->n >= CONTROL_SESSIONS_MAX)
		control_session_remove(sessions, control_sessions_oldest(sessions, false));
	session = calloc(1, sizeof(*session));
	if (!session)
		return NULL;
	memcpy(session->id, id, size);
	session->id_size = (uint32_t)size;
	session->bucket = bucket;
	session->tokens = CONTROL_RATE_BURST;
	session->filled_ns = session->used_ns = now_ns;
	session->next = sessions->buckets[bucket];
	sessions->buckets[bucket] = session;
	sessions->n++;
	return session;
}

bool control_session_admit(struct control_session *session, uint64_t now_ns, uint32_t *ret_wait_ms)
{
	double elapsed_s = (double)(now_ns - session->filled_ns) * 1e-9;

	session->filled_ns = now_ns;
	session->tokens += elapsed_s * CONTROL_RATE_PER_S;
	if (session->tokens > CONTROL_RATE_BURST)
		session->tokens = CONTROL_RATE_BURST;
	if (session->tokens < 1) {
		*ret_wait_ms = 1 + (uint32_t)((1 - session->tokens) * 1000 / CONTROL_RATE_PER_S);
		return false;
	}
	session->tokens -= 1;
	return true;
}

const struct control_stored *control_session_find(const struct control_session *session,
						  uint64_t req_id, uint64_t now_ns)
{
	/* Clients count up: what is asked for is nearly always newer than all of these. */
	for (uint32_t i = session->n; i > 0; i--) {
		const struct control_stored *stored = control_session_at(session, i - 1);

		if (now_ns - stored->at_ns > CONTROL_STORED_MS * NS_PER_MS)
			return NULL;
		if (stored->req_id == req_id)
			return stored;
	}
	return NULL;
}

static bool control_session_grow(struct control_session *session)
{
	uint32_t capacity = session->capacity ? session->capacity * 4 : 16;
	struct control_stored *grown = calloc(capacity, sizeof(*grown));

	if (!grown)
		return false;
	for (uint32_t i = 0; i < session->n; i++)
		grown[i] = *control_session_at(session, i);
	free(session->stored);
	session->stored = grown;
	session->capacity = capacity;
	session->first = 0;
	return true;
}

void control_session_store(struct control_sessions *sessions, struct control_session *session,
			   const struct control_stored *stored)
{
	uint8_t *copy = malloc(stored->size);
	struct control_stored *slot;

	if (!copy)
		return; /* a resend would run again: the lesser evil beside refusing what is done */
	while (session->n && stored->at_ns - control_session_at(session, 0)->at_ns >
				     CONTROL_STORED_MS * NS_PER_MS)
		control_session_drop_oldest(sessions, session);
	if (session->n == CONTROL_STORED_MAX)
		control_session_drop_oldest(sessions, session);
	while (sessions->stored_bytes + stored->size > CONTROL_STORED_BYTES &&
	       sessions->stored_bytes > 0)
		control_session_drop_oldest(sessions, control_sessions_oldest(sessions, true));
	if (session->n == session->capacity && !control_session_grow(session)) {
		free(copy);
		return;
	}
	memcpy(copy, stored->reply, stored->size);
	slot = control_session_at(session, session->n++);
	*slot = *stored;
	slot->reply = copy;
	sessions->stored_bytes += stored->size;
}
