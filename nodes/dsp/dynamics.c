/* Source: D. Giannoulis, M. Massberg, J. D. Reiss, "Digital Dynamic Range Compressor Design", JAES
 * 60(6) 2012: feed-forward, log domain, detector after the gain computer, decoupled smooth; and
 * "Parameter Automation in a Dynamic Range Compressor", JAES 61(10) 2013, for the release from the
 * crest factor.
 *
 * Structure: log2 and exp2 are polynomials, not the C library's, so that they vectorize and give the
 * same bits on every machine; minimax, without a division: log2(m) = (m - 1) P5(m - 1) for m in
 * sqrt(1/2) .. sqrt(2), error 2.2e-6 (6.5e-6 dB of a power); 2^f = 1 + f P4(f) for |f| <= 1/2, relative
 * error 9.2e-8 (8e-7 dB), exactly 1 at 0. Loops are plain C without branches; the compiler makes them
 * as wide as the machine.
 */
#include "dynamics.h"

#include "dynamics_math.h"
#include "lanes_native.h"

#include <mixd/rt.h>

/* A NaN compares false and becomes 0: the states behind stay finite. */
MIXD_INLINE float dyn_power_one(float x)
{
	return dyn_smaller(dyn_larger(x * x, 0.0f), DYN_LEVEL_MAX_POWER);
}

MIXD_CLONES void dyn_power(const float *in, float *out, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		out[i] = dyn_power_one(in[i]);
}

MIXD_CLONES static void dyn_power_of_two(const float *restrict a, const float *restrict b,
					 float *restrict out, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		out[i] = dyn_larger(dyn_power_one(b[i]), dyn_power_one(a[i]));
}

MIXD_CLONES static void dyn_power_and_max(const float *in, float *out, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		out[i] = dyn_larger(dyn_power_one(in[i]), out[i]);
}

void dyn_power_of_loudest(const float *const *in, uint32_t n_in, float *out, uint32_t n)
{
	if (n_in > 1)
		dyn_power_of_two(in[0], in[1], out, n);
	else
		dyn_power(in[0], out, n);
	for (uint32_t k = 2; k < n_in; k++)
		dyn_power_and_max(in[k], out, n);
}

MIXD_CLONES void dyn_max(const float *in, float *out, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		out[i] = dyn_larger(in[i], out[i]);
}

MIXD_INLINE float dyn_level_one(float power)
{
	return 0.5f * dyn_log2(dyn_larger(power, DYN_LEVEL_MIN_POWER));
}

MIXD_CLONES void dyn_level(float *x, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		x[i] = dyn_level_one(x[i]);
}

MIXD_CLONES void dyn_link(float *own, const float *loudest, float link, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		own[i] = (1.0f - link) * own[i] + link * loudest[i];
}

MIXD_INLINE float dyn_reduce_one(const struct dyn_curve *curve, float level, float threshold,
				 float slope, float range)
{
	return dyn_want(level, threshold - 0.5f * curve->knee, curve->knee, curve->knee_scale,
			slope, range);
}

MIXD_CLONES static void dyn_reduce_rest(const struct dyn_curve *line, float *x, uint32_t n)
{
	const struct dyn_curve curve = *line;

	for (uint32_t i = 0; i < n; i++)
		x[i] = dyn_reduce_one(&curve, x[i], curve.threshold.at, curve.slope.at,
				      curve.range.at);
}

/* In log2 of the power, which saves halving it. */
MIXD_CLONES static void dyn_level_reduce_rest(const struct dyn_curve *line, float *x, uint32_t n)
{
	const float lower = 2.0f * (line->threshold.at - 0.5f * line->knee);
	const float knee = 2.0f * line->knee, knee_scale = 0.5f * line->knee_scale;
	const float slope = 0.5f * line->slope.at, range = line->range.at;

	for (uint32_t i = 0; i < n; i++)
		x[i] = dyn_want(dyn_log2(dyn_larger(x[i], DYN_LEVEL_MIN_POWER)), lower, knee,
				knee_scale, slope, range);
}

MIXD_CLONES static void dyn_reduce_move(const struct dyn_curve *line, int32_t first, float *x,
					int32_t n)
{
	const struct dyn_curve curve = *line;

	for (int32_t i = 0; i < n; i++)
		x[i] = dyn_reduce_one(&curve, x[i], dyn_line_at(&curve.threshold, first + i),
				      dyn_line_at(&curve.slope, first + i),
				      dyn_line_at(&curve.range, first + i));
}

static bool dyn_curve_rests(const struct dyn_curve *curve)
{
	return curve->threshold.step == 0.0f && curve->slope.step == 0.0f &&
	       curve->range.step == 0.0f;
}

void dyn_level_reduce(const struct dyn_curve *curve, uint32_t first, float *x, uint32_t n)
{
	if (dyn_curve_rests(curve)) {
		dyn_level_reduce_rest(curve, x, n);
		return;
	}
	dyn_level(x, n);
	dyn_reduce_move(curve, (int32_t)first, x, (int32_t)n);
}

void dyn_reduce(const struct dyn_curve *curve, uint32_t first, float *x, uint32_t n)
{
	if (dyn_curve_rests(curve))
		dyn_reduce_rest(curve, x, n);
	else
		dyn_reduce_move(curve, (int32_t)first, x, (int32_t)n);
}

MIXD_CLONES static int32_t dyn_gain_rest(float makeup, float *x, uint32_t n)
{
	int32_t most = 0;

	for (uint32_t i = 0; i < n; i++) {
		most = dyn_more(most, x[i]);
		x[i] = dyn_exp2(makeup - x[i]);
	}
	return most;
}

