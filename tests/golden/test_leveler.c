/* The leveler on speech-like bursts, music-like notes, silence and noise; with the limiter behind
 * it where levels jump. Loudness of the output is measured by libebur128. */
#include "node_host.h"
#include "programme.h"
#include "test.h"

enum reason {
	SETTLING,
	IN_TARGET,
	RAISING,
	LOWERING,
	FROZEN_SILENCE,
	FROZEN_GATE,
	FROZEN_NOISE,
	AT_MAX_BOOST,
	AT_MAX_CUT,
	DRIFTING,
};

/* ---- running -------------------------------------------------------------------------------- */

struct chain {
	struct node_host *leveler, *limiter;
	double *gain_db; /* at each tick */
	uint8_t *reason;
	float *out; /* of the left channel */
	uint32_t at;
};

static void chain_open(struct chain *chain, const struct programme *programme, bool limited)
{
	memset(chain, 0, sizeof(*chain));
	chain->leveler = node_host_open("leveler", &(struct node_host_setup){0});
	chain->limiter = limited ? node_host_open("limiter", &(struct node_host_setup){0}) : NULL;
	chain->gain_db = calloc(programme->n / TICK, sizeof(double));
	chain->reason = calloc(programme->n / TICK, 1);
	chain->out = calloc(programme->n + 256, sizeof(float));
}

static void chain_close(struct chain *chain, struct programme *programme)
{
	node_host_free(chain->leveler);
	if (chain->limiter)
		node_host_free(chain->limiter);
	free(chain->gain_db);
	free(chain->reason);
	free(chain->out);
	free(programme->x);
}

static void chain_run(struct chain *chain, const struct programme *programme)
{
	static float right[TICK];

	for (; chain->at < programme->n; chain->at += TICK) {
		const float *x = programme->x + chain->at;
		float *out[2] = {chain->out + chain->at, right};
		uint32_t tick = chain->at / TICK;

		node_host_process(chain->leveler, (const float *const[]){x, x}, out, TICK);
		if (chain->limiter)
			node_host_process(chain->limiter, (const float *const[]){out[0], out[1]},
					  out, TICK);
		chain->gain_db[tick] = node_host_meter(chain->leveler, 0, "gain");
		chain->reason[tick] = (uint8_t)node_host_meter(chain->leveler, 0, "reason");
	}
}

static double gain_at(const struct chain *chain, double seconds)
{
	return chain->gain_db[(uint32_t)(seconds * 100) - 1];
}

static double out_lufs(const struct chain *chain, double from_s, double to_s)
{
	return lufs(chain->out + (uint32_t)(from_s * RATE), (uint32_t)((to_s - from_s) * RATE));
}

/* No tick moves the gain further than the rates allow, or beyond its bounds. */
static void check_bounds(const struct chain *chain, uint32_t n, double up, double down,
			 double boost, double cut)
{
	for (uint32_t k = 1; k < n / TICK; k++) {
		double step = chain->gain_db[k] - chain->gain_db[k - 1];

		CHECK(step <= up * 0.01 + 1e-9 && step >= -down * 0.01 - 1e-9,
		      "at %.2f s the gain moves %.3f dB in 10 ms", k * 0.01, step);
		CHECK(chain->gain_db[k] <= boost + 1e-9 && chain->gain_db[k] >= -cut - 1e-9);
	}
}

/* ---- tests ---------------------------------------------------------------------------------- */

TEST(frozen_on_silence_and_noise)
{
	struct programme programme;
	struct chain chain;
	double before, low = INFINITY, high = -INFINITY;

	programme_make(&programme, 110);
	make_speech(programme.x, 30 * RATE, -24.0);
	make_noise(programme.x + 60 * RATE, 30 * RATE, -55.0);
	memcpy(programme.x + 90 * RATE, programme.x, 20 * RATE * sizeof(float));
	chain_open(&chain, &programme, false);
	node_host_jump(chain.leveler, 0, "target", -16.0);
	chain_run(&chain, &programme);
	before = gain_at(&chain, 30);
	for (uint32_t k = 3000; k < 9000; k++) {
		low = fmin(low, chain.gain_db[k]);
		high = fmax(high, chain.gain_db[k]);
	}
	test_note("gain before %.2f dB, while frozen %.2f .. %.2f dB", before, low, high);
	CHECK(high - low <= 0.5 && fabs(high - before) <= 0.5);
	CHECK(chain.reason[4500] == FROZEN_SILENCE && chain.reason[7500] >= FROZEN_SILENCE &&
	      chain.reason[7500] <= FROZEN_NOISE);
	test_note("speech resumes: %.2f LUFS over its first 3 s, gain after 400 ms %.2f dB",
		  out_lufs(&chain, 90, 93), gain_at(&chain, 90.4));
	CHECK_NEAR(gain_at(&chain, 90.4), before, 0.5);
	CHECK_NEAR(out_lufs(&chain, 90, 93), -16.0, 3.0);
	check_bounds(&chain, programme.n, 6, 10, 12, 20);
	chain_close(&chain, &programme);
}

