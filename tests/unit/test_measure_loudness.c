/* I, M, S, LRA, true peak (daemon/delivery/measure.h) against libebur128, against the filter run through
 * in one go, and against the interpolator run everywhere. */
#include <ebur128.h>
#include <stddef.h>

#include "graph_layout.h"
#include "loudness.h"
#include "measure.h"
#include "test.h"
#include "truepeak.h"

#define CHANNELS_MAX 64

struct sound {
	double rate;
	uint32_t n_channels, n;
	float *x[CHANNELS_MAX];
};

static void sound_make(struct sound *sound, double rate, uint32_t n_channels, double seconds)
{
	sound->rate = rate;
	sound->n_channels = n_channels;
	sound->n = (uint32_t)(seconds * rate);
	for (uint32_t c = 0; c < n_channels; c++)
		sound->x[c] = calloc(sound->n + 64, sizeof(float));
}

static void sound_drop(struct sound *sound)
{
	for (uint32_t c = 0; c < sound->n_channels; c++)
		free(sound->x[c]);
}

/* Noise in passages of unlike levels from silence to beyond full scale, on a constant of DC. */
static void sound_passages(struct sound *sound, double dc)
{
	double level = 0.1;

	for (uint32_t i = 0; i < sound->n; i++) {
		if (i % (uint32_t)(0.37 * sound->rate) == 0)
			level = test_random() < 0.2 ? 0.0 : pow(10.0, -4.0 * test_random());
		for (uint32_t c = 0; c < sound->n_channels; c++)
			sound->x[c][i] = (float)(dc + level * (2.0 * test_random() - 1.0));
	}
}

static struct measure_result sound_measure(const struct sound *sound, unsigned what, bool in_pieces)
{
	char name[16];
	struct mixd_error err = {0};
	struct measure_options options;
	struct measure *measure = NULL;
	struct measure_result result;

	snprintf(name, sizeof(name), "%uch", sound->n_channels);
	measure_options_init(&options);
	options.what = what;
	CHECK(measure_new(sound->rate,
			  graph_layout_find(sound->n_channels == 1   ? "mono"
					    : sound->n_channels == 2 ? "stereo"
					    : sound->n_channels == 6 ? "5.1"
								     : name,
					    NULL),
			  &options, &measure, &err) == 0,
	      "%s", err.text);
	for (uint32_t at = 0; at < sound->n;) {
		const float *in[CHANNELS_MAX];
		uint32_t n = in_pieces ? 1 + test_random_below(30000) : sound->n;

		n = n < sound->n - at ? n : sound->n - at;
		for (uint32_t c = 0; c < sound->n_channels; c++)
			in[c] = sound->x[c] + at;
		measure_feed(measure, in, n);
		at += n;
	}
	CHECK(measure_finish(measure, &result) == 0);
	measure_free(measure);
	return result;
}

/* The same by the kernels that run live, one sample after the other. */
static struct loudness *sound_serial(const struct sound *sound)
{
	struct loudness *loudness = calloc(1, sizeof(*loudness));
	double weight[CHANNELS_MAX] = {1.0, 1.0, 1.0, 0.0, 1.41, 1.41};

	for (uint32_t c = 0; c < sound->n_channels && sound->n_channels != 6; c++)
		weight[c] = 1.0;
	loudness_init(loudness, sound->rate, sound->n_channels, weight);
	loudness_feed_all(loudness, (const float *const *)sound->x, sound->n);
	return loudness;
}

