/* expander: dsp.md 5.3, on the node as the engine drives it. */
#include "node_host.h"
#include "test.h"

#define RATE 48000u
#define FRAMES (RATE * 3)

static float left[FRAMES], right[FRAMES], key[FRAMES];
static float out_left[FRAMES], out_right[FRAMES];

static struct node_host *expander_open(double lookahead_ms, bool keyed)
{
	struct node_host_config configs[] = {{"lookahead", lookahead_ms, NULL}, {NULL, 0, NULL}};

	return node_host_open("expander", &(struct node_host_setup){.rate = RATE,
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

static double gain_db(uint32_t frame)
{
	return 20 * log10(out_left[frame] / left[frame]);
}

/* dsp.md: beyond the threshold GR = (R - 1) (xG - T), knee as in Giannoulis 2012, equation 4. */
static double change_db(double beyond, double ratio, double knee, double range)
{
	double change = (ratio - 1) * beyond;

	if (2 * beyond < -knee)
		change = 0;
	else if (2 * fabs(beyond) <= knee)
		change = knee > 0 ? (ratio - 1) * pow(beyond + knee / 2, 2) / (2 * knee) : 0;
	return fmin(change, range);
}

static void static_curve(bool up, double ratio, double knee, double range)
{
	double worst = 0;

	for (double db = -70; db <= -3; db += 3.5) {
		struct node_host *host = expander_open(0, false);
		double sum = 0, want = change_db(up ? db + 30 : -30 - db, ratio, knee, range);

		node_host_jump(host, 0, "mode", up);
		node_host_jump(host, 0, "threshold", -30);
		node_host_jump(host, 0, "ratio", ratio);
		node_host_jump(host, 0, "knee", knee);
		node_host_jump(host, 0, "range", range);
		for (uint32_t i = 0; i < RATE * 2; i++)
			left[i] = right[i] = (float)(gain_of(db) * sin(2 * M_PI * 1000 / RATE * i));
		run(host, 0, RATE * 2);
		for (uint32_t i = RATE; i < RATE * 2; i++)
			sum += out_left[i] * (double)out_left[i];
		worst = fmax(worst, fabs(10 * log10(2 * sum / RATE) - db - (up ? want : -want)));
		node_host_free(host);
	}
	test_note("%s, ratio %g, knee %g, range %g: %.4f dB", up ? "up" : "down", ratio, knee,
		  range, worst);
	CHECK(worst <= 0.05, "%.4f dB", worst);
}

TEST(static_curves_are_as_printed)
{
	static_curve(false, 2, 0, 20);
	static_curve(false, 3, 12, 40);
	static_curve(false, 1.5, 6, 100);
	static_curve(true, 2, 0, 20);
	static_curve(true, 1.4, 10, 6);
}

TEST(attack_hold_and_release_take_their_time)
{
	struct node_host *host = expander_open(0, false);
	double attack_s = 0, release_s = 0;
	uint32_t falls = 2 * RATE;

	node_host_jump(host, 0, "threshold", -30);
	node_host_jump(host, 0, "knee", 0);
	node_host_jump(host, 0, "range", 20);
	node_host_jump(host, 0, "ratio", 20);
	node_host_jump(host, 0, "attack", 20);
	node_host_jump(host, 0, "hold", 50);
	node_host_jump(host, 0, "release", 100);
	level(left, 0, RATE, -60);
	level(left, RATE, 2 * RATE, -10);
	level(left, 2 * RATE, 3 * RATE, -60);
	memcpy(right, left, sizeof(right));
	run(host, 0, 3 * RATE);
	CHECK_NEAR(gain_db(RATE - 1), -20, 0.001); /* at once: silence is where it was put */
	CHECK_NEAR(gain_db(10), -20, 0.001);
	for (uint32_t i = RATE; i < 2 * RATE && gain_db(i) < -20 * 0.367879; i++)
		attack_s = (i + 1.0 - RATE) / RATE;
	CHECK_NEAR(attack_s, 0.020, 0.020 * 0.02);
	CHECK_NEAR(gain_db(2 * RATE - 1), 0, 0.001);
	while (gain_db(falls) > -1e-3)
		falls++;
	CHECK(falls - 2 * RATE >= 2400 && falls - 2 * RATE <= 2402, "%u frames", falls - 2 * RATE);
	for (uint32_t i = 2 * RATE; i < 3 * RATE && gain_db(i) > -20 * 0.632121; i++)
		release_s = (i + 1.0 - 2 * RATE) / RATE;
	test_note("attack %.3f ms, release %.2f ms after hold", attack_s * 1e3,
		  release_s * 1e3 - 50);
	CHECK_NEAR(release_s, 0.150, 0.100 * 0.05);
	node_host_free(host);
}

TEST(meters_tell_both_ways)
{
	struct node_host *host = expander_open(0, false);

	level(left, 0, RATE, -10);
	memcpy(right, left, sizeof(right));
	node_host_jump(host, 0, "mode", 1);
	node_host_jump(host, 0, "range", 6);
	run(host, 0, RATE);
	CHECK_NEAR(gain_db(RATE - 1), 6, 0.001);
	CHECK_NEAR(node_host_meter(host, 0, "boost"), 6, 0.001);
	CHECK(node_host_meter(host, 0, "gr") == 0);
	node_host_set(host, 0, "mode", 0);
	node_host_set(host, 0, "threshold", 0);
	level(left, 0, FRAMES, -10);
	memcpy(right, left, sizeof(right));
	run(host, 0, FRAMES);
	CHECK_NEAR(gain_db(FRAMES - 1), -6, 0.001);
	CHECK_NEAR(node_host_meter(host, 0, "gr"), -6, 0.001);
	node_host_set(host, 0, "range", 100);
	node_host_set(host, 0, "ratio", 20);
	run(host, 0, FRAMES);
	CHECK(out_left[FRAMES - 1] == 0); /* the maximum is silence */
	node_host_free(host);
}

TEST(key_and_lookahead)
{
	struct node_host *host = expander_open(10, true);

	CHECK(node_host_latency(host) == 480);
	level(left, 0, RATE, -60);
	memcpy(right, left, sizeof(right));
	for (uint32_t i = 0; i < RATE; i++)
		key[i] = i < RATE / 2 ? 0 : (float)(0.5 * sin(2 * M_PI * 1000 / RATE * i));
	run(host, 0, RATE);
	CHECK_NEAR(gain_db(RATE / 2 - 1), -20, 0.001);
	CHECK_NEAR(gain_db(RATE / 2 + 480), 0, 0.01);
	node_host_free(host);
}
