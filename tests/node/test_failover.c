/* test_failover.c - when failover switches, to what, and how it sounds: dsp.md 11.6. */
#include "node_host.h"
#include "test.h"

#define RATE 48000.0
#define BLOCK 480u /* 10 ms */
#define INPUTS 3u

enum { GOOD, SILENT, DEAD, STUCK, MISSING, UNLINKED };

struct failover_rig {
	struct node_host *host;
	double level[INPUTS]; /* of noise, linear */
	bool same; /* all inputs carry one signal, each at its level */
	double seconds;
	float in[2 * INPUTS][BLOCK], out[2][BLOCK];
};

static void failover_open(struct failover_rig *rig, bool only_first_linked)
{
	static const struct node_host_config configs[] = {{"inputs", INPUTS, NULL},
							  {NULL, 0, NULL}};

	memset(rig, 0, sizeof(*rig));
	rig->host = node_host_open(
		"failover", &(struct node_host_setup){.configs = configs,
						      .only_main_linked = only_first_linked});
	for (uint32_t k = 0; k < INPUTS; k++)
		rig->level[k] = 0.1;
}

static double failover_meter(const struct failover_rig *rig, const char *id)
{
	return node_host_meter(rig->host, 0, id);
}

static void failover_block(struct failover_rig *rig)
{
	const float *ins[2 * INPUTS];
	float *const outs[] = {rig->out[0], rig->out[1]};

	for (uint32_t c = 0; c < 2 * INPUTS; c++) {
		ins[c] = rig->in[c];
		for (uint32_t i = 0; i < BLOCK; i++) {
			double noise = 2 * test_random() - 1;

			if (rig->same && c >= 2)
				rig->in[c][i] = (float)(rig->level[c / 2] / rig->level[0]) *
						rig->in[c % 2][i];
			else
				rig->in[c][i] = (float)(rig->level[c / 2] * noise);
		}
	}
	node_host_process(rig->host, ins, outs, BLOCK);
	rig->seconds += BLOCK / RATE;
}

static void failover_run(struct failover_rig *rig, double seconds)
{
	for (double end = rig->seconds + seconds - 1e-9; rig->seconds < end;)
		failover_block(rig);
}

static double failover_until(struct failover_rig *rig, double active, double limit)
{
	double begin = rig->seconds;

	while (failover_meter(rig, "active") != active && rig->seconds - begin < limit)
		failover_block(rig);
	CHECK(failover_meter(rig, "active") == active, "input %g, not %g, after %g s",
	      failover_meter(rig, "active"), active, limit);
	return rig->seconds - begin;
}

/* The output is input K to the bit: sources stay aligned. */
static void failover_is(struct failover_rig *rig, uint32_t k)
{
	failover_run(rig, 0.1);
	CHECK(memcmp(rig->out[0], rig->in[2 * k], sizeof(rig->out[0])) == 0);
	CHECK(memcmp(rig->out[1], rig->in[2 * k + 1], sizeof(rig->out[1])) == 0);
}

/* dsp.md 11.6: mute A: switch at hold +-1 block. */
TEST(failover_switches_at_hold_and_returns)
{
	static const double holds[] = {0.1, 0.5, 5};

	for (size_t i = 0; i < sizeof(holds) / sizeof(holds[0]); i++) {
		struct failover_rig rig;
		double took, value = 0;
		uint32_t code = 0;

		failover_open(&rig, false);
		node_host_jump(rig.host, 0, "after", holds[i]);
		failover_run(&rig, 2);
		failover_is(&rig, 0);
		rig.level[0] = 0;
		took = failover_until(&rig, 2, 7);
		CHECK(fabs(took - holds[i]) <= 0.0101, "after %g s, not %g", took, holds[i]);
		CHECK(node_host_events(rig.host, &code, &value) == 1 && code == 1 && value == 2);
		CHECK(failover_meter(&rig, "source1") == DEAD);
		failover_is(&rig, 1);
		rig.level[1] = 1e-4; /* and the next, and then there is none */
		took = failover_until(&rig, 3, 7);
		CHECK(fabs(took - holds[i]) <= 0.0101);
		CHECK(failover_meter(&rig, "source2") == SILENT);
		rig.level[2] = 0;
		failover_run(&rig, holds[i] + 0.05);
		CHECK(failover_meter(&rig, "active") == 3 && failover_meter(&rig, "alarm") == 1);
		CHECK(node_host_events(rig.host, &code, &value) == 3 && code == 2);
		rig.level[0] = rig.level[1] = rig.level[2] = 0.1;
		took = failover_until(&rig, 1, 5);
		CHECK(fabs(took - 2) <= 0.0101, "back after %g s", took);
		CHECK(failover_meter(&rig, "alarm") == 0 && failover_meter(&rig, "switches") == 3);
		failover_is(&rig, 0);
		node_host_free(rig.host);
	}
}

/* dsp.md 11.6: an input that flaps, 1 s on and 1 s off: one switch at most. */
TEST(failover_does_not_follow_what_flaps)
{
	static const double afters[] = {0.5, 0.9, 2, 5};

	for (size_t i = 0; i < sizeof(afters) / sizeof(afters[0]); i++) {
		struct failover_rig rig;

		failover_open(&rig, false);
		node_host_jump(rig.host, 0, "after", afters[i]);
		for (int k = 0; k < 20; k++) {
			rig.level[0] = k % 2 ? 0 : 0.1;
			failover_run(&rig, 1);
		}
		CHECK(failover_meter(&rig, "switches") <= 1, "%g switches",
		      failover_meter(&rig, "switches"));
		CHECK(failover_meter(&rig, "active") == (afters[i] < 1 ? 2 : 1));
		node_host_free(rig.host);
	}
}

