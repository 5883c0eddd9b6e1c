/* Source: M. Vicanek, "Matched Second Order Digital Filters", 2016 (bell, low-, high- and bandpass);
 * "Matched Two-Pole Digital Shelving Filters", 2024; "Matched One-Pole Digital Shelving Filters",
 * 2019. S. Butterworth 1930 for the cascades.
 *
 * Structure: Vicanek's conditions are written here over W = (tan(w/2) / g)^2, the squared frequency
 * of the section's own bilinear plane, where |den|^2 = 1 + (k^2 - 2) W + W^2 and |num|^2 = n0 + n1 W
 * + n2 W^2. The same conditions give the same filters (tests/unit/test_dsp_eq.c compares with the
 * published formulas), the terms no longer cancel near DC, and no other design is needed there.
 *   bell      |H| = 1 at DC, |H| = G with slope 0 at w0; a cut is the inverse of the boost
 *   lowpass   |H| = 1 at DC, |H| = Q at w0, one zero of z missing
 *   highpass  two zeros at DC, |H| = Q at w0
 *   bandpass  one zero at DC, |H| = 1 with slope 0 at w0
 *   shelf     curvature at DC, |H| at two frequencies, |H| at Nyquist
 *   one pole  |H| at DC, at one frequency and at Nyquist; as a section with k = 2 */
#include "eq_design.h"

#include <math.h>

#include <mixd/rt.h>

static const uint8_t eq_orders[EQ_SLOPE_COUNT_] = {1, 2, 3, 4, 6, 8, 12, 16};

static double eq_square(double x)
{
	return x * x;
}

/* Poles of s^2 + s/Q + 1 at W0 by impulse invariance, as g and k. */
static struct svf_section eq_poles(double w0, double q_factor)
{
	double damping = 0.5 / q_factor, radius = exp(-damping * w0);
	/* 1 +- a1 + a2 of the biquad, without cancellation. */
	double sum, difference;

	if (damping <= 1.0) {
		double half = 0.5 * sqrt(1.0 - damping * damping) * w0;

		sum = eq_square(1.0 - radius) + 4.0 * radius * eq_square(sin(half));
		difference = eq_square(1.0 - radius) + 4.0 * radius * eq_square(cos(half));
	} else {
		double half = 0.5 * sqrt(damping * damping - 1.0) * w0;

		sum = eq_square(1.0 - radius) - 4.0 * radius * eq_square(sinh(half));
		difference = eq_square(1.0 - radius) + 4.0 * radius * eq_square(cosh(half));
	}

	double g = sqrt(sum / difference);

	return (struct svf_section){
		.g = g,
		.k = -2.0 * expm1(-2.0 * damping * w0) / (difference * g),
	};
}

/* |den|^2 of S at W. */
static double eq_denominator(const struct svf_section *s, double w)
{
	return eq_square(1.0 - w) + eq_square(s->k) * w;
}

static struct svf_section eq_inverse(const struct svf_section *s)
{
	double scale = sqrt(s->b0 / s->b2), mean = sqrt(s->b0 * s->b2);

	return (struct svf_section){
		.g = s->g * scale,
		.k = s->b1 / mean,
		.b0 = 1.0 / s->b0,
		.b1 = s->k / mean,
		.b2 = 1.0 / s->b2,
	};
}

static struct svf_section eq_bell(double w0, double gain_db, double q_factor)
{
	double boost_db = fabs(gain_db), gain2 = pow(10.0, boost_db / 10.0);
	struct svf_section s = eq_poles(w0, q_factor * pow(10.0, boost_db / 40.0));
	double peak = eq_square(tan(0.5 * w0) / s.g);
	double n1 = gain2 * (eq_square(s.k) - 2.0) + 2.0 * (gain2 - 1.0) / peak;
	double n2 = fmax(gain2 + (1.0 - gain2) / eq_square(peak), 1e-12);

	s.b0 = 1.0;
	s.b2 = sqrt(n2);
	s.b1 = sqrt(fmax(n1 + 2.0 * s.b2, 0.0));
	return gain_db < 0.0 ? eq_inverse(&s) : s;
}

static struct svf_section eq_lowpass(double w0, double q_factor)
{
	struct svf_section s = eq_poles(w0, q_factor);
	double tangent2 = eq_square(tan(0.5 * w0)), g2 = eq_square(s.g);
	double want = eq_square(q_factor) * eq_denominator(&s, tangent2 / g2);
	/* |num|^2 = (1 + n2 T / g^4) (1 + T): the factor 1 + T is the zero at Nyquist. */
	double n2 = fmax((want / (1.0 + tangent2) - 1.0) / tangent2, 0.0) * eq_square(g2);

