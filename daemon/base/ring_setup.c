/* ring_setup.c - the part of ring_rt.h that allocates. */
#include "ring_rt.h"

#include <errno.h>
#include <stdlib.h>

#define RING_BYTES_MAX (1u << 30)

int ring_init(struct ring *ring, uint32_t capacity, uint32_t record_bytes)
{
	uint32_t size = 1;
	unsigned char *data;

	if (record_bytes == 0 || capacity > 1u << 31)
		return -EINVAL;
	while (size < capacity)
		size <<= 1;
	if (size > RING_BYTES_MAX / record_bytes)
		return -ENOMEM;
	data = calloc(size, record_bytes);
	if (!data)
		return -ENOMEM;
	ring->data = data;
	ring->mask = size - 1;
	ring->record_bytes = record_bytes;
	atomic_init(&ring->head, 0);
	atomic_init(&ring->tail, 0);
	return 0;
}

void ring_done(struct ring *ring)
{
	if (!ring)
		return;
	free(ring->data);
	ring->data = NULL;
}
