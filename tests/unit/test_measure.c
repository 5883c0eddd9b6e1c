/* Levels, faults, spectrum and dynamics (daemon/delivery/measure.h), each against its definition worked
 * out here in double, or a signal whose figure is known. */
#include <stddef.h>

#include "graph_layout.h"
#include "measure.h"
#include "test.h"

#define RATE 48000
#define SECONDS_MAX 60

static float left[RATE * SECONDS_MAX], right[RATE * SECONDS_MAX];

static struct measure_result run_at(double rate, uint32_t n, uint32_t n_channels, unsigned what)
{
	const float *in[] = {left, right};
	struct mixd_error err = {0};
	struct measure_options options;
	struct measure *measure = NULL;
	struct measure_result result;

	measure_options_init(&options);
	options.what = what;
	CHECK(measure_new(rate, graph_layout_find(n_channels == 1 ? "mono" : "stereo", NULL),
			  &options, &measure, &err) == 0);
	measure_feed(measure, in, n);
	CHECK(measure_finish(measure, &result) == 0);
	measure_free(measure);
	return result;
}

static struct measure_result run(uint32_t n, uint32_t n_channels, unsigned what)
{
	return run_at(RATE, n, n_channels, what);
}

static double noise(void)
{
	return 2.0 * test_random() - 1.0;
}

static void clear(void)
{
	memset(left, 0, sizeof(left));
	memset(right, 0, sizeof(right));
}

static void both(uint32_t i, double x)
{
	left[i] = right[i] = (float)x;
}

/* ---- levels --------------------------------------------------------------------------------- */

TEST(levels_by_their_definitions)
{
	uint32_t n = RATE * 7 + 1234;
	double sum[2] = {0}, square[2] = {0}, product = 0.0, lowest = INFINITY, dc;
	struct measure_result result;

	for (uint32_t i = 0; i < n; i++) {
		double common = noise(), level = i > 3 * RATE && i < 4 * RATE ? 0.001 : 0.2;

		left[i] = (float)(level * (common + 0.3 * noise()) + 0.003);
		right[i] = (float)(level * (0.7 * common - 0.3 * noise()) - 0.001);
	}
	result = run(n, 2, MEASURE_LEVELS);
	for (uint32_t i = 0; i < n; i++) {
		double l = (double)left[i], r = (double)right[i];

		sum[0] += l;
		sum[1] += r;
		square[0] += l * l;
		square[1] += r * r;
		product += l * r;
	}
	CHECK_NEAR(result.channel_rms[0], 10.0 * log10(square[0] / n), 1e-6);
	CHECK_NEAR(result.channel_rms[1], 10.0 * log10(square[1] / n), 1e-6);
	CHECK_NEAR(result.rms, 10.0 * log10((square[0] + square[1]) / (2.0 * n)), 1e-6);
	CHECK_NEAR(result.dc[0], sum[0] / n, 1e-9);
	CHECK_NEAR(result.dc[1], sum[1] / n, 1e-9);
	dc = fmax(fabs(sum[0]), fabs(sum[1])) / n;
	CHECK_NEAR(result.dc_max, 20.0 * log10(dc), 1e-6);
	CHECK_NEAR(result.correlation, product / sqrt(square[0] * square[1]), 1e-9);
	for (uint32_t first = 0; first + RATE / 2 <= n; first += RATE / 100) {
		double power = 0.0;

		for (uint32_t i = first; i < first + RATE / 2; i++)
			power += (double)left[i] * (double)left[i] +
				 (double)right[i] * (double)right[i];
		lowest = fmin(lowest, power / RATE);
	}
	CHECK_NEAR(result.noise_floor, 10.0 * log10(lowest), 1e-6);
	measure_result_done(&result);
}

/* Digital silence is no noise floor; -60 dB of noise between is. */
TEST(noise_floor_is_that_of_sound)
{
	struct measure_result result;

	clear();
	for (uint32_t i = 0; i < 10 * RATE; i++)
		both(i, i < 4 * RATE ? 0.1 * noise() : i < 6 * RATE ? 0.001 * noise() : 0.0);
	result = run(10 * RATE, 2, MEASURE_LEVELS);
	CHECK_NEAR(result.noise_floor, -60.0 - 10.0 * log10(3.0), 0.3);
	measure_result_done(&result);
	result = run(RATE / 3, 2, MEASURE_LEVELS);
	CHECK(isnan(result.noise_floor));
	measure_result_done(&result);
	clear();
	result = run(RATE, 2, MEASURE_LEVELS);
	CHECK(isnan(result.noise_floor) && result.rms == -INFINITY && result.dc_max == -INFINITY);
	CHECK(isnan(result.correlation) && isnan(result.fold_down));
	measure_result_done(&result);
}

