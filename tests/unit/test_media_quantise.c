/* test_media_quantise.c - rounding: exact where it can be, honest noise where not. */
#include "media_quantise.h"

#include "test.h"

#define N 65536u

static float in_plane[4][N];
static int32_t out_plane[4][N], other_plane[4][N];
static const float *const in[4] = {in_plane[0], in_plane[1], in_plane[2], in_plane[3]};
static int32_t *const out[4] = {out_plane[0], out_plane[1], out_plane[2], out_plane[3]};
static int32_t *const other[4] = {other_plane[0], other_plane[1], other_plane[2], other_plane[3]};

static void fill(double (*sample)(uint32_t i, uint32_t c))
{
	for (uint32_t c = 0; c < 4; c++)
		for (uint32_t i = 0; i < N; i++)
			in_plane[c][i] = (float)sample(i, c);
}

static double constant(uint32_t i, uint32_t c)
{
	static const double steps[4] = {0.0, 0.25, 0.5, 100.7};

	return steps[c] / 32768;
}

static double noise(uint32_t i, uint32_t c)
{
	return 1.8 * test_random() - 0.9;
}

static double on_grid(uint32_t i, uint32_t c)
{
	return ((double)test_random_below(65536) - 32768) / 32768;
}

static double sine(uint32_t i, uint32_t c)
{
	return 0.3 * sin(2 * M_PI * 1000.0 * i / 48000.0 + c);
}

/* The error of channel C in steps: its mean and power. */
static void error_of(const struct media_quantiser *quantiser, uint32_t c, double *ret_mean,
		     double *ret_power)
{
	*ret_mean = *ret_power = 0;
	for (uint32_t i = 0; i < N; i++) {
		double error = out_plane[c][i] - (double)in_plane[c][i] * quantiser->steps;

		*ret_mean += error / N;
		*ret_power += error * error / N;
	}
}

TEST(media_quantise_plain_rounds_and_clips)
{
	struct media_quantiser quantiser;
	static const float samples[] = {0.0f,	  0.49f, 0.51f,	    -0.51f,    32767.0f,  32767.4f,
					32768.0f, 1e30f, -32768.0f, -32768.4f, -32769.0f, -1e30f};
	static const int32_t want[] = {0,     0,     1,	     -1,     32767,  32767,
				       32767, 32767, -32768, -32768, -32768, -32768};

	for (uint32_t i = 0; i < 12; i++)
		in_plane[0][i] = samples[i] / 32768;
	media_quantiser_init(&quantiser, 1, 16, MEDIA_DITHER_NONE, 48000, 1);
	media_quantise(&quantiser, in, out, 12, 0);
	for (uint32_t i = 0; i < 12; i++)
		CHECK(out_plane[0][i] == want[i], "%g became %d", samples[i], out_plane[0][i]);
	CHECK(quantiser.clips == 4, "%llu", (unsigned long long)quantiser.clips);
	media_quantise(&quantiser, in, out, 12, 16);
	CHECK(out_plane[0][4] == 32767 * 65536 && out_plane[0][8] == INT32_MIN);
}

TEST(media_quantise_tpdf_error_knows_nothing_of_the_signal)
{
	struct media_quantiser quantiser;
	double mean, power;

	fill(constant);
	media_quantiser_init(&quantiser, 4, 16, MEDIA_DITHER_TPDF, 48000, 7);
	media_quantise(&quantiser, in, out, N, 0);
	for (uint32_t c = 0; c < 4; c++) {
		error_of(&quantiser, c, &mean, &power);
		/* theory: 0 and 1/4 of a step squared; four standard errors */
		CHECK_NEAR(mean, 0.0, 4 * 0.5 / 256);
		CHECK_NEAR(power, 0.25, 4 * 0.35 / 256);
	}
}

