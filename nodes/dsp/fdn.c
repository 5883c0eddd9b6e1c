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
#define FDN_ORTHOGONAL 0.25 /* makes Hadamard's matrix orthogonal; stands in the absorbers' gain */

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
	uint32_t least = FDN_BLOCK + (uint32_t)ceil(fdn_depth_max(rate)) + SWAYBANK_REACH;

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
	return blockring_size(length + (uint32_t)ceil(fdn_depth_max(rate)) + SWAYBANK_REACH);
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
	for (uint32_t k = 0; k < FDN_SWAYING; k++)
		fdn->swaying[k] = fdn->length[2 * k + 1];
	for (uint32_t l = 0; l < FDN_LINES; l++) {
		uint32_t size = fdn_ring_size(rate, fdn->length[l]);

		fdn->line[l] = (struct blockring){memory, size - 1};
		memory += blockring_floats(size);
	}
	fdn_reset(fdn);
}

void fdn_reset(struct fdn *fdn)
{
	fdn->position = fdn->clock = 0;
	memset(fdn->state, 0, sizeof(fdn->state));
	for (uint32_t l = 0; l < FDN_LINES; l++)
		blockring_clear(&fdn->line[l]);
	swaybank_reset(&fdn->sway, fdn->swaying);
}

void fdn_align(struct fdn *fdn, uint32_t frame)
{
	fdn->position = frame;
}

/* ---- params --------------------------------------------------------------------------------------- */

static double fdn_line_gain_db(const struct fdn *fdn, uint32_t line, double t60_s)
{
	double gain_db = -60.0 * fdn->length[line] / (fdn->rate * t60_s);

	return fmax(gain_db, FDN_GAIN_LEAST_DB);
}

/* y = b0 x + m; m = c x + p m: what is remembered is only by how much the low end differs from
 * b0 x, so its rounding is as far below the sound as the shelf is flat; and c is such that with p
 * rounded the gain at 0 Hz (AT_ZERO) is exact to a float's last bit, however near 1 p is. */
static void fdn_set_section(struct fdn *fdn, uint32_t first, uint32_t line,
			    const struct onepole *design, double at_zero, double gain)
{
	float b0 = (float)(gain * design->b0), p = (float)-design->a1;

	fdn->coef[first][line] = b0;
	fdn->coef[first + 1][line] = (float)((gain * at_zero - (double)b0) * (1.0 - (double)p));
	fdn->coef[first + 2][line] = p;
}

void fdn_set_decay(struct fdn *fdn, const struct fdn_decay *decay)
{
	for (uint32_t l = 0; l < FDN_LINES; l++) {
		double mid_db = fdn_line_gain_db(fdn, l, decay->t60_s);
		double low_db = fdn_line_gain_db(fdn, l, decay->t60_s * decay->low_ratio) - mid_db;
		double high_db =
			fdn_line_gain_db(fdn, l, decay->t60_s * decay->high_ratio) - mid_db;
		double low_gain = pow(10.0, low_db / 20), high_gain = pow(10.0, high_db / 20);
		struct onepole low = onepole_low_shelf(low_gain, decay->low_hz, fdn->rate);
		struct onepole high = onepole_high_shelf(high_gain, decay->high_hz, fdn->rate);

		fdn_set_section(fdn, 0, l, &low, low_gain, FDN_ORTHOGONAL * pow(10.0, mid_db / 20));
		fdn_set_section(fdn, 3, l, &high, 1.0, 1.0);
	}
}

double fdn_injection(const struct fdn *fdn, const struct fdn_decay *decay, uint32_t channels)
{
	double kept = 0;

	for (uint32_t l = 0; l < FDN_LINES; l++)
		kept += pow(10.0, fdn_line_gain_db(fdn, l, decay->t60_s) / 10) / FDN_LINES;
	/* the half: each injected channel enters two lines */
	return kept >= 1.0 ? 0.0 : sqrt(0.5 * FDN_LINES * (1.0 - kept) / (kept * channels));
}

void fdn_set_modulation(struct fdn *fdn, double depth, double rate_hz)
{
	fdn->depth = fmin(depth, fdn->depth_max);
	for (uint32_t k = 0; k < FDN_SWAYING; k++)
		swaybank_set_rate(&fdn->sway, k, rate_hz * (1.0 + 0.5 * k / (FDN_SWAYING - 1)),
				  fdn->rate);
}

/* ---- a tile ---------------------------------------------------------------------------------------- */

/* Frames that are worked on at once, so that everything between two lines' ends stays near. */
#define FDN_TILE 64u
#define FDN_ROW (FDN_TILE + SWAYBANK_OVER)

/* What the swaying lines give. */
MIXD_INLINE void fdn_read(struct fdn *fdn, float (*tap)[FDN_ROW], uint32_t n)
{
	for (uint32_t done = 0, part; done < n; done += part) {
		uint32_t at = (fdn->clock + done) % SWAYBANK_KNOT;

		part = SWAYBANK_KNOT - at < n - done ? SWAYBANK_KNOT - at : n - done;
		if (at == 0)
			swaybank_knot(&fdn->sway, fdn->swaying, fdn->depth);
		for (uint32_t k = 0; k < FDN_SWAYING; k++)
			swaybank_read(&fdn->sway, k, &fdn->line[2 * k + 1], fdn->position + done,
				      at, part, tap[k] + done);
	}
}