TEST(stereo_field)
{
	struct measure_result result;

	for (uint32_t i = 0; i < 4 * RATE; i++)
		both(i, 0.2 * noise());
	result = run(4 * RATE, 2, MEASURE_LEVELS);
	CHECK_NEAR(result.correlation, 1.0, 1e-12);
	CHECK_NEAR(result.fold_down, 0.0, 1e-5);
	CHECK_NEAR(result.balance, 0.0, 1e-9);
	measure_result_done(&result);
	for (uint32_t i = 0; i < 4 * RATE; i++)
		right[i] = i < 2 * RATE ? -left[i] : left[i] * 0.5f;
	result = run(4 * RATE, 2, MEASURE_LEVELS);
	CHECK_NEAR(result.correlation_min, -1.0, 1e-9);
	CHECK(fabs(result.correlation) < 0.5);
	measure_result_done(&result);
	for (uint32_t i = 0; i < 4 * RATE; i++)
		right[i] = (float)(0.1 * noise());
	result = run(4 * RATE, 2, MEASURE_LEVELS);
	CHECK_NEAR(result.balance, 6.02, 0.05);
	CHECK_NEAR(result.fold_down, -3.01, 0.1);
	measure_result_done(&result);
	for (uint32_t i = 0; i < 4 * RATE; i++)
		right[i] = -left[i];
	result = run(4 * RATE, 2, MEASURE_LEVELS);
	CHECK(result.fold_down == -INFINITY);
	measure_result_done(&result);
	result = run(4 * RATE, 1, MEASURE_LEVELS);
	CHECK(isnan(result.correlation) && isnan(result.fold_down) && isnan(result.balance));
	measure_result_done(&result);
}

/* Syllables of 160 ms, five to a phrase, and 0.4 s to breathe; ROOM between and beneath. */
static struct measure_result speak(double room, double (*gain)(double t))
{
	for (uint32_t i = 0; i < 20 * RATE; i++) {
		double t = i / (double)RATE, phrase = fmod(t, 1.2);
		double rise = phrase < 0.8 ? sin(M_PI * fmod(phrase, 0.16) / 0.16) : 0.0;

		both(i, (0.3 * rise * rise * sin(880.0 * t) + room * noise()) *
				(gain ? gain(t) : 1.0));
	}
	return run(20 * RATE, 2, MEASURE_LEVELS);
}

static double padded_and_cut(double t)
{
	return t > 1.0 && t < 18.0 && (t < 8.0 || t > 8.4);
}

static double faded_cuts(double t)
{
	return fmin(fmax((fabs(fmod(t, 2.4) - 1.0) - 0.3) / 0.05, 0.0), 1.0);
}

/* A gate leaves pauses of digital silence, and no floor that speech could be taken for. Ends and cuts of
 * digital silence, with fades or without, leave the noise between words. */
TEST(noise_floor_of_a_gated_voice)
{
	double (*const gains[])(double) = {NULL, padded_and_cut, faded_cuts, NULL};

	for (uint32_t k = 0; k < 4; k++) {
		struct measure_result result = speak(k < 3 ? 0.03 : 0.0, gains[k]);
		double floor_db = result.noise_floor;

		CHECK(result.is_gated == (k == 3), "%u", k);
		CHECK(k < 3 ? fabs(floor_db + 31.0) < 5.0 : floor_db == -INFINITY, "%u: %g", k,
		      floor_db);
		measure_result_done(&result);
	}
}

/* ---- silence -------------------------------------------------------------------------------- */

TEST(head_tail_and_pauses)
{
	const uint32_t begin = 34567, pause = 3 * RATE + 11, resume = 5 * RATE + 77,
		       end = 7 * RATE + 4321, n = 9 * RATE + 13;
	struct measure_result result;

	for (uint32_t i = 0; i < n; i++) {
		bool sounds = (i >= begin && i < pause) || (i >= resume && i < end);

		both(i, sounds ? 0.3 * (noise() > 0.0 ? 1.0 : -1.0) : 0.0005 * noise());
	}
	/* A mouse is no programme. */
	both(100, 0.03);
	both(n - 200, 0.03);
	result = run(n, 2, MEASURE_FAULTS);
	CHECK_NEAR(result.head_s, begin / (double)RATE, 1e-9);
	CHECK_NEAR(result.tail_s, (n - end) / (double)RATE, 1e-9);
	CHECK_NEAR(result.longest_silence_s, (resume - pause) / (double)RATE, 1e-9);
	CHECK_NEAR(result.tail_rms, 20.0 * log10(0.0005 / sqrt(3.0)), 0.8);
	CHECK_NEAR(result.head_rms, 20.0 * log10(0.0005 / sqrt(3.0)), 1.5);
	CHECK(result.n_dropouts == 0);
	measure_result_done(&result);
}

