/* test_reverb.c - the room, measured as a room is measured (dsp.md 10.1). */
#include "ir.h"
#include "node_host.h"
#include "test.h"

#define RATE 48000.0
#define FRAMES (1u << 18)

static float input[2][FRAMES], output[2][FRAMES];

static struct node_host *reverb_open(double decay_s)
{
	struct node_host *host = node_host_open("reverb", &(struct node_host_setup){.rate = RATE});

	node_host_jump(host, 0, "mix", 100);
	node_host_jump(host, 0, "early", 0);
	node_host_jump(host, 0, "predelay", 0);
	node_host_jump(host, 0, "low_ratio", 1);
	node_host_jump(host, 0, "high_ratio", 1);
	node_host_jump(host, 0, "decay", decay_s);
	return host;
}

static void reverb_run(struct node_host *host)
{
	const float *in[2] = {input[0], input[1]};
	float *out[2] = {output[0], output[1]};

	node_host_process(host, in, out, FRAMES);
}

static void reverb_impulse(struct node_host *host, float left, float right)
{
	memset(input, 0, sizeof(input));
	input[0][0] = left;
	input[1][0] = right;
	reverb_run(host);
}

/* T30 of an octave, from the power of sixteen outputs: one alone has the scatter of its few modes
 * (ISO 3382-2, annex A: 0.88 / sqrt(bandwidth T), 13 % for 0.5 s at 125 Hz). */
#define ROOM_OUTPUTS 16u

static void room_response(double decay_s, const struct node_host_config *set, float *ret)
{
	static float zero[FRAMES], impulse[FRAMES] = {1};
	struct node_host *host =
		node_host_open("reverb", &(struct node_host_setup){.rate = RATE, .layout = "16ch"});
	const float *in[ROOM_OUTPUTS] = {impulse};
	float *out[ROOM_OUTPUTS];

	node_host_jump(host, 0, "mix", 100);
	node_host_jump(host, 0, "early", 0);
	node_host_jump(host, 0, "low_ratio", 1);
	node_host_jump(host, 0, "high_ratio", 1);
	node_host_jump(host, 0, "decay", decay_s);
	for (; set && set->id; set++)
		node_host_jump(host, 0, set->id, set->number);
	for (uint32_t c = 0; c < ROOM_OUTPUTS; c++) {
		in[c] = c ? zero : impulse;
		out[c] = ret + (size_t)c * FRAMES;
	}
	node_host_process(host, in, out, FRAMES);
	node_host_free(host);
}

static double room_t30(const float *response, double hz)
{
	double *band = malloc(FRAMES * sizeof(*band)), *power = calloc(FRAMES, sizeof(*power)), t30;

	for (uint32_t c = 0; c < ROOM_OUTPUTS; c++) {
		ir_octave(response + (size_t)c * FRAMES, FRAMES, RATE, hz, band);
		for (uint32_t i = 0; i < FRAMES; i++)
			power[i] += band[i] * band[i];
	}
	for (uint32_t i = 0; i < FRAMES; i++)
		power[i] = sqrt(power[i]);
	t30 = ir_t30(power, FRAMES, RATE);
	free(band);
	free(power);
	return t30;
}

/* Flat setting: T30 of every octave within 5 % of `decay`. */
TEST(decay_is_as_set_in_every_octave)
{
	static const double decays_s[] = {0.5, 1.2, 3.5};
	float *response = malloc(ROOM_OUTPUTS * FRAMES * sizeof(*response));
	double worst = 0;

	for (uint32_t k = 0; k < 3; k++) {
		room_response(decays_s[k], NULL, response);
		for (double hz = 125; hz <= 8000; hz *= 2) {
			double off = room_t30(response, hz) / decays_s[k] - 1;

			worst = fmax(worst, fabs(off));
			CHECK(fabs(off) <= 0.05, "%g s at %g Hz is off by %.1f %%", decays_s[k], hz,
			      100 * off);
		}
	}
	test_note("worst %.1f %%", 100 * worst);
	free(response);
}

/* With shelves the decay rate goes from one value to the other as 1 / (1 + (f / corner)^2) does:
 * that is what a first-order shelf's decibels tend to for small gains. */