	s.b0 = 1.0;
	s.b2 = sqrt(n2);
	s.b1 = s.g + s.b2 / s.g;
	return s;
}

static struct svf_section eq_highpass(double w0, double q_factor)
{
	struct svf_section s = eq_poles(w0, q_factor);
	double peak = eq_square(tan(0.5 * w0) / s.g);

	s.b2 = q_factor * sqrt(eq_denominator(&s, peak)) / peak;
	return s;
}

static struct svf_section eq_bandpass(double w0, double q_factor)
{
	struct svf_section s = eq_poles(w0, q_factor);
	double peak = eq_square(tan(0.5 * w0) / s.g);

	s.b1 = sqrt(fmax(eq_square(s.k) - 2.0 + 2.0 / peak, 0.0));
	s.b2 = sqrt(fmax(1.0 - 1.0 / eq_square(peak), 0.0));
	return s;
}

static struct svf_section eq_notch(double w0, double q_factor)
{
	struct svf_section s = eq_poles(w0, q_factor);

	s.b0 = 1.0;
	s.b2 = eq_square(s.g / tan(0.5 * w0)); /* zeros on the unit circle at w0 */
	return s;
}

/* Its magnitude is 1 whatever the poles; the bilinear one turns by 180 degrees exactly at w0. */
static struct svf_section eq_allpass(double w0, double q_factor)
{
	return (struct svf_section){
		.g = tan(0.5 * w0),
		.k = 1.0 / q_factor,
		.b0 = 1.0,
		.b1 = -1.0 / q_factor,
		.b2 = 1.0,
	};
}

/* |H|^2 of the analogue high shelf (RBJ's Q) with DC gain 1, at W = (f / f0)^2. */
static double eq_shelf_analogue(double amp, double bend, double w)
{
	double w2 = w * w;

	return (1.0 + bend * w + amp * amp * w2) / (1.0 + (bend * w + w2) / (amp * amp));
}

static struct svf_section eq_highshelf(double w0, double gain_db, double q_factor)
{
	static const double match[2][2] = {{0.160, 1.543}, {0.947, 3.806}};
	double q_held = fmin(fmax(q_factor, 0.68), 1.0);
	double amp = pow(10.0, gain_db / 40.0), bend = amp * (1.0 / eq_square(q_held) - 2.0);
	double corner = w0 / M_PI, tangent2 = eq_square(tan(0.5 * w0));
	double nyquist = eq_shelf_analogue(amp, bend, 1.0 / eq_square(corner));
	/* |num|^2 - |den|^2 has this slope over tan^2 at DC, as the analogue has over w^2. */
	double slope = bend * (1.0 - 1.0 / (amp * amp)) * 4.0 * tangent2 / eq_square(w0);
	double m[2][3];

	for (uint32_t i = 0; i < 2; i++) {
		double f = corner / sqrt(match[i][0] + match[i][1] * eq_square(corner));
		double h = eq_shelf_analogue(amp, bend, eq_square(f / corner));
		double t = eq_square(tan(0.5 * M_PI * f)) / tangent2;

		m[i][0] = t * (h - 1.0);
		m[i][1] = t * t * (h - nyquist);
		m[i][2] = 1.0 - h + slope * t;
	}

	double det = m[0][0] * m[1][1] - m[0][1] * m[1][0];
	double d1 = (m[0][2] * m[1][1] - m[0][1] * m[1][2]) / det;
	double d2 = (m[0][0] * m[1][2] - m[0][2] * m[1][0]) / det;
	double w_scale = 1.0 / sqrt(d2); /* g^2 / tangent2 */
	struct svf_section s = {.g = sqrt(tangent2 * w_scale), .b0 = 1.0, .b2 = sqrt(nyquist)};

	s.k = sqrt(fmax(2.0 + d1 * w_scale, 1e-6));
	s.b1 = sqrt(fmax((d1 + slope) * w_scale + 2.0 * s.b2, 0.0));
	return s;
}

static struct svf_section eq_scaled(struct svf_section s, double gain)
{
	s.b0 *= gain;
	s.b1 *= gain;
	s.b2 *= gain;
	return s;
}

/* The one-pole (b1 s + b0) / (s + 1) with |H| = AT_DC (0 or 1) at DC, sqrt(MID) at W_MID and
 * sqrt(NYQUIST) at half the rate; multiplied by (s + 1) / (s + 1). */
