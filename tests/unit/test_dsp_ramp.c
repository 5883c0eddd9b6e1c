/* dsp/ramp.h: the value of every frame, however a cell is cut. */
#include "ramp.h"
#include "test.h"

static void fill(float *x, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		x[i] = (float)(test_random() - 0.5);
}

TEST(any_cut_gives_the_same_bits)
{
	float in[64], whole[64], cut[64];
	double whole_sum[64], cut_sum[64];

	for (uint32_t trial = 0; trial < 200; trial++) {
		struct dsp_ramp a, b;

		fill(in, 64);
		memset(whole_sum, 0, sizeof(whole_sum));
		memset(cut_sum, 0, sizeof(cut_sum));
		dsp_ramp_set(&a, test_random(), trial % 3 ? test_random() : trial % 2,
			     1 + test_random_below(16));
		b = a;
		dsp_ramp_mul(&a, in, whole, 64);
		dsp_ramp_mix(&a, in, whole_sum, 64);
		for (uint32_t done = 0, n; done < 64; done += n) {
			n = 1 + test_random_below(64 - done);
			dsp_ramp_mul(&b, in + done, cut + done, n);
			dsp_ramp_mix(&b, in + done, cut_sum + done, n);
			dsp_ramp_advance(&b, n);
		}
		CHECK(memcmp(whole, cut, sizeof(whole)) == 0);
		CHECK(memcmp(whole_sum, cut_sum, sizeof(whole_sum)) == 0);
		CHECK(dsp_ramp_rests(&b));
	}
}

TEST(values_are_linear_and_arrive)
{
	float one[32], out[32];
	struct dsp_ramp ramp;

	for (uint32_t i = 0; i < 32; i++)
		one[i] = 1;
	dsp_ramp_set(&ramp, 0.25, 0.75, 16);
	dsp_ramp_mul(&ramp, one, out, 32);
	for (uint32_t i = 0; i < 32; i++)
		CHECK_NEAR(out[i], i < 16 ? 0.25 + 0.5 * i / 16 : 0.75, 1e-7);
	CHECK_NEAR(dsp_ramp_value(&ramp, 8), 0.5, 1e-12);
}

TEST(rest_at_zero_is_silence_and_at_one_a_copy)
{
	float in[8] = {NAN, INFINITY, 1, -0.5f, 0, 3, 4, 5}, out[8];
	struct dsp_ramp ramp;

	dsp_ramp_set(&ramp, 0, 0, 16);
	dsp_ramp_mul(&ramp, in, out, 8);
	for (uint32_t i = 0; i < 8; i++)
		CHECK(out[i] == 0.0f);
	dsp_ramp_set(&ramp, 1, 1, 16);
	dsp_ramp_mul(&ramp, in, out, 8);
	CHECK(memcmp(in, out, sizeof(in)) == 0);
	dsp_ramp_mul(&ramp, out, out, 8);
	CHECK(memcmp(in, out, sizeof(in)) == 0);
}

TEST(channels_at_once_are_as_one_by_one)
{
	static const double gains[] = {0, 1, 0.3, -0.7};
	float in[3][100], one[3][100], all[3][100];

	for (uint32_t k = 0; k < 8; k++) {
		const float *from[3] = {in[0], in[1], in[2]};
		float *to[3] = {all[0], all[1], all[2]};
		struct dsp_ramp ramp;
		uint32_t n = 1 + test_random_below(100);

		dsp_ramp_set(&ramp, k < 4 ? gains[k] : 0.5, gains[k % 4], 16);
		for (uint32_t c = 0; c < 3; c++) {
			fill(in[c], 100);
			dsp_ramp_mul(&ramp, in[c], one[c], n);
		}
		dsp_ramp_mul_channels(&ramp, from, to, 3, n);
		for (uint32_t c = 0; c < 3; c++) {
			CHECK(memcmp(one[c], all[c], n * sizeof(float)) == 0, "channel %u", c);
			for (uint32_t i = 0; k < 4 && k != 1 && i < n; i++)
				CHECK(all[c][i] == in[c][i] * (float)gains[k]);
		}
		dsp_ramp_mul_channels(&ramp, from, (float *const[]){in[0], in[1], in[2]}, 3, n);
		for (uint32_t c = 0; c < 3; c++)
			CHECK(memcmp(one[c], in[c], n * sizeof(float)) == 0, "in place");
	}
}
