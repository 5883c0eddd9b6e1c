/* dsp/adaa.h: against integrals by quadrature of the curves of libm. */
#include "adaa.h"
#include "test.h"

static const char *const names[] = {"hard", "cubic", "tanh", "diode", "tape"};

/* The mean of the curve from A to B: Gauss-Legendre of 5 points on 64 parts. */
static double mean(enum adaa_curve curve, double a, double b)
{
	static const double at[] = {0, 0.5384693101056831, -0.5384693101056831, 0.9061798459386640,
				    -0.9061798459386640};
	static const double weight[] = {0.5688888888888889, 0.4786286704993665, 0.4786286704993665,
					0.2369268850561891, 0.2369268850561891};
	double sum = 0;

	for (uint32_t part = 0; part < 64; part++)
		for (uint32_t k = 0; k < 5; k++)
			sum += weight[k] / 128 *
			       adaa_curve_at(curve, a + (b - a) * (part + 0.5 + at[k] / 2) / 64);
	return sum;
}

TEST(plain_is_the_curve)
{
	float x[260], y[260];

	for (uint32_t curve = 0; curve < ADAA_CURVES_; curve++)
		for (uint32_t trial = 0; trial < 8; trial++) {
			for (uint32_t i = 0; i < 260; i++)
				x[i] = (float)((test_random() - 0.5) * pow(10, trial - 5.0));
			adaa_run(curve, true, x + 4, y, 256);
			for (uint32_t i = 0; i < 256; i++)
				CHECK_NEAR((double)y[i], adaa_curve_at(curve, (double)x[4 + i]),
					   1e-7);
		}
}

TEST(mean_is_the_integral)
{
	float x[260], y[260];

	for (uint32_t curve = 0; curve < ADAA_CURVES_; curve++) {
		double worst = 0;

		for (uint32_t trial = 0; trial < 16; trial++) {
			/* Ways of all lengths, around all levels. */
			double size = pow(10, trial % 4 * 0.5 - 1),
			       way = pow(10, -(trial / 4.0) * 2);

			for (uint32_t i = 0; i < 260; i++)
				x[i] = (float)(size * (sin(i * 0.1) + way * (test_random() - 0.5)));
			for (uint32_t i = 0; trial >= 12 && i < 260; i++)
				x[i] = (float)(size + 1e-7 * i * (trial - 11));
			adaa_run(curve, false, x + 4, y, 256);
			for (uint32_t i = 0; i < 256; i++) {
				double want = mean(curve, (double)x[3 + i], (double)x[4 + i]);
				/* Quadrature over a corner of the hard curve is less exact. */
				double tolerance =
					3e-7 + (curve == ADAA_HARD ? 3e-4 : 0) *
						       fabs((double)(x[4 + i] - x[3 + i]));

				worst = fmax(worst, fabs((double)y[i] - want));
				CHECK_NEAR((double)y[i], want, tolerance);
			}
		}
		test_note("%s: off by %.2g at most", names[curve], worst);
	}
}

TEST(rest_is_zero_and_far_is_finite)
{
	static const float far[] = {0, 3000, -3000, 1e6f, -1e6f, 0, 70, -70};
	float x[12] = {0}, y[8];

	for (uint32_t curve = 0; curve < ADAA_CURVES_; curve++)
		for (uint32_t plain = 0; plain < 2; plain++) {
			memset(x, 0, sizeof(x));
			adaa_run(curve, plain, x + 4, y, 8);
			for (uint32_t i = 0; i < 8; i++)
				CHECK_NEAR((double)y[i], 0, 1e-15);
			memcpy(x + 4, far, sizeof(far));
			adaa_run(curve, plain, x + 4, y, 8);
			for (uint32_t i = 0; i < 8; i++)
				CHECK(fabsf(y[i]) <= 1.000001f, "%s: %g", names[curve],
				      (double)y[i]);
		}
}
