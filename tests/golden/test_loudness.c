/* The loudness node beside libebur128 and beside what the standards demand of a meter that runs
 * for hours: silence, pause, reset, layouts, rates, numbers that are none. */
#include <ebur128.h>

#include "loudness.h"
#include "node_host.h"
#include "test.h"

static void make_programme(float *x, uint32_t n, double rate)
{
	double level = 0.1, low = 0.0;

	for (uint32_t i = 0; i < n; i++) {
		if (i % (uint32_t)(rate / 4) == 0)
			level = 0.5 * pow(10.0, -2.0 * test_random());
		low += 0.2 * (test_random() * 2.0 - 1.0 - low);
		x[i] = (float)(level * low);
	}
}

static struct node_host *open_meter(double rate, const char *layout)
{
	return node_host_open("loudness",
			      &(struct node_host_setup){.rate = rate, .layout = layout});
}

static void feed(struct node_host *host, const float *x, uint32_t channels, uint32_t n)
{
	const float *in[64];
	float *out[64] = {NULL};

	for (uint32_t c = 0; c < channels; c++)
		in[c] = x;
	node_host_process(host, in, out, n);
}

static void make_tone(float *x, uint32_t n, double rate, double peak_db)
{
	for (uint32_t i = 0; i < n; i++)
		x[i] = (float)(pow(10.0, peak_db / 20.0) * sin(2 * M_PI * 1000.0 * i / rate));
}

TEST(agrees_with_libebur128)
{
	static const double rates[] = {44100, 48000};

	for (uint32_t r = 0; r < 2; r++) {
		double rate = rates[r], m, s, i, peak, peak_right;
		uint32_t n = (uint32_t)(rate * 60);
		float *left = malloc(n * sizeof(float)), *right = malloc(n * sizeof(float));
		float *frames = malloc(2 * n * sizeof(float));
		struct node_host *host = open_meter(rate, "stereo");
		ebur128_state *oracle =
			ebur128_init(2, (unsigned long)rate,
				     EBUR128_MODE_I | EBUR128_MODE_S | EBUR128_MODE_TRUE_PEAK);

		make_programme(left, n, rate);
		make_programme(right, n, rate);
		for (uint32_t k = 0; k < n; k++) {
			frames[2 * k] = left[k];
			frames[2 * k + 1] = right[k];
		}
		node_host_process(host, (const float *const[]){left, right},
				  (float *const[]){NULL, NULL}, n);
		ebur128_add_frames_float(oracle, frames, n);
		ebur128_loudness_momentary(oracle, &m);
		ebur128_loudness_shortterm(oracle, &s);
		ebur128_loudness_global(oracle, &i);
		ebur128_true_peak(oracle, 0, &peak);
		ebur128_true_peak(oracle, 1, &peak_right);
		CHECK_NEAR(node_host_meter(host, 0, "m"), m, 0.02);
		CHECK_NEAR(node_host_meter(host, 0, "s"), s, 0.02);
		CHECK_NEAR(node_host_meter(host, 0, "i"), i, 0.02);
		CHECK_NEAR(node_host_meter(host, 0, "tp"), 20 * log10(fmax(peak, peak_right)),
			   0.35);
		CHECK_NEAR(node_host_meter(host, 0, "tp_ch2"), 20 * log10(peak_right), 0.35);
		test_note("%g Hz: m %+.4f s %+.4f i %+.4f LU from libebur128", rate,
			  node_host_meter(host, 0, "m") - m, node_host_meter(host, 0, "s") - s,
			  node_host_meter(host, 0, "i") - i);
		ebur128_destroy(&oracle);
		node_host_free(host);
		free(left);
		free(right);
		free(frames);
	}
}

/* LRA from a plain list, as Tech 3342 words it. */
static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

