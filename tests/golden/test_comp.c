/* comp: dsp.md 5.1, on the node as the engine drives it. */
#include "node_host.h"
#include "test.h"

#define RATE 48000u
#define MAX_FRAMES (RATE * 4)

static float left[MAX_FRAMES], right[MAX_FRAMES], key[MAX_FRAMES];
static float out_left[MAX_FRAMES], out_right[MAX_FRAMES];

static struct node_host *comp_open(bool keyed, double lookahead_ms)
{
	struct node_host_config configs[] = {{"lookahead", lookahead_ms, NULL}, {NULL, 0, NULL}};

	return node_host_open("comp", &(struct node_host_setup){.rate = RATE,
								.configs = configs,
								.only_main_linked = !keyed});
}

static void comp_run(struct node_host *host, uint32_t first, uint32_t n)
{
	node_host_process(host,
			  (const float *[]){left + first, right + first, key + first, key + first},
			  (float *[]){out_left + first, out_right + first}, n);
}

static double gain_of(double db)
{
	return pow(10, db / 20);
}

static void level(float *x, uint32_t first, uint32_t n, double db)
{
	for (uint32_t i = first; i < first + n; i++)
		x[i] = (float)gain_of(db);
}

/* Giannoulis 2012, equation 4, as printed. */
static double curve_db(double x, double threshold, double ratio, double knee)
{
	if (2 * (x - threshold) < -knee)
		return x;
	if (2 * fabs(x - threshold) <= knee)
		return x + (1 / ratio - 1) * pow(x - threshold + knee / 2, 2) / (2 * knee);
	return threshold + (x - threshold) / ratio;
}

static void static_curve(bool rms, double ratio, double knee, double tolerance)
{
	double worst = 0;

	for (double db = -60; db <= 0; db += 4) {
		struct node_host *host = comp_open(false, 0);
		double sum = 0, level_db = rms ? db - 3.0103 : db, want;

		node_host_jump(host, 0, "ratio", ratio);
		node_host_jump(host, 0, "knee", knee);
		node_host_jump(host, 0, "threshold", -30);
		node_host_jump(host, 0, "detector", rms);
		node_host_jump(host, 0, "rms_time", 100);
		node_host_jump(host, 0, "release", rms ? 100 : 3000);
		for (uint32_t i = 0; i < RATE * 2; i++)
			left[i] = right[i] = (float)(gain_of(db) * sin(2 * M_PI * 1000 / RATE * i));
		comp_run(host, 0, RATE * 2);
		for (uint32_t i = RATE; i < RATE * 2; i++)
			sum += out_left[i] * (double)out_left[i];
		want = curve_db(level_db, -30, ratio >= 100 ? 1e30 : ratio, knee) - level_db + db;
		worst = fmax(worst, fabs(10 * log10(2 * sum / RATE) - want));
		node_host_free(host);
	}
	test_note("%s, ratio %g, knee %g: %.4f dB", rms ? "rms" : "peak", ratio, knee, worst);
	CHECK(worst <= tolerance, "%s, ratio %g, knee %g: %.4f dB", rms ? "rms" : "peak", ratio,
	      knee, worst);
}

TEST(static_curve_is_the_published_one)
{
	static_curve(false, 4, 6, 0.05);
	static_curve(false, 2, 0, 0.05);
	static_curve(false, 100, 12, 0.05); /* infinity */
	static_curve(true, 4, 6, 0.1);
}

/* Gain reduction in dB at FRAME of a constant signal. */
static double reduction_db(uint32_t frame)
{
	return 20 * log10(left[frame] / out_left[frame]);
}

TEST(attack_and_release_take_their_time)
{
	struct node_host *host = comp_open(false, 0);
	double final, attack_s = 0, release_s = 0;

	node_host_jump(host, 0, "knee", 0);
	node_host_jump(host, 0, "attack", 20);
	node_host_jump(host, 0, "release", 200);
	level(left, 0, RATE, -40);
	level(left, RATE, RATE, -10);
	level(left, 2 * RATE, 2 * RATE, -40);
	memcpy(right, left, sizeof(right));
	comp_run(host, 0, MAX_FRAMES);
	final = reduction_db(2 * RATE - 1);
	CHECK_NEAR(final, 6, 0.001); /* 8 dB over at 4:1 */
	CHECK_NEAR(reduction_db(RATE - 1), 0, 1e-4);
	for (uint32_t i = RATE; i < 2 * RATE && reduction_db(i) < 0.632121 * final; i++)
		attack_s = (i + 1.0 - RATE) / RATE;
	for (uint32_t i = 2 * RATE; i < 4 * RATE && reduction_db(i) > 0.367879 * final; i++)
		release_s = (i + 1.0 - 2 * RATE) / RATE;
	test_note("attack %.3f ms, release %.2f ms", attack_s * 1e3, release_s * 1e3);
	CHECK_NEAR(attack_s, 0.020, 0.020 * 0.02);
	CHECK_NEAR(release_s, 0.220, 0.220 * 0.05);
	node_host_free(host);
}

