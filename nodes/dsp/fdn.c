/* fdn.c - feedback delay network; see fdn.h. */
#include "fdn.h"

#include <math.h>

#include "lanes.h"
#include "onepole.h"

#include <mixd/rt.h>

#define FDN_SHORTEST_MS 15.0
#define FDN_LONGEST_MS 90.0
#define FDN_DEPTH_MS (8.0 / 48.0) /* 8 frames at 48 kHz */
#define FDN_GAIN_LEAST_DB (-120.0)
#define FDN_IN 0.70710678f /* each injected channel enters two lines */

/* ---- making --------------------------------------------------------------------------------------- */

static bool fdn_shares_factor(uint32_t a, uint32_t b)
{
	while (b) {
		uint32_t rest = a % b;

		a = b;
		b = rest;
	}
	return a > 1;
}

static double fdn_depth_max(double rate)
{
	return rate * FDN_DEPTH_MS / 1000;
}

void fdn_lengths(double rate, double scale, uint32_t ret_length[FDN_LINES])
{
	uint32_t least = FDN_BLOCK + (uint32_t)ceil(fdn_depth_max(rate)) + SWAY_REACH;

	for (uint32_t l = 0; l < FDN_LINES; l++) {
		double ms = FDN_SHORTEST_MS *
			    pow(FDN_LONGEST_MS / FDN_SHORTEST_MS, (double)l / (FDN_LINES - 1));
		uint32_t length = (uint32_t)lrint(ms * scale * rate / 1000);
		bool again = true;

		if (length < least)
			length = least;
		while (again) {
			again = false;
			for (uint32_t k = 0; k < l && !again; k++)
				again = fdn_shares_factor(length, ret_length[k]);
			length += again;
		}
		ret_length[l] = length;
	}
}

/* The most a line is read back: the modulation and the interpolator's reach on top. */
static uint32_t fdn_ring_size(double rate, uint32_t length)
{
	return blockring_size(length + (uint32_t)ceil(fdn_depth_max(rate)) + SWAY_REACH);
}

size_t fdn_memory(double rate, double scale)
{
	uint32_t length[FDN_LINES];
	size_t floats = 0;

	fdn_lengths(rate, scale, length);
	for (uint32_t l = 0; l < FDN_LINES; l++)
		floats += blockring_floats(fdn_ring_size(rate, length[l]));
	return floats;
}

void fdn_init(struct fdn *fdn, double rate, double scale, float *memory)
{
	fdn->rate = rate;
	fdn->depth_max = fdn_depth_max(rate);
	fdn_lengths(rate, scale, fdn->length);
	for (uint32_t l = 0; l < FDN_LINES; l++) {
		uint32_t size = fdn_ring_size(rate, fdn->length[l]);

		fdn->line[l] = (struct blockring){memory, size - 1};
		memory += blockring_floats(size);
	}
	fdn_reset(fdn);
}

void fdn_reset(struct fdn *fdn)
{
	fdn->position = 0;
	memset(fdn->state, 0, sizeof(fdn->state));
	for (uint32_t l = 0; l < FDN_LINES; l++) {
		blockring_clear(&fdn->line[l]);
		/* Spread around the circle, so that the lines never sway together. */
		sway_reset(&fdn->sway[l], l * 7.0 / FDN_LINES);
	}
}

/* ---- params --------------------------------------------------------------------------------------- */

static double fdn_line_gain_db(const struct fdn *fdn, uint32_t line, double t60_s)
{
	double gain_db = -60.0 * fdn->length[line] / (fdn->rate * t60_s);

	return fmax(gain_db, FDN_GAIN_LEAST_DB);
}

void fdn_set_decay(struct fdn *fdn, const struct fdn_decay *decay)
{
	for (uint32_t l = 0; l < FDN_LINES; l++) {
		double mid_db = fdn_line_gain_db(fdn, l, decay->t60_s);
		double low_db = fdn_line_gain_db(fdn, l, decay->t60_s * decay->low_ratio) - mid_db;
		double high_db =
			fdn_line_gain_db(fdn, l, decay->t60_s * decay->high_ratio) - mid_db;
		double gain = pow(10.0, mid_db / 20);
		struct onepole low =
			onepole_low_shelf(pow(10.0, low_db / 20), decay->low_hz, fdn->rate);
		struct onepole high =
			onepole_high_shelf(pow(10.0, high_db / 20), decay->high_hz, fdn->rate);

		fdn->coef[0][l] = gain * low.b0;
		fdn->coef[1][l] = gain * low.b1;
		fdn->coef[2][l] = low.a1;
		fdn->coef[3][l] = high.b0;
		fdn->coef[4][l] = high.b1;
		fdn->coef[5][l] = high.a1;
	}
}

