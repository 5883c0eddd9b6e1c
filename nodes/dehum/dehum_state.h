/* dehum_state.h - what dehum.c and dehum_setup.c share, and the canceller. */
#pragma once

#include <math.h>

#include <mixd/node.h>

#include "lanes.h"
#include "eq_bank.h"
#include "eq_design.h"
#include "glide.h"
#include "humtrack.h"
#include "ramp.h"
#include "section_set.h"

#define DEHUM_STATE_WORDS (HUMTRACK_HARMONICS * SVF_STATES)
#define DEHUM_COEF_WORDS (EQ_BANK_GAIN_WORDS + HUMTRACK_HARMONICS * EQ_BANK_SECTION_WORDS)
#define DEHUM_TOP 0.4 /* of the rate: no harmonic above is taken */
#define DEHUM_HELD 4.0 /* times the hum: larger errors are programme */
#define DEHUM_HELD_LEAST 1e-3

enum { DEHUM_PARAM_AMOUNT, DEHUM_PARAM_HARMONICS, DEHUM_PARAM_BANDWIDTH, DEHUM_PARAM_LISTEN };
enum { DEHUM_CONFIG_BASE, DEHUM_CONFIG_MODE };
enum { DEHUM_METER_FREQ, DEHUM_METER_CONFIDENCE, DEHUM_METER_LEVEL };
enum { DEHUM_BASE_AUTO, DEHUM_BASE_50, DEHUM_BASE_60 };

#define DEHUM_RANGE_HZ 0.6

/* Shared by all channels: the oscillators. */
struct dehum_canceller {
	double osc[2][HUMTRACK_HARMONICS], turn[2][HUMTRACK_HARMONICS];
	double follow[HUMTRACK_HARMONICS], part[HUMTRACK_HARMONICS];
	double depth;
};

struct dehum_weight {
	double of[2][HUMTRACK_HARMONICS];
	double level; /* of the hum so far: a sum of magnitudes */
};

struct dehum_state {
	/* --- immutable after init --- */
	uint32_t channels;
	bool subtract, fixed; /* fixed: the base is known */
	struct dehum_weight *weight; /* per channel */
	/* --- rt --- */
	double hz; /* in force; 0: none yet */
	double part[HUMTRACK_HARMONICS]; /* how much of each is in */
	bool updated; /* by update(), for the coming process() */
	bool resting; /* nothing moves by itself */
	uint32_t quiet_frames; /* of this call, before the first sound */
	struct dsp_ramp listen;
	double listen_part;
	struct section_set set;
	struct section_set_slot slot[HUMTRACK_HARMONICS];
	struct dehum_canceller canceller;
	struct humtrack track;
};

int dehum_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
		struct mixd_fault *fault);
int dehum_activate(struct mixd_inst *inst, struct mixd_fault *fault);

static inline double dehum_width_hz(uint32_t harmonic, double width_hz)
{
	return width_hz * pow(harmonic, 0.7);
}

static inline struct svf_section dehum_notch(double hz, uint32_t harmonic, double width_hz,
					     double rate)
{
	struct eq_band band = {
		.type = EQ_TYPE_NOTCH,
		.freq_hz = fmin(hz * harmonic, DEHUM_TOP * rate),
		.q = hz * harmonic / dehum_width_hz(harmonic, width_hz),
	};
	struct svf_section section[EQ_BAND_SECTIONS];

	eq_design(&band, rate, section);
	return section[0];
}

/* The oscillators of one frame. */
struct dehum_wave {
	lanes_f64x8 re[2], im[2];
};

/* The oscillators for N_FRAMES, and past them. */
void dehum_oscillate(struct dehum_canceller *canceller, struct dehum_wave *ret, uint32_t n_frames);
/* Two channels: OUT = IN less its hum. WEIGHT, IN and OUT of both may be the same. */
void dehum_cancel(const struct dehum_canceller *canceller, struct dehum_weight *const weight[2],
		  const struct dehum_wave *wave, const float *const in[2], float *const out[2],
		  uint32_t n_frames);
