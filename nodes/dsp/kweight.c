/* Source: ITU-R BS.1770-4 Annex 1 (tables 1 and 2); analogue form after B. De Man, "Evaluation of
 * Implementations of the EBU R128 Loudness Measurement", AES Convention 145 (2018), whose values
 * give the tables of 48 kHz to 14 digits.
 *
 * Direct form I, because its feedback path is the shortest there is: one product and one
 * difference from y[n-1] to y[n]. The recursion is bound by latency, not by work, so more lanes
 * cost next to nothing. */
#include "kweight.h"

#include <math.h>

#include <mixd/rt.h>

/* The analogue filter, by the bilinear transform; gain 1 in the numerator of the high-pass. */
static void kweight_coef_raw(struct kweight_coef *coef, double rate_hz)
{
	const double shelf_hz = 1681.974450955533, shelf_q = 0.7071752369554196;
	const double high_hz = 38.13547087602444, high_q = 0.5003270373238773;
	double k = tan(M_PI * shelf_hz / rate_hz);
	double high = pow(10.0, 3.999843853973347 / 20.0);
	double band = pow(high, 0.4996667741545416);
	double a0 = 1.0 + k / shelf_q + k * k;
	double h = tan(M_PI * high_hz / rate_hz);
	double d = 1.0 + h / high_q + h * h;

	coef->b0 = (high + band * k / shelf_q + k * k) / a0;
	coef->b1 = 2.0 * (k * k - high) / a0;
	coef->b2 = (high - band * k / shelf_q + k * k) / a0;
	coef->a1 = 2.0 * (k * k - 1.0) / a0;
	coef->a2 = (1.0 - k / shelf_q + k * k) / a0;
	coef->c1 = 2.0 * (h * h - 1.0) / d;
	coef->c2 = (1.0 - h / high_q + h * h) / d;
}

/* |b0 + b1 z + b2 z^2| at the angle W. */
static double kweight_magnitude(double b0, double b1, double b2, double w)
{
	return hypot(b0 + b1 * cos(w) + b2 * cos(2.0 * w), b1 * sin(w) + b2 * sin(2.0 * w));
}

static double kweight_gain(const struct kweight_coef *coef, double w)
{
	return kweight_magnitude(coef->b0, coef->b1, coef->b2, w) *
	       kweight_magnitude(1.0, -2.0, 1.0, w) /
	       kweight_magnitude(1.0, coef->a1, coef->a2, w) /
	       kweight_magnitude(1.0, coef->c1, coef->c2, w);
}

void kweight_coef_init(struct kweight_coef *coef, double rate_hz)
{
	struct kweight_coef printed;
	double equal;

	kweight_coef_raw(coef, rate_hz);
	if (rate_hz == 48000.0)
		return;
	kweight_coef_raw(&printed, 48000.0);
	equal = kweight_gain(&printed, 2.0 * M_PI * 997.0 / 48000.0) /
		kweight_gain(coef, 2.0 * M_PI * 997.0 / rate_hz);
	coef->b0 *= equal;
	coef->b1 *= equal;
	coef->b2 *= equal;
}

void kweight_sum_plain(const struct kweight_coef *coef, struct kweight_state *state,
		       const float *const *in, uint32_t lanes, uint32_t n_frames, double *sum)
{
	for (uint32_t lane = 0; lane < lanes; lane++) {
		for (uint32_t i = 0; i < n_frames; i++) {
			double x = in[lane][i];
			double fed = (coef->b0 * x + coef->b1 * state->x1[lane]) +
				     coef->b2 * state->x2[lane];
			double y = (fed - coef->a2 * state->y2[lane]) - coef->a1 * state->y1[lane];
			double bent = (y + state->y2[lane]) - 2.0 * state->y1[lane];
			double z = (bent - coef->c2 * state->z2[lane]) - coef->c1 * state->z1[lane];
			state->x2[lane] = state->x1[lane];
			state->x1[lane] = x;
			state->y2[lane] = state->y1[lane];
			state->y1[lane] = y;
			state->z2[lane] = state->z1[lane];
			state->z1[lane] = z;
			sum[lane] += z * z;
		}
	}
}

/* Two lanes are one vector of every machine we know; two vectors in one loop hide each other's
 * latency. Wider vectors would only wait in step. */
typedef double kweight_v2 __attribute__((vector_size(16)));

struct kweight_pair {
	kweight_v2 x1, x2, y1, y2, z1, z2, sum;
};

