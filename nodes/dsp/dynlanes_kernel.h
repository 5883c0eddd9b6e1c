/* dynlanes_kernel.h - the loop of dynlanes.c, included once per width of the f64 vectors, LANES_W. */

#define DYNLANES_PASTE_(a, b) a##b
#define DYNLANES_PASTE(a, b) DYNLANES_PASTE_(a, b)
#define DYNLANES_NAME(name) DYNLANES_PASTE(DYNLANES_PASTE(name, _w), LANES_W)
#define DYNLANES_V DYNLANES_PASTE(lanes_f64x, LANES_W)
#define DYNLANES_F DYNLANES_PASTE(lanes_f32x, LANES_W)
#define DYNLANES_PARTS (DYNLANES_WIDTH / LANES_W)

/* The smoothing of the eight lanes: its state and its coefficients. */
struct DYNLANES_NAME(dynlanes_smooth) {
	DYNLANES_V attack[DYNLANES_PARTS], in[DYNLANES_PARTS];
	DYNLANES_V release[DYNLANES_PARTS], out[DYNLANES_PARTS];
	DYNLANES_V released[DYNLANES_PARTS], reduction[DYNLANES_PARTS];
};

MIXD_INLINE void DYNLANES_NAME(dynlanes_smooth_begin)(struct DYNLANES_NAME(dynlanes_smooth) * s,
						      const double *state, const double *coef)
{
	for (uint32_t k = 0; k < DYNLANES_PARTS; k++) {
		const DYNLANES_V *c = (const DYNLANES_V *)coef + k;
		const DYNLANES_V *at = (const DYNLANES_V *)state + k;

		s->attack[k] = c[DYN_COEF_ATTACK * DYNLANES_PARTS];
		s->release[k] = c[DYN_COEF_RELEASE * DYNLANES_PARTS];
		s->in[k] = 1.0 - s->attack[k];
		s->out[k] = 1.0 - s->release[k];
		s->released[k] = at[DYN_STATE_RELEASED * DYNLANES_PARTS];
		s->reduction[k] = at[DYN_STATE_REDUCTION * DYNLANES_PARTS];
	}
}

MIXD_INLINE void DYNLANES_NAME(dynlanes_smooth_end)(const struct DYNLANES_NAME(dynlanes_smooth) * s,
						    double *state)
{
	for (uint32_t k = 0; k < DYNLANES_PARTS; k++) {
		DYNLANES_V *at = (DYNLANES_V *)state + k;

		at[DYN_STATE_RELEASED * DYNLANES_PARTS] = s->released[k];
		at[DYN_STATE_REDUCTION * DYNLANES_PARTS] = s->reduction[k];
	}
}

/* One frame: wanted reduction in, smoothed out. */
MIXD_INLINE void DYNLANES_NAME(dynlanes_smooth_step)(struct DYNLANES_NAME(dynlanes_smooth) * s,
						     const float *want, float *ret)
{
#pragma GCC unroll 2
	for (uint32_t k = 0; k < DYNLANES_PARTS; k++) {
		DYNLANES_V x = __builtin_convertvector(((const DYNLANES_F *)want)[k], DYNLANES_V);
		DYNLANES_V fall = s->release[k] * s->released[k] + s->out[k] * x, larger = x;

#pragma GCC unroll 1
		for (uint32_t lane = 0; lane < LANES_W; lane++)
			larger[lane] = x[lane] > fall[lane] ? x[lane] : fall[lane];
		s->released[k] = larger;
		s->reduction[k] = s->attack[k] * s->reduction[k] + s->in[k] * larger;
		((DYNLANES_F *)ret)[k] = __builtin_convertvector(s->reduction[k], DYNLANES_F);
	}
}

/* The smoothing of a chunk, and between its steps those of the levels of the next one. */
MIXD_INLINE void DYNLANES_NAME(dynlanes_both)(const struct dynlanes_curve *curve,
					      struct DYNLANES_NAME(dynlanes_smooth) * smooth,
					      struct dynlanes_levels *level, lanes_f32x8 *x,
					      const bool paired)
{
#pragma GCC unroll 8
	for (uint32_t i = 0; i < DYNLANES_CHUNK; i++) {
		DYNLANES_NAME(dynlanes_smooth_step)(smooth, (float *)&x[i], (float *)&x[i]);
		dynlanes_level_step(curve, level, i, paired);
	}
}

