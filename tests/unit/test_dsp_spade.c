/* dsp/spade.h: a frame comes back as known where it is known, never inside the clip level, and nearer
 * to what it was. */
#include "spade.h"
#include "test.h"

#define N 1024u

static _Alignas(64) char memory[1 << 18];
static float clean[N], clipped[N], sum[N], weight[N];
static uint8_t mark[N];

static void frame_make(float level)
{
	for (uint32_t i = 0; i < N; i++) {
		clean[i] = (float)(0.5 * sin(0.0503 * i) + 0.4 * sin(0.1277 * i + 1) +
				   0.2 * sin(0.411 * i + 2));
		clipped[i] = fmaxf(-level, fminf(level, clean[i]));
		mark[i] = clean[i] >= level    ? SPADE_ABOVE
			  : clean[i] <= -level ? SPADE_BELOW
					       : SPADE_KNOWN;
	}
	memset(sum, 0, sizeof(sum));
	memset(weight, 0, sizeof(weight));
}

TEST(a_frame_of_three_tones_is_restored)
{
	struct spade spade;
	double before = 0, after = 0;

	CHECK(spade_bytes(N) <= sizeof(memory));
	spade_place(&spade, N, memory);
	frame_make(0.5f);
	CHECK(spade_frame(&spade, clipped, mark, sum, weight) > 1);
	for (uint32_t i = 0; i < N; i++) {
		double w = 0.5 - 0.5 * cos(2 * M_PI * (i + 0.5) / N), y = (double)sum[i];

		CHECK_NEAR((double)weight[i], w, 1e-6);
		if (mark[i] == SPADE_KNOWN)
			CHECK(sum[i] == clipped[i] * spade.window[i]);
		else
			CHECK(fabs(y) >= 0.5 * w - 1e-6, "%g at %u", y, i);
		before += pow(w * ((double)clipped[i] - (double)clean[i]), 2);
		after += pow(y - w * (double)clean[i], 2);
	}
	test_note("%.1f dB better", 10 * log10(before / after));
	CHECK(10 * log10(before / after) >= 20);
}

TEST(what_is_known_stays_and_silence_ends_at_once)
{
	struct spade spade;

	spade_place(&spade, N, memory);
	frame_make(2.0f);
	CHECK(spade_frame(&spade, clipped, mark, sum, weight) <= 60);
	for (uint32_t i = 0; i < N; i++)
		CHECK(sum[i] == clipped[i] * spade.window[i]);
	memset(clipped, 0, sizeof(clipped));
	CHECK(spade_frame(&spade, clipped, mark, sum, weight) == 0);
}
