/* test_engine_links.c - sends: taps before and behind a node, level, pan, mute; how they move. */
#include <errno.h>
#include <stdio.h>

#include "engine_rig.h"

static double link_dc(uint64_t position, uint32_t channel)
{
	return 0.5;
}

static void link_set(struct rig *rig, const char *link, const char *settings)
{
	char *copy = strdup(settings), *rest = copy, *word, address[400];

	while ((word = strsep(&rest, " "))) {
		char *value = strchr(word, '=');

		*value++ = 0;
		snprintf(address, sizeof(address), "%s.%s", link, word);
		rig_q_set(rig, address, value, 0);
	}
	rig_commit(rig);
	free(copy);
}

static double link_last(const struct rig *rig, uint32_t channel)
{
	return (double)rig->out[channel][rig->n_out - 1];
}

/* in -> g (-20 dB) -> out */
static struct rig *link_open(void)
{
	struct rig *rig = rig_open(false);

	rig_ends(rig);
	rig_q_add(rig, "g", "gain", "gain=-20dB");
	rig_q_link(rig, "in", "g", 0);
	rig_q_link(rig, "g", "out", 0);
	rig_commit(rig);
	return rig;
}

TEST(links_pre_takes_what_enters_the_node)
{
	struct rig *rig = link_open();

	link_set(rig, "g->out", "tap=pre");
	rig_run(rig, 4800, 128);
	for (uint64_t i = 2400; i < 4800; i++)
		CHECK(rig->out[0][i] == (float)rig_noise(i, 0), "as it came, to the bit");
	link_set(rig, "g->out", "level=-6dB");
	rig_run(rig, 4800, 128);
	CHECK_NEAR(link_last(rig, 1), rig_noise(rig->n_out - 1, 1) * pow(10, -0.3), 1e-7);
	link_set(rig, "g->out", "tap=post level=0dB");
	rig_run(rig, 4800, 128);
	CHECK_NEAR(link_last(rig, 1), rig_noise(rig->n_out - 1, 1) * 0.1, 1e-7);
	rig_close(rig);
}

TEST(links_pre_is_the_sum_of_all_that_feeds_it)
{
	struct rig *rig = link_open();

	rig_q_add(rig, "h", "gain", "gain=-6dB");
	rig_q_link(rig, "in", "h", 0);
	rig_q_link(rig, "h", "g", -12);
	rig_commit(rig);
	link_set(rig, "g->out", "tap=pre");
	rig_run(rig, 4800, 128);
	CHECK_NEAR(link_last(rig, 0), rig_noise(rig->n_out - 1, 0) * (1 + pow(10, -18.0 / 20)),
		   1e-7);
	rig_close(rig);
}

TEST(links_pre_is_compensated_for_latency)
{
	struct rig *rig = link_open();

	rig_q_add(rig, "early", "late", "frames=50"); /* before the tap */
	rig_q_add(rig, "fx", "late", "frames=300"); /* behind the send */
	rig_q_unlink(rig, "in", "g");
	rig_q_link(rig, "in", "early", 0);
	rig_q_link(rig, "early", "g", 0);
	rig_q_link(rig, "g", "fx", 0);
	rig_q_link(rig, "fx", "out", 0);
	rig_commit(rig);
	link_set(rig, "g->fx", "tap=pre level=-6dB");
	rig_run(rig, 9600, 97);
	for (uint64_t i = 4800; i < 9600; i++)
		CHECK_NEAR((double)rig->out[0][i], rig_noise(i - 350, 0) * (0.1 + pow(10, -0.3)),
			   1e-7);
	rig_close(rig);
}