TEST(hold_waits)
{
	struct node_host *host = comp_open(false, 0);
	uint32_t falls = 0;

	node_host_jump(host, 0, "knee", 0);
	node_host_jump(host, 0, "attack", 0.05);
	node_host_jump(host, 0, "release", 50);
	node_host_jump(host, 0, "hold", 100);
	level(left, 0, RATE, -10);
	level(left, RATE, RATE, -60);
	memcpy(right, left, sizeof(right));
	comp_run(host, 0, 2 * RATE);
	for (uint32_t i = RATE; i < 2 * RATE && reduction_db(i) > 5.9999; i++)
		falls = i + 1;
	test_note("held %u frames", falls - RATE);
	CHECK(falls - RATE >= 4799 && falls - RATE <= 4803, "held %u frames, wanted 4800",
	      falls - RATE);
	CHECK(reduction_db(2 * RATE - 1) < 0.01);
	node_host_free(host);
}

TEST(infinite_ratio_ends_at_the_threshold)
{
	struct node_host *host = comp_open(false, 0);

	node_host_jump(host, 0, "ratio", 100);
	node_host_jump(host, 0, "knee", 0);
	node_host_jump(host, 0, "attack", 10);
	level(left, 0, RATE, 0);
	memcpy(right, left, sizeof(right));
	comp_run(host, 0, RATE);
	CHECK_NEAR(20 * log10(out_left[RATE - 1]), -18, 0.001);
	/* The overshoot falls with the attack. */
	CHECK_NEAR(18 - reduction_db(479), 18 * exp(-1), 0.1);
	CHECK_NEAR(node_host_meter(host, 0, "gr"), -18, 0.001);
	node_host_free(host);
}

static void burst_noise(float *x, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		x[i] = (float)((test_random() - 0.5) * (i / 4000 % 2 ? 1.6 : 0.1));
}

TEST(half_mix_is_the_mean_of_dry_and_wet)
{
	struct node_host *wet = comp_open(false, 5), *half = comp_open(false, 5);
	static float wet_left[RATE];
	double rest = 0, power = 0;

	burst_noise(left, RATE);
	burst_noise(right, RATE);
	node_host_jump(half, 0, "mix", 50);
	comp_run(wet, 0, RATE);
	memcpy(wet_left, out_left, sizeof(wet_left));
	comp_run(half, 0, RATE);
	CHECK(node_host_latency(half) == 240);
	for (uint32_t i = 240; i < RATE; i++) {
		double want = 0.5 * ((double)wet_left[i] + left[i - 240]);

		rest += pow(out_left[i] - want, 2);
		power += want * want;
	}
	test_note("null %.1f dB", 10 * log10(rest / power));
	CHECK(10 * log10(rest / power) <= -140, "%.1f dB", 10 * log10(rest / power));
	node_host_free(wet);
	node_host_free(half);
}

TEST(linked_gains_are_equal_to_the_bit)
{
	struct node_host *host = comp_open(false, 0);

	burst_noise(left, RATE);
	for (uint32_t i = 0; i < RATE; i++)
		right[i] = left[i] * 0.03125f;
	comp_run(host, 0, RATE);
	for (uint32_t i = 0; i < RATE; i++)
		CHECK(out_right[i] == out_left[i] * 0.03125f, "frame %u", i);
	CHECK(node_host_meter(host, 0, "gr") < -1);
	/* Not linked, the quiet channel is left alone. */
	node_host_jump(host, 0, "link", 0);
	node_host_reset(host);
	comp_run(host, 0, RATE);
	for (uint32_t i = 0; i < RATE; i++)
		CHECK(fabsf(out_right[i] - right[i]) <= 2e-3f * fabsf(right[i]) + 1e-9f, "frame %u",
		      i);
	node_host_free(host);
}

TEST(lookahead_reduces_before_the_peak)
{
	struct node_host *host = comp_open(false, 10);

	node_host_jump(host, 0, "attack", 2);
	node_host_jump(host, 0, "knee", 0);
	level(left, 0, RATE / 2, -60);
	level(left, RATE / 2, RATE / 2, 0);
	memcpy(right, left, sizeof(right));
	comp_run(host, 0, RATE);
	CHECK(node_host_latency(host) == 480);
	/* Five attack times have passed when the step arrives. */
	CHECK_NEAR(20 * log10(out_left[RATE / 2 + 480]), -13.5, 0.12);
	CHECK(out_left[RATE / 2 + 479] < 0.01f);
	node_host_free(host);
}

