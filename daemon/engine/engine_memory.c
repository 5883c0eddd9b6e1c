/* engine_memory.c - memory that the audio thread walks through: dense, aligned, on huge pages.
 *
 * A graph of a thousand strips touches tens of thousands of blocks in each slice; on pages of 4 KiB
 * most of them miss the translation buffer (measured: a quarter of the time of 1300 strips). Blocks
 * are cut from chunks of 2 MiB that ask for huge pages, in classes of a power of two and one and a
 * half times that; freed ones are kept for their class (Knuth, TAOCP 1, 2.5). Large blocks, and all
 * blocks under a sanitizer, come from malloc. [main], any engine of the process. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "engine_internal.h"

#define MEMORY_CHUNK ((size_t)2 << 20)
#define MEMORY_LARGE ((size_t)128 << 10)
#define MEMORY_CLASSES 24u
#define MEMORY_PLAIN UINT32_MAX

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MEMORY_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define MEMORY_SANITIZED 1
#endif
#endif
#ifndef MEMORY_SANITIZED
#define MEMORY_SANITIZED 0
#endif

/* In front of each block, in a cache line of its own. */
struct memory_head {
	_Alignas(ENGINE_ALIGN) struct memory_head *next; /* while free */
	uint32_t class_idx;
};

static pthread_mutex_t memory_lock = PTHREAD_MUTEX_INITIALIZER;
static struct memory_head *memory_free[MEMORY_CLASSES];
static unsigned char *memory_at;
static size_t memory_left;
static void *memory_chunks; /* the first word of a chunk leads to the one before: no leak */

/* 64, 96, 128, 192, 256, ... */
static size_t memory_class_size(uint32_t class_idx)
{
	size_t base = (size_t)ENGINE_ALIGN << (class_idx / 2);

	return class_idx % 2 ? base + base / 2 : base;
}

static struct memory_head *memory_plain(size_t bytes)
{
	size_t size =
		(bytes + sizeof(struct memory_head) + ENGINE_ALIGN) & ~(size_t)(ENGINE_ALIGN - 1);
	struct memory_head *head = aligned_alloc(ENGINE_ALIGN, size);

	if (head)
		head->class_idx = MEMORY_PLAIN;
	return head;
}

static bool memory_chunk(void)
{
	void **chunk = aligned_alloc(MEMORY_CHUNK, MEMORY_CHUNK);

	if (!chunk)
		return false;
	madvise(chunk, MEMORY_CHUNK, MADV_HUGEPAGE); /* a wish: without it all works, slower */
	*chunk = memory_chunks;
	memory_chunks = chunk;
	memory_at = (unsigned char *)chunk + ENGINE_ALIGN;
	memory_left = MEMORY_CHUNK - ENGINE_ALIGN;
	return true;
}

static struct memory_head *memory_take(uint32_t class_idx)
{
	size_t size =
		(memory_class_size(class_idx) + ENGINE_ALIGN - 1) & ~(size_t)(ENGINE_ALIGN - 1);
	struct memory_head *head = memory_free[class_idx];

	size += sizeof(struct memory_head);
	if (head) {
		memory_free[class_idx] = head->next;
		return head;
	}
	if (memory_left < size && !memory_chunk())
		return NULL;
	head = (struct memory_head *)memory_at;
	memory_at += size;
	memory_left -= size;
	head->class_idx = class_idx;
	return head;
}

void *engine_alloc(size_t bytes)
{
	struct memory_head *head;
	uint32_t class_idx = 0;

	if (MEMORY_SANITIZED || bytes > MEMORY_LARGE) {
		head = memory_plain(bytes);
	} else {
		while (memory_class_size(class_idx) < bytes)
			class_idx++;
		pthread_mutex_lock(&memory_lock);
		head = memory_take(class_idx);
		pthread_mutex_unlock(&memory_lock);
	}
	if (!head)
		return NULL;
	memset(head + 1, 0, bytes);
	return head + 1;
}

void engine_release(void *memory)
{
	struct memory_head *head;

	if (!memory)
		return;
	head = (struct memory_head *)memory - 1;
	if (head->class_idx == MEMORY_PLAIN) {
		free(head);
		return;
	}
	pthread_mutex_lock(&memory_lock);
	head->next = memory_free[head->class_idx];
	memory_free[head->class_idx] = head;
	pthread_mutex_unlock(&memory_lock);
}
