/* dsp/hopjobs.h: fixed latency, late work passes as it came, resets begin anew. */
#include "hopjobs.h"
#include "test.h"

#define HOP 64u
#define CHANNELS 2u

static _Alignas(64) char memory[65536];
static struct hopjobs jobs;
static uint32_t queue[64], queued;

static float wave(uint64_t position, uint32_t c)
{
	return (float)(1 + position) + 0.25f * (float)c;
}

static void work_one(void)
{
	struct hopjobs_slot *slot = hopjobs_begin(&jobs, queue[0]);

	for (uint32_t c = 0; c < CHANNELS; c++)
		for (uint32_t i = 0; i < HOP; i++)
			hopjobs_window(&jobs, c)[HOP + i] *= -1;
	slot->found = 7;
	hopjobs_end(&jobs, slot);
	memmove(queue, queue + 1, --queued * sizeof(*queue));
}

/* Feeds from FROM to TO in pieces, and returns in OUT what comes out of channel 1. */
static void run(uint64_t from, uint64_t to, bool is_working, float *out)
{
	float block[CHANNELS][HOP];
	const float *const in[] = {block[0], block[1]};

	for (uint64_t at = from; at < to;) {
		uint32_t n = hopjobs_room(&jobs, at);
		struct hopjobs_slot *full;

		n = test_random() < 0.7 ? 1 + test_random_below(n) : n;
		n = to - at < n ? (uint32_t)(to - at) : n;
		for (uint32_t c = 0; c < CHANNELS; c++)
			for (uint32_t i = 0; i < n; i++)
				block[c][i] = wave(at + i, c);
		hopjobs_feed(&jobs, at, in, 0, n);
		for (uint32_t i = 0; i < n; i++) {
			const float *result = hopjobs_result(&jobs, at, 1);

			out[at - from + i] = result ? result[i] : hopjobs_raw(&jobs, at, 1)[i];
		}
		full = hopjobs_advance(&jobs, at, n);
		if (full)
			queue[queued++] = hopjobs_index(&jobs, full);
		while (is_working && queued > 0)
			work_one();
		at += n;
	}
}

static void begin(void)
{
	CHECK(hopjobs_bytes(CHANNELS, HOP) <= sizeof(memory));
	memset(memory, 0, sizeof(memory));
	hopjobs_init(&jobs, CHANNELS, HOP, memory);
	queued = 0;
}

TEST(three_hops_later_it_is_done)
{
	static float out[20 * HOP];

	begin();
	run(0, 20 * HOP, true, out);
	for (uint32_t i = 0; i < 20 * HOP; i++)
		CHECK(out[i] == (i < 3 * HOP ? 0 : -wave(i - 3 * HOP, 1)), "%u: %g", i,
		      (double)out[i]);
	CHECK(jobs.n_late == 0);
}

TEST(what_is_late_passes_as_it_came)
{
	static float out[12 * HOP];

	begin();
	run(0, 6 * HOP, true, out);
	run(6 * HOP, 12 * HOP, false, out); /* the worker is away: two results are still there */
	for (uint32_t i = 0; i < 6 * HOP; i++)
		CHECK(fabsf(out[i]) == wave(3 * HOP + i, 1), "%u: %g", i, (double)out[i]);
	CHECK(out[0] < 0 && out[2 * HOP] > 0 && out[6 * HOP - 1] > 0);
	CHECK(jobs.n_late >= 2 && queued <= HOPJOBS_SLOTS, "%llu late, %u queued",
	      (unsigned long long)jobs.n_late, queued);
	while (queued > 0)
		work_one();
	run(12 * HOP, 18 * HOP, true, out); /* it is back */
	CHECK(out[6 * HOP - 1] == -wave(15 * HOP - 1, 1));
}

TEST(nothing_from_before_a_reset_comes_out)
{
	static float out[12 * HOP];

	begin();
	run(0, 5 * HOP + 20, true, out);
	hopjobs_reset(&jobs);
	run(5 * HOP + 20, 12 * HOP, true, out); /* in the midst of a hop */
	for (uint32_t i = 0; i < 6 * HOP; i++)
		CHECK(out[i] == (i < 3 * HOP ? 0 : -wave(2 * HOP + 20 + i, 1)), "%u: %g", i,
		      (double)out[i]);
}

TEST(what_is_no_number_does_not_reach_the_worker)
{
	float block[HOP];
	const float *const in[] = {block, block};
	struct hopjobs_slot *full;

	begin();
	for (uint32_t i = 0; i < HOP; i++)
		block[i] = i % 3 == 0 ? NAN : i % 3 == 1 ? INFINITY : 1;
	hopjobs_feed(&jobs, 0, in, 0, HOP);
	full = hopjobs_advance(&jobs, 0, HOP);
	CHECK(full);
	hopjobs_begin(&jobs, hopjobs_index(&jobs, full));
	for (uint32_t i = 0; i < HOP; i++)
		CHECK(hopjobs_window(&jobs, 0)[2 * HOP + i] == (fmodf((float)i, 3) == 2 ? 1 : 0));
}
