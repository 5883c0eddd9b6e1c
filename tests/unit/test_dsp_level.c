/* The kernels of level: the running minimum against the plain one, the gain that keeps promises,
 * K-weighting in lanes, the law of the leveler. */
#include "kweight.h"
#include "levellaw.h"
#include "level.h"
#include "limitgain.h"
#include "loudness.h"
#include "slidemin.h"
#include "test.h"

#define N 6000u

TEST(slidemin_equals_a_plain_search)
{
	static const uint32_t windows[] = {16, 17, 31, 32, 33, 63, 64, 553, 1023, 1024, 2047, 2473};
	static float in[SLIDEMIN_CHUNK + N], out[N];
	float *ring = malloc(slidemin_floats(2473) * sizeof(float));

	for (uint32_t i = 0; i < SLIDEMIN_CHUNK + N; i++)
		in[i] = i < SLIDEMIN_CHUNK ? 1.0f : (float)test_random();
	for (uint32_t k = 0; k < sizeof(windows) / sizeof(windows[0]); k++) {
		struct slidemin slidemin;

		slidemin_init(&slidemin, 2473, ring, 1.0f);
		slidemin_set_window(&slidemin, windows[k]);
		for (uint32_t at = 0, n; at < N; at += n) {
			n = test_random() < 0.5 ? 1 + test_random_below(40)
						: 16 * (1 + test_random_below(8));
			n = n < N - at ? n : N - at;
			slidemin_run(&slidemin, in + SLIDEMIN_CHUNK + at, out + at, n);
		}
		for (uint32_t i = 0; i < N; i++) {
			float want = 1.0f;

			for (uint32_t j = 0; j < windows[k] && j <= i; j++)
				want = fminf(want, in[SLIDEMIN_CHUNK + i - j]);
			CHECK(out[i] == want, "window %u frame %u", windows[k], i);
		}
	}
	free(ring);
}

TEST(slidemin_windows_change_at_any_frame)
{
	static float in[SLIDEMIN_CHUNK + N], out[N];
	float *ring = malloc(slidemin_floats(1000) * sizeof(float));
	struct slidemin slidemin;

	for (uint32_t i = 0; i < SLIDEMIN_CHUNK + N; i++)
		in[i] = i < SLIDEMIN_CHUNK ? 1.0f : (float)test_random();
	slidemin_init(&slidemin, 1000, ring, 1.0f);
	for (uint32_t at = 0; at < N; at += 60) {
		uint32_t window = 16 + test_random_below(985);

		slidemin_set_window(&slidemin, window);
		slidemin_run(&slidemin, in + SLIDEMIN_CHUNK + at, out + at, 60);
		for (uint32_t i = at; i < at + 60; i++) {
			float want = 1.0f;

			for (uint32_t j = 0; j < window && j <= i; j++)
				want = fminf(want, in[SLIDEMIN_CHUNK + i - j]);
			CHECK(out[i] == want, "window %u frame %u", window, i);
		}
	}
	slidemin_set_window(&slidemin, 1);
	CHECK(slidemin.window == SLIDEMIN_CHUNK);
	slidemin_set_window(&slidemin, 1u << 20);
	CHECK(slidemin.window == 1023);
	free(ring);
}

