/* test_delay.c - delay: dsp.md 9.1. */
#include "node_host.h"
#include "spectrum.h"
#include "test.h"

#define RATE 48000.0
#define FRAMES (48000u * 6)

static float in[2][FRAMES], out[2][FRAMES];
static const float *const ins[] = {in[0], in[1]};
static float *const outs[] = {out[0], out[1]};

static struct node_host *delay(double time_ms, double feedback)
{
	struct node_host *host = node_host_open("delay", &(struct node_host_setup){0});

	node_host_jump(host, 0, "time", time_ms);
	node_host_jump(host, 0, "feedback", feedback);
	node_host_jump(host, 0, "mix", 100);
	memset(in, 0, sizeof(in));
	return host;
}

/* dsp.md 9.1: "impulse at 500.00 ms +-0.5 sample, echo n = fb^n +-0.01 dB". */
TEST(delay_echoes_are_in_time_and_fall_by_the_feedback)
{
	static const double feedbacks[] = {20, 50, 80, 100};

	for (uint32_t f = 0; f < 4; f++) {
		struct node_host *host = delay(500, feedbacks[f]);

		in[0][100] = in[1][100] = 0.5f;
		node_host_process(host, ins, outs, FRAMES);
		for (uint32_t n = 0; n < 11; n++) {
			uint32_t at = 100 + 24000 * (n + 1), peak = at - 2000;

			for (uint32_t i = at - 2000; i < at + 2000 && i < FRAMES; i++)
				if (fabsf(out[1][i]) > fabsf(out[1][peak]))
					peak = i;
			CHECK(peak == at, "echo %u is at %u", n, peak);
			CHECK_NEAR(20 * log10((double)out[1][at] / 0.5),
				   20 * n * log10(feedbacks[f] / 100), 0.01);
		}
		node_host_free(host);
	}
}

/* dsp.md 9.1: "runaway bounded <= +3 dBFS at 110 %", with noise, and with a full-scale tone going
 * on. */
TEST(delay_runs_away_to_a_limit)
{
	for (uint32_t tape = 0; tape < 2; tape++)
		for (uint32_t on = 0; on < 2; on++) {
			struct node_host *host = delay(37, 110);
			float highest = 0;

			node_host_jump(host, 0, "mode", tape);
			node_host_jump(host, 0, "cross", 30);
			for (uint32_t i = 0; i < (on ? FRAMES : 4800); i++)
				for (uint32_t c = 0; c < 2; c++)
					in[c][i] = on ? (float)sin(2 * M_PI * 1000 / RATE * i)
						      : (float)(test_random() * 2 - 1);
			node_host_process(host, ins, outs, FRAMES);
			for (uint32_t i = 0; i < FRAMES; i++)
				highest = fmaxf(highest, fabsf(out[0][i]));
			test_note("%s, %s: %.2f dBFS", tape ? "tape" : "clean",
				  on ? "a tone goes on" : "a burst", 20 * log10((double)highest));
			CHECK(20 * log10((double)highest) <= 3);
			CHECK(highest > 0.8f, "it did not swell");
			node_host_free(host);
		}
}

TEST(delay_passes_the_input_at_once)
{
	struct node_host *host = delay(100, 50);

	node_host_jump(host, 0, "mix", 0);
	for (uint32_t i = 0; i < 20000; i++)
		in[0][i] = (float)(test_random() - 0.5);
	node_host_process(host, ins, outs, 20000);
	CHECK(node_host_latency(host) == 0);
	CHECK(memcmp(in[0], out[0], 20000 * sizeof(float)) == 0);
	node_host_free(host);
}

TEST(delay_keeps_the_tempo)
{
	/* Note, bpm, ms: a dotted eighth is 3/4 of a beat. */
	static const double rows[][3] = {{6, 120, 500}, {8, 120, 375}, {10, 90, 222.2222},
					 {1, 60, 4000}, {1, 30, 4000}, {11, 300, 50}};

	for (uint32_t r = 0; r < 6; r++) {
		struct node_host *host = delay(1000, 0);
		uint32_t peak = 0;

		node_host_jump(host, 0, "note", rows[r][0]);
		node_host_jump(host, 0, "bpm", rows[r][1]);
		in[0][0] = 1;
		node_host_process(host, ins, outs, FRAMES);
		for (uint32_t i = 0; i < FRAMES; i++)
			if (out[0][i] > out[0][peak])
				peak = i;
		CHECK_NEAR(peak, rows[r][2] * 48, 0.5);
		node_host_free(host);
	}
}