TEST(all_sound_and_all_silence)
{
	struct measure_result result;

	for (uint32_t i = 0; i < RATE; i++)
		both(i, 0.3 * noise() + 0.2);
	result = run(RATE, 2, MEASURE_FAULTS);
	CHECK(result.head_s == 0.0 && result.tail_s == 0.0 && result.longest_silence_s == 0.0);
	CHECK(isnan(result.head_rms) && isnan(result.tail_rms));
	measure_result_done(&result);
	clear();
	result = run(RATE, 2, MEASURE_FAULTS);
	CHECK(result.head_s == 1.0 && result.tail_s == 1.0 && result.head_rms == -INFINITY);
	CHECK(result.n_dropouts == 0 && result.clip_runs == 0 && result.n_clicks == 0);
	measure_result_done(&result);
	result = run(0, 2, MEASURE_FAULTS);
	CHECK(result.head_s == 0.0 && isnan(result.head_rms));
	measure_result_done(&result);
}

static void hole(float *x, uint32_t from, uint32_t length)
{
	memset(x + from, 0, length * sizeof(*x));
}

TEST(dropouts_are_found_where_they_are)
{
	uint32_t n = 8 * RATE;
	struct measure_result result;

	for (uint32_t i = 0; i < n; i++) {
		left[i] = (float)(0.3 * noise() + 0.001);
		right[i] = (float)(0.3 * noise() + 0.001);
	}
	hole(left, 0, 5000); /* head */
	hole(right, 0, 5000);
	hole(left, n - 5000, 5000); /* tail */
	hole(right, n - 5000, 5000);
	hole(left, 100001, 481); /* just too long */
	hole(right, 100001, 481);
	hole(left, 150003, 480); /* just not */
	hole(right, 150003, 480);
	hole(right, 200007, 4800); /* one channel */
	hole(left, 250000, 2 * RATE); /* one channel, but a pause */
	result = run(n, 2, MEASURE_FAULTS);
	CHECK(result.n_dropouts == 2 && result.n_dropout == 2, "%llu",
	      (unsigned long long)result.n_dropouts);
	CHECK_NEAR(result.dropout[0].at_s, 100001.0 / RATE, 1e-9);
	CHECK_NEAR(result.dropout[0].length_s, 481.0 / RATE, 1e-9);
	CHECK(result.dropout[0].channel == UINT32_MAX);
	CHECK_NEAR(result.dropout[1].at_s, 200007.0 / RATE, 1e-9);
	CHECK_NEAR(result.dropout[1].length_s, 4800.0 / RATE, 1e-9);
	CHECK(result.dropout[1].channel == 1);
	measure_result_done(&result);
}

/* ---- clipping ------------------------------------------------------------------------------- */

static double to_16(double x)
{
	return rint(fmax(-1.0, fmin(32767.0 / 32768.0, x)) * 32768.0) / 32768.0;
}

TEST(clipping_at_full_scale_and_below)
{
	static const double levels[] = {1.0, 0.7, 0.25};

	for (uint32_t k = 0; k < 3; k++) {
		uint64_t runs = 0, samples = 0, length = 0;
		struct measure_result result;

		clear();
		for (uint32_t i = 0; i < 4 * RATE; i++) {
			double x = 1.3 * sin(0.05 * i) * (0.6 + 0.4 * sin(0.0001 * i));

			left[i] = (float)to_16(levels[k] * fmax(-1.0, fmin(1.0, x)));
			right[i] = (float)to_16(levels[k] * 0.5 * x);
		}
		for (uint32_t i = 0; i < 4 * RATE; i++) {
			bool is_high = fabs((double)left[i]) >= levels[k] - 1.01 / 32768;
			bool is_equal = i > 0 && is_high && left[i] == left[i - 1];

			length = is_equal ? length + 1 : 1;
			runs += is_equal && length == 3;
			samples += is_equal && length >= 3 ? (length == 3 ? 3 : 1) : 0;
		}
		result = run(4 * RATE, 2, MEASURE_FAULTS);
		CHECK(runs > 100 && result.clip_runs == runs, "%llu runs, want %llu",
		      (unsigned long long)result.clip_runs, (unsigned long long)runs);
		CHECK(result.clipped_samples == samples);
		CHECK(result.n_clip == MEASURE_LIST_MAX && result.clip[0].channel == 0);
		CHECK(result.clip[0].value >= 3.0 && result.clip[0].at_s < result.clip[1].at_s);
		measure_result_done(&result);
	}
}

