/* test_scope.c - correlation, goniometer, K-system: dsp.md 11.4. */
#include "node_host.h"
#include "test.h"

#define RATE 48000.0
#define FRAMES 48000u

static float in[2][FRAMES], out[2][FRAMES];
static const float *const ins[] = {in[0], in[1]};
static float *const outs[] = {out[0], out[1]};

static double meter(const struct node_host *host, const char *id)
{
	return node_host_meter(host, 0, id);
}

static void scope_noise(float *x, double level)
{
	for (uint32_t i = 0; i < FRAMES; i++)
		x[i] = (float)(level * (test_random() * 2 - 1));
}

static struct node_host *scope_open(void)
{
	return node_host_open("scope", &(struct node_host_setup){0});
}

/* dsp.md 11.4: L = R gives +1.000, L = -R gives -1.000; in every band, at any level. */
TEST(scope_correlation_of_mono_and_of_opposites)
{
	static const char *const rows[] = {"corr", "corr_low", "corr_mid", "corr_high"};

	for (int sign = 1; sign >= -1; sign -= 2)
		for (double level = 1; level > 0.01; level /= 8) {
			struct node_host *host = scope_open();

			scope_noise(in[0], level);
			for (uint32_t i = 0; i < FRAMES; i++)
				in[1][i] = (float)sign * in[0][i];
			node_host_process(host, ins, outs, FRAMES);
			CHECK(memcmp(in, out, sizeof(in)) == 0);
			for (int b = 0; b < 4; b++)
				CHECK(fabs(meter(host, rows[b]) - sign) < 0.0005, "%s %g", rows[b],
				      meter(host, rows[b]));
			CHECK_NEAR(meter(host, "balance"), 0, 1e-9);
			node_host_free(host);
		}
}

/* dsp.md 11.4: independent noise stays below 0.05, over 10 s. */
TEST(scope_correlation_of_independent_noise)
{
	struct node_host *host = scope_open();
	double highest = 0, mean = 0;

	for (int s = 0; s < 20; s++) {
		scope_noise(in[0], 0.5);
		scope_noise(in[1], 0.5);
		node_host_process(host, ins, NULL, FRAMES / 2);
		highest = fmax(highest, fabs(meter(host, "corr")));
		mean += meter(host, "corr") / 20;
	}
	test_note("at most %.4f", highest);
	CHECK(highest < 0.05 && fabs(mean) < 0.05);
	node_host_free(host);
}

TEST(scope_bands_tell_bass_and_highs_apart)
{
	struct node_host *host = scope_open();

	for (uint32_t i = 0; i < FRAMES; i++) {
		double low = 0.3 * sin(2 * M_PI * 80 / RATE * i);
		double mid = 0.3 * sin(2 * M_PI * 800 / RATE * i);
		double quarter = 0.3 * cos(2 * M_PI * 800 / RATE * i);
		double high = 0.3 * sin(2 * M_PI * 8000 / RATE * i);

		in[0][i] = (float)(low + mid + high);
		in[1][i] = (float)(low + quarter - high);
	}
	node_host_process(host, ins, NULL, FRAMES);
	node_host_process(host, ins, NULL, FRAMES);
	CHECK(meter(host, "corr_low") > 0.95, "%g", meter(host, "corr_low"));
	CHECK_NEAR(meter(host, "corr_mid"), 0, 0.05);
	CHECK(meter(host, "corr_high") < -0.95, "%g", meter(host, "corr_high"));
	CHECK_NEAR(meter(host, "corr"), 0, 0.02);
	node_host_free(host);
}

/* A time constant is what it says: 63.2 % of the way after 300 ms. */
TEST(scope_average_takes_its_time)
{
	struct node_host *host = scope_open();

	for (uint32_t i = 0; i < FRAMES; i++)
		in[0][i] = in[1][i] = 0.5f * (float)(i % 2 ? -1 : 1);
	node_host_process(host, ins, NULL, FRAMES);
	node_host_process(host, ins, NULL, FRAMES * 3 / 4);
	for (uint32_t i = 0; i < FRAMES; i++)
		in[1][i] = -in[1][i];
	node_host_process(host, ins, NULL, 14400);
	CHECK_NEAR(meter(host, "corr"), 1 - 2 * (1 - exp(-1)), 0.01);
	node_host_free(host);
}

