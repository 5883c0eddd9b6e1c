/* dynshelf.c - see dynshelf.h for source and method. With low, band and high pass of a section
 * adding up to its input, low + r k band + r^2 high is r^2 x + (1 - r^2) low + (r - r^2) k band. Two channels are two lanes. */
#include "dynshelf.h"

#include <math.h>

#include <mixd/rt.h>

typedef lanes_f64x2 dynshelf_v;
typedef lanes_f64x4 dynshelf_v4;

/* 2 sin((2 j + 1) pi / 12): the sections of a Butterworth filter of order 6. */
static const double dynshelf_k[DYNSHELF_SECTIONS] = {1.4142135623730951, 1.9318516525781366,
						     0.5176380902050415};

void dynshelf_set(struct dynshelf *shelf, double corner_hz, double rate_hz)
{
	double g = tan(M_PI * fmin(corner_hz / rate_hz, 0.45));

	for (uint32_t j = 0; j < DYNSHELF_SECTIONS; j++) {
		double a1 = 1.0 / (1.0 + g * (g + dynshelf_k[j]));

		shelf->a[j] = 2.0 * a1 - 1.0;
		shelf->b[j] = 2.0 * g * g * a1;
		/* The first state is kept times k, as the mix wants it. */
		shelf->in[j] = 2.0 * g * a1 * dynshelf_k[j];
		shelf->over[j] = 2.0 * g * a1 / dynshelf_k[j];
	}
}

#define DYNSHELF_JOIN(a, b) __builtin_shufflevector((a), (b), 0, 1, 2, 3)
#define DYNSHELF_LOWER(a) __builtin_shufflevector((a), (a), 0, 1)
#define DYNSHELF_UPPER(a) __builtin_shufflevector((a), (a), 2, 3)
#define DYNSHELF_BLEND(a, b) __builtin_shufflevector((a), (b), 0, 1, 6, 7)

/* The sections stand DYNSHELF_SKEW frames apart, the first two in one vector: in turn I the first works
 * on frame I, the second on I - 3, the third on I - 6. One frame apart would do for the order, but the
 * lanes of a vector wait for each other; three turns are as long as one section takes. In the first
 * and last turns those without a frame keep their state. */
#define DYNSHELF_SKEW 3u
#define DYNSHELF_TURNS (MIXD_SLICE_MAX + 2u * DYNSHELF_SKEW)

struct dynshelf_skew {
	dynshelf_v4 a, b, t, u, s1, s2; /* sections 0 and 1; t: in, u: over */
	dynshelf_v4 gave[DYNSHELF_SKEW]; /* the outputs of turns before, the newest first */
	dynshelf_v a2, b2, t2, u2, p1, p2; /* section 2 */
};

/* What the radius of a frame makes of the three outputs of a section, for both channels. Turn I finds
 * its frame at I + 2 * DYNSHELF_SKEW. */
struct dynshelf_mix {
	dynshelf_v square[DYNSHELF_TURNS + 2u * DYNSHELF_SKEW];
	dynshelf_v low[DYNSHELF_TURNS + 2u * DYNSHELF_SKEW];
	dynshelf_v band[DYNSHELF_TURNS + 2u * DYNSHELF_SKEW];
};

#define DYNSHELF_MIX4(row, i)                                                                      \
	DYNSHELF_JOIN((row)[(i) + 2u * DYNSHELF_SKEW], (row)[(i) + DYNSHELF_SKEW])
#define DYNSHELF_MIX2(row, i) ((row)[(i)])

typedef double dynshelf_v4u __attribute__((vector_size(32), aligned(16), may_alias));

/* Four values, each for both channels. */
MIXD_INLINE void dynshelf_twice(dynshelf_v *ret, dynshelf_v4 x)
{
	*(dynshelf_v4u *)ret = __builtin_shufflevector(x, x, 0, 0, 1, 1);
	*(dynshelf_v4u *)(ret + 2) = __builtin_shufflevector(x, x, 2, 2, 3, 3);
}

