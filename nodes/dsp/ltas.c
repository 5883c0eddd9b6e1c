/* ltas.c - see ltas.h. */
#include "ltas.h"

#include <math.h>
#include <string.h>

#include "eq_curve.h"

#include <mixd/rt.h>

double ltas_band_hz(uint32_t band)
{
	return LTAS_FIRST_HZ * exp2((double)band / LTAS_PER_OCTAVE);
}

uint32_t ltas_frame_frames(double rate_hz)
{
	uint32_t n = 2048;

	while (n < 0.12 * rate_hz && n < FFT_SIZE_MAX)
		n *= 2;
	return n;
}

void ltas_reset(struct ltas *ltas)
{
	memset(ltas->row, 0, sizeof(ltas->row));
	memset(ltas->loudness, 0, sizeof(ltas->loudness));
	memset(ltas->count, 0, sizeof(ltas->count));
}

/* Power per hertz between two frequencies: whole bins and parts of them; between the bins of a narrow
 * band it is a straight line. */
static double ltas_between(const struct ltas *ltas, double from_hz, double to_hz)
{
	double bin_hz = ltas->rate / ltas->n_frames, sum = 0.0;
	double from = from_hz / bin_hz, to = to_hz / bin_hz, middle = 0.5 * (from + to);
	uint32_t last = ltas->n_frames / 2;

	if (to - from < 1.0) {
		uint32_t k = (uint32_t)middle;
		double part = middle - k;

		if (k >= last)
			return ltas->power[last];
		return ltas->power[k] + part * (ltas->power[k + 1] - ltas->power[k]);
	}
	/* Bin k stands for k - 0.5 .. k + 0.5. */
	for (uint32_t k = (uint32_t)(from + 0.5); k <= last && k - 0.5 < to; k++)
		sum += ltas->power[k] * (fmin(k + 0.5, to) - fmax(k - 0.5, from));
	return sum / (to - from);
}

void ltas_frame(struct ltas *ltas, const float *const *channel, uint32_t n_channels)
{
	const uint32_t n = ltas->n_frames, bins = n / 2 + 1;
	double loudness = 0.0, lufs;
	uint32_t row;

	memset(ltas->power, 0, bins * sizeof(double));
	for (uint32_t c = 0; c < n_channels; c++) {
		for (uint32_t i = 0; i < n; i++)
			ltas->time[i] = channel[c][i] * ltas->window[i];
		fft_real_forward(&ltas->plan, ltas->time, ltas->re, ltas->im, ltas->scratch);
		for (uint32_t k = 0; k < bins; k++)
			ltas->power[k] += (double)ltas->re[k] * ltas->re[k] +
					  (double)ltas->im[k] * ltas->im[k];
	}
	for (uint32_t k = 0; k < bins; k++) {
		ltas->power[k] *= ltas->power_scale;
		loudness += ltas->weight[k] * ltas->power[k];
	}
	lufs = loudness > 0.0 ? -0.691 + 10.0 * log10(loudness) : -200.0;
	if (!(lufs >= -70.0)) /* what is not a number goes with the silence */
		return;
	row = (uint32_t)(lufs + 70.0);
	row = row < LTAS_ROWS ? row : LTAS_ROWS - 1;
	ltas->count[row]++;
	ltas->loudness[row] += loudness;
	for (uint32_t b = 0; b < LTAS_BANDS; b++) {
		double hz = ltas_band_hz(b), half = exp2(0.5 / LTAS_PER_OCTAVE);

		ltas->row[row][b] += ltas_between(ltas, hz / half, hz * half);
	}
}

double ltas_result(const struct ltas *ltas, double ret_db[LTAS_BANDS])
{
	double loudness = 0.0, sum[LTAS_BANDS] = {0.0};
	uint32_t count = 0, first;

	for (uint32_t i = 0; i < LTAS_ROWS; i++) {
		loudness += ltas->loudness[i];
		count += ltas->count[i];
	}
	if (count == 0)
		return 0.0;
	/* Mean - 10 LU: the row in which that lies counts whole. */
	first = (uint32_t)fmax(-0.691 + 10.0 * log10(loudness / count) - 10.0 + 70.0, 0.0);
	count = 0;
	for (uint32_t i = first; i < LTAS_ROWS; i++) {
		count += ltas->count[i];
		for (uint32_t b = 0; b < LTAS_BANDS; b++)
			sum[b] += ltas->row[i][b];
	}
	for (uint32_t b = 0; b < LTAS_BANDS; b++)
		ret_db[b] = 10.0 * log10(fmax(sum[b] / count, 1e-20));
	return 0.5 * ltas->n_frames / ltas->rate * count;
}

double ltas_loudness_db(const double db[LTAS_BANDS], double rate_hz)
{
	double sum = 0.0;

	for (uint32_t b = 0; b < LTAS_BANDS; b++) {
		double hz = ltas_band_hz(b);

		if (hz < 0.5 * rate_hz)
			sum += pow(10.0, db[b] / 10.0) * eq_curve_k_weight(hz) * hz;
	}
	return 10.0 * log10(fmax(sum, 1e-30));
}

void ltas_smooth(const double db[LTAS_BANDS], double octaves, double ret[LTAS_BANDS])
{
	double power[LTAS_BANDS], reach = octaves * LTAS_PER_OCTAVE;

	for (uint32_t b = 0; b < LTAS_BANDS; b++)
		power[b] = pow(10.0, db[b] / 10.0);
	for (int b = 0; b < (int)LTAS_BANDS; b++) {
		double sum = 0.0, total = 0.0;

		/* A Hann window of this reach is half as wide at its half: OCTAVES. */
		for (int i = -(int)reach; i <= (int)reach; i++) {
			double weight = 0.5 + 0.5 * cos(M_PI * i / (reach + 1e-9));

			if (b + i < 0 || b + i >= (int)LTAS_BANDS)
				continue;
			sum += weight * power[b + i];
			total += weight;
		}
		ret[b] = total > 0.0 ? 10.0 * log10(fmax(sum / total, 1e-20)) : db[b];
	}
}