/* Filtering side by side errs by less than 1e-6 LU, whatever came before. */
TEST(segments_equal_one_after_the_other)
{
	static const struct {
		double rate, seconds, dc;
		uint32_t n_channels;
	} cases[] = {{48000, 20, 0, 2},	   {48000, 20, 0.05, 2},  {44100, 20, 0, 2},
		     {44100, 9, 0.3, 1},   {96000, 9, 0.01, 2},	  {192000, 5, 0.01, 2},
		     {22050, 12, 0.01, 2}, {11025, 12, 0, 2},	  {8000, 20, 0.01, 2},
		     {48000, 9, 0, 6},	   {48000, 5, 0.01, 12},  {44056, 9, 0.01, 2},
		     {384000, 4, 0.01, 1}, {48000, 3.9, 0.01, 64}};
	double worst = 0.0;

	for (uint32_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
		struct sound sound;
		struct measure_result result;
		struct loudness *serial;

		sound_make(&sound, cases[k].rate, cases[k].n_channels, cases[k].seconds);
		sound_passages(&sound, cases[k].dc);
		result = sound_measure(&sound, MEASURE_LOUDNESS, false);
		serial = sound_serial(&sound);
		CHECK_NEAR(result.integrated, loudness_gate_integrated(&serial->gate, NULL), 1e-6);
		CHECK_NEAR(result.momentary_max, loudness_from_energy(serial->momentary_max), 1e-6);
		CHECK_NEAR(result.shortterm_max, loudness_from_energy(serial->shortterm_max), 1e-6);
		CHECK_NEAR(result.range, loudness_gate_lra(&serial->gate), 0.021);
		worst = fmax(worst, fabs(result.integrated -
					 loudness_gate_integrated(&serial->gate, NULL)));
		worst = fmax(worst, fabs(result.momentary_max -
					 loudness_from_energy(serial->momentary_max)));
		free(serial);
		measure_result_done(&result);
		sound_drop(&sound);
	}
	test_note("worst error of side-by-side filtering: %.2g LU", worst);
}

static double oracle(const struct sound *sound, int mode, double *ret_range, double *ret_peak)
{
	ebur128_state *state = ebur128_init(sound->n_channels, (unsigned long)sound->rate, mode);
	float *frame = malloc(sizeof(float) * sound->n * sound->n_channels);
	double i = 0.0;

	for (uint32_t k = 0; k < sound->n; k++)
		for (uint32_t c = 0; c < sound->n_channels; c++)
			frame[(size_t)k * sound->n_channels + c] = sound->x[c][k];
	ebur128_add_frames_float(state, frame, sound->n);
	ebur128_loudness_global(state, &i);
	if (ret_range)
		ebur128_loudness_range(state, ret_range);
	for (uint32_t c = 0; ret_peak && c < sound->n_channels; c++)
		ebur128_sample_peak(state, c, &ret_peak[c]);
	ebur128_destroy(&state);
	free(frame);
	return i;
}

TEST(agrees_with_libebur128)
{
	static const double rates[] = {44100, 48000, 96000};

	for (uint32_t k = 0; k < 6; k++) {
		struct sound sound;
		struct measure_result result;
		double range = 0.0, peak[2], i;

		sound_make(&sound, rates[k % 3], 2, 40);
		sound_passages(&sound, 0.0);
		result = sound_measure(&sound, MEASURE_LOUDNESS | MEASURE_TRUE_PEAK, true);
		i = oracle(&sound, EBUR128_MODE_I | EBUR128_MODE_LRA | EBUR128_MODE_SAMPLE_PEAK,
			   &range, peak);
		CHECK_NEAR(result.integrated, i, 0.03);
		for (uint32_t c = 0; c < 2; c++)
			CHECK_NEAR(result.channel_sample_peak[c], 20.0 * log10(peak[c]), 1e-9);
		measure_result_done(&result);
		sound_drop(&sound);
	}
}

/* LRA by its definition: S at 10 Hz from the series, gates and percentiles in double. */
static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

