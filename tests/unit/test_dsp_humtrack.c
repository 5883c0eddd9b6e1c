/* test_dsp_humtrack.c - the frequency of hum, and when there is none. */
#include "humtrack.h"
#include "test.h"

static struct humtrack track;
static const double mains[] = {50, 60};

static void run_hum(double rate, double hz, double level, double noise, double seconds,
		    uint32_t cut)
{
	static float x[4096];
	uint64_t n = (uint64_t)(seconds * rate), done = 0;

	humtrack_init(&track, rate, mains, 2, 0.6);
	while (done < n) {
		uint32_t m = cut ? cut : 1 + test_random_below(128);

		for (uint32_t i = 0; i < m; i++) {
			double sum = noise * (test_random() - 0.5);

			for (int h = 1; h <= 9; h += 2)
				sum += level / h *
				       sin(2 * M_PI * fmod(h * hz * (double)(done + i) / rate, 1));
			x[i] = (float)sum;
		}
		humtrack_run(&track, x, m);
		done += m;
	}
}

TEST(humtrack_finds_hum_to_the_millihertz)
{
	static const double rates[] = {8000, 44100, 48000, 96000, 192000};
	static const double hz[] = {50.37, 49.9, 50, 60.002, 59.63};

	for (int k = 0; k < 5; k++) {
		run_hum(rates[k], hz[k], 0.01, 0.02, 9, 128);
		test_note("%g Hz: %.5f for %g Hz, confidence %.2f", rates[k], humtrack_hz(&track),
			  hz[k], track.reference[track.best].confidence);
		CHECK(track.locked);
		CHECK_NEAR(humtrack_hz(&track), hz[k], 0.001);
	}
}

TEST(humtrack_hears_none_in_noise)
{
	run_hum(48000, 50, 0, 0.5, 12, 128);
	CHECK(!track.locked);
}

TEST(humtrack_does_not_take_55_hz_for_hum)
{
	static float x[128];

	humtrack_init(&track, 48000, mains, 2, 0.6);
	for (uint64_t at = 0; at < 48000 * 12; at += 128) {
		for (uint32_t i = 0; i < 128; i++)
			x[i] = (float)(0.25 * sin(2 * M_PI * 55 / 48000 * (double)(at + i)));
		humtrack_run(&track, x, 128);
	}
	CHECK(!track.locked);
}

/* U1 */
TEST(humtrack_does_not_depend_on_cuts_or_on_silence_before)
{
	static float x[48000 * 5], silence[1000];
	double hz;

	for (uint32_t i = 0; i < 48000 * 5; i++)
		x[i] = (float)(0.1 * sin(2 * M_PI * 50.2 / 48000 * i) +
			       0.1 * (test_random() - 0.5));
	humtrack_init(&track, 48000, mains, 2, 0.6);
	humtrack_run(&track, x, 48000 * 5);
	hz = humtrack_hz(&track);
	CHECK(hz != 50);
	humtrack_reset(&track);
	humtrack_run(&track, silence, 1000);
	for (uint32_t at = 0; at < 48000 * 5;) {
		uint32_t n = 1 + test_random_below(500);

		n = n < 48000 * 5 - at ? n : 48000 * 5 - at;
		humtrack_run(&track, x + at, n);
		at += n;
	}
	CHECK(humtrack_hz(&track) == hz);
}
