/* transient: dsp.md 5.5, on the node as the engine drives it. */
#include "node_host.h"
#include "test.h"

#define RATE 48000u
#define FRAMES (RATE * 3)

static float left[FRAMES], right[FRAMES], key[FRAMES];
static float out_left[FRAMES], out_right[FRAMES];

static struct node_host *transient_open(bool keyed, double lookahead_ms)
{
	struct node_host_config configs[] = {{"lookahead", lookahead_ms, NULL}, {NULL, 0, NULL}};

	return node_host_open("transient", &(struct node_host_setup){.rate = RATE,
								     .configs = configs,
								     .only_main_linked = !keyed});
}

static void run(struct node_host *host, uint32_t n)
{
	node_host_process(host, (const float *[]){left, right, key, key},
			  (float *[]){out_left, out_right}, n);
}

static double gain_db(uint32_t frame)
{
	return 20 * log10(out_left[frame] / left[frame]);
}

/* Hits of 400 Hz with a decay of 80 ms over a quiet tone, every half second. */
static void hits(double gain)
{
	for (uint32_t i = 0; i < FRAMES; i++) {
		double t = i % (RATE / 2) / (double)RATE;

		left[i] = right[i] = (float)(gain * (0.003 + 0.7 * exp(-t / 0.08)) *
					     cos(2 * M_PI * 400 / RATE * i));
	}
}

TEST(level_does_not_matter)
{
	static float loud[FRAMES];
	struct node_host *host = transient_open(false, 0);
	double worst = 0, most = 0, least = 0;

	node_host_jump(host, 0, "attack", 60);
	node_host_jump(host, 0, "sustain", -50);
	hits(1);
	run(host, FRAMES);
	memcpy(loud, out_left, sizeof(loud));
	hits(0.1);
	node_host_reset(host);
	run(host, FRAMES);
	/* From the second hit on: what was before the first is silence in both. */
	for (uint32_t i = RATE / 2; i < FRAMES; i++) {
		if (fabsf(left[i]) < 1e-5f)
			continue;
		worst = fmax(worst, fabs(20 * log10(0.1 * loud[i] / out_left[i])));
		most = fmax(most, gain_db(i));
		least = fmin(least, gain_db(i));
	}
	test_note("gain %.1f .. %.1f dB, apart %.4f dB", least, most, worst);
	CHECK(worst <= 0.1, "%g dB", worst);
	CHECK(most > 6 && least < -3);
	node_host_free(host);
}

TEST(steady_tone_is_left_alone)
{
	static const double freqs_hz[] = {45, 100, 997, 6000, 11025};

	for (uint32_t k = 0; k < 5; k++) {
		struct node_host *host = transient_open(false, 0);
		double worst = 0;

		node_host_jump(host, 0, "attack", 100);
		node_host_jump(host, 0, "sustain", 100);
		for (uint32_t i = 0; i < FRAMES; i++)
			left[i] = right[i] = (float)(0.5 * sin(2 * M_PI * freqs_hz[k] / RATE * i));
		run(host, FRAMES);
		for (uint32_t i = RATE; i < FRAMES; i++)
			if (fabsf(left[i]) > 0.01f)
				worst = fmax(worst, fabs(gain_db(i)));
		test_note("%g Hz: %.4f dB", freqs_hz[k], worst);
		CHECK(worst <= 0.05, "%g Hz: %g dB", freqs_hz[k], worst);
		node_host_free(host);
	}
}

/* A step of 20 dB: F = 20 (1 - e^(-t/1)), S = 20 (1 - e^(-t/25)) dB, half of the difference, smoothed
 * over 1 ms; then down again, F = 20 e^(-t/150), L = 20 e^(-t/600), 12.5 ms late. */
TEST(gain_is_the_difference_of_the_envelopes)
{
	struct node_host *host = transient_open(false, 0);
	double smooth = 0;

	node_host_jump(host, 0, "attack", 50);
	for (uint32_t i = 0; i < 2 * RATE; i++)
		left[i] = right[i] = i < RATE ? 0.05f : 0.5f;
	run(host, 2 * RATE);
	for (uint32_t i = RATE; i < RATE + RATE / 5; i++) {
		double ms = (i + 1.0 - RATE) * 1000 / RATE;
		double want = 0.5 * 20 * (exp(-ms / 25) - exp(-ms));

		smooth += (1 - exp(-1000.0 / RATE)) * (want - smooth);
		CHECK_NEAR(gain_db(i), smooth, 0.02);
	}
	node_host_jump(host, 0, "attack", 0);
	node_host_jump(host, 0, "sustain", 50);
	for (uint32_t i = 0; i < FRAMES; i++)
		left[i] = right[i] = i < 2 * RATE ? 0.5f : 0.05f;
	node_host_reset(host);
	run(host, FRAMES);
	for (uint32_t i = 2 * RATE + 2000; i < FRAMES; i += 100) {
		double ms = (i + 1.0 - 2 * RATE) * 1000 / RATE - 12.5 - 1;

		CHECK_NEAR(gain_db(i), 0.5 * 20 * (exp(-ms / 600) - exp(-ms / 150)), 0.05);
	}
	node_host_free(host);
}

TEST(gain_stays_within_12_db_and_meters_tell)
{
	struct node_host *host = transient_open(false, 0);
	double most = 0, meter = 0;

	node_host_jump(host, 0, "attack", 100);
	for (uint32_t i = 0; i < RATE; i++)
		left[i] = right[i] = i < RATE / 2 ? 0.001f : 0.5f;
	for (uint32_t i = 0; i < RATE; i += 96) {
		node_host_process(host, (const float *[]){left + i, right + i, key, key},
				  (float *[]){out_left + i, out_right + i}, 96);
		meter = fmax(meter, node_host_meter(host, 0, "boost"));
	}
	for (uint32_t i = RATE / 4; i < RATE; i++)
		most = fmax(most, gain_db(i));
	CHECK(most <= 12.001 && most > 11.5, "%g dB", most);
	CHECK_NEAR(meter, most, 0.01);
	CHECK(node_host_meter(host, 0, "gr") == 0);
	node_host_free(host);
}

TEST(key_and_lookahead)
{
	struct node_host *host = transient_open(true, 5);

	CHECK(node_host_latency(host) == 240);
	node_host_jump(host, 0, "attack", -100);
	for (uint32_t i = 0; i < RATE; i++) {
		left[i] = right[i] = 0.25f;
		key[i] = i < RATE / 2 ? 0.01f : 0.9f;
	}
	run(host, RATE);
	CHECK(gain_db(RATE / 2 - 2) > -0.1 && gain_db(RATE / 2 + 240) < -11.5);
	node_host_free(host);
}
