/* test_generator.c - generator: dsp.md 11.5. */
#include "node_host.h"
#include "spectrum.h"
#include "test.h"

#define FRAMES 480000u

static float out[4][FRAMES];
static float *const outs[] = {out[0], out[1], out[2], out[3]};

enum { SINE, PINK, WHITE, SWEEP, IMPULSE, IDENT };

static struct node_host *generator_open(double signal, double rate, const char *layout,
					uint64_t seed)
{
	struct node_host_config configs[] = {
		{"signal", signal, NULL}, {"length", 5, NULL}, {NULL, 0, NULL}};

	return node_host_open("generator", &(struct node_host_setup){.layout = layout,
								     .rate = rate,
								     .configs = configs,
								     .seed = seed});
}

static double rms(const float *x, uint32_t n)
{
	double sum = 0;

	for (uint32_t i = 0; i < n; i++)
		sum += (double)x[i] * (double)x[i];
	return sqrt(sum / n);
}

TEST(generator_sine_is_pure)
{
	static const double frequencies[] = {20, 997, 10000, 19997};

	for (size_t f = 0; f < 4; f++) {
		struct node_host *host = generator_open(SINE, 48000, "mono", 1);
		double worst = 0, phase;

		node_host_jump(host, 0, "level", 0);
		node_host_jump(host, 0, "freq", frequencies[f]);
		node_host_process(host, NULL, outs, FRAMES);
		/* Every frame against the sine itself, 10 s long: level, phase and frequency to
		 * parts in 10^9, and all of THD+N. */
		for (uint32_t i = 0; i < FRAMES; i++) {
			phase = fmod(frequencies[f] * i, 48000) / 48000;
			worst = fmax(worst, fabs((double)out[0][i] - sin(2 * M_PI * phase)));
		}
		test_note("%g Hz: highest error %.2g", frequencies[f], worst);
		CHECK(worst <= 0x1p-24, "%g Hz: error %.3g, f32 allows %.3g", frequencies[f], worst,
		      0x1p-24);
		node_host_free(host);
	}
}

TEST(generator_levels_are_aes17)
{
	static const int signals[] = {SINE, PINK, WHITE};

	for (int i = 0; i < 3; i++) {
		struct node_host *host = generator_open(signals[i], 48000, "stereo", 5);

		node_host_jump(host, 0, "level", -20);
		node_host_process(host, NULL, outs, FRAMES);
		/* Pink noise of 10 s is only so sure: most of its power is in few cycles. */
		CHECK_NEAR(spectrum_db(rms(out[0], FRAMES) * sqrt(2)), -20,
			   signals[i] == SINE	 ? 0.001
			   : signals[i] == WHITE ? 0.03
						 : 0.5);
		node_host_free(host);
	}
}

/* Power in octaves: pink noise has as much in each. Averaged over 20 s of two channels. */
TEST(generator_pink_slope_at_all_rates)
{
	static const double rates[] = {44100, 48000, 96000, 192000};

	for (int r = 0; r < 4; r++) {
		struct node_host *host = generator_open(PINK, rates[r], "mono", 3);
		double level[6], mean = 0;

		node_host_process(host, NULL, outs, FRAMES);
		for (int k = 0; k < 6; k++) {
			double hz = 500 * pow(2, k), q = 2, w = 2 * M_PI * hz / rates[r];
			double alpha = sin(w) / (2 * q), a0 = 1 + alpha, z1 = 0, z2 = 0, sum = 0;
			double b = alpha / a0, a1 = -2 * cos(w) / a0, a2 = (1 - alpha) / a0;

			/* Constant-Q band-pass (RBJ): equal in power per octave below its warp. */
			for (uint32_t i = 0; i < FRAMES; i++) {
				double x = (double)out[0][i], y = b * x + z1;

				z1 = z2 - a1 * y;
				z2 = -b * x - a2 * y;
				sum += i > 4800 ? y * y : 0;
			}
			/* The bilinear transform narrows a band by sin(w)/w. */
			level[k] = 10 * log10(sum) - 10 * log10(sin(w) / w);
			mean += level[k] / 6;
		}
		for (int k = 0; k < 6; k++)
			CHECK(fabs(level[k] - mean) < 0.35, "%g Hz: octave at %g Hz is %+.2f dB",
			      rates[r], 500 * pow(2, k), level[k] - mean);
		node_host_free(host);
	}
}

