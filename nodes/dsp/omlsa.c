/* omlsa.c - see omlsa.h.
 *
 * STRUCTURE   Arrays of floats, padded to 16; loops without branches, which compilers put into
 *             vectors. exp(E1(v) / 2) of LSA is sqrt(q(v) / v) with q(v) = v exp(E1(v)), which is
 *             smooth from exp(-Euler) at 0 to v at infinity: a rational function of degree 4 over 3
 *             meets it to 1.2e-4. */
#include "omlsa.h"

#include <math.h>
#include <string.h>

#include "clones.h"
#include "fastmath.h"

#include <mixd/rt.h>

#define OMLSA_PRIOR 31.6227766f /* 15 dB: the SNR of speech where there is some [GH12] */
#define OMLSA_TINY 1e-20f
#define OMLSA_RATIO_MIN 3.16227766e-3f /* -25 dB */
#define OMLSA_GAMMA_MAX 1e4f
#define OMLSA_START_BIAS 2.2f /* a mean over its minimum, while there is nothing better */
#define OMLSA_ZETA_FORGET 0.7f /* [CB01] table 1 */
#define OMLSA_ZETA_LOW 0.1f /* -10 dB: surely noise; from -5 dB on surely not */
#define OMLSA_ABSENT_MAX 0.95f
#define OMLSA_AROUND 15u /* bins to each side */
#define OMLSA_BROAD 24u

struct omlsa_pace omlsa_pace_of(double hop_s, bool is_slow)
{
	return (struct omlsa_pace){
		.forget = (float)pow(is_slow ? 0.97 : 0.8, hop_s / 0.016),
		.presence_forget = (float)pow(0.9, hop_s / 0.016),
		.start_hops = (uint32_t)fmax(0.3 / hop_s, 4),
		.window_hops = (uint32_t)fmax(1.25 / hop_s, 8),
	};
}

static uint32_t omlsa_padded(uint32_t n_bins)
{
	return (n_bins + 15) / 16 * 16;
}

size_t omlsa_bytes(uint32_t n_bins)
{
	return 11 * (size_t)omlsa_padded(n_bins) * sizeof(float);
}

void omlsa_place(struct omlsa *omlsa, uint32_t n_bins, void *memory)
{
	uint32_t n = omlsa_padded(n_bins);
	float *next = memory;
	float **const planes[] = {&omlsa->noise,  &omlsa->presence,	 &omlsa->smooth,
				  &omlsa->lowest, &omlsa->lowest_before, &omlsa->before,
				  &omlsa->ratio,  &omlsa->zeta,		 &omlsa->around,
				  &omlsa->local,  &omlsa->gain};

	*omlsa = (struct omlsa){.n_bins = n_bins, .n_padded = n};
	for (size_t i = 0; i < sizeof(planes) / sizeof(planes[0]); i++, next += n)
		*planes[i] = next;
	omlsa_reset(omlsa);
}

void omlsa_reset(struct omlsa *omlsa)
{
	memset(omlsa->noise, 0, omlsa_bytes(omlsa->n_bins));
	omlsa->n_hops = 0;
}

/* ---- noise ---- */

static bool omlsa_is_silent(const float *power, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (power[i] > 0.0f)
			return false;
	return true;
}

MIXD_CLONES static void omlsa_minima(struct omlsa *omlsa, const float *restrict power)
{
	float *restrict smooth = omlsa->smooth, *restrict lowest = omlsa->lowest;
	float old = omlsa->n_hops == 0 ? 0.0f : 0.8f, fresh = 1.0f - old;

	for (uint32_t i = 0; i < omlsa->n_padded; i++) {
		float s = old * smooth[i] + fresh * power[i];

		smooth[i] = s;
		lowest[i] = s < lowest[i] ? s : lowest[i];
	}
}

/* The old half of the window goes, the new half begins. */
static void omlsa_turn_minima(struct omlsa *omlsa)
{
	if (omlsa->n_hops % omlsa->pace.window_hops != 0)
		return;
	memcpy(omlsa->lowest_before, omlsa->n_hops ? omlsa->lowest : omlsa->smooth,
	       omlsa->n_padded * sizeof(float));
	memcpy(omlsa->lowest, omlsa->smooth, omlsa->n_padded * sizeof(float));
}

/* 1 / (1 + (1 + prior) exp(-power / noise * prior / (1 + prior))) */
MIXD_INLINE float omlsa_presence(float power, float noise)
{
	float gamma = power / noise;
	float e = fastmath_exp(-OMLSA_PRIOR / (1.0f + OMLSA_PRIOR) *
			       (gamma < OMLSA_GAMMA_MAX ? gamma : OMLSA_GAMMA_MAX));

	return 1.0f / (1.0f + (1.0f + OMLSA_PRIOR) * e);
}

