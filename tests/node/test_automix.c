/* automix: dsp.md 5.7, on the node as the engine drives it. */
#include "node_host.h"
#include "test.h"

#define RATE 48000u
#define FRAMES (RATE * 4)
#define MICS 8u

static float in[MICS][FRAMES], out[MICS][FRAMES];

static struct node_host *automix_open(double mics, const char *layout)
{
	struct node_host_config configs[] = {{"inputs", mics, NULL}, {NULL, 0, NULL}};

	return node_host_open(
		"automix",
		&(struct node_host_setup){.rate = RATE, .layout = layout, .configs = configs});
}

static void run(struct node_host *host, uint32_t mics, uint32_t n)
{
	const float *ins[MICS];
	float *outs[MICS];

	for (uint32_t m = 0; m < mics; m++) {
		ins[m] = in[m];
		outs[m] = out[m];
	}
	node_host_process(host, ins, outs, n);
}

/* Noise within the band that is measured: 300..3000 Hz, roughly. */
static void noise(uint32_t mic, double db)
{
	double low = 0, high = 0, sum = 0;

	for (uint32_t i = 0; i < FRAMES; i++) {
		low += 0.33 * (2 * test_random() - 1 - low);
		high += 0.039 * (low - high);
		in[mic][i] = (float)(low - high);
		sum += in[mic][i] * (double)in[mic][i];
	}
	for (uint32_t i = 0; i < FRAMES; i++)
		in[mic][i] *= (float)(pow(10, db / 20) / sqrt(sum / FRAMES));
}

static double level_db(const float *x)
{
	double sum = 0;

	for (uint32_t i = RATE; i < FRAMES; i++)
		sum += x[i] * (double)x[i];
	return 10 * log10(sum / (FRAMES - RATE));
}

static double gain(uint32_t mic, uint32_t frame)
{
	return out[mic][frame] / in[mic][frame];
}

TEST(equal_noises_make_the_noise_of_one)
{
	struct node_host *host = automix_open(MICS, "mono");
	static float sum[FRAMES];
	double squares, worst = 0;

	for (uint32_t m = 0; m < MICS; m++)
		noise(m, -30);
	run(host, MICS, FRAMES);
	for (uint32_t i = 0; i < FRAMES; i++) {
		sum[i] = 0;
		squares = 0;
		for (uint32_t m = 0; m < MICS; m++) {
			sum[i] += out[m][i];
			squares += pow(gain(m, i), 2);
		}
		if (i > RATE)
			worst = fmax(worst, fabs(squares - 1));
	}
	test_note("sum %.2f dB of one, squares of gains within %.1e of 1", level_db(sum) + 30,
		  worst);
	CHECK_NEAR(level_db(sum), -30, 0.2);
	CHECK(worst <= 1e-4, "%g", worst);
	CHECK(node_host_meter(host, 0, "noms") > 6);
	node_host_free(host);
}

TEST(one_talker_keeps_the_gain)
{
	struct node_host *host = automix_open(4, "mono");

	noise(0, -25);
	for (uint32_t m = 1; m < 4; m++)
		noise(m, -25 - 20 - 10 * log10(3)); /* all others together 20 dB below */
	run(host, 4, FRAMES);
	test_note("talker %.3f dB", level_db(out[0]) - level_db(in[0]));
	CHECK(level_db(out[0]) - level_db(in[0]) >= -0.1);
	CHECK(node_host_meter(host, 0, "gain1") >= -0.2);
	CHECK(node_host_meter(host, 0, "gain2") <= -20);
	CHECK(node_host_meter(host, 0, "gain5") == -HUGE_VAL);
	CHECK_NEAR(node_host_meter(host, 0, "noms"), 1, 0.05);
	node_host_free(host);
}

static void two_tones(double apart_db)
{
	for (uint32_t i = 0; i < FRAMES; i++) {
		in[0][i] = (float)(0.2 * sin(2 * M_PI * 900 / RATE * i + 0.3));
		in[1][i] = (float)(pow(10, -apart_db / 20) * in[0][i]);
	}
}

