/* test_chorus.c - chorus: where voices are, how far they go, and no lines beside (dsp.md 9.2). */
#include "node_host.h"
#include "test.h"

#define RATE 48000.0
#define FRAMES 96000u

static float in[2][FRAMES], out[2][FRAMES];
static const float *const ins[] = {in[0], in[1]};
static float *const outs[] = {out[0], out[1]};

static struct node_host *chorus(double delay_ms, double depth_ms, double voices)
{
	struct node_host *host = node_host_open("chorus", &(struct node_host_setup){0});

	node_host_jump(host, 0, "delay", delay_ms);
	node_host_jump(host, 0, "depth", depth_ms);
	node_host_jump(host, 0, "voices", voices);
	node_host_jump(host, 0, "mix", 100);
	node_host_jump(host, 0, "spread", 0);
	memset(in, 0, sizeof(in));
	return host;
}

static void sine(double hz, double level)
{
	for (uint32_t c = 0; c < 2; c++)
		for (uint32_t i = 0; i < FRAMES; i++)
			in[c][i] = (float)(level * sin(2 * M_PI * hz / RATE * i));
}

/* A voice without depth is a delay; with depth 2 a it stands in the middle at phase 0. */
TEST(chorus_voices_are_where_they_should_be)
{
	for (uint32_t voices = 1; voices <= 6; voices++) {
		struct node_host *host = chorus(20, 0, voices);

		in[0][0] = 1;
		node_host_process(host, ins, outs, 4800);
		CHECK_NEAR((double)out[0][960], sqrt(voices), 1e-6);
		for (uint32_t i = 0; i < 4800; i++)
			CHECK(i == 960 || fabsf(out[0][i]) < 1e-6f);
		CHECK(node_host_latency(host) == 0);
		node_host_free(host);
	}
}

/* dsp.md 9.2: "1 kHz, no lines > -80 dB outside FM bands (interpolator images)". A voice is sin(w (t -
 * lag(t))), whose lines are the FM bands; all that is left without it is 80 dB down together. */
TEST(chorus_adds_nothing_beside_its_sidebands)
{
	struct node_host *host = chorus(10, 8, 1);
	double sum = 0, worst = 0;

	node_host_jump(host, 0, "rate", 0.5);
	sine(1000, 1);
	node_host_process(host, ins, outs, FRAMES);
	for (uint32_t i = 24000; i < FRAMES; i++) {
		double lag = 0.010 + 0.008 * (0.5 + 0.5 * sin(2 * M_PI * 0.5 * i / RATE));
		double left = (double)out[0][i] - sin(2 * M_PI * 1000 * (i / RATE - lag));

		sum += 2 * left * left;
		worst = fmax(worst, fabs(left));
	}
	sum = 10 * log10(sum / (FRAMES - 24000));
	test_note("beside the sidebands: %.1f dB in all, %.1f dB at most", sum, 20 * log10(worst));
	CHECK(sum <= -80);
	node_host_free(host);
}

/* The lag of a 100 Hz tone read from its phase: from delay to delay + depth, a sine of that rate. */
TEST(chorus_sways_as_told)
{
	for (uint32_t note = 0; note < 2; note++) {
		struct node_host *host = chorus(5, 4, 1);
		double rate = note ? 2 : 1; /* a quarter at 120 bpm is 2 Hz */

		node_host_jump(host, 0, "rate", 1);
		node_host_jump(host, 0, "note", note ? 7 : 0);
		sine(100, 1);
		node_host_process(host, ins, outs, FRAMES);
		for (double t = 0.25; t < 1.75; t += 0.05) {
			uint32_t i = (uint32_t)(t * RATE);
			double lag = 0.005 + 0.004 * (0.5 + 0.5 * sin(2 * M_PI * rate * t));

			CHECK_NEAR((double)out[0][i], sin(2 * M_PI * 100 * (i / RATE - lag)), 1e-3);
		}
		node_host_free(host);
	}
}

TEST(chorus_sides_sway_apart)
{
	struct node_host *host = chorus(5, 4, 1);

	node_host_jump(host, 0, "spread", 180);
	node_host_jump(host, 0, "rate", 1);
	sine(100, 1);
	node_host_process(host, ins, outs, FRAMES);
	for (uint32_t i = 24000; i < 60000; i += 1000) {
		double sway = 0.002 * sin(2 * M_PI * i / RATE);

		CHECK_NEAR((double)out[0][i], sin(2 * M_PI * 100 * (i / RATE - 0.007 - sway)),
			   1e-3);
		CHECK_NEAR((double)out[1][i], sin(2 * M_PI * 100 * (i / RATE - 0.007 + sway)),
			   1e-3);
	}
	node_host_free(host);
}

/* Voices are of equal power however many they are, and come and go without a step. */
TEST(chorus_voices_come_and_go)
{
	struct node_host *host = chorus(10, 5, 1);
	double highest = 0;

	sine(500, 0.5);
	node_host_process(host, ins, outs, 24000);
	node_host_set(host, 0, "voices", 6);
	node_host_process(host, (const float *const[]){in[0] + 24000, in[1]},
			  (float *const[]){out[0] + 24000, out[1]}, 48000);
	for (uint32_t i = 20000; i < 72000; i++)
		highest = fmax(highest, fabs((double)out[0][i] - (double)out[0][i - 1]));
	CHECK(highest < 3 * 0.5 * sqrt(6) * 2 * M_PI * 500 / RATE, "%g", highest);
	node_host_free(host);
}

TEST(chorus_feedback_stays_in_bounds)
{
	for (int sign = -1; sign <= 1; sign += 2) {
		struct node_host *host = chorus(3, 2, 6);
		float highest = 0;

		node_host_jump(host, 0, "feedback", sign * 95);
		for (uint32_t i = 0; i < FRAMES; i++)
			in[0][i] = in[1][i] = (float)(test_random() - 0.5);
		node_host_process(host, ins, outs, FRAMES);
		for (uint32_t i = 0; i < FRAMES; i++)
			highest = fmaxf(highest, fabsf(out[0][i]));
		CHECK(highest < 20, "%g", (double)highest);
		node_host_free(host);
	}
}
