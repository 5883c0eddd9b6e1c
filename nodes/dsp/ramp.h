/* ramp.h - multiply by a param that moves: linear interpolation across a cell.
 *
 * WHAT        update() calls dsp_ramp_set() with the values at both ends of the cell; process()
 *             multiplies with dsp_ramp_mul() or adds with dsp_ramp_mix(), once per channel, then
 *             calls dsp_ramp_advance() once. Frame i of the cell gets from + (to - from) * i /
 *             frames; past the cell's end the value stays `to`.
 * THREADS     [rt]
 * INVARIANTS  R1 however a cell is cut into calls, each frame gets the same bits.
 *             R2 a resting gain of exactly 0 writes zeros (NaN does not pass), of 1 copies. */
#pragma once

#include <stdint.h>

struct dsp_ramp {
	double from, to;
	double step; /* per frame */
	uint32_t frames; /* length of the cell; 0: at rest */
	uint32_t done; /* frames of it already made */
};

static inline void dsp_ramp_set(struct dsp_ramp *ramp, double from, double to, uint32_t cell_frames)
{
	ramp->from = from;
	ramp->to = to;
	ramp->done = 0;
	ramp->frames = from == to ? 0 : cell_frames;
	ramp->step = ramp->frames ? (to - from) / ramp->frames : 0.0;
}

/* The gain of frame IDX counted from where the ramp stands. */
static inline double dsp_ramp_value(const struct dsp_ramp *ramp, uint32_t idx)
{
	uint32_t frame = ramp->done + idx;

	return frame < ramp->frames ? ramp->from + ramp->step * frame : ramp->to;
}

static inline void dsp_ramp_advance(struct dsp_ramp *ramp, uint32_t n_frames)
{
	uint32_t left = ramp->frames - ramp->done;

	ramp->done += n_frames < left ? n_frames : left;
}

/* True when every coming frame gets the same gain. */
static inline int dsp_ramp_rests(const struct dsp_ramp *ramp)
{
	return ramp->done >= ramp->frames;
}

/* out[i] = in[i] * gain(i). IN and OUT may be equal. [rt] */
void dsp_ramp_mul(const struct dsp_ramp *ramp, const float *in, float *out, uint32_t n_frames);
/* The same for CHANNELS at once. [rt] */
void dsp_ramp_mul_channels(const struct dsp_ramp *ramp, const float *const *in, float *const *out,
			   uint32_t channels, uint32_t n_frames);
/* out[i] += in[i] * gain(i), in f64: OUT is an accumulator. [rt] */
void dsp_ramp_mix(const struct dsp_ramp *ramp, const float *in, double *out, uint32_t n_frames);