double fdn_injection(const struct fdn *fdn, const struct fdn_decay *decay, uint32_t channels)
{
	double kept = 0;

	for (uint32_t l = 0; l < FDN_LINES; l++)
		kept += pow(10.0, fdn_line_gain_db(fdn, l, decay->t60_s) / 10) / FDN_LINES;
	return kept >= 1.0 ? 0.0 : sqrt(FDN_LINES * (1.0 - kept) / (kept * channels));
}

void fdn_set_modulation(struct fdn *fdn, double depth, double rate_hz)
{
	fdn->depth = fmin(depth, fdn->depth_max);
	for (uint32_t l = 0; l < FDN_LINES; l++)
		sway_set_rate(&fdn->sway[l], rate_hz * (1.0 + 0.5 * l / (FDN_LINES - 1)),
			      fdn->rate);
}

/* ---- a block --------------------------------------------------------------------------------------- */

/* The absorbing filters of eight lines. */
struct fdn_absorber {
	lanes_f64x8 b0, b1, a1, d0, d1, c1, low, high;
};

MIXD_INLINE struct fdn_absorber fdn_absorber(const struct fdn *fdn, uint32_t first)
{
	return (struct fdn_absorber){
		*(const lanes_f64x8 *)&fdn->coef[0][first],
		*(const lanes_f64x8 *)&fdn->coef[1][first],
		*(const lanes_f64x8 *)&fdn->coef[2][first],
		*(const lanes_f64x8 *)&fdn->coef[3][first],
		*(const lanes_f64x8 *)&fdn->coef[4][first],
		*(const lanes_f64x8 *)&fdn->coef[5][first],
		*(const lanes_f64x8 *)&fdn->state[0][first],
		*(const lanes_f64x8 *)&fdn->state[1][first],
	};
}

#define FDN_ABSORB(k, x)                                                                           \
	do {                                                                                       \
		lanes_f64x8 in = *(lanes_f64x8 *)(x);                                              \
		lanes_f64x8 mid = (k).b0 * in + (k).low;                                           \
		lanes_f64x8 out = (k).d0 * mid + (k).high;                                         \
                                                                                                   \
		(k).low = (k).b1 * in - (k).a1 * mid;                                              \
		(k).high = (k).d1 * mid - (k).c1 * out;                                            \
		*(lanes_f64x8 *)(x) = out;                                                         \
	} while (0)

/* All lines, in place: two vectors whose recursions hide in one another. */
MIXD_INLINE void fdn_absorb(struct fdn *fdn, float *const *line, uint32_t n)
{
	double x[FDN_BLOCK * 8] __attribute__((aligned(64)));
	double y[FDN_BLOCK * 8] __attribute__((aligned(64)));
	struct fdn_absorber a = fdn_absorber(fdn, 0), b = fdn_absorber(fdn, 8);

	lanes_load_f64((const float *const *)line, n, 8, x);
	lanes_load_f64((const float *const *)line + 8, n, 8, y);
	for (uint32_t i = 0; i < n; i++) {
		FDN_ABSORB(a, x + 8 * i);
		FDN_ABSORB(b, y + 8 * i);
	}
	*(lanes_f64x8 *)&fdn->state[0][0] = a.low;
	*(lanes_f64x8 *)&fdn->state[1][0] = a.high;
	*(lanes_f64x8 *)&fdn->state[0][8] = b.low;
	*(lanes_f64x8 *)&fdn->state[1][8] = b.high;
	lanes_store_f64(x, line, n, 8);
	lanes_store_f64(y, line + 8, n, 8);
}

/* Hadamard's matrix over the lines, for eight frames (V a vector) or one (V a float); 1/4 makes it
 * orthogonal. */
#define FDN_HADAMARD(V, x)                                                                         \
	_Pragma("GCC unroll 4") for (uint32_t stride = 1; stride < FDN_LINES; stride *= 2)         \
		_Pragma("GCC unroll 8") for (uint32_t k = 0; k < FDN_LINES / 2; k++)               \
	{                                                                                          \
		const uint32_t l = k / stride * 2 * stride + k % stride;                           \
		V a = (x)[l], b = (x)[l + stride];                                                 \
                                                                                                   \
		(x)[l] = a + b;                                                                    \
		(x)[l + stride] = a - b;                                                           \
	}

