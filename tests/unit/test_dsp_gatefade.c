/* dsp/gatefade.h and dyn_swing(): frame by frame and in blocks give the same bits. */
#include "dynamics.h"
#include "gatefade.h"
#include "test.h"

#define RATE 48000.0
#define FRAMES 40000u

static float power[FRAMES], whole[FRAMES], cut[FRAMES];

/* Bursts, wobbles and silences of all lengths. */
static void material(void)
{
	for (uint32_t i = 0, end = 0; i < FRAMES; i++) {
		static double level_db;

		if (i == end) {
			level_db = test_random() < 0.3 ? -200 : -60 + 40 * test_random();
			end = i + 1 + test_random_below(1500);
		}
		power[i] = (float)pow(10, (level_db + 3 * test_random()) / 10);
	}
}

static void run(float *part, uint32_t most)
{
	struct gatefade fade = {0};

	gatefade_set(&fade, -40, 4, 0.002, 0.006, 0.01, RATE);
	for (uint32_t at = 0, n; at < FRAMES; at += n) {
		enum gatefade_is is;

		n = 1 + test_random_below(most);
		n = n < FRAMES - at ? n : FRAMES - at;
		is = gatefade_run(&fade, power + at, part + at, n);
		for (uint32_t i = 0; is != GATEFADE_MOVES && i < n; i++)
			part[at + i] = is == GATEFADE_OPEN ? 1 : 0;
	}
}

TEST(gate_does_not_depend_on_the_cut)
{
	uint32_t shut = 0, opened = 0;

	material();
	run(whole, 128);
	run(cut, 1);
	for (uint32_t i = 0; i < FRAMES; i++) {
		CHECK(whole[i] == cut[i], "frame %u: %g, %g", i, whole[i], cut[i]);
		shut += whole[i] == 0;
		opened += whole[i] == 1;
	}
	CHECK(shut > FRAMES / 20 && opened > FRAMES / 20, "%u shut, %u open", shut, opened);
}

TEST(fade_is_an_s_in_db)
{
	const struct gatefade_gain gain = {.range = {10, 0}, .inverted = {0, 0}, .silent = 9.999f};
	float x[128];

	for (uint32_t i = 0; i < 128; i++)
		x[i] = (float)i / 127;
	CHECK(gatefade_gain(&gain, 0, x, 128) == 10);
	CHECK(x[0] == 0 && x[127] == 1); /* SILENT and more is silence */
	for (uint32_t i = 5; i < 127; i++) {
		double p = i / 127.0;

		CHECK_NEAR(log2(x[i]), -10 * (1 - p * p * (3 - 2 * p)), 1e-5);
	}
}

TEST(swing_rises_waits_and_falls)
{
	struct dyn_swing swing = {.up = 0.1, .down = 0.01, .hold_frames = 50}, again = swing;
	double value = 0;
	uint32_t held = 0;

	for (uint32_t i = 0; i < FRAMES; i++)
		whole[i] = cut[i] = (float)(i / 700 % 2 ? 1 : -2 + test_random());
	for (uint32_t i = 0; i < FRAMES; i++) {
		double x = whole[i];

		if (x >= value)
			held = 0;
		else if (held < 50)
			x = value, held++;
		value += (x >= value ? 0.1 : 0.01) * (x - value);
		power[i] = (float)value;
	}
	dyn_swing(&swing, whole, FRAMES);
	for (uint32_t at = 0, n; at < FRAMES; at += n) {
		n = 1 + test_random_below(128);
		n = n < FRAMES - at ? n : FRAMES - at;
		dyn_swing(&again, cut + at, n);
	}
	for (uint32_t i = 0; i < FRAMES; i++)
		CHECK(whole[i] == power[i] && cut[i] == power[i], "frame %u", i);
	/* At rest it is what is wanted, to the bit. */
	swing.value = (double)0.3f;
	for (uint32_t i = 0; i < 1000; i++)
		whole[i] = 0.3f;
	dyn_swing(&swing, whole, 1000);
	CHECK(whole[999] == 0.3f && swing.value == (double)0.3f);
}
