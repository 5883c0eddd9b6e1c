/* Source: linear interpolation; that it suffices between the engine's smoothstep points is measured
 * in tests/unit/test_dsp_ramp.c. The gain is made in f64 and rounded once per frame, so that its
 * value depends on the frame alone and not on how the loop is cut. */
#include "ramp.h"

#include <string.h>

#include "clones.h"

#include <mixd/rt.h>

/* Frames of this call that still lie inside the cell. */
static uint32_t ramp_moving(const struct dsp_ramp *ramp, uint32_t n_frames)
{
	uint32_t left = ramp->frames - ramp->done;

	return n_frames < left ? n_frames : left;
}

MIXD_CLONES static void ramp_mul_moving(double from, double step, int32_t first, const float *in,
					float *out, int32_t n)
{
	for (int32_t i = 0; i < n; i++)
		out[i] = in[i] * (float)(from + step * (first + i));
}

MIXD_CLONES static void ramp_mul_const(float gain, const float *in, float *out, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		out[i] = in[i] * gain;
}

MIXD_CLONES static void ramp_mix_moving(double from, double step, int32_t first, const float *in,
					double *out, int32_t n)
{
	for (int32_t i = 0; i < n; i++)
		out[i] += in[i] * (from + step * (first + i));
}

MIXD_CLONES static void ramp_mix_const(double gain, const float *in, double *out, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		out[i] += in[i] * gain;
}

void dsp_ramp_mul(const struct dsp_ramp *ramp, const float *in, float *out, uint32_t n_frames)
{
	uint32_t moving = ramp_moving(ramp, n_frames), rest = n_frames - moving;

	if (moving)
		ramp_mul_moving(ramp->from, ramp->step, (int32_t)ramp->done, in, out,
				(int32_t)moving);
	if (!rest)
		return;
	in += moving;
	out += moving;
	if (ramp->to == 0.0)
		memset(out, 0, rest * sizeof(*out));
	else if (ramp->to != 1.0)
		ramp_mul_const((float)ramp->to, in, out, rest);
	else if (in != out)
		memcpy(out, in, rest * sizeof(*out));
}

void dsp_ramp_mix(const struct dsp_ramp *ramp, const float *in, double *out, uint32_t n_frames)
{
	uint32_t moving = ramp_moving(ramp, n_frames), rest = n_frames - moving;

	if (moving)
		ramp_mix_moving(ramp->from, ramp->step, (int32_t)ramp->done, in, out,
				(int32_t)moving);
	if (rest && ramp->to != 0.0)
		ramp_mix_const(ramp->to, in + moving, out + moving, rest);
}