TEST(generator_noise_is_seeded_and_uncorrelated)
{
	struct node_host *a = generator_open(WHITE, 48000, "stereo", 7);
	struct node_host *b = generator_open(WHITE, 48000, "stereo", 7);
	struct node_host *c = generator_open(WHITE, 48000, "stereo", 8);
	double cross = 0;

	node_host_process(a, NULL, outs, 4800);
	node_host_process(b, NULL, outs + 2, 4800);
	CHECK(memcmp(out[0], out[2], sizeof(float) * 4800) == 0, "one seed, two noises");
	node_host_process(c, NULL, outs + 2, 4800);
	CHECK(memcmp(out[0], out[2], sizeof(float) * 4800) != 0, "two seeds, one noise");
	for (int i = 0; i < 4800; i++)
		cross += (double)out[0][i] * (double)out[1][i];
	CHECK(fabs(cross / 4800) < 0.06 * rms(out[0], 4800) * rms(out[1], 4800),
	      "channels correlate");
	node_host_free(a);
	node_host_free(b);
	node_host_free(c);
}

TEST(generator_sweep_is_farinas)
{
	struct node_host *host = generator_open(SWEEP, 48000, "mono", 1);
	double worst = 0, rate = log(1000.0) / 5;

	node_host_jump(host, 0, "level", 0);
	node_host_process(host, NULL, outs, 6 * 48000 + 480);
	for (uint32_t i = 480; i < 5 * 48000 - 480; i++) {
		double turns = 20 / rate * (exp(i / 48000.0 * rate) - 1);

		worst = fmax(worst, fabs((double)out[0][i] - sin(2 * M_PI * fmod(turns, 1))));
	}
	CHECK(worst < 1e-6, "off by %.3g", worst);
	for (uint32_t i = 5 * 48000; i < 6 * 48000; i++)
		CHECK(out[0][i] == 0, "sound in the interval");
	CHECK(out[0][0] == 0 && fabsf(out[0][1]) < 1e-4f, "no fade");
	CHECK(memcmp(out[0], out[0] + 6 * 48000, sizeof(float) * 480) == 0, "no second sweep");
	node_host_free(host);
}

TEST(generator_refuses_a_falling_sweep)
{
	struct node_host_config configs[] = {
		{"signal", SWEEP, NULL}, {"sweep_to", 10, NULL}, {NULL, 0, NULL}};
	struct mixd_fault fault;

	CHECK(!node_host_try(node_host_type("generator", NULL),
			     &(struct node_host_setup){.configs = configs}, &fault));
	CHECK(strstr(fault.hint, "sweep_to"), "%s", fault.hint);
}

TEST(generator_impulse_is_one_frame)
{
	struct node_host *host = generator_open(IMPULSE, 48000, "mono", 1);

	node_host_jump(host, 0, "level", -6);
	node_host_process(host, NULL, outs, 100000);
	for (uint32_t i = 0; i < 100000; i++) {
		float want = i == 0 || i == 48000 || i == 96000 ? 0.501187f : 0;

		CHECK_NEAR((double)out[0][i], (double)want, 1e-6);
	}
	node_host_free(host);
}

/* GLITS: left has a gap at 0 s, right at 0.5 s and 1 s, both tone until 4 s. */
TEST(generator_ident_tells_the_channels)
{
	static const double gaps[2][4] = {{0.0, -1}, {0.5, 1.0, -1}};
	struct node_host *host = generator_open(IDENT, 48000, "stereo", 1);

	node_host_process(host, NULL, outs, 4 * 48000);
	for (int c = 0; c < 2; c++)
		for (double t = 0.02; t < 3.97; t += 0.25) {
			bool gap = false;
			double level = rms(out[c] + (int)(t * 48000), 9600);

			for (int k = 0; gaps[c][k] >= 0; k++)
				gap |= fabs(t - 0.02 - gaps[c][k]) < 0.01;
			CHECK(gap == (level < 0.001), "channel %d at %.2f s: %g", c, t, level);
		}
	node_host_free(host);
}
