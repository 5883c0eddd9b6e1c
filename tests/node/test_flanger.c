/* test_flanger.c - flanger: its comb (dsp.md 9.2), feedback, through zero. */
#include "node_host.h"
#include "test.h"

#define RATE 48000.0
#define FRAMES 96000u

static float in[2][FRAMES], out[2][FRAMES];
static const float *const ins[] = {in[0], in[1]};
static float *const outs[] = {out[0], out[1]};

static struct node_host *flanger(double delay_ms, double depth_ms, bool through_zero)
{
	static const struct node_host_config configs[] = {{"through_zero", 1, NULL},
							  {NULL, 0, NULL}};
	struct node_host *host = node_host_open(
		"flanger", &(struct node_host_setup){.configs = through_zero ? configs : NULL});

	node_host_jump(host, 0, "delay", delay_ms);
	node_host_jump(host, 0, "depth", depth_ms);
	node_host_jump(host, 0, "spread", 0);
	memset(in, 0, sizeof(in));
	return host;
}

/* |H| at HZ of the impulse response in OUT[0]. */
static double response(double hz)
{
	double re = 0, im = 0;

	for (uint32_t i = 0; i < FRAMES; i++) {
		re += (double)out[0][i] * cos(2 * M_PI * hz / RATE * i);
		im += (double)out[0][i] * sin(2 * M_PI * hz / RATE * i);
	}
	return hypot(re, im);
}

/* The deepest point between LOW and HIGH. */
static double notch(double low, double high)
{
	double best = low;

	for (double step = (high - low) / 40; step > 0.05; step /= 8) {
		double around = best, deepest = 1e9;

		for (double hz = fmax(low, around - 10 * step);
		     hz <= high && hz <= around + 41 * step; hz += step)
			if (response(hz) < deepest) {
				deepest = response(hz);
				best = hz;
			}
	}
	return best;
}

/* dsp.md 9.2: "notch spacing 1/d +-0.5 %". */
TEST(flanger_notches_are_one_over_the_lag_apart)
{
	static const double delays[] = {0.7, 1.03, 2.5};

	for (uint32_t d = 0; d < 3; d++) {
		struct node_host *host = flanger(delays[d], 0, false);
		double spacing = 1000 / delays[d], first, second;

		in[0][0] = 1;
		node_host_process(host, ins, outs, FRAMES);
		first = notch(0.2 * spacing, 0.8 * spacing);
		second = notch(1.2 * spacing, 1.8 * spacing);
		test_note("%g ms: notches at %.1f and %.1f Hz", delays[d], first, second);
		CHECK_NEAR((second - first) / spacing, 1, 0.005);
		CHECK_NEAR(first / spacing, 0.5, 0.0025);
		CHECK(response(first) < 0.003);
		CHECK_NEAR(response(spacing), 1, 0.003);
		node_host_free(host);
	}
}

TEST(flanger_inverted_has_its_teeth_where_notches_were)
{
	struct node_host *host = flanger(1, 0, false);

	node_host_jump(host, 0, "invert", 1);
	in[0][0] = 1;
	node_host_process(host, ins, outs, FRAMES);
	CHECK(response(1000) < 0.003);
	CHECK_NEAR(response(500), 1, 0.003);
	node_host_free(host);
}

/* Wet alone with feedback g: 1 / (1 - g) at the teeth, 1 / (1 + g) between. */
TEST(flanger_feedback_sharpens_the_teeth)
{
	static const double gains[] = {-0.9, -0.5, 0.5, 0.9};

	for (uint32_t g = 0; g < 4; g++) {
		struct node_host *host = flanger(1, 0, false);

		node_host_jump(host, 0, "feedback", gains[g] * 100);
		node_host_jump(host, 0, "mix", 100);
		in[0][0] = 1;
		node_host_process(host, ins, outs, FRAMES);
		CHECK_NEAR(response(3000) * (1 - gains[g]), 1, 1e-3);
		CHECK_NEAR(response(3500) * (1 + gains[g]), 1, 1e-3);
		node_host_free(host);
	}
}

/* Through zero: at delay = depth / 2 and phase 0 both are together; turned over, nothing is left. */
TEST(flanger_passes_through_zero)
{
	struct node_host *host = flanger(2, 4, true);
	uint32_t latency = node_host_latency(host);
	double together = 0, apart = 0;

	CHECK(latency == (uint32_t)(10.4 * 48) + 16, "%u", latency);
	node_host_jump(host, 0, "invert", 1);
	node_host_jump(host, 0, "rate", 1);
	for (uint32_t i = 0; i < FRAMES; i++)
		in[0][i] = (float)(0.5 * sin(2 * M_PI * 997 / RATE * i));
	node_host_process(host, ins, outs, FRAMES);
	for (uint32_t i = 48000 - 20; i < 48000 + 20; i++)
		together = fmax(together, fabs((double)out[0][i]));
	for (uint32_t i = 52000; i < 60000; i++)
		apart = fmax(apart, fabs((double)out[0][i]));
	test_note("together %.1f dB, apart %.1f dB", 20 * log10(together), 20 * log10(apart));
	CHECK(20 * log10(together) < -40);
	CHECK(20 * log10(apart) > -8);
	node_host_free(host);
}

/* In tempo: a whole sweep each bar. */
TEST(flanger_keeps_the_tempo)
{
	struct node_host *host = flanger(5, 4, false);

	node_host_jump(host, 0, "note", 3);
	node_host_jump(host, 0, "bpm", 240); /* 1 s a bar */
	node_host_jump(host, 0, "mix", 100);
	for (uint32_t i = 0; i < FRAMES; i++)
		in[0][i] = (float)sin(2 * M_PI * 100 / RATE * i);
	node_host_process(host, ins, outs, FRAMES);
	for (uint32_t i = 12000; i < FRAMES; i += 3000) {
		double lag = 0.005 + 0.004 * (0.5 + 0.5 * sin(2 * M_PI * i / RATE));

		CHECK_NEAR((double)out[0][i], sin(2 * M_PI * 100 * (i / RATE - lag)), 1e-3);
	}
	node_host_free(host);
}