TEST(range_equals_its_definition)
{
	static struct loudness loudness;
	uint32_t rate = 48000, seconds = 120, n = rate / 100, count = 0, kept = 0;
	double *values = malloc(seconds * 10 * sizeof(double)), sum = 0.0, gate, want;
	float *x = malloc(n * sizeof(float));

	loudness_init(&loudness, rate, 1, (const double[]){1.0});
	for (uint32_t tick = 0; tick < seconds * 100; tick++) {
		double level = 0.3 * pow(10.0, -1.5 * (0.5 + 0.5 * sin(tick / 700.0)));

		for (uint32_t i = 0; i < n; i++)
			x[i] = (float)(level * (test_random() * 2 - 1));
		loudness_feed_all(&loudness, (const float *const[]){x}, n);
		if (tick + 1 >= 300 && (tick + 1) % 10 == 0)
			values[count++] = loudness.shortterm;
	}
	for (uint32_t k = 0; k < count; k++)
		sum += values[k];
	gate = sum / count * 0.01;
	for (uint32_t k = 0; k < count; k++)
		if (values[k] >= gate)
			values[kept++] = values[k];
	qsort(values, kept, sizeof(double), compare_doubles);
	want = 10 * log10(values[(uint32_t)((kept - 1) * 0.95 + 0.5)] /
			  values[(uint32_t)((kept - 1) * 0.10 + 0.5)]);
	test_note("LRA %.3f LU, by definition %.3f", loudness_gate_lra(&loudness.gate), want);
	CHECK_NEAR(loudness_gate_lra(&loudness.gate), want, 0.05);
	free(values);
	free(x);
}

TEST(all_rates_read_alike)
{
	static const double rates[] = {8000,  11025, 16000, 22050,  32000,  44100,
				       48000, 88200, 96000, 176400, 192000, 384000};

	for (uint32_t r = 0; r < sizeof(rates) / sizeof(rates[0]); r++) {
		uint32_t n = (uint32_t)(rates[r] * 4);
		float *x = malloc(n * sizeof(float));
		struct node_host *host = open_meter(rates[r], "stereo");

		make_tone(x, n, rates[r], -23.0);
		feed(host, x, 2, n);
		CHECK(fabs(node_host_meter(host, 0, "s") + 23.0) <= 0.05, "%g Hz: S %.3f", rates[r],
		      node_host_meter(host, 0, "s"));
		CHECK(fabs(node_host_meter(host, 0, "i") + 23.0) <= 0.05, "%g Hz: I %.3f", rates[r],
		      node_host_meter(host, 0, "i"));
		node_host_free(host);
		free(x);
	}
}

TEST(silence_is_minus_infinity)
{
	static const char *const ids[] = {"m", "s", "i", "tp", "tp_now", "sp", "m_max", "s_max"};
	uint32_t n = 48000 * 5;
	float *x = calloc(n, sizeof(float));
	struct node_host *host = open_meter(48000, "5.1");

	for (uint32_t round = 0; round < 2; round++) {
		for (uint32_t k = 0; k < 8; k++)
			CHECK(node_host_meter(host, 0, ids[k]) == -INFINITY, "%s", ids[k]);
		CHECK(node_host_meter(host, 0, "lra") == 0.0);
		CHECK(node_host_meter(host, 0, "psr") == 0.0 &&
		      node_host_meter(host, 0, "plr") == 0.0);
		feed(host, x, 6, n);
	}
	/* After sound, too: M and S end at -inf, not at the filter's tail. */
	make_tone(x, 48000, 48000, 0.0);
	feed(host, x, 6, n);
	CHECK(node_host_meter(host, 0, "m") == -INFINITY);
	CHECK(node_host_meter(host, 0, "s") == -INFINITY);
	CHECK_NEAR(node_host_meter(host, 0, "tp"), 0.0, 0.02);
	CHECK(node_host_meter(host, 0, "tp_now") == -INFINITY);
	node_host_free(host);
	free(x);
}