TEST(key_steers_and_is_filtered)
{
	struct node_host *host = comp_open(true, 0);

	level(left, 0, RATE, -40);
	memcpy(right, left, sizeof(right));
	for (uint32_t i = 0; i < RATE; i++)
		key[i] = (float)(gain_of(-6) * sin(2 * M_PI * 50 / RATE * i));
	node_host_jump(host, 0, "knee", 0);
	node_host_jump(host, 0, "release", 3000);
	comp_run(host, 0, RATE);
	CHECK_NEAR(reduction_db(RATE - 1), 9, 0.1);
	node_host_jump(host, 0, "release", 20);
	node_host_set(host, 0, "key_hpf", 500);
	comp_run(host, 0, RATE);
	CHECK_NEAR(reduction_db(RATE - 1), 0, 0.001); /* 40 dB less: below the threshold */
	node_host_set(host, 0, "key_hpf", 10);
	node_host_set(host, 0, "key_listen", 1);
	comp_run(host, 0, RATE);
	for (uint32_t i = RATE / 2; i < RATE; i++)
		CHECK_NEAR(out_left[i], key[i], 1e-6);
	node_host_free(host);
}

TEST(range_and_auto_makeup)
{
	struct node_host *host = comp_open(false, 0);

	level(left, 0, RATE, 0);
	memcpy(right, left, sizeof(right));
	node_host_jump(host, 0, "knee", 0);
	node_host_jump(host, 0, "range", 5);
	comp_run(host, 0, RATE);
	CHECK_NEAR(reduction_db(RATE - 1), 5, 0.001);
	node_host_jump(host, 0, "range", 100);
	node_host_set(host, 0, "auto_makeup", 1);
	comp_run(host, 0, RATE);
	CHECK_NEAR(reduction_db(RATE - 1), 13.5 - 6.75, 0.001);
	node_host_free(host);
}

/* GMR13: a click is forgotten sooner than a tone of the same level. */
TEST(auto_release_knows_clicks_from_tones)
{
	double left_over[2];

	for (uint32_t click = 0; click < 2; click++) {
		struct node_host *host = comp_open(false, 0);

		node_host_jump(host, 0, "auto_release", 1);
		node_host_jump(host, 0, "release", 1000);
		node_host_jump(host, 0, "attack", 0.05);
		for (uint32_t i = 0; i < 2 * RATE; i++)
			left[i] = right[i] =
				(float)(gain_of(i < RATE && (!click || i >= RATE - 48) ? 0 : -60) *
					sin(2 * M_PI * 1000 / RATE * i));
		comp_run(host, 0, 2 * RATE);
		double in = 0, out = 0;

		for (uint32_t i = RATE + 9600; i < RATE + 10560; i++) {
			in += left[i] * (double)left[i];
			out += out_left[i] * (double)out_left[i];
		}
		left_over[click] = 10 * log10(in / out);
		node_host_free(host);
	}
	test_note("200 ms later: tone %.2f dB, click %.2f dB", left_over[0], left_over[1]);
	CHECK(left_over[1] < 0.3 * left_over[0]);
	CHECK(left_over[0] > 5);
}

/* dsp.md 2.6: every param from end to end in 10 ms on a tone. */
TEST(automation_does_not_click)
{
	const struct mixd_node_type *type = node_host_type("comp", NULL);

	for (uint32_t p = 0; p < node_host_n_params(type); p++) {
		struct node_host *host = comp_open(false, 0);
		char id[64];
		const struct mixd_param_row *row = node_host_param(type, p, id, NULL);
		double most = 0, steady = 0;

		for (uint32_t i = 0; i < RATE; i++)
			left[i] = right[i] = (float)(0.5 * sin(2 * M_PI * 997 / RATE * i));
		node_host_jump(host, 0, id, row->min);
		comp_run(host, 0, RATE / 2 + 5);
		node_host_ramp(host, 0, id, row->max, row->ramp == MIXD_RAMP_NONE ? 0 : 10);
		comp_run(host, RATE / 2 + 5, RATE / 2 - 5);
		for (uint32_t i = RATE / 4; i < RATE; i++) {
			double step = fabs((double)out_left[i] - out_left[i - 1]);

			if (i < RATE / 2 || i > RATE * 3 / 4)
				steady = fmax(steady, step);
			most = fmax(most, step);
		}
		CHECK(most <= 3 * steady, "%s: step %g, steady %g", id, most, steady);
		node_host_free(host);
	}
}
