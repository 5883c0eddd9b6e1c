/* eq_bank_kernel.h - the loops of eq_bank.c, included once per vector width with LANES_W 2, 4, 8.
 *
 * A block wider than the vector is run in parts: WIDTH is the block's (the distance of two words),
 * LANES_W the vector's. Frames run outside, sections inside: the sections of neighbouring frames
 * overlap in an out-of-order core, and their states stay in registers. Four sections per pass. */

#define EQ_PASTE_(a, b) a##b
#define EQ_PASTE(a, b) EQ_PASTE_(a, b)
#define EQ_NAME(name) EQ_PASTE(EQ_PASTE(name, _w), LANES_W)
#define EQ_V EQ_PASTE(lanes_f64x, LANES_W)
#define EQ_I EQ_PASTE(lanes_i64x, LANES_W)
#define EQ_F EQ_PASTE(lanes_f32x, LANES_W)
#define EQ_AT(base, word) (*(EQ_V *)((base) + (size_t)(word)*width))

/* Up to four sections at rest. */
struct EQ_NAME(eq_rest) {
	EQ_V s1[4], s2[4], c[4][SVF_COEFS]; /* 1 + d0 for d0 */
};

MIXD_INLINE void EQ_NAME(eq_rest_begin)(struct EQ_NAME(eq_rest) * rest, const uint32_t count,
					uint32_t width, const double *state, const double *coef)
{
	for (uint32_t k = 0; k < count; k++) {
		rest->s1[k] = EQ_AT(state, k * SVF_STATES);
		rest->s2[k] = EQ_AT(state, k * SVF_STATES + 1);
		for (uint32_t j = 0; j < SVF_COEFS; j++)
			rest->c[k][j] = EQ_AT(coef, k * EQ_BANK_SECTION_WORDS + j);
		rest->c[k][3] = 1.0 + rest->c[k][3];
	}
}

MIXD_INLINE EQ_V EQ_NAME(eq_rest_step)(struct EQ_NAME(eq_rest) * rest, const uint32_t count, EQ_V y)
{
	EQ_V(*c)[SVF_COEFS] = rest->c, *s1 = rest->s1, *s2 = rest->s2;

#pragma GCC unroll 4
	for (uint32_t k = 0; k < count; k++) {
		EQ_V v = y - s2[k], p = s1[k];

		y = c[k][3] * y + (c[k][4] * p + c[k][5] * s2[k]);
		s1[k] = c[k][0] * p + c[k][2] * v;
		s2[k] = (s2[k] + c[k][2] * p) + c[k][1] * v;
	}
	return y;
}

MIXD_INLINE void EQ_NAME(eq_rest_end)(const struct EQ_NAME(eq_rest) * rest, const uint32_t count,
				      uint32_t width, double *state)
{
	for (uint32_t k = 0; k < count; k++) {
		EQ_AT(state, k * SVF_STATES) = rest->s1[k];
		EQ_AT(state, k * SVF_STATES + 1) = rest->s2[k];
	}
}

MIXD_INLINE void EQ_NAME(eq_rest_run)(EQ_V *x, uint32_t n_frames, const uint32_t count,
				      uint32_t width, double *state, const double *coef)
{
	struct EQ_NAME(eq_rest) rest;

	EQ_NAME(eq_rest_begin)(&rest, count, width, state, coef);
	for (uint32_t i = 0; i < n_frames; i++)
		x[i] = EQ_NAME(eq_rest_step)(&rest, count, x[i]);
	EQ_NAME(eq_rest_end)(&rest, count, width, state);
}