/* Left, right, left ..; a sound of either side alone, too. */
TEST(delay_plays_ping_pong)
{
	for (uint32_t source = 0; source < 2; source++) {
		struct node_host *host = delay(100, 50);

		node_host_jump(host, 0, "pingpong", 1);
		in[source][0] = 1;
		node_host_process(host, ins, outs, 48000);
		for (uint32_t n = 0; n < 6; n++) {
			uint32_t at = 4800 * (n + 1);

			CHECK_NEAR((double)out[n & 1][at], 0.5 * pow(0.5, n), 1e-6);
			CHECK(out[(n + 1) & 1][at] == 0);
		}
		node_host_free(host);
	}
}

TEST(delay_crosses_a_share)
{
	struct node_host *host = delay(100, 50);

	node_host_jump(host, 0, "cross", 25);
	in[0][0] = 1;
	node_host_process(host, ins, outs, 48000);
	CHECK_NEAR((double)out[0][9600], 0.5 * 0.75, 1e-6);
	CHECK_NEAR((double)out[1][9600], 0.5 * 0.25, 1e-6);
	node_host_free(host);
}

/* Each turn loses what first-order cuts take, by the analogue curve. */
TEST(delay_echoes_get_darker_and_thinner)
{
	static const double hz[] = {100, 1000, 4000};
	struct node_host *host = delay(500, 100);

	node_host_jump(host, 0, "high_cut", 2000);
	node_host_jump(host, 0, "low_cut", 200);
	in[0][0] = 1;
	node_host_process(host, ins, outs, FRAMES);
	for (uint32_t k = 0; k < 3; k++) {
		double h[3];

		for (uint32_t n = 0; n < 3; n++) {
			double re = 0, im = 0;

			for (uint32_t i = 0; i < 20000; i++) {
				re += (double)out[0][24000 * (n + 1) + i] *
				      cos(2 * M_PI * hz[k] / RATE * i);
				im += (double)out[0][24000 * (n + 1) + i] *
				      sin(2 * M_PI * hz[k] / RATE * i);
			}
			h[n] = 20 * log10(hypot(re, im));
		}
		double low = hz[k] / 2000, high = 200 / hz[k];
		double want = -10 * log10(1 + low * low) - 10 * log10(1 + high * high);

		CHECK_NEAR(h[1] - h[0], want, 0.15);
		CHECK_NEAR(h[2] - h[1], want, 0.15);
	}
	node_host_free(host);
}

/* A new time in clean mode: the pitch stays; in tape mode it bends by half an octave or so, and the
 * echo ends where it should. */
TEST(delay_time_changes_clean_or_as_tape)
{
	for (uint32_t tape = 0; tape < 2; tape++) {
		struct node_host *host = delay(300, 0);
		double highest = 0;
		uint32_t crossings = 0;

		node_host_jump(host, 0, "mode", tape);
		for (uint32_t i = 0; i < FRAMES; i++)
			in[0][i] = (float)(0.5 * sin(2 * M_PI * 1000 / RATE * i));
		node_host_process(host, ins, outs, 48000);
		node_host_set(host, 0, "time", 200);
		node_host_process(host, (const float *const[]){in[0] + 48000, in[1]},
				  (float *const[]){out[0] + 48000, out[1]}, FRAMES - 48000);
		for (uint32_t i = 48001; i < 48000 + 28800; i++) {
			highest = fmax(highest, fabs((double)out[0][i] - (double)out[0][i - 1]));
			crossings += out[0][i - 1] < 0 && out[0][i] >= 0;
		}
		/* 100 ms less delay: the head passes 100 ms of sound more. */
		if (tape)
			CHECK_NEAR(crossings, 700, 2);
		else
			CHECK_NEAR(crossings, 600, 2);
		CHECK(highest <= 0.5 * 2 * M_PI * 1000 / RATE * (tape ? 1.55 : 1.1), "%g", highest);
		for (uint32_t i = FRAMES - 4800; i < FRAMES; i++)
			CHECK(out[0][i] == in[0][i - 9600], "tape %u: %u", tape, i);
		node_host_free(host);
	}
}

TEST(delay_echoes_step_aside)
{
	struct node_host *host = delay(50, 100);
	double quiet = 0, loud = 0;

	node_host_jump(host, 0, "duck", 20);
	node_host_jump(host, 0, "duck_threshold", -30);
	for (uint32_t i = 0; i < 48000; i++)
		in[0][i] = (float)(0.5 * sin(2 * M_PI * 1000 / RATE * i)) * (i < 2400);
	for (uint32_t i = 48000; i < 96000; i++)
		in[1][i] = 0.5f; /* the other side counts, too */
	node_host_process(host, ins, outs, 96000);
	for (uint32_t i = 0; i < 4800; i++) {
		quiet = fmax(quiet, fabs((double)out[0][43000 + i]));
		loud = fmax(loud, fabs((double)out[0][90000 + i]));
	}
	test_note("ducked by %.1f dB", 20 * log10(quiet / loud));
	CHECK_NEAR(quiet, 0.5, 0.02);
	CHECK_NEAR(20 * log10(quiet / loud), 20, 0.5);
	node_host_free(host);
}
