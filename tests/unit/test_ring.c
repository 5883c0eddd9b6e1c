/* test_ring.c - order, fullness and two threads. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>

#include "ring_rt.h"
#include "test.h"

TEST(ring_capacity_is_rounded_up)
{
	struct ring ring;

	CHECK(ring_init(&ring, 5, sizeof(int)) == 0);
	CHECK(ring.mask == 7);
	CHECK(ring_space(&ring) == 8);
	ring_done(&ring);
	ring_done(NULL);
	CHECK(ring_init(&ring, 4, 0) == -EINVAL);
	CHECK(ring_init(&ring, UINT32_MAX, 4) == -EINVAL);
	CHECK(ring_init(&ring, 1u << 31, UINT32_MAX) == -ENOMEM);
}

TEST(ring_keeps_order_and_refuses_when_full)
{
	struct ring ring;
	int got = 0;

	CHECK(ring_init(&ring, 4, sizeof(int)) == 0);
	for (int round = 0; round < 100; round++) {
		for (int i = 0; i < 4; i++) {
			int value = round * 4 + i;

			CHECK(ring_put(&ring, &value));
		}
		CHECK(!ring_put(&ring, &got));
		CHECK(ring_space(&ring) == 0); /* R1 */
		for (int i = 0; i < 4; i++)
			CHECK(ring_get(&ring, &got) && got == round * 4 + i, "%d", got);
		CHECK(!ring_get(&ring, &got));
	}
	ring_done(&ring);
}

TEST(ring_indexes_wrap)
{
	struct ring ring;
	int value = 7, got = 0;

	CHECK(ring_init(&ring, 4, sizeof(int)) == 0);
	ring.head = ring.tail = UINT32_MAX - 1;
	for (int i = 0; i < 4; i++)
		CHECK(ring_put(&ring, &value));
	CHECK(!ring_put(&ring, &value));
	for (int i = 0; i < 4; i++)
		CHECK(ring_get(&ring, &got) && got == 7);
	CHECK(!ring_get(&ring, &got));
	ring_done(&ring);
}

struct record {
	uint64_t number, check;
};
#define RECORDS 200000u

static void *ring_writer(void *data)
{
	struct ring *ring = data;

	for (uint64_t i = 0; i < RECORDS;) {
		struct record record = {i, ~i * 31};

		if (ring_put(ring, &record))
			i++;
		else
			sched_yield();
	}
	return NULL;
}

TEST(ring_between_threads_is_whole_and_in_order)
{
	struct ring ring;
	struct record record;
	pthread_t thread;

	CHECK(ring_init(&ring, 64, sizeof(record)) == 0);
	CHECK(pthread_create(&thread, NULL, ring_writer, &ring) == 0);
	for (uint64_t i = 0; i < RECORDS;) {
		if (!ring_get(&ring, &record)) {
			sched_yield();
			continue;
		}
		CHECK(record.number == i && record.check == ~i * 31); /* R2 */
		i++;
	}
	pthread_join(thread, NULL);
	ring_done(&ring);
}