/* The same while coefficients move: each frame has its own. */
MIXD_INLINE void EQ_NAME(eq_move)(EQ_V *x, uint32_t n_frames, const uint32_t count, uint32_t width,
				  double *state, double *coef)
{
	EQ_V s1[2], s2[2], c[2][SVF_COEFS], d[2][SVF_COEFS];

	for (uint32_t k = 0; k < count; k++) {
		s1[k] = EQ_AT(state, k * SVF_STATES);
		s2[k] = EQ_AT(state, k * SVF_STATES + 1);
		for (uint32_t j = 0; j < SVF_COEFS; j++) {
			c[k][j] = EQ_AT(coef, k * EQ_BANK_SECTION_WORDS + j);
			d[k][j] = EQ_AT(coef, k * EQ_BANK_SECTION_WORDS + SVF_COEFS + j);
		}
	}
	for (uint32_t i = 0; i < n_frames; i++) {
		EQ_V y = x[i];

#pragma GCC unroll 2
		for (uint32_t k = 0; k < count; k++) {
			EQ_V v = y - s2[k], p = s1[k];

			y = (1.0 + c[k][3]) * y + (c[k][4] * p + c[k][5] * s2[k]);
			s1[k] = c[k][0] * p + c[k][2] * v;
			s2[k] = (s2[k] + c[k][2] * p) + c[k][1] * v;
			for (uint32_t j = 0; j < SVF_COEFS; j++)
				c[k][j] += d[k][j];
		}
		x[i] = y;
	}
	for (uint32_t k = 0; k < count; k++) {
		EQ_AT(state, k * SVF_STATES) = s1[k];
		EQ_AT(state, k * SVF_STATES + 1) = s2[k];
		for (uint32_t j = 0; j < SVF_COEFS; j++)
			EQ_AT(coef, k * EQ_BANK_SECTION_WORDS + j) = c[k][j];
	}
}

MIXD_INLINE void EQ_NAME(eq_sections)(EQ_V *x, uint32_t n_frames, uint32_t count, bool moving,
				      const uint32_t skew, uint32_t width, double *state,
				      double *coef)
{
	const size_t state_step = (size_t)SVF_STATES * width;
	const size_t coef_step = (size_t)EQ_BANK_SECTION_WORDS * width;

	if (moving) {
		for (; count >= 2; count -= 2) {
			EQ_NAME(eq_move)(x, n_frames, 2, width, state, coef);
			state += 2 * state_step;
			coef += 2 * coef_step;
		}
		if (count)
			EQ_NAME(eq_move)(x, n_frames, 1, width, state, coef);
		return;
	}
	if (skew == 8) {
		uint32_t done = eq_quad_sections((lanes_f64x2 *)x, n_frames, count, state, coef);

		count -= done;
		state += done * state_step;
		coef += done * coef_step;
	}
	if (skew) {
		uint32_t done = eq_skew_sections((lanes_f64x2 *)x, n_frames, count, state, coef);

		count -= done;
		state += done * state_step;
		coef += done * coef_step;
	}
	for (; count >= 4; count -= 4) {
		EQ_NAME(eq_rest_run)(x, n_frames, 4, width, state, coef);
		state += 4 * state_step;
		coef += 4 * coef_step;
	}
	if (count >= 2) {
		EQ_NAME(eq_rest_run)(x, n_frames, 2, width, state, coef);
		state += 2 * state_step;
		coef += 2 * coef_step;
	}
	if (count & 1u)
		EQ_NAME(eq_rest_run)(x, n_frames, 1, width, state, coef);
}

/* Even lane + odd lane and even - odd, times SCALE, on the lanes of MASK; the others untouched. */
MIXD_INLINE void EQ_NAME(eq_mid_side)(EQ_V *x, uint32_t n_frames, EQ_I mask, double scale)
{
	EQ_I other = {0};
	EQ_V sign = {0.0};

	for (uint32_t lane = 0; lane < LANES_W; lane++) {
		other[lane] = (int64_t)(lane ^ 1u);
		sign[lane] = lane & 1u ? -1.0 : 1.0;
	}
	for (uint32_t i = 0; i < n_frames; i++) {
		EQ_V pair = EQ_SHUFFLE(x[i], other);
		EQ_V y = (pair + x[i] * sign) * scale;

		x[i] = (EQ_V)((mask & (EQ_I)y) | (~mask & (EQ_I)x[i]));
	}
}

MIXD_INLINE void EQ_NAME(eq_gain)(EQ_V *x, uint32_t n_frames, uint32_t width, double *coef)
{
	EQ_V gain = EQ_AT(coef, 0), step = EQ_AT(coef, 1);

	for (uint32_t i = 0; i < n_frames; i++) {
		x[i] = x[i] + x[i] * gain;
		gain += step;
	}
	EQ_AT(coef, 0) = gain;
}

