/* test_align.c - align: dsp.md 3.4 and 9.1. */
#include "node_host.h"
#include "test.h"

#define RATE 48000.0
#define FRAMES 32768u

static float in[2][FRAMES], out[2][FRAMES];

static struct node_host *align_open(double max_ms, double lead_ms, double subframe)
{
	struct node_host_config configs[] = {{"max", max_ms, NULL},
					     {"lead", lead_ms, NULL},
					     {"subframe", subframe, NULL},
					     {NULL, 0, NULL}};

	return node_host_open("align", &(struct node_host_setup){.configs = configs});
}

static void align_run(struct node_host *host, uint32_t at, uint32_t n)
{
	node_host_process(host, (const float *[]){in[0] + at, in[1] + at},
			  (float *[]){out[0] + at, out[1] + at}, n);
}

static void align_noise(void)
{
	for (uint32_t i = 0; i < FRAMES; i++) {
		in[0][i] = (float)(test_random() - 0.5);
		in[1][i] = (float)(test_random() - 0.5);
	}
}

TEST(align_whole_frames_are_exact)
{
	static const double frames[] = {0, 1, 15, 480, 9600};

	align_noise();
	for (int k = 0; k < 5; k++) {
		struct node_host *host = align_open(200, 0, k & 1);
		uint32_t late = node_host_latency(host) + (uint32_t)frames[k];

		CHECK(node_host_latency(host) == (k & 1 ? 15 : 0));
		node_host_jump(host, 0, "channel2.samples", frames[k]);
		align_run(host, 0, 16384);
		for (uint32_t i = late; i < 16384; i++)
			CHECK(out[1][i] == in[1][i - late], "frame %u at %g", i, frames[k]);
		CHECK(memcmp(out[0] + node_host_latency(host), in[0], 16000 * sizeof(float)) == 0);
		node_host_free(host);
	}
}

TEST(align_units_are_the_same_delay)
{
	double metres_per_s = 331.3 * sqrt(1 + 20 / 273.15);
	struct node_host *host = align_open(200, 0, 1);

	node_host_jump(host, 0, "delay", 10);
	node_host_jump(host, 0, "samples", 480);
	node_host_jump(host, 0, "channel1.delay", 5);
	node_host_jump(host, 0, "channel2.distance", metres_per_s / 100);
	align_run(host, 0, 256);
	CHECK_NEAR(node_host_meter(host, 0, "effective1"), 25, 1e-9);
	CHECK_NEAR(node_host_meter(host, 0, "effective2"), 30, 1e-9);
	node_host_jump(host, 0, "temperature", -20);
	align_run(host, 0, 256);
	/* colder air is slower: 343.2 m/s at +20, 318.9 m/s at -20 C */
	CHECK_NEAR(node_host_meter(host, 0, "effective2"), 20 + 10 * 343.2 / 318.9, 0.01);
	node_host_free(host);
}

/* dsp.md 9.1: sinc32 within 0.002 dB up to 20 kHz. */
TEST(align_between_frames_is_flat_and_exact_in_time)
{
	static const double hz[] = {50, 1000, 5000, 10000, 15000, 18000, 20000};
	static const double parts[] = {0.5, 0.25, 0.1, 0.9};
	double worst_db = 0, worst_frames = 0;

	for (int p = 0; p < 4; p++)
		for (int k = 0; k < 7; k++) {
			struct node_host *host = align_open(200, 0, 1);
			double w = 2 * M_PI * hz[k] / RATE, re = 0, im = 0, late;

			for (uint32_t i = 0; i < FRAMES; i++)
				in[0][i] = in[1][i] = (float)sin(w * i);
			node_host_jump(host, 0, "samples", 3 + parts[p]);
			align_run(host, 0, FRAMES);
			for (uint32_t i = 8000; i < 32000; i++) { /* whole periods */
				re += (double)out[0][i] * sin(w * i);
				im += (double)out[0][i] * cos(w * i);
			}
			worst_db =
				fmax(worst_db, fabs(20 * log10(sqrt(re * re + im * im) / 12000)));
			/* phase is -w (15 + 3 + part), whole turns apart */
			late = remainder(-atan2(im, re) - w * (18 + parts[p]), 2 * M_PI) / w;
			worst_frames = fmax(worst_frames, fabs(late));
			node_host_free(host);
		}
	test_note("magnitude within %.5f dB, time within %.6f frames", worst_db, worst_frames);
	CHECK(worst_db <= 0.002);
	CHECK(worst_frames <= 0.001);
}

TEST(align_negative_delays_need_a_lead)
{
	struct node_host *host = align_open(50, 10, 0);

	align_noise();
	CHECK(node_host_latency(host) == 480);
	node_host_jump(host, 0, "channel1.delay", -10);
	node_host_jump(host, 0, "channel2.delay", -25); /* held at what the lead allows */
	align_run(host, 0, 4096);
	CHECK(memcmp(in[0], out[0], 4096 * sizeof(float)) == 0);
	CHECK(memcmp(in[1], out[1], 4096 * sizeof(float)) == 0);
	CHECK_NEAR(node_host_meter(host, 0, "effective2"), -10, 1e-9);
	node_host_free(host);
}

TEST(align_is_held_at_its_room)
{
	struct node_host *host = align_open(20, 0, 0);

	align_noise();
	node_host_jump(host, 0, "delay", 500);
	align_run(host, 0, 4096);
	CHECK_NEAR(node_host_meter(host, 0, "effective1"), 20, 1e-9);
	CHECK(memcmp(in[0], out[0] + 960, 3000 * sizeof(float)) == 0);
	node_host_free(host);
}

/* A change fades from head to head: no steps, and it arrives, also at what was asked for meanwhile. */
TEST(align_change_is_a_crossfade)
{
	struct node_host *host = align_open(200, 0, 1);
	double most = 0;

	for (uint32_t i = 0; i < FRAMES; i++)
		in[0][i] = in[1][i] = (float)(0.5 * sin(2 * M_PI * 200 / RATE * i));
	align_run(host, 0, 4000);
	node_host_set(host, 0, "delay", 7.3);
	align_run(host, 4000, 500);
	node_host_set(host, 0, "delay", 3);
	align_run(host, 4500, 8000);
	for (uint32_t i = 100; i < 12500; i++)
		most = fmax(most, fabs((double)out[0][i] - (double)out[0][i - 1]));
	CHECK(most < 0.5 * 2 * M_PI * 200 / RATE + 2 * 0.5 * 1.5 / (0.03 * RATE), "a step of %g",
	      most);
	for (uint32_t i = 9000; i < 12500; i++)
		CHECK(out[0][i] == in[0][i - 15 - 144]);
	CHECK(!node_host_moving(host));
	node_host_free(host);
}
