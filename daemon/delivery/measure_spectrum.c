/* measure_spectrum.c - the mean spectrum: third octaves, and where it ends.
 *
 * SOURCE      P. D. Welch, IEEE Trans. AU-15 (1967): frames of about 170 ms, Hann, half overlapping;
 *             two channels go through one complex transform. Thirds: IEC 61260-1, base ten, centres
 *             1 kHz * 10^(k/10).
 * SCALE       mean power of all channels, so that all bands add up to the square of the RMS of
 *             measure_levels.c (a full-scale sine: -3.01 dBFS in its band).
 * BANDWIDTH   our own rule. The mean spectrum in bands of a 24th of an octave is walked down from the
 *             top; the programme ends at the first band that is 10 dB above everything higher, when
 *             it rises there by 10 dB or more within a sixth of an octave. A spectrum that only
 *             fades away has no such place: NAN. What lies 90 dB under the highest band is floor. A brick wall is an end below 20 kHz (and below 95 %
 *             of half the rate), above 8 kHz, where 20 dB are lost within a sixth of an octave. */
#include "measure_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fft.h"
#include "level.h"
#include "ltas.h"
#include "window.h"

#define SPECTRUM_SIZE_MAX 32768u
#define SPECTRUM_BANDS 320u
#define SPECTRUM_PER_OCTAVE 24.0
#define SPECTRUM_FROM_HZ 20.0
#define SPECTRUM_STEP 4u /* bands of a sixth of an octave */
#define SPECTRUM_EDGE_DB 10.0
#define SPECTRUM_WALL_DB 20.0
#define SPECTRUM_FLOOR_DB 90.0

struct spectrum {
	uint32_t size, filled; /* in the frame at hand */
	struct fft_plan plan;
	float *window, *frame; /* frame: [n_channels][size] */
	float *left, *right, *re, *im, *scratch;
	double *power; /* size / 2 + 1 */
	double weight; /* sum of squares of the window where there was programme */
	void *memory;
};

static float *spectrum_take(char **at, size_t floats)
{
	float *ret = (float *)*at;

	*at += (floats * sizeof(float) + 63) / 64 * 64;
	return ret;
}

static int spectrum_init(struct measure *measure, void *part)
{
	struct spectrum *spectrum = part;
	uint32_t n = ltas_frame_frames(measure->rate);
	size_t floats;
	char *at;

	n = n < SPECTRUM_SIZE_MAX ? n : SPECTRUM_SIZE_MAX;
	spectrum->size = n;
	if (fft_plan_init(&spectrum->plan, FFT_COMPLEX, n) < 0)
		return -1;
	floats = (size_t)n * (measure->n_channels + 5) + fft_scratch_floats(&spectrum->plan) +
		 (size_t)n + 2;
	if (posix_memalign(&spectrum->memory, 64, floats * sizeof(float) + 9 * 64) != 0) {
		spectrum->memory = NULL;
		return -1;
	}
	memset(spectrum->memory, 0, floats * sizeof(float) + 9 * 64);
	at = spectrum->memory;
	spectrum->window = spectrum_take(&at, n);
	spectrum->frame = spectrum_take(&at, (size_t)n * measure->n_channels);
	spectrum->left = spectrum_take(&at, n);
	spectrum->right = spectrum_take(&at, n);
	spectrum->re = spectrum_take(&at, n);
	spectrum->im = spectrum_take(&at, n);
	spectrum->scratch = spectrum_take(&at, fft_scratch_floats(&spectrum->plan));
	spectrum->power = (double *)spectrum_take(&at, (size_t)n + 2);
	window_make(WINDOW_HANN, 0.0, n, spectrum->window);
	return 0;
}

static void spectrum_done(void *part)
{
	struct spectrum *spectrum = part;

	if (spectrum->plan.n)
		fft_plan_done(&spectrum->plan);
	free(spectrum->memory);
}

/* ---- frames --------------------------------------------------------------------------------- */

static inline double spectrum_square(const struct spectrum *spectrum, uint32_t k)
{
	double re = (double)spectrum->re[k], im = (double)spectrum->im[k];

	return re * re + im * im;
}

