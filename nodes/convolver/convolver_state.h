/* convolver_state.h - what convolver.c and convolver_setup.c share. */
#pragma once

#include <mixd/node.h>

#include "partconv.h"
#include "ramp.h"

#define CONVOLVER_SECONDS_MAX 30.0 /* of a response, stretched and trimmed */
#define CONVOLVER_PREDELAY_MAX_MS 500.0
#define CONVOLVER_STRETCH_MAX 200.0

enum {
	CONVOLVER_CONFIG_IR,
	CONVOLVER_CONFIG_MAPPING,
	CONVOLVER_CONFIG_NORMALIZE,
	CONVOLVER_CONFIG_TRIM,
	CONVOLVER_CONFIG_STRETCH,
};
enum { CONVOLVER_AUTO, CONVOLVER_MONO, CONVOLVER_CHANNELS, CONVOLVER_MATRIX };
enum { CONVOLVER_AS_IT_IS, CONVOLVER_ENERGY, CONVOLVER_PEAK };
enum { CONVOLVER_METER_LATE, CONVOLVER_METER_LENGTH, CONVOLVER_METER_SCALE };

struct convolver_state {
	/* --- immutable after init --- */
	struct partconv *conv;
	float *ring; /* [channel][ring_frames]: the convolved signal */
	uint32_t ring_frames; /* power of two */
	uint32_t n_channels;
	double length_s, scale_db;
	/* --- rt --- */
	struct dsp_ramp dry, wet;
	uint64_t heard; /* frames in the ring since reset */
	uint32_t delay, delay_before, delay_wanted; /* frames */
	uint32_t fade_done, fade_frames; /* from delay_before to delay */
	float buffer[MIXD_CHANNELS_MAX][MIXD_SLICE_MAX];
};

int convolver_activate(struct mixd_inst *inst, struct mixd_fault *fault);
void convolver_deactivate(struct mixd_inst *inst);
