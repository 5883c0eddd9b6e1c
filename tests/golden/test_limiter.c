/* The limiter against an independent meter: 32 points per frame, 128 taps each, another window.
 * Bounds from the table of overshoots: 0.5 dB on full-band torture, 0.05 dB on what ends at
 * 20 kHz. */
#include "node_host.h"
#include "test.h"

#define METER_PHASES 32
#define METER_HALF 64 /* taps on each side */
#define RATE 48000u

static float *make(uint32_t n)
{
	float *x = calloc(n + 2 * METER_HALF, sizeof(float));

	CHECK(x);
	return x + METER_HALF;
}

static void drop(float *x)
{
	free(x - METER_HALF);
}

/* ---- the independent meter ------------------------------------------------------------------ */

static const float *meter_taps(void)
{
	static float tap[METER_PHASES][2 * METER_HALF];
	static bool is_made;

	for (int p = 0; !is_made && p < METER_PHASES; p++)
		for (int k = 0; k < 2 * METER_HALF; k++) {
			double t = METER_HALF - 1 - k + (double)p / METER_PHASES;
			double w = M_PI * t / METER_HALF;
			/* Blackman-Harris, 4 terms */
			double window = 0.35875 + 0.48829 * cos(w) + 0.14128 * cos(2 * w) +
					0.01168 * cos(3 * w);

			tap[p][k] = (float)(t == 0.0 ? 1.0 : window * sin(M_PI * t) / (M_PI * t));
		}
	is_made = true;
	return tap[0];
}

/* True peak in dB of X, which has METER_HALF zeros on both sides. */
static double meter_db(const float *x, uint32_t n)
{
	const float *taps = meter_taps();
	float peak = 0.0f;

	for (uint32_t i = 0; i < n; i++)
		peak = fmaxf(peak, fabsf(x[i]));
	for (int64_t i = METER_HALF; i + METER_HALF < n; i++) {
		float near = fmaxf(fabsf(x[i]), fabsf(x[i + 1]));

		near = fmaxf(near, fmaxf(fabsf(x[i - 1]), fabsf(x[i + 2])));
		if (near < 0.4f * peak)
			continue;
		for (int p = 1; p < METER_PHASES; p++) {
			const float *tap = taps + p * 2 * METER_HALF,
				    *from = x + i - METER_HALF + 1;
			float part[8] = {0.0f}, sum = 0.0f;

			for (int k = 0; k < 2 * METER_HALF; k += 8)
				for (int j = 0; j < 8; j++)
					part[j] += tap[k + j] * from[k + j];
			for (int j = 0; j < 8; j++)
				sum += part[j];
			peak = fmaxf(peak, fabsf(sum));
		}
	}
	return 20.0 * log10(peak);
}

static double sample_db(const float *x, uint32_t n)
{
	float peak = 0.0f;

	for (uint32_t i = 0; i < n; i++)
		peak = fmaxf(peak, fabsf(x[i]));
	return 20.0 * log10(peak);
}

/* ---- signals, with their peak at 1 ---------------------------------------------------------- */

static void normalise(float *x, uint32_t n)
{
	double gain = pow(10.0, -sample_db(x, n) / 20.0);

	for (uint32_t i = 0; i < n; i++)
		x[i] = (float)(x[i] * gain);
}

/* Nothing above 20 kHz at 48 kHz: 511 taps, Blackman. */
static void end_at_20k(float *x, uint32_t n)
{
	enum { HALF = 255 };
	float *from = calloc(n + 2 * HALF, sizeof(float)), tap[2 * HALF + 1];

	memcpy(from + HALF, x, n * sizeof(float));
	for (int k = -HALF; k <= HALF; k++) {
		double f = 2.0 * 19600.0 / RATE, w = M_PI * k / (HALF + 1);

		tap[k + HALF] = (float)((k ? sin(M_PI * f * k) / (M_PI * k) : f) *
					(0.42 + 0.5 * cos(w) + 0.08 * cos(2 * w)));
	}
	for (uint32_t i = 0; i < n; i++) {
		float sum = 0.0f;

		for (int k = 0; k <= 2 * HALF; k++)
			sum += tap[k] * from[i + k];
		x[i] = sum;
	}
	free(from);
}

static void make_noise(float *x, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		x[i] = (float)(test_random() * 2.0 - 1.0);
}

static void make_bursts(float *x, uint32_t n)
{
	for (uint32_t i = 0; i < n;) {
		uint32_t length = 3 + test_random_below(200), pause = test_random_below(400);
		double phase = test_random() * 2.0 * M_PI, level = 0.3 + 0.7 * test_random();

		for (uint32_t k = 0; k < length && i < n; k++, i++)
			x[i] = (float)(level * sin(M_PI / 2.0 * k + phase));
		for (uint32_t k = 0; k < pause && i < n; k++, i++)
			x[i] = 0.0f;
	}
}