MIXD_INLINE void EQ_NAME(eq_few_of)(const struct eq_bank_job *job, uint32_t n_frames,
				    uint32_t width, uint32_t first, const uint32_t count)
{
	double *state = job->state + first, *coef = job->coef + first + EQ_BANK_GAIN_WORDS * width;
	struct EQ_NAME(eq_rest) rest;
	EQ_F lanes[MIXD_SLICE_MAX];

	if (LANES_W == 8)
		lanes_load8_f32(job->in + first, n_frames, (float *)lanes);
	else
		lanes_load_f32(job->in + first, 0, n_frames, LANES_W, (float *)lanes);
	EQ_NAME(eq_rest_begin)(&rest, count, width, state, coef);
	for (uint32_t i = 0; i < n_frames; i++) {
		EQ_V x = __builtin_convertvector(lanes[i], EQ_V);

		x = EQ_NAME(eq_rest_step)(&rest, count, x);
		lanes[i] = __builtin_convertvector(x, EQ_F);
	}
	EQ_NAME(eq_rest_end)(&rest, count, width, state);
	if (LANES_W == 8)
		lanes_store8_f32((const float *)lanes, job->out + first, n_frames);
	else
		lanes_store_f32((const float *)lanes, job->out + first, 0, n_frames, LANES_W);
}

/* One to four sections at rest and nothing else, the usual case: one pass, and lanes that wait in f32
 * are half as much to carry. */
MIXD_INLINE void EQ_NAME(eq_few)(const struct eq_bank_job *job, uint32_t n_frames, uint32_t width,
				 uint32_t first)
{
	if (job->n_plain == 4)
		EQ_NAME(eq_few_of)(job, n_frames, width, first, 4);
	else if (job->n_plain == 3)
		EQ_NAME(eq_few_of)(job, n_frames, width, first, 3);
	else if (job->n_plain == 2)
		EQ_NAME(eq_few_of)(job, n_frames, width, first, 2);
	else
		EQ_NAME(eq_few_of)(job, n_frames, width, first, 1);
}

/* The lanes FIRST .. FIRST + LANES_W - 1 of the block. SKEW: 0, or the vector width for sections side
 * by side (4: eq_bank_skewed.h, 8: eq_bank_quad.h). */
MIXD_INLINE void EQ_NAME(eq_bank_lanes)(const struct eq_bank_job *job, uint32_t n_frames,
					uint32_t width, uint32_t first, const uint32_t skew)
{
	EQ_V x[MIXD_SLICE_MAX] __attribute__((aligned(64)));
	double *state = job->state + first, *coef = job->coef + first;
	double *plain = coef + EQ_BANK_GAIN_WORDS * width;
	double *mid_side = plain + (size_t)job->max_sections * EQ_BANK_SECTION_WORDS * width;

	if (skew == 8)
		eq_quad_load_f64(job->in, n_frames, (lanes_f64x2 *)x);
	else
		lanes_load_f64(job->in + first, n_frames, LANES_W, (double *)x);
	EQ_NAME(eq_sections)(x, n_frames, job->n_plain, job->moving, skew, width, state, plain);
	if (job->n_mid_side) {
		EQ_I mask = {0};

		for (uint32_t lane = 0; lane < LANES_W; lane++)
			mask[lane] = job->mid_side_lanes >> (first + lane) & 1u ? -1 : 0;
		EQ_NAME(eq_mid_side)(x, n_frames, mask, 0.5);
		EQ_NAME(eq_sections)
		(x, n_frames, job->n_mid_side, job->moving, skew, width,
		 state + (size_t)job->max_sections * SVF_STATES * width, mid_side);
		EQ_NAME(eq_mid_side)(x, n_frames, mask, 1.0);
	}
	if (job->gain)
		EQ_NAME(eq_gain)(x, n_frames, width, coef);
	if (skew == 8)
		eq_quad_store_f64((const lanes_f64x2 *)x, job->out, n_frames);
	else
		lanes_store_f64((const double *)x, job->out + first, n_frames, LANES_W);
}

MIXD_CLONES static void EQ_NAME(eq_bank_run)(const struct eq_bank_job *job, uint32_t n_frames,
					     uint32_t width)
{
	const bool few = job->n_plain > 0 && job->n_plain <= 4 && !job->n_mid_side &&
			 !job->moving && !job->gain;

	for (uint32_t first = 0; first < width; first += LANES_W) {
		if (few)
			EQ_NAME(eq_few)(job, n_frames, width, first);
		else
			EQ_NAME(eq_bank_lanes)(job, n_frames, width, first, 0);
	}
}

#undef EQ_NAME
#undef EQ_V
#undef EQ_I
#undef EQ_F
#undef EQ_AT