TEST(three_db_become_six)
{
	struct node_host *host = automix_open(2, "mono");

	two_tones(3);
	run(host, 2, FRAMES);
	test_note("%.3f dB", level_db(out[0]) - level_db(out[1]));
	CHECK_NEAR(level_db(out[0]) - level_db(out[1]), 6, 0.1);
	node_host_free(host);
}

TEST(weights_count_in_db)
{
	struct node_host *host = automix_open(2, "mono");

	two_tones(0);
	node_host_jump(host, 0, "mic1.weight", 12);
	run(host, 2, FRAMES);
	CHECK_NEAR(level_db(out[0]) - level_db(out[1]), 12, 0.01);
	CHECK_NEAR(level_db(out[0]) - level_db(in[0]), -10 * log10(1 + pow(10, -1.2)), 0.01);
	node_host_free(host);
}

TEST(silence_is_shared_alike)
{
	struct node_host *host = automix_open(4, "mono");

	for (uint32_t m = 0; m < 4; m++)
		for (uint32_t i = 0; i < FRAMES; i++)
			in[m][i] = m == 2 ? 1e-6f : 2e-6f; /* no speech, and far below the floor */
	run(host, 4, RATE);
	for (uint32_t m = 0; m < 4; m++)
		CHECK_NEAR(gain(m, RATE - 1), 0.5, 1e-4);
	CHECK_NEAR(node_host_meter(host, 0, "noms"), 4, 0.01);
	node_host_free(host);
}

TEST(on_and_mute_take_no_part)
{
	struct node_host *host = automix_open(4, "mono");

	for (uint32_t m = 0; m < 4; m++)
		noise(m, -20);
	node_host_jump(host, 0, "mic1.mode", 1);
	node_host_jump(host, 0, "mic2.mode", 2);
	run(host, 4, FRAMES);
	for (uint32_t i = RATE; i < FRAMES; i++) {
		CHECK(out[0][i] == in[0][i] && out[1][i] == 0);
		if (in[2][i] != 0 && in[3][i] != 0)
			CHECK_NEAR(pow(gain(2, i), 2) + pow(gain(3, i), 2), 1, 1e-4);
	}
	node_host_jump(host, 0, "mic3.mode", 2);
	node_host_jump(host, 0, "mic4.mode", 2);
	run(host, 4, RATE);
	for (uint32_t i = 0; i < RATE; i++)
		CHECK(out[2][i] == 0 && out[3][i] == 0 && out[0][i] == in[0][i]);
	node_host_free(host);
}

TEST(rumble_is_not_speech)
{
	struct node_host *host = automix_open(2, "mono");

	for (uint32_t i = 0; i < FRAMES; i++) {
		in[0][i] = (float)(0.5 * sin(2 * M_PI * 30 / RATE * i + 0.3));
		in[1][i] = (float)(0.1 * sin(2 * M_PI * 900 / RATE * i + 0.3));
	}
	run(host, 2, FRAMES);
	CHECK(level_db(out[1]) - level_db(in[1]) > -0.4);
	node_host_free(host);
}

TEST(a_pair_is_one_microphone)
{
	struct node_host *host = automix_open(2, "stereo");

	for (uint32_t i = 0; i < FRAMES; i++) {
		in[0][i] = (float)(0.2 * sin(2 * M_PI * 900 / RATE * i + 0.3));
		in[1][i] = 0.5f * in[0][i];
		in[2][i] = in[3][i] = (float)(0.15 * sin(2 * M_PI * 700 / RATE * i + 0.3));
	}
	run(host, 4, FRAMES);
	CHECK_NEAR(level_db(out[0]) - level_db(out[1]), 6.0206, 0.001);
	CHECK_NEAR(level_db(out[0]) - level_db(in[0]), -3.01, 0.1);
	node_host_free(host);
}