MIXD_INLINE void dynshelf_fill(struct dynshelf_mix *mix, const float *r, uint32_t n)
{
	const dynshelf_v zero = {0.0, 0.0};
	const uint32_t ends = 2 * DYNSHELF_SKEW;

	for (uint32_t i = 0; i < ends; i++) {
		mix->square[i] = mix->low[i] = mix->band[i] = zero;
		mix->square[ends + n + i] = mix->low[ends + n + i] = mix->band[ends + n + i] = zero;
	}
	for (uint32_t i = 0; i + 4 <= n; i += 4) {
		dynshelf_v4 radius =
			__builtin_convertvector(*(const lanes_f32x4u *)(r + i), dynshelf_v4);
		dynshelf_v4 square = radius * radius;

		dynshelf_twice(&mix->square[ends + i], square);
		dynshelf_twice(&mix->low[ends + i], 0.5 - 0.5 * square);
		dynshelf_twice(&mix->band[ends + i], 0.5 * (radius - square));
	}
	for (uint32_t i = n / 4 * 4; i < n; i++) {
		double radius = (double)r[i], square = radius * radius;
		double low = 0.5 - 0.5 * square, band = 0.5 * (radius - square);

		mix->square[ends + i] = (dynshelf_v){square, square};
		mix->low[ends + i] = (dynshelf_v){low, low};
		mix->band[ends + i] = (dynshelf_v){band, band};
	}
}

MIXD_INLINE dynshelf_v dynshelf_turn(struct dynshelf_skew *run, dynshelf_v x,
				     const struct dynshelf_mix *mix, uint32_t i,
				     const uint32_t keep)
{
	dynshelf_v4 before = run->gave[DYNSHELF_SKEW - 1u];
	dynshelf_v4 in = DYNSHELF_JOIN(x, DYNSHELF_LOWER(before)), v = in - run->s2;
	dynshelf_v4 n1 = run->a * run->s1 + run->t * v;
	dynshelf_v4 n2 = (run->s2 + run->u * run->s1) + run->b * v;
	dynshelf_v in2 = DYNSHELF_UPPER(before), w = in2 - run->p2;
	dynshelf_v m1 = run->a2 * run->p1 + run->t2 * w;
	dynshelf_v m2 = (run->p2 + run->u2 * run->p1) + run->b2 * w;
	dynshelf_v y = DYNSHELF_MIX2(mix->square, i) * in2 +
		       (DYNSHELF_MIX2(mix->low, i) * (run->p2 + m2) +
			DYNSHELF_MIX2(mix->band, i) * (run->p1 + m1));

	for (uint32_t k = DYNSHELF_SKEW - 1u; k > 0; k--)
		run->gave[k] = run->gave[k - 1];
	run->gave[0] =
		DYNSHELF_MIX4(mix->square, i) * in + (DYNSHELF_MIX4(mix->low, i) * (run->s2 + n2) +
						      DYNSHELF_MIX4(mix->band, i) * (run->s1 + n1));
	if (keep & 1u) {
		n1 = DYNSHELF_BLEND(run->s1, n1);
		n2 = DYNSHELF_BLEND(run->s2, n2);
	}
	if (keep & 2u) {
		n1 = DYNSHELF_BLEND(n1, run->s1);
		n2 = DYNSHELF_BLEND(n2, run->s2);
	}
	run->s1 = n1;
	run->s2 = n2;
	if (!(keep & 4u)) {
		run->p1 = m1;
		run->p2 = m2;
	}
	return y;
}

MIXD_INLINE dynshelf_v4 dynshelf_pair(const double *value)
{
	return (dynshelf_v4){value[0], value[0], value[1], value[1]};
}

/* Turn I, some of whose sections have no frame. */
MIXD_INLINE void dynshelf_end(struct dynshelf_skew *run, dynshelf_v *io,
			      const struct dynshelf_mix *mix, uint32_t i, const uint32_t keep)
{
	const dynshelf_v zero = {0.0, 0.0};
	dynshelf_v y = dynshelf_turn(run, keep & 1u ? zero : io[i], mix, i, keep);

	if (!(keep & 4u))
		io[i - 2 * DYNSHELF_SKEW] = y;
}

static uint32_t dynshelf_keep(uint32_t i, uint32_t n)
{
	const uint32_t skew = DYNSHELF_SKEW;

	return (i >= n ? 1u : 0u) | (i < skew || i >= n + skew ? 2u : 0u) |
	       (i < 2 * skew ? 4u : 0u);
}

