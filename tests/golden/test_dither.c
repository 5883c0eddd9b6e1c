/* test_dither.c - dither: dsp.md 11.1, [LWV92], [LVW91]. */
#include "fft.h"
#include "node_host.h"
#include "test.h"

#include <complex.h>

#define RATE 48000.0
#define BIG (1u << 20)
#define LSB16 0x1p-15

static float in[2][BIG], out[2][BIG];
static const float *const ins[] = {in[0], in[1]};
static float *const outs[] = {out[0], out[1]};

enum { OFF, TPDF, HIGHPASS };
enum { FLAT, LIGHT, MEDIUM, F_WEIGHTED, IMPROVED_E };

static struct node_host *dither_open(double bits, double noise, double shape)
{
	struct node_host *host = node_host_open("dither", &(struct node_host_setup){.seed = 7});

	node_host_jump(host, 0, "bits", bits);
	node_host_jump(host, 0, "noise", noise);
	node_host_jump(host, 0, "shape", shape);
	return host;
}

static void dither_fill(double level, double hz, double dc)
{
	for (uint32_t i = 0; i < BIG; i++)
		in[0][i] = in[1][i] = (float)(dc + level * sin(2 * M_PI * hz / RATE * i));
}

/* Mean and power of out - in. */
static double dither_error(uint32_t c, uint32_t n, double *ret_mean)
{
	double mean = 0, power = 0;

	for (uint32_t i = 0; i < n; i++) {
		double e = (double)out[c][i] - (double)in[c][i];

		mean += e / n;
		power += e * e / n;
	}
	*ret_mean = mean;
	return power;
}

/* Power of the error in octaves 46 Hz .. 24 kHz, per Hz, relative to its mean density, dB. */
static void dither_octaves(uint32_t c, double octave[9])
{
	enum { N = 4096 };
	static float x[N], re[N], im[N], scratch[2 * N];
	static double density[N / 2 + 1];
	struct fft_plan plan;
	double total = 0;

	CHECK(fft_plan_init(&plan, FFT_REAL, N) == 0);
	memset(density, 0, sizeof(density));
	for (uint32_t at = 0; at + N <= BIG; at += N / 2) {
		for (uint32_t i = 0; i < N; i++)
			x[i] = (out[c][at + i] - in[c][at + i]) *
			       (float)(0.5 - 0.5 * cos(2 * M_PI * i / N));
		fft_real_forward(&plan, x, re, im, scratch);
		for (uint32_t k = 0; k <= N / 2; k++)
			density[k] += (double)(re[k] * re[k] + im[k] * im[k]);
	}
	fft_plan_done(&plan);
	for (uint32_t k = 4; k < N / 2; k++)
		total += density[k] / (N / 2 - 4);
	for (uint32_t o = 0; o < 9; o++) {
		double sum = 0;

		for (uint32_t k = 4u << o; k < 8u << o && k < N / 2; k++)
			sum += density[k] / (4u << o);
		octave[o] = 10 * log10(sum / total);
	}
}

/* dsp.md 11.1: total error of 16-bit TPDF is half a step RMS (-96.33 dBFS) +-0.1 dB, flat +-1 dB. */
TEST(dither_tpdf_of_16_bits_is_96_33_db_down_and_flat)
{
	struct node_host *host = dither_open(16, TPDF, FLAT);
	double octave[9], mean;

	dither_fill(0.3, 997, 0);
	node_host_process(host, ins, outs, BIG);
	for (uint32_t c = 0; c < 2; c++) {
		double power = dither_error(c, BIG, &mean);

		test_note("%.3f dBFS RMS, mean %.2g steps", 10 * log10(power), mean / LSB16);
		CHECK_NEAR(10 * log10(power), -96.33, 0.1);
		CHECK(fabs(mean) < 0.005 * LSB16);
		dither_octaves(c, octave);
		for (uint32_t o = 0; o < 9; o++)
			CHECK(fabs(octave[o]) <= 1, "octave %u: %.2f dB", o, octave[o]);
	}
	for (uint32_t i = 0; i < 1000; i++) /* independent per channel */
		if (out[0][i] != out[1][i])
			return node_host_free(host), (void)0;
	CHECK(false, "both channels have one noise");
}

TEST(dither_gives_the_grid_of_its_bits)
{
	for (int bits = 8; bits <= 24; bits++)
		for (int shape = FLAT; shape <= IMPROVED_E; shape++) {
			struct node_host *host = dither_open(bits, TPDF, shape);

			dither_fill(0.5, 997, 0.01);
			node_host_process(host, ins, outs, 20000);
			for (uint32_t i = 0; i < 20000; i++) {
				double steps = (double)out[0][i] * exp2(bits - 1);

				CHECK(steps == rint(steps) && out[0][i] >= -1 && out[0][i] < 1,
				      "%d bits: %.9g", bits, (double)out[0][i]);
			}
			node_host_free(host);
		}
}

