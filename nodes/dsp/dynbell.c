/* dynbell.c - see dynbell.h. */
#include "dynbell.h"

#include <math.h>

#include "dynamics_math.h"

#include <mixd/rt.h>

typedef lanes_f64x2 dynbell_v;

void dynbell_ear_set(struct dynbell_ear *ear, enum dynbell_type type, double tangent,
		     double damping)
{
	double a1;

	/* A shelf listens without resonance. */
	if (type != DYNBELL_BELL)
		damping = M_SQRT2;
	a1 = 1.0 / (1.0 + tangent * (tangent + damping));
	*ear = (struct dynbell_ear){
		.a = 2.0 * a1 - 1.0,
		.b = 2.0 * tangent * tangent * a1,
		.t = 2.0 * tangent * a1,
		.m0 = type == DYNBELL_HIGHSHELF ? 1.0 : 0.0,
		.m1 = 0.5 * (type == DYNBELL_BELL	? damping
			     : type == DYNBELL_LOWSHELF ? 0.0
							: -damping),
		.m2 = 0.5 * (type == DYNBELL_BELL	? 0.0
			     : type == DYNBELL_LOWSHELF ? 1.0
							: -1.0),
	};
}

/* One frame of two channels. M1 and M2 are halves: states before and after are added, not averaged. */
MIXD_INLINE dynbell_v dynbell_step(dynbell_v x, dynbell_v s[2], double a, double b, double t,
				   double m0, double m1, double m2)
{
	dynbell_v v = x - s[1], n1 = a * s[0] + t * v, n2 = (s[1] + t * s[0]) + b * v;
	dynbell_v y = m0 * x + (m1 * (s[0] + n1) + m2 * (s[1] + n2));

	s[0] = n1;
	s[1] = n2;
	return y;
}

MIXD_CLONES void dynbell_listen(const struct dynbell_ear *ear, struct dynbell_state *state,
				const float *const in[2], float *const out[2], uint32_t n)
{
	const struct dynbell_ear c = *ear;
	dynbell_v *word = (dynbell_v *)state->word, s[2] = {word[0], word[1]};

	for (uint32_t i = 0; i < n; i++) {
		dynbell_v x = {(double)in[0][i], (double)in[1][i]};

		x = dynbell_step(x, s, c.a, c.b, c.t, c.m0, c.m1, c.m2);
		out[0][i] = (float)x[0];
		out[1][i] = (float)x[1];
	}
	word[0] = s[0];
	word[1] = s[1];
}

MIXD_CLONES void dynbell_run(const struct dynbell_rows *rows, struct dynbell_state *state,
			     const float *const in[2], float *const out[2], uint32_t n)
{
	dynbell_v *word = (dynbell_v *)state->word, s[2] = {word[0], word[1]};

	for (uint32_t i = 0; i < n; i++) {
		dynbell_v x = {(double)in[0][i], (double)in[1][i]};

		x = dynbell_step(x, s, rows->a[i], rows->b[i], rows->t[i], rows->m0[i], rows->m1[i],
				 rows->m2[i]);
		out[0][i] = (float)x[0];
		out[1][i] = (float)x[1];
	}
	word[0] = s[0];
	word[1] = s[1];
}

/* AMP is A = 10^(dB/40), ROOT its square root. */
MIXD_INLINE void dynbell_one(const enum dynbell_type type, double tangent, double damping,
			     double amp, double root, double ret[6])
{
	double g = tangent, k = damping, a1;

	if (type == DYNBELL_BELL)
		k = damping / amp;
	else
		g = type == DYNBELL_LOWSHELF ? tangent / root : tangent * root;
	a1 = 1.0 / (1.0 + g * (g + k));
	ret[0] = 2.0 * a1 - 1.0;
	ret[1] = 2.0 * g * g * a1;
	ret[2] = 2.0 * g * a1;
	if (type == DYNBELL_BELL) {
		ret[3] = 1.0;
		ret[4] = 0.5 * k * (amp * amp - 1.0);
		ret[5] = 0.0;
	} else if (type == DYNBELL_LOWSHELF) {
		ret[3] = 1.0;
		ret[4] = 0.5 * k * (amp - 1.0);
		ret[5] = 0.5 * (amp * amp - 1.0);
	} else {
		ret[3] = amp * amp;
		ret[4] = 0.5 * k * (1.0 - amp) * amp;
		ret[5] = 0.5 * (1.0 - amp * amp);
	}
}

MIXD_INLINE void dynbell_fill(const enum dynbell_type type, const struct dyn_line *tangent,
			      const struct dyn_line *damping, int32_t first, const float *gain,
			      struct dynbell_rows *rows, int32_t n)
{
	const struct dyn_line tan_line = *tangent, damp_line = *damping;

	for (int32_t i = 0; i < n; i++) {
		double root = (double)dyn_exp2(0.25f * gain[i]), one[6];

		dynbell_one(type, (double)dyn_line_at(&tan_line, first + i),
			    (double)dyn_line_at(&damp_line, first + i), root * root, root, one);
		rows->a[i] = one[0];
		rows->b[i] = one[1];
		rows->t[i] = one[2];
		rows->m0[i] = one[3];
		rows->m1[i] = one[4];
		rows->m2[i] = one[5];
	}
}

MIXD_CLONES void dynbell_coefs(enum dynbell_type type, const struct dyn_line *tangent,
			       const struct dyn_line *damping, uint32_t first, const float *gain,
			       struct dynbell_rows *rows, uint32_t n)
{
	if (type == DYNBELL_BELL)
		dynbell_fill(DYNBELL_BELL, tangent, damping, (int32_t)first, gain, rows,
			     (int32_t)n);
	else if (type == DYNBELL_LOWSHELF)
		dynbell_fill(DYNBELL_LOWSHELF, tangent, damping, (int32_t)first, gain, rows,
			     (int32_t)n);
	else
		dynbell_fill(DYNBELL_HIGHSHELF, tangent, damping, (int32_t)first, gain, rows,
			     (int32_t)n);
}

/* With s = j AT / g: band-pass s / (s^2 + k s + 1), low pass 1 / (s^2 + k s + 1). */
double dynbell_response_db(enum dynbell_type type, double tangent, double damping, double gain_db,
			   double at)
{
	double amp = pow(10.0, gain_db / 40.0), one[6], g = tangent, k = damping, w, nr, ni, dr, di;

	dynbell_one(type, tangent, damping, amp, sqrt(amp), one);
	if (type == DYNBELL_BELL)
		k = damping / amp;
	else
		g = type == DYNBELL_LOWSHELF ? tangent / sqrt(amp) : tangent * sqrt(amp);
	w = at / g;
	dr = 1.0 - w * w;
	di = k * w;
	nr = one[3] * dr + 2.0 * one[5];
	ni = one[3] * di + 2.0 * one[4] * w;
	return 10.0 * log10((nr * nr + ni * ni) / (dr * dr + di * di));
}