/* Crests that rounding made flat, soft limiting, steps and constants are no clipping. */
TEST(what_is_only_flat_is_not_clipped)
{
	struct measure_result result;

	for (uint32_t kind = 0; kind < 6; kind++) {
		for (uint32_t i = 0; i < 4 * RATE; i++) {
			double x = 0.0;

			switch (kind) {
			case 0:
				x = to_16(0.9 * sin(2.0 * M_PI * 30.0 * i / RATE));
				break;
			case 1:
				x = to_16(0.01 * sin(2.0 * M_PI * 500.0 * i / RATE));
				break;
			case 2:
				x = tanh(1.2 * sin(0.01 * i)) * 0.9;
				break;
			case 3:
				x = 0.25; /* a constant is no crest */
				break;
			case 4:
				x = to_16(0.5 * noise());
				break;
			default: /* clipped, but something louder comes */
				x = i < RATE ? fmax(-0.2, fmin(0.2, sin(0.05 * i)))
					     : 0.9 * sin(0.05 * i);
			}
			both(i, x);
		}
		result = run(4 * RATE, 2, MEASURE_FAULTS);
		CHECK(result.clip_runs == 0 && result.n_clip == 0, "kind %u: %llu", kind,
		      (unsigned long long)result.clip_runs);
		measure_result_done(&result);
	}
	for (uint32_t i = 0; i < RATE; i++)
		both(i, 1.0);
	result = run(RATE, 1, MEASURE_FAULTS);
	CHECK(result.clip_runs == 1 && result.clipped_samples == RATE);
	measure_result_done(&result);
}

/* ---- clicks --------------------------------------------------------------------------------- */

TEST(clicks_are_counted_and_music_is_not)
{
	struct measure_result result;

	for (uint32_t kind = 0; kind < 5; kind++) {
		for (uint32_t i = 0; i < 8 * RATE; i++) {
			double t = i / (double)RATE, x = 0.0;

			switch (kind) {
			case 0: /* a chord */
				for (uint32_t h = 1; h < 12; h++)
					x += 0.3 / h * sin(2.0 * M_PI * 110.0 * h * t + h);
				break;
			case 1:
				x = 0.3 * noise();
				break;
			case 2: /* drums: noise and tones that decay */
				x = 0.8 * exp(-20.0 * fmod(t, 0.5)) * noise() +
				    0.2 * sin(440.0 * t);
				break;
			case 3: /* notes that begin and end at once */
				x = fmod(t, 1.0) < 0.7 ? 0.3 * sin(2.0 * M_PI * 330.0 * t) : 0.0;
				break;
			default:
				x = 0.0;
			}
			both(i, 0.5 * x);
		}
		result = run(8 * RATE, 2, MEASURE_FAULTS);
		CHECK(result.n_clicks == 0, "kind %u has %llu clicks", kind,
		      (unsigned long long)result.n_clicks);
		measure_result_done(&result);
		for (uint32_t k = 0; k < 20; k++) {
			uint32_t at = (uint32_t)((0.2 + 0.37 * k) * RATE) + k * 31;

			left[at] += left[at] > 0.0f ? -0.9f : 0.9f;
		}
		result = run(8 * RATE, 2, MEASURE_FAULTS);
		CHECK(result.n_clicks >= (kind == 1   ? 0
					  : kind == 2 ? 5
						      : 18) &&
			      result.n_clicks <= 20,
		      "kind %u: %llu of 20", kind, (unsigned long long)result.n_clicks);
		measure_result_done(&result);
	}
}

/* ---- spectrum ------------------------------------------------------------------------------- */

