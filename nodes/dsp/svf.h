/* svf.h - one second-order section in state-variable form: design numbers, coefficients, response.
 *
 * WHAT        A section is H(s) = (b2 s^2 + b1 s + b0) / (s^2 + k s + 1) with s = (1 - 1/z) /
 *             (g (1 + 1/z)). Every stable biquad is one: `struct svf_section` is what designs
 *             make, `struct svf_coef` what a kernel multiplies with.
 * KERNEL      v = x - s2;  y = (1 + d0) x + (d1 s1 + d2 s2);
 *             s1' = a s1 + t v;  s2' = (s2 + t s1) + b v
 *             This is the trapezoidal SVF of [Z18] with its products gathered: 7 multiplications, and
 * only two steps from x to y, so that the sections of a cascade overlap.
 *             All coefficients 0 is the identity, exactly, and keeps a zero state zero.
 * INVARIANTS  S1 the state matrix never lengthens the state (it is the Cayley transform of a
 *                dissipative system), and neither does any mean of two such matrices: coefficients
 *                may be interpolated linearly, at any speed, and the section stays stable.
 * SOURCE      V. Zavalishin, The Art of VA Filter Design 2.1, 2018, section 4 [Z18]; A. Simper,
 *             Solving the continuous SVF equations using trapezoidal integration, 2013. */
#pragma once

#include <math.h>
#include <stdint.h>

struct svf_section {
	double g, k; /* poles */
	double b0, b1, b2; /* zeros */
};

#define SVF_COEFS 6u
#define SVF_STATES 2u

struct svf_coef {
	double a, b, t; /* state */
	double d0, d1, d2; /* output, less the input itself */
};

static inline struct svf_coef svf_coef_of(const struct svf_section *section)
{
	double g = section->g, k = section->k;
	double a1 = 1.0 / (1.0 + g * (g + k)), a2 = g * a1, a3 = g * a2;
	double m1 = section->b1 - k * section->b2, m2 = section->b0 - section->b2;

	return (struct svf_coef){
		.a = 2.0 * a1 - 1.0,
		.b = 2.0 * a3,
		.t = 2.0 * a2,
		.d0 = section->b2 - 1.0 + m1 * a2 + m2 * a3,
		.d1 = m1 * a1 + m2 * a2,
		.d2 = m2 * (1.0 - a3) - m1 * a2,
	};
}

/* Where a response is looked at; held below half the rate. */
static inline double svf_tangent(double freq_hz, double rate_hz)
{
	return tan(M_PI * fmin(freq_hz / rate_hz, 0.4999));
}

/* |NUM / DEN|^2. */
static inline double svf_power(const double num[2], const double den[2])
{
	return (num[0] * num[0] + num[1] * num[1]) / (den[0] * den[0] + den[1] * den[1]);
}

/* Numerator and denominator at TANGENT = svf_tangent(): multiply into a running fraction. */
static inline void svf_multiply_response(const struct svf_section *section, double tangent,
					 double num[2], double den[2])
{
	double w = tangent / section->g;
	double nr = section->b0 - section->b2 * w * w, ni = section->b1 * w;
	double dr = 1.0 - w * w, di = section->k * w;
	double n0 = num[0] * nr - num[1] * ni, d0 = den[0] * dr - den[1] * di;

	num[1] = num[0] * ni + num[1] * nr;
	num[0] = n0;
	den[1] = den[0] * di + den[1] * dr;
	den[0] = d0;
}
