/* test_balance.c - balance: dsp.md 3.2. */
#include "node_host.h"
#include "test.h"

#define FRAMES 256u
#define MOST 8u

static float in[MOST][FRAMES], out[MOST][FRAMES];

/* Gains of all channels with the balance at VALUE. */
static void balance_gains(const char *layout, double law, double value, double ret[MOST])
{
	struct node_host_config configs[] = {{"law", law, NULL}, {NULL, 0, NULL}};
	struct node_host *host = node_host_open(
		"balance", &(struct node_host_setup){.layout = layout, .configs = configs});
	const float *ins[MOST];
	float *outs[MOST];

	for (uint32_t c = 0; c < MOST; c++) {
		ins[c] = in[c];
		outs[c] = out[c];
		for (uint32_t i = 0; i < FRAMES; i++)
			in[c][i] = 1;
	}
	node_host_jump(host, 0, "balance", value);
	node_host_process(host, ins, outs, FRAMES);
	for (uint32_t c = 0; c < node_host_out_channels(host); c++)
		ret[c] = (double)out[c][FRAMES - 1];
	node_host_free(host);
}

TEST(balance_lowers_only_the_far_side)
{
	for (int law = 0; law < 3; law++)
		for (int p = -100; p <= 100; p++) {
			double gain[MOST];

			balance_gains("stereo", law, p, gain);
			CHECK(gain[p < 0 ? 0 : 1] == 1, "the near side is not 1 at %d", p);
			CHECK(p == 0 || gain[p < 0 ? 1 : 0] < 1, "the far side is not lower at %d",
			      p);
		}
}

TEST(balance_ends_are_silent) /* dsp.md 3.2: <= -140 dB */
{
	double gain[MOST];

	for (int law = 0; law < 3; law++) {
		balance_gains("stereo", law, -100, gain);
		CHECK(gain[0] == 1 && gain[1] == 0);
		balance_gains("stereo", law, 100, gain);
		CHECK(gain[0] == 0 && gain[1] == 1);
	}
}

TEST(balance_follows_its_law)
{
	double gain[MOST];

	for (int p = 0; p <= 100; p += 5) {
		long double theta = acosl(-1.0L) * p / 200;

		balance_gains("stereo", 0, p, gain);
		CHECK_NEAR(gain[0], (double)cosl(theta), 1e-7);
		balance_gains("stereo", 1, p, gain);
		CHECK_NEAR(gain[0], 1 - p / 100.0, 1e-7);
		balance_gains("stereo", 2, p, gain);
		CHECK_NEAR(gain[0], (double)(cosl(theta) * cosl(theta)), 1e-7);
	}
}

TEST(balance_knows_the_sides_of_surround)
{
	double gain[MOST]; /* FL FR FC LFE, surrounds left and right */

	balance_gains("5.1", 0, 100, gain);
	CHECK(gain[0] == 0 && gain[1] == 1 && gain[2] == 1 && gain[3] == 1 && gain[4] == 0 &&
	      gain[5] == 1);
	balance_gains("7.1", 0, -100, gain);
	CHECK(gain[0] == 1 && gain[1] == 0 && gain[2] == 1 && gain[4] == 1 && gain[5] == 0 &&
	      gain[6] == 1 && gain[7] == 0);
}

TEST(balance_in_the_middle_is_a_copy)
{
	struct node_host *host = node_host_open("balance", &(struct node_host_setup){0});

	for (uint32_t i = 0; i < FRAMES; i++) {
		in[0][i] = (float)(test_random() - 0.5);
		in[1][i] = (float)(test_random() - 0.5);
	}
	node_host_process(host, (const float *[]){in[0], in[1]}, (float *[]){out[0], out[1]},
			  FRAMES);
	CHECK(memcmp(in, out, 2 * sizeof(in[0])) == 0);
	node_host_free(host);
}

TEST(balance_refuses_what_has_no_sides)
{
	static const char *const layouts[] = {"mono", "3ch"};
	struct mixd_fault fault;

	for (int i = 0; i < 2; i++) {
		CHECK(!node_host_try(node_host_type("balance", NULL),
				     &(struct node_host_setup){.layout = layouts[i]}, &fault));
		CHECK(strstr(fault.text, layouts[i]) && strstr(fault.hint, "stereo"),
		      "\"%s\" \"%s\"", fault.text, fault.hint);
	}
}