double omlsa_presence_plain(double power, double noise)
{
	double prior = pow(10.0, 1.5);

	return 1.0 / (1.0 + (1.0 + prior) * exp(-power / noise * prior / (1.0 + prior)));
}

MIXD_CLONES static void omlsa_follow(struct omlsa *omlsa, const float *restrict power)
{
	float *restrict noise = omlsa->noise, *restrict presence = omlsa->presence;
	const float *restrict lowest = omlsa->lowest, *restrict before = omlsa->lowest_before;
	float forget = omlsa->pace.forget, keep = omlsa->pace.presence_forget;

	for (uint32_t i = 0; i < omlsa->n_padded; i++) {
		float p = omlsa_presence(power[i], noise[i]), floor, seen, estimate;

		presence[i] = keep * presence[i] + (1.0f - keep) * p;
		p = presence[i] > 0.99f && p > 0.99f ? 0.99f : p;
		seen = p * noise[i] + (1.0f - p) * power[i];
		estimate = forget * noise[i] + (1.0f - forget) * seen;
		floor = lowest[i] < before[i] ? lowest[i] : before[i];
		floor = floor > OMLSA_TINY ? floor : OMLSA_TINY;
		noise[i] = estimate > floor ? estimate : floor;
	}
}

/* The first third of a second: nobody knows whether it is noise or a voice. */
MIXD_CLONES static void omlsa_begin(struct omlsa *omlsa)
{
	for (uint32_t i = 0; i < omlsa->n_padded; i++) {
		float guess = OMLSA_START_BIAS * omlsa->lowest[i];

		omlsa->noise[i] = guess > OMLSA_TINY ? guess : OMLSA_TINY;
	}
}

void omlsa_track(struct omlsa *omlsa, const float *power)
{
	if (omlsa_is_silent(power, omlsa->n_padded))
		return; /* O1 */
	omlsa_minima(omlsa, power);
	omlsa_turn_minima(omlsa);
	if (omlsa->n_hops < omlsa->pace.start_hops)
		omlsa_begin(omlsa);
	else
		omlsa_follow(omlsa, power);
	omlsa->n_hops++;
}

MIXD_CLONES static void omlsa_log2(const float *restrict x, uint32_t n, float *restrict ret)
{
	for (uint32_t i = 0; i < n; i++)
		ret[i] = fastmath_log2(x[i]);
}

MIXD_CLONES static void omlsa_cap(float *restrict x, const float *restrict top_log2, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		float top = 2.0f * fastmath_exp2(top_log2[i]);

		x[i] = x[i] < top ? x[i] : top;
	}
}

void omlsa_flatten(struct omlsa *omlsa)
{
	float *level = omlsa->local, *mean = omlsa->around;
	uint32_t n = omlsa->n_bins;
	double sum = 0.0;

	omlsa_log2(omlsa->noise, omlsa->n_padded, level);
	for (uint32_t i = 0; i < n && i <= OMLSA_BROAD; i++)
		sum += (double)level[i];
	for (uint32_t i = 0; i < n; i++) {
		uint32_t first = i > OMLSA_BROAD ? i - OMLSA_BROAD : 0;
		uint32_t last = i + OMLSA_BROAD < n ? i + OMLSA_BROAD : n - 1;

		mean[i] = (float)sum * (1.0f / (float)(last - first + 1));
		sum += i + OMLSA_BROAD + 1 < n ? (double)level[i + OMLSA_BROAD + 1] : 0.0;
		sum -= i >= OMLSA_BROAD ? (double)level[first] : 0.0;
	}
	omlsa_cap(omlsa->noise, mean, n);
}

/* ---- gain ---- */

MIXD_INLINE float omlsa_lsa_of(float ratio, float gamma)
{
	float wiener = ratio / (1.0f + ratio), v = gamma * wiener, num, den;

	v = v > 1e-6f ? v : 1e-6f;
	num = 0.56152681f +
	      v * (0.83411182f + v * (0.5032479f + v * (0.14750824f + v * 0.03732754f)));
	den = v * (1.0f + v * (0.48804254f + v * (0.14789875f + v * 0.03732754f)));
	return wiener * sqrtf(num / den);
}

float omlsa_lsa(float ratio, float gamma)
{
	return omlsa_lsa_of(ratio, gamma);
}

/* E1 by its series, or its continued fraction: Abramowitz, Stegun 5.1.11, 5.1.22. */
static double omlsa_e1_plain(double x)
{
	double sum = 0.0, term = 1.0;

	if (x > 1.5) {
		for (int k = 60; k > 0; k--)
			sum = k / (1.0 + k / (x + sum));
		return exp(-x) / (x + sum);
	}
	for (int k = 1; k < 60; k++) {
		term *= -x / k;
		sum -= term / k;
	}
	return -0.57721566490153286 - log(x) + sum;
}

