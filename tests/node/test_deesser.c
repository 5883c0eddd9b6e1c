/* deesser: dsp.md 5.4, on the node as the engine drives it. */
#include "node_host.h"
#include "test.h"

#define RATE 48000u
#define FRAMES (RATE * 2)
#define BURST (RATE / 5) /* every 200 ms, 80 ms of it */

static float in[2][FRAMES], key[FRAMES], out[2][FRAMES];

static struct node_host *deesser_open(bool keyed, double lookahead_ms)
{
	struct node_host_config configs[] = {{"lookahead", lookahead_ms, NULL}, {NULL, 0, NULL}};

	return node_host_open("deesser", &(struct node_host_setup){.rate = RATE,
								   .configs = configs,
								   .only_main_linked = !keyed});
}

static void run(struct node_host *host, uint32_t n)
{
	node_host_process(host, (const float *[]){in[0], in[1], key, key},
			  (float *[]){out[0], out[1]}, n);
}

/* How much of a burst is in at FRAME: 5 ms edges. */
static double burst(uint32_t frame)
{
	double at = frame % BURST / (double)RATE;

	return fmin(fmax(fmin(at - 0.06, 0.14 - at) / 0.005, 0), 1);
}

/* Pink noise (Kellet's filter) that falls further above 500 Hz, as speech does (Byrne et al., JASA
 * 96(4), 1994: 12 dB per octave of pressure spectrum against 3 of pink), -20 dBFS, and bursts of 7 kHz
 * 12 dB above it. */
static void speech(double gain_db)
{
	double b[3] = {0}, low[2] = {0}, sum = 0, gain, tone;
	static double x[FRAMES];

	for (uint32_t i = 0; i < FRAMES; i++) {
		double white = 2 * test_random() - 1, pink;

		b[0] = 0.99765 * b[0] + white * 0.0990460;
		b[1] = 0.96300 * b[1] + white * 0.2965164;
		b[2] = 0.57000 * b[2] + white * 1.0526913;
		pink = b[0] + b[1] + b[2] + white * 0.1848;
		for (uint32_t k = 0; k < 2; k++)
			pink = low[k] += 0.0634 * (pink - low[k]);
		x[i] = pink;
		sum += pink * pink;
	}
	gain = pow(10, (gain_db - 20) / 20) / sqrt(sum / FRAMES);
	tone = pow(10, (gain_db - 20 + 12 + 3.01) / 20);
	for (uint32_t i = 0; i < FRAMES; i++)
		in[0][i] = in[1][i] =
			(float)(gain * x[i] + burst(i) * tone * sin(2 * M_PI * 7000 / RATE * i));
}

static double hann(uint32_t i, uint32_t n)
{
	static double window[FRAMES];
	static uint32_t made;

	for (uint32_t k = 0; made != n && k < n; k++)
		window[k] = 0.5 - 0.5 * cos(2 * M_PI * k / n);
	made = n;
	return window[i];
}

/* Level of FREQ_HZ in N frames from FIRST on, Hann window. */
static double bin_db(const float *x, uint32_t first, uint32_t n, double freq_hz)
{
	/* In real numbers: the products of C's complex ones look for NaN. */
	const double c = cos(2 * M_PI * freq_hz / RATE), d = sin(2 * M_PI * freq_hz / RATE);
	double at_re = 1, at_im = 0, re = 0, im = 0;

	for (uint32_t i = 0; i < n; i++) {
		double x_w = x[first + i] * hann(i, n), next = at_re * c - at_im * d;

		re += x_w * at_re;
		im += x_w * at_im;
		at_im = at_im * c + at_re * d;
		at_re = next;
	}
	return 10 * log10(re * re + im * im + 1e-60);
}

/* Mean change of the bursts from 10 ms after they are up to where they end. */
static double bursts_db(uint32_t latency)
{
	double sum = 0;
	uint32_t n = 0;

	for (uint32_t at = BURST; at + 2 * BURST < FRAMES; at += BURST, n++) {
		uint32_t first = at + (uint32_t)(0.075 * RATE), size = (uint32_t)(0.055 * RATE);

		sum += bin_db(out[0], first + latency, size, 7000) -
		       bin_db(in[0], first, size, 7000);
	}
	return sum / n;
}

