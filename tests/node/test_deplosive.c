/* test_deplosive.c - deplosive: dsp.md 7.5. A burst of 60 Hz for 50 ms, 12 dB over the voice, comes out
 * at least 12 dB lower; vowels within 0.5 dB. */
#include "../golden/speech.h"
#include "node_host.h"
#include "test.h"

#define RATE 48000u
#define FRAMES (8u * RATE)
#define LATENCY 480u /* 10 ms */

static float voice[FRAMES], in[FRAMES], out[FRAMES], clean[FRAMES];

static void deplosive_run(const float *x, float *y, const struct node_host_config *set)
{
	struct node_host *host =
		node_host_open("deplosive", &(struct node_host_setup){.layout = "mono"});
	const float *ins[] = {x};
	float *outs[] = {y};

	CHECK(node_host_latency(host) == LATENCY);
	for (; set && set->id; set++)
		node_host_jump(host, 0, set->id, set->number);
	node_host_process(host, ins, outs, FRAMES);
	node_host_free(host);
}

static double deplosive_rms(const float *x, uint32_t from, uint32_t n)
{
	double sum = 0;

	for (uint32_t i = from; i < from + n; i++)
		sum += (double)x[i] * (double)x[i];
	return sqrt(sum / n);
}

/* The burst of dsp.md at AT: 60 Hz, 50 ms, ends softened over 5 ms. */
static float deplosive_burst(uint32_t i, uint32_t at, double level)
{
	double t = ((double)i - (double)at) / RATE;

	if (t < 0 || t > 0.05)
		return 0;
	return (float)(level * M_SQRT2 * sin(2 * M_PI * 60 * t) *
		       fmin(1, fmin(t, 0.05 - t) / 0.005));
}

TEST(bursts_go_down_by_12_db)
{
	for (uint64_t seed = 1; seed <= 4; seed++) {
		uint32_t count = 0;
		double before = 0, after = 0;

		speech_make(voice, FRAMES, RATE, seed);
		memcpy(in, voice, sizeof(in));
		for (uint32_t at = RATE / 2; at + RATE / 2 < FRAMES; at += 7 * RATE / 10, count++)
			for (uint32_t i = at; i < at + RATE / 10; i++)
				in[i] += deplosive_burst(i, at, 0.1 * 3.98);
		deplosive_run(in, out, NULL);
		for (uint32_t at = RATE / 2, k = 0; k < count; at += 7 * RATE / 10, k++)
			for (uint32_t i = at; i < at + 2400; i++) {
				double burst = (double)deplosive_burst(i, at, 0.1 * 3.98);
				double rest = (double)out[i + LATENCY] - (double)voice[i];

				before += burst * burst;
				after += rest * rest;
			}
		/* What remains of it counts with what the voice lost meanwhile. */
		test_note("voice %u, %u bursts: %.1f dB down", (unsigned)seed, count,
			  10 * log10(before / after));
		CHECK(10 * log10(before / after) >= 12, "%.2f dB", 10 * log10(before / after));
	}
}

/* The burst alone: nothing of a voice in it. */
TEST(a_burst_alone_goes_down_by_12_db)
{
	memset(in, 0, sizeof(in));
	for (uint32_t i = RATE; i < RATE + 4800; i++)
		in[i] = deplosive_burst(i, RATE, 0.4);
	deplosive_run(in, out, NULL);
	CHECK(deplosive_rms(out, RATE + LATENCY, 2400) < 0.25 * deplosive_rms(in, RATE, 2400),
	      "%.1f dB",
	      20 * log10(deplosive_rms(out, RATE + LATENCY, 2400) / deplosive_rms(in, RATE, 2400)));
}

TEST(vowels_keep_their_level)
{
	static const double vowels[][4] = {{730, 1090, 2440, 3400},
					   {270, 2290, 3010, 3600},
					   {300, 870, 2240, 3300},
					   {530, 1840, 2480, 3500},
					   {570, 840, 2410, 3300}};
	static const double pitches[] = {95, 120, 200};

	for (int p = 0; p < 3; p++)
		for (int v = 0; v < 5; v++) {
			struct speech speech = {.rate = RATE, .random = 99};
			double worst = 0;

			for (uint32_t i = 0; i < FRAMES / 4; i++)
				in[i] = (float)(0.3 *
						speech_voice(&speech, vowels[v], vowels[v], 0,
							     pitches[p]) *
						fmin(1, i / 2000.0));
			memset(in + FRAMES / 4, 0, sizeof(in) / 4 * 3);
			deplosive_run(in, out, NULL);
			for (uint32_t at = 0; at + 4800 < FRAMES / 4; at += 2400)
				worst = fmax(worst, fabs(20 * log10(deplosive_rms(out, at + LATENCY,
										  4800) /
								    deplosive_rms(in, at, 4800))));
			CHECK(worst <= 0.5, "vowel %d at %g Hz: %.2f dB", v, pitches[p], worst);
		}
}

TEST(speech_without_pops_is_the_same_to_the_bit)
{
	for (uint64_t seed = 1; seed <= 6; seed++) {
		uint32_t changed = 0;

		speech_make(in, FRAMES, RATE, seed);
		deplosive_run(in, out, NULL);
		for (uint32_t i = 0; i + LATENCY < FRAMES; i++)
			changed += out[i + LATENCY] != in[i];
		test_note("voice %u: %.2f %% of samples changed", (unsigned)seed,
			  100.0 * changed / FRAMES);
		CHECK(changed < 0.02 * FRAMES, "%u", changed);
	}
}

/* Rumble that stands is no pop, however low. */
TEST(hum_is_left_alone)
{
	for (uint32_t i = 0; i < FRAMES; i++)
		in[i] = (float)(0.1 * sin(2 * M_PI * 50 / RATE * i));
	deplosive_run(in, out, NULL);
	CHECK_NEAR(20 * log10(deplosive_rms(out, RATE, RATE) / deplosive_rms(in, RATE, RATE)), 0,
		   0.01);
}

TEST(listen_gives_what_is_removed)
{
	static const struct node_host_config removed[] = {{"listen", 1, NULL}, {NULL, 0, NULL}};

	speech_make(in, FRAMES, RATE, 1);
	for (uint32_t i = RATE; i < 2 * RATE; i++)
		in[i] += deplosive_burst(i, RATE, 0.4);
	deplosive_run(in, out, NULL);
	deplosive_run(in, clean, removed);
	for (uint32_t i = 0; i + LATENCY < FRAMES; i++)
		CHECK_NEAR((double)out[i + LATENCY] + (double)clean[i + LATENCY], (double)in[i],
			   1e-6);
}

/* `link`: a pop on the left takes the lows of the right, or not. */
TEST(channels_are_linked_or_not)
{
	for (int link = 0; link < 2; link++) {
		struct node_host *host = node_host_open("deplosive", &(struct node_host_setup){0});
		const float *ins[] = {in, voice};
		float *outs[] = {out, clean};
		uint32_t changed = 0;

		for (uint32_t i = 0; i < FRAMES; i++) {
			in[i] = deplosive_burst(i, RATE, 0.4);
			voice[i] = (float)(0.1 * sin(2 * M_PI * 400 / RATE * i));
		}
		node_host_jump(host, 0, "link", link);
		node_host_process(host, ins, outs, FRAMES);
		for (uint32_t i = RATE; i < 2 * RATE; i++)
			changed += clean[i + LATENCY] != voice[i];
		CHECK((changed > 1000) == (link == 1), "%u", changed);
		node_host_free(host);
	}
}
