/* media_quantise.c - see media_quantise.h.
 *
 * SOURCE      Lipshitz, Wannamaker, Vanderkooy, "Quantization and dither: a theoretical survey", JAES
 *             40(5), 1992: TPDF, the sum of two independent uniform numbers of one step each, makes
 *             mean and power of the error independent of the signal. Random numbers: Steele, Lea,
 *             Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014: a Weyl sequence
 *             through a mixing function; here both of 32 bits (the finaliser of Appleby's
 *             MurmurHash3), keyed anew each 2^32 frames. Its halves are the two uniform numbers.
 * STRUCTURE   Flat: loops over a piece of a channel that compilers turn into vectors. Shaped: a loop
 *             over frames, as each needs the errors before it. */
#include "media_quantise.h"

#include <math.h>
#include <string.h>

#include "lanes.h"

#define ROUND 6755399441055744.0 /* 1.5 * 2^52: added and taken away, it rounds */
#define NOISE_FRAMES 256u
#define WEYL_32 UINT32_C(0x9E3779B9)
#define WEYL_64 UINT64_C(0x9E3779B97F4A7C15)

static uint64_t quantise_mix_64(uint64_t z)
{
	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return z ^ (z >> 31);
}

MIXD_INLINE uint32_t quantise_mix(uint32_t z)
{
	z = (z ^ (z >> 16)) * UINT32_C(0x85EBCA6B);
	z = (z ^ (z >> 13)) * UINT32_C(0xC2B2AE35);
	return z ^ (z >> 16);
}

/* Triangular in (-1, 1), mean 0. */
MIXD_INLINE double quantise_noise(uint32_t key, uint32_t frame)
{
	uint32_t z = quantise_mix(key + frame * WEYL_32);
	int32_t sum = ((int32_t)z >> 16) + (int32_t)(int16_t)(uint16_t)z + 1;

	return (double)sum * 0x1p-16;
}

/* The key of CHANNEL for the frames from FRAME on, up to the next multiple of 2^32. */
static uint32_t quantise_key(const struct media_quantiser *quantiser, uint32_t channel,
			     uint64_t frame)
{
	return (uint32_t)(quantise_mix_64(quantiser->key[channel] + (frame >> 32) * WEYL_64) >> 32);
}

void media_quantiser_init(struct media_quantiser *quantiser, uint32_t n_channels, uint32_t bits,
			  enum media_dither dither, double rate, uint64_t seed)
{
	bool can_shape = rate >= DITHER_SHAPED_MIN_HZ && rate <= DITHER_SHAPED_MAX_HZ;

	memset(quantiser, 0, sizeof(*quantiser));
	quantiser->n_channels = n_channels;
	quantiser->bits = bits;
	quantiser->steps = ldexp(1.0, (int)bits - 1);
	quantiser->dither = dither;
	if (dither == MEDIA_DITHER_AUTO && bits > 24)
		quantiser->dither = MEDIA_DITHER_NONE;
	if (dither == MEDIA_DITHER_SHAPED && can_shape)
		quantiser->shape = DITHER_SHAPE_IMPROVED_E;
	else if (dither == MEDIA_DITHER_SHAPED)
		quantiser->dither = MEDIA_DITHER_TPDF;
	for (uint32_t c = 0; c < n_channels; c++)
		quantiser->key[c] = quantise_mix_64(seed + (c + 1) * WEYL_64);
}

/* V in steps, rounded and inside; counts what was not. */
MIXD_INLINE int32_t quantise_round(double v, double highest, double lowest, uint32_t *clips)
{
	v = v > highest + 1 ? highest + 1 : v;
	v = v < lowest - 1 ? lowest - 1 : v;
	v = v + ROUND - ROUND;
	*clips += v > highest;
	*clips += v < lowest;
	v = v > highest ? highest : v;
	v = v < lowest ? lowest : v;
	return (int32_t)v;
}

MIXD_CLONES static uint32_t quantise_plain(int32_t *restrict out, const float *restrict in,
					   uint32_t n, double steps, uint32_t shift)
{
	uint32_t clips = 0;

	for (uint32_t i = 0; i < n; i++)
		out[i] = (int32_t)((uint32_t)quantise_round((double)in[i] * steps, steps - 1,
							    -steps, &clips)
				   << shift);
	return clips;
}

MIXD_CLONES static uint32_t quantise_tpdf(int32_t *restrict out, const float *restrict in,
					  uint32_t n, double steps, uint32_t shift, uint32_t key,
					  uint32_t frame)
{
	uint32_t clips = 0;

	for (uint32_t i = 0; i < n; i++) {
		double v = (double)in[i] * steps + quantise_noise(key, frame + i);

		out[i] = (int32_t)((uint32_t)quantise_round(v, steps - 1, -steps, &clips) << shift);
	}
	return clips;
}

