/* Dialogue: loudness over ranges as BS.1770-1 has it, and what the approximate detector takes for
 * speech. */
#include "../golden/speech.h"
#include "graph_layout.h"
#include "kweight.h"
#include "measure.h"
#include "test.h"

#define RATE 48000u
#define SECONDS 30u
#define N (RATE * SECONDS)

static float left[N], right[N], centre[N], other[N];

static struct measure_result run(const char *layout, const float *const *in,
				 const struct measure_range *speech, uint32_t n_speech, bool detect)
{
	struct measure_options options;
	struct measure_result result;
	struct measure *measure = NULL;

	measure_options_init(&options);
	options.what = MEASURE_LOUDNESS;
	options.speech = speech;
	options.n_speech = n_speech;
	options.detect_speech = detect;
	CHECK(measure_new(RATE, graph_layout_find(layout, NULL), &options, &measure, NULL) == 0);
	measure_feed(measure, in, N);
	CHECK(measure_finish(measure, &result) == 0);
	measure_free(measure);
	return result;
}

/* K-weighted energy of each 10 ms of both channels. */
static void energies(double *ret)
{
	struct kweight_coef coef;
	struct kweight_state state = {{0}};

	kweight_coef_init(&coef, RATE);
	for (uint32_t t = 0; t < N / 480; t++) {
		const float *in[] = {left + 480 * t, right + 480 * t};
		double sum[2] = {0};

		kweight_sum(&coef, &state, in, 2, 480, sum);
		ret[t] = sum[0] + sum[1];
	}
}

TEST(ranges_by_the_definition)
{
	static const struct measure_range ranges[] = {{1.5, 3.27}, {8.0, 8.1}, {12.345, 21.0}};
	static double energy[N / 480];
	const float *in[] = {left, right};
	struct measure_result result;
	double sum = 0.0, spoken = 0.0;
	uint32_t blocks = 0;
	bool is_speech[N / 480];

	for (uint32_t i = 0; i < N; i++) {
		double level = 0.02 + 0.2 * fabs(sin(0.00002 * i));

		left[i] = (float)(level * (2.0 * test_random() - 1.0));
		right[i] = (float)(level * (2.0 * test_random() - 1.0));
	}
	energies(energy);
	for (uint32_t t = 0; t < N / 480; t++) {
		double at = (t + 0.5) / 100.0;

		is_speech[t] = false;
		for (uint32_t r = 0; r < 3; r++)
			is_speech[t] |= at >= ranges[r].start_s && at < ranges[r].end_s;
		spoken += is_speech[t];
	}
	for (uint32_t t = 40; t <= N / 480; t += 10) {
		double block = 0.0;
		uint32_t n = 0;

		for (uint32_t k = t - 40; k < t; k++) {
			block += energy[k];
			n += is_speech[k];
		}
		if (n < 20)
			continue;
		sum += block / 19200.0;
		blocks++;
	}
	result = run("stereo", in, ranges, 3, false);
	CHECK(blocks > 20);
	CHECK_NEAR(result.dialogue, -0.691 + 10.0 * log10(sum / blocks), 1e-6);
	CHECK_NEAR(result.speech_share, spoken / (N / 480), 1e-9);
	CHECK(!result.is_speech_detected && result.dialogue_range > 0.0);
	measure_result_done(&result);
	/* Nobody speaks, or nobody asked. */
	result = run("stereo", in, &(struct measure_range){100.0, 200.0}, 1, false);
	CHECK(isnan(result.dialogue) && result.speech_share == 0.0);
	measure_result_done(&result);
	result = run("stereo", in, NULL, 0, false);
	CHECK(isnan(result.dialogue) && isnan(result.speech_share));
	measure_result_done(&result);
}

TEST(detector_hears_a_voice)
{
	const float *in[] = {left, left};
	struct measure_result result;

	speech_make(left, N, RATE, 7);
	result = run("stereo", in, NULL, 0, true);
	test_note("voice: %.0f percent", 100.0 * result.speech_share);
	CHECK(result.is_speech_detected && result.speech_share > 0.4 && isfinite(result.dialogue));
	measure_result_done(&result);
}

TEST(detector_hears_no_voice_in_notes_and_noise)
{
	const float *in[] = {left, left};

	for (uint32_t kind = 0; kind < 4; kind++) {
		struct measure_result result;

		if (kind == 0)
			speech_chord(left, 5 * RATE, RATE);
		for (uint32_t i = 5 * RATE; i < N && kind == 0; i++)
			left[i] = left[i - 4 * RATE];
		for (uint32_t i = 0; i < N && kind > 0; i++)
			left[i] = kind == 1   ? (float)(0.2 * test_random() - 0.1)
				  : kind == 2 ? (float)(0.2 * sin(0.02 * i))
					      : 0.0f;
		result = run("stereo", in, NULL, 0, true);
		CHECK(result.speech_share < 0.05, "kind %u: %g", kind, result.speech_share);
		measure_result_done(&result);
	}
}

/* In surround the voice is in the centre, whatever goes on around it. */
TEST(detector_listens_to_the_centre)
{
	const float *in[] = {left, right, centre, other, left, right};
	struct measure_result result;

	speech_make(centre, N, RATE, 9);
	for (uint32_t i = 0; i < N; i++) {
		left[i] = (float)(0.4 * test_random() - 0.2);
		right[i] = (float)(0.4 * test_random() - 0.2);
		other[i] = 0.0f;
	}
	result = run("5.1", in, NULL, 0, true);
	CHECK(result.speech_share > 0.4, "%g", result.speech_share);
	measure_result_done(&result);
}
