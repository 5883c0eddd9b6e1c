/* test_dereverb.c - dereverb: dsp.md 7.6. Speech in a room of T60 1 s (a feedback delay network): C50
 * 4 dB better, SI-SDR against the early part 2 dB better.
 *
 * C50 is measured on the very gains in force: the node takes one gain for all channels from their mean
 * power, so channels 2 and 3 carry the early and the late part alone, 60 dB down, and come out as what
 * became of each. */
#include "../golden/speech.h"
#include "node_host.h"
#include "test.h"

#define RATE 48000u
#define FRAMES (20u * RATE)
#define LATENCY 2048u
#define TINY 1e-3f

static float dry[FRAMES], early[FRAMES], late[FRAMES], in[3][FRAMES], out[3][FRAMES + LATENCY];

/* ---- a room ---- */

#define LINES 8u

/* Jot's network: 8 lines, Hadamard, T60 the same at all frequencies; its output 50 ms late, so that it
 * is what C50 calls late. Early: direct and six reflections. */
static void room_make(double t60_s, double late_db)
{
	static const uint32_t lengths[LINES] = {1433, 1601, 1867, 2053, 2251, 2399, 2617, 2797};
	static const uint32_t taps[] = {0, 331, 557, 811, 1187, 1613, 2111};
	static const double gains[] = {1, 0.5, -0.42, 0.36, -0.3, 0.25, 0.2};
	static float line[LINES][4096];
	double energy_early = 0, energy_late = 0, scale;

	memset(line, 0, sizeof(line));
	for (uint32_t i = 0; i < FRAMES; i++) {
		double y[LINES], sum = 0, x = i >= 2400 ? (double)dry[i - 2400] : 0, tap = 0;

		for (size_t t = 0; t < sizeof(taps) / sizeof(taps[0]); t++)
			tap += i >= taps[t] ? gains[t] * (double)dry[i - taps[t]] : 0;
		early[i] = (float)tap;
		for (uint32_t l = 0; l < LINES; l++) {
			y[l] = (double)line[l][(i - lengths[l]) % 4096] *
			       pow(10, -3.0 * lengths[l] / (t60_s * RATE));
			sum += l % 3 == 1 ? -y[l] : y[l];
		}
		for (uint32_t half = 1; half < LINES; half *= 2)
			for (uint32_t l = 0; l < LINES; l++)
				if (!(l & half)) {
					double a = y[l], b = y[l | half];

					y[l] = a + b;
					y[l | half] = a - b;
				}
		for (uint32_t l = 0; l < LINES; l++)
			line[l][i % 4096] = (float)(x + y[l] / sqrt(LINES));
		late[i] = (float)sum;
		energy_early += tap * tap;
		energy_late += sum * sum;
	}
	scale = sqrt(energy_early / energy_late) * pow(10, late_db / 20);
	for (uint32_t i = 0; i < FRAMES; i++) {
		late[i] *= (float)scale;
		in[0][i] = early[i] + late[i] + (float)(1e-5 * (test_random() - 0.5));
		in[1][i] = TINY * early[i];
		in[2][i] = TINY * late[i];
	}
}

/* ---- measures ---- */

static double dereverb_energy(const float *x)
{
	double sum = 0;

	for (uint32_t i = 4 * RATE; i < FRAMES - RATE; i++)
		sum += (double)x[i] * (double)x[i];
	return sum;
}

static double dereverb_si_sdr(const float *x, const float *want)
{
	double cross = 0, power = 0, error = 0;

	for (uint32_t i = 4 * RATE; i < FRAMES - RATE; i++) {
		cross += (double)x[i] * (double)want[i];
		power += (double)want[i] * (double)want[i];
	}
	for (uint32_t i = 4 * RATE; i < FRAMES - RATE; i++) {
		double e = (double)x[i] - cross / power * (double)want[i];

		error += e * e;
	}
	return 10 * log10(cross * cross / power / error);
}

/* Runs the room; returns T60 as the node has it in the end. */
static double dereverb_run(const struct node_host_config *params)
{
	struct node_host *host =
		node_host_open("dereverb", &(struct node_host_setup){.layout = "3ch"});
	const float *ins[] = {in[0], in[1], in[2]};
	float *outs[] = {out[0], out[1], out[2]};
	double t60;

	CHECK(node_host_latency(host) == LATENCY);
	for (; params && params->id; params++)
		node_host_jump(host, 0, params->id, params->number);
	node_host_process(host, ins, outs, FRAMES);
	t60 = node_host_meter(host, 0, "decay_now");
	node_host_free(host);
	for (int c = 0; c < 3; c++)
		memmove(out[c], out[c] + LATENCY, (FRAMES - LATENCY) * sizeof(float));
	return t60;
}

