/* ring_rt.h - a wait-free ring of fixed-size records, one writer thread, one reader thread.
 *
 * WHAT        Power-of-two capacity; release/acquire on the two indexes; no locks, no system
 *             calls.
 * THREADS     ring_put*() by the one writer, ring_get() by the one reader, either may be [rt].
 * INVARIANTS  R1 head - tail <= capacity.
 *             R2 a record is visible to the reader only when whole. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct ring {
	/* --- immutable after init --- */
	unsigned char *data;
	uint32_t mask; /* capacity - 1 */
	uint32_t record_bytes;
	/* --- shared: atomic --- */
	_Alignas(64) _Atomic uint32_t head; /* written by the writer */
	_Alignas(64) _Atomic uint32_t tail; /* written by the reader */
};

/* CAPACITY is rounded up to a power of two. -ENOMEM. [main] */
int ring_init(struct ring *ring, uint32_t capacity, uint32_t record_bytes);
void ring_done(struct ring *ring); /* [main] */

/* Records that can be put now; only grows until the writer puts. [writer] */
static inline uint32_t ring_space(const struct ring *ring)
{
	uint32_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);

	return ring->mask + 1 - (head - atomic_load_explicit(&ring->tail, memory_order_acquire));
}

/* False when full. [writer] */
static inline bool ring_put(struct ring *ring, const void *record)
{
	uint32_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);

	if (head - atomic_load_explicit(&ring->tail, memory_order_acquire) > ring->mask)
		return false;
	memcpy(ring->data + (size_t)(head & ring->mask) * ring->record_bytes, record,
	       ring->record_bytes);
	atomic_store_explicit(&ring->head, head + 1, memory_order_release);
	return true;
}

/* False when empty. [reader] */
static inline bool ring_get(struct ring *ring, void *ret_record)
{
	uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);

	if (atomic_load_explicit(&ring->head, memory_order_acquire) == tail)
		return false;
	memcpy(ret_record, ring->data + (size_t)(tail & ring->mask) * ring->record_bytes,
	       ring->record_bytes);
	atomic_store_explicit(&ring->tail, tail + 1, memory_order_release);
	return true;
}
