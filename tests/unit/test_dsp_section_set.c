/* test_dsp_section_set.c - coefficients that travel, come and go. */
#include "section_set.h"
#include "test.h"

#define CELL 16u

static struct section_set_slot slot[2];
static struct section_set set;
static union section_word target[2];

static void begin(void)
{
	memset(slot, 0, sizeof(slot));
	set = (struct section_set){.slot = slot, .n = 2};
	for (uint32_t i = 0; i < 2; i++)
		for (uint32_t j = 0; j < SVF_COEFS; j++)
			target[i].word[j] = 0.1 * (i + 1) + 0.01 * j;
}

static bool turn(bool identity, bool jump, bool *ret_clear)
{
	return section_set_update(&set, target, identity, jump, CELL, ret_clear);
}

static void make_identity(void)
{
	for (uint32_t i = 0; i < 2; i++)
		target[i].of.d0 = target[i].of.d1 = target[i].of.d2 = 0;
}

TEST(section_set_jumps)
{
	bool clear;
	double words[4 * SVF_COEFS];

	begin();
	CHECK(!turn(false, true, &clear) && !clear && set.active && !set.moving);
	section_set_write(&set, words, 1);
	for (uint32_t i = 0; i < 2; i++)
		for (uint32_t j = 0; j < SVF_COEFS; j++) {
			CHECK(words[2 * i * SVF_COEFS + j] == target[i].word[j]);
			CHECK(words[(2 * i + 1) * SVF_COEFS + j] == 0);
		}
}

TEST(section_set_enters_as_the_identity_and_arrives)
{
	bool clear;
	double words[4 * SVF_COEFS];

	begin();
	CHECK(turn(false, false, &clear) && set.active && set.moving);
	section_set_write(&set, words, 1);
	CHECK(words[0] == target[0].of.a && words[3] == 0 && words[4] == 0 && words[5] == 0);
	CHECK_NEAR(words[SVF_COEFS + 3] * CELL, target[0].of.d0, 1e-15);
	section_set_advance(&set, CELL);
	CHECK(!turn(false, false, &clear) && !set.moving);
	section_set_write(&set, words, 1);
	CHECK(words[3] == target[0].of.d0 && words[SVF_COEFS + 3] == 0);
}

/* T1 */
TEST(section_set_leaves_after_it_has_become_the_identity)
{
	bool clear;

	begin();
	turn(false, true, &clear);
	make_identity();
	CHECK(turn(true, false, &clear) && !clear && set.active && set.moving);
	section_set_advance(&set, CELL);
	turn(true, false, &clear);
	CHECK(clear && !set.active && !set.moving);
	CHECK(slot[0].now.word[0] == 0 && slot[1].now.word[5] == 0);
	CHECK(!turn(true, false, &clear) && !clear);
}

TEST(section_set_goes_on_from_where_an_event_cut_it)
{
	bool clear;
	double words[4 * SVF_COEFS], half = 0;

	begin();
	turn(false, true, &clear);
	half = target[0].of.a;
	target[0].of.a += 1;
	turn(false, false, &clear);
	section_set_advance(&set, CELL / 2);
	target[0].of.a = 7;
	turn(false, false, &clear);
	section_set_write(&set, words, 1);
	CHECK_NEAR(words[0], half + 0.5, 1e-15);
	CHECK_NEAR(words[0] + CELL * words[SVF_COEFS], 7, 1e-14);
	/* and a departure that is cut does not count as arrived */
	make_identity();
	turn(true, false, &clear);
	section_set_advance(&set, CELL / 2);
	CHECK(turn(true, false, &clear) && !clear && set.active);
}

TEST(section_set_parts_and_removed_add_up)
{
	struct svf_coef coef = {0.5, 0.2, 0.3, -0.4, 0.7, 0.9}, none = section_part(&coef, 0);
	struct svf_coef rest = section_removed(&coef), half = section_scaled(&coef, 0.5);

	CHECK(none.d0 == 0 && none.d1 == 0 && none.d2 == 0 && none.a == coef.a);
	/* y = x + d0 x + ...; the rest is x - y */
	CHECK_NEAR((1 + coef.d0) + (1 + rest.d0), 1, 1e-15);
	CHECK(rest.d1 == -coef.d1 && rest.d2 == -coef.d2);
	CHECK_NEAR(1 + half.d0, 0.5 * (1 + coef.d0), 1e-15);
	CHECK(half.d1 == 0.5 * coef.d1 && half.d2 == 0.5 * coef.d2);
}