TEST(range_is_that_of_tech_3342_at_10_hz)
{
	struct sound sound;
	struct measure_result result;
	double *s, sum = 0.0, gate;
	uint32_t n = 0, kept = 0;

	sound_make(&sound, 48000, 2, 90);
	sound_passages(&sound, 0.0);
	result = sound_measure(&sound, MEASURE_LOUDNESS | MEASURE_SERIES, false);
	s = calloc(result.n_series, sizeof(*s));
	for (uint32_t k = 0; k < result.n_series; k++)
		if ((double)result.shortterm[k] > -70.0) {
			s[n++] = (double)result.shortterm[k];
			sum += pow(10.0, (double)result.shortterm[k] / 10.0);
		}
	gate = 10.0 * log10(sum / n) - 20.0;
	for (uint32_t k = 0; k < n; k++)
		if (s[k] >= gate)
			s[kept++] = s[k];
	qsort(s, kept, sizeof(*s), compare);
	CHECK_NEAR(result.range,
		   s[(uint32_t)((kept - 1) * 0.95 + 0.5)] - s[(uint32_t)((kept - 1) * 0.10 + 0.5)],
		   0.03);
	CHECK_NEAR(result.range, result.range_high - result.range_low, 1e-9);
	free(s);
	measure_result_done(&result);
	sound_drop(&sound);
}

/* Calls may be cut anywhere: the same bits, in everything. */
TEST(cutting_changes_nothing)
{
	static const double rates[] = {48000, 44100, 22050, 8000};

	for (uint32_t k = 0; k < 4; k++) {
		struct sound sound;
		struct measure_result whole, cut;

		sound_make(&sound, rates[k], 2, 11.2345);
		sound_passages(&sound, 0.001);
		whole = sound_measure(&sound, MEASURE_ALL, false);
		cut = sound_measure(&sound, MEASURE_ALL, true);
		CHECK(memcmp(whole.momentary, cut.momentary, whole.n_series * sizeof(float)) == 0);
		CHECK(memcmp(whole.peak, cut.peak, whole.n_series * sizeof(float)) == 0);
		CHECK(memcmp(&whole, &cut, offsetof(struct measure_result, clip)) == 0);
		CHECK(whole.n_over == cut.n_over && whole.n_clip == cut.n_clip);
		measure_result_done(&whole);
		measure_result_done(&cut);
		sound_drop(&sound);
	}
}

/* ---- true peak ------------------------------------------------------------------------------ */

/* The interpolator everywhere; overs as they are defined. */
static float brute_peak(const struct sound *sound, uint32_t c, uint64_t *overs)
{
	struct truepeak_filter filter;
	float *padded = calloc(sound->n + 160, sizeof(float));
	float *envelope = calloc(sound->n + 160, sizeof(float));
	float highest;

	truepeak_filter_init(&filter, sound->rate, 7.0);
	memcpy(padded + 64, sound->x[c], sound->n * sizeof(float));
	truepeak_envelope(&filter, padded + 64, envelope, sound->n + 31);
	highest = truepeak_highest(envelope, sound->n + 31);
	for (uint32_t i = 0; i < sound->n + 31; i++)
		*overs += envelope[i] > 1.0f && (i == 0 || envelope[i - 1] <= 1.0f);
	free(padded);
	free(envelope);
	return highest;
}

static void peak_sound(struct sound *sound, uint32_t kind)
{
	for (uint32_t c = 0; c < sound->n_channels; c++)
		for (uint32_t i = 0; i < sound->n; i++) {
			double t = i / sound->rate, x = 0.0;

			switch (kind) {
			case 0: /* noise that swells */
				x = (2.0 * test_random() - 1.0) * (0.2 + 0.7 * t / 3.0);
				break;
			case 1: /* clipped: many equal peaks */
				x = fmax(-0.98,
					 fmin(0.98, 3.0 * sin(1234.5 * t) * sin(3.0 * t + c)));
				break;
			case 2: /* sparse ticks */
				x = test_random() < 0.0005 ? 1.6 * test_random() - 0.8 : 0.0;
				break;
			default: /* beyond full scale, at a quarter of the rate */
				x = 1.3 * sin(M_PI / 2.0 * i + 0.7 + c) * fabs(sin(5.0 * t));
			}
			sound->x[c][i] = (float)x;
		}
}

