/* test_declick.c - declick: dsp.md 7.3. 200 random clicks of 1 to 30 samples on speech: at least 95 %
 * hit, at most 1 false alarm a second, 20 dB better where they were; what is clean is altered in less
 * than 0.01 % of its samples. */
#include "../golden/speech.h"
#include "node_host.h"
#include "test.h"

#define RATE 48000u
#define FRAMES (20u * RATE)
#define CLICKS 200u

static float clean[FRAMES], in[FRAMES], out[FRAMES + 65536];

/* Runs IN through a mono declick, its latency taken away from OUT. */
static void declick_run(const float *x, uint32_t n, const struct node_host_config *set)
{
	struct node_host *host =
		node_host_open("declick", &(struct node_host_setup){.layout = "mono"});
	uint32_t latency = node_host_latency(host);
	static float zeros[65536];
	const float *ins[] = {x}, *rest[] = {zeros};
	float *outs[] = {out}, *outs2[] = {out + n};

	CHECK(latency <= 4096 && latency >= 2048, "%u", latency);
	for (; set && set->id; set++)
		node_host_jump(host, 0, set->id, set->number);
	node_host_process(host, ins, outs, n);
	node_host_process(host, rest, outs2, latency);
	memmove(out, out + latency, n * sizeof(float));
	CHECK(node_host_meter(host, 0, "late") == 0);
	node_host_free(host);
}

static uint32_t declick_altered(const float *x, uint32_t n)
{
	uint32_t altered = 0;

	for (uint32_t i = 0; i < n; i++)
		altered += out[i] != x[i];
	return altered;
}

struct click {
	uint32_t first, length;
};

/* Clicks of 1..30 samples: lone spikes, decaying bursts and scratches, 6 to 30 dB above speech. */
static void declick_add(struct click clicks[CLICKS])
{
	memcpy(in, clean, sizeof(in));
	for (uint32_t c = 0; c < CLICKS; c++) {
		uint32_t cell = (FRAMES - 2 * RATE / 10) / CLICKS;
		uint32_t first = RATE / 10 + c * cell + test_random_below(cell - 200);
		uint32_t length = 1 + test_random_below(30);
		double level = 0.2 * pow(10, test_random() * 0.6), hz = 2000 + 8000 * test_random();

		clicks[c] = (struct click){first, length};
		for (uint32_t i = 0; i < length; i++) {
			double y = c % 3 == 0 ? (i % 2 ? -1 : 1)
				   : c % 3 == 1
					   ? cos(2 * M_PI * hz * i / RATE) * exp(-2.0 * i / length)
					   : 2 * test_random() - 1;

			in[first + i] += (float)(level * y);
		}
	}
}

struct score {
	double before, after; /* energy of the clicks */
	uint32_t hit, wrong;
};

static void declick_score(const struct click clicks[CLICKS], struct score *score)
{
	uint32_t hit = 0, wrong = 0;

	for (uint32_t c = 0; c < CLICKS; c++) {
		double before = 0, after = 0;

		for (uint32_t i = 0; i < clicks[c].length; i++) {
			uint32_t at = clicks[c].first + i;
			double d_in = (double)in[at] - (double)clean[at];
			double d_out = (double)out[at] - (double)clean[at];

			before += d_in * d_in;
			after += d_out * d_out;
		}
		hit += after < 0.1 * before;
		score->before += before;
		score->after += after;
	}
	/* A false alarm: samples altered farther than 1 ms from any click. */
	for (uint32_t i = 0, c = 0, quiet = 0; i < FRAMES; i++, quiet++) {
		while (c < CLICKS && i > clicks[c].first + clicks[c].length + 48)
			c++;
		if (out[i] == in[i] || (c < CLICKS && i + 48 > clicks[c].first))
			continue;
		wrong += quiet > 64;
		quiet = 0;
	}
	test_note("%u of %u hit, %u false in %u s", hit, CLICKS, wrong, FRAMES / RATE);
	score->hit += hit;
	score->wrong += wrong;
}

static void declick_speech(uint64_t seed, struct score *score)
{
	static struct click clicks[CLICKS];

	speech_make(clean, FRAMES, RATE, seed);
	for (uint32_t i = 0; i < FRAMES; i++) /* a room of -66 dBFS */
		clean[i] += (float)(0.0017 * (test_random() - 0.5));
	declick_add(clicks);
	declick_run(in, FRAMES, NULL);
	declick_score(clicks, score);
}