static void make_mix(float *x, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		double t = (double)i / RATE;
		double y = 0.7 * sin(2 * M_PI * 61.0 * t) + 0.5 * sin(2 * M_PI * 997.0 * t) +
			   0.4 * sin(2 * M_PI * 7013.0 * t) + 0.3 * (test_random() * 2.0 - 1.0);

		x[i] = (float)fmax(-0.8, fmin(0.8, y));
	}
}

static void make_clicks(float *x, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		x[i] = test_random_below(150) == 0 ? (float)(test_random() * 2.0 - 1.0) : 0.0f;
}

/* ---- tests ---------------------------------------------------------------------------------- */

static struct node_host *open_limiter(double rate, const char *layout, double lookahead_ms)
{
	struct node_host_config configs[] = {{.id = "lookahead", .number = lookahead_ms}, {NULL}};

	return node_host_open(
		"limiter",
		&(struct node_host_setup){.rate = rate, .layout = layout, .configs = configs});
}

static void run(struct node_host *host, const float *in, float *out, uint32_t n)
{
	node_host_process(host, (const float *const[]){in}, (float *const[]){out}, n);
}

static double overshoot_db(void (*signal)(float *, uint32_t), bool ends_at_20k, double *samples_db)
{
	uint32_t n = RATE;
	float *x = make(n), *y = make(n);
	double worst = -INFINITY;

	signal(x, n);
	if (ends_at_20k)
		end_at_20k(x, n);
	normalise(x, n);
	for (int over_db = 3; over_db <= 13; over_db += 5) {
		struct node_host *host = open_limiter(RATE, "mono", 1.5);

		node_host_jump(host, 0, "drive", over_db - 1.0);
		run(host, x, y, n);
		worst = fmax(worst, meter_db(y, n) + 1.0);
		*samples_db = fmax(*samples_db, sample_db(y, n) + 1.0);
		node_host_free(host);
	}
	drop(x);
	drop(y);
	return worst;
}

TEST(overshoot)
{
	static const struct {
		const char *name;
		void (*signal)(float *, uint32_t);
		bool ends_at_20k;
		double bound_db;
	} rows[] = {
		{"A noise", make_noise, false, 0.5},
		{"B bursts at fs/4", make_bursts, false, 0.5},
		{"C clipped mix", make_mix, false, 0.5},
		{"D clicks", make_clicks, false, 0.5},
		{"G noise to 20 kHz", make_noise, true, 0.05},
		{"H clipped mix to 20 kHz", make_mix, true, 0.05},
	};

	for (uint32_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
		double samples_db = -INFINITY;
		double got = overshoot_db(rows[k].signal, rows[k].ends_at_20k, &samples_db);

		test_note("%s: %+.3f dB over the ceiling (bound %+.2f), samples %+.3f",
			  rows[k].name, got, rows[k].bound_db, samples_db);
		CHECK(got <= rows[k].bound_db, "%s: %+.3f dB", rows[k].name, got);
		CHECK(samples_db <= 0.0, "%s: samples %+.4f dB", rows[k].name, samples_db);
	}
}

TEST(ebu_peaks)
{
	/* Tech 3341 cases 15..19 and a burst, raised by 12 dB: none passes the ceiling by 0.1 dB. */
	static const double signals[][3] = {
		{4, 0.5, 0}, {4, 0.5, 45}, {6, 0.5, 60}, {8, 0.5, 67.5}, {4, 1.41, 45}};
	uint32_t n = RATE / 2;
	float *x = make(n), *y = make(n);

	for (uint32_t k = 0; k < 5; k++) {
		struct node_host *host = open_limiter(RATE, "mono", 1.5);

		for (uint32_t i = 0; i < n; i++)
			x[i] = (float)(signals[k][1] * fmin(1.0, fmin(i, n - i) / 480.0) *
				       sin(2 * M_PI * i / signals[k][0] +
					   signals[k][2] * M_PI / 180));
		node_host_jump(host, 0, "drive", 12.0);
		run(host, x, y, n);
		CHECK(meter_db(y, n) <= -0.9, "signal %u: %.3f dBTP", k, meter_db(y, n));
		node_host_free(host);
	}
	drop(x);
	drop(y);
}

