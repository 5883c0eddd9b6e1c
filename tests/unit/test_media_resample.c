/* test_media_resample.c - another rate: length, place and purity, against sines computed anew. */
#include "media_resample.h"

#include <errno.h>

#include "test.h"

struct sine {
	double hz, rate;
	int64_t at, n;
	int64_t fail_at; /* -1: never */
};

static int64_t sine_read(void *data, float *const *channels, uint32_t n, struct mixd_error *err)
{
	struct sine *sine = data;
	uint32_t done = 0;

	if (sine->fail_at >= 0 && sine->at >= sine->fail_at)
		return error_set(err, ERROR_RESOURCE, "sine", "ends here");
	n = 1 + test_random_below(n);
	for (; done < n && sine->at < sine->n; done++, sine->at++) {
		double x = 0.5 * sin(2 * M_PI * sine->hz * (double)sine->at / sine->rate);

		channels[0][done] = (float)x;
		channels[1][done] = (float)-x;
	}
	return done;
}

/* Resamples N frames in blocks of any size; returns how many came, the largest error in the middle in
 * *ret_error. */
static int64_t resample_sine(double from, double to, int64_t n, double *ret_error)
{
	struct sine sine = {.hz = 997, .rate = from, .n = n, .fail_at = -1};
	struct media_resampler *resampler = NULL;
	int64_t total = 0, got;
	float left[700], right[700];
	float *out[2] = {left, right};
	struct mixd_error err;

	*ret_error = 0;
	CHECK(media_resampler_new(from, to, 2, &resampler) == 0);
	while ((got = media_resampler_read(resampler, sine_read, &sine, out,
					   1 + test_random_below(700), &err)) > 0) {
		for (int64_t i = 0; i < got; i++) {
			double t = (double)(total + i) / to;
			double want = 0.5 * sin(2 * M_PI * 997 * t);
			/* where the filter hears no edge */
			bool is_middle = t > 0.05 && t < (double)n / from - 0.05;

			if (is_middle) {
				*ret_error = fmax(*ret_error, fabs(left[i] - want));
				*ret_error = fmax(*ret_error, fabs(right[i] + want));
			}
		}
		total += got;
	}
	CHECK(got == 0);
	media_resampler_free(resampler);
	return total;
}

TEST(media_resample_length_and_place)
{
	static const double rates[][2] = {
		{44100, 48000}, {48000, 44100}, {48000, 96000},	  {96000, 44100}, {44100, 192000},
		{192000, 8000}, {16000, 48000}, {48000, 44099.5}, {47952, 48000}, {48000, 48000}};

	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		double from = rates[i][0], to = rates[i][1], error;
		int64_t n = (int64_t)from / 2 + test_random_below(100), got;
		double want = ceil((double)n * to / from);

		got = resample_sine(from, to, n, &error);
		CHECK((double)got == want, "%g to %g: %lld of %lld became %g", from, to,
		      (long long)got, (long long)n, want);
		CHECK(error < 4e-7, "%g to %g: off by %g", from, to, error); /* -128 dBFS */
	}
}

TEST(media_resample_short)
{
	for (int64_t n = 0; n < 5; n++) {
		double error;

		CHECK(resample_sine(44100, 48000, n, &error) == (n * 160 + 146) / 147);
		CHECK(resample_sine(48000, 8000, n, &error) == (n + 5) / 6);
	}
}

TEST(media_resample_length_is_exact_after_days)
{
	CHECK(media_resampler_length(44100, 48000, INT64_C(147) * 1000000000000) ==
	      INT64_C(160) * 1000000000000);
	CHECK(media_resampler_length(44100, 48000, INT64_C(147) * 1000000000000 + 1) ==
	      INT64_C(160) * 1000000000000 + 2);
}

TEST(media_resample_reset)
{
	struct sine sine = {.hz = 997, .rate = 44100, .n = 4410, .fail_at = -1};
	struct media_resampler *resampler = NULL;
	float first[2][1000], again[2][1000];
	struct mixd_error err;

	CHECK(media_resampler_new(44100, 48000, 2, &resampler) == 0);
	CHECK(media_resampler_read(resampler, sine_read, &sine, (float *[]){first[0], first[1]},
				   1000, &err) == 1000);
	media_resampler_reset(resampler);
	sine.at = 0;
	CHECK(media_resampler_read(resampler, sine_read, &sine, (float *[]){again[0], again[1]},
				   1000, &err) == 1000);
	CHECK(memcmp(first, again, sizeof(first)) == 0);
	media_resampler_free(resampler);
}

TEST(media_resample_refusals)
{
	struct sine sine = {.hz = 997, .rate = 44100, .n = 44100, .fail_at = 5000};
	struct media_resampler *resampler = NULL;
	float out[2][1000];
	struct mixd_error err = {0};
	int64_t got;

	CHECK(media_resampler_new(0, 48000, 2, &resampler) == -EINVAL);
	CHECK(media_resampler_new(48000, NAN, 2, &resampler) == -EINVAL);
	CHECK(media_resampler_new(48000, 44100, 0, &resampler) == -EINVAL);
	CHECK(media_resampler_new(48000, 44100, 65, &resampler) == -EINVAL);
	CHECK(!resampler);
	CHECK(media_resampler_new(44100, 48000, 2, &resampler) == 0);
	while ((got = media_resampler_read(resampler, sine_read, &sine, (float *[]){out[0], out[1]},
					   1000, &err)) > 0)
		;
	CHECK(got == -EIO, "%lld", (long long)got);
	CHECK_STR(err.text, "ends here");
	media_resampler_free(resampler);
	CHECK(!media_resampler_free(NULL));
}