TEST(limitgain_keeps_every_promise)
{
	static const uint32_t lookaheads[] = {2, 24, 72, 480, 1920};

	for (uint32_t k = 0; k < 5; k++) {
		uint32_t lookahead = lookaheads[k], n = 30000;
		bool is_auto = k & 1;
		void *memory = aligned_alloc(64, (limitgain_bytes(lookahead, 480) + 63) / 64 * 64);
		float *demand = malloc(n * sizeof(float)), *gain = malloc(n * sizeof(float));
		struct limitgain_release release = limitgain_release_make(48000, 20, is_auto);
		struct limitgain path;

		limitgain_init(&path, lookahead, 480, memory);
		limitgain_set_hold(&path, k * 100);
		for (uint32_t i = 0; i < n; i++)
			demand[i] = test_random_below(300) == 0 && i < 8000
					    ? (float)(0.05 + 0.9 * test_random())
					    : 1.0f;
		for (uint32_t at = 0, m; at < n; at += m) {
			m = 1 + test_random_below(LIMITGAIN_RUN_MAX);
			m = m < n - at ? m : n - at;
			limitgain_run(&path, &release, demand + at, gain + at, m);
		}
		for (uint32_t i = 0; i + lookahead < n; i++)
			CHECK(gain[i + lookahead] <= demand[i] * (1.0f + 1e-6f),
			      "look-ahead %u frame %u: %g > %g", lookahead, i, gain[i + lookahead],
			      demand[i]);
		CHECK(is_auto || gain[n - 1] == 1.0f, "look-ahead %u: ends at %.9g", lookahead,
		      gain[n - 1]);
		free(memory);
		free(demand);
		free(gain);
	}
}

TEST(kweight_lanes_equal_the_plain_twin)
{
	static float x[8][1000];
	const float *in[8];
	struct kweight_coef coef;

	for (uint32_t c = 0; c < 8; c++) {
		in[c] = x[c];
		for (uint32_t i = 0; i < 1000; i++)
			x[c][i] = (float)(test_random() * 2 - 1);
	}
	kweight_coef_init(&coef, 44100);
	for (uint32_t lanes = 1; lanes <= 8; lanes++) {
		struct kweight_state fast, plain;
		double fast_sum[8] = {0}, plain_sum[8] = {0};

		memset(&fast, 0, sizeof(fast));
		memset(&plain, 0, sizeof(plain));
		for (uint32_t at = 0, n; at < 1000; at += n) {
			const float *piece[8];

			n = 1 + test_random_below(200);
			n = n < 1000 - at ? n : 1000 - at;
			for (uint32_t c = 0; c < 8; c++)
				piece[c] = in[c] + at;
			kweight_sum(&coef, &fast, piece, lanes, n, fast_sum);
		}
		kweight_sum_plain(&coef, &plain, in, lanes, 1000, plain_sum);
		CHECK(memcmp(fast_sum, plain_sum, sizeof(fast_sum)) == 0, "%u lanes", lanes);
	}
}

TEST(kweight_gives_the_printed_table)
{
	struct kweight_coef coef;

	kweight_coef_init(&coef, 48000);
	CHECK_NEAR(coef.b0, 1.53512485958697, 1e-13);
	CHECK_NEAR(coef.b1, -2.69169618940638, 1e-13);
	CHECK_NEAR(coef.b2, 1.19839281085285, 1e-13);
	CHECK_NEAR(coef.a1, -1.69065929318241, 1e-13);
	CHECK_NEAR(coef.a2, 0.73248077421585, 1e-13);
	CHECK_NEAR(coef.c1, -1.99004745483398, 1e-13);
	CHECK_NEAR(coef.c2, 0.99007225036621, 1e-13);
}

TEST(dbfs_is_that_of_libm)
{
	double worst = 0.0, last = -HUGE_VAL;

	/* Every exponent, denormals as well, and 1024 mantissas of each. */
	for (uint32_t bits = 1u << 6; bits < 0x7f800000u; bits += 0x7fffffffu / (255 * 1024)) {
		float magnitude;
		double db = level_dbfs(bits);

		memcpy(&magnitude, &bits, sizeof(magnitude));
		worst = fmax(worst, fabs(db - 20.0 * log10((double)magnitude)));
		CHECK(db > last, "%g dB, but %g before", db, last);
		last = db;
	}
	test_note("worst %.2g dB", worst);
	CHECK(worst < 2e-5, "%g dB", worst);
	CHECK(level_dbfs(0x3f800000u) == 0.0);
	CHECK(level_dbfs(0) == -HUGE_VAL && level_dbfs(0x7f800000u) == HUGE_VAL);
	CHECK(level_dbfs(0x7fc00000u) == HUGE_VAL);
	CHECK_NEAR(level_dbfs(1), -149.0 * 20.0 * log10(2.0), 1e-9);
}