TEST(thirds_of_sines_and_noise)
{
	struct measure_result result;
	double power = 0.0;

	for (uint32_t k = 4; k < MEASURE_THIRDS; k += 3) {
		double hz = 1000.0 * pow(10.0, (k - 17.0) / 10.0);

		for (uint32_t i = 0; i < 3 * RATE; i++)
			both(i, 0.5 * sin(2.0 * M_PI * hz * i / RATE));
		result = run(3 * RATE, 2, MEASURE_SPECTRUM);
		/* The window blurs what is narrow. */
		CHECK_NEAR(result.third_db[k], -9.03, k < 8 ? 0.6 : 0.1);
		CHECK(result.third_db[k == 4 ? 10 : 2] < -60.0);
		measure_result_done(&result);
	}
	for (uint32_t i = 0; i < 20 * RATE; i++) {
		left[i] = (float)(0.5 * noise());
		right[i] = (float)(0.5 * noise());
	}
	result = run(20 * RATE, 2, MEASURE_SPECTRUM | MEASURE_LEVELS);
	for (uint32_t k = 0; k < MEASURE_THIRDS; k++) {
		double hz = 1000.0 * pow(10.0, (k - 17.0) / 10.0);
		double width = hz * (pow(10.0, 0.05) - pow(10.0, -0.05));

		power += pow(10.0, result.third_db[k] / 10.0);
		if (k > 9)
			CHECK_NEAR(result.third_db[k],
				   10.0 * log10(0.25 / 3.0 * width / (RATE / 2.0)), 0.3);
	}
	/* All of it, less what lies above 22.4 kHz. */
	CHECK_NEAR(10.0 * log10(power), result.rms + 10.0 * log10(22387.0 / 24000.0), 0.05);
	CHECK(isnan(result.bandwidth_hz) && !result.is_brickwall);
	measure_result_done(&result);
}

/* Noise below HZ by a long windowed sinc, and a floor 90 dB under it. */
static void walled(double hz, uint32_t n, double floor)
{
	static double tap[1025];
	static float raw[RATE * 8 + 1025];

	for (int32_t k = -512; k <= 512; k++) {
		double t = 2.0 * hz / RATE * k;

		tap[k + 512] =
			(k ? sin(M_PI * t) / (M_PI * t) : 1.0) * 2.0 * hz / RATE *
			(0.42 + 0.5 * cos(M_PI * k / 512.0) + 0.08 * cos(2.0 * M_PI * k / 512.0));
	}
	for (uint32_t i = 0; i < n + 1025; i++)
		raw[i] = (float)(0.3 * noise());
	for (uint32_t i = 0; i < n; i++) {
		double sum = 0.0;

		for (uint32_t k = 0; k < 1025; k++)
			sum += tap[k] * (double)raw[i + k];
		both(i, sum + floor * noise());
	}
}

TEST(bandwidth_ends_where_the_sound_does)
{
	static const double walls[] = {11000, 16000, 19000, 21000};
	struct measure_result result;

	for (uint32_t k = 0; k < 4; k++) {
		walled(walls[k], 2 * RATE, k % 2 ? 1e-5 : 0.0);
		result = run(2 * RATE, 2, MEASURE_SPECTRUM);
		CHECK_NEAR(result.bandwidth_hz, walls[k], 0.04 * walls[k]);
		CHECK(result.is_brickwall == (walls[k] < 20000.0), "%g Hz", walls[k]);
		measure_result_done(&result);
	}
	/* One that fades away by 12 dB an octave has no end. */
	for (uint32_t i = 0; i < 4 * RATE; i++) {
		static double y1, y2;

		y1 += 0.1 * (noise() - y1);
		y2 += 0.1 * (y1 - y2);
		both(i, y2);
	}
	result = run(4 * RATE, 2, MEASURE_SPECTRUM);
	CHECK(isnan(result.bandwidth_hz) && !result.is_brickwall, "%g", result.bandwidth_hz);
	measure_result_done(&result);
	clear();
	result = run(RATE, 2, MEASURE_SPECTRUM);
	CHECK(isnan(result.bandwidth_hz) && result.third_db[17] == -INFINITY);
	measure_result_done(&result);
	result = run(100, 2, MEASURE_SPECTRUM);
	measure_result_done(&result);
}

