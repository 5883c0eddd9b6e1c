/* test_normalizer.c - normalizer: dsp.md 5.9. */
#include "node_host.h"
#include "test.h"

#define RATE 48000.0
#define FRAMES (48000u * 60)
#define TARGET_DB (-0.5)

static float in[2][FRAMES], out[2][FRAMES];
static const float *const ins[] = {in[0], in[1]};
static float *const outs[] = {out[0], out[1]};

static struct node_host *normalizer(double frame_ms, double window)
{
	struct node_host_config configs[] = {
		{"frame", frame_ms, NULL}, {"window", window, NULL}, {NULL, 0, NULL}};

	return node_host_open("normalizer", &(struct node_host_setup){.configs = configs});
}

/* Tones and noise whose level jumps by up to 45 dB, with clicks and pauses. */
static void make_programme(uint32_t n)
{
	double level = 0.1;

	for (uint32_t i = 0; i < n; i++) {
		if (i % 2400 == 0 && test_random() < 0.15)
			level = test_random() < 0.1 ? 0 : pow(10, -2.25 * test_random());
		in[0][i] = (float)(level * sin(2 * M_PI * 441 / RATE * i));
		in[1][i] = (float)(0.5 * level * (test_random() * 2 - 1));
		if (test_random() < 1e-5)
			in[0][i] = (float)(test_random() * 2 - 1);
	}
}

/* dsp.md 5.9: "output frame peak <= target +-0.1 dB". */
TEST(normalizer_never_passes_its_target)
{
	static const double settings[][2] = {{500, 31}, {100, 31}, {50, 5}, {10, 3}, {333, 9}};

	make_programme(FRAMES);
	for (uint32_t s = 0; s < 5; s++)
		for (uint32_t coupled = 0; coupled < 2; coupled++) {
			struct node_host *host = normalizer(settings[s][0], settings[s][1]);
			float highest = 0;

			node_host_jump(host, 0, "link", coupled);
			node_host_jump(host, 0, "max_boost", 40);
			node_host_process(host, ins, outs, FRAMES);
			for (uint32_t i = 0; i < FRAMES; i++)
				highest = fmaxf(highest, fmaxf(fabsf(out[0][i]), fabsf(out[1][i])));
			test_note("%g ms x %g: highest %.3f dBFS", settings[s][0], settings[s][1],
				  20 * log10((double)highest));
			CHECK(20 * log10((double)highest) <= TARGET_DB + 0.1);
			node_host_free(host);
		}
}

/* dsp.md 5.9: "no gain step > 0.1 dB per ms". The gain is read from a steady part of the wave: all
 * samples that are not near zero. */
TEST(normalizer_gain_moves_slowly)
{
	struct node_host *host = normalizer(500, 31);
	uint32_t latency = node_host_latency(host);
	double before = 0, steepest = 0;
	uint32_t at = 0;

	CHECK(latency == 32 * 24000, "%u", latency);
	make_programme(FRAMES);
	node_host_jump(host, 0, "max_boost", 40);
	node_host_process(host, ins, outs, FRAMES);
	for (uint32_t i = latency; i < FRAMES; i++) {
		double x = (double)in[0][i - latency], gain;

		if (fabs(x) < 1e-3)
			continue;
		gain = 20 * log10((double)out[0][i] / x);
		if (at > 0 && i - at <= 48) /* one ms or less, as if it were one */
			steepest = fmax(steepest, fabs(gain - before));
		if (at == 0 || i - at >= 24) {
			at = i;
			before = gain;
		}
	}
	test_note("steepest %.4f dB per ms", steepest);
	CHECK(steepest <= 0.1);
	CHECK(steepest > 0, "the gain never moved");
	node_host_free(host);
}

static double peak_db(uint32_t c, uint32_t begin, uint32_t end)
{
	float highest = 0;

	for (uint32_t i = begin; i < end; i++)
		highest = fmaxf(highest, fabsf(out[c][i]));
	return 20 * log10((double)highest);
}