TEST(bass_and_treble_decay_as_set)
{
	static const struct node_host_config set[] = {{"low_ratio", 1.6, NULL},
						      {"low_freq", 500, NULL},
						      {"high_ratio", 0.5, NULL},
						      {"damping", 3000, NULL},
						      {NULL, 0, NULL}};
	float *response = malloc(ROOM_OUTPUTS * FRAMES * sizeof(*response));
	double worst = 0;

	room_response(1.5, set, response);
	for (double hz = 125; hz <= 8000; hz *= 2) {
		double low = 1 / (1 + (hz / 500) * (hz / 500));
		double high = 1 - 1 / (1 + (hz / 3000) * (hz / 3000));
		double rate = (1 + (1 / 1.6 - 1) * low + (1 / 0.5 - 1) * high) / 1.5;
		double off = room_t30(response, hz) * rate - 1;

		worst = fmax(worst, fabs(off));
		CHECK(fabs(off) <= 0.05, "T60 at %g Hz is off by %.1f %%", hz, 100 * off);
	}
	test_note("worst %.1f %%", 100 * worst);
	free(response);
}

TEST(echoes_are_dense_by_100_ms)
{
	struct node_host *host = reverb_open(2);
	double density;

	reverb_impulse(host, 1, 0);
	density = ir_density(output[0], (uint32_t)(0.1 * RATE), (uint32_t)(0.01 * RATE));
	test_note("%.2f at 100 ms", density);
	CHECK(density >= 0.9, "%g", density);
	node_host_free(host);
}

/* Power of X between LOW and HIGH, from its spectrum. */
static double band_power(const double *power, double low_hz, double high_hz)
{
	uint32_t first = (uint32_t)ceil(low_hz / RATE * FRAMES);
	uint32_t last = (uint32_t)floor(high_hz / RATE * FRAMES);
	double sum = 0;

	for (uint32_t i = first; i <= last; i++)
		sum += power[i];
	return sum / (last - first + 1);
}

/* One response has the ripple of noise: as many independent values as the band has widths of
 * 2.2 / T60. Both inputs to both outputs are averaged, and what noise of that many values would
 * show in 3 sigma is allowed on top of 1.5 dB. */
TEST(colour_is_flat)
{
	double *power = calloc(FRAMES, sizeof(*power)), whole, worst = 0;
	double complex *x = malloc(FRAMES * sizeof(*x));

	for (uint32_t side = 0; side < 2; side++) {
		struct node_host *host = reverb_open(1);

		reverb_impulse(host, side == 0, side == 1);
		for (uint32_t c = 0; c < 2; c++) {
			for (uint32_t i = 0; i < FRAMES; i++)
				x[i] = (double)output[c][i];
			ir_fft(x, FRAMES);
			for (uint32_t i = 0; i < FRAMES / 2; i++)
				power[i] += creal(x[i] * conj(x[i]));
		}
		node_host_free(host);
	}
	whole = band_power(power, 100, 16000);
	for (double hz = 125; hz < 16000; hz *= pow(2, 1.0 / 3)) {
		double low = hz * pow(2, -1.0 / 6), high = hz * pow(2, 1.0 / 6);
		double db = 10 * log10(band_power(power, low, high) / whole);
		double values = 4 * (high - low) / 2.2;
		double limit = 1.5 + 3 * 4.34 / sqrt(values);

		worst = fmax(worst, fabs(db) - limit + 1.5);
		CHECK(fabs(db) <= limit, "%.2f dB at %g Hz, limit %.2f", db, hz, limit);
	}
	test_note("worst %.2f of 1.5 dB", worst);
	free(power);
	free(x);
}

TEST(channels_are_unlike)
{
	struct node_host *host = reverb_open(2);
	uint32_t first = (uint32_t)(0.08 * RATE), last = (uint32_t)(1.0 * RATE);
	double left = 0, right = 0, highest = 0;

	reverb_impulse(host, 1, 1);
	for (uint32_t i = first; i < last; i++) {
		left += (double)output[0][i] * (double)output[0][i];
		right += (double)output[1][i] * (double)output[1][i];
	}
	for (int lag = -48; lag <= 48; lag++) {
		double sum = 0;

		for (uint32_t i = first; i < last; i++)
			sum += (double)output[0][i] * (double)output[1][(int)i + lag];
		highest = fmax(highest, fabs(sum) / sqrt(left * right));
	}
	test_note("IACC %.3f", highest);
	CHECK(highest <= 0.3, "%g", highest);
	node_host_free(host);
}

