/* test_exciter.c - exciter: which harmonics, at which level, and nothing else. */
#include "node_host.h"
#include "test.h"

#define RATE 48000.0
#define N 8192u
#define LEAD 8192u

static float in[LEAD + N], out[LEAD + N];
static const float *const ins[] = {in};
static float *const outs[] = {out};

static struct node_host *exciter(double odd, double even, double drive_db)
{
	struct node_host *host =
		node_host_open("exciter", &(struct node_host_setup){.layout = "mono"});

	node_host_jump(host, 0, "odd", odd);
	node_host_jump(host, 0, "even", even);
	node_host_jump(host, 0, "drive", drive_db);
	node_host_jump(host, 0, "freq", 1000);
	node_host_jump(host, 0, "mix", 100);
	return host;
}

static void sine(uint32_t bin, double level)
{
	for (uint32_t i = 0; i < LEAD + N; i++)
		in[i] = (float)(level * sin(2 * M_PI * ((uint64_t)i * bin % N) / N));
}

static double amplitude(uint32_t k)
{
	double re = 0, im = 0;

	for (uint32_t i = 0; i < N; i++) {
		double phase = 2 * M_PI * (i * k % N) / N;

		re += (double)out[LEAD + i] * cos(phase);
		im += (double)out[LEAD + i] * sin(phase);
	}
	return hypot(re, im) * (k ? 2.0 : 1.0) / N;
}

/* Butterworth high-pass of the analogue world; the digital one follows its magnitude. */
static double highpass(double hz)
{
	double w = hz / 1000;

	return w * w / sqrt(1 + w * w * w * w);
}

/* Amplitude of harmonic H of odd 4 v^3 + even 2 v^2, v = u / sqrt(1 + u^2), by Fourier integral. */
static double theory(double level, double odd, double even, uint32_t h)
{
	double re = 0, im = 0;

	for (uint32_t i = 0; i < 16384; i++) {
		double phase = 2 * M_PI * i / 16384, u = level * sin(phase);
		double v = u / sqrt(1 + u * u), y = odd * 4 * v * v * v + even * 2 * v * v;

		re += y * cos(h * phase);
		im += y * sin(h * phase);
	}
	return 2 * hypot(re, im) / 16384;
}

TEST(exciter_harmonics_are_those_of_the_curve)
{
	static const uint32_t bin = 683; /* 4 kHz */

	for (uint32_t setting = 0; setting < 3; setting++) {
		double odd = setting == 1 ? 0 : 0.8, even = setting == 0 ? 0 : 0.6;
		struct node_host *host = exciter(odd * 100, even * 100, 12);
		double hz = bin * RATE / N;

		node_host_jump(host, 0, "listen", 1);
		sine(bin, 0.25);
		node_host_process(host, ins, outs, LEAD + N);
		for (uint32_t h = 2; h <= 4; h++) {
			double want = theory(0.25 * pow(10, 0.6) * highpass(hz), odd, even, h) *
				      highpass(hz * h);

			CHECK_NEAR(amplitude(bin * h), want, 1e-4 + 0.01 * want);
		}
		CHECK(amplitude(0) < 1e-5, "DC of %g", amplitude(0));
		node_host_free(host);
	}
}

/* The highest line that is no harmonic, dBFS, of 11.7 kHz at LEVEL. */
static double aliases_db(double level)
{
	struct node_host *host = exciter(50, 50, 12);
	double others = 0;

	sine(1999, level);
	node_host_process(host, ins, outs, LEAD + N);
	for (uint32_t h = 2; h < 60; h++) { /* where harmonics would fold to */
		uint32_t k = 1999 * h % N;

		k = k > N / 2 ? N - k : k;
		if (k < 3413)
			others = fmax(others, amplitude(k));
	}
	node_host_free(host);
	return 20 * log10(others);
}

/* Treble as programme has it, -24 dBFS at 12 kHz, makes none worth the name; ten times as much, all
 * of it added, stays 50 dB down. */
TEST(exciter_makes_no_aliases)
{
	double usual = aliases_db(0.063), loud = aliases_db(0.5);

	test_note("highest alias %.1f dBFS, of a tone of -6 dBFS %.1f dBFS", usual, loud);
	CHECK(usual < -90);
	CHECK(loud < -50);
}

/* Without harmonics: the input, delayed, to the bit. Bass makes none. */
TEST(exciter_leaves_the_rest_as_it_is)
{
	struct node_host *host = exciter(50, 50, 12);
	uint32_t latency = node_host_latency(host);

	CHECK(latency == 42, "%u", latency);
	node_host_jump(host, 0, "mix", 0);
	for (uint32_t i = 0; i < LEAD + N; i++)
		in[i] = (float)(test_random() - 0.5);
	node_host_process(host, ins, outs, LEAD + N);
	CHECK(memcmp(in, out + latency, (LEAD + N - latency) * sizeof(float)) == 0);
	node_host_free(host);
	host = exciter(50, 50, 12);
	sine(17, 0.5); /* 100 Hz */
	node_host_process(host, ins, outs, LEAD + N);
	for (uint32_t h = 2; h < 6; h++)
		CHECK(20 * log10(amplitude(17 * h)) < -80);
	CHECK_NEAR(amplitude(17), 0.5, 1e-3);
	node_host_free(host);
}

/* The less there is, the less is made: second harmonics fall twice as fast. */
TEST(exciter_harmonics_follow_the_level)
{
	double level[2];

	for (uint32_t k = 0; k < 2; k++) {
		struct node_host *host = exciter(0, 100, 0);

		sine(683, k ? 0.005 : 0.05);
		node_host_process(host, ins, outs, LEAD + N);
		level[k] = 20 * log10(amplitude(1366));
		node_host_free(host);
	}
	CHECK_NEAR(level[0] - level[1], 40, 0.1);
}
