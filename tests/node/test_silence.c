/* test_silence.c - what silence calls a fault, when, and when it is over: dsp.md 11.6. */
#include "airsense.h"
#include "node_host.h"
#include "test.h"

#define RATE 48000.0
#define BLOCK 480u /* 10 ms */

enum { GOOD, SILENT, DEAD, STUCK, MISSING, CLIPPING };

struct silence_rig {
	struct node_host *host;
	uint32_t channels;
	double level[8], dc[8]; /* of each channel; noise */
	double seconds;
};

static void silence_open(struct silence_rig *rig, const char *layout)
{
	*rig = (struct silence_rig){0};
	rig->host = node_host_open("silence", &(struct node_host_setup){.layout = layout});
	rig->channels = node_host_in_channels(rig->host);
}

static double silence_meter(const struct silence_rig *rig, const char *id)
{
	return node_host_meter(rig->host, 0, id);
}

/* Noise of LEVEL dBFS RMS in all channels from now on. */
static void silence_level(struct silence_rig *rig, double level_db)
{
	for (uint32_t c = 0; c < rig->channels; c++)
		rig->level[c] = level_db > -200 ? pow(10, level_db / 20) * sqrt(3) : 0;
}

static void silence_block(struct silence_rig *rig)
{
	static float in[8][BLOCK], out[8][BLOCK];
	const float *ins[8];
	float *outs[8];

	for (uint32_t c = 0; c < rig->channels; c++) {
		ins[c] = in[c];
		outs[c] = out[c];
		for (uint32_t i = 0; i < BLOCK; i++)
			in[c][i] = (float)(rig->dc[c] + rig->level[c] * (2 * test_random() - 1));
	}
	node_host_process(rig->host, ins, outs, BLOCK);
	for (uint32_t c = 0; c < rig->channels; c++)
		CHECK(memcmp(in[c], out[c], sizeof(in[c])) == 0);
	rig->seconds += BLOCK / RATE;
}

static void silence_run(struct silence_rig *rig, double seconds)
{
	for (double end = rig->seconds + seconds - 1e-9; rig->seconds < end;)
		silence_block(rig);
}

/* Seconds until the state becomes STATE, at most LIMIT. */
static double silence_until(struct silence_rig *rig, double state, double limit)
{
	double begin = rig->seconds;

	while (silence_meter(rig, "air") != state && rig->seconds - begin < limit)
		silence_block(rig);
	CHECK(silence_meter(rig, "air") == state, "state %g, not %g, after %g s",
	      silence_meter(rig, "air"), state, limit);
	return rig->seconds - begin;
}

static void silence_event(const struct silence_rig *rig, uint64_t count, uint32_t code)
{
	double value = 0;
	uint32_t have = 0;

	CHECK(node_host_events(rig->host, &have, &value) == count, "%llu events",
	      (unsigned long long)node_host_events(rig->host, &have, &value));
	CHECK(have == code, "event %u, not %u", have, code);
}

/* dsp.md 11.6: silent after `hold` +-1 block; return above threshold + 6 dB for 2 s. */
TEST(silence_begins_after_hold_and_ends_with_hysteresis)
{
	static const double holds[] = {0.1, 1, 5, 20};

	for (size_t i = 0; i < sizeof(holds) / sizeof(holds[0]); i++) {
		struct silence_rig rig;
		double took;

		silence_open(&rig, "stereo");
		node_host_jump(rig.host, 0, "after", holds[i]);
		silence_level(&rig, -20);
		silence_run(&rig, 3);
		CHECK(silence_meter(&rig, "air") == GOOD);
		CHECK_NEAR(silence_meter(&rig, "level"), -20, 0.5);
		silence_level(&rig, -70); /* noise of a line without programme */
		took = silence_until(&rig, SILENT, 70);
		CHECK(fabs(took - holds[i]) <= 0.0101, "after %g s, not %g", took, holds[i]);
		silence_event(&rig, 1, SILENT);
		silence_level(&rig, -57); /* above the threshold, within the hysteresis */
		silence_run(&rig, 5);
		CHECK(silence_meter(&rig, "air") == SILENT &&
		      silence_meter(&rig, "quiet_for") == 0);
		silence_level(&rig, -50);
		took = silence_until(&rig, GOOD, 5);
		CHECK(fabs(took - 2) <= 0.0101, "back after %g s", took);
		silence_event(&rig, 2, GOOD);
		CHECK(silence_meter(&rig, "faults") == 1);
		node_host_free(rig.host);
	}
}

TEST(silence_of_pauses_is_no_fault)
{
	struct silence_rig rig;

	silence_open(&rig, "stereo");
	for (int k = 0; k < 8; k++) { /* sentences, and 4.9 s to think */
		silence_level(&rig, -20);
		silence_run(&rig, 0.5);
		silence_level(&rig, -75);
		silence_run(&rig, 4.9);
	}
	CHECK(silence_meter(&rig, "faults") == 0);
	/* Back with pauses of 0.3 s: sound is counted, 2 s of it. */
	silence_run(&rig, 6);
	CHECK(silence_meter(&rig, "air") == SILENT);
	for (int k = 0; k < 4; k++) {
		silence_level(&rig, -20);
		silence_run(&rig, 0.45);
		CHECK(silence_meter(&rig, "air") == SILENT);
		silence_level(&rig, -75);
		silence_run(&rig, 0.3);
	}
	silence_level(&rig, -20);
	silence_run(&rig, 0.45);
	CHECK(silence_meter(&rig, "air") == GOOD);
	node_host_free(rig.host);
}

