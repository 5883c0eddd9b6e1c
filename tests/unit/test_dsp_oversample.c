/* dsp/oversample.h: O1 O2, the bands of dsp.md 2.7, vectors against the plain twin. */
#include "oversample.h"
#include "test.h"

#define FRAMES 2048u

/* |H| of half-band STAGE at F of its upper rate, f64. */
static double stage_gain(uint32_t stage, double f)
{
	uint32_t pairs;
	const float *taps = oversample_taps(stage, &pairs);
	double sum = 0.5;

	for (uint32_t k = 0; k < pairs; k++)
		sum += (double)taps[k] * cos(2 * M_PI * f * (2.0 * (pairs - k) - 1));
	return sum;
}

/* dsp.md 2.7: 75, 19, 11 taps; stop band >= 100 dB, ripple <= 6e-5 dB, to 20 kHz of 48 kHz. */
TEST(bands_are_as_the_sheet_says)
{
	static const uint32_t lengths[] = {75, 19, 11};

	for (uint32_t stage = 0; stage < OVERSAMPLE_STAGES; stage++) {
		double rate = 96000.0 * (1u << stage), ripple = 0, stop = 0;
		uint32_t pairs;

		oversample_taps(stage, &pairs);
		CHECK(4 * pairs - 1 == lengths[stage]);
		for (uint32_t i = 0; i <= 4000; i++) {
			double f = 20000.0 / rate * i / 4000;

			ripple = fmax(ripple, fabs(20 * log10(stage_gain(stage, f))));
			stop = fmax(stop, fabs(stage_gain(stage, 0.5 - f)));
		}
		test_note("%u taps: ripple %.2g dB, stop band %.1f dB", lengths[stage], ripple,
			  20 * log10(stop));
		CHECK(ripple <= 6e-5, "%g", ripple);
		CHECK(20 * log10(stop) <= -100, "%g", 20 * log10(stop));
	}
}

TEST(vectors_equal_the_plain_twin)
{
	float x[OVERSAMPLE_PAST + 512 + 16], fast[512 + 16], plain[512 + 16];

	for (uint32_t trial = 0; trial < 60; trial++) {
		uint32_t n = 1 + test_random_below(512), stage = trial % 3;

		for (uint32_t i = 0; i < sizeof(x) / sizeof(x[0]); i++)
			x[i] = (float)(test_random() * 2 - 1);
		oversample_branch(stage, x + OVERSAMPLE_PAST, fast, n);
		oversample_branch_plain(stage, x + OVERSAMPLE_PAST, plain, n);
		CHECK(memcmp(fast, plain, n * sizeof(float)) == 0, "stage %u, %u frames", stage, n);
	}
}

static void round_trip(const struct oversample *os, const float *in, float *out, uint32_t n,
		       bool is_cut)
{
	static float upper[OVERSAMPLE_BLOCK * OVERSAMPLE_MAX + OVERSAMPLE_GRAIN];
	struct oversample_channel channel;

	memset(&channel, 0, sizeof(channel));
	for (uint32_t done = 0, part; done < n; done += part) {
		part = is_cut ? 1 + test_random_below(OVERSAMPLE_BLOCK) : OVERSAMPLE_BLOCK;
		part = part < n - done ? part : n - done;
		oversample_up(os, &channel, in + done, upper, part);
		oversample_down(os, &channel, upper, out + done, part);
	}
}

TEST(any_cut_gives_the_same_bits) /* O1 */
{
	static float in[FRAMES], whole[FRAMES], cut[FRAMES];

	for (uint32_t i = 0; i < FRAMES; i++)
		in[i] = (float)(test_random() * 2 - 1);
	for (uint32_t kind = 0; kind < 2; kind++)
		for (uint32_t factor = 1; factor <= 8; factor *= 2) {
			struct oversample os = oversample_make(kind, factor, 48000);

			CHECK(os.factor == factor);
			round_trip(&os, in, whole, FRAMES, false);
			for (uint32_t trial = 0; trial < 4; trial++) {
				round_trip(&os, in, cut, FRAMES, true);
				CHECK(memcmp(whole, cut, sizeof(whole)) == 0, "%u, %ux", kind,
				      factor);
			}
		}
}

