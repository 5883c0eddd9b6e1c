/* Kernels for recordings: kscan, peakscan, blocksum, each against plain C. */
#include "blocksum.h"
#include "kscan.h"
#include "peakscan.h"
#include "test.h"

#define N 5000

static float x[KSCAN_LANES][N + 128];

static void fill(void)
{
	for (uint32_t l = 0; l < KSCAN_LANES; l++)
		for (uint32_t i = 0; i < N + 128; i++)
			x[l][i] = (float)(2.0 * test_random() - 1.0);
}

TEST(kscan_equals_its_plain_twin)
{
	struct kscan_coef coef;
	const float *in[KSCAN_LANES];

	fill();
	for (uint32_t k = 0; k < 200; k++) {
		struct kscan_state fast = {{0}}, plain = {{0}};
		double fast_sum[KSCAN_LANES] = {0}, plain_sum[KSCAN_LANES] = {0};

		kscan_coef_init(&coef, 8000.0 + 376000.0 * test_random());
		for (uint32_t l = 0; l < KSCAN_LANES; l++) {
			in[l] = x[l] + test_random_below(64);
			kscan_settle(&coef, &fast, l, (double)in[l][0]);
			kscan_settle(&coef, &plain, l, (double)in[l][0]);
		}
		for (uint32_t run = 0; run < 3; run++) {
			uint32_t n = test_random_below(run ? 60 : 1000);

			kscan_sum(&coef, &fast, in, n, fast_sum);
			kscan_sum_plain(&coef, &plain, in, n, plain_sum);
		}
		CHECK(memcmp(&fast, &plain, sizeof(fast)) == 0);
		CHECK(memcmp(fast_sum, plain_sum, sizeof(fast_sum)) == 0);
	}
}

TEST(kscan_is_the_filter_of_kweight)
{
	static const double rates[] = {8000, 44100, 48000, 192000, 384000};
	const float *in[KSCAN_LANES];

	fill();
	for (uint32_t l = 0; l < KSCAN_LANES; l++)
		in[l] = x[l];
	for (uint32_t k = 0; k < 5; k++) {
		struct kscan_coef coef;
		struct kscan_state state = {{0}};
		struct kweight_coef serial_coef;
		struct kweight_state serial = {{0}};
		double sum[KSCAN_LANES] = {0}, serial_sum[KSCAN_LANES] = {0};

		kscan_coef_init(&coef, rates[k]);
		kweight_coef_init(&serial_coef, rates[k]);
		kscan_sum(&coef, &state, in, N, sum);
		kweight_sum(&serial_coef, &serial, in, KSCAN_LANES, N, serial_sum);
		for (uint32_t l = 0; l < KSCAN_LANES; l++)
			CHECK_NEAR(sum[l] * coef.gain / serial_sum[l], 1.0, 1e-12);
	}
}

TEST(kscan_settles_on_a_constant)
{
	struct kscan_coef coef;
	struct kscan_state state = {{0}};
	double sum[KSCAN_LANES] = {0};
	const float *in[KSCAN_LANES];

	for (uint32_t l = 0; l < KSCAN_LANES; l++) {
		for (uint32_t i = 0; i < N; i++)
			x[l][i] = 0.5f;
		in[l] = x[l];
	}
	kscan_coef_init(&coef, 48000);
	for (uint32_t l = 0; l < KSCAN_LANES; l++)
		kscan_settle(&coef, &state, l, 0.5);
	kscan_sum(&coef, &state, in, N, sum);
	for (uint32_t l = 0; l < KSCAN_LANES; l++)
		CHECK(sum[l] < 1e-20);
	state.x1[3] = NAN;
	state.y1[2] = 1e-40;
	kscan_flush(&state);
	CHECK(state.x1[3] == 0.0 && state.y1[2] == 0.0 && state.x1[0] == 0.5);
}

/* ---- peaks ---------------------------------------------------------------------------------- */