static double mean_db(const float *x, uint32_t first, uint32_t n)
{
	double sum = 0;

	for (uint32_t i = first; i < first + n; i++)
		sum += (double)x[i] * (double)x[i];
	return 10 * log10(sum / n + 1e-300);
}

/* Noise comes out as loud as it went in, whatever the decay. Its top is taken off: above 15 kHz the
 * swaying lines lose some at each turn, as air does. */
TEST(loudness_does_not_depend_on_decay)
{
	static const double decays_s[] = {0.3, 1, 3};

	for (uint32_t k = 0; k < 3; k++) {
		struct node_host *host = reverb_open(decays_s[k]);
		double db;

		for (uint32_t c = 0; c < 2; c++)
			for (uint32_t i = 0; i < FRAMES; i++)
				input[c][i] = 0.6f * (i ? input[c][i - 1] : 0) +
					      (float)(0.2 * (test_random() - 0.5));
		reverb_run(host);
		db = mean_db(output[0], FRAMES / 2, FRAMES / 2) -
		     mean_db(input[0], FRAMES / 2, FRAMES / 2);
		test_note("%g s: %+.2f dB", decays_s[k], db);
		CHECK(fabs(db) <= 1, "%g dB at %g s", db, decays_s[k]);
		node_host_free(host);
	}
}

/* Lossless: the energy of a minute later is that of the beginning within 0.1 dB. */
TEST(frozen_keeps_its_energy)
{
	struct node_host *host = reverb_open(2);
	double begin, end;

	memset(input, 0, sizeof(input));
	for (uint32_t i = 0; i < FRAMES / 2; i++)
		input[0][i] = input[1][i] = (float)(test_random() - 0.5);
	reverb_run(host);
	for (uint32_t i = 0; i < FRAMES; i++)
		input[0][i] = input[1][i] = (float)(0.3 * (test_random() - 0.5));
	reverb_run(host);
	node_host_set(host, 0, "freeze", 1);
	reverb_run(host);
	memset(input, 0, sizeof(input));
	reverb_run(host);
	begin = mean_db(output[0], 0, FRAMES);
	for (uint32_t k = 0; k < 11; k++)
		reverb_run(host);
	end = mean_db(output[0], 0, FRAMES);
	test_note("%+.4f dB in a minute", end - begin);
	CHECK(begin > -60, "nothing is held");
	CHECK_NEAR(end - begin, 0, 0.1);
	node_host_set(host, 0, "freeze", 0);
	reverb_run(host);
	reverb_run(host);
	CHECK(mean_db(output[0], FRAMES / 2, FRAMES / 2) < -100, "released, it must fall");
	node_host_free(host);
}

/* The first reflection comes after the pre-delay, not before. */
TEST(predelay_is_to_the_sample)
{
	struct node_host *host = reverb_open(2);
	uint32_t first[2];

	node_host_jump(host, 0, "early", 100);
	for (uint32_t k = 0; k < 2; k++) {
		node_host_jump(host, 0, "predelay", k ? 30 : 0);
		node_host_reset(host);
		reverb_impulse(host, 1, 0);
		for (first[k] = 0; output[0][first[k]] == 0; first[k]++)
			;
	}
	CHECK(first[1] - first[0] == 1440, "%u to %u", first[0], first[1]);
	node_host_free(host);
}

TEST(a_room_of_too_many_channels_is_refused)
{
	struct mixd_fault fault = {0};
	const struct mixd_node_type *type = node_host_type("reverb", NULL);

	CHECK(!node_host_try(type, &(struct node_host_setup){.layout = "17ch"}, &fault), "taken");
	CHECK(strstr(fault.text, "16 outputs"), "%s", fault.text);
	CHECK(strstr(fault.hint, "up to 16 channels"), "%s", fault.hint);
}