/* Mixes the rows, in place, and writes them with what is injected into the lines. */
MIXD_INLINE void fdn_mix(struct fdn *fdn, float (*inject)[FDN_BLOCK], float (*row)[FDN_BLOCK],
			 uint32_t n)
{
	float *to[FDN_LINES];
	uint32_t i = 0;

	for (uint32_t l = 0; l < FDN_LINES; l++)
		to[l] = blockring_place(&fdn->line[l], fdn->position);
	for (; i + 8 <= n; i += 8) {
		lanes_f32x8 x[FDN_LINES];

		for (uint32_t l = 0; l < FDN_LINES; l++)
			x[l] = *(const lanes_f32x8u *)(row[l] + i);
		FDN_HADAMARD(lanes_f32x8, x);
		for (uint32_t l = 0; l < FDN_LINES; l++) {
			lanes_f32x8 in = *(const lanes_f32x8u *)(inject[l % 8] + i);

			x[l] *= 0.25f;
			*(lanes_f32x8u *)(row[l] + i) = x[l];
			*(lanes_f32x8u *)(to[l] + i) = x[l] + (l < 8 ? FDN_IN : -FDN_IN) * in;
		}
	}
	for (; i < n; i++) {
		float x[FDN_LINES];

		for (uint32_t l = 0; l < FDN_LINES; l++)
			x[l] = row[l][i];
		FDN_HADAMARD(float, x);
		for (uint32_t l = 0; l < FDN_LINES; l++) {
			row[l][i] = 0.25f * x[l];
			to[l][i] = row[l][i] + (l < 8 ? FDN_IN : -FDN_IN) * inject[l % 8][i];
		}
	}
	for (uint32_t l = 0; l < FDN_LINES; l++)
		blockring_wrote(&fdn->line[l], fdn->position, n);
	fdn->position += n;
}

MIXD_CLONES void fdn_process(struct fdn *fdn, float (*inject)[FDN_BLOCK],
			     float (*ret_row)[FDN_BLOCK], uint32_t n)
{
	float *line[FDN_LINES];

	for (uint32_t l = 0; l < FDN_LINES; l++)
		line[l] = ret_row[l];
	for (uint32_t done = 0, part; done < n; done += part) {
		uint32_t position = fdn->position + done, at = position % SWAY_KNOT;

		part = SWAY_KNOT - at < n - done ? SWAY_KNOT - at : n - done;
		if (at == 0)
			for (uint32_t l = 0; l < FDN_LINES; l++)
				sway_knot(&fdn->sway[l], fdn->depth);
		/* a whole knot has a length that the compiler knows */
		for (uint32_t l = 0; l < FDN_LINES && part == SWAY_KNOT; l++)
			sway_read(&fdn->line[l], &fdn->sway[l], fdn->length[l], position, 0,
				  SWAY_KNOT, ret_row[l] + done);
		for (uint32_t l = 0; l < FDN_LINES && part != SWAY_KNOT; l++)
			sway_read(&fdn->line[l], &fdn->sway[l], fdn->length[l], position, at, part,
				  ret_row[l] + done);
	}
	fdn_absorb(fdn, line, n);
	fdn_mix(fdn, inject, ret_row, n);
}

void fdn_process_plain(struct fdn *fdn, float (*inject)[FDN_BLOCK], float (*ret_row)[FDN_BLOCK],
		       uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t at = fdn->position % SWAY_KNOT;
		double x[FDN_LINES];

		if (at == 0)
			for (uint32_t l = 0; l < FDN_LINES; l++)
				sway_knot(&fdn->sway[l], fdn->depth);
		for (uint32_t l = 0; l < FDN_LINES; l++) {
			float tap;
			double mid;

			sway_read(&fdn->line[l], &fdn->sway[l], fdn->length[l], fdn->position, at,
				  1, &tap);
			mid = fdn->coef[0][l] * (double)tap + fdn->state[0][l];
			x[l] = fdn->coef[3][l] * mid + fdn->state[1][l];
			fdn->state[0][l] = fdn->coef[1][l] * (double)tap - fdn->coef[2][l] * mid;
			fdn->state[1][l] = fdn->coef[4][l] * mid - fdn->coef[5][l] * x[l];
		}
		for (uint32_t l = 0; l < FDN_LINES; l++) {
			double sum = 0;
			float out;

			for (uint32_t k = 0; k < FDN_LINES; k++)
				sum += __builtin_parity(k & l) ? -x[k] : x[k];
			ret_row[l][i] = (float)(sum / 4);
			out = ret_row[l][i] + (l < 8 ? FDN_IN : -FDN_IN) * inject[l % 8][i];
			blockring_write(&fdn->line[l], fdn->position, &out, 1);
		}
		fdn->position++;
	}
}