static double power_of_bands(const float *x, double low_hz, double high_hz)
{
	double power = 0;

	for (double f = low_hz; f < high_hz; f += 7)
		power += pow(10, bin_db(x, RATE / 4, RATE, f) / 10);
	return 10 * log10(power);
}

TEST(bursts_fall_and_the_voice_stays)
{
	struct node_host *host = deesser_open(false, 0);
	double change, worst = 0;

	speech(0);
	run(host, FRAMES);
	change = bursts_db(0);
	for (double f = 100; f < 2900; f *= 1.4)
		worst = fmax(worst, fabs(power_of_bands(out[0], f, fmin(1.4 * f, 3000)) -
					 power_of_bands(in[0], f, fmin(1.4 * f, 3000))));
	test_note("bursts %.2f dB, below 3 kHz %.3f dB", change, worst);
	CHECK_NEAR(change, -8, 1);
	CHECK(worst <= 0.1, "%g dB", worst);
	/* Before the first burst there is nothing to remove. */
	for (uint32_t i = 0; i < RATE / 20; i++)
		CHECK_NEAR(out[0][i], in[0][i], 2e-3);
	CHECK(memcmp(out[0], out[1], sizeof(out[0])) == 0);
	node_host_free(host);
}

TEST(level_of_the_voice_does_not_matter)
{
	double change[2];

	for (uint32_t k = 0; k < 2; k++) {
		struct node_host *host = deesser_open(false, 0);

		node_host_jump(host, 0, "sensitivity", 4); /* not yet at the most */
		speech(k ? -20 : 0);
		run(host, FRAMES);
		change[k] = bursts_db(0);
		node_host_free(host);
	}
	test_note("%.3f and %.3f dB", change[0], change[1]);
	CHECK(change[0] < -3 && change[0] > -7.9, "%g dB", change[0]);
	CHECK_NEAR(change[0], change[1], 0.5);
}

TEST(listen_is_what_is_removed)
{
	struct node_host *host = deesser_open(false, 0);
	static float wet[FRAMES];

	speech(0);
	run(host, FRAMES);
	memcpy(wet, out[0], sizeof(wet));
	node_host_jump(host, 0, "listen", 1);
	node_host_reset(host);
	run(host, FRAMES);
	for (uint32_t i = 0; i < FRAMES; i++)
		CHECK_NEAR(out[0][i] + wet[i], in[0][i], 1e-6);
	CHECK(bin_db(out[0], BURST + 3600, 2640, 7000) >
	      bin_db(in[0], BURST + 3600, 2640, 7000) - 6);
	node_host_free(host);
}

TEST(meter_amount_and_lookahead)
{
	struct node_host *host = deesser_open(false, 5);
	double lowest = 0;

	CHECK(node_host_latency(host) == 240);
	speech(0);
	node_host_jump(host, 0, "amount", 15);
	for (uint32_t i = 0; i < FRAMES; i += 480) {
		node_host_process(host, (const float *[]){in[0] + i, in[1] + i, key, key},
				  (float *[]){out[0] + i, out[1] + i}, 480);
		lowest = fmin(lowest, node_host_meter(host, 0, "gr"));
	}
	CHECK_NEAR(lowest, -15, 0.05);
	CHECK_NEAR(bursts_db(240), -15, 1.5);
	node_host_free(host);
}

TEST(key_is_searched_in_place_of_the_input)
{
	struct node_host *host = deesser_open(true, 0);

	speech(0);
	memset(key, 0, sizeof(key));
	run(host, FRAMES);
	CHECK_NEAR(bursts_db(0), 0, 0.001);
	memcpy(key, in[0], sizeof(key));
	node_host_reset(host);
	run(host, FRAMES);
	CHECK_NEAR(bursts_db(0), -8, 1);
	node_host_free(host);
}