static inline __attribute__((always_inline)) void
kweight_pair_load(struct kweight_pair *pair, const struct kweight_state *state, const double *sum,
		  uint32_t lane)
{
	__builtin_memcpy(&pair->x1, state->x1 + lane, sizeof(pair->x1));
	__builtin_memcpy(&pair->x2, state->x2 + lane, sizeof(pair->x2));
	__builtin_memcpy(&pair->y1, state->y1 + lane, sizeof(pair->y1));
	__builtin_memcpy(&pair->y2, state->y2 + lane, sizeof(pair->y2));
	__builtin_memcpy(&pair->z1, state->z1 + lane, sizeof(pair->z1));
	__builtin_memcpy(&pair->z2, state->z2 + lane, sizeof(pair->z2));
	__builtin_memcpy(&pair->sum, sum + lane, sizeof(pair->sum));
}

static inline __attribute__((always_inline)) void
kweight_pair_store(const struct kweight_pair *pair, struct kweight_state *state, double *sum,
		   uint32_t lane)
{
	__builtin_memcpy(state->x1 + lane, &pair->x1, sizeof(pair->x1));
	__builtin_memcpy(state->x2 + lane, &pair->x2, sizeof(pair->x2));
	__builtin_memcpy(state->y1 + lane, &pair->y1, sizeof(pair->y1));
	__builtin_memcpy(state->y2 + lane, &pair->y2, sizeof(pair->y2));
	__builtin_memcpy(state->z1 + lane, &pair->z1, sizeof(pair->z1));
	__builtin_memcpy(state->z2 + lane, &pair->z2, sizeof(pair->z2));
	__builtin_memcpy(sum + lane, &pair->sum, sizeof(pair->sum));
}

static inline __attribute__((always_inline)) void kweight_pair_step(struct kweight_pair *pair,
								    const struct kweight_coef *coef,
								    float left, float right)
{
	kweight_v2 x = {(double)left, (double)right};
	kweight_v2 fed = (coef->b0 * x + coef->b1 * pair->x1) + coef->b2 * pair->x2;
	kweight_v2 y = (fed - coef->a2 * pair->y2) - coef->a1 * pair->y1;
	kweight_v2 bent = (y + pair->y2) - 2.0 * pair->y1;
	kweight_v2 z = (bent - coef->c2 * pair->z2) - coef->c1 * pair->z1;

	pair->x2 = pair->x1;
	pair->x1 = x;
	pair->y2 = pair->y1;
	pair->y1 = y;
	pair->z2 = pair->z1;
	pair->z1 = z;
	pair->sum += z * z;
}

static void kweight_sum_2(const struct kweight_coef *coef, struct kweight_state *state,
			  const float *const *in, uint32_t n_frames, double *sum)
{
	const float *left = in[0], *right = in[1];
	const struct kweight_coef own = *coef;
	struct kweight_pair pair;

	kweight_pair_load(&pair, state, sum, 0);
	for (uint32_t i = 0; i < n_frames; i++)
		kweight_pair_step(&pair, &own, left[i], right[i]);
	kweight_pair_store(&pair, state, sum, 0);
}

static void kweight_sum_4(const struct kweight_coef *coef, struct kweight_state *state,
			  const float *const *in, uint32_t first, uint32_t n_frames, double *sum)
{
	const float *in0 = in[first], *in1 = in[first + 1], *in2 = in[first + 2],
		    *in3 = in[first + 3];
	const struct kweight_coef own = *coef;
	struct kweight_pair low, high;

	kweight_pair_load(&low, state, sum, first);
	kweight_pair_load(&high, state, sum, first + 2);
	for (uint32_t i = 0; i < n_frames; i++) {
		kweight_pair_step(&low, &own, in0[i], in1[i]);
		kweight_pair_step(&high, &own, in2[i], in3[i]);
	}
	kweight_pair_store(&low, state, sum, first);
	kweight_pair_store(&high, state, sum, first + 2);
}

void kweight_sum(const struct kweight_coef *coef, struct kweight_state *state,
		 const float *const *in, uint32_t lanes, uint32_t n_frames, double *sum)
{
	const float *lane[KWEIGHT_LANES];
	double total[KWEIGHT_LANES];

	/* Lanes beyond the channels repeat the first one and are thrown away. */
	for (uint32_t l = 0; l < KWEIGHT_LANES; l++) {
		lane[l] = in[l < lanes ? l : 0];
		total[l] = l < lanes ? sum[l] : 0.0;
	}
	if (lanes <= 2)
		kweight_sum_2(coef, state, lane, n_frames, total);
	else
		kweight_sum_4(coef, state, lane, 0, n_frames, total);
	if (lanes > 4)
		kweight_sum_4(coef, state, lane, 4, n_frames, total);
	for (uint32_t l = 0; l < lanes; l++)
		sum[l] = total[l];
}

void kweight_flush(struct kweight_state *state)
{
	double *word = (double *)state;

	for (uint32_t i = 0; i < sizeof(*state) / sizeof(double); i++)
		if (!(fabs(word[i]) >= 1e-30 && fabs(word[i]) <= 1e6))
			word[i] = 0.0;
}