TEST(peaks_have_the_bits_of_interpolating_everywhere)
{
	static const double rates[] = {8000, 44100, 48000, 96000, 192000};

	for (uint32_t k = 0; k < 20; k++) {
		struct sound sound;
		struct measure_result quick, by_hops;
		uint64_t overs = 0;
		double highest = 0.0;

		sound_make(&sound, rates[k % 5], 2, 3.0317);
		peak_sound(&sound, k / 5);
		quick = sound_measure(&sound, MEASURE_TRUE_PEAK, true);
		by_hops = sound_measure(&sound, MEASURE_TRUE_PEAK | MEASURE_SERIES, false);
		for (uint32_t c = 0; c < 2; c++) {
			double want = (double)brute_peak(&sound, c, &overs);

			highest = fmax(highest, want);
			want = 20.0 * log10(want);
			CHECK(quick.channel_true_peak[c] == want, "%.17g, want %.17g",
			      quick.channel_true_peak[c], want);
			CHECK(by_hops.channel_true_peak[c] == want);
			CHECK(quick.channel_true_peak[c] >= quick.channel_sample_peak[c]);
		}
		CHECK(quick.n_overs == overs, "%u: %llu overs, want %llu", k,
		      (unsigned long long)quick.n_overs, (unsigned long long)overs);
		CHECK(by_hops.n_overs == overs);
		CHECK(quick.true_peak == 20.0 * log10(highest));
		CHECK(quick.n_over == (overs < MEASURE_LIST_MAX ? overs : MEASURE_LIST_MAX));
		for (uint32_t e = 1; e < quick.n_over; e++)
			CHECK(quick.over[e - 1].at_s <= quick.over[e].at_s);
		measure_result_done(&quick);
		measure_result_done(&by_hops);
		sound_drop(&sound);
	}
}

/* The highest of 100 ms, as plots and PSR take it. */
TEST(peaks_of_hops_are_exact)
{
	for (uint32_t kind = 0; kind < 4; kind++) {
		struct truepeak_filter filter;
		struct sound sound;
		struct measure_result result;
		float *padded, *envelope;

		sound_make(&sound, 44100, 1, 2.5);
		peak_sound(&sound, kind);
		result = sound_measure(&sound, MEASURE_SERIES, true);
		padded = calloc(sound.n + 160, sizeof(float));
		envelope = calloc(sound.n + 160, sizeof(float));
		truepeak_filter_init(&filter, sound.rate, 7.0);
		memcpy(padded + 64, sound.x[0], sound.n * sizeof(float));
		truepeak_envelope(&filter, padded + 64, envelope, sound.n + 31);
		CHECK(result.n_series == 25);
		for (uint32_t h = 0; h < 25; h++) {
			float want =
				truepeak_highest(envelope + h * 4410, h < 24 ? 4410 : 4410 + 31);

			CHECK(result.peak[h] == (want > 0.0f ? (float)(20.0 * log10((double)want))
							     : -INFINITY),
			      "kind %u hop %u", kind, h);
		}
		free(padded);
		free(envelope);
		measure_result_done(&result);
		sound_drop(&sound);
	}
}

/* An independent meter: 32 points per sample by sin(x)/x over 512 samples, in double. */
TEST(true_peak_of_sines_by_another_meter)
{
	for (uint32_t k = 0; k < 12; k++) {
		struct sound sound;
		struct measure_result result;
		double hz = 997.0 + 1600.0 * k, phase = 6.28 * test_random(), want = 0.0;

		sound_make(&sound, 48000, 1, 0.2);
		for (uint32_t i = 0; i < sound.n; i++)
			sound.x[0][i] = (float)(0.8 * sin(2.0 * M_PI * hz * i / 48000.0 + phase) *
						(0.5 - 0.5 * cos(2.0 * M_PI * i / sound.n)));
		for (uint32_t p = (sound.n / 2 - 96) * 32; p < (sound.n / 2 + 96) * 32; p++) {
			double at = p / 32.0, sum = 0.0;

			for (int32_t i = (int32_t)at - 255; i <= (int32_t)at + 256; i++) {
				double t = at - i, w = cos(M_PI * t / 514.0);

				sum += (double)sound.x[0][i] * w * w *
				       (t == 0.0 ? 1.0 : sin(M_PI * t) / (M_PI * t));
			}
			want = fmax(want, fabs(sum));
		}
		result = sound_measure(&sound, MEASURE_TRUE_PEAK, false);
		CHECK(fabs(result.true_peak - 20.0 * log10(want)) < 0.18, "%g Hz: %.3f, want %.3f",
		      hz, result.true_peak, 20.0 * log10(want));
		CHECK(result.true_peak < 20.0 * log10(want) + 0.02);
		measure_result_done(&result);
		sound_drop(&sound);
	}
}