TEST(scope_balance)
{
	struct node_host *host = scope_open();

	scope_noise(in[0], 0.5);
	for (uint32_t i = 0; i < FRAMES; i++)
		in[1][i] = in[0][i] * 0.5f;
	node_host_process(host, ins, NULL, FRAMES);
	CHECK_NEAR(meter(host, "balance"), 100 * (0.25 - 1) / 1.25, 1e-3);
	memset(in[0], 0, sizeof(in[0]));
	node_host_process(host, ins, NULL, FRAMES);
	node_host_process(host, ins, NULL, FRAMES);
	node_host_process(host, ins, NULL, FRAMES);
	node_host_process(host, ins, NULL, FRAMES);
	CHECK_NEAR(meter(host, "balance"), 100, 0.01);
	node_host_reset(host);
	CHECK(meter(host, "balance") == 0 && meter(host, "corr") == 0);
	node_host_free(host);
}

TEST(scope_points_are_the_picture)
{
	struct node_host *host = scope_open();

	scope_noise(in[0], 0.9);
	scope_noise(in[1], 0.9);
	node_host_process(host, ins, NULL, FRAMES);
	CHECK(meter(host, "points") == 4000);
	for (uint32_t n = 4000 - 191; n <= 4000; n++) {
		uint32_t frame = n * 12 - 1;
		char x[8], y[8];

		snprintf(x, sizeof(x), "x%u", 1 + (n - 1) % 192);
		snprintf(y, sizeof(y), "y%u", 1 + (n - 1) % 192);
		CHECK_NEAR(meter(host, x), ((double)in[0][frame] - (double)in[1][frame]) / sqrt(2),
			   1e-12);
		CHECK_NEAR(meter(host, y), ((double)in[0][frame] + (double)in[1][frame]) / sqrt(2),
			   1e-12);
	}
	node_host_free(host);
}

/* Katz 2000 and AES17: a sine whose peak is at -20 dBFS reads 0 on K-20, and so on. */
TEST(scope_k_scales)
{
	static const double zero[] = {-20, -14, -12};
	struct node_host *host = scope_open();

	for (int scale = 0; scale < 3; scale++) {
		for (uint32_t i = 0; i < FRAMES; i++) {
			in[0][i] = (float)(pow(10, zero[scale] / 20) *
					   sin(2 * M_PI * 1000 / RATE * i));
			in[1][i] = in[0][i] * 1.5f; /* +3.52 dB */
		}
		node_host_jump(host, 0, "scale", scale);
		node_host_process(host, ins, NULL, FRAMES);
		CHECK_NEAR(meter(host, "k1"), 0, 1e-3);
		CHECK_NEAR(meter(host, "k2"), 3.5218, 1e-3);
		CHECK_NEAR(meter(host, "k_peak1"), 0, 1e-2);
		CHECK(meter(host, "zone") == 1);
		for (uint32_t i = 0; i < FRAMES; i++)
			in[1][i] = in[0][i] * 1.6f; /* +4.08 dB */
		node_host_process(host, ins, NULL, FRAMES);
		CHECK(meter(host, "zone") == 2);
		for (uint32_t i = 0; i < FRAMES; i++)
			in[0][i] *= 0.99f, in[1][i] = 0;
		node_host_process(host, ins, NULL, FRAMES);
		CHECK(meter(host, "zone") == 0 && meter(host, "k2") == -INFINITY);
	}
	node_host_free(host);
}

/* 600 ms of integration: after a step up, the reading is final 600 ms later and half way (-3 dB)
 * after 300. */
TEST(scope_k_integrates_600_ms)
{
	struct node_host *host = scope_open();

	for (uint32_t i = 0; i < FRAMES; i++)
		in[0][i] = in[1][i] = (float)(0.1 * sin(2 * M_PI * 1000 / RATE * i));
	node_host_process(host, ins, NULL, 14400);
	CHECK_NEAR(meter(host, "k1"), -3.0103, 0.01);
	node_host_process(host, ins, NULL, 14400);
	CHECK_NEAR(meter(host, "k1"), 0, 0.001);
	node_host_free(host);
}

/* dsp.md 11.4: pink noise of -20 dBFS (RMS as AES17 has it) reads 0 +-0.1 on K-20: the power of
 * readings over a minute, since 600 ms of pink noise sway. */