double omlsa_lsa_plain(double ratio, double gamma)
{
	double v = gamma * ratio / (1.0 + ratio);

	return ratio / (1.0 + ratio) * exp(0.5 * omlsa_e1_plain(v > 1e-6 ? v : 1e-6));
}

/* A-priori ratio, its average in time; gain[] becomes gamma. */
MIXD_CLONES static void omlsa_ratios(struct omlsa *omlsa, const float *restrict power,
				     const struct omlsa_wish *wish)
{
	float *restrict ratio = omlsa->ratio, *restrict zeta = omlsa->zeta;
	float *restrict gain = omlsa->gain;
	const float *restrict noise = omlsa->noise, *restrict before = omlsa->before;
	float over = wish->over, follow = wish->follow;

	for (uint32_t i = 0; i < omlsa->n_padded; i++) {
		float inverse = 1.0f / (over * noise[i] + OMLSA_TINY);
		float gamma = power[i] * inverse, excess, r;

		gamma = gamma < OMLSA_GAMMA_MAX ? gamma : OMLSA_GAMMA_MAX;
		excess = gamma > 1.0f ? gamma - 1.0f : 0.0f;
		r = follow * before[i] * inverse + (1.0f - follow) * excess;
		r = r > OMLSA_RATIO_MIN ? r : OMLSA_RATIO_MIN;
		ratio[i] = r < OMLSA_GAMMA_MAX ? r : OMLSA_GAMMA_MAX;
		zeta[i] = OMLSA_ZETA_FORGET * zeta[i] + (1.0f - OMLSA_ZETA_FORGET) * ratio[i];
		gain[i] = gamma;
	}
}

/* Means of ZETA over 3 bins and over 31; returns that over all. */
static float omlsa_means(struct omlsa *omlsa)
{
	const float *zeta = omlsa->zeta;
	uint32_t n = omlsa->n_bins;
	double sum = 0.0, all = 0.0;

	for (uint32_t i = 0; i < n && i <= OMLSA_AROUND; i++)
		sum += (double)zeta[i];
	for (uint32_t i = 0; i < n; i++) {
		uint32_t first = i > OMLSA_AROUND ? i - OMLSA_AROUND : 0;
		uint32_t last = i + OMLSA_AROUND < n ? i + OMLSA_AROUND : n - 1;
		float left = zeta[i > 0 ? i - 1 : 0], right = zeta[i + 1 < n ? i + 1 : i];

		omlsa->local[i] = 0.25f * left + 0.5f * zeta[i] + 0.25f * right;
		omlsa->around[i] = (float)sum * (1.0f / (float)(last - first + 1));
		all += (double)zeta[i];
		sum += i + OMLSA_AROUND + 1 < n ? (double)zeta[i + OMLSA_AROUND + 1] : 0.0;
		sum -= i >= OMLSA_AROUND ? (double)zeta[first] : 0.0;
	}
	return (float)(all / n);
}

/* 0 below -10 dB, 1 above -5 dB, straight in dB between. */
MIXD_INLINE float omlsa_likely(float zeta)
{
	return fastmath_unit(fastmath_log2(zeta * (1.0f / OMLSA_ZETA_LOW)) *
			     0.602059991f); /* / log2(sqrt(10)) */
}

MIXD_CLONES static void omlsa_weigh(struct omlsa *omlsa, const float *restrict power, float frame,
				    const struct omlsa_wish *wish)
{
	float *restrict gain = omlsa->gain, *restrict before = omlsa->before;
	const float *restrict ratio = omlsa->ratio;
	const float *restrict local = omlsa->local, *restrict around = omlsa->around;
	float floor = wish->floor, floor_log2 = fastmath_log2(floor);
	float frame_likely = omlsa_likely(frame);

	for (uint32_t i = 0; i < omlsa->n_padded; i++) {
		float r = ratio[i], gamma = gain[i], wiener = r / (1.0f + r);
		float g = omlsa_lsa_of(r, gamma), absent, odds, p, y;

		absent = 1.0f - omlsa_likely(local[i]) * omlsa_likely(around[i]) * frame_likely;
		absent *= OMLSA_ABSENT_MAX;
		odds = absent / (1.0f - absent) * (1.0f + r) * fastmath_exp(-gamma * wiener);
		p = 1.0f / (1.0f + odds);
		g = fastmath_unit(g);
		before[i] = g * g * power[i];
		y = fastmath_exp2(p * fastmath_log2(g > 1e-6f ? g : 1e-6f) +
				  (1.0f - p) * floor_log2);
		y = y > floor ? y : floor;
		gain[i] = y < 1.0f ? y : 1.0f;
	}
}

void omlsa_gain(struct omlsa *omlsa, const float *power, const struct omlsa_wish *wish)
{
	float frame;

	omlsa_ratios(omlsa, power, wish);
	frame = omlsa_means(omlsa);
	omlsa_weigh(omlsa, power, frame, wish);
}
