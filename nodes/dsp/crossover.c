/* crossover.c - see crossover.h for source and method.
 *
 * STRUCTURE   A vector of four f64 lanes holds two branches of two channels. All splits of a frame
 *             are unrolled in one loop, so that those of neighbouring frames overlap in an
 *             out-of-order core; the number of ways is a constant in each of the five loops.
 *             State of split k (counted from the top, k + 1 branches): the all-pass sections, two
 *             branches each, then the second low pass. */
#include "crossover.h"

#include <math.h>

#include <mixd/rt.h>

#define CROSSOVER_K 1.4142135623730951 /* sqrt 2: Butterworth */
#define CROSSOVER_FOLLOW_S 0.0015
#define CROSSOVER_SETTLED 1e-10 /* of coefficients of about 1: 200 dB below */
#define CROSSOVER_VECTORS(branches) (((branches) + 1u) / 2u)

typedef lanes_f64x4 crossover_v;

void crossover_space(double *freq_hz, uint32_t n, double rate_hz)
{
	for (uint32_t i = 1; i < n; i++)
		freq_hz[i] = fmax(freq_hz[i], freq_hz[i - 1] * CROSSOVER_SPACING);
	for (uint32_t i = 0; i < n; i++)
		freq_hz[i] = fmin(freq_hz[i], 0.49 * rate_hz);
}

static void crossover_coefs(double freq_hz, double rate_hz, double ret[3])
{
	double g = tan(M_PI * fmin(freq_hz / rate_hz, 0.49));
	double a1 = 1.0 / (1.0 + g * (g + CROSSOVER_K));

	ret[0] = 2.0 * a1 - 1.0;
	ret[1] = 2.0 * g * g * a1;
	ret[2] = 2.0 * g * a1;
}

void crossover_set(struct crossover *crossover, uint32_t idx, double freq_hz, double rate_hz)
{
	struct crossover_point *point = &crossover->point[idx];

	crossover_coefs(freq_hz, rate_hz, point->target);
	for (uint32_t j = 0; j < 3; j++)
		point->now[j] = point->mid[j] = point->target[j];
}

void crossover_move(struct crossover *crossover, uint32_t idx, double freq_hz, double rate_hz)
{
	crossover_coefs(freq_hz, rate_hz, crossover->point[idx].target);
	crossover->follow = fmin(1.0 / (CROSSOVER_FOLLOW_S * rate_hz), 1.0);
	crossover->moving = true;
}

bool crossover_settle(struct crossover *crossover)
{
	bool moving = false;

	for (uint32_t k = 0; k + 1 < crossover->ways; k++) {
		struct crossover_point *point = &crossover->point[k];
		double rest = 0.0;

		for (uint32_t j = 0; j < 3; j++)
			rest = fmax(rest, fmax(fabs(point->target[j] - point->mid[j]),
					       fabs(point->target[j] - point->now[j])));
		if (rest > CROSSOVER_SETTLED)
			moving = true;
		else
			for (uint32_t j = 0; j < 3; j++)
				point->now[j] = point->mid[j] = point->target[j];
	}
	crossover->moving = moving;
	return moving;
}

/* One frame nearer. */
MIXD_INLINE void crossover_follow(struct crossover_point *point, double follow)
{
	for (uint32_t j = 0; j < 3; j++) {
		point->mid[j] += follow * (point->target[j] - point->mid[j]);
		point->now[j] += follow * (point->mid[j] - point->now[j]);
	}
}

void crossover_advance(struct crossover *crossover, uint32_t n)
{
	for (uint32_t i = 0; crossover->moving && i < n; i++)
		for (uint32_t k = 0; k + 1 < crossover->ways; k++)
			crossover_follow(&crossover->point[k], crossover->follow);
}

struct crossover_section {
	crossover_v s1, s2;
};

/* One section, one frame: the low pass is returned, the all-pass written. */
MIXD_INLINE void crossover_step(struct crossover_section *section, const double c[3],
				const crossover_v *x, crossover_v *ret_low, crossover_v *ret_all)
{
	crossover_v s1 = section->s1, s2 = section->s2, v = *x - s2;
	crossover_v n1 = c[0] * s1 + c[2] * v;
	crossover_v n2 = (s2 + c[2] * s1) + c[1] * v;

	*ret_low = 0.5 * (s2 + n2);
	*ret_all = *x - CROSSOVER_K * (s1 + n1);
	section->s1 = n1;
	section->s2 = n2;
}