/* Channels C and C + 1 as real and imaginary part: |Z[k]|^2 + |Z[-k]|^2 = 2 (|L|^2 + |R|^2). */
static void spectrum_pair(struct spectrum *spectrum, uint32_t c, uint32_t n_channels)
{
	uint32_t n = spectrum->size;
	const float *x = spectrum->frame + (size_t)c * n;
	const float *y = c + 1 < n_channels ? x + n : NULL;

	for (uint32_t i = 0; i < n; i++) {
		spectrum->left[i] = x[i] * spectrum->window[i];
		spectrum->right[i] = y ? y[i] * spectrum->window[i] : 0.0f;
	}
	fft_forward(&spectrum->plan, spectrum->left, spectrum->right, spectrum->re, spectrum->im,
		    spectrum->scratch);
	spectrum->power[0] += spectrum_square(spectrum, 0);
	for (uint32_t k = 1; k < n / 2; k++)
		spectrum->power[k] +=
			0.5 * (spectrum_square(spectrum, k) + spectrum_square(spectrum, n - k));
	spectrum->power[n / 2] += spectrum_square(spectrum, n / 2);
}

static double spectrum_weight(const struct spectrum *spectrum, uint32_t valid)
{
	double sum = 0.0;

	if (valid == spectrum->size)
		return 0.375 * valid; /* of a Hann window */
	for (uint32_t i = 0; i < valid; i++)
		sum += (double)spectrum->window[i] * (double)spectrum->window[i];
	return sum;
}

/* The frame, of which VALID are programme. */
static void spectrum_frame(struct measure *measure, struct spectrum *spectrum, uint32_t valid)
{
	float highest = 0.0f;

	spectrum->weight += spectrum_weight(spectrum, valid);
	for (uint32_t c = 0; c < measure->n_channels; c++)
		highest = fmaxf(highest, level_highest(spectrum->frame + (size_t)c * spectrum->size,
						       spectrum->size));
	if (highest == 0.0f)
		return;
	for (uint32_t c = 0; c < measure->n_channels; c += 2)
		spectrum_pair(spectrum, c, measure->n_channels);
}

static void spectrum_block(struct measure *measure, void *part)
{
	struct spectrum *spectrum = part;
	uint32_t size = spectrum->size, n;

	for (uint32_t at = 0; at < measure->n_frames; at += n) {
		n = size - spectrum->filled;
		n = n < measure->n_frames - at ? n : measure->n_frames - at;
		for (uint32_t c = 0; c < measure->n_channels; c++)
			memcpy(spectrum->frame + (size_t)c * size + spectrum->filled,
			       measure->channel[c] + at, n * sizeof(float));
		spectrum->filled += n;
		if (spectrum->filled < size)
			continue;
		spectrum_frame(measure, spectrum, size);
		for (uint32_t c = 0; c < measure->n_channels; c++)
			memmove(spectrum->frame + (size_t)c * size,
				spectrum->frame + (size_t)c * size + size / 2,
				size / 2 * sizeof(float));
		spectrum->filled = size / 2;
	}
}

/* ---- what it says --------------------------------------------------------------------------- */

/* Power between two frequencies; bins in part. */
static double spectrum_between(const struct spectrum *spectrum, double bin_hz, double from_hz,
			       double to_hz)
{
	double from = from_hz / bin_hz + 0.5, to = to_hz / bin_hz + 0.5, sum = 0.0;
	uint32_t last = spectrum->size / 2;

	to = fmin(to, last + 1.0);
	for (uint32_t k = (uint32_t)from; k < to && k <= last; k++)
		sum += spectrum->power[k] * (fmin(to, k + 1.0) - fmax(from, k));
	return sum;
}

static uint32_t spectrum_bands(const struct measure *measure, const struct spectrum *spectrum,
			       double *ret_db)
{
	double bin_hz = measure->rate / spectrum->size, half = pow(2.0, 0.5 / SPECTRUM_PER_OCTAVE);
	uint32_t n = 0;

	while (n < SPECTRUM_BANDS) {
		double hz = SPECTRUM_FROM_HZ * pow(2.0, n / SPECTRUM_PER_OCTAVE);

		if (hz * half > measure->rate / 2.0)
			break;
		/* Per hertz: noise is flat. */
		ret_db[n++] =
			level_of_power(spectrum_between(spectrum, bin_hz, hz / half, hz * half) /
					       (hz * half - hz / half) +
				       1e-30);
	}
	return n;
}

