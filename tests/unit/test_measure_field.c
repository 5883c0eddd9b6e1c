/* test_measure_field.c - directions of the stereo field, and the fine spectrum. */
#include <string.h>

#include "graph_layout.h"
#include "measure.h"
#include "test.h"

#define RATE 48000.0
#define FRAMES 96000u

static float *noise(float gain, uint32_t seed)
{
	float *samples = malloc(FRAMES * sizeof(*samples));
	uint32_t state = seed;

	CHECK(samples);
	for (uint32_t i = 0; i < FRAMES; i++) {
		state = state * 1664525u + 1013904223u;
		samples[i] = gain * ((float)(state >> 8) / 8388608.0f - 1.0f);
	}
	return samples;
}

static void measured(const char *layout, const float *const *channels, unsigned what,
		     struct measure_result *ret)
{
	struct measure_options options;
	struct measure *measure;
	struct mixd_error err = {0};

	measure_options_init(&options);
	options.what = what;
	CHECK(measure_new(RATE, graph_layout_find(layout, &err), &options, &measure, &err) == 0);
	measure_feed(measure, channels, FRAMES);
	CHECK(measure_finish(measure, ret) == 0);
	measure_free(measure);
}

/* Degrees of the highest share. */
static double direction_of(const struct measure_result *result)
{
	uint32_t best = 0;

	for (uint32_t i = 0; i < MEASURE_DIRECTIONS; i++)
		if (result->direction[i] > result->direction[best])
			best = i;
	return -90.0 + 180.0 * best / MEASURE_DIRECTIONS;
}

TEST(field_finds_the_place_of_a_panned_sound)
{
	/* equal-power pan to P degrees: left cos(P + 45), right sin(P + 45) */
	for (int degrees = -88; degrees <= 88; degrees += 8) {
		double angle = (degrees + 45) * M_PI / 180;
		float *mono = noise(0.3f, 7), *pair[2];
		struct measure_result result;
		double sum = 0;

		for (int c = 0; c < 2; c++) {
			pair[c] = malloc(FRAMES * sizeof(float));
			for (uint32_t i = 0; i < FRAMES; i++)
				pair[c][i] = mono[i] * (float)(c ? sin(angle) : cos(angle));
		}
		measured("stereo", (const float *const *)pair, MEASURE_SERIES, &result);
		CHECK_NEAR(direction_of(&result), degrees, 0.01);
		for (uint32_t i = 0; i < MEASURE_DIRECTIONS; i++)
			sum += result.direction[i];
		CHECK_NEAR(sum, 1, 1e-9);
		measure_result_done(&result);
		free(mono);
		free(pair[0]);
		free(pair[1]);
	}
}

TEST(field_turned_round_is_at_the_edge)
{
	float *pair[2] = {noise(0.3f, 7), noise(-0.3f, 7)};
	struct measure_result result;

	measured("stereo", (const float *const *)pair, MEASURE_SERIES, &result);
	CHECK_NEAR(fabs(direction_of(&result)), 90, 0.01);
	measure_result_done(&result);
	/* nothing of it without a pair, or without sound */
	measured("mono", (const float *const *)pair, MEASURE_SERIES, &result);
	CHECK(isnan(result.direction[0]) && isnan(result.direction[45]));
	measure_result_done(&result);
	memset(pair[0], 0, FRAMES * sizeof(float));
	memset(pair[1], 0, FRAMES * sizeof(float));
	measured("stereo", (const float *const *)pair, MEASURE_SERIES, &result);
	CHECK(isnan(result.direction[45]));
	measure_result_done(&result);
	free(pair[0]);
	free(pair[1]);
}

/* White noise: power in a third around F is that of all of it, by the width of the band. */
TEST(fine_spectrum_of_white_noise)
{
	float *pair[2] = {noise(0.5f, 3), noise(0.5f, 11)};
	double power = 0, worst = 0;
	struct measure_result result;

	for (uint32_t i = 0; i < FRAMES; i++)
		power += ((double)pair[0][i] * pair[0][i] + (double)pair[1][i] * pair[1][i]) / 2;
	power /= FRAMES;
	measured("stereo", (const float *const *)pair, MEASURE_SPECTRUM, &result);
	for (uint32_t i = 0; i < MEASURE_FINE; i++) {
		double hz = 20 * pow(2, i / 24.0);
		double width_hz = 8 * hz * (pow(2, 1 / 48.0) - pow(2, -1 / 48.0));
		double want_db = 10 * log10(power * width_hz / (RATE / 2));

		if (hz < 1000) /* few bins, much chance */
			continue;
		worst = fmax(worst, fabs(result.fine_db[i] - want_db));
	}
	test_note("worst band above 1 kHz: %.2f dB", worst);
	CHECK(worst < 1.2, "%.2f dB", worst);
	measure_result_done(&result);
	free(pair[0]);
	free(pair[1]);
}