TEST(weights_follow_positions)
{
	/* One channel sounds at a time: front 0, side +1.49 dB, rear and top 0, LFE nothing. */
	static const struct {
		const char *layout;
		uint32_t n;
		double gain_db[12];
	} rows[] = {
		{"stereo", 2, {0, 0}},
		{"5.1", 6, {0, 0, 0, -INFINITY, 1.4922, 1.4922}},
		{"7.1", 8, {0, 0, 0, -INFINITY, 1.4922, 1.4922, 0, 0}},
		{"7.1.4", 12, {0, 0, 0, -INFINITY, 1.4922, 1.4922, 0, 0, 0, 0, 0, 0}},
	};
	uint32_t n = 48000 * 4;
	float *x = malloc(n * sizeof(float));

	make_tone(x, n, 48000, -20.0);
	for (uint32_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
		double sum[2] = {0.0, 0.0};

		for (uint32_t c = 0; c < rows[k].n; c++) {
			struct node_host *host = open_meter(48000, rows[k].layout);
			const float *in[12] = {NULL};
			float *out[12] = {NULL};
			double got, want = -20.0 - 3.01 + rows[k].gain_db[c];

			in[c] = x;
			node_host_process(host, in, out, n);
			got = node_host_meter(host, 0, "i");
			sum[0] += rows[k].gain_db[c] == 0.0;
			sum[1] += rows[k].gain_db[c] > 0.0;
			CHECK(got == want || fabs(got - want) < 0.02, "%s channel %u: %.3f LUFS",
			      rows[k].layout, c, got);
			/* LFE counts for the peak. */
			CHECK_NEAR(node_host_meter(host, 0, "tp"), -20.0, 0.02);
			node_host_free(host);
		}
		CHECK(sum[1] == (rows[k].n > 2 ? 2 : 0), "%s", rows[k].layout);
	}
	free(x);
}

TEST(rears_without_sides_are_surrounds)
{
	static const uint8_t quad[] = {MIXD_POS_FL, MIXD_POS_FR, MIXD_POS_RL, MIXD_POS_RR};
	static const uint8_t seven[] = {MIXD_POS_FL, MIXD_POS_FR, MIXD_POS_SL,
					MIXD_POS_SR, MIXD_POS_RL, MIXD_POS_RR};
	struct mixd_layout four = {"quad", 4, quad}, six = {"6ch", 6, seven};

	CHECK(loudness_weight(&four, 2) == 1.41 && loudness_weight(&four, 3) == 1.41);
	CHECK(loudness_weight(&six, 2) == 1.41 && loudness_weight(&six, 4) == 1.0);
}

TEST(dual_mono_counts_twice)
{
	uint32_t n = 48000 * 4;
	float *x = malloc(n * sizeof(float));
	struct node_host *host = open_meter(48000, "mono");
	double single;

	make_tone(x, n, 48000, -23.0);
	feed(host, x, 1, n);
	single = node_host_meter(host, 0, "s");
	node_host_set(host, 0, "dual_mono", 1);
	feed(host, x, 1, n);
	CHECK_NEAR(node_host_meter(host, 0, "s") - single, 3.0103, 0.001);
	node_host_free(host);
	free(x);
}

