/* dyneq: dsp.md 4.4, on the node as the engine drives it. */
#include "node_host.h"
#include "test.h"

#include <complex.h>

#define RATE 48000u
#define FRAMES (RATE * 2)

static float left[FRAMES], right[FRAMES], key[FRAMES];
static float out_left[FRAMES], out_right[FRAMES];

static struct node_host *dyneq_open(bool keyed, double lookahead_ms)
{
	struct node_host_config configs[] = {{"lookahead", lookahead_ms, NULL}, {NULL, 0, NULL}};
	struct node_host *host = node_host_open(
		"dyneq", &(struct node_host_setup){
				 .rate = RATE, .configs = configs, .only_main_linked = !keyed});

	node_host_jump(host, 0, "band1.on", 1);
	return host;
}

static void run(struct node_host *host, uint32_t n)
{
	node_host_process(host, (const float *[]){left, right, key, key},
			  (float *[]){out_left, out_right}, n);
}

static void sine(float *x, double freq_hz, double db)
{
	for (uint32_t i = 0; i < FRAMES; i++)
		x[i] = (float)(pow(10, db / 20) * sin(2 * M_PI * freq_hz / RATE * i));
}

static double level_db(const float *x)
{
	double sum = 0;

	for (uint32_t i = RATE; i < FRAMES; i++)
		sum += x[i] * (double)x[i];
	return 10 * log10(2 * sum / (FRAMES - RATE));
}

/* Gain of a sine of FREQ_HZ and DB. */
static double change_db(struct node_host *host, double freq_hz, double db)
{
	sine(left, freq_hz, db);
	memcpy(right, left, sizeof(right));
	run(host, FRAMES);
	return level_db(out_left) - db;
}

static void band_at(struct node_host *host, double freq_hz, double q, double threshold_db,
		    double ratio, double range_db)
{
	node_host_jump(host, 0, "band1.freq", freq_hz);
	node_host_jump(host, 0, "band1.q", q);
	node_host_jump(host, 0, "band1.threshold", threshold_db);
	node_host_jump(host, 0, "band1.ratio", ratio);
	node_host_jump(host, 0, "band1.range", range_db);
}

TEST(ten_db_over_at_two_to_one_are_five)
{
	static const double freqs_hz[] = {100, 1000, 4000};

	for (uint32_t k = 0; k < 3; k++) {
		struct node_host *host = dyneq_open(false, 0);
		double change;

		band_at(host, freqs_hz[k], 1, -30, 2, -24);
		change = change_db(host, freqs_hz[k], -20);
		test_note("%g Hz: %.4f dB", freqs_hz[k], change);
		CHECK_NEAR(change, -5, 0.1);
		CHECK_NEAR(node_host_meter(host, 0, "move1"), -5, 0.1);
		CHECK_NEAR(node_host_meter(host, 0, "gr"), -5, 0.1);
		node_host_free(host);
	}
}

/* What is an octave away, for a band of an octave's quarter, neither moves it nor is moved. */
TEST(neighbours_are_left_alone)
{
	for (int side = -1; side <= 1; side += 2) {
		struct node_host *host = dyneq_open(false, 0);

		band_at(host, 1000, 4, -30, 2, -24);
		CHECK_NEAR(change_db(host, 1000 * pow(2, side), -20), 0, 0.1);
		node_host_free(host);
	}
}

TEST(four_modes)
{
	static const struct {
		double range_db, below, over_db, want_db;
	} modes[] = {
		{-12, 0, 10, -5},  {-12, 0, -10, 0}, {12, 0, 10, 5},  {12, 0, -10, 0},
		{-12, 1, -10, -5}, {-12, 1, 10, 0},  {12, 1, -10, 5}, {12, 1, 10, 0},
		{-3, 0, 10, -3},   {3, 1, -20, 3},
	};

	for (uint32_t k = 0; k < sizeof(modes) / sizeof(modes[0]); k++) {
		struct node_host *host = dyneq_open(false, 0);

		band_at(host, 1000, 1, -30, 2, modes[k].range_db);
		node_host_jump(host, 0, "band1.when", modes[k].below);
		node_host_reset(host);
		CHECK_NEAR(change_db(host, 1000, -30 + modes[k].over_db), modes[k].want_db, 0.1);
		node_host_free(host);
	}
}

static double response_db(const float *h, double freq_hz)
{
	double complex turn = cexp(-2 * I * M_PI * freq_hz / RATE), sum = 0;

	for (uint32_t i = RATE; i-- > 0;)
		sum = sum * turn + h[i];
	return 20 * log10(cabs(sum));
}

