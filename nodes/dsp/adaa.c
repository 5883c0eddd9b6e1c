/* Source: J. D. Parker, V. Zavalishin, E. Le Bivic, "Reducing the aliasing of nonlinear waveshaping using
 * continuous-time convolution", DAFx-16; S. Bilbao, F. Esqueda, J. D. Parker, V. Valimaki,
 * "Antiderivative antialiasing for memoryless nonlinearities", IEEE SPL 24(7) 2017:
 * y = (F(x1) - F(x0)) / (x1 - x0), F' = f.
 *
 * Where both samples are nearly equal the quotient loses its digits: curves made of polynomials then
 * give f half way (below 1e-6: their corners do not bend); smooth ones the first three terms of the
 * mean (below 1e-3: wrong by 1e-10 there), from what F needed anyway. Differences are of f64, the
 * antiderivative of tanh is x + log1p(exp(-2x)) - log 2 by polynomials (2e-11). */
#include "adaa.h"

#include <math.h>
#include <string.h>

#include "clones.h"

#include <mixd/rt.h>

#define ADAA_NEAR 1e-6
#define ADAA_NEAR_SMOOTH 1e-3
#define ADAA_CUBIC_EDGE 1.5
/* The diode is 3/4 tanh(3/2 x - log(2)/2) + 1/4. */
#define ADAA_DIODE_SLOPE 1.5
#define ADAA_DIODE_SHIFT (-0.5 * M_LN2)
#define ADAA_DIODE_SCALE 0.75
#define ADAA_DIODE_LIFT 0.25

typedef double adaa_v __attribute__((vector_size(32), aligned(32), may_alias));
typedef int64_t adaa_i __attribute__((vector_size(32), aligned(32), may_alias));
typedef float adaa_f __attribute__((vector_size(16), aligned(4), may_alias));

#if defined(__clang__)
#define ADAA_SHIFT_IN(before, now) __builtin_shufflevector((before), (now), 3, 4, 5, 6)
#else
#define ADAA_SHIFT_IN(before, now) __builtin_shuffle((before), (now), (adaa_i){3, 4, 5, 6})
#endif

/* An antiderivative at four samples, and what the mean of a short way needs. */
struct adaa_point {
	adaa_v x, whole; /* F(x) */
	adaa_v value, slope, bend; /* f, f', f'' at x; smooth curves only */
};

MIXD_INLINE adaa_v adaa_select(adaa_i mask, adaa_v a, adaa_v b)
{
	return (adaa_v)(((adaa_i)a & mask) | ((adaa_i)b & ~mask));
}

MIXD_INLINE adaa_v adaa_abs(adaa_v x)
{
	return (adaa_v)((adaa_i)x & INT64_MAX);
}

MIXD_INLINE adaa_v adaa_sign_of(adaa_v sign, adaa_v x)
{
	return (adaa_v)((adaa_i)x | ((adaa_i)sign & INT64_MIN));
}

/* 2^z for -1000 < z <= 0. */
MIXD_INLINE adaa_v adaa_exp2(adaa_v z)
{
	static const double c[] = {
		0.6931471805599545,    0.24022650695812262,    0.055504108664584245,
		0.0096181291596767332, 0.0013333558216431687,  0.00015403455593114121,
		1.525266140324392e-05, 1.3255293185354257e-06, 1.0208520298315561e-07};
	const adaa_v magic = {0x1.8p52, 0x1.8p52, 0x1.8p52, 0x1.8p52};
	adaa_v whole = z + magic, r = z - (whole - magic);
	adaa_v r2 = r * r, r4 = r2 * r2;
	adaa_v p = ((c[0] + c[1] * r) + (c[2] + c[3] * r) * r2) +
		   ((c[4] + c[5] * r) + (c[6] + c[7] * r) * r2) * r4 + c[8] * (r4 * r4);

	return (adaa_v)((adaa_i)(1.0 + r * p) + ((adaa_i)whole << 52));
}