TEST(links_pre_is_no_way_back)
{
	struct rig *rig = rig_open(false);

	/* what enters j goes by h into its key: h does not hear j */
	rig_ends(rig);
	rig_q_add(rig, "j", "join", NULL);
	rig_q_add(rig, "h", "gain", NULL);
	rig_q_link(rig, "in", "j", 0);
	rig_q_link(rig, "j", "h", 0);
	rig_q_link(rig, "h", "j:key", 0);
	rig_q_link(rig, "j", "out", 0);
	CHECK(rig_try(rig) == -ELOOP);
	rig_q_add(rig, "j", "join", NULL);
	rig_q_add(rig, "h", "gain", NULL);
	rig_q_link(rig, "in", "j", 0);
	rig_q_link(rig, "j", "h", 0);
	rig_q_set(rig, "j->h.tap", "pre", 0);
	rig_q_link(rig, "h", "j:key", 0);
	rig_q_link(rig, "j", "out", 0);
	rig_commit(rig);
	rig_run(rig, 4800, 128);
	CHECK_NEAR(link_last(rig, 0), 0, 1e-7); /* in - key */
	rig_close(rig);
}

TEST(links_pre_is_refused_where_there_is_nothing)
{
	struct rig *rig = link_open();

	rig_q_link(rig, "in", "out", 0);
	rig_q_set(rig, "in->out.tap", "pre", 0);
	CHECK(rig_try(rig) == -EINVAL);
	CHECK(strstr(rig->err.text, "nothing before it to tap") && rig->err.hint[0], "%s",
	      rig->err.text);
	CHECK_STR(rig->err.address, "in->out");
	CHECK(instance_model(rig->instance)->n_links == 2);
	rig_close(rig);
}

TEST(links_pan_mono_by_the_law_and_stereo_by_balance)
{
	static const struct {
		const char *pan;
		double left, right;
	} mono[] = {{"C", 1, 1}, {"L100", M_SQRT2, 0}, {"R100", 0, M_SQRT2}, {"L50", 0, 0}},
	  stereo[] = {{"C", 1, 1}, {"L100", 1, 0}, {"R50", M_SQRT1_2, 1}};

	for (int n = 1; n <= 2; n++) {
		struct rig *rig = rig_open(false);

		rig->signal = link_dc;
		rig_q_add(rig, "in", "input", n == 1 ? "layout=mono" : "layout=stereo");
		rig_q_add(rig, "out", "output", "layout=stereo");
		rig_q_link(rig, "in", "out", 0);
		rig_commit(rig);
		for (size_t i = 0; i < (n == 1 ? 4 : 3); i++) {
			double left = n == 1 ? mono[i].left : stereo[i].left;
			double right = n == 1 ? mono[i].right : stereo[i].right;

			if (n == 1 && i == 3) { /* half way to the left: 22.5 degrees */
				left = M_SQRT2 * cos(M_PI / 8);
				right = M_SQRT2 * sin(M_PI / 8);
			}
			rig_set(rig, "in->out.pan", n == 1 ? mono[i].pan : stereo[i].pan);
			rig_run(rig, 4800, 128);
			CHECK_NEAR(link_last(rig, 0), 0.5 * left, 1e-7);
			CHECK_NEAR(link_last(rig, 1), 0.5 * right, 1e-7);
		}
		rig_close(rig);
	}
}

TEST(links_pan_needs_stereo)
{
	struct rig *rig = rig_open(false);

	rig_q_add(rig, "in", "input", "layout=mono");
	rig_q_add(rig, "g", "gain", "layout=mono");
	rig_q_link(rig, "in", "g", 0);
	rig_q_set(rig, "in->g.pan", "L30", 0);
	CHECK(rig_try(rig) == -EINVAL);
	CHECK(strstr(rig->err.text, "no left and right"), "%s", rig->err.text);
	rig_close(rig);
}

/* ---- how they move ---- */

static double link_largest_step(const struct rig *rig, uint64_t from)
{
	double most = 0;

	for (uint32_t c = 0; c < 2; c++)
		for (uint64_t i = from + 1; i < rig->n_out; i++)
			most = fmax(most,
				    fabs((double)rig->out[c][i] - (double)rig->out[c][i - 1]));
	return most;
}