TEST(scope_k_of_pink_noise)
{
	enum { SECONDS = 60 };
	struct node_host *host = scope_open();
	double b[3] = {0}, power = 0, mean = 0, gain;

	for (int pass = 0; pass < 2; pass++) {
		uint32_t readings = 0;

		gain = pass ? sqrt(0.01 / (2 * power)) : 0.1; /* by its own RMS */
		power = mean = 0;
		for (int s = 0; s < SECONDS; s++) {
			/* -3 dB/oct by three poles, Kellet's economy filter; an own generator, so that
			 * both passes are the same noise. */
			static uint64_t random;

			random = s ? random : 88172645463325252u;
			for (uint32_t i = 0; i < FRAMES; i++) {
				double white;

				random ^= random << 13;
				random ^= random >> 7;
				random ^= random << 17;
				white = (double)(random >> 11) * 0x1p-52 - 1;
				b[0] = 0.99765 * b[0] + white * 0.0990460;
				b[1] = 0.96300 * b[1] + white * 0.2965164;
				b[2] = 0.57000 * b[2] + white * 1.0526913;
				in[0][i] = (float)(gain * (b[0] + b[1] + b[2] + white * 0.1848));
				power += (double)in[0][i] * (double)in[0][i] / (FRAMES * SECONDS);
			}
			for (uint32_t part = 0; pass && part < 10; part++) {
				const float *const at[] = {in[0] + part * 4800,
							   in[0] + part * 4800};

				node_host_process(host, at, NULL, 4800);
				if (s > 0) {
					mean += pow(10, meter(host, "k1") / 10);
					readings++;
				}
			}
		}
		if (pass) {
			test_note("reads %.3f dB", 10 * log10(mean / readings));
			CHECK_NEAR(10 * log10(mean / readings), 0, 0.1);
		} else {
			power /= gain * gain;
			memset(b, 0, sizeof(b));
		}
	}
	node_host_free(host);
}

TEST(scope_of_other_channels_and_of_mono)
{
	static float wide[6][4800];
	const float *wide_in[6];
	struct node_host *host =
		node_host_open("scope", &(struct node_host_setup){.layout = "5.1"});

	for (int c = 0; c < 6; c++) {
		wide_in[c] = wide[c];
		for (uint32_t i = 0; i < 4800; i++)
			wide[c][i] = (float)(test_random() - 0.5);
	}
	memcpy(wide[5], wide[4], sizeof(wide[5]));
	node_host_jump(host, 0, "left", 5);
	node_host_jump(host, 0, "right", 6);
	node_host_process(host, wide_in, NULL, 4800);
	CHECK_NEAR(meter(host, "corr"), 1, 1e-6);
	node_host_jump(host, 0, "right", 64); /* there are but six */
	node_host_process(host, wide_in, NULL, 4800);
	CHECK_NEAR(meter(host, "corr"), 1, 1e-6);
	node_host_free(host);
	host = node_host_open("scope", &(struct node_host_setup){.layout = "mono"});
	node_host_process(host, wide_in, NULL, 4800);
	CHECK_NEAR(meter(host, "corr"), 1, 1e-6);
	/* What is not a number does not stay. */
	wide[0][100] = NAN;
	node_host_process(host, wide_in, NULL, 4800);
	wide[0][100] = 0;
	node_host_process(host, wide_in, NULL, 4800);
	CHECK_NEAR(meter(host, "corr"), 1, 1e-6);
	CHECK(isfinite(meter(host, "k1")));
	node_host_free(host);
}

TEST(scope_does_not_depend_on_blocks)
{
	static const char *const rows[] = {"corr", "corr_low", "corr_mid", "corr_high", "balance",
					   "k1",   "k_peak2",  "points",   "x17",	"y180"};
	struct node_host *a = scope_open(), *b = scope_open();

	scope_noise(in[0], 0.5);
	scope_noise(in[1], 0.5);
	node_host_process(a, ins, NULL, 20000);
	for (uint32_t at = 0, n; at < 20000; at += n) {
		const float *const part[] = {in[0] + at, in[1] + at};

		n = 1 + test_random_below(90);
		n = n < 20000 - at ? n : 20000 - at;
		node_host_process(b, part, NULL, n);
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		CHECK(meter(a, rows[i]) == meter(b, rows[i]), "%s", rows[i]);
	node_host_free(a);
	node_host_free(b);
}