static void tone(uint32_t c, double level_db, uint32_t begin, uint32_t end)
{
	for (uint32_t i = begin; i < end; i++)
		in[c][i] = (float)(pow(10, level_db / 20) * sin(2 * M_PI * 1000 / RATE * i));
}

/* Parts of -30 and -12 dBFS come out alike; RMS and max_boost hold them lower. */
TEST(normalizer_brings_parts_to_the_target)
{
	for (uint32_t kind = 0; kind < 3; kind++) {
		struct node_host *host = normalizer(100, 11);
		uint32_t latency = node_host_latency(host);
		double want = kind == 0 ? TARGET_DB : kind == 1 ? -20 + 3.0103 : -30 + 15;

		node_host_jump(host, 0, "max_boost", kind == 2 ? 15 : 40);
		if (kind == 1)
			node_host_jump(host, 0, "target_rms", -20);
		memset(in, 0, sizeof(in));
		tone(0, -30, 0, 480000);
		tone(0, -12, 480000, 960000);
		node_host_process(host, ins, outs, 960000 + latency);
		CHECK_NEAR(peak_db(0, latency, latency + 340000), want, 0.1);
		CHECK_NEAR(peak_db(0, latency + 620000, latency + 960000),
			   kind == 2 ? TARGET_DB : want, 0.1);
		node_host_free(host);
	}
}

/* A pause, with hiss below the threshold, keeps the gain of what was before. */
TEST(normalizer_leaves_pauses_low)
{
	struct node_host *host = normalizer(100, 11);
	uint32_t latency = node_host_latency(host);

	node_host_jump(host, 0, "max_boost", 40);
	memset(in, 0, sizeof(in));
	tone(0, -10, 0, 480000);
	for (uint32_t i = 480000; i < 960000; i++)
		in[0][i] = (float)(0.0005 * (test_random() * 2 - 1));
	node_host_process(host, ins, outs, 960000 + latency);
	CHECK_NEAR(peak_db(0, latency + 480000, latency + 960000), -66 + 9.5, 0.3);
	node_host_free(host);
}

TEST(normalizer_keeps_the_picture_or_not)
{
	for (uint32_t coupled = 0; coupled < 2; coupled++) {
		struct node_host *host = normalizer(100, 11);
		uint32_t latency = node_host_latency(host);

		node_host_jump(host, 0, "link", coupled);
		memset(in, 0, sizeof(in));
		tone(0, -10, 0, 960000);
		tone(1, -16, 0, 960000);
		node_host_process(host, ins, outs, 960000);
		CHECK_NEAR(peak_db(0, latency + 100000, 960000), TARGET_DB, 0.1);
		CHECK_NEAR(peak_db(1, latency + 100000, 960000),
			   coupled ? TARGET_DB - 6 : TARGET_DB, 0.1);
		CHECK_NEAR(node_host_meter(host, 0, "gain2"), coupled ? 9.5 : 15.5, 0.05);
		node_host_free(host);
	}
}

/* The first sound finds the gain that it needs: there is nothing before it to come from. */
TEST(normalizer_begins_at_the_right_gain)
{
	struct node_host *host = normalizer(100, 11);
	uint32_t latency = node_host_latency(host);

	memset(in, 0, sizeof(in));
	tone(0, -15, 30000, 480000);
	node_host_process(host, ins, outs, 480000);
	CHECK_NEAR(peak_db(0, latency + 30000, latency + 32000), TARGET_DB, 0.1);
	node_host_free(host);
}

TEST(normalizer_refuses_minutes_of_look_ahead)
{
	struct node_host_config configs[] = {
		{"frame", 1000, NULL}, {"window", 31, NULL}, {NULL, 0, NULL}};
	const char *why;
	const struct mixd_node_type *type = node_host_type("normalizer", &why);
	struct mixd_fault fault = {{0}, {0}};

	CHECK(type, "%s", why);
	CHECK(!node_host_try(type, &(struct node_host_setup){.configs = configs}, &fault));
	CHECK_STR(fault.text,
		  "a frame of 1000 ms and a window of 31 are 32 s of look-ahead, 30 s is the most");
	CHECK(strstr(fault.hint, "shorter frame"));
}
