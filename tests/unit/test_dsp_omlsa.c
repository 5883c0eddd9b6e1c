/* dsp/omlsa.h and dsp/fastmath.h: vectors against libm and series in f64, and what estimators promise. */
#include "fastmath.h"
#include "omlsa.h"
#include "test.h"

#define BINS 513u
#define PADDED 528u

static _Alignas(64) char memory[11 * PADDED * sizeof(float)];
static float power[PADDED];

TEST(exponentials_are_exact_enough)
{
	for (int i = 0; i < 200000; i++) {
		float x = (float)(test_random() * 250 - 124),
		      y = (float)exp(test_random() * 80 - 40);

		CHECK_NEAR((double)fastmath_exp2(x) / exp2((double)x), 1, 8e-6);
		CHECK_NEAR((double)fastmath_log2(y), log2((double)y),
			   4e-6 + 1e-7 * fabs(log2((double)y)));
		CHECK_NEAR((double)fastmath_exp(-fminf(y, 1e6f)), exp(-(double)y), 3e-5);
	}
	CHECK(fastmath_exp2(-200) == 0 && fastmath_exp2(-1e8f) == 0);
	CHECK(fastmath_unit(-3) == 0 && fastmath_unit(0.25f) == 0.25f && fastmath_unit(7) == 1);
}

/* Ephraim and Malah's gain, within 0.002 dB. */
TEST(lsa_gain_is_that_of_the_paper)
{
	for (double ratio_db = -25; ratio_db <= 40; ratio_db += 2.5)
		for (double gamma_db = -30; gamma_db <= 40; gamma_db += 2.5) {
			double ratio = pow(10, ratio_db / 10), gamma = pow(10, gamma_db / 10);
			double want = omlsa_lsa_plain(ratio, gamma);
			double got = (double)omlsa_lsa((float)ratio, (float)gamma);

			CHECK(fabs(20 * log10(got / want)) < 0.002, "%g dB, %g dB: %g, want %g",
			      ratio_db, gamma_db, got, want);
		}
	/* Known values: E1(1) = 0.219384: gain at ratio 1, gamma 2 is exp(0.109692) / 2. */
	CHECK_NEAR(omlsa_lsa_plain(1, 2), 0.5 * exp(0.5 * 0.21938393439552), 1e-9);
	CHECK_NEAR(omlsa_presence_plain(0, 1), 1 / (2 + pow(10, 1.5)), 1e-9);
}

static void omlsa_noise_frame(double mean)
{
	for (uint32_t i = 0; i < BINS; i++)
		power[i] = (float)(-mean * log(1 - test_random())); /* |complex Gaussian|^2 */
}

/* Noise of a known level is found within 1.5 dB over all bins (the estimator sees a little of it as speech), also after it rose or fell by 10 dB. */
TEST(noise_is_found)
{
	struct omlsa omlsa;
	const double levels[] = {1, 10, 0.5};

	omlsa_place(&omlsa, BINS, memory);
	omlsa.pace = omlsa_pace_of(512.0 / 48000, false);
	for (int l = 0; l < 3; l++) {
		double sum = 0;

		for (int hop = 0; hop < 700; hop++) {
			omlsa_noise_frame(levels[l]);
			omlsa_track(&omlsa, power);
			for (uint32_t i = 0; i < BINS && hop >= 600; i++)
				sum += (double)omlsa.noise[i];
		}
		test_note("noise of %g: %.2f dB", levels[l],
			  10 * log10(sum / 100 / BINS / levels[l]));
		CHECK_NEAR(10 * log10(sum / 100 / BINS / levels[l]), 0, 1.5);
	}
}

TEST(gains_stay_within_their_limits)
{
	struct omlsa omlsa;
	struct omlsa_wish wish = {.floor = 0.1f, .over = 1, .follow = 0.98f};
	double noise = 0, speech = 0;

	omlsa_place(&omlsa, BINS, memory);
	omlsa.pace = omlsa_pace_of(512.0 / 48000, false);
	for (int hop = 0; hop < 400; hop++) {
		omlsa_noise_frame(1);
		for (uint32_t i = 100; i < 120 && hop > 300; i++)
			power[i] *= 1000;
		omlsa_track(&omlsa, power);
		omlsa_gain(&omlsa, power, &wish);
		for (uint32_t i = 0; i < BINS; i++)
			CHECK(omlsa.gain[i] >= 0.1f && omlsa.gain[i] <= 1, "%g",
			      (double)omlsa.gain[i]);
		for (uint32_t i = 200; i < 400 && hop > 310; i++)
			noise += (double)omlsa.gain[i];
		for (uint32_t i = 102; i < 118 && hop > 310 && hop < 350; i++)
			speech += (double)omlsa.gain[i];
	}
	noise /= 200.0 * 89;
	speech /= 16.0 * 39;
	test_note("mean gain of noise %.3f, of what is 30 dB above %.3f", noise, speech);
	CHECK(noise < 0.13 && speech > 0.95);
}

TEST(tones_are_no_noise_when_flat_is_asked_for)
{
	struct omlsa omlsa;

	omlsa_place(&omlsa, BINS, memory);
	for (uint32_t i = 0; i < PADDED; i++)
		omlsa.noise[i] = i < BINS ? 1e-6f : 0;
	for (uint32_t i = 200; i < 203; i++)
		omlsa.noise[i] = 1;
	omlsa_flatten(&omlsa);
	CHECK(omlsa.noise[201] < 1.2e-5f && omlsa.noise[201] > 1e-6f, "%g",
	      (double)omlsa.noise[201]);
	CHECK_NEAR((double)omlsa.noise[100], 1e-6, 1e-9);
	CHECK_NEAR((double)omlsa.noise[0], 1e-6, 1e-9);
	CHECK_NEAR((double)omlsa.noise[BINS - 1], 1e-6, 1e-9);
}

TEST(a_frame_of_zeros_changes_nothing)
{
	static char before[sizeof(memory)];
	struct omlsa omlsa;

	omlsa_place(&omlsa, BINS, memory);
	omlsa.pace = omlsa_pace_of(512.0 / 48000, false);
	for (int hop = 0; hop < 50; hop++) {
		omlsa_noise_frame(1);
		omlsa_track(&omlsa, power);
	}
	memcpy(before, memory, sizeof(memory));
	memset(power, 0, sizeof(power));
	omlsa_track(&omlsa, power);
	CHECK(memcmp(before, memory, sizeof(memory)) == 0 && omlsa.n_hops == 50);
}