/* The same bands in nodes/eq, whose magnitude is the analogue one (dsp.md 4.1). */
TEST(static_band_is_that_of_the_equalizer)
{
	static const double bands[][3] = {
		{100, 6, 1}, {1000, -9, 2}, {1000, 12, 0.7}, {2000, 4, 1}};
	double worst = 0;

	for (uint32_t k = 0; k < 4; k++) {
		struct node_host *dyn = dyneq_open(false, 0);
		struct node_host *eq =
			node_host_open("eq", &(struct node_host_setup){.rate = RATE});
		static float reference[RATE];

		band_at(dyn, bands[k][0], bands[k][2], 0, 1, 0);
		node_host_jump(dyn, 0, "band1.gain", bands[k][1]);
		node_host_jump(eq, 0, "band1.on", 1);
		node_host_jump(eq, 0, "band1.freq", bands[k][0]);
		node_host_jump(eq, 0, "band1.gain", bands[k][1]);
		node_host_jump(eq, 0, "band1.q", bands[k][2]);
		memset(left, 0, sizeof(left));
		memset(right, 0, sizeof(right));
		left[0] = 0.5f;
		node_host_process(eq, (const float *[]){left, right},
				  (float *[]){reference, out_right}, RATE);
		run(dyn, RATE);
		for (double f = 20; f < 5000; f *= 1.07)
			worst = fmax(worst,
				     fabs(response_db(out_left, f) - response_db(reference, f)));
		node_host_free(dyn);
		node_host_free(eq);
	}
	test_note("%.3f dB", worst);
	CHECK(worst <= 0.1, "%g dB", worst);
}

/* response() says what is heard: the gain that is set and how far the band is moved. */
TEST(response_is_the_curve_in_force)
{
	static const double freqs_hz[] = {50, 300, 1000, 1700, 5000, 15000};

	for (double shape = 0; shape < 3; shape++) {
		struct node_host *host = dyneq_open(false, 0);
		const struct mixd_node_type *type = node_host_node_type(host);
		double params[128], meters[7] = {0}, got[6], ids = node_host_n_params(type);

		for (uint32_t i = 0; i < ids; i++)
			node_host_param(type, i, NULL, &params[i]);
		params[0] = 1; /* on, type, freq, gain, q */
		params[1] = shape;
		params[2] = 1000;
		params[3] = 4;
		node_host_jump(host, 0, "band1.type", shape);
		node_host_jump(host, 0, "band1.freq", 1000);
		node_host_jump(host, 0, "band1.gain", 4);
		node_host_jump(host, 0, "band1.ratio", 1); /* it rests */
		memset(left, 0, sizeof(left));
		memset(right, 0, sizeof(right));
		left[0] = 0.5f;
		run(host, RATE);
		type->response(&(struct mixd_response){.params = params,
						       .meter = meters,
						       .rate = RATE,
						       .freq_hz = freqs_hz,
						       .n = 6},
			       got);
		for (uint32_t i = 0; i < 6; i++)
			CHECK_NEAR(got[i], response_db(out_left, freqs_hz[i]) + 6.0206, 0.001);
		meters[1] = -4; /* moved back to nothing */
		type->response(&(struct mixd_response){.params = params,
						       .meter = meters,
						       .rate = RATE,
						       .freq_hz = freqs_hz,
						       .n = 6},
			       got);
		for (uint32_t i = 0; i < 6; i++)
			CHECK_NEAR(got[i], 0, 1e-9);
		node_host_free(host);
	}
}

TEST(shelves_reach_their_gain)
{
	static const double far_hz[] = {20, 20000};

	for (uint32_t k = 0; k < 2; k++) {
		struct node_host *host = dyneq_open(false, 0);

		node_host_jump(host, 0, "band1.type", 1 + k);
		band_at(host, k ? 3000 : 300, 0.7, -40, 100, -8);
		CHECK_NEAR(change_db(host, far_hz[k], -12), -8, 0.1);
		CHECK_NEAR(change_db(host, far_hz[1 - k], -12), 0, 0.1);
		node_host_free(host);
	}
}

TEST(attack_and_release_take_their_time)
{
	struct node_host *host = dyneq_open(false, 0);
	double attack_s = 0;

	band_at(host, 1000, 1, -30, 2, -24);
	node_host_jump(host, 0, "band1.attack", 50);
	for (uint32_t i = 0; i < FRAMES; i++)
		left[i] = right[i] =
			(float)((i < RATE ? 0.001 : 0.1) * sin(2 * M_PI * 1000 / RATE * i));
	for (uint32_t i = 0; i < FRAMES; i += 48) {
		node_host_process(host, (const float *[]){left + i, right + i, key, key},
				  (float *[]){out_left, out_right}, 48);
		if (i >= RATE && attack_s == 0 && node_host_meter(host, 0, "move1") < -5 * 0.632121)
			attack_s = (i + 48.0 - RATE) / RATE;
	}
	test_note("attack %.0f ms", attack_s * 1000);
	CHECK_NEAR(attack_s, 0.05, 0.003); /* looked at every ms, and a quarter of a period */
	node_host_free(host);
}

TEST(key_and_lookahead)
{
	struct node_host *host = dyneq_open(true, 10);

	CHECK(node_host_latency(host) == 480);
	band_at(host, 1000, 1, -30, 2, -24);
	sine(key, 1000, -20);
	CHECK_NEAR(change_db(host, 1000, -60), -5, 0.1);
	memset(key, 0, sizeof(key));
	CHECK_NEAR(change_db(host, 1000, -10), 0, 0.1);
	node_host_free(host);
}
