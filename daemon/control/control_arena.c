/* control_arena.c - see control_arena.h. */
#include "control_arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES (64u << 10)
#define ALIGN 16u

struct control_block {
	struct control_block *next;
	size_t used, size;
	_Alignas(ALIGN) unsigned char data[];
};

struct control_owned {
	struct control_owned *next;
	ProtobufCMessage *message;
};

static void *control_arena_allocator_alloc(void *data, size_t size)
{
	return control_arena_alloc(data, size);
}

static void control_arena_allocator_free(void *data, void *pointer)
{
	(void)data;
	(void)pointer; /* the whole arena goes at once */
}

void control_arena_init(struct control_arena *arena, size_t limit)
{
	*arena = (struct control_arena){.limit = limit};
	arena->allocator = (ProtobufCAllocator){.alloc = control_arena_allocator_alloc,
						.free = control_arena_allocator_free,
						.allocator_data = arena};
}

static void control_arena_free_owned(struct control_arena *arena)
{
	for (struct control_owned *owned = arena->owned; owned; owned = owned->next)
		protobuf_c_message_free_unpacked(owned->message, NULL);
	arena->owned = NULL;
}

void control_arena_reset(struct control_arena *arena)
{
	control_arena_free_owned(arena);
	while (arena->blocks && arena->blocks->next) {
		struct control_block *block = arena->blocks;

		arena->blocks = block->next;
		free(block);
	}
	if (arena->blocks && arena->blocks->size > BLOCK_BYTES) {
		free(arena->blocks);
		arena->blocks = NULL;
	}
	if (arena->blocks) {
		memset(arena->blocks->data, 0, arena->blocks->used);
		arena->blocks->used = 0;
	}
	arena->used = 0;
}

void control_arena_done(struct control_arena *arena)
{
	control_arena_reset(arena);
	free(arena->blocks);
	arena->blocks = NULL;
}

static struct control_block *control_arena_grow(struct control_arena *arena, size_t size)
{
	size_t bytes = size > BLOCK_BYTES ? size : BLOCK_BYTES;
	struct control_block *block = calloc(1, sizeof(*block) + bytes);

	if (!block)
		return NULL;
	block->size = bytes;
	block->next = arena->blocks;
	arena->blocks = block;
	return block;
}

void *control_arena_alloc(struct control_arena *arena, size_t size)
{
	struct control_block *block = arena->blocks;
	void *p;

	if (size > arena->limit || arena->used + size > arena->limit)
		return NULL;
	size = (size + ALIGN - 1) / ALIGN * ALIGN;
	if (!block || block->size - block->used < size) {
		block = control_arena_grow(arena, size);
		if (!block)
			return NULL;
	}
	p = block->data + block->used;
	block->used += size;
	arena->used += size;
	return p;
}

char *control_arena_strdup(struct control_arena *arena, const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = control_arena_alloc(arena, size);

	if (!copy)
		return (char *)"";
	return memcpy(copy, text, size);
}

void control_arena_own(struct control_arena *arena, ProtobufCMessage *message)
{
	struct control_owned *owned;
	size_t limit = arena->limit;

	if (!message)
		return;
	/* Beyond the limit, too: what is not on the list is never freed. */
	arena->limit = SIZE_MAX;
	owned = control_arena_alloc(arena, sizeof(*owned));
	arena->limit = limit;
	if (!owned)
		return;
	owned->message = message;
	owned->next = arena->owned;
	arena->owned = owned;
}