/* Amplitude at bin K of BIG, by the definition, window of 4 terms (side lobes -92 dB). */
static double dither_line(double hz)
{
	double complex sum = 0, turn = 1, step = cexp(-2 * M_PI * I * hz / RATE);
	double complex window = 1, window_step = cexp(2 * M_PI * I / BIG);

	for (uint32_t i = 0; i < BIG; i++) {
		double c = creal(window);
		double c2 = 2 * c * c - 1, c3 = c * (4 * c * c - 3);

		sum += (0.35875 - 0.48829 * c + 0.14128 * c2 - 0.01168 * c3) * (double)out[0][i] *
		       turn;
		turn *= step;
		window *= window_step;
	}
	return 2 * cabs(sum) / (0.35875 * BIG);
}

/* dsp.md 11.1: 1 kHz at -100 dBFS, less than a step: it is there at its level, and no harmonic is above
 * the noise, in 2^20 frames. Without dither the harmonics are. */
TEST(dither_keeps_a_tone_below_one_step_without_harmonics)
{
	double hz = 1000, noise = 0, limit;
	struct node_host *host = dither_open(16, TPDF, FLAT);

	dither_fill(1e-5, hz, 0.2 * LSB16);
	node_host_process(host, ins, outs, BIG);
	CHECK_NEAR(20 * log10(dither_line(hz)), -100, 0.3);
	for (uint32_t k = 0; k < 24; k++) /* beside the harmonics */
		noise += pow(dither_line(hz * (1.43 + 0.5 * k)), 2) / 24;
	limit = 10 * log10(noise) + 10.5; /* one bin of noise in 70000 is higher */
	for (uint32_t k = 2; k <= 12; k++)
		CHECK(20 * log10(dither_line(hz * k)) <= limit, "harmonic %u: %.1f dB, noise %.1f",
		      k, 20 * log10(dither_line(hz * k)), 10 * log10(noise));
	node_host_free(host);
	host = dither_open(16, OFF, FLAT);
	dither_fill(2e-5, hz, 0.2 * LSB16);
	node_host_process(host, ins, outs, BIG);
	test_note("noise %.1f dB per bin, third harmonic without dither %.1f dB", 10 * log10(noise),
		  20 * log10(dither_line(3 * hz)));
	CHECK(20 * log10(dither_line(3 * hz)) > limit);
	node_host_free(host);
}

/* dsp.md 11.1: power of the error changes by at most 0.1 dB over offsets of 0 .. 1 step, and its mean
 * is 0. [LWV92]: not so with highpass? Its density is triangular, too, so it is. */
TEST(dither_noise_does_not_depend_on_the_signal)
{
	for (int noise = TPDF; noise <= HIGHPASS; noise++) {
		double low = INFINITY, high = -INFINITY;

		for (int k = 0; k <= 16; k++) {
			struct node_host *host = dither_open(16, noise, FLAT);
			double mean, power;

			dither_fill(0, 1, 0.1 + k / 16.0 * LSB16);
			node_host_process(host, ins, outs, BIG / 2);
			power = dither_error(0, BIG / 2, &mean);
			low = fmin(low, 10 * log10(power));
			high = fmax(high, 10 * log10(power));
			CHECK(fabs(mean) < 0.005 * LSB16);
			node_host_free(host);
		}
		test_note("%s: %.3f dB", noise == TPDF ? "tpdf" : "highpass", high - low);
		CHECK(high - low <= 0.1, "%.3f dB", high - low);
	}
}

/* dsp.md 11.1: the noise of the shapes, in total, at 48 kHz. Theory: 1 + sum c^2 over flat. */
TEST(dither_shapes_have_their_total_noise)
{
	static const double more_db[] = {0, 6.6, 12.2, 18.4, 23.1};
	double mean, octave[9], flat[9];

	dither_fill(0.3, 997, 0);
	for (int shape = FLAT; shape <= IMPROVED_E; shape++) {
		struct node_host *host = dither_open(16, TPDF, shape);
		double power;

		node_host_process(host, ins, outs, BIG);
		power = 10 * log10(dither_error(0, BIG, &mean)) + 96.33;
		dither_octaves(0, shape ? octave : flat);
		test_note("shape %d: %+.2f dB, at 3-6 kHz %+.1f dB", shape, power,
			  shape ? octave[6] + power : 0);
		CHECK_NEAR(power, more_db[shape], 0.15);
		if (shape) /* quieter where the ear is keenest */
			CHECK(octave[6] + power < -5, "%.1f dB", octave[6] + power);
		node_host_free(host);
	}
}

