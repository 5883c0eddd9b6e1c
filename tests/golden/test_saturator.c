/* test_saturator.c - saturator: harmonics by theory, DC, level matching, tape; dsp.md 6.2. */
#include "node_host.h"
#include "test.h"

#define RATE 48000.0
#define N 8192u
#define FRAMES (48000u * 6)

static float in[FRAMES], out[FRAMES];
static const float *const ins[] = {in};
static float *const outs[] = {out};

static struct node_host *open_with(const char *layout)
{
	return node_host_open("saturator", &(struct node_host_setup){.layout = layout});
}

/* Amplitude of bin K of the last N frames of X. */
static double amplitude(const float *x, uint32_t k)
{
	double re = 0, im = 0;

	for (uint32_t i = 0; i < N; i++) {
		double phase = 2 * M_PI * (i * k % N) / N;

		re += (double)x[FRAMES - N + i] * cos(phase);
		im += (double)x[FRAMES - N + i] * sin(phase);
	}
	return hypot(re, im) * (k ? 2.0 : 1.0) / N;
}

static void sine(uint32_t bin, double level)
{
	for (uint32_t i = 0; i < FRAMES; i++)
		in[i] = (float)(level * sin(2 * M_PI * ((uint64_t)i * bin % N) / N));
}

/* Harmonic H of a curve fed with a sine, by its Fourier integral. */
static double harmonic(double (*curve)(double), double level, double offset, uint32_t h)
{
	double re = 0, im = 0;

	for (uint32_t i = 0; i < 65536; i++) {
		double phase = 2 * M_PI * i / 65536, y = curve(level * sin(phase) + offset);

		re += y * cos(h * phase);
		im += y * sin(h * phase);
	}
	return 2 * hypot(re, im) / 65536;
}

static double curve_tape(double x)
{
	return x / sqrt(1 + x * x);
}

static double curve_diode(double x)
{
	/* (u - 1) / (u + 2), u = exp(3 x): slope 1 at 0, from -1/2 to 1. */
	return (exp(3 * x) - 1) / (exp(3 * x) + 2);
}

static double curve_cubic(double x)
{
	return fabs(x) < 1.5 ? x - 4.0 / 27 * x * x * x : copysign(1, x);
}

static double curve_hard(double x)
{
	return fmax(-1, fmin(1, x));
}

/* At 211 Hz ADAA and filters are flat: harmonics are those of the drawn curve. */
TEST(saturator_harmonics_are_those_of_the_curve)
{
	static double (*const curves[])(double) = {tanh, curve_cubic, curve_hard, curve_diode};

	for (uint32_t curve = 0; curve < 4; curve++)
		for (uint32_t bias = 0; bias <= 40; bias += 40) {
			struct node_host *host = open_with("mono");

			node_host_jump(host, 0, "curve", curve);
			node_host_jump(host, 0, "drive", 12);
			node_host_jump(host, 0, "bias", bias);
			sine(36, 0.5);
			node_host_process(host, ins, outs, FRAMES);
			for (uint32_t h = 1; h <= 9; h++) {
				double want = harmonic(curves[curve], 0.5 * pow(10, 0.6),
						       bias / 100.0, h);

				CHECK_NEAR(amplitude(out, 36 * h), want, 2e-4 + 1e-3 * want);
			}
			node_host_free(host);
		}
}

/* dsp.md 6.2: "DC out <= -100 dB for symmetric curves"; with dc_block for all. */
TEST(saturator_makes_no_dc)
{
	for (uint32_t curve = 0; curve < 5; curve++)
		for (uint32_t block = 0; block < 2; block++) {
			struct node_host *host = open_with("mono");
			double dc;

			node_host_jump(host, 0, "curve", curve);
			node_host_jump(host, 0, "drive", 20);
			node_host_jump(host, 0, "dc_block", block);
			sine(211, 1);
			node_host_process(host, ins, outs, FRAMES);
			dc = 20 * log10(amplitude(out, 0) + 1e-12);
			test_note("curve %u, dc_block %u: %.1f dBFS", curve, block, dc);
			if (curve != 3 || block)
				CHECK(dc <= -100, "curve %u: %g", curve, dc);
			else
				CHECK(dc > -40, "a diode without DC: %g", dc);
			node_host_free(host);
		}
}

