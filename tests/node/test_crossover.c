/* crossover: dsp.md 5.2. Slopes and f64 sums are in test_dsp_crossover.c. */
#include "node_host.h"
#include "test.h"

#include <complex.h>

#define RATE 48000u

static float in[2][RATE], out[12][RATE];

static struct node_host *crossover_open(double bands)
{
	struct node_host_config configs[] = {{"bands", bands, NULL}, {NULL, 0, NULL}};

	return node_host_open("crossover", &(struct node_host_setup){.configs = configs});
}

static void run(struct node_host *host)
{
	float *rows[12];

	for (uint32_t i = 0; i < 12; i++)
		rows[i] = out[i];
	node_host_process(host, (const float *[]){in[0], in[1]}, rows, RATE);
}

static double response_db(const double *h, double freq_hz)
{
	double complex turn = cexp(-2 * I * M_PI * freq_hz / RATE), sum = 0;

	for (uint32_t i = RATE; i-- > 0;)
		sum = sum * turn + h[i];
	return 20 * log10(cabs(sum));
}

TEST(sum_of_ports_is_flat)
{
	static double sum[RATE];
	double worst = 0;

	for (uint32_t bands = 2; bands <= 6; bands++) {
		struct node_host *host = crossover_open(bands);

		CHECK(node_host_out_channels(host) == 2 * bands);
		memset(in, 0, sizeof(in));
		in[1][0] = 1;
		run(host);
		for (uint32_t i = 0; i < RATE; i++) {
			sum[i] = 0;
			for (uint32_t b = 0; b < bands; b++) {
				sum[i] += out[2 * b + 1][i];
				CHECK(out[2 * b][i] == 0);
			}
		}
		for (double f = 20; f < 20000; f *= 1.3)
			worst = fmax(worst, fabs(response_db(sum, f)));
		node_host_free(host);
	}
	test_note("%.2g dB", worst);
	CHECK(worst <= 0.001);
}

TEST(out1_is_the_lowest)
{
	struct node_host *host = crossover_open(3);
	double h[RATE];

	memset(in, 0, sizeof(in));
	in[0][0] = 1;
	run(host);
	for (uint32_t b = 0; b < 3; b++) {
		for (uint32_t i = 0; i < RATE; i++)
			h[i] = out[2 * b][i];
		CHECK_NEAR(response_db(h, b == 0 ? 20 : b == 1 ? 270 : 20000), 0, 0.7);
		CHECK(response_db(h, b == 0 ? 1000 : b == 1 ? 20 : 100) < -50);
	}
	node_host_free(host);
}

TEST(splits_keep_half_an_octave)
{
	struct node_host *host = crossover_open(3);
	double h[RATE];

	node_host_jump(host, 0, "xover1", 1000);
	node_host_jump(host, 0, "xover2", 200);
	memset(in, 0, sizeof(in));
	in[0][0] = 1;
	run(host);
	for (uint32_t i = 0; i < RATE; i++)
		h[i] = out[4][i];
	CHECK_NEAR(response_db(h, 1000 * M_SQRT2), -6.02, 0.02);
	node_host_free(host);
}
