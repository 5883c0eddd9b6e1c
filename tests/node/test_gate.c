/* gate: dsp.md 5.3, on the node as the engine drives it. */
#include "node_host.h"
#include "test.h"

#define RATE 48000u
#define FRAMES (RATE * 10)

static float left[FRAMES], right[FRAMES], key[FRAMES];
static float out_left[FRAMES], out_right[FRAMES];

static struct node_host *gate_open(double lookahead_ms, bool keyed)
{
	struct node_host_config configs[] = {{"lookahead", lookahead_ms, NULL}, {NULL, 0, NULL}};

	return node_host_open("gate", &(struct node_host_setup){.rate = RATE,
								.configs = configs,
								.only_main_linked = !keyed});
}

static void run(struct node_host *host, uint32_t first, uint32_t n)
{
	node_host_process(host,
			  (const float *[]){left + first, right + first, key + first, key + first},
			  (float *[]){out_left + first, out_right + first}, n);
}

static double gain_of(double db)
{
	return pow(10, db / 20);
}

static void level(float *x, uint32_t first, uint32_t end, double db)
{
	for (uint32_t i = first; i < end; i++)
		x[i] = (float)gain_of(db);
}

static void tone(float *x, uint32_t first, uint32_t end, double freq_hz, double db)
{
	for (uint32_t i = first; i < end; i++)
		x[i] = (float)(gain_of(db) * sin(2 * M_PI * freq_hz / RATE * (i - first)));
}

static double gain_db(const float *in, const float *out, uint32_t frame)
{
	return 20 * log10(out[frame] / in[frame]);
}

TEST(opens_within_the_attack_of_the_first_crossing)
{
	static const double attacks_ms[] = {0.05, 1, 20};

	for (uint32_t k = 0; k < 3; k++) {
		struct node_host *host = gate_open(0, false);
		uint32_t crossing = RATE / 2, attack = (uint32_t)(attacks_ms[k] * RATE / 1000 + 1);

		memset(left, 0, sizeof(left));
		tone(left, RATE / 2, RATE, 1000, -20);
		memcpy(right, left, sizeof(right));
		node_host_jump(host, 0, "attack", attacks_ms[k]);
		run(host, 0, RATE);
		while (fabsf(left[crossing]) < gain_of(-45))
			crossing++;
		for (uint32_t i = crossing + attack; i < RATE; i++)
			CHECK(out_left[i] == left[i] && out_right[i] == right[i],
			      "attack %g ms, frame +%u", attacks_ms[k], i - crossing);
		for (uint32_t i = 0; i < crossing; i++)
			CHECK(fabsf(out_left[i]) <= 0.0011f * fabsf(left[i]));
		node_host_free(host);
	}
}

/* A level that wobbles by 1 dB about the threshold, 10 s: nothing toggles with 4 dB, and it would
 * with none. */
TEST(hysteresis_stops_toggling)
{
	for (uint32_t with = 0; with < 2; with++) {
		struct node_host *host = gate_open(0, false);
		uint32_t toggles = 0, block = 48;
		double was = 1;

		node_host_jump(host, 0, "hold", 5);
		node_host_jump(host, 0, "hysteresis", with ? 4 : 0);
		for (uint32_t i = 0; i < FRAMES; i++)
			left[i] = right[i] = (float)(gain_of(-45 + sin(2 * M_PI * 1.7 / RATE * i)) *
						     sin(2 * M_PI * 1000 / RATE * i));
		for (uint32_t i = 0; i < FRAMES; i += block) {
			double is;

			run(host, i, block);
			is = node_host_meter(host, 0, "open");
			if (i > RATE && is != was)
				toggles++;
			was = i > RATE ? is : node_host_meter(host, 0, "open");
		}
		test_note("hysteresis %s: %u toggles", with ? "4 dB" : "none", toggles);
		CHECK(with ? toggles == 0 : toggles > 10, "%u toggles", toggles);
		node_host_free(host);
	}
}

TEST(hold_is_exact_to_a_frame)
{
	static const double holds_ms[] = {0, 12.5, 100, 2000};

	for (uint32_t k = 0; k < 4; k++) {
		struct node_host *host = gate_open(0, false);
		uint32_t hold = (uint32_t)(holds_ms[k] * RATE / 1000), falls = RATE;

		node_host_jump(host, 0, "hold", holds_ms[k]);
		node_host_jump(host, 0, "release", 5);
		level(left, 0, RATE, -20);
		level(left, RATE, 4 * RATE, -60);
		memcpy(right, left, sizeof(right));
		run(host, 0, 4 * RATE);
		while (out_left[falls] > 0.9999f * left[falls])
			falls++;
		test_note("hold %g ms: falls after %u frames, want %u", holds_ms[k], falls - RATE,
			  hold);
		CHECK(falls - RATE >= hold && falls - RATE <= hold + 1);
		/* And 240 frames later it is shut. */
		CHECK_NEAR(gain_db(left, out_left, falls + 240), -60, 0.001);
		CHECK(gain_db(left, out_left, falls + 230) > -60);
		node_host_free(host);
	}
}

