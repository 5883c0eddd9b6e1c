/* Source: elliptic half-band filters as two all-pass chains: R. A. Valenzuela, A. G. Constantinides,
 * "Digital signal processing schemes for efficient interpolation and decimation", IEE Proc. G 130(6),
 * 1983; the theta series: A. Antoniou, Digital Filters, 2nd ed., 1993, ch. 5. Turned by a quarter of
 * the rate (z^2 to -z^2) the half-band filter's pass band is that of the positive frequencies: P. A.
 * Regalia, S. K. Mitra, P. P. Vaidyanathan, "The digital all-pass filter", Proc. IEEE 76(1), 1988.
 * O. Niemitalo's pair (yehar.com, 2001) is one of these with 8 sections.
 * FIR: Oppenheim, Schafer, Discrete-Time Signal Processing, 3rd ed., 12.4: h[k] = 2 / (pi k) at odd k.
 *
 * Structure: a section is y[n] = c (x[n] + y[n-2]) - x[n-2]. Its x is the y of the section before, so
 * a chain of m sections remembers m + 1 signals of two frames. Both chains of a lane are independent
 * and overlap in an out-of-order core. */
#include "hilbert.h"

#include <math.h>
#include <string.h>

#include "lanes.h"
#include "lanes_native.h"

#include <mixd/rt.h>

#define HILBERT_TERMS 24 /* of the theta series; they fall like q^(n^2) */

/* Coefficient IDX of N of a half-band filter with the modulus K and nome Q. */
static double hilbert_coef(uint32_t idx, uint32_t n, double k, double q)
{
	double order = 2.0 * n + 1.0, at = (idx + 1) * M_PI / order;
	double num = 0.0, den = 0.5, sign = 1.0, w2, x;

	for (int i = 0; i < HILBERT_TERMS; i++, sign = -sign) {
		num += sign * pow(q, (double)i * (i + 1)) * sin((2 * i + 1) * at);
		if (i > 0)
			den += sign * pow(q, (double)i * i) * cos(2 * i * at);
	}
	w2 = num * num * sqrt(q) / (den * den);
	x = sqrt((1.0 - w2 * k) * (1.0 - w2 / k)) / (1.0 + w2);
	return (1.0 - x) / (1.0 + x);
}

void hilbert_design(struct hilbert *hilbert, double edge_hz, double rate)
{
	double edge = tan((1.0 - 4.0 * edge_hz / rate) * M_PI / 4.0), k = edge * edge;
	double root = pow(1.0 - k * k, 0.25), e = 0.5 * (1.0 - root) / (1.0 + root);
	double e4 = e * e * e * e, q = e * (1.0 + e4 * (2.0 + e4 * (15.0 + e4 * 150.0)));

	for (uint32_t i = 0; i < HILBERT_SECTIONS; i++)
		hilbert->coef[i & 1u][i / 2] = hilbert_coef(i, HILBERT_SECTIONS, k, q);
}

uint32_t hilbert_delay(const struct hilbert *hilbert)
{
	enum { WIDTH = 2, FRAMES = 64 };
	double in[FRAMES * WIDTH] = {1.0}, i_out[FRAMES * WIDTH], q_out[FRAMES * WIDTH];
	double state[HILBERT_WORDS * WIDTH] = {0.0};
	uint32_t highest = 0;

	hilbert_run_plain(hilbert, WIDTH, in, i_out, q_out, state, FRAMES);
	for (uint32_t i = 1; i < FRAMES; i++)
		if (fabs(i_out[i * WIDTH]) > fabs(i_out[highest * WIDTH]))
			highest = i;
	return highest;
}

/* Words of chain CHAIN, signal S (0: the chain's input): one and two frames ago. */
#define HILBERT_WORD(chain, s, ago) ((((chain) * (HILBERT_CHAIN + 1u) + (s)) * 2u) + (ago)-1u)
#define HILBERT_DELAYED (HILBERT_WORDS - 1u)

#define HILBERT_KERNEL(name, V, W)                                                                 \
	MIXD_INLINE void name##_lanes(const struct hilbert *hilbert, uint32_t width,               \
				      uint32_t first, const double *in, double *in_phase,          \
				      double *quadrature, double *state, uint32_t n_frames)        \
	{                                                                                          \
		V m[HILBERT_WORDS];                                                                \
                                                                                                   \
		for (uint32_t k = 0; k < HILBERT_WORDS; k++)                                       \
			m[k] = *(const V *)(state + (size_t)k * width + first);                    \
		for (uint32_t i = 0; i < n_frames; i++) {                                          \
			V x0 = *(const V *)(in + (size_t)i * width + first), y[2];                 \
			V x[2] = {x0, m[HILBERT_DELAYED]};                                         \
                                                                                                   \
			m[HILBERT_DELAYED] = x0;                                                   \
			_Pragma("GCC unroll 2") for (uint32_t c = 0; c < 2; c++)                   \
			{                                                                          \
				V now = x[c];                                                      \
				_Pragma("GCC unroll 6") for (uint32_t s = 0; s < HILBERT_CHAIN;    \
							     s++)                                  \
				{                                                                  \
					V *mx = &m[HILBERT_WORD(c, s, 1)];                         \
					V *my = &m[HILBERT_WORD(c, s + 1, 1)];                     \
					V next = hilbert->coef[c][s] * (now + my[1]) - mx[1];      \
                                                                                                   \
					mx[1] = mx[0];                                             \
					mx[0] = now;                                               \
					now = next;                                                \
				}                                                                  \
				V *last = &m[HILBERT_WORD(c, HILBERT_CHAIN, 1)];                   \
                                                                                                   \
				last[1] = last[0];                                                 \
				last[0] = now;                                                     \
				y[c] = now;                                                        \
			}                                                                          \
			*(V *)(in_phase + (size_t)i * width + first) = -y[1];                      \
			*(V *)(quadrature + (size_t)i * width + first) = -y[0];                    \
		}                                                                                  \
		for (uint32_t k = 0; k < HILBERT_WORDS; k++)                                       \
			*(V *)(state + (size_t)k * width + first) = m[k];                          \
	}                                                                                          \
	MIXD_CLONES static void name(const struct hilbert *hilbert, uint32_t width,                \
				     const double *in, double *in_phase, double *quadrature,       \
				     double *state, uint32_t n_frames)                             \
	{                                                                                          \
		for (uint32_t first = 0; first < width; first += (W))                              \
			name##_lanes(hilbert, width, first, in, in_phase, quadrature, state,       \
				     n_frames);                                                    \
	}