/* dsp.md 2.7: 37, 41.5 and 42.75 frames at 2, 4, 8 times. */
TEST(delay_is_as_the_sheet_says) /* O2 */
{
	static const double delays[] = {0, 37, 41.5, 42.75};
	static float in[256], out[256];

	in[0] = 1;
	for (uint32_t s = 0; s <= 3; s++) {
		struct oversample os = oversample_make(OVERSAMPLE_LINEAR, 1u << s, 48000);
		double weight = 0, moment = 0;

		CHECK_NEAR((double)oversample_delay(&os) / os.factor, delays[s], 0);
		round_trip(&os, in, out, 256, false);
		for (uint32_t i = 0; i < 256; i++) {
			weight += (double)out[i];
			moment += (double)out[i] * i;
		}
		CHECK_NEAR(weight, 1, 5e-5); /* the ripple of six filters */
		CHECK_NEAR(moment / weight, delays[s], 1e-3); /* linear phase: its middle */
	}
}

TEST(higher_rates_have_fewer_stages)
{
	CHECK(oversample_make(OVERSAMPLE_LINEAR, 4, 44100).factor == 4);
	CHECK(oversample_make(OVERSAMPLE_LINEAR, 4, 88200).factor == 2);
	CHECK(oversample_make(OVERSAMPLE_LINEAR, 4, 96000).first == 1);
	CHECK(oversample_make(OVERSAMPLE_LINEAR, 2, 96000).factor == 1);
	CHECK(oversample_make(OVERSAMPLE_LINEAR, 8, 192000).factor == 2);
	CHECK(oversample_make(OVERSAMPLE_LINEAR, 8, 192000).first == 2);
	CHECK(oversample_make(OVERSAMPLE_LINEAR, 8, 384000).factor == 1);
}

/* What a sine of HZ becomes at the upper rate: its level, and the highest image, dB. */
static void images(enum oversample_kind kind, uint32_t factor, double hz, double *ret_level,
		   double *ret_image)
{
	static float x[FRAMES], y[FRAMES * OVERSAMPLE_MAX + OVERSAMPLE_GRAIN];
	struct oversample os = oversample_make(kind, factor, 48000);
	struct oversample_channel channel;
	double image = 0;

	memset(&channel, 0, sizeof(channel));
	for (uint32_t i = 0; i < FRAMES; i++)
		x[i] = (float)sin(2 * M_PI * hz / 48000 * i);
	for (uint32_t i = 0; i < FRAMES; i += OVERSAMPLE_BLOCK)
		oversample_up(&os, &channel, x + i, y + i * factor, OVERSAMPLE_BLOCK);
	for (uint32_t k = 0; k < factor; k++)
		for (int sign = -1; sign <= 1; sign += 2) {
			double at = fabs(k * 48000.0 + sign * hz) / (48000.0 * factor), re = 0,
			       im = 0, sum = 0;

			if (at > 0.5)
				continue;
			for (uint32_t i = FRAMES * factor / 2; i < FRAMES * factor; i++) {
				double t = 2.0 * i / (FRAMES * factor) - 1;
				double w = 0.35875 - 0.48829 * cos(2 * M_PI * t) +
					   0.14128 * cos(4 * M_PI * t) -
					   0.01168 * cos(6 * M_PI * t);

				re += w * (double)y[i] * cos(2 * M_PI * at * i);
				im += w * (double)y[i] * sin(2 * M_PI * at * i);
				sum += w;
			}
			if (k == 0)
				*ret_level = 20 * log10(2 * hypot(re, im) / sum);
			else
				image = fmax(image, 2 * hypot(re, im) / sum);
		}
	*ret_image = 20 * log10(image + 1e-12);
}

TEST(images_are_100_db_down_and_the_band_is_flat)
{
	static const double hz[] = {997, 8000, 15000, 19900};

	for (uint32_t kind = 0; kind < 2; kind++)
		for (uint32_t factor = 2; factor <= 8; factor *= 2)
			for (uint32_t k = 0; k < 4; k++) {
				double level, image;

				images(kind, factor, hz[k], &level, &image);
				CHECK_NEAR(level, 0, 2e-4);
				CHECK(image <= -100, "%u, %ux, %g Hz: %g dB", kind, factor, hz[k],
				      image);
			}
}

/* The low-latency kind: a tenth of the delay, and all of the sound. */
TEST(low_latency_is_low)
{
	static float in[512], out[512];

	in[0] = 1;
	for (uint32_t factor = 2; factor <= 8; factor *= 2) {
		struct oversample os = oversample_make(OVERSAMPLE_LOW_LATENCY, factor, 48000);
		double weight = 0, moment = 0;

		round_trip(&os, in, out, 512, false);
		for (uint32_t i = 0; i < 512; i++) {
			weight += (double)out[i];
			moment += (double)out[i] * i;
		}
		test_note("%ux: %.2f frames at 0 Hz", factor, moment / weight);
		CHECK_NEAR(weight, 1, 1e-5);
		CHECK(moment / weight < 5.5);
	}
}