/* ---- ends ----------------------------------------------------------------------------------- */

TEST(too_short_is_undefined_and_silence_is_minus_infinity)
{
	static const double lengths[] = {0, 1 / 48000.0, 0.2, 0.3999, 0.4, 2.9, 3.0, 5.0};

	for (uint32_t k = 0; k < 16; k++) {
		double seconds = lengths[k % 8];
		struct sound sound;
		struct measure_result result;

		sound_make(&sound, 48000, 2, seconds + 1e-9);
		for (uint32_t i = 0; k >= 8 && i < sound.n; i++)
			sound.x[0][i] = sound.x[1][i] = (float)(0.1 * sin(0.13 * i));
		result = sound_measure(&sound, MEASURE_ALL, true);
		CHECK(result.n_frames == sound.n);
		CHECK(isnan(result.integrated) == (seconds < 0.4), "%g s", seconds);
		CHECK(isnan(result.momentary_max) == (seconds < 0.4));
		CHECK(isnan(result.shortterm_max) == (seconds < 3.0));
		CHECK(isnan(result.range) == (seconds < 3.0));
		if (k >= 8 && seconds >= 0.4)
			CHECK(isfinite(result.integrated) && isfinite(result.plr));
		if (k < 8 && seconds >= 0.4)
			CHECK(result.integrated == -INFINITY && result.momentary_max == -INFINITY);
		if (k < 8 || sound.n < 2) {
			CHECK(result.true_peak == -INFINITY && result.sample_peak == -INFINITY);
			CHECK(isnan(result.plr));
		}
		measure_result_done(&result);
		sound_drop(&sound);
	}
}

TEST(every_rate_and_number_of_channels)
{
	static const double rates[] = {8000,  11025, 12345, 16000,  22050,  32000,
				       44100, 48000, 88200, 176400, 352800, 384000};

	for (uint32_t k = 0; k < 24; k++) {
		struct sound sound;
		struct measure_result result;

		sound_make(&sound, rates[k % 12],
			   k < 12    ? 1 + k
			   : k == 12 ? 64
				     : 2,
			   k < 12 ? 0.6 : 3.2);
		for (uint32_t c = 0; c < sound.n_channels; c++)
			for (uint32_t i = 0; i < sound.n; i++)
				sound.x[c][i] =
					(float)(0.1 * sin(2.0 * M_PI * 997.0 * i / sound.rate));
		result = sound_measure(&sound, MEASURE_ALL, true);
		/* K gains 0.691 dB at 997 Hz: the offset of the formula goes away. */
		if (sound.n_channels != 6)
			CHECK_NEAR(result.integrated, -23.01 + 10.0 * log10(sound.n_channels),
				   0.03);
		CHECK_NEAR(result.rms, -23.01, 0.02);
		/* It begins and ends in the middle of things: the wave swings over. */
		CHECK(result.true_peak > -20.01 && result.true_peak < -18.9);
		measure_result_done(&result);
		sound_drop(&sound);
	}
}

TEST(dual_mono_counts_twice)
{
	struct mixd_error err = {0};
	struct measure_options options;
	struct measure_result result[2];
	static float x[48000];
	const float *in[] = {x};

	for (uint32_t i = 0; i < 48000; i++)
		x[i] = (float)(0.2 * sin(0.11 * i));
	for (uint32_t k = 0; k < 2; k++) {
		struct measure *measure;

		measure_options_init(&options);
		options.dual_mono = k;
		CHECK(measure_new(48000, graph_layout_find("mono", NULL), &options, &measure,
				  &err) == 0);
		measure_feed(measure, in, 48000);
		CHECK(measure_finish(measure, &result[k]) == 0);
		measure_free(measure);
	}
	CHECK_NEAR(result[1].integrated - result[0].integrated, 10.0 * log10(2.0), 1e-9);
	measure_result_done(&result[0]);
	measure_result_done(&result[1]);
}