TEST(below_the_ceiling_it_is_a_delay)
{
	static const double rates[] = {44100, 48000, 96000, 192000};
	static const double looks[] = {0.5, 1.5, 10.0};
	uint32_t n = 20000;
	float *x = make(n), *y = make(n);

	make_noise(x, n);
	for (uint32_t i = 0; i < n; i++)
		x[i] *= 0.3f;
	for (uint32_t k = 0; k < 12; k++) {
		struct node_host *host = open_limiter(rates[k % 4], "mono", looks[k / 4]);
		uint32_t latency = node_host_latency(host);
		double lookahead = looks[k / 4] * rates[k % 4] / 1000.0;

		CHECK(latency == (uint32_t)lrint(lookahead) + 16);
		run(host, x, y, n);
		for (uint32_t i = 0; i < n; i++)
			CHECK(y[i] == (i < latency ? 0.0f : x[i - latency]),
			      "rate %g look-ahead %g frame %u", rates[k % 4], looks[k / 4], i);
		CHECK(node_host_meter(host, 0, "gr") == 0.0);
		node_host_free(host);
	}
	drop(x);
	drop(y);
}

TEST(bass_stays_clean)
{
	/* 60 Hz, 7 dB over, hold 10 ms: what is left beside the sine is under -100 dB. */
	struct node_host *host = open_limiter(RATE, "mono", 1.5);
	uint32_t n = 3 * RATE, from = 2 * RATE, span = RATE;
	float *x = make(n), *y = make(n);
	double s = 0, c = 0, dc = 0, left = 0, power = 0;

	for (uint32_t i = 0; i < n; i++)
		x[i] = (float)sin(2 * M_PI * 60.0 * i / RATE);
	node_host_jump(host, 0, "drive", 6.0);
	node_host_jump(host, 0, "release", 50.0);
	run(host, x, y, n);
	for (uint32_t i = 0; i < span; i++) {
		double w = 2 * M_PI * 60.0 * (from + i) / RATE;

		s += y[from + i] * sin(w) * 2 / span;
		c += y[from + i] * cos(w) * 2 / span;
		dc += y[from + i] / span;
	}
	for (uint32_t i = 0; i < span; i++) {
		double w = 2 * M_PI * 60.0 * (from + i) / RATE;
		double fit = s * sin(w) + c * cos(w) + dc;

		left += (y[from + i] - fit) * (y[from + i] - fit);
		power += fit * fit;
	}
	test_note("THD+N %.1f dB, gain reduction %.2f dB", 10 * log10(left / power),
		  node_host_meter(host, 0, "gr"));
	CHECK(10 * log10(left / power) <= -100.0);
	CHECK_NEAR(node_host_meter(host, 0, "gr"), -7.015, 0.02);
	node_host_free(host);
	drop(x);
	drop(y);
}

/* Gain in dB at frame I behind a burst that ends at frame END, from a quiet tone. */
static void run_release(struct node_host *host, uint32_t end, float *y, uint32_t n)
{
	float *x = make(n);

	for (uint32_t i = 0; i < n; i++)
		x[i] = (i < end ? 2.0f : 0.1f);
	run(host, x, y, n);
	drop(x);
}

TEST(release_takes_its_time)
{
	uint32_t n = RATE, end = RATE / 4;
	float *y = make(n);

	for (int ms = 20; ms <= 320; ms *= 4) {
		struct node_host *host = open_limiter(RATE, "mono", 1.5);
		double lowest, gap;
		/* latency, hold, half of the smoothing, one time constant */
		uint32_t at = end + 88 + 480 + 36 + (uint32_t)ms * 48;

		node_host_jump(host, 0, "release", ms);
		run_release(host, end, y, n);
		lowest = y[end + 88 + 240] / 0.1;
		gap = (1.0 - y[at] / 0.1) / (1.0 - lowest);
		CHECK(fabs(gap - exp(-1.0)) < 0.03, "release %d ms: %.3f of the gap is left", ms,
		      gap);
		node_host_free(host);
	}
	drop(y);
}

TEST(auto_release_knows_lone_peaks)
{
	/* After 2 ms of peak the gain is back in 150 ms; after 1 s it still is not. */
	uint32_t n = 2 * RATE;
	float *y = make(n);
	double back_db[2];

	for (int k = 0; k < 2; k++) {
		struct node_host *host = open_limiter(RATE, "mono", 1.5);
		uint32_t end = k == 0 ? 96 : RATE;

		node_host_jump(host, 0, "auto_release", 1);
		run_release(host, end, y, n);
		back_db[k] = 20 * log10(y[end + 88 + 480 + 150 * 48] / 0.1);
		node_host_free(host);
	}
	test_note("150 ms after a lone peak %.2f dB, after dense ones %.2f dB", back_db[0],
		  back_db[1]);
	CHECK(back_db[0] > -0.3);
	CHECK(back_db[1] < -2.5);
	drop(y);
}