TEST(sections_of_40_db_spread)
{
	static const double levels[] = {-28, -12, -50, -30, -10, -46, -23, -33};
	uint32_t n_sections = sizeof(levels) / sizeof(levels[0]);
	struct programme programme;
	struct chain chain;

	programme_make(&programme, 24.0 * n_sections);
	for (uint32_t k = 0; k < n_sections; k++)
		(k % 3 == 1 ? make_music : make_speech)(programme.x + 24 * RATE * k, 24 * RATE,
							levels[k]);
	chain_open(&chain, &programme, true);
	node_host_jump(chain.leveler, 0, "max_boost", 40);
	node_host_jump(chain.leveler, 0, "max_cut", 30);
	node_host_jump(chain.leveler, 0, "freeze_below", -62);
	chain_run(&chain, &programme);
	for (uint32_t k = 0; k < n_sections; k++) {
		double got = out_lufs(&chain, 24.0 * k + 12, 24.0 * k + 24);

		test_note("section at %g LUFS: settled %.2f LUFS, gain %.1f dB", levels[k], got,
			  gain_at(&chain, 24.0 * k + 24));
		CHECK(fabs(got + 23.0) <= 0.5, "section %u: %.2f LUFS", k, got);
	}
	check_bounds(&chain, programme.n, 6, 10, 40, 30);
	chain_close(&chain, &programme);
}

/* Independent meter: 16 points per frame, 64 taps, Hann. */
static double true_peak_db(const float *x, uint32_t n)
{
	double peak = 0.0;

	for (uint32_t i = 32; i + 32 < n; i++) {
		if (fabsf(x[i]) < 0.5f && fabsf(x[i + 1]) < 0.5f)
			continue;
		for (int p = 0; p < 16; p++) {
			double sum = 0.0;

			for (int k = -31; k <= 32; k++) {
				double t = p / 16.0 - k, w = cos(M_PI * t / 65.0);

				sum += x[(int)i + k] *
				       (t == 0.0 ? 1.0 : sin(M_PI * t) / (M_PI * t) * w * w);
			}
			peak = fmax(peak, fabs(sum));
		}
	}
	return 20.0 * log10(peak);
}

TEST(a_step_of_20_db_meets_the_limiter)
{
	struct programme programme;
	struct chain chain;

	programme_make(&programme, 40);
	make_speech(programme.x, 20 * RATE, -38.0);
	for (uint32_t i = 0; i < 20 * RATE; i++)
		programme.x[20 * RATE + i] = programme.x[i] * 10.0f;
	chain_open(&chain, &programme, true);
	node_host_jump(chain.leveler, 0, "max_boost", 20);
	chain_run(&chain, &programme);
	test_note("true peak in the 4 s after the step %.3f dBTP; gain before %.1f, 1 s %.1f, 4 s "
		  "%.1f, 12 s %.1f dB",
		  true_peak_db(chain.out + 20 * RATE, 4 * RATE), gain_at(&chain, 20),
		  gain_at(&chain, 21), gain_at(&chain, 24), gain_at(&chain, 32));
	CHECK(true_peak_db(chain.out + 20 * RATE, 4 * RATE) <= -0.9);
	CHECK_NEAR(out_lufs(&chain, 32, 40), -23.0, 0.5);
	check_bounds(&chain, programme.n, 6, 10, 20, 20);
	chain_close(&chain, &programme);
}

TEST(slow_rates_are_kept)
{
	struct programme programme;
	struct chain chain;

	programme_make(&programme, 40);
	make_speech(programme.x, 20 * RATE, -33.0);
	make_speech(programme.x + 20 * RATE, 20 * RATE, -13.0);
	chain_open(&chain, &programme, false);
	node_host_jump(chain.leveler, 0, "rate_up", 0.5);
	node_host_jump(chain.leveler, 0, "rate_down", 1.0);
	chain_run(&chain, &programme);
	check_bounds(&chain, programme.n, 0.5, 1.0, 12, 20);
	CHECK(gain_at(&chain, 20) > 5.0 && gain_at(&chain, 20) <= 10.0);
	chain_close(&chain, &programme);
}