/* All turns of N frames; the last ones overlap the first ones when there are few. */
MIXD_INLINE void dynshelf_turns(struct dynshelf_skew *run, dynshelf_v *io,
				const struct dynshelf_mix *mix, uint32_t n)
{
	const uint32_t skew = DYNSHELF_SKEW, ends = 2 * DYNSHELF_SKEW;

	if (n < ends) {
		for (uint32_t i = 0; i < n + ends; i++)
			dynshelf_end(run, io, mix, i, dynshelf_keep(i, n));
		return;
	}
	for (uint32_t i = 0; i < skew; i++)
		dynshelf_end(run, io, mix, i, 6);
	for (uint32_t i = skew; i < ends; i++)
		dynshelf_end(run, io, mix, i, 4);
	for (uint32_t i = ends; i < n; i++)
		io[i - ends] = dynshelf_turn(run, io[i], mix, i, 0);
	for (uint32_t i = n; i < n + skew; i++)
		dynshelf_end(run, io, mix, i, 1);
	for (uint32_t i = n + skew; i < n + ends; i++)
		dynshelf_end(run, io, mix, i, 3);
}

MIXD_CLONES static void dynshelf_vectors(const struct dynshelf *shelf, struct dynshelf_state *state,
					 double *x, const float *r, uint32_t n)
{
	dynshelf_v *word = (dynshelf_v *)state->word, *io = (dynshelf_v *)x;
	const double a2 = shelf->a[2], b2 = shelf->b[2], t2 = shelf->in[2], u2 = shelf->over[2];
	struct dynshelf_mix mix;
	struct dynshelf_skew run = {
		.a = dynshelf_pair(shelf->a),
		.b = dynshelf_pair(shelf->b),
		.t = dynshelf_pair(shelf->in),
		.u = dynshelf_pair(shelf->over),
		.s1 = DYNSHELF_JOIN(word[0], word[2]),
		.s2 = DYNSHELF_JOIN(word[1], word[3]),
		.a2 = {a2, a2},
		.b2 = {b2, b2},
		.t2 = {t2, t2},
		.u2 = {u2, u2},
		.p1 = word[4],
		.p2 = word[5],
	};

	dynshelf_fill(&mix, r, n);
	dynshelf_turns(&run, io, &mix, n);
	word[0] = DYNSHELF_LOWER(run.s1);
	word[1] = DYNSHELF_LOWER(run.s2);
	word[2] = DYNSHELF_UPPER(run.s1);
	word[3] = DYNSHELF_UPPER(run.s2);
	word[4] = run.p1;
	word[5] = run.p2;
}

MIXD_CLONES static void dynshelf_load(const float *const in[2], double *x, uint32_t n)
{
	lanes_load_f64(in, n, 2, x);
}

MIXD_CLONES static void dynshelf_store(const double *x, float *const out[2], uint32_t n)
{
	lanes_store_f64(x, out, n, 2);
}

void dynshelf_run(const struct dynshelf *shelf, struct dynshelf_state *state,
		  const float *const in[2], float *const out[2], const float *r, uint32_t n)
{
	double x[2 * MIXD_SLICE_MAX] __attribute__((aligned(64)));

	dynshelf_load(in, x, n);
	dynshelf_vectors(shelf, state, x, r, n);
	dynshelf_store(x, out, n);
}

void dynshelf_run_plain(const struct dynshelf *shelf, struct dynshelf_state *state,
			const float *const in[2], float *const out[2], const float *r, uint32_t n)
{
	for (uint32_t c = 0; c < 2; c++)
		for (uint32_t i = 0; i < n; i++) {
			double y = in[c][i] + 0.0f, radius = r[i], square = radius * radius;
			double low = 0.5 - 0.5 * square, band = 0.5 * (radius - square);

			for (uint32_t j = 0; j < DYNSHELF_SECTIONS; j++) {
				double *s = state->word + 4 * (size_t)j + c, v = y - s[2];
				double n1 = shelf->a[j] * s[0] + shelf->in[j] * v;
				double n2 = (s[2] + shelf->over[j] * s[0]) + shelf->b[j] * v;

				y = square * y + (low * (s[2] + n2) + band * (s[0] + n1));
				s[0] = n1;
				s[2] = n2;
			}
			out[c][i] = (float)y;
		}
}
