/* test_spectrum.c - spectrum: dsp.md 11.3, and what its meters promise. */
#include "node_host.h"
#include "test.h"

#define RATE 48000.0
#define FRAMES 48000u
#define BANDS 240u

static float in[2][FRAMES];
static const float *const ins[] = {in[0], in[1]};

static struct node_host *spectrum_open(double size, double window)
{
	struct node_host_config configs[] = {
		{"size", size, NULL}, {"window", window, NULL}, {NULL, 0, NULL}};

	return node_host_open("spectrum", &(struct node_host_setup){.configs = configs});
}

static double spectrum_row(const struct node_host *host, const char *row, uint32_t k)
{
	char id[32];

	snprintf(id, sizeof(id), "%s%u", row, k);
	return node_host_meter(host, 0, id);
}

static double spectrum_band_hz(uint32_t k)
{
	return 1000 * pow(2, ((double)k - 136) / 24);
}

static void spectrum_sine(double hz, double level, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		in[0][i] = in[1][i] = (float)(level * sin(2 * M_PI * hz / RATE * i + 0.3));
}

/* dsp.md 11.3: a sine at any of 1000 frequencies reads within 0.02 dB through the flat-top window;
 * from 40 Hz, where its own mirror image is out of the window. */
TEST(spectrum_flat_top_reads_levels_to_0_02_db)
{
	struct node_host *host = spectrum_open(1, 2);
	double worst = 0;

	node_host_jump(host, 0, "average", 0);
	for (uint32_t i = 0; i < 1000; i++) {
		double hz = 40 * pow(500, test_random()), highest = -INFINITY;
		uint32_t at = (uint32_t)lround(136 + 24 * log2(hz / 1000));

		spectrum_sine(hz, 1, 8192);
		node_host_reset(host);
		node_host_process(host, ins, NULL, 8192 + (2048 - 8192 % 2048) % 2048);
		worst = fmax(worst, fabs(node_host_meter(host, 0, "level")));
		for (uint32_t k = at > 1 ? at - 1 : 1; k <= at + 1 && k <= BANDS; k++)
			highest = fmax(highest, spectrum_row(host, "bin", k));
		CHECK(fabs(highest) <= 0.02, "%.2f Hz reads %.4f dB in its band", hz, highest);
		CHECK(fabs(node_host_meter(host, 0, "level")) <= 0.02, "%.2f Hz", hz);
	}
	test_note("largest error %.4f dB", worst);
	node_host_free(host);
}

/* dsp.md 11.3: the floor beside a full-scale sine in f32 is at -140 dB or below. */
TEST(spectrum_floor_is_below_140_db)
{
	struct node_host *host = spectrum_open(3, 0);
	double floor_db = -INFINITY;

	spectrum_sine(997, 1, 40960);
	node_host_process(host, ins, NULL, 40960);
	for (uint32_t k = 1; k <= BANDS; k++)
		if (fabs(log2(spectrum_band_hz(k) / 997)) > 1)
			floor_db = fmax(floor_db, spectrum_row(host, "bin", k));
	test_note("floor %.1f dB", floor_db);
	CHECK(floor_db <= -140, "%.1f dB", floor_db);
	CHECK_NEAR(spectrum_row(host, "bin", 136), 0, 1.5);
	node_host_free(host);
}

/* Kellet, "Filter to make pink noise from white": +-0.05 dB above 9.2 Hz. */
static void spectrum_pink(double b[7], float *out, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		double white = test_random() * 2 - 1;

		b[0] = 0.99886 * b[0] + white * 0.0555179;
		b[1] = 0.99332 * b[1] + white * 0.0750759;
		b[2] = 0.96900 * b[2] + white * 0.1538520;
		b[3] = 0.86650 * b[3] + white * 0.3104856;
		b[4] = 0.55000 * b[4] + white * 0.5329522;
		b[5] = -0.7616 * b[5] - white * 0.0168980;
		out[i] = (float)(0.05 *
				 (b[0] + b[1] + b[2] + b[3] + b[4] + b[5] + b[6] + white * 0.5362));
		b[6] = white * 0.115926;
	}
}

/* dsp.md 11.3: pink noise is flat within 0.5 dB when tilted by 3 dB/oct as a density, and as it is
 * in sums per band. Power of four runs of 40 s, averaged by 10 s each. */
TEST(spectrum_of_pink_noise_is_flat)
{
	static const char *const pools[] = {"", "density, tilted", "sum per band"};
	struct node_host *hosts[3];
	double power[3][BANDS + 1] = {{0}}, b[7] = {0};

	for (int run = 0; run < 4; run++) {
		for (int pool = 1; pool <= 2; pool++) {
			hosts[pool] = spectrum_open(0, 0);
			node_host_jump(hosts[pool], 0, "pool", pool);
			node_host_jump(hosts[pool], 0, "smooth", 3);
			node_host_jump(hosts[pool], 0, "average", 10);
			node_host_jump(hosts[pool], 0, "channel", 1);
			node_host_jump(hosts[pool], 0, "tilt", pool == 1 ? 3 : 0);
		}
		for (int s = 0; s < 40; s++) {
			spectrum_pink(b, in[0], FRAMES);
			for (int pool = 1; pool <= 2; pool++)
				node_host_process(hosts[pool], ins, NULL, FRAMES);
		}
		for (int pool = 1; pool <= 2; pool++) {
			for (uint32_t k = 1; k <= BANDS; k++)
				power[pool][k] +=
					pow(10, spectrum_row(hosts[pool], "bin", k) / 10) / 4;
			node_host_free(hosts[pool]);
		}
	}
	for (int pool = 1; pool <= 2; pool++) {
		double mean = 0, worst = 0;
		uint32_t n = 0, at = 0;

		for (uint32_t k = 30; k <= 228; k++, n++) /* 47 Hz .. 14 kHz */
			mean += 10 * log10(power[pool][k]);
		mean /= n;
		for (uint32_t k = 30; k <= 228; k++)
			if (fabs(10 * log10(power[pool][k]) - mean) > worst) {
				worst = fabs(10 * log10(power[pool][k]) - mean);
				at = k;
			}
		test_note("%s: mean %.2f dB, farthest %.2f dB at %.0f Hz", pools[pool], mean, worst,
			  spectrum_band_hz(at));
		CHECK(worst <= 0.5, "%s: %.2f dB at %.0f Hz", pools[pool], worst,
		      spectrum_band_hz(at));
	}
}

