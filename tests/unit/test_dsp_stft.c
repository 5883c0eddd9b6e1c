/* Windows against their published figures, and frames that overlap: dsp/window.h, dsp/stft.h. */
#include "stft.h"
#include "test.h"

#define FRAMES 20000u

/* Amplitude of a window's transform, BINS off its centre. */
static double window_lobe(const double *w, uint32_t n, double bins)
{
	double re = 0, im = 0, sum = 0;

	for (uint32_t i = 0; i < n; i++) {
		re += w[i] * cos(2 * M_PI * bins * i / n);
		im += w[i] * sin(2 * M_PI * bins * i / n);
		sum += w[i];
	}
	return sqrt(re * re + im * im) / fabs(sum);
}

/* Heinzel et al. 2002, table 1: NENBW in bins, largest error of amplitude in dB, highest side lobe. */
TEST(window_figures_are_those_published)
{
	static const struct {
		const char *name;
		enum window_kind kind;
		double noise_bins, flat_db, lobe_db, zero_bins;
	} rows[] = {
		{"Hann", WINDOW_HANN, 1.5, -1.4236, -31.5, 2},
		{"Blackman-Harris", WINDOW_BLACKMAN_HARRIS, 2.0044, -0.8256, -92.0, 4},
		{"HFT90D", WINDOW_FLAT_TOP, 3.8832, -0.0039, -90.2, 5},
	};
	enum { N = 256 };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		double w[N], lobe = 0;
		float f32[N];

		for (uint32_t k = 0; k < N; k++)
			w[k] = window_value(rows[i].kind, 0, k, N);
		window_make(rows[i].kind, 0, N, f32);
		CHECK_NEAR(window_noise_bins(f32, N), rows[i].noise_bins, 1e-4);
		CHECK_NEAR(20 * log10(window_lobe(w, N, 0.5)), rows[i].flat_db, 1e-3);
		for (double bins = rows[i].zero_bins; bins < 20; bins += 0.05)
			lobe = fmax(lobe, window_lobe(w, N, bins));
		test_note("%s: %.4f bins, %.4f dB, side lobes %.2f dB", rows[i].name,
			  window_noise_bins(f32, N), 20 * log10(window_lobe(w, N, 0.5)),
			  20 * log10(lobe));
		CHECK_NEAR(20 * log10(lobe), rows[i].lobe_db, 0.1);
	}
}

TEST(window_kaiser_and_sine)
{
	/* Abramowitz, Stegun, 9.8: I0(1), I0(10). */
	CHECK_NEAR(window_bessel_i0(1), 1.2660658777520084, 1e-14);
	CHECK_NEAR(window_bessel_i0(10) / 2815.716628466254, 1, 1e-13);
	CHECK_NEAR(window_value(WINDOW_KAISER, 8, 0, 64), 1 / window_bessel_i0(8), 1e-12);
	CHECK(window_value(WINDOW_KAISER, 8, 32, 64) == 1);
	for (uint32_t i = 0; i < 64; i++) {
		double sine = window_value(WINDOW_SINE, 0, i, 64);

		CHECK_NEAR(sine * sine, window_value(WINDOW_HANN, 0, i, 64), 1e-12);
	}
}

/* STFT with spectra left alone, in blocks of BLOCK (0: random). */
static void stft_run(uint32_t size, uint32_t hop, enum window_kind window, uint32_t block,
		     const float *in, float *out)
{
	float *re = malloc((size / 2 + 1) * sizeof(float)),
	      *im = malloc((size / 2 + 1) * sizeof(float));
	size_t bytes = stft_bytes(size, hop, 2);
	void *memory = NULL;
	struct stft stft;

	CHECK(posix_memalign(&memory, 64, bytes) == 0);
	memset(memory, 0, bytes);
	stft_place(&stft, size, hop, 2, window, memory);
	CHECK(stft_latency(&stft) == size);
	for (uint32_t at = 0; at < FRAMES;) {
		uint32_t n = block ? block : 1 + test_random_below(700);

		for (uint32_t end = at + n < FRAMES ? at + n : FRAMES; at < end;) {
			uint32_t piece = stft_room(&stft, end - at);

			stft_exchange(&stft, 0, in + at, NULL, piece);
			stft_exchange(&stft, 1, in + at, out + at, piece);
			at += piece;
			if (!stft_advance(&stft, piece))
				continue;
			for (uint32_t c = 0; c < 2; c++) {
				stft_analyse(&stft, c, re, im);
				stft_synthesise(&stft, c, re, im);
			}
		}
	}
	free(memory);
	free(re);
	free(im);
}

TEST(stft_left_alone_is_a_delay_whatever_the_blocks)
{
	static const struct {
		uint32_t size, hop;
		enum window_kind window;
	} rows[] = {
		{2048, 512, WINDOW_SINE}, {512, 128, WINDOW_SINE}, {256, 128, WINDOW_SINE},
		{1024, 128, WINDOW_HANN}, {64, 16, WINDOW_KAISER},
	};
	static float in[FRAMES], out[FRAMES], cut[FRAMES];

	for (uint32_t i = 0; i < FRAMES; i++)
		in[i] = (float)(test_random() * 2 - 1);
	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		uint32_t size = rows[r].size;
		double error = 0;

		stft_run(size, rows[r].hop, rows[r].window, 128, in, out);
		for (uint32_t i = 0; i < size; i++)
			CHECK(fabsf(out[i]) < 1e-6f);
		for (uint32_t i = size; i < FRAMES; i++)
			error = fmax(error, (double)fabsf(out[i] - in[i - size]));
		CHECK(error < 1e-6, "%u/%u: off by %g", size, rows[r].hop, error);
		stft_run(size, rows[r].hop, rows[r].window, 1, in, cut);
		CHECK(memcmp(cut, out, sizeof(out)) == 0); /* S1 */
		stft_run(size, rows[r].hop, rows[r].window, 0, in, cut);
		CHECK(memcmp(cut, out, sizeof(out)) == 0);
	}
}
