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

typedef float ramp_f32x16 __attribute__((vector_size(64), aligned(4), may_alias));

/* In place, too, which keeps a compiler from making vectors of a plain loop. */
MIXD_CLONES static void ramp_mul_const(float gain, const float *const *in, float *const *out,
				       uint32_t channels, uint32_t n)
{
	for (uint32_t c = 0; c < channels; c++) {
		const float *x = in[c];
		float *y = out[c];
		uint32_t i = 0;

		for (; i + 16 <= n; i += 16)
			*(ramp_f32x16 *)(y + i) = *(const ramp_f32x16 *)(x + i) * gain;
		for (; i < n; i++)
			y[i] = x[i] * gain;
	}
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
		ramp_mul_const((float)ramp->to, &in, &out, 1, rest);
	else if (in != out)
		memcpy(out, in, rest * sizeof(*out));
}

void dsp_ramp_mul_channels(const struct dsp_ramp *ramp, const float *const *in, float *const *out,
			   uint32_t channels, uint32_t n_frames)
{
	if (dsp_ramp_rests(ramp) && ramp->to != 0.0 && ramp->to != 1.0) {
		ramp_mul_const((float)ramp->to, in, out, channels, n_frames);
		return;
	}
	for (uint32_t c = 0; c < channels; c++)
		dsp_ramp_mul(ramp, in[c], out[c], n_frames);
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