/* Lanes 0 and 1 of A, 2 and 3 of B; and lanes 0 and 1 of A, then of B. */
#if defined(__clang__)
#define CROSSOVER_BLEND(a, b) __builtin_shufflevector((a), (b), 0, 1, 6, 7)
#define CROSSOVER_LOWS(a, b) __builtin_shufflevector((a), (b), 0, 1, 4, 5)
#else
#define CROSSOVER_BLEND(a, b) __builtin_shuffle((a), (b), (lanes_i64x4){0, 1, 6, 7})
#define CROSSOVER_LOWS(a, b) __builtin_shuffle((a), (b), (lanes_i64x4){0, 1, 4, 5})
#endif

/* All splits of one frame. X[v] holds branches 2v and 2v + 1; branch 0 is the lowest, the others in
 * the order in which they were split off, the highest first. */
MIXD_INLINE void crossover_frame(const uint32_t ways, struct crossover_section *section,
				 const struct crossover_point *point, crossover_v *x)
{
	const crossover_v zero = {0.0, 0.0, 0.0, 0.0};
	uint32_t s = 0;

#pragma GCC unroll 5
	for (uint32_t k = 0; k + 1 < ways; k++) {
		const uint32_t branches = k + 1, vectors = CROSSOVER_VECTORS(branches);
		const double *coef = point[ways - 2 - k].now;
		crossover_v low, all, lower, unused, high;

		crossover_step(&section[s++], coef, &x[0], &low, &all);
#pragma GCC unroll 3
		for (uint32_t v = 1; v < vectors; v++)
			crossover_step(&section[s++], coef, &x[v], &unused, &x[v]);
		crossover_step(&section[s++], coef, &low, &lower, &unused);
		high = all - lower;
		x[0] = CROSSOVER_BLEND(lower, all);
		/* The new branch is number `branches`. */
		if (branches & 1u)
			x[branches / 2] = CROSSOVER_LOWS(x[branches / 2], high);
		else
			x[branches / 2] = CROSSOVER_LOWS(high, zero);
	}
}

MIXD_INLINE void crossover_loop(const struct crossover *crossover, struct crossover_state *state,
				const uint32_t ways, const bool moving, const double *in,
				float (*out)[MIXD_SLICE_MAX][4], uint32_t n)
{
	const uint32_t vectors = CROSSOVER_VECTORS(ways);
	const crossover_v zero = {0.0, 0.0, 0.0, 0.0};
	struct crossover_section section[CROSSOVER_SECTIONS];
	struct crossover_point point[CROSSOVER_POINTS_MAX];
	crossover_v *words = (crossover_v *)state->word;
	uint32_t sections = ways - 1;

	for (uint32_t k = 1; k < ways; k++)
		sections += CROSSOVER_VECTORS(k);
	for (uint32_t s = 0; s < sections; s++)
		section[s] = (struct crossover_section){words[2 * s], words[2 * s + 1]};
	for (uint32_t k = 0; k + 1 < ways; k++)
		point[k] = crossover->point[k];
	for (uint32_t i = 0; i < n; i++) {
		crossover_v x[3] = {*(const crossover_v *)(in + 4 * (size_t)i), zero, zero};

		for (uint32_t k = 0; moving && k + 1 < ways; k++)
			crossover_follow(&point[k], crossover->follow);
		crossover_frame(ways, section, point, x);
		for (uint32_t v = 0; v < vectors; v++)
			*(lanes_f32x4 *)out[v][i] = __builtin_convertvector(x[v], lanes_f32x4);
	}
	for (uint32_t s = 0; s < sections; s++) {
		words[2 * s] = section[s].s1;
		words[2 * s + 1] = section[s].s2;
	}
}

#define CROSSOVER_WAYS(n_)                                                                         \
	MIXD_CLONES static void crossover_##n_(const struct crossover *crossover,                  \
					       struct crossover_state *state, const double *in,    \
					       float(*out)[MIXD_SLICE_MAX][4], uint32_t n)         \
	{                                                                                          \
		if (crossover->moving)                                                             \
			crossover_loop(crossover, state, n_, true, in, out, n);                    \
		else                                                                               \
			crossover_loop(crossover, state, n_, false, in, out, n);                   \
	}

