/* dsp/dynamics.h: against libm, and the recursions against plain C to the bit. */
#include "dynamics.h"
#include "test.h"

#define FRAMES 300u

TEST(level_is_log2_to_a_thousandth_of_a_db)
{
	double worst = 0;
	float x[128];

	for (double db = -118; db < 60; db += 128 * 0.003) {
		float want[128];

		for (uint32_t i = 0; i < 128; i++) {
			want[i] = (float)pow(10, (db + 0.003 * i) / 20);
			x[i] = want[i] * want[i];
		}
		dyn_level(x, 128);
		for (uint32_t i = 0; i < 128; i++)
			worst = fmax(worst, fabs(x[i] - log2(want[i])) * DYN_DB_PER_LOG2);
	}
	test_note("worst %.2g dB", worst);
	CHECK(worst < 1e-4, "%g dB", worst);
}

TEST(gain_is_exp2_to_a_thousandth_of_a_db)
{
	struct dyn_out out = {.makeup = {3.5f, 0}, .mix = {1, 0}};
	double worst = 0;
	float x[128], want[128];

	for (double begin = 0; begin < 30; begin += 0.5) {
		float most;

		for (uint32_t i = 0; i < 128; i++)
			x[i] = want[i] = (float)(begin + i / 256.0);
		most = dyn_gain(&out, 0, x, 128);
		CHECK(most == want[127]);
		for (uint32_t i = 0; i < 128; i++)
			worst = fmax(worst, fabs(20 * log10(x[i] / exp2(3.5 - want[i]))));
	}
	test_note("worst %.2g dB", worst);
	CHECK(worst < 1e-4, "%g dB", worst);
}

TEST(what_is_not_a_number_counts_as_silence)
{
	float x[4] = {NAN, INFINITY, -INFINITY, 1e30f}, y[4];

	dyn_power(x, y, 4);
	CHECK(y[0] == 0.0f);
	for (uint32_t i = 0; i < 4; i++)
		CHECK(isfinite(y[i]));
	dyn_level(y, 4);
	for (uint32_t i = 0; i < 4; i++)
		CHECK(isfinite(y[i]), "%u: %g", i, y[i]);
}

TEST(reduction_does_not_depend_on_the_cut)
{
	struct dyn_curve curve = {{-3, 0.01f}, {0.75f, -0.002f}, {4, 0.1f}, 1.0f, 0.5f};
	float whole[16], cut[16];

	for (uint32_t i = 0; i < 16; i++)
		whole[i] = cut[i] = (float)(-5 + 6 * test_random());
	dyn_reduce(&curve, 0, whole, 16);
	dyn_reduce(&curve, 0, cut, 5);
	dyn_reduce(&curve, 5, cut + 5, 11);
	CHECK(memcmp(whole, cut, sizeof(whole)) == 0);
}

TEST(smoothing_equals_plain_c_to_the_bit)
{
	static float fast[FRAMES * 8] __attribute__((aligned(64)));
	static float plain[FRAMES * 8], release[FRAMES * 8] __attribute__((aligned(64)));
	double state[DYN_STATE_COUNT_ * 8] __attribute__((aligned(64)));
	double twin[DYN_STATE_COUNT_ * 8];
	double coef[DYN_COEF_COUNT_ * 8] __attribute__((aligned(64)));

	for (uint32_t trial = 0; trial < 100; trial++) {
		uint32_t width = 2u << trial % 3;
		bool hold = trial & 1, automatic = trial & 2;

		memset(state, 0, sizeof(state));
		memset(coef, 0, sizeof(coef));
		for (uint32_t lane = 0; lane < width; lane++) {
			coef[DYN_COEF_ATTACK * width + lane] = test_random();
			coef[DYN_COEF_RELEASE * width + lane] = 1 - 0.1 * test_random();
			coef[DYN_COEF_HOLD_FRAMES * width + lane] = test_random_below(3) * 7;
			coef[DYN_COEF_AUTO * width + lane] = test_random_below(2);
		}
		for (uint32_t i = 0; i < FRAMES * width; i++) {
			fast[i] = plain[i] = (float)fmax(0, test_random() * 4 - 3);
			release[i] = (float)test_random();
		}
		memcpy(twin, state, sizeof(twin));
		for (uint32_t done = 0, n; done < FRAMES; done += n) {
			n = 1 + test_random_below(FRAMES - done);
			dyn_smooth(width, fast + done * width,
				   automatic ? release + done * width : NULL, hold, state, coef, n);
		}
		dyn_smooth_plain(width, plain, automatic ? release : NULL, hold, twin, coef,
				 FRAMES);
		CHECK(memcmp(fast, plain, FRAMES * width * sizeof(float)) == 0, "width %u", width);
		CHECK(memcmp(state, twin, sizeof(state)) == 0, "width %u", width);
	}
}
