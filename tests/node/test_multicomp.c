/* multicomp: dsp.md 5.2, on the node as the engine drives it. */
#include "node_host.h"
#include "test.h"

#include <complex.h>

#define RATE 48000u
#define FRAMES (RATE * 2)

static float left[FRAMES], right[FRAMES], key[FRAMES];
static float out_left[FRAMES], out_right[FRAMES];

static struct node_host *multicomp_open(double bands, double lookahead_ms, bool keyed)
{
	struct node_host_config configs[] = {
		{"bands", bands, NULL}, {"lookahead", lookahead_ms, NULL}, {NULL, 0, NULL}};

	return node_host_open("multicomp", &(struct node_host_setup){.rate = RATE,
								     .configs = configs,
								     .only_main_linked = !keyed});
}

static void run(struct node_host *host, uint32_t first, uint32_t n)
{
	node_host_process(host,
			  (const float *[]){left + first, right + first, key + first, key + first},
			  (float *[]){out_left + first, out_right + first}, n);
}

static void set_all(struct node_host *host, uint32_t bands, const char *id, double value)
{
	for (uint32_t b = 1; b <= bands; b++) {
		char name[64];

		snprintf(name, sizeof(name), "band%u.%s", b, id);
		node_host_jump(host, 0, name, value);
	}
}

static void sine(float *x, double freq_hz, double db)
{
	for (uint32_t i = 0; i < FRAMES; i++)
		x[i] = (float)(pow(10, db / 20) * sin(2 * M_PI * freq_hz / RATE * i));
}

static double level_db(const float *x, uint32_t first, uint32_t n)
{
	double sum = 0;

	for (uint32_t i = first; i < first + n; i++)
		sum += x[i] * (double)x[i];
	return 10 * log10(2 * sum / n);
}

TEST(ratio_one_is_flat)
{
	double worst = 0;

	for (uint32_t bands = 2; bands <= 6; bands++) {
		struct node_host *host = multicomp_open(bands, 0, false);

		set_all(host, bands, "ratio", 1);
		memset(left, 0, sizeof(left));
		memset(right, 0, sizeof(right));
		left[0] = 1;
		run(host, 0, FRAMES / 2);
		for (double f = 20; f < 20000; f *= 1.25) {
			double complex turn = cexp(-2 * I * M_PI * f / RATE), sum = 0;

			for (uint32_t i = FRAMES / 2; i-- > 0;)
				sum = sum * turn + out_left[i];
			worst = fmax(worst, fabs(20 * log10(cabs(sum))));
		}
		node_host_free(host);
	}
	test_note("%.2g dB", worst);
	CHECK(worst <= 0.001, "%g dB", worst);
}

static void bursts(float *x)
{
	for (uint32_t i = 0; i < FRAMES; i++)
		x[i] = (float)((test_random() - 0.5) * (i / 4000 % 2 ? 1.6 : 0.1));
}

/* The gains do not know of solo, so the solos add up to the whole, compressing. */
TEST(solos_add_up_to_the_whole)
{
	static double sum[RATE];
	struct node_host *host = multicomp_open(4, 0, false);
	double rest = 0, power = 0;

	bursts(left);
	bursts(right);
	set_all(host, 4, "threshold", -40);
	for (uint32_t b = 1; b <= 4; b++) {
		char name[64];

		snprintf(name, sizeof(name), "band%u.solo", b);
		node_host_jump(host, 0, name, 1);
		node_host_reset(host);
		run(host, 0, RATE);
		for (uint32_t i = 0; i < RATE; i++)
			sum[i] += out_left[i];
		node_host_jump(host, 0, name, 0);
	}
	node_host_reset(host);
	run(host, 0, RATE);
	for (uint32_t i = 0; i < RATE; i++) {
		rest += pow(sum[i] - out_left[i], 2);
		power += out_left[i] * (double)out_left[i];
	}
	test_note("null %.1f dB", 10 * log10(rest / power));
	CHECK(10 * log10(rest / power) <= -120);
	CHECK(node_host_meter(host, 0, "gr4") < -3);
	node_host_free(host);
}

TEST(moving_split_does_not_click)
{
	struct node_host *host = multicomp_open(2, 0, false);
	double most = 0, steady = 0;

	sine(left, 997, -6);
	sine(right, 997, -6);
	set_all(host, 2, "ratio", 1);
	node_host_jump(host, 0, "xover1", 100);
	run(host, 0, RATE / 2);
	node_host_ramp(host, 0, "xover1", 8000, 1000);
	run(host, RATE / 2, FRAMES - RATE / 2);
	for (uint32_t i = RATE / 4; i < FRAMES; i++) {
		double step = fabs((double)out_left[i] - out_left[i - 1]);

		if (i < RATE / 2 || i > FRAMES - RATE / 4)
			steady = fmax(steady, step);
		most = fmax(most, step);
	}
	test_note("largest step %.4f, steady %.4f", most, steady);
	CHECK(most <= 1.1 * steady, "step %g, steady %g", most, steady);
	node_host_free(host);
}

