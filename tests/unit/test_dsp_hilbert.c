/* test_dsp_hilbert.c - the quick kernels against their plain twins. */
#include "fracdelay.h"
#include "hilbert.h"
#include "test.h"

#define FRAMES 96u

static double rms_turn(const double *x, uint32_t width, uint32_t lane)
{
	double sum = 0;

	for (uint32_t i = 0; i < FRAMES; i++)
		sum += x[i * width + lane] * x[i * width + lane];
	return sqrt(sum / FRAMES);
}

TEST(hilbert_lanes_equal_plain_to_the_bit)
{
	struct hilbert hilbert;

	hilbert_design(&hilbert, 20, 48000);
	for (uint32_t width = 2; width <= 8; width *= 2) {
		static double x[FRAMES * 8] __attribute__((aligned(64)));
		static double i_fast[FRAMES * 8] __attribute__((aligned(64))),
			q_fast[FRAMES * 8] __attribute__((aligned(64)));
		static double i_plain[FRAMES * 8], q_plain[FRAMES * 8];
		static double fast[HILBERT_WORDS * 8] __attribute__((aligned(64)));
		static double plain[HILBERT_WORDS * 8];

		memset(fast, 0, sizeof(fast));
		memset(plain, 0, sizeof(plain));
		for (int block = 0; block < 5; block++) {
			for (uint32_t i = 0; i < FRAMES * width; i++)
				x[i] = test_random() - 0.5;
			hilbert_run(&hilbert, width, x, i_fast, q_fast, fast, FRAMES);
			hilbert_run_plain(&hilbert, width, x, i_plain, q_plain, plain, FRAMES);
			CHECK(memcmp(i_fast, i_plain, FRAMES * width * sizeof(double)) == 0);
			CHECK(memcmp(q_fast, q_plain, FRAMES * width * sizeof(double)) == 0);
			CHECK(memcmp(fast, plain, HILBERT_WORDS * width * sizeof(double)) == 0);
		}
		CHECK(rms_turn(i_fast, width, 0) > 0.1);
	}
}

/* All-pass: the energy of the impulse response is 1. */
TEST(hilbert_both_chains_are_all_passes)
{
	enum { N = 1u << 18 };
	static double x[N * 2], i_out[N * 2], q_out[N * 2];
	double state[HILBERT_WORDS * 2] = {0}, i_power = 0, q_power = 0;
	struct hilbert hilbert;

	hilbert_design(&hilbert, 20, 48000);
	memset(x, 0, sizeof(x));
	x[0] = 1;
	hilbert_run_plain(&hilbert, 2, x, i_out, q_out, state, N);
	for (uint32_t i = 0; i < N; i++) {
		i_power += i_out[2 * i] * i_out[2 * i];
		q_power += q_out[2 * i] * q_out[2 * i];
	}
	CHECK_NEAR(i_power, 1, 1e-12);
	CHECK_NEAR(q_power, 1, 1e-12);
}

TEST(hilbert_fir_equals_the_definition)
{
	enum { HALF = 255 };
	static float x[2 * HALF + FRAMES], q[FRAMES], taps[(HALF + 1) / 2];

	hilbert_fir_design(taps, HALF);
	for (uint32_t i = 0; i < 2 * HALF + FRAMES; i++)
		x[i] = (float)(test_random() - 0.5);
	for (uint32_t n = FRAMES - 9; n <= FRAMES; n++) {
		hilbert_fir_run(taps, HALF, x + 2 * HALF, q, n);
		for (uint32_t i = 0; i < n; i++) {
			long double sum = 0;

			for (int k = 1; k <= HALF; k += 2) {
				long double pi = acosl(-1), at = pi * k / (HALF + 1);
				long double h = 2 / (pi * k) *
						(0.42L + 0.5L * cosl(at) + 0.08L * cosl(2 * at));
				const float *middle = &x[HALF + i];

				sum += h * ((long double)middle[k] - (long double)middle[-k]);
			}
			CHECK_NEAR((double)q[i], (double)sum, 1e-6);
		}
	}
}

TEST(fracdelay_vectors_equal_plain_to_the_bit)
{
	static float x[256], fast[128], plain[128];

	for (uint32_t i = 0; i < 256; i++)
		x[i] = (float)(test_random() - 0.5);
	for (int k = 0; k < 40; k++) {
		struct fracdelay head;
		uint32_t n = 1 + test_random_below(128);

		fracdelay_head(&head, 15 + 3 * test_random());
		fracdelay_read(&head, x + 40, fast, n);
		fracdelay_read_plain(&head, x + 40, plain, n);
		CHECK(memcmp(fast, plain, n * sizeof(float)) == 0);
	}
}

TEST(fracdelay_whole_is_a_copy_and_taps_sum_to_1)
{
	struct fracdelay head;

	fracdelay_head(&head, 480);
	CHECK(head.frames == 480 && !head.between);
	fracdelay_head(&head, 479.9999999);
	CHECK(head.frames == 480 && !head.between);
	for (double part = 0.01; part < 1; part += 0.049) {
		double sum = 0;

		fracdelay_head(&head, 20 + part);
		CHECK(head.between && head.frames == 20);
		for (uint32_t k = 0; k < FRACDELAY_TAPS; k++)
			sum += (double)head.tap[k];
		CHECK_NEAR(sum, 1, 2e-7);
	}
}