static void dereverb_check(const char *what, const struct node_host_config *params, double *ret_t60)
{
	double t60 = dereverb_run(params);
	double c50_in = 10 * log10(dereverb_energy(in[1]) / dereverb_energy(in[2]));
	double c50_out = 10 * log10(dereverb_energy(out[1]) / dereverb_energy(out[2]));
	double sdr_in = dereverb_si_sdr(in[0], early), sdr_out = dereverb_si_sdr(out[0], early);

	test_note("%s: C50 %.1f to %.1f dB, SI-SDR %.1f to %.1f dB, T60 %.2f s", what, c50_in,
		  c50_out, sdr_in, sdr_out, t60);
	CHECK(c50_out - c50_in >= 4, "%s: %.2f dB", what, c50_out - c50_in);
	CHECK(sdr_out - sdr_in >= 2, "%s: %.2f dB", what, sdr_out - sdr_in);
	*ret_t60 = t60;
}

/* ---- tests ---- */

TEST(a_room_of_one_second)
{
	static const struct node_host_config set[] = {
		{"auto_decay", 0, NULL}, {"decay", 1, NULL}, {"damping", 0, NULL}, {NULL, 0, NULL}};
	double t60;

	for (uint64_t seed = 1; seed <= 2; seed++) {
		speech_make(dry, FRAMES, RATE, seed);
		room_make(1.0, 0.0);
		dereverb_check("T60 set", set, &t60);
		dereverb_check("T60 estimated", NULL, &t60);
	}
}

TEST(the_decay_time_is_found)
{
	static const double rooms_s[] = {0.4, 0.7, 1.0, 2.0};

	for (int r = 0; r < 4; r++) {
		double t60;

		speech_make(dry, FRAMES, RATE, 1);
		room_make(rooms_s[r], 0.0);
		t60 = dereverb_run(NULL);
		test_note("T60 %.1f s: %.2f s", rooms_s[r], t60);
		CHECK(t60 > rooms_s[r] * 0.6 && t60 < rooms_s[r] * 1.6, "%.2f s", t60);
	}
}

/* A dry voice is hardly touched when the room is short. */
TEST(a_dry_voice_stays)
{
	static const struct node_host_config set[] = {{"auto_decay", 0, NULL},
						      {"decay", 0.2, NULL},
						      {"distance", 20, NULL},
						      {NULL, 0, NULL}};

	speech_make(dry, FRAMES, RATE, 1);
	memcpy(in[0], dry, sizeof(dry));
	memset(in[1], 0, sizeof(in[1]));
	memset(in[2], 0, sizeof(in[2]));
	dereverb_run(set);
	test_note("SI-SDR %.1f dB", dereverb_si_sdr(out[0], dry));
	CHECK(dereverb_si_sdr(out[0], dry) > 15, "%.1f dB", dereverb_si_sdr(out[0], dry));
}

TEST(listen_gives_what_is_removed)
{
	static const struct node_host_config removed[] = {{"listen", 1, NULL}, {NULL, 0, NULL}};
	static float result[FRAMES];

	speech_make(dry, FRAMES, RATE, 1);
	room_make(1.0, 0.0);
	dereverb_run(NULL);
	memcpy(result, out[0], sizeof(result));
	dereverb_run(removed);
	for (uint32_t i = 0; i < FRAMES - LATENCY; i++)
		CHECK_NEAR((double)out[0][i] + (double)result[i], (double)in[0][i], 3e-6);
}

/* amount = 0: the input, but for the rounding of transforms. */
TEST(no_amount_is_no_change)
{
	static const struct node_host_config none[] = {{"amount", 0, NULL}, {NULL, 0, NULL}};

	speech_make(dry, FRAMES, RATE, 1);
	room_make(0.5, 0.0);
	dereverb_run(none);
	for (uint32_t i = 0; i < FRAMES - LATENCY; i++)
		CHECK_NEAR((double)out[0][i], (double)in[0][i], 3e-6);
}
