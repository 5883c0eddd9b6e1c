/* test_eqlin.c - linear- and minimum-phase equalizer: dsp.md 4.3. Targets are the analogue transfer
 * functions, written down here in s. */
#include <complex.h>

#include "node_host.h"
#include "test.h"

#define RATE 48000.0
#define FRAMES 40000u

struct band {
	int type, slope;
	double freq, gain, q;
};

enum { BELL, LOWSHELF, HIGHSHELF, LOWPASS, HIGHPASS, BANDPASS, NOTCH, ALLPASS, TILT };

/* The prototype at FREQ; shelves by RBJ's cookbook, in s. */
static double complex prototype(const struct band *band, double freq)
{
	double complex s = I * freq / band->freq;
	double a = pow(10, band->gain / 40), q = band->q;

	switch (band->type) {
	case BELL:
		return (s * s + s * a / q + 1) / (s * s + s / (a * q) + 1);
	case LOWSHELF:
		return a * (s * s + s * sqrt(a) / q + a) / (a * s * s + s * sqrt(a) / q + 1);
	case HIGHSHELF:
		return a * (a * s * s + s * sqrt(a) / q + 1) / (s * s + s * sqrt(a) / q + a);
	case LOWPASS: /* 24 dB/oct Butterworth */
		return 1 / ((s * s + s * 2 * cos(M_PI / 8) + 1) *
			    (s * s + s * 2 * cos(3 * M_PI / 8) + 1));
	case HIGHPASS: /* 18 dB/oct */
		return s * s * s / ((s + 1) * (s * s + s + 1));
	case BANDPASS:
		return s / q / (s * s + s / q + 1);
	case NOTCH:
		return (s * s + 1) / (s * s + s / q + 1);
	case TILT:
		return (1 + a * a * s) / (a * a + s);
	default:
		return 1;
	}
}

static void set_band(struct node_host *host, uint32_t n, const struct band *band, int channel)
{
	static const char *const rows[] = {"on", "type", "freq", "gain", "q", "slope", "channel"};
	double values[] = {1, band->type, band->freq, band->gain, band->q, band->slope, channel};
	char id[32];

	for (int i = 0; i < 7; i++) {
		snprintf(id, sizeof(id), "band%u.%s", n, rows[i]);
		node_host_jump(host, 0, id, values[i]);
	}
}

static struct node_host *open_eqlin(const char *layout, int phase, int length)
{
	struct node_host_config configs[] = {
		{"phase", phase, NULL}, {"length", length, NULL}, {NULL, 0, NULL}};

	return node_host_open("eqlin",
			      &(struct node_host_setup){.layout = layout, .configs = configs});
}

/* Impulse response of channel OUT for input IN, from a reset. */
static void impulse(struct node_host *host, uint32_t in, uint32_t out, float *ret)
{
	uint32_t n = node_host_in_channels(host);
	float *x = calloc(FRAMES, sizeof(*x)), *y = calloc((size_t)n * FRAMES, sizeof(*y));
	const float *ins[8] = {0};
	float *outs[8];

	for (uint32_t c = 0; c < n; c++) {
		ins[c] = c == in ? x : NULL;
		outs[c] = y + (size_t)c * FRAMES;
	}
	x[0] = 1;
	node_host_reset(host);
	node_host_process(host, ins, outs, FRAMES);
	memcpy(ret, outs[out], sizeof(*y) * FRAMES);
	free(x);
	free(y);
}

static double complex transform(const float *h, uint32_t n, double freq, uint32_t power)
{
	double complex sum = 0, turn = cexp(-2 * M_PI * I * freq / RATE), at = 1;

	for (uint32_t i = 0; i < n; i++) {
		sum += h[i] * at * (power ? (double)i : 1.0);
		at *= turn;
	}
	return sum;
}

static double db(double complex h)
{
	return 20 * log10(cabs(h));
}

