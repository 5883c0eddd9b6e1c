/* ar.c - see ar.h.
 *
 * STRUCTURE   All sums in f64. What is a sum over samples runs with lags (or samples) side by side, so
 *             that a compiler may use vectors without changing the order of any one sum.
 *             ar_interpolate() solves B u = gradient, B[i][j] = b[|at i - at j|], 0 beyond the order:
 *             only neighbours meet, so Cholesky with a band of at most ORDER columns. */
#include "ar.h"

#include <math.h>
#include <string.h>

#include "clones.h"

#include <mixd/rt.h>

#define AR_WHITE 1e-9
#define AR_STIFF 1e-11 /* of b[0]: a pure tone's equations alone are singular */

/* ---- models ---- */

MIXD_CLONES static void ar_correlate(const double *x, uint32_t n, uint32_t lags, double *ret_r)
{
	uint32_t i = 0;

	/* Eight lags side by side. */
	for (uint32_t l = 0; l < lags; l += 8) {
		double sum[8] = {0};

		for (i = 0; i + l + 8 <= n; i++)
			for (uint32_t k = 0; k < 8; k++)
				sum[k] += x[i] * x[i + l + k];
		for (; i + l < n; i++)
			for (uint32_t k = 0; k < 8 && i + l + k < n; k++)
				sum[k] += x[i] * x[i + l + k];
		for (uint32_t k = 0; k < 8 && l + k < lags; k++)
			ret_r[l + k] = sum[k];
	}
}

void ar_autocorrelation(const double *x, uint32_t n, uint32_t order, double *ret_r)
{
	ar_correlate(x, n, order + 1, ret_r);
}

void ar_autocorrelation_plain(const double *x, uint32_t n, uint32_t order, double *ret_r)
{
	for (uint32_t l = 0; l <= order; l++) {
		ret_r[l] = 0.0;
		for (uint32_t i = 0; i + l < n; i++)
			ret_r[l] += x[i] * x[i + l];
	}
}

static void ar_nothing(double *a, uint32_t order)
{
	memset(a, 0, (order + 1) * sizeof(*a));
	a[0] = 1.0;
}

/* a of order m - 1 becomes a of order m with reflection K. */
static void ar_step_up(double *a, uint32_t m, double k)
{
	a[m] = k;
	for (uint32_t i = 1, j = m - 1; i <= j; i++, j--) {
		double low = a[i], high = a[j];

		a[i] = low + k * high;
		if (i != j)
			a[j] = high + k * low;
	}
}

double ar_levinson(const double *r, uint32_t order, double *ret_a)
{
	double power = r[0] * (1.0 + AR_WHITE);

	ar_nothing(ret_a, order);
	if (!(power > 1e-200) || !isfinite(power))
		return 0.0;
	for (uint32_t m = 1; m <= order; m++) {
		double sum = r[m], k;

		for (uint32_t i = 1; i < m; i++)
			sum += ret_a[i] * r[m - i];
		k = -sum / power;
		if (!(fabs(k) < 1.0))
			break; /* what is left is rounding */
		ar_step_up(ret_a, m, k);
		power *= 1.0 - k * k;
	}
	return power;
}

/* Sums of f[i] b[i-1] and of f^2 + b^2, in eight strands. */
MIXD_CLONES static void ar_burg_sums(const double *f, const double *b, uint32_t n, double *ret_num,
				     double *ret_den)
{
	double num[8] = {0}, den[8] = {0};
	uint32_t i = 0;

	for (; i + 8 <= n; i += 8)
		for (uint32_t k = 0; k < 8; k++) {
			num[k] += f[i + k] * b[i + k];
			den[k] += f[i + k] * f[i + k] + b[i + k] * b[i + k];
		}
	for (; i < n; i++) {
		num[0] += f[i] * b[i];
		den[0] += f[i] * f[i] + b[i] * b[i];
	}
	*ret_num = *ret_den = 0.0;
	for (uint32_t k = 0; k < 8; k++) {
		*ret_num += num[k];
		*ret_den += den[k];
	}
}

/* F and B move apart by one sample each step: f[i] and b[i] stand for f_m[i + m] and b_m[i]. */
MIXD_CLONES static void ar_burg_step(double *restrict f, double *restrict b, uint32_t n, double k)
{
	for (uint32_t i = 0; i < n; i++) {
		double forward = f[i], back = b[i];

		f[i] = forward + k * back;
		b[i] = back + k * forward;
	}
}

double ar_burg(const double *x, uint32_t n, uint32_t order, double *ret_a, double *scratch)
{
	double *f = scratch, *b = scratch + n, power = 0.0;

	ar_nothing(ret_a, order);
	for (uint32_t i = 0; i < n; i++)
		power += x[i] * x[i];
	power /= n;
	if (!(power > 1e-200) || !isfinite(power))
		return 0.0;
	memcpy(f, x, n * sizeof(*x));
	memcpy(b, x, n * sizeof(*x));
	for (uint32_t m = 1; m <= order; m++) {
		double num, den, k;

		f++; /* f_(m-1)[m ...] beside b_(m-1)[m-1 ...] */
		ar_burg_sums(f, b, n - m, &num, &den);
		if (!(den > 1e-200))
			break;
		k = -2.0 * num / den;
		if (!(fabs(k) < 1.0))
			break;
		ar_burg_step(f, b, n - m, k);
		ar_step_up(ret_a, m, k);
		power *= 1.0 - k * k;
	}
	return power;
}