TEST(pause_and_reset_hold_together)
{
	uint32_t second = 48000;
	float *soft = malloc(10 * second * sizeof(float)),
	      *loud = malloc(10 * second * sizeof(float));
	struct node_host *host = open_meter(48000, "stereo");
	double i;

	make_tone(soft, 10 * second, 48000, -30.0);
	make_tone(loud, 10 * second, 48000, -10.0);
	feed(host, soft, 2, 10 * second);
	i = node_host_meter(host, 0, "i");
	CHECK_NEAR(i, -30.0, 0.02);
	CHECK_NEAR(node_host_meter(host, 0, "since"), 10.0, 0.001);
	CHECK_NEAR(node_host_meter(host, 0, "counted"), 9.7, 0.15);
	node_host_set(host, 0, "pause", 1);
	feed(host, loud, 2, 10 * second);
	CHECK_NEAR(node_host_meter(host, 0, "m"), -10.0, 0.02);
	CHECK(node_host_meter(host, 0, "i") == i);
	CHECK_NEAR(node_host_meter(host, 0, "m_max"), -30.0, 0.02);
	CHECK_NEAR(node_host_meter(host, 0, "tp"), -30.0, 0.1);
	CHECK_NEAR(node_host_meter(host, 0, "since"), 10.0, 0.01);
	/* Windows that still hold the pause do not count afterwards. */
	node_host_set(host, 0, "pause", 0);
	feed(host, soft, 2, 10 * second);
	CHECK_NEAR(node_host_meter(host, 0, "i"), -30.0, 0.02);
	CHECK_NEAR(node_host_meter(host, 0, "s_max"), -30.0, 0.02);
	CHECK_NEAR(node_host_meter(host, 0, "since"), 20.0, 0.01);
	node_host_set(host, 0, "reset", 1);
	feed(host, loud, 2, 5 * second);
	CHECK_NEAR(node_host_meter(host, 0, "i"), -10.0, 0.02);
	CHECK_NEAR(node_host_meter(host, 0, "tp"), -10.0, 0.02);
	CHECK_NEAR(node_host_meter(host, 0, "plr"), 0.0, 0.05);
	CHECK_NEAR(node_host_meter(host, 0, "psr"), 0.0, 0.05);
	CHECK_NEAR(node_host_meter(host, 0, "since"), 5.0, 0.01);
	node_host_free(host);
	free(soft);
	free(loud);
}

TEST(audio_passes_unchanged)
{
	uint32_t n = 10000;
	float *x = malloc(n * sizeof(float)),
	      *y[2] = {malloc(n * sizeof(float)), malloc(n * sizeof(float))};

	make_programme(x, n, 48000);
	for (int in_place = 0; in_place < 2; in_place++) {
		struct node_host *host =
			node_host_open("loudness", &(struct node_host_setup){.in_place = in_place});

		node_host_process(host, (const float *const[]){x, x}, y, n);
		CHECK(memcmp(x, y[0], n * sizeof(float)) == 0);
		CHECK(node_host_latency(host) == 0);
		node_host_free(host);
	}
	free(x);
	free(y[0]);
	free(y[1]);
}

TEST(a_nan_leaves_again)
{
	uint32_t n = 48000 * 5;
	float *x = malloc(n * sizeof(float));
	struct node_host *host = open_meter(48000, "stereo");

	make_tone(x, n, 48000, -23.0);
	x[1000] = NAN;
	x[1500] = INFINITY;
	x[2000] = -3e38f;
	feed(host, x, 2, n);
	CHECK_NEAR(node_host_meter(host, 0, "m"), -23.0, 0.02);
	CHECK_NEAR(node_host_meter(host, 0, "s"), -23.0, 0.02);
	CHECK_NEAR(node_host_meter(host, 0, "i"), -23.0, 0.1);
	CHECK_NEAR(node_host_meter(host, 0, "tp"), -23.0, 0.1);
	node_host_free(host);
	free(x);
}

/* Counters and sums after days: feed the gate directly. */
TEST(days_do_not_wear_it_out)
{
	static struct loudness_gate gate;
	uint64_t blocks, passed;

	memset(&gate, 0, sizeof(gate));
	for (blocks = 0; blocks < 7 * 24 * 36000ull; blocks++) {
		loudness_gate_block(&gate, loudness_to_energy(blocks % 2 ? -23.0 : -40.0));
		if (blocks % 64 == 0)
			loudness_gate_range(&gate,
					    loudness_to_energy(blocks % 128 ? -20.0 : -35.0));
	}
	CHECK_NEAR(loudness_gate_integrated(&gate, &passed), -23.0, 0.001);
	CHECK(passed == blocks / 2);
	CHECK_NEAR(loudness_gate_lra(&gate), 15.0, 0.021);
}
