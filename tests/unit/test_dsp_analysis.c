/* What analysers stand on: frames handed to a worker (dsp/framer.h), bands on a log axis
 * (dsp/logbands.h). */
#include "framer.h"
#include "logbands.h"
#include "test.h"

#include <pthread.h>

enum { SIZE = 64, HOP = 16 };

static float ring[2 * SIZE], flat[SIZE], frame[SIZE];

static void framer_feed(struct framer *framer, float *next, uint32_t frames, uint32_t *ret_ready)
{
	for (uint32_t done = 0; done < frames;) {
		uint32_t n = framer_room(framer, 1 + test_random_below(40));
		float block[FRAMER_CHUNK];
		const float *const in[] = {block};

		n = n < frames - done ? n : frames - done;
		for (uint32_t i = 0; i < n; i++)
			block[i] = (*next)++;
		*ret_ready += framer_put(framer, in, 1, 0, n);
		done += n;
	}
}

TEST(framer_gives_the_newest_frames)
{
	struct framer framer;
	float next = 0;
	uint32_t ready = 0;

	for (uint32_t i = 0; i < SIZE; i++)
		flat[i] = 1;
	framer_init(&framer, SIZE, HOP, ring);
	framer_feed(&framer, &next, SIZE - 1, &ready);
	CHECK(ready == 0);
	for (uint32_t k = 0; k < 20; k++) {
		framer_feed(&framer, &next, k ? HOP : 1, &ready);
		CHECK(ready == k + 1);
		CHECK(!framer_taken(&framer));
		framer_read(&framer, flat, frame);
		for (uint32_t i = 0; i < SIZE; i++)
			CHECK(frame[i] == (float)(k * HOP + i), "hop %u frame %u is %g", k, i,
			      (double)frame[i]);
		framer_done(&framer);
		CHECK(framer_taken(&framer) && !framer_taken(&framer));
	}
}

TEST(framer_never_changes_what_is_being_read)
{
	struct framer framer;
	float next = 0;
	uint32_t ready = 0;

	framer_init(&framer, SIZE, HOP, ring);
	framer_feed(&framer, &next, SIZE, &ready);
	CHECK(ready == 1);
	framer_feed(&framer, &next, 10 * SIZE, &ready); /* a worker that sleeps */
	CHECK(ready == 1);
	framer_read(&framer, flat, frame);
	for (uint32_t i = 0; i < SIZE; i++)
		CHECK(frame[i] == (float)i);
	framer_done(&framer);
	CHECK(framer_taken(&framer));
	/* What comes next has no gap inside. */
	framer_feed(&framer, &next, SIZE + HOP, &ready);
	CHECK(ready == 2);
	framer_read(&framer, flat, frame);
	for (uint32_t i = 1; i < SIZE; i++)
		CHECK(frame[i] == frame[0] + (float)i);
	/* A reset drops the job that is out, and a new frame is whole again. */
	framer_reset(&framer);
	framer_done(&framer);
	CHECK(!framer_taken(&framer));
	framer_feed(&framer, &next, SIZE - 1, &ready);
	CHECK(ready == 2);
	framer_feed(&framer, &next, 1, &ready);
	CHECK(ready == 3);
	framer_cancel(&framer);
	CHECK(!framer_taken(&framer));
}

TEST(framer_takes_the_mean_of_channels)
{
	static const float a[HOP] = {1, 2, 3}, b[HOP] = {3, 2, 1}, c[HOP] = {2, 2, -1};
	static const float *const in[] = {a, b, c};
	struct framer framer;

	framer_init(&framer, HOP, HOP, ring);
	CHECK(framer_put(&framer, in, 3, 0, HOP));
	framer_read(&framer, flat, frame);
	CHECK(frame[0] == 2 && frame[1] == 2 && frame[2] == 1);
}

/* With a real worker: ThreadSanitizer watches, every frame is a piece of the ramp. */
static struct framer shared;
static atomic_bool quit;
static atomic_uint torn, looked;

static void *framer_worker(void *data)
{
	while (!atomic_load(&quit)) {
		if (!atomic_load_explicit(&shared.busy, memory_order_acquire))
			continue;
		framer_read(&shared, flat, data);
		for (uint32_t i = 1; i < SIZE; i++)
			if (((float *)data)[i] != ((float *)data)[0] + (float)i)
				atomic_fetch_add(&torn, 1);
		atomic_fetch_add(&looked, 1);
		framer_done(&shared);
	}
	return NULL;
}

TEST(framer_and_a_worker_that_is_often_late)
{
	pthread_t thread;
	float next = 0;
	uint32_t ready = 0;

	framer_init(&shared, SIZE, HOP, ring);
	CHECK(pthread_create(&thread, NULL, framer_worker, frame) == 0);
	for (uint32_t i = 0; i < 100000 || (atomic_load(&looked) < 20 && i < 10000000); i++) {
		framer_taken(&shared);
		next = next > 1e6f ? 0 : next;
		if (next == 0)
			framer_reset(&shared);
		framer_feed(&shared, &next, 4, &ready);
	}
	atomic_store(&quit, true);
	pthread_join(thread, NULL);
	test_note("%u frames read", atomic_load(&looked));
	CHECK(atomic_load(&torn) == 0 && atomic_load(&looked) > 0);
}

TEST(logbands_partition_the_axis)
{
	static float power[4097], bands[LOGBANDS_MAX];
	struct logbands b;
	double sum = 0;

	logbands_init(&b, 240, 135, 24, 48000, 8192, 1.5);
	CHECK_NEAR(logbands_hz(135, 135, 24), 1000, 1e-9);
	for (uint32_t k = 1; k < 240; k++)
		CHECK(fabsf(b.from[k] - b.to[k - 1]) <= 1e-3f * b.to[k]);
	for (uint32_t k = 0; k <= 4096; k++)
		power[k] = 2;
	logbands_gather(&b, LOGBANDS_MEAN, power, bands);
	for (uint32_t k = 0; k < 240; k++)
		CHECK_NEAR((double)bands[k], 2, 1e-4);
	logbands_gather(&b, LOGBANDS_ENERGY, power, bands);
	for (uint32_t k = 0; k < 240; k++)
		sum += (double)bands[k];
	CHECK_NEAR(sum, 2.0 / 1.5 * (double)(b.to[239] - b.from[0]), sum * 1e-5);
	/* One bin: the bands that touch it see it at its height, the others do not. */
	memset(power, 0, sizeof(power));
	power[2000] = 1;
	logbands_gather(&b, LOGBANDS_PEAK, power, bands);
	for (uint32_t k = 0; k < 240; k++)
		CHECK(bands[k] == (b.from[k] < 2000.5f && b.to[k] >= 1999.5f ? 1.0f : 0.0f));
	logbands_smooth(&b, 3, bands);
	for (uint32_t k = 1; k < 239; k++)
		CHECK(bands[k] >= 0 && bands[k] <= 1);
}

TEST(logbands_beyond_half_the_rate_are_empty)
{
	static float power[2049], bands[LOGBANDS_MAX];
	struct logbands b;

	for (uint32_t k = 0; k <= 2048; k++)
		power[k] = 1;
	logbands_init(&b, 240, 135, 24, 8000, 4096, 1.5);
	for (int pool = LOGBANDS_PEAK; pool <= LOGBANDS_ENERGY; pool++) {
		logbands_gather(&b, pool, power, bands);
		for (uint32_t k = 0; k < 240; k++)
			CHECK((bands[k] == 0) == (logbands_hz(k, 135, 24) > 4000.1), "band %u", k);
	}
}