MIXD_CLONES static int32_t dyn_gain_move(const struct dyn_out *line, int32_t first, float *x,
					 int32_t n)
{
	const struct dyn_out out = *line;
	int32_t most = 0;

	for (int32_t i = 0; i < n; i++) {
		float mix = dyn_line_at(&out.mix, first + i);
		float gain = dyn_exp2(dyn_line_at(&out.makeup, first + i) - x[i]);

		most = dyn_more(most, x[i]);
		x[i] = (1.0f - mix) + mix * gain;
	}
	return most;
}

float dyn_gain(const struct dyn_out *out, uint32_t first, float *x, uint32_t n)
{
	int32_t bits = !out->dry && out->makeup.step == 0.0f
			       ? dyn_gain_rest(out->makeup.at, x, n)
			       : dyn_gain_move(out, (int32_t)first, x, (int32_t)n);

	return dyn_most(bits);
}

MIXD_CLONES void dyn_apply(const float *in, const float *gain, float *out, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		out[i] = in[i] * gain[i];
}

MIXD_CLONES void dyn_crest_release(const float *peak, const float *mean, float rate, float *out,
				   uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		float crest = peak[i] / dyn_larger(mean[i], DYN_LEVEL_MIN_POWER);

		/* Between a square wave and clicks 20 dB above the mean. */
		crest = dyn_smaller(dyn_larger(crest, 1.0f), 100.0f);
		out[i] = dyn_exp2(dyn_larger(-rate * crest, -100.0f));
	}
}

#define LANES_W 2
#include "dynamics_kernel.h"
#undef LANES_W
#define LANES_W 4
#include "dynamics_kernel.h"
#undef LANES_W
#define LANES_W 8
#include "dynamics_kernel.h"
#undef LANES_W

void dyn_to_lanes(const float *const *in, float *ret, uint32_t width, uint32_t n)
{
	if (width == 8)
		lanes_load_f32(in, 0, n, 8, ret);
	else if (width == 4)
		lanes_load_f32(in, 0, n, 4, ret);
	else
		lanes_load_f32(in, 0, n, 2, ret);
}

void dyn_from_lanes(const float *lanes, float *const *out, uint32_t width, uint32_t n)
{
	if (width == 8)
		lanes_store_f32(lanes, out, 0, n, 8);
	else if (width == 4)
		lanes_store_f32(lanes, out, 0, n, 4);
	else
		lanes_store_f32(lanes, out, 0, n, 2);
}

void dyn_smooth(uint32_t width, float *x, const float *release, bool hold, double *state,
		const double *coef, uint32_t n)
{
	switch (lanes_native_width(width)) {
	case 8:
		dyn_smooth_w8(x, release, hold, width, state, coef, n);
		break;
	case 4:
		dyn_smooth_w4(x, release, hold, width, state, coef, n);
		break;
	default:
		dyn_smooth_w2(x, release, hold, width, state, coef, n);
		break;
	}
}

void dyn_mean_power(uint32_t width, float *x, double *state, const double *coef, uint32_t n)
{
	switch (lanes_native_width(width)) {
	case 8:
		dyn_mean_power_w8(x, width, state, coef, n);
		break;
	case 4:
		dyn_mean_power_w4(x, width, state, coef, n);
		break;
	default:
		dyn_mean_power_w2(x, width, state, coef, n);
		break;
	}
}

void dyn_crest(uint32_t width, const float *x, float *ret_peak, float *ret_mean, double *state,
	       const double *coef, uint32_t n)
{
	switch (lanes_native_width(width)) {
	case 8:
		dyn_crest_w8(x, ret_peak, ret_mean, width, state, coef, n);
		break;
	case 4:
		dyn_crest_w4(x, ret_peak, ret_mean, width, state, coef, n);
		break;
	default:
		dyn_crest_w2(x, ret_peak, ret_mean, width, state, coef, n);
		break;
	}
}

void dyn_swing(struct dyn_swing *swing, float *x, uint32_t n)
{
	struct dyn_swing at = *swing;

	for (uint32_t i = 0; i < n; i++) {
		double way = (double)x[i] - at.value;
		bool rises = way >= 0.0, holds = !rises && at.held < at.hold_frames;
		double share = rises ? at.up : holds ? 0.0 : at.down;

		at.held = rises ? 0 : at.held + holds;
		at.value += share * way;
		x[i] = (float)at.value;
	}
	*swing = at;
}

void dyn_mean_row(double *power, double take, float *x, uint32_t n)
{
	double at = *power;

	for (uint32_t i = 0; i < n; i++) {
		at += take * ((double)x[i] - at);
		x[i] = (float)at;
	}
	*power = at;
}

void dyn_smooth_plain(uint32_t width, float *x, const float *release, bool hold, double *state,
		      const double *coef, uint32_t n)
{
	for (uint32_t lane = 0; lane < width; lane++) {
		double *s = state + lane;
		const double *c = coef + lane;
		double *released = &s[DYN_STATE_RELEASED * width];
		double *reduction = &s[DYN_STATE_REDUCTION * width];
		double *held = &s[DYN_STATE_HELD * width];
		double attack = c[DYN_COEF_ATTACK * width];

		for (uint32_t i = 0; i < n; i++) {
			double want = x[i * width + lane], r = c[DYN_COEF_RELEASE * width], fall;

			if (release && c[DYN_COEF_AUTO * width] > 0.0)
				r = release[i * width + lane];
			fall = r * *released + (1.0 - r) * want;
			if ((release || hold) && *held > 0.0)
				fall = *released;
			if (release || hold)
				*held = want >= *released ? c[DYN_COEF_HOLD_FRAMES * width]
							  : *held - 1.0;
			*released = want > fall ? want : fall;
			*reduction = attack * *reduction + (1.0 - attack) * *released;
			x[i * width + lane] = (float)*reduction;
		}
	}
}