TEST(clicks_leave_speech)
{
	struct score score = {0};
	double better;

	declick_speech(1, &score); /* a man */
	declick_speech(2, &score); /* a woman */
	better = 10 * log10(score.before / score.after);
	test_note("%.1f dB better", better);
	CHECK(score.hit >= 0.95 * 2 * CLICKS, "%u", score.hit);
	CHECK(score.wrong <= 2 * FRAMES / RATE, "%u", score.wrong);
	CHECK(better >= 20, "%.1f dB", better);
}

static void declick_leaves(const char *what, uint32_t n)
{
	uint32_t altered;

	declick_run(clean, n, NULL);
	altered = declick_altered(clean, n);
	test_note("%s: %u of %u samples altered, %.4f %%", what, altered, n, 100.0 * altered / n);
	CHECK(altered < 1e-4 * n, "%s: %u of %u", what, altered, n);
}

TEST(what_is_clean_stays)
{
	for (uint64_t seed = 3; seed < 7; seed++) {
		speech_make(clean, FRAMES, RATE, seed);
		declick_leaves(seed % 2 ? "a man" : "a woman", FRAMES);
	}
	speech_chord(clean, FRAMES / 2, RATE);
	declick_leaves("chord", FRAMES / 2);
	for (uint32_t i = 0; i < FRAMES / 2; i++)
		clean[i] = (float)(test_random() - 0.5);
	declick_leaves("white noise", FRAMES / 2);
	for (uint32_t i = 0; i < FRAMES / 2; i++) { /* plucked strings, drums */
		uint32_t at = i % (RATE / 4);
		double t = (double)at / RATE;

		clean[i] = (float)(0.4 * sin(2 * M_PI * (110 << (i / (RATE / 4) % 4)) * t) *
					   exp(-5 * t) * fmin(1, t * 2000) +
				   0.4 * (test_random() - 0.5) * exp(-30 * t) * fmin(1, t * 3000) +
				   0.0002 * (test_random() - 0.5));
	}
	declick_leaves("drums", FRAMES / 2);
}

TEST(listen_gives_what_is_removed)
{
	static const struct node_host_config removed[] = {{"listen", 1, NULL}, {NULL, 0, NULL}};
	static float result[10 * RATE];

	speech_make(clean, FRAMES, RATE, 1);
	memcpy(in, clean, sizeof(in));
	for (uint32_t i = RATE; i < 9 * RATE; i += 4801)
		in[i] += 0.5f;
	declick_run(in, 10 * RATE, NULL);
	memcpy(result, out, sizeof(result));
	declick_run(in, 10 * RATE, removed);
	for (uint32_t i = 0; i < 10 * RATE; i++)
		CHECK_NEAR((double)out[i] + (double)result[i], (double)in[i], 1e-6);
}

/* `longest` and `sensitivity` do what they say, and nothing to repair means not one bit changed. */
TEST(params_are_obeyed)
{
	static const struct node_host_config brief[] = {{"longest", 0.1, NULL}, {NULL, 0, NULL}};
	static const struct node_host_config bold[] = {{"sensitivity", 100, NULL}, {NULL, 0, NULL}};
	static const struct node_host_config shy[] = {{"sensitivity", 0, NULL}, {NULL, 0, NULL}};
	uint32_t n = 4 * RATE, counts[2];

	speech_chord(clean, n, RATE);
	memcpy(in, clean, n * sizeof(float));
	for (uint32_t i = 0; i < 40; i++)
		in[RATE + i] += (float)(0.4 * (test_random() - 0.5));
	declick_run(in, n, brief);
	CHECK(declick_altered(in, n) == 0);
	declick_run(in, n, NULL);
	CHECK(declick_altered(in, n) >= 30);
	for (uint32_t i = 0; i < n; i++)
		in[i] = clean[i] + (i % 997 == 500 ? 3e-5f : 0) +
			(float)(1e-5 * (test_random() - 0.5));
	declick_run(in, n, bold);
	counts[1] = declick_altered(in, n);
	declick_run(in, n, shy);
	counts[0] = declick_altered(in, n);
	CHECK(counts[1] > 100 && counts[0] < counts[1] / 2, "%u, %u", counts[0], counts[1]);
}