/* Features wider than 4 fs / N: 23 Hz at 8192 taps. */
static const struct band wide[] = {
	{BELL, 1, 1000, 6, 0.7},    {BELL, 1, 100, 12, 1.4},
	{BELL, 1, 100, -12, 2},	    {BELL, 1, 60, -9, 2},
	{BELL, 1, 16000, 12, 1},    {BELL, 1, 12000, -12, 4},
	{BELL, 1, 22000, 6, 1},	    {LOWSHELF, 1, 120, 9, 0.707},
	{LOWSHELF, 1, 80, -6, 0.9}, {HIGHSHELF, 1, 8000, 12, 0.707},
	{TILT, 1, 650, 6, 1},	    {ALLPASS, 1, 1000, 0, 1},
};

/* dsp.md 4.3: |H| against the target <= 0.05 dB, 20 Hz to 20 kHz; both phases. */
TEST(eqlin_follows_the_analogue_magnitude)
{
	float *h = calloc(FRAMES, sizeof(*h));
	double worst[2] = {0, 0};

	for (int phase = 0; phase < 2; phase++)
		for (size_t b = 0; b < sizeof(wide) / sizeof(wide[0]); b++) {
			struct node_host *host = open_eqlin("mono", phase, 2);

			set_band(host, 3, &wide[b], 0);
			impulse(host, 0, 0, h);
			for (double freq = 20; freq < 20000; freq *= 1.07) {
				double off = db(transform(h, 8300, freq, 0)) -
					     db(prototype(&wide[b], freq));

				worst[phase] = fmax(worst[phase], fabs(off));
				CHECK(fabs(off) <= 0.05, "phase %d, band %zu at %.0f Hz: %.3f dB",
				      phase, b, freq, off);
			}
			node_host_free(host);
		}
	test_note("worst: linear %.4f dB, minimum %.4f dB", worst[0], worst[1]);
	free(h);
}

/* Slopes: exact where they pass, and as deep as the window lets them. */
TEST(eqlin_filters_pass_and_stop)
{
	static const struct band filters[] = {{LOWPASS, 3, 5000, 0, 0.70710678},
					      {HIGHPASS, 2, 200, 0, 0.70710678},
					      {BANDPASS, 1, 1000, 0, 1.5},
					      {NOTCH, 1, 1000, 0, 1}};
	float *h = calloc(FRAMES, sizeof(*h));

	for (int phase = 0; phase < 2; phase++)
		for (size_t b = 0; b < sizeof(filters) / sizeof(filters[0]); b++) {
			struct node_host *host = open_eqlin("mono", phase, 2);

			set_band(host, 1, &filters[b], 0);
			impulse(host, 0, 0, h);
			for (double freq = 30; freq < 20000; freq *= 1.11) {
				double want = fmax(db(prototype(&filters[b], freq)), -80);
				double got = fmax(db(transform(h, 8300, freq, 0)), -80);

				CHECK_NEAR(got, want, want > -40 ? 0.05 : 3);
			}
			node_host_free(host);
		}
	free(h);
}

/* dsp.md 4.3: group delay constant to 0.01 sample, and what is reported. */
TEST(eqlin_linear_phase_is_linear)
{
	float *h = calloc(FRAMES, sizeof(*h));

	for (int length = 0; length < 4; length++) {
		struct node_host *host = open_eqlin("mono", 0, length);
		uint32_t latency = 1024u << length;

		CHECK(node_host_latency(host) == latency);
		set_band(host, 1, &wide[1], 0);
		set_band(host, 2, &wide[5], 0);
		set_band(host, 3, &(struct band){HIGHPASS, 2, 40, 0, 0.707}, 0);
		impulse(host, 0, 0, h);
		for (double freq = 30; freq < 23000; freq *= 1.13) {
			double complex a = transform(h, 2 * latency + 100, freq, 0);
			double complex b = transform(h, 2 * latency + 100, freq, 1);

			CHECK_NEAR(creal(b / a), latency, 0.01);
		}
		node_host_free(host);
	}
	free(h);
}

