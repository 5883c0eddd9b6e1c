/* phase_state.h - what phase.c and phase_setup.c share. */
#pragma once

#include <mixd/node.h>

#include "eq_bank.h"
#include "hilbert.h"
#include "ramp.h"
#include "section_set.h"

#define PHASE_VOICE_SECTIONS 2u /* two first-order all-passes each */
#define PHASE_VOICE_STATE (PHASE_VOICE_SECTIONS * SVF_STATES)
#define PHASE_VOICE_COEF (EQ_BANK_GAIN_WORDS + PHASE_VOICE_SECTIONS * EQ_BANK_SECTION_WORDS)

enum { PHASE_PARAM_ANGLE, PHASE_PARAM_FREQ };
enum { PHASE_CONFIG_MODE, PHASE_CONFIG_FILTER };
enum phase_kind { PHASE_ROTATE_IIR, PHASE_ROTATE_FIR, PHASE_VOICE };

struct phase_state {
	/* --- immutable after init --- */
	enum phase_kind kind;
	uint32_t channels;
	struct hilbert hilbert;
	uint32_t half; /* FIR: the delay */
	float *taps;
	float *past; /* FIR: 2 half frames of each channel, then room for a slice */
	/* --- rt --- */
	struct dsp_ramp in_phase, quadrature;
	struct section_set set;
	struct section_set_slot slot[PHASE_VOICE_SECTIONS];
};

enum phase_kind phase_kind(const struct mixd_value *config);
int phase_needs(const struct mixd_setup *setup, struct mixd_need *ret_need,
		struct mixd_fault *fault);
int phase_activate(struct mixd_inst *inst, struct mixd_fault *fault);
