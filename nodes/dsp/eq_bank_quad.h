/* eq_bank_quad.h - eq_bank.c's loop for two lanes where a vector holds eight: four sections in one.
 *
 * As eq_bank_skewed.h with twice the width: lanes 2k, 2k + 1 hold section k, two frames behind
 * section k - 1. A pair may follow the quad in the same pass. The arithmetic of each lane is that of
 * eq_bank_kernel.h, to the bit. */

#define EQ_QUAD_DELAY (3u * EQ_SKEW_DELAY) /* frames from its first section to its last */

struct eq_quad {
	lanes_f64x8 c[SVF_COEFS], s1, s2; /* 1 + d0 for d0 */
	lanes_f64x8 last, before; /* outputs of the last two steps */
};

MIXD_INLINE lanes_f64x8 eq_quad_load(const double *base, uint32_t word, uint32_t step)
{
	const lanes_f64x2 *v = (const lanes_f64x2 *)base + word;

	return __builtin_shufflevector(eq_skew_join(v[0], v[step]),
				       eq_skew_join(v[2 * step], v[3 * step]), 0, 1, 2, 3, 4, 5, 6,
				       7);
}

/* The state of section K. */
MIXD_INLINE void eq_quad_store(double *state, const struct eq_quad *quad, const uint32_t k)
{
	lanes_f64x2 *s = (lanes_f64x2 *)state + k * SVF_STATES;

	s[0] = (lanes_f64x2){quad->s1[2 * k], quad->s1[2 * k + 1]};
	s[1] = (lanes_f64x2){quad->s2[2 * k], quad->s2[2 * k + 1]};
}

MIXD_INLINE lanes_f64x2 eq_quad_step(struct eq_quad *quad, lanes_f64x2 x)
{
	const lanes_f64x8 *c = quad->c;
	lanes_f64x8 first = {x[0], x[1]};
	lanes_f64x8 in = __builtin_shufflevector(first, quad->before, 0, 1, 8, 9, 10, 11, 12, 13);
	lanes_f64x8 v = in - quad->s2, p = quad->s1, y;

	y = c[3] * in + (c[4] * p + c[5] * quad->s2);
	quad->s1 = c[0] * p + c[2] * v;
	quad->s2 = (quad->s2 + c[2] * p) + c[1] * v;
	quad->before = quad->last;
	quad->last = y;
	return __builtin_shufflevector(y, y, 6, 7);
}

MIXD_INLINE lanes_f64x8 eq_quad_select(lanes_i64x8 mask, lanes_f64x8 a, lanes_f64x8 b)
{
	return (lanes_f64x8)((mask & (lanes_i64x8)a) | (~mask & (lanes_i64x8)b));
}

/* The first steps: section k begins in phase k. What the sections to come have made of nothing is
 * taken back. */
MIXD_INLINE void eq_quad_begin(struct eq_quad *quad, struct eq_skew *pair, const lanes_f64x2 *x)
{
	const lanes_f64x8 s1 = quad->s1, s2 = quad->s2;
	const uint32_t phases = pair ? 4 : 3;

#pragma GCC unroll 4
	for (uint32_t phase = 0; phase < phases; phase++) {
		lanes_i64x8 begun = {-1,
				     -1,
				     phase > 0 ? -1 : 0,
				     phase > 0 ? -1 : 0,
				     phase > 1 ? -1 : 0,
				     phase > 1 ? -1 : 0,
				     0,
				     0};

#pragma GCC unroll 2
		for (uint32_t i = 0; i < EQ_SKEW_DELAY; i++) {
			lanes_f64x2 y = eq_quad_step(quad, x[phase * EQ_SKEW_DELAY + i]);

			if (phase == 3)
				eq_skew_step(pair, y, true, (lanes_i64x4){-1, -1, 0, 0});
		}
		if (phase < 3) {
			quad->s1 = eq_quad_select(begun, quad->s1, s1);
			quad->s2 = eq_quad_select(begun, quad->s2, s2);
		}
	}
}

/* The last steps: section k is done before phase k, and its state goes back to STATE. */
MIXD_INLINE void eq_quad_end(struct eq_quad *quad, struct eq_skew *pair, double *state,
			     lanes_f64x2 *ret_x)
{
	const uint32_t phases = pair ? 4 : 3;

	eq_quad_store(state, quad, 0);
#pragma GCC unroll 4
	for (uint32_t phase = 0; phase < phases; phase++) {
#pragma GCC unroll 2
		for (uint32_t i = 0; i < EQ_SKEW_DELAY; i++) {
			lanes_f64x2 y = {0.0, 0.0};

			if (phase < 3)
				y = eq_quad_step(quad, y);
			if (pair)
				y = eq_skew_step(pair, y, phase == 3, (lanes_i64x4){0, 0, -1, -1});
			ret_x[phase * EQ_SKEW_DELAY + i] = y;
		}
		if (phase < 3)
			eq_quad_store(state, quad, phase + 1);
	}
}

