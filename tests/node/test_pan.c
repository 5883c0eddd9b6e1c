/* test_pan.c - pan: the laws of dsp.md 3.2. */
#include "node_host.h"
#include "test.h"

#define FRAMES 256u

static float in[2][FRAMES], out[2][FRAMES];
static const float *const ins[] = {in[0], in[1]};
static float *const outs[] = {out[0], out[1]};

/* Gains from left and right input to both outputs, in that order: LL LR RL RR. */
static void pan_gains(const char *layout, const struct node_host_config *configs, double pan,
		      double width, double ret[4])
{
	struct node_host *host = node_host_open(
		"pan", &(struct node_host_setup){.in_layout = layout, .configs = configs});

	node_host_jump(host, 0, "pan", pan);
	node_host_jump(host, 0, "width", width);
	for (int side = 0; side < 2; side++) {
		for (uint32_t i = 0; i < FRAMES; i++) {
			in[0][i] = side == 0;
			in[1][i] = side == 1;
		}
		node_host_process(host, ins, outs, FRAMES);
		ret[2 * side] = (double)out[0][FRAMES - 1];
		ret[2 * side + 1] = (double)out[1][FRAMES - 1];
	}
	node_host_free(host);
}

static double db(double gain)
{
	return 20 * log10(gain);
}

TEST(pan_laws_have_their_centre)
{
	static const double centre_db[] = {-3.01, -4.52, -6.02};

	for (int law = 0; law < 3; law++) {
		struct node_host_config configs[] = {{"law", law, NULL}, {NULL, 0, NULL}};
		double gain[4];

		pan_gains("mono", configs, 0, 100, gain);
		CHECK_NEAR(db(gain[0]), centre_db[law], 0.005);
		CHECK_NEAR(gain[0], gain[1], 1e-6);
	}
}

TEST(pan_constant_power_keeps_power)
{
	for (int p = -100; p <= 100; p++) {
		double gain[4];

		pan_gains("mono", NULL, p, 100, gain);
		CHECK_NEAR(gain[0] * gain[0] + gain[1] * gain[1], 1, 0.0005);
	}
}

TEST(pan_ends_are_silent)
{
	double gain[4];

	pan_gains("mono", NULL, -100, 100, gain);
	CHECK(gain[0] == 1 && gain[1] == 0, "%g %g", gain[0], gain[1]);
	pan_gains("mono", NULL, 100, 100, gain);
	CHECK(gain[0] == 0 && gain[1] == 1, "%g %g", gain[0], gain[1]);
}

TEST(pan_compensated_centre_is_0_db)
{
	for (int law = 0; law < 3; law++) {
		struct node_host_config configs[] = {
			{"law", law, NULL}, {"compensate", 1, NULL}, {NULL, 0, NULL}};
		double gain[4];

		pan_gains("mono", configs, 0, 100, gain);
		CHECK_NEAR(db(gain[0]), 0, 0.001);
	}
}

TEST(pan_balance_lowers_only_the_far_side)
{
	for (int p = -100; p <= 100; p += 10) {
		double gain[4];

		pan_gains("stereo", NULL, p, 100, gain);
		CHECK(gain[1] == 0 && gain[2] == 0, "crosstalk at %d", p);
		CHECK(gain[p > 0 ? 3 : 0] == 1, "the near side is not 1 at %d", p);
		CHECK(gain[p > 0 ? 0 : 3] <= 1 && (p == 0 || gain[p > 0 ? 0 : 3] < 1));
	}
}

TEST(pan_stereo_places_both_sides)
{
	struct node_host_config configs[] = {{"mode", 1, NULL}, {NULL, 0, NULL}};
	double gain[4];

	pan_gains("stereo", configs, 0, 100, gain);
	CHECK(gain[0] == 1 && gain[1] == 0 && gain[2] == 0 && gain[3] == 1, "not as it was");
	pan_gains("stereo", configs, 0, 0, gain);
	CHECK_NEAR(db(gain[0]), -3.01, 0.005);
	CHECK_NEAR(gain[0], gain[2], 1e-6);
	pan_gains("stereo", configs, 0, -100, gain);
	CHECK(gain[0] == 0 && gain[1] == 1 && gain[2] == 1 && gain[3] == 0, "sides not changed");
	pan_gains("stereo", configs, 100, 100, gain);
	CHECK_NEAR(db(gain[0]), -3.01, 0.005);
	CHECK(gain[2] == 0 && gain[3] == 1);
}

TEST(pan_refuses_surround_with_a_remedy)
{
	struct mixd_fault fault;
	const struct mixd_node_type *type = node_host_type("pan", NULL);

	CHECK(type && !node_host_try(type, &(struct node_host_setup){.layout = "5.1"}, &fault));
	CHECK(strstr(fault.text, "5.1") && strstr(fault.hint, "stereo"), "\"%s\" \"%s\"",
	      fault.text, fault.hint);
}