/* Rows of time to frames of lines: 4 x 4 at a time, up to 3 frames more. */
MIXD_INLINE void fdn_to_lanes(const float *const line[FDN_LINES], float (*lanes)[FDN_LINES],
			      uint32_t n)
{
	for (uint32_t i = 0; i < n; i += 4)
		for (uint32_t l = 0; l < FDN_LINES; l += 4) {
			lanes_f32x4 x[4];

			for (uint32_t k = 0; k < 4; k++)
				x[k] = *(const lanes_f32x4u *)(line[l + k] + i);
			lanes_transpose4(x);
			for (uint32_t k = 0; k < 4; k++)
				*(lanes_f32x4 *)(lanes[i + k] + l) = x[k];
		}
}

/* And back. */
MIXD_INLINE void fdn_to_rows(float (*lanes)[FDN_LINES], float (*row)[FDN_TILE], uint32_t n)
{
	for (uint32_t i = 0; i < n; i += 4)
		for (uint32_t l = 0; l < FDN_LINES; l += 4) {
			lanes_f32x4 x[4];

			for (uint32_t k = 0; k < 4; k++)
				x[k] = *(const lanes_f32x4 *)(lanes[i + k] + l);
			lanes_transpose4(x);
			for (uint32_t k = 0; k < 4; k++)
				*(lanes_f32x4 *)(row[l + k] + i) = x[k];
		}
}

/* The absorbing filters of eight lines. */
struct fdn_absorber {
	lanes_f32x8 coef[6], low, high;
};

MIXD_INLINE struct fdn_absorber fdn_absorber(const struct fdn *fdn, uint32_t first)
{
	struct fdn_absorber k;

	for (uint32_t c = 0; c < 6; c++)
		k.coef[c] = *(const lanes_f32x8 *)&fdn->coef[c][first];
	k.low = *(const lanes_f32x8 *)&fdn->state[0][first];
	k.high = *(const lanes_f32x8 *)&fdn->state[1][first];
	return k;
}

/* For a vector or a float: X becomes what is left of it. */
#define FDN_ABSORB(V, x, coef, low, high)                                                          \
	do {                                                                                       \
		V mid = (coef)[0] * (x) + (low);                                                   \
                                                                                                   \
		(low) = (coef)[1] * (x) + (coef)[2] * (low);                                       \
		(x) = (coef)[3] * mid + (high);                                                    \
		(high) = (coef)[4] * mid + (coef)[5] * (high);                                     \
	} while (0)

/* All lines, in place; and the first step of mixing, which hides behind the recursion. */
MIXD_INLINE void fdn_absorb(struct fdn *fdn, float (*lanes)[FDN_LINES], uint32_t n)
{
	struct fdn_absorber a = fdn_absorber(fdn, 0), b = fdn_absorber(fdn, 8);

	for (uint32_t i = 0; i < n; i++) {
		lanes_f32x8 x = *(lanes_f32x8 *)lanes[i], y = *(lanes_f32x8 *)(lanes[i] + 8);

		FDN_ABSORB(lanes_f32x8, x, a.coef, a.low, a.high);
		FDN_ABSORB(lanes_f32x8, y, b.coef, b.low, b.high);
		*(lanes_f32x8 *)lanes[i] = x + y;
		*(lanes_f32x8 *)(lanes[i] + 8) = x - y;
	}
	*(lanes_f32x8 *)&fdn->state[0][0] = a.low;
	*(lanes_f32x8 *)&fdn->state[1][0] = a.high;
	*(lanes_f32x8 *)&fdn->state[0][8] = b.low;
	*(lanes_f32x8 *)&fdn->state[1][8] = b.high;
}

/* Hadamard's matrix over eight rows, for 16 frames (V a vector) or one (V a float). */
#define FDN_HADAMARD(V, x)                                                                         \
	_Pragma("GCC unroll 3") for (uint32_t stride = 1; stride < 8; stride *= 2)                 \
		_Pragma("GCC unroll 4") for (uint32_t k = 0; k < 4; k++)                           \
	{                                                                                          \
		const uint32_t l = k / stride * 2 * stride + k % stride;                           \
		V a = (x)[l], b = (x)[l + stride];                                                 \
                                                                                                   \
		(x)[l] = a + b;                                                                    \
		(x)[l + stride] = a - b;                                                           \
	}

/* Eight lines, and the rows that go there. */
struct fdn_half {
	float *line[8];
	float (*mixed)[FDN_TILE], (*inject)[FDN_BLOCK], (*row)[FDN_BLOCK];
	uint32_t wanted; /* a bit per row */
	uint32_t first; /* frame of the block */
};