/* ---- dynamics ------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x < y) - (x > y);
}

TEST(dr14_by_its_definition)
{
	enum { BLOCKS = 15 };
	struct measure_result result;
	double dr = 0.0;

	for (uint32_t i = 0; i < 3 * BLOCKS * RATE; i++) {
		double level = 0.1 + 0.05 * (i / (3 * RATE));

		left[i] = (float)(level * noise());
		right[i] = (float)(level * 0.5 * sin(0.02 * i));
	}
	for (uint32_t c = 0; c < 2; c++) {
		double peak[BLOCKS] = {0}, square[BLOCKS] = {0}, sum = 0.0;

		for (uint32_t i = 0; i < 3 * BLOCKS * RATE; i++) {
			double x = (double)(c ? right : left)[i];

			peak[i / (3 * RATE)] = fmax(peak[i / (3 * RATE)], fabs(x));
			square[i / (3 * RATE)] += 2.0 * x * x / (3.0 * RATE);
		}
		qsort(peak, BLOCKS, sizeof(double), compare);
		qsort(square, BLOCKS, sizeof(double), compare);
		for (uint32_t b = 0; b < BLOCKS / 5; b++)
			sum += square[b];
		dr += 20.0 * log10(peak[1] / sqrt(sum / (BLOCKS / 5))) / 2.0;
	}
	result = run(3 * BLOCKS * RATE, 2, MEASURE_DYNAMICS);
	CHECK_NEAR(result.dr14, round(dr), 1e-9);
	measure_result_done(&result);
	result = run(2 * RATE, 2, MEASURE_DYNAMICS);
	CHECK(isnan(result.dr14) && isnan(result.psr_min));
	measure_result_done(&result);
}

TEST(psr_is_lowest_where_it_is_dense)
{
	struct measure_result result;

	/* A sine: its peak lies 3.01 dB above its RMS, K adds nothing but its offset. */
	for (uint32_t i = 0; i < 20 * RATE; i++)
		both(i, i < 8 * RATE	? 0.5 * sin(2.0 * M_PI * 997.0 * i / RATE)
			: i % 4800 == 0 ? 0.9
					: 0.01 * sin(2.0 * M_PI * 997.0 * i / RATE));
	result = run(20 * RATE, 2, MEASURE_DYNAMICS);
	/* Two channels: S is 3.01 LU above that of one. */
	CHECK_NEAR(result.psr_min, 0.0, 0.05);
	CHECK_NEAR(result.plr, result.true_peak - result.integrated, 1e-12);
	measure_result_done(&result);
}

TEST(series_and_histogram)
{
	struct measure_result result;
	uint64_t counted = 0;

	for (uint32_t i = 0; i < 10 * RATE + 100; i++)
		both(i, i < 5 * RATE ? 0.1 * sin(2.0 * M_PI * 997.0 * i / RATE) : 0.0);
	result = run(10 * RATE + 100, 2, MEASURE_SERIES);
	CHECK(result.n_series == 100);
	CHECK(isnan(result.momentary[2]) && !isnan(result.momentary[3]));
	CHECK(isnan(result.shortterm[28]) && !isnan(result.shortterm[29]));
	CHECK_NEAR((double)result.momentary[20], -20.0, 0.02);
	CHECK_NEAR((double)result.shortterm[45], -20.0, 0.02);
	CHECK_NEAR((double)result.peak[20], -20.0, 0.01);
	CHECK_NEAR((double)result.series_correlation[20], 1.0, 1e-6);
	CHECK(result.momentary[99] == -INFINITY && result.peak[99] == -INFINITY);
	CHECK(isnan(result.series_correlation[99]));
	for (uint32_t b = 0; b < 141; b++)
		counted += result.histogram[b];
	CHECK(result.histogram[100] + result.histogram[99] >= 20 && counted >= 50);
	measure_result_done(&result);
}

/* What is not asked for is not there. */
TEST(unasked_is_unset)
{
	struct measure_result result;

	for (uint32_t i = 0; i < 4 * RATE; i++)
		both(i, 0.1 * noise());
	result = run(4 * RATE, 2, MEASURE_LOUDNESS);
	CHECK(!isnan(result.integrated) && isnan(result.true_peak) && isnan(result.rms));
	CHECK(isnan(result.head_s) && isnan(result.third_db[5]) && !result.momentary);
	CHECK(isnan(result.dialogue) && isnan(result.dr14));
	measure_result_done(&result);
	CHECK(!result.gates && isnan(result.integrated));
	result = run(4 * RATE, 2, MEASURE_TRUE_PEAK);
	CHECK(isnan(result.integrated) && !result.gates && isfinite(result.true_peak));
	measure_result_done(&result);
	result = run(4 * RATE, 2, 0);
	CHECK(result.n_frames == 4 * RATE && isnan(result.plr));
	measure_result_done(&result);
}