TEST(pieces_are_the_highest_of_sixteen)
{
	float piece[N / 16];

	fill();
	for (uint32_t first = 0; first < 40; first++) {
		uint32_t n = 1 + test_random_below(N / 16);

		peakscan_pieces(x[0] + first, n, piece);
		for (uint32_t p = 0; p < n; p++) {
			float want = 0.0f;

			for (uint32_t i = 0; i < 16; i++)
				want = fmaxf(want, fabsf(x[0][first + 16 * p + i]));
			CHECK(piece[p] == want);
		}
	}
}

/* No sound beats the bound, not even the one made to: signs of the taps. */
TEST(no_envelope_exceeds_its_bound)
{
	static const double rates[] = {48000, 96000}, betas[] = {3, 7};

	for (uint32_t k = 0; k < 4; k++) {
		struct peakscan scan;
		float worst[96] = {0}, envelope[32], highest = 0.0f;

		peakscan_init(&scan, rates[k % 2], betas[k / 2]);
		for (uint32_t q = 0; q <= scan.filter.n_pairs; q++)
			for (uint32_t mirror = 0; mirror < 2; mirror++) {
				for (uint32_t i = 0; i < 16; i++) {
					float even = q < scan.filter.n_pairs
							     ? scan.filter.even[q][i]
							     : scan.filter.middle[i];
					float odd = q < scan.filter.n_pairs ? scan.filter.odd[q][i]
									    : 0.0f;

					if (mirror)
						odd = -odd;
					worst[32 + i] = copysignf(1.0f, even + odd);
					worst[63 - i] = copysignf(1.0f, even - odd);
				}
				truepeak_envelope_plain(&scan.filter, worst + 63, envelope, 1);
				highest = fmaxf(highest, envelope[0]);
			}
		CHECK(highest <= scan.reach, "%.8g above %.8g", (double)highest,
		      (double)scan.reach);
		CHECK(highest >= scan.reach * 0.9999f, "%.8g far below %.8g", (double)highest,
		      (double)scan.reach);
	}
}

/* Neither the first nor the second look passes over anything higher; the second spares much. */
TEST(what_is_passed_over_is_lower)
{
	static const double rates[] = {48000, 96000};
	uint32_t n_first = 0, n_second = 0;

	for (uint32_t k = 0; k < 200; k++) {
		struct peakscan scan;
		float piece[N / 16 + 4], envelope[N], above = (float)(1.2 * test_random());
		uint32_t n_pieces = N / 16 - 8, p = 0, first, n;
		bool is_passed[N / 16];

		peakscan_init(&scan, rates[k % 2], k % 3 ? 7.0 : 3.0);
		for (uint32_t i = 0; i < N + 128; i++)
			x[0][i] = (float)((k % 5 ? 2.0 * test_random() - 1.0
						 : sin((0.1 + 0.015 * k) * i)) *
					  pow(10.0, -2.0 * fabs(sin(0.003 * i + k))));
		peakscan_pieces(x[0] + 64 - 16 * PEAKSCAN_PAST, n_pieces + PEAKSCAN_PAST + 1,
				piece);
		truepeak_envelope(&scan.filter, x[0] + 64, envelope, n_pieces * 16);
		memset(is_passed, true, sizeof(is_passed));
		while ((n = peakscan_next(&scan, piece + PEAKSCAN_PAST, p, n_pieces, above,
					  &first)) > 0) {
			uint32_t bits = peakscan_refine(&scan, x[0] + 64, piece + PEAKSCAN_PAST,
							first, n, above);

			CHECK(first >= p && n <= PEAKSCAN_RUN && bits >> n == 0);
			for (uint32_t b = 0; b < n; b++)
				is_passed[first + b] = !(bits >> b & 1);
			n_first += n;
			n_second += (uint32_t)__builtin_popcount(bits);
			p = first + n;
		}
		for (uint32_t i = 0; i < n_pieces * 16; i++)
			CHECK(!is_passed[i / 16] || envelope[i] <= above);
	}
	test_note("%u pieces after the first look, %u after the second", n_first, n_second);
	CHECK(n_second < n_first * 3 / 4);
}