TEST(link_joins_channels)
{
	uint32_t n = RATE / 2;
	float *loud = make(n), *soft = make(n), *out[2] = {make(n), make(n)};
	static const double links[] = {0, 50, 100};

	for (uint32_t i = 0; i < n; i++) {
		loud[i] = (float)(4.0 * sin(2 * M_PI * 997.0 * i / RATE));
		soft[i] = (float)(0.1 * sin(2 * M_PI * 1499.0 * i / RATE));
	}
	for (uint32_t k = 0; k < 3; k++) {
		struct node_host *host = open_limiter(RATE, "stereo", 1.5);
		double gain = 0;

		node_host_jump(host, 0, "link", links[k]);
		node_host_process(host, (const float *const[]){loud, soft}, out, n);
		for (uint32_t i = n / 2; i < n; i++)
			if (fabsf(soft[i - 88]) > 0.05f)
				gain = out[1][i] / soft[i - 88];
		if (links[k] == 0)
			CHECK(memcmp(out[1] + 88, soft, (n - 88) * sizeof(float)) == 0);
		if (links[k] == 50) /* level = half of 0.1 and 4 */
			CHECK_NEAR(20 * log10(gain), -1.015 - 20 * log10(2.05), 0.1);
		if (links[k] == 100)
			CHECK_NEAR(20 * log10(gain), -1.015 - 20 * log10(4.0), 0.1);
		CHECK(meter_db(out[0], n) <= -0.95);
		node_host_free(host);
	}
	drop(loud);
	drop(soft);
	drop(out[0]);
	drop(out[1]);
}

TEST(sample_mode_holds_samples)
{
	struct node_host *host = open_limiter(RATE, "mono", 1.5);
	uint32_t n = RATE;
	float *x = make(n), *y = make(n);

	make_bursts(x, n);
	node_host_jump(host, 0, "mode", 1);
	node_host_jump(host, 0, "drive", 10.0);
	run(host, x, y, n);
	CHECK(sample_db(y, n) <= -1.0, "%.3f", sample_db(y, n));
	CHECK(sample_db(y, n) > -1.1);
	node_host_free(host);
	drop(x);
	drop(y);
}

TEST(meters_tell_the_truth)
{
	struct node_host *host = open_limiter(RATE, "mono", 1.5);
	uint32_t n = RATE / 4;
	float *x = make(n), *y = make(n);

	CHECK(node_host_meter(host, 0, "tp_out") == -INFINITY);
	for (uint32_t i = 0; i < n; i++)
		x[i] = (float)sin(2 * M_PI * i / 4.0 + M_PI / 4);
	node_host_jump(host, 0, "drive", 6.0);
	run(host, x, y, n);
	CHECK_NEAR(node_host_meter(host, 0, "tp_out"), -1.0, 0.05);
	CHECK_NEAR(node_host_meter(host, 0, "gr"), -7.0, 0.05);
	node_host_free(host);
	drop(x);
	drop(y);
}

/* Params move, blocks are cut at random: one result. */
TEST(blocks_do_not_matter)
{
	uint32_t n = 60000;
	float *in[2] = {make(n), make(n)}, *one[2] = {make(n), make(n)},
	      *two[2] = {make(n), make(n)};
	struct node_host *a = open_limiter(RATE, "stereo", 1.5);
	struct node_host *b = open_limiter(RATE, "stereo", 1.5);
	uint32_t at = 0;

	make_mix(in[0], n);
	make_bursts(in[1], n);
	for (int part = 0; part < 4; part++) {
		uint32_t end = n / 4 * (part + 1);
		static const char *const ids[] = {"drive", "link", "hold", "ceiling"};
		static const double values[] = {12, 0, 3, -6};

		for (int k = 0; k < 2; k++)
			node_host_set(k ? b : a, 0, ids[part], values[part]);
		if (part == 2)
			for (int k = 0; k < 2; k++)
				node_host_set(k ? b : a, 0, "link", 100);
		node_host_process(a, (const float *const[]){in[0] + at, in[1] + at},
				  (float *const[]){one[0] + at, one[1] + at}, end - at);
		while (at < end) {
			uint32_t m = 1 + test_random_below(700);

			m = m < end - at ? m : end - at;
			node_host_process(b, (const float *const[]){in[0] + at, in[1] + at},
					  (float *const[]){two[0] + at, two[1] + at}, m);
			at += m;
		}
	}
	for (int c = 0; c < 2; c++) {
		CHECK(memcmp(one[c], two[c], n * sizeof(float)) == 0, "channel %d", c);
		drop(in[c]);
		drop(one[c]);
		drop(two[c]);
	}
	node_host_free(a);
	node_host_free(b);
}