TEST(dither_highpass_has_its_slope)
{
	struct node_host *host = dither_open(16, HIGHPASS, FLAT);
	double octave[9], mean, power;

	dither_fill(0.3, 997, 0);
	node_host_process(host, ins, outs, BIG);
	power = dither_error(0, BIG, &mean);
	/* Dither of d^2/6 filtered by 1 - 1/z, rounding of d^2/12 white: -96.33 in total. */
	CHECK_NEAR(10 * log10(power), -96.33, 0.1);
	dither_octaves(0, octave);
	CHECK(octave[3] < -4 && octave[8] > 1, "%.2f %.2f", octave[3], octave[8]);
	node_host_free(host);
}

/* dsp.md 11.1: full scale -0.1 dBFS with any shape: nothing is clipped; above, it is and says so. */
TEST(dither_clips_nothing_at_minus_0_1_dbfs)
{
	for (int shape = FLAT; shape <= IMPROVED_E; shape++) {
		struct node_host *host = dither_open(16, TPDF, shape);

		dither_fill(pow(10, -0.1 / 20), 997, 0);
		node_host_process(host, ins, outs, BIG / 4);
		CHECK(node_host_meter(host, 0, "clips") == 0);
		dither_fill(1.2, 997, 0);
		node_host_process(host, ins, outs, 4800);
		CHECK(node_host_meter(host, 0, "clips") > 100);
		for (uint32_t i = 0; i < 4800; i++)
			CHECK(out[0][i] >= -1 && out[0][i] <= (float)(1 - LSB16));
		node_host_free(host);
	}
}

TEST(dither_blanks_after_half_a_second_of_digital_silence)
{
	struct node_host *host = dither_open(16, TPDF, F_WEIGHTED);
	uint32_t last = 0;

	node_host_process(host, NULL, outs, 48000); /* before any sound: silence */
	for (uint32_t i = 0; i < 48000; i++)
		CHECK(out[0][i] == 0 && out[1][i] == 0);
	dither_fill(0.1, 997, 0);
	memset(in[0] + 1000, 0, sizeof(in[0]) - 1000 * sizeof(float));
	memset(in[1] + 1003, 0, sizeof(in[1]) - 1003 * sizeof(float));
	node_host_process(host, ins, outs, 48000);
	for (uint32_t i = 0; i < 48000; i++)
		if (out[0][i] != 0 || out[1][i] != 0)
			last = i;
	CHECK(last < 1003 + 24000 && last > 1003 + 24000 - 50, "%u", last);
	CHECK(node_host_meter(host, 0, "blanked") == 1);
	/* Told not to, it goes on for ever. */
	node_host_set(host, 0, "blank", 0);
	node_host_process(host, ins, outs, 96000);
	for (uint32_t i = 95000; i < 96000 && out[0][i] == 0; i++)
		CHECK(i < 95990);
	CHECK(node_host_meter(host, 0, "blanked") == 0);
	node_host_free(host);
}

/* Reproducible from the seed; other seeds, other noise. Other rates: flat, whatever the shape. */
TEST(dither_is_reproducible_and_flat_at_other_rates)
{
	static float again[4800];
	struct node_host *host = dither_open(16, TPDF, FLAT);
	uint32_t same = 0;

	dither_fill(0.3, 997, 0);
	node_host_process(host, ins, outs, 4800);
	memcpy(again, out[0], sizeof(again));
	node_host_free(host);
	host = dither_open(16, TPDF, FLAT);
	node_host_process(host, ins, outs, 4800);
	CHECK(memcmp(again, out[0], sizeof(again)) == 0);
	node_host_free(host);
	host = node_host_open("dither", &(struct node_host_setup){.seed = 8});
	node_host_process(host, ins, outs, 4800);
	for (uint32_t i = 0; i < 4800; i++)
		same += again[i] == out[0][i];
	CHECK(same < 4000, "%u of 4800 equal with another seed", same);
	node_host_free(host);
	host = node_host_open("dither", &(struct node_host_setup){.seed = 7, .rate = 96000});
	node_host_jump(host, 0, "shape", IMPROVED_E);
	node_host_process(host, ins, outs, 4800);
	CHECK(memcmp(again, out[0], sizeof(again)) == 0);
	node_host_free(host);
}