static void three_apart(struct node_host *host)
{
	node_host_jump(host, 0, "xover1", 100);
	node_host_jump(host, 0, "xover2", 10000);
	set_all(host, 3, "knee", 0);
	set_all(host, 3, "release", 3000);
	set_all(host, 3, "threshold", -26);
	set_all(host, 3, "ratio", 4);
}

/* Giannoulis 2012, equation 4: 20 dB over at 4:1 comes out 5 dB over. */
TEST(a_band_follows_its_curve_and_leaves_others_alone)
{
	struct node_host *host = multicomp_open(3, 0, false);

	three_apart(host);
	sine(left, 1000, -6);
	sine(right, 1000, -6);
	run(host, 0, FRAMES);
	CHECK_NEAR(level_db(out_left, RATE, RATE), -21, 0.05);
	CHECK_NEAR(node_host_meter(host, 0, "gr2"), -15, 0.05);
	CHECK_NEAR(node_host_meter(host, 0, "gr1"), 0, 1e-6);
	CHECK_NEAR(node_host_meter(host, 0, "gr3"), 0, 1e-6);
	node_host_set(host, 0, "band2.bypass", 1);
	run(host, 0, FRAMES);
	CHECK_NEAR(level_db(out_left, RATE, RATE), -6, 0.01);
	node_host_set(host, 0, "band2.mute", 1);
	run(host, 0, FRAMES);
	CHECK(level_db(out_left, RATE, RATE) < -60);
	node_host_free(host);
}

TEST(key_steers_band_by_band)
{
	struct node_host *host = multicomp_open(3, 0, true);

	three_apart(host);
	sine(left, 1000, -40);
	sine(right, 30, -40);
	sine(key, 1000, -6);
	run(host, 0, FRAMES);
	CHECK_NEAR(level_db(out_left, RATE, RATE), -55, 0.05);
	CHECK_NEAR(level_db(out_right, RATE, RATE), -40, 0.15);
	node_host_free(host);
}

/* A key of another number of channels steers as the mean of them. */
TEST(key_of_another_layout_steers_as_one)
{
	static const char *const layouts[] = {"mono", "3ch"};

	for (uint32_t k = 0; k < 2; k++) {
		struct node_host_config configs[] = {{"bands", 3, NULL}, {NULL, 0, NULL}};
		struct node_host *host = node_host_open(
			"multicomp", &(struct node_host_setup){.rate = RATE,
							       .configs = configs,
							       .follow_layout = layouts[k]});

		three_apart(host);
		sine(left, 1000, -40);
		sine(right, 1000, -50);
		sine(key, 1000, -6);
		for (uint32_t link = 0; link < 2; link++) {
			node_host_jump(host, 0, "link", link ? 100 : 0);
			node_host_process(host, (const float *[]){left, right, key, key, key},
					  (float *[]){out_left, out_right}, FRAMES);
			CHECK_NEAR(level_db(out_left, RATE, RATE), -55, 0.05);
			CHECK_NEAR(level_db(out_right, RATE, RATE), -65, 0.05);
		}
		node_host_free(host);
	}
}

TEST(channels_part_when_not_linked)
{
	struct node_host *host = multicomp_open(3, 0, false);

	three_apart(host);
	node_host_jump(host, 0, "link", 0);
	sine(left, 1000, -6);
	sine(right, 1000, -30);
	run(host, 0, FRAMES);
	CHECK_NEAR(level_db(out_left, RATE, RATE), -21, 0.05);
	CHECK_NEAR(level_db(out_right, RATE, RATE), -30, 0.01);
	node_host_set(host, 0, "link", 100);
	run(host, 0, FRAMES);
	CHECK_NEAR(level_db(out_right, RATE, RATE), -45, 0.05);
	node_host_free(host);
}

TEST(lookahead_delays_and_reduces_before_the_peak)
{
	struct node_host *host = multicomp_open(2, 10, false), *plain = multicomp_open(2, 0, false);
	static float early[RATE];

	CHECK(node_host_latency(host) == 480);
	bursts(left);
	bursts(right);
	node_host_jump(plain, 0, "mix", 0);
	node_host_jump(host, 0, "mix", 0);
	run(plain, 0, RATE);
	memcpy(early, out_left, sizeof(early));
	run(host, 0, RATE);
	CHECK(memcmp(early, out_left + 480, (RATE - 480) * sizeof(*early)) == 0);
	node_host_jump(host, 0, "mix", 100);
	node_host_reset(host);
	set_all(host, 2, "attack", 1);
	set_all(host, 2, "threshold", -40);
	set_all(host, 2, "ratio", 100);
	set_all(host, 2, "range", 20);
	memset(left, 0, sizeof(left));
	for (uint32_t i = RATE / 2; i < RATE; i++)
		left[i] = (float)(0.9 * cos(2 * M_PI * 4000 / RATE * i));
	memcpy(right, left, sizeof(right));
	run(host, 0, RATE);
	for (uint32_t i = RATE / 2 + 480; i < RATE / 2 + 530; i++)
		CHECK(fabsf(out_left[i]) < 0.13f, "frame %u: %g", i, (double)out_left[i]);
	node_host_free(host);
	node_host_free(plain);
}
