/* dsp/dynamics.h: against libm, and the recursions against plain C to the bit. */
#include "dynlanes.h"
#include "test.h"

#define FRAMES 300u

TEST(level_is_log2_to_a_thousandth_of_a_db)
{
	double worst = 0;
	float x[128];

	for (double db = -118; db < 60; db += 128 * 0.003) {
		float want[128];

		for (uint32_t i = 0; i < 128; i++) {
			want[i] = (float)pow(10, (db + 0.003 * i) / 20);
			x[i] = want[i] * want[i];
		}
		dyn_level(x, 128);
		for (uint32_t i = 0; i < 128; i++)
			worst = fmax(worst, fabs(x[i] - log2(want[i])) * DYN_DB_PER_LOG2);
	}
	test_note("worst %.2g dB", worst);
	CHECK(worst < 1e-4, "%g dB", worst);
}

TEST(gain_is_exp2_to_a_thousandth_of_a_db)
{
	struct dyn_out out = {.makeup = {3.5f, 0}, .mix = {1, 0}};
	double worst = 0;
	float x[128], want[128];

	for (double begin = 0; begin < 30; begin += 0.5) {
		float most;

		for (uint32_t i = 0; i < 128; i++)
			x[i] = want[i] = (float)(begin + i / 256.0);
		most = dyn_gain(&out, 0, x, 128);
		CHECK(most == want[127]);
		for (uint32_t i = 0; i < 128; i++)
			worst = fmax(worst, fabs(20 * log10(x[i] / exp2(3.5 - want[i]))));
	}
	test_note("worst %.2g dB", worst);
	CHECK(worst < 1e-4, "%g dB", worst);
}

TEST(what_is_not_a_number_counts_as_silence)
{
	float x[4] = {NAN, INFINITY, -INFINITY, 1e30f}, y[4];

	dyn_power(x, y, 4);
	CHECK(y[0] == 0.0f);
	for (uint32_t i = 0; i < 4; i++)
		CHECK(isfinite(y[i]));
	dyn_level(y, 4);
	for (uint32_t i = 0; i < 4; i++)
		CHECK(isfinite(y[i]), "%u: %g", i, y[i]);
}

TEST(reduction_does_not_depend_on_the_cut)
{
	struct dyn_curve curve = {{-3, 0.01f}, {0.75f, -0.002f}, {4, 0.1f}, 1.0f, 0.5f};
	float whole[16], cut[16];

	for (uint32_t i = 0; i < 16; i++)
		whole[i] = cut[i] = (float)(-5 + 6 * test_random());
	dyn_reduce(&curve, 0, whole, 16);
	dyn_reduce(&curve, 0, cut, 5);
	dyn_reduce(&curve, 5, cut + 5, 11);
	CHECK(memcmp(whole, cut, sizeof(whole)) == 0);
}

TEST(smoothing_equals_plain_c_to_the_bit)
{
	static float fast[FRAMES * 8] __attribute__((aligned(64)));
	static float plain[FRAMES * 8], release[FRAMES * 8] __attribute__((aligned(64)));
	double state[DYN_STATE_COUNT_ * 8] __attribute__((aligned(64)));
	double twin[DYN_STATE_COUNT_ * 8];
	double coef[DYN_COEF_COUNT_ * 8] __attribute__((aligned(64)));

	for (uint32_t trial = 0; trial < 100; trial++) {
		uint32_t width = 2u << trial % 3;
		bool hold = trial & 1, automatic = trial & 2;

		memset(state, 0, sizeof(state));
		memset(coef, 0, sizeof(coef));
		for (uint32_t lane = 0; lane < width; lane++) {
			coef[DYN_COEF_ATTACK * width + lane] = test_random();
			coef[DYN_COEF_RELEASE * width + lane] = 1 - 0.1 * test_random();
			coef[DYN_COEF_HOLD_FRAMES * width + lane] = test_random_below(3) * 7;
			coef[DYN_COEF_AUTO * width + lane] = test_random_below(2);
		}
		for (uint32_t i = 0; i < FRAMES * width; i++) {
			fast[i] = plain[i] = (float)fmax(0, test_random() * 4 - 3);
			release[i] = (float)test_random();
		}
		memcpy(twin, state, sizeof(twin));
		for (uint32_t done = 0, n; done < FRAMES; done += n) {
			n = 1 + test_random_below(FRAMES - done);
			dyn_smooth(width, fast + done * width,
				   automatic ? release + done * width : NULL, hold, state, coef, n);
		}
		dyn_smooth_plain(width, plain, automatic ? release : NULL, hold, twin, coef,
				 FRAMES);
		CHECK(memcmp(fast, plain, FRAMES * width * sizeof(float)) == 0, "width %u", width);
		CHECK(memcmp(state, twin, sizeof(state)) == 0, "width %u", width);
	}
}

#define ROWS DYNLANES_WIDTH