static void move_all(struct node_host *const *host, const char *id, double value)
{
	for (int k = 0; k < 2; k++)
		node_host_set(host[k], 0, id, value);
}

/* A render does not interpolate everywhere: its bits, and the highest of its meter, are those of live
 * work. Params move under way. */
TEST(renders_equal_live)
{
	static const struct {
		const char *id;
		double value;
	} moves[] = {{"drive", 9},  {"ceiling", -6}, {"link", 50},    {"ceiling", -2},
		     {"link", 100}, {"drive", -12},  {"ceiling", -3}, {"mode", 1},
		     {"drive", 12}, {"mode", 0},     {"ceiling", -9}, {"drive", 0},
		     {"drive", 15}, {"hold", 1},     {"drive", 3}};
	const uint32_t n_moves = sizeof(moves) / sizeof(moves[0]), n = n_moves * 9000, cut = 90;
	float *in[2] = {make(n), make(n)}, *out[2][2] = {{make(n), make(n)}, {make(n), make(n)}};
	struct node_host *host[2];
	double highest = -INFINITY;

	for (int k = 0; k < 2; k++)
		host[k] = node_host_open("limiter", &(struct node_host_setup){.live = k == 1});
	make_mix(in[0], n);
	make_bursts(in[1], n);
	for (uint32_t i = 0; i < n; i++) /* loud and soft, in waves */
		in[0][i] *= (float)pow(10.0, -1.5 * (1.0 - cos(2 * M_PI * i / 7001.0)));
	for (uint32_t at = 0; at < n; at += cut) {
		if (at % 9000 == 0)
			move_all(host, moves[at / 9000].id, moves[at / 9000].value);
		for (int k = 0; k < 2; k++)
			node_host_process(host[k], (const float *const[]){in[0] + at, in[1] + at},
					  (float *const[]){out[k][0] + at, out[k][1] + at}, cut);
		/* A call may be two slices, and a meter shows the last of them. */
		highest = fmax(highest, node_host_meter(host[1], 0, "tp_out"));
	}
	for (int c = 0; c < 2; c++)
		CHECK(memcmp(out[0][c], out[1][c], n * sizeof(float)) == 0, "channel %d", c);
	CHECK(node_host_meter(host[0], 0, "tp_out") >= highest);
	for (int c = 0; c < 2; c++) {
		drop(in[c]);
		drop(out[0][c]);
		drop(out[1][c]);
		node_host_free(host[c]);
	}
}

/* In whole slices the highest of a render's meter is, to the bit, the highest that live work shows. */
TEST(renders_meter_the_highest)
{
	static const double drives[] = {-20, 0, 2, 12};
	const uint32_t n = RATE / 128 * 128;
	float *x = make(n), *y = make(n);

	make_mix(x, n);
	for (uint32_t d = 0; d < 4; d++) {
		struct node_host *host[2];
		double highest = -INFINITY;

		for (int k = 0; k < 2; k++) {
			host[k] = node_host_open(
				"limiter", &(struct node_host_setup){.layout = "mono", .live = k});
			node_host_jump(host[k], 0, "drive", drives[d]);
		}
		run(host[0], x, y, n);
		for (uint32_t at = 0; at < n; at += 128) {
			run(host[1], x + at, y + at, 128);
			highest = fmax(highest, node_host_meter(host[1], 0, "tp_out"));
		}
		CHECK(node_host_meter(host[0], 0, "tp_out") == highest, "drive %g: %.9f, %.9f",
		      drives[d], node_host_meter(host[0], 0, "tp_out"), highest);
		node_host_free(host[0]);
		node_host_free(host[1]);
	}
	drop(x);
	drop(y);
}

TEST(a_nan_leaves_again)
{
	struct node_host *host = open_limiter(RATE, "mono", 1.5);
	uint32_t n = RATE;
	float *x = make(n), *y = make(n);

	make_noise(x, n);
	x[1000] = NAN;
	x[2000] = INFINITY;
	node_host_jump(host, 0, "drive", 6.0);
	run(host, x, y, n);
	for (uint32_t i = 2000 + 88 + 600; i < n; i++)
		CHECK(fabsf(y[i]) <= 0.9f, "frame %u: %g", i, y[i]);
	CHECK(node_host_meter(host, 0, "gr") < 0.0);
	node_host_free(host);
	drop(x);
	drop(y);
}
