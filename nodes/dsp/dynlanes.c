/* Source: dynamics.c.
 *
 * Structure: three stages on chunks of eight frames, out of step: while the smoothing of a chunk, a
 * recursion, goes its way, the out-of-order core works on the levels of the next one. Rows become
 * lanes and lanes rows in registers. */
#include "dynlanes.h"

#include "dynamics_math.h"
#include "lanes_eight.h"
#include "lanes_native.h"

#include <mixd/rt.h>

#define DYNLANES_CHUNK 8u
/* Frames do not wait for each other, and the core looks ahead only so far: each step of the
 * arithmetic is done on all frames of a chunk before the next one. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define DYNLANES_UNROLL _Pragma("GCC unroll 1") /* gcc takes half a minute to check every copy */
#else
#define DYNLANES_UNROLL _Pragma("GCC unroll 8")
#endif
#define DYNLANES_EACH(statement)                                                                   \
	do {                                                                                       \
		DYNLANES_UNROLL for (uint32_t i = 0; i < DYNLANES_CHUNK; i++)                      \
		{                                                                                  \
			statement;                                                                 \
		}                                                                                  \
	} while (false)

struct dynlanes_curve {
	lanes_f32x8 lower, knee, knee_scale, slope, range, makeup; /* as dyn_want() has them */
	lanes_f32x8 none, least, highest; /* of level: 0, and what a power is held between */
};

/* Lane by lane in the source, one instruction in the machine, unless the loop is gone before the
 * compiler looks for vectors; as dyn_larger() and dyn_smaller(). */
MIXD_INLINE lanes_f32x8 dynlanes_larger(lanes_f32x8 a, lanes_f32x8 b)
{
	lanes_f32x8 larger = a;

#pragma GCC unroll 1
	for (uint32_t lane = 0; lane < 8; lane++)
		larger[lane] = a[lane] > b[lane] ? a[lane] : b[lane];
	return larger;
}

MIXD_INLINE lanes_f32x8 dynlanes_smaller(lanes_f32x8 a, lanes_f32x8 b)
{
	lanes_f32x8 smaller = a;

#pragma GCC unroll 1
	for (uint32_t lane = 0; lane < 8; lane++)
		smaller[lane] = a[lane] < b[lane] ? a[lane] : b[lane];
	return smaller;
}

MIXD_INLINE lanes_f32x8 dynlanes_word(const double *coef, uint32_t word)
{
	return __builtin_convertvector(((const lanes_f64x8 *)coef)[word], lanes_f32x8);
}

/* The halves are those of dyn_want(): levels are log2 of the power here. */
MIXD_INLINE void dynlanes_curve_begin(struct dynlanes_curve *curve, const double *coef)
{
	curve->lower = 2.0f * dynlanes_word(coef, DYN_COEF_LOWER);
	curve->knee = 2.0f * dynlanes_word(coef, DYN_COEF_KNEE);
	curve->knee_scale = 0.5f * dynlanes_word(coef, DYN_COEF_KNEE_SCALE);
	curve->slope = 0.5f * dynlanes_word(coef, DYN_COEF_SLOPE);
	curve->range = dynlanes_word(coef, DYN_COEF_RANGE);
	curve->makeup = dynlanes_word(coef, DYN_COEF_MAKEUP);
	/* To gcc 12 the larger of a vector and a constant is two instructions: no constants, then. */
	curve->none = (lanes_f32x8){0.0f};
	curve->least = curve->none + DYN_LEVEL_MIN_POWER;
	curve->highest = curve->none + DYN_LEVEL_MAX_POWER;
	__asm__("" : "+m"(curve->none), "+m"(curve->least), "+m"(curve->highest));
}

MIXD_INLINE void dynlanes_rows(const float *const *in, uint32_t at, lanes_f32x8 *x)
{
#pragma GCC unroll 8
	for (uint32_t k = 0; k < DYNLANES_CHUNK; k++)
		x[k] = *(const lanes_f32x8u *)(in[k] + at);
}

/* The chunk on its way from samples to wanted reductions, step by step: dyn_power(), dyn_log2(),
 * dyn_want(). A NaN counts as silence. */
struct dynlanes_levels {
	lanes_f32x8 x[DYNLANES_CHUNK], p[DYNLANES_CHUNK];
	lanes_i32x8 exponent[DYNLANES_CHUNK];
};

#define DYNLANES_LEVEL_STEPS 8u

MIXD_INLINE void dynlanes_power(const struct dynlanes_curve *curve, struct dynlanes_levels *level,
				const bool paired)
{
	lanes_f32x8 *x = level->x;

	DYNLANES_EACH(x[i] = x[i] * x[i]);
	DYNLANES_EACH(x[i] = dynlanes_smaller(dynlanes_larger(x[i], curve->least), curve->highest));
	if (paired)
		DYNLANES_EACH(x[i] = dynlanes_larger(
				      x[i], LANES_SHUFFLE8(x[i], x[i], 1, 0, 3, 2, 5, 4, 7, 6)));
}