TEST(links_move_without_a_new_plan_and_without_a_click)
{
	static const char *const changes[] = {"level=-30dB", "mute=on",	 "level=6dB",
					      "mute=off",    "pan=L100", "pan=R70",
					      "tap=pre",     "pan=C",	 "tap=post"};
	struct rig *rig = link_open();
	struct engine_stats before, after;

	rig->signal = link_dc;
	rig_set(rig, "g.gain", "-3dB");
	rig_run(rig, 9600, 128);
	engine_stats(rig->engine, &before);
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		uint64_t from = rig->n_out - 1;

		link_set(rig, "g->out", changes[i]);
		rig_run(rig, 4800, 64);
		/* a smoothstep over 960 frames moves by 1.5/960 of the way at most, pan by twice
		 * that */
		CHECK(link_largest_step(rig, from) < 2 * 1.0 * 1.5 / 960, "%s: %g", changes[i],
		      link_largest_step(rig, from));
	}
	engine_stats(rig->engine, &after);
	CHECK(before.n_steps == after.n_steps);
	CHECK_NEAR(link_last(rig, 0), 0.5 * pow(10, 3.0 / 20), 1e-6);
	rig_close(rig);
}

TEST(links_take_the_time_they_are_told)
{
	for (int with_node = 0; with_node < 2; with_node++) {
		struct rig *rig = link_open();
		uint64_t from;

		rig->signal = link_dc;
		rig_set(rig, "g.gain", "0dB");
		rig_run(rig, 9600, 128);
		from = rig->n_out;
		rig_q_set(rig, "g->out.level", "-inf", 1000);
		if (with_node) /* the same with a new plan */
			rig_q_add(rig, "other", "gain", NULL);
		rig_commit(rig);
		rig_run(rig, 48000, 128);
		CHECK_NEAR((double)rig->out[0][from + 24000], 0.25, 1e-3);
		CHECK_NEAR((double)rig->out[0][from + 12000], 0.5 * (1 - 0.15625), 1e-3);
		CHECK_NEAR(link_last(rig, 0), 0, 1e-6);
		rig_close(rig);
	}
}

TEST(links_undo_gives_back_what_was)
{
	struct rig *rig = link_open();
	struct instance_request request = {.by = "test"};
	struct instance_result result = {0};

	rig->signal = link_dc;
	link_set(rig, "g->out", "level=-6dB pan=L100 tap=pre mute=on");
	rig_run(rig, 4800, 128);
	CHECK_NEAR(link_last(rig, 0), 0, 0);
	CHECK(instance_undo(rig->instance, 1, &request, &result, &rig->err) == 0);
	instance_result_done(&result);
	rig_run(rig, 4800, 128);
	CHECK_NEAR(link_last(rig, 1), 0.05, 1e-7);
	CHECK_STR(instance_history(rig->instance, 0)->summary, "set g->out.mute=off (+3)");
	rig_close(rig);
}

TEST(links_do_not_depend_on_how_time_is_cut)
{
	struct rig *rigs[2] = {link_open(), link_open()};

	for (int k = 0; k < 2; k++) {
		struct rig *rig = rigs[k];

		rig_run(rig, 5000, k ? 37 : 5000);
		link_set(rig, "g->out", "level=-6dB pan=R40 tap=pre");
		rig_run(rig, 5000, k ? 111 : 1000);
		rig_q_set(rig, "g->out.level", "3dB", 50);
		rig_commit(rig);
		rig_run(rig, 5000, k ? 1 : 128);
		rig_set(rig, "g->out.pan", "C");
		rig_run(rig, 5000, k ? 500 : 4096);
	}
	for (uint32_t c = 0; c < 2; c++)
		CHECK(memcmp(rigs[0]->out[c], rigs[1]->out[c], 20000 * sizeof(float)) == 0);
	rig_close(rigs[0]);
	rig_close(rigs[1]);
}
