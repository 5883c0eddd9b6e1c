/* tilt: dsp.md 4.1; against the analogue shelf H(s) = (s sqrt(G) + 1 / sqrt(G) ...) below. */
#include "node_host.h"
#include "test.h"

#define FRAMES 131072u

static float in[2][FRAMES], out[2][FRAMES];

static void tilt_impulse(double rate, double gain_db, double freq_hz)
{
	struct node_host *host = node_host_open("tilt", &(struct node_host_setup){.rate = rate});

	memset(in, 0, sizeof(in));
	in[0][0] = 1;
	node_host_jump(host, 0, "gain", gain_db);
	node_host_jump(host, 0, "freq", freq_hz);
	node_host_process(host, (const float *[]){in[0], in[1]}, (float *[]){out[0], out[1]},
			  FRAMES);
	node_host_free(host);
}

static double tilt_db(double rate, double hz)
{
	double re = 0, im = 0;

	for (uint32_t i = 0; i < FRAMES; i++) {
		if (out[0][i] == 0)
			continue;
		re += (double)out[0][i] * cos(2 * M_PI * hz / rate * i);
		im += (double)out[0][i] * sin(2 * M_PI * hz / rate * i);
	}
	return 10 * log10(re * re + im * im);
}

/* |H|^2 = (1 / r + r w^2) / (r + w^2 / r), r = 10^(gain / 20), w = f / pivot: -gain at 0, 0 dB at the
 * pivot, +gain far above: one pole at r w = ..., one zero. */
static double tilt_analogue_db(double gain_db, double w)
{
	long double r = powl(10, gain_db / 20);

	return (double)(10 * log10l((1 / r + r * w * w) / (r + w * w / r)));
}

/* dsp.md 4.1: within 0.02 dB where the design has room, 0.6 dB up to 20 kHz at 48 kHz. */
TEST(tilt_is_the_analogue_shelf)
{
	static const double gains[] = {-12, -6, -3, 1, 3, 6, 12}, pivots[] = {200, 650, 2000};
	double worst = 0, low = 0;

	for (int g = 0; g < 7; g++)
		for (int p = 0; p < 3; p++) {
			tilt_impulse(48000, gains[g], pivots[p]);
			for (double hz = 20; hz <= 20000; hz *= 1.5) {
				double off = fabs(tilt_db(48000, hz) -
						  tilt_analogue_db(gains[g], hz / pivots[p]));

				worst = fmax(worst, off);
				if (hz <= 5000 && p < 2)
					low = fmax(low, off);
			}
			CHECK_NEAR(tilt_db(48000, pivots[p]), 0, 0.05);
		}
	test_note("within %.3f dB to 20 kHz, %.4f dB to 5 kHz", worst, low);
	CHECK(worst <= 0.3 && low <= 0.05);
}

TEST(tilt_sounds_as_response_says)
{
	const struct mixd_node_type *type = node_host_type("tilt", NULL);
	static const double hz[] = {20, 100, 650, 3000, 12000, 20000};
	double db[6];

	for (double rate = 44100; rate <= 96000; rate += 51900) {
		type->response(&(struct mixd_response){.params = (const double[]){-7, 900},
						       .rate = rate,
						       .freq_hz = hz,
						       .n = 6},
			       db);
		tilt_impulse(rate, -7, 900);
		for (int k = 0; k < 6; k++)
			CHECK_NEAR(tilt_db(rate, hz[k]), db[k], 0.002);
	}
}

TEST(tilt_of_0_db_is_a_copy_again)
{
	struct node_host *host = node_host_open("tilt", &(struct node_host_setup){0});

	for (uint32_t i = 0; i < 16384; i++)
		in[0][i] = in[1][i] = (float)(test_random() - 0.5);
	node_host_set(host, 0, "gain", 6);
	node_host_process(host, (const float *[]){in[0], in[1]}, (float *[]){out[0], out[1]}, 4096);
	node_host_set(host, 0, "gain", 0);
	node_host_process(host, (const float *[]){in[0] + 4096, in[1] + 4096},
			  (float *[]){out[0] + 4096, out[1] + 4096}, 8192);
	CHECK(memcmp(in[0] + 6000, out[0] + 6000, 6000 * sizeof(float)) == 0);
	CHECK(!node_host_moving(host));
	node_host_free(host);
}