/* The grid of twice the rate, and the constants of its bound. */
TEST(halves_are_the_even_phases)
{
	struct peakscan scan;
	float envelope[512], halves[512];

	peakscan_init(&scan, 48000, 7.0);
	CHECK_NEAR((double)(scan.near + scan.far), 1.296, 0.002);
	fill();
	truepeak_envelope(&scan.filter, x[0] + 64, envelope, 512);
	truepeak_halves(&scan.filter, x[0] + 64, halves, 512);
	for (uint32_t i = 0; i < 512; i++) {
		float middle = 0.0f;

		for (uint32_t k = 0; k < TRUEPEAK_TAPS / 2; k++)
			middle +=
				scan.filter.middle[k] * (x[0][64 + i - 31 + k] + x[0][64 + i - k]);
		CHECK(halves[i] == fmaxf(fabsf(middle), fabsf(x[0][64 + i - 16])));
		CHECK(halves[i] <= envelope[i]);
	}
}

/* ---- sums ----------------------------------------------------------------------------------- */

TEST(sums_by_long_double)
{
	fill();
	for (uint32_t k = 0; k < 60; k++) {
		uint32_t n = test_random_below(k < 20 ? 20 : 2000);
		long double sum = 0, square = 0, product = 0, bend = 0;
		struct blocksum_one one = blocksum_one(x[0] + 2 + k, n);
		struct blocksum_two two = blocksum_two(x[0] + 2 + k, x[1] + 2 + k, n);
		float bend_sum, bend_highest, highest = 0.0f;

		for (uint32_t i = 0; i < n; i++) {
			const float *at = x[0] + 2 + k + i;
			float b = fabsf((at[0] - at[-1]) - (at[-1] - at[-2]));

			sum += (long double)at[0];
			square += (long double)at[0] * (long double)at[0];
			product += (long double)at[0] * (long double)x[1][2 + k + i];
			bend += (long double)b;
			highest = fmaxf(highest, b);
		}
		CHECK_NEAR(one.sum, (double)sum, 1e-12);
		CHECK_NEAR(one.square, (double)square, 1e-12);
		CHECK(two.left.sum == one.sum && two.left.square == one.square);
		CHECK_NEAR(two.product, (double)product, 1e-12);
		blocksum_bend(x[0] + 2 + k, n, &bend_sum, &bend_highest);
		CHECK_NEAR((double)bend_sum, (double)bend, 1e-3 + 1e-5 * (double)bend);
		CHECK(bend_highest == highest);
	}
}

TEST(flat_and_any)
{
	float y[100] = {0};

	CHECK(!blocksum_any(y + 2, 98));
	y[50] = -0.0f;
	CHECK(!blocksum_any(y + 2, 98));
	y[99] = 1e-30f;
	CHECK(blocksum_any(y + 2, 98) && !blocksum_any(y + 2, 97));
	for (uint32_t i = 0; i < 100; i++)
		y[i] = (float)sin(i);
	CHECK(!blocksum_flat(y + 2, 98, 0.5f, 0.5f));
	y[30] = y[31] = y[32] = 0.6f;
	CHECK(blocksum_flat(y + 2, 98, 0.6f, 0.6f) && !blocksum_flat(y + 2, 98, 0.61f, 0.1f));
	CHECK(!blocksum_flat(y + 2, 30, 0.6f, 0.6f) && blocksum_flat(y + 2, 31, 0.6f, 0.6f));
	y[30] = y[31] = y[32] = -0.6f;
	CHECK(blocksum_flat(y + 2, 98, 0.9f, 0.6f) && !blocksum_flat(y + 2, 98, 0.1f, 0.7f));
}
