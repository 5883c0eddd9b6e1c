/* dsp/crossover.h: the bands add up, each has its slope, and the vectors do as plain C does. */
#include "crossover.h"
#include "test.h"

#include <complex.h>

#define RATE 48000.0
#define FRAMES 32768u
#define CHUNK 128u

static const double points_hz[CROSSOVER_POINTS_MAX] = {120, 600, 2500, 8000, 14000};

static void crossover_at(struct crossover *crossover, uint32_t ways, const double *freq_hz)
{
	*crossover = (struct crossover){.ways = ways};
	for (uint32_t k = 0; k + 1 < ways; k++)
		crossover_set(crossover, k, freq_hz[k], RATE);
}

static double band[CROSSOVER_WAYS_MAX][FRAMES], unused_row[CROSSOVER_WAYS_MAX][FRAMES];

/* Impulse responses of all bands into band[]. */
static void impulse_responses(uint32_t ways, const double *freq_hz)
{
	static float impulse[FRAMES] = {1};
	double *out[2 * CROSSOVER_WAYS_MAX];
	struct crossover crossover;
	struct crossover_state state = {{0}};

	for (uint32_t way = 0; way < ways; way++) {
		out[2 * way] = band[way];
		out[2 * way + 1] = unused_row[way];
	}
	crossover_at(&crossover, ways, freq_hz);
	crossover_run_plain(&crossover, &state, (const float *[]){impulse, impulse}, out, FRAMES);
}

static double complex response(const double *h, double freq_hz)
{
	const double complex turn = cexp(-2 * I * M_PI * freq_hz / RATE);
	double complex sum = 0;

	for (uint32_t i = FRAMES; i-- > 0;)
		sum = sum * turn + h[i];
	return sum;
}

static double to_db(double complex h)
{
	return 20 * log10(cabs(h));
}

/* The analogue filter at the frequency to which the bilinear transform bends FREQ_HZ. */
static double low_db(double freq_hz, double point_hz)
{
	double x = tan(M_PI * freq_hz / RATE) / tan(M_PI * point_hz / RATE);

	return -20 * log10(1 + x * x * x * x);
}

TEST(sum_is_flat) /* dsp.md 5.2 */
{
	static const double close_hz[CROSSOVER_POINTS_MAX] = {200, 300, 450, 700, 1000};
	static double sum[FRAMES];
	double worst = 0;

	for (uint32_t ways = 2; ways <= CROSSOVER_WAYS_MAX; ways++)
		for (uint32_t set = 0; set < 2; set++) {
			impulse_responses(ways, set ? close_hz : points_hz);
			for (uint32_t i = 0; i < FRAMES; i++) {
				sum[i] = 0;
				for (uint32_t way = 0; way < ways; way++)
					sum[i] += band[way][i];
			}
			for (double f = 20; f < 23500; f *= 1.3)
				worst = fmax(worst, fabs(to_db(response(sum, f))));
		}
	test_note("ripple %.2g dB", worst);
	CHECK(worst <= 1e-9, "%g dB", worst);
}

TEST(bands_have_the_slopes_of_linkwitz_and_riley)
{
	impulse_responses(3, points_hz);
	for (double f = 30; f < 20000; f *= 1.5) {
		double low = low_db(f, 120), high = low_db(f, 600);
		double over = 80 * log10(tan(M_PI * f / RATE) / tan(M_PI * 120 / RATE));
		double above = 80 * log10(tan(M_PI * f / RATE) / tan(M_PI * 600 / RATE));

		/* The lowest band passes the low sides of all splits. */
		if (low + high > -200)
			CHECK_NEAR(to_db(response(band[0], f)), low + high, 1e-4);
		CHECK_NEAR(to_db(response(band[1], f)), low + over + high, 1e-4);
		CHECK_NEAR(to_db(response(band[2], f)), high + above, 1e-4);
	}
	/* 6 dB less in both at the point itself. */
	impulse_responses(2, points_hz + 1);
	CHECK_NEAR(to_db(response(band[0], 600)), -6.0206, 1e-4);
	CHECK_NEAR(to_db(response(band[1], 600)), -6.0206, 1e-4);
}

static void noise(float *x, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		x[i] = (float)(2 * test_random() - 1);
}

static void equals_plain(uint32_t ways, bool moving)
{
	static float in[2][CHUNK * 4], fast[2 * CROSSOVER_WAYS_MAX][CHUNK * 4];
	static double plain[2 * CROSSOVER_WAYS_MAX][CHUNK * 4];
	struct crossover_state a = {{0}}, b = {{0}};
	struct crossover crossover, start;

	crossover_at(&crossover, ways, points_hz);
	for (uint32_t k = 0; moving && k + 1 < ways; k++)
		crossover_move(&crossover, k, points_hz[k] * 1.3, RATE);
	start = crossover;
	noise(in[0], 4 * CHUNK);
	noise(in[1], 4 * CHUNK);
	for (uint32_t at = 0, n; at < 4 * CHUNK; at += n) {
		float *rows[2 * CROSSOVER_WAYS_MAX];

		n = 1 + test_random_below(CHUNK);
		n = n < 4 * CHUNK - at ? n : 4 * CHUNK - at;
		for (uint32_t r = 0; r < 2 * ways; r++)
			rows[r] = fast[r] + at;
		crossover_run(&crossover, &a, (const float *[]){in[0] + at, in[1] + at}, rows, n);
		crossover_advance(&crossover, n);
	}
	double *rows[2 * CROSSOVER_WAYS_MAX];

	for (uint32_t r = 0; r < 2 * ways; r++)
		rows[r] = plain[r];
	crossover_run_plain(&start, &b, (const float *[]){in[0], in[1]}, rows, 4 * CHUNK);
	for (uint32_t r = 0; r < 2 * ways; r++)
		for (uint32_t i = 0; i < 4 * CHUNK; i++)
			CHECK(fast[r][i] == (float)plain[r][i], "%u ways, row %u, frame %u", ways,
			      r, i);
}

TEST(vectors_equal_plain_c_to_the_bit)
{
	for (uint32_t ways = 2; ways <= CROSSOVER_WAYS_MAX; ways++) {
		equals_plain(ways, false);
		equals_plain(ways, true);
	}
}

TEST(points_arrive_and_keep_their_distance)
{
	struct crossover crossover, want;
	double freq[3] = {1000, 900, 23000}, speed = 0, bend = 0, was = 0;

	crossover_at(&crossover, 2, (double[]){100});
	crossover_at(&want, 2, (double[]){8000});
	crossover_move(&crossover, 0, 8000, RATE);
	for (uint32_t i = 0; i < 4800; i++) {
		double a = crossover.point[0].now[0];

		crossover_advance(&crossover, 1);
		a = crossover.point[0].now[0] - a;
		speed = fmax(speed, fabs(a));
		bend = fmax(bend, fabs(a - was));
		was = a;
	}
	CHECK(bend < 0.1 * speed, "speed %g changes by %g", speed, bend);
	CHECK(!crossover_settle(&crossover) && !crossover.moving);
	CHECK(memcmp(crossover.point[0].now, want.point[0].now, sizeof(want.point[0].now)) == 0);
	crossover_space(freq, 3, RATE);
	CHECK_NEAR(freq[1], 1414.2, 0.1);
	CHECK_NEAR(freq[2], 23000, 1e-9);
	crossover_space(freq, 3, 16000);
	CHECK_NEAR(freq[2], 7840, 1e-9);
}