TEST(media_quantise_noise_is_white_and_of_each_channel)
{
	struct media_quantiser quantiser;

	fill(sine);
	media_quantiser_init(&quantiser, 4, 24, MEDIA_DITHER_TPDF, 48000, 7);
	media_quantise(&quantiser, in, out, N, 0);
	for (uint32_t a = 0; a < 4; a++)
		for (uint32_t b = 0; b < 4; b++)
			for (uint32_t lag = 0; lag < 40; lag++) {
				double sum = 0;

				for (uint32_t i = 0; i + lag < N; i++)
					sum += (out_plane[a][i + lag] -
						(double)in_plane[a][i + lag] * quantiser.steps) *
					       (out_plane[b][i] -
						(double)in_plane[b][i] * quantiser.steps);
				sum /= N * 0.25;
				if (a == b && lag == 0)
					CHECK_NEAR(sum, 1.0, 0.03);
				else
					CHECK(fabs(sum) < 0.022, "channels %u %u lag %u: %g", a, b,
					      lag, sum); /* 5.6 sigma */
			}
}

TEST(media_quantise_blocks_and_seeds)
{
	static const enum media_dither dithers[] = {MEDIA_DITHER_AUTO, MEDIA_DITHER_TPDF,
						    MEDIA_DITHER_SHAPED, MEDIA_DITHER_NONE};

	for (uint32_t d = 0; d < 4; d++) {
		struct media_quantiser quantiser;
		uint32_t at = 0;

		fill(d == 0 ? on_grid : noise);
		in_plane[2][30000] = 0.123456f;
		media_quantiser_init(&quantiser, 4, 16, dithers[d], 44100, 3);
		media_quantise(&quantiser, in, out, N, 0);
		media_quantiser_init(&quantiser, 4, 16, dithers[d], 44100, 3);
		while (at < N) {
			uint32_t n = 1 + test_random_below(700);
			const float *from[4];
			int32_t *to[4];

			n = n < N - at ? n : N - at;
			for (uint32_t c = 0; c < 4; c++) {
				from[c] = in_plane[c] + at;
				to[c] = other_plane[c] + at;
			}
			media_quantise(&quantiser, from, to, n, 0);
			at += n;
		}
		CHECK(memcmp(out_plane, other_plane, sizeof(out_plane)) == 0, "dither %u", d);
		media_quantiser_init(&quantiser, 4, 16, dithers[d], 44100, 4);
		media_quantise(&quantiser, in, other, N, 0);
		CHECK((memcmp(out_plane, other_plane, sizeof(out_plane)) == 0) ==
		      (dithers[d] == MEDIA_DITHER_NONE));
	}
}

TEST(media_quantise_auto_copies_until_something_is_between)
{
	struct media_quantiser quantiser;
	uint32_t changed = 0;

	fill(on_grid);
	media_quantiser_init(&quantiser, 4, 16, MEDIA_DITHER_AUTO, 48000, 1);
	media_quantise(&quantiser, in, out, N, 0);
	for (uint32_t c = 0; c < 4; c++)
		for (uint32_t i = 0; i < N; i++)
			CHECK(out_plane[c][i] == lrint((double)in_plane[c][i] * 32768));
	CHECK(quantiser.clips == 0 && !quantiser.is_off_grid);
	in_plane[3][40000] = 0.1f;
	media_quantiser_init(&quantiser, 4, 16, MEDIA_DITHER_AUTO, 48000, 1);
	media_quantise(&quantiser, in, out, N, 0);
	for (uint32_t c = 0; c < 4; c++)
		for (uint32_t i = 0; i < N; i++) {
			bool same = out_plane[c][i] == lrint((double)in_plane[c][i] * 32768);

			CHECK(same || i >= 40000, "frame %u", i);
			changed += !same;
		}
	CHECK(changed > 20000, "%u", changed);
	CHECK(quantiser.is_off_grid);
	/* finer than f32: there is nothing to hide */
	media_quantiser_init(&quantiser, 4, 32, MEDIA_DITHER_AUTO, 48000, 1);
	media_quantise(&quantiser, in, out, N, 0);
	for (uint32_t i = 0; i < N; i++)
		CHECK((double)out_plane[0][i] == (double)in_plane[0][i] * 2147483648.0);
}