void ar_weights(const double *a, uint32_t order, double *ret_b)
{
	ar_autocorrelation_plain(a, order + 1, order, ret_b);
}

/* ---- residuals ---- */

MIXD_CLONES static void ar_fir(const double *x, uint32_t n, const double *a, uint32_t order,
			       ptrdiff_t stride, double *restrict e)
{
	memcpy(e, x, n * sizeof(*e));
	for (uint32_t k = 1; k <= order; k++) {
		const double *shifted = x + stride * (ptrdiff_t)k;

		for (uint32_t i = 0; i < n; i++)
			e[i] += a[k] * shifted[i];
	}
}

void ar_residual(const double *x, uint32_t n, const double *a, uint32_t order, double *ret_e)
{
	ar_fir(x, n, a, order, -1, ret_e);
}

void ar_residual_back(const double *x, uint32_t n, const double *a, uint32_t order, double *ret_e)
{
	ar_fir(x, n, a, order, 1, ret_e);
}

/* ---- interpolation ---- */

/* One row of the factor: L[i][first..i], BAND columns kept, the diagonal inverted. */
MIXD_CLONES static bool ar_cholesky_row(double *factor, uint32_t i, uint32_t first, uint32_t band,
					const double *row)
{
	double *own = factor + (size_t)i * (band + 1) + band - i; /* own[j] is L[i][j] */
	double rest;

	for (uint32_t j = first; j < i; j++) {
		const double *other = factor + (size_t)j * (band + 1) + band - j;
		double sum = row[j - first];
		uint32_t k = j > band ? j - band : 0;

		for (k = k > first ? k : first; k < j; k++)
			sum -= own[k] * other[k];
		own[j] = sum * other[j];
	}
	rest = row[i - first];
	for (uint32_t k = first; k < i; k++)
		rest -= own[k] * own[k];
	if (!(rest > 0.0) || !isfinite(rest))
		return false;
	own[i] = 1.0 / sqrt(rest);
	return true;
}

static void ar_substitute(const double *factor, uint32_t count, uint32_t band, double *u)
{
	for (uint32_t i = 0; i < count; i++) {
		const double *own = factor + (size_t)i * (band + 1) + band - i;

		for (uint32_t k = i > band ? i - band : 0; k < i; k++)
			u[i] -= own[k] * u[k];
		u[i] *= own[i];
	}
	for (uint32_t i = count; i-- > 0;) {
		const double *own = factor + (size_t)i * (band + 1) + band - i;

		u[i] *= own[i];
		for (uint32_t k = i > band ? i - band : 0; k < i; k++)
			u[k] -= own[k] * u[i];
	}
}

/* How many rows before its own one row can have to do with. */
static uint32_t ar_band(const uint32_t *at, uint32_t count, uint32_t order)
{
	uint32_t band = 0, first = 0;

	for (uint32_t i = 0; i < count; i++) {
		while (at[i] - at[first] > order)
			first++;
		band = i - first > band ? i - first : band;
	}
	return band;
}

static bool ar_factor(double *factor, double *row, const uint32_t *at, uint32_t count,
		      uint32_t band, const double *b, uint32_t order)
{
	for (uint32_t i = 0; i < count; i++) {
		uint32_t first = i > band ? i - band : 0;

		for (uint32_t j = first; j <= i; j++) {
			uint32_t distance = at[i] - at[j];

			row[j - first] = distance <= order ? b[distance] : 0.0;
		}
		row[i - first] *= 1.0 + AR_STIFF;
		if (!ar_cholesky_row(factor, i, first, band, row))
			return false;
	}
	return true;
}

bool ar_interpolate(double *x, uint32_t n, const uint32_t *at, uint32_t count, const double *a,
		    uint32_t order, double *scratch)
{
	double b[AR_ORDER_MAX + 1], *u = scratch, *row = u + count, *factor = row + order + 1;
	uint32_t band = ar_band(at, count, order);

	if (count == 0)
		return true;
	ar_weights(a, order, b);
	if (!ar_factor(factor, row, at, count, band, b, order))
		return false;
	/* Half the gradient of the energy where X stands; Newton's one step ends at its least. */
	for (uint32_t i = 0; i < count; i++) {
		const double *middle = x + at[i];

		u[i] = b[0] * middle[0];
		for (uint32_t l = 1; l <= order; l++)
			u[i] += b[l] * (middle[l] + middle[-(ptrdiff_t)l]);
	}
	ar_substitute(factor, count, band, u);
	for (uint32_t i = 0; i < count; i++)
		if (!isfinite(u[i]))
			return false;
	for (uint32_t i = 0; i < count; i++)
		x[at[i]] -= u[i];
	return true;
}
