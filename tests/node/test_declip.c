/* test_declip.c - declip: dsp.md 7.4. Clipped at 10 dB SDR: at least 8 dB better on each piece; what was
 * not clipped is the same to the bit; what was is nowhere below the clip level. */
#include "../golden/speech.h"
#include "node_host.h"
#include "test.h"

#define RATE 48000u
#define FRAMES (4u * RATE)
#define LATENCY 6144u

static float clean[FRAMES], in[FRAMES], out[FRAMES + LATENCY];

/* ---- material ---- */

static void music_chord(void)
{
	speech_chord(clean, FRAMES, RATE);
}

/* Plucked strings, a little stiff, over a held fifth. */
static void music_strings(void)
{
	for (uint32_t i = 0; i < FRAMES; i++) {
		double t = (double)(i % (RATE / 2)) / RATE, y = 0;
		double hz = 110 * pow(2, (i / (RATE / 2) * 7 % 12) / 12.0);

		for (int h = 1; h < 9; h++)
			y += 0.4 / h * sin(2 * M_PI * hz * h * t * (1 + 0.0003 * h * h) + h) *
			     exp(-1.5 * t * h) * fmin(1, t * 500);
		y += 0.2 * sin(2 * M_PI * 330.0 * i / RATE) +
		     0.15 * sin(2 * M_PI * 495.0 * i / RATE);
		clean[i] = (float)(0.4 * y);
	}
}

/* Bass and hits of noise on the beat. */
static void music_drums(void)
{
	for (uint32_t i = 0; i < FRAMES; i++) {
		double t = (double)(i % (RATE / 3)) / RATE;

		clean[i] = (float)(0.4 * sin(2 * M_PI * (60 + 40 * exp(-30 * t)) * t) *
					   exp(-6 * t) * fmin(1, t * 1000) +
				   0.15 * (test_random() - 0.5) * exp(-25 * t) * fmin(1, t * 2000) +
				   0.1 * sin(2 * M_PI * 220.0 * i / RATE) +
				   0.07 * sin(2 * M_PI * 277.2 * i / RATE));
	}
}

static void speech_man(void)
{
	speech_make(clean, FRAMES, RATE, 1);
}

static void speech_woman(void)
{
	speech_make(clean, FRAMES, RATE, 2);
}

/* ---- clipping and measuring ---- */

static double declip_sdr(const float *x)
{
	double signal = 0, error = 0;

	for (uint32_t i = RATE / 4; i < FRAMES - RATE / 4; i++) {
		double e = (double)x[i] - (double)clean[i];

		signal += (double)clean[i] * (double)clean[i];
		error += e * e;
	}
	return 10 * log10(signal / (error + 1e-30));
}

static void declip_clip(float level)
{
	for (uint32_t i = 0; i < FRAMES; i++)
		in[i] = fmaxf(-level, fminf(level, clean[i]));
}

/* The level that leaves SDR_DB. */
static float declip_clip_to(double sdr_db)
{
	float low = 0, high = 2;

	for (int i = 0; i < 40; i++) {
		float middle = (low + high) / 2;

		declip_clip(middle);
		if (declip_sdr(in) > sdr_db)
			high = middle;
		else
			low = middle;
	}
	declip_clip(high);
	return high;
}

static void declip_run(const float *x, const struct node_host_config *params)
{
	struct node_host *host =
		node_host_open("declip", &(struct node_host_setup){.layout = "mono"});
	static float zeros[LATENCY];
	const float *ins[] = {x}, *rest[] = {zeros};
	float *outs[] = {out}, *outs2[] = {out + FRAMES};

	CHECK(node_host_latency(host) == LATENCY);
	for (; params && params->id; params++)
		node_host_jump(host, 0, params->id, params->number);
	node_host_process(host, ins, outs, FRAMES);
	node_host_process(host, rest, outs2, LATENCY);
	memmove(out, out + LATENCY, FRAMES * sizeof(float));
	CHECK(node_host_meter(host, 0, "late") == 0);
	node_host_free(host);
}

static void declip_check(const char *name, void (*make)(void), double sdr_db, double better_db)
{
	double better;
	float level;
	uint32_t count = 0;

	make();
	level = declip_clip_to(sdr_db);
	declip_run(in, NULL);
	for (uint32_t i = 0; i < FRAMES; i++) {
		bool is_clipped = fabsf(in[i]) >= level;

		count += is_clipped;
		if (fabsf(in[i]) < level * 0.99f)
			CHECK(out[i] == in[i], "%s: sample %u is %g, was %g", name, i,
			      (double)out[i], (double)in[i]);
		CHECK(!is_clipped || fabsf(out[i]) >= level, "%s: %g below %g at %u", name,
		      (double)out[i], (double)level, i);
	}
	better = declip_sdr(out) - declip_sdr(in);
	test_note("%s at %g dB: %.1f %% clipped, %.1f dB better", name, sdr_db,
		  100.0 * count / FRAMES, better);
	CHECK(better >= better_db, "%s: %.2f dB", name, better);
}

TEST(heavy_clipping)
{
	declip_check("chord", music_chord, 10, 8);
	declip_check("strings", music_strings, 10, 8);
	declip_check("drums", music_drums, 10, 8);
	declip_check("man", speech_man, 10, 8);
	declip_check("woman", speech_woman, 10, 8);
}

TEST(light_clipping)
{
	declip_check("chord", music_chord, 25, 10);
	declip_check("strings", music_strings, 25, 10);
	declip_check("man", speech_man, 20, 10);
	declip_check("woman", speech_woman, 20, 10);
}

/* What was never clipped is the same to the bit, whatever its peaks look like. */
TEST(what_is_not_clipped_stays)
{
	static void (*const makes[])(void) = {music_chord, music_strings, music_drums, speech_man};

	for (int m = 0; m < 4; m++) {
		makes[m]();
		declip_run(clean, NULL);
		CHECK(memcmp(out, clean, sizeof(clean)) == 0, "piece %d", m);
	}
	for (int hz = 30; hz < 12000; hz = hz * 3 / 2) {
		for (uint32_t i = 0; i < FRAMES; i++)
			clean[i] = (float)(0.9 * sin(2 * M_PI * hz * i / RATE));
		declip_run(clean, NULL);
		CHECK(memcmp(out, clean, sizeof(clean)) == 0, "a sine of %d Hz", hz);
	}
}

/* Clipped, then turned down and dithered, as it is found on records: `sensitivity` finds it. */
TEST(tops_that_are_not_quite_flat)
{
	double before;

	music_strings();
	declip_clip_to(15);
	for (uint32_t i = 0; i < FRAMES; i++) {
		in[i] = 0.8f * in[i] + (float)(6e-5 * (test_random() - 0.5));
		clean[i] *= 0.8f;
	}
	before = declip_sdr(in);
	declip_run(in, NULL);
	CHECK(declip_sdr(out) - before >= 6, "%.1f dB", declip_sdr(out) - before);
}

TEST(listen_gives_what_was_lacking)
{
	static const struct node_host_config removed[] = {{"listen", 1, NULL}, {NULL, 0, NULL}};
	static float result[FRAMES];

	music_chord();
	declip_clip_to(10);
	declip_run(in, NULL);
	memcpy(result, out, sizeof(result));
	declip_run(in, removed);
	for (uint32_t i = 0; i < FRAMES; i++)
		CHECK_NEAR((double)out[i] + (double)result[i], (double)in[i], 1e-6);
}