/* Power of the error around HZ, in dB. */
static double error_level(const struct media_quantiser *quantiser, double hz)
{
	double sum = 0;

	for (uint32_t from = 0; from < N; from += 1024) {
		double re = 0, im = 0;

		for (uint32_t i = from; i < from + 1024; i++) {
			double error = out_plane[0][i] - (double)in_plane[0][i] * quantiser->steps;

			error *= 1 - cos(2 * M_PI * (i - from + 0.5) / 1024); /* Hann */
			re += error * cos(2 * M_PI * hz * i / 44100.0);
			im += error * sin(2 * M_PI * hz * i / 44100.0);
		}
		sum += re * re + im * im;
	}
	return 10 * log10(sum);
}

TEST(media_quantise_shaped_moves_the_noise_up)
{
	static const double shape[] = {2.847,  -4.685, 6.214,  -7.184, 6.639,
				       -5.032, 3.263,  -1.632, 0.4191};
	struct media_quantiser flat, shaped;
	double hz[] = {500, 1000, 3500, 12000, 20000}, level[5];

	fill(sine);
	media_quantiser_init(&flat, 2, 16, MEDIA_DITHER_TPDF, 44100, 1);
	media_quantise(&flat, in, out, N, 0);
	for (int i = 0; i < 5; i++)
		level[i] = error_level(&flat, hz[i]);
	media_quantiser_init(&shaped, 2, 16, MEDIA_DITHER_SHAPED, 44100, 1);
	media_quantise(&shaped, in, out, N, 0);
	for (int i = 0; i < 5; i++) {
		double re = 1, im = 0, w = 2 * M_PI * hz[i] / 44100.0;

		/* |1 - sum tap[k] z^-(k+1)|: what error feedback does to white noise */
		for (int k = 0; k < 9; k++) {
			re -= shape[k] * cos(w * (k + 1));
			im += shape[k] * sin(w * (k + 1));
		}
		CHECK_NEAR(error_level(&shaped, hz[i]) - level[i], 10 * log10(re * re + im * im),
			   2.5);
	}
	/* a rate it is not made for */
	media_quantiser_init(&shaped, 2, 16, MEDIA_DITHER_SHAPED, 96000, 1);
	CHECK(shaped.dither == MEDIA_DITHER_TPDF);
}

TEST(media_quantise_shaped_survives_overs)
{
	struct media_quantiser quantiser;
	double mean, power;

	fill(sine);
	for (uint32_t i = 1000; i < 3000; i++)
		in_plane[0][i] = in_plane[1][i] = i % 2 ? 1e30f : -5.0f;
	media_quantiser_init(&quantiser, 2, 16, MEDIA_DITHER_SHAPED, 48000, 1);
	media_quantise(&quantiser, in, out, N, 0);
	CHECK(quantiser.clips == 4000, "%llu", (unsigned long long)quantiser.clips);
	for (uint32_t i = 1000; i < 3000; i++)
		in_plane[0][i] = (float)out_plane[0][i] / 32768;
	error_of(&quantiser, 0, &mean, &power);
	/* TPDF times 1 + sum of tap[k]^2 */
	CHECK_NEAR(power, 0.25 * 204, 8);
}

TEST(media_quantise_key_changes_after_a_day)
{
	struct media_quantiser quantiser;

	memset(in_plane, 0, sizeof(in_plane));
	media_quantiser_init(&quantiser, 2, 16, MEDIA_DITHER_TPDF, 48000, 1);
	media_quantise(&quantiser, in, out, 1000, 0);
	quantiser.frame = (UINT64_C(1) << 32) - 300;
	media_quantise(&quantiser, in, other, 1300, 0);
	CHECK(quantiser.frame == (UINT64_C(1) << 32) + 1000);
	CHECK(memcmp(out_plane[0], other_plane[0] + 300, 1000 * sizeof(int32_t)) != 0);
}
