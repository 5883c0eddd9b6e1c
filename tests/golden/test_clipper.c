/* test_clipper.c - clipper: aliases, DC, linearity; the figures of dsp.md 6.2. */
#include "node_host.h"
#include "test.h"

#define RATE 48000.0
#define N 8192u /* one period of everything, so that each line is one bin */
#define LEAD 4096u

static float in[LEAD + N], out[LEAD + N];
static const float *const ins[] = {in};
static float *const outs[] = {out};
static double cosines[N];

static void play(const struct node_host_config *configs, const char *curve, double drive_db,
		 uint32_t bin, double level)
{
	struct node_host *host = node_host_open(
		"clipper", &(struct node_host_setup){.layout = "mono", .configs = configs});

	node_host_jump(host, 0, "drive", drive_db);
	node_host_jump(host, 0, "ceiling", 0);
	node_host_jump(host, 0, "curve", strcmp(curve, "tanh") == 0 ? 2 : curve[0] == 'c');
	for (uint32_t i = 0; i < LEAD + N; i++)
		in[i] = (float)(level * sin(2 * M_PI * ((uint64_t)i * bin % N) / N));
	node_host_process(host, ins, outs, LEAD + N);
	node_host_free(host);
}

/* Power of bin K of the last N frames. */
static double power(uint32_t k)
{
	double re = 0, im = 0;

	if (cosines[0] == 0.0)
		for (uint32_t i = 0; i < N; i++)
			cosines[i] = cos(2 * M_PI * i / N);
	for (uint32_t i = 0; i < N; i++) {
		uint32_t at = i * k % N;

		re += (double)out[LEAD + i] * cosines[at];
		im += (double)out[LEAD + i] * cosines[(at + N / 4) % N];
	}
	return re * re + im * im;
}

/* Aliases over signal, 0 to 20 kHz, dB: what is no multiple of BIN over what is. */
static double aliases_db(uint32_t bin)
{
	double wanted = 0, not_wanted = 0;

	for (uint32_t k = 1; k <= (uint32_t)(20000 / RATE * N); k++)
		*(k % bin == 0 ? &wanted : &not_wanted) += power(k);
	return 10 * log10(not_wanted / wanted);
}

static const struct node_host_config *setting(uint32_t factor_idx, bool adaa)
{
	static struct node_host_config configs[3];

	configs[0] = (struct node_host_config){"oversample", factor_idx, NULL};
	configs[1] = (struct node_host_config){"adaa", adaa, NULL};
	configs[2] = (struct node_host_config){NULL, 0, NULL};
	return configs;
}

/* dsp.md 6.2, "Alias/signal 0-20 kHz, drive +20 dB": each +-2 dB, better is as good. */
TEST(clipper_aliases_as_the_sheet_says)
{
	static const struct {
		const char *curve;
		uint32_t bin, factor;
		bool adaa;
		double db;
	} rows[] = {
		{"hard", 211, 0, false, -47},	{"hard", 211, 1, false, -58},
		{"hard", 211, 2, false, -67.5}, {"hard", 211, 0, true, -67.5},
		{"hard", 211, 1, true, -70},	{"hard", 715, 1, false, -41},
		{"hard", 715, 2, false, -55.5}, {"hard", 715, 0, true, -46},
		{"hard", 715, 1, true, -58},	{"tanh", 211, 0, false, -75},
		{"tanh", 715, 0, false, -33},	{"tanh", 715, 1, true, -59},
	};

	for (uint32_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		double db;

		play(setting(rows[i].factor, rows[i].adaa), rows[i].curve, 20, rows[i].bin, 1);
		db = aliases_db(rows[i].bin);
		test_note("%s %4.0f Hz %ux%s: %.1f dB, sheet %.1f", rows[i].curve,
			  rows[i].bin * RATE / N, 2u << rows[i].factor, rows[i].adaa ? " adaa" : "",
			  db, rows[i].db);
		CHECK(db <= rows[i].db + 2);
	}
}

/* dsp.md 6.2: "DC out <= -100 dB for symmetric curves". */
TEST(clipper_symmetric_curves_make_no_dc)
{
	static const char *const curves[] = {"hard", "cubic", "tanh"};

	for (uint32_t c = 0; c < 3; c++)
		for (uint32_t factor = 0; factor < 3; factor++)
			for (uint32_t adaa = 0; adaa < 2; adaa++) {
				double sum = 0;

				play(setting(factor, adaa), curves[c], 20, 211, 1);
				for (uint32_t i = 0; i < N; i++)
					sum += (double)out[LEAD + i];
				CHECK(20 * log10(fabs(sum / N) + 1e-12) <= -100, "%s: %g",
				      curves[c], sum / N);
			}
}

/* dsp.md 2.7 and 6.2: 37, 42, 43 frames; ADAA fills up what is left to a whole frame, at 2x it
 * takes two. */
