/* test_width.c - width: dsp.md 3.3. */
#include "node_host.h"
#include "test.h"

#define RATE 48000.0
#define FRAMES 65536u

static float in[2][FRAMES], out[2][FRAMES];

static struct node_host *width_open(double law, double width, double mono_below)
{
	struct node_host_config configs[] = {{"law", law, NULL}, {NULL, 0, NULL}};
	struct node_host *host =
		node_host_open("width", &(struct node_host_setup){.configs = configs});

	node_host_jump(host, 0, "width", width);
	node_host_jump(host, 0, "mono_below", mono_below);
	return host;
}

static void width_run(struct node_host *host, uint32_t n)
{
	node_host_process(host, (const float *[]){in[0], in[1]}, (float *[]){out[0], out[1]}, n);
}

/* The level of a tone in the second half of X, in dB. */
static double width_level_db(const float *x, double hz)
{
	double re = 0, im = 0;

	for (uint32_t i = FRAMES / 2; i < FRAMES; i++) {
		re += (double)x[i] * cos(2 * M_PI * hz / RATE * i);
		im += (double)x[i] * sin(2 * M_PI * hz / RATE * i);
	}
	return 20 * log10(2 * sqrt(re * re + im * im) / (FRAMES / 2) + 1e-30);
}

/* A tone with whole periods in the half that is measured. */
static double width_hz(double hz)
{
	return round(hz * (FRAMES / 2) / RATE) * RATE / (FRAMES / 2);
}

static void width_tone(double hz, double left, double right)
{
	for (uint32_t i = 0; i < FRAMES; i++) {
		in[0][i] = (float)(left * sin(2 * M_PI * hz / RATE * i));
		in[1][i] = (float)(right * sin(2 * M_PI * hz / RATE * i));
	}
}

static void width_noise(void)
{
	for (uint32_t i = 0; i < FRAMES; i++) {
		in[0][i] = (float)(test_random() - 0.5);
		in[1][i] = (float)(test_random() - 0.5);
	}
}

TEST(width_of_100_is_a_copy)
{
	struct node_host *host = width_open(0, 100, 20);

	width_noise();
	width_run(host, 4096);
	CHECK(memcmp(in[0], out[0], 4096 * sizeof(float)) == 0 &&
	      memcmp(in[1], out[1], 4096 * sizeof(float)) == 0);
	node_host_free(host);
}

TEST(width_of_0_is_mono_to_the_bit) /* dsp.md 3.3: w = 0 -> L == R */
{
	static const double mono_below[] = {20, 120};

	for (int k = 0; k < 2; k++) {
		struct node_host *host = width_open(0, 0, mono_below[k]);

		width_noise();
		width_run(host, 8192);
		CHECK(memcmp(out[0], out[1], 8192 * sizeof(float)) == 0);
		node_host_free(host);
	}
}

TEST(width_gains_are_the_formula)
{
	for (int law = 0; law < 2; law++)
		for (double width = 0; width <= 200; width += 12.5) {
			struct node_host *host = width_open(law, width, 20);
			double w = width / 100, both = law ? 1 : sqrt(2 / (1 + w * w));

			width_noise();
			width_run(host, 512);
			for (uint32_t i = 0; i < 512; i++) {
				double l = (double)in[0][i], r = (double)in[1][i];
				double m = 0.5 * (l + r) * both, s = 0.5 * (l - r) * both * w;

				CHECK_NEAR((double)out[0][i], m + s, 1e-7);
				CHECK_NEAR((double)out[1][i], m - s, 1e-7);
			}
			node_host_free(host);
		}
}

TEST(width_mono_lows_are_alike) /* dsp.md 3.3: L-only 30 Hz at 120 Hz: |L - R| <= -40 dB of L */
{
	double hz = width_hz(30), left, difference;
	struct node_host *host = width_open(0, 100, 120);

	width_tone(hz, 0.5, 0);
	width_run(host, FRAMES);
	left = width_level_db(out[0], hz);
	for (uint32_t i = 0; i < FRAMES; i++)
		out[1][i] = out[0][i] - out[1][i];
	difference = width_level_db(out[1], hz);
	test_note("L - R is %.1f dB of L", difference - left);
	CHECK(difference - left <= -40);
	node_host_free(host);
}

TEST(width_side_is_48_db_down_two_octaves_below)
{
	double hz = width_hz(30);
	struct node_host *host = width_open(0, 100, 4 * hz);

	width_tone(hz, 0.5, -0.5);
	width_run(host, FRAMES);
	CHECK(width_level_db(out[0], hz) - 20 * log10(0.5) <= -48, "%.2f dB",
	      width_level_db(out[0], hz) - 20 * log10(0.5));
	node_host_free(host);
}

TEST(width_mid_is_flat) /* dsp.md 3.3: |M| flat +-0.01 dB */
{
	for (double nominal = 20; nominal < 20000; nominal *= 1.4) {
		double hz = width_hz(nominal);
		struct node_host *host = width_open(0, 100, 120);

		width_tone(hz, 0.5, 0.5);
		width_run(host, FRAMES);
		CHECK_NEAR(width_level_db(out[0], hz), 20 * log10(0.5), 0.01);
		node_host_free(host);
	}
}

/* Mid and side keep their phase to each other: above the corner a left signal stays left. */
TEST(width_left_stays_left_above_the_corner)
{
	double hz = width_hz(1000), low = width_hz(500);
	struct node_host *host = width_open(0, 100, 120);

	width_tone(hz, 0.5, 0);
	width_run(host, FRAMES);
	test_note("1 kHz leaks %.1f dB", width_level_db(out[1], hz) - width_level_db(out[0], hz));
	CHECK(width_level_db(out[1], hz) - width_level_db(out[0], hz) < -65);
	node_host_free(host);
	host = width_open(0, 100, 120);
	width_tone(low, 0.5, 0);
	width_run(host, FRAMES);
	CHECK(width_level_db(out[1], low) - width_level_db(out[0], low) < -50);
	node_host_free(host);
}

TEST(width_mono_comes_and_goes_without_a_step)
{
	struct node_host *host = width_open(0, 100, 20);
	double most = 0;

	width_tone(width_hz(200), 0.5, -0.2);
	width_run(host, 4800);
	node_host_set(host, 0, "mono_below", 150);
	node_host_process(host, (const float *[]){in[0] + 4800, in[1] + 4800},
			  (float *[]){out[0] + 4800, out[1] + 4800}, 9600);
	node_host_set(host, 0, "mono_below", 20);
	node_host_process(host, (const float *[]){in[0] + 14400, in[1] + 14400},
			  (float *[]){out[0] + 14400, out[1] + 14400}, 9600);
	for (uint32_t i = 1; i < 24000; i++)
		most = fmax(most, fabs((double)out[0][i] - (double)out[0][i - 1]));
	CHECK(most < 1.5 * 0.5 * 2 * M_PI * 200 / RATE, "a step of %g", most);
	CHECK(memcmp(in[0] + 20000, out[0] + 20000, 4000 * sizeof(float)) == 0, "not a copy again");
	node_host_free(host);
}

TEST(width_refuses_what_is_not_stereo)
{
	struct mixd_fault fault;

	CHECK(!node_host_try(node_host_type("width", NULL),
			     &(struct node_host_setup){.layout = "5.1"}, &fault));
	CHECK(strstr(fault.text, "5.1") && strstr(fault.hint, "stereo"), "\"%s\" \"%s\"",
	      fault.text, fault.hint);
}