/* dsp.md 11.6: the level stands within 0.5 dB for equal sources: for one signal on both, for two
 * that have nothing in common, and at the ends of the range of fades. */
TEST(failover_keeps_the_level_in_the_fade)
{
	static const double fades_ms[] = {500, 2000};

	for (int same = 0; same <= 1; same++)
		for (size_t i = 0; i < 2; i++) {
			struct failover_rig rig;
			double worst = 0, want = 0.1 * 0.1 / 3;

			failover_open(&rig, false);
			rig.same = same;
			node_host_jump(rig.host, 0, "fade", fades_ms[i]);
			failover_run(&rig, 1);
			node_host_set(rig.host, 0, "force", 2);
			for (int part = 0; part < 24; part++) {
				double power = 0;

				for (int k = 0; k < 10; k++) { /* 100 ms */
					failover_block(&rig);
					for (uint32_t n = 0; n < 2 * BLOCK; n++)
						power += (double)rig.out[n / BLOCK][n % BLOCK] *
							 (double)rig.out[n / BLOCK][n % BLOCK] /
							 (20 * BLOCK);
				}
				worst = fmax(worst, fabs(10 * log10(power / want)));
			}
			test_note("%s, %g ms: at most %.2f dB", same ? "one signal" : "two signals",
				  fades_ms[i], worst);
			CHECK(worst <= 0.5, "%.2f dB", worst);
			CHECK(failover_meter(&rig, "active") == 2);
			failover_is(&rig, 1);
			node_host_free(rig.host);
		}
}

TEST(failover_fade_has_its_length_and_no_step)
{
	struct failover_rig rig;
	float last = 0.5f;
	uint32_t changed = 0;

	failover_open(&rig, false);
	node_host_jump(rig.host, 0, "fade", 0); /* as short as goes: 5 ms */
	failover_run(&rig, 1);
	node_host_set(rig.host, 0, "force", 3);
	for (int k = 0; k < 4; k++) {
		static float dc[2 * INPUTS][BLOCK];
		const float *ins[2 * INPUTS];
		float *const outs[] = {rig.out[0], rig.out[1]};

		for (uint32_t c = 0; c < 2 * INPUTS; c++) {
			ins[c] = dc[c];
			for (uint32_t i = 0; i < BLOCK; i++)
				dc[c][i] = c / 2 == 0 ? 0.5f : c / 2 == 2 ? -0.5f : 0;
		}
		node_host_process(rig.host, ins, outs, BLOCK);
		for (uint32_t i = 0; i < BLOCK; i++) {
			CHECK(fabsf(rig.out[0][i] - last) < 0.01f);
			changed += rig.out[0][i] != last;
			last = rig.out[0][i];
		}
	}
	CHECK(last == -0.5f);
	CHECK(changed <= 240 && changed >= 238, "%u frames", changed);
	node_host_free(rig.host);
}

TEST(failover_obeys_a_person)
{
	struct failover_rig rig;

	failover_open(&rig, false);
	failover_run(&rig, 1);
	rig.level[2] = 0;
	node_host_set(rig.host, 0, "force", 3); /* even to silence */
	failover_run(&rig, 20);
	CHECK(failover_meter(&rig, "active") == 3 && failover_meter(&rig, "source3") == DEAD);
	failover_is(&rig, 2);
	node_host_set(rig.host, 0, "force", 8); /* there is none: automatic */
	failover_until(&rig, 1, 0.2);
	/* With revert off the better one waits. */
	node_host_set(rig.host, 0, "force", 0);
	node_host_set(rig.host, 0, "revert", 0);
	rig.level[0] = 0;
	failover_until(&rig, 2, 6);
	rig.level[0] = 0.1;
	failover_run(&rig, 10);
	CHECK(failover_meter(&rig, "source1") == GOOD && failover_meter(&rig, "active") == 2);
	node_host_set(rig.host, 0, "revert", 1);
	failover_until(&rig, 1, 0.1);
	node_host_free(rig.host);
}

TEST(failover_senses_stuck_and_missing)
{
	static float in[2 * INPUTS][BLOCK];
	const float *ins[2 * INPUTS];
	struct failover_rig rig;

	for (int fault = STUCK; fault <= MISSING; fault++) {
		failover_open(&rig, false);
		for (int block = 0; block < 2200; block++) {
			for (uint32_t c = 0; c < 2 * INPUTS; c++) {
				ins[c] = in[c];
				for (uint32_t i = 0; i < BLOCK; i++)
					in[c][i] = (float)(0.2 * test_random() - 0.1);
			}
			for (uint32_t i = 0; i < BLOCK && block >= 100; i++) {
				if (fault == STUCK)
					in[0][i] = in[1][i] = 0.03f;
				else
					in[1][i] = 0;
			}
			node_host_process(rig.host, ins, NULL, BLOCK);
			if (block == 100 + (fault == STUCK ? 95 : 1490))
				CHECK(failover_meter(&rig, "active") == 1);
			if (block == 100 + (fault == STUCK ? 105 : 1510))
				CHECK(failover_meter(&rig, "active") == 2, "fault %d", fault);
		}
		CHECK(failover_meter(&rig, "source1") == fault);
		node_host_free(rig.host);
	}
}

TEST(failover_never_takes_what_is_not_linked)
{
	struct failover_rig rig;

	failover_open(&rig, true);
	failover_run(&rig, 1);
	CHECK(failover_meter(&rig, "source2") == UNLINKED);
	rig.level[0] = 0;
	failover_run(&rig, 10);
	CHECK(failover_meter(&rig, "active") == 1 && failover_meter(&rig, "alarm") == 1);
	node_host_free(rig.host);
}