static struct svf_section eq_one_pole(double at_dc, double w_mid, double mid, double nyquist)
{
	double tangent2 = eq_square(tan(0.5 * w_mid));
	double pole = (mid - at_dc) / (tangent2 * (nyquist - mid));
	double high = sqrt(nyquist);

	return (struct svf_section){
		.g = 1.0 / sqrt(pole),
		.k = 2.0,
		.b0 = at_dc,
		.b1 = at_dc + high,
		.b2 = high,
	};
}

static struct svf_section eq_one_pole_filter(double w0, bool highpass)
{
	double nyquist2 = eq_square(M_PI / w0);

	if (highpass)
		return eq_one_pole(0.0, w0, 0.5, nyquist2 / (1.0 + nyquist2));
	return eq_one_pole(1.0, w0, 0.5, 1.0 / (1.0 + nyquist2));
}

/* -gain below, +gain above the pivot, 0 dB at it. */
static struct svf_section eq_tilt(double w0, double gain_db)
{
	double r2 = pow(10.0, gain_db / 10.0), corner2 = eq_square(w0 / M_PI);
	/* Vicanek 2019 matches below the corner; bounded so that it stays under Nyquist. */
	double w_mid = w0 / sqrt(0.81 + 1.2 * corner2), ratio2 = eq_square(w_mid / w0);
	double mid = (1.0 + r2 * ratio2) / (1.0 + ratio2 / r2);
	double nyquist = (1.0 + r2 / corner2) / (1.0 + 1.0 / (corner2 * r2));

	return eq_scaled(eq_one_pole(1.0, w_mid, mid, nyquist), 1.0 / sqrt(r2));
}

/* Butterworth of the slope's order; Q scales the resonance of the section nearest the corner. */
static uint32_t eq_cascade(const struct eq_band *band, double w0, bool highpass,
			   struct svf_section ret[EQ_BAND_SECTIONS])
{
	uint32_t order = eq_orders[band->slope], n = 0;

	for (uint32_t i = 0; i < order / 2; i++) {
		double q_factor = 0.5 / cos((2.0 * i + 1.0 + (order & 1)) * M_PI / (2.0 * order));

		if (i == order / 2 - 1)
			q_factor *= band->q * M_SQRT2;
		ret[n++] = highpass ? eq_highpass(w0, q_factor) : eq_lowpass(w0, q_factor);
	}
	if (order & 1)
		ret[n++] = eq_one_pole_filter(w0, highpass);
	return n;
}

bool eq_band_is_identity(const struct eq_band *band)
{
	switch (band->type) {
	case EQ_TYPE_BELL:
	case EQ_TYPE_LOWSHELF:
	case EQ_TYPE_HIGHSHELF:
	case EQ_TYPE_TILT:
		return fabs(band->gain_db) < 1e-6;
	default:
		return false;
	}
}

uint32_t eq_design(const struct eq_band *band, double rate_hz,
		   struct svf_section ret[EQ_BAND_SECTIONS])
{
	double w0 = 2.0 * M_PI * fmin(fmax(band->freq_hz / rate_hz, 0.00001), 0.49);

	ret[0] =
		(struct svf_section){.g = tan(0.5 * w0), .k = 1.0, .b0 = 1.0, .b1 = 1.0, .b2 = 1.0};
	if (eq_band_is_identity(band))
		return 1;
	switch (band->type) {
	case EQ_TYPE_BELL:
		ret[0] = eq_bell(w0, band->gain_db, band->q);
		break;
	case EQ_TYPE_LOWSHELF:
		ret[0] = eq_scaled(eq_highshelf(w0, -band->gain_db, band->q),
				   pow(10.0, band->gain_db / 20.0));
		break;
	case EQ_TYPE_HIGHSHELF:
		ret[0] = eq_highshelf(w0, band->gain_db, band->q);
		break;
	case EQ_TYPE_LOWPASS:
		return eq_cascade(band, w0, false, ret);
	case EQ_TYPE_HIGHPASS:
		return eq_cascade(band, w0, true, ret);
	case EQ_TYPE_BANDPASS:
		ret[0] = eq_bandpass(w0, band->q);
		break;
	case EQ_TYPE_NOTCH:
		ret[0] = eq_notch(w0, band->q);
		break;
	case EQ_TYPE_ALLPASS:
		ret[0] = eq_allpass(w0, band->q);
		break;
	case EQ_TYPE_TILT:
		ret[0] = eq_tilt(w0, band->gain_db);
		break;
	}
	return 1;
}