HILBERT_KERNEL(hilbert_run_w2, lanes_f64x2, 2u)
HILBERT_KERNEL(hilbert_run_w4, lanes_f64x4, 4u)
HILBERT_KERNEL(hilbert_run_w8, lanes_f64x8, 8u)

void hilbert_run(const struct hilbert *hilbert, uint32_t width, const double *in, double *in_phase,
		 double *quadrature, double *state, uint32_t n_frames)
{
	switch (lanes_native_width(width)) {
	case 8:
		hilbert_run_w8(hilbert, width, in, in_phase, quadrature, state, n_frames);
		break;
	case 4:
		hilbert_run_w4(hilbert, width, in, in_phase, quadrature, state, n_frames);
		break;
	default:
		hilbert_run_w2(hilbert, width, in, in_phase, quadrature, state, n_frames);
		break;
	}
}

static double hilbert_plain_chain(const double *coef, uint32_t chain, double now, double *state,
				  uint32_t width)
{
	for (uint32_t s = 0; s <= HILBERT_CHAIN; s++) {
		double *x1 = state + (size_t)HILBERT_WORD(chain, s, 1) * width;
		double *x2 = state + (size_t)HILBERT_WORD(chain, s, 2) * width, next = now;

		if (s < HILBERT_CHAIN)
			next = coef[s] * (now +
					  state[(size_t)HILBERT_WORD(chain, s + 1, 2) * width]) -
			       *x2;
		*x2 = *x1;
		*x1 = now;
		now = next;
	}
	return now;
}

void hilbert_run_plain(const struct hilbert *hilbert, uint32_t width, const double *in,
		       double *in_phase, double *quadrature, double *state, uint32_t n_frames)
{
	for (uint32_t i = 0; i < n_frames; i++)
		for (uint32_t lane = 0; lane < width; lane++) {
			double *delayed = state + (size_t)HILBERT_DELAYED * width + lane;
			double x = in[(size_t)i * width + lane], before = *delayed;

			*delayed = x;
			quadrature[(size_t)i * width + lane] =
				-hilbert_plain_chain(hilbert->coef[0], 0, x, state + lane, width);
			in_phase[(size_t)i * width + lane] = -hilbert_plain_chain(
				hilbert->coef[1], 1, before, state + lane, width);
		}
}

void hilbert_fir_design(float *ret_taps, uint32_t half)
{
	for (uint32_t i = 0; i < (half + 1) / 2; i++) {
		double k = 2.0 * i + 1.0, at = M_PI * k / (half + 1.0);
		double window = 0.42 + 0.5 * cos(at) + 0.08 * cos(2.0 * at);

		ret_taps[i] = (float)(window * 2.0 / (M_PI * k));
	}
}

/* 8 N outputs: N sums that do not wait for each other. */
MIXD_INLINE void hilbert_fir_8(const float *taps, uint32_t half, const float *x, float *ret_q,
			       const uint32_t n)
{
	lanes_f32x8 sum[4] = {{0.0f}};

	for (uint32_t k = 1; k <= half; k += 2)
#pragma GCC unroll 4
		for (uint32_t j = 0; j < n; j++) {
			const float *middle = x - half + 8 * j;

			sum[j] += taps[k / 2] * (*(const lanes_f32x8u *)(middle + k) -
						 *(const lanes_f32x8u *)(middle - k));
		}
	for (uint32_t j = 0; j < n; j++)
		*(lanes_f32x8u *)(ret_q + 8 * j) = sum[j];
}

MIXD_CLONES void hilbert_fir_run(const float *taps, uint32_t half, const float *x, float *ret_q,
				 uint32_t n_frames)
{
	uint32_t i = 0;

	for (; i + 32 <= n_frames; i += 32)
		hilbert_fir_8(taps, half, x + i, ret_q + i, 4);
	for (; i + 8 <= n_frames; i += 8)
		hilbert_fir_8(taps, half, x + i, ret_q + i, 1);
	for (; i < n_frames; i++) {
		float sum = 0.0f;

		for (uint32_t k = 1; k <= half; k += 2)
			sum += taps[k / 2] * (x[(int64_t)i - half + k] - x[(int64_t)i - half - k]);
		ret_q[i] = sum;
	}
}