TEST(spectrum_sums_add_up_to_the_whole)
{
	struct node_host *host = spectrum_open(1, 0);
	double sum = 0;

	node_host_jump(host, 0, "pool", 2);
	spectrum_sine(3127, 0.5, FRAMES);
	node_host_process(host, ins, NULL, FRAMES);
	for (uint32_t k = 1; k <= BANDS; k++)
		sum += pow(10, spectrum_row(host, "bin", k) / 10);
	CHECK_NEAR(10 * log10(sum), -6.0206, 0.02);
	node_host_free(host);
}

TEST(spectrum_finds_the_frequency)
{
	struct node_host *host = spectrum_open(1, 0);

	for (double hz = 31.7; hz < 20000; hz *= 1.83) {
		node_host_reset(host);
		spectrum_sine(hz, 0.1, FRAMES);
		node_host_process(host, ins, NULL, FRAMES);
		CHECK_NEAR(node_host_meter(host, 0, "freq"), hz, 0.4);
	}
	node_host_free(host);
}

TEST(spectrum_tells_neighbours_of_different_level_apart)
{
	static const double windows[] = {1, 3}; /* what they are for */

	for (int w = 0; w < 2; w++) {
		struct node_host *host = spectrum_open(3, windows[w]);

		for (uint32_t i = 0; i < FRAMES; i++)
			in[0][i] = in[1][i] = (float)(sin(2 * M_PI * 1000 / RATE * i) +
						      1e-4 * sin(2 * M_PI * 1029.3 / RATE * i));
		node_host_process(host, ins, NULL, FRAMES);
		CHECK_NEAR(spectrum_row(host, "bin", 137), -80, 1); /* 1029.3 Hz */
		node_host_free(host);
	}
}

TEST(spectrum_holds_peaks_and_lets_them_fall)
{
	struct node_host *host = spectrum_open(0, 2);
	double before;

	node_host_jump(host, 0, "average", 0);
	spectrum_sine(1000, 1, FRAMES);
	node_host_process(host, ins, NULL, FRAMES);
	node_host_process(host, NULL, NULL, FRAMES);
	CHECK_NEAR(spectrum_row(host, "held", 136), 0, 0.5); /* its end is a transient */
	CHECK(spectrum_row(host, "bin", 136) == -INFINITY);
	node_host_process(host, NULL, NULL, FRAMES * 2);
	before = spectrum_row(host, "held", 136);
	CHECK(before < -15 && before > -21, "%.2f dB after 2 s of hold and 1 s of fall", before);
	node_host_process(host, NULL, NULL, FRAMES);
	CHECK_NEAR(spectrum_row(host, "held", 136), before - 20, 0.5);
	node_host_free(host);
}

TEST(spectrum_looks_where_it_is_told)
{
	struct node_host *host = spectrum_open(1, 2);

	spectrum_sine(1000, 0.5, FRAMES);
	for (uint32_t i = 0; i < FRAMES; i++)
		in[1][i] = -in[0][i];
	node_host_process(host, ins, NULL, FRAMES);
	CHECK(spectrum_row(host, "bin", 136) < -140);
	for (int channel = 1; channel <= 3; channel++) { /* 3: there are but two */
		node_host_jump(host, 0, "channel", channel);
		node_host_set(host, 0, "reset", channel);
		node_host_process(host, ins, NULL, FRAMES);
		CHECK_NEAR(spectrum_row(host, "bin", 136), -6.0206, 0.02);
	}
	node_host_set(host, 0, "pause", 1);
	node_host_process(host, NULL, NULL, FRAMES);
	CHECK_NEAR(spectrum_row(host, "bin", 136), -6.0206, 0.02);
	node_host_set(host, 0, "pause", 0);
	node_host_set(host, 0, "reset", 9);
	node_host_process(host, NULL, NULL, 4096);
	CHECK(spectrum_row(host, "bin", 136) == -INFINITY);
	node_host_free(host);
}

TEST(spectrum_does_not_depend_on_blocks)
{
	struct node_host *a = spectrum_open(0, 0), *b = spectrum_open(0, 0);

	for (uint32_t i = 0; i < FRAMES; i++) {
		in[0][i] = (float)(test_random() - 0.5);
		in[1][i] = (float)(test_random() - 0.5);
	}
	node_host_process(a, ins, NULL, 30000);
	for (uint32_t at = 0, n; at < 30000; at += n) {
		const float *const part[] = {in[0] + at, in[1] + at};

		n = 1 + test_random_below(200);
		n = n < 30000 - at ? n : 30000 - at;
		node_host_process(b, part, NULL, n);
	}
	for (uint32_t k = 1; k <= BANDS; k++)
		CHECK(spectrum_row(a, "bin", k) == spectrum_row(b, "bin", k) &&
			      spectrum_row(a, "held", k) == spectrum_row(b, "held", k),
		      "band %u", k);
	node_host_free(a);
	node_host_free(b);
}