/* Four channels from FIRST on, N frames of noise in NOISE. TAPS is a constant after inlining. */
MIXD_INLINE uint32_t quantise_shaped(struct media_quantiser *quantiser, uint32_t first,
				     const float *const *in, int32_t *const *out, uint32_t at,
				     const double (*noise)[4], uint32_t n, uint32_t shift,
				     const uint32_t taps)
{
	const double *tap = dither_filters[quantiser->shape].tap, steps = quantiser->steps;
	const double most = 2 * steps;
	uint32_t left = quantiser->n_channels - first, used = left < 4 ? left : 4, clips = 0;
	lanes_f64x4 error[DITHER_TAPS];

	for (uint32_t k = 0; k < taps; k++)
		for (uint32_t l = 0; l < 4; l++)
			error[k][l] = quantiser->error[first + (l < used ? l : 0)][k];
	for (uint32_t i = 0; i < n; i++) {
		lanes_f64x4 x = {0}, old = {0}, v, y;

		/* What is far outside is clipped before, or its error would never fade. */
		for (uint32_t l = 0; l < used; l++) {
			double s = (double)in[first + l][at + i] * steps;

			x[l] = s > most ? most : s < -most ? -most : s;
		}
#pragma GCC unroll 9
		for (uint32_t k = 1; k < taps; k++)
			old += tap[k] * error[k];
		v = (x - old) - tap[0] * error[0];
		y = v + *(const lanes_f64x4 *)noise[i] + ROUND - ROUND;
#pragma GCC unroll 9
		for (uint32_t k = taps - 1; k > 0; k--)
			error[k] = error[k - 1];
		error[0] = y - v;
		for (uint32_t l = 0; l < used; l++)
			out[first + l][at + i] =
				(int32_t)((uint32_t)quantise_round(y[l], steps - 1, -steps, &clips)
					  << shift);
	}
	for (uint32_t k = 0; k < taps; k++)
		for (uint32_t l = 0; l < used; l++)
			quantiser->error[first + l][k] = error[k][l];
	return clips;
}

MIXD_CLONES static uint32_t quantise_shaped_9(struct media_quantiser *quantiser, uint32_t first,
					      const float *const *in, int32_t *const *out,
					      uint32_t at, const double (*noise)[4], uint32_t n,
					      uint32_t shift)
{
	return quantise_shaped(quantiser, first, in, out, at, noise, n, shift, 9);
}

MIXD_CLONES static void quantise_fill_noise(double (*noise)[4], uint32_t lane, uint32_t n,
					    uint32_t key, uint32_t frame)
{
	for (uint32_t i = 0; i < n; i++)
		noise[i][lane] = quantise_noise(key, frame + i);
}

/* All channels, N frames under one key. */
static void quantise_piece_shaped(struct media_quantiser *quantiser, const float *const *in,
				  int32_t *const *out, uint32_t at, uint32_t n, uint32_t shift)
{
	double noise[NOISE_FRAMES][4] __attribute__((aligned(32)));

	while (n > 0) {
		const uint32_t now = n < NOISE_FRAMES ? n : NOISE_FRAMES;

		for (uint32_t c = 0; c < quantiser->n_channels; c += 4) {
			for (uint32_t l = 0; l < 4; l++)
				quantise_fill_noise(noise, l, now,
						    quantise_key(quantiser,
								 (c + l) % MEDIA_CHANNELS_MAX,
								 quantiser->frame),
						    (uint32_t)quantiser->frame);
			quantiser->clips +=
				quantise_shaped_9(quantiser, c, in, out, at, noise, now, shift);
		}
		quantiser->frame += now;
		at += now;
		n -= now;
	}
}

MIXD_CLONES static uint32_t quantise_off_grid(const float *in, uint32_t n, double steps)
{
	uint32_t off = 0;

	for (uint32_t i = 0; i < n; i++) {
		double v = (double)in[i] * steps;

		v = v > steps ? steps : v < -steps - 1 ? -steps - 1 : v;
		off += v + ROUND - ROUND != v;
		off += v > steps - 1;
		off += v < -steps;
	}
	return off;
}

/* The first of N frames with a sample between the steps, or N. */
static uint32_t quantise_on_grid(const struct media_quantiser *quantiser, const float *const *in,
				 uint32_t n)
{
	for (uint32_t c = 0; c < quantiser->n_channels; c++) {
		uint32_t i = 0;

		if (!quantise_off_grid(in[c], n, quantiser->steps))
			continue;
		while (!quantise_off_grid(in[c] + i, 1, quantiser->steps))
			i++;
		n = i;
	}
	return n;
}

static void quantise_piece(struct media_quantiser *quantiser, const float *const *in,
			   int32_t *const *out, uint32_t at, uint32_t n, uint32_t shift,
			   bool dithered)
{
	const uint32_t frame = (uint32_t)quantiser->frame;

	if (dithered && quantiser->shape != DITHER_SHAPE_FLAT) {
		quantise_piece_shaped(quantiser, in, out, at, n, shift);
		return;
	}
	for (uint32_t c = 0; c < quantiser->n_channels; c++)
		if (dithered)
			quantiser->clips +=
				quantise_tpdf(out[c] + at, in[c] + at, n, quantiser->steps, shift,
					      quantise_key(quantiser, c, quantiser->frame), frame);
		else
			quantiser->clips +=
				quantise_plain(out[c] + at, in[c] + at, n, quantiser->steps, shift);
	quantiser->frame += n;
}

void media_quantise(struct media_quantiser *quantiser, const float *const *in, int32_t *const *out,
		    uint32_t n, uint32_t shift)
{
	bool is_auto = quantiser->dither == MEDIA_DITHER_AUTO;
	bool dithered = quantiser->dither != MEDIA_DITHER_NONE;
	uint32_t at = 0;

	if (is_auto && !quantiser->is_off_grid) {
		at = quantise_on_grid(quantiser, in, n);
		quantiser->is_off_grid = at < n;
		quantise_piece(quantiser, in, out, 0, at, shift, false);
	}
	while (at < n) {
		uint64_t same_key = (UINT64_C(1) << 32) - (uint32_t)quantiser->frame;
		uint32_t now = n - at < same_key ? n - at : (uint32_t)same_key;

		quantise_piece(quantiser, in, out, at, now, shift, dithered);
		at += now;
	}
}