CROSSOVER_WAYS(2)
CROSSOVER_WAYS(3)
CROSSOVER_WAYS(4)
CROSSOVER_WAYS(5)
CROSSOVER_WAYS(6)

MIXD_CLONES static void crossover_load(const float *const in[2], uint32_t n, double *ret)
{
	static const float silence[MIXD_SLICE_MAX];
	const float *const lanes[4] = {in[0], in[1], silence, silence};

	lanes_load_f64(lanes, n, 4, ret);
}

/* Rows of the branches, in the order of the lanes, to the order of the bands. */
MIXD_CLONES static void crossover_store(float (*lanes)[MIXD_SLICE_MAX][4], uint32_t ways,
					float *const *out, uint32_t n)
{
	float unused[MIXD_SLICE_MAX];

	for (uint32_t v = 0; v < CROSSOVER_VECTORS(ways); v++) {
		float *row[4] = {unused, unused, unused, unused};

		for (uint32_t half = 0; half < 2 && 2 * v + half < ways; half++) {
			uint32_t branch = 2 * v + half, way = branch ? ways - branch : 0;

			row[2 * half] = out[2 * way];
			row[2 * half + 1] = out[2 * way + 1];
		}
		lanes_store_f32(lanes[v][0], row, 0, n, 4);
	}
}

void crossover_run(const struct crossover *crossover, struct crossover_state *state,
		   const float *const in[2], float *const *out, uint32_t n)
{
	double x[MIXD_SLICE_MAX * 4] __attribute__((aligned(64)));
	float lanes[3][MIXD_SLICE_MAX][4] __attribute__((aligned(64)));

	crossover_load(in, n, x);
	switch (crossover->ways) {
	case 2:
		crossover_2(crossover, state, x, lanes, n);
		break;
	case 3:
		crossover_3(crossover, state, x, lanes, n);
		break;
	case 4:
		crossover_4(crossover, state, x, lanes, n);
		break;
	case 5:
		crossover_5(crossover, state, x, lanes, n);
		break;
	default:
		crossover_6(crossover, state, x, lanes, n);
		break;
	}
	crossover_store(lanes, crossover->ways, out, n);
}

/* ---- plain C ----------------------------------------------------------------------------------- */

/* S: words s1 and s2 of one lane, four apart. */
static double crossover_plain_step(double *s, const double c[3], double x, double *ret_all)
{
	double v = x - s[4], n1 = c[0] * s[0] + c[2] * v, n2 = (s[4] + c[2] * s[0]) + c[1] * v;
	double low = 0.5 * (s[4] + n2);

	*ret_all = x - CROSSOVER_K * (s[0] + n1);
	s[0] = n1;
	s[4] = n2;
	return low;
}

/* One channel, one frame; X: branches, the input in the first. */
static void crossover_plain_frame(const struct crossover *crossover, double *word, double *x)
{
	for (uint32_t k = 0; k + 1 < crossover->ways; k++) {
		const double *c = crossover->point[crossover->ways - 2 - k].now;
		double low, unused;

		low = crossover_plain_step(word, c, x[0], &x[0]);
		for (uint32_t b = 1; b <= k; b++)
			crossover_plain_step(word + (b / 2) * 8 + b % 2 * 2, c, x[b], &x[b]);
		word += CROSSOVER_VECTORS(k + 1) * (size_t)8;
		low = crossover_plain_step(word, c, low, &unused);
		word += 8;
		x[k + 1] = x[0] - low;
		x[0] = low;
	}
}

void crossover_run_plain(const struct crossover *crossover, struct crossover_state *state,
			 const float *const in[2], double *const *out, uint32_t n)
{
	const uint32_t ways = crossover->ways;
	struct crossover at = *crossover;

	for (uint32_t i = 0; i < n; i++) {
		crossover_advance(&at, 1);
		for (uint32_t c = 0; c < 2; c++) {
			double x[CROSSOVER_WAYS_MAX] = {in[c][i] + 0.0f};

			crossover_plain_frame(&at, state->word + c, x);
			for (uint32_t way = 0; way < ways; way++)
				out[2 * way + c][i] = x[way ? ways - way : 0];
		}
	}
}