TEST(eqlin_minimum_phase_has_the_analogue_phase)
{
	float *h = calloc(FRAMES, sizeof(*h));
	double worst = 0;

	for (size_t b = 0; b < 5; b++) {
		struct node_host *host = open_eqlin("mono", 1, 2);

		CHECK(node_host_latency(host) == 0);
		set_band(host, 1, &wide[b % 4], 0);
		impulse(host, 0, 0, h);
		for (double freq = 30; freq < 2000; freq *= 1.2)
			worst = fmax(worst, fabs(carg(transform(h, 8300, freq, 0) /
						      prototype(&wide[b % 4], freq))));
		node_host_free(host);
	}
	test_note("phase off the prototype below 2 kHz: %.2f degrees", worst * 180 / M_PI);
	CHECK(worst * 180 / M_PI <= 2, "%g degrees", worst * 180 / M_PI);
	free(h);
}

/* dsp.md 4.3: in a row with its own inverse: <= -90 dB off a plain delay. */
TEST(eqlin_and_its_inverse_cancel)
{
	static const struct band bands[] = {
		{BELL, 1, 1000, 6, 0.7}, {HIGHSHELF, 1, 8000, 6, 0.707}, {BELL, 1, 400, -6, 1}};
	enum { N = 60000, SKIP = 20000 };
	float *x = calloc(N, sizeof(*x)), *y = calloc(N, sizeof(*y)), *z = calloc(N, sizeof(*z));

	for (int phase = 0; phase < 2; phase++) {
		struct node_host *there = open_eqlin("mono", phase, 2);
		struct node_host *back = open_eqlin("mono", phase, 2);
		uint32_t latency = 2 * node_host_latency(there);
		double error = 0, power = 0;
		const float *in;
		float *out;

		for (uint32_t b = 0; b < 3; b++) {
			struct band inverse = bands[b];

			inverse.gain = -inverse.gain;
			set_band(there, b + 1, &bands[b], 0);
			set_band(back, b + 1, &inverse, 0);
		}
		node_host_reset(there);
		node_host_reset(back);
		for (uint32_t i = 0; i < N; i++)
			x[i] = (float)(test_random() - 0.5);
		in = x;
		out = y;
		node_host_process(there, &in, &out, N);
		in = y;
		out = z;
		node_host_process(back, &in, &out, N);
		for (uint32_t i = SKIP; i < N; i++) {
			error += pow((double)z[i] - x[i - latency], 2);
			power += (double)x[i - latency] * x[i - latency];
		}
		test_note("phase %d: %.1f dB", phase, 10 * log10(error / power));
		CHECK(10 * log10(error / power) <= -90, "phase %d: %.1f dB", phase,
		      10 * log10(error / power));
		node_host_free(there);
		node_host_free(back);
	}
	free(x);
	free(y);
	free(z);
}

/* A band on the middle leaves the sides alone, and the other way round; left and right. */
TEST(eqlin_channels)
{
	static const struct band bell = {BELL, 1, 1000, 12, 1};
	float *h[2][2];

	for (int phase = 0; phase < 2; phase++)
		for (int channel = 1; channel <= 4; channel++) {
			struct node_host *host = open_eqlin("stereo", phase, 1);
			double complex m[2][2];

			set_band(host, 1, &bell, channel);
			for (uint32_t in = 0; in < 2; in++)
				for (uint32_t out = 0; out < 2; out++) {
					h[in][out] = calloc(FRAMES, sizeof(float));
					impulse(host, in, out, h[in][out]);
					m[in][out] = transform(h[in][out], 4200, 1000, 0);
					free(h[in][out]);
				}
			if (channel == 1 || channel == 2) {
				CHECK_NEAR(db(m[0][0]), channel == 1 ? 12 : 0, 0.01);
				CHECK_NEAR(db(m[1][1]), channel == 2 ? 12 : 0, 0.01);
				CHECK_NEAR(cabs(m[0][1]) + cabs(m[1][0]), 0, 1e-9);
			} else {
				CHECK_NEAR(db(m[0][0] + m[1][0]), channel == 3 ? 12 : 0, 0.01);
				CHECK_NEAR(db(m[0][0] - m[1][0]), channel == 4 ? 12 : 0, 0.01);
				CHECK_NEAR(db(m[1][1] + m[0][1]), channel == 3 ? 12 : 0, 0.01);
				CHECK_NEAR(db(m[1][1] - m[0][1]), channel == 4 ? 12 : 0, 0.01);
			}
			node_host_free(host);
		}
}