static void spectrum_end(const struct measure *measure, const struct spectrum *spectrum,
			 struct measure_result *ret)
{
	double db[SPECTRUM_BANDS], highest = -INFINITY, nyquist = measure->rate / 2.0;
	uint32_t n = spectrum_bands(measure, spectrum, db), end = 0;
	double hz, fall, least = -INFINITY;

	for (uint32_t b = 0; b < n; b++)
		least = fmax(least, db[b] - SPECTRUM_FLOOR_DB);
	for (uint32_t b = 0; b < n; b++)
		db[b] = fmax(db[b], least);
	for (uint32_t b = n; b-- > 0;) {
		if (b + 1 < n && db[b] > highest + SPECTRUM_EDGE_DB) {
			end = b;
			break;
		}
		/* The top is what all the rest must rise above; a slope raises it slowly. */
		highest = fmax(highest, db[b]);
	}
	if (end < SPECTRUM_STEP)
		return;
	fall = -INFINITY;
	for (uint32_t b = end; b + SPECTRUM_STEP > end && b > 0; b--)
		fall = fmax(fall, db[b]);
	fall -= highest;
	hz = SPECTRUM_FROM_HZ * pow(2.0, (end + 0.5) / SPECTRUM_PER_OCTAVE);
	ret->bandwidth_hz = hz;
	ret->is_brickwall =
		fall >= SPECTRUM_WALL_DB && hz >= 8000.0 && hz < 20000.0 && hz < 0.95 * nyquist;
}

static void spectrum_finish(struct measure *measure, void *part, struct measure_result *ret)
{
	struct spectrum *spectrum = part;
	uint32_t size = spectrum->size;
	double bin_hz = measure->rate / size, scale, total = 0.0;

	/* What is left over is cut off at its end, which would smear; shorter programmes have no other. */
	if (spectrum->weight <= 0.0) {
		for (uint32_t c = 0; c < measure->n_channels; c++)
			memset(spectrum->frame + (size_t)c * size + spectrum->filled, 0,
			       (size - spectrum->filled) * sizeof(float));
		spectrum_frame(measure, spectrum, spectrum->filled);
	}
	if (!(spectrum->weight > 0.0))
		return;
	/* Both halves of the spectrum; 0 and half the rate are there once. */
	scale = 2.0 / (spectrum->weight * size * measure->n_channels);
	for (uint32_t k = 0; k <= size / 2; k++) {
		spectrum->power[k] *= k == 0 || k == size / 2 ? scale / 2.0 : scale;
		total += spectrum->power[k];
	}
	for (uint32_t b = 0; b < MEASURE_THIRDS; b++) {
		double hz = 1000.0 * pow(10.0, ((double)b - 17.0) / 10.0), half = pow(10.0, 0.05);

		if (hz / half < measure->rate / 2.0)
			ret->third_db[b] = level_of_power(
				spectrum_between(spectrum, bin_hz, hz / half, hz * half));
	}
	for (uint32_t b = 0; b < MEASURE_FINE; b++) {
		double hz = SPECTRUM_FROM_HZ * pow(2.0, b / SPECTRUM_PER_OCTAVE);
		double half = pow(2.0, 0.5 / SPECTRUM_PER_OCTAVE);

		if (hz * half < measure->rate / 2.0)
			ret->fine_db[b] = level_of_power(
				SPECTRUM_PER_OCTAVE / 3.0 *
				spectrum_between(spectrum, bin_hz, hz / half, hz * half));
	}
	if (total > 1e-12)
		spectrum_end(measure, spectrum, ret);
}

const struct measure_part measure_spectrum_part = {
	.what = MEASURE_SPECTRUM,
	.size = sizeof(struct spectrum),
	.init = spectrum_init,
	.block = spectrum_block,
	.finish = spectrum_finish,
	.done = spectrum_done,
};