TEST(clipper_latency_is_that_of_the_sheet)
{
	static const uint32_t want[2][3] = {{37, 42, 43}, {39, 42, 43}};

	for (uint32_t adaa = 0; adaa < 2; adaa++)
		for (uint32_t factor = 0; factor < 3; factor++) {
			struct node_host *host = node_host_open(
				"clipper",
				&(struct node_host_setup){.layout = "mono",
							  .configs = setting(factor, adaa)});

			CHECK(node_host_latency(host) == want[adaa][factor], "%u",
			      node_host_latency(host));
			node_host_free(host);
		}
}

static double level_db(double hz)
{
	double re = 0, im = 0, sum = 0;

	for (uint32_t i = 0; i < N; i++) {
		double w = 0.5 - 0.5 * cos(2 * M_PI * (i + 0.5) / N);

		re += w * (double)out[LEAD + i] * cos(2 * M_PI * hz / RATE * i);
		im += w * (double)out[LEAD + i] * sin(2 * M_PI * hz / RATE * i);
		sum += w;
	}
	return 20 * log10(2 * hypot(re, im) / sum);
}

/* Below the ceiling it is only a delay: flat to 20 kHz whatever the droop of ADAA was, and the
 * delay is whole. */
TEST(clipper_is_transparent_below_the_ceiling)
{
	static const double hz[] = {50, 1000, 5000, 10000, 15000, 20000};

	for (uint32_t factor = 0; factor < 3; factor++)
		for (uint32_t adaa = 0; adaa < 2; adaa++)
			for (uint32_t k = 0; k < 6; k++) {
				struct node_host *host = node_host_open(
					"clipper", &(struct node_host_setup){
							   .layout = "mono",
							   .configs = setting(factor, adaa)});
				uint32_t latency = node_host_latency(host);
				double worst = 0;

				for (uint32_t i = 0; i < LEAD + N; i++)
					in[i] = (float)(0.5 * sin(2 * M_PI * hz[k] / RATE * i));
				node_host_process(host, ins, outs, LEAD + N);
				for (uint32_t i = LEAD; i < LEAD + N; i++)
					worst = fmax(worst, fabs((double)out[i] -
								 (double)in[i - latency]));
				CHECK_NEAR(level_db(hz[k]), 20 * log10(0.5), adaa ? 0.05 : 1e-3);
				CHECK(worst <= (adaa ? 0.004 : 1e-4), "%ux, %g Hz: off by %g",
				      2u << factor, hz[k], worst);
				node_host_free(host);
			}
}

/* mix: both ways are in phase, so half of each is all of a quiet sound, treble too. */
TEST(clipper_mixes_in_phase)
{
	static const double hz[] = {100, 10000, 19000};

	for (uint32_t mix = 0; mix <= 100; mix += 25)
		for (uint32_t k = 0; k < 3; k++) {
			struct node_host *host = node_host_open(
				"clipper", &(struct node_host_setup){.layout = "mono"});

			node_host_jump(host, 0, "mix", mix);
			for (uint32_t i = 0; i < LEAD + N; i++)
				in[i] = (float)(0.25 * sin(2 * M_PI * hz[k] / RATE * i));
			node_host_process(host, ins, outs, LEAD + N);
			CHECK_NEAR(level_db(hz[k]), 20 * log10(0.25), 0.05);
			node_host_free(host);
		}
}

TEST(clipper_ends_at_the_ceiling_and_says_how_far_it_was)
{
	struct node_host *host =
		node_host_open("clipper", &(struct node_host_setup){.layout = "mono"});
	float highest = 0;

	node_host_jump(host, 0, "ceiling", -6);
	for (uint32_t i = 0; i < LEAD + N; i++)
		in[i] = (float)sin(2 * M_PI * 1000 / RATE * i);
	node_host_process(host, ins, outs, LEAD + N);
	for (uint32_t i = LEAD; i < LEAD + N; i++)
		highest = fabsf(out[i]) > highest ? fabsf(out[i]) : highest;
	/* The band limit rings a little at the corners. */
	CHECK_NEAR(20 * log10((double)highest), -6, 1.0);
	CHECK_NEAR(node_host_meter(host, 0, "over"), 6, 0.01);
	node_host_free(host);
}

/* At every rate it is a delay of whole frames: with fewer stages, with none, and where the latency
 * needs filling up. */
TEST(clipper_is_transparent_at_all_rates)
{
	static const double rates[] = {8000, 16000, 32000, 44100, 88200, 96000, 192000, 384000};

	for (uint32_t r = 0; r < 8; r++)
		for (uint32_t factor = 0; factor < 3; factor++) {
			struct node_host *host = node_host_open(
				"clipper",
				&(struct node_host_setup){.layout = "mono",
							  .rate = rates[r],
							  .configs = setting(factor, true)});
			uint32_t latency = node_host_latency(host);
			double worst = 0;

			for (uint32_t i = 0; i < LEAD + N; i++)
				in[i] = (float)(0.5 * sin(0.03 * i));
			node_host_process(host, ins, outs, LEAD + N);
			for (uint32_t i = LEAD; i < LEAD + N; i++)
				worst = fmax(worst, fabs((double)out[i] - (double)in[i - latency]));
			CHECK(worst <= 1e-4, "%g Hz, %ux: off by %g", rates[r], 2u << factor,
			      worst);
			node_host_free(host);
		}
}