/* Quiet sound goes through tape as it is: the emphasis undoes itself. Loud treble bends before
 * loud bass does. */
TEST(saturator_tape_bends_treble_first)
{
	static const uint32_t bins[] = {17, 171, 855, 1707, 2561};
	double third[2];

	for (uint32_t k = 0; k < 5; k++) {
		struct node_host *host = open_with("mono");

		node_host_jump(host, 0, "curve", 4);
		node_host_jump(host, 0, "drive", 0);
		sine(bins[k], 0.001);
		node_host_process(host, ins, outs, FRAMES);
		CHECK_NEAR(20 * log10(amplitude(out, bins[k]) / 0.001), 0, 0.05);
		node_host_free(host);
	}
	for (uint32_t k = 0; k < 2; k++) {
		struct node_host *host = open_with("mono");
		uint32_t bin = k ? 1024 : 17; /* 6 kHz, 100 Hz */

		node_host_jump(host, 0, "curve", 4);
		node_host_jump(host, 0, "drive", 0);
		sine(bin, 0.5);
		node_host_process(host, ins, outs, FRAMES);
		third[k] = amplitude(out, 3 * bin) / amplitude(out, bin);
		if (k == 0) /* where there is no emphasis, the curve itself */
			CHECK_NEAR(amplitude(out, 3 * bin), harmonic(curve_tape, 0.5, 0, 3), 3e-4);
		else
			CHECK(amplitude(out, bin) < 0.9 * 0.5, "treble is not bent");
		node_host_free(host);
	}
	test_note("third harmonic of -6 dBFS: %.1f dB at 100 Hz, %.1f dB at 6 kHz",
		  20 * log10(third[0]), 20 * log10(third[1]));
}

static double rms_db(const float *x, uint32_t begin, uint32_t end)
{
	double sum = 0;

	for (uint32_t i = begin; i < end; i++)
		sum += (double)x[i] * (double)x[i];
	return 10 * log10(sum / (end - begin));
}

/* Bursts and pauses, as speech has them. */
static void programme(double level_db)
{
	double y = 0;

	for (uint32_t i = 0; i < FRAMES; i++) {
		double part = fmax(0, sin(2 * M_PI * i / (0.4 * RATE)));

		y += 0.05 * ((test_random() * 2 - 1) - y);
		in[i] = (float)(y * part * pow(10, level_db / 20) * 5);
	}
}

/* dsp.md 6.2: "level-matched bypass": within 0.5 dB of the input, whatever the curve does. */
TEST(saturator_auto_level_is_the_level_of_the_input)
{
	static const double drives[] = {0, 12, 30};

	for (uint32_t curve = 0; curve < 5; curve++)
		for (uint32_t d = 0; d < 3; d++) {
			struct node_host *host = open_with("mono");
			double error;

			node_host_jump(host, 0, "curve", curve);
			node_host_jump(host, 0, "drive", drives[d]);
			node_host_jump(host, 0, "auto_level", 1);
			programme(-12);
			node_host_process(host, ins, outs, FRAMES);
			error = rms_db(out, FRAMES / 3, FRAMES) - rms_db(in, FRAMES / 3, FRAMES);
			CHECK(fabs(error) <= 0.5, "curve %u, drive %g: off by %.2f dB", curve,
			      drives[d], error);
			/* The first second is not far off, either: the guess. */
			error = rms_db(out, 0, 48000) - rms_db(in, 0, 48000);
			CHECK(fabs(error) <= 3.5, "curve %u, drive %g: begins %.2f dB off", curve,
			      drives[d], error);
			node_host_free(host);
		}
}

TEST(saturator_auto_level_stands_still_in_silence)
{
	struct node_host *host = open_with("mono");
	double gain;

	node_host_jump(host, 0, "drive", 18);
	node_host_jump(host, 0, "auto_level", 1);
	programme(-12);
	node_host_process(host, ins, outs, FRAMES);
	gain = node_host_meter(host, 0, "level_gain");
	memset(in, 0, sizeof(in));
	node_host_process(host, ins, outs, FRAMES);
	CHECK_NEAR(node_host_meter(host, 0, "level_gain"), gain, 0.01);
	node_host_free(host);
}