TEST(silence_tells_dead_stuck_and_dc)
{
	struct silence_rig rig;
	double took;

	silence_open(&rig, "stereo");
	silence_level(&rig, -20);
	silence_run(&rig, 1);
	silence_level(&rig, -300);
	took = silence_until(&rig, DEAD, 6);
	CHECK_NEAR(took, 5, 0.0101);
	silence_event(&rig, 1, DEAD);
	silence_level(&rig, -20);
	silence_until(&rig, GOOD, 3);
	/* One value for a second, in one channel: as a frozen buffer of a converter gives. */
	rig.level[1] = 0;
	rig.dc[1] = 0.25;
	took = silence_until(&rig, STUCK, 3);
	CHECK(took > 0.99 && took < 1.02, "%g", took);
	CHECK(silence_meter(&rig, "channel") == 2);
	CHECK_NEAR(silence_meter(&rig, "dc2"), 25, 0.1);
	rig.dc[1] = 0;
	silence_level(&rig, -20);
	silence_until(&rig, GOOD, 3);
	CHECK(silence_meter(&rig, "channel") == 0);
	/* DC with noise on it. */
	rig.dc[0] = -0.1;
	rig.level[0] = 1e-5;
	took = silence_until(&rig, STUCK, 3);
	CHECK(took > 0.95 && took < 1.1, "%g", took);
	/* DC below programme is none of that. */
	silence_level(&rig, -20);
	silence_until(&rig, GOOD, 3);
	silence_run(&rig, 5);
	CHECK(silence_meter(&rig, "air") == GOOD);
	CHECK_NEAR(silence_meter(&rig, "dc1"), -10, 1);
	node_host_free(rig.host);
}

TEST(silence_misses_a_channel_but_not_an_lfe)
{
	struct silence_rig rig;
	double took;

	silence_open(&rig, "5.1");
	node_host_jump(rig.host, 0, "missing_after", 10);
	silence_level(&rig, -30);
	rig.level[3] = 0; /* FL FR FC LFE */
	silence_run(&rig, 15);
	CHECK(silence_meter(&rig, "air") == GOOD);
	rig.level[4] = 1e-4;
	took = silence_until(&rig, MISSING, 12);
	CHECK(fabs(took - 10) <= 0.0101, "%g", took);
	CHECK(silence_meter(&rig, "channel") == 5);
	silence_event(&rig, 1, MISSING);
	rig.level[4] = rig.level[0];
	took = silence_until(&rig, GOOD, 3);
	CHECK_NEAR(took, 2, 0.06);
	node_host_jump(rig.host, 0, "missing_after", 0);
	rig.level[1] = 0;
	silence_run(&rig, 20);
	CHECK(silence_meter(&rig, "air") == GOOD);
	node_host_free(rig.host);
}

TEST(silence_tells_clipping)
{
	struct silence_rig rig;

	silence_open(&rig, "mono");
	silence_level(&rig, -5); /* peaks at -0.23 dBFS */
	silence_run(&rig, 5);
	CHECK(silence_meter(&rig, "air") == GOOD && silence_meter(&rig, "clipped") == 0);
	rig.level[0] = 1.1; /* 9 % are beyond */
	silence_until(&rig, CLIPPING, 2);
	silence_run(&rig, 5);
	CHECK_NEAR(silence_meter(&rig, "clipped"), 9.2, 1);
	silence_level(&rig, -20);
	silence_until(&rig, GOOD, 4);
	silence_event(&rig, 2, GOOD);
	node_host_free(rig.host);
}

TEST(silence_of_what_is_not_a_number)
{
	static float in[4800];
	const float *const ins[] = {in};
	struct node_host *host =
		node_host_open("silence", &(struct node_host_setup){.layout = "mono"});

	for (uint32_t i = 0; i < 4800; i++)
		in[i] = NAN;
	node_host_jump(host, 0, "after", 1);
	for (int k = 0; k < 11; k++)
		node_host_process(host, ins, NULL, 4800);
	CHECK(node_host_meter(host, 0, "air") != GOOD);
	for (int k = 0; k < 25; k++) {
		for (uint32_t i = 0; i < 4800; i++)
			in[i] = (float)(test_random() - 0.5);
		node_host_process(host, ins, NULL, 4800);
	}
	CHECK(node_host_meter(host, 0, "air") == GOOD);
	node_host_free(host);
}

TEST(silence_sums_equal_plain_c_for_any_cut)
{
	float x[1000];

	for (uint32_t i = 0; i < 1000; i++)
		x[i] = (float)(test_random() - 0.5);
	for (int round = 0; round < 50; round++) {
		double a[8] = {0}, b[8] = {0};
		uint32_t phase = test_random_below(4);

		airsense_sum_plain(x, 1000, phase, a, a + 4);
		for (uint32_t at = 0, n; at < 1000; at += n) {
			n = 1 + test_random_below(60);
			n = n < 1000 - at ? n : 1000 - at;
			airsense_sum(x + at, n, phase + at, b, b + 4);
		}
		CHECK(memcmp(a, b, sizeof(a)) == 0);
	}
}