MIXD_INLINE void dynlanes_mantissa(struct dynlanes_levels *level)
{
	lanes_f32x8 *x = level->x;
	lanes_i32x8 *exponent = level->exponent;

	DYNLANES_EACH(exponent[i] = ((lanes_i32x8)x[i] - DYN_LOG2_SPLIT) >> 23);
	DYNLANES_EACH(x[i] = (lanes_f32x8)((lanes_i32x8)x[i] - (exponent[i] << 23)) - 1.0f);
}

MIXD_INLINE void dynlanes_reduce(const struct dynlanes_curve *curve, struct dynlanes_levels *level)
{
	lanes_f32x8 *p = level->p, *bend = level->x;

	DYNLANES_EACH(p[i] = dynlanes_larger(p[i] - curve->lower, curve->none));
	DYNLANES_EACH(bend[i] = dynlanes_smaller(p[i], curve->knee));
	DYNLANES_EACH(p[i] = bend[i] * bend[i] * curve->knee_scale + (p[i] - bend[i]));
	DYNLANES_EACH(p[i] = dynlanes_smaller(curve->slope * p[i], curve->range));
}

MIXD_INLINE void dynlanes_level_step(const struct dynlanes_curve *curve,
				     struct dynlanes_levels *level, const uint32_t step,
				     const bool paired)
{
	static const float series[] = {0.0f,	   0.0f,       DYN_LOG2_4, DYN_LOG2_3,
				       DYN_LOG2_2, DYN_LOG2_1, DYN_LOG2_0};
	lanes_f32x8 *x = level->x, *p = level->p;

	if (step == 0) {
		dynlanes_power(curve, level, paired);
	} else if (step == 1) {
		dynlanes_mantissa(level);
	} else if (step == 2) {
		DYNLANES_EACH(p[i] = DYN_LOG2_5 * x[i] + DYN_LOG2_4);
	} else if (step < 7) {
		DYNLANES_EACH(p[i] = p[i] * x[i] + series[step]);
	} else {
		DYNLANES_EACH(p[i] = p[i] * x[i] +
				     __builtin_convertvector(level->exponent[i], lanes_f32x8));
		dynlanes_reduce(curve, level);
	}
}

/* All steps, from rows. */
MIXD_INLINE void dynlanes_levels(const struct dynlanes_curve *curve, struct dynlanes_levels *level,
				 const bool paired)
{
	lanes_transpose8(level->x);
#pragma GCC unroll 8
	for (uint32_t step = 0; step < DYNLANES_LEVEL_STEPS; step++)
		dynlanes_level_step(curve, level, step, paired);
}

/* Smoothed reductions to gains: dyn_exp2(). The first channel's is the pair's, however the second's
 * has been before. */
MIXD_INLINE void dynlanes_gains(const struct dynlanes_curve *curve, lanes_f32x8 x[DYNLANES_CHUNK],
				const bool paired, lanes_f32x8 *most)
{
	static const float series[] = {DYN_EXP2_2, DYN_EXP2_1, DYN_EXP2_0, 1.0f};
	lanes_f32x8 rounded[DYNLANES_CHUNK], p[DYNLANES_CHUNK];

	if (paired)
		DYNLANES_EACH(x[i] = LANES_SHUFFLE8(x[i], x[i], 0, 0, 2, 2, 4, 4, 6, 6));
	DYNLANES_EACH(*most = dynlanes_larger(x[i], *most));
	DYNLANES_EACH(x[i] = curve->makeup - x[i]);
	DYNLANES_EACH(rounded[i] = x[i] + DYN_EXP2_ROUND);
	DYNLANES_EACH(x[i] = x[i] - (rounded[i] - DYN_EXP2_ROUND));
	DYNLANES_EACH(p[i] = DYN_EXP2_4 * x[i] + DYN_EXP2_3);
#pragma GCC unroll 4
	for (uint32_t k = 0; k < 4; k++)
		DYNLANES_EACH(p[i] = p[i] * x[i] + series[k]);
	DYNLANES_EACH(x[i] = (lanes_f32x8)((lanes_i32x8)p[i] + ((lanes_i32x8)rounded[i] << 23)));
}

#define LANES_W 4
#include "dynlanes_kernel.h"
#undef LANES_W
#define LANES_W 8
#include "dynlanes_kernel.h"
#undef LANES_W

bool dynlanes_pays(uint32_t width)
{
	return width == DYNLANES_WIDTH && lanes_native_width(width) >= 4;
}

void dynlanes_run_halves(const struct dynlanes_job *job, float ret_most[DYNLANES_WIDTH], uint32_t n)
{
	if (job->paired)
		dynlanes_paired_w4(job, ret_most, n);
	else
		dynlanes_alone_w4(job, ret_most, n);
}

void dynlanes_run(const struct dynlanes_job *job, float ret_most[DYNLANES_WIDTH], uint32_t n)
{
	if (lanes_native_width(DYNLANES_WIDTH) < DYNLANES_WIDTH)
		dynlanes_run_halves(job, ret_most, n);
	else if (job->paired)
		dynlanes_paired_w8(job, ret_most, n);
	else
		dynlanes_alone_w8(job, ret_most, n);
}
