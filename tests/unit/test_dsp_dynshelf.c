/* dsp/dynshelf.h: the published magnitude, plain C to the bit, and stable at any speed. */
#include "dynshelf.h"
#include "test.h"

#include <complex.h>

#define RATE 48000.0
#define FRAMES 4096u

static float in[2][FRAMES], fast[2][FRAMES], plain[2][FRAMES], r[FRAMES];

static void run(struct dynshelf *shelf, struct dynshelf_state *state, uint32_t cut)
{
	for (uint32_t at = 0, n; at < FRAMES; at += n) {
		n = cut < FRAMES - at ? cut : FRAMES - at;
		dynshelf_run(shelf, state, (const float *[]){in[0] + at, in[1] + at},
			     (float *[]){fast[0] + at, fast[1] + at}, r + at, n);
	}
}

TEST(magnitude_is_that_of_holters_and_zoelzer)
{
	static const double depths_db[] = {0, -3, -8, -18};

	for (uint32_t d = 0; d < 4; d++) {
		struct dynshelf shelf;
		struct dynshelf_state state = {{0}};
		double g = pow(10, depths_db[d] / 20), worst = 0;

		dynshelf_set(&shelf, 5000, RATE);
		memset(in, 0, sizeof(in));
		in[0][0] = 1;
		for (uint32_t i = 0; i < FRAMES; i++)
			r[i] = (float)pow(g, 1.0 / 6);
		run(&shelf, &state, 128);
		for (double f = 50; f < 20000; f *= 1.1) {
			double complex turn = cexp(-2 * I * M_PI * f / RATE), sum = 0;
			double x = pow(tan(M_PI * f / RATE) / tan(M_PI * 5000 / RATE), 12);

			for (uint32_t i = FRAMES; i-- > 0;)
				sum = sum * turn + fast[0][i];
			worst = fmax(worst, fabs(20 * log10(cabs(sum)) -
						 10 * log10((1 + g * g * x) / (1 + x))));
		}
		CHECK(worst < 1e-4, "%g dB: %g", depths_db[d], worst);
	}
}

TEST(vectors_equal_plain_c_to_the_bit_at_any_speed)
{
	struct dynshelf shelf;
	struct dynshelf_state a = {{0}}, b = {{0}};

	dynshelf_set(&shelf, 7000, RATE);
	for (uint32_t i = 0; i < FRAMES; i++) {
		in[0][i] = (float)(2 * test_random() - 1);
		in[1][i] = (float)(2 * test_random() - 1);
		r[i] = (float)(0.5 + 0.5 * test_random());
	}
	run(&shelf, &a, 37);
	dynshelf_run_plain(&shelf, &b, (const float *[]){in[0], in[1]},
			   (float *[]){plain[0], plain[1]}, r, FRAMES);
	for (uint32_t i = 0; i < FRAMES; i++) {
		CHECK(fast[0][i] == plain[0][i] && fast[1][i] == plain[1][i], "frame %u", i);
		CHECK(fabsf(fast[0][i]) < 8);
	}
}

TEST(no_depth_is_no_change)
{
	struct dynshelf shelf;
	struct dynshelf_state state = {{0}};

	dynshelf_set(&shelf, 4000, RATE);
	for (uint32_t i = 0; i < FRAMES; i++) {
		in[0][i] = in[1][i] = (float)(2 * test_random() - 1);
		r[i] = 1;
	}
	run(&shelf, &state, 100);
	for (uint32_t i = 0; i < FRAMES; i++)
		CHECK_NEAR(fast[0][i], in[0][i], 1e-7);
}