TEST(fade_has_no_corner)
{
	struct node_host *host = gate_open(0, false);
	double was = 0, speed = 0, bend = 0, fastest = 0;

	node_host_jump(host, 0, "release", 100);
	node_host_jump(host, 0, "hold", 0);
	level(left, 0, RATE / 10, -20);
	level(left, RATE / 10, RATE / 2, -60);
	memcpy(right, left, sizeof(right));
	run(host, 0, RATE / 2);
	for (uint32_t i = RATE / 10; i < RATE / 2; i += 48) {
		double db = gain_db(left, out_left, i), now = was - db;

		bend = fmax(bend, fabs(now - speed));
		fastest = fmax(fastest, now);
		speed = now;
		was = db;
	}
	test_note("fastest %.3f dB/ms, bend %.3f", fastest, bend);
	CHECK_NEAR(fastest, 0.9, 0.01); /* 1.5 times 60 dB in 100 ms */
	CHECK(bend < 0.05);
	node_host_free(host);
}

TEST(range_ends_in_silence)
{
	struct node_host *host = gate_open(0, false);

	level(left, 0, RATE, -60);
	memcpy(right, left, sizeof(right));
	node_host_jump(host, 0, "range", 20);
	run(host, 0, RATE);
	CHECK_NEAR(gain_db(left, out_left, RATE - 1), -20, 0.001);
	CHECK_NEAR(node_host_meter(host, 0, "gr"), -20, 0.001);
	node_host_jump(host, 0, "range", 100);
	run(host, 0, RATE);
	CHECK(out_left[RATE - 1] == 0 && out_right[RATE - 1] == 0);
	node_host_free(host);
}

TEST(duck_is_the_inverse)
{
	struct node_host *host = gate_open(0, false);

	node_host_jump(host, 0, "mode", 1);
	node_host_jump(host, 0, "range", 12);
	level(left, 0, RATE, -60);
	level(left, RATE, 2 * RATE, -20);
	memcpy(right, left, sizeof(right));
	run(host, 0, 2 * RATE);
	CHECK_NEAR(gain_db(left, out_left, RATE - 1), 0, 1e-5);
	CHECK_NEAR(gain_db(left, out_left, 2 * RATE - 1), -12, 0.001);
	node_host_free(host);
}

TEST(key_opens_and_is_filtered)
{
	struct node_host *host = gate_open(0, true);

	level(left, 0, 2 * RATE, -60);
	memcpy(right, left, sizeof(right));
	tone(key, 0, 2 * RATE, 50, -20);
	run(host, 0, RATE);
	CHECK_NEAR(gain_db(left, out_left, RATE - 1), 0, 1e-5);
	node_host_set(host, 0, "key_hpf", 2000); /* 64 dB less */
	run(host, RATE, RATE);
	CHECK_NEAR(gain_db(left, out_left, 2 * RATE - 1), -60, 0.001);
	node_host_set(host, 0, "key_hpf", 10);
	node_host_set(host, 0, "key_listen", 1);
	run(host, 0, RATE);
	for (uint32_t i = RATE / 2; i < RATE; i++)
		CHECK_NEAR(out_left[i], key[i], 1e-6);
	node_host_free(host);
}

TEST(mono_key_opens_both_channels)
{
	struct node_host *host = node_host_open(
		"gate", &(struct node_host_setup){.rate = RATE, .follow_layout = "mono"});

	level(left, 0, RATE, -60);
	memcpy(right, left, sizeof(right));
	tone(key, 0, RATE, 500, -20);
	node_host_process(host, (const float *[]){left, right, key},
			  (float *[]){out_left, out_right}, RATE);
	CHECK(out_left[RATE - 1] == left[RATE - 1] && out_right[RATE - 1] == right[RATE - 1]);
	node_host_set(host, 0, "key_listen", 1);
	node_host_process(host, (const float *[]){left, right, key},
			  (float *[]){out_left, out_right}, RATE);
	CHECK(out_left[RATE - 1] == key[RATE - 1] && out_right[RATE - 1] == key[RATE - 1]);
	node_host_free(host);
}

TEST(lookahead_opens_before_the_sound)
{
	struct node_host *host = gate_open(10, false);

	CHECK(node_host_latency(host) == 480);
	node_host_jump(host, 0, "attack", 5);
	memset(left, 0, sizeof(left));
	tone(left, RATE / 2, RATE, 1000, -20);
	memcpy(right, left, sizeof(right));
	run(host, 0, RATE);
	for (uint32_t i = 480; i < RATE; i++)
		CHECK(out_left[i] == left[i - 480], "frame %u", i);
	node_host_free(host);
}
