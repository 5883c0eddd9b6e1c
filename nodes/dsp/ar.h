/* ar.h - autoregressive models of a stretch of sound, and what can be done with one.
 *
 * WHAT        A model is a[0..order] with a[0] = 1: e[n] = sum_k a[k] x[n-k] is what the past does
 *             not explain. Made from an autocorrelation (ar_levinson) or from the samples
 *             (ar_burg); used to find samples that fit neither their past nor their future
 *             (ar_residual) and to say what should have been there instead (ar_interpolate).
 * THREADS     [any] Nothing allocates, nothing is static; scratch is the caller's.
 * INVARIANTS  A1 what comes in finite comes out finite: a model of a signal without power, or one
 *                that numbers cannot hold, is 1 0 0 ... (predicts nothing).
 *             A2 B of ar_interpolate() is positive definite for every model with a[0] = 1.
 * SOURCE      Levinson: Makhoul, Linear Prediction, Proc. IEEE 63(4), 1975. Burg: Maximum Entropy
 *             Spectral Analysis, 1967, in the form of Andersen, Geophysics 39(1), 1974.
 *             Interpolation: Janssen, Veldhuis, Vries, Adaptive Interpolation of Discrete-Time
 *             Signals That Can Be Modeled as Autoregressive Processes, IEEE TASSP 34(2), 1986.
 * NOT HERE    which samples are bad: the nodes decide. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AR_ORDER_MAX 64u

/* ret_r[0..order] of N samples: sum_i x[i] x[i+l]. */
void ar_autocorrelation(const double *x, uint32_t n, uint32_t order, double *ret_r);
/* The same, one product after the other: the twin that tests compare with. */
void ar_autocorrelation_plain(const double *x, uint32_t n, uint32_t order, double *ret_r);

/* Model of order ORDER from r[0..order]; returns the power of the residual (of r's scale). r[0] is
 * taken 1e-9 higher (white noise at -90 dB), so that tones do not make it singular. */
double ar_levinson(const double *r, uint32_t order, double *ret_a);

/* Model of the N samples X by Burg's method; returns the mean power of the residual. SCRATCH holds
 * 2 * N numbers. N > ORDER. */
double ar_burg(const double *x, uint32_t n, uint32_t order, double *ret_a, double *scratch);

/* ret_b[0..order] = autocorrelation of a: sum_k a[k] a[k+l]. */
void ar_weights(const double *a, uint32_t order, double *ret_b);

/* ret_e[i] = sum_k a[k] x[i-k] for i = 0..n-1; x[-order..-1] is read. And with the future instead of
 * the past: x[i+k]; x[n..n+order-1] is read. */
void ar_residual(const double *x, uint32_t n, const double *a, uint32_t order, double *ret_e);
void ar_residual_back(const double *x, uint32_t n, const double *a, uint32_t order, double *ret_e);

/* Numbers that ar_interpolate() needs for COUNT samples. */
static inline size_t ar_interpolate_scratch(uint32_t count, uint32_t order)
{
	return (size_t)count * (order + 2) + order + 1;
}

/* Writes to x[at[0]], x[at[1]], ... (ascending, ORDER <= at < N - ORDER) what makes the residual's
 * energy least, all else as it is. False, and X untouched, when numbers fail. */
bool ar_interpolate(double *x, uint32_t n, const uint32_t *at, uint32_t count, const double *a,
		    uint32_t order, double *scratch);