/* The ramp itself: no sample moves the gain by more than its share of the rate. */
TEST(the_gain_is_a_ramp)
{
	uint32_t n = 20 * RATE;
	float *x = calloc(n, sizeof(float)),
	      *y[2] = {calloc(n, sizeof(float)), calloc(n, sizeof(float))};
	struct node_host *host = node_host_open("leveler", &(struct node_host_setup){0});
	double worst = 0.0, before = 0.0;

	for (uint32_t i = 0; i < n; i++)
		x[i] = (float)((i % (RATE / 4) < RATE / 5 ? 0.02 : 0.01) * (i < n / 2 ? 1 : 20));
	/* DC is not heard by the K filter: a tone above it, on odd frames, carries the loudness. */
	for (uint32_t i = 1; i < n; i += 2)
		x[i] *= (float)sin(2 * M_PI * 997.0 * i / RATE);
	node_host_process(host, (const float *const[]){x, x}, y, n);
	for (uint32_t i = 0; i < n; i += 2) {
		double gain_db = 20.0 * log10(fabs((double)y[0][i] / x[i]));

		if (i > 0)
			worst = fmax(worst, fabs(gain_db - before));
		before = gain_db;
	}
	test_note("largest step over 2 frames %.6f dB", worst);
	CHECK(worst <= 2.0 * 10.0 / RATE * 1.1 + 2e-6);
	CHECK(worst > 0.0001);
	node_host_free(host);
	free(x);
	free(y[0]);
	free(y[1]);
}

TEST(tones_converge)
{
	static const double levels[] = {-23, -33};

	for (uint32_t k = 0; k < 2; k++) {
		struct programme programme;
		struct chain chain;

		programme_make(&programme, 20);
		for (uint32_t i = 0; i < programme.n; i++)
			programme.x[i] = (float)(pow(10.0, levels[k] / 20.0) *
						 sin(2 * M_PI * 1000.0 * i / RATE));
		chain_open(&chain, &programme, false);
		chain_run(&chain, &programme);
		CHECK_NEAR(out_lufs(&chain, 16, 20), -23.0, 0.11);
		CHECK(chain.reason[1999] == IN_TARGET);
		chain_close(&chain, &programme);
	}
}

TEST(quiet_parts_are_not_raised)
{
	/* Tech 3341 case 4: -72, -36, -23, -36, -72 dBFS */
	static const double levels[] = {-72, -36, -23, -36, -72};
	static const double seconds[] = {10, 10, 60, 10, 10};
	struct programme programme;
	struct chain chain;
	double before;

	programme_make(&programme, 100);
	for (uint32_t k = 0, i = 0; k < 5; k++)
		for (uint32_t j = 0; j < seconds[k] * RATE; j++, i++)
			programme.x[i] = (float)(pow(10.0, levels[k] / 20.0) *
						 sin(2 * M_PI * 1000.0 * i / RATE));
	chain_open(&chain, &programme, false);
	chain_run(&chain, &programme);
	CHECK(gain_at(&chain, 10) == 0.0 && chain.reason[900] == FROZEN_SILENCE);
	before = gain_at(&chain, 90.5);
	for (uint32_t k = 9050; k < 10000; k++)
		CHECK(chain.gain_db[k] == before);
	chain_close(&chain, &programme);
}

TEST(pauses_do_not_pump)
{
	struct programme programme;
	struct chain chain;
	double low = INFINITY, high = -INFINITY;

	programme_make(&programme, 60);
	make_speech(programme.x, 10 * RATE, -30.0);
	for (uint32_t k = 1; k < 6; k++)
		memcpy(programme.x + 10 * RATE * k, programme.x, 10 * RATE * sizeof(float));
	/* pauses of 3 s with room noise */
	for (uint32_t k = 1; k < 6; k++)
		make_noise(programme.x + 10 * RATE * k, 3 * RATE, -62.0);
	chain_open(&chain, &programme, false);
	chain_run(&chain, &programme);
	for (uint32_t k = 2000; k < 6000; k++) {
		low = fmin(low, chain.gain_db[k]);
		high = fmax(high, chain.gain_db[k]);
	}
	test_note("gain %.2f .. %.2f dB", low, high);
	CHECK(high - low <= 0.5);
	chain_close(&chain, &programme);
}