/* log(1 + t) for 0 <= t <= 1. */
MIXD_INLINE adaa_v adaa_log1p(adaa_v t)
{
	static const double c[] = {
		0.99999999998151523,   -0.49999999355543678, 0.33333295900169851,
		-0.24999139025797432,  0.19989602404466197,  -0.16590836647692786,
		0.13923175910118696,   -0.11301365826911441, 0.08261784006965403,
		-0.049609849706563403, 0.021956546085158422, -0.0061805989578810529,
		0.00081590951336665103};
	adaa_v t2 = t * t, t4 = t2 * t2;
	adaa_v low = (c[0] + c[1] * t) + (c[2] + c[3] * t) * t2;
	adaa_v mid = (c[4] + c[5] * t) + (c[6] + c[7] * t) * t2;
	adaa_v high = (c[8] + c[9] * t) + (c[10] + c[11] * t) * t2;

	return t * (low + t4 * (mid + t4 * (high + c[12] * t4)));
}

/* ---- the curves ---- */

MIXD_INLINE adaa_v adaa_hard_value(adaa_v x)
{
	adaa_v one = {1, 1, 1, 1};

	return adaa_select(adaa_abs(x) < one, x, adaa_sign_of(x, one));
}

MIXD_INLINE adaa_v adaa_hard_whole(adaa_v x)
{
	adaa_v size = adaa_abs(x);

	return adaa_select(size < 1.0, 0.5 * x * x, size - 0.5);
}

MIXD_INLINE adaa_v adaa_cubic_value(adaa_v x)
{
	adaa_v one = {1, 1, 1, 1};

	return adaa_select(adaa_abs(x) < ADAA_CUBIC_EDGE, x - x * x * x * (4.0 / 27.0),
			   adaa_sign_of(x, one));
}

MIXD_INLINE adaa_v adaa_cubic_whole(adaa_v x)
{
	adaa_v size = adaa_abs(x), x2 = x * x;

	return adaa_select(size < ADAA_CUBIC_EDGE, 0.5 * x2 - x2 * x2 / 27.0, size - 0.5625);
}

MIXD_INLINE struct adaa_point adaa_tanh_point(adaa_v x)
{
	const adaa_v lowest = {-900, -900, -900, -900};
	adaa_v size = adaa_abs(x), z = size * (-2.0 / M_LN2);
	adaa_v t = adaa_exp2(adaa_select(z > lowest, z, lowest));
	adaa_v f = adaa_sign_of(x, (1.0 - t) / (1.0 + t)), slope = 1.0 - f * f;

	return (struct adaa_point){x, size + adaa_log1p(t), f, slope, -2.0 * f * slope};
}

MIXD_INLINE adaa_v adaa_root(adaa_v x)
{
	return (adaa_v){sqrt(x[0]), sqrt(x[1]), sqrt(x[2]), sqrt(x[3])};
}

MIXD_INLINE struct adaa_point adaa_tape_point(adaa_v x)
{
	adaa_v root = adaa_root(1.0 + x * x), r = 1.0 / root, r3 = r * r * r;

	return (struct adaa_point){x, root, x * r, r3, -3.0 * x * r3 * r * r};
}

MIXD_INLINE struct adaa_point adaa_point(const enum adaa_curve curve, adaa_v x)
{
	if (curve == ADAA_TANH)
		return adaa_tanh_point(x);
	if (curve == ADAA_TAPE)
		return adaa_tape_point(x);
	return (struct adaa_point){
		.x = x,
		.whole = curve == ADAA_HARD ? adaa_hard_whole(x) : adaa_cubic_whole(x),
	};
}

/* The mean of the curve over a way too short for the quotient; DELTA is x1 - x0. */
MIXD_INLINE adaa_v adaa_near(const enum adaa_curve curve, const struct adaa_point *point,
			     adaa_v delta)
{
	if (curve == ADAA_HARD)
		return adaa_hard_value(point->x - 0.5 * delta);
	if (curve == ADAA_CUBIC)
		return adaa_cubic_value(point->x - 0.5 * delta);
	return point->value - delta * (0.5 * point->slope - delta * (point->bend * (1.0 / 6.0)));
}

MIXD_INLINE adaa_v adaa_load(const float *x)
{
	adaa_f four;

	memcpy(&four, x, sizeof(four));
	return __builtin_convertvector(four, adaa_v);
}

MIXD_INLINE void adaa_store(adaa_v v, float *y)
{
	adaa_f four = __builtin_convertvector(v, adaa_f);

	memcpy(y, &four, sizeof(four));
}