#define FDN_PUT(V, U, half, is_second, x, i)                                                       \
	_Pragma("GCC unroll 8") for (uint32_t k = 0; k < 8; k++)                                   \
	{                                                                                          \
		V in = *(const U *)((half)->inject[k] + (half)->first + (i));                      \
                                                                                                   \
		if ((half)->wanted & 1u << k)                                                      \
			*(U *)((half)->row[k] + (half)->first + (i)) = (x)[k];                     \
		*(U *)((half)->line[k] + (i)) = (is_second) ? (x)[k] - in : (x)[k] + in;           \
	}

/* Mixes eight rows and writes them with what is injected into the lines, the second half with the
 * other sign. The last vector may go over frames that were done: their bits are the same. */
MIXD_INLINE void fdn_mix(const struct fdn_half *half, const bool is_second, uint32_t n)
{
	for (uint32_t i = 0; i < n && n >= 16; i += 16) {
		uint32_t at = i + 16 <= n ? i : n - 16;
		blockring_f32x16 x[8];

		for (uint32_t k = 0; k < 8; k++)
			x[k] = *(const blockring_f32x16u *)(half->mixed[k] + at);
		FDN_HADAMARD(blockring_f32x16, x);
		FDN_PUT(blockring_f32x16, blockring_f32x16u, half, is_second, x, at);
	}
	for (uint32_t i = 0; i < n && n < 16; i++) {
		float x[8];

		for (uint32_t k = 0; k < 8; k++)
			x[k] = half->mixed[k][i];
		FDN_HADAMARD(float, x);
		FDN_PUT(float, float, half, is_second, x, i);
	}
}

/* FIRST .. FIRST + N of a block. */
MIXD_INLINE void fdn_tile(struct fdn *fdn, float (*inject)[FDN_BLOCK], float (*ret_row)[FDN_BLOCK],
			  uint32_t wanted, uint32_t first, uint32_t n)
{
	float tap[FDN_SWAYING][FDN_ROW] __attribute__((aligned(64)));
	float row[FDN_LINES][FDN_TILE] __attribute__((aligned(64)));
	float lanes[FDN_TILE][FDN_LINES] __attribute__((aligned(64)));
	const float *line[FDN_LINES];

	fdn_read(fdn, tap, n);
	for (uint32_t l = 0; l < FDN_LINES; l++)
		line[l] = l % 2 ? tap[l / 2]
				: blockring_at(&fdn->line[l], fdn->position - fdn->length[l]);
	fdn_to_lanes(line, lanes, n);
	fdn_absorb(fdn, lanes, n);
	fdn_to_rows(lanes, row, n);
	for (uint32_t h = 0; h < 2; h++) {
		struct fdn_half half = {
			.mixed = row + 8 * h,
			.inject = inject,
			.row = ret_row + 8 * h,
			.wanted = wanted >> 8 * h,
			.first = first,
		};

		for (uint32_t k = 0; k < 8; k++)
			half.line[k] = blockring_place(&fdn->line[8 * h + k], fdn->position);
		if (h == 0)
			fdn_mix(&half, false, n);
		else
			fdn_mix(&half, true, n);
	}
	for (uint32_t l = 0; l < FDN_LINES; l++)
		blockring_wrote(&fdn->line[l], fdn->position, n);
	fdn->position += n;
	fdn->clock += n;
}

MIXD_CLONES void fdn_process(struct fdn *fdn, float (*inject)[FDN_BLOCK],
			     float (*ret_row)[FDN_BLOCK], uint32_t wanted, uint32_t n)
{
	for (uint32_t done = 0, part; done < n; done += part) {
		part = n - done < FDN_TILE ? n - done : FDN_TILE;
		fdn_tile(fdn, inject, ret_row, wanted, done, part);
	}
}

void fdn_process_plain(struct fdn *fdn, float (*inject)[FDN_BLOCK], float (*ret_row)[FDN_BLOCK],
		       uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t at = fdn->clock % SWAYBANK_KNOT;
		float x[FDN_LINES];

		if (at == 0)
			swaybank_knot(&fdn->sway, fdn->swaying, fdn->depth);
		for (uint32_t l = 0; l < FDN_LINES; l++) {
			float coef[6];

			for (uint32_t c = 0; c < 6; c++)
				coef[c] = fdn->coef[c][l];
			x[l] = l % 2 ? swaybank_read_plain(&fdn->sway, l / 2, &fdn->line[l],
							   fdn->position, at)
				     : *blockring_at(&fdn->line[l], fdn->position - fdn->length[l]);
			FDN_ABSORB(float, x[l], coef, fdn->state[0][l], fdn->state[1][l]);
		}
		for (uint32_t l = 0; l < 8; l++) {
			float a = x[l], b = x[l + 8];

			x[l] = a + b;
			x[l + 8] = a - b;
		}
		FDN_HADAMARD(float, x);
		FDN_HADAMARD(float, x + 8);
		for (uint32_t l = 0; l < FDN_LINES; l++) {
			float out = l < 8 ? x[l] + inject[l][i] : x[l] - inject[l - 8][i];

			ret_row[l][i] = x[l];
			blockring_write(&fdn->line[l], fdn->position, &out, 1);
		}
		fdn->position++;
		fdn->clock++;
	}
}