/* Four sections, and with TAIL two more. */
MIXD_INLINE void eq_quad_pass(lanes_f64x2 *x, uint32_t n_frames, const bool tail, double *state,
			      const double *coef)
{
	const uint32_t delay = EQ_QUAD_DELAY + (tail ? EQ_SKEW_DELAY : 0);
	struct eq_quad quad;
	struct eq_skew pair;

	for (uint32_t j = 0; j < SVF_COEFS; j++)
		quad.c[j] = eq_quad_load(coef, j, EQ_BANK_SECTION_WORDS);
	quad.c[3] = 1.0 + quad.c[3];
	quad.s1 = eq_quad_load(state, 0, SVF_STATES);
	quad.s2 = eq_quad_load(state, 1, SVF_STATES);
	quad.last = quad.before = (lanes_f64x8){0.0};
	if (tail)
		eq_skew_begin(&pair, state + 4 * 2 * SVF_STATES,
			      coef + 4 * 2 * EQ_BANK_SECTION_WORDS);
	eq_quad_begin(&quad, tail ? &pair : NULL, x);
	/* Two steps a turn spare the registers' moves; with a tail there are too few registers. */
#pragma GCC unroll 2
	for (uint32_t i = delay; !tail && i < n_frames; i++)
		x[i - delay] = eq_quad_step(&quad, x[i]);
	for (uint32_t i = delay; tail && i < n_frames; i++)
		x[i - delay] =
			eq_skew_step(&pair, eq_quad_step(&quad, x[i]), false, (lanes_i64x4){0});
	eq_quad_end(&quad, tail ? &pair : NULL, state, x + n_frames - delay);
	if (tail)
		eq_skew_end(&pair, state + 4 * 2 * SVF_STATES);
}

/* All but an odd last section; returns how many. */
MIXD_INLINE uint32_t eq_quad_sections(lanes_f64x2 *x, uint32_t n_frames, uint32_t count,
				      double *state, const double *coef)
{
	const size_t state_step = SVF_STATES * 2u, coef_step = EQ_BANK_SECTION_WORDS * 2u;
	uint32_t done = 0;

	for (; done + 4 <= count && done + 6 != count && done + 7 != count; done += 4)
		eq_quad_pass(x, n_frames, false, state + done * state_step,
			     coef + done * coef_step);
	if (done + 6 <= count) {
		eq_quad_pass(x, n_frames, true, state + done * state_step, coef + done * coef_step);
		done += 6;
	}
	return done;
}

/* lanes_load_f64() and lanes_store_f64() for two lanes, eight frames at a time. */
MIXD_INLINE void eq_quad_load_f64(const float *const *in, uint32_t n, lanes_f64x2 *ret)
{
	uint32_t i = 0;

	for (; i + 8 <= n; i += 8) {
		lanes_f32x8 a = *(const lanes_f32x8u *)(in[0] + i) + 0.0f;
		lanes_f32x8 b = *(const lanes_f32x8u *)(in[1] + i) + 0.0f;

		*(lanes_f64x8 *)(ret + i) = __builtin_convertvector(
			__builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11), lanes_f64x8);
		*(lanes_f64x8 *)(ret + i + 4) = __builtin_convertvector(
			__builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15), lanes_f64x8);
	}
	for (; i < n; i++)
		ret[i] = (lanes_f64x2){in[0][i] + 0.0f, in[1][i] + 0.0f};
}

MIXD_INLINE void eq_quad_store_f64(const lanes_f64x2 *x, float *const *out, uint32_t n)
{
	uint32_t i = 0;

	for (; i + 8 <= n; i += 8) {
		lanes_f32x8 a = __builtin_convertvector(*(const lanes_f64x8 *)(x + i), lanes_f32x8);
		lanes_f32x8 b =
			__builtin_convertvector(*(const lanes_f64x8 *)(x + i + 4), lanes_f32x8);

		*(lanes_f32x8u *)(out[0] + i) =
			__builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14);
		*(lanes_f32x8u *)(out[1] + i) =
			__builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15);
	}
	for (; i < n; i++) {
		out[0][i] = (float)x[i][0];
		out[1][i] = (float)x[i][1];
	}
}