/* SLOPE, SHIFT, SCALE and LIFT put the curve where it belongs; 1, 0, 1, 0 cost nothing. */
MIXD_INLINE void adaa_run_mean(const enum adaa_curve curve, const double slope, const double shift,
			       const double scale, const double lift, const float *x, float *y,
			       uint32_t n)
{
	const double near =
		(curve == ADAA_HARD || curve == ADAA_CUBIC) ? ADAA_NEAR : ADAA_NEAR_SMOOTH;
	double first = (double)x[-1] * slope + shift;
	struct adaa_point before = adaa_point(curve, (adaa_v){first, first, first, first});

	for (uint32_t i = 0; i < n; i += ADAA_GRAIN) {
		struct adaa_point now = adaa_point(curve, adaa_load(x + i) * slope + shift);
		adaa_v delta = now.x - ADAA_SHIFT_IN(before.x, now.x);
		adaa_v rise = now.whole - ADAA_SHIFT_IN(before.whole, now.whole);
		adaa_i far = adaa_abs(delta) > near;
		adaa_v safe = adaa_select(far, delta, (adaa_v){1, 1, 1, 1});
		adaa_v mean = adaa_select(far, rise / safe, adaa_near(curve, &now, delta));

		adaa_store(mean * scale + lift, y + i);
		before = now;
	}
}

MIXD_INLINE void adaa_run_plain(const enum adaa_curve curve, const double slope, const double shift,
				const double scale, const double lift, const float *x, float *y,
				uint32_t n)
{
	for (uint32_t i = 0; i < n; i += ADAA_GRAIN) {
		adaa_v at = adaa_load(x + i) * slope + shift, value;

		if (curve == ADAA_HARD)
			value = adaa_hard_value(at);
		else if (curve == ADAA_CUBIC)
			value = adaa_cubic_value(at);
		else
			value = adaa_point(curve, at).value;
		adaa_store(value * scale + lift, y + i);
	}
}

#define ADAA_FUNCTION(name, curve, slope, shift, scale, lift)                                      \
	MIXD_CLONES static void adaa_##name##_mean(const float *x, float *y, uint32_t n)           \
	{                                                                                          \
		adaa_run_mean(curve, slope, shift, scale, lift, x, y, n);                          \
	}                                                                                          \
	MIXD_CLONES static void adaa_##name##_plain(const float *x, float *y, uint32_t n)          \
	{                                                                                          \
		adaa_run_plain(curve, slope, shift, scale, lift, x, y, n);                         \
	}

ADAA_FUNCTION(hard, ADAA_HARD, 1, 0, 1, 0)
ADAA_FUNCTION(cubic, ADAA_CUBIC, 1, 0, 1, 0)
ADAA_FUNCTION(tanh, ADAA_TANH, 1, 0, 1, 0)
ADAA_FUNCTION(diode, ADAA_TANH, ADAA_DIODE_SLOPE, ADAA_DIODE_SHIFT, ADAA_DIODE_SCALE,
	      ADAA_DIODE_LIFT)
ADAA_FUNCTION(tape, ADAA_TAPE, 1, 0, 1, 0)

void adaa_run(enum adaa_curve curve, bool plain, const float *x, float *y, uint32_t n_frames)
{
	switch (curve) {
	case ADAA_HARD:
		(plain ? adaa_hard_plain : adaa_hard_mean)(x, y, n_frames);
		break;
	case ADAA_CUBIC:
		(plain ? adaa_cubic_plain : adaa_cubic_mean)(x, y, n_frames);
		break;
	case ADAA_DIODE:
		(plain ? adaa_diode_plain : adaa_diode_mean)(x, y, n_frames);
		break;
	case ADAA_TAPE:
		(plain ? adaa_tape_plain : adaa_tape_mean)(x, y, n_frames);
		break;
	default:
		(plain ? adaa_tanh_plain : adaa_tanh_mean)(x, y, n_frames);
	}
}

double adaa_curve_at(enum adaa_curve curve, double x)
{
	switch (curve) {
	case ADAA_HARD:
		return fmin(fmax(x, -1.0), 1.0);
	case ADAA_CUBIC:
		return fabs(x) < ADAA_CUBIC_EDGE ? x - x * x * x * (4.0 / 27.0) : copysign(1.0, x);
	case ADAA_DIODE:
		return ADAA_DIODE_SCALE * tanh(ADAA_DIODE_SLOPE * x + ADAA_DIODE_SHIFT) +
		       ADAA_DIODE_LIFT;
	case ADAA_TAPE:
		return x / sqrt(1.0 + x * x);
	default:
		return tanh(x);
	}
}
