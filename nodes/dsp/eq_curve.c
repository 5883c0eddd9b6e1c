/* eq_curve.c - see eq_curve.h. */
#include "eq_curve.h"

#include <math.h>

#include <mixd/rt.h>

static const uint8_t curve_orders[EQ_SLOPE_COUNT_] = {1, 2, 3, 4, 6, 8, 12, 16};

/* |s^2 + s k + 1|^2 at s = j sqrt(w), times SCALE. */
static void curve_quadratic(double k, double scale, double ret[3])
{
	ret[0] = scale;
	ret[1] = scale * (k * k - 2.0);
	ret[2] = scale;
}

/* The high shelf with DC gain 1, times SCALE; Q held as eq_design holds it. */
static void curve_highshelf(struct eq_curve *curve, double gain_db, double q_factor, double scale)
{
	double q_held = fmin(fmax(q_factor, 0.68), 1.0);
	double amp = pow(10.0, gain_db / 40.0), bend = amp * (1.0 / (q_held * q_held) - 2.0);

	curve->num[0][0] = scale;
	curve->num[0][1] = scale * bend;
	curve->num[0][2] = scale * amp * amp;
	curve->den[0][0] = 1.0;
	curve->den[0][1] = bend / (amp * amp);
	curve->den[0][2] = 1.0 / (amp * amp);
}

/* Butterworth of the slope's order; Q scales the section nearest the corner. The zeros of a highpass
 * lie all at DC. */
static void curve_cascade(struct eq_curve *curve, const struct eq_band *band, bool highpass)
{
	uint32_t order = curve_orders[band->slope], n = 0;

	for (uint32_t i = 0; i < order / 2; i++, n++) {
		double q_factor = 0.5 / cos((2.0 * i + 1.0 + (order & 1)) * M_PI / (2.0 * order));

		if (i == order / 2 - 1)
			q_factor *= band->q * M_SQRT2;
		curve->num[n][highpass ? 2 : 0] = 1.0;
		curve_quadratic(1.0 / q_factor, 1.0, curve->den[n]);
	}
	if (order & 1) {
		curve->num[n][highpass ? 1 : 0] = 1.0;
		curve->den[n][0] = curve->den[n][1] = 1.0;
		n++;
	}
	curve->n_sections = n;
}

struct eq_curve eq_curve_of(const struct eq_band *band)
{
	struct eq_curve curve = {.freq_hz = band->freq_hz, .n_sections = 1};
	double amp = pow(10.0, band->gain_db / 40.0), gain2 = amp * amp * amp * amp;

	switch (band->type) {
	case EQ_TYPE_BELL:
		curve_quadratic(amp / band->q, 1.0, curve.num[0]);
		curve_quadratic(1.0 / (amp * band->q), 1.0, curve.den[0]);
		break;
	case EQ_TYPE_LOWSHELF:
		curve_highshelf(&curve, -band->gain_db, band->q, gain2);
		break;
	case EQ_TYPE_HIGHSHELF:
		curve_highshelf(&curve, band->gain_db, band->q, 1.0);
		break;
	case EQ_TYPE_LOWPASS:
	case EQ_TYPE_HIGHPASS:
		curve_cascade(&curve, band, band->type == EQ_TYPE_HIGHPASS);
		break;
	case EQ_TYPE_BANDPASS:
		curve.num[0][1] = 1.0 / (band->q * band->q);
		curve_quadratic(1.0 / band->q, 1.0, curve.den[0]);
		break;
	case EQ_TYPE_NOTCH:
		curve_quadratic(0.0, 1.0, curve.num[0]);
		curve_quadratic(1.0 / band->q, 1.0, curve.den[0]);
		break;
	case EQ_TYPE_TILT:
		curve.num[0][0] = 1.0;
		curve.num[0][1] = curve.den[0][0] = gain2;
		curve.den[0][1] = 1.0;
		break;
	default:
		curve.n_sections = 0;
		break;
	}
	return curve;
}

/* The constants are those from which the table of BS.1770 follows by the bilinear transform: the
 * frequency of the shelf is that of its poles. */
double eq_curve_k_weight(double freq_hz)
{
	const double high = pow(10.0, 3.999843853973347 / 20.0);
	const double middle = pow(high, 0.4996667741545416);
	double shelf_w = freq_hz / 1681.974450955533, pass_w = freq_hz / 38.13547087602444;
	double w = shelf_w * shelf_w, q = 0.7071752369554196;
	double shelf = ((1.0 - high * w) * (1.0 - high * w) + middle * middle / (q * q) * w) /
		       ((1.0 - w) * (1.0 - w) + w / (q * q));
	double p = pass_w * pass_w, k = 1.0 / 0.5003270373238773;

	return shelf * p * p / ((1.0 - p) * (1.0 - p) + k * k * p);
}
