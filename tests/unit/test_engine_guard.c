/* test_engine_guard.c - the guard's kernels against plain C, and that looking at several nodes at once
 * says what looking at each of them says. */
#include "engine_rig.h"

#include "engine_kernel_rt.h"

#define CHANNELS 33u
#define FRAMES 128u

static float buffer[CHANNELS][FRAMES + 16];
static float *channel[CHANNELS];

static uint32_t bits_of(float x)
{
	uint32_t bits;

	memcpy(&bits, &x, sizeof(bits));
	return bits;
}

static void fill(uint32_t shift)
{
	for (uint32_t c = 0; c < CHANNELS; c++) {
		channel[c] = buffer[c] + (c * shift) % 16;
		for (uint32_t i = 0; i < FRAMES; i++)
			channel[c][i] = (float)(test_random() - 0.5);
	}
}

static void check_guard(uint32_t n_channels, uint32_t n, const char *what)
{
	uint32_t negative, worst = engine_kernel_guard(channel, n_channels, n, &negative);
	bool calm = engine_kernel_is_calm(channel, n_channels, n), has_negative = false;
	uint32_t want = 0;

	for (uint32_t c = 0; c < n_channels; c++)
		for (uint32_t i = 0; i < n; i++) {
			uint32_t bits = bits_of(channel[c][i]), magnitude = bits & 0x7fffffffu;

			want = magnitude > want ? magnitude : want;
			has_negative |= bits == 0x80000000u;
		}
	CHECK(worst == want, "%s: %u channels, %u frames: %08x, not %08x", what, n_channels, n,
	      worst, want);
	CHECK(negative == has_negative, "%s: %u channels, %u frames", what, n_channels, n);
	CHECK(calm == (want < bits_of(2.0f) && !has_negative), "%s: %u channels, %u frames", what,
	      n_channels, n);
}

TEST(guard_kernels_find_the_one_bad_sample)
{
	static const float bad[] = {-0.0f,  0.0f,  1.9999999f, -1.9999999f, 2.0f,     -2.0f,
				    999.0f, -2e9f, NAN,	       -NAN,	    INFINITY, -INFINITY};

	for (uint32_t trial = 0; trial < 6000; trial++) {
		uint32_t n_channels = 1 + test_random_below(CHANNELS);
		uint32_t n = trial % 3 ? 1 + test_random_below(FRAMES) : FRAMES;
		uint32_t k = test_random_below(sizeof(bad) / sizeof(bad[0]));

		if (trial % 50 == 0)
			fill(trial / 50 % 3);
		check_guard(n_channels, n, "sound");
		if (trial % 4) {
			float *x = &channel[test_random_below(n_channels)][test_random_below(n)];
			float before = *x;

			*x = bad[k];
			check_guard(n_channels, n, "one bad sample");
			*x = before;
		}
	}
}

TEST(guard_kernels_take_silence_for_calm)
{
	for (uint32_t c = 0; c < CHANNELS; c++)
		memset(channel[c] = buffer[c], 0, sizeof(buffer[c]));
	check_guard(CHANNELS, FRAMES, "silence");
}

/* ---- together and alone ---- */

/* Eight strips side by side, of which the guard looks at several at once; the last is heard by nobody,
 * so that its buffer is free as soon as it has run. */
static struct rig *open_strips(bool alone)
{
	struct rig *rig = rig_open(false);

	rig_ends(rig);
	for (uint32_t k = 0; k < 8; k++) {
		char fault[8], gain[8];

		snprintf(fault, sizeof(fault), "f%u", k);
		snprintf(gain, sizeof(gain), "g%u", k);
		rig_q_add(rig, fault, "fault", NULL);
		rig_q_add(rig, gain, "gain", k % 2 ? "gain=-20dB" : "gain=-15dB");
		rig_q_link(rig, "in", fault, 0);
		rig_q_link(rig, fault, gain, 0);
		if (k < 7)
			rig_q_link(rig, gain, "out", 0);
	}
	rig_q_add(rig, "dead", "fault", NULL);
	rig_q_link(rig, "in", "dead", 0);
	rig_commit(rig);
	/* who reads meters has each node looked at on its own */
	if (alone)
		engine_meters_lease(rig->engine, 1);
	return rig;
}

static enum graph_node_state state_of(struct rig *rig, const char *name)
{
	return engine_node_state(rig->engine, rig_uid(rig, name));
}

static void story(struct rig *rig, uint32_t block)
{
	rig_run(rig, 1000, block);
	rig_set(rig, "f3.kind", "1");
	rig_run(rig, 1000, block);
	CHECK(state_of(rig, "f3") == GRAPH_NODE_QUARANTINED);
	rig_set(rig, "f5.kind", "2");
	rig_set(rig, "dead.kind", "3");
	rig_set(rig, "g2.bypass", "on");
	rig_run(rig, 3000, block);
	CHECK(state_of(rig, "f5") == GRAPH_NODE_QUARANTINED);
	CHECK(state_of(rig, "dead") == GRAPH_NODE_QUARANTINED);
	CHECK(state_of(rig, "f4") == GRAPH_NODE_RUNNING);
	CHECK(state_of(rig, "g7") == GRAPH_NODE_RUNNING);
	rig->signal = NULL;
	rig_run(rig, 5000, block);
	CHECK(state_of(rig, "f4") == GRAPH_NODE_SLEEPING);
	CHECK(state_of(rig, "f1") == GRAPH_NODE_SLEEPING);
	rig->signal = rig_sine;
	rig_set(rig, "g1.gain", "-3dB");
	rig_run(rig, 4000, block);
	rig_set(rig, "g6.mute", "on");
	rig_run(rig, 3000, block);
	CHECK(state_of(rig, "f4") == GRAPH_NODE_RUNNING);
}

TEST(guard_over_many_nodes_says_what_it_says_of_each)
{
	static const uint32_t blocks[] = {128, 37, 1024};

	for (uint32_t k = 0; k < 3; k++) {
		struct rig *together = open_strips(false), *alone = open_strips(true);

		story(together, blocks[k]);
		story(alone, blocks[k]);
		CHECK(together->n_out == alone->n_out);
		for (uint32_t c = 0; c < 2; c++)
			for (uint64_t i = 0; i < alone->n_out; i++) {
				CHECK(bits_of(together->out[c][i]) == bits_of(alone->out[c][i]),
				      "blocks of %u, frame %llu", blocks[k], (unsigned long long)i);
				CHECK(fabsf(together->out[c][i]) < 2.0f);
			}
		rig_close(together);
		rig_close(alone);
	}
}

/* Zeros of both signs come in; what comes out has one, however time is cut. */
static double both_zeros(uint64_t position, uint32_t channel_idx)
{
	if (position / 700 % 2)
		return position % 3 ? -0.0 : 0.0;
	return position % 5 ? rig_noise(position, channel_idx) : -0.0;
}

TEST(guard_leaves_no_negative_zero)
{
	struct rig *rig[2] = {open_strips(false), open_strips(false)};

	for (uint32_t k = 0; k < 2; k++) {
		rig[k]->signal = both_zeros;
		rig_run(rig[k], 6000, k ? 61 : 256);
	}
	for (uint64_t i = 0; i < 6000; i++) {
		CHECK(bits_of(rig[0]->out[0][i]) != 0x80000000u, "frame %llu",
		      (unsigned long long)i);
		CHECK(bits_of(rig[0]->out[0][i]) == bits_of(rig[1]->out[0][i]));
	}
	rig_close(rig[0]);
	rig_close(rig[1]);
}