/* Hum, hiss and rumble, from the start and after silence: nothing to raise. */
TEST(noise_alone_is_not_raised)
{
	static const double levels_db[] = {-55, -48, -62};

	for (uint32_t k = 0; k < 3; k++) {
		struct programme programme;
		struct chain chain;
		float low = 0.0f;

		programme_make(&programme, 40);
		make_noise(programme.x, 10 * RATE, levels_db[k]);
		make_noise(programme.x + 20 * RATE, 20 * RATE, levels_db[k]);
		for (uint32_t i = 0; k == 1 && i < programme.n; i++) {
			low += 0.1f * (programme.x[i] - low);
			programme.x[i] = 2.0f * low;
		}
		chain_open(&chain, &programme, false);
		chain_run(&chain, &programme);
		CHECK(fabs(gain_at(&chain, 40)) <= 0.5, "noise %u: raised by %.2f dB", k,
		      gain_at(&chain, 40));
		chain_close(&chain, &programme);
	}
}

TEST(bounds_are_named)
{
	struct programme programme;
	struct chain chain;

	programme_make(&programme, 60);
	make_speech(programme.x, 30 * RATE, -42.0);
	make_speech(programme.x + 30 * RATE, 30 * RATE, -8.0);
	chain_open(&chain, &programme, false);
	node_host_jump(chain.leveler, 0, "max_boost", 6);
	node_host_jump(chain.leveler, 0, "max_cut", 3);
	chain_run(&chain, &programme);
	CHECK_NEAR(gain_at(&chain, 29), 6.0, 0.1);
	CHECK_NEAR(gain_at(&chain, 59), -3.0, 0.1);
	for (uint32_t k = 2000, boost = 0; k < 2900; k++) {
		boost += chain.reason[k] == AT_MAX_BOOST;
		CHECK(k < 2899 || boost > 300, "at_max_boost in %u of 900 ticks", boost);
	}
	check_bounds(&chain, programme.n, 6, 10, 6, 3);
	chain_close(&chain, &programme);
}

TEST(idle_unity_drifts_home)
{
	struct programme programme;
	struct chain chain;
	double before;

	programme_make(&programme, 60);
	make_speech(programme.x, 20 * RATE, -30.0);
	chain_open(&chain, &programme, false);
	node_host_jump(chain.leveler, 0, "idle", 1);
	chain_run(&chain, &programme);
	before = gain_at(&chain, 20.5);
	CHECK_NEAR(gain_at(&chain, 25), before, 0.01);
	CHECK_NEAR(gain_at(&chain, 60), before - 3.5, 0.1);
	CHECK(chain.reason[5900] == DRIFTING);
	chain_close(&chain, &programme);
}

TEST(a_boundary_forgets_the_estimate)
{
	struct node_host *host = node_host_open("leveler", &(struct node_host_setup){0});
	uint32_t n = 20 * RATE;
	float *x = calloc(n, sizeof(float)),
	      *y[2] = {calloc(n, sizeof(float)), calloc(n, sizeof(float))};
	double gain;

	make_speech(x, n, -30.0);
	node_host_process(host, (const float *const[]){x, x}, y, n);
	gain = node_host_meter(host, 0, "gain");
	CHECK(isfinite(node_host_meter(host, 0, "e")));
	node_host_set(host, 0, "boundary", 1);
	for (uint32_t k = 0; k < 1000; k++)
		x[k] = 0.0f;
	node_host_process(host, (const float *const[]){x, x}, y, 1000);
	CHECK(node_host_meter(host, 0, "e") == -INFINITY);
	CHECK(node_host_meter(host, 0, "gain") == gain);
	node_host_free(host);
	free(x);
	free(y[0]);
	free(y[1]);
}

TEST(blocks_do_not_matter)
{
	uint32_t n = 30 * RATE, at = 0;
	float *x = calloc(n, sizeof(float)), *one = calloc(n, sizeof(float));
	float *two = calloc(n, sizeof(float)), *other = calloc(n, sizeof(float));
	struct node_host *a = node_host_open("leveler", &(struct node_host_setup){.rate = 44100});
	struct node_host *b = node_host_open("leveler", &(struct node_host_setup){.rate = 44100});

	make_speech(x, n / 2, -40.0);
	make_music(x + n / 2, n / 2, -14.0);
	x[5000] = NAN;
	node_host_process(a, (const float *const[]){x, x}, (float *const[]){one, other}, n);
	while (at < n) {
		uint32_t m = 1 + test_random_below(8192);

		m = m < n - at ? m : n - at;
		node_host_process(b, (const float *const[]){x + at, x + at},
				  (float *const[]){two + at, other}, m);
		at += m;
	}
	one[5000] = two[5000] = 0.0f;
	CHECK(memcmp(one, two, n * sizeof(float)) == 0);
	CHECK(isfinite(node_host_meter(a, 0, "e")) && isfinite(one[n - 1]));
	node_host_free(a);
	node_host_free(b);
	free(x);
	free(one);
	free(two);
	free(other);
}