/* Whole chunks. */
MIXD_INLINE void DYNLANES_NAME(dynlanes_chunks)(const struct dynlanes_job *job,
						const struct dynlanes_curve *curve,
						struct DYNLANES_NAME(dynlanes_smooth) * smooth,
						uint32_t n, const bool paired, lanes_f32x8 *most)
{
	lanes_f32x8 x[DYNLANES_CHUNK];
	struct dynlanes_levels level;

	dynlanes_rows(job->in, 0, level.x);
	dynlanes_levels(curve, &level, paired);
	for (uint32_t at = 0; at < n; at += DYNLANES_CHUNK) {
		/* Behind the last chunk any levels will do. */
		uint32_t next = at + DYNLANES_CHUNK < n ? at + DYNLANES_CHUNK : at;

		memcpy(x, level.p, sizeof(x));
		dynlanes_rows(job->in, next, level.x);
		lanes_transpose8(level.x);
		DYNLANES_NAME(dynlanes_both)(curve, smooth, &level, x, paired);
		dynlanes_gains(curve, x, paired, most);
		lanes_transpose8(x);
#pragma GCC unroll 8
		for (uint32_t k = 0; k < DYNLANES_WIDTH; k++)
			*(lanes_f32x8u *)(job->out[k] + at) =
				*(const lanes_f32x8u *)(job->in[k] + at) * x[k];
	}
}

/* The N frames, less than a chunk, from AT on. */
MIXD_INLINE void DYNLANES_NAME(dynlanes_rest)(const struct dynlanes_job *job,
					      const struct dynlanes_curve *curve,
					      struct DYNLANES_NAME(dynlanes_smooth) * smooth,
					      uint32_t at, uint32_t n, const bool paired,
					      lanes_f32x8 *most)
{
	lanes_f32x8 x[DYNLANES_CHUNK] = {{0.0f}};
	struct dynlanes_levels level;

	memset(level.x, 0, sizeof(level.x));
	for (uint32_t k = 0; k < DYNLANES_WIDTH; k++)
		memcpy(&level.x[k], job->in[k] + at, n * sizeof(float));
	dynlanes_levels(curve, &level, paired);
	for (uint32_t i = 0; i < n; i++)
		DYNLANES_NAME(dynlanes_smooth_step)
	(smooth, (float *)&level.p[i], (float *)&x[i]);
	dynlanes_gains(curve, x, paired, most);
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t k = 0; k < DYNLANES_WIDTH; k++)
			job->out[k][at + i] = job->in[k][at + i] * x[i][k];
}

MIXD_INLINE void DYNLANES_NAME(dynlanes_all)(const struct dynlanes_job *job, float *ret_most,
					     uint32_t n, const bool paired)
{
	const uint32_t whole = n / DYNLANES_CHUNK * DYNLANES_CHUNK;
	struct DYNLANES_NAME(dynlanes_smooth) smooth;
	struct dynlanes_curve curve;
	lanes_f32x8 most = {0.0f};

	dynlanes_curve_begin(&curve, job->coef);
	DYNLANES_NAME(dynlanes_smooth_begin)(&smooth, job->state, job->coef);
	if (whole)
		DYNLANES_NAME(dynlanes_chunks)(job, &curve, &smooth, whole, paired, &most);
	if (whole < n)
		DYNLANES_NAME(dynlanes_rest)
	(job, &curve, &smooth, whole, n - whole, paired, &most);
	DYNLANES_NAME(dynlanes_smooth_end)(&smooth, job->state);
	memcpy(ret_most, &most, sizeof(most));
}

MIXD_CLONES static void DYNLANES_NAME(dynlanes_alone)(const struct dynlanes_job *job,
						      float *ret_most, uint32_t n)
{
	DYNLANES_NAME(dynlanes_all)(job, ret_most, n, false);
}

MIXD_CLONES static void DYNLANES_NAME(dynlanes_paired)(const struct dynlanes_job *job,
						       float *ret_most, uint32_t n)
{
	DYNLANES_NAME(dynlanes_all)(job, ret_most, n, true);
}

#undef DYNLANES_NAME
#undef DYNLANES_V
#undef DYNLANES_F
#undef DYNLANES_PARTS