/* A curve that moves while sound plays ends as the one that was there from the beginning. */
TEST(eqlin_arrives_where_it_was_told_to_go)
{
	enum { N = 48000 };
	float *x = calloc(N, sizeof(*x)), *y = calloc(N, sizeof(*y)), *z = calloc(N, sizeof(*z));
	struct node_host *moved = open_eqlin("mono", 0, 1), *there = open_eqlin("mono", 0, 1);
	const float *in = x;
	float *out = y;

	for (uint32_t i = 0; i < N; i++)
		x[i] = (float)(test_random() - 0.5);
	node_host_jump(there, 0, "band2.on", 1);
	node_host_jump(there, 0, "band2.gain", 9);
	node_host_reset(there);
	node_host_process(moved, &in, &out, 5000);
	node_host_set(moved, 0, "band2.on", 1);
	node_host_set(moved, 0, "band2.gain", 9);
	in = x + 5000;
	out = y + 5000;
	node_host_process(moved, &in, &out, N - 5000);
	CHECK(!node_host_moving(moved));
	in = x;
	out = z;
	node_host_process(there, &in, &out, N);
	CHECK(memcmp(y, z, 4000 * sizeof(*y)) != 0);
	CHECK(memcmp(y + 24000, z + 24000, (N - 24000) * sizeof(*y)) == 0);
	node_host_free(moved);
	node_host_free(there);
	free(x);
	free(y);
	free(z);
}

/* response() tells what sounds; auto gain keeps pink noise, K-weighted, where it was. */
TEST(eqlin_response_is_what_is_heard)
{
	const char *why = NULL;
	const struct mixd_node_type *type = node_host_type("eqlin", &why);
	struct mixd_value config[] = {{0, NULL}, {2, NULL}};
	uint32_t n_params = node_host_n_params(type);
	double *params = calloc(n_params, sizeof(double)), freq[60], got[60];
	float *h = calloc(FRAMES, sizeof(*h));
	struct mixd_response query = {
		.params = params, .config = config, .rate = RATE, .freq_hz = freq, .n = 60};
	char id[64];

	CHECK(type, "%s", why);
	for (int i = 0; i < 60; i++)
		freq[i] = 20 * pow(1000, i / 60.0);
	for (int phase = 0; phase < 2; phase++) {
		struct node_host *host = open_eqlin("stereo", phase, 2);

		config[0].number = phase;
		set_band(host, 1, &wide[1], 0);
		set_band(host, 5, &wide[9], 1);
		node_host_jump(host, 0, "auto_gain", 1);
		node_host_jump(host, 0, "output", -3);
		for (uint32_t i = 0; i < n_params; i++)
			node_host_param(type, i, id, &params[i]);
		for (uint32_t i = 0; i < n_params; i++) {
			static const char *const ids[] = {
				"band1.on",   "band1.type", "band1.freq",    "band1.gain",
				"band1.q",    "band5.on",   "band5.type",    "band5.freq",
				"band5.gain", "band5.q",    "band5.channel", "auto_gain",
				"output"};
			const double values[] = {1,    BELL, 100,   12, 1.4, 1, HIGHSHELF,
						 8000, 12,   0.707, 1,	1,   -3};

			node_host_param(type, i, id, NULL);
			for (size_t k = 0; k < sizeof(ids) / sizeof(ids[0]); k++)
				if (strcmp(id, ids[k]) == 0)
					params[i] = values[k];
		}
		impulse(host, 0, 0, h);
		CHECK(node_host_meter(host, 0, "makeup") < -1, "%g",
		      node_host_meter(host, 0, "makeup"));
		type->response(&query, got);
		for (int i = 0; i < 60; i++)
			CHECK_NEAR(got[i], db(transform(h, 8300, freq[i], 0)), 0.001);
		node_host_free(host);
	}
	free(params);
	free(h);
}
