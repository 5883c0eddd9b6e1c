/* ducker: dsp.md 5.6, on the node as the engine drives it. */
#include "node_host.h"
#include "test.h"

#define RATE 48000u
#define FRAMES (RATE * 6)

static float left[FRAMES], right[FRAMES], key[FRAMES];
static float out_left[FRAMES], out_right[FRAMES];

static struct node_host *ducker_open(double lookahead_ms)
{
	struct node_host_config configs[] = {{"lookahead", lookahead_ms, NULL}, {NULL, 0, NULL}};

	return node_host_open("ducker", &(struct node_host_setup){.rate = RATE,
								  .configs = configs,
								  .follow_layout = "mono"});
}

static void run(struct node_host *host, uint32_t n)
{
	node_host_process(host, (const float *[]){left, right, key},
			  (float *[]){out_left, out_right}, n);
}

static void programme(void)
{
	for (uint32_t i = 0; i < FRAMES; i++) {
		left[i] = 0.25f;
		right[i] = -0.125f;
		key[i] = 0;
	}
}

static void tone(uint32_t first, uint32_t end, double freq_hz, double db)
{
	for (uint32_t i = first; i < end; i++)
		key[i] = (float)(pow(10, db / 20) * sin(2 * M_PI * freq_hz / RATE * i));
}

static double gain_db(uint32_t frame)
{
	return 20 * log10(out_left[frame] / left[frame]);
}

TEST(programme_is_lower_after_the_attack)
{
	struct node_host *host = ducker_open(0);

	programme();
	tone(RATE, 2 * RATE, 1000, -20);
	run(host, FRAMES);
	for (uint32_t i = 0; i < RATE; i++)
		CHECK(out_left[i] == left[i]);
	/* 5 ms for the detector: -40 LUFS of -23 to come is there after 1 ms. */
	CHECK_NEAR(gain_db(RATE + (uint32_t)(0.055 * RATE)), -12, 0.1);
	for (uint32_t i = RATE + RATE / 10; i < 2 * RATE; i++)
		CHECK_NEAR(gain_db(i), -12, 0.001);
	for (uint32_t i = 0; i < FRAMES; i++)
		CHECK_NEAR(out_right[i], -0.5 * out_left[i], 1e-7);
	/* Back: 50 ms detector, 500 hold, 800 release. */
	CHECK_NEAR(gain_db(2 * RATE + RATE / 2), -12, 0.001);
	CHECK(gain_db(2 * RATE + RATE) > -12 && gain_db(2 * RATE + RATE) < -3);
	CHECK_NEAR(gain_db(2 * RATE + (uint32_t)(1.6 * RATE)), 0, 1e-4);
	node_host_free(host);
}

TEST(gaps_shorter_than_the_hold_do_not_pump)
{
	struct node_host *host = ducker_open(0);

	programme();
	for (uint32_t i = 0; i < 10; i++) /* words of 200 ms, gaps of 300 */
		tone(RATE / 2 * i, RATE / 2 * i + RATE / 5, 300, -25);
	run(host, FRAMES);
	for (uint32_t i = RATE / 10; i < 5 * RATE; i++)
		CHECK_NEAR(gain_db(i), -12, 1e-4);
	node_host_free(host);
}

TEST(threshold_is_loudness)
{
	/* BS.1770: 997 Hz of level L in one channel reads L - 3.01; 50 Hz 4.7 dB less (its high
	 * pass: 4.0), 6 kHz 3.3 more. */
	static const double freq_hz[] = {997, 50, 6000}, weight_db[] = {0, -4.67, 3.3};

	for (uint32_t k = 0; k < 3; k++)
		for (int side = -1; side <= 1; side += 2) {
			struct node_host *host = ducker_open(0);

			programme();
			tone(0, FRAMES, freq_hz[k],
			     -40 + 3.01 - weight_db[k] + side * (k == 0 ? 0.4 : 1));
			run(host, 2 * RATE);
			CHECK_NEAR(gain_db(2 * RATE - 1), side > 0 ? -12 : 0, 0.001);
			CHECK_NEAR(node_host_meter(host, 0, "key_level"),
				   -40 + side * (k == 0 ? 0.4 : 1), 0.4);
			node_host_free(host);
		}
}

TEST(fade_is_symmetric_and_smooth)
{
	struct node_host *host = ducker_open(0);
	double most = 0;

	programme();
	node_host_jump(host, 0, "attack", 200);
	node_host_jump(host, 0, "depth", 30);
	tone(RATE, 2 * RATE, 1000, -6);
	run(host, 2 * RATE);
	for (uint32_t i = RATE; i < 2 * RATE; i++)
		most = fmax(most, fabs(gain_db(i) - gain_db(i - 1)));
	CHECK_NEAR(most, 1.5 * 30 / (0.2 * RATE), 1e-4);
	node_host_free(host);
}

TEST(unlinked_key_leaves_the_programme_alone)
{
	struct node_host *host = node_host_open(
		"ducker", &(struct node_host_setup){
				  .rate = RATE, .follow_layout = "mono", .only_main_linked = true});

	programme();
	for (uint32_t i = 0; i < RATE; i++)
		left[i] = (float)sin(2 * M_PI * 1000 / RATE * i);
	run(host, RATE);
	for (uint32_t i = 0; i < RATE; i++)
		CHECK(out_left[i] == left[i] && out_right[i] == right[i]);
	node_host_free(host);
}

TEST(lookahead_is_down_before_the_word)
{
	struct node_host *host = ducker_open(100);

	CHECK(node_host_latency(host) == 4800);
	programme();
	tone(RATE, 2 * RATE, 1000, -20);
	run(host, 2 * RATE);
	CHECK_NEAR(20 * log10(out_left[RATE + 4800] / left[0]), -12, 1e-4);
	node_host_free(host);
}
