/* control_arena.h - all memory of one request: zeroed, capped, dropped at once.
 *
 * WHAT        protobuf-c has no limit of its own and 1.4.1 leaves some fields unset, so requests
 *             are unpacked into zeroed memory with a cap; beyond it, allocation fails and the
 *             request is refused. Replies are built in the same way.
 * THREADS     [main] */
#pragma once

#include <stddef.h>

#include <protobuf-c/protobuf-c.h>

struct control_block;
struct control_owned;

struct control_arena {
	ProtobufCAllocator allocator; /* for protobuf_c_message_unpack() */
	struct control_block *blocks; /* newest first; the oldest stays for the next request */
	struct control_owned *owned;
	size_t used, limit;
};

void control_arena_init(struct control_arena *arena, size_t limit);
void control_arena_done(struct control_arena *arena);
/* Forget everything; keep the first block. */
void control_arena_reset(struct control_arena *arena);
/* Zeroed, aligned for any type; NULL beyond the limit. */
void *control_arena_alloc(struct control_arena *arena, size_t size);
/* Never NULL: "" when memory is out. */
char *control_arena_strdup(struct control_arena *arena, const char *text);
/* Takes MESSAGE (may be NULL): freed with the arena's contents. */
void control_arena_own(struct control_arena *arena, ProtobufCMessage *message);