/* ---- the leveler's law, without audio ------------------------------------------------------- */

static const struct levellaw_rules rules = {
	.target_lufs = -23,
	.freeze_below_lufs = -50,
	.max_boost_db = 12,
	.max_cut_db = 20,
	.rate_up_db_s = 6,
	.rate_down_db_s = 10,
	.window_blocks = 100,
	.trim_lu = 1,
};

/* SECONDS of a level that wavers by 3 LU, as programme does. */
static void law_run(struct levellaw *law, const struct levellaw_rules *with, double lufs,
		    double seconds)
{
	for (uint32_t tick = 0; tick < seconds * 100; tick++) {
		double energy = loudness_to_energy(lufs + 1.5 * sin(tick / 15.0));

		levellaw_tick(law, with, energy, energy);
	}
}

TEST(levellaw_names_its_reasons)
{
	struct levellaw law;

	levellaw_reset(&law);
	law_run(&law, &rules, -60, 1);
	CHECK(law.reason == LEVELLAW_FROZEN_SILENCE && law.gain_db == 0.0);
	law_run(&law, &rules, -30, 0.3);
	CHECK(law.reason == LEVELLAW_SETTLING);
	law_run(&law, &rules, -30, 0.7);
	CHECK(law.reason == LEVELLAW_RAISING);
	law_run(&law, &rules, -30, 20);
	CHECK(law.reason == LEVELLAW_IN_TARGET);
	CHECK_NEAR(law.gain_db, 7.0, 0.5);
	law_run(&law, &rules, -43, 1);
	CHECK(law.reason == LEVELLAW_FROZEN_GATE);
	law_run(&law, &rules, -43, 20);
	CHECK(law.reason == LEVELLAW_AT_MAX_BOOST);
	CHECK_NEAR(law.gain_db, 12.0, 0.1);
	law_run(&law, &rules, -12, 1);
	CHECK(law.reason == LEVELLAW_LOWERING);
	for (uint32_t tick = 0; tick < 220; tick++)
		levellaw_tick(&law, &rules, loudness_to_energy(-45), loudness_to_energy(-45));
	CHECK(law.reason == LEVELLAW_FROZEN_NOISE);
}

TEST(levellaw_idles_as_told)
{
	struct levellaw_rules unity = rules;
	struct levellaw holding, drifting;

	unity.is_idle_unity = true;
	levellaw_reset(&drifting);
	law_run(&drifting, &unity, -33, 20);
	holding = drifting;
	for (uint32_t tick = 0; tick < 3000; tick++) {
		levellaw_tick(&drifting, &unity, 0.0, 0.0);
		levellaw_tick(&holding, &rules, 0.0, 0.0);
	}
	CHECK(drifting.reason == LEVELLAW_DRIFTING && drifting.gain_db < holding.gain_db - 1.0);
	CHECK(holding.reason == LEVELLAW_FROZEN_SILENCE && holding.gain_db > 5.0);
	for (uint32_t tick = 0; tick < 100000; tick++)
		levellaw_tick(&drifting, &unity, 0.0, 0.0);
	CHECK(drifting.gain_db == 0.0);
}

TEST(levellaw_lowered_bounds_are_approached_at_the_rate)
{
	struct levellaw_rules less = rules;
	struct levellaw law;
	double before;

	levellaw_reset(&law);
	law_run(&law, &rules, -40, 30);
	CHECK_NEAR(law.gain_db, 12.0, 0.1);
	less.max_boost_db = 2;
	for (uint32_t tick = 0; tick < 800; tick++) {
		before = law.gain_db;
		law_run(&law, &less, -40, 0.01);
		CHECK(before - law.gain_db <= 0.1 + 1e-9);
	}
	CHECK_NEAR(law.gain_db, 2.0, 0.1);
}