TEST(pooled_is_measured_as_one)
{
	struct sound sound[2], both;
	struct measure_result result[2], pool, whole;
	const struct measure_result *list[] = {&result[0], &result[1]};

	for (uint32_t k = 0; k < 2; k++) {
		sound_make(&sound[k], 48000, 2, 20.0 + 5.0 * k);
		sound_passages(&sound[k], 0.0);
		result[k] = sound_measure(&sound[k], MEASURE_TABLE, false);
	}
	CHECK(measure_pool(list, 1, &pool) == 0);
	CHECK(pool.integrated == result[0].integrated && pool.range == result[0].range);
	CHECK(pool.true_peak == result[0].true_peak);
	CHECK_NEAR(pool.rms, result[0].rms, 1e-9);
	measure_result_done(&pool);
	CHECK(measure_pool(list, 2, &pool) == 0);
	sound_make(&both, 48000, 2, 45.0);
	for (uint32_t c = 0; c < 2; c++) {
		memcpy(both.x[c], sound[0].x[c], sound[0].n * sizeof(float));
		memcpy(both.x[c] + sound[0].n, sound[1].x[c], sound[1].n * sizeof(float));
	}
	whole = sound_measure(&both, MEASURE_TABLE, false);
	/* The few blocks that straddle the seam are in one and not in the other. */
	CHECK_NEAR(pool.integrated, whole.integrated, 0.05);
	CHECK_NEAR(pool.rms, whole.rms, 1e-6);
	CHECK(pool.true_peak >= fmax(result[0].true_peak, result[1].true_peak));
	CHECK_NEAR(pool.plr, pool.true_peak - pool.integrated, 1e-9);
	CHECK(pool.n_frames == both.n);
	measure_result_done(&pool);
	measure_result_done(&whole);
	result[1].gates = (free(result[1].gates), NULL);
	CHECK(measure_pool(list, 2, &pool) < 0);
	for (uint32_t k = 0; k < 2; k++) {
		measure_result_done(&result[k]);
		sound_drop(&sound[k]);
	}
	sound_drop(&both);
}

TEST(what_cannot_be_measured_is_refused)
{
	static const uint8_t position[MIXD_POS_COUNT_ + 64] = {0};
	const struct mixd_layout none = {"0", 0, position}, many = {"65ch", 65, position};
	struct mixd_error err = {0};
	struct measure_options options;
	struct measure *measure = NULL;

	measure_options_init(&options);
	CHECK(measure_new(48000, &none, &options, &measure, &err) < 0 && err.code == 5);
	CHECK(measure_new(48000, &many, &options, &measure, &err) < 0);
	CHECK(measure_new(10, graph_layout_find("mono", NULL), &options, &measure, &err) < 0);
	CHECK(measure_new(NAN, graph_layout_find("mono", NULL), &options, &measure, &err) < 0);
	CHECK(!measure);
}

/* Infinity and NaN from outside spoil no more than their own 10 ms. */
TEST(not_a_number_does_not_stay)
{
	struct sound sound;
	struct measure_result result;

	sound_make(&sound, 48000, 2, 8.0);
	for (uint32_t i = 0; i < sound.n; i++)
		sound.x[0][i] = sound.x[1][i] = (float)(0.1 * sin(0.13 * i));
	sound.x[0][100000] = NAN;
	sound.x[1][200000] = INFINITY;
	result = sound_measure(&sound, MEASURE_LOUDNESS, false);
	CHECK(isfinite(result.integrated) && isfinite(result.shortterm_max));
	CHECK_NEAR(result.integrated, -20.0, 0.5);
	measure_result_done(&result);
	sound_drop(&sound);
}