/* What dynlanes_run() does, in the passes it stands for. */
static void by_passes(const float (*in)[FRAMES], float (*out)[FRAMES], uint32_t first, uint32_t n,
		      const struct dyn_curve *curve, const float *makeup, double *state,
		      const double *coef, bool paired, float *most)
{
	static float x[FRAMES * ROWS] __attribute__((aligned(64)));
	static float row[ROWS][FRAMES];
	const float *from[ROWS];
	float *to[ROWS];

	for (uint32_t k = 0; k < ROWS; k++) {
		const float *pair[] = {in[k & ~1u] + first, in[k | 1u] + first};

		from[k] = to[k] = row[k];
		if (paired)
			dyn_power_of_loudest(pair, 2, row[k], n);
		else
			dyn_power(in[k] + first, row[k], n);
		dyn_level_reduce(&curve[k], 0, row[k], n);
	}
	dyn_to_lanes(from, x, ROWS, n);
	dyn_smooth(ROWS, x, NULL, false, state, coef, n);
	dyn_from_lanes(x, to, ROWS, n);
	for (uint32_t k = 0; k < ROWS; k++) {
		struct dyn_out gain = {.makeup = {makeup[k], 0}, .mix = {1, 0}};

		if (paired && (k & 1u)) {
			memcpy(row[k], row[k - 1], n * sizeof(float));
			most[k] = most[k - 1];
		} else {
			most[k] = dyn_gain(&gain, 0, row[k], n);
		}
		dyn_apply(in[k] + first, row[k], out[k] + first, n);
	}
}

static void one_pass(const float (*in)[FRAMES], float (*out)[FRAMES], uint32_t first, uint32_t n,
		     double *state, const double *coef, bool paired, bool halves, float *most)
{
	const float *from[ROWS];
	float *to[ROWS];
	struct dynlanes_job job = {
		.in = from, .out = to, .state = state, .coef = coef, .paired = paired};

	for (uint32_t k = 0; k < ROWS; k++) {
		from[k] = in[k] + first;
		to[k] = out[k] + first;
	}
	if (halves)
		dynlanes_run_halves(&job, most, n);
	else
		dynlanes_run(&job, most, n);
}

static void draw_lane(struct dyn_curve *curve, float makeup, double *coef)
{
	*curve = (struct dyn_curve){
		.threshold = {(float)(-6 * test_random()), 0},
		.slope = {(float)test_random(), 0},
		.range = {(float)(8 * test_random()), 0},
		.knee = test_random_below(3) ? (float)(2 * test_random()) : 0.0f,
	};
	curve->knee_scale = curve->knee > 0 ? 0.5f / curve->knee : 0;
	coef[DYN_COEF_ATTACK * ROWS] = 1 - 0.1 * test_random();
	coef[DYN_COEF_RELEASE * ROWS] = 1 - 0.01 * test_random();
	coef[DYN_COEF_LOWER * ROWS] = curve->threshold.at - 0.5f * curve->knee;
	coef[DYN_COEF_KNEE * ROWS] = curve->knee;
	coef[DYN_COEF_KNEE_SCALE * ROWS] = curve->knee_scale;
	coef[DYN_COEF_SLOPE * ROWS] = curve->slope.at;
	coef[DYN_COEF_RANGE * ROWS] = curve->range.at;
	coef[DYN_COEF_MAKEUP * ROWS] = makeup;
}

static void draw_signal(float (*in)[FRAMES])
{
	static const float odd[] = {NAN, INFINITY, -INFINITY, 0.0f, -0.0f, 1e30f, 1e-30f};

	for (uint32_t k = 0; k < ROWS; k++)
		for (uint32_t i = 0; i < FRAMES; i++)
			in[k][i] = test_random_below(40)
					   ? (float)(2 * test_random() - 1)
					   : odd[test_random_below(sizeof(odd) / sizeof(odd[0]))];
}

/* N1: also cut anywhere, in place, and on machines of half the width. */
TEST(one_pass_equals_the_passes_to_the_bit)
{
	static float in[ROWS][FRAMES], out[ROWS][FRAMES], want[ROWS][FRAMES];
	double state[DYN_STATE_COUNT_ * ROWS] __attribute__((aligned(64)));
	double twin[DYN_STATE_COUNT_ * ROWS] __attribute__((aligned(64)));
	double coef[DYN_COEF_COUNT_ * ROWS] __attribute__((aligned(64)));

	for (uint32_t trial = 0; trial < 60; trial++) {
		bool paired = trial & 1, halves = trial & 2, in_place = trial & 4;
		struct dyn_curve curve[ROWS];
		float makeup[ROWS], most[ROWS], want_most[ROWS];

		memset(coef, 0, sizeof(coef));
		memset(state, 0, sizeof(state));
		for (uint32_t k = 0; k < ROWS; k++) {
			uint32_t first = paired ? k & ~1u : k;

			makeup[k] = (float)(6 * test_random() - 2);
			draw_lane(&curve[k], makeup[k], coef + k);
			/* A pair has been alone before: its second lane stands elsewhere. */
			state[DYN_STATE_RELEASED * ROWS + k] = 4 * test_random();
			if (first == k)
				continue;
			curve[k] = curve[first];
			makeup[k] = makeup[first];
			for (uint32_t word = 0; word < DYN_COEF_COUNT_; word++)
				coef[word * ROWS + k] = coef[word * ROWS + first];
		}
		memcpy(twin, state, sizeof(twin));
		draw_signal(in);
		memset(want, 0, sizeof(want));
		memset(out, 0, sizeof(out));
		if (in_place)
			memcpy(out, in, sizeof(out));
		for (uint32_t at = 0, n; at < FRAMES; at += n) {
			n = 1 + test_random_below(test_random_below(2) ? 20 : 128);
			n = n < FRAMES - at ? n : FRAMES - at;
			by_passes(in, want, at, n, curve, makeup, twin, coef, paired, want_most);
			one_pass(in_place ? (const float(*)[FRAMES])out
					  : (const float(*)[FRAMES])in,
				 out, at, n, state, coef, paired, halves, most);
			CHECK(memcmp(most, want_most, sizeof(most)) == 0, "trial %u", trial);
		}
		CHECK(memcmp(out, want, sizeof(out)) == 0, "trial %u", trial);
		CHECK(memcmp(state, twin, sizeof(state)) == 0, "trial %u", trial);
	}
}
